"""The objects of the Kubernetes API, reduced to the fields that a verdict needs.

They are msgspec Structs decoded straight from response bytes, because the client's generated models cost seconds on large lists
and refuse objects that real servers send (a StatefulSet without ``status.replicas``). Everything that the API may omit is
optional here; unknown fields are ignored. Values only: nothing in this module decides, reads a clock or does I/O.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

#: Label with the full name of the ControllerRevision that a pod was made from (apps/v1 StatefulSetRevisionLabel).
REVISION_LABEL = "controller-revision-hash"


class Value(msgspec.Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True, gc=False):
    """Base of everything decoded from the API: immutable, camelCase on the wire. No value refers back to what holds it, so the
    garbage collector need not look for circles among them: with 20,000 claims that is half of the work."""


class OwnerReference(Value, frozen=True):
    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False


class Owned(Value, frozen=True):
    """A field that somebody owns; nothing below it is read."""


class OwnedRollingUpdate(Value, frozen=True):
    partition: Owned | None = msgspec.field(name="f:partition", default=None)


class OwnedStrategy(Value, frozen=True):
    rolling_update: OwnedRollingUpdate | None = msgspec.field(name="f:rollingUpdate", default=None)


class OwnedContainer(Value, frozen=True):
    image: Owned | None = msgspec.field(name="f:image", default=None)


class OwnedPodSpec(Value, frozen=True):
    #: By the key of a list that is a map: ``k:{"name":"app"}``; ``.`` is the list itself.
    containers: dict[str, OwnedContainer] = msgspec.field(name="f:containers", default={})
    init_containers: dict[str, OwnedContainer] = msgspec.field(name="f:initContainers", default={})


class OwnedTemplateMeta(Value, frozen=True):
    #: By ``f:KEY``; ``.`` is the map itself.
    annotations: dict[str, Owned] = msgspec.field(name="f:annotations", default={})
    labels: dict[str, Owned] = msgspec.field(name="f:labels", default={})


class OwnedTemplate(Value, frozen=True):
    metadata: OwnedTemplateMeta | None = msgspec.field(name="f:metadata", default=None)
    spec: OwnedPodSpec | None = msgspec.field(name="f:spec", default=None)


class OwnedSpec(Value, frozen=True):
    replicas: Owned | None = msgspec.field(name="f:replicas", default=None)
    template: OwnedTemplate | None = msgspec.field(name="f:template", default=None)
    update_strategy: OwnedStrategy | None = msgspec.field(name="f:updateStrategy", default=None)
    access_modes: Owned | None = msgspec.field(name="f:accessModes", default=None)
    volume_attributes_class_name: Owned | None = msgspec.field(name="f:volumeAttributesClassName", default=None)

    @property
    def partition(self) -> Owned | None:
        rolling = self.update_strategy.rolling_update if self.update_strategy is not None else None
        return rolling.partition if rolling is not None else None

    @property
    def containers(self) -> dict[str, OwnedContainer]:
        """Of the template, those that run first and sidecars included, by key: no two containers of a pod have one name."""
        spec = self.template.spec if self.template is not None else None
        return {**spec.init_containers, **spec.containers} if spec is not None else {}


class OwnedFields(Value, frozen=True):
    """Of ``fieldsV1`` only what tells who created a claim (its access modes are required and immutable), when its class of
    attributes was asked for, and who states the images, the partition and the replicas of a set."""

    spec: OwnedSpec | None = msgspec.field(name="f:spec", default=None)


class ManagedFieldsEntry(Value, frozen=True):
    manager: str = ""
    operation: str = ""
    subresource: str = ""
    time: datetime | None = None
    fields_v1: OwnedFields | None = None


class ObjectMeta(Value, frozen=True):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    #: Of a pod that is being deleted, in seconds; 0: its kubelet is through with it, or somebody did not want to wait for that.
    deletion_grace_period_seconds: int | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner_references: tuple[OwnerReference, ...] = ()
    #: Who has to let go before an object with a ``deletion_timestamp`` is gone.
    finalizers: tuple[str, ...] = ()
    managed_fields: tuple[ManagedFieldsEntry, ...] = ()

    @property
    def finalizers_of_others(self) -> tuple[str, ...]:
        """Without the one that Kubernetes takes off a claim itself, once no pod uses it (StorageObjectInUseProtection)."""
        return tuple(each for each in self.finalizers if each != "kubernetes.io/pvc-protection")

    def controller(self) -> OwnerReference | None:
        """The owner that controls this object, if any (metav1.GetControllerOf)."""
        for owner in self.owner_references:  # no generator: of each of many thousands it is asked several times
            if owner.controller:
                return owner
        return None


class Object(Value, frozen=True):
    """Anything with metadata; a partial object when used alone."""

    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = ObjectMeta()
    #: Why this one could not be decoded; then only the name, and labels and owners where they could be, are known of it. Not on
    #: the wire: no field of the API is called so.
    unreadable: str = msgspec.field(name="kubectl-pets/unreadable", default="")

    @property
    def name(self) -> str:
        return self.metadata.name

    @property
    def namespace(self) -> str:
        return self.metadata.namespace


# --- pod templates -----------------------------------------------------------------------------------------------------------


class ResizePolicy(Value, frozen=True):
    """What a change of one resource takes: "NotRequired", or "RestartContainer" (KEP-1287)."""

    restart_policy: str = ""


class Container(Value, frozen=True):
    name: str = ""
    image: str = ""
    resize_policy: tuple[ResizePolicy, ...] = ()
    #: "Always" makes an init container a sidecar, which runs beside the others (KEP-753); otherwise unset.
    restart_policy: str = ""


class ClaimVolume(Value, frozen=True):
    claim_name: str = ""


class DataSource(Value, frozen=True):
    api_group: str = ""
    kind: str = ""
    name: str = ""
    #: Of ``dataSourceRef`` only (CrossNamespaceVolumeDataSource); empty: the claim's own.
    namespace: str = ""


class ClaimTemplateSpec(Value, frozen=True):
    """Of a claim's spec where its volume is filled from (core/v1 PersistentVolumeClaimSpec)."""

    data_source: DataSource | None = None
    data_source_ref: DataSource | None = None

    @property
    def cloned(self) -> tuple[DataSource, ...]:
        """The claims that a volume is cloned from."""
        named = (self.data_source, self.data_source_ref)
        return tuple(each for each in named if each is not None and each.kind == "PersistentVolumeClaim")


