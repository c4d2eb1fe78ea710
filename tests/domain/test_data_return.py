"""What it takes to bring a set's claims back to the data of a revision, and every reason why that is refused."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.changes import ORDINAL_ANNOTATION, CreateClaim, DeleteClaim, SetRetain
from kubectl_pets.domain.model import ClaimRetentionPolicy, ControllerRevision, ObjectMeta, OwnerReference, PersistentVolumeClaim
from kubectl_pets.domain.orphans.inventory import PersistentVolume
from kubectl_pets.domain.orphans.retention import RUN_ANNOTATION
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.ranking import is_problem
from kubectl_pets.domain.rollout.verdict import Phase
from kubectl_pets.domain.scale import plan as scaling
from kubectl_pets.domain.scale.types import ScaleRefusedReason, Surroundings
from kubectl_pets.domain.sets.restoring import RESTORED_ANNOTATION, RESTORING_ANNOTATION, Restoration, restoration
from kubectl_pets.domain.snapshots.restoring import (
    ClassTraits,
    DataGround,
    NoReturn,
    Stand,
    Unreturnable,
    contents_wanted,
    finished,
    plan,
    step,
    under_way,
)
from kubectl_pets.domain.stepping.deciding import refusal
from kubectl_pets.domain.stepping.steps import RefusedReason
from tests.domain.builders import NEW, NOW, OLD, UID, pod
from tests.domain.builders import snapshot as view
from tests.domain.data_return import ASKED, claim, content, ground, owner, snapshot
from tests.domain.orphans.builders import volume

NOTE = Restoration(uid=UID, revision=OLD, snapshots="one", generation=7)


def reasons(found: DataGround, **kw: Any) -> list[tuple[str, NoReturn]]:
    return [(each.claim, each.reason) for each in plan(found, OLD, 1, **kw).refused]


def made(ordinal: int, note: Restoration = NOTE, *, bound: bool = True, source: str = "data-web-{}-one") -> PersistentVolumeClaim:
    """As a run of this undo made it."""
    (turn,) = (each for each in plan(ground(), OLD, 1).claims if each.ordinal == ordinal)
    meta = replace(turn.made.metadata, uid=f"again-{ordinal}", resource_version="9", annotations={RESTORING_ANNOTATION: note.text})
    origin = turn.made.spec.data_source
    assert origin is not None
    spec = replace(turn.made.spec, data_source=replace(origin, name=source.format(ordinal)), volume_name=f"again-{ordinal}" if bound else "")
    return replace(turn.made, metadata=meta, spec=spec, status=replace(claim(ordinal).status, phase="Bound" if bound else "Pending"))


def kept(ordinal: int, run: str = "us") -> PersistentVolume:
    """The volume of the claim of before, as ``step`` has it kept, and released."""
    of = claim(ordinal)
    turn = next(each for each in plan(ground(), OLD, 1).claims if each.ordinal == ordinal)
    retain = step(turn, NOW, run)
    assert isinstance(retain, SetRetain)
    return volume(of, "Retain", phase="Released", annotations=retain.annotations)


def test_the_plan_names_every_claim_from_the_highest_ordinal_down() -> None:
    found = plan(ground(), OLD, 1)
    assert [(each.claim, each.stand, each.snapshot, each.of_earlier) for each in found.claims] == [
        ("data-web-1", Stand.NEWER, "data-web-1-one", False), ("data-web-0", Stand.NEWER, "data-web-0-one", False),
    ]
    assert found.note == NOTE and found.refused == () and found.apart == timedelta(0) and found.replicas == 2
    assert found.next is found.claims[0] and not found.done


def test_the_new_claim_is_as_the_one_of_before() -> None:
    of = claim(0, labels={"app": "web", "team": "a"}, annotations={"note": "x", "pv.kubernetes.io/bind-completed": "yes"}, size="2Gi")
    (turn,) = plan(ground(owner(), of), OLD, 1).claims
    assert turn.made.metadata.labels == {"app": "web", "team": "a"} and turn.made.metadata.uid == ""
    assert turn.made.metadata.annotations["note"] == "x" and turn.made.metadata.annotations[RESTORING_ANNOTATION] == NOTE.text
    assert "pv.kubernetes.io/bind-completed" not in turn.made.metadata.annotations
    spec, was = turn.made.spec, of.spec
    assert (spec.storage_class_name, spec.access_modes, spec.volume_mode) == (was.storage_class_name, was.access_modes, was.volume_mode)
    assert spec.volume_name == "" and spec.resources.requests == {"storage": "2Gi"}
    assert spec.data_source is not None
    assert (spec.data_source.api_group, spec.data_source.kind, spec.data_source.name) == ("snapshot.storage.k8s.io", "VolumeSnapshot", "data-web-0-one")


@pytest.mark.parametrize(("asked", "least", "size"), [("1Gi", "2Gi", "2Gi"), ("3Gi", "2Gi", "3Gi"), ("1Gi", None, "1Gi"), ("1Gi", 2147483648, "2147483648")])
def test_no_smaller_than_the_snapshot(asked: str, least: Any, size: str) -> None:
    of = claim(0, size=asked)
    (turn,) = plan(ground(owner(), of, snapshots=(snapshot(of, size=least),)), OLD, 1).claims
    assert turn.made.spec.resources.requests == {"storage": size}


def scaled_away() -> Any:
    it = owner()
    return replace(it, spec=replace(it.spec, persistent_volume_claim_retention_policy=ClaimRetentionPolicy(when_scaled="Delete")))


def owned_pod() -> Any:
    it = pod(0)
    return replace(it, metadata=replace(it.metadata, owner_references=(OwnerReference(kind="StatefulSet", name="web", uid=UID, controller=True),)))


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (lambda: ground(owner(claims=())), NoReturn.NO_TEMPLATES),
        (lambda: ground(owner(deleting=True)), NoReturn.DELETING),
        (lambda: ground(scaled_away()), NoReturn.CLAIMS_GO_WITH_PODS),
        (lambda: ground(owner(replicas=2)), NoReturn.NOT_AT_ZERO),
        (lambda: ground(pods=None), NoReturn.PODS_UNREAD),
        (lambda: ground(mounted=None), NoReturn.PODS_UNREAD),
        (lambda: ground(pods=(owned_pod(),)), NoReturn.PODS_THERE),
        (lambda: ground(replace(owner(), status=replace(owner().status, replicas=1))), NoReturn.PODS_THERE),
        (lambda: ground(owner(observed=6)), NoReturn.PODS_THERE),
        (lambda: ground(installed=False, snapshots=()), NoReturn.NOT_INSTALLED),
        (lambda: ground(snapshots=None), NoReturn.NOT_READ),
        (lambda: replace(ground(), volumes=None), NoReturn.NOT_READ),
        (lambda: ground(classes=None), NoReturn.NOT_READ),
        (lambda: ground(snapshots=()), NoReturn.NO_SNAPSHOTS),
        (lambda: ground(snapshots=(snapshot(claim(0), revision=NEW), snapshot(claim(1), revision=NEW))), NoReturn.NO_SNAPSHOTS),
        (lambda: ground(snapshots=(snapshot(claim(0), set_uid="of-before"), snapshot(claim(1), set_uid="of-before"))), NoReturn.NO_SNAPSHOTS),
        (lambda: ground(snapshots=(snapshot(claim(0), labels={}), snapshot(claim(1), labels={}))), NoReturn.NO_SNAPSHOTS),
    ],
)
def test_what_speaks_against_it_as_a_whole(found: Any, reason: NoReturn) -> None:
    refused = plan(found(), OLD, 1)
    assert [(each.claim, each.reason) for each in refused.refused] == [("", reason)] and refused.next is None


def held(name: str, created: datetime, uid: str = UID) -> ControllerRevision:
    owners = (OwnerReference(kind="StatefulSet", name="web", uid=uid, controller=True),)
    return ControllerRevision(metadata=ObjectMeta(name=name, creation_timestamp=created, owner_references=owners), revision=1)


@pytest.mark.parametrize(
    ("revisions", "fits"),
    [
        ((held(OLD, ASKED - timedelta(hours=1)),), True),
        ((held(OLD, ASKED),), True),
        ((held(OLD, ASKED + timedelta(seconds=1)),), False),  # of a set that came after a deletion
        ((held(OLD, ASKED - timedelta(hours=1), "another"),), False),
        ((held(NEW, ASKED - timedelta(hours=1)),), False),
        (None, False),
    ],
)
def test_snapshots_of_before_the_set_was_made_again_around_its_pods(revisions: Any, fits: bool) -> None:
    """It has another uid since, and the same revisions: ``resize`` and ``recreate`` do that."""
    taken = (snapshot(claim(0), set_uid="of-before"), snapshot(claim(1), set_uid="of-before"))
    found = plan(ground(snapshots=taken, revisions=revisions), OLD, 1)
    assert (not found.refused and [each.stand for each in found.claims] == [Stand.NEWER] * 2) is fits
    assert bool(contents_wanted(taken, owner(), revisions, OLD)) is fits


def contents(**changes: Any) -> dict[str, Any]:
    one, other = snapshot(claim(0)), snapshot(claim(1))
    return {each.status.bound_volume_snapshot_content_name: content(each, **(changes if each is other else {})) for each in (one, other)}


def with_volume(**meta: Any) -> DataGround:
    return ground(volumes=[volume(claim(0)), volume(claim(1), **meta)])


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (lambda: ground(snapshots=(snapshot(claim(0)),)), NoReturn.LACKS_SNAPSHOT),
        (lambda: ground(snapshots=(snapshot(claim(0)), snapshot(claim(1), ready=False))), NoReturn.NOT_READY),
        (lambda: ground(snapshots=(snapshot(claim(0)), snapshot(claim(1), deletion_timestamp=NOW))), NoReturn.LEAVING),
        (lambda: ground(contents=contents(deletion_timestamp=NOW)), NoReturn.LEAVING),
        (lambda: ground(contents=contents(policy="Delete")), NoReturn.NOT_KEPT),
        (lambda: ground(contents=contents(handle="vol-of-another")), NoReturn.OTHER_VOLUME),
        (lambda: ground(contents={"content-data-web-0-one": content(snapshot(claim(0)))}), NoReturn.NO_CONTENT),
        (lambda: ground(owner(), claim(0), snapshots=(snapshot(claim(0)), snapshot(claim(1)))), NoReturn.CLAIM_MISSING),
        (lambda: ground(owner(), claim(0), claim(1, deleted=True)), NoReturn.CLAIM_TERMINATING),
        (lambda: ground(mounted={"data-web-1": "debug"}), NoReturn.MOUNTED),
        (lambda: with_volume(phase="Released"), NoReturn.CLAIM_UNBOUND),
        (lambda: ground(volumes=[volume(claim(0))]), NoReturn.CLAIM_UNBOUND),
        (lambda: with_volume(deletion_timestamp=NOW), NoReturn.VOLUME_TERMINATING),
    ],
)
def test_one_claim_is_enough_to_refuse_it(found: Any, reason: NoReturn) -> None:
    assert reasons(found()) == [("data-web-1", reason)]


def test_a_class_that_is_gone_or_of_another_driver_fills_nothing() -> None:
    assert {each for _, each in reasons(ground(classes={}))} == {NoReturn.CLASS_UNFIT}
    assert {each for _, each in reasons(ground(classes={"fast": ClassTraits("another", False)}))} == {NoReturn.CLASS_UNFIT}


def test_claims_of_other_templates_and_of_holes_count() -> None:
    """A pod with one claim of before and one that is new would be neither."""
    assert reasons(ground(owner(claims=("data", "wal")))) == [("wal-web-1", NoReturn.LACKS_SNAPSHOT), ("wal-web-0", NoReturn.LACKS_SNAPSHOT)]
    assert reasons(ground(owner(), claim(0), claim(2))) == [("data-web-1", NoReturn.LACKS_SNAPSHOT)]
    assert reasons(ground(owner(start=1), claim(1))) == [], "an ordinal below the start is no pod's"


@pytest.mark.parametrize("far", [2_147_483_647, 10**18])
def test_an_ordinal_that_somebody_wrote_down_is_not_counted_up_to(far: int) -> None:
    """A VolumeSnapshot may name a claim that was never there, and its annotations any number; a claim may be called anything."""
    claims = (claim(0), claim(1))
    forged = snapshot(claim(1), name="forged", uid="forged")
    notes = {**forged.metadata.annotations, ORDINAL_ANNOTATION: str(far)}
    forged = replace(forged, metadata=replace(forged.metadata, annotations=notes))
    found = plan(ground(None, *claims, snapshots=(snapshot(claim(0)), forged)), OLD, 1)
    assert {each.reason for each in found.refused} == {NoReturn.LACKS_SNAPSHOT} and len(found.refused) <= 12
    by_hand = (*claims, claim(2_147_483_647))
    found = plan(ground(None, *by_hand, snapshots=tuple(snapshot(each) for each in claims)), OLD, 1)
    assert {each.reason for each in found.refused} == {NoReturn.LACKS_SNAPSHOT} and len(found.refused) <= 12


def test_claims_of_an_earlier_scaling_are_left_alone_only_where_somebody_says_so() -> None:
    found = ground(owner(), claim(0), claim(1), claim(2), snapshots=(snapshot(claim(0)), snapshot(claim(1))))
    assert reasons(found) == [("data-web-2", NoReturn.LACKS_SNAPSHOT)]
    said = plan(found, OLD, 1, replicas=2)
    assert said.refused == () and said.left_alone == ("data-web-2",) and said.replicas == 2
    fewer = plan(ground(), OLD, 1, replicas=1)
    assert [each.claim for each in fewer.claims] == ["data-web-1", "data-web-0"], "never fewer than there are snapshots of"


def test_the_newest_whole_run_counts() -> None:
    old = [snapshot(claim(each), run="old", asked=NOW - timedelta(days=2)) for each in range(2)]
    new = [snapshot(claim(each)) for each in range(2)]
    assert plan(ground(snapshots=(*old, *new)), OLD, 1).run == "one"
    torn = plan(ground(snapshots=(*old, new[0])), OLD, 1)
    assert torn.run == "old" and torn.passed_over == ("one",) and {each.snapshot for each in torn.claims} == {"data-web-0-old", "data-web-1-old"}
    assert [(each.claim, each.reason) for each in plan(ground(snapshots=(new[0], old[1])), OLD, 1).refused] == [("data-web-1", NoReturn.LACKS_SNAPSHOT)]


def test_step_by_step() -> None:
    """Kept and held by this run before it goes; made only once it is gone; waited for until it is bound."""
    (turn,) = plan(ground(owner(), claim(0)), OLD, 1).claims
    retain = step(turn, NOW, "us")
    assert isinstance(retain, SetRetain) and retain.annotations[RUN_ANNOTATION] == "us" and retain.before == "Delete"
    held = volume(claim(0), "Retain", annotations=retain.annotations)
    (turn,) = plan(ground(owner(), claim(0), volumes=[held]), OLD, 1).claims
    assert isinstance(step(turn, NOW, "another"), SetRetain), "another run takes hold of it first"
    deletion = step(turn, NOW, "us")
    assert deletion == DeleteClaim(namespace="prod", name="data-web-0", uid="uid-prod-data-web-0", resource_version="7")
    (turn,) = plan(ground(owner(), claim(0, deleted=True), volumes=[held]), OLD, 1).claims
    assert turn.stand is Stand.LEAVING and step(turn, NOW, "us") is None
    gone = replace(ground(owner(), claim(0), volumes=[kept(0)]), claims=())
    (turn,) = plan(gone, OLD, 1).claims
    creation = step(turn, NOW, "us")
    assert turn.stand is Stand.GONE and isinstance(creation, CreateClaim) and creation.claim.metadata.labels == claim(0).metadata.labels


def of_undo(*claims: PersistentVolumeClaim, volumes: tuple[PersistentVolume, ...] = (), waits: bool = False, **meta: Any) -> DataGround:
    of = owner(annotations={RESTORING_ANNOTATION: NOTE.text}, **meta)
    there = [*volumes, *(volume(each) for each in claims if each.spec.volume_name)]
    classes = {"fast": ClassTraits("csi.example.org", waits)}
    return ground(of, *claims, volumes=there, classes=classes, snapshots=tuple(snapshot(claim(each)) for each in range(2)))


def test_what_an_earlier_run_did_counts() -> None:
    found = plan(of_undo(claim(0), made(1), volumes=(kept(1),)), OLD, 1)
    assert found.refused == () and [each.stand for each in found.claims] == [Stand.DONE, Stand.NEWER] and found.note == NOTE
    filling = plan(of_undo(claim(0), made(1, bound=False), volumes=(kept(1),)), OLD, 1)
    assert filling.claims[0].stand is Stand.FILLING and step(filling.claims[0], NOW, "us") is None
    waits = plan(of_undo(claim(0), made(1, bound=False), volumes=(kept(1),), waits=True), OLD, 1)
    assert waits.claims[0].stand is Stand.DONE and waits.claims[0].waits_for_pod


def test_a_claim_that_somebody_else_made_is_never_one_that_is_back() -> None:
    """The controller's is empty, and holds what its pod wrote since: it is kept like any other."""
    empty = claim(1, uid="made-empty", volume_name="empty")
    found = plan(of_undo(made(0), empty, volumes=(kept(0), kept(1))), OLD, 1)
    turn = found.next
    assert turn is not None and (turn.claim, turn.stand, turn.of_earlier) == ("data-web-1", Stand.NEWER, True)
    assert isinstance(step(turn, NOW, "us"), SetRetain)
    forged = replace(empty, metadata=replace(empty.metadata, annotations={RESTORING_ANNOTATION: NOTE.text}))
    assert plan(of_undo(made(0), forged, volumes=(kept(0), kept(1))), OLD, 1).claims[0].stand is Stand.NEWER, "it has no source"
    odd = made(1, source="another")
    assert reasons(of_undo(made(0), odd, volumes=(kept(0), kept(1)))) == [("data-web-1", NoReturn.SOURCE_DROPPED)]


