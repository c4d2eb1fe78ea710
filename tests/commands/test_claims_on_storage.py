"""Claims on volumes of real storage controllers (csi-provisioner, csi-snapshotter, snapshot-controller, over a CSI driver whose volumes
are directories): whose data stays, when it is gone, and what a driver says instead. The data itself is looked at."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubectl_pets.domain.orphans.retention import NOBODY, PROVISIONED_BY, PROVISIONER_ANNOTATION
from tests.commands.gate import gate
from tests.commands.plugin import Plugin, manifest
from tests.controlplane import Storage
from tests.controlplane.storage import DRIVER

pytestmark = pytest.mark.real

TEXT = "what nobody may lose"


class Left:
    """Claim ``data-db-0`` of a set that is gone, with a file on its volume."""

    def __init__(self, pets: Plugin, storage: Storage, records: Path, **traits: Any) -> None:
        self.pets, self.storage, self.records = pets, storage, records
        self.storage_class = storage.storage_class(**traits)
        made = yaml.safe_load(manifest("db", replicas=1, claims=True))
        made["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"] = self.storage_class
        pets.plane.kubectl("create", "-f", "-", "-n", pets.namespace, input=json.dumps(made))
        pets("status", "db", "-w", "--until", "ready", "--timeout", "90s", "--patience", "1m")
        self.volume = str(pets.get("pvc", "data-db-0")["spec"]["volumeName"])
        self.file.write_text(TEXT, encoding="utf-8")
        pets.kubectl("delete", "statefulset", "db", "--timeout=60s")
        pets.eventually(lambda: not pets.get("pods", "-l", "app=db")["items"], "the pod is gone")

    @property
    def file(self) -> Path:
        return self.storage.data(self.volume) / "file"

    def delete(self, *words: str, expect: int = 0) -> Any:
        return self.pets("orphans", "delete", "data-db-0", "--fresh", "-y", "--record", str(self.records), *words, expect=expect)

    def purge(self, *words: str, expect: int = 0) -> Any:
        return self.pets("orphans", "purge", "data-db-0", "-y", *words, expect=expect)

    def live(self) -> Any:
        return json.loads(self.pets.plane.kubectl("get", "pv", self.volume, "-o", "json").stdout)

    def phase(self) -> str:
        return self.pets.plane.kubectl("get", "pv", self.volume, "--ignore-not-found", "-o", "jsonpath={.status.phase}").stdout

    def claims(self) -> list[str]:
        return [each["metadata"]["name"] for each in self.pets.get("pvc")["items"]]

    def untouched(self) -> bool:
        """The claim is bound and stays, its volume still goes with it, and its data is there."""
        policy = ("get", "pv", self.volume, "-o", "jsonpath={.spec.persistentVolumeReclaimPolicy}")
        live = self.pets.get("pvc", "data-db-0")
        whole = live["status"]["phase"] == "Bound" and "deletionTimestamp" not in live["metadata"]
        return whole and self.pets.plane.kubectl(*policy).stdout == "Delete" and self.file.read_text(encoding="utf-8") == TEXT

    def snapshot(self, name: str, snapshot_class: str) -> None:
        self.pets.plane.kubectl("create", "-n", self.pets.namespace, "-f", "-", input=json.dumps({
            "apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", "metadata": {"name": name},
            "spec": {"volumeSnapshotClassName": snapshot_class, "source": {"persistentVolumeClaimName": "data-db-0"}},
        }))

    def claim(self, name: str, source: dict[str, str]) -> None:
        self.pets.plane.kubectl("create", "-n", self.pets.namespace, "-f", "-", input=json.dumps({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name},
            "spec": {
                "accessModes": ["ReadWriteOnce"], "storageClassName": self.storage_class, "dataSource": source,
                "resources": {"requests": {"storage": "1Gi"}},
            },
        }))


def test_the_data_stays_and_comes_back(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    left = Left(pets, storage, tmp_path)
    left.delete()
    pets.eventually(lambda: left.phase() == "Released", "the volume is released")
    assert left.claims() == [] and left.file.read_text(encoding="utf-8") == TEXT
    (record,) = tmp_path.glob("*.json")
    assert f"restored {pets.namespace}/data-db-0 onto {left.volume}" in pets("orphans", "restore", str(record)).stdout
    assert left.phase() == "Bound" and pets.get("pvc", "data-db-0")["spec"]["volumeName"] == left.volume and left.untouched()


@pytest.mark.parametrize("destroys", [(), ("--destroy-data",)])
@pytest.mark.parametrize("judged", [False, True])
def test_a_snapshot_that_somebody_prunes_before_its_claim_goes(
    pets: Plugin, storage: Storage, tmp_path: Path, judged: bool, destroys: tuple[str, ...]
) -> None:
    """It was ready and kept, and the claim was deleted, and with it the data, although it was gone by then. ``judged``: while the
    claim is judged again after that."""
    left = Left(pets, storage, tmp_path)
    words = ("delete", "data-db-0", "--fresh", "-y", "--record", str(tmp_path), "--snapshot", storage.snapshot_class(deletion="Retain"))
    with gate(pets.plane, tmp_path) as (found, kubeconfig):
        found.stop("GET", "/volumesnapshotcontents/", answered=True)
        command = pets.command("orphans", *words, *destroys, kubeconfig=kubeconfig)
        run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        found.reached()
        if judged:
            found.let_through()
            found.stop("GET", "/jobs", answered=False)
            found.reached()
        pets.kubectl("delete", "volumesnapshot", "--all", "--timeout=60s")
        found.let_through()
        _, stderr = run.communicate(timeout=120)
    assert run.returncode == 6 and "refused" in stderr and left.untouched(), stderr


def set_to_delete(left: Left) -> None:
    """By somebody's controller, long after the claim is gone, and csi-provisioner has seen it: another volume that became Released
    after that is destroyed."""
    left.pets.plane.kubectl("patch", "pv", left.volume, "--type=merge", "-p", '{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}')
    left.pets.plane.kubectl("create", "-n", left.pets.namespace, "-f", "-", input=json.dumps({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "later"},
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": left.storage_class, "resources": {"requests": {"storage": "1Mi"}}},
    }))
    left.pets.kubectl("wait", "pvc/later", "--for=jsonpath={.status.phase}=Bound", "--timeout=60s")
    other = str(left.pets.get("pvc", "later")["spec"]["volumeName"])
    left.pets.kubectl("delete", "pvc", "later", "--timeout=60s")
    left.pets.plane.kubectl("wait", "--for=delete", f"pv/{other}", "--timeout=60s")


def test_a_policy_that_is_set_to_delete_when_the_claim_is_long_gone(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    """However late: what was called retained is there, comes back as it was, and goes when it is told to."""
    left = Left(pets, storage, tmp_path)
    before = left.live()
    left.delete()
    pets.eventually(lambda: left.phase() == "Released", "the volume is released")
    assert not left.live()["metadata"].get("finalizers", [])[1:], "only its own protection: it may be deleted by hand"
    set_to_delete(left)
    assert left.phase() == "Released" and left.file.read_text(encoding="utf-8") == TEXT
    (record,) = tmp_path.glob("*.json")
    assert f"restored {pets.namespace}/data-db-0 onto {left.volume}" in pets("orphans", "restore", str(record)).stdout
    assert left.untouched() and left.live()["metadata"]["annotations"] == before["metadata"]["annotations"]
    left.delete()
    pets.eventually(lambda: left.phase() == "Released", "the volume is released")
    set_to_delete(left)
    left.purge("--timeout", "90s")
    assert left.phase() == "" and not left.file.exists()


def test_a_volume_that_a_killed_run_withheld_is_destroyed_when_that_is_asked_for(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    """It stands at Delete again, and its provisioner would leave it alone."""
    left = Left(pets, storage, tmp_path)
    notes = json.dumps({"metadata": {"annotations": {PROVISIONED_BY: NOBODY, PROVISIONER_ANNOTATION: DRIVER}}})
    pets.plane.kubectl("patch", "pv", left.volume, "--type=merge", "-p", notes)
    left.delete("--destroy-data", "--timeout", "90s")
    assert left.phase() == "" and not left.file.exists()


def test_an_adopted_volume_has_its_provisioner_again(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    left = Left(pets, storage, tmp_path)
    left.delete()
    pets.eventually(lambda: left.phase() == "Released", "the volume is released")
    assert left.live()["metadata"]["annotations"][PROVISIONED_BY] == NOBODY
    made = yaml.safe_load(manifest("other", replicas=0, claims=True))
    made["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"] = left.storage_class
    pets.plane.kubectl("create", "-f", "-", "-n", pets.namespace, input=json.dumps(made))
    pets("orphans", "adopt", left.volume, "--as", "other", "-y")
    assert left.phase() == "Bound" and left.live()["metadata"]["annotations"][PROVISIONED_BY] == DRIVER
    assert left.file.read_text(encoding="utf-8") == TEXT


def test_destroyed_is_said_once_the_driver_has_destroyed_it(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    left = Left(pets, storage, tmp_path, delete_takes="3s")
    done = left.delete("--destroy-data", "--timeout", "90s")
    assert "destroyed" in done.stdout + done.stderr and not left.file.exists() and left.phase() == ""


def test_a_driver_that_fails_to_destroy(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    left = Left(pets, storage, tmp_path, delete_fails=100000)
    done = left.delete("--destroy-data", "--timeout", "20s", expect=3)
    assert "could not be destroyed so far" in done.stderr and "destroyed" not in done.stdout
    assert f"kubectl describe pv {left.volume}" in done.stderr and left.file.read_text(encoding="utf-8") == TEXT
    pets.plane.kubectl("patch", "pv", left.volume, "-p", '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}')


def test_a_driver_that_keeps_what_snapshots_hang_on(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    """It says so when the volume is to go (FAILED_PRECONDITION); once the snapshot is gone, the same command gets there."""
    left = Left(pets, storage, tmp_path, snapshots_hold=True)
    left.snapshot("before", storage.snapshot_class())
    pets.kubectl("wait", "volumesnapshot/before", "--for=jsonpath={.status.readyToUse}=true", "--timeout=60s")
    left.delete()
    pets.eventually(lambda: left.phase() == "Released", "the volume is released")
    done = left.purge("--timeout", "20s", expect=3)
    assert "could not be destroyed so far" in done.stderr and "has a snapshot" in done.stderr
    assert left.file.read_text(encoding="utf-8") == TEXT
    pets.kubectl("delete", "volumesnapshot", "before", "--timeout=60s")
    left.purge("--timeout", "90s")
    assert left.phase() == "" and not left.file.exists()


def test_nothing_is_destroyed_while_a_snapshot_of_it_is_being_taken(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    left = Left(pets, storage, tmp_path)
    left.snapshot("slow", storage.snapshot_class(snapshot_takes="10m"))
    pets.kubectl("wait", "volumesnapshot/slow", "--for=jsonpath={.status.readyToUse}=false", "--timeout=60s")
    refused = left.delete("--destroy-data", expect=6)
    assert "slow" in refused.stderr and left.untouched()


def test_nothing_is_destroyed_while_it_is_copied(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    """The copy is being made for as long as its claim is Pending."""
    left = Left(pets, storage, tmp_path, create_takes="3s")
    left.claim("copy", {"kind": "PersistentVolumeClaim", "name": "data-db-0"})
    refused = left.delete("--destroy-data", expect=6)
    assert "copy" in refused.stderr and left.untouched()
    pets.kubectl("wait", "pvc/copy", "--for=jsonpath={.status.phase}=Bound", "--timeout=60s")
    copied = storage.data(str(pets.get("pvc", "copy")["spec"]["volumeName"])) / "file"
    left.delete("--destroy-data", "--timeout", "90s")
    assert not left.file.exists() and copied.read_text(encoding="utf-8") == TEXT


def test_nothing_is_destroyed_that_is_another_volume_s_storage_too(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    """Two PersistentVolumes with one handle, as after a restore by hand: the driver would destroy what the other claim holds."""
    left = Left(pets, storage, tmp_path)
    spec = json.loads(pets.plane.kubectl("get", "pv", left.volume, "-o", "json").stdout)["spec"]
    twin = {
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"twin-{pets.namespace}"},
        "spec": {
            "capacity": spec["capacity"], "accessModes": spec["accessModes"], "persistentVolumeReclaimPolicy": "Retain",
            "csi": {"driver": DRIVER, "volumeHandle": spec["csi"]["volumeHandle"]},
        },
    }
    pets.plane.kubectl("create", "-f", "-", input=json.dumps(twin))
    try:
        refused = left.delete("--destroy-data", expect=6)
        assert twin["metadata"]["name"] in refused.stderr and left.untouched()  # type: ignore[index]
        left.delete()
        pets.eventually(lambda: left.phase() == "Released", "the volume is released")
        assert f"twin-{pets.namespace}" in left.purge(expect=6).stderr and left.file.read_text(encoding="utf-8") == TEXT
    finally:
        pets.plane.kubectl("delete", "pv", f"twin-{pets.namespace}")
    left.purge("--timeout", "90s")
    assert not left.file.exists()


def test_a_snapshot_is_ready_before_the_claim_goes(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    """The real controllers take it in their time; what it holds is what a claim that is made of it begins with."""
    left = Left(pets, storage, tmp_path)
    taken = left.delete("--destroy-data", "--snapshot", storage.snapshot_class(deletion="Retain", snapshot_takes="3s"), "--timeout", "90s")
    assert "waiting for VolumeSnapshot" in taken.stderr and not left.file.exists() and left.claims() == []
    (snapshot,) = pets.get("volumesnapshots")["items"]
    assert snapshot["status"]["readyToUse"] is True
    source = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": snapshot["metadata"]["name"]}
    left.claim("again", source)
    pets.kubectl("wait", "pvc/again", "--for=jsonpath={.status.phase}=Bound", "--timeout=60s")
    back = storage.data(str(pets.get("pvc", "again")["spec"]["volumeName"])) / "file"
    assert back.read_text(encoding="utf-8") == TEXT


def test_no_claim_goes_whose_snapshot_does_not_come(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    left = Left(pets, storage, tmp_path)
    failing = storage.snapshot_class(deletion="Retain", snapshot_fails=100000)
    assert left.delete("--destroy-data", "--snapshot", failing, "--timeout", "30s", expect=1).stdout == ""
    assert left.untouched()


@pytest.mark.parametrize("takes", ["0s", "10m"])
def test_scaling_down_destroys_and_says_so_once_it_is_gone(pets: Plugin, storage: Storage, takes: str) -> None:
    made = yaml.safe_load(manifest("db", replicas=2, claims=True, extra="persistentVolumeClaimRetentionPolicy: {whenScaled: Delete}"))
    made["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"] = storage.storage_class(delete_takes=takes)
    pets.plane.kubectl("create", "-f", "-", "-n", pets.namespace, input=json.dumps(made))
    pets("status", "db", "-w", "--until", "ready", "--timeout", "90s")
    volume = str(pets.get("pvc", "data-db-1")["spec"]["volumeName"])
    assert f"{volume} is DESTROYED" in pets("scale", "db", "--replicas", "1", "--plan").stdout and storage.data(volume).exists()
    told = pets("scale", "db", "--replicas", "1", "-y", "--timeout", "90s").stderr
    if takes == "0s":
        assert not storage.data(volume).exists() and "not gone yet" not in told
    else:
        assert storage.data(volume).exists() and "not gone yet: " in told and volume in told
