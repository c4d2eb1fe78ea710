"""LeaderWorkerSets judged as sets of groups, from what their real controller left at each stage."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from kubectl_pets.domain.changes import PatchSet
from kubectl_pets.domain.dns.grouped import parts_of
from kubectl_pets.domain.dns.network import Network
from kubectl_pets.domain.inventory import snapshots
from kubectl_pets.domain.model import (
    Around,
    Condition,
    ControllerRevision,
    Event,
    Inventory,
    NodeReadiness,
    ObjectMeta,
    ObjectReference,
    Pod,
    SetView,
    StatefulSet,
)
from kubectl_pets.domain.rollout.asking import Questions, questions
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.rollout.members import PodState
from kubectl_pets.domain.rollout.revisions import Image
from kubectl_pets.domain.rollout.verdict import Assessment, Awaited, Cause, Phase
from kubectl_pets.domain.safety import lost
from kubectl_pets.domain.safety.nodes import Node, NodeStatus
from kubectl_pets.domain.scale.progress import ScaleProgress, progress
from kubectl_pets.domain.sets.grouping import folded
from kubectl_pets.domain.sets.kept import KEPT_ANNOTATION, as_note, kept_template
from kubectl_pets.domain.sets.kinds import LEADER_WORKER_SET, kind_named, kind_of
from kubectl_pets.domain.stepping.deciding import decide, images_for
from kubectl_pets.domain.stepping.patches import change_for
from kubectl_pets.domain.stepping.planning import plan
from kubectl_pets.domain.stepping.steps import (
    Abort,
    Act,
    Canary,
    Delete,
    Done,
    DoneReason,
    Goal,
    Plan,
    Promote,
    Refused,
    RefusedReason,
    Run,
    RunMemory,
    SetPartition,
    Stage,
    StepOn,
)
from kubectl_pets.flows.engine.inquiry import Inquiry
from kubectl_pets.views.rollout.decisions import before_acting, lost_with_groups
from kubectl_pets.views.rollout.plan import draw

Obj = dict[str, Any]

_TYPES: dict[str, Any] = {"LeaderWorkerSet": StatefulSet, "StatefulSet": StatefulSet, "Pod": Pod, "ControllerRevision": ControllerRevision}


@cache
def _scenes() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "leader_worker_sets.yaml").read_text())
    return found


def read(name: str, change: Callable[[Obj], Any] | None = None) -> dict[str, list[Any]]:
    items = [item for item in json.loads(json.dumps(_scenes()[name]["objects"], default=str)) if change is None or change(item) is not False]
    found: dict[str, list[Any]] = {kind: [] for kind in _TYPES}
    for item in items:
        found[item["kind"]].append(msgspec.json.decode(json.dumps(item), type=_TYPES[item["kind"]]))
    return found


def now(name: str) -> datetime:
    found: datetime = _scenes()[name]["now"]
    return found


def judged(name: str, change: Callable[[Obj], Any] | None = None, later: timedelta = timedelta(0)) -> Assessment:
    found = read(name, change)
    (owner,) = found["LeaderWorkerSet"]
    view = SetView(set=owner, pods=tuple(found["Pod"]), revisions=tuple(found["ControllerRevision"]))
    return assess(folded(view), now(name) + later)


PHASES = {
    "made": Phase.COMPLETE,
    "canary": Phase.PAUSED,
    "recreating": Phase.PROGRESSING,
    "at-zero": Phase.COMPLETE,
    "broken-group": Phase.FAILING,  # for a few seconds so far; its own status says that all groups are ready
    "aborted": Phase.PAUSED,
}


@pytest.mark.parametrize("name", PHASES)
def test_phases(name: str) -> None:
    seen = judged(name)
    assert (seen.phase, seen.kind) == (PHASES[name], LEADER_WORKER_SET), (seen.waits_for, seen.blockers, seen.failing)


def test_a_group_is_as_good_as_its_worst_pod() -> None:
    seen = judged("broken-group", later=timedelta(hours=1))
    assert seen.phase is Phase.STUCK
    assert [(member.name, member.available) for member in seen.members] == [("vllm-0", True), ("vllm-1", True), ("vllm-2", False)]
    (blocker,) = seen.blockers
    assert blocker.pod == "vllm-2" and blocker.reason == "ImagePullBackOff" and "vllm-2-" in blocker.container
    worst = seen.members[2]
    assert [part.name for part in worst.parts] == ["vllm-2", "vllm-2-1", "vllm-2-2"]
    assert [part.ready for part in worst.parts] == [True, False, False]


# --- what only events and nodes tell ------------------------------------------------------------------------------------------


def told(kind: str, name: str, reason: str, message: str, first: int, last: int, uid: str = "of-a-part") -> Event:
    """An event, with minutes after the look."""
    return Event(
        type="Warning",
        reason=reason,
        message=message,
        first_timestamp=now("made") + timedelta(minutes=first),
        last_timestamp=now("made") + timedelta(minutes=last),
        involved_object=ObjectReference(kind=kind, name=name, uid=uid),
    )


def explained(change: Callable[[Obj], Any], around: Around) -> Assessment:
    found = read("made", change)
    (owner,) = found["LeaderWorkerSet"]
    view = SetView(set=owner, pods=tuple(found["Pod"]), revisions=tuple(found["ControllerRevision"]), around=around)
    return assess(folded(view), now("made") + timedelta(minutes=6))


def without(*names: str) -> Callable[[Obj], bool]:
    return lambda item: item["metadata"]["name"] not in names


def of_worker(status: Obj) -> Callable[[Obj], None]:
    def change(item: Obj) -> None:
        if item["kind"] == "Pod" and item["metadata"]["name"] == "vllm-1-1":
            item["spec"]["nodeName"] = "node-9"
            item["status"] = status

    return change


#: Its status, its events and its node: what may ail one pod of a group, and what is said of it.
PENDING: Obj = {"phase": "Pending", "containerStatuses": [{"name": "worker", "state": {"waiting": {"reason": "ContainerCreating"}}}]}
UNREADY: Obj = {"phase": "Running", "conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}]}


def refused(pod: str, of: str, first: int, last: int) -> Event:
    return told("StatefulSet", of, "FailedCreate", f"create Pod {pod} in StatefulSet {of} failed error: quota", first, last)


@pytest.mark.parametrize(
    ("change", "around", "expected"),
    [
        (without("vllm-2", "vllm-2-1", "vllm-2-2"), Around(events=(refused("vllm-2", "vllm", 1, 5),)), "creation-refused vllm-2 quota"),
        (without("vllm-1-1"), Around(events=(refused("vllm-1-1", "vllm-1", 1, 5),)), "creation-refused vllm-1 vllm-1-1: quota"),
        (without("vllm-1-1"), Around(events=(refused("vllm-1-1", "vllm-1", -9, -1),)), ""),  # of the group before it
        (without("vllm-1-1"), Around(events=(refused("vllm-0-1", "vllm-0", 1, 5),)), ""),  # of another group
        (without("vllm-1-1"), Around(events=(refused("vllm-1-1", "other", 1, 5),)), ""),
        (of_worker(PENDING), Around(nodes=(NodeReadiness(name="node-9", ready="Unknown", since=now("made")),)), "node-silent vllm-1 node-9"),
        (of_worker(UNREADY), Around(nodes=(NodeReadiness(name="node-9", ready="Unknown", since=now("made")),)), "node-silent vllm-1 node-9"),
        (of_worker(PENDING), Around(events=(told("Pod", "vllm-1-1", "FailedMount", "no secret", 1, 5, ""),)), "not-started vllm-1 vllm-1-1: no secret"),
    ],
)
def test_what_ails_one_pod_ails_its_group(change: Callable[[Obj], Any], around: Around, expected: str) -> None:
    seen = explained(change, around)
    assert [f"{each.cause} {each.pod} {each.message}" for each in seen.blockers] == ([expected] if expected else [])
    assert seen.phase is (Phase.STUCK if expected else Phase.PROGRESSING)


def test_a_group_whose_worker_is_ended_again_and_again_is_a_loop() -> None:
    ends = tuple(told("Pod", "vllm-1-1", "Evicted", "disk", minute, minute, f"uid-{minute}") for minute in (3, 4, 5))
    (blocker,) = explained(of_worker({"phase": "Failed", "reason": "Evicted"}), Around(events=ends)).blockers
    assert (str(blocker.cause), blocker.pod, blocker.restarts) == ("pod-ends", "vllm-1", 3)


def without_workers(policy: str, ready: str = "True") -> Callable[[Obj], Any]:
    """Group 1 has its leader, and nobody has made its workers."""

    def change(item: Obj) -> Any:
        if item["kind"] == "LeaderWorkerSet":
            item["spec"]["startupPolicy"] = policy
        if item["kind"] == "Pod" and item["metadata"]["name"] == "vllm-1":
            for condition in item["status"]["conditions"]:
                if condition["type"] == "Ready":
                    condition["status"] = ready
        return not item["metadata"]["name"].startswith("vllm-1-")

    return change


def looked_on(change: Callable[[Obj], Any], *seconds: int) -> list[Assessment]:
    """The verdicts of somebody who has looked on since ``now("made")``, after so many seconds."""
    found = read("made", change)
    (owner,) = found["LeaderWorkerSet"]
    view = folded(SetView(set=owner, pods=tuple(found["Pod"]), revisions=tuple(found["ControllerRevision"])))
    inquiry = Inquiry(Silent(), StuckAfter())
    inquiry.judge(view, now("made"), fresh=True)
    return [inquiry.judge(view, now("made") + timedelta(seconds=each), fresh=True) for each in seconds]


class Silent:
    """A cluster in which nothing tells why."""

    def around(self, asked: Sequence[tuple[str, Questions]]) -> tuple[Around, ...]:
        return tuple(Around() for _ in asked)


@pytest.mark.parametrize(("policy", "ready"), [("LeaderCreated", "True"), ("LeaderCreated", "False"), ("LeaderReady", "True")])
def test_workers_that_nobody_makes_are_stuck_in_the_end(policy: str, ready: str) -> None:
    early, late = looked_on(without_workers(policy, ready), 119, 120)
    assert early.phase is Phase.PROGRESSING and not early.failing
    assert late.phase is Phase.STUCK
    assert [(each.cause, each.pod, each.message) for each in late.blockers] == [(Cause.PART_NOT_MADE, "vllm-1", "vllm-1-1")]


def test_workers_that_wait_for_their_leader_are_not_due() -> None:
    (late,) = looked_on(without_workers("LeaderReady", "False"), 3600)
    assert late.phase is Phase.PROGRESSING and not late.blockers


def test_a_leader_that_is_made_anew_has_as_long_again() -> None:
    def young(item: Obj) -> Any:
        if item["metadata"]["name"] == "vllm-1" and item["kind"] == "Pod":
            item["metadata"]["creationTimestamp"] = (now("made") + timedelta(seconds=60)).isoformat()
        return without_workers("LeaderCreated")(item)

    early, late = looked_on(young, 179, 180)
    assert (early.phase, late.phase) == (Phase.PROGRESSING, Phase.STUCK)


def test_what_is_asked_about_a_group() -> None:
    """Its own name, which its workers' StatefulSet has as well; the pods of it that are down, and their nodes."""
    asked = questions(explained(of_worker(PENDING), Around()))
    assert asked == Questions(set_name="vllm", pods=("vllm-1", "vllm-1-1"), nodes=("node-9",))


