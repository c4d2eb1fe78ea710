"""What one of the two programs runs in: its own way to the API server, its own proxies, gateways and folders.

Both run at once and many pairs beside each other, so who asked is told by the address that a lane's relays connect from.
"""

import base64
import http.client
import json
import os
import re
import select
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, StreamRequestHandler, ThreadingTCPServer
from typing import Any

import trustme

from tests.controlplane import ControlPlane
from tests.parity.case import Case, written

#: What a gateway answers by itself instead of passing the question on, by the first part of the path.
_PAGES = {"502": 502, "401": 401, "403": 403, "200": 200}


@dataclass
class Outcome:
    """What a program did. ``who`` and ``namespace``: whom the API server saw and where it was asked to look. ``ways``: the kinds of
    proxies that were used. ``sent``: the kinds of Authorization that a plain server got. ``plugin``: what it was told; None: it did
    not run."""

    code: int
    said: str
    who: str = ""
    namespace: str = ""
    ways: frozenset[str] = frozenset()
    sent: frozenset[str] = frozenset()
    plugin: Any = None

    @property
    def well(self) -> bool:
        return self.code == 0

    def compared(self) -> dict[str, Any]:
        """What has to be the same: who was seen counts where there was an answer."""
        seen = (self.who, self.namespace) if self.well else ()
        return {"well": self.well, "seen": seen, "ways": self.ways, "sent": self.sent, "plugin": self.plugin}


@dataclass
class Lane:
    """``program``: the words that list StatefulSets. ``address``: what the API server sees it come from."""

    program: tuple[str, ...]
    plane: ControlPlane
    folder: Path
    address: str
    values: dict[str, str] = field(default_factory=dict)
    ways: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)

    def run(self, case: Case) -> Outcome:
        folder = self.folder / case.name
        self._lay(case, folder)
        self.ways.clear()
        self.sent.clear()
        since = self.plane.audit_log.stat().st_size
        done = subprocess.run(
            self._words(case, folder), env=self._environment(case, folder), cwd=folder / case.within, capture_output=True, text=True,
            errors="replace", stdin=subprocess.DEVNULL, timeout=60, check=False,
        )
        who, namespace = self._seen(since) if done.returncode == 0 else ("", "")
        told = next(iter(folder.rglob("told")), None)
        return Outcome(
            done.returncode, done.stderr.strip() or done.stdout.strip(), who, namespace, frozenset(self.ways), frozenset(self.sent),
            self._neutral(json.loads(told.read_text() or "null"), folder) if told else None,
        )

    def fill(self, text: str, folder: Path) -> str:
        def value(found: re.Match[str]) -> str:
            coded, name = found[1], found[2]
            filled = str(folder) if name == "dir" else self.values[name]
            return base64.b64encode(filled.encode()).decode() if coded else filled

        return re.sub(r"%\{(base64:)?(\w+)\}", value, text)

    def _lay(self, case: Case, folder: Path) -> None:
        (folder / "elsewhere").mkdir(parents=True)
        for name, content in case.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                path.mkdir()
                continue
            text = written(self._filled(content, folder))
            path.write_bytes(text.encode() if isinstance(text, str) else text)
            if name.rpartition("/")[2].startswith("plug"):
                path.chmod(0o755)

    def _filled(self, value: Any, folder: Path) -> Any:
        if isinstance(value, str):
            return self.fill(value, folder)
        if isinstance(value, dict):
            return {self.fill(key, folder): self._filled(each, folder) for key, each in value.items()}
        return [self._filled(each, folder) for each in value] if isinstance(value, list) else value

    def _words(self, case: Case, folder: Path) -> list[str]:
        words = [*self.program, *(self.fill(flag, folder) for flag in case.flags)]
        if not case.pod:
            return words
        own = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
        account = "/var/run/secrets/kubernetes.io/serviceaccount"
        mount = f'mount -t tmpfs none "$(readlink -f /var/run)" && mkdir -p {account} && cp "$0"/sa/* {account} && exec "$@"'
        return [*own, "sh", "-c", mount, str(folder), *words]

    def _environment(self, case: Case, folder: Path) -> dict[str, str]:
        environ: dict[str, str | None] = {
            "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.folder / "home"), "LANG": "C.UTF-8",
            "KUBECONFIG": "%{dir}/config", "KUBERC": "off", **case.environ,
        }
        return {name: self.fill(value, folder) for name, value in environ.items() if value is not None}

    def _seen(self, since: int) -> tuple[str, str]:
        """The user of the last list of StatefulSets from this lane's address, in words, and the namespace."""
        until = time.monotonic() + 5
        while True:
            with self.plane.audit_log.open("rb") as log:
                log.seek(since)
                events = [json.loads(line) for line in log.read().splitlines() if line.endswith(b"}")]
            own = [each for each in events if self.address in each.get("sourceIPs", ()) and "statefulsets" in each.get("requestURI", "")]
            if own or time.monotonic() > until:
                return _user(own[-1]) if own else ("", "")
            time.sleep(0.02)

    def _neutral(self, value: Any, folder: Path) -> Any:
        """Without what differs between lanes: folders and ports."""
        text = json.dumps(value).replace(str(folder), "DIR")
        for name, port in self.values.items():
            if port.isdigit():
                text = re.sub(rf"\b{port}\b", name.upper(), text)
        return json.loads(text)


