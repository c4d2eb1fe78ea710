"""Resizing: how far a claim is, by the states that the real resizer leaves (csi-resizer 2.3.0, Kubernetes 1.37.2; tests/controlplane
plays them again), what the plan says, and every reason that speaks against it. Plans are tried on a simulated API server."""

from collections.abc import Iterable
from datetime import timedelta
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kubectl_pets.domain.claims.growth import NODE_PATIENCE, GrowthStage, Modification, growth, modification, retried
from kubectl_pets.domain.claims.quantities import parse_bytes
from kubectl_pets.domain.model import (
    Condition,
    Event,
    ModifyVolumeStatus,
    ObjectMeta,
    ObjectReference,
    OwnerReference,
    PersistentVolumeClaim,
)
from kubectl_pets.domain.resize.types import (
    ResizePlan,
    ResizeRefusedReason,
    ResizeSkip,
    ResourceQuota,
    ResourceQuotaSpec,
    Skipped,
    VolumeAttributesClass,
)
from tests.domain.builders import NEW, NOW, OLD, pod, snapshot, statefulset
from tests.domain.examples import cases
from tests.domain.resize import FAST, FIXED, GIB, around, at_rest, claim, condition, other_set, planned, quota, template

IN_PROGRESS, NODE_PENDING = "ControllerResizeInProgress", "NodeResizePending"
RESIZING = condition("Resizing")
IN_USE = 'rpc error: code = FailedPrecondition desc = v-1 is in use by web-1; it expands offline only'


# --- one claim ---------------------------------------------------------------------------------------------------------------


def stage(of: PersistentVolumeClaim, wanted: int = 20 * GIB, *, in_use: bool = True) -> GrowthStage:
    return growth(of, wanted, in_use=in_use, now=NOW, patience=NODE_PATIENCE).stage


def growing(has: str = "10Gi", state: str = "", *conditions: Condition) -> PersistentVolumeClaim:
    return claim(1, "20Gi", has, state=state, granted="20Gi", conditions=conditions)


LONG_PENDING = condition("FileSystemResizePending", since=NOW - NODE_PATIENCE)


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (claim(1), GrowthStage.NOT_ASKED),
        (growing("20Gi"), GrowthStage.DONE),
        # Drivers round up, and one that was lowered while the node was at it keeps what it got: more than asked for, for ever.
        (growing("32Gi"), GrowthStage.DONE),
        # Nobody has looked at the claim yet.
        (growing(), GrowthStage.WORKING),
        (growing("10Gi", IN_PROGRESS, RESIZING), GrowthStage.WORKING),
        # Servers before 1.32 have no states.
        (growing("10Gi", "", RESIZING), GrowthStage.WORKING),
        (growing("10Gi", IN_PROGRESS, RESIZING, condition("ControllerResizeError", "code = Unavailable")), GrowthStage.RETRYING),
        (growing("10Gi", IN_PROGRESS, RESIZING, condition("ControllerResizeError", IN_USE)), GrowthStage.NEEDS_RESTART),
        (growing("10Gi", NODE_PENDING, RESIZING, condition("FileSystemResizePending")), GrowthStage.WORKING),
        (growing("10Gi", NODE_PENDING, RESIZING, LONG_PENDING), GrowthStage.NEEDS_RESTART),
        (growing("10Gi", "", LONG_PENDING), GrowthStage.NEEDS_RESTART),
        (growing("10Gi", "NodeResizeInProgress", RESIZING), GrowthStage.WORKING),
        # It has begun, however late, and the condition stays until it is through.
        (growing("10Gi", "NodeResizeInProgress", RESIZING, LONG_PENDING), GrowthStage.WORKING),
        (growing("10Gi", "NodeResizeInProgress", LONG_PENDING, condition("NodeResizeError", "code = Internal")), GrowthStage.RETRYING),
        (growing("10Gi", "NodeResizeInProgress", condition("FileSystemResizePending"), condition("NodeResizeError", IN_USE)), GrowthStage.NEEDS_RESTART),
        (growing("10Gi", "ControllerResizeInfeasible", RESIZING, condition("ControllerResizeError", "too much")), GrowthStage.INFEASIBLE),
        (growing("10Gi", "NodeResizeInfeasible", RESIZING), GrowthStage.INFEASIBLE),
        # What it was called before 1.31.
        (growing("10Gi", "ControllerResizeFailed"), GrowthStage.INFEASIBLE),
        (growing("10Gi", "NodeResizeFailed"), GrowthStage.INFEASIBLE),
        # The size is there and the driver goes on: it is not done.
        (growing("20Gi", IN_PROGRESS), GrowthStage.WORKING),
        (growing("20Gi", "", RESIZING), GrowthStage.WORKING),
        # A condition that does not hold is none.
        (growing("20Gi", "", Condition(type="Resizing", status="False")), GrowthStage.DONE),
    ],
)
def test_how_far_a_claim_is(of: PersistentVolumeClaim, expected: GrowthStage) -> None:
    assert stage(of) is expected


