"""PETS4xx and 5xx: does it outlive the loss of a pod, a node, a drain; and who else sets its replicas or takes its pods?

What ``quorum`` finds is found here, too, unless somebody has said that the members do not vote.
"""

from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache

from kubectl_pets.domain.doctor.case import Case, Judgement, RuleCheck, check
from kubectl_pets.domain.doctor.voters import may_vote, votes
from kubectl_pets.domain.findings import Finding, Rule
from kubectl_pets.domain.model import LabelSelector, Pod, ordinal_of
from kubectl_pets.domain.orphans.inventory import ScaleTarget
from kubectl_pets.domain.orphans.reach import LAST_APPLIED_ANNOTATION, remembered
from kubectl_pets.domain.safety.budgets import shared
from kubectl_pets.domain.safety.quorum import Quorum
from kubectl_pets.domain.safety.risks import judge as judge_quorum
from kubectl_pets.domain.sets.kinds import APPS_SET
from kubectl_pets.domain.sets.slots import slots_of

HOSTNAME_LABEL = "kubernetes.io/hostname"

#: A pod that has been unhealthy for so long is not about to become Ready.
_DEAD = timedelta(minutes=10)

#: The controller needs a moment to take in a pod, or to let one go.
_SETTLED = timedelta(minutes=5)

#: These look at the majority of the members; budgets that block or contradict each other matter to everybody.
_OF_VOTERS = frozenset(
    (
        Rule.QUORUM_LOST,
        Rule.NO_MARGIN,
        Rule.NODE_SHARED,
        Rule.ZONE_SHARED,
        Rule.BUDGET_TOO_LOOSE,
    )
)


@lru_cache(maxsize=1)
def _quorum(case: Case) -> Quorum:
    """As ``quorum`` has it; the one case that is being judged is kept."""
    budgets = None if case.estate.budgets is None else case.budgets
    return judge_quorum(case.view, case.seen, budgets, case.estate.nodes)


def _from_quorum(rule: Rule, *needs: str) -> RuleCheck:
    def judge(case: Case) -> Iterator[Finding]:
        if rule in _OF_VOTERS and not may_vote(case.owner):
            return
        yield from (each for each in _quorum(case).findings if each.rule is rule)

    return check(rule, *needs)(judge)


@check(Rule.BUDGET_GUARDS_THE_DEAD, "pods", "budgets")
def budget_guards_the_dead(case: Case) -> Judgement:
    """A pod has not been Ready for ten minutes, and its budget (IfHealthyBudget, the default) holds evictions of it as well
    (kubernetes/kubernetes#72320), so a drain waits for it. AlwaysAllow lets it go, and has a price for members that vote: one
    that is catching up goes, too. Not judged of budgets that share pods: what those say of health is of no given time, and there
    is a finding about them."""
    tangled = shared(case.budgets, [pod.metadata.labels for pod in case.pods.values()])
    for pod in case.pods.values():
        ready = pod.status.condition("Ready")
        dead = ready is not None and ready.status != "True" and not case.young(ready.last_transition_time, _DEAD)
        if not dead or pod.terminating or pod.status.phase != "Running":
            continue
        for budget in (each for each in case.budgets if each.name not in tangled):
            policy = budget.spec.unhealthy_pod_eviction_policy or "IfHealthyBudget"
            healthy = budget.status.current_healthy >= budget.status.desired_healthy
            if policy == "IfHealthyBudget" and budget.observed and not healthy and budget.covers(pod.metadata.labels):
                yield Finding(
                    rule=Rule.BUDGET_GUARDS_THE_DEAD,
                    subject=case.pod(pod.name),
                    names=(budget.name,),
                    since=ready.last_transition_time if ready is not None else None,
                )


@check(Rule.SINGLE, "services")
def single(case: Case) -> Judgement:
    """One replica behind a Service: each restart and each drain is an outage. Many sets are so on purpose, so this is judged only
    where somebody asks."""
    if case.owner.spec.replicas == 1 and case.service is not None:
        yield Finding(rule=Rule.SINGLE, subject=case.subject, number=1, limit=2, field="spec.replicas")


