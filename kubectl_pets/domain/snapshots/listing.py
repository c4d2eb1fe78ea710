"""Which VolumeSnapshots are there of a set's claims: of which of them, of which revision, when, and can one be gone back to?"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.model import PersistentVolumeClaim, StatefulSet, ordinal_of
from kubectl_pets.domain.orphans.snapshots import VolumeSnapshot, asked_at, group_of
from kubectl_pets.domain.snapshots.marks import mark_of

_NEVER = datetime.min.replace(tzinfo=UTC)


@unique
class Taker(StrEnum):
    """Who has taken it."""

    #: A rollout of this set.
    ROLLOUT = "rollout"
    #: A rollout of a set of the same name that is gone.
    EARLIER_SET = "earlier-set"
    #: Anybody else, of a claim of this set.
    OTHERS = "others"


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One VolumeSnapshot. ``cut_at``: when the storage made the cut, by its own clock; None: not yet. ``revision`` and ``run``
    are empty where no rollout took it. ``group``: the VolumeGroupSnapshot that cut it with others in one moment, empty: none.
    ``size`` is a quantity, empty: not known."""

    name: str
    uid: str
    claim: str
    pod: str
    ordinal: int
    taker: Taker
    revision: str
    run: str
    asked_at: datetime | None
    cut_at: datetime | None
    ready: bool
    leaving: bool
    size: str
    snapshot_class: str
    group: str
    content: str
    error: str
    #: Its claim is the one that is there now; None: not known.
    claim_is_same: bool | None


def kept(
    name: str, owner: StatefulSet | None, listed: Iterable[VolumeSnapshot], claims: Iterable[PersistentVolumeClaim] | None
) -> tuple[Kept, ...]:
    """Those of the claims of a set, the newest first. ``owner`` None: it is gone, and what its rollouts took tells of itself.
    ``claims`` None: could not be read."""
    uids = {each.name: each.metadata.uid for each in claims} if claims is not None else None
    found = [row for each in listed if (row := _kept(name, owner, each, uids)) is not None]
    return tuple(sorted(found, key=lambda row: (row.asked_at or _NEVER, row.ordinal, row.name), reverse=True))


def _kept(name: str, owner: StatefulSet | None, found: VolumeSnapshot, uids: Mapping[str, str] | None) -> Kept | None:
    claim, mark = found.spec.source.persistent_volume_claim_name, mark_of(found)
    of_set = mark is not None and mark.set_name == name
    ordinal = mark.ordinal if mark is not None and of_set else _ordinal(owner, claim)
    if not claim or ordinal is None:
        return None
    taker = Taker.OTHERS
    if mark is not None and of_set:
        taker = Taker.ROLLOUT if owner is not None and mark.set_uid == owner.metadata.uid else Taker.EARLIER_SET
    status, meta, group = found.status, found.metadata, group_of(found)
    return Kept(
        name=found.name,
        uid=meta.uid,
        claim=claim,
        pod=f"{name}-{ordinal}",
        ordinal=ordinal,
        taker=taker,
        revision=mark.revision if mark is not None and of_set else "",
        run=mark.run if mark is not None and of_set else "",
        asked_at=asked_at(found),
        cut_at=status.creation_time,
        ready=status.ready_to_use,
        leaving=meta.deletion_timestamp is not None,
        size=str(status.restore_size) if status.restore_size is not None else "",
        snapshot_class=found.spec.volume_snapshot_class_name,
        group=group.name if group is not None else "",
        content=status.bound_volume_snapshot_content_name,
        error=status.error.message if status.error is not None and not status.ready_to_use else "",
        claim_is_same=uids.get(claim) == mark.claim_uid if mark is not None and uids is not None else None,
    )


def _ordinal(owner: StatefulSet | None, claim: str) -> int | None:
    """Of the slot that a claim of this name belongs to, in range or not; None: it is no claim of the set."""
    if owner is None:
        return None
    numbers = (ordinal_of(claim, f"{template.name}-{owner.name}") for template in owner.spec.volume_claim_templates)
    return next((number for number in numbers if number is not None), None)


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """How far apart the cuts of one run are: each is of its own volume, unless all are of one ``group``."""

    run: str
    group: str
    snapshots: int
    apart: timedelta
    #: So many are not cut yet.
    missing: int


def spreads(found: Iterable[Kept]) -> tuple[Spread, ...]:
    """Of each run of this set's rollouts that took several, the newest first."""
    runs: dict[str, list[Kept]] = {}
    for row in found:
        if row.taker is Taker.ROLLOUT:
            runs.setdefault(row.run, []).append(row)
    several = {run: rows for run, rows in runs.items() if len(rows) > 1}
    return tuple(_spread(run, rows) for run, rows in several.items())


def _spread(run: str, rows: list[Kept]) -> Spread:
    cuts = [row.cut_at for row in rows if row.cut_at is not None]
    apart = max(cuts) - min(cuts) if cuts else timedelta(0)
    groups = {row.group for row in rows}
    group = rows[0].group if len(groups) == 1 else ""
    return Spread(run=run, group=group, snapshots=len(rows), apart=apart, missing=len(rows) - len(cuts))
