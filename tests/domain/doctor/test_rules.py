"""Each rule where it is found, where it is not, and where only something near it is.

The sources of the rules stand in their docstrings; that nothing at all is found of a set that is well is held by the first test.
"""

import json
from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from kubectl_pets.domain.dns.answers import Answer, Outcome, RecordType, Server, ServerAnswers
from kubectl_pets.domain.dns.names import expected, questions
from kubectl_pets.domain.dns.network import Network
from kubectl_pets.domain.dns.zones import cluster_zone
from kubectl_pets.domain.doctor.case import Ward
from kubectl_pets.domain.doctor.checkup import CHECKS, OF_IGNORES, Checkup
from kubectl_pets.domain.doctor.voters import Members, members_of
from kubectl_pets.domain.findings import RULES, Rule, Severity
from kubectl_pets.domain.rollout.verdict import Phase
from kubectl_pets.domain.sets.away import RECREATING_ANNOTATION
from tests.domain.doctor.wards import (
    DAY,
    HOUR,
    NOW,
    OWNER,
    ago,
    budget,
    checkup,
    claim,
    estate,
    merged,
    named,
    node,
    pod,
    rules,
    service,
    slices,
    snapshot,
    volume,
)


class Scene(NamedTuple):
    """``found``: what brings the rule about; ``near``: what looks like it and is not. Both are what ``estate`` is given."""

    rule: Rule
    found: dict[str, Any]
    near: dict[str, Any]


def template(**spec: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": spec}}}


def container(**changes: Any) -> dict[str, Any]:
    base = {
        "name": "app",
        "image": "app:1",
        "readinessProbe": {"httpGet": {"port": 80}},
        "resources": {"requests": {"memory": "1Gi"}},
    }
    return template(containers=[merged(base, changes)])


def vct(**spec: Any) -> dict[str, Any]:
    base = {"storageClassName": "fast", "resources": {"requests": {"storage": "10Gi"}}}
    return {"spec": {"volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": merged(base, spec)}]}}


def rolling(**fields: Any) -> dict[str, Any]:
    return {"spec": {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": fields}}}


def hpa(name: str, kind: str = "StatefulSet", **changes: Any) -> dict[str, Any]:
    target = {"apiVersion": "apps/v1", "kind": kind, "name": "web"}
    return merged({"metadata": {"name": name, "namespace": "prod"}, "spec": {"scaleTargetRef": target, "maxReplicas": 5}}, changes)


def other_set(labels: dict[str, str], uid: str = "set-2") -> dict[str, Any]:
    return {
        "metadata": {"name": "db", "namespace": "prod", "uid": uid},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}},
    }


def unready(ordinal: int, since: Any = HOUR, **changes: Any) -> dict[str, Any]:
    condition = {"type": "Ready", "status": "False", "lastTransitionTime": ago(since)}
    return merged(pod(ordinal, status={"conditions": [condition]}), changes)


def crashed(span: Any, code: int = 137) -> dict[str, Any]:
    ended = {"terminated": {"exitCode": code, "reason": "OOMKilled" if code else "Completed", "finishedAt": ago(span)}}
    status = {"name": "app", "image": "app:1", "ready": True, "restartCount": 1, "state": {"running": {"startedAt": ago(span)}}}
    return pod(2, status={"containerStatuses": [{**status, "lastState": ended}]})


def with_image(ordinal: int, digest: str, **changes: Any) -> dict[str, Any]:
    status = {"name": "app", "image": "app:1", "imageID": f"reg/app@sha256:{digest}", "ready": True, "state": {"running": {}}}
    return merged(pod(ordinal, status={"containerStatuses": [status]}), changes)


def affinity(value: str) -> dict[str, Any]:
    expression = {"key": "kubernetes.io/hostname", "operator": "In", "values": [value]}
    return {"spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}}}}


def condition(kind: str, span: Any) -> dict[str, Any]:
    return {"status": {"conditions": [{"type": kind, "status": "True", "lastTransitionTime": ago(span)}]}}


LAST_APPLIED = {"kubectl.kubernetes.io/last-applied-configuration": '{"spec":{"replicas":3}}'}
APART = {
    "podAntiAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "web"}}}
        ]
    }
}
RETAIN = [volume(each, spec={"persistentVolumeReclaimPolicy": "Retain"}) for each in range(3)]
TWO = [pod(0), pod(1)]
STAGED = {
    "spec": {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 3}}},
    "status": {"updateRevision": "web-2"},
}
PENDING = {"status": {"phase": "Pending", "capacity": None}, "spec": {"volumeName": None}}
#: As the resizer notes a class that its driver refuses.
NO_GOLD = {"modifyVolumeStatus": {"status": "Infeasible", "targetVolumeAttributesClassName": "gold"}}
RESTART: dict[str, Any] = {".": {}, "f:kubectl.kubernetes.io/restartedAt": {}}
#: A template whose container asks for nothing.
BARE = container(resources=None)["spec"]["template"]["spec"]
HELM = {"manager": "helm", "operation": "Apply", "time": ago(DAY), "fieldsV1": {"f:spec": {"f:replicas": {}}}}


def written(manager: str, span: Any, fields: dict[str, Any], operation: str = "Update") -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "time": ago(span), "fieldsV1": {"f:spec": fields}}


def revision(span: Any) -> list[dict[str, Any]]:
    return [named("web-2", metadata={"ownerReferences": [OWNER], "creationTimestamp": ago(span)}, revision=2)]


def broken(ordinal: int, at: str, since: Any = HOUR) -> dict[str, Any]:
    status = {"name": "app", "image": "app:0", "ready": False, "state": {"waiting": {"reason": "InvalidImageName"}}}
    changes = {"metadata": {"labels": {"controller-revision-hash": at}}, "status": {"phase": "Pending", "containerStatuses": [status]}}
    return unready(ordinal, since, **changes)


def refused(span: Any, pod_name: str = "web-2") -> dict[str, Any]:
    return {
        "metadata": {"name": "e", "namespace": "prod"},
        "type": "Warning",
        "reason": "FailedCreate",
        "message": f'create Pod {pod_name} in StatefulSet web failed error: pods "{pod_name}" is forbidden: exceeded quota: q',
        "firstTimestamp": ago(span),
        "lastTimestamp": ago(min(span, HOUR / 60)),
        "involvedObject": {"kind": "StatefulSet", "name": "web", "uid": "set-1"},
    }


def health(status: str) -> dict[str, Any]:
    return {"status": {"healthStatus": {"healthConditions": [{"status": status, "reason": "R", "message": "m", "lastTransitionTime": ago(HOUR)}]}}}


def content(name: str, span: Any, field: str = "f:data") -> dict[str, Any]:
    entry = {"manager": "kubectl", "operation": "Update", "time": ago(span), "fieldsV1": {field: {"f:a": {}}}}
    return named(name, metadata={"managedFields": [entry]})


def began(ordinal: int, span: Any, revision: str = "web-1") -> dict[str, Any]:
    status = {"name": "app", "image": "app:1", "imageID": "reg/app@sha256:aa", "ready": True, "state": {"running": {"startedAt": ago(span)}}}
    return pod(ordinal, metadata={"labels": {"controller-revision-hash": revision}}, status={"containerStatuses": [status]})


