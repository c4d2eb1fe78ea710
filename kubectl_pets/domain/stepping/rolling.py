"""How does a rollout go forward? By lowering the partition, or for OnDelete by deleting pods, one step at a time.

Each step waits until all that was released is available at the wanted revision, and no other pod is missing either.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from kubectl_pets.domain.rollout.members import LEAVING, PodState, traits
from kubectl_pets.domain.rollout.times import later
from kubectl_pets.domain.rollout.verdict import Assessment, Phase
from kubectl_pets.domain.stepping.moves import (
    await_pods,
    deletion,
    holds_up,
    next_down,
    not_kept,
    partition_at,
    settled,
    soaks_until,
    to,
    unsettled,
)
from kubectl_pets.domain.stepping.steps import (
    Act,
    Amount,
    Canary,
    Decision,
    Done,
    DoneReason,
    Goal,
    Promote,
    Refused,
    RefusedReason,
    Run,
    RunMemory,
    Stage,
    StepOn,
    Stuck,
    Wait,
    WaitReason,
)

#: A pod that merely is not ready may be replaying its log: it is left alone until it is this old.
_UNREADY_PATIENCE = timedelta(minutes=1)

#: The goals that go forward.
Forward = Canary | StepOn | Promote | Run


def roll(goal: Forward, seen: Assessment, now: datetime, memory: RunMemory) -> tuple[Decision, RunMemory]:
    """Stage the images under a partition that holds every pod, then lower it step by step to the goal's target.

    The rule: the controller replaces a pod at or above the partition, from the highest ordinal down, and waits until it is
    available (updateStatefulSetAfterInvariantEstablished); a step is over once all that was released is, and no other pod is
    missing. Steps that overlap do not wait for that (``_overlapping``). A pod that is broken at the version in place of which
    other images were ordered is deleted, and nothing else.
    """
    change = _staging(goal, seen, memory)
    if change is not None:
        return change, memory
    memory = replace(memory, revision=seen.update_revision)
    if not seen.under_way:
        return _nothing_to_roll(goal, seen, now, memory), memory
    if memory.target is None:
        target = _target(goal, seen, memory)
        if isinstance(target, Refused):
            return target, memory
        memory = replace(memory, target=target)
    assert memory.target is not None
    freed = _out_of_the_way(seen, now) if isinstance(goal, Canary | Run) and goal.images else None
    if freed is not None:
        return freed, memory
    if seen.phase is Phase.STUCK:
        return Stuck(blockers=seen.blockers), memory
    return _on(goal, seen, now, memory.target), memory


def _on(goal: Forward, seen: Assessment, now: datetime, target: int) -> Decision:
    """The next step of a rollout that has begun, or what is waited for before it."""
    if isinstance(goal, Run) and goal.overlap and seen.partition > target:
        done_from = _done_from(goal, seen, now)
        if done_from <= seen.replicas - _canary(goal, seen):
            return _overlapping(goal, seen, now, target, done_from)
    if not settled(seen):
        return await_pods(seen)
    young = unsettled(goal.settle, seen, now)
    if young is not None:
        return young
    if seen.partition <= target:
        return Done(reason=_arrived(goal, seen))
    soak = goal.soak if isinstance(goal, Run) else timedelta(0)
    until = soaks_until(seen.members, soak)
    if until is not None and until > now:
        return Wait(reason=WaitReason.SOAK, until=until)
    return to(_next_partition(goal, seen, target), seen)


def _staging(goal: Goal, seen: Assessment, memory: RunMemory) -> Decision | None:
    """The step that writes the wanted images into the template, if they are not there yet."""
    images = goal.images if isinstance(goal, Canary | Run) else ()
    begun = memory.changed or memory.target is not None or memory.pods is not None
    if isinstance(goal, Canary | StepOn) and not begun:
        asked = goal.pods.of(seen.replicas)
        if asked > seen.replicas:
            return Refused(reason=RefusedReason.TOO_MANY_PODS, asked=asked, limit=seen.replicas)
    made = dict(memory.admitted)
    wanted = tuple(image for image in images if made.get(image, image) not in seen.template)
    if not wanted:
        return None
    if begun:
        return not_kept(seen, memory)  # they were there already, and somebody took them out
    by_hand, mended = seen.strategy == "OnDelete", _mended_under(seen)
    if mended is None:
        if seen.phase is Phase.STUCK:
            return Refused(reason=RefusedReason.STUCK, blockers=seen.blockers)
        if seen.under_way and not by_hand and not seen.staged:
            return Refused(reason=RefusedReason.OTHER_ROLLOUT)
    partition = seen.replicas if mended is None else mended
    return Act(step=Stage(images=wanted, partition=None if by_hand else partition))


def _mended_under(seen: Assessment) -> int | None:
    """The partition under which another template mends what is broken, stuck or still failing: it holds every pod that serves,
    and a broken one comes back at a revision that is not the broken one. None: nothing is broken, or not the wanted version.

    A broken first rollout has no other revision than the broken one, so its broken pods have to be released
    (kubernetes/kubernetes#60164, #78007); a pod that has never been ready is no better than one that crashes.
    """
    broken = _broken(seen)
    # One that is Ready serves already, and is available before the template is written.
    serves = [member for member in seen.members if traits(member.state).ready and member.name not in broken]
    down = [member for member in seen.members if member.uid and not member.available and member.state not in LEAVING]
    if broken:
        if not broken <= {member.name for member in down}:
            return None
        down = [member for member in down if member.name in broken]
    elif serves:
        return None
    if not down or not all(member.updated for member in down):
        return None
    partition = min((member.position for member in down if member.revision == seen.before.held), default=seen.replicas)
    return None if any(member.position >= partition for member in serves) else partition


def _broken(seen: Assessment) -> set[str]:
    return {blocker.pod for blocker in (*seen.blockers, *seen.failing)}


def _out_of_the_way(seen: Assessment, now: datetime) -> Decision | None:
    """The deletion of the broken pod that is next, so that it comes back at another revision than it runs, which is not the
    wanted one; one that merely is not ready is given time first. None: no pod is in the way."""
    outdated = [member for member in seen.members if member.outdated and holds_up(member, seen)]
    member = next_down(outdated, seen, at_once=True)
    if member is None:
        return None
    if member.name not in _broken(seen) and member.begun is not None:
        old_enough = later(member.begun, _UNREADY_PATIENCE)
        if old_enough > now:
            return Wait(reason=WaitReason.PODS, pods=(member.name,), until=old_enough)
    return deletion(member, seen, ordered=True)


def _nothing_to_roll(goal: Forward, seen: Assessment, now: datetime, memory: RunMemory) -> Decision:
    if seen.phase is Phase.STUCK:
        return Stuck(blockers=seen.blockers)
    if not seen.all_available:
        return await_pods(seen)
    begun = memory.changed or memory.target is not None
    if isinstance(goal, Canary) and not goal.images and not begun:
        return Refused(reason=RefusedReason.NOTHING_STAGED)
    if seen.partition and isinstance(goal, StepOn) and not begun:
        return Refused(reason=RefusedReason.NOTHING_UNDER_WAY)
    young = unsettled(goal.settle, seen, now)  # also where a run that was killed had come so far
    if young is not None:
        return young
    if seen.partition and not isinstance(goal, StepOn):
        return to(0, seen)  # left over: it would silently hold back the next change
    return Done(reason=DoneReason.COMPLETE if begun else DoneReason.NOTHING_TO_DO)


def _target(goal: Forward, seen: Assessment, memory: RunMemory) -> int | Refused:
    """The partition that this verb goes down to."""
    partition = min(seen.partition, seen.replicas)
    match goal:
        case Promote() | Run():
            return 0
        case Canary(pods=pods):
            wanted = min(pods.of(seen.replicas), seen.replicas)
            released = seen.replicas - partition
            if released > wanted and not memory.changed:  # else it was scaled since the change was staged
                return Refused(reason=RefusedReason.ALREADY_FURTHER, asked=wanted, limit=released)
            return seen.replicas - wanted
        case StepOn(pods=pods):
            if any(member.released and not (member.available and member.updated) for member in seen.members):
                return partition  # an earlier step was cut short: finishing it is this step
            return max(0, partition - pods.of(seen.replicas))


def _next_partition(goal: Goal, seen: Assessment, target: int) -> int:
    if not isinstance(goal, Run):
        return target
    partition = min(seen.partition, seen.replicas)
    canary = min((goal.canary or goal.step).of(seen.replicas), seen.replicas)
    if seen.replicas - partition < canary:
        return seen.replicas - canary
    return max(target, partition - goal.step.of(seen.replicas))


def _canary(goal: Run, seen: Assessment) -> int:
    """How many pods are a step of their own, before steps may overlap."""
    return min(goal.canary.of(seen.replicas), seen.replicas) if goal.canary is not None else 0


def _done_from(goal: Run, seen: Assessment, now: datetime) -> int:
    """The lowest position from which every pod up to the highest is updated, available, and has stayed up for long enough."""
    position = len(seen.slots)
    for member in reversed(seen.members):
        if not (member.updated and member.available) or unsettled(goal.settle, seen, now, (member,)) is not None:
            break
        position = member.position
    return position


def _overlapping(goal: Run, seen: Assessment, now: datetime, target: int, done_from: int) -> Decision:
    """The partition as low as it may be while at most a step's pods are released and not done, or what is waited for.

    The rule: the controller goes at released pods from the highest ordinal down, as many at a time as ``maxUnavailable`` says,
    and begins with the next one as soon as one of these is available (updateStatefulSetAfterInvariantEstablished; KEP-961). Who
    releases the next only once all of a step are done makes it wait for the slowest. Here it waits for the highest that is not
    done, and for nothing else: those that are released and not done are all between the partition and ``done_from``, so a pod
    that does not get well stops the rollout a step's number of pods below it. A pod that is held back and missing is waited
    for, as between steps that do not overlap: one more would go down besides it.
    """
    at_once = goal.step.of(seen.replicas)
    partition = max(target, done_from - at_once)
    if seen.surplus or any(not (member.available or member.released) for member in seen.members):
        return await_pods(seen)
    if partition < seen.partition:
        return Act(step=replace(partition_at(partition, seen), overlap=at_once))
    first = next(member for member in reversed(seen.members) if member.position < done_from)
    young = unsettled(goal.settle, seen, now, (first,)) if first.updated and first.available else None
    return young or await_pods(seen)


def _arrived(goal: Goal, seen: Assessment) -> DoneReason:
    if seen.rolled_out:
        return DoneReason.COMPLETE
    return DoneReason.CANARY_REACHED if isinstance(goal, Canary) else DoneReason.STEP_REACHED


# --- by deletion (OnDelete) --------------------------------------------------------------------------------------------------


def roll_by_hand(goal: Forward, seen: Assessment, now: datetime, memory: RunMemory) -> tuple[Decision, RunMemory]:
    """OnDelete: write the images, then delete the pods of the goal one at a time, broken ones first, then from the top.

    The rule: the controller replaces no pod of such a set, and makes each that is missing from the update revision
    (apps/v1 OnDeleteStatefulSetStrategyType).
    """
    change = _staging(goal, seen, memory)
    if change is not None:
        return change, memory
    memory = replace(memory, revision=seen.update_revision)
    if memory.pods is None:
        memory = replace(memory, pods=_by_hand(goal, seen))
    assert memory.pods is not None
    mine = [member for member in seen.members if member.name in memory.pods and member.outdated and member.state not in LEAVING]
    if seen.phase is Phase.STUCK:
        return Stuck(blockers=seen.blockers), memory
    member = next_down(mine, seen)
    if member is not None:
        return deletion(member, seen), memory
    if not seen.all_available:
        return (Stuck(blockers=seen.blockers) if _only_others_block(seen) else await_pods(seen)), memory
    young = unsettled(goal.settle, seen, now)
    if young is not None:
        return young, memory
    if not mine:
        return Done(reason=_done_by_hand(goal, seen, memory)), memory
    soak = goal.soak if isinstance(goal, Run) else timedelta(0)
    until = soaks_until(seen.members, soak)
    if until is not None and until > now:
        return Wait(reason=WaitReason.SOAK, until=until), memory
    return deletion(mine[-1], seen), memory


def _only_others_block(seen: Assessment) -> bool:
    """Whether nothing goes on before a broken outdated pod is deleted that is not this verb's to delete."""
    down = [member.name for member in seen.members if not member.available]
    blocking = {blocker.pod for blocker in seen.blockers}
    return bool(down) and (set(down) <= blocking if seen.policy == "Parallel" else down[0] in blocking)


def _by_hand(goal: Goal, seen: Assessment) -> frozenset[str]:
    """The pods that the verb is to delete, decided once."""
    match goal:
        case Canary(pods=Amount() as pods):
            lowest = len(seen.slots) - pods.of(seen.replicas)
            return frozenset(member.name for member in seen.members if member.position >= lowest)
        case StepOn(pods=Amount() as pods):
            down = [member for member in seen.members if not member.available]
            if any(member.updated or member.state in (*LEAVING, PodState.MISSING) for member in down):
                return frozenset()  # an earlier step was cut short: finishing it is this step
            outdated = [member for member in reversed(seen.members) if member.outdated and member not in down]
            return frozenset(member.name for member in (down + outdated)[: pods.of(seen.replicas)])
        case _:
            return frozenset(member.name for member in seen.members)


def _done_by_hand(goal: Goal, seen: Assessment, memory: RunMemory) -> DoneReason:
    if seen.rolled_out:
        return DoneReason.COMPLETE if memory.changed else DoneReason.NOTHING_TO_DO
    return DoneReason.CANARY_REACHED if isinstance(goal, Canary) else DoneReason.STEP_REACHED
