"""What this program changed on one set, out of the API server's own audit log, as it happens."""

from __future__ import annotations

import json
from typing import NamedTuple

from tests.controlplane import ControlPlane

#: The beginning of the program's user agent.
_AGENT = "kubectl-pets/"


class Change(NamedTuple):
    """A change that the server carried out, and no dry run of one. ``what``: patch, delete or evict; ``time``: when it arrived, RFC 3339."""

    what: str
    name: str
    time: str


class Audit:
    """From the end of the log on: what came before is not this set's."""

    def __init__(self, plane: ControlPlane, namespace: str, name: str) -> None:
        self._log = plane.audit_log.open("rb")
        self._log.seek(0, 2)
        self._rest = b""
        self._namespace, self._name = namespace, name
        self._marks = (f'"{_AGENT}'.encode(), f'"{namespace}"'.encode())
        self._changes: list[Change] = []

    def __enter__(self) -> Audit:
        return self

    def __exit__(self, *exc: object) -> None:
        self._log.close()

    def changes(self) -> list[Change]:
        """All so far, oldest first."""
        *lines, self._rest = (self._rest + self._log.read()).split(b"\n")
        for line in lines:
            if all(mark in line for mark in self._marks):
                change = self._change(line)
                if change is not None:
                    self._changes.append(change)
        return self._changes

    def deletions(self) -> list[str]:
        """The pods that the program deleted or evicted, in its order."""
        return [change.name for change in self.changes() if change.what in ("delete", "evict")]

    def _change(self, line: bytes) -> Change | None:
        event = json.loads(line)
        place = event.get("objectRef", {})
        name, resource = place.get("name", ""), place.get("resource")
        if not event["userAgent"].startswith(_AGENT) or event["stage"] != "ResponseComplete" or place.get("namespace") != self._namespace:
            return None
        if event["responseStatus"].get("code", 500) >= 300 or "dryRun=" in event["requestURI"]:
            return None
        if resource == "statefulsets" and name == self._name and event["verb"] in ("patch", "update", "delete"):
            return Change(event["verb"], name, event["requestReceivedTimestamp"])
        if resource == "pods" and name.startswith(f"{self._name}-"):
            if event["verb"] == "delete":
                return Change("delete", name, event["requestReceivedTimestamp"])
            if place.get("subresource") == "eviction":
                return Change("evict", name, event["requestReceivedTimestamp"])
        return None
