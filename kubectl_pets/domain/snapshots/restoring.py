"""How does the data of a set go back to what a revision ran on? Its claims are made anew, under their names, from the
VolumeSnapshots that a rollout took of that revision; the volumes that hold the newer data are kept, and remember whose they were.

The controller makes a missing claim with its pod (stateful_pod_control.go, createPersistentVolumeClaims), empty: so no claim goes
while its pod could be made, that is while any pod is wanted, or, one pod after the other, while its own is not held (``turns``).
A claim that is there in its place is never taken for one of these, but kept like any other that holds data. What a claim was
made from is its ``dataSource``, which nobody can edit.

A plan is a value, and made anew before each step from what is there: whoever types the command goes on.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum, unique
from itertools import islice

import msgspec

from kubectl_pets.domain.changes import CreateClaim, DeleteClaim, SetRetain
from kubectl_pets.domain.claims.quantities import parse_bytes
from kubectl_pets.domain.model import (
    ControllerRevision,
    DataSource,
    ObjectMeta,
    PersistentVolumeClaim,
    PersistentVolumeClaimSpec,
    Pod,
    ResourceRequests,
    StatefulSet,
    ordinal_of,
)
from kubectl_pets.domain.orphans.deletion import essence, retaining
from kubectl_pets.domain.orphans.inventory import PersistentVolume
from kubectl_pets.domain.orphans.origins import CREATOR_ANNOTATION, SET_CONTROLLERS
from kubectl_pets.domain.orphans.retention import RUN_ANNOTATION, is_bound_to, noted, retained_at
from kubectl_pets.domain.orphans.snapshots import VolumeSnapshot, VolumeSnapshotContent
from kubectl_pets.domain.sets.restoring import RESTORED_ANNOTATION, RESTORING_ANNOTATION, Restoration, restoration
from kubectl_pets.domain.snapshots.marks import SnapshotMark, mark_of

#: So many ordinals are named that lack everything.
_FEW = 10

#: The group of VolumeSnapshots, as a claim's ``dataSource`` names it.
_GROUP = "snapshot.storage.k8s.io"


class ClassTraits(msgspec.Struct, frozen=True):
    """Of a StorageClass."""

    provisioner: str
    #: Its claims get their volumes only when a pod is scheduled (``volumeBindingMode: WaitForFirstConsumer``).
    waits_for_pod: bool


class DataGround(msgspec.Struct, frozen=True, kw_only=True):
    """What is planned on, newly read. ``None``: could not be read, which is never the same as none."""

    owner: StatefulSet
    #: What its selector matches.
    pods: tuple[Pod, ...] | None
    revisions: tuple[ControllerRevision, ...] | None
    #: By claim a pod of the namespace that mounts it, whoever made that.
    mounted: Mapping[str, str] | None
    #: Of the namespace.
    claims: tuple[PersistentVolumeClaim, ...]
    #: By name those that the set's claims have or had (``own_volumes``).
    volumes: Mapping[str, PersistentVolume] | None
    classes: Mapping[str, ClassTraits] | None
    #: Whether there are VolumeSnapshots here at all, and those of the namespace.
    installed: bool
    snapshots: tuple[VolumeSnapshot, ...] | None
    #: By name; None: there is none of it.
    contents: Mapping[str, VolumeSnapshotContent | None]
    #: One pod after the other, while the set has replicas. ``mounted`` then says nothing of the set's own pods.
    running: bool = False
    #: Then the pods that are not available.
    down: tuple[str, ...] = ()


@unique
class NoReturn(StrEnum):
    """Why data cannot go back."""

    # of the set
    #: It is being deleted.
    DELETING = "deleting"
    #: The pods that go would take their claims with them (``whenScaled: Delete``).
    CLAIMS_GO_WITH_PODS = "claims-go-with-pods"
    #: It has replicas. ``detail``: how many.
    NOT_AT_ZERO = "not-at-zero"
    #: Its controller has not seen the last change of it, or a pod of it is still there (``detail``).
    PODS_THERE = "pods-there"
    PODS_UNREAD = "pods-unread"
    #: One pod after the other: the set has none. Or pods besides the highest are not available (``detail``: which): two would be
    #: down, and a RollingUpdate lets none come back at the version of before until all above it do.
    POD_DOWN = "pod-down"
    #: One pod after the other: its update strategy (``detail``) is none of which is known at what revision a pod comes back.
    STRATEGY = "strategy"
    #: One pod after the other: its template was changed since it began.
    TEMPLATE_CHANGED = "template-changed"
    #: Somebody has begun to bring back the data of another revision (``detail``), and not come to its end.
    OTHER_UNDER_WAY = "another-under-way"
    NO_TEMPLATES = "no-claim-templates"
    NOT_INSTALLED = "snapshots-not-installed"
    #: ``detail``: the list.
    NOT_READ = "not-read"
    #: No rollout of this very set took any of the revision.
    NO_SNAPSHOTS = "no-snapshots"
    # of a claim
    #: The run that took the others took none of it.
    LACKS_SNAPSHOT = "snapshot-missing"
    NOT_READY = "snapshot-not-ready"
    LEAVING = "snapshot-leaving"
    #: Its VolumeSnapshotContent is not there, or is another one's.
    NO_CONTENT = "snapshot-without-content"
    #: Its content goes with the VolumeSnapshot: there would be no second try.
    NOT_KEPT = "snapshot-not-kept"
    #: No volume that this claim has, or had, is the one that it was taken of.
    OTHER_VOLUME = "snapshot-of-another-volume"
    #: It is gone, and no volume remembers what it was like.
    CLAIM_MISSING = "claim-missing"
    CLAIM_UNBOUND = "claim-unbound"
    CLAIM_TERMINATING = "claim-terminating"
    VOLUME_TERMINATING = "volume-terminating"
    #: ``detail``: the pod.
    MOUNTED = "mounted"
    #: Its StorageClass is not there, or is not of the driver that took the snapshot.
    CLASS_UNFIT = "storage-class-unfit"
    #: The API server did not keep what the claim is to be filled from.
    SOURCE_DROPPED = "source-dropped"


class Unreturnable(msgspec.Struct, frozen=True, kw_only=True):
    """``claim`` empty: it is about the set. ``detail``: text from the cluster."""

    reason: NoReturn
    claim: str = ""
    detail: str = ""


@unique
class Stand(StrEnum):
    """How far a claim is."""

    #: It holds the newer data.
    NEWER = "newer-data"
    #: It is on its way out, and its volume is kept.
    LEAVING = "leaving"
    #: It is gone.
    GONE = "gone"
    #: It was made, and waits for its volume.
    FILLING = "filling"
    DONE = "done"


class ClaimReturn(msgspec.Struct, frozen=True, kw_only=True):
    """One claim. ``present`` and ``volume``: as it is now, and what it is bound to; ``made``: ready to be created."""

    claim: str
    ordinal: int
    stand: Stand
    snapshot: str
    asked_at: datetime
    #: When the storage made the cut; None: it does not say.
    cut_at: datetime | None
    #: Bytes that the new claim asks for; None: not known.
    size: int | None
    storage_class: str
    #: The new claim gets its volume only when its pod is scheduled (``WaitForFirstConsumer``).
    waits_for_pod: bool
    #: The snapshot is of an earlier claim of this name, whose volume is there still.
    of_earlier: bool
    present: PersistentVolumeClaim | None
    volume: PersistentVolume | None
    made: PersistentVolumeClaim


class ReturnPlan(msgspec.Struct, frozen=True, kw_only=True):
    """``claims``: the highest ordinal first; with ``refused`` what can be said of them. ``note``: what is written onto the set
    for as long."""

    revision: str
    number: int
    run: str
    note: Restoration | None = None
    claims: tuple[ClaimReturn, ...] = ()
    refused: tuple[Unreturnable, ...] = ()
    #: Claims of the set that stay as they are, because somebody said how many pods it had.
    left_alone: tuple[str, ...] = ()
    #: Newer runs that have none of every claim.
    passed_over: tuple[str, ...] = ()

    @property
    def done(self) -> bool:
        return not self.refused and all(each.stand is Stand.DONE for each in self.claims)

    @property
    def next(self) -> ClaimReturn | None:
        """Whose turn it is."""
        return next((each for each in self.claims if each.stand is not Stand.DONE), None)

    @property
    def apart(self) -> timedelta | None:
        """Between the first cut and the last one; None: not all are known."""
        cuts = [each.cut_at for each in self.claims if each.cut_at is not None]
        return max(cuts) - min(cuts) if cuts and len(cuts) == len(self.claims) else None

    @property
    def replicas(self) -> int:
        """So many pods have all their claims."""
        return len({each.ordinal for each in self.claims})


def under_way(owner: StatefulSet) -> Restoration | None:
    """What somebody has begun and not brought to its end, as long as no pod can have been there since."""
    found = restoration(owner.metadata.annotations.get(RESTORING_ANNOTATION, ""))
    return found if found is not None and found.lasts(owner.metadata.uid, owner.metadata.generation) else None


def finished(owner: StatefulSet) -> Restoration | None:
    """What came to its end, as long as no pod can have been there since."""
    found = restoration(owner.metadata.annotations.get(RESTORED_ANNOTATION, ""))
    return found if found is not None and found.lasts(owner.metadata.uid, owner.metadata.generation) else None


def begun_by(owner: StatefulSet, *, running: bool) -> Restoration | None:
    """What to go on with, in the same way; else what came to its end."""
    found = under_way(owner) or finished(owner)
    if found is None or found.running != running:
        return None
    return msgspec.structs.replace(found, until=0)


def plan(ground: DataGround, revision: str, number: int, *, replicas: int | None = None) -> ReturnPlan:
    """What it takes to bring the claims to the data of the ControllerRevision ``revision`` (``number``), and what speaks against
    it. ``replicas``: so many pods the set had, as somebody said; None: as many as it has claims for."""
    draft = ReturnPlan(revision=revision, number=number, run="")
    against = tuple(_against_set(ground)) or tuple(_against_other(ground, revision))
    if against:
        return msgspec.structs.replace(draft, refused=against)
    runs = _runs(ground, revision)
    begun = begun_by(ground.owner, running=ground.running)
    is_same = begun is not None and begun.revision == revision
    if begun is not None and is_same and (ground.running or any(_made_by(begun, each) for each in ground.claims)):
        runs = {begun.snapshots: runs.get(begun.snapshots, {})}  # one set of snapshots, or none of the claims fits the others
    else:
        begun = None
    if not runs:
        return msgspec.structs.replace(draft, refused=(Unreturnable(reason=NoReturn.NO_SNAPSHOTS, detail=revision),))
    plans = [_by_run(ground, draft, run, taken, begun, replicas) for run, taken in runs.items()]
    whole = next((number for number, each in enumerate(plans) if not each.refused), None)
    if whole is None:
        return plans[0]
    return msgspec.structs.replace(plans[whole], passed_over=tuple(each.run for each in plans[:whole]))


def _against_set(ground: DataGround) -> Iterator[Unreturnable]:
    owner = ground.owner
    first = {
        NoReturn.DELETING: owner.metadata.deletion_timestamp is not None,
        NoReturn.NO_TEMPLATES: not owner.spec.volume_claim_templates,
        NoReturn.PODS_UNREAD: ground.pods is None or ground.mounted is None,
    }
    against = next((Unreturnable(reason=reason) for reason, holds in first.items() if holds), None)
    against = against or (_against_running(ground) if ground.running else _against_at_zero(owner))
    if against is not None:
        yield against
        return
    uid = owner.metadata.uid
    there = [pod.name for pod in ground.pods or () if (of := pod.metadata.controller()) is not None and of.uid == uid]
    unseen = owner.status.observed_generation < owner.metadata.generation
    if not ground.running and (there or owner.status.replicas or unseen):
        yield Unreturnable(reason=NoReturn.PODS_THERE, detail=", ".join(there))
    if not ground.installed:
        yield Unreturnable(reason=NoReturn.NOT_INSTALLED)
        return
    read = {"volumesnapshots.snapshot.storage.k8s.io": ground.snapshots, "persistentvolumes": ground.volumes}
    for resource, listed in {**read, "storageclasses.storage.k8s.io": ground.classes}.items():
        if listed is None:
            yield Unreturnable(reason=NoReturn.NOT_READ, detail=resource)


def _against_other(ground: DataGround, revision: str) -> Iterator[Unreturnable]:
    """Its revision may be gone: then nobody can go on with it, and it is begun anew."""
    begun = under_way(ground.owner)
    if begun is None or begun.revision == revision:
        return
    if ground.revisions is None or begun.revision in (each.name for each in ground.revisions):
        yield Unreturnable(reason=NoReturn.OTHER_UNDER_WAY, detail=begun.revision)


def _against_at_zero(owner: StatefulSet) -> Unreturnable | None:
    policy = owner.spec.persistent_volume_claim_retention_policy
    if policy is not None and policy.when_scaled != "Retain":
        return Unreturnable(reason=NoReturn.CLAIMS_GO_WITH_PODS)
    if owner.spec.replicas:
        return Unreturnable(reason=NoReturn.NOT_AT_ZERO, detail=str(owner.spec.replicas))
    return None


def _against_running(ground: DataGround) -> Unreturnable | None:
    """One pod is down at a time: none goes that way while another one is, but the one whose turn is first. With OnDelete those
    that are down have the first turns (``turns.order``)."""
    owner, strategy = ground.owner, ground.owner.spec.update_strategy.type
    if strategy not in ("RollingUpdate", "OnDelete"):
        return Unreturnable(reason=NoReturn.STRATEGY, detail=strategy)
    if not owner.spec.replicas:
        return Unreturnable(reason=NoReturn.POD_DOWN)
    begun = under_way(owner)
    if begun is not None and begun.running:
        seen = owner.status.observed_generation >= owner.metadata.generation
        is_other = seen and owner.status.update_revision != begun.revision
        return Unreturnable(reason=NoReturn.TEMPLATE_CHANGED) if is_other else None
    if strategy == "OnDelete":
        return None
    first = f"{owner.name}-{owner.start + owner.spec.replicas - 1}"
    down = [each for each in ground.down if each != first]
    return Unreturnable(reason=NoReturn.POD_DOWN, detail=", ".join(down)) if down else None


def _of_set(mark: SnapshotMark, owner: StatefulSet, revisions: Iterable[ControllerRevision] | None) -> bool:
    """Whether a rollout of this very set took it. One that was made again around its pods since has another uid, but took on the
    ControllerRevision that ran on the data, which was there before the snapshot; one that came after a deletion has revisions of
    its own, which are younger (controller_history.go, AdoptControllerRevision)."""
    uid = owner.metadata.uid
    if mark.set_uid == uid:
        return mark.set_name == owner.name
    own = (each for each in revisions or () if (of := each.metadata.controller()) is not None and of.uid == uid)
    since = next((each.metadata.creation_timestamp for each in own if each.name == mark.revision), None)
    return mark.set_name == owner.name and since is not None and since <= mark.asked_at


_Run = dict[str, tuple[SnapshotMark, VolumeSnapshot]]


def _runs(ground: DataGround, revision: str) -> dict[str, _Run]:
    """By run, the newest first, what it took of each claim of this very set while that revision ran on it."""
    runs = dict[str, _Run]()
    marked = [(mark, each) for each in ground.snapshots or () if (mark := mark_of(each)) is not None]
    marked.sort(key=lambda pair: (pair[0].asked_at, pair[1].name), reverse=True)
    for mark, each in marked:
        if mark.revision == revision and _of_set(mark, ground.owner, ground.revisions):
            taken = runs.setdefault(mark.run, {})
            if mark.claim not in taken or (each.status.ready_to_use and not taken[mark.claim][1].status.ready_to_use):
                taken[mark.claim] = (mark, each)
    return runs


def _by_run(
    ground: DataGround, draft: ReturnPlan, run: str, taken: _Run, begun: Restoration | None, replicas: int | None
) -> ReturnPlan:
    """What this run's snapshots make of the claims."""
    owner = ground.owner
    note = begun or Restoration(
        uid=owner.metadata.uid,
        revision=draft.revision,
        snapshots=run,
        generation=owner.metadata.generation,
        running=ground.running,
        partition=owner.partition if ground.running else 0,
    )
    there = {each.name: each for each in ground.claims}
    stems = [f"{template.name}-{owner.name}" for template in owner.spec.volume_claim_templates]
    numbered = {name: number for stem in stems for name in there if (number := ordinal_of(name, stem)) is not None}
    own = {name: number for name, number in numbered.items() if number >= owner.start}
    last = max([*own.values(), *(mark.ordinal for mark, _ in taken.values())], default=owner.start - 1)
    if replicas is not None:  # never fewer than the run took snapshots of
        last = max([owner.start + replicas - 1, *(mark.ordinal for mark, _ in taken.values())])
    if ground.running:  # the others have no pod that could have its turn
        last = owner.start + owner.spec.replicas - 1
    found: list[ClaimReturn] = []
    refused: list[Unreturnable] = []
    known = {*own.values(), *(mark.ordinal for mark, _ in taken.values())}
    for ordinal in _places(range(owner.start, last + 1), known):
        for stem in stems:
            name = f"{stem}-{ordinal}"
            made = _of_claim(ground, name, ordinal, there.get(name), taken.get(name), note)
            if isinstance(made, Unreturnable):
                refused.append(made)
            else:
                found.append(made)
    alone = tuple(sorted((name for name, number in own.items() if number > last), key=lambda name: (own[name], name)))
    return msgspec.structs.replace(
        draft, run=run, note=note, claims=tuple(found), refused=tuple(refused), left_alone=alone
    )


