"""A plan is what will be done: compared with what is really done against the simulated controller, and written out."""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import event, given, note
from hypothesis import strategies as st
from msgspec.structs import replace

from kubectl_pets.domain.model import SetView
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.revisions import Image
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.stepping.deciding import after, decide
from kubectl_pets.domain.stepping.patches import change_for
from kubectl_pets.domain.stepping.planning import plan
from kubectl_pets.domain.stepping.steps import (
    NEW_REVISION,
    Abort,
    Act,
    Amount,
    Canary,
    Delete,
    Done,
    DoneReason,
    Ending,
    Evict,
    Goal,
    Partition,
    Pause,
    Plan,
    Promote,
    Refused,
    RefusedReason,
    Resume,
    Run,
    RunMemory,
    SetPartition,
    Stage,
    Step,
    StepOn,
    Stuck,
    Wait,
    WaitReason,
    asked_about,
)
from tests.domain.builders import NEW, NOW, OLD, THIRD, failing, kept, leaving, pod, snapshot, snapshots, statefulset, unready
from tests.domain.closed_loop import BAD, GOOD, histories, new_image, worlds
from tests.domain.controller import World
from tests.domain.examples import cases
from tests.domain.test_stepping_closed_loop import goals


def carried_out(goal: Goal, world: World) -> tuple[list[Step], Ending]:
    """What really happens where the controller always does its part at once."""
    memory, steps = RunMemory(), []
    for _ in range(300):
        seen = assess(world.snapshot(), world.now)
        decision, memory = decide(goal, seen, world.now, memory)
        match decision:
            case Act(step=step):
                steps.append(step)
                world.apply(change_for(step, world.owner, seen))
                memory = after(decision, memory)
            case Wait(reason=WaitReason.OBSERVATION):
                world.sync()
            case Wait():
                for _ in range(100):
                    if not world.round():
                        break
            case _:
                return steps, decision
    raise AssertionError(f"no end: {steps}")


def as_planned(step: Step, known: set[str]) -> Step:
    """A revision that did not exist when the plan was made has no name in it."""
    match step:
        case Delete(comes_back_at=name) | Evict(comes_back_at=name) if name not in known:
            return replace(step, comes_back_at=NEW_REVISION)
        case _:
            return step


@cases(500)
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_a_plan_is_what_is_done(data: st.DataObject, seed: int) -> None:
    world = data.draw(worlds())
    data.draw(histories(world, Random(seed), (GOOD, BAD)))
    world.come_to_rest()
    goal = data.draw(goals(("app:3",)))
    seen = assess(world.snapshot(), world.now)
    planned = plan(goal, seen, world.now)
    steps, ending = carried_out(goal, world)
    note(f"{planned} {steps} {ending}")
    event(f"{type(goal).__name__}: {type(ending).__name__} {getattr(ending, 'reason', '')}")
    really = [as_planned(step, {seen.current_revision, seen.update_revision}) for step in steps]
    if isinstance(goal, Run) and goal.overlap:
        overlapped(list(planned.steps), really, ending)
        assert isinstance(ending, Stuck) or planned.ending == ending
    elif isinstance(ending, Stuck):  # a plan does not know that an image is bad before a pod has tried it
        assert list(planned.steps[: len(really)]) == really
    else:
        assert list(planned.steps) == really
        assert planned.ending == ending


def overlapped(planned: list[Step], really: list[Step], ending: Ending) -> None:
    """The steps that overlap are told as one; they release the same pods in the same order."""
    def parts(steps: list[Step]) -> tuple[list[Step], list[str]]:
        ahead = [step for step in steps if isinstance(step, SetPartition) and isinstance(step.overlap, int)]
        return [step for step in steps if step not in ahead], [name for step in ahead for name in step.releases]

    assert sum(isinstance(step, SetPartition) and isinstance(step.overlap, int) for step in planned) <= 2
    (others, released), (others_really, released_really) = parts(planned), parts(really)
    if isinstance(ending, Stuck):
        assert others[: len(others_really)] == others_really and released[: len(released_really)] == released_really
    else:
        assert (others, released) == (others_really, released_really)


