"""Of which claims one VolumeGroupSnapshot can be, which one of before counts, and when one may go.

The rules are those of external-snapshotter 8.7: claims are chosen by ``matchLabels`` alone, members are owned by their group and made
after the cut, and none of them is deleted alone.
"""

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.changes import (
    ASKED_ANNOTATION,
    GENERATION_ANNOTATION,
    RUN_ANNOTATION,
    SET_UID_LABEL,
    SNAPSHOT_LABELS,
    DeleteGroupSnapshot,
    DeleteSnapshot,
    MarkSnapshot,
)
from kubectl_pets.domain.model import LabelSelector, ObjectMeta, OwnerReference, PersistentVolumeClaim, StatefulSet
from kubectl_pets.domain.orphans.snapshots import (
    ContentSource,
    NoSnapshot,
    Offer,
    SnapshotError,
    VolumeSnapshot,
    VolumeSnapshotContent,
    VolumeSnapshotContentSpec,
    asked_at,
    choose,
)
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.snapshots.groups import (
    GroupSnapshots,
    GroupSource,
    GroupSpec,
    GroupStatus,
    VolumeGroupSnapshot,
    against,
    asking_group,
    counting,
    gone_together,
    marking,
    members,
    takes_none,
)
from kubectl_pets.domain.snapshots.marks import mark_of, surplus
from kubectl_pets.domain.snapshots.wanted import AtStake, Ground, targets
from tests.domain.builders import NOW, UID, pod
from tests.domain.orphans import builders as orphaned
from tests.domain.test_rollout_snapshots import taken, world

LABELS = {"app": "web"}


def claims_of(*names: str, labels: dict[str, str] | None = None) -> tuple[PersistentVolumeClaim, ...]:
    return tuple(orphaned.claim(name, namespace="prod", labels=LABELS if labels is None else labels) for name in names)


def scene(*claims: PersistentVolumeClaim) -> tuple[StatefulSet, Assessment, Ground, tuple[AtStake, ...]]:
    owner, seen = world(pod(0), pod(1), replicas=2)
    owner = replace(owner, spec=replace(owner.spec, selector=LabelSelector(match_labels=LABELS)))
    volumes: Any = {each.spec.volume_name: orphaned.volume(each) for each in claims if each.spec.volume_name}
    offer = Offer(group="v1", classes=(orphaned.snapshot_class("g"),))
    ground = Ground(claims=claims, volumes=volumes, offer=offer)
    found, unfit = targets(owner, seen, ground, "g", {"web-0", "web-1"}, empty=True)
    assert not unfit
    return owner, seen, ground, found


TWO = claims_of("data-web-0", "data-web-1")


def test_what_else_has_the_labels_is_looked_for_first() -> None:
    owner, seen, ground, found = scene(*TWO, *claims_of("data-web-7"))
    assert against(owner, seen, ground, "g", found) == ()  # of a pod that the set had once: it is in the group as well
    (other,) = claims_of("backup")
    [unfit] = against(owner, seen, replace(ground, claims=(*TWO, other)), "g", found)
    assert (unfit.claim, unfit.reason) == ("backup", NoSnapshot.SELECTED_TOO)
    (longer,) = claims_of("data-web-x-0")  # of set web-x
    assert against(owner, seen, replace(ground, claims=(*TWO, longer)), "g", found)[0].reason is NoSnapshot.SELECTED_TOO
    (unbound,) = claims_of("data-web-7")
    unbound = replace(unbound, status=replace(unbound.status, phase="Pending"))
    [unfit] = against(owner, seen, replace(ground, claims=(*TWO, unbound)), "g", found)
    assert (unfit.claim, unfit.reason) == ("data-web-7", NoSnapshot.CLAIM_UNBOUND)  # the controller waits for it for ever


def test_a_claim_without_the_labels_would_not_be_in_it() -> None:
    owner, seen, ground, found = scene(*TWO)
    bare = (*claims_of("data-web-0", labels={"app": "other"}), TWO[1])
    [unfit] = against(owner, seen, replace(ground, claims=bare), "g", found)
    assert (unfit.claim, unfit.reason, unfit.detail) == ("data-web-0", NoSnapshot.NOT_SELECTED, "app=web")


def test_no_labels_would_be_every_claim_of_the_namespace() -> None:
    owner, seen, ground, found = scene(*TWO)
    for selector in (LabelSelector(), LabelSelector(match_labels={})):
        bare = replace(owner, spec=replace(owner.spec, selector=selector))
        assert against(bare, seen, ground, "g", found)[0].reason is NoSnapshot.NO_LABELS


