"""``-o jsonl``: an event a line, while it goes on, for programs that follow along.

Every event has the same fields in the same order; ``docs/looking.md`` has them. What a person sees as a picture that changes
is ``change`` here: where the set stands by now, and which pods became what. A kubelet that wavers between two words for the same
failure makes no event.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.rollout.causes import alike
from kubectl_pets.domain.rollout.members import Member, PodState
from kubectl_pets.domain.rollout.verdict import Assessment, Cause, Phase
from kubectl_pets.errors import ExitCode
from kubectl_pets.views.rollout.documents import API_VERSION, dump, status

_KIND = "RolloutEvent"


class EventStream:
    """The events of one set, each as a line; it remembers what was told last."""

    def __init__(self) -> None:
        self._before: Assessment | None = None
        self._message = ""

    def lines(self, seen: Assessment, now: datetime, *, step: str = "", trouble: str = "") -> list[str]:
        """What is new. ``step``: what is being done right now; ``trouble``: what keeps us from the server."""
        found = list(_changes(self._before, seen, now))
        self._before = seen
        message, kind = (trouble, "trouble") if trouble else (step, "step")
        if message and message != self._message:
            found.append(event(kind, seen, now, message=message))
        self._message = message
        return [dump(each, "jsonl") for each in found]


class Fleet:
    """The events of many sets."""

    def __init__(self) -> None:
        self._streams: dict[tuple[str, str, str], EventStream] = {}

    def lines(self, found: Iterable[Assessment], now: datetime) -> list[str]:
        """What is new of any of them; what is no longer among them is told as gone."""
        told: list[str] = []
        left = dict(self._streams)
        for seen in found:
            key = (seen.namespace, seen.name, seen.kind.group.value)
            left.pop(key, None)
            told += self._streams.setdefault(key, EventStream()).lines(seen, now)
        for key in left:
            del self._streams[key]
            told.append(_gone(key[0], key[1], now))
        return told


def event(
    kind: str, seen: Assessment, now: datetime, *, message: str = "", pods: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """One of the types ``begin``, ``change``, ``step``, ``trouble``, ``end``."""
    known = not any(found.cause is Cause.PODS_UNREADABLE for found in seen.blockers)
    wrong = alike((*seen.blockers, *seen.failing))
    return {
        "apiVersion": API_VERSION,
        "kind": _KIND,
        "type": kind,
        "time": now,
        "namespace": seen.namespace,
        "name": seen.name,
        "phase": seen.phase,
        "replicas": seen.replicas,
        "ready": seen.ready if known else None,
        "available": seen.available if known else None,
        "updated": seen.updated if known else None,
        "partition": seen.partition,
        "currentRevision": seen.current_revision or None,
        "updateRevision": seen.update_revision or None,
        "causes": [{"id": same.id, "pods": same.pods} for same in wrong],
        "pods": pods or [],
        "message": clean(message) or None,
        "exitCode": None,
        "status": None,
    }


def ended(seen: Assessment, now: datetime, code: ExitCode, message: str) -> dict[str, Any]:
    """The last event: the exit code, why, and the whole of where it stands."""
    return event("end", seen, now, message=message) | {"exitCode": code.value, "status": status(seen)}


def _gone(namespace: str, name: str, now: datetime) -> str:
    """Of a set that is no more, or is not among those that were asked for any more."""
    seen = {"namespace": namespace, "name": name, "phase": Phase.GONE}
    blank = dict.fromkeys(("replicas", "ready", "available", "updated", "partition", "currentRevision", "updateRevision"))
    head = {"apiVersion": API_VERSION, "kind": _KIND, "type": "change", "time": now}
    tail: dict[str, Any] = {"causes": [], "pods": [], "message": None, "exitCode": None, "status": None}
    return dump(head | seen | blank | tail, "jsonl")


def _changes(before: Assessment | None, after: Assessment, now: datetime) -> Iterator[dict[str, Any]]:
    if before is None or before.uid != after.uid:
        yield event("begin" if before is None else "change", after, now, pods=[_pod(each) for each in _members(after)])
        return
    old = {member.name: member for member in _members(before)}
    new = {member.name: member for member in _members(after)}
    pods = [_pod(member) for name, member in new.items() if name not in old or _standing(old[name]) != _standing(member)]
    pods += [_missing(member) for name, member in old.items() if name not in new and member.state is not PodState.MISSING]
    if pods or _essence(before) != _essence(after):
        yield event("change", after, now, pods=pods)


def _essence(seen: Assessment) -> tuple[object, ...]:
    causes = tuple((same.id, same.pods) for same in alike((*seen.blockers, *seen.failing)))
    counted = (seen.ready, seen.available, seen.updated)
    return seen.phase, seen.replicas, seen.partition, seen.current_revision, seen.update_revision, causes, counted


def _members(seen: Assessment) -> tuple[Member, ...]:
    return (*seen.members, *seen.surplus)


def _standing(member: Member) -> tuple[object, ...]:
    return member.uid, member.state, member.revision, member.restarts


def _pod(member: Member) -> dict[str, Any]:
    return {
        "name": member.name,
        "lastName": member.last_name or None,
        "state": member.state,
        "revision": member.revision or None,
        "node": member.node or None,
        "restarts": member.restarts,
        "reason": member.reason or None,
    }


def _missing(member: Member) -> dict[str, Any]:
    blank = {"lastName": None, "state": "gone", "revision": None, "node": None, "restarts": 0, "reason": None}
    return {"name": member.name} | blank
