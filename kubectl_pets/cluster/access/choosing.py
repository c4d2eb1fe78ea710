"""Which cluster is meant, and which user: what flags, kubeconfig and surrounding pod come down to, as client-go decides it
(``clientcmd.DirectClientConfig``, ``DeferredLoadingClientConfig``).

A pod's own cluster is taken only where nothing else is named. Where kubectl would try localhost:8080 for want of anything
better, this says where it looked.
"""

import os
from collections.abc import Mapping
from typing import Protocol

import msgspec

from kubectl_pets.cluster.access import kubeconfig
from kubectl_pets.cluster.access.kubeconfig import ClusterInfo, ContextInfo, ExecPlugin, KubeConfig, UserInfo
from kubectl_pets.cluster.http.failures import clean
from kubectl_pets.errors import ConfigError
from kubectl_pets.pasting import kubectl

#: Where a pod finds its service account.
SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


class Flags(Protocol):
    """kubectl's connection flags; ``session.ConnectionFlags`` has them. One that is empty counts as not given."""

    @property
    def kubeconfig(self) -> str | None: ...
    @property
    def kuberc(self) -> str | None: ...
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
    def proxy_url(self) -> str | None: ...
    @property
    def token(self) -> str | None: ...
    @property
    def username(self) -> str | None: ...
    @property
    def password(self) -> str | None: ...
    @property
    def client_certificate(self) -> str | None: ...
    @property
    def client_key(self) -> str | None: ...
    @property
    def as_user(self) -> str | None: ...
    @property
    def as_groups(self) -> tuple[str, ...]: ...
    @property
    def as_uid(self) -> str | None: ...
    @property
    def as_user_extra(self) -> tuple[str, ...]: ...
    @property
    def request_timeout(self) -> float | None: ...
    @property
    def insecure_skip_tls_verify(self) -> bool: ...
    @property
    def certificate_authority(self) -> str | None: ...
    @property
    def tls_server_name(self) -> str | None: ...
    @property
    def disable_compression(self) -> bool: ...
    @property
    def verbosity(self) -> int: ...


class ChosenAccess(msgspec.Struct, kw_only=True):
    """One cluster as one user. ``name``: in words, the context or where else it comes from. ``missing``: what is to be said where
    nothing else tells who the user is, because the context names one that does not exist."""

    name: str
    cluster: ClusterInfo
    user: UserInfo
    namespace: str
    missing: ConfigError | None = None


def choose(flags: Flags, environ: Mapping[str, str]) -> ChosenAccess:
    """What is meant, checked for all that can be found wrong with it without asking anybody. Raises ConfigError."""
    config = kubeconfig.load(flags.kubeconfig, environ)
    name = flags.context or config.current_context
    context = config.contexts.get("", ContextInfo())
    if name:
        context = kubeconfig.choose(config.contexts, name, "context", config.sources)
    namespace = flags.namespace or context.namespace or (_pod_namespace(environ) if _in_pod(environ) else "") or "default"
    user, missing = _user(flags, config, context)
    cluster = _cluster(flags, config, context)
    if cluster is None and not flags.server:
        if _in_pod(environ) and not context.cluster:
            return _pod(flags, environ, namespace)
        if not environ.get("KUBERNETES_MASTER"):
            raise _nowhere(config, name, context.cluster)
    cluster = cluster or ClusterInfo()
    cluster.server = flags.server or cluster.server or environ.get("KUBERNETES_MASTER")
    _override_cluster(cluster, flags)
    _override_user(user, flags)
    _check_cluster(cluster)
    _check_user(user)
    return ChosenAccess(
        name=f"context {clean(name)}" if name else "no context",
        cluster=cluster,
        user=user,
        namespace=namespace,
        missing=missing,
    )


