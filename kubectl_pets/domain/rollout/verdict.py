"""The verdict on a rollout as a value: what ``assessing.assess`` finds, views draw and ``deciding`` decides upon.

Machine state only; the sentences live in the views.
"""

from datetime import datetime, timedelta
from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.claims.growth import GrowingClaim
from kubectl_pets.domain.model import NodeReadiness
from kubectl_pets.domain.rollout.managers import LeaderWorkerSetMember
from kubectl_pets.domain.rollout.members import LEAVING, Member, traits
from kubectl_pets.domain.rollout.revisions import Before, Image, RevisionGroup
from kubectl_pets.domain.sets.kinds import APPS_SET, SetKind
from kubectl_pets.domain.sets.slots import Slots, span


@unique
class Phase(StrEnum):
    """Where a rollout stands. Exactly one holds."""

    COMPLETE = "complete"
    #: The pods are as wanted, and the expansion of a claim stands still: ``growing`` says of which, and why.
    CLAIM_STALLED = "claim-stalled"
    #: The pods are as wanted, and the set is being made again: it may be gone in a moment, or was not taken to the end.
    RECREATING = "recreating"
    #: The pods are as wanted, and claims of the set are made anew from VolumeSnapshots, or that was not taken to the end.
    RESTORING = "restoring"
    #: Every released position is done; the partition keeps the others back.
    PAUSED = "paused"
    PROGRESSING = "progressing"
    #: What it waits for is in trouble that may pass by itself: ``failing`` says which pod, why, and until when there is patience.
    FAILING = "failing"
    #: It will not go on by itself: ``blockers`` says which pod and why.
    STUCK = "stuck"
    #: OnDelete: outdated pods wait for somebody to delete them.
    WAITING_FOR_DELETE = "waiting-for-delete"
    SCALING = "scaling"
    DELETING = "deleting"
    GONE = "gone"
    UNKNOWN = "unknown"


@unique
class Cause(StrEnum):
    """Why a pod blocks the rollout, or why no verdict can be given."""

    CONTAINER = "container"
    #: Pods of this name end (evicted, not admitted) and are made anew, again and again.
    POD_ENDS = "pod-ends"
    #: It has its node, and its volumes, its network or its sandbox are not to be had: an event says why.
    NOT_STARTED = "not-started"
    UNSCHEDULABLE = "unschedulable"
    #: No scheduler has looked at it.
    NOT_SCHEDULED = "not-scheduled"
    CLAIM_UNBOUND = "claim-unbound"
    #: A node was found, and no volume is made there for its claim (``message``: which).
    VOLUME_NOT_MADE = "volume-not-made"
    TERMINATION_OVERDUE = "termination-overdue"
    #: Its containers are gone, and a finalizer (``message``: which) keeps it in the API server.
    FINALIZER = "finalizer"
    #: It was bound to a node (``message``: which), and the kubelet there has not taken it on.
    NOT_TAKEN_ON = "not-taken-on"
    #: Its node's Ready condition is not True.
    NODE_SILENT = "node-silent"
    #: The controller cannot make the pod: quota, admission, PodSecurity, service account.
    CREATION_REFUSED = "creation-refused"
    #: Another pod that is not the set's has this name.
    NAME_TAKEN = "name-taken"
    #: Nobody makes the pod, and nothing tells why.
    NOT_MADE = "not-made"
    #: Nobody makes a pod (``message``: which) of the group, and nothing tells why.
    PART_NOT_MADE = "part-not-made"
    #: Its containers are up, and its update in place does not come to its end (``message``: what is not so yet).
    UPDATE_UNFINISHED = "update-unfinished"
    #: The controller cannot bring the pod to what the set says, and does nothing else before it has.
    UPDATE_REFUSED = "update-refused"
    #: Nothing keeps the controller from deleting the pod, to replace it or to scale down, and it does not.
    NOT_DELETED = "not-deleted"
    #: The controller cannot delete the pod, to replace it or to scale down.
    DELETION_REFUSED = "deletion-refused"
    #: The pod lacks the volume of a claim template (``message``: which), and a pod that exists gets none.
    VOLUME_MISSING = "volume-missing"
    #: The controller has not looked at the newest spec.
    NOT_OBSERVED = "not-observed"
    SET_NAME_TOO_LONG = "set-name-too-long"
    PODS_UNREADABLE = "pods-unreadable"
    STRATEGY_UNKNOWN = "strategy-unknown"
    #: Which ordinals are left out (``reserveOrdinals``, ``delete-slots``) makes no sense.
    SLOTS_UNREADABLE = "slots-unreadable"
    #: Its controller was told to leave it alone, and says nothing of it.
    CONTROLLER_STOPPED = "controller-stopped"