def test_a_canary_of_groups() -> None:
    seen = judged("canary")
    assert seen.partition == 2 and [member.updated for member in seen.members] == [False, False, True]
    assert [member.released for member in seen.members] == [False, False, True]


@pytest.mark.parametrize("worker", ["vllm-1-1", "vllm-1-2"])
def test_a_worker_that_is_not_there_makes_no_group(worker: str) -> None:
    seen = judged("made", lambda item: item["metadata"]["name"] != worker)
    assert seen.phase is Phase.PROGRESSING and [(wait.awaited, wait.pod) for wait in seen.waits_for] == [(Awaited.READINESS, "vllm-1")]
    assert worker in seen.members[1].message


def test_a_worker_of_another_revision_makes_no_updated_group() -> None:
    def old(item: Obj) -> None:
        if item["kind"] == "Pod" and item["metadata"]["name"] == "vllm-2-1":
            item["metadata"]["labels"]["leaderworkerset.sigs.k8s.io/template-revision-hash"] = "old"

    seen = judged("made", old)
    assert seen.phase is not Phase.COMPLETE and [member.updated for member in seen.members] == [True, True, False]


def test_a_worker_on_its_way_out_takes_its_group_along() -> None:
    def going(item: Obj) -> None:
        if item["kind"] == "Pod" and item["metadata"]["name"] == "vllm-0-2":
            item["metadata"]["deletionTimestamp"] = now("made").isoformat()

    seen = judged("made", going)
    assert seen.members[0].state is PodState.TERMINATING and seen.phase is not Phase.COMPLETE


