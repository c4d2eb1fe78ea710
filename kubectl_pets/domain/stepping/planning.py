"""What would a verb do from here? ``plan`` lets ``decide`` run against a controller that always does its part.

So a plan cannot drift from what is carried out later: both are made by the same decisions.
"""

from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from kubectl_pets.domain.rollout.assessing import at_rest
from kubectl_pets.domain.rollout.members import LEAVING, Member, PodState
from kubectl_pets.domain.rollout.stuck import is_stuck
from kubectl_pets.domain.rollout.verdict import Assessment, Cause
from kubectl_pets.domain.stepping.deciding import after, decide
from kubectl_pets.domain.stepping.moves import CUT, REPLACED, partition_at, to
from kubectl_pets.domain.stepping.restarting import RESTART_ANNOTATION
from kubectl_pets.domain.stepping.steps import (
    NEW_REVISION,
    Act,
    Delete,
    Evict,
    Goal,
    Mark,
    Note,
    Plan,
    Restore,
    RunMemory,
    SetPartition,
    Stage,
    Step,
    Stuck,
    Wait,
    WaitReason,
)


def plan(goal: Goal, seen: Assessment, now: datetime, *, careful: bool = False) -> Plan:
    """Acts and waits in order, and the ending. A pod that is not available is taken to become so, unless it is stuck."""
    memory = RunMemory(careful=careful)
    entries: list[Act | Wait] = []
    settling: tuple[Wait, ...] = ()
    while True:
        before = seen
        decision, memory = decide(goal, seen, now, memory)
        if isinstance(decision, Act):
            decision = Act(step=_as_one(decision.step, entries, seen))
        match decision:
            case Act(step=step):
                memory = after(decision, memory)
                seen = _carried_out(step, seen)
                if not (_holds_back(step) or isinstance(step, Delete)):
                    seen = _settle(seen, now)
            case Wait(reason=WaitReason.SOAK, until=until) if until is not None:
                now = until
            case Wait(reason=WaitReason.SETTLE, until=until) if until is not None:
                now, settling = until, (decision,)
                continue  # part of waiting for the pods
            case Wait(reason=WaitReason.OBSERVATION):
                seen = _settle(_observed(seen), now)
            case Wait():
                seen = _settle(seen, now)
                if seen == before:
                    return Plan(entries=tuple(entries), ending=Stuck(blockers=seen.blockers))
                if entries and isinstance(entries[-1], Act) and isinstance(entries[-1].step, Delete):
                    continue  # part of the deletion; others may be deleted before the pod is back
            case _:
                # Where nothing else is left to do, that pods have yet to settle is: it is not done before.
                return Plan(entries=tuple(entries) or settling, ending=decision)
        entries.append(decision)
        now += timedelta(microseconds=1)


def _as_one(step: Step, before: list[Act | Wait], seen: Assessment) -> Step:
    """A step that goes on as the one before it did, over positions that hold no pod yet: with all those that follow it there and
    are like it. Otherwise a plan would be as long as the number of replicas, which is whatever somebody typed."""
    last = before[-1].step if before and isinstance(before[-1], Act) else None
    if not isinstance(step, SetPartition) or not isinstance(last, SetPartition) or last.partition != step.before:
        return step
    if isinstance(step.overlap, int):  # how they come to overlap nobody knows beforehand
        return replace(partition_at(0, seen), overlap=step.overlap)
    size = step.before - step.partition
    gap = next((each for each in seen.members if each.position <= step.partition < each.position + each.count), None)
    if gap is None or gap.count == 1 or size <= 0 or last.before - last.partition != size:
        return step
    times = (step.before - gap.position) // size
    return replace(to(step.before - times * size, seen).step, steps=times) if times > 1 else step


def _observed(seen: Assessment) -> Assessment:
    """The controller has not said yet which revision the template makes: the one it knows, or a new one by the images."""
    known = next((group.images for group in seen.revisions if group.update), None)
    if known == seen.template:
        return seen
    members = tuple(replace(member, updated=False) for member in seen.members)
    current = seen.current_revision or NEW_REVISION
    before = replace(seen.before, held=seen.before.held or NEW_REVISION)
    return replace(seen, update_revision=NEW_REVISION, current_revision=current, before=before, members=members)


def _holds_back(step: Step) -> bool:
    """Whether the step sets nothing in motion: then pods that are on their way still are when the next decision is made."""
    return isinstance(step, Note) or (isinstance(step, SetPartition) and step.partition >= step.before)


