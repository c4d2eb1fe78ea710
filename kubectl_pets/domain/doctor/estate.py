"""All that ``doctor`` judges by: one estate of values that were read once for all rules.

The objects here are those of ``model`` with the fields that a rule needs besides (probes, resources, what a template names):
other verbs do not pay for decoding them. ``None`` means "could not be read", and ``Estate.unread`` says why; a rule that needs
such a list is skipped, and a skipped rule is never an all-clear.
"""

from datetime import datetime
from enum import StrEnum, unique
from typing import Any

import msgspec

from kubectl_pets.domain.dns.answers import ServerAnswers
from kubectl_pets.domain.dns.corefile import Settings
from kubectl_pets.domain.dns.network import EndpointSlice, Service
from kubectl_pets.domain.model import (
    Condition,
    Container,
    ControllerRevision,
    Event,
    LabelSelector,
    ManagedFieldsEntry,
    Object,
    ObjectMeta,
    OwnedFields,
    PersistentVolumeClaim,
    Pod,
    PodSpec,
    PodTemplate,
    ServerVersion,
    StatefulSet,
    StatefulSetSpec,
    StatefulSetStatus,
    Value,
    Volume,
)
from kubectl_pets.domain.orphans.inventory import (
    ClaimInventory,
    HorizontalPodAutoscaler,
    PersistentVolume,
    ScaledObject,
    Workload,
    WorkloadSpec,
)
from kubectl_pets.domain.orphans.snapshots import VolumeSnapshot
from kubectl_pets.domain.resize.types import ResourceQuota, StorageClass
from kubectl_pets.domain.rollout.history import Template
from kubectl_pets.domain.safety.budgets import Budget, BudgetSpec
from kubectl_pets.domain.safety.nodes import Node, NodeSpec, NodeStatus, VolumeAttachment

# --- a template in full ------------------------------------------------------------------------------------------------------


class KeyToPath(Value, frozen=True):
    key: str = ""


class NamedSource(Value, frozen=True):
    """A ConfigMap or a Secret, by name; the values in it are never read."""

    name: str = ""
    #: Of a volume's Secret, which calls its name so.
    secret_name: str = ""
    #: Of a variable: which of its keys; of a volume: those that are mounted by name.
    key: str = ""
    items: tuple[KeyToPath, ...] = ()
    #: The pod starts without it, too.
    optional: bool | None = None


class ValueSource(Value, frozen=True):
    config_map_key_ref: NamedSource | None = None
    secret_key_ref: NamedSource | None = None


class NamedVariable(Value, frozen=True):
    """A plain value is not decoded: it may be a password."""

    name: str = ""
    value_from: ValueSource | None = None


class EnvFrom(Value, frozen=True):
    config_map_ref: NamedSource | None = None
    secret_ref: NamedSource | None = None


class ContainerResources(Value, frozen=True):
    requests: dict[str, Any] = {}
    limits: dict[str, Any] = {}


class VolumeMount(Value, frozen=True):
    """A ConfigMap that is mounted whole follows its changes, a part of it does not."""

    name: str = ""
    sub_path: str = ""
    sub_path_expr: str = ""


class FullContainer(Container, frozen=True):
    #: Probes as they came: they are compared, and that they are there is what counts.
    readiness_probe: dict[str, Any] | None = None
    liveness_probe: dict[str, Any] | None = None
    env: tuple[NamedVariable, ...] = ()
    env_from: tuple[EnvFrom, ...] = ()
    resources: ContainerResources = ContainerResources()
    volume_mounts: tuple[VolumeMount, ...] = ()


class ProjectedSource(Value, frozen=True):
    config_map: NamedSource | None = None
    secret: NamedSource | None = None


class ProjectedVolume(Value, frozen=True):
    sources: tuple[ProjectedSource, ...] = ()


class FullVolume(Volume, frozen=True):
    config_map: NamedSource | None = None
    secret: NamedSource | None = None
    projected: ProjectedVolume | None = None


class AffinityTerm(Value, frozen=True):
    label_selector: LabelSelector | None = None
    topology_key: str = ""


