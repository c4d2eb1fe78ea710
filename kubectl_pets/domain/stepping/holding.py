"""How is a rollout held, let go again, and taken back? By the partition, and for an abort by deleting the updated pods.

Raising a partition is a pause and not a rollback: updated pods stay until they are deleted. What they come back at then is
``seen.before.held``, and an abort deletes them itself only where that is another revision than the wanted one.
"""

from datetime import datetime

from msgspec.structs import replace

from kubectl_pets.domain.rollout.members import LEAVING, traits
from kubectl_pets.domain.rollout.verdict import Assessment, Phase
from kubectl_pets.domain.sets.kinds import Capability
from kubectl_pets.domain.stepping.moves import await_pods, deletion, next_down, to, unsettled
from kubectl_pets.domain.stepping.steps import (
    Abort,
    Act,
    Decision,
    Done,
    DoneReason,
    Overtaken,
    OvertakenReason,
    Partition,
    Refused,
    RefusedReason,
    RunMemory,
    SetPartition,
    Stuck,
)


def set_partition(goal: Partition, seen: Assessment, memory: RunMemory) -> Decision:
    """The partition that was asked for, whatever it releases. OnDelete has none (apps/v1 RollingUpdateStatefulSetStrategy)."""
    if seen.strategy == "OnDelete":
        return Refused(reason=RefusedReason.ON_DELETE)
    if seen.partition == goal.partition:
        return Done(reason=DoneReason.PARTITION_SET if memory.changed else DoneReason.NOTHING_TO_DO)
    return to(goal.partition, seen)


def standing(seen: Assessment) -> int:
    """The position that the controller has come to: every one from here up is replaced or being replaced. Where the partition
    counts pods: how many are still to be replaced."""
    if seen.slots.by_count:
        return sum(member.outdated and member.state not in LEAVING for member in seen.members)
    position = len(seen.slots)
    for member in reversed(seen.members):
        if not member.released or (member.outdated and member.state not in LEAVING):
            break
        position = member.position
    return position


def pause(seen: Assessment, memory: RunMemory) -> Decision:
    """Raise the partition to where the rollout stands, and note what it was. Never lower it: that would release pods. Where it
    holds all that is to be held the note alone tells another run, which is between two of its steps, to go no further."""
    if seen.strategy == "OnDelete":
        return Done(reason=DoneReason.NEVER_ROLLS)
    if not seen.under_way and not memory.changed:
        return Refused(reason=RefusedReason.NOTHING_UNDER_WAY)
    position = standing(seen)
    if Capability.PAUSE in seen.kind.can and not seen.updates_stopped and max(position, seen.partition):
        return _stopped(to(max(position, seen.partition), seen, remember=True), True)
    if position > seen.partition:
        return to(position, seen, remember=True)
    if not seen.partition:
        return Done(reason=DoneReason.NOTHING_TO_DO)
    if seen.resume_partition is None and not (memory.changed or seen.updates_stopped):
        return to(seen.partition, seen, remember=True)
    if memory.changed and seen.resume_partition is None and not seen.updates_stopped:
        return Refused(reason=RefusedReason.NOTE_NOT_KEPT)
    return Done(reason=DoneReason.PAUSED)


def _stopped(act: Act, paused: bool) -> Act:
    """The step with updates stopped by the spec as well, or let go on. Stopped alone they would not hold: a pod that is lost
    comes back at what the partition says, all the same (OpenKruise isCurrentRevisionNeeded)."""
    assert isinstance(act.step, SetPartition)
    return Act(step=replace(act.step, paused=paused))


def resume(seen: Assessment, memory: RunMemory) -> Decision:
    """Take a pause of ours back, by its note. Without one it is a canary or a staged change, and to release that is promote's."""
    stands_still = seen.updates_stopped and Capability.STANDSTILL in seen.kind.can
    if seen.strategy == "OnDelete" and not (stands_still or memory.changed):
        return Done(reason=DoneReason.NEVER_ROLLS)
    if memory.changed:
        return Done(reason=DoneReason.RESUMED)
    if seen.updates_stopped:  # by us or, where there is no note, by somebody else: then the partition is theirs, too
        noted = seen.partition if seen.resume_partition is None else min(seen.resume_partition, seen.partition)
        return _stopped(to(noted, seen), False)
    if seen.resume_partition is not None and seen.partition:
        return to(min(seen.resume_partition, seen.partition), seen)
    if seen.partition == 0:
        return Done(reason=DoneReason.NOTHING_TO_DO)
    if not seen.under_way:
        return Refused(reason=RefusedReason.NOTHING_UNDER_WAY)
    if seen.partition >= seen.replicas:
        return Refused(reason=RefusedReason.STAGED_ONLY)
    # Without a note there is no pause to undo: this is a canary, or a resume typed a second time. Releasing is promote's.
    return Done(reason=DoneReason.NOTHING_TO_DO)


