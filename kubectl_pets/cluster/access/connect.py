"""From kubectl's connection flags to a client: which server, trusted how, as whom.

Everything that can be wrong with a kubeconfig is found before the first request, and said in terms of the kubeconfig. Over plain
HTTP nobody is told who asks: no token, no password, no certificate leaves this machine and no plugin runs (client-go
``DirectClientConfig.ClientConfig``).
"""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from posixpath import normpath
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from kubectl_pets.cluster.access import kuberc, oidc
from kubectl_pets.cluster.access.choosing import ChosenAccess, Flags, choose
from kubectl_pets.cluster.access.kubeconfig import AuthProvider, ClusterInfo, UserInfo
from kubectl_pets.cluster.access.kuberc import Policy
from kubectl_pets.cluster.access.plugins import Plugin
from kubectl_pets.cluster.client import Client
from kubectl_pets.cluster.http.credentials import (
    Certificate,
    Credential,
    Credentials,
    Fixed,
    TokenFile,
    WithCertificate,
    basic,
    bearer,
    header_text,
)
from kubectl_pets.cluster.http.failures import clean, shown_url
from kubectl_pets.cluster.http.pools import usable
from kubectl_pets.cluster.http.proxies import proxy_for
from kubectl_pets.cluster.http.target import Target
from kubectl_pets.cluster.http.transport import Transport
from kubectl_pets.errors import ConfigError

_EXEC_EXTENSION = "client.authentication.k8s.io/exec"


def connect(
    flags: Flags,
    environ: Mapping[str, str] | None = None,
    tell: Callable[[str], None] | None = None,
    command: str = "",
    field_manager: str = "",
) -> Client:
    """A client for the cluster that the flags, the kubeconfig or the surrounding pod name. Sends nothing yet.

    ``command``: what was typed, without arguments: "kubectl pets status"; empty: nothing is sent of it. ``field_manager``: the
    name under which sets are changed; empty: our own. ``tell`` is told what the user should know, a line at a time and without
    secrets: what the server warns of, with ``-v=6`` each request. Raises ConfigError.
    """
    environ = os.environ if environ is None else environ
    policy = kuberc.load(flags.kuberc, environ, tell or _unheard)
    chosen = choose(flags, environ)
    cluster, user = chosen.cluster, chosen.user
    server = _server_url(cluster.server or "")
    secure = server.startswith("https:")
    target = Target(
        server=server,
        name=chosen.name,
        namespace=_path_segment(chosen.namespace),
        insecure=secure and bool(cluster.insecure_skip_tls_verify),
        authority=_authority(cluster) if secure else None,
        tls_server_name=_tls_name(cluster.tls_server_name or "") if secure else None,
        proxy=proxy_for(server, cluster.proxy_url, environ),
        impersonation=_impersonation(user),
        command=_command_headers(command, environ),
        request_timeout=flags.request_timeout or None,
        compression=not cluster.disable_compression,
    )
    credentials: Credentials = Fixed(Credential())
    if secure:
        credentials = _credentials(chosen, policy, _for_plugins(cluster, target), environ)
    return Client(Transport(target, credentials, tell if flags.verbosity >= 6 else None, warn=tell), field_manager)


