"""What a deleted pod comes back at, and what ran before: told from pods and ControllerRevisions, whatever became of them."""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import event, given, note
from hypothesis import strategies as st
from msgspec.structs import replace

from kubectl_pets.domain.model import Container, ControllerRevision, Pod
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.revisions import Before, Doubt, ran_before
from kubectl_pets.domain.stepping.deciding import decide
from kubectl_pets.domain.stepping.freeing import goes_back_to, undoes_to
from kubectl_pets.domain.stepping.holding import abort_to
from kubectl_pets.domain.stepping.steps import (
    Abort,
    Act,
    Delete,
    Done,
    DoneReason,
    Overtaken,
    OvertakenReason,
    Refused,
    RefusedReason,
    Restart,
    RunMemory,
    Stuck,
    Undo,
)
from tests.domain.builders import NEW, NOW, OLD, THIRD, failing, kept, pod, snapshot, statefulset, unready
from tests.domain.closed_loop import BAD, FAULTS, GOOD
from tests.domain.closed_loop import OLD as OLD_IMAGE
from tests.domain.closed_loop import SEEDS, Session, Waits, worlds
from tests.domain.controller import RULES, World
from tests.domain.examples import cases

HOUR = timedelta(hours=1)
EARLY, LATE = kept(OLD, 1, 3 * HOUR), kept(NEW, 2, 2 * HOUR)


@pytest.mark.parametrize(
    "current, pods, revisions, expected",
    [
        pytest.param(OLD, (pod(0), pod(1), pod(2, NEW)), (EARLY, LATE), Before(held=OLD, revision=OLD), id="half-way"),
        pytest.param(NEW, (pod(0, NEW),), (EARLY, LATE), Before(held=NEW), id="complete"),
        pytest.param(NEW, (pod(0), pod(1)), (EARLY, LATE), Before(held=NEW, revision=OLD), id="made again over its pods"),
        pytest.param(
            OLD, (pod(0), pod(1), pod(2, NEW)), (LATE,), Before(held=NEW, doubt=Doubt.NOT_KEPT, not_kept=(OLD,)), id="revision deleted"
        ),
        pytest.param(
            NEW, (pod(0), pod(2, NEW)), (LATE,), Before(held=NEW, doubt=Doubt.NOT_KEPT, not_kept=(OLD,)), id="deleted, and the status knows"
        ),
        pytest.param(
            NEW, (pod(0),), (kept(OLD, 1, 3 * HOUR, owner=None), LATE), Before(held=NEW, revision=OLD), id="an orphan that is adopted"
        ),
        pytest.param(
            OLD, (pod(0),), (kept(OLD, 1, 3 * HOUR, owner="set-2"), LATE), Before(held=NEW, doubt=Doubt.NOT_KEPT, not_kept=(OLD,)), id="another set's"
        ),
        pytest.param(OLD, (pod(0), pod(1, NEW)), (), Before(held=OLD, revision=OLD), id="the list is not whole: by the status"),
        pytest.param(NEW, (pod(0),), None, Before(held=NEW, doubt=Doubt.UNREAD), id="unread, and the status says nothing"),
        pytest.param("", (), (LATE,), Before(held=NEW), id="a first rollout"),
        pytest.param(
            NEW, (pod(0, THIRD), pod(1), pod(2, NEW)), (EARLY, kept(THIRD, 2, 2 * HOUR), kept(NEW, 3, HOUR)), Before(held=NEW, revision=THIRD), id="the newest of those that run"
        ),
        pytest.param(
            NEW, (pod(0), pod(1)), (kept(OLD, 2, HOUR), kept(NEW, 3, 2 * HOUR)), Before(held=NEW, doubt=Doubt.OLDER_WANTED), id="an older template over newer pods"
        ),
        pytest.param(
            NEW, (pod(0), pod(1)), (kept(OLD, 2, HOUR), kept(NEW, 3, HOUR)), Before(held=NEW, doubt=Doubt.OLDER_WANTED), id="made in the same second"
        ),
        pytest.param(
            NEW, (pod(0), pod(1)), (kept(OLD, 1, HOUR), kept(NEW, 2, HOUR)), Before(held=NEW, revision=OLD), id="in the same second, but no number was given up"
        ),
        pytest.param(
            NEW, (pod(0, NEW), pod(1)), (kept(OLD, 2, HOUR / 2), kept(NEW, 3, 2 * HOUR)), Before(held=NEW, revision=NEW, put_back=True), id="put back, and its pods bear it out"
        ),
        pytest.param(
            NEW, (failing(0), failing(1)), (kept(OLD, 2, HOUR), kept(NEW, 3, 2 * HOUR)), Before(held=NEW, revision=NEW), id="an older template, and nothing of the newer serves"
        ),
    ],
)
def test_what_ran_before(
    current: str, pods: tuple[Pod, ...], revisions: tuple[ControllerRevision, ...] | None, expected: Before
) -> None:
    owner = statefulset(current=current, partition=3)
    view = snapshot(owner, *pods, revisions=revisions)  # type: ignore[arg-type]
    seen = assess(view, NOW)
    assert ran_before(owner, view, seen.members + seen.surplus) == seen.before == expected


