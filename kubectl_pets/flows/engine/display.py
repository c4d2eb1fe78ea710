"""A terminal while a picture is on it: drawn anew each second and in another window, keys, and given back whole however it
ends."""

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from time import monotonic, sleep, thread_time
from types import FrameType
from typing import Protocol

from kubectl_pets.flows.engine.interrupts import whole
from kubectl_pets.flows.engine.keys import Keyboard, KeyPressed
from kubectl_pets.lending import hosting
from kubectl_pets.session import Terminal

#: Seconds between two looks at keys and window, and between two pictures of which only the time differs.
_BEAT, TICK = 0.1, 1.0

#: So many times as long as a picture took the processor is rested after it, and this long at most, in seconds: pictures are to
#: take a fiftieth of a core, for what changes takes its share, too.
_REST, _LONGEST_REST = 49.0, 0.5

#: A change that comes while a picture is made is in the next one: both, and the rest between them, are to be over by then, in
#: seconds. The next one is taken to need as long as the slowest of so many before it: on a busy machine one may wait for a
#: processor for longer than another.
_SEEN_WITHIN, _REMEMBERED = 0.9, 16

#: However long pictures need, this much is rested, in seconds, or so many times as long as the last one took the processor, if
#: that is less.
_SHORTEST_REST, _LEAST = 0.3, 9.0

Wait = Callable[[float | None], bool]


class Breather:
    """Waits on between two pictures, so that they take a small share of a core however many sets they show: after one that took
    long, for longer, but what has changed is seen within a second: where one was held up the rests are shorter. ``wait``: for
    changes."""

    def __init__(self, wait: Wait) -> None:
        self._wait, self._rest_ends = wait, 0.0
        self._taken: deque[float] = deque(maxlen=_REMEMBERED)

    def timed(self, picture: Callable[[], None]) -> None:
        """Make one."""
        began, spent = monotonic(), thread_time()
        picture()
        over, spent = monotonic(), thread_time() - spent
        self._taken.append(over - began)
        left = _SEEN_WITHIN - (over - began) - max(self._taken)
        least = min(_SHORTEST_REST, _LEAST * spent)
        self._rest_ends = over + min(_LONGEST_REST, _REST * spent, max(least, left))

    def wait(self, seconds: float | None) -> bool:
        """As ``wait``; what changes meanwhile is told once the rest is over."""
        rest = self._rest_ends - monotonic()
        if rest > 0:
            sleep(rest if seconds is None else min(rest, seconds))
            if seconds is not None:
                if seconds <= rest:
                    return False
                seconds -= rest
        return self._wait(seconds)


class Painted(Protocol):
    """What a painter has to offer to whoever gives it the terminal."""

    @property
    def resized(self) -> bool: ...
    @property
    def busy(self) -> bool: ...

    def not_while(self, away: Callable[[], bool]) -> None: ...
    def give_back(self) -> None: ...


class Display:
    """The beats of one picture. ``offered``: which keys mean something, asked for at the first beat; None: no keys are taken."""

    def __init__(self, terminal: Terminal, painter: Painted, offered: Callable[[], str] | None = None) -> None:
        self._terminal, self._painter, self._offered = terminal, painter, offered
        self._keyboard = Keyboard(terminal.stdin) if offered is not None and terminal.interactive else None
        self._lent: Callable[[], bool] = bool
        self._lock = threading.RLock()
        #: A signal that came while a picture was being written.
        self._held: int | None = None
        self._began = monotonic()
        self._beat_at, self._next = self._began + _BEAT, self._began + TICK
        #: Those that are taken by now.
        self.keys = ""

    @property
    def elapsed(self) -> float:
        """Seconds since it began."""
        return monotonic() - self._began

    def painted(self) -> None:
        """There is a new picture: the next tick is a second from now, and what was held back for it takes effect."""
        self._next = monotonic() + TICK
        if self._held is not None:
            self._obey(self._held)

    def ticking(self, wait: Wait, redraw: Callable[[], None]) -> Wait:
        """A wait that is as long as ``wait``, with a ``redraw`` each second and whenever the window is another one. Raises
        KeyPressed."""

        def waited(timeout: float | None) -> bool:
            end = None if timeout is None else monotonic() + timeout
            while True:
                if monotonic() >= self._beat_at:  # also where something changes all the time
                    self._beat(redraw)
                left = self._beat_at - monotonic()
                if wait(max(0.0, left if end is None else min(left, end - monotonic()))):
                    return True
                if end is not None and monotonic() >= end:
                    return False

        return waited

    def _beat(self, redraw: Callable[[], None]) -> None:
        self._beat_at = monotonic() + _BEAT
        if self._away():
            return
        self._listen()
        if self._painter.resized or monotonic() >= self._next:
            redraw()
            self.painted()

    def _away(self) -> bool:
        """Whether the terminal is lent, or the shell has put this program into the background."""
        away = self._lent()
        if sys.platform != "win32" and not away:
            with suppress(OSError, ValueError):  # it is not the terminal that this program is controlled by
                away = os.tcgetpgrp(self._terminal.stdout.fileno()) != os.getpgrp()
        return away

    def _listen(self) -> None:
        if self._keyboard is None or self._offered is None:
            return
        if not self.keys:
            self.keys = self._offered()
            self._next = monotonic()
        with self._lock:  # whoever borrows the terminal meanwhile gets it after this, as it was
            pressed = self._keyboard.pressed() if not self._lent() else None
        if pressed is not None and pressed in self.keys:
            raise KeyPressed(pressed)

    def give_back(self) -> None:
        """The terminal as it was before, until the next beat."""
        with self._lock:
            if self._keyboard is not None:
                self._keyboard.give_back()
        self._painter.give_back()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """For as long as the picture is there. Ctrl-Z and Ctrl-\\ give the terminal back first."""
        with ExitStack() as stack:
            stack.callback(whole, self.give_back)
            self._lent = stack.enter_context(hosting(self.give_back))
            self._painter.not_while(self._away)
            if sys.platform != "win32" and threading.current_thread() is threading.main_thread():
                for number in (signal.SIGTSTP, signal.SIGQUIT):
                    if signal.getsignal(number) is signal.SIG_DFL:
                        stack.callback(signal.signal, number, signal.signal(number, self._signalled))
            yield

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        if self._painter.busy:
            self._held = number
        else:
            self._obey(number)

    def _obey(self, number: int) -> None:
        """Give the terminal back, do what the signal does to any program, and go on from here once it is continued."""
        self._held = None
        self.give_back()
        if sys.platform != "win32":
            mine = signal.signal(number, signal.SIG_DFL)
            signal.pthread_kill(threading.get_ident(), number)
            signal.signal(number, mine)
        self._next = monotonic()
