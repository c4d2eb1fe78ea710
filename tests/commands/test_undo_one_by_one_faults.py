"""The data of a set that runs goes back pod after pod under what a real cluster does not do on demand: killed at every change, answers that
are lost, two runs at once, somebody who deletes pods, takes the finalizer off or writes the partition. No data is ever lost, no pod of the
version of before starts on the newer data or on none, and typed again it gets there."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.changes import DeleteClaim, DeletePod, PatchSet, SetFinalizers
from kubectl_pets.domain.model import Pod, RollingUpdate, SetView, UpdateStrategy
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.safety.nodes import NodeState
from kubectl_pets.domain.sets.restoring import RESTORED_ANNOTATION, RESTORING_ANNOTATION
from kubectl_pets.domain.snapshots.turns import HELD_FINALIZER, order
from kubectl_pets.domain.stepping.steps import Stuck
from kubectl_pets.errors import ConflictError, InvalidError, NotFoundError, PetsError, UnreachableError
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.restoring.one_by_one import OneByOne, TurnOptions
from kubectl_pets.flows.restoring.returning import DataGoal, ReturnEnd
from kubectl_pets.flows.rollout.checks import Terms
from tests.commands.test_undo_with_data_faults import AFTER, BEFORE, NAMES, Fake, Killed, fails, no_time_passes  # noqa: F401
from tests.domain.builders import NEW, OLD, pod
from tests.domain.data_return import claim, owner

PROTECTION = "kubernetes.io/pvc-protection"


class Running(Fake):
    """Set ``web`` of two that runs NEW on the newer data, with its controller, its kubelet and the claims' protection."""

    #: Somebody else may have had a pod started on an empty volume.
    meddled = False
    quiet = False

    def __init__(self, records: Path, meets: Callable[[int, Any], Callable[[], None] | None] = lambda number, change: None) -> None:
        super().__init__(records, meets)
        made = owner(replicas=2)
        strategy = UpdateStrategy(type="RollingUpdate", rolling_update=RollingUpdate(partition=0))
        self.set = replace(made, spec=replace(made.spec, update_strategy=strategy))
        self.pods = {each: self._pod(each, NEW) for each in range(2)}
        self.changes: list[int] = []

    def _pod(self, ordinal: int, revision: str) -> Pod:
        made = pod(ordinal, revision, mounts=(f"data-web-{ordinal}",))
        uid = self._uid()
        return replace(made, metadata=replace(made.metadata, uid=f"pod-{uid}", resource_version=self._next()))

    # --- the controllers --------------------------------------------------------------------------------------------------------

    def _controllers(self) -> None:
        if self.quiet:
            return
        for ordinal in tuple(self.pods):
            self._kubelet(ordinal)
        self.set = replace(self.set, status=replace(self.set.status, observed_generation=self.set.metadata.generation, replicas=2))
        for name, each in tuple(self.own.items()):
            if each.metadata.deletion_timestamp is not None and int(name[-1]) not in self.pods:
                del self.own[name]
        for ordinal in range(2):
            if ordinal not in self.pods:
                self._made(ordinal)
        down = any(each.terminating for each in self.pods.values())
        for ordinal in (1, 0):
            at = self.pods.get(ordinal)
            if at is not None and not down and ordinal >= self.set.partition and at.revision != self.set.status.update_revision:
                self.delete_pod(ordinal)
                break
        self._released()

    def _kubelet(self, ordinal: int) -> None:
        at = self.pods[ordinal]
        if at.terminating and not at.metadata.finalizers:
            del self.pods[ordinal]
        elif at.terminating and at.status.phase == "Running":
            meta = replace(at.metadata, deletion_grace_period_seconds=0, resource_version=self._next())
            self.pods[ordinal] = replace(at, metadata=meta, status=replace(at.status, phase="Succeeded"))

    def _made(self, ordinal: int) -> None:
        name = f"data-web-{ordinal}"
        if name in self.own and self.own[name].metadata.deletion_timestamp is not None:
            return
        if name not in self.own:
            self._bind(claim(ordinal, uid=self._uid(), volume_name=""), "")
        revision = self.set.status.update_revision if ordinal >= self.set.partition else NEW
        text = self.data.get(self.own[name].spec.volume_name, BEFORE)
        assert self.meddled or text == (BEFORE if revision == OLD else AFTER), f"{revision} starts on '{text}'"
        self.pods[ordinal] = self._pod(ordinal, revision)

    def delete_pod(self, ordinal: int) -> None:
        at = self.pods.get(ordinal)
        if at is not None and not at.terminating:
            meta = replace(at.metadata, deletion_timestamp=self.now(), deletion_grace_period_seconds=30, resource_version=self._next())
            self.pods[ordinal] = replace(at, metadata=meta)

    def let_go(self) -> None:
        """Somebody takes the finalizer off whatever has it."""
        for ordinal, at in self.pods.items():
            self.pods[ordinal] = replace(at, metadata=replace(at.metadata, finalizers=(), resource_version=self._next()))

    def partition(self, number: int) -> None:
        meta = replace(self.set.metadata, generation=self.set.metadata.generation + 1)
        strategy = UpdateStrategy(type="RollingUpdate", rolling_update=RollingUpdate(partition=number))
        self.set = replace(self.set, metadata=meta, spec=replace(self.set.spec, update_strategy=strategy))

    # --- what is asked ----------------------------------------------------------------------------------------------------------

    def set_view(self, namespace: str, name: str) -> SetView:
        return cast(SetView, self._asked(lambda: SetView(set=self.set, pods=tuple(self.pods.values()))))

    def mounts(self, namespace: str, besides: frozenset[str] = frozenset()) -> dict[str, str]:
        found = {f"data-web-{each}": f"web-{each}" for each in self.pods if f"web-{each}" not in besides}
        return cast("dict[str, str]", self._asked(lambda: found))

    def budgets(self, namespace: str) -> tuple[()]:
        return ()

    def node_state(self, name: str) -> NodeState:
        return NodeState.ANSWERS

    def apply(self, change: Any, *, dry_run: bool = False) -> None:
        self.changes.append(self.requests)
        super().apply(change, dry_run=dry_run)

    def _carry_out(self, change: Any) -> None:
        match change:
            case SetFinalizers(of="pods"):
                self._on_pod(change)
            case SetFinalizers():
                if change.name not in self.own:
                    raise NotFoundError("gone")
                self._same(self.own[change.name].metadata, change)
                ended = self.pods[int(change.name[-1])]
                assert ended.status.phase == "Succeeded" and HELD_FINALIZER in ended.metadata.finalizers, "while its pod uses it"
                assert not change.finalizers
                del self.own[change.name]
            case DeletePod():
                ordinal = int(change.name[-1])
                if ordinal not in self.pods:
                    raise NotFoundError("gone")
                self._same(self.pods[ordinal].metadata, change)
                assert all(not at.terminating for at in self.pods.values()) or self.meddled, "one pod at a time"
                self.delete_pod(ordinal)
            case DeleteClaim():
                found = self.own.get(change.name)
                if found is None:
                    raise NotFoundError("gone")
                self._same(found.metadata, change)
                meta = replace(found.metadata, deletion_timestamp=self.now(), finalizers=(PROTECTION,), resource_version=self._next())
                self.own[change.name] = replace(found, metadata=meta)
            case _:
                super()._carry_out(change)

    def _on_pod(self, change: SetFinalizers) -> None:
        ordinal = int(change.name[-1])
        if ordinal not in self.pods:
            raise NotFoundError("gone")
        at = self.pods[ordinal]
        self._same(at.metadata, change)
        if at.terminating and set(change.finalizers) - set(at.metadata.finalizers):
            raise InvalidError("no new finalizers can be added if the object is being deleted")
        self.pods[ordinal] = replace(at, metadata=replace(at.metadata, finalizers=change.finalizers, resource_version=self._next()))

    def _patch(self, change: PatchSet) -> None:
        spec = [each for each in change.operations if each.path.startswith("/spec")]
        notes = tuple(each for each in change.operations if not each.path.startswith("/spec"))
        super()._patch(replace(change, operations=notes))
        for each in spec:
            if each.path.endswith("/partition"):
                self.partition(each.value)
            elif each.path == "/spec/template":
                self.set = replace(self.set, status=replace(self.set.status, update_revision=OLD))

    # --- what has to hold in the end --------------------------------------------------------------------------------------------

    def one_by_one(self, records: Path | None = None, terms: Terms = Terms()) -> OneByOne:
        self.told: list[str] = []
        return OneByOne(
            cast(Any, self), "prod", "web", DataGoal(revision=OLD, number=1, running=True), records or self.records, self.told.append,
            template={"spec": {}}, turn_options=TurnOptions(terms=terms, settle=timedelta(0), stuck_after=StuckAfter()), deadline=Deadline(60.0),
        )

    def run(self) -> ReturnEnd:
        return self.one_by_one().to_the_end(Deadline(60.0), lambda: False)

    def whole(self) -> None:
        assert {name: self.data[self.own[name].spec.volume_name] for name in NAMES} == dict.fromkeys(NAMES, BEFORE)
        notes = self.set.metadata.annotations
        assert RESTORING_ANNOTATION not in notes and RESTORED_ANNOTATION in notes and self.set.partition == 0
        assert {at.revision for at in self.pods.values()} == {OLD} and len(self.pods) == 2
        assert not any(at.metadata.finalizers or at.terminating for at in self.pods.values())
        bound = {each.spec.volume_name for each in self.own.values()}
        for name, text in self.data.items():
            if name not in bound:
                assert self.there[name].spec.persistent_volume_reclaim_policy == "Retain", (name, text)
        assert all(self.data[f"pv-uid-prod-{name}"] == AFTER for name in NAMES)


