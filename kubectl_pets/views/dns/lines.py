"""Watching names without a terminal: one plain line a change, for logs and pipes."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.dns.reasons import Diagnosis, NameLine
from kubectl_pets.views.dns import words as dns_words
from kubectl_pets.views.rollout.lines import stamped
from kubectl_pets.views.text import ages as age


def changes(before: Diagnosis | None, seen: Diagnosis, after: Mapping[str, timedelta | None], now: datetime) -> list[str]:
    """Names whose verdict or reason is another than ``before``; without it, all. Times until which caches hold do not count."""
    known = {line.name.name: _essence(line) for line in before.lines} if before else {}
    new = [line for line in seen.lines if known.get(line.name.name) != _essence(line)]
    return [stamped(_told(line, after.get(line.name.name)), now) for line in new]


def _essence(line: NameLine) -> tuple[object, ...]:
    found = line.finding
    return line.verdict, (found.reason, found.subject, found.detail, found.server) if found else None


def _told(line: NameLine, taken: timedelta | None) -> str:
    name = clean(line.name.name) or clean(line.name.pod)
    text = f"{name} {dns_words.verdict(line.verdict)}"
    if line.finding is not None:
        return f"{text}: {dns_words.finding(line.finding)}"
    return f"{text} after {age.duration(taken)}" if taken else text
