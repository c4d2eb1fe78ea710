"""What changed from one revision to the next, and which revision the live template is."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kubectl_pets.domain.model import ObjectMeta, OwnerReference, Pod, StatefulSetStatus, UpdateStrategy
from kubectl_pets.domain.rollout.history import (
    ABSENT,
    Difference,
    History,
    StoredRevision,
    StoredSet,
    StoredSpec,
    differences,
    entries,
    find,
    kept_no_more,
    normalised,
    ran_last,
)
from tests.domain.builders import NEW, NOW, OLD, UID, pod

OWNER = (OwnerReference(kind="StatefulSet", name="web", uid=UID, controller=True),)


def template(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": list(containers), **spec}}


def app(image: str = "app:1", **more: Any) -> dict[str, Any]:
    return {"name": "app", "image": image, **more}


def stored(name: str, number: int, held: dict[str, Any], *, owner: tuple[OwnerReference, ...] = OWNER, age: int = 0) -> StoredRevision:
    data = {"spec": {"template": {"$patch": "replace", **held}}}
    meta = ObjectMeta(name=name, owner_references=owner, creation_timestamp=NOW - timedelta(hours=age))
    return StoredRevision(metadata=meta, revision=number, data=data)


def past(*revisions: StoredRevision, live: dict[str, Any], pods: tuple[Pod, ...] | None = ()) -> History:
    owner = StoredSet(
        metadata=ObjectMeta(name="web", namespace="prod", uid=UID),
        spec=StoredSpec(template=live),
        status=StatefulSetStatus(current_revision=OLD, update_revision=NEW),
    )
    return History(set=owner, revisions=revisions, pods=pods)


def test_revisions_in_order_with_their_roles() -> None:
    one, two = template(app("app:1")), template(app("app:2"))
    found = entries(past(stored(NEW, 10, two), stored(OLD, 9, one), live=two, pods=(pod(2, NEW), pod(10), pod(0))))
    assert [(each.name, each.number, each.current, each.update, each.live, each.pods) for each in found] == [
        (OLD, 9, True, False, False, ("web-0", "web-10")),
        (NEW, 10, False, True, True, ("web-2",)),
    ]
    assert found[0].changes is None and found[0].template == one
    assert found[1].changes == (Difference(path=("spec", "containers", "app", "image"), before="app:1", after="app:2"),)
    assert find(found, "9") is found[0] and find(found, NEW) is found[1] and find(found, "1") is None


def test_only_what_the_set_controls_is_its_past() -> None:
    other = (OwnerReference(kind="StatefulSet", name="web", uid="set-2", controller=True),)
    mere = (OwnerReference(kind="StatefulSet", name="web", uid=UID),)
    found = past(
        stored("a", 1, template()), stored("b", 2, template(), owner=other), stored("c", 3, template(), owner=mere), live=template()
    )
    assert [each.name for each in entries(found)] == ["a"]


def test_pods_that_could_not_be_read_are_not_none() -> None:
    assert entries(past(stored(OLD, 1, template()), live=template(), pods=None))[0].pods is None


@pytest.mark.parametrize("odd", [None, {}, {"spec": None}, {"spec": []}, {"spec": {"template": 3}}, {"other": True}])
def test_whatever_a_revision_holds(odd: Any) -> None:
    (found,) = entries(past(replace(stored(OLD, 1, template()), data=odd), live=template()))
    assert found.template == {} and not found.live


def test_the_same_number_twice_is_sorted_as_the_controller_does() -> None:
    found = entries(past(stored("b", 1, template(), age=1), stored("a", 1, template(), age=1), stored("c", 1, template(), age=2), live={}))
    assert [each.name for each in found] == ["c", "a", "b"]
    assert find(found, "1") is found[2]


def test_what_says_nothing_makes_no_difference() -> None:
    """Versions differ in the nulls and empty structs that they write; the controller compares what it has written itself."""
    bare = template(app())
    noisy = {
        "spec": {"securityContext": {}, "containers": [{"image": "app:1", "resources": {}, "name": "app", "command": None}]},
        "metadata": {"labels": {"app": "web"}, "creationTimestamp": None},
    }
    assert normalised(noisy) == normalised(bare) and differences(bare, noisy) == ()
    assert entries(past(stored(OLD, 1, noisy), live=bare))[0].live
    volume = {"volumes": [{"name": "tmp", "emptyDir": {}}]}
    assert normalised(volume) == volume  # here empty says something


CASES: list[tuple[dict[str, Any], dict[str, Any], list[tuple[str, Any, Any]]]] = [
    (template(app()), template(app(env=[{"name": "LOG", "value": "x"}])), [("env/LOG", ABSENT, {"name": "LOG", "value": "x"})]),
    (template(app(env=[{"name": "LOG", "value": "x"}])), template(app(env=[{"name": "LOG", "value": "y"}])), [("env/LOG/value", "x", "y")]),
    (template(app(ports=[{"containerPort": 80}])), template(app(ports=[])), [("ports/80", {"containerPort": 80}, ABSENT)]),
    (template(app(args=["a"])), template(app(args=["a", "b"])), [("args", ["a"], ["a", "b"])]),
    (template(app()), template(app(args=["a"])), [("args", ABSENT, ["a"])]),
    (template(app()), template(app(livenessProbe={"periodSeconds": 1})), [("livenessProbe", ABSENT, {"periodSeconds": 1})]),
    (
        template(app(volumeMounts=[{"name": "d", "mountPath": "/a"}, {"name": "d", "mountPath": "/b"}])),
        template(app(volumeMounts=[{"name": "d", "mountPath": "/a"}, {"name": "d", "mountPath": "/b", "readOnly": True}])),
        [("volumeMounts//b/readOnly", ABSENT, True)],
    ),
]


@pytest.mark.parametrize(("before", "after", "told"), CASES)
def test_fields_of_a_container(before: dict[str, Any], after: dict[str, Any], told: list[tuple[str, Any, Any]]) -> None:
    stem = ("spec", "containers", "app")
    assert [("/".join(item.path[3:]), item.before, item.after) for item in differences(before, after)] == told
    assert all(item.path[:3] == stem for item in differences(before, after))


def test_containers_by_name_and_in_order() -> None:
    both, turned = template(app(), {"name": "b"}), template({"name": "b"}, app())
    assert [(item.path, item.before, item.after) for item in differences(template(app()), both)] == [
        (("spec", "containers", "b"), ABSENT, {"name": "b"})
    ]
    (order,) = differences(both, turned)
    assert order.reordered and (order.before, order.after) == (["app", "b"], ["b", "app"])


def test_a_first_annotation_is_one_annotation() -> None:
    """kubectl rollout restart adds the first annotation of many a template."""
    after = template(app())
    after["metadata"] = {**after["metadata"], "annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}
    (found,) = differences(template(app()), after)
    assert found.path == ("metadata", "annotations", "kubectl.kubernetes.io/restartedAt") and found.before is ABSENT


_LEAF = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(("", "a", "b"))
_KEYS = st.sampled_from(("name", "resources", "env", "labels", "x"))
_JSON = st.recursive(_LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3), max_leaves=12)
_TEMPLATES = st.dictionaries(_KEYS, _JSON, max_size=4)


@given(_TEMPLATES, _TEMPLATES)
def test_there_are_differences_exactly_where_templates_differ(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert bool(differences(before, after)) is (normalised(before) != normalised(after))
    assert normalised(normalised(before)) == normalised(before)


def test_pods_whose_revision_is_kept_no_more() -> None:
    """kubernetes/kubernetes#85690: somebody tidied ControllerRevisions up."""
    two = template(app("app:2"))
    found = past(stored(NEW, 10, two), live=two, pods=(pod(0), pod(1), pod(2, NEW)))
    assert kept_no_more(found, entries(found)) == ("web-0", "web-1")


