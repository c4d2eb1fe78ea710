"""The picture that keeps itself up to date: repainted in place on a terminal, one line a change anywhere else.

While it lasts it has the terminal's other screen (DEC mode 1049, as editors do): a window that is made smaller there pushes
nothing into what can be scrolled back to. When it is over the last picture stays on the ordinary screen, below the command. A
picture is written in one go, so that nothing flickers. This is done by hand: CONTRIBUTING.md says why not with rich.
"""

import os
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from threading import RLock
from typing import Protocol, TextIO

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.views.rollout import lines, tree
from kubectl_pets.views.text.ink import cut, faint, plain, render

#: No picture follows another sooner than this, in seconds.
INTERVAL = 0.1

_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
_HOME, _CLEAR_LINE, _CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"
#: What is pasted comes between marks from now on (2004), so that it is not taken for keys.
_TAKE = f"\x1b[?1049h\x1b[?2004h{_HIDE_CURSOR}"
#: Wiped first: a terminal without another screen has the picture on its only one.
_GIVE_BACK = f"{_HOME}{_CLEAR_BELOW}\x1b[?2004l\x1b[?1049l{_SHOW_CURSOR}"


class Screen(Protocol):
    """What a painter has to know of the terminal; ``session.Terminal`` has it all."""

    stdout: TextIO
    live: bool
    colour: bool

    @property
    def width(self) -> int: ...


class Pace:
    """Keeps pictures apart. It waits instead of dropping one, so the last state is always shown, however long nothing follows."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._free_at = clock()

    def hold(self) -> None:
        left = self._free_at - self._clock()
        if left > 0:
            self._sleep(left)
        self._free_at = self._clock() + INTERVAL


class _Canvas:
    """The screen that the picture has for itself, and the way back from it. Others than the main thread may give it back, too."""

    def __init__(self, screen: Screen, size: Callable[[], tuple[int, int]] | None, pace: Pace | None) -> None:
        self._screen, self._size, self._pace = screen, size, pace or Pace()
        self._painted: tuple[tuple[int, int], list[str]] | None = None
        self._taken = False
        self._lock = RLock()
        #: A picture is being written: whoever wants the terminal back waits until it is.
        self.busy = False
        #: Whether the terminal is somebody else's at the moment; then nothing is painted.
        self.away: Callable[[], bool] = bool

    def size(self) -> tuple[int, int]:
        """Columns and rows right now. One column stays free, because a full line would wrap on some terminals; one row too, for
        the cursor."""
        columns, rows = self._size() if self._size is not None else self._ask()
        return max(1, columns - 1), max(2, rows - 1)

    def _ask(self) -> tuple[int, int]:
        try:
            size = os.get_terminal_size(self._screen.stdout.fileno())
        except (OSError, ValueError):
            return self._screen.width, 24
        return (size.columns, size.lines) if size.columns and size.lines else (self._screen.width, 24)

    @property
    def resized(self) -> bool:
        """Whether the window is another one than the picture was painted for."""
        return self._painted is not None and self._painted[0] != self.size()

    def paint(self, pictured: Sequence[str]) -> None:
        """Put the lines where the last ones are. The same picture again is not painted."""
        if self.away() or self._painted == (self.size(), list(pictured)):
            return
        self._pace.hold()
        with self._lock:
            self.busy = True
            try:
                text = "".join(f"{line}{_CLEAR_LINE}\n" for line in pictured)
                take = "" if self._taken else _TAKE
                self._taken = True  # first: an interrupt right after the writing must find that it is to be given back
                self._write(f"{take}{_HOME}{text}{_CLEAR_BELOW}")
                self._painted = self.size(), list(pictured)
            finally:
                self.busy = False

    def give_back(self) -> None:
        """The terminal as it was before, from any thread, and from a signal's handler unless it is ``busy``. The next ``paint``
        takes it again."""
        with self._lock:
            if self._taken:
                self._at_once(_GIVE_BACK)
            self._taken, self._painted = False, None

    def close(self, last: Sequence[str] | None) -> None:
        """Give the terminal back and leave these lines on it, if any."""
        with self._lock:
            text = "".join(f"{line}\n" for line in last or ())
            if self._taken or text:
                self._write((_GIVE_BACK if self._taken else "") + text)
            self._taken, self._painted = False, None

    def _write(self, text: str) -> None:
        self._screen.stdout.write(text)
        self._screen.stdout.flush()

    def _at_once(self, text: str) -> None:
        """Past the stream's buffer, which a handler must not enter a second time."""
        try:
            os.write(self._screen.stdout.fileno(), text.encode())
        except (OSError, ValueError):
            self._write(text)


