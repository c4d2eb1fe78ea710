"""Sets with claims for the tests of resizing: ``world`` is one of ``web`` with the template ``data``, ``claim`` one of its claims."""

from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from kubectl_pets.domain.claims.quantities import parse_bytes
from kubectl_pets.domain.model import (
    ClaimTemplate,
    Condition,
    ObjectMeta,
    PersistentVolumeClaim,
    PersistentVolumeClaimSpec,
    PersistentVolumeClaimStatus,
    ResourceRequests,
    SetView,
    StatefulSet,
)
from kubectl_pets.domain.orphans.adopting import ClaimMaker, ClaimMakerSpec
from kubectl_pets.domain.orphans.inventory import PersistentVolume, PersistentVolumeSpec
from kubectl_pets.domain.resize.plan import plan
from kubectl_pets.domain.resize.types import (
    ResizePlan,
    ResizeRequest,
    ResizeSurroundings,
    ResourceQuota,
    ResourceQuotaStatus,
    StorageClass,
)
from tests.domain.builders import NEW, NOW, pod, snapshot, statefulset

GIB = 1 << 30
FAST = StorageClass(metadata=ObjectMeta(name="fast"), provisioner="csi.example", allow_volume_expansion=True)
FIXED = StorageClass(metadata=ObjectMeta(name="fixed"), provisioner="csi.example")


def request(size: str, **more: Any) -> ResizeRequest:
    number = parse_bytes(size)
    assert number is not None
    return ResizeRequest(size=size, bytes=number, **more)


def claim(
    ordinal: int,
    asks: str = "10Gi",
    has: str | None = None,
    *,
    template: str = "data",
    state: str = "",
    granted: str = "",
    conditions: tuple[Condition, ...] = (),
    storage_class: str = "fast",
    phase: str = "Bound",
    meta: dict[str, Any] | None = None,
    **status: Any,
) -> PersistentVolumeClaim:
    """Bound, and as large as it asks for, unless told otherwise."""
    attributes = {"volume_attributes_class_name": status.pop("attributes")} if "attributes" in status else {}
    return PersistentVolumeClaim(
        metadata=replace(
            ObjectMeta(name=f"{template}-web-{ordinal}", namespace="prod", uid=f"claim-{ordinal}", resource_version=f"{ordinal}7"), **meta or {}
        ),
        spec=PersistentVolumeClaimSpec(
            volume_name=f"pv-{ordinal}",
            storage_class_name=storage_class,
            resources=ResourceRequests(requests={"storage": asks}),
            **attributes,
        ),
        status=PersistentVolumeClaimStatus(
            phase=phase,
            capacity={"storage": has or asks},
            conditions=conditions,
            allocated_resources={"storage": granted} if granted else {},
            allocated_resource_statuses={"storage": state} if state else {},
            **status,
        ),
    )


def condition(kind: str, message: str = "", since: datetime = NOW - timedelta(seconds=5)) -> Condition:
    return Condition(type=kind, status="True", message=message, last_transition_time=since)


def template(name: str = "data", size: str = "10Gi", storage_class: str = "fast") -> PersistentVolumeClaim:
    spec = PersistentVolumeClaimSpec(storage_class_name=storage_class, resources=ResourceRequests(requests={"storage": size}))
    return PersistentVolumeClaim(metadata=ObjectMeta(name=name), spec=spec)


def quota(resource: str = "requests.storage", *, hard: str, used: str, name: str = "team") -> ResourceQuota:
    meta = ObjectMeta(name=name, namespace="prod")
    return ResourceQuota(metadata=meta, status=ResourceQuotaStatus(hard={resource: hard}, used={resource: used}))


def around(*claims: PersistentVolumeClaim, templates: tuple[PersistentVolumeClaim, ...] = (template(),), **more: Any) -> ResizeSurroundings:
    volumes = {
        each.spec.volume_name: PersistentVolume(
            metadata=ObjectMeta(name=each.spec.volume_name), spec=PersistentVolumeSpec(persistent_volume_reclaim_policy="Delete")
        )
        for each in claims
    }
    read: dict[str, Any] = {"claims": claims, "volumes": volumes, "storage_classes": (FAST, FIXED), "quotas": (), "sets": ()}
    return ResizeSurroundings(maker=ClaimMaker(spec=ClaimMakerSpec(volume_claim_templates=templates)), **{**read, **more})


def at_rest(replicas: int = 3, **how: Any) -> SetView:
    """All pods are of the one revision and available."""
    owner = statefulset(replicas=replicas, current=NEW, **{"claims": ("data",), **how})
    return snapshot(owner, *(pod(each, NEW) for each in range(replicas)))


def planned(size: str, surroundings: ResizeSurroundings, view: SetView | None = None, **more: Any) -> ResizePlan:
    view = view or at_rest()
    assert view.set is not None
    return plan(view.set, view, surroundings, request(size, **more), NOW)


def other_set(name: str, *templates: str) -> StatefulSet:
    made = statefulset(name=name)
    spec = replace(made.spec, volume_claim_templates=tuple(ClaimTemplate(metadata=ObjectMeta(name=each)) for each in templates))
    return replace(made, metadata=replace(made.metadata, uid=f"set-{name}"), spec=spec)
