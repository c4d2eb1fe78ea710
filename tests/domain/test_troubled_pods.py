"""Of whatever trouble a set may be in: no verdict claims too much, and none rests on what is over, on an order or on a clock."""

from datetime import timedelta
from random import Random
from typing import TypeVar

from hypothesis import event, given
from hypothesis import strategies as st
from msgspec.structs import replace

from kubectl_pets.domain.model import REVISION_LABEL, Condition, ContainerState, Event, Pod, SetView
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.containers import back_off
from kubectl_pets.domain.rollout.moments import Moment
from kubectl_pets.domain.rollout.verdict import Assessment, Phase
from tests.domain.builders import NOW
from tests.domain.examples import cases
from tests.domain.test_rollout_properties import is_available, names_in_range, own
from tests.domain.troubled import views

_Item = TypeVar("_Item")


def said(seen: Assessment) -> tuple[object, ...]:
    """What a verdict says, without since when: of what only somebody who looks on can know, that is the time of the look."""
    troubles = [tuple((each.cause, each.pod, each.reason) for each in found) for found in (seen.blockers, seen.failing)]
    return seen.phase, seen.waits_for, troubles, [(member.name, member.state) for member in seen.members + seen.surplus]


def clock_behind(pod: Pod) -> timedelta:
    """By the letter: the kubelet took the pod on before it was bound to the node."""
    bound = pod.status.condition("PodScheduled")
    if bound is None or bound.status != "True" or bound.last_transition_time is None or pod.status.start_time is None:
        return timedelta(0)
    return max(timedelta(0), bound.last_transition_time - pod.status.start_time)


@cases(1000)
@given(view=views())
def test_complete_is_what_every_pod_is_and_stays(view: SetView) -> None:
    """Each wanted pod is there, of the wanted revision, available and not on its way out, and none of its containers has been
    up for less than the shortest back-off since it ended."""
    seen, owner = assess(view, NOW), view.set
    assert owner is not None
    event(seen.phase.value)
    if seen.phase is not Phase.COMPLETE:
        return
    mine = own(view)
    assert set(mine) == set(names_in_range(owner))
    for pod in mine.values():
        assert is_available(pod, owner, NOW) and pod.metadata.labels[REVISION_LABEL] == owner.status.update_revision
        statuses = [each for each in pod.status.init_container_statuses if each.name == "side"]
        for status in (*statuses, *pod.status.container_statuses):
            running = status.state.running
            assert status.state.terminated is None
            if running is not None and running.started_at is not None and status.restart_count:
                assert NOW - running.started_at - clock_behind(pod) >= back_off(1)


def shuffled(items: tuple[_Item, ...] | None, random: Random) -> tuple[_Item, ...] | None:
    return None if items is None else tuple(random.sample(items, len(items)))


@cases(500)
@given(view=views(), seed=st.integers(0, 2**32))
def test_the_order_of_what_was_read_means_nothing(view: SetView, seed: int) -> None:
    random, around = Random(seed), view.around
    if around is not None:
        around = replace(around, events=shuffled(around.events, random), nodes=shuffled(around.nodes, random))
    other = replace(view, pods=shuffled(view.pods, random), claims=shuffled(view.claims, random), around=around)
    assert assess(other, NOW) == assess(view, NOW)


@cases(500)
@given(view=views(), later=st.sampled_from((0.5, 1, 3, 15, 40, 70, 200, 900, 5000)))
def test_a_verdict_holds_for_as_long_as_it_is_said_to(view: SetView, later: float) -> None:
    moment = Moment.of(NOW)
    seen = assess(view, moment)
    assert said(seen) == said(assess(view, NOW))
    after = NOW + timedelta(seconds=later)
    if moment.until is None or after < moment.until:
        assert said(assess(view, after)) == said(seen)


def is_over(about: Event, view: SetView) -> bool:
    """Whether an event tells that something was refused of a pod that is not the one there now."""
    made = {pod.name: pod.metadata.creation_timestamp for pod in view.pods or ()}
    name = next((word for word in about.message.split() if word in made), "")
    created = made.get(name)
    return (
        about.reason in ("FailedUpdate", "FailedDelete") and created is not None and about.last is not None and about.last <= created
    )


@cases(1000)
@given(view=views())
def test_what_was_refused_of_a_pod_is_over_with_it(view: SetView) -> None:
    if view.around is None or view.around.events is None:
        return
    left = tuple(each for each in view.around.events if not is_over(each, view))
    assert assess(replace(view, around=replace(view.around, events=left)), NOW) == assess(view, NOW)


def told_by_a_clock(pod: Pod, behind: timedelta) -> Pod:
    """What the kubelet writes where its node's clock is so far behind: all but when the pod was bound."""
    bound = pod.status.condition("PodScheduled")
    if bound is None or bound.status != "True" or bound.last_transition_time is None or bound.last_transition_time.year < 2000:
        return pod

    def condition(each: Condition) -> Condition:
        time = each.last_transition_time
        return each if each.type == "PodScheduled" or time is None or time.year < 2000 else replace(each, last_transition_time=time - behind)

    def state(each: ContainerState) -> ContainerState:
        running, ended = each.running, each.terminated
        if running is not None and running.started_at is not None:
            running = replace(running, started_at=running.started_at - behind)
        if ended is not None:
            started, finished = ended.started_at, ended.finished_at
            ended = replace(
                ended,
                started_at=started - behind if started is not None and started.year >= 2000 else started,
                finished_at=finished - behind if finished is not None else None,
            )
        return replace(each, running=running, terminated=ended)

    status = pod.status
    statuses, inits = (
        tuple(replace(each, state=state(each.state), last_state=state(each.last_state)) for each in several)
        for several in (status.container_statuses, status.init_container_statuses)
    )
    told = replace(
        status,
        start_time=bound.last_transition_time - behind,
        conditions=tuple(map(condition, status.conditions)),
        container_statuses=statuses,
        init_container_statuses=inits,
    )
    return replace(pod, status=told)


@cases(500)
@given(view=views(), behind=st.sampled_from((1, 30, 300, 3600)))
def test_a_clock_that_is_behind_changes_no_verdict(view: SetView, behind: int) -> None:
    right = replace(view, pods=None if view.pods is None else tuple(told_by_a_clock(pod, timedelta(0)) for pod in view.pods))
    late = timedelta(seconds=behind)
    wrong = replace(view, pods=None if view.pods is None else tuple(told_by_a_clock(pod, late) for pod in view.pods))
    assert said(assess(wrong, NOW)) == said(assess(right, NOW))
