"""What budgets allow, by the rules of the disruption controller and the eviction API (see kubectl_pets.domain.safety.budgets)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_pets.domain.model import LabelSelector, LabelSelectorRequirement, ObjectMeta
from kubectl_pets.domain.safety.budgets import Budget, BudgetSpec, BudgetStatus, desired_healthy, evictable_at_best

WEB = LabelSelector(match_labels={"app": "web"})


def rule(operator: str, *values: str, key: str = "app") -> LabelSelector:
    return LabelSelector(match_expressions=(LabelSelectorRequirement(key=key, operator=operator, values=values),))


@pytest.mark.parametrize(
    ("selector", "labels", "selected"),
    [
        (LabelSelector(), {}, True),
        (WEB, {"app": "web", "tier": "one"}, True),
        (WEB, {"app": "db"}, False),
        (WEB, {}, False),
        (rule("In", "web", "db"), {"app": "db"}, True),
        (rule("In", "web"), {}, False),
        (rule("NotIn", "web"), {"app": "web"}, False),
        (rule("NotIn", "web"), {}, True),
        (rule("Exists"), {"app": ""}, True),
        (rule("Exists"), {}, False),
        (rule("DoesNotExist"), {}, True),
        (rule("DoesNotExist"), {"app": "web"}, False),
        (rule("Odd"), {}, True),
    ],
)
def test_selectors(selector: LabelSelector, labels: dict[str, str], selected: bool) -> None:
    assert selector.matches(labels) is selected


def test_no_selector_selects_nothing_and_an_empty_one_everything() -> None:
    """policy/v1; policy/v1beta1 had it the other way round."""
    assert not Budget(spec=BudgetSpec(max_unavailable=1)).covers({"app": "web"})
    assert Budget(spec=BudgetSpec(max_unavailable=1, selector=LabelSelector())).covers({"app": "web"})


@pytest.mark.parametrize(
    ("spec", "expected", "desired"),
    [
        (BudgetSpec(max_unavailable=1), 3, 2),
        (BudgetSpec(max_unavailable=9), 3, 0),
        (BudgetSpec(max_unavailable="50%"), 5, 2),
        (BudgetSpec(max_unavailable="1%"), 3, 2),
        (BudgetSpec(max_unavailable="0%"), 3, 3),
        (BudgetSpec(min_available="50%"), 5, 3),
        (BudgetSpec(min_available="100%"), 3, 3),
        (BudgetSpec(min_available=2), 3, 2),
        (BudgetSpec(min_available=9), 3, 9),
        (BudgetSpec(), 3, None),
        (BudgetSpec(max_unavailable="half"), 3, None),
        (BudgetSpec(min_available="-5%"), 3, None),
    ],
)
def test_desired_healthy(spec: BudgetSpec, expected: int, desired: int | None) -> None:
    assert desired_healthy(spec, expected) == desired


@given(st.integers(0, 100), st.integers(0, 1000))
def test_shares_round_up(percent: int, expected: int) -> None:
    wanted = desired_healthy(BudgetSpec(min_available=f"{percent}%"), expected)
    spared = desired_healthy(BudgetSpec(max_unavailable=f"{percent}%"), expected)
    assert wanted is not None and spared is not None
    assert wanted * 100 >= percent * expected > (wanted - 1) * 100
    assert expected - spared == min(expected, wanted)


def budget(spec: BudgetSpec, *, generation: int = 1, **status: Any) -> Budget:
    return Budget(metadata=ObjectMeta(generation=generation), spec=spec, status=BudgetStatus(observed_generation=1, **status))


def test_a_status_of_yesterday_allows_nothing() -> None:
    """checkAndDecrement in eviction.go: observedGeneration < generation is a 429."""
    spec = BudgetSpec(max_unavailable=1)
    assert budget(spec, disruptions_allowed=1).allowed == 1
    assert budget(spec, disruptions_allowed=1, generation=2).allowed == 0
    assert budget(spec, disruptions_allowed=-1).allowed == 0


@pytest.mark.parametrize(
    ("judged", "covered", "missing", "at_best"),
    [
        pytest.param(budget(BudgetSpec(max_unavailable=1), expected_pods=3), 3, 0, 1, id="of one set"),
        pytest.param(budget(BudgetSpec(max_unavailable="50%"), expected_pods=6), 3, 0, 3, id="of two sets"),
        pytest.param(budget(BudgetSpec(min_available=2), expected_pods=2), 3, 1, 1, id="a number counts pods, and one is missing"),
        pytest.param(budget(BudgetSpec(min_available="50%"), expected_pods=3), 3, 1, 1, id="a share counts replicas"),
        pytest.param(budget(BudgetSpec(min_available=3), expected_pods=3), 3, 0, 0, id="blocks"),
        pytest.param(budget(BudgetSpec(), expected_pods=0), 3, 0, 0, id="says nothing, so nothing is allowed"),
        pytest.param(Budget(spec=BudgetSpec(max_unavailable=2)), 3, 0, 2, id="no status yet"),
        pytest.param(budget(BudgetSpec(max_unavailable=1), expected_pods=9, generation=2), 3, 0, 1, id="a status of yesterday"),
    ],
)
def test_evictable_at_best(judged: Budget, covered: int, missing: int, at_best: int) -> None:
    assert evictable_at_best(judged, covered, missing) == at_best
