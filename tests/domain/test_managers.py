"""Who else believes that the set is theirs."""

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.changes import PatchSet
from kubectl_pets.domain.model import (
    ManagedFieldsEntry,
    ObjectMeta,
    Owned,
    OwnedContainer,
    OwnedFields,
    OwnedPodSpec,
    OwnedRollingUpdate,
    OwnedSpec,
    OwnedStrategy,
    OwnedTemplate,
    OwnerReference,
    StatefulSet,
)
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.managers import Manager, ManagerKind, managers, states_partition
from kubectl_pets.domain.rollout.verdict import Phase
from kubectl_pets.domain.stepping.patches import change_for
from kubectl_pets.domain.stepping.steps import SetPartition
from tests.domain.builders import NEW, NOW, OLD, pod, snapshot, statefulset
from tests.domain.controller import patched


def owned(**meta: object) -> StatefulSet:
    return StatefulSet(metadata=replace(ObjectMeta(name="web"), **meta))


@pytest.mark.parametrize(
    ("meta", "kind", "name", "evidence"),
    [
        (
            {"owner_references": (OwnerReference(kind="Prometheus", name="main", uid="1", controller=True),)},
            ManagerKind.OPERATOR, "Prometheus/main", "metadata.ownerReferences",
        ),
        ({"labels": {"argocd.argoproj.io/instance": "shop"}}, ManagerKind.ARGO_CD, "argocd.argoproj.io/instance", "metadata.labels"),
        ({"annotations": {"argocd.argoproj.io/tracking-id": "x"}}, ManagerKind.ARGO_CD, "argocd.argoproj.io/tracking-id", "metadata.annotations"),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "x"}}, ManagerKind.FLUX, "kustomize.toolkit.fluxcd.io/name", "metadata.labels"),
        ({"labels": {"helm.toolkit.fluxcd.io/name": "x"}}, ManagerKind.FLUX, "helm.toolkit.fluxcd.io/name", "metadata.labels"),
        ({"annotations": {"meta.helm.sh/release-name": "x"}}, ManagerKind.HELM, "meta.helm.sh/release-name", "metadata.annotations"),
        ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, ManagerKind.HELM, "Helm", "app.kubernetes.io/managed-by"),
        ({"labels": {"app.kubernetes.io/managed-by": "terraform"}}, ManagerKind.OTHER, "terraform", "app.kubernetes.io/managed-by"),
        ({"managed_fields": (ManagedFieldsEntry(manager="argocd-controller"),)}, ManagerKind.ARGO_CD, "argocd-controller", "metadata.managedFields"),
        ({"managed_fields": (ManagedFieldsEntry(manager="kustomize-controller"),)}, ManagerKind.FLUX, "kustomize-controller", "metadata.managedFields"),
        ({"managed_fields": (ManagedFieldsEntry(manager="helm-controller"),)}, ManagerKind.FLUX, "helm-controller", "metadata.managedFields"),
        ({"managed_fields": (ManagedFieldsEntry(manager="helm"),)}, ManagerKind.HELM, "helm", "metadata.managedFields"),
    ],
)  # fmt: skip
def test_one_piece_of_evidence(meta: dict[str, object], kind: ManagerKind, name: str, evidence: str) -> None:
    assert managers(owned(**meta)) == (Manager(kind=kind, name=name, evidence=evidence),)


CONTROLLED = {"owner_references": (OwnerReference(kind="Elasticsearch", name="logs", uid="1", controller=True),)}
GROUPED = {"labels": {"rollout-group": "ingester"}}


@pytest.mark.parametrize(
    ("strategy", "meta", "name"),
    [
        ("OnDelete", CONTROLLED, "Elasticsearch/logs"),
        ("OnDelete", GROUPED, "rollout-operator"),
        ("OnDelete", {"owner_references": (OwnerReference(kind="Shop", name="main", uid="1"),)}, ""),
        ("OnDelete", {}, ""),
        ("RollingUpdate", CONTROLLED, ""),
        ("RollingUpdate", GROUPED, ""),
    ],
)
def test_who_deletes_the_pods_of_a_set_that_is_updated_by_hand(strategy: str, meta: dict[str, object], name: str) -> None:
    owner = replace(statefulset(strategy=strategy, update=NEW), metadata=replace(statefulset().metadata, **meta))
    seen = assess(snapshot(owner, pod(0), pod(1), pod(2)), NOW)
    assert seen.replaced_by == name
    assert [each.name for each in managers(owner) if each.replaces] == ([name] if name else [])


def wrote(manager: str, *, template: bool = True, operation: str = "Update", subresource: str = "") -> tuple[ManagedFieldsEntry, ...]:
    """Who wrote the partition, and the image besides."""
    containers = {'k:{"name":"app"}': OwnedContainer(image=Owned())} if template else {}
    strategy = OwnedStrategy(rolling_update=OwnedRollingUpdate(partition=Owned()))
    spec = OwnedSpec(update_strategy=strategy, template=OwnedTemplate(spec=OwnedPodSpec(containers=containers)))
    return (ManagedFieldsEntry(manager=manager, operation=operation, subresource=subresource, fields_v1=OwnedFields(spec=spec)),)


IN_ROLLOUT = "rollouts.kruise.io/in-progressing"


