"""Rollouts that are killed, interrupted, edited, scaled or deleted under way, on the real control plane."""

import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.commands.plugin import Plugin, Result
from tests.controlplane.relay import relay

pytestmark = pytest.mark.real

OLD, NEW = "app:1", "app:2"
SLOW = '{kubectl-pets.test/ready-after: "1s"}'


def test_killed_and_typed_again(pets: Plugin) -> None:
    pets.make("web", replicas=4, pod_annotations=SLOW)
    words = ("rollout", "run", "web", "--image", NEW, "--timeout", "60s")
    generations: list[int] = []
    for _ in range(3):
        process = pets.start(*words)
        pets.eventually(lambda: pets.set()["metadata"]["generation"] > len(generations) + 1, "another change")
        process.kill()
        process.communicate()
        generations.append(pets.set()["metadata"]["generation"])
        released = 4 - pets.partition()
        assert list(pets.images().values()).count(NEW) <= released
    pets(*words)
    assert set(pets.images().values()) == {NEW} and pets.partition() == 0
    # One patch stages, four release: nothing was done twice.
    assert pets.set()["metadata"]["generation"] == 6


def test_ctrl_c_pauses_and_says_where_it_stands(pets: Plugin) -> None:
    pets.make("web", replicas=4, pod_annotations=SLOW)
    process = pets.start("rollout", "run", "web", "--image", NEW, "--step", "4", "--timeout", "60s")
    pets.eventually(lambda: NEW in pets.images().values(), "a first new pod")
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130 and "interrupted" in stderr and "Traceback" not in stderr
    partition = pets.partition()
    assert partition >= 2
    pets("status", "web", "-w", "--until", "canary", "--timeout", "60s")
    assert list(pets.images().values()).count(NEW) == 4 - partition
    pets("rollout", "run", "web", "--image", NEW, "--timeout", "60s")
    assert set(pets.images().values()) == {NEW}


class _Beside:
    """The plugin in a thread, so that the test can meddle with the set meanwhile."""

    def __init__(self, pets: Plugin, *words: str, expect: int) -> None:
        self._result: Result | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(pets, words, expect))
        self._thread.start()

    def _run(self, pets: Plugin, words: tuple[str, ...], expect: int) -> None:
        try:
            self._result = pets(*words, expect=expect)
        except BaseException as failure:
            self._failure = failure

    def join(self) -> Result:
        self._thread.join(60)
        if self._failure is not None:
            raise self._failure
        assert self._result is not None, "it never ended"
        return self._result


def test_scaled_mid_rollout(pets: Plugin) -> None:
    pets.make("web", pod_annotations=SLOW)
    beside = _Beside(pets, "rollout", "run", "web", "--image", NEW, "--timeout", "60s", expect=0)
    pets.eventually(lambda: NEW in pets.images().values(), "a first new pod")
    pets.kubectl("scale", "statefulset/web", "--replicas=5")
    beside.join()
    assert pets.images() == {f"web-{ordinal}": NEW for ordinal in range(5)} and pets.partition() == 0


def test_scaled_down_mid_rollout(pets: Plugin) -> None:
    pets.make("web", replicas=5, pod_annotations=SLOW)
    beside = _Beside(pets, "rollout", "run", "web", "--image", NEW, "--timeout", "60s", expect=0)
    pets.eventually(lambda: NEW in pets.images().values(), "a first new pod")
    pets.kubectl("scale", "statefulset/web", "--replicas=2")
    beside.join()
    assert pets.images() == {"web-0": NEW, "web-1": NEW} and pets.partition() == 0


def test_template_edited_mid_rollout(pets: Plugin) -> None:
    pets.make("web", replicas=4, pod_annotations=SLOW)
    beside = _Beside(pets, "rollout", "run", "web", "--image", NEW, "--timeout", "60s", expect=1)
    pets.eventually(lambda: NEW in pets.images().values(), "a first new pod")
    pets.kubectl("set", "image", "statefulset/web", "app=app:3")
    result = beside.join()
    assert "template" in result.stderr
    assert pets.partition() >= 2 and pets.images()["web-0"] == OLD


