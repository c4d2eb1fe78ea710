"""A set that is made again: what is asked for, what the new one holds, what speaks against it, and what other verbs make of it meanwhile."""

from typing import Any

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.inventory import POD_NAME_LABEL, AwaySet, away
from kubectl_pets.domain.model import Inventory, Object, ObjectMeta, OwnerReference, Pod, SetView
from kubectl_pets.domain.recreate.asking import Unmeant, of_manifest, of_words, sized
from kubectl_pets.domain.recreate.content import created, intention, mark, unmark
from kubectl_pets.domain.recreate.plan import TemplateFate, lacking, plan
from kubectl_pets.domain.recreate.refusing import RecreateRefused, RecreateRefusedReason, refusals
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.ranking import is_problem
from kubectl_pets.domain.rollout.verdict import Phase
from kubectl_pets.domain.sets.away import RECREATING_ANNOTATION, PodTaker, TakerSpec, WholeMeta, WholeSet
from kubectl_pets.domain.stepping.deciding import refusal
from kubectl_pets.domain.stepping.steps import RefusedReason
from kubectl_pets.domain.stepping.until import Progress, Until, progress
from tests.domain.builders import NOW
from tests.domain.resize import at_rest

POLICY = "persistentVolumeClaimRetentionPolicy"


def template(name: str, size: str = "1Gi", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"resources": {"requests": {"storage": size}}, **spec}}


def whole(view: SetView | None = None, **spec: Any) -> WholeSet:
    """The set of ``at_rest``, with more of its spec."""
    owner = (view or at_rest()).set
    assert owner is not None
    labels = owner.spec.template.metadata.labels
    mounts = [{"name": "app", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}]
    given = {
        "replicas": 3, "serviceName": owner.spec.service_name, "podManagementPolicy": "OrderedReady", "selector": {"matchLabels": dict(owner.spec.selector.match_labels)},
        "template": {"metadata": {"labels": dict(labels)}, "spec": {"containers": mounts}}, "volumeClaimTemplates": [template("data")], **spec,
    }  # fmt: skip
    meta = WholeMeta(name=owner.name, namespace=owner.namespace, uid=owner.metadata.uid, resource_version="7", annotations={"team": "a"})
    return WholeSet(metadata=meta, spec=given, status=owner.status)


def reasons(wanted: dict[str, Any], view: SetView | None = None, live: WholeSet | None = None) -> list[RecreateRefusedReason]:
    view = view or at_rest()
    found = refusals(live or whole(view), view, assess(view, NOW), wanted, operator_paused=False)
    return [each.reason for each in found]


