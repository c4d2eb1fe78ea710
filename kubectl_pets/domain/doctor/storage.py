"""PETS3xx: is the data safe, and will the next pod get its claim? What ``orphans`` finds, and what claims and classes tell
besides."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from kubectl_pets.domain.claims.growth import GrowthStage, refused_attributes
from kubectl_pets.domain.claims.quantities import parse_bytes
from kubectl_pets.domain.doctor.case import Case, Judgement, RuleCheck, RuleSkipped, SetClaim, check, once
from kubectl_pets.domain.doctor.voters import Members, members_of
from kubectl_pets.domain.findings import Finding, Rule, Severity
from kubectl_pets.domain.model import ClaimRetentionPolicy, PersistentVolumeClaim, Pod
from kubectl_pets.domain.orphans import found as orphans
from kubectl_pets.domain.orphans.findings import Class, EvidenceKind
from kubectl_pets.domain.orphans.places import unreachable
from kubectl_pets.domain.rollout import found as rollout

#: A driver that works on a volume is given this long.
_DRIVER = timedelta(minutes=10)

#: The attach-detach controller takes a volume from a node that does not answer after this (maxWaitForUnmountDuration).
_FORCE_DETACH = timedelta(minutes=6)

#: Data that nobody has used for so long surprises whoever gets it back.
_OLD = timedelta(days=7)

#: It may go on by itself, so it is told only after a while.
_AT_WORK = (GrowthStage.WORKING, GrowthStage.RETRYING, GrowthStage.NEEDS_POD)

#: core/v1 PersistentVolumeClaimConditionType, of a claim that gets other attributes.
_MODIFYING = ("ModifyVolumeError", "ModifyingVolume")

#: From here on a file system is full (kubernetes-mixin warns where 3 % are left, which is late for a database).
_FULL = 85


def _from_orphans(rule: Rule) -> RuleCheck:
    def judge(case: Case) -> Iterator[Finding]:
        own = case.ward.claim_verdicts_by_set.get((case.owner.namespace, case.owner.name), ())
        return (finding for verdict in own for finding in orphans.findings(verdict) if finding.rule is rule)

    return check(rule, "inventory")(judge)


# --- classes -----------------------------------------------------------------------------------------------------------------


def _all_there(case: Case, template: str) -> bool:
    """Every position has its claim, bound: no claim has to be made now."""
    own = [each for each in case.set_claims if each.template.name == template]
    return bool(own) and all(each.claim is not None and each.claim.status.phase == "Bound" for each in own)


@check(Rule.CLASS_MISSING, "classes")
def class_missing(case: Case) -> Judgement:
    """A claim template names a StorageClass that does not exist: its claims stay Pending. Where all claims are bound already only
    the next ones will, which is a warning. The empty name is no class at all, and legal."""
    for template in case.owner.spec.volume_claim_templates:
        name = template.spec.storage_class_name
        if name and case.class_named(name) is None and not _static(case, name):
            yield Finding(
                rule=Rule.CLASS_MISSING,
                subject=case.subject,
                names=(name, template.name),
                field=f"spec.volumeClaimTemplates[{template.name}].spec.storageClassName",
                lighter=Severity.WARNING if _all_there(case, template.name) else None,
            )


def _static(case: Case, name: str) -> bool:
    """Volumes that were made by hand may share a class name that is no object."""
    return any(each is not None and each.spec.storage_class_name == name for each in (case.estate.volumes or {}).values())


@check(Rule.DEFAULT_CLASS, "classes", "claims")
def default_class(case: Case) -> Judgement:
    """A claim template without a class takes the cluster's default one, and there is none, or there are several and the newest is
    taken. Claims that are bound keep what they have."""
    defaults = case.ward.default_classes
    if len(defaults) == 1:
        return
    for template in case.owner.spec.volume_claim_templates:
        if template.spec.storage_class_name is None and not _all_there(case, template.name):
            yield Finding(
                rule=Rule.DEFAULT_CLASS,
                subject=case.subject,
                names=(template.name, *defaults),
                number=len(defaults),
                limit=1,
                field=f"spec.volumeClaimTemplates[{template.name}].spec.storageClassName",
            )


@check(Rule.NOT_EXPANDABLE, "classes")
def not_expandable(case: Case) -> Judgement:
    """The class of a claim template does not allow expansion: when the disk is full there is no way up but a copy. Local volumes
    cannot grow at all, so nothing is said of them."""
    for template in case.owner.spec.volume_claim_templates:
        found = case.class_named(template.spec.storage_class_name)
        local = found is not None and found.provisioner in ("kubernetes.io/no-provisioner", "rancher.io/local-path")
        if found is not None and not found.allow_volume_expansion and not local:
            yield Finding(
                rule=Rule.NOT_EXPANDABLE,
                subject=case.subject,
                names=(found.name, template.name),
                field=f"spec.volumeClaimTemplates[{template.name}].spec.storageClassName",
            )


# --- claims ------------------------------------------------------------------------------------------------------------------


def _there(case: Case) -> Iterator[tuple[SetClaim, PersistentVolumeClaim]]:
    for each in case.set_claims:
        if each.claim is not None and not each.claim.unreadable:
            yield each, each.claim


@check(Rule.CLAIM_PENDING, "claims", "pods")
def claim_pending(case: Case) -> Judgement:
    """A claim has waited for its volume for two minutes. One of a class that waits for its first pod (WaitForFirstConsumer) waits
    rightly until that has a node."""
    told = [each for each in rollout.findings(case.seen) if each.rule is Rule.CLAIM_PENDING]
    yield from told
    for each, claim in _there(case):
        if claim.status.phase != "Pending" or case.young(claim.metadata.creation_timestamp):
            continue
        storage, pod = case.class_named(claim.spec.storage_class_name), case.pods.get(each.ordinal)
        waits = storage is not None and storage.volume_binding_mode == "WaitForFirstConsumer"
        if (waits or case.estate.classes is None) and (pod is None or not pod.spec.node_name):
            continue
        if pod is None or not any(found.subject.name == pod.name for found in told):
            yield Finding(
                rule=Rule.CLAIM_PENDING,
                subject=case.claim(claim.name),
                detail=claim.spec.storage_class_name or "",
                since=claim.metadata.creation_timestamp,
                field="status.phase",
            )


@check(Rule.CLAIM_LOST, "claims")
def claim_lost(case: Case) -> Judgement:
    """The claim's volume is gone: its pod will not start again."""
    for _, claim in _there(case):
        if claim.status.phase == "Lost":
            yield Finding(rule=Rule.CLAIM_LOST, subject=case.claim(claim.name), names=(claim.spec.volume_name,))