def at_change(fake: Running, number: int, do: Callable[[], None], *, after: bool = False) -> None:
    """``do`` at the ``number``-th change, before it is carried out or ``after``."""
    seen: list[int] = []

    def meets(now: int, change: Any) -> Callable[[], None] | None:
        if change is None:
            return None
        seen.append(now)
        if len(seen) != number + 1:
            return None
        if after:
            return do
        do()
        return None

    fake.meets = meets


@pytest.fixture
def changes(tmp_path: Path) -> range:
    folder = tmp_path / "undisturbed"
    folder.mkdir()
    fake = Running(folder)
    assert fake.run() is ReturnEnd.REACHED
    fake.whole()
    assert [line for line in fake.told if "may come back" in line] == [f"web-{each}: has its claims, and may come back" for each in (1, 0)]
    return range(len(fake.changes))


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_every_change(tmp_path: Path, changes: range, after: bool) -> None:
    """Whoever types it again gets there; no more than one pod is down, and none is held that runs on."""
    for number in changes:
        fake = Running(tmp_path)
        at_change(fake, number, fails(Killed()), after=after)
        with pytest.raises(Killed):
            fake.run()
        fake.meets = lambda number, change: None
        assert fake.run() is ReturnEnd.REACHED, number
        fake.whole()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("error", [UnreachableError("no answer"), ConflictError("it changed since it was read")])
