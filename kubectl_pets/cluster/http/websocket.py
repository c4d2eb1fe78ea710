"""WebSockets through the API server (RFC 6455), as far as its streaming subresources need them.

The upgrade is a request like any other, so TLS, proxies, credentials, impersonation and failures are the transport's, and only
frames are left to be done here: a client library would bring its own ideas of all of those. Messages of Kubernetes' subprotocols
begin with the number of a channel.
"""

import os
import struct
from base64 import b64encode
from hashlib import sha1
from time import monotonic
from typing import Any

from kubectl_pets.cluster.http.failures import Attempt, clean, unintelligible
from kubectl_pets.cluster.http.transport import Query, Request, Transport

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3

_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

#: No message of these subprotocols comes near this many bytes (the servers copy in pieces of 32 KiB).
_LARGEST = 1 << 24


class GarbledError(ConnectionError):
    """What came is not what the protocol allows."""


class WebSocket:
    """One open WebSocket; for one thread at a time. What goes wrong on the way is an OSError, TimeoutError at the deadline;
    after either it is of no use any more. Deadlines are times of ``monotonic``."""

    def __init__(self, response: Any) -> None:
        self._response = response  # which would close the connection, were it forgotten
        self._kept = response  # its finalizer would hang up
        self._connection = response.connection
        # Bytes that came along with the headers are in this reader already.
        self._reader = response._original_response.fp
        self._open = True

    def send(self, message: bytes, deadline: float) -> None:
        self._send(_BINARY, message, deadline)

    def receive(self, deadline: float) -> bytes | None:
        """The next message; None: the other side has ended it."""
        parts: list[bytes] = []
        while True:
            final, opcode, payload = self._frame(deadline)
            if opcode == _CLOSE:
                return None
            if opcode == _PING:
                self._send(_PONG, payload, deadline)
            elif opcode in (_CONTINUATION, _TEXT, _BINARY):
                if (opcode == _CONTINUATION) != bool(parts):
                    raise GarbledError("a fragment of no message")
                parts.append(payload)
                if sum(map(len, parts)) > _LARGEST:
                    raise GarbledError("a message without end")
                if final:
                    return b"".join(parts)
            elif opcode != _PONG:
                raise GarbledError(f"a frame of the unknown type {opcode}")

    def close(self) -> None:
        """Say goodbye, if that can be said at once, and hang up."""
        if self._open:
            self._open = False
            try:
                self._send(_CLOSE, struct.pack(">H", 1000), monotonic() + 0.1)
            except OSError:
                pass  # gone already
            self._connection.close()  # and never back into the pool, which makes another one when it needs it

    def _frame(self, deadline: float) -> tuple[bool, int, bytes]:
        first, second = self._exactly(2, deadline)
        size = second & 0x7F
        if second & 0x80 or first & 0x70:
            raise GarbledError("a masked frame, or one of an extension that was not agreed on")
        if size >= 126:
            width = 2 if size == 126 else 8
            size = int.from_bytes(self._exactly(width, deadline), "big")
        if size > _LARGEST:
            raise GarbledError("a frame without end")
        return bool(first & 0x80), first & 0x0F, self._exactly(size, deadline)

    def _exactly(self, size: int, deadline: float) -> bytes:
        parts = b""
        while len(parts) < size:
            self._patience(deadline)
            more = self._reader.read1(size - len(parts))
            if not more:
                raise ConnectionResetError("the connection was cut")
            parts += more
        return parts

    def _send(self, opcode: int, payload: bytes, deadline: float) -> None:
        size = len(payload)
        head = bytes([0x80 | opcode])
        if size < 126:
            head += bytes([0x80 | size])
        elif size < 1 << 16:
            head += bytes([0x80 | 126]) + struct.pack(">H", size)
        else:
            head += bytes([0x80 | 127]) + struct.pack(">Q", size)
        mask = os.urandom(4)
        whole = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
        masked = (int.from_bytes(payload, "big") ^ whole).to_bytes(size, "big")
        self._patience(deadline)
        self._connection.sock.sendall(head + mask + masked)

    def _patience(self, deadline: float) -> None:
        left = deadline - monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.sock.settimeout(left)


def open_websocket(
    transport: Transport, path: str, query: Query, attempt: Attempt, protocols: tuple[str, ...], deadline: float
) -> WebSocket:
    """Raises PetsError: the failures of any request, ServerError where what answered does not speak WebSocket."""
    key = b64encode(os.urandom(16))
    headers = (
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", key.decode()),
        ("Sec-WebSocket-Protocol", ", ".join(protocols)),
    )
    request = Request(method="GET", path=path, query=query, attempt=attempt, accept="*/*", headers=headers)
    response = transport.upgraded(request, max(0.1, deadline - monotonic()))
    opened = WebSocket(response)
    accepted = b64encode(sha1(key + _GUID, usedforsecurity=False).digest()).decode()
    chosen = response.headers.get("Sec-WebSocket-Protocol", "")
    if response.headers.get("Sec-WebSocket-Accept") != accepted or chosen not in protocols:
        opened.close()
        raise unintelligible(attempt, f"it upgraded to something else ({clean(chosen, 60) or 'no subprotocol'})")
    return opened
