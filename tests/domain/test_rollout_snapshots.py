"""Of which claims a rollout takes VolumeSnapshots, which one of before counts, and which of ours may go.

The rules rest on what the API server keeps: uids of set and claim, the generation of the spec (it rises with every edit, and staging a
template is one), creationTimestamps by one clock.
"""

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.changes import (
    CLAIM_ANNOTATION,
    CLAIM_UID_ANNOTATION,
    GENERATION_ANNOTATION,
    HELD_ANNOTATION,
    ORDINAL_ANNOTATION,
    REVISION_ANNOTATION,
    RUN_ANNOTATION,
    SET_ANNOTATION,
    SET_UID_LABEL,
    SNAPSHOT_LABELS,
    SNAPSHOTS_ANNOTATION,
)
from kubectl_pets.domain.model import ControllerRevision, ObjectMeta, PersistentVolumeClaim, StatefulSet
from kubectl_pets.domain.orphans.inventory import PersistentVolume
from kubectl_pets.domain.orphans.snapshots import (
    NoSnapshot,
    Offer,
    VolumeSnapshot,
    VolumeSnapshotSource,
    VolumeSnapshotSpec,
    VolumeSnapshotStatus,
)
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.snapshots.marks import forgetting, mark_of, noting, surplus
from kubectl_pets.domain.snapshots.wanted import (
    AtStake,
    Ground,
    Unfit,
    asking,
    at_stake,
    changed_since,
    going_now,
    has_begun,
    targets,
    usable,
)
from kubectl_pets.domain.stepping.steps import Evict, Mark, Note, RestartPods, Run, SetPartition, Stage
from tests.domain.builders import NEW, NOW, OLD, UID, pod, snapshot, statefulset
from tests.domain.orphans import builders as orphaned


def claims_of(*names: str) -> tuple[PersistentVolumeClaim, ...]:
    return tuple(orphaned.claim(name, namespace="prod") for name in names)


def world(*pods: Any, generation: int = 7, **changes: Any) -> tuple[StatefulSet, Assessment]:
    owner = statefulset(claims=("data",), **changes)
    owner = replace(owner, metadata=replace(owner.metadata, generation=generation), status=replace(owner.status, observed_generation=generation))
    return owner, assess(snapshot(owner, *pods), NOW)


def ground(claims: tuple[PersistentVolumeClaim, ...], **changes: Any) -> Ground:
    volumes: dict[str, PersistentVolume | None] = {each.spec.volume_name: orphaned.volume(each) for each in claims if each.spec.volume_name}
    made: dict[str, Any] = {"claims": claims, "volumes": volumes, "offer": Offer(classes=(orphaned.snapshot_class("a", default=True),))}
    return Ground(**{**made, **changes})


def wanted(owner: StatefulSet, seen: Assessment, found: Ground, named: str = "", **kw: Any) -> tuple[tuple[AtStake, ...], tuple[Unfit, ...]]:
    pods = kw.pop("pods", {member.name for member in seen.members})
    return targets(owner, seen, found, named, pods, empty=kw.pop("empty", True))


def test_the_claims_of_all_slots_and_of_nothing_else() -> None:
    """Also of a slot whose pod is away; not of an ordinal that is out of range, nor of a set with a longer name."""
    owner, seen = world(pod(0), pod(2))
    claims = claims_of("data-web-0", "data-web-1", "data-web-2", "data-web-3", "data-web-cache-0", "logs-web-0")
    found, unfit = wanted(owner, seen, ground(claims))
    assert [each.claim for each in found] == ["data-web-2", "data-web-1", "data-web-0"] and unfit == ()
    assert [each.pod_since is None for each in found] == [False, True, False] and {each.revision for each in found} == {OLD}
    found, _ = wanted(owner, seen, ground(claims), pods={"web-2"}, empty=False)
    assert [each.claim for each in found] == ["data-web-2"]


