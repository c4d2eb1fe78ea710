"""``list -w`` judges only what has changed, or may have by time alone: at any moment it says what judging everything would say."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from types import ModuleType
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kubectl_pets.cluster.objects.store import Store
from kubectl_pets.domain.inventory import Gathering, snapshots
from kubectl_pets.domain.model import (
    REVISION_LABEL,
    Around,
    ClaimVolume,
    Condition,
    ContainerState,
    ContainerStatus,
    ControllerRevision,
    Event,
    Inventory,
    ManagedFieldsEntry,
    NodeReadiness,
    Object,
    ObjectMeta,
    ObjectReference,
    OwnerReference,
    PersistentVolumeClaim,
    PersistentVolumeClaimStatus,
    Pod,
    PodStatus,
    Running,
    ServerVersion,
    SetView,
    StatefulSet,
    Terminated,
    Volume,
    Waiting,
)
from kubectl_pets.domain.rollout.asking import Questions, questions
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.rollout.moments import Moment
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.sets.grouping import NAME_LABEL
from kubectl_pets.domain.sets.kinds import Capability, kind_of
from kubectl_pets.flows.engine import beside, display, inquiry, rests
from kubectl_pets.flows.engine.inquiry import Inquiries, Inquiry
from tests.domain.builders import NEW, NOW, OLD, statefulset
from tests.domain.examples import times

T = TypeVar("T", bound=Object)

SPACES, NAMES = ("prod", "test"), ("web", "db")
PATIENCE = StuckAfter(time=timedelta(seconds=90))


@pytest.fixture(autouse=True, scope="module")
def patient() -> Iterator[None]:
    """However loaded this machine is, what is read beside comes at once, in both kinds of looks."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(beside, "WAITS", 60.0)
        yield


