"""Pods and claims as they are in lists of many thousands: without their managedFields, and of their annotations only those that a
verdict on a set asks for. These two are nearly half of what a pod takes in memory.

What is alike in the rest of them is kept once (``alike``).

A module of its own, for its decoders take a while to make, and looks at one set do without them.
"""

import msgspec
from msgspec.structs import force_setattr

from kubectl_pets.cluster.objects.alike import forget, keep_once, once, share_claim
from kubectl_pets.cluster.objects.kinds import CLAIMS, PODS, ResourceKind
from kubectl_pets.domain.model import ManagedFieldsEntry, ObjectMeta, PersistentVolumeClaim, Pod, Value
from kubectl_pets.domain.rollout.members import CHOSEN_NODE_ANNOTATION
from kubectl_pets.domain.sets.grouping import SIZE_ANNOTATION
from kubectl_pets.domain.sets.in_place import GRACE_ANNOTATION, LIFECYCLE_TIME_ANNOTATION, STATE_ANNOTATION
from kubectl_pets.domain.sets.named import STRIMZI_REVISION_ANNOTATION


class _Notes(Value, frozen=True):
    """The annotations that are kept."""

    size: str | None = msgspec.field(name=SIZE_ANNOTATION, default=None)
    state: str | None = msgspec.field(name=STATE_ANNOTATION, default=None)
    grace: str | None = msgspec.field(name=GRACE_ANNOTATION, default=None)
    labelled: str | None = msgspec.field(name=LIFECYCLE_TIME_ANNOTATION, default=None)
    strimzi: str | None = msgspec.field(name=STRIMZI_REVISION_ANNOTATION, default=None)
    chosen: str | None = msgspec.field(name=CHOSEN_NODE_ANNOTATION, default=None)

    def as_annotations(self) -> dict[str, str]:
        noted = {SIZE_ANNOTATION: self.size, STATE_ANNOTATION: self.state, GRACE_ANNOTATION: self.grace}
        noted |= {STRIMZI_REVISION_ANNOTATION: self.strimzi}
        noted |= {LIFECYCLE_TIME_ANNOTATION: self.labelled, CHOSEN_NODE_ANNOTATION: self.chosen}
        return {key: value for key, value in noted.items() if value is not None}


_NONE = _Notes()


class _Meta(ObjectMeta, frozen=True):
    """No field of the API is called as those are that are not decoded."""

    managed_fields: tuple[ManagedFieldsEntry, ...] = msgspec.field(name="kubectl-pets/managed-fields", default=())
    annotations: dict[str, str] = msgspec.field(name="kubectl-pets/annotations", default={})
    notes: _Notes = msgspec.field(name="annotations", default=_NONE)

    def __post_init__(self) -> None:
        if self.notes != _NONE:
            force_setattr(self, "annotations", self.notes.as_annotations())
        elif self.notes is not _NONE:
            force_setattr(self, "notes", _NONE)


class _Pod(Pod, frozen=True):
    metadata: _Meta = _Meta()

    def __post_init__(self) -> None:
        forget()
        meta, spec, status = self.metadata, self.spec, self.status
        force_setattr(meta, "labels", {once(key, key): once(value, value) for key, value in meta.labels.items()})
        keep_once(meta, "namespace", "owner_references")
        keep_once(spec, "containers", "init_containers", "node_name")
        keep_once(status, "phase")
        for condition in status.conditions:
            keep_once(condition, "type", "status")
        for container in status.init_container_statuses + status.container_statuses:
            keep_once(container, "name", "image", "image_id")


class _Claim(PersistentVolumeClaim, frozen=True):
    metadata: _Meta = _Meta()

    def __post_init__(self) -> None:
        share_claim(self)


PODS_OF_MANY: ResourceKind[Pod] = ResourceKind(_Pod, PODS.base, PODS.plural, PODS.kind)
CLAIMS_OF_MANY: ResourceKind[PersistentVolumeClaim] = ResourceKind(_Claim, CLAIMS.base, CLAIMS.plural, CLAIMS.kind)
