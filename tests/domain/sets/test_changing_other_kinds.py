"""What is decided about Advanced StatefulSets of OpenKruise, from scenes that their real controller left, and about PingCAP's, from
the same with another name."""

import json
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.changes import PatchSet
from kubectl_pets.domain.model import StatefulSet
from kubectl_pets.domain.rollout.assessing import RESUME_ANNOTATION, assess
from kubectl_pets.domain.rollout.members import PodState
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.scale.plan import change, target
from kubectl_pets.domain.scale.types import Wish
from kubectl_pets.domain.sets.kinds import KRUISE_SET, PINGCAP_SET
from kubectl_pets.domain.stepping.deciding import after, begins, decide
from kubectl_pets.domain.stepping.moves import revision_if_recreated
from kubectl_pets.domain.stepping.patches import change_for
from kubectl_pets.domain.stepping.planning import plan
from kubectl_pets.domain.stepping.steps import (
    Abort,
    Act,
    Amount,
    Canary,
    Decision,
    Done,
    DoneReason,
    Goal,
    Overtaken,
    OvertakenReason,
    Partition,
    Pause,
    Promote,
    Refused,
    RefusedReason,
    RestartPods,
    Resume,
    Run,
    RunMemory,
    SetPartition,
    StepOn,
    Unstick,
)
from tests.domain.sets import scenes

Change = dict[str, Any]


def rolling(annotations: dict[str, str] | None = None, **values: Any) -> Any:
    """The set with other values of rollingUpdate, or without (None), and with annotations."""

    def change(item: Change) -> None:
        if item["kind"] == "StatefulSet":
            strategy = item["spec"]["updateStrategy"]["rollingUpdate"]
            strategy.update(values)
            for key in [key for key, value in strategy.items() if value is None]:
                del strategy[key]
            item["metadata"].setdefault("annotations", {}).update(annotations or {})

    return change


def judged(name: str, change: Any = None) -> tuple[Assessment, Any, StatefulSet]:
    view, now = scenes.look(name, change)
    assert view.set is not None
    return assess(view, now), now, view.set


def decided(goal: Goal, name: str, change: Any = None, memory: RunMemory = RunMemory()) -> tuple[Decision, RunMemory]:
    seen, now, _ = judged(name, change)
    return decide(goal, seen, now, memory)


OURS = {RESUME_ANNOTATION: "0"}


def test_a_pause_raises_the_partition_and_stops_updates_in_one_change() -> None:
    """``paused`` alone lets a lost pod come back new (scene "paused"), so it is never set without the partition."""
    seen, now, owner = judged("canary", rolling(partition=0))
    decision, _ = decide(Pause(), seen, now, RunMemory())
    assert isinstance(decision, Act) and isinstance(decision.step, SetPartition)
    assert (decision.step.partition, decision.step.paused) == (3, True)
    patch = change_for(decision.step, owner, seen)
    assert isinstance(patch, PatchSet) and patch.kind is KRUISE_SET
    written = {operation.path: operation.value for operation in patch.operations if operation.op == "add"}
    assert written["/spec/updateStrategy/rollingUpdate/partition"] == 3
    assert written["/spec/updateStrategy/rollingUpdate/paused"] is True


def test_resume_takes_both_back() -> None:
    decision, _ = decided(Resume(), "canary", rolling(OURS, partition=3, paused=True))
    assert isinstance(decision, Act) and isinstance(decision.step, SetPartition)
    assert (decision.step.partition, decision.step.paused) == (0, False)


def test_resume_ends_a_pause_of_somebody_else_where_its_partition_is() -> None:
    decision, _ = decided(Resume(), "canary", rolling(partition=2, paused=True))
    assert isinstance(decision, Act) and isinstance(decision.step, SetPartition)
    assert (decision.step.partition, decision.step.paused) == (2, False)


FORWARD: tuple[Goal, ...] = (StepOn(), Promote(), Run(), Canary(pods=Amount(2)))


