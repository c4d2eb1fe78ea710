"""Which rounds a scenario consists of, each by its number, and what is left of one that did not even get to its end."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, zip_longest
from random import Random
from typing import NamedTuple

from tests.faults import deletions, draws, kills, meddling, mistaken, remaking, silence, twins, wires
from tests.faults.cases import CASES, KRUISE_CASES, Case
from tests.faults.figures import Outcome
from tests.faults.ground import Ground

#: The cases of all verbs, taking turns, so that a few rounds meet each verb.
ALL: tuple[Case, ...] = tuple(case for case in chain.from_iterable(zip_longest(*CASES.values())) if case is not None)

_LONGEST = 1500


class Round(NamedTuple):
    """One round that can be played: scenario, number, and how."""

    scenario: str
    number: int
    case: str
    play: Callable[[], Outcome]

    def outcome(self) -> Outcome:
        """Never raises: a set that did not come to where it begins, or a server that went away, is a wrong ending, too."""
        try:
            return self.play()
        except Exception as error:
            told = f"{type(error).__name__}: {error}"[:_LONGEST]
            return Outcome(self.scenario, self.number, self.case, problems=[told])


def killed(ground: Ground, verb: str, number: int, seed: int) -> Round:
    case = CASES[verb][number % len(CASES[verb])]
    return Round(f"kills {verb}", number, str(case), lambda: kills.play(ground, case, number, _random(seed, "kills", verb, number)))


def killed_of_kruise(ground: Ground, verb: str, number: int, seed: int) -> Round:
    """As ``killed``, of an Advanced StatefulSet of OpenKruise."""
    case = KRUISE_CASES[verb][number % len(KRUISE_CASES[verb])]
    random = _random(seed, "kruise", verb, number)
    return Round(f"kruise {verb}", number, str(case), lambda: kills.play(ground, case, number, random, "kruise"))


def wired(ground: Ground, number: int, seed: int) -> Round:
    case = ALL[number % len(ALL)]
    return Round("wires", number, str(case), lambda: wires.play(ground, case, number, _random(seed, "wires", number)))


def answered(ground: Ground, number: int, seed: int) -> Round:
    case = ALL[number % len(ALL)]
    random = _random(seed, "answers", number)
    return Round("answers", number, str(case), lambda: wires.play(ground, case, number, random, draws.ANSWERS))


def meddled(ground: Ground, verb: str, number: int, seed: int) -> Round:
    case = CASES[verb][number % len(CASES[verb])]
    random = _random(seed, "meddling", verb, number)
    return Round(f"meddling {verb}", number, str(case), lambda: meddling.play(ground, case, number, random))


def doubled(ground: Ground, verb: str, number: int, seed: int) -> Round:
    case = CASES[verb][number % len(CASES[verb])]
    random = _random(seed, "twins", verb, number)
    return Round(f"twins {verb}", number, str(case), lambda: twins.play(ground, case, number, random))


def silenced(ground: Ground, number: int, seed: int) -> Round:
    cases = silence.cases()
    case, timeout = cases[number % len(cases)], (silence.SHORT, silence.LONG)[number % 2]
    random = _random(seed, "silence", number)
    return Round("silence", number, str(case), lambda: silence.play(ground, case, number, random, timeout))


def disputed(ground: Ground, number: int, seed: int) -> Round:
    return Round("claims", number, "claims", lambda: deletions.play(ground, number, _random(seed, "claims", number)))


def remade(ground: Ground, number: int, seed: int) -> Round:
    kind = remaking.KINDS[number % len(remaking.KINDS)]
    return Round("remaking", number, kind, lambda: remaking.play(ground, number, _random(seed, "remaking", number)))


def mistook(ground: Ground, number: int, seed: int) -> Round:
    kind = mistaken.KINDS[number % len(mistaken.KINDS)]
    return Round("mistaken", number, kind, lambda: mistaken.play(ground, number, _random(seed, "mistaken", number)))


def _random(*words: object) -> Random:
    return Random("/".join(map(str, words)))
