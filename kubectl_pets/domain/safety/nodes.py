"""The machines that pods run on, and the volumes attached to them, reduced to what tells whether a node answers.

Values only, as in ``model``. A node that does not answer is not a node that is off: only somebody who looks at the machine knows.
"""

from datetime import datetime
from enum import StrEnum, unique

from kubectl_pets.domain.model import Condition, Object, Value

#: core/v1 LabelTopologyZone.
ZONE_LABEL = "topology.kubernetes.io/zone"

#: core/v1 well-known taints: set by the node lifecycle controller, and by a person who knows that the node is off (KEP-2268).
UNREACHABLE_TAINT = "node.kubernetes.io/unreachable"
OUT_OF_SERVICE_TAINT = "node.kubernetes.io/out-of-service"


@unique
class NodeState(StrEnum):
    ANSWERS = "answers"
    #: Ready is False: the kubelet itself says so, hence it runs, and so may the containers.
    NOT_READY = "not-ready"
    #: Ready is Unknown or missing: nothing is heard of it.
    SILENT = "silent"
    #: There is no Node object of that name (any more).
    GONE = "gone"
    #: Nodes could not be read.
    UNKNOWN = "unknown"


class Taint(Value, frozen=True):
    key: str = ""
    value: str = ""
    effect: str = ""
    time_added: datetime | None = None


class NodeSpec(Value, frozen=True):
    taints: tuple[Taint, ...] = ()


class NodeStatus(Value, frozen=True):
    conditions: tuple[Condition, ...] = ()


class Node(Object, frozen=True):
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()

    @property
    def zone(self) -> str:
        """Its zone; empty where nobody labelled it."""
        return self.metadata.labels.get(ZONE_LABEL, "")

    @property
    def ready(self) -> Condition | None:
        return next((condition for condition in self.status.conditions if condition.type == "Ready"), None)

    def taint(self, key: str) -> Taint | None:
        return next((taint for taint in self.spec.taints if taint.key == key), None)

    @property
    def state(self) -> NodeState:
        """Whether the node answers, by its Ready condition; the taint for unreachable nodes follows from that, and lags behind
        it."""
        ready = self.ready
        if ready is None or ready.status not in ("True", "False"):
            return NodeState.SILENT
        return NodeState.ANSWERS if ready.status == "True" else NodeState.NOT_READY

    @property
    def silent_since(self) -> datetime | None:
        """When it stopped answering, or stopped being ready; None while it answers, or where nothing tells."""
        if self.state is NodeState.ANSWERS:
            return None
        ready, taint = self.ready, self.taint(UNREACHABLE_TAINT)
        if ready is not None and ready.status != "True" and ready.last_transition_time is not None:
            return ready.last_transition_time
        return taint.time_added if taint is not None else None


# --- volumes on nodes --------------------------------------------------------------------------------------------------------


class AttachmentSource(Value, frozen=True):
    persistent_volume_name: str | None = None


class AttachmentSpec(Value, frozen=True):
    attacher: str = ""
    node_name: str = ""
    source: AttachmentSource = AttachmentSource()


class AttachmentStatus(Value, frozen=True):
    attached: bool = False


class VolumeAttachment(Object, frozen=True):
    """storage.k8s.io/v1: a volume that a node holds, or is about to get. While it is attached, no other node gets a
    ReadWriteOnce volume."""

    spec: AttachmentSpec = AttachmentSpec()
    status: AttachmentStatus = AttachmentStatus()
