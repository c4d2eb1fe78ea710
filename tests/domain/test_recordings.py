"""What a kubelet showed (recorded from 1.37.2 on a real node), judged at every moment of it: what is said then must stay true.

A crash loop shows as `terminated` for nearly all of its back-off, as Ready for as long as each life lasts, and as
`CrashLoopBackOff` for a blink; so a verdict that goes by the moment says every few seconds something else, and now and then "complete".
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.verdict import Assessment, Phase
from tests.domain.recording import Recording, load

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
def judged(file: str, name: str) -> tuple[tuple[float, Assessment, tuple[Mapping[str, Any], ...]], ...]:
    """Seconds since the first event of the recording, the verdict, and the containers' statuses at each moment."""
    start = recording(file).changes[0].at
    return tuple(
        ((now - start).total_seconds(), assess(scene.view(), now), tuple(scene.containers()))
        for now, scene in recording(file).moments(name, timedelta(seconds=1))
    )


def _loops(file: str, name: str) -> bool:
    """Whether a container of it was started again and ended again, up to the end of the recording."""
    restarts = [max((each["restartCount"] for each in containers), default=0) for _, _, containers in judged(file, name)]
    return name not in SOUND and max(restarts, default=0) >= 2


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
    false = [(at, seen.phase) for at, seen, containers in judged(file, name) if seen.phase is Phase.COMPLETE and any(map(_down, containers))]
    assert not false


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
