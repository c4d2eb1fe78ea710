"""``rollout undo --with-data`` beside others, and killed, on volumes of real storage controllers: whose data is in which claim afterwards is
looked at, and the newer data is kept whatever happens."""

import http.client
import signal
import subprocess
from pathlib import Path

import pytest

from tests.commands.middle import middle
from tests.commands.plugin import Plugin
from tests.commands.test_orphans import CLAIM
from tests.commands.test_undo_with_data import AFTER, BEFORE, CLAIMS, OLD, Rolled
from tests.controlplane import Storage

pytestmark = pytest.mark.real


def nothing_is_lost(rolled: Rolled) -> None:
    assert {rolled.in_volume(each) for each in rolled.volumes.values()} == {AFTER}


def is_back(rolled: Rolled) -> None:
    rolled.newer_is_kept()
    assert rolled.image() == OLD and not rolled.note()
    assert rolled.held() == dict.fromkeys(CLAIMS, BEFORE)


def test_the_class_of_the_snapshots_is_deleted(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    """A snapshot's content has all that it takes (external-snapshotter, VolumeSnapshotContent): its class is for taking one."""
    rolled = Rolled(pets, storage, tmp_path)
    for each in pets.get("volumesnapshots")["items"]:
        pets.plane.kubectl("delete", "volumesnapshotclass", each["spec"]["volumeSnapshotClassName"], "--ignore-not-found")
    rolled.undo()
    is_back(rolled)


def test_somebody_makes_a_claim_of_the_name_first(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    """Between the old claim and the one that is made of the snapshot: an empty one, which no undo may count as the data of before."""
    rolled = Rolled(pets, storage, tmp_path)
    alien: list[str] = []
    with middle(pets.plane, tmp_path) as between:
        forward = between.gate.forward

        def first(method: str, path: str, headers: dict[str, str], body: bytes) -> http.client.HTTPResponse:
            if method == "POST" and path.partition("?")[0].endswith("/persistentvolumeclaims") and "dryRun" not in path and not alien:
                pets.plane.apply(CLAIM % "data-db-1", pets.namespace)
                alien.append(str(pets.get("pvc", "data-db-1")["metadata"]["uid"]))
            return forward(method, path, headers, body)

        between.gate.forward = first  # type: ignore[method-assign]
        words = pets.command(*rolled.words("--confirm", "db"), kubeconfig=between.kubeconfig)
        ended = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert alien, ended.stderr
    nothing_is_lost(rolled)
    if ended.returncode != 0:
        assert "data-db-1" in ended.stderr and pets.get("pvc", "data-db-1")["metadata"]["uid"] == alien[0], ended.stderr
        pets.kubectl("delete", "pvc", "data-db-1", "--timeout=60s")
        rolled.undo()
    is_back(rolled)


@pytest.mark.parametrize("until", ["noted", "ended"])
def test_another_one_types_the_same_before_the_first_change(pets: Plugin, storage: Storage, tmp_path: Path, until: str) -> None:
    """Until it has noted what it does, or to its end. Both want the same, and both end with it; claims go once, whoever is faster."""
    rolled = Rolled(pets, storage, tmp_path)
    other: list["subprocess.Popen[str]"] = []
    gone: list[str] = []

    def types_the_same() -> None:
        other.append(pets.start(*rolled.words("--confirm", "db")))
        pets.eventually(lambda: (until == "noted" and rolled.note()) or other[0].poll() is not None, until)

    with middle(pets.plane, tmp_path) as between:
        forward = between.gate.forward

        def beside(method: str, path: str, headers: dict[str, str], body: bytes) -> http.client.HTTPResponse:
            if method == "PATCH" and "/statefulsets/db" in path and "dryRun" not in path and not other:
                types_the_same()
            answer = forward(method, path, headers, body)
            if method == "DELETE" and answer.status < 300:
                gone.append(path)
            return answer

        between.gate.forward = beside  # type: ignore[method-assign]
        words = pets.command(*rolled.words("--confirm", "db"), kubeconfig=between.kubeconfig)
        first = subprocess.run(words, capture_output=True, text=True, timeout=300)
    told = other[0].communicate(timeout=300)
    assert (first.returncode, other[0].returncode) == (0, 0), (first, told)
    assert len(gone) == len(set(gone)) and "refused" not in first.stderr
    is_back(rolled)


@pytest.mark.timeout(900)
def test_killed_behind_each_of_its_changes(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    """SIGKILL before the answer to a change comes back, at the first one at which no run was killed yet, and typed again to the end. Each
    run takes hold of the volume anew that it goes on with, so a change is known by what it is of and how often that came before."""
    rolled = Rolled(pets, storage, tmp_path)
    running: list["subprocess.Popen[str]"] = []
    killed: list[tuple[str, str, int]] = []
    seen: list[tuple[str, str]] = []
    with middle(pets.plane, tmp_path) as between:
        forward = between.gate.forward

        def kills(method: str, path: str, headers: dict[str, str], body: bytes) -> http.client.HTTPResponse:
            answer = forward(method, path, headers, body)
            if method == "GET" or "dryRun" in path or "selfsubject" in path or answer.status >= 300:
                return answer
            change = method, path.partition("?")[0]
            seen.append(change)
            if (*change, seen.count(change)) not in killed:
                killed.append((*change, seen.count(change)))
                running[-1].kill()
            return answer

        between.gate.forward = kills  # type: ignore[method-assign]
        while not running or running[-1].returncode == -signal.SIGKILL:
            seen.clear()
            words = pets.command(*rolled.words("--confirm", "db"), kubeconfig=between.kubeconfig)
            running.append(subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
            told = running[-1].communicate(timeout=300)
            nothing_is_lost(rolled)
    assert running[-1].returncode == 0, (killed, told)
    kinds = {(method, path.rpartition("/")[2]) for method, path, _ in killed}
    assert kinds >= {("DELETE", "data-db-0"), ("DELETE", "data-db-1"), ("POST", "persistentvolumeclaims"), ("PATCH", "db")}, killed
    assert kinds >= {("PATCH", volume) for volume in rolled.volumes.values()}, killed
    is_back(rolled)
