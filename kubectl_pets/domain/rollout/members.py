"""What holds each position of a StatefulSet? Reads a pod's state out of its conditions and container statuses.

The rules are the controller's own (pkg/controller/statefulset/stateful_set_utils.go: isRunningAndReady, isRunningAndAvailable,
isTerminating), and what ``containers`` makes of the kubelet's. A pod belongs to the set if the set controls it and its name has
an ordinal.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum, unique
from operator import is_
from typing import assert_never

import msgspec

from kubectl_pets.domain.model import (
    Around,
    Condition,
    ContainerStatus,
    PersistentVolumeClaim,
    Pod,
    PodSpec,
    SetView,
    StatefulSet,
)
from kubectl_pets.domain.rollout.containers import (
    StuckAfter,
    Trouble,
    counted_from,
    ended_lately,
    outlived,
    proof,
    restarts_of,
    trouble_of,
    untroubled,
    without_resizes,
)
from kubectl_pets.domain.rollout.events import ended_before, pulling
from kubectl_pets.domain.rollout.moments import Moment
from kubectl_pets.domain.rollout.times import later
from kubectl_pets.domain.sets.clocks import behind, by_the_servers_clock
from kubectl_pets.domain.sets.fields import min_ready_seconds
from kubectl_pets.domain.sets.grouping import awaited_worker
from kubectl_pets.domain.sets.in_place import standing_since, unfinished, updated_at, updated_containers, without_its_restarts
from kubectl_pets.domain.sets.kinds import APPS_SET, Capability, kind_of
from kubectl_pets.domain.sets.slots import Gap, Side, Slots, ordinals_in, span

#: ``deletionTimestamp`` already holds the grace period; a pod still there this long after it sits on a node that does not answer.
TERMINATION_PATIENCE = timedelta(seconds=30)

#: On a claim whose volume is to be made where its pod is to run (volume.kubernetes.io, WaitForFirstConsumer).
CHOSEN_NODE_ANNOTATION = "volume.kubernetes.io/selected-node"


@unique
class PodState(StrEnum):
    MISSING = "missing"
    PENDING = "pending"
    UNSCHEDULABLE = "unschedulable"
    CLAIM_UNBOUND = "claim-unbound"
    CREATING = "creating"
    #: A container does not start or does not stay up; also in the moments in which it runs.
    FAILING = "failing"
    #: Ready, but a container was restarted so lately that its next end may yet come; or another pod of its revision has ended at
    #: an age that this one has not come to yet.
    RECOVERING = "recovering"
    #: Phase Failed or Succeeded: the controller replaces such a pod by itself.
    ENDED = "ended"
    STARTING = "starting"
    #: Ready, but not yet for minReadySeconds.
    READY = "ready"
    AVAILABLE = "available"
    TERMINATING = "terminating"
    #: Terminating long past its grace period.
    OVERDUE = "overdue"


class Traits(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for every pod in a state. All else that depends on a state is a match that mypy knows to be exhaustive."""

    #: Its deletion has been asked for.
    leaving: bool = False
    #: The controller makes a pod for this position by itself, or waits until it may.
    replaced: bool = False
    #: Nothing in such a pod has served anybody yet.
    never_served: bool = False
    #: Its Ready condition is True.
    ready: bool = False
    #: Broken: it may well need somebody to mend it.
    broken: bool = False


def traits(state: PodState) -> Traits:
    """The row of a state: a new one does not pass mypy without."""
    match state:
        case PodState.MISSING:
            return Traits(replaced=True)
        case PodState.PENDING | PodState.CREATING:
            return Traits(never_served=True)
        case PodState.UNSCHEDULABLE | PodState.CLAIM_UNBOUND | PodState.FAILING:
            return Traits(never_served=True, broken=True)
        case PodState.ENDED:
            return Traits(replaced=True, broken=True)
        case PodState.STARTING:
            return Traits()
        case PodState.READY | PodState.AVAILABLE | PodState.RECOVERING:
            return Traits(ready=True)
        case PodState.TERMINATING:
            return Traits(leaving=True, replaced=True)
        case PodState.OVERDUE:
            return Traits(leaving=True, replaced=True, broken=True)
        case _:
            assert_never(state)


#: minReadySeconds is a 32-bit number.
_FOREVER = 2**31


#: States of a pod on its way out.
LEAVING = tuple(state for state in PodState if traits(state).leaving)


