"""Of which claims does a rollout take VolumeSnapshots before its pods go, by which class, and which one that is there counts?

One that an earlier run of the same rollout asked for counts, so that a run that was interrupted goes on; one from before counts
only if nothing has been rolled since: the generation of the set's spec and the age of the pod tell.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from kubectl_pets.domain.changes import SnapshotOf, TakeSnapshot
from kubectl_pets.domain.model import PersistentVolumeClaim, StatefulSet, ordinal_of
from kubectl_pets.domain.orphans.inventory import PersistentVolume
from kubectl_pets.domain.orphans.snapshots import Denied, NoSnapshot, Offer, VolumeSnapshot, choose
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.snapshots.marks import mark_of
from kubectl_pets.domain.stepping.guarding import takes_down
from kubectl_pets.domain.stepping.restarting import to_do
from kubectl_pets.domain.stepping.steps import (
    Act,
    Delete,
    Evict,
    Goal,
    Mark,
    Note,
    RestartPods,
    Restore,
    SetPartition,
    Stage,
    Step,
    Wait,
)

#: An older one is not of before this rollout any more, whatever else speaks for it.
LASTS = timedelta(days=1)

#: A VolumeSnapshot's name (RFC 1123 subdomain), less what may follow it.
_LONGEST = 253 - 4


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """What snapshots are planned on, as read. ``volumes`` by name, None: could not be read."""

    claims: tuple[PersistentVolumeClaim, ...]
    volumes: Mapping[str, PersistentVolume | None] | None
    offer: Offer


class AtStake(msgspec.Struct, frozen=True, kw_only=True):
    """A claim that gets a snapshot. ``revision``: what runs on its data; ``pod_since``: since when its pod is there, None: it
    has none."""

    claim: str
    uid: str
    pod: str
    ordinal: int
    revision: str
    pod_since: datetime | None
    volume: PersistentVolume
    snapshot_class: str


class Unfit(msgspec.Struct, frozen=True, kw_only=True):
    """A claim that no snapshot can be taken of, and why. ``detail``: text from the cluster; ``claim`` empty: it is about all."""

    claim: str
    reason: NoSnapshot
    detail: str = ""


def targets(
    owner: StatefulSet, seen: Assessment, ground: Ground, named: str, pods: Collection[str], *, empty: bool
) -> tuple[tuple[AtStake, ...], tuple[Unfit, ...]]:
    """The claims of these ``pods``, and with ``empty`` those of slots that hold no pod, from the highest ordinal down; and
    what speaks against it. ``named``: the VolumeSnapshotClass, empty: the default one of each volume's driver."""
    found: list[AtStake] = []
    unfit: list[Unfit] = []
    for name, ordinal, claim in _claims(owner, seen, ground.claims, pods, empty=empty):
        target = target_of(seen, ground, named, name, ordinal, claim)
        if isinstance(target, Unfit):
            unfit.append(target)
        else:
            found.append(target)
    return tuple(found), tuple(unfit)


def _claims(
    owner: StatefulSet, seen: Assessment, claims: Iterable[PersistentVolumeClaim], pods: Collection[str], *, empty: bool
) -> Iterator[tuple[str, int, PersistentVolumeClaim | None]]:
    """Name, ordinal and claim; None: its pod is there and it is not."""
    stems = [f"{template.name}-{owner.name}" for template in owner.spec.volume_claim_templates]
    by_name = {claim.name: claim for claim in claims}
    held = {member.ordinal for member in seen.members if member.uid}
    wanted = {(member.ordinal, stem) for member in seen.members if member.uid and member.name in pods for stem in stems}
    if empty:
        pairs = ((stem, ordinal_of(name, stem)) for name in by_name for stem in stems)
        wanted |= {(number, stem) for stem, number in pairs if number is not None and number in seen.slots and number not in held}
    for ordinal, stem in sorted(wanted, reverse=True):
        name = f"{stem}-{ordinal}"
        yield name, ordinal, by_name.get(name)


def target_of(
    seen: Assessment, ground: Ground, named: str, name: str, ordinal: int, claim: PersistentVolumeClaim | None
) -> AtStake | Unfit:
    """One claim of the set, in range or not."""
    if claim is None:
        return Unfit(claim=name, reason=NoSnapshot.CLAIM_MISSING)
    if claim.metadata.deletion_timestamp is not None:
        return Unfit(claim=name, reason=NoSnapshot.CLAIM_TERMINATING)
    if claim.status.phase != "Bound" or not claim.spec.volume_name:
        return Unfit(claim=name, reason=NoSnapshot.CLAIM_UNBOUND)
    if ground.volumes is None:
        return Unfit(claim=name, reason=NoSnapshot.VOLUME_UNREADABLE)
    volume = ground.volumes.get(claim.spec.volume_name)
    if volume is None or volume.spec.claim_ref is None or volume.spec.claim_ref.uid != claim.metadata.uid:
        return Unfit(claim=name, reason=NoSnapshot.NO_VOLUME)
    chosen = choose(ground.offer, named, volume)
    if isinstance(chosen, Denied):
        return Unfit(claim=name, reason=chosen.reason, detail=chosen.detail)
    member = next((each for each in seen.members if each.ordinal == ordinal and each.uid), None)
    return AtStake(
        claim=name,
        uid=claim.metadata.uid,
        pod=seen.slots.name(ordinal),
        ordinal=ordinal,
        revision=(member.revision if member is not None else "") or seen.current_revision,
        pod_since=member.created if member is not None else None,
        volume=volume,
        snapshot_class=chosen.snapshot_class,
    )


