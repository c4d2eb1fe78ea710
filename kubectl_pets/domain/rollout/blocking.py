"""What stands in the way of a set, why, and is there patience with it still?

Every blocker has a time from which on it is called stuck; until then it is failing. That time rests on what the pod and its
events remember, never on when somebody began to look, so that every look says the same.
"""

from datetime import datetime, timedelta
from typing import assert_never

import msgspec

from kubectl_pets.domain.model import Around, NodeReadiness, SetView, StatefulSet, ordinal_of
from kubectl_pets.domain.rollout.containers import LONG_AGO, StuckAfter, Trouble, ended_at
from kubectl_pets.domain.rollout.events import Refusal, not_ending, not_starting, refusals
from kubectl_pets.domain.rollout.members import LEAVING, Member, PodState, traits
from kubectl_pets.domain.rollout.stuck import next_to_go
from kubectl_pets.domain.rollout.times import later
from kubectl_pets.domain.rollout.verdict import Assessment, Blocker, Cause
from kubectl_pets.domain.sets.clocks import by_the_servers_clock

#: "<set>-<hash>" must fit a label value (63), the hash takes up to 10 and a hyphen: longer names never get pods (k/k#64023).
LONGEST_SET_NAME = 52

#: Nothing is wrong before patience with these ends: they are what every pod and every change begins with.
QUIET = (
    Cause.NOT_SCHEDULED,
    Cause.VOLUME_NOT_MADE,
    Cause.NOT_TAKEN_ON,
    Cause.NOT_MADE,
    Cause.NOT_OBSERVED,
    Cause.NOT_DELETED,
    Cause.PART_NOT_MADE,
    Cause.UPDATE_UNFINISHED,
)
#: And with this the scheduler begins wherever a claim is made with its pod.
_BEGINNINGS = (*QUIET, Cause.CLAIM_UNBOUND)

#: A kubelet that starts many pods at once takes them on one after the other.
_KUBELETS_TURN = timedelta(minutes=1)


def find_blockers(
    draft: Assessment, owner: StatefulSet, snapshot: SetView, now: datetime, patience: StuckAfter
) -> tuple[tuple[Blocker, ...], tuple[Blocker, ...]]:
    """A pair: what blocks the rollout now, and what is failing and will block it once its ``stuck_at`` has come."""
    if len(draft.name) > LONGEST_SET_NAME and any(member.state is PodState.MISSING for member in draft.members):
        return (Blocker(cause=Cause.SET_NAME_TOO_LONG),), ()
    if snapshot.around is None and not draft.surplus and all(map(_is_well, draft.members)) and next_to_go(draft) is None:
        return (), ()  # as nearly always
    finder = _Finder(draft, owner, snapshot, patience)
    found = [each for member in draft.members if (each := finder.of(member)) is not None]
    surplus = [each for member in draft.surplus if (each := finder.of_surplus(member)) is not None]
    stays = _surplus_that_stays(draft, surplus)
    found += [each for each in surplus if each.pod in stays or each.cause is Cause.DELETION_REFUSED]
    idle = next_to_go(draft) if not found else None
    not_deleted = finder.not_deleted(idle) if idle is not None else None
    return split(found if not_deleted is None else [not_deleted], now)


def _is_well(member: Member) -> bool:
    """Whether nothing blocks at this position, as long as nobody was asked for more than the set and its pods."""
    return member.state is PodState.AVAILABLE and not (member.lacks or member.mislabelled) and member.trouble is None


def split(found: list[Blocker], now: datetime) -> tuple[tuple[Blocker, ...], tuple[Blocker, ...]]:
    """A pair: those that block by now, and those with which there is patience."""
    over = tuple(msgspec.structs.replace(each, stuck_at=None) for each in found if not _bears(each, now))
    return over, tuple(each for each in found if _bears(each, now))


def _bears(blocker: Blocker, now: datetime) -> bool:
    return blocker.lasting or (blocker.stuck_at is not None and blocker.stuck_at > now)


