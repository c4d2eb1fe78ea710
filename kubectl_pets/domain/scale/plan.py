"""What does another number of replicas do to a StatefulSet? ``plan`` foresees it, ``change`` is the one change.

The rules are the controller's (kubernetes pkg/controller/statefulset/stateful_set_control.go: processReplica, processCondemned).
In OrderedReady pods are made from the lowest ordinal up, each once all below it are available, and then removed from the highest
down, each gone before the next; in Parallel all at once. Scaling comes before updating. The number is all that this program
changes: pods and claims are the controller's to make and to remove.
"""

from datetime import datetime

from msgspec.structs import replace

from kubectl_pets.domain.changes import Operation, PatchSet, annotating
from kubectl_pets.domain.claims.growth import growing
from kubectl_pets.domain.model import Around, SetView, StatefulSet
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.rollout.members import LEAVING, Member, PodState
from kubectl_pets.domain.rollout.verdict import Assessment, Blocker, Cause, Phase
from kubectl_pets.domain.safety.quorum import majority
from kubectl_pets.domain.scale.claim_effects import Leaving, Returning, deletes_claims, leaving, returning
from kubectl_pets.domain.scale.progress import ScaleProgress, blocking_pods, pods_unreadable, progress
from kubectl_pets.domain.scale.replica_owners import Will, replica_owners
from kubectl_pets.domain.scale.types import (
    Caution,
    ClaimEffect,
    Move,
    ScaleRefused,
    ScaleRefusedReason,
    Scaling,
    Surroundings,
    Votes,
    Warning,
    Wish,
)
from kubectl_pets.domain.sets.away import RECREATING_ANNOTATION
from kubectl_pets.domain.sets.grouping import claim_templates, group_size
from kubectl_pets.domain.sets.kinds import Capability, kind_of
from kubectl_pets.domain.sets.reserved import DELETE_SLOTS_ANNOTATION, leaving_out
from kubectl_pets.domain.sets.restoring import RESTORING_ANNOTATION
from kubectl_pets.domain.sets.slots import Slots

#: What leaves nothing to say of the set, or keeps its controller from it.
_UNKNOWN = (Cause.SLOTS_UNREADABLE, Cause.CONTROLLER_STOPPED)


def plan(
    owner: StatefulSet,
    snapshot: SetView,
    around: Surroundings,
    replicas: int,
    now: datetime,
    stuck_after: StuckAfter = StuckAfter(),
    removed: tuple[int, ...] = (),
) -> Scaling:
    """What giving ``owner`` (the set of this ``snapshot``) so many ``replicas`` would do, and leaving the ``removed`` ordinals
    out. Pure; ``now``: the server's clock."""
    seen = assess(snapshot, now, stuck_after)
    scaled = replace(owner, spec=replace(owner.spec, replicas=replicas))
    changes = replicas != seen.replicas
    # Nobody has asked the controller yet for what it is to delete then.
    asked = {member.name: now for member in seen.members if member.available} if changes or removed else {}
    known = snapshot.around or Around()
    known = replace(known, missing_since={**asked, **known.missing_since})
    then = assess(replace(snapshot, set=leaving_out(scaled, removed) if removed else scaled, around=known), now, stuck_after)
    others = replica_owners(owner, replicas, around.autoscalers or (), around.scaled_objects or ()) if changes else ()
    returns, leaves = _of_claims(owner, around, seen, then, now)
    draft = Scaling(
        uid=seen.uid,
        before=seen.replicas,
        after=replicas,
        slots=then.slots,
        removed=removed,
        policy=owner.spec.pod_management_policy,
        group_size=group_size(owner),
        moves=_moves(then),
        returns=returns,
        leaves=leaves,
        votes=(_votes(seen.replicas, seen.available), _votes(replicas, replicas)),
        replica_owners=others,
        warnings=(),
        stakes=(),
        promotes=_promoted(seen) if changes and not replicas else "",
        reached=not changes and progress(seen, seen.uid, replicas) is ScaleProgress.REACHED,
    )
    refused = _refused(draft, seen, then)
    if refused is not None:
        return replace(draft, refused=refused)
    if not changes:  # nothing to agree to, but what is under way may wait for pods that never come or go
        return replace(draft, warnings=tuple(_of_pods(draft, then)))
    warnings = (*_warnings(draft, owner, around, seen, then), *_of_growth(draft, around, snapshot, now))
    return replace(draft, warnings=warnings, stakes=_stakes(draft, owner, seen, then))


def _moves(then: Assessment) -> tuple[Move, ...]:
    """The pods that the scaling makes and removes, in the controller's order: made from the lowest ordinal up, then removed
    from the highest down."""
    made = [member for member in then.members if member.state is PodState.MISSING]
    gone = [member for member in reversed(then.surplus) if member.state not in LEAVING]
    return (
        *(_creation(each, then) for each in made),
        *(Move(pod=each.name, ordinal=each.ordinal, creates=False) for each in gone),
    )


