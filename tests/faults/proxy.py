"""A proxy on loopback between the program and the real API server, that does to requests what networks and busy servers do.

It speaks with the program as the API server would, with that one's certificate, and passes on what nothing was drawn for.
"""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.controlplane import ControlPlane
from tests.controlplane.layout import Layout
from tests.faults.draws import Asked, Fault, Faults

#: Headers that belong to one connection, not to the message (RFC 9110, 7.6.1), or that are written anew.
_HOP = ("connection", "transfer-encoding", "content-length", "keep-alive", "host")

_REASONS = {409: "Conflict", 410: "Expired", 429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable", 504: "Timeout"}


class Proxy(ThreadingHTTPServer):
    """Listens with the API server's own certificate."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, plane: ControlPlane, faults: Faults) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.faults, self.ended = faults, threading.Event()
        files = Layout(plane.directory).credentials
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(files.server_certificate, files.server_key)
        self._trust = ssl.create_default_context(cafile=str(plane.ca_file))
        self._target = urlsplit(plane.server).port or 0
        self._lock = threading.Lock()
        self._heard: dict[str, list[bytes]] = {}
        self._open: set[socket.socket] = set()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def connect(self) -> http.client.HTTPSConnection:
        """To the real one."""
        connection = http.client.HTTPSConnection("127.0.0.1", self._target, context=self._trust, timeout=60)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.opened(connection.sock)
        return connection

    def opened(self, sock: socket.socket) -> None:
        with self._lock:
            self._open.add(sock)

    def close_all(self) -> None:
        self.ended.set()
        with self._lock:
            for sock in self._open:
                cut(sock)

    def heard(self, path: str, body: bytes) -> bytes:
        """Notes an answer, and returns the one before it that was another."""
        with self._lock:
            told = self._heard.setdefault(path, [body])
            if told[-1] != body:
                told.append(body)
            return told[-2] if len(told) > 1 else body

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wrapped = self._tls.wrap_socket(request, server_side=True)
        self.opened(wrapped)
        try:
            _Handler(wrapped, client_address, self)
        finally:
            cut(wrapped)
            wrapped.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections are cut all the time here."""


class _Handler(BaseHTTPRequestHandler):
    """One connection of the program, and one behind it to the server."""

    protocol_version = "HTTP/1.1"
    server: Proxy

    def setup(self) -> None:
        super().setup()
        self._upstream: http.client.HTTPSConnection | None = None

    def finish(self) -> None:
        if self._upstream is not None:
            self._upstream.close()
        try:
            super().finish()
        except (OSError, ValueError):
            pass

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = _asked(self.command, self.path)
        fault = self.server.faults.draw(asked)
        match fault:
            case Fault.CONFLICT | Fault.EXPIRED | Fault.THROTTLED | Fault.ERROR | Fault.UNAVAILABLE:
                self._say(int(fault.value))
            case Fault.REDIRECT:
                self._plain(302, b"", ("Location", "/login"))
            case Fault.FORMER if self.command == "PATCH":
                former = self._asked("GET", self.path.partition("?")[0], b"", {}).read()
                self._answer(self._forward(body), fault, former)
            case _ if asked.watch:
                self._stream(self._forward(body), fault)
            case _:
                self._answer(self._forward(body), fault)

    do_PATCH = do_DELETE = do_POST = do_GET

    def _forward(self, body: bytes) -> http.client.HTTPResponse:
        return self._asked(self.command, self.path, body, {name: value for name, value in self.headers.items() if name.lower() not in _HOP})

    def _asked(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> http.client.HTTPResponse:
        if self._upstream is None:
            self._upstream = self.server.connect()
        own = {name: value for name, value in self.headers.items() if name.lower() == "authorization"}
        self._upstream.request(method, path, body=body or None, headers={**own, **headers})
        return self._upstream.getresponse()

    def _plain(self, code: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response_only(code)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _say(self, code: int) -> None:
        body = _status(code)
        self.send_response(code)
        if code == 429:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _answer(self, response: http.client.HTTPResponse, fault: Fault | None, former: bytes = b"") -> None:
        body = response.read()
        before = self.server.heard(self.path, body) if self.command == "GET" and response.status == 200 else body
        odd = _instead(fault, body, former or before) if response.status in (200, 201) else None
        if odd is not None:
            packed = (("Content-Encoding", "gzip"),) if fault is Fault.CUT_GZIP else ()
            return self._plain(200, odd, ("Content-Type", "text/html" if fault is Fault.PAGE else "application/json"), *packed)
        if fault is Fault.LOST:
            return self._cut()
        if fault is Fault.GATEWAY:
            return self._say(504)
        self._head(response, ("Content-Length", str(len(body))))
        self.wfile.write(body[: len(body) // 2] if fault is Fault.HALF else body)
        if fault is Fault.HALF:
            self._cut()

    def _stream(self, response: http.client.HTTPResponse, fault: Fault | None) -> None:
        if response.status != 200:
            return self._answer(response, None)
        odd = _instead(fault, b"{}", b"{}")
        if odd is not None:
            self._plain(200, odd + b"\n", ("Content-Type", "application/json"))
            return self._cut()
        self._head(response, ("Transfer-Encoding", "chunked"))
        self.wfile.flush()
        if fault is Fault.EXPIRED_EVENT:
            self._chunk(b'{"type":"ERROR","object":' + _status(410) + b"}\n")
        elif fault is Fault.STALLED:
            self.server.ended.wait(self.server.faults.seconds(6.0))
        elif fault is not Fault.CUT:
            self._pump(response, self.server.faults.seconds(2.0) if fault is Fault.BROKEN else None)
        self._cut()

    def _pump(self, response: http.client.HTTPResponse, seconds: float | None) -> None:
        """``seconds``: after which the stream breaks."""
        assert self._upstream is not None
        timer = threading.Timer(seconds, self._break_off) if seconds is not None else None
        if timer is not None:
            timer.daemon = True
            timer.start()
        try:
            while data := response.read1(1 << 16):
                self._chunk(data)
            if timer is None:
                self.wfile.write(b"0\r\n\r\n")
        except (OSError, http.client.HTTPException, ValueError):
            pass
        finally:
            if timer is not None:
                timer.cancel()

    def _break_off(self) -> None:
        try:
            self._chunk(b'{"type":"MODIFIED","object":{"kind":"Pod","meta')
        except (OSError, ValueError):
            pass
        self._cut()

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _head(self, response: http.client.HTTPResponse, length: tuple[str, str]) -> None:
        self.send_response_only(response.status)
        for name, value in response.getheaders():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        self.send_header(*length)
        self.end_headers()

    def _cut(self) -> None:
        self.close_connection = True
        cut(self.connection)
        if self._upstream is not None and self._upstream.sock is not None:
            cut(self._upstream.sock)


def cut(sock: socket.socket) -> None:
    """Without a word of TLS."""
    try:
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:
        pass


def _instead(fault: Fault | None, body: bytes, former: bytes) -> bytes | None:
    """What is answered in place of this; None: what the server says."""
    match fault:
        case Fault.EMPTY:
            return b"{}"
        case Fault.PAGE:
            return b"<html>please log in</html>"
        case Fault.STATUS:
            return json.dumps({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}).encode()
        case Fault.FAILURE:
            return _status(500)
        case Fault.STALE | Fault.FORMER:
            return former
        case Fault.CUT_GZIP:
            packed = gzip.compress(body)
            return packed[: len(packed) // 2]
        case Fault.ELSEWHERE | Fault.NO_UID:
            return json.dumps(_unlike(json.loads(body), fault)).encode()
        case Fault.OTHER_KIND:
            found = json.loads(body)
            return json.dumps({**found, "kind": "ConfigMapList" if "items" in found else "ConfigMap", "apiVersion": "v1"}).encode()
        case Fault.GOES_ON:
            found = json.loads(body)
            return json.dumps({**found, "metadata": {**found.get("metadata", {}), "continue": "nobody-knows-this"}}).encode()
        case Fault.OTHER | Fault.NO_ITEMS:
            return json.dumps(_other(json.loads(body), fault is Fault.NO_ITEMS)).encode()
        case _:
            return None


def _other(found: dict[str, Any], empty: bool) -> dict[str, Any]:
    """Of another name; ``empty``: a list without its items."""
    if empty:
        return {**found, "items": None} if "items" in found else found
    if found.get("items"):
        first, *others = found["items"]
        return {**found, "items": [_other(first, False), *others]}
    return {**found, "metadata": {**found["metadata"], "name": "another"}} if found.get("metadata", {}).get("name") else found


def _unlike(found: dict[str, Any], fault: Fault) -> dict[str, Any]:
    """The object, or the objects of the list, of another namespace or without their uids."""
    if "items" in found:
        return {**found, "items": [_unlike(each, fault) for each in found["items"] or ()]}
    meta = dict(found.get("metadata") or {})
    if fault is Fault.ELSEWHERE and "namespace" in meta:
        meta["namespace"] = "elsewhere"
    if fault is Fault.NO_UID:
        meta.pop("uid", None)
    return {**found, "metadata": meta}


def _asked(method: str, path: str) -> Asked:
    parts = urlsplit(path)
    words = parts.path.strip("/").split("/")
    namespaced = words.index("namespaces") + 2 if "namespaces" in words and len(words) > words.index("namespaces") + 2 else None
    resource = words[namespaced] if namespaced is not None else words[-1]
    return Asked(method, resource, "watch=1" in parts.query)


def _status(code: int) -> bytes:
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "as drawn", "reason": _REASONS[code], "code": code}
    return json.dumps(status).encode()


@contextmanager
def proxy(plane: ControlPlane, faults: Faults) -> Iterator[Proxy]:
    """Everything through it is cut at the end."""
    with Proxy(plane, faults) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True, name="fault-proxy").start()
        try:
            yield server
        finally:
            server.close_all()
            server.shutdown()
