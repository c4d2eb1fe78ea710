"""What a flow may ask about disruption budgets, nodes, and the volumes that are attached to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from kubectl_pets.domain.safety.budgets import Budget
    from kubectl_pets.domain.safety.nodes import Node, NodeState, VolumeAttachment


class BudgetPort(Protocol):
    """PodDisruptionBudgets."""

    def budgets(self, namespace: str | None) -> tuple[Budget, ...] | None:
        """The PodDisruptionBudgets of a namespace (None: of all namespaces). None: may not be read."""


class NodePort(Protocol):
    """Nodes, and what is attached to them."""

    def nodes(self) -> tuple[Node, ...] | None:
        """All nodes. None: they may not be read."""

    def node_state(self, name: str) -> NodeState:
        """Whether a node answers. NodeState.UNKNOWN: it may not be read."""

    def attachments(self) -> tuple[VolumeAttachment, ...] | None:
        """Which volumes are attached to which nodes. None: may not be read."""
