"""A LeaderWorkerSet as a set of groups, so that everybody who judges sets can judge it: each group stands as one pod, as good as
the worst of its own.

Its controller counts a group as ready whose workers do not start (kubernetes-sigs/lws leaderworkerset_controller.go
updateConditions: the worker set's ``status.replicas``, not those that are ready), so nothing here goes by its status. What is
wanted is the ControllerRevision that holds what the spec holds; where none does its controller has not seen the spec, for it says
nothing of generations.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from kubectl_pets.domain.model import (
    REVISION_LABEL,
    ClaimRetentionPolicy,
    Condition,
    ContainerStatus,
    ControllerRevision,
    LabelSelector,
    OwnerReference,
    Pod,
    PodTemplate,
    RevisionData,
    RevisionSpec,
    RollingUpdate,
    SetView,
    StatefulSet,
    StatefulSetSpec,
    StatefulSetStatus,
    UpdateStrategy,
)
from kubectl_pets.domain.sets.clocks import by_the_servers_clock
from kubectl_pets.domain.sets.kinds import Capability, kind_of
from kubectl_pets.domain.sets.named import named

#: On every set, pod, claim and ControllerRevision of a LeaderWorkerSet (its api/leaderworkerset/v1 SetNameLabelKey and siblings).
NAME_LABEL = "leaderworkerset.sigs.k8s.io/name"
_GROUP, _WORKER = "leaderworkerset.sigs.k8s.io/group-index", "leaderworkerset.sigs.k8s.io/worker-index"
_KEY = "leaderworkerset.sigs.k8s.io/template-revision-hash"

#: On a leader: how many pods its group has, which another template may have changed since.
SIZE_ANNOTATION = "leaderworkerset.sigs.k8s.io/size"


def selector_of(item: StatefulSet) -> LabelSelector:
    """What selects the pods and revisions of a set. A LeaderWorkerSet has no selector of its own, its name is a label."""
    if Capability.GROUPS in kind_of(item).can:
        return LabelSelector(match_labels={NAME_LABEL: item.name})
    return item.spec.selector


def folded(view: SetView) -> SetView:
    """The same look with groups in place of pods, where it is at a LeaderWorkerSet; as ``named`` has it, where it is at a set of
    named pods; any other one as it is."""
    view = named(view)
    owner = view.set
    if owner is None or owner.unreadable or Capability.GROUPS not in kind_of(owner).can:
        return view
    raw = owner.spec.leader_worker_template or {}
    kept = _by_key(owner, view.revisions or ())
    live = _comparable(owner.spec)
    update = next((key for key, each in kept.items() if _comparable(each.data.spec) == live), "")
    older = next(iter(kept), update)  # the last one that an update came to its end with: all before it were deleted then
    pods = view.pods if view.revisions is not None else None  # without them nobody can say what is wanted
    groups = None if pods is None else _groups(owner, pods, _size(raw), update)
    return replace(
        view,
        set=_as_set(owner, raw, update, older),
        pods=None if groups is None else (*(pod for pod, _ in groups), *(pod for pod in pods or () if pod.unreadable)),
        revisions=None if view.revisions is None else tuple(_as_revision(key, each) for key, each in kept.items()),
        parts={} if groups is None else {pod.name: parts for pod, parts in groups},
    )


def group_size(owner: StatefulSet) -> int:
    """How many pods each member is; 0 where members are no groups."""
    return _size(owner.spec.leader_worker_template or {}) if Capability.GROUPS in kind_of(owner).can else 0


def claim_templates(owner: StatefulSet) -> tuple[str, ...]:
    """Names of the claim templates of a set; in a group every pod has a claim of each (``<template>-NAME-k``, and of workers
    ``<template>-NAME-k-n``)."""
    if Capability.GROUPS not in kind_of(owner).can:
        return tuple(each.name for each in owner.spec.volume_claim_templates)
    found = (owner.spec.leader_worker_template or {}).get("volumeClaimTemplates")
    metas = [each.get("metadata") for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    return tuple(str(meta["name"]) for meta in metas if isinstance(meta, dict) and meta.get("name"))


def retention_policy(owner: StatefulSet) -> ClaimRetentionPolicy | None:
    """Of the claims of a set. Workers of a group that goes are not scaled: their set is deleted together with their leader."""
    if Capability.GROUPS not in kind_of(owner).can:
        return owner.spec.persistent_volume_claim_retention_policy
    found = (owner.spec.leader_worker_template or {}).get("persistentVolumeClaimRetentionPolicy")
    try:
        return msgspec.convert(found, ClaimRetentionPolicy) if found else None
    except msgspec.ValidationError:
        return None


def claims_go_along(owner: StatefulSet) -> bool:
    """Whether a group that is made again loses the claims of its workers: their set is deleted with its leader, and then
    ``whenDeleted: Delete`` is about them (KEP-1847)."""
    policy = retention_policy(owner)
    return group_size(owner) > 1 and policy is not None and policy.when_deleted == "Delete" and bool(claim_templates(owner))


def of_groups(sets: Iterable[StatefulSet]) -> dict[tuple[str, str], str]:
    """The uids of the LeaderWorkerSets among these, by namespace and name."""
    return {(each.namespace, each.name): each.metadata.uid for each in sets if Capability.GROUPS in kind_of(each).can}


def is_part(owner: StatefulSet, groups: Mapping[tuple[str, str], str]) -> bool:
    """Whether one of these LeaderWorkerSets stands for a set: that of its leaders is its own, that of a group's workers its
    leader's. A label alone makes no part of anything."""
    uid = groups.get((owner.namespace, owner.metadata.labels.get(NAME_LABEL, "")))
    controller = owner.metadata.controller()
    return uid is not None and controller is not None and (controller.uid == uid or controller.kind == "Pod")