@check(Rule.EVEN_VOTERS)
def even_voters(case: Case) -> Judgement:
    """An even number of members that vote outlives no more losses than one member less. Only where they are known to vote, and
    only where somebody asks."""
    replicas = case.owner.spec.replicas
    if replicas and replicas % 2 == 0 and votes(case.owner):
        yield Finding(
            rule=Rule.EVEN_VOTERS, subject=case.subject, number=replicas, limit=replicas - 1, field="spec.replicas"
        )


@check(Rule.NO_SPREAD)
def no_spread(case: Case) -> Judgement:
    """Nothing in the template keeps the pods apart: no anti-affinity, no topology spread constraint. The scheduler may have
    spread them by luck. A set of one pod, or one whose pods are bound to nodes by local volumes, has nothing to spread."""
    spec = case.owner.spec.template.spec
    anti = spec.affinity.pod_anti_affinity if spec.affinity is not None else None
    apart = anti is not None and (anti.required or anti.preferred)
    if case.owner.spec.replicas > 1 and not apart and not spec.topology_spread_constraints and not spec.host_network:
        yield Finding(rule=Rule.NO_SPREAD, subject=case.subject, field="spec.template.spec.topologySpreadConstraints")


@check(Rule.SPREAD_IMPOSSIBLE, "nodes")
def spread_impossible(case: Case) -> Judgement:
    """Required anti-affinity on the node's name, and more replicas than nodes that fit: the last pods can never be scheduled.
    Told only while a pod is missing or has no node, because an autoscaler may add nodes when it is asked to."""
    spec, replicas = case.owner.spec.template.spec, case.owner.spec.replicas
    anti = spec.affinity.pod_anti_affinity if spec.affinity is not None else None
    labels = case.owner.spec.template.metadata.labels
    own = [
        each
        for each in (anti.required if anti is not None else ())
        if each.topology_key == HOSTNAME_LABEL and each.label_selector is not None and each.label_selector.matches(labels)
    ]
    placed = sum(bool(pod.spec.node_name) for pod in case.pods.values())
    if not own or placed >= replicas:
        return
    fitting = [
        node
        for node in case.ward.nodes.values()
        if all(node.metadata.labels.get(key) == value for key, value in spec.node_selector.items())
    ]
    if len(fitting) < replicas:
        yield Finding(
            rule=Rule.SPREAD_IMPOSSIBLE,
            subject=case.subject,
            number=replicas,
            limit=len(fitting),
            field="spec.template.spec.affinity.podAntiAffinity",
        )


# --- who sets the replicas, who takes the pods -------------------------------------------------------------------------------


def _scalers(case: Case) -> list[tuple[str, str]]:
    """(kind, name) of each that scales the set. An autoscaler that KEDA keeps for a ScaledObject counts as that."""
    scaled = [each for each in case.estate.scaled_objects or () if _means(each.spec.scale_target_ref, each.namespace, case)]
    keda = {each.name for each in scaled}
    found = [("ScaledObject", each.name) for each in scaled]
    for each in case.estate.autoscalers or ():
        keeper = each.metadata.controller()
        if keeper is not None and keeper.kind == "ScaledObject" and keeper.name in keda:
            continue
        if _means(each.spec.scale_target_ref, each.namespace, case):
            found.append(("HorizontalPodAutoscaler", each.name))
    return sorted(found)


def _means(target: ScaleTarget, namespace: str, case: Case) -> bool:
    group = target.api_version.rpartition("/")[0] or "apps"
    owner = case.owner
    return (namespace, target.kind, target.name, group) == (owner.namespace, "StatefulSet", owner.name, case.kind.group.value)


@check(Rule.REPLICAS_CONTESTED, "autoscalers", "scaled_objects")
def replicas_contested(case: Case) -> Judgement:
    """An autoscaler sets the replicas, and the manifest states them, too: each apply puts them back, and may take away pods that
    are needed, or their data with ``whenScaled: Delete``. Told by what was last applied, and by server-side apply."""
    scalers = _scalers(case)
    if not scalers or not case.owner.spec.replicas:
        return
    appliers = [
        each.manager
        for each in case.owner.metadata.managed_fields
        if each.operation == "Apply" and not each.subresource and each.fields_v1 is not None
        if each.fields_v1.spec is not None and each.fields_v1.spec.replicas is not None
    ]
    stated = appliers or [each.source for each in remembered(case.owner) if each.source == LAST_APPLIED_ANNOTATION]
    if stated:
        yield Finding(
            rule=Rule.REPLICAS_CONTESTED,
            subject=case.subject,
            names=(f"{scalers[0][0]}/{scalers[0][1]}", "kubectl apply" if not appliers else stated[0]),
            field="spec.replicas",
        )