def not_observed(owner: StatefulSet, now: datetime, patience: StuckAfter) -> Blocker | None:
    """The controller has not seen the newest spec: since when, by the time of the last write that was not of its status. None:
    nothing tells."""
    entries = owner.metadata.managed_fields
    times = [entry.time for entry in entries if entry.subresource != "status" and entry.time is not None]
    if not times:
        return None
    since = max(times)
    return Blocker(cause=Cause.NOT_OBSERVED, since=since, stuck_at=later(since, patience.silence))


class _Finder:
    """Looks for what is wrong with each pod."""

    def __init__(self, draft: Assessment, owner: StatefulSet, snapshot: SetView, patience: StuckAfter) -> None:
        self._draft, self._owner, self._patience = draft, owner, patience
        around = snapshot.around or Around()
        self._events = around.events or ()
        self._pods = {pod.metadata.uid: pod for pod in snapshot.pods or ()}
        self._parts = snapshot.parts
        self._nodes = {node.name: node for node in around.nodes or () if node.ready != "True"}
        self._ready_nodes = {node.name for node in around.nodes or () if node.ready == "True"}
        self._missing_since = around.missing_since
        self._leaving = {pod.name for pod in around.namesakes or () if pod.terminating}
        claims = snapshot.claims or ()
        self._dying_claims = {claim.name for claim in claims if claim.metadata.deletion_timestamp is not None}
        self._taken = _names_taken(owner, snapshot)
        self._not_made = refusals(owner, self._events, "Create")
        at_rest = draft.all_available and not any(member.outdated for member in draft.members)
        self._refused_updates = refusals(owner, self._events, "Update", self._pods.values())
        self._not_updated = {} if at_rest else self._refused_updates
        self._not_deleted = refusals(owner, self._events, "Delete", self._pods.values())
        self._now = draft.at

    def of_surplus(self, member: Member) -> Blocker | None:
        if member.state is PodState.ENDED:
            return self._blocker(Cause.CONTAINER, member)
        return self.of(member)

    def of(self, member: Member) -> Blocker | None:
        """What blocks at this position; None: nothing that is known."""
        found, trouble = self._of(member), member.trouble
        if trouble is None or trouble.container or not _only_once(member):
            return found
        if found is None or (found.cause in QUIET and (self._now is None or _bears(found, self._now))):
            ended = self._of_trouble(Cause.POD_ENDS, member, trouble)
            return msgspec.structs.replace(ended, stuck_at=None, lasting=True)
        return found

    def _of(self, member: Member) -> Blocker | None:
        if member.lacks and member.state not in LEAVING:
            return self._blocker(Cause.VOLUME_MISSING, member, message=", ".join(member.lacks))
        if member.trouble is not None and not member.trouble.container and not _only_once(member):
            return self._of_trouble(Cause.POD_ENDS, member, member.trouble)
        by_state = self._by_state(member)
        if by_state is None and member.name in self._not_deleted and self._is_to_go(member):
            return self._refused(Cause.DELETION_REFUSED, member, self._not_deleted[member.name])
        if member.state is PodState.ENDED:
            return self._not_replaced(member)
        if by_state is None and member.mislabelled and member.state not in LEAVING:
            return self._mislabelled(member)
        if by_state is None and member.state is not PodState.MISSING and member.name in self._not_updated:
            return self._refused(Cause.UPDATE_REFUSED, member, self._not_updated[member.name])
        return by_state

    def _is_to_go(self, member: Member) -> bool:
        """Whether the controller deletes this pod, as soon as it may: outdated and released, or beyond the range."""
        if member.state in LEAVING or not member.uid:
            return False
        replaced = self._draft.strategy == "RollingUpdate" and member.released and member.outdated
        return replaced or member.state is PodState.ENDED or member.ordinal not in self._draft.slots

    def not_deleted(self, member: Member) -> Blocker | None:
        """The controller has nothing to wait for, and does nothing: it may have ended in the middle of a rollout, or may not give
        a claim the owner that the retention policy wants, which keeps it from scaling down without any event (fixPodClaim). Since
        when: nothing was written to the set or became available after that, and whoever looks on has seen no other pod go.
        """
        draft = self._draft
        written = [entry.time for entry in self._owner.metadata.managed_fields if entry.time is not None]
        if not written:
            return None
        times = [*written, self._missing_since.get(member.name), self._owner.metadata.creation_timestamp]
        times += [time for each in draft.members + draft.surplus for time in (each.available_at, each.created)]
        return self._since(Cause.NOT_DELETED, member, max(time for time in times if time is not None), message="")

    def _not_replaced(self, member: Member) -> Blocker | None:
        """The controller replaces what has ended at once; that of 1.27 leaves a pod alone whose containers ended well
        (kubernetes/kubernetes#118310, #124065). None: nothing tells since when it has ended."""
        pod = self._pods.get(member.uid)
        since = ended_at(by_the_servers_clock(pod)) if pod is not None else None
        return self._since(Cause.NOT_MADE, member, since, message="") if since is not None else None

    def _mislabelled(self, member: Member) -> Blocker:
        """The controller mends it within a moment, so patience begins when somebody sees it, or its refusal was told."""
        refused = self._refused_updates.get(member.name)
        if refused is not None:
            return self._refused(Cause.UPDATE_REFUSED, member, refused)
        since = self._missing_since.get(member.name, self._now)
        told = "its label statefulset.kubernetes.io/pod-name is not its name"
        return self._since(Cause.UPDATE_REFUSED, member, since, message=told)

    def _by_state(self, member: Member) -> Blocker | None:
        match member.state:
            case PodState.MISSING:
                return self._missing(member)
            case PodState.FAILING | PodState.RECOVERING:
                return self._of_trouble(Cause.CONTAINER, member, member.trouble) if member.trouble is not None else None
            case PodState.UNSCHEDULABLE:
                return self._unschedulable(member)
            case PodState.CLAIM_UNBOUND:
                return self._since(Cause.CLAIM_UNBOUND, member, member.unscheduled_since)
            case PodState.PENDING:
                if member.unscheduled_since is None:
                    return None
                if member.placed:
                    return self._since(
                        Cause.VOLUME_NOT_MADE, member, member.unscheduled_since, message=", ".join(member.placed)
                    )
                return self._since(Cause.NOT_SCHEDULED, member, member.unscheduled_since)
            case PodState.CREATING:
                told = self._creating(member) or self._of_parts(member) or self._on_silent_node(member)
                return told or self._absent(member) or self._not_taken_on(member)
            case PodState.STARTING:
                return self._of_parts(member) or self._on_silent_node(member) or self._absent(member) or self._updating(member)
            case PodState.OVERDUE:
                return self._overdue(member)
            case PodState.ENDED | PodState.READY | PodState.AVAILABLE | PodState.TERMINATING:
                return None
            case _:
                assert_never(member.state)

    def _missing(self, member: Member) -> Blocker | None:
        other = self._taken.get(member.name)
        if other is not None:
            return self._refused(Cause.NAME_TAKEN, member, other)
        refused = self._not_made.get(member.name)
        if refused is not None:
            return self._refused(Cause.CREATION_REFUSED, member, refused)
        since = self._missing_since.get(member.name)
        if since is None or member.name in self._leaving:
            return None
        return self._since(Cause.NOT_MADE, member, since, message=", ".join(self._stale_claims(member)))

    def _stale_claims(self, member: Member) -> list[str]:
        """The controller makes no pod while a claim of it is being deleted (PodClaimIsStale)."""
        names = {f"{template.name}-{member.name}" for template in self._owner.spec.volume_claim_templates}
        return sorted(name for name in names & self._dying_claims)

    def _creating(self, member: Member) -> Blocker | None:
        pod = self._pods.get(member.uid)
        refused = not_starting(pod, self._events) if pod is not None else None
        return self._refused(Cause.NOT_STARTED, member, refused) if refused is not None else None

    def _of_parts(self, member: Member) -> Blocker | None:
        """What an event tells of the pods of a group: one that cannot be made, or cannot be started."""
        there = self._parts.get(member.name, ())
        names = {pod.name for pod in there}
        for name, refused in sorted(self._not_made.items()):
            of_this_group = refused.last is not None and (member.created is None or refused.last >= member.created)
            if there and name not in names and of_this_group and ordinal_of(name, member.name) is not None:
                return self._refused(Cause.CREATION_REFUSED, member, _of_part(name, refused))
        for pod in there:
            found = not_starting(pod, self._events) if pod.status.phase == "Pending" else None
            if found is not None:
                return self._refused(Cause.NOT_STARTED, member, _of_part(pod.name, found))
        return None

    def _absent(self, member: Member) -> Blocker | None:
        """A pod of the group that nobody makes, as ``_missing`` has it of a pod of the set's own."""
        since = self._missing_since.get(member.absent)
        if since is None:
            return None
        return self._since(Cause.PART_NOT_MADE, member, max(since, member.created or since), message=member.absent)

    def _updating(self, member: Member) -> Blocker | None:
        """Its containers are up, and what its controller or its kubelet has to do besides does not come."""
        if not member.updating or member.updating_since is None:
            return None
        return self._since(Cause.UPDATE_UNFINISHED, member, member.updating_since, message=member.updating)

    def _on_silent_node(self, member: Member) -> Blocker | None:
        names = [part.node for part in member.parts if not part.ready] or [member.node]
        node = next((self._nodes[name] for name in names if name in self._nodes), None)
        if node is None:
            return None
        if not node.ready:  # whatever is bound to it is deleted within a minute, and then made anew
            return msgspec.structs.replace(self._blocker(Cause.NODE_SILENT, member, message=node.name), lasting=True)
        return self._since(Cause.NODE_SILENT, member, node.since, message=node.name)

    def _unschedulable(self, member: Member) -> Blocker:
        """That no node fits is what it is until something changes; of an error of its own the scheduler tries again at once."""
        found = self._since(Cause.UNSCHEDULABLE, member, member.unscheduled_since)
        if member.reason == "Unschedulable" or found.since is None:
            return found
        return msgspec.structs.replace(found, stuck_at=later(found.since, self._patience.silence))

    def _not_taken_on(self, member: Member) -> Blocker | None:
        """Its node is Ready, and its kubelet does not know of the pod, or does not get to it (kubernetes/kubernetes#107303): it
        sets ``status.startTime`` before anything else, and no event tells that it has not. What stands in for a kubelet, and has
        no such time to tell, may say so in the pod's reason."""
        pod = self._pods.get(member.uid)
        scheduled = pod.status.condition("PodScheduled") if pod is not None else None
        bound = scheduled.last_transition_time if scheduled is not None and scheduled.status == "True" else None
        if pod is None or bound is None:
            return None
        if pod.status.start_time is not None or pod.status.container_statuses or pod.status.reason:
            return None
        found = self._since(Cause.NOT_TAKEN_ON, member, bound, message=member.node)
        return msgspec.structs.replace(found, stuck_at=later(bound, max(self._patience.time, _KUBELETS_TURN)))

    def _overdue(self, member: Member) -> Blocker:
        if member.finalizers and not member.running:
            return self._blocker(Cause.FINALIZER, member, message=", ".join(member.finalizers))
        pod = self._pods.get(member.uid)
        told = not_ending(pod, self._events) if pod is not None else None
        found = self._blocker(Cause.TERMINATION_OVERDUE, member)
        if told is not None:
            found = msgspec.structs.replace(found, reason=told.reason, message=told.message)
        return msgspec.structs.replace(found, node_ready=member.node in self._ready_nodes)

    def _of_trouble(self, cause: Cause, member: Member, trouble: Trouble) -> Blocker:
        deadline = trouble.deadline(self._patience)
        return msgspec.structs.replace(
            self._blocker(cause, member, reason=trouble.reason, message=trouble.message),
            container=trouble.container,
            exit_code=trouble.exit_code,
            signal=trouble.signal,
            end=trouble.end,
            restarts=trouble.restarts,
            since=trouble.since,
            stuck_at=deadline if deadline != LONG_AGO else None,
        )

    def _refused(self, cause: Cause, member: Member, refused: Refusal) -> Blocker:
        found = self._since(cause, member, refused.since, message=refused.message)
        return msgspec.structs.replace(found, reason=refused.reason)

    def _since(self, cause: Cause, member: Member, since: datetime | None, *, message: str | None = None) -> Blocker:
        patience = self._patience.silence if cause in _BEGINNINGS else self._patience.time
        until = later(since, patience) if since is not None else None
        return msgspec.structs.replace(self._blocker(cause, member, message=message), since=since, stuck_at=until)

    def _blocker(self, cause: Cause, member: Member, *, reason: str | None = None, message: str | None = None) -> Blocker:
        brought = member.updated if member.state is not PodState.MISSING else member.released and self._draft.under_way
        return Blocker(
            cause=cause,
            pod=member.name,
            reason=member.reason if reason is None else reason,
            message=member.message if message is None else message,
            updated=brought,
        )


