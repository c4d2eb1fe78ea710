"""orphans delete, broken off at every moment that matters: whole claims only, and it says which; and what was killed goes on."""

import signal
import subprocess
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.changes import Change, DeleteClaim, SetRetain
from kubectl_pets.domain.model import PersistentVolumeClaim
from kubectl_pets.domain.orphans.deletion import DeletionOptions, plan
from kubectl_pets.domain.orphans.findings import ClaimVerdict
from kubectl_pets.domain.orphans.inventory import ClaimInventory, PersistentVolume
from kubectl_pets.flows.engine.interrupts import held_back
from kubectl_pets.flows.orphans.clear import Outcome, clear
from kubectl_pets.flows.orphans.records import RecordBook, load
from kubectl_pets.session import Cluster
from tests.commands.gate import Gate, gate
from tests.commands.plugin import Plugin
from tests.commands.snapshots import Storage
from tests.domain.orphans.builders import NOW, estate, stateful_set, volume
from tests.views.claim_scenes import left_behind

VOLUMES, CLAIMS = "/persistentvolumes/", "/persistentvolumeclaims/"

#: In the middle of one claim's turn: (what is stopped, of the volume or the claim, whether the server has answered it).
MOMENTS = (
    ("PATCH", VOLUMES, False),
    ("PATCH", VOLUMES, True),
    ("DELETE", CLAIMS, False),
    ("DELETE", CLAIMS, True),
)


