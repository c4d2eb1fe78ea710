"""Leftovers of an age, of a namespace, by name and by label; and all that is not ours to destroy."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from kubectl_pets.domain.changes import DestroyVolume
from kubectl_pets.domain.model import ObjectMeta
from kubectl_pets.domain.orphans.inventory import ClaimRef, PersistentVolume, PersistentVolumeStatus
from kubectl_pets.domain.orphans.labels import parse_selector
from kubectl_pets.domain.orphans.purging import (
    Meant,
    PurgePlan,
    PurgeRefused,
    PurgeRefusedReason,
    PurgeSelection,
    again,
    is_rescued,
    is_under_way,
    judge,
    plan_purge,
)
from kubectl_pets.domain.orphans.retention import POLICY_ANNOTATION, PROVISIONED_BY, withhold
from kubectl_pets.domain.orphans.storage import StorageObjection
from tests.domain.orphans.builders import DAY, NOBODY_ELSE, NOW, claim, volume
from tests.domain.orphans.test_restoring import OLD, RELEASED, WAITING, retained, with_ref

R = PurgeRefusedReason
ALL = PurgeSelection(namespace=None)


def planned(*volumes: PersistentVolume, selection: PurgeSelection = ALL, now: Any = NOW) -> PurgePlan:
    return plan_purge(msgspec.structs.replace(NOBODY_ELSE, volumes=volumes), selection, now)


def names(found: PurgePlan) -> list[str]:
    return [one.volume.name for one in found.purges]


def older(days: int) -> PurgeSelection:
    return PurgeSelection(namespace=None, older_than=timedelta(days=days))


def test_the_age_of_a_leftover_counts_from_its_release() -> None:
    """However early it was set to Retain: the deletion that followed may have been another one, much later."""
    status = PersistentVolumeStatus(phase="Released", last_phase_transition_time=NOW - DAY)
    since = msgspec.structs.replace(retained(now=NOW - 31 * DAY), status=status)
    assert not names(planned(since, selection=older(30))) and names(planned(since, selection=older(1)))


def test_one_of_a_time_that_no_clock_has_is_too_young() -> None:
    status = PersistentVolumeStatus(phase="Released", last_phase_transition_time=datetime.max.replace(tzinfo=UTC))
    assert not names(planned(msgspec.structs.replace(retained(), status=status), selection=older(30)))


def test_leftovers_of_an_age_are_found() -> None:
    old = retained(now=NOW - 31 * DAY)
    (found,) = planned(old, selection=older(30)).purges
    assert found.step == DestroyVolume(volume=old.name, uid=old.metadata.uid, resource_version="3")
    assert not names(planned(retained(now=NOW - 29 * DAY), selection=older(30)))


def test_one_that_is_withheld_and_set_to_delete_by_somebody_is_a_leftover_yet() -> None:
    """Nobody destroys it, whatever its policy, and it gets its provisioner back with the order."""
    old = retained(now=NOW - DAY)
    notes = {**old.metadata.annotations, PROVISIONED_BY: "csi.example.com"}
    change = withhold(msgspec.structs.replace(old, metadata=msgspec.structs.replace(old.metadata, annotations=notes)))
    assert change is not None
    notes |= {key: str(text) for key, text in change.annotations.items()}
    held = msgspec.structs.replace(
        old,
        metadata=msgspec.structs.replace(old.metadata, annotations=notes),
        spec=msgspec.structs.replace(old.spec, persistent_volume_reclaim_policy="Delete"),
    )
    (found,) = planned(held).purges
    assert found.step is not None and found.step.restores == {PROVISIONED_BY: "csi.example.com"}
    rescued = is_rescued(found, held)
    assert rescued is not None and rescued.reason is R.RESCUED
    given = {key: text for key, text in notes.items() if key != PROVISIONED_BY}
    assert is_rescued(found, msgspec.structs.replace(held, metadata=msgspec.structs.replace(held.metadata, annotations=given))) is None


NOT_OURS = [
    volume(OLD, "Retain", phase="Released"),  # nobody noted anything: retained by its owner's will
    volume(OLD, "Retain", phase="Released", annotations=RELEASED.metadata.annotations | {POLICY_ANNOTATION: "Retain"}),
    volume(OLD, "Retain", phase="Released", annotations={POLICY_ANNOTATION: "Delete"}),
    volume(OLD, "Retain", phase="Released", annotations=RELEASED.metadata.annotations | {"kubectl-pets/retained-at": "once"}),
    volume(OLD, "Retain", phase="Released", annotations=RELEASED.metadata.annotations, deletion_timestamp=NOW),
    with_ref(RELEASED, "made-anew", "Bound"),
    with_ref(RELEASED, "", "Available"),  # about to be bound again
    with_ref(RELEASED, "a-later-one", "Released"),
    with_ref(RELEASED, "a-later-one", "Released", persistent_volume_reclaim_policy="Delete"),
    msgspec.structs.replace(
        RELEASED, spec=msgspec.structs.replace(RELEASED.spec, claim_ref=ClaimRef(namespace="prod", name="other", uid=OLD.metadata.uid))
    ),
]


@pytest.mark.parametrize("phase", ["Released", "Failed"])
def test_what_an_earlier_run_asked_for_is_waited_for_where_it_is_named(phase: str) -> None:
    """Its driver may have refused meanwhile, and is asked again and again. It was called nobody's leftover."""
    going = with_ref(RELEASED, OLD.metadata.uid, phase, persistent_volume_reclaim_policy="Delete")
    assert planned(going, now=NOW + DAY) == PurgePlan(purges=(), refused=())
    (found,) = planned(going, now=NOW + DAY, selection=PurgeSelection(namespace=None, names=((Meant(going.name),),))).purges
    assert found.step is None and found.volume == going
    kept = msgspec.structs.replace(going, metadata=msgspec.structs.replace(going.metadata, annotations={}))
    (refused,) = planned(kept, selection=PurgeSelection(namespace=None, names=((Meant(kept.name),),))).refused
    assert refused.reason is R.NO_LEFTOVER  # nothing says that it was ours