def applied(size: str) -> dict[str, Any]:
    stated = {"spec": {"volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": size}}}}]}}
    return {"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(stated)}}}


REVISIONS = [
    named(f"web-{each}", metadata={"ownerReferences": [OWNER], "creationTimestamp": ago(DAY * (10 - each))}, revision=each) for each in (1, 2)
]

SCENES = (
    Scene(Rule.SERVICE_MISSING, {"services": []}, {"sets": {"spec": {"serviceName": ""}}, "services": []}),
    Scene(
        Rule.SERVICE_UNNAMED,
        {"sets": {"spec": {"serviceName": ""}}},
        {"sets": {"spec": {"serviceName": ""}}, "services": [service(spec={"selector": {"app": "other"}})]},
    ),
    Scene(Rule.SERVICE_NOT_HEADLESS, {"services": [service(spec={"clusterIP": "10.1.1.1"})]}, {"services": []}),
    Scene(
        Rule.SERVICE_SELECTOR_MISMATCH,
        {"services": [service(spec={"selector": {"app": "other"}})]},
        {"services": [service(spec={"selector": None})]},  # slices are written by hand, and hold the pods
    ),
    Scene(
        Rule.PEERS_DEADLOCK,
        {"pods": [unready(0), unready(1), unready(2)], "slices": slices()},
        {"pods": [unready(0), unready(1), pod(2)], "slices": slices(2)},
    ),
    Scene(
        Rule.POD_IDENTITY_STALE,
        {"pods": [pod(0, spec={"subdomain": "old"}), pod(1), pod(2)]},
        {"pods": [pod(0, metadata={"labels": {"extra": "label"}}), pod(1), pod(2)]},
    ),
    Scene(
        Rule.NAME_TOO_LONG,
        {"sets": {"status": {"updateRevision": "w" * 64, "currentRevision": "w" * 64}}},
        {"sets": {"status": {"updateRevision": "w" * 63, "currentRevision": "w" * 63}}},
    ),
    Scene(
        Rule.ENDPOINTS_LAG,
        {"slices": slices(0, 1)},
        {
            "slices": slices(0, 1),
            "pods": [pod(0), pod(1), pod(2, status={"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": NOW.isoformat()}]})],
        },
    ),
    Scene(Rule.PARTITION_LEFT_OVER, {"sets": rolling(partition=2)}, {"sets": merged(rolling(partition=2), {"status": {"updateRevision": "web-2"}})}),
    Scene(Rule.PARTITION_HOLDS_ALL, {"sets": STAGED, "revisions": revision(2 * DAY)}, {"sets": STAGED, "revisions": revision(HOUR)}),
    Scene(
        Rule.ROLLOUT_STUCK,
        {"pods": [unready(0, status={"phase": "Pending", "containerStatuses": [{"name": "app", "state": {"waiting": {"reason": "InvalidImageName"}}}]}), pod(1), pod(2)]},
        {"pods": [unready(0), pod(1), pod(2)]},  # unready alone is not stuck
    ),
    Scene(
        Rule.FORCED_ROLLBACK_TRAP,
        {"sets": {"status": {"updateRevision": "web-2"}}, "revisions": REVISIONS, "pods": [pod(0), pod(1), broken(2, "web-1")]},
        {
            "sets": {"spec": {"podManagementPolicy": "Parallel"}, "status": {"updateRevision": "web-2"}},  # its controller replaces it
            "revisions": REVISIONS,
            "pods": [pod(0), pod(1), broken(2, "web-1")],
            "server": "v1.35.4",
        },
    ),
    Scene(
        Rule.CREATE_FAILED,
        {"pods": TWO, "events": [refused(HOUR)]},
        {"pods": [pod(0), pod(1), pod(2)], "events": [refused(HOUR)]},  # older than the newest pod
    ),
    Scene(
        Rule.ADOPTED_VOLUME_MISMATCH,
        {"pods": [pod(0, spec={"volumes": []}), pod(1), pod(2)]},
        {"pods": [pod(0, spec={"volumes": []}, metadata={"deletionTimestamp": NOW.isoformat()}), pod(1), pod(2)]},
    ),
    Scene(
        Rule.EMPTY_REVISION,
        {
            "sets": {"status": {"updateRevision": "web-2"}},
            "revisions": REVISIONS,
            "templates": {"web-1": {"metadata": {"creationTimestamp": None, "labels": {"app": "web"}}}, "web-2": {"metadata": {"labels": {"app": "web"}}}},
        },
        {
            "sets": {"status": {"updateRevision": "web-2"}},
            "revisions": REVISIONS,
            "templates": {"web-1": {"metadata": {}}, "web-2": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}}},
        },
    ),
    Scene(
        Rule.ONDELETE_DRIFT,
        {"sets": {"spec": {"updateStrategy": {"type": "OnDelete"}}, "status": {"updateRevision": "web-2"}}, "revisions": revision(2 * DAY)},
        {
            "sets": {
                "metadata": {"ownerReferences": [{"kind": "Etcd", "name": "e", "uid": "u", "controller": True}]},
                "spec": {"updateStrategy": {"type": "OnDelete"}},
                "status": {"updateRevision": "web-2"},
            },
            "revisions": revision(2 * DAY),
        },
    ),
    Scene(
        Rule.MANY_REVISIONS,
        {
            "sets": {"status": {"updateRevision": "web-3"}},
            "pods": [pod(each, metadata={"labels": {"controller-revision-hash": f"web-{each + 1}"}}) for each in range(3)],
        },
        {
            "sets": {"status": {"updateRevision": "web-2"}},
            "pods": [pod(each, metadata={"labels": {"controller-revision-hash": f"web-{min(each, 1) + 1}"}}) for each in range(3)],
        },
    ),
    Scene(
        Rule.MAX_UNAVAILABLE_IDLE,
        {"sets": rolling(maxUnavailable=2)},
        {"sets": merged(rolling(maxUnavailable=2), {"spec": {"podManagementPolicy": "Parallel"}})},
    ),
    Scene(
        Rule.MAX_UNAVAILABLE_BREAKS_MAJORITY,
        {"sets": merged(merged(rolling(maxUnavailable="67%"), {"spec": {"podManagementPolicy": "Parallel"}}), container(image="quay.io/coreos/etcd:3"))},
        {"sets": merged(rolling(maxUnavailable="67%"), {"spec": {"podManagementPolicy": "Parallel"}})},  # nobody says that they vote
    ),
    Scene(
        Rule.RECREATE_IS_OUTAGE,
        {"sets": {"spec": {"updateStrategy": {"type": "Recreate"}}}},
        {"sets": {"spec": {"updateStrategy": {"type": "Recreate"}, "replicas": 1}}, "pods": [pod(0)]},
    ),
    Scene(Rule.NO_WAY_BACK, {"sets": {"spec": {"revisionHistoryLimit": 0}}}, {"sets": {"spec": {"revisionHistoryLimit": 1}}}),
    Scene(
        Rule.CONTROLLER_SILENT,
        {"sets": {"metadata": {"generation": 2, "managedFields": [written("kubectl", HOUR, {})]}}},
        {"sets": {"metadata": {"generation": 2, "managedFields": [written("kubectl", HOUR / 3600, {})]}}},
    ),
    Scene(
        Rule.CLASS_MISSING,
        {"classes": [], "claims": [claim(0), claim(1)], "volumes": []},
        {"classes": [], "claims": [claim(0), claim(1)]},  # volumes made by hand share a class name that is no object
    ),
    Scene(
        Rule.DEFAULT_CLASS,
        {"sets": vct(storageClassName=None), "claims": [claim(0), claim(1)]},
        {"sets": vct(storageClassName=None)},  # all claims are there
    ),
    Scene(
        Rule.CLAIM_PENDING,
        {"claims": [claim(0, **PENDING), claim(1), claim(2)]},
        {"claims": [claim(0, **merged(PENDING, {"metadata": {"creationTimestamp": NOW.isoformat()}})), claim(1), claim(2)]},
    ),
    Scene(Rule.CLAIM_LOST, {"claims": [claim(0, status={"phase": "Lost"}), claim(1), claim(2)]}, {"claims": [claim(0, **PENDING), claim(1), claim(2)]}),
    Scene(
        Rule.CLAIM_MISSING,
        {"claims": [claim(0), claim(1)]},
        {"claims": [claim(0), claim(1)], "pods": [pod(0), pod(1), pod(2, metadata={"creationTimestamp": NOW.isoformat()})]},
    ),
    Scene(
        Rule.CLAIM_DYING,
        {"claims": [claim(0, metadata={"deletionTimestamp": ago(HOUR)}), claim(1), claim(2)]},
        {"claims": [claim(0), claim(1), claim(2), claim(7, metadata={"deletionTimestamp": ago(HOUR)})]},
    ),
    Scene(
        Rule.SIZE_DRIFT,
        {"claims": [claim(0, spec={"resources": {"requests": {"storage": "20Gi"}}}), claim(1), claim(2)]},
        {"claims": [claim(0, spec={"resources": {"requests": {"storage": "10240Mi"}}}), claim(1), claim(2)]},  # the same size
    ),
    Scene(
        Rule.CLASS_DRIFT,
        {"claims": [claim(0, spec={"storageClassName": "slow"}), claim(1), claim(2)]},
        {
            "claims": [claim(0, spec={"storageClassName": "quick"}), claim(1), claim(2)],
            "classes": [{"metadata": {"name": name}, "provisioner": "csi.example.org", "allowVolumeExpansion": True} for name in ("fast", "quick")],
        },
    ),
    Scene(
        Rule.ATTRIBUTES_DRIFT,
        {"sets": vct(volumeAttributesClassName="gold"), "claims": [claim(0, spec={"volumeAttributesClassName": "silver"}), claim(1), claim(2)]},
        {
            "sets": vct(volumeAttributesClassName="gold"),
            "claims": [claim(each, status={"currentVolumeAttributesClassName": "gold"}) for each in range(3)],
        },
    ),
    Scene(
        Rule.RESIZE_WAITS,
        {"claims": [claim(0, **condition("FileSystemResizePending", HOUR)), claim(1), claim(2)]},
        {"claims": [claim(0, **condition("Resizing", HOUR / 60)), claim(1), claim(2)]},
    ),
    Scene(
        Rule.RESIZE_INFEASIBLE,
        {"claims": [claim(0, status={"allocatedResourceStatuses": {"storage": "NodeResizeInfeasible"}}), claim(1), claim(2)]},
        {"claims": [claim(0, status={"allocatedResourceStatuses": {"storage": "NodeResizePending"}}), claim(1), claim(2)]},
    ),
    Scene(
        Rule.MODIFY_INFEASIBLE,
        {"claims": [claim(0, spec={"volumeAttributesClassName": "gold"}, status=NO_GOLD), claim(1), claim(2)]},
        {"claims": [claim(0, spec={"volumeAttributesClassName": "silver"}, status=NO_GOLD), claim(1), claim(2)]},
    ),
    Scene(
        Rule.NOT_EXPANDABLE,
        {"classes": [{"metadata": {"name": "fast"}, "provisioner": "csi.example.org"}]},
        {"classes": [{"metadata": {"name": "fast"}, "provisioner": "kubernetes.io/no-provisioner"}]},
    ),
    Scene(
        Rule.SCALE_DESTROYS,
        {"sets": {"spec": {"persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete"}}}},
        {"sets": {"spec": {"persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete"}}}, "volumes": RETAIN},
    ),
    Scene(
        Rule.DELETE_DESTROYS,
        {"sets": {"spec": {"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}}}},
        {
            "sets": {
                "metadata": {"annotations": {"kubectl-pets/members": "cache"}},
                "spec": {"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}},
            }
        },
    ),
    Scene(
        Rule.OWNER_STALE,
        {"claims": [claim(0, metadata={"ownerReferences": [{**OWNER, "uid": "set-0"}]}), claim(1), claim(2)]},
        {"claims": [claim(0, metadata={"ownerReferences": [OWNER]}), claim(1), claim(2)]},
    ),
    Scene(
        Rule.ONE_COMMAND_AWAY,
        {"snapshots": [snapshot(0, status={"readyToUse": False}), snapshot(7)]},
        {"snapshots": [], "volumes": [RETAIN[0], volume(1), volume(2)]},  # somebody has thought of one
    ),
    Scene(
        Rule.VOLUME_UNHEALTHY,
        {"claims": [claim(0, **health("DataLoss")), claim(1), claim(2)]},
        {"claims": [claim(0, status={"healthStatus": {}}), claim(1), claim(2)]},  # the driver says that it is well
    ),
    Scene(
        Rule.VOLUME_UNREACHABLE,
        {"volumes": [volume(0, **affinity("node-9")), volume(1), volume(2)]},
        {"volumes": [volume(0, **affinity("node-0")), volume(1), volume(2)], "nodes": [node(0, spec={"unschedulable": True}), node(1), node(2)]},
    ),
    Scene(
        Rule.VOLUME_HELD_ELSEWHERE,
        {
            "pods": [unready(0, status={"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": ago(HOUR)}]}), pod(1), pod(2)],
            "attachments": [{"metadata": {"name": "a"}, "spec": {"nodeName": "node-9", "source": {"persistentVolumeName": "pv-0"}}, "status": {"attached": True}}],
        },
        {
            "pods": [unready(0, status={"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": ago(HOUR / 30)}]}), pod(1), pod(2)],
            "attachments": [{"metadata": {"name": "a"}, "spec": {"nodeName": "node-9", "source": {"persistentVolumeName": "pv-0"}}, "status": {"attached": True}}],
        },
    ),
    Scene(
        Rule.OLD_DATA_RETURNS,
        {"autoscalers": [hpa("web")], "claims": [claim(0), claim(1), claim(2), claim(4, status={"conditions": [{"type": "Unused", "status": "True", "lastTransitionTime": ago(30 * DAY)}]})]},
        {"autoscalers": [hpa("web")], "claims": [claim(0), claim(1), claim(2), claim(4, status={"conditions": [{"type": "Unused", "status": "True", "lastTransitionTime": ago(DAY)}]})]},
    ),
    Scene(
        Rule.BUDGET_GUARDS_THE_DEAD,
        {"pods": [unready(0), pod(1), pod(2)], "budgets": [budget(status={"currentHealthy": 1, "disruptionsAllowed": 0})]},
        {
            "pods": [unready(0), pod(1), pod(2)],
            "budgets": [budget(spec={"unhealthyPodEvictionPolicy": "AlwaysAllow"}, status={"currentHealthy": 1, "disruptionsAllowed": 0})],
        },
    ),
    Scene(
        Rule.BUDGET_GUARDS_THE_DEAD,
        {"pods": [unready(0), pod(1), pod(2)], "budgets": [budget(status={"currentHealthy": 1}), budget("other", spec={"selector": {"matchLabels": {"app": "db"}}})]},
        {"pods": [unready(0), pod(1), pod(2)], "budgets": [budget(status={"currentHealthy": 1}), budget("other")]},  # of any time
    ),
    Scene(Rule.QUORUM_LOST, {"pods": [pod(0), unready(1), unready(2)]}, {"pods": [pod(0), pod(1), unready(2)]}),
    Scene(Rule.NO_MARGIN, {"pods": [pod(0), pod(1), unready(2)]}, {"sets": {"spec": {"replicas": 2}}, "pods": TWO}),
    Scene(Rule.NODE_SHARED, {"pods": [pod(0), pod(1, spec={"nodeName": "node-0"}), pod(2)]}, {"nodes": [node(0), node(1, metadata={"labels": {"topology.kubernetes.io/zone": "z0"}}), node(2)]}),
    Scene(
        Rule.ZONE_SHARED,
        {"nodes": [node(0), node(1, metadata={"labels": {"topology.kubernetes.io/zone": "z0"}}), node(2)]},
        {"nodes": [node(each, metadata={"labels": {"topology.kubernetes.io/zone": "z"}}) for each in range(3)]},  # the cluster has one
    ),
    Scene(Rule.BUDGET_MISSING, {"budgets": []}, {"budgets": [], "sets": {"spec": {"replicas": 1}}, "pods": [pod(0)]}),
    Scene(Rule.BUDGET_BLOCKS, {"budgets": [budget(spec={"maxUnavailable": 0})]}, {"budgets": [budget(status={"disruptionsAllowed": 0})]}),
    Scene(Rule.BUDGET_TOO_LOOSE, {"budgets": [budget(spec={"maxUnavailable": 2})]}, {"budgets": [budget(spec={"maxUnavailable": "33%"})]}),
    Scene(Rule.BUDGETS_SEVERAL, {"budgets": [budget(), budget("other")]}, {"budgets": [budget(), budget("other", spec={"selector": {"matchLabels": {"app": "db"}}})]}),
    Scene(
        Rule.NO_SPREAD,
        {"sets": template(topologySpreadConstraints=None)},
        {"sets": template(topologySpreadConstraints=None, affinity={"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1}]}})},
    ),
    Scene(
        Rule.SPREAD_IMPOSSIBLE,
        {"sets": template(affinity=APART), "nodes": [node(0), node(1)], "pods": TWO},
        {"sets": template(affinity=APART), "nodes": [node(0), node(1)]},  # all of them have their nodes
    ),
    Scene(
        Rule.REPLICAS_CONTESTED,
        {"sets": {"metadata": {"annotations": LAST_APPLIED}}, "autoscalers": [hpa("web")]},
        {"sets": {"metadata": {"annotations": LAST_APPLIED}}, "autoscalers": [hpa("web", "Deployment")]},
    ),
    Scene(
        Rule.TWO_AUTOSCALERS,
        {"autoscalers": [hpa("one"), hpa("two")]},
        {
            "autoscalers": [hpa("keda-web", metadata={"ownerReferences": [{"kind": "ScaledObject", "name": "so", "uid": "u", "controller": True}]})],
            "scaled_objects": [{"metadata": {"name": "so", "namespace": "prod"}, "spec": {"scaleTargetRef": {"kind": "StatefulSet", "name": "web"}}}],
        },
    ),
    Scene(Rule.SELECTORS_OVERLAP, {"more_sets": (other_set({"app": "web"}),)}, {"more_sets": (other_set({"app": "db"}),)}),
    Scene(
        Rule.STRAY_PODS,
        {"pods": [pod(0), pod(1), pod(2), pod(9, metadata={"name": "debug", "ownerReferences": []})]},
        {"pods": [pod(0), pod(1), pod(2), pod(9, metadata={"name": "debug", "ownerReferences": [], "deletionTimestamp": ago(HOUR)})]},
    ),
    Scene(
        Rule.LOST_POD,
        {
            "pods": [pod(0, metadata={"deletionTimestamp": ago(HOUR)}), pod(1), pod(2)],
            "nodes": [node(0, status={"conditions": [{"type": "Ready", "status": "Unknown"}]}), node(1), node(2)],
        },
        {"pods": [pod(0, metadata={"deletionTimestamp": ago(HOUR)}), pod(1), pod(2)]},  # its node answers
    ),
    Scene(
        Rule.TERMINATING_OVERDUE,
        {"pods": [pod(0, metadata={"deletionTimestamp": ago(HOUR)}), pod(1), pod(2)]},
        {"pods": [pod(0, metadata={"deletionTimestamp": (NOW + HOUR).isoformat()}), pod(1), pod(2)]},
    ),
    Scene(Rule.CRASH_HISTORY, {"pods": [pod(0), pod(1), crashed(HOUR / 2)]}, {"pods": [pod(0), pod(1), crashed(HOUR / 2, code=0)]}),
    Scene(Rule.MEMBER_ON_LEAVING_NODE, {"nodes": [node(0, spec={"unschedulable": True}), node(1), node(2)]}, {"nodes": [node(0), node(1), node(2), node(3, spec={"unschedulable": True})]}),
    Scene(
        Rule.NO_READINESS_PROBE,
        {"sets": container(readinessProbe=None)},
        {"sets": template(containers=[{"name": "helper", "image": "h:1", "resources": {"limits": {"memory": "1Mi"}}}, container()["spec"]["template"]["spec"]["containers"][0]])},
    ),
    Scene(
        Rule.PROBES_EQUAL,
        {"sets": container(livenessProbe={"httpGet": {"port": 80}})},
        {"sets": container(livenessProbe={"httpGet": {"port": 80}, "failureThreshold": 10})},
    ),
    Scene(Rule.GRACE_ZERO, {"sets": template(terminationGracePeriodSeconds=0)}, {"sets": template(terminationGracePeriodSeconds=None)}),
    Scene(Rule.IMAGE_FLOATS, {"sets": container(image="registry:5000/app")}, {"sets": container(image="registry:5000/app:latest@sha256:aa")}),
    Scene(
        Rule.IMAGE_DRIFT,
        {"pods": [with_image(0, "aa"), with_image(1, "bb"), with_image(2, "aa")]},
        {"pods": [with_image(0, "aa"), with_image(1, "bb"), with_image(2, "aa")], "nodes": [node(0), node(1, status={"nodeInfo": {"architecture": "arm64"}}), node(2)]},
    ),
    Scene(Rule.NO_REQUESTS, {"sets": container(resources=None)}, {"sets": container(resources={"requests": {"memory": None}, "limits": {"memory": "1Gi"}})}),
    Scene(
        Rule.NO_REQUESTS,
        {"sets": template(resources={"requests": {"cpu": "1"}}, **BARE)},
        {"sets": template(resources={"limits": {"memory": "1Gi"}}, **BARE)},
    ),
    Scene(Rule.ACCOUNT_MISSING, {"sets": template(serviceAccountName="nobody")}, {"sets": template(serviceAccountName="app")}),
    Scene(
        Rule.REFERENCE_MISSING,
        {"sets": container(envFrom=[{"configMapRef": {"name": "gone"}}])},
        {"sets": container(envFrom=[{"configMapRef": {"name": "gone", "optional": True}}, {"configMapRef": {"name": "settings"}}])},
    ),
    Scene(
        Rule.CONFIG_NEWER_THAN_PODS,
        {
            "sets": container(env=[{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "a"}}}]),
            "pods": [began(each, DAY) for each in range(3)],
            "config_maps": [content("settings", HOUR)],
        },
        {
            "sets": template(  # mounted whole, it follows by itself
                containers=[{**container()["spec"]["template"]["spec"]["containers"][0], "volumeMounts": [{"name": "v", "mountPath": "/v"}]}],
                volumes=[{"name": "v", "configMap": {"name": "settings"}}],
            ),
            "pods": [began(each, DAY) for each in range(3)],
            "config_maps": [content("settings", HOUR)],
        },
    ),
    Scene(Rule.MANIFEST_REFUSED, {"sets": {"spec": {"replicas": -1}}, "stated": True}, {"stated": True}),
    Scene(Rule.UPGRADE_FORBIDDEN, {"sets": applied("20Gi")}, {"sets": applied("10240Mi")}),
    Scene(
        Rule.QUOTA_TOO_TIGHT,
        {"quotas": [named("q", status={"hard": {"pods": "2"}, "used": {"pods": "3"}})]},
        {"quotas": [named("q", status={"hard": {"requests.cpu": "1500m"}, "used": {"requests.cpu": "1.5"}})]},  # just full
    ),
    Scene(
        Rule.HELM_WILL_CONFLICT,
        {"sets": {"metadata": {"managedFields": [HELM, written("kubectl-pets", HOUR, {"f:template": {}})]}}},
        {"sets": {"metadata": {"managedFields": [written("helm", DAY, {}, "Update"), written("kubectl-pets", HOUR, {"f:template": {}})]}}},
    ),
    Scene(  # a restart writes what no manifest states
        Rule.HELM_WILL_CONFLICT,
        {"sets": {"metadata": {"managedFields": [HELM, written("kubectl-edit", HOUR, {"f:template": {"f:metadata": {"f:annotations": {**RESTART, "f:team": {}}}}})]}}},
        {"sets": {"metadata": {"managedFields": [HELM, written("kubectl-rollout", HOUR, {"f:template": {"f:metadata": {"f:annotations": RESTART}}})]}}},
    ),
    Scene(
        Rule.HELM_WILL_CONFLICT,
        {"sets": {"metadata": {"managedFields": [HELM, written("kubectl-label", HOUR, {"f:template": {"f:metadata": {"f:labels": {"f:team": {}}}}})]}}},
        {"sets": {"metadata": {"managedFields": [HELM, written("kubectl-rollout", HOUR, {"f:template": {"f:metadata": {"f:annotations": {}}}})]}}},
    ),
    Scene(
        Rule.OURS_LEFT_OVER,
        {"sets": {"metadata": {"annotations": {"kubectl-pets/resume-partition": "0"}}}},
        {"sets": {"metadata": {"annotations": {"kubectl-pets/restarted": "long ago"}}}},
    ),
    Scene(
        Rule.OURS_LEFT_OVER,
        {"sets": {"metadata": {"annotations": {"kubectl-pets/recreating": "a-uid"}}}},
        {"sets": {"metadata": {"annotations": {"kubectl-pets/scaled-at": "long ago"}}}},
    ),
    Scene(
        Rule.SERVER_TRAP,
        {"sets": {"spec": {"podManagementPolicy": "Parallel"}}, "server": "v1.35.2"},
        {"sets": {"spec": {"podManagementPolicy": "Parallel"}}, "server": "v1.35.4"},
    ),
)

