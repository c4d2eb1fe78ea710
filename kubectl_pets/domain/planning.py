"""What would a verb do from here? ``plan`` lets ``decide`` run against a controller that always does its part.

So a plan cannot drift from what is carried out later: both are made by the same decisions.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from kubectl_pets.domain.members import Member, PodState
from kubectl_pets.domain.rollout import at_rest
from kubectl_pets.domain.stepping import after, decide
from kubectl_pets.domain.steps import Act, Delete, Goal, Pins, Plan, SetPartition, Stage, Step, Wait, WaitReason
from kubectl_pets.domain.verdict import Assessment

#: Stands for the ControllerRevision that a change of the template will make: its hash is the controller's to compute.
NEW_REVISION = "new revision"


def plan(goal: Goal, seen: Assessment, now: datetime) -> Plan:
    """Acts and waits in order, and the ending. A pod that is not available is taken to become so, unless it is stuck."""
    pins = Pins()
    entries: list[Act | Wait] = []
    while True:
        decision, pins = decide(goal, seen, now, pins)
        match decision:
            case Act(step=step):
                entries.append(decision)
                pins = after(decision, pins)
                seen = _settle(_carried_out(step, seen), now)
            case Wait(reason=WaitReason.SOAK, until=until) if until is not None:
                entries.append(decision)
                now = until
            case Wait():
                entries.append(decision)
                seen = _settle(seen, now)
            case _:
                return Plan(entries=tuple(entries), ending=decision)
        now += timedelta(microseconds=1)


def _carried_out(step: Step, seen: Assessment) -> Assessment:
    match step:
        case SetPartition(partition=partition):
            return replace(seen, partition=partition)
        case Stage(images=images, partition=partition):
            changed = {image.container: image for image in images}
            members = tuple(replace(member, updated=False) for member in seen.members)
            return replace(
                seen,
                partition=seen.partition if partition is None else partition,
                template=tuple(changed.get(image.container, image) for image in seen.template),
                update_revision=NEW_REVISION,
                members=members,
            )
        case Delete(pod=pod):
            members = tuple(
                replace(member, state=PodState.MISSING, revision="", updated=False) if member.name == pod else member
                for member in seen.members
            )
            return replace(seen, members=members)


def _settle(seen: Assessment, now: datetime) -> Assessment:
    """The set once its controller has done all that it may: released outdated pods replaced, missing ones made."""
    members = tuple(_settled(member, seen, now) for member in seen.members)
    if all(member.updated for member in members) and seen.strategy == "RollingUpdate":
        seen = replace(seen, current_revision=seen.update_revision)
    return at_rest(replace(seen, members=members, surplus=()))


def _settled(member: Member, seen: Assessment, now: datetime) -> Member:
    rolling = seen.strategy == "RollingUpdate"
    released = member.position >= seen.partition if rolling else True
    revision = member.revision
    if member.state is PodState.MISSING or (rolling and released and not member.updated):
        revision = seen.update_revision if released else seen.current_revision
    elif member.available:
        return replace(member, released=released)
    return replace(
        member,
        released=released,
        revision=revision,
        updated=revision == seen.update_revision,
        state=PodState.AVAILABLE,
        available_at=now,
    )