class ClaimUse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A claim that a pod mounts. ``phase`` is None where claims could not be read, "" where the claim does not exist."""

    name: str
    phase: str | None = None
    #: It is being deleted, and only this pod holds it: with the pod it goes, and whoever comes next gets an empty one.
    terminating: bool = False


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One pod of a group. ``reason`` is the cluster's word for why it is not ready."""

    name: str
    ready: bool
    reason: str = ""
    node: str = ""


class Member(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One position of the set (or a surplus pod outside its range) and the pod that holds it.

    Many neighbouring positions that hold no pod are one Member, with a ``count``: whoever counts positions sums it up.
    """

    ordinal: int
    #: How many positions are below it (``sets.slots``); anything for surplus pods. The partition counts these.
    position: int
    name: str
    state: PodState
    #: How many positions it stands for, from this one up.
    count: int = 1
    #: The pod of the highest of these, where there are several.
    last_name: str = ""
    #: Name of the ControllerRevision of the pod there; empty without a pod.
    revision: str = ""
    #: At the update revision.
    updated: bool = False
    #: At or above the partition, so a pod there is meant to be at the update revision.
    released: bool = False
    reason: str = ""
    message: str = ""
    node: str = ""
    restarts: int = 0
    created: datetime | None = None
    #: When it was made what it is now: when it was created, or updated in place since then.
    begun: datetime | None = None
    #: What keeps a container from starting or from staying up.
    trouble: Trouble | None = None
    #: Claim templates of the set whose volume the pod lacks: the controller can never give it to a pod that exists.
    lacks: tuple[str, ...] = ()
    #: Its label ``statefulset.kubernetes.io/pod-name`` is not its name, and the controller does nothing else before it is.
    mislabelled: bool = False
    #: When no node was found for it first.
    unscheduled_since: datetime | None = None
    #: When its Ready condition became True; None while it is not.
    ready_since: datetime | None = None
    #: What holds it in the API server once its deletion is asked for.
    finalizers: tuple[str, ...] = ()
    #: The claims whose volumes the scheduler waits for, before it binds the pod to the node that it has found.
    placed: tuple[str, ...] = ()
    #: ``container=image`` where it is of the wanted revision, and runs another image than that and than other pods of it.
    odd_images: tuple[str, ...] = ()
    #: A container of it runs, as far as its node has told.
    running: bool = False
    #: A container of it, or a pod before it, ended after so long, and not long ago.
    ended_after: timedelta | None = None
    #: A pod of the same revision that ended so, while this one is in its first life and not older than that one was: that it is
    #: up proves nothing yet.
    warned_by: str = ""
    #: When it became, or will become, available.
    available_at: datetime | None = None
    #: A terminating pod's deadline: when deletion was asked for, plus the grace period.
    leaves_by: datetime | None = None
    claims: tuple[ClaimUse, ...] = ()
    uid: str = ""
    resource_version: str = ""
    #: Where it stands for a group of pods: those, the leader first.
    parts: tuple[Part, ...] = ()
    #: The first pod of the group that nobody has made though its time has come.
    absent: str = ""
    #: What its update in place waits for; empty where there is none, or it is over.
    updating: str = ""
    #: Since when that has come no further, where the pod tells.
    updating_since: datetime | None = None
    #: The pod's, sorted; what budgets select by.
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def span(self) -> str:
        """The pod's name, or ``web-3..web-9`` for a run of them."""
        return span(self.name, self.last_name)

    @property
    def available(self) -> bool:
        return self.state is PodState.AVAILABLE

    @property
    def outdated(self) -> bool:
        """There is a pod, and it is not of the update revision."""
        return self.state is not PodState.MISSING and not self.updated


def read_members(
    owner: StatefulSet,
    slots: Slots,
    pods: dict[int, Pod],
    snapshot: SetView,
    now: datetime,
    patience: StuckAfter = StuckAfter(),
    quiet: "Quiet | None" = None,
) -> tuple[tuple[Member, ...], tuple[Member, ...]]:
    """The positions of the set in ordinal order, and the pods outside its range. ``slots`` are the set's, ``pods`` its own by
    ordinal (``own_pods``); of the snapshot only claims and what was asked besides are looked at. ``quiet``: of the looks at the
    set before this one."""
    read = _Reading(owner, slots, snapshot, now, patience)
    odd = _odd_images(owner, pods)
    if quiet is not None and isinstance(now, Moment) and not read.told_besides and not snapshot.parts:
        quiet.frame(read.rests_on, snapshot.claims)
        members = [quiet.member(read, ordinal, pods[ordinal], odd.get(ordinal, ()), now) for ordinal in sorted(pods)]
    else:
        members = [read.member(ordinal, pods[ordinal], odd.get(ordinal, ())) for ordinal in sorted(pods)]
    held = _not_proven(members, now)
    missing = [read.missing(gap) for gap in slots.gaps(pods)]
    in_range = [member for member in held if member.ordinal in slots]
    surplus = tuple(member for member in held if member.ordinal not in slots)
    return tuple(sorted((*in_range, *missing), key=lambda member: member.ordinal)), surplus


def _not_proven(members: list[Member], now: datetime) -> list[Member]:
    """Where a pod of a revision has ended a while after it came up, the first life of another one is no proof before it is past
    that age: it is up, and may yet end as the other one did."""
    if all(member.ended_after is None for member in members):
        return members  # as nearly always
    warnings: dict[str, Member] = {}
    for member in sorted(members, key=lambda each: each.ended_after or timedelta(0)):
        if member.ended_after is not None:
            warnings[member.revision] = member  # at last the one that had lived longest
    return [_warned(member, warnings.get(member.revision), now) for member in members]


def _warned(member: Member, by: Member | None, now: datetime) -> Member:
    lived = by.ended_after if by is not None and by is not member else None
    up = member.state in (PodState.READY, PodState.AVAILABLE) and member.trouble is None and member.ended_after is None
    if by is None or lived is None or not up or member.ready_since is None or outlived(member.ready_since, lived, now):
        return member
    proven = later(member.ready_since, proof(lived))
    available_at = max(member.available_at or proven, proven)
    return msgspec.structs.replace(
        member, state=PodState.RECOVERING, warned_by=by.name, ended_after=lived, available_at=available_at
    )


def _odd_images(owner: StatefulSet, pods: dict[int, Pod]) -> dict[int, tuple[str, ...]]:
    """By ordinal, the images of pods of the wanted revision that are not the template's, though other pods of it have that one.

    An image may be changed in the pod (pkg/apis/core/validation ValidatePodUpdate), and no controller of apps/v1 looks at it
    again. Where no pod has the template's image admission makes another one of it, which is meant so.
    """
    if kind_of(owner) is not APPS_SET or owner.status.observed_generation < owner.metadata.generation:
        return {}
    wanted = _images(owner.spec.template.spec)
    update = owner.status.update_revision
    ours: dict[int, dict[str, str]] = {}
    last, images = owner.spec.template.spec, wanted
    for ordinal, pod in pods.items():
        if pod.revision and pod.revision == update:
            spec = pod.spec
            if spec.containers is not last.containers or spec.init_containers is not last.init_containers:
                last, images = spec, _images(spec)  # in long lists those of a set share them
            ours[ordinal] = images
    if all(images == wanted for images in ours.values()):
        return {}  # as nearly always
    as_wanted = {name for images in ours.values() for name, image in images.items() if image == wanted.get(name)}
    return {
        ordinal: tuple(f"{name}={image}" for name, image in images.items() if name in as_wanted and image != wanted[name])
        for ordinal, images in ours.items()
    }


def _images(spec: PodSpec) -> dict[str, str]:
    return {each.name: each.image for each in spec.init_containers + spec.containers}


def own_pods(owner: StatefulSet, pods: Iterable[Pod] | None) -> dict[int, Pod]:
    """By ordinal, the pods that the set controls and whose names are its."""
    found: dict[int, Pod] = {}
    ordinal_in = ordinals_in(owner)
    for pod in pods or ():
        controller = pod.metadata.controller()
        ordinal = ordinal_in(pod.name)
        if controller is not None and controller.uid == owner.metadata.uid and ordinal is not None:
            found[ordinal] = pod
    return found


class _Known(msgspec.Struct, frozen=True):
    pod: Pod
    odd_images: tuple[str, ...]
    member: Member
    since: datetime
    until: datetime | None


class Quiet:
    """The members that were available and of which there was nothing else to be said, from one look at a set to the next. Such a
    one is taken again where all that it is read from is the same: its pod, what is read of the set (``_Reading.rests_on``) and of
    its claims, and no time has come that its reading rests on (``Moment``). All others are read anew each time: of 200 pods it is
    one that has changed."""

    def __init__(self) -> None:
        self._rests_on: object = None
        self._claims: tuple[PersistentVolumeClaim, ...] | None = None
        self._known: dict[int, _Known] = {}

    def frame(self, rests_on: object, claims: tuple[PersistentVolumeClaim, ...] | None) -> None:
        """For the look that begins."""
        if rests_on != self._rests_on or not _identical(claims, self._claims):
            self._known = {}
        self._rests_on, self._claims = rests_on, claims

    def member(self, read: "_Reading", ordinal: int, pod: Pod, odd_images: tuple[str, ...], now: Moment) -> Member:
        known = self._known.get(ordinal)
        if known is not None and known.pod is pod and known.odd_images == odd_images and now.within(known.since, known.until):
            return known.member
        with now.noting() as until:
            made = read.member(ordinal, pod, odd_images)
        if made.available and made.trouble is None and made.ended_after is None:
            self._known[ordinal] = _Known(pod, odd_images, made, now.plain, until())
        elif known is not None:
            del self._known[ordinal]
        return made


def _identical(one: Sequence[object] | None, other: Sequence[object] | None) -> bool:
    if one is None or other is None:
        return one is other
    return one is other or (len(one) == len(other) and all(map(is_, one, other)))


class _Reading:
    """What all pods of a set are read by."""

    def __init__(self, owner: StatefulSet, slots: Slots, snapshot: SetView, now: datetime, patience: StuckAfter) -> None:
        self._owner, self._slots, self._now, self._patience = owner, slots, now, patience
        self._min_ready = min_ready_seconds(owner)
        self._in_place = Capability.IN_PLACE in kind_of(owner).can
        self._apps = kind_of(owner) is APPS_SET
        self._templates = [(each.name, f"{each.name}-{owner.name}-") for each in owner.spec.volume_claim_templates]
        self._parts = snapshot.parts
        self._claims = None if snapshot.claims is None else {claim.name: claim for claim in snapshot.claims}
        around = snapshot.around or Around()
        self._events = around.events or ()
        self._gone_nodes = {node.name for node in around.nodes or () if not node.ready}
        #: More than the pod itself tells of it.
        self._special = bool(self._in_place or self._parts or self.told_besides)

    @property
    def told_besides(self) -> bool:
        """Whether what was asked besides tells anything of a member. Since when one is missing does not, nor a node that is
        there."""
        return bool(self._events or self._gone_nodes)

    @property
    def rests_on(self) -> tuple[object, ...]:
        """What of the set a member is read from, where nothing was asked besides."""
        owner = self._owner
        templates, update = owner.spec.volume_claim_templates, owner.status.update_revision
        return kind_of(owner), owner.name, self._min_ready, templates, update, self._slots, self._patience

    def missing(self, gap: Gap) -> Member:
        slots = self._slots
        return Member(
            ordinal=gap.first,
            position=slots.position(gap.first),
            name=slots.name(gap.first),
            state=PodState.MISSING,
            count=gap.count,
            last_name=slots.name(gap.last) if gap.count > 1 else "",
            released=slots.side(gap.first) is Side.RELEASED,
            trouble=ended_before(slots.name(gap.first), None, self._owner, self._events, self._now),
        )

    def member(self, ordinal: int, pod: Pod, odd_images: tuple[str, ...]) -> Member:
        ready = self._plainly_ready(pod)
        return self._well(ordinal, pod, odd_images, ready) if ready is not None else self._any(ordinal, pod, odd_images)

    def _plainly_ready(self, pod: Pod) -> Condition | None:
        """The Ready condition of a pod that is up, and in which nothing has ever gone wrong: most pods are such, and of many
        thousands most of what can be said of a pod need not be asked. None: it may be any other."""
        status, meta = pod.status, pod.metadata
        if status.phase != "Running" or meta.deletion_timestamp is not None or not pod.spec.node_name or self._special:
            return None
        ready = status.condition("Ready")
        if ready is None or ready.status != "True" or behind(pod) or not untroubled(pod):
            return None
        return ready

    def _well(self, ordinal: int, pod: Pod, odd_images: tuple[str, ...], ready: Condition) -> Member:
        """As ``_any``, of such a pod: its state rests on minReadySeconds alone."""
        slots, meta, owner = self._slots, pod.metadata, self._owner
        created, since = meta.creation_timestamp, ready.last_transition_time
        if since is not None and created is not None and created > since:
            since = created
        available_at = _available_at(since, self._min_ready)
        available = available_at is not None and available_at <= self._now
        revision, position = pod.revision, slots.position(ordinal)
        return Member(
            ordinal=ordinal,
            position=position,
            name=slots.name(ordinal),
            state=PodState.AVAILABLE if available or self._min_ready == 0 else PodState.READY,
            revision=revision,
            updated=bool(revision) and revision == owner.status.update_revision,
            released=slots.side(ordinal) is Side.RELEASED,
            node=pod.spec.node_name,
            created=created,
            begun=created,
            lacks=self._lacking(ordinal, pod),
            mislabelled=self._apps and _is_mislabelled(pod),
            ready_since=since,
            odd_images=odd_images,
            finalizers=meta.finalizers,
            running=bool(pod.status.container_statuses),
            available_at=available_at,
            claims=_claim_uses(pod, self._claims),
            uid=meta.uid,
            resource_version=meta.resource_version,
            labels=tuple(sorted(meta.labels.items())),
        )

    def _any(self, ordinal: int, pod: Pod, odd_images: tuple[str, ...]) -> Member:
        pod = by_the_servers_clock(pod)
        owner, slots, name = self._owner, self._slots, self._slots.name(ordinal)
        uses = _claim_uses(pod, self._claims)
        trouble = self._trouble(name, pod)
        state, reason, message = self._state(pod, uses, trouble)
        if state is PodState.CREATING and not message:
            message = pulling(pod, self._events)
        placed = self._placed(uses) if state is PodState.PENDING and not reason else ()
        if placed:
            message = f"a node was found, and the volume of {', '.join(placed)} is to be made there"
        ready_since = _ready_since(pod)
        available_at = _available_at(ready_since, self._min_ready)
        if available_at is not None and trouble is not None and trouble.settles_at is not None:
            available_at = max(available_at, trouble.settles_at)
        going_on = unfinished(pod) if self._in_place else None
        parts = self._parts.get(name, ())
        if going_on is not None and traits(state).ready:
            state, reason, message, available_at = PodState.STARTING, "InPlaceUpdate", going_on.value, None
        if pod.spec.node_name in self._gone_nodes and traits(state).ready:
            # Nobody tells its status any more; the garbage collector is about to delete it (pkg/controller/podgc).
            state, reason, message = PodState.STARTING, "NodeGone", "its node does not exist any more"
            ready_since = available_at = None
        return Member(
            ordinal=ordinal,
            position=slots.position(ordinal),
            name=name,
            state=state,
            revision=pod.revision,
            updated=bool(pod.revision) and pod.revision == owner.status.update_revision,
            released=slots.side(ordinal) is Side.RELEASED,
            reason=reason,
            message=message,
            node=pod.spec.node_name,
            restarts=restarts_of(pod),
            created=pod.metadata.creation_timestamp,
            begun=(updated_at(pod) if self._in_place else None) or pod.metadata.creation_timestamp,
            trouble=trouble,
            lacks=self._lacking(ordinal, pod),
            mislabelled=self._apps and _is_mislabelled(pod),
            unscheduled_since=_unscheduled_since(pod),
            ready_since=ready_since,
            placed=placed,
            odd_images=odd_images,
            finalizers=pod.metadata.finalizers,
            running=any(status.state.running is not None for status in _statuses(pod)),
            ended_after=self._ended_after(pod, trouble),
            available_at=available_at,
            leaves_by=pod.metadata.deletion_timestamp,
            claims=uses,
            uid=pod.metadata.uid,
            resource_version=pod.metadata.resource_version,
            parts=tuple(map(_part, parts)),
            absent=awaited_worker(owner, parts) if parts else "",
            updating=going_on.value if going_on is not None else "",
            updating_since=standing_since(pod) if going_on is not None else None,
            labels=tuple(sorted(pod.metadata.labels.items())),
        )

    def _lacking(self, ordinal: int, pod: Pod) -> tuple[str, ...]:
        """As storageMatches in stateful_set_utils.go: the controller wants to add such a volume, which no API server allows
        (kubernetes/kubernetes#141876)."""
        if not self._apps or not self._templates:
            return ()
        mounted = {volume.name: volume.persistent_volume_claim for volume in pod.spec.volumes}
        lacking = []
        for name, stem in self._templates:
            claim = mounted.get(name)
            if claim is None or claim.claim_name != f"{stem}{ordinal}":
                lacking.append(name)
        return tuple(lacking)

    def _placed(self, uses: tuple[ClaimUse, ...]) -> tuple[str, ...]:
        """The claims for which a node was chosen, and that wait for the volume that is to be made there. Before that is made the
        scheduler does not bind the pod, for up to ten minutes, and says nothing of it (plugin volumebinding, PreBind)."""
        claims = ((self._claims or {}).get(use.name) for use in uses if use.phase == "Pending")
        noted = (claim for claim in claims if claim is not None and claim.metadata.annotations.get(CHOSEN_NODE_ANNOTATION))
        return tuple(claim.name for claim in noted)

    def _trouble(self, name: str, pod: Pod) -> Trouble | None:
        of_containers = self._since_its_update(pod) if self._in_place else trouble_of(without_resizes(pod), self._now)
        before = ended_before(name, pod, self._owner, self._events, self._now)
        # What has ended for good is about to be made anew: its containers are not started again, so it goes on what was before.
        return before or of_containers if pod.status.phase in ("Failed", "Succeeded") else of_containers or before

    def _since_its_update(self, pod: Pod) -> Trouble | None:
        """What a pod that is updated in place did since the last time; that update has restarted containers itself."""
        found, at = trouble_of(without_its_restarts(pod), self._now), updated_at(pod)
        if found is None or at is None or found.container not in updated_containers(pod):
            return found
        return counted_from(found, pod, at)

    def _ended_after(self, pod: Pod, trouble: Trouble | None) -> timedelta | None:
        own = ended_lately(without_its_restarts(pod) if self._in_place else without_resizes(pod), self._now)
        before = trouble.lived if trouble is not None else None
        return max((life for life in (own, before) if life is not None), default=None)

    def _state(self, pod: Pod, uses: tuple[ClaimUse, ...], trouble: Trouble | None) -> tuple[PodState, str, str]:
        """The pod's state with the cluster's reason and message for it."""
        deadline = pod.metadata.deletion_timestamp
        if deadline is not None:
            overdue = self._now >= later(deadline, TERMINATION_PATIENCE)
            return (PodState.OVERDUE if overdue else PodState.TERMINATING), pod.status.reason, pod.status.message
        if pod.status.phase in ("Failed", "Succeeded"):
            return PodState.ENDED, pod.status.reason or pod.status.phase, pod.status.message
        ready = pod.status.condition("Ready")
        is_ready = pod.status.phase == "Running" and ready is not None and ready.status == "True"
        if trouble is not None and (trouble.container or is_ready):
            hopeful = is_ready and trouble.settles_at is not None and self._now < trouble.deadline(self._patience)
            return (PodState.RECOVERING if hopeful else PodState.FAILING), trouble.reason, trouble.message
        if is_ready:
            available_at = _available_at(_ready_since(pod), self._min_ready)
            available = available_at is not None and available_at <= self._now
            settled = available or self._min_ready == 0
            return (PodState.AVAILABLE if settled else PodState.READY), "", ""
        if pod.status.phase == "Running":
            return PodState.STARTING, ready.reason if ready else "", ready.message if ready else ""
        return _pending(pod, uses)


def _pending(pod: Pod, uses: tuple[ClaimUse, ...]) -> tuple[PodState, str, str]:
    scheduled = pod.status.condition("PodScheduled")
    if scheduled is not None and scheduled.status == "False":
        return _not_scheduled(pod, scheduled, uses)
    if not pod.spec.node_name:
        return PodState.PENDING, "", ", ".join(_devices(pod))
    waiting = next((status.state.waiting for status in _statuses(pod) if status.state.waiting), None)
    return PodState.CREATING, waiting.reason if waiting else "", (waiting.message if waiting else "") or _initializing(pod)


def _not_scheduled(pod: Pod, told: Condition, uses: tuple[ClaimUse, ...]) -> tuple[PodState, str, str]:
    """What a scheduler says. Whatever its reason (kube-scheduler: Unschedulable; SchedulerError where it could not bind), it has
    looked at the pod; only a gate keeps it from that (core/v1 PodReasonSchedulingGated)."""
    if told.reason == "SchedulingGated":
        gates = ", ".join(gate.name for gate in pod.spec.scheduling_gates)
        return PodState.PENDING, told.reason, f"held back by scheduling gate {gates}" if gates else told.message
    unbound = [use.name for use in uses if use.phase not in (None, "Bound")]
    words = told.message.lower()
    if unbound and ("persistentvolumeclaim" in words or "persistent volume" in words or "binding volumes" in words):
        return PodState.CLAIM_UNBOUND, told.reason, f"{', '.join(unbound)}: {told.message}"
    if told.reason == "Unschedulable" or told.message:
        return PodState.UNSCHEDULABLE, told.reason, told.message
    return PodState.PENDING, told.reason, told.message


def _initializing(pod: Pod) -> str:
    """Which init container the others wait for: the first that has not ended, or of a sidecar has not started (KEP-753). It may
    take as long as it likes, and no event tells of it."""
    sidecars = {container.name for container in pod.spec.init_containers if container.restart_policy == "Always"}
    for status in pod.status.init_container_statuses:
        if status.name in sidecars and not status.started and status.state.running is not None:
            return f"sidecar {status.name} has not started: its startup probe has not passed"
        if status.name not in sidecars and status.state.running is not None:
            return f"init container {status.name} has not ended"
    return ""


def _devices(pod: Pod) -> Iterator[str]:
    """The ResourceClaims that it asks for. A pod of which one does not exist is not even queued, and nothing says so (scheduler
    plugin dynamicresources, PreEnqueue)."""
    for each in pod.spec.resource_claims:
        if each.resource_claim_name:
            yield f"ResourceClaim {each.resource_claim_name}"
        elif each.resource_claim_template_name:
            yield f"ResourceClaimTemplate {each.resource_claim_template_name}"


def _part(pod: Pod) -> Part:
    ready = pod.status.condition("Ready")
    up = ready is not None and ready.status == "True" and not pod.terminating
    waiting = next((status.state.waiting.reason for status in _statuses(pod) if status.state.waiting), "")
    why = "Terminating" if pod.terminating else waiting or (ready.reason if ready is not None else "") or pod.status.phase
    return Part(name=pod.name, ready=up, reason="" if up else why, node=pod.spec.node_name)


def _statuses(pod: Pod) -> tuple[ContainerStatus, ...]:
    return pod.status.init_container_statuses + pod.status.container_statuses


def _ready_since(pod: Pod) -> datetime | None:
    """Since when it is Ready; never since before it was made, whatever the clock of its node said."""
    ready, created = pod.status.condition("Ready"), pod.metadata.creation_timestamp
    since = ready.last_transition_time if ready is not None and ready.status == "True" else None
    return max(since, created) if since is not None and created is not None else since


def _available_at(ready_since: datetime | None, min_ready_seconds: int) -> datetime | None:
    """Ready since, plus minReadySeconds (podutil.IsPodAvailable); None while not Ready."""
    if ready_since is None or not min_ready_seconds:
        return ready_since
    return later(ready_since, timedelta(seconds=min(min_ready_seconds, _FOREVER)))


def _unscheduled_since(pod: Pod) -> datetime | None:
    """Since when no node was found for it; None where it has one, or is held back from scheduling on purpose (KEP-3521)."""
    if pod.spec.node_name:
        return None
    scheduled = pod.status.condition("PodScheduled")
    if scheduled is not None and (scheduled.status == "True" or scheduled.reason == "SchedulingGated"):
        return None
    return (scheduled.last_transition_time if scheduled is not None else None) or pod.metadata.creation_timestamp


#: What the controller puts on each pod; the second tells that it did (KEP-4017, since 1.28).
_NAME_LABEL, _INDEX_LABEL = "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index"


def _is_mislabelled(pod: Pod) -> bool:
    """As identityMatches in stateful_set_utils.go: the controller of apps/v1 puts the label right at once, unless it may not."""
    labels = pod.metadata.labels
    return labels.get(_NAME_LABEL) != pod.metadata.name and (_NAME_LABEL in labels or _INDEX_LABEL in labels)


def _claim_uses(pod: Pod, claims: dict[str, PersistentVolumeClaim] | None) -> tuple[ClaimUse, ...]:
    return tuple(
        [
            _claim_use(volume.persistent_volume_claim.claim_name, claims)
            for volume in pod.spec.volumes
            if volume.persistent_volume_claim is not None
        ]
    )


def _claim_use(name: str, claims: dict[str, PersistentVolumeClaim] | None) -> ClaimUse:
    if claims is None:
        return ClaimUse(name=name)
    claim = claims.get(name)
    if claim is None:
        return ClaimUse(name=name, phase="")
    return ClaimUse(name=name, phase=claim.status.phase, terminating=claim.metadata.deletion_timestamp is not None)
