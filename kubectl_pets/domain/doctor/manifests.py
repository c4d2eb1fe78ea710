"""Manifests as an estate: what a chart would make, judged before anything is applied; or beside a cluster, as it would be then.

Only what the manifests hold is known. Lists that are a cluster's own (pods, nodes, claims) are unread, so that their rules are
skipped; a list that manifests bring only sometimes (Services, autoscalers) counts as read where they bring one at least.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from kubectl_pets.domain.dns.network import Service
from kubectl_pets.domain.doctor.estate import Content, Estate, FullSet, Guard, Selecting, Unread, UnreadWhy
from kubectl_pets.domain.doctor.templates import forbidden
from kubectl_pets.domain.findings import Finding, Rule, Subject
from kubectl_pets.domain.model import Object
from kubectl_pets.domain.orphans.inventory import HorizontalPodAutoscaler, ScaledObject
from kubectl_pets.domain.resize.types import StorageClass
from kubectl_pets.domain.sets.kinds import APPS_SET, KINDS, kind_of

#: By group and kind: the field of the estate, and what it is decoded into.
_KINDS: dict[tuple[str, str], tuple[str, Any]] = {
    **{(kind.group.value, kind.kind): ("sets", FullSet) for kind in KINDS},
    ("", "Service"): ("services", Service),
    ("policy", "PodDisruptionBudget"): ("budgets", Guard),
    ("storage.k8s.io", "StorageClass"): ("classes", StorageClass),
    ("autoscaling", "HorizontalPodAutoscaler"): ("autoscalers", HorizontalPodAutoscaler),
    ("keda.sh", "ScaledObject"): ("scaled_objects", ScaledObject),
    ("apps", "Deployment"): ("deployments", Selecting),
    ("apps", "DaemonSet"): ("daemon_sets", Selecting),
}

#: What a cluster's estate has besides, and manifests may bring: by name alone.
_BY_NAME: dict[tuple[str, str], tuple[str, Any]] = {
    ("", "ConfigMap"): ("config_maps", Content),
    ("", "Secret"): ("secrets", Content),
    ("", "ServiceAccount"): ("accounts", Object),
}

#: Of manifests alone these say nothing: what a chart does not bring may be there already.
OF_CLUSTERS = frozenset(field for field, _ in _BY_NAME.values())

#: Those that a chart brings whole.
_WHOLE = ("budgets", "deployments", "daemon_sets")
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


class Manifest(msgspec.Struct, frozen=True):
    """One object of a manifest: the field of the estate that it belongs to, what it is decoded into, and what is stated."""

    field: str
    item: Any
    stated: dict[str, Any]


def decoded(item: dict[str, Any], namespace: str) -> Manifest | None:
    """None: no rule asks for such. ``namespace``: of those that name none. Raises msgspec.ValidationError where it is not as the
    API has it."""
    group = str(item.get("apiVersion", "")).rpartition("/")[0]
    place = (group, str(item.get("kind", "")))
    known = _KINDS.get(place) or _BY_NAME.get(place)
    if known is None:
        return None
    content = without_nulls(item)
    meta = content.get("metadata")
    if isinstance(meta, dict):
        content = {**content, "metadata": {"namespace": namespace, **meta}}
    found = msgspec.convert(content, known[1])
    if not found.metadata.name:
        raise msgspec.ValidationError("it has no metadata.name")
    return Manifest(known[0], found, content)


def without_nulls(value: Any) -> Any:
    """As the API server reads it: null is unset."""
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [without_nulls(inner) for inner in value if inner is not None]
    return value


def estate_of(found: Iterable[Manifest]) -> Estate:
    """Of manifests alone."""
    lists: dict[str, list[Any]] = {}
    found = tuple(found)
    for each in found:
        lists.setdefault(each.field, []).append(each.item)
    known: dict[str, Any] = {field: tuple(lists.get(field, ())) for field in _WHOLE}
    known.update({field: tuple(lists[field]) for field in _SOMETIMES if field in lists})
    if "autoscalers" in known or "scaled_objects" in known:
        known.setdefault("autoscalers", ())
        known.setdefault("scaled_objects", ())
    unread = {
        field: Unread(resource, UnreadWhy.NO_CLUSTER) for field, resource in _OF_A_CLUSTER.items() if field not in known
    }
    return Estate(sets=tuple(lists.get("sets", ())), stated=_sets_as_stated(found), unread=unread, **known)


def _sets_as_stated(found: Iterable[Manifest]) -> dict[tuple[str, str, str], dict[str, Any]]:
    sets = (each for each in found if each.field == "sets")
    return {(kind_of(each.item).group.value, each.item.namespace, each.item.name): each.stated for each in sets}


# --- beside a cluster --------------------------------------------------------------------------------------------------------

#: Of apps/v1 these cannot be changed (ValidateStatefulSetUpdate). Claim templates have a rule of their own.
_IMMUTABLE = ("service_name", "selector", "pod_management_policy")


def applied(estate: Estate, found: Iterable[Manifest]) -> Estate:
    """The estate as it would be with these manifests applied: what they state in place of what is there, or added to it; status,
    pods and claims stay. Lists that could not be read stay so."""
    found = tuple(found)
    estate = msgspec.structs.replace(estate, stated=_sets_as_stated(found))
    for each in found:
        before = getattr(estate, each.field)
        if before is not None:
            estate = msgspec.structs.replace(estate, **{each.field: _laid_over(before, each)})
    inventory = estate.inventory
    if inventory is not None:
        known: dict[str, Any] = {field: getattr(estate, field) for field in ("autoscalers", "scaled_objects")}
        for field, group in (("sets", "apps"), ("kruise_sets", "apps.kruise.io"), ("pingcap_sets", "apps.pingcap.com")):
            if getattr(inventory, field) is not None:
                known[field] = tuple(each for each in estate.sets if kind_of(each).group.value == group)
        estate = msgspec.structs.replace(estate, inventory=msgspec.structs.replace(inventory, **known))
    return estate


def unsettled(before: Estate, after: Estate) -> frozenset[tuple[str, str]]:
    """Sets that are new, or get another number of replicas: their pods come, or go, after the apply."""
    replicas = {(kind_of(each).group, each.namespace, each.name): each.spec.replicas for each in before.sets}
    found = ((kind_of(each).group, each.namespace, each.name, each.spec.replicas) for each in after.sets)
    return frozenset((space, name) for group, space, name, number in found if replicas.get((group, space, name)) != number)


def _laid_over(listed: tuple[Any, ...], each: Manifest) -> tuple[Any, ...]:
    live = next((item for item in listed if _is(item, each)), None)
    if live is None:
        return (*listed, each.item)
    merged = _over(live, each)
    return tuple(merged if item is live else item for item in listed)


def _is(item: Any, each: Manifest) -> bool:
    """Whether it is of that name, and of that kind of sets; cluster-wide ones have no namespace."""
    named = (item.name, item.namespace) in ((each.item.name, each.item.namespace), (each.item.name, ""))
    return named and (each.field != "sets" or kind_of(item).group is kind_of(each.item).group)


def _over(live: Any, each: Manifest) -> Any:
    """As an apply leaves it: the metadata is added to, the spec is what is stated. Replicas that are not stated stay."""
    meta, stated = live.metadata, each.item.metadata
    notes = {"labels": {**meta.labels, **stated.labels}, "annotations": {**meta.annotations, **stated.annotations}}
    changes: dict[str, Any] = {"metadata": msgspec.structs.replace(meta, **notes)}
    if "spec" in each.stated:
        spec = each.item.spec
        if each.field == "sets" and "replicas" not in (each.stated["spec"] or {}):
            spec = msgspec.structs.replace(spec, replicas=live.spec.replicas)
        changes["spec"] = spec
    return msgspec.structs.replace(live, **changes)


def refused(estate: Estate, found: Iterable[Manifest]) -> tuple[Finding, ...]:
    """What the API server would refuse of these manifests: fields of a set of apps/v1 that cannot be changed."""
    told: list[Finding] = []
    for each in found:
        live = next((item for item in estate.sets if _is(item, each)), None) if each.field == "sets" else None
        if live is None or live.unreadable or kind_of(live) is not APPS_SET:
            continue
        subject = Subject(kind="StatefulSet", namespace=live.namespace, name=live.name)
        told += forbidden(subject, each.item.spec.volume_claim_templates, live.spec.volume_claim_templates)
        told += _immutable(subject, each.item.spec, live.spec)
    return tuple(told)


def _immutable(subject: Subject, stated: Any, live: Any) -> Iterable[Finding]:
    for field in _IMMUTABLE:
        if getattr(stated, field) != getattr(live, field):
            first, *rest = field.split("_")
            spelt = first + "".join(word.title() for word in rest)
            yield Finding(rule=Rule.UPGRADE_FORBIDDEN, subject=subject, names=(spelt,), detail="", field=f"spec.{spelt}")