def test_several_drivers_are_no_group() -> None:
    owner, seen, ground, found = scene(*TWO)
    mixed = (replace(found[0], snapshot_class="another"), found[1])
    assert against(owner, seen, ground, "", mixed)[0].reason is NoSnapshot.SEVERAL_DRIVERS


def test_a_default_class_of_single_ones_is_no_default_of_groups() -> None:
    (claim,) = claims_of("data-web-0")
    volume, single = orphaned.volume(claim), orphaned.snapshot_class("a", default=True)
    assert choose(Offer(classes=(single,)), "", volume) != choose(Offer(group="v1", classes=(single,)), "", volume)
    notes = {"groupsnapshot.storage.kubernetes.io/is-default-class": "true"}
    grouped = replace(single, metadata=replace(single.metadata, annotations=notes))
    assert getattr(choose(Offer(group="v1", classes=(grouped,)), "", volume), "snapshot_class", "") == "a"


def group(
    name: str = "g1", *, asked: datetime = NOW - timedelta(minutes=5), generation: int = 7, uid: str = UID, run: str = "one",
    labels: dict[str, str] | None = None, snapshot_class: str = "g", status: GroupStatus = GroupStatus(), **meta: Any,
) -> VolumeGroupSnapshot:
    return VolumeGroupSnapshot(
        metadata=ObjectMeta(**{
            "name": name, "namespace": "prod", "uid": f"uid-{name}", "resource_version": "1", "creation_timestamp": asked,
            "labels": {**SNAPSHOT_LABELS, SET_UID_LABEL: uid}, "annotations": {GENERATION_ANNOTATION: str(generation), RUN_ANNOTATION: run}, **meta,
        }),
        spec=GroupSpec(source=GroupSource(selector=LabelSelector(match_labels=LABELS if labels is None else labels)), volume_group_snapshot_class_name=snapshot_class),
        status=status,
    )


def count(*groups: VolumeGroupSnapshot, begun: bool = False, **changes: Any) -> VolumeGroupSnapshot | None:
    _, seen, _, found = scene(*TWO)
    return counting(groups, seen, LABELS, tuple(replace(each, **changes) for each in found), NOW, begun=begun)


def test_the_newest_of_this_rollout_counts() -> None:
    older, newer = group("a", asked=NOW - timedelta(minutes=9)), group("b")
    assert count(older, newer, pod_since=NOW - timedelta(hours=1)) == newer


@pytest.mark.parametrize(
    "change",
    [
        {"uid": "another-set"}, {"labels": {"app": "other"}}, {"snapshot_class": "h"}, {"deletion_timestamp": NOW}, {"generation": 3},
        {"asked": NOW - timedelta(days=2)}, {"asked": NOW - timedelta(hours=2)}, {"annotations": {}},
    ],
)
def test_any_other_does_not(change: dict[str, Any]) -> None:
    """Of another set, labels or class, leaving, of before an edit, too old, older than a pod, or of nobody."""
    assert count(group(**change), pod_since=NOW - timedelta(hours=1)) is None


def member(of: VolumeGroupSnapshot, target: AtStake, name: str, **more: Any) -> VolumeSnapshot:
    owner = OwnerReference(api_version="groupsnapshot.storage.k8s.io/v1", kind="VolumeGroupSnapshot", name=of.name, uid=of.metadata.uid)
    run = of.metadata.annotations.get(RUN_ANNOTATION, "")
    made = taken(target, name=name, run=run, snapshot_class="", owner_references=(owner,), **more)
    asked = {ASKED_ANNOTATION: (of.metadata.creation_timestamp or NOW).isoformat()}
    return replace(made, metadata=replace(made.metadata, annotations={**made.metadata.annotations, **asked}))


def test_a_member_is_as_old_as_the_request_for_its_group() -> None:
    """It was made after the cut: by its own time, what was written in between would be taken for saved."""
    _, _, _, found = scene(*TWO)
    one = member(group(asked=NOW - timedelta(minutes=30)), found[0], "m", asked=NOW)
    assert asked_at(one) == NOW - timedelta(minutes=30) == getattr(mark_of(one), "asked_at", None)
    for text in ("yesterday", "2026-01-01T00:00:00"):
        notes = {**one.metadata.annotations, ASKED_ANNOTATION: text}
        assert mark_of(replace(one, metadata=replace(one.metadata, annotations=notes))) is None
    later = {**one.metadata.annotations, ASKED_ANNOTATION: (NOW + timedelta(hours=1)).isoformat()}
    assert asked_at(replace(one, metadata=replace(one.metadata, annotations=later))) == NOW


