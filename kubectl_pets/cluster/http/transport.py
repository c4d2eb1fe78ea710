"""Bytes to the API server and back, over the client library's connection pool.

The library gives TLS, proxies and pooled connections; requests are made on its pool directly: its own request methods know no
repeated headers, turn a JSON patch given as bytes into a strategic merge patch, and want generated models. What is retried is
decided here: reads, a few times; changes never, once they may have been carried out.
"""

import random
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from threading import Event, Lock
from time import monotonic
from typing import Any
from urllib.parse import urlencode

import msgspec
import urllib3
from urllib3 import exceptions as wire

from kubectl_pets import __version__
from kubectl_pets.cluster.http.clock import ServerClock
from kubectl_pets.cluster.http.credentials import Certificate, Credential, Credentials
from kubectl_pets.cluster.http.failures import Attempt, clean, refused, retry_after, unintelligible, unreachable
from kubectl_pets.cluster.http.pools import Exchange, open_pool
from kubectl_pets.cluster.http.target import Target
from kubectl_pets.cluster.http.together import together
from kubectl_pets.cluster.http.warned import ServerWarnings
from kubectl_pets.errors import PetsError, ThrottledError, UnreachableError

#: Seconds to wait before the second, third, ... attempt of a read that failed in passing.
_PAUSES = (0.1, 0.4, 1.0)

#: How long one request may be kept waiting by 429 in all, in seconds; and for how long at least before it is sent again, doubled
#: each time: "Retry-After: 0" is no leave to hammer.
_THROTTLED = 60.0
_SOONEST, _LATEST = 0.1, 5.0

_CONNECT = 15.0

#: Seconds within which a server that is near answers. To such a one a few more round trips are shorter than another handshake,
#: which takes two of them and, on both sides, as much computing as several answers.
_NEAR = 0.003

#: Bytes that are read at a time, of what is used while it arrives.
_PART = 1 << 18

#: Bytes of a body: a page is 500 objects, and an object of more than 1.5 MiB is no object that etcd takes.
_LONGEST = 1 << 30

#: A watch begins at once; the seconds it may take nevertheless.
_HEADERS = 30.0

