"""``kubectl pets dns``: one line a pod with what it should resolve to, what the EndpointSlices hold, what each DNS server
answers, and the first reason why it does not; below, the names that pods share. And one pod's whole chain as a tree.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.dns.comparing import AnswerStanding, Compared, Heard
from kubectl_pets.domain.dns.endpoints import EndpointEntry
from kubectl_pets.domain.dns.names import NameKind
from kubectl_pets.domain.dns.reasons import Diagnosis, NameLine, NameVerdict, State
from kubectl_pets.pasting import kubectl, pets
from kubectl_pets.views.dns import words as dns_words
from kubectl_pets.views.text import ages as age
from kubectl_pets.views.text.fitting import Column, aligned, fit
from kubectl_pets.views.text.ink import Ink
from kubectl_pets.views.text.ink import Line as Drawn
from kubectl_pets.views.text.ink import Piece, cells, faint, plain, render
from kubectl_pets.views.text.phrases import count

_COLUMNS = (Column("NAME", least=14, ease=24, middle=True), Column("EXPECTED", weight=2), Column("ENDPOINTSLICE", weight=1))
_AFTER, _VERDICT, _SLICES = Column("AFTER", weight=4), Column("VERDICT"), Column("SLICES")
_REASON = Column("REASON", least=24, ease=48)
#: So many addresses stand in a cell before they are counted.
_MANY = 2
#: Long reasons are for ``explain``.
_REASON_LENGTH = 120

_INKS = {
    AnswerStanding.RIGHT: Ink.GOOD,
    AnswerStanding.ABSENT: Ink.PLAIN,
    AnswerStanding.NOT_ASKED: Ink.FAINT,
    AnswerStanding.UNJUDGED: Ink.BUSY,
}


def table(
    seen: Diagnosis,
    *,
    wide: bool = False,
    headers: bool = True,
    width: int | None = None,
    colour: bool = False,
    after: Mapping[str, timedelta | None] | None = None,
) -> str:
    """Pods in ordinal order, then the Service, its ports, and the addresses. ``after``: by name, how long it took to become right
    (None: not yet); a column of its own. ``width``: in so many columns the less important ones give way; with ``wide`` nothing
    does."""
    servers = [Column(clean(seen.servers[each].name).upper(), weight=5, least=10, ease=16) for each in _asked(seen)]
    took, slices = [_AFTER] if after is not None else [], [_SLICES] if wide else []
    shown_columns = [*_COLUMNS, *servers, *took, _VERDICT, _REASON, *slices]
    width = None if wide else width
    rows: list[tuple[Piece, ...]] = []
    if headers:
        rows.append(tuple(plain(column.head) for column in shown_columns))
    shown: list[tuple[NameLine, ...]] = [(line,) for line in seen.lines if wide or line.name.kind is not NameKind.REVERSE]
    reverse = tuple(line for line in seen.lines if line.name.kind is NameKind.REVERSE)
    if reverse and not wide:
        shown.append(reverse)
    rows += [_row(lines, seen, wide, after) for lines in shown]
    return "\n".join(aligned(fit(shown_columns, rows, width), width=width, colour=colour))


def _asked(seen: Diagnosis) -> list[int]:
    """Which servers get a column: those that nobody may ask are told below the table."""
    return [index for index, hearing in enumerate(seen.hearings) if hearing.missing_right is None]


def _row(
    lines: tuple[NameLine, ...], seen: Diagnosis, wide: bool, after: Mapping[str, timedelta | None] | None
) -> tuple[Piece, ...]:
    """One line, or all addresses' together: then the first that is not right speaks for them."""
    line = next((each for each in lines if not each.right), lines[0])
    together = len(lines) > 1
    row = [plain(f"PTR of {len(lines)} addresses" if together else _name(line, seen, wide))]
    row += [plain(_expected(lines)), plain(_slices(line))]
    for index in _asked(seen):
        row.append(_heard_together(lines, index) if together else _heard(line.heard[index], wide))
    if after is not None:
        row.append(plain(_after([after.get(each.name.name) for each in lines])))
    row.append((dns_words.verdict(line.verdict), dns_words.verdict_ink(line.verdict)))
    row.append(plain(clean(_reason(line), _REASON_LENGTH if not wide else 240)))
    if wide:
        row.append(plain(", ".join(dict.fromkeys(clean(entry.slice) for entry in line.entries or ())) or "-"))
    return tuple(row)


def _name(line: NameLine, seen: Diagnosis, wide: bool) -> str:
    name = line.name
    if wide:
        return clean(name.name) or clean(name.pod)
    if name.kind is NameKind.POD:
        return clean(name.pod)
    if name.kind is NameKind.REVERSE:
        return f"PTR of {clean(name.pod)}"
    return clean(name.name.removesuffix(f".{seen.namespace}.svc.{seen.zone.name}".lower()))


