"""Which pods are held by nodes that do not answer, and may one of them be forced out?

A pod on an unreachable node stays Terminating by design: its containers may still run, and a StatefulSet promises at most one
pod of a name (kubernetes/kubernetes#54368). Nobody here can see whether the machine is off, so nothing is ever decided for the
user but one thing: what is plainly not lost is never forced.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.changes import DeletePod
from kubectl_pets.domain.findings import Finding, Rule, Subject
from kubectl_pets.domain.model import Condition, Pod, SetView, StatefulSet, ordinal_of
from kubectl_pets.domain.rollout.managers import LeaderWorkerSetMember, leader_worker_set
from kubectl_pets.domain.safety.nodes import OUT_OF_SERVICE_TAINT, Node, NodeState, Taint, VolumeAttachment
from kubectl_pets.domain.sets.kinds import APPS_SET, Capability, SetKind, kind_of
from kubectl_pets.domain.sets.slots import ordinals_in


@unique
class Held(StrEnum):
    """How a pod on a node that does not answer stands."""

    #: Its deletion is overdue, or nobody has asked for it and its phase is Unknown: nothing goes on by itself.
    LOST = "lost"
    #: Not (yet) to be deleted, or still within its grace period.
    WAITING = "waiting"
    #: Its deletion is overdue, but nodes could not be read.
    UNSURE = "unsure"


@unique
class Choice(StrEnum):
    """What can be done, the safest first."""

    #: Once the kubelet is back it ends the pod itself.
    RETURN = "return"
    #: The pod garbage collector has all it needs; it takes about a minute.
    AWAIT_COLLECTION = "await-collection"
    #: Only where the machine is off for good.
    DELETE_NODE = "delete-node"
    #: Only where the machine is off; frees its volumes at once (KEP-2268).
    OUT_OF_SERVICE = "out-of-service"
    #: Breaks the promise of at most one, unless the machine is off; frees no volume.
    FORCE_DELETE = "force-delete"
    #: Nothing can be said before nodes can be read.
    READ_NODES = "read-nodes"


class HeldVolume(msgspec.Struct, frozen=True, kw_only=True):
    """A claim of the pod. ``volume``: "" where it is not known. ``attached_to``: nodes; None where that could not be read.
    ``terminating``: it is being deleted, and only its pod holds it."""

    claim: str
    volume: str
    attached_to: tuple[str, ...] | None
    terminating: bool = False


class LostPod(msgspec.Struct, frozen=True, kw_only=True):
    """A pod on a node that does not answer, or may not. Texts of conditions and taints are the cluster's own: untrusted."""

    kind: SetKind = APPS_SET  #: the set's
    namespace: str
    set: str
    name: str
    uid: str
    resource_version: str
    held: Held
    phase: str
    #: When its deletion should have been over; None where nobody has asked for it.
    deadline: datetime | None
    node: str
    node_state: NodeState
    #: When the node stopped answering; None where nothing tells.
    since: datetime | None
    conditions: tuple[Condition, ...]
    taints: tuple[Taint, ...]
    volumes: tuple[HeldVolume, ...]
    #: What its set is a part of; no verb changes such a set, or its pods.
    leader_worker_set: LeaderWorkerSetMember | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of pods that are held by lost nodes; none of a pod that may yet be all right."""
        if self.held is not Held.LOST:
            return ()
        subject = Subject(kind="Pod", namespace=self.namespace, name=self.name)
        return (Finding(rule=Rule.LOST_POD, subject=subject, names=(self.node,), detail=self.node_state.value, since=self.since),)

    @property
    def choices(self) -> tuple[Choice, ...]:
        match self.node_state:
            case NodeState.UNKNOWN:
                return (Choice.READ_NODES,)
            case NodeState.NOT_READY:
                return (Choice.RETURN,)  # its kubelet speaks, so it is on, and everything else needs it to be off
            case NodeState.GONE:
                safe: tuple[Choice, ...] = (Choice.AWAIT_COLLECTION,)
            case _:
                tainted = any(taint.key == OUT_OF_SERVICE_TAINT for taint in self.taints)
                safe = (Choice.RETURN, Choice.DELETE_NODE, Choice.AWAIT_COLLECTION if tainted else Choice.OUT_OF_SERVICE)
        going = any(each.terminating for each in self.volumes)
        forced = self.held is Held.LOST and self.deadline is not None and self.leader_worker_set is None and not going
        return (*safe, Choice.FORCE_DELETE) if forced else safe


def judge(
    snapshots: Iterable[SetView],
    nodes: tuple[Node, ...] | None,
    attachments: tuple[VolumeAttachment, ...] | None,
    now: datetime,
) -> tuple[LostPod, ...]:
    """All pods of StatefulSets that are held, by node and name. Where pods could not be read there are none in this answer:
    whoever asks must look at ``Snapshot.pods``."""
    by_name = None if nodes is None else {node.name: node for node in nodes}
    found = [
        lost
        for snapshot in snapshots
        if snapshot.set is not None
        for _, pod in _own_pods(snapshot)
        if (lost := _judged(snapshot, pod, by_name, attachments, now)) is not None
    ]
    return tuple(sorted(found, key=lambda lost: (lost.node, lost.namespace, lost.set, _ordinal(lost), lost.name)))


def _own_pods(snapshot: SetView) -> Iterable[tuple[int, Pod]]:
    """The set's pods with their ordinals; of a group each of its pods, for they are on different nodes."""
    owner = snapshot.set
    if owner is None:
        return
    ordinal_in = ordinals_in(owner)
    for pod in snapshot.pods or ():
        controller, ordinal = pod.metadata.controller(), ordinal_in(pod.name)
        if controller is not None and controller.uid == owner.metadata.uid and ordinal is not None:
            yield from ((ordinal, part) for part in snapshot.parts.get(pod.name, ()) or (pod,))


