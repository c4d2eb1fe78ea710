"""A gate before the API server: stops one request, before the server gets it or before its answer gets back, until it is let
through. So something can happen at exactly that moment.
"""

import http.client
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

from tests.controlplane import ControlPlane


class Gate:
    """``stop`` says which request; ``reached`` waits until it is there, and ``let_through`` ends its stop."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self._wanted: tuple[str, str, bool] | None = None
        self._dry_runs = True
        self._arrived, self._open = threading.Event(), threading.Event()
        self._cut = False

    def stop(self, method: str, path_part: str, *, answered: bool, dry_runs: bool = True) -> None:
        """The next request with that method whose path holds that text; ``answered``: only once the server has answered it.
        ``dry_runs``: one that changes nothing is stopped as well."""
        self._wanted, self._dry_runs = (method, path_part, answered), dry_runs
        self._arrived.clear()
        self._open.clear()

    def reached(self) -> None:
        assert self._arrived.wait(60), "there was no such request"

    def let_through(self, *, cut: bool = False) -> None:
        """``cut``: the connection breaks, and nobody gets an answer."""
        self._cut = cut
        self._open.set()

    def passing(self, method: str, path: str, answered: bool) -> bool:
        """Called for each request, twice; False: break the connection."""
        wanted = self._wanted
        if wanted is None or (method, answered) != (wanted[0], wanted[2]) or wanted[1] not in path:
            return True
        if not self._dry_runs and "dryRun" in path:
            return True
        self._wanted = None
        self._arrived.set()
        assert self._open.wait(60), "nobody let it through"
        return not self._cut

    def forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> http.client.HTTPResponse:
        host, _, port = self._plane.server.removeprefix("https://").partition(":")
        trusted = ssl.create_default_context(cafile=str(self._plane.ca_file))
        connection = http.client.HTTPSConnection(host, int(port), context=trusted, timeout=60)
        # credentials do not come over plain http, so the gate knows them
        user = yaml.safe_load(self._plane.kubeconfig.read_text(encoding="utf-8"))["users"][0]["user"]
        own = {"Authorization": f"Bearer {user['token']}", "Connection": "close"}
        connection.request(method, path, body or None, {**headers, **own})
        return connection.getresponse()


@contextmanager
def gate(plane: ControlPlane, folder: Path) -> Iterator[tuple[Gate, Path]]:
    """A gate, and a kubeconfig that leads through it."""
    found = Gate(plane)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except ConnectionError:  # whoever asked was killed
                self.close_connection = True

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
            if not found.passing(self.command, self.path, False):
                self.close_connection = True
                return
            response = found.forward(self.command, self.path, headers, body)
            answer = response.read()
            if not found.passing(self.command, self.path, True):
                self.close_connection = True
                return
            self.send_response_only(response.status)
            for name, value in response.getheaders():
                if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    config = yaml.safe_load(plane.kubeconfig.read_text(encoding="utf-8"))
    config["clusters"][0]["cluster"] = {"server": f"http://127.0.0.1:{server.server_address[1]}"}
    kubeconfig = folder / "through-the-gate.yaml"
    kubeconfig.write_text(yaml.safe_dump(config), encoding="utf-8")
    try:
        yield found, kubeconfig
    finally:
        found.let_through()
        server.shutdown()
        thread.join()
        server.server_close()
