"""The changes that this program ever makes to a cluster, as values.

A plan is made of them, a view draws them, ``--dry-run`` prints them and ``cluster/objects/writes.py`` carries them out. Each one
carries what must still be true for it to be safe, so the API server refuses it when the object changed since it was read.
"""

from collections.abc import Mapping
from enum import StrEnum, unique
from typing import Any

import msgspec

from kubectl_pets.domain.model import ObjectMeta, PersistentVolumeClaim
from kubectl_pets.domain.sets.away import Recreation, SetContent
from kubectl_pets.domain.sets.kinds import APPS_SET, SetKind

#: The name under which the API server records what this program wrote (metav1.ManagedFieldsEntry), unless ``--field-manager``
#: gives another one for what it writes into a set.
FIELD_MANAGER = "kubectl-pets"


#: The JSON pointer to all annotations of an object.
ANNOTATIONS = "/metadata/annotations"

#: On a set whose spec was handed over: when its replicas can last have changed, which our entry in managedFields had said.
SCALED_ANNOTATION = "kubectl-pets/scaled-at"


@unique
class DryRun(StrEnum):
    """kubectl's three: change it, only print it, or let the server judge it without keeping it."""

    NONE = "none"
    CLIENT = "client"
    SERVER = "server"


class Operation(msgspec.Struct, frozen=True, omit_defaults=True):
    """One operation of a JSON patch (RFC 6902)."""

    op: str
    path: str
    value: Any = msgspec.UNSET


def annotating(meta: ObjectMeta, notes: Mapping[str, str | None]) -> tuple[Operation, ...]:
    """Annotations written or (None) removed, each on the condition that it is still as it was read in ``meta``. They do not count
    in the generation, so a patch that tests no more than that takes off what somebody else has noted meanwhile.

    A ``test`` of null holds where there is no such annotation: so the API server's library has it (evanphx/json-patch,
    Patch.test), and so neither other annotations nor the status, which changes all the time, are in the way. Where there were no
    annotations at all, all of them are written, and only an unchanged resourceVersion says that there are still none."""
    there = meta.annotations
    written = {key: value for key, value in notes.items() if value is not None}
    if not there:
        ground = Operation(op="test", path="/metadata/resourceVersion", value=meta.resource_version)
        return (ground, Operation(op="add", path=ANNOTATIONS, value=written)) if written else ()
    operations: list[Operation] = []
    for key, value in notes.items():
        if value is not None or key in there:
            operations.append(Operation(op="test", path=annotation(key), value=there.get(key)))
        if value is not None:
            operations.append(Operation(op="add", path=annotation(key), value=value))
        elif key in there:
            operations.append(Operation(op="remove", path=annotation(key)))
    return tuple(operations)


def annotation(key: str) -> str:
    """The JSON pointer (RFC 6901) to one."""
    return f"{ANNOTATIONS}/{key.replace('~', '~0').replace('/', '~1')}"


class PatchSet(msgspec.Struct, frozen=True, kw_only=True, tag="patch-statefulset"):
    """A JSON patch on one set. Its first operations are ``test``s of uid and generation: a status update in between does no harm,
    an edit of the spec does. Annotations are written by ``annotating``."""

    kind: SetKind = APPS_SET
    namespace: str
    name: str
    operations: tuple[Operation, ...]
    #: Under our own name, whatever the run says: nothing of it is to stay, and it is found again by that name.
    passing: bool = False


