"""What a flow may ask in order to examine sets: everything about them at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from kubectl_pets.domain.doctor.estate import Estate
    from kubectl_pets.domain.model import Event


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

    def events(self, namespace: str | None) -> tuple[Event, ...] | None:
        """All of a namespace (None: of the cluster). None: may not be read."""
