"""The words of a rollout plan: goals that a user may have, steps that change the cluster, and decisions.

All are values. ``deciding`` decides with them, ``planning`` looks ahead with them, ``patches`` turns a step into a change, views
draw them. A refusal is one of the decisions, never an exception.
"""

from datetime import datetime, timedelta
from enum import StrEnum, unique
from typing import Any

import msgspec

from kubectl_pets.domain.rollout.revisions import Image
from kubectl_pets.domain.rollout.verdict import Blocker

#: Stands in a plan for the ControllerRevision that a change of the template will make: its hash is the controller's to compute.
NEW_REVISION = "new revision"


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
    """Stage a change, release the ``pods`` highest positions and stay there.

    ``settle``, here and below: where minReadySeconds is 0, a pod counts as done only once it has been Ready for so long."""

    pods: Amount = Amount(1)
    images: tuple[Image, ...] = ()
    settle: timedelta = timedelta(0)


class StepOn(msgspec.Struct, frozen=True, kw_only=True, tag="step"):
    """Release the next ``pods`` positions."""

    pods: Amount = Amount(1)
    settle: timedelta = timedelta(0)


class Promote(msgspec.Struct, frozen=True, kw_only=True, tag="promote"):
    """Release everything."""

    settle: timedelta = timedelta(0)


class Run(msgspec.Struct, frozen=True, kw_only=True, tag="run"):
    """Canary, then steps, to the end; ``soak`` after each before the next."""

    images: tuple[Image, ...] = ()
    canary: Amount | None = None
    step: Amount = Amount(1)
    soak: timedelta = timedelta(0)
    settle: timedelta = timedelta(0)
    #: After the canary a step does not wait for all of the one before: each pod that is done lets the next one go.
    overlap: bool = False


class Pause(msgspec.Struct, frozen=True, kw_only=True, tag="pause"):
    """Raise the partition to where the rollout stands."""


class Resume(msgspec.Struct, frozen=True, kw_only=True, tag="resume"):
    """Undo a pause: the partition goes back to what it was."""


class Abort(msgspec.Struct, frozen=True, kw_only=True, tag="abort"):
    """Bring every pod back to the current revision. The template keeps the new version."""

    settle: timedelta = timedelta(0)


class Partition(msgspec.Struct, frozen=True, kw_only=True, tag="partition"):
    """Set the partition, and that is all."""

    partition: int


class Undo(msgspec.Struct, frozen=True, kw_only=True, tag="undo"):
    """Put the template of an earlier revision back, free the set where that alone would leave it stuck, and wait."""

    #: Name of the ControllerRevision to go back to.
    revision: str
    number: int
    #: Its ``spec.template``, in full.
    template: dict[str, Any]
    #: Hold every pod first and release them so; None: leave the order to the controller.
    by: Run | None = None
    settle: timedelta = timedelta(0)
    #: The run of a rollout out of whose snapshots the claims are made anew afterwards; "": they are not.
    snapshots: str = ""


class Unstick(msgspec.Struct, frozen=True, kw_only=True, tag="unstick"):
    """Delete just the pods that keep the controller from bringing the set to what its template says, and wait."""

    #: A pod that merely is not ready is left alone until it is this old.
    patience: timedelta = timedelta(minutes=1)
    settle: timedelta = timedelta(0)


class Restart(msgspec.Struct, frozen=True, kw_only=True, tag="restart"):
    """Have every pod made anew, by a mark in the template, and wait."""

    #: When it was asked for (RFC 3339), as kubectl writes it.
    at: str
    #: As in Undo.
    by: Run | None = None
    settle: timedelta = timedelta(0)
    #: Begin again, although the last one is hardly over, or is noted as unfinished.
    anew: bool = False


class RestartPods(msgspec.Struct, frozen=True, kw_only=True, tag="restart-pods"):
    """Have these pods made anew, in this order, each available again before the next."""

    pods: tuple[str, ...]
    #: So many at a time.
    batch: int = 1
    soak: timedelta = timedelta(0)
    settle: timedelta = timedelta(0)
    #: The label (key and value) of a pod that is left alone for as long as it has it.
    leader: tuple[str, str] | None = None
    #: By the Eviction API, which keeps PodDisruptionBudgets; else they are deleted.
    evict: bool = True
    #: As in Restart.
    anew: bool = False


Goal = Canary | StepOn | Promote | Run | Pause | Resume | Abort | Partition | Undo | Unstick | Restart | RestartPods


# --- steps -----------------------------------------------------------------------------------------------------------------


