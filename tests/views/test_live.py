"""The picture that keeps itself up to date, seen through a terminal."""

import errno
import io
import os
import subprocess
import sys
from datetime import timedelta

import pytest

from kubectl_pets.views.live import INTERVAL, Pace, Painter, TextPainter
from kubectl_pets.views.rollout import tree
from tests.terminal import FakeTerminal
from tests.views import builders
from tests.views.builders import NOW
from tests.views.emulator import Emulator

LATER = NOW + timedelta(seconds=2)


class Clock:
    """A clock that only moves when somebody sleeps on it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def pace(self) -> Pace:
        return Pace(self.read, self.sleep)


class Window:
    """A painter, the terminal that it paints on, and what can be seen there."""

    def __init__(self, columns: int = 100, rows: int = 40) -> None:
        self.terminal = FakeTerminal(live=True)
        self.terminal.colour = False
        self.emulator = Emulator(columns, rows)
        self.clock = Clock()
        self.painter = Painter(self.terminal, size=self.size, pace=self.clock.pace())
        self.tables = TextPainter(self.terminal, size=self.size, pace=self.clock.pace())
        self._read = 0

    def size(self) -> tuple[int, int]:
        return self.emulator.columns, self.emulator.rows

    @property
    def seen(self) -> str:
        self.written()
        return self.emulator.text

    def written(self) -> str:
        """What was written since the last look."""
        new = self.terminal.stdout_text[self._read:]
        self._read += len(new)
        self.emulator.feed(new)
        return new


def test_the_picture_is_replaced_and_nothing_of_the_old_one_stays() -> None:
    window = Window()
    window.emulator.feed("$ kubectl pets status web -w\n")
    with window.painter as painter:
        painter.show(builders.stuck(), NOW)
        assert window.seen == tree.draw(builders.stuck(), NOW)
        painter.show(builders.complete(), LATER)
        assert window.seen == tree.draw(builders.complete(), LATER)
        painter.show(builders.stuck(), LATER)
        assert window.seen == tree.draw(builders.stuck(), LATER)
    assert window.seen == "$ kubectl pets status web -w\n" + tree.draw(builders.stuck(), LATER)
    assert window.emulator.scrolled == []


def test_the_last_picture_stays_and_the_cursor_comes_back_below_it() -> None:
    window = Window()
    with window.painter as painter:
        painter.show(builders.paused(), NOW)
        window.written()
        during = window.emulator.cursor_shown, window.emulator.marks_pastes
    window.written()
    assert (during, (window.emulator.cursor_shown, window.emulator.marks_pastes)) == ((False, True), (True, False))
    window.emulator.feed("$ ")
    assert window.seen == tree.draw(builders.paused(), NOW) + "\n$"


def test_the_cursor_comes_back_after_an_interrupt() -> None:
    window = Window()
    with pytest.raises(KeyboardInterrupt), window.painter as painter:
        painter.show(builders.paused(), NOW)
        raise KeyboardInterrupt
    assert window.seen == tree.draw(builders.paused(), NOW)
    assert window.emulator.cursor_shown


def test_the_cursor_comes_back_after_an_interrupt_at_once_after_the_first_picture() -> None:
    """Whoever reads it types Ctrl-C before the program is told that the picture is out."""
    window = Window()

    class Interrupting(io.StringIO):
        interrupts = 1

        def flush(self) -> None:
            super().flush()
            self.interrupts -= 1
            if self.interrupts == 0:
                raise KeyboardInterrupt

    window.terminal.stdout = stream = Interrupting()
    with pytest.raises(KeyboardInterrupt), window.painter as painter:
        painter.show(builders.paused(), NOW)
    window.emulator.feed(stream.getvalue())
    assert window.emulator.text == tree.draw(builders.paused(), NOW)
    assert window.emulator.cursor_shown


def test_every_state_is_painted_and_no_sooner_than_the_interval() -> None:
    window = Window()
    with window.painter as painter:
        painter.show(builders.staged(), NOW)
        assert window.clock.slept == []
        painter.show(builders.stuck(), NOW)
        assert window.clock.slept == [pytest.approx(INTERVAL)]
        assert window.seen == tree.draw(builders.stuck(), NOW)
        window.clock.now += 5
        painter.show(builders.complete(), NOW)
        assert window.clock.slept == [pytest.approx(INTERVAL)]


def test_interrupted_while_a_picture_is_held_back_it_is_painted_all_the_same() -> None:
    window = Window()

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    painter = Painter(window.terminal, size=window.size, pace=Pace(window.clock.read, interrupted))
    with pytest.raises(KeyboardInterrupt), painter:
        painter.show(builders.staged(), NOW)
        painter.show(builders.complete(), NOW)
    assert window.seen == tree.draw(builders.complete(), NOW)


def test_the_same_picture_is_not_painted_again() -> None:
    window = Window()
    with window.painter as painter:
        painter.show(builders.paused(), NOW)
        window.written()
        painter.show(builders.paused(), NOW)
        assert window.written() == ""


def test_a_picture_is_one_write() -> None:
    """Written in pieces it could be seen half done."""
    writes: list[str] = []

    class Counting(io.StringIO):
        def write(self, text: str) -> int:
            writes.append(text)
            return super().write(text)

        def isatty(self) -> bool:
            return True

    terminal = FakeTerminal(live=True)
    terminal.stdout = Counting()
    with Painter(terminal) as painter:
        painter.show(builders.paused(), NOW)
        assert len(writes) == 1


def test_the_footer_stands_below_the_picture() -> None:
    window = Window()
    with window.painter as painter:
        painter.show(builders.paused(), NOW, footer="connection lost: \x1b]0;title\x07retrying")
        assert window.seen == tree.draw(builders.paused(), NOW) + "\n\nconnection lost: retrying"
        painter.show(builders.paused(), NOW)
        assert window.seen == tree.draw(builders.paused(), NOW)


@pytest.mark.parametrize("footer", ["", "waiting for web-60 to be created"])
def test_a_tall_tree_is_folded_into_the_window(footer: str) -> None:
    window = Window(columns=80, rows=20)
    with window.painter as painter:
        for _ in range(3):
            painter.show(builders.large(), NOW, footer=footer)
            painter.show(builders.complete(), NOW)
        painter.show(builders.large(), NOW, footer=footer)
        shown = window.seen
    assert window.emulator.scrolled == []
    assert shown.startswith("default/web  progressing\n")
    assert "web-60   · missing" in shown
    assert shown.endswith(footer or "└─ Waits for   web-60 to be created")


@pytest.mark.parametrize("columns", range(30, 120))
def test_a_window_made_smaller(columns: int) -> None:
    """The old picture's long lines take several rows now; all of them have to go, and what was there before comes back."""
    window = Window(columns=120, rows=60)
    window.emulator.feed("$ kubectl pets\n")
    with window.painter as painter:
        painter.show(builders.stuck(), NOW)
        window.written()
        window.emulator.narrow(columns)
        painter.show(builders.complete(), LATER)
        assert window.seen == tree.draw(builders.complete(), LATER, width=columns - 1)
    assert window.seen == "$ kubectl pets\n" + tree.draw(builders.complete(), LATER, width=columns - 1)
    assert window.emulator.scrolled == []


