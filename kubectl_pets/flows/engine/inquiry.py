"""Asking why: what tells more than the set and its pods, and not more often than it has to be asked.

A rollout is never quite well while it goes on, so whoever looks on asks only once the same pods have been in the same trouble for
a moment, then now and then, and in any case before something is called done or stuck.
"""

from collections.abc import Iterable, Sequence
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
    """The verdict on one set for somebody who looks once, as ``judged_each``."""
    return judged_each(port, (view,), stuck_after)[0]


def judged_each(port: LookPort, views: Iterable[SetView], stuck_after: StuckAfter) -> list[Assessment]:
    """The verdicts for somebody who looks once. Only of sets that are not well it is asked why, all at once; what tells why is
    left out where the server fails over it. Raises PetsError for what lasts."""
    now, looks = port.now(), list(views)
    seen = [assess(view, now, stuck_after) for view in looks]
    asked = {index: wanted for index, each in enumerate(seen) if (wanted := questions(each)) is not None}
    answers = _answers(port, [(seen[index].namespace, wanted) for index, wanted in asked.items()])
    for index, around in zip(asked, answers or ()):
        seen[index] = assess(replace(looks[index], around=around), now, stuck_after)
    return seen


def _answers(port: AroundPort, asked: Sequence[tuple[str, Questions]]) -> tuple[Around, ...] | None:
    """What was answered to these questions; None where the server fails over it: it explains, and nothing rests on it."""
    try:
        return port.around(asked) if asked else ()
    except PASSING:
        return None


class Inquiry:
    """The questions of one run that looks on at one set. ``next_at``: when to look again only to ask."""

    def __init__(self, port: AroundPort, stuck_after: StuckAfter) -> None:
        self._port, self._stuck_after = port, stuck_after
        self._about: tuple[str, ...] = ()
        self._since: datetime | None = None
        self._asked_at: datetime | None = None
        self._answer: Around | None = None
        self._missing: dict[str, datetime] = {}
        self.next_at: datetime | None = None

    def judge(self, view: SetView, now: datetime, *, fresh: bool) -> Assessment:
        """``fresh``: something will be called done or stuck, or be changed."""
        seen, asked = self.wanted(view, now, fresh=fresh)
        if asked is not None:
            self.hear(_answers(self._port, ((seen.namespace, asked),)), now)
        return self.verdict(seen, view, now)

    def wanted(self, view: SetView, now: datetime, *, fresh: bool) -> tuple[Assessment, Questions | None]:
        """The verdict without what would tell why, and what to ask now; None: nothing, or not yet."""
        seen = assess(view, now, self._stuck_after)
        self._note_missing(seen, now)
        asked = questions(seen)
        if asked is None:
            self._about, self._since, self._answer, self.next_at = (), None, None, None
            return seen, None
        self._note_trouble(seen, asked, now)
        return seen, asked if self._is_time(now, fresh) else None

    def hear(self, answers: Sequence[Around] | None, now: datetime) -> None:
        """What was asked has been answered, or could not be."""
        if answers is not None:
            (self._answer,) = answers
        self._asked_at = now

    def verdict(self, seen: Assessment, view: SetView, now: datetime) -> Assessment:
        """With all that is known by now. ``seen``: without it, as ``wanted`` had it."""
        if self._since is None:
            return seen
        self.next_at = self._since + _MOMENT if self._asked_at is None else self._asked_at + _LASTS
        around = replace(self._answer or Around(), missing_since=dict(self._missing))
        return assess(replace(view, around=around), now, self._stuck_after)

    def _note_missing(self, seen: Assessment, now: datetime) -> None:
        """Since when the controller could have made a pod. In OrderedReady that is the lowest one that is down."""
        down = [member for member in seen.members if not member.available]
        due = down if seen.policy == "Parallel" else down[:1]
        names = {member.name for member in due if member.state is PodState.MISSING and seen.observed}
        names |= {member.name for member in seen.members if member.mislabelled}
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


class Inquiries:
    """The same for a run that looks on at many sets: what is asked of all of them is asked at once."""

    def __init__(self, port: AroundPort, stuck_after: StuckAfter) -> None:
        self._port, self._stuck_after = port, stuck_after
        self._by_uid: dict[str, Inquiry] = {}
        #: When some verdict may change by time alone, or it is to be asked again.
        self.next_at: datetime | None = None

    def judge(self, views: Iterable[SetView], now: datetime) -> list[Assessment]:
        """Each set in its turn; one that is seen for the first time is asked about at once."""
        looks = {view.set.metadata.uid: view for view in views if view.set is not None}
        known = self._by_uid
        self._by_uid = {uid: known.get(uid) or Inquiry(self._port, self._stuck_after) for uid in looks}
        first = {
            uid: inquiry.wanted(looks[uid], now, fresh=uid not in known) for uid, inquiry in self._by_uid.items()
        }
        asked = {uid: (seen.namespace, wanted) for uid, (seen, wanted) in first.items() if wanted is not None}
        answers = _answers(self._port, list(asked.values()))
        for index, uid in enumerate(asked):
            self._by_uid[uid].hear(answers[index:index + 1] if answers is not None else None, now)
        seen = [inquiry.verdict(first[uid][0], looks[uid], now) for uid, inquiry in self._by_uid.items()]
        times = [each.recheck_at for each in seen] + [inquiry.next_at for inquiry in self._by_uid.values()]
        self.next_at = min((time for time in times if time is not None), default=None)
        return seen

    def cap(self, seconds: float | None, now: datetime) -> float | None:
        """So many seconds (None: for ever), or fewer: until ``next_at``."""
        if self.next_at is None:
            return seconds
        left = max(0.0, (self.next_at - now).total_seconds()) + 0.01
        return left if seconds is None else min(left, seconds)
