"""Brings the claims of a set that runs back to the data of a revision, one pod after the other.

Whose turn it is, and what is to be done, is found anew at each look (``domain.snapshots.turns``); before a pod goes the checks of
a rollout are made, and what they ask of new pods is asked of those that are back. Killed at any point, what is left stands in the
cluster: a pod that is held, in the worst case, which stays away until somebody goes on.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Protocol, assert_never

import msgspec

from kubectl_pets.domain.changes import Change, DeletePod, PatchSet, SetFinalizers
from kubectl_pets.domain.model import SetView, StatefulSet
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.rollout.history import Template
from kubectl_pets.domain.rollout.members import own_pods
from kubectl_pets.domain.rollout.verdict import Assessment, Phase
from kubectl_pets.domain.rollout.writers import signed
from kubectl_pets.domain.sets.restoring import RESTORED_ANNOTATION, RESTORING_ANNOTATION
from kubectl_pets.domain.snapshots.restoring import ClaimReturn, Stand
from kubectl_pets.domain.snapshots.turns import (
    Turn,
    TurnStep,
    beginning,
    has_ended,
    held_back,
    holding,
    is_held,
    next_turn,
    order,
    releasing,
    unprotecting,
)
from kubectl_pets.domain.stepping.patches import change_for
from kubectl_pets.domain.stepping.steps import (
    Act,
    Delete,
    Done,
    DoneReason,
    Evict,
    GateFailed,
    Refused,
    Run,
    SetPartition,
    Stuck,
    Wait,
)
from kubectl_pets.errors import ConflictError, InvalidError, NotFoundError, PetsError
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.interrupts import Interrupted
from kubectl_pets.flows.restoring.returning import BringingBack, DataGoal, ReturnEnd, ReturnPort
from kubectl_pets.flows.rollout.checks import Checks, ChecksPort, Terms, Trials


class OneByOnePort(ReturnPort, ChecksPort, Protocol):
    """What it takes to bring data back while a set runs."""


class TurnOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the pods go: on which terms, for how long a new one has to be Ready, and with what there is how much patience.
    ``written_as``: the field manager, where it is not our own."""

    terms: Terms
    settle: timedelta
    stuck_after: StuckAfter
    written_as: str = ""