@pytest.mark.parametrize("item", NOT_OURS)
def test_everything_else_is_not_ours_to_destroy(item: PersistentVolume) -> None:
    assert planned(item, now=NOW + DAY) == PurgePlan(purges=(), refused=())
    by_name = PurgeSelection(namespace=None, names=((Meant(item.name),),))
    (refused,) = planned(item, now=NOW + DAY, selection=by_name).refused
    assert refused.reason in (R.NO_LEFTOVER, R.NOT_RELEASED)


def test_only_the_namespace_that_is_looked_in() -> None:
    there = retained(claim("data-web-4", namespace="other", uid="o"))
    both = (RELEASED, there)
    assert names(planned(*both)) == [there.name, RELEASED.name]
    assert names(planned(*both, selection=PurgeSelection(namespace="prod"))) == [RELEASED.name]
    assert not planned(*both, selection=PurgeSelection(namespace="prod")).refused
    named = PurgeSelection(namespace="prod", names=((Meant(there.name), Meant(there.name, "prod")),))
    assert [one.reason for one in planned(*both, selection=named).refused] == [R.OTHER_NAMESPACE]
    said = PurgeSelection(namespace="prod", names=((Meant("data-web-4", "other"),),))
    assert names(planned(*both, selection=said)) == [there.name]
    nobody = PurgeSelection(namespace="prod", names=((Meant("data-web-9"), Meant("data-web-9", "prod")),))
    assert planned(*both, selection=nobody).unknown == ("data-web-9",)


def test_labels_are_those_that_the_claim_had() -> None:
    for text, fits in (("app=web", True), ("app=db", False), ("tier in (db, cache),app", True), ("!tier", False)):
        selection = PurgeSelection(namespace=None, labels=parse_selector(text))
        assert bool(names(planned(RELEASED, selection=selection))) is fits, text


