"""``kubectl pets list``: every StatefulSet in one line, in the shape of ``kubectl get``.

Upper-case heads, three blanks between the columns, the namespace in front where there are several. tabulate takes longer to
import than most tables to print, so it is imported when a table is really drawn.
"""

from collections.abc import Iterable
from datetime import datetime

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.rollout.verdict import Assessment, Cause, Phase
from kubectl_pets.domain.sets.kinds import APPS_SET
from kubectl_pets.views.rollout import words
from kubectl_pets.views.text import ages as age
from kubectl_pets.views.text import phrases
from kubectl_pets.views.text.ink import Ink, Piece, plain, render

_HEADS = ("NAME", "PHASE", "READY", "UPDATED", "PARTITION", "REVISIONS", "CLAIMS", "AGE", "REASON")
_WIDE_HEADS = ("STRATEGY", "POLICY", "CURRENT", "UPDATE", "IMAGES")

#: Long reasons are for ``status``; here the first words tell whether to look there.
_REASON_LENGTH = 80


def table(
    seen: Iterable[Assessment],
    now: datetime,
    *,
    wide: bool = False,
    headers: bool = True,
    all_namespaces: bool = False,
    colour: bool = False,
) -> str:
    """The table, sorted as kubectl sorts, with the kinds where there are others than apps/v1; empty where there are no sets."""
    ordered = sorted(seen, key=lambda one: (one.namespace, one.name, one.kind.group))
    if not ordered:
        return ""
    kinds = any(one.kind is not APPS_SET for one in ordered)
    # The heads are a row like any other: tabulate's own would be padded to the width of a number's column.
    from tabulate import DataRow, TableFormat, tabulate

    name, *more = _HEADS
    heads = (
        *(("NAMESPACE",) if all_namespaces else ()),
        name,
        *(("KIND",) if kinds else ()),
        *more,
        *(_WIDE_HEADS if wide else ()),
    )
    rows = [list(heads)] if headers else []
    cells = (_row(one, now, wide=wide, all_namespaces=all_namespaces, kinds=kinds) for one in ordered)
    rows += [[render((piece,), width=None, colour=colour) for piece in row] for row in cells]
    gap = DataRow("", "   ", "")
    kubectl = TableFormat(None, None, None, None, gap, gap, 0, None)
    text = tabulate(rows, tablefmt=kubectl, disable_numparse=True, stralign="left")
    return "\n".join(line.rstrip() for line in text.splitlines())


def _row(one: Assessment, now: datetime, *, wide: bool, all_namespaces: bool, kinds: bool) -> tuple[Piece, ...]:
    known = not any(found.cause is Cause.PODS_UNREADABLE for found in one.blockers)
    row = (
        *((plain(clean(one.namespace)),) if all_namespaces else ()),
        plain(clean(one.name)),
        *((plain(one.kind.shown),) if kinds else ()),
        (one.phase.value, words.phase_ink(one)),
        plain(f"{one.ready if known else '?'}/{one.replicas}"),
        plain(f"{one.updated if known else '?'}/{one.replicas}"),
        _partition(one),
        plain(str(len(one.revisions))),
        plain("?" if one.claims is None else str(one.claims)),
        plain(age.age(one.created, now)),
        plain(clean(_reason(one), _REASON_LENGTH)),
    )
    if not wide:
        return row
    return (
        *row,
        plain(clean(one.strategy)),
        plain(clean(one.policy)),
        plain(phrases.hash_of(one.before.revision or one.before.held, one)),
        plain(phrases.hash_of(one.update_revision, one)),
        plain(",".join(clean(image.image) for image in one.template) or "-"),
    )


def _partition(one: Assessment) -> Piece:
    if one.partition_left_over:
        return f"{one.partition} (left over!)", Ink.LOUD
    return plain(str(one.partition) if one.partition else "-")


def _reason(one: Assessment) -> str:
    """The phase has its own column, so only what it does not say. Two phases look like something else without their phrase."""
    if one.phase is Phase.PAUSED:
        return words.phase(one)
    if one.phase is Phase.WAITING_FOR_DELETE:
        return f"outdated: {words.reason(one)}"
    return words.reason(one) or "-"
