"""Real storage controllers beside a control plane: csi-provisioner, csi-resizer, csi-snapshotter and snapshot-controller, which ask a
CSI driver of our own (go/csi) whose volumes are directories of the run.

How a volume behaves is chosen by the class that a test has made for itself; the traits are listed in go/csi/traits.go:

    claims_class = storage.storage_class(expand_most=3 << 30, expand_refusal="out-of-range")

What a kubelet would do at the end of an expansion (trait ``node_step``) a KWOK stage does, a moment after it is asked for and for as
long as a pod uses the claim; not while the claim is labelled `kubectl-pets.test/node-step: held`. Where there is a
real node (tests/node) its kubelet does it: the driver is published to it, and mounts the volumes.
"""

from __future__ import annotations

import fcntl
import json
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.controlplane import build, credentials, recipes
from tests.controlplane.layout import Layout
from tests.controlplane.objects import ZONE_LABEL
from tests.controlplane.recipes import DEFAULT_VERSION

if TYPE_CHECKING:
    from tests.controlplane.plane import ControlPlane

DRIVER = "folders.kubectl-pets.test"

_CLIENT_MODULE = "github.com/kubernetes-csi/external-snapshotter/client/v8"
_READY_SECONDS = 90.0
_DRIVER_PROCESS = "csi-driver"

#: The sidecars' own default for the longest time between two tries is 5 min, longer than a test may take.
_RETRIES = "--retry-interval-max=5s"
_PACE = ("--kube-api-qps=100", "--kube-api-burst=200")


@dataclass(frozen=True)
class RealNode:
    """A node with a kubelet: its name, the words before a command that make it see the node's mounts, and where the kubelet looks
    for drivers."""

    name: str
    within: tuple[str, ...]
    registry: str


@dataclass(frozen=True)
class Storage:
    """The driver and its sidecars, running for as long as their control plane does."""

    plane: ControlPlane

    def storage_class(
        self, *, expandable: bool = True, reclaim: str = "Delete", binding: str = "Immediate", **traits: str | int | bool,
    ) -> str:
        """Make a StorageClass of the driver's with these traits; returns its name, which is nobody else's."""
        return self._make("storage.k8s.io/v1", "StorageClass", {
            "provisioner": DRIVER, "allowVolumeExpansion": expandable, "reclaimPolicy": reclaim, "volumeBindingMode": binding,
            "parameters": _words(traits),
        })

    def snapshot_class(self, *, deletion: str = "Delete", **traits: str | int | bool) -> str:
        """Make a VolumeSnapshotClass; returns its name."""
        return self._make("snapshot.storage.k8s.io/v1", "VolumeSnapshotClass", {
            "driver": DRIVER, "deletionPolicy": deletion, "parameters": _words(traits),
        })

    def group_class(self, *, deletion: str = "Retain", **traits: str | int | bool) -> str:
        """Make a VolumeGroupSnapshotClass; returns its name."""
        return self._make("groupsnapshot.storage.k8s.io/v1", "VolumeGroupSnapshotClass", {
            "driver": DRIVER, "deletionPolicy": deletion, "parameters": _words(traits),
        })

    def attributes_class(self, **parameters: str | int) -> str:
        """Make a VolumeAttributesClass (``iops``: at most 10000, ``tier``); returns its name."""
        return self._make("storage.k8s.io/v1", "VolumeAttributesClass", {"driverName": DRIVER, "parameters": _words(parameters)})

    def data(self, volume: str) -> Path:
        """The directory with the data of a PersistentVolume."""
        return _folder(self.plane) / "data" / "volumes" / f"v-{volume}" / "data"

    def log(self, process: str) -> str:
        """What one of the processes has said: csi-driver, csi-provisioner, csi-resizer, csi-snapshotter, snapshot-controller."""
        return Layout(self.plane.directory).log(process).read_text(encoding="utf-8", errors="replace")

    def _make(self, version: str, kind: str, content: Mapping[str, Any]) -> str:
        name = f"csi-{secrets.token_hex(4)}"
        self.plane.kubectl("create", "-f", "-", input=json.dumps({"apiVersion": version, "kind": kind, "metadata": {"name": name}, **content}))
        return name


def standard(plane: ControlPlane, node: RealNode | None = None) -> Storage:
    """The one of a control plane, started by the first who asks. ``node``: the only one that it has, where that is real."""
    folder = _folder(plane)
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "started").exists():
            _start(plane, node)
            (folder / "started").touch()
    return Storage(plane)


def build_storage() -> dict[str, Path]:
    """The programs' paths, after building those that are missing, which takes minutes: not within a test's own time."""
    return build.binaries(DEFAULT_VERSION, [recipe.name for recipe in recipes.of_storage()])


def _folder(plane: ControlPlane) -> Path:
    return plane.directory / "storage"


