"""Manifests as an estate: what a chart would make, judged before anything is applied.

Only what the manifests hold is known. Lists that are a cluster's own (pods, nodes, claims) are unread, so that their rules are
skipped; a list that manifests bring only sometimes (Services, autoscalers) counts as read where they bring one at least.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from kubectl_pets.domain.dns.network import Service
from kubectl_pets.domain.doctor.estate import Estate, FullSet, Guard, Selecting, Unread, UnreadWhy
from kubectl_pets.domain.orphans.inventory import HorizontalPodAutoscaler, ScaledObject
from kubectl_pets.domain.resize.types import StorageClass
from kubectl_pets.domain.sets.kinds import KINDS

#: By group and kind: the field of the estate, and what it is decoded into.
_KINDS: dict[tuple[str, str], tuple[str, Any]] = {
    **{(kind.group.value, kind.kind): ("sets", FullSet) for kind in KINDS},
    ("", "Service"): ("services", Service),
    ("policy", "PodDisruptionBudget"): ("budgets", Guard),
    ("storage.k8s.io", "StorageClass"): ("classes", StorageClass),
    ("autoscaling", "HorizontalPodAutoscaler"): ("autoscalers", HorizontalPodAutoscaler),
    ("keda.sh", "ScaledObject"): ("scaled_objects", ScaledObject),
    ("apps", "Deployment"): ("deployments", Selecting),
}

#: Those that a chart brings whole.
_WHOLE = ("budgets", "deployments")
#: Those that count as read where there is one.
_SOMETIMES = ("services", "autoscalers", "scaled_objects")

#: What else rules ask for, as kubectl calls it.
_OF_A_CLUSTER = {
    "services": "services",
    "autoscalers": "horizontalpodautoscalers.autoscaling",
    "scaled_objects": "scaledobjects.keda.sh",
    "classes": "storageclasses.storage.k8s.io",
    "claims": "persistentvolumeclaims",
    "pods": "pods",
    "revisions": "controllerrevisions.apps",
    "slices": "endpointslices.discovery.k8s.io",
    "nodes": "nodes",
    "volumes": "persistentvolumes",
    "attachments": "volumeattachments.storage.k8s.io",
    "quotas": "resourcequotas",
    "accounts": "serviceaccounts",
    "config_maps": "configmaps",
    "secrets": "secrets",
    "inventory": "persistentvolumeclaims",
}


def items_of(document: Any) -> list[dict[str, Any]]:
    """The objects of a document: itself, or those of a List; none of what is no object."""
    if not isinstance(document, dict):
        return []
    if str(document.get("kind", "")).endswith("List") and isinstance(document.get("items"), list):
        return [each for item in document["items"] for each in items_of(item)]
    return [document]


def decoded(item: dict[str, Any], namespace: str) -> tuple[str, Any] | None:
    """The field of the estate that an object belongs to, and the object; None: no rule asks for such. ``namespace``: of those
    that name none. Raises msgspec.ValidationError where it is not as the API has it."""
    group = str(item.get("apiVersion", "")).rpartition("/")[0]
    known = _KINDS.get((group, str(item.get("kind", ""))))
    if known is None:
        return None
    content = without_nulls(item)
    meta = content.get("metadata")
    if isinstance(meta, dict):
        content = {**content, "metadata": {"namespace": namespace, **meta}}
    found = msgspec.convert(content, known[1])
    if not found.metadata.name:
        raise msgspec.ValidationError("it has no metadata.name")
    return known[0], found


def without_nulls(value: Any) -> Any:
    """As the API server reads it: null is unset."""
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [without_nulls(inner) for inner in value if inner is not None]
    return value


def estate_of(found: Iterable[tuple[str, Any]]) -> Estate:
    """Of decoded objects by field."""
    lists: dict[str, list[Any]] = {}
    for field, item in found:
        lists.setdefault(field, []).append(item)
    known: dict[str, Any] = {field: tuple(lists.get(field, ())) for field in _WHOLE}
    known.update({field: tuple(lists[field]) for field in _SOMETIMES if field in lists})
    if "autoscalers" in known or "scaled_objects" in known:
        known.setdefault("autoscalers", ())
        known.setdefault("scaled_objects", ())
    unread = {
        field: Unread(resource, UnreadWhy.NO_CLUSTER) for field, resource in _OF_A_CLUSTER.items() if field not in known
    }
    return Estate(sets=tuple(lists.get("sets", ())), unread=unread, **known)
