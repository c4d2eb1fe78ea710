"""Who deploys the fields that we write, and what the next deploy does about it."""

import json
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_pets.domain.model import StatefulSet
from kubectl_pets.domain.rollout import ownership
from kubectl_pets.domain.rollout.managers import Manager, ManagerKind
from kubectl_pets.domain.rollout.ownership import DeployedField, NextDeploy, Stake, Written

IMAGE, PARTITION, REPLICAS = DeployedField
APP = 'k:{"name":"app"}'


def fields(*, images: tuple[str, ...] = (), others: tuple[str, ...] = (), partition: bool = False, replicas: bool = False) -> dict[str, Any]:
    """fieldsV1 of somebody who owns the image of the containers ``images``, and of ``others`` only the name."""
    containers: dict[str, Any] = {f'k:{{"name":"{name}"}}': {".": {}, "f:name": {}, "f:image": {}} for name in images}
    containers |= {f'k:{{"name":"{name}"}}': {".": {}, "f:name": {}} for name in others}
    spec: dict[str, Any] = {"f:template": {"f:spec": {"f:containers": {".": {}, **containers}}}} if containers else {}
    spec |= {"f:updateStrategy": {"f:rollingUpdate": {"f:partition": {}}, "f:type": {}}} if partition else {}
    return {"f:metadata": {}, "f:spec": spec | ({"f:replicas": {}} if replicas else {})}


def held(*entries: tuple[str, str, dict[str, Any]], applied: Any = None, **meta: Any) -> StatefulSet:
    managed = [{"manager": manager, "operation": operation, "fieldsV1": owned} for manager, operation, owned in entries]
    notes = {} if applied is None else {"kubectl.kubernetes.io/last-applied-configuration": applied}
    document = {
        "apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {"name": "web", "managedFields": managed, "annotations": notes, **meta},
        "spec": {
            "replicas": 3,
            "updateStrategy": {"rollingUpdate": {"partition": 0}},
            "template": {"spec": {"containers": [{"name": "app", "image": "app:1"}, {"name": "log", "image": "log:7"}]}},
        },
    }
    return msgspec.json.decode(json.dumps(document), type=StatefulSet)


def stake(field: DeployedField, deployer: str, end: NextDeploy, value: str = "") -> Stake:
    return Stake(field=field, deployer=deployer, next_deploy=end, value=value)


def stakes(owner: StatefulSet, fields: Iterable[DeployedField], ours: str = "kubectl-pets") -> tuple[Stake, ...]:
    return ownership.stakes(owner, Written(fields=tuple(fields)), ours)


OURS = ("kubectl-pets", "Update", fields(images=("app",)))


@pytest.mark.parametrize(
    ("entries", "field", "expected"),
    [
        # Helm 4, kubectl apply --server-side, Terraform: any applier, on no list.
        ([("helm", "Apply", fields(images=("app",)))], IMAGE, [stake(IMAGE, "helm", NextDeploy.FAILS, "app:1")]),
        ([("deploy.sh", "Apply", fields(images=("app", "log")))], IMAGE, [stake(IMAGE, "deploy.sh", NextDeploy.FAILS, "app=app:1, log=log:7")]),
        ([("helm", "Apply", fields(images=("app",)))], PARTITION, []),
        ([("helm", "Apply", fields(partition=True))], PARTITION, [stake(PARTITION, "helm", NextDeploy.FAILS, "0")]),
        ([("kubectl", "Apply", fields(replicas=True))], REPLICAS, [stake(REPLICAS, "kubectl", NextDeploy.FAILS, "3")]),
        # With force.
        ([("argocd-controller", "Apply", fields(images=("app",)))], IMAGE, [stake(IMAGE, "argocd-controller", NextDeploy.OVERWRITES, "app:1")]),
        ([("kustomize-controller", "Apply", fields(replicas=True))], REPLICAS, [stake(REPLICAS, "kustomize-controller", NextDeploy.OVERWRITES, "3")]),
        # We have taken the image before: an applier of the container states one, which nobody sees any more.
        ([("helm", "Apply", fields(others=("app",))), OURS], IMAGE, [stake(IMAGE, "helm", NextDeploy.FAILS)]),
        ([("helm", "Apply", fields(others=("log",))), OURS], IMAGE, []),
        # Helm 3 writes as an Update; of a partition that proves nothing.
        ([("helm", "Update", fields(images=("app",), partition=True))], IMAGE, [stake(IMAGE, "helm", NextDeploy.OVERWRITES, "app:1")]),
        ([("helm", "Update", fields(images=("app",), partition=True))], PARTITION, []),
        ([("node-fetch", "Update", fields(replicas=True))], REPLICAS, [stake(REPLICAS, "node-fetch", NextDeploy.MAY_OVERWRITE, "3")]),
        # Somebody at kubectl, and ourselves.
        ([("kubectl-edit", "Update", fields(images=("app",))), ("kubectl-client-side-apply", "Update", fields(images=("app",)))], IMAGE, []),
        ([OURS], IMAGE, []),
    ],
)  # fmt: skip
def test_what_the_next_deploy_does(entries: list[Any], field: DeployedField, expected: list[Stake]) -> None:
    assert list(stakes(held(*entries), [field])) == expected


