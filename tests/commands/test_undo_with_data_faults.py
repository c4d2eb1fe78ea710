"""A set's way back to the data of before under what a real cluster does not do on demand: killed at every request, answers that are lost,
conflicts, somebody who scales the set up at the worst moment, two runs at once. No data is ever lost, and typed again it gets there."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.changes import AnnotateVolume, CreateClaim, DeleteClaim, PatchSet, SetRetain
from kubectl_pets.domain.model import ObjectMeta, OwnerReference, PersistentVolumeClaim, SetView, StatefulSet
from kubectl_pets.domain.orphans.inventory import PersistentVolume
from kubectl_pets.domain.orphans.retention import is_withheld
from kubectl_pets.domain.orphans.snapshots import Offer, Sighting, VolumeSnapshot, VolumeSnapshotContent
from kubectl_pets.domain.resize.types import StorageClass
from kubectl_pets.domain.sets.restoring import RESTORED_ANNOTATION, RESTORING_ANNOTATION
from kubectl_pets.domain.snapshots.restoring import Stand
from kubectl_pets.errors import ConflictError, ForbiddenError, NotFoundError, PetsError, UnreachableError
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.orphans import retention
from kubectl_pets.flows.restoring.returning import BringingBack, DataGoal, ReturnEnd
from tests.domain.builders import NEW, NOW, OLD, UID, pod
from tests.domain.data_return import DRIVER, claim, content, owner, snapshot
from tests.domain.orphans.builders import volume

BEFORE, AFTER, MEANWHILE = "of before", "of after", "of meanwhile"
NAMES = ("data-web-0", "data-web-1")


class Killed(BaseException):
    """SIGKILL: nothing of the run is done any more."""


@pytest.fixture(autouse=True)
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes by here comes at a request and not at a time."""
    monkeypatch.setattr(retention, "_SET_BACK_AFTER", 0.001)
    monkeypatch.setattr("kubectl_pets.flows.engine.waiting._pause", lambda seconds, held: None)
    monkeypatch.setattr("kubectl_pets.flows.engine.patience.sleep", lambda seconds: None)