def test_without_a_pod_the_node_has_nothing_to_do_and_nothing_is_in_use() -> None:
    assert stage(growing("10Gi", NODE_PENDING, RESIZING, LONG_PENDING), in_use=False) is GrowthStage.NEEDS_POD
    refused = growing("10Gi", IN_PROGRESS, condition("ControllerResizeError", IN_USE))
    assert stage(refused, in_use=False) is GrowthStage.RETRYING


def test_why_it_stands_still_is_in_the_driver_s_words() -> None:
    since = NOW - timedelta(minutes=3)
    error = condition("ControllerResizeError", "the pool has no 20Gi", since)
    found = growth(growing("10Gi", "ControllerResizeInfeasible", RESIZING, error), 20 * GIB, in_use=True, now=NOW, patience=NODE_PATIENCE)
    assert (found.message, found.since, found.has, found.asks) == ("the pool has no 20Gi", since, 10 * GIB, 20 * GIB)
    offline = growth(growing("10Gi", IN_PROGRESS, condition("ControllerResizeError", IN_USE)), 1, in_use=True, now=NOW, patience=NODE_PATIENCE)
    assert offline.offline


def modifying(status: str, target: str = "gold") -> ModifyVolumeStatus:
    return ModifyVolumeStatus(status=status, target_volume_attributes_class_name=target)


@pytest.mark.parametrize(
    ("asked", "status", "expected"),
    [
        ("bronze", {}, Modification.NOT_ASKED),
        ("gold", {"current_volume_attributes_class_name": "gold"}, Modification.DONE),
        ("gold", {"current_volume_attributes_class_name": "bronze"}, Modification.WORKING),
        ("gold", {"modify_volume_status": modifying("InProgress")}, Modification.WORKING),
        ("gold", {"modify_volume_status": modifying("Pending")}, Modification.PENDING),
        ("gold", {"modify_volume_status": modifying("Infeasible")}, Modification.INFEASIBLE),
        ("gold", {"modify_volume_status": modifying("Later")}, Modification.WORKING),
        ("gold", {"modify_volume_status": modifying("Infeasible", "silver")}, Modification.WORKING),
        ("gold", {"modify_volume_status": modifying("Pending", "silver")}, Modification.PENDING),
        ("gold", {"modify_volume_status": modifying("Infeasible", "silver"), "current_volume_attributes_class_name": "gold"}, Modification.WORKING),
    ],
)
def test_how_far_an_attributes_class_is(asked: str, status: dict[str, Any], expected: Modification) -> None:
    assert modification(claim(1, attributes=asked, **status), "gold") is expected


@pytest.mark.parametrize(
    ("reason", "uid", "ago", "told"),
    [
        ("VolumeResizeFailed", "claim-1", 5, GrowthStage.RETRYING),
        ("VolumeResizeFailed", "claim-of-before", 5, GrowthStage.WORKING),
        ("Resizing", "claim-1", 5, GrowthStage.WORKING),
        ("VolumeResizeFailed", "claim-1", 500, GrowthStage.WORKING),
    ],
)
def test_an_error_that_may_pass_is_told_by_events_alone(reason: str, uid: str, ago: int, told: GrowthStage) -> None:
    """As csi-resizer 2.3.0 leaves it: the condition Resizing, a Warning event for each try, and no other condition."""
    of = growing("10Gi", IN_PROGRESS, condition("Resizing", since=NOW - timedelta(seconds=60)))
    found = growth(of, 20 * GIB, in_use=True, now=NOW, patience=NODE_PATIENCE)
    when = NOW - timedelta(seconds=ago)
    about = ObjectReference(kind="PersistentVolumeClaim", name=of.name, uid=uid)
    event = Event(type="Warning", reason=reason, message="the storage is away", last_timestamp=when, involved_object=about)
    seen = retried(found, of, (event,))
    assert seen.stage is told and ("away" in seen.message) is (told is GrowthStage.RETRYING)
    assert retried(found, of, None) == found and retried(replace(found, stage=GrowthStage.DONE), of, (event,)).stage is GrowthStage.DONE


