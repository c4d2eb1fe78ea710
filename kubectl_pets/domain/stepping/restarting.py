"""How are pods restarted in order? The whole set by a mark in its template, or chosen pods one after the other.

A mark makes a new revision, which the controller rolls out from the highest ordinal down. Chosen pods are evicted in the order
asked for, each available again before the next; which of them are still to do is noted on the set by their uids, so that a
restart that was killed and typed again takes down none of them twice.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from enum import StrEnum, unique

from msgspec.structs import replace

from kubectl_pets.domain.rollout.members import LEAVING, Member, PodState
from kubectl_pets.domain.rollout.times import later
from kubectl_pets.domain.rollout.verdict import Assessment, Blocker, Cause, Phase
from kubectl_pets.domain.stepping.moves import (
    REPLACED,
    await_pods,
    deletion,
    next_down,
    not_kept,
    revision_if_recreated,
    soaks_until,
    unsettled,
)
from kubectl_pets.domain.stepping.rolling import roll, roll_by_hand
from kubectl_pets.domain.stepping.steps import (
    Act,
    BeforeRestart,
    Decision,
    Delete,
    Done,
    DoneReason,
    Evict,
    Mark,
    Note,
    Promote,
    Refused,
    RefusedReason,
    Restart,
    RestartPods,
    RunMemory,
    Stuck,
    Wait,
    WaitReason,
)

#: On the set: the time of the restart of ours that is under way; it is in the template, too.
RESTART_ANNOTATION = "kubectl-pets/restart"

#: On the set: when a restart of chosen pods began, and the pods, as "2026-03-01T12:00:00Z web-2=1a2b3c4d,web-1=": a pod is to do
#: while its uid begins so; nothing stands for one that was not there.
PODS_ANNOTATION = "kubectl-pets/restart-pods"

#: On the set: when the last restart was over, and of which pods ("all"), as "2026-03-01T12:00:00Z web-2,web-1".
FINISHED_ANNOTATION = "kubectl-pets/restarted"

#: A restart noted as unfinished is gone on with for so long after its beginning, or its latest pod; typed later, the same words
#: mean another one.
_UNFINISHED = timedelta(hours=1)

#: So soon after a restart is over, the same words come from somebody who did not see that it is.
_JUST_NOW = timedelta(minutes=1)

#: A pod that is older by more than this was there already when a restart began.
_LEEWAY = timedelta(seconds=2)

_ALL = "all"

_UID = 8


@unique
class RestartOrder(StrEnum):
    HIGHEST_FIRST = "highest-first"
    LOWEST_FIRST = "lowest-first"
    #: As the pods were named.
    LIST = "list"


def in_order(named: tuple[str, ...], seen: Assessment, order: RestartOrder | None) -> tuple[str, ...]:
    """The pods to restart, in order. ``named`` empty: all of the set. ``order`` None: as named, else from the top, as updates."""
    if named and order in (None, RestartOrder.LIST):
        return named
    members = [member.name for member in seen.members if not named or member.name in named]
    return tuple(members if order is RestartOrder.LOWEST_FIRST else reversed(members))


def restart(goal: Restart, seen: Assessment, now: datetime, memory: RunMemory) -> tuple[Decision, RunMemory]:
    """Mark the template with the time, as kubectl rollout restart does, and roll that out as any other change.

    The rule: a new template is a new revision, and the partition holds pods back from it (kubernetes/kubectl
    pkg/polymorphichelpers, objectrestarter.go), so with one that is left over, or in the middle of another rollout, it is
    refused. A note on the set tells a restart that was killed, and gone on with, from another wish.
    """
    noted = seen.notes.get(RESTART_ANNOTATION, "")
    ours = bool(noted) and noted == seen.restarted_at and not goal.anew
    ours = ours and (seen.under_way or _goes_on(noted, seen.members, now))
    if not memory.written and not ours:
        if not goal.anew and (_is_just_over(_ALL, seen, now) or _was_over_since(goal.at, seen, now)):
            return Done(reason=DoneReason.ALREADY_RESTARTED), memory
        refusal = _cannot_begin(seen)
        if refusal is not None:
            return refusal, memory
        hold = seen.replicas if goal.by is not None and seen.strategy != "OnDelete" else None
        return Act(step=Mark(at=goal.at, partition=hold)), replace(memory, before=seen.update_revision)
    if memory.written and seen.update_revision == memory.before:
        return not_kept(seen, memory), memory  # put back by somebody, or not seen yet
    if not memory.written:
        memory = replace(memory, written=True, already=not seen.under_way)
    memory = replace(memory, revision=seen.update_revision)
    if seen.strategy == "OnDelete":
        decision, memory = roll_by_hand(Promote(settle=goal.settle), seen, now, memory)
    else:
        decision, memory = roll(goal.by or Promote(settle=goal.settle), seen, now, memory)
    if not isinstance(decision, Done):
        return decision, memory
    done = Done(reason=DoneReason.ALREADY_RESTARTED if memory.already else DoneReason.RESTARTED)
    return Act(step=_finish(RESTART_ANNOTATION, _ALL, now), ends=done) if noted else done, memory


def _cannot_begin(seen: Assessment) -> Refused | None:
    if seen.phase is Phase.STUCK:
        return Refused(reason=RefusedReason.STUCK, blockers=seen.blockers)
    if seen.under_way:
        return Refused(reason=RefusedReason.OTHER_ROLLOUT)
    if seen.partition:
        return Refused(reason=RefusedReason.PARTITION_LEFT_OVER, limit=max(0, seen.replicas - seen.partition))
    return None


def restart_pods(goal: RestartPods, seen: Assessment, now: datetime, memory: RunMemory) -> tuple[Decision, RunMemory]:
    """Note the uids of the pods that were chosen, then evict them in order, each available again before the next.

    The rule: an eviction keeps PodDisruptionBudgets (policy/v1 Eviction), so where these are not to be asked the pods are
    deleted; and a pod is still to do while its uid is the one noted, so none goes down twice. One that leads when its turn
    comes is left alone, and named at the end.

    The note is for a run that is killed and typed again. This one holds on to what it has noted itself: a note that somebody
    took off, or that an older answer lacks, does not say that the pods were made anew.
    """
    began, noted = read_note(seen)
    if not memory.written:
        if not goal.anew and not noted and _is_just_over(",".join(goal.pods), seen, now):
            return Done(reason=DoneReason.ALREADY_RESTARTED), memory
        going_on = not goal.anew and is_under_way(seen, now)
        if going_on and _is_another(goal, seen):
            here = {member.name for member in seen.members}
            return Refused(reason=RefusedReason.OTHER_RESTART, pods=tuple(pod for pod in noted if pod in here)), memory
        if not going_on:
            chosen = chosen_at(goal, seen, memory.chosen or BeforeRestart(at=now))
            begin = _begin(goal, seen, chosen)
            return begin, replace(memory, chosen=chosen if isinstance(begin, Act) else None)
        chosen = BeforeRestart(at=_time(began) or now, uids=tuple(noted.items()))
        memory = replace(memory, chosen=chosen, written=True)
    chosen = memory.chosen or BeforeRestart(at=_time(began), uids=tuple(noted.items()))
    left = _still(goal, seen, chosen)
    todo = [member for member in left if member.name not in memory.skipped and not _leads(goal, member)]
    at_hand = replace(goal, pods=tuple(name for name, _ in chosen.uids))  # what came since was not taken down by this restart
    ahead = _next(at_hand, todo, seen, now)
    if ahead is not None:
        return ahead, memory
    if noted or not (memory.finished or not chosen.uids or _is_just_over(",".join(goal.pods), seen, now)):
        memory = replace(memory, skipped=frozenset(member.name for member in left), finished=True)
        return Act(step=_finish(PODS_ANNOTATION, ",".join(goal.pods), now), ends=_restarted(goal, memory)), memory
    return _restarted(goal, memory), memory


def _restarted(goal: RestartPods, memory: RunMemory) -> Done:
    return Done(reason=DoneReason.RESTARTED, skipped=tuple(pod for pod in goal.pods if pod in memory.skipped))


def is_under_way(seen: Assessment, now: datetime) -> bool:
    """Whether a restart of chosen pods is noted that was not finished, and that the same words go on with."""
    began, noted = read_note(seen)
    return _is_unfinished(began, noted, seen, now)


def _is_another(goal: RestartPods, seen: Assessment) -> bool:
    """Whether other pods are meant than the note's. The set may have been scaled since: positions that it has no more have
    nothing to do, and a pod that came since the restart began is made anew already. But where one that was there then and was
    left alone is to be taken down now, or one of the note's is not, that is another wish."""
    began, noted = read_note(seen)
    dropped = any(member.name in noted and member.name not in goal.pods for member in seen.members)
    before = _still(goal, seen, BeforeRestart(at=_time(began)))
    return dropped or any(member.name not in noted for member in before)


