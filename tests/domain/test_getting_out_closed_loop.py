"""Undo, unstick and restart carried out against a simulated controller, killed and typed again.

As in the other closed loops, what is claimed is compared with the pods of the simulated cluster, never with our own verdict.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

import msgspec
import pytest
from hypothesis import event, given, note
from hypothesis import strategies as st

from kubectl_pets.domain.model import SetView
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.members import PodState
from kubectl_pets.domain.stepping.deciding import after, decide
from kubectl_pets.domain.stepping.freeing import UNDONE_ANNOTATION, goes_back_to, undoes_to
from kubectl_pets.domain.stepping.patches import change_for
from kubectl_pets.domain.stepping.planning import plan
from kubectl_pets.domain.stepping.restarting import mark
from kubectl_pets.domain.stepping.steps import (
    Act,
    Amount,
    Delete,
    Done,
    DoneReason,
    Evict,
    Goal,
    Note,
    Overtaken,
    OvertakenReason,
    Refused,
    RefusedReason,
    Restart,
    RestartPods,
    Restore,
    Run,
    RunMemory,
    Step,
    Stuck,
    Undo,
    Unstick,
)
from tests.domain.closed_loop import BAD, FAULTS, GOOD, OLD, SEEDS, SLOW, Session, cannot_shrink, histories, worlds
from tests.domain.controller import RULES, Rules, World
from tests.domain.examples import cases
from tests.domain.test_planning import as_planned, carried_out

BY = st.sampled_from((None, None, Run(), Run(step=Amount(2), soak=timedelta(minutes=2))))


def undo_to(world: World, image: str, by: Run | None = None) -> Undo:
    """The goal as the command makes it from the history."""
    name = next(name for (shown, _), name in world._revisions.items() if shown == image)
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "app", "image": image}]}}
    return Undo(revision=name, number=1, template=template, by=by)


def images(world: World) -> list[str]:
    return [pod.image if pod else "" for pod in world.positions()]


@cases(500)
@given(data=st.data(), seed=SEEDS, bad=st.sampled_from((BAD, SLOW, GOOD)), kills=st.sampled_from((0.0, 0.5)))
def test_undo_always_gets_back(data: st.DataObject, seed: int, bad: str, kills: float) -> None:
    """From a rollout of a broken, a slow or a good image, at any moment of it; nobody's help needed."""
    random = Random(seed)
    world = data.draw(worlds())
    world.edit(image=bad)
    for _ in range(data.draw(st.integers(0, 30))):
        world.progress(random)
    goal = undo_to(world, OLD, data.draw(BY))
    session = Session(world, goal, random, kills=kills)
    ending = session.run()
    note(f"{ending} {session.steps}")
    event(f"{ending}")
    assert isinstance(ending, Done) and ending.reason in (DoneReason.UNDONE, DoneReason.NOTHING_TO_DO)
    assert world.image == OLD and world.observed() and world.all_available()
    assert images(world) == [OLD] * world.replicas or (world.rolls and world.partition > 0)
    if world.rolls:
        assert world.released_done()
    heals = world.rolls and world.owner.spec.pod_management_policy == "Parallel" and world.rules.heals
    if heals and world.partition == 0 and goal.by is None:
        assert not session.deleted, "the controller does that by itself"


@cases(400)
@given(data=st.data(), seed=SEEDS, kills=st.sampled_from((0.0, 0.5)))
def test_unstick_after_the_template_was_mended(data: st.DataObject, seed: int, kills: float) -> None:
    """kubectl rollout undo leaves the set stuck; unstick gets it out, and does no more than that."""
    random = Random(seed)
    world = data.draw(worlds())
    world.edit(image=data.draw(st.sampled_from((BAD, SLOW))))
    for _ in range(data.draw(st.integers(0, 30))):
        world.progress(random)
    world.edit(image=data.draw(st.sampled_from((OLD, GOOD))))
    session = Session(world, Unstick(), random, kills=kills)
    ending = session.run()
    note(f"{ending} {session.steps}")
    event(f"{ending}")
    assert isinstance(ending, Done) and ending.reason in (DoneReason.UNSTUCK, DoneReason.NOTHING_TO_DO)
    assert world.observed() and world.all_available()
    assert all(isinstance(step, Delete) for step in session.steps)
    if world.rolls:
        assert world.released_done()


