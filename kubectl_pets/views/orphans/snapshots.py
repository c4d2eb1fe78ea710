"""Why there is no snapshot after which a claim could be deleted, and what to do about it."""

from typing import Literal, assert_never

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.orphans.snapshots import NoSnapshot
from kubectl_pets.pasting import kubectl


def refusal(why: NoSnapshot, about: str = "") -> str:
    """``about`` is text from the cluster: a class, a driver, a name or an error."""
    detail = clean(about)
    match why:
        case NoSnapshot.NO_VOLUME:
            return "it has no volume to take a snapshot of"
        case NoSnapshot.NOT_INSTALLED:
            return "this cluster has no VolumeSnapshots (snapshot.storage.k8s.io/v1)"
        case NoSnapshot.CLASSES_UNREADABLE:
            check = kubectl("auth", "can-i", "list", "volumesnapshotclasses.snapshot.storage.k8s.io")
            return f"VolumeSnapshotClasses could not be read; check with: {check}"
        case NoSnapshot.CLASS_MISSING:
            return f"there is no VolumeSnapshotClass {detail}"
        case NoSnapshot.NO_DEFAULT:
            return f"driver {detail} has no default VolumeSnapshotClass; name one: --snapshot=CLASS"
        case NoSnapshot.SEVERAL_DEFAULTS:
            return f"its driver has several default VolumeSnapshotClasses ({detail}); name one: --snapshot=CLASS"
        case NoSnapshot.CLASS_DELETES:
            return f"VolumeSnapshotClass {detail} has not the deletionPolicy Retain, so its snapshots would not be safe"
        case NoSnapshot.NOT_CSI:
            return f"its volume {detail} is of no CSI driver, and snapshots are taken of those only"
        case NoSnapshot.OTHER_DRIVER:
            return f"the VolumeSnapshotClass is of another driver: {detail}"
        case NoSnapshot.FAILED:
            return f"its snapshot failed: {detail}"
        case NoSnapshot.NOT_READY:
            return f"its snapshot {detail} did not become ready in time; run it again to wait on, or with a longer --timeout"
        case NoSnapshot.GONE:
            return "its snapshot was deleted meanwhile"
        case NoSnapshot.FOREIGN:
            return f"there is a VolumeSnapshot {detail} that was not taken of this claim"
        case NoSnapshot.NOT_KEPT:
            return f"its snapshot's content {detail} has not the deletionPolicy Retain"
        case NoSnapshot.OTHER_VOLUME:
            return f"its snapshot's content {detail} is not of its volume"
        case NoSnapshot.STALE:
            return f"it may have been used since its snapshot {detail} was taken; delete that, and run it again"
        case _:
            return _of_claim(why, about)


def _of_claim(
    why: Literal[
        NoSnapshot.NO_CLAIMS,
        NoSnapshot.CLAIM_MISSING,
        NoSnapshot.CLAIM_UNBOUND,
        NoSnapshot.CLAIM_TERMINATING,
        NoSnapshot.CLAIM_REPLACED,
        NoSnapshot.VOLUME_UNREADABLE,
        NoSnapshot.RIGHTS_MISSING,
        NoSnapshot.REJECTED,
        NoSnapshot.COMMAND_FAILED,
        NoSnapshot.NOT_CUT,
        NoSnapshot.GOES_ALREADY,
    ],
    about: str,
) -> str:
    detail = clean(about, len(about))  # its end is the cause
    match why:
        case NoSnapshot.NO_CLAIMS:
            return "no pod has a claim that a claim template made"
        case NoSnapshot.CLAIM_MISSING:
            return "its pod is there and the claim is not"
        case NoSnapshot.CLAIM_UNBOUND:
            return "it is bound to no volume"
        case NoSnapshot.CLAIM_TERMINATING:
            return "it is being deleted, and once its pod goes it is gone"
        case NoSnapshot.CLAIM_REPLACED:
            return "somebody put another claim of its name, or another volume, in its place"
        case NoSnapshot.VOLUME_UNREADABLE:
            check = kubectl("auth", "can-i", "get", "persistentvolumes")
            return f"its volume could not be read; check with: {check}"
        case NoSnapshot.RIGHTS_MISSING:
            return f"this needs rights that are missing: {detail}"
        case NoSnapshot.REJECTED:
            return f"the API server does not take its VolumeSnapshot: {detail}"
        case NoSnapshot.COMMAND_FAILED:
            return f"a command in its pod failed: {detail}"
        case NoSnapshot.NOT_CUT:
            return f"the storage made no cut of VolumeSnapshot {detail} while its pod stood still, which was let go again"
        case NoSnapshot.GOES_ALREADY:
            return "its pod goes by itself, before there could be one: a rollout is under way"
        case _:
            assert_never(why)
