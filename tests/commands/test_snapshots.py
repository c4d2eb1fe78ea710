"""orphans delete --snapshot on the real control plane: no claim goes before its snapshot is ready, kept, and of its volume."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from kubectl_pets.flows.orphans.records import load
from tests import controlplane
from tests.commands.plugin import Plugin
from tests.commands.snapshots import Storage, install
from tests.commands.test_orphans import classes, make, shrink

pytestmark = pytest.mark.real


@pytest.fixture
def pets(unwatched: Plugin) -> Plugin:
    return unwatched


@pytest.fixture
def storage(pets: Plugin) -> Storage:
    install(pets)
    return Storage(pets)


def test_the_claim_goes_when_its_snapshot_is_ready(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    storage.claim("data-db-0", "data-db-1")
    named = storage.snapshot_class("safe", default=True)
    storage.snapshot_class("foreign", default=True, driver="other.example.org")
    uid = pets.get("pvc", "data-db-0")["metadata"]["uid"]
    shown = pets("orphans", "delete", "--fresh", "data-db-0", "--dry-run=server", "--snapshot").stdout
    assert f"take VolumeSnapshot data-db-0-{uid[:8]} (class {named})" in shown and not storage.snapshots()
    seen: list[bool] = []

    def take(name: str) -> None:
        claim = storage.snapshots()[name]["spec"]["source"]["persistentVolumeClaimName"]
        seen.append(storage.untouched(claim))
        storage.finish(name)

    with storage.controller(take):
        result = pets("orphans", "delete", "--fresh", "data-db-0", "data-db-1", "-y", "--record", str(tmp_path), "--snapshot")
    assert seen == [True, True]  # nothing was done to either before its snapshot was ready
    assert "[1/2] waiting for VolumeSnapshot" in result.stderr and "[2/2] deleted" in result.stdout
    snapshots = storage.snapshots()
    taken = snapshots[f"data-db-0-{uid[:8]}"]
    assert taken["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "kubectl-pets"}
    assert taken["metadata"]["annotations"] == {"kubectl-pets/claim-uid": uid}
    assert taken["spec"] == {"source": {"persistentVolumeClaimName": "data-db-0"}, "volumeSnapshotClassName": named}
    (path,) = tmp_path.glob("*.json")
    assert {record.snapshot for record in load(path)} == set(snapshots)
    pets.eventually(lambda: not pets.get("pvc")["items"], "the claims are gone")
    assert storage.live_volume("data-db-0")["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    pets.plane.kubectl("delete", "pv", storage.volume("data-db-0"))
    refused = pets("orphans", "restore", str(path), expect=6)
    assert f"make a new claim from VolumeSnapshot data-db-0-{uid[:8]}" in refused.stderr
    assert pets.get("pvc", "data-db-1")["spec"]["volumeName"] == storage.volume("data-db-1")


def test_what_no_snapshot_can_be_taken_of_is_left_alone(pets: Plugin, storage: Storage) -> None:
    """Refused beforehand, each for its reason."""
    storage.claim("data-db-0")

    def refused(*words: str, says: str, reason: str) -> None:
        told = pets("orphans", "delete", "--fresh", "data-db-0", "-y", *words, expect=6).stderr
        assert says in told and "nothing was changed" in told, told
        planned = pets("orphans", "delete", "--fresh", "data-db-0", "--dry-run", "-o", "json", *words, expect=6).stdout
        assert [item["reason"] for item in json.loads(planned)["refused"]] == [reason]
        assert storage.untouched("data-db-0") and not storage.snapshots()

    refused("--snapshot", says="has no default VolumeSnapshotClass", reason="no-default-snapshot-class")
    refused("--snapshot=nowhere", says="no VolumeSnapshotClass nowhere", reason="snapshot-class-missing")
    other = storage.snapshot_class("other", driver="other.example.org", default=True)
    refused("--snapshot", says="has no default", reason="no-default-snapshot-class")
    refused(f"--snapshot={other}", says="of another driver", reason="snapshot-class-of-another-driver")
    deletes = storage.snapshot_class("deletes", "Delete", default=True)
    refused("--snapshot", says="has not the deletionPolicy Retain", reason="snapshot-class-deletes")
    refused(f"--snapshot={deletes}", says="has not the deletionPolicy Retain", reason="snapshot-class-deletes")
    storage.snapshot_class("safe", default=True)
    refused("--snapshot", says="several default", reason="several-default-snapshot-classes")


def test_a_volume_of_no_driver_has_no_snapshot(pets: Plugin, storage: Storage) -> None:
    make(pets, replicas=2)
    shrink(pets, 1)
    storage.snapshot_class("safe", default=True)
    refused = pets("orphans", "delete", "data-web-1", "-y", "--snapshot", expect=6)
    assert "of no CSI driver" in refused.stderr and classes(pets)["data-web-1"] == "scaled-down"


def test_an_error_of_the_controller_s_is_told_and_the_claim_stays(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    storage.claim("data-db-0")
    storage.snapshot_class("safe", default=True)
    words = ("orphans", "delete", "--fresh", "data-db-0", "-y", "--record", str(tmp_path), "--snapshot", "--timeout")
    with storage.controller(lambda name: storage.report(name, readyToUse=False, error={"message": "quota \x1b[31mexceeded"})):
        failed = pets(*words, "15s", expect=1)
    assert "its snapshot failed: quota exceeded" in failed.stderr
    assert storage.untouched("data-db-0") and not list(tmp_path.iterdir())
    (name,) = storage.snapshots()
    storage.report(name, error=None)
    late = pets(*words, "1s", expect=5)
    assert "did not become ready in time" in late.stderr and storage.untouched("data-db-0")
    storage.finish(name)  # the controller tries again by itself, and so does whoever types the command again
    pets(*words, "30s")
    assert list(storage.snapshots()) == [name] and not pets.get("pvc")["items"]


@pytest.mark.parametrize(
    ("fault", "says"),
    [({"policy": "Delete"}, "has not the deletionPolicy Retain"), ({"handle": "another"}, "is not of its volume")],
)
def test_a_snapshot_that_would_not_last_is_none(pets: Plugin, storage: Storage, fault: dict[str, Any], says: str) -> None:
    """Its class may have been another one when the controller read it."""
    storage.claim("data-db-0")
    storage.snapshot_class("safe", default=True)
    with storage.controller(lambda name: storage.finish(name, **fault)):
        refused = pets("orphans", "delete", "--fresh", "data-db-0", "-y", "--snapshot", expect=6)
    assert says in refused.stderr and storage.untouched("data-db-0")


def test_one_of_that_name_that_is_not_ours_is_none(pets: Plugin, storage: Storage) -> None:
    storage.claim("data-db-0")
    named = storage.snapshot_class("safe", default=True)
    name = f"data-db-0-{pets.get('pvc', 'data-db-0')['metadata']['uid'][:8]}"
    spec = {"source": {"persistentVolumeClaimName": "data-db-0"}, "volumeSnapshotClassName": named}
    theirs = {"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", "metadata": {"name": name}, "spec": spec}
    pets.plane.apply(json.dumps(theirs), pets.namespace)
    storage.finish(name)
    refused = pets("orphans", "delete", "--fresh", "data-db-0", "-y", "--snapshot", expect=6)
    assert "was not taken of this claim" in refused.stderr and storage.untouched("data-db-0")


@pytest.mark.parametrize("destroy", [(), ("--destroy-data",)])
def test_a_claim_that_is_used_while_its_snapshot_is_made_stays(pets: Plugin, storage: Storage, destroy: tuple[str, ...]) -> None:
    storage.claim("data-db-0")
    storage.snapshot_class("safe", default=True)

    def take(name: str) -> None:
        pets.plane.apply(
            """
