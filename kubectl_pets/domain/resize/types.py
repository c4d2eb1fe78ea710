"""The words of a resize: what is asked for, what is around the set, what the plan says, why it is refused.

All are values. ``plan`` plans with them, views draw them. Sizes are in bytes.
"""

from collections.abc import Mapping
from enum import StrEnum, unique
from typing import Any

import msgspec

from kubectl_pets.domain.claims.growth import Growth, GrowthStage, Modification
from kubectl_pets.domain.model import Object, PersistentVolumeClaim, StatefulSet, Value
from kubectl_pets.domain.orphans.adopting import ClaimMaker
from kubectl_pets.domain.orphans.inventory import PersistentVolume
from kubectl_pets.domain.recreate.refusing import RecreateRefused
from kubectl_pets.domain.rollout.managers import Manager


class ResizeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for. ``size``: the quantity as it was typed, which is what claims are given ("20Gi")."""

    #: Of the claim template; empty: the set has one only.
    template: str = ""
    size: str
    bytes: int
    #: A VolumeAttributesClass; empty: it stays as it is.
    attributes_class: str = ""
    #: Whoever runs the operator that the set, or a claim, belongs to has told it to leave them alone.
    operator_paused: bool = False
    #: The claims of these ordinals only; none: of all.
    ordinals: tuple[int, ...] = ()
    #: Only so many of them, the highest ordinals; 0: all.
    canary: int = 0
    #: The claim template stays as it is.
    keep_template: bool = False
    #: A pod that a node waits for may be started again.
    restart: bool = False
    #: Whoever deploys the set creates it with the new template, once it is deleted.
    hand_over: bool = False


# --- what is around the set --------------------------------------------------------------------------------------------------


class StorageClass(Object, frozen=True):
    """storage.k8s.io/v1"""

    provisioner: str = ""
    parameters: dict[str, str] = {}
    #: "WaitForFirstConsumer": a claim gets its volume when its first pod is scheduled.
    volume_binding_mode: str = "Immediate"
    allow_volume_expansion: bool = False

    @property
    def default(self) -> bool:
        """What claims get that name no class."""
        return self.metadata.annotations.get("storageclass.kubernetes.io/is-default-class") == "true"


class VolumeAttributesClass(Object, frozen=True):
    """storage.k8s.io/v1, since Kubernetes 1.34"""

    driver_name: str = ""


class ResourceQuotaSpec(Value, frozen=True):
    #: A quota with scopes counts some objects only.
    scopes: tuple[str, ...] = ()
    scope_selector: dict[str, Any] | None = None


class ResourceQuotaStatus(Value, frozen=True):
    hard: dict[str, Any] = {}
    used: dict[str, Any] = {}


class ResourceQuota(Object, frozen=True):
    spec: ResourceQuotaSpec = ResourceQuotaSpec()
    status: ResourceQuotaStatus = ResourceQuotaStatus()


class ResizeSurroundings(msgspec.Struct, frozen=True, kw_only=True):
    """``None``: could not be read, which is never the same as none."""

    #: The set with its claim templates in full.
    maker: ClaimMaker
    #: All of its namespace.
    claims: tuple[PersistentVolumeClaim, ...] | None = None
    sets: tuple[StatefulSet, ...] | None = None
    #: By name; one with the value None does not exist.
    volumes: Mapping[str, PersistentVolume | None] | None = None
    storage_classes: tuple[StorageClass, ...] | None = None
    quotas: tuple[ResourceQuota, ...] | None = None
    #: Of the name that is asked for; None also where there is none (``attributes_class_read``).
    attributes_class: VolumeAttributesClass | None = None
    attributes_class_read: bool = False


# --- the plan ----------------------------------------------------------------------------------------------------------------


class ClaimPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One claim, now and then."""

    claim: str
    pod: str
    ordinal: int
    uid: str
    resource_version: str
    growth: Growth
    then: int
    storage_class: str = ""
    #: Empty: the class could not be read.
    provisioner: str = ""
    #: Of its class; None: that could not be read.
    expandable: bool | None = None
    volume: str = ""
    #: Of the volume; empty: it could not be read.
    reclaim_policy: str = ""
    #: A pod of the set mounts it.
    in_use: bool = False
    #: VolumeAttributesClasses; ``attributes_then`` empty: none is asked for.
    attributes_now: str = ""
    attributes_then: str = ""
    #: None: no class is asked for.
    modification: Modification | None = None

    @property
    def changes(self) -> bool:
        """Whether the claim itself has to be changed."""
        lowered = self.growth.asks is not None and self.growth.asks > self.then
        return self.growth.stage is GrowthStage.NOT_ASKED or lowered or self.modification is Modification.NOT_ASKED

    @property
    def done(self) -> bool:
        return not self.changes and self.growth.stage is GrowthStage.DONE and self.modification in (None, Modification.DONE)


class Leftover(msgspec.Struct, frozen=True, kw_only=True):
    """A claim of an ordinal that is out of range: the next scale-up mounts it, at the size that it has."""

    claim: str
    has: int | None


class QuotaRoom(msgspec.Struct, frozen=True, kw_only=True):
    """What one limit of a ResourceQuota leaves. ``resource``: "requests.storage", or that of one StorageClass."""

    quota: str
    resource: str
    left: int
    needed: int

    @property
    def suffices(self) -> bool:
        """One that was lowered below what is there leaves less than nothing, and lets through what takes nothing of it."""
        return not self.needed or self.needed <= self.left