def _part_of(owner: StatefulSet) -> LeaderWorkerSetMember | None:
    """Also of a LeaderWorkerSet itself: a pod of it that goes takes its whole group along (RecreateGroupOnPodRestart)."""
    if Capability.GROUPS in kind_of(owner).can:
        return LeaderWorkerSetMember(name=owner.name)
    return leader_worker_set(owner)


def _ordinal(lost: LostPod) -> int:
    return ordinal_of(lost.name, lost.set) or 0


def _state(pod: Pod, nodes: dict[str, Node] | None) -> NodeState:
    if nodes is None:
        return NodeState.UNKNOWN
    node = nodes.get(pod.spec.node_name)
    return NodeState.GONE if node is None else node.state


def _overdue(pod: Pod, now: datetime) -> bool:
    """``deletionTimestamp`` holds the grace period already."""
    return pod.metadata.deletion_timestamp is not None and now >= pod.metadata.deletion_timestamp


def _held(pod: Pod, state: NodeState, now: datetime) -> Held | None:
    """How a node that does not answer holds the pod; None where none does."""
    ended = pod.status.phase in ("Failed", "Succeeded")
    asked = pod.metadata.deletion_timestamp is not None
    lost = _overdue(pod, now) if asked else pod.status.phase == "Unknown"
    if not pod.spec.node_name or state is NodeState.ANSWERS or (ended and not lost):
        return None
    if state is NodeState.UNKNOWN:
        return Held.UNSURE if lost else None
    return Held.LOST if lost else Held.WAITING


def _judged(
    snapshot: SetView,
    pod: Pod,
    nodes: dict[str, Node] | None,
    attachments: tuple[VolumeAttachment, ...] | None,
    now: datetime,
) -> LostPod | None:
    state = _state(pod, nodes)
    held = _held(pod, state, now)
    if held is None or snapshot.set is None:
        return None
    node = (nodes or {}).get(pod.spec.node_name)
    return LostPod(
        kind=kind_of(snapshot.set),
        namespace=snapshot.set.namespace,
        set=snapshot.set.name,
        name=pod.name,
        uid=pod.metadata.uid,
        resource_version=pod.metadata.resource_version,
        held=held,
        phase=pod.status.phase,
        deadline=pod.metadata.deletion_timestamp,
        node=pod.spec.node_name,
        node_state=state,
        since=node.silent_since if node is not None else None,
        conditions=node.status.conditions if node is not None else (),
        taints=node.spec.taints if node is not None else (),
        volumes=_volumes(snapshot, pod, attachments),
        leader_worker_set=_part_of(snapshot.set),
    )


def _volumes(snapshot: SetView, pod: Pod, attachments: tuple[VolumeAttachment, ...] | None) -> tuple[HeldVolume, ...]:
    bound = {claim.name: claim.spec.volume_name for claim in snapshot.claims or ()}
    going = _going(snapshot, pod)
    return tuple(
        HeldVolume(
            claim=name,
            volume=bound.get(name, ""),
            attached_to=_attached(bound.get(name, ""), attachments),
            terminating=name in going,
        )
        for name in _mounted(pod)
    )


def _mounted(pod: Pod) -> tuple[str, ...]:
    return tuple(volume.persistent_volume_claim.claim_name for volume in pod.spec.volumes if volume.persistent_volume_claim)