class Scene(NamedTuple):
    """Claims in threes on volumes that would be destroyed, and the plugin behind a gate."""

    pets: Plugin
    storage: Storage
    gate: Gate
    kubeconfig: Path
    folder: Path

    def start(self, *claims: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            self.pets.command("orphans", "delete", "--fresh", *claims, "-y", "--record", str(self.folder), kubeconfig=self.kubeconfig),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return process

    def volume(self, claim: str) -> Any:
        return self.storage.live_volume(claim)

    def untouched(self, claim: str) -> bool:
        return self.storage.untouched(claim)

    def gone_whole(self, claim: str) -> bool:
        """Deleted, its data kept, and in a record that brings it back as it was."""
        volume = self.volume(claim)
        records = [each for path in self.folder.glob("*.json") for each in load(path) if each.claim.name == claim]
        return (
            volume["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
            and volume["status"]["phase"] == "Released"
            and bool(records)
            and all(each.reclaim_policy == "Delete" and each.volume == volume["metadata"]["name"] for each in records)
        )


@pytest.fixture
def scene(pets: Plugin, tmp_path: Path) -> Iterator[Scene]:
    records = tmp_path / "records"
    with gate(pets.plane, tmp_path) as (found, kubeconfig):
        yield Scene(pets, Storage(pets), found, kubeconfig, records)


def three(scene: Scene, family: str) -> tuple[str, str, str]:
    names = (f"data-{family}-0", f"data-{family}-1", f"data-{family}-2")
    scene.storage.claim(*names)
    return names


@pytest.mark.real
@pytest.mark.parametrize("numbers", [(signal.SIGINT,), (signal.SIGTERM,), (signal.SIGINT, signal.SIGINT)])
def test_the_claim_whose_turn_it_is_gets_finished(scene: Scene, numbers: tuple[signal.Signals, ...]) -> None:
    for index, (method, part, answered) in enumerate(MOMENTS):
        first, second, third = three(scene, f"db{index}")
        name = scene.storage.volume(second) if part == VOLUMES else second
        scene.gate.stop(method, part + name, answered=answered)
        process = scene.start(first, second, third)
        scene.gate.reached()
        for number in numbers:
            process.send_signal(number)
        scene.gate.let_through()
        stdout, stderr = process.communicate(timeout=60)
        assert process.returncode == 130 and "Traceback" not in stderr, stderr
        place = scene.pets.namespace
        assert f"interrupted: deleted 2 claims: {place}/{first}, {place}/{second}\n" in stderr
        assert f"not touched: 1 claim: {place}/{third}\n" in stderr
        assert f"[2/3] deleted {place}/{second}" in stdout and third not in stdout
        scene.pets.eventually(lambda: scene.gone_whole(first) and scene.gone_whole(second), "two are gone, and whole")
        assert scene.untouched(third)


@pytest.mark.real
def test_before_its_turn_nothing_is_done_to_a_claim(scene: Scene) -> None:
    first, second, third = three(scene, "db")
    scene.gate.stop("GET", VOLUMES + scene.storage.volume(first), answered=False)  # while it is judged for the plan
    process = scene.start(first, second, third)
    scene.gate.reached()
    process.send_signal(signal.SIGINT)
    scene.gate.let_through()
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130 and stderr.strip() == "interrupted"
    assert all(map(scene.untouched, (first, second, third))) and not scene.folder.exists()


@pytest.mark.real
def test_what_was_killed_goes_on_and_loses_nothing(scene: Scene) -> None:
    """Not even between the two steps of one claim."""
    names = []
    for index, (method, part, answered) in enumerate(MOMENTS):
        first, second, third = three(scene, f"db{index}")
        names += [first, second, third]
        scene.gate.stop(method, part + (scene.storage.volume(second) if part == VOLUMES else second), answered=answered)
        process = scene.start(first, second, third)
        scene.gate.reached()
        process.kill()
        process.communicate()
        scene.gate.let_through(cut=True)  # what the server has not got by now it never gets
        assert scene.gone_whole(first) and scene.untouched(third)
    left = sorted(item["metadata"]["name"] for item in scene.pets.get("pvc")["items"])
    assert left == ["data-db0-1", "data-db0-2", "data-db1-1", "data-db1-2", "data-db2-1", "data-db2-2", "data-db3-2"]
    assert scene.untouched("data-db0-1")
    assert scene.volume("data-db1-1")["spec"]["persistentVolumeReclaimPolicy"] == "Retain"  # between its steps
    scene.pets("orphans", "delete", "--fresh", *left, "-y", "--record", str(scene.folder))
    scene.pets.eventually(lambda: all(map(scene.gone_whole, names)), "all are gone, and whole")
    scene.pets("orphans", "restore", *map(str, sorted(scene.folder.glob("*.json"))))
    assert all(map(scene.untouched, names))  # bound to their volumes, with the policy from before


@pytest.mark.real
def test_what_was_killed_between_its_steps_can_be_put_back_at_once(scene: Scene) -> None:
    claim = "data-db-0"
    scene.storage.claim(claim)
    scene.gate.stop("PATCH", VOLUMES, answered=True)
    process = scene.start(claim)
    scene.gate.reached()
    process.kill()
    process.communicate()
    scene.gate.let_through()
    assert scene.volume(claim)["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    (record,) = scene.folder.glob("*.json")
    scene.pets("orphans", "restore", str(record))
    assert scene.untouched(claim)
    assert "nothing to do" in scene.pets("orphans", "restore", str(record)).stderr


@pytest.mark.real
def test_a_lost_answer_is_no_success(scene: Scene) -> None:
    """The server deleted the claim, and nobody heard of it."""
    first, second, third = three(scene, "db")
    scene.gate.stop("DELETE", CLAIMS + second, answered=True)
    process = scene.start(first, second, third)
    scene.gate.reached()
    scene.gate.let_through(cut=True)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 1, stderr
    place = scene.pets.namespace
    assert f"[1/3] deleted {place}/{first}" in stdout and f"deleted 1 claim: {place}/{first}\n" in stderr
    assert f"begun, and maybe deleted: {place}/{second};" in stderr and f"not touched: 1 claim: {place}/{third}\n" in stderr
    assert "what was deleted is recorded in" in stderr and "error: " in stderr
    scene.pets.eventually(lambda: scene.gone_whole(second), "it was deleted, and is in the record")
    assert scene.untouched(third)


# --- a server that does not answer -------------------------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_impatience_breaks_nothing_off() -> None:
    clock = Clock()
    with held_back(10.0, clock) as held:
        assert not held()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
            signal.raise_signal(number)
            clock.now += 5.0
        assert held()


def test_a_server_that_does_not_answer_can_be_left() -> None:
    clock = Clock()
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        with held_back(10.0, clock):
            signal.raise_signal(signal.SIGINT)
            clock.now = 11.0
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_only_the_main_thread_gets_signals() -> None:
    told: list[bool] = []

    def run() -> None:
        with held_back() as held:
            told.append(held())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert told == [False]


class _Mute:
    """A cluster that takes for ever over the second deletion, until somebody has pressed Ctrl-C often enough."""

    def __init__(self, verdicts: tuple[ClaimVerdict, ...]) -> None:
        self._claims = {each.claim.name: each.claim for each in verdicts}
        self._volumes = {item.spec.volume_name: volume(item) for item in self._claims.values()}

    def now(self) -> datetime:
        return NOW

    def claim_inventory(self, namespace: str, **narrowed: object) -> ClaimInventory:
        return estate(*self._claims.values(), volumes=dict(self._volumes), sets=(stateful_set("web", 2),))

    def claim(self, namespace: str, name: str) -> PersistentVolumeClaim | None:
        return self._claims.get(name)

    def volume(self, name: str) -> PersistentVolume | None:
        return self._volumes.get(name)

    def apply(self, change: Change) -> None:
        if isinstance(change, SetRetain):
            found = self._volumes[change.volume]
            meta = replace(found.metadata, annotations=change.annotations)
            self._volumes[change.volume] = replace(
                found, metadata=meta, spec=replace(found.spec, persistent_volume_reclaim_policy="Retain")
            )
        elif isinstance(change, DeleteClaim):
            if len(self._claims) == 2:
                raise KeyboardInterrupt
            del self._claims[change.name]


class _Silent:
    def begins(self, number: int, verdict: ClaimVerdict) -> None: ...
    def waits(self, snapshot: str, error: str) -> None: ...
    def ends(self, number: int, outcome: Outcome) -> None: ...


def test_what_was_broken_off_is_named(tmp_path: Path) -> None:
    verdicts = left_behind(20, 21, 22)
    book = RecordBook(tmp_path, "server", NOW)
    planned = plan(verdicts, DeletionOptions(), NOW)
    cleared = clear(cast(Cluster, _Mute(verdicts)), planned, DeletionOptions(run="r"), book, _Silent(), patience=None)
    assert [each.verdict.name for each in cleared.done] == ["data-web-20"] and cleared.interrupted
    assert cleared.broken is not None and cleared.broken.name == "data-web-21"
    assert [each.name for each in cleared.left] == ["data-web-22"]
    assert [each.claim.name for each in load(book.path)] == ["data-web-20", "data-web-21"]
