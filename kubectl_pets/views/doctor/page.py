"""``-o html``: one page that needs nothing else, light or dark as its reader has it."""

from collections import Counter
from collections.abc import Iterator
from html import escape

from kubectl_pets.domain.doctor.checkup import Checkup, RuleOutcome, Standing
from kubectl_pets.domain.findings import RULES, Finding, Severity
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.views.doctor import words
from kubectl_pets.views.doctor.pages import PAGES
from kubectl_pets.views.text.phrases import count

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --faint: #777; --error: #c62828; --warning: #b26a00; --notice: #3367a8 }
@media (prefers-color-scheme: dark) { :root { --faint: #999; --error: #ff7b72; --warning: #e3b341; --notice: #79b8ff } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.2rem; border-bottom: 1px solid var(--line) }
article { margin: .9rem 0; padding-left: .8rem; border-left: 4px solid var(--line) }
.error { border-color: var(--error) } .warning { border-color: var(--warning) } .notice { border-color: var(--notice) }
.error b { color: var(--error) } .warning b { color: var(--warning) } .notice b { color: var(--notice) }
p { margin: .15rem 0 } small, .faint { color: var(--faint) }
code { font-family: ui-monospace, monospace; font-size: .9em; overflow-wrap: anywhere }
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
    passed = len(seen.standing(Standing.OK))
    yield f"<p><b>{count(seen.sets, 'set')}: {found}</b>; {passed} passed"
    yield f'<span class="faint">, {seen.at:%Y-%m-%d %H:%M} UTC</span></p>'
    before: SetRef | None = None
    for each in seen.standing(Standing.FOUND):
        if each.finding is None:
            continue
        if each.owner != before:
            before = each.owner
            yield f"<h2>{escape(words.title(each.owner))}</h2>"
        yield from _article(each.finding, each.owner, seen)
    yield from _rest("Ignored", [(each, words.ignored(each.ignore)) for each in seen.standing(Standing.IGNORED)])
    yield from _rest("Skipped", [(each, words.unread(each.unread)) for each in seen.standing(Standing.SKIP)])
    yield "</body></html>"


def _article(found: Finding, owner: SetRef, seen: Checkup) -> Iterator[str]:
    card, about, age = RULES[found.rule], words.about(found, owner), words.since(found, seen.at)
    text = (f"{about}: " if about else "") + words.sentence(found) + (f", {age}" if age else "")
    yield f'<article class="{found.severity.value}"><p><b>{found.severity.value}</b> {card.number} {escape(text)}</p>'
    yield f"<p>{escape(PAGES[found.rule].why)} {escape(PAGES[found.rule].mend)}</p>"
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