class ClaimTemplate(Object, frozen=True):
    """What claims are made from, each time that a pod is made which lacks its own."""

    spec: ClaimTemplateSpec = ClaimTemplateSpec()


class EphemeralVolume(Value, frozen=True):
    """A generic ephemeral volume: its claim is called ``<pod>-<volume>`` (KEP-1698)."""

    volume_claim_template: ClaimTemplate = ClaimTemplate()


class Volume(Value, frozen=True):
    name: str = ""
    persistent_volume_claim: ClaimVolume | None = None
    ephemeral: EphemeralVolume | None = None


class PodResourceClaim(Value, frozen=True):
    """A device that the pod asks for (KEP-4381): a ResourceClaim by its name, or by the template that one is made from."""

    name: str = ""
    resource_claim_name: str = ""
    resource_claim_template_name: str = ""


class SchedulingGate(Value, frozen=True):
    name: str = ""


class PodSpec(Value, frozen=True):
    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    node_name: str = ""
    volumes: tuple[Volume, ...] = ()
    resource_claims: tuple[PodResourceClaim, ...] = ()
    #: While there are any no scheduler looks at the pod, which is meant so (KEP-3521).
    scheduling_gates: tuple[SchedulingGate, ...] = ()
    #: With ``subdomain``: what the pod is called in DNS. The StatefulSet controller sets both when it makes the pod, never after.
    hostname: str = ""
    subdomain: str = ""
    host_network: bool = False
    dns_policy: str = ""
    #: How long its containers may take to end, in seconds.
    termination_grace_period_seconds: int | None = None


class PodTemplate(Value, frozen=True):
    metadata: ObjectMeta = ObjectMeta()
    spec: PodSpec = PodSpec()


# --- StatefulSet -------------------------------------------------------------------------------------------------------------


class LabelSelectorRequirement(Value, frozen=True):
    key: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()

    def holds(self, labels: Mapping[str, str]) -> bool:
        match self.operator:
            case "In":
                return labels.get(self.key) in self.values
            case "NotIn":
                return labels.get(self.key) not in self.values
            case "Exists":
                return self.key in labels
            case "DoesNotExist":
                return self.key not in labels
            case _:
                return True  # the API knows no other; whoever asks wants to be careful