@pytest.mark.parametrize("rows", range(4, 40, 3))
def test_a_window_made_lower_leaves_no_ghosts_to_scroll_back_to(rows: int) -> None:
    window = Window(columns=100, rows=40)
    window.emulator.feed("$ kubectl pets\n")
    with window.painter as painter:
        painter.show(builders.large(), NOW)
        window.written()
        window.emulator.lower(rows)
        resized = [painter.resized]
        painter.show(builders.large(), LATER)
        assert [*resized, painter.resized] == [True, False]
        assert window.seen == tree.draw(builders.large(), LATER, width=99, height=max(2, rows - 1))
    seen = window.seen
    left = [*window.emulator.scrolled, *seen.split("\n")]
    assert [line.rstrip() for line in left][:2] == ["$ kubectl pets", tree.draw(builders.large(), LATER).split("\n")[0]]
    assert sum(line.startswith("default/web") for line in left) == 1


def test_a_window_made_larger() -> None:
    window = Window(columns=50, rows=12)
    with window.painter as painter:
        painter.show(builders.stuck(), NOW)
        window.written()
        window.emulator.columns, window.emulator.rows = 120, 40
        painter.show(builders.stuck(), LATER)
        assert window.seen == tree.draw(builders.stuck(), LATER)


def test_where_the_size_cannot_be_asked_for_the_width_is_the_terminals() -> None:
    terminal = FakeTerminal(live=True)
    terminal.colour = False
    emulator = Emulator(terminal.width, 24)
    with Painter(terminal) as painter:
        painter.show(builders.large(), NOW)
    emulator.feed(terminal.stdout_text)
    assert emulator.text == tree.draw(builders.large(), NOW, width=terminal.width - 1, height=23)


def test_what_goes_on_by_the_second_is_not_in_the_picture_that_stays() -> None:
    window = Window()
    with window.painter as painter:
        painter.show(builders.paused(), NOW, footer="waiting", status=("elapsed 3s   q leave",))
        assert window.seen == tree.draw(builders.paused(), NOW) + "\n\nwaiting\nelapsed 3s   q leave"
    assert window.seen == tree.draw(builders.paused(), NOW) + "\n\nwaiting"


def test_given_back_at_once_and_taken_again_by_the_next_picture() -> None:
    window = Window()
    window.emulator.feed("$ kubectl pets\n")
    with window.painter as painter:
        painter.show(builders.paused(), NOW)
        painter.give_back()
        painter.give_back()
        assert window.seen == "$ kubectl pets"
        assert window.emulator.behind is None and window.emulator.cursor_shown
        painter.show(builders.paused(), NOW)
        assert window.seen == tree.draw(builders.paused(), NOW)
    assert window.seen == "$ kubectl pets\n" + tree.draw(builders.paused(), NOW)


