"""Verdicts that rest on time alone need a server that was there in that time.

A pod that should have ended long ago blocks a rollout, and so does one that no node was found for. But while the API server was
away no kubelet could say that the pod is gone, and no scheduler that it has its place: once it is back they get as long again.
"""

from collections.abc import Sequence
from time import monotonic

from kubectl_pets.domain.rollout.members import TERMINATION_PATIENCE
from kubectl_pets.domain.rollout.verdict import Blocker, Cause

_BY_TIME = (
    Cause.TERMINATION_OVERDUE,
    Cause.FINALIZER,  # whoever takes it off could not either
    Cause.UNSCHEDULABLE,
    Cause.NOT_SCHEDULED,
    Cause.CLAIM_UNBOUND,
    Cause.VOLUME_NOT_MADE,
    Cause.NODE_SILENT,
    Cause.NOT_TAKEN_ON,
    Cause.NOT_MADE,
    Cause.NOT_DELETED,
    Cause.PART_NOT_MADE,
    Cause.UPDATE_UNFINISHED,
    Cause.NOT_OBSERVED,
)


class OutageGrace:
    """Keeps how long blockers that only time makes so may yet be the doing of an outage that is over."""

    def __init__(self) -> None:
        self._troubled = False
        self._end: float | None = None

    def note(self, troubled: bool) -> None:
        """Take note whether there is trouble with the server; to be told at every look."""
        if troubled != self._troubled:
            self._end = None if troubled else self._from_now()
        self._troubled = troubled

    def left(self, blockers: Sequence[Blocker]) -> float:
        """Seconds for which these are no reason yet to call it stuck; 0: they are."""
        if not blockers or any(blocker.cause not in _BY_TIME for blocker in blockers):
            return 0.0
        if self._troubled and self._end is None:
            self._end = self._from_now()  # a watch may be in trouble for good, and reads succeed
        return max(0.0, self._end - monotonic()) if self._end is not None else 0.0

    @staticmethod
    def _from_now() -> float:
        return monotonic() + TERMINATION_PATIENCE.total_seconds()
