"""Others act meanwhile: the partition is lowered under a rollout, admission rewrites it, an answer is lost, a part of a group."""

from collections.abc import Callable
from random import Random

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.model import OwnerReference, StatefulSet
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.managers import LeaderWorkerSetMember, ManagerKind, managers
from kubectl_pets.domain.rollout.revisions import Image
from kubectl_pets.domain.rollout.verdict import Assessment, Phase
from kubectl_pets.domain.stepping.deciding import after, before, decide
from kubectl_pets.domain.stepping.patches import answer_of, change_for
from kubectl_pets.domain.stepping.planning import plan
from kubectl_pets.domain.stepping.steps import (
    Abort,
    Act,
    Canary,
    Delete,
    Done,
    DoneReason,
    Ending,
    Goal,
    Overtaken,
    OvertakenReason,
    Partition,
    PatchAnswer,
    Pause,
    Promote,
    Refused,
    RefusedReason,
    Restart,
    RestartPods,
    Resume,
    Run,
    RunMemory,
    SetPartition,
    Stage,
    Step,
    StepOn,
    Undo,
    Unstick,
    Wait,
)
from tests.domain.builders import NEW, NOW, OLD, UID, failing, pod, snapshot, statefulset
from tests.domain.closed_loop import BAD, FAULTS, GOOD, SLOW, Session, new_image
from tests.domain.controller import RULES, World

RUN = Run(images=new_image(GOOD))


def carried(world: World, goal: Goal, meddle: Callable[[World, Assessment], bool]) -> tuple[Ending, list[Step]]:
    """One run; ``meddle`` is called at each look until it says that it has meddled."""
    memory, done = RunMemory(), False
    steps: list[Step] = []
    for _ in range(300):
        seen = assess(world.snapshot(), world.now)
        if not done and meddle(world, seen):
            done = True
            continue
        decision, memory = decide(goal, seen, world.now, memory)
        match decision:
            case Act(step=step):
                memory = before(decision, seen, memory)
                world.apply(change_for(step, world.owner, seen))
                memory = after(decision, memory, answer_of(world.owner))
                steps.append(step)
            case Wait():
                world.round()
            case _:
                return decision, steps
    raise AssertionError("no end")


def deployed(world: World, seen: Assessment) -> bool:
    """A deploy of the same image with partition 0, once the first pod is through."""
    if seen.partition != 2 or not seen.all_available or seen.updated != 1:
        return False
    world.edit(partition=0)
    world.sync()  # web-1 goes at once
    return True


def test_the_partition_is_raised_again_and_who_went_unguarded_is_named() -> None:
    world = World()
    world.come_to_rest()
    ending, steps = carried(world, RUN, deployed)
    assert ending == Overtaken(reason=OvertakenReason.PARTITION_LOWERED, pods=("web-1",))
    assert steps[-1] == SetPartition(partition=1, before=0, guards=2) and world.partition == 1
    world.come_to_rest()
    assert [each.image if each else "" for each in world.positions()] == ["app:1", GOOD, GOOD]


def test_where_all_went_there_is_nothing_to_raise_and_it_is_no_complete() -> None:
    world = World()
    world.come_to_rest()

    def to_the_end(world: World, seen: Assessment) -> bool:
        if not deployed(world, seen):
            return False
        world.come_to_rest()
        return world.truly_complete()

    ending, steps = carried(world, RUN, to_the_end)
    assert ending == Overtaken(reason=OvertakenReason.PARTITION_LOWERED, pods=("web-1", "web-0"))
    assert world.partition == 0 and steps[-1] == SetPartition(partition=2, before=3, releases=("web-2",))


def test_it_is_raised_once_for_a_second_time_would_be_a_tug_of_war() -> None:
    seen = assess(snapshot(statefulset(partition=0), pod(0), pod(1, NEW), pod(2, NEW)), NOW)
    memory = RunMemory(uid=UID, strategy="RollingUpdate", partition=2, revision=NEW, target=0, changed=True)
    first, memory = decide(Run(), seen, NOW, memory)
    assert first == Act(step=SetPartition(partition=1, before=0, guards=2))
    assert isinstance(first, Act)
    again, _ = decide(Run(), seen, NOW, after(first, memory))
    assert again == Overtaken(reason=OvertakenReason.PARTITION_LOWERED, pods=("web-1",))


