"""Recordings: what an API server told of StatefulSets and what belongs to them, event by event, to be judged again at any moment.

A file has one JSON document a line, gzipped: first what it is about (``about``, and ``sparse`` where not every event was kept), then
events with their time (``at``), kind, whether the object was deleted, and the object as the API sent it, cut down to what matters.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from kubectl_pets.domain.model import (
    Around,
    ControllerRevision,
    Event,
    Object,
    PersistentVolumeClaim,
    Pod,
    ServerVersion,
    SetView,
    StatefulSet,
)
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.verdict import Assessment, Phase

_T = TypeVar("_T", bound=Object)

_VERSION = ServerVersion(git_version="v1.37.2")


@dataclass(frozen=True)
class Change:
    """An object came to be so, or was deleted."""

    at: datetime
    kind: str
    deleted: bool
    object: Mapping[str, Any]


@dataclass(frozen=True)
class Recording:
    """Events in the order in which they came."""

    about: str
    changes: tuple[Change, ...]
    #: Some were left out: between two that are there, the first may not have held any more.
    sparse: bool = False

    def sets(self) -> list[str]:
        """The names of the sets in it."""
        return sorted({change.object["metadata"]["name"] for change in self.changes if change.kind == "StatefulSet"})

    def moments(self, name: str, every: timedelta = timedelta(seconds=1)) -> Iterator[tuple[datetime, "Scene"]]:
        """What there was of one set after each of its events and, unless it is sparse, ``every`` so often between them."""
        scene = Scene(name)
        changes = [change for change in self.changes if scene.concerns(change)]
        for change, following in zip(changes, [*changes[1:], None]):
            scene.take(change)
            now = change.at
            end = following.at if following is not None else self.changes[-1].at
            if following is not None and end == now:
                continue  # they came together
            while True:
                if scene.set is not None:
                    yield now, scene
                now += every
                if self.sparse or now >= end:
                    break

    def save(self, path: Path) -> None:
        lines = [json.dumps({"about": self.about, "sparse": self.sparse})]
        for change in self.changes:
            line = {"at": change.at.isoformat(), "kind": change.kind, "deleted": change.deleted, "object": change.object}
            lines.append(json.dumps(line, separators=(",", ":")))
        with path.open("wb") as file, gzip.GzipFile(fileobj=file, mode="wb", mtime=0, filename="") as packed:
            packed.write("\n".join(lines).encode())


@dataclass
class Scene:
    """What there is of one set at a moment."""

    name: str
    set: Mapping[str, Any] | None = None
    pods: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    revisions: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    claims: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    events: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def concerns(self, change: Change) -> bool:
        """Whether it is about this set."""
        name = change.object["metadata"]["name"]
        match change.kind:
            case "StatefulSet":
                return bool(name == self.name)
            case "Event":
                about = change.object["involvedObject"]["name"]
                return bool(about == self.name or about.rpartition("-")[0] == self.name)
            case "PersistentVolumeClaim":
                return f"-{self.name}-" in name
            case _:
                owners = change.object["metadata"].get("ownerReferences", [])
                return any(owner["kind"] == "StatefulSet" and owner["name"] == self.name for owner in owners)

    def take(self, change: Change) -> None:
        """Bring it to what it was after that event."""
        if change.kind == "StatefulSet":
            self.set = None if change.deleted else change.object
            return
        kinds = {"Pod": self.pods, "ControllerRevision": self.revisions, "PersistentVolumeClaim": self.claims, "Event": self.events}
        name = change.object["metadata"]["name"]
        if change.deleted:
            kinds[change.kind].pop(name, None)
        else:
            kinds[change.kind][name] = change.object

    def view(self) -> SetView:
        """As the cluster's rooms would have read it."""
        return SetView(
            set=msgspec.convert(self.set, StatefulSet, strict=False), pods=_all(self.pods, Pod), revisions=_all(self.revisions, ControllerRevision),
            claims=_all(self.claims, PersistentVolumeClaim), server=_VERSION, around=Around(events=_all(self.events, Event)),
        )

    def containers(self) -> list[Mapping[str, Any]]:
        """The statuses of all containers of its pods, init containers first."""
        found: list[Mapping[str, Any]] = []
        for pod in self.pods.values():
            status = pod.get("status", {})
            found += status.get("initContainerStatuses", []) + status.get("containerStatuses", [])
        return found


@dataclass(frozen=True)
class Look:
    """One moment of a set: seconds since the recording began, the verdict, the statuses of all its containers."""

    at: float
    seen: Assessment
    containers: tuple[Mapping[str, Any], ...]

    @property
    def restarts(self) -> int:
        """Of the container that was restarted most often."""
        return max((each["restartCount"] for each in self.containers), default=0)


def judged(recording: Recording, name: str) -> tuple[Look, ...]:
    """What is said of one set of a recording, moment by moment."""
    start = recording.changes[0].at
    return tuple(
        Look((now - start).total_seconds(), assess(scene.view(), now), tuple(scene.containers())) for now, scene in recording.moments(name)
    )


def phases(looks: Iterable[Look]) -> list[tuple[Phase, float]]:
    """Each phase with the time at which it began, in their order."""
    return [(phase, next(iter(group)).at) for phase, group in groupby(looks, key=lambda look: look.seen.phase)]


def load(path: Path) -> Recording:
    """A recording from its file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        head = json.loads(next(lines))
        changes = tuple(
            Change(datetime.fromisoformat(raw["at"]), raw["kind"], raw["deleted"], raw["object"]) for raw in map(json.loads, lines)
        )
    return Recording(head["about"], changes, head["sparse"])


def trimmed(raw: Mapping[str, Any]) -> dict[str, Any]:
    """An object without what no verdict needs: who wrote which field, the token volumes, tolerations, defaults."""
    meta = {name: value for name, value in raw["metadata"].items() if name not in ("managedFields", "generateName", "annotations")}
    kept = {**raw, "metadata": meta}
    if raw["kind"] == "Pod":
        spec = raw["spec"]
        kept["spec"] = {name: value for name, value in spec.items() if name in ("nodeName", "hostname", "subdomain", "terminationGracePeriodSeconds")}
        for field_name in ("initContainers", "containers"):
            if field_name in spec:
                kept["spec"][field_name] = [
                    {name: value for name, value in each.items() if name in ("name", "image", "restartPolicy")} for each in spec[field_name]
                ]
        kept["spec"]["volumes"] = [volume for volume in spec.get("volumes", []) if "persistentVolumeClaim" in volume]
    if raw["kind"] == "StatefulSet":
        kept["spec"] = {**raw["spec"], "template": {"metadata": raw["spec"]["template"].get("metadata", {}), "spec": {
            "containers": [{"name": each["name"], "image": each.get("image", "")} for each in raw["spec"]["template"]["spec"]["containers"]],
        }}}
    if raw["kind"] == "ControllerRevision":
        kept.pop("data", None)
    if raw["kind"] == "Event":
        kept = {name: value for name, value in kept.items() if name not in ("source", "reportingComponent", "reportingInstance")}
        kept["involvedObject"] = {name: value for name, value in raw["involvedObject"].items() if name in ("kind", "name", "uid")}
    return kept


def _all(objects: Mapping[str, Mapping[str, Any]], kind: type[_T]) -> tuple[_T, ...]:
    return tuple(msgspec.convert(each, kind, strict=False) for each in objects.values())


def joined(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Events of several watches in the order of their time."""
    return tuple(sorted(changes, key=lambda change: change.at))
