"""What there is to read where a set is in trouble: a log, events, revisions, quotas. Each is an optional right."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from kubectl_pets.cluster.http.failures import Attempt, refused
from kubectl_pets.cluster.http.together import together
from kubectl_pets.cluster.http.transport import Request, Transport
from kubectl_pets.cluster.objects.kinds import PODS, ResourceKind
from kubectl_pets.cluster.objects.lists import Reader, Scope
from kubectl_pets.cluster.topics.events import EVENTS
from kubectl_pets.cluster.topics.history import history
from kubectl_pets.domain.model import Event
from kubectl_pets.domain.rollout.evidence import Answers, Clues, LogTail, Quota
from kubectl_pets.errors import ForbiddenError, InvalidError, PetsError

T = TypeVar("T")

_QUOTAS = ResourceKind(Quota, "/api/v1", "resourcequotas", "ResourceQuota", optional=True)

#: A kubelet that does not answer holds nobody up: seconds for a log, and bytes of it.
_LOG_TIME, _LOG_BYTES = 5.0, 1 << 16


def evidence(transport: Transport, reader: Reader, asked: Clues) -> Answers:
    """The answers, all asked for at once; without a right None. Raises PetsError for what is no missing right; a log that cannot
    be had has no lines."""
    about = (asked.set_name, *asked.pods, *asked.claims)
    calls: list[Callable[[], object]] = [_optional(partial(_events, reader, asked.namespace, name)) for name in about]
    calls.append(_optional(lambda: _log(transport, asked)) if asked.pod else _nothing)
    calls.append(_optional(lambda: history(reader, asked.namespace, asked.set_name)) if asked.history else _nothing)
    calls.append(_optional(lambda: _listed_quotas(reader, asked.namespace)) if asked.quotas else _nothing)
    *events, log, past, quotas = together(calls)
    told = None if any(found is None for found in events) else tuple(event for found in events for event in found)
    return Answers(log=log, events=told, history=past, quotas=quotas)


def _nothing() -> None:
    return None


def _optional(call: Callable[[], T]) -> Callable[[], T | None]:
    def ask() -> T | None:
        try:
            return call()
        except ForbiddenError:
            return None

    return ask


def _events(reader: Reader, namespace: str, name: str) -> tuple[Event, ...]:
    return reader.listing(EVENTS, Scope(namespace=namespace, about=name)).items


def _listed_quotas(reader: Reader, namespace: str) -> tuple[Quota, ...]:
    return reader.listing(_QUOTAS, Scope(namespace=namespace)).items


def _log(transport: Transport, asked: Clues) -> LogTail:
    """Of the life before this one; where the kubelet has none, of this one."""
    for previous in (True, False):
        try:
            return LogTail(pod=asked.pod, container=asked.container, previous=previous, lines=_tail(transport, asked, previous))
        except ForbiddenError:
            raise
        except InvalidError:
            continue  # there was no life before
        except PetsError:
            break
    return LogTail(pod=asked.pod, container=asked.container, previous=False, lines=())


def _tail(transport: Transport, asked: Clues, previous: bool) -> tuple[str, ...]:
    attempt = Attempt("get", "pods/log", asked.pod, asked.namespace)
    query = [("container", asked.container), ("tailLines", str(asked.lines)), ("limitBytes", str(_LOG_BYTES))]
    query += [("previous", "true")] if previous else []
    path = f"{PODS.path(asked.namespace, asked.pod)}/log"
    request = Request(method="GET", path=path, query=query, attempt=attempt, accept="*/*")
    status, body = transport.whatever(request, _LOG_TIME, _LOG_BYTES)
    if status != 200:
        raise refused(status, body, {}, attempt)
    return tuple(body.decode(errors="replace").rstrip("\n").split("\n")[-asked.lines:]) if body.strip() else ()