@cases(300)
@given(data=st.data(), seed=SEEDS)
def test_unstick_where_the_wanted_revision_is_broken(data: st.DataObject, seed: int) -> None:
    """There is nothing that deleting would mend: no pod at the wanted revision is touched."""
    random = Random(seed)
    world = data.draw(worlds())
    world.edit(image=BAD, partition=0)
    world.come_to_rest()
    session = Session(world, Unstick(), random)
    ending = session.run()
    event(f"{ending}")
    if world.rolls:
        assert isinstance(ending, Stuck) and not session.steps
    else:
        assert ending == Done(reason=DoneReason.NOTHING_TO_DO) and not session.steps


@cases(400)
@given(data=st.data(), seed=SEEDS, kills=st.sampled_from((0.0, 0.4)))
def test_restart_reaches_every_pod_once(data: st.DataObject, seed: int, kills: float) -> None:
    random = Random(seed)
    world = data.draw(worlds())
    data.draw(histories(world, random))
    world.come_to_rest()
    uids = {pod.uid for pod in world.pods.values()}
    goal = Restart(at=world.now.isoformat(timespec="seconds"), by=data.draw(BY))
    world.pass_by(120)
    session = Session(world, goal, random, kills=kills)
    ending = session.run()
    note(f"{ending} {session.steps}")
    event(f"{ending}")
    if isinstance(ending, Refused):
        assert not session.steps
        at_rest = ending.reason in (RefusedReason.PARTITION_LEFT_OVER, RefusedReason.OTHER_ROLLOUT)
        assert at_rest or (ending.reason is RefusedReason.STUCK and cannot_shrink(world))
        return
    assert isinstance(ending, Done)
    assert world.truly_complete() and not uids & {pod.uid for pod in world.pods.values()}
    assert set(world.owner.metadata.annotations) <= {"kubectl-pets/restarted"}
    assert world.partition == 0 or not world.rolls


@cases(400)
@given(data=st.data(), seed=SEEDS, kills=st.sampled_from((0.0, 0.5)), batch=st.integers(1, 3), soak=st.sampled_from((0, 0, 60)))
def test_chosen_pods_are_restarted_in_order(data: st.DataObject, seed: int, kills: float, batch: int, soak: int) -> None:
    random = Random(seed)
    world = data.draw(worlds())
    data.draw(histories(world, random))
    world.come_to_rest()
    names = [world.pod_name(pod) for pod in world.pods.values()]
    chosen = tuple(data.draw(st.permutations(names))[: data.draw(st.integers(1, 4))]) if names else ()
    uids = {world.pod_name(pod): pod.uid for pod in world.pods.values()}
    session = Session(world, RestartPods(pods=chosen, batch=batch, soak=timedelta(seconds=soak)), random, kills=kills)
    ending = session.run()
    note(f"{ending} {session.steps}")
    assert isinstance(ending, Done)
    after = {world.pod_name(pod): pod.uid for pod in world.pods.values()}
    assert {name for name in uids if after[name] != uids[name]} == set(chosen)
    assert world.all_available()
    assert [step.pod for step in session.steps if isinstance(step, Delete | Evict)] == list(chosen)
    assert set(world.owner.metadata.annotations) <= {"kubectl-pets/restarted"}


@dataclass
class KilledOnceNoted(Session):
    """Of one that was killed before it had noted anything nobody knows what it saw."""

    once_noted: float = 0.0

    def _apply(self, step: Step, snapshot: SetView) -> bool:
        applied = super()._apply(step, snapshot)
        self.kills = self.once_noted if applied else self.kills
        return applied