@pytest.mark.parametrize("goal", [Promote(), Undo(revision=NEW, number=2, template={}), Restart(at="2026-03-01T12:00:00+00:00")])
def test_whoever_releases_everything_at_once_does_not_mind(goal: Goal) -> None:
    seen = assess(snapshot(statefulset(partition=0), pod(0), pod(1, NEW), pod(2, NEW)), NOW)
    memory = RunMemory(uid=UID, strategy="RollingUpdate", partition=2, revision=NEW, written=True, before=OLD)
    assert not isinstance(decide(goal, seen, NOW, memory)[0], Overtaken)


@pytest.mark.parametrize("goal", [RUN, Canary(images=new_image(GOOD)), Run(images=new_image(GOOD), step=RUN.step)])
def test_a_lost_answer_is_nobody_elses_change(goal: Goal) -> None:
    """What was sent may have been carried out: then the partition is ours, and otherwise it is sent again."""
    world = World()
    world.come_to_rest()
    memory, lost = RunMemory(), 0
    for _ in range(300):
        seen = assess(world.snapshot(), world.now)
        decision, memory = decide(goal, seen, world.now, memory)
        match decision:
            case Act(step=step):
                memory = before(decision, seen, memory)
                world.apply(change_for(step, world.owner, seen))
                lost += 1  # and no ``after``
            case Wait():
                world.round()
            case _:
                break
    assert isinstance(decision, Done) and lost > 1


def test_an_undo_step_by_step_whose_first_answer_is_lost() -> None:
    world = World()
    world.come_to_rest()
    first = world.owner.status.update_revision
    world.edit(image=GOOD)
    world.come_to_rest()
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "app", "image": "app:1"}]}}
    goal = Undo(revision=first, number=1, template=template, by=Run())
    seen = assess(world.snapshot(), world.now)
    decision, memory = decide(goal, seen, world.now, RunMemory())
    assert isinstance(decision, Act)
    memory = before(decision, seen, memory)
    world.apply(change_for(decision.step, world.owner, seen))
    world.sync()
    again, _ = decide(goal, assess(world.snapshot(), world.now), world.now, memory)
    assert again != Overtaken(reason=OvertakenReason.PARTITION_RAISED)


class OtherDefaults(World):
    """The server fills in other defaults than the one that stored the revision: the same template is a revision of its own."""

    def _key(self) -> tuple[str, str]:
        image, mark = super()._key()
        return image, mark or ("filled-in" if self.owner.metadata.annotations.get("kubectl-pets/undone") else "")


@pytest.mark.parametrize("kind", [World, OtherDefaults])
@pytest.mark.parametrize("policy", ["OrderedReady", "Parallel"])
@pytest.mark.parametrize("by", [None, Run()])
def test_undone_is_said_of_no_version_that_somebody_deploys_right_behind_it(kind: type[World], policy: str, by: Run | None) -> None:
    """Before the first look after the change: the revision that was seen then was taken for the one restored."""
    for image in (None, "app:9"):
        world = kind(policy=policy)
        world.come_to_rest()
        first = world.owner.status.update_revision
        world.edit(image=GOOD)
        world.come_to_rest()
        template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "app", "image": "app:1"}]}}

        def behind(world: World, seen: Assessment) -> bool:
            if not world.owner.metadata.annotations.get("kubectl-pets/undone"):
                return False
            if image is not None:
                world.edit(image=image)
            return True

        ending, _ = carried(world, Undo(revision=first, number=1, template=template, by=by), behind)
        if image is None:
            assert ending == Done(reason=DoneReason.UNDONE) and world.image == "app:1" and world.truly_complete()
        else:
            assert ending == Overtaken(reason=OvertakenReason.TEMPLATE_EDITED)


# --- admission ---------------------------------------------------------------------------------------------------------------


class Mirrored(World):
    """Admission has images come from a mirror, as kyverno/policies#347 does."""

    def _put(self, owner: StatefulSet) -> None:
        container = owner.spec.template.spec.containers[0]
        if not container.image.startswith("mirror/"):
            spec = owner.spec
            inner = replace(spec.template.spec, containers=(replace(container, image=f"mirror/{container.image}"),))
            owner = replace(owner, spec=replace(spec, template=replace(spec.template, spec=inner)))
        super()._put(owner)


def test_what_admission_made_of_an_image_is_what_was_ordered() -> None:
    world = Mirrored(image="mirror/app:1")
    world.come_to_rest()
    ending, _ = carried(world, RUN, lambda world, seen: False)
    assert ending == Done(reason=DoneReason.COMPLETE) and world.truly_complete()
    assert [each.image if each else "" for each in world.positions()] == ["mirror/app:2"] * 3


