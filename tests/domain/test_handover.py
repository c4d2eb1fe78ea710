"""Which fields are ours, what they hold, and the change that drops them."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from kubectl_pets.domain.changes import SCALED_ANNOTATION
from kubectl_pets.domain.model import ManagedFieldsEntry, ObjectMeta, OwnedFields, OwnedSpec, StatefulSet
from kubectl_pets.domain.orphans.usage import last_scaled
from kubectl_pets.domain.rollout.fields import FieldsOwner
from kubectl_pets.domain.rollout.history import RevisionEntry
from kubectl_pets.domain.rollout.writers import WRITERS_ANNOTATION
from kubectl_pets.domain.stepping.handover import Handover, KeptReason, handover, own_value_of
from tests.domain.builders import NOW

SPEC = {
    "replicas": 5,
    "updateStrategy": {"rollingUpdate": {"partition": 0}},
    "template": {
        "metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}},
        "spec": {"containers": [{"name": "log", "image": "log:7"}, {"name": "app", "image": "app:2", "ports": [{"containerPort": 80, "protocol": "TCP"}]}]},
    },
}
IMAGE: dict[str, Any] = {"f:template": {"f:spec": {"f:containers": {'k:{"name":"app"}': {"f:image": {}}}}}}
PARTITION: dict[str, Any] = {"f:updateStrategy": {"f:rollingUpdate": {"f:partition": {}}}}


def owner(*specs: Any, manager: str = "kubectl-pets", spec: Any = None, annotations: Any = None, subresource: str = "") -> FieldsOwner:
    entries = [{"manager": "helm", "operation": "Apply", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]
    entries += [
        {"manager": manager, "operation": "Update", "subresource": subresource, "fieldsV1": {"f:metadata": {}, "f:spec": each}} for each in specs
    ]
    meta = {"name": "web", "namespace": "shop", "uid": "u", "generation": 4, "resourceVersion": "9", "annotations": annotations or {}, "managedFields": entries}
    return msgspec.convert({"kind": "StatefulSet", "metadata": meta, "spec": spec or SPEC}, FieldsOwner)


def paths(found: Handover) -> dict[str, Any]:
    return {field.path: field.value for field in found.fields}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (IMAGE, {"template.spec.containers[name=app].image": "app:2"}),
        ({"f:replicas": {}, **PARTITION}, {"replicas": 5, "updateStrategy.rollingUpdate.partition": 0}),
        (
            {"f:template": {"f:metadata": {"f:annotations": {".": {}, "f:kubectl.kubernetes.io/restartedAt": {}}}}},
            {"template.metadata.annotations.kubectl.kubernetes.io/restartedAt": "now"},
        ),
        (
            {"f:template": {"f:spec": {"f:containers": {'k:{"name":"app"}': {"f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}}}}}}}},
            {"template.spec.containers[name=app].ports[containerPort=80,protocol=TCP]": {"containerPort": 80, "protocol": "TCP"}},
        ),
        ({"f:template": {"f:spec": {"f:containers": {'k:{"name":"gone"}': {"f:image": {}}}}}}, {"template.spec.containers[name=gone].image": msgspec.UNSET}),
        ({"f:x": {'v:"a"': {}, "k:{broken": {}}}, {"x[\"a\"]": "a", "x[{broken]": msgspec.UNSET}),
    ],
)  # fmt: skip
def test_the_fields_that_are_ours(fields: Any, expected: dict[str, Any]) -> None:
    assert paths(handover(owner(fields), NOW)) == expected


def test_the_change_tests_what_it_was_made_of() -> None:
    found = handover(owner(IMAGE, annotations={"a": "b"}), NOW)
    assert found.change is not None and found.kept is None
    assert [(each.op, each.path) for each in found.change.operations] == [
        ("test", "/metadata/uid"), ("test", "/metadata/generation"), ("test", "/metadata/resourceVersion"),
        ("test", "/metadata/managedFields/1/manager"), ("remove", "/metadata/managedFields/1/fieldsV1/f:spec"),
        ("add", "/metadata/annotations/kubectl-pets~1scaled-at"),
    ]  # fmt: skip
    bare = handover(owner(IMAGE), NOW).change
    assert bare is not None and bare.operations[-1].value == {SCALED_ANNOTATION: NOW.isoformat()}


@pytest.mark.parametrize("value", [1, 7])
def test_a_partition_that_holds_is_kept(value: int) -> None:
    spec = {**SPEC, "updateStrategy": {"rollingUpdate": {"partition": value}}}
    found = handover(owner({**IMAGE, **PARTITION}, spec=spec), NOW)
    assert found.kept is KeptReason.HOLDS and found.change is None
    assert handover(owner(IMAGE, spec=spec), NOW).change is not None  # somebody else's partition


def test_nothing_of_ours() -> None:
    for other in (owner(), owner(IMAGE, manager="kubectl-set"), owner(IMAGE, subresource="scale"), owner({})):
        assert handover(other, NOW) == Handover()
    with pytest.raises(msgspec.ValidationError):
        handover(msgspec.convert({"metadata": {"managedFields": [7]}}, FieldsOwner), NOW)


def test_what_was_written_under_another_name() -> None:
    """Given back is what stands there under that name, and never what somebody applies under it."""
    named = owner(IMAGE, manager="nightly")
    assert handover(named, NOW) == Handover()
    found = handover(named, NOW, "nightly")
    assert found.managers == ("nightly",) and paths(found) == {"template.spec.containers[name=app].image": "app:2"} and found.change is not None
    assert [each.value for each in found.change.operations if each.path.endswith("/manager")] == ["nightly"]
    applied = handover(owner(IMAGE, manager="helm"), NOW, "helm")
    assert paths(applied) == {"template.spec.containers[name=app].image": "app:2"}, "what Helm applies stays Helm's"
    assert handover(owner(IMAGE), NOW, "nightly") == Handover(managers=("nightly",))
    spec = {**SPEC, "updateStrategy": {"rollingUpdate": {"partition": 1}}}
    assert handover(owner({**IMAGE, **PARTITION}, manager="nightly", spec=spec), NOW, "nightly").kept is KeptReason.HOLDS


def test_a_name_that_was_noted_is_ours() -> None:
    """All of our names are given back at once, each tested for, and are off the note; of one that is asked for only that one."""
    def noted(*names: str) -> FieldsOwner:
        both = owner(IMAGE, manager="nightly", annotations={WRITERS_ANNOTATION: msgspec.json.encode(names).decode()})
        ours = {"manager": "kubectl-pets", "operation": "Update", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
        return replace(both, metadata=replace(both.metadata, managed_fields=[*both.metadata.managed_fields, ours]))

    found = handover(noted("nightly", "weekly"), NOW)
    assert found.change is not None and found.managers == ("kubectl-pets", "nightly")
    assert paths(found) == {"template.spec.containers[name=app].image": "app:2", "replicas": 5}
    assert [each.value for each in found.change.operations if each.path.endswith("/manager")] == ["nightly", "kubectl-pets"]
    left = [(each.op, each.value) for each in found.change.operations if each.path.endswith("field-managers")]
    assert left == [("replace", '["weekly"]')]
    alone = handover(noted("nightly"), NOW, "nightly")
    assert alone.change is not None and alone.managers == ("nightly",) and list(paths(alone)) == ["template.spec.containers[name=app].image"]
    assert [each.op for each in alone.change.operations if each.path.endswith("field-managers")] == ["remove"]
    helm = handover(noted("helm"), NOW)
    assert helm.managers == ("kubectl-pets",) and list(paths(helm)) == ["replicas"], "what Helm applies stays Helm's"


def test_the_time_of_scaling_outlives_it() -> None:
    """What was written to the spec since counts; what was written beside it does not."""
    hour = timedelta(hours=1)

    def scaled(noted: str | None, *entries: tuple[bool, int]) -> Any:
        managed = tuple(
            ManagedFieldsEntry(manager="x", operation="Update", time=NOW - hours * hour, fields_v1=OwnedFields(spec=OwnedSpec() if spec else None))
            for spec, hours in entries
        )
        notes = {} if noted is None else {SCALED_ANNOTATION: noted}
        return last_scaled(StatefulSet(metadata=ObjectMeta(name="web", annotations=notes, managed_fields=managed)))

    noted = (NOW - 5 * hour).isoformat()
    assert scaled(None, (True, 9), (False, 1)) == NOW - hour
    assert scaled(noted, (True, 9), (False, 1)) == NOW - 5 * hour
    assert scaled(noted, (True, 2), (False, 1)) == NOW - 2 * hour
    for odd in ("", "yesterday", "2026-01-01", "\x00"):
        assert scaled(odd, (True, 9), (False, 1)) == NOW - hour


def applied(*others: dict[str, Any], at: timedelta = timedelta(0), operation: str = "Apply", ours: Any = None) -> tuple[FieldsOwner, Handover]:
    """Helm applied a template at NOW, and some of it is ours by now."""
    when = (NOW + at).isoformat().replace("+00:00", "Z")
    helm = {"manager": "helm", "operation": operation, "time": when, "fieldsV1": {"f:spec": {"f:template": {"f:metadata": {}}}}}
    mine = {"manager": "kubectl-pets", "operation": "Update", "fieldsV1": {"f:spec": ours or {**IMAGE, **PARTITION}}}
    meta = {"name": "web", "namespace": "shop", "uid": "u", "managedFields": [helm, *others, mine]}
    found = msgspec.convert({"kind": "StatefulSet", "metadata": meta, "spec": SPEC}, FieldsOwner)
    return found, handover(found, NOW)


def revision(made: timedelta | None = timedelta(seconds=1), *, live: bool = True) -> RevisionEntry:
    created = NOW + made if made is not None else None
    return RevisionEntry(name="web-1", number=3, created=created, template={}, changes=(), pods=(), current=True, update=True, live=live)


def test_whose_own_template_it_is_again() -> None:
    assert own_value_of(*applied(), [revision()]) == "helm"
    assert own_value_of(*applied(), [revision(timedelta(0))]) == "helm", "of the same second"
    later, earlier = replace(revision(timedelta(seconds=3)), update=False), replace(revision(-timedelta(hours=3)), update=False)
    assert own_value_of(*applied(), [earlier, later, revision()]) == "helm"


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        pytest.param(applied(), revision(timedelta(minutes=5)), id="made long after it was applied: by somebody else"),
        pytest.param(applied(), revision(-timedelta(minutes=5)), id="there before it was applied"),
        pytest.param(applied(), revision(None), id="of no age"),
        pytest.param(applied(), revision(live=False), id="the template is another one already"),
        pytest.param(applied(operation="Update"), revision(), id="an Update proves nothing"),
        pytest.param(applied({"manager": "x", "operation": "Update", "fieldsV1": {"f:spec": {"f:template": {}}}}), revision(), id="somebody else wrote it as well"),
        pytest.param(applied(ours={"f:replicas": {}, **IMAGE}), revision(), id="replicas are ours, too"),
        pytest.param((applied()[0], Handover()), revision(), id="nothing is ours"),
        pytest.param((applied()[0], Handover(kept=KeptReason.HOLDS)), revision(), id="the partition holds pods"),
    ],
)  # fmt: skip
def test_where_that_is_not_certain(found: tuple[FieldsOwner, Handover], wanted: RevisionEntry) -> None:
    assert own_value_of(*found, [wanted]) == ""


def test_of_two_revisions_the_deployer_s_is_the_first() -> None:
    """The other one was made as soon, by somebody who did not wait."""
    first = replace(revision(timedelta(seconds=2)), update=False)
    for seconds in (2, 3):
        assert own_value_of(*applied(), [first, revision(timedelta(seconds=seconds))]) == ""
    assert own_value_of(*applied(), []) == ""
