"""When may a volume that this program set to Retain get its reclaim policy back? Only where no deletion can still meet it.

On a Released volume the policy Delete destroys the data at once (PersistentVolume controller, reclaimVolume), so it goes back
only while the volume is Bound to a claim that is there and stays. Another run of this program, stopped at any moment, may be
about to delete that claim and count on Retain; so the volume is a lock, and its annotation ``kubectl-pets/run`` names its holder:

1. Whoever deletes a claim writes its own name first, with Retain, then reads the claim, then the volume (Retain, and its own name
   still), then deletes the claim as it was read (uid and resourceVersion).
2. Whoever gives the policy back writes its own name first, then an annotation of the claim (which fences off every deletion that
   was decided on an earlier reading of it), then the policy, if the volume is still as it wrote it.

Whatever their order, either the deletion fails or the policy stays Retain.

Others may set the policy back to Delete at any time, also long after the claim is gone. So a volume that waits at Retain is given
another provisioner's name first (``withhold``), one that nobody has: whoever destroys Released volumes looks for its own.
csi-provisioner and all others on sig-storage-lib-external-provisioner do (ProvisionController.isProvisionerForVolume), and the
PersistentVolume controller leaves such a volume to that other one (findDeletablePlugin: "External provisioner is requested"). It
gets its provisioner back with its policy, or when it is to be destroyed.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from kubectl_pets.domain.changes import AnnotateClaim, AnnotateVolume, SetRetain, UndoRetain
from kubectl_pets.domain.model import PersistentVolumeClaim
from kubectl_pets.domain.orphans.inventory import PersistentVolume

#: On a volume that was set to Retain: the policy it had, the claim it belonged to, when, and the run that holds it.
POLICY_ANNOTATION = "kubectl-pets/reclaim-policy"
CLAIM_ANNOTATION = "kubectl-pets/claim"
RETAINED_ANNOTATION = "kubectl-pets/retained-at"
RUN_ANNOTATION = "kubectl-pets/run"
#: When it was set to Retain although its destruction had been asked for.
RESCUED_ANNOTATION = "kubectl-pets/rescued-at"
#: The provisioner that it had; empty: none was named.
PROVISIONER_ANNOTATION = "kubectl-pets/provisioned-by"
NOTES = (POLICY_ANNOTATION, CLAIM_ANNOTATION, RETAINED_ANNOTATION, RUN_ANNOTATION, RESCUED_ANNOTATION, PROVISIONER_ANNOTATION)

#: On a volume: who made it, and destroys it (component-helpers/storage/volume, AnnDynamicallyProvisioned).
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
#: Nobody's name. With the prefix kubernetes.io/ it would be an in-tree plugin's, whose absence is an error.
NOBODY = "kubectl-pets/retained"

#: What a provisioner, and the PersistentVolume controller for one in the tree, holds a volume with whose policy is Delete, and
#: takes off one that it knows as its own once that is Retain (KEP-2644).
PROVISIONERS_FINALIZERS = frozenset(("external-provisioner.volume.kubernetes.io/finalizer", "kubernetes.io/pv-controller"))

#: On a claim: when the policy of its volume was last put back.
PUT_BACK_ANNOTATION = "kubectl-pets/policy-put-back-at"


def has_notes(volume: PersistentVolume) -> bool:
    """Whether some run of this program has set it to Retain, and nobody has put its policy back since."""
    return any(key in volume.metadata.annotations for key in NOTES)


def is_bound_to(volume: PersistentVolume, claim: PersistentVolumeClaim) -> bool:
    """Bound to this very claim, and neither of them on its way out."""
    held, meta = volume.spec.claim_ref, claim.metadata
    return (
        volume.status.phase == "Bound"
        and volume.metadata.deletion_timestamp is None
        and meta.deletion_timestamp is None
        and held is not None
        and (held.namespace, held.name, held.uid) == (claim.namespace, claim.name, meta.uid)
        and meta.uid != ""
        and claim.spec.volume_name == volume.name
    )


def keeps(volume: PersistentVolume | None, claim: PersistentVolumeClaim, uid: str, run: str) -> bool:
    """Whether the data outlives the claim, asked right before that is deleted: the volume of that ``uid`` has the policy Retain,
    is bound to the claim, and is held by ``run``, if by any run of this program."""
    return (
        volume is not None
        and volume.metadata.uid == uid
        and volume.spec.persistent_volume_reclaim_policy == "Retain"
        and is_bound_to(volume, claim)
        and (not has_notes(volume) or volume.metadata.annotations.get(RUN_ANNOTATION) == run)
    )


def is_withheld(volume: PersistentVolume) -> bool:
    """Whether it is out of reach of whoever destroys it, whatever its policy."""
    return volume.metadata.annotations.get(PROVISIONED_BY) == NOBODY


def withhold(volume: PersistentVolume) -> AnnotateVolume | None:
    """What puts it out of reach. None: it is."""
    if is_withheld(volume):
        return None
    before = volume.metadata.annotations.get(PROVISIONED_BY, "")
    return _annotate(volume, {PROVISIONED_BY: NOBODY, PROVISIONER_ANNOTATION: before})


def give_back(volume: PersistentVolume) -> AnnotateVolume:
    """What gives it back to its provisioner, of one that is withheld."""
    return _annotate(volume, {PROVISIONER_ANNOTATION: None, **provisioner_before(volume)})


def provisioner_before(volume: PersistentVolume) -> dict[str, str | None]:
    """The annotation that names its provisioner as it was before it was withheld; nothing where it is not. Where the note is
    lost a CSI volume is known by its driver (isProvisionerForVolume)."""
    return {PROVISIONED_BY: volume.metadata.annotations.get(PROVISIONER_ANNOTATION) or None} if is_withheld(volume) else {}


def _annotate(volume: PersistentVolume, annotations: dict[str, str | None]) -> AnnotateVolume:
    meta = volume.metadata
    return AnnotateVolume(volume=volume.name, uid=meta.uid, resource_version=meta.resource_version, annotations=annotations)


def take_hold(volume: PersistentVolume, claim: PersistentVolumeClaim, policy: str, run: str) -> SetRetain | None:
    """The first of the three changes that give ``policy`` back: it marks the volume as held by ``run``. None where the volume
    must stay at Retain."""
    if not is_bound_to(volume, claim):
        return None
    return SetRetain(
        volume=volume.name,
        uid=volume.metadata.uid,
        resource_version=volume.metadata.resource_version,
        before=policy,
        annotations={RUN_ANNOTATION: run},
    )


def fence(claim: PersistentVolumeClaim, run: str, now: datetime) -> AnnotateClaim:
    """The second change: it marks the claim, so that a deletion that was decided before fails on its resourceVersion."""
    meta = claim.metadata
    return AnnotateClaim(
        namespace=claim.namespace,
        name=claim.name,
        uid=meta.uid,
        resource_version=meta.resource_version,
        annotations={PUT_BACK_ANNOTATION: f"{now.isoformat(timespec='seconds')} {run}"},
    )


def undo_retain(
    volume: PersistentVolume | None, claim: PersistentVolumeClaim | None, policy: str, run: str
) -> UndoRetain | None:
    """The last change, of volume and claim as they were read after the other two. None: it stays Retain, because the volume is
    not bound to this claim, one of them is going, or another run holds it."""
    if volume is None or claim is None or not is_bound_to(volume, claim):
        return None
    if volume.metadata.annotations.get(RUN_ANNOTATION) != run:
        return None
    return UndoRetain(
        volume=volume.name,
        uid=volume.metadata.uid,
        resource_version=volume.metadata.resource_version,
        policy=policy,
        forgets=NOTES,
        restores=provisioner_before(volume),
    )


def noted(volume: PersistentVolume) -> PersistentVolumeClaim | None:
    """The claim in the volume's annotation, if its name is the one that the volume is kept for."""
    text, held = volume.metadata.annotations.get(CLAIM_ANNOTATION, ""), volume.spec.claim_ref
    if not text or held is None:
        return None
    try:
        claim = msgspec.json.decode(text, type=PersistentVolumeClaim)
    except (msgspec.DecodeError, RecursionError):
        return None
    return claim if (held.namespace, held.name) == (claim.namespace, claim.name) else None


