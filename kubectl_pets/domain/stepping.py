"""What is the next step towards a goal? ``decide`` answers from an assessment, again and again.

It is level-triggered: nothing is remembered of earlier steps but what Pins hold, so a rollout that was killed at any point goes
on from what the cluster says. Partitions count positions, not ordinals (kubernetes/kubernetes#128529); raising one is a pause and
not a rollback, so an abort deletes the updated pods itself.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from kubectl_pets.domain.members import LEAVING, Member, PodState
from kubectl_pets.domain.revisions import Image
from kubectl_pets.domain.steps import (
    Abort,
    Act,
    Amount,
    Canary,
    Decision,
    Delete,
    Done,
    DoneReason,
    Goal,
    Overtaken,
    OvertakenReason,
    Partition,
    Pause,
    Pins,
    Promote,
    Refused,
    RefusedReason,
    Resume,
    Run,
    SetPartition,
    Stage,
    StepOn,
    Stuck,
    Wait,
    WaitReason,
)
from kubectl_pets.domain.verdict import Assessment, Cause, Phase

#: Times of transition are cut to whole seconds (metav1.Time): what became available at .9 is noted as at .0.
CUT = timedelta(seconds=1)

_OBSERVE = Wait(reason=WaitReason.OBSERVATION)


def decide(goal: Goal, seen: Assessment, now: datetime, pins: Pins) -> tuple[Decision, Pins]:
    """The next decision, and what to hold on to. After acting on an Act, pass the pins on to the next call with ``after``."""
    if not pins.uid:
        pins = replace(pins, uid=seen.uid, strategy=seen.strategy)
    hindrance = _hindrance(goal, seen, pins)
    if hindrance is not None:
        return hindrance, pins
    match goal:
        case Partition():
            return _set(goal, seen, pins), pins
        case Pause():
            return _pause(seen, pins), pins
        case Resume():
            return _resume(seen, pins), pins
        case Abort():
            return _abort(seen, pins)
        case Canary() | StepOn() | Promote() | Run():
            if seen.strategy == "OnDelete":
                return _roll_by_hand(goal, seen, now, pins)
            return _roll(goal, seen, now, pins)


def after(act: Act, pins: Pins) -> Pins:
    """What to hold on to once the step has been carried out."""
    match act.step:
        case SetPartition(partition=partition):
            return replace(pins, partition=partition, changed=True)
        case Stage(partition=partition):
            return replace(pins, partition=partition, revision="", target=None, pods=None, changed=True)
        case Delete():
            return replace(pins, changed=True)


def _hindrance(goal: Goal, seen: Assessment, pins: Pins) -> Decision | None:
    """What every verb has to stop or wait for."""
    if seen.phase is Phase.GONE:
        return Overtaken(reason=OvertakenReason.DELETED)
    if seen.uid != pins.uid:
        return Overtaken(reason=OvertakenReason.REPLACED)
    if seen.phase is Phase.DELETING:
        return Overtaken(reason=OvertakenReason.DELETED) if pins.changed else Refused(reason=RefusedReason.DELETING)
    if any(blocker.cause is Cause.PODS_UNREADABLE for blocker in seen.blockers):
        return Refused(reason=RefusedReason.PODS_UNREADABLE)
    if seen.strategy != pins.strategy:
        return Overtaken(reason=OvertakenReason.STRATEGY_CHANGED)
    if seen.strategy not in ("RollingUpdate", "OnDelete"):
        return Refused(reason=RefusedReason.STRATEGY_UNKNOWN)
    if pins.partition is not None and seen.partition > pins.partition:
        return Overtaken(reason=OvertakenReason.PARTITION_RAISED)
    if pins.partition is not None and seen.partition < pins.partition and isinstance(goal, Abort | Pause | Partition):
        return Overtaken(reason=OvertakenReason.PARTITION_LOWERED)  # raising it again and again would be a tug of war
    if not seen.observed:
        return _OBSERVE
    if pins.revision and seen.update_revision != pins.revision:
        return Overtaken(reason=OvertakenReason.TEMPLATE_EDITED)
    return None


# --- partition, pause, resume ------------------------------------------------------------------------------------------------


def _set(goal: Partition, seen: Assessment, pins: Pins) -> Decision:
    if seen.strategy == "OnDelete":
        return Refused(reason=RefusedReason.ON_DELETE)
    if seen.partition == goal.partition:
        return Done(reason=DoneReason.PARTITION_SET if pins.changed else DoneReason.NOTHING_TO_DO)
    return _to(goal.partition, seen)


def standing(seen: Assessment) -> int:
    """The position that the controller has come to: every one from here up is replaced or being replaced."""
    position = len(seen.members)
    for member in reversed(seen.members):
        if not member.released or (member.outdated and member.state not in LEAVING):
            break
        position = member.position
    return position


def _pause(seen: Assessment, pins: Pins) -> Decision:
    if seen.strategy == "OnDelete":
        return Done(reason=DoneReason.NEVER_ROLLS)
    if not seen.under_way and not pins.changed:
        return Refused(reason=RefusedReason.NOTHING_UNDER_WAY)
    position = standing(seen)
    if position <= seen.partition:
        return Done(reason=DoneReason.PAUSED if seen.partition else DoneReason.NOTHING_TO_DO)
    return _to(position, seen, remember=True)


def _resume(seen: Assessment, pins: Pins) -> Decision:
    if seen.strategy == "OnDelete":
        return Done(reason=DoneReason.NEVER_ROLLS)
    if pins.changed:
        return Done(reason=DoneReason.RESUMED)
    if seen.resume_partition is not None and seen.resume_partition < seen.partition:
        return _to(seen.resume_partition, seen)
    if seen.partition == 0:
        return Done(reason=DoneReason.NOTHING_TO_DO)
    if not seen.under_way:
        return Refused(reason=RefusedReason.NOTHING_UNDER_WAY)
    if seen.partition >= seen.replicas:
        return Refused(reason=RefusedReason.STAGED_ONLY)
    # Without a note there is no pause to undo: this is a canary, or a resume typed a second time. Releasing is promote's.
    return Done(reason=DoneReason.NOTHING_TO_DO)


# --- abort -----------------------------------------------------------------------------------------------------------------


def _abort(seen: Assessment, pins: Pins) -> tuple[Decision, Pins]:
    if seen.strategy == "OnDelete":
        return Refused(reason=RefusedReason.ON_DELETE), pins
    forward = [member for member in seen.members if member.revision not in ("", seen.current_revision)]
    restored = seen.current_revision == seen.update_revision
    done = all(member.updated and member.state in (PodState.READY, PodState.AVAILABLE) for member in seen.members)
    if not pins.back_to:
        if seen.phase is Phase.COMPLETE or (done and not restored and not seen.surplus):
            return Refused(reason=RefusedReason.COMPLETE), pins
        if not seen.current_revision or (restored and not forward):
            return Refused(reason=RefusedReason.NO_WAY_BACK), pins
        pins = replace(pins, back_to=seen.current_revision)
    if seen.current_revision != pins.back_to:
        return _completed_meanwhile(seen, pins), pins
    if done and not restored:
        return _await_pods(seen), pins  # the controller is about to call it finished, and then there is no way back
    if not restored and seen.partition < seen.replicas:
        return _to(seen.replicas, seen), pins
    member = _down(forward, seen, seen.current_revision, at_once=True)
    if member is not None:
        return Act(step=_delete(member, seen.current_revision)), pins
    if not seen.all_available:
        return (Stuck(blockers=seen.blockers) if seen.phase is Phase.STUCK else _await_pods(seen)), pins
    # Where the template is the old one again the controller replaces the released pods itself, one at a time.
    held = [member for member in forward if not restored or not member.released]
    if held:
        return Act(step=_delete(held[-1], seen.current_revision)), pins
    if forward:
        return _await_pods(seen), pins
    return Done(reason=DoneReason.ABORTED if pins.changed else DoneReason.NOTHING_TO_DO), pins


def _completed_meanwhile(seen: Assessment, pins: Pins) -> Decision:
    """The last pods became ready before they could be stopped: what the abort would go back to is history."""
    if seen.under_way:
        return Overtaken(reason=OvertakenReason.TEMPLATE_EDITED)
    if pins.changed and seen.partition > 0:
        return _to(0, seen)  # ours, and it would silently hold back the next change
    return Refused(reason=RefusedReason.COMPLETE)


#: Nothing in such a pod has served anybody yet.
_NEVER_STARTED = (PodState.PENDING, PodState.UNSCHEDULABLE, PodState.CLAIM_UNBOUND, PodState.CREATING, PodState.FAILING)


def _down(candidates: list[Member], seen: Assessment, comes_back_at: str, *, at_once: bool = False) -> Member | None:
    """The candidate to delete next of those that are down already, if it is time: not while another one is on its way back.

    In OrderedReady nothing above the lowest unavailable pod is ever made anew, so only that one is of use. ``at_once``: in
    Parallel do not wait for others before deleting one that never started.
    """
    down = [member for member in seen.members if not member.available]
    names = {member.name for member in candidates}
    alone = len(down) == 1 and not seen.surplus
    mine = [
        member
        for member in down
        if member.name in names
        and member.state not in (*LEAVING, PodState.MISSING, PodState.ENDED)  # these are replaced without us
        and (member.state is not PodState.READY or alone)  # it serves already; minReadySeconds pass by themselves
    ]
    if not mine:
        return None
    if seen.policy != "Parallel":
        return mine[0] if mine[0] is down[0] else None
    dead = [member for member in mine if member.state in _NEVER_STARTED]
    if at_once and dead:
        return dead[0]
    replaced = (*LEAVING, PodState.MISSING, PodState.ENDED)
    coming = any(member.state in replaced or member.revision == comes_back_at for member in down)
    return None if coming else mine[0]


def _delete(member: Member, comes_back_at: str) -> Delete:
    return Delete(pod=member.name, revision=member.revision, comes_back_at=comes_back_at)


# --- rolling forward by partition ----------------------------------------------------------------------------------------------


def _roll(goal: Canary | StepOn | Promote | Run, seen: Assessment, now: datetime, pins: Pins) -> tuple[Decision, Pins]:
    change = _staging(goal, seen, pins)
    if change is not None:
        return change, pins
    pins = replace(pins, revision=seen.update_revision)
    if not seen.under_way:
        return _nothing_to_roll(goal, seen, pins), pins
    if pins.target is None:
        target = _target(goal, seen, pins)
        if isinstance(target, Refused):
            return target, pins
        pins = replace(pins, target=target)
    assert pins.target is not None
    if seen.phase is Phase.STUCK:
        return Stuck(blockers=seen.blockers), pins
    if not _settled(seen):
        return _await_pods(seen), pins
    if seen.partition <= pins.target:
        return Done(reason=_arrived(goal, seen)), pins
    soak = goal.soak if isinstance(goal, Run) else timedelta(0)
    until = _soaks_until(seen.members, soak)
    if until is not None and until > now:
        return Wait(reason=WaitReason.SOAK, until=until), pins
    return _to(_next_partition(goal, seen, pins.target), seen), pins


def _staging(goal: Goal, seen: Assessment, pins: Pins) -> Decision | None:
    """The step that writes the wanted images into the template, if they are not there yet."""
    images = goal.images if isinstance(goal, Canary | Run) else ()
    begun = pins.changed or pins.target is not None or pins.pods is not None
    if isinstance(goal, Canary | StepOn) and not begun:
        asked = goal.pods.of(seen.replicas)
        if asked > seen.replicas:
            return Refused(reason=RefusedReason.TOO_MANY_PODS, asked=asked, limit=seen.replicas)
    wanted = tuple(image for image in images if image not in seen.template)
    if not wanted:
        return None
    if begun:
        return Overtaken(reason=OvertakenReason.TEMPLATE_EDITED)  # they were there already, and somebody took them out
    if seen.phase is Phase.STUCK:
        return Refused(reason=RefusedReason.STUCK, blockers=seen.blockers)
    by_hand = seen.strategy == "OnDelete"
    if seen.under_way and not by_hand and not seen.staged:
        return Refused(reason=RefusedReason.OTHER_ROLLOUT)
    return Act(step=Stage(images=wanted, partition=None if by_hand else seen.replicas))


def _nothing_to_roll(goal: Goal, seen: Assessment, pins: Pins) -> Decision:
    if not seen.all_available:
        return Stuck(blockers=seen.blockers) if seen.phase is Phase.STUCK else _await_pods(seen)
    begun = pins.changed or pins.target is not None
    if isinstance(goal, Canary) and not goal.images and not begun:
        return Refused(reason=RefusedReason.NOTHING_STAGED)
    if seen.partition and not isinstance(goal, StepOn):
        return _to(0, seen)  # left over: it would silently hold back the next change
    if seen.partition and not begun:
        return Refused(reason=RefusedReason.NOTHING_UNDER_WAY)
    return Done(reason=DoneReason.COMPLETE if begun else DoneReason.NOTHING_TO_DO)


def _target(goal: Canary | StepOn | Promote | Run, seen: Assessment, pins: Pins) -> int | Refused:
    """The partition that this verb goes down to."""
    partition = min(seen.partition, seen.replicas)
    match goal:
        case Promote() | Run():
            return 0
        case Canary(pods=pods):
            wanted = min(pods.of(seen.replicas), seen.replicas)
            released = seen.replicas - partition
            if released > wanted and not pins.changed:  # else it was scaled since the change was staged
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


def _arrived(goal: Goal, seen: Assessment) -> DoneReason:
    if seen.phase is Phase.COMPLETE:
        return DoneReason.COMPLETE
    return DoneReason.CANARY_REACHED if isinstance(goal, Canary) else DoneReason.STEP_REACHED


def _settled(seen: Assessment) -> bool:
    """All that was released is done, and no other pod is missing either: only then is the next release safe."""
    return seen.all_available and all(member.updated for member in seen.members if member.released)


def _soaks_until(members: tuple[Member, ...], soak: timedelta) -> datetime | None:
    times = [member.available_at for member in members if member.updated and member.available_at is not None]
    return max(times) + soak + CUT if soak and times else None


def _await_pods(seen: Assessment) -> Wait:
    return Wait(reason=WaitReason.PODS, pods=tuple(wait.pod for wait in seen.waits_for if wait.pod))


def _to(partition: int, seen: Assessment, *, remember: bool = False) -> Act:
    releases = tuple(
        member.name for member in reversed(seen.members) if partition <= member.position < seen.partition and member.outdated
    )
    return Act(step=SetPartition(partition=partition, before=seen.partition, releases=releases, remember=remember))


# --- rolling forward by deletion (OnDelete) ------------------------------------------------------------------------------------


def _roll_by_hand(goal: Canary | StepOn | Promote | Run, seen: Assessment, now: datetime, pins: Pins) -> tuple[Decision, Pins]:
    change = _staging(goal, seen, pins)
    if change is not None:
        return change, pins
    pins = replace(pins, revision=seen.update_revision)
    if pins.pods is None:
        pins = replace(pins, pods=_by_hand(goal, seen))
    assert pins.pods is not None
    mine = [member for member in seen.members if member.name in pins.pods and member.outdated and member.state not in LEAVING]
    if seen.phase is Phase.STUCK:
        return Stuck(blockers=seen.blockers), pins
    member = _down(mine, seen, seen.update_revision)
    if member is not None:
        return Act(step=_delete(member, seen.update_revision)), pins
    if not seen.all_available:
        return (Stuck(blockers=seen.blockers) if _only_others_block(seen) else _await_pods(seen)), pins
    if not mine:
        return Done(reason=_done_by_hand(goal, seen, pins)), pins
    soak = goal.soak if isinstance(goal, Run) else timedelta(0)
    until = _soaks_until(seen.members, soak)
    if until is not None and until > now:
        return Wait(reason=WaitReason.SOAK, until=until), pins
    return Act(step=_delete(mine[-1], seen.update_revision)), pins


def _only_others_block(seen: Assessment) -> bool:
    """Whether nothing goes on before a broken outdated pod is deleted that is not this verb's to delete."""
    down = [member.name for member in seen.members if not member.available]
    blocking = {blocker.pod for blocker in seen.blockers}
    return bool(down) and (set(down) <= blocking if seen.policy == "Parallel" else down[0] in blocking)


