"""One VolumeGroupSnapshot of all claims of a set, from the request to the moment in which each of its members says what it is of.

A look at a time, as all of a rollout: asked for, waited for, marked. The same command finds it and goes on; where a driver
answers that it takes none, none of ours is left behind.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Protocol

from kubectl_pets.domain.changes import RUN_ANNOTATION, DeleteGroupSnapshot, TakeGroupSnapshot
from kubectl_pets.domain.model import StatefulSet
from kubectl_pets.domain.orphans.snapshots import NoSnapshot, VolumeSnapshot
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.snapshots.groups import (
    GroupSnapshots,
    GroupStatus,
    VolumeGroupSnapshot,
    asking_group,
    counting,
    group_unfit,
    is_cut,
    is_marked,
    labels_of,
    marking,
    members,
    takes_none,
)
from kubectl_pets.domain.snapshots.wanted import AtStake, Unfit
from kubectl_pets.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError, PetsError
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.interrupts import Interrupted
from kubectl_pets.flows.engine.looking import Sight
from kubectl_pets.flows.engine.waiting import until
from kubectl_pets.flows.rollout import quiescing
from kubectl_pets.flows.rollout.quiescing import CommandFailed, Quiescing
from kubectl_pets.flows.rollout.snapshot_types import Unready, Unsnapped
from kubectl_pets.ports.claims import GroupSnapshotPort, SnapshotPort
from kubectl_pets.ports.sets import ChangePort

GROUPS = "volumegroupsnapshots.groupsnapshot.storage.k8s.io"

#: So often what changes at the moment of its deletion is read anew.
TRIES = 5


class GroupPort(GroupSnapshotPort, SnapshotPort, ChangePort, Protocol):
    """What it takes."""


class GroupTaking:
    """The group of one run."""

    def __init__(self, cluster: GroupPort, quiescing: Quiescing) -> None:
        self._cluster, self._quiescing = cluster, quiescing
        #: What was asked for or found: its name, its uid once it was seen, and the version of its API.
        self._name, self._uid = "", ""
        self._version = ""

    def foresee(
        self, wanted: Sequence[AtStake], owner: StatefulSet, seen: Assessment, now: datetime, run: str, *, begun: bool
    ) -> TakeGroupSnapshot | VolumeGroupSnapshot:
        """What would be asked for, or the one of an earlier run that counts. Nothing is changed."""
        groups = self._cluster.group_snapshots(seen.namespace) or GroupSnapshots()
        holds = self._quiescing.wanted
        there = counting(groups.items, seen, labels_of(owner), wanted, now, begun=begun, held=holds)
        return there or asking_group(owner, seen, groups, wanted, run, held=holds)

    def ask(self, take: TakeGroupSnapshot, *, dry_run: bool) -> Unfit | None:
        """What keeps it from being asked for."""
        try:
            self._cluster.apply(take, dry_run=dry_run)
        except NotFoundError:
            return Unfit(claim="", reason=NoSnapshot.GROUPS_NOT_INSTALLED)
        except (ForbiddenError, InvalidError) as error:
            return Unfit(claim="", reason=NoSnapshot.REJECTED, detail=error.message)
        return None

    def ready(
        self, wanted: Sequence[AtStake], owner: StatefulSet, sight: Sight, run: str, *, begun: bool
    ) -> VolumeGroupSnapshot | Unready | Unsnapped:
        """The group, once it is cut, kept, and ready to use."""
        groups = self._cluster.group_snapshots(sight.seen.namespace)
        if groups is None:
            return _against(NoSnapshot.RIGHTS_MISSING, f"list {GROUPS}")
        found = self._found(groups, wanted, owner, sight, begun=begun)
        if isinstance(found, Unsnapped):
            return found
        if found is None:
            take = asking_group(owner, sight.seen, groups, wanted, run, held=self._quiescing.wanted)
            rejected = self._taken(take, wanted, sight.seen)
            if rejected is not None:
                return Unsnapped((rejected,), group=True)
            self._name = take.name
            return Unready(names=(take.name,), error="", of=1, group=True)
        if self._quiescing.wanted and not self._name:
            for pod in _pods(wanted):
                self._quiescing.let_go_of_what_was_left(sight.seen, pod)
        self._name, self._uid, self._version = found.name, found.metadata.uid, groups.version
        return self._judged(found)

    def _found(
        self, groups: GroupSnapshots, wanted: Sequence[AtStake], owner: StatefulSet, sight: Sight, *, begun: bool
    ) -> VolumeGroupSnapshot | Unsnapped | None:
        """The one that is waited for; None: none was asked for yet."""
        if self._uid:
            same = next((each for each in groups.items if each.metadata.uid == self._uid), None)
            gone = same is None or same.metadata.deletion_timestamp is not None
            return _against(NoSnapshot.GONE, self._name) if gone else same
        holds = self._quiescing.wanted
        found = counting(groups.items, sight.seen, labels_of(owner), wanted, sight.now, begun=begun, held=holds)
        if found is None and self._name:
            is_there = any(each.name == self._name for each in groups.items)
            return _against(NoSnapshot.FOREIGN if is_there else NoSnapshot.GONE, self._name)
        return found

    def _taken(self, take: TakeGroupSnapshot, wanted: Sequence[AtStake], seen: Assessment) -> Unfit | None:
        """Ask for it; where commands are to be run, every pod stands still until the storage has made the cut."""
        if not take.held:
            return self.ask(take, dry_run=False)
        cut = False

        def made(interrupted: Interrupted) -> Unfit | None:
            nonlocal cut
            late = Unfit(claim="", reason=NoSnapshot.NOT_CUT, detail=take.name)
            rejected = self.ask(take, dry_run=False) if not interrupted() else late
            if rejected is not None:
                return rejected
            found = until(partial(self._is_cut, take), deadline=Deadline(quiescing.STANDING_STILL), held=interrupted)
            cut = found is True
            return None if cut else late

        try:
            ended = self._quiescing.around(seen, _pods(wanted), made)
        finally:
            if not cut:
                self._discard(take)
        if isinstance(ended, CommandFailed):
            return Unfit(claim=wanted[0].claim, reason=NoSnapshot.COMMAND_FAILED, detail=ended.told)
        return ended

    def _is_cut(self, take: TakeGroupSnapshot) -> bool | None:
        """None: not yet. One that its driver takes none of is not waited for: it is judged like any other."""
        listed = self._cluster.group_snapshots(take.namespace) or GroupSnapshots()
        ours = next((each for each in listed.items if each.name == take.name), None)
        return True if ours is not None and (is_cut(ours) or takes_none(ours)) else None

    def _discard(self, take: TakeGroupSnapshot) -> None:
        """One that was not cut while all stood still: what it shows nobody has asked for."""
        with suppress(PetsError):
            listed = self._cluster.group_snapshots(take.namespace) or GroupSnapshots()
            for each in listed.items:
                if each.name == take.name and each.metadata.annotations.get(RUN_ANNOTATION) == take.run:
                    self._version = listed.version
                    self._withdraw(each, even_cut=True)

    def _judged(self, group: VolumeGroupSnapshot) -> VolumeGroupSnapshot | Unready | Unsnapped:
        status = group.status
        if takes_none(group):
            self._withdraw(group)
            return _against(NoSnapshot.NO_GROUPS, status.error.message if status.error is not None else "")
        if not status.ready_to_use or not status.bound_volume_group_snapshot_content_name:
            error = status.error.message if status.error is not None else ""
            return Unready(names=(group.name,), error=error, of=1, group=True, silent=status == GroupStatus())
        bound = status.bound_volume_group_snapshot_content_name
        unfit = group_unfit(group, self._cluster.group_snapshot_content(self._version, bound))
        return Unsnapped((unfit,), group=True) if unfit is not None else group

    def _withdraw(self, group: VolumeGroupSnapshot, *, even_cut: bool = False) -> None:
        """What we have asked for and never comes. Its controller may write into its status at the same moment, again and again:
        then it is read anew, and goes unless it has been cut after all. ``even_cut``: that was too late, so it goes, too."""
        left: VolumeGroupSnapshot | None = group
        with suppress(PetsError):  # it holds no data, and is named
            for _ in range(TRIES):
                if left is None or self._is_withdrawn(left):
                    return
                listed = self._cluster.group_snapshots(group.namespace) or GroupSnapshots()
                same = (each for each in listed.items if each.metadata.uid == group.metadata.uid)
                left = next((each for each in same if even_cut or not is_cut(each)), None)

    def _is_withdrawn(self, group: VolumeGroupSnapshot) -> bool:
        """False: it changed since it was read."""
        meta = group.metadata
        gone = DeleteGroupSnapshot(
            namespace=group.namespace,
            name=group.name,
            uid=meta.uid,
            resource_version=meta.resource_version,
            version=self._version,
        )
        try:
            self._cluster.apply(gone)
        except ConflictError:
            return False
        return True

    def marked(
        self, group: VolumeGroupSnapshot, wanted: Iterable[AtStake], seen: Assessment, listed: Iterable[VolumeSnapshot]
    ) -> dict[str, str] | Unready | Unsnapped:
        """The member of each claim by name, once all say what they are of. ``listed``: read after the group."""
        there = members(group, listed)
        targets = list(wanted)
        lacking = [each for each in targets if each.claim not in there]
        if lacking:
            bare = (Unfit(claim=each.claim, reason=NoSnapshot.NOT_IN_GROUP, detail=group.name) for each in lacking)
            return Unsnapped(tuple(bare), group=True)
        late: list[str] = []
        for target in targets:
            member = there[target.claim]
            if is_marked(group, member, target, seen):
                continue
            late.append(member.name)
            unfit = self._mark(group, member, target, seen)
            if unfit is not None:
                return Unsnapped((unfit,), group=True)
        if late:
            return Unready(names=tuple(late), error="", of=len(targets))
        return {each.claim: there[each.claim].name for each in targets}

    def _mark(self, group: VolumeGroupSnapshot, member: VolumeSnapshot, target: AtStake, seen: Assessment) -> Unfit | None:
        bound = member.status.bound_volume_snapshot_content_name
        content = self._cluster.snapshot_content(bound) if bound else None
        if content is None:
            return None  # its controller is about to
        change = marking(group, member, content, target, seen)
        if isinstance(change, Unfit):
            return change
        try:
            with suppress(ConflictError, NotFoundError):  # its status was written meanwhile; the next look says so
                self._cluster.apply(change)
        except (ForbiddenError, InvalidError) as error:
            return Unfit(claim=target.claim, reason=NoSnapshot.REJECTED, detail=error.message)
        return None


def _pods(wanted: Iterable[AtStake]) -> tuple[str, ...]:
    """Those that are there, from the highest ordinal down."""
    return tuple(dict.fromkeys(each.pod for each in wanted if each.pod_since is not None))


def _against(reason: NoSnapshot, detail: str = "") -> Unsnapped:
    return Unsnapped((Unfit(claim="", reason=reason, detail=detail),), group=True)