def _places(wanted: range, known: set[int]) -> list[int]:
    """The ordinals that there is something of, and the first of those that there is nothing of, the highest first: an ordinal is
    whatever somebody wrote onto a snapshot or called a claim, so none are counted up to it."""
    there = {each for each in known if each in wanted}
    missing = (each for each in wanted if each not in there)
    return sorted({*there, *islice(missing, _FEW)}, reverse=True)


def _of_claim(
    ground: DataGround,
    name: str,
    ordinal: int,
    present: PersistentVolumeClaim | None,
    taken: tuple[SnapshotMark, VolumeSnapshot] | None,
    note: Restoration,
) -> ClaimReturn | Unreturnable:
    if taken is None:
        return Unreturnable(reason=NoReturn.LACKS_SNAPSHOT, claim=name)
    mark, snapshot = taken
    stand = _stand(ground, present, snapshot, note)
    if isinstance(stand, Unreturnable):
        return stand
    like = present if present is not None else _remembered(ground, name)
    if like is None:
        return Unreturnable(reason=NoReturn.CLAIM_MISSING, claim=name)
    content, volume = ground.contents.get(snapshot.status.bound_volume_snapshot_content_name), _volume(ground, present)
    is_same = volume is not None and content is not None and _holds(volume, content)
    klass = (ground.classes or {}).get(like.spec.storage_class_name or "")
    reason = _of_source(ground, name, snapshot, content, klass, stand)
    if reason is not None:
        detail = like.spec.storage_class_name or "" if reason is NoReturn.CLASS_UNFIT else snapshot.name
        return Unreturnable(reason=reason, claim=name, detail=detail)
    made = _made_from(like, snapshot, note)
    waits = klass is not None and klass.waits_for_pod
    return ClaimReturn(
        claim=name,
        ordinal=ordinal,
        stand=Stand.DONE if stand is Stand.FILLING and waits else stand,
        snapshot=snapshot.name,
        asked_at=mark.asked_at,
        cut_at=snapshot.status.creation_time,
        size=parse_bytes(made.spec.resources.requests.get("storage")),
        storage_class=like.spec.storage_class_name or "",
        waits_for_pod=waits,
        of_earlier=not is_same and stand in (Stand.NEWER, Stand.GONE),
        present=present,
        volume=volume,
        made=made,
    )


