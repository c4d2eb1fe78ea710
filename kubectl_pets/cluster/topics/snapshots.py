"""VolumeSnapshots: which classes there are, what one is made of, and how far it has come.

The API is not part of Kubernetes itself (kubernetes-csi/external-snapshotter, v1 since 4.0): that it is not there is certain only
when the server knows no such group or version.
"""

from kubectl_pets.cluster.objects.kinds import ResourceKind
from kubectl_pets.cluster.objects.lists import Reader, Scope
from kubectl_pets.domain.model import ObjectMeta
from kubectl_pets.domain.orphans.deletion import TakeSnapshot
from kubectl_pets.domain.orphans.snapshots import (
    CLAIM_UID_ANNOTATION,
    LABELS,
    Offer,
    Sighting,
    VolumeSnapshot,
    VolumeSnapshotClass,
    VolumeSnapshotContent,
    VolumeSnapshotSource,
    VolumeSnapshotSpec,
)
from kubectl_pets.errors import ForbiddenError, NotFoundError

_BASE = "/apis/snapshot.storage.k8s.io/v1"

SNAPSHOTS = ResourceKind(VolumeSnapshot, _BASE, "volumesnapshots", "VolumeSnapshot")
_CLASSES = ResourceKind(VolumeSnapshotClass, _BASE, "volumesnapshotclasses", "VolumeSnapshotClass")
_CONTENTS = ResourceKind(VolumeSnapshotContent, _BASE, "volumesnapshotcontents", "VolumeSnapshotContent")


def offer(reader: Reader) -> Offer:
    """The classes that snapshots can be taken by."""
    try:
        return Offer(classes=reader.listing(_CLASSES, Scope(namespace=None)).items)
    except NotFoundError:
        return Offer(installed=False)
    except ForbiddenError:
        return Offer()


def sighting(reader: Reader, namespace: str, name: str) -> Sighting:
    """A snapshot and its content, as they are now. Raises ForbiddenError."""
    try:
        snapshot = reader.one(SNAPSHOTS, namespace, name)
    except NotFoundError:
        return Sighting()
    bound = snapshot.status.bound_volume_snapshot_content_name
    try:
        content = reader.one(_CONTENTS, None, bound) if bound and snapshot.status.ready_to_use else None
    except NotFoundError:
        content = None
    return Sighting(snapshot=snapshot, content=content)


def made_for(step: TakeSnapshot) -> VolumeSnapshot:
    """Ready to be sent."""
    return VolumeSnapshot(
        api_version="snapshot.storage.k8s.io/v1",
        kind=SNAPSHOTS.kind,
        metadata=ObjectMeta(
            name=step.name, namespace=step.namespace, labels=LABELS, annotations={CLAIM_UID_ANNOTATION: step.uid}
        ),
        spec=VolumeSnapshotSpec(
            source=VolumeSnapshotSource(persistent_volume_claim_name=step.claim), volume_snapshot_class_name=step.snapshot_class
        ),
    )
