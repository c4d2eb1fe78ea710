"""One VolumeGroupSnapshot of all claims of a set: which claims would be in it, and which one that is there counts?

Members are chosen by labels, and by ``matchLabels`` alone (external-snapshotter 8.7, getClaimsFromVolumeGroupSnapshot: what else
a selector says is not looked at, and no label at all means every claim of the namespace). So the labels are those that the
controller of a StatefulSet puts onto each claim that it makes, the ``matchLabels`` of the set's selector, and what else has them
is looked for first: the group holds it as well, and never comes to be while one such claim is unbound or of another driver.

A member is a VolumeSnapshot of its own. It is made after the cut, with a name that is a hash and without a class, and cannot be
deleted alone; what it is of is written onto it by us, so that it is found as any other.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from kubectl_pets.domain.changes import (
    GENERATION_ANNOTATION,
    HELD_ANNOTATION,
    RUN_ANNOTATION,
    SET_UID_LABEL,
    SNAPSHOT_LABELS,
    DeleteGroupSnapshot,
    DeleteSnapshot,
    MarkSnapshot,
    SnapshotOf,
    TakeGroupSnapshot,
)
from kubectl_pets.domain.model import LabelSelector, Object, StatefulSet, Value, ordinal_of
from kubectl_pets.domain.orphans.snapshots import (
    NoSnapshot,
    SnapshotError,
    SnapshotRef,
    VolumeSnapshot,
    VolumeSnapshotContent,
    group_of,
)
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.snapshots.marks import mark_of, number_of
from kubectl_pets.domain.snapshots.wanted import LASTS, AtStake, Ground, Unfit, free_name, target_of

#: What a driver answers that takes none (gRPC), as it stands in the error that the sidecar writes down.
_UNIMPLEMENTED = "code = Unimplemented"


class GroupSource(Value, frozen=True):
    #: None: of a content that was there before it.
    selector: LabelSelector | None = None


class GroupSpec(Value, frozen=True):
    source: GroupSource = GroupSource()
    volume_group_snapshot_class_name: str = ""


class GroupStatus(Value, frozen=True):
    ready_to_use: bool = False
    #: When the storage made the cut, by its own clock.
    creation_time: datetime | None = None
    bound_volume_group_snapshot_content_name: str = ""
    error: SnapshotError | None = None


class VolumeGroupSnapshot(Object, frozen=True):
    """groupsnapshot.storage.k8s.io, in the fields that all its versions have."""

    spec: GroupSpec = GroupSpec()
    status: GroupStatus = GroupStatus()


class GroupContentSpec(Value, frozen=True):
    deletion_policy: str = ""
    driver: str = ""
    volume_group_snapshot_ref: SnapshotRef = SnapshotRef()


class VolumeGroupSnapshotContent(Object, frozen=True):
    spec: GroupContentSpec = GroupContentSpec()


class GroupSnapshots(msgspec.Struct, frozen=True, kw_only=True):
    """Those of a namespace, and the version of their API that is served; empty: there is none."""

    version: str = ""
    items: tuple[VolumeGroupSnapshot, ...] = ()


def labels_of(owner: StatefulSet) -> dict[str, str]:
    """What each claim has that the set's controller made (stateful_set_utils.go, getPersistentVolumeClaims)."""
    return owner.spec.selector.match_labels


def against(owner: StatefulSet, seen: Assessment, ground: Ground, named: str, found: Sequence[AtStake]) -> tuple[Unfit, ...]:
    """What speaks against one group of these claims. ``ground`` has all claims of the namespace."""
    labels = labels_of(owner)
    if not labels:
        return (Unfit(claim="", reason=NoSnapshot.NO_LABELS),)
    selected = {each.name: each for each in ground.claims if LabelSelector(match_labels=labels).matches(each.metadata.labels)}
    told = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    unfit = [Unfit(claim=each.claim, reason=NoSnapshot.NOT_SELECTED, detail=told) for each in found if each.claim not in selected]
    wanted = {each.claim for each in found}
    stems = [f"{each.name}-{owner.name}" for each in owner.spec.volume_claim_templates]
    for claim in selected.values():
        if claim.name in wanted:
            continue
        ordinal = next((number for stem in stems if (number := ordinal_of(claim.name, stem)) is not None), None)
        if ordinal is None:
            unfit.append(Unfit(claim=claim.name, reason=NoSnapshot.SELECTED_TOO, detail=told))
            continue
        left = target_of(seen, ground, named, claim.name, ordinal, claim)  # of a pod that the set had once
        unfit += [left] if isinstance(left, Unfit) else []
    if len({each.snapshot_class for each in found}) > 1:
        unfit.append(Unfit(claim="", reason=NoSnapshot.SEVERAL_DRIVERS))
    return tuple(unfit)


