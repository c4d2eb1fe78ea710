"""Reads a set with all that it holds, and what was saved of one that is made again."""

import msgspec

from kubectl_pets.cluster.objects.lists import Reader
from kubectl_pets.cluster.objects.writes import RECORDS, WHOLE_SETS
from kubectl_pets.domain.recreate.content import IMMUTABLE
from kubectl_pets.domain.sets.away import RECORD_KEY, Recreation, SavedRecreation, WholeSet, record_name
from kubectl_pets.errors import NotFoundError

_RECREATION = msgspec.json.Decoder(Recreation)


def whole_set(reader: Reader, namespace: str, name: str) -> WholeSet | None:
    """None: there is no such set."""
    try:
        return reader.one(WHOLE_SETS, namespace, name)
    except NotFoundError:
        return None


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