def test_answers_that_are_lost_and_conflicts(tmp_path: Path, changes: range, error: PetsError, after: bool) -> None:
    for number in changes:
        fake = Running(tmp_path)
        at_change(fake, number, fails(error), after=after)
        assert fake.run() is ReturnEnd.REACHED, number
        fake.whole()


def test_two_runs_at_once(tmp_path: Path, changes: range) -> None:
    """Another one begins at any change of the first, and is through before that goes on."""
    for number in changes:
        fake = Running(tmp_path)
        records, ended = tmp_path / f"of-another-{number}", list[ReturnEnd]()
        first = fake.one_by_one()

        def begin() -> None:
            own, fake.records, fake.meets = fake.records, records, (lambda number, change: None)  # noqa: B023
            ended.append(fake.one_by_one(records).to_the_end(Deadline(60.0), lambda: False))  # noqa: B023
            fake.records = own  # noqa: B023

        at_change(fake, number, begin)
        assert first.to_the_end(Deadline(60.0), lambda: False) is ReturnEnd.REACHED and ended == [ReturnEnd.REACHED], number
        fake.whole()


@pytest.mark.parametrize("ordinal", [0, 1])
def test_a_pod_that_somebody_deletes_at_any_change(tmp_path: Path, changes: range, ordinal: int) -> None:
    """It comes back at the version of before with its own data, or is held already."""
    for number in changes:
        fake = Running(tmp_path)
        fake.meddled = True
        at_change(fake, number, lambda: fake.delete_pod(ordinal))  # noqa: B023
        assert fake.run() is ReturnEnd.REACHED, number
        fake.whole()


