"""Whole screens in windows of several sizes, on a real pseudo-terminal: nothing wraps, and what matters is there."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from kubectl_pets.domain.findings import RULES, Rule
from kubectl_pets.views.doctor.pages import PAGES
from tests.cluster.conftest import kubeconfig
from tests.cluster.loopback import Answer, Loopback, World, loopback
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
        node = f"ip-10-0-{ordinal}-17.eu-central-1.compute.internal"
        world.put("nodes", node, "", status={"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": days_ago(9)}]})
        world.put(
            "pods",
            f"{name}-{ordinal}",
            namespace,
            labels={"app": name, "controller-revision-hash": f"{name}-{HASHES[revision]}"},
            uid=f"uid-{namespace}-{name}-{ordinal}",
            metadata={"ownerReferences": owner, "creationTimestamp": days_ago(3)},
            spec={"nodeName": node, "containers": container},
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
def place(server: Loopback, tmp_path: Path) -> dict[str, str]:
    """What leads there, as an environment: hints name it where it is a flag."""
    path = tmp_path / "kubeconfig.yaml"
    path.write_text(yaml.safe_dump(kubeconfig(server.url, context={"namespace": "x"})))
    return {"KUBECONFIG": str(path), "NO_COLOR": "1"}


def of_list(server: Loopback, place: dict[str, str], columns: int, rows: int, *words: str) -> Shown:
    put_set(server.world, "web")
    put_set(server.world, "kafka-broker-of-the-payments-team-eu-central-1", broken="ImagePullBackOff", namespace="payments-production")
    put_set(server.world, "cache", partition=2)
    return shown(columns, rows, "list", "-A", *words, **place)


def test_list_at_80_columns(server: Loopback, place: dict[str, str]) -> None:
    found = of_list(server, place, 80, 24)
    assert found.text == screen(
        """
        NAMESPACE       NAME            PHASE     READY  UPDATED  REASON
        payment…uction  kafka-b…tral-1  stuck     2/3    1/3      kafka-broker-of-the-p…
        x               cache           complete  3/3    3/3      partition 2 holds bac…
        x               web             complete  3/3    3/3      -
        3 sets: 2 complete, 1 stuck, 1 partition left over
        """
    )


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_no_list_wraps(server: Loopback, place: dict[str, str], columns: int, rows: int) -> None:
    found = of_list(server, place, columns, rows)
    assert found.code == 0 and not found.wrapped
    assert [line.split()[2] for line in found.lines[1:4]] == ["stuck", "complete", "complete"]
    heads = found.lines[0].split()
    assert {"NAMESPACE", "NAME", "PHASE", "READY", "REASON"} <= set(heads)
    assert ("PARTITION" in heads) == (columns >= 120) and ("REVISIONS" in heads) == (columns >= 200)
    assert found.lines[-1] == "3 sets: 2 complete, 1 stuck, 1 partition left over"


def test_problems_first_and_then_only_they(server: Loopback, place: dict[str, str]) -> None:
    found = of_list(server, place, 80, 24, "--problems", "--check")
    assert found.code == 7 and len(found.lines) == 4
    assert found.lines[-1].endswith("; 2 shown")


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_status_is_one_screen_and_shows_what_blocks(server: Loopback, place: dict[str, str], columns: int, rows: int) -> None:
    put_set(server.world, "web", broken="InvalidImageName", replicas=120)
    found = shown(columns, rows, "status", "web", **place)
    assert found.code == 4 and len(found.lines) < rows
    assert [line for line in found.wrapped if "kubectl " not in line] == [], "commands are for pasting, and never cut"
    assert "Blocked by  [image:name] web-119 is in InvalidImageName" in found.text
    assert found.lines[0] == "x/web  stuck" and "⋯ web-" in found.text
    assert "kubectl pets rollout" in found.text.rpartition("hint: ")[2]


def test_status_wide_shows_every_pod(server: Loopback, place: dict[str, str]) -> None:
    put_set(server.world, "web", replicas=30)
    found = shown(80, 24, "status", "web", "-o", "wide", **place)
    assert found.code == 0 and "⋯" not in found.text and "web-17" in found.text


def test_several_sets_and_the_worst_of_their_codes(server: Loopback, place: dict[str, str]) -> None:
    put_set(server.world, "web")
    put_set(server.world, "db", broken="InvalidImageName")
    found = shown(120, 40, "status", "web", "sts/db", **place)
    assert found.code == 4 and [line for line in found.lines if line.startswith("x/")] == ["x/web  complete", "x/db  stuck"]
    assert shown(120, 40, "status", "-l", "app=web", **place).code == 0
    assert shown(120, 40, "status", **place).code == 2


def test_status_at_80_columns(server: Loopback, place: dict[str, str]) -> None:
    put_set(server.world, "web", broken="InvalidImageName", replicas=12)
    found = shown(80, 24, "status", "web", **place)
    assert found.text == screen(
        """
        x/web  stuck
        │  RollingUpdate, partition 0, OrderedReady, age 40d
        │  11/12 ready, 1/12 updated, 0 claims
        ├─ Revisions
        │  ├─ web-7c9d8b6f5  (update)   1 pod    revision 2  registry.exam…team/app:1.27
        │  └─ web-6d5f4c8b7  (current)  11 pods  revision 1  registry.exam…team/app:1.26
        ├─ Pods       STATE        REVISION   NODE                        AGE   RESTARTS
        │  ├─ web-0   ✔ available  6d5f4c8b7  ip-10-0-0-17.…ute.internal  3d1h  0
        │  ├─ web-1   ✔ available  6d5f4c8b7  ip-10-0-1-17.…ute.internal  3d1h  0
        │  ├─ web-2   ✔ available  6d5f4c8b7  ip-10-0-2-17.…ute.internal  3d1h  0
        │  ├─ web-3   ✔ available  6d5f4c8b7  ip-10-0-3-17.…ute.internal  3d1h  0
        │  ├─ web-4   ✔ available  6d5f4c8b7  ip-10-0-4-17.…ute.internal  3d1h  0
        │  ├─ web-5   ✔ available  6d5f4c8b7  ip-10-0-5-17.…ute.internal  3d1h  0
        │  ├─ web-6   ✔ available  6d5f4c8b7  ip-10-0-6-17.…ute.internal  3d1h  0
        │  ├─ web-7   ✔ available  6d5f4c8b7  ip-10-0-7-17.…ute.internal  3d1h  0
        │  ├─ ⋯ web-8..web-10: 3 pods, 3 available
        │  └─ web-11  ✖ failing    7c9d8b6f5  ip-10-0-11-17…ute.internal  3d1h  0
        │             InvalidImageName: InvalidImageName: it will not do
        ├─ Waits for   web-11 to start
        ├─ Blocked by  [image:name] web-11 is in InvalidImageName: InvalidImageName: it
        │              will not do
        └─ Changed     image app: 1.26 -> 1.27 (revision 2 against 1)
        hint: put the earlier template back with: kubectl pets rollout undo web -n x
        """
    )


def test_why_in_one_look(server: Loopback, place: dict[str, str]) -> None:
    """The log, the events, what changed: as in a terminal of 120 columns."""
    put_set(server.world, "web", broken="CrashLoopBackOff")
    pod = server.world.get("pods", "web-2")
    assert pod is not None
    ended = {"exitCode": 137, "reason": "OOMKilled", "startedAt": days_ago(2), "finishedAt": days_ago(2)}
    pod["status"]["containerStatuses"][0] |= {"restartCount": 7, "lastState": {"terminated": ended}}
    about = {"kind": "Pod", "name": "web-2", "uid": "uid-x-web-2"}
    for number in range(3):
        server.world.put(
            "events",
            f"web-2.{number}",
            involvedObject=about,
            type="Warning",
            reason="BackOff",
            message="Back-off restarting failed container app",
            count=2,
            lastTimestamp=days_ago(2 + number),
        )
    server.fault(Answer(200, b"loading 9 GiB\nlow on memory\n"), path="/api/v1/namespaces/x/pods/web-2/log", times=9)
    found = shown(120, 40, "status", "web", **place)
    assert found.code == 4 and not found.wrapped
    at = next(index for index, line in enumerate(found.lines) if "Blocked by" in line)
    assert "\n".join(found.lines[at:]) == screen(
        """
        ├─ Blocked by  [crash:oom] web-2 is in CrashLoopBackOff: container app ended with exit code 137 (OOMKilled), 7 restarts
        ├─ Log         web-2, container app, before its last restart; last 2 lines:
        │              │ loading 9 GiB
        │              │ low on memory
        ├─ Events      2d1h ago, 6 times: web-2 BackOff: Back-off restarting failed container app
        └─ Changed     image app: 1.26 -> 1.27 (revision 2 against 1)
        hint: put the earlier template back with: kubectl pets rollout undo web -n x
        """
    )
    assert "Log " not in shown(120, 40, "status", "web", "--logs", "0", **place).text


def test_where_all_is_well_only_the_nodes_are_asked_for_besides(server: Loopback, place: dict[str, str]) -> None:
    put_set(server.world, "web")
    assert shown(120, 40, "status", "web", **place).code == 0
    asked = {request.path.rpartition("/")[2] for request in server.seen}
    nodes = {f"ip-10-0-{number}-17.eu-central-1.compute.internal" for number in range(3)}
    assert asked == {"web", "pods", "controllerrevisions", "persistentvolumeclaims", "version", *nodes}


@pytest.mark.parametrize(("columns", "rows"), SIZES)
@pytest.mark.parametrize("words", [("quorum", "web"), ("quorum", "-A"), ("lost",), ("rollout", "history", "web"), ("rollout", "report", "web")], ids=" ".join)
def test_no_look_wraps(server: Loopback, place: dict[str, str], words: tuple[str, ...], columns: int, rows: int) -> None:
    """Also with messages, names of nodes and numbers of pods that are longer than any line."""
    put_set(server.world, "web", broken="InvalidImageName", replicas=7)
    put_set(server.world, "a-set-with-quite-a-long-name-for-its-kind", partition=2)
    for number, name in ((1, "old"), (2, "new")):
        put_revision(server.world, "web", number, f"registry.example.com/team/with/a/long/path/app:1.2{number}", HASHES[name])
    found = shown(columns, rows, *words, **place)
    assert found.code == 0 and not found.wrapped, found.text
    assert "web" in found.text or words == ("lost",)


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_rules_of_doctor_are_read_whole(server: Loopback, place: dict[str, str], columns: int, rows: int) -> None:
    """A table of all of them that fits, and of each a page that goes on below itself: no sentence of it is cut."""
    found = shown(columns, rows, "doctor", "rules", **place)
    assert found.code == 0 and not found.wrapped and len(found.text.splitlines()) == len(RULES) + 1
    for rule in (Rule.SERVICE_MISSING, Rule.PEERS_DEADLOCK):
        page = shown(columns, rows, "doctor", "explain", rule.value, **place)
        assert page.code == 0 and not page.wrapped and "…" not in page.text
        said = " ".join(page.text.split())
        assert PAGES[rule].why in said and PAGES[rule].mend in said


def put_revision(world: World, owner: str, number: int, image: str, name: str) -> None:
    reference = [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": owner, "uid": f"uid-x-{owner}", "controller": True}]
    world.put(
        "controllerrevisions",
        f"{owner}-{name}",
        labels={"app": owner},
        metadata={"ownerReferences": reference, "creationTimestamp": days_ago(9 - number)},
        revision=number,
        data={"spec": {"template": {"spec": {"containers": [{"name": "app", "image": image}]}}}},
    )
