"""Drives decisions against a cluster until they end: look, decide, act or wait, and again.

Level-triggered: an event only wakes it, a whole snapshot is judged every time. The watches' snapshot is good enough to wait on;
before anything is changed, and before anything is called finished, the set and its pods are read again. So the requests of a step
do not grow with the replicas, and no verdict rests on a cache.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from kubectl_pets.domain.model import SetView
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.verdict import Assessment, Blocker
from kubectl_pets.domain.stepping.deciding import after, decide
from kubectl_pets.domain.stepping.patches import change_for
from kubectl_pets.domain.stepping.steps import (
    Act,
    Decision,
    Delete,
    Done,
    Ending,
    Evict,
    GateFailed,
    Goal,
    Overtaken,
    Refused,
    RefusedReason,
    RunMemory,
    Stuck,
    Wait,
    WaitReason,
)
from kubectl_pets.domain.stepping.until import Progress, Until, progress
from kubectl_pets.errors import ConflictError, ExitCode, NotFoundError, PetsError, ServerError, ThrottledError, UnreachableError
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.outages import OutageGrace
from kubectl_pets.flows.rollout.checks import Checks, LeaderSkip
from kubectl_pets.session import Cluster, SetViewSource

#: Failures that pass by themselves; everything else ends the run.
_PASSING = (UnreachableError, ServerError, ThrottledError)

#: How long a passing failure is waited out when nobody set a timeout, in seconds.
_PATIENCE = 300.0

#: Refusals that may come half-way, because the cluster is not what it was.
_HOLDING = (RefusedReason.MINIMUM, RefusedReason.BUDGET, RefusedReason.NODE_LOST)


class TimedOut(msgspec.Struct, frozen=True, tag="timed-out"):
    """The time given ran out before the goal was reached."""


class Unagreed(msgspec.Struct, frozen=True, tag="unagreed"):
    """The next step deletes a pod, and nobody has agreed to deletions yet. Nothing was done about it."""

    pod: str


class RolloutFrame(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to show right now."""

    seen: Assessment
    now: datetime
    decision: Decision | None = None
    #: What keeps us from the server at the moment, in words.
    trouble: str | None = None


class Conclusion(msgspec.Struct, frozen=True, kw_only=True):
    """How it ended. ``changed``: whether this run changed anything on the cluster."""

    ending: Ending | TimedOut | Unagreed
    seen: Assessment
    changed: bool

    @property
    def held_up(self) -> bool:
        """It has begun, and will not go on by itself."""
        match self.ending:
            case Stuck() | TimedOut() | GateFailed():
                return True
            case Refused(reason=reason):
                return self.changed and reason in _HOLDING
            case _:
                return False

    @property
    def exit_code(self) -> ExitCode:
        match self.ending:
            case Done():
                return ExitCode.OK
            case Stuck() | GateFailed():
                return ExitCode.STUCK
            case Refused() if self.held_up:
                return ExitCode.STUCK
            case TimedOut():
                return ExitCode.TIMED_OUT
            case Refused() | Unagreed():
                return ExitCode.FAILED if self.changed else ExitCode.REFUSED
            case Overtaken():
                return ExitCode.FAILED


def conduct(
    cluster: Cluster,
    source: SetViewSource,
    goal: Goal,
    *,
    observe: Callable[[RolloutFrame], None],
    deadline: Deadline,
    may_delete: bool,
    checks: Checks | None = None,
    careful: bool = False,
) -> Conclusion:
    """Carry out a goal. Without ``may_delete`` it ends as Unagreed before it deletes a pod. ``careful``: release one pod at a
    time, so that the checks are made for each. Raises PetsError for what lasts.

    Interrupted by KeyboardInterrupt at any point it leaves whole changes only; calling it again goes on from there.
    """
    memory = RunMemory(careful=careful)
    look = _Look(cluster, source, deadline, observe)
    fresh = False
    while True:
        snapshot, seen, now = look.again(fresh)
        decision, memory = decide(goal, seen, now, memory)
        if isinstance(decision, Stuck):
            decision = look.not_yet(decision.blockers) or decision
        if not isinstance(decision, Wait) and not fresh:
            fresh = True
            continue
        fresh = False
        if isinstance(decision, Wait | Act) and deadline.passed:
            return Conclusion(ending=TimedOut(), seen=seen, changed=memory.changed)
        if checks is not None and not isinstance(decision, Wait):
            pending = checks.pending(goal, decision, seen)
            if pending:
                look.show(Wait(reason=WaitReason.GATE, pods=tuple(pod.name for pod in pending)))
                held = checks.ask(seen, pending)
                if held is not None:
                    return Conclusion(ending=held, seen=seen, changed=memory.changed)
                fresh = True  # gates take their time
                continue
        match decision:
            case Wait(until=until):
                look.show(decision)
                look.wait(until)
            case Act(step=Delete(pod=pod) | Evict(pod=pod)) if not may_delete:
                return Conclusion(ending=Unagreed(pod), seen=seen, changed=memory.changed)
            case Act(step=step):
                assert snapshot.set is not None
                try:
                    match checks.before(step, seen, now) if checks is not None else None:
                        case Wait(until=until) as wait:
                            look.show(wait)
                            look.wait(until)
                            continue
                        case LeaderSkip(pod=pod):
                            memory = msgspec.structs.replace(memory, skipped=memory.skipped | {pod})
                            continue
                        case Refused() as refused:
                            return Conclusion(ending=refused, seen=seen, changed=memory.changed)
                    cluster.apply(change_for(step, snapshot.set, seen))
                except (ConflictError, NotFoundError):
                    fresh = True  # somebody was faster: read again and decide afresh
                except _PASSING as failure:
                    look.ride_out(failure)
                    fresh = True  # it may have been carried out or not: the cluster knows
                else:
                    memory = after(decision, memory)
                    look.show(decision)  # not before: painting takes its time
            case _:
                look.show(decision)
                return Conclusion(ending=decision, seen=seen, changed=memory.changed)