# --- the plan ----------------------------------------------------------------------------------------------------------------


def reasons(found: ResizePlan) -> list[ResizeRefusedReason]:
    return [each.reason for each in found.refused]


def three(**how: Any) -> tuple[PersistentVolumeClaim, ...]:
    return tuple(claim(each, **how) for each in range(3))


def test_every_claim_in_range_the_highest_ordinal_first() -> None:
    found = planned("20Gi", around(*three(), claim(3), claim(7), claim(0, template="logs")))
    assert not found.refused and not found.skipped and not found.done
    assert [(each.claim, each.pod, each.growth.has, each.then) for each in found.claims] == [
        (f"data-web-{each}", f"web-{each}", 10 * GIB, 20 * GIB) for each in (2, 1, 0)
    ]
    first = found.claims[0]
    assert (first.storage_class, first.provisioner, first.expandable, first.reclaim_policy, first.in_use) == ("fast", "csi.example", True, "Delete", True)
    assert [each.claim for each in found.leftovers] == ["data-web-3", "data-web-7"]
    assert found.template_differs and found.template_text == "10Gi" and found.to_change == found.claims


def test_of_which_there_is_no_claim_yet_gets_one_at_the_template_s_size() -> None:
    found = planned("20Gi", around(claim(0), claim(2)))
    assert found.unmade == ("web-1",) and [each.ordinal for each in found.claims] == [2, 0]


def test_a_million_replicas_cost_nothing() -> None:
    owner = statefulset(replicas=1_000_000, current=NEW, claims=("data",))
    found = planned("20Gi", around(claim(0)), snapshot(owner, pod(0, NEW)))
    assert found.unmade == ("web-1..web-999999",)


def test_what_has_the_size_is_done_whoever_did_it() -> None:
    found = planned("20Gi", around(*three(asks="20Gi"), templates=(template(size="20Gi"),)))
    assert found.done and not found.to_change and not found.template_differs
    assert not planned("20Gi", around(*three(asks="20Gi"))).claims[0].changes


def test_one_that_is_larger_already_because_its_driver_rounds_up_may_be_asked_for_more() -> None:
    assert planned("12Gi", around(*three(has="16Gi"))).refused == ()
    assert planned("10Gi", around(*three(has="16Gi"))).done


def test_a_failed_expansion_may_be_made_smaller_but_not_taken_back() -> None:
    stuck = three(asks="50Gi", has="10Gi", state="ControllerResizeInfeasible")
    found = planned("20Gi", around(*stuck))
    assert not found.refused and len(found.to_change) == 3
    assert [(each.reason, each.limit) for each in planned("10Gi", around(*stuck)).refused] == [(ResizeRefusedReason.TAKES_BACK, 10 * GIB)]
    assert [(each.reason, each.limit) for each in planned("5Gi", around(*stuck)).refused] == [(ResizeRefusedReason.SHRINKS, 10 * GIB)]


def test_which_template_is_meant() -> None:
    two = (template(), template("logs"))
    assert [(each.reason, each.subject) for each in planned("20Gi", around(*three(), templates=two)).refused] == [
        (ResizeRefusedReason.WHICH_TEMPLATE, "data, logs")
    ]
    assert planned("20Gi", around(*three(), templates=two), template="data").template == "data"
    assert reasons(planned("20Gi", around(*three()), template="nosuch")) == [ResizeRefusedReason.UNKNOWN_TEMPLATE]
    assert reasons(planned("20Gi", around(templates=()))) == [ResizeRefusedReason.NO_TEMPLATES]


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (at_rest(deleting=True), ResizeRefusedReason.DELETING),
        (at_rest(observed=1), ResizeRefusedReason.NOT_OBSERVED),
        (at_rest(labels={"leaderworkerset.sigs.k8s.io/name": "lws"}), ResizeRefusedReason.LEADER_WORKER_SET),
        (snapshot(statefulset(claims=("data",)), pod(0, OLD), pod(1, OLD), pod(2, NEW)), ResizeRefusedReason.UNDER_WAY),
        # OnDelete with outdated pods.
        (snapshot(statefulset(strategy="OnDelete", current=NEW), pod(0, OLD), pod(1, NEW), pod(2, NEW)), ResizeRefusedReason.UNDER_WAY),
        (replace(at_rest(), pods=None), ResizeRefusedReason.PODS_UNREADABLE),
    ],
)
def test_a_set_that_is_not_at_rest(view: Any, expected: ResizeRefusedReason) -> None:
    assert expected in reasons(planned("20Gi", around(*three()), view))