def test_an_edit_by_somebody_else_is_still_told_from_admission() -> None:
    world = Mirrored(image="mirror/app:1")
    world.come_to_rest()

    def reverted(world: World, seen: Assessment) -> bool:
        if seen.updated != 1:
            return False
        world.edit(image="mirror/app:9")
        return True

    assert carried(world, RUN, reverted)[0] == Overtaken(reason=OvertakenReason.TEMPLATE_EDITED)


def test_a_template_that_admission_turns_back_is_nobodys_edit() -> None:
    seen = replace(assess(snapshot(statefulset(), *(pod(each, NEW) for each in range(3))), NOW), generation=7)
    act = Act(step=Stage(images=(Image(container="app", image="app:9"),), partition=3))
    turned = PatchAnswer(images=(Image(container="app", image="app:9"),), generation=7)
    memory = after(act, RunMemory(uid=UID, strategy="RollingUpdate"), turned)
    goal = Run(images=(Image(container="app", image="app:9"),))
    held = replace(seen, partition=3)
    assert decide(goal, held, NOW, memory)[0] == Refused(reason=RefusedReason.ADMISSION)
    assert decide(goal, replace(held, generation=8), NOW, memory)[0] == Overtaken(reason=OvertakenReason.TEMPLATE_EDITED)


@pytest.mark.parametrize("partition", [0, 2])
def test_a_pause_whose_note_is_taken_off_is_no_pause(partition: int) -> None:
    """Where the partition held already all that was to be held the note is all that tells another run to stop."""
    owner = statefulset(partition=partition)
    view = snapshot(owner, pod(0, OLD), pod(1, OLD), pod(2, NEW))
    first, memory = decide(Pause(), assess(view, NOW), NOW, RunMemory())
    assert first == Act(step=SetPartition(partition=2, before=partition, remember=True))
    memory = after(first, memory, answer_of(owner))
    raised = replace(assess(snapshot(statefulset(partition=2), pod(0, OLD), pod(1, OLD), pod(2, NEW)), NOW), resume_partition=partition)
    assert decide(Pause(), raised, NOW, memory)[0] == Done(reason=DoneReason.PAUSED)
    stripped = replace(raised, resume_partition=None)
    assert decide(Pause(), stripped, NOW, memory)[0] == Refused(reason=RefusedReason.NOTE_NOT_KEPT)


@pytest.mark.parametrize("goal", [Pause(), Resume()])
def test_a_change_that_was_refused_is_not_taken_for_one_that_was_made(goal: Goal) -> None:
    """Where only the note of a pause changes the partition is as it was either way: somebody edited the set right before, the
    server refused the change, and the pause said that its note was taken off, the resume that it had resumed."""
    world = World()
    world.come_to_rest()
    world.edit(image=GOOD, partition=2)
    world.come_to_rest()
    if isinstance(goal, Resume):
        world.annotate("kubectl-pets/resume-partition", "2")
    seen = assess(world.snapshot(), world.now)
    decision, memory = decide(goal, seen, world.now, RunMemory())
    assert isinstance(decision, Act)
    memory = before(decision, seen, memory)
    world.edit(replicas=4)  # whose generation the change does not know
    world.come_to_rest()
    again, _ = decide(goal, assess(world.snapshot(), world.now), world.now, memory)
    assert again == decision


# --- fixing forward ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rules", RULES, ids=lambda rules: str(rules.version))
@pytest.mark.parametrize("policy", ["OrderedReady", "Parallel"])
@pytest.mark.parametrize("strategy", ["RollingUpdate", "OnDelete"])
def test_a_first_rollout_that_is_broken_is_fixed_forward(rules: object, policy: str, strategy: str) -> None:
    """kubernetes/kubernetes#60164, #78007, #100094: no revision to go back to."""
    world = World(image=BAD, faults=FAULTS, rules=rules, policy=policy, strategy=strategy)  # type: ignore[arg-type]
    world.come_to_rest()
    assert not world.all_available()
    session = Session(world, RUN, Random(1))
    assert session.run() == Done(reason=DoneReason.COMPLETE) and world.truly_complete()
    assert world.image == GOOD and all(isinstance(step, Stage | SetPartition | Delete) for step in session.steps)


