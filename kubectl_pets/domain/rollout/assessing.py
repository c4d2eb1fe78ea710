"""Where does the rollout of a StatefulSet stand? ``assess`` answers from a snapshot and nothing else.

The verdict comes from pods, because the counters in status have holes: they count pods of any revision as ready, count pods that
are not ready as updated, and say nothing of stuck or surplus pods; kubectl's own verdict built on them says "complete" when a
partition held everything back. The rules here are those of the controller (kubernetes pkg/controller/statefulset,
stateful_set_control.go) and of KEP-961 (maxUnavailable), KEP-2599 (minReadySeconds), KEP-3335 (ordinals.start).
"""

from datetime import datetime
from typing import assert_never

import msgspec

from kubectl_pets.domain.model import (
    PersistentVolumeClaim,
    ServerVersion,
    SetView,
    StatefulSet,
    StatefulSetSpec,
    ordinal_of,
)
from kubectl_pets.domain.rollout.managers import leader_worker_set
from kubectl_pets.domain.rollout.members import (
    LEAVING,
    Member,
    PodState,
    may_yet_schedule,
    own_pods,
    read_members,
    recheck_at,
    traits,
)
from kubectl_pets.domain.rollout.revisions import group_pods, images_of, ran_before
from kubectl_pets.domain.rollout.unreadable import unreadable
from kubectl_pets.domain.rollout.verdict import Assessment, Awaited, Awaiting, Blocker, Cause, Phase
from kubectl_pets.domain.sets.slots import Slots, slots_of

#: What this program writes on a set: only what spec and status cannot say.
_NOTES = "kubectl-pets/"

#: Holds the partition from before ``rollout pause``, so that ``resume`` can go back to it.
RESUME_ANNOTATION = f"{_NOTES}resume-partition"

#: In the template: when its pods were last asked to restart, as kubectl writes it (kubectl rollout restart).
RESTARTED_ANNOTATION = "kubectl.kubernetes.io/restartedAt"


#: "<set>-<hash>" must fit a label value (63), the hash takes up to 10 and a hyphen: longer names never get pods (k/k#64023).
LONGEST_SET_NAME = 52


def parallel_heals(server: ServerVersion | None) -> bool:
    """Whether the controller replaces a broken outdated pod of a Parallel set by itself.

    Only 1.35.0 to 1.35.3 do not (kubernetes/kubernetes#137409: MaxUnavailableStatefulSet on by default). OrderedReady never does
    (kubernetes/kubernetes#67250).
    """
    release = server.release() if server else None
    return release is None or not (1, 35, 0) <= release <= (1, 35, 3)


def spends_budget(server: ServerVersion | None) -> bool:
    """Whether MaxUnavailableStatefulSet is on by default: then every unavailable pod counts, wherever it is."""
    release = server.release() if server else None
    return release is not None and ((1, 35, 0) <= release <= (1, 35, 3) or release >= (1, 37, 0))


def assess(snapshot: SetView, now: datetime) -> Assessment:
    """Judge one StatefulSet. ``now``: the API server's clock, timezone-aware. Never raises for what a cluster may hold."""
    owner = snapshot.set
    if owner is None:
        return _gone()
    pods = own_pods(owner, snapshot.pods)
    slots = slots_of(owner, pods)
    members, surplus = read_members(owner, slots, pods, snapshot.claims, now)
    draft = _draft(owner, snapshot, slots, members, surplus, now)
    phase, waits, blockers = _verdict(draft, owner, snapshot, now)
    return _with(draft, phase, waits, blockers)


def at_rest(seen: Assessment) -> Assessment:
    """The verdict anew for an assessment in which only what blocks is still unavailable: what planning looks ahead to."""
    waits = _waits(seen)
    if seen.all_available:
        return _with(seen, *_at_rest(seen, waits))
    down = {member.name: member.updated for member in seen.members + seen.surplus if not member.available}
    blockers = tuple(
        msgspec.structs.replace(blocker, updated=down.get(blocker.pod, False))  # another template may be wanted by now
        for blocker in seen.blockers
        if blocker.pod in down or not blocker.pod
    )
    by_hand = seen.strategy == "OnDelete" and not any(blocker.updated or not blocker.pod for blocker in blockers)
    return _with(seen, Phase.WAITING_FOR_DELETE if by_hand else Phase.STUCK, waits, blockers)


