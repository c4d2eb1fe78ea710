"""All that claims are judged by: the claims themselves and everything in the cluster that may want them.

Lists that are only searched for the names of claims (pods, workloads) are decoded into lean Structs, because there may be many
thousands of them. ``None`` everywhere means "could not be read", a default that no reader has to remember: what nobody read can
make a claim unsure, but never a candidate.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from kubectl_pets.domain.model import (
    ClaimTemplate,
    LabelSelector,
    Object,
    OwnerReference,
    PersistentVolumeClaim,
    StatefulSet,
    Value,
    Volume,
)

# --- whoever mounts or names a claim -----------------------------------------------------------------------------------------


class PodLabels(Value, frozen=True):
    """Of a pod's labels the one that says that a StatefulSet controller made it (apps/v1 StatefulSetPodNameLabel)."""

    pod_name: str = msgspec.field(name="statefulset.kubernetes.io/pod-name", default="")


class Named(Value, frozen=True):
    name: str = ""
    namespace: str = ""
    creation_timestamp: datetime | None = None
    labels: PodLabels = PodLabels()
    owner_references: tuple[OwnerReference, ...] = ()


class Mounts(Value, frozen=True):
    """A pod's spec, of which only the volumes matter here."""

    volumes: tuple[Volume, ...] = ()


class PodPhase(Value, frozen=True):
    phase: str = ""


class PodUse(Value, frozen=True):
    metadata: Named = Named()
    spec: Mounts = Mounts()
    status: PodPhase = PodPhase()
    unreadable: str = msgspec.field(name="kubectl-pets/unreadable", default="")  #: as in ``model.Object``

    @property
    def volumes(self) -> tuple[Volume, ...]:
        return self.spec.volumes


class Template(Value, frozen=True):
    spec: Mounts = Mounts()


class JobSpec(Value, frozen=True):
    template: Template | None = None


class JobTemplate(Value, frozen=True):
    spec: JobSpec = JobSpec()


class WorkloadSpec(Value, frozen=True):
    template: Template | None = None
    #: CronJobs only.
    job_template: JobTemplate | None = None


class RevisionContent(Value, frozen=True):
    spec: JobSpec = JobSpec()


class Workload(Value, frozen=True):
    """Anything that holds a pod template: Deployment, ReplicaSet, DaemonSet, ReplicationController, Job, CronJob, and the
    ControllerRevisions that StatefulSets and DaemonSets go back to."""

    metadata: Named = Named()
    spec: WorkloadSpec = WorkloadSpec()
    data: RevisionContent | None = None
    unreadable: str = msgspec.field(name="kubectl-pets/unreadable", default="")  #: as in ``model.Object``

    @property
    def volumes(self) -> tuple[Volume, ...]:
        if self.data is not None:
            template = self.data.spec.template
        elif self.spec.job_template is not None:
            template = self.spec.job_template.spec.template
        else:
            template = self.spec.template
        return template.spec.volumes if template else ()

    @property
    def pods_begin_with(self) -> str:
        """What the names of its pods begin with: its own name; a revision is "<owner>-<hash>"."""
        return self.metadata.name.rpartition("-")[0] if self.data is not None else self.metadata.name


class WorkloadKind(msgspec.Struct, frozen=True, kw_only=True):
    """One row of ``WORKLOADS``. No field has a default: half a row is an error where it is written."""

    #: As it is called in evidence: "CronJob".
    kind: str
    #: As it is called in the API's paths, behind ``kubectl auth can-i list``, and in ``Workloads.read``: "cronjobs".
    plural: str
    #: Its group and version in the API's paths: "/apis/batch/v1".
    base: str
    #: What its objects are decoded into. ``PodUse``: what they mount is in use, and not only named.
    type: type[PodUse] | type[Workload]


_APPS, _BATCH, _CORE = "/apis/apps/v1", "/apis/batch/v1", "/api/v1"

