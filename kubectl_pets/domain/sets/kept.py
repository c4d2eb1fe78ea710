"""The earlier template of a LeaderWorkerSet, kept as an annotation of the set itself.

Its controller deletes all ControllerRevisions but the newest once an update is done (kubernetes-sigs/lws revision_utils.go
TruncateRevisions), so afterwards nobody could go back. What is about to be replaced is therefore kept in the very change that
releases the first group, or puts an earlier template back.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from kubectl_pets.domain.model import ControllerRevision, ObjectMeta, Value

#: On a LeaderWorkerSet: what ran before, as JSON of ``KeptTemplate``.
KEPT_ANNOTATION = "kubectl-pets/kept-template"

#: Of these letters is what a controller names a revision by (apimachinery pkg/util/rand SafeEncodeString).
_HASH = frozenset("bcdfghjklmnpqrstvwxz2456789")

#: All annotations of an object together (k8s.io/apimachinery TotalAnnotationSizeLimitB), less some room for other notes.
_MOST = 256 * 1024 - 8 * 1024


class KeptTemplate(Value, frozen=True):
    """What a ControllerRevision of a LeaderWorkerSet held, and what came after it."""

    #: Of the LeaderWorkerSet: the annotation may have been copied to another one.
    uid: str
    #: As pods carry it.
    key: str
    revision: int
    created: datetime | None = None
    #: The key of the revision that replaced it: of any other wanted one it is not what ran before.
    replaced_by: str = ""
    #: ``leaderWorkerTemplate`` and ``networkConfig``, in full.
    spec: dict[str, dict[str, Any]] = {}


def keepable(owner: ObjectMeta, key: str, stored: ControllerRevision) -> KeptTemplate | None:
    """What would keep a revision, with nothing said of what replaces it; None where it holds nothing, or is too large for an
    annotation."""
    spec = {
        "leaderWorkerTemplate": without_directive(stored.data.spec.leader_worker_template or {}),
        "networkConfig": without_directive(stored.data.spec.network_config or {}),
    }
    made = stored.metadata.creation_timestamp
    record = KeptTemplate(uid=owner.uid, key=key, revision=stored.revision, created=made, replaced_by="", spec=spec)
    others = sum(len(name.encode()) + len(value.encode()) for name, value in owner.annotations.items() if name != KEPT_ANNOTATION)
    fits = len(as_note(record, "").encode()) + others <= _MOST
    return record if spec["leaderWorkerTemplate"] and fits else None


def as_note(record: KeptTemplate, replaced_by: str) -> str:
    """The annotation's text."""
    return msgspec.json.encode(msgspec.structs.replace(record, replaced_by=replaced_by)).decode()


def kept_template(notes: Mapping[str, str], uid: str) -> KeptTemplate | None:
    """What the annotation keeps of the set of this ``uid``; None: nothing, or what nobody can read."""
    text = notes.get(KEPT_ANNOTATION, "")
    try:
        found = msgspec.json.decode(text, type=KeptTemplate) if text else None
    except (msgspec.DecodeError, RecursionError):
        return None
    sound = found is not None and found.uid == uid and found.key and found.spec.get("leaderWorkerTemplate")
    return found if sound else None


def without_directive(value: Mapping[str, Any]) -> dict[str, Any]:
    """Without ``$patch``, which says how a stored revision is applied and is no part of it."""
    return {key: each for key, each in value.items() if key != "$patch"}


def is_of_another(revision: str, owner: str) -> bool:
    """Whether a ControllerRevision was made for another set than the one of this name, by its own, ``<set>-<hash>``
    (pkg/controller/history ControllerRevisionName). A set adopts every one that nobody owns and its selector matches
    (ListControllerRevisions, adoptOrphanRevisions), and numbers its own on from there: what a set of the same labels left behind
    that was deleted with ``--cascade=orphan`` is in its history then, and need never have run in it."""
    origin, _, letters = revision.rpartition("-")
    return bool(origin) and origin != owner and bool(letters) and _HASH.issuperset(letters)
