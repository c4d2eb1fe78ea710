"""Something between the program and the API server that answers in its own way: cuts answers off, and lies in watches."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import yaml

from tests.commands.gate import Gate
from tests.controlplane import ControlPlane


class Heard(NamedTuple):
    """What the API server answered."""

    path: str
    status: int
    content_type: str
    body: bytes


class Passing(BaseHTTPRequestHandler):
    """One connection of the program; ``server.middle`` decides."""

    protocol_version = "HTTP/1.1"
    server: "_Server"

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (OSError, ValueError, http.client.HTTPException):  # one end or the other was cut
            self.close_connection = True

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection", "accept-encoding")}
        middle = self.server.middle
        if "watch=1" in self.path and middle.watching is not None:
            return middle.watching(self, middle.gate.forward(self.command, self.path, headers, body))
        response = middle.gate.forward(self.command, self.path, headers, body)
        if "watch=1" in self.path:
            return self.stream(response)
        heard = Heard(self.path, response.status, response.getheader("Content-Type", ""), response.read())
        if middle.reading is None or not middle.reading(self, heard):
            self.answer(heard)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def answer(self, heard: Heard) -> None:
        self.head(heard.status, ("Content-Type", heard.content_type), ("Content-Length", str(len(heard.body))))
        self.wfile.write(heard.body)

    def head(self, status: int, *headers: tuple[str, str]) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def begin(self, *headers: tuple[str, str]) -> None:
        """Of a watch's answer."""
        self.head(200, ("Content-Type", "application/json"), ("Transfer-Encoding", "chunked"), *headers)
        self.wfile.flush()

    def chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.flush()

    def end(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def lines(self, response: http.client.HTTPResponse) -> Iterator[bytes]:
        """Of a watch, each with its line feed, until the server ends it or the test is over."""
        rest = b""
        while not self.server.middle.over.is_set() and (data := response.read1(1 << 16)):
            *whole, rest = (rest + data).split(b"\n")
            yield from (line + b"\n" for line in whole)

    def stream(self, response: http.client.HTTPResponse) -> None:
        if response.status != 200:
            return self.answer(Heard(self.path, response.status, "application/json", response.read()))
        self.begin()
        for line in self.lines(response):
            self.chunk(line)
        self.end()

    def log_message(self, format: str, *args: object) -> None:
        pass


class Middle:
    """``reading`` is handed each answer that is no watch and says whether it has dealt with it, ``watching`` each watch."""

    def __init__(self, gate: Gate, kubeconfig: Path) -> None:
        self.gate, self.kubeconfig = gate, kubeconfig
        self.over = threading.Event()
        self.reading: Callable[[Passing, Heard], bool] | None = None
        self.watching: Callable[[Passing, http.client.HTTPResponse], None] | None = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    middle: Middle


@contextmanager
def middle(plane: ControlPlane, folder: Path) -> Iterator[Middle]:
    """Passes everything on as it is to begin with; with a kubeconfig that leads through it."""
    server = _Server(("127.0.0.1", 0), Passing)
    config = yaml.safe_load(plane.kubeconfig.read_text(encoding="utf-8"))
    config["clusters"][0]["cluster"] = {"server": f"http://127.0.0.1:{server.server_address[1]}"}
    kubeconfig = folder / "through-the-middle.yaml"
    kubeconfig.write_text(yaml.safe_dump(config), encoding="utf-8")
    server.middle = found = Middle(Gate(plane), kubeconfig)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield found
    finally:
        found.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def touched_before_deletion(between: Middle, path_part: str, touch: Callable[[], object]) -> list[str]:
    """The first DELETE of such a path finds the object changed since it was read. Returns the paths of all of them."""
    forward = between.gate.forward
    seen: list[str] = []

    def touching(method: str, path: str, headers: dict[str, str], body: bytes) -> http.client.HTTPResponse:
        if method == "DELETE" and path_part in path:
            if not seen:
                touch()
            seen.append(path)
        return forward(method, path, headers, body)

    between.gate.forward = touching  # type: ignore[method-assign]
    return seen
