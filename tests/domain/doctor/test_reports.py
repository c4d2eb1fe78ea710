"""Scenes after public reports, each with what doctor has to find of it, and with what it must not take it for."""

from typing import Any, NamedTuple

import pytest

from kubectl_pets.domain.doctor.checkup import Standing
from kubectl_pets.domain.findings import Rule
from tests.domain.doctor.test_rules import REVISIONS, TWO, broken, health, refused, rolling, unready
from tests.domain.doctor.wards import HOUR, OWNER, ago, checkup, claim, estate, merged, named, node, pod, slices, volume


class Report(NamedTuple):
    """``finds``: all of it, errors and warnings; ``never``: what it is not, of whatever severity."""

    source: str
    given: dict[str, Any]
    finds: set[Rule]
    never: set[Rule] = set()


def at(revision: str, *ordinals: int) -> list[dict[str, Any]]:
    return [pod(each, metadata={"labels": {"controller-revision-hash": revision}}) for each in ordinals]


def mount_failed(name: str) -> dict[str, Any]:
    about = {"kind": "Pod", "name": name, "uid": f"pod-{name[-1]}"}
    times = {"firstTimestamp": ago(HOUR), "lastTimestamp": ago(HOUR / 60)}
    told = {"type": "Warning", "reason": "FailedAttachVolume", "message": "Multi-Attach error for volume pv-2", "count": 9}
    return {"metadata": {"name": "e", "namespace": "prod"}, "involvedObject": about, **told, **times}


WAITS = {"status": {"phase": "Pending", "containerStatuses": [{"name": "app", "state": {"waiting": {"reason": "ContainerCreating"}}}]}}
CRASHED_ONCE = {"name": "app", "ready": True, "restartCount": 1, "state": {"running": {"startedAt": ago(HOUR / 60)}}}
PINNED = {"status": {"updateRevision": "web-2", "currentRevision": "web-2"}}

