"""Windows consoles, as the documentation of msvcrt, of the C runtime (_getwch) and of SetConsoleMode has them: played, for there is none
here."""

import ctypes
import io
import runpy
import signal
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from kubectl_pets.flows.engine import interrupts
from kubectl_pets.flows.engine.keys import Keyboard
from kubectl_pets.session import Terminal


class Console:
    """``typed``: what has come by each beat. Of a key that is two characters the second may come with the next beat."""

    def __init__(self, *typed: str) -> None:
        self.beats, self.there = list(typed), ""

    def beat(self) -> None:
        self.there += self.beats.pop(0) if self.beats else ""

    def kbhit(self) -> bool:
        return bool(self.there)

    def getwch(self) -> str:
        assert self.there, "it would wait for ever"
        first, self.there = self.there[0], self.there[1:]
        return first


def pressed(monkeypatch: pytest.MonkeyPatch, *typed: str) -> list[str]:
    """The keys that were taken, over as many beats and three more."""
    console = Console(*typed)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "msvcrt", console)
    keyboard, found = Keyboard(io.StringIO()), []
    for _ in range(len(typed) + 3):
        console.beat()
        found.append(keyboard.pressed())
    return [key for key in found if key]


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        (["q"], ["q"]),
        (["p", "", "s"], ["p", "s"]),
        # Ctrl+Left is 0xE0 and the code of "s", Alt+F10 is 0 and that of "q", a Delete is 0xE0 and "S".
        (["\xe0s"], []),
        (["\x00q"], []),
        (["\xe0", "s"], []),
        (["\x00", "", "q"], []),
        (["\xe0S", "", "q"], ["q"]),
        # An à that somebody types, and what is pasted.
        (["\xe0", "", "q", "", "q"], ["q"]),
        (["qq"], []),
        (["kubectl pets rollout abort web\r"], []),
        (["é", "", "q"], ["q"]),
    ],
)  # fmt: skip
def test_a_key_is_one_character_that_came_by_itself(monkeypatch: pytest.MonkeyPatch, typed: list[str], keys: list[str]) -> None:
    assert pressed(monkeypatch, *typed) == keys


def test_ctrl_break_is_an_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself it ends a program wherever that is (signal.SIGBREAK)."""
    monkeypatch.setattr(signal, "SIGBREAK", 21, raising=False)
    assert 21 in runpy.run_path(interrupts.__file__)["SIGNALS"]


class Stream(io.TextIOWrapper):
    def __init__(self, number: int) -> None:
        super().__init__(io.BytesIO())
        self.number = number

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.number


@pytest.mark.parametrize("can", [True, False])
def test_a_console_is_told_to_obey_sequences_or_gets_none(monkeypatch: pytest.MonkeyPatch, can: bool) -> None:
    told: list[tuple[int, int]] = []

    def set_mode(handle: Any, mode: int) -> int:
        told.append((handle.value, mode))
        return int(can)

    def get_mode(handle: Any, mode: Any) -> int:
        mode._obj.value = 3
        return 1

    kernel = SimpleNamespace(GetConsoleMode=get_mode, SetConsoleMode=set_mode)
    monkeypatch.setattr(ctypes, "WinDLL", lambda name: {"kernel32": kernel}[name], raising=False)
    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(get_osfhandle=lambda number: number + 100))
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(sys, "stdout", Stream(1))
    monkeypatch.setattr(sys, "stderr", Stream(2))
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal.real()
    assert (terminal.live, terminal.colour, terminal.fleeting) == (can, can, can)
    assert told[0] == (101, 7) and (not can or told[1] == (102, 7))