def test_an_operator_s_set_or_claim_needs_its_operator_paused() -> None:
    controller = OwnerReference(kind="Cluster", name="pg", uid="cluster-1", controller=True)
    view = at_rest()
    assert view.set is not None
    owned = replace(view, set=replace(view.set, metadata=replace(view.set.metadata, owner_references=(controller,))))
    assert [(each.reason, each.subject) for each in planned("20Gi", around(*three()), owned).refused] == [(ResizeRefusedReason.OPERATOR, "Cluster/pg")]
    theirs = around(claim(0), claim(1, meta={"owner_references": (controller,)}), claim(2))
    assert [each.claims for each in planned("20Gi", theirs).refused] == [("data-web-1",)]
    for surroundings, seen in ((theirs, view), (around(*three()), owned)):
        assert not planned("20Gi", surroundings, seen, operator_paused=True).refused
    own = OwnerReference(kind="StatefulSet", name="web", uid=view.set.metadata.uid, controller=True)
    condemned = OwnerReference(kind="Pod", name="web-2", uid="pod-2", controller=True)
    kept = around(claim(0, meta={"owner_references": (own,)}), claim(2, meta={"owner_references": (condemned,)}))
    assert not planned("20Gi", kept).refused


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"meta": {"deletion_timestamp": NOW}}, ResizeRefusedReason.TERMINATING),
        ({"phase": "Pending"}, ResizeRefusedReason.UNBOUND),
        ({"phase": "Lost"}, ResizeRefusedReason.UNBOUND),
        ({"storage_class": "fixed"}, ResizeRefusedReason.CLASS_FIXED),
        ({"storage_class": "nosuch"}, ResizeRefusedReason.CLASS_GONE),
        ({"storage_class": ""}, ResizeRefusedReason.CLASS_GONE),
    ],
)
def test_a_claim_that_cannot_grow(how: dict[str, Any], expected: ResizeRefusedReason) -> None:
    found = planned("20Gi", around(claim(0), claim(1, **how), claim(2)))
    assert [(each.reason, each.claims) for each in found.refused] == [(expected, ("data-web-1",))]


def test_what_was_admitted_needs_no_class_any_more() -> None:
    assert not planned("20Gi", around(*three(asks="20Gi", storage_class="fixed"))).refused


def test_names_that_another_set_makes_as_well() -> None:
    """kubernetes/kubernetes#41153"""
    view = at_rest(name="b-web", claims=("data",))
    petset = other_set("web", "data-b")
    claims = (claim(0, template="data-b"),)
    found = planned("20Gi", around(*claims, sets=(petset,)), view)
    assert [(each.reason, each.subject) for each in found.refused] == [(ResizeRefusedReason.AMBIGUOUS, "StatefulSet/web")]
    assert not planned("20Gi", around(*three(), sets=(other_set("other", "data"),))).refused


def test_a_quota_has_to_hold_all_of_them() -> None:
    """Each alone would be admitted, and the run would stop half-way."""
    tight, loose = quota(hard="59Gi", used="30Gi"), quota(hard="60Gi", used="30Gi")
    assert [(each.reason, each.subject, each.limit) for each in planned("20Gi", around(*three(), quotas=(tight,))).refused] == [
        (ResizeRefusedReason.QUOTA, "team (requests.storage)", 29 * GIB)
    ]
    found = planned("20Gi", around(*three(), quotas=(loose,)))
    assert not found.refused and [(each.left, each.needed) for each in found.quotas] == [(30 * GIB, 30 * GIB)]
    of_class = quota("fast.storageclass.storage.k8s.io/requests.storage", hard="40Gi", used="30Gi")
    assert reasons(planned("20Gi", around(*three(), quotas=(of_class,)))) == [ResizeRefusedReason.QUOTA]
    other = quota("slow.storageclass.storage.k8s.io/requests.storage", hard="1Gi", used="1Gi")
    assert not planned("20Gi", around(*three(), quotas=(other,))).refused
    # Lowered below what is there: it lets through what takes nothing of it.
    grown = (claim(each, "20Gi", "20Gi") for each in range(3))
    assert not planned("20Gi", around(*grown, quotas=(quota(hard="40Gi", used="60Gi"),))).refused


