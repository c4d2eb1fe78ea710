"""What a quorum is, and whether one more pod may be taken down now.

The majority is that of ``spec.replicas``: a position that holds no pod counts as unavailable, because the member that belongs
there still counts in its peers' quorum. What could not be read makes an answer unknown, never a good one. What endangers a quorum
is judged in ``risks``.
"""

from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.findings import Finding, Rule
from kubectl_pets.domain.rollout.members import Member, PodState, traits
from kubectl_pets.domain.rollout.verdict import Assessment, Cause, Phase
from kubectl_pets.domain.safety.budgets import Budget
from kubectl_pets.domain.sets.kinds import APPS_SET, SetKind


def majority(replicas: int) -> int:
    return replicas // 2 + 1 if replicas else 0


# --- before a pod is deleted -------------------------------------------------------------------------------------------------


@unique
class DisruptionRule(StrEnum):
    """What forbids taking one more pod down."""

    PODS_UNREAD = "pods-unread"
    #: So few pods would be left available.
    MINIMUM = "minimum"
    #: A PodDisruptionBudget over the pod allows no disruption now.
    BUDGET = "budget"
    BUDGETS_UNREAD = "budgets-unread"


class Headroom(msgspec.Struct, frozen=True, kw_only=True):
    """Whether one more pod may be taken down now."""

    #: None: it may.
    refused: DisruptionRule | None = None
    available: int
    minimum: int
    #: Name of the budget that refuses; "" for the other rules.
    budget: str = ""

    @property
    def ok(self) -> bool:
        return self.refused is None


def headroom(
    seen: Assessment, minimum: int, budgets: tuple[Budget, ...] | None, pod: str = "", *, going: tuple[Member, ...] | None = None
) -> Headroom:
    """Whether ``pod`` may be taken down now; without a name, whether any available one may. ``going``: the pods that are there
    still and go down besides, because nothing holds their controller back from it any more; None: nobody takes down one before
    all others are back.

    ``minimum``: so many positions must stay available (0: no such rule). ``budgets``: all of the namespace; None: could not be
    read. A pod that is not available costs the minimum nothing, one that is not Ready costs no budget anything: budgets count
    pods that are Ready, even while their minReadySeconds run. A surplus pod is no member, so only budgets count it.
    """

    def answer(refused: DisruptionRule | None, budget: str = "") -> Headroom:
        return Headroom(refused=refused, available=seen.available, minimum=minimum, budget=budget)

    if _pods_unread(seen):
        return answer(DisruptionRule.PODS_UNREAD)
    everyone = (*seen.members, *seen.surplus)
    mine = [member for member in everyone if not pod or member.name == pod]
    member_goes = not pod or any(member.available for member in seen.members if member.name == pod)
    if member_goes and minimum > 0 and seen.available - sum(member.available for member in going or ()) - 1 < minimum:
        return answer(DisruptionRule.MINIMUM)
    counted = [member for member in mine if traits(member.state).ready]
    if not counted:
        return answer(None)
    if budgets is None:
        return answer(DisruptionRule.BUDGETS_UNREAD)
    for budget in sorted(budgets, key=lambda one: one.name):
        covers = budget.namespace == seen.namespace and any(budget.covers(dict(member.labels)) for member in counted)
        if covers and budget.allowed <= _spoken_for(budget, seen, going):
            return answer(DisruptionRule.BUDGET, budget.name)
    return answer(None)


def _spoken_for(budget: Budget, seen: Assessment, going: tuple[Member, ...] | None) -> int:
    """How many of the disruptions that a budget allows are spoken for: by pods that are about to go, and by those that went so
    lately that its status counts them as healthy still (the disruption controller follows the pods; nobody waits for it but the
    eviction API). These are no more than the pods that are not Ready, and no more than it counts too many."""
    if going is None:
        return 0
    down = sum(member.count for member in seen.members if not traits(member.state).ready)
    late = min(down, max(0, budget.status.current_healthy - seen.ready))
    return late + sum(traits(member.state).ready and budget.covers(dict(member.labels)) for member in going)


def _pods_unread(seen: Assessment) -> bool:
    """Whether the set's pods could not be read. Of a set on its way out the verdict says just that; where no pod of it is
    seen, perhaps none could be."""
    if seen.phase in (Phase.DELETING, Phase.GONE):
        return all(member.state is PodState.MISSING for member in seen.members) and not seen.surplus
    return any(blocker.cause is Cause.PODS_UNREADABLE for blocker in seen.blockers)


# --- the quorum of a set -----------------------------------------------------------------------------------------------------


#: What is found here.
RULES_OF_QUORUM = (
    Rule.QUORUM_LOST,
    Rule.NO_MARGIN,
    Rule.NODE_SHARED,
    Rule.ZONE_SHARED,
    Rule.BUDGET_MISSING,
    Rule.BUDGET_BLOCKS,
    Rule.BUDGET_TOO_LOOSE,
    Rule.BUDGETS_SEVERAL,
)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A node or a zone with the available members in it."""

    name: str
    pods: tuple[str, ...]
    #: How many stay available without it.
    left: int


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """A PodDisruptionBudget that selects pods of the set, and how many of them."""

    name: str
    min_available: int | str | None
    max_unavailable: int | str | None
    #: How many positions are under it.
    covers: int
    #: How many pods may be evicted right now, and at once while all are healthy. It may count other sets' pods, too. None: it
    #: shares pods with another budget, so its status means nothing (``budgets.shared``).
    allowed: int | None
    at_best: int
    #: Why its controller cannot work it out; untrusted text, empty where it can.
    failure: str = ""


class Quorum(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict. ``None`` everywhere: not known, because something could not be read."""

    kind: SetKind = APPS_SET
    namespace: str
    name: str
    #: ``spec.replicas``.
    members: int
    #: ``spec.ordinals.start``. Above 0 the members below may be another set's, in another namespace or cluster: that is how a set
    #: moves (KEP-3335). Nothing here tells, so they are not counted, and that is said.
    start: int = 0
    available: int | None
    #: 0 for a set of none.
    majority: int
    nodes: tuple[Place, ...] | None
    #: Only zones that somebody labelled; ``unzoned``: available members on nodes without a zone.
    zones: tuple[Place, ...] | None
    unzoned: tuple[str, ...]
    budgets: tuple[Coverage, ...] | None
    #: How many pods evictions may take at once from the healthy set.
    evictable: int | None
    #: What endangers the majority, about the set. ``names``: the node, the zone, the budgets; ``number``: how many members are
    #: left available without it (nodes, zones), or after the worst that evictions may do (budgets); ``limit``: the majority.
    findings: tuple[Finding, ...]
    #: "pods", "nodes", "budgets": what could not be read, so that nothing is said of it.
    not_read: tuple[str, ...] = ()

    @property
    def tolerates(self) -> int | None:
        """How many members may fail now without the majority being lost; negative: so many are short of it."""
        return None if self.available is None else self.available - self.majority

    @property
    def survives_node(self) -> bool | None:
        """Whether the majority outlives the loss of any one node."""
        return _survives(self, self.nodes)

    @property
    def survives_zone(self) -> bool | None:
        """The same for zones; not known while a member's node has no zone."""
        survives = _survives(self, self.zones)
        return None if survives and (self.unzoned or not self.zones) and self.members else survives


def _survives(found: Quorum, places: tuple[Place, ...] | None) -> bool | None:
    if places is None or found.available is None:
        return None
    worst = max((len(place.pods) for place in places), default=0)
    return found.available - worst >= found.majority
