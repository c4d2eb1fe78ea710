"""Opens a connection pool as a Target says: TLS, sockets that notice a dead peer; through a proxy, the client library's.

The TLS context is made here once, from bytes: the library would read certificates from files for each connection, and a private
key given as data would lie in a temporary file as long as the program runs.
"""

import os
import re
import socket
import ssl
import tempfile
from http.client import HTTPException
from threading import Event, Lock, Timer, local
from time import monotonic
from typing import Any
from urllib.parse import unquote

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util import parse_url
from urllib3.util.ssl_ import ALPN_PROTOCOLS, create_urllib3_context

from kubectl_pets.cluster.http import roots
from kubectl_pets.cluster.http.credentials import Certificate, basic
from kubectl_pets.cluster.http.keys import relabelled
from kubectl_pets.cluster.http.target import Target
from kubectl_pets.errors import ConfigError

#: Connections kept for reuse: a snapshot's and a few watches.
_KEPT = 16

_running = local()


class Exchange:
    """The requests of one thread, one at a time, which another thread can cut off for good, whatever they wait for."""

    def __init__(self) -> None:
        self.over = Event()
        self._lock = Lock()
        self._connection: HTTPConnection | None = None
        self._opening: socket.socket | None = None

    def __enter__(self) -> "Exchange":
        _running.exchange = self
        return self

    def __exit__(self, *exc: object) -> None:
        _running.exchange = None
        self._has(None, None)

    def opens(self, sock: socket.socket) -> None:
        """A connection is being made. TLS takes its socket away and shows the new one only after the handshake, so a
        duplicate is kept to be cut off by."""
        self._has(None, sock.dup())

    def uses(self, connection: HTTPConnection) -> None:
        """A connection is there."""
        self._has(connection, None)

    def cut(self) -> None:
        self.over.set()
        self.break_off()

    def break_off(self) -> None:
        """The request that is under way, and no later one."""
        with self._lock:
            sock: Any = self._opening or getattr(self._connection, "sock", None)
            if sock is not None:
                _shut_down(sock)

    def _has(self, connection: HTTPConnection | None, opening: socket.socket | None) -> None:
        with self._lock:
            if self._opening is not None:
                self._opening.close()
            self._connection, self._opening = connection, opening
            if self.over.is_set() and (connection is not None or opening is not None):
                raise ConnectionAbortedError("cut off")


class _Announcing:
    """Tells the exchange that runs in this thread which connection it got. ``reached_in``: the seconds that it took to find the
    server and have it, or a proxy, answer: a round trip, TLS not included; None while there is no connection."""

    reached_in: float | None = None

    def _new_conn(self) -> socket.socket:
        began = monotonic()
        sock: socket.socket = super()._new_conn()  # type: ignore[misc]
        self.reached_in = monotonic() - began
        exchange = getattr(_running, "exchange", None)
        if exchange is not None:
            try:
                exchange.opens(sock)
            except OSError:
                sock.close()
                raise
        return sock

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        _announce(self)

    def request(self, *args: Any, **kw: Any) -> None:
        _announce(self)
        super().request(*args, **kw)  # type: ignore[misc]

    def getresponse(self) -> Any:
        """Within the time for reading, all in all: a socket's own counts anew from each byte, and headers may trickle in. Raises
        TimeoutError."""
        limit, sock = getattr(self, "timeout", None), getattr(self, "sock", None)
        if not isinstance(limit, int | float) or sock is None:
            return super().getresponse()  # type: ignore[misc]
        late = Event()
        timer = Timer(limit, _cut_late, (sock, late))
        timer.daemon = True
        timer.start()
        response = None
        try:
            response = super().getresponse()  # type: ignore[misc]
        except (OSError, HTTPException):
            if not late.is_set():
                raise
        finally:
            timer.cancel()
        if late.is_set():
            if response is not None:  # headers that were cut off in the middle are whole for http.client
                response.close()
            raise TimeoutError("no answer in time")
        return response


def _cut_late(sock: Any, late: Event) -> None:
    late.set()
    _shut_down(sock)


def _shut_down(sock: Any) -> None:
    sock = getattr(sock, "socket", sock)  # urllib3's TLS inside TLS
    try:
        # An SSLSocket's own shutdown drops its TLS state, on which the other thread may just be working.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:
        pass  # gone already


def _announce(connection: Any) -> None:
    exchange = getattr(_running, "exchange", None)
    if exchange is not None:
        exchange.uses(connection)


class _Connection(_Announcing, HTTPConnection):
    pass


class _TLSConnection(_Announcing, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


_POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _Pool, "https": _TLSPool}


def open_pool(target: Target, certificate: Certificate | None) -> urllib3.PoolManager:
    """A pool for the target's server. Raises ConfigError for certificates and proxies that are of no use."""
    if target.insecure:
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # it was asked for
    pool, classes = _through_proxy(target, target.proxy) if target.proxy else (_straight(target), _POOLS)
    if target.server.startswith("https:"):
        pool.connection_pool_kw["ssl_context"] = tls_context(target, certificate)
    pool.pool_classes_by_scheme = classes
    return pool