def _of_source(
    ground: DataGround,
    name: str,
    snapshot: VolumeSnapshot,
    content: VolumeSnapshotContent | None,
    klass: ClassTraits | None,
    stand: Stand,
) -> NoReturn | None:
    """What speaks against filling the claim from the snapshot; nothing does once it is filled, and whose storage it is was asked
    before it was made."""
    if stand is Stand.DONE:
        return None
    reason = unfit(snapshot, content)
    if reason is not None or content is None:
        return reason
    if klass is None or klass.provisioner != content.spec.driver:
        return NoReturn.CLASS_UNFIT
    known = stand is Stand.FILLING or any(
        _belongs(each, ground.owner.namespace, name) and _holds(each, content) for each in (ground.volumes or {}).values()
    )
    return None if known else NoReturn.OTHER_VOLUME


def unfit(snapshot: VolumeSnapshot, content: VolumeSnapshotContent | None) -> NoReturn | None:
    """What speaks against making anything from it, as it and its content are now."""
    if snapshot.metadata.deletion_timestamp is not None:
        return NoReturn.LEAVING
    if not snapshot.status.ready_to_use:
        return NoReturn.NOT_READY
    if content is None or content.spec.volume_snapshot_ref.uid != snapshot.metadata.uid:
        return NoReturn.NO_CONTENT
    if content.metadata.deletion_timestamp is not None:
        return NoReturn.LEAVING
    return NoReturn.NOT_KEPT if content.spec.deletion_policy != "Retain" else None