class World:
    """A cluster in which anything may happen, as a watch brings it."""

    def __init__(self, random: Random) -> None:
        self.random, self.now, self.version, self.uids = random, NOW, 1, 0
        self.sets: Store[StatefulSet] = Store()
        self.pods: Store[Pod] = Store()
        self.revisions: Store[ControllerRevision] = Store()
        self.claims: Store[PersistentVolumeClaim] = Store()
        for store in (self.sets, self.pods, self.revisions, self.claims):
            store.replace((), "1", since=0)
        for space in SPACES:
            for name in NAMES:
                if random.random() < 0.8:
                    self.put_set(space, name)
        for _ in range(8):
            self.put_pod()

    def inventory(self) -> Inventory:
        return Inventory(
            sets=self.sets.items or (),
            pods=self.pods.items,
            revisions=self.revisions.items,
            claims=self.claims.items,
            server=ServerVersion(git_version="v1.37.2"),
        )

    def happen(self) -> None:
        what = (
            *(self.put_pod,) * 6, self.end_pod, self.put_claim, self.put_revision, self.relist, self.deny,
            lambda: self.put_set(self.pick(SPACES), self.pick(NAMES)), self.end_set,
        )  # fmt: skip
        self.pick(what)()

    def pick(self, among: Sequence[Any]) -> Any:
        return among[self.random.randrange(len(among))]

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def time(self) -> datetime:
        return self.now + timedelta(seconds=self.pick((-4000, -700, -601, -300, -120, -90, -60, -31, -30, -10, -2, 0, 5, 60)))

    def uid(self) -> str:
        self.uids += 1
        return f"uid-{self.uids}"

    def meta(self, kept: Object | None, space: str, name: str, **more: Any) -> ObjectMeta:
        """Of the object that is there, or of another one of that name."""
        self.version += 1
        again = kept is None or self.chance(0.2)
        uid = self.uid() if again or kept is None else kept.metadata.uid
        return ObjectMeta(name=name, namespace=space, uid=uid, resource_version=str(self.version), **more)

    def put(self, store: Store[T], item: T) -> None:
        """As ADDED, MODIFIED, or DELETED and ADDED where it is another one."""
        kept = store.objects.get((item.namespace, item.name))
        if kept is not None and kept.metadata.uid != item.metadata.uid:
            meta = replace(kept.metadata, resource_version=str(self.version))
            store.event(replace(kept, metadata=meta), deleted=True)
            self.version += 1
            item = replace(item, metadata=replace(item.metadata, resource_version=str(self.version)))
        store.event(item, deleted=False)

    def end(self, store: Store[T]) -> None:
        if store.objects:
            item = store.objects[self.pick(sorted(store.objects))]
            self.version += 1
            store.event(replace(item, metadata=replace(item.metadata, resource_version=str(self.version))), deleted=True)

    def end_pod(self) -> None:
        self.end(self.pods)

    def end_set(self) -> None:
        self.end(self.sets)

    def relist(self) -> None:
        """As after 410 Gone: all objects are other ones, and what was deleted meanwhile is not among them."""
        self.version += 1
        self.again(self.sets)
        self.again(self.pods)
        self.again(self.revisions)
        self.again(self.claims)

    def again(self, store: Store[T]) -> None:
        items = [msgspec.json.decode(msgspec.json.encode(item), type=type(item)) for item in store.objects.values() if not self.chance(0.1)]
        self.random.shuffle(items)
        store.replace(items, str(self.version), since=store.position)

    def deny(self) -> None:
        store: Store[Any] = self.pick((self.pods, self.revisions, self.claims))
        if store.denied:
            self.version += 1
            self.again(store)
        else:
            store.deny()

    def put_set(self, space: str, name: str) -> None:
        kept = self.sets.objects.get((space, name))
        made = statefulset(
            name=name,
            replicas=self.pick((0, 1, 2, 3)),
            partition=self.pick((None, None, 1)),
            strategy=self.pick(("RollingUpdate", "RollingUpdate", "OnDelete")),
            policy=self.pick(("OrderedReady", "Parallel")),
            min_ready_seconds=self.pick((0, 0, 30)),
            current=self.pick((OLD, NEW)),
            observed=self.pick((2, 2, 2, 1)),
            deleting=self.chance(0.05),
            claims=self.pick(((), ("data",), ("data", "log"))),
        )
        written = (ManagedFieldsEntry(manager="kubectl", operation="Update", time=self.time()),)
        meta = self.meta(kept, space, name, generation=2, deletion_timestamp=made.metadata.deletion_timestamp, managed_fields=written)
        self.put(self.sets, replace(made, metadata=meta))

    def put_pod(self) -> None:
        space, name, ordinal = self.pick(SPACES), self.pick(NAMES), self.random.randrange(4)
        kept = self.pods.objects.get((space, f"{name}-{ordinal}"))
        owner = self.sets.objects.get((space, name))
        lost = self.chance(0.05)
        uid = owner.metadata.uid if owner is not None else "gone"
        controllers = (OwnerReference(kind="StatefulSet", name=name, uid=uid, controller=self.chance(0.95)),)
        labels = {REVISION_LABEL: self.pick((OLD, NEW, NEW))}
        if self.chance(0.1):
            labels["statefulset.kubernetes.io/pod-name"] = self.pick((f"{name}-{ordinal}", "another"))
        meta = self.meta(
            kept, space, f"{name}-{ordinal}",
            labels=labels,
            owner_references=() if lost else controllers,
            creation_timestamp=self.time(),
            deletion_timestamp=self.time() if self.chance(0.1) else None,
        )  # fmt: skip
        mounts = self.pick(((), (f"data-{name}-{ordinal}",), ("shared-x",)))
        volumes = tuple(Volume(name="data", persistent_volume_claim=ClaimVolume(claim_name=each)) for each in mounts)
        pod = Pod(metadata=meta, status=self.status(), unreadable="odd" if lost or self.chance(0.03) else "")
        self.put(self.pods, replace(pod, spec=replace(pod.spec, volumes=volumes, node_name=self.pick(("", "node-1", "node-1")))))

    def status(self) -> PodStatus:
        ready = Condition(type="Ready", status=self.pick(("True", "True", "True", "False")), last_transition_time=self.time())
        held = Condition(type="PodScheduled", status="False", reason="Unschedulable", last_transition_time=self.time())
        return PodStatus(
            phase=self.pick(("Running", "Running", "Running", "Pending", "Failed")),
            conditions=(ready, held) if self.chance(0.1) else (ready,),
            container_statuses=(self.container(),) if self.chance(0.7) else (self.container(), self.container("side")),
        )

    def container(self, name: str = "app") -> ContainerStatus:
        finished = self.time()
        ended = Terminated(exit_code=1, reason="Error", started_at=finished - timedelta(seconds=self.pick((1, 40, 250, 700))), finished_at=finished)
        waiting = Waiting(reason=self.pick(("CrashLoopBackOff", "ImagePullBackOff", "ContainerCreating", "InvalidImageName")))
        up = ContainerState(running=Running(started_at=max(finished, self.time())))
        state = self.pick((up, up, up, up, ContainerState(waiting=waiting), ContainerState(terminated=ended), ContainerState()))
        has_ended = self.chance(0.3)
        last = ContainerState(terminated=ended) if has_ended else ContainerState()
        return ContainerStatus(name=name, state=state, last_state=last, restart_count=self.random.randrange(1, 4) if has_ended else 0)

    def put_claim(self) -> None:
        space = self.pick(SPACES)
        name = self.pick(("shared-x", *(f"data-{each}-{ordinal}" for each in NAMES for ordinal in range(3))))
        if self.chance(0.2):
            self.end(self.claims)
            return
        kept = self.claims.objects.get((space, name))
        pending = Condition(type="FileSystemResizePending", status="True", last_transition_time=self.time())
        made = PersistentVolumeClaim(metadata=self.meta(kept, space, name))
        spec = replace(made.spec, resources=replace(made.spec.resources, requests={"storage": self.pick(("1Gi", "2Gi"))}))
        status = PersistentVolumeClaimStatus(
            phase=self.pick(("Bound", "Pending")), capacity={"storage": "1Gi"}, conditions=(pending,) if self.chance(0.4) else ()
        )
        self.put(self.claims, replace(made, spec=spec, status=status))

    def put_revision(self) -> None:
        space, name = self.pick(SPACES), self.pick(NAMES)
        owner = self.sets.objects.get((space, name))
        uid = owner.metadata.uid if owner is not None else "gone"
        title = self.pick((OLD, NEW))
        controller = OwnerReference(kind="StatefulSet", name=name, uid=uid, controller=True)
        meta = self.meta(self.revisions.objects.get((space, title)), space, title, owner_references=(controller,), creation_timestamp=self.time())
        self.put(self.revisions, ControllerRevision(metadata=meta, revision=self.random.randrange(3)))


