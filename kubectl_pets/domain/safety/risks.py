"""What endangers the quorum of a StatefulSet: missing pods, nodes and zones that hold too many, budgets that allow too much.

Everything is judged from one look: the set with its pods, the budgets of its namespace, the nodes. Where one of these could not
be read, that is a finding of its own.
"""

from collections import Counter

import msgspec

from kubectl_pets.domain.findings import Finding, Rule, Subject
from kubectl_pets.domain.model import SetView
from kubectl_pets.domain.rollout.members import Member, PodState
from kubectl_pets.domain.rollout.verdict import Assessment, Cause
from kubectl_pets.domain.safety.budgets import Budget, evictable_at_best, shared
from kubectl_pets.domain.safety.nodes import Node
from kubectl_pets.domain.safety.quorum import Coverage, Place, Quorum, majority


def judge(
    snapshot: SetView, seen: Assessment, budgets: tuple[Budget, ...] | None, nodes: tuple[Node, ...] | None
) -> Quorum:
    """Judge one set, of which ``seen`` is the assessment. ``budgets`` may be those of all namespaces."""
    available = None if snapshot.pods is None or _is_unreadable(seen) else seen.available
    on_nodes, in_zones, unzoned = _spread([member for member in seen.members if member.available], nodes)
    own = None if budgets is None else [one for one in budgets if one.namespace == seen.namespace]
    covered = None if own is None else _coverages(snapshot, seen, own)
    draft = Quorum(
        kind=seen.kind,
        namespace=seen.namespace,
        name=seen.name,
        members=seen.replicas,
        start=seen.start,
        available=available,
        majority=majority(seen.replicas),
        nodes=None if available is None else on_nodes,
        zones=None if available is None else in_zones,
        unzoned=unzoned,
        budgets=None if covered is None else tuple(covered.values()),
        evictable=None if own is None or covered is None else _evictable(snapshot, seen, own, covered),
        findings=(),
    )
    zones_of_cluster = {node.zone for node in nodes or () if node.zone}
    risks = (*_member_risks(draft), *_place_risks(draft, len(zones_of_cluster)))
    risks += _budget_risks(draft, [] if own is None else _several(snapshot, seen, own))
    return msgspec.structs.replace(draft, findings=risks, not_read=_not_read(pods=available, nodes=nodes, budgets=budgets))


def _is_unreadable(seen: Assessment) -> bool:
    """Whether the set, or a pod that may be its own, could not be decoded: which of its pods are available is unknown then."""
    return any(blocker.cause in (Cause.PODS_UNREADABLE, Cause.SLOTS_UNREADABLE) for blocker in seen.blockers)


def _not_read(**looked_at: object) -> tuple[str, ...]:
    return tuple(name for name, found in looked_at.items() if found is None)


def _spread(
    up: list[Member], nodes: tuple[Node, ...] | None
) -> tuple[tuple[Place, ...], tuple[Place, ...] | None, tuple[str, ...]]:
    """The nodes and the zones that hold these pods (None: nodes not read), and the pods of which no zone is known."""
    on_nodes = _places([(member.node, member.name) for member in up], len(up))
    if nodes is None:
        return on_nodes, None, ()
    zone_of = {node.name: node.zone for node in nodes}
    zoned = [(zone_of.get(member.node, ""), member.name) for member in up]
    in_zones = _places([(zone, pod) for zone, pod in zoned if zone], len(up))
    return on_nodes, in_zones, tuple(pod for zone, pod in zoned if not zone)


def _finding(found: Quorum, rule: Rule, *names: str, number: int | None = None) -> Finding:
    subject = Subject(kind="StatefulSet", namespace=found.namespace, name=found.name)
    limit = found.majority if number is not None else None
    return Finding(rule=rule, subject=subject, names=names, number=number, limit=limit)


