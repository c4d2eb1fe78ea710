"""One person with one verb against the simulated controller: what the closed-loop tests have in common."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from hypothesis import strategies as st

from kubectl_pets.domain.model import Pod, SetView, StatefulSet
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.revisions import Image
from kubectl_pets.domain.stepping.deciding import after, before, decide
from kubectl_pets.domain.stepping.patches import answer_of, change_for
from kubectl_pets.domain.stepping.steps import (
    Abort,
    Act,
    Canary,
    Delete,
    Done,
    Ending,
    Evict,
    Goal,
    Mark,
    Note,
    Overtaken,
    Promote,
    Refused,
    RestartPods,
    Restore,
    Run,
    RunMemory,
    SetPartition,
    Stage,
    Step,
    StepOn,
    Stuck,
    Undo,
    Unstick,
    Wait,
)
from tests.domain.controller import RULES, Conflict, Fault, SimPod
from tests.domain.controller import Stage as SimStage
from tests.domain.controller import World

GOOD, BAD, SLOW, OLD = "app:2", "app:bad", "app:never-ready", "app:1"
FAULTS = {BAD: Fault.CRASHES, SLOW: Fault.NEVER_READY}


def new_image(image: str) -> tuple[Image, ...]:
    return (Image(container="app", image=image),)


class Waits(AssertionError):
    """Nothing moves any more and the verb still waits."""


@dataclass
class Session:
    """One person with one verb, as the conductor carries it out; ``disturb`` is called between looking and acting."""

    world: World
    goal: Goal
    random: Random
    #: Chance of being killed and typed again after a step.
    kills: float = 0.0
    stale: float = 0.3
    meddling: bool = False
    steps: list[Step] = field(default_factory=list)
    typed: int = 1
    changed: bool = False
    deleted: dict[int, int] = field(default_factory=dict)

    def run(self, limit: int = 600) -> Ending:
        memory, fresh, still = RunMemory(), False, 0
        cached = self.world.snapshot()
        for _ in range(limit):
            if fresh or self.random.random() > self.stale:
                cached = self.world.snapshot()
            snapshot = cached
            seen = assess(snapshot, self.world.now)
            decision, memory = decide(self.goal, seen, self.world.now, memory)
            if not isinstance(decision, Wait) and not fresh:
                fresh = True
                continue
            fresh = False
            if isinstance(decision, Act | Wait):
                self.meddle()
            match decision:
                case Wait():
                    stood = self.world.state()
                    self.world.progress(self.random)
                    cached = self.world.snapshot()
                    still = still + 1 if self.world.state() == stood else 0
                    if still > 10 and not self.world.round() and not self.world.round():
                        fresh = True  # not even time changes anything for the pods; a last look
                        if still > 12:
                            raise Waits(decision)
                case Act(step=step):
                    still = 0
                    if self.random.random() < 0.3:
                        self.world.progress(self.random)
                    memory = before(decision, seen, memory)
                    if self._apply(step, snapshot):
                        memory = after(decision, memory, None if isinstance(step, Delete | Evict) else answer_of(self.world.owner))
                        self.meddle_behind()
                    if self.random.random() < self.kills:
                        memory, cached = RunMemory(), self.world.snapshot()
                        self.typed += 1
                case Done() | Refused() | Stuck() | Overtaken():
                    return decision
        raise AssertionError(f"no end after {limit} looks: {self.steps}")

    def meddle(self) -> None:
        """Somebody else's turn."""

    def meddle_behind(self) -> None:
        """The same, right behind a change of this one."""

    def _apply(self, step: Step, snapshot: SetView) -> bool:
        assert snapshot.set is not None
        world = self.world
        change = change_for(step, snapshot.set, assess(snapshot, world.now))
        before = {world.pod_name(pod): pod for pod in world.pods.values()}
        releasable = world.released_done() and world.all_available()
        partition = world.partition
        try:
            world.apply(change)
        except Conflict:
            return False
        self.steps.append(step)
        self.changed = True
        match step:
            case Delete(pod=name) | Evict(pod=name):
                self._check_delete(before[name], step, snapshot)
            case SetPartition(partition=wanted):
                if wanted < partition and isinstance(self.goal, Run) and self.goal.overlap and not self.meddling:
                    self._check_ahead(wanted, snapshot, self.goal)
                elif wanted < partition and isinstance(self.goal, Canary | StepOn | Promote | Run) and not self.meddling:
                    assert releasable or self._flapped(snapshot), f"released {wanted} while not all was well"
            case Stage(partition=wanted) | Restore(partition=wanted) | Mark(partition=wanted):
                seen = assess(snapshot, world.now).members
                assert wanted is None or not any(each.available and each.position >= wanted for each in seen), "releases what serves"
            case Note():
                pass
        return True

    def _check_ahead(self, wanted: int, snapshot: SetView, goal: Run) -> None:
        """Between the partition and the highest pod that was not done when it was looked at there is a step's number of pods, or
        the canary's; and no pod below the partition was missing. Told from pods, with none of the code under test."""
        owner = snapshot.set
        assert owner is not None and snapshot.pods is not None
        pods = {pod.name: pod for pod in snapshot.pods}
        there = [pods.get(f"web-{owner.start + position}") for position in range(owner.spec.replicas)]
        well = [pod is not None and self._well(pod, owner) for pod in there]
        settle = goal.settle if not owner.spec.min_ready_seconds else timedelta(0)
        done = [
            pod is not None and good and pod.revision == owner.status.update_revision and ready_for(pod, self.world.now) >= settle
            for pod, good in zip(there, well)
        ]
        highest = max((position for position, good in enumerate(done) if not good), default=-1)
        at_once = goal.step.of(len(there))
        if goal.canary is not None and wanted == len(there) - min(goal.canary.of(len(there)), len(there)):
            at_once = max(at_once, goal.canary.of(len(there)))
        assert highest + 1 - wanted <= at_once, f"released {wanted} while {highest} is not done"
        held = range(min(owner.partition, len(there)))
        assert len(pods) == sum(pod is not None for pod in there), f"released {wanted} while one is to go"
        assert all(well[position] for position in held), f"released {wanted} while others are missing"

    def _well(self, pod: Pod, owner: StatefulSet) -> bool:
        ready = [condition.status == "True" for condition in pod.status.conditions]
        return all(ready) and not pod.terminating and ready_for(pod, self.world.now).total_seconds() >= owner.spec.min_ready_seconds

    def _flapped(self, snapshot: SetView) -> bool:
        """Things went wrong after the look that the decision was made from: nobody can know."""
        return assess(snapshot, self.world.now).all_available

    def _check_delete(self, pod: SimPod, step: Delete | Evict, snapshot: SetView) -> None:
        world = self.world
        assert pod.deleting is None and pod.stage is not SimStage.FAILED, "deleted what is replaced anyway"
        if pod.stage is SimStage.READY and not (isinstance(self.goal, RestartPods) and self.goal.batch > 1):
            assert snapshot.pods is not None and snapshot.set is not None
            ready = [condition.status == "True" for other in snapshot.pods for condition in other.status.conditions]
            going = any(other.terminating for other in snapshot.pods)
            assert all(ready) and not going and len(ready) == snapshot.set.spec.replicas, "deleted a pod that serves while another is down"
        assert pod.revision == step.revision
        assert world.observed() or self.meddling, "deleted although the controller had not seen the newest spec"
        status = world.owner.status
        held = world.rolls and pod.ordinal - world.owner.start < world.partition
        wanted = status.current_revision if isinstance(self.goal, Abort) or held else status.update_revision
        if isinstance(self.goal, Undo | Unstick) and world.rolls:
            assert not world.available(pod) and pod.stage is not SimStage.READY, "deleted a pod that serves"
        if isinstance(self.goal, Abort) and not self.meddling:
            assert step.comes_back_at == world.comes_back_at(pod.ordinal), "would come back at another version than it names"
        if not self.meddling:
            assert pod.revision != wanted or isinstance(self.goal, RestartPods), "deleted a pod that is as it should be"
            assert step.comes_back_at == wanted
            self.deleted[pod.ordinal] = self.deleted.get(pod.ordinal, 0) + 1
            assert self.deleted[pod.ordinal] == 1, f"deleted {pod.ordinal} twice"


