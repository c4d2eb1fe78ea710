"""Where does the rollout of a StatefulSet stand? ``assess`` answers from a snapshot and nothing else.

The verdict comes from pods, because the counters in status have holes: they count pods of any revision as ready, count pods that
are not ready as updated, and say nothing of stuck or surplus pods; kubectl's own verdict built on them says "complete" when a
partition held everything back. The rules here are those of the controller (kubernetes pkg/controller/statefulset,
stateful_set_control.go) and of KEP-961 (maxUnavailable), KEP-2599 (minReadySeconds), KEP-3335 (ordinals.start).
"""

from datetime import datetime
from typing import assert_never

import msgspec

from kubectl_pets.domain.claims.growth import NODE_PATIENCE, GrowingClaim, GrowthStage, growing, is_quiet
from kubectl_pets.domain.model import (
    PersistentVolumeClaim,
    ServerVersion,
    SetView,
    StatefulSet,
    ordinal_of,
)
from kubectl_pets.domain.rollout.blocking import QUIET, find_blockers, not_observed, silent, split
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.rollout.managers import part_of, replacer, states_partition
from kubectl_pets.domain.rollout.members import TERMINATION_PATIENCE, Member, PodState, Quiet, own_pods, read_members
from kubectl_pets.domain.rollout.revisions import group_pods, images_of, ran_before
from kubectl_pets.domain.rollout.stuck import budget, is_stuck
from kubectl_pets.domain.rollout.times import later
from kubectl_pets.domain.rollout.unreadable import unreadable
from kubectl_pets.domain.rollout.verdict import Assessment, Awaited, Awaiting, Blocker, Cause, Phase
from kubectl_pets.domain.sets.away import RECREATING_ANNOTATION
from kubectl_pets.domain.sets.fields import min_ready_seconds, stands_still, stopped_by, surges, updates_stopped
from kubectl_pets.domain.sets.grouping import claims_go_along
from kubectl_pets.domain.sets.kinds import APPS_SET, KRUISE_SET, Capability, kind_of
from kubectl_pets.domain.sets.restoring import RESTORING_ANNOTATION
from kubectl_pets.domain.sets.slots import Slots, slots_of

#: What this program writes on a set: only what spec and status cannot say.
_NOTES = "kubectl-pets/"

#: Holds the partition from before ``rollout pause``, so that ``resume`` can go back to it.
RESUME_ANNOTATION = f"{_NOTES}resume-partition"

#: In the template: when its pods were last asked to restart, as kubectl writes it (kubectl rollout restart).
RESTARTED_ANNOTATION = "kubectl.kubernetes.io/restartedAt"


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


def drops_max_unavailable(server: ServerVersion | None) -> bool:
    """Whether MaxUnavailableStatefulSet is known to be off by default: then the API server takes the field off before it looks at
    it, whatever it says (pkg/registry/apps/statefulset/strategy.go dropStatefulSetDisabledFields)."""
    return server is not None and server.release() is not None and not spends_budget(server)


def assess(
    snapshot: SetView, now: datetime, patience: StuckAfter = StuckAfter(), quiet: Quiet | None = None
) -> Assessment:
    """Judge one StatefulSet. ``now``: the API server's clock, timezone-aware; ``patience``: how long what may pass by itself is
    called failing before it is called stuck; ``quiet``: what is kept from look to look of whoever looks on. Never raises for what
    a cluster may hold."""
    owner = snapshot.set
    if owner is None:
        return _gone()
    pods = own_pods(owner, snapshot.pods)
    slots = slots_of(owner, pods)
    members, surplus = read_members(owner, slots, pods, snapshot, now, patience, quiet)
    verdict = _verdict(_draft(owner, snapshot, slots, members, surplus, now), owner, snapshot, now, patience)
    failing = tuple(blocker for blocker in verdict.failing if blocker.cause not in QUIET)
    return msgspec.structs.replace(verdict, failing=failing, recheck_at=_recheck_at(verdict, now))


def at_rest(seen: Assessment) -> Assessment:
    """The verdict anew for an assessment in which only what blocks is still unavailable: what planning looks ahead to."""
    waits = _waits(seen)
    down = {
        member.name: member.updated for member in seen.members + seen.surplus if not member.available or member.lacks
    }
    if not down:
        return _with(seen, *_at_rest(seen, waits))
    blockers = tuple(
        msgspec.structs.replace(blocker, updated=down.get(blocker.pod, False))  # another template may be wanted by now
        for blocker in seen.blockers
        if blocker.pod in down or not blocker.pod
    )
    by_hand = seen.strategy == "OnDelete" and not any(blocker.updated or not blocker.pod for blocker in blockers)
    return _with(seen, Phase.WAITING_FOR_DELETE if by_hand else Phase.STUCK, waits, blockers)


