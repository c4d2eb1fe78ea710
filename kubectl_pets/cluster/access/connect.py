"""From kubectl's connection flags to a client: which server, trusted how, as whom.

Everything that can be wrong with a kubeconfig is found here, before the first request, and said in terms of the kubeconfig. Where
kubectl would try localhost:8080 for want of anything better, this says where it looked.
"""

import os
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from kubectl_pets.cluster.access import kubeconfig
from kubectl_pets.cluster.access.kubeconfig import ClusterInfo, ContextInfo, KubeConfig, UserInfo
from kubectl_pets.cluster.access.plugins import Plugin
from kubectl_pets.cluster.client import Client
from kubectl_pets.cluster.http.credentials import (
    Certificate,
    Credential,
    Credentials,
    Fixed,
    TokenFile,
    basic,
    bearer,
    header_text,
)
from kubectl_pets.cluster.http.failures import clean, shown_url
from kubectl_pets.cluster.http.proxies import proxy_for
from kubectl_pets.cluster.http.target import Target
from kubectl_pets.cluster.http.transport import Transport
from kubectl_pets.errors import ConfigError

#: Where a pod finds its service account.
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")

_EXEC_EXTENSION = "client.authentication.k8s.io/exec"


class Flags(Protocol):
    """kubectl's connection flags; ``session.ConnectionFlags`` has them."""

    @property
    def kubeconfig(self) -> str | None: ...
    @property
    def context(self) -> str | None: ...
    @property
    def cluster(self) -> str | None: ...
    @property
    def user(self) -> str | None: ...
    @property
    def namespace(self) -> str | None: ...
    @property
    def server(self) -> str | None: ...
    @property
    def token(self) -> str | None: ...
    @property
    def as_user(self) -> str | None: ...
    @property
    def as_groups(self) -> tuple[str, ...]: ...
    @property
    def as_uid(self) -> str | None: ...
    @property
    def request_timeout(self) -> float | None: ...
    @property
    def insecure_skip_tls_verify(self) -> bool: ...
    @property
    def certificate_authority(self) -> str | None: ...
    @property
    def tls_server_name(self) -> str | None: ...


def connect(flags: Flags, environ: Mapping[str, str] | None = None) -> Client:
    """A client for the cluster that the flags, the kubeconfig or the surrounding pod name. Sends nothing yet."""
    environ = os.environ if environ is None else environ
    config = kubeconfig.load(flags.kubeconfig, environ)
    if config.empty and not flags.kubeconfig and _in_pod(environ):
        name, context, cluster, user = _pod(environ)
    else:
        name, context, cluster, user = _chosen(flags, config)
    cluster = _overridden(cluster, flags)
    certificate = _certificate(user)
    server = _server_url(cluster, certificate)
    target = Target(
        server=server,
        name=name,
        namespace=flags.namespace or context.namespace or "default",
        insecure=bool(cluster.insecure_skip_tls_verify),
        authority=_bytes(cluster.certificate_authority_data, cluster.certificate_authority, "certificate-authority"),
        tls_server_name=cluster.tls_server_name or None,
        proxy=proxy_for(server, cluster.proxy_url, environ),
        impersonation=_impersonation(flags, user),
        request_timeout=flags.request_timeout or None,
    )
    credentials = _credentials(flags, user, certificate, _for_plugins(cluster, target), environ)
    return Client(Transport(target, credentials))


def _chosen(flags: Flags, config: KubeConfig) -> tuple[str, ContextInfo, ClusterInfo, UserInfo]:
    """The context's name in words, and its three parts with ``--cluster`` and ``--user`` seen to."""
    context, name = ContextInfo(), flags.context or config.current_context
    if name:
        context = kubeconfig.choose(config.contexts, name, "context", config.sources)
    cluster_name, user_name = flags.cluster or context.cluster, flags.user or context.user
    if cluster_name:
        cluster = kubeconfig.choose(config.clusters, cluster_name, "cluster", config.sources)
    elif flags.server:
        cluster = ClusterInfo()
    else:
        raise _nowhere(config, name)
    user = kubeconfig.choose(config.users, user_name, "user", config.sources) if user_name else UserInfo()
    return (f"context {clean(name)}" if name else "no context"), context, cluster, user


def _nowhere(config: KubeConfig, context: str) -> ConfigError:
    looked = ", ".join(clean(source) for source in config.sources)
    if context:
        return ConfigError(f"the context {clean(context)!r} names no cluster", hint="give --cluster or --server")
    if config.contexts:
        known = ", ".join(clean(name) for name in sorted(config.contexts)[:10])
        return ConfigError("no context is chosen", hint=f"kubectl config use-context NAME, or --context; there are: {known}")
    return ConfigError(
        f"no cluster is configured: looked in {looked}, and this does not run in a pod",
        hint="set KUBECONFIG, give --kubeconfig or --server, or log in with the tool of your cluster",
    )


def _in_pod(environ: Mapping[str, str]) -> bool:
    known = environ.get("KUBERNETES_SERVICE_HOST") and environ.get("KUBERNETES_SERVICE_PORT")
    return bool(known) and (SERVICE_ACCOUNT / "token").is_file()


