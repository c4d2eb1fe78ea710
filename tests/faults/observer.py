"""Watches one set and its pods on its own, over the standard library alone, and remembers every state that they were in.

A watch brings every event in the order of the store, so the fewest pods that were ever available at once are counted exactly. While
the API server is away nothing is seen; what changed meanwhile counts as one step.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from tests.controlplane import ControlPlane
from tests.controlplane.api import Api, ApiError
from tests.faults import reading
from tests.faults.cases import APPS
from tests.faults.reading import Obj, View

_SILENCE = 30.0


def api_of(plane: ControlPlane) -> Api:
    """The administrator, under a name that is not the program's."""
    return Api(_port(plane), plane.ca_file, _token(plane), agent="observer")


def set_path(namespace: str, name: str, api: str = APPS) -> str:
    return f"/apis/{api}/namespaces/{namespace}/statefulsets/{name}"


def pods_path(namespace: str, name: str) -> str:
    return f"/api/v1/namespaces/{namespace}/pods?labelSelector=app%3D{name}"


class Observer:
    """One set from now until the block ends. All that it remembers is guarded by ``changed``."""

    def __init__(self, plane: ControlPlane, namespace: str, name: str, api: str = APPS) -> None:
        self._api, self._place, self._set_path = api_of(plane), (namespace, name), set_path(namespace, name, api)
        self._port, self._token, self._authority = _port(plane), _token(plane), str(plane.ca_file)  # it may be gone for a while
        self.changed = threading.Condition()
        self._set: Obj | None = None
        self._pods: dict[str, Obj] = {}
        self.history: list[View] = []
        #: The uids under each pod's name since the beginning, in order.
        self.lives: dict[str, list[str]] = {}
        self._revisions: dict[str, str] = {}
        self.lowest = 0
        self._ended = threading.Event()
        self._sockets: set[socket.socket] = set()
        namespace_path = f"/apis/{api}/namespaces/{namespace}/statefulsets?fieldSelector=metadata.name%3D{name}"
        self._threads = [
            threading.Thread(target=self._follow, args=(path, take), daemon=True, name=f"observer-{name}")
            for path, take in ((namespace_path, self._take_set), (pods_path(namespace, name), self._take_pod))
        ]

    def __enter__(self) -> Observer:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ended.set()
        with self.changed:
            sockets = list(self._sockets)
        for each in sockets:
            _cut(each)
        for thread in self._threads:
            thread.join(5)

    @property
    def view(self) -> View:
        with self.changed:
            return View(time.monotonic(), self._set, dict(self._pods))

    def begin(self) -> None:
        """Forget what was: only what comes now is judged."""
        with self.changed:
            self.history = [self.view]
            self.lives = {name: [reading.uid(pod)] for name, pod in self._pods.items()}
            self.lowest = reading.available(self.view)

    def until(self, holds: Callable[[View], bool], what: str, seconds: float = 60.0) -> View:
        """Wait until it is so; the view in which it was."""
        with self.changed:
            if not self.changed.wait_for(lambda: holds(self.view), seconds):
                raise TimeoutError(f"never happened to {'/'.join(self._place)}: {what}")
            return self.view

    def read(self) -> View:
        """What the API server says now, asked afresh; and all of it has been seen here, too."""
        at = time.monotonic()
        found = self._api.get(self._set_path)
        pods = {pod["metadata"]["name"]: pod for pod in self._api.get(pods_path(*self._place))["items"]}

        def caught_up(view: View) -> bool:
            return all(name in view.pods and reading.version(view.pods[name]) >= reading.version(pod) for name, pod in pods.items())

        self.until(caught_up, "the watch brings what was read")
        return View(at, found, pods)

    def replaced(self) -> dict[str, int]:
        """How often each pod was made anew since the beginning, where it was."""
        with self.changed:
            return {name: len(uids) - 1 for name, uids in self.lives.items() if len(uids) > 1}

    def came_back_old(self, name: str) -> bool:
        """Whether the pod was made anew twice because its controller made it at the revision of before first. It does so where it
        ended between the deletion and the status that says so, and nothing states a partition: then status.currentReplicas
        decides (newVersionedStatefulSetPod in pkg/controller/statefulset/stateful_set_utils.go)."""
        with self.changed:
            first, *rest = [self._revisions.get(uid, "") for uid in self.lives.get(name, ())] or [""]
        return len(rest) == 2 and rest[0] == first != rest[1]

    # --- the threads -------------------------------------------------------------------------------------------------------

    def _follow(self, path: str, take: Callable[[str, Obj], None]) -> None:
        while not self._ended.is_set():
            try:
                listing = self._api.get(path)
                with self.changed:
                    known = self._pods if take == self._take_pod else {}
                    there = {item["metadata"]["name"] for item in listing["items"]}
                    for name in known.keys() - there:
                        take("DELETED", known[name])
                    for item in listing["items"]:
                        take("MODIFIED", item)
                self._watch(path, listing["metadata"]["resourceVersion"], take)
            except (OSError, ApiError, ValueError, http.client.HTTPException):
                self._ended.wait(0.1)

    def _watch(self, path: str, version: str, take: Callable[[str, Obj], None]) -> None:
        context = ssl.create_default_context(cafile=self._authority)
        connection = http.client.HTTPSConnection("127.0.0.1", self._port, timeout=_SILENCE, context=context)
        try:
            headers = {"Authorization": f"Bearer {self._token}", "User-Agent": "observer"}
            connection.request("GET", f"{path}&watch=1&resourceVersion={version}", headers=headers)
            response = connection.getresponse()
            with self.changed:
                self._sockets.add(connection.sock)
            while not self._ended.is_set() and (line := response.readline()):
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return
                with self.changed:
                    take(event["type"], event["object"])
        finally:
            with self.changed:
                self._sockets.discard(connection.sock)
            connection.close()

    def _take_set(self, type: str, item: Obj) -> None:
        self._set = None if type == "DELETED" else item
        self._note()

    def _take_pod(self, type: str, item: Obj) -> None:
        name = item["metadata"]["name"]
        if type == "DELETED":
            self._pods.pop(name, None)
        else:
            self._pods[name] = item
            self._revisions[reading.uid(item)] = reading.revision(item)
            lives = self.lives.setdefault(name, [])
            if not lives or lives[-1] != reading.uid(item):
                lives.append(reading.uid(item))
        self._note()

    def _note(self) -> None:
        view = self.view
        self.history.append(view)
        self.lowest = min(self.lowest, reading.available(view))
        self.changed.notify_all()


def _port(plane: ControlPlane) -> int:
    return int(urlsplit(plane.server).port or 0)


def _token(plane: ControlPlane) -> str:
    return str(json.loads(plane.kubeconfig.read_text(encoding="utf-8"))["users"][0]["user"]["token"])


def _cut(open_socket: socket.socket) -> None:
    try:
        socket.socket.shutdown(open_socket, socket.SHUT_RDWR)
    except OSError:
        pass
