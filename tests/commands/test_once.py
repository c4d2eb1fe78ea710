"""A run that looks once, and ends."""

import gc
import os
import weakref
from collections.abc import Callable
from typing import cast

import pytest

from kubectl_pets import __main__ as door
from kubectl_pets.flows.engine.once import uncollected
from kubectl_pets.session import Session


@pytest.mark.parametrize("collected", [True, False])
def test_garbage_is_looked_for_again_however_the_look_ended(collected: bool) -> None:
    before = gc.isenabled()
    try:
        (gc.enable if collected else gc.disable)()
        with pytest.raises(ValueError, match="half-way"), uncollected():
            assert not gc.isenabled()
            raise ValueError("half-way")
        assert gc.isenabled() is collected
    finally:
        (gc.enable if before else gc.disable)()


def test_what_was_read_is_not_looked_through_at_the_end() -> None:
    looks: list[str] = []

    def looked(phase: str, info: dict[str, int]) -> None:
        looks.append(phase)

    before, threshold = gc.isenabled(), gc.get_threshold()
    gc.set_threshold(1000, 10, 10)
    gc.enable()
    gc.callbacks.append(looked)
    try:
        with uncollected():
            kept = [[number] for number in range(5000)]
        more = [[number] for number in range(100)]
    finally:
        gc.callbacks.remove(looked)
        gc.set_threshold(*threshold)
        (gc.enable if before else gc.disable)()
    assert (len(kept), len(more), looks) == (5000, 100, [])


def test_the_program_ends_without_giving_back_what_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    class Read:
        """What thousands of objects are in place of."""

    held: list[weakref.ref[Read]] = []
    ends: list[tuple[int, bool]] = []

    def run(arguments: list[str], session: Session) -> int:
        read = Read()
        session.kept = read
        held.append(weakref.ref(read))
        return 7

    def ended(code: int) -> None:
        ends.append((code, held[0]() is not None))

    monkeypatch.setattr(door, "run", run)
    monkeypatch.setattr(door, "SIGNALS", ())
    monkeypatch.setattr(os, "_exit", ended)
    threshold, main = gc.get_threshold(), cast(Callable[[], None], door.main)  # which never returns, where it may end
    try:
        main()
    finally:
        gc.set_threshold(*threshold)
    assert ends == [(7, True)]