def usable(
    target: AtStake, seen: Assessment, listed: Iterable[VolumeSnapshot], now: datetime, *, begun: bool, held: bool = False
) -> VolumeSnapshot | None:
    """The newest VolumeSnapshot that an earlier run of this rollout asked for. ``begun``: pods run the new revision already, so
    the spec has been changed since by the rollout itself. ``held``: only one that was taken while the pod stood still."""
    best: VolumeSnapshot | None = None
    newest: datetime | None = None
    for each in listed:
        mark = mark_of(each)
        if mark is None or each.metadata.deletion_timestamp is not None or now - mark.asked_at > LASTS:
            continue
        if (mark.set_uid, mark.claim_uid, mark.revision) != (seen.uid, target.uid, target.revision):
            continue
        if each.spec.volume_snapshot_class_name != target.snapshot_class or mark.held < held:
            continue
        if target.pod_since is not None and mark.asked_at < target.pod_since:
            continue  # the pod has been another one since: what was rolled then was another rollout
        if not begun and mark.generation < seen.generation - 1:  # staging alone is one more
            continue
        if newest is None or mark.asked_at > newest:
            best, newest = each, mark.asked_at
    return best


def asking(
    target: AtStake, seen: Assessment, listed: Iterable[VolumeSnapshot], run: str, *, held: bool = False
) -> TakeSnapshot:
    """The snapshot to ask for. Its name is the same for whoever asks at this point of the rollout: the claim, its uid, the
    revision that runs and the generation of the spec; where one of that name does not count, it gets a number."""
    tail = f"-{target.uid[:8]}-{target.revision.rpartition('-')[2][:10]}-{seen.generation}"
    name = free_name(target.claim, tail, {each.name for each in listed})
    return TakeSnapshot(
        namespace=seen.namespace,
        claim=target.claim,
        uid=target.uid,
        name=name,
        snapshot_class=target.snapshot_class,
        of=SnapshotOf(
            set_name=seen.name,
            set_uid=seen.uid,
            revision=target.revision,
            ordinal=target.ordinal,
            generation=seen.generation,
            run=run,
            held=held,
        ),
    )


def free_name(head: str, tail: str, there: Collection[str]) -> str:
    """Of both, with a number where it is taken."""
    stem = f"{head[: _LONGEST - len(tail)].rstrip('-.')}{tail}"
    name, number = stem, 1
    while name in there:
        number += 1
        name = f"{stem}-{number}"
    return name


def changed_since(target: AtStake, claims: Iterable[PersistentVolumeClaim]) -> Unfit | None:
    """What has become of the claim while its snapshot was taken, if that is no longer the claim that it was."""
    claim = next((each for each in claims if each.name == target.claim), None)
    if claim is None or claim.metadata.uid != target.uid or claim.spec.volume_name != target.volume.name:
        return Unfit(claim=target.claim, reason=NoSnapshot.CLAIM_REPLACED)
    if claim.metadata.deletion_timestamp is not None:
        return Unfit(claim=target.claim, reason=NoSnapshot.CLAIM_TERMINATING)
    return None


def at_stake(step: Step, goal: Goal, seen: Assessment) -> frozenset[str]:
    """The pods that go from this step on, by name: what their claims hold is what somebody may want back. Empty: none does."""
    match step:
        case Note(pods=pods):
            return frozenset(pods)
        case Stage() | Mark() | Restore():
            return frozenset(member.name for member in seen.members if member.uid)
        case _ if takes_down(step, seen) is None:
            return frozenset()
        case _ if isinstance(goal, RestartPods):
            return frozenset(member.name for member in to_do(goal, seen)) | going_now(step, seen)
        case _:
            return frozenset(member.name for member in seen.members if member.uid and not member.updated)


def going_now(step: Step, seen: Assessment) -> frozenset[str]:
    """The pods that go by this very step."""
    match step:
        case Delete(pod=pod) | Evict(pod=pod):
            return frozenset((pod,))
        case SetPartition(releases=releases):
            return frozenset(releases)
        case Stage(partition=int() as partition):  # below the replicas where broken pods are mended by it
            return frozenset(member.name for member in seen.members if member.uid and member.position >= partition)
        case _ if takes_down(step, seen) is not None:
            return frozenset(member.name for member in seen.members if member.uid)
        case _:
            return frozenset()


def going_already(entries: Iterable[Act | Wait], goal: Goal, seen: Assessment) -> frozenset[str]:
    """The pods that the controller takes down before the first step of a plan comes that snapshots are taken for: they are
    released, and the plan waits for them, as in a rollout that somebody else began."""
    for entry in entries:
        if isinstance(entry, Act) and at_stake(entry.step, goal, seen):
            return frozenset()
        if isinstance(entry, Wait):
            break
    rolls = seen.strategy == "RollingUpdate" and seen.under_way
    return frozenset(each.name for each in seen.members if rolls and each.uid and each.released and each.outdated)


def has_begun(step: Step, seen: Assessment) -> bool:
    """Whether pods run the new revision already."""
    return not isinstance(step, Stage | Mark | Restore | Note) and any(member.updated for member in seen.members)