def _by_key(owner: StatefulSet, revisions: Iterable[ControllerRevision]) -> dict[str, ControllerRevision]:
    """Its own revisions by the key that pods carry, in the order in which they were first made. A template that is put back gets
    another revision with the key that it had (revision_utils.go NewRevision): one, with the number of the newest."""
    kept: dict[str, ControllerRevision] = {}
    for each in sorted(revisions, key=lambda each: each.revision):
        key = each.metadata.labels.get(_KEY, "")
        if key and _controls(owner, each.metadata.controller()):
            first = kept.get(key, each).metadata.creation_timestamp
            kept[key] = replace(each, metadata=replace(each.metadata, creation_timestamp=first))
    return kept


def _controls(owner: StatefulSet, controller: OwnerReference | None) -> bool:
    return controller is not None and controller.uid == owner.metadata.uid


def _size(raw: dict[str, Any]) -> int:
    size = raw.get("size", 1)
    return size if isinstance(size, int) and size > 0 else 1


def _as_set(owner: StatefulSet, raw: dict[str, Any], update: str, older: str) -> StatefulSet:
    rollout = owner.spec.rollout_strategy
    rolling = rollout.rolling_update_configuration if rollout is not None else None
    spec = StatefulSetSpec(
        leader_worker_template=raw,
        startup_policy=owner.spec.startup_policy,
        replicas=owner.spec.replicas,
        selector=selector_of(owner),
        service_name=owner.name,
        pod_management_policy="Parallel",
        update_strategy=UpdateStrategy(rolling_update=rolling or RollingUpdate()),
        template=_template(raw),
    )
    observed = owner.metadata.generation if update else 0
    status = StatefulSetStatus(observed_generation=observed, current_revision=older, update_revision=update)
    return replace(owner, spec=spec, status=status)


def pod_template(owner: StatefulSet) -> PodTemplate:
    """What the pods of a set are made from; of groups as ``_template`` has it."""
    return _template(owner.spec.leader_worker_template or {}) if Capability.GROUPS in kind_of(owner).can else owner.spec.template


def template_and_container(container: str) -> tuple[str, str]:
    """The template of a group, by its field, in which a container of ``pod_template`` stands, and what it is called there."""
    role, slash, name = container.partition("/")
    return (f"{role}Template", name) if slash else ("workerTemplate", container)


