"""What is asked besides, where a set is not well: events, pods by name, nodes. Each is an optional right: without it, None."""

from collections.abc import Callable, Iterable, Sequence
from enum import Enum, auto
from functools import partial
from typing import Any

from kubectl_pets.cluster.http.together import together
from kubectl_pets.cluster.objects.kinds import PODS, ResourceKind
from kubectl_pets.cluster.objects.lists import Reader, Scope
from kubectl_pets.cluster.objects.nodes import NODES
from kubectl_pets.domain.model import Around, Event, NodeReadiness, Pod
from kubectl_pets.domain.rollout.asking import Questions
from kubectl_pets.errors import ForbiddenError, NotFoundError

#: Where client-go writes events of objects that have no namespace (tools/record, makeEvent).
_OF_THE_CLUSTER = "default"

EVENTS = ResourceKind(Event, "/api/v1", "events", "Event", optional=True)

#: Requests on their way at a time, where many sets are asked about.
_AT_ONCE = 16


class _Topic(Enum):
    EVENTS = auto()
    PODS = auto()
    NODES = auto()


#: The topic, the namespace and the name.
_Request = tuple[_Topic, str, str]

_Call = Callable[[], tuple[Any, ...] | None]


def around(reader: Reader, asked: Sequence[tuple[str, Questions]]) -> tuple[Around, ...]:
    """The answers for each set, with its namespace: every distinct request once, a few at a time. What may not be read in a
    namespace is not asked for again there. Raises PetsError for what is no missing right."""
    wanted = [_requests(reader, namespace, questions) for namespace, questions in asked]
    calls = {key: call for requests in wanted for key, call in requests.items()}
    answers: dict[_Request, tuple[Any, ...] | None] = {}
    denied: set[tuple[_Topic, str]] = set()
    keys = list(calls)
    ask = reader.together if len(keys) <= _AT_ONCE else together
    for start in range(0, len(keys), _AT_ONCE):
        now = [key for key in keys[start:start + _AT_ONCE] if key[:2] not in denied]
        answers |= zip(now, ask([_optional(calls[key]) for key in now]))
        denied |= {key[:2] for key in now if answers[key] is None}
    return tuple(
        Around(
            events=_joined(answers, requests, _Topic.EVENTS),
            namesakes=_joined(answers, requests, _Topic.PODS),
            nodes=_joined(answers, requests, _Topic.NODES),
        )
        for requests in wanted
    )


def _requests(reader: Reader, namespace: str, asked: Questions) -> dict[_Request, _Call]:
    about = (*((asked.set_name,) if asked.set_name else ()), *asked.pods)
    found: dict[_Request, _Call] = {}
    found |= {(_Topic.EVENTS, namespace, name): partial(_events, reader, namespace, name) for name in about}
    found |= {(_Topic.PODS, namespace, name): partial(_pod, reader, namespace, name) for name in asked.missing}
    found |= {(_Topic.NODES, "", name): partial(_node, reader, name) for name in asked.nodes}
    return found


def _optional(call: _Call) -> _Call:
    def ask() -> tuple[Any, ...] | None:
        try:
            return call()
        except ForbiddenError:
            return None

    return ask


def _joined(
    answers: dict[_Request, tuple[Any, ...] | None], requests: Iterable[_Request], topic: _Topic
) -> tuple[Any, ...] | None:
    """What was asked of one topic; None as soon as one may not be read."""
    found = [answers.get(key) for key in requests if key[0] is topic]
    if any(answer is None for answer in found):
        return None
    return tuple(item for answer in found for item in answer or ())


def _events(reader: Reader, namespace: str, name: str) -> tuple[Event, ...]:
    return reader.listing(EVENTS, Scope(namespace=namespace, about=name)).items


def about_volume(reader: Reader, volume: str) -> tuple[Event, ...] | None:
    """The events about a PersistentVolume, which are in namespace default as those of all objects without a namespace. None:
    they may not be read."""
    return _optional(lambda: _events(reader, _OF_THE_CLUSTER, volume))()


def about_claim(reader: Reader, namespace: str, claim: str) -> tuple[Event, ...] | None:
    """The events about claims of that name. None: they may not be read."""
    return _optional(lambda: _events(reader, namespace, claim))()


def _pod(reader: Reader, namespace: str, name: str) -> tuple[Pod, ...]:
    try:
        return (reader.one(PODS, namespace, name),)
    except NotFoundError:
        return ()


def _node(reader: Reader, name: str) -> tuple[NodeReadiness, ...]:
    try:
        node = reader.one(NODES, None, name)
    except NotFoundError:
        return (NodeReadiness(name=name, ready=""),)
    ready = node.ready
    return (NodeReadiness(name=name, ready=ready.status if ready is not None else "Unknown", since=node.silent_since),)
