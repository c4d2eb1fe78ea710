"""What a flow may ask about StatefulSets and their pods, once or kept up to date, and how it changes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_pets.domain.changes import Change
    from kubectl_pets.domain.model import Around, Inventory, SetView, StatefulSet
    from kubectl_pets.domain.resize.types import ResizeSurroundings
    from kubectl_pets.domain.rollout.asking import Questions
    from kubectl_pets.domain.rollout.evidence import Answers, Clues
    from kubectl_pets.domain.rollout.fields import FieldsOwner
    from kubectl_pets.domain.rollout.history import History
    from kubectl_pets.domain.scale.types import Surroundings
    from kubectl_pets.domain.sets.away import PodTaker, SavedRecreation, SetContent, WholeSet
    from kubectl_pets.domain.sets.kinds import SetKind


class SetViewSource(Protocol):
    """One StatefulSet, kept up to date by watches. Use as a context manager; closing ends its connections and threads."""

    def __enter__(self) -> "SetViewSource": ...
    def __exit__(self, *exc: object) -> None: ...

    def latest(self) -> SetView:
        """The newest snapshot that the watches have brought; never blocks. Raises PetsError if the watches gave up for good
        (a right was taken away, the credentials ran out)."""

    def wait(self, timeout: float | None) -> bool:
        """Block until something changed since ``latest`` was last asked, or ``timeout`` seconds are over. True: changed.
        Outages of the server are ridden out; interruptible by signals."""

    def refresh(self) -> SetView:
        """Read the set and its pods afresh from the API server (two requests), past every cache."""

    def just_read(self) -> bool:
        """Whether ``latest`` is what ``refresh`` would bring: all of it was read anew to begin with, a moment ago. True at most
        once, and never after a wait: what is looked at again has to be read again."""

    def with_revisions(self) -> SetView:
        """As ``latest``, with the ControllerRevisions read afresh (one request; none where they may not be read): a watch that
        was cut and has not noticed says nothing of one that was deleted."""

    def trouble(self) -> str | None:
        """What keeps the watches from the server right now, in words for a status line; None when all is well."""


class InventorySource(Protocol):
    """Many StatefulSets, kept up to date by watches. As SetViewSource."""

    def __enter__(self) -> "InventorySource": ...
    def __exit__(self, *exc: object) -> None: ...
    def latest(self) -> Inventory: ...
    def wait(self, timeout: float | None) -> bool: ...
    def trouble(self) -> str | None: ...


class SetPort(Protocol):
    """StatefulSets, read."""

    def set_view(self, namespace: str, name: str, kind: SetKind = ...) -> SetView:
        """One set (of apps/v1 where no ``kind`` is given) and what its selector matches. Raises NotFoundError where there is no
        such set."""

    def inventory(
        self, namespace: str | None, selector: str | None, *, every_kind: bool = False, groups: bool = False
    ) -> Inventory:
        """All sets of a namespace (None: of all namespaces), narrowed by a label selector on the sets: those of apps/v1, or with
        ``every_kind`` of all kinds that the cluster knows, LeaderWorkerSets among them only with ``groups``."""

    def stateful_set(self, namespace: str, name: str, kind: SetKind = ...) -> StatefulSet:
        """The set alone, in one request. Raises NotFoundError."""


class AroundPort(Protocol):
    """What tells why, where a set is not well."""

    def around(self, asked: Sequence[tuple[str, Questions]]) -> tuple[Around, ...]:
        """Events, pods by name and nodes: what is asked of each set, with its namespace; where nothing is, nothing is sent. What
        may not be read is None; raises PetsError for everything else."""


class NodeNamesPort(Protocol):
    """Which nodes there are."""

    def node_names(self) -> frozenset[str] | None:
        """Of all nodes. None: they may not be listed; raises PetsError for everything else."""


class EvidencePort(Protocol):
    """What tells more, where a set is in trouble."""

    def evidence(self, asked: Clues) -> Answers:
        """The end of a log, events, revisions, quotas. What may not be read is None; raises PetsError for everything else."""


class SetWatchPort(Protocol):
    """StatefulSets, kept up to date."""

    def watch_set(
        self, namespace: str, name: str, kind: SetKind = ..., *, since: SetView | None = None
    ) -> SetViewSource:
        """Watches of one set. ``since``: the last look at it (``set_view``): where that was a moment ago and the set is the same
        still, they go on from there."""

    def watch_inventory(
        self, namespace: str | None, selector: str | None, *, every_kind: bool = False
    ) -> InventorySource: ...


class HistoryPort(Protocol):
    """The revisions of a set."""

    def history(self, namespace: str, name: str, kind: SetKind = ...) -> History:
        """One set with its template and its revisions in full. Raises NotFoundError where there is no such set."""


class OwnershipPort(Protocol):
    """Who wrote what of a set."""

    def fields_owner(self, namespace: str, name: str) -> FieldsOwner:
        """One set of apps/v1 with its spec and managedFields in full. Raises NotFoundError where there is no such set."""


class ScalePort(Protocol):
    """What another number of replicas is judged by."""

    def surroundings(self, owner: StatefulSet) -> Surroundings:
        """What scaling this set is judged by: claims, volumes, autoscalers. What may not be read is None."""


class ResizePort(Protocol):
    """What another size of its volumes is judged by."""

    def resize_surroundings(self, owner: StatefulSet, attributes_class: str = "") -> ResizeSurroundings:
        """What resizing this set's claims is judged by: templates, claims, volumes, classes, quotas, and the
        VolumeAttributesClass of that name. What may not be read is None. Raises NotFoundError where the set is gone."""


class RecreatePort(Protocol):
    """A set that is made again."""

    def whole_set(self, namespace: str, name: str) -> WholeSet | None:
        """The set with its spec, owners and managedFields as they are. None: there is none of that name."""

    def recreation(self, namespace: str, name: str) -> SavedRecreation | None:
        """What is saved of one that is made again. None: nothing is."""

    def pod_takers(self, namespace: str) -> tuple[tuple[PodTaker, ...], tuple[str, ...]]:
        """Whatever takes on pods that are nobody's, and the resources of which that may not be seen (a missing right)."""

    def rehearsed_set(self, namespace: str, name: str, content: SetContent) -> WholeSet:
        """What the API server would make of a set of that content, without keeping it. Raises ForbiddenError and InvalidError
        where it would not, ConflictError where there is one of that name."""


class ChangePort(Protocol):
    """Changes of anything, one at a time (``domain.changes``)."""

    def apply(self, change: Change, *, dry_run: bool = False) -> StatefulSet | None:
        """Carry out one change; ``dry_run``: let the server judge it without keeping it. Returns the set as the server has it, or
        would have it, after a change of a set, for admission may rewrite what was written; None after one of a pod. Raises
        ConflictError when what the change relies on is no longer true, NotFoundError when the object is gone. Waits out 429."""
