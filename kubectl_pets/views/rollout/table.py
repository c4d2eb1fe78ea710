"""``kubectl pets list``: every StatefulSet in one line, in the shape of ``kubectl get``.

Upper-case heads, three blanks between the columns, the namespace in front where there are several.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.rollout.ranking import SetOrder, in_order, phases
from kubectl_pets.domain.rollout.verdict import Assessment, Cause, Phase
from kubectl_pets.domain.sets.kinds import APPS_SET
from kubectl_pets.views.rollout import claims, words
from kubectl_pets.views.text import ages as age
from kubectl_pets.views.text import phrases
from kubectl_pets.views.text.fitting import Column, aligned, fit
from kubectl_pets.views.text.ink import Ink, Piece, plain

_NAMESPACE = Column("NAMESPACE", least=10, ease=16, middle=True)
_NAME = Column("NAME", least=14, ease=24, middle=True)
_KIND = Column("KIND", weight=4)
_COLUMNS = (
    Column("PHASE", least=11, ease=18),
    Column("READY"),
    Column("UPDATED", weight=7),
    Column("PARTITION", weight=6),
    Column("REVISIONS", weight=1),
    Column("CLAIMS", weight=2),
    Column("AGE", weight=5),
    Column("REASON", least=22, ease=48),
)
_WIDE_COLUMNS = (Column("STRATEGY"), Column("POLICY"), Column("CURRENT"), Column("UPDATE"), Column("IMAGES"))
_LABELS = Column("LABELS")

#: Long reasons are for ``status``; here the first words tell whether to look there.
_REASON_LENGTH = 80


def table(
    seen: Iterable[Assessment],
    now: datetime,
    *,
    wide: bool = False,
    headers: bool = True,
    all_namespaces: bool = False,
    labels: bool = False,
    order: SetOrder = SetOrder.NAME,
    width: int | None = None,
    colour: bool = False,
    most: int | None = None,
) -> str:
    """The table, in ``order``, with the kinds where there are others than apps/v1; empty where there are no sets. In ``width``
    cells the less important columns give way; with ``wide`` or ``labels`` nothing does. ``most``: so many sets at most, the first
    ones; None: all."""
    ordered = in_order(seen, order)[:most]
    if not ordered:
        return ""
    kinds = any(one.kind is not APPS_SET for one in ordered)
    columns = (
        *((_NAMESPACE,) if all_namespaces else ()),
        _NAME,
        *((_KIND,) if kinds else ()),
        *_COLUMNS,
        *(_WIDE_COLUMNS if wide else ()),
        *((_LABELS,) if labels else ()),
    )
    width = None if wide or labels else width
    rows = [tuple(plain(column.head) for column in columns)] if headers else []
    rows += [_row(one, now, wide=wide, all_namespaces=all_namespaces, kinds=kinds, labels=labels) for one in ordered]
    return (_drawn if most is None else _drawn_again)(columns, tuple(rows), width, colour)


def _drawn(columns: tuple[Column, ...], rows: tuple[tuple[Piece, ...], ...], width: int | None, colour: bool) -> str:
    return "\n".join(aligned(fit(columns, rows, width), width=width, colour=colour))


#: Of a picture that keeps itself up to date: most are of the same rows as the one before.
_drawn_again = lru_cache(maxsize=1)(_drawn)


def total(found: Sequence[Assessment], shown: int) -> str:
    """All sets in one line: how many, in which phases, and how many of them are shown where these are not all."""
    parts = [f"{number} {phase.value.replace('-', ' ')}" for phase, number in phases(found)]
    left_over = sum(one.partition_left_over for one in found)
    if left_over:
        parts.append(f"{phrases.count(left_over, 'partition')} left over")
    text = f"{phrases.count(len(found), 'set')}: {', '.join(parts)}"
    return text if shown == len(found) else f"{text}; {shown} shown"


def _row(
    one: Assessment, now: datetime, *, wide: bool, all_namespaces: bool, kinds: bool, labels: bool
) -> tuple[Piece, ...]:
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
        _claims(one),
        plain(age.age(one.created, now)),
        plain(clean(_reason(one), _REASON_LENGTH)),
    )
    told = (plain(",".join(clean(f"{key}={value}") for key, value in sorted(one.labels.items())) or "<none>"),)
    if not wide:
        return (*row, *(told if labels else ()))
    return (
        *row,
        plain(clean(one.strategy)),
        plain(clean(one.policy)),
        plain(phrases.hash_of(one.before.revision or one.before.held, one)),
        plain(phrases.hash_of(one.update_revision, one)),
        plain(",".join(clean(image.image) for image in one.template) or "-"),
        *(told if labels else ()),
    )


def _partition(one: Assessment) -> Piece:
    if one.partition_left_over:
        return f"{one.partition} (left over!)", Ink.LOUD
    return plain(str(one.partition) if one.partition else "-")


def _claims(one: Assessment) -> Piece:
    if one.claims is None:
        return plain("?")
    told = claims.counted(one.growing)
    if not told:
        return plain(str(one.claims))
    return f"{one.claims} ({told})", Ink.LOUD if any(each.growth.stalled for each in one.growing) else Ink.BUSY


def _reason(one: Assessment) -> str:
    """The phase has its own column, so only what it does not say. Two phases look like something else without their phrase."""
    if one.phase is Phase.PAUSED:
        return words.phase(one)
    if one.phase is Phase.WAITING_FOR_DELETE:
        return f"outdated: {words.reason(one)}"
    if one.phase is Phase.COMPLETE and one.partition_left_over:  # also where the column with its number has given way
        return f"partition {one.partition} holds back the next change"
    return words.reason(one) or "-"