def with_status(claim: PersistentVolumeClaim, phase: str) -> PersistentVolumeClaim:
    return replace(claim, status=replace(claim.status, phase=phase))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda it: replace(it, metadata=replace(it.metadata, deletion_timestamp=NOW)), NoSnapshot.CLAIM_TERMINATING),
        (lambda it: with_status(it, "Pending"), NoSnapshot.CLAIM_UNBOUND),
        (lambda it: with_status(it, "Lost"), NoSnapshot.CLAIM_UNBOUND),
        (lambda it: replace(it, spec=replace(it.spec, volume_name="")), NoSnapshot.CLAIM_UNBOUND),
    ],
)
def test_a_claim_that_none_can_be_taken_of(change: Any, reason: NoSnapshot) -> None:
    owner, seen = world(pod(0), replicas=1)
    (claim,) = claims_of("data-web-0")
    assert wanted(owner, seen, replace(ground((claim,)), claims=(change(claim),))) == ((), (Unfit(claim="data-web-0", reason=reason),))


def test_what_could_not_be_read_is_never_taken_for_nothing() -> None:
    owner, seen = world(pod(0), replicas=1)
    (claim,) = claims_of("data-web-0")
    whole = ground((claim,))
    assert wanted(owner, seen, ground(()))[1] == (Unfit(claim="data-web-0", reason=NoSnapshot.CLAIM_MISSING),)
    assert wanted(owner, seen, replace(whole, volumes=None))[1][0].reason is NoSnapshot.VOLUME_UNREADABLE
    assert wanted(owner, seen, replace(whole, volumes={claim.spec.volume_name: None}))[1][0].reason is NoSnapshot.NO_VOLUME
    assert wanted(owner, seen, replace(whole, offer=Offer()))[1][0].reason is NoSnapshot.CLASSES_UNREADABLE
    volume = orphaned.volume(claim)
    assert volume.spec.claim_ref is not None
    others = replace(volume, spec=replace(volume.spec, claim_ref=replace(volume.spec.claim_ref, uid="of-another")))
    assert wanted(owner, seen, replace(whole, volumes={volume.name: others}))[1][0].reason is NoSnapshot.NO_VOLUME


def taken(
    target: AtStake, *, asked: datetime = NOW - timedelta(minutes=10), generation: int = 7, revision: str = OLD, uid: str = UID,
    run: str = "one", ready: bool = True, name: str = "s", snapshot_class: str = "a", **meta: Any,
) -> VolumeSnapshot:
    notes = {
        CLAIM_UID_ANNOTATION: target.uid, SET_ANNOTATION: "web", CLAIM_ANNOTATION: target.claim, REVISION_ANNOTATION: revision,
        ORDINAL_ANNOTATION: str(target.ordinal), GENERATION_ANNOTATION: str(generation), RUN_ANNOTATION: run,
    }
    return VolumeSnapshot(
        metadata=ObjectMeta(**{
            "name": name, "namespace": "prod", "uid": f"uid-{name}", "resource_version": "1", "creation_timestamp": asked,
            "labels": {**SNAPSHOT_LABELS, SET_UID_LABEL: uid}, "annotations": notes, **meta,
        }),
        spec=VolumeSnapshotSpec(
            source=VolumeSnapshotSource(persistent_volume_claim_name=target.claim), volume_snapshot_class_name=snapshot_class
        ),
        status=VolumeSnapshotStatus(ready_to_use=ready),
    )


@pytest.fixture
def scene() -> tuple[AtStake, Assessment]:
    owner, seen = world(pod(0), replicas=1)
    found, _ = wanted(owner, seen, ground(claims_of("data-web-0")))
    return found[0], seen


@pytest.mark.parametrize(
    ("changes", "begun", "counts"),
    [
        ({}, False, True),
        ({"ready": False}, False, True),  # it is waited for
        ({"generation": 6}, False, True),  # staged by the run that asked for it
        ({"generation": 5}, False, False),  # something was rolled since
        ({"generation": 5}, True, True),
        ({"asked": NOW - timedelta(minutes=61)}, True, False),  # the pod is an hour old
        ({"asked": NOW - timedelta(hours=25)}, True, False),
        ({"revision": NEW}, False, False),
        ({"uid": "another-set"}, False, False),
        ({"deletion_timestamp": NOW}, False, False),
        ({"snapshot_class": "b"}, False, False),
        ({"labels": {SET_UID_LABEL: UID}}, False, False),  # not ours
        ({"annotations": {}}, False, False),
    ],
)
def test_which_one_of_before_counts(scene: tuple[AtStake, Assessment], changes: dict[str, Any], begun: bool, counts: bool) -> None:
    target, seen = scene
    assert (usable(target, seen, [taken(target, **changes)], NOW, begun=begun) is not None) is counts


