"""Between two looks at one set: a burst of changes is looked at as one."""

from collections.abc import Callable
from time import monotonic, sleep, thread_time

#: So many times as long as the last look took the processor is rested after it, and this long at most, in seconds: a step is to
#: follow its pods within a tenth.
_REST, _LONGEST = 3.0, 0.05


class Rests:
    """Waits for changes, and does not tell of one before the rest after the last look is over. Of a set of many pods each change
    takes a while to judge, and they come in bursts, of which only what they come to has to be known: the processor is better left
    to those who make them. ``wait``: for changes, so many seconds at most (None: for ever)."""

    def __init__(self, wait: Callable[[float | None], bool]) -> None:
        self._wait, self._used = wait, thread_time()

    def begin(self) -> None:
        """A look begins."""
        self._used = thread_time()

    def wait(self, seconds: float | None) -> None:
        """As ``wait``, after a look; of a time that is up it tells at once."""
        began = monotonic()
        rest = min(_LONGEST, _REST * (thread_time() - self._used))
        if self._wait(seconds):
            left = began + rest - monotonic()
            sleep(max(0.0, left if seconds is None else min(left, began + seconds - monotonic())))
