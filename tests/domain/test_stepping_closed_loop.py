"""Goals carried out against a simulated controller, in every order that things may happen in.

Nothing here asks the code under test whether it did well: what is claimed is compared with the pods of the simulated cluster.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

import pytest
from hypothesis import event, given, note
from hypothesis import strategies as st

from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.stepping.deciding import after, decide
from kubectl_pets.domain.stepping.patches import change_for
from kubectl_pets.domain.stepping.steps import (
    Abort,
    Act,
    Amount,
    Canary,
    Done,
    DoneReason,
    Ending,
    Goal,
    Overtaken,
    OvertakenReason,
    Partition,
    Pause,
    Promote,
    Refused,
    RefusedReason,
    Resume,
    Run,
    RunMemory,
    SetPartition,
    StepOn,
    Stuck,
)
from tests.domain.closed_loop import BAD, GOOD, OLD, SEEDS, SLOW, Session, Waits, cannot_shrink, histories, new_image, worlds
from tests.domain.controller import Stage, World
from tests.domain.examples import cases

AMOUNTS = st.sampled_from((Amount(1), Amount(2), Amount(3), Amount(10, True), Amount(34, True), Amount(50, True), Amount(100, True)))
SETTLES = st.sampled_from((timedelta(0), timedelta(0), timedelta(seconds=10)))
SOAKS = st.sampled_from((timedelta(0), timedelta(0), timedelta(minutes=5)))


def goals(images: tuple[str, ...] = (GOOD,)) -> st.SearchStrategy[Goal]:
    changes = st.sampled_from(((), *(new_image(image) for image in images)))
    return st.one_of(
        st.builds(Canary, pods=AMOUNTS, images=changes),
        st.builds(StepOn, pods=AMOUNTS),
        st.just(Promote()),
        st.builds(Run, images=changes, canary=st.none() | AMOUNTS, step=AMOUNTS, soak=SOAKS),
        st.builds(Run, images=changes, canary=st.none() | AMOUNTS, step=AMOUNTS, settle=SETTLES, overlap=st.just(True)),
        st.just(Pause()),
        st.just(Resume()),
        st.just(Abort()),
        st.builds(Partition, partition=st.integers(0, 6)),
    )


def check_end(session: Session, ending: Ending) -> None:
    """Whether what is claimed is so. Only what nobody can have changed since."""
    world, goal = session.world, session.goal
    event(f"{type(goal).__name__}: {type(ending).__name__} {getattr(ending, 'reason', '')}")
    match ending:
        case Done(reason=DoneReason.COMPLETE):
            assert world.truly_complete()
        case Done(reason=DoneReason.CANARY_REACHED | DoneReason.STEP_REACHED):
            if world.rolls:
                assert world.observed() and world.all_available() and world.released_done()
        case Done(reason=DoneReason.ABORTED):
            current = world.owner.status.current_revision
            assert world.observed() and world.all_available()
            assert all(pod and pod.revision in (current, "") for pod in world.positions())
            assert world.partition >= world.replicas or current == world.owner.status.update_revision
        case Done(reason=DoneReason.PARTITION_SET):
            assert isinstance(goal, Partition) and world.partition == goal.partition
        case Refused(reason=RefusedReason.COMPLETE) if session.changed and isinstance(goal, Abort):
            # It was over before it could be stopped; then nothing of ours is left behind.
            assert world.owner.status.current_revision == world.owner.status.update_revision
            assert world.partition == 0 and session.deleted == {}
        case Refused():
            assert not session.changed, f"refused {ending.reason} after {session.steps}"
        case Stuck(blockers=blockers):
            assert blockers


def called_finished_too_early(session: Session, ending: Ending) -> bool:
    """The controller counts the updated pods that a scaling is about to remove (updateStatus), and so may call a rollout finished of
    which a pod is at the revision of before: under an abort that one comes back at the new one from then on."""
    world = session.world
    status = world.snapshot().set.status  # type: ignore[union-attr]
    before = any(pod.revision != status.update_revision for pod in world.pods.values())
    gone = isinstance(ending, Overtaken) and ending.reason is OvertakenReason.REVISION_GONE
    return gone and isinstance(session.goal, Abort) and before and status.current_revision == status.update_revision and bool(world.surplus())


@cases(700)
@given(data=st.data(), seed=SEEDS)
def test_every_goal_ends_where_it_says_on_a_healthy_cluster(data: st.DataObject, seed: int) -> None:
    random = Random(seed)
    world = data.draw(worlds())
    data.draw(histories(world, random))
    goal = data.draw(goals())
    session = Session(world, goal, random)
    ending = session.run()
    note(f"{ending} {session.steps}")
    if called_finished_too_early(session, ending):
        return
    assert not isinstance(ending, Overtaken)
    check_end(session, ending)
    if isinstance(ending, Stuck):
        assert cannot_shrink(world)
        return
    if isinstance(goal, Promote | Run) and not isinstance(ending, Refused):
        assert world.truly_complete()
    if isinstance(goal, Partition) and world.rolls:
        assert world.partition == goal.partition
    if isinstance(goal, Abort) and isinstance(ending, Done):
        assert ending.reason in (DoneReason.ABORTED, DoneReason.NOTHING_TO_DO)


@cases(500)
@given(data=st.data(), seed=SEEDS)
def test_every_goal_ends_with_broken_images_about(data: st.DataObject, seed: int) -> None:
    random = Random(seed)
    world = data.draw(worlds())
    data.draw(histories(world, random, (GOOD, BAD, SLOW)))
    session = Session(world, data.draw(goals((GOOD, BAD, SLOW))), random)
    try:
        ending = session.run()
    except Waits:
        assert world.never_ready(), session.steps  # a readiness probe that fails may yet succeed: that is what --timeout is for
        return
    note(f"{ending} {session.steps}")
    assert not isinstance(ending, Overtaken)
    check_end(session, ending)


@cases(500)
@given(data=st.data(), seed=SEEDS)
def test_killed_anywhere_and_typed_again(data: st.DataObject, seed: int) -> None:
    """The same words again, with nothing remembered, lead to the same end and do nothing twice."""
    random = Random(seed)
    world = data.draw(worlds())
    data.draw(histories(world, random))
    goal = data.draw(goals())
    before, replicas, revision = min(world.partition, world.replicas), world.replicas, world.image
    session = Session(world, goal, random, kills=0.5)
    ending = session.run()
    note(f"{ending} {session.steps}")
    assert not isinstance(ending, Overtaken)
    if isinstance(ending, Stuck):
        assert cannot_shrink(world)
        return
    if isinstance(ending, Refused):
        # Refused after a kill: the work was done already, or there is none. Nothing is half done then.
        assert session.typed > 1 or not session.changed or (isinstance(goal, Abort) and world.partition == 0)
        if isinstance(goal, Abort) and ending.reason is not RefusedReason.ON_DELETE:
            status = world.owner.status
            rolled = all(pod and pod.revision == status.update_revision and pod.stage is Stage.READY for pod in world.positions())
            assert rolled or status.current_revision == status.update_revision
        return
    check_end(session, ending)
    released = replicas - min(world.partition, replicas)
    match goal:
        case Canary(pods=pods) if world.rolls and session.steps and not world.truly_complete():
            assert released <= max(pods.of(replicas), replicas - before if world.image == revision else 0)
        case StepOn(pods=pods) if world.rolls:
            freed = [name for step in session.steps if isinstance(step, SetPartition) for name in step.releases]
            assert len(freed) <= pods.of(replicas)
        case StepOn(pods=pods):
            assert len(session.deleted) <= pods.of(replicas)
        case Canary(pods=pods) if not world.rolls:
            assert len(session.deleted) <= pods.of(replicas)
        case Pause() if world.rolls:
            assert world.partition >= before
        case Promote() | Run():
            assert world.truly_complete()
        case _:
            pass


@cases(500)
@given(data=st.data(), seed=SEEDS)
def test_others_meddle_meanwhile(data: st.DataObject, seed: int) -> None:
    """Scaled, edited, paused and disturbed by others: it ends, and what it claims and deletes is still right."""
    random = Random(seed)
    world = data.draw(worlds())
    data.draw(histories(world, random))
    session = Meddled(world, data.draw(goals()), random, meddling=True)
    session.edits = data.draw(st.integers(1, 4))
    ending = session.run()
    note(f"{ending} {session.steps} {session.done}")
    event(f"{type(session.goal).__name__}: {type(ending).__name__} {getattr(ending, 'reason', '')}")
    match ending:
        case Done(reason=DoneReason.COMPLETE):
            assert world.truly_complete()
        case Done(reason=DoneReason.CANARY_REACHED | DoneReason.STEP_REACHED) if world.rolls:
            assert world.observed() and world.all_available() and world.released_done()
        case Refused() if not session.done:
            assert not session.changed or (isinstance(session.goal, Abort) and world.partition == 0)
        case _:
            pass


@dataclass
class Meddled(Session):
    """Somebody else edits the set ``edits`` times."""

    edits: int = 1
    done: list[str] = field(default_factory=list)

    def meddle(self) -> None:
        if len(self.done) >= self.edits or self.random.random() > 0.25:
            return
        world, random = self.world, self.random
        what = random.choice(("replicas", "partition", "image", "restart", "strategy", "flap", "fail", "delete", "annotate"))
        self.done.append(what)
        match what:
            case "replicas":
                world.edit(replicas=random.randint(0, 6))
            case "partition":
                world.edit(partition=random.randint(0, 6))
            case "image":
                world.edit(image=random.choice((GOOD, OLD, "app:3")))
            case "restart":
                world.edit(restart=True)
            case "strategy":
                world.edit(strategy="OnDelete" if world.rolls else "RollingUpdate")
            case "flap" | "fail" | "delete" if world.pods:
                getattr(world, what)(random.choice(list(world.pods)))
            case _:
                world.annotate("note", str(random.random()))


@cases(100)
@given(replicas=st.integers(1, 5), policy=st.sampled_from(("OrderedReady", "Parallel")), seed=SEEDS)
def test_a_change_of_strategy_stops_the_rollout(replicas: int, policy: str, seed: int) -> None:
    """Switching to OnDelete is a way to stop a rollout: a verb that runs must not go on by deleting pods itself."""
    world = World(replicas=replicas, policy=policy)
    world.come_to_rest()
    memory, random = RunMemory(), Random(seed)
    goal = Run(images=new_image(GOOD))
    for _ in range(random.randint(0, 10)):
        snapshot = world.snapshot()
        seen = assess(snapshot, world.now)
        decision, memory = decide(goal, seen, world.now, memory)
        if isinstance(decision, Act):
            assert snapshot.set is not None
            world.apply(change_for(decision.step, snapshot.set, seen))
            memory = after(decision, memory)
        world.progress(random)
    if memory.uid:
        world.edit(strategy="OnDelete")
        decision, _ = decide(goal, assess(world.snapshot(), world.now), world.now, memory)
        assert decision == Overtaken(reason=OvertakenReason.STRATEGY_CHANGED)


@pytest.mark.parametrize("goal", [Pause(), Abort(), Partition(partition=3)])
def test_no_tug_of_war_over_the_partition(goal: Goal) -> None:
    """A GitOps tool puts the partition back at once, every time."""
    world = World(replicas=3)
    world.come_to_rest()
    world.edit(image=GOOD)
    world.round()
    random = Random(0)

    class Reverted(Session):
        def meddle(self) -> None:
            if world.partition:
                world.edit(partition=0)

    ending = Reverted(world, goal, random, meddling=True).run()
    assert ending == Overtaken(reason=OvertakenReason.PARTITION_LOWERED)


@pytest.mark.parametrize("goal", [Canary(images=new_image(GOOD)), Run(images=new_image(GOOD))])
@pytest.mark.parametrize("strategy", ["RollingUpdate", "OnDelete"])
def test_no_tug_of_war_over_the_template(goal: Goal, strategy: str) -> None:
    world = World(replicas=3, strategy=strategy)
    world.come_to_rest()

    class Reverted(Session):
        def meddle(self) -> None:
            if world.image != OLD:
                world.edit(image=OLD)

    session = Reverted(world, goal, Random(0), meddling=True)
    assert session.run() == Overtaken(reason=OvertakenReason.TEMPLATE_EDITED)
    assert len(session.steps) == 1