def counting(
    groups: Iterable[VolumeGroupSnapshot],
    seen: Assessment,
    labels: dict[str, str],
    wanted: Sequence[AtStake],
    now: datetime,
    *,
    begun: bool,
    held: bool = False,
) -> VolumeGroupSnapshot | None:
    """The newest one that an earlier run of this rollout asked for, by the rules of single ones (``wanted.usable``). ``held``:
    only one that was taken while every pod stood still."""
    best: tuple[datetime, VolumeGroupSnapshot] | None = None
    since = max((each.pod_since for each in wanted if each.pod_since is not None), default=None)
    for each in groups:
        meta, selector = each.metadata, each.spec.source.selector
        asked, generation = meta.creation_timestamp, number_of(meta.annotations, GENERATION_ANNOTATION)
        if not is_of(each, seen.uid) or meta.deletion_timestamp is not None or asked is None or generation is None:
            continue
        if now - asked > LASTS or (since is not None and asked < since) or (not begun and generation < seen.generation - 1):
            continue
        if selector is None or selector.match_labels != labels or not meta.annotations.get(RUN_ANNOTATION):
            continue
        if is_held(each) < held:
            continue
        if any(target.snapshot_class != each.spec.volume_group_snapshot_class_name for target in wanted):
            continue
        if best is None or asked > best[0]:
            best = (asked, each)
    return best[1] if best is not None else None


def is_held(group: VolumeGroupSnapshot) -> bool:
    return group.metadata.annotations.get(HELD_ANNOTATION) == "true"


def is_cut(group: VolumeGroupSnapshot) -> bool:
    """Whether the storage has made it; it may take long until it is ready after that."""
    return group.status.creation_time is not None or group.status.ready_to_use


def is_of(group: VolumeGroupSnapshot, set_uid: str) -> bool:
    """Whether a rollout of this very set asked for it."""
    labels = group.metadata.labels
    return labels.get(SET_UID_LABEL) == set_uid and all(labels.get(key) == value for key, value in SNAPSHOT_LABELS.items())


def asking_group(
    owner: StatefulSet, seen: Assessment, there: GroupSnapshots, wanted: Sequence[AtStake], run: str, *, held: bool = False
) -> TakeGroupSnapshot:
    """The one to ask for; its name is the same for whoever asks at this point of the rollout."""
    first = wanted[0]
    tail = f"-{seen.uid[:8]}-{first.revision.rpartition('-')[2][:10]}-{seen.generation}"
    return TakeGroupSnapshot(
        namespace=seen.namespace,
        name=free_name(seen.name, tail, {each.name for each in there.items}),
        version=there.version,
        snapshot_class=first.snapshot_class,
        labels=labels_of(owner),
        claims=tuple(each.claim for each in wanted),
        set_name=seen.name,
        set_uid=seen.uid,
        generation=seen.generation,
        run=run,
        held=held,
    )


def group_unfit(group: VolumeGroupSnapshot, content: VolumeGroupSnapshotContent | None) -> Unfit | None:
    """What speaks against one that says of itself that it is ready; None: nothing does. Both have to point at each other (the
    API's own advice)."""
    if content is None or content.spec.volume_group_snapshot_ref.uid != group.metadata.uid:
        return Unfit(claim="", reason=NoSnapshot.OTHER_VOLUME, detail=group.name)
    if content.spec.deletion_policy != "Retain":
        return Unfit(claim="", reason=NoSnapshot.NOT_KEPT, detail=content.name)
    return None