def of_inits(*names: str) -> dict[str, Any]:
    inits: dict[str, Any] = {f'k:{{"name":"{name}"}}': {".": {}, "f:name": {}, "f:image": {}} for name in names}
    return {"f:spec": {"f:template": {"f:spec": {"f:initContainers": {".": {}, **inits}}}}}


def sidecar(owner: StatefulSet) -> StatefulSet:
    """With a container that is started first and runs beside the others (KEP-753)."""
    pod = owner.spec.template.spec
    inits = (msgspec.structs.replace(pod.containers[0], name="proxy", image="proxy:3"),)
    template = msgspec.structs.replace(owner.spec.template, spec=msgspec.structs.replace(pod, init_containers=inits))
    return msgspec.structs.replace(owner, spec=msgspec.structs.replace(owner.spec, template=template))


def test_of_images_only_those_that_are_written_count() -> None:
    """Whoever applies another container of the pod, an injector's or a sidecar's, is in no conflict with us."""
    owner = sidecar(held(("helm", "Apply", fields(images=("app",))), ("mesh", "Apply", of_inits("proxy"))))
    for names, told in ((("app",), [("helm", "app:1")]), (("proxy",), [("mesh", "proxy:3")]), (("log",), [])):
        written = Written(fields=(IMAGE,), containers=frozenset(names))
        assert [(each.deployer, each.value) for each in ownership.stakes(owner, written)] == told
    assert [each.deployer for each in stakes(owner, [IMAGE])] == ["helm", "mesh"]  # all of the template
    taken = sidecar(held(("helm", "Apply", fields(others=("app", "log"))), ("kubectl-pets", "Update", fields(images=("app",)))))
    for name, lost in (("app", ["helm"]), ("log", [])):
        assert [each.deployer for each in ownership.stakes(taken, Written(fields=(IMAGE,), containers=frozenset((name,))))] == lost


def test_of_what_was_applied_only_the_images_that_are_written_count() -> None:
    pod = {"containers": [{"name": "app", "image": "app:0"}], "initContainers": [{"name": "proxy", "image": "proxy:0"}]}
    owner = held(applied=json.dumps({"spec": {"template": {"spec": pod}}}))
    for name, value in (("app", "app:0"), ("proxy", "proxy:0")):
        (found,) = ownership.stakes(owner, Written(fields=(IMAGE,), containers=frozenset((name,))))
        assert found.value == value
    assert ownership.stakes(owner, Written(fields=(IMAGE,), containers=frozenset(("log",)))) == ()
    assert [each.value for each in stakes(owner, [IMAGE])] == ["proxy=proxy:0, app=app:0"]