@pytest.mark.parametrize("goal", FORWARD)
def test_going_on_from_a_pause_of_ours_ends_it_with_the_step(goal: Goal) -> None:
    """What is released is what the step says, not what the end of the pause would let go."""
    decision, memory = decided(goal, "canary", rolling(OURS, partition=3, paused=True))
    assert isinstance(decision, Act) and isinstance(decision.step, SetPartition)
    assert decision.step.paused is False and decision.step.partition < 3
    careful, _ = decided(goal, "canary", rolling(OURS, partition=3, paused=True), RunMemory(careful=True))
    assert isinstance(careful, Act) and isinstance(careful.step, SetPartition)
    assert (careful.step.partition, careful.step.paused) == (2, False)
    now_at = rolling(OURS, partition=decision.step.partition, paused=True)
    again, _ = decided(goal, "canary", now_at, after(decision, memory))
    assert again == Overtaken(reason=OvertakenReason.UPDATES_PAUSED)  # who sets it now is somebody else


@pytest.mark.parametrize(
    "goal", [*FORWARD, Unstick(), RestartPods(pods=("db-0",)), Partition(partition=1)], ids=lambda goal: type(goal).__name__
)
def test_a_pause_of_somebody_else_refuses_what_goes_on(goal: Goal) -> None:
    decision, _ = decided(goal, "canary", rolling(partition=3, paused=True))
    assert decision == Refused(reason=RefusedReason.UPDATES_PAUSED)


def test_a_pause_in_the_middle_ends_the_verb() -> None:
    _, memory = decided(Run(), "canary", rolling(partition=3))
    decision, _ = decided(Run(), "canary", rolling(partition=3, paused=True), memory)
    assert decision == Overtaken(reason=OvertakenReason.UPDATES_PAUSED)


@pytest.mark.parametrize("values", [{}, {"paused": True}])
def test_an_abort_does_without_the_pause(values: Change) -> None:
    decision, _ = decided(Abort(), "canary", rolling(partition=3, **values))
    assert isinstance(decision, Act) and isinstance(decision.step, SetPartition)
    assert decision.step.partition == 4 and decision.step.paused not in (True, False)


def test_a_plan_from_a_pause_comes_to_its_end() -> None:
    seen, now, _ = judged("canary", rolling(OURS, partition=3, paused=True))
    assert plan(Promote(), seen, now).ending == Done(reason=DoneReason.COMPLETE)


# --- where the controller chooses --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("goal", [StepOn(), Run(), Canary(), Partition(partition=1)], ids=lambda goal: type(goal).__name__)
def test_an_order_is_not_promised(goal: Goal) -> None:
    assert decided(goal, "unordered", rolling(partition=3))[0] == Refused(reason=RefusedReason.UNORDERED)


def test_all_at_once_is_no_order() -> None:
    decision, _ = decided(Promote(), "unordered")
    assert isinstance(decision, Act) and isinstance(decision.step, SetPartition) and decision.step.partition == 0
    assert decided(Promote(), "unordered", None, RunMemory(careful=True))[0] == Refused(reason=RefusedReason.UNORDERED)


def test_what_a_pod_comes_back_at_is_counted() -> None:
    """isCurrentRevisionNeeded: current while fewer of the other pods are old than the partition says."""
    seen, _, _ = judged("unordered")
    old = [member for member in seen.members if member.outdated]
    new = [member for member in seen.members if member.updated]
    assert len(old) == seen.partition and new
    assert {revision_if_recreated(member, seen) for member in old} == {seen.before.held}
    assert {revision_if_recreated(member, seen) for member in new} == {seen.update_revision}


def test_a_pause_holds_as_many_as_are_old() -> None:
    decision, _ = decided(Pause(), "unordered", rolling(partition=0))
    seen, _, _ = judged("unordered")
    assert isinstance(decision, Act) and isinstance(decision.step, SetPartition)
    assert decision.step.partition == sum(member.outdated for member in seen.members) and decision.step.paused is True


