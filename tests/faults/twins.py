"""The same words typed by two at the same time. One of them is stopped at a request, before the server has it or before the answer gets
back, while the other one goes on: to its end, or to a request of its own at which it is stopped as well.

Both have to end with 0, for each asks for what the other one does; what the first one calls done has to be so at that moment, and
all that a verb promises to one (each pod made anew once, in order, never too few) it promises to two. But one that is overtaken by
the other, pod by pod, cannot know what that one asked before each of them: it says that the partition was lowered under it, and
fails, where the other one ends with 0.
"""

from __future__ import annotations

import http.client
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import NamedTuple

from tests.commands.gate import Gate
from tests.commands.middle import middle
from tests.controlplane import ControlPlane
from tests.faults.cases import Case
from tests.faults.figures import Outcome
from tests.faults.ground import Ended, Ground

#: For so many seconds one of them may wait for what the other one, who stands still, has begun.
_ALONE = 20.0


_OVERTAKEN = "somebody lowered the partition"


class Stop(NamedTuple):
    """At the request of that number; ``answered``: once the server has answered it. ``number`` 0: at none."""

    number: int
    answered: bool

    def __str__(self) -> str:
        return f"{'behind' if self.answered else 'before'} request {self.number}" if self.number else "nowhere"


class _Halting(Gate):
    """Counts the requests, and holds one of them up until it is let through."""

    def __init__(self, plane: ControlPlane, stop: Stop) -> None:
        super().__init__(plane)
        self._stop, self._guard = stop, threading.Lock()
        self.heard: list[str] = []
        self.halted, self._going = threading.Event(), threading.Event()

    def go(self) -> None:
        self._going.set()

    def forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> http.client.HTTPResponse:
        with self._guard:
            self.heard.append(f"{method} {path.partition('?')[0]}")
            stops = len(self.heard) == self._stop.number
        if stops and not self._stop.answered:
            self._halt()
        response = super().forward(method, path, headers, body)
        if stops and self._stop.answered:
            self._halt()
        return response

    def _halt(self) -> None:
        self.halted.set()
        self._going.wait(300)


class _Twin:
    """One of the two."""

    def __init__(self, ground: Ground, words: tuple[str, ...], gate: _Halting, kubeconfig: Path) -> None:
        self.gate, self._ground, self._began = gate, ground, time.monotonic()
        self._process = ground.start(words, kubeconfig)
        self._ended: Ended | None = None
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def until_halted(self, seconds: float = 120.0) -> None:
        """Or until it has ended."""
        end = time.monotonic() + seconds
        while self._thread.is_alive() and not self.gate.halted.wait(0.01) and time.monotonic() < end:
            pass

    def until_ended(self, seconds: float) -> Ended | None:
        self._thread.join(seconds)
        return self._ended

    def end(self) -> Ended:
        self.gate.go()
        self._thread.join()
        assert self._ended is not None
        return self._ended

    def _follow(self) -> None:
        self._ended = self._ground.finish(self._process, self._began)


def play(ground: Ground, case: Case, number: int, rng: Random) -> Outcome:
    """One set, the verb typed twice."""
    outcome = Outcome(f"twins {case.verb}", number, str(case))
    most = ground.once("requests by the way", case, lambda: _requests(ground, case))
    stops = (Stop(rng.randint(1, most), rng.random() < 0.5), Stop(rng.choice((0, rng.randint(1, most))), rng.random() < 0.5))
    with ground.scene(case, f"twins-{case.verb}-{number}") as scene, ExitStack() as ways:
        words = case.words(scene.name)
        one = ways.enter_context(_typed(ground, words, stops[0]))
        one.until_halted()
        other = ways.enter_context(_typed(ground, words, stops[1]))
        other.until_halted()
        one.gate.go()
        first = one.until_ended(_ALONE)
        if first is not None and first.code == 0:
            outcome.problems += [f"at the end of one: {wrong}" for wrong in [case.unwanted(scene.observer.read())] if wrong]
        other.gate.go()
        ends = one.end(), other.end()
        outcome.faults, outcome.codes = sum(each.gate.halted.is_set() for each in (one, other)), [each.code for each in ends]
        outcome.seconds = max(each.seconds for each in ends)
        overtaken = [each for each in ends if each.code == 1 and _OVERTAKEN in each.stderr]
        for each in ends if len(overtaken) != 1 else set(ends) - set(overtaken):
            outcome.problems += [wrong for wrong in scene.problems(case, each) if wrong not in outcome.problems]
        outcome.lowest, outcome.twice = scene.observer.lowest, scene.twice()
        if outcome.problems:
            outcome.problems += [f"stopped {stop}: {_at(each.gate, stop)}" for each, stop in zip((one, other), stops)]
    return outcome


def _at(gate: _Halting, stop: Stop) -> str:
    return gate.heard[stop.number - 1] if 0 < stop.number <= len(gate.heard) else f"of {len(gate.heard)}"


def _requests(ground: Ground, case: Case) -> int:
    with ground.scene(case, ground.new_name()) as scene, _typed(ground, case.words(scene.name), Stop(0, False)) as alone:
        alone.end()
        return len(alone.gate.heard)


@contextmanager
def _typed(ground: Ground, words: tuple[str, ...], stop: Stop) -> Iterator[_Twin]:
    with tempfile.TemporaryDirectory() as folder, middle(ground.plane, Path(folder)) as way:
        way.gate = gate = _Halting(ground.plane, stop)
        twin = _Twin(ground, words, gate, way.kubeconfig)
        try:
            yield twin
        finally:
            twin.end()
