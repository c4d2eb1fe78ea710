"""Who else believes that the set is theirs."""

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.model import ManagedFieldsEntry, ObjectMeta, OwnerReference, StatefulSet
from kubectl_pets.domain.rollout.managers import Manager, ManagerKind, managers


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
