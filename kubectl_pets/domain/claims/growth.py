"""How far is the expansion of one claim? Three ways of standing still are told apart: the storage is at it, a pod has to be
started again, and what was asked for cannot be had.

The states are those of ``status.allocatedResourceStatuses`` (KEP-1790, on by default since Kubernetes 1.32); servers before that
have conditions alone (core/v1 PersistentVolumeClaimConditionType), which tell less: a driver that refuses looks as one that is at
it. A driver that expands offline only has no state of its own either: it refuses with the gRPC code FailedPrecondition for as
long as the volume is in use, and is asked again for ever (kubernetes-csi/external-resizer).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.claims.quantities import parse_bytes
from kubectl_pets.domain.model import Condition, Event, PersistentVolumeClaim, SetView

#: For how long a node with the pod on it may leave its part undone. A kubelet finds out that a volume has grown when it looks at
#: the pod again, after up to one and a half minutes (kubelet syncFrequency, jittered by workerResyncIntervalJitterFactor;
#: volumemanager checkVolumeFSResize looks at no pod more often).
NODE_PATIENCE = timedelta(minutes=3)

#: For how long a driver, or a node, that refuses what is in use is looked at, for the pod may be about to end.
REFUSED_PATIENCE = timedelta(seconds=30)

#: Conditions of a claim whose size is being changed (core/v1 PersistentVolumeClaimConditionType).
RESIZING = frozenset(("Resizing", "FileSystemResizePending", "ControllerResizeError", "NodeResizeError"))

#: The latter two are what Kubernetes 1.23 to 1.30 called it.
_INFEASIBLE = ("ControllerResizeInfeasible", "NodeResizeInfeasible", "ControllerResizeFailed", "NodeResizeFailed")

_AT_THE_NODE = ("NodeResizePending", "NodeResizeInProgress")

#: An event's reason.
_RESIZE_FAILED = "VolumeResizeFailed"

#: As gRPC spells it in an error's text.
_IN_USE = "code = FailedPrecondition"


@unique
class GrowthStage(StrEnum):
    """Exactly one holds."""

    #: It has the size, and nothing is left to do.
    DONE = "done"
    #: The claim asks for less.
    NOT_ASKED = "not-asked"
    #: The storage, or the node, is at it.
    WORKING = "working"
    #: The driver failed, and is asked again: ``message``.
    RETRYING = "retrying"
    #: The volume has grown; the node does its part once a pod uses it.
    NEEDS_POD = "needs-pod"
    #: It goes on when the pod that uses it ends (a driver that expands offline only) or starts again (a node that cannot expand
    #: what is mounted).
    NEEDS_RESTART = "needs-restart"
    #: What is asked for cannot be had. It can be asked for less, but for more than ``has``.
    INFEASIBLE = "infeasible"


class Growth(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes in bytes; None: the claim does not say."""

    stage: GrowthStage
    #: What it asks for, and what it has.
    asks: int | None
    has: int | None
    #: Why it stands still; the driver's words, untrusted text.
    message: str = ""
    #: When it came to be so.
    since: datetime | None = None
    #: The pod has to be gone for a while, not only started again: the driver expands nothing that is in use.
    offline: bool = False

    @property
    def stalled(self) -> bool:
        """It does not go on by itself."""
        return self.stage in (GrowthStage.NEEDS_RESTART, GrowthStage.INFEASIBLE)


class GrowingClaim(msgspec.Struct, frozen=True, kw_only=True):
    """A claim that has asked for more than it has, or whose expansion is not through."""

    claim: str
    #: The one that mounts it, or would.
    pod: str
    growth: Growth


def growing(claims: Iterable[tuple[PersistentVolumeClaim, str]], view: SetView, now: datetime) -> tuple[GrowingClaim, ...]:
    """Of claims, each with the name of its pod, those that grow towards what they ask for themselves, in that order. One that has
    never been bound does not grow. ``view``: the set that has them."""
    busy = [(claim, pod) for claim, pod in claims if not is_quiet(claim)]
    if not busy:
        return ()
    used = mounted(view)
    found = (_growing(claim, pod, view.pods is None or claim.name in used, now) for claim, pod in busy)
    return tuple(each for each in found if each is not None)


def _growing(claim: PersistentVolumeClaim, pod: str, in_use: bool, now: datetime) -> GrowingClaim | None:
    wanted = parse_bytes(claim.spec.resources.requests.get("storage"))
    if wanted is None:
        return None
    found = growth(claim, wanted, in_use=in_use, now=now, patience=NODE_PATIENCE)
    if found.has is None or found.stage is GrowthStage.DONE:
        return None
    return GrowingClaim(claim=claim.name, pod=pod, growth=found)


def is_quiet(claim: PersistentVolumeClaim) -> bool:
    """What nearly all claims are, told without reading sizes: thousands of them are asked."""
    status = claim.status
    if status.capacity.get("storage") is None:
        return True  # it has never been bound
    same = claim.spec.resources.requests.get("storage") == status.capacity.get("storage")
    return same and not status.allocated_resource_statuses and not any(each.type in RESIZING for each in status.conditions)


