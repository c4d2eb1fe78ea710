"""VolumeSnapshots: which classes there are, and how far one has come.

The API is not part of Kubernetes itself (kubernetes-csi/external-snapshotter, v1 since 4.0): that it is not there is certain only
when the server knows no such group or version.
"""

from kubectl_pets.cluster.objects.kinds import ResourceKind
from kubectl_pets.cluster.objects.lists import Reader, Scope
from kubectl_pets.domain.orphans.snapshots import (
    Offer,
    Sighting,
    VolumeSnapshot,
    VolumeSnapshotClass,
    VolumeSnapshotContent,
)
from kubectl_pets.domain.snapshots.groups import GroupSnapshots, VolumeGroupSnapshot, VolumeGroupSnapshotContent
from kubectl_pets.errors import ForbiddenError, NotFoundError

_BASE = "/apis/snapshot.storage.k8s.io/v1"

SNAPSHOTS = ResourceKind(VolumeSnapshot, _BASE, "volumesnapshots", "VolumeSnapshot")
_CLASSES = ResourceKind(VolumeSnapshotClass, _BASE, "volumesnapshotclasses", "VolumeSnapshotClass")
_CONTENTS = ResourceKind(VolumeSnapshotContent, _BASE, "volumesnapshotcontents", "VolumeSnapshotContent")

#: The versions of the API of group snapshots, the newest first: v1 came with external-snapshotter 8.6, the others with 8.4 and
#: 8.2. All have the fields that are read.
_GROUP_BASES = {version: f"/apis/groupsnapshot.storage.k8s.io/{version}" for version in ("v1", "v1beta2", "v1beta1")}
_GROUP_CLASSES = {
    version: ResourceKind(VolumeSnapshotClass, base, "volumegroupsnapshotclasses", "VolumeGroupSnapshotClass")
    for version, base in _GROUP_BASES.items()
}
_GROUPS = {
    version: ResourceKind(VolumeGroupSnapshot, base, "volumegroupsnapshots", "VolumeGroupSnapshot")
    for version, base in _GROUP_BASES.items()
}
_GROUP_CONTENTS = {
    version: ResourceKind(VolumeGroupSnapshotContent, base, "volumegroupsnapshotcontents", "VolumeGroupSnapshotContent")
    for version, base in _GROUP_BASES.items()
}


def group_offer(reader: Reader) -> Offer:
    """The classes that snapshots of several claims at once can be taken by."""
    for version, kind in _GROUP_CLASSES.items():
        try:
            return Offer(group=version, classes=reader.listing(kind, Scope(namespace=None)).items)
        except NotFoundError:
            continue
        except ForbiddenError:
            return Offer(group=version)
    return Offer(installed=False)


def groups(reader: Reader, namespace: str) -> GroupSnapshots | None:
    """All group snapshots of a namespace. None: may not be read."""
    for version, kind in _GROUPS.items():
        try:
            return GroupSnapshots(version=version, items=reader.listing(kind, Scope(namespace=namespace)).items)
        except NotFoundError:
            continue
        except ForbiddenError:
            return None
    return GroupSnapshots()


def group_content(reader: Reader, version: str, name: str) -> VolumeGroupSnapshotContent | None:
    """A content by its name; None where there is none. Raises ForbiddenError."""
    try:
        return reader.one(_GROUP_CONTENTS[version], None, name)
    except NotFoundError:
        return None


def offer(reader: Reader) -> Offer:
    """The classes that snapshots can be taken by."""
    try:
        return Offer(classes=reader.listing(_CLASSES, Scope(namespace=None)).items)
    except NotFoundError:
        return Offer(installed=False)
    except ForbiddenError:
        return Offer()


def snapshots(reader: Reader, namespace: str | None) -> tuple[VolumeSnapshot, ...] | None:
    """All of a namespace (None: of the cluster); empty where they are not installed. None: may not be read."""
    try:
        return reader.listing(SNAPSHOTS, Scope(namespace=namespace)).items
    except NotFoundError:
        return ()
    except ForbiddenError:
        return None


def sighting(reader: Reader, namespace: str, name: str) -> Sighting:
    """A snapshot and its content, as they are now. Raises ForbiddenError."""
    try:
        snapshot = reader.one(SNAPSHOTS, namespace, name)
    except NotFoundError:
        return Sighting()
    bound = snapshot.status.bound_volume_snapshot_content_name
    return Sighting(snapshot=snapshot, content=content(reader, bound) if bound and snapshot.status.ready_to_use else None)


def content(reader: Reader, name: str) -> VolumeSnapshotContent | None:
    """A content by its name; None where there is none. Raises ForbiddenError."""
    try:
        return reader.one(_CONTENTS, None, name)
    except NotFoundError:
        return None
