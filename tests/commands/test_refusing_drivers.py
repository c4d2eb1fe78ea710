"""Drivers that do not destroy a volume which they are told to: nothing is called destroyed, and their words are told.

The host-path plugin of the controller manager deletes folders below /tmp only, so it really refuses another one; of a CSI driver,
which leaves the volume Released, the test writes the event that external-provisioner writes.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.commands.plugin import Plugin

pytestmark = pytest.mark.real

REFUSED = "rpc error: code = FailedPrecondition desc = volume has snapshots"


def left(pets: Plugin, source: dict[str, Any]) -> str:
    """Claim ``data-db-0``, as a StatefulSet's controller makes it, of a set that is gone, bound to a volume of that source."""
    volume = f"refused-{pets.namespace}"
    spec = {
        "capacity": {"storage": "1Mi"},
        "accessModes": ["ReadWriteOnce"],
        "persistentVolumeReclaimPolicy": "Delete",
        "storageClassName": "manual",
        "claimRef": {"namespace": pets.namespace, "name": "data-db-0"},
        **source,
    }
    claim = {"accessModes": ["ReadWriteOnce"], "storageClassName": "manual", "resources": {"requests": {"storage": "1Mi"}}}
    for kind, name, content in (("PersistentVolume", volume, spec), ("PersistentVolumeClaim", "data-db-0", claim)):
        document = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "labels": {"app": "db"}}, "spec": content}
        words = ("create", "-f", "-", "--field-manager=kube-controller-manager")
        pets.plane.kubectl(*words, *(("-n", pets.namespace) if kind.endswith("Claim") else ()), input=json.dumps(document))
    pets.kubectl("wait", "--for=jsonpath={.status.phase}=Bound", "pvc/data-db-0", "--timeout=60s")
    return volume


def refuse(pets: Plugin, volume: str) -> None:
    """As sig-storage-lib-external-provisioner does (deleteVolumeOperation)."""
    found = json.loads(pets.plane.kubectl("get", "pv", volume, "-o", "json").stdout)
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{volume}.1", "namespace": "default"},
        "involvedObject": {"apiVersion": "v1", "kind": "PersistentVolume", "name": volume, "uid": found["metadata"]["uid"]},
        "type": "Warning",
        "reason": "VolumeFailedDelete",
        "message": REFUSED,
        "lastTimestamp": "2026-03-01T12:00:00Z",
        "source": {"component": "csi.example.org_provisioner"},
    }
    pets.plane.kubectl("create", "-f", "-", input=json.dumps(event))


def remove(pets: Plugin, volume: str) -> None:
    pets.plane.kubectl("delete", "event", f"{volume}.1", "-n", "default", "--ignore-not-found")
    pets.plane.kubectl("delete", "pv", volume)


@pytest.mark.parametrize("driver", ["csi", "in-tree"])
def test_a_driver_that_refuses_when_a_claim_is_deleted_with_its_data(pets: Plugin, tmp_path: Path, driver: str) -> None:
    csi = {"csi": {"driver": "csi.example.org", "volumeHandle": pets.namespace}}
    volume = left(pets, csi if driver == "csi" else {"hostPath": {"path": f"/srv/{pets.namespace}"}})
    try:
        if driver == "csi":
            refuse(pets, volume)
        words = ("orphans", "delete", "data-db-0", "--fresh", "--destroy-data", "-y", "--record", str(tmp_path))
        done = pets(*words, expect=3)
        said = REFUSED if driver == "csi" else "only supports /tmp/.+"
        assert "could not be destroyed so far" in done.stderr and said in done.stderr
        assert "destroyed" not in done.stdout and f"kubectl describe pv {volume}" in done.stderr
    finally:
        remove(pets, volume)


@pytest.mark.parametrize("driver", ["csi", "in-tree"])
def test_a_driver_that_refuses_when_volumes_are_purged(pets: Plugin, tmp_path: Path, driver: str) -> None:
    csi = {"csi": {"driver": "csi.example.org", "volumeHandle": pets.namespace}}
    volume = left(pets, csi if driver == "csi" else {"hostPath": {"path": f"/srv/{pets.namespace}"}})
    try:
        pets("orphans", "delete", "data-db-0", "--fresh", "-y", "--record", str(tmp_path))
        phase = ("get", "pv", volume, "-o", "jsonpath={.status.phase}")
        pets.eventually(lambda: pets.plane.kubectl(*phase).stdout == "Released", "released")
        purge = ("orphans", "purge", "data-db-0", "-y", "--timeout", "2s")
        if driver == "csi":  # slow is not refused
            assert "is being destroyed, and not gone yet" in pets(*purge, expect=5).stderr
            pets.plane.kubectl("patch", "pv", volume, "-p", '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}')
            refuse(pets, volume)
        done = pets(*purge, expect=3)
        assert "could not be destroyed so far" in done.stderr and (REFUSED if driver == "csi" else "only supports /tmp/.+") in done.stderr
        assert "destroyed" not in done.stdout
        assert pets.plane.kubectl(*phase).stdout == ("Released" if driver == "csi" else "Failed")
        back = pets("orphans", "restore", *map(str, tmp_path.glob("*.json")))  # before it can
        assert "restored" in back.stdout + back.stderr and f"the destruction of volume {volume} had been asked for" in back.stderr
        assert field(pets, volume, "status.phase") == "Bound" and pets.get("pvc", "data-db-0")["status"]["phase"] == "Bound"
        pets.kubectl("delete", "pvc", "data-db-0")
    finally:
        remove(pets, volume)


def test_a_volume_that_somebody_rescues_is_not_called_one_that_is_being_destroyed(pets: Plugin, tmp_path: Path) -> None:
    volume = left(pets, {"csi": {"driver": "csi.example.org", "volumeHandle": pets.namespace}})
    try:
        pets("orphans", "delete", "data-db-0", "--fresh", "-y", "--record", str(tmp_path))
        pets.eventually(lambda: field(pets, volume, "status.phase") == "Released", "released")
        policy = "spec.persistentVolumeReclaimPolicy"
        process = pets.start("orphans", "purge", "data-db-0", "-y", "--timeout", "0", "-o", "json")
        pets.eventually(lambda: field(pets, volume, policy) == "Delete", "its destruction is asked for")
        pets.plane.kubectl("patch", "pv", volume, "-p", '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}')
        stdout, stderr = process.communicate(timeout=120)
        assert process.returncode == 1, stderr
        assert "it is not being destroyed any more" in stderr and "and not gone yet" not in stderr
        (outcome,) = json.loads(stdout)["outcomes"]
        assert (outcome["outcome"], outcome["reason"]) == ("refused", "rescued")
    finally:
        remove(pets, volume)


def field(pets: Plugin, volume: str, path: str) -> str:
    return pets.plane.kubectl("get", "pv", volume, "-o", f"jsonpath={{.{path}}}").stdout