def test_storage_that_somebody_else_has_is_refused_by_name() -> None:
    twin = msgspec.structs.replace(volume(OLD), metadata=ObjectMeta(name="twin", uid="t"))
    found = planned(RELEASED, twin)
    assert not found.purges and [one.reason for one in found.refused] == [StorageObjection.SHARED]


def test_right_before_its_turn_it_is_judged_again() -> None:
    (one,) = planned(RELEASED).purges
    use = msgspec.structs.replace(NOBODY_ELSE, volumes=(RELEASED,))
    assert not isinstance(again(one, use, ALL, NOW), PurgeRefused)
    came_back_and_went = with_ref(RELEASED, "made-anew", "Released")  # with what was written in between
    another = volume(OLD, "Retain", phase="Released", uid="another")
    for volumes in ((), (with_ref(RELEASED, "made-anew", "Bound"),), (another,), (came_back_and_went,)):
        assert isinstance(again(one, msgspec.structs.replace(use, volumes=volumes), ALL, NOW), PurgeRefused)


def test_a_claim_that_was_made_for_it_keeps_it() -> None:
    """Somebody is about to bring it back, and has yet to clear the claim from before."""
    use = msgspec.structs.replace(NOBODY_ELSE, volumes=(RELEASED,), claims=(WAITING,))
    found = plan_purge(use, ALL, NOW)
    assert not found.purges and judge(RELEASED, use, ALL, NOW) == PurgeRefused(volume=RELEASED, reason=PurgeRefusedReason.NOT_RELEASED)
    leaving = msgspec.structs.replace(WAITING, metadata=msgspec.structs.replace(WAITING.metadata, deletion_timestamp=NOW))
    assert plan_purge(msgspec.structs.replace(use, claims=(leaving,)), ALL, NOW).purges


def test_what_an_order_has_come_to_whose_answer_was_lost() -> None:
    """Gone, or being destroyed; never a volume that somebody has again, and never what could not be read."""
    (one,) = planned(RELEASED).purges
    deleted = msgspec.structs.replace(RELEASED, spec=msgspec.structs.replace(RELEASED.spec, persistent_volume_reclaim_policy="Delete"))
    failed = msgspec.structs.replace(deleted, status=PersistentVolumeStatus(phase="Failed"))
    leaving = msgspec.structs.replace(RELEASED, metadata=msgspec.structs.replace(RELEASED.metadata, deletion_timestamp=NOW))
    for volumes in ((), (deleted,), (failed,), (leaving,), (volume(OLD, "Retain", phase="Released", uid="another"),)):
        assert is_under_way(one, msgspec.structs.replace(NOBODY_ELSE, volumes=volumes))
    bound = msgspec.structs.replace(deleted, status=PersistentVolumeStatus(phase="Bound"))
    for others in ((RELEASED,), (bound,), None):
        assert not is_under_way(one, msgspec.structs.replace(NOBODY_ELSE, volumes=others))
    assert all(is_rescued(one, each) is None for each in (deleted, failed, leaving))
    assert {found.reason for each in (RELEASED, bound) if (found := is_rescued(one, each))} == {R.RESCUED}


@pytest.mark.parametrize(
    ("text", "labels", "fits"),
    [
        ("a=1", {"a": "1"}, True), ("a==1", {"a": "2"}, False), ("a!=1", {}, True), ("a in (1,2)", {"a": "2"}, True),
        ("a notin (1, 2)", {"a": "2"}, False), ("a", {"a": ""}, True), ("!a", {"b": ""}, True), ("a=1,b", {"a": "1"}, False),
        ("x.org/a=", {"x.org/a": ""}, True),
    ],
)
def test_selectors_are_read_as_kubectl_does(text: str, labels: dict[str, str], fits: bool) -> None:
    selector = parse_selector(text)
    assert selector is not None and selector.matches(labels) is fits


@pytest.mark.parametrize("text", ["a=b=c", "=", "a in 1", "a,,b", "a in (b", "a=(x)", ",a"])
def test_selectors_that_cannot_be_meant(text: str) -> None:
    assert parse_selector(text) is None