def test_nothing_is_written_onto_a_member_of_another_volume() -> None:
    _, seen, _, found = scene(*TWO)
    source = found[0].volume.spec.csi
    assert source is not None
    of = group()
    bare = replace(member(of, found[0], "m"), metadata=replace(member(of, found[0], "m").metadata, annotations={}, labels={}))
    spec = VolumeSnapshotContentSpec(driver=source.driver, source=ContentSource(volume_handle=source.volume_handle))
    content = VolumeSnapshotContent(metadata=ObjectMeta(name="c"), spec=spec)
    change = marking(of, bare, content, found[0], seen)
    assert isinstance(change, MarkSnapshot) and (change.claim_uid, change.of.run, change.of.generation) == (found[0].uid, "one", 7)
    other = replace(content, spec=replace(spec, source=ContentSource(volume_handle="another")))
    assert getattr(marking(of, bare, other, found[0], seen), "reason", None) is NoSnapshot.OTHER_VOLUME
    assert members(of, [bare]) == {found[0].claim: bare} and members(group("g2"), [bare]) == {}


def test_a_driver_that_takes_none_is_known_by_its_answer() -> None:
    said = GroupStatus(error=SnapshotError(message="failed to take group snapshot: rpc error: code = Unimplemented desc = no"))
    assert takes_none(group(status=said))
    assert not takes_none(group(status=GroupStatus(error=SnapshotError(message="rpc error: code = Unavailable"))))


def test_the_name_is_free() -> None:
    owner, seen, _, found = scene(*TWO)
    first = asking_group(owner, seen, GroupSnapshots(version="v1"), found, "run")
    again = asking_group(owner, seen, GroupSnapshots(version="v1", items=(group(first.name),)), found, "run")
    assert again.name == f"{first.name}-2" and first.labels == LABELS and first.claims == ("data-web-1", "data-web-0")


class Kept:
    """Two groups of two claims each, and of a claim of a pod that the set had once."""

    def __init__(self, *, left: bool) -> None:
        _, _, _, found = scene(*TWO)
        self.old, self.new = group("old", asked=NOW - timedelta(hours=2), run="a"), group("new", asked=NOW - timedelta(hours=1), run="b")
        rows = [member(of, each, f"{of.name}-{each.ordinal}", asked=at) for of, at in self.times() for each in found]
        once = replace(found[0], claim="data-web-7")
        for of, at in self.times() if left else ():
            bare = member(of, once, f"{of.name}-7", asked=at)
            rows.append(replace(bare, metadata=replace(bare.metadata, annotations={}, labels={})))
        self.listed = rows

    def times(self) -> tuple[tuple[VolumeGroupSnapshot, datetime], ...]:
        return (self.old, NOW - timedelta(hours=2)), (self.new, NOW - timedelta(hours=1))

    def gone(self, *besides: VolumeGroupSnapshot) -> tuple[DeleteSnapshot | DeleteGroupSnapshot, ...]:
        groups = GroupSnapshots(version="v1", items=besides or (self.old, self.new))
        return gone_together(surplus(self.listed, UID, 1), self.listed, groups, UID)


@pytest.mark.parametrize("left", [False, True])
def test_a_group_goes_as_a_whole(left: bool) -> None:
    [going] = Kept(left=left).gone()
    assert isinstance(going, DeleteGroupSnapshot) and (going.name, going.uid, going.version) == ("old", "uid-old", "v1")
    assert going.members == ("old-0", "old-1", *(("old-7",) if left else ()))


def test_a_group_stays_with_the_only_snapshot_of_something() -> None:
    kept = Kept(left=True)
    kept.listed = [each for each in kept.listed if each.name != "new-7"]
    assert kept.gone() == ()
    kept = Kept(left=False)
    kept.listed = [replace(each, status=replace(each.status, ready_to_use=each.name != "new-1")) for each in kept.listed]
    assert kept.gone() == ()  # old-1 is the newest of its claim that is ready


def test_a_group_of_another_set_or_one_that_was_not_read_stays() -> None:
    kept = Kept(left=False)
    assert kept.gone(group("old", uid="another"), kept.new) == ()
    assert gone_together(surplus(kept.listed, UID, 1), kept.listed, None, UID) == ()