#: Every built-in kind, apart from StatefulSets, whose objects mount claims or make pods that do. The reader reads, the judge asks
#: and the views name what stands here, so that a row is all that another kind takes. A PodTemplate (core/v1) is none of them:
#: nothing in kube-controller-manager reads one, and Cluster Autoscaler's ProvisioningRequest only sizes nodes by it; its pods are
#: a Job's.
WORKLOADS = (
    WorkloadKind(kind="Pod", plural="pods", base=_CORE, type=PodUse),
    WorkloadKind(kind="Deployment", plural="deployments", base=_APPS, type=Workload),
    WorkloadKind(kind="ReplicaSet", plural="replicasets", base=_APPS, type=Workload),
    WorkloadKind(kind="ReplicationController", plural="replicationcontrollers", base=_CORE, type=Workload),
    WorkloadKind(kind="DaemonSet", plural="daemonsets", base=_APPS, type=Workload),
    WorkloadKind(kind="Job", plural="jobs", base=_BATCH, type=Workload),
    WorkloadKind(kind="CronJob", plural="cronjobs", base=_BATCH, type=Workload),
    WorkloadKind(kind="ControllerRevision", plural="controllerrevisions", base=_APPS, type=Workload),
)


class Workloads(msgspec.Struct, frozen=True):
    """Everything in one namespace that may mount claims or whose pods may, apart from StatefulSets."""

    #: By ``WorkloadKind.plural``; what is missing or None could not be read.
    read: dict[str, tuple[PodUse | Workload, ...] | None] = {}

    def of(self, kind: WorkloadKind) -> tuple[PodUse | Workload, ...]:
        return self.read.get(kind.plural) or ()

    @property
    def not_read(self) -> tuple[str, ...]:
        return tuple(kind.plural for kind in WORKLOADS if self.read.get(kind.plural) is None)


# --- autoscalers -------------------------------------------------------------------------------------------------------------


class ScaleTarget(Value, frozen=True):
    """Kind is empty where a ScaledObject leaves it out: KEDA then means a Deployment."""

    api_version: str = ""
    kind: str = ""
    name: str = ""


class AutoscalerSpec(Value, frozen=True):
    scale_target_ref: ScaleTarget = ScaleTarget()
    #: The API server defaults this to 1.
    min_replicas: int = 1
    max_replicas: int = 0


class HorizontalPodAutoscaler(Object, frozen=True):
    """autoscaling/v2; v1 has the same two fields."""

    spec: AutoscalerSpec = AutoscalerSpec()


class ScaledObjectSpec(Value, frozen=True):
    scale_target_ref: ScaleTarget = ScaleTarget()
    #: KEDA's own defaults are 0 and 100.
    min_replica_count: int = 0
    max_replica_count: int = 100


class ScaledObject(Object, frozen=True):
    """keda.sh/v1alpha1."""

    spec: ScaledObjectSpec = ScaledObjectSpec()


# --- LeaderWorkerSets --------------------------------------------------------------------------------------------------------


class LeaderWorkerTemplate(Value, frozen=True):
    #: Pods of a group, its leader included.
    size: int = 1
    volume_claim_templates: tuple[ClaimTemplate, ...] = ()
    #: None: the leaders are made as the workers are.
    leader_template: Template | None = None
    worker_template: Template = Template()

    @property
    def volumes(self) -> tuple[Volume, ...]:
        return (self.leader_template.spec.volumes if self.leader_template is not None else ()) + self.worker_template.spec.volumes


class GroupRollingUpdate(Value, frozen=True):
    #: Groups beyond the replicas while a rollout is under way; a number, or a share that is rounded up.
    max_surge: int | str = 0


class GroupRolloutStrategy(Value, frozen=True):
    rolling_update_configuration: GroupRollingUpdate = GroupRollingUpdate()


class LeaderWorkerSetSpec(Value, frozen=True):
    #: Groups.
    replicas: int = 1
    leader_worker_template: LeaderWorkerTemplate = LeaderWorkerTemplate()
    rollout_strategy: GroupRolloutStrategy = GroupRolloutStrategy()