@pytest.mark.parametrize("rules", RULES, ids=lambda rules: str(rules.version))
@pytest.mark.parametrize("policy", ["OrderedReady", "Parallel"])
def test_a_broken_canary_is_fixed_forward(rules: object, policy: str) -> None:
    """Just the broken pod goes, back to what the others run; then the fixed image goes the usual way."""
    world = World(faults=FAULTS, rules=rules, policy=policy)  # type: ignore[arg-type]
    world.come_to_rest()
    assert Session(world, Canary(images=new_image(BAD)), Random(1)).run() != Done(reason=DoneReason.CANARY_REACHED)
    session = Session(world, RUN, Random(2))
    assert session.run() == Done(reason=DoneReason.COMPLETE) and world.truly_complete()
    deleted = [step for step in session.steps if isinstance(step, Delete)]
    assert [step.pod for step in deleted] == ["web-2"] and all(step.ordered for step in deleted)


@pytest.mark.parametrize("policy", ["OrderedReady", "Parallel"])
def test_a_first_image_that_never_gets_ready_is_fixed_forward(policy: str) -> None:
    world = World(image=SLOW, faults=FAULTS, policy=policy)
    world.come_to_rest()
    session = Session(world, RUN, Random(3))
    assert session.run() == Done(reason=DoneReason.COMPLETE) and world.truly_complete()


def test_what_still_has_patience_is_fixed_forward_all_the_same() -> None:
    """Somebody who orders another image does not have to wait until the broken one is called stuck."""
    seen = assess(snapshot(statefulset(current=NEW, images=("app:1",)), failing(0, NEW)), NOW)
    late = replace(seen, phase=Phase.FAILING, failing=seen.blockers, blockers=())
    assert decide(RUN, late, NOW, RunMemory())[0] == Act(step=Stage(images=new_image(GOOD), partition=0))


def test_a_fix_that_was_killed_goes_on() -> None:
    world = World(image=BAD, faults=FAULTS)
    world.come_to_rest()
    ending = Session(world, RUN, Random(5), kills=0.7).run()
    assert ending in (Done(reason=DoneReason.COMPLETE), Done(reason=DoneReason.NOTHING_TO_DO))
    assert world.truly_complete()


def test_what_is_broken_otherwise_is_no_reason_to_release_what_serves() -> None:
    """The lowest pod of a finished rollout crashes: a new image would have to reach all that serve, in one go."""
    seen = assess(snapshot(statefulset(current=NEW, images=("app:1",)), failing(0, NEW), pod(1, NEW), pod(2, NEW)), NOW)
    assert decide(RUN, seen, NOW, RunMemory())[0] == Refused(reason=RefusedReason.STUCK, blockers=seen.blockers)
    old = assess(snapshot(statefulset(partition=2), failing(0), pod(1), pod(2, NEW)), NOW)
    assert decide(Run(images=new_image("app:3")), old, NOW, RunMemory())[0] == Refused(reason=RefusedReason.STUCK, blockers=old.blockers)


def test_nobody_is_asked_about_a_broken_pod_that_is_ordered_to_be_replaced() -> None:
    seen = assess(snapshot(statefulset(current=NEW, images=("app:1",)), failing(0, NEW)), NOW)
    planned = plan(RUN, seen, NOW)
    assert [step.pod for step in planned.steps if isinstance(step, Delete)] == ["web-0"] and planned.deletes == ()
    assert planned.ending == Done(reason=DoneReason.COMPLETE)


# --- a part of a group -------------------------------------------------------------------------------------------------------

EVERY: tuple[Goal, ...] = (
    Canary(), StepOn(), Promote(), Run(), Pause(), Resume(), Abort(), Partition(partition=1), Unstick(),
    Undo(revision=OLD, number=1, template={}), Restart(at="2026-03-01T12:00:00+00:00"), RestartPods(pods=("web-0",)),
)  # fmt: skip


@pytest.mark.parametrize("goal", EVERY, ids=lambda goal: type(goal).__name__)
def test_no_verb_changes_a_part_of_a_leader_worker_set(goal: Goal) -> None:
    owner = statefulset(partition=2, labels={"leaderworkerset.sigs.k8s.io/name": "vllm"})
    leader = OwnerReference(api_version="v1", kind="Pod", name="vllm-1", uid="p", controller=True)
    owner = replace(owner, metadata=replace(owner.metadata, owner_references=(leader,)))
    seen = assess(snapshot(owner, pod(0), pod(1), pod(2, NEW)), NOW)
    assert seen.leader_worker_set == LeaderWorkerSetMember(name="vllm", owner="Pod/vllm-1")
    assert decide(goal, seen, NOW, RunMemory())[0] == Refused(reason=RefusedReason.LEADER_WORKER_SET)
    found = managers(owner)
    assert [(each.kind, each.name) for each in found] == [(ManagerKind.OPERATOR, "LeaderWorkerSet/vllm")]
