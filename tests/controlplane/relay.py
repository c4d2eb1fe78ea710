"""A TCP relay on this machine that can be cut: what talks through it loses its server and keeps what it knew."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from socketserver import BaseRequestHandler, ThreadingTCPServer


class Relay(ThreadingTCPServer):
    """Passes connections on to a port of this machine until it is cut; then it refuses to."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, target: int, address: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__((address, port), _Passage)
        self.target = target
        self._is_cut = threading.Event()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def is_cut(self) -> bool:
        return self._is_cut.is_set()

    def cut(self) -> None:
        self._is_cut.set()

    def mend(self) -> None:
        self._is_cut.clear()

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that is cut is what this is for."""


class _Passage(BaseRequestHandler):
    server: Relay

    def handle(self) -> None:
        if self.server.is_cut:
            return
        with socket.create_connection(("127.0.0.1", self.server.target)) as target:
            other = {self.request: target, target: self.request}
            while not self.server.is_cut:
                for readable in select.select(list(other), [], [], 0.05)[0]:
                    data = readable.recv(1 << 16)
                    if not data:
                        return
                    other[readable].sendall(data)


@contextlib.contextmanager
def relay(target: int) -> Iterator[Relay]:
    """Cut for good at the end."""
    with Relay(target) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True, name="relay").start()
        try:
            yield running
        finally:
            running.cut()
            running.shutdown()