def _stand(
    ground: DataGround, present: PersistentVolumeClaim | None, snapshot: VolumeSnapshot, note: Restoration
) -> Stand | Unreturnable:
    """How far the claim is, or what speaks against touching it."""
    if present is None:
        return Stand.GONE
    volume, name = _volume(ground, present), present.name
    if (ground.mounted or {}).get(name):
        return Unreturnable(reason=NoReturn.MOUNTED, claim=name, detail=(ground.mounted or {})[name])
    if present.metadata.deletion_timestamp is not None:
        kept = volume is not None and _is_kept(volume, present)
        return Stand.LEAVING if kept else Unreturnable(reason=NoReturn.CLAIM_TERMINATING, claim=name)
    if _made_by(note, present):
        source = present.spec.data_source
        if source is None or (source.kind, source.name) != ("VolumeSnapshot", snapshot.name):
            return Unreturnable(reason=NoReturn.SOURCE_DROPPED, claim=name)
        bound = volume is not None and is_bound_to(volume, present)
        return Stand.DONE if bound else Stand.FILLING
    if volume is None or not is_bound_to(volume, present):
        leaving = volume is not None and volume.metadata.deletion_timestamp is not None
        return Unreturnable(reason=NoReturn.VOLUME_TERMINATING if leaving else NoReturn.CLAIM_UNBOUND, claim=name)
    return Stand.NEWER


