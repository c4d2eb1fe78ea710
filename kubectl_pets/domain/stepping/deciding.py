"""What is the next step towards a goal? ``decide`` answers from an assessment, again and again.

It is level-triggered: nothing is remembered of earlier steps but what Pins hold, so a rollout that was killed at any point goes
on from what the cluster says. The ways to the goals are in modules of their own; here is what stops all of them.
"""

from datetime import datetime

from msgspec.structs import replace

from kubectl_pets.domain.rollout.revisions import Image
from kubectl_pets.domain.rollout.verdict import Assessment, Cause, Phase
from kubectl_pets.domain.stepping.freeing import undo, unstick
from kubectl_pets.domain.stepping.holding import abort, pause, resume, set_partition
from kubectl_pets.domain.stepping.moves import one_at_a_time
from kubectl_pets.domain.stepping.restarting import restart, restart_pods
from kubectl_pets.domain.stepping.rolling import roll, roll_by_hand
from kubectl_pets.domain.stepping.steps import (
    Abort,
    Act,
    Canary,
    Decision,
    Delete,
    Evict,
    Goal,
    Mark,
    Note,
    Overtaken,
    OvertakenReason,
    Partition,
    Pause,
    Promote,
    Refused,
    RefusedReason,
    Restart,
    RestartPods,
    Restore,
    Resume,
    Run,
    RunMemory,
    SetPartition,
    Stage,
    StepOn,
    Undo,
    Unstick,
    Wait,
    WaitReason,
)

_OBSERVE = Wait(reason=WaitReason.OBSERVATION)


def decide(goal: Goal, seen: Assessment, now: datetime, memory: RunMemory) -> tuple[Decision, RunMemory]:
    """The next decision, and what to hold on to. After acting on an Act, pass the memory on to the next call with ``after``."""
    if not memory.uid:
        memory = replace(memory, uid=seen.uid, strategy=seen.strategy)
        if isinstance(goal, Undo | Restart):  # these may well set none, and still count on nobody's raising it
            memory = replace(memory, partition=seen.partition)
    hindrance = _hindrance(goal, seen, memory)
    if hindrance is not None:
        return hindrance, memory
    decision, memory = _way(goal, seen, now, memory)
    return (one_at_a_time(decision, seen) if memory.careful else decision), memory


def _way(goal: Goal, seen: Assessment, now: datetime, memory: RunMemory) -> tuple[Decision, RunMemory]:
    match goal:
        case Partition():
            return set_partition(goal, seen, memory), memory
        case Pause():
            return pause(seen, memory), memory
        case Resume():
            return resume(seen, memory), memory
        case Abort():
            return abort(seen, memory)
        case Undo():
            return undo(goal, seen, now, memory)
        case Unstick():
            return unstick(goal, seen, now, memory)
        case Restart():
            return restart(goal, seen, now, memory)
        case RestartPods():
            return restart_pods(goal, seen, now, memory)
        case Canary() | StepOn() | Promote() | Run():
            if seen.strategy == "OnDelete":
                return roll_by_hand(goal, seen, now, memory)
            return roll(goal, seen, now, memory)


def after(act: Act, memory: RunMemory) -> RunMemory:
    """What to hold on to once the step has been carried out."""
    match act.step:
        case SetPartition(partition=partition):
            return replace(memory, partition=partition, changed=True)
        case Stage(partition=partition):
            return replace(memory, partition=partition, revision="", target=None, pods=None, changed=True)
        case Restore(partition=partition) | Mark(partition=partition):
            held = memory.partition if partition is None else partition
            return replace(memory, partition=held, revision="", written=True, changed=True)
        case Note():
            return replace(memory, written=True, changed=True)
        case Delete() | Evict():
            return replace(memory, changed=True)


def _hindrance(goal: Goal, seen: Assessment, memory: RunMemory) -> Decision | None:
    """What every verb has to stop or wait for."""
    if seen.phase is Phase.GONE:
        return Overtaken(reason=OvertakenReason.DELETED)
    if seen.uid != memory.uid:
        return Overtaken(reason=OvertakenReason.REPLACED)
    if seen.phase is Phase.DELETING:
        return Overtaken(reason=OvertakenReason.DELETED) if memory.changed else Refused(reason=RefusedReason.DELETING)
    if any(blocker.cause is Cause.PODS_UNREADABLE for blocker in seen.blockers):
        return Refused(reason=RefusedReason.PODS_UNREADABLE)
    if seen.strategy != memory.strategy:
        return Overtaken(reason=OvertakenReason.STRATEGY_CHANGED)
    if seen.strategy not in ("RollingUpdate", "OnDelete"):
        return Refused(reason=RefusedReason.STRATEGY_UNKNOWN)
    if memory.partition is not None and seen.partition > memory.partition:
        return Overtaken(reason=OvertakenReason.PARTITION_RAISED)
    if memory.partition is not None and seen.partition < memory.partition and isinstance(goal, Abort | Pause | Partition):
        return Overtaken(reason=OvertakenReason.PARTITION_LOWERED)  # raising it again and again would be a tug of war
    if not seen.observed:
        return _OBSERVE
    if memory.revision and seen.update_revision != memory.revision:
        return Overtaken(reason=OvertakenReason.TEMPLATE_EDITED)
    return None


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