def abort(goal: Abort, seen: Assessment, now: datetime, memory: RunMemory) -> tuple[Decision, RunMemory]:
    """Hold every pod by the partition, then delete those that are not at the revision to go back to, one at a time.

    The rule: a deleted pod comes back at the current revision only while its ControllerRevision is there and another one than the
    update revision (getStatefulSetRevisions, newVersionedStatefulSetPod). Where it would come back at the wanted version nothing
    is deleted and the verb is refused; where that comes to be half-way it stops.
    """
    if seen.strategy == "OnDelete":
        return Refused(reason=RefusedReason.ON_DELETE), memory
    if not memory.back_to:
        back_to = abort_to(seen)
        if isinstance(back_to, Refused):
            return back_to, memory
        memory = replace(memory, back_to=back_to)
    return _no_way_any_more(seen, memory) or _bring_back(goal, seen, now, memory), memory


def abort_to(seen: Assessment) -> str | Refused:
    """The revision that an abort would bring every pod back to, or why there is none. Changes nothing; advice asks it, too."""
    if seen.strategy == "OnDelete":
        return Refused(reason=RefusedReason.ON_DELETE)
    if seen.rolled_out or (_all_updated(seen) and not seen.surplus and seen.before.held != seen.update_revision):
        return Refused(reason=RefusedReason.COMPLETE)
    if seen.before.held in ("", seen.update_revision) and not seen.before.put_back:
        return Refused(reason=RefusedReason.NO_WAY_BACK)
    return seen.before.held


def _all_updated(seen: Assessment) -> bool:
    """Then the controller is about to call the rollout finished, and there is no way back."""
    return all(member.updated and traits(member.state).ready for member in seen.members)


def _no_way_any_more(seen: Assessment, memory: RunMemory) -> Decision | None:
    """An abort has begun, and a pod that is deleted now would not come back at the revision that it goes back to."""
    if memory.back_to in (seen.before.held, seen.update_revision):
        return None
    if seen.current_revision == memory.back_to or (seen.current_revision == seen.update_revision and seen.under_way):
        return Overtaken(reason=OvertakenReason.REVISION_GONE)
    if seen.under_way:
        return Overtaken(reason=OvertakenReason.TEMPLATE_EDITED)
    # The last pods became ready before they could be stopped: what the abort would go back to is history.
    if memory.changed and seen.partition > 0:
        return to(0, seen)  # ours, and it would silently hold back the next change
    return Refused(reason=RefusedReason.COMPLETE)


def _bring_back(goal: Abort, seen: Assessment, now: datetime, memory: RunMemory) -> Decision:
    """The next deletion, or what is waited for. Broken pods first, then from the highest ordinal down; one that serves only once
    those that are back have stayed up."""
    put_back = seen.update_revision == memory.back_to
    if not put_back and _all_updated(seen):
        return await_pods(seen)
    if not put_back and seen.partition < seen.replicas:
        return to(seen.replicas, seen)
    forward = [member for member in seen.members if member.revision not in ("", memory.back_to)]
    member = next_down(forward, seen, at_once=True)
    if member is not None:
        return deletion(member, seen)
    if not seen.all_available:
        return Stuck(blockers=seen.blockers) if seen.phase is Phase.STUCK else await_pods(seen)
    back = [member for member in seen.members if member.revision == memory.back_to]
    young = unsettled(goal.settle, seen, now, back)
    if young is not None:
        return young
    # Where the template was put back meanwhile the controller replaces the released pods itself, one at a time.
    held = [member for member in forward if not put_back or not member.released]
    if held:
        return deletion(held[-1], seen)
    if forward:
        return await_pods(seen)
    return Done(reason=DoneReason.ABORTED if memory.changed else DoneReason.NOTHING_TO_DO)
