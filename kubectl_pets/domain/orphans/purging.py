"""Which volumes that deletions left are destroyed at last, and why others are not.

Only leftovers of this program's own deletions: Released, with the policy Retain that it set (or withheld from their provisioner,
where somebody has set that back), and still kept for the very claim
that was deleted. A volume that was Retain before is nobody's leftover but its owner's. All is judged again right before each one.
"""

from datetime import datetime, timedelta
from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.changes import DestroyVolume
from kubectl_pets.domain.claims.quantities import parse_bytes
from kubectl_pets.domain.model import LabelSelector
from kubectl_pets.domain.orphans.inventory import PersistentVolume
from kubectl_pets.domain.orphans.retention import is_withheld, known_policy, noted, provisioner_before, retained_at
from kubectl_pets.domain.orphans.storage import Objection, StorageObjection, StorageUse, objection


class Meant(msgspec.Struct, frozen=True):
    """A volume by its name, or the claim that it was kept for; ``namespace`` empty: a volume."""

    name: str
    namespace: str = ""

    def fits(self, volume: PersistentVolume) -> bool:
        held = volume.spec.claim_ref
        if not self.namespace:
            return volume.name == self.name
        return held is not None and (held.namespace, held.name) == (self.namespace, self.name)


class PurgeSelection(msgspec.Struct, frozen=True, kw_only=True):
    #: Of the claims that were deleted; None: all.
    namespace: str | None
    #: Each in the readings that it can have; empty: all.
    names: tuple[tuple[Meant, ...], ...] = ()
    #: Of the labels that the claims had.
    labels: LabelSelector | None = None
    older_than: timedelta = timedelta(0)


@unique
class PurgeRefusedReason(StrEnum):
    #: Not of a deletion by this program, or somebody's again.
    NO_LEFTOVER = "no-leftover"
    #: In use: bound, or about to be.
    NOT_RELEASED = "not-released"
    #: Its destruction was asked for before, by a run that did not see the end of it.
    UNDER_WAY = "under-way"
    TOO_YOUNG = "too-young"
    #: The claim did not have such labels.
    OTHER_LABELS = "other-labels"
    #: It was of another namespace than the one that is looked in.
    OTHER_NAMESPACE = "other-namespace"
    #: Right before its turn it was not what it was when the plan was made.
    CHANGED = "changed"
    #: Its destruction was asked for, and somebody has set it to Retain again or bound it meanwhile.
    RESCUED = "rescued"


class PurgeRefused(msgspec.Struct, frozen=True, kw_only=True, tag="refused"):
    volume: PersistentVolume
    reason: PurgeRefusedReason | StorageObjection
    #: With StorageObjection: who. Text from the cluster.
    subject: str = ""


class Purge(msgspec.Struct, frozen=True, kw_only=True, tag="purge"):
    """One volume that is destroyed with its data. ``since``: when it became a leftover. ``step`` None: that was asked for before,
    and is waited for."""

    volume: PersistentVolume
    since: datetime
    step: DestroyVolume | None

    @property
    def size(self) -> int | None:
        """Bytes; None where nothing says."""
        return parse_bytes(self.volume.spec.capacity.get("storage"))


class PurgePlan(msgspec.Struct, frozen=True, kw_only=True):
    purges: tuple[Purge, ...]
    refused: tuple[PurgeRefused, ...]
    #: Names that are no volume's and no leftover's claim.
    unknown: tuple[str, ...] = ()


def plan_purge(use: StorageUse, selection: PurgeSelection, now: datetime) -> PurgePlan:
    """What to destroy of the volumes in ``use``, in the order of the claims that they were kept for. Of those that were not named
    only what would be destroyed, but for its storage, is told as refused."""
    purges: list[Purge] = []
    refused: list[PurgeRefused] = []
    for volume in sorted(use.volumes or (), key=_order):
        named = any(meant.fits(volume) for readings in selection.names for meant in readings)
        if selection.names and not named:
            continue
        found = judge(volume, use, selection, now)
        if isinstance(found, Purge):
            purges.append(found)
        elif named or isinstance(found.reason, StorageObjection):
            refused.append(found)
    known = [*(each.volume for each in purges), *(each.volume for each in refused)]
    unknown = [readings[0].name for readings in selection.names if not any(m.fits(v) for m in readings for v in known)]
    return PurgePlan(purges=tuple(purges), refused=tuple(refused), unknown=tuple(unknown))


