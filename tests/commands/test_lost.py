"""lost on the real control plane: a node falls silent, and nothing is forced that is not lost."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.commands.plugin import Plugin, manifest
from tests.controlplane import ControlPlane

pytestmark = pytest.mark.real


@pytest.fixture
def node(controlplane: ControlPlane, namespace: str) -> Iterator[str]:
    """A node of this test's own, with a set of one pod and a claim on it."""
    name = f"lost-{namespace}"
    controlplane.add_node(name, {"only": namespace}, reserved=True)
    yield name
    controlplane.kubectl("delete", "node", name, check=False)


def _place(pets: Plugin) -> None:
    place = f"nodeSelector: {{only: {pets.namespace}}}\n      tolerations: [{{operator: Exists, effect: NoSchedule}}]\n      containers:"
    pets.plane.apply(manifest(replicas=1, claims=True).replace("containers:", place), pets.namespace)
    pets("status", "web", "-w", "--until", "ready", "--timeout", "60s")


def _lose(pets: Plugin, node: str) -> None:
    """The node falls silent, and somebody deletes the pod; its grace period is over when this returns."""
    pets.plane.silence_node(node)
    pets.kubectl("delete", "pod", "web-0", "--wait=false", "--grace-period=1")
    pets.eventually(lambda: _pods(pets, "web", expect=0)[0]["held"] == "lost", "the grace period is over")
    unreachable = "node.kubernetes.io/unreachable:NoExecute"  # comes a moment after the one that keeps new pods away
    pets.eventually(lambda: unreachable in pets("lost", "web").stdout, "the node is tainted")


def _pods(pets: Plugin, *words: str, expect: int) -> Any:
    return json.loads(pets("lost", *words, "-o", "json", expect=expect).stdout)["items"]


def _attach(pets: Plugin, node: str, volume: str) -> None:
    """What a CSI driver would have left; hostPath volumes are not attached."""
    pets.plane.apply(
        f"""
apiVersion: storage.k8s.io/v1
kind: VolumeAttachment
metadata: {{name: attachment-{pets.namespace}}}
spec: {{attacher: csi.example.com, nodeName: {node}, source: {{persistentVolumeName: {volume}}}}}
"""
    )
    status = json.dumps({"status": {"attached": True}})
    name = f"attachment-{pets.namespace}"
    pets.plane.kubectl("patch", "volumeattachment", name, "--subresource=status", "--type=merge", "-p", status)


