"""A terminal window of a given size with the program in it, as a process of its own on a real pseudo-terminal."""

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
from typing import NamedTuple

from tests.views.emulator import Emulator

SIZES = [(80, 24), (120, 40), (200, 50)]

#: Seconds after which a program that says nothing more is taken for one that hangs.
_PATIENCE = 60.0

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Shown(NamedTuple):
    """How it ended, every line that it wrote from the first to the last, as the window shows them, and what was too wide."""

    code: int
    lines: list[str]
    wrapped: list[str]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def shown(columns: int, rows: int, *words: str, **environ: str) -> Shown:
    """Run it to its end in a window of ``columns`` by ``rows``: stdin, stdout and stderr are the terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    surroundings = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "NO_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-m", "kubectl_pets", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=surroundings | {"TERM": "xterm"} | environ,
        close_fds=True,
    )
    os.close(theirs)
    try:
        written = _until_closed(ours)
        code = process.wait(_PATIENCE)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    window = Emulator(columns, rows)
    window.feed(written)
    lines = [line.rstrip() for line in (*window.scrolled, *window.lines)]
    wide = [line for line in _COLOUR.sub("", written).replace("\r", "").split("\n") if len(line) > columns]
    return Shown(code, lines[:-1] if lines and not lines[-1] else lines, wide)


def _until_closed(ours: int) -> str:
    data, end = b"", time.monotonic() + _PATIENCE
    while True:
        assert time.monotonic() < end, data.decode(errors="replace")
        if not select.select([ours], [], [], 1.0)[0]:
            continue
        try:
            more = os.read(ours, 65536)
        except OSError:  # how Linux says that nobody is left at the other end
            more = b""
        if not more:
            return data.decode(errors="replace")
        data += more