def judge(volume: PersistentVolume, use: StorageUse, selection: PurgeSelection, now: datetime) -> Purge | PurgeRefused:
    """Whether this one may be destroyed. One whose destruction an earlier run asked for is gone on with where it was named."""
    reason = _unfit(volume, selection)
    since = _since(volume)
    if reason is PurgeRefusedReason.UNDER_WAY and since is not None:
        named = any(meant.fits(volume) for readings in selection.names for meant in readings)
        return Purge(volume=volume, since=since, step=None) if named else PurgeRefused(volume=volume, reason=reason)
    if reason is None and since is not None and now - since < selection.older_than:
        reason = PurgeRefusedReason.TOO_YOUNG
    if reason is not None or since is None:
        return PurgeRefused(volume=volume, reason=reason or PurgeRefusedReason.NO_LEFTOVER)
    against: Objection | None = objection(volume, use)
    if against is not None:
        return PurgeRefused(volume=volume, reason=against.reason, subject=against.subject)
    if any(each.spec.volume_name == volume.name and each.metadata.deletion_timestamp is None for each in use.claims or ()):
        # Made for it by whoever brings it back, who has yet to clear the claim from before.
        return PurgeRefused(volume=volume, reason=PurgeRefusedReason.NOT_RELEASED)
    meta = volume.metadata
    step = DestroyVolume(
        volume=volume.name, uid=meta.uid, resource_version=meta.resource_version, restores=provisioner_before(volume)
    )
    return Purge(volume=volume, since=since, step=step)


def again(planned: Purge, use: StorageUse, selection: PurgeSelection, now: datetime) -> Purge | PurgeRefused:
    """The same decision on what was newly read, right before its turn. A volume that another deletion has left since, because it
    came back in between, holds what was written then, and nobody has said that this may go."""
    fresh = next((volume for volume in use.volumes or () if volume.name == planned.volume.name), None)
    if fresh is None or fresh.metadata.uid != planned.volume.metadata.uid or _holder(fresh) != _holder(planned.volume):
        return PurgeRefused(volume=planned.volume, reason=PurgeRefusedReason.CHANGED)
    return judge(fresh, use, selection, now)


def _holder(volume: PersistentVolume) -> str:
    """The uid of the claim that has it, or had it last."""
    return volume.spec.claim_ref.uid if volume.spec.claim_ref is not None else ""


def is_under_way(planned: Purge, use: StorageUse) -> bool:
    """Whether the volume is gone, or on its way: what an order has come to whose answer was lost. A volume that is bound again is
    neither, whatever its policy (volume controller, reclaimVolume: only a Released one is destroyed)."""
    if use.volumes is None:
        return False
    found = next((volume for volume in use.volumes if volume.name == planned.volume.name), None)
    return is_gone(planned, found) or found is None or _is_on_its_way(found)


def is_gone(planned: Purge, found: PersistentVolume | None) -> bool:
    """``found``: what has the volume's name now."""
    return found is None or found.metadata.uid != planned.volume.metadata.uid


def is_rescued(planned: Purge, found: PersistentVolume) -> PurgeRefused | None:
    """Of a volume whose destruction the API server took: why nobody destroys it any more. None: it is on its way, which a bound
    volume and a retained one are not, even where a driver has failed (reclaimVolume)."""
    if _is_on_its_way(found):
        return None
    return PurgeRefused(volume=planned.volume, reason=PurgeRefusedReason.RESCUED)


def _is_on_its_way(volume: PersistentVolume) -> bool:
    return volume.metadata.deletion_timestamp is not None or _is_being_destroyed(volume)


def _is_being_destroyed(volume: PersistentVolume) -> bool:
    asked = volume.spec.persistent_volume_reclaim_policy == "Delete" and volume.status.phase in ("Released", "Failed")
    return asked and not is_withheld(volume)


def _order(volume: PersistentVolume) -> tuple[str, str, str]:
    held = volume.spec.claim_ref
    return (held.namespace, held.name, volume.name) if held is not None else ("", "", volume.name)


def _unfit(volume: PersistentVolume, selection: PurgeSelection) -> PurgeRefusedReason | None:
    held, known = volume.spec.claim_ref, noted(volume)
    ours = known_policy(volume.metadata.annotations) in ("Delete", "Recycle") and known is not None and held is not None
    if not ours or known is None or held is None:
        return PurgeRefusedReason.NO_LEFTOVER
    if held.uid and held.uid == known.metadata.uid and _is_being_destroyed(volume):
        return PurgeRefusedReason.UNDER_WAY
    if volume.status.phase != "Released" or volume.metadata.deletion_timestamp is not None or not held.uid:
        return PurgeRefusedReason.NOT_RELEASED
    kept = volume.spec.persistent_volume_reclaim_policy == "Retain" or is_withheld(volume)
    if not kept or held.uid != known.metadata.uid:
        return PurgeRefusedReason.NO_LEFTOVER
    said = any(meant.namespace and meant.fits(volume) for readings in selection.names for meant in readings)
    if selection.namespace not in (None, held.namespace) and not said:
        return PurgeRefusedReason.OTHER_NAMESPACE
    if selection.labels is not None and not selection.labels.matches(known.metadata.labels):
        return PurgeRefusedReason.OTHER_LABELS
    return None


def _since(volume: PersistentVolume) -> datetime | None:
    """When the volume became a leftover: its release, if that is known and came after it was set to Retain, else when it was
    set so."""
    retained, released = retained_at(volume), volume.status.last_phase_transition_time
    return max(retained, released or retained) if retained is not None else None
