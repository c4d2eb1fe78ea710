"""Single decisions: what stops a verb at once, and what it holds on to."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.rollout.assessing import RESUME_ANNOTATION, assess
from kubectl_pets.domain.rollout.revisions import Image
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.stepping.deciding import after, begins, decide
from kubectl_pets.domain.stepping.holding import standing
from kubectl_pets.domain.stepping.steps import (
    Abort,
    Act,
    Amount,
    Canary,
    Decision,
    Delete,
    Done,
    DoneReason,
    Goal,
    Overtaken,
    OvertakenReason,
    Partition,
    Pause,
    Promote,
    Refused,
    RefusedReason,
    Restart,
    Resume,
    Run,
    RunMemory,
    SetPartition,
    Stage,
    StepOn,
    Stuck,
    Undo,
    Wait,
    WaitReason,
)
from tests.domain.builders import NEW, NOW, OLD, THIRD, UID, failing, kept, leaving, pod, snapshot, statefulset, unready

EVERY: tuple[Goal, ...] = (
    Canary(), StepOn(), Promote(), Run(), Pause(), Resume(), Abort(), Partition(partition=1),
)  # fmt: skip
BEGUN = RunMemory(uid=UID, strategy="RollingUpdate", partition=2, revision=NEW, target=2, changed=True)
HALF = (pod(0), pod(1), pod(2, NEW))


def decided(goal: Goal, seen: Assessment, memory: RunMemory = RunMemory()) -> Decision:
    return decide(goal, seen, NOW, memory)[0]


@pytest.mark.parametrize("goal", EVERY)
def test_what_stops_every_verb(goal: Goal) -> None:
    gone = assess(snapshot(None), NOW)
    half = assess(snapshot(statefulset(partition=2), *HALF), NOW)
    deleting = assess(snapshot(statefulset(partition=2, deleting=True), *HALF), NOW)
    unreadable = assess(replace(snapshot(statefulset(partition=2)), pods=None), NOW)
    unseen = assess(snapshot(statefulset(partition=2, observed=1), *HALF), NOW)
    assert decided(goal, gone) == decided(goal, gone, BEGUN) == Overtaken(reason=OvertakenReason.DELETED)
    assert decided(goal, replace(half, uid="another"), BEGUN) == Overtaken(reason=OvertakenReason.REPLACED)
    assert decided(goal, deleting) == Refused(reason=RefusedReason.DELETING)
    assert decided(goal, deleting, BEGUN) == Overtaken(reason=OvertakenReason.DELETED)
    assert decided(goal, unreadable) == Refused(reason=RefusedReason.PODS_UNREADABLE)
    assert decided(goal, replace(half, strategy="Recreate")) == Refused(reason=RefusedReason.STRATEGY_UNKNOWN)
    assert decided(goal, replace(half, strategy="OnDelete"), BEGUN) == Overtaken(reason=OvertakenReason.STRATEGY_CHANGED)
    assert decided(goal, replace(half, partition=3), BEGUN) == Overtaken(reason=OvertakenReason.PARTITION_RAISED)
    assert decided(goal, unseen) == Wait(reason=WaitReason.OBSERVATION)
    assert decided(goal, replace(half, update_revision=THIRD), BEGUN) == Overtaken(reason=OvertakenReason.TEMPLATE_EDITED)


@pytest.mark.parametrize("goal", EVERY)
def test_what_was_planned_is_what_is_carried_out(goal: Goal) -> None:
    """Between the plan and the first look, where there may be a question, somebody orders another version, or makes another set."""
    half = assess(snapshot(statefulset(partition=2), *HALF), NOW)
    begun = begins(goal, half)
    assert decided(goal, half, begun) == decided(goal, half), "as planned"
    assert decided(goal, replace(half, uid="another"), begun) == Overtaken(reason=OvertakenReason.REPLACED)
    assert decided(goal, replace(half, strategy="OnDelete"), begun) == Overtaken(reason=OvertakenReason.STRATEGY_CHANGED)
    edited = replace(half, update_revision=THIRD)
    holds = isinstance(goal, Pause)  # whatever is under way
    assert (decided(goal, edited, begun) == Overtaken(reason=OvertakenReason.TEMPLATE_EDITED)) is not holds
    unseen = assess(snapshot(statefulset(partition=2, observed=1), *HALF), NOW)  # what it calls wanted is the version before
    assert decided(goal, edited, begins(goal, unseen)) == decided(goal, edited)


def test_who_has_done_the_same_meanwhile_is_in_nobodys_way() -> None:
    """Another run of the same verb has ordered the version that this one was typed for."""
    three = tuple(pod(ordinal) for ordinal in range(3))
    before = assess(snapshot(statefulset(current=OLD, update=OLD), *three), NOW)
    staged = assess(snapshot(statefulset(partition=3, images=("app:3",)), *three), NOW)
    run = Run(images=(Image(container="app", image="app:3"),))
    step = SetPartition(partition=2, before=3, releases=("web-2",))
    assert decided(run, staged, begins(run, before)) == Act(step=step)
    other = Run(images=(Image(container="app", image="app:4"),))
    assert decided(other, staged, begins(other, before)) == Overtaken(reason=OvertakenReason.TEMPLATE_EDITED)
    half = assess(snapshot(statefulset(partition=2), *HALF), NOW)
    back = assess(snapshot(statefulset(current=OLD, update=OLD), *three), NOW)
    for goal in (Undo(revision=OLD, number=1, template={"spec": {}}), Abort(), Restart(at="2026-03-01T12:00:00+00:00")):
        assert not isinstance(decided(goal, back, begins(goal, half)), Overtaken), goal


def test_who_takes_it_back_before_it_goes_on_is_heard() -> None:
    """Another one aborts, and is done, between the plan of a verb that releases pods and its first look."""
    half = assess(snapshot(statefulset(partition=2), *HALF), NOW)
    aborted = assess(snapshot(statefulset(partition=3), pod(0), pod(1), pod(2)), NOW)
    ordered = Run(images=half.template)
    for goal in (StepOn(), Promote(), Canary(), Run(), ordered, Partition(partition=1), Partition(partition=2)):
        assert decided(goal, aborted, begins(goal, half)) == Overtaken(reason=OvertakenReason.PARTITION_RAISED), goal
    further = assess(snapshot(statefulset(partition=1), pod(0), pod(1, NEW), pod(2, NEW)), NOW)
    assert decided(StepOn(), further, begins(StepOn(), half)) == Act(step=SetPartition(partition=0, before=1, releases=("web-0",)))
    raised = Partition(partition=3)
    assert decided(raised, further, begins(raised, half)) == Act(step=SetPartition(partition=3, before=1)), "what holds may be raised"
    same = Partition(partition=1)
    memory = decide(same, half, NOW, begins(same, half))[1]
    assert decided(same, further, memory) == Done(reason=DoneReason.NOTHING_TO_DO), "another run of it was quicker"


def test_a_canary_that_another_one_let_go_after_this_one_had_staged_it() -> None:
    three = tuple(pod(ordinal) for ordinal in range(3))
    before = assess(snapshot(statefulset(current=OLD, update=OLD), *three), NOW)
    held = assess(snapshot(statefulset(partition=3, images=("app:3",)), *three), NOW)
    let_go = assess(snapshot(statefulset(partition=2, images=("app:3",)), pod(0), pod(1), pod(2, NEW)), NOW)
    further = assess(snapshot(statefulset(partition=1, images=("app:3",)), pod(0), pod(1, NEW), pod(2, NEW)), NOW)
    goal = Canary(images=(Image(container="app", image="app:3"),))
    act, memory = decide(goal, before, NOW, begins(goal, before))
    assert isinstance(act, Act) and isinstance(act.step, Stage)
    of_staged = Canary()
    for wanted, known in ((goal, after(act, memory)), (of_staged, decide(of_staged, held, NOW, begins(of_staged, held))[1])):
        assert decided(wanted, let_go, known) == Done(reason=DoneReason.CANARY_REACHED), wanted
        asked = decided(wanted, let_go, replace(known, careful=True))
        assert isinstance(asked, Overtaken) and asked.reason is OvertakenReason.PARTITION_LOWERED, "nothing was asked before it went"
        ending = decided(wanted, further, known)
        assert isinstance(ending, Overtaken) and ending.reason is OvertakenReason.PARTITION_LOWERED, "one more than it would have let go"


def test_a_partition_lowered_by_others_matters_to_those_who_hold_back() -> None:
    seen = assess(snapshot(statefulset(partition=1), *HALF), NOW)
    lowered = Overtaken(reason=OvertakenReason.PARTITION_LOWERED)
    holding: tuple[Goal, ...] = (Abort(), Pause(), Partition(partition=2))
    assert [decided(goal, seen, BEGUN) for goal in holding] == [lowered] * 3
    assert decided(Promote(), seen, BEGUN) == Wait(reason=WaitReason.PODS, pods=("web-1",))


def test_pins_after_each_step() -> None:
    stage = Stage(images=(Image(container="app", image="x"),), partition=3)
    assert after(Act(step=stage), BEGUN) == RunMemory(uid=UID, strategy="RollingUpdate", partition=3, ours=True, changed=True, noted=False)
    assert after(Act(step=SetPartition(partition=1, before=2)), BEGUN) == replace(BEGUN, partition=1, ours=True, noted=False)
    assert after(Act(step=Delete(pod="web-2", revision=NEW, comes_back_at=OLD)), replace(BEGUN, changed=False)) == BEGUN


def test_the_revision_is_held_on_to_across_ones_own_stage() -> None:
    """What was staged is a new revision: that is no edit by others, and the next one is."""
    goal = Canary(images=(Image(container="app", image="app:3"),))
    before = assess(snapshot(statefulset(current=OLD, update=OLD), *(pod(ordinal) for ordinal in range(3))), NOW)
    act, memory = decide(goal, before, NOW, RunMemory(revision=OLD))
    assert isinstance(act, Act) and memory.revision == OLD
    memory = after(act, memory)
    staged = assess(snapshot(statefulset(partition=3, images=("app:3",)), *(pod(ordinal) for ordinal in range(3))), NOW)
    act, memory = decide(goal, staged, NOW, memory)
    assert act == Act(step=SetPartition(partition=2, before=3, releases=("web-2",))) and memory.revision == NEW
    edited = replace(staged, update_revision=THIRD)
    assert decided(goal, edited, memory) == Overtaken(reason=OvertakenReason.TEMPLATE_EDITED)


def test_the_current_revision_becomes_the_update_revision_at_the_end() -> None:
    done = assess(snapshot(statefulset(partition=0, current=NEW), *(pod(ordinal, NEW) for ordinal in range(3))), NOW)
    late = replace(done, current_revision=OLD)  # the pods are there, the controller has not said so yet
    memory = RunMemory(uid=UID, strategy="RollingUpdate", partition=0, revision=NEW, target=0, changed=True)
    goals: tuple[Goal, ...] = (Promote(), Run(), StepOn(), Canary())
    for goal in goals:
        assert decided(goal, done, memory) == decided(goal, late, memory) == Done(reason=DoneReason.COMPLETE)


def test_a_pause_between_two_steps_of_another_run() -> None:
    """The partition holds already all that is to be held, so nothing but the note tells the run to go no further."""
    between = assess(snapshot(statefulset(partition=2), *HALF), NOW)
    act, memory = decide(Pause(), between, NOW, RunMemory())
    assert act == Act(step=SetPartition(partition=2, before=2, remember=True))
    paused = assess(snapshot(statefulset(partition=2, annotations={RESUME_ANNOTATION: "2"}), *HALF), NOW)
    assert decided(Pause(), paused, after(act, memory)) == decided(Pause(), paused) == Done(reason=DoneReason.PAUSED)
    for goal in (StepOn(), Promote(), Run(), Run(soak=timedelta(hours=1))):
        going, memory = decide(goal, between, NOW, begins(goal, between))
        assert isinstance(going, Act | Wait), goal
        assert decided(goal, paused, memory) == Overtaken(reason=OvertakenReason.PAUSED), goal
        assert decided(goal, paused, begins(goal, between)) == Overtaken(reason=OvertakenReason.PAUSED), "between plan and first look"
        assert isinstance(decided(goal, paused, begins(goal, paused)), Act | Wait), "typed after it, it goes on"
        assert isinstance(decided(goal, paused), Act | Wait), goal
    assert decided(Canary(), paused, begins(Canary(), between)) == Done(reason=DoneReason.CANARY_REACHED), "it had come to its end"


@pytest.mark.parametrize(
    ("note", "partition", "decision"),
    [
        ("0", 2, Act(step=SetPartition(partition=0, before=2, releases=("web-1", "web-0")))),
        ("1", 2, Act(step=SetPartition(partition=1, before=2, releases=("web-1",)))),
        ("2", 2, Act(step=SetPartition(partition=2, before=2))),  # nothing is released, and the pause is over
        ("3", 2, Act(step=SetPartition(partition=2, before=2))),
        ("-1", 2, Done(reason=DoneReason.NOTHING_TO_DO)),
        ("9" * 5000, 2, Done(reason=DoneReason.NOTHING_TO_DO)),
        (None, 2, Done(reason=DoneReason.NOTHING_TO_DO)),
        (None, 0, Done(reason=DoneReason.NOTHING_TO_DO)),
        (None, 3, Refused(reason=RefusedReason.STAGED_ONLY)),
    ],
)
def test_resume(note: str | None, partition: int, decision: Decision) -> None:
    owner = statefulset(partition=partition, annotations={RESUME_ANNOTATION: note} if note else {})
    assert decided(Resume(), assess(snapshot(owner, *HALF), NOW)) == decision


def test_resume_typed_twice_releases_no_more() -> None:
    once = assess(snapshot(statefulset(partition=1), pod(0), pod(1), pod(2, NEW)), NOW)
    assert decided(Resume(), once) == Done(reason=DoneReason.NOTHING_TO_DO)


def test_pause_and_resume_of_what_never_rolls() -> None:
    seen = assess(snapshot(statefulset(strategy="OnDelete"), *HALF), NOW)
    assert decided(Pause(), seen) == decided(Resume(), seen) == Done(reason=DoneReason.NEVER_ROLLS)


@pytest.mark.parametrize(
    ("pods", "position"),
    [
        ((pod(0), pod(1), pod(2)), 3),
        ((pod(0), pod(1), pod(2, NEW)), 2),
        ((pod(0), pod(1), leaving(2)), 2),  # it comes back updated
        ((pod(0), pod(1)), 2),
        ((pod(0), failing(1), unready(2, NEW)), 2),
        ((pod(0, NEW), pod(1), pod(2, NEW)), 2),
        ((pod(0, NEW), pod(1, NEW), pod(2, NEW)), 0),
    ],
)
def test_where_it_stands(pods: tuple[object, ...], position: int) -> None:
    owner = statefulset(partition=0)
    assert standing(assess(replace(snapshot(owner), pods=pods), NOW)) == position
    assert standing(assess(replace(snapshot(statefulset(partition=3)), pods=pods), NOW)) == 3


def test_abort_does_not_take_down_two_that_serve() -> None:
    """Ready and not yet available is serving all the same: minReadySeconds pass by themselves."""
    recently = NOW - timedelta(seconds=10)
    owner = statefulset(partition=3, min_ready_seconds=60)
    both = assess(snapshot(owner, pod(0), pod(1, NEW, since=recently), pod(2, NEW, since=recently)), NOW)
    assert isinstance(decided(Abort(), both), Wait)
    one = assess(snapshot(owner, pod(0), pod(1, NEW), pod(2, NEW, since=recently)), NOW)
    assert decided(Abort(), one) == Act(step=Delete(pod="web-2", revision=NEW, comes_back_at=OLD))


@pytest.mark.parametrize("policy", ["OrderedReady", "Parallel"])
def test_abort_takes_the_lowest_that_is_down_first(policy: str) -> None:
    owner = statefulset(partition=3, policy=policy)
    seen = assess(snapshot(owner, pod(0), unready(1, NEW), unready(2, NEW)), NOW)
    assert decided(Abort(), seen) == Act(step=Delete(pod="web-1", revision=NEW, comes_back_at=OLD))
    back = assess(snapshot(owner, pod(0), unready(1), unready(2, NEW)), NOW)
    assert isinstance(decided(Abort(), back), Wait), "web-2 may have been waiting for web-1 only"


def test_abort_of_crashing_pods_in_parallel_does_not_queue() -> None:
    seen = assess(snapshot(statefulset(partition=3, policy="Parallel"), pod(0), leaving(1), failing(2, NEW)), NOW)
    assert decided(Abort(), seen) == Act(step=Delete(pod="web-2", revision=NEW, comes_back_at=OLD))


def test_abort_leaves_a_pod_without_a_revision_alone() -> None:
    seen = assess(snapshot(statefulset(partition=3), pod(0, ""), pod(1), pod(2)), NOW)
    assert decided(Abort(), seen) == Done(reason=DoneReason.NOTHING_TO_DO)


def test_abort_that_comes_too_late_leaves_no_partition_behind() -> None:
    seen = assess(snapshot(statefulset(partition=3, current=NEW), *(pod(ordinal, NEW) for ordinal in range(3))), NOW)
    memory = RunMemory(uid=UID, strategy="RollingUpdate", back_to=OLD, partition=3, changed=True)
    assert decided(Abort(), seen, memory) == Act(step=SetPartition(partition=0, before=3))
    assert decided(Abort(), replace(seen, partition=0), replace(memory, partition=0)) == Refused(reason=RefusedReason.COMPLETE)
    edited = replace(seen, update_revision=THIRD)
    assert decided(Abort(), edited, memory) == Overtaken(reason=OvertakenReason.TEMPLATE_EDITED)


def test_abort_where_the_template_is_restored_leaves_released_pods_to_the_controller() -> None:
    owner = statefulset(partition=2, current=OLD, update=OLD)
    revisions = (kept(NEW, 2, timedelta(minutes=30)), kept(OLD, 3, timedelta(hours=2)))
    seen = assess(snapshot(owner, pod(0), pod(1, NEW), pod(2, NEW), revisions=revisions), NOW)
    decision, memory = decide(Abort(), seen, NOW, RunMemory())
    assert decision == Act(step=Delete(pod="web-1", revision=NEW, comes_back_at=OLD))
    released = assess(snapshot(owner, pod(0), pod(1), pod(2, NEW)), NOW)
    assert decided(Abort(), released, memory) == Wait(reason=WaitReason.PODS, pods=("web-2",))


def test_by_hand_one_broken_pod_after_the_other() -> None:
    owner = statefulset(strategy="OnDelete", policy="Parallel")
    seen = assess(snapshot(owner, failing(0), failing(1), failing(2)), NOW)
    first, memory = decide(Promote(), seen, NOW, RunMemory())
    assert first == Act(step=Delete(pod="web-0", revision=OLD, comes_back_at=NEW))
    going = assess(snapshot(owner, leaving(0), failing(1), failing(2)), NOW)
    assert isinstance(decided(Promote(), going, memory), Wait)


def test_by_hand_a_step_is_no_more_than_was_asked_for() -> None:
    owner = statefulset(strategy="OnDelete")
    seen = assess(snapshot(owner, failing(0), failing(1), failing(2)), NOW)
    _, memory = decide(StepOn(pods=Amount(1)), seen, NOW, RunMemory())
    assert memory.pods == frozenset({"web-0"})


@pytest.mark.parametrize("policy", ["OrderedReady", "Parallel"])
def test_by_hand_a_broken_pod_that_is_not_ones_own_is_said(policy: str) -> None:
    owner = statefulset(strategy="OnDelete", policy=policy)
    seen = assess(snapshot(owner, failing(0), pod(1), pod(2)), NOW)
    assert decided(Canary(), seen) == Stuck(blockers=seen.blockers)


def test_an_interrupted_verb_leaves_pods_on_their_way() -> None:
    assert assess(snapshot(statefulset(), *HALF), NOW).all_available
    assert not assess(snapshot(statefulset(), *HALF[:2]), NOW).all_available
    assert not assess(snapshot(statefulset(), *HALF, pod(3)), NOW).all_available