def _user(event: dict[str, Any]) -> tuple[str, str]:
    name = event.get("user", {}).get("username", "?")
    played = event.get("impersonatedUser")
    if played:
        groups = sorted(set(played.get("groups", ())) - {"system:authenticated"})
        name += f" as {played.get('username')} of {groups} {played.get('uid', '')} {json.dumps(played.get('extra', {}), sort_keys=True)}"
    return name, (event.get("objectRef") or {}).get("namespace", "")


# --- between a program and the API server ------------------------------------------------------------------------------------


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    lane: Lane
    port: int

    def upstream(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), source_address=(self.lane.address, 0))

    def handle_error(self, request: object, client_address: object) -> None:
        pass


class _Six(_Server):
    address_family = socket.AF_INET6


def _joined(one: socket.socket, other: socket.socket) -> None:
    ends = {one: other, other: one}
    with other:
        while True:
            for readable in select.select(list(ends), [], [], 60)[0]:
                data = readable.recv(1 << 16)
                if not data:
                    return
                ends[readable].sendall(data)


class _Relay(BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        _joined(self.request, self.server.upstream())


class _Connect(StreamRequestHandler):
    server: _Server
    wanted = ""

    def handle(self) -> None:
        self.rfile.readline()
        heads = []
        while line := self.rfile.readline().decode().strip():
            heads.append(line.lower())
        self.server.lane.ways.append("http")
        if self.wanted and not any(line.startswith("proxy-authorization:") and line.endswith(self.wanted) for line in heads):
            self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        _joined(self.connection, self.server.upstream())


class _Locked(_Connect):
    """Lets in who says u:p@ss."""

    wanted = base64.b64encode(b"u:p@ss").decode().lower()


class _Socks(StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        self.rfile.read(self.rfile.read(2)[1])
        self.wfile.write(b"\x05\x00")
        kind = self.rfile.read(4)[3]
        self.rfile.read({1: 4, 4: 16}.get(kind) or self.rfile.read(1)[0])
        self.rfile.read(2)
        self.server.lane.ways.append("socks")
        self.wfile.write(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
        _joined(self.connection, self.server.upstream())


class _Gateway(BaseHTTPRequestHandler):
    """Passes on what comes below /k8s/clusters/c-1; its first parts of a path say what it does otherwise."""

    protocol_version = "HTTP/1.1"
    server: "_Web"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        _, first, *rest = self.path.split("/", 2)
        below = "/" + "".join(rest)
        if first in _PAGES:
            self._answer(_PAGES[first], {"Content-Type": "text/html"}, b"<!DOCTYPE html><html><body>Bad</body></html>")
        elif first == "307":
            self._answer(307, {"Location": f"https://127.0.0.1:{self.server.lane.values['port']}{below}"}, b"")
        elif first == "json" and "statefulsets" in below:
            self._answer(200, {"Content-Type": "application/json"}, b'{"status":"ok"}')
        elif self.server.token or first in ("chunked", "json"):
            self._pass(below if first in ("chunked", "json") else self.path, chunked=first == "chunked")
        elif self.path.startswith("/k8s/clusters/c-1/"):
            self._pass(self.path.removeprefix("/k8s/clusters/c-1"))
        else:
            self._answer(404, {"Content-Type": "text/html"}, b"<html>404 page not found</html>")

    def _pass(self, path: str, chunked: bool = False) -> None:
        heads = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection", "content-length")}
        if self.server.token:
            self.server.lane.sent.append(self.headers.get("Authorization", "").partition(" ")[0])
            heads.setdefault("Authorization", f"Bearer {self.server.token}")
        trusted = ssl.create_default_context(cafile=self.server.lane.values["ca"])
        source = (self.server.lane.address, 0)
        upstream = http.client.HTTPSConnection("127.0.0.1", self.server.port, context=trusted, source_address=source)
        upstream.request(self.command, path, headers=heads)
        answer = upstream.getresponse()
        body = answer.read()
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in ("transfer-encoding", "content-length", "connection")}
        upstream.close()
        if not chunked:
            self._answer(answer.status, kept, body)
            return
        self.send_response(answer.status)
        for name, value in (kept | {"Transfer-Encoding": "chunked"}).items():
            self.send_header(name, value)
        self.end_headers()
        for index in range(0, len(body), 7):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(body[index:index + 7]), body[index:index + 7]))
        self.wfile.write(b"0\r\n\r\n")

    def _answer(self, code: int, heads: dict[str, str], body: bytes) -> None:
        self.send_response(code)
        for name, value in (heads | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class _Web(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    lane: Lane
    port: int
    token = ""  #: whose it is is what a plain server passes questions on as


@contextmanager
def lane(name: str, program: tuple[str, ...], plane: ControlPlane, folder: Path, address: str) -> Iterator[Lane]:
    """A lane whose servers run; ``folder`` is its own."""
    made = Lane(program, plane, folder / name, address)
    (made.folder / "home").mkdir(parents=True)
    port = int(plane.server.rpartition(":")[2])
    keys = plane.ca_file.parent
    made.values |= {line.split(",")[1]: line.split(",")[0] for line in (keys / "tokens.csv").read_text().splitlines()}
    made.values["ca"] = str(plane.ca_file)
    made.values["authority"] = plane.ca_file.read_text()
    people = trustme.CA.from_pem((keys / "client-ca.crt").read_bytes(), (keys / "client-ca.key").read_bytes())
    made.values["other"] = (keys / "client-ca.crt").read_text()
    for mark, user in (("", "certuser"), ("2", "certuser2")):
        leaf = people.issue_cert(f"{user}.test", common_name=user)
        made.values["crt" + mark], made.values["key" + mark] = leaf.cert_chain_pems[0].bytes().decode(), leaf.private_key_pem.bytes().decode()
    for mark, label in (("rsa", "RSA PRIVATE KEY"), ("any", "PRIVATE KEY")):
        made.values["key_as_" + mark] = re.sub("(?<=-BEGIN |---END )[A-Z ]+", label, made.values["key"])
    with ExitStack() as running:
        raw: list[tuple[str, type[_Server], type[BaseRequestHandler], str]] = [
            ("port", _Server, _Relay, "127.0.0.1"), ("connect", _Server, _Connect, "127.0.0.1"), ("locked", _Server, _Locked, "127.0.0.1"),
            ("socks", _Server, _Socks, "127.0.0.1"), ("six", _Six, _Relay, "::1"),
        ]
        servers: list[tuple[str, Any]] = [(key, kind((host, 0), handler)) for key, kind, handler, host in raw]
        gateway, plain = _Web(("127.0.0.1", 0), _Gateway), _Web(("127.0.0.1", 0), _Gateway)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(keys / "server.crt", keys / "server.key")
        gateway.socket = context.wrap_socket(gateway.socket, server_side=True)
        plain.token = made.values["clara"]
        for key, server in [*servers, ("gateway", gateway), ("plain", plain)]:
            server.lane, server.port = made, port
            made.values[key] = str(server.server_address[1])
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True, name=f"parity {name} {key}").start()
            running.callback(server.server_close)
            running.callback(server.shutdown)
        made.values["server"] = f"https://127.0.0.1:{made.values['port']}"
        yield made
        shutil.rmtree(made.folder, ignore_errors=True)
