"""Judges every set of an estate by every rule: found, passed, skipped, or ignored.

Skipped is never passed: it is told, with the list that is missing, and counts for whoever is strict.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.doctor import availability, invalid, names, rollouts, storage, templates
from kubectl_pets.domain.doctor.case import Case, RuleCheck, RuleSkipped, Ward
from kubectl_pets.domain.doctor.estate import Estate, Unread, UnreadWhy
from kubectl_pets.domain.doctor.ignoring import (
    IGNORE_ANNOTATION,
    Fingerprint,
    Ignore,
    IgnoreBy,
    about_annotation,
    fingerprint,
    fits,
    read_annotation,
)
from kubectl_pets.domain.findings import RULES, Finding, Rule, Severity, Subject
from kubectl_pets.domain.orphans import found as orphans
from kubectl_pets.domain.rollout.unreadable import unreadable
from kubectl_pets.domain.sets.kinds import SetRef

CHECKS: tuple[RuleCheck, ...] = (
    *names.CHECKS,
    *rollouts.CHECKS,
    *storage.CHECKS,
    *availability.CHECKS,
    *templates.CHECKS,
    *invalid.CHECKS,
)

#: Of claims without a set only these are judged.
_OF_CLAIMS = (Rule.CLAIM_ORPHANED, Rule.CLAIM_NAME_AMBIGUOUS, Rule.OWNER_STALE)

#: What a rule needs that looks at nothing of the set itself: it is judged although the set could not be decoded.
_BY_CLAIMS = ("inventory",)

#: About ignores themselves; they are judged when all else is.
OF_IGNORES = (Rule.IGNORE_EXPIRED, Rule.IGNORE_UNMATCHED, Rule.IGNORE_MALFORMED)

#: Those for which more than the API server is asked, which takes rights that most lack.
OF_DEEP = frozenset((Rule.NAMES_UNRESOLVED, Rule.VOLUME_FULL))

_WEIGHT = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTICE: 2}


@unique
class Standing(StrEnum):
    FOUND = "found"
    OK = "ok"
    SKIP = "skip"
    IGNORED = "ignored"


class RuleOutcome(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One rule of one set; one for each finding where it found several. ``owner``: the set; without a name: claims of none. Of
    2,000 sets there are 150,000, and none refers back to what holds it."""

    rule: Rule
    owner: SetRef
    standing: Standing
    finding: Finding | None = None
    #: What could not be read.
    unread: Unread | None = None
    ignore: Ignore | None = None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to know. ``only`` and ``skip`` are globs of rules; ``sets``: (namespace, name), None: all."""

    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    sets: frozenset[tuple[str, str]] | None = None
    #: DNS servers and kubelets were asked, too.
    deep: bool = False
    #: (namespace, name) of sets that do not have the pods yet that they are to have: nothing is said of what only pods tell.
    unsettled: frozenset[tuple[str, str]] = frozenset()
    ignores: tuple[Ignore, ...] = ()
    baseline: frozenset[Fingerprint] = frozenset()

    def wants(self, rule: Rule) -> bool:
        if any(fits(glob, rule) for glob in self.skip):
            return False
        if self.only:
            return any(fits(glob, rule) for glob in self.only)
        return not RULES[rule].opt_in or (self.deep and rule in OF_DEEP)

    def names(self, rule: Rule) -> bool:
        """Whether somebody asks for this one in particular."""
        return any(RULES[rule].number == glob.upper() or rule.value == glob.lower() for glob in self.only)


class Checkup(msgspec.Struct, frozen=True, kw_only=True):
    """All that was judged, the sets in order of namespace and name, the worst of each first."""

    outcomes: tuple[RuleOutcome, ...]
    #: How many sets were looked at.
    sets: int
    at: datetime
    kinds_not_read: tuple[str, ...] = ()
    #: Of the baseline, what is found no more.
    healed: int = 0
    #: Nothing but files was looked at.
    of_manifests: bool = False

    def standing(self, standing: Standing) -> tuple[RuleOutcome, ...]:
        return tuple(each for each in self.outcomes if each.standing is standing)

    @property
    def found(self) -> tuple[Finding, ...]:
        return tuple(each.finding for each in self.standing(Standing.FOUND) if each.finding is not None)

    @property
    def skipped(self) -> bool:
        """Whether anything that was asked for could not be judged. Of manifests that is so by their nature."""
        unread = [each.unread for each in self.standing(Standing.SKIP)]
        return bool(self.kinds_not_read) or any(each is None or each.why is not UnreadWhy.NO_CLUSTER for each in unread)

    def fails(self, at: Severity, *, strict: bool) -> bool:
        """Whether there is a finding of this severity, or a worse one; ``strict``: or something could not be judged."""
        bad = any(_WEIGHT[each.severity] <= _WEIGHT[at] for each in self.found)
        return bad or (strict and self.skipped)


def examine(ward: Ward, asked: Asked) -> Checkup:
    """Judge the sets of an estate that were asked for, and, where all were, the claims of none. Never raises for what a cluster
    may hold."""
    estate = ward.estate
    raw: list[RuleOutcome] = []
    looked: list[SetRef] = []
    annotated: dict[SetRef, tuple[Ignore, ...]] = {}
    for case in ward.cases():
        owner = case.ref
        if not asked_about(estate, asked, owner):
            continue
        looked.append(owner)
        raw += _of_set(case, asked)
        text = case.owner.metadata.annotations.get(IGNORE_ANNOTATION, "")
        own, bad = read_annotation(text)
        annotated[owner] = own
        if asked.wants(Rule.IGNORE_MALFORMED):
            raw += (_found(each, owner) for each in about_annotation(case.subject, bad))
    if asked.sets is None and estate.selected is None:
        raw += _of_no_set(ward, asked)
    return _settled(raw, looked, annotated, asked, ward)


def asked_about(estate: Estate, asked: Asked, owner: SetRef) -> bool:
    """Whether the set is one of those that somebody wants to know about."""
    place = (owner.namespace, owner.name)
    return (asked.sets is None or place in asked.sets) and (estate.selected is None or place in estate.selected)


def _found(finding: Finding, owner: SetRef) -> RuleOutcome:
    return RuleOutcome(rule=finding.rule, owner=owner, standing=Standing.FOUND, finding=finding)


def _of_set(case: Case, asked: Asked) -> Iterator[RuleOutcome]:
    owner = case.ref
    unsettled = (owner.namespace, owner.name) in asked.unsettled
    spoilt = case.owner.unreadable or unreadable(case.owner, case.view)
    for check in CHECKS:
        if not asked.wants(check.rule) or (unsettled and "pods" in check.needs):
            continue
        missing = next((need for need in check.needs if getattr(case.estate, need) is None), None)
        if spoilt and (case.owner.unreadable and check.needs != _BY_CLAIMS or "pods" in check.needs):
            yield _skip(check.rule, owner, Unread(case.kind.resource if case.owner.unreadable else "pods", UnreadWhy.FAILED))
        elif missing is not None:
            yield _skip(check.rule, owner, _unread(case.estate, missing))
        elif not check.told(case):
            if asked.names(check.rule):
                yield _skip(check.rule, owner, Unread(check.needs[0], UnreadWhy.NOT_TOLD))
        else:
            yield from _judged(check, case, owner)


def _judged(check: RuleCheck, case: Case, owner: SetRef) -> Iterator[RuleOutcome]:
    any_found = False
    for each in check.judge(case):
        any_found = True
        yield _skip(check.rule, owner, _unread(case.estate, each.field)) if isinstance(each, RuleSkipped) else _found(each, owner)
    if not any_found:
        yield RuleOutcome(rule=check.rule, owner=owner, standing=Standing.OK)


def _skip(rule: Rule, owner: SetRef, unread: Unread) -> RuleOutcome:
    return RuleOutcome(rule=rule, owner=owner, standing=Standing.SKIP, unread=unread)


def _unread(estate: Estate, field: str) -> Unread:
    return estate.unread.get(field) or Unread(field, UnreadWhy.FAILED)


def _of_no_set(ward: Ward, asked: Asked) -> Iterator[RuleOutcome]:
    """Claims that no set certainly explains, or one that is not there: that of a LeaderWorkerSet has the name of that."""
    sets = {(each.namespace, each.name) for each in ward.estate.sets}
    for verdict in ward.claim_verdicts:
        if (verdict.namespace, verdict.set) in sets:
            continue
        for finding in orphans.findings(verdict):
            if finding.rule in _OF_CLAIMS and asked.wants(finding.rule):
                yield _found(finding, SetRef(namespace=verdict.namespace, name=""))


def worse(before: Checkup, after: Checkup, stated: frozenset[tuple[str, str]], refused: Iterable[Finding]) -> Checkup:
    """What a change makes worse: of ``after`` the findings that ``before`` has not, or has as something lighter, besides what
    would be ``refused``. Of the sets that are ``stated`` it keeps what passed and what could not be judged, too."""
    known = {mark: each.finding for each in before.outcomes if each.finding is not None for mark in [_mark(each)]}
    outcomes = [_found(each, _owner_of(each, after)) for each in refused]
    for each in after.outcomes:
        if each.finding is None or each.standing is Standing.IGNORED:
            outcomes += [each] if (each.owner.namespace, each.owner.name) in stated else []
            continue
        was = known.get(_mark(each))
        if was is None or _WEIGHT[was.severity] > _WEIGHT[each.finding.severity]:
            outcomes.append(each)
    return msgspec.structs.replace(after, outcomes=tuple(_ordered(outcomes)), sets=len(stated))


def _mark(each: RuleOutcome) -> Fingerprint:
    assert each.finding is not None
    return fingerprint(each.finding, each.owner)


def _owner_of(found: Finding, seen: Checkup) -> SetRef:
    """The set that a finding is about, as the checkup has it."""
    place = (found.subject.namespace, found.subject.name)
    told = (each.owner for each in seen.outcomes if (each.owner.namespace, each.owner.name) == place)
    return next(told, SetRef(namespace=place[0], name=place[1]))


# --- ignores -----------------------------------------------------------------------------------------------------------------


def _settled(
    raw: list[RuleOutcome], looked: list[SetRef], annotated: Mapping[SetRef, tuple[Ignore, ...]], asked: Asked, ward: Ward
) -> Checkup:
    used: set[tuple[SetRef | None, Ignore]] = set()
    met: set[Fingerprint] = set()
    outcomes: list[RuleOutcome] = []
    for each in raw:
        if each.finding is None:
            outcomes.append(each)
            continue
        mark, own = fingerprint(each.finding, each.owner), annotated.get(each.owner, ())
        said = next(
            (
                ignore
                for ignore in (*own, *(item for item in asked.ignores if item.means(each.owner.namespace, each.owner.name)))
                if ignore.covers(each.rule) and each.rule not in OF_IGNORES
            ),
            None,
        )
        if said is not None:
            used.add((each.owner if said in own else None, said))
        if mark in asked.baseline:
            met.add(mark)
        if said is not None and not said.expired(ward.now):
            outcomes.append(msgspec.structs.replace(each, standing=Standing.IGNORED, ignore=said))
        elif mark in asked.baseline:
            known = Ignore(by=IgnoreBy.BASELINE, rules=(mark.rule,))
            outcomes.append(msgspec.structs.replace(each, standing=Standing.IGNORED, ignore=known))
        else:
            outcomes.append(each)
    outcomes += _of_ignores(outcomes, looked, annotated, asked, ward, used)
    return Checkup(
        outcomes=tuple(_ordered(outcomes)),
        sets=len(looked),
        at=ward.now,
        kinds_not_read=ward.estate.kinds_not_read,
        healed=len(asked.baseline - met),
        of_manifests=ward.estate.of_manifests,
    )


def _ordered(outcomes: Iterable[RuleOutcome]) -> Iterator[RuleOutcome]:
    """By set, the worst of each first. Set by set: keys of all at once take more memory than what they sort."""
    by_owner: dict[SetRef, list[RuleOutcome]] = {}
    owner: SetRef | None = None
    own: list[RuleOutcome] = []
    for each in outcomes:
        if each.owner is not owner:  # nearly all of a set come one after the other
            owner, own = each.owner, by_owner.setdefault(each.owner, [])
        own.append(each)
    for ref in sorted(by_owner, key=lambda ref: (ref.namespace, not ref.name, ref.name, ref.kind.group)):
        yield from sorted(by_owner[ref], key=_weight)


def _weight(each: RuleOutcome) -> tuple[object, ...]:
    finding = each.finding
    weight = 9 if finding is None else _WEIGHT[finding.severity]
    subject = ("", "") if finding is None else (finding.subject.kind, finding.subject.name)
    return (weight, RULES[each.rule].number, *subject)


def _of_ignores(
    outcomes: list[RuleOutcome],
    looked: list[SetRef],
    annotated: Mapping[SetRef, tuple[Ignore, ...]],
    asked: Asked,
    ward: Ward,
    used: set[tuple[SetRef | None, Ignore]],
) -> list[RuleOutcome]:
    """Those that ran out although they are still needed, and those that nothing answers to. Of a rule that was not judged, or of
    sets that were not looked at, nothing is said."""
    skipped = {(each.owner, each.rule) for each in outcomes if each.standing is Standing.SKIP}
    found: list[RuleOutcome] = []
    for owner, own in annotated.items():
        for ignore in own:
            judged = all((owner, rule) not in skipped for rule in _rules(ignore))
            subject = Subject(kind="StatefulSet", namespace=owner.namespace, name=owner.name)
            found += _of_ignore(ignore, subject, owner, judged, (owner, ignore) in used, asked, ward.now)
    for ignore in asked.ignores:
        meant = [owner for owner in looked if ignore.means(owner.namespace, owner.name)]
        whole = ward.estate.namespace is None and asked.sets is None and ward.estate.selected is None
        judged = all((owner, rule) not in skipped for owner in meant for rule in _rules(ignore)) and bool(meant or whole)
        subject = Subject(kind="Ignore", namespace=ignore.namespace, name=ignore.where)
        found += _of_ignore(ignore, subject, SetRef(name=""), judged, (None, ignore) in used, asked, ward.now)
    return found


def _of_ignore(
    ignore: Ignore, subject: Subject, owner: SetRef, judged: bool, was_used: bool, asked: Asked, now: datetime
) -> Iterable[RuleOutcome]:
    finding = None
    if was_used and ignore.expired(now) and asked.wants(Rule.IGNORE_EXPIRED):
        detail = f"{ignore.reason}, {ignore.until}"
        finding = Finding(rule=Rule.IGNORE_EXPIRED, subject=subject, names=ignore.rules, detail=detail)
    elif not was_used and judged and asked.wants(Rule.IGNORE_UNMATCHED) and _all_judged(ignore, asked):
        finding = Finding(rule=Rule.IGNORE_UNMATCHED, subject=subject, names=ignore.rules, detail=ignore.reason)
    return () if finding is None else (_found(finding, owner),)


def _all_judged(ignore: Ignore, asked: Asked) -> bool:
    """Every rule that it means was asked for; of those that have to be asked for by name it says nothing otherwise."""
    return all(asked.wants(rule) or RULES[rule].opt_in for rule in _rules(ignore))


def _rules(ignore: Ignore) -> list[Rule]:
    return [rule for rule in RULES if ignore.covers(rule)]
