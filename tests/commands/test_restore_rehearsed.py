"""A dry run of ``orphans restore`` says what would keep the claim from being made, and changes nothing."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.plugin import Plugin
from tests.commands.test_orphans import become, make, shrink, volume_of

pytestmark = pytest.mark.real

QUOTA = """
apiVersion: v1
kind: ResourceQuota
metadata: {name: claims}
spec: {hard: {persistentvolumeclaims: "1"}}
"""


@pytest.fixture
def away(pets: Plugin, tmp_path: Path) -> Iterator[tuple[Plugin, str, str]]:
    """A namespace of its own in which a claim was deleted, its record, and its volume."""
    other = Plugin(pets.plane, f"{pets.namespace}-x")
    pets.plane.create_namespace(other.namespace)
    make(other, replicas=2)
    shrink(other, 1)
    become(other, data_web_0="in-use", data_web_1="scaled-down")
    volume = volume_of(other, "data-web-1")["metadata"]["name"]
    other("orphans", "delete", "data-web-1", "-y", "--record", str(tmp_path))
    become(other, data_web_0="in-use")
    (record,) = tmp_path.glob("*.json")
    yield other, str(record), volume
    pets.plane.kubectl("delete", "namespace", other.namespace, "--wait=false", "--ignore-not-found")
    pets.plane.kubectl("delete", "pv", volume, "--wait=false", "--ignore-not-found")


def policy(pets: Plugin, volume: str) -> str:
    found = json.loads(pets.plane.kubectl("get", "pv", volume, "-o", "json").stdout)
    return f"{found['spec']['persistentVolumeReclaimPolicy']} {found['status']['phase']}"


def test_a_quota_that_is_full(away: tuple[Plugin, str, str]) -> None:
    pets, record, volume = away
    pets.plane.apply(QUOTA, pets.namespace)
    pets.eventually(lambda: pets.get("resourcequota", "claims")["status"].get("used") == {"persistentvolumeclaims": "1"}, "it counts")
    for source in (record, volume):
        for way in ("--dry-run", "--dry-run=server"):
            rehearsed = pets("orphans", "restore", source, way, expect=1)
            assert "exceeded quota: claims" in rehearsed.stderr and f"make claim {pets.namespace}/data-web-1" in rehearsed.stderr
    assert "exceeded quota" in pets("orphans", "restore", record, expect=1).stderr
    assert policy(pets, volume) == "Retain Released"
    pets.kubectl("delete", "resourcequota", "claims")
    # the admission plugin goes on counting for a moment
    pets.eventually(lambda: pets("orphans", "restore", record, "--dry-run", expect=None).code == 0, "the quota is gone")
    assert {item["metadata"]["name"] for item in pets.get("pvc")["items"]} == {"data-web-0"}
    assert "restored" in pets("orphans", "restore", record).stdout and policy(pets, volume) == "Delete Bound"


def test_a_namespace_that_is_gone(away: tuple[Plugin, str, str]) -> None:
    pets, record, volume = away
    pets.plane.kubectl("delete", "namespace", pets.namespace, "--wait=true", "--timeout=60s")
    for source in (record, volume):
        rehearsed = pets("orphans", "restore", source, "--dry-run", expect=1)
        assert f'namespaces "{pets.namespace}" not found' in rehearsed.stderr
        assert f"kubectl create namespace {pets.namespace}" in rehearsed.stderr
    pets("orphans", "restore", record, expect=1)
    assert policy(pets, volume) == "Retain Released"
    pets.plane.create_namespace(pets.namespace)
    pets("orphans", "restore", record, "--dry-run")
    assert "restored" in pets("orphans", "restore", record).stdout and policy(pets, volume) == "Delete Bound"