class Port:
    """Answers what is asked, always the same within some seconds."""

    def __init__(self, world: World) -> None:
        self._world, self._denied = world, world.chance(0.1)

    def now(self) -> datetime:
        return self._world.now

    def node_names(self) -> frozenset[str] | None:
        """Always the same within a minute."""
        begun = (self._world.now - NOW) // timedelta(seconds=60)
        return Random(f"nodes {begun}").choice((frozenset(("node-1",)), frozenset(("node-1", "node-2")), frozenset(), None if self._denied else frozenset()))

    def around(self, asked: Sequence[tuple[str, Questions]]) -> tuple[Around, ...]:
        return tuple(self._answer(space, each) for space, each in asked)

    def _answer(self, space: str, asked: Questions) -> Around:
        if self._denied:
            return Around()
        begun = NOW + timedelta(seconds=30) * ((self._world.now - NOW) // timedelta(seconds=30))
        random = Random(f"{space} {asked.set_name} {asked.pods} {begun}")
        events = [
            Event(
                metadata=ObjectMeta(name=f"event-{index}", namespace=space),
                type="Warning",
                reason=random.choice(("Evicted", "FailedMount", "FailedCreate")),
                message=random.choice(("no", f"create Pod {pod} in StatefulSet {asked.set_name} failed error: exceeded quota")),
                first_timestamp=begun - timedelta(seconds=random.choice((100, 300))),
                last_timestamp=begun - timedelta(seconds=random.choice((0, 50))),
                involved_object=ObjectReference(kind=random.choice(("Pod", "StatefulSet")), name=random.choice((pod, asked.set_name)), uid="former"),
            )
            for index, pod in enumerate((*asked.pods, *asked.missing))
        ]
        nodes = tuple(NodeReadiness(name=name, ready=random.choice(("True", "Unknown")), since=begun) for name in asked.nodes)
        return Around(events=tuple(events), namesakes=(), nodes=nodes)


class Thorough(Inquiry):
    """Judges at every look, by a plain time."""

    def standing(self, view: SetView, now: datetime) -> Assessment | None:
        return None

    def _looked(self, view: SetView, now: datetime) -> "inquiry._Look":
        seen = assess(view, now, PATIENCE)
        return inquiry._Look(view=view, seen=seen, asked=questions(seen), since=now, until=now)


def plainly(inventory: Inventory) -> Iterable[SetView]:
    """What belongs to each set, looked for in everything."""
    pods = sorted(inventory.pods or (), key=lambda pod: pod.name)
    for owner in inventory.sets:
        def controlled(item: Object, owner: StatefulSet = owner) -> bool:
            controller = item.metadata.controller()
            return controller is not None and controller.uid == owner.metadata.uid

        own = [pod for pod in pods if controlled(pod)]
        strays = [pod for pod in pods if pod.unreadable and pod.metadata.controller() is None and pod.namespace == owner.namespace]
        stems = {f"{template.name}-{owner.name}" for template in owner.spec.volume_claim_templates}
        mounted = {volume.persistent_volume_claim.claim_name for pod in own for volume in pod.spec.volumes if volume.persistent_volume_claim}
        claims = [
            claim
            for claim in inventory.claims or ()
            if claim.namespace == owner.namespace and (claim.name.rpartition("-")[0] in stems or claim.name in mounted)
        ]
        revisions = [each for each in inventory.revisions or () if controlled(each)]
        yield SetView(
            set=owner,
            pods=None if inventory.pods is None else (*own, *strays),
            revisions=None if inventory.revisions is None else tuple(revisions),
            claims=None if inventory.claims is None else tuple(claims),
            server=inventory.server,
        )


def told(seen: Iterable[Assessment]) -> dict[tuple[str, str], Assessment]:
    """Without when it was judged, which alone may differ."""
    return {(each.namespace, each.name): replace(each, at=None) for each in seen}


@settings(max_examples=times(150), deadline=None)
@given(seed=st.integers(0, 2**64))
def test_what_is_judged_again_is_all_that_has_changed(seed: int) -> None:
    world = World(Random(seed))
    port = Port(world)
    gathering, sparing = Gathering(), Inquiries(port, PATIENCE)
    thorough = Inquiries(port, PATIENCE, made=Thorough)
    for _ in range(30):
        for _ in range(world.pick((0, 0, 1, 1, 3))):
            world.happen()
        step = world.pick((0.0, 0.4, 1.0, 2.9, 3.0, 10.0, 29.9, 30.0, 61.0, 600.0))
        foretold = sparing.next_at
        if foretold is not None and world.chance(0.5):  # just before a time that it waits for, at it, or just after it
            world.now = max(world.now, foretold + timedelta(microseconds=world.pick((-1, 0, 1))))
        else:
            world.now += timedelta(seconds=step)
        inventory = world.inventory()
        found = told(sparing.judge(gathering.views(inventory), world.now))
        wanted = told(thorough.judge(plainly(inventory), world.now))
        assert found == wanted


# --- what is gathered --------------------------------------------------------------------------------------------------------


def with_group(inventory: Inventory, random: Random) -> Inventory:
    """With a LeaderWorkerSet that two of the pods may be of, and that may stand for one of the sets."""
    owner = replace(statefulset(name="group"), metadata=ObjectMeta(name="group", namespace="prod", uid=random.choice(("lws", "lws-2"))))
    group = replace(owner, api_version="leaderworkerset.x-k8s.io/v1", kind="LeaderWorkerSet")
    assert Capability.GROUPS in kind_of(group).can
    labels = {NAME_LABEL: "group", "leaderworkerset.sigs.k8s.io/group-index": "0", "leaderworkerset.sigs.k8s.io/worker-index": "0"}
    pods = tuple(
        replace(pod, metadata=replace(pod.metadata, labels={**pod.metadata.labels, **labels})) if index < 2 else pod
        for index, pod in enumerate(inventory.pods or ())
    )
    made = OwnerReference(kind="LeaderWorkerSet", name="group", uid="lws", controller=True)
    sets = tuple(
        replace(each, metadata=replace(each.metadata, labels={NAME_LABEL: "group"}, owner_references=(made,))) if index == 0 else each
        for index, each in enumerate(inventory.sets)
    )
    return replace(inventory, sets=(*sets, group), pods=None if inventory.pods is None else pods)


@settings(max_examples=times(60), deadline=None)
@given(seed=st.integers(0, 2**64))
def test_views_are_those_of_a_first_look_and_the_same_objects_where_nothing_is_another(seed: int) -> None:
    world, gathering = World(Random(seed)), Gathering()
    for _ in range(20):
        for _ in range(world.pick((0, 1, 2))):
            world.happen()
        inventory = world.inventory()
        if world.chance(0.3):
            inventory = with_group(inventory, world.random)
        assert gathering.views(inventory) == snapshots(inventory)
        again = [view is same for view, same in zip(gathering.views(inventory), gathering.views(inventory), strict=True)]
        assert all(again)


# --- until when something holds ----------------------------------------------------------------------------------------------


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("asked", "until"),
    [
        (lambda now: now >= NOW + HOUR, HOUR),
        (lambda now: NOW + HOUR > now, HOUR),
        (lambda now: now == NOW + HOUR, HOUR),
        (lambda now: now > NOW, timedelta(microseconds=1)),
        (lambda now: now > NOW - HOUR, None),
        (lambda now: max(now, NOW + HOUR), HOUR),
        (lambda now: now - (NOW - HOUR) >= 2 * HOUR, HOUR),
        (lambda now: 3 * HOUR < now - (NOW - HOUR), 2 * HOUR),
        (lambda now: max(timedelta(0), now - (NOW - HOUR)) > 3 * HOUR, 2 * HOUR),
        (lambda now: now - NOW > timedelta.max, datetime.max.replace(tzinfo=NOW.tzinfo) - NOW),
        (lambda now: (NOW + HOUR) - now, timedelta(0)),
        (lambda now: now + HOUR, timedelta(0)),
        (lambda now: now - HOUR, timedelta(0)),
        (lambda now: (now - NOW) / 2, timedelta(0)),
        (lambda now: abs(now - NOW), timedelta(0)),
        (lambda now: (now - NOW).total_seconds(), timedelta(0)),
        (lambda now: {now: 1}, None),
    ],
)
def test_a_moment_notes_until_when_the_answers_are_the_same(asked: Callable[[datetime], object], until: timedelta | None) -> None:
    moment = Moment.of(NOW)
    assert asked(moment) == asked(NOW)
    moment = Moment.of(NOW)
    asked(moment)
    assert moment.until == (None if until is None else NOW + until)


