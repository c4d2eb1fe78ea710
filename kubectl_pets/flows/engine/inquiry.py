"""Asking why: what tells more than the set and its pods, and not more often than it has to be asked.

A rollout is never quite well while it goes on, so whoever looks on asks only once the same pods have been in the same trouble for
a moment, then now and then, and in any case before something is called done or stuck.
"""

from datetime import datetime, timedelta
from typing import Protocol

from msgspec.structs import replace

from kubectl_pets.domain.model import Around, SetView
from kubectl_pets.domain.rollout.asking import Questions, questions
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.rollout.members import PodState
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.flows.engine.patience import PASSING
from kubectl_pets.ports.server import ClockPort
from kubectl_pets.ports.sets import AroundPort

#: Trouble that lasts for less is not asked about while somebody looks on.
_MOMENT = timedelta(seconds=3)

#: What was answered holds for so long; before something is called done or stuck, for less.
_LASTS, _LASTS_FRESH = timedelta(seconds=10), timedelta(seconds=2)


class LookPort(ClockPort, AroundPort, Protocol):
    """What it takes to judge a set, besides reading it."""


def judged(port: LookPort, view: SetView, stuck_after: StuckAfter) -> Assessment:
    """One verdict for somebody who looks once. What tells why is left out where the server fails over it; raises PetsError for
    what lasts."""
    now = port.now()
    seen = assess(view, now, stuck_after)
    asked = questions(seen)
    if asked is None:
        return seen
    try:
        around = port.around(seen.namespace, asked)
    except PASSING:
        return seen
    return assess(replace(view, around=around), now, stuck_after)


class Inquiry:
    """The questions of one run that looks on. ``next_at``: when to look again only to ask."""

    def __init__(self, port: LookPort, stuck_after: StuckAfter) -> None:
        self._port, self._stuck_after = port, stuck_after
        self._about: tuple[str, ...] = ()
        self._since: datetime | None = None
        self._asked_at: datetime | None = None
        self._answer: Around | None = None
        self._missing: dict[str, datetime] = {}
        self.next_at: datetime | None = None

    def judge(self, view: SetView, now: datetime, *, fresh: bool) -> Assessment:
        """``fresh``: something will be called done or stuck, or be changed."""
        seen = assess(view, now, self._stuck_after)
        self._note_missing(seen, now)
        asked = questions(seen)
        if asked is None:
            self._about, self._since, self._answer, self.next_at = (), None, None, None
            return seen
        self._note_trouble(seen, asked, now)
        if self._is_time(now, fresh):
            self._ask(seen.namespace, asked, now)
        begun = self._since or now
        self.next_at = begun + _MOMENT if self._asked_at is None else self._asked_at + _LASTS
        around = replace(self._answer or Around(), missing_since=dict(self._missing))
        return assess(replace(view, around=around), now, self._stuck_after)

    def _note_missing(self, seen: Assessment, now: datetime) -> None:
        """Since when the controller could have made a pod. In OrderedReady that is the lowest one that is down."""
        down = [member for member in seen.members if not member.available]
        due = down if seen.policy == "Parallel" else down[:1]
        names = {member.name for member in due if member.state is PodState.MISSING and seen.observed}
        self._missing = {name: self._missing.get(name, now) for name in names}

    def _note_trouble(self, seen: Assessment, asked: Questions, now: datetime) -> None:
        names = {*asked.pods, *asked.missing}
        # By name: a pod that ends and is made anew again and again is one trouble.
        about = tuple(member.name for member in seen.members if not member.available or member.name in names)
        if about != self._about or self._since is None:
            self._about, self._since, self._asked_at, self._answer = about, now, None, None

    def _is_time(self, now: datetime, fresh: bool) -> bool:
        if self._asked_at is not None:
            return now - self._asked_at >= (_LASTS_FRESH if fresh else _LASTS)
        return fresh or (self._since is not None and now - self._since >= _MOMENT)

    def _ask(self, namespace: str, asked: Questions, now: datetime) -> None:
        try:
            self._answer = self._port.around(namespace, asked)
        except PASSING:
            pass  # it explains, and nothing rests on it
        self._asked_at = now
