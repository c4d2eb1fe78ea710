"""A number of replicas that somebody typed costs nothing: two thousand million of them are judged and drawn with as many calls as
a few hundred, and every screen tells the missing ones as runs.

Calls are counted, not seconds, so that a loaded machine does not matter.
"""

import json
import sys
from collections.abc import Callable
from datetime import timedelta
from types import FrameType
from typing import Any

import pytest

from kubectl_pets.domain.dns.names import positions_of
from kubectl_pets.domain.dns.network import Network
from kubectl_pets.domain.model import SetView
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.revisions import Image
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.safety.budgets import Budget
from kubectl_pets.domain.safety.risks import judge
from kubectl_pets.domain.scale.plan import plan
from kubectl_pets.domain.scale.types import Surroundings
from kubectl_pets.domain.stepping.planning import plan as rollout_plan
from kubectl_pets.domain.stepping.steps import (
    Abort,
    Amount,
    Canary,
    Done,
    DoneReason,
    Goal,
    Partition,
    Plan,
    Promote,
    Run,
    SetPartition,
    StepOn,
)
from kubectl_pets.views.rollout import documents, lines, partition
from kubectl_pets.views.rollout import plan as plan_view
from kubectl_pets.views.rollout import table, tree
from kubectl_pets.views.safety import quorum
from kubectl_pets.views.scale import documents as scale_documents
from kubectl_pets.views.scale import plan as scale_plan
from tests.domain.builders import NEW, NOW, OLD, failing, pod, snapshot, statefulset
from tests.views.screens import screen

HUGE = (10**6, 2 * 10**9)
AROUND = Surroundings(claims=(), volumes={}, autoscalers=(), scaled_objects=())


