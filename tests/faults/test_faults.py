"""A short run of what `make faults` plays at length; always the same draws, though the cluster's own timing differs."""

from __future__ import annotations

from random import Random

import pytest

from tests import controlplane as plane_package
from tests.controlplane import ControlPlane, Storage
from tests.faults import outage, remaking, rounds
from tests.faults.cases import CASES, KRUISE_CASES
from tests.faults.ground import Ground

pytestmark = [pytest.mark.real, pytest.mark.slow]

_SEED = 7


@pytest.fixture
def ground(controlplane: ControlPlane, namespace: str) -> Ground:
    return Ground(controlplane, namespace)


def _played(round: rounds.Round) -> None:
    outcome = round.outcome()
    assert not outcome.problems, outcome.told(_SEED)


@pytest.mark.parametrize("number", [2, 5])
@pytest.mark.parametrize("verb", CASES)
def test_killed_and_typed_again(ground: Ground, verb: str, number: int) -> None:
    _played(rounds.killed(ground, verb, number, _SEED))


@pytest.mark.parametrize("verb", KRUISE_CASES)
def test_killed_and_typed_again_for_a_set_of_openkruise(kruise: ControlPlane, operator_namespace: str, verb: str) -> None:
    _played(rounds.killed_of_kruise(Ground(kruise, operator_namespace), verb, 1, _SEED))


@pytest.mark.parametrize("number", range(4))
def test_a_bad_way_to_the_server(ground: Ground, number: int) -> None:
    _played(rounds.wired(ground, number, _SEED))


@pytest.mark.parametrize("number", (1, 8))
def test_answers_that_are_none(ground: Ground, number: int) -> None:
    """What could not go on says so, is typed again, and nothing that was carried out is carried out twice."""
    _played(rounds.answered(ground, number, 1))


@pytest.mark.parametrize("number", (2, 4, 7))
def test_answers_that_are_none_of_claims_and_of_a_set_that_is_made_again(ground: Ground, number: int) -> None:
    """What is called done holds, no claim is gone that nobody meant, and no byte that was to stay."""
    _played(rounds.mistook(ground, number, _SEED))


@pytest.mark.parametrize("verb", CASES)
def test_the_same_words_typed_by_two(ground: Ground, verb: str) -> None:
    _played(rounds.doubled(ground, verb, 1, _SEED))


@pytest.mark.parametrize("verb", CASES)
def test_somebody_else_at_the_same_set(ground: Ground, verb: str) -> None:
    _played(rounds.meddled(ground, verb, 0, _SEED))


def test_two_actors_at_the_same_claims(ground: Ground) -> None:
    _played(rounds.disputed(ground, 0, _SEED))


@pytest.mark.parametrize("number", range(len(remaking.KINDS)))
def test_a_set_that_is_made_again(ground: Ground, storage: Storage, number: int) -> None:
    """``storage``: what it takes is built before."""
    _played(rounds.remade(ground, number, _SEED))


def test_a_node_that_stops_answering(ground: Ground) -> None:
    _played(rounds.silenced(ground, 0, _SEED))


def test_the_api_server_is_away_for_a_while() -> None:
    random = Random(_SEED)
    with plane_package.running() as plane:
        plane.create_namespace("faults")
        outcomes = outage.play(Ground(plane, "faults"), outage.some_cases(random, 1), 0, random, 5.0)
    wrong = "\n".join(outcome.told(_SEED) for outcome in outcomes if outcome.problems)
    assert not wrong, wrong
    assert any(outcome.faults for outcome in outcomes), "every verb had ended before the server was stopped"


def test_the_api_server_is_away_while_there_is_no_set() -> None:
    with plane_package.running() as plane:
        outcome = remaking.play(Ground(plane, "default"), 0, Random(_SEED), remaking.STOPPED)
    assert not outcome.problems and outcome.faults, outcome.told(_SEED)
