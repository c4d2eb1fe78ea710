"""A restart that was broken off and is typed again: gone on with while it may have been under way just now, however long it takes, and another
one later, whatever has happened to its pods since."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.stepping.deciding import decide
from kubectl_pets.domain.stepping.restarting import FINISHED_ANNOTATION, PODS_ANNOTATION, RESTART_ANNOTATION
from kubectl_pets.domain.stepping.steps import Act, Mark, Note, Restart, RestartPods, RunMemory
from tests.domain.builders import NEW, NOW, pod, snapshot, statefulset

#: Minutes since it began and since each pod was made, from the top; whether the same words go on with it.
STORIES = {
    "just now": (3, (2, 2, 1), True),
    "a slow one that was at its last pod": (150, (120, 70, 12), True),
    "a slow one of yesterday": (1500, (1450, 1400, 1350), False),
    "a quick one of half an hour ago": (30, (29, 28, 27), True),
    "a quick one of yesterday, and a pod that was drained since": (1500, (1499, 1498, 10), False),
    "a quick one of yesterday, and all of its pods were": (1500, (30, 20, 10), False),
    "a clock that was behind": (-5, (-5, -5, -5), True),
}


def before(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def seen_at(made: tuple[int, ...], strategy: str, notes: dict[str, str]) -> Assessment:
    pods = [pod(ordinal, NEW, created=before(minutes), since=before(minutes)) for ordinal, minutes in zip((2, 1, 0), made)]
    return replace(assess(snapshot(statefulset(strategy=strategy, current=NEW), *pods), NOW), notes=notes)


@pytest.mark.parametrize("strategy", ["RollingUpdate", "OnDelete"])
@pytest.mark.parametrize("story", STORIES)
def test_of_a_whole_set(story: str, strategy: str) -> None:
    began, made, goes_on = STORIES[story]
    at = before(began).isoformat()
    seen = replace(seen_at(made, strategy, {RESTART_ANNOTATION: at}), restarted_at=at)
    decision, _ = decide(Restart(at=NOW.isoformat()), seen, NOW, RunMemory())
    assert isinstance(decision, Act)
    assert isinstance(decision.step, Note if goes_on else Mark), decision
    if isinstance(decision.step, Note):
        assert FINISHED_ANNOTATION in decision.step.notes


@pytest.mark.parametrize("story", STORIES)
def test_of_chosen_pods(story: str) -> None:
    """What was noted of them is of other pods than those that are there."""
    began, made, goes_on = STORIES[story]
    noted = f"{before(began).isoformat()} web-2=a,web-1=b,web-0=c"
    seen = seen_at(made, "RollingUpdate", {PODS_ANNOTATION: noted})
    decision, _ = decide(RestartPods(pods=("web-2", "web-1", "web-0")), seen, NOW, RunMemory())
    assert isinstance(decision, Act) and isinstance(decision.step, Note), decision
    assert (FINISHED_ANNOTATION in decision.step.notes) == goes_on