class Stage(msgspec.Struct, frozen=True, kw_only=True, tag="stage"):
    """Write new images into the template, with the partition that keeps every pod as it is (None: OnDelete, which has none)."""

    images: tuple[Image, ...]
    partition: int | None
    #: As in SetPartition.
    paused: bool | msgspec.UnsetType = msgspec.UNSET


class SetPartition(msgspec.Struct, frozen=True, kw_only=True, tag="set-partition"):
    partition: int
    before: int
    #: Pods that the controller will now replace, in its order (highest first).
    releases: tuple[str, ...] = ()
    #: Keep ``before`` in the annotation, for ``resume``.
    remember: bool = False
    #: Somebody else lowered it, and this takes that back in so far as it can: what it was.
    guards: int | msgspec.UnsetType = msgspec.UNSET
    #: Stop updates by the spec, too, or let them go on (``Capability.PAUSE``); unset: as it is.
    paused: bool | msgspec.UnsetType = msgspec.UNSET
    #: In a plan: so many steps of one size, told as one. Then ``releases`` are runs of pods, as ``web-3..web-9``.
    steps: int | msgspec.UnsetType = msgspec.UNSET
    #: The revision whose template is kept on the set by it, because the controller will not (``sets.kept``).
    keeps: str | msgspec.UnsetType = msgspec.UNSET
    #: Of a run that overlaps: so many pods at most are released and not done at any time. In a plan this may be all that is left.
    overlap: int | msgspec.UnsetType = msgspec.UNSET


class Delete(msgspec.Struct, frozen=True, kw_only=True, tag="delete", omit_defaults=True):
    """Delete one pod; the controller makes it anew at ``comes_back_at``."""

    pod: str
    revision: str
    comes_back_at: str
    #: Nobody is asked for it: the pod is broken, and the goal itself orders another image in place of what it runs.
    ordered: bool = False


class Evict(msgspec.Struct, frozen=True, kw_only=True, tag="evict"):
    """Delete one pod by the Eviction API (policy/v1), which refuses where a PodDisruptionBudget does not allow it."""

    pod: str
    revision: str
    comes_back_at: str


class Restore(msgspec.Struct, frozen=True, kw_only=True, tag="restore"):
    """Write the template of an earlier revision, and a note of what it was before. ``partition`` None: as it is."""

    revision: str
    number: int
    template: dict[str, Any]
    partition: int | None
    #: The revision that is being undone.
    before: str
    #: As in SetPartition.
    paused: bool | msgspec.UnsetType = msgspec.UNSET
    keeps: str | msgspec.UnsetType = msgspec.UNSET


class Mark(msgspec.Struct, frozen=True, kw_only=True, tag="mark"):
    """Write the time of a restart into the template, and a note that it is ours. ``partition`` as in Restore."""

    at: str
    partition: int | None


class Note(msgspec.Struct, frozen=True, kw_only=True, tag="note"):
    """Write annotations of ours on the set, or remove them (None). Sets nothing in motion."""

    notes: dict[str, str | None]
    #: The pods of a restart that begins with it.
    pods: tuple[str, ...] = ()


Step = Stage | SetPartition | Delete | Evict | Restore | Mark | Note


# --- decisions -------------------------------------------------------------------------------------------------------------


@unique
class WaitReason(StrEnum):
    OBSERVATION = "observation"
    PODS = "pods"
    SOAK = "soak"
    #: Every pod is available, and has yet to stay so for a moment (``settle``).
    SETTLE = "settle"
    #: Another pod, or a budget, has to come back before one more may be taken down.
    HEADROOM = "headroom"
    #: Another set of the group (``pods``: their names) is not fully available.
    OTHERS = "others"
    #: The gates are being asked.
    GATE = "gate"
    #: VolumeSnapshots (``pods``: their names) are not ready yet. ``detail``: the last error of their controller.
    SNAPSHOT = "snapshot"


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
    UNDONE = "undone"
    #: The template is restored, and the partition keeps pods at another revision.
    HELD_BACK = "held-back"
    #: Typed again after it was done: kubectl would go forward again.
    ALREADY_UNDONE = "already-undone"
    UNSTUCK = "unstuck"
    RESTARTED = "restarted"
    #: By an earlier run of the same verb, which did not live to say so.
    ALREADY_RESTARTED = "already-restarted"


