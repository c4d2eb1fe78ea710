"""list, status and partition as a picture, on the real control plane."""

import json
import re

import pytest
import yaml

from tests.commands.plugin import Plugin

pytestmark = pytest.mark.real


def test_list_says_where_every_set_stands(pets: Plugin) -> None:
    pets.make("db", claims=True)
    pets.make("web", image="app:broken", wait=False)
    pets("status", "web", "-w", "--timeout", "60s", expect=4)
    lines = pets("list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["NAME", "web", "db"], "the worst first"
    assert "complete" in lines[2] and "3/3" in lines[2]
    assert "failing" in lines[1] and "web-0" in lines[1]
    by_name = pets("list", "--sort-by", ".metadata.name")
    assert [line.split()[0] for line in by_name.stdout.splitlines()] == ["NAME", "db", "web"]
    assert by_name.stderr == "2 sets: 1 complete, 1 failing\n"
    assert pets("ls", "--no-headers", "-l", "app=none").stdout == ""


def test_list_as_a_check(pets: Plugin) -> None:
    pets.make("db")
    assert pets("list", "--check").code == 0
    assert pets("list", "--problems", "--check").stderr == "1 set: 1 complete; 0 shown\n"
    pets.make("web", image="app:broken", wait=False)
    pets("status", "web", "-w", "--timeout", "60s", expect=4)
    found = pets("list", "-A", "--check", "-o", "name", "--problems", expect=7)
    assert f"{pets.namespace}/statefulset.apps/web" in found.stdout.splitlines()
    assert pets("list", "--phase", "complete", "-o", "name").stdout == "statefulset.apps/db\n"
    printed = f"{pets.namespace}/statefulset.apps/web"
    assert "failing" in pets.typed("list", printed, "sts/db", *pets.place()).stdout, "what is printed can be typed"
    pets("list", "db", "wbe", expect=1)


def test_list_in_other_shapes(pets: Plugin) -> None:
    pets.make("web", claims=True)
    pets.kubectl("label", "statefulset", "web", "tier=one")
    document = json.loads(pets("list", "-o", "json").stdout)
    assert [item["metadata"]["name"] for item in document["items"]] == ["web"]
    status = document["items"][0]["status"]
    assert status["phase"] == "complete" and status["claims"] == 3
    assert [pod["state"] for pod in status["pods"]] == ["available"] * 3
    assert yaml.safe_load(pets("list", "-o", "yaml").stdout)["items"][0]["metadata"]["name"] == "web"
    assert pets("list", "-o", "name", "-l", "tier=one").stdout == "statefulset.apps/web\n"
    assert pets("list", "-l", "tier=two").stderr == f"No StatefulSets found in namespace {pets.namespace}.\n"
    everywhere = pets("list", "-A").stdout
    assert everywhere.startswith("NAMESPACE") and pets.namespace in everywhere


def test_left_over_partition_is_loud(pets: Plugin) -> None:
    pets.make("web", strategy="{type: RollingUpdate, rollingUpdate: {partition: 2}}")
    assert "left over" in pets("list").stdout
    assert "left over" in pets("status", "web").stdout


def without_ages(shown: str) -> str:
    """Two looks are never at the same moment."""
    return re.sub(r"\b\d+[smh](\d+s)?\b", "AGE", shown)


def test_status_tells_more_than_the_counters(pets: Plugin) -> None:
    pets.make("web", claims=True)
    shown = pets("status", "statefulset/web").stdout
    for word in ("web", "complete", "RollingUpdate", "OrderedReady", "app:1", "web-0", "web-1", "web-2", "data-web-0", "node-"):
        assert word in shown, word
    assert shown.index("web-0") < shown.index("web-1") < shown.index("web-2")
    again = pets("rollout", "status", "web", "--watch=false").stdout
    assert without_ages(again) == without_ages(shown)


def test_kubectl_calls_it_complete_although_nothing_was_rolled(pets: Plugin) -> None:
    pets.make("web", strategy="{type: RollingUpdate, rollingUpdate: {partition: 3}}")
    pets.kubectl("set", "image", "statefulset/web", "app=app:2")
    pets("status", "web", "-w", "--timeout", "60s", expect=3)
    assert "partitioned roll out complete" in pets.kubectl("rollout", "status", "statefulset/web")
    shown = pets("status", "web", expect=3).stdout
    assert "staged" in shown and pets.images() == {"web-0": "app:1", "web-1": "app:1", "web-2": "app:1"}
    pets("status", "web", "-w", "--until", "canary", "--timeout", "1s", expect=5)


def test_stuck_ends_early_and_names_pod_and_reason(pets: Plugin) -> None:
    pets.make("web")
    pets.kubectl("set", "image", "statefulset/web", "app=app:broken")
    result = pets("status", "web", "-w", "--timeout", "60s", expect=4)
    assert "web-2" in result.stderr and ("ErrImagePull" in result.stderr or "ImagePullBackOff" in result.stderr)


@pytest.mark.parametrize(("tag", "reason"), [("crash", "CrashLoopBackOff"), ("config-error", "CreateContainerConfigError")])
def test_other_ways_to_be_stuck(pets: Plugin, tag: str, reason: str) -> None:
    pets.make("web", replicas=2, image=f"app:{tag}", wait=False)
    result = pets("status", "web", "-w", "--timeout", "90s", expect=4)
    assert "web-0" in result.stderr and reason in result.stderr


def test_failing_readiness_is_not_stuck_but_times_out(pets: Plugin) -> None:
    pets.make("web", replicas=2, image="app:never-ready", wait=False)
    result = pets("status", "web", "-w", "--timeout", "3s", expect=5)
    assert "timed out" in result.stderr and "stuck" not in result.stderr
    assert "hint: follow it with: kubectl pets status web -w" in result.stderr


def test_empty_set_is_complete_only_at_zero_replicas(pets: Plugin) -> None:
    pets.make("web", replicas=0)
    assert "complete" in pets("status", "web").stdout
    pets.make("big", replicas=2, pod_annotations='{kubectl-pets.test/ready-after: "60s"}', wait=False)
    pets("status", "big", expect=3)


def test_min_ready_seconds_count(pets: Plugin) -> None:
    pets.make("web", replicas=1, extra="minReadySeconds: 3", wait=False)
    pets.eventually(lambda: pets.set()["status"].get("readyReplicas") == 1, "ready")
    pets("status", "web", "--until", "ready", expect=3)
    pets("status", "web", "-w", "--timeout", "60s")
    assert pets.set()["status"]["availableReplicas"] == 1


def test_partition_picture_counts_positions(pets: Plugin) -> None:
    pets.make("web", extra="ordinals: {start: 5}")
    shown = pets("partition", "web").stdout
    assert "web-5" in shown and "web-7" in shown and "web-0" not in shown
    pets("partition", "web", "2")
    pets.kubectl("set", "image", "statefulset/web", "app=app:2")
    pets("status", "web", "-w", "--until", "canary", "--timeout", "60s")
    assert pets.images() == {"web-5": "app:1", "web-6": "app:1", "web-7": "app:2"}


def test_list_watched_until_interrupted(pets: Plugin) -> None:
    import signal

    pets.make("web", replicas=1)
    process = pets.start("list", "-w")
    assert process.stdout is not None
    first = process.stdout.readline() + process.stdout.readline()
    assert "web" in first
    pets.kubectl("scale", "statefulset/web", "--replicas=2")
    seen = ""
    while "2/2" not in seen:
        seen = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=10)
    assert process.returncode == 130 and "Traceback" not in stderr
