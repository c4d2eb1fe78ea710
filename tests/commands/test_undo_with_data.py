"""``rollout undo --with-data`` on volumes of real storage controllers: whose data is in which claim afterwards is looked at."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.commands.plugin import Plugin, Result, manifest
from tests.commands.test_least_rights import ROLES, Holder
from tests.controlplane import Storage
from tests.schemas import check

pytestmark = pytest.mark.real

OLD, NEW = "app:1", "app:2"
CLAIMS = ("data-db-0", "data-db-1")
BEFORE, AFTER = "of before", "of after"


class Rolled:
    """Set ``db`` of two, rolled from OLD to NEW with snapshots of before, written to since, and at 0."""

    def __init__(self, pets: Plugin, storage: Storage, records: Path, *, at_zero: bool = True, extra: str = "", **traits: Any) -> None:
        self.pets, self.storage, self.records = pets, storage, records
        self.storage_class = storage.storage_class(**traits)
        made = yaml.safe_load(manifest("db", replicas=2, claims=True, extra=extra))
        made["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"] = self.storage_class
        self.shape(made)
        pets.plane.kubectl("create", "-f", "-", "-n", pets.namespace, input=json.dumps(made))
        pets("status", "db", "-w", "--until", "ready", "--timeout", "90s", "--patience", "1m")
        self.write(BEFORE)
        kept = storage.snapshot_class(deletion="Retain")
        pets("rollout", "run", "db", "--image", NEW, f"--snapshot={kept}", "-y", "--timeout", "4m", "--patience", "1m")
        self.write(AFTER)
        self.volumes = {claim: self.volume(claim) for claim in CLAIMS}
        if at_zero:
            self.scale(0)

    def shape(self, made: dict[str, Any]) -> None:
        """What is different about the set."""

    def scale(self, replicas: int) -> None:
        self.pets("scale", "db", "--replicas", str(replicas), "-y", "--timeout", "3m", "--patience", "1m")

    def volume(self, claim: str) -> str:
        return str(self.pets.get("pvc", claim)["spec"]["volumeName"])

    def write(self, text: str) -> None:
        for claim in CLAIMS:
            (self.storage.data(self.volume(claim)) / "file").write_text(text, encoding="utf-8")

    def in_volume(self, volume: str) -> str:
        return (self.storage.data(volume) / "file").read_text(encoding="utf-8")

    def held(self) -> dict[str, str]:
        """By claim, the text in the volume that it is bound to."""
        return {claim: self.in_volume(self.volume(claim)) for claim in CLAIMS}

    def words(self, *more: str) -> tuple[str, ...]:
        return ("rollout", "undo", "db", "--with-data", "--record", str(self.records), "--timeout", "4m", "--patience", "1m", *more)

    def undo(self, *more: str, expect: int = 0) -> Result:
        return self.pets(*self.words("--confirm", "db", *more), expect=expect)

    def newer_is_kept(self) -> None:
        """Every volume that held the newer data has it, and stays."""
        for claim, volume in self.volumes.items():
            found = json.loads(self.pets.plane.kubectl("get", "pv", volume, "-o", "json").stdout)
            assert found["spec"]["persistentVolumeReclaimPolicy"] == "Retain", claim
            assert self.in_volume(volume) == AFTER, claim

    def image(self) -> str:
        return str(self.pets.set("db")["spec"]["template"]["spec"]["containers"][0]["image"])

    def note(self) -> bool:
        return "kubectl-pets/restoring" in self.pets.set("db")["metadata"].get("annotations", {})


@pytest.mark.parametrize("binding", ["Immediate", "WaitForFirstConsumer"])
def test_there_and_back(pets: Plugin, storage: Storage, tmp_path: Path, binding: str) -> None:
    """The data of before is in the claims, the newer data in volumes that come back by the record."""
    rolled = Rolled(pets, storage, tmp_path, binding=binding)
    planned = rolled.undo("--dry-run=server")
    assert "data-db-1" in planned.stdout and rolled.volumes["data-db-1"] in planned.stdout and rolled.image() == NEW
    assert pets(*rolled.words("-y"), expect=6).stderr.count("--confirm db") == 1, "-y is not enough"
    check(json.loads(rolled.undo("--dry-run", "-o", "json").stdout))
    assert pets(*rolled.words("--confirm", "web"), expect=6) and not rolled.note()
    assert "nothing was changed" in pets(*rolled.words("-y"), answers="y\n", interactive=True, expect=6).stderr
    assert {claim: rolled.volume(claim) for claim in CLAIMS} == rolled.volumes and list(tmp_path.glob("*")) == []
    labels = pets.get("pvc", "data-db-0")["metadata"]["labels"]
    done = rolled.undo()
    told = "is back at the data of revision" if binding == "Immediate" else "has claims that are filled with the data of revision"
    assert told in done.stderr and "--replicas 2" in done.stderr
    rolled.newer_is_kept()
    assert rolled.image() == OLD and not rolled.note()
    assert "already" in rolled.undo().stderr, "typed again it says that it is done"
    rolled.scale(2)
    assert set(pets.images("db").values()) == {OLD} and rolled.held() == dict.fromkeys(CLAIMS, BEFORE)
    made = pets.get("pvc", "data-db-0")
    assert made["metadata"]["labels"] == labels and made["spec"]["dataSource"]["kind"] == "VolumeSnapshot"
    rolled.scale(0)
    (record,) = tmp_path.glob("orphans-*.json")
    pets.kubectl("delete", "pvc", *CLAIMS, "--timeout=60s")
    pets("orphans", "restore", str(record))
    assert {claim: rolled.volume(claim) for claim in CLAIMS} == rolled.volumes and rolled.held() == dict.fromkeys(CLAIMS, AFTER)


def test_back_over_a_set_that_was_made_again_meanwhile(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    """``resize`` and ``recreate`` give the set another uid; what its rollouts took is of the same revisions and claims."""
    rolled = Rolled(pets, storage, tmp_path, at_zero=False)
    before = pets.set("db")["metadata"]["uid"]
    pets("recreate", "db", "--set", "podManagementPolicy=Parallel", "-y", "--timeout", "2m", "--patience", "1m")
    assert pets.set("db")["metadata"]["uid"] != before
    rolled.scale(0)
    rolled.undo()
    rolled.newer_is_kept()
    rolled.scale(2)
    assert set(pets.images("db").values()) == {OLD} and rolled.held() == dict.fromkeys(CLAIMS, BEFORE)


def test_the_writes_are_where_it_may_be_killed(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    """SIGKILL right after each claim's deletion, which is the worst moment; anybody goes on, and nothing is lost."""
    rolled = Rolled(pets, storage, tmp_path)
    old = {claim: str(pets.get("pvc", claim)["metadata"]["uid"]) for claim in CLAIMS}

    def uid(claim: str) -> str:
        return pets.kubectl("get", "pvc", claim, "--ignore-not-found", "-o", "jsonpath={.metadata.uid}")

    for claim in reversed(CLAIMS):
        running = pets.start(*rolled.words("--confirm", "db"))
        pets.eventually(lambda: uid(claim) != old[claim] or running.poll() is not None, f"{claim} is gone")
        running.send_signal(signal.SIGKILL)
        running.communicate(timeout=60)
        if running.returncode == 0:  # it was through before it was killed
            break
        if rolled.note():
            assert pets("status", "db", "-o", "json", expect=None).stdout.count('"restoring"') == 1
            refused = pets("scale", "db", "--replicas", "2", "-y", expect=6)
            assert "rollout undo db --with-data" in refused.stderr
            assert pets("orphans", "-o", "name").stdout.strip() == "", "no claim of it is a candidate"
    rolled.undo()
    rolled.newer_is_kept()
    assert rolled.held() == dict.fromkeys(CLAIMS, BEFORE) and rolled.image() == OLD and not rolled.note()


