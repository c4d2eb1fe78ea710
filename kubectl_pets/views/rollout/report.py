"""``kubectl pets rollout report``: what happened, for a terminal, for a ticket (Markdown, HTML) and for programs.

All of them are drawn from one sheet, so that they say the same. Text of the cluster is made harmless for each in its own way.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, assert_never

import msgspec

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.rollout.evidence import Warned
from kubectl_pets.domain.rollout.report import NotTold, PodProgress, PodReport, PodStage, RolloutReport, Unseen, Writer
from kubectl_pets.views.rollout.changes import changed, phrase
from kubectl_pets.views.rollout.documents import API_VERSION, dump
from kubectl_pets.views.text import ages, page
from kubectl_pets.views.text.fitting import Column, aligned, fit, folded_text
from kubectl_pets.views.text.ink import Ink, Piece, plain
from kubectl_pets.views.text.markdown import table
from kubectl_pets.views.text.phrases import count, folded

_COLUMNS = (
    Column("POD", least=12, ease=24, middle=True),
    Column("STATE"),
    Column("DELETED", weight=6),
    Column("CREATED", weight=5),
    Column("SCHEDULED", weight=2),
    Column("PULLED", weight=4),
    Column("READY", weight=7),
    Column("AVAILABLE"),
    Column("TOOK"),
    Column("MOST OF IT", weight=8),
    Column("RESTARTS", weight=9),
    Column("NODE", weight=1),
)

#: Fields of one writer that are told by name, those that a rollout is about first.
_MANY_FIELDS = 4
_TELLING = re.compile(r"\.image$|^replicas$|\.partition$|restartedAt$")

#: So many lines a sentence may take on a terminal.
_MOST_LINES = 4

#: Characters that mean something in Markdown or in the HTML that it may hold.
_MARKDOWN = re.compile(r"([\\`*_\[\]<>#|~])")

_CHART_WIDTH, _ROW_HEIGHT, _NAME_WIDTH = 900, 20, 170


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """What is told, as text that is clean for a terminal and nothing else."""

    title: str
    facts: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, ...], ...]
    inks: tuple[Ink, ...]
    warnings: tuple[str, ...]
    writers: tuple[str, ...]
    unseen: tuple[str, ...]


def draw(found: RolloutReport, *, headers: bool = True, width: int | None = None, colour: bool = False) -> str:
    """For a terminal, in ``width`` columns where that is given: columns give way by importance."""
    sheet = _sheet(found)
    lines = _folded("", "", sheet.title, width)
    for label, fact in sheet.facts:
        lines += _folded(f"  {label:10} ", " " * 13, fact, width)
    rows: list[tuple[Piece, ...]] = [tuple(plain(column.head) for column in _COLUMNS)] if headers else []
    for row, ink in zip(sheet.rows, sheet.inks, strict=True):
        rows.append(tuple((cell, ink if at == 1 else Ink.PLAIN) for at, cell in enumerate(row)))
    if sheet.rows:
        lines += ["", *aligned(fit(_COLUMNS, rows, width), width=width, colour=colour)]
    for title, told in _lists(sheet):
        lines += ["", f"{title}:", *(line for each in told for line in _folded("  ", "  ", each, width))]
    return "\n".join(lines)


def _folded(first: str, others: str, text: str, width: int | None) -> list[str]:
    parts = [text] if width is None else folded_text(text, width - len(others), _MOST_LINES)
    return [f"{others if at else first}{part}" for at, part in enumerate(parts)]


def markdown(found: RolloutReport) -> str:
    """For a ticket or a pull request."""
    sheet = _sheet(found)
    lines = [f"### {_md(sheet.title)}", "", *(f"- **{_md(label)}**: {_md(told)}" for label, told in sheet.facts)]
    if sheet.rows:
        heads = [column.head.capitalize() for column in _COLUMNS]
        lines += ["", *table(heads, ([_md(cell) for cell in row] for row in sheet.rows))]
    for title, told in _lists(sheet):
        lines += ["", f"**{_md(title)}**", "", *(f"- {_md(each)}" for each in told)]
    return "\n".join(lines)


def html(found: RolloutReport) -> str:
    """One page that needs nothing else, with the pods' times as a picture."""
    sheet, text = _sheet(found), page.text
    body = [f"<h1>{text(sheet.title)}</h1>", *(f"<p><b>{text(label)}</b> {text(told)}</p>" for label, told in sheet.facts)]
    body += list(_chart(found))
    if sheet.rows:
        heads = "".join(f"<th>{text(column.head.capitalize())}</th>" for column in _COLUMNS)
        body.append(f"<table><tr>{heads}</tr>")
        body += ["<tr>" + "".join(f"<td>{text(cell)}</td>" for cell in row) + "</tr>" for row in sheet.rows]
        body.append("</table>")
    for title, told in _lists(sheet):
        body += [f"<h2>{text(title)}</h2><ul>", *(f"<li>{text(each)}</li>" for each in told), "</ul>"]
    return page.page(sheet.title, body)