def test_what_a_quota_has_granted_already_is_not_counted_again() -> None:
    granted = three(asks="12Gi", has="10Gi", granted="18Gi", state=NODE_PENDING)
    assert planned("20Gi", around(*granted, quotas=(quota(hard="60Gi", used="54Gi"),))).quotas[0].needed == 6 * GIB


def test_what_could_not_be_read_is_said_and_not_guessed() -> None:
    scoped = ResourceQuota(metadata=ObjectMeta(name="scoped"), spec=ResourceQuotaSpec(scopes=("NotTerminating",)))
    found = planned("20Gi", around(*three(), volumes=None, storage_classes=None, quotas=None, sets=None))
    assert not found.refused and found.claims[0].expandable is None and found.claims[0].reclaim_policy == ""
    assert {each.what for each in found.skipped} == {Skipped.VOLUMES, Skipped.STORAGE_CLASSES, Skipped.QUOTAS, Skipped.SETS}
    assert planned("20Gi", around(*three(), quotas=(scoped,))).skipped == (ResizeSkip(Skipped.SCOPED_QUOTA, "scoped"),)
    assert planned("20Gi", around(*three()), attributes_class="gold").skipped == (ResizeSkip(Skipped.ATTRIBUTES_CLASS),)
    assert reasons(planned("20Gi", around(*three(), claims=None))) == [ResizeRefusedReason.CLAIMS_UNREADABLE]


def test_an_attributes_class_has_to_be_there_and_of_the_driver() -> None:
    """One that does not exist is accepted without a word (Kubernetes 1.37.2)."""

    def asked(**more: Any) -> ResizePlan:
        return planned("20Gi", around(*three(), attributes_class_read=True, **more), attributes_class="gold")

    assert reasons(asked()) == [ResizeRefusedReason.ATTRIBUTES_CLASS_UNKNOWN]
    assert reasons(asked(attributes_class=VolumeAttributesClass(driver_name="other"))) == [ResizeRefusedReason.ATTRIBUTES_CLASS_FOREIGN]
    found = asked(attributes_class=VolumeAttributesClass(driver_name="csi.example"))
    assert not found.refused and all(each.modification is Modification.NOT_ASKED for each in found.claims)


# --- against a simulated API server ------------------------------------------------------------------------------------------


class Refused(Exception):
    """By admission or validation."""


class Server:
    """Validation, admission and quota for a claim's request, as of Kubernetes 1.37 (ValidatePersistentVolumeClaimUpdate,
    PersistentVolumeClaimResize, the quota evaluator of claims)."""

    def __init__(self, claims: Iterable[PersistentVolumeClaim], quotas: Iterable[ResourceQuota]) -> None:
        self.claims = {each.name: each for each in claims}
        self.left = {
            resource: (parse_bytes(hard) or 0) - (parse_bytes(each.status.used[resource]) or 0)
            for each in quotas
            for resource, hard in each.status.hard.items()
        }

    def ask(self, name: str, size: str) -> None:
        before = self.claims[name]
        wanted, asks, has = (parse_bytes(each) or 0 for each in (size, before.spec.resources.requests["storage"], before.status.capacity["storage"]))
        if before.status.phase != "Bound":
            raise Refused("spec is immutable")
        if wanted < asks and wanted <= has:
            raise Refused("field can not be less than status.capacity")
        if wanted > asks and before.spec.storage_class_name != "fast":
            raise Refused("only dynamically provisioned pvc can be resized")
        granted = parse_bytes(before.status.allocated_resources.get("storage")) or 0
        more = max(wanted, granted) - max(asks, granted)
        for resource in ("requests.storage", f"{before.spec.storage_class_name}.storageclass.storage.k8s.io/requests.storage"):
            if more > 0 and more > self.left.get(resource, more):
                raise Refused("exceeded quota")
        for resource in self.left:
            if resource in ("requests.storage", f"{before.spec.storage_class_name}.storageclass.storage.k8s.io/requests.storage"):
                self.left[resource] -= max(0, more)  # what is given back the quota controller counts later
        self.claims[name] = replace(before, spec=replace(before.spec, resources=replace(before.spec.resources, requests={"storage": size})))


