"""A small HTTP proxy for tests: CONNECT tunnels, plain forwarding, a password if wanted; it records what it was asked for."""

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

    def __init__(self, password: str | None = None, answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
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


@contextmanager
def proxy(password: str | None = None, answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> Iterator[Proxy]:
    with Proxy(password, answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True, name="proxy").start()
        yield server
        server.ended.set()
        server.shutdown()
