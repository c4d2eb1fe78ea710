"""What is the next step towards a goal? ``decide`` answers from an assessment, again and again.

It is level-triggered: nothing is remembered of earlier steps but what ``RunMemory`` holds, so a rollout that was killed at any
point goes on from what the cluster says. The ways to the goals are in modules of their own; here is what stops all of them.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec.structs import replace

from kubectl_pets.domain.rollout.members import LEAVING, PodState
from kubectl_pets.domain.rollout.revisions import Image
from kubectl_pets.domain.rollout.stuck import is_stuck
from kubectl_pets.domain.rollout.verdict import Assessment, Cause, Phase
from kubectl_pets.domain.sets.away import RECREATING_ANNOTATION
from kubectl_pets.domain.sets.kept import kept_template
from kubectl_pets.domain.sets.kinds import Capability
from kubectl_pets.domain.sets.restoring import RESTORING_ANNOTATION, Restoration, restoration
from kubectl_pets.domain.stepping.freeing import undo, unstick
from kubectl_pets.domain.stepping.holding import abort, pause, resume, set_partition, standing
from kubectl_pets.domain.stepping.moves import CUT, one_at_a_time
from kubectl_pets.domain.stepping.restarting import chosen_at, restart, restart_pods
from kubectl_pets.domain.stepping.rolling import roll, roll_by_hand
from kubectl_pets.domain.stepping.steps import (
    Abort,
    Act,
    BeforeRestart,
    Canary,
    Decision,
    Delete,
    Done,
    Evict,
    Goal,
    Mark,
    Note,
    Overtaken,
    OvertakenReason,
    Partition,
    PatchAnswer,
    Pause,
    Planned,
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
    Step,
    StepOn,
    Stuck,
    Undo,
    Unstick,
    Wait,
    WaitReason,
)

#: So long after it was deleted a pod may be on its way out, or not be there, before others of its name that ended tell of it.
_SUCCEEDED = timedelta(minutes=2)

#: Of what cannot be read nothing is changed.
_UNREADABLE = {
    Cause.PODS_UNREADABLE: RefusedReason.PODS_UNREADABLE,
    Cause.SLOTS_UNREADABLE: RefusedReason.SLOTS_UNREADABLE,
}

_OBSERVE = Wait(reason=WaitReason.OBSERVATION)


def decide(goal: Goal, seen: Assessment, now: datetime, memory: RunMemory) -> tuple[Decision, RunMemory]:
    """The next decision, and what to hold on to. After acting on an Act, pass the memory on to the next call with ``after``."""
    if not memory.uid:
        memory = _begun(goal, seen, now, memory)
    if memory.tried is not None and seen.partition == memory.tried:
        memory = replace(memory, partition=memory.tried, tried=None, ours=True, changed=True)
    if _held_alike(goal, seen, memory):
        memory = replace(memory, partition=seen.partition)
    hindrance = _hindrance(goal, seen, memory)
    if hindrance is not None:
        return hindrance, memory
    if _has_no_order(goal, seen, memory):
        return Refused(reason=RefusedReason.UNORDERED), memory
    if seen.surges and not isinstance(goal, Pause | Resume | Partition):
        return Refused(reason=RefusedReason.SURGE), memory
    stopped, memory = _updates_stopped(goal, seen, memory)
    if stopped is not None:
        return stopped, memory
    seen = _forgiven(seen, now, memory)
    decision, memory = _way(goal, seen, now, memory)
    if _is_unguarded(goal, seen, memory) and not isinstance(decision, Overtaken | Refused):
        return _guard_again(seen, memory), memory
    if _is_paused(goal, seen, memory) and _goes_on(decision):
        return Overtaken(reason=OvertakenReason.PAUSED), memory
    decision = _going_on(goal, one_at_a_time(decision, seen) if memory.careful else decision, seen)
    return _keeping(decision, seen), memory


def begins(goal: Goal, planned: Assessment, *, careful: bool = False) -> RunMemory:
    """What a run of ``goal`` begins with that was planned, and maybe agreed to, for the set as ``planned``: between the plan and
    the first look, where there may be a question, somebody may have made another set of that name, or ordered another version."""
    # What another run of the verb has staged since is held by a partition as well.
    ordered = isinstance(goal, Partition) or _has_images(goal, planned.template)
    partition = planned.partition if ordered and planned.observed else None
    revisions = _meant(goal, planned)
    ground = Planned(uid=planned.uid, strategy=planned.strategy, partition=partition, revisions=revisions)
    chosen = chosen_at(goal, planned, BeforeRestart(at=planned.at)) if isinstance(goal, RestartPods) and planned.at else None
    return RunMemory(careful=careful, planned=ground, noted=planned.resume_partition is not None, chosen=chosen)


def _begun(goal: Goal, seen: Assessment, now: datetime, memory: RunMemory) -> RunMemory:
    """With what the first look shows, or as it was planned."""
    planned, partition = memory.planned, seen.partition
    if isinstance(goal, Abort | Pause | Resume) or (isinstance(goal, Partition) and not _releases(goal, planned)):
        held = None  # they count on it from their own change on
    elif planned is None or planned.partition is None:
        held = partition
    else:
        held = min(planned.partition, partition)  # what was raised since was raised by somebody else
    ground = seen if planned is None else planned
    noted = seen.resume_partition is not None if memory.noted is None else memory.noted
    return replace(memory, uid=ground.uid, begun=now, strategy=ground.strategy, partition=held, noted=noted)


def _held_alike(goal: Goal, seen: Assessment, memory: RunMemory) -> bool:
    """Whether another run of this canary was quicker, before this one changed anything or after it staged the change: the
    template has its images, and just the pods are held back that it would hold. There is nothing for it to release, so it takes
    nothing back that somebody holds, and no pod went that it would not have let go; its gates are asked of the new ones. But what
    was to be asked before each pod, one after the other, was not asked by this one."""
    if not isinstance(goal, Canary) or memory.guarded is not None or not _has_images(goal, seen.template):
        return False
    if memory.careful and (memory.changed or not goal.images):
        return False
    return seen.partition == seen.replicas - min(goal.pods.of(seen.replicas), seen.replicas)


def _releases(goal: Partition, planned: Planned | None) -> bool:
    """Whether it was planned not to raise the partition: then an abort or a pause that came meanwhile is not for it to undo."""
    return planned is not None and planned.partition is not None and goal.partition <= planned.partition


def _holds(goal: Goal, seen: Assessment) -> bool:
    """Whether the goal would raise the partition, to hold pods back."""
    return isinstance(goal, Abort | Pause) or (isinstance(goal, Partition) and goal.partition > seen.partition)


def _meant(goal: Goal, planned: Assessment) -> frozenset[str]:
    """The wanted revisions for which the goal is right: the one planned for, and the one that it leads to itself."""
    match goal:
        case Pause() | Restart() | RestartPods():
            return frozenset()  # whatever is wanted is held, or made anew
        case Partition(partition=partition) if partition >= planned.partition:
            return frozenset()
        case Undo(revision=revision):
            led_to = revision
        case Abort():
            led_to = planned.before.held
        case _:
            led_to = ""
    # Before its controller has seen the template, and while it was told to do nothing, the version before is called wanted.
    said = planned.observed and planned.phase is not Phase.UNKNOWN
    return frozenset({planned.update_revision, led_to}) - {""} if said else frozenset()


def _is_meant(goal: Goal, seen: Assessment, memory: RunMemory) -> bool:
    """Whether the wanted revision is one that the goal was planned for, or the one that another run has led it to."""
    revisions = memory.planned.revisions if memory.planned is not None else ()
    if not revisions or seen.update_revision in revisions:
        return True
    return isinstance(goal, Canary | Run) and bool(goal.images) and _has_images(goal, seen.template)


def _has_images(goal: Goal, template: tuple[Image, ...]) -> bool:
    """Whether the goal releases what is ordered already, and nothing of its own."""
    match goal:
        case Canary(images=images) | Run(images=images):
            return all(image in template for image in images)
        case _:
            return isinstance(goal, Promote | StepOn)


#: The goals that go well with updates that are stopped: they hold pods back themselves, or let go what was stopped.
_HOLDS = Abort | Pause | Resume


def _updates_stopped(goal: Goal, seen: Assessment, memory: RunMemory) -> tuple[Decision | None, RunMemory]:
    """What ends a verb because the spec stops updates. A pause of ours, which has its note, is gone on from; one of somebody else
    is not ours to end, and one that comes in the middle ends the verb."""
    meanwhile = seen.updates_stopped and memory.stopped is False
    memory = replace(memory, stopped=seen.updates_stopped if memory.stopped is None else memory.stopped and seen.updates_stopped)
    stands_still = seen.updates_stopped and Capability.STANDSTILL in seen.kind.can  # what is deleted then is not made anew
    if not seen.updates_stopped or isinstance(goal, Resume) or (isinstance(goal, _HOLDS) and not stands_still):
        return None, memory
    if meanwhile or (stands_still and memory.changed):
        return Overtaken(reason=OvertakenReason.UPDATES_PAUSED), memory
    if stands_still:
        fine = False
    elif isinstance(goal, RestartPods):
        fine = not seen.under_way  # a pod that is made anew would come at the wanted version
    elif isinstance(goal, Partition):
        fine = goal.partition >= seen.partition
    else:
        fine = seen.resume_partition is not None and not isinstance(goal, Unstick)
    return (None if fine else Refused(reason=RefusedReason.UPDATES_PAUSED)), memory


def _is_paused(goal: Goal, seen: Assessment, memory: RunMemory) -> bool:
    """Whether somebody has paused the rollout since this run began, where the partition held already all that was to be held."""
    if seen.resume_partition is None or memory.noted is not False or seen.updates_stopped:
        return False
    return isinstance(goal, Canary | StepOn | Promote | Run | Undo | Restart)


def _goes_on(decision: Decision) -> bool:
    """It begins with the next step, or waits until it may; what was released is waited for all the same."""
    return isinstance(decision, Act) or (isinstance(decision, Wait) and decision.reason is WaitReason.SOAK)


def _going_on(goal: Goal, decision: Decision, seen: Assessment) -> Decision:
    """The step with the end of a pause of ours in the same change: so no more is released than the step says."""
    if not isinstance(decision, Act) or not seen.updates_stopped or isinstance(goal, _HOLDS | Partition):
        return decision
    match decision.step:
        case Stage() | Restore() | SetPartition():
            return Act(step=replace(decision.step, paused=False))
        case _:
            return decision


def _keeping(decision: Decision, seen: Assessment) -> Decision:
    """The step with what its controller throws away once an update is done: what ran before kept from the first release on, and
    what is undone kept by the undo."""
    match decision:
        case Act(step=SetPartition(releases=releases) as step) if releases:
            name, replaced_by = seen.before.revision, seen.update_revision
        case Act(step=Restore() as step):
            name, replaced_by = step.before, step.revision
        case _:
            return decision
    if name == replaced_by or not any(group.name == name and group.record is not None for group in seen.revisions):
        return decision
    kept = kept_template(seen.notes, seen.uid)
    there = kept is not None and (kept.key, kept.replaced_by) == (name, replaced_by)
    return decision if there else Act(step=replace(step, keeps=name))


def _has_no_order(goal: Goal, seen: Assessment, memory: RunMemory) -> bool:
    """Whether the verb promises an order, or one pod at a time, and the controller chooses the pods itself."""
    match goal:
        case _ if not seen.slots.by_count:
            return False
        case Canary() | StepOn() | Run() | Restart():
            return True
        case Promote():
            return memory.careful
        case Undo(by=by):
            return memory.careful or by is not None
        case Partition(partition=partition):
            return 0 < partition < seen.partition
        case _:
            return False


def _forgiven(seen: Assessment, now: datetime, memory: RunMemory) -> Assessment:
    """Without what pods of a name did before this run, where it has made one anew that has not ended, or is about to: what it did
    about them may have helped, and one that ends as well says so itself."""
    if not memory.changed or memory.begun is None or seen.phase is not Phase.STUCK:
        return seen
    begun = memory.begun - CUT
    made = {
        member.name
        for member in seen.members
        if member.state is not PodState.ENDED and member.created is not None and member.created >= begun
    }
    deleted = {name for name, at in memory.deleted if now < at + _SUCCEEDED}
    gone = (*LEAVING, PodState.MISSING)
    made |= {member.name for member in seen.members if member.name in deleted and member.state in gone}
    left = tuple(
        blocker
        for blocker in seen.blockers
        if not (blocker.cause is Cause.POD_ENDS and blocker.pod in made and blocker.since is not None and blocker.since < begun)
    )
    return seen if is_stuck(seen, left) else replace(seen, phase=Phase.PROGRESSING, blockers=left)


def _way(goal: Goal, seen: Assessment, now: datetime, memory: RunMemory) -> tuple[Decision, RunMemory]:
    match goal:
        case Partition():
            return set_partition(goal, seen, memory), memory
        case Pause():
            return pause(seen, memory), memory
        case Resume():
            return resume(seen, memory), memory
        case Abort():
            return abort(goal, seen, now, memory)
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


def before(act: Act, seen: Assessment, memory: RunMemory) -> RunMemory:
    """What to hold on to before the step is carried out: its answer may be lost, and then a new partition is nobody else's. One
    that is there already tells nothing of whether the change was carried out: it was not where somebody else was quicker."""
    partition = _sets(act.step)
    return memory if partition in (None, seen.partition) else replace(memory, tried=partition)


def _sets(step: Step) -> int | None:
    """The partition that the step writes; None: it leaves the one that there is."""
    match step:
        case SetPartition() | Stage() | Restore() | Mark():
            return step.partition
        case _:
            return None


def after(act: Act, memory: RunMemory, answer: PatchAnswer | None = None, *, at: datetime | None = None) -> RunMemory:
    """What to hold on to once the step has been carried out, ``at`` that time. ``answer``: to a change of the set; None: not
    known. A plan knows no times."""
    ours = memory.ours or _sets(act.step) is not None
    memory = replace(memory, ours=ours, tried=None, generation=answer.generation if answer is not None else None)
    if isinstance(act.step, SetPartition | Stage | Restore) and act.step.paused is False:
        memory = replace(memory, stopped=False)
    if isinstance(act.step, Stage | Restore | Mark):  # the revision that comes of it has no name yet
        memory = replace(memory, planned=None)
    memory = replace(memory, noted=_notes_a_pause(act.step, memory))
    match act.step:
        case SetPartition(partition=partition, guards=guards):
            return replace(memory, partition=partition, changed=True, guarded=guards if isinstance(guards, int) else None)
        case Stage(images=images, partition=partition):
            admitted = rewritten(images, answer) if answer is not None else ()
            return replace(
                memory, partition=partition, revision="", target=None, pods=None, admitted=admitted, changed=True
            )
        case Restore(partition=partition) | Mark(partition=partition):
            held = memory.partition if partition is None else partition
            return replace(memory, partition=held, revision="", written=True, changed=True)
        case Note():
            return replace(memory, written=True, changed=True)
        case Delete(pod=pod) | Evict(pod=pod):
            others = tuple(each for each in memory.deleted if each[0] != pod)
            return replace(memory, changed=True, deleted=(*others, (pod, at)) if at is not None else memory.deleted)


def _notes_a_pause(step: Step, memory: RunMemory) -> bool | None:
    """Whether the note of a pause is there after the step: each change of the partition writes it or takes it off."""
    match step:
        case SetPartition(remember=remember):
            return remember
        case Stage(partition=int()) | Restore(partition=int()) | Mark(partition=int()):
            return False
        case _:
            return memory.noted


def rewritten(asked: tuple[Image, ...], answer: PatchAnswer) -> tuple[tuple[Image, Image], ...]:
    """The images that admission rewrote, each with what it made of it (kyverno/policies#347: the mirror of a registry)."""
    there = {image.container: image for image in answer.images}
    pairs = ((image, there.get(image.container)) for image in asked)
    return tuple((image, made) for image, made in pairs if made is not None and made != image)


def comes_to_nothing(made: Mapping[Image, Image], wanted: tuple[Image, ...], live: tuple[Image, ...]) -> Refused | None:
    """Refused where all that is ``wanted`` would be made what is ``live`` already, by an answer that makes another version of it:
    then admission pins what runs, or something between here and the server answers with what was there before, and to call that
    done would be to say that the wanted version runs. A mirror keeps the tag, and who checks signatures puts a digest there."""
    pairs = [(image, made[image]) for image in wanted if made.get(image) in live]
    if len(pairs) < len(wanted) or all(_is_the_same(asked.image, found.image) for asked, found in pairs):
        return None
    return Refused(reason=RefusedReason.ADMISSION)


def _is_the_same(asked: str, made: str) -> bool:
    return _version(asked) == _version(made) or ("@" in made and "@" not in asked)


def _version(image: str) -> str:
    name, _, digest = image.partition("@")
    return digest or name.rpartition("/")[2].partition(":")[2] or "latest"


def not_held(asked: int, answer: PatchAnswer) -> Refused | None:
    """Refused where admission makes less of the partition that a change asks for: what is to hold pods back would release them at
    once, for a policy or an operator's webhook has a partition of its own."""
    if answer.partition is None or answer.partition >= asked:
        return None
    return Refused(reason=RefusedReason.PARTITION_NOT_KEPT, asked=asked, limit=answer.partition)


def _is_unguarded(goal: Goal, seen: Assessment, memory: RunMemory) -> bool:
    """Whether somebody else lowered the partition under a goal that releases pods step by step, or one at a time."""
    if memory.guarded is not None:
        return True
    match goal:
        case Canary() | StepOn() | Run():
            stepped = True
        case Promote():
            stepped = memory.careful
        case Undo(by=by) | Restart(by=by):
            stepped = by is not None
        case _:
            stepped = False
    return stepped and memory.partition is not None and seen.partition < memory.partition


def _guard_again(seen: Assessment, memory: RunMemory) -> Decision:
    """Somebody's deploy with a partition of its own released pods with no gate before them: hold the rest again where it stands,
    once, for a second time would be a tug of war; and name those that went."""
    since = memory.guarded if memory.guarded is not None else memory.partition
    assert since is not None
    position = standing(seen)
    if position > seen.partition and memory.guarded is None:
        return Act(step=SetPartition(partition=position, before=seen.partition, guards=since))
    went = tuple(
        member.name
        for member in reversed(seen.members)
        if member.position < since and (member.updated or member.state in LEAVING or (member.released and not member.uid))
    )
    return Overtaken(reason=OvertakenReason.PARTITION_LOWERED, pods=went)


def refusal(seen: Assessment, goal: Goal | Done | Refused | None = None) -> Refused | None:
    """Why no verb changes this set at all; also before it is asked what the verb would do. ``goal``: what it would do: one that
    belongs to the very thing that is under way stands beside it."""
    if seen.leader_worker_set is not None:
        return Refused(reason=RefusedReason.LEADER_WORKER_SET)
    if RECREATING_ANNOTATION in seen.notes:
        return Refused(reason=RefusedReason.RECREATING)
    if RESTORING_ANNOTATION not in seen.notes or _is_part(goal, restoration(seen.notes[RESTORING_ANNOTATION]), seen):
        return None
    return Refused(reason=RefusedReason.RESTORING)


def _is_part(goal: Goal | Done | Refused | None, begun: Restoration | None, seen: Assessment) -> bool:
    """Whether somebody else brings the same data back, at 0 replicas as well: its template is there already."""
    if not isinstance(goal, Undo) or begun is None or begun.running or begun.uid != seen.uid:
        return False
    return (begun.revision, begun.snapshots) == (goal.revision, goal.snapshots) and seen.update_revision == goal.revision


def _hindrance(goal: Goal, seen: Assessment, memory: RunMemory) -> Decision | None:
    """What every verb has to stop or wait for."""
    if seen.phase is Phase.GONE:
        return Overtaken(reason=OvertakenReason.DELETED)
    if seen.uid != memory.uid:
        return Overtaken(reason=OvertakenReason.REPLACED)
    if seen.phase is Phase.DELETING:
        return Overtaken(reason=OvertakenReason.DELETED) if memory.changed else Refused(reason=RefusedReason.DELETING)
    refused = refusal(seen, goal)
    if refused is not None:
        return refused
    unreadable = next((_UNREADABLE[blocker.cause] for blocker in seen.blockers if blocker.cause in _UNREADABLE), None)
    if unreadable is not None:
        return Refused(reason=unreadable)
    if seen.strategy != memory.strategy:
        return Overtaken(reason=OvertakenReason.STRATEGY_CHANGED)
    if seen.strategy not in ("RollingUpdate", "OnDelete"):
        return Refused(reason=RefusedReason.STRATEGY_UNKNOWN)
    if memory.partition is not None and seen.partition > memory.partition:
        return Overtaken(reason=OvertakenReason.PARTITION_RAISED)
    if memory.partition is not None and seen.partition < memory.partition and _holds(goal, seen):
        return Overtaken(reason=OvertakenReason.PARTITION_LOWERED)  # raising it again and again would be a tug of war
    if not seen.observed:
        return Stuck(blockers=seen.blockers) if seen.phase is Phase.STUCK else _OBSERVE
    if (memory.revision and seen.update_revision != memory.revision) or not _is_meant(goal, seen, memory):
        return Overtaken(reason=OvertakenReason.TEMPLATE_EDITED)
    return None


def images_for(wanted: tuple[Image, ...], seen: Assessment) -> tuple[tuple[Image, ...], tuple[str, ...]]:
    """Match ``[CONTAINER=]IMAGE`` with the template: the images to set, and the containers asked for that it does not have.

    An empty container name stands for the only container; with several it is unknown too. Of a set of groups a name that only one
    of their two templates has needs no ``leader/`` or ``worker/`` before it.
    """
    names = [image.container for image in seen.template]
    resolved, unknown = [], []
    for image in wanted:
        container = names[0] if not image.container and len(names) == 1 else image.container
        within = [name for name in names if name.endswith(f"/{container}")] if container else []
        container = within[0] if len(within) == 1 else container
        if container in names:
            resolved.append(Image(container=container, image=image.image))
        else:
            unknown.append(image.container)
    return tuple(resolved), tuple(unknown)