def _template(raw: dict[str, Any]) -> PodTemplate:
    """The leader's with the containers of both, ``leader/NAME`` and ``worker/NAME``, for they may have the same name; where it
    has none of its own both are the workers'."""
    try:
        workers = msgspec.convert(raw.get("workerTemplate") or {}, PodTemplate)
        if not raw.get("leaderTemplate"):
            return workers
        leader = msgspec.convert(raw["leaderTemplate"], PodTemplate)
    except msgspec.ValidationError:
        return PodTemplate()
    ours = (("leader", leader.spec), ("worker", workers.spec))
    spec = replace(
        leader.spec,
        containers=tuple(replace(each, name=f"{role}/{each.name}") for role, spec in ours for each in spec.containers),
        init_containers=tuple(replace(each, name=f"{role}/{each.name}") for role, spec in ours for each in spec.init_containers),
    )
    return replace(leader, spec=spec)


def _as_revision(key: str, each: ControllerRevision) -> ControllerRevision:
    """Called by its key, which is what pods carry."""
    template = _template(each.data.spec.leader_worker_template or {})
    meta = replace(each.metadata, name=key)
    return replace(each, metadata=meta, data=RevisionData(spec=replace(each.data.spec, template=template)))


def _comparable(spec: StatefulSetSpec | RevisionSpec) -> Any:
    """What a revision holds of the spec, without what typed clients add or leave out."""
    network = spec.network_config or {"subdomainPolicy": "Shared"}
    return _bare({"leaderWorkerTemplate": spec.leader_worker_template or {}, "networkConfig": network})


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _bare(each) for key, each in value.items() if key != "$patch"}
        return {key: each for key, each in kept.items() if each not in (None, {}, [])}
    return [_bare(each) for each in value] if isinstance(value, list) else value


def _groups(owner: StatefulSet, pods: Iterable[Pod], size: int, update: str) -> list[tuple[Pod, tuple[Pod, ...]]]:
    """Each group that has a leader, as one pod, and the pods that it is made of, the leader first."""
    found: dict[str, dict[int, Pod]] = {}
    for pod in pods:
        labels = pod.metadata.labels
        worker = labels.get(_WORKER, "")
        if labels.get(NAME_LABEL) == owner.name and worker.isascii() and worker.isdigit() and len(worker) < 10:
            found.setdefault(labels.get(_GROUP, ""), {})[int(worker)] = pod
    return [
        (_as_pod(owner, parts, size, update), tuple(parts[index] for index in sorted(parts)))
        for group, parts in found.items()
        if 0 in parts or _is_left_over(owner, group)
    ]


def _is_left_over(owner: StatefulSet, group: str) -> bool:
    """Whether workers without their leader are of a group that is not wanted any more: gone only once they are. In range the
    leader is what is missing."""
    return group.isascii() and group.isdigit() and len(group) < 10 and int(group) >= owner.spec.replicas


def _as_pod(owner: StatefulSet, parts: dict[int, Pod], size: int, update: str) -> Pod:
    parts = {index: by_the_servers_clock(pod) for index, pod in parts.items()}
    leader = parts[0] if 0 in parts else _stand_in(owner, parts)
    size = _size_of(leader, size)
    ours = tuple(parts[index] for index in sorted(parts))
    leaving = [pod.metadata.deletion_timestamp for pod in ours if pod.metadata.deletion_timestamp is not None]
    status = replace(
        leader.status,
        phase=_phase(ours),
        conditions=(*_scheduling(ours), _readiness(leader, parts, size)),
        container_statuses=tuple(each for pod in ours for each in _statuses(pod, leader, pod.status.container_statuses)),
        init_container_statuses=tuple(
            each for pod in ours for each in _statuses(pod, leader, pod.status.init_container_statuses)
        ),
    )
    meta = replace(
        leader.metadata,
        labels={**leader.metadata.labels, REVISION_LABEL: _revision(ours, update)},
        owner_references=(OwnerReference(kind="LeaderWorkerSet", name=owner.name, uid=owner.metadata.uid, controller=True),),
        deletion_timestamp=max(leaving, default=None),
    )
    node = leader.spec.node_name if all(pod.spec.node_name for pod in ours) else ""
    volumes = tuple(volume for pod in ours for volume in pod.spec.volumes)
    return replace(leader, metadata=meta, spec=replace(leader.spec, node_name=node, volumes=volumes), status=status)


