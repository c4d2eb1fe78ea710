"""Says what is going on while a person waits.

A cold build takes a quarter of an hour and would otherwise look like a hang: on a terminal one line is kept up to date,
elsewhere (a log, CI) a line is added now and then, so that there is never a silent minute.
"""

from __future__ import annotations

import shutil
import time
from typing import TextIO


def elapsed(seconds: float) -> str:
    """A duration as a person says it: 4.2 s, 12 min 05 s."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"


class Progress:
    """Lines that stay (`say`) and lines that only show that something lives (`beat`)."""

    def __init__(self, stream: TextIO, every: float = 15.0) -> None:
        self._stream = stream
        self._every = every
        self._terminal = stream.isatty()
        self._transient = False
        self._last = time.monotonic()

    def say(self, text: str) -> None:
        self._wipe()
        self._write(text + "\n")

    def beat(self, text: str) -> None:
        """Called as often as the caller likes; shown in place on a terminal, elsewhere only every so often."""
        if self._terminal:
            self._wipe()
            self._transient = True
            # A line that wraps could not be wiped.
            self._write(text[:shutil.get_terminal_size().columns - 1])
        elif time.monotonic() - self._last >= self._every:
            self._write(text + "\n")

    def _wipe(self) -> None:
        if self._transient:
            self._stream.write("\r\x1b[K")
            self._transient = False

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
        self._last = time.monotonic()