def _with(draft: Assessment, phase: Phase, waits: tuple[Awaiting, ...], blockers: tuple[Blocker, ...]) -> Assessment:
    observed = not any(wait.awaited is Awaited.OBSERVATION for wait in waits)  # else what is staged is not known yet
    left_over = draft.partition > 0 and bool(draft.update_revision) and observed and not draft.under_way
    return msgspec.structs.replace(
        draft, phase=phase, waits_for=waits, blockers=blockers, partition_left_over=left_over
    )


_Verdict = tuple[Phase, tuple[Awaiting, ...], tuple[Blocker, ...]]


def _verdict(draft: Assessment, owner: StatefulSet, snapshot: SetView, now: datetime) -> _Verdict:
    if owner.metadata.deletion_timestamp is not None:
        return Phase.DELETING, (), ()
    undecoded = unreadable(owner, snapshot)
    if undecoded:
        return Phase.UNKNOWN, (), undecoded
    if snapshot.pods is None:
        return Phase.UNKNOWN, (), (Blocker(cause=Cause.PODS_UNREADABLE),)
    if owner.status.observed_generation < owner.metadata.generation or not draft.update_revision:
        return Phase.PROGRESSING, (Awaiting(awaited=Awaited.OBSERVATION),), ()
    blockers = _blockers(draft, now)
    waits = _waits(draft)
    if draft.all_available:
        return _at_rest(draft, waits)
    if is_stuck(draft, blockers):
        return Phase.STUCK, waits, blockers
    if _is_scaling(draft, _budget(draft) if draft.spends_budget else 1):
        return Phase.SCALING, waits, blockers
    if draft.strategy == "OnDelete" and any(blocker.pod and not blocker.updated for blocker in blockers):
        return Phase.WAITING_FOR_DELETE, waits, blockers
    return Phase.PROGRESSING, waits, blockers


def _at_rest(draft: Assessment, waits: tuple[Awaiting, ...]) -> _Verdict:
    """Every position holds an available pod: is it what was wanted?"""
    if all(member.updated for member in draft.members):
        return Phase.COMPLETE, (), ()
    if draft.strategy == "OnDelete":
        return Phase.WAITING_FOR_DELETE, waits, ()
    if draft.strategy != "RollingUpdate":
        return Phase.UNKNOWN, (), (Blocker(cause=Cause.STRATEGY_UNKNOWN, reason=draft.strategy),)
    if any(member.released and not member.updated for member in draft.members):
        return Phase.PROGRESSING, waits, ()
    return Phase.PAUSED, waits, ()


def _is_scaling(draft: Assessment, budget: int) -> bool:
    """Scaling comes before updating. As many missing pods at the top of a running rollout as it may take are being replaced."""
    if draft.surplus:
        return True
    missing = 0
    for member in reversed(draft.members):
        if member.state is not PodState.MISSING:
            break
        missing += member.count
    return missing > (budget if draft.under_way else 0)


def _budget(draft: Assessment) -> int:
    """maxUnavailable as the controller reads it: a share rounds down, and it is never less than 1."""
    value = draft.max_unavailable
    if isinstance(value, str):
        share = value.removesuffix("%")
        value = draft.replicas * int(share) // 100 if share.isascii() and share.isdigit() and len(share) < 10 else 1
    return max(1, value or 1)


def is_stuck(draft: Assessment, blockers: tuple[Blocker, ...]) -> bool:
    """Whether the pod that the controller works on next is one that blocks."""
    blocking = {blocker.pod for blocker in blockers}
    if not blocking:
        return False
    if "" in blocking:
        return True
    unavailable = [member for member in draft.members if not member.available]
    if not unavailable:
        return True  # only a surplus pod that does not go away
    if draft.policy != "Parallel":
        # Any pod that is not available stops the whole sync, the lowest ordinal first (OrderedReady, monotonic).
        first = unavailable[0]
        if draft.strategy == "OnDelete" and first.outdated and first.state not in LEAVING:
            return False  # somebody is awaited who deletes it
        return first.name in blocking
    replaceable = {
        member.name
        for member in unavailable
        if member.outdated
        and member.state not in LEAVING
        and (draft.strategy == "OnDelete" or (member.released and draft.heals))
    }
    if draft.strategy == "RollingUpdate" and draft.spends_budget:
        return _budget_is_spent(draft, blocking, replaceable)
    # Updates go from the top; the first released position that is updated and not available holds the others up.
    for member in reversed(draft.members):
        if member.released and not member.available and member.name not in replaceable:
            return member.name in blocking
        if member.released and member.outdated and draft.strategy == "RollingUpdate":
            return False  # the controller replaces this one next
    return bool(blocking - replaceable) and all(member.name in blocking for member in unavailable)


