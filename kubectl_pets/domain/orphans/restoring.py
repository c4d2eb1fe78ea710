"""How does a deleted claim come back onto its retained volume, and how are such volumes destroyed at last?

The claim is made first, bound to the volume by name: the API server refuses that when the name was taken, and nothing else has
been touched then. Until the old claim's uid is cleared from the volume's ``claimRef`` no claim can bind; once it is, only one of
the same namespace and name can. The reclaim policy goes back last, because a Released volume with policy Delete is destroyed.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.model import ObjectMeta, PersistentVolumeClaim, PersistentVolumeClaimSpec, ResourceRequests
from kubectl_pets.domain.orphans.deletion import (
    POLICY_ANNOTATION,
    DeleteClaim,
    SetRetain,
    TakeSnapshot,
    noted,
    policy_before,
    retained_at,
)
from kubectl_pets.domain.orphans.inventory import PersistentVolume
from kubectl_pets.domain.orphans.quantities import parse_bytes


class Record(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is kept of one deletion: enough to undo it. ``claim`` is ``deletion.essence`` of it, with its old uid."""

    claim: PersistentVolumeClaim
    volume: str
    volume_uid: str
    #: The volume's reclaim policy from before.
    reclaim_policy: str
    deleted_at: datetime
    #: A VolumeSnapshot in the claim's namespace that was taken before; empty: none.
    snapshot: str = ""


# --- steps -------------------------------------------------------------------------------------------------------------------


class CreateClaim(msgspec.Struct, frozen=True, kw_only=True, tag="create-claim"):
    """Ready to be sent: no uid, bound to its volume by name."""

    claim: PersistentVolumeClaim


class ClearClaimRef(msgspec.Struct, frozen=True, kw_only=True, tag="clear-claim-ref"):
    """Remove uid and resourceVersion from ``spec.claimRef``, if the old uid is still there; namespace and name stay."""

    volume: str
    uid: str
    resource_version: str
    old_claim_uid: str


class AwaitBound(msgspec.Struct, frozen=True, kw_only=True, tag="await-bound"):
    namespace: str
    name: str
    volume: str


class RestorePolicy(msgspec.Struct, frozen=True, kw_only=True, tag="restore-policy"):
    """Only once bound. Removes the annotations that remembered it."""

    volume: str
    uid: str
    policy: str


class DestroyVolume(msgspec.Struct, frozen=True, kw_only=True, tag="destroy-volume"):
    """Reclaim policy Delete on a Released volume: its provisioner deletes the data. Conditional on uid and resourceVersion."""

    volume: str
    uid: str
    resource_version: str


RestoreStep = CreateClaim | ClearClaimRef | AwaitBound | RestorePolicy
#: Every step that changes a claim or a volume, or takes a snapshot.
ClaimStep = TakeSnapshot | SetRetain | DeleteClaim | RestoreStep | DestroyVolume


@unique
class RestoreRefusedReason(StrEnum):
    VOLUME_GONE = "volume-gone"
    #: A volume of that name, but another one.
    VOLUME_REPLACED = "volume-replaced"
    VOLUME_TERMINATING = "volume-terminating"
    #: It is bound to, or kept for, another claim than the one that was deleted.
    VOLUME_TAKEN = "volume-taken"
    #: Its reclamation failed, or it is still with its old claim.
    VOLUME_NOT_RELEASED = "volume-not-released"
    #: A new claim took the name.
    NAME_TAKEN = "name-taken"
    #: The claims could not be read.
    CLAIMS_UNREADABLE = "claims-unreadable"
    #: Neither a record nor the volume tells which claim it was.
    CLAIM_UNKNOWN = "claim-unknown"
    NOTHING_TO_DO = "nothing-to-do"


class RestorePlan(msgspec.Struct, frozen=True, kw_only=True, tag="restore-plan"):
    steps: tuple[RestoreStep, ...]


class RestoreRefused(msgspec.Struct, frozen=True, kw_only=True, tag="restore-refused"):
    reason: RestoreRefusedReason
    #: Whose name it is about: the volume, or who took it.
    subject: str = ""


