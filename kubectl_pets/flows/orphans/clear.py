"""Deletes claims one after the other so that each can come back.

Every claim is judged again right before its turn, on a newly read inventory. Its record is on disk before it is touched, and it
counts as deleted once it is gone. Ctrl-C takes effect between two claims, or while a snapshot is waited for, never within one.
"""

from typing import Protocol

import msgspec

from kubectl_pets.domain.changes import AnnotateVolume, DeleteClaim, SetRetain
from kubectl_pets.domain.model import Event
from kubectl_pets.domain.orphans.deletion import (
    Deletion,
    DeletionOptions,
    DeletionPlan,
    DeletionRefused,
    Unfinished,
    UnfinishedReason,
    aftermath,
    essence,
    recheck,
    refused_by_driver,
)
from kubectl_pets.domain.orphans.findings import ClaimVerdict, Fate
from kubectl_pets.domain.orphans.inventory import PersistentVolume
from kubectl_pets.domain.orphans.restoring import Record
from kubectl_pets.domain.orphans.retention import policy_before
from kubectl_pets.domain.orphans.snapshots import Denied, NoSnapshot, Taken, look
from kubectl_pets.domain.orphans.storage import driver_refuses
from kubectl_pets.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError, PetsError
from kubectl_pets.flows.engine.interrupts import Interrupted, held_back
from kubectl_pets.flows.engine.waiting import Unended, until
from kubectl_pets.flows.orphans.records import RecordBook
from kubectl_pets.flows.orphans.retention import RetainWatch, RetentionPort, put_back
from kubectl_pets.flows.orphans.snapshot import Stopped, TakePort, take
from kubectl_pets.flows.orphans.storage import StoragePort, storage_use
from kubectl_pets.ports.server import ClockPort

#: A claim that changes under our hands this often is somebody else's business.
_ATTEMPTS = 3

#: Seconds for a deleted claim to be gone, and a destroyed volume: controllers take tenths, and drivers some seconds.
_GONE_AFTER = 15.0
#: As long where somebody else's finalizer holds the claim: that may take for ever.
_HELD_AFTER = 2.0
_PAUSE = 0.05

#: What a turn ends with.
Outcome = Deletion | DeletionRefused | Unfinished


class Observer(Protocol):
    """Hears how the deletion goes."""

    def begins(self, number: int, verdict: ClaimVerdict) -> None: ...

    def waits(self, snapshot: str, error: str) -> None:
        """For a VolumeSnapshot; with the last error that its controller met."""

    def ends(self, number: int, outcome: Outcome) -> None: ...


