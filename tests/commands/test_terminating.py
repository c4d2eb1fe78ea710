"""A claim that is being deleted while its pod runs: shown as such, and nothing takes the pod down without a word."""

import json
from collections.abc import Iterator

import pytest

from tests.commands.plugin import Plugin
from tests.commands.test_orphans import make, volume_of

pytestmark = pytest.mark.real

CLAIM = "data-web-2"


@pytest.fixture
def going(pets: Plugin) -> Iterator[Plugin]:
    make(pets)
    pets.kubectl("delete", "pvc", CLAIM, "--wait=false")
    pets.eventually(lambda: "deletionTimestamp" in pets.get("pvc", CLAIM)["metadata"], "it is being deleted")
    yield pets


def test_it_is_shown_and_its_pod_is_not_taken_down(going: Plugin) -> None:
    pets = going
    assert f"{CLAIM}: Terminating" in pets("status", "web").stdout
    (pod,) = [each for each in json.loads(pets("status", "web", "-o", "json").stdout)["status"]["pods"] if each["name"] == "web-2"]
    assert pod["claims"] == [{"name": CLAIM, "phase": "Bound", "terminating": True}]
    uids = pets.uids()
    for words in (("restart", "web"), ("restart", "web", "--pod", "2"), ("run", "web", "--image", "app:2")):
        refused = pets("rollout", *words, "-y", "--timeout", "30s", expect=6)
        assert f"claim {CLAIM} is being deleted" in refused.stderr and "the next pod starts empty" in refused.stderr
    assert pets.uids() == uids
    before = volume_of(pets, CLAIM)
    assert before["status"]["phase"] == "Bound"


def test_a_scaling_that_lets_it_go_is_asked(going: Plugin) -> None:
    pets = going
    shown = pets("scale", "web", "--replicas", "2", "--plan").stdout
    assert f"claim {CLAIM} (1Mi) is being deleted already and goes with its pod" in shown and "DESTROYED with its data" in shown
    asked = pets("scale", "web", "--replicas", "2", expect=6)
    assert f"what is being deleted already, 1 claim ({CLAIM}), DESTROYS 1 volume" in asked.stderr
    assert len(pets.uids()) == 3
    done = pets("scale", "web", "--replicas", "2", "-y", "--timeout", "60s")
    assert "DESTROYS 1 volume" in done.stderr and f"deleted 1 claim ({CLAIM}), DESTROYED 1 volume" in done.stderr


def test_who_else_wants_a_claim_is_named_before(pets: Plugin) -> None:
    make(pets, extra="persistentVolumeClaimRetentionPolicy: {whenScaled: Delete, whenDeleted: Retain}")
    pets.plane.apply(
        """
apiVersion: batch/v1
kind: CronJob
metadata: {name: backup}
spec: {schedule: "0 3 1 1 *", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: "app:1"}], volumes: [{name: d, persistentVolumeClaim: {claimName: data-web-1}}]}}}}}
---
apiVersion: v1
kind: Pod
metadata: {name: reader}
spec: {containers: [{name: a, image: "app:1"}], volumes: [{name: d, persistentVolumeClaim: {claimName: data-web-2}}]}
""",
        pets.namespace,
    )
    pets.kubectl("annotate", "pvc", "data-web-1", "kubectl-pets/keep=ops: the March backup")
    shown = pets("scale", "web", "--replicas", "1", "--plan").stdout
    assert "CronJob/backup names it in its template" in shown and "somebody keeps it: ops: the March backup" in shown
    assert "Pod/reader mounts it" in shown and "although others want them" in shown


def test_a_claim_that_comes_back_and_that_somebody_mounts_is_asked(pets: Plugin) -> None:
    make(pets)
    pets.kubectl("scale", "statefulset", "web", "--replicas=2")
    pets.kubectl("wait", "pod/web-2", "--for=delete", "--timeout=60s")
    pets.plane.apply(
        """
apiVersion: v1
kind: Pod
metadata: {name: rescue}
spec: {containers: [{name: a, image: "app:1"}], volumes: [{name: d, persistentVolumeClaim: {claimName: data-web-2}}]}
""",
        pets.namespace,
    )
    asked = pets("scale", "web", "--replicas", "3", expect=6)
    assert "new pods take claims that somebody else mounts: data-web-2 (Pod/rescue mounts it" in asked.stderr
    assert len(pets.uids()) == 2


def test_ephemeral_claims_go_along(pets: Plugin) -> None:
    body = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: tmp}
spec:
  replicas: 2
  serviceName: x
  podManagementPolicy: Parallel
  selector: {matchLabels: {app: tmp}}
  template:
    metadata: {labels: {app: tmp}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: app, image: "app:1"}]
      volumes: [{name: scratch, ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}}}]
"""
    pets.plane.apply(body, pets.namespace)
    pets("status", "tmp", "-w", "--until", "ready", "--timeout", "60s")
    shown = pets("scale", "tmp", "--replicas", "1", "--plan").stdout
    assert "claim tmp-1-scratch (1Mi) of its ephemeral volume goes along" in shown and "at stake" not in shown