def _world(random: Random) -> tuple[tuple[PersistentVolumeClaim, ...], tuple[ResourceQuota, ...]]:
    def one(ordinal: int) -> PersistentVolumeClaim:
        asks, has = sorted((random.randint(1, 9), random.randint(1, 9)), reverse=random.random() < 0.9)
        return claim(
            ordinal,
            f"{asks}Gi",
            f"{has if random.random() < 0.4 else asks}Gi",
            granted=random.choice(("", "", f"{asks}Gi", f"{asks + 2}Gi")),
            state=random.choice(("", "", IN_PROGRESS, NODE_PENDING, "ControllerResizeInfeasible")),
            storage_class=random.choice(("fast",) * 8 + ("fixed",)),
            phase=random.choice(("Bound",) * 12 + ("Pending",)),
        )

    quotas = tuple(
        quota(resource, hard=f"{random.randint(20, 40)}Gi", used="20Gi", name=f"quota-{number}")
        for number, resource in enumerate(
            random.sample(("requests.storage", "fast.storageclass.storage.k8s.io/requests.storage"), random.randint(0, 2))
        )
    )
    return tuple(one(each) for each in range(random.randint(1, 4))), quotas


@cases(1500)
@given(seed=st.integers(0, 2**64))
def test_a_plan_is_refused_exactly_where_the_server_would_refuse_one_of_its_changes(seed: int) -> None:
    random = Random(seed)
    claims, quotas = _world(random)
    size = f"{random.randint(1, 12)}Gi"
    found = planned(size, around(*claims, quotas=quotas), at_rest(replicas=len(claims)))
    server = Server(claims, quotas)
    try:
        for each in found.to_change:
            server.ask(each.claim, size)
        admitted = all(each.status.phase == "Bound" for each in claims)
    except Refused:
        admitted = False
    assert admitted is not bool(found.refused), found.refused
    if admitted:
        assert {each.spec.resources.requests["storage"] for each in server.claims.values()} <= {size, *(
            each.spec.resources.requests["storage"] for each in claims if parse_bytes(each.spec.resources.requests["storage"]) == parse_bytes(size)
        )}


@cases(500)
@given(seed=st.integers(0, 2**64))
def test_nothing_that_a_cluster_may_hold_breaks_it(seed: int) -> None:
    """Numbers, odd states, missing parts: whatever decodes is planned with, and a claim without a size is never called done."""
    random = Random(seed)
    odd = ("", "20Gi", 20, "many", -1, None, "1E400", True)
    raw = {
        "metadata": {"name": "data-web-0", "namespace": "prod"},
        "spec": {"resources": {"requests": {"storage": random.choice(odd)}}, "storageClassName": random.choice((None, "fast", ""))},
        "status": {
            "phase": random.choice(("Bound", "", "Odd")),
            "capacity": {"storage": random.choice(odd)},
            "allocatedResources": {"storage": random.choice(odd)},
            "allocatedResourceStatuses": {"storage": random.choice(("", "Odd", NODE_PENDING))},
            "conditions": [{"type": random.choice(("Resizing", "FileSystemResizePending", "Odd")), "status": random.choice(("True", "False", ""))}],
        },
    }
    made = msgspec.convert(raw, PersistentVolumeClaim)
    found = planned("20Gi", around(made, quotas=(quota(hard="many", used=""),)), at_rest(replicas=1))
    if found.done:
        assert made.status.capacity["storage"] in ("20Gi", "1E400") and made.status.phase == "Bound"


def test_classes_are_as_the_server_sends_them() -> None:
    assert (FAST.allow_volume_expansion, FIXED.allow_volume_expansion) == (True, False)
    sent = b'{"metadata":{"name":"fast"},"provisioner":"csi.example","allowVolumeExpansion":true}'
    assert msgspec.json.decode(sent, type=type(FAST)) == FAST
