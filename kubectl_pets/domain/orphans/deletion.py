"""How are claims deleted so that the data survives, unless somebody said that it shall not?

A plan is a value: per claim its steps in order, or a refusal. Whoever carries it out reads each claim and what might want it
again right before its turn and asks ``recheck``; then the snapshot is taken, if one was asked for, and all is asked again; then
the volume is set to Retain, and last the claim is deleted, with uid and resourceVersion as preconditions. The volume's own
reclaim policy decides what becomes of the data, not its class's.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.model import PersistentVolumeClaim
from kubectl_pets.domain.orphans import origins
from kubectl_pets.domain.orphans.findings import ClaimVerdict, Class, EvidenceKind, Fate
from kubectl_pets.domain.orphans.inventory import ClaimInventory, PersistentVolume
from kubectl_pets.domain.orphans.judging import judge
from kubectl_pets.domain.orphans.snapshots import Denied, NoSnapshot, Offer, Taken, choose, covers

#: On a volume that was set to Retain: the policy it had, the claim it belonged to, and when.
POLICY_ANNOTATION = "kubectl-pets/reclaim-policy"
CLAIM_ANNOTATION = "kubectl-pets/claim"
RETAINED_ANNOTATION = "kubectl-pets/retained-at"

#: Older notes than this are of a run that did not get further, and ``purge`` must not count the age of its leftover from then.
_OF_THIS_RUN = timedelta(minutes=10)


class DeletionOptions(msgspec.Struct, frozen=True, kw_only=True):
    #: Let the reclaim policy of each volume decide. The only way to lose data.
    destroy_data: bool = False
    #: Of each family of claims (same name up to the ordinal), this many with the highest ordinals stay.
    keep: int = 0
    #: At most so many claims in this run; None: all.
    limit: int | None = None
    #: Take a VolumeSnapshot first.
    snapshot: bool = False
    #: Empty: the default VolumeSnapshotClass of each volume's driver.
    snapshot_class: str = ""
    #: What the cluster has for that; read only if ``snapshot``.
    offer: Offer = Offer()


# --- steps -------------------------------------------------------------------------------------------------------------------


class TakeSnapshot(msgspec.Struct, frozen=True, kw_only=True, tag="snapshot"):
    """A VolumeSnapshot of the claim, if there is none of that name; the next step waits until it is ready to use."""

    namespace: str
    claim: str
    uid: str  #: the claim's
    name: str
    snapshot_class: str


class SetRetain(msgspec.Struct, frozen=True, kw_only=True, tag="set-retain"):
    """Reclaim policy Retain, with annotations that remember what was. Conditional on uid and resourceVersion."""

    volume: str
    uid: str
    resource_version: str
    before: str
    annotations: dict[str, str]


class DeleteClaim(msgspec.Struct, frozen=True, kw_only=True, tag="delete-claim"):
    """With uid and resourceVersion as preconditions (metav1.Preconditions)."""

    namespace: str
    name: str
    uid: str
    resource_version: str


Step = TakeSnapshot | SetRetain | DeleteClaim


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
    #: Among the --keep newest ordinals.
    KEPT_BACK = "kept-back"
    OVER_LIMIT = "over-limit"


class DeletionRefused(msgspec.Struct, frozen=True, kw_only=True, tag="refused"):
    verdict: ClaimVerdict
    reason: DeletionRefusedReason | NoSnapshot
    #: With NoSnapshot: what it is about. Text from the cluster.
    detail: str = ""


class Deletion(msgspec.Struct, frozen=True, kw_only=True, tag="deletion"):
    """One claim's steps, in order. ``fate`` is the data's after them: not the verdict's, where a volume is set to Retain."""

    verdict: ClaimVerdict
    steps: tuple[Step, ...]
    fate: Fate


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
    if verdict.fate is Fate.UNKNOWN:
        return DeletionRefused(verdict=verdict, reason=DeletionRefusedReason.FATE_UNKNOWN)
    claim, volume = verdict.claim, verdict.volume
    steps: list[Step] = []
    if options.snapshot:
        snapshot = _snapshot(verdict, options)
        if isinstance(snapshot, DeletionRefused):
            return snapshot
        steps.append(snapshot)
    fate = verdict.fate
    if volume is not None and fate is Fate.DESTROYED and not options.destroy_data:
        steps.append(_retain(claim, volume, now))
        fate = Fate.RETAINED
    elif volume is not None and _retained_long_ago(claim, volume, now):
        steps.append(_retain(claim, volume, now))
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


def noted(volume: PersistentVolume) -> PersistentVolumeClaim | None:
    """The claim in the volume's annotation, if its name is the one that the volume is kept for."""
    text, held = volume.metadata.annotations.get(CLAIM_ANNOTATION, ""), volume.spec.claim_ref
    if not text or held is None:
        return None
    try:
        claim = msgspec.json.decode(text, type=PersistentVolumeClaim)
    except (msgspec.DecodeError, RecursionError):
        return None
    return claim if (held.namespace, held.name) == (claim.namespace, claim.name) else None


def policy_before(claim: PersistentVolumeClaim, volume: PersistentVolume) -> str:
    """The volume's reclaim policy; where a run of ours that did not get as far as deleting this very claim has set it to Retain,
    the one from before."""
    policy, annotations = volume.spec.persistent_volume_reclaim_policy, volume.metadata.annotations
    of = noted(volume)
    ours = policy == "Retain" and of is not None and of.metadata.uid == claim.metadata.uid
    return annotations.get(POLICY_ANNOTATION, "") or policy if ours else policy


def retained_at(volume: PersistentVolume) -> datetime | None:
    """When this program set it to Retain, as the volume's annotation says; None: never, or it cannot be understood."""
    try:
        found = datetime.fromisoformat(volume.metadata.annotations.get(RETAINED_ANNOTATION, ""))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _retained_long_ago(claim: PersistentVolumeClaim, volume: PersistentVolume, now: datetime) -> bool:
    if policy_before(claim, volume) == volume.spec.persistent_volume_reclaim_policy:
        return False
    at = retained_at(volume)
    return at is None or at + _OF_THIS_RUN < now


def _retain(claim: PersistentVolumeClaim, volume: PersistentVolume, now: datetime) -> SetRetain:
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
        },
    )


def essence(claim: PersistentVolumeClaim) -> PersistentVolumeClaim:
    """What has to be kept of a claim to make it again: no status, no managed fields but a note of who made it, and of the
    annotations none that the volume controllers and kubectl write themselves."""
    meta, made = claim.metadata, origins.creator(claim)
    annotations = {
        key: value
        for key, value in meta.annotations.items()
        if "kubernetes.io/" not in key and key != origins.CREATOR_ANNOTATION
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