#: Judged by ``domain/orphans``, with scenes of their own there.
ELSEWHERE = {Rule.CLAIM_NAME_AMBIGUOUS, Rule.CLAIM_ORPHANED}
#: Those that have to be asked for have tests of their own below.
ASKED_FOR = {Rule.SINGLE, Rule.OWNED_BY, Rule.EVEN_VOTERS, Rule.UPGRADE_ROLLS_ALL, Rule.NAMES_UNRESOLVED, Rule.VOLUME_FULL}
#: Nothing is said of what the cluster does not tell at all, and only a manifest can be refused.
NOT_TOLD = {Rule.VOLUME_UNHEALTHY, Rule.MANIFEST_REFUSED}


def test_of_a_set_that_is_well_nothing_is_found_and_everything_judged() -> None:
    seen = checkup(estate())
    assert [(each.rule.value, each.standing.value) for each in seen.outcomes if each.standing != "ok"] == []
    assert len(seen.outcomes) == len(CHECKS) - len(ASKED_FOR | NOT_TOLD)


def test_every_rule_has_its_scenes_and_is_judged_once() -> None:
    judged = [check.rule for check in CHECKS]
    assert len(set(judged)) == len(judged)
    assert {scene.rule for scene in SCENES} | ELSEWHERE | ASKED_FOR == set(judged)
    assert set(RULES) - set(judged) == set(OF_IGNORES)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.rule.value)
