"""A log: RFC 3339 times, a line a minute where nothing changes, and nothing in it that GitHub Actions would obey."""

from typing import cast

import pytest

from kubectl_pets.flows.engine.looking import Frame
from kubectl_pets.flows.engine.picture import BEAT, InLog
from kubectl_pets.ports.server import ClockPort
from kubectl_pets.ports.sets import SetViewSource
from kubectl_pets.views.live import Painter
from tests.terminal import FakeTerminal
from tests.views import builders
from tests.views.builders import NOW


class Quiet:
    """A source in which nothing happens for so many seconds, on a clock of its own."""

    def __init__(self, happens_at: float) -> None:
        self.time, self._happens_at = 0.0, happens_at
        self.waits: list[float] = []

    def clock(self) -> float:
        return self.time

    def now(self) -> object:
        return NOW

    def wait(self, timeout: float | None) -> bool:
        assert timeout is not None and timeout > 0, "it would never beat, or without end"
        self.waits.append(timeout)
        self.time = min(self.time + timeout, self._happens_at)
        return self.time >= self._happens_at


@pytest.mark.parametrize(("timeout", "happens_at", "beats", "changed"), [(None, 200.0, 3, True), (130.0, 1e9, 2, False), (5.0, 1e9, 0, False), (None, 59.0, 0, True)])
def test_a_line_a_minute_where_nothing_changes(timeout: float | None, happens_at: float, beats: int, changed: bool) -> None:
    terminal, quiet = FakeTerminal(), Quiet(happens_at)
    with Painter(terminal) as painter:
        log = InLog(painter, quiet.clock)
        log.observe(Frame(seen=builders.rolling(), now=NOW))
        source = log.over(cast(SetViewSource, quiet), cast(ClockPort, quiet))
        assert source.wait(timeout) is changed
    first, *others = terminal.stdout_text.splitlines()
    assert first.startswith("2026-11-24T12:04:31Z default/web: progressing")
    assert others == ["2026-11-24T12:04:31Z still waiting: " + first.partition(" ")[2]] * beats
    assert timeout is None or abs(quiet.time - timeout) < 1e-6


def test_short_waits_beat_too_and_a_change_puts_it_off() -> None:
    terminal, quiet = FakeTerminal(), Quiet(1e9)
    with Painter(terminal) as painter:
        log = InLog(painter, quiet.clock)
        source = log.over(cast(SetViewSource, quiet), cast(ClockPort, quiet))
        for seen in [builders.rolling()] * 5 + [builders.stuck()] + [builders.stuck()] * 5:
            log.observe(Frame(seen=seen, now=NOW))
            source.wait(BEAT / 4)
    told = [line.partition(" ")[2][:13] for line in terminal.stdout_text.splitlines()]
    assert told.count("still waiting") == 2 and quiet.time == 11 * BEAT / 4