def record_of(volume: PersistentVolume) -> Record | None:
    """A record made of a volume alone: what was written onto it when it was set to Retain, else what its ``claimRef`` and its own
    spec tell (labels are lost then). None where it was never a claim's."""
    held = volume.spec.claim_ref
    if held is None:
        return None
    known = noted(volume)
    if known is not None and volume.status.phase == "Released" and held.uid not in ("", known.metadata.uid):
        known = None  # of an earlier claim: the volume has been somebody's since
    claim = known or PersistentVolumeClaim(
        api_version="v1",
        kind="PersistentVolumeClaim",
        metadata=ObjectMeta(name=held.name, namespace=held.namespace, uid=held.uid),
        spec=PersistentVolumeClaimSpec(
            access_modes=volume.spec.access_modes,
            volume_mode=volume.spec.volume_mode,
            resources=ResourceRequests(requests=dict(volume.spec.capacity)),
        ),
    )
    annotations = volume.metadata.annotations
    return Record(
        claim=claim,
        volume=volume.name,
        volume_uid=volume.metadata.uid,
        reclaim_policy=annotations.get(POLICY_ANNOTATION, "") or volume.spec.persistent_volume_reclaim_policy,
        deleted_at=retained_at(volume) or _EPOCH,
    )


def plan_restore(
    record: Record | None, volume: PersistentVolume | None, claims: Iterable[PersistentVolumeClaim] | None
) -> RestorePlan | RestoreRefused:
    """The steps that are left from here: a restore that was interrupted goes on when it is asked for again.

    ``volume`` and the ``claims`` of its namespace are newly read. None as the volume: it does not exist; as claims: unreadable.
    """
    if record is None:
        return RestoreRefused(reason=RestoreRefusedReason.CLAIM_UNKNOWN)
    if claims is None:
        return RestoreRefused(reason=RestoreRefusedReason.CLAIMS_UNREADABLE)
    if volume is None:
        return RestoreRefused(reason=RestoreRefusedReason.VOLUME_GONE, subject=record.volume)
    meta = record.claim.metadata
    present = next((item for item in claims if (item.namespace, item.name) == (meta.namespace, meta.name)), None)
    if present is not None and _was_never_deleted(present, record, volume):
        return _put_back(present, volume)
    refused = _volume_refused(record, volume, present)
    if refused is not None:
        return RestoreRefused(reason=refused, subject=volume.name)
    if present is not None and not _is_ours(present, record, volume):
        return RestoreRefused(reason=RestoreRefusedReason.NAME_TAKEN, subject=f"{present.namespace}/{present.name}")
    steps = tuple(_steps(record, volume, present))
    return RestorePlan(steps=steps) if steps else RestoreRefused(reason=RestoreRefusedReason.NOTHING_TO_DO)


def plan_purge(
    volumes: Iterable[PersistentVolume], older_than: timedelta, now: datetime
) -> tuple[DestroyVolume, ...]:
    """The leftovers of this program's own deletions that may be destroyed: Released for that long, and still kept for the claim
    that was deleted. A volume that was Retain before is nobody's leftover but its owner's."""
    return tuple(
        DestroyVolume(
            volume=volume.name, uid=volume.metadata.uid, resource_version=volume.metadata.resource_version
        )
        for volume in volumes
        if _is_leftover(volume, older_than, now)
    )


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _is_leftover(volume: PersistentVolume, older_than: timedelta, now: datetime) -> bool:
    annotations, held, known = volume.metadata.annotations, volume.spec.claim_ref, noted(volume)
    retained, released = retained_at(volume), volume.status.last_phase_transition_time
    return (
        volume.status.phase == "Released"
        and volume.metadata.deletion_timestamp is None
        and annotations.get(POLICY_ANNOTATION) in ("Delete", "Recycle")
        and volume.spec.persistent_volume_reclaim_policy == "Retain"
        and held is not None
        and known is not None
        and held.uid == known.metadata.uid != ""
        and retained is not None
        and max(retained, released or retained) + older_than <= now
    )