def _user(flags: Flags, config: KubeConfig, context: ContextInfo) -> tuple[UserInfo, ConfigError | None]:
    wanted = flags.user or context.user or ""
    if wanted in config.users:
        return config.users[wanted], None
    if flags.user:
        return kubeconfig.choose(config.users, flags.user, "user", config.sources), None
    try:
        return kubeconfig.choose(config.users, wanted, "user", config.sources) if wanted else UserInfo(), None
    except ConfigError as error:
        return UserInfo(), error


def _cluster(flags: Flags, config: KubeConfig, context: ContextInfo) -> ClusterInfo | None:
    if flags.cluster:
        return kubeconfig.choose(config.clusters, flags.cluster, "cluster", config.sources)
    return config.clusters.get(context.cluster or "")


def _nowhere(config: KubeConfig, context: str, cluster: str | None) -> ConfigError:
    looked = ", ".join(clean(source) for source in config.sources)
    if cluster:
        try:
            kubeconfig.choose(config.clusters, cluster, "cluster", config.sources)
        except ConfigError as error:
            return error
    if context:
        return ConfigError(f"the context {clean(context)!r} names no cluster", hint="give --cluster or --server")
    if config.contexts:
        known = ", ".join(clean(name) for name in sorted(config.contexts)[:10])
        choose = kubectl("config", "use-context", "NAME")
        return ConfigError("no context is chosen", hint=f"{choose}, or --context; there are: {known}")
    return ConfigError(
        f"no cluster is configured: looked in {looked or 'KUBECONFIG, which names no file'}, and this does not run in a pod",
        hint="set KUBECONFIG, give --kubeconfig or --server, or log in with the tool of your cluster",
    )


# --- in a pod ----------------------------------------------------------------------------------------------------------------


def _in_pod(environ: Mapping[str, str]) -> bool:
    known = environ.get("KUBERNETES_SERVICE_HOST") and environ.get("KUBERNETES_SERVICE_PORT")
    return bool(known) and os.path.isfile(_of_pod("token"))


