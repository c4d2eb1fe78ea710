"""A tenant's objects that the real API server takes and no decoder likes: they cost themselves, and nobody else's verbs."""

import json
from typing import Any

import pytest

from tests.commands.plugin import Plugin
from tests.commands.test_orphans import become, make, shrink

pytestmark = pytest.mark.real

#: The API server takes dates of the year 0 where nobody validates them, and RFC 3339 allows them; Python has no such year.
YEAR_0 = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: year0}
spec:
  replicas: 0
  serviceName: year0
  selector: {matchLabels: {app: year0}}
  template:
    metadata: {labels: {app: year0}, creationTimestamp: "0000-01-01T00:00:00Z"}
    spec: {containers: [{name: c, image: "nginx:1"}]}
"""


def deep(kind: str, spec: Any, labels: dict[str, str], levels: int = 1500) -> str:
    """With managedFields written by hand that a decoder which recurses does not survive."""
    fields = '{"f:a":' * levels + "{}" + "}" * levels
    entry = '{"manager": "x", "operation": "Update", "apiVersion": "v1", "time": "2026-01-01T00:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": %s}' % fields
    meta = json.dumps({"name": "deep", "labels": labels})[:-1] + f', "managedFields": [{entry}]}}'
    return f'{{"apiVersion": "v1", "kind": "{kind}", "metadata": {meta}, "spec": {json.dumps(spec)}}}'


def create(pets: Plugin, text: str) -> None:
    pets.plane.kubectl("create", "--validate=false", "-f", "-", "-n", pets.namespace, input=text)


def test_a_set_that_cannot_be_read_is_named_and_the_others_are_judged(pets: Plugin) -> None:
    make(pets)
    create(pets, YEAR_0)
    found = {item["metadata"]["name"]: item["status"]["phase"] for item in json.loads(pets("list", "-o", "json").stdout)["items"]}
    assert found == {"web": "complete", "year0": "unknown"}
    assert "could not be decoded" in pets("list").stdout and "year0" in pets("list").stdout
    refused = pets("rollout", "restart", "year0", expect=6)
    assert "year0" in refused.stderr and "defect" not in refused.stderr
    pets("lost")
    pets("quorum")


def test_claims_near_a_set_that_cannot_be_read_are_unsure(pets: Plugin) -> None:
    make(pets)
    shrink(pets, 1)
    become(pets, data_web_0="in-use", data_web_1="scaled-down", data_web_2="scaled-down")
    create(pets, YEAR_0)
    become(pets, data_web_0="in-use", data_web_1="unsure", data_web_2="unsure")
    assert "statefulsets.apps/year0 could not be decoded" in pets("orphans", "--all").stdout.replace("statefulsets/", "statefulsets.apps/")
    pets("orphans", "delete", "data-web-2", "-y", "--destroy-data", expect=6)
    assert pets.get("pvc", "data-web-2")["metadata"].get("deletionTimestamp") is None


def test_fields_that_are_nested_too_deep_hide_nothing(pets: Plugin) -> None:
    make(pets)
    create(pets, deep("Pod", {"containers": [{"name": "c", "image": "nginx"}]}, {"app": "web"}))
    create(pets, deep("PersistentVolumeClaim", {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}, {"app": "web"}))
    assert json.loads(pets("status", "web", "-o", "json").stdout)["status"]["phase"] == "complete"
    become(pets, data_web_0="in-use", data_web_1="in-use", data_web_2="in-use", deep="ambiguous")
