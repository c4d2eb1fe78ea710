"""One vocabulary for all that is found: each rule has its number, and no verb says the same thing in another word."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from msgspec.structs import replace

from kubectl_pets.domain.dns.found import rule_of
from kubectl_pets.domain.dns.reasons import Reason
from kubectl_pets.domain.findings import RULES, Finding, Rule, Severity
from kubectl_pets.domain.model import SetView
from kubectl_pets.domain.orphans import found as orphans
from kubectl_pets.domain.orphans.judging import judge
from kubectl_pets.domain.rollout import found as rollout
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.blocking import LONGEST_SET_NAME
from kubectl_pets.domain.rollout.verdict import Phase
from tests.domain.builders import NOW, OLD, failing, pod, snapshot, snapshots, statefulset
from tests.domain.examples import cases
from tests.domain.orphans import builders as claims


def rules(found: tuple[Finding, ...]) -> list[Rule]:
    return [each.rule for each in found]


def of(view: SetView) -> tuple[Finding, ...]:
    return rollout.findings(assess(view, NOW))


def test_every_rule_has_a_card_with_a_number_of_its_own() -> None:
    assert list(RULES) == list(Rule)
    numbers = [card.number for card in RULES.values()]
    assert len(set(numbers)) == len(numbers) and all(re.fullmatch(r"PETS[1-9][0-9]{2}", number) for number in numbers)
    assert all(card.source for card in RULES.values())


def test_of_a_set_that_is_well_nothing_is_found() -> None:
    assert of(snapshot(statefulset(update=OLD), *map(pod, range(3)))) == ()


def test_a_partition_that_was_left_over() -> None:
    (found,) = of(snapshot(statefulset(update=OLD, partition=2), *map(pod, range(3))))
    assert (found.rule, found.number, found.limit, found.severity) == (Rule.PARTITION_LEFT_OVER, 2, 0, Severity.WARNING)
    assert (found.subject.kind, found.subject.namespace, found.subject.name) == ("StatefulSet", "prod", "web")


def test_what_blocks_is_about_its_pod() -> None:
    found = of(snapshot(statefulset(), failing(0, reason="InvalidImageName"), pod(1), pod(2)))
    (stuck,) = [each for each in found if each.rule is Rule.ROLLOUT_STUCK]
    assert (stuck.subject.kind, stuck.subject.name, stuck.detail) == ("Pod", "web-0", "InvalidImageName")


def test_a_name_that_is_too_long_and_pods_that_do_not_end() -> None:
    long = statefulset(name="x" * (LONGEST_SET_NAME + 1))
    assert rules(of(snapshot(long))) == [Rule.NAME_TOO_LONG]
    overdue = pod(0, leaving=NOW - timedelta(hours=1))
    assert Rule.TERMINATING_OVERDUE in rules(of(snapshot(statefulset(update=OLD), overdue, pod(1), pod(2))))


def test_a_controller_that_has_not_seen_the_spec() -> None:
    assert rules(of(snapshot(statefulset(observed=1), *map(pod, range(3))))) == [Rule.CONTROLLER_SILENT]


@cases(300)
@given(snapshots())
def test_findings_and_verdict_never_contradict_each_other(view: SetView) -> None:
    seen = assess(view, NOW)
    found = rollout.findings(seen)
    if seen.phase in (Phase.UNKNOWN, Phase.GONE):
        assert found == ()
    if seen.phase is Phase.STUCK:
        assert any(each.severity is not Severity.NOTICE for each in found)
    if seen.phase is Phase.COMPLETE:
        assert not {each.rule for each in found} & {Rule.ROLLOUT_STUCK, Rule.CLAIM_PENDING, Rule.CONTROLLER_SILENT}
    assert seen.partition_left_over == (Rule.PARTITION_LEFT_OVER in rules(found)) or not found


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_of_a_name_belongs_to_a_rule_or_to_none(reason: Reason) -> None:
    rule = rule_of(reason)
    assert rule is None or RULES[rule].number.startswith("PETS1")


def test_claims_that_nobody_wants() -> None:
    (verdict,) = judge(claims.estate(claims.claim("data-web-9"), sets=(claims.stateful_set("web", replicas=3),)), NOW)
    assert verdict.candidate and rules(orphans.findings(verdict)) == [Rule.CLAIM_ORPHANED]
    assert orphans.findings(replace(verdict, klass=verdict.klass.UNSURE)) == ()