@check(Rule.CLAIM_MISSING, "claims", "pods")
def claim_missing(case: Case) -> Judgement:
    """A pod mounts a claim that does not exist (kubernetes/kubernetes#89910). Claims are read before pods, so a young pod may
    have a claim that was not there yet, and a pod on its way out may outlive its own."""
    for pod in case.pods.values():
        if pod.terminating or _over(pod) or case.young(pod.metadata.creation_timestamp):
            continue
        for name in _mounts(pod):
            if (case.owner.namespace, name) not in case.ward.claims:
                yield Finding(rule=Rule.CLAIM_MISSING, subject=case.pod(pod.name), names=(name,), field="spec.volumes")


@check(Rule.CLAIM_DYING, "claims", "pods")
def claim_dying(case: Case) -> Judgement:
    """A claim is being deleted and only its pod holds it (kubernetes.io/pvc-protection): with the pod's next restart elsewhere
    the data goes (kubernetes/kubernetes#74374)."""
    for pod in case.pods.values():
        for name in () if _over(pod) else _mounts(pod):
            claim = case.ward.claims.get((case.owner.namespace, name))
            if claim is not None and claim.metadata.deletion_timestamp is not None:
                yield Finding(
                    rule=Rule.CLAIM_DYING,
                    subject=case.claim(name),
                    names=(pod.name,),
                    since=claim.metadata.deletion_timestamp,
                    field="metadata.deletionTimestamp",
                )


