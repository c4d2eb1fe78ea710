"""Looking at one StatefulSet until something can be said of it: from its watches, with patience for failures that pass.

An event only wakes it. The snapshot of the watches is good enough to wait on; whoever acts or ends looks past every cache first.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from kubectl_pets.domain.model import SetView
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.rollout.verdict import Assessment, Blocker
from kubectl_pets.domain.stepping.steps import Decision
from kubectl_pets.errors import PetsError
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.inquiry import HeardNodes, Inquiry, LookPort
from kubectl_pets.flows.engine.outages import OutageGrace
from kubectl_pets.flows.engine.patience import PASSING, Patience
from kubectl_pets.flows.engine.rests import Rests
from kubectl_pets.ports.server import ClockPort
from kubectl_pets.ports.sets import SetViewSource

#: How long a controller is waited for that has not seen the newest spec yet, in seconds.
_OBSERVING = 10.0


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """One look: the set, and what is to be said of it. ``fresh``: read past every cache."""

    view: SetView
    seen: Assessment
    now: datetime
    fresh: bool


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to show right now."""

    seen: Assessment
    now: datetime
    decision: Decision | None = None
    #: What keeps us from the server at the moment, in words.
    trouble: str | None = None


Observer = Callable[[Frame], None]


def unseen(frame: Frame) -> None:
    """An observer for whoever does not look on."""


class SetLook:
    """The looks of one run at one set. ``seen``: what the last one brought; before the first there is none."""

    seen: Assessment

    def __init__(
        self,
        port: LookPort,
        source: SetViewSource,
        deadline: Deadline,
        observe: Observer = unseen,
        stuck_after: StuckAfter = StuckAfter(),
        *,
        ask_at_once: bool = False,
        acts_at_once: bool = False,
        heard: HeardNodes | None = None,
    ) -> None:
        """``ask_at_once``: why it is not well is asked in the first look already. ``acts_at_once``: the first look mostly leads
        to a change, so it is a fresh one where the source was opened just now. ``heard``: of nodes, by the look before."""
        self._clock, self._source, self._deadline, self._observe = port, source, deadline, observe
        self._patience = Patience(deadline, source.wait, self._trouble)
        self._inquiry = Inquiry(port, stuck_after, at_once=ask_at_once, heard=heard)
        #: Reads may succeed while every change fails (an admission webhook that is down).
        self._of_attempts = Patience(deadline, source.wait, self._trouble)
        self._grace = OutageGrace()
        self._sight: Sight | None = None
        self._begins = acts_at_once
        self._rests = Rests(source.wait)

    def again(self, fresh: bool) -> Sight:
        """Look; with ``fresh`` past every cache. Failures that pass are waited out. Raises PetsError for what lasts."""
        self._rests.begin()
        while True:
            # After a failure that was waited out it is none any more.
            just_read, self._begins = self._begins and self._source.just_read(), False
            try:
                view = self._source.refresh() if fresh else self._source.latest()
            except PASSING as failure:
                self.ride_out(failure)
                continue
            if fresh:
                self._patience.well_again()
            self._grace.note(self._source.trouble() is not None)
            now = self._clock.now()
            self.seen = self._inquiry.judge(view, now, fresh=fresh or just_read)
            self._sight = Sight(view=view, seen=self.seen, now=now, fresh=fresh or just_read)
            return self._sight

    def comes_back_at(self) -> str:
        """The revision at which a deleted pod that is held back comes back now, as the API server has it."""
        return assess(self._source.with_revisions(), self._clock.now()).before.held

    def show(self, decision: Decision | None = None) -> None:
        """Have the last look shown, with what was decided on it."""
        assert self._sight is not None
        self._observe(
            Frame(seen=self._sight.seen, now=self._sight.now, decision=decision, trouble=self._source.trouble())
        )

    def grace(self, blockers: Sequence[Blocker]) -> datetime | None:
        """Until when these blockers may be only what an outage of the API server left behind, so that the set is not called
        stuck yet; None: they are no longer."""
        assert self._sight is not None
        left = self._grace.left(blockers)
        return self._sight.now + timedelta(seconds=left) if left else None

    def wait(self, until: datetime | None) -> None:
        """Wait until something changes, the verdict may change by time alone, ``until`` is reached, or the deadline has come."""
        assert self._sight is not None
        times = [time for time in (until, self._sight.seen.recheck_at, self._inquiry.next_at) if time is not None]
        seconds = max(0.0, (min(times) - self._sight.now).total_seconds()) + 0.01 if times else None
        self._rests.wait(self._deadline.cap(seconds))

    def ride_out(self, failure: PetsError) -> None:
        """Wait a moment after a look that failed, and have it shown; raises the failure once patience or time is over."""
        self._patience.ride_out(failure)

    def ride_out_attempt(self, failure: PetsError) -> None:
        """As ``ride_out``, after a change that failed."""
        self._of_attempts.ride_out(failure)

    def attempt_was_heard(self) -> None:
        """The server answered one: the next failure is waited out from its own beginning."""
        self._of_attempts.well_again()

    def _trouble(self, failure: PetsError) -> None:
        self._grace.note(True)
        if self._sight is not None:
            self._observe(Frame(seen=self._sight.seen, now=self._sight.now, trouble=failure.message))


def await_observed(clock: ClockPort, source: SetViewSource) -> None:
    """Wait until the controller has seen the newest spec: a plan made before would rest on the revisions of yesterday."""
    deadline = Deadline(_OBSERVING)
    while not deadline.passed and not assess(source.latest(), clock.now()).observed:
        source.wait(deadline.cap(None))