def _pod(environ: Mapping[str, str]) -> tuple[str, ContextInfo, ClusterInfo, UserInfo]:
    host, port = environ["KUBERNETES_SERVICE_HOST"], environ["KUBERNETES_SERVICE_PORT"]
    try:
        namespace = (SERVICE_ACCOUNT / "namespace").read_text().strip()
    except OSError:
        namespace = ""
    cluster = ClusterInfo(
        server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        certificate_authority=str(SERVICE_ACCOUNT / "ca.crt"),
    )
    context = ContextInfo(namespace=environ.get("POD_NAMESPACE") or namespace)
    return "this pod's cluster", context, cluster, UserInfo(token_file=str(SERVICE_ACCOUNT / "token"))


def _overridden(cluster: ClusterInfo, flags: Flags) -> ClusterInfo:
    """The flags win; a flag about trust replaces all that the kubeconfig says about trust."""
    if flags.server:
        cluster.server = flags.server
    if flags.server or flags.tls_server_name:
        cluster.tls_server_name = flags.tls_server_name
    if flags.insecure_skip_tls_verify or flags.certificate_authority:
        cluster.insecure_skip_tls_verify = flags.insecure_skip_tls_verify
        cluster.certificate_authority = flags.certificate_authority
        cluster.certificate_authority_data = None
    if cluster.insecure_skip_tls_verify and (cluster.certificate_authority or cluster.certificate_authority_data):
        raise ConfigError(
            "insecure-skip-tls-verify and a certificate authority are given both",
            hint="with the authority the certificate can be verified: leave insecure-skip-tls-verify out",
        )
    return cluster


def _server_url(cluster: ClusterInfo, certificate: Certificate | None) -> str:
    server = (cluster.server or "").strip()
    if not server:
        raise ConfigError("the cluster in the kubeconfig has no server", hint="give --server, or mend the kubeconfig")
    if "://" not in server:
        trusting = cluster.certificate_authority or cluster.certificate_authority_data or cluster.insecure_skip_tls_verify
        server = f"{'https' if trusting or certificate else 'http'}://{server}"
    try:
        parts = urlsplit(server)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(f"the server {shown_url(server)} is not a URL of http or https")
    return server.rstrip("/")


def _bytes(data: str | None, path: str | None, what: str) -> bytes | None:
    """What is given as base64 or as a file's path; the former wins."""
    if data:
        try:
            return b64decode("".join(data.split()), validate=True)
        except (Base64Error, ValueError):
            raise ConfigError(f"{what}-data in the kubeconfig is not base64") from None
    if not path:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"the {what} {clean(path)} cannot be read: {error.strerror}") from None


def _certificate(user: UserInfo) -> Certificate | None:
    chain = _bytes(user.client_certificate_data, user.client_certificate, "client-certificate")
    key = _bytes(user.client_key_data, user.client_key, "client-key")
    if chain is None and key is None:
        return None
    if chain is None or key is None:
        there, missing = ("client-key", "client-certificate") if chain is None else ("client-certificate", "client-key")
        raise ConfigError(f"the user in the kubeconfig has a {there}, but no {missing}")
    return Certificate(chain, key)


def _credentials(
    flags: Flags, user: UserInfo, certificate: Certificate | None, cluster: Mapping[str, Any], environ: Mapping[str, str]
) -> Credentials:
    """In kubectl's order: a token beats a plugin beats a password; a certificate goes beside any of them."""
    if flags.token:
        return Fixed(Credential(bearer(flags.token, "the token given with --token"), certificate))
    if user.token_file:
        return TokenFile(user.token_file, certificate, user.token)
    if user.token:
        return Fixed(Credential(bearer(user.token, "the token of the user in the kubeconfig"), certificate))
    if user.exec is not None:
        return Plugin(user.exec, cluster, environ, certificate)
    if user.username or user.password:
        return Fixed(Credential(basic(user.username or "", user.password or ""), certificate))
    if user.auth_provider is not None:
        raise ConfigError(
            f"the user in the kubeconfig has the auth-provider {clean(str(user.auth_provider.get('name', '')), 40)!r}, "
            "which is not supported",
            hint="auth-providers gave way to exec credential plugins (kubelogin, gke-gcloud-auth-plugin); or give --token",
        )
    return Fixed(Credential(None, certificate))


def _impersonation(flags: Flags, user: UserInfo) -> tuple[tuple[str, str], ...]:
    name, uid = flags.as_user or user.impersonate, flags.as_uid or user.as_uid
    groups, extra = flags.as_groups or tuple(user.as_groups or ()), user.as_user_extra or {}
    if not name:
        if uid or groups or extra:
            raise ConfigError("a group, uid or extra is impersonated, but no user", hint="give --as as well")
        return ()
    headers = [("Impersonate-User", header_text(name, "--as"))]
    headers += [("Impersonate-Group", header_text(group, "--as-group")) for group in groups]
    if uid:
        headers.append(("Impersonate-Uid", header_text(uid, "--as-uid")))
    for key, values in extra.items():
        escaped = quote(key.lower(), safe="!#$&'*+-.^_`|~")
        headers += [(f"Impersonate-Extra-{escaped}", header_text(value, "as-user-extra")) for value in values]
    return tuple(headers)


def _for_plugins(cluster: ClusterInfo, target: Target) -> dict[str, Any]:
    """``spec.cluster`` of the ExecCredential that a plugin gets when it asks for it."""
    extensions = cluster.extensions or ()
    told = {
        "server": target.server,
        "tls-server-name": target.tls_server_name,
        "insecure-skip-tls-verify": target.insecure or None,
        "certificate-authority-data": target.authority,
        "proxy-url": cluster.proxy_url,
        "config": next((entry.get("extension") for entry in extensions if entry.get("name") == _EXEC_EXTENSION), None),
    }
    return {key: value for key, value in told.items() if value is not None}
