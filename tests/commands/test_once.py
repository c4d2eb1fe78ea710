"""A run that looks once, and ends."""

import gc

import pytest

from kubectl_pets.flows.engine.once import uncollected


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