class _OnCanvas:
    """What every picture is asked, whatever is in it."""

    def __init__(self, screen: Screen, size: Callable[[], tuple[int, int]] | None, pace: Pace | None) -> None:
        self._screen = screen
        self._canvas = _Canvas(screen, size, pace)

    @property
    def resized(self) -> bool:
        """Whether the window is another one than the picture was painted for."""
        return self._canvas.resized

    @property
    def busy(self) -> bool:
        """Whether a picture is being written right now."""
        return self._canvas.busy

    def not_while(self, away: Callable[[], bool]) -> None:
        """Paint nothing while ``away`` says that the terminal is somebody else's."""
        self._canvas.away = away

    def give_back(self) -> None:
        """The terminal as it was before, until the next picture."""
        self._canvas.give_back()


class Painter(_OnCanvas):
    """Shows one StatefulSet for as long as somebody watches. Use as a context manager: leaving it gives the terminal back."""

    def __init__(
        self, screen: Screen, *, size: Callable[[], tuple[int, int]] | None = None, pace: Pace | None = None
    ) -> None:
        super().__init__(screen, size, pace)
        self._before: Assessment | None = None
        self._shown: tuple[Assessment, datetime, str] | None = None
        self._footer = ""

    def __enter__(self) -> "Painter":
        return self

    def __exit__(self, *exc: object) -> None:
        self._canvas.close(self._picture(*self._shown) if self._shown is not None else None)

    def show(self, seen: Assessment, now: datetime, footer: str = "", *, status: Sequence[str] = (), log: bool = True) -> bool:
        """Show this state, and say whether there was anything to be shown. ``footer`` is a line below it; where there is no
        terminal it is printed when it changes, and not at all with ``log=False``: what is only waited for can be told from the
        pods' own lines. ``status``: lines of what goes on by the second, on a terminal only, and not in the picture that
        stays."""
        footer = clean(footer)
        if self._screen.live:
            self._shown = seen, now, footer
            self._canvas.paint(self._picture(seen, now, footer, status))
            return True
        told = lines.changes(self._before, seen, now)
        if log and footer and footer != self._footer:
            told.append(lines.stamped(footer, now))
        if log:
            self._footer = footer
        self._before = seen
        if told:
            self._log(told)
        return bool(told)

    def beat(self, seen: Assessment, now: datetime) -> None:
        """A line of the log that says that nothing has changed."""
        self._log([lines.still(seen, now)])

    def _log(self, told: Sequence[str]) -> None:
        self._screen.stdout.write("\n".join(told) + "\n")
        self._screen.stdout.flush()

    def _picture(self, seen: Assessment, now: datetime, footer: str, status: Sequence[str] = ()) -> list[str]:
        columns, rows = self._canvas.size()
        below = [*([plain(footer)] if footer else []), *(faint(clean(line)) for line in status)]
        room = rows - (len(below) + 1 if below else 0)
        drawn = tree.draw(seen, now, width=columns, height=room, colour=self._screen.colour).split("\n")
        told = [render((piece,), width=columns, colour=self._screen.colour) for piece in below]
        return [*drawn, *([""] if told else []), *told]


class TextPainter(_OnCanvas):
    """Shows a table for as long as somebody watches: on a terminal in place, elsewhere the lines that are new."""

    def __init__(
        self, screen: Screen, *, size: Callable[[], tuple[int, int]] | None = None, pace: Pace | None = None
    ) -> None:
        super().__init__(screen, size, pace)
        self._before: frozenset[str] = frozenset()
        self._shown: tuple[list[str], str, int] | None = None

    def __enter__(self) -> "TextPainter":
        return self

    def __exit__(self, *exc: object) -> None:
        self._canvas.close(self._fitted(*self._shown) if self._shown is not None else None)

    @property
    def rows(self) -> int | None:
        """How many lines of a table can be seen at all; None: every one, as anywhere but on a terminal."""
        return self._canvas.size()[1] if self._screen.live else None

    def show(self, text: str, footer: str = "", *, status: str = "", more: int = 0) -> None:
        """Show this table. On a terminal only: ``footer``, a line below it that stays however much there is above; ``status``,
        another one that is not in the picture that stays. ``more``: so many lines were left out at the end of ``text``."""
        shown = text.split("\n") if text else []
        if self._screen.live:
            self._shown = shown, footer, more
            self._canvas.paint(self._fitted(shown, footer, more, status))
            return
        new = [line for line in shown if line not in self._before]
        self._before = frozenset(shown)
        if new:
            self._screen.stdout.write("\n".join(new) + "\n")
            self._screen.stdout.flush()

    def _fitted(self, shown: list[str], footer: str, more: int = 0, status: str = "") -> list[str]:
        columns, rows = self._canvas.size()
        below = [line for line in (footer, render((faint(status),), width=None, colour=self._screen.colour)) if line]
        below = ["", *below] if below and shown else below
        room = max(1, rows - len(below))
        if more or len(shown) > room:
            kept = shown[: room - 1]
            shown = [*kept, f"… {len(shown) - len(kept) + more} more lines"]
        return [cut(line, columns) for line in (*shown, *below)]
