"""An API server of a few hundred lines that can be told to misbehave.

It keeps objects and a history in memory, answers get, list (paged), watch, JSON patches and deletions the way kube-apiserver does,
and records every request. ``fault`` makes the next matching requests go wrong; ``restart``, ``cut_watches`` and ``compact`` do
what happens to real servers.
"""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from tests.controlplane.processes import free_ports

Obj = dict[str, Any]


class Seen(NamedTuple):
    """A request as it arrived. ``watch``: whether it was one."""

    method: str
    path: str
    query: dict[str, str]
    headers: Message
    body: bytes

    @property
    def watch(self) -> bool:
        return self.query.get("watch") == "1"


class Answer(NamedTuple):
    """A canned answer; ``body`` None: a Status that fits."""

    code: int
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()
    message: str = "as told by the test"

    def bytes(self) -> bytes:
        return status(self.code, self.message) if self.body is None else self.body


#: apiVersion and kind of what is served, by plural.
KINDS = {
    "statefulsets": ("apps/v1", "StatefulSet"),
    "controllerrevisions": ("apps/v1", "ControllerRevision"),
    "deployments": ("apps/v1", "Deployment"),
    "daemonsets": ("apps/v1", "DaemonSet"),
    "pods": ("v1", "Pod"),
    "services": ("v1", "Service"),
    "configmaps": ("v1", "ConfigMap"),
    "namespaces": ("v1", "Namespace"),
    "nodes": ("v1", "Node"),
    "events": ("v1", "Event"),
    "persistentvolumeclaims": ("v1", "PersistentVolumeClaim"),
    "persistentvolumes": ("v1", "PersistentVolume"),
    "endpointslices": ("discovery.k8s.io/v1", "EndpointSlice"),
    "resourcequotas": ("v1", "ResourceQuota"),
    "poddisruptionbudgets": ("policy/v1", "PodDisruptionBudget"),
    "volumeattachments": ("storage.k8s.io/v1", "VolumeAttachment"),
}


def list_of(plural: str, *items: Any, **metadata: Any) -> Obj:
    """A list as a server sends it, its keys in that order."""
    version, kind = KINDS[plural]
    return {"kind": f"{kind}List", "apiVersion": version, "metadata": metadata, "items": list(items)}


#: What a fault may do instead of answering: it has the handler in its hands.
Mischief = Callable[["Handler"], None]


def status(code: int, message: str, reason: str = "", **details: Any) -> bytes:
    answer = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason, "code": code}
    return json.dumps(answer | {"details": details}).encode()


def drop(handler: "Handler") -> None:
    """Cut the connection without a word."""
    handler.cut()


def stall(handler: "Handler") -> None:
    """Take the request and never answer."""
    handler.loopback.ended.wait(30)
    handler.cut()


