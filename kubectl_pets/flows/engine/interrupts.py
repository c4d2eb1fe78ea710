"""Ctrl-C, SIGTERM and SIGHUP that take effect where nothing is broken off.

Inside ``held_back`` they are only noted, however often they come, because impatience is no reason to leave something half done.
Only where the work has not come to a stop long after the first one (a server that does not answer) does another one break it off.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from types import FrameType

#: What asks the program to end. Windows has no SIGHUP, and is alone with Ctrl+Break.
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))

#: A question: was there a Ctrl-C?
Interrupted = Callable[[], bool]

#: So many seconds after the first Ctrl-C another one breaks off what is being done.
_LONG = 10.0


@contextmanager
def held_back(long: float = _LONG, clock: Callable[[], float] = monotonic) -> Iterator[Interrupted]:
    """Hold what asks the program to end back until the block is through; yields the question whether one came. Outside of the
    main thread, which alone gets signals, nothing is held back and none ever comes."""
    came: list[float] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(clock())
        if came[-1] - came[0] > long:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, note) for number in heard}
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def whole(do: Callable[[], None]) -> None:
    """Call ``do`` without letting Ctrl-C break it off; one that came meanwhile takes effect afterwards, as KeyboardInterrupt,
    also where ``do`` failed."""
    with held_back() as held:
        try:
            do()
        finally:
            if held():
                raise KeyboardInterrupt