@cases(400)
@given(data=st.data(), seed=SEEDS, kills=st.sampled_from((0.0, 0.5)), batch=st.integers(1, 3))
def test_chosen_pods_that_were_missing_when_it_began_are_not_taken_down(
    data: st.DataObject, seed: int, kills: float, batch: int
) -> None:
    """What comes in their place is made anew, also for the run that was typed again: it was refused as another restart, for its
    note lacked them; and where all were missing nothing was noted, and the new ones went."""
    random = Random(seed)
    world = data.draw(worlds())
    names = [world.pod_name(pod) for pod in world.pods.values()]
    chosen = tuple(data.draw(st.permutations(names))[: data.draw(st.integers(1, 4))])
    uids = {world.pod_name(pod): pod.uid for pod in world.pods.values()}
    missing = set(data.draw(st.lists(st.sampled_from(chosen), min_size=1, unique=True)))
    for ordinal in [ordinal for ordinal, pod in world.pods.items() if world.pod_name(pod) in missing]:
        del world.pods[ordinal]
    world.pass_by(60)
    session = KilledOnceNoted(world, RestartPods(pods=chosen, batch=batch), random, once_noted=kills)
    ending = session.run()
    note(f"{ending} {session.steps}")
    assert isinstance(ending, Done)
    assert [step.pod for step in session.steps if isinstance(step, Delete | Evict)] == [pod for pod in chosen if pod not in missing]
    after = {world.pod_name(pod): pod.uid for pod in world.pods.values()}
    assert {name for name in uids if after[name] != uids[name]} == set(chosen) and world.all_available()
    assert set(world.owner.metadata.annotations) <= {"kubectl-pets/restarted"}


@cases(300)
@given(data=st.data(), seed=SEEDS, batch=st.integers(1, 3), steps=st.integers(2, 12), settled=st.booleans())
def test_a_restart_goes_on_in_a_set_that_was_scaled_meanwhile(
    data: st.DataObject, seed: int, batch: int, steps: int, settled: bool
) -> None:
    """Killed, the set scaled up or down (and back), and the same words again: ``--batch`` and ``--skip`` mean the pods that are
    there, whose names were others when it began. It was refused as another restart."""
    random = Random(seed)
    world = data.draw(worlds())
    before = {world.pod_name(pod): pod.uid for pod in world.pods.values()}
    skipped = set(data.draw(st.lists(st.sampled_from(sorted(before)), max_size=len(before) - 1, unique=True)))

    def words() -> RestartPods:
        members = assess(world.snapshot(), world.now).members
        return RestartPods(pods=tuple(each.name for each in reversed(members) if each.name not in skipped), batch=batch)

    first = KilledOnceNoted(world, words(), random)
    with suppress(AssertionError):
        first.run(limit=steps)
    if "kubectl-pets/restart-pods" not in world.owner.metadata.annotations:
        return  # it had not begun, or was over
    began = [step.pod for step in first.steps if isinstance(step, Delete | Evict)]
    for replicas in data.draw(st.lists(st.integers(0, 6), min_size=1, max_size=2)):
        scaled(world, replicas, looks=40 if settled else 1)
    second = Session(world, words(), random, kills=data.draw(st.sampled_from((0.0, 0.5))), stale=0.0)
    ending = second.run()
    note(f"{ending} {first.steps} {second.steps}")
    event(f"{ending}")
    assert isinstance(ending, Done)
    world.come_to_rest()
    after = {world.pod_name(pod): pod.uid for pod in world.positions() if pod is not None}
    assert not [name for name, uid in after.items() if uid == before.get(name) and name not in skipped], "left out"
    taken = [*began, *(step.pod for step in second.steps if isinstance(step, Delete | Evict))]
    assert len(set(taken)) == len(taken) and set(taken) <= set(before) - skipped
    if ending.reason is not DoneReason.NOTHING_TO_DO:
        assert set(world.owner.metadata.annotations) <= {"kubectl-pets/restarted"}


def scaled(world: World, replicas: int, looks: int = 40) -> None:
    """Within minutes."""
    world.edit(replicas=replicas)
    for _ in range(looks):
        world.progress(Random(1))


@pytest.mark.parametrize(
    ("pods", "refused"),
    [
        (("web-3", "web-2", "web-1"), False),
        (("web-2", "web-1"), False),
        (("web-3", "web-2", "web-1", "web-0"), True),  # it was left alone, and is the one of then
        (("web-3", "web-1"), True),
        (("web-2",), True),
    ],
)
def test_what_was_left_alone_then_and_is_named_now_is_another_wish(pods: tuple[str, ...], refused: bool) -> None:
    world = World(replicas=3)
    world.come_to_rest()
    world.pass_by(60)
    began = f"{now(world)} web-2={world.pods[2].uid[:8]},web-1={world.pods[1].uid[:8]}"
    world.pass_by(60)
    world.annotate("kubectl-pets/restart-pods", began)
    scaled(world, 4)
    ending = Session(world, RestartPods(pods=pods), Random(1)).run()
    other = Refused(reason=RefusedReason.OTHER_RESTART, pods=("web-2", "web-1"))
    assert ending == (other if refused else Done(reason=DoneReason.RESTARTED))