def _mounts(pod: Pod) -> list[str]:
    return [each.persistent_volume_claim.claim_name for each in pod.spec.volumes if each.persistent_volume_claim is not None]


def _over(pod: Pod) -> bool:
    return pod.status.phase in ("Succeeded", "Failed")


@check(Rule.SIZE_DRIFT, "claims")
def size_drift(case: Case) -> Judgement:
    """Claims ask for another size than their template (which cannot be changed, kubernetes/kubernetes#68737): new pods get the
    template's. Said once a template; while a claim is being resized it is not said."""
    for template in case.owner.spec.volume_claim_templates:
        wanted = parse_bytes(template.spec.resources.requests.get("storage"))
        own = [claim for each, claim in _there(case) if each.template.name == template.name]
        sizes = {claim.name: parse_bytes(claim.spec.resources.requests.get("storage")) for claim in own}
        other = {name: size for name, size in sizes.items() if size is not None and size != wanted}
        if wanted is not None and other:
            yield Finding(
                rule=Rule.SIZE_DRIFT,
                subject=case.subject,
                names=tuple(sorted(other)),
                number=max(other.values()) if max(other.values()) > wanted else min(other.values()),
                limit=wanted,
                detail=template.name,
                field=f"spec.volumeClaimTemplates[{template.name}].spec.resources.requests.storage",
            )


@check(Rule.CLASS_DRIFT, "claims")
def class_drift(case: Case) -> Judgement:
    """Claims are of another class than their template (migtools/crane#795). A class that was given another name with the same
    provisioner and parameters is the same storage, and a template without a class takes whatever was the default."""
    for template in case.owner.spec.volume_claim_templates:
        wanted = template.spec.storage_class_name
        other = [
            claim
            for each, claim in _there(case)
            if each.template.name == template.name and wanted and claim.spec.storage_class_name != wanted
        ]
        other = [claim for claim in other if not _same_storage(case, wanted, claim.spec.storage_class_name)]
        if other:
            yield Finding(
                rule=Rule.CLASS_DRIFT,
                subject=case.subject,
                names=tuple(sorted(claim.name for claim in other)),
                detail=f"{other[0].spec.storage_class_name or '(none)'}, not {wanted}",
                field=f"spec.volumeClaimTemplates[{template.name}].spec.storageClassName",
            )


def _same_storage(case: Case, one: str | None, other: str | None) -> bool:
    first, second = case.class_named(one), case.class_named(other)
    if first is None or second is None:
        return False
    return (first.provisioner, first.parameters) == (second.provisioner, second.parameters)


@check(Rule.ATTRIBUTES_DRIFT, "claims")
def attributes_drift(case: Case) -> Judgement:
    """The class of attributes that a claim has is not the one of its template (VictoriaMetrics/operator#2598). Unset on both
    sides is no drift, and neither is a change that is under way (KEP-3751); one that is noted on a claim that asks for no class
    any more is not."""
    for each, claim in _there(case):
        wanted, has = each.template.spec.volume_attributes_class_name, claim.status.current_volume_attributes_class_name
        under_way = claim.status.modify_volume_status is not None and claim.spec.volume_attributes_class_name
        if not wanted or claim.status.phase != "Bound" or under_way:
            continue
        if wanted != (has or claim.spec.volume_attributes_class_name):
            yield Finding(
                rule=Rule.ATTRIBUTES_DRIFT,
                subject=case.claim(claim.name),
                names=(wanted, has or claim.spec.volume_attributes_class_name or "(none)"),
                field="status.currentVolumeAttributesClassName",
            )


@check(Rule.RESIZE_WAITS, "claims")
def resize_waits(case: Case) -> Judgement:
    """A resize stands still until the pod is started anew, with drivers that cannot grow a mounted file system
    (longhorn/longhorn#2749): told as soon as ``status`` calls it so. Anything else that has taken ten minutes is told, too."""
    for each in case.seen.growing:
        stage, since = each.growth.stage, each.growth.since
        if stage is GrowthStage.NEEDS_RESTART or (stage in _AT_WORK and not case.young(since, _DRIVER)):
            yield Finding(
                rule=Rule.RESIZE_WAITS,
                subject=case.claim(each.claim),
                names=(each.pod,),
                detail=stage.value,
                since=since,
                field="status.conditions",
            )