def test_one_of_a_pod_that_ran_on_does_not_count_where_it_was_to_stand_still(scene: tuple[AtStake, Assessment]) -> None:
    target, seen = scene
    loose = taken(target)
    still = taken(target, annotations={**loose.metadata.annotations, HELD_ANNOTATION: "true"})
    assert usable(target, seen, [loose], NOW, begun=False, held=True) is None
    assert usable(target, seen, [loose, still], NOW, begun=False, held=True) == still
    assert usable(target, seen, [still], NOW, begun=False) == still


def test_none_counts_for_a_claim_made_anew(scene: tuple[AtStake, Assessment]) -> None:
    target, seen = scene
    assert usable(replace(target, uid="made-anew"), seen, [taken(target)], NOW, begun=False) is None


def test_one_older_than_a_day_counts_no_more_whatever_else_speaks_for_it(scene: tuple[AtStake, Assessment]) -> None:
    target, seen = scene
    old = replace(target, pod_since=NOW - timedelta(days=30))
    assert usable(old, seen, [taken(old, asked=NOW - timedelta(days=1))], NOW, begun=False) is not None
    assert usable(old, seen, [taken(old, asked=NOW - timedelta(days=1, seconds=1))], NOW, begun=False) is None


def test_the_name_is_the_same_for_whoever_asks(scene: tuple[AtStake, Assessment]) -> None:
    target, seen = scene
    first = asking(target, seen, [], "one")
    assert first.name == asking(target, seen, [], "two").name == f"data-web-0-{target.uid[:8]}-old-7"
    assert asking(target, seen, [taken(target, name=first.name)], "three").name == f"{first.name}-2"
    long = replace(target, claim="d" * 253)
    assert len(asking(long, seen, [taken(target, name=asking(long, seen, [], "one").name)], "one").name) <= 253


def test_a_claim_that_is_another_one_by_now(scene: tuple[AtStake, Assessment]) -> None:
    target, _ = scene
    (claim,) = claims_of("data-web-0")
    assert changed_since(target, (claim,)) is None
    assert changed_since(target, ()) == Unfit(claim="data-web-0", reason=NoSnapshot.CLAIM_REPLACED)
    anew = replace(claim, metadata=replace(claim.metadata, uid="another"))
    moved = replace(claim, spec=replace(claim.spec, volume_name="another"))
    going = replace(claim, metadata=replace(claim.metadata, deletion_timestamp=NOW))
    found = [changed_since(target, (each,)) for each in (anew, moved, going)]
    assert [each.reason for each in found if each is not None] == [
        NoSnapshot.CLAIM_REPLACED, NoSnapshot.CLAIM_REPLACED, NoSnapshot.CLAIM_TERMINATING,
    ]


def test_which_pods_are_at_stake() -> None:
    _, fresh = world(pod(0), pod(1), pod(2), current=OLD, update=OLD)
    _, half = world(pod(0), pod(1), pod(2, NEW), partition=2)
    run, every = Run(), {"web-0", "web-1", "web-2"}
    release = SetPartition(partition=1, before=2, releases=("web-1",))
    assert at_stake(Stage(images=(), partition=3), run, fresh) == every == at_stake(Mark(at="now", partition=None), run, fresh)
    assert at_stake(release, run, half) == {"web-0", "web-1"} and going_now(release, half) == {"web-1"}
    assert at_stake(SetPartition(partition=3, before=2), run, half) == frozenset() == going_now(Stage(images=(), partition=3), fresh)
    assert going_now(Mark(at="now", partition=None), fresh) == every
    assert going_now(Stage(images=(), partition=1), fresh) == {"web-1", "web-2"}  # broken ones, which go with the change itself
    assert going_now(Stage(images=(), partition=None), fresh) == frozenset()  # OnDelete
    assert has_begun(release, half) and not has_begun(Stage(images=(), partition=3), half)
    restart = RestartPods(pods=("web-1",))
    assert at_stake(Note(notes={}, pods=("web-1",)), restart, fresh) == {"web-1"} and at_stake(Note(notes={}), restart, fresh) == frozenset()
    evicted = Evict(pod="web-1", revision=OLD, comes_back_at=OLD)
    assert at_stake(evicted, restart, fresh) == {"web-1"}  # also where the note was taken off