def test_what_is_said_to_finish_another_restart_names_pods_that_are_there() -> None:
    world = World(replicas=4)
    world.come_to_rest()
    noted = ",".join(f"web-{number}={world.pods[number].uid[:8]}" for number in (3, 2))
    world.annotate("kubectl-pets/restart-pods", f"{now(world)} {noted}")
    scaled(world, 3)
    refused = Session(world, RestartPods(pods=("web-1",)), Random(1)).run()
    assert refused == Refused(reason=RefusedReason.OTHER_RESTART, pods=("web-2",))
    scaled(world, 2)
    assert Session(world, RestartPods(pods=("web-1",)), Random(1)).run() == Done(reason=DoneReason.RESTARTED), "none of it is left"


def broken(image: str = BAD, **kw: object) -> World:
    world = World(faults=FAULTS, **kw)  # type: ignore[arg-type]
    world.come_to_rest()
    world.edit(image=image)
    world.come_to_rest()
    return world


@pytest.mark.parametrize("rules", RULES, ids=lambda rules: str(rules.version))
@pytest.mark.parametrize("policy", ["OrderedReady", "Parallel"])
def test_the_forced_rollback_trap(rules: object, policy: str) -> None:
    """kubernetes/kubernetes#67250 and #137409: who heals by itself is left alone, who does not loses one pod."""
    world = broken(policy=policy, rules=rules)
    heals = policy == "Parallel" and rules.heals  # type: ignore[attr-defined]
    session = Session(world, undo_to(world, OLD), Random(1))
    assert session.run() == Done(reason=DoneReason.UNDONE)
    assert [type(step) for step in session.steps] == ([Restore, Note] if heals else [Restore, Note, Delete])
    assert world.truly_complete()


def test_which_revision_an_undo_means() -> None:
    """Typed again it is done, and does not go forward as kubectl's does."""
    world = broken()
    first, bad = world._revisions.values()
    assert goes_back_to(world.history(), assess(world.snapshot(), world.now), None) == first
    session = Session(world, undo_to(world, OLD), Random(1))
    half = Session(world, undo_to(world, OLD), Random(1))
    del half
    session.run()
    seen = assess(world.snapshot(), world.now)
    assert seen.notes == {"kubectl-pets/undone": f"{bad} {first} 3"}
    assert goes_back_to(world.history(), seen, None) == Done(reason=DoneReason.ALREADY_UNDONE)
    assert goes_back_to(world.history(), seen, 2) == bad
    assert goes_back_to(world.history(), seen, 9) == Refused(reason=RefusedReason.NO_SUCH_REVISION, asked=9, limit=3)
    world.edit(image=GOOD)
    world.come_to_rest()
    assert goes_back_to(world.history(), assess(world.snapshot(), world.now), None) == first


def test_an_undo_whose_note_was_taken_off_does_not_go_forward() -> None:
    """Admission, or an operator that owns all annotations, keeps the set free of them. That it was gone back is told by the revisions
    themselves: a number of its own and the time of before."""
    world = broken()
    first, bad = world._revisions.values()
    Session(world, undo_to(world, OLD), Random(1)).run()
    world.annotate("kubectl-pets/undone", "")
    seen = assess(world.snapshot(), world.now)
    assert goes_back_to(world.history(), seen, None) == Refused(reason=RefusedReason.GONE_BACK, asked=2)
    assert goes_back_to(world.history(), seen, 2) == bad
    world.edit(image=GOOD)
    world.come_to_rest()
    assert goes_back_to(world.history(), assess(world.snapshot(), world.now), None) == first