def _of_claims(
    owner: StatefulSet, around: Surroundings, seen: Assessment, then: Assessment, now: datetime
) -> tuple[tuple[Returning, ...] | None, tuple[Leaving, ...] | None]:
    """The claims that new pods take over, and those of pods that go. None: claims could not be read."""
    if around.claims is None:
        return None, None
    before, after = seen.slots, then.slots
    held = {member.ordinal for member in then.members if member.state is not PodState.MISSING}
    leave = {member.ordinal for member in then.surplus}

    def comes(ordinal: int) -> bool:
        return ordinal in after and ordinal not in before and ordinal not in held

    def goes(ordinal: int) -> bool:
        return ordinal in leave or (ordinal in before and ordinal not in after)

    return (
        returning(owner, comes, around.claims, around.volumes, now, around.wanted, around.nodes),
        leaving(owner, goes, around.claims, around.volumes, around.wanted),
    )


def target(owner: StatefulSet, seen: Slots, wish: Wish) -> tuple[int, tuple[int, ...]] | int:
    """The number of replicas that is meant, and the ordinals to leave out that are not yet; or an ordinal that the set does not
    have. ``seen``: its slots."""
    if wish.replicas is not None:
        return wish.replicas, ()
    removed = tuple(ordinal for ordinal in dict.fromkeys(wish.remove) if ordinal not in seen.reserved)
    unknown = next((ordinal for ordinal in removed if ordinal not in seen), None)
    return unknown if unknown is not None else (owner.spec.replicas - len(removed), removed)


def change(owner: StatefulSet, replicas: int, removed: tuple[int, ...] = ()) -> PatchSet:
    """The one change: the number and, for a kind that has them, ordinals that are left out (OpenKruise
    ``spec.reserveOrdinals``, PingCAP's annotation), if nobody has edited the set since it was read."""
    meta = owner.metadata
    operations = (
        Operation(op="test", path="/metadata/uid", value=meta.uid),
        Operation(op="test", path="/metadata/generation", value=meta.generation),
        Operation(op="add", path="/spec/replicas", value=replicas),
        *(_left_out(owner, removed) if removed else ()),
    )
    return PatchSet(kind=kind_of(owner), namespace=owner.namespace, name=owner.name, operations=operations)


def _left_out(owner: StatefulSet, removed: tuple[int, ...]) -> tuple[Operation, ...]:
    after = leaving_out(owner, removed)
    if Capability.DELETE_SLOTS not in kind_of(owner).can:
        return (Operation(op="add", path="/spec/reserveOrdinals", value=list(after.spec.reserve_ordinals)),)
    return annotating(owner.metadata, {DELETE_SLOTS_ANNOTATION: after.metadata.annotations[DELETE_SLOTS_ANNOTATION]})


def _creation(member: Member, then: Assessment) -> Move:
    return Move(
        pod=member.name,
        ordinal=member.ordinal,
        creates=True,
        revision=_revision(member, then),
        count=member.count,
        last_pod=member.last_name,
    )


def _promoted(seen: Assessment) -> str:
    """The version that scaling to 0 rolls out: at 0 of 0 the controller calls the update complete, whatever the partition
    (completeRollingUpdate; kubernetes/kubernetes#121534), and OnDelete pods are made anew at it. Empty: all pods run it."""
    if not seen.update_revision or not seen.observed:
        return ""
    return seen.update_revision if any(member.outdated for member in seen.members) else ""


def _revision(member: Member, then: Assessment) -> str:
    """newVersionedStatefulSetPod: positions below the partition are made at what the controller holds for them."""
    return then.update_revision if member.released else then.before.held


def _votes(members: int, available: int) -> Votes:
    return Votes(members=members, majority=majority(members), available=available)


def _refused(draft: Scaling, seen: Assessment, then: Assessment) -> ScaleRefused | None:
    if seen.phase in (Phase.DELETING, Phase.GONE):
        return ScaleRefused(reason=ScaleRefusedReason.DELETING)
    if seen.leader_worker_set is not None:
        return ScaleRefused(reason=ScaleRefusedReason.LEADER_WORKER_SET)
    if RECREATING_ANNOTATION in seen.notes:
        return ScaleRefused(reason=ScaleRefusedReason.RECREATING)
    if RESTORING_ANNOTATION in seen.notes and draft.after > draft.before:
        return ScaleRefused(reason=ScaleRefusedReason.RESTORING)
    if pods_unreadable(seen):
        return ScaleRefused(reason=ScaleRefusedReason.PODS_UNREADABLE)
    unknown = tuple(each for each in (*seen.blockers, *then.blockers) if each.cause in _UNKNOWN)
    if unknown:
        return ScaleRefused(reason=ScaleRefusedReason.UNKNOWN, blockers=unknown[:1])
    if draft.before == draft.after:
        return None
    if any(not blocker.pod for blocker in then.blockers) and any(move.creates for move in draft.moves):
        return ScaleRefused(reason=ScaleRefusedReason.NO_POD_POSSIBLE, blockers=then.blockers)
    if not draft.at_once:
        wall = next((member for member in then.members if member.name in blocking_pods(then)), None)
        if wall is not None and any(not move.creates or move.ordinal > wall.ordinal for move in draft.moves):
            return ScaleRefused(reason=ScaleRefusedReason.BLOCKED, blockers=_of(then, wall.name))
    replica_owner = next((one for one in draft.replica_owners if one.will is Will.PUTS_BACK), None)
    return ScaleRefused(reason=ScaleRefusedReason.AUTOSCALER, replica_owner=replica_owner) if replica_owner is not None else None