def _with(
    draft: Assessment,
    phase: Phase,
    waits: tuple[Awaiting, ...] = (),
    blockers: tuple[Blocker, ...] = (),
    failing: tuple[Blocker, ...] = (),
) -> Assessment:
    observed = not any(wait.awaited is Awaited.OBSERVATION for wait in waits)  # else what is staged is not known yet
    at_rest = bool(draft.update_revision) and observed and not draft.under_way
    left_over = draft.partition > 0 and at_rest and not draft.partition_kept_by
    return msgspec.structs.replace(
        draft, phase=phase, waits_for=waits, blockers=blockers, failing=failing, partition_left_over=left_over
    )


def _verdict(draft: Assessment, owner: StatefulSet, snapshot: SetView, now: datetime, patience: StuckAfter) -> Assessment:
    if owner.metadata.deletion_timestamp is not None:
        return _with(draft, Phase.DELETING)
    undecoded = unreadable(owner, snapshot)
    if undecoded or snapshot.pods is None:
        return _with(draft, Phase.UNKNOWN, (), undecoded or (Blocker(cause=Cause.PODS_UNREADABLE),))
    if not draft.slots.reserved.readable:
        reason = "names" if owner.spec.named is not None else ""
        return _with(draft, Phase.UNKNOWN, (), (Blocker(cause=Cause.SLOTS_UNREADABLE, reason=reason),))
    if stands_still(owner):
        return _with(draft, Phase.UNKNOWN, (), (Blocker(cause=Cause.CONTROLLER_STOPPED, reason=stopped_by(owner)),))
    if owner.status.observed_generation < owner.metadata.generation or not draft.update_revision:
        return _unobserved(draft, owner, now, patience)
    blockers, failing = find_blockers(draft, owner, snapshot, now, patience)
    waits = _waits(draft)
    if draft.all_available and not (blockers or failing):
        return _with(draft, *_at_rest(draft, waits))
    return _with(draft, _on_its_way(draft, blockers, failing), waits, blockers, failing)


def _on_its_way(draft: Assessment, blockers: tuple[Blocker, ...], failing: tuple[Blocker, ...]) -> Phase:
    """The phase of a set that is not at rest."""
    if is_stuck(draft, blockers):
        return Phase.STUCK
    if is_stuck(draft, blockers + tuple(blocker for blocker in failing if blocker.cause not in QUIET)):
        return Phase.FAILING
    if _is_scaling(draft, budget(draft) if draft.spends_budget else 1):
        return Phase.SCALING
    outdated = {member.name for member in draft.members + draft.surplus if member.outdated}
    by_hand = draft.strategy == "OnDelete" and any(blocker.pod in outdated for blocker in blockers)
    return Phase.WAITING_FOR_DELETE if by_hand else Phase.PROGRESSING


def _unobserved(draft: Assessment, owner: StatefulSet, now: datetime, patience: StuckAfter) -> Assessment:
    """Nothing else counts yet, but that it takes too long."""
    waits = (Awaiting(awaited=Awaited.OBSERVATION),)
    found = not_observed(owner, now, patience)
    blockers, failing = split([found] if found is not None else [], now)
    return _with(draft, Phase.STUCK if blockers else Phase.PROGRESSING, waits, blockers, failing)


def _recheck_at(seen: Assessment, now: datetime) -> datetime | None:
    """When time alone may change the verdict."""
    members = seen.members + seen.surplus
    times = [member.available_at for member in members if member.state in (PodState.READY, PodState.RECOVERING)]
    times += [member.trouble.settles_at for member in members if member.trouble is not None]
    times += [
        later(member.leaves_by, TERMINATION_PATIENCE)
        for member in members
        if member.state is PodState.TERMINATING and member.leaves_by is not None
    ]
    times += [blocker.stuck_at for blocker in seen.failing]
    times += [
        later(each.growth.since, NODE_PATIENCE)
        for each in seen.growing
        if each.growth.stage is GrowthStage.WORKING and each.growth.since is not None
    ]
    return min((time for time in times if time is not None and time > now), default=None)


def _at_rest(
    draft: Assessment, waits: tuple[Awaiting, ...]
) -> tuple[Phase, tuple[Awaiting, ...], tuple[Blocker, ...]]:
    """Every position holds an available pod: is it what was wanted?"""
    if all(member.updated for member in draft.members):
        return _rolled_out(draft), (), ()
    if draft.strategy == "OnDelete":
        return Phase.WAITING_FOR_DELETE, waits, ()
    if draft.strategy != "RollingUpdate":
        return Phase.UNKNOWN, (), (Blocker(cause=Cause.STRATEGY_UNKNOWN, reason=draft.strategy),)
    if not draft.released_done and not draft.updates_stopped:
        return Phase.PROGRESSING, waits, ()
    return Phase.PAUSED, waits, ()


