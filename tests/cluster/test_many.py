"""Pods and claims of long lists are kept without what no verdict on a set asks for, and come to the same verdicts."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kubectl_pets.cluster.objects import alike
from kubectl_pets.cluster.objects.kinds import CLAIMS, PODS
from kubectl_pets.cluster.objects.many import CLAIMS_OF_MANY, PODS_OF_MANY
from kubectl_pets.domain.model import ManagedFieldsEntry, ObjectMeta, OwnerReference, Pod, SetView
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.members import CHOSEN_NODE_ANNOTATION
from kubectl_pets.domain.sets.grouping import SIZE_ANNOTATION
from kubectl_pets.domain.sets.in_place import GRACE_ANNOTATION, STATE_ANNOTATION, unfinished, updated_at, without_its_restarts
from tests.domain.builders import NOW, pod, snapshots
from tests.domain.examples import times

STATE = '{"revision": "r", "updateTimestamp": "2026-03-01T11:00:00Z", "nextContainerImages": {"app": "app:2"}}'
NOTES: tuple[dict[str, str], ...] = (
    {}, {SIZE_ANNOTATION: "3"}, {STATE_ANNOTATION: STATE}, {GRACE_ANNOTATION: ""}, {STATE_ANNOTATION: STATE, GRACE_ANNOTATION: "{}"},
    {CHOSEN_NODE_ANNOTATION: "node-b"},
)
WRITTEN = (ManagedFieldsEntry(manager="kubelet", operation="Update", subresource="status", time=NOW),)


def sent(item: msgspec.Struct, kind: str) -> bytes:
    return msgspec.json.encode({**msgspec.to_builtins(item), "apiVersion": "v1", "kind": kind})


@pytest.mark.parametrize("notes", NOTES)
def test_annotations_that_are_asked_for_are_kept(notes: dict[str, str]) -> None:
    made = pod(0)
    whole = replace(made, metadata=replace(made.metadata, annotations={"example.org/note": "n" * 80, **notes}, managed_fields=WRITTEN))
    body = sent(whole, "Pod")
    read, lean = PODS.any(body), PODS_OF_MANY.any(body)
    assert lean.metadata.annotations == notes and lean.metadata.managed_fields == ()
    again = replace(lean, metadata=replace(lean.metadata, deletion_timestamp=NOW))
    assert again.metadata.annotations == notes
    assert (unfinished(lean), updated_at(lean)) == (unfinished(read), updated_at(read))
    assert without_its_restarts(lean).status == without_its_restarts(read).status
    assert plain(lean, notes) == plain(read, notes)


def plain(item: Pod, notes: dict[str, str]) -> Pod:
    """With what both have."""
    fields = {name: getattr(item.metadata, name) for name in ObjectMeta.__struct_fields__}
    meta = ObjectMeta(**{**fields, "annotations": notes, "managed_fields": ()})
    return Pod(**{**{name: getattr(item, name) for name in Pod.__struct_fields__}, "metadata": meta})


@settings(max_examples=times(200), deadline=None)
@given(view=snapshots(), which=st.integers(0, 4))
def test_the_verdict_is_the_same(view: SetView, which: int) -> None:
    notes = {"example.org/note": "n", **NOTES[which]}
    pods = [sent(replace(each, metadata=replace(each.metadata, annotations=notes, managed_fields=WRITTEN)), "Pod") for each in view.pods or ()]
    claims = [sent(each, "PersistentVolumeClaim") for each in view.claims or ()]
    seen = [
        assess(
            replace(
                view,
                pods=None if view.pods is None else tuple(map(of_pods.any, pods)),
                claims=None if view.claims is None else tuple(map(of_claims.any, claims)),
            ),
            NOW,
        )
        for of_pods, of_claims in ((PODS, CLAIMS), (PODS_OF_MANY, CLAIMS_OF_MANY))
    ]
    assert seen[0] == seen[1]


def test_what_is_alike_is_kept_once() -> None:
    """And what is not alike is nobody else's: an empty list is no empty mapping."""
    owner = OwnerReference(kind="StatefulSet", name="web", uid="u", controller=True)
    first, second = (pod(ordinal) for ordinal in range(2))
    made = [replace(each, metadata=replace(each.metadata, owner_references=(owner,))) for each in (first, second)]
    one, other = (PODS_OF_MANY.any(sent(each, "Pod")) for each in made)
    assert one.metadata.owner_references is other.metadata.owner_references
    assert one.spec.containers is other.spec.containers and one.status.conditions[0].type is other.status.conditions[0].type
    assert (one.metadata.name, other.metadata.name) == ("web-0", "web-1") and one.metadata.labels == made[0].metadata.labels
    bare = b'{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"data-%d","namespace":"prod"%s},"spec":{},"status":{}}'
    claims = [CLAIMS_OF_MANY.any(bare % (number, labels)) for labels in (b"", b',"labels":{"app":"web"}') for number in range(2)]
    assert claims[0].metadata.labels == {} and claims[0].spec.access_modes == () and claims[0].metadata.owner_references == ()
    assert claims[2].metadata.labels is claims[3].metadata.labels and claims[2].metadata.labels == {"app": "web"}


@settings(max_examples=times(100), deadline=None)
@given(view=snapshots())
def test_claims_that_share_what_is_alike_are_what_they_were(view: SetView) -> None:
    """Those of ``orphans``, which are kept whole."""
    notes = {"example.org/note": "n"}
    for each in view.claims or ():
        body = sent(replace(each, metadata=replace(each.metadata, annotations=notes, managed_fields=WRITTEN)), "PersistentVolumeClaim")
        whole, shared = CLAIMS.any(body), CLAIMS.any(body)
        alike.share_claim(shared)
        assert shared == whole and type(shared) is type(whole)
        again = CLAIMS.any(body)
        alike.share_claim(again)
        assert again.metadata.annotations is shared.metadata.annotations


def test_no_more_values_are_remembered_than_the_pods_of_some_sets_have() -> None:
    body = b'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web-0","namespace":"prod","labels":{"which":"%d"}}}'
    found = [PODS_OF_MANY.any(body % number) for number in range(2 * alike.MOST_KNOWN)]
    assert [each.metadata.labels["which"] for each in found] == [str(number) for number in range(len(found))]
    assert len(alike._KNOWN) < alike.MOST_KNOWN + 100


def test_annotations_that_are_no_text_spoil_what_they_spoiled_before() -> None:
    body = b'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web-0","namespace":"prod","annotations":{"%s":7}}}'
    assert PODS_OF_MANY.any(body % STATE_ANNOTATION.encode()).unreadable
    nothing = b'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web-0","namespace":"prod","annotations":null}}'
    assert PODS_OF_MANY.any(nothing).metadata.annotations == {} and not PODS_OF_MANY.any(nothing).unreadable
