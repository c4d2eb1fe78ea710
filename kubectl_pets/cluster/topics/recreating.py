"""Reads a set with all that it holds, and what was saved of one that is made again."""

import msgspec
from msgspec.structs import replace

from kubectl_pets.cluster.http.together import together
from kubectl_pets.cluster.objects.kinds import ResourceKind
from kubectl_pets.cluster.objects.lists import Reader, Scope
from kubectl_pets.cluster.objects.writes import RECORDS, WHOLE_SETS
from kubectl_pets.cluster.topics.sets import items
from kubectl_pets.domain.recreate.content import IMMUTABLE
from kubectl_pets.domain.sets.away import RECORD_KEY, PodTaker, Recreation, SavedRecreation, WholeSet, record_name
from kubectl_pets.errors import NotFoundError

_TAKERS = (
    ResourceKind(PodTaker, "/apis/apps/v1", "daemonsets", "DaemonSet"),
    ResourceKind(PodTaker, "/apis/apps/v1", "replicasets", "ReplicaSet"),
    ResourceKind(PodTaker, "/api/v1", "replicationcontrollers", "ReplicationController"),
)

_RECREATION = msgspec.json.Decoder(Recreation)


def whole_set(reader: Reader, namespace: str, name: str) -> WholeSet | None:
    """None: there is no such set."""
    try:
        return reader.one(WHOLE_SETS, namespace, name)
    except NotFoundError:
        return None


def pod_takers(reader: Reader, namespace: str) -> tuple[tuple[PodTaker, ...], tuple[str, ...]]:
    """Whatever in the namespace takes on pods that are nobody's, and the resources of which nobody may see that."""
    found = together([items(reader, kind, Scope(namespace=namespace)) for kind in _TAKERS])
    unread = tuple(kind.plural for kind, listed in zip(_TAKERS, found, strict=True) if listed is None)
    named = (replace(each, kind=kind.kind) for kind, listed in zip(_TAKERS, found, strict=True) for each in listed or ())
    return tuple(named), unread


def recreation(reader: Reader, namespace: str, name: str) -> SavedRecreation | None:
    """None: nothing is saved of a set of that name."""
    try:
        found = reader.one(RECORDS, namespace, record_name(name))
    except NotFoundError:
        return None
    try:
        intended = _RECREATION.decode(found.data.get(RECORD_KEY, ""))
    except (msgspec.MsgspecError, RecursionError):
        intended = None
    if intended is not None and (intended.namespace, intended.name) != (namespace, name):
        intended = None  # a copy of another one's
    if intended is not None and not intended.wanted.keys() <= {*IMMUTABLE}:
        intended = None  # no run of ours asks for other fields: whoever may write ConfigMaps could have any pod made
    return SavedRecreation(found.metadata.uid, found.metadata.resource_version, intended)