@unique
class Skipped(StrEnum):
    """What the plan does not say, because it could not be read."""

    VOLUMES = "volumes"
    STORAGE_CLASSES = "storage-classes"
    QUOTAS = "quotas"
    #: A quota with scopes; the API server alone knows whether it counts these claims. Subject: its name.
    SCOPED_QUOTA = "scoped-quota"
    #: Whether another set makes claims of the same names.
    SETS = "sets"
    ATTRIBUTES_CLASS = "attributes-class"
    #: Whether the API server takes the changes: the right to patch claims is missing.
    REHEARSAL = "rehearsal"
    #: The same: claims changed each time that it was asked.
    UNSTEADY = "unsteady"
    #: Whether the claim template can follow: rights to make the set again are missing.
    TEMPLATE = "template"


class ResizeSkip(msgspec.Struct, frozen=True):
    what: Skipped
    subject: str = ""


@unique
class ResizeRefusedReason(StrEnum):
    DELETING = "deleting"
    NOT_OBSERVED = "not-observed"
    #: Subject: the LeaderWorkerSet.
    LEADER_WORKER_SET = "leader-worker-set"
    #: Subject: what controls the set, or the claim.
    OPERATOR = "operator"
    #: Pods are at two versions, or a rollout has not come to its end.
    UNDER_WAY = "under-way"
    PODS_UNREADABLE = "pods-unreadable"
    CLAIMS_UNREADABLE = "claims-unreadable"
    NO_TEMPLATES = "no-templates"
    #: Subject: the ordinals.
    NO_SUCH_POD = "no-such-pod"
    #: Subject: the names that there are.
    WHICH_TEMPLATE = "which-template"
    UNKNOWN_TEMPLATE = "unknown-template"
    #: Claims that ask for more, or have it. Subject: one of them; ``limit``: what it has.
    SHRINKS = "shrinks"
    #: Exactly what it has: an expansion that failed can be made smaller, but never be taken back.
    TAKES_BACK = "takes-back"
    #: The StorageClass does not allow it. Subject: the class.
    CLASS_FIXED = "class-fixed"
    #: It is gone, or the claim has none. Subject: the class.
    CLASS_GONE = "class-gone"
    TERMINATING = "terminating"
    UNBOUND = "unbound"
    #: Another set makes claims of the same name. Subject: that set.
    AMBIGUOUS = "ambiguous"
    #: Subject: the quota and its limit.
    QUOTA = "quota"
    ATTRIBUTES_CLASS_UNKNOWN = "attributes-class-unknown"
    #: The class is of another driver. Subject: that driver.
    ATTRIBUTES_CLASS_FOREIGN = "attributes-class-foreign"


class ResizeRefused(msgspec.Struct, frozen=True, kw_only=True):
    reason: ResizeRefusedReason
    subject: str = ""
    #: The claims that it is about.
    claims: tuple[str, ...] = ()
    limit: int | None = None


class ServerObjection(msgspec.Struct, frozen=True):
    """What the API server said against a change of that claim that it was to judge without keeping it; untrusted text."""

    claim: str
    message: str


class ResizePlan(msgspec.Struct, frozen=True, kw_only=True):
    """What the resize takes, from here."""

    uid: str
    request: ResizeRequest
    #: Empty where it is not known which is meant.
    template: str = ""
    #: What the template asks for; None: nothing that can be read.
    template_now: int | None = None
    template_text: str = ""
    template_class: str = ""
    template_attributes: str = ""
    #: Those in range that exist and were asked for, the highest ordinal first.
    claims: tuple[ClaimPlan, ...] = ()
    #: How many of those in range that exist were not asked for.
    left_out: int = 0
    #: Pods in range of which there is no claim yet: the controller makes it, at the size in the template.
    unmade: tuple[str, ...] = ()
    leftovers: tuple[Leftover, ...] = ()
    quotas: tuple[QuotaRoom, ...] = ()
    managers: tuple[Manager, ...] = ()
    skipped: tuple[ResizeSkip, ...] = ()
    #: All that speaks against it.
    refused: tuple[ResizeRefused, ...] = ()
    #: The API server's own word on the changes (dry run); None: it was not asked.
    objections: tuple[ServerObjection, ...] | None = None
    #: What speaks against making the set again with the new template; None: that is not looked at.
    template_refused: tuple[RecreateRefused, ...] | None = None

    @property
    def stands(self) -> bool:
        """Nothing speaks against it."""
        return not self.refused and not self.objections and not self.template_refused

    @property
    def template_differs(self) -> bool:
        """Claims that the controller makes from now on get another size, or another class, than is asked for."""
        attributes = self.request.attributes_class
        return self.template_now != self.request.bytes or attributes not in ("", self.template_attributes)

    @property
    def partial(self) -> bool:
        """Claims in range are left out."""
        return self.left_out > 0

    @property
    def template_follows(self) -> bool:
        """The set is made again with a template as is asked for, once all claims are."""
        return self.template_differs and bool(self.template) and not (self.partial or self.request.keep_template)

    @property
    def complete(self) -> bool:
        """Nothing that was asked for is left to be changed."""
        return not (self.refused or self.to_change or self.template_follows)

    @property
    def to_change(self) -> tuple[ClaimPlan, ...]:
        return tuple(each for each in self.claims if each.changes)

    @property
    def done(self) -> bool:
        """All claims are as asked for; nothing is said of the template."""
        return not self.refused and bool(self.claims) and all(each.done for each in self.claims)