@pytest.mark.parametrize("strategy, pods, expected", [("OnDelete", (pod(0, NEW),), False), ("OnDelete", (pod(0),), True), ("RollingUpdate", (pod(0, NEW),), True)])
def test_what_nobody_runs_is_not_current_by_hand(strategy: str, pods: tuple[Pod, ...], expected: bool) -> None:
    """kubernetes/kubernetes#106055: before 1.37 the current revision of such a set stays at its first one."""
    one, two = template(app("app:1")), template(app("app:2"))
    found = past(stored(OLD, 1, one), stored(NEW, 2, two), live=two, pods=pods)
    by_hand = replace(found, set=replace(found.set, spec=replace(found.set.spec, update_strategy=UpdateStrategy(type=strategy))))
    assert entries(by_hand)[0].current is expected


def test_what_ran_last_where_the_set_was_made_again() -> None:
    one, two = template(app("app:1")), template(app("app:2"))
    made = past(stored(OLD, 1, one), stored(NEW, 2, two), live=two, pods=(pod(0), pod(1)))
    again = replace(made, set=replace(made.set, status=StatefulSetStatus(current_revision=NEW, update_revision=NEW)))
    assert [each.name if each else None for each in (ran_last(entries(again)), ran_last(entries(made)), ran_last(()))] == [OLD, OLD, None]
