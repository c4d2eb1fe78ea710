"""What is alike in many objects of a list, kept once: of the pods of a set, and of its claims, that is more than half of what
they take in memory (owner, labels, containers, images). The values themselves stay what they were.
"""

from typing import Any

import msgspec
from msgspec.structs import force_setattr

from kubectl_pets.domain.model import PersistentVolumeClaim

#: Values of before, by themselves. So few are enough: lists come in the order of names, the pods of a set one after the other.
_KNOWN: dict[Any, Any] = {}
MOST_KNOWN = 4096

#: Called with a value twice: the one that is equal to it and was there before; it where there was none. Safe to use from several
#: threads. No function of ours, for each of many thousands of pods has thirty values.
once = _KNOWN.setdefault


def forget() -> None:
    """Called once for each object: no more is remembered than ``MOST_KNOWN`` values and those of one object."""
    if len(_KNOWN) > MOST_KNOWN:
        _KNOWN.clear()


def keep_once(item: msgspec.Struct, *fields: str) -> None:
    """Have fields whose values can be hashed share them with what was there before."""
    for field in fields:
        value = getattr(item, field)
        force_setattr(item, field, once(value, value))


def keep_mapping_once(item: msgspec.Struct, field: str) -> None:
    """The same for a mapping of strings, as a whole. Nobody may change it afterwards."""
    value = getattr(item, field)
    if value:
        force_setattr(item, field, once((dict, *value.items()), value))  # no other value begins so


def share_claim(claim: PersistentVolumeClaim) -> None:
    """What the claims of a set have alike: they are made from one template."""
    forget()
    keep_once(claim.metadata, "namespace", "owner_references")
    keep_mapping_once(claim.metadata, "labels")
    keep_mapping_once(claim.metadata, "annotations")
    keep_once(claim.spec, "storage_class_name", "access_modes")
    keep_once(claim.status, "phase")