def generation(target: AtStake, run: str, hours: int, **changes: Any) -> VolumeSnapshot:
    return taken(target, run=run, name=f"{target.claim}-{run}", asked=NOW - timedelta(hours=hours), **changes)


def test_only_our_own_older_generations_go(scene: tuple[AtStake, Assessment]) -> None:
    target, _ = scene
    ours = [generation(target, run, hours) for run, hours in (("a", 4), ("b", 3), ("c", 2), ("d", 1))]
    others = [
        generation(target, "x", 9, uid="another-set"), generation(target, "y", 9, labels={SET_UID_LABEL: UID}),
        generation(target, "z", 9, annotations={}),
    ]
    assert [each.name for each in surplus([*ours, *others], UID, 2)] == ["data-web-0-b", "data-web-0-a"]
    assert surplus(ours, UID, 4) == () and all(each.uid and each.resource_version for each in surplus(ours, UID, 1))


def test_the_newest_one_that_is_ready_stays(scene: tuple[AtStake, Assessment]) -> None:
    """A younger generation of which none got ready is nothing to go back to."""
    target, _ = scene
    ours = [generation(target, "a", 4), generation(target, "b", 3), generation(target, "c", 2, ready=False)]
    assert [each.name for each in surplus(ours, UID, 1)] == ["data-web-0-a"]


def test_a_mark_that_somebody_changed_is_none(scene: tuple[AtStake, Assessment]) -> None:
    target, _ = scene
    good = taken(target)
    assert mark_of(good) is not None
    for key, value in ((ORDINAL_ANNOTATION, "²"), (GENERATION_ANNOTATION, "-1"), (CLAIM_ANNOTATION, "another"), (RUN_ANNOTATION, "")):
        notes = {**good.metadata.annotations, key: value}
        assert mark_of(replace(good, metadata=replace(good.metadata, annotations=notes))) is None


def test_names_on_a_revision_are_those_of_the_newest_run() -> None:
    """Beside those of the same run, in place of an earlier one's; nothing is written twice, and what somebody else wrote is not relied on."""
    revision = ControllerRevision(metadata=ObjectMeta(name=OLD, namespace="prod", uid="u", resource_version="7"))
    first = noting(revision, "one", ["b", "a"])
    assert first is not None and (first.name, first.uid, first.resource_version) == (OLD, "u", "7")
    assert first.annotations == {SNAPSHOTS_ANNOTATION: '{"run":"one","names":["a","b"]}'}

    def after(text: str | None) -> ControllerRevision:
        assert text is not None
        return replace(revision, metadata=replace(revision.metadata, annotations={SNAPSHOTS_ANNOTATION: text}))

    written = after(first.annotations[SNAPSHOTS_ANNOTATION])
    assert noting(written, "one", ["b"]) is None
    more, other = noting(written, "one", ["c"]), noting(written, "two", ["c"])
    assert more is not None and more.annotations == {SNAPSHOTS_ANNOTATION: '{"run":"one","names":["a","b","c"]}'}
    assert other is not None and other.annotations == {SNAPSHOTS_ANNOTATION: '{"run":"two","names":["c"]}'}
    for odd in ("", "no", "[]", '{"run":3}'):
        assert noting(after(odd), "one", ["b", "a"]) == first
    some = forgetting(written, {"a", "x"})
    assert some is not None and some.annotations == {SNAPSHOTS_ANNOTATION: '{"run":"one","names":["a"]}'}
    none = forgetting(written, ())
    assert none is not None and none.annotations == {SNAPSHOTS_ANNOTATION: None} and none.resource_version == "7"
    assert forgetting(written, {"a", "b"}) is None and forgetting(after("no"), ()) is None and forgetting(revision, ()) is None
    assert noting(revision, "one", [f"{each:0200}" for each in range(1000)]) is None, "no object holds that much"