def test_workers_of_the_former_leader_make_no_group() -> None:
    """Between the end of a leader and that of its workers' set a new one may be ready beside the old workers."""

    def anew(item: Obj) -> None:
        if item["kind"] == "Pod" and item["metadata"]["name"] == "vllm-1":
            item["metadata"].update(uid="new", creationTimestamp=now("made").isoformat())

    seen = judged("made", anew)
    assert [member.available for member in seen.members] == [True, False, True] and seen.phase is Phase.PROGRESSING
    assert "vllm-1-1 is of the group before" in seen.members[1].message


def test_a_template_that_no_revision_holds_was_not_seen() -> None:
    """Its controller notes no generation, so a template that nobody has seen would look done."""

    def edited(item: Obj) -> None:
        if item["kind"] == "LeaderWorkerSet":
            item["spec"]["leaderWorkerTemplate"]["workerTemplate"]["spec"]["containers"][0]["env"] = [{"name": "A", "value": "b"}]

    seen = judged("made", edited)
    assert not seen.observed and seen.phase is Phase.PROGRESSING


def test_revisions_of_the_leaders_own_set_are_not_its() -> None:
    seen = judged("canary")
    assert len(seen.revisions) == 2 and {group.name for group in seen.revisions} == {seen.update_revision, seen.before.held}