def test_found(scene: Scene) -> None:
    assert scene.rule in rules(estate(**scene.found))


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.rule.value)
def test_what_is_only_near_it_is_not_found(scene: Scene) -> None:
    assert scene.rule not in rules(estate(**scene.near))


def test_what_has_to_be_asked_for() -> None:
    voters = estate(merged(container(image="etcd:3"), {"spec": {"replicas": 4}}))
    assert Rule.EVEN_VOTERS not in rules(voters) and Rule.EVEN_VOTERS in rules(voters, only=("PETS410",))
    assert Rule.EVEN_VOTERS not in rules(estate({"spec": {"replicas": 4}}), only=("PETS410",))  # nobody says that they vote
    old = estate(server="v1.33.5")
    assert Rule.UPGRADE_ROLLS_ALL not in rules(old) and Rule.UPGRADE_ROLLS_ALL in rules(old, only=("upgrade-rolls-all",))
    assert Rule.UPGRADE_ROLLS_ALL not in rules(estate(server="v1.34.0"), only=("PETS902",))
    one = estate({"spec": {"replicas": 1}}, pods=[pod(0)])
    assert Rule.SINGLE not in rules(one) and Rule.SINGLE in rules(one, only=("PETS411",))
    owned = estate({"metadata": {"ownerReferences": [{"kind": "Etcd", "name": "e", "uid": "u", "controller": True}]}})
    assert Rule.OWNED_BY not in rules(owned) and Rule.OWNED_BY in rules(owned, only=("owned-by",))