def document(found: RolloutReport, output: str) -> str:
    """As ``json`` or ``yaml``: times in RFC 3339 (UTC), spans in seconds, null for what is not known."""
    slowest = found.slowest
    return dump(
        {
            "apiVersion": API_VERSION,
            "kind": "RolloutReport",
            "metadata": {"namespace": found.namespace, "name": found.name, "uid": found.uid},
            "at": found.at,
            "revision": {
                "number": found.number,
                "name": found.revision,
                "creationTimestamp": found.made,
                "wanted": found.wanted,
                "changes": None
                if found.changes is None
                else [{"path": each.path, "told": phrase(each)} for each in found.changes],
            },
            "phase": found.phase,
            "began": found.began,
            "ended": found.ended,
            "tookSeconds": _seconds(found.took),
            "expectedAt": found.eta,
            "done": found.done,
            "slowestPod": slowest.name if slowest is not None else None,
            "pods": [_pod_document(each) for each in found.pods],
            "warnings": [_warning_document(each) for each in found.warnings],
            "writers": [
                {"manager": each.manager, "operation": each.operation, "time": each.time, "fields": each.fields}
                for each in found.writers
            ],
            "unseen": [{"why": each.why, "pods": each.pods} for each in found.unseen],
        },
        output,
    )


def _pod_document(pod: PodReport) -> dict[str, Any]:
    return {
        "name": pod.name,
        "progress": pod.progress,
        "state": pod.state,
        "node": pod.node or None,
        "restarts": pod.restarts,
        "deleted": pod.deleted,
        "created": pod.created,
        "scheduled": pod.scheduled,
        "pulled": pod.pulled,
        "ready": pod.ready,
        "available": pod.available,
        "tookSeconds": _seconds(pod.took),
        "stages": [{"stage": stage, "seconds": _seconds(span)} for stage, span in pod.stages],
        "madeAgain": pod.again,
        "warnings": [_warning_document(each) for each in pod.warnings],
    }


def _warning_document(found: Warned) -> dict[str, Any]:
    told = {"about": found.about, "reason": found.reason, "message": found.message}
    return {**told, "count": found.times, "lastTimestamp": found.last}


def _seconds(span: timedelta | None) -> float | None:
    return span.total_seconds() if span is not None else None


# --- the sheet ---------------------------------------------------------------------------------------------------------------


def _sheet(found: RolloutReport) -> Sheet:
    warned = [*found.warnings, *(each for pod in found.pods for each in pod.warnings)]
    return Sheet(
        title=f"{clean(found.namespace)}/{clean(found.name)}: {_headline(found)}",
        facts=tuple(_facts(found)),
        rows=tuple(_row(pod) for pod in found.pods),
        inks=tuple(_ink(pod.progress) for pod in found.pods),
        warnings=tuple(_warning(each) for each in warned),
        writers=tuple(_writer(each) for each in found.writers),
        unseen=tuple(_missing(each) for each in found.unseen),
    )