class LeaderWorkerSet(Object, frozen=True):
    """leaderworkerset.x-k8s.io/v1. Its controller makes a StatefulSet NAME of the leaders and, owned by leader NAME-k, a
    StatefulSet NAME-k of the workers 1 to size - 1; a group that is made again, or is not wanted, has no such set."""

    spec: LeaderWorkerSetSpec = LeaderWorkerSetSpec()


# --- what stands beside a set ------------------------------------------------------------------------------------------------


class ServiceSelector(Value, frozen=True):
    selector: dict[str, str] = {}


class ServiceBeside(Object, frozen=True):
    """A Service, as far as it selects pods."""

    spec: ServiceSelector = ServiceSelector()


class BudgetSelector(Value, frozen=True):
    selector: LabelSelector | None = None


class BudgetBeside(Object, frozen=True):
    """A PodDisruptionBudget, as far as it selects pods."""

    spec: BudgetSelector = BudgetSelector()


class Companion(msgspec.Struct, frozen=True):
    """What was made for a set's pods, and stays where the set alone is deleted. Without a selector there is none."""

    kind: str
    name: str
    selector: LabelSelector

    @classmethod
    def of(cls, item: "ServiceBeside | BudgetBeside") -> "Companion | None":
        if isinstance(item, ServiceBeside):
            found = LabelSelector(match_labels=item.spec.selector) if item.spec.selector else None
            return cls("Service", item.name, found) if found else None
        found = item.spec.selector
        selects = found is not None and bool(found.match_labels or found.match_expressions)
        return cls("PodDisruptionBudget", item.name, found) if found is not None and selects else None


# --- any other custom resource -----------------------------------------------------------------------------------------------


class CustomScaler(msgspec.Struct, frozen=True):
    """A custom resource with a ``scaleTargetRef``. How far it scales only its own controller knows."""

    #: "CronHorizontalPodAutoscaler/nights"
    subject: str
    target: ScaleTarget


class CustomUse(msgspec.Struct, frozen=True, kw_only=True):
    """What the custom resources of one namespace have to do with its claims. Subjects are "Kind/name"."""

    #: The claims whose names and labels were looked for in every kind that could be read, or until one was found.
    searched: frozenset[str] = frozenset()
    #: By claim: a custom resource that has its name as a string.
    named: dict[str, str] = {}
    #: By name, of those that a label of a searched claim has as its value: a custom resource that may make sets.
    living: dict[str, str] = {}
    scalers: tuple[CustomScaler, ...] = ()
    #: Kinds ("virtualmachines.kubevirt.io"), whole groups ("*.kubevirt.io"), or ``DISCOVERY``.
    not_read: tuple[str, ...] = ()


#: What deployers note in it that they apply; it may lie in any namespace, or in none.
DEPLOYERS = frozenset(
    (
        "applications.argoproj.io",
        "appliedmanifestworks.work.open-cluster-management.io",
        "bundledeployments.fleet.cattle.io",
        "helmreleases.helm.toolkit.fluxcd.io",
        "kustomizations.kustomize.toolkit.fluxcd.io",
        "resourcegroups.kpt.dev",
        "resourcetrackers.core.oam.dev",
    )
)


class Deployed(msgspec.Struct, frozen=True, kw_only=True):
    """What deployers have on their lists of what they apply, wherever these lists lie."""

    #: By namespace and "Kind/name", of sets that are gone and of custom resources that may make one: who lists it.
    listed: dict[str, dict[str, str]] = {}
    #: Kinds of such lists that could not be read, or not in all namespaces.
    not_read: tuple[str, ...] = ()


#: Where the server did not say which kinds there are.
DISCOVERY = "custom resources"
#: Of a whole group, where the server could not say which kinds it has.
GROUP_PREFIX = "*."

#: The list of volumes, where it could not be read.
VOLUMES_RESOURCE = "persistentvolumes"

# --- volumes -----------------------------------------------------------------------------------------------------------------


class ClaimRef(Value, frozen=True):
    namespace: str = ""
    name: str = ""
    uid: str = ""


