"""Each rule where it is found, where it is not, and where only something near it is.

The sources of the rules stand in their docstrings; that nothing at all is found of a set that is well is held by the first test.
"""

from typing import Any, NamedTuple

import pytest

from kubectl_pets.domain.doctor.checkup import CHECKS, OF_IGNORES
from kubectl_pets.domain.findings import RULES, Rule, Severity
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
HELM = {"manager": "helm", "operation": "Apply", "time": ago(DAY), "fieldsV1": {"f:spec": {"f:replicas": {}}}}


def written(manager: str, span: Any, fields: dict[str, Any], operation: str = "Update") -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "time": ago(span), "fieldsV1": {"f:spec": fields}}


def revision(span: Any) -> list[dict[str, Any]]:
    return [named("web-2", metadata={"ownerReferences": [OWNER], "creationTimestamp": ago(span)}, revision=2)]


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
        {"claims": [claim(0, status={"modifyVolumeStatus": {"status": "Infeasible"}}), claim(1), claim(2)]},
        {"claims": [claim(0, status={"modifyVolumeStatus": {"status": "InProgress"}}), claim(1), claim(2)]},
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
    Scene(Rule.ACCOUNT_MISSING, {"sets": template(serviceAccountName="nobody")}, {"sets": template(serviceAccountName="app")}),
    Scene(
        Rule.REFERENCE_MISSING,
        {"sets": container(envFrom=[{"configMapRef": {"name": "gone"}}])},
        {"sets": container(envFrom=[{"configMapRef": {"name": "gone", "optional": True}}, {"configMapRef": {"name": "settings"}}])},
    ),
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
    Scene(
        Rule.OURS_LEFT_OVER,
        {"sets": {"metadata": {"annotations": {"kubectl-pets/resume-partition": "0"}}}},
        {"sets": {"metadata": {"annotations": {"kubectl-pets/restarted": "long ago"}}}},
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
ASKED_FOR = {Rule.SINGLE, Rule.OWNED_BY}


def test_of_a_set_that_is_well_nothing_is_found_and_everything_judged() -> None:
    seen = checkup(estate())
    assert [(each.rule.value, each.standing.value) for each in seen.outcomes if each.standing != "ok"] == []
    assert len(seen.outcomes) == len(CHECKS) - len(ASKED_FOR)


def test_every_rule_has_its_scenes_and_is_judged_once() -> None:
    judged = [check.rule for check in CHECKS]
    assert len(set(judged)) == len(judged)
    assert {scene.rule for scene in SCENES} | ELSEWHERE | ASKED_FOR == set(judged)
    assert set(RULES) - set(judged) - set(OF_IGNORES) == {Rule.NAMES_UNRESOLVED}  # that takes a server to ask


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.rule.value)
def test_found(scene: Scene) -> None:
    assert scene.rule in rules(estate(**scene.found))


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.rule.value)
def test_what_is_only_near_it_is_not_found(scene: Scene) -> None:
    assert scene.rule not in rules(estate(**scene.near))


def test_what_has_to_be_asked_for() -> None:
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
    message = "create Pod web-2 in StatefulSet web failed error: pods \"web-2\" is forbidden: exceeded quota: q"
    event = {
        "metadata": {"name": "e", "namespace": "prod"},
        "type": "Warning",
        "reason": "FailedCreate",
        "message": message,
        "firstTimestamp": ago(HOUR),
        "lastTimestamp": ago(HOUR / 60),
        "involvedObject": {"kind": "StatefulSet", "name": "web", "uid": "set-1"},
    }
    (stuck,) = [each for each in checkup(estate(pods=TWO, events=[event])).found if each.rule is Rule.ROLLOUT_STUCK]
    assert stuck.names == ("creation-refused",) and stuck.subject.name == "web-2"
    blind = [each.standing for each in checkup(estate(pods=TWO, events=None)).outcomes if each.rule is Rule.ROLLOUT_STUCK]
    assert blind == ["skip"]