def test_without_revisions_nobody_can_say_what_is_wanted() -> None:
    found = read("made")
    view = SetView(set=found["LeaderWorkerSet"][0], pods=tuple(found["Pod"]), revisions=None)
    assert assess(folded(view), now("made")).phase is Phase.UNKNOWN


def test_surge_is_beyond_the_range() -> None:
    seen = judged("surge")
    assert all(member.ordinal >= seen.replicas for member in seen.surplus)
    assert seen.phase is not Phase.COMPLETE


def test_it_is_one_line_in_place_of_its_sets() -> None:
    found = read("made")
    sets = (*found["StatefulSet"], *found["LeaderWorkerSet"])
    assert len(found["StatefulSet"]) == 4
    inventory = Inventory(sets=sets, pods=tuple(found["Pod"]), revisions=tuple(found["ControllerRevision"]))
    (view,) = snapshots(inventory)
    assert view.set is not None and kind_of(view.set) is LEADER_WORKER_SET
    assert assess(view, now("made")).phase is Phase.COMPLETE
    # A label alone makes no part of it.
    (other,) = (msgspec.structs.replace(each, metadata=msgspec.structs.replace(each.metadata, owner_references=())) for each in sets[:1])
    assert len(snapshots(msgspec.structs.replace(inventory, sets=(*sets, other)))) == 2
    # Where it may not be read its sets stand for themselves.
    alone = snapshots(Inventory(sets=tuple(found["StatefulSet"]), pods=tuple(found["Pod"])))
    assert len(alone) == 4


