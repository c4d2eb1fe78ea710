"""A set that is made again under faults that a real cluster does not produce on demand: an answer that is lost, a conflict, a server that
is away, somebody who changes the set, at every request that there is."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, cast

import msgspec
import pytest
from msgspec.structs import replace

from kubectl_pets.domain.changes import AnnotateClaim, CreateSet, ForgetRecreation, OrphanSet, PatchSet, SaveRecreation
from kubectl_pets.domain.model import ObjectMeta, OwnerReference, PersistentVolumeClaim, Pod, SetView
from kubectl_pets.domain.recreate.running import RecreateEnd
from kubectl_pets.domain.sets.away import RECREATING_ANNOTATION, PodTaker, SavedRecreation, TakerSpec, WholeMeta, WholeSet
from kubectl_pets.errors import ConflictError, ExitCode, ForbiddenError, NotFoundError, PetsError, ServerError, UnreachableError
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.options import RunOptions
from kubectl_pets.flows.recreate.carry import abandon
from kubectl_pets.flows.recreate.remaking import Remade, Remaking
from kubectl_pets.session import Cluster, Session
from tests.commands.test_engine import Clock, clock
from tests.domain.builders import NEW, NOW, pod, statefulset
from tests.domain.resize import claim
from tests.terminal import FakeTerminal

__all__ = ["clock"]

LOST, FASTER = UnreachableError("no answer"), ConflictError("it changed since it was read")
OLD_UID, NEW_UID = "set-web", "set-again"
WANTED = {"podManagementPolicy": "Parallel"}
POLICY = "persistentVolumeClaimRetentionPolicy"
OWNERS = [{"apiVersion": "example.org/v1", "kind": "Pg", "name": "main", "uid": "pg", "blockOwnerDeletion": True}]
FIELDS = [
    {"manager": "helm", "operation": "Apply", "apiVersion": "apps/v1", "fieldsV1": {"f:spec": {f"f:{POLICY}": {"f:whenDeleted": {}}, "f:replicas": {}}}},
    {"manager": "kubectl-pets", "operation": "Update", "apiVersion": "apps/v1", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
    {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": {}}},
]


@pytest.fixture(autouse=True)
def no_time_passes(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr("kubectl_pets.flows.engine.patience.sleep", clock.sleep)


class Faulty:
    """A set of two that owns its claims, and controllers that have done their part by the next request. ``fails``: the numbers of the
    requests that come to nothing with ``error``; ``carried``: they are carried out all the same."""

    namespace = "prod"

    def __init__(self, fails: Callable[[int], bool] = lambda number: False, error: PetsError = LOST, *, carried: bool = False) -> None:
        template = {"metadata": {"name": "data"}, "spec": {}}
        spec = {"replicas": 2, "podManagementPolicy": "OrderedReady", "template": {}, "volumeClaimTemplates": [template]}
        self.live: WholeSet | None = WholeSet(
            metadata=WholeMeta(
                name="web", namespace="prod", uid=OLD_UID, resource_version="1", generation=1, managed_fields=FIELDS, owner_references=OWNERS
            ),
            spec={**spec, POLICY: {"whenDeleted": "Delete", "whenScaled": "Retain"}},
        )
        self.saved: SavedRecreation | None = None
        self.takers: tuple[PodTaker, ...] = ()
        self.members = {each: pod(each, NEW) for each in range(2)}
        self.own = {f"data-web-{each}": claim(each) for each in range(2)}
        self._fails, self._error, self._carried = fails, error, carried
        self.requests, self.version = 0, 1
        self.done: list[str] = []
        #: The numbers of the requests that change something.
        self.writes: set[int] = set()
        self._controllers()

    def now(self) -> datetime:
        return NOW

    def _asked(self, do: Callable[[], Any]) -> Any:
        number, self.requests = self.requests, self.requests + 1
        self._controllers()
        if not self._fails(number):
            return do()
        if self._carried:
            do()
        raise self._error

    def _controllers(self) -> None:
        """The garbage collector and the StatefulSet controller."""
        live = self.live
        if live is not None and live.metadata.deletion_timestamp is not None:
            owned = any(owner.uid == live.metadata.uid for each in self.own.values() for owner in each.metadata.owner_references)
            assert not owned, "the garbage collector may take the claims"
            self._own(())
            self.live = None
        elif live is not None:
            deletes = live.spec[POLICY]["whenDeleted"] == "Delete"
            owner = OwnerReference(kind="StatefulSet", name="web", uid=live.metadata.uid, controller=True)
            self._own((owner,), (owner,) if deletes else ())

    def _own(self, pods: tuple[OwnerReference, ...], claims: tuple[OwnerReference, ...] | None = None) -> None:
        def owned(each: Any, owners: tuple[OwnerReference, ...]) -> Any:
            return replace(each, metadata=replace(each.metadata, owner_references=owners))

        self.members = {number: owned(each, pods) for number, each in self.members.items()}
        if claims is not None:
            self.own = {name: owned(each, claims) for name, each in self.own.items()}

    # --- what is asked ---------------------------------------------------------------------------------------------------------

    def whole_set(self, namespace: str, name: str) -> WholeSet | None:
        return cast("WholeSet | None", self._asked(lambda: self.live))

    def recreation(self, namespace: str, name: str) -> SavedRecreation | None:
        return cast("SavedRecreation | None", self._asked(lambda: self.saved))

    def pod_takers(self, namespace: str) -> tuple[tuple[PodTaker, ...], tuple[str, ...]]:
        return cast("tuple[tuple[PodTaker, ...], tuple[str, ...]]", self._asked(lambda: (self.takers, ())))

    def claims(self, namespace: str) -> tuple[PersistentVolumeClaim, ...]:
        return cast("tuple[PersistentVolumeClaim, ...]", self._asked(lambda: tuple(self.own.values())))

    def set_view(self, namespace: str, name: str) -> SetView:
        def view() -> SetView:
            if self.live is None:
                raise NotFoundError("gone")
            owner = statefulset(replicas=2, current=NEW, claims=("data",))
            owner = replace(owner, metadata=replace(owner.metadata, uid=self.live.metadata.uid))
            return SetView(set=owner, pods=cast("tuple[Pod, ...]", tuple(self.members.values())))

        return cast(SetView, self._asked(view))

    def missing_rights(self, namespace: str, needed: object) -> tuple[tuple[str, str], ...]:
        return ()

    def apply(self, change: Any, *, dry_run: bool = False) -> None:
        self.writes.add(self.requests)
        self._asked(lambda: self._carry_out(change))

    def _carry_out(self, change: Any) -> None:
        self.version += 1
        version, live = str(self.version), self.live
        match change:
            case SaveRecreation():
                if change.uid != (self.saved.uid if self.saved else "") or change.resource_version not in ("", self.saved and self.saved.resource_version):
                    raise ConflictError("another record")
                intended = msgspec.json.decode(msgspec.json.encode(change.intended), type=type(change.intended))
                self.saved = SavedRecreation("record", version, intended)
            case ForgetRecreation():
                if self.saved is None:
                    raise NotFoundError("no record")
                self.saved = None
            case OrphanSet():
                if live is None:
                    raise NotFoundError("no set")
                self._same(change.uid, change.resource_version)
                self.live = replace(live, metadata=replace(live.metadata, deletion_timestamp=NOW))
            case CreateSet(content=content):
                if live is not None:
                    raise ConflictError("it is there")
                ours = {"manager": "kubectl-pets", "operation": "Update", "fieldsV1": {"f:spec": {"f:everything": {}}}}
                self.live = WholeSet(
                    metadata=WholeMeta(
                        name="web", namespace="prod", uid=NEW_UID, resource_version=version, annotations=content.annotations, managed_fields=[ours],
                        owner_references=content.owner_references,
                    ),
                    spec=content.spec,
                )
            case PatchSet():
                self._patch(change, version)
            case AnnotateClaim():
                each = self.own[change.name]
                if each.metadata.resource_version != change.resource_version:
                    raise ConflictError("it changed since it was read")
                annotations = {key: text for key, text in {**each.metadata.annotations, **change.annotations}.items() if text is not None}
                meta = replace(each.metadata, annotations=annotations, resource_version=version)
                self.own[change.name] = replace(each, metadata=meta)
        self.done.append(type(change).__name__)

    def _same(self, uid: str, version: str) -> None:
        if self.live is None or (self.live.metadata.uid, self.live.metadata.resource_version) != (uid, version):
            raise ConflictError("it changed since it was read")

    def _patch(self, change: PatchSet, version: str) -> None:
        tests = {each.path: each.value for each in change.operations if each.op == "test"}
        self._same(tests["/metadata/uid"], tests["/metadata/resourceVersion"])
        assert self.live is not None
        meta, spec = self.live.metadata, dict(self.live.spec)
        annotations = dict(meta.annotations)
        for each in change.operations:
            match each.path.split("/"):
                case ["", "spec", field] if each.op == "replace":
                    spec[field] = each.value
                case ["", "metadata", "annotations"]:
                    annotations = dict(each.value)
                case ["", "metadata", "annotations", key]:
                    annotations.pop(key.replace("~1", "/"), None)
                    annotations.update({} if each.op == "remove" else {key.replace("~1", "/"): each.value})
                case ["", "metadata", "managedFields"]:
                    meta = replace(meta, managed_fields=each.value)
        self.live = replace(self.live, spec=spec, metadata=replace(meta, annotations=annotations, resource_version=version))

    # --- what has to hold in the end -------------------------------------------------------------------------------------------

    def whole(self) -> None:
        self._controllers()
        live = self.live
        assert live is not None and live.metadata.uid == NEW_UID and live.spec["podManagementPolicy"] == "Parallel"
        assert live.spec[POLICY] == {"whenDeleted": "Delete", "whenScaled": "Retain"}
        assert live.metadata.owner_references == OWNERS
        assert RECREATING_ANNOTATION not in live.metadata.annotations and self.saved is None
        assert not any(RECREATING_ANNOTATION in each.metadata.annotations for each in self.own.values())
        assert [each for each in live.metadata.managed_fields if not each.get("subresource")] == FIELDS[:2]
        assert {each.metadata.controller().uid for each in self.members.values()} == {NEW_UID}  # type: ignore[union-attr]


def run(cluster: Faulty, seconds: float | None = None) -> Remade:
    session = Session(terminal=FakeTerminal(), connect=lambda flags: cast(Cluster, cluster))
    return Remaking(session, "web", OLD_UID, WANTED, Deadline(seconds)).to_the_end()


_WHOLE = Faulty()
assert run(_WHOLE).finished.end is RecreateEnd.REACHED
_WHOLE.whole()


#: Each request with what can become of it: a conflict is an answer to a change, and then it was not carried out.
FAULTS = [
    (number, error, carried)
    for number in range(_WHOLE.requests) for error in (LOST, ServerError("it may be starting up"), FASTER) for carried in (False, True)
    if error is not FASTER or (number in _WHOLE.writes and not carried)
]  # fmt: skip


@pytest.mark.parametrize(("number", "error", "carried"), FAULTS)
def test_an_answer_that_is_lost_anywhere_changes_nothing_about_the_end(number: int, error: PetsError, carried: bool) -> None:
    cluster = Faulty(lambda each: each == number, error, carried=carried)
    assert run(cluster).finished.end is RecreateEnd.REACHED
    cluster.whole()
    assert cluster.done.count("OrphanSet") == cluster.done.count("CreateSet") == 1


@pytest.mark.parametrize("number", range(_WHOLE.requests))
def test_stopped_anywhere_and_begun_anew_it_comes_to_its_end(number: int) -> None:
    """As killed: whatever was sent last may have been carried out."""
    for carried in (False, True):
        cluster = Faulty(lambda each: each == number, KeyError("killed"), carried=carried)  # type: ignore[arg-type]
        with pytest.raises(KeyError):
            run(cluster)
        assert run(cluster).finished.end is RecreateEnd.REACHED
        cluster.whole()


@pytest.mark.parametrize("stop", range(_WHOLE.requests))
@pytest.mark.parametrize("until", range(0, _WHOLE.requests + 1, 3))
def test_another_run_that_comes_by_anywhere_leaves_nothing_behind(stop: int, until: int) -> None:
    """One stands still before one of its requests (Ctrl-Z, a slow node), and another does so much of it meanwhile, or all."""
    cluster = Faulty()
    asked, by = cluster._asked, [False]

    def stands_still(do: Callable[[], Any]) -> Any:
        if cluster.requests == stop and not by[0]:
            by[0] = True
            cluster._fails = lambda number: number == stop + until
            cluster._error = KeyError("killed")  # type: ignore[assignment]
            with suppress(KeyError):
                assert run(cluster).finished.end is RecreateEnd.REACHED
            cluster._fails = lambda number: False
        return asked(do)

    cluster._asked = stands_still  # type: ignore[method-assign]
    assert run(cluster).finished.end is RecreateEnd.REACHED and by == [True]
    cluster.whole()
    assert cluster.done.count("OrphanSet") == cluster.done.count("CreateSet") == 1


def test_what_is_refused_while_there_is_no_set_is_sent_again() -> None:
    cluster = Faulty()
    first, refused = cluster._carry_out, [0]

    def carry_out(change: Any) -> None:
        if isinstance(change, CreateSet) and refused[0] < 5:
            refused[0] += 1
            raise ForbiddenError("exceeded quota")
        first(change)

    cluster._carry_out = carry_out  # type: ignore[method-assign]
    assert run(cluster).finished.end is RecreateEnd.REACHED and refused == [5]
    cluster.whole()


def test_whoever_changes_the_set_before_the_deletion_has_it_kept_anew() -> None:
    """An autoscaler, say: what it wrote is in the new set."""
    cluster = Faulty()
    first = cluster._carry_out

    def carry_out(change: Any) -> None:
        first(change)
        if isinstance(change, PatchSet) and cluster.live is not None and cluster.live.metadata.uid == OLD_UID:
            live = cluster.live
            cluster.live = replace(live, spec={**live.spec, "replicas": 5}, metadata=replace(live.metadata, resource_version="1000"))

    cluster._carry_out = carry_out  # type: ignore[method-assign]
    assert run(cluster).finished.end is RecreateEnd.REACHED
    cluster.whole()
    assert cluster.live is not None and cluster.live.spec["replicas"] == 5


def test_time_that_is_over_ends_it_before_the_deletion_and_never_after() -> None:
    cluster = Faulty()
    assert run(cluster, 0.0).finished.end is RecreateEnd.TIMED_OUT and cluster.done == []
    deadline = Deadline(None)
    session = Session(terminal=FakeTerminal(), connect=lambda flags: cast(Cluster, cluster))
    remaking = Remaking(session, "web", OLD_UID, WANTED, deadline)
    first = cluster._carry_out

    def carry_out(change: Any) -> None:
        first(change)
        if isinstance(change, OrphanSet):
            deadline.__init__(0.0)  # type: ignore[misc]

    cluster._carry_out = carry_out  # type: ignore[method-assign]
    remaking.to_the_end()
    assert cluster.live is not None and cluster.live.metadata.uid == NEW_UID


def test_whoever_would_take_on_its_pods_keeps_the_set_from_being_deleted() -> None:
    """A ReplicaSet that is made after the plan."""
    cluster = Faulty()
    labels = cluster.members[0].metadata.labels
    first = cluster._carry_out

    def carry_out(change: Any) -> None:
        first(change)
        if isinstance(change, PatchSet):
            cluster.takers = (PodTaker(kind="ReplicaSet", metadata=ObjectMeta(name="old"), spec=TakerSpec(selector={"matchLabels": labels})),)

    cluster._carry_out = carry_out  # type: ignore[method-assign]
    found = run(cluster).finished
    assert found.end is RecreateEnd.REFUSED and [each.subjects for each in found.refused] == [("ReplicaSet/old",)]
    assert "OrphanSet" not in cluster.done


def test_somebody_deletes_it() -> None:
    cluster = Faulty()
    cluster.live = None
    assert run(cluster).finished.end is RecreateEnd.GONE and cluster.done == []


def test_somebody_else_makes_it_with_something_else() -> None:
    cluster = Faulty()
    first = cluster._carry_out

    def carry_out(change: Any) -> None:
        if isinstance(change, CreateSet):
            change = replace(change, content=replace(change.content, annotations={}, spec={**change.content.spec, "podManagementPolicy": "OrderedReady"}))
        first(change)

    cluster._carry_out = carry_out  # type: ignore[method-assign]
    assert run(cluster).finished.end is RecreateEnd.OVERTAKEN and cluster.saved is None
    assert not any(RECREATING_ANNOTATION in each.metadata.annotations for each in cluster.own.values())


def test_what_somebody_else_writes_into_the_record_is_not_created() -> None:
    """Whoever may write ConfigMaps may not make pods, let alone as whoever runs this."""
    cluster = Faulty()
    first = cluster._carry_out

    def carry_out(change: Any) -> None:
        first(change)
        if isinstance(change, OrphanSet) and cluster.saved is not None and cluster.saved.intended is not None:
            intended = cluster.saved.intended
            content = replace(intended.content, spec={**intended.content.spec, "template": {"spec": {"hostPID": True}}})
            cluster.saved = replace(cluster.saved, intended=replace(intended, content=content))

    cluster._carry_out = carry_out  # type: ignore[method-assign]
    with pytest.raises(PetsError, match="changed by somebody after the set was deleted"):
        run(cluster)
    assert "CreateSet" not in cluster.done


def _taken_away(cluster: Faulty, when: type, becomes: SavedRecreation | None = None, later: timedelta = timedelta(0)) -> None:
    """Somebody takes the record away, or what it holds, right after a change of that kind."""
    first = cluster._carry_out

    def carry_out(change: Any) -> None:
        first(change)
        if isinstance(change, when) and cluster.done.count(type(change).__name__) == 1:
            cluster.saved = becomes
            cluster.now = lambda: NOW + later  # type: ignore[method-assign]

    cluster._carry_out = carry_out  # type: ignore[method-assign]


@pytest.mark.parametrize("when", [SaveRecreation, OrphanSet, CreateSet])
@pytest.mark.parametrize("becomes", [None, SavedRecreation("record", "77", None)])
def test_who_takes_the_record_away_leaves_nobody_without_a_set(when: type, becomes: SavedRecreation | None) -> None:
    """A deployer that prunes what it does not know, a clean-up of ConfigMaps, an editor: this run still knows what it deleted."""
    cluster = Faulty()
    _taken_away(cluster, when, becomes)
    end = run(cluster).finished.end
    if when is SaveRecreation and becomes is not None:  # nothing has been done to the set by then
        assert end is RecreateEnd.UNREADABLE and cluster.done == ["SaveRecreation"]
        return
    assert end is RecreateEnd.REACHED
    cluster.whole()


@pytest.mark.parametrize("stop", range(_WHOLE.requests))
def test_a_record_that_was_lost_after_a_run_was_killed_leaves_marks_that_can_be_taken_off(stop: int) -> None:
    """``recreate NAME --abandon``: wherever the run was killed, as long as there is a set."""
    cluster = Faulty(lambda each: each == stop, KeyError("killed"))  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        run(cluster)
    cluster._controllers()
    if cluster.live is None:
        return
    cluster.saved = None
    session = Session(terminal=FakeTerminal(), connect=lambda flags: cast(Cluster, cluster))
    assert abandon(session, "web", RunOptions(timeout=None, yes=True)) is ExitCode.OK
    assert cluster.live is not None and RECREATING_ANNOTATION not in cluster.live.metadata.annotations
    assert not any(RECREATING_ANNOTATION in each.metadata.annotations for each in cluster.own.values())
    assert cluster.live.spec[POLICY] == {"whenDeleted": "Delete", "whenScaled": "Retain"}


def test_a_run_that_was_stopped_for_long_brings_nothing_back_that_somebody_may_have_deleted() -> None:
    cluster = Faulty()
    _taken_away(cluster, OrphanSet, later=timedelta(minutes=2))
    assert run(cluster).finished.end is RecreateEnd.GONE and "CreateSet" not in cluster.done


def test_a_namespace_that_goes_with_the_record_is_not_waited_for() -> None:
    cluster = Faulty()
    _taken_away(cluster, OrphanSet)
    first = cluster._carry_out

    def carry_out(change: Any) -> None:
        if isinstance(change, SaveRecreation) and "OrphanSet" in cluster.done:
            raise NotFoundError('namespaces "prod" not found')
        first(change)

    cluster._carry_out = carry_out  # type: ignore[method-assign]
    assert run(cluster).finished.end is RecreateEnd.GONE


def test_what_is_under_way_with_something_else_is_left_alone() -> None:
    cluster = Faulty(lambda number: number >= 20, KeyError("killed"))  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        run(cluster)
    assert cluster.saved is not None and cluster.saved.intended is not None
    cluster._fails, done = lambda number: False, len(cluster.done)
    session = Session(terminal=FakeTerminal(), connect=lambda flags: cast(Cluster, cluster))
    found = Remaking(session, "web", OLD_UID, {"serviceName": "x"}, Deadline(None)).to_the_end()
    assert found.finished.end is RecreateEnd.REFUSED and len(cluster.done) == done


class Uncollected(Faulty):
    """Nobody takes the finalizer of an orphan deletion off, as while the controller manager is away, for so many looks."""

    looks = 40

    def _controllers(self) -> None:
        live = self.live
        if live is not None and live.metadata.deletion_timestamp is not None and self.looks:
            self.looks -= 1
            meta = replace(live.metadata, finalizers=("orphan",))
            self.live = replace(live, metadata=meta)
            return
        super()._controllers()


def test_a_set_that_does_not_go_is_told_and_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C and the deadline are held back while there soon is no set: it was waited for without a word, and without an end."""
    monkeypatch.setattr("kubectl_pets.flows.recreate.remaking._LEAVES_WITHIN", 0.0)
    cluster, terminal = Uncollected(), FakeTerminal()
    session = Session(terminal=terminal, connect=lambda flags: cast(Cluster, cluster))
    assert Remaking(session, "web", OLD_UID, WANTED, Deadline(None)).to_the_end().finished.end is RecreateEnd.REACHED
    cluster.whole()
    told = "waiting: StatefulSet web is deleted and not gone yet, its pods run on: finalizers orphan"
    assert terminal.stderr_text.count(told) == 1
    monkeypatch.setattr("kubectl_pets.flows.recreate.remaking._INSISTING", 0.0)
    cluster = Uncollected()
    session = Session(terminal=FakeTerminal(), connect=lambda flags: cast(Cluster, cluster))
    with pytest.raises(PetsError, match="is deleted and not gone yet") as ended:
        Remaking(session, "web", OLD_UID, WANTED, Deadline(None)).to_the_end()
    assert "recreate web" in str(ended.value.hint) and cluster.saved is not None