def _stand_in(owner: StatefulSet, parts: dict[int, Pod]) -> Pod:
    """Any of the workers, under the name of the leader that is gone."""
    worker = parts[min(parts)]
    return replace(worker, metadata=replace(worker.metadata, name=f"{owner.name}-{worker.metadata.labels[_GROUP]}"))


def _revision(parts: tuple[Pod, ...], update: str) -> str:
    """The one that all of its pods carry; of several one that is not the wanted one."""
    keys = [pod.metadata.labels.get(_KEY, "") for pod in parts]
    return next((key for key in keys if key != update), update)


def _phase(parts: tuple[Pod, ...]) -> str:
    phases = {pod.status.phase for pod in parts}
    worst = next((phase for phase in ("Failed", "Pending", "Unknown") if phase in phases), "")
    return worst or ("Running" if phases == {"Running"} else "Pending")


def _scheduling(parts: tuple[Pod, ...]) -> tuple[Condition, ...]:
    found = [pod.status.condition("PodScheduled") for pod in parts]
    held = next((each for each in found if each is not None and each.status != "True"), found[0])
    return (held,) if held is not None else ()


def _readiness(leader: Pod, parts: dict[int, Pod], size: int) -> Condition:
    """Ready once every pod of the group is there and is; since the last of them became so. Workers go with their leader, so one
    that is older than it is the former leader's, and on its way out."""
    missing = [f"{leader.name}-{index}" for index in range(1, size) if index not in parts]
    found = {pod.name: pod.status.condition("Ready") for index, pod in parts.items() if index < size}
    down = [name for name, each in found.items() if each is None or each.status != "True"]
    former = [pod.name for pod in parts.values() if _is_older(pod, leader)]
    if missing or down or former:
        told = [f"{each} is not there" for each in missing] + [f"{each} is not ready" for each in down]
        told += [f"{each} is of the group before" for each in former]
        more = f" and {len(told) - 3} more" if len(told) > 3 else ""
        return Condition(type="Ready", status="False", reason="GroupNotReady", message=", ".join(told[:3]) + more)
    times = [each.last_transition_time for each in found.values() if each is not None and each.last_transition_time is not None]
    return Condition(type="Ready", status="True", last_transition_time=max(times, default=None))


def _size_of(leader: Pod, size: int) -> int:
    """How many pods the group of this leader has; ``size`` where it carries no number."""
    noted = leader.metadata.annotations.get(SIZE_ANNOTATION, "")
    return int(noted) if noted.isascii() and noted.isdigit() and len(noted) < 10 else size


def awaited_worker(owner: StatefulSet, parts: tuple[Pod, ...]) -> str:
    """The first worker of a group that is not there though its time has come (LeaderWorkerSet ``startupPolicy``); empty where
    none is. ``parts``: the pods of the group, its leader first."""
    if not parts or _WORKER not in parts[0].metadata.labels or parts[0].metadata.labels[_WORKER] != "0":
        return ""
    leader, names = parts[0], {pod.name for pod in parts}
    ready = leader.status.condition("Ready")
    if leader.terminating or (owner.spec.startup_policy == "LeaderReady" and (ready is None or ready.status != "True")):
        return ""
    wanted = (f"{leader.name}-{index}" for index in range(1, _size_of(leader, group_size(owner))))
    return next((name for name in wanted if name not in names), "")


def _is_older(pod: Pod, leader: Pod) -> bool:
    made, first = pod.metadata.creation_timestamp, leader.metadata.creation_timestamp
    return made is not None and first is not None and made < first


def _statuses(pod: Pod, leader: Pod, statuses: tuple[ContainerStatus, ...]) -> Iterable[ContainerStatus]:
    """A worker's containers are called after it, for the leader may have some of the same name."""
    return statuses if pod is leader else (replace(each, name=f"{pod.name}/{each.name}") for each in statuses)