@pytest.mark.parametrize("word", ["lws", "LeaderWorkerSet", "leaderworkersets.leaderworkerset.x-k8s.io", "leaderworkerset.v1.leaderworkerset.x-k8s.io"])
def test_names(word: str) -> None:
    assert kind_named(word) is LEADER_WORKER_SET


def test_the_partition_is_its_own() -> None:
    found = read("canary")
    (owner,) = found["LeaderWorkerSet"]
    view = folded(SetView(set=owner, pods=tuple(found["Pod"]), revisions=tuple(found["ControllerRevision"])))
    assert view.set is not None
    seen = assess(view, now("canary"))
    decision, _ = decide(StepOn(), seen, now("canary"), RunMemory(careful=True))
    assert isinstance(decision, Act)
    patch = change_for(decision.step, view.set, seen)
    assert isinstance(patch, PatchSet) and patch.kind is LEADER_WORKER_SET
    paths = {operation.path: operation.value for operation in patch.operations if operation.op == "add"}
    assert paths["/spec/rolloutStrategy/rollingUpdateConfiguration/partition"] == 1


def test_an_abort_deletes_leaders() -> None:
    def held(item: Obj) -> None:
        if item["kind"] == "LeaderWorkerSet":
            item["spec"]["rolloutStrategy"]["rollingUpdateConfiguration"]["partition"] = 3

    seen = judged("canary", held)
    decision, _ = decide(Abort(), seen, now("canary"), RunMemory())
    assert isinstance(decision, Act) and isinstance(decision.step, Delete)
    assert (decision.step.pod, decision.step.comes_back_at) == ("vllm-2", seen.before.held)


@pytest.mark.parametrize("goal", [StepOn(), Promote(), Run(), Abort(), Canary()], ids=lambda goal: type(goal).__name__)
def test_with_a_surge_no_step_would_be_over(goal: Goal) -> None:
    def surging(item: Obj) -> None:
        if item["kind"] == "LeaderWorkerSet":
            item["spec"]["rolloutStrategy"]["rollingUpdateConfiguration"]["maxSurge"] = 1

    decision, _ = decide(goal, judged("canary", surging), now("canary"), RunMemory())
    assert decision == Refused(reason=RefusedReason.SURGE)


def test_the_size_of_a_group_is_what_it_was_made_with() -> None:
    def grown(item: Obj) -> None:
        if item["kind"] == "LeaderWorkerSet":
            item["spec"]["leaderWorkerTemplate"]["size"] = 4
        if item["kind"] == "Pod" and item["metadata"]["labels"]["leaderworkerset.sigs.k8s.io/worker-index"] == "0":
            item["metadata"]["annotations"] = {"leaderworkerset.sigs.k8s.io/size": "3"}

    assert all(member.available for member in judged("made", grown).members)


def _released(change: Callable[[Obj], Any] | None = None) -> tuple[SetPartition, StatefulSet, Assessment]:
    """The step that releases the next group of the canary, as it would be carried out."""
    found = read("canary", change)
    view = folded(SetView(set=found["LeaderWorkerSet"][0], pods=tuple(found["Pod"]), revisions=tuple(found["ControllerRevision"])))
    assert view.set is not None
    seen = assess(view, now("canary"))
    decision, _ = decide(StepOn(), seen, now("canary"), RunMemory(careful=True))
    assert isinstance(decision, Act) and isinstance(decision.step, SetPartition)
    return decision.step, view.set, seen


