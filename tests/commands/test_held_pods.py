"""--before-snapshot and --after-snapshot on the real control plane: a pod stands still while the storage makes its cut, and is let go
whatever happens. Commands in pods run on this machine there (KWOK), so they write into one file."""

import signal
from pathlib import Path
from typing import Any

import pytest

from kubectl_pets.cluster.client import Client
from kubectl_pets.domain.changes import DeleteSnapshot
from kubectl_pets.flows.rollout import quiescing
from tests.commands.plugin import Plugin
from tests.commands.snapshots import Storage, install
from tests.commands.test_rollout_snapshots import NEW, RUN, Before, names

pytestmark = pytest.mark.real


class Held:
    """Set ``web`` of two with claims of the test's own driver, and commands that tell of themselves."""

    def __init__(self, pets: Plugin, log: Path) -> None:
        install(pets)
        self.pets, self.storage, self.log = pets, Storage(pets), log
        self.storage.claim("data-web-0", "data-web-1")
        pets.make("web", claims=True, replicas=2)
        self.storage.snapshot_class("safe", default=True)

    def words(self, before: str = "true", after: str = "true", *, tries: int = 0) -> tuple[str, ...]:
        told = (f"echo before >> {self.log}; {before}", f"echo after >> {self.log}; {after}")
        return (*RUN, "--before-snapshot", told[0], "--after-snapshot", told[1], "--gate-retries", str(tries))

    def lines(self) -> list[str]:
        return self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []

    def cut(self, name: str) -> None:
        with self.log.open("a", encoding="utf-8") as file:
            file.write(f"cut {name[:10]}\n")
        self.storage.finish(name)


@pytest.fixture
def pets(unwatched: Plugin) -> Plugin:
    return unwatched


@pytest.fixture
def held(pets: Plugin, tmp_path: Path) -> Held:
    return Held(pets, tmp_path / "log")


def test_each_pod_stands_still_for_its_own_cut_only(pets: Plugin, held: Held) -> None:
    with held.storage.controller(held.cut):
        pets(*held.words(), "--timeout", "120s")
    assert held.lines() == ["before", "cut data-web-1", "after", "before", "cut data-web-0", "after"]
    assert set(pets.images().values()) == {NEW}
    notes = [each["metadata"]["annotations"] for each in held.storage.snapshots().values()]
    assert [each.get("kubectl-pets/held") for each in notes] == ["true", "true"]


def test_it_is_let_go_once_it_is_cut_and_not_only_when_it_is_ready(pets: Plugin, held: Held) -> None:
    """EBS takes its cut within seconds and is ready after hours."""
    running = pets.start(*held.words())
    for number in (1, 2):
        pets.eventually(lambda: len(names(held.storage)) == number, "it is asked for")
        for name in names(held.storage):
            held.storage.report(name, creationTime="2026-01-02T03:04:05Z", readyToUse=False)
    pets.eventually(lambda: held.lines() == ["before", "after"] * 2, "both are let go")
    for name in names(held.storage):
        held.storage.finish(name)
    _, told = running.communicate(timeout=200)
    assert running.returncode == 0 and set(pets.images().values()) == {NEW}, told


def test_a_command_that_fails_leaves_all_as_it_is(pets: Plugin, held: Held) -> None:
    before = Before(pets)
    told = pets(*held.words(before="echo no \x1b[31mlock >&2; exit 3"), expect=6).stderr
    assert "a command in its pod failed: --before-snapshot" in told and "no lock exit code 3" in told and "\x1b" not in told
    assert before.same() and held.lines() == ["before", "after"] and not names(held.storage)


def test_a_pod_that_is_not_let_go_is_named_and_no_pod_goes(pets: Plugin, held: Held) -> None:
    before = Before(pets)
    with held.storage.controller(held.storage.finish):
        told = pets(*held.words(after="exit 1"), expect=6).stderr
        assert "a command in its pod failed: --after-snapshot" in told and before.same()
        assert "warning: --after-snapshot did not pass in web-1 of web: what --before-snapshot did there may hold on" in told
        asked = names(held.storage)
        pets(*held.words(), "--timeout", "120s")
    assert len(asked) == 1 and asked[0] in names(held.storage) and len(names(held.storage)) == 2


def test_ctrl_c_lets_it_go_and_what_was_not_cut_goes(pets: Plugin, held: Held) -> None:
    before = Before(pets)
    running = pets.start(*held.words())
    pets.eventually(lambda: len(names(held.storage)) == 1, "it is asked for")
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=200)
    assert running.returncode == 130 and held.lines() == ["before", "after"] and before.same(), told
    assert "no pod was touched" in told and not names(held.storage)


def test_it_stands_still_for_so_long_and_no_longer(pets: Plugin, held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    """No snapshot controller is there. What is cut after it was let go is not what was asked for."""
    monkeypatch.setattr(quiescing, "STANDING_STILL", 2.0)
    before = Before(pets)
    told = pets(*held.words(), expect=6).stderr
    assert "the storage made no cut of VolumeSnapshot data-web-1-" in told and before.same()
    assert held.lines() == ["before", "after"] and not names(held.storage)


def test_what_is_written_into_one_that_was_not_cut_leaves_none_behind(
    pets: Plugin, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quiescing, "STANDING_STILL", 2.0)
    apply, deletions = Client.apply, 0

    def touched(cluster: Client, change: Any, **how: Any) -> Any:
        nonlocal deletions
        if isinstance(change, DeleteSnapshot):
            deletions += 1
            if deletions == 1:
                pets.kubectl("annotate", "volumesnapshots", "--all", "example.org/touched=yes")
        return apply(cluster, change, **how)

    monkeypatch.setattr(Client, "apply", touched)
    pets(*held.words(), expect=6)
    assert deletions == 2 and not names(held.storage)


def test_one_that_was_taken_while_it_ran_on_does_not_count(pets: Plugin, held: Held) -> None:
    """And after a run that was killed the pod is let go, should it stand still yet."""
    running = pets.start(*RUN)
    pets.eventually(lambda: len(names(held.storage)) == 2, "all are asked for")
    running.kill()
    running.communicate(timeout=60)
    for name in names(held.storage):
        held.storage.finish(name)
    others = names(held.storage)
    running = pets.start(*held.words())
    pets.eventually(lambda: len(names(held.storage)) == 3, "another one is asked for")
    running.kill()
    running.communicate(timeout=60)
    assert held.lines() == ["before"]
    (name,) = set(names(held.storage)) - set(others)
    held.storage.finish(name)
    with held.storage.controller(held.storage.finish):
        pets(*held.words(), "--timeout", "120s")
    assert held.lines() == ["before", "after", "before", "after"] and len(names(held.storage)) == 4


def test_flags_that_mean_nothing_alone(pets: Plugin, held: Held) -> None:
    for words in (("--before-snapshot", "true"), ("--after-snapshot", "true")):
        assert f"{words[0]} goes with --snapshot" in pets("rollout", "run", "web", "--image", NEW, *words, expect=2).stderr
    assert "--after-snapshot goes with --before-snapshot" in pets(*RUN, "--after-snapshot", "true", expect=2).stderr
