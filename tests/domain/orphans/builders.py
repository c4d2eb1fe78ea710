"""A small estate in few words: everything is in namespace "prod", bound, made by the controller manager, and nobody uses it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from kubectl_pets.domain.model import (
    ClaimTemplate,
    ClaimTemplateSpec,
    ClaimVolume,
    Condition,
    DataSource,
    EphemeralVolume,
    LabelSelector,
    ManagedFieldsEntry,
    ObjectMeta,
    Ordinals,
    Owned,
    OwnedFields,
    OwnedSpec,
    OwnerReference,
    PersistentVolumeClaim,
    PersistentVolumeClaimSpec,
    PersistentVolumeClaimStatus,
    PodSpec,
    PodTemplate,
    StatefulSet,
    StatefulSetSpec,
    Volume,
)
from kubectl_pets.domain.orphans.findings import ClaimVerdict
from kubectl_pets.domain.orphans.inventory import (
    WORKLOADS,
    AutoscalerSpec,
    ClaimInventory,
    ClaimRef,
    CSISource,
    CustomUse,
    Deployed,
    HorizontalPodAutoscaler,
    JobSpec,
    JobTemplate,
    Mounts,
    Named,
    PersistentVolume,
    PersistentVolumeSpec,
    PersistentVolumeStatus,
    PodPhase,
    PodUse,
    RevisionContent,
    ScaledObject,
    ScaledObjectSpec,
    ScaleTarget,
    Template,
    Workload,
    Workloads,
    WorkloadSpec,
    volumes_by_name,
)
from kubectl_pets.domain.orphans.judging import judge
from kubectl_pets.domain.orphans.snapshots import VolumeSnapshotClass
from kubectl_pets.domain.orphans.storage import StorageUse

#: Everything was read, and nobody else has any storage.
NOBODY_ELSE = StorageUse(volumes=(), attachments=(), snapshots=(), claims=())
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
CONTROLLER = "kube-controller-manager"
_MADE = OwnedFields(spec=OwnedSpec(access_modes=Owned()))


def managed(*managers: str) -> tuple[ManagedFieldsEntry, ...]:
    """Who owns the access modes; the controller manager writes the status of every claim, whoever made it."""
    made = tuple(ManagedFieldsEntry(manager=name, operation="Update", fields_v1=_MADE) for name in managers)
    bound = ManagedFieldsEntry(manager=CONTROLLER, operation="Update", subresource="status", fields_v1=OwnedFields())
    return (*made, bound) if managers else ()


def claim(
    name: str,
    *,
    namespace: str = "prod",
    labels: dict[str, str] | None = None,
    made_by: tuple[str, ...] = (CONTROLLER,),
    owners: tuple[OwnerReference, ...] = (),
    annotations: dict[str, str] | None = None,
    deleted: bool = False,
    phase: str = "Bound",
    size: str = "10Gi",
    unused: Condition | None = None,
    uid: str = "",
    resource_version: str = "7",
    **spec: Any,
) -> PersistentVolumeClaim:
    uid = uid or f"uid-{namespace}-{name}"
    return PersistentVolumeClaim(
        metadata=ObjectMeta(
            name=name,
            namespace=namespace,
            uid=uid,
            resource_version=resource_version,
            creation_timestamp=NOW - 90 * DAY,
            deletion_timestamp=NOW if deleted else None,
            labels={"app": "web"} if labels is None else labels,
            annotations=annotations or {},
            owner_references=owners,
            managed_fields=managed(*made_by),
        ),
        spec=PersistentVolumeClaimSpec(
            **{"volume_name": "" if phase == "Pending" else f"pv-{uid}", "access_modes": ("ReadWriteOnce",)} | spec
        ),
        status=PersistentVolumeClaimStatus(
            phase=phase,
            capacity={} if phase == "Pending" else {"storage": size},
            conditions=(unused,) if unused else (),
        ),
    )


def volume(of: PersistentVolumeClaim, policy: str = "Delete", *, phase: str = "Bound", **meta: Any) -> PersistentVolume:
    name = of.spec.volume_name
    return PersistentVolume(
        metadata=ObjectMeta(**{"name": name, "uid": f"uid-{name}", "resource_version": "3"} | meta),
        spec=PersistentVolumeSpec(
            capacity=of.status.capacity,
            access_modes=of.spec.access_modes,
            claim_ref=ClaimRef(namespace=of.namespace, name=of.name, uid=of.metadata.uid),
            persistent_volume_reclaim_policy=policy,
            storage_class_name="fast",
            volume_mode="Filesystem",
            csi=CSISource(driver="csi.example.org", volume_handle=f"vol-{name}"),
        ),
        status=PersistentVolumeStatus(phase=phase),
    )


def snapshot_class(
    name: str, policy: str = "Retain", *, driver: str = "csi.example.org", default: bool = False
) -> VolumeSnapshotClass:
    annotations = {"snapshot.storage.kubernetes.io/is-default-class": "true"} if default else {}
    return VolumeSnapshotClass(metadata=ObjectMeta(name=name, annotations=annotations), driver=driver, deletion_policy=policy)


def stateful_set(
    name: str = "web",
    replicas: int = 3,
    *templates: str,
    namespace: str = "prod",
    start: int = 0,
    reserve: tuple[int | str, ...] = (),
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    owners: tuple[OwnerReference, ...] = (),
    volumes: tuple[Volume, ...] = (),
    cloned: str = "",
    managed_fields: tuple[ManagedFieldsEntry, ...] = (),
    deleted: bool = False,
    made: datetime | None = NOW - 90 * DAY,
) -> StatefulSet:
    return StatefulSet(
        metadata=ObjectMeta(
            name=name,
            namespace=namespace,
            uid=f"uid-set-{name}",
            annotations=annotations or {},
            owner_references=owners,
            managed_fields=managed_fields,
            creation_timestamp=made,
            deletion_timestamp=NOW if deleted else None,
        ),
        spec=StatefulSetSpec(
            replicas=replicas,
            selector=LabelSelector(match_labels={"app": "web"} if labels is None else labels),
            ordinals=Ordinals(start=start) if start else None,
            reserve_ordinals=reserve,
            volume_claim_templates=tuple(cloning(cloned, item) for item in templates or ("data",)),
            template=PodTemplate(spec=PodSpec(volumes=volumes)),
        ),
    )


def cloning(source: str, name: str = "", *, kind: str = "PersistentVolumeClaim", namespace: str = "") -> ClaimTemplate:
    """A template whose volumes are cloned from that claim; the API server fills in both fields (KEP-1495), but for another
    namespace."""
    named = DataSource(kind=kind, name=source, namespace=namespace) if source else None
    spec = ClaimTemplateSpec(data_source=None if namespace else named, data_source_ref=named)
    return ClaimTemplate(metadata=ObjectMeta(name=name), spec=spec)


def mounts(*claims: str) -> tuple[Volume, ...]:
    return tuple(
        Volume(name=f"v{at}", persistent_volume_claim=ClaimVolume(claim_name=item)) for at, item in enumerate(claims)
    )


def ephemeral(name: str, source: str = "") -> tuple[Volume, ...]:
    return (Volume(name=name, ephemeral=EphemeralVolume(volume_claim_template=cloning(source))),)


def pod(name: str, *volumes: Volume, phase: str = "Running", made: datetime = NOW - DAY) -> PodUse:
    metadata = Named(name=name, namespace="prod", creation_timestamp=made)
    return PodUse(metadata=metadata, spec=Mounts(volumes=volumes), status=PodPhase(phase=phase))


def workload(name: str, *volumes: Volume) -> Workload:
    template = Template(spec=Mounts(volumes=volumes))
    return Workload(metadata=Named(name=name, namespace="prod"), spec=WorkloadSpec(template=template))


def cron_job(name: str, *volumes: Volume) -> Workload:
    template = JobTemplate(spec=JobSpec(template=Template(spec=Mounts(volumes=volumes))))
    return Workload(metadata=Named(name=name, namespace="prod"), spec=WorkloadSpec(job_template=template))


def revision(name: str, *volumes: Volume) -> Workload:
    content = RevisionContent(spec=JobSpec(template=Template(spec=Mounts(volumes=volumes))))
    return Workload(metadata=Named(name=name, namespace="prod"), data=content)


def autoscaler(target: str, most: int, *, kind: str = "StatefulSet", name: str = "hpa") -> HorizontalPodAutoscaler:
    spec = AutoscalerSpec(scale_target_ref=ScaleTarget(kind=kind, name=target), max_replicas=most)
    return HorizontalPodAutoscaler(metadata=ObjectMeta(name=name, namespace="prod"), spec=spec)


def scaled_object(
    target: str, most: int = 100, *, kind: str = "StatefulSet", annotations: dict[str, str] | None = None
) -> ScaledObject:
    spec = ScaledObjectSpec(scale_target_ref=ScaleTarget(kind=kind, name=target), max_replica_count=most)
    return ScaledObject(metadata=ObjectMeta(name="keda", namespace="prod", annotations=annotations or {}), spec=spec)


NOBODY = Workloads({row.plural: () for row in WORKLOADS})


def users(**used: Any) -> dict[str, Workloads]:
    """``prod``'s, by the plural of each kind; what is not given is read and empty."""
    return {"prod": Workloads(NOBODY.read | used)}