# --- how often ---------------------------------------------------------------------------------------------------------------


class Clock:
    """The wall's and the processor's, which go on when they are told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, module: ModuleType = display) -> None:
        self.wall, self.busy = 100.0, 0.0
        monkeypatch.setattr(module, "monotonic", lambda: self.wall)
        monkeypatch.setattr(module, "thread_time", lambda: self.busy)
        monkeypatch.setattr(module, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.wall += seconds

    def picture(self, spent: float, taken: float) -> Callable[[], None]:
        def made() -> None:
            self.busy += spent
            self.wall += taken

        return made


@pytest.mark.parametrize(
    ("spent", "taken", "rest"),
    [
        (0.0, 0.0, 0.0),
        (0.01, 0.01, 0.49),
        (5.0, 0.0, 0.5),
        (0.05, 0.1, 0.5),
        (0.05, 0.25, 0.4),
        (0.4, 0.6, 0.3),
        (0.01, 0.4, 0.1),
        (0.01, 0.6, 0.09),
    ],
)
def test_a_picture_that_took_long_is_followed_by_a_rest_within_which_nothing_is_lost(
    spent: float, taken: float, rest: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    waited: list[tuple[float, float | None]] = []

    def wait(seconds: float | None) -> bool:
        waited.append((clock.wall, seconds))
        return True

    pace = display.Breather(wait)
    pace.timed(clock.picture(spent, taken))
    if rest:
        assert not pace.wait(0.05) and waited == [], "the change is told later"
    assert pace.wait(None)
    assert waited[0][0] == pytest.approx(100.0 + taken + rest) and waited[0][1] is None
    assert taken + rest + taken <= 1 or rest <= min(0.3, 9 * spent), "a change that came while it was made is in the next one"
    assert pace.wait(2.0) and waited[1][1] == 2.0


def test_a_machine_that_is_busy_now_and_then_shows_nothing_later_than_it_has_shown_the_last_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture waits for a processor that others have, for up to so long, at any time; from when one has read what there is until
    the next is there is never more than a second."""
    clock, random = Clock(monkeypatch), Random(7)
    pace = display.Breather(lambda seconds: True)
    pace.timed(clock.picture(0.01, 0.4))
    for _ in range(200):
        read = clock.wall
        pace.timed(clock.picture(0.01, random.choice((0.02, 0.1, 0.4))))
        pace.wait(None)
        assert clock.wall + 0.4 - read < 1
    for _ in range(20):
        pace.timed(clock.picture(0.02, 0.02))
        over = clock.wall
        pace.wait(None)
    assert clock.wall - over == pytest.approx(0.5), "it is quiet again"


