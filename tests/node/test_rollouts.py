"""Verbs on a real node: what comes late is waited for."""

import json
import subprocess
from collections.abc import Iterator

import pytest

from tests.commands.plugin import Plugin
from tests.controlplane import ControlPlane
from tests.node import Node
from tests.node.images import REGISTRY
from tests.node.ways import WAYS, Way

pytestmark = [pytest.mark.node, pytest.mark.slow]


@pytest.fixture
def pets(controlplane: ControlPlane, namespace: str) -> Plugin:
    return Plugin(controlplane, namespace)


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
    watching: dict[str, subprocess.Popen[str]] = {way.name: pets.start("status", way.name, "-w", "--timeout", "150s") for way in late}
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