def policy_before(claim: PersistentVolumeClaim, volume: PersistentVolume) -> str:
    """The volume's reclaim policy; where a run of ours that did not get as far as deleting this very claim has set it to Retain,
    the one from before."""
    policy, annotations = volume.spec.persistent_volume_reclaim_policy, volume.metadata.annotations
    of = noted(volume)
    ours = policy == "Retain" and of is not None and of.metadata.uid == claim.metadata.uid
    return known_policy(annotations) or policy if ours else policy


def known_policy(annotations: Mapping[str, str]) -> str:
    """The policy in the volume's annotation; empty where there is none that Kubernetes has (core/v1
    PersistentVolumeReclaimPolicy). Whoever may write annotations of volumes may write anything there."""
    found = annotations.get(POLICY_ANNOTATION, "")
    return found if found in ("Delete", "Recycle", "Retain") else ""


def retained_at(volume: PersistentVolume) -> datetime | None:
    """When this program set it to Retain, as the volume's annotation says; None: never, or it cannot be understood."""
    return _time(volume, RETAINED_ANNOTATION)


def rescued_at(volume: PersistentVolume) -> datetime | None:
    """When a restore set it to Retain although its destruction had been asked for; None as above."""
    return _time(volume, RESCUED_ANNOTATION)


def _time(volume: PersistentVolume, annotation: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(volume.metadata.annotations.get(annotation, ""))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
