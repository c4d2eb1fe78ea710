"""``kubectl pets quorum``: sets as a table, one set as a tree with what endangers its majority, and both for programs.

Unknown is written out: a column that could not be judged never looks like one that is fine.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.findings import Severity
from kubectl_pets.domain.safety.quorum import Place, Quorum
from kubectl_pets.domain.sets.kinds import APPS_SET
from kubectl_pets.views.rollout import documents
from kubectl_pets.views.safety import words as safety_words
from kubectl_pets.views.text.fitting import Column, aligned, fit, leaves
from kubectl_pets.views.text.ink import Ink, Line, Piece, faint, plain, render
from kubectl_pets.views.text.phrases import folded

_NAMESPACE = Column("NAMESPACE", least=10, ease=16, middle=True)
_NAME = Column("NAME", least=14, ease=24, middle=True)
_KIND = Column("KIND", weight=4)
_COLUMNS = (
    Column("MEMBERS", weight=2),
    Column("AVAILABLE", weight=6),
    Column("MAJORITY", weight=3),
    Column("MAY FAIL"),
    Column("NODE LOSS", weight=7),
    Column("ZONE LOSS", weight=5),
    Column("BUDGETS", weight=1),
    Column("FINDINGS", least=24, ease=48),
)
_MOST_PLACES = 6


def table(
    found: Iterable[Quorum],
    *,
    wide: bool = False,
    headers: bool = True,
    all_namespaces: bool = False,
    width: int | None = None,
    colour: bool = False,
) -> str:
    """One set a line; ``wide`` with findings as sentences, and then nothing gives way to ``width``. Empty where there are no
    sets."""
    ordered = in_order(found)
    if not ordered:
        return ""
    kinds = any(one.kind is not APPS_SET for one in ordered)
    shown = (*((_NAMESPACE,) if all_namespaces else ()), _NAME, *((_KIND,) if kinds else ()), *_COLUMNS)
    width = None if wide else width
    rows = [tuple(plain(column.head) for column in shown)] if headers else []
    rows += [_row(one, wide=wide, all_namespaces=all_namespaces, kinds=kinds) for one in ordered]
    return "\n".join(aligned(fit(shown, rows, width), width=width, colour=colour))


def in_order(found: Iterable[Quorum]) -> list[Quorum]:
    return sorted(found, key=lambda one: (one.namespace, one.name, one.kind.group))


def draw(found: Quorum, *, width: int | None = None, colour: bool = False) -> str:
    """One set as a tree."""
    title: Line = (
        (f"{clean(found.namespace)}/{clean(found.name)}", Ink.BOLD),
        plain(f"  {found.members} members, {_number(found.available)} available, majority {found.majority}: "),
        (safety_words.tolerance(found), _tolerance_ink(found)),
    )
    elsewhere = safety_words.elsewhere(found)
    note: list[Line] = [(plain(elsewhere),)]
    branches = [
        *([("Members", note)] if elsewhere else []),
        ("Budgets", list(_budgets(found))),
        ("Nodes", _places(found.nodes, found, "unknown: pods could not be read")),
        ("Zones", _zones(found)),
    ]
    lines = [title]
    for name, below in branches:
        lines.append((faint("├─ "), (name, Ink.BOLD)))
        for number, leaf in enumerate(below):
            lines.append((faint("│  " + ("└─ " if number == len(below) - 1 else "├─ ")), *leaf))
    told = list(_findings(found)) or [("none", Ink.GOOD)]
    drawn = [render(line, width=width, colour=colour) for line in (*lines, (faint("└─ "), ("Findings", Ink.BOLD)))]
    return "\n".join([*drawn, *(render(line, width=None, colour=colour) for line in leaves("   ", told, width))])


def document(found: Quorum, output: str) -> str:
    """One set as ``json``, ``yaml`` or ``name``."""
    return _name(found) if output == "name" else documents.dump(_document(found), output)


def many(found: Iterable[Quorum], output: str, *, namespaces: bool = False) -> str:
    """Several sets; as ``name`` one a line, which with ``namespaces`` says where each of them is."""
    ordered = in_order(found)
    if output == "name":
        return "\n".join((f"{clean(one.namespace)}/" if namespaces else "") + _name(one) for one in ordered)
    items = [_document(one) for one in ordered]
    return documents.dump({"apiVersion": documents.API_VERSION, "kind": "QuorumList", "items": items}, output)


# --- the table ---------------------------------------------------------------------------------------------------------------


def _row(one: Quorum, *, wide: bool, all_namespaces: bool, kinds: bool) -> tuple[Piece, ...]:
    say = (lambda item: safety_words.finding(item, one)) if wide else safety_words.short
    told = [say(item) for item in one.findings]
    told.append(safety_words.elsewhere(one) if wide else safety_words.elsewhere_short(one))
    told.append(safety_words.not_read(one) if wide else safety_words.not_read_short(one))
    return (
        *((plain(clean(one.namespace)),) if all_namespaces else ()),
        plain(clean(one.name)),
        *((plain(one.kind.shown),) if kinds else ()),
        plain(str(one.members)),
        plain(_number(one.available)),
        plain(str(one.majority)),
        (_number(one.tolerates), _tolerance_ink(one)),
        plain(_survival(one.survives_node)),
        plain(_survival(one.survives_zone)),
        plain("?" if one.budgets is None else ",".join(clean(budget.name) for budget in one.budgets) or "-"),
        ("; ".join(filter(None, told)) or "-", _findings_ink(one)),
    )


def _number(value: int | None) -> str:
    return "?" if value is None else str(value)


def _survival(value: bool | None) -> str:
    return "?" if value is None else "survives" if value else "loses"


def _tolerance_ink(one: Quorum) -> Ink:
    spare = one.tolerates
    if spare is None:
        return Ink.BUSY
    if spare < 0:
        return Ink.BAD
    return Ink.GOOD if spare or one.members <= one.majority else Ink.BUSY


def _findings_ink(one: Quorum) -> Ink:
    return Ink.BAD if any(item.severity is Severity.ERROR for item in one.findings) else Ink.PLAIN


# --- the tree ----------------------------------------------------------------------------------------------------------------


def _budgets(one: Quorum) -> Iterator[Line]:
    if one.budgets is None:
        yield (plain("unknown: they could not be read"),)
        return
    for item in one.budgets:
        yield plain(f"{clean(item.name)}  {safety_words.budget(item, one.members)}"),
    if not one.budgets:
        yield (plain("none"),)


def _places(places: tuple[Place, ...] | None, one: Quorum, unknown: str) -> list[Line]:
    """The nodes or zones in a line, those that hold most first; one that the majority cannot do without is marked."""
    if places is None:
        return [(plain(unknown),)]
    lines: list[Line] = []
    for place in places[:_MOST_PLACES]:
        loses = place.left < one.majority
        text = f"{clean(place.name) or '(none)'}  {folded(place.pods)}"
        lines.append((plain(text), *(((f"  {place.left} left without it: no majority", Ink.BAD),) if loses else ())))
    more = len(places) - _MOST_PLACES
    return lines + ([(faint(f"and {more} more"),)] if more > 0 else []) or [(plain("no available members"),)]


def _zones(one: Quorum) -> list[Line]:
    unknown = "unknown: pods could not be read" if one.available is None else "unknown: nodes could not be read"
    if one.zones == () and one.unzoned:
        return [(plain("unknown: the nodes carry no zone label"),)]
    lines = _places(one.zones, one, unknown)
    if one.unzoned and one.zones is not None:
        lines.append((plain(f"zone unknown  {folded(one.unzoned)}"),))
    return lines


def _findings(one: Quorum) -> Iterator[Piece]:
    for item in one.findings:
        yield safety_words.finding(item, one), Ink.BAD
    if one.not_read:
        yield safety_words.not_read(one), Ink.BUSY


# --- for programs ------------------------------------------------------------------------------------------------------------


def _name(one: Quorum) -> str:
    return f"{one.kind.typed}/{clean(one.name, documents.LONGEST_NAME)}"


def _document(one: Quorum) -> dict[str, Any]:
    return {
        "apiVersion": documents.API_VERSION,
        "kind": "Quorum",
        "set": documents.of_kind(one.kind),
        "metadata": {"namespace": one.namespace, "name": one.name},
        "members": one.members,
        "ordinalsStart": one.start,
        "available": one.available,
        "majority": one.majority,
        "tolerates": one.tolerates,
        "survivesNodeLoss": one.survives_node,
        "survivesZoneLoss": one.survives_zone,
        "nodes": None if one.nodes is None else [_place(place) for place in one.nodes],
        "zones": None if one.zones is None else [_place(place) for place in one.zones],
        "podsWithoutZone": one.unzoned,
        "evictableAtOnce": one.evictable,
        "budgets": None
        if one.budgets is None
        else [
            {
                "name": item.name,
                "minAvailable": item.min_available,
                "maxUnavailable": item.max_unavailable,
                "covers": item.covers,
                "allowedNow": item.allowed,
                "allowedAtBest": item.at_best,
            }
            for item in one.budgets
        ],
        "findings": [documents.finding(item) for item in one.findings],
        "notRead": one.not_read,
    }


def _place(place: Place) -> dict[str, Any]:
    return {"name": place.name, "pods": place.pods, "leftWithoutIt": place.left}