@pytest.mark.parametrize("version, expected", [("v1.36.0", THIRD), ("v1.37.2", OLD), ("odd", THIRD)])
def test_by_hand_pods_decide_before_1_37(version: str, expected: str) -> None:
    """kubernetes/kubernetes#106055: the current revision stays at the first one for good."""
    owner = statefulset(strategy="OnDelete", current=OLD, update=NEW)
    revisions = (EARLY, kept(THIRD, 2, 2 * HOUR), kept(NEW, 3, HOUR))
    view = snapshot(owner, pod(0), pod(1, THIRD), pod(2, NEW), version=version, revisions=revisions)
    assert assess(view, NOW).before == Before(held=NEW, revision=expected)


@pytest.mark.parametrize("version", ["v1.34.4", "v1.37.2"])
def test_by_hand_all_pods_at_the_newest_is_nothing_under_way(version: str) -> None:
    owner = statefulset(strategy="OnDelete", current=OLD, update=NEW)
    seen = assess(snapshot(owner, *(pod(ordinal, NEW) for ordinal in range(3)), version=version, revisions=(EARLY, LATE)), NOW)
    assert not seen.under_way and seen.before == Before(held=NEW)
    decision, _ = decide(Restart(at="2026-03-01T12:00:00+00:00"), seen, NOW, RunMemory())
    assert isinstance(decision, Act)


def test_abort_is_refused_where_pods_would_come_back_at_the_wanted_version() -> None:
    """open-telemetry/opentelemetry-operator#5329, kubernetes/kubernetes#85690."""
    again = assess(snapshot(statefulset(current=NEW, partition=3), *map(pod, range(3)), revisions=(EARLY, LATE)), NOW)
    tidied = assess(snapshot(statefulset(partition=2), pod(0), pod(1), pod(2, NEW), revisions=(LATE,)), NOW)
    for seen in (again, tidied):
        assert abort_to(seen) == decide(Abort(), seen, NOW, RunMemory())[0] == Refused(reason=RefusedReason.NO_WAY_BACK)


def test_no_partition_is_left_over_before_the_newest_spec_was_seen() -> None:
    """With the controllers down a staged change was called a left-over partition, and clearing that released it."""
    unseen = statefulset(partition=3, current=OLD, update=OLD, observed=1)
    assert not assess(snapshot(unseen, *map(pod, range(3))), NOW).partition_left_over
    seen = statefulset(partition=3, current=OLD, update=OLD)
    assert assess(snapshot(seen, *map(pod, range(3))), NOW).partition_left_over


def test_abort_stops_when_the_revision_it_goes_back_to_is_deleted() -> None:
    pods = pod(0), pod(1, NEW), pod(2, NEW)
    begun = decide(Abort(), assess(snapshot(statefulset(partition=3), *pods, revisions=(EARLY, LATE)), NOW), NOW, RunMemory())
    assert begun[0] == Act(step=Delete(pod="web-2", revision=NEW, comes_back_at=OLD))
    for current in (OLD, NEW):  # before the controller has noticed it, and after
        seen = assess(snapshot(statefulset(partition=3, current=current), *pods, revisions=(LATE,)), NOW)
        assert decide(Abort(), seen, NOW, begun[1])[0] == Overtaken(reason=OvertakenReason.REVISION_GONE)


