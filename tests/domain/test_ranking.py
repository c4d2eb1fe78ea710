"""Over many sets the worst come first, and a summary counts them all."""

import itertools
from datetime import timedelta

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.rollout.ranking import SetOrder, in_order, is_problem, phases
from kubectl_pets.domain.rollout.verdict import Assessment, Phase
from tests.views import builders

SCENES = {
    "complete": builders.complete(),
    "left-over": builders.left_over(),
    "staged": builders.staged(),
    "stuck": builders.stuck(),
    "rolling": builders.rolling(),
    "scaling": builders.scaling(),
    "on-delete": builders.on_delete(),
    "unreadable": builders.unreadable(),
}


def named(name: str) -> Assessment:
    return replace(SCENES[name], name=name)


EVERY = tuple(map(named, SCENES))


@pytest.mark.parametrize("given", [EVERY, EVERY[::-1]])
def test_the_worst_first(given: tuple[Assessment, ...]) -> None:
    names = [seen.name for seen in in_order(given, SetOrder.WORST)]
    assert names == ["stuck", "left-over", "unreadable", "on-delete", "staged", "scaling", "rolling", "complete"]


def test_what_is_alike_is_sorted_by_name() -> None:
    alike = [replace(SCENES["stuck"], namespace=space, name=name) for space, name in (("b", "a"), ("a", "z"), ("a", "b"))]
    for given in itertools.permutations(alike):
        ordered = in_order(given, SetOrder.WORST)
        assert [(seen.namespace, seen.name) for seen in ordered] == [("a", "b"), ("a", "z"), ("b", "a")]


def test_by_age_the_oldest_and_by_restarts_the_most_first() -> None:
    now = builders.NOW
    young, old, unknown = (
        replace(SCENES["complete"], name=name, created=time)
        for name, time in (("young", now), ("old", now - timedelta(days=9)), ("unknown", None))
    )
    assert [seen.name for seen in in_order((unknown, young, old), SetOrder.AGE)] == ["old", "young", "unknown"]
    restless = replace(young, members=tuple(replace(member, restarts=2) for member in young.members))
    assert in_order((young, restless), SetOrder.RESTARTS)[0] is restless


def test_by_readiness_a_set_of_no_pods_lacks_none() -> None:
    assert [seen.name for seen in in_order((replace(builders.empty(), name="empty"), named("stuck")), SetOrder.READY)] == ["stuck", "empty"]


def test_what_somebody_has_to_look_at() -> None:
    assert {name for name in SCENES if is_problem(named(name))} == {"stuck", "left-over", "unreadable"}
    assert is_problem(replace(SCENES["rolling"], phase=Phase.FAILING))


def test_every_phase_is_counted_the_best_first() -> None:
    found = [SCENES["stuck"], SCENES["complete"], SCENES["left-over"], SCENES["rolling"]]
    assert phases(found) == ((Phase.COMPLETE, 2), (Phase.PROGRESSING, 1), (Phase.STUCK, 1))
    every = [replace(SCENES["complete"], phase=phase) for phase in Phase]
    assert sorted(phase for phase, _ in phases(every)) == sorted(Phase)