class Fake:
    """The cluster: set ``web`` of two at 0, and controllers that have done their part by the next request. ``meets`` is asked before each
    request with its number; what it returns is done after it was carried out."""

    namespace = "prod"

    def __init__(self, records: Path, meets: Callable[[int, Any], Callable[[], None] | None] = lambda number, change: None) -> None:
        self.records, self.meets, self.requests = records, meets, 0
        self.set: StatefulSet = owner()
        self.own = {f"data-web-{each}": claim(each) for each in range(2)}
        self.there = {each.name: each for each in (volume(of) for of in self.own.values())}
        self.data = dict.fromkeys(self.there, AFTER)
        self.shots = [snapshot(of) for of in self.own.values()]
        self.kept = {each.status.bound_volume_snapshot_content_name: content(each) for each in self.shots}
        self.version, self.made = 100, 0

    # --- the controllers --------------------------------------------------------------------------------------------------------

    def scale(self, replicas: int) -> None:
        """By somebody else."""
        meta = self.set.metadata
        meta = replace(meta, generation=meta.generation + 1)
        self.set = replace(self.set, metadata=meta, spec=replace(self.set.spec, replicas=replicas))
        self._controllers()

    def _controllers(self) -> None:
        replicas, generation = self.set.spec.replicas, self.set.metadata.generation
        self.set = replace(self.set, status=replace(self.set.status, replicas=replicas, observed_generation=generation))
        for ordinal in range(replicas):
            name = f"data-web-{ordinal}"
            if name not in self.own:
                self._bind(claim(ordinal, uid=self._uid(), volume_name=""), "")
            self.data[self.own[name].spec.volume_name] += f", {MEANWHILE}"
        self._released()

    def _released(self) -> None:
        """Volumes whose claim is gone."""
        for each in tuple(self.there.values()):
            held = each.spec.claim_ref
            there = held is not None and any(of.metadata.uid == held.uid for of in self.own.values())
            if each.status.phase == "Bound" and not there:
                kept = each.spec.persistent_volume_reclaim_policy == "Retain" or is_withheld(each)
                assert kept, f"{each.name} was destroyed with {self.data[each.name]}"
                self.there[each.name] = replace(each, status=replace(each.status, phase="Released"))

    def _uid(self) -> str:
        self.made += 1
        return f"made-{self.made}"

    def _bind(self, of: PersistentVolumeClaim, text: str) -> None:
        uid, name = of.metadata.uid, f"pv-{of.metadata.uid}"
        of = replace(of, spec=replace(of.spec, volume_name=name), status=replace(of.status, phase="Bound"))
        of = replace(of, metadata=replace(of.metadata, uid=uid, resource_version=self._next()))
        self.own[of.name], self.data[name] = of, text
        self.there[name] = volume(of)

    def _next(self) -> str:
        self.version += 1
        return str(self.version)

    # --- what is asked ----------------------------------------------------------------------------------------------------------

    def _asked(self, do: Callable[[], Any], change: Any = None) -> Any:
        number, self.requests = self.requests, self.requests + 1
        after = self.meets(number, change)
        done = do()
        self._controllers()
        if after is not None:
            after()
        return done

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.requests)

    def server_name(self) -> str:
        return "the-test"

    def set_view(self, namespace: str, name: str) -> SetView:
        owned = (OwnerReference(kind="StatefulSet", name="web", uid=UID, controller=True),)

        def view() -> SetView:
            pods = [pod(each, NEW) for each in range(self.set.spec.replicas)]
            mine = tuple(replace(each, metadata=replace(each.metadata, owner_references=owned)) for each in pods)
            return SetView(set=self.set, pods=mine)

        return cast(SetView, self._asked(view))

    def stateful_set(self, namespace: str, name: str) -> StatefulSet:
        return cast(StatefulSet, self._asked(lambda: self.set))

    def storage_classes(self) -> tuple[StorageClass, ...]:
        return (StorageClass(metadata=ObjectMeta(name="fast"), provisioner=DRIVER),)

    def snapshot_offer(self) -> Offer:
        return Offer(classes=())

    def snapshots(self, namespace: str | None = None) -> tuple[VolumeSnapshot, ...]:
        return cast("tuple[VolumeSnapshot, ...]", self._asked(lambda: tuple(self.shots)))

    def snapshot_content(self, name: str) -> VolumeSnapshotContent | None:
        return cast("VolumeSnapshotContent | None", self._asked(lambda: self.kept.get(name)))

    def snapshot_seen(self, namespace: str, name: str) -> Sighting:
        def seen() -> Sighting:
            found = next((each for each in self.shots if each.name == name), None)
            return Sighting(snapshot=found, content=self.kept.get(found.status.bound_volume_snapshot_content_name) if found else None)

        return cast(Sighting, self._asked(seen))

    def claim_events(self, namespace: str, name: str) -> tuple[()]:
        return ()

    def claims(self, namespace: str) -> tuple[PersistentVolumeClaim, ...]:
        return cast("tuple[PersistentVolumeClaim, ...]", self._asked(lambda: tuple(self.own.values())))

    def claim(self, namespace: str, name: str) -> PersistentVolumeClaim | None:
        return cast("PersistentVolumeClaim | None", self._asked(lambda: self.own.get(name)))

    def volumes(self) -> tuple[PersistentVolume, ...]:
        return cast("tuple[PersistentVolume, ...]", self._asked(lambda: tuple(self.there.values())))

    def volume(self, name: str) -> PersistentVolume | None:
        return cast("PersistentVolume | None", self._asked(lambda: self.there.get(name)))

    def mounts(self, namespace: str) -> dict[str, str]:
        return cast("dict[str, str]", self._asked(lambda: {f"data-web-{each}": f"web-{each}" for each in range(self.set.spec.replicas)}))

    def apply(self, change: Any, *, dry_run: bool = False) -> None:
        self._asked(lambda: self._carry_out(change), change)

    def _carry_out(self, change: Any) -> None:
        match change:
            case PatchSet():
                self._patch(change)
            case SetRetain():
                found = self.there[change.volume]
                self._same(found.metadata, change)
                assert self._recorded(found), "it is written down first"
                meta = replace(found.metadata, resource_version=self._next(), annotations={**found.metadata.annotations, **change.annotations})
                self.there[change.volume] = replace(found, metadata=meta, spec=replace(found.spec, persistent_volume_reclaim_policy="Retain"))
            case AnnotateVolume():
                found = self.there[change.volume]
                self._same(found.metadata, change)
                noted = {**found.metadata.annotations, **change.annotations}
                kept = {key: text for key, text in noted.items() if text is not None}
                self.there[change.volume] = replace(found, metadata=replace(found.metadata, resource_version=self._next(), annotations=kept))
            case DeleteClaim():
                if change.name not in self.own:
                    raise NotFoundError("gone")
                self._same(self.own[change.name].metadata, change)
                assert self.set.spec.replicas == 0 or self.late, "while its pod is wanted"
                del self.own[change.name]
            case CreateClaim(claim=wanted):
                if wanted.name in self.own:
                    raise ConflictError("it is there")
                source = wanted.spec.data_source
                assert source is not None and source.name in {each.name for each in self.shots} and wanted.metadata.uid == ""
                made = replace(wanted, metadata=replace(wanted.metadata, uid=self._uid(), resource_version=self._next()))
                if self.fills:
                    self._bind(made, BEFORE)
                else:
                    self.own[made.name] = replace(made, status=replace(made.status, phase="Pending"))

    #: The driver fills claims.
    fills = True

    #: Somebody scales up between the last look and the change itself, which nothing can keep from happening.
    late = False

    def _same(self, meta: ObjectMeta, change: Any) -> None:
        if (meta.uid, meta.resource_version) != (change.uid, change.resource_version):
            raise ConflictError("it changed since it was read")

    def _patch(self, change: PatchSet) -> None:
        meta = self.set.metadata
        tests = {each.path: each.value for each in change.operations if each.op == "test"}
        if (tests["/metadata/uid"], tests["/metadata/generation"]) != (meta.uid, meta.generation):
            raise ConflictError("it changed since it was read")
        notes = dict(meta.annotations)
        for each in change.operations:
            key = each.path.removeprefix("/metadata/annotations/").replace("~1", "/")
            if each.op == "test" and each.path.startswith("/metadata/annotations/") and notes.get(key) != each.value:
                raise ConflictError("it changed since it was read")
            if each.op == "remove":
                del notes[key]
            elif each.path == "/metadata/annotations":
                notes = dict(each.value)
            elif each.op == "add":
                notes[key] = each.value
        self.set = replace(self.set, metadata=replace(meta, annotations=notes))

    def _recorded(self, found: PersistentVolume) -> bool:
        held = found.spec.claim_ref
        documents = [json.loads(path.read_text(encoding="utf-8")) for path in self.records.glob("*.json")]
        uids = {each["claim"]["metadata"]["uid"] for document in documents for each in document["deletions"]}
        return held is not None and held.uid in uids

    # --- what has to hold in the end --------------------------------------------------------------------------------------------

    def run(self) -> ReturnEnd:
        self.told: list[str] = []
        goal = DataGoal(revision=OLD, number=1)
        return BringingBack(cast(Any, self), "prod", "web", goal, self.records, self.told.append).to_the_end(Deadline(60.0), lambda: False)

    def whole(self) -> None:
        """Every claim holds the data of before, and every volume that ever held newer data has it and stays."""
        assert {name: self.data[self.own[name].spec.volume_name] for name in NAMES} == dict.fromkeys(NAMES, BEFORE)
        assert RESTORING_ANNOTATION not in self.set.metadata.annotations and RESTORED_ANNOTATION in self.set.metadata.annotations
        bound = {each.spec.volume_name for each in self.own.values()}
        for name, text in self.data.items():
            if name not in bound:
                kept = self.there[name].spec.persistent_volume_reclaim_policy == "Retain" or is_withheld(self.there[name])
                assert kept, (name, text)
        assert all(self.data[f"pv-uid-prod-{name}"].startswith(AFTER) for name in NAMES)