@cases(300)
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_a_plan_made_under_way_deletes_no_fewer_pods_than_are_named(data: st.DataObject, seed: int) -> None:
    """Deletions are agreed to by the plan: a pod that was not in it must not go, whatever was under way. Of those that nobody is
    asked about (a broken pod, in place of which the goal itself orders another image) a plan may not know yet."""
    world = data.draw(worlds())
    data.draw(histories(world, Random(seed), (GOOD, BAD)))
    goal = data.draw(goals(("app:3",)))
    seen = assess(world.snapshot(), world.now)
    if not seen.observed:
        return  # ... but for that: nobody knows yet which revision is meant
    planned = plan(goal, seen, world.now)
    steps, ending = carried_out(goal, world)
    note(f"{planned} {steps} {ending}")
    deleted = {pod for step in steps if (pod := asked_about(step)) is not None}
    assert bool(planned.deletes) >= bool(deleted)


@cases(1000)
@given(found=snapshots(), goal=goals())
def test_every_plan_has_an_end(found: SetView, goal: Goal) -> None:
    seen = assess(found, NOW)
    planned = plan(goal, seen, NOW)
    if isinstance(planned.ending, Refused) and planned.steps:  # it is complete before an abort can stop it, and left as it was
        assert isinstance(goal, Abort) and planned.ending.reason is RefusedReason.COMPLETE
        assert [type(step) for step in planned.steps] == [SetPartition, SetPartition]
    assert set(planned.deletes) <= {member.name for member in seen.members}
    assert len(planned.deletes) == len(set(planned.deletes))
    assert len(planned.steps) <= 2 * seen.replicas + 3
    assert isinstance(planned.entries, tuple) and all(isinstance(entry, Act | Wait) for entry in planned.entries)


# --- whole plans, written out --------------------------------------------------------------------------------------------------


def staged(partition: int, before: int, *releases: str) -> SetPartition:
    return SetPartition(partition=partition, before=before, releases=releases)


def at_old(replicas: int = 3, partition: int = 0, strategy: str = "RollingUpdate", policy: str = "OrderedReady") -> Assessment:
    """Nothing under way."""
    owner = statefulset(replicas=replicas, partition=partition or None, strategy=strategy, policy=policy, current=OLD, update=OLD, images=("app:1",))
    return assess(snapshot(owner, *(pod(ordinal) for ordinal in range(replicas))), NOW)


#: The old template is wanted again: its pods were there before the new revision came.
PUT_BACK = (kept(NEW, 2, timedelta(minutes=30)), kept(OLD, 3, timedelta(hours=2)))


def halfway(*revisions: str, partition: int, policy: str = "OrderedReady") -> Assessment:
    owner = statefulset(replicas=len(revisions), partition=partition, policy=policy)
    return assess(snapshot(owner, *(pod(ordinal, revision) for ordinal, revision in enumerate(revisions))), NOW)


STAGE = Stage(images=new_image("app:2"), partition=3)
DONE = Done(reason=DoneReason.COMPLETE)


