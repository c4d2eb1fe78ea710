"""Steps as the exact changes that an API server gets."""

from typing import Any

import msgspec
import pytest

from kubectl_pets.domain.changes import DeletePod, Operation, PatchSet
from kubectl_pets.domain.model import StatefulSet
from kubectl_pets.domain.rollout.assessing import RESUME_ANNOTATION, assess
from kubectl_pets.domain.rollout.revisions import Image
from kubectl_pets.domain.stepping.patches import change_for
from kubectl_pets.domain.stepping.steps import Delete, SetPartition, Stage, Step
from tests.domain.builders import NEW, NOW, OLD, UID, pod, snapshot, statefulset
from tests.domain.controller import patched

GROUND = [{"op": "test", "path": "/metadata/uid", "value": UID}, {"op": "test", "path": "/metadata/generation", "value": 2}]
PARTITION = "/spec/updateStrategy/rollingUpdate/partition"
NOTE = "/metadata/annotations/kubectl-pets~1resume-partition"


def operations(step: Step, owner: StatefulSet) -> list[dict[str, Any]]:
    """As they go over the wire; the ground of every patch is checked and taken off."""
    change = change_for(step, owner, assess(snapshot(owner, *(pod(ordinal) for ordinal in range(3))), NOW))
    assert isinstance(change, PatchSet) and (change.namespace, change.name) == ("prod", "web")
    found: list[dict[str, Any]] = msgspec.json.decode(msgspec.json.encode(change.operations))
    assert found[:2] == GROUND
    patched(owner, change)  # and it can be carried out
    return found[2:]


def test_partition() -> None:
    step = SetPartition(partition=1, before=3)
    assert operations(step, statefulset(partition=3)) == [{"op": "add", "path": PARTITION, "value": 1}]


def test_partition_of_a_set_without_rolling_update() -> None:
    """A JSON patch adds no path of which the parent is missing."""
    step = SetPartition(partition=2, before=0)
    assert operations(step, statefulset()) == [{"op": "add", "path": "/spec/updateStrategy/rollingUpdate", "value": {"partition": 2}}]


def test_partition_keeps_max_unavailable() -> None:
    owner = statefulset(max_unavailable="50%")
    change = change_for(SetPartition(partition=2, before=0), owner, assess(snapshot(owner), NOW))
    assert isinstance(change, PatchSet)
    rolling = patched(owner, change).spec.update_strategy.rolling_update
    assert rolling is not None and (rolling.partition, rolling.max_unavailable) == (2, "50%")


def test_partition_zero_is_written_out() -> None:
    """0 is a value, not an absence: what an encoder leaves out would release nothing."""
    assert operations(SetPartition(partition=0, before=2), statefulset(partition=2)) == [{"op": "add", "path": PARTITION, "value": 0}]


def test_a_pause_leaves_a_note_among_others() -> None:
    step = SetPartition(partition=2, before=0, remember=True)
    assert operations(step, statefulset(partition=0, annotations={"a": "b"})) == [
        {"op": "add", "path": PARTITION, "value": 2},
        {"op": "test", "path": NOTE, "value": None},
        {"op": "add", "path": NOTE, "value": "0"},
    ]


def test_a_pause_where_there_are_no_annotations_overwrites_none() -> None:
    step = SetPartition(partition=2, before=1, remember=True)
    assert operations(step, statefulset(partition=1)) == [
        {"op": "add", "path": PARTITION, "value": 2},
        {"op": "test", "path": "/metadata/resourceVersion", "value": "41"},
        {"op": "add", "path": "/metadata/annotations", "value": {RESUME_ANNOTATION: "1"}},
    ]


def test_a_pause_replaces_a_note_of_old() -> None:
    """Left by a pause that somebody else undid with kubectl: it would let a resume release too much."""
    step = SetPartition(partition=2, before=1, remember=True)
    assert operations(step, statefulset(partition=1, annotations={RESUME_ANNOTATION: "0"}))[1:] == [
        {"op": "test", "path": NOTE, "value": "0"},
        {"op": "add", "path": NOTE, "value": "1"},
    ]


@pytest.mark.parametrize("step", [SetPartition(partition=0, before=2), Stage(images=(), partition=3)])
def test_any_other_partition_takes_the_note_away(step: Step) -> None:
    owner = statefulset(partition=2, annotations={RESUME_ANNOTATION: "0", "a": "b"})
    assert operations(step, owner)[-2:] == [{"op": "test", "path": NOTE, "value": "0"}, {"op": "remove", "path": NOTE}]


def test_stage() -> None:
    step = Stage(images=(Image(container="app", image="app:3"),), partition=3)
    assert operations(step, statefulset(partition=0)) == [
        {"op": "test", "path": "/spec/template/spec/containers/0/name", "value": "app"},
        {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "app:3"},
        {"op": "add", "path": PARTITION, "value": 3},
    ]


def test_stage_several_containers_and_init_containers() -> None:
    owner = statefulset(partition=0, images=("app:1", "side:1"), init_images=("setup:1", "check:1"))
    step = Stage(images=(Image(container="app1", image="side:2"), Image(container="init1", image="check:2")), partition=3)
    assert operations(step, owner)[:4] == [
        {"op": "test", "path": "/spec/template/spec/initContainers/1/name", "value": "init1"},
        {"op": "replace", "path": "/spec/template/spec/initContainers/1/image", "value": "check:2"},
        {"op": "test", "path": "/spec/template/spec/containers/1/name", "value": "app1"},
        {"op": "replace", "path": "/spec/template/spec/containers/1/image", "value": "side:2"},
    ]


def test_stage_by_hand_has_no_partition() -> None:
    step = Stage(images=(Image(container="app", image="app:3"),), partition=None)
    found = operations(step, statefulset(strategy="OnDelete", annotations={RESUME_ANNOTATION: "0"}))
    assert [operation["path"] for operation in found] == [
        "/spec/template/spec/containers/0/name",
        "/spec/template/spec/containers/0/image",
    ]


def test_delete_names_the_pod_that_was_judged() -> None:
    owner = statefulset()
    seen = assess(snapshot(owner, pod(0), pod(1), pod(2, NEW)), NOW)
    step = Delete(pod="web-2", revision=NEW, comes_back_at=OLD)
    assert change_for(step, owner, seen) == DeletePod(namespace="prod", name="web-2", uid="pod-2", resource_version="102")


def test_operations_without_a_value_have_none() -> None:
    assert msgspec.json.encode(Operation(op="remove", path="/a")) == b'{"op":"remove","path":"/a"}'
    assert msgspec.json.encode(Operation(op="add", path="/a", value=None)) == b'{"op":"add","path":"/a","value":null}'