def to_do(goal: RestartPods, seen: Assessment, chosen: BeforeRestart | None = None) -> list[Member]:
    """The pods that are still as they were when the restart began, in its order. ``chosen``: as the run itself holds on to it;
    None: as it is noted."""
    began, noted = read_note(seen)
    return _still(goal, seen, chosen or BeforeRestart(at=_time(began), uids=tuple(noted.items())))


def _still(goal: RestartPods, seen: Assessment, chosen: BeforeRestart) -> list[Member]:
    """The same, of what was chosen. One that was not there when it began comes anew by itself; so one that is older was there,
    and the answer that lacked it was none of that moment."""
    uids = dict(chosen.uids)
    return [
        member
        for name in goal.pods
        for member in seen.members
        if member.name == name and member.state not in REPLACED and _stood(member, uids.get(name), chosen.at)
    ]


def _stood(member: Member, uid: str | None, began: datetime | None) -> bool:
    """Whether the pod is the one of before. Pods are dated in whole seconds, and now is known to half a one."""
    if uid:
        return uid == member.uid[:_UID]
    return bool(member.uid) and began is not None and member.created is not None and member.created < began - _LEEWAY


def chosen_at(goal: RestartPods, seen: Assessment, looked: BeforeRestart) -> BeforeRestart:
    """The pods of a restart that begins. ``looked``: what an earlier look of this run came to: a pod that was missing then and
    has come since is made anew, and one that was there then has to be another one before it counts, whatever is answered now."""
    before = dict(looked.uids)

    def uid(each: Member) -> str:
        known = before.get(each.name)
        if not each.uid:
            return known or ""
        return "" if known == "" and not _stood(each, "", looked.at) else each.uid[:_UID]

    there = {each.name: uid(each) for each in seen.members}
    return BeforeRestart(at=looked.at, uids=tuple((name, there[name]) for name in goal.pods if name in there))


