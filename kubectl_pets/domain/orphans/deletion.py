"""How are claims deleted so that the data survives, unless somebody said that it shall not?

A plan is a value: per claim its steps in order, or a refusal. Whoever carries it out reads each claim and what might want it
again right before its turn and asks ``recheck``; then the snapshot is taken, if one was asked for, and all is asked again; then
the volume is set to Retain, which is read back (``retention``), and last the claim is deleted, with uid and resourceVersion as
preconditions. The volume's own reclaim policy decides what becomes of the data, not its class's.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.changes import AnnotateClaim, AnnotateVolume, DeleteClaim, SetRetain, TakeSnapshot
from kubectl_pets.domain.model import PersistentVolumeClaim
from kubectl_pets.domain.orphans import origins
from kubectl_pets.domain.orphans.findings import ClaimVerdict, Class, EvidenceKind, Fate
from kubectl_pets.domain.orphans.inventory import ClaimInventory, PersistentVolume
from kubectl_pets.domain.orphans.judging import KEEP_ANNOTATION, judge
from kubectl_pets.domain.orphans.retention import (
    CLAIM_ANNOTATION,
    POLICY_ANNOTATION,
    PUT_BACK_ANNOTATION,
    RETAINED_ANNOTATION,
    RUN_ANNOTATION,
    give_back,
    has_notes,
    is_withheld,
    policy_before,
)
from kubectl_pets.domain.orphans.snapshots import Denied, NoSnapshot, Offer, Taken, choose, covers
from kubectl_pets.domain.orphans.storage import StorageObjection, StorageUse, objection

#: Whose annotations a new claim gets anew, or must not have: those of the volume controllers
#: (pkg/controller/volume/persistentvolume) and of kubectl.
_WRITTEN_ANEW = frozenset(("pv.kubernetes.io", "volume.kubernetes.io", "volume.beta.kubernetes.io", "kubectl.kubernetes.io"))


class DeletionOptions(msgspec.Struct, frozen=True, kw_only=True):
    #: Let the reclaim policy of each volume decide. The only way to lose data.
    destroy_data: bool = False
    #: Of each family of claims (same name up to the ordinal), this many with the highest ordinals stay.
    keep: int = 0
    #: Also claims whose set was there less than an hour ago.
    fresh: bool = False
    #: Kinds of custom resources that need not be read; every look before a deletion leaves out the same.
    ignored_kinds: frozenset[str] = frozenset()
    #: At most so many claims in this run; None: all.
    limit: int | None = None
    #: Take a VolumeSnapshot first.
    snapshot: bool = False
    #: Empty: the default VolumeSnapshotClass of each volume's driver.
    snapshot_class: str = ""
    #: What the cluster has for that; read only if ``snapshot``.
    offer: Offer = Offer()
    #: Who else may be at the volumes; read only if ``destroy_data``.
    use: StorageUse = StorageUse()
    #: What this run is called, unlike any other: it is written onto the volumes that it sets to Retain.
    run: str = ""


Step = TakeSnapshot | SetRetain | AnnotateVolume | DeleteClaim


@unique
class DeletionRefusedReason(StrEnum):
    NOT_A_CANDIDATE = "not-a-candidate"
    #: A candidate when the plan was made; a pod mounts it now.
    IN_USE = "in-use"
    #: It is what it was called no longer.
    CHANGED = "changed"
    #: Deleted by somebody else, or deleted and made anew under its name.
    GONE = "gone"
    REPLACED = "replaced"
    #: Its volume, or the volume's policy, is not what was agreed to.
    FATE_CHANGED = "fate-changed"
    #: The volume has a reclaim policy that nobody here knows: not even what is agreed to could be said.
    FATE_UNKNOWN = "fate-unknown"
    #: Its volume is being deleted: it goes with its claim, whatever its policy (StorageObjectInUseProtection).
    VOLUME_TERMINATING = "volume-terminating"
    #: The volume was set to Retain, and then had another policy again: somebody, or an admission policy, sets it back.
    RETAIN_UNDONE = "retain-undone"
    #: Named, but the rest of the selection (--class, --older-than, -l) leaves it out.
    NOT_SELECTED = "not-selected"
    #: Among the --keep newest ordinals.
    KEPT_BACK = "kept-back"
    #: Its set went or was made, or it was in use or brought back, less than an hour ago.
    FRESH = "fresh"
    OVER_LIMIT = "over-limit"


class DeletionRefused(msgspec.Struct, frozen=True, kw_only=True, tag="refused"):
    verdict: ClaimVerdict
    reason: DeletionRefusedReason | NoSnapshot | StorageObjection
    #: With the last two: what it is about. Text from the cluster.
    detail: str = ""
    #: The claim's volume, where this run has set it to Retain and may not take that back (``retention``); its record stays.
    left_retained: str = ""


class Deletion(msgspec.Struct, frozen=True, kw_only=True, tag="deletion"):
    """One claim's steps, in order. ``fate`` is the data's after them: not the verdict's, where a volume is set to Retain."""

    verdict: ClaimVerdict
    steps: tuple[Step, ...]
    fate: Fate