@cases(300)
@given(data=st.data(), seed=SEEDS)
def test_an_undo_goes_back_to_no_template_of_another_set(data: st.DataObject, seed: int) -> None:
    """Whatever was adopted in between, with numbers of its own between those of the set."""
    random, world = Random(seed), data.draw(worlds())
    adopted = []
    for _ in range(data.draw(st.integers(1, 6))):
        if random.random() < 0.5:
            adopted.append(f"db-{random.choice('bcdfg')}{random.choice('2456789')}")
            world.adopt_revision(adopted[-1], f"db:{len(adopted)}")
        else:
            world.edit(image=random.choice((OLD, GOOD, "app:3")))
        if random.random() < 0.5:
            world.come_to_rest()
        for _ in range(random.randint(0, 5)):
            world.progress(random)
    seen = assess(world.snapshot(), world.now)
    if seen.observed:
        back = goes_back_to(world.history(), seen, None)
        event(f"{back if isinstance(back, Refused) else 'a revision'}")
        assert back not in adopted and undoes_to(seen) not in adopted


def test_an_undo_cut_short_is_finished() -> None:
    world = broken()
    first, bad = world._revisions.values()
    session = Session(world, undo_to(world, OLD), Random(1), kills=1.0)
    for _ in range(3):
        try:
            session.run(limit=2)
        except AssertionError:
            break
    assert world.image == OLD and not world.truly_complete()
    world.sync()
    assert goes_back_to(world.history(), assess(world.snapshot(), world.now), None) == first


def test_an_undo_is_not_done_while_a_pod_is_missing() -> None:
    """Where the controller heals by itself the last pod of the bad revision is gone for a moment, and none is outdated."""
    world = broken(policy="Parallel")
    first, bad = world._revisions.values()
    world.edit(image=OLD)
    world.annotate("kubectl-pets/undone", f"{bad} {first}")
    world.sync()
    seen = assess(world.snapshot(), world.now)
    gone = tuple(msgspec.structs.replace(member, state=PodState.MISSING) if member.outdated else member for member in seen.members)
    missing = msgspec.structs.replace(seen, members=gone, current_revision=first)
    assert not missing.under_way and goes_back_to(world.history(), missing, None) == first


@pytest.mark.parametrize("by", [None, Run()])
def test_an_undo_killed_right_behind_the_restored_template(by: Run | None) -> None:
    """The next run has only the note left to write: that is no template that somebody put back."""
    world = World(faults=FAULTS)
    world.come_to_rest()
    world.edit(image=BAD)
    world.come_to_rest()
    goal = undo_to(world, OLD, by)
    with pytest.raises(AssertionError, match="no end"):
        Session(world, goal, Random(1), stale=0.0).run(limit=2)
    assert world.image == OLD
    world.sync()
    again = Session(world, goal, Random(1))
    assert again.run() == Done(reason=DoneReason.UNDONE)
    assert isinstance(again.steps[0], Note) and world.truly_complete()


def test_with_a_single_revision_there_is_no_way_back() -> None:
    world = World()
    world.come_to_rest()
    seen = assess(world.snapshot(), world.now)
    assert goes_back_to(world.history(), seen, None) == Refused(reason=RefusedReason.NO_EARLIER_REVISION)


def test_unready_is_not_yet_stuck() -> None:
    """A pod that may be replaying its log is given time before it is deleted."""
    world = broken(SLOW)
    world.edit(image=GOOD)
    world.sync()
    young = [pod for pod in world.pods.values() if pod.image == SLOW]
    assert len(young) == 1
    patience = world.now - young[0].created + timedelta(minutes=10)
    session = Session(world, Unstick(patience=patience), Random(3))
    assert session.run() == Done(reason=DoneReason.UNSTUCK)
    assert world.now - young[0].created >= patience


def test_a_restart_of_other_pods_is_not_forgotten() -> None:
    world = World()
    world.come_to_rest()
    began = f"{world.now.isoformat(timespec='seconds')} web-1={world.pods[1].uid[:8]}"
    world.annotate("kubectl-pets/restart-pods", began)
    refused = Session(world, RestartPods(pods=("web-2",)), Random(1)).run()
    assert refused == Refused(reason=RefusedReason.OTHER_RESTART, pods=("web-1",))
    assert Session(world, RestartPods(pods=("web-2",), anew=True), Random(1)).run() == Done(reason=DoneReason.RESTARTED)
    world.annotate("kubectl-pets/restart-pods", began)
    world.pass_by(7200)
    session = Session(world, RestartPods(pods=("web-2",)), Random(1))
    assert session.run() == Done(reason=DoneReason.RESTARTED), "a note of yesterday's stands in nobody's way"


