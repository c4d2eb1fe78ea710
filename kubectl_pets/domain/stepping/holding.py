"""How is a rollout held, let go again, and taken back? By the partition, and for an abort by deleting the updated pods.

Raising a partition is a pause and not a rollback: updated pods stay until they are deleted, and then come back at the current
revision. So an abort deletes them itself.
"""

from msgspec.structs import replace

from kubectl_pets.domain.rollout.members import LEAVING, traits
from kubectl_pets.domain.rollout.verdict import Assessment, Phase
from kubectl_pets.domain.stepping.moves import await_pods, deletion, next_down, to
from kubectl_pets.domain.stepping.steps import (
    Decision,
    Done,
    DoneReason,
    Overtaken,
    OvertakenReason,
    Partition,
    Refused,
    RefusedReason,
    RunMemory,
    Stuck,
)


def set_partition(goal: Partition, seen: Assessment, memory: RunMemory) -> Decision:
    if seen.strategy == "OnDelete":
        return Refused(reason=RefusedReason.ON_DELETE)
    if seen.partition == goal.partition:
        return Done(reason=DoneReason.PARTITION_SET if memory.changed else DoneReason.NOTHING_TO_DO)
    return to(goal.partition, seen)


def standing(seen: Assessment) -> int:
    """The position that the controller has come to: every one from here up is replaced or being replaced."""
    position = len(seen.slots)
    for member in reversed(seen.members):
        if not member.released or (member.outdated and member.state not in LEAVING):
            break
        position = member.position
    return position


def pause(seen: Assessment, memory: RunMemory) -> Decision:
    if seen.strategy == "OnDelete":
        return Done(reason=DoneReason.NEVER_ROLLS)
    if not seen.under_way and not memory.changed:
        return Refused(reason=RefusedReason.NOTHING_UNDER_WAY)
    position = standing(seen)
    if position <= seen.partition:
        return Done(reason=DoneReason.PAUSED if seen.partition else DoneReason.NOTHING_TO_DO)
    return to(position, seen, remember=True)


def resume(seen: Assessment, memory: RunMemory) -> Decision:
    if seen.strategy == "OnDelete":
        return Done(reason=DoneReason.NEVER_ROLLS)
    if memory.changed:
        return Done(reason=DoneReason.RESUMED)
    if seen.resume_partition is not None and seen.resume_partition < seen.partition:
        return to(seen.resume_partition, seen)
    if seen.partition == 0:
        return Done(reason=DoneReason.NOTHING_TO_DO)
    if not seen.under_way:
        return Refused(reason=RefusedReason.NOTHING_UNDER_WAY)
    if seen.partition >= seen.replicas:
        return Refused(reason=RefusedReason.STAGED_ONLY)
    # Without a note there is no pause to undo: this is a canary, or a resume typed a second time. Releasing is promote's.
    return Done(reason=DoneReason.NOTHING_TO_DO)


def abort(seen: Assessment, memory: RunMemory) -> tuple[Decision, RunMemory]:
    if seen.strategy == "OnDelete":
        return Refused(reason=RefusedReason.ON_DELETE), memory
    forward = [member for member in seen.members if member.revision not in ("", seen.current_revision)]
    restored = seen.current_revision == seen.update_revision
    done = all(member.updated and traits(member.state).ready for member in seen.members)
    if not memory.back_to:
        if seen.phase is Phase.COMPLETE or (done and not restored and not seen.surplus):
            return Refused(reason=RefusedReason.COMPLETE), memory
        if not seen.current_revision or (restored and not forward):
            return Refused(reason=RefusedReason.NO_WAY_BACK), memory
        memory = replace(memory, back_to=seen.current_revision)
    if seen.current_revision != memory.back_to:
        return _completed_meanwhile(seen, memory), memory
    if done and not restored:
        return await_pods(seen), memory  # the controller is about to call it finished, and then there is no way back
    if not restored and seen.partition < seen.replicas:
        return to(seen.replicas, seen), memory
    member = next_down(forward, seen, at_once=True)
    if member is not None:
        return deletion(member, seen), memory
    if not seen.all_available:
        return (Stuck(blockers=seen.blockers) if seen.phase is Phase.STUCK else await_pods(seen)), memory
    # Where the template is the old one again the controller replaces the released pods itself, one at a time.
    held = [member for member in forward if not restored or not member.released]
    if held:
        return deletion(held[-1], seen), memory
    if forward:
        return await_pods(seen), memory
    return Done(reason=DoneReason.ABORTED if memory.changed else DoneReason.NOTHING_TO_DO), memory


def _completed_meanwhile(seen: Assessment, memory: RunMemory) -> Decision:
    """The last pods became ready before they could be stopped: what the abort would go back to is history."""
    if seen.under_way:
        return Overtaken(reason=OvertakenReason.TEMPLATE_EDITED)
    if memory.changed and seen.partition > 0:
        return to(0, seen)  # ours, and it would silently hold back the next change
    return Refused(reason=RefusedReason.COMPLETE)