@unique
class UnfinishedReason(StrEnum):
    """Why a claim that the server was told to delete does not count as deleted, or its data not as what was said."""

    #: The claim is on its way out, and its own protection takes time (``kubernetes.io/pvc-protection``: a pod uses it).
    CLAIM_PROTECTED = "claim-protected"
    #: Somebody else's finalizer holds the claim.
    CLAIM_HELD = "claim-held"
    #: The volume is there still: its provisioner is at it.
    BEING_DESTROYED = "being-destroyed"
    #: The driver could not destroy it, and will be asked again: its phase is Failed, or an event says so.
    DESTRUCTION_FAILED = "destruction-failed"
    #: The data was to be kept, and the volume is gone, going, or has another policy than Retain.
    NOT_KEPT = "not-kept"


class Unfinished(msgspec.Struct, frozen=True, kw_only=True, tag="unfinished"):
    """``detail``: finalizers, or what the provisioner said. Text from the cluster."""

    deletion: Deletion
    reason: UnfinishedReason
    detail: str = ""

    @property
    def verdict(self) -> ClaimVerdict:
        return self.deletion.verdict

    @property
    def final(self) -> bool:
        """Whether waiting any longer is of no use."""
        return self.reason in (UnfinishedReason.NOT_KEPT, UnfinishedReason.DESTRUCTION_FAILED)


def aftermath(
    deletion: Deletion, claim: PersistentVolumeClaim | None, volume: PersistentVolume | None
) -> Unfinished | None:
    """What is still open of a deletion that the server took, by the claim and then the volume of these names, newly read. None:
    the claim is gone, and its data is what ``deletion.fate`` says."""
    was, had = deletion.verdict.claim, deletion.verdict.volume
    same = volume is not None and had is not None and volume.metadata.uid == had.metadata.uid
    if had is not None and deletion.fate is Fate.RETAINED and not (same and _stays(volume, was)):
        return Unfinished(deletion=deletion, reason=UnfinishedReason.NOT_KEPT)
    if claim is not None and claim.metadata.uid == was.metadata.uid:
        others = claim.metadata.finalizers_of_others
        if others:
            return Unfinished(deletion=deletion, reason=UnfinishedReason.CLAIM_HELD, detail=", ".join(others))
        return Unfinished(deletion=deletion, reason=UnfinishedReason.CLAIM_PROTECTED)
    if deletion.fate is Fate.DESTROYED and same and volume is not None:
        failed = volume.status.phase == "Failed"
        reason = UnfinishedReason.DESTRUCTION_FAILED if failed else UnfinishedReason.BEING_DESTROYED
        return Unfinished(deletion=deletion, reason=reason, detail=volume.status.message if failed else "")
    return None


