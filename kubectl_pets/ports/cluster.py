"""All ports as one, which a session holds."""

from typing import Protocol

from kubectl_pets.ports.claims import ClaimPort, GroupSnapshotPort, SnapshotPort
from kubectl_pets.ports.dns import DnsPort
from kubectl_pets.ports.doctor import EstatePort
from kubectl_pets.ports.pods import PodPort
from kubectl_pets.ports.safety import BudgetPort, NodePort
from kubectl_pets.ports.server import NamesPort, RightsPort, ServerPort
from kubectl_pets.ports.sets import (
    AroundPort,
    ChangePort,
    EvidencePort,
    HistoryPort,
    NodeNamesPort,
    OwnershipPort,
    RecreatePort,
    ResizePort,
    ScalePort,
    SetPort,
    SetWatchPort,
)


class Cluster(
    ServerPort,
    RightsPort,
    NamesPort,
    SetPort,
    SetWatchPort,
    AroundPort,
    NodeNamesPort,
    EvidencePort,
    HistoryPort,
    OwnershipPort,
    ScalePort,
    RecreatePort,
    ResizePort,
    ChangePort,
    PodPort,
    BudgetPort,
    NodePort,
    ClaimPort,
    SnapshotPort,
    GroupSnapshotPort,
    DnsPort,
    EstatePort,
    Protocol,
):
    """All that the verbs ask of a cluster. A flow names the ports that it needs.
    ``kubectl_pets.cluster.Client`` is the real one. Every method may raise PetsError."""

    def close(self) -> None:
        """End its connections."""
