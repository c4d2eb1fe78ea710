"""One StatefulSet on the terminal for as long as a verb follows it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from msgspec.structs import replace

from kubectl_pets.domain.model import SetView
from kubectl_pets.domain.stepping.steps import Act, Wait
from kubectl_pets.flows.engine.looking import Frame, Observer, unseen
from kubectl_pets.ports.server import ClockPort
from kubectl_pets.ports.sets import SetViewSource
from kubectl_pets.session import Terminal
from kubectl_pets.views.live import Painter
from kubectl_pets.views.rollout import decisions

if TYPE_CHECKING:  # of a terminal alone, as a picture's last line is
    from kubectl_pets.flows.engine.display import Display

#: Seconds without a line after which a log says that it still goes on.
BEAT = 60.0


class Onlooker:
    """Who is told of every frame. ``frame``: the last one."""

    def __init__(self, observe: Observer) -> None:
        self._observe = observe
        self.frame: Frame | None = None

    def observe(self, frame: Frame) -> None:
        """An ``Observer``."""
        self.frame = frame
        self._observe(frame)

    def over(self, source: SetViewSource, clock: ClockPort) -> SetViewSource:
        """The source to wait on, so that what is on a terminal goes on by the second meanwhile."""
        return source


class _AtTerminal(Onlooker):
    """Somebody who looks at a picture. ``notes``: lines that stand below it for as long as it lasts."""

    def __init__(self, painter: Painter, display: "Display", notes: Sequence[str]) -> None:
        super().__init__(self._show)
        self._painter, self._display, self._notes = painter, display, notes

    def _show(self, frame: Frame) -> None:
        from kubectl_pets.views.rollout import countdown

        footer = _footer(frame)
        status = countdown.status(frame.seen, frame.decision, frame.now, self._display.elapsed, self._display.keys)
        self._painter.show(frame.seen, frame.now, footer=footer, status=(*self._notes, status))
        self._display.painted()

    def over(self, source: SetViewSource, clock: ClockPort) -> SetViewSource:
        heard: str | None = None

        def redraw() -> None:
            nonlocal heard
            before, heard = heard, source.trouble()
            if self.frame is not None:
                past = self.frame.trouble == before
                self.observe(replace(self.frame, now=clock.now(), trouble=heard if heard or past else self.frame.trouble))

        return _Ticking(source, self._display.ticking(source.wait, redraw))


class InLog(Onlooker):
    """Somebody who reads a log: a line a change, and one a minute where nothing changes."""

    def __init__(self, painter: Painter, clock: Callable[[], float] = monotonic) -> None:
        super().__init__(self._show)
        self._painter, self._clock = painter, clock
        self._beat_at = clock() + BEAT

    def _show(self, frame: Frame) -> None:
        log = bool(frame.trouble) or isinstance(frame.decision, Act)
        if self._painter.show(frame.seen, frame.now, footer=_footer(frame), log=log):
            self._beat_at = self._clock() + BEAT

    def over(self, source: SetViewSource, clock: ClockPort) -> SetViewSource:
        def wait(timeout: float | None) -> bool:
            end = None if timeout is None else self._clock() + timeout
            while True:
                left = self._beat_at - self._clock()
                if left <= 0:
                    if self.frame is not None:
                        self._painter.beat(self.frame.seen, clock.now())
                    self._beat_at, left = self._clock() + BEAT, BEAT
                if source.wait(left if end is None else min(left, max(0.0, end - self._clock()))):
                    return True
                if end is not None and self._clock() >= end:
                    return False

        return _Ticking(source, wait)


class _Ticking:
    """A source, waited on in another way; otherwise as it is."""

    def __init__(self, source: SetViewSource, wait: Callable[[float | None], bool]) -> None:
        self._source, self._wait = source, wait

    def __enter__(self) -> SetViewSource:
        return self

    def __exit__(self, *exc: object) -> None:
        """Whoever opened the source closes it."""

    def latest(self) -> SetView:
        return self._source.latest()

    def wait(self, timeout: float | None) -> bool:
        return self._wait(timeout)

    def refresh(self) -> SetView:
        return self._source.refresh()

    def just_read(self) -> bool:
        return self._source.just_read()

    def with_revisions(self) -> SetView:
        return self._source.with_revisions()

    def trouble(self) -> str | None:
        return self._source.trouble()


@contextmanager
def pictured(
    terminal: Terminal,
    *,
    tabular: bool,
    streams: bool = False,
    keys: Callable[[], str] | None = None,
    notes: Sequence[str] = (),
) -> Iterator[Onlooker]:
    """Yields who is to be told of every frame. Below the picture stands what keeps us from the server, or what is being done or
    waited for; how it ended is for the verb to say afterwards. Nothing is shown where the output is a document; with ``streams``
    an event a line. ``keys``: those that are taken, asked for once; then a wait may raise KeyPressed."""
    if streams:
        yield Onlooker(_streamed(terminal))
        return
    if not tabular:
        yield Onlooker(unseen)
        return
    with terminal.held(), Painter(terminal) as painter:
        if not terminal.live:
            yield InLog(painter)
            return
        from kubectl_pets.flows.engine.display import Display

        display = Display(terminal, painter, keys)
        with display.taken():
            yield _AtTerminal(painter, display, notes)


def _footer(frame: Frame) -> str:
    if frame.trouble or not isinstance(frame.decision, Act | Wait):
        return frame.trouble or ""
    return decisions.sentence(frame.decision, frame.seen)


def _streamed(terminal: Terminal) -> Observer:
    from kubectl_pets.views.rollout.stream import EventStream

    stream = EventStream()

    def observe(frame: Frame) -> None:
        step = decisions.sentence(frame.decision, frame.seen) if isinstance(frame.decision, Act) else ""
        for line in stream.lines(frame.seen, frame.now, step=step, trouble=frame.trouble or ""):
            terminal.print(line)

    return observe