def test_claims_that_pods_may_have_written_to_since_are_not_back() -> None:
    """Scaled up and down again: two changes of the spec. One alone, of the template, say, has made no pod."""
    claims = (made(0), made(1))
    once = plan(of_undo(*claims, volumes=(kept(0), kept(1)), generation=8, observed=8), OLD, 1)
    assert once.done and once.note == NOTE
    twice = plan(of_undo(*claims, volumes=(kept(0), kept(1)), generation=9, observed=9), OLD, 1)
    assert [each.stand for each in twice.claims] == [Stand.NEWER, Stand.NEWER] and twice.note == replace(NOTE, generation=9)


def test_one_set_of_snapshots_or_none() -> None:
    """Where claims of one run are back, no other run's snapshots go beside them."""
    newer = tuple(snapshot(claim(each), run="two", asked=NOW - timedelta(hours=1)) for each in range(2))
    left = (snapshot(claim(1)),)
    found = of_undo(claim(0), made(1), volumes=(kept(1),))
    mixed = ground(found.owner, *found.claims, volumes=list((found.volumes or {}).values()), snapshots=(*newer, *left))
    assert plan(mixed, OLD, 1).refused == (Unreturnable(reason=NoReturn.LACKS_SNAPSHOT, claim="data-web-0"),)