def test_undo_goes_to_what_the_pods_ran_after_the_set_was_made_again() -> None:
    world = World(image=OLD_IMAGE)
    world.come_to_rest()
    first = world.owner.status.update_revision
    world.recreate(image=GOOD, partition=3)
    world.come_to_rest()
    assert world.owner.status.current_revision == world.owner.status.update_revision != first
    uids = {pod.uid for pod in world.pods.values()}
    assert goes_back_to(world.history(), assess(world.snapshot(), world.now), None) == first
    assert Session(world, undo_to(world, OLD_IMAGE), Random(1)).run() == Done(reason=DoneReason.UNDONE)
    assert uids == {pod.uid for pod in world.pods.values()} and world.image == OLD_IMAGE


def test_undo_says_that_what_the_pods_run_is_not_kept() -> None:
    """kubernetes/kubernetes#85690: somebody tidied ControllerRevisions up while a canary was out."""
    world = World()
    world.come_to_rest()
    first = world.owner.status.update_revision
    world.edit(image=GOOD, partition=2)
    world.come_to_rest()
    world.lose_revision(first)
    seen = assess(world.snapshot(), world.now)
    assert goes_back_to(world.history(), seen, None) == Refused(reason=RefusedReason.REVISION_NOT_KEPT, pods=("web-0", "web-1"))
    assert abort_to(seen) == Refused(reason=RefusedReason.NO_WAY_BACK)


def test_undo_skips_templates_that_are_the_live_one() -> None:
    """kubernetes/kubernetes#134773: 1.33 and 1.34 wrote each template a second time."""
    world = World()
    world.come_to_rest()
    first = world.owner.status.update_revision
    world.copy_revision(first)
    seen = assess(world.snapshot(), world.now)
    assert goes_back_to(world.history(), seen, None) == Refused(reason=RefusedReason.NO_EARLIER_REVISION)
    world.edit(image=GOOD)
    world.come_to_rest()
    second = world.owner.status.update_revision
    world.copy_revision(second)
    assert goes_back_to(world.history(), assess(world.snapshot(), world.now), None) == first


def with_image(revision: ControllerRevision, image: str) -> ControllerRevision:
    spec = replace(revision.data.spec.template.spec, containers=(Container(name="app", image=image),))
    template = replace(revision.data.spec.template, spec=spec)
    return replace(revision, data=replace(revision.data, spec=replace(revision.data.spec, template=template)))


@pytest.mark.parametrize(("number", "age", "older"), [(1, 2 * HOUR, OLD), (2, 2 * HOUR, OLD), (2, HOUR, OLD), (2, HOUR / 2, "")])
def test_no_undo_is_advised_to_what_was_left(number: int, age: timedelta, older: str) -> None:
    """A template that is gone back to gets a number of its own, and keeps its time."""
    revisions = (with_image(kept(OLD, number, age), "app:1"), with_image(kept(NEW, 3, HOUR), "app:2"))
    seen = assess(snapshot(statefulset(current=NEW), pod(0, NEW), pod(1, NEW), pod(2, NEW), revisions=revisions), NOW)
    assert (seen.before.older, undoes_to(seen)) == (older, older)


def test_undo_of_an_older_template_over_newer_pods_wants_a_number() -> None:
    seen = assess(snapshot(statefulset(current=NEW, partition=3), pod(0), pod(1), pod(2), revisions=(kept(OLD, 2, HOUR), kept(NEW, 3))), NOW)
    assert goes_back_to((), seen, None) == Refused(reason=RefusedReason.OLDER_WANTED)


@pytest.mark.parametrize("completes", [False, True])
def test_undo_by_hand_goes_back_one_revision(completes: bool) -> None:
    """Three rolled out to the end; servers before 1.37 still call the first one current."""
    world = World(strategy="OnDelete", rules=[rules for rules in RULES if rules.completes_by_hand is completes][0])
    world.come_to_rest()
    for image in (GOOD, "app:3"):
        world.edit(image=image)
        world.sync()
        for ordinal in list(world.pods):
            world.delete(ordinal)
        world.come_to_rest()
    second = world._revisions[GOOD, ""]
    assert goes_back_to(world.history(), assess(world.snapshot(), world.now), None) == second
    assert Session(world, undo_to(world, GOOD), Random(1)).run() == Done(reason=DoneReason.UNDONE)
    assert all(each and each.image == GOOD for each in world.positions())


