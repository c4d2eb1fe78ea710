"""Quorum and headroom. The properties are what people's data rest on: nothing unknown is ever called safe."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kubectl_pets.domain.findings import Rule
from kubectl_pets.domain.model import REVISION_LABEL, Condition, LabelSelector, ObjectMeta, Pod, SetView
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.safety.budgets import Budget, BudgetSpec, BudgetStatus
from kubectl_pets.domain.safety.nodes import ZONE_LABEL, Node, NodeStatus
from kubectl_pets.domain.safety.quorum import DisruptionRule, Quorum, headroom, majority
from kubectl_pets.domain.safety.risks import judge
from tests.domain.builders import NEW, NOW, OLD, leaving, pod, snapshot, snapshots, statefulset, unready

ALL = LabelSelector()


def budget(name: str = "guard", *, selector: LabelSelector | None = ALL, allowed: int = 1, expected: int = 3, **rule: int | str) -> Budget:
    spec = BudgetSpec(selector=selector, **(rule or {"max_unavailable": 1}))
    status = BudgetStatus(observed_generation=1, disruptions_allowed=allowed, expected_pods=expected)
    return Budget(metadata=ObjectMeta(name=name, namespace="prod", generation=1), spec=spec, status=status)


def node(name: str, zone: str = "") -> Node:
    ready = Condition(type="Ready", status="True")
    labels = {ZONE_LABEL: zone} if zone else {}
    return Node(metadata=ObjectMeta(name=name, labels=labels), status=NodeStatus(conditions=(ready,)))


def on(where: str, *pods: Pod) -> list[Pod]:
    return [replace(each, spec=replace(each.spec, node_name=where)) for each in pods]


def judged(
    pods: Iterable[Pod], budgets: tuple[Budget, ...] | None = (), nodes: tuple[Node, ...] | None = (), replicas: int = 3
) -> Quorum:
    look = snapshot(statefulset(replicas=replicas), *pods)
    return judge(look, assess(look, NOW), budgets, nodes)


def risks(found: Quorum) -> list[Rule]:
    return [item.rule for item in found.findings]


SPREAD = [*on("a", pod(0)), *on("b", pod(1)), *on("c", pod(2))]
ZONES = (node("a", "x"), node("b", "y"), node("c", "z"))


@pytest.mark.parametrize(("replicas", "needed"), [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (7, 4)])
def test_majority(replicas: int, needed: int) -> None:
    assert majority(replicas) == needed


def test_a_pod_or_a_set_that_cannot_be_decoded_is_unknown() -> None:
    spoilt = Pod(metadata=ObjectMeta(name="web-1", namespace="prod"), unreadable="a date of year 0")
    look = snapshot(statefulset(), pod(0), spoilt, pod(2))
    owner = replace(statefulset(), unreadable="a date of year 0")
    for seen in (look, snapshot(owner, pod(0), pod(1), pod(2))):
        found = judge(seen, assess(seen, NOW), (budget(),), ZONES)
        assert (found.available, found.tolerates, found.survives_node, found.not_read) == (None, None, None, ("pods",))
        assert Rule.QUORUM_LOST not in risks(found)


def test_all_is_well() -> None:
    found = judged(SPREAD, (budget(),), ZONES)
    assert (found.available, found.tolerates, found.survives_node, found.survives_zone) == (3, 1, True, True)
    assert found.evictable == 1 and found.findings == ()


def test_a_pod_that_does_not_exist_is_a_member() -> None:
    found = judged(SPREAD[:2], (budget(),), ZONES)
    assert (found.members, found.available, found.tolerates) == (3, 2, 0)
    assert risks(found) == [Rule.NO_MARGIN] and found.survives_node is False


def test_below_the_majority_nothing_else_is_told_of_places() -> None:
    found = judged(on("a", pod(0), unready(1), leaving(2)), (budget(),), ZONES)
    assert (found.tolerates, risks(found)) == (-1, [Rule.QUORUM_LOST]) and found.survives_node is False


def test_shared_places() -> None:
    found = judged([*on("a", pod(0), pod(1)), *on("b", pod(2))], (budget(),), (node("a", "x"), node("b", "y")))
    assert [(item.rule, item.names, item.number) for item in found.findings] == [
        (Rule.NODE_SHARED, ("a",), 1),
        (Rule.ZONE_SHARED, ("x",), 1),
    ]
    assert [(place.name, place.pods, place.left) for place in found.nodes or ()] == [("a", ("web-0", "web-1"), 1), ("b", ("web-2",), 2)]


def test_a_cluster_of_one_zone_has_no_choice_and_survives_no_zone() -> None:
    found = judged(SPREAD, (budget(),), (node("a", "x"), node("b", "x"), node("c", "x")))
    assert found.survives_zone is False and found.findings == ()


def test_zones_that_nobody_labelled_are_unknown() -> None:
    found = judged(SPREAD, (budget(),), (node("a"), node("b", "y"), node("c", "z")))
    assert found.survives_zone is None and found.unzoned == ("web-0",)
    assert judged(SPREAD, (budget(),), (node("a"),)).survives_zone is None


def test_what_was_not_read_is_told() -> None:
    found = judged(SPREAD, None, None)
    assert (found.zones, found.budgets, found.evictable, found.survives_zone) == (None, None, None, None)
    assert found.not_read == ("nodes", "budgets")
    look = replace(snapshot(statefulset()), pods=None)
    blind = judge(look, assess(look, NOW), (budget(),), ZONES)
    assert (blind.available, blind.tolerates, blind.survives_node) == (None, None, None)
    assert blind.not_read == ("pods",)


@pytest.mark.parametrize(
    ("budgets", "replicas", "told"),
    [
        pytest.param((), 3, [Rule.BUDGET_MISSING], id="none"),
        pytest.param((), 1, [], id="a single pod has no majority to keep"),
        pytest.param((budget(max_unavailable=2),), 3, [Rule.BUDGET_TOO_LOOSE], id="too loose"),
        pytest.param((budget(max_unavailable=1, expected=2),), 2, [Rule.BUDGET_TOO_LOOSE], id="of two, one is too many"),
        pytest.param((budget(max_unavailable=0),), 3, [Rule.BUDGET_BLOCKS], id="blocks"),
        pytest.param((budget(min_available=3),), 3, [Rule.BUDGET_BLOCKS], id="blocks by a number"),
        pytest.param((budget("a"), budget("b")), 3, [Rule.BUDGETS_SEVERAL], id="several"),
        pytest.param((budget(selector=None),), 3, [Rule.BUDGET_MISSING], id="selects nothing"),
        pytest.param((budget(selector=LabelSelector(match_labels={"app": "db"})),), 3, [Rule.BUDGET_MISSING], id="of others"),
        pytest.param((budget(max_unavailable="50%", expected=6),), 3, [Rule.BUDGET_TOO_LOOSE], id="shared with another set"),
    ],
)
def test_budgets(budgets: tuple[Budget, ...], replicas: int, told: list[Rule]) -> None:
    places = [each for index in range(replicas) for each in on(f"n{index}", pod(index))]
    nodes = tuple(node(f"n{index}", f"z{index}") for index in range(replicas))
    assert risks(judged(places, budgets, nodes, replicas)) == told


def test_a_budget_that_cannot_be_worked_out_allows_nothing() -> None:
    """Whatever its spec says, and whatever the counts of before: until its controller says so no more."""

    def guard(status: str, reason: str, observed: int = 1) -> Budget:
        told = Condition(type="DisruptionAllowed", status=status, reason=reason, message="jobs.batch does not implement the scale subresource")
        found = budget(allowed=0)
        return replace(found, status=replace(found.status, conditions=(told,), observed_generation=observed))

    for observed in (1, 0):  # its controller has never worked it out
        found = judged(SPREAD, (guard("False", "SyncFailed", observed),), ZONES)
        assert found.evictable == 0 and [(each.rule, each.names, each.detail) for each in found.findings] == [
            (Rule.BUDGET_BLOCKS, ("guard",), "jobs.batch does not implement the scale subresource")
        ]
    for status, reason in (("False", "InsufficientPods"), ("True", "SufficientPods")):
        assert judged(SPREAD, (guard(status, reason),), ZONES).findings == ()


def test_what_budgets_that_share_pods_allow_is_not_known() -> None:
    """Their controller counts anew for one of those over a pod, whichever (getPdbForPod in disruption.go)."""
    new = LabelSelector(match_labels={REVISION_LABEL: NEW})
    old = LabelSelector(match_labels={REVISION_LABEL: OLD})
    pods = [*on("a", pod(0, NEW)), *on("b", pod(1)), *on("c", pod(2))]

    def allowed(*budgets: Budget) -> dict[str, int | None]:
        return {each.name: each.allowed for each in judged(pods, budgets, ZONES).budgets or ()}

    assert allowed(budget("new", selector=new), budget("old", selector=old)) == {"new": 1, "old": 1}
    assert allowed(budget("all"), budget("new", selector=new)) == {"all": None, "new": None}
    assert allowed(budget("new", selector=new), budget("too", selector=new), budget("old", selector=old)) == {"new": None, "too": None, "old": 1}
    assert allowed(budget("all"), budget("none", selector=None)) == {"all": 1}


def test_a_budget_of_another_namespace_is_none() -> None:
    foreign = budget()
    foreign = replace(foreign, metadata=replace(foreign.metadata, namespace="other"))
    assert judged(SPREAD, (foreign,), ZONES).budgets == ()


def test_a_budget_over_some_pods_leaves_the_others_to_any_eviction() -> None:
    one = LabelSelector(match_labels={"controller-revision-hash": NEW})
    found = judged([*on("a", pod(0, NEW)), *on("b", pod(1)), *on("c", pod(2))], (budget(selector=one, max_unavailable=1),), ZONES)
    assert found.evictable == 3 and risks(found) == [Rule.BUDGET_TOO_LOOSE]


_NODES = st.sampled_from((None, (), (node("node-1", "x"),), (node("node-1"),), (node("node-1", "x"), node("node-2", "y"))))
_RULES: st.SearchStrategy[dict[str, int | str]] = st.sampled_from(
    [{"max_unavailable": 1}, {"max_unavailable": "50%"}, {"min_available": 2}, {"min_available": "x"}, {"min_available": 0}]
)
_BUDGET = st.builds(
    lambda name, rule, allowed, expected: budget(name, allowed=allowed, expected=expected, **rule),
    st.sampled_from("abc"),
    _RULES,
    st.integers(-1, 3),
    st.integers(0, 9),
)
_BUDGETS = st.none() | st.lists(_BUDGET, max_size=2, unique_by=lambda one: one.name).map(tuple)


@given(snapshots(), _BUDGETS, _NODES)
def test_nothing_unknown_or_lost_is_called_safe(look: SetView, budgets: tuple[Budget, ...] | None, nodes: tuple[Node, ...] | None) -> None:
    seen = assess(look, NOW)
    found = judge(look, seen, budgets, nodes)
    if look.pods is None:
        assert found.available is None and found.tolerates is None and found.survives_node is None
    else:
        assert found.tolerates == seen.available - majority(seen.replicas)
        by_node: dict[str, int] = {}
        for member in seen.members:
            by_node[member.node] = by_node.get(member.node, 0) + member.available
        worst = max(by_node.values(), default=0)
        assert found.survives_node is (seen.available - worst >= found.majority)
        if found.survives_zone:
            assert nodes is not None and found.survives_node
            assert not found.unzoned
        if found.majority and (found.tolerates or 0) < 0:
            assert found.findings[0].rule is Rule.QUORUM_LOST and not found.survives_node and not found.survives_zone
    unread = [name for name, value in (("pods", look.pods), ("nodes", nodes), ("budgets", budgets)) if value is None]
    assert found.not_read == tuple(unread)
    assert budgets is None or (found.evictable is not None and 0 <= found.evictable <= found.members)


# --- headroom ----------------------------------------------------------------------------------------------------------------


def asked(minimum: int, budgets: tuple[Budget, ...] | None, *pods: Pod, name: str = "", min_ready: int = 0) -> tuple[DisruptionRule | None, str]:
    found = headroom(assess(snapshot(statefulset(min_ready_seconds=min_ready), *pods), NOW), minimum, budgets, name)
    assert found.ok is (found.refused is None)
    return found.refused, found.budget


FULL = (pod(0), pod(1), pod(2))
WARM = pod(2, since=NOW)


@pytest.mark.parametrize(
    ("minimum", "budgets", "pods", "name", "refused"),
    [
        pytest.param(2, (), FULL, "", None, id="one to spare"),
        pytest.param(3, (), FULL, "", DisruptionRule.MINIMUM, id="none to spare"),
        pytest.param(2, (), (pod(0), pod(1)), "", DisruptionRule.MINIMUM, id="a missing pod is unavailable"),
        pytest.param(2, (), (pod(0), pod(1), unready(2)), "web-2", None, id="one that is down costs nothing"),
        pytest.param(2, (), (pod(0), pod(1), unready(2)), "web-1", DisruptionRule.MINIMUM, id="another one does"),
        pytest.param(0, (), (pod(0),), "web-0", None, id="no minimum"),
        pytest.param(2, (budget(),), FULL, "web-2", None, id="budget allows"),
        pytest.param(2, (budget(allowed=0),), FULL, "web-2", DisruptionRule.BUDGET, id="budget refuses"),
        pytest.param(0, (budget(), budget("strict", allowed=0)), FULL, "web-2", DisruptionRule.BUDGET, id="every budget counts"),
        pytest.param(2, (budget(allowed=0, selector=None),), FULL, "web-2", None, id="budget of others"),
        pytest.param(2, (budget(allowed=0),), (pod(0), pod(1), unready(2)), "web-2", None, id="not ready, no budget counts it"),
        pytest.param(2, None, FULL, "web-2", DisruptionRule.BUDGETS_UNREAD, id="budgets not read"),
        pytest.param(2, None, (pod(0), pod(1), unready(2)), "web-2", None, id="not needed, either"),
        pytest.param(2, (budget(allowed=0),), FULL, "web-9", None, id="there is no such pod"),
    ],
)
def test_headroom(minimum: int, budgets: tuple[Budget, ...] | None, pods: tuple[Pod, ...], name: str, refused: DisruptionRule | None) -> None:
    assert asked(minimum, budgets, *pods, name=name)[0] is refused


def test_a_budget_counts_ready_pods_while_minReadySeconds_run() -> None:
    """countHealthyPods in disruption.go looks at Ready; availability is the StatefulSet's own notion."""
    pods = (pod(0), pod(1), WARM)
    assert asked(2, (budget("strict", allowed=0),), *pods, name="web-2", min_ready=30) == (DisruptionRule.BUDGET, "strict")
    assert asked(2, (budget(),), *pods, name="web-2", min_ready=30) == (None, "")
    assert asked(2, (budget(),), *pods, name="web-1", min_ready=30) == (DisruptionRule.MINIMUM, "")


def test_pods_that_could_not_be_read_may_not_go() -> None:
    seen = assess(replace(snapshot(statefulset()), pods=None), NOW)
    assert headroom(seen, 0, ()).refused is DisruptionRule.PODS_UNREAD


@given(snapshots(), st.integers(0, 5), _BUDGETS, st.integers(0, 4))
def test_what_may_go_leaves_the_minimum(look: SetView, minimum: int, budgets: tuple[Budget, ...] | None, ordinal: int) -> None:
    seen = assess(look, NOW)
    name = f"web-{ordinal}"
    found = headroom(seen, minimum, budgets, name)
    if not found.ok:
        return
    assert look.pods is not None
    left = sum(member.available for member in seen.members if member.name != name)
    goes = any(member.available for member in seen.members if member.name == name)
    assert left >= minimum or not goes or not minimum
    if goes:
        assert budgets is not None and all(one.allowed > 0 for one in budgets)


def test_the_ordinal_from_which_on_members_are_counted_is_told() -> None:
    owner = statefulset(replicas=2, start=3)
    look = snapshot(owner, pod(3), pod(4))
    assert judge(look, assess(look, NOW), (), ()).start == 3
