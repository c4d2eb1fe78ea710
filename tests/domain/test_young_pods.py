"""Pods that serve and whose minReadySeconds run: which of them a controller takes down together, and what is done about it."""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.members import PodState
from kubectl_pets.domain.rollout.stuck import go_at_once
from kubectl_pets.domain.stepping.deciding import after, decide
from kubectl_pets.domain.stepping.patches import change_for
from kubectl_pets.domain.stepping.planning import plan
from kubectl_pets.domain.stepping.steps import Act, Amount, Done, Goal, Partition, Restart, Run, RunMemory, Wait
from kubectl_pets.views.rollout.decisions import before_acting
from tests.domain.builders import NEW, NOW, OLD, pod, snapshot, statefulset
from tests.domain.closed_loop import FAULTS, SEEDS
from tests.domain.controller import RULES, Rules, Stage, World
from tests.domain.examples import cases


def young(replicas: int, policy: str, most: int | str | None, rules: Rules, *, up: int | None = None) -> World:
    """A set all of whose pods are Ready, or the lowest ``up`` of them, and none for as long as minReadySeconds say."""
    world = World(
        replicas=replicas, policy=policy, max_unavailable=most, min_ready_seconds=60, rules=rules, faults=FAULTS
    )
    for _ in range(8):
        world.sync()
        for ordinal in list(world.pods):
            if up is None or ordinal < up:
                world.kubelet(ordinal)
        if policy == "OrderedReady":
            world.now += timedelta(seconds=61)
    return world


@cases(200)
@given(
    st.integers(1, 6), st.sampled_from(("Parallel", "OrderedReady")), st.sampled_from((None, 2, 3, "50%")), st.sampled_from(RULES), st.none() | st.integers(0, 6)
)
def test_they_go_together_where_it_is_said(replicas: int, policy: str, most: int | str | None, rules: Rules, up: int | None) -> None:
    """Against the controller as it is modelled: what it deletes in one sync of what serves, once all is outdated."""
    world = young(replicas, policy, most, rules, up=up)
    seen = assess(world.snapshot(), world.now)
    said = go_at_once(seen)
    serving = {world.pod_name(each) for each in world.pods.values() if each.stage is Stage.READY}
    world.edit(image="app:2")
    world.sync()
    gone = {name for name in serving if name not in {world.pod_name(each) for each in world.pods.values() if each.deleting is None}}
    limit = 1 if most is None else most if isinstance(most, int) else max(1, replicas * 50 // 100)
    assert bool(said) is (len(gone) > max(1, limit if rules.gate else 1)) and set(said) <= gone


@cases(100)
@given(st.integers(2, 5), st.sampled_from((None, 2)), SEEDS)
def test_a_restart_that_releases_each_takes_no_more_than_one(replicas: int, most: int | None, seed: int) -> None:
    world, random = young(replicas, "Parallel", most, RULES[-1]), Random(seed)
    goal: Goal = Restart(at=world.now.isoformat(), by=Run(step=Amount(1)))
    memory, before = RunMemory(), {each.uid for each in world.pods.values()}
    for _ in range(2000):
        seen = assess(world.snapshot(), world.now)
        decision, memory = decide(goal, seen, world.now, memory)
        if isinstance(decision, Act):
            world.apply(change_for(decision.step, world.owner, seen))
            memory = after(decision, memory)
        elif isinstance(decision, Done):
            assert not before & {each.uid for each in world.pods.values()}
            return
        else:
            assert isinstance(decision, Wait), decision
        world.progress(random)
        world.now += timedelta(seconds=random.choice((0, 1, 20)))
        assert sum(each.stage is Stage.READY and each.deleting is None for each in world.pods.values()) >= replicas - 1
    raise AssertionError("no end")


@pytest.mark.parametrize(("ready", "told"), [(3, True), (1, False)])
def test_a_release_that_waits_for_nothing_says_so(ready: int, told: bool) -> None:
    world = young(3, "Parallel", None, RULES[-1], up=ready)
    world.edit(partition=3, image="app:2")
    world.sync()
    seen = assess(world.snapshot(), world.now)
    warned = before_acting(plan(Partition(partition=0), seen, world.now), seen)
    assert any("go down all at once: their minReadySeconds run still" in each for each in warned) is told, (warned, seen)


def test_one_that_has_yet_to_prove_itself_serves_as_well() -> None:
    """As where another pod of the same revision has ended: that is what is told of it then, and its minReadySeconds run all the same."""
    made = assess(snapshot(statefulset(policy="Parallel", min_ready_seconds=60), pod(0), pod(1), pod(2)), NOW)
    members = tuple(replace(each, state=PodState.RECOVERING) for each in made.members)
    assert go_at_once(replace(made, members=members)) == ("web-2", "web-1", "web-0")
    assert go_at_once(replace(made, members=members, min_ready_seconds=0)) == ()


def test_pods_that_are_available_do_not() -> None:
    look = snapshot(statefulset(policy="Parallel"), pod(0, OLD), pod(1, NEW), pod(2, NEW))
    assert go_at_once(assess(look, NOW)) == ()