def _noted(note: str) -> Callable[[Obj], None]:
    def change(item: Obj) -> None:
        if item["kind"] == "LeaderWorkerSet":
            item["metadata"].setdefault("annotations", {})[KEPT_ANNOTATION] = note

    return change


def test_a_release_keeps_what_ran_before() -> None:
    step, owner, seen = _released()
    assert step.keeps == seen.before.revision and step.keeps != seen.update_revision
    patch = change_for(step, owner, seen)
    assert isinstance(patch, PatchSet)
    values = [each.value for each in patch.operations if each.op == "add" and "annotations" in each.path]
    notes = {key: value for each in values for key, value in (each if isinstance(each, dict) else {KEPT_ANNOTATION: each}).items()}
    kept = kept_template(notes, owner.metadata.uid)
    assert kept is not None and (kept.key, kept.replaced_by) == (seen.before.revision, seen.update_revision)
    assert kept.spec["leaderWorkerTemplate"]["size"] == 3 and "$patch" not in kept.spec["leaderWorkerTemplate"]
    assert kept_template(notes, "another") is None  # the annotation may have been copied together with the whole set
    again, _, _ = _released(_noted(notes[KEPT_ANNOTATION]))
    assert again.keeps is msgspec.UNSET
    stale, _, _ = _released(_noted(as_note(kept, "of-another-rollout")))
    assert stale.keeps == step.keeps


def test_what_has_no_room_is_not_kept_and_told_of() -> None:
    def full(item: Obj) -> None:
        if item["kind"] == "LeaderWorkerSet":
            item["metadata"].setdefault("annotations", {})["example.org/much"] = "x" * (255 * 1024)

    step, _, seen = _released(full)
    assert step.keeps is msgspec.UNSET
    planned = plan(StepOn(), seen, now("canary"), careful=True)
    assert any("there is no undo" in told for told in before_acting(planned, seen))
    planned = plan(StepOn(), _released()[2], now("canary"), careful=True)
    assert not before_acting(planned, _released()[2])


@pytest.mark.parametrize("note", ["", "{", "[]", '{"uid":1}', "[" * 100_000], ids=["empty", "cut", "list", "types", "deep"])
def test_a_note_that_nobody_can_read_keeps_nothing(note: str) -> None:
    assert kept_template({KEPT_ANNOTATION: note}, "") is None


def test_a_template_that_was_put_back_is_what_held_groups_come_back_at() -> None:
    """Its controller makes another revision with the same key, of a higher number."""
    found = read("canary")
    owner, revisions = found["LeaderWorkerSet"][0], found["ControllerRevision"]
    own = [each for each in revisions if (by := each.metadata.controller()) is not None and by.kind == "LeaderWorkerSet"]
    first = min(own, key=lambda each: each.revision)
    meta = msgspec.structs.replace(first.metadata, name="again", creation_timestamp=now("canary"))
    again = msgspec.structs.replace(first, metadata=meta, revision=9)
    raw = first.data.spec.leader_worker_template
    spec = msgspec.structs.replace(owner.spec, leader_worker_template=raw)
    view = SetView(set=msgspec.structs.replace(owner, spec=spec), pods=tuple(found["Pod"]), revisions=(*revisions, again))
    seen = assess(folded(view), now("canary"))
    assert seen.before.held == seen.update_revision and seen.before.put_back
    assert [member.updated for member in seen.members] == [True, True, False]