REPORTS = (
    Report("kubernetes/kubernetes#108837: a quota of two pods", {"pods": TWO, "slices": slices(0, 1), "events": [refused(HOUR)]}, {Rule.CREATE_FAILED, Rule.NO_MARGIN}),
    Report("PodSecurity refuses the new pod", {"pods": TWO, "slices": slices(0, 1), "events": [merged(refused(HOUR), {"message": "create Pod web-2 in StatefulSet web failed error: violates PodSecurity"})]}, {Rule.CREATE_FAILED, Rule.NO_MARGIN}),
    Report(
        "kubernetes/kubernetes#55559: a pod was taken out of the set by its label, and has its name still",
        {"pods": [pod(0), pod(1, metadata={"labels": {"app": "debug"}, "ownerReferences": []}), pod(2)], "events": [refused(HOUR, "web-1")], "slices": slices(0, 2)},
        {Rule.ROLLOUT_STUCK, Rule.NO_MARGIN},
        {Rule.CREATE_FAILED, Rule.STRAY_PODS, Rule.QUORUM_LOST},
    ),
    Report(
        "open-telemetry/opentelemetry-operator#5329: made again with another template over its pods, held by a partition",
        {"sets": merged(rolling(partition=3), PINNED), "pods": at("web-1", 0, 1, 2), "revisions": [merged(REVISIONS[1], {"metadata": {"creationTimestamp": ago(HOUR)}})]},
        {Rule.NO_WAY_BACK},  # the revision that they run is gone
        {Rule.PARTITION_LEFT_OVER, Rule.EMPTY_REVISION, Rule.FORCED_ROLLBACK_TRAP},
    ),
    Report(
        "kubernetes/kubernetes#106055: OnDelete, and the current revision is never moved",
        {"sets": {"spec": {"updateStrategy": {"type": "OnDelete"}}, "status": {"updateRevision": "web-2"}}, "revisions": REVISIONS, "pods": at("web-2", 0, 1, 2), "templates": {}},
        set(),
        {Rule.ONDELETE_DRIFT, Rule.EMPTY_REVISION, Rule.MANY_REVISIONS},
    ),
    Report(
        "kubernetes/kubernetes#89067: the kubelet refuses the pod, which ends as Failed and is made anew",
        {"pods": [pod(0), pod(1), merged(unready(2), {"status": {"phase": "Failed", "reason": "UnexpectedAdmissionError"}})]},
        {Rule.NO_MARGIN},
        {Rule.PEERS_DEADLOCK, Rule.TERMINATING_OVERDUE, Rule.CLAIM_MISSING},
    ),
    Report("kubernetes/kubernetes#141876: adopted without the volume of a template", {"pods": [pod(0, spec={"volumes": []}), pod(1), pod(2)]}, {Rule.ADOPTED_VOLUME_MISMATCH}, {Rule.ROLLOUT_STUCK}),
    Report(
        "argoproj/argo-cd#6527: it has crashed once and runs now",
        {"pods": [pod(0), pod(1), pod(2, status={"containerStatuses": [{**CRASHED_ONCE, "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": ago(HOUR / 60)}}}]})]},
        {Rule.CRASH_HISTORY},
        {Rule.ROLLOUT_STUCK, Rule.FORCED_ROLLBACK_TRAP},
    ),
    Report(
        "kubernetes/kubernetes#72181: a volume cannot be attached, and only an event says so",
        {"pods": [pod(0), pod(1), merged(unready(2), WAITS)], "events": [mount_failed("web-2")], "slices": slices(0, 1)},
        {Rule.ROLLOUT_STUCK, Rule.NO_MARGIN},
        {Rule.CLAIM_PENDING},
    ),
    Report(
        "no controller runs: what is staged has not been looked at",
        {"sets": merged(rolling(partition=2), {"metadata": {"generation": 2, "managedFields": [{"manager": "kubectl", "operation": "Update", "time": ago(HOUR), "fieldsV1": {"f:spec": {}}}]}})},
        {Rule.CONTROLLER_SILENT},
        {Rule.PARTITION_LEFT_OVER},
    ),
    Report(
        "kubernetes/kubernetes#134773: a revision of 1.33 and the one of 1.34 differ in a null",
        {"sets": {"status": {"updateRevision": "web-2"}}, "revisions": REVISIONS, "templates": {"web-1": {"metadata": {"creationTimestamp": None}}, "web-2": {"metadata": {}}}},
        set(),
    ),
    Report(
        "kubernetes/kubernetes#60164: the very first image does not start",
        {"pods": [broken(0, "web-1")], "slices": slices()},
        {Rule.ROLLOUT_STUCK, Rule.QUORUM_LOST},
        {Rule.FORCED_ROLLBACK_TRAP, Rule.PEERS_DEADLOCK},
    ),
    Report(
        "kubernetes/kubernetes#60164: and the image was put right, which does not help",
        {"sets": {"status": {"updateRevision": "web-2"}}, "revisions": REVISIONS, "pods": [broken(0, "web-1")], "slices": slices()},
        {Rule.ROLLOUT_STUCK, Rule.FORCED_ROLLBACK_TRAP, Rule.QUORUM_LOST},
    ),
    Report(
        "kubernetes/kubernetes#99728: scaling down destroys a claim that somebody else reads",
        {"sets": {"spec": {"persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete"}}}},
        {Rule.SCALE_DESTROYS},
        {Rule.CLAIM_ORPHANED, Rule.ONE_COMMAND_AWAY},
    ),
    Report(
        "kubernetes/kubernetes#74374: a claim was deleted under its pod",
        {"claims": [claim(0), claim(1), claim(2, metadata={"deletionTimestamp": ago(HOUR)})]},
        {Rule.CLAIM_DYING},
        {Rule.CLAIM_MISSING, Rule.CLAIM_ORPHANED},
    ),
    Report(
        "strimzi/strimzi-kafka-operator#5234: the driver expands offline only",
        {
            "claims": [
                claim(0),
                claim(1),
                merged(
                    claim(2, spec={"resources": {"requests": {"storage": "10Gi"}}}, status={"capacity": {"storage": "5Gi"}}),
                    {"status": {"conditions": [{"type": "ControllerResizeError", "status": "True", "message": "rpc error: code = FailedPrecondition desc = in use", "lastTransitionTime": ago(HOUR / 60)}]}},
                ),
            ]
        },
        {Rule.RESIZE_WAITS},
        {Rule.RESIZE_INFEASIBLE, Rule.SIZE_DRIFT},
    ),
    Report("kubernetes/kubernetes#97386: the node of a local volume is gone", {"nodes": [node(0), node(1)], "pods": TWO, "slices": slices(0, 1), "volumes": [volume(0), volume(1), volume(2, spec={"nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["node-2"]}]}]}}})]}, {Rule.VOLUME_UNREACHABLE, Rule.NO_MARGIN}),
    Report("KEP-1432: the driver has lost data", {"claims": [claim(0), claim(1), claim(2, **health("DataLoss"))]}, {Rule.VOLUME_UNHEALTHY}),
)


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.source)
def test_found_and_nothing_else_that_is_heavy(report: Report) -> None:
    seen = checkup(estate(**report.given))
    heavy = {each.rule for each in seen.found if each.severity.value != "notice"}
    assert heavy == report.finds
    assert not {each.rule for each in seen.found} & report.never


def test_what_may_not_be_read_is_skipped_and_the_rest_is_judged() -> None:
    """A conversion webhook that fails, an aggregated API that is down: of claims nothing is known, of all else as before."""
    given = estate(rolling(partition=2), claims=None)
    seen = checkup(given)
    assert Rule.PARTITION_LEFT_OVER in {each.rule for each in seen.found}
    assert {Rule.CLAIM_LOST, Rule.SIZE_DRIFT} <= {each.rule for each in seen.standing(Standing.SKIP)}


def test_the_restart_that_is_under_way_and_the_canary_that_waits_are_nothing() -> None:
    restarted: dict[str, Any] = {"sets": {"status": {"updateRevision": "web-2"}}, "revisions": REVISIONS, "pods": [*at("web-1", 0, 1), *at("web-2", 2)]}
    images = [named(f"web-{each}", metadata={"ownerReferences": [OWNER], "creationTimestamp": ago(HOUR)}, revision=each) for each in (1, 2)]
    canary: dict[str, Any] = {**restarted, "sets": merged(rolling(partition=2), {"status": {"updateRevision": "web-2"}}), "revisions": images}
    for given in (restarted, canary):
        told: dict[str, Any] = {"web-1": {}, "web-2": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}}}
        assert [each.rule for each in checkup(estate(templates=told, **given)).found] == []
