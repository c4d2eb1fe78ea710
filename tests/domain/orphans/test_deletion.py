"""Plans for deleting claims: steps that keep the data, refusals that say why, and the second look before each one."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from kubectl_pets.domain.changes import DeleteClaim, SetRetain, TakeSnapshot
from kubectl_pets.domain.model import Condition, DataSource, PersistentVolumeClaim
from kubectl_pets.domain.orphans.deletion import (
    Deletion,
    DeletionOptions,
    DeletionRefused,
    DeletionRefusedReason,
    Totals,
    essence,
    plan,
    recheck,
    totals,
)
from kubectl_pets.domain.orphans.findings import ClaimVerdict, Class, Evidence, EvidenceKind, Fate
from kubectl_pets.domain.orphans.inventory import ClaimInventory, PersistentVolume
from kubectl_pets.domain.orphans.judging import judge
from kubectl_pets.domain.orphans.retention import (
    CLAIM_ANNOTATION,
    POLICY_ANNOTATION,
    RETAINED_ANNOTATION,
    RUN_ANNOTATION,
    policy_before,
)
from kubectl_pets.domain.orphans.snapshots import NoSnapshot, Offer, Taken
from kubectl_pets.domain.orphans.storage import StorageObjection
from tests.domain.orphans.builders import (
    DAY,
    NOBODY_ELSE,
    NOW,
    autoscaler,
    claim,
    estate,
    managed,
    mounts,
    one,
    pod,
    snapshot_class,
    stateful_set,
    users,
    volume,
)

R = DeletionRefusedReason
SNAPSHOT = DeletionOptions(snapshot=True, snapshot_class="nightly", offer=Offer(classes=(snapshot_class("nightly"),)))


def left_behind(*ordinals: int, policy: str = "Delete", size: str = "10Gi") -> tuple[ClaimVerdict, ...]:
    claims = [claim(f"data-web-{at}", size=size) for at in ordinals]
    volumes = {item.spec.volume_name: volume(item, policy) for item in claims}
    return judge(estate(*claims, volumes=volumes, sets=(stateful_set("web", 1),)), NOW)


def deletes(verdict: ClaimVerdict) -> DeleteClaim:
    meta = verdict.claim.metadata
    return DeleteClaim(namespace="prod", name=meta.name, uid=meta.uid, resource_version="7")


# --- plans -------------------------------------------------------------------------------------------------------------------


def test_the_volume_is_set_to_retain_before_its_claim_goes() -> None:
    (verdict,) = left_behind(4)
    (found,) = plan([verdict], DeletionOptions(run="r-1"), NOW).deletions
    retain, delete = found.steps
    assert isinstance(retain, SetRetain) and delete == deletes(verdict)
    assert (retain.volume, retain.resource_version, retain.before) == (verdict.claim.spec.volume_name, "3", "Delete")
    assert retain.annotations[POLICY_ANNOTATION] == "Delete"
    assert retain.annotations[RETAINED_ANNOTATION] == "2026-03-01T12:00:00+00:00"
    assert retain.annotations[RUN_ANNOTATION] == "r-1"
    noted = msgspec.json.decode(retain.annotations[CLAIM_ANNOTATION], type=PersistentVolumeClaim)
    assert noted == essence(verdict.claim)
    assert verdict.fate is Fate.DESTROYED and found.fate is Fate.RETAINED


def test_only_who_says_so_destroys_data() -> None:
    (verdict,) = left_behind(4)
    (found,) = plan([verdict], DeletionOptions(use=NOBODY_ELSE, destroy_data=True), NOW).deletions
    assert found.steps == (deletes(verdict),) and found.fate is Fate.DESTROYED


@pytest.mark.parametrize("destroy", [True, False])
def test_a_volume_that_is_retained_anyway_is_left_alone(destroy: bool) -> None:
    (verdict,) = left_behind(4, policy="Retain")
    (found,) = plan([verdict], DeletionOptions(use=NOBODY_ELSE, destroy_data=destroy), NOW).deletions
    assert found.steps == (deletes(verdict),) and found.fate is Fate.RETAINED


def test_a_claim_without_data_is_just_deleted() -> None:
    verdict = one(estate(claim("data-web-4", phase="Pending")))
    (found,) = plan([verdict], DeletionOptions(), NOW).deletions
    assert found.steps == (deletes(verdict),) and found.fate is Fate.NO_DATA


def test_a_snapshot_comes_first() -> None:
    (verdict,) = left_behind(4)
    (found,) = plan([verdict], SNAPSHOT, NOW).deletions
    assert [type(step) for step in found.steps] == [TakeSnapshot, SetRetain, DeleteClaim]
    uid = verdict.claim.metadata.uid
    name = f"data-web-4-{uid[:8]}"
    assert found.steps[0] == TakeSnapshot(namespace="prod", claim="data-web-4", uid=uid, name=name, snapshot_class="nightly")
    pending = one(estate(claim("data-web-4", phase="Pending")))
    assert plan([pending], SNAPSHOT, NOW).refused[0].reason is NoSnapshot.NO_VOLUME
    (refused,) = plan([verdict], DeletionOptions(snapshot=True, snapshot_class="weekly", offer=SNAPSHOT.offer), NOW).refused
    assert (refused.reason, refused.detail) == (NoSnapshot.CLASS_MISSING, "weekly")


def test_the_name_of_a_snapshot_is_valid_however_long_the_claims_is() -> None:
    verdict = one(estate(claim("d" * 60 + "-" + "w" * 180 + "-100000", uid="0123456789")))
    (found,) = plan([verdict], SNAPSHOT, NOW).deletions
    assert isinstance(found.steps[0], TakeSnapshot)
    assert len(found.steps[0].name) <= 253 and found.steps[0].name.endswith("-01234567")


def test_of_each_family_the_newest_ordinals_may_stay() -> None:
    verdicts = left_behind(2, 10, 9, 3)
    found = plan(verdicts, DeletionOptions(keep=2), NOW)
    assert [item.verdict.name for item in found.deletions] == ["data-web-2", "data-web-3"]
    assert [(item.verdict.name, item.reason) for item in found.refused] == [
        ("data-web-10", R.KEPT_BACK),
        ("data-web-9", R.KEPT_BACK),
    ]


def test_families_of_two_templates_are_two() -> None:
    claims = [claim(f"{template}-web-{at}") for template in ("data", "logs") for at in (1, 2)]
    verdicts = judge(estate(*claims, sets=(stateful_set("web", 1, "data", "logs"),)), NOW)
    found = plan(verdicts, DeletionOptions(keep=1), NOW)
    assert [item.verdict.name for item in found.deletions] == ["data-web-1", "logs-web-1"]


def test_no_more_than_asked_for_in_one_run() -> None:
    found = plan(left_behind(2, 3, 4), DeletionOptions(limit=2), NOW)
    assert [item.verdict.name for item in found.deletions] == ["data-web-2", "data-web-3"]
    assert [item.reason for item in found.refused] == [R.OVER_LIMIT]
    assert not plan(left_behind(2), DeletionOptions(limit=0), NOW).deletions


def test_what_is_no_candidate_is_refused_and_counts_for_nothing() -> None:
    verdicts = left_behind(0, 1, 2)  # 0 is in range
    found = plan(verdicts, DeletionOptions(keep=1, limit=1), NOW)
    assert [(item.verdict.name, item.reason) for item in found.refused] == [
        ("data-web-0", R.NOT_A_CANDIDATE),
        ("data-web-2", R.KEPT_BACK),
    ]
    assert [item.verdict.name for item in found.deletions] == ["data-web-1"]


@pytest.mark.parametrize("klass", [klass for klass in Class])
def test_every_class_but_three_is_refused(klass: Class) -> None:
    (verdict,) = left_behind(4)
    found = plan([msgspec.structs.replace(verdict, klass=klass)], DeletionOptions(use=NOBODY_ELSE, destroy_data=True), NOW)
    assert bool(found.deletions) == (klass in (Class.SCALED_DOWN, Class.TEMPLATE_GONE, Class.SET_GONE))


@pytest.mark.parametrize("destroy", [True, False])
def test_a_policy_that_nobody_knows_is_nothing_to_agree_to(destroy: bool) -> None:
    found = plan(left_behind(4, policy="Archive"), DeletionOptions(use=NOBODY_ELSE, destroy_data=destroy), NOW)
    assert found.refused[0].reason is R.FATE_UNKNOWN and not found.deletions


def test_totals_say_what_would_be_destroyed() -> None:
    verdicts = (*left_behind(4, 5), *left_behind(6, policy="Retain", size="1Gi"), *left_behind(7, size="lots"))
    gib = 2**30
    kept = plan(verdicts, DeletionOptions(), NOW).totals
    assert kept == Totals(claims=4, bytes=21 * gib, destroyed=0, destroyed_bytes=0, unsized=1)
    lost = plan(verdicts, DeletionOptions(use=NOBODY_ELSE, destroy_data=True), NOW).totals
    assert lost == Totals(claims=4, bytes=21 * gib, destroyed=3, destroyed_bytes=20 * gib, unsized=1)
    assert totals(verdicts) == lost  # as kubectl would


def test_what_is_remembered_of_a_claim_is_what_is_needed_to_make_it_again() -> None:
    notes = {"pv.kubernetes.io/bound-by-controller": "yes", "volume.kubernetes.io/selected-node": "n1", "team": "data"}
    notes |= {"safe.autoscaler.kubernetes.io/evict": "no", "kubectl-pets/policy-put-back-at": "once"}  # another's, and our own
    source = DataSource(kind="VolumeSnapshot", name="s")
    found = essence(claim("data-web-4", annotations=notes, data_source=source, volume_mode="Filesystem"))
    made = {"kubectl-pets/created-by": "kube-controller-manager"}
    others = {"team": "data", "safe.autoscaler.kubernetes.io/evict": "no"}
    assert found.metadata.annotations == others | made and found.metadata.labels == {"app": "web"}
    assert found.metadata.uid == "uid-prod-data-web-4" and not found.metadata.managed_fields
    assert found.spec.data_source is None and found.spec.volume_mode == "Filesystem"
    assert (found.api_version, found.kind) == ("v1", "PersistentVolumeClaim") and not found.status.phase


# --- the second look ---------------------------------------------------------------------------------------------------------

BEFORE = left_behind(4)[0]


def again(item: PersistentVolumeClaim | None = None, options: DeletionOptions = DeletionOptions(), policy: str = "Delete", **rest: Any) -> Deletion | DeletionRefused:
    item = item or claim("data-web-4")
    read: dict[str, object] = {"sets": (stateful_set("web", 1),), "volumes": {item.spec.volume_name: volume(item, policy)}}
    return recheck(BEFORE, estate(item, **read | rest), options, NOW)


def reason(found: Deletion | DeletionRefused) -> DeletionRefusedReason | NoSnapshot | StorageObjection:
    assert isinstance(found, DeletionRefused)
    return found.reason


def test_what_is_as_it_was_is_deleted_at_its_newest_version() -> None:
    found = again(claim("data-web-4", resource_version="8"))
    assert isinstance(found, Deletion)
    delete = found.steps[-1]
    assert isinstance(delete, DeleteClaim) and delete.resource_version == "8"


def test_a_pod_that_came_between_plan_and_deletion_saves_its_claim() -> None:
    assert reason(again(users=users(pods=(pod("web-4", *mounts("data-web-4")),)))) is R.IN_USE


@pytest.mark.parametrize(
    "rest",
    [
        {"sets": (stateful_set("web", 5),)},
        {"sets": (stateful_set("web", 0),)},
        {"autoscalers": (autoscaler("web", 9),)},
        {"users": users(cronjobs=None)},
        {"users": {}},
        {"sets": None},
        {"sets": ()},  # the set is gone: another class, another reason to agree to
    ],
)
def test_another_class_is_another_question(rest: dict[str, Any]) -> None:
    assert reason(again(**rest)) is R.CHANGED


def test_somebody_else_was_faster() -> None:
    assert reason(recheck(BEFORE, estate(), DeletionOptions(), NOW)) is R.GONE
    assert reason(again(claim("data-web-4", uid="made-anew"))) is R.REPLACED
    assert reason(again(claim("data-web-4", deleted=True))) is R.CHANGED


def test_another_fate_is_another_question() -> None:
    item = claim("data-web-4")
    retained = left_behind(4, policy="Retain")[0]
    back = recheck(retained, estate(item, sets=(stateful_set("web", 1),)), DeletionOptions(use=NOBODY_ELSE, destroy_data=True), NOW)
    assert reason(back) is R.FATE_CHANGED
    other = volume(item, uid="another")
    assert reason(again(volumes={item.spec.volume_name: other})) is R.FATE_CHANGED


def test_after_its_volume_was_set_to_retain_only_the_deletion_is_left() -> None:
    """Interrupted between the two, it goes on there."""
    found = again(policy="Retain")
    assert isinstance(found, Deletion)
    assert [type(step) for step in found.steps] == [DeleteClaim] and found.fate is Fate.RETAINED


def test_the_slice_needs_to_hold_only_the_claim_itself() -> None:
    claims = tuple(claim(f"data-web-{at}") for at in range(6))
    whole = estate(*claims, sets=(stateful_set("web", 1),))
    for verdict in judge(whole, NOW):
        alone: ClaimInventory = msgspec.structs.replace(whole, claims=(verdict.claim,))
        assert one(alone).klass is verdict.klass


# --- what an interrupted run left --------------------------------------------------------------------------------------------


def left_retained(at: datetime, of: str = "", run: str = "") -> PersistentVolume:
    """The volume of a claim that a run set to Retain ``at`` that time and then did not delete."""
    (found,) = plan([BEFORE], DeletionOptions(run=run), at).deletions
    retain = found.steps[0]
    assert isinstance(retain, SetRetain)
    return volume(claim("data-web-4", uid=of), "Retain", annotations=retain.annotations)


def test_a_run_that_goes_on_remembers_the_policy_from_before_and_counts_from_now() -> None:
    """Else a restore would leave it at Retain, and a purge by age would destroy it on the day on which its claim was deleted."""
    item = left_retained(NOW - 40 * DAY)
    found = again(volumes={BEFORE.claim.spec.volume_name: item})
    assert isinstance(found, Deletion) and found.fate is Fate.RETAINED
    retain, delete = found.steps
    assert isinstance(retain, SetRetain) and isinstance(delete, DeleteClaim)
    assert retain.before == retain.annotations[POLICY_ANNOTATION] == "Delete"
    assert retain.annotations[RETAINED_ANNOTATION] == "2026-03-01T12:00:00+00:00"


@pytest.mark.parametrize(("holder", "run", "steps"), [("a", "a", [DeleteClaim]), ("a", "b", [SetRetain, DeleteClaim]), ("", "", [SetRetain, DeleteClaim])])
def test_a_volume_that_another_run_holds_is_taken_over_first(holder: str, run: str, steps: list[type]) -> None:
    """Whoever set it to Retain may be about to put that back: it then finds that it holds the volume no more."""
    item = left_retained(NOW - timedelta(minutes=1), run=holder)
    found = again(options=DeletionOptions(run=run), volumes={item.name: item})
    assert isinstance(found, Deletion) and [type(step) for step in found.steps] == steps and found.fate is Fate.RETAINED


def test_a_policy_that_is_set_back_under_our_hands_ends_it() -> None:
    item = left_retained(NOW, run="a")
    back = msgspec.structs.replace(item, spec=msgspec.structs.replace(item.spec, persistent_volume_reclaim_policy="Delete"))
    assert reason(again(options=DeletionOptions(run="a"), volumes={item.name: back})) is R.RETAIN_UNDONE
    assert isinstance(again(options=DeletionOptions(run="b"), volumes={item.name: back}), Deletion)  # another run gave up


@pytest.mark.parametrize(("policy", "destroy", "refused"), [("Delete", False, True), ("Retain", False, True), ("Retain", True, True), ("Delete", True, False)])
def test_a_volume_that_is_being_deleted_keeps_nothing(policy: str, destroy: bool, refused: bool) -> None:
    """It goes with its claim, whatever its policy (StorageObjectInUseProtection); kubernetes/kubernetes#57496."""
    item = claim("data-web-4")
    going = volume(item, policy, deletion_timestamp=NOW)
    (verdict,) = judge(estate(item, volumes={going.name: going}, sets=(stateful_set("web", 1),)), NOW)
    assert verdict.fate is Fate.DESTROYED
    found = plan([verdict], DeletionOptions(use=NOBODY_ELSE, destroy_data=destroy), NOW)
    assert [each.reason for each in found.refused] == ([R.VOLUME_TERMINATING] if refused else [])


