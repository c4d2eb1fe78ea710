"""Failures that pass by themselves, waited out: an API server that is restarted, or asks to come back later."""

from collections.abc import Callable
from time import sleep
from typing import TypeVar

from kubectl_pets.errors import PetsError, ServerError, ThrottledError, UnreachableError
from kubectl_pets.flows.engine.deadline import Deadline

_R = TypeVar("_R")

#: Failures that pass by themselves; everything else lasts, and ends what was under way.
PASSING = (UnreachableError, ServerError, ThrottledError)

#: How long they are waited out, in seconds, where the deadline does not come first.
_PATIENCE = 300.0

#: Seconds until the next try, where the server does not ask for more (Retry-After).
_PAUSE = 1.0


class Patience:
    """How long failures of one run that may pass are waited out. ``pause`` waits so many seconds, or less; None: it sleeps.
    ``troubled`` is told of every failure."""

    def __init__(
        self,
        deadline: Deadline,
        pause: Callable[[float], object] | None = None,
        troubled: Callable[[PetsError], object] = lambda failure: None,
    ) -> None:
        self._deadline, self._pause, self._troubled = deadline, pause or sleep, troubled
        self._end: Deadline | None = None

    def ride_out(self, failure: PetsError) -> None:
        """Wait a moment after a failure that may pass; raises it once patience or time is over."""
        self._troubled(failure)
        if self._end is None:
            self._end = Deadline(_PATIENCE)
        if self._deadline.passed or self._end.passed:
            raise failure
        asked = failure.retry_after if isinstance(failure, ThrottledError) else 0.0
        self._pause(self._deadline.cap(self._end.cap(max(asked, _PAUSE))) or 0.0)

    def well_again(self) -> None:
        """The server answered: the next failure is waited out from its own beginning."""
        self._end = None

    def read(self, read: Callable[[], _R]) -> _R:
        """What ``read`` returns, as soon as it can be read. Raises PetsError: what lasts."""
        while True:
            try:
                found = read()
            except PASSING as failure:
                self.ride_out(failure)
            else:
                self.well_again()
                return found
