"""Reads kubeconfig files as kubectl does: several of them, merged, the first to say something wins.

The client library's own reader lets the last ``current-context`` win and knows neither impersonation nor relative plugins, so
it is read here, into the types of client-go's ``clientcmd/api/v1``: a value of another kind anywhere spoils the whole file, an
entry that lacks something harms only whoever uses it. Nothing in this module shows a value from the file, because any of them may
be a secret.
"""

import os
import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from kubectl_pets.cluster.access.goyaml import GoYamlError, first_document
from kubectl_pets.cluster.http.failures import clean
from kubectl_pets.errors import ConfigError

#: The versions of exec plugins whose ``interactiveMode`` may be left out (client-go ``SetDefaults_ExecConfig``).
_LENIENT = ("client.authentication.k8s.io/v1beta1", "client.authentication.k8s.io/v1alpha1")


#: Where the kubeconfig lies, below the home folder.
_USUAL = (".kube", "config")


class Base64(bytes):
    """Bytes that stand in a file as base64."""


class _Part(msgspec.Struct, kw_only=True, rename="kebab"):
    """A part of a kubeconfig; keys that are unknown are ignored, as kubectl does, and null means not there."""


class Extension(_Part):
    name: str | None = None
    extension: Any = None


class ClusterInfo(_Part):
    server: str | None = None
    tls_server_name: str | None = None
    insecure_skip_tls_verify: bool | None = None
    certificate_authority: str | None = None
    certificate_authority_data: Base64 | None = None
    proxy_url: str | None = None
    disable_compression: bool | None = None
    extensions: list[Extension | None] | None = None


class EnvVar(_Part):
    name: str | None = None
    value: str | None = None


class ExecPlugin(msgspec.Struct, kw_only=True, rename="camel"):
    command: str | None = None
    api_version: str | None = None
    args: list[str | None] | None = None
    env: list[EnvVar | None] | None = None
    install_hint: str | None = None
    provide_cluster_info: bool | None = None
    interactive_mode: str | None = None


class AuthProvider(_Part):
    name: str | None = None
    config: dict[str, str | None] | None = None


class Preferences(_Part):
    colors: bool | None = None
    extensions: list[Extension | None] | None = None


class UserInfo(_Part):
    token: str | None = None
    token_file: str | None = msgspec.field(name="tokenFile", default=None)
    client_certificate: str | None = None
    client_certificate_data: Base64 | None = None
    client_key: str | None = None
    client_key_data: Base64 | None = None
    username: str | None = None
    password: str | None = None
    impersonate: str | None = msgspec.field(name="as", default=None)
    as_uid: str | None = None
    as_groups: list[str | None] | None = None
    as_user_extra: dict[str, list[str | None] | None] | None = None
    auth_provider: AuthProvider | None = None
    exec: ExecPlugin | None = None
    extensions: list[Extension | None] | None = None


class ContextInfo(_Part):
    cluster: str | None = None
    user: str | None = None
    namespace: str | None = None
    extensions: list[Extension | None] | None = None


class _NamedCluster(_Part):
    name: str | None = None
    cluster: ClusterInfo | None = None


class _NamedUser(_Part):
    name: str | None = None
    user: UserInfo | None = None


class _NamedContext(_Part):
    name: str | None = None
    context: ContextInfo | None = None


class _File(_Part):
    api_version: str | None = msgspec.field(name="apiVersion", default=None)
    kind: str | None = None
    current_context: str | None = None
    preferences: Preferences | None = None
    extensions: list[Extension | None] | None = None
    clusters: list[_NamedCluster | None] | None = None
    users: list[_NamedUser | None] | None = None
    contexts: list[_NamedContext | None] | None = None


class KubeConfig(msgspec.Struct, kw_only=True):
    """All files merged. Paths in it are absolute. ``sources``: where it was looked for, whether found or not."""

    clusters: dict[str, ClusterInfo] = {}
    users: dict[str, UserInfo] = {}
    contexts: dict[str, ContextInfo] = {}
    current_context: str = ""
    sources: tuple[str, ...] = ()


_V = TypeVar("_V")


def load(explicit: str | None, environ: Mapping[str, str]) -> KubeConfig:
    """The file given with ``--kubeconfig``, else those in ``KUBECONFIG``, else ``~/.kube/config``."""
    if explicit:
        if not os.path.exists(explicit):
            raise ConfigError(f"there is no kubeconfig at {clean(explicit)}", hint="check --kubeconfig")
        return _merge([explicit])
    variable = environ.get("KUBECONFIG")
    if variable:  # even one that lists nothing
        return _merge([path for path in _split(variable) if path])
    return _merge([os.path.join(home(environ), *_USUAL)])


def home(environ: Mapping[str, str]) -> str:
    """The folder that ``.kube`` is looked for in (client-go ``homedir.HomeDir``)."""
    if os.name != "nt":
        return environ.get("HOME") or os.path.expanduser("~")
    drive, path = environ.get("HOMEDRIVE", ""), environ.get("HOMEPATH", "")
    known = [environ.get("HOME"), drive + path if drive and path else None, environ.get("USERPROFILE")]
    folders = [each for each in known if each] or [os.path.expanduser("~")]
    used = [each for each in folders if os.path.exists(os.path.join(each, *_USUAL))] or [*filter(os.path.exists, folders)]
    return (used or folders)[0]


