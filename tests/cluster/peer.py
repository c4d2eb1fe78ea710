"""The server's end of a WebSocket, for an answer of the loopback server's that goes on as one."""

import struct
from base64 import b64encode
from hashlib import sha1

from tests.cluster.loopback import Handler

BINARY, CLOSE, PING, PONG = 2, 8, 9, 10


class Peer:
    """Upgrades the connection when made. ``protocol`` None: the first that the client offers; ``accept`` None: what is right."""

    def __init__(self, handler: Handler, protocol: str | None = None, accept: str | None = None) -> None:
        self._handler = handler
        key = handler.headers["Sec-WebSocket-Key"].encode()
        right = b64encode(sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
        offered = handler.headers["Sec-WebSocket-Protocol"].split(",")[0].strip()
        handler.close_connection = True
        handler.send_response(101)
        handler.send_header("Upgrade", "websocket")
        handler.send_header("Connection", "Upgrade")
        handler.send_header("Sec-WebSocket-Accept", right if accept is None else accept)
        handler.send_header("Sec-WebSocket-Protocol", offered if protocol is None else protocol)
        handler.end_headers()

    def send(self, payload: bytes, opcode: int = BINARY, *, final: bool = True) -> None:
        size = len(payload)
        if size < 126:
            head = bytes([size])
        elif size < 1 << 16:
            head = bytes([126]) + struct.pack(">H", size)
        else:
            head = bytes([127]) + struct.pack(">Q", size)
        self.raw(bytes([(0x80 if final else 0) | opcode]) + head + payload)

    def raw(self, data: bytes) -> None:
        self._handler.wfile.write(data)

    def receive(self) -> tuple[int, bytes]:
        """Opcode and payload; a client's frames are masked. EOFError where the client has hung up."""
        first, second = self._exactly(2)
        assert first & 0x80 and second & 0x80, "a client sends whole, masked frames"
        size = second & 0x7F
        if size >= 126:
            size = int.from_bytes(self._exactly(2 if size == 126 else 8), "big")
        mask = self._exactly(4)
        return first & 0x0F, bytes(byte ^ mask[index % 4] for index, byte in enumerate(self._exactly(size)))

    def _exactly(self, size: int) -> bytes:
        data: bytes = self._handler.rfile.read(size)
        if len(data) < size:
            raise EOFError
        return data

    def cut(self) -> None:
        self._handler.cut()
