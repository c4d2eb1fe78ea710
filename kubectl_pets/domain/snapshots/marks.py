"""Which VolumeSnapshots did a rollout of a set take, of which run are they, and which of them may go?

What a snapshot is of stands on itself, in labels and annotations (``domain.changes``): whoever types the command finds it, and it
outlives the set. All snapshots that one run asked for are a generation: they show the set at one time.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

import msgspec

from kubectl_pets.domain.changes import (
    CLAIM_ANNOTATION,
    CLAIM_UID_ANNOTATION,
    GENERATION_ANNOTATION,
    HELD_ANNOTATION,
    ORDINAL_ANNOTATION,
    REVISION_ANNOTATION,
    RUN_ANNOTATION,
    SET_ANNOTATION,
    SET_UID_LABEL,
    SNAPSHOT_LABELS,
    SNAPSHOTS_ANNOTATION,
    AnnotateRevision,
    DeleteSnapshot,
)
from kubectl_pets.domain.model import ControllerRevision
from kubectl_pets.domain.orphans.snapshots import VolumeSnapshot, asked_at

#: In bytes: all annotations of an object have 256 KiB (apimachinery, TotalAnnotationSizeLimitB).
_LONGEST_NOTE = 100_000

_TEXTS = (SET_ANNOTATION, CLAIM_ANNOTATION, CLAIM_UID_ANNOTATION, REVISION_ANNOTATION, RUN_ANNOTATION)


class SnapshotMark(msgspec.Struct, frozen=True, kw_only=True):
    """What a VolumeSnapshot that a rollout took says of itself."""

    set_name: str
    set_uid: str
    claim: str
    claim_uid: str
    #: The ControllerRevision that ran on the data.
    revision: str
    ordinal: int
    #: Of the set's spec when it was asked for.
    generation: int
    #: The run that asked for it.
    run: str
    asked_at: datetime
    #: A command in the pod had it stand still.
    held: bool = False


def mark_of(snapshot: VolumeSnapshot) -> SnapshotMark | None:
    """What it says of itself; None: no rollout took it, or somebody changed what it says."""
    meta = snapshot.metadata
    notes, of_ours = meta.annotations, all(meta.labels.get(key) == value for key, value in SNAPSHOT_LABELS.items())
    uid = meta.labels.get(SET_UID_LABEL)
    ordinal, generation = number_of(notes, ORDINAL_ANNOTATION), number_of(notes, GENERATION_ANNOTATION)
    said, since = [notes.get(key, "") for key in _TEXTS], asked_at(snapshot)
    if not of_ours or not uid or not all(said) or ordinal is None or generation is None or since is None:
        return None
    if said[1] != snapshot.spec.source.persistent_volume_claim_name:
        return None
    return SnapshotMark(
        set_name=said[0],
        set_uid=uid,
        claim=said[1],
        claim_uid=said[2],
        revision=said[3],
        ordinal=ordinal,
        generation=generation,
        run=said[4],
        asked_at=since,
        held=notes.get(HELD_ANNOTATION) == "true",
    )


def surplus(listed: Iterable[VolumeSnapshot], set_uid: str, keep: int) -> tuple[DeleteSnapshot, ...]:
    """What goes so that of this set only the ``keep`` newest generations stay. Never one that a rollout of this very set did not
    take, and of no claim the newest one that is ready: a younger generation may have none of it."""
    ours = [(mark, each) for each in listed if (mark := mark_of(each)) is not None and mark.set_uid == set_uid]
    ours.sort(key=lambda pair: pair[0].asked_at, reverse=True)
    kept = set(list(dict.fromkeys(mark.run for mark, _ in ours))[:keep])
    newest: dict[str, str] = {}
    for mark, each in ours:
        if each.status.ready_to_use and each.metadata.deletion_timestamp is None:
            newest.setdefault(mark.claim_uid, each.metadata.uid)
    return tuple(
        DeleteSnapshot(
            namespace=each.namespace,
            name=each.name,
            uid=each.metadata.uid,
            resource_version=each.metadata.resource_version,
        )
        for mark, each in ours
        if mark.run not in kept and each.metadata.uid not in newest.values() and each.metadata.deletion_timestamp is None
    )


class Snapped(msgspec.Struct, frozen=True):
    """What is written on a ControllerRevision: the run that took VolumeSnapshots of its data last, and their names."""

    run: str
    names: tuple[str, ...]


def noting(revision: ControllerRevision, run: str, names: Iterable[str]) -> AnnotateRevision | None:
    """Write them beside those of the same run; None: they stand there already. Whoever looks at a revision sees what there is to
    go back to; what counts is what stands on the snapshots themselves, for a revision goes when the history is trimmed."""
    meta = revision.metadata
    try:
        found = msgspec.json.decode(meta.annotations.get(SNAPSHOTS_ANNOTATION, ""), type=Snapped)
    except msgspec.MsgspecError:
        found = Snapped(run="", names=())
    there = set(found.names) if found.run == run else set[str]()
    text = msgspec.json.encode(Snapped(run=run, names=tuple(sorted(there.union(names))))).decode()
    return None if there.issuperset(names) or len(text) > _LONGEST_NOTE else _noted(revision, text)


def forgetting(revision: ControllerRevision, there: Collection[str]) -> AnnotateRevision | None:
    """Take off it the names of VolumeSnapshots that are not ``there`` any more, whoever deleted them; None: all of them are."""
    meta = revision.metadata
    try:
        found = msgspec.json.decode(meta.annotations.get(SNAPSHOTS_ANNOTATION, ""), type=Snapped)
    except msgspec.MsgspecError:
        return None
    left = tuple(name for name in found.names if name in there)
    if left == found.names:
        return None
    return _noted(revision, msgspec.json.encode(Snapped(run=found.run, names=left)).decode() if left else None)


def _noted(revision: ControllerRevision, text: str | None) -> AnnotateRevision:
    return AnnotateRevision(
        namespace=revision.namespace,
        name=revision.name,
        uid=revision.metadata.uid,
        resource_version=revision.metadata.resource_version,
        annotations={SNAPSHOTS_ANNOTATION: text},
    )


def number_of(notes: dict[str, str], key: str) -> int | None:
    """An annotation that is a count; None: it is none."""
    text = notes.get(key, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None