class CSISource(Value, frozen=True):
    """Where a CSI driver has the volume (core/v1 CSIPersistentVolumeSource)."""

    driver: str = ""
    volume_handle: str = ""
    read_only: bool = False
    fs_type: str = ""
    volume_attributes: dict[str, str] = {}
    #: Names of Secrets, not what is in them.
    controller_publish_secret_ref: dict[str, str] | None = None
    node_stage_secret_ref: dict[str, str] | None = None
    node_publish_secret_ref: dict[str, str] | None = None
    controller_expand_secret_ref: dict[str, str] | None = None
    node_expand_secret_ref: dict[str, str] | None = None


class PersistentVolumeSpec(Value, frozen=True):
    capacity: dict[str, Any] = {}
    access_modes: tuple[str, ...] = ()
    claim_ref: ClaimRef | None = None
    #: What deletion of the claim really does to the data; the class's policy only decides what new volumes get.
    persistent_volume_reclaim_policy: str = ""
    storage_class_name: str = ""
    volume_attributes_class_name: str | None = None
    volume_mode: str = ""
    mount_options: tuple[str, ...] = ()
    node_affinity: dict[str, Any] | None = None
    csi: CSISource | None = None
    # core/v1 PersistentVolumeSource, in-tree
    host_path: dict[str, Any] | None = None
    local: dict[str, Any] | None = None
    nfs: dict[str, Any] | None = None
    iscsi: dict[str, Any] | None = None
    fc: dict[str, Any] | None = None
    rbd: dict[str, Any] | None = None
    cephfs: dict[str, Any] | None = None
    glusterfs: dict[str, Any] | None = None
    cinder: dict[str, Any] | None = None
    aws_elastic_block_store: dict[str, Any] | None = None
    gce_persistent_disk: dict[str, Any] | None = None
    azure_disk: dict[str, Any] | None = None
    azure_file: dict[str, Any] | None = None
    vsphere_volume: dict[str, Any] | None = None
    portworx_volume: dict[str, Any] | None = None
    photon_persistent_disk: dict[str, Any] | None = None
    quobyte: dict[str, Any] | None = None
    scale_io: dict[str, Any] | None = msgspec.field(name="scaleIO", default=None)
    storageos: dict[str, Any] | None = None
    flocker: dict[str, Any] | None = None
    flex_volume: dict[str, Any] | None = None


class PersistentVolumeStatus(Value, frozen=True):
    phase: str = ""
    #: Why it has that phase, where it is Failed.
    message: str = ""
    #: Since when it has that phase; servers before 1.28 do not say.
    last_phase_transition_time: datetime | None = None


class PersistentVolume(Object, frozen=True):
    spec: PersistentVolumeSpec = PersistentVolumeSpec()
    status: PersistentVolumeStatus = PersistentVolumeStatus()


def volumes_by_name(
    claims: Iterable[PersistentVolumeClaim], listed: Iterable[PersistentVolume]
) -> dict[str, PersistentVolume | None]:
    """By name, from a whole list of volumes: None for one that a claim names and the list lacks, so that it does not exist."""
    found: dict[str, PersistentVolume | None] = {claim.spec.volume_name: None for claim in claims if claim.spec.volume_name}
    found.update((volume.name, volume) for volume in listed)
    return found


# --- the whole ---------------------------------------------------------------------------------------------------------------


class Unreadable(msgspec.Struct, frozen=True):
    """An object that could not be decoded: what it wants is unknown, so of the claims near it nothing is certain."""

    #: As behind ``kubectl get``: "pods".
    resource: str
    #: "" for an object of the cluster.
    namespace: str
    name: str