class DeletePod(msgspec.Struct, frozen=True, kw_only=True, tag="delete-pod"):
    """Delete one pod, with uid and resourceVersion as preconditions (metav1.Preconditions)."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    #: By the Eviction API (policy/v1): refused where a PodDisruptionBudget does not allow it.
    evict: bool = False
    #: With grace period 0: the API server forgets the pod at once, whether its containers have stopped or not.
    force: bool = False


class SetFinalizers(msgspec.Struct, frozen=True, kw_only=True, tag="set-finalizers"):
    """Who has to let go of a pod or a claim (``of``: the resource) before it is gone: all of them. Conditional on uid and
    resourceVersion."""

    of: str
    namespace: str
    name: str
    uid: str
    resource_version: str
    finalizers: tuple[str, ...]


# --- a set that is made again ------------------------------------------------------------------------------------------------


class SaveRecreation(msgspec.Struct, frozen=True, kw_only=True, tag="save-recreation"):
    """What is intended, kept in a ConfigMap: made where ``uid`` is empty, else put in its place on that uid and
    resourceVersion."""

    intended: Recreation
    uid: str = ""
    resource_version: str = ""


class ForgetRecreation(msgspec.Struct, frozen=True, kw_only=True, tag="forget-recreation"):
    """Delete that ConfigMap, with uid and resourceVersion as preconditions."""

    namespace: str
    name: str  #: of the set
    uid: str
    resource_version: str


class OrphanSet(msgspec.Struct, frozen=True, kw_only=True, tag="orphan-statefulset"):
    """Delete one set and let its pods, claims and revisions live (propagationPolicy Orphan), with uid and resourceVersion as
    preconditions (metav1.Preconditions)."""

    namespace: str
    name: str
    uid: str
    resource_version: str


class CreateSet(msgspec.Struct, frozen=True, kw_only=True, tag="create-statefulset"):
    """Create a set with that content. Refused while one of its name is there, also one that is on its way out."""

    namespace: str
    name: str
    content: SetContent


RecreationChange = SaveRecreation | ForgetRecreation | OrphanSet | CreateSet


# --- claims and their volumes ------------------------------------------------------------------------------------------------


#: On a VolumeSnapshot of ours: the uid of the claim that it was taken of.
CLAIM_UID_ANNOTATION = "kubectl-pets/claim-uid"
SNAPSHOT_LABELS = {"app.kubernetes.io/managed-by": "kubectl-pets"}

#: On one that a rollout took: whose claim it was, what ran then, and which run asked for it.
SET_UID_LABEL = "kubectl-pets/set-uid"
SET_ANNOTATION = "kubectl-pets/set"
CLAIM_ANNOTATION = "kubectl-pets/claim"
REVISION_ANNOTATION = "kubectl-pets/revision"
ORDINAL_ANNOTATION = "kubectl-pets/ordinal"
GENERATION_ANNOTATION = "kubectl-pets/generation"
RUN_ANNOTATION = "kubectl-pets/snapshot-run"
#: "true" where the pod was held (``--before-snapshot``) when it was asked for.
HELD_ANNOTATION = "kubectl-pets/held"
#: On a member of a group: when the group was asked for (RFC 3339), which is before the member itself was there.
ASKED_ANNOTATION = "kubectl-pets/asked-at"


class SnapshotOf(msgspec.Struct, frozen=True, kw_only=True):
    """What a VolumeSnapshot that a rollout takes is marked with."""

    set_name: str
    set_uid: str
    #: The ControllerRevision that ran on the data.
    revision: str
    ordinal: int
    #: Of the set's spec when it was asked for.
    generation: int
    #: The run that it was asked for by; all of one run are one generation of snapshots.
    run: str
    #: A command in the pod had it stand still.
    held: bool = False


class TakeSnapshot(msgspec.Struct, frozen=True, kw_only=True, tag="snapshot"):
    """A VolumeSnapshot of the claim, if there is none of that name; the next step waits until it is ready to use."""

    namespace: str
    claim: str
    uid: str  #: the claim's
    name: str
    snapshot_class: str
    #: Where a rollout takes it.
    of: SnapshotOf | msgspec.UnsetType = msgspec.UNSET


class DeleteSnapshot(msgspec.Struct, frozen=True, kw_only=True, tag="delete-snapshot"):
    """Delete one VolumeSnapshot, with uid and resourceVersion as preconditions (metav1.Preconditions)."""

    namespace: str
    name: str
    uid: str
    resource_version: str


class TakeGroupSnapshot(msgspec.Struct, frozen=True, kw_only=True, tag="group-snapshot"):
    """One VolumeGroupSnapshot of the claims that have these labels, if there is none of that name. ``version``: of its API."""

    namespace: str
    name: str
    version: str
    snapshot_class: str
    labels: dict[str, str]
    #: Those that are wanted; there may be more that have the labels.
    claims: tuple[str, ...]
    set_name: str
    set_uid: str
    #: Of the set's spec when it was asked for.
    generation: int
    run: str
    #: Every pod was held meanwhile.
    held: bool = False


class MarkSnapshot(msgspec.Struct, frozen=True, kw_only=True, tag="mark-snapshot"):
    """Write onto a VolumeSnapshot that a group made what it is of. Conditional on uid and resourceVersion."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    claim: str
    claim_uid: str
    asked_at: str
    of: SnapshotOf