def test_paused_by_somebody_else(pets: Plugin) -> None:
    pets.make("web", replicas=4, pod_annotations=SLOW)
    beside = _Beside(pets, "rollout", "run", "web", "--image", NEW, "--timeout", "60s", expect=1)
    pets.eventually(lambda: NEW in pets.images().values(), "a first new pod")
    pets.kubectl("patch", "statefulset", "web", "-p", '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":4}}}}')
    result = beside.join()
    assert "partition" in result.stderr and pets.partition() == 4


def test_deleted_mid_rollout(pets: Plugin) -> None:
    pets.make("web", pod_annotations=SLOW)
    beside = _Beside(pets, "rollout", "run", "web", "--image", NEW, "--timeout", "60s", expect=1)
    pets.eventually(lambda: NEW in pets.images().values(), "a first new pod")
    pets.kubectl("delete", "statefulset", "web", "--cascade=orphan", "--wait=false")
    assert "deleted" in beside.join().stderr


def test_status_watch_sees_the_set_go(pets: Plugin) -> None:
    pets.make("web", replicas=1, image="app:never-ready", wait=False)
    watching = pets.start("status", "web", "-w", "--timeout", "60s")
    assert watching.stdout is not None and watching.stdout.readline()  # it looks on
    pets.kubectl("delete", "statefulset", "web", "--wait=false")
    _, stderr = watching.communicate(timeout=60)
    assert watching.returncode == 1 and "deleted" in stderr


def test_edits_in_between_are_never_overwritten(pets: Plugin) -> None:
    """Somebody annotates the set again and again: no change of theirs is lost and the rollout gets through."""
    pets.make("web", pod_annotations=SLOW)
    beside = _Beside(pets, "rollout", "run", "web", "--image", NEW, "--timeout", "60s", expect=0)
    for turn in range(15):
        pets.kubectl("annotate", "statefulset", "web", f"note-{turn}=x")
        pets.kubectl("patch", "statefulset", "web", "-p", f'{{"spec":{{"revisionHistoryLimit":{turn + 5}}}}}')
    beside.join()
    live = pets.set()
    assert set(pets.images().values()) == {NEW}
    assert sum(key.startswith("note-") for key in live["metadata"]["annotations"]) == 15
    assert live["spec"]["revisionHistoryLimit"] == 19


@pytest.mark.slow
def test_a_pod_that_is_late_because_the_server_was_away(pets: Plugin, tmp_path: Path) -> None:
    """web-2 should have ended while the API server was out of reach: scale and status -w wait on for as long again."""
    pets.make("web")
    pets.kubectl("patch", "pod", "web-2", "-p", '{"metadata":{"finalizers":["kubectl-pets.test/late"]}}')
    port = int(pets.plane.server.rpartition(":")[2])
    path = tmp_path / "config"
    with relay(port) as between:
        path.write_text(pets.plane.kubeconfig.read_text(encoding="utf-8").replace(f":{port}", f":{between.port}"), encoding="utf-8")

        def start(*words: str) -> "subprocess.Popen[str]":
            command = pets.command(*words, "--timeout", "120s", kubeconfig=path)
            return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

        scaling = start("scale", "web", "--replicas", "2")
        pets.eventually(lambda: "deletionTimestamp" in pets.get("pod", "web-2")["metadata"], "web-2 is to go")
        following = start("status", "web", "-w", "--until", "ready")
        try:
            assert following.stdout is not None and following.stdout.readline()  # it looks on
            between.cut()
            time.sleep(32)  # a pod is overdue half a minute after its deadline
            between.mend()
            time.sleep(8)
            assert (scaling.poll(), following.poll()) == (None, None)
            pets.kubectl("patch", "pod", "web-2", "--type=json", "-p", '[{"op":"remove","path":"/metadata/finalizers"}]')
        finally:
            ended = [(process, process.communicate(timeout=180)) for process in (scaling, following)]
        for process, told in ended:
            assert process.returncode == 0, told