def test_a_missing_class_is_less_where_all_claims_are_bound() -> None:
    (found,) = [each for each in checkup(estate(classes=[], volumes=[])).found if each.rule is Rule.CLASS_MISSING]
    assert found.severity is Severity.WARNING


@pytest.mark.parametrize(("granted", "found"), [("50Gi", True), ("20Gi", False)])
def test_a_size_that_was_refused_and_is_asked_for_no_more_is_no_error(granted: str, found: bool) -> None:
    """The resizer has not looked at the smaller request yet: ``status`` and ``resize`` say that it is at work."""
    state = {"allocatedResourceStatuses": {"storage": "ControllerResizeInfeasible"}, "allocatedResources": {"storage": "50Gi"}}
    asks = {"resources": {"requests": {"storage": granted}}}
    seen = rules(estate(claims=[claim(0, status=state, spec=asks), claim(1), claim(2)]))
    assert (Rule.RESIZE_INFEASIBLE in seen) is found


def test_secrets_are_judged_only_where_their_names_were_read() -> None:
    named_ = container(envFrom=[{"secretRef": {"name": "gone"}}])
    assert Rule.REFERENCE_MISSING in rules(estate(named_))
    seen = checkup(estate(named_, secrets=None))
    (outcome,) = [each for each in seen.outcomes if each.rule is Rule.REFERENCE_MISSING]
    assert outcome.standing == "skip" and outcome.unread is not None and outcome.unread.resource == "secrets"