class DeleteGroupSnapshot(msgspec.Struct, frozen=True, kw_only=True, tag="delete-group-snapshot"):
    """Delete one VolumeGroupSnapshot, upon which its controller deletes its members, with uid and resourceVersion as
    preconditions (metav1.Preconditions)."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    version: str
    members: tuple[str, ...] = ()


#: On a ControllerRevision: the VolumeSnapshots of its data that the newest run took.
SNAPSHOTS_ANNOTATION = "kubectl-pets/snapshots"


class AnnotateRevision(msgspec.Struct, frozen=True, kw_only=True, tag="annotate-revision"):
    """Annotations of one ControllerRevision (None: removed), beside what it has. Conditional on uid and resourceVersion."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    annotations: dict[str, str | None]


SnapshotChange = TakeSnapshot | DeleteSnapshot | TakeGroupSnapshot | MarkSnapshot | DeleteGroupSnapshot | AnnotateRevision


class SetRetain(msgspec.Struct, frozen=True, kw_only=True, tag="set-retain"):
    """Reclaim policy Retain, with annotations that remember what was and name the run that holds the volume now. Conditional on
    uid and resourceVersion, so that of two runs one holds it."""

    volume: str
    uid: str
    resource_version: str
    before: str
    annotations: dict[str, str]


class AnnotateVolume(msgspec.Struct, frozen=True, kw_only=True, tag="annotate-volume"):
    """Annotations of the volume (None: removed). Conditional on uid and resourceVersion."""

    volume: str
    uid: str
    resource_version: str
    annotations: dict[str, str | None]


class DeleteClaim(msgspec.Struct, frozen=True, kw_only=True, tag="delete-claim"):
    """Delete one claim, with uid and resourceVersion as preconditions (metav1.Preconditions)."""

    namespace: str
    name: str
    uid: str
    resource_version: str


class CreateClaim(msgspec.Struct, frozen=True, kw_only=True, tag="create-claim"):
    """Ready to be sent: no uid, bound to its volume by name."""

    claim: PersistentVolumeClaim


class AnnotateClaim(msgspec.Struct, frozen=True, kw_only=True, tag="annotate-claim"):
    """Annotations of the claim (None: removed). Conditional on uid and resourceVersion. A new value gives the claim a new
    resourceVersion, and so fences off every deletion of it that was decided before."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    annotations: dict[str, str | None]


class ResizeClaim(msgspec.Struct, frozen=True, kw_only=True, tag="resize-claim"):
    """Another request for storage (a quantity) and, unless it is empty, another VolumeAttributesClass: in one change, because
    some drivers make one modification of both and allow few of them a day. Conditional on uid and resourceVersion."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    size: str
    attributes_class: str = ""


class ClearClaimRef(msgspec.Struct, frozen=True, kw_only=True, tag="clear-claim-ref"):
    """Remove uid and resourceVersion from ``spec.claimRef``, if the old uid is still there; namespace and name stay."""

    volume: str
    uid: str
    resource_version: str
    old_claim_uid: str


class ReserveVolume(msgspec.Struct, frozen=True, kw_only=True, tag="reserve-volume"):
    """``spec.claimRef`` of a volume that nobody has names this claim, without a uid: only a claim of that name binds. Conditional
    on uid and resourceVersion."""

    volume: str
    uid: str
    resource_version: str
    namespace: str
    claim: str


class UndoRetain(msgspec.Struct, frozen=True, kw_only=True, tag="undo-retain"):
    """The reclaim policy from before, without the annotations that remembered it. Conditional on uid and resourceVersion. A
    volume that is Released is destroyed by it: only for one that is bound (``orphans.retention``)."""

    volume: str
    uid: str
    resource_version: str
    policy: str
    #: Annotations that go.
    forgets: tuple[str, ...]
    #: Those that become what they were (None: there was none).
    restores: dict[str, str | None] = {}


class DestroyVolume(msgspec.Struct, frozen=True, kw_only=True, tag="destroy-volume"):
    """Set the reclaim policy of a Released volume to Delete, upon which its provisioner deletes the data. Conditional on uid
    and resourceVersion."""

    volume: str
    uid: str
    resource_version: str
    #: As with ``UndoRetain``: they give the volume back to its provisioner.
    restores: dict[str, str | None] = {}


ClaimChange = (
    SetRetain
    | AnnotateVolume
    | DeleteClaim
    | CreateClaim
    | AnnotateClaim
    | ResizeClaim
    | ClearClaimRef
    | ReserveVolume
    | UndoRetain
    | DestroyVolume
)

Change = PatchSet | DeletePod | SetFinalizers | RecreationChange | SnapshotChange | ClaimChange