def look(replicas: int, held: int = 0) -> SetView:
    """Eight pods, one of them far up, and one that is beyond every range."""
    owner = statefulset(replicas=replicas, partition=held or replicas // 2, claims=("data",))
    pods = (*(pod(ordinal, OLD) for ordinal in range(5)), failing(7, NEW), pod(8, OLD), pod(replicas - 100, NEW))
    return snapshot(owner, *pods, pod(2**31 - 1, OLD))


def calls(what: Callable[[], Any]) -> int:
    """How many functions of Python's and of C's are called, and what goes through a generator."""
    number = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal number
        number += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        what()
    finally:
        sys.setprofile(None)
    return number


def screens(replicas: int) -> dict[str, Callable[[], str]]:
    view = look(replicas)
    seen = assess(view, NOW)
    assert view.set is not None
    scaling = plan(view.set, view, AROUND, replicas * 2, NOW)
    verdict = judge(view, seen, (Budget(),), ())
    return {
        "status": lambda: tree.draw(seen, NOW, width=200),
        "status, folded": lambda: tree.draw(seen, NOW, width=200, height=12),
        "lines": lambda: "\n".join(lines.changes(assess(look(replicas - 1), NOW), seen, NOW)),
        "json": lambda: documents.one(seen, "json"),
        "list": lambda: table.table([seen], NOW, wide=True),
        "partition": lambda: partition.draw(seen),
        "quorum": lambda: quorum.draw(verdict, width=200, colour=False),
        "scale --plan": lambda: scale_plan.draw(scaling, seen, NOW),
        "scale --plan -o json": lambda: scale_documents.document(scaling, seen, "json"),
    }


def judged(replicas: int) -> None:
    view = look(replicas)
    assert view.set is not None
    seen = assess(view, NOW)
    judge(view, seen, (Budget(),), ())
    plan(view.set, view, AROUND, replicas * 2, NOW)
    positions_of(Network(set=view.set, pods=view.pods))


@pytest.mark.parametrize("replicas", HUGE)
def test_verdicts_take_no_more_calls_than_for_a_few_hundred(replicas: int) -> None:
    judged(300)
    assert calls(lambda: judged(replicas)) <= 1.2 * calls(lambda: judged(300))


@pytest.mark.parametrize("screen", sorted(screens(300)))
@pytest.mark.parametrize("replicas", HUGE)
def test_screens_take_no_more_calls_than_for_a_few_hundred(screen: str, replicas: int) -> None:
    few, many = screens(300)[screen], screens(replicas)[screen]
    few()
    assert calls(many) <= 2 * calls(few)  # names and numbers are longer, and widths are told a character at a time


@pytest.mark.parametrize("replicas", HUGE)
def test_no_verdict_claims_too_much(replicas: int) -> None:
    seen = assess(look(replicas), NOW)
    assert (seen.replicas, len(seen.slots), seen.ready, seen.available, seen.updated) == (replicas, replicas, 7, 7, 2)
    assert sum(member.count for member in seen.members) == replicas
    assert len(seen.members) < 100 and len(seen.surplus) == 1
    assert not seen.all_available


def test_json_tells_runs() -> None:
    seen = assess(look(10**6), NOW)
    found = json.loads(documents.one(seen, "json"))["status"]
    runs = [each for each in found["pods"] if each["count"] > 1]
    assert [(each["name"], each["lastName"], each["count"], each["released"]) for each in runs] == [
        ("web-9", "web-499999", 499_991, False),
        ("web-500000", "web-999899", 499_900, True),
        ("web-999901", "web-999999", 99, True),
    ]
    assert sum(each["count"] for each in found["pods"]) == 10**6
    waits = [each for each in found["waitsFor"] if each["count"] > 1]
    assert [(each["awaited"], each["pod"], each["lastPod"]) for each in waits] == [
        ("creation", "web-9", "web-499999"),
        ("creation", "web-500000", "web-999899"),
        ("creation", "web-999901", "web-999999"),
    ]


def test_a_screen_tells_runs() -> None:
    text = tree.draw(assess(look(10**6), NOW), NOW, width=200)
    rows = [line for line in text.splitlines() if "· missing" in line]
    assert [line.split()[2] for line in rows] == [
        "web-5", "web-6", "web-9..web-499999", "web-500000..web-999899", "web-999901..web-999999",
    ]
    assert "waiting" not in text and "web-9..web-499999" in text
    drawn = partition.draw(assess(look(10**6), NOW))
    assert "9..499999" in drawn and "500000..999899" in drawn


def test_a_plan_tells_runs() -> None:
    view = look(10**6)
    assert view.set is not None
    found = plan(view.set, view, Surroundings(), 2 * 10**6, NOW)
    runs = [move for move in found.moves if move.count > 1]
    assert [(move.pod, move.last_pod, move.count) for move in runs][-1] == ("web-999901", "web-1999999", 1_000_099)
    assert "web-999901..web-1999999" in scale_plan.draw(found, assess(view, NOW), NOW)


def planned(replicas: int, goal: Goal, partition: int | None, **more: bool) -> tuple[Plan, Assessment]:
    seen = assess(snapshot(statefulset(replicas=replicas, partition=partition, current=OLD if partition else NEW)), NOW)
    return rollout_plan(goal, seen, NOW, **more), seen


GOALS: tuple[Goal, ...] = (
    Run(images=(Image(container="app", image="app:3"),)),
    Run(images=(Image(container="app", image="app:3"),), step=Amount(7), soak=timedelta(minutes=1)),
    Canary(images=(Image(container="app", image="app:3"),)),
    StepOn(),
    Promote(),
    Partition(partition=1),
    Abort(),
)


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("staged", [False, True])
def test_a_plan_takes_no_more_calls_than_for_a_few_hundred(goal: Goal, staged: bool) -> None:
    """One step a pod over pods that nobody has made yet is told as one, in the document too."""

    def told(replicas: int) -> None:
        found, seen = planned(replicas, goal, replicas if staged else None)
        assert len(found.entries) < 10
        assert plan_view.draw(found, seen, NOW) and len(documents.plan(found, goal, seen, "json")) < 5000

    told(300)
    for replicas in HUGE:
        assert calls(lambda: told(replicas)) <= 2 * calls(lambda: told(300))


@pytest.mark.parametrize("step", [1, 7, 150])
def test_steps_told_as_one_are_those_that_would_be_made(step: int) -> None:
    found, seen = planned(300, Run(step=Amount(step)), 300)
    partitions = [300]
    for each in found.steps:
        assert isinstance(each, SetPartition) and each.before == partitions[-1]
        number = each.steps if isinstance(each.steps, int) else 1
        size = (each.before - each.partition) // number
        partitions += [each.before - size * done for done in range(1, number + 1)]
    assert partitions == [*range(300, 0, -step), 0]
    assert found.ending == Done(reason=DoneReason.COMPLETE)
    if step == 7:
        assert plan_view.draw(found, seen, NOW) == screen("""
            prod/web: scaling
              1. wait until web-0..web-299 are available
              2. release web-293..web-299 (partition 300 -> 293) and wait until they are available
              3. release web-6..web-292 in 41 steps (partition 293 -> 6) and wait after each until they are available
              4. release web-0..web-5 (partition 6 -> 0) and wait until they are available
              => complete: every pod at the update revision
        """)
