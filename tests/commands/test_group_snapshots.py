"""rollout run and restart with --snapshot-group on real storage: one VolumeGroupSnapshot of all claims, made by the real
snapshot-controller and csi-snapshotter (external-snapshotter 8.7, groupsnapshot.storage.k8s.io/v1)."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kubectl_pets.cluster.client import Client
from kubectl_pets.domain.changes import DeleteGroupSnapshot
from kubectl_pets.flows.rollout import quiescing
from tests.commands.middle import middle, touched_before_deletion
from tests.commands.plugin import Plugin
from tests.commands.test_least_rights import OF_GROUPS, Holder
from tests.commands.test_rollouts_on_storage import NEW, OLD, Data
from tests.controlplane import Storage

pytestmark = pytest.mark.real


def run(group_class: str, *words: str) -> tuple[str, ...]:
    return ("rollout", "run", "db", "--image", NEW, f"--snapshot-group={group_class}", "--timeout", "4m", *words)


def groups(pets: Plugin) -> list[Any]:
    return list(pets.get("volumegroupsnapshots")["items"])


def test_one_cut_of_all_claims_that_everything_else_knows(pets: Plugin, storage: Storage) -> None:
    """The members say what they are of, so that ``snapshots`` and ``undo --with-data`` take them as any other."""
    data = Data(pets, storage)
    named = storage.group_class(snapshot_takes="2s")
    planned = pets(*run(named, "--dry-run")).stdout
    assert "take VolumeGroupSnapshot db-" in planned and "of 2 claims in one moment: data-db-1, data-db-0" in planned
    assert not groups(pets)
    done = pets(*run(named))
    assert set(pets.images("db").values()) == {NEW}
    assert "2 VolumeSnapshots of one moment before the rollout, as the driver says" in done.stderr
    [group] = groups(pets)
    assert group["spec"] == {"source": {"selector": {"matchLabels": {"app": "db"}}}, "volumeGroupSnapshotClassName": named}
    members = data.snapshots()
    assert len(members) == 2 and {each["metadata"]["ownerReferences"][0]["uid"] for each in members.values()} == {group["metadata"]["uid"]}
    assert len({each["status"]["creationTime"] for each in members.values()}) == 1
    notes = [each["metadata"]["annotations"] for each in members.values()]
    assert {each["kubectl-pets/asked-at"].partition("+")[0] + "Z" for each in notes} == {group["metadata"]["creationTimestamp"]}
    data.write("of after")
    assert {data.held_by(name) for name in members} == {"of before"}

    listed = json.loads(pets("snapshots", "db", "-o", "json").stdout)
    assert [each["taker"] for each in listed["items"]] == ["rollout"] * 2 and {each["group"] for each in listed["items"]} == {group["metadata"]["name"]}
    assert listed["spreads"][0]["group"] == group["metadata"]["name"]
    told = pets("snapshots", "db").stderr
    assert f"2 snapshots of group {group['metadata']['name']}; crash-consistent, all of one moment, as the driver says" in told
    noted = next(each for each in pets.get("controllerrevisions")["items"] if each["revision"] == 1)["metadata"]["annotations"]
    assert set(json.loads(noted["kubectl-pets/snapshots"])["names"]) == set(members)

    pets("scale", "db", "--replicas", "0", "-y", "--timeout", "90s")
    back = pets("rollout", "undo", "db", "--with-data", "--replicas", "2", "--timeout", "4m", "--confirm", "db")
    assert "data-db-0" in back.stderr + back.stdout
    pets("scale", "db", "--replicas", "2", "-y", "--timeout", "90s")
    held = {(storage.data(str(pets.get("pvc", claim)["spec"]["volumeName"])) / "file").read_text() for claim in ("data-db-0", "data-db-1")}
    assert held == {"of before"} and set(pets.images("db").values()) == {OLD}


def test_older_groups_go_as_a_whole(pets: Plugin, storage: Storage) -> None:
    """A member cannot go alone (snapshot-controller: deletion of the individual volume snapshot is not allowed). A claim of a pod that
    the set had once is in the group as well, and keeps it only while it has none that is newer."""
    data = Data(pets, storage)
    pets("scale", "db", "--replicas", "3", "-y", "--timeout", "90s")
    pets("scale", "db", "--replicas", "2", "-y", "--timeout", "90s")
    named = storage.group_class()
    restart = ("rollout", "restart", "db", f"--snapshot-group={named}", "--keep-snapshots", "1", "--settle", "0", "--timeout", "4m")
    pets(*restart)
    [first] = groups(pets)
    assert len(data.snapshots()) == 3
    done = pets(*restart, "--anew")
    assert "deleted 3 older VolumeSnapshots" in done.stderr and "their class keeps the contents" in done.stderr
    pets.eventually(lambda: [each["metadata"]["uid"] for each in groups(pets)] != [first["metadata"]["uid"]] and len(groups(pets)) == 1, "the first is gone")
    pets.eventually(lambda: len(data.snapshots()) == 3, "its members are gone, too")
    noted = [each["metadata"].get("annotations", {}).get("kubectl-pets/snapshots") for each in pets.get("controllerrevisions")["items"]]
    names = {name for text in noted if text for name in json.loads(text)["names"]}
    assert names and names <= set(data.snapshots()), "no revision names what is gone"


def test_what_cannot_be_one_group_is_refused_beforehand(pets: Plugin, storage: Storage) -> None:
    data = Data(pets, storage)
    named = storage.group_class()
    uids = pets.uids("db")

    def refused(*words: str, says: str, hint: str = "") -> None:
        for dry in ((), ("--dry-run",)):
            told = pets("rollout", "run", "db", "--image", NEW, *words, *dry, expect=6).stderr
            assert says in told and "no pod was touched" in told and hint in told, told
        assert pets.uids("db") == uids and not groups(pets) and not data.snapshots()

    refused("--snapshot-group", says="has no default VolumeGroupSnapshotClass; name one: --snapshot-group=CLASS")
    refused("--snapshot-group=nowhere", says="there is no VolumeGroupSnapshotClass nowhere")
    refused(f"--snapshot-group={storage.group_class(deletion='Delete')}", says="has not the deletionPolicy Retain")
    pets.kubectl("label", "pvc", "data-db-0", "app-")
    refused(f"--snapshot-group={named}", says="data-db-0: it has not all labels", hint="kubectl label pvc data-db-0 app=db")
    pets.kubectl("label", "pvc", "data-db-0", "app=db")
    other = {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "of-somebody", "labels": {"app": "db"}},
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": data.storage_class, "resources": {"requests": {"storage": "1Gi"}}},
    }
    pets.plane.kubectl("create", "-n", pets.namespace, "-f", "-", input=json.dumps(other))
    refused(f"--snapshot-group={named}", says="of-somebody: it is none of the set's", hint="--snapshot takes one of each claim")


def test_a_driver_that_takes_none_says_so_and_nothing_is_left(pets: Plugin, storage: Storage) -> None:
    """Nothing in the API says beforehand what a driver can do; what it answers stands in the error."""
    data = Data(pets, storage)
    uids = pets.uids("db")
    told = pets(*run(storage.group_class(no_groups=True)), expect=6).stderr
    assert "the driver takes no VolumeGroupSnapshots" in told and "no pod was touched" in told and "--snapshot takes one" in told
    assert pets.uids("db") == uids and not data.snapshots()
    pets.eventually(lambda: not groups(pets), "what was asked for is gone")


def test_what_its_controller_writes_meanwhile_leaves_no_group_behind(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    Data(pets, storage)
    with middle(pets.plane, tmp_path) as between:
        touch = partial(pets.kubectl, "annotate", "volumegroupsnapshots", "--all", "example.org/touched=yes")
        deletions = touched_before_deletion(between, "/volumegroupsnapshots/", touch)
        pets(*run(storage.group_class(no_groups=True)), expect=6, kubeconfig=between.kubeconfig)
    assert len(deletions) > 1
    pets.eventually(lambda: not groups(pets), "what was asked for is gone")


def test_the_same_command_goes_on_with_the_group_that_is_there(pets: Plugin, storage: Storage) -> None:
    """Killed between the group and its marks: nothing but the group says whose it is."""
    data = Data(pets, storage)
    named = storage.group_class(snapshot_fails=3)
    running = pets.start(*run(named))
    pets.eventually(lambda: bool(groups(pets)), "it is asked for")
    running.kill()
    running.communicate(timeout=60)
    pets.eventually(lambda: len(data.snapshots()) == 2, "the driver has taken it after some tries")
    done = pets(*run(named))
    assert "note: 1 VolumeGroupSnapshot of an earlier run count" in done.stderr and len(groups(pets)) == 1
    assert set(pets.images("db").values()) == {NEW} and len(json.loads(pets("snapshots", "db", "-o", "json").stdout)["items"]) == 2
    assert {each["taker"] for each in json.loads(pets("snapshots", "db", "-o", "json").stdout)["items"]} == {"rollout"}


def test_the_roles_are_enough_and_a_right_that_is_missing_is_named(pets: Plugin, storage: Storage) -> None:
    data = Data(pets, storage)
    named = storage.group_class()
    Holder(pets, "mona", "looking", "rolling-out")
    told = pets(*run(named), expect=6, kubeconfig=pets.plane.kubeconfig_for("mona")).stderr
    for right in ("create volumegroupsnapshots", "patch volumesnapshots", "list volumegroupsnapshotclasses", "get volumegroupsnapshotcontents"):
        assert right in told
    assert "no pod was touched" in told and not groups(pets) and set(pets.images("db").values()) == {OLD}
    nora = Holder(pets, "nora", "looking", "rolling-out", "snapshots")
    nora(*run(named))
    assert set(pets.images("db").values()) == {NEW} and len(data.snapshots()) == 2
    nora("rollout", "restart", "db", f"--snapshot-group={named}", "--keep-snapshots", "1", "--settle", "0", "--timeout", "4m")
    assert not OF_GROUPS & nora.unused()


def lines(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8").splitlines() if log.exists() else []


def held(log: Path, before: str = "true", after: str = "true", *, tries: int = 0) -> tuple[str, ...]:
    """Commands that tell of themselves: in pods that are played they run on this machine."""
    return ("--before-snapshot", f"echo before >> {log}; {before}", "--after-snapshot", f"echo after >> {log}; {after}", "--gate-retries", str(tries))


def test_every_pod_stands_still_for_the_one_cut(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    """Until it is made, and not until it is ready; its members say so, and the next run of it has nothing held again."""
    data, log = Data(pets, storage), tmp_path / "log"
    named = storage.group_class(snapshot_takes="3s")
    ready = f"kubectl --kubeconfig {pets.plane.kubeconfig} get volumegroupsnapshots -n {pets.namespace} -o jsonpath='{{.items[*].status.readyToUse}}' >> {log}; echo >> {log}"
    pets(*run(named, *held(log, after=ready)))
    assert lines(log) == ["before", "before", "after", "false", "after", "false"], lines(log)
    [group] = groups(pets)
    assert group["metadata"]["annotations"]["kubectl-pets/held"] == "true" and set(pets.images("db").values()) == {NEW}
    assert {each["metadata"]["annotations"]["kubectl-pets/held"] for each in data.snapshots().values()} == {"true"}


def test_a_pod_that_does_not_stand_still_is_the_end_and_all_are_let_go(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    data, log = Data(pets, storage), tmp_path / "log"
    uids = pets.uids("db")
    fails = f"test $(grep -c before {log}) = 1"
    told = pets(*run(storage.group_class(), *held(log, before=fails)), expect=6).stderr
    assert "a command in its pod failed: --before-snapshot" in told and "no pod was touched" in told
    assert lines(log) == ["before", "before", "after", "after"] and not groups(pets) and not data.snapshots() and pets.uids("db") == uids


def test_a_group_that_is_cut_too_late_is_deleted(pets: Plugin, storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, log = Data(pets, storage), tmp_path / "log"
    monkeypatch.setattr(quiescing, "STANDING_STILL", 2.0)
    told = pets(*run(storage.group_class(snapshot_fails=100000), *held(log)), expect=6).stderr
    assert "the storage made no cut" in told and "no pod was touched" in told
    assert lines(log) == ["before", "before", "after", "after"] and set(pets.images("db").values()) == {OLD}
    pets.eventually(lambda: not groups(pets) and not data.snapshots(), "what was asked for is gone")


def test_a_group_whose_cut_comes_at_its_deletion_goes_all_the_same(
    pets: Plugin, storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was cut while all ran on again, and says that it was not."""
    Data(pets, storage)
    monkeypatch.setattr(quiescing, "STANDING_STILL", 2.0)
    apply, deletions = Client.apply, 0

    def late(cluster: Client, change: Any, **how: Any) -> Any:
        nonlocal deletions
        if isinstance(change, DeleteGroupSnapshot):
            deletions += 1
            if deletions == 1:
                cut = json.dumps({"status": {"creationTime": "2026-01-01T00:00:00Z"}})
                pets.kubectl("patch", "volumegroupsnapshot", change.name, "--subresource=status", "--type=merge", "-p", cut)
        return apply(cluster, change, **how)

    monkeypatch.setattr(Client, "apply", late)
    pets(*run(storage.group_class(snapshot_fails=100000), *held(tmp_path / "log")), expect=6)
    assert deletions > 1
    pets.eventually(lambda: not groups(pets), "what was asked for is gone")


def test_killed_while_all_stand_still(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    """SIGKILL lets nobody go; the same command does, whatever it finds."""
    Data(pets, storage)
    log, named = tmp_path / "log", storage.group_class(snapshot_fails=3)
    running = pets.start(*run(named, *held(log)))
    pets.eventually(lambda: bool(groups(pets)), "it is asked for")
    running.kill()
    running.communicate(timeout=60)
    pets(*run(named, *held(log), "--patience", "1m"))
    assert lines(log)[:2] == ["before", "before"] and lines(log)[-2:] == ["after", "after"]
    assert set(pets.images("db").values()) == {NEW} and len(groups(pets)) == 1


def test_there_is_no_group_of_one_pod(pets: Plugin) -> None:
    told = pets(*run("any", "--snapshot-each"), expect=2).stderr
    assert "none says of which pod a claim is" in told and "Nothing was changed" in told and "--snapshot-group" in told
