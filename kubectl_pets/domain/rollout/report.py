"""What happened in a rollout, pod by pod, and how long did it take? From what the cluster remembers of it, which is not all.

A pod remembers when it was made, scheduled and became Ready; that one was deleted before, and when its images were there, only
events remember, which last an hour (kube-apiserver ``--event-ttl``) and may be left out under load. ControllerRevisions remember
what was rolled out, managedFields when each writer wrote last. What is not known any more is None, and ``unseen`` says why.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum, unique
from itertools import pairwise

import msgspec

from kubectl_pets.domain.model import Event, Pod
from kubectl_pets.domain.rollout.evidence import Warned, warnings_of
from kubectl_pets.domain.rollout.fields import FieldsOwner, entries_of, leaves, time_of
from kubectl_pets.domain.rollout.history import Difference, RevisionEntry
from kubectl_pets.domain.rollout.members import LEAVING, Member, PodState
from kubectl_pets.domain.rollout.times import later
from kubectl_pets.domain.rollout.verdict import Assessment, Cause, Phase

#: How the StatefulSet controller says that it has deleted a pod (stateful_pod_control.go, recordPodEvent), with this reason.
_DELETED = re.compile(r"\bPod (\S+) in StatefulSet (\S+) successful")
_DELETION = "SuccessfulDelete"

#: Times have whole seconds, and are of two clocks.
_SAME = timedelta(seconds=1)

#: Of which image a kubelet tells that it is there ("Successfully pulled image", "Container image ... already present").
_IMAGE = re.compile(r'image "([^"]+)"')

#: Warnings of one pod that are told, at most.
_FEW = 5


@unique
class PodProgress(StrEnum):
    """Where a pod stands in the rollout of one revision."""

    #: Available at it.
    DONE = "done"
    #: At it and not available, or the pod before it is on its way out, or nobody holds the position.
    ON_ITS_WAY = "on-its-way"
    #: Its turn is still to come.
    WAITING = "waiting"
    #: The partition keeps it back.
    HELD = "held"


@unique
class PodStage(StrEnum):
    """What a pod's time is spent on, each up to the next of its times."""

    TERMINATION = "termination"  #: from the deletion of the pod before it to its own creation
    SCHEDULING = "scheduling"
    PULLING = "pulling"  #: volumes, sandbox and images, until all images are there
    STARTING = "starting"  #: until it is Ready
    SETTLING = "settling"  #: minReadySeconds


@unique
class Unseen(StrEnum):
    """Why something is not told."""

    EVENTS_UNREAD = "events-unread"
    #: Of these pods no event is left.
    EVENTS_GONE = "events-gone"
    PODS_UNREAD = "pods-unread"
    #: No pod runs this revision any more, and nothing else remembers them.
    PODS_GONE = "pods-gone"
    #: These pods were made again after the rollout; what is known is about that.
    MADE_AGAIN = "made-again"
    #: Containers of these were started anew: they are Ready since the last time, not since the first.
    READY_AGAIN = "ready-again"
    #: The revision is older than this rollout of it: when its template came back is not known.
    RESTORED = "restored"
    #: managedFields are none of the API's.
    WRITERS_UNREADABLE = "writers-unreadable"


