"""The changes that this program ever makes to a cluster, as values.

A plan is made of them, a view draws them, ``--dry-run`` prints them and ``cluster/objects/writes.py`` carries them out. Each one
carries what must still be true for it to be safe, so the API server refuses it when the object changed since it was read.
"""

from enum import StrEnum, unique
from typing import Any

import msgspec


@unique
class DryRun(StrEnum):
    """kubectl's three: change it, only print it, or let the server judge it without keeping it."""

    NONE = "none"
    CLIENT = "client"
    SERVER = "server"


class Operation(msgspec.Struct, frozen=True, omit_defaults=True):
    """One operation of a JSON patch (RFC 6902)."""

    op: str
    path: str
    value: Any = msgspec.UNSET


class PatchSet(msgspec.Struct, frozen=True, kw_only=True, tag="patch-statefulset"):
    """A JSON patch on one StatefulSet. Its first operations are ``test``s of uid and generation: a status update in between
    does no harm, an edit of the spec does."""

    namespace: str
    name: str
    operations: tuple[Operation, ...]


class DeletePod(msgspec.Struct, frozen=True, kw_only=True, tag="delete-pod"):
    """Delete one pod, with uid and resourceVersion as preconditions (metav1.Preconditions)."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    #: By the Eviction API (policy/v1): refused where a PodDisruptionBudget does not allow it.
    evict: bool = False
    #: With grace period 0: the API server forgets the pod at once, whether its containers have stopped or not.
    force: bool = False


Change = PatchSet | DeletePod