def test_a_lost_worker_is_told_and_never_forced() -> None:
    """Forced out it would take its group along, the pods that run elsewhere, too."""

    def gone(item: Obj) -> None:
        if item["kind"] == "Pod" and item["metadata"]["name"] == "vllm-1-2":
            item["spec"]["nodeName"] = "gone"
            item["metadata"]["deletionTimestamp"] = (now("made") - timedelta(minutes=5)).isoformat()
        elif item["kind"] == "Pod":
            item["spec"]["nodeName"] = "there"

    found = read("made", gone)
    view = folded(SetView(set=found["LeaderWorkerSet"][0], pods=tuple(found["Pod"]), revisions=tuple(found["ControllerRevision"])))
    ready = Condition(type="Ready", status="True")
    there = Node(metadata=ObjectMeta(name="there"), status=NodeStatus(conditions=(ready,)))
    (pod,) = lost.judge([view], (there,), (), now("made"))
    assert (pod.name, pod.set, pod.held) == ("vllm-1-2", "vllm", lost.Held.LOST)
    assert lost.Choice.FORCE_DELETE not in pod.choices
    refused = lost.force(view, "vllm-1-2", (there,), now("made"))
    assert isinstance(refused, lost.ForceRefused) and refused.reason is lost.ForceRefusedReason.LEADER_WORKER_SET


def test_workers_of_a_group_that_goes_count_until_they_are_gone() -> None:
    """Their leader is gone first, and their set only after it."""

    def scaled(item: Obj) -> Any:
        if item["kind"] == "LeaderWorkerSet":
            item["spec"]["replicas"] = 2
        return item["kind"] != "Pod" or item["metadata"]["name"] != "vllm-2"

    seen = judged("made", scaled)
    (surplus,) = seen.surplus
    assert surplus.name == "vllm-2" and [part.name for part in surplus.parts] == ["vllm-2-1", "vllm-2-2"]
    assert progress(seen, seen.uid, 2) is ScaleProgress.GOING_ON
    rest = judged("made", lambda item: scaled(item) and not item["metadata"]["name"].startswith("vllm-2-"))
    assert not rest.surplus and progress(rest, rest.uid, 2) is ScaleProgress.REACHED
    # In range it is the leader that is missing.
    held = judged("made", lambda item: item["kind"] != "Pod" or item["metadata"]["name"] != "vllm-2")
    assert not held.surplus and held.members[2].state is PodState.MISSING