def test_a_claim_that_the_controller_made_empty_is_never_taken_for_one_that_is_back(
    pets: Plugin, storage: Storage, tmp_path: Path
) -> None:
    """Somebody scales the set up while a claim of it is gone: what the controller makes is kept as any other, and the data comes
    back once the set is at 0 again."""
    rolled = Rolled(pets, storage, tmp_path)
    rolled.undo("--dry-run")
    # as a run leaves it that is killed between the deletion and the creation
    patch = json.dumps({"spec": {"persistentVolumeReclaimPolicy": "Retain"}})
    pets.plane.kubectl("patch", "pv", rolled.volumes["data-db-1"], "-p", patch)
    pets.kubectl("delete", "pvc", "data-db-1", "--timeout=60s")
    pets.kubectl("scale", "statefulset", "db", "--replicas=2")
    pets("status", "db", "-w", "--until", "ready", "--timeout", "90s", "--patience", "1m")
    empty = rolled.volume("data-db-1")
    assert not (storage.data(empty) / "file").exists(), "the controller made it empty"
    assert "it has 2 replicas" in rolled.undo(expect=6).stderr
    rolled.scale(0)
    assert "of an earlier claim" in rolled.undo("--dry-run").stdout
    rolled.undo()
    rolled.newer_is_kept()
    assert rolled.held() == dict.fromkeys(CLAIMS, BEFORE)
    kept = json.loads(pets.plane.kubectl("get", "pv", empty, "-o", "json").stdout)
    assert kept["spec"]["persistentVolumeReclaimPolicy"] == "Retain"


