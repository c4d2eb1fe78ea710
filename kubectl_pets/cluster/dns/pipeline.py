"""Many DNS questions over one connection to one server, and a second one where the first is cut.

All questions are sent without waiting for answers, which may come back in any order (RFC 7766, 6.2.1.1). Servers hang up after so
many questions, or so many idle seconds, and not every container runtime passes the end of a connection on: a silence may be one,
so half-way through the time what is left is asked once more on a new connection.
"""

import socket
from collections.abc import Callable
from time import monotonic
from typing import Protocol

from kubectl_pets.cluster.dns.messages import Queries, UnreadableMessageError
from kubectl_pets.cluster.http.failures import clean
from kubectl_pets.domain.dns.answers import Answer
from kubectl_pets.errors import PetsError

#: Questions that wait for an answer at the same time: few enough that neither side's buffers fill up.
_IN_FLIGHT = 256

#: Seconds after which an idle connection is not used again (CoreDNS hangs up after 10, other servers sooner).
_IDLE = 2.0


class Stream(Protocol):
    """A connection. What goes wrong is an OSError, TimeoutError at the deadline (a time of ``monotonic``)."""

    def send(self, data: bytes, deadline: float) -> None: ...

    def receive(self, deadline: float) -> bytes:
        """Some bytes; none: the other side has ended it."""

    def close(self) -> None: ...


class Direct:
    """A connection that leads straight there."""

    def __init__(self, host: str, port: int, deadline: float) -> None:
        self._socket = socket.create_connection((host, port), max(0.001, deadline - monotonic()))

    def send(self, data: bytes, deadline: float) -> None:
        self._patience(deadline)
        self._socket.sendall(data)

    def receive(self, deadline: float) -> bytes:
        self._patience(deadline)
        return self._socket.recv(1 << 16)

    def close(self) -> None:
        self._socket.close()

    def _patience(self, deadline: float) -> None:
        left = deadline - monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)


class ServerConnection:
    """The line to one server, kept open between questions. ``open`` makes a connection before a deadline; it may raise
    OSError or PetsError, which ``ask`` passes on if nothing was heard before."""

    def __init__(self, open: Callable[[float], Stream]) -> None:
        self._open = open
        self._stream: Stream | None = None
        self._used = 0.0

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def ask(self, queries: Queries, timeout: float) -> tuple[tuple[Answer, ...], str]:
        """The answers in the order of the questions, and what went wrong. Where anything at all was heard, what was not
        heard is SILENT. ``timeout``: seconds for everything."""
        heard: dict[int, Answer] = {}
        trouble = ""
        if queries.framed:
            trouble = self._ask(queries, heard, timeout)
        if heard:
            heard |= queries.silent(queries.framed.keys() - heard.keys(), trouble)
        return queries.in_order(heard), trouble

    def _ask(self, queries: Queries, heard: dict[int, Answer], timeout: float) -> str:
        deadline = monotonic() + timeout
        in_vain = 0
        while True:
            before, opened = len(heard), False
            try:
                stream = self._connected(deadline)
                opened = True
                self._exchange(stream, queries, heard, deadline, last=in_vain > 0)
                return ""
            except (PetsError, OSError) as error:
                self.close()
                if not opened and not heard:
                    raise
                in_vain += len(heard) == before
                if not opened or in_vain > 1 or isinstance(error, UnreadableMessageError) or monotonic() >= deadline:
                    return f"no answer within {timeout:g} s" if isinstance(error, TimeoutError) else words(error)

    def _connected(self, deadline: float) -> Stream:
        if monotonic() - self._used > _IDLE:
            self.close()
        if self._stream is None:
            self._stream = self._open(deadline)
        return self._stream

    def _exchange(
        self, stream: Stream, queries: Queries, heard: dict[int, Answer], deadline: float, *, last: bool
    ) -> None:
        """Ask what is not answered yet and take down the answers. ``last``: there will be no further connection."""
        left = [number for number in queries.framed if number not in heard]
        waiting: set[int] = set()
        unread = b""
        while left or waiting:
            if left and len(waiting) <= _IN_FLIGHT // 2:
                room = _IN_FLIGHT - len(waiting)
                sent, left = left[:room], left[room:]
                waiting.update(sent)
                stream.send(b"".join(queries.framed[number] for number in sent), deadline)
            now = monotonic()
            more = stream.receive(deadline if last else now + (deadline - now) / 2)
            if not more:
                raise ConnectionResetError("the server hung up")
            unread += more
            while len(unread) >= 2 and len(unread) >= (size := 2 + int.from_bytes(unread[:2], "big")):
                answered = queries.answered(unread[2:size])
                unread = unread[size:]
                if answered is not None:
                    heard[answered[0]] = answered[1]
                    waiting.discard(answered[0])
        self._used = monotonic()
        if unread:
            self.close()  # it has begun to say what nobody asked


def words(error: PetsError | OSError) -> str:
    """A network failure in words, for ``ServerAnswers.trouble``."""
    if isinstance(error, PetsError):
        return error.message
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, socket.gaierror):
        return "no such host name"
    return clean((error.strerror or "").lower() or str(error), 300) or "the connection failed"
