"""What the fake kubelet plays, the real controllers decide: proof that tests may rely on both."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.controlplane import ControlPlane

pytestmark = pytest.mark.real


def _pod(image: str = "app:1", annotations: str = "{}", labels: str = "{}", more: str = "") -> str:
    return f"""
apiVersion: v1
kind: Pod
metadata: {{name: p, annotations: {annotations}, labels: {labels}}}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{{name: app, image: "{image}"}}]
  {more}
"""


def _get(plane: ControlPlane, namespace: str, *what: str) -> Any:
    return json.loads(plane.kubectl("get", *what, "-n", namespace, "-o", "json").stdout)


def _wait(plane: ControlPlane, namespace: str, condition: str, what: str = "pod/p") -> None:
    plane.kubectl("wait", f"--for={condition}", what, "-n", namespace, "--timeout=60s")


def test_a_pod_runs_and_looks_like_one(controlplane: ControlPlane, namespace: str) -> None:
    controlplane.apply(_pod(), namespace)
    _wait(controlplane, namespace, "condition=Ready")
    status = _get(controlplane, namespace, "pod/p")["status"]
    assert status["phase"] == "Running" and status["podIP"].startswith("10.244.")
    assert {each["type"] for each in status["conditions"]} >= {"PodScheduled", "Initialized", "ContainersReady", "Ready"}
    container = status["containerStatuses"][0]
    assert container["restartCount"] == 0 and container["started"] and "startedAt" in container["state"]["running"]


def test_ready_after(controlplane: ControlPlane, namespace: str) -> None:
    made = _pod(annotations='{kubectl-pets.test/ready-after: "2s"}')
    seen = _pods_seen(controlplane, namespace, made, lambda pod: _condition(pod, "Ready") == "True")
    running = [pod["status"] for pod in seen if pod["status"]["phase"] == "Running"]
    assert not running[0]["containerStatuses"][0]["ready"] and running[-1]["containerStatuses"][0]["ready"]


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        ("broken", "ImagePullBackOff"),
        ("crash", "CrashLoopBackOff"),
        ("config-error", "CreateContainerConfigError"),
        ("invalid", "InvalidImageName"),
    ],
)
def test_images_that_fail(controlplane: ControlPlane, namespace: str, tag: str, reason: str) -> None:
    controlplane.apply(_pod(image=f"app:{tag}"), namespace)
    _wait(controlplane, namespace, f"jsonpath={{.status.containerStatuses[0].state.waiting.reason}}={reason}")
    if tag == "crash":
        _wait(controlplane, namespace, "jsonpath={.status.containerStatuses[0].restartCount}=2")


def _pods_seen(plane: ControlPlane, namespace: str, manifest: str, over: Callable[[Any], bool]) -> list[Any]:
    """Every state of the pod from its creation on, until one is ``over``: watched from before it was made, however slow kubectl is."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    before = json.loads(plane.kubectl("get", "--raw", path).stdout)["metadata"]["resourceVersion"]
    plane.apply(manifest, namespace)
    with plane.kubectl_popen("get", "--raw", f"{path}?watch=1&resourceVersion={before}") as watch:
        try:
            assert watch.stdout is not None
            seen: list[Any] = []
            for line in watch.stdout:
                seen.append(json.loads(line)["object"])
                if over(seen[-1]):
                    return seen
            raise AssertionError(f"the watch ended: {seen}")
        finally:
            watch.terminate()


def _watched(plane: ControlPlane, namespace: str, manifest: str, field: str, restarts: int) -> list[dict[str, Any]]:
    """Every status of the pod's first container (of that field) until it has been restarted so often."""

    def first(pod: Any) -> list[dict[str, Any]]:
        return [{**each, "podReady": _condition(pod, "Ready")} for each in pod["status"].get(field, [])[:1]]

    seen = _pods_seen(plane, namespace, manifest, lambda pod: any(each["restartCount"] == restarts for each in first(pod)))
    return [status for pod in seen for status in first(pod)]


def _condition(pod: Any, kind: str) -> str:
    return str(next((each["status"] for each in pod["status"].get("conditions", []) if each["type"] == kind), ""))


