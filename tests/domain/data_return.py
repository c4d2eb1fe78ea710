"""Set ``web`` of two at 0, rolled from OLD to NEW with snapshots of before, and a cluster of plain values around it."""

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from kubectl_pets.domain.changes import (
    CLAIM_ANNOTATION,
    CLAIM_UID_ANNOTATION,
    GENERATION_ANNOTATION,
    ORDINAL_ANNOTATION,
    REVISION_ANNOTATION,
    RUN_ANNOTATION,
    SET_ANNOTATION,
    SET_UID_LABEL,
    SNAPSHOT_LABELS,
)
from kubectl_pets.domain.model import ObjectMeta, PersistentVolumeClaim, ResourceRequests, StatefulSet
from kubectl_pets.domain.orphans.inventory import PersistentVolume
from kubectl_pets.domain.orphans.snapshots import (
    ContentSource,
    SnapshotRef,
    VolumeSnapshot,
    VolumeSnapshotContent,
    VolumeSnapshotContentSpec,
    VolumeSnapshotSource,
    VolumeSnapshotSpec,
    VolumeSnapshotStatus,
)
from kubectl_pets.domain.snapshots.restoring import ClassTraits, DataGround, own_volumes
from tests.domain.builders import NEW, NOW, OLD, UID, statefulset
from tests.domain.orphans import builders as orphaned

DRIVER = "csi.example.org"
ASKED = NOW - timedelta(hours=2)


def owner(**changes: Any) -> StatefulSet:
    made = statefulset(**{"claims": ("data",), "replicas": 0, "current": NEW, "generation": 7, "observed": 7, **changes})
    return replace(made, status=replace(made.status, replicas=made.spec.replicas))


def claim(ordinal: int, **changes: Any) -> PersistentVolumeClaim:
    size = ResourceRequests(requests={"storage": changes.get("size", "1Gi")})
    fixed = {"storage_class_name": "fast", "volume_mode": "Filesystem", "resources": size}
    return orphaned.claim(f"data-web-{ordinal}", **{**fixed, **changes})


def snapshot(of: PersistentVolumeClaim, *, run: str = "one", **changes: Any) -> VolumeSnapshot:
    """Ready, of that claim as it is, while OLD ran on it. ``changes``: uid, revision, ready, size, asked, and what metadata has."""
    uid, revision, ready = changes.pop("set_uid", UID), changes.pop("revision", OLD), changes.pop("ready", True)
    asked, size, name = changes.pop("asked", ASKED), changes.pop("size", "1Gi"), f"{of.name}-{run}"
    notes = {
        CLAIM_UID_ANNOTATION: of.metadata.uid, SET_ANNOTATION: "web", CLAIM_ANNOTATION: of.name, REVISION_ANNOTATION: revision,
        ORDINAL_ANNOTATION: of.name.rpartition("-")[2], GENERATION_ANNOTATION: "3", RUN_ANNOTATION: run,
    }
    return VolumeSnapshot(
        metadata=ObjectMeta(**{
            "name": name, "namespace": "prod", "uid": f"uid-{name}", "resource_version": "1", "creation_timestamp": asked,
            "labels": {**SNAPSHOT_LABELS, SET_UID_LABEL: uid}, "annotations": notes, **changes,
        }),
        spec=VolumeSnapshotSpec(source=VolumeSnapshotSource(persistent_volume_claim_name=of.name), volume_snapshot_class_name="a"),
        status=VolumeSnapshotStatus(
            ready_to_use=ready, bound_volume_snapshot_content_name=f"content-{name}", restore_size=size, creation_time=asked
        ),
    )


def content(of: VolumeSnapshot, handle: str = "", policy: str = "Retain", **meta: Any) -> VolumeSnapshotContent:
    made = of.spec.source.persistent_volume_claim_name
    return VolumeSnapshotContent(
        metadata=ObjectMeta(name=of.status.bound_volume_snapshot_content_name, uid=f"uid-{of.name}-content", **meta),
        spec=VolumeSnapshotContentSpec(
            deletion_policy=policy, driver=DRIVER, source=ContentSource(volume_handle=handle or f"vol-{orphaned.claim(made).spec.volume_name}"),
            volume_snapshot_ref=SnapshotRef(uid=of.metadata.uid),
        ),
    )


def ground(of: StatefulSet | None = None, *claims: PersistentVolumeClaim, **changes: Any) -> DataGround:
    """Everything was read; ``changes`` are fields of it, or ``snapshots`` with contents of their own."""
    of, claims = of or owner(), claims or (claim(0), claim(1))
    snapshots = changes.pop("snapshots", tuple(snapshot(each) for each in claims))
    volumes: list[PersistentVolume] = changes.pop("volumes", [orphaned.volume(each) for each in claims if each.spec.volume_name])
    read: dict[str, Any] = {
        "owner": of,
        "pods": (),
        "revisions": (),
        "mounted": {},
        "claims": claims,
        "volumes": own_volumes(of, volumes) if volumes is not None else None,
        "classes": {"fast": ClassTraits(DRIVER, False)},
        "installed": True,
        "snapshots": snapshots,
        "contents": {each.status.bound_volume_snapshot_content_name: content(each) for each in snapshots or ()},
    }
    return DataGround(**{**read, **changes})
