"""The line that says how far a deletion is, seen through a terminal."""

import pytest

from kubectl_pets.domain.orphans.deletion import DeletionOptions, DeletionPlan, DeletionRefused, DeletionRefusedReason, plan
from kubectl_pets.views.orphans.progress import Bar, line
from tests.domain.orphans.builders import NOW
from tests.terminal import FakeTerminal
from tests.views.claim_scenes import left_behind
from tests.views.emulator import Emulator

PLAN: DeletionPlan = plan(left_behind(20, 21, 22, 23), DeletionOptions(), NOW)


class Window:
    """A terminal that somebody looks at."""

    def __init__(self, columns: int = 120) -> None:
        self.terminal = FakeTerminal(interactive=True)
        self.emulator = Emulator(columns, 10)
        self._seen = 0

    @property
    def text(self) -> str:
        written = self.terminal.stderr_text
        self.emulator.feed(written[self._seen:])
        self._seen = len(written)
        return self.emulator.text

    def bar(self) -> Bar:
        return Bar(self.terminal, PLAN, columns=lambda: self.emulator.columns)


def test_it_counts_claims_and_bytes_and_says_what_is_done_now() -> None:
    window = Window()
    with window.bar() as bar:
        bar.begins(PLAN.deletions[0].verdict)
        assert window.text == "░░░░░░░░░░░░░░░░░░░░░░░░  0/4  0 of 40Gi  prod/data-web-20"
        bar.ends(PLAN.deletions[0])
        bar.begins(PLAN.deletions[1].verdict)
        assert window.text == "██████░░░░░░░░░░░░░░░░░░  1/4  10Gi of 40Gi  prod/data-web-21"
        bar.waits(PLAN.deletions[1].verdict, "s-1", "no \x1b[31mspace")
        assert window.text.endswith("  prod/data-web-21  waiting for VolumeSnapshot s-1: no space")
        refused = DeletionRefused(verdict=PLAN.deletions[1].verdict, reason=DeletionRefusedReason.IN_USE)
        bar.ends(refused)
        assert window.text == "████████████░░░░░░░░░░░░  2/4  10Gi of 40Gi"
        bar.passing(lambda: window.terminal.tell("refused: something"))
        assert window.text.splitlines() == ["refused: something", "████████████░░░░░░░░░░░░  2/4  10Gi of 40Gi"]
    assert window.text == "refused: something"


@pytest.mark.parametrize("columns", [70, 40, 30, 12, 2, 1])
def test_it_is_one_line_however_narrow(columns: int) -> None:
    window = Window(columns)
    with window.bar() as bar:
        for item in PLAN.deletions:
            bar.begins(item.verdict)
            bar.waits(item.verdict, "data-web-20-01234567", "an error that is longer than the window is wide")
            bar.ends(item)
            assert len(window.text.splitlines()) <= 1 and not window.emulator.scrolled
    assert window.text == ""


def test_the_counts_are_the_last_to_be_cut() -> None:
    assert line(1, 4, 10, 40, "prod/data-web-20", 60).startswith("██████░░")
    assert line(1, 4, 10, 40, "prod/data-web-20", 20) == "1/4  10 of 40  prod…"


def test_nothing_is_drawn_elsewhere_than_on_a_terminal() -> None:
    terminal = FakeTerminal()
    told: list[str] = []

    with Bar(terminal, PLAN) as bar:
        bar.begins(PLAN.deletions[0].verdict)
        bar.passing(lambda: told.append("said"))
        bar.ends(PLAN.deletions[0])
    assert not terminal.stderr_text and not terminal.stdout_text and told == ["said"]