def _leads(goal: RestartPods, member: Member) -> bool:
    return goal.leader is not None and goal.leader in member.labels


def _begin(goal: RestartPods, seen: Assessment, chosen: BeforeRestart) -> Decision:
    """Pods that are not there are noted, too: what comes in their place is made anew already, also for whoever types the same
    words again."""
    others = _not_mended(seen, goal.pods)
    if seen.phase is Phase.STUCK and others:
        return Refused(reason=RefusedReason.STUCK, blockers=others)
    if not chosen.uids or chosen.at is None:
        return Done(reason=DoneReason.NOTHING_TO_DO)
    uids = ",".join(f"{name}={uid}" for name, uid in chosen.uids)
    return Act(step=Note(notes={PODS_ANNOTATION: f"{_text(chosen.at)} {uids}"}, pods=goal.pods))


def _not_mended(seen: Assessment, pods: Collection[str]) -> tuple[Blocker, ...]:
    """What blocks, and goes on to when these pods are restarted. A controller that does nothing would make none of them anew."""
    return tuple(each for each in seen.blockers if each.pod not in pods or each.cause is Cause.NOT_DELETED)


def _next(goal: RestartPods, todo: list[Member], seen: Assessment, now: datetime) -> Decision | None:
    """What comes before the end: a broken pod first, then whoever is next in order; None: all are done."""
    broken = next_down([member for member in todo if not member.available and member.state is not PodState.READY], seen)
    if broken is not None:
        return deletion(broken, seen)
    standing = [member for member in todo if member.available]
    if _has_to_wait(goal, todo, seen):
        # What ails a pod that serves, and whose turn has yet to come, is what its restart mends, as a volume that it lacks.
        others = _not_mended(seen, [member.name for member in standing])
        return Stuck(blockers=others) if seen.phase is Phase.STUCK and others else await_pods(seen)
    fresh = tuple(member for member in seen.members if member.name in goal.pods and member not in todo)
    young = unsettled(goal.settle, seen, now, fresh)
    if young is not None:
        return young
    if not standing:
        return None
    until = soaks_until(fresh, goal.soak, updated=False)
    if until is not None and until > now:
        return Wait(reason=WaitReason.SOAK, until=until)
    chosen = standing[0]
    down = Evict if goal.evict else Delete
    return Act(step=down(pod=chosen.name, revision=chosen.revision, comes_back_at=revision_if_recreated(chosen, seen)))