def follow(
    cluster: Cluster,
    source: SetViewSource,
    until: Until,
    *,
    stay: bool,
    observe: Callable[[RolloutFrame], None],
    deadline: Deadline,
) -> tuple[Progress | TimedOut, Assessment]:
    """Watch without touching, until ``until`` is reached, or cannot be. ``stay``: also wait while it rests."""
    look = _Look(cluster, source, deadline, observe)
    fresh = False
    while True:
        _, seen, _ = look.again(fresh)
        reached = progress(until, seen)
        unsettled = look.not_yet(seen.blockers) if reached is Progress.STUCK else None
        going_on = reached is Progress.GOING_ON or (reached is Progress.RESTING and stay) or unsettled is not None
        if not going_on and not fresh:
            fresh = True
            continue
        fresh = False
        look.show(None)
        if not going_on:
            return reached, seen
        if deadline.passed:
            return TimedOut(), seen
        look.wait(unsettled.until if unsettled is not None else None)


class _Look:
    """Looking at the set, with the patience that both loops share."""

    def __init__(
        self, cluster: Cluster, source: SetViewSource, deadline: Deadline, observe: Callable[[RolloutFrame], None]
    ) -> None:
        self._cluster, self._source, self._deadline, self._observe = cluster, source, deadline, observe
        self._seen: Assessment | None = None
        self._now: datetime | None = None
        self._patience: Deadline | None = None
        self._settling = OutageGrace()

    def again(self, fresh: bool) -> tuple[SetView, Assessment, datetime]:
        while True:
            try:
                snapshot = self._source.refresh() if fresh else self._source.latest()
            except _PASSING as failure:
                self.ride_out(failure)
                continue
            if fresh:
                self._patience = None
            self._settling.note(self._source.trouble() is not None)
            now = self._cluster.now()
            self._seen, self._now = assess(snapshot, now), now
            return snapshot, self._seen, now

    def show(self, decision: Decision | None) -> None:
        assert self._seen is not None and self._now is not None
        self._observe(RolloutFrame(seen=self._seen, now=self._now, decision=decision, trouble=self._source.trouble()))

    def not_yet(self, blockers: Sequence[Blocker]) -> Wait | None:
        """What to wait for while the blockers may be only what an outage left behind."""
        left = self._settling.left(blockers)
        if not left or self._now is None:
            return None
        pods = tuple(blocker.pod for blocker in blockers if blocker.pod)
        return Wait(reason=WaitReason.PODS, pods=pods, until=self._now + timedelta(seconds=left))

    def wait(self, until: datetime | None) -> None:
        """Until something changes, the verdict may change by time alone, or the deadline has come."""
        assert self._seen is not None and self._now is not None
        times = [time for time in (until, self._seen.recheck_at) if time is not None]
        seconds = max(0.0, (min(times) - self._now).total_seconds()) + 0.01 if times else None
        self._source.wait(self._deadline.cap(seconds))

    def ride_out(self, failure: PetsError) -> None:
        """Wait a moment after a failure that may pass; raise it once patience or time is over."""
        if self._patience is None:
            self._patience = Deadline(_PATIENCE)
        self._settling.note(True)
        if self._deadline.passed or self._patience.passed:
            raise failure
        if self._seen is not None and self._now is not None:
            self._observe(RolloutFrame(seen=self._seen, now=self._now, trouble=failure.message))
        pause = failure.retry_after if isinstance(failure, ThrottledError) else 1.0
        self._source.wait(self._deadline.cap(pause))