def refused_by_driver(found: Unfinished, message: str) -> Unfinished:
    """The same where the driver has said why the volume is there still."""
    if not message or found.reason is not UnfinishedReason.BEING_DESTROYED:
        return found
    return msgspec.structs.replace(found, reason=UnfinishedReason.DESTRUCTION_FAILED, detail=message)


def _stays(volume: PersistentVolume | None, was: PersistentVolumeClaim) -> bool:
    """Nothing destroys it: it has the policy Retain, or no provisioner that would; or somebody has brought its claim back."""
    if volume is None or volume.metadata.deletion_timestamp is not None:
        return False
    held = volume.spec.claim_ref
    back = volume.status.phase == "Bound" and held is not None and held.uid not in ("", was.metadata.uid)
    return back or volume.spec.persistent_volume_reclaim_policy == "Retain" or is_withheld(volume)


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    claims: int
    #: Of the claims whose size is known.
    bytes: int
    #: Volumes destroyed with their data, and what they hold.
    destroyed: int
    destroyed_bytes: int
    #: Claims whose size nothing tells.
    unsized: int


class DeletionPlan(msgspec.Struct, frozen=True, kw_only=True):
    deletions: tuple[Deletion, ...]
    refused: tuple[DeletionRefused, ...]

    @property
    def totals(self) -> Totals:
        return _totals((item.verdict, item.fate) for item in self.deletions)


def totals(verdicts: Iterable[ClaimVerdict]) -> Totals:
    """What would go if these claims were deleted just so, as kubectl does."""
    return _totals((verdict, verdict.fate) for verdict in verdicts)


def plan(verdicts: Iterable[ClaimVerdict], options: DeletionOptions, now: datetime) -> DeletionPlan:
    """What to do about these claims, in their order."""
    verdicts = tuple(verdicts)
    held = _newest(verdicts, options.keep)
    deletions: list[Deletion] = []
    refused: list[DeletionRefused] = []
    for verdict in verdicts:
        reason = DeletionRefusedReason.KEPT_BACK if id(verdict) in held else None
        made = deletion(verdict, options, now)
        if isinstance(made, Deletion) and reason is None:
            if options.limit is None or len(deletions) < options.limit:
                deletions.append(made)
                continue
            reason = DeletionRefusedReason.OVER_LIMIT
        if not isinstance(made, DeletionRefused):
            made = DeletionRefused(verdict=verdict, reason=reason or DeletionRefusedReason.CHANGED)
        refused.append(made)
    return DeletionPlan(deletions=tuple(deletions), refused=tuple(refused))


def deletion(verdict: ClaimVerdict, options: DeletionOptions, now: datetime) -> Deletion | DeletionRefused:
    """One claim's steps, or why there are none."""
    if not verdict.candidate:
        return DeletionRefused(verdict=verdict, reason=DeletionRefusedReason.NOT_A_CANDIDATE)
    if verdict.fresh and not options.fresh:
        return DeletionRefused(verdict=verdict, reason=DeletionRefusedReason.FRESH)
    if verdict.fate is Fate.UNKNOWN:
        return DeletionRefused(verdict=verdict, reason=DeletionRefusedReason.FATE_UNKNOWN)
    claim, volume = verdict.claim, verdict.volume
    against = _of_volume(volume, verdict.fate, options)
    if against is not None:
        return DeletionRefused(verdict=verdict, reason=against[0], detail=against[1])
    steps: list[Step] = []
    if options.snapshot:
        snapshot = _snapshot(verdict, options)
        if isinstance(snapshot, DeletionRefused):
            return snapshot
        steps.append(snapshot)
    fate = verdict.fate
    if volume is not None and fate is Fate.DESTROYED and not options.destroy_data:
        steps.append(retaining(claim, volume, now, options.run))
        fate = Fate.RETAINED
    elif volume is not None and fate is Fate.DESTROYED and is_withheld(volume):
        steps.append(give_back(volume))
    elif volume is not None and fate is Fate.RETAINED and _held_by_another(volume, options.run):
        steps.append(retaining(claim, volume, now, options.run))
    steps.append(
        DeleteClaim(
            namespace=claim.namespace,
            name=claim.name,
            uid=claim.metadata.uid,
            resource_version=claim.metadata.resource_version,
        )
    )
    return Deletion(verdict=verdict, steps=tuple(steps), fate=fate)