def _of_part(name: str, refused: Refusal) -> Refusal:
    """Told with the name of the pod, for the blocker has that of its group."""
    return msgspec.structs.replace(refused, message=f"{name}: {refused.message}")


def _only_once(member: Member) -> bool:
    """Whether one pod was ended by its node and the next one is coming up: that is no loop, and it may take its time, as any pod
    that comes to a node which has neither its image nor its volume; it is failing for as long. Once it is Ready it has to outlive
    the one before."""
    coming_up = member.state is PodState.STARTING or (traits(member.state).never_served and member.state is not PodState.FAILING)
    return member.trouble is not None and member.trouble.restarts < 2 and coming_up


def _names_taken(owner: StatefulSet, snapshot: SetView) -> dict[str, Refusal]:
    """By name: who has a pod of a name that the controller would use. A pod that nobody controls and that the selector matches is
    about to be adopted, one that is on its way out frees its name, and those of a set that was deleted and made anew are yet to
    be collected."""
    namesakes = (snapshot.around.namesakes if snapshot.around is not None else None) or ()
    taken = {}
    for pod in (*(snapshot.pods or ()), *namesakes):
        controller = pod.metadata.controller()
        if pod.terminating or (controller is not None and controller.uid == owner.metadata.uid):
            continue
        if controller is None and owner.spec.selector.matches(pod.metadata.labels):
            continue
        times = [time for time in (owner.metadata.creation_timestamp, pod.metadata.creation_timestamp) if time is not None]
        whose = f"{controller.kind}/{controller.name}" if controller is not None else ""
        taken[pod.name] = Refusal(reason="AlreadyExists", message=whose, since=max(times, default=None))
    return taken


def _surplus_that_stays(draft: Assessment, found: list[Blocker]) -> set[str]:
    """Surplus pods that the controller cannot get rid of.

    In OrderedReady it deletes the highest one only while that is available or the only one that is not (processCondemned).
    """
    broken = {blocker.pod for blocker in found}
    overdue = {member.name for member in draft.surplus if member.state is PodState.OVERDUE}
    down = [member for member in draft.surplus if not member.available and member.state is not PodState.RECOVERING]
    if draft.policy == "Parallel" or len(down) < 2 or down[-1] is not draft.surplus[-1] or down[-1].state in LEAVING:
        return overdue
    ends = {member.name for member in (down[0], down[-1]) if traits(member.state).broken and member.name in broken}
    return overdue | ends if len(ends) == 2 else overdue


def silent(around: Around | None) -> tuple[NodeReadiness, ...]:
    """Nodes whose Ready condition is not True."""
    nodes = (around.nodes if around is not None else None) or ()
    return tuple(sorted((node for node in nodes if node.ready != "True"), key=lambda node: node.name))
