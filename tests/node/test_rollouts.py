"""Verbs on a real node: what is done has to stay done, and what comes late is waited for."""

import json
import subprocess
from collections.abc import Iterator

import msgspec
import pytest

from kubectl_pets.domain.model import Pod
from kubectl_pets.domain.snapshots.turns import HELD_FINALIZER, has_ended
from tests.commands.plugin import Plugin
from tests.controlplane import ControlPlane
from tests.node import Node
from tests.node.images import REGISTRY
from tests.node.ways import WAYS, Way

pytestmark = [pytest.mark.node, pytest.mark.slow]


@pytest.fixture
def pets(controlplane: ControlPlane, namespace: str) -> Plugin:
    return Plugin(controlplane, namespace)


@pytest.mark.timeout(420)
def test_a_version_that_crashes_after_it_was_ready_is_never_done(pets: Plugin) -> None:
    """It lives for 8 s each time, Ready: one pod is given for it, and the others keep the version that runs."""
    probe = {"exec": {"command": ["test", "-f", "/tmp/ready"]}, "periodSeconds": 1}
    made = Way("web", "", WAYS[0].ends, {"readinessProbe": probe}).manifest()
    made["spec"]["replicas"] = 3
    pets.plane.apply(json.dumps(made), pets.namespace)
    pets("status", "web", "-w", "--timeout", "90s", "--patience", "2m")
    result = pets("rollout", "run", "web", "--image", f"{REGISTRY}/app:crash-late", "--timeout", "5m", "--settle", "10s", "--patience", "2m", expect=4)
    assert "web-2" in result.stderr and "exit code 3" in result.stderr
    assert pets.images() == {"web-0": f"{REGISTRY}/app:1", "web-1": f"{REGISTRY}/app:1", "web-2": f"{REGISTRY}/app:crash-late"}
    for name in ("web-0", "web-1"):
        assert pets.get("pod", name)["status"]["containerStatuses"][0]["restartCount"] == 0


@pytest.mark.timeout(300)
def test_a_scaling_to_pods_that_crash_after_they_were_ready_is_never_done(pets: Plugin) -> None:
    probe = {"exec": {"command": ["test", "-f", "/tmp/ready"]}, "periodSeconds": 1}
    made = Way("grown", "", WAYS[0].ends, {"readinessProbe": probe, "image": f"{REGISTRY}/app:crash-late"}).manifest()
    made["spec"]["replicas"] = 0
    pets.plane.apply(json.dumps(made), pets.namespace)
    result = pets("scale", "grown", "--replicas", "1", "--timeout", "4m", "--settle", "10s", "--patience", "2m", expect=4)
    assert "grown-0" in result.stderr and "exit code 3" in result.stderr


@pytest.mark.timeout(300)
def test_a_pod_that_a_finalizer_holds_has_ended_when_its_kubelet_says_so(pets: Plugin) -> None:
    """What an undo of the data of a set that runs rests on: the containers end, and that shows in the phase and in the grace period
    while the finalizer keeps the pod; the controller makes the next one only when it is gone."""
    pets.plane.apply(json.dumps(Way("kept", "", WAYS[0].ends).manifest()), pets.namespace)
    pets("status", "kept", "-w", "--timeout", "90s", "--patience", "2m")

    def pod() -> Pod:
        return msgspec.json.decode(pets.kubectl("get", "pod", "kept-0", "-o", "json"), type=Pod)

    was = pod()
    pets.kubectl("patch", "pod", "kept-0", "--type=merge", "-p", json.dumps({"metadata": {"finalizers": [HELD_FINALIZER]}}))
    pets.kubectl("delete", "pod", "kept-0", "--wait=false")
    pets.eventually(lambda: has_ended(pod()), "its kubelet is through with it")
    assert pod().metadata.uid == was.metadata.uid
    pets.kubectl("patch", "pod", "kept-0", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    pets("status", "kept", "-w", "--timeout", "90s", "--patience", "2m")
    assert pod().metadata.uid != was.metadata.uid


@pytest.fixture
def late_image(node: Node) -> Iterator[str]:
    """An image that is not on the node yet, and whose name no test shares: how to bring it there."""
    name = f"{REGISTRY}/app:late"
    yield name
    node.containerd("images", "remove", name)


@pytest.mark.timeout(300)
def test_what_comes_late_is_waited_for(node: Node, pets: Plugin, late_image: str) -> None:
    """A third try, and an image, a ConfigMap, a Secret in the environment and one in a volume that come some seconds later."""
    ways = {way.name: way for way in WAYS}
    late = [ways["third-try"], ways["no-config"], ways["no-key"], ways["no-volume"], Way("no-image", "", WAYS[0].ends, {"image": late_image})]
    for way in late:
        pets.plane.apply(json.dumps(way.manifest()), pets.namespace)
    watching: dict[str, subprocess.Popen[str]] = {way.name: pets.start("status", way.name, "-w", "--timeout", "150s", "--patience", "2m") for way in late}
    try:
        trouble = "jsonpath={.status.containerStatuses[0].state.waiting.reason}=CreateContainerConfigError"
        pets.kubectl("wait", f"--for={trouble}", "pod/no-config-0", "--timeout=60s")
        pets.kubectl("create", "configmap", "missing", "--from-literal=a=b")
        pets.kubectl("create", "secret", "generic", "missing", "--from-literal=a=b")
        node.containerd("images", "tag", f"{REGISTRY}/app:1", late_image)
        for name, process in watching.items():
            stdout, stderr = process.communicate(timeout=200)
            assert process.returncode == 0, f"{name}: {stdout}{stderr}"
            assert "stuck" not in stdout
    finally:
        for process in watching.values():
            process.kill()
            process.communicate()