class ClaimInventory(msgspec.Struct, frozen=True, kw_only=True):
    """One namespace's claims, or the whole cluster's, with what may want them.

    Only the claims may be narrowed (by a selector, to a single one). Every other list is whole or None, in every namespace that
    the claims are of: half a list of sets is a list of sets that seem to be gone. Managed fields have to be in it.

    Read in the order of these fields, claims first: a claim that a scale-up makes between two lists is then not yet seen, while
    the set that made it is already seen at its new size. An API that is certainly not installed is an empty tuple; where that is
    not certain, None.
    """

    claims: tuple[PersistentVolumeClaim, ...] = ()
    #: apps/v1
    sets: tuple[StatefulSet, ...] | None = None
    #: apps.kruise.io
    kruise_sets: tuple[StatefulSet, ...] | None = None
    #: apps.pingcap.com
    pingcap_sets: tuple[StatefulSet, ...] | None = None
    autoscalers: tuple[HorizontalPodAutoscaler, ...] | None = None
    scaled_objects: tuple[ScaledObject, ...] | None = None
    leader_worker_sets: tuple[LeaderWorkerSet, ...] | None = None
    #: By name. A name that is missing was not read; one with the value None does not exist.
    volumes: dict[str, PersistentVolume | None] | None = None
    #: By namespace; one that is missing was not read. ``judging.needs`` says which have to be.
    users: dict[str, Workloads] = {}
    #: By namespace; one that is missing was not read. ``judging.doubtful`` says which claims have to be searched for.
    custom: dict[str, CustomUse] = {}
    #: By namespace, as far as they could be read: they decide nothing.
    companions: dict[str, tuple[Companion, ...]] = {}
    #: By namespace, and by the name of a pod or StatefulSet: when an event told of it last, as far as events were asked for and
    #: may be read: they can only make a claim fresh.
    told: dict[str, dict[str, datetime]] = {}
    #: Of all namespaces; read only where a set is gone.
    deployed: Deployed | None = None
    #: What is missing in the lists above because it could not be decoded.
    unreadable: tuple[Unreadable, ...] = ()
    #: Namespace and name of the claims that what was read after the sets was read for (``judging.Needs``): the others are no
    #: candidates, whatever else there is. None: it was read for all of them.
    asked_about: frozenset[tuple[str, str]] | None = None


class InventoryList(msgspec.Struct, frozen=True, kw_only=True):
    """One row of ``LISTS``: a list of the inventory besides claims, volumes and workloads."""

    #: Its field in ``ClaimInventory``.
    field: str
    #: "" for a custom resource: the version that the server prefers.
    version: str
    group: str
    plural: str
    kind: str
    type: type[Object]

    @property
    def resource(self) -> str:
        """As it is typed behind ``kubectl auth can-i list``."""
        return self.plural if self.version else f"{self.plural}.{self.group}"


#: Every list whose lack makes claims unsure, whatever their namespace.
LISTS = (
    InventoryList(
        field="sets", version="v1", group="apps", plural="statefulsets", kind="StatefulSet", type=StatefulSet
    ),
    InventoryList(
        field="kruise_sets", version="", group="apps.kruise.io", plural="statefulsets", kind="StatefulSet", type=StatefulSet
    ),
    InventoryList(
        field="pingcap_sets", version="", group="apps.pingcap.com", plural="statefulsets", kind="StatefulSet", type=StatefulSet
    ),
    InventoryList(
        field="autoscalers",
        version="v2",
        group="autoscaling",
        plural="horizontalpodautoscalers",
        kind="HorizontalPodAutoscaler",
        type=HorizontalPodAutoscaler,
    ),
    InventoryList(
        field="scaled_objects", version="", group="keda.sh", plural="scaledobjects", kind="ScaledObject", type=ScaledObject
    ),
    InventoryList(
        field="leader_worker_sets",
        version="",
        group="leaderworkerset.x-k8s.io",
        plural="leaderworkersets",
        kind="LeaderWorkerSet",
        type=LeaderWorkerSet,
    ),
)


def ignorable(unread: Iterable[str]) -> tuple[str, ...]:
    """Those of the kinds ("reports.example.org") and groups ("*.example.org") that could not be read which somebody may say to
    leave out: custom resources only."""
    built_in = {row.group for row in LISTS if row.version} | {kind.base.split("/")[2] for kind in WORKLOADS}
    return tuple(name for name in unread if name.partition(".")[2] not in {"", *built_in})


def ignores(ignored: Iterable[str], group: str, plural: str) -> bool:
    """Whether somebody said that this kind wants no claims."""
    return not {f"{plural}.{group}", GROUP_PREFIX + group}.isdisjoint(ignored)
