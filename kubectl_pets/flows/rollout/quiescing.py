"""Commands in a pod around the moment in which the storage makes its cut: one that has a database stand still, one that lets it
go.

Whatever happens to the snapshot, the second one runs once the first one has begun: after a failure, and after Ctrl-C, which is
held back meanwhile. What could not be let go is remembered, tried again, and named at the end.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import msgspec

from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.errors import PetsError
from kubectl_pets.flows.engine.interrupts import Interrupted, held_back
from kubectl_pets.flows.engine.waiting import retried
from kubectl_pets.flows.rollout.gates import GatePort, in_pod
from kubectl_pets.flows.rollout.snapshot_types import SnapshotTerms

R = TypeVar("R")

#: So many seconds pods may stand still for the storage to make its cut.
STANDING_STILL = 60.0


class CommandFailed(msgspec.Struct, frozen=True):
    """``told``: the flag, the pod and what the command said; untrusted text."""

    told: str


class Quiescing:
    """The commands of one run. ``held``: the pods in which the first command has begun and the second one has not passed."""

    def __init__(self, cluster: GatePort, terms: SnapshotTerms) -> None:
        self._cluster, self._terms = cluster, terms
        self.held: dict[str, Assessment] = {}

    @property
    def wanted(self) -> bool:
        return bool(self._terms.before)

    def around(self, seen: Assessment, pods: Sequence[str], do: Callable[[Interrupted], R]) -> R | CommandFailed:
        """What ``do`` returns, with these pods held meanwhile. It is told of Ctrl-C, which takes effect afterwards, as
        KeyboardInterrupt. Raises PetsError while the API server is away."""
        with held_back() as interrupted:
            try:
                failed = self._hold(seen, pods, interrupted)
                found = do(interrupted) if failed is None else failed
            finally:
                stuck = self._let_all_go(pods)
        if interrupted():
            raise KeyboardInterrupt
        return stuck or found

    def _hold(self, seen: Assessment, pods: Sequence[str], interrupted: Interrupted) -> CommandFailed | None:
        """One after the other, until one fails or somebody wants it to stop."""
        for pod in pods:
            self.held[pod] = seen
            failed = self._run(seen, pod, "--before-snapshot", self._terms.before, tries=1)
            if failed is not None or interrupted():
                return failed
        return None

    def _let_all_go(self, pods: Sequence[str]) -> CommandFailed | None:
        """Each that was held, whatever becomes of the others; the first that does not go. Raises PetsError while the API server
        is away."""
        stuck: CommandFailed | None = None
        away: PetsError | None = None
        for pod in pods:
            try:
                failed = self.let_go(pod) if pod in self.held else None
            except PetsError as failure:
                away = failure
            else:
                stuck = stuck or failed
        if away is not None:
            raise away
        return stuck

    def let_go(self, pod: str) -> CommandFailed | None:
        """Run the second command, a few times where it fails. Raises PetsError while the API server is away."""
        seen = self.held[pod]
        failed = self._run(seen, pod, "--after-snapshot", self._terms.after, tries=1 + self._terms.retries)
        if failed is None:
            del self.held[pod]
        return failed

    def let_go_of_what_was_left(self, seen: Assessment, pod: str) -> None:
        """Once, in a pod whose snapshot an earlier run asked for: that run may have been killed before it could. There is nothing
        to be let go if it was not, and then the command may well fail."""
        self._run(seen, pod, "--after-snapshot", self._terms.after, tries=1)

    def end(self) -> tuple[str, ...]:
        """Try what is left once more; the pods that are held still."""
        for pod in tuple(self.held):
            try:
                self.let_go(pod)
            except PetsError:
                continue  # it is named
        return tuple(self.held)

    def _run(self, seen: Assessment, pod: str, flag: str, command: str, *, tries: int) -> CommandFailed | None:
        if not command:
            return None
        said = retried(
            partial(in_pod, self._cluster, command, seen.namespace, pod, self._terms.patience),
            lambda answer: answer is None,
            lambda failure: failure.message,
            partial(self._cluster.stateful_set, seen.namespace, seen.name, seen.kind),
            tries=tries,
        )
        return CommandFailed(f"{flag} {command!r} in {pod}: {said.strip()}") if said is not None else None