def recheck(
    old: ClaimVerdict, after: ClaimInventory, options: DeletionOptions, now: datetime, taken: Taken | None = None
) -> Deletion | DeletionRefused:
    """The same deletion decided afresh, right before its turn; ``after`` is newly read and holds this claim and whatever might
    want it. What changed in ways that matter to nobody (a status) only brings new preconditions. A snapshot takes its time: once
    it is ``taken``, ask again, without asking for one."""
    fresh = next(
        (item for item in judge(after, now) if (item.namespace, item.name) == (old.namespace, old.name)),
        None,
    )
    if fresh is None:
        return DeletionRefused(verdict=old, reason=DeletionRefusedReason.GONE)
    reason = _changed(old, fresh)
    if reason is not None:
        return DeletionRefused(verdict=fresh, reason=reason)
    decided = deletion(fresh, options, now)
    if taken is None or isinstance(decided, DeletionRefused):
        return decided
    if not covers(taken, fresh.unused_since, destroyed=decided.fate is Fate.DESTROYED):
        return DeletionRefused(verdict=fresh, reason=NoSnapshot.STALE, detail=taken.name)
    return decided


def _changed(old: ClaimVerdict, fresh: ClaimVerdict) -> DeletionRefusedReason | None:
    if old.claim.metadata.uid != fresh.claim.metadata.uid:
        return DeletionRefusedReason.REPLACED
    if fresh.klass is Class.IN_USE:
        return DeletionRefusedReason.IN_USE
    if fresh.klass is not old.klass:
        return DeletionRefusedReason.CHANGED
    was, now = old.volume, fresh.volume
    if (was.metadata.uid if was else "") != (now.metadata.uid if now else ""):
        return DeletionRefusedReason.FATE_CHANGED
    # From Delete to Retain is what this program does itself, when it was interrupted between two steps.
    return DeletionRefusedReason.FATE_CHANGED if fresh.fate is Fate.DESTROYED and old.fate is not Fate.DESTROYED else None


def _of_volume(
    volume: PersistentVolume | None, fate: Fate, options: DeletionOptions
) -> tuple[DeletionRefusedReason | StorageObjection, str] | None:
    """What of the volume speaks against it, and who."""
    if volume is None:
        return None
    kept = volume.spec.persistent_volume_reclaim_policy not in ("Delete", "Recycle")
    if volume.metadata.deletion_timestamp is not None and (kept or not options.destroy_data):
        return DeletionRefusedReason.VOLUME_TERMINATING, ""
    if fate is not Fate.DESTROYED:
        return None
    if options.destroy_data:
        found = objection(volume, options.use)
        return (found.reason, found.subject) if found is not None else None
    ours = options.run != "" and volume.metadata.annotations.get(RUN_ANNOTATION) == options.run
    return (DeletionRefusedReason.RETAIN_UNDONE, "") if ours else None


def _held_by_another(volume: PersistentVolume, run: str) -> bool:
    """Some run of this program has set it to Retain, and may be about to put that back."""
    return has_notes(volume) and (not run or volume.metadata.annotations.get(RUN_ANNOTATION) != run)


def retaining(claim: PersistentVolumeClaim, volume: PersistentVolume, now: datetime, run: str) -> SetRetain:
    """Reclaim policy Retain, with what a restore needs to know of the claim, and the run that holds the volume now."""
    before = policy_before(claim, volume)
    return SetRetain(
        volume=volume.name,
        uid=volume.metadata.uid,
        resource_version=volume.metadata.resource_version,
        before=before,
        annotations={
            POLICY_ANNOTATION: before,
            CLAIM_ANNOTATION: msgspec.json.encode(essence(claim)).decode(),
            RETAINED_ANNOTATION: now.isoformat(timespec="seconds"),
            **({RUN_ANNOTATION: run} if run else {}),
        },
    )


