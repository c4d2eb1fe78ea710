"""Can a snapshot be taken of a claim's volume, and is the one that there is good enough for the claim to go?

The rules are the snapshot controller's (kubernetes-csi/external-snapshotter): it takes snapshots of CSI volumes only, by a class
of the same driver, and a default class is one a driver. What it does not ask is asked here: a snapshot that shall outlive its
claim has to outlive its own VolumeSnapshot as well, so the deletion policy must be Retain, that of the class beforehand and that
of the snapshot's content at last; and it must not be older than the data.
"""

from datetime import datetime
from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.changes import ASKED_ANNOTATION, CLAIM_UID_ANNOTATION
from kubectl_pets.domain.model import Object, OwnerReference, Value
from kubectl_pets.domain.orphans.inventory import PersistentVolume

_DEFAULT_ANNOTATION = "snapshot.storage.kubernetes.io/is-default-class"
_GROUP_DEFAULT_ANNOTATION = "groupsnapshot.storage.kubernetes.io/is-default-class"

#: What a VolumeSnapshot is owned by that was cut with others in one moment.
GROUP_KIND = "VolumeGroupSnapshot"


# --- snapshot.storage.k8s.io/v1 ----------------------------------------------------------------------------------------------


class VolumeSnapshotClass(Object, frozen=True):
    """Also a VolumeGroupSnapshotClass."""

    driver: str = ""
    deletion_policy: str = ""


class VolumeSnapshotSource(Value, frozen=True):
    #: Empty for one of a content that was there before it.
    persistent_volume_claim_name: str = ""


class VolumeSnapshotSpec(Value, frozen=True):
    source: VolumeSnapshotSource = VolumeSnapshotSource()
    volume_snapshot_class_name: str = ""


class SnapshotError(Value, frozen=True):
    message: str = ""


class VolumeSnapshotStatus(Value, frozen=True):
    ready_to_use: bool = False
    bound_volume_snapshot_content_name: str = ""
    #: When the storage system made the cut, by its own clock; it may take long until it is ready after that.
    creation_time: datetime | None = None
    #: The least that a claim made of it has to ask for: a quantity.
    restore_size: str | int | None = None
    #: The last one that the controller met; it tries again.
    error: SnapshotError | None = None


class VolumeSnapshot(Object, frozen=True):
    spec: VolumeSnapshotSpec = VolumeSnapshotSpec()
    status: VolumeSnapshotStatus = VolumeSnapshotStatus()


class ContentSource(Value, frozen=True):
    volume_handle: str = ""


class SnapshotRef(Value, frozen=True):
    uid: str = ""


class VolumeSnapshotContentSpec(Value, frozen=True):
    deletion_policy: str = ""
    driver: str = ""
    source: ContentSource = ContentSource()
    volume_snapshot_ref: SnapshotRef = SnapshotRef()


class VolumeSnapshotContent(Object, frozen=True):
    """The snapshot itself, as the storage system holds it."""

    spec: VolumeSnapshotContentSpec = VolumeSnapshotContentSpec()


# --- what is read, and what comes of it --------------------------------------------------------------------------------------


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What the cluster has for taking snapshots. ``classes`` None: they could not be read. ``group``: of all claims at once, by
    VolumeGroupSnapshotClasses, in this version of their API; empty: of one claim each."""

    group: str = ""
    installed: bool = True
    classes: tuple[VolumeSnapshotClass, ...] | None = None


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot and its content, newly read; None: there is none (yet)."""

    snapshot: VolumeSnapshot | None = None
    content: VolumeSnapshotContent | None = None