def test_notes_of_another_claim_say_nothing_of_this_one() -> None:
    item = left_retained(NOW - 40 * DAY, of="made-anew")
    anew = claim("data-web-4", uid="made-anew")
    assert policy_before(anew, item) == "Retain" and policy_before(claim("data-web-4"), item) == "Delete"
    assert policy_before(claim("data-web-4"), volume(claim("data-web-4"), "Delete")) == "Delete"


# --- snapshots that were taken -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unused", "destroy", "refused"),
    [(-1, True, False), (0, True, False), (1, False, True), (None, False, False), (None, True, True)],
)
def test_a_snapshot_older_than_the_last_use_is_none(unused: int | None, destroy: bool, refused: bool) -> None:
    since = None if unused is None else NOW - 2 * DAY + timedelta(seconds=unused)
    item = claim("data-web-4", unused=Condition(type="Unused", status="True", last_transition_time=since))
    found = recheck(
        BEFORE,
        estate(item, sets=(stateful_set("web", 1),)),
        DeletionOptions(use=NOBODY_ELSE, destroy_data=destroy),
        NOW,
        Taken("data-web-4-x", NOW - 2 * DAY),
    )
    if refused:
        assert reason(found) is NoSnapshot.STALE
    else:
        assert isinstance(found, Deletion)


