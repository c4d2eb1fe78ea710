"""A run that looks once at thousands of objects, tells what it saw, and ends."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """In the block nobody looks for circles of garbage: what is read and judged refers to nothing that refers back to it, and of
    thousands of sets there is more of it with each look. Nor is it looked through afterwards, when the run is about to end: it
    counts as what has been looked through often."""
    collected = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collected:
            gc.freeze()
            gc.unfreeze()
            gc.enable()