def mark_kept(claim: PersistentVolumeClaim, note: str | None) -> AnnotateClaim:
    """The annotation that says that the claim stays, with who says so and why; None: remove it."""
    meta = claim.metadata
    return AnnotateClaim(
        namespace=claim.namespace,
        name=claim.name,
        uid=meta.uid,
        resource_version=meta.resource_version,
        annotations={KEEP_ANNOTATION: note},
    )


def essence(claim: PersistentVolumeClaim) -> PersistentVolumeClaim:
    """What has to be kept of a claim to make it again: no status, no managed fields but a note of who made it, and of the
    annotations all but those that the volume controllers, kubectl and this program write themselves."""
    meta, made = claim.metadata, origins.creator(claim)
    own = (origins.CREATOR_ANNOTATION, PUT_BACK_ANNOTATION)
    annotations = {
        key: value for key, value in meta.annotations.items() if key.partition("/")[0] not in _WRITTEN_ANEW and key not in own
    }
    if made.kind is EvidenceKind.CREATED_BY_SET_CONTROLLER:
        annotations[origins.CREATOR_ANNOTATION] = made.subject
    return PersistentVolumeClaim(
        api_version="v1",
        kind="PersistentVolumeClaim",
        metadata=type(meta)(
            name=meta.name, namespace=meta.namespace, uid=meta.uid, labels=meta.labels, annotations=annotations
        ),
        spec=msgspec.structs.replace(claim.spec, data_source=None, data_source_ref=None),
    )


def _snapshot(verdict: ClaimVerdict, options: DeletionOptions) -> TakeSnapshot | DeletionRefused:
    claim, volume = verdict.claim, verdict.volume
    if volume is None:
        return DeletionRefused(verdict=verdict, reason=NoSnapshot.NO_VOLUME)
    chosen = choose(options.offer, options.snapshot_class, volume)
    if isinstance(chosen, Denied):
        return DeletionRefused(verdict=verdict, reason=chosen.reason, detail=chosen.detail)
    return TakeSnapshot(
        namespace=claim.namespace,
        claim=claim.name,
        uid=claim.metadata.uid,
        name=_snapshot_name(claim),
        snapshot_class=chosen.snapshot_class,
    )


def _snapshot_name(claim: PersistentVolumeClaim) -> str:
    """The same for every run, so that one that was interrupted finds its snapshot again; another for a claim made anew."""
    suffix = claim.metadata.uid[:8]
    return f"{claim.name[: 252 - len(suffix)].rstrip('-.')}-{suffix}"


def _newest(verdicts: tuple[ClaimVerdict, ...], keep: int) -> set[int]:
    families: dict[tuple[str, str], list[ClaimVerdict]] = {}
    for verdict in verdicts:
        if verdict.candidate:
            families.setdefault((verdict.namespace, verdict.stem), []).append(verdict)
    held: set[int] = set()
    for family in families.values():
        family.sort(key=lambda verdict: verdict.ordinal or 0, reverse=True)
        held.update(id(verdict) for verdict in family[: max(keep, 0)])
    return held


def _totals(items: Iterable[tuple[ClaimVerdict, Fate]]) -> Totals:
    found = tuple(items)
    lost = [verdict for verdict, fate in found if fate is Fate.DESTROYED]
    return Totals(
        claims=len(found),
        bytes=sum(verdict.size or 0 for verdict, _ in found),
        destroyed=len(lost),
        destroyed_bytes=sum(verdict.size or 0 for verdict in lost),
        unsized=sum(verdict.size is None for verdict, _ in found),
    )
