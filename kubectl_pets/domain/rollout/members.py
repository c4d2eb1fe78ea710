"""What holds each position of a StatefulSet? Reads a pod's state out of its conditions and container statuses.

The rules are the controller's own (pkg/controller/statefulset/stateful_set_utils.go: isRunningAndReady, isRunningAndAvailable,
isTerminating) and the kubelet's waiting reasons. A pod belongs to the set if the set controls it and its name has an ordinal.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum, unique
from typing import assert_never

import msgspec

from kubectl_pets.domain.model import ContainerStatus, PersistentVolumeClaim, Pod, StatefulSet, ordinal_of
from kubectl_pets.domain.sets.slots import Gap, Side, Slots, span

#: Waiting reasons of a container (kubelet, pkg/kubelet/images and container) that do not pass without a change from outside.
STUCK_WAITING_REASONS = frozenset(
    {
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "ErrImagePull",
        "ErrImageNeverPull",
        "ImageInspectError",
        "InvalidImageName",
        "RegistryUnavailable",
        "SignatureValidationFailed",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "PreCreateHookError",
        "PostStartHookError",
    }
)


#: A pod is Unschedulable for a moment while volumes bind or a node comes up; only after this long is it called stuck.
SCHEDULING_PATIENCE = timedelta(seconds=15)


#: ``deletionTimestamp`` already holds the grace period; a pod still there this long after it sits on a node that does not answer.
TERMINATION_PATIENCE = timedelta(seconds=30)


@unique
class PodState(StrEnum):
    MISSING = "missing"
    PENDING = "pending"
    UNSCHEDULABLE = "unschedulable"
    CLAIM_UNBOUND = "claim-unbound"
    CREATING = "creating"
    #: A container waits for a reason out of STUCK_WAITING_REASONS.
    FAILING = "failing"
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
        case PodState.READY | PodState.AVAILABLE:
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
    #: When it became, or will become, available.
    available_at: datetime | None = None
    #: A terminating pod's deadline: when deletion was asked for, plus the grace period.
    leaves_by: datetime | None = None
    claims: tuple[ClaimUse, ...] = ()
    uid: str = ""
    resource_version: str = ""
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
    owner: StatefulSet, slots: Slots, pods: dict[int, Pod], claims: Iterable[PersistentVolumeClaim] | None, now: datetime
) -> tuple[tuple[Member, ...], tuple[Member, ...]]:
    """The positions of the set in ordinal order, and the pods outside its range. ``slots`` are the set's, ``pods`` its own by
    ordinal (``own_pods``); ``claims`` None: could not be read."""
    known = None if claims is None else {claim.name: claim for claim in claims}
    held = [_member(owner, slots, ordinal, pods[ordinal], known, now) for ordinal in sorted(pods)]
    missing = [_missing(slots, gap) for gap in slots.gaps(pods)]
    in_range = [member for member in held if member.ordinal in slots]
    surplus = tuple(member for member in held if member.ordinal not in slots)
    return tuple(sorted((*in_range, *missing), key=lambda member: member.ordinal)), surplus


def own_pods(owner: StatefulSet, pods: Iterable[Pod] | None) -> dict[int, Pod]:
    """By ordinal, the pods that the set controls and that have a name of its."""
    found: dict[int, Pod] = {}
    for pod in pods or ():
        controller = pod.metadata.controller()
        ordinal = ordinal_of(pod.name, owner.name)
        if controller is not None and controller.uid == owner.metadata.uid and ordinal is not None:
            found[ordinal] = pod
    return found


def later(time: datetime, by: timedelta) -> datetime:
    """Sum of the two, or the end of time where that comes first: graceful periods of centuries are legal."""
    try:
        return time + by
    except OverflowError:
        return datetime.max.replace(tzinfo=time.tzinfo)


def may_yet_schedule(member: Member, now: datetime) -> bool:
    if member.state not in (PodState.UNSCHEDULABLE, PodState.CLAIM_UNBOUND):
        return False
    return member.created is not None and now < later(member.created, SCHEDULING_PATIENCE)


def recheck_at(members: tuple[Member, ...], now: datetime) -> datetime | None:
    times = [member.available_at for member in members if member.state is PodState.READY]
    times += [
        later(member.created, SCHEDULING_PATIENCE)
        for member in members
        if member.created is not None and may_yet_schedule(member, now)
    ]
    times += [
        later(member.leaves_by, TERMINATION_PATIENCE)
        for member in members
        if member.state is PodState.TERMINATING and member.leaves_by is not None
    ]
    return min((time for time in times if time is not None), default=None)


def _missing(slots: Slots, gap: Gap) -> Member:
    return Member(
        ordinal=gap.first,
        position=slots.position(gap.first),
        name=slots.name(gap.first),
        state=PodState.MISSING,
        count=gap.count,
        last_name=slots.name(gap.last) if gap.count > 1 else "",
        released=slots.side(gap.first) is Side.RELEASED,
    )


def _member(
    owner: StatefulSet,
    slots: Slots,
    ordinal: int,
    pod: Pod,
    claims: dict[str, PersistentVolumeClaim] | None,
    now: datetime,
) -> Member:
    uses = _claim_uses(pod, claims)
    state, reason, message = _state(pod, uses, owner.spec.min_ready_seconds, now)
    return Member(
        ordinal=ordinal,
        position=slots.position(ordinal),
        name=slots.name(ordinal),
        state=state,
        revision=pod.revision,
        updated=bool(pod.revision) and pod.revision == owner.status.update_revision,
        released=slots.side(ordinal) is Side.RELEASED,
        reason=reason,
        message=message,
        node=pod.spec.node_name,
        restarts=sum(status.restart_count for status in pod.status.container_statuses),
        created=pod.metadata.creation_timestamp,
        available_at=_available_at(pod, owner.spec.min_ready_seconds),
        leaves_by=pod.metadata.deletion_timestamp,
        claims=uses,
        uid=pod.metadata.uid,
        resource_version=pod.metadata.resource_version,
        labels=tuple(sorted(pod.metadata.labels.items())),
    )


def _state(pod: Pod, uses: tuple[ClaimUse, ...], min_ready_seconds: int, now: datetime) -> tuple[PodState, str, str]:
    """The pod's state with the cluster's reason and message for it."""
    deadline = pod.metadata.deletion_timestamp
    if deadline is not None:
        overdue = now >= later(deadline, TERMINATION_PATIENCE)
        return (PodState.OVERDUE if overdue else PodState.TERMINATING), pod.status.reason, pod.status.message
    if pod.status.phase in ("Failed", "Succeeded"):
        return PodState.ENDED, pod.status.reason or pod.status.phase, pod.status.message
    waiting = _stuck_waiting(pod)
    if waiting is not None:
        return PodState.FAILING, *waiting
    ready = pod.status.condition("Ready")
    if pod.status.phase == "Running" and ready is not None and ready.status == "True":
        available_at = _available_at(pod, min_ready_seconds)
        available = available_at is not None and available_at <= now
        return (PodState.AVAILABLE if available or min_ready_seconds == 0 else PodState.READY), "", ""
    if pod.status.phase == "Running":
        return PodState.STARTING, ready.reason if ready else "", ready.message if ready else ""
    return _pending(pod, uses)


def _pending(pod: Pod, uses: tuple[ClaimUse, ...]) -> tuple[PodState, str, str]:
    scheduled = pod.status.condition("PodScheduled")
    if scheduled is not None and scheduled.status == "False":
        unbound = [use.name for use in uses if use.phase not in (None, "Bound")]
        words = scheduled.message.lower()
        if unbound and ("persistentvolumeclaim" in words or "persistent volume" in words):
            return PodState.CLAIM_UNBOUND, scheduled.reason, f"{', '.join(unbound)}: {scheduled.message}"
        if scheduled.reason == "Unschedulable":
            return PodState.UNSCHEDULABLE, scheduled.reason, scheduled.message
        return PodState.PENDING, scheduled.reason, scheduled.message
    if not pod.spec.node_name:
        return PodState.PENDING, "", ""
    waiting = next((status.state.waiting for status in _statuses(pod) if status.state.waiting), None)
    return PodState.CREATING, waiting.reason if waiting else "", waiting.message if waiting else ""


def _statuses(pod: Pod) -> tuple[ContainerStatus, ...]:
    return pod.status.init_container_statuses + pod.status.container_statuses


def _stuck_waiting(pod: Pod) -> tuple[str, str] | None:
    for status in _statuses(pod):
        waiting = status.state.waiting
        if waiting is not None and waiting.reason in STUCK_WAITING_REASONS:
            ended = status.last_state.terminated
            message = waiting.message or (f"last exit code {ended.exit_code}" if ended else "")
            return waiting.reason, message
    return None


def _available_at(pod: Pod, min_ready_seconds: int) -> datetime | None:
    """Ready since, plus minReadySeconds (podutil.IsPodAvailable); None while not Ready."""
    ready = pod.status.condition("Ready")
    if ready is None or ready.status != "True" or ready.last_transition_time is None:
        return None
    return later(ready.last_transition_time, timedelta(seconds=min(min_ready_seconds, _FOREVER)))


def _claim_uses(pod: Pod, claims: dict[str, PersistentVolumeClaim] | None) -> tuple[ClaimUse, ...]:
    names = [volume.persistent_volume_claim.claim_name for volume in pod.spec.volumes if volume.persistent_volume_claim]
    if claims is None:
        return tuple(ClaimUse(name=name) for name in names)
    return tuple(ClaimUse(name=name, phase=claims[name].status.phase if name in claims else "") for name in names)
