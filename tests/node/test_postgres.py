"""A real PostgreSQL under all that is done to volumes, with a client that commits all the while and notes what was acknowledged.

Data and write-ahead log are in one volume, so a snapshot of it is as good as what a crash leaves (PostgreSQL 15, "File System Level
Backup": a consistent frozen snapshot is recovered from as after a crash, and a CHECKPOINT before it makes that short).
"""

import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic

import pytest

from tests.commands.plugin import Plugin
from tests.controlplane import ControlPlane, Storage
from tests.node.ground import file_system
from tests.node.images import REGISTRY
from tests.node.postgres import Client, databases, query

pytestmark = [pytest.mark.node, pytest.mark.slow]

PODS = ("pg-0", "pg-1")
#: The recipe of the docs, as it stands there.
PAGE = Path(__file__).parents[2] / "docs" / "rollout.md"
[CHECKPOINT] = re.findall(r"rollout run pg .* --snapshot-each --before-snapshot '(.*CHECKPOINT)'", PAGE.read_text(encoding="utf-8"))
#: With the number of the newest row on the volume, from before the cut.
NOTED = f"psql -U postgres -Atc 'select max(n) from written' > /data/db/noted && {CHECKPOINT}"


@contextmanager
def looked_at(pets: Plugin) -> Iterator[None]:
    """The kubelet looks at a pod that is changed at once, and finds that its volume has grown; by itself it does so after one and a half
    minutes at the latest, which ``test_volumes`` waits for."""
    over = threading.Event()

    def touch() -> None:
        number = 0
        while not over.wait(3):
            number += 1
            pets.kubectl("annotate", "pod", *PODS, f"kubectl-pets.test/looked-at={number}", "--overwrite", check=False)

    thread = threading.Thread(target=touch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(60)


def restarts(pets: Plugin) -> int:
    pods = pets.get("pods", "-l", "app=pg")["items"]
    return sum(status["restartCount"] for pod in pods for status in pod["status"]["containerStatuses"])


@pytest.mark.timeout(600)
def test_no_acknowledged_commit_is_lost(controlplane: ControlPlane, namespace: str, storage: Storage, postgres: None, tmp_path: Path) -> None:
    """Volumes grown, the set made again, rolled with a snapshot of each pod before its turn, back to these with the data, and on to the
    newer volumes again: no pod ends that did not have to, and each volume has all that was acknowledged on it."""
    own = file_system()
    if not own:
        pytest.skip("this machine mounts no file system out of a file, so no copy of a volume is of one moment")
    pets = Plugin(controlplane, namespace)
    controlplane.apply(databases(storage.storage_class(file_system=own), "320Mi", len(PODS)), namespace)
    pets("status", "pg", "-w", "--timeout", "120s", "--patience", "2m")
    kept = storage.snapshot_class(deletion="Retain")
    told: dict[str, float] = {}

    def timed(what: str, *words: str) -> str:
        began = monotonic()
        said = pets(*words, *(("--timeout", "5m", "--patience", "2m") if words[0] != "orphans" else ())).stderr
        told[what] = monotonic() - began
        return said

    def served(times: int) -> None:
        pets.eventually(lambda: all(len(client.acknowledged) >= times for client in clients), f"pod {times} of each name is written to")

    with ExitStack() as stack:
        clients = [stack.enter_context(Client(controlplane, namespace, pod)) for pod in PODS]
        first = pets.uids("pg")
        with looked_at(pets):
            assert "2 claims at 480Mi, and the template" in timed("resize", "resize", "pg", "480Mi", "-y")
        assert "made again" in timed("recreate", "recreate", "pg", "--set", "podManagementPolicy=OrderedReady", "-y")
        assert pets.uids("pg") == first and restarts(pets) == 0, "nothing was started again"
        run = ("rollout", "run", "pg", "--image", f"postgres={REGISTRY}/postgres:2", f"--snapshot={kept}", "--snapshot-each", "--before-snapshot", NOTED)
        timed("rollout", *run, "--settle", "1s", "-y")
        second = pets.uids("pg")
        served(2)
        volumes = {claim["metadata"]["name"]: claim["spec"]["volumeName"] for claim in pets.get("pvc")["items"]}
        back = ("rollout", "undo", "pg", "--with-data", "--one-by-one", "--confirm", "pg", "--record", str(tmp_path), "--settle", "1s")
        assert "is back at the data of revision" in timed("undo", *back)
        third = pets.uids("pg")
        served(3)
    assert set(pets.images("pg").values()) == {f"{REGISTRY}/postgres:1"} and restarts(pets) == 0
    assert not set(first.values()) & set(second.values()) and not set(second.values()) & set(third.values())

    acknowledged = 0
    for client in clients:
        assert len(client.acknowledged) == 3, f"pods that {client.pod} was: as many as had to be"
        before, after, restored = client.acknowledged.values()
        acknowledged += len(before) + len(after) + len(restored)
        noted = int(controlplane.kubectl("exec", client.pod, "-n", namespace, "-c", "postgres", "--", "cat", "/data/db/noted").stdout)
        there = rows(controlplane, namespace, client.pod)
        assert there >= {number for number in before if number <= noted} | set(restored), "what was written before the cut, and since"
        assert not there & set(after), "it is the data of before"
        assert before[0] <= noted, "the cut came while it was written to"

    pets("scale", "pg", "--replicas", "0", "-y", "--timeout", "2m")
    (record,) = tmp_path.glob("orphans-*.json")
    pets.kubectl("delete", "pvc", "data-pg-0", "data-pg-1", "--timeout=60s")
    timed("restore", "orphans", "restore", str(record))
    assert {claim["metadata"]["name"]: claim["spec"]["volumeName"] for claim in pets.get("pvc")["items"]} == volumes
    pets("scale", "pg", "--replicas", "2", "-y", "--timeout", "2m", "--patience", "2m")
    for client in clients:
        before, after, _ = client.acknowledged.values()
        assert rows(controlplane, namespace, client.pod) >= {*before, *after}, "the newer volume has all that was acknowledged on it"
    assert restarts(pets) == 0
    print(f"{acknowledged} commits acknowledged; " + ", ".join(f"{what} {seconds:.0f} s" for what, seconds in told.items()))


def rows(plane: ControlPlane, namespace: str, pod: str) -> set[int]:
    """All that is in the table, read page by page: each page has a checksum, and one that is wrong is an error."""
    return {int(line) for line in query(plane, namespace, pod, "select n from written").split()}
