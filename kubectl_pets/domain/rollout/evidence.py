"""What there is to read where a set is in trouble: the last lines of a log, Warning events, what changed, how much quota is left.

``clues`` says what to ask for, ``gathered`` makes of the answers what is worth being shown. None of it is part of the verdict,
and all of it is optional: what may not be read is named as the right that is missing.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from kubectl_pets.domain.model import Event, Object, Value
from kubectl_pets.domain.rollout.causes import CauseId, cause_of
from kubectl_pets.domain.rollout.history import Difference, History, entries
from kubectl_pets.domain.rollout.verdict import Assessment, Blocker, Cause, Phase
from kubectl_pets.domain.sets.kinds import APPS_SET

#: Events of so many pods are asked for, as many different Warnings are told.
_FEW_PODS, _FEW_EVENTS = 3, 5


class QuotaSpec(Value, frozen=True):
    hard: dict[str, str | int | float] = {}


class QuotaStatus(Value, frozen=True):
    hard: dict[str, str | int | float] = {}
    used: dict[str, str | int | float] = {}


class Quota(Object, frozen=True):
    spec: QuotaSpec = QuotaSpec()
    status: QuotaStatus = QuotaStatus()


class Clues(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask for. ``pod`` and ``container`` empty: no log; ``lines``: of it."""

    namespace: str
    set_name: str
    pod: str = ""
    container: str = ""
    lines: int = 0
    #: Pods whose events are wanted, besides those of the set.
    pods: tuple[str, ...] = ()
    #: Those that have a node: what kept them from one is over.
    placed: tuple[str, ...] = ()
    #: Claims whose events are wanted: those of a driver say why nothing is bound to them.
    claims: tuple[str, ...] = ()
    history: bool = False
    quotas: bool = False


class LogTail(msgspec.Struct, frozen=True, kw_only=True):
    """The last lines that a container wrote: untrusted text. ``previous``: in the life before this one."""

    pod: str
    container: str
    previous: bool
    lines: tuple[str, ...]


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What came back; None: may not be read, or was not asked for."""

    log: LogTail | None = None
    events: tuple[Event, ...] | None = None
    history: History | None = None
    quotas: tuple[Quota, ...] | None = None


class Warned(msgspec.Struct, frozen=True, kw_only=True):
    """One Warning, told once however many events there are of it. Texts are untrusted."""

    about: str
    reason: str
    message: str
    times: int
    last: datetime | None


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """What the wanted revision changed against the one before it."""

    number: int
    before: int
    differences: tuple[Difference, ...]


class QuotaUse(msgspec.Struct, frozen=True, kw_only=True):
    """How much of one resource a ResourceQuota has given out, as quantities are written."""

    quota: str
    resource: str
    used: str
    hard: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """All that was found."""

    log: LogTail | None = None
    events: tuple[Warned, ...] = ()
    changed: Changed | None = None
    quotas: tuple[QuotaUse, ...] = ()
    #: Rights that are missing: "get pods/log", "list events".
    unread: tuple[str, ...] = ()


def clues(seen: Assessment, lines: int) -> Clues | None:
    """What to ask for; None where nothing is wrong. ``lines`` of a log, 0: none."""
    wrong = (*seen.blockers, *seen.failing)
    if not wrong or seen.phase in (Phase.UNKNOWN, Phase.GONE, Phase.DELETING):
        return None
    crashed = next((each for each in wrong if _has_a_log(each)), None) if lines else None
    pods = tuple(dict.fromkeys(each.pod for each in wrong if each.pod))[:_FEW_PODS]
    unbound = {each.pod for each in wrong if each.cause in (Cause.CLAIM_UNBOUND, Cause.VOLUME_NOT_MADE)}.intersection(pods)
    claims = (use.name for each in seen.members if each.name in unbound for use in each.claims if use.phase != "Bound")
    return Clues(
        namespace=seen.namespace,
        set_name=seen.name,
        pod=crashed.pod if crashed is not None else "",
        container=crashed.container if crashed is not None else "",
        lines=lines,
        pods=pods,
        placed=tuple(each.name for each in seen.members if each.node and each.name in pods),
        claims=tuple(claims)[:_FEW_PODS],
        history=seen.kind is APPS_SET and any(each.updated for each in wrong),
        quotas=any(cause_of(each) is CauseId.QUOTA for each in wrong),
    )


def gathered(asked: Clues, answers: Answers) -> Explanation:
    """What is worth being shown of the answers."""
    wanted = (
        ("get pods/log", asked.pod, answers.log),
        ("list events", True, answers.events),
        ("list controllerrevisions", asked.history, answers.history),
        ("list resourcequotas", asked.quotas, answers.quotas),
    )
    return Explanation(
        log=answers.log if answers.log is not None and answers.log.lines else None,
        events=warnings_of(each for each in answers.events or () if not _is_over(each, asked)),
        changed=_changed(answers.history) if answers.history is not None else None,
        quotas=_uses(answers.quotas or ()),
        unread=tuple(right for right, was_asked, found in wanted if was_asked and found is None),
    )


def _is_over(event: Event, asked: Clues) -> bool:
    """A pod is bound to a node once and for good (pkg/scheduler, ``handleSchedulingFailure``): what was told before that explains
    nothing any more, and most often it is of an earlier pod of the name."""
    return event.reason == "FailedScheduling" and event.involved_object.name in asked.placed


def _has_a_log(found: Blocker) -> bool:
    """Whether its container has run at all."""
    return found.cause is Cause.CONTAINER and bool(found.container) and (found.exit_code is not None or found.restarts > 0)


def warnings_of(events: Iterable[Event], most: int = _FEW_EVENTS) -> tuple[Warned, ...]:
    """The newest first, so many of them at most; what differs in nothing but its time is one."""
    found: dict[tuple[str, str, str], Warned] = {}
    for event in events:
        if event.type != "Warning":
            continue
        key = (event.involved_object.name, event.reason, event.message)
        before = found.get(key)
        times = [time for time in (event.last, before.last if before is not None else None) if time is not None]
        found[key] = Warned(
            about=key[0],
            reason=key[1],
            message=key[2],
            times=event.times + (before.times if before is not None else 0),
            last=max(times, default=None),
        )
    newest = sorted(found.values(), key=lambda each: each.last.timestamp() if each.last is not None else 0.0, reverse=True)
    return tuple(newest[:most])


def _changed(history: History) -> Changed | None:
    """Of the update revision; None where nothing comes before it."""
    found = entries(history)
    at = next((index for index, each in enumerate(found) if each.update), None)
    if not at or found[at].changes is None:
        return None
    return Changed(number=found[at].number, before=found[at - 1].number, differences=found[at].changes or ())


def _uses(quotas: Iterable[Quota]) -> tuple[QuotaUse, ...]:
    """Everything that is limited; what was given out to the last comes first."""
    uses = [
        QuotaUse(quota=each.name, resource=resource, used=str(each.status.used.get(resource, 0)), hard=str(hard))
        for each in quotas
        for resource, hard in sorted((each.status.hard or each.spec.hard).items())
    ]
    return tuple(sorted(uses, key=lambda use: use.used != use.hard))