def _staged(images: tuple[Image, ...], change: Callable[[Obj], Any] | None = None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What a change of these images writes, by path, and those that are not known."""
    found = read("made", change)
    view = folded(SetView(set=found["LeaderWorkerSet"][0], pods=tuple(found["Pod"]), revisions=tuple(found["ControllerRevision"])))
    assert view.set is not None
    seen = assess(view, now("made"))
    resolved, unknown = images_for(images, seen)
    patch = change_for(Stage(images=resolved, partition=seen.replicas), view.set, seen)
    assert isinstance(patch, PatchSet)
    return {each.path: each.value for each in patch.operations if each.op == "replace"}, unknown


def test_an_image_is_written_into_the_template_that_has_its_container() -> None:
    where = "/spec/leaderWorkerTemplate/{}/spec/containers/0/image"
    expected = {where.format("leaderTemplate"): "l:2", where.format("workerTemplate"): "w:2"}
    for leader, worker in (("leader", "worker"), ("leader/leader", "worker/worker")):
        assert _staged((Image(container=leader, image="l:2"), Image(container=worker, image="w:2"))) == (expected, ())
    assert _staged((Image(container="", image="x:2"), Image(container="worker/leader", image="x:2"))) == ({}, ("", "worker/leader"))


def test_a_name_that_both_templates_have_is_not_enough() -> None:
    def alike(item: Obj) -> None:
        if item["kind"] == "LeaderWorkerSet":
            for template in ("leaderTemplate", "workerTemplate"):
                item["spec"]["leaderWorkerTemplate"][template]["spec"]["containers"][0]["name"] = "app"

    assert _staged((Image(container="app", image="x:2"),), alike) == ({}, ("app",))
    (path,) = _staged((Image(container="worker/app", image="x:2"),), alike)[0]
    assert "/workerTemplate/" in path


def test_one_template_for_both_needs_no_name() -> None:
    def alone(item: Obj) -> None:
        if item["kind"] == "LeaderWorkerSet":
            del item["spec"]["leaderWorkerTemplate"]["leaderTemplate"]

    ((path, value),) = _staged((Image(container="", image="x:2"),), alone)[0].items()
    assert "/workerTemplate/" in path and value == "x:2"


def _parts(groups: int, policy: str, size: int = 3) -> list[tuple[str, str, int, int, list[str]]]:
    found = read("made")
    owner = found["LeaderWorkerSet"][0]
    raw = {**owner.spec.leader_worker_template, "size": size}
    spec = msgspec.structs.replace(owner.spec, replicas=groups, network_config={"subdomainPolicy": policy}, leader_worker_template=raw)
    network = Network(set=msgspec.structs.replace(owner, spec=spec), pods=tuple(found["Pod"]))
    return [
        (part.set.name, part.set.spec.service_name, part.set.start, part.set.spec.replicas, sorted(pod.name for pod in part.pods or ()))
        for part in parts_of(network)
    ]


def test_the_sets_that_names_come_from() -> None:
    leaders = ["vllm-0", "vllm-1", "vllm-2"]
    assert _parts(3, "Shared") == [
        ("vllm", "vllm", 0, 3, leaders),
        *((f"vllm-{k}", "vllm", 1, 2, [f"vllm-{k}-1", f"vllm-{k}-2"]) for k in range(3)),
    ]
    unique = _parts(2, "UniquePerReplica")
    assert [part[:4] for part in unique] == [
        ("vllm", "vllm-0", 0, 1),
        ("vllm", "vllm-1", 1, 1),
        ("vllm-0", "vllm-0", 1, 2),
        ("vllm-1", "vllm-1", 1, 2),
    ]
    assert _parts(3, "Shared", size=1) == [("vllm", "vllm", 0, 3, leaders)]
    assert [part[:4] for part in _parts(0, "UniquePerReplica")] == [("vllm", "vllm", 0, 0)]
    many = _parts(1_000_000, "Shared")
    assert len(many) < 200 and many[-1][0] == "vllm-999999"


def test_what_is_of_another_set_or_of_none_has_no_name_here() -> None:
    found = read("made")
    strays = [msgspec.structs.replace(pod, metadata=msgspec.structs.replace(pod.metadata, owner_references=())) for pod in found["Pod"]]
    parts = parts_of(Network(set=found["LeaderWorkerSet"][0], pods=tuple(strays)))
    assert all(part.pods == () for part in parts)
    assert all(part.pods is None for part in parts_of(Network(set=found["LeaderWorkerSet"][0], pods=None)))


@pytest.mark.parametrize("policy", [{"whenDeleted": "Delete"}, {"whenScaled": "Delete"}, {}], ids=str)
def test_a_release_says_which_data_goes(policy: Obj) -> None:
    """whenScaled is about leaders, and none of them is scaled away by a rollout."""

    def claiming(item: Obj) -> None:
        if item["kind"] == "LeaderWorkerSet":
            template = item["spec"]["leaderWorkerTemplate"]
            template["volumeClaimTemplates"] = [{"metadata": {"name": "cache"}}]
            template["persistentVolumeClaimRetentionPolicy"] = policy

    seen = judged("canary", claiming)
    # As the template differs now from every revision it is one that its controller has yet to see.
    planned = Plan(entries=(Act(step=SetPartition(partition=1, before=2, releases=("vllm-1",))),), ending=Done(reason=DoneReason.STEP_REACHED))
    told = draw(planned, seen, now("canary"))
    assert ("at stake: vllm-1 will be made again without its workers' data" in told) is ("whenDeleted" in policy)
    assert any("workers' data" in each for each in before_acting(planned, seen)) is ("whenDeleted" in policy)
    assert not lost_with_groups(Plan(entries=(), ending=Done(reason=DoneReason.NOTHING_TO_DO)), seen)