def half(handler: "Handler") -> None:
    """Begin an answer and cut the connection in the middle of it."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"items": [')
    handler.cut()


class _Fault(NamedTuple):
    matches: Callable[[Seen], bool]
    doing: Answer | Mischief


class World:
    """Objects by plural, namespace and name; one history for all of them, as in etcd."""

    def __init__(self, version: int = 100) -> None:
        self.changed = threading.Condition()
        self.version = version
        self.compacted = 0
        self.objects: dict[str, dict[tuple[str, str], Obj]] = {}
        self.history: list[tuple[int, str, str, Obj, Obj | None]] = []  # version, plural, type, object, what it was before

    def put(self, plural: str, name: str, namespace: str = "x", **fields: Any) -> Obj:
        """Create or replace; ``labels`` and ``uid`` go into the metadata."""
        with self.changed:
            key, kind = (namespace, name), self.objects.setdefault(plural, {})
            before = kind.get(key)
            self.version += 1
            meta = {"name": name, "namespace": namespace, "uid": fields.pop("uid", f"uid-{name}")}
            meta |= fields.pop("metadata", {})
            if "labels" in fields:
                meta["labels"] = fields.pop("labels")
            meta["resourceVersion"] = str(self.version)
            api_version, name_of_kind = KINDS[plural]
            kind[key] = found = {"apiVersion": api_version, "kind": name_of_kind, "metadata": meta, **fields}
            self.history.append((self.version, plural, "MODIFIED" if before else "ADDED", found, before))
            self.changed.notify_all()
            return found

    def delete(self, plural: str, name: str, namespace: str = "x") -> None:
        with self.changed:
            found = self.objects[plural].pop((namespace, name))
            self.version += 1
            gone = {**found, "metadata": {**found["metadata"], "resourceVersion": str(self.version)}}
            self.history.append((self.version, plural, "DELETED", gone, found))
            self.changed.notify_all()

    def get(self, plural: str, name: str, namespace: str = "x") -> Obj | None:
        return self.objects.get(plural, {}).get((namespace, name))


def stateful_set(world: World, name: str = "web", *, replicas: int = 3, labels: dict[str, str] | None = None, **fields: Any) -> Obj:
    selector = labels or {"app": name}
    spec = {"replicas": replicas, "selector": {"matchLabels": selector}, "template": {"metadata": {"labels": selector}}}
    fields.setdefault("metadata", {"generation": 1})
    return world.put("statefulsets", name, kind="StatefulSet", spec=spec, labels=selector, **fields)


def pod(world: World, name: str, *, app: str = "web", **fields: Any) -> Obj:
    return world.put("pods", name, kind="Pod", labels={"app": app}, **fields)


class Loopback:
    """The server. ``tls``: a context to serve https with."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.world = World()
        self.release = "v1.37.2"  #: what it calls itself
        self.seen: list[Seen] = []
        self.arrived = threading.Condition()
        self.peers: list[Any] = []  # client certificates, one a request
        self.allowed: Callable[[Obj], bool] = lambda attributes: True
        self.ended = threading.Event()
        self._faults: list[_Fault] = []
        self._tls = tls
        self._server: _Server | None = None
        while self._server is None:
            self._port = free_ports(["loopback"])["loopback"]  # one that is still free when it is started again
            try:
                self.start()
            except OSError:
                pass  # another process took it since

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}"

    @property
    def port(self) -> int:
        return self._port

    def start(self) -> None:
        self.ended.clear()
        self._server = _Server(("127.0.0.1", self._port), self, self._tls)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True, name="loopback").start()

    def stop(self) -> None:
        """Everybody's connection is cut, nobody is let in."""
        self.ended.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.cut_all()
        with self.world.changed:
            self.world.changed.notify_all()
        self._server = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def cut_watches(self) -> None:
        assert self._server is not None
        self._server.cut_all(lambda handler: handler.watching)

    def end_watches(self) -> None:
        """As a server does every few minutes: the answer comes to its proper end."""
        assert self._server is not None
        with self.world.changed:
            for handler in self._server.handlers():
                handler.ending = True
            self.world.changed.notify_all()

    def bookmark(self, version: int) -> None:
        """Nothing happened up to that version, as all watches are told."""
        assert self._server is not None
        with self.world.changed:
            self.world.version = version
            for handler in self._server.handlers():
                handler.mark = handler.watching
            self.world.changed.notify_all()

    def compact(self) -> None:
        """Forget all history: whoever asks for it gets 410."""
        with self.world.changed:
            self.world.compacted = self.world.version
            self.world.changed.notify_all()

    def fault(
        self, doing: Answer | Mischief, *, times: int = 1, path: str = "", method: str = "GET", watch: bool | None = False
    ) -> None:
        """The next so many requests whose path ends so go wrong. ``watch``: only watches, none, or (None) either."""

        def matches(seen: Seen) -> bool:
            return seen.method == method and seen.path.endswith(path) and watch in (None, seen.watch)

        self._faults += [_Fault(matches, doing)] * times

    def mend(self) -> None:
        self._faults.clear()

    def pending(self) -> int:
        """Faults that nobody has met yet."""
        return len(self._faults)

    def requests(self, path: str = "", *, watch: bool | None = None, method: str | None = None) -> list[Seen]:
        with self.arrived:
            return [
                seen
                for seen in self.seen
                if seen.path.endswith(path) and watch in (None, seen.watch) and method in (None, seen.method)
            ]

    def await_requests(self, count: int, path: str = "", *, watch: bool | None = None, timeout: float = 10.0) -> None:
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.requests(path, watch=watch)) >= count, timeout), self.seen

    def await_authorized(self, credential: str, timeout: float = 10.0) -> None:
        """Wait for a watch with that Authorization."""

        def came() -> bool:
            return any(seen.headers["Authorization"] == credential for seen in self.requests(watch=True))

        with self.arrived:
            assert self.arrived.wait_for(came, timeout), self.seen

    def take_fault(self, seen: Seen) -> Answer | Mischief | None:
        with self.arrived:
            self.seen.append(seen)
            self.arrived.notify_all()
            for fault in self._faults:
                if fault.matches(seen):
                    self._faults.remove(fault)
                    return fault.doing
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], loopback: Loopback, tls: ssl.SSLContext | None) -> None:
        self.loopback, self._tls = loopback, tls
        self._open: dict[int, "Handler"] = {}
        self._guard = threading.Lock()
        super().__init__(address, Handler)

    def handlers(self) -> "list[Handler]":
        with self._guard:
            return list(self._open.values())

    def cut_all(self, which: "Callable[[Handler], bool]" = lambda handler: True) -> None:
        for handler in self.handlers():
            if which(handler):
                handler.cut()

    def opened(self, handler: "Handler") -> None:
        with self._guard:
            self._open[id(handler)] = handler

    def closed(self, handler: "Handler") -> None:
        with self._guard:
            self._open.pop(id(handler), None)

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            try:
                request = self._tls.wrap_socket(request, server_side=True)
            except OSError:
                return  # a client that does not trust us
        try:
            Handler(request, client_address, self)
        finally:
            request.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # connections are cut all the time here


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.watching = self.ending = self.mark = False
        self.server.opened(self)

    def finish(self) -> None:
        self.server.closed(self)
        try:
            super().finish()
        except (OSError, ValueError):
            pass

    @property
    def loopback(self) -> Loopback:
        return self.server.loopback

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def cut(self) -> None:
        self.close_connection = True
        try:
            socket.socket.shutdown(self.connection, socket.SHUT_RDWR)
        except OSError:
            pass

    def do_GET(self) -> None:
        self._serve()

    do_PATCH = do_DELETE = do_POST = do_GET

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        seen = Seen(self.command, parts.path, query, self.headers, body)
        getpeercert = getattr(self.connection, "getpeercert", lambda: None)
        self.loopback.peers.append(getpeercert())
        self.watching = seen.watch
        fault = self.loopback.take_fault(seen)
        if isinstance(fault, Answer):
            self.answer(fault)
        elif fault is not None:
            fault(self)
        else:
            self._honest(seen)

    def answer(self, answer: Answer) -> None:
        body = answer.bytes()
        self.send_response(answer.code)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _json(self, value: Any, code: int = 200) -> None:
        self.answer(Answer(code, json.dumps(value, separators=(",", ":")).encode()))

    def _honest(self, seen: Seen) -> None:
        world = self.loopback.world
        if seen.path.endswith("/version"):
            return self._json({"major": "1", "minor": "37", "gitVersion": self.loopback.release})
        if seen.path == "/apis":
            versions = sorted({version for version, _ in KINDS.values() if "/" in version})
            groups = [{"name": each.partition("/")[0], "versions": [{"groupVersion": each, "version": each.partition("/")[2]}]} for each in versions]
            return self._json({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        if seen.path.endswith("selfsubjectaccessreviews"):
            review = json.loads(seen.body)
            allowed = self.loopback.allowed(review["spec"]["resourceAttributes"])
            return self._json({**review, "status": {"allowed": allowed}}, 201)
        namespace, plural, name = _parsed(seen.path)
        if not name and seen.watch:
            return self._watch(seen, world, plural, namespace)
        if not name:
            return self._list(seen, world, plural, namespace)
        with world.changed:
            found = world.get(plural, name, namespace or "")
            if found is None:
                self.answer(Answer(404, status(404, f'{plural} "{name}" not found', "NotFound", name=name, kind=plural)))
            elif seen.method == "PATCH":
                self._patch(seen, world, plural, found)
            elif seen.method == "DELETE":
                self._delete(seen, world, plural, found)
            else:
                self._json(found)

    def _list(self, seen: Seen, world: World, plural: str, namespace: str | None) -> None:
        with world.changed:
            found = [
                item
                for (place, _), item in sorted(world.objects.get(plural, {}).items())
                if namespace in (None, place) and _selected(item, seen.query)
            ]
            meta: Obj = {"resourceVersion": str(world.version)}
        limit, start = int(seen.query.get("limit") or 0), int(seen.query.get("continue") or 0)
        if limit and len(found) > start + limit:
            meta["continue"] = str(start + limit)
        page = found[start:][:limit] if limit else found
        self._json(list_of(plural, *page) | {"metadata": meta})

    def _watch(self, seen: Seen, world: World, plural: str, namespace: str | None) -> None:
        position = int(seen.query["resourceVersion"])
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        deadline = time.monotonic() + float(seen.query.get("timeoutSeconds", "300"))
        while not self.close_connection and not self.loopback.ended.is_set():
            with world.changed:
                if position < world.compacted:
                    gone = json.loads(status(410, f"too old resource version: {position}", "Expired"))
                    return self._last({"type": "ERROR", "object": gone})
                events = [event for event in world.history if event[0] > position]
                if self.mark:
                    self.mark, position = False, world.version
                    self.chunk({"type": "BOOKMARK", "object": {"kind": KINDS[plural][1], "metadata": {"resourceVersion": str(position)}}})
                elif not events and not self.ending and not world.changed.wait(min(1.0, deadline - time.monotonic())):
                    if time.monotonic() < deadline:
                        continue
                    self.ending = True
            if self.ending and not events:
                return self._last(None)
            for version, kind, type, item, before in events:
                position = version
                if kind == plural and namespace in (None, item["metadata"]["namespace"]):
                    self._event(type, item, before, seen.query)

    def _event(self, type: str, item: Obj, before: Obj | None, query: dict[str, str]) -> None:
        """As seen through a selector: what leaves it is deleted, what enters it is added."""
        now, then = type != "DELETED" and _selected(item, query), before is not None and _selected(before, query)
        if now or then:
            self.chunk({"type": ("MODIFIED" if then else "ADDED") if now else "DELETED", "object": item})

    def chunk(self, value: Any) -> None:
        line = json.dumps(value).encode() + b"\n"
        self.wfile.write(b"%x\r\n%b\r\n" % (len(line), line))

    def _last(self, value: Any) -> None:
        if value is not None:
            self.chunk(value)
        self.wfile.write(b"0\r\n\r\n")
        self.watching = self.ending = False

    def _patch(self, seen: Seen, world: World, plural: str, found: Obj) -> None:
        changed: Obj = json.loads(json.dumps(found))
        for operation in json.loads(seen.body):
            *path, last = operation["path"].split("/")[1:]
            place: Any = changed
            for part in path:
                place = place.get(part, {})
            if operation["op"] == "test" and place.get(last) != operation["value"]:
                return self.answer(Answer(422, status(422, "the server rejected our request due to an error in our request", "Invalid")))
            if operation["op"] != "test":
                place[last] = operation["value"]
        if "dryRun" not in seen.query:
            meta = changed.pop("metadata")
            changed = world.put(plural, meta["name"], meta["namespace"], metadata=meta | {"generation": meta["generation"] + 1}, **changed)
        self._json(changed)

    def _delete(self, seen: Seen, world: World, plural: str, found: Obj) -> None:
        options, meta = json.loads(seen.body), found["metadata"]
        wanted = options.get("preconditions", {})
        if any(meta[key] != value for key, value in wanted.items()):
            return self.answer(Answer(409, status(409, f"Precondition failed: {wanted}", "Conflict")))
        if "dryRun" not in options:
            found["metadata"] = meta | {"deletionTimestamp": "2026-01-01T00:00:00Z"}
            fields = {key: value for key, value in found.items() if key != "metadata"}
            found = world.put(plural, meta["name"], meta["namespace"], metadata=found["metadata"], uid=meta["uid"], **fields)
        self._json(found)


def _parsed(path: str) -> tuple[str | None, str, str]:
    """Namespace, plural and name of an API path."""
    _, start, rest = path.partition("/api")
    parts = (start + rest).strip("/").split("/")
    parts = parts[2:] if parts[0] == "api" else parts[3:]
    if parts[0] == "namespaces" and len(parts) > 2:
        return parts[1], parts[2], parts[3] if len(parts) > 3 else ""
    return ("" if len(parts) > 1 else None), parts[0], parts[1] if len(parts) > 1 else ""


def _selected(item: Obj, query: dict[str, str]) -> bool:
    labels = item["metadata"].get("labels", {})
    field = query.get("fieldSelector", "")
    about = item.get("involvedObject", {}).get("name")
    if field and field not in (f"metadata.name={item['metadata']['name']}", f"involvedObject.name={about}"):
        return False
    terms = [term for term in query.get("labelSelector", "").split(",") if term]
    return all(labels.get(term.partition("=")[0]) == term.partition("=")[2] for term in terms)


@contextmanager
def loopback(tls: ssl.SSLContext | None = None) -> Iterator[Loopback]:
    server = Loopback(tls)
    try:
        yield server
    finally:
        server.stop()
