"""Single keys of somebody who sits there and looks at a picture. What is pasted, piped or typed ahead is never taken for one.

A key counts when it came by itself: nothing with it, nothing right before or after it, and not between the marks in which
terminals wrap what is pasted (DEC mode 2004, which the picture turns on). Arrows and the like are several characters at once.
"""

import os
import sys
from contextlib import suppress
from typing import Any, TextIO

_PASTE, _PASTED = b"\x1b[200~", b"\x1b[201~"


class KeyPressed(Exception):
    """Somebody pressed one of the keys that were offered; raised out of a wait, where nothing is broken off."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class Lone:
    """Tells keys from text: give it what was read at each beat, empty where nothing was."""

    def __init__(self) -> None:
        self._tail, self._pasting, self._quiet, self._waiting = b"", False, True, ""

    def key(self, read: bytes) -> str | None:
        """The key that came by itself one beat ago; None: there was none."""
        waiting, quiet = self._waiting, self._quiet
        self._waiting, self._quiet = "", not read
        if not read:
            return waiting or None
        text = self._tail + read
        self._tail = text[-len(_PASTE) + 1:]
        begun, ended = text.rfind(_PASTE), text.rfind(_PASTED)
        if begun != ended:  # neither: both are -1
            self._pasting = begun > ended
        if len(read) == 1 and quiet and not waiting and not self._pasting:
            self._waiting = read.decode("latin-1")
        return None


class Keyboard:
    """The keys of a terminal, without waiting for a line and without showing them. Nothing is taken where the program is not in
    the foreground, or ``stdin`` is no terminal."""

    def __init__(self, stdin: TextIO) -> None:
        self._stdin, self._lone = stdin, Lone()
        self._before: Any = None
        self._half = False

    def pressed(self) -> str | None:
        """To be asked at each beat. Takes the terminal's keys where it has not."""
        return self._lone.key(self._read()) if self._attends() else None

    def give_back(self) -> None:
        """The terminal reads lines again, beginning with what is typed from now on. Safe to call at any moment."""
        before, self._before = self._before, None
        if before is not None and sys.platform != "win32":
            import termios

            with suppress(OSError, ValueError, termios.error):
                termios.tcsetattr(self._stdin.fileno(), termios.TCSAFLUSH, before)

    def _of_console(self, character: str) -> bytes:
        """One character of a Windows console. An arrow or another key without a letter is two: 0 or 0xE0, then a code that is a
        letter's as well (Ctrl+Left: "s"), and the second is not always there when the first is read (``_getwch``). 0xE0 is also
        an à that somebody types: then the key after it counts for nothing."""
        half, self._half = self._half, not self._half and character in "\x00\xe0"
        return b"\0\0" if half or self._half else character.encode("utf-8", "replace")

    def _attends(self) -> bool:
        attends = True
        if sys.platform != "win32":
            import termios

            try:
                number = self._stdin.fileno()
                attends = os.tcgetpgrp(number) == os.getpgrp()
                if attends and self._before is None:
                    before, mode = termios.tcgetattr(number), termios.tcgetattr(number)
                    mode[3] &= ~(termios.ICANON | termios.ECHO)
                    mode[6][termios.VMIN], mode[6][termios.VTIME] = 0, 0
                    self._before, self._lone = before, Lone()
                    termios.tcsetattr(number, termios.TCSAFLUSH, mode)
            except (OSError, ValueError, termios.error):
                attends = False
        return attends

    def _read(self) -> bytes:
        read = b""
        if sys.platform == "win32":
            import msvcrt

            while msvcrt.kbhit():
                read += self._of_console(msvcrt.getwch())
        else:
            with suppress(OSError):
                read = os.read(self._stdin.fileno(), 4096)
        return read
