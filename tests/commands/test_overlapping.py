"""rollout run --overlap on the real control plane: how far it is ahead, what stays available, and what does not go with it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.commands.plugin import Plugin

pytestmark = pytest.mark.real

OLD, NEW = "app:1", "app:2"
WIDE: Any = {"policy": "Parallel", "strategy": "{rollingUpdate: {maxUnavailable: 3}}", "pod_annotations": '{kubectl-pets.test/ready-after: "1s"}'}
UNREADY = "kubectl-pets.test/unready"


def test_one_that_does_not_get_ready_stops_it_a_step_below(pets: Plugin) -> None:
    """And what is done above and below it does not wait for it; once it is Ready the rest follows."""
    pets.make("web", replicas=8, **WIDE)
    run = pets.start("rollout", "run", "web", "--image", NEW, "--step", "3", "--overlap", "--patience", "5m", "--timeout", "3m")
    pets.eventually(lambda: pets.images().get("web-6") == NEW, "the pod at 6 is new")
    pets.kubectl("label", "pod", "web-6", f"{UNREADY}=true")
    pets.eventually(lambda: ready(pets, "web-5", "web-4"), "the pods at 5 and 4 are new and Ready")
    assert pets.partition() == 4
    pets.kubectl("label", "pod", "web-6", f"{UNREADY}-")
    out, err = run.communicate(timeout=180)
    assert run.returncode == 0, out + err
    assert set(pets.images().values()) == {NEW} and pets.partition() == 0


def ready(pets: Plugin, *names: str) -> bool:
    pods = {pod["metadata"]["name"]: pod for pod in pets.get("pods", "-l", "app=web")["items"]}
    return all(
        name in pods
        and pods[name]["spec"]["containers"][0]["image"] == NEW
        and any(each["type"] == "Ready" and each["status"] == "True" for each in pods[name]["status"].get("conditions", ()))
        for name in names
    )


@pytest.mark.parametrize("asked", [("--min-available", "4"), ()])
def test_a_minimum_and_a_budget_hold_while_steps_overlap(pets: Plugin, asked: tuple[str, ...]) -> None:
    """The controller may take three at once, the step lets five go, and four of six have to stay."""
    pets.make("web", replicas=6, **WIDE)
    if not asked:
        pets.plane.apply(
            """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: guard}
