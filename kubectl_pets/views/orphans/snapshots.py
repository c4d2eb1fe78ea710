"""Why there is no snapshot after which a claim could be deleted, and what to do about it."""

from typing import Literal, assert_never

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.orphans.snapshots import NoSnapshot
from kubectl_pets.pasting import kubectl


def refusal(why: NoSnapshot, about: str = "", *, group: bool = False) -> str:
    """``about`` is text from the cluster: a class, a driver, a name or an error. ``group``: one of all claims was asked for."""
    detail = clean(about)
    kind, flag = ("VolumeGroupSnapshotClass", "--snapshot-group") if group else ("VolumeSnapshotClass", "--snapshot")
    match why:
        case NoSnapshot.NO_VOLUME:
            return "it has no volume to take a snapshot of"
        case NoSnapshot.NOT_INSTALLED:
            return "this cluster has no VolumeSnapshots (snapshot.storage.k8s.io/v1)"
        case NoSnapshot.CLASSES_UNREADABLE:
            resource = f"{kind.lower()}es.{'group' if group else ''}snapshot.storage.k8s.io"
            check = kubectl("auth", "can-i", "list", resource)
            return f"{kind}es could not be read; check with: {check}"
        case NoSnapshot.CLASS_MISSING:
            return f"there is no {kind} {detail}"
        case NoSnapshot.NO_DEFAULT:
            return f"driver {detail} has no default {kind}; name one: {flag}=CLASS"
        case NoSnapshot.SEVERAL_DEFAULTS:
            return f"its driver has several default {kind}es ({detail}); name one: {flag}=CLASS"
        case NoSnapshot.CLASS_DELETES:
            return f"{kind} {detail} has not the deletionPolicy Retain, so its snapshots would not be safe"
        case NoSnapshot.NOT_CSI:
            return f"its volume {detail} is of no CSI driver, and snapshots are taken of those only"
        case NoSnapshot.OTHER_DRIVER:
            return f"the {kind} is of another driver: {detail}"
        case NoSnapshot.FAILED:
            return f"its snapshot failed: {clean(about, len(about))}"  # its end is the cause
        case NoSnapshot.NOT_TAKEN_ON:
            return f"no snapshot controller has written anything down of {detail}: does snapshot-controller run?"
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
        NoSnapshot.GROUPS_NOT_INSTALLED,
        NoSnapshot.NO_LABELS,
        NoSnapshot.NOT_SELECTED,
        NoSnapshot.SELECTED_TOO,
        NoSnapshot.SEVERAL_DRIVERS,
        NoSnapshot.NO_GROUPS,
        NoSnapshot.NOT_IN_GROUP,
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
            return _of_group(why, detail)


def _of_group(
    why: Literal[
        NoSnapshot.GROUPS_NOT_INSTALLED,
        NoSnapshot.NO_LABELS,
        NoSnapshot.NOT_SELECTED,
        NoSnapshot.SELECTED_TOO,
        NoSnapshot.SEVERAL_DRIVERS,
        NoSnapshot.NO_GROUPS,
        NoSnapshot.NOT_IN_GROUP,
    ],
    detail: str,
) -> str:
    match why:
        case NoSnapshot.GROUPS_NOT_INSTALLED:
            return "this cluster has no VolumeGroupSnapshots (groupsnapshot.storage.k8s.io)"
        case NoSnapshot.NO_LABELS:
            return "its selector has no matchLabels, and a VolumeGroupSnapshot is asked for by such"
        case NoSnapshot.NOT_SELECTED:
            return f"it has not all labels that a VolumeGroupSnapshot of the set is asked for by: {detail}"
        case NoSnapshot.SELECTED_TOO:
            return f"it is none of the set's and has its labels ({detail}), so it would be a part of its VolumeGroupSnapshot"
        case NoSnapshot.SEVERAL_DRIVERS:
            return "its volumes are of several drivers, and a VolumeGroupSnapshot is of one"
        case NoSnapshot.NO_GROUPS:
            return f"the driver takes no VolumeGroupSnapshots: {detail}"
        case NoSnapshot.NOT_IN_GROUP:
            return f"VolumeGroupSnapshot {detail} is ready and has none of it"
        case _:
            assert_never(why)
