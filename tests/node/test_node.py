"""That the node is real: what its kubelet, its runtime and its network do is what tests may rely on."""

import json
import re
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from tests.controlplane import ControlPlane
from tests.node import Node
from tests.node.etcd import ETCD, put
from tests.node.images import REGISTRY
from tests.node.settings import CLUSTER_DNS, SEARCH_DOMAIN

pytestmark = pytest.mark.node


def _set(name: str, replicas: int = 1, container: str = "{}", pod: str = "{}", image: str = "app:1", more: str = "{}") -> str:
    """A set with its headless service; ``container``, ``pod`` and ``more`` (of the spec) are JSON that is laid over."""
    main = {"name": "main", "image": f"{REGISTRY}/{image}", "imagePullPolicy": "IfNotPresent", **json.loads(container)}
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [main], **json.loads(pod)},
    }
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [
        {
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"clusterIP": "None", "selector": {"app": name}, "ports": [{"name": "http", "port": 8080}]},
        },
        {
            "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name},
            "spec": {
                "serviceName": name, "replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template,
                **json.loads(more),
            },
        },
    ]})


def _get(plane: ControlPlane, namespace: str, *what: str) -> Any:
    return json.loads(plane.kubectl("get", *what, "-n", namespace, "-o", "json").stdout)


def _ready(plane: ControlPlane, namespace: str, name: str) -> None:
    plane.kubectl("rollout", "status", f"statefulset/{name}", "-n", namespace, "--timeout=60s")


