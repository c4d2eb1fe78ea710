"""How does a set get out of a rollout that went wrong? Undo restores an earlier template, and both verbs free what stays stuck.

Restoring the template is not enough: in OrderedReady a pod that is not available stops the controller, and the broken pod of the
bad revision is one (kubernetes/kubernetes#67250, the forced-rollback trap). Then just that pod is deleted, the lowest ordinal
first. Where the controller replaces broken pods itself (Parallel, but for 1.35.0 to 1.35.3) nothing is deleted. Never touched is
a pod that serves, that is at the revision it would come back at, or that is on its way out.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from kubectl_pets.domain.rollout.history import RevisionEntry
from kubectl_pets.domain.rollout.revisions import Doubt, was_left
from kubectl_pets.domain.rollout.stuck import is_stuck
from kubectl_pets.domain.rollout.times import later
from kubectl_pets.domain.rollout.verdict import Assessment, Cause, Phase
from kubectl_pets.domain.sets.kept import kept_template
from kubectl_pets.domain.sets.kinds import Capability
from kubectl_pets.domain.stepping.moves import (
    REPLACED,
    await_pods,
    deletion,
    holds_up,
    next_down,
    not_kept,
    settled,
    unsettled,
)
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
    """Write the template of ``goal.revision``, note it, free what stays stuck, and wait until every pod is at it.

    The rule: restoring the template is not enough, for in OrderedReady a broken pod stops the controller
    (kubernetes/kubernetes#67250). Undone is only what every pod runs: where a partition keeps pods at another revision it ends as
    held back. OnDelete: pods are deleted one at a time, as ``rolling.roll_by_hand`` does.
    """
    memory = replace(memory, before=memory.before or seen.update_revision)
    if not memory.written and seen.update_revision != goal.revision:
        if seen.update_revision != memory.before:
            return Overtaken(reason=OvertakenReason.TEMPLATE_EDITED), memory
        hold = seen.replicas if goal.by is not None and seen.strategy != "OnDelete" else None
        step = Restore(
            revision=goal.revision, number=goal.number, template=goal.template, partition=hold, before=memory.before
        )
        return Act(step=step), memory
    if not memory.written and not seen.under_way and seen.all_available:  # its pods run that template already
        return unsettled(goal.settle, seen, now) or Done(reason=DoneReason.NOTHING_TO_DO), memory
    if memory.written and seen.update_revision == memory.before != goal.revision:
        # Put back by somebody, or not seen yet; where an undo was gone on with, ``before`` is the goal already.
        return not_kept(seen, memory), memory
    if _is_anothers(goal, seen, memory):
        return Overtaken(reason=OvertakenReason.TEMPLATE_EDITED), memory
    memory = replace(memory, revision=seen.update_revision)
    note = _completed(seen)
    if note is not None:
        return Act(step=Note(notes={UNDONE_ANNOTATION: note})), memory
    if seen.strategy == "OnDelete":
        decision, memory = roll_by_hand(Promote(settle=goal.settle), seen, now, memory)
        return _named(decision, DoneReason.UNDONE), memory
    freed = _free(seen, now, timedelta(0))
    if freed is not None:
        return freed, memory
    if goal.by is not None:
        decision, memory = roll(goal.by, seen, now, memory)
        return _truly_undone(_named(decision, DoneReason.UNDONE), seen), memory
    return _truly_undone(_settle(goal.settle, seen, now, DoneReason.UNDONE), seen), memory


def _is_anothers(goal: Undo, seen: Assessment, memory: RunMemory) -> bool:
    """Whether the first revision that is seen after the template was written may be somebody else's, who deployed right behind.
    Another name than the goal's is ours only as long as nobody has edited the spec since the answer to our change, whose
    generation tells (ObjectMeta.generation rises with each edit of it): a server that fills in other defaults than the one which
    stored the revision makes another one of the same template."""
    if memory.revision or memory.generation is None or seen.update_revision == goal.revision:
        return False
    return seen.generation != memory.generation


def _truly_undone(decision: Decision, seen: Assessment) -> Decision:
    """Undone is what every pod runs; what a partition keeps at another revision is not."""
    if isinstance(decision, Done) and not all(member.updated for member in seen.members):
        return Done(reason=DoneReason.HELD_BACK)
    return decision


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
    """Delete just the pods that the controller waits for in vain and that would come back at another revision, or with the volume
    that they lack, one at a time.

    The rule is that of ``undo`` for broken pods (kubernetes/kubernetes#67250); the template stays as it is.
    """
    memory = replace(memory, revision=seen.update_revision)
    decision = _give_volumes(seen) or _free(seen, now, goal.patience)
    if decision is not None:
        return decision, memory
    rests = seen.all_available and (settled(seen) or seen.strategy == "OnDelete")
    if rests:
        done = Done(reason=DoneReason.UNSTUCK if memory.changed else DoneReason.NOTHING_TO_DO)
        return unsettled(goal.settle, seen, now) or done, memory
    return _settle(goal.settle, seen, now, DoneReason.UNSTUCK), memory


def _give_volumes(seen: Assessment) -> Decision | None:
    """The deletion of the next pod that lacks the volume of a claim template (kubernetes/kubernetes#141876); None: no pod does.

    From the lowest ordinal up, because the controller stops at the lowest one before it makes any above it anew. One that serves
    is deleted only while every other pod does, too.
    """
    lacking = [member for member in seen.members if member.lacks and member.state not in REPLACED]
    if not lacking:
        return None
    if any(not member.available for member in seen.members if member is not lacking[0]) or seen.surplus:
        blockers = tuple(blocker for blocker in seen.blockers if blocker.cause is not Cause.VOLUME_MISSING)
        return Stuck(blockers=blockers) if blockers and is_stuck(seen, blockers) else await_pods(seen)
    return deletion(lacking[0], seen)


def _free(seen: Assessment, now: datetime, patience: timedelta) -> Decision | None:
    """The deletion of the pod that holds the controller up, or the wait until it may be called that; None: no pod does."""
    wrong = [member for member in seen.members if holds_up(member, seen)]
    member = next_down(wrong, seen, at_once=True)
    if member is None:
        return None
    broken = {blocker.pod for blocker in seen.blockers + seen.failing}
    if member.name not in broken and member.begun is not None:
        old_enough = later(member.begun, patience)
        if old_enough > now:
            return Wait(reason=WaitReason.PODS, pods=(member.name,), until=old_enough)
    return deletion(member, seen)


def _settle(settle: timedelta, seen: Assessment, now: datetime, reason: DoneReason) -> Decision:
    if settled(seen):
        return unsettled(settle, seen, now) or Done(reason=reason)
    return Stuck(blockers=seen.blockers) if seen.phase is Phase.STUCK else await_pods(seen)


def goes_back_to(
    past: tuple[RevisionEntry, ...], seen: Assessment, wanted: int | None, settle: timedelta = timedelta(0)
) -> str | Done | Refused:
    """The name of the revision that an undo means. ``past``: the set's own, the oldest first; ``wanted``: as typed, None: nothing
    typed; ``settle``: as in ``Undo``.

    The rule, unlike kubectl's, which goes back and forth each time it is typed: while pods are at several revisions it is what
    ran before (``revisions.ran_before``); otherwise the newest revision below the wanted one whose template differs from the live
    one (1.33 and 1.34 wrote the same template twice, kubernetes/kubernetes#134773), and that was not made for another set
    (``sets.kept.is_of_another``): another program may be in it. An undo that was typed again is done. Where
    nobody can say what ran before it is refused, and a number has to be named; so it is where that would go forward again.
    """
    numbers = {entry.name: entry.number for entry in past}
    if wanted is not None:
        return _numbered(numbers, wanted)
    if _was_undone(numbers, seen):
        return Done(reason=DoneReason.ALREADY_UNDONE) if _is_over(seen, settle) else seen.update_revision
    before = seen.before
    if before.doubt is not None:
        lost = tuple(member.name for member in seen.members if member.revision in before.not_kept)
        return Refused(reason=_DOUBTS[before.doubt], pods=lost)
    live = {entry.name for entry in past if entry.live}
    if before.revision == seen.update_revision or (before.revision in numbers and before.revision not in live):
        return before.revision
    newest = numbers.get(seen.update_revision, 0)
    before_it = [entry for entry in past if entry.number < newest and entry.came_before]
    earlier = [entry for entry in before_it if entry.name not in live and not entry.adopted]
    if not earlier:
        of_others = any(entry.adopted and entry.name not in live for entry in before_it)
        return Refused(reason=RefusedReason.ADOPTED_REVISIONS if of_others else RefusedReason.NO_EARLIER_REVISION)
    back = max(earlier, key=lambda entry: (entry.number, entry.name))
    made = next((entry.created for entry in past if entry.name == seen.update_revision), None)
    if not back.kept and was_left(back.created, made):
        return Refused(reason=RefusedReason.GONE_BACK, asked=back.number)
    return back.name


def _is_over(seen: Assessment, settle: timedelta) -> bool:
    """Whether every pod is at the wanted revision and has been up for as long as ``settle`` says. One that is missing right now
    is of no revision."""
    up = seen.youngest_up
    young = up is not None and up < settle and not seen.min_ready_seconds
    return seen.all_available and not seen.under_way and not young


def _numbered(numbers: dict[str, int], wanted: int) -> str | Refused:
    named = next((name for name, number in numbers.items() if number == wanted), None)
    return named or Refused(reason=RefusedReason.NO_SUCH_REVISION, asked=wanted, limit=max(numbers.values(), default=None))


def _was_undone(numbers: dict[str, int], seen: Assessment) -> bool:
    """Whether our note says that the wanted revision is what an earlier undo restored, and nothing was written since.

    What is gone back to gets the highest number (kubernetes pkg/controller/statefulset, getStatefulSetRevisions), and numbers
    only go up. So one in the note that is not above that of what was undone is out of a list from before the undo, which a cache
    gave, and says nothing; and a list in which the wanted revision has a lower one than the note is such a list itself.
    """
    undone, restored, number = (*seen.notes.get(UNDONE_ANNOTATION, "").split(" "), "", "")[:3]
    if undone not in numbers or restored != seen.update_revision:
        return False
    noted = int(number) if number.isdecimal() else 0
    return noted <= numbers[undone] or numbers.get(seen.update_revision, 0) <= noted


def undoes_to(seen: Assessment) -> str:
    """The revision that an undo would go back to, as far as one look at the set tells; empty: none, or it would be refused. For
    advice: the verb itself reads the whole templates."""
    if seen.before.doubt is not None or seen.before.revision == seen.update_revision:
        return ""
    kept = kept_template(seen.notes, seen.uid) if Capability.GROUPS in seen.kind.can else None
    ran = kept.key if kept is not None and kept.replaced_by == seen.update_revision else ""
    return seen.before.revision or seen.before.older or ran


_DOUBTS = {
    Doubt.NOT_KEPT: RefusedReason.REVISION_NOT_KEPT,
    Doubt.UNREAD: RefusedReason.REVISIONS_UNREAD,
    Doubt.OLDER_WANTED: RefusedReason.OLDER_WANTED,
}