def _warnings(
    draft: Scaling, owner: StatefulSet, around: Surroundings, seen: Assessment, then: Assessment
) -> tuple[Warning, ...]:
    return (
        *_of_pods(draft, then),
        *_of_revisions(draft, seen, then),
        *_of_votes(draft, seen, then),
        *_of_reading(draft, owner, around),
    )


def _of_pods(draft: Scaling, then: Assessment) -> list[Warning]:
    blocking = blocking_pods(then)
    found = []
    slow = [each.name for each in then.members if not each.available and each.state is not PodState.MISSING]
    waited_for = tuple(name for name in slow if name not in blocking)
    if waited_for and draft.moves and not draft.at_once:
        found.append(Warning(caution=Caution.WAITS_FOR, pods=waited_for))
    broken = tuple(name for name in slow if name in blocking)
    if broken:
        found.append(Warning(caution=Caution.BROKEN, pods=broken, blockers=_of(then, *broken)))
    stay = tuple(each.name for each in reversed(then.surplus) if each.name in blocking)
    if stay:
        found.append(Warning(caution=Caution.NOT_REMOVED, pods=stay, blockers=_of(then, *stay)))
    return found


def _of_revisions(draft: Scaling, seen: Assessment, then: Assessment) -> list[Warning]:
    found = []
    if seen.under_way and then.update_revision:
        for caution, revision in ((Caution.AT_UPDATE, then.update_revision), (Caution.AT_CURRENT, then.before.held)):
            pods = tuple(move.span for move in draft.moves if move.creates and move.revision == revision)
            if pods and then.before.held != then.update_revision:
                found.append(Warning(caution=caution, pods=pods, revision=revision))
    if 0 < draft.after <= then.partition:
        found.append(Warning(caution=Caution.PARTITION_HOLDS_ALL, number=then.partition))
    return found


def _of_votes(draft: Scaling, seen: Assessment, then: Assessment) -> list[Warning]:
    found = []
    if 0 < draft.after < majority(draft.before):
        found.append(Warning(caution=Caution.MINORITY_STAYS, number=majority(draft.before)))
    if draft.after < draft.before and then.available < majority(draft.after):
        found.append(Warning(caution=Caution.MAJORITY_DOWN, number=then.available))
    if draft.after and draft.after % 2 == 0:
        found.append(Warning(caution=Caution.EVEN, number=draft.after - majority(draft.after)))
    return found


def _of_reading(draft: Scaling, owner: StatefulSet, around: Surroundings) -> list[Warning]:
    found = []
    if around.claims is None and claim_templates(owner):
        found.append(Warning(caution=Caution.CLAIMS_NOT_READ))
    if around.volumes is None and draft.lost:
        found.append(Warning(caution=Caution.VOLUMES_NOT_READ))
    if draft.moves_claims and not around.wanted_complete:
        found.append(Warning(caution=Caution.CLAIM_USERS_NOT_READ))
    if around.autoscalers is None or around.scaled_objects is None:
        found.append(Warning(caution=Caution.AUTOSCALERS_NOT_READ))
    return found


def _of_growth(draft: Scaling, around: Surroundings, snapshot: SetView, now: datetime) -> list[Warning]:
    """Claims of pods that go, and that are not through with an expansion: a node does its part of that for a pod only."""
    claims = {claim.name: claim for claim in around.claims or ()}
    found = growing(((claims[each.claim], each.pod) for each in draft.leaves or ()), snapshot, now)
    return [Warning(caution=Caution.RESIZING, pods=tuple(each.pod for each in found), growing=found)] if found else []


def _stakes(draft: Scaling, owner: StatefulSet, seen: Assessment, then: Assessment) -> tuple[ClaimEffect, ...]:
    smaller = draft.after < draft.before
    found = []
    if draft.lost:
        found.append(ClaimEffect.CLAIMS)
    if draft.mounted:
        found.append(ClaimEffect.MOUNTED)
    if draft.leaves is None and smaller and deletes_claims(owner):
        found.append(ClaimEffect.UNKNOWN_CLAIMS)
    if smaller and draft.after == 0:
        found.append(ClaimEffect.STOPS)
    if draft.promotes:
        found.append(ClaimEffect.PROMOTES)
    majority_goes = seen.available >= majority(draft.after) > then.available
    if smaller and majority_goes and draft.at_once:
        found.append(ClaimEffect.MAJORITY)
    return tuple(found)


def _of(seen: Assessment, *pods: str) -> tuple[Blocker, ...]:
    return tuple(blocker for blocker in seen.blockers if blocker.pod in pods)