def _budget_is_spent(draft: Assessment, blocking: set[str], replaceable: set[str]) -> bool:
    """Whether pods that block leave nothing of maxUnavailable to go on with."""
    if replaceable:
        return False  # these are replaced whatever else there is
    unavailable = [member for member in draft.members if not member.available]
    spent = sum(member.name in blocking for member in unavailable)
    if spent >= _budget(draft):
        return True
    if any(member.released and member.outdated and member.state not in LEAVING for member in draft.members):
        return False
    return all(member.name in blocking for member in unavailable)


def _blockers(draft: Assessment, now: datetime) -> tuple[Blocker, ...]:
    if len(draft.name) > LONGEST_SET_NAME and any(member.state is PodState.MISSING for member in draft.members):
        return (Blocker(cause=Cause.SET_NAME_TOO_LONG),)
    return tuple(
        Blocker(cause=cause, pod=member.name, reason=member.reason, message=member.message, updated=member.updated)
        for member in tuple(own for own in draft.members if own.state is not PodState.ENDED) + _surplus_that_stays(draft, now)
        if (cause := _cause(member.state)) is not None and not may_yet_schedule(member, now)
    )


def _cause(state: PodState) -> Cause | None:
    """What a pod in this state blocks a rollout with; None: it does not."""
    match state:
        case PodState.FAILING | PodState.ENDED:  # in range it is replaced; only a surplus pod may stay
            return Cause.CONTAINER
        case PodState.UNSCHEDULABLE:
            return Cause.UNSCHEDULABLE
        case PodState.CLAIM_UNBOUND:
            return Cause.CLAIM_UNBOUND
        case PodState.OVERDUE:
            return Cause.TERMINATION_OVERDUE
        case PodState.MISSING | PodState.PENDING | PodState.CREATING | PodState.STARTING:
            return None
        case PodState.READY | PodState.AVAILABLE | PodState.TERMINATING:
            return None
        case _:
            assert_never(state)


def _surplus_that_stays(draft: Assessment, now: datetime) -> tuple[Member, ...]:
    """Surplus pods that the controller cannot get rid of.

    In OrderedReady it deletes the highest one only while that is available or the only one that is not (processCondemned).
    """
    overdue = tuple(member for member in draft.surplus if member.state is PodState.OVERDUE)
    down = [member for member in draft.surplus if not member.available]
    if draft.policy == "Parallel" or len(down) < 2 or down[-1] is not draft.surplus[-1] or down[-1].state in LEAVING:
        return overdue
    stays = [
        member
        for member in (down[0], down[-1])
        if traits(member.state).broken and not may_yet_schedule(member, now)
    ]
    return tuple(dict.fromkeys((*overdue, *stays))) if len(stays) == 2 else overdue


def _awaited(state: PodState) -> Awaited:
    """What has to happen next to a pod in this state."""
    match state:
        case PodState.MISSING:
            return Awaited.CREATION
        case PodState.PENDING | PodState.UNSCHEDULABLE | PodState.CLAIM_UNBOUND:
            return Awaited.SCHEDULING
        case PodState.CREATING | PodState.FAILING:
            return Awaited.START
        case PodState.ENDED:
            return Awaited.REPLACEMENT
        case PodState.STARTING:
            return Awaited.READINESS
        case PodState.READY | PodState.AVAILABLE:
            return Awaited.MIN_READY_SECONDS
        case PodState.TERMINATING | PodState.OVERDUE:
            return Awaited.TERMINATION
        case _:
            assert_never(state)


