"""``kubectl pets doctor`` for people: set by set what was found, the worst first, and what was not judged."""

from collections import Counter
from collections.abc import Iterable, Iterator

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.doctor.checkup import Checkup, RuleOutcome, Standing
from kubectl_pets.domain.doctor.estate import UnreadWhy
from kubectl_pets.domain.findings import RULES, Finding, Severity
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.views.doctor import words
from kubectl_pets.views.doctor.pages import PAGES
from kubectl_pets.views.text.fitting import folded
from kubectl_pets.views.text.ink import Ink, Line, faint, plain, text_of
from kubectl_pets.views.text.phrases import count

_INK = {Severity.ERROR: Ink.BAD, Severity.WARNING: Ink.BUSY, Severity.NOTICE: Ink.PLAIN}

#: So many findings of one rule are told one by one before the rest is counted; with ``wide`` all.
_MANY = 3


def draw(seen: Checkup, *, wide: bool = False, width: int | None = None, colour: bool = False) -> str:
    """Empty where nothing was found and nothing is to be told. In ``width`` cells sentences go over several lines; a command is
    never cut, for it is to be pasted."""
    return text_of(_lines(seen, wide, None if wide else width), width=None, colour=colour)


def _lines(seen: Checkup, wide: bool, width: int | None) -> Iterator[Line]:
    shown = (Standing.FOUND, Standing.IGNORED) if wide else (Standing.FOUND,)
    before: SetRef | None = None
    for owner, own in _by_owner([each for each in seen.outcomes if each.standing in shown and each.finding is not None]):
        if before is not None:
            yield ()
        before = owner
        kind = f"  {owner.kind.title}" if owner.name and owner.kind.group != "apps" else ""
        yield (words.title(owner), Ink.BOLD), faint(kind)
        told: Counter[object] = Counter(each.rule for each in own)
        said: Counter[object] = Counter()
        for each in own:
            said[each.rule] += 1
            if wide or said[each.rule] <= _MANY or told[each.rule] == _MANY + 1:
                yield from _told(each, owner, seen, wide, width)
            elif said[each.rule] == told[each.rule]:
                yield (faint(f"           and {told[each.rule] - _MANY} more of {each.rule.value}: -o wide"),)


def _by_owner(outcomes: Iterable[RuleOutcome]) -> Iterator[tuple[SetRef, list[RuleOutcome]]]:
    found: dict[SetRef, list[RuleOutcome]] = {}
    for each in outcomes:
        found.setdefault(each.owner, []).append(each)
    yield from found.items()


def _told(each: RuleOutcome, owner: SetRef, seen: Checkup, wide: bool, width: int | None) -> Iterator[Line]:
    found = each.finding
    assert found is not None
    card = RULES[found.rule]
    word = "ignored" if each.standing is Standing.IGNORED else found.severity.value
    ink = Ink.FAINT if each.standing is Standing.IGNORED else _INK[found.severity]
    about, age = words.about(found, owner), words.since(found, seen.at)
    text = (f"{about}: " if about else "") + words.sentence(found) + (f", {age}" if age else "")
    yield from folded((plain("  "), (f"{word:<8} ", ink), plain(f"{card.number}  ")), text, width)
    if each.standing is Standing.IGNORED:
        yield (faint(f"           {words.ignored(each.ignore)}"),)
        return
    command = words.mend(found, owner)
    if seen.of_manifests:
        yield from folded((plain("           "),), PAGES[found.rule].mend, width, Ink.FAINT)
    elif command:
        yield (faint(f"           {command}"),)
    if wide:
        yield (faint(f"           {found.rule.value}, {_rest(found)}"),)


def _rest(found: Finding) -> str:
    field = f"{found.field}, " if found.field else ""
    return clean(f"{field}{RULES[found.rule].source}")


def total(seen: Checkup) -> str:
    """The last lines: how much was judged, and what was not."""
    by = Counter(each.severity for each in seen.found)
    found = ", ".join(count(by[severity], severity.value) for severity in Severity if by[severity])
    passed, ignored = len(seen.standing(Standing.OK)), len(seen.standing(Standing.IGNORED))
    more = f", {ignored} ignored" if ignored else ""
    lines = [f"{count(seen.sets, 'set')}: {found or 'nothing found'}; {passed} passed{more}"]
    if seen.healed:
        lines.append(f"{count(seen.healed, 'finding')} of the baseline {'is' if seen.healed == 1 else 'are'} found no more")
    skipped: dict[str, set[str]] = {}
    offline: set[str] = set()
    for each in seen.standing(Standing.SKIP):
        needs_cluster = each.unread is not None and each.unread.why is UnreadWhy.NO_CLUSTER
        rules = offline if needs_cluster else skipped.setdefault(words.unread(each.unread), set())
        rules.add(RULES[each.rule].number)
    if offline:
        lines.append(f"{count(len(offline), 'rule')} need a cluster")
    lines += [f"skipped: {', '.join(sorted(rules))} ({why})" for why, rules in sorted(skipped.items())]
    unread = map(clean, seen.kinds_not_read)
    lines += [f"note: {kind} could not be read, so there may be more sets than are told here" for kind in unread]
    return "\n".join(lines)