def ready_for(pod: Pod, now: datetime) -> timedelta:
    """For how long its Ready condition has been as it is."""
    since = pod.status.conditions[0].last_transition_time
    assert since is not None
    return now - since


def cannot_shrink(world: World) -> bool:
    """Two failed pods are in the way of a scale-down, for which the controller waits for ever (processCondemned)."""
    surplus = [pod for pod in world.pods.values() if pod.ordinal - world.owner.start >= world.replicas]
    failed = [pod for pod in surplus if pod.stage is SimStage.FAILED]
    return world.owner.spec.pod_management_policy == "OrderedReady" and len(failed) >= 2


@st.composite
def worlds(draw: st.DrawFn, strategy: str | None = None, policy: str | None = None) -> World:
    """A set at rest at ``app:1``."""
    world = World(
        replicas=draw(st.integers(1, 5)),
        start=draw(st.sampled_from((0, 0, 3))),
        policy=policy or draw(st.sampled_from(("OrderedReady", "Parallel"))),
        strategy=strategy or draw(st.sampled_from(("RollingUpdate", "RollingUpdate", "OnDelete"))),
        partition=draw(st.sampled_from((0, 0, 0, 1, 2, 7))),
        max_unavailable=draw(st.sampled_from((None, None, 2, "50%"))),
        min_ready_seconds=draw(st.sampled_from((0, 0, 10))),
        rules=draw(st.sampled_from(RULES)),
        faults=FAULTS,
    )
    world.come_to_rest()
    return world


@st.composite
def histories(draw: st.DrawFn, world: World, random: Random, images: tuple[str, ...] = (GOOD,)) -> None:
    """What happened to the set before our verb is typed."""
    for _ in range(draw(st.integers(0, 3))):
        match draw(st.sampled_from(("image", "partition", "replicas", "restart", "flap", "fail"))):
            case "image":
                world.edit(image=draw(st.sampled_from(images)))
            case "partition":
                world.edit(partition=draw(st.integers(0, world.replicas + 1)))
            case "replicas":
                world.edit(replicas=draw(st.integers(0, 5)))
            case "restart":
                world.edit(restart=True)
            case "flap" if world.pods:
                world.flap(random.choice(list(world.pods)))
            case "fail" if world.pods:
                world.fail(random.choice(list(world.pods)))
        for _ in range(draw(st.sampled_from((0, 1, 2, 4, 8, 30)))):
            world.progress(random)


SEEDS = st.integers(0, 2**32)