def _reason(line: NameLine) -> str:
    return dns_words.finding(line.finding) if line.finding else "-"


def _expected(lines: tuple[NameLine, ...]) -> str:
    if any(line.name.records is None for line in lines):
        return "?"
    kind = lines[0].name.kind
    if kind is NameKind.REVERSE:
        return clean((lines[0].name.records or ("",))[0]) if len(lines) == 1 else count(len(lines), "name")
    return _listed(lines[0].name.records or (), "target" if kind is NameKind.PORT else "address")


def _listed(records: tuple[str, ...], thing: str) -> str:
    if not records:
        return "none"
    if len(records) <= _MANY and thing == "address":
        return ",".join(map(clean, records))
    return f"{len(records)} {thing}" + ("" if len(records) == 1 else "es" if thing.endswith("s") else "s")


def _slices(line: NameLine) -> str:
    if line.name.kind in (NameKind.PORT, NameKind.REVERSE):
        return "-"
    if line.entries is None:
        return "?"
    if line.name.kind is NameKind.SERVICE:
        ready = sum(entry.ready for entry in line.entries)
        waiting = len(line.entries) - ready
        return f"{ready} ready" + (f", {waiting} not" if waiting else "")
    return ",".join(_entry(entry, line) for entry in line.entries) or "none"


def _entry(entry: EndpointEntry, line: NameLine) -> str:
    marks = [] if entry.ready else ["not ready"]
    if entry.hostname != line.name.pod:
        marks.append(f"hostname {clean(entry.hostname)}" if entry.hostname else "no hostname")
    return clean(entry.address) + (f" ({', '.join(marks)})" if marks else "")


def _heard_together(lines: tuple[NameLine, ...], index: int) -> Piece:
    right = sum(line.heard[index].standing is AnswerStanding.RIGHT for line in lines)
    if all(line.heard[index].standing is AnswerStanding.NOT_ASKED for line in lines):
        return faint("-")
    return f"{right} of {len(lines)}", Ink.GOOD if right == len(lines) else Ink.BAD


def _heard(heard: Heard, wide: bool) -> Piece:
    standing = heard.standing
    deciding = [each for each in heard.compared if each.standing is standing]
    told = [each for each in deciding if standing is not AnswerStanding.RIGHT or each.expectation.records] or deciding
    both = len(heard.compared) > 1 and len(told) < len(heard.compared) and standing is not AnswerStanding.RIGHT
    text = ",".join(dict.fromkeys(_answer(each, named=both, wide=wide) for each in told)) or "-"
    return text, _INKS.get(standing, Ink.BAD)


def _answer(one: Compared, *, named: bool, wide: bool) -> str:
    answer = one.answer
    if answer is None:
        return "no answer" if one.standing is AnswerStanding.SILENT else "-"
    thing = {"SRV": "target", "PTR": "name"}.get(one.expectation.question.type.value, "address")
    text = _listed(answer.records, thing) if answer.records else clean(answer.outcome.value.upper())
    if answer.truncated:
        text += " (cut)"
    if wide and answer.ttl is not None:
        text += f" ({answer.ttl}s)"
    return f"{one.expectation.question.type.value}: {text}" if named else text


def _after(taken: Iterable[timedelta | None]) -> str:
    found = list(taken)
    times = [each for each in found if each is not None]
    return age.duration(max(times)) if times and len(times) == len(found) else "-"


# --- the total ---------------------------------------------------------------------------------------------------------------


def title(seen: Diagnosis) -> str:
    """Which set the names are of, where there are several."""
    return f"{clean(seen.namespace)}/{clean(seen.set)}"


def total(seen: Diagnosis) -> str:
    """What the table does not say: how many are right, what could not be asked or read, and what is worth knowing."""
    lines = [_summary(seen)]
    if seen.resolved and seen.unasked:
        lines.append(f"not asked: {', '.join(clean(each.server.name) for each in seen.unasked)}; each caches for itself")
    lines += [f"not checked: needs {dns_words.right(right)}" for right in seen.missing_rights]
    for hearing in seen.hearings:
        if hearing.trouble and hearing.missing_right is None:
            lines.append(f"{clean(hearing.server.name)}: {clean(hearing.trouble)}")
    lines += [f"{clean(view.pod)}: {clean(view.trouble)}" for view in seen.views if view.trouble]
    lines += [f"note: {dns_words.finding(remark)}" for remark in seen.remarks]
    return "\n".join(lines)