class OneByOne(BringingBack):
    """One run. ``template``: that of the revision, in full."""

    every = 1.0

    def __init__(
        self,
        cluster: OneByOnePort,
        namespace: str,
        name: str,
        goal: DataGoal,
        record: Path | None,
        tell: Callable[[str], None],
        *,
        template: Template,
        turn_options: TurnOptions,
        deadline: Deadline,
    ) -> None:
        super().__init__(cluster, namespace, name, goal, record, tell, stuck_after=turn_options.stuck_after)
        self._template, self._turn_options, self._deadline = template, turn_options, deadline
        self._checks = Checks(cluster, turn_options.terms, namespace)
        #: Why it ended as STUCK, and what it rests on.
        self.ending: tuple[Stuck | Refused | GateFailed, Assessment] | None = None

    @property
    def budgets_unread(self) -> bool:
        return self._checks.budgets_unread

    def foreseen(self, view: SetView, seen: Assessment, *, asks: bool) -> Refused | None:
        """What keeps the first pod from going, where nothing was begun; after ``look``. ``asks``: the server as well, whether it
        holds the others back meanwhile, which would come back at the version of before over newer data."""
        if self.plan.next is None or RESTORING_ANNOTATION in seen.notes or view.set is None:
            return None
        wanted = {each.ordinal for each in self.plan.claims if each.stand is not Stand.DONE}
        turns = order(view.set, own_pods(view.set, view.pods), seen)
        by_ordinal = {each.ordinal: each for each in seen.members if each.uid}
        first = next((by_ordinal[each] for each in turns if each in wanted and each in by_ordinal), None)
        against, held = None, held_back(view.set, self.plan)
        if first is not None:
            step = Evict(pod=first.name, revision=first.revision, comes_back_at=self._goal.revision)
            against = self._checks.foresee(step, seen)
        if against is not None or not held or not asks:
            return against
        return Trials(self._cluster).not_held(beginning(view.set, self.plan, self._template), held)

    def to_the_end(self, deadline: Deadline, held: Interrupted) -> ReturnEnd:
        """As of a set without pods. Where it ends before its time, no pod that runs on is left with the finalizer."""
        try:
            ended = super().to_the_end(deadline, held)
        except PetsError:
            self._let_go()
            raise
        if ended is not ReturnEnd.REACHED:
            self._let_go()
        return ended

    def _let_go(self) -> None:
        """A last try: what is still held after it is let go by whoever goes on."""
        with suppress(PetsError):
            for pod in self._cluster.set_view(self._namespace, self._name).pods or ():
                if is_held(pod) and not pod.terminating:
                    self._cluster.apply(releasing(pod))

    def _act(self, view: SetView, owner: StatefulSet) -> tuple[ReturnEnd | None, bool]:
        now = self._cluster.now()
        seen = assess(view, now, self._turn_options.stuck_after)
        turn = next_turn(self.plan, owner, own_pods(owner, view.pods), seen, now, self._turn_options.settle)
        try:
            return self._do(turn, view, owner, seen)
        except NotFoundError as failure:  # another run was faster; where the set itself is gone the next look says so
            raise ConflictError(failure.message) from failure

    def _do(self, turn: Turn, view: SetView, owner: StatefulSet, seen: Assessment) -> tuple[ReturnEnd | None, bool]:
        match turn.step:
            case TurnStep.BEGIN:
                self._patched(turn, beginning(owner, self.plan, self._template), owner)
                self._tell(f"the template is that of revision {self.plan.number} again, and held back from every pod")
            case TurnStep.PARTITION:
                change = change_for(SetPartition(partition=turn.partition, before=owner.partition), owner, seen)
                self._patched(turn, change, owner)
            case TurnStep.HOLD | TurnStep.TAKE_DOWN:
                return self._taken_down(turn, seen)
            case TurnStep.CLAIM:
                assert turn.claim is not None
                return None, self._step(turn.claim, owner)
            case TurnStep.UNPROTECT:
                assert turn.claim is not None
                self._is_kept_empty(turn.claim, owner)
                self._sent(turn, unprotecting(turn.claim))
            case TurnStep.RELEASE:
                assert turn.pod is not None
                self._sent(turn, releasing(turn.pod))
                self._tell(f"{turn.name}: has its claims, and may come back")
            case TurnStep.FINISH:
                return self._finished(view, owner, seen)
            case (
                TurnStep.AWAIT_OBSERVATION
                | TurnStep.AWAIT_OTHERS
                | TurnStep.AWAIT_END
                | TurnStep.AWAIT_POD
                | TurnStep.AWAIT_CLAIM
            ):
                return self._awaits(turn, seen), False
            case _:
                assert_never(turn.step)
        return None, True

    def _patched(self, turn: Turn, change: Change, owner: StatefulSet) -> None:
        assert isinstance(change, PatchSet)
        self._counted((f"{turn.name} {turn.partition}", PatchSet), f"the partition or template of StatefulSet {self._name}")
        self._cluster.apply(signed(change, owner, self._turn_options.written_as))

    def _sent(self, turn: Turn, change: SetFinalizers) -> None:
        self._counted((f"{change.uid} {turn.step}", SetFinalizers), f"{change.of[:-1]} {change.name}")
        try:
            self._cluster.apply(change)
        except InvalidError as failure:  # nobody can be put onto what is being deleted meanwhile
            raise ConflictError(failure.message) from failure

    def _taken_down(self, turn: Turn, seen: Assessment) -> tuple[ReturnEnd | None, bool]:
        """Hold the pod, or have it end, unless a check says no to it now."""
        assert turn.pod is not None
        pod = turn.pod
        act = Delete if self._turn_options.terms.ignore_budgets else Evict
        step = act(pod=pod.name, revision=pod.revision, comes_back_at=self._goal.revision)
        due = self._checks.due(Run(), Act(step=step), seen)
        if due is not None:
            failed = self._checks.ask(seen, due, self._deadline)
            return (self._ends(failed, seen), False) if failed is not None else (None, True)
        match self._checks.before(step, seen, self._cluster.now(), self._deadline):
            case Wait():
                self._say(f"other pods, or a PodDisruptionBudget, before {pod.name} may go")
                return None, False
            case Refused() | GateFailed() as ending:
                return self._ends(ending, seen), False
        if turn.step is TurnStep.HOLD:
            self._sent(turn, holding(pod))
            return None, True
        self._cluster.apply(
            DeletePod(
                namespace=pod.namespace,
                name=pod.name,
                uid=pod.metadata.uid,
                resource_version=pod.metadata.resource_version,
                evict=isinstance(step, Evict),
            )
        )
        self._tell(f"{pod.name}: {'is held back and ends' if is_held(pod) else 'ends'}")
        return None, True

    def _ends(self, ending: Stuck | Refused | GateFailed, seen: Assessment) -> ReturnEnd:
        self.ending = ending, seen
        return ReturnEnd.STUCK

    def _awaits(self, turn: Turn, seen: Assessment) -> ReturnEnd | None:
        if turn.claim is not None:
            self._waits(turn.claim)
            return self._in_vain()
        told = {
            TurnStep.AWAIT_OBSERVATION: f"the controller of {self._name} to see its newest spec",
            TurnStep.AWAIT_OTHERS: f"{', '.join(turn.others)} to be available",
            TurnStep.AWAIT_END: f"pod {turn.name} to end",
            TurnStep.AWAIT_POD: f"pod {turn.name} to be back",
        }
        self._say(told[turn.step])
        return self._ends(Stuck(blockers=seen.blockers), seen) if _is_stuck(turn, seen) else None

    def _finished(self, view: SetView, owner: StatefulSet, seen: Assessment) -> tuple[ReturnEnd | None, bool]:
        due = self._checks.due(Run(), Done(reason=DoneReason.UNDONE), seen)
        if due is not None:
            failed = self._checks.ask(seen, due, self._deadline)
            return (self._ends(failed, seen), False) if failed is not None else (None, True)
        assert self.plan.note is not None
        note = msgspec.structs.replace(self.plan.note, until=owner.metadata.generation)
        self._note(view, owner, {RESTORING_ANNOTATION: None, RESTORED_ANNOTATION: note.text})
        return ReturnEnd.REACHED, True

    def _is_kept_empty(self, turn: ClaimReturn, owner: StatefulSet) -> None:
        """Raises ConflictError unless the claim's pod is held, has ended, and nobody else mounts the claim. Where there is no
        pod and no claim, one that is made from a snapshot is better than the empty one that the controller is about to make."""
        view = self._cluster.set_view(self._namespace, self._name)
        changed = ConflictError(f"StatefulSet {self._name} changed since it was read")
        meta, was = (view.set or owner).metadata, owner.metadata
        if view.set is None or (meta.uid, meta.generation) != (was.uid, was.generation):
            raise changed
        pod = own_pods(view.set, view.pods).get(turn.ordinal)
        if pod is None and turn.present is None:
            return
        if pod is None or not is_held(pod) or not has_ended(pod):
            raise changed
        mounted: Mapping[str, str] | None = self._cluster.mounts(self._namespace, frozenset((pod.name,)))
        if mounted is None or turn.claim in mounted:
            raise changed


def _is_stuck(turn: Turn, seen: Assessment) -> bool:
    """Whether what is waited for does not come by itself. A pod that is to end is waited for longer than its grace period, and by
    name: that others are stuck does not keep it."""
    if seen.phase is not Phase.STUCK:
        return False
    if turn.step is TurnStep.AWAIT_END:
        return any(each.pod == turn.name for each in seen.blockers)
    return turn.step in (TurnStep.AWAIT_OTHERS, TurnStep.AWAIT_POD)