def _lists(sheet: Sheet) -> Iterator[tuple[str, tuple[str, ...]]]:
    for title, told in (("Warnings", sheet.warnings), ("Who wrote what", sheet.writers), ("Not known", sheet.unseen)):
        if told:
            yield title, told


def _headline(found: RolloutReport) -> str:
    revision = f"revision {found.number} ({clean(found.revision)})"
    if any(each.why is Unseen.PODS_UNREAD for each in found.unseen):
        return f"{revision}, pods unknown"
    pods = f"{found.done} of {count(found.positions, 'pod')} done"
    if found.took is None:
        return f"{revision}, {pods}"
    told = f"took {ages.duration(found.took)}" if found.ended else f"under way for {ages.duration(found.took)}"
    return f"{revision} {told}, {pods}"


def _facts(found: RolloutReport) -> Iterator[tuple[str, str]]:
    yield "Phase", found.phase.value.replace("-", " ")
    if found.began is not None:
        yield "From", _stamp(found.began)
    if found.ended is not None:
        yield "To", _stamp(found.ended)
    held = [pod.name for pod in found.pods if pod.progress is PodProgress.HELD]
    if found.eta is not None:
        what = "what is released, " if held else ""
        yield "Expected", f"{what}{_stamp(found.eta)} ({ages.until(found.eta, found.at)}), at the pace so far"
    if held:
        yield "Held back", f"{folded(held)} by partition {found.partition}"
    if found.made is not None:
        yield "Revision", f"made {_stamp(found.made)}" + ("" if found.wanted else "; the set wants another one by now")
    if found.changes is not None:
        yield "Changed", changed(found.changes, wide=True)
    slowest = found.slowest
    if slowest is not None and slowest.took is not None:
        yield "Slowest", f"{clean(slowest.name)}, {ages.duration(slowest.took)}{_most(slowest, ', of which ')}"


def _row(pod: PodReport) -> tuple[str, ...]:
    times = (pod.deleted, pod.created, pod.scheduled, pod.pulled, pod.ready, pod.available)
    return (
        clean(pod.name),
        _standing(pod),
        *(f"{time:%H:%M:%S}" if time is not None else "-" for time in times),
        ages.duration(pod.took) if pod.took is not None else "-",
        _most(pod) or "-",
        str(pod.restarts) if pod.created is not None else "-",
        clean(pod.node) or "-",
    )


def _standing(pod: PodReport) -> str:
    match pod.progress:
        case PodProgress.DONE:
            return "done, made later" if pod.again else "done"
        case PodProgress.ON_ITS_WAY:
            return pod.state.value.replace("-", " ")
        case PodProgress.WAITING:
            return "still to come"
        case PodProgress.HELD:
            return "held back"
        case _:
            assert_never(pod.progress)


def _ink(progress: PodProgress) -> Ink:
    match progress:
        case PodProgress.DONE:
            return Ink.GOOD
        case PodProgress.ON_ITS_WAY:
            return Ink.BUSY
        case PodProgress.WAITING | PodProgress.HELD:
            return Ink.FAINT
        case _:
            assert_never(progress)


def _stage(stage: PodStage) -> str:
    match stage:
        case PodStage.TERMINATION:
            return "ending the pod before it"
        case PodStage.SCHEDULING:
            return "finding a node"
        case PodStage.PULLING:
            return "volumes and images"
        case PodStage.STARTING:
            return "becoming ready"
        case PodStage.SETTLING:
            return "minReadySeconds"
        case _:
            assert_never(stage)


def _most(pod: PodReport, before: str = "") -> str:
    """The stage that took the most of it; empty where nothing took any time."""
    stage, span = max(pod.stages, key=lambda each: each[1], default=(PodStage.STARTING, timedelta(0)))
    return f"{before}{_stage(stage)} {ages.duration(span)}" if span >= timedelta(seconds=1) else ""


