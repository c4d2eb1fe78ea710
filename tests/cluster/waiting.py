"""Waiting on a source until what it shows is as a test wants it."""

import time
from collections.abc import Callable

from kubectl_pets.cluster.topics.watched_sets import Source, V


def until(source: Source[V], true: Callable[[V], bool], seconds: float = 60.0) -> V:
    """What the source shows once that is true; fails with what it showed last."""
    deadline = time.monotonic() + seconds
    while True:
        seen = source.latest()
        if true(seen):
            return seen
        left = deadline - time.monotonic()
        assert left > 0, f"waited in vain: {seen}; {source.trouble()}"
        source.wait(left)