@check(Rule.RESIZE_INFEASIBLE, "claims")
def resize_infeasible(case: Case) -> Judgement:
    """The driver has said that this size cannot be had (KEP-1790): it is not tried again until somebody asks for another. As
    ``status`` has it: of a size that is asked for no more nothing is said."""
    for each in case.seen.growing:
        claim = case.ward.claims.get((case.owner.namespace, each.claim))
        if each.growth.stage is GrowthStage.INFEASIBLE and claim is not None:
            yield Finding(
                rule=Rule.RESIZE_INFEASIBLE,
                subject=case.claim(each.claim),
                detail=claim.status.allocated_resource_statuses.get("storage", ""),
                since=each.growth.since,
                field="status.allocatedResourceStatuses",
            )


@check(Rule.MODIFY_INFEASIBLE, "claims")
def modify_infeasible(case: Case) -> Judgement:
    """The driver has said that the attributes that are asked for cannot be had (KEP-3751), or the claim has waited for ten
    minutes for a class that there is not (Pending)."""
    for _, claim in _there(case):
        status, wanted = claim.status.modify_volume_status, claim.spec.volume_attributes_class_name
        if status is None or not wanted:
            continue
        since = _attributes_asked(claim) if status.status == "Pending" else _modifying_since(claim)
        if refused_attributes(claim) or (status.status == "Pending" and not case.young(since, _DRIVER)):
            yield Finding(
                rule=Rule.MODIFY_INFEASIBLE,
                subject=case.claim(claim.name),
                names=(wanted,),
                detail=status.status,
                since=since,
                field="status.modifyVolumeStatus",
            )


def _modifying_since(claim: PersistentVolumeClaim) -> datetime | None:
    found = (each for each in claim.status.conditions if each.type in _MODIFYING and each.status == "True")
    return next((each.last_transition_time for each in found), None)


def _attributes_asked(claim: PersistentVolumeClaim) -> datetime | None:
    """When the class was asked for, at the earliest known. Of a class that there is not the resizer notes nothing but Pending: no
    condition, no time, and not even its name (kubernetes-csi/external-resizer, markControllerModifyVolumeStatus)."""
    asked = (
        each.time
        for each in claim.metadata.managed_fields
        if each.fields_v1 and each.fields_v1.spec and each.fields_v1.spec.volume_attributes_class_name
    )
    return max((time for time in asked if time is not None), default=None)


# --- what destroys -----------------------------------------------------------------------------------------------------------


def _doomed(case: Case) -> list[str]:
    """Claims of the set whose data goes with them: by the reclaim policy of their volumes, not of the class."""
    volumes = case.estate.volumes or {}
    return [
        claim.name
        for _, claim in _there(case)
        if (volume := volumes.get(claim.spec.volume_name)) is not None
        and volume.spec.persistent_volume_reclaim_policy == "Delete"
    ]


def _policy(case: Case) -> ClaimRetentionPolicy:
    return case.owner.spec.persistent_volume_claim_retention_policy or ClaimRetentionPolicy()


@check(Rule.SCALE_DESTROYS, "claims", "volumes")
def scale_destroys(case: Case) -> Judgement:
    """``whenScaled: Delete`` and volumes that are deleted with their claims: each scale-down, also one of an autoscaler, destroys
    data (KEP-1847). Of members that are said to be caches nothing is told."""
    doomed = _doomed(case) if _policy(case).when_scaled == "Delete" and not _cache(case) else []
    if doomed:
        yield _destroys(case, Rule.SCALE_DESTROYS, doomed, "whenScaled")


@check(Rule.DELETE_DESTROYS, "claims", "volumes")
def delete_destroys(case: Case) -> Judgement:
    """``whenDeleted: Delete`` and volumes that are deleted with their claims: whoever deletes the set, or has GitOps replace it,
    destroys all of its data (argoproj/argo-cd#1068)."""
    doomed = _doomed(case) if _policy(case).when_deleted == "Delete" and not _cache(case) else []
    if doomed:
        yield _destroys(case, Rule.DELETE_DESTROYS, doomed, "whenDeleted")