def _warning(found: Warned) -> str:
    often = f", {found.times} times" if found.times > 1 else ""
    when = f"{found.last:%H:%M:%S}" if found.last is not None else "some time"
    return f"{when}{often}: {clean(found.about)} {clean(found.reason)}: {clean(found.message)}"


def _writer(found: Writer) -> str:
    fields = sorted(found.fields, key=lambda path: (_TELLING.search(path) is None, path))
    shown = ", ".join(clean(path, 120) for path in fields[:_MANY_FIELDS])
    more = f" and {len(fields) - _MANY_FIELDS} more" if len(fields) > _MANY_FIELDS else ""
    when = _stamp(found.time) if found.time is not None else "some time"
    return f"{when}: {clean(found.manager)} ({clean(found.operation)}) {shown}{more}"


def _missing(found: NotTold) -> str:
    pods = folded(found.pods)
    match found.why:
        case Unseen.EVENTS_UNREAD:
            return "no right to list events: when pods were deleted and images pulled, and what went wrong"
        case Unseen.EVENTS_GONE:
            gone = "when the pod before it was deleted, when images were pulled"
            return f"no event of {pods} is left (they last about an hour): {gone}"
        case Unseen.PODS_UNREAD:
            return "its pods could not be read, so nothing can be said of them"
        case Unseen.PODS_GONE:
            return "no pod runs this revision any more, and nothing remembers those that did"
        case Unseen.MADE_AGAIN:
            return f"{pods}: made after the rollout (scaled, evicted or deleted), so the times are not of it"
        case Unseen.READY_AGAIN:
            return f"{pods}: containers were started anew, so ready and available are since the last time"
        case Unseen.RESTORED:
            return "the revision is older than this rollout of it: when its template came back"
        case Unseen.WRITERS_UNREADABLE:
            return "its managedFields are none of the API's: who wrote what"
        case _:
            assert_never(found.why)


def _stamp(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


# --- Markdown and the picture ------------------------------------------------------------------------------------------------


def _md(text: str) -> str:
    """Text that stays text: no link, no markup, no HTML, no cell of a table, nobody called by name."""
    return _MARKDOWN.sub(r"\\\1", text.replace("&", "&amp;")).replace("@", "&#64;")


def _chart(found: RolloutReport) -> Iterator[str]:
    """A bar a pod, from the first to the last moment; nothing where no pod has two times."""
    timed = [pod for pod in found.pods if pod.stages and not pod.again and pod.began is not None]
    if not timed or found.began is None:
        return
    whole = max((found.ended or found.at) - found.began, timedelta(seconds=1))
    scale = (_CHART_WIDTH - _NAME_WIDTH) / whole.total_seconds()
    height = _ROW_HEIGHT * len(timed)
    yield f'<svg role="img" viewBox="0 0 {_CHART_WIDTH} {height}" width="100%" xmlns="http://www.w3.org/2000/svg">'
    for index, pod in enumerate(timed):
        top, at = index * _ROW_HEIGHT, pod.began
        assert at is not None
        yield f'<text x="0" y="{top + 14}">{page.text(pod.name, 28)}</text>'
        for stage, span in pod.stages:
            left = _NAME_WIDTH + max(0.0, (at - found.began).total_seconds()) * scale
            told = page.text(f"{_stage(stage)} {ages.duration(span)}")
            width = max(1.0, span.total_seconds() * scale)
            yield (
                f'<rect class="{stage.value}" x="{left:.1f}" y="{top + 3}" width="{width:.1f}" height="{_ROW_HEIGHT - 6}">'
                f"<title>{told}</title></rect>"
            )
            at += span
    yield "</svg>"
    box = '<svg width="12" height="12"><rect class="{}" width="12" height="12"/></svg> {}'
    yield f'<p class="faint">{", ".join(box.format(stage.value, page.text(_stage(stage))) for stage in PodStage)}</p>'
