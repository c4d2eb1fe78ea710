"""Small proxies for tests, which record what they were asked for: an HTTP one (CONNECT tunnels, plain forwarding), a SOCKS one; with a
password if wanted."""

import base64
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import StreamRequestHandler, ThreadingTCPServer
from urllib.parse import urlsplit


class Proxy(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(
        self,
        password: str | None = None,
        answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n",
        handler: "type[_Tunnel] | None" = None,
    ) -> None:
        super().__init__(("127.0.0.1", 0), handler or _Tunnel)
        self.asked: list[str] = []
        self.password, self.answer = password, answer
        self.ended = threading.Event()
        self.drops = 0  #: so many requests get no answer: their connection is closed

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        pass


class _Tunnel(StreamRequestHandler):
    server: Proxy

    def handle(self) -> None:
        first = self.rfile.readline().decode()
        headers = {}
        while (line := self.rfile.readline().decode().strip()) != "":
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        self.server.asked.append(first.strip())
        if self.server.drops:
            self.server.drops -= 1
            return
        expected = self.server.password and "Basic " + base64.b64encode(self.server.password.encode()).decode()
        if expected and headers.get("proxy-authorization") != expected:
            self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        method, target, _ = first.split(" ", 2)
        if method == "CONNECT" and b" 200 " not in self.server.answer:
            self.wfile.write(self.server.answer)
            return
        parts = urlsplit(target if method != "CONNECT" else f"//{target}")
        with socket.create_connection((parts.hostname, parts.port)) as upstream:
            if method == "CONNECT":
                self.wfile.write(self.server.answer)
            else:
                lines = [f"{name}: {value}" for name, value in headers.items()] + ["Connection: close", "", ""]
                path = target.split("/", 3)[3]
                upstream.sendall("\r\n".join([f"{method} /{path} HTTP/1.1", *lines]).encode())
            self._pump(upstream)

    def _pump(self, upstream: socket.socket) -> None:
        other = {self.connection: upstream, upstream: self.connection}
        while not self.server.ended.is_set():
            for readable in select.select(list(other), [], [], 0.05)[0]:
                data = readable.recv(1 << 16)
                if not data:
                    return
                other[readable].sendall(data)


class _Socks(_Tunnel):
    """SOCKS 5 (RFC 1928), with user and password where they are wanted (RFC 1929)."""

    def handle(self) -> None:
        _, methods = self.rfile.read(2)
        offered = self.rfile.read(methods)
        wanted = 2 if self.server.password else 0
        if wanted not in offered:
            self.wfile.write(b"\x05\xff")
            return
        self.wfile.write(bytes((5, wanted)))
        if wanted:
            told = [self.rfile.read(self.rfile.read(1)[0]).decode() for _ in (self.rfile.read(1), b"")]
            self.wfile.write(bytes((1, ":".join(told) != self.server.password)))
            if ":".join(told) != self.server.password:
                return
        kind = self.rfile.read(4)[3]
        sizes = {1: 4, 4: 16}
        address = self.rfile.read(sizes[kind] if kind in sizes else self.rfile.read(1)[0])
        host = address.decode() if kind == 3 else socket.inet_ntop(socket.AF_INET if kind == 1 else socket.AF_INET6, address)
        port = int.from_bytes(self.rfile.read(2), "big")
        self.server.asked.append(f"{host}:{port}")
        with socket.create_connection(("127.0.0.1", port)) as upstream:
            self.wfile.write(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
            self._pump(upstream)


@contextmanager
def socks(password: str | None = None) -> Iterator[Proxy]:
    """Whatever name it is asked for, it leads to this machine: that the name is its affair is what shows."""
    with Proxy(password, handler=_Socks) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True, name="socks").start()
        yield server
        server.ended.set()
        server.shutdown()


@contextmanager
def proxy(password: str | None = None, answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> Iterator[Proxy]:
    with Proxy(password, answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True, name="proxy").start()
        yield server
        server.ended.set()
        server.shutdown()
