"""Reads who may be at a volume that is to be destroyed: in every namespace, because storage knows none."""

from typing import Protocol

from kubectl_pets.domain.orphans.storage import StorageUse
from kubectl_pets.errors import ForbiddenError, UnreadableError
from kubectl_pets.ports.claims import ClaimPort, SnapshotPort
from kubectl_pets.ports.safety import NodePort


class StoragePort(ClaimPort, SnapshotPort, NodePort, Protocol):
    """What it takes to see who is at a volume."""


def storage_use(cluster: StoragePort) -> StorageUse:
    """Volumes, attachments, snapshots and unbound claims of the whole cluster. What cannot be read is None: also all snapshots
    where a tenant has one that cannot be decoded."""
    try:
        volumes = cluster.volumes()
    except ForbiddenError:
        volumes = None
    try:
        snapshots = cluster.snapshots()
    except UnreadableError:
        snapshots = None
    return StorageUse(
        volumes=volumes,
        attachments=cluster.attachments(),
        snapshots=snapshots,
        claims=cluster.unbound_claims(),
    )
