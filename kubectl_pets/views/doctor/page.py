"""``-o html``: one page that needs nothing else, light or dark as its reader has it."""

from collections import Counter
from collections.abc import Iterator
from html import escape

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.doctor.checkup import Checkup, RuleOutcome, Standing
from kubectl_pets.domain.findings import RULES, Finding, Severity
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.views.doctor import words
from kubectl_pets.views.doctor.pages import PAGES
from kubectl_pets.views.text.phrases import count

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --block: #8881; --faint: #666;
--error: #c62828; --warning: #965a00; --notice: #3367a8; --ok: #2e7d32 }
@media (prefers-color-scheme: dark) {
:root { --faint: #a0a0a0; --error: #ff7b72; --warning: #e3b341; --notice: #79b8ff; --ok: #7ee787 } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere }
h1 { font-size: 1.5rem; margin-bottom: .3rem } h2 { font-size: 1.15rem; margin-top: 2.4rem; border-bottom: 1px solid var(--line) }
table { border-collapse: collapse; margin-top: 1rem } td, th { padding: .15rem .9rem .15rem 0; text-align: right }
td:first-child, th:first-child { text-align: left } th { font-weight: normal; color: var(--faint) }
tr + tr { border-top: 1px solid var(--line) }
article { margin: 1rem 0; padding-left: .8rem; border-left: 4px solid var(--line) }
article.error { border-color: var(--error) } article.warning { border-color: var(--warning) }
article.notice { border-color: var(--notice) }
b.error { color: var(--error) } b.warning { color: var(--warning) } b.notice { color: var(--notice) } b.ok { color: var(--ok) }
p { margin: .2rem 0 } small, .faint { color: var(--faint) } .why { color: var(--faint); font-size: .92em }
code { font: .88em ui-monospace, monospace; background: var(--block); padding: .15rem .4rem; border-radius: .2rem }
a { color: inherit }
"""


def html(seen: Checkup) -> str:
    return "\n".join(_lines(seen))


def _lines(seen: Checkup) -> Iterator[str]:
    by = Counter(each.severity for each in seen.found)
    found = ", ".join(count(by[each], each.value) for each in Severity if by[each]) or "nothing found"
    yield "<!doctype html>"
    yield '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>kubectl pets doctor: {found}</title><style>{_STYLE}</style></head><body>"
    yield "<h1>kubectl pets doctor</h1>"
    passed, skipped = len(seen.standing(Standing.OK)), len(seen.standing(Standing.SKIP))
    told = f'<b class="ok">{found}</b>' if not seen.found and not skipped else f"<b>{found}</b>"
    yield f"<p>{told} in {count(seen.sets, 'set')}; {passed} passed, {skipped} skipped</p>"
    yield f'<p class="faint">{seen.at:%Y-%m-%d %H:%M} UTC</p>'
    yield from _overview(seen)
    before: SetRef | None = None
    for each in seen.standing(Standing.FOUND):
        if each.finding is None:
            continue
        if each.owner != before:
            before = each.owner
            yield f'<h2 id="{_anchor(each.owner)}">{escape(words.title(each.owner))}</h2>'
        yield from _article(each.finding, each.owner, seen)
    yield from _rest("Ignored", [(each, words.ignored(each.ignore)) for each in seen.standing(Standing.IGNORED)])
    yield from _rest("Skipped", [(each, words.unread(each.unread)) for each in seen.standing(Standing.SKIP)])
    yield "</body></html>"


def _overview(seen: Checkup) -> Iterator[str]:
    """How much each set has, in the order in which they come; of one alone the first line says it all."""
    counts: dict[SetRef, Counter[Severity]] = {}
    for each in seen.standing(Standing.FOUND):
        if each.finding is not None:
            counts.setdefault(each.owner, Counter())[each.finding.severity] += 1
    if len(counts) < 2:
        return
    yield f"<table><tr><th></th>{''.join(f'<th>{each.value}</th>' for each in Severity)}</tr>"
    for owner, own in counts.items():
        cells = "".join(f'<td>{_number(own[each], each)}</td>' for each in Severity)
        yield f'<tr><td><a href="#{_anchor(owner)}">{escape(words.title(owner))}</a></td>{cells}</tr>'
    yield "</table>"


def _number(number: int, severity: Severity) -> str:
    return f'<b class="{severity.value}">{number}</b>' if number else ""


def _anchor(owner: SetRef) -> str:
    return escape("-".join((owner.kind.group.value, clean(owner.namespace), clean(owner.name))).replace(" ", "-"))


def _article(found: Finding, owner: SetRef, seen: Checkup) -> Iterator[str]:
    card, about, age = RULES[found.rule], words.about(found, owner), words.since(found, seen.at)
    text = (f"{about}: " if about else "") + words.sentence(found) + (f", {age}" if age else "")
    severity = found.severity.value
    yield f'<article class="{severity}"><p><b class="{severity}">{severity}</b> {card.number} {escape(text)}</p>'
    yield f'<p class="why">{escape(PAGES[found.rule].why)} {escape(PAGES[found.rule].mend)}</p>'
    command = "" if seen.of_manifests else words.mend(found, owner)
    if command:
        yield f"<p><code>{escape(command)}</code></p>"
    yield f"<small>{found.rule.value}; rests on {escape(card.source)}</small></article>"


def _rest(title: str, told: list[tuple[RuleOutcome, str]]) -> Iterator[str]:
    """Folded: rule and reason, with how many sets."""
    if not told:
        return
    grouped = Counter((RULES[each.rule].number, each.rule.value, why) for each, why in told)
    yield f"<h2>{title}</h2>"
    for (number, name, why), times in sorted(grouped.items()):
        yield f'<p class="faint">{number} {name}: {escape(why)}{f" ({times} times)" if times > 1 else ""}</p>'
