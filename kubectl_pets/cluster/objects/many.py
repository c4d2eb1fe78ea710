"""Pods and claims as they are in lists of many thousands: without their managedFields, and of their annotations only those that a
verdict on a set asks for. These two are nearly half of what a pod takes in memory.

A module of its own, for its decoders take a while to make, and looks at one set do without them.
"""

import msgspec

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
            msgspec.structs.force_setattr(self, "annotations", self.notes.as_annotations())
        elif self.notes is not _NONE:
            msgspec.structs.force_setattr(self, "notes", _NONE)


class _Pod(Pod, frozen=True):
    metadata: _Meta = _Meta()


class _Claim(PersistentVolumeClaim, frozen=True):
    metadata: _Meta = _Meta()


PODS_OF_MANY: ResourceKind[Pod] = ResourceKind(_Pod, PODS.base, PODS.plural, PODS.kind)
CLAIMS_OF_MANY: ResourceKind[PersistentVolumeClaim] = ResourceKind(_Claim, CLAIMS.base, CLAIMS.plural, CLAIMS.kind)
