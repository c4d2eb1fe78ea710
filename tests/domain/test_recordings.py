"""What a kubelet showed (recorded from 1.37.2 on a real node), judged at every moment of it: what is said then must stay true.

A crash loop shows as `terminated` for nearly all of its back-off, as Ready for as long as each life lasts, and as
`CrashLoopBackOff` for a blink; so a verdict that goes by the moment says every few seconds something else, and now and then "complete".
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.verdict import Phase
from tests.domain.recording import Look, Recording, judged, load, phases

FOLDER = Path(__file__).parent / "recordings"
FILES = tuple(sorted(path.name.removesuffix(".jsonl.gz") for path in FOLDER.glob("*.jsonl.gz")))

#: Nothing in these is a crash loop that goes on.
SOUND = ("good", "third-try", "crash-twice", "slow-to-end", "deaf")


@cache
def recording(file: str) -> Recording:
    return load(FOLDER / f"{file}.jsonl.gz")


def cases() -> list[Any]:
    return [pytest.param(file, name, id=f"{file}-{name}") for file in FILES for name in recording(file).sets()]


@cache
def looks(file: str, name: str) -> tuple[Look, ...]:
    return judged(recording(file), name)


def _loops(file: str, name: str) -> bool:
    """Whether a container of it was started again and ended again, up to the end of the recording."""
    return name not in SOUND and max(look.restarts for look in looks(file, name)) >= 2


def _down(container: Mapping[str, Any]) -> bool:
    """It has ended and is to be started again, or cannot be."""
    ended = container["state"].get("terminated")
    return "waiting" in container["state"] or (ended is not None and (ended["exitCode"] != 0 or container["restartCount"] > 0))


def test_they_hold_what_they_should() -> None:
    assert {"lost-node", "ways", "ways-1", "ways-2"} == set(FILES)
    assert all(recording(file).about for file in FILES)
    assert sum(len(recording(file).sets()) for file in FILES) >= 55
    assert sum(_loops(file, name) for file in FILES for name in recording(file).sets()) >= 20


@pytest.mark.parametrize(("file", "name"), cases())
def test_never_complete_while_a_container_is_down(file: str, name: str) -> None:
    assert not [look.at for look in looks(file, name) if look.seen.phase is Phase.COMPLETE and any(map(_down, look.containers))]


@pytest.mark.parametrize(("file", "name"), cases())
def test_complete_means_that_every_pod_is_ready_and_wanted(file: str, name: str) -> None:
    """Held against the objects as they were sent, also while the node of all pods is silent."""
    for now, scene in recording(file).moments(name):
        if assess(scene.view(), now).phase is Phase.COMPLETE:
            assert scene.set is not None and len(scene.pods) == scene.set["spec"]["replicas"]
            for pod in scene.pods.values():
                conditions = {each["type"]: each["status"] for each in pod["status"]["conditions"]}
                assert conditions["Ready"] == "True" and "deletionTimestamp" not in pod["metadata"]
                assert pod["metadata"]["labels"]["controller-revision-hash"] == scene.set["status"]["updateRevision"]


@pytest.mark.parametrize(("file", "name"), [case for case in cases() if _loops(*case.values)])
def test_a_crash_loop_is_never_complete_once_it_has_restarted(file: str, name: str) -> None:
    """However long the lives of its containers are: in these recordings, each of them ended again."""
    assert not [look.at for look in looks(file, name) if look.seen.phase is Phase.COMPLETE and look.restarts > 0]


@pytest.mark.parametrize(("file", "name"), [case for case in cases() if case.values[0] != "lost-node" and case.values[1] not in SOUND])
def test_what_is_stuck_stays_stuck_until_something_outlives_its_back_off(file: str, name: str) -> None:
    """One condition, one word: nothing in these gets better, so what was stuck once is stuck at every later moment."""
    said = phases(looks(file, name))
    assert [phase for phase, _ in said].count(Phase.STUCK) <= 1 and all(phase is not Phase.STUCK for phase, _ in said[:-1]), said


@pytest.mark.parametrize(("file", "name"), [case for case in cases() if _loops(*case.values)])
def test_a_crash_loop_ends_as_stuck_and_says_how_its_container_ends(file: str, name: str) -> None:
    last = looks(file, name)[-1]
    ends = {each["lastState"]["terminated"]["exitCode"] for each in last.containers if "terminated" in each.get("lastState", {})}
    assert last.seen.phase is Phase.STUCK
    assert any(blocker.exit_code in ends and blocker.restarts >= 2 for blocker in last.seen.blockers), last.seen.blockers
