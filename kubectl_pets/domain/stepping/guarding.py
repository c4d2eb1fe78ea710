"""May this step take a pod down now, and which pods have to pass the gates before the rollout goes on?

A rollout's deletions pass PodDisruptionBudgets by (kubernetes/kubernetes#89820, #91808), so nobody but us keeps a quorum: that
goes for pods, too, that the controller deletes because a step released them.
"""

from collections.abc import Iterable

from kubectl_pets.domain.rollout.members import LEAVING, Member, PodState, traits
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.safety.budgets import Budget, shared
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
    return tuple(use.name for member in _going(step, seen) for use in member.claims if use.terminating)


def _going(step: Step, seen: Assessment) -> tuple[Member, ...]:
    """All that go down because of this step, at once or in their turn."""
    down = set(_names_of_going(step, seen))
    return tuple(member for member in (*seen.members, *seen.surplus) if member.name in down)


def _names_of_going(step: Step, seen: Assessment) -> tuple[str, ...]:
    match step:
        case Delete(pod=pod) | Evict(pod=pod):
            return (pod,)
        case SetPartition(releases=releases):
            return releases
        case _ if takes_down(step, seen) is not None:
            return tuple(member.name for member in seen.members)
        case _:
            return ()


def disruption_check(step: Step, seen: Assessment, minimum: int, budgets: tuple[Budget, ...] | None) -> Wait | Refused | None:
    """What keeps the step from being carried out now. ``minimum``: pods that must stay available, 0 for no such rule;
    ``budgets`` None: could not be read, which the caller has to tell, for nothing but a minimum is kept then.

    A wait for as long as pods are on their way back: they make room. Refused where everything is up and there still is none.
    """
    pod = takes_down(step, seen)
    if pod is None:
        return None
    several = shared_budgets((step,), seen, budgets)
    if several is not None:
        return several
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


def shared_budgets(steps: Iterable[Step], seen: Assessment, budgets: tuple[Budget, ...] | None) -> Refused | None:
    """The refusal of steps of which one takes down a pod that no budget tells of whether it may go: one under a budget that
    shares pods with another (``budgets.shared``), that pod or others of the set.

    It does not pass by itself, so it ends what is under way as well, once the two had the time that it takes to rename one. A pod
    that is not Ready costs no budget anything, and may be deleted; but none under several budgets can be evicted.
    """
    own = tuple(budget for budget in budgets or () if budget.namespace == seen.namespace)
    if len(own) < 2:
        return None
    down, evicted = set[str](), set[str]()
    for step in steps:
        (evicted if isinstance(step, Evict) else down).update(_names_of_going(step, seen))
    there = [member for member in (*seen.members, *seen.surplus) if member.state is not PodState.MISSING]
    going = [each for each in there if each.name in evicted or (each.name in down and traits(each.state).ready)]
    over = [budget.name for budget in own if any(budget.covers(dict(each.labels)) for each in going)]
    if not over:
        return None
    beside = shared(own, [dict(member.labels) for member in there])
    names = sorted({name for each in over for name in beside.get(each, ())})
    return Refused(reason=RefusedReason.BUDGETS_SEVERAL, pods=tuple(names)) if names else None


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
