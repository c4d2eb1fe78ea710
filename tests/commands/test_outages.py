"""Claims while the API server comes and goes: what is waited for is waited for, and nothing is lost or done twice by it."""

import signal
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.changes import (
    AnnotateClaim,
    AnnotateVolume,
    Change,
    ClearClaimRef,
    CreateClaim,
    DeleteClaim,
    DestroyVolume,
    SetRetain,
    TakeSnapshot,
    UndoRetain,
)
from kubectl_pets.domain.model import PersistentVolumeClaim, PersistentVolumeClaimStatus
from kubectl_pets.domain.orphans.deletion import DeletionOptions, DeletionRefused, plan
from kubectl_pets.domain.orphans.findings import ClaimVerdict
from kubectl_pets.domain.orphans.inventory import ClaimInventory, PersistentVolume, PersistentVolumeStatus
from kubectl_pets.domain.orphans.purging import PurgeSelection
from kubectl_pets.domain.orphans.snapshots import NoSnapshot, Sighting, Taken
from kubectl_pets.errors import ConflictError, ExitCode, PetsError, ServerError, UnreachableError
from kubectl_pets.flows.orphans.clear import Outcome, clear
from kubectl_pets.flows.orphans.purge import PurgeRun, purge
from kubectl_pets.flows.orphans.records import RecordBook
from kubectl_pets.flows.orphans.restore import Restored, restore
from kubectl_pets.flows.orphans.snapshot import Stopped, take
from kubectl_pets.session import Cluster, Session
from tests.commands.test_engine import Clock, clock
from tests.domain.orphans.builders import NOW, estate, one, snapshot_class, stateful_set, volume
from tests.domain.orphans.test_restoring import OLD, RECORD, RELEASED
from tests.domain.orphans.test_snapshots import CLAIM, content, offer, snapshot
from tests.terminal import FakeTerminal
from tests.views.claim_scenes import left_behind

__all__ = ["clock"]

AWAY = UnreachableError("no route")


