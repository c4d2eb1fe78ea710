"""The words of a rollout plan: goals that a user may have, steps that change the cluster, and decisions.

All are values. ``stepping`` decides with them, ``planning`` looks ahead with them, ``patches`` turns a step into a change, views
draw them. A refusal is one of the decisions, never an exception.
"""

from datetime import datetime, timedelta
from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.revisions import Image
from kubectl_pets.domain.verdict import Blocker


class Amount(msgspec.Struct, frozen=True):
    """A number of pods, absolute or as a share of the replicas. Positive; the command line lets nothing else in."""

    number: int
    percent: bool = False

    def of(self, replicas: int) -> int:
        """Pods meant. A share rounds up: 10% of 3 is one pod, never none."""
        return -(-replicas * self.number // 100) if self.percent else self.number

    def __str__(self) -> str:
        return f"{self.number}%" if self.percent else str(self.number)


# --- goals -----------------------------------------------------------------------------------------------------------------


class Canary(msgspec.Struct, frozen=True, kw_only=True, tag="canary"):
    """Stage a change, release the ``pods`` highest positions and stay there."""

    pods: Amount = Amount(1)
    images: tuple[Image, ...] = ()


class StepOn(msgspec.Struct, frozen=True, kw_only=True, tag="step"):
    """Release the next ``pods`` positions."""

    pods: Amount = Amount(1)


class Promote(msgspec.Struct, frozen=True, kw_only=True, tag="promote"):
    """Release everything."""


class Run(msgspec.Struct, frozen=True, kw_only=True, tag="run"):
    """Canary, then steps, to the end; ``soak`` after each before the next."""

    images: tuple[Image, ...] = ()
    canary: Amount | None = None
    step: Amount = Amount(1)
    soak: timedelta = timedelta(0)


class Pause(msgspec.Struct, frozen=True, kw_only=True, tag="pause"):
    """Raise the partition to where the rollout stands."""


class Resume(msgspec.Struct, frozen=True, kw_only=True, tag="resume"):
    """Undo a pause: the partition goes back to what it was."""


class Abort(msgspec.Struct, frozen=True, kw_only=True, tag="abort"):
    """Bring every pod back to the current revision. The template keeps the new version."""


class Partition(msgspec.Struct, frozen=True, kw_only=True, tag="partition"):
    """Set the partition, and that is all."""

    partition: int


Goal = Canary | StepOn | Promote | Run | Pause | Resume | Abort | Partition


# --- steps -----------------------------------------------------------------------------------------------------------------


class Stage(msgspec.Struct, frozen=True, kw_only=True, tag="stage"):
    """Write new images into the template, with the partition that keeps every pod as it is (None: OnDelete, which has none)."""

    images: tuple[Image, ...]
    partition: int | None


class SetPartition(msgspec.Struct, frozen=True, kw_only=True, tag="set-partition"):
    partition: int
    before: int
    #: Pods that the controller will now replace, in its order (highest first).
    releases: tuple[str, ...] = ()
    #: Keep ``before`` in the annotation, for ``resume``.
    remember: bool = False


class Delete(msgspec.Struct, frozen=True, kw_only=True, tag="delete"):
    """Delete one pod; the controller makes it anew at ``comes_back_at``."""

    pod: str
    revision: str
    comes_back_at: str


Step = Stage | SetPartition | Delete


# --- decisions -------------------------------------------------------------------------------------------------------------


@unique
class WaitReason(StrEnum):
    OBSERVATION = "observation"
    PODS = "pods"
    SOAK = "soak"


@unique
class DoneReason(StrEnum):
    COMPLETE = "complete"
    CANARY_REACHED = "canary-reached"
    STEP_REACHED = "step-reached"
    PAUSED = "paused"
    RESUMED = "resumed"
    ABORTED = "aborted"
    PARTITION_SET = "partition-set"
    NOTHING_TO_DO = "nothing-to-do"
    NEVER_ROLLS = "never-rolls"


@unique
class RefusedReason(StrEnum):
    DELETING = "deleting"
    PODS_UNREADABLE = "pods-unreadable"
    STRATEGY_UNKNOWN = "strategy-unknown"
    TOO_MANY_PODS = "too-many-pods"
    NOTHING_STAGED = "nothing-staged"
    NOTHING_UNDER_WAY = "nothing-under-way"
    ALREADY_FURTHER = "already-further"
    OTHER_ROLLOUT = "other-rollout"
    STUCK = "stuck"
    STAGED_ONLY = "staged-only"
    NO_WAY_BACK = "no-way-back"
    COMPLETE = "complete"
    ON_DELETE = "on-delete"


@unique
class OvertakenReason(StrEnum):
    DELETED = "deleted"
    REPLACED = "replaced"
    TEMPLATE_EDITED = "template-edited"
    PARTITION_RAISED = "partition-raised"
    #: By somebody else, while this verb holds pods back with it.
    PARTITION_LOWERED = "partition-lowered"
    STRATEGY_CHANGED = "strategy-changed"


class Act(msgspec.Struct, frozen=True, kw_only=True, tag="act"):
    step: Step


class Wait(msgspec.Struct, frozen=True, kw_only=True, tag="wait"):
    reason: WaitReason
    pods: tuple[str, ...] = ()
    until: datetime | None = None


class Done(msgspec.Struct, frozen=True, kw_only=True, tag="done"):
    reason: DoneReason


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag="refused"):
    """Unsafe or meaningless; nothing was changed. ``asked`` and ``limit`` are pods, where the reason is about numbers."""

    reason: RefusedReason
    asked: int | None = None
    limit: int | None = None
    blockers: tuple[Blocker, ...] = ()


class Stuck(msgspec.Struct, frozen=True, kw_only=True, tag="stuck"):
    blockers: tuple[Blocker, ...]


class Overtaken(msgspec.Struct, frozen=True, kw_only=True, tag="overtaken"):
    """Somebody else changed the set in a way that ends this rollout."""

    reason: OvertakenReason


Ending = Done | Refused | Stuck | Overtaken
Decision = Act | Wait | Ending


class Pins(msgspec.Struct, frozen=True, kw_only=True):
    """What one run of a verb holds on to between decisions. Nothing here is needed to resume: a run killed and typed again
    starts with none and finds its way from the cluster."""

    uid: str = ""
    #: The update strategy: another one means other steps, which nobody asked for.
    strategy: str = ""
    #: Abort: the revision to go back to, once it has begun.
    back_to: str = ""
    #: The update revision being rolled out, once known.
    revision: str = ""
    #: The partition that this run set last.
    partition: int | None = None
    #: Positions at or above this are this verb's to release.
    target: int | None = None
    #: OnDelete: the pods that are this verb's to delete.
    pods: frozenset[str] | None = None
    #: Whether this run has changed anything.
    changed: bool = False


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a verb would do from here, if the cluster does its part: acts and waits in order, and how it ends."""

    entries: tuple[Act | Wait, ...]
    ending: Ending

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(entry.step for entry in self.entries if isinstance(entry, Act))

    @property
    def deletes(self) -> tuple[str, ...]:
        """Pods that the program itself would delete."""
        return tuple(step.pod for step in self.steps if isinstance(step, Delete))