def _cache(case: Case) -> bool:
    return members_of(case.owner) is Members.CACHE


def _destroys(case: Case, rule: Rule, doomed: list[str], which: str) -> Finding:
    return Finding(
        rule=rule,
        subject=case.subject,
        names=tuple(doomed),
        number=len(doomed),
        limit=0,
        field=f"spec.persistentVolumeClaimRetentionPolicy.{which}",
    )


@check(Rule.ONE_COMMAND_AWAY, "claims", "volumes")
def one_command_away(case: Case) -> Judgement:
    """The set keeps its claims, but every volume is deleted with its claim, and no claim has a snapshot: ``kubectl delete pvc``
    is all that it takes (kubernetes-csi/external-snapshotter#1052). Where one volume is kept somebody has thought of it."""
    policy, volumes = _policy(case), case.estate.volumes or {}
    own = [claim for _, claim in _there(case) if claim.spec.volume_name]
    doomed = _doomed(case)
    retained = (policy.when_deleted, policy.when_scaled) == ("Retain", "Retain")
    known = all(volumes.get(claim.spec.volume_name) is not None for claim in own)
    if not retained or not own or not known or len(doomed) < len(own) or _cache(case):
        return
    if case.estate.snapshots is None:
        yield RuleSkipped("snapshots")
        return
    if not any(case.ward.has_snapshot(case.owner.namespace, claim.name) for claim in own):
        yield Finding(
            rule=Rule.ONE_COMMAND_AWAY,
            subject=case.subject,
            names=tuple(doomed),
            number=len(doomed),
            limit=0,
            field="spec.volumeClaimTemplates",
        )


@check(Rule.OLD_DATA_RETURNS, "inventory")
def old_data_returns(case: Case) -> Judgement:
    """A claim within the reach of an autoscaler, or of the number that a manifest remembers, that no pod has used for a week:
    with the next scale-up its old data comes back (kubernetes/kubernetes#51306). Said only where the cluster shows since when."""
    reaching = (EvidenceKind.AUTOSCALER, EvidenceKind.OWNER_AUTOSCALED, EvidenceKind.REMEMBERED_REPLICAS)
    for verdict in case.ward.claim_verdicts_by_set.get((case.owner.namespace, case.owner.name), ()):
        reached = any(item.kind in reaching for item in verdict.evidence)
        if verdict.klass is Class.WILL_RETURN and reached and not case.young(verdict.unused_since, _OLD):
            yield Finding(rule=Rule.OLD_DATA_RETURNS, subject=case.claim(verdict.name), since=verdict.unused_since)


# --- volumes -----------------------------------------------------------------------------------------------------------------


@check(Rule.VOLUME_UNREACHABLE, "claims", "volumes", "nodes")
def volume_unreachable(case: Case) -> Judgement:
    """A volume's node affinity fits no node that is there (kubernetes/kubernetes#97386): its pod runs on only until it is started
    anew, or is not running now. Cordoned nodes count as there: that is somebody's doing, and passes."""
    for _, claim in _there(case):
        volume = (case.estate.volumes or {}).get(claim.spec.volume_name)
        if volume is None or not case.ward.nodes or volume.spec.node_affinity is None:
            continue
        wanted = unreachable(volume, {node.name: node.metadata.labels for node in case.ward.nodes.values()})
        if wanted is not None:
            yield Finding(
                rule=Rule.VOLUME_UNREACHABLE,
                subject=case.claim(claim.name),
                names=(volume.name,),
                detail=wanted,
                field="spec.nodeAffinity",
            )


