"""A rollout, driven towards its goal: what is done at each look; the engine looks and waits."""

from functools import partial
from typing import TYPE_CHECKING, Protocol

import msgspec

from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.rollout.writers import signed
from kubectl_pets.domain.stepping.deciding import after, before, begins, decide
from kubectl_pets.domain.stepping.patches import answer_of, change_for
from kubectl_pets.domain.stepping.steps import (
    Abort,
    Act,
    Decision,
    Delete,
    Done,
    DoneReason,
    Ending,
    Evict,
    GateFailed,
    Goal,
    Overtaken,
    Refused,
    RefusedReason,
    RunMemory,
    Stuck,
    Undo,
    Unstick,
    Wait,
    WaitReason,
    asked_about,
)
from kubectl_pets.errors import ExitCode
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.inquiry import HeardNodes, LookPort
from kubectl_pets.flows.engine.looking import Observer, SetLook, Sight
from kubectl_pets.flows.engine.loop import Again, Ended, Hold, Move, Outcome, Stalled, TimedOut, Try, until_ended
from kubectl_pets.flows.rollout.checks import Checks, Due, LeaderSkip
from kubectl_pets.flows.rollout.snapshot_types import Unsnapped
from kubectl_pets.ports.sets import ChangePort, SetViewSource

if TYPE_CHECKING:  # with all that claims are judged by
    from kubectl_pets.flows.rollout.snapshots import Snapshots

#: Refusals that may come half-way, because the cluster is not what it was.
_HOLDING = (
    RefusedReason.MINIMUM,
    RefusedReason.BUDGET,
    RefusedReason.BUDGETS_SEVERAL,
    RefusedReason.NODE_LOST,
    RefusedReason.CLAIM_TERMINATING,
)


class Unagreed(msgspec.Struct, frozen=True, tag="unagreed"):
    """The next step deletes a pod, and nobody has agreed to deletions yet. Nothing was done about it."""

    pod: str


#: What is said of these once they are done.
_ENDINGS = ((Undo, DoneReason.UNDONE), (Unstick, DoneReason.UNSTUCK), (Abort, DoneReason.ABORTED))


class Conclusion(msgspec.Struct, frozen=True, kw_only=True):
    """How it ended. ``changed``: whether this run changed anything on the cluster."""

    ending: Ending | TimedOut | Unagreed | Unsnapped
    seen: Assessment
    changed: bool
    #: The partition that this run set last; None: it set none.
    partition: int | None = None

    @property
    def left_partition(self) -> bool:
        """Whether it ended before its time, and the partition that this run has set stays and holds pods back."""
        if isinstance(self.ending, Done) or self.partition is None or not self.partition:
            return False
        return self.changed and self.partition == self.seen.partition

    @property
    def held_up(self) -> bool:
        """Whether it has begun, and will not go on by itself."""
        match self.ending:
            case Stuck() | TimedOut() | GateFailed():
                return True
            case Refused(reason=reason):
                return self.changed and reason in _HOLDING
            case Unsnapped():
                return self.changed
            case _:
                return False

    @property
    def exit_code(self) -> ExitCode:
        match self.ending:
            case Done(reason=DoneReason.HELD_BACK):
                return ExitCode.NOT_YET
            case Done():
                return ExitCode.OK
            case Stuck() | GateFailed() | Unsnapped(in_vain=True):
                return ExitCode.STUCK
            case Refused() | Unsnapped() if self.held_up:
                return ExitCode.STUCK
            case TimedOut():
                return ExitCode.TIMED_OUT
            case Refused() | Unagreed() | Unsnapped():
                return ExitCode.FAILED if self.changed else ExitCode.REFUSED
            case Overtaken():
                return ExitCode.FAILED

    def and_then(self, goal: Goal, rest: "Conclusion") -> "Conclusion":
        """Of one run in two parts, between which somebody was asked: what the first has changed was not nothing, whatever there
        was left to do for the second."""
        if not self.changed:
            return rest
        partition = rest.partition if rest.partition is not None else self.partition
        whole = msgspec.structs.replace(rest, changed=True, partition=partition)
        if not isinstance(rest.ending, Done) or rest.ending.reason is not DoneReason.NOTHING_TO_DO:
            return whole
        reason = next((reason for kind, reason in _ENDINGS if isinstance(goal, kind)), rest.ending.reason)
        return msgspec.structs.replace(whole, ending=Done(reason=reason))


class RolloutPort(LookPort, ChangePort, Protocol):
    """What it takes to drive a rollout, besides its watches."""