def test_a_pod_that_cannot_be_made_is_told_by_the_events_and_without_them_nothing_is_passed() -> None:
    (made,) = [each for each in checkup(estate(pods=TWO, events=[refused(HOUR)])).found if each.rule is Rule.CREATE_FAILED]
    assert made.subject.name == "web-2" and "exceeded quota" in made.detail and made.severity is Severity.ERROR
    for rule in (Rule.CREATE_FAILED, Rule.ROLLOUT_STUCK):
        blind = [each.standing for each in checkup(estate(pods=TWO, events=None)).outcomes if each.rule is rule]
        assert blind == ["skip"]
        assert rule not in {each.rule for each in checkup(estate(events=None)).outcomes if each.standing == "skip"}  # it is well


def test_what_cannot_be_made_right_now_is_a_warning_while_there_is_patience() -> None:
    (made,) = [each for each in checkup(estate(pods=TWO, events=[refused(timedelta(seconds=5))])).found if each.rule is Rule.CREATE_FAILED]
    assert made.severity is Severity.WARNING and made.until is not None


def test_openkruises_controller_says_so_in_a_condition() -> None:
    told = {"type": "FailedCreatePod", "status": "True", "message": "quota", "lastTransitionTime": ago(HOUR)}
    assert Rule.CREATE_FAILED in rules(estate({"status": {"conditions": [told]}}))
    assert Rule.CREATE_FAILED not in rules(estate({"status": {"conditions": [{**told, "status": "False"}]}}))


@pytest.mark.parametrize(
    ("server", "policy", "trapped"),
    [("v1.34.4", "Parallel", False), ("v1.35.0", "Parallel", True), ("v1.35.3", "Parallel", True), ("v1.36.1", "Parallel", False), ("v1.37.2", "OrderedReady", True)],
)
def test_the_trap_by_server_and_policy(server: str, policy: str, trapped: bool) -> None:
    sets = {"spec": {"podManagementPolicy": policy}, "status": {"updateRevision": "web-2"}}
    seen = rules(estate(sets, revisions=REVISIONS, pods=[pod(0), pod(1), broken(2, "web-1")], server=server))
    assert (Rule.FORCED_ROLLBACK_TRAP in seen) is trapped


def test_a_broken_pod_of_the_wanted_revision_is_stuck_and_no_trap() -> None:
    seen = rules(estate(pods=[pod(0), pod(1), broken(2, "web-1")]))
    assert Rule.ROLLOUT_STUCK in seen and Rule.FORCED_ROLLBACK_TRAP not in seen


