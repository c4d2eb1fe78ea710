"""What a flow may ask about claims, volumes and VolumeSnapshots. They are changed as everything is, by ``sets.ChangePort``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from kubectl_pets.domain.model import Event, PersistentVolumeClaim
    from kubectl_pets.domain.orphans.adopting import ClaimMaker
    from kubectl_pets.domain.orphans.inventory import ClaimInventory, PersistentVolume
    from kubectl_pets.domain.orphans.snapshots import Offer, Sighting, VolumeSnapshot, VolumeSnapshotContent
    from kubectl_pets.domain.resize.types import StorageClass
    from kubectl_pets.domain.snapshots.groups import GroupSnapshots, VolumeGroupSnapshotContent


class ClaimPort(Protocol):
    """Claims and their volumes, read."""

    def claim_inventory(
        self,
        namespace: str | None,
        *,
        every_class: bool = False,
        ignored_kinds: frozenset[str] = frozenset(),
        only: frozenset[str] | None = None,
        progress: Callable[[str], None] = ...,
    ) -> ClaimInventory:
        """All that claims are judged by (None: in the whole cluster), and no more of it than can change the class of a
        candidate, or with ``every_class`` of any claim; of the claims of these names ``only``. ``ignored_kinds``: custom
        resources that are left out ("reports.example.org", "*.example.org"). ``progress`` is told what is being read."""

    def selected_claims(self, namespace: str | None, selector: str) -> frozenset[tuple[str, str]]:
        """(namespace, name) of the claims that a label selector selects."""

    def claim_maker(self, namespace: str, name: str) -> ClaimMaker:
        """A StatefulSet with its claim templates in full. Raises NotFoundError."""

    def claims(self, namespace: str) -> tuple[PersistentVolumeClaim, ...]: ...

    def claim(self, namespace: str, name: str) -> PersistentVolumeClaim | None:
        """The claim of that name; None where there is none."""

    def volume(self, name: str) -> PersistentVolume | None:
        """The PersistentVolume of that name; None where there is none."""

    def volume_events(self, name: str) -> tuple[Event, ...] | None:
        """What was told of a volume of that name in the last hour. None: may not be read."""

    def claim_events(self, namespace: str, name: str) -> tuple[Event, ...] | None:
        """The same of a claim of that name."""

    def unbound_claims(self) -> tuple[PersistentVolumeClaim, ...] | None:
        """The claims of all namespaces that wait for a volume. None: may not be read."""

    def storage_classes(self) -> tuple[StorageClass, ...] | None:
        """All of the cluster. None: may not be read."""

    def mounts(self, namespace: str, besides: frozenset[str] = ...) -> Mapping[str, str] | None:
        """By claim a pod of the namespace that mounts it, ended ones too, but none that is called ``besides``. None: may not be
        read, or not all could be."""

    def volumes(self) -> tuple[PersistentVolume, ...]: ...

    def volumes_of(self, claims: Sequence[PersistentVolumeClaim]) -> Mapping[str, PersistentVolume | None] | None:
        """The volumes of these claims by name; None for one that does not exist. None altogether: may not be read."""


class SnapshotPort(Protocol):
    """VolumeSnapshots, read."""

    def snapshot_offer(self) -> Offer:
        """The VolumeSnapshotClasses, or that there are no such things as snapshots here."""

    def snapshots(self, namespace: str | None = None) -> tuple[VolumeSnapshot, ...] | None:
        """All of a namespace (None: of the cluster); empty where there are no such things here. None: may not be read."""

    def snapshot_content(self, name: str) -> VolumeSnapshotContent | None:
        """The VolumeSnapshotContent of that name; None where there is none. Raises ForbiddenError."""

    def snapshot_seen(self, namespace: str, name: str) -> Sighting:
        """A VolumeSnapshot and the content that it is bound to. Raises ForbiddenError."""


class GroupSnapshotPort(Protocol):
    """Snapshots of several claims at once, read."""

    def group_snapshot_offer(self) -> Offer:
        """The VolumeGroupSnapshotClasses, or that there are no such things here."""

    def group_snapshots(self, namespace: str) -> GroupSnapshots | None:
        """The VolumeGroupSnapshots of a namespace. None: may not be read."""

    def group_snapshot_content(self, version: str, name: str) -> VolumeGroupSnapshotContent | None:
        """The VolumeGroupSnapshotContent of that name; None where there is none. Raises ForbiddenError."""
