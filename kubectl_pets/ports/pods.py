"""What a flow may ask of a pod: to run a command, or to answer a request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Ran(Protocol):
    """How a command in a pod ended. Its output is untrusted text."""

    @property
    def exit_code(self) -> int | None:
        """Its exit code. None: it could not be started; ``problem`` says why."""

    @property
    def stdout(self) -> str: ...
    @property
    def stderr(self) -> str: ...
    @property
    def problem(self) -> str: ...


class PodPort(Protocol):
    """One pod, asked through the API server."""

    def run_in(self, namespace: str, pod: str, command: Sequence[str], timeout: float) -> Ran:
        """Run a command, without a shell, in the pod's default container. ``timeout``: seconds; after it the command may go on,
        for there is no way to end it. Raises PetsError."""

    def get_from(self, namespace: str, pod: str, port: str, path: str, timeout: float) -> tuple[int, str]:
        """Status and body (its beginning; untrusted text) of GET ``path`` from the pod's ``port`` (name or number, "https:" in
        front of it for TLS), through the API server. Raises PetsError."""
