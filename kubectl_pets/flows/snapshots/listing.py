"""Reads which VolumeSnapshots there are of a set's claims, also of a set that is gone."""

from typing import Protocol

from kubectl_pets.domain.model import PersistentVolumeClaim, StatefulSet
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.domain.snapshots.listing import Kept, kept
from kubectl_pets.errors import ForbiddenError, NotFoundError
from kubectl_pets.pasting import kubectl
from kubectl_pets.ports.claims import ClaimPort, SnapshotPort
from kubectl_pets.ports.sets import SetPort


class ListingPort(ClaimPort, SnapshotPort, SetPort, Protocol):
    """What it takes."""


def listed(cluster: ListingPort, namespace: str, ref: SetRef) -> tuple[tuple[Kept, ...], bool]:
    """The snapshots of a set, the newest first, and whether its claims could be read. Raises NotFoundError where there is neither
    a set of that name nor a snapshot of one."""
    owner, missing = _owner(cluster, namespace, ref)
    snapshots = cluster.snapshots(namespace)
    if snapshots is None:
        resource = "volumesnapshots.snapshot.storage.k8s.io"
        hint = kubectl("auth", "can-i", "list", resource, namespace=namespace)
        raise ForbiddenError(f"you may not list {resource} in namespace {namespace}", hint=hint)
    claims = _claims(cluster, namespace)
    found = kept(ref.name, owner, snapshots, claims)
    if missing is not None and not found:
        cluster.set_view(namespace, ref.name, ref.kind)  # which says what may have been meant
        raise missing
    return found, claims is not None


def _owner(cluster: ListingPort, namespace: str, ref: SetRef) -> tuple[StatefulSet | None, NotFoundError | None]:
    try:
        return cluster.stateful_set(namespace, ref.name, ref.kind), None
    except NotFoundError as error:
        return None, error


def _claims(cluster: ListingPort, namespace: str) -> tuple[PersistentVolumeClaim, ...] | None:
    try:
        return cluster.claims(namespace)
    except ForbiddenError:
        return None