def _until(holds: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"never happened: {what}"
        time.sleep(0.2)


def _exec(plane: ControlPlane, namespace: str, pod: str, *command: str) -> str:
    return plane.kubectl("exec", pod, "-n", namespace, "--", *command).stdout


def test_the_kubelet_and_its_runtime_are_real(node: Node, controlplane: ControlPlane) -> None:
    info = json.loads(controlplane.kubectl("get", "node", node.name, "-o", "json").stdout)["status"]["nodeInfo"]
    assert info["kubeletVersion"] == controlplane.version
    assert info["containerRuntimeVersion"].startswith("containerd://") and info["kernelVersion"] != "kwok"
    assert node.process("kubelet") != node.process("containerd") != node.process("kube-proxy")


def test_a_pod_is_processes_of_this_machine(node: Node, controlplane: ControlPlane, namespace: str) -> None:
    controlplane.apply(_set("web"), namespace)
    _ready(controlplane, namespace, "web")
    status = _get(controlplane, namespace, "pod/web-0")["status"]
    container = status["containerStatuses"][0]["containerID"].removeprefix("containerd://")
    assert container in node.containerd("tasks", "list")
    assert status["podIP"].startswith(node.settings().pods.rpartition(".")[0])


def test_exec_runs_in_the_container(controlplane: ControlPlane, namespace: str) -> None:
    controlplane.apply(_set("web"), namespace)
    _ready(controlplane, namespace, "web")
    assert _exec(controlplane, namespace, "web-0", "hostname") == "web-0\n"
    failed = controlplane.kubectl("exec", "web-0", "-n", namespace, "--", "sh", "-c", "exit 7", check=False)
    assert failed.returncode == 7
    missing = controlplane.kubectl("exec", "web-0", "-n", namespace, "--", "no-such-program", check=False)
    assert missing.returncode != 0 and "executable file not found" in missing.stderr


def test_logs_are_what_the_container_wrote(controlplane: ControlPlane, namespace: str) -> None:
    controlplane.apply(_set("talk", container='{"command": ["sh", "-c", "echo first; echo second >&2; exec sleep 1000"]}'), namespace)
    _ready(controlplane, namespace, "talk")
    _until(
        lambda: sorted(controlplane.kubectl("logs", "talk-0", "-n", namespace).stdout.splitlines()) == ["first", "second"], "both lines",
    )


def test_port_forward_reaches_the_container(controlplane: ControlPlane, namespace: str) -> None:
    controlplane.apply(_set("web", image="app:2"), namespace)
    _ready(controlplane, namespace, "web")
    with controlplane.kubectl_popen("port-forward", "pod/web-0", ":8080", "-n", namespace, "--address=127.0.0.1") as forward:
        try:
            assert forward.stdout is not None
            found = re.search(r"127\.0\.0\.1:(\d+)", forward.stdout.readline())
            assert found is not None
            with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/version", timeout=10) as answer:
                assert answer.read() == b"2\n"
        finally:
            forward.terminate()


def test_the_api_server_reaches_pods_by_itself(controlplane: ControlPlane, namespace: str) -> None:
    controlplane.apply(_set("web"), namespace)
    _ready(controlplane, namespace, "web")
    assert controlplane.kubectl("get", "--raw", f"/api/v1/namespaces/{namespace}/pods/web-0:8080/proxy/version").stdout == "1\n"


def test_resolv_conf_is_the_kubelet_s(controlplane: ControlPlane, namespace: str) -> None:
    controlplane.apply(_set("web"), namespace)
    _ready(controlplane, namespace, "web")
    told = dict(line.split(" ", 1) for line in _exec(controlplane, namespace, "web-0", "cat", "/etc/resolv.conf").splitlines())
    assert told["nameserver"] == CLUSTER_DNS
    assert told["search"].split() == [f"{namespace}.svc.cluster.local", "svc.cluster.local", "cluster.local", SEARCH_DOMAIN]
    assert told["options"] == "ndots:5"


def test_pods_find_each_other_by_name(controlplane: ControlPlane, namespace: str) -> None:
    controlplane.apply(_set("web", replicas=2), namespace)
    _ready(controlplane, namespace, "web")
    address = _get(controlplane, namespace, "pod/web-1")["status"]["podIP"]

    def answer(name: str) -> str:
        return controlplane.kubectl("exec", "web-0", "-n", namespace, "--", "nslookup", "-type=a", name, check=False).stdout

    name = f"web-1.web.{namespace}.svc.cluster.local"
    # A cached "no such name" may have to run out first.
    _until(lambda: f"Address: {address}" in answer(name), name, seconds=45)
    assert "NXDOMAIN" in answer(f"web-9.web.{namespace}.svc.cluster.local")
    assert _exec(controlplane, namespace, "web-0", "wget", "-qO-", "http://web-1.web:8080/version") == "1\n"


def test_pods_reach_the_api_server_by_the_service(controlplane: ControlPlane, namespace: str) -> None:
    """By kube-proxy's rules; busybox speaks no TLS that it would accept, and is told so by the server."""
    controlplane.apply(_set("web"), namespace)
    _ready(controlplane, namespace, "web")
    script = "(printf 'GET / HTTP/1.0\\r\\n\\r\\n'; sleep 2) | timeout 10 nc kubernetes.default.svc 443"
    assert "Client sent an HTTP request to an HTTPS server" in _exec(controlplane, namespace, "web-0", "sh", "-c", script)


def test_data_stays_with_the_claim(controlplane: ControlPlane, namespace: str) -> None:
    more = {"volumeClaimTemplates": [{
        "metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }]}
    container = '{"volumeMounts": [{"name": "data", "mountPath": "/data"}]}'
    controlplane.apply(_set("db", container=container, more=json.dumps(more)), namespace)
    _ready(controlplane, namespace, "db")
    _exec(controlplane, namespace, "db-0", "sh", "-c", "echo precious > /data/row")
    uid = _get(controlplane, namespace, "pod/db-0")["metadata"]["uid"]
    controlplane.kubectl("delete", "pod", "db-0", "-n", namespace)
    _until(lambda: _get(controlplane, namespace, "pods")["items"] != [], "a new pod")
    _ready(controlplane, namespace, "db")
    assert _get(controlplane, namespace, "pod/db-0")["metadata"]["uid"] != uid
    assert _exec(controlplane, namespace, "db-0", "cat", "/data/row") == "precious\n"


def test_a_crash_loop_is_terminated_for_nearly_all_of_its_back_off(controlplane: ControlPlane, namespace: str) -> None:
    """What KWOK's stages play: the state is `terminated` while the kubelet waits, with the exit code and the last words."""
    controlplane.apply(_set("crash", image="app:crash"), namespace)
    seen = []
    end = time.monotonic() + 60

    def status() -> Any:
        return next(iter(_get(controlplane, namespace, "pod/crash-0")["status"].get("containerStatuses", [])), {})

    _until(lambda: bool(_get(controlplane, namespace, "pods")["items"]), "the pod")
    while time.monotonic() < end:
        found = status()
        seen.append(next(iter(found.get("state", {"": 0}))))
        if found.get("restartCount", 0) >= 3:
            break
        time.sleep(0.5)
    last = status()["lastState"]["terminated"]
    assert (last["exitCode"], last["reason"], last["message"].strip()) == (3, "Error", "no database")
    assert seen.count("terminated") > 4 * seen.count("waiting") and seen.count("terminated") > len(seen) / 2, seen


def test_a_silent_node_is_one(node: Node, controlplane: ControlPlane, namespace: str) -> None:
    """The pods go on; the node controller finds out after its grace period."""
    controlplane.apply(_set("web"), namespace)
    _ready(controlplane, namespace, "web")
    node.silence()
    try:
        controlplane.kubectl("wait", "--for=condition=Ready=unknown", f"node/{node.name}", "--timeout=60s")
        controlplane.kubectl("wait", "--for=condition=Ready=false", "pod/web-0", "-n", namespace, "--timeout=30s")
    finally:
        node.wake()
    controlplane.kubectl("wait", "--for=condition=Ready", f"node/{node.name}", "--timeout=60s")
    controlplane.kubectl("wait", "--for=condition=Ready", "pod/web-0", "-n", namespace, "--timeout=60s")


def test_three_etcd_members_have_a_quorum(controlplane: ControlPlane, namespace: str) -> None:
    controlplane.apply(ETCD, namespace)
    controlplane.kubectl("rollout", "status", "statefulset/etcd", "-n", namespace, "--timeout=120s")
    _until(lambda: put(controlplane, namespace, "etcd-0", "color", "green"), "a write", seconds=60)
    assert put(controlplane, namespace, "etcd-2", "color", "blue")