def takes_none(group: VolumeGroupSnapshot) -> bool:
    """Its driver has said that it takes no group snapshots: nothing in the API says so beforehand."""
    return group.status.error is not None and _UNIMPLEMENTED in group.status.error.message


def members(group: VolumeGroupSnapshot, listed: Iterable[VolumeSnapshot]) -> dict[str, VolumeSnapshot]:
    """By claim."""
    return {
        each.spec.source.persistent_volume_claim_name: each
        for each in listed
        if (of := group_of(each)) is not None and of.uid == group.metadata.uid
    }


def is_marked(group: VolumeGroupSnapshot, member: VolumeSnapshot, target: AtStake, seen: Assessment) -> bool:
    """Whether it stands on a member what it is of."""
    mark, run = mark_of(member), group.metadata.annotations.get(RUN_ANNOTATION, "")
    return mark is not None and (mark.set_uid, mark.claim_uid, mark.run) == (seen.uid, target.uid, run)


def marking(
    group: VolumeGroupSnapshot, member: VolumeSnapshot, content: VolumeSnapshotContent, target: AtStake, seen: Assessment
) -> MarkSnapshot | Unfit:
    """Write it there; never onto one of another volume."""
    source, asked, notes = target.volume.spec.csi, group.metadata.creation_timestamp, group.metadata.annotations
    if source is None or (content.spec.driver, content.spec.source.volume_handle) != (source.driver, source.volume_handle):
        return Unfit(claim=target.claim, reason=NoSnapshot.OTHER_VOLUME, detail=member.name)
    return MarkSnapshot(
        namespace=member.namespace,
        name=member.name,
        uid=member.metadata.uid,
        resource_version=member.metadata.resource_version,
        claim=target.claim,
        claim_uid=target.uid,
        asked_at=asked.isoformat() if asked is not None else "",
        of=SnapshotOf(
            set_name=seen.name,
            set_uid=seen.uid,
            revision=target.revision,
            ordinal=target.ordinal,
            generation=number_of(notes, GENERATION_ANNOTATION) or 0,
            run=notes.get(RUN_ANNOTATION, ""),
            held=is_held(group),
        ),
    )


def gone_together(
    surplus: Iterable[DeleteSnapshot], listed: Sequence[VolumeSnapshot], groups: GroupSnapshots | None, set_uid: str
) -> tuple[DeleteSnapshot | DeleteGroupSnapshot, ...]:
    """The same with their groups: a member goes with all others and with the group, or stays. A group goes where all that this
    set took of it are to go, and where of what else is in it (claims of pods that the set had once) a newer snapshot is ready."""
    going = {each.uid: each for each in surplus}
    by_uid = {each.metadata.uid: each for each in (groups.items if groups is not None else ()) if is_of(each, set_uid)}
    in_groups: dict[str, list[VolumeSnapshot]] = {}
    for each in listed:
        if (of := group_of(each)) is not None:
            in_groups.setdefault(of.uid, []).append(each)
    alone = {each.metadata.uid for rows in in_groups.values() for each in rows}
    found: list[DeleteSnapshot | DeleteGroupSnapshot] = [each for uid, each in going.items() if uid not in alone]
    for uid, rows in in_groups.items():
        group = by_uid.get(uid)
        if group is None or groups is None or not any(each.metadata.uid in going for each in rows):
            continue
        if all(each.metadata.uid in going or (mark_of(each) is None and _is_followed(each, listed)) for each in rows):
            meta = group.metadata
            found.append(
                DeleteGroupSnapshot(
                    namespace=group.namespace,
                    name=group.name,
                    uid=meta.uid,
                    resource_version=meta.resource_version,
                    version=groups.version,
                    members=tuple(sorted(each.name for each in rows)),
                )
            )
    return tuple(found)


def _is_followed(one: VolumeSnapshot, listed: Iterable[VolumeSnapshot]) -> bool:
    """Whether a newer one of the same claim is ready."""
    since, claim = one.metadata.creation_timestamp, one.spec.source.persistent_volume_claim_name
    return since is not None and any(
        each.spec.source.persistent_volume_claim_name == claim
        and each.status.ready_to_use
        and each.metadata.deletion_timestamp is None
        and (each.metadata.creation_timestamp or since) > since
        for each in listed
    )
