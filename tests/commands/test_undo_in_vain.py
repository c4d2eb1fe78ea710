"""``rollout undo --with-data`` where a claim does not come: it ends with the cause instead of waiting for ever, and the same command goes
on once that is mended. On volumes of real storage controllers, whose own words are shown."""

import json
from pathlib import Path

import pytest

from tests.commands.plugin import Plugin, Result
from tests.commands.test_undo_with_data import BEFORE, CLAIMS, OLD, Rolled
from tests.controlplane import Storage

pytestmark = pytest.mark.real


class InVain(Rolled):
    def undo_in_vain(self, *more: str) -> Result:
        words = ("rollout", "undo", "db", "--with-data", "--record", str(self.records), "--timeout", "3m", "--patience", "3s", "--confirm", "db")
        return self.pets(*words, *more, expect=4)

    def make_class(self, **parameters: str) -> None:
        """Of the same name, with other parameters: of a class that is there they cannot be changed."""
        found = json.loads(self.pets.plane.kubectl("get", "storageclass", self.storage_class, "-o", "json").stdout)
        found["parameters"], found["metadata"] = parameters, {"name": self.storage_class}
        self.pets.plane.kubectl("replace", "--force", "-f", "-", input=json.dumps(found))

    def is_back(self) -> None:
        self.newer_is_kept()
        assert self.image() == OLD and not self.note()
        assert self.held() == dict.fromkeys(CLAIMS, BEFORE)


@pytest.mark.parametrize("how", [(), ("--one-by-one", "--settle", "0")], ids=["at 0", "one by one"])
def test_a_volume_that_is_never_made(pets: Plugin, storage: Storage, tmp_path: Path, how: tuple[str, ...]) -> None:
    rolled = InVain(pets, storage, tmp_path, at_zero=not how)
    rolled.make_class(**{"create-fails": "100000"})
    told = rolled.undo_in_vain(*how).stderr
    assert "waiting: claim data-db-1 gets no volume made of VolumeSnapshot data-db-1-" in told and "there is patience with it until" in told
    assert "stuck: claim data-db-1 gets no volume" in told and "ProvisioningFailed" in told and "the storage is away" in told
    assert "0 of 2 claims" in told and f"kubectl describe pvc data-db-1 -n {pets.namespace}" in told and "this goes on from there" in told
    rolled.make_class()
    rolled.undo(*how)
    rolled.is_back()


def test_a_quota_that_leaves_no_room_any_more(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    """Of what a claim takes that is there it is not known beforehand whether it will be given back."""
    rolled = InVain(pets, storage, tmp_path)
    pets.kubectl("create", "quota", "less", "--hard=requests.storage=1536Ki")
    pets.eventually(lambda: "used" in pets.get("quota", "less").get("status", {}), "the quota counts")
    told = rolled.undo_in_vain().stderr
    assert "stuck: claim data-db-1 is not taken" in told and "exceeded quota: less" in told, told
    assert "data-db-1 is gone and not made anew yet: scale nothing up" in told and f"kubectl describe resourcequotas -n {pets.namespace}" in told
    pets.kubectl("delete", "quota", "less")
    rolled.undo()
    rolled.is_back()


def test_a_claim_that_somebody_holds(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    rolled = InVain(pets, storage, tmp_path)
    pets.kubectl("patch", "pvc", "data-db-1", "--type=merge", "-p", '{"metadata":{"finalizers":["kubernetes.io/pvc-protection","example.org/backup"]}}')
    told = rolled.undo_in_vain().stderr
    assert "stuck: claim data-db-1 does not go, because example.org/backup holds it" in told, told
    pets.kubectl("patch", "pvc", "data-db-1", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    rolled.undo()
    rolled.is_back()
