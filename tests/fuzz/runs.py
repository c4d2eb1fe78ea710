"""Runs of the decoders over mutated inputs, bounded by time or by a count, and what came of them."""

import random
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, process_time

from tests.fuzz.decoders import DECODERS, Decoder, Wrong
from tests.fuzz.mutate import mutated

#: Seconds of work that one input may cost, of up to 256 KiB; a hundred times what the slowest takes on a slow machine.
SLOW = 5.0

#: MiB that all of a run may add.
LARGE = 400


@dataclass
class Figures:
    """``values``: inputs that gave a value, by decoder; the rest of ``tried`` were errors, as documented."""

    tried: Counter[str] = field(default_factory=Counter)
    values: Counter[str] = field(default_factory=Counter)
    slowest: dict[str, float] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0
    grown: float = 0.0

    def table(self) -> str:
        lines = [f"{'decoder':<27}{'inputs':>9}{'values':>9}{'errors':>9}{'slowest':>10}"]
        for name in sorted(self.tried):
            errors = self.tried[name] - self.values[name]
            lines.append(f"{name:<27}{self.tried[name]:>9}{self.values[name]:>9}{errors:>9}{self.slowest[name] * 1000:>7.0f} ms")
        total = f"{sum(self.tried.values())} inputs in {self.seconds:.0f} s, {self.grown:.0f} MiB more, {len(self.failures)} failures"
        return "\n".join([*lines, total, *self.failures])


def for_a_while(seed: str, seconds: float, *, only: str | None = None) -> Figures:
    """Until that long ago; each decoder gets the same time."""
    return _run(seed, [decoder for decoder in DECODERS if only in (None, decoder.name)], seconds=seconds)


def so_many(seed: str, count: int) -> Figures:
    """Of each decoder, without a look at the clock."""
    return _run(seed, DECODERS, count=count)


def once(name: str, seed: str, number: int) -> str:
    """What is wrong with the input of that number; empty: nothing."""
    (decoder,) = (each for each in DECODERS if each.name == name)
    with tempfile.TemporaryDirectory() as folder:
        return _problem(decoder, seed, number, Path(folder), Figures())


def _run(seed: str, decoders: Iterable[Decoder], *, seconds: float = float("inf"), count: int | None = None) -> Figures:
    found = Figures()
    chosen = list(decoders)
    before, began = _memory(), monotonic()
    number = 0
    with tempfile.TemporaryDirectory() as folder:
        while monotonic() - began < seconds and number != count:
            for decoder in chosen:
                problem = _problem(decoder, seed, number, Path(folder), found)
                if problem:
                    found.failures.append(f"{problem}\n  again: python -m tests.fuzz --only {decoder.name!r} --seed {seed} --number {number}")
            number += 1
    found.seconds, found.grown = monotonic() - began, _memory() - before
    if found.grown > LARGE:
        found.failures.append(f"{found.grown:.0f} MiB more than before")
    return found


def _problem(decoder: Decoder, seed: str, number: int, folder: Path, found: Figures) -> str:
    rng = random.Random(f"{seed} {decoder.name} {number}")
    source = rng.choice(decoder.seeds())
    data = mutated(source, rng) if number else source
    began = process_time()
    found.tried[decoder.name] += 1
    problem = ""
    try:
        decoder.check(data, rng, folder)
        found.values[decoder.name] += 1
    except decoder.errors:
        pass
    except Wrong as wrong:
        problem = f"{decoder.name}: {wrong}"
    except Exception as error:
        problem = f"{decoder.name}: {type(error).__name__}: {str(error)[:200]}"
    took = process_time() - began
    found.slowest[decoder.name] = max(took, found.slowest.get(decoder.name, 0.0))
    if took > SLOW:
        problem = problem or f"{decoder.name}: {took:.1f} s of work for {len(data)} bytes"
    return f"{problem}\n  {data[:300]!r}" if problem else ""


def _memory() -> float:
    """MiB at the most so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1 << 20 if sys.platform == "darwin" else 1 << 10)
