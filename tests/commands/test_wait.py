"""wait and rollout status: what is waited for, with which end, and never a set that has fallen back; with kubectl's own end beside ours."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import cast

import pytest

from kubectl_pets.__main__ import run
from kubectl_pets.domain.model import Around, SetView
from kubectl_pets.domain.rollout.asking import Questions
from kubectl_pets.domain.rollout.evidence import Answers, Clues
from kubectl_pets.domain.sets.kinds import APPS_SET, SetKind
from kubectl_pets.session import Cluster, Session
from tests.commands.plugin import Plugin
from tests.domain.builders import NEW, NOW, pod, snapshot, statefulset, unready
from tests.terminal import FakeTerminal

UP = snapshot(statefulset(), pod(0, NEW), pod(1, NEW), pod(2, NEW))
DOWN = snapshot(statefulset(), pod(0, NEW), pod(1, NEW), unready(2, NEW))


class Several:
    """A cluster of sets, each of which goes through its scenes: one is over whenever the set is looked at by name or waited for."""

    namespace = "prod"

    def __init__(self, **scenes: list[SetView]) -> None:
        self.scenes = scenes
        self.followed: list[str] = []

    def now(self) -> datetime:
        return NOW

    def close(self) -> None:
        """Nothing is open."""

    def around(self, asked: Sequence[tuple[str, Questions]]) -> tuple[Around, ...]:
        return (Around(),) * len(asked)

    def node_names(self) -> frozenset[str] | None:
        return None

    def evidence(self, asked: Clues) -> Answers:
        return Answers()

    def set_view(self, namespace: str, name: str, kind: SetKind = APPS_SET) -> SetView:
        self.next(name)
        return self.scenes[name][0]

    def watch_set(self, namespace: str, name: str, kind: SetKind = APPS_SET) -> "Source":
        self.followed.append(name)
        return Source(self, name)

    def next(self, name: str) -> None:
        if len(self.scenes[name]) > 1:
            del self.scenes[name][0]


class Source:
    """The watches of one of them."""

    def __init__(self, cluster: Several, name: str) -> None:
        self._cluster, self._name = cluster, name

    def __enter__(self) -> "Source":
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing is open."""

    def latest(self) -> SetView:
        return self._cluster.scenes[self._name][0]

    def refresh(self) -> SetView:
        return self.latest()

    def just_read(self) -> bool:
        return False

    def wait(self, timeout: float | None) -> bool:
        self._cluster.next(self._name)
        return True

    def trouble(self) -> str | None:
        return None


def waited(cluster: Several, *words: str) -> tuple[int, str]:
    terminal = FakeTerminal()
    code = run(words, Session(terminal=terminal, connect=lambda flags: cast(Cluster, cluster)))
    return code, terminal.stdout_text


def test_several_sets_have_to_be_there_at_the_same_time() -> None:
    """The first one falls back while the second is waited for: it is waited for again, and the second is not."""
    cluster = Several(a=[UP, DOWN, UP], b=[DOWN, UP])
    code, told = waited(cluster, "wait", "a", "b", "--for", "available", "-o", "json")
    assert code == 0 and cluster.followed == ["a", "b", "a"]
    assert [each["status"]["available"] for each in json.loads(told)["items"]] == [3, 3]


def test_the_first_that_does_not_come_to_it_ends_it() -> None:
    broken = snapshot(statefulset(), pod(0, NEW), pod(1, NEW), pod(2, NEW, ready=False, waiting="InvalidImageName"))
    cluster = Several(a=[broken], b=[UP])
    assert waited(cluster, "wait", "a", "b", "--for", "complete")[0] == 4 and cluster.followed == ["a"]
    assert waited(cluster, "wait", "a", "b", "--for", "quorum")[0] == 0, "two of three are a majority"


def test_what_is_paused_is_waited_on_and_what_may_not_be_read_is_not() -> None:
    staged = snapshot(statefulset(partition=3), pod(0), pod(1), pod(2))
    assert waited(Several(a=[staged, UP]), "wait", "a", "--for", "complete")[0] == 0
    unreadable = SetView(set=statefulset(), pods=None)
    assert waited(Several(a=[unreadable]), "wait", "a", "--for", "available")[0] == 3


@pytest.mark.parametrize(("partition", "pods", "said"), [(2, (pod(0), pod(1), pod(2, NEW)), "1 new pods"), (3, (pod(0), pod(1), pod(2)), "0 new pods")])
def test_rollout_status_of_a_partition_ends_as_kubectl_s_does(partition: int, pods: tuple[object, ...], said: str) -> None:
    view = snapshot(statefulset(partition=partition), *pods)  # type: ignore[arg-type]
    for words, code in ((("rollout", "status", "a"), 0), (("rollout", "status", "a", "--watch=false"), 0), (("status", "a", "-w"), 3)):
        terminal = FakeTerminal()
        assert run(words, Session(terminal=terminal, connect=lambda flags: cast(Cluster, Several(a=[view])))) == code
        told = f"partitioned roll out complete: {said} have been updated..."
        assert (told in terminal.stderr_text) is (code == 0), terminal.stderr_text
        assert (f"held back by partition {partition}" in terminal.stderr_text) is (code == 0)