@check(Rule.VOLUME_HELD_ELSEWHERE, "claims", "pods", "attachments")
def volume_held_elsewhere(case: Case) -> Judgement:
    """A pod waits on its node for a volume that another node still holds (VolumeAttachment): a ReadWriteOnce volume is on one at
    a time. The controller takes it from there after six minutes by itself."""
    attached = _attached(case)
    for pod in case.pods.values():
        began = _scheduled_at(pod)
        if not pod.spec.node_name or pod.status.phase != "Pending" or case.young(began, _FORCE_DETACH):
            continue
        for name in _mounts(pod):
            claim = case.ward.claims.get((case.owner.namespace, name))
            once_only = claim is not None and set(claim.spec.access_modes) <= {"ReadWriteOnce", "ReadWriteOncePod"}
            holders = attached.get(claim.spec.volume_name, ()) if claim is not None and once_only else ()
            if holders and pod.spec.node_name not in holders:
                yield Finding(
                    rule=Rule.VOLUME_HELD_ELSEWHERE,
                    subject=case.pod(pod.name),
                    names=(name, holders[0]),
                    since=began,
                    field="spec.nodeName",
                )


@check(Rule.VOLUME_FULL, "claims", "pods", "usage")
def volume_full(case: Case) -> Judgement:
    """The file system of a claim's volume is 85 % full, by the kubelet that mounts it (stats/v1alpha1 VolumeStats): when it is
    full a database stops. A volume of which the kubelet says nothing (its driver has no statistics, a raw block device) is no
    all-clear."""
    for pod in case.pods.values():
        for name in () if pod.status.phase != "Running" else _mounts(pod):
            found = (case.estate.usage or {}).get((case.owner.namespace, name))
            if found is None or found.capacity <= 0:
                yield RuleSkipped("usage")
            elif found.used * 100 >= found.capacity * _FULL:
                yield Finding(
                    rule=Rule.VOLUME_FULL,
                    subject=case.claim(name),
                    names=(pod.name,),
                    number=found.used * 100 // found.capacity,
                    limit=_FULL,
                    field="spec.resources.requests.storage",
                )


def _tells_health(case: Case) -> bool:
    return any(claim.status.health_status is not None for _, claim in _there(case))


@check(Rule.VOLUME_UNHEALTHY, "claims", told=_tells_health)
def volume_unhealthy(case: Case) -> Judgement:
    """The driver says that a volume cannot be reached, has lost data or is degraded (KEP-1432, alpha in 1.37). A degraded one
    still works, so that is a warning."""
    for _, claim in _there(case):
        health = claim.status.health_status
        for each in health.health_conditions if health is not None else ():
            yield Finding(
                rule=Rule.VOLUME_UNHEALTHY,
                subject=case.claim(claim.name),
                names=(each.status,),
                detail=each.message or each.reason,
                since=each.last_transition_time,
                field="status.healthStatus",
                lighter=Severity.WARNING if each.status == "Degraded" else None,
            )


def _attached(case: Case) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for each in case.estate.attachments or ():
        volume = each.spec.source.persistent_volume_name
        if volume and each.status.attached:
            found[volume] = (*found.get(volume, ()), each.spec.node_name)
    return found


def _scheduled_at(pod: Pod) -> datetime | None:
    condition = pod.status.condition("PodScheduled")
    return condition.last_transition_time if condition is not None and condition.status == "True" else None


def _unique(rule: RuleCheck) -> RuleCheck:
    return check(rule.rule, *rule.needs)(lambda case: _told_once(rule, case))


def _told_once(rule: RuleCheck, case: Case) -> Judgement:
    yield from once(each for each in rule.judge(case) if isinstance(each, Finding))


CHECKS = (
    class_missing,
    default_class,
    claim_pending,
    claim_lost,
    claim_missing,
    _unique(claim_dying),
    size_drift,
    class_drift,
    attributes_drift,
    resize_waits,
    resize_infeasible,
    modify_infeasible,
    not_expandable,
    scale_destroys,
    delete_destroys,
    _from_orphans(Rule.OWNER_STALE),
    one_command_away,
    volume_unreachable,
    volume_held_elsewhere,
    old_data_returns,
    _from_orphans(Rule.CLAIM_NAME_AMBIGUOUS),
    volume_full,
    volume_unhealthy,
    _from_orphans(Rule.CLAIM_ORPHANED),
)