def test_a_pod_is_lost_and_what_can_be_done(pets: Plugin, node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _place(pets)
    assert "no pod is held" in pets("lost", "--check").stderr
    volume = pets.get("pvc", "data-web-0")["spec"]["volumeName"]
    _attach(pets, node, volume)
    _lose(pets, node)
    result = pets("lost", "web", "--check", expect=7)
    shown = result.stdout
    assert f"node {node}" in shown and "does not answer, for" in shown and "Ready Unknown" in shown
    assert "node.kubernetes.io/unreachable:NoExecute" in shown
    assert f"{pets.namespace}/web-0  lost" in shown and f"claim data-web-0, volume {volume}, attached to this node" in shown
    commands = [
        f"kubectl wait --for=condition=Ready node/{node} --timeout=10m",
        f"kubectl delete node {node}",
        f"kubectl taint nodes {node} node.kubernetes.io/out-of-service=nodeshutdown:NoExecute",
        f"kubectl pets lost web --force-delete web-0 -n {pets.namespace}",
    ]
    places = [shown.index(command) for command in commands]
    assert places == sorted(places)
    (pod,) = [pod for pod in _pods(pets, "-A", "--check", expect=7) if pod["metadata"]["namespace"] == pets.namespace]
    assert (pod["node"]["state"], pod["held"]) == ("silent", "lost")
    assert [choice["choice"] for choice in pod["choices"]] == ["return", "delete-node", "out-of-service", "force-delete"]
    assert result.stderr == "1 pod lost\n"

    def types(terminal: object, question: str, word: str) -> bool:
        pets.plane.wake_node(node)
        return True

    # It is judged again after the answer: here the node came back while somebody was typing.
    monkeypatch.setattr("kubectl_pets.session.Terminal.types", types)
    said = pets("lost", "web", "--force-delete", "web-0", interactive=True, expect=6).stderr
    assert "is not lost" in said or "another pod" in said or "no pod web-0" in said
    pets("status", "web", "-w", "--until", "ready", "--timeout", "60s")  # the kubelet ended it, the controller made a new one
    pets("lost", "web", "--check")
    pets.plane.kubectl("delete", "volumeattachment", f"attachment-{pets.namespace}", "--wait=false")


def test_of_several_sets_one_on_a_node_that_was_deleted_is_not_complete(pets: Plugin, node: str) -> None:
    """For up to a minute its pod says Ready yet, and one look at many asks no node by its name."""
    _place(pets)
    pets.make("other", replicas=1)

    def phases() -> dict[str, str]:
        items = json.loads(pets("list", "-o", "json").stdout)["items"]
        return {each["metadata"]["name"]: each["status"]["phase"] for each in items}

    assert phases() == {"other": "complete", "web": "complete"}
    pets.plane.kubectl("delete", "node", node)
    assert phases() == {"other": "complete", "web": "failing"}
    shown = pets("status", "other", "web", expect=3)
    assert node in shown.stdout


def test_force_takes_the_node_s_name_typed(pets: Plugin, node: str) -> None:
    _place(pets)
    _lose(pets, node)
    uid = pets.uids()["web-0"]
    force = ("lost", "web", "--force-delete", "web-0")
    said = pets(*force, expect=6).stderr
    assert node in said and "corrupt" in said and "no flag stands in for that" in said and "Nothing was changed" in said
    assert "No such option" in pets(*force, "-y", expect=2).stderr
    for typed in ("y\n", "yes\n", "web-0\n", "\n", ""):
        assert "nothing was changed" in pets(*force, interactive=True, answers=typed, expect=6).stderr
    _without_rights(pets, *force, answers=f"{node}\n")
    assert pets.uids() == {"web-0": uid}
    assert "web-0 was forced out" in pets(*force, interactive=True, answers=f"{node}\n").stdout
    pets.eventually(lambda: pets.uids().get("web-0") != uid, "the controller replaces it")


def _without_rights(pets: Plugin, *force: str, answers: str) -> None:
    """Alice may not read nodes, so nothing is known; she may then, but may not delete pods, and is not even asked."""
    pets.kubectl("create", "role", "look", "--verb=get,list", "--resource=statefulsets.apps,controllerrevisions.apps,pods")
    pets.kubectl("create", "rolebinding", "look", "--role=look", "--user=alice")
    _await_right(pets, "pods")
    kubeconfig = pets.plane.kubeconfig_for("alice")
    result = pets("lost", "web", "--check", expect=7, kubeconfig=kubeconfig)
    assert "could not be read" in result.stdout and "unsure whether lost, overdue" in result.stdout and "not read: nodes" in result.stderr
    assert "--force-delete" not in result.stdout
    said = pets(*force, interactive=True, answers=answers, expect=6, kubeconfig=kubeconfig).stderr
    assert "whether" in said and "unknown" in said
    cluster = f"nodes-{pets.namespace}"
    pets.plane.kubectl("create", "clusterrole", cluster, "--verb=list", "--resource=nodes")
    pets.plane.kubectl("create", "clusterrolebinding", cluster, f"--clusterrole={cluster}", "--user=alice")
    try:
        _await_right(pets, "nodes")
        said = pets(*force, interactive=True, answers=answers, expect=1, kubeconfig=kubeconfig).stderr
        assert "delete pods" in said and "Type the node" not in said
    finally:
        pets.plane.kubectl("delete", "clusterrolebinding,clusterrole", cluster)


def _await_right(pets: Plugin, resource: str) -> None:
    words = ("auth", "can-i", "list", resource, "--as=alice", "-n", pets.namespace)
    pets.eventually(lambda: pets.plane.kubectl(*words, check=False).stdout.strip() == "yes", "the role counts")


def test_a_claim_that_is_being_deleted_keeps_its_pod_from_being_forced_out(pets: Plugin, node: str) -> None:
    _place(pets)
    pets.kubectl("delete", "pvc", "data-web-0", "--wait=false")
    _lose(pets, node)
    uid = pets.uids()["web-0"]
    shown = pets("lost", "web").stdout
    assert "claim data-web-0 (Terminating), volume" in shown and "--force-delete" not in shown
    said = pets("lost", "web", "--force-delete", "web-0", interactive=True, answers=f"{node}\n", expect=6).stderr
    assert "claim data-web-0 of web-0 is being deleted, and once the pod goes it is gone with its data" in said
    assert f"kubectl get pvc data-web-0 -n {pets.namespace}" in said and "Type the node" not in said
    assert pets.uids() == {"web-0": uid} and pets.get("pvc", "data-web-0")["status"]["phase"] == "Bound"


def test_what_is_not_lost_is_not_forced(pets: Plugin, node: str) -> None:
    _place(pets)
    uids = pets.uids()

    def refused(pod: str = "web-0") -> str:
        return pets("lost", "web", "--force-delete", pod, interactive=True, answers=f"{node}\n", expect=6).stderr

    assert "is not lost" in refused() and "is Ready" in refused()
    assert "no pod web-7" in refused("web-7")
    pets.plane.silence_node(node)
    assert "is not being deleted" in refused()
    assert _pods(pets, "web", "--check", expect=0)[0]["held"] == "waiting"
    pets.kubectl("delete", "pod", "web-0", "--wait=false", "--grace-period=600")
    assert "grace period of web-0 is not over" in refused()
    assert "force-delete" not in pets("lost", "web").stdout
    pets.plane.kubectl("delete", "node", node)
    (pod,) = _pods(pets, "web", expect=0)
    assert (pod["node"]["state"], [choice["choice"] for choice in pod["choices"]]) == ("gone", ["await-collection"])
    assert "has no Node object" in pets("lost", "web").stdout and "grace period" in refused()
    assert pets.uids() == uids


def test_bad_input(pets: Plugin) -> None:
    assert "no StatefulSet nobody" in pets("lost", "nobody", expect=1).stderr
    assert "exclude each other" in pets("lost", "web", "-A", expect=2).stderr
    assert "needs the set's name" in pets("lost", "--force-delete", "web-0", expect=2).stderr
    assert pets("lost", "-o", "name").stdout.strip() == ""