@unique
class NoSnapshot(StrEnum):
    """Why there is no snapshot after which a claim could go."""

    # before anything is done
    NO_VOLUME = "nothing-to-snapshot"
    NOT_INSTALLED = "snapshots-not-installed"
    CLASSES_UNREADABLE = "snapshot-classes-unreadable"
    CLASS_MISSING = "snapshot-class-missing"
    NO_DEFAULT = "no-default-snapshot-class"
    SEVERAL_DEFAULTS = "several-default-snapshot-classes"
    #: Its snapshots go with their VolumeSnapshot.
    CLASS_DELETES = "snapshot-class-deletes"
    #: The volume is of no CSI driver (hostPath, NFS, an in-tree driver).
    NOT_CSI = "not-a-csi-volume"
    OTHER_DRIVER = "snapshot-class-of-another-driver"
    NO_CLAIMS = "no-claims"
    CLAIM_MISSING = "claim-missing"
    CLAIM_UNBOUND = "claim-unbound"
    #: With its pod the claim goes.
    CLAIM_TERMINATING = "claim-terminating"
    VOLUME_UNREADABLE = "volume-unreadable"
    RIGHTS_MISSING = "snapshot-rights-missing"
    #: The API server, or a webhook of it, does not take the VolumeSnapshot.
    REJECTED = "snapshot-rejected"
    #: The command before it, or the one after it, failed in the pod.
    COMMAND_FAILED = "snapshot-command-failed"
    #: The storage made no cut for as long as the pod may stand still.
    NOT_CUT = "snapshot-not-cut"
    # of a group of all claims
    GROUPS_NOT_INSTALLED = "group-snapshots-not-installed"
    #: The set selects its pods by expressions alone, so its claims have no labels in common that a group could be asked for by.
    NO_LABELS = "no-labels-to-select-by"
    #: It lacks labels that the set's controller gives its claims.
    NOT_SELECTED = "claim-lacks-labels"
    #: It is none of the set's, and has its labels.
    SELECTED_TOO = "claim-of-others-selected"
    SEVERAL_DRIVERS = "volumes-of-several-drivers"
    #: The driver has answered that it takes none.
    NO_GROUPS = "driver-takes-no-group-snapshots"
    #: The group is ready, and has none of it.
    NOT_IN_GROUP = "claim-not-in-group"
    #: Its pod is released already: the controller takes it down, whatever is waited for here.
    GOES_ALREADY = "pod-goes-already"
    # once it was asked for
    #: No snapshot controller has written anything down of it.
    NOT_TAKEN_ON = "snapshot-not-taken-on"
    #: The controller reported an error until there was no more time.
    FAILED = "snapshot-failed"
    NOT_READY = "snapshot-not-ready"
    GONE = "snapshot-gone"
    #: One of that name is there that was not taken of this claim.
    FOREIGN = "snapshot-foreign"
    #: Its content would be deleted with the VolumeSnapshot, whatever its class says by now.
    NOT_KEPT = "snapshot-not-kept"
    #: Its content is not known to be of this claim's volume.
    OTHER_VOLUME = "snapshot-of-another-volume"
    #: The claim was, or may have been, in use after it was asked for.
    STALE = "snapshot-stale"
    #: There is another claim of its name by now, or it has another volume.
    CLAIM_REPLACED = "claim-replaced"


class Denied(msgspec.Struct, frozen=True):
    """``detail`` is text from the cluster: a class, a driver, an error."""

    reason: NoSnapshot
    detail: str = ""


class Chosen(msgspec.Struct, frozen=True):
    snapshot_class: str


class Pending(msgspec.Struct, frozen=True):
    """Not ready yet. ``error``: what the controller last met, if anything. ``silent``: no controller has written anything down of
    it; the first thing that snapshot-controller does is to bind it to a content, whose name is on it from then on."""

    error: str = ""
    silent: bool = False


class Taken(msgspec.Struct, frozen=True):
    """Ready to use, to be kept, and of the right volume. It shows the data as of ``asked_at`` or later: the API server's time at
    which it was asked for, because the storage system's own clock is another one."""

    name: str
    asked_at: datetime