@pytest.mark.parametrize(
    ("kind", "selector", "takes"),
    [
        ("ReplicaSet", {"matchLabels": {"app": "web"}}, True),
        ("ReplicaSet", {"matchLabels": {"app": "web", "pod-template-hash": "1"}}, False),
        ("DaemonSet", {"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ("DaemonSet", {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, False),
        ("ReplicationController", {"app": "web"}, True),
        ("ReplicationController", {"app": "other"}, False),
        ("ReplicaSet", {}, False),  # no workload of the API may have it
        ("ReplicaSet", "nobody knows", True),
    ],
)
def test_who_takes_on_pods_that_are_nobodys(kind: str, selector: Any, takes: bool) -> None:
    view = at_rest()
    pods = tuple(replace(each, metadata=replace(each.metadata, labels={**each.metadata.labels, "app": "web"})) for each in view.pods or ())
    view = replace(view, pods=pods)
    taker = PodTaker(kind=kind, metadata=ObjectMeta(name="x"), spec=TakerSpec(selector=selector))
    found = refusals(whole(view), view, assess(view, NOW), {}, operator_paused=False, takers=(taker,))
    wanted = [RecreateRefused(reason=RecreateRefusedReason.PODS_TAKEN, subjects=(f"{kind}/x",))] if takes else []
    assert list(found) == wanted


def test_what_is_typed() -> None:
    spec = whole().spec
    assert of_words(["serviceName=a", "podManagementPolicy=Parallel"], spec) == {"serviceName": "a", "podManagementPolicy": "Parallel"}
    assert of_words(["selector.app.kubernetes.io/part-of=x"], spec)["selector"]["matchLabels"]["app.kubernetes.io/part-of"] == "x"
    wanted = of_words(["volumeClaimTemplates[data].storage=2Gi", "volumeClaimTemplates[data].storageClassName=fast"], spec)
    assert wanted == {"volumeClaimTemplates": [template("data", "2Gi", storageClassName="fast")]} and spec["volumeClaimTemplates"] == [template("data")]
    assert sized(spec, "data", "3Gi", "gold")["volumeClaimTemplates"][0]["spec"]["volumeAttributesClassName"] == "gold"
    assert of_manifest({"spec": {"serviceName": "a", "replicas": 7}}) == {
        "serviceName": "a", "podManagementPolicy": None, "selector": None, "volumeClaimTemplates": None,
    }  # fmt: skip


@pytest.mark.parametrize("word", ["replicas=2", "serviceName", "selector.=x", "volumeClaimTemplates[x].storage=1Gi", "volumeClaimTemplates[data].storage=big"])
def test_what_cannot_be_meant(word: str) -> None:
    with pytest.raises(Unmeant):
        of_words([word], whole().spec)


def test_nothing_but_what_was_asked_for_is_another() -> None:
    live = whole(persistentVolumeClaimRetentionPolicy={"whenDeleted": "Delete", "whenScaled": "Retain"})
    found = intention(live, {"serviceName": "other"}, at_rest().pods or (), None, NOW)
    assert found.content.spec == {**live.spec, "serviceName": "other"} and found.content.annotations == {"team": "a"}
    assert created(found).annotations == {"team": "a", RECREATING_ANNOTATION: live.metadata.uid}
    assert set(found.pods) == {"web-0", "web-1", "web-2"}


def test_the_mark_holds_the_policy_of_before_though_the_record_be_lost() -> None:
    live = whole(persistentVolumeClaimRetentionPolicy={"whenDeleted": "Delete", "whenScaled": "Delete"})
    operations = {each.path: each.value for each in mark(live).operations if each.op != "test"}
    assert operations[f"/spec/{POLICY}"]["whenDeleted"] == "Retain"
    note = operations["/metadata/annotations/kubectl-pets~1recreating"]
    after = replace(live, spec={**live.spec, POLICY: operations[f"/spec/{POLICY}"]}, metadata=replace(live.metadata, annotations={RECREATING_ANNOTATION: note}))
    assert intention(after, {}, (), None, NOW).content.spec[POLICY] == {"whenDeleted": "Delete", "whenScaled": "Delete"}
    back = {each.path: each.value for each in unmark(after, ()).operations if each.op != "test"}
    assert back == {f"/spec/{POLICY}": {"whenDeleted": "Delete", "whenScaled": "Delete"}, "/metadata/annotations/kubectl-pets~1recreating": "set-1"}


def test_whoever_has_written_into_the_new_set_meanwhile_keeps_what_is_theirs() -> None:
    def entry(manager: str, **more: str) -> dict[str, Any]:
        return {"manager": manager, "operation": "Update", "apiVersion": "apps/v1", "fieldsV1": {}, **more}

    live = whole()
    fields = [entry("kubectl-pets"), entry("kube-controller-manager", subresource="status"), entry("kubectl-edit"), entry("helm")]
    note = {RECREATING_ANNOTATION: live.metadata.uid}
    after = replace(live, metadata=replace(live.metadata, annotations=note, managed_fields=fields))
    (value,) = [each.value for each in unmark(after, (entry("helm"),)).operations if each.path == "/metadata/managedFields"]
    assert value == [entry("helm"), entry("kube-controller-manager", subresource="status"), entry("kubectl-edit")]


def test_what_speaks_against_it() -> None:
    assert reasons({"serviceName": "x"}) == []
    labels = whole().spec["selector"]["matchLabels"]
    assert reasons({"selector": {"matchLabels": {**labels, "tier": "db"}}}) == [RecreateRefusedReason.SELECTOR_MISSES]
    narrow = whole(selector={"matchLabels": {"app": "web"}})
    assert reasons({"selector": {"matchLabels": {}}}, live=narrow) == [RecreateRefusedReason.SELECTOR_WIDER]
    assert reasons({"volumeClaimTemplates": []}) == [RecreateRefusedReason.MOUNTED]
    assert reasons({"volumeClaimTemplates": [template("data"), template("logs")]}) == []
    view = at_rest()
    assert view.set is not None and view.pods is not None
    meta = view.set.metadata
    operated = replace(view, set=replace(view.set, metadata=replace(meta, owner_references=(OwnerReference(kind="Pg", name="a", controller=True),))))
    assert reasons({}, operated) == [RecreateRefusedReason.OPERATOR]
    leaving = replace(view.pods[0], metadata=replace(view.pods[0].metadata, deletion_timestamp=NOW))
    assert RecreateRefusedReason.PODS_LEAVING in reasons({}, replace(view, pods=(leaving, *view.pods[1:])))
    assert reasons({}, replace(view, pods=None)) == [RecreateRefusedReason.PODS_UNREADABLE]
    kept = whole()
    assert reasons({}, live=replace(kept, metadata=replace(kept.metadata, finalizers=("a.b/c",)))) == [RecreateRefusedReason.FINALIZERS]
    assert reasons({}, live=replace(kept, metadata=replace(kept.metadata, name="w" * 240))) == [RecreateRefusedReason.NAME_TOO_LONG]


def test_what_the_pods_lack_then() -> None:
    view = at_rest()
    found = plan(whole(), view, {"volumeClaimTemplates": [template("data", "2Gi"), template("logs")], "serviceName": "x"}, ())
    assert [(each.name, each.fate) for each in found.templates] == [("data", TemplateFate.CHANGED), ("logs", TemplateFate.ADDED)]
    assert found.lacking.volumes == ("web-0", "web-1", "web-2") and found.lacking.pods == ("web-0", "web-1", "web-2")
    assert lacking(replace(view, set=None)).pods == ()


# --- meanwhile -----------------------------------------------------------------------------------------------------------------


def test_a_set_that_is_being_made_again_is_not_complete_and_nothing_else_is_done_to_it() -> None:
    seen = assess(at_rest(annotations={RECREATING_ANNOTATION: "u"}), NOW)
    assert seen.phase is Phase.RECREATING and seen.rolled_out and is_problem(seen)
    assert progress(Until.COMPLETE, seen) is Progress.GOING_ON
    refused = refusal(seen)
    assert refused is not None and refused.reason is RefusedReason.RECREATING


def test_pods_without_their_set_tell_that_it_is_away() -> None:
    def pod(name: str, label: str, *owners: OwnerReference) -> Pod:
        return Pod(metadata=ObjectMeta(name=name, namespace="prod", labels={POD_NAME_LABEL: label}, owner_references=owners))

    mine = pod("web-0", "web-0"), pod("web-1", "web-1")
    others = pod("db-0", "db-0", OwnerReference(kind="StatefulSet", name="db", controller=True)), pod("cp-0", "web-0"), pod("live-0", "live-0")
    there = Object(metadata=ObjectMeta(name="live", namespace="prod"))
    owner = at_rest().set
    assert owner is not None
    inventory = Inventory(sets=(replace(owner, metadata=there.metadata),), pods=(*mine, *others))
    assert away(inventory) == (AwaySet(namespace="prod", name="web", pods=2),)
