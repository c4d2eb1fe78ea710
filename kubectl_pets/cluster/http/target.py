"""Where the API server is and how it is to be reached, as one value: what flags, kubeconfig and surroundings come down to."""

import msgspec


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One API server, as one user sees it. Credentials are not in it; ``proxy`` may hold a password and is never shown whole."""

    server: str  #: URL without a slash at its end
    name: str  #: in words: the context, or where else it comes from
    namespace: str = "default"
    insecure: bool = False
    authority: bytes | None = None  #: certificates to trust (PEM); None: those of this machine
    tls_server_name: str | None = None
    proxy: str | None = None
    impersonation: tuple[tuple[str, str], ...] = ()  #: headers; names repeat
    command: tuple[tuple[str, str], ...] = ()  #: headers that say which command it is, as kubectl sends them
    request_timeout: float | None = None
    compression: bool = True  #: answers may come compressed