apiVersion: v1
kind: Pod
metadata: {name: reader}
spec:
  containers: [{name: app, image: "app:1"}]
  volumes: [{name: v, persistentVolumeClaim: {claimName: data-db-0}}]
""",
            pets.namespace,
        )
        storage.finish(name)

    with storage.controller(take):
        refused = pets("orphans", "delete", "--fresh", "data-db-0", "-y", "--snapshot", *destroy, expect=6)
    assert "in use by now" in refused.stderr and storage.untouched("data-db-0")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_while_waiting_and_run_again(pets: Plugin, storage: Storage, tmp_path: Path, number: signal.Signals) -> None:
    storage.claim("data-db-0", "data-db-1")
    storage.snapshot_class("safe", default=True)
    words = ("orphans", "delete", "--fresh", "data-db-0", "data-db-1", "-y", "--record", str(tmp_path), "--snapshot")
    process = pets.start(*words)
    assert process.stderr is not None
    assert "this deletes, after a snapshot of each" in process.stderr.readline()
    assert "waiting for VolumeSnapshot" in process.stderr.readline()
    process.send_signal(number)
    _, told = process.communicate(timeout=20)
    if number != signal.SIGKILL:
        assert process.returncode == 130
        assert "interrupted: no claim was deleted" in told and "not touched: 2 claims:" in told and "data-db-1" in told
    (first,) = storage.snapshots()
    assert storage.untouched("data-db-0") and storage.untouched("data-db-1") and not list(tmp_path.iterdir())
    with storage.controller(storage.finish):
        pets(*words)
    assert first in storage.snapshots() and len(storage.snapshots()) == 2
    pets.eventually(lambda: not pets.get("pvc")["items"], "the claims are gone")


def test_a_snapshot_from_before_the_last_use_is_none(pets: Plugin, storage: Storage) -> None:
    """Left by a run that was interrupted, and the claim was used since."""
    storage.claim("data-db-0")
    storage.snapshot_class("safe", default=True)
    pets("orphans", "delete", "--fresh", "data-db-0", "-y", "--snapshot", "--timeout", "1s", expect=5)
    (name,) = storage.snapshots()
    storage.finish(name)
    pets.plane.apply(
        """
