"""What somebody has decided to live with: each ignore has a reason, and may have a day on which it ends.

Said in an annotation of the set (``kubectl-pets/ignore: "PETS314: cache, 2027-01-31"``), in a file with globs, or by a baseline
of what was found before. An ignore that has run out, or that nothing answers to any more, is a finding itself.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from enum import StrEnum, unique
from fnmatch import fnmatchcase

import msgspec

from kubectl_pets.domain.findings import RULES, Finding, Rule, Subject
from kubectl_pets.domain.sets.kinds import SetRef

IGNORE_ANNOTATION = "kubectl-pets/ignore"

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@unique
class IgnoreBy(StrEnum):
    ANNOTATION = "annotation"
    FILE = "file"
    BASELINE = "baseline"


class Ignore(msgspec.Struct, frozen=True, kw_only=True):
    """``rules``, ``namespace`` and ``name`` (of the set) are globs. ``where``: the line of a file, for whoever looks for it."""

    by: IgnoreBy
    rules: tuple[str, ...]
    namespace: str = "*"
    name: str = "*"
    reason: str = ""
    #: The last day on which it holds; None: for good.
    until: date | None = None
    where: str = ""

    def expired(self, now: datetime) -> bool:
        return self.until is not None and now.date() > self.until

    def means(self, namespace: str, name: str) -> bool:
        return fnmatchcase(namespace, self.namespace) and fnmatchcase(name, self.name)

    def covers(self, rule: Rule) -> bool:
        return any(fits(glob, rule) for glob in self.rules)


def fits(glob: str, rule: Rule) -> bool:
    """Whether a glob means the rule, by number or word, in either case: ``PETS3*``, ``partition-left-over``."""
    return fnmatchcase(RULES[rule].number, glob.upper()) or fnmatchcase(rule.value, glob.lower())


def known(glob: str) -> bool:
    """Whether it means any rule at all."""
    return any(fits(glob, rule) for rule in RULES)


class Malformed(msgspec.Struct, frozen=True):
    """A part of an annotation that cannot be meant. Untrusted text."""

    text: str
    problem: str


def read_annotation(text: str) -> tuple[tuple[Ignore, ...], tuple[Malformed, ...]]:
    """``RULE[ RULE...]: REASON[, YYYY-MM-DD]``, several of them with semicolons or line breaks between them."""
    found: list[Ignore] = []
    bad: list[Malformed] = []
    for part in filter(None, (each.strip() for each in re.split(r"[;\n]", text))):
        globs, colon, rest = part.partition(":")
        rules = tuple(globs.replace(",", " ").split())
        reason, _, last = rest.strip().rpartition(",")
        dated = _DATE.fullmatch(last.strip()) is not None
        reason = (reason if dated else rest).strip()
        until = _day(last.strip()) if dated else None
        problem = _problem(rules, colon, reason, dated and until is None)
        if problem:
            bad.append(Malformed(part, problem))
        else:
            found.append(Ignore(by=IgnoreBy.ANNOTATION, rules=rules, reason=reason, until=until))
    return tuple(found), tuple(bad)


def _problem(rules: tuple[str, ...], colon: str, reason: str, no_such_day: bool) -> str:
    if not rules or not colon:
        return "it is not RULE: REASON"
    unknown = next((glob for glob in rules if not known(glob)), None)
    if unknown is not None:
        return f"there is no rule {unknown}"
    if no_such_day:
        return "there is no such day"
    return "" if reason else "it says no reason"


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


# --- baselines ---------------------------------------------------------------------------------------------------------------


class Fingerprint(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """What makes a finding the same from one run to the next: not its numbers or times."""

    rule: str
    namespace: str
    set: str
    kind: str
    name: str
    field: str = ""


def fingerprint(found: Finding, owner: SetRef) -> Fingerprint:
    """``owner``: the set that it was found in; without a name where it is of none."""
    return Fingerprint(
        rule=RULES[found.rule].number,
        namespace=found.subject.namespace,
        set=owner.name,
        kind=found.subject.kind,
        name=found.subject.name,
        field=found.field,
    )


# --- ignores that hold for nothing -------------------------------------------------------------------------------------------


def about_annotation(subject: Subject, bad: Iterable[Malformed]) -> Iterator[Finding]:
    """What of a set's annotation cannot be meant."""
    field = f"metadata.annotations[{IGNORE_ANNOTATION}]"
    for each in bad:
        detail = f"{each.text}: {each.problem}"
        yield Finding(rule=Rule.IGNORE_MALFORMED, subject=subject, detail=detail, field=field)