def choose(offer: Offer, named: str, volume: PersistentVolume) -> Chosen | Denied:
    """The class to take a snapshot of this volume by. ``named`` empty: the default one of the volume's driver."""
    if not offer.installed:
        return Denied(NoSnapshot.NOT_INSTALLED)
    source = volume.spec.csi
    if source is None:
        return Denied(NoSnapshot.NOT_CSI, volume.name)
    if offer.classes is None:
        return Denied(NoSnapshot.CLASSES_UNREADABLE)
    if named:
        found = [each for each in offer.classes if each.name == named]
        if not found:
            return Denied(NoSnapshot.CLASS_MISSING, named)
        if found[0].driver != source.driver:
            return Denied(NoSnapshot.OTHER_DRIVER, f"{named} is of {found[0].driver}, the volume of {source.driver}")
    else:
        default = _GROUP_DEFAULT_ANNOTATION if offer.group else _DEFAULT_ANNOTATION
        found = [each for each in offer.classes if _is_default(each, default) and each.driver == source.driver]
        if not found:
            return Denied(NoSnapshot.NO_DEFAULT, source.driver)
        if len(found) > 1:
            return Denied(NoSnapshot.SEVERAL_DEFAULTS, ", ".join(sorted(each.name for each in found)))
    if found[0].deletion_policy != "Retain":
        return Denied(NoSnapshot.CLASS_DELETES, found[0].name)
    return Chosen(found[0].name)


def look(seen: Sighting, claim_uid: str, volume: PersistentVolume) -> Taken | Pending | Denied:
    """What has become of the snapshot that was asked for, or that an earlier run has asked for."""
    snapshot, content = seen.snapshot, seen.content
    if snapshot is None or snapshot.metadata.deletion_timestamp is not None:
        return Denied(NoSnapshot.GONE)
    since = asked_at(snapshot)
    if snapshot.metadata.annotations.get(CLAIM_UID_ANNOTATION) != claim_uid or since is None:
        return Denied(NoSnapshot.FOREIGN, snapshot.name)
    status = snapshot.status
    if not status.ready_to_use or content is None:
        return Pending(status.error.message if status.error else "", silent=status == VolumeSnapshotStatus())
    spec, source = content.spec, volume.spec.csi
    of_it = spec.volume_snapshot_ref.uid == snapshot.metadata.uid
    if not of_it or source is None or (spec.driver, spec.source.volume_handle) != (source.driver, source.volume_handle):
        return Denied(NoSnapshot.OTHER_VOLUME, content.name)
    if spec.deletion_policy != "Retain":
        return Denied(NoSnapshot.NOT_KEPT, content.name)
    return Taken(snapshot.name, since)


def is_at_it(told: str) -> bool:
    """Whether what is told as a failure is none: gRPC codes of a driver that goes on in the background, and is asked again
    (external-provisioner, checkError)."""
    return any(f"code = {code}" in told for code in ("DeadlineExceeded", "Aborted", "Canceled"))


def covers(taken: Taken, unused_since: datetime | None, *, destroyed: bool) -> bool:
    """Whether the snapshot holds all that was ever written. Where nothing tells since when the claim is unused, that is believed
    only if the volume's own data stays as well: a snapshot of an interrupted run may be weeks old."""
    if unused_since is None:
        return not destroyed
    return unused_since <= taken.asked_at


def group_of(snapshot: VolumeSnapshot) -> OwnerReference | None:
    """The VolumeGroupSnapshot that it is a member of (external-snapshotter, BuildVolumeGroupSnapshotOwnerReference)."""
    return next((each for each in snapshot.metadata.owner_references if each.kind == GROUP_KIND), None)


def asked_at(snapshot: VolumeSnapshot) -> datetime | None:
    """When it was asked for; what it shows is not older. A member of a group is made after the cut: its own time is too late."""
    made, told = snapshot.metadata.creation_timestamp, snapshot.metadata.annotations.get(ASKED_ANNOTATION)
    if told is None or made is None:
        return made
    try:
        return min(made, datetime.fromisoformat(told))
    except (ValueError, TypeError):  # no time, or one of no zone
        return None


def _is_default(found: VolumeSnapshotClass, annotation: str) -> bool:
    return found.metadata.annotations.get(annotation) == "true"
