"""Who else believes that this StatefulSet is theirs? GitOps tools and operators put back what is patched by hand.

Evidence in the order of weight: a controlling owner, then the marks that tools leave in labels and annotations, then the names
under which they wrote fields (metav1.ManagedFieldsEntry). Helm alone does not revert anything, it is named all the same.
"""

from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.model import PodTemplate, StatefulSet, UpdateStrategy, Value
from kubectl_pets.domain.sets.grouping import NAME_LABEL


@unique
class ManagerKind(StrEnum):
    OPERATOR = "operator"
    ARGO_CD = "argo-cd"
    FLUX = "flux"
    HELM = "helm"
    OTHER = "other"


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    """A kind whose controller makes StatefulSets, or pods in their stead, and writes their spec: changes are made to it."""

    group: str
    kind: str
    plural: str

    @property
    def resource(self) -> str:
        return f"{self.plural}.{self.group}"


_LEADER_WORKER_SET = Whole(group="leaderworkerset.x-k8s.io", kind="LeaderWorkerSet", plural="leaderworkersets")

#: Besides LeaderWorkerSets, whose label tells. https://openkruise.io/docs/user-manuals/uniteddeployment, https://kubeblocks.io,
#: https://strimzi.io, https://github.com/ai-dynamo/grove
WHOLES = (
    Whole(group="apps.kruise.io", kind="UnitedDeployment", plural="uniteddeployments"),
    Whole(group="workloads.kubeblocks.io", kind="InstanceSet", plural="instancesets"),
    Whole(group="core.strimzi.io", kind="StrimziPodSet", plural="strimzipodsets"),
    Whole(group="grove.io", kind="PodCliqueSet", plural="podcliquesets"),
)


class LeaderWorkerSetMember(msgspec.Struct, frozen=True, kw_only=True):
    """What a set is a part of, most often a LeaderWorkerSet. ``owner``: what controls the set, as ``Kind/name``: the
    LeaderWorkerSet itself for the set of all leaders, the leader's pod for the workers of a group. Empty: nothing does. All
    untrusted text."""

    name: str
    owner: str = ""
    whole: Whole = _LEADER_WORKER_SET

    @property
    def groups(self) -> bool:
        """Whether it is a LeaderWorkerSet."""
        return self.whole is _LEADER_WORKER_SET


#: On the set, from the first change of ours that holds pods: who stated the partition before, for our writing it takes that away.
STATED_ANNOTATION = "kubectl-pets/partition-stated-by"

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


#: Of which sets that are rolled out one after the other a set is one (grafana/rollout-operator).
_ROLLOUT_GROUP = "rollout-group"

#: Which Rollout is at work on the set, as JSON (openkruise/rollouts pkg/util InRolloutProgressingAnnotation).
_IN_ROLLOUT = "rollouts.kruise.io/in-progressing"

#: The operation of server-side apply in managedFields.
APPLY = "Apply"
#: Who writes last-applied-configuration.
APPLYING_CLIENT = "kubectl apply"


class AppliedSpec(Value, frozen=True):
    """What a manifest states; None and empty where it does not."""

    replicas: int | None = None
    template: PodTemplate = PodTemplate()
    update_strategy: UpdateStrategy = UpdateStrategy()


class _Applied(Value, frozen=True):
    """What was applied, in so far as it is read here."""

    spec: AppliedSpec = AppliedSpec()


class _InRollout(Value, frozen=True):
    rollout_name: str = ""


class Manager(msgspec.Struct, frozen=True, kw_only=True):
    """``name`` is the cluster's word for it (untrusted), ``evidence`` the field it was seen in."""

    kind: ManagerKind
    name: str
    evidence: str
    #: It deletes outdated pods by itself.
    replaces: bool = False


_MARKS = (
    ("argocd.argoproj.io/", ManagerKind.ARGO_CD),
    ("kustomize.toolkit.fluxcd.io/", ManagerKind.FLUX),
    ("helm.toolkit.fluxcd.io/", ManagerKind.FLUX),
    ("meta.helm.sh/", ManagerKind.HELM),
)
_WRITERS = (
    ("argocd", ManagerKind.ARGO_CD),
    ("kustomize-controller", ManagerKind.FLUX),
    ("helm-controller", ManagerKind.FLUX),
    ("helm", ManagerKind.HELM),
)


def managers(owner: StatefulSet) -> tuple[Manager, ...]:
    """Everybody who seems to manage the set, each kind once with its strongest evidence."""
    found: dict[ManagerKind, Manager] = {}
    for manager in _candidates(owner):
        found.setdefault(manager.kind, manager)
    return tuple(found.values())


def replacer(owner: StatefulSet) -> Manager | None:
    """Who deletes the outdated pods of an OnDelete set, in an order of its own: what controls such a set has no other use for
    that strategy (elastic/cloud-on-k8s#1442, gardener/etcd-druid#879), and grafana's rollout-operator is told by a label to do
    so for sets that nothing controls (grafana/rollout-operator#1). Untrusted text."""
    if owner.spec.update_strategy.type != "OnDelete":
        return None
    controller = owner.metadata.controller()
    if controller is not None:
        return _operator(owner)
    if not owner.metadata.labels.get(_ROLLOUT_GROUP):
        return None
    return Manager(kind=ManagerKind.OTHER, name="rollout-operator", evidence=_ROLLOUT_GROUP, replaces=True)