class PodAntiAffinity(Value, frozen=True):
    required: tuple[AffinityTerm, ...] = msgspec.field(name="requiredDuringSchedulingIgnoredDuringExecution", default=())
    preferred: tuple[dict[str, Any], ...] = msgspec.field(name="preferredDuringSchedulingIgnoredDuringExecution", default=())


class Affinity(Value, frozen=True):
    pod_anti_affinity: PodAntiAffinity | None = None


class FullPodSpec(PodSpec, frozen=True):
    containers: tuple[FullContainer, ...] = ()
    init_containers: tuple[FullContainer, ...] = ()
    volumes: tuple[FullVolume, ...] = ()
    service_account_name: str = ""
    termination_grace_period_seconds: int | None = None
    affinity: Affinity | None = None
    topology_spread_constraints: tuple[dict[str, Any], ...] = ()
    node_selector: dict[str, str] = {}
    #: Of the pod as a whole (KEP-2837).
    resources: ContainerResources = ContainerResources()


class FullTemplate(PodTemplate, frozen=True):
    spec: FullPodSpec = FullPodSpec()


class FullSetSpec(StatefulSetSpec, frozen=True):
    template: FullTemplate = FullTemplate()
    volume_claim_templates: tuple[PersistentVolumeClaim, ...] = ()
    #: The API server defaults this to 10.
    revision_history_limit: int | None = None


class FullSetStatus(StatefulSetStatus, frozen=True):
    #: Those of apps/v1 have none; OpenKruise's say there what it cannot do ("FailedCreatePod").
    conditions: tuple[Condition, ...] = ()


class FullSet(StatefulSet, frozen=True):
    spec: FullSetSpec = FullSetSpec()
    status: FullSetStatus = FullSetStatus()


# --- what is around ----------------------------------------------------------------------------------------------------------


class FullNodeSpec(NodeSpec, frozen=True):
    unschedulable: bool = False


class NodeInfo(Value, frozen=True):
    architecture: str = ""


class FullNodeStatus(NodeStatus, frozen=True):
    node_info: NodeInfo = NodeInfo()


class FullNode(Node, frozen=True):
    spec: FullNodeSpec = FullNodeSpec()
    status: FullNodeStatus = FullNodeStatus()


class GuardSpec(BudgetSpec, frozen=True):
    #: policy/v1: unset means "IfHealthyBudget".
    unhealthy_pod_eviction_policy: str = ""


class Guard(Budget, frozen=True):
    """A PodDisruptionBudget with what it says of unhealthy pods."""

    spec: GuardSpec = GuardSpec()


class SelectingSpec(WorkloadSpec, frozen=True):
    selector: LabelSelector | None = None


class Selecting(Workload, frozen=True):
    """Another workload that takes pods by labels: a Deployment or a DaemonSet."""

    spec: SelectingSpec = SelectingSpec()


class ContentFields(OwnedFields, frozen=True):
    """Of ``fieldsV1`` of a ConfigMap or Secret, whether what is in it was written."""

    #: By the key as managedFields have it: ``f:KEY``, and ``.`` for the whole.
    data: dict[str, Any] | None = msgspec.field(name="f:data", default=None)
    binary_data: dict[str, Any] | None = msgspec.field(name="f:binaryData", default=None)


class ContentEntry(ManagedFieldsEntry, frozen=True):
    fields_v1: ContentFields | None = None


class ContentMeta(ObjectMeta, frozen=True):
    managed_fields: tuple[ContentEntry, ...] = ()


class Content(Object, frozen=True):
    """A ConfigMap or a Secret: what it is called and when its content was written, never the content."""

    metadata: ContentMeta = ContentMeta()

    @property
    def written(self) -> datetime | None:
        """When its content was last written; None: nothing tells."""
        fields = ((each.time, each.fields_v1) for each in self.metadata.managed_fields)
        wrote = (time for time, owned in fields if owned is not None and (owned.data, owned.binary_data) != (None, None))
        return max((time for time in wrote if time is not None), default=None)

    @property
    def keys(self) -> frozenset[str] | None:
        """What its content is called, by who has written it; None: nothing tells (managedFields may be taken away)."""
        fields = [each.fields_v1 for each in self.metadata.managed_fields if each.fields_v1 is not None]
        owned = [part for each in fields for part in (each.data, each.binary_data) if part is not None]
        return frozenset(key.removeprefix("f:") for part in owned for key in part if key != ".") if owned else None


