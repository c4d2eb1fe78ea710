"""``kubectl pets lost``: whole blocks, and the shape that programs read."""

import json
from datetime import timedelta

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.model import Condition
from kubectl_pets.domain.safety.lost import ForceRefused, ForceRefusedReason, Held, HeldVolume, LostPod
from kubectl_pets.domain.safety.nodes import UNREACHABLE_TAINT, NodeState, Taint
from kubectl_pets.views.safety import lost
from kubectl_pets.views.safety import words as safety_words
from tests.views.builders import NOW, ago
from tests.views.screens import screen


def pod(**changes: object) -> LostPod:
    conditions = (
        Condition(type="MemoryPressure", status="False"),
        Condition(type="DiskPressure", status="True", reason="KubeletHasDiskPressure"),
        Condition(type="Ready", status="Unknown", reason="NodeStatusUnknown", message="Kubelet stopped posting node status."),
    )
    found = LostPod(
        namespace="prod",
        set="web",
        name="web-1",
        uid="uid-1",
        resource_version="7",
        held=Held.LOST,
        phase="Running",
        deadline=ago(minutes=3),
        node="node-b",
        node_state=NodeState.SILENT,
        since=ago(minutes=9),
        conditions=conditions,
        taints=(Taint(key=UNREACHABLE_TAINT, effect="NoExecute"), Taint(key="team", value="db", effect="NoSchedule")),
        volumes=(HeldVolume(claim="data-web-1", volume="pv-7", attached_to=("node-b",)),),
    )
    return replace(found, **changes)


def test_a_node_that_does_not_answer() -> None:
    other = pod(name="web-3", set="web", held=Held.WAITING, deadline=None, volumes=())
    assert lost.draw([pod(), other], NOW) == screen(
        """
        node node-b  does not answer, for 9m
        ├─ Conditions
        │  DiskPressure True  KubeletHasDiskPressure
        │  Ready Unknown  NodeStatusUnknown: Kubelet stopped posting node status.
        ├─ Taints
        │  node.kubernetes.io/unreachable:NoExecute
        │  team=db:NoSchedule
        ├─ Pods
        │  prod/web-1  lost, overdue for 3m
        │    claim data-web-1, volume pv-7, attached to this node
        │  prod/web-3  not marked for deletion yet
        └─ Choices, the safest first
           1. bring node-b back: its kubelet then ends the pods itself, and nothing is at risk
              kubectl wait --for=condition=Ready node/node-b --timeout=10m
           2. only if node-b is off for good: delete its Node object; volumes follow after some minutes
              kubectl delete node node-b
           3. only if node-b is off: taint it as out of service, which frees its volumes; untaint it once it is back
              kubectl taint nodes node-b node.kubernetes.io/out-of-service=nodeshutdown:NoExecute
              kubectl taint nodes node-b node.kubernetes.io/out-of-service-
           4. only if node-b is off and nothing above will do: force the pod out. While it still runs there, two pods of one name write the same data
              kubectl pets lost web --force-delete web-1 -n prod
        """
    )


def test_other_nodes() -> None:
    gone = pod(node="node-a", node_state=NodeState.GONE, since=None, conditions=(), taints=())
    unread = pod(node="node-c", node_state=NodeState.UNKNOWN, held=Held.UNSURE, since=None, conditions=(), taints=())
    assert lost.draw([unread, gone], NOW) == screen(
        """
        node node-a  has no Node object
        ├─ Pods
        │  prod/web-1  lost, overdue for 3m
        │    claim data-web-1, volume pv-7, attached to node-b
        └─ Choices, the safest first
           1. wait: the pod garbage collector removes the pods within a minute or two, if kube-controller-manager runs
              kubectl wait --for=delete pod/web-1 -n prod --timeout=5m
           2. only if node-a is off and nothing above will do: force the pod out. While it still runs there, two pods of one name write the same data
              kubectl pets lost web --force-delete web-1 -n prod

        node node-c  could not be read
        ├─ Pods
        │  prod/web-1  unsure whether lost, overdue for 3m
        │    claim data-web-1, volume pv-7, attached to node-b
        └─ Choices, the safest first
           1. get the right to read nodes first: nothing can be said before
              kubectl auth can-i list nodes
        """
    )
    speaks = lost.draw([pod(node_state=NodeState.NOT_READY)], NOW)
    assert "not ready, but its kubelet reports, for 9m" in speaks and "--force-delete" not in speaks and "2." not in speaks


@pytest.mark.parametrize(
    ("hold", "told"),
    [
        (HeldVolume(claim="c", volume="", attached_to=None), "claim c, volume unknown"),
        (HeldVolume(claim="c", volume="pv", attached_to=None), "claim c, volume pv, attachment unknown"),
        (HeldVolume(claim="c", volume="pv", attached_to=()), "claim c, volume pv, no attachment on record"),
        (HeldVolume(claim="c", volume="pv", attached_to=("a", "node-b")), "claim c, volume pv, attached to a, this node"),
    ],
)
def test_volumes(hold: HeldVolume, told: str) -> None:
    assert f"    {told}\n" in lost.draw([pod(volumes=(hold,))], NOW)


def test_pods_within_their_time_and_of_no_phase() -> None:
    soon = lost.draw([pod(held=Held.WAITING, deadline=NOW + timedelta(seconds=30))], NOW)
    assert "prod/web-1  within its grace period\n" in soon and "--force-delete" not in soon
    assert "lost, phase Unknown" in lost.draw([pod(deadline=None, phase="Unknown")], NOW)


def test_totals() -> None:
    def told(*pods: LostPod, nodes_read: bool = True, pods_read: bool = True) -> str:
        return lost.total(pods, nodes_read=nodes_read, pods_read=pods_read)

    assert told() == "no pod is held by a node that does not answer"
    assert told(pod(), pod(held=Held.WAITING)) == "1 pod lost, 1 pod on nodes that do not answer"
    assert told(pod(held=Held.UNSURE), nodes_read=False) == "1 pod overdue on nodes that could not be read\nnot read: nodes"
    assert told(nodes_read=False, pods_read=False) == "unknown whether pods are lost\nnot read: nodes, pods"


def test_every_refusal_has_words_and_a_next_step() -> None:
    told = {
        (safety_words.force_refused(ForceRefused(reason=why, pod="web-1", node="node-b", claims=("data-web-1",))), safety_words.after_refusal(ForceRefused(reason=why, pod="web-1")))
        for why in ForceRefusedReason
    }
    assert len({words for words, _ in told}) == len(ForceRefusedReason) and all(step for _, step in told)


def test_for_programs() -> None:
    (item,) = json.loads(lost.many([pod()], "json"))["items"]
    assert item["node"]["state"] == "silent" and item["node"]["since"] == "2026-11-24T11:55:31Z"
    assert item["volumes"] == [{"claim": "data-web-1", "volume": "pv-7", "attachedTo": ["node-b"], "terminating": False}]
    assert item["choices"][1] == {"choice": "delete-node", "commands": ["kubectl delete node node-b"]}
    assert lost.many([pod()], "name") == "pod/web-1"
