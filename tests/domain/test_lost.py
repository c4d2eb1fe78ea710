"""Which pods are lost, and that nothing that is not lost is ever forced."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kubectl_pets.domain.model import Condition, ObjectMeta, PersistentVolumeClaim, PersistentVolumeClaimSpec, Pod, SetView
from kubectl_pets.domain.safety.lost import Choice, Force, ForceRefused, ForceRefusedReason, Held, LostPod, force, judge
from kubectl_pets.domain.safety.nodes import (
    OUT_OF_SERVICE_TAINT,
    UNREACHABLE_TAINT,
    AttachmentSource,
    AttachmentSpec,
    AttachmentStatus,
    Node,
    NodeSpec,
    NodeState,
    NodeStatus,
    Taint,
    VolumeAttachment,
)
from tests.domain.builders import NOW, pod, snapshot, snapshots, statefulset

Reason = ForceRefusedReason
SINCE = NOW - timedelta(minutes=9)
OVERDUE = NOW - timedelta(minutes=3)


def node(ready: str = "Unknown", *taints: str, name: str = "node-1") -> Node:
    conditions = (Condition(type="Ready", status=ready, last_transition_time=SINCE),) if ready else ()
    spec = NodeSpec(taints=tuple(Taint(key=key, effect="NoExecute", time_added=NOW) for key in taints))
    return Node(metadata=ObjectMeta(name=name), spec=spec, status=NodeStatus(conditions=conditions))


def judged(*pods: Pod, nodes: tuple[Node, ...] | None = (node(),), attachments: tuple[VolumeAttachment, ...] | None = ()) -> tuple[LostPod, ...]:
    return judge((snapshot(statefulset(), *pods),), nodes, attachments, NOW)


@pytest.mark.parametrize(
    ("shown", "state", "since"),
    [
        (node("True"), NodeState.ANSWERS, None),
        (node("False"), NodeState.NOT_READY, SINCE),
        (node("Unknown", UNREACHABLE_TAINT), NodeState.SILENT, SINCE),
        (node("", UNREACHABLE_TAINT), NodeState.SILENT, NOW),
        (node(""), NodeState.SILENT, None),
        (node("True", UNREACHABLE_TAINT), NodeState.ANSWERS, None),
    ],
)
def test_states_of_a_node(shown: Node, state: NodeState, since: object) -> None:
    assert (shown.state, shown.silent_since) == (state, since)


SAFE = (Choice.RETURN, Choice.DELETE_NODE, Choice.OUT_OF_SERVICE)


@pytest.mark.parametrize(
    ("shown", "nodes", "held", "choices"),
    [
        pytest.param(pod(0, leaving=OVERDUE), (node(),), Held.LOST, (*SAFE, Choice.FORCE_DELETE), id="lost"),
        pytest.param(pod(0, leaving=NOW), (node(),), Held.LOST, (*SAFE, Choice.FORCE_DELETE), id="its time is just over"),
        pytest.param(pod(0, leaving=NOW + timedelta(seconds=1)), (node(),), Held.WAITING, SAFE, id="within its grace period"),
        pytest.param(pod(0), (node(),), Held.WAITING, SAFE, id="not terminating"),
        pytest.param(pod(0, phase="Unknown"), (node(),), Held.LOST, SAFE, id="phase Unknown, but not being deleted"),
        pytest.param(pod(0, phase="Failed"), (node(),), None, (), id="ended by itself"),
        pytest.param(pod(0, leaving=OVERDUE), (node("True"),), None, (), id="its node answers"),
        pytest.param(pod(0, leaving=OVERDUE), (node("False"),), Held.LOST, (Choice.RETURN,), id="its kubelet speaks, so it is on"),
        pytest.param(pod(0, leaving=OVERDUE), (), Held.LOST, (Choice.AWAIT_COLLECTION, Choice.FORCE_DELETE), id="no Node object"),
        pytest.param(pod(0, leaving=OVERDUE), None, Held.UNSURE, (Choice.READ_NODES,), id="nodes not read"),
        pytest.param(pod(0), None, None, (), id="nothing to say of it"),
        pytest.param(
            pod(0, leaving=OVERDUE),
            (node("Unknown", OUT_OF_SERVICE_TAINT),),
            Held.LOST,
            (Choice.RETURN, Choice.DELETE_NODE, Choice.AWAIT_COLLECTION, Choice.FORCE_DELETE),
            id="tainted already",
        ),
    ],
)
def test_how_a_pod_stands(shown: Pod, nodes: tuple[Node, ...] | None, held: Held | None, choices: tuple[Choice, ...]) -> None:
    found = judged(shown, nodes=nodes)
    assert [each.held for each in found] == ([held] if held else [])
    assert [each.choices for each in found] == ([choices] if held else [])


def test_volumes_and_what_holds_them() -> None:
    claim = PersistentVolumeClaim(metadata=ObjectMeta(name="data-web-0"), spec=PersistentVolumeClaimSpec(volume_name="pv-7"))
    attached = VolumeAttachment(
        spec=AttachmentSpec(node_name="node-1", source=AttachmentSource(persistent_volume_name="pv-7")),
        status=AttachmentStatus(attached=True),
    )
    others = (replace(attached, status=AttachmentStatus()), replace(attached, spec=AttachmentSpec(node_name="node-2")))
    look = replace(snapshot(statefulset(), pod(0, leaving=OVERDUE, mounts=("data-web-0",))), claims=(claim,))
    (found,) = judge((look,), (node(),), (attached, *others), NOW)
    (hold,) = found.volumes
    assert (hold.claim, hold.volume, hold.attached_to) == ("data-web-0", "pv-7", ("node-1",))
    assert judge((look,), (node(),), None, NOW)[0].volumes[0].attached_to is None
    (hold,) = judge((replace(look, claims=None),), (node(),), (attached,), NOW)[0].volumes
    assert (hold.volume, hold.attached_to) == ("", None)


def test_pods_of_others_are_nobody_s_business() -> None:
    assert judged(pod(0, leaving=OVERDUE, owner="set-2"), pod(1, leaving=OVERDUE, name="other-1")) == ()


def refusal(shown: Pod | None, nodes: tuple[Node, ...] | None = (node(),), uid: str = "") -> ForceRefusedReason:
    found = force(snapshot(statefulset(), *([shown] if shown else [])), "web-0", nodes, NOW, uid)
    assert isinstance(found, ForceRefused) and found.pod == "web-0"
    return found.reason


LOST = pod(0, leaving=OVERDUE)


def test_no_pod_of_a_group_is_forced_out_nor_is_it_offered() -> None:
    """Its controller makes the whole group anew for it."""
    view = snapshot(statefulset(labels={"leaderworkerset.sigs.k8s.io/name": "vllm"}), LOST)
    found = force(view, "web-0", (node(),), NOW)
    assert isinstance(found, ForceRefused) and found.reason is Reason.LEADER_WORKER_SET
    assert found.group is not None and found.group.name == "vllm"
    (lost,) = judge((view,), (node(),), None, NOW)
    assert lost.held is Held.LOST and Choice.FORCE_DELETE not in lost.choices


def test_what_is_refused() -> None:
    assert refusal(None) is Reason.NO_SUCH_POD
    assert refusal(LOST, None) is Reason.NODES_UNREAD
    assert refusal(LOST, (node("True"),)) is Reason.NODE_ANSWERS
    assert refusal(LOST, (node("True", UNREACHABLE_TAINT),)) is Reason.NODE_ANSWERS
    assert refusal(LOST, (node("False"),)) is Reason.NODE_SPEAKS
    assert refusal(pod(0)) is Reason.NOT_TERMINATING
    assert refusal(pod(0, phase="Unknown")) is Reason.NOT_TERMINATING
    assert refusal(pod(0, leaving=NOW + timedelta(seconds=1))) is Reason.NOT_OVERDUE
    assert refusal(LOST, uid="another") is Reason.REPLACED
    assert refusal(replace(LOST, spec=replace(LOST.spec, node_name=""))) is Reason.NO_NODE
    unread = force(replace(snapshot(statefulset()), pods=None), "web-0", (node(),), NOW)
    assert isinstance(unread, ForceRefused) and unread.reason is Reason.PODS_UNREAD


def test_a_claim_that_is_being_deleted_goes_with_its_pod() -> None:
    """It is shown, forcing the pod out is refused with its name, and nothing offers that."""
    going = PersistentVolumeClaim(metadata=ObjectMeta(name="data-web-0", deletion_timestamp=NOW))
    stays = PersistentVolumeClaim(metadata=ObjectMeta(name="logs-web-0"))
    other = replace(going, metadata=ObjectMeta(name="data-web-1", deletion_timestamp=NOW))
    shown = pod(0, leaving=OVERDUE, mounts=("data-web-0", "logs-web-0"))
    look = replace(snapshot(statefulset(), shown), claims=(going, stays, other))
    (found,) = judge((look,), (node(),), (), NOW)
    assert [each.terminating for each in found.volumes] == [True, False] and found.choices == SAFE
    refused = force(look, "web-0", (node(),), NOW)
    assert isinstance(refused, ForceRefused) and (refused.reason, refused.claims) == (Reason.CLAIM_TERMINATING, ("data-web-0",))
    assert isinstance(force(replace(look, claims=(stays, other)), "web-0", (node(),), NOW), Force)


def test_what_is_done_is_exact() -> None:
    found = force(snapshot(statefulset(), LOST), "web-0", (node(),), NOW, LOST.metadata.uid)
    assert isinstance(found, Force) and found.node == "node-1"
    assert (found.change.uid, found.change.resource_version, found.change.force) == ("pod-0", "100", True)


_NODES = st.none() | st.lists(st.sampled_from(("True", "False", "Unknown", "Unknown", "")).map(node), max_size=1).map(tuple)


@given(snapshots(), _NODES)
def test_only_what_is_lost_is_forced(look: SetView, nodes: tuple[Node, ...] | None) -> None:
    """And all of it may be: what is listed with that choice is not refused."""
    lost = {each.name: each for each in judge((look,), nodes, (), NOW)}
    for shown in look.pods or ():
        may = isinstance(force(look, shown.name, nodes, NOW), Force)
        assert may is (shown.name in lost and Choice.FORCE_DELETE in lost[shown.name].choices)
        if may:
            assert lost[shown.name].held is Held.LOST
            assert shown.metadata.deletion_timestamp is not None and shown.metadata.deletion_timestamp <= NOW
            assert nodes is not None and all(each.name != shown.spec.node_name or each.state is NodeState.SILENT for each in nodes)
