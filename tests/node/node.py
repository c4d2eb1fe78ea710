"""A real node beside a control plane of its own, as tests see it, and its start and end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from tests import controlplane
from tests.controlplane import ControlPlane, Storage, build, credentials, objects, processes, storage
from tests.controlplane.layout import Layout
from tests.controlplane.progress import Progress, elapsed
from tests.controlplane.recipes import DEFAULT_VERSION
from tests.node import ground, groups, images
from tests.node.cluster import DNS_REPLICAS, OBJECTS, api_server
from tests.node.ground import Ground
from tests.node.settings import HIDDEN, MOST_NODES, Folder, Settings

_PROJECT = Path(__file__).resolve().parents[2]
_COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
_BUILT = (*_COMPONENTS, "coredns", "kubelet", "kube-proxy")
_START_SECONDS = 120.0
_TIDY_SECONDS = 25.0


class NodeError(Exception):
    """The node does not run, or did not do what it was told in time."""


@dataclass(frozen=True)
class Node:
    """One node; ``plane`` is its control plane, which has no other."""

    plane: ControlPlane
    name: str
    folder: Folder

    def containerd(self, *words: str) -> str:
        """What `ctr` says about the kubelet's containers and images."""
        command = ["ctr", "--address", str(self.folder.containerd_socket), "-n", "k8s.io", *words]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NodeError(f"`{' '.join(command)}` ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def process(self, name: str) -> int:
        """The id of one of the node's processes, as this machine counts them: `kubelet`, `containerd`, `kube-proxy`."""
        binary = self.settings().binaries.get(name, name)
        for inside in processes.children(self._unshared()):
            for process in processes.children(inside):
                with contextlib.suppress(OSError):
                    if Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")[0] == binary.encode():
                        return process
        raise NodeError(f"{name} does not run")

    def silence(self) -> None:
        """The kubelet does nothing any more, and its pods go on: what a node looks like from which nothing is heard."""
        os.kill(self.process("kubelet"), signal.SIGSTOP)

    def wake(self) -> None:
        """The kubelet goes on."""
        os.kill(self.process("kubelet"), signal.SIGCONT)

    def storage(self) -> Storage:
        """Real storage controllers, whose driver is published to this node's kubelet and mounts volumes there."""
        # In the kubelet's mounts, and in its process ids, for which /proc is there; not in its network, for the driver asks the API
        # server by the machine's loopback address.
        within = ("nsenter", f"--target={self.process('kubelet')}", "--mount", "--pid", "setpriv", "--pdeathsig=KILL")
        return storage.standard(self.plane, storage.RealNode(self.name, within, "/var/lib/kubelet/plugins_registry"))

    def settings(self) -> Settings:
        return self.folder.settings()

    def state(self) -> Mapping[str, Any]:
        """What the keeper said last."""
        try:
            found: Mapping[str, Any] = json.loads(self.folder.state_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {"phase": "starting", "message": "keeper", "keeper": 0}
        return found

    def _unshared(self) -> int:
        for process in processes.children(self.state()["keeper"]):
            return process
        raise NodeError("the node has ended")


def prepare(progress: Progress) -> tuple[Ground, Mapping[str, Path]]:
    """Install and build what is not there yet: from nothing a quarter of an hour. Raises GroundError, BuildError."""
    return ground.prepare(progress), build.binaries(DEFAULT_VERSION, _BUILT, progress)


@contextlib.contextmanager
def running(stream: TextIO | None = None) -> Iterator[Node]:
    """A node and its control plane for as long as the block lasts, or this process lives. Raises GroundError, BuildError,
    ControlPlaneError, NodeError."""
    progress = Progress(stream or sys.stderr)
    found, binaries = prepare(progress)
    try:
        with controlplane.running(components=_COMPONENTS, nodes=0, stream=stream) as plane:
            yield start(plane, found, binaries, progress)
    finally:
        groups.sweep()


def start(plane: ControlPlane, found: Ground, binaries: Mapping[str, Path], progress: Progress) -> Node:
    """Make the node of a control plane, which ends it with itself; returns when the cluster's DNS runs on it."""
    started = time.monotonic()
    _refuse_hidden([plane.directory, _PROJECT, Path(sys.executable), found.network_plugins, *binaries.values()])
    node = Node(plane, "real-0", Folder(plane.directory / "node"))
    node.folder.path.mkdir()
    progress.beat("starting the node: images")
    images.write(node.folder.images, images.standard(found.busybox, binaries["coredns"], binaries["etcd"]))
    files = Layout(plane.directory).credentials
    port = int(plane.server.rpartition(":")[2])
    settings = Settings(
        name=node.name, api_port=port, binaries={name: str(binaries[name]) for name in ("kubelet", "kube-proxy")},
        network_plugins=str(found.network_plugins), server_authority=str(files.server_authority),
        client_authority=str(files.client_authority), token=files.token(credentials.NODE),
    )
    # Which number it will have is not known yet.
    addresses = [replace(settings, number=number).address for number in range(MOST_NODES)]
    files.issue_server(node.folder.kubelet_certificate, node.folder.kubelet_key, node.name, *addresses)
    node.folder.write(settings)
    python = ["env", f"PYTHONPATH={_PROJECT}", sys.executable, "-m"]
    plane.launch("node", [*python, "tests.node.keeper", str(node.folder.path)], port, grace=_TIDY_SECONDS)
    plane.apply(OBJECTS)
    _await(node, lambda: node.state()["phase"] == "running", "the node's processes", progress)
    plane.apply(api_server(node.settings().machine_address, port))
    _await(node, lambda: _is_ready(plane, node.name), "the node to be Ready", progress)
    _await(node, lambda: _dns_runs(plane), "the cluster's DNS", progress)
    progress.say(f"node {node.name} is ready after {elapsed(time.monotonic() - started)}")
    return node


def _refuse_hidden(paths: Iterable[Path]) -> None:
    for path in paths:
        place = next((each for each in HIDDEN if path.resolve().is_relative_to(each)), None)
        if place is not None:
            raise NodeError(f"{path} lies in {place}, of which a node has its own: TMPDIR and XDG_CACHE_HOME say where else things may be")


def _is_ready(plane: ControlPlane, name: str) -> bool:
    found = plane.kubectl("get", "node", name, "-o", "json", "--ignore-not-found").stdout
    return bool(found) and objects.is_ready(json.loads(found))


def _dns_runs(plane: ControlPlane) -> bool:
    status = json.loads(plane.kubectl("get", "deployment", "coredns", "-n", "kube-system", "-o", "json").stdout)["status"]
    return bool(status.get("availableReplicas", 0) == DNS_REPLICAS)


def _await(node: Node, done: Callable[[], bool], what: str, progress: Progress) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not done():
        state = node.state()
        if state["phase"] == "failed":
            raise NodeError(f"the node failed: {state['message']}")
        if not node.plane.launched("node"):
            raise NodeError(f"the node's keeper ended; the end of its log:\n{Layout(node.plane.directory).log_tail('node')}")
        if time.monotonic() > deadline:
            raise NodeError(f"waited {_START_SECONDS:.0f} s in vain for {what} (its processes: {state['message']}; logs in {node.folder.path})")
        progress.beat(f"starting the node: {state['message'] if state['phase'] == 'starting' else what}")
        time.sleep(0.2)