def test_the_finalizer_that_somebody_takes_off_at_any_change(tmp_path: Path, changes: range) -> None:
    """Then the controller makes a pod, and an empty claim where one was missing: that is kept like any other, and not taken for done."""
    for number in changes:
        fake = Running(tmp_path)
        fake.meddled = True
        at_change(fake, number, fake.let_go, after=True)
        ended = fake.run()
        fake.meets = lambda number, change: None
        assert ended is ReturnEnd.REACHED or fake.run() is ReturnEnd.REACHED, number
        fake.whole()


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_partition_that_somebody_writes_once_is_written_again(tmp_path: Path, changes: range, number: int) -> None:
    """What a deployer lets go starts on the newer data, which nobody can keep from happening; in the end all of it is as asked for."""
    for change in changes:
        fake = Running(tmp_path)
        fake.meddled = True
        at_change(fake, change, lambda: fake.partition(number))  # noqa: B023
        assert fake.run() is ReturnEnd.REACHED, change
        notes = fake.set.metadata.annotations
        assert RESTORING_ANNOTATION not in notes and {at.revision for at in fake.pods.values()} == {OLD}
        assert {name: fake.data[fake.own[name].spec.volume_name] for name in NAMES} == dict.fromkeys(NAMES, BEFORE)


def test_no_pod_that_runs_is_left_with_the_finalizer(tmp_path: Path) -> None:
    """Somebody makes a budget of it between the hold and the eviction."""
    fake = Running(tmp_path)

    def meets(number: int, change: Any) -> None:
        if isinstance(change, DeletePod):
            raise PetsError("it may not be evicted")

    fake.meets = meets
    with pytest.raises(PetsError, match="may not be evicted"):
        fake.run()
    assert not any(at.metadata.finalizers for at in fake.pods.values()) and RESTORING_ANNOTATION in fake.set.metadata.annotations
    fake.meets = lambda number, change: None
    assert fake.run() is ReturnEnd.REACHED
    fake.whole()


def test_a_pod_that_has_not_ended_keeps_its_claim(tmp_path: Path) -> None:
    """Its node does not answer, or it was forced out: the phase does not say that its containers have ended."""
    fake = Running(tmp_path)
    fake._kubelet = lambda ordinal: None  # type: ignore[method-assign]
    assert fake.one_by_one().to_the_end(Deadline(0.0), lambda: False) is ReturnEnd.TIMED_OUT
    ends = [fake.one_by_one().to_the_end(Deadline(0.0), lambda: False) for _ in range(5)]
    assert set(ends) == {ReturnEnd.TIMED_OUT, ReturnEnd.STUCK} and ends[-1] is ReturnEnd.STUCK, "stuck once it is overdue"
    assert fake.pods[1].terminating and not any(each.metadata.deletion_timestamp for each in fake.own.values())
    assert "waiting: pod web-1 to end" in fake.told


def test_a_pod_that_does_not_end_is_stuck_after_a_while(tmp_path: Path) -> None:
    """Longer than its grace period, as ``status`` has it; it was waited for until the deadline, and without one for ever."""
    fake = Running(tmp_path)
    fake._kubelet = lambda ordinal: None  # type: ignore[method-assign]
    run = fake.one_by_one()
    assert run.to_the_end(Deadline(20.0), lambda: False) is ReturnEnd.STUCK
    assert run.ending is not None and isinstance(run.ending[0], Stuck) and [each.pod for each in run.ending[0].blockers] == ["web-1"]
    assert fake.pods[1].terminating and not any(each.metadata.deletion_timestamp for each in fake.own.values())


@pytest.mark.parametrize("down", [(), (0,), (1,), (0, 1)])
def test_with_on_delete_pods_that_are_down_go_first(tmp_path: Path, down: tuple[int, ...]) -> None:
    """From the lowest up, as the controller makes them; none that is up goes while another is down."""
    fake = Running(tmp_path)
    fake.set = replace(fake.set, spec=replace(fake.set.spec, update_strategy=UpdateStrategy(type="OnDelete")))
    for ordinal in down:
        at = fake.pods[ordinal]
        fake.pods[ordinal] = replace(at, status=replace(at.status, conditions=()))
    run = fake.one_by_one()
    run.look()
    wanted = (*sorted(down), *sorted({0, 1} - set(down), reverse=True))
    seen = assess(fake.set_view("prod", "web"), fake.now())
    assert order(fake.set, fake.pods, seen) == list(wanted)
    rolling = replace(fake.set, spec=replace(fake.set.spec, update_strategy=UpdateStrategy(type="RollingUpdate")))
    assert order(rolling, fake.pods, seen) == [1, 0], "the partition lets go the highest first"
    held = {**fake.pods, 1: replace(fake.pods[1], metadata=replace(fake.pods[1].metadata, finalizers=(HELD_FINALIZER,)))}
    assert order(fake.set, held, seen)[0] == 1, "one that is held goes on first"
