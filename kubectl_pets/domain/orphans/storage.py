"""What speaks against destroying a volume's data, however unused its claim is: somebody else has the same storage, or is at it.

Two PersistentVolumes may name one storage (recovery by hand, static volumes; kubernetes/kubernetes#48609): what one destroys the
other loses. Whether they do is told by their sources (core/v1 PersistentVolumeSource), and by nothing else.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum, unique
from pathlib import PurePosixPath
from typing import Any

import msgspec

from kubectl_pets.domain.model import Event, PersistentVolumeClaim
from kubectl_pets.domain.orphans.inventory import CSISource, PersistentVolume, PersistentVolumeSpec
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
        for source in claim.spec.cloned:
            if held is None or claim.status.phase == "Bound":
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
    """``kind`` and ``where`` name a storage; ``path`` a folder within it, empty where it is taken whole. ``options``: instead of
    both, where a driver alone knows what names the storage."""

    kind: str
    where: tuple[str, ...]
    path: str = ""
    options: tuple[tuple[str, str], ...] = ()

    def loses_by(self, destroyed: "_Place") -> bool:
        """Whether what is here goes when the other one is destroyed: it is the same, or within it."""
        if self.kind != destroyed.kind or not self._is_on(destroyed):
            return False
        return self.path == destroyed.path or PurePosixPath(destroyed.path or "/") in PurePosixPath(self.path or "/").parents

    def _is_on(self, other: "_Place") -> bool:
        if self.kind == _NFS:
            return _one_server(self.where[0], other.where[0])
        return self.where == other.where and (not self.options or _agree(dict(self.options), dict(other.options)))


_NFS, _SMB = "nfs", "smb"

#: Per in-tree source the fields that name the storage, and those that name a folder within it. Left out is what the same storage
#: may be called by two names: monitors, gateways and registries, Endpoints and Secrets of a namespace.
_FIELDS: dict[str, tuple[tuple[str, ...], str]] = {
    "host_path": ((), "path"),
    "local": ((), "path"),
    "nfs": (("server",), "path"),
    "iscsi": (("iqn", "lun"), ""),
    "rbd": (("pool", "image"), ""),
    "cephfs": ((), "path"),
    "glusterfs": ((), "path"),
    "cinder": (("volumeID",), ""),
    "aws_elastic_block_store": (("volumeID",), ""),
    "gce_persistent_disk": (("pdName",), ""),
    "azure_disk": (("diskURI",), ""),
    "azure_file": (("shareName",), ""),
    "vsphere_volume": (("volumePath",), ""),
    "portworx_volume": (("volumeID",), ""),
    "photon_persistent_disk": (("pdID",), ""),
    "quobyte": (("volume",), ""),
    "scale_io": (("volumeName",), ""),
    "storageos": (("volumeName",), ""),
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

#: A handle with such a part names one volume, whatever the driver is called where somebody has recovered it.
_UNIQUE = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
#: ceph-csi's own handles end so, and its images begin with this unless a class says otherwise (volumeNamePrefix).
_CEPH_IMAGE = "csi-vol-"


def _places(spec: PersistentVolumeSpec) -> list[_Place]:
    found = _csi_places(spec.csi) if spec.csi is not None and spec.csi.volume_handle else []
    for field, (names, folder) in _FIELDS.items():
        source: dict[str, Any] | None = getattr(spec, field)
        if source is None:
            continue
        where = tuple(_text(source.get(name)).lower() for name in names)
        kind = "node path" if field in ("host_path", "local") else field
        found.append(_Place(kind, where, _normal(source.get(folder)) if folder else ""))
        if field in _MIGRATED:
            driver, name = _MIGRATED[field]
            found.append(_Place("disk", (driver, _last(_text(source.get(name))))))
    return [*found, *_several_names(spec)]


def _several_names(spec: PersistentVolumeSpec) -> Iterator[_Place]:
    """In-tree sources that name their storage in more than one way, any of which will do."""
    for wwn in (spec.fc or {}).get("targetWWNs") or ():
        yield _Place("fc", (_text(wwn).lower(), _text((spec.fc or {}).get("lun"))))
    for wwid in (spec.fc or {}).get("wwids") or ():
        yield _Place("fc", (_text(wwid).lower(),))
    for key in ("datasetName", "datasetUUID"):
        if (spec.flocker or {}).get(key):
            yield _Place("flocker", (key, _text((spec.flocker or {})[key])))
    if spec.flex_volume is not None:
        options = spec.flex_volume.get("options") or {}
        told = tuple((_text(key), _text(value)) for key, value in options.items())
        yield _Place("flex_volume", (_text(spec.flex_volume.get("driver")),), options=told)


def _csi_places(csi: CSISource) -> list[_Place]:
    """By its handle, and by what its driver is known to write into the attributes: whoever makes a volume by hand for storage
    that there is gives it any handle."""
    handle = csi.volume_handle.rstrip("/").lower()
    attributes = {key.lower(): value for key, value in csi.volume_attributes.items()}
    found = [_Place("csi", (csi.driver, handle))]
    if _UNIQUE.search(handle):
        found.append(_Place("handle", (handle,)))
    if csi.driver in _TOOK_OVER:
        found.append(_Place("disk", (csi.driver, _last(handle))))
    return [*found, *_folders(attributes), *_of_driver(csi.driver, csi.volume_handle, attributes)]


def _folders(attributes: Mapping[str, str]) -> Iterator[_Place]:
    """The folder of a file server: the keys are those of nfs.csi.k8s.io, smb.csi.k8s.io, nasplugin.csi.alibabacloud.com and
    filestore.csi.storage.gke.io, in whatever case."""
    server, subdir = attributes.get("server") or attributes.get("ip", ""), attributes.get("subdir", "")
    share = next((attributes[key] for key in ("share", "path", "volume") if attributes.get(key)), "")
    if server and (share or subdir):
        yield _Place(_NFS, (server.lower(),), _normal(f"{share}/{subdir}"))
    host, _, share = attributes.get("source", "").removeprefix("//").partition("/")
    if attributes.get("source", "").startswith("//") and share:
        yield _Place(_SMB, (host.lower(),), _normal(f"{share}/{subdir}").lower())


def _of_driver(driver: str, handle: str, attributes: Mapping[str, str]) -> Iterator[_Place]:
    if driver.endswith("rbd.csi.ceph.com"):
        images = {attributes.get("imagename", ""), handle, _CEPH_IMAGE + handle[-36:]}
        for image in sorted(images - {""}):
            yield _Place("rbd", (attributes.get("pool", "").lower(), image.lower()))
    if driver.endswith("cephfs.csi.ceph.com"):
        paths = {attributes.get("rootpath", ""), attributes.get("subvolumepath", "")}
        for path in sorted(paths - {""}):
            yield _Place("cephfs", (), _normal(path))
    if driver == "efs.csi.aws.com":  # FILESYSTEM[:[PATH][:ACCESS-POINT]]
        system, path, point = [*handle.split(":"), "", ""][:3]
        yield _Place("efs", (system.lower(), point.lower()), _normal(path))
    if driver in ("file.csi.azure.com", "blob.csi.azure.com"):  # RESOURCE-GROUP#ACCOUNT#SHARE#...
        kind, key = ("azure_file", "sharename") if driver.startswith("file") else ("azure_blob", "containername")
        names = {attributes.get(key, ""), [*handle.split("#"), "", ""][2]}
        for name in sorted(names - {""}):
            yield _Place(kind, (name.lower(),))
    if driver == "csi.vsphere.vmware.com" and attributes.get("initialvolumefilepath"):
        yield _Place("vsphere_volume", (attributes["initialvolumefilepath"].lower(),))


def _one_server(one: str, other: str) -> bool:
    """Whether two names of a file server may be one server's: that of an address cannot be known here, and a short name may stand
    for a full one."""
    one, other = (name.strip("[].").lower() for name in (one, other))
    numbers = [_is_address(name) for name in (one, other)]
    if one == other or numbers[0] != numbers[1]:
        return True
    short, full = sorted((one, other), key=len)
    return not numbers[0] and full.startswith(f"{short}.")


def _is_address(server: str) -> bool:
    return ":" in server or re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3}){3}", server) is not None


def _agree(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether all options agree that both state, and there are such."""
    both = one.keys() & other.keys()
    return bool(both) and all(one[key] == other[key] for key in both)


def _text(value: Any) -> str:
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