def _made_by(note: Restoration, claim: PersistentVolumeClaim) -> bool:
    """Whether it was made for this very undo. One that was brought back from a record may have copied the annotation, and has no
    source."""
    return claim.metadata.annotations.get(RESTORING_ANNOTATION) == note.text and claim.spec.data_source is not None


def _volume(ground: DataGround, claim: PersistentVolumeClaim | None) -> PersistentVolume | None:
    name = claim.spec.volume_name if claim is not None else ""
    return (ground.volumes or {}).get(name) if name else None


def _is_kept(volume: PersistentVolume, claim: PersistentVolumeClaim) -> bool:
    """Whether a run of ours has set it to Retain for this very claim, which is going."""
    of = noted(volume)
    kept = volume.spec.persistent_volume_reclaim_policy == "Retain" and volume.metadata.deletion_timestamp is None
    return kept and of is not None and of.metadata.uid == claim.metadata.uid


def step(each: ClaimReturn, now: datetime, run: str) -> SetRetain | DeleteClaim | CreateClaim | None:
    """The next change to a claim that is not done; None: its turn is to be waited for. ``run``: what this run is called, unlike
    any other: it has to hold the volume before the claim goes (``orphans.retention``)."""
    claim, volume = each.present, each.volume
    if each.stand is Stand.GONE:
        return CreateClaim(claim=each.made)
    if each.stand is not Stand.NEWER or claim is None or volume is None:
        return None
    if not _is_kept(volume, claim) or volume.metadata.annotations.get(RUN_ANNOTATION) != run:
        return retaining(claim, volume, now, run)
    meta = claim.metadata
    return DeleteClaim(namespace=claim.namespace, name=claim.name, uid=meta.uid, resource_version=meta.resource_version)