class Cleared(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a plan. ``unfinished``: deletions that the server took and that are not through; ``left``: claims that were
    not touched, because of Ctrl-C or of the ``failure``; ``broken``: the claim that the failure, or a Ctrl-C that would not wait,
    met in the middle."""

    done: tuple[Deletion, ...]
    refused: tuple[DeletionRefused, ...]
    unfinished: tuple[Unfinished, ...] = ()
    left: tuple[ClaimVerdict, ...] = ()
    broken: ClaimVerdict | None = None
    failure: PetsError | None = None
    interrupted: bool = False


class ClearPort(TakePort, RetentionPort, StoragePort, Protocol):
    """What it takes to delete claims."""


def clear(
    cluster: ClearPort,
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
    unfinished: list[Unfinished] = []
    waiting = [item.verdict for item in plan.deletions]
    watch = RetainWatch(cluster, options.run)

    def cleared(reached: int, *, broken: bool = False, failure: PetsError | None = None, interrupted: bool = False) -> Cleared:
        left = waiting[reached + broken:]
        middle = waiting[reached] if broken else None
        return Cleared(
            done=tuple(done),
            refused=tuple(refused),
            unfinished=tuple(unfinished),
            left=tuple(left),
            broken=middle,
            failure=failure,
            interrupted=interrupted,
        )

    with held_back() as held:
        for number, verdict in enumerate(waiting):
            if held():
                return cleared(number, interrupted=True)
            observer.begins(number + 1, verdict)
            turn = _Turn(cluster, verdict, options, book, observer, held, patience, watch)
            try:
                outcome = turn.take()
            except PetsError as failure:
                return cleared(number, broken=turn.touched, failure=failure)
            except KeyboardInterrupt:  # asked for again, after it had been held back for long
                return cleared(number, broken=turn.touched, interrupted=True)
            if isinstance(outcome, Stopped):
                return cleared(number, interrupted=True)
            match outcome:
                case Deletion():
                    done.append(outcome)
                case DeletionRefused():
                    refused.append(outcome)
                case Unfinished():
                    unfinished.append(outcome)
            observer.ends(number + 1, outcome)
    return cleared(len(waiting))


class _Turn:
    """The deletion of one claim, from its last judgement to what became of its volume."""

    def __init__(
        self,
        cluster: ClearPort,
        verdict: ClaimVerdict,
        options: DeletionOptions,
        book: RecordBook,
        observer: Observer,
        held: Interrupted,
        patience: float | None,
        watch: RetainWatch,
    ) -> None:
        self._cluster, self._verdict, self._options, self._book = cluster, verdict, options, book
        self._observer, self._held, self._patience, self._watch = observer, held, patience, watch
        self._record: Record | None = None
        self._retained: SetRetain | None = None
        #: Something was sent that changes the claim or its volume, and not taken back.
        self.touched = False

    def take(self) -> Outcome | Stopped:
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
        if options.destroy_data:
            options = msgspec.structs.replace(options, use=storage_use(self._cluster))
        name, ignored = self._verdict.name, options.ignored_kinds
        estate = self._cluster.claim_inventory(self._verdict.namespace, ignored_kinds=ignored, only=frozenset((name,)))
        decided = recheck(self._verdict, estate, options, self._cluster.now(), taken)
        lost = self._lost(taken) if isinstance(decided, Deletion) else None
        return lost or decided

    def _lost(self, taken: Taken | None) -> DeletionRefused | None:
        """Of a snapshot that was there: why it does not count any more. Whoever prunes snapshots may have taken this one, too."""
        volume = self._verdict.volume
        if taken is None or volume is None:
            return None
        found = look(self._cluster.snapshot_seen(self._verdict.namespace, taken.name), self._verdict.claim.metadata.uid, volume)
        match found:
            case Taken():
                return None
            case Denied(reason=reason, detail=detail):
                return DeletionRefused(verdict=self._verdict, reason=reason, detail=detail or taken.name)
            case _:
                return DeletionRefused(verdict=self._verdict, reason=NoSnapshot.GONE, detail=taken.name)

    def _delete(self, options: DeletionOptions, taken: Taken | None) -> Outcome:
        """Judge, write the record and set the volume to Retain; judge again, see that it is Retain, and delete. Nothing stands
        between that and the deletion, because not every server lets a claim's resourceVersion change when a pod comes to use
        it."""
        conflicts = 0
        # Not the engine's ``insist``: nothing is sent again after an outage, in which anything may have come to use the claim.
        while True:
            decided = self._decide(options, taken)
            if isinstance(decided, DeletionRefused):
                return self._give_up(decided)
            prepared = self._record is not None
            if self._record is None:
                self._record = _record(decided.verdict, self._cluster, taken)
                self._book.add(self._record)
            first = decided.steps[0]
            deleted = False
            try:
                if isinstance(first, AnnotateVolume):
                    self._send(first)
                elif isinstance(first, SetRetain):
                    self._send(first)
                    self._retained = first
                    self._await(decided)
                elif prepared:
                    self._send_deletion(decided, taken)
                    deleted = True
            except (ConflictError, NotFoundError):
                conflicts += 1
                if conflicts == _ATTEMPTS:
                    self._leave_as_it_was()
                    raise
            except (ForbiddenError, InvalidError):  # the server took nothing
                self._leave_as_it_was()
                raise
            if deleted:  # what fails from here on does not undo it
                return self._afterwards(decided)

    def _await(self, decided: Deletion) -> None:
        assert decided.verdict.volume is not None
        self._watch.wait(decided.verdict.claim, decided.verdict.volume)

    def _send_deletion(self, decided: Deletion, taken: Taken | None) -> None:
        if self._lost(taken) is not None:
            raise ConflictError(f"the snapshot of claim {decided.verdict.name} changed since it was read")
        if not self._is_kept(decided):
            raise ConflictError(f"volume {decided.verdict.claim.spec.volume_name} changed since it was read")
        if self._retained is not None:
            self._watch.stayed(decided.verdict.claim)
        self._send(decided.steps[-1])

    def _send(self, step: object) -> None:
        assert isinstance(step, SetRetain | AnnotateVolume | DeleteClaim)
        self.touched = True
        self._cluster.apply(step)

    def _is_kept(self, decided: Deletion) -> bool:
        """Read the volume once more, where its data is to be kept."""
        volume = decided.verdict.volume
        return volume is None or decided.fate is not Fate.RETAINED or self._watch.is_kept(decided.verdict.claim, volume)

    def _afterwards(self, decided: Deletion) -> Deletion | Unfinished:
        """Wait until the claim is gone, and see what became of the volume. Outages are ridden out."""
        claim, volume = decided.verdict.claim, decided.verdict.volume
        open_: Unfinished | None = None
        patient = True

        def look() -> Deletion | Unfinished | None:
            nonlocal open_
            fresh = self._cluster.volume(volume.name) if volume is not None else None
            open_ = aftermath(decided, self._cluster.claim(claim.namespace, claim.name), fresh)
            if open_ is None:
                return decided
            held = open_.reason is UnfinishedReason.CLAIM_HELD and not patient
            return open_ if open_.final or held else None

        found: Deletion | Unfinished | Unended = until(look, within=_HELD_AFTER, every=_PAUSE)
        if isinstance(found, Unended):
            patient = False
            found = until(look, within=_GONE_AFTER - _HELD_AFTER, every=_PAUSE)
        if not isinstance(found, Unended):
            return found
        assert open_ is not None
        return refused_by_driver(open_, self._said_of(volume)) if volume is not None else open_

    def _said_of(self, volume: PersistentVolume) -> str:
        """What the driver said where it did not destroy the volume."""
        told: tuple[Event, ...] | Unended = until(lambda: self._cluster.volume_events(volume.name) or (), within=_GONE_AFTER)
        return "" if isinstance(told, Unended) else driver_refuses(volume, told)

    def _give_up(self, refused: DeletionRefused) -> DeletionRefused:
        if self._leave_as_it_was():
            return refused
        assert self._retained is not None
        return msgspec.structs.replace(refused, left_retained=self._retained.volume)

    def _leave_as_it_was(self) -> bool:
        """Put the reclaim policy back of a volume whose claim was not deleted after all, and drop the record. False: the volume
        stays at Retain, and the record stays."""
        retained, record, back = self._retained, self._record, True
        if retained is not None and self._verdict.volume is not None:
            claim, volume = self._verdict.claim, self._verdict.volume
            try:
                back = put_back(self._cluster, claim, volume, retained.before, self._options.run, takes_over=False)
            except ForbiddenError:
                back = False
        self.touched = False
        if record is not None and back:
            self._book.drop(record)
        return back


def _record(verdict: ClaimVerdict, clock: ClockPort, taken: Taken | None) -> Record:
    volume = verdict.volume
    return Record(
        claim=essence(verdict.claim),
        volume=volume.name if volume else "",
        volume_uid=volume.metadata.uid if volume else "",
        reclaim_policy=policy_before(verdict.claim, volume) if volume else "",
        deleted_at=clock.now(),
        snapshot=taken.name if taken else "",
        volume_spec=volume.spec if volume else None,
    )