@check(Rule.TWO_AUTOSCALERS, "autoscalers", "scaled_objects")
def two_autoscalers(case: Case) -> Judgement:
    """Two autoscalers set the same replicas, each against the other."""
    scalers = _scalers(case)
    if len(scalers) > 1:
        yield Finding(
            rule=Rule.TWO_AUTOSCALERS,
            subject=case.subject,
            names=tuple(f"{kind}/{name}" for kind, name in scalers),
            number=len(scalers),
            limit=1,
            field="spec.replicas",
        )


@check(Rule.SELECTORS_OVERLAP, "deployments", "daemon_sets")
def selectors_overlap(case: Case) -> Judgement:
    """The selector of another workload matches the pods of this set (kubernetes/kubernetes#36859): either may count, adopt or
    delete what is the other's. While a set is made again beside its orphaned pods there is one of that name only."""
    owner, labels = case.owner, case.owner.spec.template.metadata.labels
    found = {
        f"{each.kind}/{each.name}"
        for each in case.ward.selectors_of(owner.namespace, labels)
        if (each.kind, each.name, each.uid) != ("StatefulSet", owner.name, owner.metadata.uid)
    }
    if found and owner.metadata.deletion_timestamp is None:
        yield Finding(rule=Rule.SELECTORS_OVERLAP, subject=case.subject, names=tuple(sorted(found)), field="spec.selector")


def _chosen(selector: LabelSelector, labels: dict[str, str]) -> bool:
    """An empty selector is invalid for a workload (apps/v1), so it says nothing."""
    return bool(selector.match_labels or selector.match_expressions) and selector.matches(labels)


@check(Rule.STRAY_PODS, "pods")
def stray_pods(case: Case) -> Judgement:
    """Pods that the set's selector matches and that nobody controls, or that are beyond its range, for five minutes
    (kubernetes/kubernetes#55559). What is being deleted, or was made lately, is on its way somewhere."""
    owner, slots = case.owner, slots_of(case.owner, case.pods)
    if case.kind is not APPS_SET or owner.metadata.deletion_timestamp is not None or not case.seen.observed:
        return
    strays = [pod.name for pod in case.ward.ownerless.get(owner.namespace, ()) if _stray(case, pod, owner.spec.selector)]
    mine = [pod for pod in case.view.pods or () if not pod.unreadable and pod.metadata.controller() is not None]
    beyond = [pod for pod in mine if (ordinal := ordinal_of(pod.name, owner.name)) is None or ordinal not in slots]
    strays += [pod.name for pod in beyond if _stray(case, pod, None)]
    if strays and not case.seen.blockers:
        yield Finding(rule=Rule.STRAY_PODS, subject=case.subject, names=tuple(sorted(strays)), number=len(strays), limit=0)


def _stray(case: Case, pod: Pod, selector: LabelSelector | None) -> bool:
    """Whether it has been there for so long that nobody is about to adopt it or to let it go."""
    settled = not pod.terminating and not case.young(pod.metadata.creation_timestamp, _SETTLED)
    return settled and (selector is None or _chosen(selector, pod.metadata.labels))


CHECKS = (
    _from_quorum(Rule.QUORUM_LOST, "pods"),
    _from_quorum(Rule.NO_MARGIN, "pods"),
    _from_quorum(Rule.NODE_SHARED, "pods"),
    _from_quorum(Rule.ZONE_SHARED, "pods", "nodes"),
    _from_quorum(Rule.BUDGET_MISSING, "budgets"),
    _from_quorum(Rule.BUDGET_BLOCKS, "budgets"),
    _from_quorum(Rule.BUDGET_TOO_LOOSE, "budgets"),
    _from_quorum(Rule.BUDGETS_SEVERAL, "budgets"),
    budget_guards_the_dead,
    even_voters,
    single,
    no_spread,
    spread_impossible,
    replicas_contested,
    two_autoscalers,
    selectors_overlap,
    stray_pods,
)