def _has_to_wait(goal: RestartPods, todo: list[Member], seen: Assessment) -> bool:
    """Whether a pod that is down has to be back first: one that this restart did not take down, or one too many for the batch.
    Pods that leave because the set was scaled down have to be gone."""
    down = [member for member in seen.members if not member.available]
    if not down:
        return bool(seen.surplus) and bool(todo)
    if seen.surplus or len(down) >= goal.batch or not any(member.available for member in todo):
        return True
    blocking = {blocker.pod for blocker in seen.blockers}
    return any(member.name not in goal.pods or member in todo or member.name in blocking for member in down)


def read_note(seen: Assessment) -> tuple[str, dict[str, str]]:
    """When a restart of chosen pods began, and its pods in order, with the beginnings of the uids that they had before it (""
    where there was no pod)."""
    began, _, entries = seen.notes.get(PODS_ANNOTATION, "").partition(" ")
    pairs = (entry.partition("=") for entry in entries.split(","))
    return began, {name: uid for name, equals, uid in pairs if name and equals}


def _is_unfinished(began: str, noted: dict[str, str], seen: Assessment, now: datetime) -> bool:
    """Whether the restart noted is still at a pod, or was not long ago. Of one whose positions are all gone nothing is left to
    do."""
    here = [member for member in seen.members if member.name in noted]
    if not here:
        return False
    gone = [member for member in here if not member.uid or noted[member.name] != member.uid[:_UID]]
    leaving = any(member.state in LEAVING for member in here)
    return leaving or not all(member.available for member in gone) or _goes_on(began, gone, now)


def _goes_on(began: str, members: Iterable[Member], now: datetime) -> bool:
    """Whether a restart that began then may have been under way just now: large pods take their time, so the hour counts from
    the latest that it made. One that was made after more than an hour in which none was is somebody else's doing: of a drain days
    later nobody may take a restart that was broken off for one that was asked for now, and call it done."""
    last = _time(began)
    if last is None:
        return False
    for made in sorted(member.created for member in members if member.created is not None):
        if last < made <= last + _UNFINISHED:
            last = made
    return now - _UNFINISHED < last <= now + _UNFINISHED


def _finish(key: str, pods: str, now: datetime) -> Note:
    return Note(notes={key: None, FINISHED_ANNOTATION: f"{_text(now)} {pods}"})


def _is_just_over(pods: str, seen: Assessment, now: datetime) -> bool:
    time, _, which = seen.notes.get(FINISHED_ANNOTATION, "").partition(" ")
    return which == pods and _within(_JUST_NOW, time, now)


def _was_over_since(asked: str, seen: Assessment, now: datetime) -> bool:
    """Whether another run's restart of the whole set came to its end after this one was ``asked`` for: this one stood still all
    the time, and every pod has been made anew since."""
    time, _, which = seen.notes.get(FINISHED_ANNOTATION, "").partition(" ")
    over, begun = _time(time), _time(asked)
    return which == _ALL and over is not None and begun is not None and begun <= over <= now


def _text(time: datetime) -> str:
    return time.isoformat(timespec="seconds")


def mark(now: datetime, seen: Assessment) -> str:
    """What to write into the template: the time, in seconds as kubectl does, but never what stands there already, for that would
    be no change."""
    at = _text(now)
    return at if at != seen.restarted_at else _text(later(now, timedelta(seconds=1)))


def _within(age: timedelta, text: str, now: datetime) -> bool:
    time = _time(text)
    return time is not None and now - age < time <= now + age


def _time(text: str) -> datetime | None:
    """A time of a note of ours; None: it is none."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo is not None else None