@pytest.mark.parametrize(("tag", "code", "reason"), [("dies", 3, "Error"), ("oom", 137, "OOMKilled"), ("ends", 0, "Completed")])
def test_containers_that_end_and_are_started_again(controlplane: ControlPlane, namespace: str, tag: str, code: int, reason: str) -> None:
    """As recorded from a kubelet: Ready while it lives, terminated for the back-off, CrashLoopBackOff just before the restart."""
    seen = _watched(controlplane, namespace, _pod(image=f"app:{tag}"), "containerStatuses", 3)
    states = [next(iter(each["state"])) for each in seen]
    assert states[:7] == ["running", "terminated", "waiting", "running", "terminated", "waiting", "running"]
    assert [each["podReady"] for each in seen[:4]] == ["True", "False", "False", "True"]
    ended, waits, again = seen[4:7]
    assert (ended["state"]["terminated"]["exitCode"], ended["state"]["terminated"]["reason"]) == (code, reason)
    assert ended["restartCount"] == 1 and ended["lastState"]["terminated"]["exitCode"] == code
    assert waits["state"]["waiting"]["reason"] == "CrashLoopBackOff" and waits["restartCount"] == 1
    assert again["restartCount"] == 2 and again["lastState"]["terminated"] == ended["state"]["terminated"]


def test_an_init_container_that_fails_holds_the_pod_back(controlplane: ControlPlane, namespace: str) -> None:
    controlplane.apply(_pod(more='initContainers: [{name: first, image: "app:1"}, {name: setup, image: "app:dies"}]'), namespace)
    _wait(controlplane, namespace, "jsonpath={.status.initContainerStatuses[1].restartCount}=2")
    pod = _get(controlplane, namespace, "pod/p")
    assert pod["status"]["phase"] == "Pending" and _condition(pod, "Initialized") == "False" == _condition(pod, "Ready")
    first, setup = pod["status"]["initContainerStatuses"]
    assert first["state"]["terminated"]["exitCode"] == 0 and setup["lastState"]["terminated"]["exitCode"] == 3 and not setup["ready"]
    assert pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "PodInitializing"


def test_a_sidecar_that_crashes_takes_the_pod_s_readiness_along(controlplane: ControlPlane, namespace: str) -> None:
    made = _pod(more='initContainers: [{name: side, image: "app:dies", restartPolicy: Always}]')
    seen = _watched(controlplane, namespace, made, "initContainerStatuses", 2)
    assert {(next(iter(each["state"])), each["podReady"]) for each in seen} == {("running", "True"), ("terminated", "False"), ("waiting", "False")}
    assert all(each["started"] == ("running" in each["state"]) for each in seen)
    assert _get(controlplane, namespace, "pod/p")["status"]["containerStatuses"][0]["restartCount"] == 0


def test_never_ready_and_flaky(controlplane: ControlPlane, namespace: str) -> None:
    controlplane.apply(_pod(image="app:flaky"), namespace)
    _wait(controlplane, namespace, "condition=Ready")
    _wait(controlplane, namespace, "condition=Ready=false")
    controlplane.apply(_pod(image="app:never-ready").replace("name: p,", "name: q,"), namespace)
    _wait(controlplane, namespace, "jsonpath={.status.phase}=Running", "pod/q")
    _wait(controlplane, namespace, "condition=Ready=false", "pod/q")


def test_a_label_makes_a_pod_unready(controlplane: ControlPlane, namespace: str) -> None:
    controlplane.apply(_pod(), namespace)
    _wait(controlplane, namespace, "condition=Ready")
    controlplane.kubectl("label", "pod", "p", "kubectl-pets.test/unready=true", "-n", namespace)
    _wait(controlplane, namespace, "condition=Ready=false")
    controlplane.kubectl("label", "pod", "p", "kubectl-pets.test/unready-", "-n", namespace)
    _wait(controlplane, namespace, "condition=Ready")


def test_the_real_scheduler_finds_no_node(controlplane: ControlPlane, namespace: str) -> None:
    controlplane.apply(_pod(more="nodeSelector: {there-is: none}"), namespace)
    _wait(controlplane, namespace, 'jsonpath={.status.conditions[?(@.type=="PodScheduled")].reason}=Unschedulable')


