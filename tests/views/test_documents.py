"""``-o json|yaml|name``. Others read these, so the shape is compared whole."""

import json

import pytest
import yaml

from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.revisions import Image
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.stepping.planning import plan as plan_of
from kubectl_pets.domain.stepping.steps import Abort, Amount, Canary, Run
from kubectl_pets.views.rollout import documents
from tests.views import builders
from tests.views.builders import NEW, NOW, pod, snapshot

STATUS = {
    "apiVersion": "kubectl-pets/v1alpha1",
    "kind": "RolloutStatus",
    "set": {"apiVersion": "apps/v1", "kind": "StatefulSet"},
    "metadata": {"namespace": "default", "name": "web", "uid": "uid-web", "creationTimestamp": "2026-10-15T12:04:31Z"},
    "spec": {
        "replicas": 1,
        "ordinalsStart": 5,
        "strategy": "RollingUpdate",
        "podManagementPolicy": "Parallel",
        "partition": 0,
        "maxUnavailable": "50%",
        "minReadySeconds": 30,
        "paused": False,
        "reservedOrdinals": [],
        "images": [{"container": "app", "image": "nginx:1.27"}],
    },
    "status": {
        "phase": "stuck",
        "staged": False,
        "partitionLeftOver": False,
        "resumePartition": 2,
        "ready": 0,
        "available": 0,
        "updated": 1,
        "claims": 1,
        "resizing": [],
        "currentRevision": "web-77f9c6d8b",
        "updateRevision": "web-5d8f7b9c4",
        "revisions": [
            {
                "name": "web-5d8f7b9c4",
                "number": 2,
                "current": False,
                "update": True,
                "images": [{"container": "app", "image": "nginx:1.27"}],
                "pods": ["web-5"],
            },
            {
                "name": "web-77f9c6d8b",
                "number": 1,
                "current": True,
                "update": False,
                "images": [{"container": "app", "image": "nginx:1.26"}],
                "pods": ["web-6"],
            },
        ],
        "pods": [
            {
                "name": "web-5",
                "ordinal": 5,
                "position": 0,
                "count": 1,
                "lastName": None,
                "state": "failing",
                "revision": "web-5d8f7b9c4",
                "updated": True,
                "released": True,
                "reason": "ErrImagePull",
                "message": "not found",
                "node": "node-c",
                "restarts": 3,
                "creationTimestamp": "2026-11-21T08:04:31Z",
                "availableAt": None,
                "leavesBy": None,
                "claims": [{"name": "data-web-5", "phase": "Bound", "terminating": False}],
                "parts": [],
            }
        ],
        "surplusPods": [
            {
                "name": "web-6",
                "ordinal": 6,
                "position": 1,
                "count": 1,
                "lastName": None,
                "state": "terminating",
                "revision": "web-77f9c6d8b",
                "updated": False,
                "released": True,
                "reason": "",
                "message": "",
                "node": "node-a",
                "restarts": 0,
                "creationTimestamp": "2026-11-21T08:04:31Z",
                "availableAt": "2026-11-22T12:05:01Z",
                "leavesBy": "2026-11-24T12:04:31Z",
                "claims": [{"name": "data-web-6", "phase": "", "terminating": False}],
                "parts": [],
            }
        ],
        "waitsFor": [
            {"awaited": "start", "pod": "web-5", "count": 1, "lastPod": None},
            {"awaited": "scale-down", "pod": "web-6", "count": 1, "lastPod": None},
        ],
        "blockers": [
            {
                "id": "image:not-found",
                "cause": "container",
                "pod": "web-5",
                "reason": "ErrImagePull",
                "message": "not found",
                "updated": True,
                "container": "app",
                "exitCode": None,
                "signal": None,
                "end": None,
                "restarts": 0,
                "since": "2026-11-21T08:04:31Z",
            }
        ],
        "failing": [],
        "silentNodes": [],
        "notRead": [],
        "youngestUpSeconds": None,
        "findings": [
            {
                "rule": "PETS203",
                "name": "rollout-stuck",
                "severity": "error",
                "subject": {"kind": "Pod", "namespace": "default", "name": "web-5"},
                "names": ["container"],
                "number": None,
                "limit": None,
                "detail": "ErrImagePull",
                "since": "2026-11-21T08:04:31Z",
                "until": None,
                "source": "kubernetes/kubectl#738",
            }
        ],
        "recheckAt": "2026-11-24T12:05:01Z",
    },
}


def _status() -> Assessment:
    pods = [pod(5, NEW, ready=False, waiting=("ErrImagePull", "not found"), restarts=3), pod(6, leaving=NOW)]
    return assess(
        snapshot(
            pods,
            replicas=1,
            start=5,
            policy="Parallel",
            min_ready=30,
            max_unavailable="50%",
            resume=2,
            claims=builders.claims(5),
        ),
        NOW,
    )


