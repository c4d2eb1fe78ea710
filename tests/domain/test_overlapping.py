"""Steps that overlap: how far the partition is ahead of the pods that are done, what is waited for, and who is counted as going."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.model import LabelSelector, ObjectMeta, Pod
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.safety.budgets import Budget, BudgetSpec, BudgetStatus
from kubectl_pets.domain.stepping.deciding import decide
from kubectl_pets.domain.stepping.guarding import disruption_check
from kubectl_pets.domain.stepping.planning import plan
from kubectl_pets.domain.stepping.steps import (
    Act,
    Amount,
    Decision,
    Done,
    Refused,
    RefusedReason,
    Run,
    RunMemory,
    SetPartition,
    Wait,
    WaitReason,
)
from kubectl_pets.views.rollout import plan as plan_view
from tests.domain.builders import NEW, NOW, UID, leaving, pod, snapshot, statefulset, unready

TEN = timedelta(seconds=10)
GOAL = Run(step=Amount(3), overlap=True)


def looked(partition: int, *pods: Pod, replicas: int = 8, **more: object) -> Assessment:
    owner = statefulset(replicas=replicas, partition=partition, policy="Parallel", max_unavailable=3, **more)  # type: ignore[arg-type]
    return assess(snapshot(owner, *pods), NOW)


def decided(seen: Assessment, goal: Run = GOAL, *, careful: bool = False) -> Decision:
    memory = RunMemory(uid=UID, strategy="RollingUpdate", partition=seen.partition, revision=NEW, target=0, changed=True, careful=careful)
    return decide(goal, seen, NOW, memory)[0]


def held(count: int) -> list[Pod]:
    return [pod(ordinal) for ordinal in range(count)]


def lowered(decision: Decision) -> tuple[int, tuple[str, ...]]:
    assert isinstance(decision, Act) and isinstance(decision.step, SetPartition)
    assert decision.step.overlap == 3
    return decision.step.partition, decision.step.releases


def test_a_pod_that_is_done_lets_the_next_one_go() -> None:
    seen = looked(5, *held(5), unready(5, NEW), leaving(6), pod(7, NEW))
    assert lowered(decided(seen)) == (4, ("web-4",))


def test_a_lowering_takes_what_has_come_by_then() -> None:
    seen = looked(5, *held(5), unready(5, NEW), pod(6, NEW), pod(7, NEW))
    assert lowered(decided(seen)) == (3, ("web-4", "web-3"))


def test_one_that_is_not_done_stops_it_a_step_below() -> None:
    """Whatever is done below it."""
    seen = looked(4, *held(4), pod(4, NEW), pod(5, NEW), unready(6, NEW), pod(7, NEW))
    assert decided(seen) == Wait(reason=WaitReason.PODS, pods=("web-6",))


def test_one_that_is_held_back_and_missing_is_waited_for() -> None:
    seen = looked(5, *held(4), unready(4), unready(5, NEW), pod(6, NEW), pod(7, NEW))
    assert isinstance(decided(seen), Wait)


def test_one_that_is_to_go_is_waited_for() -> None:
    seen = looked(5, *held(5), unready(5, NEW), pod(6, NEW), pod(7, NEW), pod(8, NEW))
    assert isinstance(decided(seen), Wait)


def test_a_pod_has_to_have_settled_and_the_wait_ends_when_the_next_has() -> None:
    goal = replace(GOAL, settle=TEN)
    up = pod(7, NEW, since=NOW - timedelta(seconds=6)), pod(6, NEW, since=NOW - timedelta(seconds=1))
    seen = looked(5, *held(5), unready(5, NEW), *up)
    assert decided(seen, goal) == Wait(reason=WaitReason.SETTLE, until=NOW + timedelta(seconds=4))
    settled = looked(5, *held(5), unready(5, NEW), up[1], pod(7, NEW))
    assert lowered(decided(settled, goal)) == (4, ("web-4",))


def test_the_last_ones_are_all_waited_for() -> None:
    assert decided(looked(0, pod(0, NEW), unready(1, NEW), *(pod(each, NEW) for each in range(2, 8)))) == Wait(
        reason=WaitReason.PODS, pods=("web-1",)
    )
    assert isinstance(decided(looked(0, *(pod(each, NEW) for each in range(8)), current=NEW)), Done)


def test_the_canary_is_a_step_of_its_own() -> None:
    goal = replace(GOAL, canary=Amount(2))
    first = decided(looked(8, *held(8)), goal)
    assert isinstance(first, Act) and isinstance(first.step, SetPartition) and first.step.partition == 6
    assert isinstance(decided(looked(6, *held(6), unready(6, NEW), pod(7, NEW)), goal), Wait)
    assert lowered(decided(looked(6, *held(6), pod(6, NEW), pod(7, NEW)), goal)) == (3, ("web-5", "web-4", "web-3"))


def test_where_each_pod_is_asked_about_one_more_goes_at_a_time() -> None:
    seen = looked(5, *held(5), unready(5, NEW), pod(6, NEW), pod(7, NEW))
    assert lowered(decided(seen, careful=True)) == (4, ("web-4",))


def test_the_plan_tells_the_overlap_in_one_line() -> None:
    seen = assess(snapshot(statefulset(replicas=200, partition=200, max_unavailable=20), *held(200)), NOW)
    planned = plan(Run(step=Amount(20), overlap=True), seen, NOW)
    first, rest = planned.steps
    assert isinstance(first, SetPartition) and isinstance(rest, SetPartition)
    assert (first.partition, rest.before, rest.partition, len(rest.releases)) == (180, 180, 0, 180)
    drawn = plan_view.draw(planned, seen, NOW)
    assert "never more than 20 ahead" in drawn and drawn.count("\n") < 5


# --- who counts as going -------------------------------------------------------------------------------------------------------

NEXT = SetPartition(partition=4, before=5, releases=("web-4",), overlap=3)
BARRIER = replace(NEXT, overlap=SetPartition(partition=0, before=0).overlap)


def budget(allowed: int, healthy: int) -> Budget:
    return Budget(
        metadata=ObjectMeta(name="guard", namespace="prod", generation=1),
        spec=BudgetSpec(selector=LabelSelector()),
        status=BudgetStatus(observed_generation=1, disruptions_allowed=allowed, current_healthy=healthy),
    )


def test_those_that_were_let_go_count_as_gone_for_a_minimum() -> None:
    """7 and 6 are done, 5 is let go and there still: with 4 six are left."""
    seen = looked(5, *held(6), pod(6, NEW), pod(7, NEW))
    assert disruption_check(NEXT, seen, 6, ()) is None
    assert disruption_check(NEXT, seen, 7, ()) == Wait(reason=WaitReason.HEADROOM)


def test_one_that_is_down_already_does_not_count_twice() -> None:
    seen = looked(5, *held(5), leaving(5), pod(6, NEW), pod(7, NEW))
    assert disruption_check(NEXT, seen, 6, ()) is None
    assert disruption_check(NEXT, seen, 7, ()) == Wait(reason=WaitReason.HEADROOM)


def test_where_nothing_else_goes_a_minimum_refuses_as_ever() -> None:
    seen = looked(5, *held(5), pod(5, NEW), pod(6, NEW), pod(7, NEW))
    assert disruption_check(NEXT, seen, 8, ()) == Refused(reason=RefusedReason.MINIMUM, asked=8, limit=8)


@pytest.mark.parametrize(
    ("allowed", "healthy", "may"),
    [
        (2, 8, True),  # one is let go and there still
        (1, 8, False),
        (3, 8, True),
        (0, 8, False),
    ],
)
def test_those_that_were_let_go_use_a_budget_up(allowed: int, healthy: int, may: bool) -> None:
    seen = looked(5, *held(6), pod(6, NEW), pod(7, NEW))
    assert (disruption_check(NEXT, seen, 0, (budget(allowed, healthy),)) is None) is may


@pytest.mark.parametrize(
    ("allowed", "healthy", "may"),
    [
        (1, 7, True),  # its status knows that one is down
        (1, 8, False),  # it does not yet
        (2, 8, True),
        (1, 30, False),  # it counts other sets' pods, too: what is late is not known
        (2, 30, True),
    ],
)
def test_a_budget_that_lags_behind_is_not_used_twice(allowed: int, healthy: int, may: bool) -> None:
    """The status of a budget follows its pods after a moment, and only the eviction API waits for it."""
    seen = looked(5, *held(5), leaving(5), pod(6, NEW), pod(7, NEW))
    assert (disruption_check(NEXT, seen, 0, (budget(allowed, healthy),)) is None) is may


def test_a_step_after_all_of_the_one_before_counts_as_it_did() -> None:
    seen = looked(5, *held(5), leaving(5), pod(6, NEW), pod(7, NEW))
    assert disruption_check(BARRIER, seen, 0, (budget(1, 8),)) is None