def test_jobs_complete(controlplane: ControlPlane, namespace: str) -> None:
    controlplane.kubectl("create", "job", "j", "--image=app:1", "-n", namespace)
    _wait(controlplane, namespace, "condition=Complete", "job/j")


def test_claims_get_volumes_that_are_reclaimed(controlplane: ControlPlane, namespace: str) -> None:
    claim = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: c}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
"""
    controlplane.apply(claim, namespace)
    _wait(controlplane, namespace, "jsonpath={.status.phase}=Bound", "pvc/c")
    volume = _get(controlplane, namespace, "pvc/c")["spec"]["volumeName"]
    controlplane.kubectl("delete", "pvc", "c", "-n", namespace)
    controlplane.kubectl("wait", "--for=delete", f"pv/{volume}", "--timeout=60s")


def test_exec_and_port_forward(controlplane: ControlPlane, namespace: str) -> None:
    import http.server
    import re
    import threading
    import urllib.request

    controlplane.apply(_pod(), namespace)
    _wait(controlplane, namespace, "condition=Ready")
    assert controlplane.kubectl("exec", "p", "-n", namespace, "--", "sh", "-c", "echo hi").stdout == "hi\n"

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "12")  # a forwarded connection does not pass its end on
            self.end_headers()
            self.wfile.write(b"from the pod")

        def log_message(self, *args: object) -> None:
            """Not on the test's output."""

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        controlplane.forward_port(namespace, "p", {8080: server.server_port})
        forward = controlplane.kubectl_popen("port-forward", "pod/p", ":8080", "-n", namespace, "--address=127.0.0.1")
        assert forward.stdout is not None
        found = re.search(r"127\.0\.0\.1:(\d+)", forward.stdout.readline())
        assert found is not None
        with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/", timeout=10) as response:
            assert response.read() == b"from the pod"
        forward.terminate()
        forward.communicate()
        server.shutdown()
        thread.join()


def test_a_node_that_stops_answering(controlplane: ControlPlane, namespace: str) -> None:
    node = f"silent-{namespace}"
    controlplane.add_node(node, {"only": namespace}, reserved=True)
    more = f"nodeSelector: {{only: {namespace}}}\n  tolerations: [{{operator: Exists, effect: NoSchedule}}]"
    controlplane.apply(_pod(more=more), namespace)
    _wait(controlplane, namespace, "condition=Ready")
    controlplane.silence_node(node)
    controlplane.kubectl("delete", "pod", "p", "-n", namespace, "--wait=false", "--grace-period=1")
    _wait(controlplane, namespace, "condition=Ready=false")
    assert "deletionTimestamp" in _get(controlplane, namespace, "pod/p")["metadata"]
    controlplane.wake_node(node)
    controlplane.kubectl("wait", "--for=delete", "pod/p", "-n", namespace, "--timeout=60s")
    controlplane.kubectl("delete", "node", node)


def test_requests_can_be_counted(controlplane: ControlPlane, namespace: str) -> None:
    def seen() -> list[str]:
        return [each["verb"] for each in controlplane.requests("kubectl") if each.get("objectRef", {}).get("namespace") == namespace]

    controlplane.kubectl("get", "configmaps", "-n", namespace)
    deadline = time.monotonic() + 10
    while seen() != ["list"]:  # an event is written when its answer is out
        assert time.monotonic() < deadline, seen()
        time.sleep(0.05)


def test_users(controlplane: ControlPlane, namespace: str) -> None:
    def said(kubeconfig: Any) -> str:
        return controlplane.kubectl("get", "pods", "-n", namespace, check=False, kubeconfig=kubeconfig).stderr

    assert "forbidden" in said(controlplane.kubeconfig_for("carol"))
    assert "logged in" in said(controlplane.expired_kubeconfig)
    assert "forbidden" in said(controlplane.certificate_kubeconfig("zoe"))
    assert "forbidden" not in said(controlplane.certificate_kubeconfig("root", ("system:masters",)))
