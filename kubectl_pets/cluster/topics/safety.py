"""What the safety of a set's pods depends on: budgets, nodes, and the volumes attached to them. What may not be read is None."""

from kubectl_pets.cluster.objects.kinds import ResourceKind
from kubectl_pets.cluster.objects.lists import Reader, Scope
from kubectl_pets.cluster.objects.nodes import NODES
from kubectl_pets.cluster.topics.sets import items
from kubectl_pets.domain.safety.budgets import Budget
from kubectl_pets.domain.safety.nodes import Node, NodeState, VolumeAttachment
from kubectl_pets.errors import ForbiddenError, NotFoundError

_BUDGETS = ResourceKind(Budget, "/apis/policy/v1", "poddisruptionbudgets", "PodDisruptionBudget")
_ATTACHMENTS = ResourceKind(VolumeAttachment, "/apis/storage.k8s.io/v1", "volumeattachments", "VolumeAttachment")


def budgets(reader: Reader, namespace: str | None) -> tuple[Budget, ...] | None:
    """``namespace`` None: of all namespaces."""
    return items(reader, _BUDGETS, Scope(namespace=namespace))()


def node_state(reader: Reader, name: str) -> NodeState:
    try:
        return reader.one(NODES, None, name).state
    except NotFoundError:
        return NodeState.GONE
    except ForbiddenError:
        return NodeState.UNKNOWN


def nodes(reader: Reader) -> tuple[Node, ...] | None:
    return items(reader, NODES, Scope(namespace=None))()


def node_names(reader: Reader) -> frozenset[str] | None:
    """Of all of them, without the rest: a node's status is long."""
    found: set[str] = set()
    try:
        for page, first in reader.pages(NODES, Scope(namespace=None), metadata_only=True):
            found = found if not first else set()
            found.update(node.name for node in page.objects)
    except (ForbiddenError, NotFoundError):
        return None
    return frozenset(found)


def attachments(reader: Reader) -> tuple[VolumeAttachment, ...] | None:
    return items(reader, _ATTACHMENTS, Scope(namespace=None))()