class VolumeUse(msgspec.Struct, frozen=True, kw_only=True):
    """How full the file system of a claim's volume is, by the kubelet that mounts it; bytes."""

    used: int
    capacity: int


class NamesHeard(msgspec.Struct, frozen=True, kw_only=True):
    """What DNS servers answered for the names of a set; ``settings``: of the Corefile, None: not readable."""

    hearings: tuple[ServerAnswers, ...] = ()
    settings: Settings | None = None


# --- the whole ---------------------------------------------------------------------------------------------------------------


@unique
class UnreadWhy(StrEnum):
    FORBIDDEN = "forbidden"
    #: The server has no such API.
    ABSENT = "absent"
    #: The server failed over it.
    FAILED = "failed"
    #: Only manifests were looked at.
    NO_CLUSTER = "no-cluster"
    #: Read only where somebody asks for it (``--deep``).
    NOT_ASKED = "not-asked"
    #: The objects are there, and none of them has the field: the server, or the driver, does not tell such things.
    NOT_TOLD = "not-told"


class Unread(msgspec.Struct, frozen=True):
    """A list that could not be read. ``resource`` as behind ``kubectl auth can-i list``."""

    resource: str
    why: UnreadWhy


class Estate(msgspec.Struct, frozen=True, kw_only=True):
    """One namespace's StatefulSets, or the whole cluster's, and everything that rules need. Every list is of all namespaces that
    were looked in."""

    #: None: the whole cluster.
    namespace: str | None = None
    sets: tuple[FullSet, ...] = ()
    #: Kinds of sets that could not be read ("statefulsets.apps.kruise.io").
    kinds_not_read: tuple[str, ...] = ()
    #: (namespace, name) of the sets that somebody asked about by labels; None: of all.
    selected: frozenset[tuple[str, str]] | None = None
    claims: tuple[PersistentVolumeClaim, ...] | None = None
    pods: tuple[Pod, ...] | None = None
    revisions: tuple[ControllerRevision, ...] | None = None
    services: tuple[Service, ...] | None = None
    slices: tuple[EndpointSlice, ...] | None = None
    budgets: tuple[Guard, ...] | None = None
    nodes: tuple[FullNode, ...] | None = None
    #: By name; a claim's volume that is not in it does not exist.
    volumes: dict[str, PersistentVolume | None] | None = None
    classes: tuple[StorageClass, ...] | None = None
    attachments: tuple[VolumeAttachment, ...] | None = None
    autoscalers: tuple[HorizontalPodAutoscaler, ...] | None = None
    scaled_objects: tuple[ScaledObject, ...] | None = None
    quotas: tuple[ResourceQuota, ...] | None = None
    deployments: tuple[Selecting, ...] | None = None
    daemon_sets: tuple[Selecting, ...] | None = None
    #: Their names only.
    accounts: tuple[Object, ...] | None = None
    config_maps: tuple[Content, ...] | None = None
    secrets: tuple[Content, ...] | None = None
    snapshots: tuple[VolumeSnapshot, ...] | None = None
    #: Of ControllerRevisions that differ in nothing that lists of them hold, by namespace and name.
    templates: dict[tuple[str, str], Template] | None = None
    #: By namespace and name of the set; only with ``--deep``.
    heard: dict[tuple[str, str], NamesHeard] | None = None
    #: By namespace and name of the claim; only with ``--deep``.
    usage: dict[tuple[str, str], VolumeUse] | None = None
    #: Of sets and pods that are not well.
    events: tuple[Event, ...] | None = ()
    #: What claims are judged by; None: they could not be.
    inventory: ClaimInventory | None = None
    server: ServerVersion | None = None
    #: Manifests as they are written, of sets that come of some, by group, namespace and name.
    stated: dict[tuple[str, str, str], dict[str, Any]] = {}
    #: By field of this Struct.
    unread: dict[str, Unread] = {}

    @property
    def of_manifests(self) -> bool:
        """Nothing but files was looked at."""
        return any(each.why is UnreadWhy.NO_CLUSTER for each in self.unread.values())