def _pod_namespace(environ: Mapping[str, str]) -> str:
    """The one that is looked into where nothing else is said, whichever cluster it is then."""
    if told := environ.get("POD_NAMESPACE"):
        return told
    try:
        with open(_of_pod("namespace"), encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""


def _of_pod(name: str) -> str:
    """A file of the pod's service account."""
    return os.path.join(SERVICE_ACCOUNT, name)


def _pod(flags: Flags, environ: Mapping[str, str], namespace: str) -> ChosenAccess:
    """The pod's own cluster as its service account. Of the flags about server and user only --token and --certificate-authority
    mean something there (client-go ``inClusterClientConfig``); its certificate is always checked."""
    typed = {
        "--user": flags.user,
        "--username": flags.username,
        "--client-certificate": flags.client_certificate,
        "--client-key": flags.client_key,
    }
    stray = next((flag for flag, value in typed.items() if value), None)
    if stray:
        raise ConfigError(
            f"{stray} is given, but no cluster: this pod's own is reached as its service account",
            hint="give --server or --kubeconfig as well, or --token",
        )
    host, port = environ["KUBERNETES_SERVICE_HOST"], environ["KUBERNETES_SERVICE_PORT"]
    cluster = ClusterInfo(
        server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        certificate_authority=flags.certificate_authority or _of_pod("ca.crt"),
        proxy_url=flags.proxy_url,
        disable_compression=flags.disable_compression,
    )
    user = UserInfo(token=flags.token) if flags.token else UserInfo(token_file=_of_pod("token"))
    _override_impersonation(user, flags)
    _check_cluster(cluster)
    _check_user(user)
    return ChosenAccess(name="this pod's cluster", cluster=cluster, user=user, namespace=namespace)


# --- flags over the kubeconfig -----------------------------------------------------------------------------------------------


def _override_cluster(cluster: ClusterInfo, flags: Flags) -> None:
    """The flags win; one about trust replaces all that the kubeconfig says about trust, another server has another name."""
    if flags.server or flags.tls_server_name:
        cluster.tls_server_name = flags.tls_server_name
    if flags.insecure_skip_tls_verify or flags.certificate_authority:
        cluster.insecure_skip_tls_verify = flags.insecure_skip_tls_verify
        cluster.certificate_authority = flags.certificate_authority
        cluster.certificate_authority_data = None
    cluster.proxy_url = flags.proxy_url or cluster.proxy_url
    cluster.disable_compression = flags.disable_compression or cluster.disable_compression


def _override_user(user: UserInfo, flags: Flags) -> None:
    user.token = flags.token or user.token
    user.username, user.password = flags.username or user.username, flags.password or user.password
    if flags.client_certificate:
        user.client_certificate, user.client_certificate_data = flags.client_certificate, None
    if flags.client_key:
        user.client_key, user.client_key_data = flags.client_key, None
    _override_impersonation(user, flags)


def _override_impersonation(user: UserInfo, flags: Flags) -> None:
    user.impersonate, user.as_uid = flags.as_user or user.impersonate, flags.as_uid or user.as_uid
    user.as_groups = list(flags.as_groups) or user.as_groups
    if flags.as_user_extra:
        given: dict[str, list[str | None] | None] = {}
        for extra in flags.as_user_extra:
            key, equals, value = extra.partition("=")
            if not equals:
                raise ConfigError(f"--as-user-extra {clean(extra, 40)!r} is not KEY=VALUE")
            values = given.setdefault(key, [])
            assert values is not None
            values.append(value)
        user.as_user_extra = {**(user.as_user_extra or {}), **given}


# --- what contradicts itself (clientcmd/validation.go) -----------------------------------------------------------------------


def _check_cluster(cluster: ClusterInfo) -> None:
    if not cluster.server:
        raise ConfigError("the cluster in the kubeconfig has no server", hint="give --server, or mend the kubeconfig")
    if cluster.certificate_authority and cluster.certificate_authority_data:
        raise ConfigError("certificate-authority and certificate-authority-data are given both", hint="keep one of them")
    _check_readable(cluster.certificate_authority, "certificate-authority")


def _check_user(user: UserInfo) -> None:
    if user.token and (user.username or user.password):
        raise ConfigError("the user has a token and a password, and only one of them can be sent", hint="keep one of them")
    if user.client_certificate or user.client_certificate_data:
        for what, path, data in (
            ("client-certificate", user.client_certificate, user.client_certificate_data),
            ("client-key", user.client_key, user.client_key_data),
        ):
            if path and data:
                raise ConfigError(f"{what} and {what}-data are given both", hint="keep one of them")
            _check_readable(path, what)
        if not (user.client_key or user.client_key_data):
            raise ConfigError("the user has a client-certificate, but no client-key")
    if user.exec is not None:
        _check_exec(user.exec, user)
    if not user.impersonate and (user.as_uid or user.as_groups or user.as_user_extra):
        raise ConfigError("a group, uid or extra is impersonated, but no user", hint="give --as as well")


def _check_exec(plugin: ExecPlugin, user: UserInfo) -> None:
    if user.auth_provider is not None:
        raise ConfigError("the user has an exec plugin and an auth-provider, and only one of them can log in")
    if not plugin.command:
        raise ConfigError("the exec plugin in the kubeconfig has no command")
    named = f"the exec plugin {clean(plugin.command)}"
    if not plugin.api_version:
        raise ConfigError(f"{named} has no apiVersion")
    if not all(variable is not None and variable.name for variable in plugin.env or ()):
        raise ConfigError(f"{named} has an environment variable without a name")
    if plugin.interactive_mode not in ("Never", "IfAvailable", "Always"):
        raise ConfigError(
            f"{named} has {'an unknown' if plugin.interactive_mode else 'no'} interactiveMode",
            hint="it is one of Never, IfAvailable and Always",
        )


def _check_readable(path: str | None, what: str) -> None:
    """Said before anything is sent, also where it would not be needed."""
    if path:
        try:
            with open(path, "rb"):
                pass
        except OSError as error:
            raise ConfigError(f"the {what} {clean(path)} cannot be read: {error.strerror}") from None
