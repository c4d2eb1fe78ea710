"""``kubectl pets orphans``: claims as a table with a total, and one claim explained as a tree of what speaks against its deletion
and what for it.

Loud is what costs data: the reclaim policy of a volume that would be destroyed with its claim, where deletion is thinkable.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import assert_never

from kubectl_pets import pasting
from kubectl_pets.cleaning import clean
from kubectl_pets.domain.orphans.deletion import totals
from kubectl_pets.domain.orphans.findings import ClaimVerdict, Class, Fate
from kubectl_pets.domain.orphans.inventory import DEPLOYERS, DISCOVERY, GROUP_PREFIX, VOLUMES_RESOURCE, ignorable
from kubectl_pets.views.orphans import words as claim_words
from kubectl_pets.views.text import ages as age
from kubectl_pets.views.text import sizes
from kubectl_pets.views.text.fitting import Column, aligned, fit, leaves
from kubectl_pets.views.text.ink import Ink, Line, Piece, faint, plain, render
from kubectl_pets.views.text.phrases import count

_NAMESPACE = Column("NAMESPACE", least=10, ease=16, middle=True)
_COLUMNS = (
    Column("NAME", least=14, ease=24, middle=True),
    Column("CLASS", least=11, ease=16),
    Column("SIZE"),
    Column("SET", weight=2),
    Column("ORDINAL", weight=1),
    Column("VOLUME", weight=3),
    Column("RECLAIM", least=8, ease=22),
    Column("UNUSED", weight=6),
    Column("REASON", least=20, ease=48),
)
_WIDE_COLUMNS = (Column("TEMPLATE"), Column("STORAGECLASS"), Column("AGE"), Column("PHASE"))

#: Long reasons are for ``explain``; here the first words tell whether to look there.
_REASON_LENGTH = 80


def table(
    verdicts: Iterable[ClaimVerdict],
    now: datetime,
    *,
    wide: bool = False,
    headers: bool = True,
    all_namespaces: bool = False,
    width: int | None = None,
    colour: bool = False,
) -> str:
    """One claim a line, by namespace, name and ordinal; empty where there are none. ``width``: in so many columns the less
    important ones give way; with ``wide`` nothing does."""
    ordered = claim_words.in_order(verdicts)
    if not ordered:
        return ""
    shown = (*((_NAMESPACE,) if all_namespaces else ()), *_COLUMNS, *(_WIDE_COLUMNS if wide else ()))
    width = None if wide else width
    rows = [tuple(plain(column.head) for column in shown)] if headers else []
    rows += [_row(one, now, wide=wide, all_namespaces=all_namespaces) for one in ordered]
    return "\n".join(aligned(fit(shown, rows, width), width=width, colour=colour))


def _row(one: ClaimVerdict, now: datetime, *, wide: bool, all_namespaces: bool) -> tuple[Piece, ...]:
    row = (
        *((plain(clean(one.namespace)),) if all_namespaces else ()),
        plain(clean(one.name)),
        (claim_words.klass(one), claim_words.klass_ink(one)),
        plain(sizes.size(one.size)),
        plain(clean(one.set) or "-"),
        plain("-" if one.ordinal is None else str(one.ordinal)),
        plain(clean(one.claim.spec.volume_name) or "-"),
        (claim_words.reclaim(one), _reclaim_ink(one)),
        plain(_unused(one, now)),
        plain(clean(claim_words.reason(one), _REASON_LENGTH) or "-"),
    )
    if not wide:
        return row
    return (
        *row,
        plain(clean(one.template) or "-"),
        plain(_storage_class(one)),
        plain(age.age(one.claim.metadata.creation_timestamp, now)),
        plain(clean(one.claim.status.phase) or "-"),
    )


def _reclaim_ink(one: ClaimVerdict) -> Ink:
    thinkable = one.candidate or one.klass is Class.UNSURE
    return Ink.LOUD if thinkable and one.fate is Fate.DESTROYED else Ink.PLAIN


def _unused(one: ClaimVerdict, now: datetime) -> str:
    if one.unused_since is not None:
        return age.age(one.unused_since, now)
    return "-" if one.klass is Class.IN_USE else "?"


def _storage_class(one: ClaimVerdict) -> str:
    named = one.claim.spec.storage_class_name
    return clean(named or (one.volume.spec.storage_class_name if one.volume else "")) or "-"


# --- the total ---------------------------------------------------------------------------------------------------------------


def total(verdicts: Iterable[ClaimVerdict], *, unread: tuple[str, ...] = ()) -> str:
    """How many claims, how large, and what their deletion would cost; on a line of its own, what could not be read."""
    seen = tuple(verdicts)
    candidates = [one for one in seen if one.candidate]
    counted, lost = totals(seen), totals(candidates)
    parts = [f"{count(counted.claims, 'claim')}, {claim_words.amount(counted.bytes, counted.unsized)}"] if seen else []
    if not candidates:
        parts.append("no candidates")
    elif len(candidates) < len(seen):
        parts.append(f"{count(lost.claims, 'candidate')}, {claim_words.amount(lost.bytes, lost.unsized)}")
    unsure = sum(one.klass is Class.UNSURE for one in seen)
    if unsure:
        parts.append(f"{unsure} unsure")
    if candidates:
        which = "them" if len(candidates) == len(seen) else "the candidates"
        parts.append(f"deleting {which} as kubectl does would {_cost(candidates)}")
    text = "; ".join(parts)
    return text + ("\nnot read: " + ", ".join(map(clean, unread)) if unread else "")


def _cost(candidates: list[ClaimVerdict]) -> str:
    found = totals(candidates)
    unsized = sum(one.size is None and one.fate is Fate.DESTROYED for one in candidates)
    text = "destroy no data"
    if found.destroyed:
        text = f"destroy {count(found.destroyed, 'volume')} with {claim_words.amount(found.destroyed_bytes, unsized)}"
    unknown = sum(one.fate is Fate.UNKNOWN for one in candidates)
    return text + (f", and of {count(unknown, 'claim')} it cannot be said" if unknown else "")


# --- one claim ---------------------------------------------------------------------------------------------------------------


def explain(verdict: ClaimVerdict, now: datetime, *, width: int | None = None, colour: bool = False) -> str:
    """All that is known of a claim as a tree; its evidence and commands are never cut, its head is to ``width`` columns."""
    against = [claim_words.evidence(item) for item in verdict.evidence if not item.speaks_for_deletion]
    favouring = [claim_words.evidence(item) for item in verdict.evidence if item.speaks_for_deletion]
    lines: list[Line] = [
        ((claim_words.title(verdict), Ink.BOLD), plain("  "), (claim_words.klass(verdict), claim_words.klass_ink(verdict))),
        *((faint("│  "), plain(text)) for text in _facts(verdict, now)),
    ]
    branches = [
        *_branch("Against deletion", [plain(text) for text in against] or [faint("nothing")], width),
        *_branch("For deletion", [plain(text) for text in favouring] or [faint("nothing")], width),
        *_branch("What deletion does", list(_consequences(verdict)), width, last=True),
    ]
    drawn = [render(line, width=width, colour=colour) for line in lines]
    return "\n".join([*drawn, *(render(line, width=None, colour=colour) for line in branches)])


def _facts(one: ClaimVerdict, now: datetime) -> Iterator[str]:
    parts = [sizes.size(one.size) if one.size is not None else "size unknown"]
    parts += [f"set {clean(one.set)}, template {clean(one.template)}"] if one.set else []
    parts += [f"ordinal {one.ordinal}"] if one.ordinal is not None else []
    parts += [f"storage class {_storage_class(one)}", clean(one.claim.status.phase) or "phase unknown"]
    yield ", ".join(parts) + f", age {age.age(one.claim.metadata.creation_timestamp, now)}"
    if one.unused_since is not None:
        since = one.unused_since.strftime("%Y-%m-%d %H:%M:%S %Z").rstrip()
        yield f"unused for {age.age(one.unused_since, now)} or longer (since {since})"


def _consequences(one: ClaimVerdict) -> Iterator[Piece]:
    if one.claim.metadata.deletion_timestamp is not None:
        yield from _going(one)
    else:
        yield from _of_deletion(one)
    yield from map(plain, _next(one))


def _going(one: ClaimVerdict) -> Iterator[Piece]:
    """Of a claim that somebody has deleted: what becomes of its data, and how to keep that."""
    name, policy = clean(one.claim.spec.volume_name), clean(one.reclaim_policy)
    yield plain("it is being deleted already, and gone once nothing holds it")
    match one.fate:
        case Fate.DESTROYED:
            yield f"volume {name} is destroyed with it", _reclaim_ink(one)
            if not one.volume_terminating:
                patch = '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}'
                yield plain("before that, this keeps the data:")
                yield plain(pasting.kubectl("patch", "pv", one.claim.spec.volume_name, "-p", patch))
        case Fate.RETAINED:
            yield plain(f"volume {name} stays with its data: its reclaim policy is {policy}")
        case Fate.NO_DATA | Fate.UNKNOWN:
            pass
        case _:
            assert_never(one.fate)


def _of_deletion(one: ClaimVerdict) -> Iterator[Piece]:
    name, policy = clean(one.claim.spec.volume_name), clean(one.reclaim_policy)
    match one.fate:
        case Fate.DESTROYED if one.volume_terminating:
            told = f"volume {name} is being deleted: whatever its reclaim policy ({policy}), it goes with the claim"
            yield told, _reclaim_ink(one)
            if one.candidate:
                yield plain("'orphans delete' refuses it, because the data would not be kept")
        case Fate.DESTROYED:
            size = sizes.size(one.size) if one.size is not None else "data of unknown size"
            lost = f"volume {name} with {size}: its reclaim policy is {policy}"
            yield f"deleting it as kubectl does destroys {lost}", _reclaim_ink(one)
            if one.candidate:
                yield plain("the command below sets the volume to Retain first, so the data survives")
        case Fate.RETAINED:
            yield plain(f"volume {name} stays with its data: its reclaim policy is {policy}")
        case Fate.NO_DATA:
            yield plain("no data is lost: it never had a volume")
        case Fate.UNKNOWN:
            yield f"what becomes of the data cannot be said: {_unknown(name, policy)}", Ink.BUSY
        case _:
            assert_never(one.fate)


def _unknown(volume: str, policy: str) -> str:
    if policy:
        return f"volume {volume} has the reclaim policy {policy}"
    return f"nothing is known of volume {volume}" if volume else "it names no volume"


def _next(one: ClaimVerdict) -> Iterator[str]:
    """What to type next, a command a line: lines are cut to the terminal."""
    look = f"see more with: {pasting.kubectl('describe', 'pvc', one.name, namespace=one.namespace)}"
    match one.klass:
        case Class.SCALED_DOWN | Class.TEMPLATE_GONE | Class.SET_GONE:
            delete = f"delete it with: {_command('delete', one)}" + (" --fresh" if one.fresh else "")
            yield _of_volume(one) if one.volume_terminating else look if one.fate is Fate.UNKNOWN else delete
            yield f"keep it with: {_command('keep', one)} --why TEXT"
        case Class.UNSURE:
            yield "nothing is deleted unless all that may want it can be read"
            yield from (f"check with: {_check(name, one)}" for name in one.not_read)
            yield from (f"wants it no claim, leave it out: --ignore-kind '{clean(name)}'" for name in ignorable(one.not_read))
        case Class.KEPT:
            yield f"have it judged again with: {_command('unkeep', one)}"
        case Class.AMBIGUOUS:
            yield look
            yield f"keep it with: {_command('keep', one)} --why TEXT"
        case Class.TERMINATING | Class.LOST | Class.OWNED:
            yield look
        case Class.IN_USE | Class.IN_RANGE | Class.WILL_RETURN | Class.USED_BY_TEMPLATE:
            yield "it is not deleted here, because it is wanted"
        case _:
            assert_never(one.klass)


def _of_volume(one: ClaimVerdict) -> str:
    return f"see more with: {pasting.kubectl('describe', 'pv', one.claim.spec.volume_name)}"


def _command(verb: str, one: ClaimVerdict) -> str:
    return pasting.pets(f"orphans {verb}", one.name, namespace=one.namespace)


def _check(unread: str, one: ClaimVerdict) -> str:
    if unread == DISCOVERY:
        return pasting.kubectl("api-resources")
    if unread.startswith(GROUP_PREFIX):
        return pasting.kubectl("api-resources", f"--api-group={unread.removeprefix(GROUP_PREFIX)}")
    if unread in DEPLOYERS and one.would_be in (Class.SET_GONE, Class.TEMPLATE_GONE):
        return pasting.kubectl("auth", "can-i", "list", unread, "-A")
    namespace = "" if unread == VOLUMES_RESOURCE else one.namespace
    return pasting.kubectl("auth", "can-i", "list", unread, namespace=namespace)


def _branch(name: str, pieces: list[Piece], width: int | None, *, last: bool = False) -> list[Line]:
    glyph, stem = ("└─ ", "   ") if last else ("├─ ", "│  ")
    return [(faint(glyph), (name, Ink.BOLD)), *leaves(stem, pieces, width)]