def test_notes_that_somebody_else_wrote_are_none() -> None:
    assert restoration("") is None and restoration("{") is None and restoration('{"uid": 3}') is None and restoration(NOTE.text) == NOTE
    foreign = owner(annotations={RESTORING_ANNOTATION: replace(NOTE, uid="another").text, RESTORED_ANNOTATION: "x"})
    assert under_way(foreign) is None and finished(foreign) is None
    assert contents_wanted(None, owner(), None, OLD) == ()
    assert contents_wanted((snapshot(claim(0)), snapshot(claim(1), revision=NEW)), owner(), (), OLD) == ("content-data-web-0-one",)


def test_nobody_calls_the_set_complete_or_scales_it_up_meanwhile() -> None:
    of = owner(annotations={RESTORING_ANNOTATION: NOTE.text})
    seen = assess(view(of), NOW)
    assert seen.phase is Phase.RESTORING and seen.rolled_out and is_problem(seen)
    refused = refusal(seen)
    assert refused is not None and refused.reason is RefusedReason.RESTORING
    around = Surroundings(claims=(), volumes={}, autoscalers=(), scaled_objects=())
    up = scaling.plan(of, view(of), around, 2, NOW)
    assert up.refused is not None and up.refused.reason is ScaleRefusedReason.RESTORING
    running = owner(annotations={RESTORING_ANNOTATION: NOTE.text}, replicas=2)
    assert scaling.plan(running, view(running, pod(0, NEW), pod(1, NEW)), around, 0, NOW).refused is None, "down is the way on"