def _waits(draft: Assessment) -> tuple[Awaiting, ...]:
    """What the controller waits for, the nearest first."""
    waits = [
        Awaiting(awaited=_awaited(member.state), pod=member.name, count=member.count, last_pod=member.last_name)
        for member in draft.members
        if not member.available
    ]
    if draft.policy == "Parallel":
        waits.reverse()
    waits += [Awaiting(awaited=Awaited.SCALE_DOWN, pod=member.name) for member in reversed(draft.surplus)]
    if waits:
        return tuple(waits)
    outdated = [member for member in reversed(draft.members) if member.outdated]
    if draft.strategy == "OnDelete":
        return tuple(Awaiting(awaited=Awaited.DELETE_BY_USER, pod=member.name) for member in outdated)
    released = [member for member in outdated if member.released]
    if released:
        return tuple(Awaiting(awaited=Awaited.REPLACEMENT, pod=member.name) for member in released)
    return tuple(Awaiting(awaited=Awaited.RELEASE, pod=member.name) for member in outdated)


def _gone() -> Assessment:
    return Assessment(
        namespace="",
        name="",
        uid="",
        phase=Phase.GONE,
        replicas=0,
        start=0,
        partition=0,
        partition_left_over=False,
        strategy="",
        policy="",
        max_unavailable=None,
        min_ready_seconds=0,
        current_revision="",
        update_revision="",
        slots=Slots(),
        members=(),
        surplus=(),
        revisions=(),
        waits_for=(),
        blockers=(),
        recheck_at=None,
        created=None,
        claims=None,
    )


def _draft(
    owner: StatefulSet,
    snapshot: SetView,
    slots: Slots,
    members: tuple[Member, ...],
    surplus: tuple[Member, ...],
    now: datetime,
) -> Assessment:
    """Everything but the verdict."""
    spec = owner.spec
    rolling = spec.update_strategy.rolling_update
    return Assessment(
        namespace=owner.namespace,
        name=owner.name,
        uid=owner.metadata.uid,
        phase=Phase.UNKNOWN,
        replicas=spec.replicas,
        start=slots.start,
        partition=slots.partition,
        partition_left_over=False,
        strategy=spec.update_strategy.type,
        policy=spec.pod_management_policy,
        max_unavailable=rolling.max_unavailable if rolling else None,
        min_ready_seconds=spec.min_ready_seconds,
        current_revision=owner.status.current_revision,
        update_revision=owner.status.update_revision,
        slots=slots,
        members=members,
        surplus=surplus,
        revisions=group_pods(owner, snapshot, members + surplus),
        waits_for=(),
        blockers=(),
        recheck_at=recheck_at(members + surplus, now),
        created=owner.metadata.creation_timestamp,
        claims=_count_claims(owner, snapshot.claims),
        template=images_of(spec.template.spec),
        resume_partition=_resume_partition(owner),
        heals=_heals(spec, snapshot.server),
        spends_budget=spends_budget(snapshot.server),
        notes={key: value for key, value in owner.metadata.annotations.items() if key.startswith(_NOTES)},
        restarted_at=spec.template.metadata.annotations.get(RESTARTED_ANNOTATION, ""),
        before=ran_before(owner, snapshot, members + surplus),
        leader_worker_set=leader_worker_set(owner),
        generation=owner.metadata.generation,
    )


def _heals(spec: StatefulSetSpec, server: ServerVersion | None) -> bool:
    rolling = spec.update_strategy.type == "RollingUpdate"
    return rolling and spec.pod_management_policy == "Parallel" and parallel_heals(server)


def _resume_partition(owner: StatefulSet) -> int | None:
    text = owner.metadata.annotations.get(RESUME_ANNOTATION, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _count_claims(owner: StatefulSet, claims: tuple[PersistentVolumeClaim, ...] | None) -> int | None:
    """How many claims carry a name that this set's templates make (``<template>-<set>-<ordinal>``), in range or not."""
    if claims is None:
        return None
    stems = {f"{template.name}-{owner.name}" for template in owner.spec.volume_claim_templates}
    return sum(any(ordinal_of(claim.name, stem) is not None for stem in stems) for claim in claims)