def at(number: int, do: Callable[[], None], *, after: bool = False) -> Callable[[int, Any], Callable[[], None] | None]:
    """``do`` at one request, before it is carried out or ``after``."""

    def meets(now: int, change: Any) -> Callable[[], None] | None:
        if now == number and not after:
            do()
        return do if now == number and after else None

    return meets


def fails(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def undisturbed(records: Path) -> int:
    """So many requests it takes."""
    fake = Fake(records)
    assert fake.run() is ReturnEnd.REACHED
    fake.whole()
    return fake.requests


@pytest.fixture
def requests(tmp_path: Path) -> range:
    folder = tmp_path / "undisturbed"
    folder.mkdir()
    return range(undisturbed(folder))


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_every_request(tmp_path: Path, requests: range, after: bool) -> None:
    """Whoever types it again, on another machine, gets there."""
    for number in requests:
        fake = Fake(tmp_path, at(number, fails(Killed()), after=after))
        with pytest.raises(Killed):
            fake.run()
        fake.meets = lambda number, change: None
        assert fake.run() is ReturnEnd.REACHED, number
        fake.whole()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("error", [UnreachableError("no answer"), ConflictError("it changed since it was read")])
def test_answers_that_are_lost_and_conflicts(tmp_path: Path, requests: range, error: PetsError, after: bool) -> None:
    for number in requests:
        fake = Fake(tmp_path, at(number, fails(error), after=after))
        assert fake.run() is ReturnEnd.REACHED, number
        fake.whole()


@pytest.mark.parametrize("after", [False, True])
def test_scaled_up_at_every_request(tmp_path: Path, requests: range, after: bool) -> None:
    """What the controller makes in a gap is empty, and its pod writes to it: never taken for data that is back, and kept. At 0 again the
    same command gets there."""
    for number in requests:
        fake = Fake(tmp_path)
        fake.late = True
        scaled = at(number, lambda: fake.scale(2), after=after)  # noqa: B023

        def meets(now: int, change: Any) -> Callable[[], None] | None:
            """No claim goes or is made once it could be known: the set is read right before, and for a claim that goes its volume
            after that."""
            since = now - number - after  # noqa: B023
            if fake.set.spec.replicas:  # noqa: B023
                assert not isinstance(change, DeleteClaim) or since <= 1, number  # noqa: B023
                assert not isinstance(change, CreateClaim) or since <= 0, number  # noqa: B023
            return scaled(now, change)  # noqa: B023

        fake.meets = meets
        ended = fake.run()
        noted = RESTORING_ANNOTATION in fake.set.metadata.annotations
        assert ended is ReturnEnd.REFUSED or not noted, (number, ended)
        fake.meets = lambda number, change: None
        fake.scale(0)
        assert fake.run() is ReturnEnd.REACHED, number
        fake.whole()


def test_two_runs_at_once(tmp_path: Path, requests: range) -> None:
    """Another one begins at any request of the first, and is through before that goes on."""
    for number in requests:
        fake = Fake(tmp_path)
        records = tmp_path / f"of-another-{number}"
        other = BringingBack(cast(Any, fake), "prod", "web", DataGoal(revision=OLD, number=1), records, lambda text: None)
        ended: list[ReturnEnd] = []

        def begin() -> None:
            fake.meets, own = (lambda number, change: None), fake.records  # noqa: B023
            fake.records = records  # noqa: B023
            ended.append(other.to_the_end(Deadline(60.0), lambda: False))  # noqa: B023
            fake.records = own  # noqa: B023

        fake.meets = at(number, begin)
        assert fake.run() is ReturnEnd.REACHED and ended == [ReturnEnd.REACHED], number
        fake.whole()


def test_a_quota_that_gives_back_late_is_waited_for(tmp_path: Path) -> None:
    full = [ForbiddenError("persistentvolumeclaims is forbidden: exceeded quota: storage") for _ in range(12)]

    def meets(number: int, change: Any) -> None:
        if isinstance(change, CreateClaim) and full:
            raise full.pop()

    fake = Fake(tmp_path, meets)
    assert fake.run() is ReturnEnd.REACHED
    fake.whole()
    assert any("exceeded quota" in each for each in fake.told)


def test_a_snapshot_that_goes_meanwhile_stops_it_before_its_claim_goes(tmp_path: Path, requests: range) -> None:
    """At any request: the claims that are left hold the newer data still, or were made from it while it was there."""
    for number in requests:
        fake = Fake(tmp_path)

        def goes() -> None:
            fake.shots = [replace(each, metadata=replace(each.metadata, deletion_timestamp=NOW)) for each in fake.shots]  # noqa: B023

        leaves = at(number, goes)

        def meets(now: int, change: Any) -> Callable[[], None] | None:
            """The snapshot, the set and the volume are read right before a claim goes, in this order."""
            late = now - number <= 2  # noqa: B023
            left = any(each.metadata.deletion_timestamp for each in fake.shots)  # noqa: B023
            assert not (left and isinstance(change, DeleteClaim)) or late, number  # noqa: B023
            return leaves(now, change)  # noqa: B023

        fake.meets = meets
        ended = fake.run()
        assert ended in (ReturnEnd.REFUSED, ReturnEnd.REACHED), number
        texts = {fake.data[each.spec.volume_name] for each in fake.own.values()}
        assert texts <= {AFTER, BEFORE} and all(fake.data[f"pv-uid-prod-{name}"] == AFTER for name in NAMES)


def test_a_set_that_is_deleted_meanwhile_ends_it(tmp_path: Path, requests: range) -> None:
    for number in requests:
        fake = Fake(tmp_path)

        def gone(namespace: str, name: str) -> SetView:
            raise NotFoundError("StatefulSet web was deleted")

        fake.meets = at(number, lambda: setattr(fake, "set_view", gone))  # noqa: B023
        try:
            assert fake.run() is ReturnEnd.REACHED, number
        except NotFoundError:
            assert all(fake.data[f"pv-uid-prod-{name}"] == AFTER for name in NAMES)


def test_a_driver_that_does_not_fill_ends_it_with_the_time_and_the_rest_untouched(tmp_path: Path) -> None:
    """One claim after the other: the next is not touched before the last one is filled."""
    fake = Fake(tmp_path)
    fake.fills = False
    run = BringingBack(cast(Any, fake), "prod", "web", DataGoal(revision=OLD, number=1), tmp_path, lambda text: None)
    assert run.to_the_end(Deadline(0.0), lambda: False) is ReturnEnd.TIMED_OUT
    assert run.plan.claims[0].stand is Stand.FILLING and run.plan.claims[1].stand is Stand.NEWER
    assert RESTORING_ANNOTATION in fake.set.metadata.annotations
    fake._bind(fake.own["data-web-1"], BEFORE)
    fake.fills = True
    assert fake.run() is ReturnEnd.REACHED
    fake.whole()


def test_somebody_who_wants_it_to_stop_is_heard_between_two_changes(tmp_path: Path) -> None:
    fake = Fake(tmp_path)
    wanted: list[bool] = []
    fake.meets = lambda number, change: wanted.append(True) if isinstance(change, DeleteClaim) else None
    run = BringingBack(cast(Any, fake), "prod", "web", DataGoal(revision=OLD, number=1), tmp_path, lambda text: None)
    assert run.to_the_end(Deadline(60.0), lambda: bool(wanted)) is ReturnEnd.INTERRUPTED
    assert len(wanted) == 1 and "data-web-1" not in fake.own
    fake.meets = lambda number, change: None
    assert fake.run() is ReturnEnd.REACHED
    fake.whole()


def test_a_policy_that_is_set_back_loses_nothing(tmp_path: Path, requests: range) -> None:
    """At any request, the deletion itself among them, somebody, or a controller of theirs, gives the volumes the policy Delete again."""
    for number in requests:
        fake = Fake(tmp_path)

        def set_back() -> None:
            for name, each in fake.there.items():  # noqa: B023
                if each.status.phase == "Bound":
                    meta = replace(each.metadata, resource_version=fake._next())  # noqa: B023
                    spec = replace(each.spec, persistent_volume_reclaim_policy="Delete")
                    fake.there[name] = replace(each, metadata=meta, spec=spec)  # noqa: B023

        fake.meets = at(number, set_back)
        assert fake.run() is ReturnEnd.REACHED, number
        fake.whole()


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_controller_that_is_late_again_and_again_meets_no_deletion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """It sets a volume back to Delete a while after each Retain, until it is told not to: whoever does not wait each time deletes the
    claim first."""
    fake, late, sets_back = Fake(tmp_path), set[str](), times

    def retained(now: int, change: Any) -> Callable[[], None] | None:
        if isinstance(change, SetRetain) and sets_back:
            late.add(change.volume)
        assert not isinstance(change, DeleteClaim) or not late, "nobody has waited for the controller"
        return None

    def waits(look: Callable[[], None], within: float) -> None:
        nonlocal sets_back
        for name in late:
            each = fake.there[name]
            meta = replace(each.metadata, resource_version=fake._next())
            fake.there[name] = replace(each, metadata=meta, spec=replace(each.spec, persistent_volume_reclaim_policy="Delete"))
        sets_back -= bool(late)
        late.clear()

    monkeypatch.setattr(retention, "until", waits)
    fake.meets = retained
    assert fake.run() is ReturnEnd.REACHED
    fake.whole()