# --- in place ----------------------------------------------------------------------------------------------------------------


def healing(item: Change) -> None:
    """The template was put back: the controller has changed the image of a pod whose image could not be pulled, and its kubelet has
    not looked yet."""
    if item["kind"] == "Pod" and item["metadata"]["name"] == "db-4":
        (container,), (status,) = item["spec"]["containers"], item["status"]["containerStatuses"]
        state = {
            "revision": "db-back",
            "updateTimestamp": "2026-11-26T11:59:00Z",
            "updateImages": True,
            "lastContainerStatuses": {container["name"]: {"imageID": status.get("imageID", "")}},
        }
        item["metadata"]["annotations"]["apps.kruise.io/inplace-update-state"] = json.dumps(state)
        container["image"] = "registry.test/db:1"


def test_an_old_image_that_cannot_be_pulled_says_nothing_of_the_new_one() -> None:
    seen, _, _ = judged("in-place-broken")
    broken = next(member for member in seen.members if member.state is PodState.FAILING)
    assert broken.name == "db-4"
    seen, _, _ = judged("in-place-broken", healing)
    assert next(member for member in seen.members if member.name == "db-4").state is PodState.STARTING


def test_patience_with_a_pod_begins_where_it_was_updated() -> None:
    seen, _, _ = judged("in-place-running")
    updated = [member for member in seen.members if member.updated]
    assert updated and all(member.begun and member.created and member.begun > member.created + timedelta(0) for member in updated)


# --- scale -------------------------------------------------------------------------------------------------------------------


def test_an_ordinal_that_goes_is_left_out_in_one_change() -> None:
    seen, _, owner = judged("reserved")
    assert target(owner, seen.slots, Wish(remove=(3,))) == (3, (3,))
    assert target(owner, seen.slots, Wish(remove=(1, 3, 3))) == (3, (3,))  # 1 is left out already
    assert target(owner, seen.slots, Wish(remove=(7,))) == 7
    patch = change(owner, 3, (3,))
    assert patch.kind is KRUISE_SET
    assert {operation.path: operation.value for operation in patch.operations[2:]} == {
        "/spec/replicas": 3,
        "/spec/reserveOrdinals": [1, "5-6", 3],
    }


# --- PingCAP's ---------------------------------------------------------------------------------------------------------------


