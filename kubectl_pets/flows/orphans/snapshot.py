"""Takes a VolumeSnapshot of a claim and waits until the claim could go.

Nothing is done to the claim meanwhile, so the wait may be given up at any moment. The snapshot stays then: its name is the same
every time, and the next run finds it and waits on.
"""

from collections.abc import Callable
from typing import Protocol

from kubectl_pets.domain.changes import TakeSnapshot
from kubectl_pets.domain.orphans.deletion import Deletion, DeletionRefused
from kubectl_pets.domain.orphans.snapshots import Denied, NoSnapshot, Pending, Taken, is_at_it, look
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.interrupts import Interrupted
from kubectl_pets.flows.engine.waiting import Unended, until
from kubectl_pets.ports.claims import SnapshotPort
from kubectl_pets.ports.sets import ChangePort


class TakePort(SnapshotPort, ChangePort, Protocol):
    """What it takes to take a VolumeSnapshot."""


class Stopped:
    """An outcome: somebody pressed Ctrl-C while the snapshot was waited for."""


def take(
    cluster: TakePort,
    planned: Deletion,
    held: Interrupted,
    waits: Callable[[str, str], None],
    *,
    patience: float | None,
    stuck_after: StuckAfter = StuckAfter(),
) -> Taken | DeletionRefused | Stopped:
    """Ask for the snapshot that the plan begins with and wait for it, ``patience`` seconds or for ever; but no longer than
    ``stuck_after`` says while it fails, or while nobody takes it on. ``waits`` is told its name and the controller's last error.
    Outages are ridden out, and to ask again after a lost answer does no harm, because the name is the same. Raises PetsError for
    what lasts."""
    taking = _Taking(cluster, planned, waits, stuck_after)
    deadline = Deadline(patience)
    found: Taken | DeletionRefused | Unended = until(
        taking.look, deadline=deadline, held=held, troubled=lambda failure: taking.tell(failure.message)
    )
    if found is Unended.STOPPED:
        return Stopped()
    if found is Unended.LATE:
        reason = NoSnapshot.FAILED if taking.error else NoSnapshot.NOT_READY
        return DeletionRefused(verdict=planned.verdict, reason=reason, detail=taking.error or taking.name)
    return found


class _Taking:
    """One snapshot. ``error``: the last that its controller met."""

    def __init__(
        self, cluster: TakePort, planned: Deletion, waits: Callable[[str, str], None], stuck_after: StuckAfter
    ) -> None:
        step, volume = planned.steps[0], planned.verdict.volume
        assert isinstance(step, TakeSnapshot) and volume is not None
        self._cluster, self._verdict, self._waits = cluster, planned.verdict, waits
        self._step, self._volume = step, volume
        self._asked = False
        self._stuck_after = stuck_after
        #: When patience ends with what fails, and with nobody taking it on; None: neither is so.
        self._failing: Deadline | None = None
        self._unheard: Deadline | None = None
        self.name, self.error = step.name, ""

    def look(self) -> Taken | DeletionRefused | None:
        """None: it is not ready yet."""
        if not self._asked:
            self._cluster.apply(self._step)
            self._asked = True
        found = look(self._cluster.snapshot_seen(self._step.namespace, self.name), self._step.uid, self._volume)
        if isinstance(found, Taken):
            return found
        if isinstance(found, Denied):
            return DeletionRefused(verdict=self._verdict, reason=found.reason, detail=found.detail)
        self.error = found.error
        self.tell(found.error)
        return self._in_vain(found)

    def _in_vain(self, found: Pending) -> DeletionRefused | None:
        fails = bool(found.error) and not is_at_it(found.error)
        self._failing = (self._failing or Deadline(self._stuck_after.time.total_seconds())) if fails else None
        self._unheard = (self._unheard or Deadline(self._stuck_after.silence.total_seconds())) if found.silent else None
        if self._failing is not None and self._failing.passed:
            return DeletionRefused(verdict=self._verdict, reason=NoSnapshot.FAILED, detail=found.error)
        if self._unheard is not None and self._unheard.passed:
            return DeletionRefused(verdict=self._verdict, reason=NoSnapshot.NOT_TAKEN_ON, detail=self.name)
        return None

    def tell(self, error: str) -> None:
        self._waits(self.name, error)
