"""Nodes: apart from the other kinds, for most verbs read none."""

from kubectl_pets.cluster.objects.kinds import ResourceKind
from kubectl_pets.domain.safety.nodes import Node

NODES = ResourceKind(Node, "/api/v1", "nodes", "Node")
