"""Is the pod that the controller works on next one that blocks? Which one that is depends on policy, strategy and server.

The order is the controller's (kubernetes pkg/controller/statefulset/stateful_set_control.go).
"""

from kubectl_pets.domain.rollout.members import LEAVING, Member, PodState
from kubectl_pets.domain.rollout.verdict import Assessment, Blocker, Cause
from kubectl_pets.domain.sets.kinds import APPS_SET

#: The controller stops at such a pod before it updates any, whatever the policy.
_STOPS_UPDATES = (Cause.VOLUME_MISSING, Cause.UPDATE_REFUSED, Cause.DELETION_REFUSED, Cause.NOT_DELETED)


def budget(draft: Assessment) -> int:
    """maxUnavailable as the controller reads it: a share rounds down, and it is never less than 1."""
    value = draft.max_unavailable
    if isinstance(value, str):
        share = value.removesuffix("%")
        value = draft.replicas * int(share) // 100 if share.isascii() and share.isdigit() and len(share) < 10 else 1
    return max(1, value or 1)


def next_to_go(draft: Assessment) -> Member | None:
    """The pod that the controller of apps/v1 deletes at once, for every pod is available and nothing is on its way: what is
    beyond the range comes first, whatever the strategy, then what is outdated and released (processCondemned, and the end of
    updateStatefulSet). Other controllers may have reasons of their own to wait."""
    if draft.kind is not APPS_SET or not all(member.available for member in draft.members + draft.surplus):
        return None
    if draft.surplus:
        return draft.surplus[-1]
    if draft.strategy != "RollingUpdate" or draft.updates_stopped:
        return None
    return next((member for member in reversed(draft.members) if member.released and member.outdated), None)


def go_at_once(seen: Assessment) -> tuple[str, ...]:
    """The pods that serve, and that the controller of apps/v1 deletes all together once they are outdated and released; none
    where it takes no more of them than ``maxUnavailable``.

    In Parallel it first deletes whatever is outdated and not available, however many these are, and only then counts (phase 1 in
    updateStatefulSetAfterInvariantEstablished; kubernetes/kubernetes#137666, #136774). A pod whose minReadySeconds run is no
    available one to it, although it is Ready: after the set was made, or restarted, that is every pod.
    """
    if seen.kind is not APPS_SET or seen.policy != "Parallel" or not (seen.heals and seen.spends_budget):
        return ()
    states = (PodState.READY, PodState.RECOVERING) if seen.min_ready_seconds else ()
    young = tuple(member.name for member in reversed(seen.members) if member.state in states)
    return young if len(young) > budget(seen) else ()


def is_stuck(draft: Assessment, blockers: tuple[Blocker, ...]) -> bool:
    """Whether the rollout is stuck: the pod that its controller works on next is one that blocks, so it goes no further."""
    blocking = {blocker.pod for blocker in blockers}
    if not blocking:
        return False
    down = [member for member in draft.members if _holds_up(member, blocking)]
    if "" in blocking or not down:
        return True  # the set itself, or only a surplus pod that does not go away
    if draft.policy != "Parallel":
        return _in_order(draft, down[0], blocking)
    if any(blocker.cause in _STOPS_UPDATES for blocker in blockers):
        return True
    replaceable = {member.name for member in down if _is_replaced(member, draft)}
    if draft.strategy == "RollingUpdate" and draft.spends_budget:
        return _budget_is_spent(draft, down, blocking, replaceable)
    return _at_the_top(draft, down, blocking, replaceable)


def _holds_up(member: Member, blocking: set[str]) -> bool:
    """A pod that recovers is available to the controller, which goes on past it."""
    return member.name in blocking or not (member.available or member.state is PodState.RECOVERING)


def _in_order(draft: Assessment, first: Member, blocking: set[str]) -> bool:
    """Any pod that is not available stops the whole sync, the lowest ordinal first (OrderedReady, monotonic)."""
    if draft.strategy == "OnDelete" and first.outdated and not first.lacks and first.state not in LEAVING:
        return False  # somebody is awaited who deletes it
    return first.name in blocking


def _is_replaced(member: Member, draft: Assessment) -> bool:
    """Whether the controller, or for OnDelete somebody, replaces this broken pod whatever blocks."""
    if not member.outdated or member.state in LEAVING:
        return False
    return draft.strategy == "OnDelete" or (member.released and draft.heals)


def _at_the_top(draft: Assessment, down: list[Member], blocking: set[str], replaceable: set[str]) -> bool:
    """Updates go from the top; the first released position that is updated and not available holds the others up."""
    names = {member.name for member in down}
    for member in reversed(draft.members):
        if member.released and member.name in names and member.name not in replaceable:
            return member.name in blocking
        if member.released and member.outdated and draft.strategy == "RollingUpdate" and not draft.updates_stopped:
            return False  # the controller replaces this one next
    return bool(blocking - replaceable) and names <= blocking


def _budget_is_spent(draft: Assessment, down: list[Member], blocking: set[str], replaceable: set[str]) -> bool:
    """Whether pods that block leave nothing of maxUnavailable to go on with."""
    if replaceable:
        return False  # these are replaced whatever else there is
    if sum(member.name in blocking for member in down) >= budget(draft):
        return True
    goes_on = not draft.updates_stopped
    if goes_on and any(member.released and member.outdated and member.state not in LEAVING for member in draft.members):
        return False
    return all(member.name in blocking for member in down)