def _words(values: Mapping[str, str | int | bool]) -> dict[str, str]:
    return {name.replace("_", "-"): str(value).lower() if isinstance(value, bool) else str(value) for name, value in values.items()}


def _start(plane: ControlPlane, node: RealNode | None) -> None:
    """Returns when a claim was provisioned."""
    binaries = build_storage()
    plane.kubectl("apply", "--server-side", *(word for file in _definitions() for word in ("-f", str(file))))
    plane.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", *(
        f"volume{group}snapshot{each}.{group}snapshot.storage.k8s.io" for group in ("", "group") for each in ("s", "classes", "contents")))
    plane.apply(_driver_objects(() if node else _nodes(plane)))
    for name, flags in _commands(plane, node).items():
        within = node.within if node and name == _DRIVER_PROCESS else ()
        plane.launch(name, [*within, str(binaries[name]), *flags], 0)
        if name == _DRIVER_PROCESS:
            _await(plane, (_folder(plane) / "csi.sock").exists, "the driver's socket")
            _await(plane, lambda: node is None or _is_published(plane, node), "the kubelet to take the driver")
    _try(plane)


def _definitions() -> list[Path]:
    """The files with the types of snapshots and of group snapshots, which have several versions and need no webhook."""
    [controller] = (recipe for recipe in recipes.of_storage() if recipe.name == "snapshot-controller")
    folder = build.module_files(controller, _CLIENT_MODULE, "config/crd")
    return sorted(folder.glob("*snapshot.storage.k8s.io_*.yaml"))


def _nodes(plane: ControlPlane) -> tuple[str, ...]:
    return tuple(each["metadata"]["name"] for each in json.loads(plane.kubectl("get", "nodes", "-o", "json").stdout)["items"])


def _is_published(plane: ControlPlane, node: RealNode) -> bool:
    found = plane.kubectl("get", "csinode", node.name, "-o", "jsonpath={.spec.drivers[*].name}", "--ignore-not-found").stdout
    return DRIVER in found.split()


def _driver_objects(played: Iterable[str]) -> str:
    """What says to the cluster that these nodes have the driver, as its registration with their kubelets would."""
    return str(yaml.safe_dump_all([
        {
            "apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": DRIVER},
            "spec": {"attachRequired": False, "podInfoOnMount": False},
        },
        *(
            {
                "apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": {"name": node},
                "spec": {"drivers": [{"name": DRIVER, "nodeID": node, "topologyKeys": [ZONE_LABEL]}]},
            }
            for node in played
        ),
    ]))


def _commands(plane: ControlPlane, node: RealNode | None) -> dict[str, list[str]]:
    """The flags of each process, in the order in which they are started."""
    files = Layout(plane.directory).credentials
    folder = _folder(plane)
    token = folder / "token"
    token.touch(mode=0o600)
    token.write_text(files.token(credentials.STORAGE), encoding="utf-8")
    kubeconfig = f"--kubeconfig={plane.kubeconfig_for(credentials.STORAGE)}"
    sidecar = [kubeconfig, f"--csi-address={folder / 'csi.sock'}", *_PACE, "-v=4"]
    return {
        _DRIVER_PROCESS: [
            *([f"--node={node.name}", f"--registry={node.registry}"] if node else []), f"--name={DRIVER}", f"--socket={folder / 'csi.sock'}", f"--data={folder / 'data'}", f"--server={plane.server}",
            f"--ca={files.server_authority}", f"--token-file={token}",
        ],
        "csi-provisioner": [*sidecar, _RETRIES, "--extra-create-metadata"],
        "csi-resizer": [*sidecar, _RETRIES],
        "csi-snapshotter": [*sidecar, _RETRIES],
        # Of a member of a group without its content each event counts as a failure: soon it is left alone for its 5 minutes.
        "snapshot-controller": [kubeconfig, *_PACE, _RETRIES, "-v=4"],
    }


def _try(plane: ControlPlane) -> None:
    """Have one claim provisioned and deleted."""
    name = Storage(plane).storage_class()
    claim = {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "kube-system"},
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": name, "resources": {"requests": {"storage": "1Mi"}}},
    }
    plane.kubectl("create", "-f", "-", input=json.dumps(claim))
    place = ("-n", "kube-system", "pvc", name)
    _await(plane, lambda: plane.kubectl("get", *place, "-o", "jsonpath={.status.phase}").stdout == "Bound", "a first claim to be bound")
    plane.kubectl("delete", *place, "--wait=false")


def _await(plane: ControlPlane, done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not done():
        if time.monotonic() > deadline:
            layout = Layout(plane.directory)
            logs = "\n".join(f"{recipe.name}:\n{layout.log_tail(recipe.name)}" for recipe in recipes.of_storage())
            raise TimeoutError(f"waited {_READY_SECONDS:.0f} s in vain for {what}; the ends of the logs:\n{logs}")
        time.sleep(0.1)