def _by_hand(goal: Goal, seen: Assessment) -> frozenset[str]:
    """The pods that the verb is to delete, decided once."""
    match goal:
        case Canary(pods=Amount() as pods):
            top = seen.members[len(seen.members) - pods.of(seen.replicas):]
            return frozenset(member.name for member in top)
        case StepOn(pods=Amount() as pods):
            down = [member for member in seen.members if not member.available]
            if any(member.updated or member.state in (*LEAVING, PodState.MISSING) for member in down):
                return frozenset()  # an earlier step was cut short: finishing it is this step
            outdated = [member for member in reversed(seen.members) if member.outdated and member not in down]
            return frozenset(member.name for member in (down + outdated)[: pods.of(seen.replicas)])
        case _:
            return frozenset(member.name for member in seen.members)


def _done_by_hand(goal: Goal, seen: Assessment, pins: Pins) -> DoneReason:
    if seen.phase is Phase.COMPLETE:
        return DoneReason.COMPLETE if pins.changed else DoneReason.NOTHING_TO_DO
    return DoneReason.CANARY_REACHED if isinstance(goal, Canary) else DoneReason.STEP_REACHED


def images_for(wanted: tuple[Image, ...], seen: Assessment) -> tuple[tuple[Image, ...], tuple[str, ...]]:
    """Match ``[CONTAINER=]IMAGE`` with the template: the images to set, and the containers asked for that it does not have.

    An empty container name stands for the only container; with several it is unknown too.
    """
    names = [image.container for image in seen.template]
    resolved, unknown = [], []
    for image in wanted:
        container = names[0] if not image.container and len(names) == 1 else image.container
        if container in names:
            resolved.append(Image(container=container, image=image.image))
        else:
            unknown.append(image.container)
    return tuple(resolved), tuple(unknown)
