"""Deletes claims one after the other so that each can come back, and brings them back.

Every claim is judged again right before its turn, on a newly read estate. Its record is on disk before it is touched. Ctrl-C
takes effect between two claims, or while a snapshot is waited for, never within one.
"""

from collections.abc import Callable
from typing import Protocol

import msgspec

from kubectl_pets.domain.orphans.deletion import (
    DeleteClaim,
    Deletion,
    DeletionOptions,
    DeletionPlan,
    DeletionRefused,
    SetRetain,
    essence,
    policy_before,
    recheck,
)
from kubectl_pets.domain.orphans.findings import ClaimVerdict
from kubectl_pets.domain.orphans.restoring import AwaitBound, Record, RestorePlan, RestorePolicy, RestoreRefused, plan_restore
from kubectl_pets.domain.orphans.snapshots import Taken
from kubectl_pets.errors import ConflictError, NotFoundError, PetsError
from kubectl_pets.flows.engine.interrupts import Interrupted, held_back
from kubectl_pets.flows.orphans.records import RecordBook
from kubectl_pets.flows.orphans.snapshot import Stopped, take
from kubectl_pets.session import Cluster

#: A claim that changes under our hands this often is somebody else's business.
_ATTEMPTS = 3


class Observer(Protocol):
    """Hears how the deletion goes."""

    def begins(self, number: int, verdict: ClaimVerdict) -> None: ...

    def waits(self, snapshot: str, error: str) -> None:
        """For a VolumeSnapshot; with the last error that its controller met."""

    def ends(self, number: int, outcome: Deletion | DeletionRefused) -> None: ...


class Cleared(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a plan. ``left``: claims that were not touched, because of Ctrl-C or of the ``failure``; ``broken``: the claim
    that the failure, or a Ctrl-C that would not wait, met in the middle."""

    done: tuple[Deletion, ...]
    refused: tuple[DeletionRefused, ...]
    left: tuple[ClaimVerdict, ...] = ()
    broken: ClaimVerdict | None = None
    failure: PetsError | None = None
    interrupted: bool = False


def clear(
    cluster: Cluster,
    plan: DeletionPlan,
    options: DeletionOptions,
    book: RecordBook,
    observer: Observer,
    *,
    patience: float | None,
) -> Cleared:
    """Carry out the plan. ``patience``: seconds for a snapshot to become ready, None: for ever. What was done is in the record,
    whatever happens."""
    done: list[Deletion] = []
    refused: list[DeletionRefused] = []
    waiting = [item.verdict for item in plan.deletions]

    def cleared(reached: int, *, broken: bool = False, failure: PetsError | None = None, interrupted: bool = False) -> Cleared:
        left = waiting[reached + broken:]
        middle = waiting[reached] if broken else None
        return Cleared(
            done=tuple(done), refused=tuple(refused), left=tuple(left), broken=middle, failure=failure, interrupted=interrupted
        )

    with held_back() as held:
        for number, verdict in enumerate(waiting):
            if held():
                return cleared(number, interrupted=True)
            observer.begins(number + 1, verdict)
            turn = _Turn(cluster, verdict, options, book, observer, held, patience)
            try:
                outcome = turn.take()
            except PetsError as failure:
                return cleared(number, broken=turn.touched, failure=failure)
            except KeyboardInterrupt:  # asked for again, after it had been held back for long
                return cleared(number, broken=turn.touched, interrupted=True)
            if isinstance(outcome, Stopped):
                return cleared(number, interrupted=True)
            if isinstance(outcome, Deletion):
                done.append(outcome)
            else:
                refused.append(outcome)
            observer.ends(number + 1, outcome)
    return cleared(len(waiting))


class _Turn:
    """One claim's turn."""

    def __init__(
        self,
        cluster: Cluster,
        verdict: ClaimVerdict,
        options: DeletionOptions,
        book: RecordBook,
        observer: Observer,
        held: Interrupted,
        patience: float | None,
    ) -> None:
        self._cluster, self._verdict, self._options, self._book = cluster, verdict, options, book
        self._observer, self._held, self._patience = observer, held, patience
        self._record: Record | None = None
        self._retained: SetRetain | None = None
        #: Something was sent that changes the claim or its volume, and not taken back.
        self.touched = False

    def take(self) -> Deletion | DeletionRefused | Stopped:
        taken = None
        if self._options.snapshot:
            decided = self._decide(self._options, None)
            if isinstance(decided, DeletionRefused):
                return decided
            snapshot = take(self._cluster, decided, self._held, self._observer.waits, patience=self._patience)
            if not isinstance(snapshot, Taken):
                return snapshot
            taken = snapshot
        return self._delete(msgspec.structs.replace(self._options, snapshot=False), taken)

    def _decide(self, options: DeletionOptions, taken: Taken | None) -> Deletion | DeletionRefused:
        estate = self._cluster.claim_inventory(self._verdict.namespace)
        return recheck(self._verdict, estate, options, self._cluster.now(), taken)

    def _delete(self, options: DeletionOptions, taken: Taken | None) -> Deletion | DeletionRefused:
        """Judge, write the record and set the volume to Retain; judge again, and delete. Nothing stands between the last
        judgement and the deletion, because not every server lets a claim's resourceVersion change when a pod comes to use it."""
        conflicts = 0
        while True:
            decided = self._decide(options, taken)
            if isinstance(decided, DeletionRefused):
                self._leave_as_it_was()
                return decided
            prepared = self._record is not None
            if self._record is None:
                self._record = _record(decided.verdict, self._cluster, taken)
                self._book.add(self._record)
            try:
                for step in decided.steps:
                    if isinstance(step, SetRetain):
                        self._carry_out(step)
                        self._retained = step
                    elif isinstance(step, DeleteClaim) and prepared:
                        self._carry_out(step)
                        return decided
            except (ConflictError, NotFoundError):
                conflicts += 1
                if conflicts == _ATTEMPTS:
                    self._leave_as_it_was()
                    raise

    def _carry_out(self, step: SetRetain | DeleteClaim) -> None:
        self.touched = True
        self._cluster.carry_out(step)

    def _leave_as_it_was(self) -> None:
        """Put the reclaim policy back of a volume whose claim was not deleted after all."""
        retained, record = self._retained, self._record
        if retained is not None:
            self._cluster.carry_out(RestorePolicy(volume=retained.volume, uid=retained.uid, policy=retained.before))
        self.touched = False
        if record is not None:
            self._book.drop(record)


def _record(verdict: ClaimVerdict, cluster: Cluster, taken: Taken | None) -> Record:
    volume = verdict.volume
    return Record(
        claim=essence(verdict.claim),
        volume=volume.name if volume else "",
        volume_uid=volume.metadata.uid if volume else "",
        reclaim_policy=policy_before(verdict.claim, volume) if volume else "",
        deleted_at=cluster.now(),
        snapshot=taken.name if taken else "",
    )


def restore(
    cluster: Cluster, record: Record, *, dry_run: bool, tell: Callable[[RestorePlan], None]
) -> RestorePlan | RestoreRefused:
    """Bring one claim back. The steps that are left are planned anew each time, so an interrupted restore can be run again."""
    volume = cluster.volume(record.volume) if record.volume else None
    planned = plan_restore(record, volume, cluster.claims(record.claim.namespace))
    if isinstance(planned, RestoreRefused):
        return planned
    tell(planned)
    if dry_run:
        return planned
    for step in planned.steps:
        if isinstance(step, AwaitBound):
            cluster.carry_out(step)
            continue
        with held_back() as held:
            cluster.carry_out(step)
        if held():
            raise KeyboardInterrupt
    return planned
