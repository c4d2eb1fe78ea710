"""Has a volume stay at Retain, and gives it its reclaim policy back, by the changes of ``domain.orphans.retention``.

Every one is conditional and planned on a fresh reading, so that another run, stopped at any moment, loses no data by it.
"""

from secrets import token_hex
from typing import Protocol

from kubectl_pets.domain.model import PersistentVolumeClaim
from kubectl_pets.domain.orphans.inventory import PersistentVolume
from kubectl_pets.domain.orphans.retention import (
    PROVISIONERS_FINALIZERS,
    RUN_ANNOTATION,
    fence,
    has_notes,
    keeps,
    take_hold,
    undo_retain,
    withhold,
)
from kubectl_pets.errors import ConflictError, NotFoundError
from kubectl_pets.flows.engine.waiting import until
from kubectl_pets.ports.claims import ClaimPort
from kubectl_pets.ports.server import ClockPort
from kubectl_pets.ports.sets import ChangePort

#: Seconds within which whoever keeps volumes at another policy than Retain sets it back: controllers take tenths, busy ones more.
_SET_BACK_AFTER = 2.0

#: A volume or claim that changes under our hands this often is somebody else's business.
_ATTEMPTS = 3


class RetentionPort(ClaimPort, ChangePort, ClockPort, Protocol):
    """What it takes to put a volume's policy back."""


def new_run() -> str:
    """What one run is called, unlike any other: it is written onto the volumes that it holds."""
    return token_hex(8)


class RetainWatch:
    """Does Retain stay? Somebody's controller may hold volumes at Delete. One volume of a namespace and storage class with which
    it stayed is enough for a run, one that was set back is not. Against one that is later still each volume is withheld."""

    def __init__(self, cluster: RetentionPort, run: str) -> None:
        self._cluster, self._run = cluster, run
        self._stays: set[tuple[str, str]] = set()

    def wait(self, claim: PersistentVolumeClaim, volume: PersistentVolume) -> None:
        """Leave a volume that was set to Retain alone for a while, and withhold it from its provisioner once that has taken its
        finalizer off, before it is read again and its claim deleted. Raises ConflictError where it changed meanwhile."""
        if _kind(claim) not in self._stays:
            until(lambda: None, within=_SET_BACK_AFTER)
        until(lambda: self._is_let_go(volume.name) or None, within=_SET_BACK_AFTER)
        self.is_kept(claim, volume)

    def is_kept(self, claim: PersistentVolumeClaim, volume: PersistentVolume) -> bool:
        """Whether the data outlives the claim, by a newly read volume. One that this run has set to Retain is withheld from its
        provisioner, if it is not yet. Raises ConflictError where it changed meanwhile."""
        fresh = self._cluster.volume(volume.name)
        if fresh is None or not keeps(fresh, claim, volume.metadata.uid, self._run):
            return False
        change = withhold(fresh) if has_notes(fresh) else None
        if change is not None:
            self._cluster.apply(change)
        return True

    def _is_let_go(self, name: str) -> bool:
        volume = self._cluster.volume(name)
        return volume is None or not PROVISIONERS_FINALIZERS.intersection(volume.metadata.finalizers)

    def stayed(self, claim: PersistentVolumeClaim) -> None:
        """It was waited for, and read again, and is Retain still."""
        self._stays.add(_kind(claim))


def _kind(claim: PersistentVolumeClaim) -> tuple[str, str]:
    return claim.namespace, claim.spec.storage_class_name or ""


def put_back(
    cluster: RetentionPort, claim: PersistentVolumeClaim, volume: PersistentVolume, policy: str, run: str, *, takes_over: bool
) -> bool:
    """Whether the volume has its ``policy`` back; if not, it stays at Retain. ``claim`` and ``volume`` say which are meant, by
    their uids. ``takes_over``: from whichever run holds the volume. Raises ForbiddenError where claims may not be patched."""
    for _ in range(_ATTEMPTS):
        try:
            return _try(cluster, claim, volume, policy, run, takes_over)
        except (ConflictError, NotFoundError):
            continue
    return False


def _try(
    cluster: RetentionPort, claim: PersistentVolumeClaim, volume: PersistentVolume, policy: str, run: str, takes_over: bool
) -> bool:
    now_volume, now_claim = cluster.volume(volume.name), cluster.claim(claim.namespace, claim.name)
    if now_volume is None or now_claim is None:
        return False
    if now_volume.metadata.uid != volume.metadata.uid or now_claim.metadata.uid != claim.metadata.uid:
        return False
    if now_volume.metadata.annotations.get(RUN_ANNOTATION) != run:
        hold = take_hold(now_volume, now_claim, policy, run) if takes_over else None
        if hold is None:
            return False
        cluster.apply(hold)
    cluster.apply(fence(now_claim, run, cluster.now()))
    undo = undo_retain(cluster.volume(volume.name), cluster.claim(claim.namespace, claim.name), policy, run)
    if undo is None:
        return False
    cluster.apply(undo)
    return True