@pytest.fixture(autouse=True)
def no_time_passes(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr("kubectl_pets.flows.engine.patience.sleep", clock.sleep)


class Storage:
    """Claims and volumes with their resourceVersions, and controllers that are as fast as can be. ``fails``: the number of the
    request that comes to nothing; ``carried``: it is carried out, and its answer is lost."""

    def __init__(self, *claims: PersistentVolumeClaim, volumes: tuple[PersistentVolume, ...], fails: int | None = None, carried: bool = False) -> None:
        self._claims = {each.name: each for each in claims}
        self._volumes = {each.name: each for each in volumes}
        self._fails, self._carried, self._made = fails, carried, 3
        self.requests = 0
        self.destroys = True  #: whether a provisioner is there
        self.changes: list[Change] = []

    def now(self) -> datetime:
        return NOW

    def _asked(self, do: Callable[[], Any]) -> Any:
        number, self.requests = self.requests, self.requests + 1
        if number == self._fails and not self._carried:
            raise AWAY
        done = do()
        if number == self._fails:
            raise AWAY
        return done

    def claim(self, namespace: str, name: str) -> PersistentVolumeClaim | None:
        return cast("PersistentVolumeClaim | None", self._asked(lambda: self._claims.get(name)))

    def claims(self, namespace: str) -> tuple[PersistentVolumeClaim, ...]:
        return cast("tuple[PersistentVolumeClaim, ...]", self._asked(lambda: tuple(self._claims.values())))

    def volume(self, name: str) -> PersistentVolume | None:
        return cast("PersistentVolume | None", self._asked(lambda: self._volumes.get(name)))

    def volumes(self) -> tuple[PersistentVolume, ...]:
        return cast("tuple[PersistentVolume, ...]", self._asked(lambda: tuple(self._volumes.values())))

    def unbound_claims(self) -> tuple[PersistentVolumeClaim, ...]:
        return cast("tuple[PersistentVolumeClaim, ...]", self._asked(tuple))

    def attachments(self) -> tuple[()]:
        return ()

    def snapshots(self) -> tuple[()]:
        return ()

    def volume_events(self, name: str) -> tuple[()]:
        return ()

    def server_name(self) -> str:
        return "a server"

    def missing_rights(self, namespace: str, needed: object) -> tuple[()]:
        return ()

    def claim_inventory(self, namespace: str, **narrowed: object) -> ClaimInventory:
        found = estate(*self._claims.values(), volumes=dict(self._volumes), sets=(stateful_set("web", 2),))
        return cast(ClaimInventory, self._asked(lambda: found))

    def apply(self, change: Change, *, dry_run: bool = False) -> None:
        self._asked(lambda: self._apply(change))

    def _apply(self, change: Change) -> None:
        match change:
            case CreateClaim(claim=made):
                if made.name in self._claims:
                    raise ConflictError("there is one")
                pending = PersistentVolumeClaimStatus(phase="Pending", capacity={"storage": "10Gi"})
                self._claims[made.name] = replace(made, metadata=replace(made.metadata, uid="made-anew", resource_version="1"), status=pending)
            case AnnotateClaim():
                found = self._as_read(self._claims[change.name], change)
                kept = {**found.metadata.annotations, **change.annotations}
                self._claims[change.name] = self._next(found, annotations={key: value for key, value in kept.items() if value is not None})
            case DeleteClaim():
                self._as_read(self._claims[change.name], change)
                del self._claims[change.name]
            case SetRetain():
                held = self._as_read(self._volumes[change.volume], change)
                marked = self._next(held, annotations={**held.metadata.annotations, **change.annotations})
                self._volumes[change.volume] = replace(marked, spec=replace(held.spec, persistent_volume_reclaim_policy="Retain"))
            case AnnotateVolume():
                held = self._as_read(self._volumes[change.volume], change)
                noted = {**held.metadata.annotations, **change.annotations}
                self._volumes[change.volume] = self._next(held, annotations={key: text for key, text in noted.items() if text is not None})
            case ClearClaimRef():
                held = self._as_read(self._volumes[change.volume], change)
                assert held.spec.claim_ref is not None
                self._volumes[change.volume] = replace(self._next(held), spec=replace(held.spec, claim_ref=replace(held.spec.claim_ref, uid="")))
            case DestroyVolume():
                held = self._as_read(self._volumes[change.volume], change)
                self._volumes[change.volume] = replace(self._next(held), spec=replace(held.spec, persistent_volume_reclaim_policy="Delete"))
                if self.destroys:
                    del self._volumes[change.volume]
            case UndoRetain():
                held = self._as_read(self._volumes[change.volume], change)
                marks = {key: value for key, value in held.metadata.annotations.items() if key not in change.forgets}
                freed = self._next(held, annotations=marks)
                self._volumes[change.volume] = replace(freed, spec=replace(held.spec, persistent_volume_reclaim_policy=change.policy))
            case _:
                raise AssertionError(change)
        self.changes.append(change)
        self._bind()

    def _as_read(self, found: Any, change: Any) -> Any:
        meta = found.metadata
        if (meta.uid, meta.resource_version) != (change.uid, change.resource_version):
            raise ConflictError("it changed since it was read")
        return found

    def _next(self, found: Any, **meta: Any) -> Any:
        self._made += 1
        return replace(found, metadata=replace(found.metadata, resource_version=str(self._made), **meta))

    def _bind(self) -> None:
        """What the persistentvolume-controller does."""
        for held in list(self._volumes.values()):
            claim = self._claims.get(held.spec.claim_ref.name) if held.spec.claim_ref else None
            if claim is None:
                self._volumes[held.name] = replace(held, status=PersistentVolumeStatus(phase="Released"))
            elif held.spec.claim_ref and not held.spec.claim_ref.uid and claim.spec.volume_name == held.name:
                ref = replace(held.spec.claim_ref, uid=claim.metadata.uid)
                self._volumes[held.name] = replace(self._next(held), spec=replace(held.spec, claim_ref=ref), status=PersistentVolumeStatus(phase="Bound"))
                self._claims[claim.name] = replace(self._next(claim), status=replace(claim.status, phase="Bound"))


def brought_back(storage: Storage, heard: list[PetsError]) -> None:
    done = restore(cast(Cluster, storage), RECORD, run="r", dry_run=False, tell=lambda plan: None, troubled=heard.append)
    assert done == Restored(), done
    storage.requests = -1000
    back, held = storage.claim("prod", OLD.name), storage.volume(RELEASED.name)
    assert back is not None and back.status.phase == "Bound" and held is not None
    assert held.spec.persistent_volume_reclaim_policy == "Delete" and held.status.phase == "Bound"


def test_a_restore_rides_out_an_outage_at_any_of_its_requests() -> None:
    """Whether the request was lost or its answer; what was carried out is not sent again."""
    smooth = Storage(volumes=(RELEASED,))
    restore(cast(Cluster, smooth), RECORD, run="r", dry_run=False, tell=lambda plan: None)
    assert smooth.requests > 10
    for number in range(2, smooth.requests):
        for carried in (False, True):
            heard: list[PetsError] = []
            storage = Storage(volumes=(RELEASED,), fails=number, carried=carried)
            brought_back(storage, heard)
            assert sum(isinstance(each, CreateClaim) for each in storage.changes) == 1
            assert heard == [AWAY]


def test_nobody_waits_for_a_server_that_was_never_there(clock: Clock) -> None:
    for number in (0, 1):
        with pytest.raises(UnreachableError):
            restore(cast(Cluster, Storage(volumes=(RELEASED,), fails=number)), RECORD, run="r", dry_run=False, tell=lambda plan: None)
    assert clock.time == 0


class _Silent:
    def begins(self, number: int, verdict: ClaimVerdict) -> None: ...
    def waits(self, snapshot: str, error: str) -> None: ...
    def ends(self, number: int, outcome: Outcome) -> None: ...


def test_a_deletion_is_followed_through_an_outage(tmp_path: Path) -> None:
    """The server took the deletion; then it is away."""
    verdicts = left_behind(20)
    claims = tuple(each.claim for each in verdicts)
    planned = plan(verdicts, DeletionOptions(), NOW)

    def cleared(fails: int | None) -> tuple[Storage, Any]:
        storage = Storage(*claims, volumes=tuple(map(volume, claims)), fails=fails)
        book = RecordBook(tmp_path, "server", NOW)
        return storage, clear(cast(Cluster, storage), planned, DeletionOptions(run="r"), book, _Silent(), patience=None)

    smooth, done = cleared(None)
    assert len(done.done) == 1 and isinstance(smooth.changes[-1], DeleteClaim)
    for number in (smooth.requests - 2, smooth.requests - 1):
        storage, done = cleared(number)
        assert len(done.done) == 1 and done.broken is None and done.failure is None
        assert len(storage.changes) == len(smooth.changes)


def purged(storage: Storage, *, timeout: float | None = 60.0, output: str = "table") -> tuple[ExitCode, str, str]:
    terminal = FakeTerminal()
    run = PurgeRun(selection=PurgeSelection(namespace=None), yes=True, timeout=timeout, output=output)
    code = purge(Session(terminal=terminal, connect=lambda flags: cast(Cluster, storage)), run)
    return code, terminal.stdout_text, terminal.stderr_text


def orders(storage: Storage) -> int:
    return sum(isinstance(each, DestroyVolume) for each in storage.changes)


def test_a_purge_rides_out_an_outage_at_any_of_its_requests(clock: Clock) -> None:
    """Once it was agreed to. Whether the order was lost or its answer: the volume is destroyed once, and called so."""
    smooth = Storage(volumes=(RELEASED,))
    code, out, _ = purged(smooth)
    assert code is ExitCode.OK and out.startswith(f"destroyed {RELEASED.name}") and orders(smooth) == 1
    assert smooth.requests == 6  # volumes and claims for the plan and for the order, the order, the look at what became of it
    for number in range(2, smooth.requests):
        for carried in (False, True):
            storage = Storage(volumes=(RELEASED,), fails=number, carried=carried)
            code, out, told = purged(storage)
            assert code is ExitCode.OK and out.startswith(f"destroyed {RELEASED.name}") and orders(storage) == 1
            assert "waiting: no route" in told and "refused" not in told


def test_a_purge_waits_for_as_long_as_somebody_said(clock: Clock) -> None:
    """Also where an outage comes between, and an order whose answer was lost is not given twice."""
    storage = Storage(volumes=(RELEASED,), fails=4, carried=True)
    storage.destroys = False
    code, out, told = purged(storage, timeout=30)
    assert code is ExitCode.TIMED_OUT and not out and "not gone yet" in told and orders(storage) == 1
    assert 31 <= clock.time < 32  # a second for the outage; the time is for what was asked for to be gone
    clock.time = 0
    storage = Storage(volumes=(RELEASED,), fails=6)
    storage.destroys = False
    assert purged(storage, timeout=30)[0] is ExitCode.TIMED_OUT and 30 <= clock.time < 31


def test_ctrl_c_leaves_a_purge_in_words(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it waits for volumes to be gone it stops at once and says which are not; between two the rest is left alone."""
    storage = Storage(volumes=(RELEASED,))
    storage.destroys = False
    monkeypatch.setattr("kubectl_pets.flows.engine.waiting.sleep", lambda seconds: signal.raise_signal(signal.SIGINT))
    code, out, told = purged(storage)
    assert code is ExitCode.INTERRUPTED and not out and "not gone yet" in told and "what was asked for goes on" in told
    storage = Storage(volumes=(RELEASED,))

    def attachments() -> tuple[()]:
        if storage.requests > 2:
            signal.raise_signal(signal.SIGINT)
        return ()

    monkeypatch.setattr(storage, "attachments", attachments)
    code, out, told = purged(storage)  # it came while the first was judged again: that one is brought to its end
    assert code is ExitCode.OK and out.startswith("destroyed")


class Snapshots:
    """What happens at each request for a snapshot."""

    def __init__(self, *seen: Sighting | PetsError, asks: tuple[PetsError | None, ...] = ()) -> None:
        self._seen, self._asks = list(seen), list(asks)
        self.asked = 0

    def apply(self, change: Change, *, dry_run: bool = False) -> None:
        assert isinstance(change, TakeSnapshot)
        self.asked += 1
        failure = self._asks.pop(0) if self._asks else None
        if failure is not None:
            raise failure

    def snapshot_seen(self, namespace: str, name: str) -> Sighting:
        found = self._seen.pop(0) if len(self._seen) > 1 else self._seen[0]
        if isinstance(found, PetsError):
            raise found
        return found


READY, WORKING = Sighting(snapshot=snapshot(), content=content()), Sighting(snapshot=snapshot(ready=False))


def taken(cluster: Snapshots, *, held: Callable[[], bool] = lambda: False, patience: float | None = 600.0) -> tuple[object, list[str]]:
    options = DeletionOptions(snapshot=True, offer=offer(snapshot_class("a", default=True)))
    (planned,) = plan((one(estate(CLAIM, volumes={CLAIM.spec.volume_name: volume(CLAIM)})),), options, NOW).deletions
    heard: list[str] = []
    return take(cast(Cluster, cluster), planned, held, lambda name, error: heard.append(error), patience=patience), heard


def test_a_snapshot_is_waited_for_through_an_outage(clock: Clock) -> None:
    busy = ServerError("starting")
    found, heard = taken(Snapshots(WORKING, AWAY, busy, WORKING, READY, asks=(AWAY, None)))
    assert found == Taken("s", NOW) and heard == ["no route", "", "no route", "starting", ""]
    found, _ = taken(Snapshots(WORKING), patience=20.0)
    assert isinstance(found, DeletionRefused) and found.reason is NoSnapshot.NOT_READY
    with pytest.raises(UnreachableError):
        taken(Snapshots(WORKING, AWAY), patience=20.0)
    clock.time = 0
    found, _ = taken(Snapshots(WORKING, AWAY), held=lambda: clock.time > 2)
    assert isinstance(found, Stopped) and clock.time < 3