@pytest.mark.parametrize("words", [("wait", "web"), ("wait", "--for", "complete"), ("wait", "web", "--for", "condition=Ready"), ("wait", "web", "-l", "a=b", "--for", "complete"), ("wait", "web", "--for", "resolved", "-o", "jsonl"), ("rollout", "status", "web", "--watch=false", "--timeout", "1s"), ("rollout", "history", "web", "db", "--revision", "1"), ("rollout", "diff", "web", "1", "2", "3")])
def test_what_cannot_be_meant(words: tuple[str, ...]) -> None:
    terminal = FakeTerminal()
    assert run(words, Session(terminal=terminal, connect=lambda flags: cast(Cluster, Several(web=[UP])))) == 2


# --- on the real control plane -----------------------------------------------------------------------------------------------


@pytest.mark.real
def test_each_of_them_on_the_real_control_plane(pets: Plugin) -> None:
    pets.make("web", wait=False)
    pets("wait", "web", "--for", "quorum", "--timeout", "90s")
    pets("wait", "web", "--for", "available", "--timeout", "90s")
    pets.make("db", image="app:1", strategy="{type: RollingUpdate, rollingUpdate: {partition: 2}}")
    pets.kubectl("set", "image", "statefulset/db", "app=app:2")
    pets("wait", "db", "--for", "canary", "--timeout", "90s")
    assert pets.images("db") == {"db-0": "app:1", "db-1": "app:1", "db-2": "app:2"}
    printed = json.loads(pets("wait", "db", "web", "--for", "available", "--timeout", "90s", "-o", "json").stdout)
    assert printed["kind"] == "RolloutStatusList" and len(printed["items"]) == 2
    assert pets("wait", "-l", "app", "--for", "available", "--timeout", "1s", expect=1).stderr.startswith("error: no StatefulSet is selected")
    pets("wait", "db", "--for", "complete", "--timeout", "1s", expect=5)
    pets("wait", "nobody", "--for", "available", "--timeout", "1s", expect=1)
    pets.kubectl("set", "image", "statefulset/web", "app=app:broken")
    pets("wait", "web", "--for", "complete", "--timeout", "90s", expect=4)


@pytest.mark.real
@pytest.mark.parametrize(
    "strategy", ["{type: OnDelete}", "{type: RollingUpdate, rollingUpdate: {partition: 2}}", "{type: RollingUpdate, rollingUpdate: {partition: 3}}", "{type: RollingUpdate}"]
)
def test_rollout_status_ends_where_kubectl_s_ends(pets: Plugin, strategy: str) -> None:
    """kubectl's words and its exit code, asked of the real one."""
    pets.make("web", strategy=strategy)
    pets.kubectl("set", "image", "statefulset/web", "app=app:2")
    kubectl = pets.plane.kubectl("rollout", "status", "statefulset/web", "--timeout=90s", "-n", pets.namespace, check=False)
    ours = pets("rollout", "status", "web", "--timeout", "90s", expect=kubectl.returncode)
    if strategy != "{type: RollingUpdate}":
        said = (kubectl.stderr or kubectl.stdout).strip().splitlines()[-1]
        assert said in ours.stderr and "(so says kubectl; " in ours.stderr, (said, ours.stderr)
    looked = pets("rollout", "status", "web", "--watch=false", expect=kubectl.returncode)
    assert looked.stdout.startswith(f"{pets.namespace}/web")


@pytest.mark.real
def test_several_histories_and_differences(pets: Plugin) -> None:
    for name in ("web", "db"):
        pets.make(name, replicas=1)
        pets.kubectl("label", "statefulset", name, "tier=one")
        pets.kubectl("set", "image", f"statefulset/{name}", "app=app:2")
    pets("wait", "web", "db", "--for", "complete", "--timeout", "90s")
    shown = pets("rollout", "history", "-l", "tier=one").stdout
    assert shown.index(f"{pets.namespace}/db\n") < shown.index(f"{pets.namespace}/web\n") and shown.count("REVISION") == 2
    listed = json.loads(pets("rollout", "history", "web", "db", "-o", "json").stdout)
    assert listed["kind"] == "RolloutHistoryList"
    assert [(each["metadata"]["name"], len(each["revisions"])) for each in listed["items"]] == [("web", 2), ("db", 2)]
    different = pets("rollout", "diff", "web", "1", "2", "db", "1", expect=1).stdout
    assert "--- web revision 1" in different and "--- db revision 1" in different and different.count("app:2") == 2
    pets("rollout", "diff", "web", "2", "db", "2")
