"""Whose storage is it? Every kind of source that two PersistentVolumes can share, and whoever is at it just now."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from kubectl_pets.domain.model import DataSource, Event, ObjectMeta, ObjectReference
from kubectl_pets.domain.orphans.deletion import DeletionOptions, DeletionRefused, deletion
from kubectl_pets.domain.orphans.inventory import PersistentVolume, PersistentVolumeSpec, PersistentVolumeStatus
from kubectl_pets.domain.orphans.snapshots import VolumeSnapshot, VolumeSnapshotSource, VolumeSnapshotSpec, VolumeSnapshotStatus
from kubectl_pets.domain.orphans.storage import Objection, StorageObjection, driver_refuses, objection
from kubectl_pets.domain.safety.nodes import AttachmentSource, AttachmentSpec, VolumeAttachment
from tests.domain.orphans.builders import NOBODY_ELSE, NOW, claim, estate, one, volume

S = StorageObjection
ITEM = claim("data-web-4")


def pv(name: str, **source: Any) -> PersistentVolume:
    """``hostPath={"path": "/a"}``, in the API's own words; with a claim of its name."""
    spec = msgspec.convert({"claimRef": {"namespace": "other", "name": f"of-{name}"}, **source}, PersistentVolumeSpec)
    return PersistentVolume(metadata=ObjectMeta(name=name, uid=f"uid-{name}"), spec=spec)


def against(mine: PersistentVolume, *others: PersistentVolume) -> Objection | None:
    return objection(mine, msgspec.structs.replace(NOBODY_ELSE, volumes=(mine, *others)))


def on(*nodes: str) -> dict[str, Any]:
    term = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": list(nodes)}]}
    return {"required": {"nodeSelectorTerms": [term]}}


SHARED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"csi": {"driver": "d", "volumeHandle": "h"}}, {"csi": {"driver": "d", "volumeHandle": "h", "fsType": "xfs"}}),
    ({"hostPath": {"path": "/a/b"}}, {"hostPath": {"path": "/a//b/", "type": "Directory"}}),
    ({"hostPath": {"path": "/a/b"}}, {"hostPath": {"path": "/a/c/../b"}}),
    ({"hostPath": {"path": "/a/b"}}, {"hostPath": {"path": "/a/b/part"}}),  # within it: goes with it
    ({"hostPath": {"path": "/a/b"}}, {"local": {"path": "/a/b"}, "nodeAffinity": on("n1")}),
    ({"local": {"path": "/a"}, "nodeAffinity": on("n1", "n2")}, {"local": {"path": "/a"}, "nodeAffinity": on("n2")}),
    ({"nfs": {"server": "s", "path": "/x"}}, {"nfs": {"server": "s", "path": "/x/"}}),
    ({"nfs": {"server": "s", "path": "/x/pvc"}}, {"csi": {"driver": "nfs.csi.k8s.io", "volumeHandle": "any", "volumeAttributes": {"server": "s", "share": "/x", "subdir": "pvc"}}}),
    ({"iscsi": {"targetPortal": "1.2.3.4:3260", "iqn": "iqn.x", "lun": 0}}, {"iscsi": {"targetPortal": "1.2.3.5:3260", "iqn": "iqn.x", "lun": 0}}),
    ({"fc": {"targetWWNs": ["a", "b"], "lun": 1}}, {"fc": {"targetWWNs": ["b", "a"], "lun": 1}}),
    ({"rbd": {"monitors": ["m1"], "pool": "p", "image": "i"}}, {"rbd": {"monitors": ["m1", "m2"], "pool": "p", "image": "i"}}),
    ({"cephfs": {"monitors": ["m"], "path": "/v"}}, {"cephfs": {"monitors": ["m"], "path": "/v/w"}}),
    ({"glusterfs": {"endpoints": "e", "path": "p"}}, {"glusterfs": {"endpoints": "e", "path": "p"}}),
    ({"awsElasticBlockStore": {"volumeID": "aws://eu-1a/vol-1"}}, {"csi": {"driver": "ebs.csi.aws.com", "volumeHandle": "vol-1"}}),
    ({"gcePersistentDisk": {"pdName": "d1"}}, {"csi": {"driver": "pd.csi.storage.gke.io", "volumeHandle": "projects/p/zones/z/disks/d1"}}),
    ({"azureDisk": {"diskName": "n", "diskURI": "/subscriptions/S/disks/D"}}, {"csi": {"driver": "disk.csi.azure.com", "volumeHandle": "/subscriptions/s/disks/d"}}),
    ({"azureFile": {"secretName": "s", "shareName": "f"}}, {"azureFile": {"secretName": "s", "shareName": "f"}}),
    ({"cinder": {"volumeID": "c"}}, {"csi": {"driver": "cinder.csi.openstack.org", "volumeHandle": "c"}}),
    ({"vsphereVolume": {"volumePath": "[d] v.vmdk"}}, {"vsphereVolume": {"volumePath": "[d] v.vmdk"}}),
    ({"portworxVolume": {"volumeID": "w"}}, {"csi": {"driver": "pxd.portworx.com", "volumeHandle": "w"}}),
    ({"photonPersistentDisk": {"pdID": "w"}}, {"photonPersistentDisk": {"pdID": "w"}}),
    ({"quobyte": {"registry": "r", "volume": "v"}}, {"quobyte": {"registry": "r", "volume": "v"}}),
    ({"scaleIO": {"gateway": "g", "volumeName": "v"}}, {"scaleIO": {"gateway": "g", "volumeName": "v"}}),
    ({"storageos": {"volumeName": "v"}}, {"storageos": {"volumeName": "v"}}),
    ({"flocker": {"datasetName": "v"}}, {"flocker": {"datasetName": "v"}}),
    ({"flexVolume": {"driver": "f", "options": {"id": "1"}}}, {"flexVolume": {"driver": "f", "options": {"id": "1"}}}),
]
_U = "5e2b1f6c-1111-4d2e-9c3a-0123456789ab"
_RBD, _CEPHFS, _HANDLE = "rook-ceph.rbd.csi.ceph.com", "rook-ceph.cephfs.csi.ceph.com", f"0001-0009-rook-ceph-0000000000000002-{_U}"