def rollout_of(owner: StatefulSet) -> str:
    """The Rollout of OpenKruise (https://openkruise.io/rollouts) that moves the set's partition, batch by batch, as long as it
    marks the set; untrusted text, empty: none."""
    text = owner.metadata.annotations.get(_IN_ROLLOUT)
    if text is None:
        return ""
    try:
        return f"Rollout/{msgspec.json.decode(text, type=_InRollout).rollout_name}"
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return "Rollout"


def kind_of(writer: str) -> ManagerKind | None:
    """What tool writes under this name, if it is a known one."""
    return next((kind for prefix, kind in _WRITERS if writer.startswith(prefix)), None)


def leader_worker_set(owner: StatefulSet) -> LeaderWorkerSetMember | None:
    """The LeaderWorkerSet that the set is a part of, by its label. Its controller puts changes back within seconds, or makes
    whole groups anew for them, so no verb changes such a set."""
    name = owner.metadata.labels.get(NAME_LABEL)
    if name is None:
        return None
    controller = owner.metadata.controller()
    return LeaderWorkerSetMember(name=name, owner=f"{controller.kind}/{controller.name}" if controller is not None else "")


def part_of(owner: StatefulSet) -> LeaderWorkerSetMember | None:
    """The same, and any other kind whose controller makes the set and writes all of its spec, by what controls it."""
    controller = owner.metadata.controller()
    group = controller.api_version.partition("/")[0] if controller is not None else ""
    kind = controller.kind if controller is not None else ""
    whole = next((each for each in WHOLES if (each.group, each.kind) == (group, kind)), None)
    if whole is None or controller is None:
        return leader_worker_set(owner)
    return LeaderWorkerSetMember(name=controller.name, owner=f"{controller.kind}/{controller.name}", whole=whole)


def states_partition(owner: StatefulSet) -> str:
    """Who deploys this set with a partition of its own, so that the next deploy writes it over ours and releases what that holds
    (client-side and forced apply); untrusted text, empty: nobody that can be seen.

    From what was last applied, and from server-side apply (managedFields, operation Apply). An Update proves nothing: there the
    defaults of the API server count as the writer's own.
    """
    noted = owner.metadata.annotations.get(STATED_ANNOTATION, "")
    applied = applied_spec(owner)
    rolling = applied.update_strategy.rolling_update if applied is not None else None
    by_client = rolling is not None and rolling.partition is not None
    return noted or next(iter(_appliers(owner)), "") or (APPLYING_CLIENT if by_client else "")


def applied_spec(owner: StatefulSet) -> AppliedSpec | None:
    """The manifest that ``kubectl apply`` noted on the set. None: there is none, or none that can be read."""
    text = owner.metadata.annotations.get(_LAST_APPLIED)
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=_Applied).spec
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _appliers(owner: StatefulSet) -> list[str]:
    """Who states the partition by server-side apply."""
    return [
        entry.manager
        for entry in owner.metadata.managed_fields
        if entry.operation == APPLY and not entry.subresource and (fields := entry.fields_v1) is not None
        if fields.spec is not None and fields.spec.partition is not None
    ]


def _operator(owner: StatefulSet) -> Manager | None:
    controller, group = owner.metadata.controller(), leader_worker_set(owner)
    if group is not None:  # a group's workers are controlled by its leader's pod, which manages nothing
        return Manager(kind=ManagerKind.OPERATOR, name=f"LeaderWorkerSet/{group.name}", evidence=NAME_LABEL)
    if controller is None:
        return None
    name, replaces = f"{controller.kind}/{controller.name}", owner.spec.update_strategy.type == "OnDelete"
    return Manager(kind=ManagerKind.OPERATOR, name=name, evidence="metadata.ownerReferences", replaces=replaces)


def _candidates(owner: StatefulSet) -> list[Manager]:
    meta = owner.metadata
    seen = [each for each in (_operator(owner), replacer(owner)) if each is not None]
    for field, marks in (("metadata.labels", meta.labels), ("metadata.annotations", meta.annotations)):
        for key in sorted(marks):
            kind = next((kind for prefix, kind in _MARKS if key.startswith(prefix)), None)
            if kind is not None:
                seen.append(Manager(kind=kind, name=key, evidence=field))
    rollout = rollout_of(owner)
    if rollout:
        seen.append(Manager(kind=ManagerKind.OTHER, name=rollout, evidence=_IN_ROLLOUT))
    label = meta.labels.get("app.kubernetes.io/managed-by", "")
    if label:
        kind = ManagerKind.HELM if label.lower() == "helm" else ManagerKind.OTHER
        seen.append(Manager(kind=kind, name=label, evidence="app.kubernetes.io/managed-by"))
    for entry in meta.managed_fields:
        kind = kind_of(entry.manager)
        if kind is not None and not entry.subresource:
            seen.append(Manager(kind=kind, name=entry.manager, evidence="metadata.managedFields"))
    return seen
