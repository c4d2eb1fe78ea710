"""One StatefulSet on the terminal for as long as a verb follows it."""

from collections.abc import Iterator
from contextlib import contextmanager

from kubectl_pets.domain.stepping.steps import Act, Wait
from kubectl_pets.flows.engine.looking import Frame, Observer, unseen
from kubectl_pets.session import Terminal
from kubectl_pets.views.live import Painter
from kubectl_pets.views.rollout import decisions


@contextmanager
def pictured(terminal: Terminal, *, tabular: bool, streams: bool = False) -> Iterator[Observer]:
    """Yields what is to be told of every frame. Below the picture stands what keeps us from the server, or what is being done or
    waited for; how it ended is for the verb to say afterwards. Nothing is shown where the output is a document; with ``streams``
    an event a line."""
    if streams:
        yield _streamed(terminal)
        return
    if not tabular:
        yield unseen
        return
    with Painter(terminal) as painter:

        def observe(frame: Frame) -> None:
            footer = frame.trouble or ""
            if not footer and isinstance(frame.decision, Act | Wait):
                footer = decisions.sentence(frame.decision, frame.seen)
            painter.show(frame.seen, frame.now, footer=footer, log=bool(frame.trouble) or isinstance(frame.decision, Act))

        yield observe


def _streamed(terminal: Terminal) -> Observer:
    from kubectl_pets.views.rollout.stream import EventStream

    stream = EventStream()

    def observe(frame: Frame) -> None:
        step = decisions.sentence(frame.decision, frame.seen) if isinstance(frame.decision, Act) else ""
        for line in stream.lines(frame.seen, frame.now, step=step, trouble=frame.trouble or ""):
            terminal.print(line)

    return observe