def test_revisions_are_compared_only_where_they_were_read() -> None:
    rolling_out = {"status": {"updateRevision": "web-2"}}
    (outcome,) = [each for each in checkup(estate(rolling_out, revisions=REVISIONS)).outcomes if each.rule is Rule.EMPTY_REVISION]
    assert outcome.standing == "skip"
    images = [merged(each, {"data": {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": each["metadata"]["name"]}]}}}}}) for each in REVISIONS]
    assert Rule.EMPTY_REVISION not in rules(estate(rolling_out, revisions=images, templates={}))


def test_snapshots_that_may_not_be_read_are_no_all_clear_and_none_are_none() -> None:
    (outcome,) = [each for each in checkup(estate(snapshots=None)).outcomes if each.rule is Rule.ONE_COMMAND_AWAY]
    assert outcome.standing == "skip"
    assert Rule.ONE_COMMAND_AWAY in rules(estate(snapshots=[]))
    kept = {"spec": {"persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete"}}}
    assert Rule.ONE_COMMAND_AWAY not in rules(estate(kept, snapshots=[]))  # that has a rule of its own


def test_health_is_spoken_of_where_the_cluster_tells_it_or_somebody_asks() -> None:
    assert [each.standing for each in checkup(estate(), only=("PETS323",)).outcomes] == ["skip"]
    assert [each.standing for each in checkup(estate(), only=("PETS3*",)).outcomes if each.rule is Rule.VOLUME_UNHEALTHY] == []
    (degraded,) = checkup(estate(claims=[claim(0, **health("Degraded")), claim(1), claim(2)]), only=("PETS323",)).found
    assert (degraded.severity, degraded.names) == (Severity.WARNING, ("Degraded",))


def test_how_full_volumes_are_takes_deep() -> None:
    full = {f"data-web-{each}": (86, 100) if each == 2 else (85 - 1, 100) for each in range(3)}
    assert Rule.VOLUME_FULL not in {each.rule for each in checkup(estate(usage=full)).outcomes}
    (found,) = checkup(estate(usage=full), deep=True, only=("PETS322",)).found
    assert (found.subject.name, found.number, found.limit) == ("data-web-2", 86, 85)
    assert [each.standing for each in checkup(estate(usage=full), deep=True).outcomes if each.rule is Rule.VOLUME_FULL] == ["found"]
    del full["data-web-2"]  # its driver has no statistics
    for given in (full, None):
        assert [each.standing for each in checkup(estate(usage=given), deep=True).outcomes if each.rule is Rule.VOLUME_FULL] == ["skip"]


def answers(record: str) -> tuple[ServerAnswers, ...]:
    """Of one server that has the first two pods as they are, and this for the third."""
    network = Network(set=estate().sets[0], pods=estate().pods, services=estate().services, slices=estate().slices)
    wanted = expected(network, cluster_zone("", None, None), None)
    zone = "web.prod.svc.cluster.local"
    known = {
        zone: ("10.0.0.1", "10.0.0.2", "10.0.0.3"),
        **{f"web-{each}.{zone}": (record if each == 2 else f"10.0.0.{each + 1}",) for each in range(3)},
        **{f"{each + 1}.0.0.10.in-addr.arpa": (f"web-{each}.{zone}",) for each in range(3)},
    }
    told = []
    for question in questions(wanted.names):
        records = () if question.type is RecordType.AAAA else known[question.name]
        outcome = Outcome.ANSWERED if records else Outcome.NODATA
        told.append(Answer(question=question, outcome=outcome, records=records, ttl=5))
    return (ServerAnswers(server=Server(name="coredns-a"), asked_at=NOW, answers=tuple(told)),)


def test_what_servers_answer_takes_deep() -> None:
    def standing(seen: Checkup) -> list[str]:
        return [each.standing for each in seen.outcomes if each.rule is Rule.NAMES_UNRESOLVED]

    wrong, right = estate(hearings=answers("10.9.9.9")), estate(hearings=answers("10.0.0.3"))
    assert standing(checkup(wrong)) == []
    (found,) = [each for each in checkup(wrong, deep=True).found if each.rule is Rule.NAMES_UNRESOLVED]
    assert found.subject.name == "web-2" and "coredns-a" in found.names
    assert standing(checkup(right, deep=True)) == ["ok"]
    silent = ServerAnswers(server=Server(name="coredns-b"), asked_at=NOW, trouble="refused")
    assert set(standing(checkup(estate(hearings=(*answers("10.0.0.3"), silent)), deep=True))) == {"found"}
    barred = ServerAnswers(server=Server(name="coredns-b"), asked_at=NOW, missing_right=("create", "pods/portforward"))
    for nobody in ((), (barred,), (*answers("10.0.0.3"), barred)):
        assert standing(checkup(estate(hearings=nobody), deep=True)) == ["skip"]
    assert standing(checkup(estate(), deep=True)) == ["skip"]


@pytest.mark.parametrize(
    ("sets", "found"),
    [
        (container(envFrom=[{"configMapRef": {"name": "settings"}}]), True),
        (container(envFrom=[{"configMapRef": {"name": "other"}}]), False),
        (
            template(
                containers=[{**container()["spec"]["template"]["spec"]["containers"][0], "volumeMounts": [{"name": "v", "subPath": "a"}]}],
                volumes=[{"name": "v", "configMap": {"name": "settings"}}],
            ),
            True,
        ),
    ],
)
def test_what_is_read_once_only(sets: dict[str, Any], found: bool) -> None:
    given: dict[str, Any] = {"config_maps": [content("settings", HOUR)], "pods": [began(0, HOUR / 2), began(1, DAY), began(2, HOUR / 2)]}
    told = [each for each in checkup(estate(sets, **given)).found if each.rule is Rule.CONFIG_NEWER_THAN_PODS]
    assert [each.names[2:] for each in told] == ([("web-1",)] if found else [])


def test_a_config_map_whose_labels_were_changed_and_pods_of_another_revision_are_not_behind() -> None:
    sets = container(envFrom=[{"configMapRef": {"name": "settings"}}])
    labelled = content("settings", HOUR, field="f:metadata")
    assert Rule.CONFIG_NEWER_THAN_PODS not in rules(estate(sets, config_maps=[labelled], pods=[began(each, DAY) for each in range(3)]))
    older = [began(each, DAY, "web-0") for each in range(3)]
    assert Rule.CONFIG_NEWER_THAN_PODS not in rules(estate(sets, config_maps=[content("settings", HOUR)], pods=older))


def test_a_secret_that_was_written_since_is_told_where_it_was_read() -> None:
    sets, pods = container(envFrom=[{"secretRef": {"name": "password"}}]), [began(each, DAY) for each in range(3)]
    assert Rule.CONFIG_NEWER_THAN_PODS in rules(estate(sets, secrets=[content("password", HOUR)], pods=pods))
    seen = checkup(estate(sets, secrets=None, pods=pods))
    assert [each.standing for each in seen.outcomes if each.rule is Rule.CONFIG_NEWER_THAN_PODS] == ["skip"]


def test_claim_templates_that_the_manifest_lacks_or_has_besides() -> None:
    for text, detail in (
        ('{"spec":{"volumeClaimTemplates":[]}}', "it is not in the manifest"),
        ('{"spec":{"volumeClaimTemplates":[{"metadata":{"name":"data"}},{"metadata":{"name":"wal"}}]}}', "it is not in the set"),
        ('{"spec":{"volumeClaimTemplates":[{"metadata":{"name":"data"},"spec":{"storageClassName":"slow"}}]}}', "slow, not fast"),
    ):
        noted = {"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": text}}}
        (found,) = [each for each in checkup(estate(noted)).found if each.rule is Rule.UPGRADE_FORBIDDEN]
        assert found.detail == detail
    for text in ("", "{", '{"spec":{"replicas":3}}', '{"spec":{"volumeClaimTemplates":"x"}}'):
        noted = {"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": text}}}
        assert Rule.UPGRADE_FORBIDDEN not in rules(estate(noted)), text


