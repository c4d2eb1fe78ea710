"""A deleted claim comes back onto its volume, from wherever the last attempt stopped; and leftovers are found by age."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest

from kubectl_pets.domain.changes import ClearClaimRef, CreateClaim, SetRetain
from kubectl_pets.domain.model import DataSource, PersistentVolumeClaim, ResourceRequests
from kubectl_pets.domain.orphans import restoring
from kubectl_pets.domain.orphans.deletion import DeletionOptions, deletion, essence
from kubectl_pets.domain.orphans.findings import Class
from kubectl_pets.domain.orphans.inventory import PersistentVolume, PersistentVolumeStatus
from kubectl_pets.domain.orphans.restoring import (
    AwaitBound,
    AwaitKept,
    Record,
    RestorePlan,
    RestorePolicy,
    RestoreRefused,
    RestoreRefusedReason,
    record_of,
)
from kubectl_pets.domain.orphans.retention import (
    CLAIM_ANNOTATION,
    NOBODY,
    POLICY_ANNOTATION,
    PROVISIONED_BY,
    PROVISIONER_ANNOTATION,
    RESCUED_ANNOTATION,
    RUN_ANNOTATION,
)
from tests.domain.orphans.builders import NOW, claim, estate, one, owner, volume

R = RestoreRefusedReason
plan_restore = partial(restoring.plan_restore, now=NOW)
OLD = claim("data-web-4", labels={"app": "web", "tier": "db"}, annotations={"team": "data"})
NEW = claim("data-web-4", uid="made-anew", volume_name=OLD.spec.volume_name, phase="Bound")
WAITING = claim("data-web-4", uid="made-anew", phase="Pending", volume_name=OLD.spec.volume_name)


def retained(item: PersistentVolumeClaim = OLD, now: datetime = NOW) -> PersistentVolume:
    """Its volume, as the deletion by this program leaves it."""
    verdict = one(estate(item))
    assert verdict.klass is Class.SET_GONE
    found = deletion(verdict, DeletionOptions(), now)
    retain = next(step for step in getattr(found, "steps") if isinstance(step, SetRetain))
    released = volume(item, "Retain", phase="Released", annotations=retain.annotations)
    return released


def with_ref(item: PersistentVolume, uid: str, phase: str, **spec: Any) -> PersistentVolume:
    held = item.spec.claim_ref
    assert held is not None
    ref = msgspec.structs.replace(held, uid=uid)
    return msgspec.structs.replace(
        item, spec=msgspec.structs.replace(item.spec, claim_ref=ref, **spec), status=PersistentVolumeStatus(phase=phase)
    )


RELEASED = retained()
RECORD = Record(
    claim=essence(OLD),
    volume=RELEASED.name,
    volume_uid=RELEASED.metadata.uid,
    reclaim_policy="Delete",
    deleted_at=NOW,
)


def steps(found: RestorePlan | RestoreRefused) -> list[type]:
    assert isinstance(found, RestorePlan), found
    return [type(step) for step in found.steps]


def reason(found: RestorePlan | RestoreRefused) -> RestoreRefusedReason:
    assert isinstance(found, RestoreRefused), found
    return found.reason


@pytest.mark.parametrize("record", [RECORD, record_of(RELEASED)])
def test_the_claim_is_made_first_and_the_policy_restored_last(record: Record) -> None:
    found = plan_restore(record, RELEASED, ())
    assert steps(found) == [CreateClaim, ClearClaimRef, AwaitBound, RestorePolicy]
    create, clear, _, policy = getattr(found, "steps")
    made = create.claim
    assert made.name == "data-web-4" and not made.metadata.uid
    assert made.metadata.labels == OLD.metadata.labels
    assert made.metadata.annotations == {"team": "data", "kubectl-pets/created-by": "kube-controller-manager"}
    assert made.spec.volume_name == RELEASED.name and made.spec.storage_class_name == "fast"
    assert made.spec.resources.requests == {"storage": "10Gi"}
    assert clear.old_claim_uid == OLD.metadata.uid and clear.resource_version == "3"
    assert policy.policy == "Delete"


def test_a_volume_alone_tells_most() -> None:
    bare = volume(OLD, "Retain", phase="Released")
    record = record_of(bare)
    assert record is not None and record.reclaim_policy == "Retain"
    found = plan_restore(record, bare, ())
    assert steps(found) == [CreateClaim, ClearClaimRef, AwaitBound]
    made = getattr(found, "steps")[0].claim
    assert (made.namespace, made.name, made.metadata.labels) == ("prod", "data-web-4", {})
    assert made.spec.access_modes == ("ReadWriteOnce",) and made.spec.volume_mode == "Filesystem"


def test_a_claim_that_was_being_resized_asks_for_what_there_is() -> None:
    spec = msgspec.structs.replace(RECORD.claim.spec, resources=ResourceRequests(requests={"storage": "20Gi"}))
    bigger = msgspec.structs.replace(RECORD, claim=msgspec.structs.replace(RECORD.claim, spec=spec))
    found = plan_restore(bigger, RELEASED, ())
    assert getattr(found, "steps")[0].claim.spec.resources.requests == {"storage": "10Gi"}


@pytest.mark.parametrize("from_volume", [True, False])
def test_it_goes_on_where_it_stopped(from_volume: bool) -> None:
    stages: list[tuple[PersistentVolume, tuple[PersistentVolumeClaim, ...], list[type]]] = [
        (RELEASED, (WAITING,), [ClearClaimRef, AwaitBound, RestorePolicy]),
        (with_ref(RELEASED, "", "Available"), (WAITING,), [AwaitBound, RestorePolicy]),
        (with_ref(RELEASED, "made-anew", "Bound"), (NEW,), [RestorePolicy]),
    ]
    for item, claims, left in stages:
        record = record_of(item) if from_volume else RECORD
        assert steps(plan_restore(record, item, claims)) == left
    done = with_ref(RELEASED, "made-anew", "Bound", persistent_volume_reclaim_policy="Delete")
    assert reason(plan_restore(RECORD, done, (NEW,))) is R.NOTHING_TO_DO


def test_a_new_claim_that_took_the_name_stays() -> None:
    for other in (
        claim("data-web-4", uid="made-anew", volume_name="pv-of-its-own"),
        claim("data-web-4", uid="made-anew", phase="Pending", volume_name=""),
        claim("data-web-4", uid="made-anew", deleted=True, volume_name=RELEASED.name),
    ):
        assert reason(plan_restore(RECORD, RELEASED, (other,))) is R.NAME_TAKEN


def test_the_same_name_in_another_namespace_does_not_matter() -> None:
    assert steps(plan_restore(RECORD, RELEASED, (claim("data-web-4", namespace="test"),)))[0] is CreateClaim


def test_what_cannot_be_read_is_refused() -> None:
    assert reason(plan_restore(RECORD, RELEASED, None)) is R.CLAIMS_UNREADABLE
    assert reason(plan_restore(RECORD, None, ())) is R.VOLUME_GONE
    assert reason(plan_restore(None, RELEASED, ())) is R.CLAIM_UNKNOWN
    assert record_of(msgspec.structs.replace(RELEASED, spec=msgspec.structs.replace(RELEASED.spec, claim_ref=None))) is None


def test_one_that_its_driver_could_not_destroy_so_far_is_kept_and_then_restored() -> None:
    """In-tree plugins make it Failed, and are asked again until they can (pv_controller reclaimVolume)."""
    kept = with_ref(RELEASED, OLD.metadata.uid, "Failed", persistent_volume_reclaim_policy="Delete")
    assert steps(plan_restore(RECORD, kept, ())) == [SetRetain, AwaitKept]
    notes = RELEASED.metadata.annotations | {RESCUED_ANNOTATION: (NOW - timedelta(seconds=31)).isoformat()}
    failed = with_ref(RELEASED, OLD.metadata.uid, "Failed")
    rescued = msgspec.structs.replace(failed, metadata=msgspec.structs.replace(failed.metadata, annotations=notes))
    assert steps(plan_restore(RECORD, rescued, ())) == [CreateClaim, ClearClaimRef, AwaitBound, RestorePolicy]
    assert reason(plan_restore(RECORD, failed, ())) is R.VOLUME_NOT_RELEASED  # nobody has watched it


def test_one_that_was_withheld_is_set_to_retain_and_not_watched() -> None:
    """Nobody can have begun to destroy it."""
    notes = RELEASED.metadata.annotations | {PROVISIONED_BY: NOBODY, PROVISIONER_ANNOTATION: "csi.example.com"}
    held = msgspec.structs.replace(RELEASED, metadata=msgspec.structs.replace(RELEASED.metadata, annotations=notes))
    asked = with_ref(held, OLD.metadata.uid, "Released", persistent_volume_reclaim_policy="Delete")
    assert steps(plan_restore(RECORD, asked, (), run="r")) == [SetRetain]
    rescued = notes | {RESCUED_ANNOTATION: NOW.isoformat(timespec="seconds")}
    kept = msgspec.structs.replace(held, metadata=msgspec.structs.replace(held.metadata, annotations=rescued))
    assert steps(plan_restore(RECORD, kept, ())) == [CreateClaim, ClearClaimRef, AwaitBound, RestorePolicy]


@pytest.mark.parametrize(
    ("item", "because"),
    [
        (volume(OLD, "Retain", phase="Released", uid="another"), R.VOLUME_REPLACED),
        (volume(OLD, "Retain", phase="Released", deletion_timestamp=NOW), R.VOLUME_TERMINATING),
        (volume(OLD, "Retain", phase="Failed"), R.VOLUME_NOT_RELEASED),
        (volume(OLD, "Retain", phase="Bound"), R.VOLUME_NOT_RELEASED),
        (with_ref(RELEASED, "another", "Released"), R.VOLUME_TAKEN),
        (volume(claim("data-db-0", volume_name=OLD.spec.volume_name), "Retain", phase="Released"), R.VOLUME_TAKEN),
    ],
)
def test_a_volume_that_is_not_free_is_refused(item: PersistentVolume, because: RestoreRefusedReason) -> None:
    assert reason(plan_restore(RECORD, item, ())) is because


def test_a_volume_that_anybody_may_have_is_refused() -> None:
    anybodys = msgspec.structs.replace(RELEASED, spec=msgspec.structs.replace(RELEASED.spec, claim_ref=None))
    assert reason(plan_restore(RECORD, anybodys, ())) is R.VOLUME_TAKEN


def test_a_claim_that_was_never_deleted_needs_no_restoring() -> None:
    assert reason(plan_restore(RECORD, volume(OLD), (OLD,))) is R.NOTHING_TO_DO
    going = claim("data-web-4", deleted=True)
    assert reason(plan_restore(RECORD, volume(OLD, "Retain"), (going,))) is R.CLAIM_TERMINATING


def test_a_volume_that_is_about_to_be_destroyed_is_set_to_retain_first() -> None:
    """Released with the policy Delete: a purge or --destroy-data of a moment ago, and its provisioner may be at it already."""
    going = with_ref(RELEASED, OLD.metadata.uid, "Released", persistent_volume_reclaim_policy="Delete")
    found = plan_restore(RECORD, going, (), run="r")
    assert steps(found) == [SetRetain, AwaitKept]
    retain, watch = getattr(found, "steps")
    assert retain.annotations == {RESCUED_ANNOTATION: NOW.isoformat(timespec="seconds"), RUN_ANNOTATION: "r"}
    notes = going.metadata.annotations | retain.annotations
    rescued = msgspec.structs.replace(RELEASED, metadata=msgspec.structs.replace(RELEASED.metadata, annotations=notes))
    assert steps(plan_restore(RECORD, rescued, ())) == [AwaitKept] and watch.until == NOW + timedelta(seconds=30)
    late = restoring.plan_restore(RECORD, rescued, (), NOW + timedelta(seconds=30))
    assert steps(late) == [CreateClaim, ClearClaimRef, AwaitBound, RestorePolicy]
    held = volume(OLD)  # its claim is on its way out, and something holds that
    assert steps(plan_restore(RECORD, held, (claim("data-web-4", deleted=True),))) == [SetRetain]
    bare = volume(OLD, phase="Released")  # nobody noted anything: --destroy-data
    noted = getattr(plan_restore(RECORD, bare, ()), "steps")[0].annotations
    assert noted[POLICY_ANNOTATION] == "Delete" and CLAIM_ANNOTATION in noted


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"claim": msgspec.structs.replace(OLD, metadata=msgspec.structs.replace(OLD.metadata, namespace=".."))}, "namespace '..'"),
        ({"claim": msgspec.structs.replace(OLD, metadata=msgspec.structs.replace(OLD.metadata, name="../secrets"))}, "claim '../secrets'"),
        ({"volume": "a/b"}, "volume 'a/b'"),
        ({"reclaim_policy": "Burn"}, "reclaim policy 'Burn'"),
        ({"claim": claim("data-web-4", resources=ResourceRequests(requests={"storage": "lots"}))}, "size 'lots'"),
    ],
)
def test_a_record_is_not_believed(wrong: dict[str, Any], told: str) -> None:
    found = plan_restore(msgspec.structs.replace(RECORD, **wrong), RELEASED, ())
    assert reason(found) is R.RECORD_INVALID and getattr(found, "subject") == told


def test_only_what_is_kept_of_a_claim_is_written_again() -> None:
    """Whoever can write the record cannot write owners, finalizers, a data source or a policy with it."""
    meta = msgspec.structs.replace(
        OLD.metadata, owner_references=(owner("Pod", "x"),), finalizers=("a.example/b",), annotations={"kubectl-pets/created-by": "helm", "team": "x"}
    )
    spec = msgspec.structs.replace(OLD.spec, data_source=DataSource(kind="VolumeSnapshot", name="s"), volume_name="another")
    forged = msgspec.structs.replace(RECORD, claim=msgspec.structs.replace(OLD, metadata=meta, spec=spec), reclaim_policy="Delete")
    made = getattr(plan_restore(forged, RELEASED, ()), "steps")[0].claim
    assert not made.metadata.owner_references and not made.metadata.finalizers and made.metadata.annotations == {"team": "x"}
    assert made.spec.data_source is None and made.spec.volume_name == RELEASED.name
    bare = volume(OLD, "Retain", phase="Released")
    assert steps(plan_restore(forged, bare, ())) == [CreateClaim, ClearClaimRef, AwaitBound]  # its owner wants it at Retain


def test_a_volume_s_attributes_class_is_asked_for_again() -> None:
    """A claim that names another one does not bind (KEP-3751)."""
    gold = msgspec.structs.replace(RELEASED, spec=msgspec.structs.replace(RELEASED.spec, volume_attributes_class_name="gold"))
    assert getattr(plan_restore(RECORD, gold, ()), "steps")[0].claim.spec.volume_attributes_class_name == "gold"


def test_a_claim_that_was_about_to_be_deleted_gets_its_policy_back() -> None:
    """The run ended between its two steps."""
    found = plan_restore(RECORD, with_ref(RELEASED, OLD.metadata.uid, "Bound"), (OLD,))
    assert steps(found) == [RestorePolicy] and getattr(found, "steps")[0].policy == "Delete"


def test_notes_of_an_earlier_claim_are_not_believed() -> None:
    """Restored without its annotations being removed, used, and released again."""
    since = with_ref(RELEASED, "a-later-one", "Released")
    record = record_of(since)
    assert record is not None and record.claim.metadata.uid == "a-later-one"
    broken = volume(OLD, "Retain", phase="Released", annotations={CLAIM_ANNOTATION: "{", POLICY_ANNOTATION: "Delete"})
    record = record_of(broken)
    assert record is not None and record.claim.metadata.uid == OLD.metadata.uid


def test_a_claim_whose_volume_is_gone_or_taken_is_stranded() -> None:
    """It would wait for ever; as long as it may yet be bound it is not."""
    uid, was = RELEASED.metadata.uid, OLD.metadata.uid
    leaving = msgspec.structs.replace(RELEASED, metadata=msgspec.structs.replace(RELEASED.metadata, deletion_timestamp=NOW))
    another = msgspec.structs.replace(RELEASED, metadata=msgspec.structs.replace(RELEASED.metadata, uid="another"))
    for found in (None, leaving, another, with_ref(RELEASED, "of-another-run", "Released"), with_ref(RELEASED, "of-another-run", "Bound")):
        assert restoring.is_stranded(WAITING, found, uid, was), found
    for found in (RELEASED, with_ref(RELEASED, "", "Available"), with_ref(RELEASED, "made-anew", "Released")):
        assert not restoring.is_stranded(WAITING, found, uid, was), found
    assert not restoring.is_stranded(NEW, None, uid, was), "bound: there is data in it"
    elsewhere = msgspec.structs.replace(WAITING, metadata=msgspec.structs.replace(WAITING.metadata, name="data-web-7"))
    assert restoring.is_stranded(elsewhere, with_ref(RELEASED, "", "Available"), uid, was)
