"""A terminal window of a given size with the program in it, as a process of its own on a real pseudo-terminal."""

import codecs
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

from kubectl_pets.views.text.ink import Ink
from tests.views.emulator import Emulator

SIZES = [(80, 24), (120, 40), (200, 50)]

#: Seconds after which a program that says nothing more is taken for one that hangs.
_PATIENCE = 60.0

_PIECE = re.compile(r"\x1b\[([0-9;]+)m([^\x1b]*)\x1b\[0m|([^\x1b]+)")

#: The program as it is here.
PETS = (sys.executable, "-m", "kubectl_pets")

#: An escape sequence whose end has not come yet.
_HALF = re.compile(r"\x1b(\[[?0-9;]*)?$")

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Shown(NamedTuple):
    """How it ended, every line that it wrote from the first to the last, as the window shows them, and what was too wide."""

    code: int
    lines: list[str]
    wrapped: list[str]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class Window:
    """A program in a window of ``columns`` by ``rows``, which is its controlling terminal: stdin, stdout and stderr. Use as a
    context manager; leaving it ends the program."""

    def __init__(self, columns: int, rows: int, *words: str, program: Sequence[str] = PETS, **environ: str) -> None:
        self._ours, theirs = pty.openpty()
        self._columns, self._rows = columns, rows
        self.emulator = Emulator(columns, rows)
        self.written = ""
        self._decoder, self._left = codecs.getincrementaldecoder("utf-8")("replace"), ""
        self._set_size()
        surroundings = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "NO_COLOR")}
        self.process = subprocess.Popen(
            [*program, *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=surroundings | {"TERM": "xterm"} | environ,
            close_fds=True,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def until(self, there: Callable[[], bool], about: str = "") -> None:
        """Read what it writes until ``there`` says yes."""
        end = time.monotonic() + _PATIENCE
        while not there():
            assert time.monotonic() < end, f"{about}\n{self.text}"
            assert self._read(1.0) or there(), f"it has ended: {about}\n{self.text}"

    def until_seen(self, *texts: str) -> None:
        """Read until each of these stands in the window."""
        self.until(lambda: all(text in self.text for text in texts), " / ".join(texts))

    def type(self, keys: str) -> None:
        """As if somebody typed these, all at once."""
        os.write(self._ours, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        if columns < self._columns:
            self.emulator.narrow(columns)
        self.emulator.columns = columns
        self.emulator.lower(rows)
        self._columns, self._rows = columns, rows
        self._set_size()

    def end(self) -> int:
        """Read to the end; the exit code."""
        end = time.monotonic() + _PATIENCE
        while self._read(1.0):
            assert time.monotonic() < end, self.text
        return self.process.wait(_PATIENCE)

    @property
    def text(self) -> str:
        """What can be seen."""
        return self.emulator.text

    @property
    def cooked(self) -> bool:
        """Whether the terminal reads lines and shows what is typed, as it does for a shell."""
        wanted = termios.ICANON | termios.ECHO | termios.ISIG
        return int(termios.tcgetattr(self._ours)[3]) & wanted == wanted

    @property
    def whole(self) -> bool:
        """Whether all about the terminal is as a program found it."""
        emulator = self.emulator
        return self.cooked and emulator.behind is None and emulator.cursor_shown and not emulator.marks_pastes

    def _set_size(self) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", self._rows, self._columns, 0, 0))

    def _read(self, seconds: float) -> bool:
        """Whether there may be more to come."""
        if not select.select([self._ours], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self._ours, 65536)
        except OSError:  # how Linux says that nobody is left at the other end
            data = b""
        text = self._left + self._decoder.decode(data)
        self.written += text[len(self._left):]
        cut = text.rfind("\x1b") if _HALF.search(text) else len(text)
        self._left = text[cut:]
        self.emulator.feed(text[:cut])
        return bool(data)


def pieces(written: str) -> list[list[tuple[str, Ink]]]:
    """What a program wrote that only prints, line by line: each piece with its colour."""
    found: list[list[tuple[str, Ink]]] = []
    for line in written.replace("\r", "").removesuffix("\n").split("\n"):
        parts = _PIECE.findall(line)
        assert "".join(text or plain for _, text, plain in parts) == _COLOUR.sub("", line)
        found.append([(text or plain, Ink(ink)) for ink, text, plain in parts])
    return found


def shown(columns: int, rows: int, *words: str, **environ: str) -> Shown:
    """Run it to its end in a window of ``columns`` by ``rows``."""
    with Window(columns, rows, *words, **environ) as window:
        code = window.end()
    lines = [line.rstrip() for line in (*window.emulator.scrolled, *window.emulator.lines)]
    wide = [line for line in _COLOUR.sub("", window.written).replace("\r", "").split("\n") if len(line) > columns]
    return Shown(code, lines[:-1] if lines and not lines[-1] else lines, wide)
