"""Verdicts on sets that are not of apps/v1: what its real controller left of an Advanced StatefulSet of OpenKruise, and played ones
of PingCAP's, whose controller is not to be had."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.members import PodState
from kubectl_pets.domain.rollout.verdict import Assessment, Awaited, Cause, Phase
from kubectl_pets.domain.sets.kinds import KRUISE_SET, PINGCAP_SET
from kubectl_pets.domain.stepping.until import Progress, Until, progress
from tests.domain.sets import scenes


def judged(name: str, change: Callable[[dict[str, Any]], None] | None = None) -> Assessment:
    return assess(*scenes.look(name, change))


PHASES = {
    "made": Phase.COMPLETE,
    "canary": Phase.PAUSED,
    "paused": Phase.PAUSED,
    "aborted": Phase.PAUSED,
    "undone": Phase.COMPLETE,
    "stuck": Phase.FAILING,  # for some seconds so far
    "reserved": Phase.COMPLETE,
    "in-place-running": Phase.PROGRESSING,
    "in-place-done": Phase.PAUSED,
    "unordered": Phase.PAUSED,
    "in-place-broken": Phase.FAILING,
    "create-failed": Phase.SCALING,
    "on-delete": Phase.WAITING_FOR_DELETE,
    "start": Phase.COMPLETE,
}


@pytest.mark.parametrize("name", scenes.names())
def test_phases(name: str) -> None:
    seen = judged(name)
    assert (seen.phase, seen.kind) == (PHASES[name], KRUISE_SET)


@pytest.mark.parametrize("name", scenes.names())
def test_nothing_is_complete_without_a_pod_or_before_it_was_observed(name: str) -> None:
    def without(item: dict[str, Any]) -> None:
        if item["kind"] == "Pod" and item["metadata"]["name"].endswith("-0"):
            item["metadata"]["ownerReferences"] = []

    def edited(item: dict[str, Any]) -> None:
        if item["kind"] == "StatefulSet":
            item["metadata"]["generation"] += 1

    assert judged(name, without).phase not in (Phase.COMPLETE, Phase.PAUSED)
    assert judged(name, edited).phase is Phase.PROGRESSING


@pytest.mark.parametrize("name", ["stuck", "in-place-broken"])
def test_what_fails_for_long_is_stuck(name: str) -> None:
    """The annotation, the label and the gate of an update in place all say that it is over when its image cannot be pulled."""
    view, now = scenes.look(name)
    assert assess(view, now + timedelta(hours=1)).phase is Phase.STUCK


def test_ordinals_that_are_left_out_are_no_missing_pods() -> None:
    seen = judged("reserved")
    assert [(member.name, member.position) for member in seen.members] == [("db-0", 0), ("db-2", 1), ("db-3", 2), ("db-4", 3)]
    assert [member.released for member in seen.members] == [False, False, True, True]  # the partition counts slots
    assert seen.min_ready_seconds == 4 and seen.partition_left_over


def test_what_is_missing_is_beyond_the_hole() -> None:
    seen = judged("create-failed")
    assert [member.name for member in seen.members if member.state is PodState.MISSING] == ["db-7", "db-8"]
    assert seen.claims == 5


def test_a_pod_in_a_hole_is_to_go() -> None:
    def reserve(item: dict[str, Any]) -> None:
        if item["kind"] == "StatefulSet":
            item["spec"]["reserveOrdinals"] = [1, 3, "5-6"]

    seen = judged("reserved", reserve)
    assert [member.name for member in seen.surplus] == ["db-3"]
    assert [member.name for member in seen.members if member.state is PodState.MISSING] == ["db-7"]
    assert seen.phase is Phase.SCALING


def test_the_start_that_its_controller_ignores_is_ignored() -> None:
    seen = judged("start")
    assert [member.name for member in seen.members] == ["st-0", "st-1"] and seen.start == 0


# --- paused ------------------------------------------------------------------------------------------------------------------


def test_paused_by_its_spec() -> None:
    seen = judged("paused")
    assert seen.updates_stopped and not seen.released_done
    assert [(wait.awaited, wait.pod) for wait in seen.waits_for] == [(Awaited.UNPAUSE, "db-2"), (Awaited.UNPAUSE, "db-1")]
    assert progress(Until.COMPLETE, seen) is Progress.RESTING
    assert progress(Until.CANARY, seen) is Progress.RESTING  # all four are released, and two are done
    assert progress(Until.READY, seen) is Progress.REACHED


def test_paused_with_nothing_to_update_is_complete() -> None:
    def pause(item: dict[str, Any]) -> None:
        if item["kind"] == "StatefulSet":
            item["spec"]["updateStrategy"]["rollingUpdate"]["paused"] = True

    assert judged("made", pause).phase is Phase.COMPLETE
    assert judged("stuck", pause).phase is Phase.FAILING


# --- updates in place --------------------------------------------------------------------------------------------------------


def test_a_new_label_is_no_update_yet() -> None:
    seen = judged("in-place-running")
    assert [member.name for member in seen.members if member.updated] == ["db-3", "db-4"]
    assert seen.available == 2


def ready(item: dict[str, Any]) -> None:
    """As the pod is for a moment: the kubelet has not looked at its gate yet."""
    if item["kind"] == "Pod":
        for condition in item["status"]["conditions"]:
            if condition["type"] == "Ready":
                condition.update(status="True", lastTransitionTime=item["metadata"]["creationTimestamp"])


def passed(item: dict[str, Any]) -> None:
    ready(item)
    if item["kind"] == "Pod":
        for condition in item["status"]["conditions"]:
            condition["status"] = "True"


def normal(item: dict[str, Any]) -> None:
    passed(item)
    if item["kind"] == "Pod":
        item["metadata"]["labels"]["lifecycle.apps.kruise.io/state"] = "Normal"


def later_by(seconds: float, change: Callable[[dict[str, Any]], None] | None = None) -> Assessment:
    """The updates in place that began 4 s before the look, so much later."""
    view, now = scenes.look("in-place-running", change)
    return assess(view, now + timedelta(seconds=seconds))


def lasting(seconds: int) -> Callable[[dict[str, Any]], None]:
    """The containers take as long to end."""

    def change(item: dict[str, Any]) -> None:
        if item["kind"] == "Pod":
            item["spec"]["terminationGracePeriodSeconds"] = seconds

    return change


def restarting(item: dict[str, Any]) -> None:
    """The kubelet has stopped the containers, and pulls their image."""
    if item["kind"] == "Pod" and item["metadata"]["labels"]["lifecycle.apps.kruise.io/state"] == "Updating":
        for condition in item["status"]["conditions"]:
            if condition["type"] == "ContainersReady":
                condition["status"] = "False"


def restarted_alone(item: dict[str, Any]) -> None:
    """Both run the new image, and the controller writes nothing."""
    if item["kind"] == "Pod" and item["metadata"]["labels"]["lifecycle.apps.kruise.io/state"] == "Updating":
        item["status"]["containerStatuses"][0].update(image="registry.test/db:2", imageID="another")


def labelled(state: str, timestamp: str) -> Callable[[dict[str, Any]], None]:
    """A lifecycle hook holds the pods; nothing else is left of the update."""

    def change(item: dict[str, Any]) -> None:
        restarted_alone(item)
        passed(item)
        if item["kind"] == "Pod" and item["metadata"]["labels"]["lifecycle.apps.kruise.io/state"] == "Updating":
            item["metadata"]["labels"]["lifecycle.apps.kruise.io/state"] = state
            if timestamp:
                item["metadata"]["annotations"]["lifecycle.apps.kruise.io/timestamp"] = timestamp

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (None, "InPlaceUpdateReady is not True"),
        (restarted_alone, "InPlaceUpdateReady is not True"),
        (passed, "its lifecycle state is not Normal"),
        (labelled("Updating", ""), "its lifecycle state is not Normal"),
        (labelled("PreparingUpdate", "2026-11-26T05:12:33Z"), "its lifecycle state is not Normal"),
    ],
)
def test_an_update_in_place_that_comes_no_further_is_stuck_in_the_end(
    change: Callable[[dict[str, Any]], None] | None, told: str
) -> None:
    assert later_by(115, change).phase is Phase.PROGRESSING
    assert later_by(0, change).recheck_at == scenes.look("in-place-running")[1] + timedelta(seconds=116)
    seen = later_by(116, change)
    assert seen.phase is Phase.STUCK
    assert {(each.cause, each.pod, each.message) for each in seen.blockers} == {
        (Cause.UPDATE_UNFINISHED, pod, told) for pod in ("db-3", "db-4")
    }


@pytest.mark.parametrize(
    "change",
    [restarting, labelled("PreparingUpdate", ""), labelled("PreparingUpdate", "soon"), labelled("Updated", "2126-11-26T05:12:33Z")],
)
def test_what_starts_or_tells_no_time_is_not_stuck(change: Callable[[dict[str, Any]], None]) -> None:
    seen = later_by(100_000, change)
    assert seen.phase is Phase.PROGRESSING and not seen.blockers


def test_an_update_in_place_may_take_what_it_takes_by_right() -> None:
    """The end of the old container, and the grace period of the update."""
    assert later_by(700, lasting(600)).phase is Phase.PROGRESSING and later_by(717, lasting(600)).phase is Phase.STUCK

    def graceful(item: dict[str, Any]) -> None:
        if item["kind"] == "Pod" and "annotations" in item["metadata"]:
            item["metadata"]["annotations"][GRACE] = '{"revision":"x","graceSeconds":300}'

    assert later_by(400, graceful).phase is Phase.PROGRESSING and later_by(417, graceful).phase is Phase.STUCK


@pytest.mark.parametrize("change", [ready, passed, normal])
def test_it_is_not_over_before_containers_have_restarted(change: Callable[[dict[str, Any]], None]) -> None:
    seen = judged("in-place-running", change)
    assert seen.phase is Phase.PROGRESSING and seen.available == 2
    assert {member.state for member in seen.members if member.updated} == {PodState.STARTING}


STATE, GRACE = "apps.kruise.io/inplace-update-state", "apps.kruise.io/inplace-update-grace"


@pytest.mark.parametrize(
    "note",
    [
        {GRACE: '{"revision":"x"}'},
        {STATE: "{"},
        {STATE: "[" * 10_000},
        {STATE: '{"nextContainerImages":{"db":"registry.test/db:2"}}'},
        {STATE: '{"updateImages":true,"lastContainerStatuses":{"gone":{"imageID":"x"}}}'},
    ],
)
def test_what_is_left_of_an_update_keeps_it_from_being_over(note: dict[str, str]) -> None:
    def noted(item: dict[str, Any]) -> None:
        if item["kind"] == "Pod" and item["metadata"]["name"] == "db-4":
            item["metadata"]["annotations"].update(note)

    seen = judged("in-place-done", noted)
    assert seen.phase is Phase.PROGRESSING
    assert [(wait.awaited, wait.pod) for wait in seen.waits_for] == [(Awaited.READINESS, "db-4")]


def crashed(item: dict[str, Any]) -> None:
    """After its update, one of the pods came up and went down again."""
    if item["kind"] == "Pod" and item["metadata"]["name"] == "db-4":
        (status,) = item["status"]["containerStatuses"]
        started = status["state"]["running"]["startedAt"]
        status["restartCount"] += 3
        status["lastState"] = {"terminated": {"exitCode": 1, "startedAt": started, "finishedAt": started}}


def test_the_restart_of_an_update_is_no_crash_but_one_after_it_is() -> None:
    done = judged("in-place-done")
    assert {member.trouble for member in done.members} == {None}
    assert [member.name for member in judged("in-place-done", crashed).members if member.trouble] == ["db-4"]


def test_the_same_image_by_another_tag_is_an_update() -> None:
    """The image's ID does not change then, but its name in the status does."""

    def retagged(item: dict[str, Any]) -> None:
        if item["kind"] == "Pod" and item["metadata"]["name"] == "db-4":
            text = item["metadata"]["annotations"][STATE]
            before = text.split('"imageID":"')[1].split('"')[0]
            item["metadata"]["annotations"][STATE] = text.replace(before, item["status"]["containerStatuses"][0]["imageID"])

    assert judged("in-place-done", retagged).phase is Phase.PAUSED