def _rolled_out(draft: Assessment) -> Phase:
    """Complete, unless something besides the pods is not as it is to be."""
    if RECREATING_ANNOTATION in draft.notes:
        return Phase.RECREATING
    if RESTORING_ANNOTATION in draft.notes:
        return Phase.RESTORING
    return Phase.CLAIM_STALLED if any(each.growth.stalled for each in draft.growing) else Phase.COMPLETE


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
        case PodState.RECOVERING:
            return Awaited.STAYING_UP
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
        awaited = Awaited.UNPAUSE if draft.updates_stopped else Awaited.REPLACEMENT
        return tuple(Awaiting(awaited=awaited, pod=member.name) for member in released)
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
    """The assessment of a set without its verdict (phase and blockers), which is judged from it."""
    spec = owner.spec
    before = ran_before(owner, snapshot, members + surplus)
    rolling = spec.update_strategy.rolling_update
    kind = kind_of(owner)
    own = _own_claims(owner, snapshot.claims)
    return Assessment(
        kind=kind,
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
        min_ready_seconds=min_ready_seconds(owner),
        current_revision=owner.status.current_revision,
        update_revision=owner.status.update_revision,
        slots=slots,
        members=members,
        surplus=surplus,
        revisions=group_pods(owner, snapshot, members + surplus, before),
        waits_for=(),
        blockers=(),
        recheck_at=None,
        created=owner.metadata.creation_timestamp,
        claims=None if own is None else len(own),
        growing=_growing(owner, own, snapshot, now),
        template=images_of(spec.template.spec),
        resume_partition=_resume_partition(owner),
        heals=_heals(owner, snapshot.server),
        spends_budget=_spends_budget(owner, snapshot.server),
        updates_stopped=updates_stopped(owner) or stands_still(owner),
        surges=surges(owner),
        notes={key: value for key, value in owner.metadata.annotations.items() if key.startswith(_NOTES)},
        labels=owner.metadata.labels,
        restarted_at=spec.template.metadata.annotations.get(RESTARTED_ANNOTATION, ""),
        before=before,
        leader_worker_set=part_of(owner),
        claims_go_along=claims_go_along(owner),
        replaced_by=by.name if (by := replacer(owner)) is not None else "",
        partition_kept_by=_kept_by(owner) if slots.partition else "",
        partition_stated_by=states_partition(owner),
        generation=owner.metadata.generation,
        silent_nodes=silent(snapshot.around),
        unread=_unread(snapshot),
        at=now,
    )


def _kept_by(owner: StatefulSet) -> str:
    from kubectl_pets.domain.rollout.ownership import keeps_partition  # with all that is known of writing; most hold nothing back

    return keeps_partition(owner)


def _unread(snapshot: SetView) -> tuple[str, ...]:
    """The rights that are missing for what was asked besides."""
    around = snapshot.around
    if around is None:
        return ()
    asked = (("list events", around.events), ("get pods", around.namesakes), ("get nodes", around.nodes))
    return tuple(right for right, found in asked if found is None)


def _heals(owner: StatefulSet, server: ServerVersion | None) -> bool:
    """The controllers of other kinds come in versions of their own: all known ones heal, none while its updates are stopped. The
    leaders of groups are a StatefulSet's of apps/v1."""
    rolling = owner.spec.update_strategy.type == "RollingUpdate" and owner.spec.pod_management_policy == "Parallel"
    by_server = kind_of(owner) is APPS_SET or Capability.GROUPS in kind_of(owner).can
    return rolling and not updates_stopped(owner) and (not by_server or parallel_heals(server))


def _spends_budget(owner: StatefulSet, server: ServerVersion | None) -> bool:
    """OpenKruise always had maxUnavailable and counts every unavailable pod (rollingUpdateStatefulsetPods); PingCAP has none."""
    return spends_budget(server) if kind_of(owner) is APPS_SET else kind_of(owner) is KRUISE_SET


def _resume_partition(owner: StatefulSet) -> int | None:
    text = owner.metadata.annotations.get(RESUME_ANNOTATION, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _own_claims(
    owner: StatefulSet, claims: tuple[PersistentVolumeClaim, ...] | None
) -> list[tuple[PersistentVolumeClaim, int]] | None:
    """Each claim of a name that this set's templates make (``<template>-<set>-<ordinal>``), with its ordinal, in range or not."""
    if claims is None:
        return None
    if owner.spec.named is not None:
        pods = tuple(enumerate(owner.spec.named.names))
        names = {f"{each.name}-{pod}": at for each in owner.spec.volume_claim_templates for at, pod in pods}
        return [(claim, names[claim.name]) for claim in claims if claim.name in names]
    stems = {f"{template.name}-{owner.name}" for template in owner.spec.volume_claim_templates}
    found = [(claim, ordinal_of(claim.metadata.name, stem)) for stem in stems for claim in claims]
    return [(claim, ordinal) for claim, ordinal in found if ordinal is not None]


def _growing(
    owner: StatefulSet, own: list[tuple[PersistentVolumeClaim, int]] | None, snapshot: SetView, now: datetime
) -> tuple[GrowingClaim, ...]:
    busy = [each for each in own or () if not is_quiet(each[0])]
    if not busy:
        return ()
    in_order = sorted(busy, key=lambda each: (each[1], each[0].name))
    return growing(((claim, f"{owner.name}-{ordinal}") for claim, ordinal in in_order), snapshot, now)
