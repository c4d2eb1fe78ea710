"""Claims that are not what most are, through all that is done to volumes: raw blocks for one pod alone, filled from another claim when
they were made, beside a volume that lives and dies with its pod, under a set that takes claims with it. On real storage controllers."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.commands.plugin import Plugin
from tests.commands.test_undo_with_data import BEFORE, CLAIMS, OLD, Rolled
from tests.controlplane import Storage

pytestmark = pytest.mark.real


class Rare(Rolled):
    def shape(self, made: dict[str, Any]) -> None:
        """volumeMode Block, ReadWriteOncePod, a dataSource of their own, a generic ephemeral volume, whenDeleted: Delete."""
        seed = {
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "seed"},
            "spec": {
                "accessModes": ["ReadWriteOnce"], "volumeMode": "Block", "storageClassName": self.storage_class,
                "resources": {"requests": {"storage": "1Mi"}},
            },
        }
        self.pets.plane.kubectl("create", "-n", self.pets.namespace, "-f", "-", input=json.dumps(seed))
        self.pets.kubectl("wait", "pvc/seed", "--for=jsonpath={.status.phase}=Bound", "--timeout=60s")
        spec, pod = made["spec"], made["spec"]["template"]["spec"]
        [template] = spec["volumeClaimTemplates"]
        source = {"kind": "PersistentVolumeClaim", "name": "seed"}
        template["spec"] |= {"volumeMode": "Block", "accessModes": ["ReadWriteOncePod"], "dataSource": source}
        spec["persistentVolumeClaimRetentionPolicy"] = {"whenDeleted": "Delete", "whenScaled": "Retain"}
        [container] = pod["containers"]
        container["volumeMounts"] = [{"name": "scratch", "mountPath": "/scratch"}]
        container["volumeDevices"] = [{"name": template["metadata"]["name"], "devicePath": "/dev/data"}]
        scratch = {"accessModes": ["ReadWriteOnce"], "storageClassName": self.storage_class, "resources": {"requests": {"storage": "1Mi"}}}
        pod["volumes"] = [{"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": scratch}}}]


@pytest.mark.parametrize("how", [(), ("--one-by-one", "--settle", "0")], ids=["at 0", "one by one"])
def test_grown_made_again_and_taken_back(pets: Plugin, storage: Storage, tmp_path: Path, how: tuple[str, ...]) -> None:
    rolled = Rare(pets, storage, tmp_path, at_zero=False)
    before = pets.uids("db")
    assert "2 claims at 2Mi, and the template" in pets("resize", "db", "2Mi", "-y", "--timeout", "2m").stderr
    pets("recreate", "db", "--set", "podManagementPolicy=Parallel", "-y", "--timeout", "2m")
    assert pets.uids("db") == before
    sizes = {each["metadata"]["name"]: each["status"]["capacity"]["storage"] for each in pets.get("pvc")["items"]}
    assert sizes == {**dict.fromkeys(CLAIMS, "2Mi"), "seed": "1Mi", "db-0-scratch": "1Mi", "db-1-scratch": "1Mi"}
    if not how:
        rolled.scale(0)
    rolled.undo(*how)
    if not how:
        rolled.scale(2)
    rolled.newer_is_kept()
    assert set(pets.images("db").values()) == {OLD} and rolled.held() == dict.fromkeys(CLAIMS, BEFORE)
    uid = pets.set("db")["metadata"]["uid"]
    for claim in CLAIMS:
        made = pets.get("pvc", claim)
        assert made["spec"]["volumeMode"] == "Block" and made["spec"]["accessModes"] == ["ReadWriteOncePod"], claim
        assert made["spec"]["dataSource"]["kind"] == "VolumeSnapshot" and made["spec"]["resources"]["requests"]["storage"] == "2Mi"
        pets.eventually(lambda: [each["uid"] for each in pets.get("pvc", claim)["metadata"].get("ownerReferences", [])] == [uid], "the set owns it")
    assert pets("orphans", "-o", "name").stdout.split() in ([], ["persistentvolumeclaim/seed"])