@given(st.integers(0, 9), st.frozensets(st.integers(0, 9), max_size=4))
def test_a_partition_that_comes_back(stated: int, written: frozenset[int]) -> None:
    """It lets pods go where it is below one that is written, and else holds some back; where it is what is written nothing comes
    of it."""
    owner = held(applied=json.dumps({"spec": {"updateStrategy": {"rollingUpdate": {"partition": stated}}}}))
    found = ownership.stakes(owner, Written(fields=(PARTITION,), partitions=written))
    if written and written <= {stated}:
        assert found == ()
    else:
        assert [(each.value, each.lets_go) for each in found] == [(str(stated), not written or any(stated < each for each in written))]


def test_written_under_another_name() -> None:
    """What stands there under it is ours, but not what is applied under it; and what has taken an image is found by it."""
    named = ("nightly", "Update", fields(images=("app",), replicas=True))
    assert stakes(held(named), [IMAGE, REPLICAS], "nightly") == () and stakes(held(OURS), [IMAGE], "nightly") == ()
    assert [each.next_deploy for each in stakes(held(named), [REPLICAS])] == [NextDeploy.MAY_OVERWRITE]
    taken = held(("helm", "Apply", fields(others=("app",))), named)
    assert stakes(taken, [IMAGE], "nightly") == (msgspec.structs.replace(stake(IMAGE, "helm", NextDeploy.FAILS), ours="nightly"),)
    assert [each.deployer for each in stakes(held(("helm", "Apply", fields(images=("app",)))), [IMAGE], "helm")] == ["helm"]


def test_a_name_that_was_noted_is_nobody_else() -> None:
    """Whoever comes without the flag; what is applied under it is still a deployer's."""
    note = {"kubectl-pets/field-managers": '["nightly"]'}
    named = ("nightly", "Update", fields(images=("app",), replicas=True))
    assert stakes(held(named, annotations=note), [IMAGE, REPLICAS]) == ()
    taken = held(("helm", "Apply", fields(others=("app",))), named, annotations=note)
    assert stakes(taken, [IMAGE]) == (stake(IMAGE, "helm", NextDeploy.FAILS),)
    applied = held(("nightly", "Apply", fields(images=("app",))), annotations=note)
    assert [each.deployer for each in stakes(applied, [IMAGE])] == ["nightly"]


def test_what_kubectl_apply_noted() -> None:
    spec = {"replicas": 5, "updateStrategy": {"rollingUpdate": {"partition": 0}}, "template": {"spec": {"containers": [{"name": "app", "image": "app:0"}]}}}
    found = stakes(held(applied=json.dumps({"spec": spec})), DeployedField)
    client = [stake(field, "kubectl apply", NextDeploy.OVERWRITES, value) for field, value in ((IMAGE, "app:0"), (PARTITION, "0"), (REPLICAS, "5"))]
    assert list(found) == client
    assert stakes(held(applied=json.dumps({"spec": {}})), DeployedField) == ()
    for odd in ("", "[]", "{", '{"spec": {"replicas": "x"}}', "[" * 5000):
        assert stakes(held(applied=odd), DeployedField) == ()


def test_the_scale_subresource_is_no_deploy() -> None:
    owner = held(("helm", "Apply", fields()))
    entry = msgspec.structs.replace(held(("kubectl", "Update", fields(replicas=True))).metadata.managed_fields[0], subresource="scale")
    meta = msgspec.structs.replace(owner.metadata, managed_fields=(entry,))
    assert stakes(msgspec.structs.replace(owner, metadata=meta), DeployedField) == ()


def test_who_is_told_once() -> None:
    """A stake says more than that Helm installed it; an operator is named besides."""
    operator = [{"apiVersion": "x/v1", "kind": "Kafka", "name": "k", "uid": "1", "controller": True}]
    labels = {"app.kubernetes.io/managed-by": "Helm"}
    owner = held(("helm", "Apply", fields(images=("app",))), labels=labels, ownerReferences=operator)
    found = ownership.deployers(owner, Written(fields=(IMAGE,)))
    assert [each.deployer if isinstance(each, Stake) else each.kind for each in found] == ["helm", ManagerKind.OPERATOR]
    (manager,) = (each for each in ownership.deployers(held(labels=labels), Written(fields=(IMAGE,))) if isinstance(each, Manager))
    assert manager.kind is ManagerKind.HELM