@unique
class RefusedReason(StrEnum):
    DELETING = "deleting"
    PODS_UNREADABLE = "pods-unreadable"
    #: Which ordinals it leaves out makes no sense, so which pods it is to have cannot be said.
    SLOTS_UNREADABLE = "slots-unreadable"
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
    #: A restart would reach released positions only.
    PARTITION_LEFT_OVER = "partition-left-over"
    #: A restart of other pods was begun and not finished.
    OTHER_RESTART = "other-restart"
    NO_SUCH_REVISION = "no-such-revision"
    NO_EARLIER_REVISION = "no-earlier-revision"
    #: All earlier ones were made for another set, from which this one has adopted them.
    ADOPTED_REVISIONS = "adopted-revisions"
    #: The ControllerRevision of what ran before is gone. ``pods``: those that run it.
    REVISION_NOT_KEPT = "revision-not-kept"
    #: ControllerRevisions could not be read.
    REVISIONS_UNREAD = "revisions-unread"
    #: The wanted template is older than the one that pods run: which of the two is to go cannot be told.
    OLDER_WANTED = "older-wanted"
    #: The wanted template was gone back to, and what would be gone back to now is what was left for it. ``asked``: its number.
    GONE_BACK = "gone-back"
    #: So few pods would be left available. ``asked``: the minimum, ``limit``: what is available.
    MINIMUM = "minimum"
    #: A PodDisruptionBudget (``pods``: its name) allows no disruption although every pod is available.
    BUDGET = "budget"
    #: Several PodDisruptionBudgets (``pods``: their names) share pods of the set, so what they allow is not known.
    BUDGETS_SEVERAL = "budgets-several"
    #: The pod's node does not answer: deleting the pod would not bring it back.
    NODE_LOST = "node-lost"
    #: A claim of a pod that goes down is being deleted (``pods``: the claims): with the pod its data goes.
    CLAIM_TERMINATING = "claim-terminating"
    #: The set is a part of a LeaderWorkerSet.
    LEADER_WORKER_SET = "leader-worker-set"
    #: The set is being made again: what is written into it now may be lost with it.
    RECREATING = "recreating"
    #: Its claims are made anew from VolumeSnapshots, or that was not taken to the end.
    RESTORING = "restoring"
    #: What was written into the template did not come to be in it: admission made of it what was there before.
    ADMISSION = "admission"
    #: Admission makes a lower partition (``limit``) of the one that is asked for (``asked``), which lets go what is to be held.
    PARTITION_NOT_KEPT = "partition-not-kept"
    #: The note of the pause that was written is not on the set: admission or an operator keeps it free of annotations.
    NOTE_NOT_KEPT = "note-not-kept"
    #: Somebody else stopped updates by the spec (OpenKruise ``updateStrategy.rollingUpdate.paused``).
    UPDATES_PAUSED = "updates-paused"
    #: While anything is held back there are groups beyond the range, so no step would be over (LeaderWorkerSet ``maxSurge``).
    SURGE = "surge"
    #: Which pod is updated next is the controller's to choose (OpenKruise ``unorderedUpdate``), and the verb promises an order.
    UNORDERED = "unordered"


@unique
class OvertakenReason(StrEnum):
    DELETED = "deleted"
    REPLACED = "replaced"
    TEMPLATE_EDITED = "template-edited"
    PARTITION_RAISED = "partition-raised"
    #: By somebody else, while this verb holds pods back with it.
    PARTITION_LOWERED = "partition-lowered"
    STRATEGY_CHANGED = "strategy-changed"
    #: The ControllerRevision that an abort goes back to was deleted: pods would come back at the wanted version.
    REVISION_GONE = "revision-gone"
    #: By the spec, while this verb was under way.
    UPDATES_PAUSED = "updates-paused"
    #: By a pause that had nothing to raise: this verb was between two steps.
    PAUSED = "paused"


class Act(msgspec.Struct, frozen=True, kw_only=True, tag="act", omit_defaults=True):
    step: Step
    #: It notes no more than this end, which was reached when it was decided: once it is noted, no other look is needed.
    ends: "Done | None" = None


class Wait(msgspec.Struct, frozen=True, kw_only=True, tag="wait"):
    reason: WaitReason
    pods: tuple[str, ...] = ()
    until: datetime | None = None
    #: Text from the cluster; unset: there is none.
    detail: str | msgspec.UnsetType = msgspec.UNSET


class Done(msgspec.Struct, frozen=True, kw_only=True, tag="done", omit_defaults=True):
    reason: DoneReason
    #: Restart: pods that were left alone because they lead, in the order asked for.
    skipped: tuple[str, ...] = ()


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag="refused"):
    """Unsafe or meaningless; nothing was changed. ``asked`` and ``limit`` are pods, where the reason is about numbers."""

    reason: RefusedReason
    asked: int | None = None
    limit: int | None = None
    blockers: tuple[Blocker, ...] = ()
    pods: tuple[str, ...] = ()