def _going(snapshot: SetView, pod: Pod) -> tuple[str, ...]:
    """Claims of the pod that are being deleted: they go with it (``kubernetes.io/pvc-protection``)."""
    deleted = {claim.name for claim in snapshot.claims or () if claim.metadata.deletion_timestamp is not None}
    return tuple(name for name in _mounted(pod) if name in deleted)


def _attached(volume: str, attachments: tuple[VolumeAttachment, ...] | None) -> tuple[str, ...] | None:
    if attachments is None or not volume:
        return None
    mine = [each for each in attachments if each.spec.source.persistent_volume_name == volume and each.status.attached]
    return tuple(sorted(each.spec.node_name for each in mine))


# --- by force ----------------------------------------------------------------------------------------------------------------


@unique
class ForceRefusedReason(StrEnum):
    #: The set is a part of a LeaderWorkerSet, whose controller makes whole groups anew.
    LEADER_WORKER_SET = "leader-worker-set"
    NO_SUCH_POD = "no-such-pod"
    PODS_UNREAD = "pods-unread"
    NODES_UNREAD = "nodes-unread"
    #: It was never given to a node: deletion needs no force.
    NO_NODE = "no-node"
    #: Its node is Ready, so the kubelet ends it.
    NODE_ANSWERS = "node-answers"
    #: The kubelet itself says that the node is not ready: so it is on.
    NODE_SPEAKS = "node-speaks"
    NOT_TERMINATING = "not-terminating"
    #: Its grace period is not over.
    NOT_OVERDUE = "not-overdue"
    #: By the time of the answer there was another pod of that name.
    REPLACED = "replaced"
    #: Its claims are being deleted: with the pod their data goes.
    CLAIM_TERMINATING = "claim-terminating"


class ForceRefused(msgspec.Struct, frozen=True, kw_only=True):
    reason: ForceRefusedReason
    pod: str
    node: str = ""
    group: LeaderWorkerSetMember | None = None
    #: With CLAIM_TERMINATING: which.
    claims: tuple[str, ...] = ()


class Force(msgspec.Struct, frozen=True, kw_only=True):
    """A pod that is lost, and its forced deletion, should somebody know that ``node`` is off."""

    change: DeletePod
    node: str


def force(
    snapshot: SetView, pod_name: str, nodes: tuple[Node, ...] | None, now: datetime, uid: str = ""
) -> Force | ForceRefused:
    """Whether this pod of the set may be deleted by force. ``uid``: the pod's when it was asked about."""
    owner = snapshot.set
    group = _part_of(owner) if owner is not None else None
    if group is not None:
        return ForceRefused(reason=ForceRefusedReason.LEADER_WORKER_SET, pod=pod_name, group=group)
    pods = {pod.name: pod for _, pod in _own_pods(snapshot)}
    pod = pods.get(pod_name)
    if pod is None:
        unread = snapshot.pods is None
        reason = ForceRefusedReason.PODS_UNREAD if unread else ForceRefusedReason.NO_SUCH_POD
        return ForceRefused(reason=reason, pod=pod_name)
    why = _forbidden(pod, _state(pod, None if nodes is None else {node.name: node for node in nodes}), now, uid)
    if why is not None:
        return ForceRefused(reason=why, pod=pod.name, node=pod.spec.node_name)
    going = _going(snapshot, pod)
    if going:
        why = ForceRefusedReason.CLAIM_TERMINATING
        return ForceRefused(reason=why, pod=pod.name, node=pod.spec.node_name, claims=going)
    meta = pod.metadata
    change = DeletePod(
        namespace=pod.namespace, name=pod.name, uid=meta.uid, resource_version=meta.resource_version, force=True
    )
    return Force(change=change, node=pod.spec.node_name)


def _forbidden(pod: Pod, state: NodeState, now: datetime, uid: str) -> ForceRefusedReason | None:
    if uid and pod.metadata.uid != uid:
        return ForceRefusedReason.REPLACED
    if not pod.spec.node_name:
        return ForceRefusedReason.NO_NODE
    match state:
        case NodeState.UNKNOWN:
            return ForceRefusedReason.NODES_UNREAD
        case NodeState.ANSWERS:
            return ForceRefusedReason.NODE_ANSWERS
        case NodeState.NOT_READY:
            return ForceRefusedReason.NODE_SPEAKS
    if pod.metadata.deletion_timestamp is None:
        return ForceRefusedReason.NOT_TERMINATING
    return None if _overdue(pod, now) else ForceRefusedReason.NOT_OVERDUE