def conduct(
    cluster: RolloutPort,
    source: SetViewSource,
    goal: Goal,
    *,
    observe: Observer,
    deadline: Deadline,
    may_delete: bool,
    planned: Assessment | None = None,
    checks: Checks | None = None,
    snapshots: "Snapshots | None" = None,
    careful: bool = False,
    stuck_after: StuckAfter = StuckAfter(),
    written_as: str = "",
    heard: HeardNodes | None = None,
) -> Conclusion:
    """Carry out a goal. Without ``may_delete`` it ends as Unagreed before it deletes a pod. ``planned``: the set as the goal was
    planned for it; where it is another one by now, or another version is wanted, it ends as Overtaken; None: whatever is found.
    ``careful``: release one pod at a time, so that the checks are made for each. ``written_as``: the field manager, where it is
    not our own; ``heard``: of nodes, by the look that it was planned by. Raises PetsError for what lasts.

    Interrupted by KeyboardInterrupt at any point it leaves whole changes only; calling it again goes on from there.
    """
    look = SetLook(cluster, source, deadline, observe, stuck_after, acts_at_once=True, heard=heard)
    memory = begins(goal, planned, careful=careful) if planned is not None else RunMemory(careful=careful)
    run = _Run(cluster, look, goal, memory, may_delete, checks, snapshots, deadline, written_as)
    ending = until_ended(look, run.turn, deadline)
    partition = run.memory.partition if run.memory.ours else None
    return Conclusion(ending=ending, seen=look.seen, changed=run.memory.changed, partition=partition)


class _Run:
    """What is done at each look. ``memory``: what the cluster cannot say of this run."""

    def __init__(
        self,
        cluster: ChangePort,
        look: SetLook,
        goal: Goal,
        memory: RunMemory,
        may_delete: bool,
        checks: Checks | None,
        snapshots: "Snapshots | None",
        deadline: Deadline,
        written_as: str,
    ) -> None:
        self._cluster, self._look, self._goal = cluster, look, goal
        self._checks, self._snapshots = checks, snapshots
        self._may_delete, self._deadline = may_delete, deadline
        self._written_as = written_as
        self.memory = memory

    def turn(self, sight: Sight) -> Move[Ending | Unagreed | Unsnapped]:
        decision, self.memory = decide(self._goal, sight.seen, sight.now, self.memory)
        if self._snapshots is not None and not isinstance(decision, Act):
            self._snapshots.waiting = None
        match decision:
            case Wait(until=until):
                return Hold(until, decision)
            case Stuck(blockers=blockers):
                return Stalled(decision, blockers, decision)
            case Act():
                due = self._due(decision, sight)
                return Try(partial(self._ask, sight, due) if due is not None else partial(self._step, sight, decision))
            case _:
                due = self._due(decision, sight)
                return Try(partial(self._ask, sight, due), late=True) if due is not None else Ended(decision, decision)

    def _due(self, decision: Decision, sight: Sight) -> Due | None:
        return self._checks.due(self._goal, decision, sight.seen, self.memory.chosen) if self._checks is not None else None

    def _ask(self, sight: Sight, due: Due) -> Outcome[Ending | Unagreed | Unsnapped]:
        """Put the pods to the gates. They take their time, so all is read again afterwards."""
        assert self._checks is not None
        self._look.show(Wait(reason=WaitReason.GATE, pods=tuple(pod.name for pod in due.pods)))
        failed = self._checks.ask(sight.seen, due, self._deadline)
        return Ended(failed) if failed is not None else Again(fresh=True)

    def _step(self, sight: Sight, decision: Act) -> Outcome[Ending | Unagreed | Unsnapped]:
        """Carry out one step, unless a check says no to it now."""
        step = decision.step
        pod = asked_about(step)
        if pod is not None and not self._may_delete:
            return Ended(Unagreed(pod))
        checks = self._checks
        match checks.before(step, sight.seen, sight.now, self._deadline) if checks is not None else None:
            case Wait(until=until) as wait:
                return Hold(until, wait)
            case LeaderSkip(pod=pod):
                self.memory = msgspec.structs.replace(self.memory, skipped=self.memory.skipped | {pod})
                return Again()
            case Refused() | GateFailed() as ending:
                return Ended(ending)
        unready = self._snapshots.before(step, sight) if self._snapshots is not None else None
        if unready is not None:
            return Hold(unready.until, unready) if isinstance(unready, Wait) else Ended(unready)
        if isinstance(step, Delete | Evict) and step.comes_back_at not in ("", sight.seen.update_revision):
            # It rests on a ControllerRevision, which is no part of a fresh look: were it gone, the wanted version would come.
            if self._look.comes_back_at() != step.comes_back_at:
                return Again(fresh=True)
        assert sight.view.set is not None
        self.memory = before(decision, sight.seen, self.memory)
        change = change_for(step, sight.view.set, sight.seen)
        answer = self._cluster.apply(signed(change, sight.view.set, self._written_as))
        heard = answer_of(answer) if answer is not None else None
        self.memory = after(decision, self.memory, heard, at=sight.now)
        self._look.show(decision)  # not before: painting takes its time
        return Ended(decision.ends, decision.ends) if decision.ends is not None else Again()