def growth(claim: PersistentVolumeClaim, wanted: int, *, in_use: bool, now: datetime, patience: timedelta) -> Growth:
    """How far the claim is towards so many bytes. ``in_use``: a pod mounts it. ``patience``: how long a node with such a pod is
    given before it is said that it waits for the pod to start again, for nothing tells beforehand whether it does."""
    asks = parse_bytes(claim.spec.resources.requests.get("storage"))
    has = parse_bytes(claim.status.capacity.get("storage"))
    found = Growth(stage=GrowthStage.WORKING, asks=asks, has=has)
    if asks is None or asks < wanted:
        return msgspec.structs.replace(found, stage=GrowthStage.NOT_ASKED)
    state = claim.status.allocated_resource_statuses.get("storage", "")
    granted = parse_bytes(claim.status.allocated_resources.get("storage"))
    holding = {each.type: each for each in claim.status.conditions if each.status == "True"}
    # What failed was another size, and the resizer has not looked at this one yet.
    outdated = granted is not None and granted != asks
    failed = None if outdated else holding.get("ControllerResizeError") or holding.get("NodeResizeError")
    if not outdated and state in _INFEASIBLE:
        return _told(found, GrowthStage.INFEASIBLE, failed)
    if "FileSystemResizePending" in holding or state in _AT_THE_NODE:
        return _at_the_node(found, state, holding, in_use=in_use, now=now, patience=patience)
    if failed is not None:
        offline = _IN_USE in failed.message and in_use
        stage = GrowthStage.NEEDS_RESTART if offline else GrowthStage.RETRYING
        return msgspec.structs.replace(_told(found, stage, failed), offline=offline)
    if has is not None and has >= wanted and not state and "Resizing" not in holding:
        return msgspec.structs.replace(found, stage=GrowthStage.DONE)
    return _told(found, GrowthStage.WORKING, holding.get("Resizing"))


def _at_the_node(
    found: Growth, state: str, holding: Mapping[str, Condition], *, in_use: bool, now: datetime, patience: timedelta
) -> Growth:
    """A kubelet expands what is mounted by itself, although the condition asks for a restart from the start; one that does not
    looks the same until it has tried. What its driver refuses while it is in use it tries again only for another pod
    (pkg/volume/util/operationexecutor/node_expander.go)."""
    pending, failed = holding.get("FileSystemResizePending"), holding.get("NodeResizeError")
    if not in_use:
        return _told(found, GrowthStage.NEEDS_POD, pending)
    if failed is not None:
        return _told(found, GrowthStage.NEEDS_RESTART if _IN_USE in failed.message else GrowthStage.RETRYING, failed)
    if state == "NodeResizeInProgress":
        return _told(found, GrowthStage.WORKING, pending)
    since = pending.last_transition_time if pending is not None else None
    overdue = since is not None and now - since >= patience
    return _told(found, GrowthStage.NEEDS_RESTART if overdue else GrowthStage.WORKING, pending)


def retried(found: Growth, claim: PersistentVolumeClaim, events: Iterable[Event] | None) -> Growth:
    """The same, where the driver failed since and is asked again: of errors that may pass the resizer tells in events alone
    (kubernetes-csi/external-resizer, VolumeResizeFailed). ``events``: of the claim's name; None: they may not be read."""
    if found.stage is not GrowthStage.WORKING:
        return found
    own = [each for each in events or () if each.involved_object.uid == claim.metadata.uid and each.reason == _RESIZE_FAILED]
    lately = [each for each in own if each.last is not None and (found.since is None or each.last >= found.since)]
    last = max(lately, key=lambda each: each.last or datetime.min, default=None)
    if last is None:
        return found
    return msgspec.structs.replace(found, stage=GrowthStage.RETRYING, message=last.message, since=last.first)


def _told(found: Growth, stage: GrowthStage, by: Condition | None) -> Growth:
    if by is None:
        return msgspec.structs.replace(found, stage=stage)
    return msgspec.structs.replace(found, stage=stage, message=by.message, since=by.last_transition_time)


def mounted(view: SetView) -> frozenset[str]:
    """The claims that pods have on their nodes; one that has ended has none."""
    return frozenset(
        volume.persistent_volume_claim.claim_name
        for pod in view.pods or ()
        if pod.spec.node_name and pod.status.phase not in ("Succeeded", "Failed")
        for volume in pod.spec.volumes
        if volume.persistent_volume_claim is not None
    )


@unique
class Modification(StrEnum):
    """How far a claim is towards a VolumeAttributesClass (KEP-3751)."""

    DONE = "done"
    NOT_ASKED = "not-asked"
    WORKING = "working"
    #: The class does not exist, or the driver's controller does not know of it yet.
    PENDING = "pending"
    #: The driver refuses it. Asked for what it had before, the claim is well again.
    INFEASIBLE = "infeasible"


def refused_attributes(claim: PersistentVolumeClaim) -> bool:
    """Whether the driver refuses the class that the claim asks for now. What it said of another stays noted until the resizer has
    looked at this one, and for good on a claim that asks for none again (kubernetes-csi/external-resizer, rolledBack)."""
    noted, asks = claim.status.modify_volume_status, claim.spec.volume_attributes_class_name
    return noted is not None and noted.status == "Infeasible" and noted.target_volume_attributes_class_name == asks


def modification(claim: PersistentVolumeClaim, wanted: str) -> Modification:
    if claim.spec.volume_attributes_class_name != wanted:
        return Modification.NOT_ASKED
    if refused_attributes(claim):
        return Modification.INFEASIBLE
    under_way = claim.status.modify_volume_status
    if under_way is not None:
        return Modification.PENDING if under_way.status == "Pending" else Modification.WORKING
    return Modification.DONE if claim.status.current_volume_attributes_class_name == wanted else Modification.WORKING
