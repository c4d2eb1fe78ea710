"""How does a deleted claim come back onto its retained volume?

The claim is made first, bound to the volume by name: the API server refuses that when the name was taken, and nothing else has
been touched then. Until the old claim's uid is cleared from the volume's ``claimRef`` no claim can bind; once it is, only one of
the same namespace and name can. The reclaim policy goes back last, because a Released volume with policy Delete is destroyed; one
that is found so is set to Retain before anything else, and then watched, because its destruction may have begun.

A record is a file that anybody may have written: names, sizes and policies in it are checked, and of the claim in it only what
``deletion.essence`` writes is used. The policy that goes back is the one in the volume's own annotation.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.changes import ClearClaimRef, CreateClaim, SetRetain
from kubectl_pets.domain.claims.quantities import parse_bytes
from kubectl_pets.domain.model import ObjectMeta, PersistentVolumeClaim, PersistentVolumeClaimSpec, ResourceRequests
from kubectl_pets.domain.orphans.deletion import essence
from kubectl_pets.domain.orphans.inventory import PersistentVolume, PersistentVolumeSpec
from kubectl_pets.domain.orphans.origins import CREATOR_ANNOTATION, SET_CONTROLLERS
from kubectl_pets.domain.orphans.retention import (
    CLAIM_ANNOTATION,
    POLICY_ANNOTATION,
    RESCUED_ANNOTATION,
    RUN_ANNOTATION,
    is_bound_to,
    is_withheld,
    known_policy,
    noted,
    policy_before,
    rescued_at,
    retained_at,
)

#: A volume whose destruction was asked for is watched for so long before a claim is bound to it. A CSI provisioner gives its
#: driver 10 s for a deletion (external-provisioner --timeout) and deletes the PersistentVolume once that is done.
WATCHED_FOR = timedelta(seconds=30)

#: What the volume controller does with a volume that is Released.
_DESTROYS = ("Delete", "Recycle")


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
    #: Where the storage is, so that it can be found again by hand should the PersistentVolume be gone. Not used by ``restore``.
    volume_spec: PersistentVolumeSpec | None = None


# --- steps, besides the changes of domain.changes ----------------------------------------------------------------------------


class AwaitBound(msgspec.Struct, frozen=True, kw_only=True, tag="await-bound"):
    namespace: str
    name: str
    volume: str


class RestorePolicy(msgspec.Struct, frozen=True, kw_only=True, tag="restore-policy"):
    """Put the reclaim policy back, once bound: by the changes of ``retention``, or not at all."""

    volume: str
    uid: str
    policy: str


class AwaitKept(msgspec.Struct, frozen=True, kw_only=True, tag="await-kept"):
    """Watch, until that time, whether the volume is destroyed after all; then plan again."""

    volume: str
    uid: str
    until: datetime


RestoreStep = CreateClaim | ClearClaimRef | AwaitBound | RestorePolicy | SetRetain | AwaitKept


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
    #: The old claim is being deleted, and something still holds it.
    CLAIM_TERMINATING = "claim-terminating"
    #: The record holds what no claim or volume can have.
    RECORD_INVALID = "record-invalid"
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
    return Record(
        claim=claim,
        volume=volume.name,
        volume_uid=volume.metadata.uid,
        reclaim_policy=known_policy(volume.metadata.annotations) or volume.spec.persistent_volume_reclaim_policy,
        deleted_at=retained_at(volume) or _EPOCH,
    )


def plan_restore(
    record: Record | None,
    volume: PersistentVolume | None,
    claims: Iterable[PersistentVolumeClaim] | None,
    now: datetime,
    run: str = "",
) -> RestorePlan | RestoreRefused:
    """The steps that are left from here: a restore that was interrupted goes on when it is asked for again.

    ``volume`` and the ``claims`` of its namespace are newly read. None as the volume: it does not exist; as claims: unreadable.
    ``run``: what this run is called, unlike any other.
    """
    if record is None:
        return RestoreRefused(reason=RestoreRefusedReason.CLAIM_UNKNOWN)
    wrong = _nonsense(record)
    if wrong:
        return RestoreRefused(reason=RestoreRefusedReason.RECORD_INVALID, subject=wrong)
    if claims is None:
        return RestoreRefused(reason=RestoreRefusedReason.CLAIMS_UNREADABLE)
    if volume is None:
        return RestoreRefused(reason=RestoreRefusedReason.VOLUME_GONE, subject=record.volume)
    meta = record.claim.metadata
    present = next((item for item in claims if (item.namespace, item.name) == (meta.namespace, meta.name)), None)
    if present is not None and _was_never_deleted(present, record, volume):
        return _put_back(present, volume)
    rescue = _rescue(record, volume, present, now, run)
    if rescue:
        return RestorePlan(steps=rescue)
    if present is not None and present.metadata.uid == meta.uid and present.metadata.deletion_timestamp is not None:
        holders = ", ".join(present.metadata.finalizers)
        return RestoreRefused(reason=RestoreRefusedReason.CLAIM_TERMINATING, subject=holders)
    refused = _volume_refused(record, volume, present)
    if refused is not None:
        return RestoreRefused(reason=refused, subject=volume.name)
    if present is not None and not _is_ours(present, record, volume):
        return RestoreRefused(reason=RestoreRefusedReason.NAME_TAKEN, subject=f"{present.namespace}/{present.name}")
    steps = tuple(_steps(record, volume, present))
    return RestorePlan(steps=steps) if steps else RestoreRefused(reason=RestoreRefusedReason.NOTHING_TO_DO)


def is_back(record: Record, volume: PersistentVolume | None, claim: PersistentVolumeClaim | None) -> bool:
    """Whether the claim is on its data, as both were read after everything was done."""
    return volume is not None and claim is not None and volume.metadata.uid == record.volume_uid and is_bound_to(volume, claim)


def is_stranded(claim: PersistentVolumeClaim, volume: PersistentVolume | None, uid: str, was: str) -> bool:
    """Whether a claim that waits for the volume of that ``uid`` will never be bound to it: it is gone, or about to be, or another
    claim has got it (syncUnboundClaim). ``was``: the uid of the claim that had it before; with that one it may yet be cleared."""
    if claim.status.phase != "Pending" or claim.metadata.deletion_timestamp is not None:
        return False
    if volume is None or volume.metadata.uid != uid or volume.metadata.deletion_timestamp is not None:
        return True
    held = volume.spec.claim_ref
    if held is None or held.uid == was != "":
        return False
    return (held.namespace, held.name) != (claim.namespace, claim.name) or held.uid not in ("", claim.metadata.uid)


def may_settle(found: RestorePlan | RestoreRefused, volume: PersistentVolume | None) -> bool:
    """Whether it is worth looking again in a moment: a claim that was deleted a moment ago leaves a volume that is called Bound
    until its controller has seen that."""
    waits = (RestoreRefusedReason.VOLUME_NOT_RELEASED, RestoreRefusedReason.CLAIM_TERMINATING)
    return isinstance(found, RestoreRefused) and found.reason in waits and volume is not None and volume.status.phase == "Bound"


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


def _nonsense(record: Record) -> str:
    """What of a record no API server would have written; empty: nothing."""
    meta, asked = record.claim.metadata, record.claim.spec.resources.requests.get("storage")
    if not _LABEL.fullmatch(meta.namespace):
        return f"namespace {meta.namespace!r}"
    if not _SUBDOMAIN.fullmatch(meta.name):
        return f"claim {meta.name!r}"
    if record.volume and not _SUBDOMAIN.fullmatch(record.volume):
        return f"volume {record.volume!r}"
    if asked is not None and parse_bytes(asked) is None:
        return f"size {asked!r}"
    if record.reclaim_policy not in ("", "Retain", *_DESTROYS):
        return f"reclaim policy {record.reclaim_policy!r}"
    return ""


def _rescue(
    record: Record, volume: PersistentVolume, present: PersistentVolumeClaim | None, now: datetime, run: str
) -> tuple[RestoreStep, ...]:
    """What keeps a volume from being destroyed that has lost its claim and has the policy Delete, or that had it a moment ago.
    One that is Failed, because its driver could not do it so far, is destroyed as soon as that can (reclaimVolume)."""
    meta, held, known = volume.metadata, volume.spec.claim_ref, noted(volume)
    if meta.uid != record.volume_uid or meta.deletion_timestamp is not None or held is None:
        return ()
    if volume.status.phase not in ("Released", "Bound", "Failed") or held.uid != record.claim.metadata.uid:
        return ()
    if (held.namespace, held.name) != (record.claim.namespace, record.claim.name):
        return ()
    policy, rescued = volume.spec.persistent_volume_reclaim_policy, rescued_at(volume)
    if policy in _DESTROYS:
        notes = {RESCUED_ANNOTATION: now.isoformat(timespec="seconds"), RUN_ANNOTATION: run}
        if known is None or known.metadata.uid != record.claim.metadata.uid:
            kept = essence(record.claim)
            notes |= {POLICY_ANNOTATION: policy, CLAIM_ANNOTATION: msgspec.json.encode(kept).decode()}
        retain = SetRetain(
            volume=volume.name, uid=meta.uid, resource_version=meta.resource_version, before=policy, annotations=notes
        )
        watch = AwaitKept(volume=volume.name, uid=meta.uid, until=now + WATCHED_FOR)
        return (retain, watch) if present is None and not is_withheld(volume) else (retain,)
    if rescued is not None and present is None and not is_withheld(volume) and now < rescued + WATCHED_FOR:
        return (AwaitKept(volume=volume.name, uid=meta.uid, until=rescued + WATCHED_FOR),)
    return ()


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
    if volume.status.phase in ("Released", "Available") or (volume.status.phase == "Failed" and rescued_at(volume) is not None):
        return None  # the volume controller makes a Failed one Available, too, once the old claim's uid is cleared (syncVolume)
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
    if before == volume.spec.persistent_volume_reclaim_policy and not is_withheld(volume):
        return RestoreRefused(reason=RestoreRefusedReason.NOTHING_TO_DO)
    return RestorePlan(steps=(RestorePolicy(volume=volume.name, uid=volume.metadata.uid, policy=before),))


def _is_ours(present: PersistentVolumeClaim, record: Record, volume: PersistentVolume) -> bool:
    """Whether the claim was made by a restore that did not get further, or has come back in full."""
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
    known = noted(volume)
    policy = known_policy(volume.metadata.annotations) if known and known.metadata.uid == claim.metadata.uid else ""
    if policy and (policy != volume.spec.persistent_volume_reclaim_policy or is_withheld(volume)):
        yield RestorePolicy(volume=volume.name, uid=volume.metadata.uid, policy=policy)


def _anew(claim: PersistentVolumeClaim, volume: PersistentVolume) -> PersistentVolumeClaim:
    """The claim as it can bind to this volume: the volume's classes (an empty storage class keeps the default one away), and no
    more asked for than it has, should somebody have asked for more while it was being resized."""
    asked = parse_bytes(claim.spec.resources.requests.get("storage"))
    has = parse_bytes(volume.spec.capacity.get("storage"))
    resources = claim.spec.resources
    if has is not None and (asked is None or asked > has):
        resources = ResourceRequests(requests={"storage": volume.spec.capacity["storage"]})
    kept = essence(msgspec.structs.replace(claim, metadata=msgspec.structs.replace(claim.metadata, managed_fields=())))
    made_by = claim.metadata.annotations.get(CREATOR_ANNOTATION, "")
    creator = {CREATOR_ANNOTATION: made_by} if made_by in SET_CONTROLLERS else {}
    return msgspec.structs.replace(
        kept,
        metadata=msgspec.structs.replace(kept.metadata, uid="", annotations=kept.metadata.annotations | creator),
        spec=PersistentVolumeClaimSpec(
            volume_name=volume.name,
            storage_class_name=volume.spec.storage_class_name,
            volume_attributes_class_name=volume.spec.volume_attributes_class_name,
            access_modes=claim.spec.access_modes or volume.spec.access_modes,
            volume_mode=claim.spec.volume_mode or volume.spec.volume_mode,
            resources=resources,
        ),
    )
