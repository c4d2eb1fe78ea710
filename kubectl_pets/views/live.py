"""The picture that keeps itself up to date: repainted in place on a terminal, one line a change anywhere else.

A picture is overwritten line by line and written in one go, so that nothing flickers, and stays on the screen when the watch is
over. This is done by hand: five escape sequences are all it takes, and rich takes longer to import than a picture to appear.
"""

import os
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TextIO

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.views.rollout import lines, tree
from kubectl_pets.views.text.ink import bare, cells, cut, plain, render

#: No picture follows another sooner than this, in seconds.
INTERVAL = 0.1

_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
_CLEAR_LINE, _CLEAR_BELOW = "\x1b[K", "\x1b[J"


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
    """The place on a terminal where the picture is, and the way back to its first line."""

    def __init__(self, screen: Screen, size: Callable[[], tuple[int, int]] | None, pace: Pace | None) -> None:
        self._screen, self._size, self._pace = screen, size, pace or Pace()
        self._painted: list[str] = []
        self._used = False

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

    def paint(self, pictured: Sequence[str]) -> None:
        """Put the lines where the last ones are. The same picture again is not painted."""
        if self._used and list(pictured) == self._painted:
            return
        self._pace.hold()
        self.write(pictured)

    def write(self, pictured: Sequence[str]) -> None:
        """As ``paint``, but at once and whether or not it is the same picture."""
        up = self._rows_up()
        back = f"\x1b[{up}A\r" if up else "\r"
        text = "".join(f"{line}{_CLEAR_LINE}\n" for line in pictured)
        self._used = True
        self._screen.stdout.write(f"{_HIDE_CURSOR}{back}{text}{_CLEAR_BELOW}")
        self._screen.stdout.flush()
        self._painted = list(pictured)

    def _rows_up(self) -> int:
        """Rows from the cursor to the picture's first line. In a terminal made narrower, long lines now take several."""
        columns, rows = self.size()
        return min(sum(max(1, -(-cells(bare(line)) // (columns + 1))) for line in self._painted), rows)

    def close(self) -> None:
        if self._used:
            self._screen.stdout.write(_SHOW_CURSOR)
            self._screen.stdout.flush()


class Painter:
    """Shows one StatefulSet for as long as somebody watches. Use as a context manager: leaving it gives the cursor back."""

    def __init__(
        self, screen: Screen, *, size: Callable[[], tuple[int, int]] | None = None, pace: Pace | None = None
    ) -> None:
        self._screen = screen
        self._canvas = _Canvas(screen, size, pace)
        self._before: Assessment | None = None
        self._owed: tuple[Assessment, datetime, str] | None = None
        self._footer = ""

    def __enter__(self) -> "Painter":
        return self

    def __exit__(self, *exc: object) -> None:
        try:
            if self._owed is not None:  # interrupted while it was held back
                self._canvas.write(self._picture(*self._owed))
        finally:
            self._canvas.close()

    def show(self, seen: Assessment, now: datetime, footer: str = "", *, log: bool = True) -> None:
        """Show this state. ``footer`` is a line below it; where there is no terminal it is printed when it changes, and not at
        all with ``log=False``: what is only waited for can be told from the pods' own lines."""
        footer = clean(footer)
        if self._screen.live:
            self._owed = (seen, now, footer)
            self._canvas.paint(self._picture(seen, now, footer))
            self._owed = None
            return
        told = lines.changes(self._before, seen, now)
        if log and footer and footer != self._footer:
            told.append(lines.stamped(footer, now))
        if log:
            self._footer = footer
        self._before = seen
        if told:
            self._screen.stdout.write("\n".join(told) + "\n")
            self._screen.stdout.flush()

    def _picture(self, seen: Assessment, now: datetime, footer: str) -> list[str]:
        columns, rows = self._canvas.size()
        room = rows - (2 if footer else 0)
        drawn = tree.draw(seen, now, width=columns, height=room, colour=self._screen.colour).split("\n")
        return [*drawn, "", render((plain(footer),), width=columns, colour=False)] if footer else drawn


class TextPainter:
    """Shows a table for as long as somebody watches: on a terminal in place, elsewhere the lines that are new."""

    def __init__(
        self, screen: Screen, *, size: Callable[[], tuple[int, int]] | None = None, pace: Pace | None = None
    ) -> None:
        self._screen = screen
        self._canvas = _Canvas(screen, size, pace)
        self._before: frozenset[str] = frozenset()

    def __enter__(self) -> "TextPainter":
        return self

    def __exit__(self, *exc: object) -> None:
        self._canvas.close()

    def show(self, text: str, footer: str = "") -> None:
        """Show this table. ``footer``: a line below it, on a terminal only, that stays however much there is above."""
        shown = text.split("\n") if text else []
        if self._screen.live:
            self._canvas.paint(self._fitted(shown, footer))
            return
        new = [line for line in shown if line not in self._before]
        self._before = frozenset(shown)
        if new:
            self._screen.stdout.write("\n".join(new) + "\n")
            self._screen.stdout.flush()

    def _fitted(self, shown: list[str], footer: str) -> list[str]:
        columns, rows = self._canvas.size()
        below = ["", footer] if footer and shown else [footer] if footer else []
        room = max(1, rows - len(below))
        if len(shown) > room:
            shown = [*shown[: room - 1], f"… {len(shown) - room + 1} more lines"]
        return [cut(line, columns) for line in (*shown, *below)]