class Stuck(msgspec.Struct, frozen=True, kw_only=True, tag="stuck"):
    blockers: tuple[Blocker, ...]


class Overtaken(msgspec.Struct, frozen=True, kw_only=True, tag="overtaken", omit_defaults=True):
    """Somebody else changed the set in a way that ends this rollout."""

    reason: OvertakenReason
    #: Pods that were replaced with no gate, pause or check before them, the highest first.
    pods: tuple[str, ...] = ()


class GateFailed(msgspec.Struct, frozen=True, kw_only=True, tag="held"):
    """A gate did not let the rollout pass. ``detail`` is what the gate said: untrusted text."""

    pod: str
    gate: str
    detail: str


Ending = Done | Refused | Stuck | Overtaken | GateFailed
Decision = Act | Wait | Ending


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """The set that a verb was planned, and maybe agreed to, for."""

    uid: str
    strategy: str
    #: None: it may have any.
    partition: int | None
    #: The wanted revisions for which the goal is right; empty: any will do.
    revisions: frozenset[str]


class BeforeRestart(msgspec.Struct, frozen=True, kw_only=True):
    """The pods of a restart: the beginnings of the uids that they had when it began, by name, and when that was (None: not
    known)."""

    at: datetime | None
    uids: tuple[tuple[str, str], ...] = ()


class RunMemory(msgspec.Struct, frozen=True, kw_only=True):
    """What one run of a verb holds on to between decisions. Nothing here is needed to resume: a run killed and typed again
    starts with none and finds its way from the cluster."""

    uid: str = ""
    #: What it was planned for, until it orders a version itself; None: nobody has planned.
    planned: Planned | None = None
    #: When it was looked for the first time.
    begun: datetime | None = None
    #: The update strategy: another one means other steps, which nobody asked for.
    strategy: str = ""
    #: Abort: the revision to go back to, once it has begun.
    back_to: str = ""
    #: The update revision being rolled out, once known.
    revision: str = ""
    #: The partition that this run set last; undo, restart: at first the one that there was.
    partition: int | None = None
    #: Positions at or above this are this verb's to release.
    target: int | None = None
    #: OnDelete: the pods that are this verb's to delete.
    pods: frozenset[str] | None = None
    #: Undo: the update revision before it began.
    before: str = ""
    #: Undo, restart: it has begun.
    written: bool = False
    #: Restart: an earlier run had brought it to the end.
    already: bool = False
    #: Restart of chosen pods: what they were, once it has begun.
    chosen: BeforeRestart | None = None
    #: The same: its end was noted.
    finished: bool = False
    #: Restart: pods that turned out to lead when their turn came.
    skipped: frozenset[str] = frozenset()
    #: When this run deleted a pod, by name, that last.
    deleted: tuple[tuple[str, datetime], ...] = ()
    #: Release one pod at a time, whatever the step: what holds for one pod is asked again for the next.
    careful: bool = False
    #: Whether this run has changed anything.
    changed: bool = False
    #: The partition is one that this run has set.
    ours: bool = False
    #: The partition of a change that was sent and perhaps carried out: its answer was lost.
    tried: int | None = None
    #: Somebody lowered the partition, and it was raised again: what it was before.
    guarded: int | None = None
    #: The spec stops updates since before this run, or (None) nobody has looked.
    stopped: bool | None = None
    #: The note of a pause is there since before this run, or it is this run's own; None: nobody has looked.
    noted: bool | None = None
    #: Images that admission rewrote: as asked for, and as they are in the template.
    admitted: tuple[tuple[Image, Image], ...] = ()
    #: Of the spec, as the answer to the last change had it; None: no answer yet.
    generation: int | None = None


class PatchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a change made of the set, as the API server says it: admission may have rewritten it."""

    images: tuple[Image, ...]
    generation: int
    #: How many positions it holds back; None: not known.
    partition: int | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a verb would do from here, if the cluster does its part: acts and waits in order, and how it ends."""

    entries: tuple[Act | Wait, ...]
    ending: Ending

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(entry.step for entry in self.entries if isinstance(entry, Act))

    @property
    def deletes(self) -> tuple[str, ...]:
        """Pods that the program itself would delete, and asks about."""
        return tuple(pod for step in self.steps if (pod := asked_about(step)) is not None)


def asked_about(step: Step) -> str | None:
    """The pod whose deletion somebody has to have agreed to before this step; None: it deletes none, or one that the goal itself
    orders to be replaced."""
    match step:
        case Delete(pod=pod, ordered=False) | Evict(pod=pod):
            return pod
        case _:
            return None
