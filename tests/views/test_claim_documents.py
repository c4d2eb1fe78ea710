"""Claims and plans for programs: the shape that others build on."""

import json

import yaml

from kubectl_pets.domain.orphans.deletion import DeletionOptions, plan
from kubectl_pets.views.orphans import documents as claim_documents
from tests.domain.orphans.builders import NOW
from tests.views import claim_scenes as scenes
from tests.views.claim_scenes import left_behind


def found(kind: str, subject: str | None = None, *, speaks_for: bool = True, **numbers: int) -> dict[str, object]:
    """One piece of evidence, every field of it."""
    fields: dict[str, object] = dict.fromkeys(("detail", "start", "replicas", "count", "ordinals"))
    return {"kind": kind, "subject": subject} | fields | numbers | {"for": speaks_for}


UNSURE = {
    "metadata": {
        "namespace": "prod",
        "name": "data-web-9",
        "uid": "uid-prod-data-web-9",
        "creationTimestamp": "2025-12-01T12:00:00Z",
    },
    "class": "unsure",
    "wouldBe": "scaled-down",
    "fresh": False,
    "set": "web",
    "template": "data",
    "ordinal": 9,
    "sizeBytes": 10 * 2**30,
    "volume": "pv-9",
    "reclaimPolicy": "Delete",
    "fate": "destroyed",
    "unusedSince": None,
    "evidence": [
        found("not-mounted"),
        found("beyond-range", "StatefulSet/web", start=0, replicas=2),
        found("volume-agrees", "pv-9"),
        found("created-by-set-controller", "kube-controller-manager"),
        found("labels-match", "StatefulSet/web"),
        found("not-read", "jobs", speaks_for=False),
        found("not-read", "cronjobs", speaks_for=False),
    ],
    "findings": [],
}


def test_a_list_as_json() -> None:
    text = claim_documents.many([scenes.scaled_down(), scenes.unsure()], "json")
    assert text.startswith('{\n  "apiVersion": "kubectl-pets/v1alpha1",\n  "kind": "OrphanList",\n  "items": [\n')
    first, second = json.loads(text)["items"]
    assert first == UNSURE
    assert list(second) == list(UNSURE)
    assert (second["metadata"]["name"], second["wouldBe"], second["unusedSince"]) == ("data-web-10", None, "2026-02-17T12:00:00Z")


def test_what_nothing_tells_is_null() -> None:
    (item,) = json.loads(claim_documents.many([scenes.no_data()], "json"))["items"]
    assert (item["sizeBytes"], item["volume"], item["reclaimPolicy"], item["fate"]) == (None, None, None, "no-data")
    (item,) = json.loads(claim_documents.many([scenes.set_gone()], "json"))["items"]
    assert (item["set"], item["template"]) == (None, None)


def test_yaml_says_the_same_in_the_same_order() -> None:
    seen = [scenes.unsure(), scenes.lost()]
    text = claim_documents.many(seen, "yaml")
    assert yaml.safe_load(text) == json.loads(claim_documents.many(seen, "json"))
    assert text.startswith("apiVersion: kubectl-pets/v1alpha1\nkind: OrphanList\nitems:\n- metadata:\n    namespace: prod\n")


def test_names() -> None:
    assert claim_documents.many(left_behind(10, 9), "name") == "persistentvolumeclaim/data-web-9\npersistentvolumeclaim/data-web-10"
    planned = plan([*left_behind(5, 4), scenes.unsure()], DeletionOptions(), NOW)
    assert claim_documents.plan(planned, "name") == "persistentvolumeclaim/data-web-5\npersistentvolumeclaim/data-web-4"
    assert claim_documents.many([], "name") == ""


def test_a_plan() -> None:
    planned = plan([*left_behind(4, uid="old"), scenes.unsure()], scenes.SNAPSHOT, NOW)
    told = json.loads(claim_documents.plan(planned, "json"))
    (deletion,) = told["deletions"]
    noted = deletion["steps"][1]["annotations"].pop("kubectl-pets/claim")
    assert json.loads(noted)["metadata"]["name"] == "data-web-4"
    assert deletion["claim"]["metadata"]["name"] == "data-web-4"
    assert deletion["steps"] == [
        {"type": "snapshot", "namespace": "prod", "claim": "data-web-4", "uid": "old", "name": "data-web-4-old", "snapshotClass": "nightly"},
        {
            "type": "set-retain",
            "volume": "pv-4",
            "uid": "uid-pv-4",
            "resourceVersion": "3",
            "before": "Delete",
            "annotations": {"kubectl-pets/reclaim-policy": "Delete", "kubectl-pets/retained-at": "2026-03-01T12:00:00+00:00"},
        },
        {"type": "delete-claim", "namespace": "prod", "name": "data-web-4", "uid": "old", "resourceVersion": "7"},
    ]
    assert (deletion["claim"]["fate"], deletion["fate"]) == ("destroyed", "retained")
    assert told["refused"] == [{"claim": UNSURE, "reason": "not-a-candidate", "detail": None}]
    assert told["totals"] == {"claims": 1, "bytes": 10 * 2**30, "destroyed": 0, "destroyedBytes": 0, "unsized": 0}
    assert list(told) == ["apiVersion", "kind", "deletions", "refused", "totals"]
    assert (told["apiVersion"], told["kind"]) == ("kubectl-pets/v1alpha1", "OrphanDeletionPlan")
    assert yaml.safe_load(claim_documents.plan(planned, "yaml")) == json.loads(claim_documents.plan(planned, "json"))
