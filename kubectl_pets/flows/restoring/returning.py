"""Brings the claims of a set without pods back to the data of a revision, one after the other (``one_by_one``: of one that runs).

Everything is read and planned anew before each change (``domain.snapshots.restoring``), and the set once more right before a
claim goes and right before it is made: while it is gone nobody else may make it. The record is on disk, and the volume with the
newer data kept and held by this run, before its claim goes. Killed at any point, what is left stands in the cluster.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from enum import Enum, auto, unique
from pathlib import Path
from typing import Protocol

import msgspec

from kubectl_pets.domain.changes import CreateClaim, DeleteClaim, SetRetain
from kubectl_pets.domain.model import Event, SetView, StatefulSet
from kubectl_pets.domain.orphans.deletion import essence
from kubectl_pets.domain.orphans.inventory import PersistentVolume
from kubectl_pets.domain.orphans.restoring import Record
from kubectl_pets.domain.orphans.retention import policy_before
from kubectl_pets.domain.orphans.snapshots import VolumeSnapshotContent
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.sets.restoring import RESTORED_ANNOTATION, RESTORING_ANNOTATION
from kubectl_pets.domain.snapshots.restoring import (
    ClaimReturn,
    ClassTraits,
    DataGround,
    NoReturn,
    ReturnPlan,
    Stand,
    Unreturnable,
    contents_wanted,
    own_volumes,
    plan,
    step,
    under_way,
    unfit,
)
from kubectl_pets.domain.snapshots.stalling import Stall, of_filling, of_leaving, of_quota
from kubectl_pets.domain.stepping.patches import change_for
from kubectl_pets.domain.stepping.steps import Note
from kubectl_pets.errors import ConflictError, ForbiddenError, NotFoundError, PetsError
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.interrupts import Interrupted
from kubectl_pets.flows.engine.waiting import Unended, until
from kubectl_pets.flows.orphans.records import RecordBook
from kubectl_pets.flows.orphans.retention import RetainWatch, new_run
from kubectl_pets.ports.claims import ClaimPort, SnapshotPort
from kubectl_pets.ports.server import ServerPort
from kubectl_pets.ports.sets import ChangePort, SetPort
from kubectl_pets.views.snapshots import returning as view

#: A claim or volume that changes under our hands this often is somebody else's business.
_ATTEMPTS = 5

_WAITS = "WaitForFirstConsumer"

_ASKED_EVERY = timedelta(seconds=2)

#: The words of the quota's admission plugin (apiserver plugin/pkg/admission/resourcequota). What a deleted claim took is given
#: back a moment later.
OVER_QUOTA = "exceeded quota"


class ReturnPort(ClaimPort, SnapshotPort, ChangePort, SetPort, ServerPort, Protocol):
    """What it takes to bring data back."""


@unique
class ReturnEnd(Enum):
    REACHED = auto()
    #: What speaks against it has come up on the way.
    REFUSED = auto()
    #: A pod does not come back, or may not go; or a claim is waited for in vain.
    STUCK = auto()
    INTERRUPTED = auto()
    TIMED_OUT = auto()


class DataGoal(msgspec.Struct, frozen=True, kw_only=True):
    """The revision whose data is meant; ``replicas`` as in ``plan``. ``running``: one pod after the other."""

    revision: str
    number: int
    replicas: int | None = None
    running: bool = False


class BringingBack:
    """One run. ``tell`` hears what was done and what is waited for."""

    #: Seconds between two looks at what is waited for.
    every = 0.25

    def __init__(
        self,
        cluster: ReturnPort,
        namespace: str,
        name: str,
        goal: DataGoal,
        record: Path | None,
        tell: Callable[[str], None],
        *,
        stuck_after: StuckAfter = StuckAfter(),
    ) -> None:
        self._cluster, self._namespace, self._name, self._goal, self._tell = cluster, namespace, name, goal, tell
        self._folder, self._run = record, new_run()
        self._book: RecordBook | None = None
        self._classes: dict[str, ClassTraits] | None = None
        self._contents: dict[str, VolumeSnapshotContent | None] = {}
        self._recorded: set[str] = set()
        self._watch = RetainWatch(cluster, self._run)
        self._tries: dict[tuple[str, type], int] = {}
        self._told = ""
        self._stuck_after = stuck_after
        #: What was told of a claim that is waited for, and when it was asked for; since when there is no room for one, by name.
        self._events: tuple[datetime, str, Stall | None] | None = None
        self._no_room: dict[str, datetime] = {}
        #: What is waited for in vain, once patience with it has ended.
        self.stalled: Stall | None = None
        #: What spoke against it in the last look: a look is of several lists, between which another run may have done something.
        self._against: tuple[Unreturnable, ...] = ()
        #: As it was planned last.
        self.plan = ReturnPlan(revision=goal.revision, number=goal.number, run="")

    @property
    def record(self) -> Path | None:
        """The file that says what was deleted; None: nothing was, by this run."""
        return self._book.path if self._book is not None else None

    # --- looking ---------------------------------------------------------------------------------------------------------------

    def look(self) -> SetView:
        """Plan anew. Raises PetsError."""
        cluster, goal, space = self._cluster, self._goal, self._namespace
        view = cluster.set_view(space, self._name)
        owner = view.set
        if owner is None:
            raise NotFoundError(f"StatefulSet {self._name} in namespace {space} was deleted")
        if self._classes is None:
            listed = cluster.storage_classes()
            if listed is not None:
                self._classes = {each.name: ClassTraits(each.provisioner, each.volume_binding_mode == _WAITS) for each in listed}
        installed = cluster.snapshot_offer().installed
        snapshots = cluster.snapshots(space)
        for name in contents_wanted(snapshots, owner, view.revisions, goal.revision):
            if self._contents.get(name) is None:
                self._contents[name] = cluster.snapshot_content(name)
        # Claims before volumes, and who mounts them last: as ``orphans.retention`` wants it.
        claims = cluster.claims(space)
        own = frozenset(each.name for each in view.pods or ()) if goal.running else frozenset[str]()
        ground = DataGround(
            owner=owner,
            pods=view.pods,
            revisions=view.revisions,
            claims=claims,
            volumes=self._volumes(owner),
            mounted=cluster.mounts(space, own) if own else cluster.mounts(space),
            classes=self._classes,
            installed=installed,
            snapshots=snapshots,
            contents=self._contents,
            running=goal.running,
            down=self._down(view) if goal.running else (),
        )
        self.plan = plan(ground, goal.revision, goal.number, replicas=goal.replicas)
        return view

    def _down(self, view: SetView) -> tuple[str, ...]:
        """The pods that are not available, by name."""
        seen = assess(view, self._cluster.now())
        return tuple(each.name for each in seen.members if not each.available)

    def _volumes(self, owner: StatefulSet) -> dict[str, PersistentVolume] | None:
        try:
            return own_volumes(owner, self._cluster.volumes())
        except ForbiddenError:
            return None

    # --- doing -----------------------------------------------------------------------------------------------------------------

    def to_the_end(self, deadline: Deadline, held: Interrupted) -> ReturnEnd:
        """Bring every claim back. Outages are ridden out. Raises PetsError for what lasts."""

        def act() -> ReturnEnd | None:
            while not held():
                try:
                    ended, acted = self._turn()
                except ConflictError as failure:
                    self._lets_pass(failure)
                    return self._in_vain()
                if ended is not None or not acted:
                    return ended or self._in_vain()
            return None

        found = until(act, deadline=deadline, every=self.every, held=held, troubled=lambda failure: self._say(failure.message))
        if isinstance(found, ReturnEnd):
            return found
        return ReturnEnd.INTERRUPTED if found is Unended.STOPPED else ReturnEnd.TIMED_OUT

    def _in_vain(self) -> ReturnEnd | None:
        return ReturnEnd.STUCK if self.stalled is not None else None

    def _turn(self) -> tuple[ReturnEnd | None, bool]:
        """One look and one change; whether there was one."""
        view = self.look()
        if self.plan.refused:
            passing = all(each.reason is NoReturn.PODS_THERE for each in self.plan.refused)
            if passing:  # its controller has not seen the last change yet, or a pod takes its time to end
                self._say(f"the controller of {self._name} to be at rest")
                return None, False
            again, self._against = self._against == self.plan.refused, self.plan.refused
            return (ReturnEnd.REFUSED, False) if again else (None, True)
        assert view.set is not None
        return self._act(view, view.set)

    def _act(self, view: SetView, owner: StatefulSet) -> tuple[ReturnEnd | None, bool]:
        """One change, nothing speaking against it."""
        note = self.plan.note
        assert note is not None
        if self.plan.done:
            self._note(view, owner, {RESTORING_ANNOTATION: None, RESTORED_ANNOTATION: note.text})
            return ReturnEnd.REACHED, True
        if under_way(owner) != note:
            self._note(view, owner, {RESTORING_ANNOTATION: note.text})
            return None, True
        assert self.plan.next is not None
        return None, self._step(self.plan.next, owner)

    def _step(self, claim: ClaimReturn, owner: StatefulSet) -> bool:
        """The next change to a claim; whether there was one."""
        turn = self._whole(claim)
        change = step(turn, self._cluster.now(), self._run)
        if change is None:
            self._waits(turn)
            return False
        try:
            self._change(turn, change, owner)
        except NotFoundError as failure:  # another run was faster; where the set itself is gone the next look says so
            raise ConflictError(failure.message) from failure
        return True

    def _whole(self, turn: ClaimReturn) -> ClaimReturn:
        """With the claim as it is now: a long list leaves out who made it, and that goes into the record."""
        if turn.present is None or turn.stand is not Stand.NEWER:
            return turn
        there = self._cluster.claim(self._namespace, turn.claim)
        if there is None or there.metadata.uid != turn.present.metadata.uid:
            raise ConflictError(f"claim {turn.claim} changed since it was read")
        return msgspec.structs.replace(turn, present=there)

    def _note(self, view: SetView, owner: StatefulSet, notes: dict[str, str | None]) -> None:
        left = {key: text for key, text in notes.items() if owner.metadata.annotations.get(key) != text}
        if left:
            self._cluster.apply(change_for(Note(notes=left), owner, assess(view, self._cluster.now())))

    def _change(self, turn: ClaimReturn, change: SetRetain | DeleteClaim | CreateClaim, owner: StatefulSet) -> None:
        uid = turn.present.metadata.uid if turn.present is not None else ""
        tried = (uid or turn.claim, type(change))
        self._counted(tried, f"claim {turn.claim} or its volume")
        if isinstance(change, SetRetain):
            self._write_down(turn)
            self._cluster.apply(change)
            assert turn.present is not None and turn.volume is not None
            self._watch.wait(turn.present, turn.volume)
            return
        if isinstance(change, DeleteClaim):
            self._is_right_still(turn, owner)
            self._cluster.apply(change)
            self._tell(f"{turn.claim}: the newer data stays in volume {turn.volume.name if turn.volume else ''}")
            return
        self._is_kept_empty(turn, owner)
        try:
            self._cluster.apply(change)
        except ForbiddenError as failure:
            if OVER_QUOTA not in failure.message:
                raise
            self._tries[tried] -= 1
            now = self._cluster.now()
            since = self._no_room.setdefault(turn.claim, now)
            self._waits_out(of_quota(turn, failure.message, since, self._stuck_after), now)
            raise ConflictError(failure.message) from failure
        self._no_room.pop(turn.claim, None)
        self._tell(f"{turn.claim}: made anew from VolumeSnapshot {turn.snapshot}")

    def _counted(self, tried: tuple[str, type], what: str) -> None:
        """Raises PetsError where it was tried too often."""
        self._tries[tried] = self._tries.get(tried, 0) + 1
        if self._tries[tried] > _ATTEMPTS:
            raise PetsError(f"{what} is changed by somebody else again and again")

    def _write_down(self, turn: ClaimReturn) -> None:
        """Before the volume is touched. A claim that is not deleted after all is in the record, too, and does no harm there."""
        claim, volume = turn.present, turn.volume
        assert claim is not None and volume is not None
        if claim.metadata.uid in self._recorded:
            return
        if self._book is None:
            self._book = RecordBook(self._folder, self._cluster.server_name(), self._cluster.now())
        self._book.add(
            Record(
                claim=essence(claim),
                volume=volume.name,
                volume_uid=volume.metadata.uid,
                reclaim_policy=policy_before(claim, volume),
                deleted_at=self._cluster.now(),
                snapshot=turn.snapshot,
                volume_spec=volume.spec,
            )
        )
        self._recorded.add(claim.metadata.uid)

    def _is_right_still(self, turn: ClaimReturn, owner: StatefulSet) -> None:
        """Raises ConflictError unless the set is at rest, the snapshot what it was, and the volume kept and held by this run."""
        claim, volume = turn.present, turn.volume
        assert claim is not None and volume is not None and claim.metadata.uid in self._recorded
        seen = self._cluster.snapshot_seen(self._namespace, turn.snapshot)
        if seen.snapshot is None or unfit(seen.snapshot, seen.content) is not None:
            raise ConflictError(f"VolumeSnapshot {turn.snapshot} changed since it was read")
        self._is_kept_empty(turn, owner)
        if not self._watch.is_kept(claim, volume):
            raise ConflictError(f"volume {volume.name} changed since it was read")
        self._watch.stayed(claim)

    def _is_kept_empty(self, turn: ClaimReturn, owner: StatefulSet) -> None:
        """Raises ConflictError unless nobody makes the claim's pod now: the controller makes a missing claim, empty, as soon as
        it wants its pod."""
        now = self._cluster.stateful_set(self._namespace, self._name)
        meta, was = now.metadata, owner.metadata
        if (meta.uid, meta.generation) != (was.uid, was.generation) or now.spec.replicas or now.status.replicas:
            raise ConflictError(f"StatefulSet {self._name} changed since it was read")

    def _lets_pass(self, failure: PetsError) -> None:
        """What changed is read again; the contents of snapshots, too."""
        self._contents.clear()
        if OVER_QUOTA not in failure.message:  # it was told with what patience there is
            self._say(failure.message)

    def _waits(self, turn: ClaimReturn) -> None:
        now = self._cluster.now()
        stall = of_leaving(turn, self._stuck_after) or self._not_filled(turn, now)
        if stall is not None:
            self._waits_out(stall, now)
        elif turn.stand is Stand.LEAVING:
            self._say(f"claim {turn.claim} to be gone")
        else:
            self._say(f"claim {turn.claim} to be filled from VolumeSnapshot {turn.snapshot}")

    def _not_filled(self, turn: ClaimReturn, now: datetime) -> Stall | None:
        """Asked of the events, and not at every look; where they cannot be read nothing tells."""
        if turn.stand is not Stand.FILLING:
            return None
        if self._events is None or self._events[1] != turn.claim or now - self._events[0] >= _ASKED_EVERY:
            told: tuple[Event, ...] | None = None
            with suppress(PetsError):
                told = self._cluster.claim_events(self._namespace, turn.claim)
            self._events = now, turn.claim, of_filling(turn, told, now, self._stuck_after)
        return self._events[2]

    def _waits_out(self, stall: Stall, now: datetime) -> None:
        if now >= stall.stuck_at:
            self.stalled = stall
        else:
            self._say(view.waited_out(stall))

    def _say(self, text: str) -> None:
        """Once, until something else is waited for."""
        if text != self._told:
            self._told = text
            self._tell(f"waiting: {text}")