def now(world: World) -> str:
    return world.now.isoformat(timespec="seconds")


def test_a_finished_restart_is_not_done_twice() -> None:
    """Killed right before its last word, or right after it: the next run says so; later the same words are another wish."""
    world = World()
    world.come_to_rest()
    goal = Restart(at=now(world))
    Session(world, goal, Random(1)).run()
    world.sync()
    uids = [pod.uid for pod in world.pods.values()]
    assert Session(world, Restart(at=now(world)), Random(1)).run() == Done(reason=DoneReason.ALREADY_RESTARTED)
    world.annotate("kubectl-pets/restarted", "")
    world.annotate("kubectl-pets/restart", goal.at)
    world.now = datetime.fromisoformat(goal.at) + timedelta(minutes=59)
    session = Session(world, Restart(at=now(world)), Random(1))
    assert session.run() == Done(reason=DoneReason.ALREADY_RESTARTED)
    assert [type(step) for step in session.steps] == [Note] and uids == [pod.uid for pod in world.pods.values()]
    world.annotate("kubectl-pets/restart", goal.at)
    world.pass_by(86400)
    again: Goal = Restart(at=now(world))
    assert Session(world, again, Random(1)).run() == Done(reason=DoneReason.RESTARTED)
    assert not set(uids) & {pod.uid for pod in world.pods.values()}
    assert Session(world, Restart(at=now(world), anew=True), Random(1)).run() == Done(reason=DoneReason.RESTARTED)


def test_who_stood_still_while_another_one_restarted_all_restarts_nothing() -> None:
    """A suspended process, a lid that was shut: what it was asked for has been done by the time that it goes on, however late."""
    world = World()
    world.come_to_rest()
    asked: Goal = Restart(at=now(world))
    world.pass_by(5)
    assert Session(world, Restart(at=now(world)), Random(1)).run() == Done(reason=DoneReason.RESTARTED)
    world.sync()
    uids = [pod.uid for pod in world.pods.values()]
    world.pass_by(1800)
    assert Session(world, asked, Random(1)).run() == Done(reason=DoneReason.ALREADY_RESTARTED)
    assert uids == [pod.uid for pod in world.pods.values()]
    assert Session(world, Restart(at=now(world)), Random(1)).run() == Done(reason=DoneReason.RESTARTED), "another wish"


def test_the_same_pods_may_be_restarted_again_later() -> None:
    world = World()
    world.come_to_rest()
    goal = RestartPods(pods=("web-1",))
    seen = []
    for _ in range(2):
        assert Session(world, goal, Random(1)).run() == Done(reason=DoneReason.RESTARTED)
        assert Session(world, goal, Random(1)).run() == Done(reason=DoneReason.ALREADY_RESTARTED)
        seen.append(world.pods[1].uid)
        world.pass_by(120)
    assert len(set(seen)) == 2


def test_notes_do_not_hold_secrets_or_grow_without_bound() -> None:
    """Annotations are limited to 256 KiB in all (apimachinery ValidateAnnotationsSize); a thousand pods need a tenth of that."""
    world = World(replicas=3)
    world.come_to_rest()
    session = Session(world, RestartPods(pods=("web-2", "web-0")), Random(1))
    session.run()
    first = session.steps[0]
    assert isinstance(first, Note)
    assert len(str(first.notes)) < 130 and msgspec.json.encode(first)


def _numbers(step: Step) -> bool:
    """The note of an undo with the number that its revision got, which no plan can know."""
    return isinstance(step, Note) and UNDONE_ANNOTATION in step.notes


def said(step: Step) -> Step:
    """Without the revision that a pod has when its turn comes."""
    return msgspec.structs.replace(step, revision="") if isinstance(step, Delete | Evict) else step


