"""Waiting for what has no watch of ours: a VolumeSnapshot, a claim that binds, a volume that is released.

It is looked at again and again, and the same outages are ridden out as by the loop over a set's watches.
"""

from collections.abc import Callable
from enum import Enum, auto, unique
from time import monotonic, sleep
from typing import TypeVar

from kubectl_pets.errors import ConflictError, PetsError
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.interrupts import Interrupted
from kubectl_pets.flows.engine.patience import PASSING, Patience

E = TypeVar("E")

#: Between two questions whether somebody wants it to stop, in seconds.
_BREATH = 0.05


@unique
class Unended(Enum):
    """Why nobody waits any longer."""

    #: Time is over.
    LATE = auto()
    #: Somebody pressed Ctrl-C, and it was held back.
    STOPPED = auto()


def never() -> bool:
    """Nobody pressed Ctrl-C, or it is not held back."""
    return False


def until(
    look: Callable[[], E | None],
    *,
    within: float | None = None,
    deadline: Deadline = Deadline(None),
    every: float = 0.5,
    held: Interrupted = never,
    troubled: Callable[[PetsError], object] = lambda failure: None,
) -> E | Unended:
    """What ``look`` returns once that is not None; it is asked at once, and then ``every`` so many seconds.

    ``within``: seconds that controllers may take for it, None: as long as they like. While the API server was away they could not
    go on, so they get as long again once it is back. ``deadline``: for how long somebody is willing to wait, whatever happens.
    ``held``: whether to stop. ``troubled`` hears of failures that are ridden out. Raises PetsError for what lasts.
    """
    patience = Patience(deadline, lambda seconds: _pause(seconds, held), troubled)
    end: Deadline | None = None
    while True:
        try:
            found = look()
        except PASSING as failure:
            patience.ride_out(failure)
            end = None
        else:
            patience.well_again()
            end = end or Deadline(within)
            if found is not None:
                return found
            if end.passed or deadline.passed:
                return Unended.LATE
            _pause(deadline.cap(every) or 0.0, held)
        if held():
            return Unended.STOPPED


def insist(do: Callable[[], E], patience: Patience) -> E:
    """What ``do`` returns, which reads, decides and then acts. After a conflict or a failure that passes it is done all over,
    because what it sent may have been carried out or not. Raises PetsError for what lasts."""
    while True:
        try:
            return do()
        except ConflictError:
            continue
        except PASSING as failure:
            patience.ride_out(failure)


def _pause(seconds: float, held: Interrupted) -> None:
    end = monotonic() + seconds
    while not held() and (left := end - monotonic()) > 0:
        sleep(min(_BREATH, left))
