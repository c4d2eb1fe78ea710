"""Why a DNS server's answer is not the right one: what it cached, until when, and what caching cannot explain.

CoreDNS caches denials, too, each replica its own (kubernetes/kubernetes#92559). A cached answer counts its TTL down (RFC 2308),
so the TTL heard says until when it may be given; and an answer that should have run out long ago has another cause.
"""

from datetime import datetime, timedelta

from kubectl_pets.domain.dns.answers import Outcome, RecordType, Server
from kubectl_pets.domain.dns.comparing import AnswerStanding, Compared, Heard
from kubectl_pets.domain.dns.corefile import MAX_CACHED, Settings
from kubectl_pets.domain.dns.network import Service
from kubectl_pets.domain.dns.overrides import Override
from kubectl_pets.domain.dns.reasons import NameFinding, Reason
from kubectl_pets.domain.model import Pod
from kubectl_pets.domain.rollout.times import later


def label(server: Server) -> str:
    return f"{server.namespace}/{server.name}" if server.namespace else server.name


def published_since(pod: Pod | None, service: Service | None) -> datetime | None:
    """Since when the pod has been an endpoint, as far as its own status tells."""
    if pod is None or service is None:
        return None
    if service.spec.publish_not_ready_addresses:
        return pod.metadata.creation_timestamp
    ready = pod.status.condition("Ready")
    return ready.last_transition_time if ready is not None and ready.status == "True" else None


def fault(
    heard: Heard, settings: Settings | None, live: frozenset[str] | None, since: datetime | None, now: datetime
) -> NameFinding | None:
    """What is wrong with one server's answers to a name; None: nothing, or nothing was asked. ``since``: when the records that
    are expected came about; ``live``: the records that the slices stand for, None where these could not be read."""
    server = label(heard.hearing.server)
    override = _override(heard, settings)
    if override is not None:
        return NameFinding(reason=Reason.OVERRIDDEN, subject=override.plugin, detail=override.line, server=server)
    match heard.standing:
        case AnswerStanding.SILENT:
            detail = next((each.answer.detail for each in heard.compared if each.answer and each.answer.detail), "")
            return NameFinding(reason=Reason.SERVER_SILENT, server=server, detail=heard.hearing.trouble or detail)
        case AnswerStanding.SERVFAIL | AnswerStanding.REFUSED:
            return NameFinding(reason=Reason.SERVER_FAILING, server=server, detail=_code(heard))
        case AnswerStanding.TRUNCATED:
            found = next(each for each in heard.compared if each.standing is AnswerStanding.TRUNCATED)
            return NameFinding(reason=Reason.TRUNCATED, server=server, subject=", ".join(found.lacking))
        case AnswerStanding.WRONG:
            return _wrong(heard, settings, live, since, server)
        case AnswerStanding.MISSING:
            return _denied(heard, settings, since, now, server)
        case AnswerStanding.NOT_ASKED | AnswerStanding.UNJUDGED | AnswerStanding.RIGHT | AnswerStanding.ABSENT:
            return None


#: What comes of a plugin that answers instead: acl refuses, filters or drops, the others have records or none.
_REFUSALS = (AnswerStanding.REFUSED, AnswerStanding.SILENT, AnswerStanding.MISSING)
_ANSWERS = (AnswerStanding.WRONG, AnswerStanding.MISSING, AnswerStanding.SERVFAIL)


def _override(heard: Heard, settings: Settings | None) -> Override | None:
    """Who answers instead of the cluster's names, where the answer is not the right one."""
    if settings is None or heard.hearing.trouble:
        return None
    asked = [each.expectation.question for each in heard.compared if each.standing is heard.standing]
    for each in settings.overrides:
        fits = heard.standing in (_REFUSALS if each.plugin == "acl" else _ANSWERS)
        if fits and any(each.speaks_for(question) for question in asked):
            return each
    return None


def _code(heard: Heard) -> str:
    found = next(each.answer for each in heard.compared if each.standing is heard.standing and each.answer is not None)
    return found.detail or found.outcome.value.upper()


def _wrong(
    heard: Heard, settings: Settings | None, live: frozenset[str] | None, since: datetime | None, server: str
) -> NameFinding:
    """Other records than expected. What no slice holds any more is an old answer, where it is still to be cached: of an address
    only, since what other namespaces call it is not known. So is an address that another pod holds by now, where the name's own
    records are younger than answers live: pods made again in one moment take each other's addresses."""
    found = next(each for each in heard.compared if each.standing is AnswerStanding.WRONG)
    if found.answer is not None and found.answer.outcome is Outcome.MISDIRECTED:
        return NameFinding(reason=Reason.OTHER_OWNER, server=server, detail=found.answer.detail)
    pointer = found.expectation.question.type is RecordType.PTR
    until = None if pointer or live is None else _until(found, heard)
    vacant = live is not None and not live.intersection(found.extra)
    old = until is not None and (vacant or _is_new(settings, since, heard.hearing.asked_at))
    return NameFinding(
        reason=Reason.STALE_ANSWER if old else Reason.WRONG_ANSWER,
        subject=", ".join(found.lacking),
        detail=", ".join(found.extra),
        server=server,
        until=until if old else None,
    )


def _is_new(settings: Settings | None, since: datetime | None, asked_at: datetime) -> bool:
    """Whether answers from before ``since`` may still be kept; where no Corefile was read, for as long as CoreDNS keeps any."""
    longest = MAX_CACHED if settings is None else settings.longest_success
    return since is not None and longest > 0 and later(since, timedelta(seconds=longest)) >= asked_at


def _denied(heard: Heard, settings: Settings | None, since: datetime | None, now: datetime, server: str) -> NameFinding:
    found = next(each for each in heard.compared if each.standing is AnswerStanding.MISSING)
    until = _until(found, heard)
    outlived = settings is not None and since is not None and later(since, timedelta(seconds=settings.longest_denial)) < now
    cached = until is not None and (settings is None or settings.longest_denial > 0) and not outlived
    return NameFinding(
        reason=Reason.NEGATIVE_CACHE if cached else Reason.SERVER_BEHIND,
        detail=(found.answer.outcome if found.answer else Outcome.NXDOMAIN).value.upper(),
        server=server,
        until=until if cached else None,
    )


def _until(found: Compared, heard: Heard) -> datetime | None:
    if found.answer is None or found.answer.ttl is None:
        return None
    return later(heard.hearing.asked_at, timedelta(seconds=found.answer.ttl))