def pingcap(annotations: dict[str, str], partition: int = 0, image: str = "") -> Any:
    def change(item: Change) -> None:
        if item["kind"] == "StatefulSet":
            item["apiVersion"] = "apps.pingcap.com/v1"
            item["metadata"]["annotations"] = annotations
            item["spec"].pop("reserveOrdinals", None)
            item["spec"]["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}}

    return change


STOPPED = {"paused-reconcile": "true"}

EVERY: tuple[Goal, ...] = (*FORWARD, Partition(partition=2), Pause(), Abort(), Unstick(), RestartPods(pods=("db-0",)))


@pytest.mark.parametrize("goal", EVERY)
def test_nothing_is_changed_while_its_controller_is_stopped(goal: Goal) -> None:
    """What is deleted then is not made anew."""
    decision, memory = decided(goal, "canary", pingcap(STOPPED, 3))
    assert decision == Refused(reason=RefusedReason.UPDATES_PAUSED)
    ours, _ = decided(goal, "canary", pingcap({**STOPPED, **OURS}, 3))
    assert ours == decision  # a note of our own pause does not make that stop ours
    meanwhile, _ = decided(goal, "canary", pingcap(STOPPED, 3), replace(memory, changed=True, stopped=False))
    assert meanwhile == Overtaken(reason=OvertakenReason.UPDATES_PAUSED)


@pytest.mark.parametrize(("notes", "partition"), [({}, 3), (OURS, 0)])
def test_resume_lets_its_controller_go_on_and_puts_our_partition_back(notes: dict[str, str], partition: int) -> None:
    seen, now, owner = judged("canary", pingcap({**STOPPED, **notes}, 3))
    decision, _ = decide(Resume(), seen, now, RunMemory())
    assert isinstance(decision, Act) and isinstance(decision.step, SetPartition)
    patch = change_for(decision.step, owner, seen)
    assert isinstance(patch, PatchSet)
    written = {(operation.op, operation.path): operation.value for operation in patch.operations}
    assert ("remove", "/metadata/annotations/paused-reconcile") in written
    assert written["add", "/spec/updateStrategy/rollingUpdate/partition"] == partition
    assert plan(Resume(), seen, now).ending == Done(reason=DoneReason.RESUMED)


def test_what_was_wanted_while_its_controller_was_stopped_is_no_promise() -> None:
    """Its status is as old as that: once it goes on another revision may be wanted, and nobody has changed anything meanwhile."""
    seen, _, _ = judged("canary", pingcap(STOPPED))
    ground = begins(Resume(), seen).planned
    assert ground is not None and not ground.revisions
    seen, _, _ = judged("canary", pingcap({}))
    ground = begins(Resume(), seen).planned
    assert ground is not None and ground.revisions == {seen.update_revision}


def test_its_pause_is_a_partition_so_that_lost_pods_come_back() -> None:
    seen, now, owner = judged("canary", pingcap({"delete-slots": "[7]"}, 0))
    decision, _ = decide(Pause(), seen, now, RunMemory())
    assert isinstance(decision, Act)
    patch = change_for(decision.step, owner, seen)
    assert isinstance(patch, PatchSet) and not any("paused" in operation.path for operation in patch.operations)


def test_what_it_leaves_out_is_a_ground_for_nothing_where_it_makes_no_sense() -> None:
    for goal in (*EVERY, Resume()):
        decision, _ = decided(goal, "canary", pingcap({"delete-slots": "1, 2"}))
        assert decision == Refused(reason=RefusedReason.SLOTS_UNREADABLE)


@pytest.mark.parametrize(
    ("annotations", "path", "value", "tested"),
    [
        ({}, "/metadata/annotations", {"delete-slots": "[1]"}, "/metadata/resourceVersion"),
        ({"a": "b"}, "/metadata/annotations/delete-slots", "[1]", "/metadata/annotations/delete-slots"),
        ({"delete-slots": "[7, 0]"}, "/metadata/annotations/delete-slots", "[0,1,7]", "/metadata/annotations/delete-slots"),
    ],
)
def test_an_ordinal_is_left_out_by_its_annotation(annotations: dict[str, str], path: str, value: Any, tested: str) -> None:
    """Its generation does not count annotations, so what there was of them is tested, too."""
    _, _, owner = judged("made", pingcap(annotations))
    operations = change(owner, 3, (1,)).operations
    assert {operation.path: operation.value for operation in operations if operation.op == "add"} == {"/spec/replicas": 3, path: value}
    assert tested in [operation.path for operation in operations if operation.op == "test"]


def test_a_set_that_has_no_strategy_gets_a_whole_one() -> None:
    """No admission fills it in."""

    def bare(item: Change) -> None:
        pingcap({"delete-slots": "[1]"})(item)
        if item["kind"] == "StatefulSet":
            del item["spec"]["updateStrategy"]

    seen, _, owner = judged("reserved", bare)
    patch = change_for(SetPartition(partition=2, before=0), owner, seen)
    assert isinstance(patch, PatchSet)
    written = {operation.path: operation.value for operation in patch.operations if operation.op == "add"}
    assert written == {"/spec/updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 3}}}


def test_its_maximum_of_unavailable_pods_is_one_whatever_it_says() -> None:
    seen, _, _ = judged("canary", pingcap({}))
    assert not seen.spends_budget and seen.kind is PINGCAP_SET
