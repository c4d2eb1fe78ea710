"""The snapshots of a set: a line each, with the times of one run side by side."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.snapshots.listing import Kept, Taker, spreads
from kubectl_pets.views.rollout.documents import LONGEST_NAME
from kubectl_pets.views.text import ages
from kubectl_pets.views.text.fitting import Column, aligned, fit
from kubectl_pets.views.text.ink import Ink, Piece, faint, plain
from kubectl_pets.views.text.phrases import count

_COLUMNS = (
    Column("NAME", least=16, ease=32, middle=True),
    Column("CLAIM", least=16, ease=24, middle=True),
    Column("POD", weight=6, least=10, ease=16, middle=True),
    Column("REVISION", weight=4, least=12, ease=16, middle=True),
    Column("AGE"),
    Column("READY"),
    Column("SIZE", weight=2),
    Column("CLASS", weight=1),
    Column("TAKEN-BY", weight=3),
)
_WIDE = (Column("CUT"), Column("RUN"), Column("GROUP"), Column("CONTENT"))
_ERROR = Column("ERROR", least=24, ease=48)

_BY = {Taker.ROLLOUT: "rollout", Taker.EARLIER_SET: "earlier set", Taker.OTHERS: "others"}


def draw(
    found: Sequence[Kept], now: datetime, *, wide: bool, headers: bool, width: int | None = None, colour: bool = False
) -> str:
    """The table, whose columns give way to ``width``; with ``wide`` nothing does, for names are to be copied. An error of the
    controller's stands last."""
    errors = any(row.error for row in found)
    shown = (*_COLUMNS, *(_WIDE if wide else ()), *((_ERROR,) if errors else ()))
    width = None if wide else width
    rows = [tuple(plain(column.head) for column in shown)] if headers else []
    rows += [tuple(_cells(row, now, wide=wide, errors=errors)) for row in found]
    return "\n".join(aligned(fit(shown, rows, width, between=2), width=width, colour=colour))


def _cells(row: Kept, now: datetime, *, wide: bool, errors: bool) -> Iterator[Piece]:
    yield plain(clean(row.name, LONGEST_NAME))
    claim = clean(row.claim, LONGEST_NAME)
    yield plain(claim) if row.claim_is_same is not False else (f"{claim} (an earlier one)", Ink.BUSY)
    yield plain(clean(row.pod, LONGEST_NAME))
    yield plain(clean(row.revision)) if row.revision else faint("-")
    yield plain(ages.age(row.asked_at, now))
    yield _ready(row)
    yield plain(clean(row.size)) if row.size else faint("-")
    yield plain(clean(row.snapshot_class) or "-")
    yield plain(_BY[row.taker])
    if wide:
        yield plain(row.cut_at.strftime("%Y-%m-%dT%H:%M:%SZ")) if row.cut_at is not None else faint("-")
        yield plain(clean(row.run)) if row.run else faint("-")
        yield plain(clean(row.group, LONGEST_NAME)) if row.group else faint("-")
        yield plain(clean(row.content, LONGEST_NAME)) if row.content else faint("-")
    if errors:
        yield (clean(row.error), Ink.BAD) if row.error else faint("-")


def _ready(row: Kept) -> Piece:
    if row.leaving:
        return "deleting", Ink.BAD
    return ("true", Ink.GOOD) if row.ready else ("false", Ink.BUSY)


def summary(found: Sequence[Kept]) -> Iterator[str]:
    """How consistent they are, a sentence a run."""
    for each in spreads(found):
        cut = f"cut within {ages.duration(each.apart)} of each other"
        missing = f", {each.missing} not cut yet" if each.missing else ""
        told = f"run {clean(each.run)}: {count(each.snapshots, 'snapshot')}"
        if each.group:
            yield f"{told} of group {clean(each.group)}{missing}; crash-consistent, all of one moment, as the driver says"
            continue
        yield f"{told} {cut}{missing}; each is crash-consistent, of its own volume"