@pytest.mark.parametrize(
    ("meta", "keeper"),
    [
        ({**CONTROLLED, "managed_fields": wrote("tidb-controller-manager")}, "Elasticsearch/logs"),
        ({**CONTROLLED, "managed_fields": wrote("tidb-controller-manager", operation="Apply")}, "Elasticsearch/logs"),
        ({**CONTROLLED, "managed_fields": wrote("kubectl-pets")}, ""),
        ({**CONTROLLED, "managed_fields": wrote("deploy"), "annotations": {"kubectl-pets/field-managers": '["deploy"]'}}, ""),
        ({**CONTROLLED, "managed_fields": wrote("kubectl-patch")}, ""),
        ({**CONTROLLED, "managed_fields": wrote("node-fetch", template=False)}, ""),
        ({**CONTROLLED, "managed_fields": wrote("tidb-controller-manager", subresource="status")}, ""),
        (CONTROLLED, ""),
        ({"managed_fields": wrote("helm")}, ""),
        ({"annotations": {IN_ROLLOUT: '{"rolloutName":"canary"}'}}, "Rollout/canary"),
        ({"annotations": {IN_ROLLOUT: "true"}}, "Rollout"),
    ],
)
def test_who_moves_the_partition_by_itself(meta: dict[str, object], keeper: str) -> None:
    """tidb-operator has it at the number of replicas while nothing is rolled out: it was called left over, with a command that lets
    the next change go past it."""
    mine = statefulset(partition=3, current=OLD, update=OLD)
    owner = replace(mine, metadata=replace(mine.metadata, **meta))
    seen = assess(snapshot(owner, pod(0), pod(1), pod(2)), NOW)
    assert (seen.phase, seen.partition_kept_by, seen.partition_left_over) == (Phase.COMPLETE, keeper, not keeper)
    free = replace(owner, spec=replace(owner.spec, update_strategy=statefulset().spec.update_strategy))
    assert assess(snapshot(free, pod(0), pod(1), pod(2)), NOW).partition_kept_by == ""


@pytest.mark.parametrize(
    "meta",
    [
        {},
        {"owner_references": (OwnerReference(kind="Shop", name="main", uid="1"),)},
        {"managed_fields": (ManagedFieldsEntry(manager="kubectl-edit"), ManagedFieldsEntry(manager="argocd", subresource="status"))},
        {"labels": {"app.kubernetes.io/managed-by": ""}, "annotations": {"example.com/argocd.argoproj.io/x": "y"}},
    ],
)
def test_nobody(meta: dict[str, object]) -> None:
    assert managers(owned(**meta)) == ()


def test_each_kind_once_with_its_strongest_evidence() -> None:
    found = managers(
        owned(
            owner_references=(OwnerReference(kind="Shop", name="main", uid="1", controller=True),),
            labels={"app.kubernetes.io/managed-by": "Helm", "argocd.argoproj.io/instance": "shop"},
            annotations={"meta.helm.sh/release-name": "x", "argocd.argoproj.io/tracking-id": "x"},
            managed_fields=(ManagedFieldsEntry(manager="argocd-controller"), ManagedFieldsEntry(manager="helm")),
        )
    )
    assert [(manager.kind, manager.evidence) for manager in found] == [
        (ManagerKind.OPERATOR, "metadata.ownerReferences"),
        (ManagerKind.ARGO_CD, "metadata.labels"),
        (ManagerKind.HELM, "metadata.annotations"),
    ]


def test_who_states_a_partition() -> None:
    """Server-side apply lists what it states; of what was written otherwise the defaults of the API server count as stated, too."""
    owner = statefulset(partition=2)
    fields = OwnedFields(spec=OwnedSpec(update_strategy=OwnedStrategy(rolling_update=OwnedRollingUpdate(partition=Owned()))))

    def written(operation: str, subresource: str = "") -> StatefulSet:
        entry = ManagedFieldsEntry(manager="kustomize-controller", operation=operation, subresource=subresource, fields_v1=fields)
        return replace(owner, metadata=replace(owner.metadata, managed_fields=(entry,)))

    assert [states_partition(each) for each in (written("Apply"), written("Update"), written("Apply", "status"), owner)] == [
        "kustomize-controller", "", "", ""
    ]  # fmt: skip


@pytest.mark.parametrize(
    "applied, who",
    [
        ('{"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}', "kubectl apply"),
        ('{"spec":{"updateStrategy":{"type":"RollingUpdate"}}}', ""),
        ("not JSON", ""),
        ('{"spec":[]}', ""),
    ],
)
def test_who_applied_a_partition(applied: str, who: str) -> None:
    owner = statefulset(annotations={"kubectl.kubernetes.io/last-applied-configuration": applied})
    assert states_partition(owner) == who


def test_it_is_noted_before_our_own_writing_hides_it() -> None:
    fields = OwnedFields(spec=OwnedSpec(update_strategy=OwnedStrategy(rolling_update=OwnedRollingUpdate(partition=Owned()))))
    owner = statefulset(partition=0)
    entry = ManagedFieldsEntry(manager="flux", operation="Apply", fields_v1=fields)
    stated = replace(owner, metadata=replace(owner.metadata, managed_fields=(entry,)))
    seen = assess(snapshot(stated, *(pod(each) for each in range(3))), NOW)
    change = change_for(SetPartition(partition=3, before=0), stated, seen)
    assert isinstance(change, PatchSet)
    ours = patched(owner, replace(change, operations=tuple(each for each in change.operations if each.path != "/metadata/resourceVersion")))
    assert states_partition(ours) == "flux"
    gone = change_for(SetPartition(partition=0, before=3), ours, seen)
    assert isinstance(gone, PatchSet) and states_partition(patched(ours, gone)) == ""