def _holds(volume: PersistentVolume, content: VolumeSnapshotContent) -> bool:
    """Whether it is the storage that the snapshot was taken of."""
    source = volume.spec.csi
    wanted = (content.spec.driver, content.spec.source.volume_handle)
    return source is not None and bool(source.volume_handle) and (source.driver, source.volume_handle) == wanted


def _belongs(volume: PersistentVolume, namespace: str, claim: str) -> bool:
    """Whether it is, or was last, a claim's of this name."""
    held = volume.spec.claim_ref
    return held is not None and (held.namespace, held.name) == (namespace, claim)


def own_volumes(owner: StatefulSet, volumes: Iterable[PersistentVolume]) -> dict[str, PersistentVolume]:
    """By name those that claims of the set have, or had last."""
    stems = [f"{template.name}-{owner.name}" for template in owner.spec.volume_claim_templates]
    return {
        each.name: each
        for each in volumes
        if (held := each.spec.claim_ref) is not None
        and held.namespace == owner.namespace
        and any(ordinal_of(held.name, stem) is not None for stem in stems)
    }


def _remembered(ground: DataGround, name: str) -> PersistentVolumeClaim | None:
    """The claim as the volume remembers it that was kept last when one of this name went."""
    place = (ground.owner.namespace, name)
    volumes = (ground.volumes or {}).values()
    kept = [(since, each.name, of) for each in volumes if (since := retained_at(each)) and (of := noted(each))]
    fitting = [row for row in kept if (row[2].namespace, row[2].name) == place]
    return max(fitting, key=lambda row: row[:2])[2] if fitting else None