def test_a_terminal_without_another_screen_is_left_with_the_last_picture_alone() -> None:
    """As the console of Linux, which knows no mode 1049."""
    window = Window()
    with window.painter as painter:
        painter.show(builders.stuck(), NOW)
        painter.show(builders.paused(), NOW, status=("elapsed 1s",))
    window.emulator.feed(window.terminal.stdout_text.replace("\x1b[?1049h", "").replace("\x1b[?1049l", ""))
    assert window.emulator.text == tree.draw(builders.paused(), NOW)


def test_colour_as_the_terminal_wants_it() -> None:
    window = Window()
    window.terminal.colour = True
    with window.painter as painter:
        painter.show(builders.stuck(), NOW)
    assert "\x1b[31m✖ failing\x1b[0m" in window.written()
    assert window.seen == tree.draw(builders.stuck(), NOW)


def test_without_a_terminal_one_line_a_change() -> None:
    terminal = FakeTerminal()
    with Painter(terminal) as painter:
        painter.show(builders.staged(), NOW)
        painter.show(builders.staged(), LATER, footer="release web-2 (partition 3 -> 2)")
        painter.show(builders.staged(), LATER, footer="release web-2 (partition 3 -> 2)")
        painter.show(builders.staged(), LATER, footer="waiting for web-2 to terminate", log=False)
        painter.show(builders.staged(), LATER, footer="the API server does not answer")
        painter.show(builders.paused(), LATER)
    assert terminal.stdout_text.splitlines() == [
        "2026-11-24T12:04:31Z default/web: staged, nothing released",
        "2026-11-24T12:04:33Z release web-2 (partition 3 -> 2)",
        "2026-11-24T12:04:33Z the API server does not answer",
        "2026-11-24T12:04:33Z partition 3 -> 2",
        "2026-11-24T12:04:33Z web-2 available at web-5d8f7b9c4 (1/3 updated)",
        "2026-11-24T12:04:33Z phase: staged, nothing released -> paused at partition 2: 1/3 updated",
    ]


def test_a_table_in_place() -> None:
    window = Window(columns=20, rows=6)
    with window.tables as painter:
        painter.show("NAME   PHASE\nweb    progressing a long time\ndb     \x1b[31mstuck\x1b[0m")
        assert window.seen == "NAME   PHASE\nweb    progressing…\ndb     stuck"
        painter.show("NAME   PHASE\nweb    complete")
        assert window.seen == "NAME   PHASE\nweb    complete"
        painter.show("\n".join(f"set-{number}" for number in range(9)))
        assert window.seen == "set-0\nset-1\nset-2\nset-3\n… 5 more lines"
        painter.show("\n".join(f"set-{number}" for number in range(5)))
        assert window.seen == "set-0\nset-1\nset-2\nset-3\nset-4"
        painter.show("")
        assert window.seen == ""
    assert window.emulator.scrolled == []


def test_a_table_without_a_terminal_prints_the_lines_that_are_new() -> None:
    terminal = FakeTerminal()
    with TextPainter(terminal) as painter:
        painter.show("NAME   PHASE\nweb    progressing\ndb     complete")
        painter.show("NAME   PHASE\nweb    progressing\ndb     complete")
        painter.show("NAME   PHASE\nweb    complete\ndb     complete")
    assert terminal.stdout_text == "NAME   PHASE\nweb    progressing\ndb     complete\nweb    complete\n"


_ON_A_PTY = """
import sys
from kubectl_pets.session import Terminal
from kubectl_pets.views.live import Painter
from tests.views import builders
terminal = Terminal(sys.stdin, sys.stdout, sys.stderr, {"TERM": "xterm", "NO_COLOR": "1"})
assert terminal.live
with Painter(terminal) as painter:
    painter.show(builders.large(), builders.NOW)
    painter.show(builders.stuck(), builders.NOW)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_on_a_real_pseudo_terminal() -> None:
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 18, 70, 0, 0))
    with subprocess.Popen([sys.executable, "-c", _ON_A_PTY], stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        written = _read_all(ours)
    os.close(ours)
    assert process.returncode == 0, written
    emulator = Emulator(70, 18)
    emulator.feed(written)
    assert emulator.text == tree.draw(builders.stuck(), NOW, width=69)
    assert emulator.scrolled == []
    assert emulator.cursor_shown


def _read_all(descriptor: int) -> str:
    written = b""
    while True:
        try:
            chunk = os.read(descriptor, 65536)
        except OSError as error:
            assert error.errno == errno.EIO  # how Linux says that the other side is closed
            return written.decode()
        if not chunk:
            return written.decode()
        written += chunk