def _split(listed: str) -> list[str]:
    """The paths in KUBECONFIG. On Windows quotes keep a path with semicolons together (Go's ``filepath.SplitList``)."""
    paths = re.findall(r'(?:[^;"]|"[^"]*"?)+', listed) if os.name == "nt" else listed.split(os.pathsep)
    return [path.replace('"', "") if os.name == "nt" else path for path in paths]


def choose(named: Mapping[str, _V], wanted: str, kind: str, sources: Iterable[str]) -> _V:
    """The entry of that name, or a ConfigError that names those there are, nearest first."""
    if wanted in named:
        return named[wanted]
    from difflib import get_close_matches  # only where something is missing

    near = get_close_matches(wanted, named, n=5, cutoff=0.5)
    known = near + sorted(name for name in named if name not in near)
    if not known:
        hint = f"there are no {kind}s at all in {_listed(sources)}"
    else:
        more = f" and {len(known) - 10} more" if len(known) > 10 else ""
        hint = f"there are: {', '.join(clean(name) for name in known[:10])}{more}"
    raise ConfigError(f"the kubeconfig has no {kind} named {clean(wanted)!r}", hint=hint)


def _listed(sources: Iterable[str]) -> str:
    return ", ".join(clean(source) for source in sources) or "any kubeconfig"


def _merge(paths: list[str]) -> KubeConfig:
    merged = KubeConfig(sources=tuple(paths))
    for path in dict.fromkeys(paths):
        file = _read(path)
        for cluster in _each(file.clusters, _NamedCluster, path):
            merged.clusters.setdefault(cluster.name or "", _anchored_cluster(cluster.cluster or ClusterInfo(), path))
        for user in _each(file.users, _NamedUser, path):
            merged.users.setdefault(user.name or "", _anchored_user(user.user or UserInfo(), path))
        for context in _each(file.contexts, _NamedContext, path):
            merged.contexts.setdefault(context.name or "", context.context or ContextInfo())
        merged.current_context = merged.current_context or file.current_context or ""
    return merged


_Named = TypeVar("_Named", _NamedCluster, _NamedUser, _NamedContext)


def _each(entries: list[_Named | None] | None, empty: type[_Named], path: str) -> list[_Named]:
    """The entries, an empty one for a null; kubectl does not guess which of two with one name is meant."""
    found = [empty() if entry is None else entry for entry in entries or ()]
    names = [entry.name or "" for entry in found]
    if len(set(names)) < len(names):
        twice = next(name for index, name in enumerate(names) if name in names[:index])
        part = empty.__struct_fields__[1]
        raise ConfigError(f"the kubeconfig {clean(path)} has two {part}s named {clean(twice)!r}", hint="remove one of them")
    return found


def _read(path: str) -> _File:
    try:
        with open(path, "rb") as opened:
            text = opened.read()
    except FileNotFoundError:
        return _File()  # kubectl skips those of KUBECONFIG that do not exist
    except OSError as error:
        raise ConfigError(f"the kubeconfig {clean(path)} cannot be read: {error.strerror}") from None
    try:
        content = first_document(text)
        file = _File() if content is None else msgspec.convert(content, _File, dec_hook=_decoded)
    except GoYamlError as error:
        raise ConfigError(f"the kubeconfig {clean(path)} is {error}") from None
    except msgspec.ValidationError as error:
        raise ConfigError(f"the kubeconfig {clean(path)} cannot be understood: {clean(str(error))}") from None
    if (file.kind or "Config", file.api_version or "v1") != ("Config", "v1"):
        raise ConfigError(
            f"the kubeconfig {clean(path)} cannot be understood: it is a {clean(file.kind or 'Config', 40)} of "
            f"{clean(file.api_version or 'v1', 40)}, not a Config of v1"
        )
    return file


def _decoded(kind: type, value: Any) -> Any:
    if kind is Base64 and isinstance(value, str):
        try:
            return Base64(a2b_base64(value.replace("\r", "").replace("\n", ""), strict_mode=True))
        except (Base64Error, ValueError):
            raise ValueError("Expected base64") from None
    raise ValueError(f"Expected `{kind.__name__}`")


def _anchored_cluster(cluster: ClusterInfo, path: str) -> ClusterInfo:
    cluster.certificate_authority = _anchored(cluster.certificate_authority, path)
    return cluster


def _anchored_user(user: UserInfo, path: str) -> UserInfo:
    user.client_certificate = _anchored(user.client_certificate, path)
    user.client_key = _anchored(user.client_key, path)
    user.token_file = _anchored(user.token_file, path)
    if user.exec is not None:
        command = user.exec.command or ""
        if os.sep in command or "/" in command:
            user.exec.command = _anchored(command, path)
        if not user.exec.interactive_mode and user.exec.api_version in _LENIENT:
            user.exec.interactive_mode = "IfAvailable"
    return user


def _anchored(named: str | None, path: str) -> str | None:
    """Relative paths are relative to the file that names them."""
    if not named or os.path.isabs(named):
        return named
    try:
        return os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(path)), named))
    except FileNotFoundError:
        raise ConfigError(
            f"the kubeconfig {clean(path)} names files beside it, but the working folder is gone",
            hint="change to a folder that exists",
        ) from None
