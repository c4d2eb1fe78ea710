"""PETS2xx and 6xx: does it roll out, and do its pods stay? What ``status`` and ``lost`` find, and what the next change will
meet."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from kubectl_pets.domain.doctor.case import Case, Judgement, RuleCheck, RuleSkipped, check
from kubectl_pets.domain.doctor.voters import votes
from kubectl_pets.domain.findings import Finding, Rule, Severity
from kubectl_pets.domain.model import ContainerStatus, OwnedTemplate, Pod
from kubectl_pets.domain.rollout import found as rollout
from kubectl_pets.domain.rollout.assessing import RESTARTED_ANNOTATION, parallel_heals, spends_budget
from kubectl_pets.domain.rollout.history import differences
from kubectl_pets.domain.rollout.managers import APPLY, ManagerKind, managers, replacer
from kubectl_pets.domain.rollout.revisions import kept_revisions
from kubectl_pets.domain.rollout.verdict import Cause, Phase
from kubectl_pets.domain.safety import lost
from kubectl_pets.domain.safety.quorum import majority
from kubectl_pets.domain.sets.kinds import APPS_SET
from kubectl_pets.domain.stepping.moves import holds_up, revision_if_recreated

#: A change that is held back, or waits for somebody, for so long was forgotten.
_FORGOTTEN = timedelta(days=1)

#: A container that ended within this time is news.
_LATELY = timedelta(hours=1)

#: Taints that drain a node before it goes, besides cordoning it.
_LEAVING_TAINTS = frozenset(
    (
        "ToBeDeletedByClusterAutoscaler",
        "karpenter.sh/disrupted",
        "karpenter.sh/disruption",
        "node.kubernetes.io/out-of-service",
        "node.cloudprovider.kubernetes.io/shutdown",
    )
)


def _from_rollout(rule: Rule) -> RuleCheck:
    def judge(case: Case) -> Iterator[Finding]:
        return (each for each in rollout.findings(case.seen) if each.rule is rule)

    return check(rule, "pods")(judge)


#: What tells why a set is not well, by how an assessment names its lack.
_EXPLAINING = {"list events": "events", "get nodes": "nodes", "get pods": "pods"}


@check(Rule.ROLLOUT_STUCK, "pods")
def rollout_stuck(case: Case) -> Judgement:
    """It will not go on by itself, as ``status`` has it (kubernetes/kubernetes#67250 and others): which pod, and why. Unready
    alone is not stuck, and there is patience with what may pass. Where a set is not well and events may not be read, that
    nothing is found is no all-clear."""
    found = [each for each in rollout.findings(case.seen) if each.rule is Rule.ROLLOUT_STUCK]
    yield from found
    lacking = [_EXPLAINING[each] for each in case.seen.unread if each in _EXPLAINING]
    if not found and lacking:
        yield RuleSkipped(lacking[0])


@check(Rule.CONTROLLER_SILENT, "pods")
def controller_silent(case: Case) -> Judgement:
    """The controller has not looked at the newest spec (kubernetes-mixin KubeStatefulSetGenerationMismatch). Only once patience
    with it has ended: after each edit it is so for a moment."""
    if any(each.cause is Cause.NOT_OBSERVED for each in case.seen.blockers):
        yield from (each for each in rollout.findings(case.seen) if each.rule is Rule.CONTROLLER_SILENT)


@check(Rule.FORCED_ROLLBACK_TRAP, "pods")
def forced_rollback_trap(case: Case) -> Judgement:
    """A broken pod holds the controller up and would come back at another revision: putting the template right is not enough, the
    pod has to be deleted (kubernetes/kubernetes#67250). OrderedReady sets on every server, Parallel ones on 1.35.0 to 1.35.3
    (#137409); which pod that is, is what ``rollout unstick`` goes by. Only once patience with it has ended."""
    seen = case.seen
    stuck = {each.pod: each for each in seen.blockers}
    for member in seen.members if seen.strategy == "RollingUpdate" else ():
        if member.name in stuck and holds_up(member, seen):
            yield Finding(
                rule=Rule.FORCED_ROLLBACK_TRAP,
                subject=case.pod(member.name),
                names=(member.revision, revision_if_recreated(member, seen)),
                since=stuck[member.name].since,
                field="spec.podManagementPolicy",
            )


@check(Rule.CREATE_FAILED, "pods")
def create_failed(case: Case) -> Judgement:
    """The controller is refused a pod or its claim: quota, admission, a ServiceAccount. Told by its events about pods that are
    still missing, as ``status`` has it; while there is patience with it (a quota may be free in a moment) it is a warning.
    OpenKruise's controller also says it in a condition."""
    for each in (*case.seen.blockers, *case.seen.failing):
        if each.cause is Cause.CREATION_REFUSED:
            found = rollout.blocked(case.seen, each)
            passing = None if each in case.seen.blockers else Severity.WARNING
            yield msgspec.structs.replace(found, lighter=passing, until=each.stuck_at if passing else None)
    told = next((each for each in case.owner.status.conditions if each.type == "FailedCreatePod" and each.status == "True"), None)
    if told is not None:
        detail, since = told.message or told.reason, told.last_transition_time
        yield Finding(
            rule=Rule.CREATE_FAILED, subject=case.subject, detail=detail, since=since, field="status.conditions[FailedCreatePod]"
        )
    elif "list events" in case.seen.unread:
        yield RuleSkipped("events")


@check(Rule.EMPTY_REVISION, "revisions")
def empty_revision(case: Case) -> Judgement:
    """Two revisions that differ by nulls and defaults alone: servers of 1.33 and 1.34 wrote the same template twice
    (kubernetes/kubernetes#134773, #135017), and every pod is replaced for it. One that restarts the pods differs in an
    annotation, and is none."""
    place = (case.owner.namespace, case.owner.name)
    current, wanted = case.ward.alike.get(place, ("", ""))
    if not wanted:
        return
    if case.estate.templates is None:
        yield RuleSkipped("templates")
        return
    first, second = (case.estate.templates.get((case.owner.namespace, name)) for name in (current, wanted))
    if first and second and not differences(first, second):
        yield Finding(
            rule=Rule.EMPTY_REVISION, subject=case.subject, names=(current, wanted), field="status.updateRevision"
        )


@check(Rule.PARTITION_LEFT_OVER, "pods")
def partition_left_over(case: Case) -> Judgement:
    """As ``status`` has it, but for a partition that ``rollout pause`` has set within the last hour, and for the sets of a
    LeaderWorkerSet, whose controller moves it (sigs.k8s.io/lws)."""
    paused = case.seen.resume_partition is not None and case.young(_paused_at(case) or case.now - _LATELY, _LATELY)
    if case.seen.leader_worker_set is None and not paused:
        yield from (each for each in rollout.findings(case.seen) if each.rule is Rule.PARTITION_LEFT_OVER)


def _paused_at(case: Case) -> datetime | None:
    """When the partition of a pause was written, under whatever name; None: nothing tells. Who applies it owns it besides."""
    updates = (each for each in case.owner.metadata.managed_fields if each.operation != APPLY and not each.subresource)
    wrote = ((each.time, each.fields_v1.spec) for each in updates if each.fields_v1 is not None)
    return max((time for time, spec in wrote if time and spec is not None and spec.partition is not None), default=None)


@check(Rule.PARTITION_HOLDS_ALL, "pods")
def partition_holds_all(case: Case) -> Judgement:
    """A change is staged for a day and the partition releases not one pod to it (kubernetes/kubernetes#91674). One that this
    program has paused says so itself."""
    seen = case.seen
    staged = seen.staged and seen.under_way and seen.resume_partition is None
    newest = _made_at(case)
    if staged and not case.young(newest, _FORGOTTEN):
        yield Finding(
            rule=Rule.PARTITION_HOLDS_ALL,
            subject=case.subject,
            number=seen.partition,
            limit=seen.replicas,
            since=newest,
            field="spec.updateStrategy.rollingUpdate.partition",
        )


@check(Rule.ONDELETE_DRIFT, "pods", "revisions")
def ondelete_drift(case: Case) -> Judgement:
    """OnDelete, and pods have been outdated for a day: nobody has deleted them (kubernetes/kubernetes#64500). Operators use
    OnDelete on purpose, so a set whose pods somebody else replaces is left alone."""
    seen = case.seen
    if seen.phase is not Phase.WAITING_FOR_DELETE or replacer(case.owner) is not None:
        return
    since = _made_at(case)
    outdated = tuple(member.name for member in seen.members if member.outdated)
    if outdated and not case.young(since, _FORGOTTEN):
        yield Finding(
            rule=Rule.ONDELETE_DRIFT, subject=case.subject, names=outdated, number=len(outdated), limit=0, since=since
        )


def _made_at(case: Case) -> datetime | None:
    """When the revision that is wanted was made; None: nothing tells."""
    newest = next((each for each in case.view.revisions or () if each.name == case.seen.update_revision), None)
    return newest.metadata.creation_timestamp if newest is not None else None


def _max_unavailable(case: Case) -> int | None:
    """How many pods an update may take at once (KEP-961: shares round down, at least one); None: unset."""
    rolling, replicas = case.owner.spec.update_strategy.rolling_update, case.owner.spec.replicas
    value = rolling.max_unavailable if rolling is not None else None
    if value is None or case.owner.spec.update_strategy.type != "RollingUpdate":
        return None
    if isinstance(value, int):
        return max(1, value)
    share = value.removesuffix("%")
    return max(1, replicas * int(share) // 100) if share.isascii() and share.isdigit() and len(share) < 10 else None


@check(Rule.MAX_UNAVAILABLE_IDLE)
def max_unavailable_idle(case: Case) -> Judgement:
    """``maxUnavailable`` of several pods in an OrderedReady set: it "might not be effective" (api comment), for the controller
    makes one pod after the other Ready. OpenKruise's keeps its word only with Parallel, too."""
    most = _max_unavailable(case)
    if most is not None and most > 1 and case.owner.spec.pod_management_policy == "OrderedReady":
        yield Finding(
            rule=Rule.MAX_UNAVAILABLE_IDLE,
            subject=case.subject,
            number=most,
            limit=1,
            field="spec.updateStrategy.rollingUpdate.maxUnavailable",
        )


@check(Rule.MAX_UNAVAILABLE_BREAKS_MAJORITY)
def max_unavailable_breaks_majority(case: Case) -> Judgement:
    """An update may take so many voters at once that no majority is left (KEP-961). Only where the members are known to vote, and
    where several really go at once: Parallel, on a server that has the field."""
    most, replicas = _max_unavailable(case), case.owner.spec.replicas
    effective = case.kind is not APPS_SET or spends_budget(case.estate.server) or case.estate.server is None
    if most is None or not effective or case.owner.spec.pod_management_policy != "Parallel" or not votes(case.owner):
        return
    left = max(0, replicas - most)
    if replicas > 1 and left < majority(replicas):
        yield Finding(
            rule=Rule.MAX_UNAVAILABLE_BREAKS_MAJORITY,
            subject=case.subject,
            number=left,
            limit=majority(replicas),
            field="spec.updateStrategy.rollingUpdate.maxUnavailable",
        )


@check(Rule.RECREATE_IS_OUTAGE)
def recreate_is_outage(case: Case) -> Judgement:
    """Strategy Recreate deletes every pod before it makes new ones (KEP-3541): each update is an outage."""
    if case.owner.spec.update_strategy.type == "Recreate" and case.owner.spec.replicas > 1:
        yield Finding(rule=Rule.RECREATE_IS_OUTAGE, subject=case.subject, field="spec.updateStrategy.type")


@check(Rule.NO_WAY_BACK)
def no_way_back(case: Case) -> Judgement:
    """``revisionHistoryLimit: 0``: the template from before an update is gone as soon as the update is over, so nothing can be
    undone; or somebody has deleted the earlier revisions: the one that is left has a number above 1. A set that was never updated
    has one revision, too, and one without replicas has nothing to go back with."""
    if not case.owner.spec.replicas:
        return
    if case.owner.spec.revision_history_limit == 0:
        yield Finding(rule=Rule.NO_WAY_BACK, subject=case.subject, number=0, limit=1, field="spec.revisionHistoryLimit")
        return
    kept = list(kept_revisions(case.owner, case.view).values())
    if len(kept) == 1 and kept[0].revision > 1:
        yield Finding(rule=Rule.NO_WAY_BACK, subject=case.subject, names=(kept[0].name,), number=1, limit=2)


@check(Rule.SERVER_TRAP)
def server_trap(case: Case) -> Judgement:
    """API servers 1.35.0 to 1.35.3: a Parallel set whose update breaks does not heal when the template is put right
    (kubernetes/kubernetes#137409). OrderedReady sets never do, on any server, and are not told about here."""
    rolls = case.owner.spec.update_strategy.type == "RollingUpdate" and case.owner.spec.pod_management_policy == "Parallel"
    if case.kind is APPS_SET and rolls and not parallel_heals(case.estate.server):
        version = case.estate.server.git_version if case.estate.server is not None else ""
        yield Finding(rule=Rule.SERVER_TRAP, subject=case.subject, detail=version, field="spec.podManagementPolicy")


@check(Rule.UPGRADE_ROLLS_ALL)
def upgrade_rolls_all(case: Case) -> Judgement:
    """A server 1.33: an upgrade to 1.34.0 or 1.34.1 gives each set a revision that says nothing new, and replaces all of its pods
    (kubernetes/kubernetes#134773; mended in 1.34.2). Nobody knows where the upgrade goes, so it is judged only where somebody
    asks. OnDelete waits for whoever deletes."""
    release = case.estate.server.release() if case.estate.server is not None else None
    rolls = case.owner.spec.update_strategy.type == "RollingUpdate" and bool(case.owner.spec.replicas)
    if case.kind is APPS_SET and rolls and release is not None and release[:2] == (1, 33):
        version = case.estate.server.git_version if case.estate.server is not None else ""
        yield Finding(rule=Rule.UPGRADE_ROLLS_ALL, subject=case.subject, detail=version)


# --- pods --------------------------------------------------------------------------------------------------------------------


@check(Rule.LOST_POD, "pods", "nodes")
def lost_pod(case: Case) -> Judgement:
    """As ``lost`` has it: a pod that a node which does not answer holds (kubernetes/kubernetes#54368)."""
    found = lost.judge((case.view,), case.estate.nodes, case.estate.attachments, case.now)
    yield from (finding for each in found for finding in each.findings)


@check(Rule.CRASH_HISTORY, "pods")
def crash_history(case: Case) -> Judgement:
    """A container ended within the last hour, by a signal, an error or for memory, and was started anew: with its exit code. One
    that ended well (exit code 0) is not told about, and neither is a pod that ``rollout-stuck`` names already."""
    stuck = {each.pod for each in case.seen.blockers}
    for pod in case.pods.values():
        for status in (*pod.status.init_container_statuses, *pod.status.container_statuses):
            ended = status.last_state.terminated
            bad = ended is not None and ended.exit_code != 0 and status.restart_count > 0
            if not bad or ended is None or pod.name in stuck or case.young(ended.finished_at, timedelta()):
                continue
            if case.young(ended.finished_at, _LATELY):
                yield Finding(
                    rule=Rule.CRASH_HISTORY,
                    subject=case.pod(pod.name),
                    names=(status.name,),
                    number=ended.exit_code,
                    limit=0,
                    detail=ended.reason,
                    since=ended.finished_at,
                    field=f"status.containerStatuses[{status.name}].lastState",
                )


@check(Rule.MEMBER_ON_LEAVING_NODE, "pods", "nodes")
def member_on_leaving_node(case: Case) -> Judgement:
    """A member is on a node that is cordoned, or that an autoscaler is about to take away. A node that does not answer is
    ``lost``'s to tell about."""
    for pod in case.pods.values():
        node = case.ward.nodes.get(pod.spec.node_name)
        if node is None or pod.terminating:
            continue
        taint = next((each.key for each in node.spec.taints if each.key in _LEAVING_TAINTS), "")
        if node.spec.unschedulable or taint:
            yield Finding(
                rule=Rule.MEMBER_ON_LEAVING_NODE,
                subject=case.pod(pod.name),
                names=(node.name,),
                detail=taint or "unschedulable",
                field="spec.nodeName",
            )


@check(Rule.IMAGE_DRIFT, "pods", "nodes")
def image_drift(case: Case) -> Judgement:
    """The same image reference stands for different images in different pods: somebody pushed to the tag meanwhile. Compared
    within one revision and one architecture, because an index holds an image for each."""
    found: dict[tuple[str, str, str], dict[str, str]] = {}
    for pod in case.pods.values():
        node = case.ward.nodes.get(pod.spec.node_name)
        arch = node.status.node_info.architecture if node is not None else ""
        for status in pod.status.container_statuses:
            digest = status.image_id.rpartition("@")[2]
            if digest.startswith("sha256:") and _declared(pod, status):
                key = (status.name, _declared(pod, status), arch)
                found.setdefault(key, {}).setdefault(digest, pod.name)
    for (container, image, _), pods in sorted(found.items()):
        if len(pods) > 1:
            yield Finding(
                rule=Rule.IMAGE_DRIFT,
                subject=case.subject,
                names=tuple(sorted(pods.values())),
                number=len(pods),
                limit=1,
                detail=image,
                field=f"spec.template.spec.containers[{container}].image",
            )


def _declared(pod: Pod, status: ContainerStatus) -> str:
    """The reference in the pod's spec: the status may name another tag of the same image."""
    return next((each.image for each in pod.spec.containers if each.name == status.name), "")


# --- who else --------------------------------------------------------------------------------------------------------------


@check(Rule.OWNED_BY)
def owned_by(case: Case) -> Judgement:
    """An operator, Argo CD or Flux will put back what is changed by hand. Helm alone does not, until its next upgrade."""
    for each in managers(case.owner):
        if each.kind in (ManagerKind.OPERATOR, ManagerKind.ARGO_CD, ManagerKind.FLUX):
            yield Finding(
                rule=Rule.OWNED_BY, subject=case.subject, names=(each.name,), detail=each.kind.value, field=each.evidence
            )


@check(Rule.HELM_WILL_CONFLICT)
def helm_will_conflict(case: Case) -> Judgement:
    """Helm 4 applies by the server, and somebody else has updated the replicas or the template since: its next upgrade that sets
    another value ends with a conflict (helm/helm#31516). A Helm 3 release is an Update by "helm", and just overwrites. A restart
    is no such change: the time that it writes into the template is in no manifest, and applies pass."""
    entries = [each for each in case.owner.metadata.managed_fields if not each.subresource]
    by_helm = [each for each in entries if each.manager == "helm" and each.operation == "Apply"]
    applied = max((each.time for each in by_helm if each.time is not None), default=None)
    if applied is None:
        return
    for each in entries:
        spec = each.fields_v1.spec if each.fields_v1 is not None else None
        if each.operation != "Update" or spec is None or each.time is None or each.time < applied:
            continue
        template = None if spec.template is None or _only_restarts(spec.template) else spec.template
        fields = [name for name, owned in (("spec.replicas", spec.replicas), ("spec.template", template)) if owned]
        fields += ["spec.updateStrategy"] if spec.update_strategy is not None else []
        if fields:
            yield Finding(
                rule=Rule.HELM_WILL_CONFLICT, subject=case.subject, names=(each.manager,), since=each.time, field=fields[0]
            )


def _only_restarts(template: OwnedTemplate) -> bool:
    """Whether all that is owned of it is the note of a restart, kubectl's or ours; of whoever restarted it before somebody else
    did not even that is left."""
    meta = template.metadata
    if template.spec is not None or meta is None:
        return False
    return {*meta.annotations, *meta.labels} <= {".", f"f:{RESTARTED_ANNOTATION}"}


CHECKS = (
    partition_left_over,
    partition_holds_all,
    rollout_stuck,
    forced_rollback_trap,
    ondelete_drift,
    _from_rollout(Rule.MANY_REVISIONS),
    max_unavailable_idle,
    max_unavailable_breaks_majority,
    recreate_is_outage,
    no_way_back,
    controller_silent,
    create_failed,
    _from_rollout(Rule.ADOPTED_VOLUME_MISMATCH),
    empty_revision,
    lost_pod,
    _from_rollout(Rule.TERMINATING_OVERDUE),
    crash_history,
    member_on_leaving_node,
    image_drift,
    owned_by,
    helm_will_conflict,
    server_trap,
    upgrade_rolls_all,
)
