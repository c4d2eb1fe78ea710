"""What speaks against destroying a volume's data, however unused its claim is: somebody else has the same storage, or is at it.

Two PersistentVolumes may name one storage (recovery by hand, static volumes; kubernetes/kubernetes#48609): what one destroys the
other loses. Whether they do is told by their sources (core/v1 PersistentVolumeSource), and by nothing else.
"""

from collections.abc import Iterable
from enum import StrEnum, unique
from pathlib import PurePosixPath
from typing import Any

import msgspec

from kubectl_pets.domain.model import Event, PersistentVolumeClaim
from kubectl_pets.domain.orphans.inventory import PersistentVolume, PersistentVolumeSpec
from kubectl_pets.domain.orphans.snapshots import VolumeSnapshot
from kubectl_pets.domain.safety.nodes import VolumeAttachment

#: kubernetes pkg/controller/volume/events; sigs.k8s.io/sig-storage-lib-external-provisioner/controller.
_FAILED = "VolumeFailedDelete"


class StorageUse(msgspec.Struct, frozen=True, kw_only=True):
    """Who may be at a volume, newly read. ``None``: could not be read, which speaks against it as well."""

    #: All of the cluster.
    volumes: tuple[PersistentVolume, ...] | None = None
    attachments: tuple[VolumeAttachment, ...] | None = None
    #: Of every namespace that matters; empty where snapshots are not installed.
    snapshots: tuple[VolumeSnapshot, ...] | None = None
    claims: tuple[PersistentVolumeClaim, ...] | None = None


@unique
class StorageObjection(StrEnum):
    #: Another PersistentVolume has the storage, or a part of it. Subject: that volume, and its claim if it has one.
    SHARED = "shared-storage"
    #: What kind of storage it is, is not known: so it cannot be compared.
    UNKNOWN_SOURCE = "unknown-source"
    #: A node holds it (VolumeAttachment). Subject: the node.
    ATTACHED = "attached"
    #: Subject: a VolumeSnapshot of it that is not ready.
    SNAPSHOT_UNDER_WAY = "snapshot-under-way"
    #: Subject: a claim that is being filled from it.
    CLONE_UNDER_WAY = "clone-under-way"
    #: Subject: the resource that may not be read.
    NOT_READ = "not-read"


class Objection(msgspec.Struct, frozen=True):
    reason: StorageObjection
    subject: str = ""


def objection(volume: PersistentVolume, use: StorageUse) -> Objection | None:
    """The first thing that speaks against destroying this volume; None: nothing does."""
    unread = {
        "persistentvolumes": use.volumes,
        "volumeattachments.storage.k8s.io": use.attachments,
        "volumesnapshots.snapshot.storage.k8s.io": use.snapshots,
        "persistentvolumeclaims": use.claims,
    }
    missing = next((resource for resource, listed in unread.items() if listed is None), None)
    if missing is not None:
        return Objection(StorageObjection.NOT_READ, missing)
    if not _places(volume.spec):
        return Objection(StorageObjection.UNKNOWN_SOURCE, volume.name)
    return (
        _shared(volume, use.volumes or ())
        or _attached(volume, use.attachments or ())
        or _snapshot(volume, use.snapshots or ())
        or _clone(volume, use.claims or ())
    )


def _shared(volume: PersistentVolume, others: Iterable[PersistentVolume]) -> Objection | None:
    own = _places(volume.spec)
    for other in others:
        if other.name != volume.name and any(each.loses_by(mine) for mine in own for each in _places(other.spec)):
            if not _apart(volume.spec, other.spec):
                held = other.spec.claim_ref
                subject = f"{other.name} (claim {held.namespace}/{held.name})" if held is not None else other.name
                return Objection(StorageObjection.SHARED, subject)
    return None


def _attached(volume: PersistentVolume, attachments: Iterable[VolumeAttachment]) -> Objection | None:
    for each in attachments:
        if each.spec.source.persistent_volume_name == volume.name:
            return Objection(StorageObjection.ATTACHED, each.spec.node_name)
    return None


def _snapshot(volume: PersistentVolume, snapshots: Iterable[VolumeSnapshot]) -> Objection | None:
    held = volume.spec.claim_ref
    for each in snapshots:
        source = (each.namespace, each.spec.source.persistent_volume_claim_name)
        if held is not None and source == (held.namespace, held.name) and not each.status.ready_to_use:
            return Objection(StorageObjection.SNAPSHOT_UNDER_WAY, f"{each.namespace}/{each.name}")
    return None


def _clone(volume: PersistentVolume, claims: Iterable[PersistentVolumeClaim]) -> Objection | None:
    """A claim names its source within its own namespace, or in another one (``dataSourceRef.namespace``)."""
    held = volume.spec.claim_ref
    for claim in claims:
        for source in (claim.spec.data_source, claim.spec.data_source_ref):
            if held is None or source is None or source.kind != "PersistentVolumeClaim" or claim.status.phase == "Bound":
                continue
            if (source.namespace or claim.namespace, source.name) == (held.namespace, held.name):
                return Objection(StorageObjection.CLONE_UNDER_WAY, f"{claim.namespace}/{claim.name}")
    return None


def driver_refuses(volume: PersistentVolume, events: Iterable[Event]) -> str:
    """What the driver said last when it did not destroy the volume; empty: nothing. An in-tree plugin makes its phase Failed, a
    CSI driver leaves it Released and tells an event (VolumeFailedDelete); both are asked again and again. Untrusted text."""
    if volume.status.phase == "Failed" and volume.status.message:
        return volume.status.message
    told = [
        event
        for event in events
        if event.reason == _FAILED and event.involved_object.uid == volume.metadata.uid and event.last is not None
    ]
    return max(told, key=lambda event: (event.last, event.message)).message if told else ""