def test_keys_that_are_not_there() -> None:
    def sets(key: str, **more: Any) -> dict[str, Any]:
        return container(env=[{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": key, **more}}}])

    def told(given: dict[str, Any], **lists: Any) -> list[str]:
        return [each.detail for each in checkup(estate(given, **lists)).found if each.rule is Rule.REFERENCE_MISSING]

    written_ = {"config_maps": [content("settings", DAY)]}  # it has the key "a"
    assert told(sets("b"), **written_) == ["b"] and told(sets("a"), **written_) == []
    assert told(sets("b", optional=True), **written_) == []
    assert told(sets("b")) == []  # nobody says what is in it
    mounted = template(volumes=[{"name": "v", "configMap": {"name": "settings", "items": [{"key": "a"}, {"key": "c"}]}}])
    assert told(mounted, **written_) == ["c"]
    secret = template(volumes=[{"name": "v", "secret": {"secretName": "password", "items": [{"key": "c"}]}}])
    assert told(secret, secrets=[content("password", DAY)]) == ["c"]


def test_a_history_that_was_tidied_away_and_a_set_that_was_never_updated() -> None:
    assert Rule.NO_WAY_BACK not in rules(estate())  # its one revision is the first
    left = [named("web-1", metadata={"ownerReferences": [OWNER], "creationTimestamp": ago(DAY)}, revision=4)]
    assert Rule.NO_WAY_BACK in rules(estate(revisions=left))
    assert Rule.NO_WAY_BACK not in rules(estate(revisions=None))


@pytest.mark.parametrize(("span", "found"), [(HOUR / 2, False), (DAY, True)])
def test_a_pause_of_ours_is_left_over_after_an_hour(span: Any, found: bool) -> None:
    paused = {"annotations": {"kubectl-pets/resume-partition": "0"}, "managedFields": [written("kubectl-pets", span, {"f:updateStrategy": {"f:rollingUpdate": {"f:partition": {}}}})]}
    assert (Rule.PARTITION_LEFT_OVER in rules(estate({**rolling(partition=2), "metadata": paused}))) is found


def test_the_partition_of_a_leader_worker_set_is_its_controllers() -> None:
    member = {"labels": {"leaderworkerset.sigs.k8s.io/name": "web"}}
    assert Rule.PARTITION_LEFT_OVER not in rules(estate({**rolling(partition=2), "metadata": member}))


@pytest.mark.parametrize(("span", "found"), [(HOUR / 60, False), (DAY, True)])
def test_a_recreation_that_was_broken_off(span: Any, found: bool) -> None:
    noted = {"annotations": {RECREATING_ANNOTATION: "web"}, "managedFields": [written("kubectl-pets", span, {})]}
    assert (Rule.OURS_LEFT_OVER in rules(estate({"metadata": noted}))) is found


@pytest.mark.parametrize(("stage", "rule"), [("NodeResizePending", Rule.RESIZE_WAITS), ("ControllerResizeInfeasible", Rule.RESIZE_INFEASIBLE)])
def test_a_set_that_status_calls_stalled_has_that_of_its_claim(stage: str, rule: Rule) -> None:
    asks = {"spec": {"resources": {"requests": {"storage": "20Gi"}}}, "status": {"allocatedResourceStatuses": {"storage": stage}}}
    given = estate(claims=[claim(0, **merged(condition("FileSystemResizePending", HOUR / 15), asks)), claim(1), claim(2)])
    (case,) = Ward(given, NOW).cases()
    assert case.seen.phase is Phase.CLAIM_STALLED and rule in rules(given)


def test_a_max_unavailable_is_refused_where_the_server_has_the_field() -> None:
    """Where the gate is off the field is dropped before anything looks at it, and the manifest is taken."""
    for server, told in (("v1.34.4", False), ("v1.35.2", True), ("v1.36.3", False), ("v1.37.2", True), ("what?", True)):
        given = estate(sets=rolling(maxUnavailable=0), stated=True, server=server)
        assert (Rule.MANIFEST_REFUSED in rules(given)) is told, server


def test_a_service_name_is_refused_of_a_new_set_by_servers_that_look_at_it() -> None:
    new = {"metadata": {"uid": None}, "spec": {"serviceName": "web.prod"}}
    for sets, server, told in ((new, "v1.37.2", True), (new, "v1.34.4", True), (new, "v1.30.10", False), ({"spec": new["spec"]}, "v1.37.2", False)):
        assert (Rule.MANIFEST_REFUSED in rules(estate(sets, stated=True, server=server))) is told, (server, sets)


def test_attributes_whose_class_nobody_knows() -> None:
    """As the real resizer leaves it: no condition, and no name; so it is since somebody asked for it."""
    for span, found in ((HOUR, True), (HOUR / 60, False)):
        asked = {"manager": "kubectl-patch", "operation": "Update", "time": ago(span), "fieldsV1": {"f:spec": {"f:volumeAttributesClassName": {}}}}
        pending = claim(
            0, metadata={"managedFields": [asked]}, spec={"volumeAttributesClassName": "gold"}, status={"modifyVolumeStatus": {"status": "Pending"}}
        )
        told = [each for each in checkup(estate(claims=[pending, claim(1), claim(2)])).found if each.rule is Rule.MODIFY_INFEASIBLE]
        assert [each.names for each in told] == ([("gold",)] if found else [])


def test_attributes_that_were_refused_and_are_asked_for_no_more() -> None:
    """The resizer leaves what it noted of them on a claim that was put back to no class, for good (KEP-3751): it has what it asks
    for, and what its template asks for is drift."""
    given = estate(sets=vct(volumeAttributesClassName="silver"), claims=[claim(0, status=NO_GOLD), claim(1), claim(2)])
    found = [each for each in checkup(given).found if each.rule in (Rule.MODIFY_INFEASIBLE, Rule.ATTRIBUTES_DRIFT)]
    assert [(each.rule, each.subject.name) for each in found if each.subject.name == "data-web-0"] == [(Rule.ATTRIBUTES_DRIFT, "data-web-0")]


def test_a_resize_that_waits_for_its_pod_is_told_as_soon_as_status_tells_it() -> None:
    asks = {"spec": {"resources": {"requests": {"storage": "20Gi"}}}}
    waits = merged(merged(condition("FileSystemResizePending", HOUR / 15), asks), {"status": {"allocatedResourceStatuses": {"storage": "NodeResizePending"}}})
    given = estate(claims=[claim(0, **waits), claim(1), claim(2)])
    (found,) = [each for each in checkup(given).found if each.rule is Rule.RESIZE_WAITS]
    assert (found.detail, found.names) == ("needs-restart", ("web-0",))


@pytest.mark.parametrize(
    ("image", "labels", "expected_"),
    [
        ("quay.io/coreos/etcd:v3.6", {}, Members.VOTING),
        ("registry:5000/bitnami/zookeeper@sha256:aa", {}, Members.VOTING),
        ("internal/fork:1", {"app.kubernetes.io/name": "consul"}, Members.VOTING),
        ("elastic/elasticsearch:9", {"elasticsearch.k8s.elastic.co/node-master": "true"}, Members.VOTING),
        ("elastic/elasticsearch:9", {"elasticsearch.k8s.elastic.co/node-master": "false"}, Members.UNKNOWN),
        ("bitnami/kafka:4", {"app.kubernetes.io/component": "controller-eligible"}, Members.VOTING),
        ("bitnami/kafka:4", {"app.kubernetes.io/component": "broker"}, Members.UNKNOWN),
        ("redis:8", {"app.kubernetes.io/component": "sentinel"}, Members.VOTING),
        ("redis:8", {}, Members.UNKNOWN),
        ("app:1", {"app.kubernetes.io/component": "master"}, Members.UNKNOWN),
    ],
)
def test_who_votes(image: str, labels: dict[str, str], expected_: Members) -> None:
    sets = merged(container(image=image), {"metadata": {"labels": labels}})
    assert members_of(estate(sets).sets[0]) is expected_
    assert members_of(estate(merged(sets, {"metadata": {"annotations": {"kubectl-pets/members": "data"}}})).sets[0]) is Members.DATA


@pytest.mark.parametrize("field", ["deployments", "daemon_sets"])
def test_whose_selector_matches_the_pods_is_named_and_unread_is_no_all_clear(field: str) -> None:
    agent = {"metadata": {"name": "agent", "namespace": "prod"}, "spec": {"selector": {"matchLabels": {"app": "web"}}}}
    elsewhere = merged(agent, {"metadata": {"namespace": "dev"}})
    worlds: list[dict[str, Any]] = [{field: [agent]}, {field: [elsewhere]}, {field: None}]
    here, there, unread = worlds
    (found,) = [each for each in checkup(estate(**here)).found if each.rule is Rule.SELECTORS_OVERLAP]
    assert found.names == (("Deployment" if field == "deployments" else "DaemonSet") + "/agent",)
    assert Rule.SELECTORS_OVERLAP not in rules(estate(**there))
    (outcome,) = [each for each in checkup(estate(**unread)).outcomes if each.rule is Rule.SELECTORS_OVERLAP]
    assert outcome.standing == "skip"
