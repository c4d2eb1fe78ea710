"""Under which names we wrote into a set, as the set itself remembers it."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.changes import DeletePod, Operation, PatchSet
from kubectl_pets.domain.model import ManagedFieldsEntry, ObjectMeta, StatefulSet
from kubectl_pets.domain.rollout.writers import WRITERS_ANNOTATION, forgetting, noted_writers, our_names, signed

POINTER = "/metadata/annotations/kubectl-pets~1field-managers"
GROUND = (Operation(op="test", path="/metadata/generation", value=1), Operation(op="add", path="/spec/replicas", value=3))


def owner(*writers: str, annotations: Any = None) -> StatefulSet:
    entries = tuple(ManagedFieldsEntry(manager=name, operation="Update") for name in writers)
    meta = ObjectMeta(name="web", resource_version="9", annotations=annotations or {}, managed_fields=entries)
    return StatefulSet(metadata=meta)


def change(*operations: Operation) -> PatchSet:
    return PatchSet(namespace="x", name="web", operations=(*GROUND, *operations))


def note(*names: str) -> dict[str, str]:
    return {WRITERS_ANNOTATION: json.dumps(names)}


def test_it_is_in_the_same_patch_once() -> None:
    found = signed(change(), owner(annotations={"a": "b"}), "nightly")
    tested = Operation(op="test", path=POINTER, value=None)
    assert isinstance(found, PatchSet) and found.operations == (*GROUND, tested, Operation(op="add", path=POINTER, value='["nightly"]'))
    for same in ("", "kubectl-pets", "nightly"):
        assert signed(change(), owner("nightly", annotations=note("nightly")), same) == change()
    deletion = DeletePod(namespace="x", name="web-0", uid="u", resource_version="1")
    assert signed(deletion, owner(), "nightly") is deletion


def test_where_there_are_no_annotations_none_is_overwritten() -> None:
    found = signed(change(), owner(), "nightly")
    assert isinstance(found, PatchSet) and found.operations[-2] == Operation(op="test", path="/metadata/resourceVersion", value="9")
    assert found.operations[-1] == Operation(op="add", path="/metadata/annotations", value={WRITERS_ANNOTATION: '["nightly"]'})
    made = change(Operation(op="add", path="/metadata/annotations", value={"x": "y"}))
    found = signed(made, owner(), "nightly")
    assert isinstance(found, PatchSet) and len(found.operations) == len(made.operations)
    assert found.operations[-1].value == {"x": "y", WRITERS_ANNOTATION: '["nightly"]'}


def test_it_is_no_longer_than_managed_fields() -> None:
    there = owner("kept", "other", annotations=note("gone", "kept"))
    found = signed(change(), there, "new")
    assert isinstance(found, PatchSet) and found.operations[-1].value == '["kept","new"]'
    assert found.operations[-2] == Operation(op="test", path=POINTER, value='["gone", "kept"]')
    applied = replace(there, metadata=replace(there.metadata, managed_fields=(ManagedFieldsEntry(manager="kept", operation="Apply"),)))
    found = signed(change(), applied, "new")
    assert isinstance(found, PatchSet) and found.operations[-1].value == '["new"]'


@pytest.mark.parametrize("odd", ["", "{", "[1]", '"helm"', "null", "[" * 5000, "[\ud800]"])
def test_a_note_that_is_none_of_ours_names_nobody(odd: str) -> None:
    assert noted_writers({WRITERS_ANNOTATION: odd}) == () and our_names({WRITERS_ANNOTATION: odd}) == ("kubectl-pets",)


def test_what_is_given_back_is_off_the_note() -> None:
    assert forgetting({}, frozenset(("a",))) == ()
    assert forgetting(note("a", "b"), frozenset(("a",))) == (Operation(op="replace", path=POINTER, value='["b"]'),)
    assert forgetting(note("a"), frozenset(("a", "kubectl-pets"))) == (Operation(op="remove", path=POINTER),)
