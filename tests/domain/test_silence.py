"""That nothing has come yet is no evidence before whoever brings it had its turn, however little patience was asked for.

A busy scheduler, controller or binder takes seconds; what is said by somebody (a refusal, an image that is not there) counts at once.
"""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.model import (
    Around,
    ClaimVolume,
    Condition,
    Event,
    ManagedFieldsEntry,
    ObjectMeta,
    ObjectReference,
    PersistentVolumeClaim,
    PersistentVolumeClaimStatus,
    Pod,
    SetView,
    Volume,
)
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.rollout.verdict import Cause, Phase
from kubectl_pets.domain.stepping.deciding import decide
from kubectl_pets.domain.stepping.steps import Goal, Promote, Refused, Restart, RestartPods, RunMemory, Stuck, Unstick
from tests.domain.builders import NEW, NOW, OLD, pod, snapshot, statefulset

IMPATIENT = StuckAfter(time=timedelta(0))


def unscheduled(told: Condition | None) -> Pod:
    made = pod(2, ready=False, phase="Pending", created=NOW)
    conditions = (told,) if told is not None else ()
    spec, status = replace(made.spec, node_name=""), replace(made.status, conditions=conditions, container_statuses=())
    return replace(made, spec=spec, status=status)


def told(message: str) -> Condition:
    return Condition(type="PodScheduled", status="False", reason="Unschedulable", message=message, last_transition_time=NOW)


def with_pod(third: Pod) -> SetView:
    return snapshot(statefulset(), pod(0), pod(1), third)


def waiting_for_its_claim() -> SetView:
    volume = Volume(name="data", persistent_volume_claim=ClaimVolume(claim_name="data-web-2"))
    made = unscheduled(told("0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims."))
    claim = PersistentVolumeClaim(
        metadata=ObjectMeta(name="data-web-2", namespace="prod"), status=PersistentVolumeClaimStatus(phase="Pending")
    )
    return replace(with_pod(replace(made, spec=replace(made.spec, volumes=(volume,)))), claims=(claim,))


def without_pod() -> SetView:
    return replace(snapshot(statefulset(), pod(0), pod(1)), around=Around(events=(), missing_since={"web-2": NOW}))


def not_observed() -> SetView:
    owner = statefulset()
    written = (ManagedFieldsEntry(manager="kubectl", operation="Update", time=NOW),)
    owner = replace(owner, metadata=replace(owner.metadata, generation=9, managed_fields=written))
    return snapshot(owner, pod(0), pod(1), pod(2))


@pytest.mark.parametrize(
    ("view", "cause"),
    [
        (with_pod(unscheduled(None)), Cause.NOT_SCHEDULED),
        (waiting_for_its_claim(), Cause.CLAIM_UNBOUND),
        (without_pod(), Cause.NOT_MADE),
        (not_observed(), Cause.NOT_OBSERVED),
    ],
)
def test_silence_is_given_its_time(view: SetView, cause: Cause) -> None:
    early = assess(view, NOW + timedelta(seconds=14.9), IMPATIENT)
    assert early.phase is not Phase.STUCK and not early.blockers
    late = assess(view, NOW + timedelta(seconds=15), IMPATIENT)
    assert late.phase is Phase.STUCK and [each.cause for each in late.blockers] == [cause]


def stopped_half_way() -> SetView:
    """Every pod is available, web-1 is the next to go, and nothing has been written for half an hour."""
    owner = statefulset()
    written = (ManagedFieldsEntry(manager="kube-controller-manager", operation="Update", time=NOW - timedelta(minutes=30)),)
    owner = replace(owner, metadata=replace(owner.metadata, managed_fields=written))
    return snapshot(owner, pod(0, OLD), pod(1, OLD), pod(2, NEW))


@pytest.mark.parametrize("goal", [RestartPods(pods=("web-1",)), RestartPods(pods=("web-0",)), Restart(at="x"), Unstick(), Promote()])
def test_no_pod_that_serves_goes_where_the_controller_does_nothing(goal: Goal) -> None:
    """It would make none anew, and a pod that is evicted stays away."""
    seen = assess(stopped_half_way(), NOW)
    assert (seen.phase, [each.cause for each in seen.blockers]) == (Phase.STUCK, [Cause.NOT_DELETED])
    decision, _ = decide(goal, seen, NOW, RunMemory())
    assert isinstance(decision, Stuck | Refused) and decision.blockers == seen.blockers


def test_what_is_said_counts_at_once() -> None:
    seen = assess(with_pod(unscheduled(told("0/3 nodes are available: 3 Insufficient memory."))), NOW, IMPATIENT)
    assert seen.phase is Phase.STUCK and [each.cause for each in seen.blockers] == [Cause.UNSCHEDULABLE]


def happened(reason: str, message: str, seconds: float) -> Event:
    about = ObjectReference(kind="Pod", name="web-2", uid=pod(2).metadata.uid)
    return Event(type="Normal", reason=reason, message=message, event_time=NOW + timedelta(seconds=seconds), involved_object=about)


def test_which_image_is_pulled_is_told_until_it_is_there() -> None:
    """The events are all that tells of it (kubernetes/kubernetes#83471)."""
    made = pod(2, ready=False, phase="Pending", created=NOW)
    view = with_pod(replace(made, status=replace(made.status, container_statuses=())))
    begun = happened("Pulling", 'Pulling image "db:2"', 1)
    there = happened("Pulled", 'Successfully pulled image "db:2" in 2h0m0s', 7200)
    for events, message in (((begun,), 'Pulling image "db:2"'), ((there, begun), ""), ((), "")):
        seen = assess(replace(view, around=Around(events=events)), NOW + timedelta(hours=3))
        assert seen.members[2].message == message and seen.phase is Phase.PROGRESSING
