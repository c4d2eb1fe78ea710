"""Reads who may be at a volume that is to be destroyed: in every namespace, because storage knows none."""

from typing import Protocol

from kubectl_pets.domain.orphans.storage import StorageUse
from kubectl_pets.errors import ForbiddenError
from kubectl_pets.ports.claims import ClaimPort, SnapshotPort
from kubectl_pets.ports.safety import NodePort


class StoragePort(ClaimPort, SnapshotPort, NodePort, Protocol):
    """What it takes to see who is at a volume."""


def storage_use(cluster: StoragePort) -> StorageUse:
    """Volumes, attachments, snapshots and unbound claims of the whole cluster. What may not be read is None."""
    try:
        volumes = cluster.volumes()
    except ForbiddenError:
        volumes = None
    return StorageUse(
        volumes=volumes,
        attachments=cluster.attachments(),
        snapshots=cluster.snapshots(),
        claims=cluster.unbound_claims(),
    )