class LabelSelector(Value, frozen=True):
    match_labels: dict[str, str] = {}
    match_expressions: tuple[LabelSelectorRequirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """metav1.LabelSelector; an empty one matches everything."""
        return all(labels.get(key) == value for key, value in self.match_labels.items()) and all(
            wanted.holds(labels) for wanted in self.match_expressions
        )


class UnorderedUpdate(Value, frozen=True):
    """apps.kruise.io only. Which pods go first; what matters here is that it is there at all."""


class RollingUpdate(Value, frozen=True):
    #: Dropped silently by servers whose MaxUnavailableStatefulSet gate is off.
    max_unavailable: int | str | None = None
    partition: int | None = None
    #: The rest is apps.kruise.io's: updates stop, and what other kinds have as ``spec.minReadySeconds``.
    paused: bool = False
    min_ready_seconds: int = 0
    unordered_update: UnorderedUpdate | None = None
    #: leaderworkerset.x-k8s.io only: groups beyond the replicas while a rollout is under way; a number or a share.
    max_surge: int | str | None = None
    #: workloads.kubeblocks.io only: how many pods are updated; a number or a share.
    replicas: int | str | None = None


class GroupRollout(Value, frozen=True):
    """leaderworkerset.x-k8s.io only; partition and maxUnavailable count groups."""

    rolling_update_configuration: RollingUpdate | None = None


class UpdateStrategy(Value, frozen=True):
    #: "RollingUpdate" or "OnDelete"; newer servers know more, so any string is taken.
    type: str = "RollingUpdate"
    rolling_update: RollingUpdate | None = None


class Ordinals(Value, frozen=True):
    start: int = 0


class ClaimRetentionPolicy(Value, frozen=True):
    when_deleted: str = "Retain"
    when_scaled: str = "Retain"


class NamedPods(Value, frozen=True):
    """The names of a set's pods: first the ``wanted`` ones, then those that are there besides. ``known``: whether anybody has
    said which it is to have."""

    names: tuple[str, ...] = ()
    wanted: int = 0
    known: bool = True


class StatefulSetSpec(Value, frozen=True):
    #: The API server defaults this to 1.
    replicas: int = 1
    selector: LabelSelector = LabelSelector()
    service_name: str = ""
    pod_management_policy: str = "OrderedReady"
    update_strategy: UpdateStrategy = UpdateStrategy()
    min_ready_seconds: int = 0
    ordinals: Ordinals | None = None
    template: PodTemplate = PodTemplate()
    volume_claim_templates: tuple[ClaimTemplate, ...] = ()
    persistent_volume_claim_retention_policy: ClaimRetentionPolicy | None = None
    #: apps.kruise.io only: ordinals that are left out, as numbers or ranges ("1-3").
    reserve_ordinals: tuple[int | str, ...] = ()
    #: The rest is leaderworkerset.x-k8s.io's: what its groups are made of, in full, and how they are rolled out.
    leader_worker_template: dict[str, Any] | None = None
    network_config: dict[str, Any] | None = None
    rollout_strategy: GroupRollout | None = None
    #: ``LeaderReady``: the workers of a group are made once its leader is Ready.
    startup_policy: str = ""
    #: workloads.kubeblocks.io's: what some of its pods have in place of the template, and what its controller may do.
    instances: tuple[dict[str, Any], ...] = ()
    instance_update_strategy: UpdateStrategy | None = None
    disable_default_headless_service: bool = False
    paused: bool = False
    #: core.strimzi.io's: its pods in full.
    pods: tuple[dict[str, Any], ...] = ()
    #: Where pods stand by their names (``sets.named``); no field of the API is called so.
    named: NamedPods | None = msgspec.field(name="kubectl-pets/named", default=None)


class StatefulSetStatus(Value, frozen=True):
    observed_generation: int = 0
    replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    current_replicas: int = 0
    updated_replicas: int = 0
    current_revision: str = ""
    update_revision: str = ""
    #: workloads.kubeblocks.io only: by pod that it is to have, the revision.
    update_revisions: dict[str, str] = {}


class StatefulSet(Object, frozen=True):
    spec: StatefulSetSpec = StatefulSetSpec()
    status: StatefulSetStatus = StatefulSetStatus()

    @property
    def start(self) -> int:
        """The first ordinal (``spec.ordinals.start``, KEP-3335)."""
        return self.spec.ordinals.start if self.spec.ordinals else 0

    @property
    def partition(self) -> int:
        """``spec.updateStrategy.rollingUpdate.partition``; 0 where it is unset. Counts positions, not ordinals."""
        rolling = self.spec.update_strategy.rolling_update
        return (rolling.partition or 0) if rolling else 0


# --- Pod ---------------------------------------------------------------------------------------------------------------------


class Waiting(Value, frozen=True):
    reason: str = ""
    message: str = ""


class Running(Value, frozen=True):
    started_at: datetime | None = None


class Terminated(Value, frozen=True):
    exit_code: int = 0
    #: Number of the signal that ended it, where the runtime tells.
    signal: int = 0
    reason: str = ""
    #: What the container left as its termination message, or the runtime's error.
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None


class ContainerState(Value, frozen=True):
    waiting: Waiting | None = None
    running: Running | None = None
    terminated: Terminated | None = None


class ContainerStatus(Value, frozen=True):
    name: str = ""
    image: str = ""
    image_id: str = msgspec.field(name="imageID", default="")
    ready: bool = False
    #: Its startup probe has passed, or it has none; None where the kubelet does not tell.
    started: bool | None = None
    restart_count: int = 0
    state: ContainerState = ContainerState()
    last_state: ContainerState = ContainerState()


class Condition(Value, frozen=True):
    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None


class PodIP(Value, frozen=True):
    ip: str = ""


class PodStatus(Value, frozen=True):
    phase: str = ""
    reason: str = ""
    message: str = ""
    #: When the kubelet took the pod on.
    start_time: datetime | None = None
    conditions: tuple[Condition, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()
    init_container_statuses: tuple[ContainerStatus, ...] = ()
    pod_ip: str = msgspec.field(name="podIP", default="")
    #: One a family; the first is ``pod_ip``.
    pod_ips: tuple[PodIP, ...] = msgspec.field(name="podIPs", default=())

    def condition(self, kind: str) -> Condition | None:
        for condition in self.conditions:
            if condition.type == kind:
                return condition
        return None


class Pod(Object, frozen=True):
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def revision(self) -> str:
        """Name of the ControllerRevision this pod was made from; empty where the label is missing."""
        return self.metadata.labels.get(REVISION_LABEL, "")

    @property
    def terminating(self) -> bool:
        return self.metadata.deletion_timestamp is not None


# --- ControllerRevision ------------------------------------------------------------------------------------------------------


class RevisionSpec(Value, frozen=True):
    template: PodTemplate = PodTemplate()
    #: Of a LeaderWorkerSet's, in place of the template.
    leader_worker_template: dict[str, Any] | None = None
    network_config: dict[str, Any] | None = None


class RevisionData(Value, frozen=True):
    spec: RevisionSpec = RevisionSpec()


class ControllerRevision(Object, frozen=True):
    revision: int = 0
    #: A strategic-merge patch that holds ``spec.template`` and nothing else (no replicas, strategy or claim templates).
    data: RevisionData = RevisionData()


# --- PersistentVolumeClaim ---------------------------------------------------------------------------------------------------


class ResourceRequests(Value, frozen=True):
    requests: dict[str, Any] = {}


class PersistentVolumeClaimSpec(ClaimTemplateSpec, frozen=True):
    volume_name: str = ""
    storage_class_name: str | None = None
    volume_attributes_class_name: str | None = None
    access_modes: tuple[str, ...] = ()
    volume_mode: str = ""
    resources: ResourceRequests = ResourceRequests()


class ModifyVolumeStatus(Value, frozen=True):
    #: "Pending", "InProgress" or "Infeasible"; newer servers may know more.
    status: str = ""
    target_volume_attributes_class_name: str = ""


class VolumeHealthCondition(Value, frozen=True):
    #: "Inaccessible", "DataLoss" or "Degraded"; newer servers may know more.
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None


class VolumeHealthStatus(Value, frozen=True):
    """What the driver says of the volume's health; no conditions: it is well (KEP-1432)."""

    health_conditions: tuple[VolumeHealthCondition, ...] = ()


class PersistentVolumeClaimStatus(Value, frozen=True):
    phase: str = ""
    capacity: dict[str, Any] = {}
    conditions: tuple[Condition, ...] = ()
    #: What an expansion has been granted, and how far it is (KEP-1790), both by resource ("storage").
    allocated_resources: dict[str, Any] = {}
    allocated_resource_statuses: dict[str, str] = {}
    current_volume_attributes_class_name: str | None = None
    modify_volume_status: ModifyVolumeStatus | None = None
    #: Only where the server's gate CSIVolumeHealth is on (alpha in 1.37) and the driver tells.
    health_status: VolumeHealthStatus | None = None


class PersistentVolumeClaim(ClaimTemplate, frozen=True):
    spec: PersistentVolumeClaimSpec = PersistentVolumeClaimSpec()
    status: PersistentVolumeClaimStatus = PersistentVolumeClaimStatus()


# --- what one look at the cluster brings back --------------------------------------------------------------------------------


class ServerVersion(Value, frozen=True):
    """``/version``; vendors add suffixes to both numbers ("29+", "v1.29.3-gke.1")."""

    major: str = ""
    minor: str = ""
    git_version: str = ""

    def release(self) -> tuple[int, int, int] | None:
        """``(1, 37, 2)``; None where the server does not call itself by a version."""
        found = re.match(r"v?(\d+)\.(\d+)(?:\.(\d+))?", self.git_version)
        return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


class ObjectReference(Value, frozen=True):
    kind: str = ""
    name: str = ""
    uid: str = ""


class EventSeries(Value, frozen=True):
    count: int = 0
    last_observed_time: datetime | None = None


class Event(Object, frozen=True):
    """core/v1 Event. Writers of the older kind fill ``count`` and the two timestamps, those of events.k8s.io ``event_time`` and
    ``series``. Texts are untrusted."""

    #: "Normal" or "Warning".
    type: str = ""
    reason: str = ""
    message: str = ""
    count: int = 0
    first_timestamp: datetime | None = None
    last_timestamp: datetime | None = None
    event_time: datetime | None = None
    series: EventSeries | None = None
    involved_object: ObjectReference = ObjectReference()

    @property
    def first(self) -> datetime | None:
        return self.first_timestamp or self.event_time or self.last_timestamp

    @property
    def last(self) -> datetime | None:
        observed = self.series.last_observed_time if self.series is not None else None
        return observed or self.last_timestamp or self.event_time or self.first_timestamp

    @property
    def times(self) -> int:
        """How often it happened; at least once."""
        return max(1, self.count, self.series.count if self.series is not None else 0)


class NodeReadiness(msgspec.Struct, frozen=True, kw_only=True):
    """What a node's Ready condition says: "True", "False" (its kubelet says so itself) or "Unknown" (nothing is heard of it);
    "" where there is no Node of that name."""

    name: str
    ready: str
    #: When it came to be so; None where nothing tells.
    since: datetime | None = None


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked only where a set is not well. ``None``: could not be read."""

    #: Those of the set and of its pods that are missing or do not start.
    events: tuple[Event, ...] | None = ()
    #: Pods that have the names of missing ones, got by name.
    namesakes: tuple[Pod, ...] | None = ()
    #: Of the nodes of pods that are not available.
    nodes: tuple[NodeReadiness, ...] | None = ()
    #: By name: since when somebody who looks on has seen no such pod, or seen that it is the next one to go.
    missing_since: dict[str, datetime] = {}


class SetView(msgspec.Struct, frozen=True, kw_only=True):
    """One StatefulSet and what belongs to it, as read from the cluster.

    ``pods`` and ``revisions`` are what the set's selector matches, unfiltered. ``None`` means: could not be read (a missing
    right), which must never be taken for "there are none".
    """

    #: None: the set does not exist (any more).
    set: StatefulSet | None
    pods: tuple[Pod, ...] | None = ()
    revisions: tuple[ControllerRevision, ...] | None = ()
    claims: tuple[PersistentVolumeClaim, ...] | None = ()
    server: ServerVersion | None = None
    #: None: nobody has asked.
    around: Around | None = None
    #: Where a pod stands for a group of pods: what the group of that name is made of, its leader first.
    parts: dict[str, tuple[Pod, ...]] = {}


def ordinal_of(pod_name: str, set_name: str) -> int | None:
    """The ordinal in a pod's name, or None where the name is not one of this set's.

    Kubernetes parses ``(.*)-([0-9]+)$``, whose dot is no line's end; a name with a padded number ("web-01") is nobody's, and
    neither is one with a number beyond 32 bits.
    """
    stem, hyphen, digits = pod_name.rpartition("-")
    if stem != set_name or not hyphen or len(digits) > 10 or not (digits.isascii() and digits.isdigit()) or "\n" in stem:
        return None
    ordinal = int(digits)
    return ordinal if str(ordinal) == digits and ordinal < 2**31 else None


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """Many StatefulSets and what may belong to them: one namespace's, or the whole cluster's. ``None`` as in SetView."""

    sets: tuple[StatefulSet, ...] = ()
    #: Kinds of sets that were asked for and could not be read, as resources ("statefulsets.apps.kruise.io"): there may be some.
    kinds_not_read: tuple[str, ...] = ()
    pods: tuple[Pod, ...] | None = ()
    revisions: tuple[ControllerRevision, ...] | None = ()
    claims: tuple[PersistentVolumeClaim, ...] | None = ()
    server: ServerVersion | None = None
