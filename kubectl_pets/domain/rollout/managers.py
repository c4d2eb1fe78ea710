"""Who else believes that this StatefulSet is theirs? GitOps tools and operators put back what is patched by hand.

Evidence in the order of weight: a controlling owner, then the marks that tools leave in labels and annotations, then the names
under which they wrote fields (metav1.ManagedFieldsEntry). Helm alone does not revert anything, it is named all the same.
"""

from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.model import StatefulSet


@unique
class ManagerKind(StrEnum):
    OPERATOR = "operator"
    ARGO_CD = "argo-cd"
    FLUX = "flux"
    HELM = "helm"
    OTHER = "other"


class Manager(msgspec.Struct, frozen=True, kw_only=True):
    """``name`` is the cluster's word for it (untrusted), ``evidence`` the field it was seen in."""

    kind: ManagerKind
    name: str
    evidence: str


_MARKS = (
    ("argocd.argoproj.io/", ManagerKind.ARGO_CD),
    ("kustomize.toolkit.fluxcd.io/", ManagerKind.FLUX),
    ("helm.toolkit.fluxcd.io/", ManagerKind.FLUX),
    ("meta.helm.sh/", ManagerKind.HELM),
)
_WRITERS = (
    ("argocd", ManagerKind.ARGO_CD),
    ("kustomize-controller", ManagerKind.FLUX),
    ("helm-controller", ManagerKind.FLUX),
    ("helm", ManagerKind.HELM),
)


def managers(owner: StatefulSet) -> tuple[Manager, ...]:
    """Everybody who seems to manage the set, each kind once with its strongest evidence."""
    found: dict[ManagerKind, Manager] = {}
    for manager in _candidates(owner):
        found.setdefault(manager.kind, manager)
    return tuple(found.values())


def _candidates(owner: StatefulSet) -> list[Manager]:
    meta = owner.metadata
    seen = []
    controller = meta.controller()
    if controller is not None:
        name = f"{controller.kind}/{controller.name}"
        seen.append(Manager(kind=ManagerKind.OPERATOR, name=name, evidence="metadata.ownerReferences"))
    for field, marks in (("metadata.labels", meta.labels), ("metadata.annotations", meta.annotations)):
        for key in sorted(marks):
            kind = next((kind for prefix, kind in _MARKS if key.startswith(prefix)), None)
            if kind is not None:
                seen.append(Manager(kind=kind, name=key, evidence=field))
    label = meta.labels.get("app.kubernetes.io/managed-by", "")
    if label:
        kind = ManagerKind.HELM if label.lower() == "helm" else ManagerKind.OTHER
        seen.append(Manager(kind=kind, name=label, evidence="app.kubernetes.io/managed-by"))
    for entry in meta.managed_fields:
        kind = next((kind for prefix, kind in _WRITERS if entry.manager.startswith(prefix)), None)
        if kind is not None and not entry.subresource:
            seen.append(Manager(kind=kind, name=entry.manager, evidence="metadata.managedFields"))
    return seen
