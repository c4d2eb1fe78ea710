"""How does a set get out of a rollout that went wrong? Undo restores an earlier template, and both verbs free what stays stuck.

Restoring the template is not enough: in OrderedReady a pod that is not available stops the controller, and the broken pod of the
bad revision is one (kubernetes/kubernetes#67250, the forced-rollback trap). Then just that pod is deleted, the lowest ordinal
first. Where the controller replaces broken pods itself (Parallel, but for 1.35.0 to 1.35.3) nothing is deleted. Never touched is
a pod that serves, that is at the revision it would come back at, or that is on its way out.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec.structs import replace

from kubectl_pets.domain.rollout.members import Member, PodState, later
from kubectl_pets.domain.rollout.verdict import Assessment, Phase
from kubectl_pets.domain.stepping.moves import REPLACED, await_pods, deletion, next_down, revision_if_recreated, settled
from kubectl_pets.domain.stepping.rolling import roll, roll_by_hand
from kubectl_pets.domain.stepping.steps import (
    Act,
    Decision,
    Done,
    DoneReason,
    Note,
    Overtaken,
    OvertakenReason,
    Promote,
    Refused,
    RefusedReason,
    Restore,
    RunMemory,
    Stuck,
    Undo,
    Unstick,
    Wait,
    WaitReason,
)

#: On the set: the revision undone, the one restored, and the number that this one got, so that an undo typed again is known.
UNDONE_ANNOTATION = "kubectl-pets/undone"


def undo(goal: Undo, seen: Assessment, now: datetime, memory: RunMemory) -> tuple[Decision, RunMemory]:
    memory = replace(memory, before=memory.before or seen.update_revision)
    if not memory.written and seen.update_revision != goal.revision:
        if seen.update_revision != memory.before:
            return Overtaken(reason=OvertakenReason.TEMPLATE_EDITED), memory
        hold = seen.replicas if goal.by is not None and seen.strategy != "OnDelete" else None
        step = Restore(
            revision=goal.revision, number=goal.number, template=goal.template, partition=hold, before=memory.before
        )
        return Act(step=step), memory
    if not memory.written and not seen.under_way and seen.all_available:
        return Done(reason=DoneReason.NOTHING_TO_DO), memory
    if memory.written and seen.update_revision == memory.before != goal.revision:
        # Put back by somebody, or not seen yet; where an undo was gone on with, ``before`` is the goal already.
        return Overtaken(reason=OvertakenReason.TEMPLATE_EDITED), memory
    memory = replace(memory, revision=seen.update_revision)
    note = _completed(seen)
    if note is not None:
        return Act(step=Note(notes={UNDONE_ANNOTATION: note})), memory
    if seen.strategy == "OnDelete":
        decision, memory = roll_by_hand(Promote(), seen, now, memory)
        return _named(decision, DoneReason.UNDONE), memory
    freed = _free(seen, now, timedelta(0))
    if freed is not None:
        return freed, memory
    if goal.by is not None:
        decision, memory = roll(goal.by, seen, now, memory)
        return _named(decision, DoneReason.UNDONE), memory
    return _settle(seen, DoneReason.UNDONE), memory


def _completed(seen: Assessment) -> str | None:
    """The note with the restored revision's name and number, once both are known; None: it has them. A server that was upgraded
    in between fills in new defaults, and then the restored template is a revision of its own."""
    undone, *rest = seen.notes.get(UNDONE_ANNOTATION, "").split(" ")
    number = next((group.number for group in seen.revisions if group.update), None)
    if not undone or len(rest) != 1 or number is None:
        return None
    return f"{undone} {seen.update_revision} {number}"


def _named(decision: Decision, reason: DoneReason) -> Decision:
    return Done(reason=reason) if isinstance(decision, Done) else decision


def unstick(goal: Unstick, seen: Assessment, now: datetime, memory: RunMemory) -> tuple[Decision, RunMemory]:
    memory = replace(memory, revision=seen.update_revision)
    decision = _free(seen, now, goal.patience)
    if decision is not None:
        return decision, memory
    rests = seen.all_available and (settled(seen) or seen.strategy == "OnDelete")
    if rests:
        return Done(reason=DoneReason.UNSTUCK if memory.changed else DoneReason.NOTHING_TO_DO), memory
    return _settle(seen, DoneReason.UNSTUCK), memory


def _free(seen: Assessment, now: datetime, patience: timedelta) -> Decision | None:
    """The deletion of the pod that holds the controller up, or the wait until it may be called that; None: no pod does."""
    wrong = [member for member in seen.members if _holds_up(member, seen)]
    member = next_down(wrong, seen, at_once=True)
    if member is None:
        return None
    broken = {blocker.pod for blocker in seen.blockers}
    if member.name not in broken and member.created is not None:
        old_enough = later(member.created, patience)
        if old_enough > now:
            return Wait(reason=WaitReason.PODS, pods=(member.name,), until=old_enough)
    return deletion(member, seen)


def _holds_up(member: Member, seen: Assessment) -> bool:
    if member.available or member.state in (*REPLACED, PodState.READY) or not member.revision:
        return False
    if seen.heals and member.released:
        return False
    return revision_if_recreated(member, seen) not in ("", member.revision)


def _settle(seen: Assessment, reason: DoneReason) -> Decision:
    if settled(seen):
        return Done(reason=reason)
    return Stuck(blockers=seen.blockers) if seen.phase is Phase.STUCK else await_pods(seen)


def goes_back_to(numbers: Mapping[str, int], seen: Assessment, wanted: int | None) -> str | Done | Refused:
    """Which revision an undo means. ``numbers``: every revision of the set by name; ``wanted``: as typed, None: nothing typed.

    Unlike kubectl, which goes back and forth each time it is typed: while a rollout is under way, the revision that was last
    rolled out to the end; otherwise the one before the newest, but an undo that was typed again is done.
    """
    if wanted is not None:
        named = next((name for name, number in numbers.items() if number == wanted), None)
        return named or Refused(reason=RefusedReason.NO_SUCH_REVISION, asked=wanted, limit=max(numbers.values(), default=None))
    newest = numbers.get(seen.update_revision, 0)
    undone, restored, number = (*seen.notes.get(UNDONE_ANNOTATION, "").split(" "), "", "")[:3]
    if undone in numbers and restored == seen.update_revision and number in ("", str(newest)):
        over = seen.all_available and not seen.under_way  # a pod that is missing right now is of no revision
        return Done(reason=DoneReason.ALREADY_UNDONE) if over else seen.update_revision
    if seen.current_revision != seen.update_revision and seen.current_revision in numbers:
        return seen.current_revision
    if seen.under_way:
        return seen.update_revision  # the template is the old one again, its pods are not yet
    earlier = [(number, name) for name, number in numbers.items() if number < newest]
    return max(earlier)[1] if earlier else Refused(reason=RefusedReason.NO_EARLIER_REVISION)