def _summary(seen: Diagnosis) -> str:
    zone = dns_words.zone(seen.zone)
    if seen.unnamed:
        return f"there is nothing to resolve: the set names no Service; {zone}"
    if not seen.resolved:
        why = "no server could be asked" if seen.servers else "there are no DNS pods to ask (--dns-selector, --dns-server)"
        return f"nothing was resolved: {why}; what is expected is compared with the EndpointSlices only; {zone}"
    right = sum(line.right for line in seen.lines)
    asked = f"{len(_asked(seen))} of " if seen.unasked else ""
    return f"{right} of {count(len(seen.lines), 'name')} right at {asked}{count(len(seen.servers), 'server')}; {zone}"


def headline(seen: Diagnosis) -> str:
    """One line for the end of a watch."""
    wrong = next((line for line in seen.lines if not line.right), None)
    place = f"{clean(seen.namespace)}/{clean(seen.set)}"
    if seen.unnamed:
        return f"{place}: it names no Service, so there is nothing to resolve"
    if wrong is None and seen.unasked:
        return f"{place}: every name is right at the servers that may be asked, which are not all"
    if wrong is None:
        return f"{place}: every name resolves"
    what = clean(wrong.name.pod) or clean(wrong.name.name)
    reason = f": {_reason(wrong)}" if wrong.finding else ""
    return f"{place}: {what} is {dns_words.verdict(wrong.verdict)}{reason}"


# --- one pod -----------------------------------------------------------------------------------------------------------------


def explain(seen: Diagnosis, line: NameLine, *, width: int | None = None, colour: bool = False) -> str:
    """The whole chain of one pod's name, cut to ``width`` columns where that is given; commands to type are never cut."""
    title = f"{clean(seen.namespace)}/{clean(line.name.pod)}"
    drawn: list[Drawn] = [
        ((title, Ink.BOLD), plain("  "), (dns_words.verdict(line.verdict), dns_words.verdict_ink(line.verdict))),
        (faint("│  "), plain(clean(line.name.name) or "it has no name")),
        (faint("│  "), plain(f"expected {_expected((line,))}, {dns_words.zone(seen.zone)}")),
    ]
    longest = max(cells(dns_words.check(link.check)) for link in line.links)
    for link in line.links:
        glyph, ink = dns_words.GLYPHS[link.state]
        paint = faint if link.state is State.SKIPPED else plain
        first, *more = dns_words.link(link)
        drawn.append((faint("├─ "), (glyph, ink), plain(f" {dns_words.check(link.check):<{longest}}  "), paint(first)))
        drawn += [(faint("│  "), plain(" " * (longest + 4)), paint(text)) for text in more]
    drawn += _branch("EndpointSlices", [plain(_held(entry, line)) for entry in line.entries or ()] or [faint(_none(line))])
    drawn += _branch("Servers", [_spoken(heard) for heard in line.heard] or [faint("none was asked")])
    advice = _branch("What to do", [plain(text) for text in _advice(seen, line)] or [faint("nothing")], last=True)
    cut = [render(one, width=width, colour=colour) for one in drawn]
    return "\n".join([*cut, *(render(one, width=None, colour=colour) for one in advice)])


def _held(entry: EndpointEntry, line: NameLine) -> str:
    return f"{clean(entry.slice)}: {_entry(entry, line)}"


def _none(line: NameLine) -> str:
    return "could not be read" if line.entries is None else "hold nothing of it"


def _spoken(heard: Heard) -> Piece:
    server = heard.hearing.server
    name = f"{clean(server.namespace)}/{clean(server.name)}" if server.namespace else clean(server.name)
    said = ", ".join(_answer(each, named=True, wide=True) if each.answer else "" for each in heard.compared).strip(", ")
    return f"{name}: {said or clean(heard.hearing.trouble) or 'not asked'}", _INKS.get(heard.standing, Ink.BAD)


def _advice(seen: Diagnosis, line: NameLine) -> Iterator[str]:
    """What to type about the first reason; what comes after it may follow from it."""
    if line.finding is not None:
        yield from dns_words.fixes(line.finding, line.name.pod, seen)
    elif line.verdict in (NameVerdict.NOT_RESOLVED, NameVerdict.UNKNOWN):
        for verb, resource in seen.missing_rights:
            yield f"see whether you may: {kubectl('auth', 'can-i', verb, resource)}"
        if not seen.missing_rights:
            again = pets("dns", seen.kind.command_line(seen.set), namespace=seen.namespace)
            yield f"name the servers with --dns-selector NAMESPACE/LABELS, or --dns-server ADDRESS: {again}"


def _branch(name: str, pieces: list[Piece], *, last: bool = False) -> list[Drawn]:
    glyph, stem = ("└─ ", "   ") if last else ("├─ ", "│  ")
    ends = ["├─ "] * (len(pieces) - 1) + ["└─ "]
    return [(faint(glyph), (name, Ink.BOLD)), *((faint(stem + end), piece) for end, piece in zip(ends, pieces, strict=True))]