def csi(driver: str, handle: str, **attributes: str) -> dict[str, Any]:
    return {"csi": {"driver": driver, "volumeHandle": handle, "volumeAttributes": attributes}}


#: The same storage by another name, as volumes come to be that were recovered or written by hand: what each driver's own documents
#: say of static volumes (ceph-csi docs/static-pvc.md, aws-efs-csi-driver, azurefile-csi-driver, csi-driver-smb and -nfs), and what
#: csi-translation-lib makes of in-tree ones.
BY_ANOTHER_NAME: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (csi("d", "VOL-1"), csi("d", "vol-1/")),
    (csi(_RBD, _HANDLE, pool="p"), csi("rbd.csi.ceph.com", _HANDLE)),
    (csi(_RBD, _HANDLE, pool="p", imageName=f"csi-vol-{_U}"), csi(_RBD, f"csi-vol-{_U}", pool="p", staticVolume="true")),
    (csi(_RBD, _HANDLE, pool="p"), {"rbd": {"monitors": ["m"], "pool": "p", "image": f"csi-vol-{_U}"}}),
    (csi(_CEPHFS, _HANDLE, subvolumePath="/volumes/csi/v/x"), csi(_CEPHFS, "recovered", rootPath="/volumes/csi/v/x/", staticVolume="true")),
    (csi(_CEPHFS, _HANDLE, subvolumePath="/volumes/csi/v/x"), {"cephfs": {"monitors": ["a"], "path": "/volumes/csi/v/x/db"}}),
    (csi("efs.csi.aws.com", "fs-1::fsap-2"), csi("efs.csi.aws.com", "fs-1:/sub:fsap-2")),
    (csi("efs.csi.aws.com", "fs-1:/a"), csi("efs.csi.aws.com", "fs-1:/a/b")),
    (csi("file.csi.azure.com", "rg#acct#share1#disk#u#ns"), csi("file.csi.azure.com", "any", shareName="share1")),
    ({"azureFile": {"secretName": "s", "shareName": "f"}}, csi("file.csi.azure.com", "rg#acct#f#")),
    ({"azureFile": {"secretName": "s", "shareName": "f", "secretNamespace": "a"}}, {"azureFile": {"secretName": "t", "shareName": "f"}}),
    (csi("blob.csi.azure.com", "rg#acct#c1#u#"), csi("blob.csi.azure.com", "x", containerName="c1")),
    (csi("smb.csi.k8s.io", "x", source="//smb/share", subDir="pvc-1"), csi("smb.csi.k8s.io", "mine", source="//SMB/share/pvc-1")),
    (csi("nfs.csi.k8s.io", "s#x#pvc-1##", server="s", share="/x", subdir="pvc-1"), csi("nfs.csi.k8s.io", "mine", Server="s", Share="/x/pvc-1")),
    (csi("nasplugin.csi.alibabacloud.com", "h", server="s", path="/x"), {"nfs": {"server": "s", "path": "/x"}}),
    (csi("filestore.csi.storage.gke.io", "modeInstance/z/n/vol1", ip="10.1.2.3", volume="vol1"), {"nfs": {"server": "10.1.2.3", "path": "/vol1"}}),
    ({"nfs": {"server": "nas.example.com", "path": "/x"}}, {"nfs": {"server": "NAS.example.com.", "path": "/x"}}),
    ({"nfs": {"server": "nas", "path": "/x"}}, {"nfs": {"server": "nas.example.com", "path": "/x"}}),
    ({"nfs": {"server": "10.0.0.7", "path": "/x"}}, {"nfs": {"server": "nas.example.com", "path": "/x/y"}}),
    ({"glusterfs": {"endpoints": "glusterfs-dynamic-a", "path": "vol_1"}}, {"glusterfs": {"endpoints": "cluster", "path": "vol_1"}}),
    ({"cephfs": {"monitors": ["a", "b"], "path": "/v"}}, {"cephfs": {"monitors": ["b"], "path": "/v"}}),
    ({"quobyte": {"registry": "r:1", "volume": "v"}}, {"quobyte": {"registry": "q:1", "volume": "v"}}),
    ({"scaleIO": {"gateway": "https://g", "volumeName": "v"}}, {"scaleIO": {"gateway": "https://g/api", "volumeName": "v"}}),
    ({"storageos": {"volumeName": "v", "volumeNamespace": "a"}}, {"storageos": {"volumeName": "v"}}),
    ({"fc": {"targetWWNs": ["A", "b"], "lun": 1}}, {"fc": {"targetWWNs": ["a"], "lun": 1}}),
    ({"fc": {"wwids": ["3600"]}}, {"fc": {"wwids": ["3601", "3600"]}}),
    ({"iscsi": {"iqn": "IQN.x", "lun": 0}}, {"iscsi": {"iqn": "iqn.x", "lun": 0}}),
    ({"flexVolume": {"driver": "f", "options": {"image": "i", "pool": "p", "class": "s"}}}, {"flexVolume": {"driver": "f", "options": {"image": "i", "pool": "p"}}}),
    ({"flocker": {"datasetName": "v", "datasetUUID": "u"}}, {"flocker": {"datasetUUID": "u"}}),
    ({"vsphereVolume": {"volumePath": "[ds] kubevols/v.vmdk"}}, csi("csi.vsphere.vmware.com", "u", initialvolumefilepath="[DS] kubevols/v.vmdk")),
]
APART: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"csi": {"driver": "d", "volumeHandle": "h"}}, {"csi": {"driver": "d", "volumeHandle": "i"}}),
    ({"csi": {"driver": "d", "volumeHandle": "h"}}, {"csi": {"driver": "e", "volumeHandle": "h"}}),
    ({"csi": {"driver": "d", "volumeHandle": "nas1/v"}}, {"csi": {"driver": "d", "volumeHandle": "nas2/v"}}),
    ({"hostPath": {"path": "/a/b"}}, {"hostPath": {"path": "/a/bc"}}),
    ({"hostPath": {"path": "/a/b"}}, {"hostPath": {"path": "/a"}}),  # the folder around it loses this one, as it is meant to
    ({"local": {"path": "/a"}, "nodeAffinity": on("n1")}, {"local": {"path": "/a"}, "nodeAffinity": on("n2")}),
    ({"nfs": {"server": "s", "path": "/x"}}, {"nfs": {"server": "t", "path": "/x"}}),
    ({"iscsi": {"iqn": "iqn.x", "lun": 0}}, {"iscsi": {"iqn": "iqn.x", "lun": 1}}),
    ({"awsElasticBlockStore": {"volumeID": "vol-1"}}, {"gcePersistentDisk": {"pdName": "vol-1"}}),
    (csi("ebs.csi.aws.com", "vol-1", identity="x"), csi("ebs.csi.aws.com", "vol-10", identity="x")),
    (csi("efs.csi.aws.com", "fs-1::fsap-2"), csi("efs.csi.aws.com", "fs-1::fsap-3")),
    (csi(_RBD, "a", pool="p", imageName="i"), csi(_RBD, "b", pool="p", imageName="j")),
    (csi(_RBD, "a", pool="p", imageName="i"), csi(_RBD, "b", pool="q", imageName="i")),
    ({"nfs": {"server": "10.0.0.7", "path": "/x"}}, {"nfs": {"server": "10.0.0.70", "path": "/x"}}),
    ({"nfs": {"server": "10.0.0.7", "path": "/x"}}, {"nfs": {"server": "nas", "path": "/xy"}}),
    ({"fc": {"targetWWNs": ["a"], "lun": 1}}, {"fc": {"targetWWNs": ["a"], "lun": 2}}),
    ({"flexVolume": {"driver": "f", "options": {"image": "i", "pool": "p"}}}, {"flexVolume": {"driver": "f", "options": {"image": "j", "pool": "p"}}}),
]