def _straight(target: Target) -> urllib3.PoolManager:
    """As the client library opens it where no proxy is on the way, which most go without."""
    options: dict[str, Any] = {
        "cert_reqs": ssl.CERT_NONE if target.insecure else ssl.CERT_REQUIRED,
        "ca_certs": None,
        "cert_file": None,
        "key_file": None,
        "ca_cert_data": None,
        "socket_options": _socket_options(),
        "maxsize": _KEPT,
    }
    if target.tls_server_name:
        options["server_hostname"] = target.tls_server_name
    return urllib3.PoolManager(**options)


def _through_proxy(target: Target, proxy: str) -> tuple[urllib3.PoolManager, dict[str, type[HTTPConnectionPool]]]:
    from kubectl_pets.cluster.http.library import Configuration, RESTClientObject, is_socks_proxy_url

    configuration = Configuration()
    configuration.host = target.server
    configuration.verify_ssl = not target.insecure
    configuration.tls_server_name = target.tls_server_name
    configuration.connection_pool_maxsize = _KEPT
    configuration.socket_options = _socket_options()
    # decided already, by kubectl's rules; this also keeps the library from asking the environment again
    # Go has the proxy look names up, whichever way it is written
    socks = is_socks_proxy_url(proxy)
    configuration.proxy = re.sub("^socks5:", "socks5h:", proxy) if socks else proxy
    configuration.no_proxy = ""
    if not socks:
        configuration.proxy_headers = _proxy_headers(proxy)
    return RESTClientObject(configuration).pool_manager, _socks_pools() if socks else _POOLS


def _socks_pools() -> dict[str, type[HTTPConnectionPool]]:
    """Through a SOCKS proxy, with connections that can be cut off like any other."""
    from urllib3.contrib.socks import SOCKSConnection, SOCKSHTTPSConnection  # most go without

    class Connection(_Announcing, SOCKSConnection):
        pass

    class TLSConnection(_Announcing, SOCKSHTTPSConnection):
        pass

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    class TLSPool(HTTPSConnectionPool):
        ConnectionCls = TLSConnection

    return {"http": Pool, "https": TLSPool}


def _proxy_headers(url: str) -> dict[str, str] | None:
    """What tells a proxy who asks; user and password stand percent-encoded in its URL."""
    user, _, password = (parse_url(url).auth or "").partition(":")
    return {"Proxy-Authorization": basic(unquote(user), unquote(password))} if user or password else None


def tls_context(target: Target, certificate: Certificate | None) -> ssl.SSLContext:
    """The TLS context for a server: which authorities are trusted, and which client certificate is shown."""
    context = create_urllib3_context(cert_reqs=ssl.CERT_NONE if target.insecure else ssl.CERT_REQUIRED)
    # Python 3.13 turns down the certificates of many clusters for a missing key identifier; kubectl takes them.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    # For Go whatever is named is trusted, an intermediate authority as well.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if not target.insecure:
        if target.authority is None:
            roots.trust(context)
        else:
            roots.trust_only(context, target.authority)
    if certificate is not None:
        _show(context, certificate)
    _settle_protocols(context)
    return context


def _settle_protocols(context: ssl.SSLContext) -> None:
    """Name the protocol that is spoken once for all connections. urllib3 names the same one again for each, and to write it into
    a context frees what another thread may just be copying for a connection of its own: a server may be greeted with garbage
    (python/cpython#141012)."""
    context.set_alpn_protocols(ALPN_PROTOCOLS)
    context.set_alpn_protocols = _named_already  # type: ignore[method-assign]


def _named_already(alpn_protocols: object) -> None:
    pass


def usable(certificate: Certificate) -> Certificate:
    """The certificate, if it can be shown to a server. Raises ConfigError."""
    _show(create_urllib3_context(), certificate)
    return certificate


def _show(context: ssl.SSLContext, certificate: Certificate) -> None:
    """Load a client certificate into the TLS context. OpenSSL reads certificates from files only: it is written to one that
    nobody else can read and that is gone at once."""
    with tempfile.TemporaryDirectory(prefix="kubectl-pets-") as folder:
        path = os.path.join(folder, "client.pem")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(certificate.chain + b"\n" + relabelled(certificate.key))
        try:
            context.load_cert_chain(path, password=_no_password)
        except ssl.SSLError as error:
            problem = "its key belongs to another certificate" if error.reason == "KEY_VALUES_MISMATCH" else "not PEM, or damaged"
            raise ConfigError(f"the client certificate of the user is of no use: {problem}") from None


def _no_password() -> str:
    raise ConfigError("the client key of the user is encrypted, which kubectl does not support either")


def _socket_options() -> list[tuple[int, int, int | bytes]]:
    """The options of every connection: no delay, and a peer that went away without a word is noticed within half a minute."""
    options: list[tuple[int, int, int | bytes]] = [
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    ]
    for names, value in (
        (("TCP_KEEPIDLE", "TCP_KEEPALIVE"), 15),
        (("TCP_KEEPINTVL",), 5),
        (("TCP_KEEPCNT",), 3),
        (("TCP_USER_TIMEOUT",), 30_000),
    ):
        known = next((getattr(socket, name) for name in names if hasattr(socket, name)), None)
        if known is not None:
            options.append((socket.IPPROTO_TCP, known, value))
    return options