def _made_from(like: PersistentVolumeClaim, snapshot: VolumeSnapshot, note: Restoration) -> PersistentVolumeClaim:
    """The claim, filled from the snapshot: as it was, and of the snapshot's size where that is more."""
    kept, maker = essence(like), like.metadata.annotations.get(CREATOR_ANNOTATION, "")
    annotations = {**kept.metadata.annotations, RESTORING_ANNOTATION: note.text}
    if CREATOR_ANNOTATION not in annotations and maker in SET_CONTROLLERS:
        annotations[CREATOR_ANNOTATION] = maker
    asked, least = like.spec.resources.requests.get("storage"), snapshot.status.restore_size
    has, needs = parse_bytes(asked), parse_bytes(least)
    size = str(least) if needs is not None and (has is None or needs > has) else asked
    return PersistentVolumeClaim(
        api_version="v1",
        kind="PersistentVolumeClaim",
        metadata=ObjectMeta(
            name=like.name, namespace=like.namespace, labels=kept.metadata.labels, annotations=annotations
        ),
        spec=PersistentVolumeClaimSpec(
            storage_class_name=like.spec.storage_class_name,
            volume_attributes_class_name=like.spec.volume_attributes_class_name,
            access_modes=like.spec.access_modes,
            volume_mode=like.spec.volume_mode,
            resources=ResourceRequests(requests={"storage": size}),
            data_source=DataSource(api_group=_GROUP, kind="VolumeSnapshot", name=snapshot.name),
        ),
    )


def contents_wanted(
    snapshots: Iterable[VolumeSnapshot] | None,
    owner: StatefulSet,
    revisions: Iterable[ControllerRevision] | None,
    revision: str,
) -> tuple[str, ...]:
    """The names of the contents that a plan for this revision looks at."""
    marked = [(mark, each) for each in snapshots or () if (mark := mark_of(each)) is not None]
    ours = [each for mark, each in marked if mark.revision == revision and _of_set(mark, owner, revisions)]
    return tuple(sorted({each.status.bound_volume_snapshot_content_name for each in ours} - {""}))