@pytest.mark.parametrize(("mine", "theirs"), SHARED + BY_ANOTHER_NAME)
def test_one_storage_of_two_volumes(mine: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert against(pv("a", **mine), pv("b", **theirs)) == Objection(S.SHARED, "b (claim other/of-b)")


@pytest.mark.parametrize(("mine", "theirs"), APART)
def test_two_storages(mine: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert against(pv("a", **mine), pv("b", **theirs)) is None


def test_every_source_that_there_is_can_be_compared() -> None:
    known = {"capacity", "access_modes", "claim_ref", "persistent_volume_reclaim_policy", "storage_class_name", "volume_attributes_class_name", "volume_mode", "mount_options", "node_affinity"}
    sources = {field.name for field in msgspec.structs.fields(PersistentVolumeSpec)} - known
    names = {field.encode_name: field.name for field in msgspec.structs.fields(PersistentVolumeSpec)}
    assert {names[key] for mine, _ in SHARED for key in mine if key != "nodeAffinity"} == sources
    assert against(pv("a")) == Objection(S.UNKNOWN_SOURCE, "a")


def test_whoever_is_at_it() -> None:
    mine = volume(ITEM)
    attached = VolumeAttachment(spec=AttachmentSpec(node_name="n1", source=AttachmentSource(persistent_volume_name=mine.name)))
    taken = VolumeSnapshot(
        metadata=ObjectMeta(namespace="prod", name="s"), spec=VolumeSnapshotSpec(source=VolumeSnapshotSource(persistent_volume_claim_name=ITEM.name))
    )
    ready = msgspec.structs.replace(taken, status=VolumeSnapshotStatus(ready_to_use=True))
    clone = claim("copy", phase="Pending", data_source=DataSource(kind="PersistentVolumeClaim", name=ITEM.name))
    far = claim("copy", namespace="far", phase="Pending", data_source_ref=DataSource(kind="PersistentVolumeClaim", name=ITEM.name, namespace="prod"))
    done = claim("copy", data_source=DataSource(kind="PersistentVolumeClaim", name=ITEM.name))
    cases: list[tuple[dict[str, Any], Objection | None]] = [
        ({"attachments": (attached,)}, Objection(S.ATTACHED, "n1")),
        ({"snapshots": (taken,)}, Objection(S.SNAPSHOT_UNDER_WAY, "prod/s")),
        ({"snapshots": (ready,)}, None),
        ({"claims": (clone,)}, Objection(S.CLONE_UNDER_WAY, "prod/copy")),
        ({"claims": (far,)}, Objection(S.CLONE_UNDER_WAY, "far/copy")),
        ({"claims": (done,)}, None),
        ({"volumes": None}, Objection(S.NOT_READ, "persistentvolumes")),
        ({"attachments": None}, Objection(S.NOT_READ, "volumeattachments.storage.k8s.io")),
    ]
    for found, expected in cases:
        assert objection(mine, msgspec.structs.replace(NOBODY_ELSE, **found)) == expected


def test_what_a_driver_says_that_does_not_destroy() -> None:
    """An in-tree plugin's phase, a CSI driver's event: of this very volume, the last one, and only of that kind."""
    mine = volume(ITEM)

    def event(message: str, minutes: int, reason: str = "VolumeFailedDelete", uid: str = mine.metadata.uid) -> Event:
        about = ObjectReference(kind="PersistentVolume", name=mine.name, uid=uid)
        return Event(reason=reason, message=message, last_timestamp=NOW - timedelta(minutes=minutes), involved_object=about)

    told = (event("first", 5), event("last", 2), event("of another", 1, uid="before"), event("resized", 1, "VolumeResizeFailed"))
    assert driver_refuses(mine, told) == "last" and driver_refuses(mine, ()) == ""
    failed = msgspec.structs.replace(mine, status=PersistentVolumeStatus(phase="Failed", message="has snapshots"))
    assert driver_refuses(failed, ()) == "has snapshots"
    assert driver_refuses(msgspec.structs.replace(mine, status=PersistentVolumeStatus(message="left over")), ()) == ""


def test_data_is_destroyed_only_where_nobody_else_has_it() -> None:
    mine = volume(ITEM)
    other = msgspec.structs.replace(volume(ITEM), metadata=ObjectMeta(name="twin", uid="t"))
    verdict = one(estate(ITEM, volumes={mine.name: mine}))
    use = msgspec.structs.replace(NOBODY_ELSE, volumes=(mine, other))
    refused = deletion(verdict, DeletionOptions(destroy_data=True, use=use), NOW)
    assert isinstance(refused, DeletionRefused) and refused.reason is S.SHARED and "twin" in refused.detail
    assert not isinstance(deletion(verdict, DeletionOptions(use=use), NOW), DeletionRefused)  # nothing is destroyed