def test_a_partition_that_keeps_pods_elsewhere_is_no_undone() -> None:
    world = World(faults=FAULTS)
    world.come_to_rest()
    world.edit(image=GOOD)
    world.come_to_rest()
    world.edit(partition=2)
    assert Session(world, undo_to(world, OLD_IMAGE), Random(1)).run() == Done(reason=DoneReason.HELD_BACK)
    assert [each.image if each else "" for each in world.positions()] == [GOOD, GOOD, OLD_IMAGE]


def undo_to(world: World, image: str) -> Undo:
    name = next(entry.name for entry in world.history() if entry.template["spec"]["containers"][0]["image"] == image)
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "app", "image": image}]}}
    return Undo(revision=name, number=1, template=template)


@st.composite
def odd_pasts(draw: st.DrawFn, world: World, random: Random) -> None:
    """Rollouts, and what people and tools do to ControllerRevisions meanwhile."""
    for _ in range(draw(st.integers(1, 5))):
        match draw(st.sampled_from(("image", "image", "partition", "recreate", "lose", "copy", "flap"))):
            case "image":
                world.edit(image=draw(st.sampled_from((OLD_IMAGE, GOOD, BAD))))
            case "partition":
                world.edit(partition=draw(st.integers(0, world.replicas + 1)))
            case "recreate":
                world.recreate(image=draw(st.sampled_from((OLD_IMAGE, GOOD))), partition=draw(st.integers(0, 5)))
            case "lose" if world.kept:
                world.lose_revision(random.choice(sorted(world.kept)))
            case "copy" if world.kept:
                world.copy_revision(random.choice(sorted(world.kept)), older=draw(st.booleans()))
            case "flap" if world.pods:
                world.flap(random.choice(list(world.pods)))
        for _ in range(draw(st.sampled_from((0, 1, 4, 30)))):
            world.progress(random)


@cases(400)
@given(data=st.data(), seed=SEEDS)
def test_abort_brings_back_what_it_names_or_nothing(data: st.DataObject, seed: int) -> None:
    random = Random(seed)
    world = data.draw(worlds(strategy="RollingUpdate"))
    data.draw(odd_pasts(world, random))
    world.sync()
    session = Session(world, Abort(), random)
    try:
        ending = session.run()
    except Waits:
        return
    note(f"{ending} {session.steps}")
    event(f"{type(ending).__name__} {getattr(ending, 'reason', '')}")
    deletions = [step for step in session.steps if isinstance(step, Delete)]
    assert len({step.comes_back_at for step in deletions}) <= 1
    if ending == Done(reason=DoneReason.ABORTED) and deletions:
        assert all(each and each.revision in (deletions[0].comes_back_at, "") for each in world.positions())
    if isinstance(ending, Refused) and ending.reason is RefusedReason.NO_WAY_BACK:
        assert not session.steps


@cases(400)
@given(data=st.data(), seed=SEEDS)
def test_undone_is_what_every_pod_runs(data: st.DataObject, seed: int) -> None:
    random = Random(seed)
    world = data.draw(worlds())
    data.draw(odd_pasts(world, random))
    world.sync()
    seen = assess(world.snapshot(), world.now)
    back = goes_back_to(world.history(), seen, None)
    event(back.reason.value if isinstance(back, Refused | Done) else "a revision")
    if isinstance(back, Refused | Done):
        return
    image = world.kept[back].key[0]
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "app", "image": image}]}}
    session = Session(world, Undo(revision=back, number=world.kept[back].number, template=template), random)
    try:
        ending = session.run()
    except Waits:
        return
    note(f"{ending} {session.steps}")
    if ending == Done(reason=DoneReason.UNDONE):
        assert all(each and each.image == image for each in world.positions())
    else:
        assert isinstance(ending, Stuck) or ending in (Done(reason=DoneReason.HELD_BACK), Done(reason=DoneReason.NOTHING_TO_DO))


def test_no_way_back_is_no_stuck_pod_deleted() -> None:
    """A broken pod of the wanted revision in a set that was made again: deleting it brings the same back."""
    seen = assess(snapshot(statefulset(current=NEW), pod(0), pod(1), unready(2, NEW), revisions=(EARLY, LATE)), NOW)
    assert decide(Abort(), seen, NOW, RunMemory())[0] == Refused(reason=RefusedReason.NO_WAY_BACK)