@pytest.mark.parametrize(
    ("goal", "seen", "steps", "ending"),
    [
        pytest.param(
            Run(images=new_image("app:2")),
            at_old(),
            [STAGE, staged(2, 3, "web-2"), staged(1, 2, "web-1"), staged(0, 1, "web-0")],
            DONE,
            id="run one at a time",
        ),
        pytest.param(
            Run(images=new_image("app:2"), canary=Amount(1), step=Amount(50, True)),
            at_old(5),
            [replace(STAGE, partition=5), staged(4, 5, "web-4"), staged(1, 4, "web-3", "web-2", "web-1"), staged(0, 1, "web-0")],
            DONE,
            id="run with a canary and half of the pods a step, rounded up",
        ),
        pytest.param(
            Canary(images=new_image("app:2")),
            at_old(),
            [STAGE, staged(2, 3, "web-2")],
            Done(reason=DoneReason.CANARY_REACHED),
            id="canary",
        ),
        pytest.param(Canary(images=new_image("app:1")), at_old(), [], Done(reason=DoneReason.NOTHING_TO_DO), id="canary of what is there"),
        pytest.param(Canary(), at_old(), [], Refused(reason=RefusedReason.NOTHING_STAGED), id="canary of nothing"),
        pytest.param(Canary(pods=Amount(4)), at_old(), [], Refused(reason=RefusedReason.TOO_MANY_PODS, asked=4, limit=3), id="too many"),
        pytest.param(
            Canary(pods=Amount(1)),
            halfway(OLD, NEW, NEW, partition=1),
            [],
            Refused(reason=RefusedReason.ALREADY_FURTHER, asked=1, limit=2),
            id="canary beyond which it is",
        ),
        pytest.param(
            StepOn(pods=Amount(34, True)),
            halfway(OLD, OLD, OLD, NEW, partition=3),
            [staged(1, 3, "web-2", "web-1")],
            Done(reason=DoneReason.STEP_REACHED),
            id="a step of a share rounds up",
        ),
        pytest.param(StepOn(pods=Amount(2)), halfway(OLD, NEW, NEW, partition=1), [staged(0, 1, "web-0")], DONE, id="the last step"),
        pytest.param(Promote(), halfway(OLD, OLD, NEW, partition=2), [staged(0, 2, "web-1", "web-0")], DONE, id="promote"),
        pytest.param(Promote(), halfway(OLD, OLD, OLD, partition=9), [staged(0, 9, "web-2", "web-1", "web-0")], DONE, id="promote staged"),
        pytest.param(Promote(), at_old(partition=2), [staged(0, 2)], DONE, id="promote clears a left-over partition"),
        pytest.param(
            Pause(),
            halfway(OLD, OLD, NEW, partition=0),
            [SetPartition(partition=2, before=0, remember=True)],
            Done(reason=DoneReason.PAUSED),
            id="pause",
        ),
        pytest.param(
            Abort(),
            halfway(OLD, NEW, NEW, partition=0),
            [staged(3, 0), Delete(pod="web-2", revision=NEW, comes_back_at=OLD), Delete(pod="web-1", revision=NEW, comes_back_at=OLD)],
            Done(reason=DoneReason.ABORTED),
            id="abort from the top",
        ),
        pytest.param(
            Abort(),
            halfway(THIRD, OLD, NEW, partition=2),
            [staged(3, 2), Delete(pod="web-2", revision=NEW, comes_back_at=OLD), Delete(pod="web-0", revision=THIRD, comes_back_at=OLD)],
            Done(reason=DoneReason.ABORTED),
            id="abort with three revisions",
        ),
        pytest.param(
            Abort(),
            assess(snapshot(statefulset(), pod(0), failing(1, NEW), pod(2, NEW)), NOW),
            [staged(3, 0), Delete(pod="web-1", revision=NEW, comes_back_at=OLD), Delete(pod="web-2", revision=NEW, comes_back_at=OLD)],
            Done(reason=DoneReason.ABORTED),
            id="abort begins with the broken one",
        ),
        pytest.param(
            Abort(),
            assess(snapshot(statefulset(), unready(0, NEW), pod(1, NEW), pod(2, NEW)), NOW),
            [staged(3, 0), *(Delete(pod=f"web-{ordinal}", revision=NEW, comes_back_at=OLD) for ordinal in (0, 2, 1))],
            Done(reason=DoneReason.ABORTED),
            id="abort while the very last pod starts",
        ),
        pytest.param(
            Abort(),
            assess(snapshot(statefulset(partition=3), failing(0), pod(1), pod(2, NEW)), NOW),
            [],
            Stuck(blockers=assess(snapshot(statefulset(partition=3), failing(0), pod(1), pod(2, NEW)), NOW).blockers),
            id="abort leaves a pod alone that serves while one of the current revision is broken",
        ),
        pytest.param(
            Abort(),
            assess(snapshot(statefulset(current=OLD, update=OLD), pod(0), pod(1), failing(2, NEW), revisions=PUT_BACK), NOW),
            [Delete(pod="web-2", revision=NEW, comes_back_at=OLD)],
            Done(reason=DoneReason.ABORTED),
            id="forced-rollback trap: the template is restored, the broken pod is in the way",
        ),
        pytest.param(Abort(), at_old(), [], Refused(reason=RefusedReason.COMPLETE), id="abort of nothing"),
        pytest.param(Abort(), at_old(strategy="OnDelete"), [], Refused(reason=RefusedReason.ON_DELETE), id="abort by hand"),
        pytest.param(
            Canary(images=new_image("app:2")),
            at_old(strategy="OnDelete"),
            [replace(STAGE, partition=None), Delete(pod="web-2", revision=OLD, comes_back_at=NEW_REVISION)],
            Done(reason=DoneReason.CANARY_REACHED),
            id="canary by hand",
        ),
        pytest.param(
            Run(images=new_image("app:2"), soak=timedelta(minutes=5)),
            at_old(strategy="OnDelete"),
            [replace(STAGE, partition=None), *(Delete(pod=f"web-{ordinal}", revision=OLD, comes_back_at=NEW_REVISION) for ordinal in (2, 1, 0))],
            DONE,
            id="run by hand",
        ),
        pytest.param(
            Promote(),
            assess(snapshot(statefulset(strategy="OnDelete"), failing(0), failing(1), pod(2)), NOW),
            [Delete(pod=f"web-{ordinal}", revision=OLD, comes_back_at=NEW) for ordinal in (0, 1, 2)],
            DONE,
            id="by hand the lowest broken pod goes first",
        ),
        pytest.param(Partition(partition=1), at_old(), [staged(1, 0)], Done(reason=DoneReason.PARTITION_SET), id="partition"),
        pytest.param(
            Run(images=new_image("app:2")),
            assess(
                snapshot(statefulset(partition=2, images=("app:9",)), pod(0), pod(1), pod(2, NEW)), NOW
            ),
            [],
            Refused(reason=RefusedReason.OTHER_ROLLOUT),
            id="a change on top of another",
        ),
        pytest.param(Resume(), halfway(OLD, OLD, NEW, partition=2), [], Done(reason=DoneReason.NOTHING_TO_DO), id="resume without a pause"),
        pytest.param(Resume(), halfway(OLD, OLD, OLD, partition=3), [], Refused(reason=RefusedReason.STAGED_ONLY), id="resume of what is staged"),
    ],
)
def test_whole_plans(goal: Goal, seen: Assessment, steps: list[Step], ending: Ending) -> None:
    planned = plan(goal, seen, NOW)
    assert list(planned.steps) == steps
    assert planned.ending == ending


