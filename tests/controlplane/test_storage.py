"""The storage under the tests: what the real controllers make of each trait that our CSI driver can be given."""

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.controlplane import ControlPlane, ControlPlaneError, Storage

pytestmark = pytest.mark.real

_GIB = 1 << 30


class Desk:
    """Makes claims, pods and snapshots in one namespace, and waits for what becomes of them."""

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        self._plane, self._namespace = plane, namespace

    def claim(self, name: str, storage_class: str, size: str = "1Gi", **spec: Any) -> None:
        self._create("v1", "PersistentVolumeClaim", name, {
            "accessModes": ["ReadWriteOnce"], "storageClassName": storage_class, "resources": {"requests": {"storage": size}}, **spec,
        })

    def bound(self, name: str, storage_class: str, size: str = "1Gi", **spec: Any) -> str:
        """A claim that is bound; its volume."""
        self.claim(name, storage_class, size, **spec)
        self.wait("pvc", name, "jsonpath={.status.phase}=Bound")
        return str(self.get("pvc", name)["spec"]["volumeName"])

    def pod(self, claim: str) -> None:
        """Has a pod of the claim's name use it."""
        self._create("v1", "Pod", claim, {
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "main", "image": "image:1", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}],
        })
        self.wait("pod", claim, "condition=Ready")

    def snapshot(self, name: str, claim: str, snapshot_class: str) -> None:
        self._create("snapshot.storage.k8s.io/v1", "VolumeSnapshot", name, {
            "volumeSnapshotClassName": snapshot_class, "source": {"persistentVolumeClaimName": claim},
        })
        self.wait("volumesnapshot", name, "jsonpath={.status.readyToUse}=true")

    def resize(self, claim: str, size: str, **spec: Any) -> None:
        self._plane.kubectl("patch", "pvc", claim, "-n", self._namespace, "--type=merge", "-p", json.dumps(
            {"spec": {"resources": {"requests": {"storage": size}}, **spec}}))

    def label(self, claim: str, label: str) -> None:
        self._plane.kubectl("label", "pvc", claim, "-n", self._namespace, label)

    def wait(self, kind: str, name: str, what: str) -> None:
        self._plane.kubectl("wait", kind, name, "-n", self._namespace, f"--for={what}", "--timeout=60s")

    def wait_size(self, claim: str, size: str) -> None:
        """Until the claim has it, and nothing of the expansion is left to do."""
        self.wait("pvc", claim, f"jsonpath={{.status.capacity.storage}}={size}")
        assert "storage" not in self.get("pvc", claim)["status"].get("allocatedResourceStatuses", {})

    def wait_state(self, claim: str, state: str) -> None:
        self.wait("pvc", claim, f"jsonpath={{.status.allocatedResourceStatuses.storage}}={state}")

    def get(self, kind: str, name: str) -> Any:
        return json.loads(self._plane.kubectl("get", kind, name, "-n", self._namespace, "-o", "json").stdout)

    def delete(self, kind: str, name: str) -> None:
        self._plane.kubectl("delete", kind, name, "-n", self._namespace, "--timeout=60s")

    def events(self, claim: str) -> str:
        return self._plane.kubectl("get", "events", "-n", self._namespace, "--field-selector", f"involvedObject.name={claim}").stdout

    def _create(self, version: str, kind: str, name: str, spec: dict[str, Any]) -> None:
        self._plane.kubectl("create", "-n", self._namespace, "-f", "-", input=json.dumps(
            {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}))


@pytest.fixture
def desk(controlplane: ControlPlane, namespace: str) -> Desk:
    return Desk(controlplane, namespace)


def test_a_volume_is_a_directory_and_goes_with_its_claim(controlplane: ControlPlane, storage: Storage, desk: Desk) -> None:
    volume = desk.bound("one", storage.storage_class())
    folder = storage.data(volume)
    assert folder.is_dir()
    (folder / "file").write_text("something")
    desk.delete("pvc", "one")
    controlplane.kubectl("wait", "pv", volume, "--for=delete", "--timeout=60s")
    assert not folder.exists()


def test_a_volume_that_is_retained_keeps_its_data(storage: Storage, desk: Desk, controlplane: ControlPlane) -> None:
    volume = desk.bound("one", storage.storage_class(reclaim="Retain"))
    (storage.data(volume) / "file").write_text("something")
    desk.delete("pvc", "one")
    controlplane.kubectl("wait", "pv", volume, "--for=jsonpath={.status.phase}=Released", "--timeout=60s")
    assert (storage.data(volume) / "file").read_text() == "something"


def test_expands_while_a_pod_uses_it(storage: Storage, desk: Desk) -> None:
    desk.bound("one", storage.storage_class())
    desk.pod("one")
    desk.resize("one", "2Gi")
    desk.wait_size("one", "2Gi")


def test_the_node_does_its_part_unless_it_is_held(storage: Storage, desk: Desk) -> None:
    desk.bound("one", storage.storage_class(node_step=True))
    desk.label("one", "kubectl-pets.test/node-step=held")
    desk.pod("one")
    desk.resize("one", "2Gi")
    desk.wait_state("one", "NodeResizePending")
    desk.wait("pvc", "one", "condition=FileSystemResizePending")
    assert desk.get("pvc", "one")["status"]["capacity"]["storage"] == "1Gi"
    desk.label("one", "kubectl-pets.test/node-step-")
    desk.wait_size("one", "2Gi")
    assert not {"Resizing", "FileSystemResizePending"} & {each["type"] for each in desk.get("pvc", "one")["status"]["conditions"]}