def _volume_refused(
    record: Record, volume: PersistentVolume, present: PersistentVolumeClaim | None
) -> RestoreRefusedReason | None:
    if volume.metadata.uid != record.volume_uid:
        return RestoreRefusedReason.VOLUME_REPLACED
    if volume.metadata.deletion_timestamp is not None:
        return RestoreRefusedReason.VOLUME_TERMINATING
    held, meta = volume.spec.claim_ref, record.claim.metadata
    # Without a claimRef the volume is anybody's: who else wants it cannot be known any more.
    if held is None or (held.namespace, held.name) != (meta.namespace, meta.name):
        return RestoreRefusedReason.VOLUME_TAKEN
    known = ("", meta.uid, present.metadata.uid if present else "")
    if held.uid not in known:
        return RestoreRefusedReason.VOLUME_TAKEN
    if volume.status.phase in ("Released", "Available"):
        return None
    back = present is not None and held.uid == present.metadata.uid and present.metadata.uid != meta.uid
    return None if volume.status.phase == "Bound" and back else RestoreRefusedReason.VOLUME_NOT_RELEASED


def _was_never_deleted(present: PersistentVolumeClaim, record: Record, volume: PersistentVolume) -> bool:
    """The run that wrote the record ended before its turn, or in the middle of it."""
    held = volume.spec.claim_ref
    return (
        present.metadata.uid == record.claim.metadata.uid != ""
        and present.metadata.deletion_timestamp is None
        and volume.metadata.uid == record.volume_uid
        and held is not None
        and held.uid == present.metadata.uid
    )


def _put_back(claim: PersistentVolumeClaim, volume: PersistentVolume) -> RestorePlan | RestoreRefused:
    before = policy_before(claim, volume)
    if before == volume.spec.persistent_volume_reclaim_policy:
        return RestoreRefused(reason=RestoreRefusedReason.NOTHING_TO_DO)
    return RestorePlan(steps=(RestorePolicy(volume=volume.name, uid=volume.metadata.uid, policy=before),))


def _is_ours(present: PersistentVolumeClaim, record: Record, volume: PersistentVolume) -> bool:
    """It was made by a restore that did not get further, or it has come back in full."""
    return (
        present.spec.volume_name == volume.name
        and present.metadata.uid != record.claim.metadata.uid
        and present.metadata.deletion_timestamp is None
    )


def _steps(record: Record, volume: PersistentVolume, present: PersistentVolumeClaim | None) -> Iterable[RestoreStep]:
    held, claim = volume.spec.claim_ref, record.claim
    if present is None:
        yield CreateClaim(claim=_anew(claim, volume))
    if held is not None and held.uid and held.uid == claim.metadata.uid:
        yield ClearClaimRef(
            volume=volume.name,
            uid=volume.metadata.uid,
            resource_version=volume.metadata.resource_version,
            old_claim_uid=held.uid,
        )
    if present is None or present.status.phase != "Bound":
        yield AwaitBound(namespace=claim.namespace, name=claim.name, volume=volume.name)
    if volume.spec.persistent_volume_reclaim_policy != record.reclaim_policy and record.reclaim_policy:
        yield RestorePolicy(volume=volume.name, uid=volume.metadata.uid, policy=record.reclaim_policy)


def _anew(claim: PersistentVolumeClaim, volume: PersistentVolume) -> PersistentVolumeClaim:
    """The claim as it can bind to this volume: the volume's class (an empty one keeps the default class away), and no more asked
    for than it has, should somebody have asked for more while it was being resized."""
    asked = parse_bytes(claim.spec.resources.requests.get("storage"))
    has = parse_bytes(volume.spec.capacity.get("storage"))
    resources = claim.spec.resources
    if has is not None and (asked is None or asked > has):
        resources = ResourceRequests(requests={"storage": volume.spec.capacity["storage"]})
    return msgspec.structs.replace(
        claim,
        metadata=msgspec.structs.replace(claim.metadata, uid=""),
        spec=msgspec.structs.replace(
            claim.spec,
            volume_name=volume.name,
            storage_class_name=volume.spec.storage_class_name,
            access_modes=claim.spec.access_modes or volume.spec.access_modes,
            volume_mode=claim.spec.volume_mode or volume.spec.volume_mode,
            resources=resources,
        ),
    )
