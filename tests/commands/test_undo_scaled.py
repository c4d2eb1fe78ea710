"""Somebody else scales the set between the changes of ``rollout undo --with-data``, as an autoscaler does by the scale subresource: no data is
lost, no claim that is empty or of after counts as the data of before, and typed again it gets there."""

import http.client
from pathlib import Path

import pytest

from tests.commands.middle import middle
from tests.commands.plugin import Plugin, Result
from tests.commands.test_undo_one_by_one import HOW, held
from tests.commands.test_undo_with_data import AFTER, BEFORE, CLAIMS, OLD, Rolled
from tests.controlplane import Storage

pytestmark = pytest.mark.real


def scaled_before(rolled: Rolled, folder: Path, change: int, replicas: int, more: tuple[str, ...]) -> tuple[Result, list[str]]:
    """The undo, before whose change of that number the set is scaled; and its changes."""
    pets, made = rolled.pets, list[str]()
    with middle(pets.plane, folder) as between:
        forward = between.gate.forward

        def scales(method: str, path: str, headers: dict[str, str], body: bytes) -> http.client.HTTPResponse:
            if method != "GET" and "dryRun" not in path and "selfsubject" not in path:
                made.append(f"{method} {path.partition('?')[0]}")
                if len(made) == change:
                    pets.kubectl("scale", "statefulset", "db", f"--replicas={replicas}")
            return forward(method, path, headers, body)

        between.gate.forward = scales  # type: ignore[method-assign]
        ended = pets(*rolled.words("--confirm", "db", *more), expect=None, kubeconfig=between.kubeconfig)
    assert len(made) >= change, made
    return ended, made


def is_back(rolled: Rolled, told: object) -> None:
    rolled.newer_is_kept()
    assert rolled.held() == dict.fromkeys(CLAIMS, BEFORE) and rolled.image() == OLD and not rolled.note(), told


@pytest.mark.timeout(900)
@pytest.mark.parametrize("change", [1, 3, 5, 7])
def test_up_from_zero(pets: Plugin, storage: Storage, tmp_path: Path, change: int) -> None:
    """What the pods that come up write is newer data, too; the claims that the controller makes for them are empty."""
    rolled = Rolled(pets, storage, tmp_path)
    ended, made = scaled_before(rolled, tmp_path, change, 2, ())
    told = f"{ended}, {made}"
    assert {rolled.in_volume(each) for each in rolled.volumes.values()} == {AFTER}, told
    if ended.code == 0:
        return is_back(rolled, told)
    assert ended.code in (1, 4, 6), told
    rolled.scale(0)
    rolled.undo()
    is_back(rolled, told)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("change", [1, 4, 8, 11])
def test_up_while_it_runs(pets: Plugin, storage: Storage, tmp_path: Path, change: int) -> None:
    """The pod that is new has no data of before."""
    rolled = Rolled(pets, storage, tmp_path, at_zero=False)
    ended, made = scaled_before(rolled, tmp_path, change, 3, HOW)
    told = f"{ended}, {made}"
    assert {rolled.in_volume(each) for each in rolled.volumes.values()} == {AFTER}, told
    if ended.code != 0:
        assert ended.code in (1, 4, 6), told
        pets.kubectl("scale", "statefulset", "db", "--replicas=2")
        pets("status", "db", "-w", "--until", "ready", "--timeout", "90s", "--patience", "1m", expect=None)
        rolled.undo(*HOW)
    is_back(rolled, told)
    assert not held(pets), told
