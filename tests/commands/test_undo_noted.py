"""Somebody else notes on the set, between any two requests of ``rollout undo --with-data``, that data of another revision is brought back: the
note stays, whoever wrote it is not worked against, and the newer data is kept.

So many moments are drawn as KUBECTL_PETS_SWEEP says.
"""

import http.client
import json
import os
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.commands.middle import middle
from tests.commands.plugin import Plugin, Result
from tests.commands.test_undo_one_by_one import HOW
from tests.commands.test_undo_with_data import AFTER, NEW, Rolled
from tests.commands.test_undo_with_data_beside import is_back
from tests.controlplane import Storage

pytestmark = pytest.mark.real

_MOMENTS = int(os.environ.get("KUBECTL_PETS_SWEEP", "2"))
_NOTE = "kubectl-pets/restoring"
#: Requests of a run, about: a few of the moments come after its end.
_AT_ZERO, _RUNNING = 95, 150


def note(rolled: Rolled) -> str:
    return str(rolled.pets.set("db")["metadata"].get("annotations", {}).get(_NOTE, ""))


def write_note(rolled: Rolled, *, of_another_set: bool = False, running: bool = False) -> str:
    """Of the revision with the image NEW."""
    live = rolled.pets.set("db")
    history = rolled.pets.get("controllerrevisions")["items"]
    (newer,) = (each["metadata"]["name"] for each in history if f'"image": "{NEW}"' in json.dumps(each["data"]))
    uid, generation = live["metadata"]["uid"], live["metadata"]["generation"]
    value = {"uid": "another" if of_another_set else uid, "revision": newer, "snapshots": "other"}
    text = json.dumps({**value, "generation": generation, "running": running, "partition": 0, "until": 0})
    rolled.pets.kubectl("annotate", "statefulset", "db", f"{_NOTE}={text}", "--overwrite")
    return text


def noted_before(rolled: Rolled, folder: Path, when: Callable[[int, str, str], bool], *more: str, running: bool) -> tuple[Result, str, int]:
    """How it ended, the note that was written before the first request that it is to be written before, and how many there were."""
    noted: list[str] = []
    seen: list[str] = []
    with middle(rolled.pets.plane, folder) as between:
        forward = between.gate.forward

        def notes(method: str, path: str, headers: dict[str, str], body: bytes) -> http.client.HTTPResponse:
            seen.append(path)
            if not noted and when(len(seen), method, path):
                noted.append(write_note(rolled, running=running))
            return forward(method, path, headers, body)

        between.gate.forward = notes  # type: ignore[method-assign]
        ended = rolled.pets(*rolled.words("--confirm", "db", *more), expect=None, kubeconfig=between.kubeconfig)
    return ended, noted[0] if noted else "", len(seen)


def stays(rolled: Rolled, ended: Result, noted: str, *more: str) -> None:
    """Taken off, and the same typed again, it gets there."""
    assert {rolled.in_volume(each) for each in rolled.volumes.values()} == {AFTER}, ended
    assert note(rolled) == noted, ended
    if not noted or ended.code == 0:  # the note came after the last look
        assert ended.code == 0, ended
    else:
        assert ended.code in (1, 6) and "revision" in ended.stderr, ended
    rolled.pets.kubectl("annotate", "statefulset", "db", f"{_NOTE}-")
    rolled.undo(*more)
    is_back(rolled)


@pytest.mark.timeout(900)
def test_before_the_note_of_an_earlier_run_is_taken_off(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    """Annotations do not count in the generation."""
    rolled = Rolled(pets, storage, tmp_path)
    write_note(rolled, of_another_set=True)

    def takes_off(number: int, method: str, path: str) -> bool:
        return method == "PATCH" and "/statefulsets/db" in path and "dryRun" not in path

    ended, noted, _ = noted_before(rolled, tmp_path, takes_off, running=False)
    assert noted and ended.code == 6 and rolled.image() == NEW, ended
    stays(rolled, ended, noted)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", sorted(Random("zero").sample(range(20, _AT_ZERO), _MOMENTS)))
def test_between_any_two_requests_at_zero(pets: Plugin, storage: Storage, tmp_path: Path, number: int) -> None:
    rolled = Rolled(pets, storage, tmp_path)
    write_note(rolled, of_another_set=True)
    ended, noted, count = noted_before(rolled, tmp_path, lambda seen, method, path: seen == number, running=False)
    print(number, count, ended)
    stays(rolled, ended, noted)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", sorted(Random("running").sample(range(20, _RUNNING), _MOMENTS)))
def test_between_any_two_requests_while_it_runs(pets: Plugin, storage: Storage, tmp_path: Path, number: int) -> None:
    rolled = Rolled(pets, storage, tmp_path, at_zero=False)
    ended, noted, count = noted_before(rolled, tmp_path, lambda seen, method, path: seen == number, *HOW, running=True)
    print(number, count, ended)
    stays(rolled, ended, noted, *HOW)