def _command_headers(command: str, environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """As kubectl has them, for proxies and logs of a server: the command, and an identifier of this run. KUBECTL_COMMAND_HEADERS
    turns them off (cli-runtime, genericclioptions/command_headers.go; KEP-859)."""
    if not command or environ.get("KUBECTL_COMMAND_HEADERS") in ("false", "0"):
        return ()
    return ("Kubectl-Command", command), ("Kubectl-Session", _identifier())


def _identifier() -> str:
    """A random UUID (RFC 9562, version 4). Python's module of that name asks what system this is, to make others than these."""
    drawn = int.from_bytes(os.urandom(16)) & ~(0xF << 76 | 0x3 << 62) | 4 << 76 | 0x2 << 62
    text = f"{drawn:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _unheard(line: str) -> None:
    pass


def _server_url(server: str) -> str:
    """The URL without a slash at its end, as client-go reads it: what has no scheme is plain HTTP, and nothing counts but scheme,
    host, port and path."""
    url = re.fullmatch(r"([A-Za-z][A-Za-z0-9+.-]*://[^/?#]+)([^?#]*).*", server)
    bare = re.fullmatch(r"([^/?#@]+)/?", server)
    try:
        parts = urlsplit(f"{url[1]}{url[2]}" if url else f"http://{bare[1]}" if bare else "")
        host = parts.hostname or ""
        right = parts.scheme in ("http", "https") and bool(host) and (parts.port is None or parts.port > 0)
        zoned = "%" in host and not ipaddress.ip_address(host.replace("%25", "%")).is_link_local
    except ValueError:
        right = zoned = False
    if not right or re.search(r"[\s\x00-\x1f\x7f]|%(?![0-9A-Fa-f]{2})", re.sub(r"\[[^]]*]", "", server)):
        raise ConfigError(f"the server {shown_url(server)} is not a URL of http or https")
    if "@" in parts.netloc:
        raise ConfigError(
            f"the server {shown_url(server)} has a user name or password in its URL",
            hint="take it out; the user in the kubeconfig, --username or --token say who you are",
        )
    path = quote(normpath("/" + unquote(parts.path).lstrip("/")).rstrip("/"), safe="/$&+,:;=@")  # as Go writes what it has read
    place = re.sub("%.*]", "]", parts.netloc) if zoned else parts.netloc  # where a zone means nothing
    return f"{parts.scheme}://{_unmapped(place)}{path}"


def _unmapped(place: str) -> str:
    """``[::ffff:192.0.2.1]:6443`` as ``192.0.2.1:6443``: for Go they are one address, and what stands in certificates is this."""
    inside = re.match(r"\[([0-9A-Fa-f:.]+)]", place)
    mapped = getattr(ipaddress.ip_address(inside[1]), "ipv4_mapped", None) if inside else None
    return f"{mapped}{place[inside.end():]}" if inside and mapped else place


def _tls_name(name: str) -> str | None:
    """What the certificate is checked for instead of the server's name; None: nothing else."""
    if not name:
        return None  # before the codec is asked, which knows a megabyte of characters
    try:
        name.encode("idna")
    except UnicodeError:
        raise ConfigError(f"the tls-server-name {clean(name, 80)!r} can be no server's name") from None
    try:
        return str(getattr(ipaddress.ip_address(name), "ipv4_mapped", None) or name)
    except ValueError:
        return name


def _path_segment(namespace: str) -> str:
    """What could not be one segment of a path is no namespace (client-go ``IsValidPathSegmentName``)."""
    if namespace in (".", "..") or "/" in namespace or "%" in namespace:
        raise ConfigError(f"{clean(namespace)!r} cannot be a namespace")
    return namespace


def _authority(cluster: ClusterInfo) -> bytes | None:
    """The certificates to trust; None: this machine's own."""
    path, data = cluster.certificate_authority, cluster.certificate_authority_data
    if cluster.insecure_skip_tls_verify and (path or data):
        raise ConfigError(
            "insecure-skip-tls-verify and a certificate authority are given both",
            hint="with the authority the certificate can be verified: leave insecure-skip-tls-verify out",
        )
    return bytes(data) if data else _contents(path, "certificate-authority") if path else None


def _contents(path: str, what: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ConfigError(f"the {what} {clean(path)} cannot be read: {error.strerror}") from None


def _credentials(chosen: ChosenAccess, policy: Policy, cluster: Mapping[str, Any], environ: Mapping[str, str]) -> Credentials:
    """As client-go decides it: a token or a password goes beside a client certificate, a plugin runs only where there is none of
    these, whatever they are good for."""
    user = chosen.user
    certified = bool(user.client_certificate or user.client_certificate_data)
    plugin = Plugin(user.exec, cluster, environ, policy) if user.exec is not None else None
    _check_provider(user.auth_provider)
    if user.token_file and user.username:
        raise ConfigError("the user has a token and a password, and only one of them can be sent", hint="keep one of them")
    credentials: Credentials
    if user.token_file:
        credentials = TokenFile(user.token_file, user.token)
        credentials.current()  # said now rather than with the first request
    elif user.token:
        credentials = Fixed(Credential(bearer(user.token, "the token of the user")))
    elif user.username:
        credentials = Fixed(Credential(basic(user.username, user.password or "")))
    elif user.auth_provider is not None:
        credentials = Fixed(Credential(bearer(oidc.id_token(user.auth_provider.config or {}), "the id-token of the user")))
    elif certified:
        credentials = Fixed(Credential())
    elif plugin is not None:
        return plugin
    else:
        raise chosen.missing or ConfigError(
            "nothing says who you are: no token, certificate or plugin is configured for the user",
            hint="log in with the tool of your cluster, or give --user or --token",
        )
    return _with_certificate(credentials, user) if certified else credentials


def _with_certificate(credentials: Credentials, user: UserInfo) -> Credentials:
    """``credentials`` and the client certificate, which is read again where it is in files."""

    def read(known: Certificate | None) -> Certificate:
        chain = user.client_certificate_data or _contents(user.client_certificate or "", "client-certificate")
        key = user.client_key_data or _contents(user.client_key or "", "client-key")
        found = Certificate(bytes(chain), bytes(key))
        return found if found == known else usable(found)

    return WithCertificate(credentials, read)


def _check_provider(provider: AuthProvider | None) -> None:
    if provider is None:
        return
    if provider.name == "oidc":
        oidc.check(provider.config or {})
        return
    raise ConfigError(
        f"the user in the kubeconfig has the auth-provider {clean(provider.name or '', 40)!r}, which is not supported",
        hint="auth-providers gave way to exec credential plugins (kubelogin, gke-gcloud-auth-plugin)",
    )


def _impersonation(user: UserInfo) -> tuple[tuple[str, str], ...]:
    if not user.impersonate:
        return ()
    headers = [("Impersonate-User", header_text(user.impersonate, "--as"))]
    headers += [("Impersonate-Group", header_text(group or "", "--as-group")) for group in user.as_groups or ()]
    if user.as_uid:
        headers.append(("Impersonate-Uid", header_text(user.as_uid, "--as-uid")))
    for key, values in (user.as_user_extra or {}).items():
        small = re.sub("[A-Z]+", lambda letters: letters[0].lower(), key)  # the server does so, to these and no others
        escaped = quote(small, safe="!#$&'*+-.^_`|~")
        headers += [(f"Impersonate-Extra-{escaped}", header_text(value or "", "as-user-extra")) for value in values or ()]
    return tuple(headers)


def _for_plugins(cluster: ClusterInfo, target: Target) -> dict[str, Any]:
    """``spec.cluster`` of the ExecCredential that a plugin gets when it asks for it (client-go ``ConfigToExecCluster``)."""
    server = cluster.server or ""
    told = {
        "server": re.sub(r"[?#].*", "", server) if len(urlsplit(server).path) > 1 else server,
        "tls-server-name": target.tls_server_name,
        "insecure-skip-tls-verify": target.insecure or None,
        "certificate-authority-data": target.authority or None,
        "proxy-url": cluster.proxy_url or None,
        "disable-compression": cluster.disable_compression or None,
    }
    extended = [each.extension for each in cluster.extensions or () if each and each.name == _EXEC_EXTENSION]
    return {key: value for key, value in told.items() if value is not None} | {"config": next(iter(extended), None)}
