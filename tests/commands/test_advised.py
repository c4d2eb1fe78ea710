"""A set that is well loads no advice, and there is none for it."""

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.rollout.verdict import Phase
from kubectl_pets.domain.sets.restoring import RESTORING_ANNOTATION
from kubectl_pets.flows.rollout import status
from kubectl_pets.views.rollout import advice
from tests.views import builders


@pytest.mark.parametrize("scene", sorted(builders.SCENES))
@pytest.mark.parametrize("phase", [None, Phase.COMPLETE])
@pytest.mark.parametrize("left_over", [False, True])
@pytest.mark.parametrize("notes", [{}, {RESTORING_ANNOTATION: '{"running":true}'}, {"kubectl-pets/paused": "true"}])
def test_what_to_type_next_is_what_advice_says(scene: str, phase: Phase | None, left_over: bool, notes: dict[str, str]) -> None:
    seen = builders.SCENES[scene]()
    seen = replace(seen, phase=phase or seen.phase, partition_left_over=left_over or seen.partition_left_over, notes={**seen.notes, **notes})
    assert getattr(status, "_advised")(seen) == advice.after_a_look(seen)