# --- claims that came back ---------------------------------------------------------------------------------------------------


def test_a_claim_that_came_back_is_judged_as_it_was_before() -> None:
    kept = essence(BEFORE.claim)
    back = claim("data-web-4", made_by=("kubectl-pets",), annotations=kept.metadata.annotations)
    found = judge(estate(back, sets=(stateful_set("web", 1),)), NOW)[0]
    assert found.klass is BEFORE.klass
    assert Evidence(EvidenceKind.CREATED_BY_SET_CONTROLLER, "kube-controller-manager") in found.evidence
    assert essence(back).metadata.annotations == kept.metadata.annotations  # and again, should it be deleted once more


@pytest.mark.parametrize(
    ("makers", "creator"),
    [
        (("kubectl-pets",), ""),  # made from a volume alone: nobody knows
        (("kubectl-pets",), "helm"),
        (("kubectl-client-side-apply",), "kube-controller-manager"),  # a copy of its manifest
        (("kubectl-pets", "helm"), "kube-controller-manager"),
        ((), "kube-controller-manager"),
    ],
)
def test_the_note_of_who_made_it_counts_on_claims_that_we_made_only(makers: tuple[str, ...], creator: str) -> None:
    annotations = {"kubectl-pets/created-by": creator} if creator else {}
    item = claim("data-web-4", made_by=makers, annotations=annotations)
    assert item.metadata.managed_fields == managed(*makers)
    assert judge(estate(item, sets=(stateful_set("web", 1),)), NOW)[0].klass is Class.AMBIGUOUS
    assert "kubectl-pets/created-by" not in essence(item).metadata.annotations