def test_status_as_json() -> None:
    text = documents.one(_status(), "json")
    assert json.loads(text) == STATUS
    assert text.startswith('{\n  "apiVersion": "kubectl-pets/v1alpha1",\n  "kind": "RolloutStatus",\n  "metadata": {\n')


def test_status_as_yaml_says_the_same_in_the_same_order() -> None:
    text = documents.one(_status(), "yaml")
    assert yaml.safe_load(text) == json.loads(documents.one(_status(), "json"))
    assert text.startswith("apiVersion: kubectl-pets/v1alpha1\nkind: RolloutStatus\nmetadata:\n  namespace: default\n  name: web\n")


def test_what_could_not_be_read_is_null() -> None:
    status = json.loads(documents.one(builders.unreadable(), "json"))["status"]
    assert [status[key] for key in ("ready", "available", "updated", "claims", "pods", "surplusPods")] == [None] * 6
    assert [revision["pods"] for revision in status["revisions"]] == [None, None]
    assert status["blockers"][0]["cause"] == "pods-unreadable"


def test_a_list() -> None:
    seen = [
        assess(snapshot([], replicas=0, current=NEW, name=name, namespace=namespace), NOW)
        for name, namespace in (("web", "prod"), ("db", "prod"), ("web", "dev"))
    ]
    document = json.loads(documents.many(seen, "json"))
    assert (document["apiVersion"], document["kind"]) == ("kubectl-pets/v1alpha1", "RolloutStatusList")
    assert [(item["kind"], item["metadata"]["namespace"], item["metadata"]["name"]) for item in document["items"]] == [
        ("RolloutStatus", "dev", "web"),
        ("RolloutStatus", "prod", "db"),
        ("RolloutStatus", "prod", "web"),
    ]
    assert documents.many(seen, "name") == "statefulset.apps/web\nstatefulset.apps/db\nstatefulset.apps/web"
    assert documents.many(seen, "name", namespaces=True) == "dev/statefulset.apps/web\nprod/statefulset.apps/db\nprod/statefulset.apps/web"


def test_an_empty_list() -> None:
    assert json.loads(documents.many([], "json"))["items"] == []
    assert yaml.safe_load(documents.many([], "yaml"))["items"] == []
    assert documents.many([], "name") == ""


def test_name() -> None:
    assert documents.one(builders.paused(), "name") == "statefulset.apps/web"


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_a_plan(output: str) -> None:
    goal = Canary(images=(Image(container="app", image="nginx:1.28"),), pods=Amount(25, percent=True))
    text = documents.plan(plan_of(goal, builders.complete(), NOW), goal, builders.complete(), output)
    assert yaml.safe_load(text) == {
        "apiVersion": "kubectl-pets/v1alpha1",
        "kind": "RolloutPlan",
        "metadata": {"namespace": "default", "name": "web", "uid": "uid-web", "creationTimestamp": "2026-10-15T12:04:31Z"},
        "goal": {
            "type": "canary",
            "pods": {"number": 25, "percent": True},
            "images": [{"container": "app", "image": "nginx:1.28"}],
            "settle": "P0D",
        },
        "entries": [
            {"type": "stage", "images": [{"container": "app", "image": "nginx:1.28"}], "partition": 3},
            {"type": "set-partition", "partition": 2, "before": 3, "releases": ["web-2"], "remember": False},
        ],
        "ending": {"type": "done", "reason": "canary-reached"},
    }


def test_a_plan_that_deletes() -> None:
    text = documents.plan(plan_of(Abort(), builders.paused(), NOW), Abort(), builders.paused(), "json")
    assert json.loads(text)["entries"][-1] == {
        "type": "delete",
        "pod": "web-2",
        "revision": "web-5d8f7b9c4",
        "comesBackAt": "web-77f9c6d8b",
    }


def test_a_plan_that_is_refused() -> None:
    goal = Run(images=(Image(container="app", image="nginx:1.28"),))
    document = json.loads(documents.plan(plan_of(goal, builders.paused(), NOW), goal, builders.paused(), "json"))
    assert document["goal"]["soak"] == "P0D"
    assert document["entries"] == []
    assert (document["ending"]["type"], document["ending"]["reason"]) == ("refused", "other-rollout")


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_hostile_text_is_escaped_and_stays_what_it_was(output: str) -> None:
    told = "\x1b[31m red \x9b31m \u202e bidi \U000e0041 tag \x7f del \u2028 größe 数据 ' \" \\"
    seen = assess(snapshot([pod(0, ready=False, waiting=("ErrImagePull", told))], replicas=1), NOW)
    text = documents.one(seen, output)
    document = json.loads(text) if output == "json" else yaml.safe_load(text)
    assert document["status"]["pods"][0]["message"] == told
    assert all(character.isprintable() for character in text.replace("\n", ""))
