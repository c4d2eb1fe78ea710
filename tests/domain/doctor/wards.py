"""Estates in a few words: a set ``web`` of three in ``prod`` that is well in every way, with what a test changes in it."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from kubectl_pets.domain.dns.answers import ServerAnswers
from kubectl_pets.domain.dns.network import EndpointSlice, Service
from kubectl_pets.domain.doctor.case import Ward
from kubectl_pets.domain.doctor.checkup import Asked, Checkup, examine
from kubectl_pets.domain.doctor.estate import (
    Content,
    Estate,
    FullNode,
    FullSet,
    Guard,
    NamesHeard,
    Selecting,
    Unread,
    UnreadWhy,
    VolumeUse,
)
from kubectl_pets.domain.findings import Rule
from kubectl_pets.domain.model import ControllerRevision, Event, Object, PersistentVolumeClaim, Pod, ServerVersion
from kubectl_pets.domain.orphans.inventory import (
    ClaimInventory,
    HorizontalPodAutoscaler,
    PersistentVolume,
    ScaledObject,
    volumes_by_name,
)
from kubectl_pets.domain.orphans.snapshots import VolumeSnapshot
from kubectl_pets.domain.resize.types import ResourceQuota, StorageClass
from kubectl_pets.domain.safety.nodes import VolumeAttachment

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def ago(span: timedelta) -> str:
    return (NOW - span).isoformat().replace("+00:00", "Z")


SET: dict[str, Any] = {
    "metadata": {"name": "web", "namespace": "prod", "uid": "set-1", "generation": 1, "creationTimestamp": ago(30 * DAY)},
    "spec": {
        "serviceName": "web",
        "replicas": 3,
        "selector": {"matchLabels": {"app": "web"}},
        "podManagementPolicy": "OrderedReady",
        "updateStrategy": {"type": "RollingUpdate"},
        "volumeClaimTemplates": [
            {
                "metadata": {"name": "data"},
                "spec": {"storageClassName": "fast", "resources": {"requests": {"storage": "10Gi"}}, "accessModes": ["ReadWriteOnce"]},
            }
        ],
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "terminationGracePeriodSeconds": 30,
                "topologySpreadConstraints": [{"topologyKey": "kubernetes.io/hostname"}],
                "containers": [
                    {
                        "name": "app",
                        "image": "app:1",
                        "readinessProbe": {"httpGet": {"port": 80}},
                        "resources": {"requests": {"memory": "1Gi"}},
                    }
                ],
            },
        },
    },
    "status": {"observedGeneration": 1, "currentRevision": "web-1", "updateRevision": "web-1", "replicas": 3},
}

OWNER = {"kind": "StatefulSet", "name": "web", "uid": "set-1", "controller": True, "apiVersion": "apps/v1"}


def pod(ordinal: int, **changes: Any) -> dict[str, Any]:
    base = {
        "metadata": {
            "name": f"web-{ordinal}",
            "namespace": "prod",
            "uid": f"pod-{ordinal}",
            "creationTimestamp": ago(DAY),
            "labels": {"app": "web", "controller-revision-hash": "web-1"},
            "ownerReferences": [OWNER],
        },
        "spec": {
            "nodeName": f"node-{ordinal}",
            "hostname": f"web-{ordinal}",
            "subdomain": "web",
            "containers": [{"name": "app", "image": "app:1"}],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": f"data-web-{ordinal}"}}],
        },
        "status": {
            "phase": "Running",
            "podIP": f"10.0.0.{ordinal + 1}",
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": ago(DAY)}],
            "containerStatuses": [{"name": "app", "image": "app:1", "imageID": "reg/app@sha256:aa", "ready": True, "state": {"running": {}}}],
        },
    }
    return merged(base, changes)


def claim(ordinal: int, **changes: Any) -> dict[str, Any]:
    base = {
        "metadata": {"name": f"data-web-{ordinal}", "namespace": "prod", "uid": f"claim-{ordinal}", "creationTimestamp": ago(30 * DAY)},
        "spec": {
            "storageClassName": "fast",
            "volumeName": f"pv-{ordinal}",
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "10Gi"}},
        },
        "status": {"phase": "Bound", "capacity": {"storage": "10Gi"}},
    }
    return merged(base, changes)


def volume(ordinal: int, **changes: Any) -> dict[str, Any]:
    base = {
        "metadata": {"name": f"pv-{ordinal}", "uid": f"vol-{ordinal}"},
        "spec": {
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": "fast",
            "claimRef": {"namespace": "prod", "name": f"data-web-{ordinal}", "uid": f"claim-{ordinal}"},
        },
        "status": {"phase": "Bound"},
    }
    return merged(base, changes)


def node(ordinal: int, **changes: Any) -> dict[str, Any]:
    base = {
        "metadata": {"name": f"node-{ordinal}", "labels": {"kubernetes.io/hostname": f"node-{ordinal}", "topology.kubernetes.io/zone": f"z{ordinal}"}},
        "status": {"conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": {"architecture": "amd64"}},
    }
    return merged(base, changes)


def service(**changes: Any) -> dict[str, Any]:
    base = {"metadata": {"name": "web", "namespace": "prod"}, "spec": {"clusterIP": "None", "selector": {"app": "web"}, "ipFamilies": ["IPv4"]}}
    return merged(base, changes)


def slices(*ordinals: int) -> list[dict[str, Any]]:
    endpoints = [
        {
            "addresses": [f"10.0.0.{ordinal + 1}"],
            "conditions": {"ready": True},
            "hostname": f"web-{ordinal}",
            "targetRef": {"kind": "Pod", "name": f"web-{ordinal}", "namespace": "prod", "uid": f"pod-{ordinal}"},
        }
        for ordinal in ordinals
    ]
    labels = {"kubernetes.io/service-name": "web"}
    return [{"metadata": {"name": "web-abc", "namespace": "prod", "labels": labels}, "addressType": "IPv4", "endpoints": endpoints}]


def budget(name: str = "web", **changes: Any) -> dict[str, Any]:
    base = {
        "metadata": {"name": name, "namespace": "prod", "generation": 1},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "web"}}},
        "status": {"observedGeneration": 1, "disruptionsAllowed": 1, "currentHealthy": 3, "desiredHealthy": 2, "expectedPods": 3},
    }
    return merged(base, changes)


def named(name: str, **changes: Any) -> dict[str, Any]:
    return merged({"metadata": {"name": name, "namespace": "prod"}}, changes)


def snapshot(ordinal: int, **changes: Any) -> dict[str, Any]:
    base = named(f"of-{ordinal}", spec={"source": {"persistentVolumeClaimName": f"data-web-{ordinal}"}}, status={"readyToUse": True})
    return merged(base, changes)


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """``changes`` laid over ``base``; lists are replaced whole, and None takes a field out."""
    found = deepcopy(base)
    for key, value in changes.items():
        inner = found.get(key)
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merged(inner if isinstance(inner, dict) else {}, value) if isinstance(value, dict) else deepcopy(value)
    return found


#: Name of a list of the estate, what it holds, and what it is decoded into.
_WELL: dict[str, tuple[Any, list[dict[str, Any]]]] = {
    "pods": (Pod, [pod(0), pod(1), pod(2)]),
    "claims": (PersistentVolumeClaim, [claim(0), claim(1), claim(2)]),
    "revisions": (ControllerRevision, [named("web-1", metadata={"ownerReferences": [OWNER], "creationTimestamp": ago(10 * DAY)}, revision=1)]),
    "services": (Service, [service()]),
    "slices": (EndpointSlice, slices(0, 1, 2)),
    "budgets": (Guard, [budget()]),
    "nodes": (FullNode, [node(0), node(1), node(2)]),
    "classes": (StorageClass, [{"metadata": {"name": "fast"}, "provisioner": "csi.example.org", "allowVolumeExpansion": True}]),
    "attachments": (VolumeAttachment, []),
    "autoscalers": (HorizontalPodAutoscaler, []),
    "scaled_objects": (ScaledObject, []),
    "quotas": (ResourceQuota, []),
    "deployments": (Selecting, []),
    "daemon_sets": (Selecting, []),
    "accounts": (Object, [named("app")]),
    "config_maps": (Content, [named("settings")]),
    "secrets": (Content, [named("password")]),
    "snapshots": (VolumeSnapshot, [snapshot(0)]),
    "events": (Event, []),
}


def estate(
    sets: Any = None,
    *,
    more_sets: tuple[Any, ...] = (),
    volumes: Any = None,
    server: str = "v1.37.2",
    templates: dict[str, Any] | None = None,
    usage: dict[str, tuple[int, int]] | None = None,
    hearings: tuple[ServerAnswers, ...] | None = None,
    stated: bool = False,
    **lists: Any,
) -> Estate:
    """All is well but what is given: ``sets`` laid over the set, lists in place of those that are well; None: could not be read.
    ``stated``: the set is of a manifest that says so."""
    owner = msgspec.convert(merged(SET, sets or {}), FullSet)
    others = tuple(msgspec.convert(each, FullSet) for each in more_sets)
    known: dict[str, Any] = {}
    unread: dict[str, Unread] = {}
    for name, (kind, usual) in _WELL.items():
        given = lists.get(name, usual) if name in lists else usual
        if given is None:
            known[name], unread[name] = None, Unread(name, UnreadWhy.FORBIDDEN)
        else:
            known[name] = tuple(msgspec.convert(each, kind) for each in given)
    listed = [msgspec.convert(each, PersistentVolume) for each in (volumes if volumes is not None else [volume(0), volume(1), volume(2)])]
    claims = known["claims"] or ()
    inventory = ClaimInventory(claims=claims, sets=(owner, *others), autoscalers=known["autoscalers"], scaled_objects=known["scaled_objects"])
    return Estate(
        namespace="prod",
        stated={("apps", owner.namespace, owner.name): merged(SET, sets or {})} if stated else {},
        sets=(owner, *others),
        volumes=volumes_by_name(claims, listed),
        inventory=inventory,
        server=ServerVersion(git_version=server),
        templates=None if templates is None else {("prod", name): template for name, template in templates.items()},
        usage=None if usage is None else {("prod", name): VolumeUse(used=a, capacity=b) for name, (a, b) in usage.items()},
        heard=None if hearings is None else {("prod", "web"): NamesHeard(hearings=hearings)},
        unread=unread,
        **known,
    )


def checkup(given: Estate, **asked: Any) -> Checkup:
    return examine(Ward(given, NOW), Asked(**asked))


def rules(given: Estate, **asked: Any) -> set[Rule]:
    """What is found of the set ``web``."""
    return {each.rule for each in checkup(given, **asked).found}