# --- unordered ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("partition", "phase"), [(0, Phase.PROGRESSING), (1, Phase.PAUSED), (2, Phase.PAUSED), (4, Phase.PAUSED)])
def test_an_unordered_partition_counts_pods(partition: int, phase: Phase) -> None:
    """Three of four are updated, db-2 is not, whatever its slot."""

    def set_partition(item: dict[str, Any]) -> None:
        if item["kind"] == "StatefulSet":
            item["spec"]["updateStrategy"]["rollingUpdate"]["partition"] = partition

    seen = judged("unordered", set_partition)
    assert seen.phase is phase and seen.slots.by_count


# --- PingCAP's ---------------------------------------------------------------------------------------------------------------


def as_pingcap(annotations: dict[str, str]) -> Callable[[dict[str, Any]], None]:
    def change(item: dict[str, Any]) -> None:
        if item["kind"] == "StatefulSet":
            item["apiVersion"] = "apps.pingcap.com/v1"
            item["metadata"]["annotations"] = annotations
            item["spec"]["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}
            item["spec"].pop("reserveOrdinals", None)

    return change


def test_slots_that_are_deleted() -> None:
    seen = judged("reserved", as_pingcap({"delete-slots": "[1, 5, 6]"}))
    assert (seen.phase, seen.kind) == (Phase.COMPLETE, PINGCAP_SET)
    assert [member.name for member in seen.members] == ["db-0", "db-2", "db-3", "db-4"]


def test_a_controller_that_was_stopped_says_nothing() -> None:
    seen = judged("made", as_pingcap({"paused-reconcile": "true"}))
    assert seen.phase is Phase.UNKNOWN and [blocker.cause for blocker in seen.blockers] == [Cause.CONTROLLER_STOPPED]
    assert progress(Until.COMPLETE, seen) is Progress.RESTING
    assert judged("made", as_pingcap({"paused-reconcile": "false"})).phase is Phase.COMPLETE


def test_holes_that_cannot_be_read_leave_nothing_to_say() -> None:
    seen = judged("made", as_pingcap({"delete-slots": "1, 2"}))
    assert seen.phase is Phase.UNKNOWN and [blocker.cause for blocker in seen.blockers] == [Cause.SLOTS_UNREADABLE]
    assert progress(Until.READY, seen) is Progress.RESTING
