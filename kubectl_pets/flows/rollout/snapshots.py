"""VolumeSnapshots that are taken before a rollout takes pods down: all of a set before the first pod, or each pod's before its
turn.

All are asked for, then all are waited for, a look at a time, so that outages, Ctrl-C and the deadline are those of the rollout
itself. What was asked for stays when that ends: the same command finds it and waits on. A step is let go only in the look in
which every snapshot was seen ready, kept, and of the volume of the very claim that is still there.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Protocol

import msgspec

from kubectl_pets.domain.changes import RUN_ANNOTATION, DeleteGroupSnapshot, DeleteSnapshot, TakeGroupSnapshot, TakeSnapshot
from kubectl_pets.domain.model import ControllerRevision, PersistentVolumeClaim, SetView, StatefulSet, ordinal_of
from kubectl_pets.domain.orphans.snapshots import (
    Denied,
    NoSnapshot,
    Pending,
    Sighting,
    Taken,
    VolumeSnapshot,
    group_of,
    is_at_it,
    look,
)
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.snapshots.groups import against, gone_together
from kubectl_pets.domain.snapshots.marks import forgetting, mark_of, noting, surplus
from kubectl_pets.domain.snapshots.wanted import (
    AtStake,
    Ground,
    Unfit,
    asking,
    at_stake,
    changed_since,
    going_already,
    going_now,
    has_begun,
    targets,
    usable,
)
from kubectl_pets.domain.stepping.steps import Goal, Plan, Step, Wait, WaitReason
from kubectl_pets.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError, PetsError
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.interrupts import Interrupted
from kubectl_pets.flows.engine.looking import Sight
from kubectl_pets.flows.engine.rights import told
from kubectl_pets.flows.engine.waiting import until
from kubectl_pets.flows.rollout import quiescing
from kubectl_pets.flows.rollout.group_snapshot import GROUPS, TRIES, GroupTaking
from kubectl_pets.flows.rollout.quiescing import CommandFailed, Quiescing
from kubectl_pets.flows.rollout.snapshot_types import SnapshotTerms, Unready, Unsnapped
from kubectl_pets.ports.claims import ClaimPort, GroupSnapshotPort, SnapshotPort
from kubectl_pets.ports.pods import PodPort
from kubectl_pets.ports.server import RightsPort
from kubectl_pets.ports.sets import ChangePort, SetPort

SNAPSHOTS = "volumesnapshots.snapshot.storage.k8s.io"
_CONTENTS = "volumesnapshotcontents.snapshot.storage.k8s.io"
_GROUP_CONTENTS = "volumegroupsnapshotcontents.groupsnapshot.storage.k8s.io"
_GROUP_CLASSES = "volumegroupsnapshotclasses.groupsnapshot.storage.k8s.io"
_CLASSES = "volumesnapshotclasses.snapshot.storage.k8s.io"

#: Until the next look, while snapshots are not ready.
_EVERY = timedelta(seconds=1)


class Prospect(msgspec.Struct, frozen=True, kw_only=True):
    """What would be asked for, and what speaks against it."""

    takes: tuple[TakeSnapshot | TakeGroupSnapshot, ...] = ()
    unfit: tuple[Unfit, ...] = ()
    #: When those were asked for that an earlier run of this rollout took.
    there: tuple[datetime, ...] = ()


class Tidied(msgspec.Struct, frozen=True, kw_only=True):
    """Older VolumeSnapshots that were deleted, and the contents that stay of them, by name."""

    names: tuple[str, ...] = ()
    contents: tuple[str, ...] = ()


class TakingPort(ClaimPort, SnapshotPort, GroupSnapshotPort, ChangePort, RightsPort, PodPort, SetPort, Protocol):
    """What it takes to take snapshots."""


class Snapshots:
    """The snapshots of one run of a verb."""

    def __init__(
        self, cluster: TakingPort, terms: SnapshotTerms, goal: Goal, stuck_after: StuckAfter = StuckAfter()
    ) -> None:
        self._cluster, self.terms, self._goal, self._stuck_after = cluster, terms, goal, stuck_after
        #: Since when what is waited for fails, and since when no controller takes it on, without a break.
        self._failing: datetime | None = None
        self._unheard: datetime | None = None
        self._uid, self._run = "", ""
        #: Whose claims were looked at, and what came of it, by claim.
        self._planned: frozenset[str] = frozenset()
        self._targets: dict[str, AtStake] = {}
        #: The VolumeSnapshot of a claim, by name.
        self._named: dict[str, str] = {}
        #: Those whose content was seen to be right, by uid.
        self._sound: dict[str, Taken] = {}
        #: What there is to go back to, by claim.
        self.taken: dict[str, Taken] = {}
        self._quiescing = Quiescing(cluster, terms)
        self._group = GroupTaking(cluster, self._quiescing)
        #: Those that were not cut while their pod stood still, by uid: they count for nothing.
        self._spoilt: set[str] = set()
        #: Names that stand on revisions; and whether that is not allowed.
        self._noted: set[str] = set()
        self.unnoted = False
        #: None: nothing is waited for.
        self.waiting: Unready | None = None

    # --- before anything is done ---------------------------------------------------------------------------------------------

    def foresee(self, planned: Plan, owner: StatefulSet, seen: Assessment, now: datetime) -> Prospect:
        """What these steps would have snapshots taken of. Nothing is changed."""
        unheld = self._unheld(planned, owner, seen, now)
        if unheld:
            return Prospect(unfit=unheld)
        first = next((step for step in planned.steps if at_stake(step, self._goal, seen)), None)
        if first is None:
            return Prospect()
        pods = at_stake(first, self._goal, seen)
        found, unfit = self._looked_at(owner, seen, pods, empty=not self.terms.each)
        begun = has_begun(first, seen) and not self.terms.each
        if self.terms.group:
            return Prospect(unfit=unfit) if unfit else self._foresee_group(found, owner, seen, now, begun=begun)
        listed = self._cluster.snapshots(seen.namespace) or ()
        holds = bool(self.terms.before)
        counting = {each.claim: usable(each, seen, listed, now, begun=begun, held=holds) for each in found}
        takes = (asking(each, seen, listed, _run_at(now)) for each in found if counting[each.claim] is None)
        times = (each.metadata.creation_timestamp for each in counting.values() if each is not None)
        return Prospect(takes=tuple(takes), unfit=unfit, there=tuple(time for time in times if time is not None))

    def _foresee_group(
        self, found: Sequence[AtStake], owner: StatefulSet, seen: Assessment, now: datetime, *, begun: bool
    ) -> Prospect:
        take = self._group.foresee(found, owner, seen, now, _run_at(now), begun=begun)
        if isinstance(take, TakeGroupSnapshot):
            return Prospect(takes=(take,))
        asked_at = take.metadata.creation_timestamp
        return Prospect(there=(asked_at,) if asked_at is not None else ())

    def _unheld(self, planned: Plan, owner: StatefulSet, seen: Assessment, now: datetime) -> tuple[Unfit, ...]:
        """Claims whose pods go without a snapshot, whatever this run does; not those that an earlier run of it has released."""
        pods = going_already(planned.entries, self._goal, seen)
        if not pods:
            return ()
        found, unfit = self._looked_at(owner, seen, pods, empty=False)
        if self.terms.group and not unfit:
            take = self._group.foresee(found, owner, seen, now, _run_at(now), begun=True)
            bare_pods = (each.claim for each in found if each.pod in pods and isinstance(take, TakeGroupSnapshot))
            return tuple(Unfit(claim=claim, reason=NoSnapshot.GOES_ALREADY) for claim in bare_pods)
        listed, holds = self._cluster.snapshots(seen.namespace) or (), bool(self.terms.before)
        bare = (each.claim for each in found if usable(each, seen, listed, now, begun=True, held=holds) is None)
        return unfit or tuple(Unfit(claim=claim, reason=NoSnapshot.GOES_ALREADY) for claim in bare)

    def lacking(self, namespace: str) -> tuple[Unfit, ...]:
        """The rights that it takes and that are missing."""
        everywhere = _GROUPS_EVERYWHERE if self.terms.group else _EVERYWHERE
        missing = [*self._cluster.missing_rights(namespace, self._rights()), *self._cluster.missing_rights("", everywhere)]
        lacks = ", ".join(map(told, missing))
        return (Unfit(claim="", reason=NoSnapshot.RIGHTS_MISSING, detail=lacks),) if missing else ()

    def objections(self, takes: Iterable[TakeSnapshot | TakeGroupSnapshot]) -> tuple[Unfit, ...]:
        """What admission and webhooks have against it: the API server judges every snapshot and keeps none."""
        return tuple(rejected for take in takes if (rejected := self._asked(take, dry_run=True)) is not None)

    def _rights(self) -> list[tuple[str, str]]:
        needed = [("create", SNAPSHOTS), ("list", SNAPSHOTS), ("list", "persistentvolumeclaims")]
        held = [("get", "pods/exec"), ("create", "pods/exec")] if self.terms.before else []
        if self.terms.group:
            needed = [("create", GROUPS), ("list", GROUPS), ("patch", SNAPSHOTS), *needed[1:], *held]
            needed += [("delete", GROUPS)] if self.terms.keep or self.terms.before else []
            return [*needed, ("delete", SNAPSHOTS)] if self.terms.keep else needed
        needed += held
        return [*needed, ("delete", SNAPSHOTS)] if self.terms.keep or self.terms.before else needed

    # --- before a step -------------------------------------------------------------------------------------------------------

    def before(self, step: Step, sight: Sight) -> Wait | Unsnapped | None:
        """What keeps the step from being carried out now. Raises PetsError for what may pass."""
        seen = sight.seen
        pods = self._concerned(step, seen)
        if not pods or sight.view.set is None:
            return None
        if seen.uid != self._uid:
            self._forget(seen.uid)
        unfit = self._plan(sight.view.set, seen, pods)
        if unfit:
            return Unsnapped(unfit)
        wanted = [each for each in self._targets.values() if each.pod in pods or each.claim not in self.taken]
        self.waiting = None
        begun = has_begun(step, seen) and not self.terms.each
        if self.terms.group:
            grouped = self._grouped(wanted, sight.view.set, sight, begun=begun)
            if grouped is not None:
                return grouped
        listed = self._cluster.snapshots(seen.namespace)
        if listed is None:
            return Unsnapped((Unfit(claim="", reason=NoSnapshot.RIGHTS_MISSING, detail=f"list {SNAPSHOTS}"),))
        asked = not self.terms.group and self._ask(wanted, sight, listed, begun=begun)
        if isinstance(asked, Unsnapped):
            return asked
        standing = {each.claim: self._standing(each, listed) for each in wanted} if not asked else {}
        denied = {claim: it for claim, it in standing.items() if isinstance(it, Denied)}
        if denied:
            return Unsnapped(tuple(Unfit(claim=claim, reason=it.reason, detail=it.detail) for claim, it in denied.items()))
        pending = {claim: it for claim, it in standing.items() if isinstance(it, Pending)}
        if asked or pending:
            return self._wait(wanted, pending, sight.now)
        return self._sealed(wanted, standing.items(), sight)

    def _grouped(self, wanted: Sequence[AtStake], owner: StatefulSet, sight: Sight, *, begun: bool) -> Wait | Unsnapped | None:
        """None: the group is there, and its members are found by claim."""
        group = self._group.ready(wanted, owner, sight, _run_at(sight.now), begun=begun)
        if isinstance(group, Unsnapped):
            return group
        if isinstance(group, Unready):
            return self._waited(group, sight.now)
        self._run = group.metadata.annotations.get(RUN_ANNOTATION, "")
        found = self._group.marked(group, wanted, sight.seen, self._cluster.snapshots(sight.seen.namespace) or ())
        if isinstance(found, Unsnapped):
            return found
        if isinstance(found, Unready):
            return self._waited(found, sight.now)
        self._named |= found
        return None

    def _waited(self, waiting: Unready, now: datetime) -> Wait | Unsnapped:
        """Unless it has failed, or nobody has taken it on, for longer than there is patience. One that is just being taken is
        waited for as long as somebody is willing to: what is large is copied for hours."""
        self.waiting = waiting
        self._failing = (self._failing or now) if waiting.error and not is_at_it(waiting.error) else None
        self._unheard = (self._unheard or now) if waiting.silent else None
        if self._failing is not None and now - self._failing >= self._stuck_after.time:
            return self._in_vain(waiting, NoSnapshot.FAILED, waiting.error)
        if self._unheard is not None and now - self._unheard >= self._stuck_after.silence:
            return self._in_vain(waiting, NoSnapshot.NOT_TAKEN_ON, waiting.names[0])
        until_then, error = now + _EVERY, waiting.error or msgspec.UNSET
        return Wait(reason=WaitReason.SNAPSHOT, pods=waiting.names, until=until_then, detail=error)

    def _in_vain(self, waiting: Unready, reason: NoSnapshot, detail: str) -> Unsnapped:
        by_name = {name: claim for claim, name in self._named.items()}
        about = by_name.get(waiting.names[0], "")
        return Unsnapped((Unfit(claim=about, reason=reason, detail=detail),), group=waiting.group, in_vain=True)

    def _concerned(self, step: Step, seen: Assessment) -> frozenset[str]:
        return going_now(step, seen) if self.terms.each else at_stake(step, self._goal, seen)

    def _forget(self, uid: str) -> None:
        """It is another set by now."""
        self._uid, self._run, self._planned = uid, "", frozenset()
        self._targets, self._named, self._sound, self.taken = {}, {}, {}, {}
        self._group = GroupTaking(self._cluster, self._quiescing)

    def _plan(self, owner: StatefulSet, seen: Assessment, pods: frozenset[str]) -> tuple[Unfit, ...]:
        """Look at the claims of these pods, unless they were looked at."""
        if pods <= self._planned:
            return ()
        found, unfit = self._looked_at(owner, seen, pods - self._planned, empty=not self.terms.each and not self._planned)
        if not unfit:
            self._planned |= pods
            self._targets |= {each.claim: each for each in found}
        return unfit

    def _looked_at(
        self, owner: StatefulSet, seen: Assessment, pods: frozenset[str], *, empty: bool
    ) -> tuple[tuple[AtStake, ...], tuple[Unfit, ...]]:
        claims = self._cluster.claims(seen.namespace)
        if self.terms.group:
            return self._all_looked_at(owner, seen, claims)
        own = _of(owner, claims)
        offer = self._cluster.snapshot_offer()
        if not offer.installed:
            return (), (Unfit(claim="", reason=NoSnapshot.NOT_INSTALLED),)
        ground = Ground(claims=own, volumes=self._cluster.volumes_of(own), offer=offer)
        found, unfit = targets(owner, seen, ground, self.terms.snapshot_class, pods, empty=empty)
        if not found and not unfit:
            return (), (Unfit(claim="", reason=NoSnapshot.NO_CLAIMS),)
        return found, unfit

    def _all_looked_at(
        self, owner: StatefulSet, seen: Assessment, claims: tuple[PersistentVolumeClaim, ...]
    ) -> tuple[tuple[AtStake, ...], tuple[Unfit, ...]]:
        """A group has all claims of the set, whichever pods go."""
        offer = self._cluster.group_snapshot_offer()
        if not offer.installed:
            return (), (Unfit(claim="", reason=NoSnapshot.GROUPS_NOT_INSTALLED),)
        ground = Ground(claims=claims, volumes=self._cluster.volumes_of(_of(owner, claims)), offer=offer)
        everybody = {member.name for member in seen.members if member.uid}
        found, unfit = targets(owner, seen, ground, self.terms.snapshot_class, everybody, empty=True)
        if not found and not unfit:
            return (), (Unfit(claim="", reason=NoSnapshot.NO_CLAIMS),)
        return found, unfit or against(owner, seen, ground, self.terms.snapshot_class, found)

    def _ask(
        self, wanted: Iterable[AtStake], sight: Sight, listed: tuple[VolumeSnapshot, ...], *, begun: bool
    ) -> bool | Unsnapped:
        """Ask for those that nobody has asked for yet; whether there were any."""
        new = [each for each in wanted if each.claim not in self._named]
        fit = [each for each in listed if each.metadata.uid not in self._spoilt]
        holds = bool(self.terms.before)
        found = {each.claim: usable(each, sight.seen, fit, sight.now, begun=begun, held=holds) for each in new}
        marks = [mark for each in found.values() if each is not None and (mark := mark_of(each)) is not None]
        self._run = self._run or max((mark.run for mark in marks), default=_run_at(sight.now))
        for target in new:
            there = found[target.claim]
            if there is not None:
                self._named[target.claim] = there.name
        if holds and new:
            self._let_go_of_what_was_left(new, sight.seen)
        missing = [each for each in new if found[each.claim] is None]
        for pod, group in groupby(missing, key=lambda each: each.pod):
            unfit = self._ask_of(pod, list(group), sight.seen, listed)
            if unfit is not None:
                return Unsnapped((unfit,))
        return bool(missing)

    def _let_go_of_what_was_left(self, new: Iterable[AtStake], seen: Assessment) -> None:
        """In pods whose snapshots an earlier run had asked for."""
        for pod in sorted({each.pod for each in new if each.claim in self._named and each.pod_since is not None}):
            self._quiescing.let_go_of_what_was_left(seen, pod)

    def _ask_of(
        self, pod: str, group: Sequence[AtStake], seen: Assessment, listed: tuple[VolumeSnapshot, ...]
    ) -> Unfit | None:
        """Ask for the snapshots of one pod's claims; what keeps that from being done. Where commands are to be run, the pod
        stands still until all of them are cut."""
        holds = bool(self.terms.before) and all(each.pod_since is not None for each in group)
        takes = [asking(each, seen, listed, self._run, held=holds) for each in group]
        if not holds:
            return self._ask_for(takes)
        self.waiting = Unready(names=tuple(take.name for take in takes), error="", of=len(takes))
        try:
            found = self._quiescing.around(seen, (pod,), partial(self._cut, takes, seen.namespace))
        finally:
            if any(take.claim not in self._named for take in takes):
                self._discard(takes, seen.namespace)
        if isinstance(found, CommandFailed):
            return Unfit(claim=group[0].claim, reason=NoSnapshot.COMMAND_FAILED, detail=found.told)
        return found

    def _ask_for(self, takes: Iterable[TakeSnapshot]) -> Unfit | None:
        for take in takes:
            rejected = self._asked(take, dry_run=False)
            if rejected is not None:
                return rejected
            self._named[take.claim] = take.name
        return None

    def _cut(self, takes: Sequence[TakeSnapshot], namespace: str, interrupted: Interrupted) -> Unfit | None:
        """Ask for them and wait until the storage has made every cut; it may take long until they are ready after that."""
        for take in takes:
            rejected = self._asked(take, dry_run=False)
            if rejected is not None:
                return rejected

        def look() -> bool | None:
            listed = {each.name: each for each in self._cluster.snapshots(namespace) or ()}
            made = (listed.get(take.name) for take in takes)
            cut = (each is not None and (each.status.creation_time or each.status.ready_to_use) for each in made)
            return True if all(cut) else None

        found = until(look, deadline=Deadline(quiescing.STANDING_STILL), held=interrupted)
        if found is not True:
            return Unfit(claim=takes[0].claim, reason=NoSnapshot.NOT_CUT, detail=takes[0].name)
        self._named |= {take.claim: take.name for take in takes}
        return None

    def _discard(self, takes: Iterable[TakeSnapshot], namespace: str) -> None:
        """Those of a pod that did not stand still until all were cut: what they show nobody has asked for."""
        wanted = {take.name: take for take in takes}
        with suppress(PetsError):  # they have the mark of this run only, and are told of
            for _ in range(TRIES):  # their controller may write into a status at the same moment
                if self._discarded(wanted, namespace):
                    return

    def _discarded(self, wanted: Mapping[str, TakeSnapshot], namespace: str) -> bool:
        """False: one of them changed since it was read, so they are read anew."""
        there = True
        for each in self._cluster.snapshots(namespace) or ():
            take = wanted.get(each.name)
            mark = mark_of(each)
            if take is None or mark is None or mark.claim_uid != take.uid or mark.run != self._run:
                continue
            meta = each.metadata
            self._spoilt.add(meta.uid)
            if meta.deletion_timestamp is not None:
                continue
            gone = DeleteSnapshot(namespace=namespace, name=each.name, uid=meta.uid, resource_version=meta.resource_version)
            try:
                self._cluster.apply(gone)
            except ConflictError:
                there = False
            except NotFoundError:
                continue
        return there

    def held(self) -> tuple[str, ...]:
        """At the end: the pods that could not be let go, after a last try."""
        return self._quiescing.end()

    def _asked(self, take: TakeSnapshot | TakeGroupSnapshot, *, dry_run: bool) -> Unfit | None:
        if isinstance(take, TakeGroupSnapshot):
            return self._group.ask(take, dry_run=dry_run)
        try:
            self._cluster.apply(take, dry_run=dry_run)
        except NotFoundError:
            return Unfit(claim=take.claim, reason=NoSnapshot.NOT_INSTALLED)
        except (ForbiddenError, InvalidError) as error:
            return Unfit(claim=take.claim, reason=NoSnapshot.REJECTED, detail=error.message)
        return None

    def _standing(self, target: AtStake, listed: Iterable[VolumeSnapshot]) -> Taken | Pending | Denied:
        name = self._named[target.claim]
        snapshot = next((each for each in listed if each.name == name), None)
        if snapshot is not None and snapshot.metadata.uid in self._sound and snapshot.metadata.deletion_timestamp is None:
            return self._sound[snapshot.metadata.uid]
        bound = snapshot.status.bound_volume_snapshot_content_name if snapshot is not None else ""
        ready = snapshot is not None and snapshot.status.ready_to_use
        content = self._cluster.snapshot_content(bound) if bound and ready else None
        found = look(Sighting(snapshot=snapshot, content=content), target.uid, target.volume)
        if isinstance(found, Taken) and snapshot is not None:
            self._sound[snapshot.metadata.uid] = found
        return found

    def _wait(self, wanted: Sequence[AtStake], pending: dict[str, Pending], now: datetime) -> Wait | Unsnapped:
        late = [each for each in wanted if each.claim in pending] or wanted
        error = next((it.error for it in pending.values() if it.error), "")
        silent = bool(pending) and any(it.silent for it in pending.values())
        late = [each for each in late if not silent or pending[each.claim].silent]
        names = tuple(self._named[each.claim] for each in late)
        return self._waited(Unready(names=names, error=error, of=len(wanted), silent=silent), now)

    def _sealed(
        self, wanted: Sequence[AtStake], standing: Iterable[tuple[str, Taken | Pending | Denied]], sight: Sight
    ) -> Unsnapped | None:
        """All are ready: the claims are looked at once more."""
        self._note(wanted, sight.view)
        claims = self._cluster.claims(sight.seen.namespace)
        changed = tuple(found for each in wanted if (found := changed_since(each, claims)) is not None)
        if changed:
            return Unsnapped(changed)
        self.taken |= {claim: it for claim, it in standing if isinstance(it, Taken)}
        return None

    def _note(self, wanted: Iterable[AtStake], view: SetView) -> None:
        """Write the names on the revisions whose data they hold, where that is allowed."""
        for each in view.revisions or ():
            names = {self._named[target.claim] for target in wanted if target.revision == each.name}
            change = noting(each, self._run, names) if names - self._noted else None
            if change is None:
                continue
            try:
                self._cluster.apply(change)
            except (ForbiddenError, InvalidError):  # it may not be, or admission rejects it: no reason to keep the rollout up
                self.unnoted = True
            except (NotFoundError, ConflictError):
                continue  # another run has written them, or the history was trimmed
            self._noted |= names

    # --- afterwards ----------------------------------------------------------------------------------------------------------

    def tidy(self, seen: Assessment) -> "Tidied":
        """Delete what is beyond the generations that are kept, and take their names off the revisions. Raises PetsError."""
        if not self.terms.keep or not self.taken:
            return Tidied()
        namespace = seen.namespace
        # Before the snapshots: a name that another run writes meanwhile is of one that is listed.
        revisions = self._cluster.set_view(namespace, seen.name, seen.kind).revisions or ()
        listed = self._cluster.snapshots(namespace)
        if listed is None:
            return Tidied()
        gone: list[str] = []
        going = surplus(listed, self._uid, self.terms.keep)
        groups = self._cluster.group_snapshots(namespace) if any(group_of(each) for each in listed) else None
        for each in gone_together(going, listed, groups, self._uid):
            with suppress(NotFoundError, ConflictError):  # gone already, or another one by now
                self._cluster.apply(each)
                gone += each.members if isinstance(each, DeleteGroupSnapshot) else (each.name,)
        self._forget_names(revisions, {each.name for each in listed} - set(gone))
        bound = (each.status.bound_volume_snapshot_content_name for each in listed if each.name in gone)
        contents = (self._cluster.snapshot_content(name) for name in bound if name)
        kept = (each.name for each in contents if each is not None and each.spec.deletion_policy == "Retain")
        return Tidied(names=tuple(gone), contents=tuple(kept))

    def _forget_names(self, revisions: Iterable[ControllerRevision], there: set[str]) -> None:
        """Where that is allowed: what counts stands on the snapshots."""
        for each in revisions:
            change = forgetting(each, there)
            if change is not None:
                with suppress(ForbiddenError, InvalidError, NotFoundError, ConflictError):
                    self._cluster.apply(change)


_EVERYWHERE = [("get", _CONTENTS), ("list", _CLASSES), ("get", "persistentvolumes")]


_GROUPS_EVERYWHERE = [("get", _CONTENTS), ("list", _GROUP_CLASSES), ("get", _GROUP_CONTENTS), ("get", "persistentvolumes")]


def _of(owner: StatefulSet, claims: Iterable[PersistentVolumeClaim]) -> tuple[PersistentVolumeClaim, ...]:
    """Those that a claim template of the set made, in range or not."""
    stems = [f"{each.name}-{owner.name}" for each in owner.spec.volume_claim_templates]
    return tuple(claim for claim in claims if any(ordinal_of(claim.name, stem) is not None for stem in stems))


def _run_at(now: datetime) -> str:
    return now.strftime("%Y%m%dT%H%M%SZ")
