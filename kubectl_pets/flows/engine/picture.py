"""One StatefulSet on the terminal for as long as a verb follows it."""

from collections.abc import Iterator
from contextlib import contextmanager

from kubectl_pets.domain.stepping.steps import Act, Wait
from kubectl_pets.flows.engine.looking import Frame, Observer, unseen
from kubectl_pets.session import Terminal
from kubectl_pets.views.live import Painter
from kubectl_pets.views.rollout import decisions


@contextmanager
def pictured(terminal: Terminal, *, tabular: bool) -> Iterator[Observer]:
    """Yields what is to be told of every frame. Below the picture stands what keeps us from the server, or what is being done or
    waited for; how it ended is for the verb to say afterwards. Nothing is shown where the output is a document."""
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
