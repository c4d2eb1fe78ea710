"""What is asked besides, where a set is not well: events, pods by name, nodes. Each is an optional right: without it, None."""

from collections.abc import Callable
from typing import TypeVar

from kubectl_pets.cluster.http.together import together
from kubectl_pets.cluster.objects.kinds import PODS, ResourceKind
from kubectl_pets.cluster.objects.lists import Reader, Scope
from kubectl_pets.cluster.topics.safety import NODES
from kubectl_pets.domain.model import Around, Event, NodeReadiness, Pod
from kubectl_pets.domain.rollout.asking import Questions
from kubectl_pets.errors import ForbiddenError, NotFoundError

T = TypeVar("T")

#: Where client-go writes events of objects that have no namespace (tools/record, makeEvent).
_OF_THE_CLUSTER = "default"
_EVENTS = ResourceKind(Event, "/api/v1", "events", "Event", optional=True)


def around(reader: Reader, namespace: str, asked: Questions) -> Around:
    """The answers, all asked for at once. Raises PetsError for what is no missing right."""
    about = (*((asked.set_name,) if asked.set_name else ()), *asked.pods)
    events = [lambda name=name: _events(reader, namespace, name) for name in about]
    pods = [lambda name=name: _pod(reader, namespace, name) for name in asked.missing]
    nodes = [lambda name=name: _node(reader, name) for name in asked.nodes]
    found = together([_optional(call) for call in (*events, *pods, *nodes)])
    first, second = len(events), len(events) + len(pods)
    return Around(
        events=_joined(found[:first]), namesakes=_joined(found[first:second]), nodes=_joined(found[second:])
    )


def _optional(call: Callable[[], tuple[T, ...]]) -> Callable[[], tuple[T, ...] | None]:
    def ask() -> tuple[T, ...] | None:
        try:
            return call()
        except ForbiddenError:
            return None

    return ask


def _joined(answers: list[tuple[T, ...] | None]) -> tuple[T, ...] | None:
    """None as soon as one may not be read."""
    if any(answer is None for answer in answers):
        return None
    return tuple(item for answer in answers for item in answer or ())


def _events(reader: Reader, namespace: str, name: str) -> tuple[Event, ...]:
    return reader.listing(_EVENTS, Scope(namespace=namespace, about=name)).items


def about_volume(reader: Reader, volume: str) -> tuple[Event, ...] | None:
    """Of a PersistentVolume: what is of no namespace has its events in this one. None: may not be read."""
    return _optional(lambda: _events(reader, _OF_THE_CLUSTER, volume))()


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
