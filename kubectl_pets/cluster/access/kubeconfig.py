"""Reads kubeconfig files as kubectl does: several of them, merged, the first to say something wins.

The client library's own reader lets the last ``current-context`` win and knows neither impersonation nor relative plugins, so
it is read here. Nothing in this module shows a value from the file, because any of them may be a secret.
"""

import os
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from kubectl_pets.cluster.http.failures import clean
from kubectl_pets.errors import ConfigError


class _Part(msgspec.Struct, kw_only=True, rename="kebab"):
    """A part of a kubeconfig; keys that are unknown are ignored, as kubectl does."""


class ClusterInfo(_Part):
    server: str | None = None
    tls_server_name: str | None = None
    insecure_skip_tls_verify: bool | None = None
    certificate_authority: str | None = None
    certificate_authority_data: str | None = None
    proxy_url: str | None = None
    extensions: list[dict[str, Any]] | None = None


class EnvVar(_Part):
    name: str
    value: str


class ExecPlugin(msgspec.Struct, kw_only=True, rename="camel"):
    command: str
    api_version: str | None = None
    args: list[str] | None = None
    env: list[EnvVar] | None = None
    install_hint: str | None = None
    provide_cluster_info: bool | None = None
    interactive_mode: str | None = None


class UserInfo(_Part):
    token: str | None = None
    token_file: str | None = msgspec.field(name="tokenFile", default=None)
    client_certificate: str | None = None
    client_certificate_data: str | None = None
    client_key: str | None = None
    client_key_data: str | None = None
    username: str | None = None
    password: str | None = None
    impersonate: str | None = msgspec.field(name="as", default=None)
    as_uid: str | None = None
    as_groups: list[str] | None = None
    as_user_extra: dict[str, list[str]] | None = None
    auth_provider: dict[str, Any] | None = None
    exec: ExecPlugin | None = None


class ContextInfo(_Part):
    cluster: str | None = None
    user: str | None = None
    namespace: str | None = None


class NamedCluster(_Part):
    name: str
    cluster: ClusterInfo | None = None


class NamedUser(_Part):
    name: str
    user: UserInfo | None = None


class NamedContext(_Part):
    name: str
    context: ContextInfo | None = None


class _File(_Part):
    current_context: str | None = None
    clusters: list[NamedCluster] | None = None
    users: list[NamedUser] | None = None
    contexts: list[NamedContext] | None = None


class KubeConfig(msgspec.Struct, kw_only=True):
    """All files merged. Paths in it are absolute. ``sources``: where it was looked for, whether found or not."""

    clusters: dict[str, ClusterInfo] = {}
    users: dict[str, UserInfo] = {}
    contexts: dict[str, ContextInfo] = {}
    current_context: str = ""
    sources: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        return not (self.clusters or self.users or self.contexts or self.current_context)


_V = TypeVar("_V")


def load(explicit: str | None, environ: Mapping[str, str]) -> KubeConfig:
    """The file given with ``--kubeconfig``, else those in ``KUBECONFIG``, else ``~/.kube/config``."""
    if explicit:
        if not Path(explicit).exists():
            raise ConfigError(f"there is no kubeconfig at {clean(explicit)}", hint="check --kubeconfig")
        return _merge([explicit])
    listed = [path for path in environ.get("KUBECONFIG", "").split(os.pathsep) if path]
    return _merge(listed or [str(Path.home() / ".kube" / "config")])


def choose(named: Mapping[str, _V], wanted: str, kind: str, sources: Iterable[str]) -> _V:
    """The entry of that name, or a ConfigError that names those there are, nearest first."""
    if wanted in named:
        return named[wanted]
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
        base = os.path.dirname(os.path.abspath(path))
        for cluster in file.clusters or ():
            merged.clusters.setdefault(cluster.name, _anchored_cluster(cluster.cluster or ClusterInfo(), base))
        for user in file.users or ():
            merged.users.setdefault(user.name, _anchored_user(user.user or UserInfo(), base))
        for context in file.contexts or ():
            merged.contexts.setdefault(context.name, context.context or ContextInfo())
        merged.current_context = merged.current_context or file.current_context or ""
    return merged


def _read(path: str) -> _File:
    try:
        text = Path(path).read_bytes()
    except FileNotFoundError:
        return _File()  # kubectl skips those of KUBECONFIG that do not exist
    except OSError as error:
        raise ConfigError(f"the kubeconfig {clean(path)} cannot be read: {error.strerror}") from None
    try:
        content = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        return _File() if content is None else msgspec.convert(content, _File)
    except yaml.YAMLError as error:
        # str(error) quotes the line, which may be a token
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""
        raise ConfigError(f"the kubeconfig {clean(path)} is not valid YAML{where}") from None
    except msgspec.ValidationError as error:
        raise ConfigError(f"the kubeconfig {clean(path)} cannot be understood: {clean(str(error))}") from None


def _anchored_cluster(cluster: ClusterInfo, base: str) -> ClusterInfo:
    cluster.certificate_authority = _anchored(cluster.certificate_authority, base)
    return cluster


def _anchored_user(user: UserInfo, base: str) -> UserInfo:
    user.client_certificate = _anchored(user.client_certificate, base)
    user.client_key = _anchored(user.client_key, base)
    user.token_file = _anchored(user.token_file, base)
    if user.exec is not None and (os.sep in user.exec.command or "/" in user.exec.command):
        user.exec.command = _anchored(user.exec.command, base) or ""
    return user


def _anchored(path: str | None, base: str) -> str | None:
    """Relative paths are relative to the file that names them."""
    return os.path.normpath(os.path.join(base, path)) if path else None