def test_the_roles_are_enough_and_no_more(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    """With what stands in deploy/rbac, and every right of the file for it is asked for."""
    rolled = Rolled(pets, storage, tmp_path)
    holder = Holder(pets, "karl", "looking", "rolling-out", "snapshots", "undoing-data")
    own = {
        (verb, resource + (f".{group}" if group else ""))
        for role in yaml.safe_load_all((ROLES / "undoing-data.yaml").read_text(encoding="utf-8"))
        for rule in role["rules"] for group in rule["apiGroups"] for resource in rule["resources"] for verb in rule["verbs"]
    }
    told = holder(*rolled.words("--confirm", "db", "-o", "json")).stdout
    check(json.loads(told))
    assert json.loads(told)["done"] and own <= holder.used, own - holder.used
    rolled.newer_is_kept()
    assert rolled.held() == dict.fromkeys(CLAIMS, BEFORE)


def test_what_speaks_against_it_is_said_before_the_first_change(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    rolled = Rolled(pets, storage, tmp_path, at_zero=False)
    refused = rolled.undo(expect=6).stderr
    assert "it has 2 replicas" in refused and f"kubectl pets scale db --replicas 0 -n {pets.namespace}" in refused
    rolled.scale(0)
    gone = next(each["metadata"]["name"] for each in pets.get("volumesnapshots")["items"] if "data-db-1" in each["metadata"]["name"])
    pets.kubectl("delete", "volumesnapshot", gone, "--timeout=60s")
    refused = rolled.undo(expect=6).stderr
    assert "data-db-1: there is no VolumeSnapshot of it" in refused
    found = json.loads(rolled.undo("-o", "json", expect=6).stdout)
    check(found)
    assert [(each["claim"], each["reason"]) for each in found["refused"]] == [("data-db-1", "snapshot-missing")]
    assert {claim: rolled.volume(claim) for claim in CLAIMS} == rolled.volumes and rolled.image() == NEW and not rolled.note()
    pets.plane.kubectl("patch", "statefulset", "db", "-n", pets.namespace, "-p", '{"spec":{"persistentVolumeClaimRetentionPolicy":{"whenScaled":"Delete"}}}')
    assert "whenScaled" in rolled.undo(expect=6).stderr
    assert list(tmp_path.glob("*")) == []
