"""Deletes claims one after the other so that each can come back, and brings them back.

Every claim is judged again right before its turn, on a newly read estate. Its record is on disk before it is touched. Ctrl-C
takes effect between two claims, never within one.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import msgspec

from kubectl_pets.domain.deletion import DeleteClaim, Deletion, DeletionPlan, Options, Refused, SetRetain, essence, recheck
from kubectl_pets.domain.findings import Verdict
from kubectl_pets.domain.restoring import Record, RestorePlan, RestorePolicy, RestoreRefused, plan_restore
from kubectl_pets.errors import ConflictError, NotFoundError
from kubectl_pets.records import RecordBook
from kubectl_pets.session import Cluster

#: A claim that changes under our hands this often is somebody else's business.
_ATTEMPTS = 3


class Cleared(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a plan. ``left``: claims not reached because of Ctrl-C."""

    done: tuple[Deletion, ...]
    refused: tuple[Refused, ...]
    left: tuple[Verdict, ...] = ()

    @property
    def interrupted(self) -> bool:
        return bool(self.left)


def clear(
    cluster: Cluster, plan: DeletionPlan, options: Options, book: RecordBook, tell: Callable[[int, Deletion | Refused], None]
) -> Cleared:
    """Carry out the plan. ``tell`` hears of each claim, with how many are through. Raises PetsError for what does not pass; what
    was done by then is in the record."""
    done: list[Deletion] = []
    refused: list[Refused] = []
    waiting = [item.verdict for item in plan.deletions]
    for number, planned in enumerate(plan.deletions, 1):
        with _unbroken() as asked_to_stop:
            outcome = _clear_one(cluster, planned.verdict, options, book)
        if isinstance(outcome, Deletion):
            done.append(outcome)
        else:
            refused.append(outcome)
        tell(number, outcome)
        left = tuple(waiting[number:])
        if asked_to_stop() and left:
            return Cleared(done=tuple(done), refused=tuple(refused), left=left)
    return Cleared(done=tuple(done), refused=tuple(refused))


def _clear_one(cluster: Cluster, verdict: Verdict, options: Options, book: RecordBook) -> Deletion | Refused:
    """Judge, write the record and set the volume to Retain; judge again, and delete. Nothing stands between the last judgement
    and the deletion, because not every server lets a claim's resourceVersion change when a pod comes to use it."""
    record: Record | None = None
    retained: SetRetain | None = None
    conflicts = 0
    while True:
        decided = recheck(verdict, cluster.estate(verdict.namespace), options, cluster.now())
        if isinstance(decided, Refused):
            _leave_as_it_was(cluster, retained)
            if record is not None:
                book.drop(record)
            return decided
        prepared = record is not None
        if record is None:
            record = _record(decided.verdict, cluster)
            book.add(record)
        try:
            for step in decided.steps:
                if isinstance(step, SetRetain):
                    cluster.carry_out(step)
                    retained = step
                elif isinstance(step, DeleteClaim) and prepared:
                    cluster.carry_out(step)
                    return decided
        except (ConflictError, NotFoundError):
            conflicts += 1
            if conflicts == _ATTEMPTS:
                _leave_as_it_was(cluster, retained)
                raise


def _leave_as_it_was(cluster: Cluster, retained: SetRetain | None) -> None:
    """Put the reclaim policy back of a volume whose claim was not deleted after all."""
    if retained is not None:
        cluster.carry_out(RestorePolicy(volume=retained.volume, uid=retained.uid, policy=retained.before))


def _record(verdict: Verdict, cluster: Cluster) -> Record:
    volume = verdict.volume
    return Record(
        claim=essence(verdict.claim),
        volume=volume.name if volume else "",
        volume_uid=volume.metadata.uid if volume else "",
        reclaim_policy=verdict.reclaim_policy,
        deleted_at=cluster.now(),
    )


def restore(
    cluster: Cluster, record: Record, *, dry_run: bool, tell: Callable[[RestorePlan], None]
) -> RestorePlan | RestoreRefused:
    """Bring one claim back. The steps that are left are planned anew after each, so an interrupted restore can be run again."""
    planned = _plan(cluster, record)
    if isinstance(planned, RestoreRefused):
        return planned
    tell(planned)
    if dry_run:
        return planned
    for step in planned.steps:
        with _unbroken():
            cluster.carry_out(step)
    return planned


def _plan(cluster: Cluster, record: Record) -> RestorePlan | RestoreRefused:
    volume = cluster.volume(record.volume) if record.volume else None
    return plan_restore(record, volume, cluster.claims(record.claim.namespace))


@contextmanager
def _unbroken() -> Iterator[Callable[[], bool]]:
    """Hold Ctrl-C and SIGTERM back until the block is through; yields a question: did one come?"""
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