def test_expands_offline_only_once_no_pod_uses_it(storage: Storage, desk: Desk) -> None:
    desk.bound("one", storage.storage_class(expand_offline=True))
    desk.pod("one")
    desk.resize("one", "2Gi")
    desk.wait("pvc", "one", "condition=ControllerResizeError")
    seen = desk.get("pvc", "one")["status"]
    assert seen["allocatedResourceStatuses"]["storage"] == "ControllerResizeInProgress" and seen["capacity"]["storage"] == "1Gi"
    assert "expands offline only" in storage.log("csi-driver")
    desk.delete("pod", "one")
    desk.wait_size("one", "2Gi")


@pytest.mark.parametrize("refusal", ["out-of-range", "invalid-argument"])
def test_what_is_infeasible_is_asked_for_smaller(storage: Storage, desk: Desk, refusal: str) -> None:
    desk.bound("one", storage.storage_class(expand_most=3 * _GIB, expand_refusal=refusal))
    desk.resize("one", "5Gi")
    desk.wait_state("one", "ControllerResizeInfeasible")
    desk.wait("pvc", "one", "condition=ControllerResizeError")
    desk.resize("one", "3Gi")
    desk.wait_size("one", "3Gi")


def test_expands_after_it_has_failed_twice(storage: Storage, desk: Desk) -> None:
    volume = desk.bound("one", storage.storage_class(expand_fails=2))
    desk.resize("one", "2Gi")
    desk.wait_size("one", "2Gi")
    assert f"try 2 of 2 of expand v-{volume}" in storage.log("csi-driver")


def test_takes_its_time(storage: Storage, desk: Desk) -> None:
    volume = desk.bound("one", storage.storage_class(expand_takes="1500ms"))
    desk.resize("one", "2Gi")
    desk.wait_size("one", "2Gi")
    [took] = re.findall(rf"ControllerExpandVolume \((.*)s\) volume_id:\"v-{volume}\"", storage.log("csi-driver"))
    assert float(took) >= 1.5


def test_a_class_that_does_not_expand_is_refused_at_once(storage: Storage, desk: Desk) -> None:
    desk.bound("one", storage.storage_class(expandable=False))
    with pytest.raises(ControlPlaneError, match="must support resize"):
        desk.resize("one", "2Gi")


def test_a_volume_begins_as_what_the_snapshot_holds(storage: Storage, desk: Desk) -> None:
    volume = desk.bound("one", storage.storage_class())
    (storage.data(volume) / "file").write_text("before")
    desk.snapshot("then", "one", storage.snapshot_class(snapshot_takes="1s"))
    (storage.data(volume) / "file").write_text("after")
    source = {"dataSource": {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "then"}}
    restored = desk.bound("two", storage.storage_class(), "2Gi", **source)
    assert (storage.data(restored) / "file").read_text() == "before"
    desk.delete("volumesnapshot", "then")
    assert (storage.data(restored) / "file").exists() and (storage.data(volume) / "file").read_text() == "after"


def test_a_volume_begins_as_a_copy_of_another(storage: Storage, desk: Desk) -> None:
    shared = storage.storage_class()
    volume = desk.bound("one", shared)
    (storage.data(volume) / "file").write_text("something")
    clone = desk.bound("two", shared, dataSource={"kind": "PersistentVolumeClaim", "name": "one"})
    assert (storage.data(clone) / "file").read_text() == "something"


def test_is_modified_together_with_its_size(storage: Storage, desk: Desk) -> None:
    bronze, gold = storage.attributes_class(iops=100), storage.attributes_class(iops=5000)
    desk.bound("one", storage.storage_class(), volumeAttributesClassName=bronze)
    desk.resize("one", "2Gi", volumeAttributesClassName=gold)
    desk.wait_size("one", "2Gi")
    desk.wait("pvc", "one", f"jsonpath={{.status.currentVolumeAttributesClassName}}={gold}")


def test_attributes_that_it_does_not_have_are_infeasible(storage: Storage, desk: Desk) -> None:
    bronze, absurd = storage.attributes_class(iops=100), storage.attributes_class(iops=99999)
    desk.bound("one", storage.storage_class(), volumeAttributesClassName=bronze)
    desk.resize("one", "2Gi", volumeAttributesClassName=absurd)
    desk.wait("pvc", "one", "jsonpath={.status.modifyVolumeStatus.status}=Infeasible")
    desk.wait_size("one", "2Gi")


def test_a_volume_of_one_zone_says_so(controlplane: ControlPlane, storage: Storage, desk: Desk) -> None:
    desk.claim("one", storage.storage_class(topology=True, binding="WaitForFirstConsumer"))
    desk.pod("one")
    volume = desk.get("pvc", "one")["spec"]["volumeName"]
    [term] = desk.get("pv", volume)["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    [expression] = term["matchExpressions"]
    node = desk.get("node", desk.get("pod", "one")["spec"]["nodeName"])
    assert expression["values"] == [node["metadata"]["labels"]["topology.kubernetes.io/zone"]]


def test_a_trait_that_there_is_not_is_refused(storage: Storage, desk: Desk) -> None:
    desk.claim("one", storage.storage_class(expand_slowly=True))
    _until(lambda: "no such parameter: expand-slowly" in desk.events("one"))


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.2)