# --- where storage is --------------------------------------------------------------------------------------------------------


class _Place(msgspec.Struct, frozen=True):
    """``kind`` and ``where`` name a storage; ``path`` a folder within it, empty where it is taken whole."""

    kind: str
    where: tuple[str, ...]
    path: str = ""

    def loses_by(self, destroyed: "_Place") -> bool:
        """Whether what is here goes when the other one is destroyed: it is the same, or within it."""
        if (self.kind, self.where) != (destroyed.kind, destroyed.where):
            return False
        return self.path == destroyed.path or PurePosixPath(destroyed.path or "/") in PurePosixPath(self.path or "/").parents


#: Per in-tree source the fields that name the storage, and those that name a folder within it.
_FIELDS: dict[str, tuple[tuple[str, ...], str]] = {
    "host_path": ((), "path"),
    "local": ((), "path"),
    "nfs": (("server",), "path"),
    "iscsi": (("iqn", "lun"), ""),
    "rbd": (("pool", "image"), ""),
    "cephfs": (("monitors",), "path"),
    "glusterfs": (("endpoints", "path"), ""),
    "cinder": (("volumeID",), ""),
    "aws_elastic_block_store": (("volumeID",), ""),
    "gce_persistent_disk": (("pdName",), ""),
    "azure_disk": (("diskURI",), ""),
    "azure_file": (("secretNamespace", "secretName", "shareName"), ""),
    "vsphere_volume": (("volumePath",), ""),
    "portworx_volume": (("volumeID",), ""),
    "photon_persistent_disk": (("pdID",), ""),
    "quobyte": (("registry", "volume"), ""),
    "scale_io": (("gateway", "volumeName"), ""),
    "storageos": (("volumeNamespace", "volumeName"), ""),
    "flocker": (("datasetName", "datasetUUID"), ""),
    "flex_volume": (("driver", "options"), ""),
    "fc": (("targetWWNs", "wwids", "lun"), ""),
}

#: What an in-tree source is to the CSI driver that took it over (csi-translation-lib), by the last part of its name.
_MIGRATED = {
    "aws_elastic_block_store": ("ebs.csi.aws.com", "volumeID"),
    "gce_persistent_disk": ("pd.csi.storage.gke.io", "pdName"),
    "azure_disk": ("disk.csi.azure.com", "diskURI"),
    "cinder": ("cinder.csi.openstack.org", "volumeID"),
    "portworx_volume": ("pxd.portworx.com", "volumeID"),
}
_TOOK_OVER = frozenset(driver for driver, _ in _MIGRATED.values())
_NFS = "nfs.csi.k8s.io"


def _places(spec: PersistentVolumeSpec) -> list[_Place]:
    found = []
    if spec.csi is not None and spec.csi.volume_handle:
        driver, handle, attributes = spec.csi.driver, spec.csi.volume_handle, spec.csi.volume_attributes
        found.append(_Place("csi", (driver, handle)))
        if driver in _TOOK_OVER:
            found.append(_Place("disk", (driver, _last(handle))))
        if driver == _NFS and "server" in attributes:  # whoever writes such a volume by hand gives it any handle
            folder = f"{attributes.get('share', '')}/{attributes.get('subdir', attributes.get('subDir', ''))}"
            found.append(_Place("nfs", (attributes["server"],), _normal(folder)))
    for field, (names, folder) in _FIELDS.items():
        source: dict[str, Any] | None = getattr(spec, field)
        if source is not None:
            where = tuple(_text(source.get(name)) for name in names)
            kind = "node path" if field in ("host_path", "local") else field
            found.append(_Place(kind, where, _normal(source.get(folder)) if folder else ""))
            if field in _MIGRATED:
                driver, name = _MIGRATED[field]
                found.append(_Place("disk", (driver, _last(_text(source.get(name))))))
    return found


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(sorted(map(str, value)))
    if isinstance(value, dict):
        return ",".join(f"{key}={value[key]}" for key in sorted(value))
    return "" if value is None else str(value)


def _normal(path: Any) -> str:
    """``/exports//a/../b/`` is ``/exports/b``."""
    parts: list[str] = []
    for part in _text(path).split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in ("", ".", ".."):
            parts.append(part)
    return "/" + "/".join(parts)


def _last(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2].lower()


def _apart(one: PersistentVolumeSpec, other: PersistentVolumeSpec) -> bool:
    """Whether both are folders of nodes, and no node is of both: the same path there is two storages."""
    if not all(spec.host_path is not None or spec.local is not None for spec in (one, other)):
        return False
    mine, theirs = _nodes(one), _nodes(other)
    return mine is not None and theirs is not None and not mine & theirs


def _nodes(spec: PersistentVolumeSpec) -> frozenset[str] | None:
    """The host names that its affinity allows (``kubernetes.io/hostname In``); None: any, as far as that can be told."""
    terms = (((spec.node_affinity or {}).get("required") or {}).get("nodeSelectorTerms")) or []
    found: set[str] = set()
    for term in terms:
        names = [
            value
            for wanted in term.get("matchExpressions") or []
            if wanted.get("key") == "kubernetes.io/hostname" and wanted.get("operator") == "In"
            for value in wanted.get("values") or []
        ]
        if not names:
            return None
        found.update(names)
    return frozenset(found) or None