@pytest.mark.parametrize(
    ("looked", "quiet", "rest"),
    [(0.0, 0.0, 0.0), (0.001, 0.0, 0.003), (0.004, 0.005, 0.007), (0.004, 0.02, 0.0), (1.0, 0.0, 0.05), (1.0, 0.2, 0.0)],
)
def test_a_burst_of_changes_is_looked_at_as_one(looked: float, quiet: float, rest: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes within three times as long as a look took is told together; what comes later at once."""
    clock = Clock(monkeypatch, rests)

    def wait(seconds: float | None) -> bool:
        clock.sleep(quiet)
        return True

    looks = rests.Rests(wait)
    clock.busy += 3.0  # with a change, say
    looks.begin()
    clock.picture(looked, 2 * looked)()
    over = clock.wall
    looks.wait(None)
    assert clock.wall - over == pytest.approx(quiet + rest)


def test_a_time_that_is_up_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, rests)

    def silent(seconds: float | None) -> bool:
        clock.sleep(seconds or 0.0)
        return False

    looks = rests.Rests(silent)
    looks.begin()
    clock.busy += 1.0
    looks.wait(0.01)
    assert clock.wall == pytest.approx(100.01), "no change came"
    looks = rests.Rests(lambda seconds: True)
    looks.begin()
    clock.busy += 1.0
    looks.wait(0.01)
    assert clock.wall == pytest.approx(100.02), "one came, and the time is not over-run"
