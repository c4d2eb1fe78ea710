"""Takes a VolumeSnapshot of a claim and waits until the claim could go.

Nothing is done to the claim meanwhile, so the wait may be given up at any moment. The snapshot stays then: its name is the same
every time, and the next run finds it and waits on.
"""

from collections.abc import Callable
from time import monotonic, sleep

from kubectl_pets.domain.changes import TakeSnapshot
from kubectl_pets.domain.orphans.deletion import Deletion, DeletionRefused
from kubectl_pets.domain.orphans.snapshots import Denied, NoSnapshot, Taken, look
from kubectl_pets.flows.engine.interrupts import Interrupted
from kubectl_pets.session import Cluster

#: Between two looks, in seconds. Snapshots take seconds at best.
_PAUSE = 0.5
#: Between two questions whether somebody wants it to stop.
_BREATH = 0.05


class Stopped:
    """Somebody pressed Ctrl-C."""


def take(
    cluster: Cluster, planned: Deletion, held: Interrupted, waits: Callable[[str, str], None], *, patience: float | None
) -> Taken | DeletionRefused | Stopped:
    """Ask for the snapshot that the plan begins with and wait for it, ``patience`` seconds or for ever. ``waits`` is told its
    name and the controller's last error, which is no reason to give up: the controller tries again."""
    step, volume = planned.steps[0], planned.verdict.volume
    assert isinstance(step, TakeSnapshot) and volume is not None
    cluster.apply(step)
    end = monotonic() + patience if patience is not None else None
    while True:
        found = look(cluster.snapshot_seen(step.namespace, step.name), step.uid, volume)
        if isinstance(found, Taken):
            return found
        if isinstance(found, Denied):
            return DeletionRefused(verdict=planned.verdict, reason=found.reason, detail=found.detail)
        waits(step.name, found.error)
        if end is not None and monotonic() >= end:
            reason = NoSnapshot.FAILED if found.error else NoSnapshot.NOT_READY
            return DeletionRefused(verdict=planned.verdict, reason=reason, detail=found.error or step.name)
        if _stopped(held):
            return Stopped()


def _stopped(held: Interrupted) -> bool:
    until = monotonic() + _PAUSE
    while not held() and monotonic() < until:
        sleep(_BREATH)
    return held()
