"""What somebody lives with: read as it was written, told who and why, and a finding itself once it holds for nothing."""

from datetime import date
from typing import Any

import pytest

from kubectl_pets.domain.doctor.checkup import Checkup, Standing
from kubectl_pets.domain.doctor.ignoring import Ignore, IgnoreBy, fingerprint, fits, read_annotation
from kubectl_pets.domain.findings import Rule, Severity
from tests.domain.doctor.wards import checkup, estate

BAD = {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 0}}}}


def with_note(text: str, sets: Any = BAD, **asked: Any) -> Checkup:
    return checkup(estate({**sets, "metadata": {"annotations": {"kubectl-pets/ignore": text}}}), **asked)


def standing(seen: Checkup, rule: Rule) -> Standing:
    (found,) = [each for each in seen.outcomes if each.rule is rule]
    return found.standing


@pytest.mark.parametrize(
    ("text", "rules", "reason", "until"),
    [
        ("PETS703: a cache", ("PETS703",), "a cache", None),
        ("PETS703: a cache, 2027-01-31", ("PETS703",), "a cache", date(2027, 1, 31)),
        ("PETS7*, no-spread: dev, and only dev", ("PETS7*", "no-spread"), "dev, and only dev", None),
    ],
)
def test_an_annotation_as_it_is_written(text: str, rules: tuple[str, ...], reason: str, until: date | None) -> None:
    (found,), bad = read_annotation(text)
    assert (found.rules, found.reason, found.until, bad) == (rules, reason, until, ())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("PETS703", "not RULE: REASON"),
        ("PETS703:", "says no reason"),
        ("PETS703: , 2027-01-31", "says no reason"),
        ("PETS999: a cache", "there is no rule PETS999"),
        ("PETS703: a cache, 2027-02-31", "no such day"),
    ],
)
def test_what_cannot_be_meant_ignores_nothing_and_is_found(text: str, problem: str) -> None:
    seen = with_note(text)
    assert standing(seen, Rule.GRACE_ZERO) is Standing.FOUND
    (bad,) = [each for each in seen.found if each.rule is Rule.IGNORE_MALFORMED]
    assert problem in bad.detail


def test_several_of_them_with_one_that_is_malformed() -> None:
    found, bad = read_annotation("PETS703: a cache;\nnonsense\nno-spread: dev")
    assert [each.rules for each in found] == [("PETS703",), ("no-spread",)] and [each.text for each in bad] == ["nonsense"]


def test_ignored_is_told_by_whom_and_why() -> None:
    seen = with_note("grace-zero: a cache, 2026-03-01")
    (ignored,) = seen.standing(Standing.IGNORED)
    assert ignored.rule is Rule.GRACE_ZERO and ignored.ignore is not None
    assert (ignored.ignore.by, ignored.ignore.reason) == (IgnoreBy.ANNOTATION, "a cache")
    assert seen.found == () and not seen.fails(Severity.NOTICE, strict=True)


def test_one_that_has_run_out_counts_again_and_is_found_itself() -> None:
    seen = with_note("PETS703: a cache, 2026-02-28")
    assert {each.rule for each in seen.found} == {Rule.GRACE_ZERO, Rule.IGNORE_EXPIRED}


def test_one_that_answers_to_nothing() -> None:
    assert [each.rule for each in with_note("PETS703: a cache", sets={}).found] == [Rule.IGNORE_UNMATCHED]


def test_of_a_rule_that_was_not_judged_nothing_is_said() -> None:
    assert with_note("PETS703: a cache", sets={}, only=("PETS3*", "PETS99*")).found == ()
    given = estate({"metadata": {"annotations": {"kubectl-pets/ignore": "PETS405: dev"}}}, budgets=None)
    assert checkup(given, only=("PETS405", "PETS99*")).found == ()


def a_file(**fields: Any) -> Ignore:
    given = {"by": IgnoreBy.FILE, "rules": ("PETS703",), "reason": "x", "where": "f:1", **fields}
    return Ignore(**given)


def test_globs_of_a_file_mean_namespace_and_set() -> None:
    for ignore, stands in (
        (a_file(), Standing.IGNORED),
        (a_file(namespace="pr*", name="w?b"), Standing.IGNORED),
        (a_file(namespace="dev"), Standing.FOUND),
        (a_file(name="w"), Standing.FOUND),
    ):
        assert standing(checkup(estate(BAD), ignores=(ignore,)), Rule.GRACE_ZERO) is stands


def test_a_file_is_told_of_what_it_holds_for_nothing_only_where_that_was_looked_at() -> None:
    assert [each.rule for each in checkup(estate(), ignores=(a_file(),)).found] == [Rule.IGNORE_UNMATCHED]
    assert checkup(estate(), ignores=(a_file(namespace="dev"),)).found == ()  # only prod was looked at


def test_a_baseline_tells_what_is_new() -> None:
    before = checkup(estate(BAD))
    marks = frozenset(fingerprint(each.finding, each.owner) for each in before.standing(Standing.FOUND) if each.finding)
    again = checkup(estate({"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 0}}, "revisionHistoryLimit": 0}}), baseline=marks)
    assert [each.rule for each in again.found] == [Rule.NO_WAY_BACK]
    assert checkup(estate(), baseline=marks).healed == 1


def test_rules_by_number_and_word_in_either_case() -> None:
    assert fits("pets3*", Rule.CLAIM_LOST) and fits("Claim-Lost", Rule.CLAIM_LOST) and not fits("PETS3", Rule.CLAIM_LOST)
