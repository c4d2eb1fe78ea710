"""The verdict on a rollout as a value: what ``assessing.assess`` finds, views draw and ``deciding`` decides upon.

Machine state only; the sentences live in the views.
"""

from datetime import datetime
from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.rollout.managers import LeaderWorkerSet
from kubectl_pets.domain.rollout.members import LEAVING, Member, traits
from kubectl_pets.domain.rollout.revisions import Before, Image, RevisionGroup
from kubectl_pets.domain.sets.slots import Slots, span


@unique
class Phase(StrEnum):
    """Where a rollout stands. Exactly one holds."""

    COMPLETE = "complete"
    #: Every released position is done; the partition keeps the others back.
    PAUSED = "paused"
    PROGRESSING = "progressing"
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
    UNSCHEDULABLE = "unschedulable"
    CLAIM_UNBOUND = "claim-unbound"
    TERMINATION_OVERDUE = "termination-overdue"
    SET_NAME_TOO_LONG = "set-name-too-long"
    PODS_UNREADABLE = "pods-unreadable"
    STRATEGY_UNKNOWN = "strategy-unknown"


@unique
class Awaited(StrEnum):
    """What has to happen next."""

    OBSERVATION = "observation"
    CREATION = "creation"
    SCHEDULING = "scheduling"
    START = "start"
    READINESS = "readiness"
    MIN_READY_SECONDS = "min-ready-seconds"
    TERMINATION = "termination"
    REPLACEMENT = "replacement"
    SCALE_DOWN = "scale-down"
    DELETE_BY_USER = "delete-by-user"
    RELEASE = "release"


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
    #: Its pod is of the revision that the rollout brings.
    updated: bool = False


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict with all that it rests on. Times are UTC; lists are in ordinal order."""

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
    blockers: tuple[Blocker, ...]
    #: When time alone may change this verdict; None: only an event can.
    recheck_at: datetime | None
    created: datetime | None
    claims: int | None  #: how many claims its templates have made; None where claims could not be read
    #: The images of the live template, init containers first.
    template: tuple[Image, ...] = ()
    #: What the partition was before it was paused, as left in the annotation; None: not paused by us.
    resume_partition: int | None = None
    #: The controller replaces a broken outdated pod of a released position by itself.
    heals: bool = False
    #: Every unavailable pod counts against ``maxUnavailable``, wherever it is.
    spends_budget: bool = False
    #: This program's own annotations on the set.
    notes: dict[str, str] = {}
    #: ``kubectl.kubernetes.io/restartedAt`` in the template; empty where nobody has restarted it.
    restarted_at: str = ""
    #: What a deleted pod comes back at, and what ran before the wanted revision.
    before: Before = Before()
    #: What the set is a part of; no verb changes such a set.
    leader_worker_set: LeaderWorkerSet | None = None
    #: Of the spec; rises with each edit of it.
    generation: int = 0

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
    def observed(self) -> bool:
        """The controller has seen the newest spec, so its status means something."""
        return not any(wait.awaited is Awaited.OBSERVATION for wait in self.waits_for)

    @property
    def staged(self) -> bool:
        """Paused with not one position released."""
        return self.phase is Phase.PAUSED and self.partition >= self.replicas

    @property
    def under_way(self) -> bool:
        """A pod is not at the wanted revision, or the controller has not called it finished yet. For OnDelete only pods count:
        servers before 1.37 never call it that (kubernetes/kubernetes#106055)."""
        unfinished = self.strategy != "OnDelete" and self.current_revision != self.update_revision
        return unfinished or any(member.outdated for member in self.members)
