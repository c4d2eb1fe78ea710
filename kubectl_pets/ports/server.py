"""What a flow may ask of the API server itself: what time it is, what it is called, and what this user may do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol


class ClockPort(Protocol):
    """The API server's clock."""

    def now(self) -> datetime:
        """The API server's clock (UTC), estimated from its last answer, because the cluster's timestamps are its own and the
        clock of a laptop may be off by minutes."""


class ServerPort(ClockPort, Protocol):
    """Where this run is connected to."""

    @property
    def namespace(self) -> str:
        """The namespace of flags, context, or the pod this runs in; "default" at last."""

    def server_name(self) -> str:
        """Context and server in words, for questions and errors; holds no secret."""


class RightsPort(Protocol):
    """What this user may do."""

    def missing_rights(self, namespace: str, needed: Sequence[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
        """Which of the rights this user lacks in the namespace, by SelfSubjectAccessReview: each is a verb, a resource and, where
        it is about these alone, names of objects: ("patch", "statefulsets.apps", "web"), ("create", "pods/portforward").
        Namespace empty: of the cluster.
        An API server that cannot say counts as allowed."""


class NamesPort(Protocol):
    """What there is, by name alone."""

    def names(self, resource: str, namespace: str | None) -> tuple[str, ...]:
        """What the "namespaces", "statefulsets", "persistentvolumeclaims" or "statefulsets.apps.kruise.io" of a namespace
        (None: of the cluster) are called, and no more of them: for completion."""