class NotTold(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is not told, and of which pods (empty: of the whole)."""

    why: Unseen
    pods: tuple[str, ...] = ()


class PodReport(msgspec.Struct, frozen=True, kw_only=True):
    """One position in the rollout. Times are UTC; None: it has not come to it, or nothing remembers it."""

    name: str
    #: For how many positions without a pod it stands.
    count: int = 1
    progress: PodProgress
    state: PodState
    node: str = ""
    restarts: int = 0
    #: When the deletion of the pod before it was asked for.
    deleted: datetime | None = None
    created: datetime | None = None
    scheduled: datetime | None = None
    #: When the last of its images was there for the first time.
    pulled: datetime | None = None
    ready: datetime | None = None
    available: datetime | None = None
    #: Of this very pod, the newest first. Untrusted text.
    warnings: tuple[Warned, ...] = ()
    #: It was made after the rollout, so its times are no part of that: a scaling, an eviction, a node that went.
    again: bool = False
    #: An event of it is left.
    remembered: bool = False

    @property
    def began(self) -> datetime | None:
        return self.deleted or self.created

    @property
    def took(self) -> timedelta | None:
        """From the deletion of the pod before it (where that is not known: from its own creation) until it was available."""
        return self.available - self.began if self.available is not None and self.began is not None else None

    @property
    def stages(self) -> tuple[tuple[PodStage, timedelta], ...]:
        """What its time went to, in order. A stage whose end is not known is part of the next one."""
        times = (
            (PodStage.TERMINATION, self.created),
            (PodStage.SCHEDULING, self.scheduled),
            (PodStage.PULLING, self.pulled),
            (PodStage.STARTING, self.ready),
            (PodStage.SETTLING, self.available),
        )
        known = [(stage, time) for stage, time in ((PodStage.TERMINATION, self.deleted), *times) if time is not None]
        return tuple((stage, end - start) for (_, start), (stage, end) in pairwise(known) if end >= start)


class Writer(msgspec.Struct, frozen=True, kw_only=True):
    """Who wrote fields of the spec, and when last (managedFields keep no more). Untrusted text."""

    manager: str
    operation: str
    time: datetime | None
    #: Below the spec: ``replicas``, ``template.spec.containers[name=app].image``.
    fields: tuple[str, ...]


class RolloutReport(msgspec.Struct, frozen=True, kw_only=True):
    """The rollout of one revision."""

    namespace: str
    name: str
    uid: str
    phase: Phase
    strategy: str
    policy: str
    partition: int
    min_ready_seconds: int
    revision: str
    number: int
    #: When the controller made the revision, which is when it saw the template for the first time.
    made: datetime | None
    #: Against the revision before it; None: nothing comes before it, or it is not kept.
    changes: tuple[Difference, ...] | None
    #: It is what the set wants now.
    wanted: bool
    #: In the order in which the controller goes: the highest ordinal first, the very first rollout from the lowest.
    pods: tuple[PodReport, ...]
    writers: tuple[Writer, ...]
    #: Of the set itself: pods that could not be made or deleted.
    warnings: tuple[Warned, ...]
    unseen: tuple[NotTold, ...]
    #: When the first pod went down or was made.
    began: datetime | None
    #: When the last one was available; None while it goes on.
    ended: datetime | None
    #: When it may be through, at the pace of the pods that are; None where nothing tells, or it does not go on by itself.
    eta: datetime | None
    at: datetime

    @property
    def took(self) -> timedelta | None:
        """From the first pod to the last, or so far."""
        return max(timedelta(0), (self.ended or self.at) - self.began) if self.began is not None else None

    @property
    def done(self) -> int:
        """Pods that are available at the revision."""
        return sum(pod.count for pod in self.pods if pod.progress is PodProgress.DONE)

    @property
    def positions(self) -> int:
        """How many there are to be."""
        return sum(pod.count for pod in self.pods)

    @property
    def slowest(self) -> PodReport | None:
        """The pod that took the longest; None where fewer than two can be compared."""
        timed = [pod for pod in self.pods if pod.took is not None and not pod.again]
        return max(timed, key=lambda pod: pod.took or timedelta(0)) if len(timed) > 1 else None


def report(
    seen: Assessment,
    pods: Iterable[Pod] | None,
    entry: RevisionEntry,
    older: Sequence[RevisionEntry],
    owner: FieldsOwner,
    events: Iterable[Event] | None,
    now: datetime,
) -> RolloutReport:
    """What is known of the rollout of ``entry``. ``pods``: whatever the set's selector matches, ``events``: of the namespace;
    None: could not be read. ``older``: the revisions with lower numbers that are kept."""
    told = tuple(event for event in events or () if event.last is not None)
    by_uid = {pod.metadata.uid: pod for pod in pods or ()}
    found = [_pod(member, by_uid.get(member.uid), seen, entry, told) for member in _concerned(seen, entry)]
    found.sort(key=lambda each: each[0].ordinal, reverse=entry.number != 1)
    listed = _marked([each for _, each in found], seen)
    began = min((pod.began for pod in listed if pod.began is not None and not pod.again), default=None)
    ended = _ended(listed, seen, entry)
    writers = _writers(owner)
    return RolloutReport(
        namespace=seen.namespace,
        name=seen.name,
        uid=seen.uid,
        phase=seen.phase,
        strategy=seen.strategy,
        policy=seen.policy,
        partition=seen.partition,
        min_ready_seconds=seen.min_ready_seconds,
        revision=entry.name,
        number=entry.number,
        made=entry.created,
        changes=entry.changes,
        wanted=entry.update,
        pods=listed,
        writers=writers or (),
        warnings=warnings_of((event for event in told if _is_of_set(event, seen)), _FEW),
        unseen=tuple(_unseen(listed, seen, entry, older, events, writers is None)),
        began=began,
        ended=ended,
        eta=_eta(listed, seen, entry, began, now) if ended is None else None,
        at=now,
    )


# --- the pods ----------------------------------------------------------------------------------------------------------------


def _concerned(seen: Assessment, entry: RevisionEntry) -> Iterator[Member]:
    """All positions, where the revision is the wanted one; else those that run it. None of which nothing is known."""
    for member in seen.members if not _pods_unread(seen) else ():
        if entry.update or member.revision == entry.name and member.state not in LEAVING:
            yield member


def _pods_unread(seen: Assessment) -> bool:
    return any(found.cause is Cause.PODS_UNREADABLE for found in seen.blockers)


def _pod(
    member: Member, pod: Pod | None, seen: Assessment, entry: RevisionEntry, events: tuple[Event, ...]
) -> tuple[Member, PodReport]:
    progress = _progress(member, entry)
    of_it = member.revision == entry.name and member.state not in LEAVING
    mine = tuple(event for event in events if event.involved_object.kind == "Pod" and event.involved_object.name == member.name)
    own = tuple(event for event in mine if pod is not None and event.involved_object.uid == member.uid)
    created = member.created if of_it else None
    # Of a pod that waits for its turn an earlier deletion says nothing.
    is_over = of_it or progress is PodProgress.ON_ITS_WAY
    available = member.available_at if of_it and member.available else None
    return member, PodReport(
        name=member.span,
        count=member.count,
        progress=progress,
        state=member.state,
        node=member.node if of_it else "",
        restarts=member.restarts if of_it else 0,
        deleted=_deleted(member, seen, created, events, mine) if is_over else None,
        created=created,
        scheduled=_since(pod, "PodScheduled") if of_it else None,
        pulled=_pulled(own) if of_it else None,
        ready=_since(pod, "Ready") if of_it else None,
        available=available,
        warnings=warnings_of(own, _FEW) if of_it else (),
        remembered=bool(own),
    )


def _progress(member: Member, entry: RevisionEntry) -> PodProgress:
    if member.revision == entry.name and member.state not in LEAVING:
        return PodProgress.DONE if member.available else PodProgress.ON_ITS_WAY
    if member.state is PodState.MISSING or member.state in LEAVING:
        return PodProgress.ON_ITS_WAY if member.released or member.revision == entry.name else PodProgress.HELD
    return PodProgress.WAITING if member.released else PodProgress.HELD


def _since(pod: Pod | None, condition: str) -> datetime | None:
    found = pod.status.condition(condition) if pod is not None else None
    return found.last_transition_time if found is not None and found.status == "True" else None


def _deleted(
    member: Member, seen: Assessment, created: datetime | None, events: Iterable[Event], mine: Iterable[Event]
) -> datetime | None:
    """When the deletion of the pod before was asked for: the last that comes before ``created`` (None: the last of all). By the
    controller, or by whomever: then the kubelet says that it ends the containers."""
    times: list[datetime | None] = []
    for event in events:
        if event.reason != _DELETION or not _is_of_set(event, seen):
            continue
        if (found := _DELETED.search(event.message)) is not None and found[1] == member.name:
            times += [event.first, event.last]
    for event in mine:
        if event.reason == "Killing" and (created is None or event.involved_object.uid != member.uid):
            times += [event.first]
    found_at = [time for time in times if time is not None and (created is None or time <= later(created, _SAME))]
    latest = max(found_at, default=None)
    return min(latest, created) if latest is not None and created is not None else latest


def _is_of_set(event: Event, seen: Assessment) -> bool:
    about = event.involved_object
    return about.kind == "StatefulSet" and about.name == seen.name and about.uid in ("", seen.uid)


def _pulled(events: Iterable[Event]) -> datetime | None:
    """The first time of each image, and the last of these."""
    first: dict[str, datetime] = {}
    for event in events:
        if event.reason == "Pulled" and event.first is not None:
            found = _IMAGE.search(event.message)
            image = found[1] if found is not None else ""
            first[image] = min(event.first, first.get(image, event.first))
    return max(first.values(), default=None)


def _marked(listed: Sequence[PodReport], seen: Assessment) -> tuple[PodReport, ...]:
    """With those marked that came after a pod whose turn is later was available: not by the rollout, which goes in order."""
    if seen.strategy != "RollingUpdate":
        return tuple(listed)
    found, bound = [], None
    for pod in reversed(listed):
        again = bound is not None and pod.began is not None and pod.began > bound
        found.append(msgspec.structs.replace(pod, again=again))
        if not again and pod.available is not None:
            bound = pod.available if bound is None else min(bound, pod.available)
    return tuple(reversed(found))


# --- the whole ---------------------------------------------------------------------------------------------------------------


def _ended(listed: Sequence[PodReport], seen: Assessment, entry: RevisionEntry) -> datetime | None:
    """When the last pod that was released was available; None where one is not."""
    open_still = [pod for pod in listed if pod.progress in (PodProgress.ON_ITS_WAY, PodProgress.WAITING)]
    if open_still or (entry.update and seen.phase in (Phase.UNKNOWN, Phase.DELETING)):
        return None
    return max((pod.available for pod in listed if pod.available is not None and not pod.again), default=None)


def _eta(
    listed: Sequence[PodReport], seen: Assessment, entry: RevisionEntry, began: datetime | None, now: datetime
) -> datetime | None:
    """At the pace so far: from the first pod to the last that is done, the pauses between them included."""
    done = [pod.available for pod in listed if pod.available is not None and pod.progress is PodProgress.DONE and not pod.again]
    left = sum(pod.count for pod in listed if pod.progress in (PodProgress.ON_ITS_WAY, PodProgress.WAITING))
    if not (entry.update and seen.phase is Phase.PROGRESSING and done and began is not None and left):
        return None
    last = max(done)
    return max(now, later(last, (last - began) / len(done) * left))


def _writers(owner: FieldsOwner) -> tuple[Writer, ...] | None:
    """Who wrote fields of the spec, the last one first; None where that cannot be read."""
    try:
        entries = [entry for entry in entries_of(owner) if not entry.subresource and entry.fields_v1.get("f:spec")]
        found = [
            Writer(
                manager=entry.manager,
                operation=entry.operation,
                time=time_of(entry),
                fields=tuple(field.path for field in leaves(entry.fields_v1["f:spec"], owner.spec)),
            )
            for entry in entries
        ]
    except (msgspec.ValidationError, RecursionError):
        return None
    return tuple(sorted(found, key=lambda each: each.time.timestamp() if each.time is not None else 0.0, reverse=True))


def _unseen(
    listed: Sequence[PodReport],
    seen: Assessment,
    entry: RevisionEntry,
    older: Sequence[RevisionEntry],
    events: Iterable[Event] | None,
    writers_unreadable: bool,
) -> Iterator[NotTold]:
    if _pods_unread(seen):
        yield NotTold(why=Unseen.PODS_UNREAD)
    elif not listed and not entry.update:
        yield NotTold(why=Unseen.PODS_GONE)
    there = [pod for pod in listed if pod.created is not None]
    if events is None:
        yield NotTold(why=Unseen.EVENTS_UNREAD)
    elif silent := tuple(pod.name for pod in there if not pod.remembered):
        yield NotTold(why=Unseen.EVENTS_GONE, pods=silent)
    if again := tuple(pod.name for pod in there if pod.again):
        yield NotTold(why=Unseen.MADE_AGAIN, pods=again)
    if restarted := tuple(pod.name for pod in there if pod.restarts):
        yield NotTold(why=Unseen.READY_AGAIN, pods=restarted)
    created = entry.created
    if created is not None and any(each.created is not None and each.created > created for each in older):
        yield NotTold(why=Unseen.RESTORED)
    if writers_unreadable:
        yield NotTold(why=Unseen.WRITERS_UNREADABLE)
