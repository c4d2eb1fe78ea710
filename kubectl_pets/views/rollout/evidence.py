"""The evidence beside a verdict, in a few lines each: a log, Warning events, what changed, quotas; and all of it for programs."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.rollout.evidence import Explanation, LogTail, QuotaUse, Warned
from kubectl_pets.views.rollout.changes import changed, phrase
from kubectl_pets.views.text import ages
from kubectl_pets.views.text.phrases import count

#: A line of a log, of which no more than what a wide terminal holds is read.
_LOG_LINE = 400


class Entry(msgspec.Struct, frozen=True):
    """One line. ``title`` empty: it belongs to the one above. ``weight``: the lower, the sooner it is left out where there is no
    room. ``whole``: it is folded and not cut."""

    title: str
    text: str
    weight: int
    whole: bool = True


def entries(found: Explanation, now: datetime, *, wide: bool = False) -> Iterator[Entry]:
    """What is told, the most telling first; ``wide``: in full."""
    if found.log is not None:
        yield Entry("Log", _of_log(found.log), 5)
        yield from (Entry("", f"│ {clean(line, _LOG_LINE)}", 5, whole=False) for line in found.log.lines)
    for number, event in enumerate(found.events):
        yield Entry("" if number else "Events", _event(event, now), 4)
    if found.changed is not None:
        told = changed(found.changed.differences, wide=wide)
        yield Entry("Changed", f"{told} (revision {found.changed.number} against {found.changed.before})", 5)
    for number, text in enumerate(_quotas(found.quotas)):
        yield Entry("" if number else "Quota", text, 5)
    if found.unread:
        yield Entry("Not read", f"no right to {' and '.join(found.unread)}, which might tell more", 3)


def told(found: Explanation, now: datetime) -> str:
    """All of it below the last word of a verb."""
    return "\n".join(f"  {entry.title:10}{entry.text}".rstrip() for entry in entries(found, now))


def document(found: Explanation) -> dict[str, Any]:
    """For programs."""
    log, new = found.log, found.changed
    return {
        "log": None
        if log is None
        else {"pod": log.pod, "container": log.container, "previous": log.previous, "lines": log.lines},
        "events": [
            {"about": each.about, "reason": each.reason, "message": each.message, "count": each.times, "lastTimestamp": each.last}
            for each in found.events
        ],
        "changed": None
        if new is None
        else {
            "revision": new.number,
            "against": new.before,
            "changes": [{"path": each.path, "told": phrase(each)} for each in new.differences],
        },
        "quotas": [{"name": use.quota, "resource": use.resource, "used": use.used, "hard": use.hard} for use in found.quotas],
        "notRead": found.unread,
    }


def _of_log(log: LogTail) -> str:
    when = "before its last restart" if log.previous else "now"
    return f"{clean(log.pod)}, container {clean(log.container)}, {when}; last {count(len(log.lines), 'line')}:"


def _event(event: Warned, now: datetime) -> str:
    often = f", {event.times} times" if event.times > 1 else ""
    when = f"{ages.age(event.last, now)} ago" if event.last is not None else "some time ago"
    return f"{when}{often}: {clean(event.about)} {clean(event.reason)}: {clean(event.message)}"


def _quotas(uses: tuple[QuotaUse, ...]) -> Iterator[str]:
    """A line a quota."""
    for name in dict.fromkeys(use.quota for use in uses):
        parts = (f"{clean(use.resource)} {clean(use.used)} of {clean(use.hard)}" for use in uses if use.quota == name)
        yield f"{clean(name)}: {', '.join(parts)}"