@cases(400)
@given(data=st.data(), seed=SEEDS)
def test_the_plan_is_what_is_done(data: st.DataObject, seed: int) -> None:
    """From rest, where pods may be stuck at a broken image: as for the other goals."""
    world = data.draw(worlds())
    world.edit(image=data.draw(st.sampled_from((BAD, GOOD))))
    world.come_to_rest()
    chosen = tuple(world.pod_name(pod) for pod in world.pods.values())
    choices: tuple[Goal, ...] = (
        undo_to(world, OLD, data.draw(BY)),
        Unstick(),
        Restart(at=now(world), by=data.draw(BY)),
        RestartPods(pods=chosen[: data.draw(st.integers(1, 3))], batch=data.draw(st.integers(1, 2))),
    )
    goal = data.draw(st.sampled_from(choices))
    seen = assess(world.snapshot(), world.now)
    planned = plan(goal, seen, world.now)
    steps, ending = carried_out(goal, world)
    note(f"{planned} {steps} {ending}")
    really = [as_planned(step, {seen.current_revision, seen.update_revision}) for step in steps if not _numbers(step)]
    timeless = [msgspec.structs.replace(step, notes={}) if isinstance(step, Note) else step for step in really]
    expected = [msgspec.structs.replace(step, notes={}) if isinstance(step, Note) else step for step in planned.steps]
    if isinstance(ending, Stuck):  # a plan does not know that a pod comes back as broken as it was, and stops the others again
        assert [said(step) for step in expected][: len(timeless)] == [said(step) for step in timeless]
    else:
        assert planned.ending == ending and expected == timeless


@pytest.mark.parametrize("policy", ["OrderedReady", "Parallel"])
def test_the_plan_knows_whether_the_controller_heals_by_itself(policy: str) -> None:
    """Broken pods at the update revision are outdated once an undo has restored the template: in Parallel they are replaced."""
    world = World(replicas=2, policy=policy, faults=FAULTS)
    world.come_to_rest()
    world.edit(image=BAD)
    world.come_to_rest()
    planned = plan(undo_to(world, OLD), assess(world.snapshot(), world.now), world.now)
    assert planned.ending == Done(reason=DoneReason.UNDONE)
    assert planned.deletes == ((), ("web-1",))[policy == "OrderedReady"]


@pytest.mark.parametrize("rules", RULES, ids=lambda rules: str(rules.version))
@pytest.mark.parametrize("budget", [None, 2])
def test_a_plan_names_every_broken_pod_that_goes(rules: Rules, budget: int | None) -> None:
    """In Parallel the second one is deleted before the first is back: the plan does not wait for that either."""

    def world() -> World:
        made = World(replicas=2, policy="Parallel", max_unavailable=budget, rules=rules, faults=FAULTS)
        made.come_to_rest()
        made.edit(image=BAD)
        made.come_to_rest()
        return made

    played = world()
    planned = plan(undo_to(played, OLD), assess(played.snapshot(), played.now), played.now)
    steps, ending = carried_out(undo_to(played, OLD), played)
    assert planned.ending == ending and planned.deletes == tuple(step.pod for step in steps if isinstance(step, Delete))


@pytest.mark.parametrize("verb", ["undo", "restart"])
def test_somebody_who_raises_the_partition_meanwhile_ends_it(verb: str) -> None:
    """Neither claims to be done while pods are held back, nor puts back down what somebody else has just raised."""
    world = World(faults=FAULTS)
    world.come_to_rest()
    world.edit(image=GOOD)
    world.come_to_rest()
    goal: Goal = undo_to(world, OLD) if verb == "undo" else Restart(at=now(world))
    seen = assess(world.snapshot(), world.now)
    decision, memory = decide(goal, seen, world.now, RunMemory())
    assert isinstance(decision, Act)
    world.apply(change_for(decision.step, world.owner, seen))
    world.edit(partition=2)
    world.come_to_rest()
    ending, _ = decide(goal, assess(world.snapshot(), world.now), world.now, after(decision, memory))
    assert ending == Overtaken(reason=OvertakenReason.PARTITION_RAISED)


def test_a_restart_within_the_same_second_is_one_more() -> None:
    world = World()
    world.come_to_rest()
    first = mark(world.now, assess(world.snapshot(), world.now))
    assert first == now(world)
    seen = msgspec.structs.replace(assess(world.snapshot(), world.now), restarted_at=first)
    assert datetime.fromisoformat(mark(world.now, seen)) == datetime.fromisoformat(first) + timedelta(seconds=1)
