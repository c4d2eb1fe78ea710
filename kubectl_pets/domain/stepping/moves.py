"""What the ways to a goal have in common: which pod may be deleted next, what a new partition releases, when a step is over.

Partitions count positions, not ordinals (kubernetes/kubernetes#128529). A pod is deleted only where nothing else is on its way
back, and in OrderedReady only the lowest one that is down: nothing above it is ever made anew.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from kubectl_pets.domain.rollout.members import Member, PodState, traits
from kubectl_pets.domain.rollout.times import later
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.stepping.steps import (
    Act,
    Decision,
    Delete,
    Overtaken,
    OvertakenReason,
    Refused,
    RefusedReason,
    RunMemory,
    SetPartition,
    Wait,
    WaitReason,
)

#: Times of transition are cut to whole seconds (metav1.Time): what became available at .9 is noted as at .0.
CUT = timedelta(seconds=1)

#: The controller replaces these without us.
REPLACED = tuple(state for state in PodState if traits(state).replaced)


def revision_if_recreated(member: Member, seen: Assessment) -> str:
    """The revision at which the controller would make this pod anew (newVersionedStatefulSetPod; ``revisions.ran_before``). Where
    the partition counts pods: the held one while fewer of the others are old than it says (isCurrentRevisionNeeded)."""
    if seen.slots.by_count and 0 < seen.partition < seen.replicas:
        old = sum(other.outdated for other in seen.members if other.name != member.name)
        return seen.before.held if old < seen.partition else seen.update_revision
    return seen.update_revision if member.released else seen.before.held


def next_down(candidates: list[Member], seen: Assessment, *, at_once: bool = False) -> Member | None:
    """The candidate to delete next of those that are down already, if it is time: not while another one is on its way back.

    In OrderedReady nothing above the lowest unavailable pod is ever made anew, so only that one is of use. ``at_once``: in
    Parallel do not wait for others before deleting one that never started.
    """
    unavailable = [member for member in seen.members if not member.available]
    down = [member for member in unavailable if member.state is not PodState.RECOVERING]  # it serves, so it may stay
    mine = _deletable(candidates, down, alone=len(unavailable) == 1 and not seen.surplus)
    if not mine:
        return None
    if seen.policy != "Parallel":
        return mine[0] if mine[0] is down[0] else None
    dead = [member for member in mine if traits(member.state).never_served]
    if at_once and dead:
        return dead[0]
    coming = any(member.state in REPLACED or member.revision == revision_if_recreated(member, seen) for member in down)
    return None if coming else mine[0]


def _deletable(candidates: list[Member], down: list[Member], *, alone: bool) -> list[Member]:
    """Those of the candidates that are down, and on whose deletion something depends. ``alone``: no other pod is unavailable.
    One that is Ready serves already, and its minReadySeconds pass by themselves."""
    names = {member.name for member in candidates}
    there = [member for member in down if member.name in names and member.state not in REPLACED]
    return [member for member in there if alone or member.state is not PodState.READY]


def deletion(member: Member, seen: Assessment, *, ordered: bool = False) -> Act:
    comes_back_at = revision_if_recreated(member, seen)
    return Act(step=Delete(pod=member.name, revision=member.revision, comes_back_at=comes_back_at, ordered=ordered))


def holds_up(member: Member, seen: Assessment) -> bool:
    """Whether the controller waits in vain for this pod, which would come back at another revision than it runs: not available,
    not on its way, and not one that the controller replaces by itself (kubernetes/kubernetes#67250, #137409)."""
    if member.available or member.state in (*REPLACED, PodState.READY, PodState.RECOVERING) or not member.revision:
        return False
    if seen.heals and member.released:
        return False
    return revision_if_recreated(member, seen) not in ("", member.revision)


def not_kept(seen: Assessment, memory: RunMemory) -> Refused | Overtaken:
    """The ending where the template is the old one although this run has written another: refused where admission made the old
    one of it, overtaken where somebody has edited the spec since (its generation is newer than the answer's)."""
    if memory.generation is not None and seen.generation == memory.generation:
        return Refused(reason=RefusedReason.ADMISSION)
    return Overtaken(reason=OvertakenReason.TEMPLATE_EDITED)


def settled(seen: Assessment) -> bool:
    """All that was released is done, and no other pod is missing either: only then is the next release safe."""
    return seen.all_available and seen.released_done


def soaks_until(members: tuple[Member, ...], soak: timedelta, *, updated: bool = True) -> datetime | None:
    """When the pause after the newest of these pods is over. ``updated``: only those of the update revision count."""
    times = [member.available_at for member in members if (member.updated or not updated) and member.available_at is not None]
    return max(times) + soak + CUT if soak and times else None


def unsettled(settle: timedelta, seen: Assessment, now: datetime, members: Iterable[Member] | None = None) -> Wait | None:
    """The wait until the newest of ``members`` (None: of all updated pods) has been Ready for ``settle``; None: they have all
    stayed up for so long, or the set has minReadySeconds of its own."""
    if not settle or seen.min_ready_seconds:
        return None
    these = [member for member in seen.members if member.updated] if members is None else members
    times = [member.ready_since for member in these if member.ready_since is not None]
    until = later(max(times), settle) if times else now
    return Wait(reason=WaitReason.SETTLE, until=until) if until > now else None


def await_pods(seen: Assessment) -> Wait:
    return Wait(reason=WaitReason.PODS, pods=tuple(wait.span for wait in seen.waits_for if wait.pod))


def to(partition: int, seen: Assessment, *, remember: bool = False) -> Act:
    return Act(step=partition_at(partition, seen, remember=remember))


def partition_at(partition: int, seen: Assessment, *, remember: bool = False) -> SetPartition:
    releases = tuple(
        name for member in reversed(seen.members) if member.outdated and (name := _between(partition, member, seen))
    )
    return SetPartition(partition=partition, before=seen.partition, releases=releases, remember=remember)


def _between(partition: int, member: Member, seen: Assessment) -> str:
    """What the member holds from this position up to the partition; empty: nothing. Where the partition counts pods it may be any
    of those that are old."""
    if seen.slots.by_count:
        return member.name if partition < seen.partition else ""
    first, end = max(partition, member.position), min(seen.partition, member.position + member.count)
    if first >= end:
        return ""
    return member.name if member.count == 1 else seen.slots.names(first, end)


def one_at_a_time(decision: Decision, seen: Assessment) -> Decision:
    """A release of several pods cut down to the first of them; the rest follows once that one is back."""
    if not isinstance(decision, Act) or not isinstance(decision.step, SetPartition) or len(decision.step.releases) < 2:
        return decision
    first = decision.step.releases[0]
    one = partition_at(next(member.position for member in seen.members if member.name == first), seen)
    return Act(step=replace(one, overlap=decision.step.overlap))
