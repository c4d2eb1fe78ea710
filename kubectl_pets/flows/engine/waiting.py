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
    """Why waiting ended before what was waited for came."""

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
    every: float | None = 0.5,
    held: Interrupted = never,
    wait: Callable[[float | None], object] | None = None,
    troubled: Callable[[PetsError], object] = lambda failure: None,
) -> E | Unended:
    """What ``look`` returns once that is not None; it is asked at once, and then ``every`` so many seconds, or when ``wait`` ends
    earlier: that of a source of watches, which ends as soon as something changed (``every`` None: not before).

    ``within``: seconds that controllers may take for it, None: as long as they like. While the API server was away they could not
    go on, so they get as long again once it is back. ``deadline``: for how long somebody is willing to wait, whatever happens.
    ``held``: whether to stop. ``troubled`` hears of failures that are ridden out. Raises PetsError for what lasts.
    """
    pause = wait or (lambda seconds: _pause(seconds or 0.0, held))
    patience = Patience(deadline, pause, troubled)
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
            pause(deadline.cap(every))
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


def retried(
    ask: Callable[[], E],
    enough: Callable[[E], bool],
    failed: Callable[[PetsError], E],
    there: Callable[[], object],
    *,
    tries: int,
    deadline: Deadline = Deadline(None),
    every: float = 1.0,
) -> E:
    """The first answer of ``ask`` that is ``enough``, else the last of so many ``tries``, one ``every`` so many seconds and none
    after the ``deadline`` but the first.

    A try that raises a PetsError has the answer ``failed``, unless the API server itself is away, so that nobody was asked: then
    ``there``, which reads anything from it, raises as well, and that is left to whoever rides out outages."""
    for left in reversed(range(tries)):
        try:
            answer = ask()
        except PetsError as failure:
            if isinstance(failure, PASSING):
                _raise_if_away(there)
            answer = failed(failure)
        if enough(answer) or deadline.passed or not left:
            break
        sleep(deadline.cap(every) or 0.0)
    return answer


def _raise_if_away(there: Callable[[], object]) -> None:
    try:
        there()
    except PASSING:
        raise
    except PetsError:
        pass  # an answer


def _pause(seconds: float, held: Interrupted) -> None:
    end = monotonic() + seconds
    while not held() and (left := end - monotonic()) > 0:
        sleep(min(_BREATH, left))