spec: {maxUnavailable: 2, selector: {matchLabels: {app: web}}}
""",
            pets.namespace,
        )
        pets.eventually(lambda: pets.get("pdb", "guard").get("status", {}).get("currentHealthy") == 6, "the budget counts its pods")
    with fewest_ready(pets, 6) as lowest:
        pets("rollout", "run", "web", "--image", NEW, "--step", "5", "--overlap", *asked, "--timeout", "120s")
    assert set(pets.images().values()) == {NEW} and pets.partition() == 0
    assert lowest == [4]


@contextmanager
def fewest_ready(pets: Plugin, replicas: int) -> Iterator[list[int]]:
    """The lowest number of pods that were Ready and not on their way out, by a watch; put into the list at the end."""
    shown = '{.metadata.name} {.status.conditions[?(@.type=="Ready")].status} {.metadata.deletionTimestamp}{"\\n"}'
    watch = pets.plane.kubectl_popen("get", "pods", "-n", pets.namespace, "-l", "app=web", "-w", "-o", f"jsonpath={shown}")
    lowest: list[int] = []
    counts, began = [replicas], threading.Event()

    def follow() -> None:
        up: set[str] = set()
        assert watch.stdout is not None
        for line in watch.stdout:
            name, status, *going = line.split() if len(line.split()) > 1 else (line.strip(), "False")
            (up.add if status == "True" and not going else up.discard)(name)
            if len(up) == replicas:
                began.set()
            if began.is_set():
                counts.append(len(up))

    reader = threading.Thread(target=follow, daemon=True)
    reader.start()
    assert began.wait(60)
    try:
        yield lowest
    finally:
        pets.eventually(lambda: counts[-1] == replicas, "the watch has seen all of them back")
        watch.terminate()
        watch.communicate()
        lowest.append(min(counts))


def test_killed_and_typed_again_it_goes_on(pets: Plugin) -> None:
    pets.make("web", replicas=8, **WIDE)
    words = ("rollout", "run", "web", "--image", NEW, "--canary", "1", "--step", "3", "--overlap", "--timeout", "120s")
    before = pets.uids()
    run = pets.start(*words)
    pets.eventually(lambda: pets.partition() < 7 if pets.set()["spec"]["updateStrategy"]["rollingUpdate"].get("partition") else False, "it is past its canary")
    run.kill()
    run.communicate()
    pets(*words)
    after = pets.uids()
    assert set(pets.images().values()) == {NEW} and pets.partition() == 0
    assert not set(after.values()) & set(before.values())
    made_again = [event for event in pets.get("events")["items"] if event["reason"] == "SuccessfulDelete"]
    assert sum(event.get("count", 1) for event in made_again) == 8


def test_the_plan_tells_it_and_changes_nothing(pets: Plugin) -> None:
    pets.make("web", replicas=5)
    version = pets.set()["metadata"]["resourceVersion"]
    words = ("rollout", "run", "web", "--image", NEW, "--canary", "1", "--step", "2", "--overlap", "--dry-run")
    shown = pets(*words).stdout
    assert "release web-4 (partition 5 -> 4) and wait until it is available" in shown
    assert "never more than 2 ahead" in shown and shown.count("release") == 2
    document = json.loads(pets(*words, "-o", "json").stdout)
    assert document["goal"]["overlap"] is True and document["entries"][-1]["overlap"] == 2
    assert pets.set()["metadata"]["resourceVersion"] == version


@pytest.mark.parametrize(
    ("more", "flag"),
    [
        (("--pause", "30s"), "--pause"),
        (("--gate-exec", "true"), "--gate-exec"),
        (("--gate-dns",), "--gate-dns"),
        (("--snapshot-each",), "--snapshot-each"),
    ],
)
def test_what_is_between_steps_does_not_go_with_it(pets: Plugin, more: tuple[str, ...], flag: str) -> None:
    pets.make("web", wait=False)
    how = ("--settle", "3s", "--timeout", "5m", "--patience", "4m,2")
    told = pets("rollout", "run", "web", "--image", NEW, "--step", "2", "--overlap", *how, *more, expect=2).stderr
    assert flag in told and "Nothing was changed" in told
    command = told.partition("without it: ")[2].strip()
    assert command.startswith(f"kubectl pets rollout run web --image {NEW} --step 2 ") and "--overlap" not in command
    assert all(f" {flag} {value} " in f"{command} " for flag, value in zip(how[::2], how[1::2]))
    assert all(word in command for word in more)
    assert pets.set()["metadata"]["generation"] == 1


def test_a_set_without_a_partition_is_refused(pets: Plugin) -> None:
    pets.make("web", strategy="{type: OnDelete}")
    told = pets("rollout", "run", "web", "--image", NEW, "--step", "2", "--overlap", "-y", expect=6).stderr
    assert "OnDelete" in told and "without it: kubectl pets rollout run web --image app:2 --step 2 " in told
    assert pets.set()["metadata"]["generation"] == 1


def test_interrupted_it_is_paused_where_it_stands(pets: Plugin) -> None:
    import signal

    pets.make("web", replicas=8, **WIDE)
    run = pets.start("rollout", "run", "web", "--image", NEW, "--step", "3", "--overlap", "--timeout", "120s")
    pets.eventually(lambda: pets.images().get("web-7") == NEW, "it has begun")
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=60)
    assert run.returncode == 130 and "pausing the rollout" in err
    pets("status", "web", "-w", "--until", "canary", "--timeout", "60s", expect=0)
    partition = pets.partition()
    assert 0 < partition < 8
    assert pets.images() == {f"web-{each}": OLD if each < partition else NEW for each in range(8)}
