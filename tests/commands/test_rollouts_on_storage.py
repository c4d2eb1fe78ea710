"""Rollouts with --snapshot on volumes of real storage controllers: what the snapshots hold is looked at."""

import json
from typing import Any

import pytest
import yaml

from tests.commands.plugin import Plugin, manifest
from tests.controlplane import Storage

pytestmark = pytest.mark.real

OLD, NEW = "app:1", "app:2"


class Data:
    """Set ``db`` of two, each volume with a file that says which version wrote it last."""

    def __init__(self, pets: Plugin, storage: Storage, **traits: Any) -> None:
        self.pets, self.storage = pets, storage
        self.storage_class = storage.storage_class(**traits)
        made = yaml.safe_load(manifest("db", replicas=2, claims=True))
        made["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"] = self.storage_class
        pets.plane.kubectl("create", "-f", "-", "-n", pets.namespace, input=json.dumps(made))
        pets("status", "db", "-w", "--until", "ready", "--timeout", "90s", "--patience", "1m")
        self.write("of before")

    def write(self, text: str) -> None:
        for claim in ("data-db-0", "data-db-1"):
            volume = str(self.pets.get("pvc", claim)["spec"]["volumeName"])
            (self.storage.data(volume) / "file").write_text(text, encoding="utf-8")

    def snapshots(self) -> dict[str, Any]:
        return {each["metadata"]["name"]: each for each in self.pets.get("volumesnapshots")["items"]}

    def held_by(self, snapshot: str) -> str:
        """The file in a volume that is made of a snapshot."""
        source = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": snapshot}
        claim = {
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": f"of-{snapshot}"},
            "spec": {
                "accessModes": ["ReadWriteOnce"], "storageClassName": self.storage_class, "dataSource": source,
                "resources": {"requests": {"storage": "1Gi"}},
            },
        }
        self.pets.plane.kubectl("create", "-n", self.pets.namespace, "-f", "-", input=json.dumps(claim))
        self.pets.kubectl("wait", f"pvc/of-{snapshot}", "--for=jsonpath={.status.phase}=Bound", "--timeout=90s")
        volume = str(self.pets.get("pvc", f"of-{snapshot}")["spec"]["volumeName"])
        return (self.storage.data(volume) / "file").read_text(encoding="utf-8")


def test_what_is_kept_is_the_data_of_before(pets: Plugin, storage: Storage) -> None:
    """The driver takes its time, and fails at first; the rollout waits for both."""
    data = Data(pets, storage)
    slow = storage.snapshot_class(deletion="Retain", snapshot_takes="3s", snapshot_fails=1)
    done = pets("rollout", "run", "db", "--image", NEW, f"--snapshot={slow}", "--timeout", "4m", "--patience", "1m")
    assert set(pets.images("db").values()) == {NEW} and "2 VolumeSnapshots of before the rollout" in done.stderr
    data.write("of after")
    assert {data.held_by(name) for name in data.snapshots()} == {"of before"} and len(data.snapshots()) == 2
    told = {each["revision"]: each["metadata"].get("annotations", {}) for each in pets.get("controllerrevisions")["items"]}
    assert set(json.loads(told[1]["kubectl-pets/snapshots"])["names"]) == set(data.snapshots()), "they stand on the revision of before"
    assert "kubectl-pets/snapshots" not in told[2]


@pytest.mark.parametrize("group", [False, True], ids=["of each claim", "of a group"])
def test_a_driver_that_takes_none_holds_the_rollout(pets: Plugin, storage: Storage, group: bool) -> None:
    """It is asked again and again; once patience with its failures has ended, that is the end, with its own words."""
    Data(pets, storage)
    making = storage.group_class if group else storage.snapshot_class
    flag = f"--snapshot{'-group' if group else ''}={making(deletion='Retain', snapshot_fails=100000)}"
    uids = pets.uids("db")
    told = pets("rollout", "run", "db", "--image", NEW, flag, "--timeout", "120s", "--patience", "4s", expect=4).stderr
    assert "stuck: " in told and "its snapshot failed" in told and "the storage is away" in told and "no pod was touched" in told, told
    kind = "volumegroupsnapshot" if group else "volumesnapshot"
    assert "type the same command again to wait on" in told and f"kubectl describe {kind} " in told
    assert pets.uids("db") == uids and set(pets.images("db").values()) == {OLD}
