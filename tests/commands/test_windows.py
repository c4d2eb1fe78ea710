"""Whole screens in windows of several sizes, on a real pseudo-terminal: nothing wraps, and what matters is there."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from tests.cluster.conftest import kubeconfig
from tests.cluster.loopback import Loopback, World, loopback
from tests.views.screens import screen
from tests.window import SIZES, Shown, shown

HASHES = {"old": "6d5f4c8b7", "new": "7c9d8b6f5"}


def days_ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days, hours=1)).isoformat(timespec="seconds").replace("+00:00", "Z")


def put_set(world: World, name: str, *, namespace: str = "x", broken: str = "", partition: int = 0, replicas: int = 3) -> None:
    """A set of pods that are all well but the last one, if ``broken`` says why it waits."""
    meta = {"generation": 1, "creationTimestamp": days_ago(40)}
    container = [{"name": "app", "image": "registry.example.com/team/app:1.27"}]
    world.put(
        "statefulsets",
        name,
        namespace,
        labels={"app": name},
        uid=f"uid-{namespace}-{name}",
        metadata=meta,
        spec={
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": container}},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}},
        },
        status={
            "observedGeneration": 1,
            "replicas": replicas,
            "currentRevision": f"{name}-{HASHES['old' if broken else 'new']}",
            "updateRevision": f"{name}-{HASHES['new']}",
        },
    )
    owner = [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": name, "uid": f"uid-{namespace}-{name}", "controller": True}]
    for ordinal in range(replicas):
        bad = broken if ordinal == replicas - 1 else ""
        revision = "old" if broken and not bad else "new"
        state = {"waiting": {"reason": bad, "message": f"{bad}: it will not do"}} if bad else {"running": {"startedAt": days_ago(3)}}
        ready = {"type": "Ready", "status": "False" if bad else "True", "lastTransitionTime": days_ago(3)}
        world.put(
            "pods",
            f"{name}-{ordinal}",
            namespace,
            labels={"app": name, "controller-revision-hash": f"{name}-{HASHES[revision]}"},
            uid=f"uid-{namespace}-{name}-{ordinal}",
            metadata={"ownerReferences": owner, "creationTimestamp": days_ago(3)},
            spec={"nodeName": f"ip-10-0-{ordinal}-17.eu-central-1.compute.internal", "containers": container},
            status={
                "phase": "Pending" if bad else "Running",
                "startTime": days_ago(3),
                "conditions": [ready],
                "containerStatuses": [{"name": "app", "ready": not bad, "restartCount": 0, "state": state}],
            },
        )
    for number, kind in enumerate(("old", "new") if broken else ("new",)):
        world.put(
            "controllerrevisions",
            f"{name}-{HASHES[kind]}",
            namespace,
            labels={"app": name},
            metadata={"ownerReferences": owner, "creationTimestamp": days_ago(40 - number)},
            revision=number + 1,
            data={"spec": {"template": {"spec": {"containers": [{"name": "app", "image": f"registry.example.com/team/app:1.{26 + number}"}]}}}},
        )


@pytest.fixture
def server() -> Iterator[Loopback]:
    with loopback() as found:
        yield found


@pytest.fixture
def place(server: Loopback, tmp_path: Path) -> tuple[str, ...]:
    path = tmp_path / "kubeconfig.yaml"
    path.write_text(yaml.safe_dump(kubeconfig(server.url, context={"namespace": "x"})))
    return "--kubeconfig", str(path)


def of_list(server: Loopback, place: tuple[str, ...], columns: int, rows: int, *words: str) -> Shown:
    put_set(server.world, "web")
    put_set(server.world, "kafka-broker-of-the-payments-team-eu-central-1", broken="ImagePullBackOff", namespace="payments-production")
    put_set(server.world, "cache", partition=2)
    return shown(columns, rows, "list", "-A", *words, *place, NO_COLOR="1")


def test_list_at_80_columns(server: Loopback, place: tuple[str, ...]) -> None:
    found = of_list(server, place, 80, 24)
    assert found.text == screen(
        """
        NAMESPACE       NAME            PHASE     READY  UPDATED  REASON
        payment…uction  kafka-b…tral-1  stuck     2/3    1/3      kafka-broker-of-the-p…
        x               cache           complete  3/3    3/3      it will hold back the…
        x               web             complete  3/3    3/3      -
        3 sets: 2 complete, 1 stuck, 1 partition left over
        """
    )


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_no_list_wraps(server: Loopback, place: tuple[str, ...], columns: int, rows: int) -> None:
    found = of_list(server, place, columns, rows)
    assert found.code == 0 and not found.wrapped
    assert [line.split()[2] for line in found.lines[1:4]] == ["stuck", "complete", "complete"]
    heads = found.lines[0].split()
    assert {"NAMESPACE", "NAME", "PHASE", "READY", "REASON"} <= set(heads)
    assert ("PARTITION" in heads) == (columns >= 120) and ("REVISIONS" in heads) == (columns >= 200)
    assert found.lines[-1] == "3 sets: 2 complete, 1 stuck, 1 partition left over"


def test_problems_first_and_then_only_they(server: Loopback, place: tuple[str, ...]) -> None:
    found = of_list(server, place, 80, 24, "--problems", "--check")
    assert found.code == 7 and len(found.lines) == 4
    assert found.lines[-1].endswith("; 2 shown")