@unique
class Awaited(StrEnum):
    """What the rollout waits for next."""

    OBSERVATION = "observation"
    CREATION = "creation"
    SCHEDULING = "scheduling"
    START = "start"
    READINESS = "readiness"
    #: That containers which were restarted outlive their back-off.
    STAYING_UP = "staying-up"
    MIN_READY_SECONDS = "min-ready-seconds"
    TERMINATION = "termination"
    REPLACEMENT = "replacement"
    SCALE_DOWN = "scale-down"
    DELETE_BY_USER = "delete-by-user"
    RELEASE = "release"
    #: Its spec has to let updates go on.
    UNPAUSE = "unpause"


class Awaiting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is waited for, and of which pod (empty: of the set)."""

    awaited: Awaited
    pod: str = ""
    #: Of so many pods, from ``pod`` up to ``last_pod``, where there are too many to tell one by one.
    count: int = 1
    last_pod: str = ""

    @property
    def span(self) -> str:
        return span(self.pod, self.last_pod)


class Blocker(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A pod (or the set itself, ``pod`` empty) that will not move on by itself. ``reason`` and ``message`` are the cluster's
    own words: untrusted text."""

    cause: Cause
    pod: str = ""
    reason: str = ""
    message: str = ""
    #: Its pod is of the revision that the rollout brings; of a missing one: would be.
    updated: bool = False
    #: The container that it is about; how its last life ended, and how often it was started anew.
    container: str = ""
    exit_code: int | None = None
    signal: int = 0
    #: The runtime's word for that end, such as "OOMKilled".
    end: str = ""
    restarts: int = 0
    #: When it began; None where nothing tells.
    since: datetime | None = None
    #: When patience with it ends; None where it has ended, or there was none.
    stuck_at: datetime | None = None
    #: Patience with it does not end as long as it is as it is.
    lasting: bool = False
    #: Its node's Ready condition is True, where that was asked for.
    node_ready: bool = False


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict with all that it rests on. Times are UTC; lists are in ordinal order."""

    kind: SetKind = APPS_SET
    namespace: str
    name: str
    uid: str
    phase: Phase
    replicas: int
    start: int
    #: As in the spec; may exceed ``replicas``. 0 for OnDelete, which has none.
    partition: int
    #: A partition above 0 although nothing is being rolled out: it will silently hold back the next change.
    partition_left_over: bool
    strategy: str
    policy: str
    max_unavailable: int | str | None
    min_ready_seconds: int
    current_revision: str
    update_revision: str
    #: Which pods it is to have.
    slots: Slots
    members: tuple[Member, ...]
    surplus: tuple[Member, ...]
    revisions: tuple[RevisionGroup, ...]
    waits_for: tuple[Awaiting, ...]
    #: With what there is no patience any more, or never was.
    blockers: tuple[Blocker, ...]
    #: When time alone may change this verdict; None: only an event can.
    recheck_at: datetime | None
    created: datetime | None
    claims: int | None  #: how many claims its templates have made; None where claims could not be read
    #: Those of its claims that are being resized, in ordinal order: the phase says nothing of them.
    growing: tuple[GrowingClaim, ...] = ()
    #: The images of the live template, init containers first.
    template: tuple[Image, ...] = ()
    #: What the partition was before it was paused, as left in the annotation; None: not paused by us.
    resume_partition: int | None = None
    #: The controller replaces a broken outdated pod of a released position by itself.
    heals: bool = False
    #: Every unavailable pod counts against ``maxUnavailable``, wherever it is.
    spends_budget: bool = False
    #: Its spec stops all updates (OpenKruise ``updateStrategy.rollingUpdate.paused``), whatever the partition.
    updates_stopped: bool = False
    #: A rollout has members beyond the range for a while (LeaderWorkerSet ``maxSurge``).
    surges: bool = False
    #: This program's own annotations on the set.
    notes: dict[str, str] = {}
    #: Of the set itself, as ``--show-labels`` shows them.
    labels: dict[str, str] = {}
    #: ``kubectl.kubernetes.io/restartedAt`` in the template; empty where nobody has restarted it.
    restarted_at: str = ""
    #: What a deleted pod comes back at, and what ran before the wanted revision.
    before: Before = Before()
    #: What the set is a part of; no verb changes such a set.
    leader_worker_set: LeaderWorkerSetMember | None = None
    #: A group that is made again loses the claims of its workers.
    claims_go_along: bool = False
    #: Who deploys it with a partition of its own, which the next deploy puts back; empty: nobody that can be seen.
    partition_stated_by: str = ""
    #: Who deletes its outdated pods in the controller's stead; empty: nobody that can be seen.
    replaced_by: str = ""
    #: Who moves its partition, which is then never left over; empty: nobody that can be seen.
    partition_kept_by: str = ""
    #: Of the spec; rises with each edit of it.
    generation: int = 0
    #: With what there is patience still: they would be blockers without.
    failing: tuple[Blocker, ...] = ()
    #: Nodes of its pods whose Ready condition is not True, as far as anybody has asked.
    silent_nodes: tuple[NodeReadiness, ...] = ()
    #: What would tell more and may not be read, as the right that is missing: "list events", "get nodes".
    unread: tuple[str, ...] = ()
    #: When it was judged, by the API server's clock.
    at: datetime | None = None

    @property
    def ready(self) -> int:
        return sum(member.count for member in self.members if traits(member.state).ready)

    @property
    def available(self) -> int:
        return sum(member.count for member in self.members if member.available)

    @property
    def updated(self) -> int:
        """Pods in range of the update revision, whatever their state, but not those on their way out."""
        return sum(member.count for member in self.members if member.updated and member.state not in LEAVING)

    @property
    def all_available(self) -> bool:
        """Every position holds an available pod and there is none besides; nothing is said of revisions."""
        return not self.surplus and self.available == len(self.slots)

    @property
    def youngest_up(self) -> timedelta | None:
        """For how long the pod that became Ready last has been so; None unless all of them are, or where nothing tells."""
        times = [member.ready_since for member in self.members]
        if self.at is None or not times or any(time is None for time in times):
            return None
        return max(timedelta(0), self.at - max(time for time in times if time is not None))

    @property
    def rolled_out(self) -> bool:
        """Every position holds an available pod of the wanted revision, whatever else is to be said of the set."""
        return self.phase in (Phase.COMPLETE, Phase.CLAIM_STALLED, Phase.RECREATING, Phase.RESTORING)

    @property
    def observed(self) -> bool:
        """The controller has seen the newest spec, so its status means something."""
        return not any(wait.awaited is Awaited.OBSERVATION for wait in self.waits_for)

    @property
    def staged(self) -> bool:
        """Paused with not one position released."""
        return self.phase is Phase.PAUSED and self.partition >= self.replicas

    @property
    def released_done(self) -> bool:
        """All that the partition releases is of the update revision. Where it counts pods, so many of them are."""
        if self.slots.by_count:
            return self.updated >= len(self.slots) - self.partition
        return all(member.updated for member in self.members if member.released)

    @property
    def under_way(self) -> bool:
        """A pod is not at the wanted revision, or the controller has not called it finished yet. For OnDelete only pods count:
        servers before 1.37 never call it that (kubernetes/kubernetes#106055)."""
        unfinished = self.strategy != "OnDelete" and self.current_revision != self.update_revision
        return unfinished or any(member.outdated for member in self.members)
