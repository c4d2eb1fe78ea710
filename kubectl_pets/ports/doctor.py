"""What a flow may ask in order to examine sets: everything about them at once."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from kubectl_pets.domain.doctor.estate import Estate, VolumeUse
    from kubectl_pets.domain.model import Event
    from kubectl_pets.domain.rollout.history import Template


class EstatePort(Protocol):
    """Sets and all that rules judge them by, read."""

    def estate(
        self,
        namespace: str | None,
        *,
        selector: str = "",
        deep: bool = False,
        progress: Callable[[str], None] = ...,
    ) -> Estate:
        """Of a namespace (None: of the cluster), each list once. ``selector``: of labels, which sets are asked about; ``deep``:
        the names of Secrets, too. ``progress`` is told what is being read. Raises PetsError where the sets may not be read."""

    def templates(self, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], Template] | None:
        """The templates of ControllerRevisions in full, by namespace and name; those that are gone are left out. None: may not be
        read."""

    def volume_usage(self, nodes: Collection[str]) -> dict[tuple[str, str], VolumeUse] | None:
        """How full the volumes of claims are, by namespace and name of the claim, as the kubelets of these nodes have it; of
        nodes that do not answer nothing. None: kubelets may not be asked (get nodes/proxy)."""

    def events(self, namespace: str | None) -> tuple[Event, ...] | None:
        """All of a namespace (None: of the cluster). None: may not be read."""
