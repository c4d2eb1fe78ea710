"""May this step take a pod down now, and which pods have to pass the gates before the rollout goes on?

A rollout's deletions pass PodDisruptionBudgets by (kubernetes/kubernetes#89820, #91808), so nobody but us keeps a quorum: that
goes for pods, too, that the controller deletes because a step released them.
"""

from kubectl_pets.domain.rollout.members import LEAVING, Member
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.safety.budgets import Budget
from kubectl_pets.domain.safety.quorum import DisruptionRule, headroom
from kubectl_pets.domain.stepping.restarting import to_do
from kubectl_pets.domain.stepping.steps import (
    BeforeRestart,
    Delete,
    Evict,
    Goal,
    Mark,
    Refused,
    RefusedReason,
    RestartPods,
    Restore,
    SetPartition,
    Step,
    Wait,
    WaitReason,
)


def takes_down(step: Step, seen: Assessment) -> str | None:
    """The pod that goes down first because of this step; "" where the controller chooses, None where no pod does."""
    match step:
        case Delete(pod=pod) | Evict(pod=pod):
            return pod
        case SetPartition(releases=releases):
            return releases[0] if releases else None
        case Restore(partition=partition) | Mark(partition=partition):
            return "" if partition is None and seen.strategy == "RollingUpdate" else None
        case _:
            return None


def terminating_claims(step: Step, seen: Assessment) -> tuple[str, ...]:
    """The claims that are being deleted and that the pods which go down because of this step still hold: once a pod lets go the
    claim is gone, and the next pod gets a new, empty one (``kubernetes.io/pvc-protection``)."""
    match step:
        case Delete(pod=pod) | Evict(pod=pod):
            down = {pod}
        case SetPartition(releases=releases):
            down = set(releases)
        case _ if takes_down(step, seen) is not None:
            down = {member.name for member in seen.members}
        case _:
            return ()
    members = (*seen.members, *seen.surplus)
    return tuple(use.name for member in members if member.name in down for use in member.claims if use.terminating)


def disruption_check(step: Step, seen: Assessment, minimum: int, budgets: tuple[Budget, ...] | None) -> Wait | Refused | None:
    """What keeps the step from being carried out now. ``minimum``: pods that must stay available, 0 for no such rule;
    ``budgets`` None: could not be read, which the caller has to tell, for nothing but a minimum is kept then.

    A wait for as long as pods are on their way back: they make room. Refused where everything is up and there still is none.
    """
    pod = takes_down(step, seen)
    if pod is None:
        return None
    several = _not_evictable(step, seen, budgets or ())
    if several:
        return Refused(reason=RefusedReason.BUDGETS_SEVERAL, pods=several)
    going = _let_go(step, seen)
    room = headroom(seen, minimum, budgets, pod, going=going)
    match room.refused:
        case None | DisruptionRule.BUDGETS_UNREAD | DisruptionRule.PODS_UNREAD:
            return None  # without its pods a set is refused everything anyway
        case _ if going:
            return Wait(reason=WaitReason.HEADROOM, pods=(room.budget,) if room.budget else ())
        case DisruptionRule.MINIMUM if seen.available == seen.replicas:
            return Refused(reason=RefusedReason.MINIMUM, asked=minimum, limit=seen.available)
        case DisruptionRule.BUDGET if seen.all_available:
            return Refused(reason=RefusedReason.BUDGET, pods=(room.budget,))
        case _:
            return Wait(reason=WaitReason.HEADROOM, pods=(room.budget,) if room.budget else ())


def _not_evictable(step: Step, seen: Assessment, budgets: tuple[Budget, ...]) -> tuple[str, ...]:
    """The budgets over a pod that is to be evicted, where there are several: the eviction API answers that with 500 whatever they
    allow, each time (pkg/registry/core/pod/storage/eviction.go; kubernetes/kubernetes#75957). Empty: at most one."""
    if not isinstance(step, Evict):
        return ()
    labels = next((dict(member.labels) for member in seen.members if member.name == step.pod), {})
    over = sorted(budget.name for budget in budgets if budget.namespace == seen.namespace and budget.covers(labels))
    return tuple(over) if len(over) > 1 else ()


def _let_go(step: Step, seen: Assessment) -> tuple[Member, ...] | None:
    """The pods that an earlier step has let go and that are there still: their controller may take all of them down in one sync,
    however many ``maxUnavailable`` allows. None: the step is none that overlaps, so all that was let go is back."""
    if not isinstance(step, SetPartition) or not isinstance(step.overlap, int):
        return None
    return tuple(member for member in seen.members if member.released and member.outdated and member.state not in LEAVING)


def covered(seen: Assessment, budgets: tuple[Budget, ...] | None) -> bool:
    """Whether a budget may hold pods of this set, so that it has to be asked for each of them."""
    return any(budget.covers(dict(member.labels)) for budget in budgets or () for member in seen.members)


def new_pods(goal: Goal, seen: Assessment, chosen: BeforeRestart | None = None) -> tuple[Member, ...]:
    """The pods that this goal has brought so far, the highest first: those that gates are for. ``chosen``: as in ``to_do``."""
    if isinstance(goal, RestartPods):
        old = {member.name for member in to_do(goal, seen, chosen)}
        return tuple(member for member in reversed(seen.members) if member.name in goal.pods and member.name not in old)
    return tuple(member for member in reversed(seen.members) if member.updated and member.released)
