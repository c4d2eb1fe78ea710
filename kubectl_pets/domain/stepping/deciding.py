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
    Pins,
    Promote,
    Refused,
    RefusedReason,
    Restart,
    RestartPods,
    Restore,
    Resume,
    Run,
    SetPartition,
    Stage,
    StepOn,
    Undo,
    Unstick,
    Wait,
    WaitReason,
)

_OBSERVE = Wait(reason=WaitReason.OBSERVATION)


def decide(goal: Goal, seen: Assessment, now: datetime, pins: Pins) -> tuple[Decision, Pins]:
    """The next decision, and what to hold on to. After acting on an Act, pass the pins on to the next call with ``after``."""
    if not pins.uid:
        pins = replace(pins, uid=seen.uid, strategy=seen.strategy)
        if isinstance(goal, Undo | Restart):  # these may well set none, and still count on nobody's raising it
            pins = replace(pins, partition=seen.partition)
    hindrance = _hindrance(goal, seen, pins)
    if hindrance is not None:
        return hindrance, pins
    decision, pins = _way(goal, seen, now, pins)
    return (one_at_a_time(decision, seen) if pins.careful else decision), pins


def _way(goal: Goal, seen: Assessment, now: datetime, pins: Pins) -> tuple[Decision, Pins]:
    match goal:
        case Partition():
            return set_partition(goal, seen, pins), pins
        case Pause():
            return pause(seen, pins), pins
        case Resume():
            return resume(seen, pins), pins
        case Abort():
            return abort(seen, pins)
        case Undo():
            return undo(goal, seen, now, pins)
        case Unstick():
            return unstick(goal, seen, now, pins)
        case Restart():
            return restart(goal, seen, now, pins)
        case RestartPods():
            return restart_pods(goal, seen, now, pins)
        case Canary() | StepOn() | Promote() | Run():
            if seen.strategy == "OnDelete":
                return roll_by_hand(goal, seen, now, pins)
            return roll(goal, seen, now, pins)


def after(act: Act, pins: Pins) -> Pins:
    """What to hold on to once the step has been carried out."""
    match act.step:
        case SetPartition(partition=partition):
            return replace(pins, partition=partition, changed=True)
        case Stage(partition=partition):
            return replace(pins, partition=partition, revision="", target=None, pods=None, changed=True)
        case Restore(partition=partition) | Mark(partition=partition):
            held = pins.partition if partition is None else partition
            return replace(pins, partition=held, revision="", written=True, changed=True)
        case Note():
            return replace(pins, written=True, changed=True)
        case Delete() | Evict():
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
