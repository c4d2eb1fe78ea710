"""A real HorizontalPodAutoscaler comes between the changes of a verb: its controller compares the number of replicas with its bounds before it
looks at any metric (kubernetes pkg/controller/podautoscaler, reconcileAutoscaler), and so scales up without any. It takes a quarter of a minute.
"""

import http.client
from pathlib import Path

import pytest

from tests.commands.middle import middle
from tests.commands.plugin import Plugin, Result
from tests.commands.test_orphans import make as made
from tests.commands.test_resize import make, sizes
from tests.commands.test_undo_one_by_one import HOW, held
from tests.commands.test_undo_with_data import AFTER, BEFORE, CLAIMS, OLD, Rolled
from tests.controlplane import Storage

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

AUTOSCALER = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: %(name)s}
spec: {minReplicas: %(least)d, maxReplicas: 9, scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: %(name)s}}
"""


def replicas(pets: Plugin, name: str = "web") -> int:
    return int(pets.set(name)["spec"]["replicas"])


def autoscaled(pets: Plugin, least: int, name: str = "web") -> None:
    pets.plane.apply(AUTOSCALER % {"name": name, "least": least}, pets.namespace)
    pets.eventually(lambda: replicas(pets, name) == least, "the autoscaler has its least")


def scaled_before(
    pets: Plugin, folder: Path, words: tuple[str, ...], change: int, least: int, name: str = "web", *, behind: bool = False
) -> tuple[Result, list[str]]:
    """How it ended that an autoscaler came before (``behind``: after) its change of that number, and its changes."""
    changes: list[str] = []
    with middle(pets.plane, folder) as between:
        forward = between.gate.forward

        def scales(method: str, path: str, headers: dict[str, str], body: bytes) -> http.client.HTTPResponse:
            counts = method != "GET" and "dryRun" not in path and "selfsubject" not in path
            changes.extend([f"{method} {path.partition('?')[0]}"] if counts else [])
            now = counts and len(changes) == change
            if now and not behind:
                autoscaled(pets, least, name)
            answer = forward(method, path, headers, body)
            if now and behind:
                autoscaled(pets, least, name)
            return answer

        between.gate.forward = scales  # type: ignore[method-assign]
        ended = pets(*words, expect=None, kubeconfig=between.kubeconfig)
    assert len(changes) >= change, (changes, ended)
    return ended, changes


@pytest.mark.parametrize("change", [1, 3])
def test_a_rollout_brings_the_new_pod_along(pets: Plugin, tmp_path: Path, change: int) -> None:
    pets.make("web")
    words = ("rollout", "run", "web", "--image", "app:2", "--settle", "0", "-y", "--timeout", "2m")
    ended, changes = scaled_before(pets, tmp_path, words, change, 4)
    assert ended.code == 0 and set(pets.images().values()) == {"app:2"} and len(pets.images()) == 4, (ended, changes)


@pytest.mark.parametrize("more", [(), ("--quorum",), ("--pod", "2", "--pod", "0")])
def test_a_restart_makes_each_pod_anew_that_it_was_for(pets: Plugin, tmp_path: Path, more: tuple[str, ...]) -> None:
    pets.make("web")
    before = pets.uids()
    ended, changes = scaled_before(pets, tmp_path, ("rollout", "restart", "web", *more, "-y", "--timeout", "2m"), 2, 4)
    now = pets.uids()
    kept = {name for name, uid in now.items() if before.get(name) == uid}
    assert ended.code == 0 and len(now) == 4 and kept == ({"web-1"} if "--pod" in more else set()), (ended, changes)


@pytest.mark.parametrize("change", [1, 4])
def test_a_resize_takes_the_new_claim_along(pets: Plugin, storage: Storage, tmp_path: Path, change: int) -> None:
    make(pets, storage.storage_class())
    before = pets.uids()
    ended, changes = scaled_before(pets, tmp_path, ("resize", "web", "2Gi", "-y", "--timeout", "2m"), change, 4)
    assert ended.code == 0 and set(sizes(pets).values()) == {("2Gi", "2Gi")} and len(sizes(pets)) == 4, (ended, changes)
    assert before.items() <= pets.uids().items()


@pytest.mark.parametrize("behind", [False, True])
def test_a_scale_says_who_else_does(pets: Plugin, tmp_path: Path, behind: bool) -> None:
    """An autoscaler that is there beforehand is a refusal (test_scale)."""
    made(pets, replicas=3)
    ended, changes = scaled_before(pets, tmp_path, ("scale", "web", "--replicas", "2", "-y", "--timeout", "2m"), 1, 4, behind=behind)
    assert replicas(pets) == 4 and len(changes) == 1, changes
    assert ended.code == 1 and "somebody else set replicas to 4, so scaling to 2 stops here" in ended.stderr, ended
    assert "HorizontalPodAutoscaler web (4 to 9) puts 2 back to 4" in pets("scale", "web", "--replicas", "2", "-y", expect=6).stderr


def test_data_goes_back_pod_by_pod(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    """Of the pod that is new there is no data of before: it stops, and goes on as its hint says. The hint named a flag that is refused."""
    rolled = Rolled(pets, storage, tmp_path, at_zero=False)
    ended, changes = scaled_before(pets, tmp_path, rolled.words("--confirm", "db", *HOW), 4, 3, "db")
    assert ended.code == 1 and "data-db-2: there is no VolumeSnapshot of it" in ended.stderr and "scale db --replicas 2" in ended.stderr, (ended, changes)
    assert {rolled.in_volume(each) for each in rolled.volumes.values()} == {AFTER}, ended
    down = ("scale", "db", "--replicas", "2", "-y", "--timeout", "2m")
    assert "HorizontalPodAutoscaler db (3 to 9) puts 2 back to 3" in pets(*down, expect=6).stderr
    pets.kubectl("delete", "hpa", "db")
    waits_in_vain = pets(*down, "--patience", "5s", expect=4)
    assert replicas(pets, "db") == 2 and "db-1 has ended and is held by finalizer kubectl-pets/restoring" in waits_in_vain.stderr
    rolled.undo(*HOW)
    rolled.newer_is_kept()
    assert rolled.held() == dict.fromkeys(CLAIMS, BEFORE) and not rolled.note() and not held(pets)
    assert set(pets.images("db").values()) == {OLD}


def test_what_starts_the_set_again_is_not_refused(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    """The autoscaler rests while there are no replicas. The hint named a scale that was refused because of it."""
    rolled = Rolled(pets, storage, tmp_path)
    pets.plane.apply(AUTOSCALER % {"name": "db", "least": 3}, pets.namespace)
    told = rolled.undo().stderr
    assert "HorizontalPodAutoscaler db (3 to 9) puts 2 back to 3, so have it allow 2 with: kubectl edit horizontalpodautoscaler db" in told
    assert "then start it with: kubectl pets scale db --replicas 2" in told
    pets.kubectl("patch", "hpa", "db", "-p", '{"spec": {"minReplicas": 2}}')
    pets("scale", "db", "--replicas", "2", "-y", "--timeout", "2m")
    assert rolled.held() == dict.fromkeys(CLAIMS, BEFORE)