def _places(found: list[tuple[str, str]], available: int) -> tuple[Place, ...]:
    """The nodes or zones with their members, those with most members first."""
    pods: dict[str, list[str]] = {}
    for place, pod in found:
        pods.setdefault(place, []).append(pod)
    ordered = sorted(pods.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(Place(name=name, pods=tuple(names), left=available - len(names)) for name, names in ordered)


# --- risks -------------------------------------------------------------------------------------------------------------------


def _member_risks(found: Quorum) -> tuple[Finding, ...]:
    spare = found.tolerates
    if spare is not None and spare < 0:
        return (_finding(found, Rule.QUORUM_LOST, number=found.available),)
    if spare == 0 and found.members > found.majority:
        return (_finding(found, Rule.NO_MARGIN, number=found.available),)
    return ()


def _place_risks(found: Quorum, zones_of_cluster: int) -> tuple[Finding, ...]:
    """Nodes and zones whose loss costs the majority, judged only while there is one to lose. A member alone on its node is
    what ``tolerates`` counts already; a single zone is what the whole cluster shares."""
    if found.tolerates is None or found.tolerates < 0:
        return ()
    kinds = [(Rule.NODE_SHARED, found.nodes)]
    if zones_of_cluster > 1:
        kinds.append((Rule.ZONE_SHARED, found.zones))
    return tuple(
        _finding(found, rule, place.name, number=place.left)
        for rule, places in kinds
        for place in places or ()
        if len(place.pods) > 1 and place.left < found.majority
    )


def _budget_risks(found: Quorum, several: list[tuple[str, ...]]) -> tuple[Finding, ...]:
    if found.budgets is None or not found.members:
        return ()
    findings = [_finding(found, Rule.BUDGETS_SEVERAL, *names) for names in several]
    blocking = [one for one in found.budgets if not one.at_best]
    findings += [msgspec.structs.replace(_finding(found, Rule.BUDGET_BLOCKS, one.name), detail=one.failure) for one in blocking]
    left = found.members - (found.evictable or 0)
    if found.members > 1 and left < found.majority:  # a single pod has no majority to keep, whatever is evicted
        names = tuple(one.name for one in found.budgets)
        rule = Rule.BUDGET_TOO_LOOSE if names else Rule.BUDGET_MISSING
        findings.append(_finding(found, rule, *names, number=left))
    return tuple(findings)


# --- budgets over positions --------------------------------------------------------------------------------------------------


def _labels(snapshot: SetView, member: Member) -> dict[str, str]:
    """The pod's labels; those of the template where there is no pod."""
    if member.state is not PodState.MISSING or snapshot.set is None:
        return dict(member.labels)
    return snapshot.set.spec.template.metadata.labels


def _over(snapshot: SetView, member: Member, budgets: list[Budget]) -> tuple[str, ...]:
    labels = _labels(snapshot, member)
    return tuple(sorted(budget.name for budget in budgets if budget.covers(labels)))


def _coverages(snapshot: SetView, seen: Assessment, budgets: list[Budget]) -> dict[str, Coverage]:
    """By budget name, the budgets that select any position of the set."""
    found: dict[str, Coverage] = {}
    beside = shared(budgets, [_labels(snapshot, member) for member in seen.members])
    for budget in sorted(budgets, key=lambda one: one.name):
        under = [member for member in seen.members if budget.covers(_labels(snapshot, member))]
        if under:
            missing = 0 if snapshot.pods is None else sum(each.count for each in under if each.state is PodState.MISSING)
            covers = sum(member.count for member in under)
            found[budget.name] = Coverage(
                name=budget.name,
                min_available=budget.spec.min_available,
                max_unavailable=budget.spec.max_unavailable,
                covers=covers,
                allowed=None if budget.name in beside else budget.allowed,
                at_best=evictable_at_best(budget, covers, missing),
                failure=budget.failure,
            )
    return found


def _evictable(snapshot: SetView, seen: Assessment, budgets: list[Budget], covered: dict[str, Coverage]) -> int:
    """The worst that evictions may do to the healthy set: all pods that no budget covers, and of the others what each allows.
    Those under several budgets cannot be evicted at all."""
    by_names: Counter[tuple[str, ...]] = Counter()
    for member in seen.members:
        by_names[_over(snapshot, member, budgets)] += member.count
    return sum(
        number if not names else min(number, covered[names[0]].at_best) for names, number in by_names.items() if len(names) < 2
    )


def _several(snapshot: SetView, seen: Assessment, budgets: list[Budget]) -> list[tuple[str, ...]]:
    return sorted({names for member in seen.members if len(names := _over(snapshot, member, budgets)) > 1})