Query = Sequence[tuple[str, str]]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request; ``attempt`` says in words what it is for."""

    method: str
    path: str
    attempt: Attempt
    query: Query = ()
    body: bytes | None = None
    content_type: str = "application/json"
    accept: str = "application/json"
    headers: Query = ()  #: more of them
    question: bool = False  #: changes nothing, whatever its method


class Transport:
    """The connections to one API server; safe to use from several threads."""

    def __init__(
        self,
        target: Target,
        credentials: Credentials,
        tell: Callable[[str], None] | None = None,
        warn: Callable[[str], None] | None = None,
    ) -> None:
        """``tell`` is told of each request, in one line without secrets; ``warn`` of what the server warns of where it is asked
        to change something."""
        self.target = target
        self._tell = tell
        self._warned = ServerWarnings(warn)
        self.clock = ServerClock()
        self._credentials = credentials
        self._lock = Lock()
        self._closing = Event()
        self._pool: urllib3.PoolManager | None = None
        self._certificate: Certificate | None = None
        self._near = False

    def close(self) -> None:
        self._closing.set()
        self._credentials.close()
        with self._lock:
            if self._pool is not None:
                self._pool.clear()

    def together(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        """The results of all calls in their order; the first of their exceptions, if any. For a few short answers: from a server
        that is near they come one after the other on one connection, from others at once."""
        return [call() for call in calls] if self._near else together(calls)

    def send(self, request: Request, exchange: Exchange | None = None) -> bytes:
        """The body of the answer. Reads are repeated when they fail in passing; 429 is waited out, within bounds.

        ``exchange`` lets another thread cut it off at once, pauses included.
        """
        patience, soonest = monotonic() + _THROTTLED, _SOONEST
        pauses = list(_PAUSES) if request.method == "GET" or request.question else []
        while True:
            try:
                with exchange or nullcontext():
                    response = self._answered(request)
                    body = self._body(response, request.attempt)
            except wire.HTTPError as error:
                if _passing(error) and pauses:
                    self._pause(pauses.pop(0), request, exchange)
                    continue
                raise self._unreachable(error, request) from None
            if 200 <= response.status < 300:
                if request.method != "GET" and not request.question:
                    self._warned.hear(response.headers.getlist("Warning"))
                return body
            failure = refused(response.status, body, response.headers, request.attempt)
            if isinstance(failure, ThrottledError) and monotonic() + failure.retry_after < patience:
                # the server turned it away unseen, so this is safe for changes as well
                self._pause(max(failure.retry_after, soonest) + random.uniform(0, 0.1), request, exchange)
                soonest = min(soonest * 2, _LATEST)
            elif response.status >= 500 and len(pauses) > 1:
                pause, asked = pauses.pop(0), retry_after(response.headers)
                self._pause(pause if asked is None else min(asked, 5.0), request, exchange)
            else:
                raise failure

    def parts(self, request: Request, exchange: Exchange | None = None) -> Iterator[bytes]:
        """The body of the answer as it arrives, unpacked. Never repeated: what was handed on cannot be taken back."""
        limit = self.target.request_timeout
        deadline = monotonic() + limit if limit else None
        try:
            with exchange or nullcontext():
                response = self._answered(request)
                if response.status != 200:
                    raise refused(response.status, self._body(response, request.attempt), response.headers, request.attempt)
                try:
                    for part in response.stream(_PART, decode_content=True):
                        yield part
                        if deadline is not None and monotonic() > deadline:
                            raise wire.HTTPError(TimeoutError())
                finally:
                    response.close()
        except wire.HTTPError as error:
            raise self._unreachable(error, request) from None

    def lines(self, request: Request, exchange: Exchange, silence: float) -> Iterator[list[bytes]]:
        """The lines of an answer without end, as they arrive, as many at a time as have arrived; first none, when it begins.

        ``silence``: after that many seconds without a byte the connection counts as lost. ``exchange`` lets another thread
        cut it off at once.
        """
        try:
            with exchange:
                response = self._answered(request, stream=True)
                if response.status != 200:
                    body = self._body(response, request.attempt)
                    raise refused(response.status, body, response.headers, request.attempt)
                try:
                    sock = getattr(response.connection, "sock", None)
                    if sock is not None:
                        sock.settimeout(silence)
                    yield []
                    yield from _split(response)
                finally:
                    response.close()
        except wire.HTTPError as error:
            raise self._unreachable(error, request) from None

    def upgraded(self, request: Request, limit: float) -> urllib3.BaseHTTPResponse:
        """The answer 101 to a request to go on in another protocol; its connection is the caller's from now on. Never
        repeated. ``limit``: seconds to connect, and again to be answered."""
        try:
            response = self._answered(request, stream=True, limit=limit)
            if response.status != 101:
                raise refused(response.status, self._body(response, request.attempt), response.headers, request.attempt)
            return response
        except wire.HTTPError as error:
            raise self._unreachable(error, request) from None

    def whatever(self, request: Request, limit: float, most: int) -> tuple[int, bytes]:
        """Status and the first ``most`` bytes of the body, whatever the status. Never repeated. ``limit``: seconds for all of
        it."""
        deadline = monotonic() + limit
        parts: list[bytes] = []
        try:
            response = self._answered(request, stream=True, limit=limit)
            try:
                while sum(map(len, parts)) < most and (part := response.read1(most)):
                    parts.append(part)
                    if monotonic() > deadline:
                        raise wire.HTTPError(TimeoutError())
            finally:
                response.close()
        except wire.HTTPError as error:
            raise self._unreachable(error, request) from None
        return response.status, b"".join(parts)[:most]

    def _answered(self, request: Request, stream: bool = False, limit: float | None = None) -> urllib3.BaseHTTPResponse:
        """Status and headers; with fresh credentials after a first 401. Raises urllib3's HTTPError."""
        credential = self._credentials.current()
        response = self._once(request, credential, stream, limit)
        if response.status == 401:
            self._body(response, request.attempt)
            if self._credentials.renewed(credential):
                response = self._once(request, self._credentials.current(), stream, limit)
        return response

    def _once(
        self, request: Request, credential: Credential, stream: bool, limit: float | None
    ) -> urllib3.BaseHTTPResponse:
        if self._closing.is_set():
            raise UnreachableError("the connection to the API server was closed")
        headers = urllib3.HTTPHeaderDict({"User-Agent": f"kubectl-pets/{__version__}", "Accept": request.accept})
        # A stream must not be compressed: its lines would be kept until a block is full.
        headers["Accept-Encoding"] = "identity" if stream or not self.target.compression else "gzip"
        if credential.authorization is not None:
            headers["Authorization"] = credential.authorization
        if request.body is not None:
            headers["Content-Type"] = request.content_type
        for name, value in (*self.target.impersonation, *self.target.command, *request.headers):
            headers.add(name, value)
        limit = limit or self.target.request_timeout
        connect = min(limit or _CONNECT, _CONNECT)
        sent = monotonic()
        url = self.target.server + request.path + ("?" + urlencode(request.query) if request.query else "")
        outcome = "no answer"
        try:
            response = self._pool_for(credential).urlopen(
                request.method,
                url,
                body=request.body,
                headers=headers,
                timeout=urllib3.Timeout(connect=connect, read=limit or (_HEADERS if stream else None)),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            outcome = f"HTTP {response.status}"
        finally:
            if self._tell is not None:
                self._tell(f"{request.method} {clean(url, 2000)}: {outcome} in {(monotonic() - sent) * 1000:.0f} ms")
        reached_in = getattr(getattr(response, "connection", None), "reached_in", None)
        if reached_in is not None and not self.target.proxy:
            self._near = reached_in < _NEAR
        self.clock.learn(response.headers.get("Date"), sent, monotonic())
        return response

    def _pool_for(self, credential: Credential) -> urllib3.PoolManager:
        """The pool; a new one when a plugin handed out another client certificate."""
        with self._lock:
            if self._pool is None or credential.certificate != self._certificate:
                if self._pool is not None:
                    self._pool.clear()
                self._pool = open_pool(self.target, credential.certificate)
                self._certificate = credential.certificate
            return self._pool

    def _body(self, response: urllib3.BaseHTTPResponse, attempt: Attempt) -> bytes:
        """All of the body, unpacked; no more of it than any answer has, for a few bytes may unpack to any number. With a limit on
        the time, the limit holds for a body that trickles in as well."""
        limit = self.target.request_timeout
        parts, length, deadline = [], 0, monotonic() + limit if limit else None
        while part := response.read1(_PART):
            parts.append(part)
            length += len(part)
            if length > _LONGEST:
                response.close()
                raise unintelligible(attempt, "it is longer than any answer of Kubernetes")
            if deadline is not None and monotonic() > deadline:
                response.close()
                raise wire.HTTPError(TimeoutError())
        return b"".join(parts)

    def _pause(self, seconds: float, request: Request, exchange: Exchange | None) -> None:
        closing = self._closing if exchange is None else exchange.over
        if closing.wait(seconds):
            raise UnreachableError(f"the connection to the API server was closed ({request.attempt})")

    def _unreachable(self, error: Exception, request: Request) -> PetsError:
        return unreachable(error, request.attempt, self.target.server, self.target.proxy)


def _passing(error: wire.HTTPError) -> bool:
    """A connection that was dropped, as opposed to one that was never there or gave no answer in time."""
    if isinstance(error, wire.SSLError):
        return any(isinstance(cause, ssl.SSLEOFError | ConnectionError) for cause in error.args)
    if isinstance(error, wire.ProxyError):  # one that forwards and had just let go of the connection that was to be used again
        return isinstance(error.original_error, ConnectionResetError | BrokenPipeError)
    return isinstance(error, wire.ProtocolError | wire.DecodeError)


def _split(response: urllib3.BaseHTTPResponse) -> Iterator[list[bytes]]:
    # read1 gives what there is; read and stream would wait for a whole chunk
    rest = b""
    while data := response.read1(1 << 16):
        *lines, rest = (rest + data).split(b"\n")
        if lines:
            yield lines