apiVersion: v1
kind: Pod
metadata: {name: writer}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: app, image: "app:1"}]
  volumes: [{name: v, persistentVolumeClaim: {claimName: data-db-0}}]
""",
        pets.namespace,
    )
    pets.eventually(lambda: classes(pets)["data-db-0"] == "in-use", "it is used")
    pets.kubectl("delete", "pod", "writer")
    pets.eventually(lambda: classes(pets)["data-db-0"] == "set-gone", "it is not used any more")
    told = pets("orphans", "delete", "--fresh", "data-db-0", "-y", "--snapshot", "--destroy-data", expect=6).stderr
    assert "may have been used since its snapshot" in told and storage.untouched("data-db-0")


def test_rights_are_asked_for_before_anything_is_done(pets: Plugin, storage: Storage) -> None:
    storage.claim("data-db-0")
    storage.snapshot_class("safe", default=True)
    user, role = "grace", f"clear-{pets.namespace}"
    binding = ("clusterrolebinding", role, f"--user={user}")
    try:
        pets.plane.kubectl("create", "clusterrole", role, "--verb=get,list", "--resource=*.*")
        pets.plane.kubectl("create", *binding, f"--clusterrole={role}")
        pets.kubectl("create", "role", "clear", "--verb=delete", "--resource=persistentvolumeclaims")
        pets.kubectl("create", "rolebinding", "clear", "--role=clear", f"--user={user}")
        words = ("auth", "can-i", "delete", "persistentvolumeclaims", f"--as={user}", "-n", pets.namespace)
        pets.eventually(lambda: pets.plane.kubectl(*words, check=False).stdout.strip() == "yes", "the role counts")
        kubeconfig = pets.plane.kubeconfig_for(user)
        told = pets("orphans", "delete", "--fresh", "data-db-0", "-y", "--snapshot", expect=1, kubeconfig=kubeconfig).stderr
        assert "create volumesnapshots.snapshot.storage.k8s.io" in told and "Nothing was changed" in told
        told = pets("orphans", "delete", "--fresh", "data-db-0", "-y", expect=1, kubeconfig=kubeconfig).stderr
        assert "patch persistentvolumes" in told and "auth can-i patch persistentvolumes" in told
        assert storage.untouched("data-db-0") and not storage.snapshots()
    finally:
        for kind in ("clusterrolebinding", "clusterrole"):
            pets.plane.kubectl("delete", kind, role, check=False)


def test_a_cluster_without_snapshots() -> None:
    """On a control plane of its own, where nobody installs their types."""
    with controlplane.running() as plane:
        pets = Plugin(plane, "default")
        storage = Storage(pets)
        storage.claim("data-db-0")
        refused = pets("orphans", "delete", "--fresh", "data-db-0", "-y", "--snapshot", expect=6)
        assert "has no VolumeSnapshots" in refused.stderr and storage.untouched("data-db-0")
