"""Plays every scenario on control planes of its own, several sets at once, and prints the figures.

``python -m tests.faults [SCENARIO]... [--rounds N] [--seed N]``; exits with 1 if anything ended wrong.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from random import Random, SystemRandom

from tests import controlplane
from tests.controlplane import operators
from tests.faults import outage, remaking, rounds
from tests.faults.cases import CASES, KRUISE_CASES
from tests.faults.figures import Outcome, table
from tests.faults.ground import Ground

_SCENARIOS = ("kills", "wires", "answers", "mistaken", "meddling", "twins", "silence", "claims", "remaking", "kruise", "outage")

#: Kills of each verb, unless told otherwise; the other scenarios' rounds are in proportion.
_ROUNDS = 100

#: Kills of a round, about; so many rounds are begun with, and what is missing is played after.
_KILLS_EACH = 1.5

_OUTAGE_SECONDS = 30.0


class Play:
    """One run of the whole."""

    def __init__(self, seed: int, count: int, jobs: int, only: int | None) -> None:
        self._seed, self._count, self._jobs, self._only = seed, count, jobs, only
        self.outcomes: list[Outcome] = []

    def on(self, ground: Ground, scenario: str) -> None:
        began = time.monotonic()
        if scenario == "kills":
            self._kills(ground)
        elif scenario == "outage":
            self._outages(ground)
        else:
            self._all(list(self._rounds(ground, scenario)))
        print(f"{scenario}: {time.monotonic() - began:.0f} s", flush=True)

    def _rounds(self, ground: Ground, scenario: str) -> Iterable[rounds.Round]:
        if scenario == "wires":
            return (rounds.wired(ground, number, self._seed) for number in self._numbers(self._count / 2))
        if scenario == "answers":
            return (rounds.answered(ground, number, self._seed) for number in self._numbers(self._count / 2))
        if scenario == "mistaken":
            return (rounds.mistook(ground, number, self._seed) for number in self._numbers(self._count / 2))
        if scenario == "claims":
            return (rounds.disputed(ground, number, self._seed) for number in self._numbers(self._count / 3.5))
        if scenario == "kruise":
            numbers = self._numbers(self._count / _KILLS_EACH)
            return (rounds.killed_of_kruise(ground, verb, number, self._seed) for number in numbers for verb in KRUISE_CASES)
        if scenario == "remaking":
            return (rounds.remade(ground, number, self._seed) for number in self._numbers(self._count))
        if scenario == "silence":
            return (rounds.silenced(ground, number, self._seed) for number in self._numbers(self._count / 12))
        numbers, play = self._numbers(self._count / 4), rounds.doubled if scenario == "twins" else rounds.meddled
        return (play(ground, verb, number, self._seed) for number in numbers for verb in CASES)

    def _numbers(self, count: float, start: int = 0) -> range:
        return range(self._only, self._only + 1) if self._only is not None else range(start, start + math.ceil(count))

    def _kills(self, ground: Ground) -> None:
        """Until each verb was killed as often as asked for."""
        next_number = dict.fromkeys(CASES, 0)
        while True:
            chosen = []
            for verb in CASES:
                done = sum(outcome.kills for outcome in self.outcomes if outcome.scenario == f"kills {verb}")
                numbers = self._numbers((self._count - done) / _KILLS_EACH, next_number[verb]) if done < self._count else range(0)
                next_number[verb] += len(numbers)
                chosen += [rounds.killed(ground, verb, number, self._seed) for number in numbers]
            self._all(sorted(chosen, key=lambda each: each.number))
            if not chosen or self._only is not None:
                return

    def _all(self, chosen: list[rounds.Round]) -> None:
        with ThreadPoolExecutor(self._jobs) as pool:
            try:
                for done in as_completed([pool.submit(each.outcome) for each in chosen]):
                    self._tell(done.result())
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _outages(self, ground: Ground) -> None:
        for number in self._numbers(self._count / 33):
            random = Random(f"{self._seed}/outage/{number}")
            for outcome in outage.play(ground, outage.some_cases(random, 2), number, random, _OUTAGE_SECONDS):
                self._tell(outcome)
            self._tell(remaking.play(ground, number, random, remaking.STOPPED))

    def _tell(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        if outcome.problems:
            print(outcome.told(self._seed), flush=True)


def _grounds(version: str, scenarios: list[str], play: Callable[[Ground, str], None]) -> None:
    """The scenarios on one control plane, and those that stop its API server or have more kinds of sets on others."""
    apart = ("kruise", "outage")
    together = [each for each in scenarios if each not in apart]
    for group in (together, *([each] for each in scenarios if each in apart)):
        if not group:
            continue
        with controlplane.running(version) as plane:
            if group == ["kruise"]:
                operators.start(plane, operators.KRUISE)
            plane.create_namespace("faults")
            for scenario in group:
                play(Ground(plane, "faults"), scenario)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Faults on the real control plane.")
    parser.add_argument("scenarios", nargs="*", choices=[[], *_SCENARIOS], metavar="SCENARIO", help=f"of {', '.join(_SCENARIOS)}")
    parser.add_argument("--rounds", type=int, default=_ROUNDS, metavar="N", help="kills of each verb; other rounds in proportion")
    parser.add_argument("--seed", type=int, metavar="N", help="what is drawn; a random one is printed")
    parser.add_argument("--only", type=int, metavar="N", help="only the rounds of that number")
    parser.add_argument("--jobs", type=int, default=6, metavar="N", help="sets at once")
    asked = parser.parse_args()
    seed = asked.seed if asked.seed is not None else SystemRandom().randrange(1_000_000)
    print(f"seed {seed}, {asked.rounds} kills of each verb, {asked.jobs} sets at once", flush=True)
    began = time.monotonic()
    play = Play(seed, asked.rounds, asked.jobs, asked.only)
    version = os.environ.get("CONTROLPLANE_VERSION") or controlplane.DEFAULT_VERSION
    _grounds(version, [each for each in _SCENARIOS if not asked.scenarios or each in asked.scenarios], play.on)
    print(f"\n{table(play.outcomes)}\n\nseed {seed}, {time.monotonic() - began:.0f} s in all", flush=True)
    sys.exit(any(outcome.problems for outcome in play.outcomes))


if __name__ == "__main__":
    main()