def searched(*claims: PersistentVolumeClaim, **found: Any) -> CustomUse:
    """What custom resources have to do with these claims: nothing but what is given."""
    return CustomUse(searched=frozenset(item.name for item in claims), **found)


def custom(*claims: PersistentVolumeClaim, **found: Any) -> dict[str, CustomUse]:
    """``prod``'s."""
    return {"prod": searched(*claims, **found)}


def estate(*claims: PersistentVolumeClaim, **rest: Any) -> ClaimInventory:
    """Everything was read, and there is nothing but what is given."""
    read: dict[str, Any] = {
        "sets": (),
        "kruise_sets": (),
        "pingcap_sets": (),
        "autoscalers": (),
        "scaled_objects": (),
        "leader_worker_sets": (),
        "volumes": volumes_by_name(claims, (volume(item) for item in claims if item.spec.volume_name)),
        "users": {item.namespace: NOBODY for item in claims},
        "custom": {item.namespace: searched(*claims) for item in claims},
        "deployed": Deployed(),
    }
    return ClaimInventory(claims=claims, **read | rest)


def one(of: ClaimInventory) -> ClaimVerdict:
    (found,) = judge(of, NOW)
    return found


def owner(kind: str, name: str, uid: str = "uid-owner", *, api_version: str = "example.org/v1") -> OwnerReference:
    return OwnerReference(api_version=api_version, kind=kind, name=name, uid=uid, controller=True)