def test_waits_and_acts_in_order() -> None:
    planned = plan(Run(images=new_image("app:2"), soak=timedelta(minutes=5)), at_old(2), NOW)
    assert planned.entries == (
        Act(step=replace(STAGE, partition=2)),
        Act(step=staged(1, 2, "web-1")),
        Wait(reason=WaitReason.SOAK, until=NOW + timedelta(minutes=5, microseconds=1)),
        Act(step=staged(0, 1, "web-0")),
    )


def test_what_is_under_way_is_waited_for() -> None:
    seen = assess(snapshot(statefulset(partition=2), pod(0), pod(1), leaving(2)), NOW)
    assert plan(StepOn(), seen, NOW) == Plan(
        entries=(Wait(reason=WaitReason.PODS, pods=("web-2",)),), ending=Done(reason=DoneReason.STEP_REACHED)
    )


def test_a_template_that_the_controller_has_not_seen_makes_a_new_revision() -> None:
    """Deletions by hand are agreed to by the plan, so it must not be made of what was."""
    owner = statefulset(strategy="OnDelete", current=OLD, update=OLD, generation=3, observed=2, images=("app:3",))
    seen = assess(snapshot(owner, pod(0), pod(1), pod(2)), NOW)
    assert plan(Promote(), seen, NOW).deletes == ("web-2", "web-1", "web-0")
    same = statefulset(strategy="OnDelete", current=OLD, update=OLD, generation=3, observed=2, images=(f"image-of-{OLD}",))
    assert plan(Promote(), assess(snapshot(same, pod(0), pod(1), pod(2)), NOW), NOW).steps == ()


def test_images_are_matched_with_containers() -> None:
    from kubectl_pets.domain.stepping.deciding import images_for

    both = assess(snapshot(statefulset(images=("app:1", "side:1"), init_images=("setup:1",))), NOW)
    assert images_for((Image(container="app1", image="x"), Image(container="init", image="y")), both) == (
        (Image(container="app1", image="x"), Image(container="init", image="y")),
        (),
    )
    assert images_for((Image(container="", image="x"), Image(container="no", image="x")), both) == ((), ("", "no"))
    one = assess(snapshot(statefulset()), NOW)
    assert images_for((Image(container="", image="x"),), one) == ((Image(container="app", image="x"),), ())
