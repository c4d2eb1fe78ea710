"""``rollout undo --with-data --one-by-one`` on volumes of real storage controllers: pod after pod of a set that runs, what each had at
each moment looked at by a watch of the test's own."""

import json
import signal
from pathlib import Path

import pytest
import yaml

from tests.commands.plugin import Plugin
from tests.commands.test_least_rights import ROLES, Holder
from tests.commands.test_meddled import unheld
from tests.commands.test_undo_with_data import BEFORE, CLAIMS, NEW, OLD, Rolled
from tests.controlplane import Storage
from tests.schemas import check

pytestmark = pytest.mark.real

HOW = ("--one-by-one", "--settle", "0")


def held(pets: Plugin) -> list[str]:
    """Pods with the finalizer."""
    return [each["metadata"]["name"] for each in pets.get("pods")["items"] if "kubectl-pets/restoring" in each["metadata"].get("finalizers", ())]


def test_there_and_back(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    """The set runs on: one pod is away at a time, each comes back with the data and at the version of before, and no claim was ever empty."""
    rolled = Rolled(pets, storage, tmp_path, at_zero=False)
    refused = rolled.undo(expect=6).stderr
    assert "--one-by-one" in refused and rolled.image() == NEW
    planned = rolled.undo(*HOW, "--dry-run=server")
    assert "one pod after the other" in planned.stdout and rolled.image() == NEW and not held(pets)
    done = rolled.undo(*HOW, "--min-available", "1")
    assert "is back at the data of revision" in done.stderr
    told = [line for line in done.stderr.splitlines() if line.startswith("db-") and "may come back" in line]
    assert [line.partition(":")[0] for line in told] == ["db-1", "db-0"]
    rolled.newer_is_kept()
    assert set(pets.images("db").values()) == {OLD} and rolled.held() == dict.fromkeys(CLAIMS, BEFORE)
    assert not rolled.note() and not held(pets)
    assert pets.set("db")["spec"]["updateStrategy"]["rollingUpdate"]["partition"] == 0
    assert "already" in rolled.undo(*HOW).stderr, "typed again it says that it is done"


def test_admission_that_holds_no_pod_back(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    """All pods came back at once, at the version of before over the newer data, and were held to be back later."""
    rolled = Rolled(pets, storage, tmp_path, at_zero=False)
    before, generation = pets.uids("db"), pets.set("db")["metadata"]["generation"]
    with unheld(pets):
        told = rolled.undo(*HOW, expect=6).stderr
        assert "admission makes partition 0 of the 2 that is asked for" in told
        assert "admission makes" in rolled.undo(*HOW, "--dry-run=server", expect=6).stderr
    assert pets.uids("db") == before and pets.set("db")["metadata"]["generation"] == generation
    assert rolled.image() == NEW and not rolled.note() and not held(pets)


def test_killed_in_each_pods_turn(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    """SIGKILL while a pod is held and its claim goes, which is the worst moment: it stays away, nothing makes its claim empty, and
    whoever types it again brings it back."""
    rolled = Rolled(pets, storage, tmp_path, at_zero=False, extra="podManagementPolicy: Parallel")
    old = {claim: str(pets.get("pvc", claim)["metadata"]["uid"]) for claim in CLAIMS}

    def uid(claim: str) -> str:
        return pets.kubectl("get", "pvc", claim, "--ignore-not-found", "-o", "jsonpath={.metadata.uid}{.metadata.deletionTimestamp}")

    for claim in reversed(CLAIMS):
        running = pets.start(*rolled.words("--confirm", "db", *HOW))
        pets.eventually(lambda: uid(claim) != old[claim] or running.poll() is not None, f"{claim} goes")
        running.send_signal(signal.SIGKILL)
        running.communicate(timeout=60)
        if rolled.note():
            assert "rollout undo db --with-data --one-by-one" in pets("rollout", "restart", "db", "-y", expect=6).stderr
            assert pets("orphans", "-o", "name").stdout.strip() == "", "no claim of it is a candidate"
            for each in CLAIMS:
                made = json.loads(pets.kubectl("get", "pvc", each, "--ignore-not-found", "-o", "json") or "{}")
                assert not made or made["metadata"]["uid"] == old[each] or made["spec"]["dataSource"]["kind"] == "VolumeSnapshot", each
    rolled.undo(*HOW)
    rolled.newer_is_kept()
    assert set(pets.images("db").values()) == {OLD} and rolled.held() == dict.fromkeys(CLAIMS, BEFORE)
    assert not rolled.note() and not held(pets)


def test_the_roles_are_enough_and_no_more(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    rolled = Rolled(pets, storage, tmp_path, at_zero=False, extra="updateStrategy: {type: OnDelete}")
    roles = ("looking", "rolling-out", "snapshots", "undoing-data", "undoing-data-one-by-one")
    holder = Holder(pets, "leo", *roles)
    own = {
        (verb, resource + (f".{group}" if group else ""))
        for role in yaml.safe_load_all((ROLES / f"{roles[-1]}.yaml").read_text(encoding="utf-8"))
        for rule in role["rules"] for group in rule["apiGroups"] for resource in rule["resources"] for verb in rule["verbs"]
    }
    told = holder(*rolled.words("--confirm", "db", "-o", "json", *HOW)).stdout
    check(json.loads(told))
    assert json.loads(told)["done"] and own <= holder.used, own - holder.used
    rolled.newer_is_kept()
    assert set(pets.images("db").values()) == {OLD} and rolled.held() == dict.fromkeys(CLAIMS, BEFORE)


def test_what_speaks_against_it_while_it_runs(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    """A pod besides the first that is down, and somebody who deploys another version once it has begun."""
    rolled = Rolled(pets, storage, tmp_path, at_zero=False)
    pets.kubectl("label", "pod", "db-0", "kubectl-pets.test/unready=true")
    pets.kubectl("wait", "pod", "db-0", "--for=condition=Ready=false", "--timeout=60s")
    refused = rolled.undo(*HOW, expect=6).stderr
    assert "is not available: db-0" in refused and "scale db --replicas 0" in refused and rolled.image() == NEW
    pets.kubectl("label", "pod", "db-0", "kubectl-pets.test/unready-")
    pets.kubectl("wait", "pod", "db-0", "--for=condition=Ready", "--timeout=60s")
    refused = rolled.undo(*HOW, "--quorum", expect=6).stderr
    assert "2 have to stay so" in refused and rolled.image() == NEW and not rolled.note()
    before = min(pets.get("controllerrevisions")["items"], key=lambda each: int(each["revision"]))["metadata"]["name"]
    begun = {"uid": pets.set("db")["metadata"]["uid"], "revision": before, "snapshots": "any", "generation": 1, "running": True}
    pets.kubectl("annotate", "statefulset", "db", f"kubectl-pets/restoring={json.dumps(begun)}")
    refused = rolled.undo(*HOW, expect=6).stderr
    assert "its template was changed since this began" in refused and "kubectl-pets/restoring-" in refused
    assert {claim: rolled.volume(claim) for claim in CLAIMS} == rolled.volumes and set(pets.images("db").values()) == {NEW}
    assert list(tmp_path.glob("*")) == []


def test_pods_that_are_down_go_first_where_nobody_else_updates(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    """With OnDelete no partition says who comes back at which version, so the lower pod need not wait for the higher one."""
    rolled = Rolled(pets, storage, tmp_path, at_zero=False, extra="updateStrategy: {type: OnDelete}")
    pets.kubectl("label", "pod", "db-0", "kubectl-pets.test/unready=true")
    pets.kubectl("wait", "pod", "db-0", "--for=condition=Ready=false", "--timeout=60s")
    done = rolled.undo(*HOW, "--min-available", "1")
    told = [line for line in done.stderr.splitlines() if line.startswith("db-") and "may come back" in line]
    assert [line.partition(":")[0] for line in told] == ["db-0", "db-1"], "db-1 stayed while db-0 was down"
    rolled.newer_is_kept()
    assert set(pets.images("db").values()) == {OLD} and rolled.held() == dict.fromkeys(CLAIMS, BEFORE)
    assert not rolled.note() and not held(pets)