def _carried_out(step: Step, seen: Assessment) -> Assessment:
    """The set right after the API server has taken the step, before its controller has done anything about it."""
    match step:
        case SetPartition(partition=partition, before=before, remember=remember):
            noted = replace(_with_pause(step, seen), resume_partition=before if remember else None)
            return _with_partition(noted, partition)
        case Stage(images=images, partition=partition):
            seen = _with_pause(step, seen)
            changed = {image.container: image for image in images}
            members = tuple(replace(member, updated=False) for member in seen.members)
            return replace(
                seen,
                partition=seen.partition if partition is None else partition,
                template=tuple(changed.get(image.container, image) for image in seen.template),
                update_revision=NEW_REVISION,
                members=members,
            )
        case Restore(revision=revision, partition=partition):
            return _with_partition(_with_template(_with_pause(step, seen), revision), partition)
        case Mark(at=at, partition=partition):
            marked = _with_partition(_with_template(seen, NEW_REVISION, new=True), partition)
            return replace(marked, restarted_at=at, notes={**seen.notes, RESTART_ANNOTATION: at})
        case Note(notes=notes):
            after_it = {**seen.notes, **notes}
            return replace(seen, notes={key: value for key, value in after_it.items() if value is not None})
        case Delete(pod=pod) | Evict(pod=pod):
            return _without_pod(seen, pod)


def _with_pause(step: SetPartition | Stage | Restore, seen: Assessment) -> Assessment:
    if isinstance(step.paused, msgspec.UnsetType):
        return seen
    left = tuple(each for each in seen.blockers if step.paused or each.cause is not Cause.CONTROLLER_STOPPED)
    return replace(seen, updates_stopped=step.paused, blockers=left)


def _with_partition(seen: Assessment, partition: int | None) -> Assessment:
    """The set with that partition; None: with the one that it has."""
    seen = seen if partition is None else replace(seen, partition=partition)
    return replace(seen, members=tuple(replace(member, released=_released(member, seen)) for member in seen.members))


def _with_template(seen: Assessment, revision: str, *, new: bool = False) -> Assessment:
    """``new``: no pod runs that revision yet."""
    members = tuple(replace(member, updated=not new and member.revision == revision) for member in seen.members)
    return replace(seen, update_revision=revision, members=members)


def _without_pod(seen: Assessment, pod: str) -> Assessment:
    gone = {"state": PodState.MISSING, "revision": "", "uid": "", "updated": False, "lacks": (), "trouble": None}
    members = tuple(replace(member, **gone) if member.name == pod else member for member in seen.members)
    blockers = tuple(blocker for blocker in seen.blockers if blocker.pod != pod)  # what was broken is gone
    return replace(seen, members=members, blockers=blockers)


def _settle(seen: Assessment, now: datetime) -> Assessment:
    """The set once its controller has done all that it may: released outdated pods replaced, missing ones made."""
    blocking = {blocker.pod for blocker in seen.blockers}
    seen = replace(seen, members=tuple(replace(member, released=_released(member, seen)) for member in seen.members))
    rolls = seen.strategy == "RollingUpdate" and seen.policy == "Parallel"
    goes_on = rolls and not is_stuck(seen, seen.blockers)  # what blocked an earlier template may not block this one
    members = tuple(
        member if _stays(member, blocking, goes_on) else _settled(member, seen, now) for member in seen.members
    )
    surplus = tuple(member for member in seen.surplus if member.name in blocking)
    if not surplus and all(member.updated and member.available for member in members):
        seen = replace(seen, current_revision=seen.update_revision, before=replace(seen.before, held=seen.update_revision))
    return at_rest(replace(seen, members=members, surplus=surplus))


def _released(member: Member, seen: Assessment) -> bool:
    return member.position >= seen.partition if seen.strategy == "RollingUpdate" else True


def _stays(member: Member, blocking: set[str], goes_on: bool) -> bool:
    """Whether it will not move on: it blocks, and the controller does not replace it of itself. ``goes_on``: it can."""
    if member.state is PodState.MISSING:
        return "" in blocking or (member.name in blocking and member.released)
    if member.name not in blocking:
        return False
    return not (goes_on and member.released and member.outdated and member.state not in LEAVING)


def _settled(member: Member, seen: Assessment, now: datetime) -> Member:
    rolling, released = seen.strategy == "RollingUpdate", member.released
    revision = member.revision
    if member.state in REPLACED or (rolling and released and not member.updated):
        revision = seen.update_revision if released else seen.before.held
    elif member.available:
        return member
    return replace(
        member,
        revision=revision,
        updated=revision == seen.update_revision,
        state=PodState.AVAILABLE,
        available_at=now - CUT,
    )
