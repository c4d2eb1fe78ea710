"""What came of the rounds, and the table that is printed of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tabulate import tabulate


@dataclass
class Outcome:
    """One round of a scenario. ``problems``: what went wrong, in words; ``ratio``: requests against what is allowed."""

    scenario: str
    number: int
    case: str
    kills: int = 0
    retypes: int = 0
    #: What else was done to it: requests gone wrong, edits of somebody else.
    faults: int = 0
    #: The fewest pods available at once; None: not judged, because somebody else took pods down.
    lowest: int | None = None
    #: Pods deleted by us more than once.
    twice: int = 0
    #: Bytes on volumes that some run called retained or restored, and of these what is gone. None: not a matter of this scenario.
    retained: int | None = None
    lost: int | None = None
    ratio: float | None = None
    seconds: float = 0.0
    codes: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def told(self, seed: int) -> str:
        """For somebody who wants to play it again."""
        problems = "\n  ".join(self.problems)
        scenario = self.scenario.split()[0]
        return f"{self.scenario}, {self.case}:\n  {problems}\n  again: python -m tests.faults {scenario} --seed {seed} --only {self.number}"


_COLUMNS = (
    "scenario", "rounds", "kills", "typed again", "faults", "fewest available", "deleted twice", "bytes kept", "bytes lost", "wrong endings", "requests",
    "exit codes", "seconds",
)


def table(outcomes: Sequence[Outcome]) -> str:
    """A line for each scenario. Seconds are the longest round's; requests the worst ratio, 1.0 being all that is allowed."""
    scenarios = dict.fromkeys(outcome.scenario for outcome in outcomes)
    rows = [_row(name, [outcome for outcome in outcomes if outcome.scenario == name]) for name in scenarios]
    return tabulate(rows, _COLUMNS, tablefmt="plain", floatfmt=".2f", missingval="-")


def _row(scenario: str, own: list[Outcome]) -> list[object]:
    codes = sorted({code for outcome in own for code in outcome.codes})
    return [
        scenario,
        len(own),
        sum(outcome.kills for outcome in own),
        sum(outcome.retypes for outcome in own),
        sum(outcome.faults for outcome in own),
        min((outcome.lowest for outcome in own if outcome.lowest is not None), default=None),
        sum(outcome.twice for outcome in own),
        _sum(outcome.retained for outcome in own),
        _sum(outcome.lost for outcome in own),
        sum(bool(outcome.problems) for outcome in own),
        max((outcome.ratio for outcome in own if outcome.ratio is not None), default=None),
        " ".join(f"{code}:{sum(outcome.codes.count(code) for outcome in own)}" for code in codes),
        round(max(outcome.seconds for outcome in own), 1),
    ]


def _sum(found: Iterable[int | None]) -> int | None:
    known = [each for each in found if each is not None]
    return sum(known) if known else None
