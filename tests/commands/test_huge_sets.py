"""Whole commands over sets whose numbers somebody typed as large as the API takes them: each costs what it costs for 300 replicas.

Work is counted in calls and in what is printed, not in seconds, so that a loaded machine does not matter.
"""

import json
import sys
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import pytest
import yaml

from kubectl_pets.__main__ import run
from kubectl_pets.errors import ExitCode
from kubectl_pets.session import Session
from tests.cluster.conftest import kubeconfig
from tests.cluster.loopback import Answer, Loopback, World, loopback
from tests.commands.test_windows import put_set
from tests.terminal import FakeTerminal

#: The largest number of a field of type int32.
LARGEST = 2**31 - 1

#: Spec of sets that have eight pods.
HUGE: dict[str, dict[str, Any]] = {
    "a million": {"replicas": 10**6},
    "the most": {"replicas": LARGEST},
    "beyond the range of ordinals": {"replicas": LARGEST, "ordinals": {"start": LARGEST}},
    "in parallel": {"replicas": LARGEST, "podManagementPolicy": "Parallel"},
    "OnDelete": {"replicas": LARGEST, "updateStrategy": {"type": "OnDelete"}},
    "held back": {"replicas": LARGEST, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 10**9}}},
    "a partition beyond all": {"replicas": 10**6, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": LARGEST}}},
    "many down": {"replicas": LARGEST, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "40%"}}},
}

VERBS = (
    "status web",
    "status web -o wide",
    "status web -o json",
    "list -A",
    "list -A -o json",
    "quorum web",
    "quorum web -o json",
    "scale web --replicas 5 --plan",
    "scale web --replicas 100000 --plan -o json",
    "partition web",
    "partition web -o json",
    "partition web 3 --dry-run=client",
    "rollout run web --image app:2 --step 1 --dry-run=client",
    "rollout run web --image app:2 --step 10% --dry-run=client -o json",
    "rollout restart web --dry-run=client",
    "rollout unstick web --dry-run=client",
    "rollout abort web --dry-run=client",
)


class Run(NamedTuple):
    code: int
    #: Functions of Python's and of C's that were called in this thread, and what went through generators.
    calls: int
    stdout: str
    stderr: str


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read of one set is read by this thread, however long the server took to answer first."""
    monkeypatch.setattr("kubectl_pets.cluster.http.transport._NEAR", 600.0)


def put(world: World, spec: dict[str, Any]) -> None:
    put_set(world, "web", replicas=8)
    found = world.get("statefulsets", "web")
    assert found is not None
    found["spec"] |= {"serviceName": "web"} | spec


def one(words: str, spec: dict[str, Any], folder: Path) -> Run:
    number = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal number
        number += event in ("call", "c_call")

    with loopback() as server:
        put(server.world, spec)
        _answer_autoscalers(server)
        path = folder / "kubeconfig.yaml"
        path.write_text(yaml.safe_dump(kubeconfig(server.url, context={"namespace": "x"})), encoding="utf-8")
        terminal = FakeTerminal()
        session = Session(terminal=terminal)
        sys.setprofile(count)
        try:
            code = run(["--kubeconfig", str(path), *words.split()], session)
        finally:
            sys.setprofile(None)
    return Run(code, number, terminal.stdout_text, terminal.stderr_text)


def _answer_autoscalers(server: Loopback) -> None:
    body = json.dumps({"kind": "HorizontalPodAutoscalerList", "apiVersion": "autoscaling/v2", "metadata": {}, "items": []})
    server.fault(Answer(200, body.encode()), times=2, path="horizontalpodautoscalers")


@pytest.mark.parametrize("words", VERBS)
def test_a_command_costs_what_it_costs_for_a_few_hundred(words: str, tmp_path: Path) -> None:
    one(words, {"replicas": 300}, tmp_path)  # what is loaded, and compiled, once
    few = one(words, {"replicas": 300}, tmp_path)
    assert few.code != ExitCode.FAILED and few.calls > 1000, few
    for case, spec in HUGE.items():
        many = one(words, spec, tmp_path)
        assert many.code in (few.code, *_ENDINGS), (case, many)
        assert many.calls <= 2 * few.calls, case  # numbers are longer, and widths are told a character at a time
        assert len(many.stdout) + len(many.stderr) <= 3 * (len(few.stdout) + len(few.stderr)) + 1000, case


#: How such a set may stand, or why a step is refused.
_ENDINGS = (ExitCode.OK, ExitCode.NOT_YET, ExitCode.STUCK, ExitCode.REFUSED)


def test_a_document_tells_all_pods_as_runs(tmp_path: Path) -> None:
    for case, spec in HUGE.items():
        document = json.loads(one("status web -o json", spec, tmp_path).stdout)
        pods = document["status"]["pods"]
        assert sum(each["count"] for each in pods) == spec["replicas"], case
        assert len(pods) < 150, case


@pytest.mark.parametrize(
    "words",
    [
        "scale web --replicas 2147483648 --plan",
        "scale web --replicas 99999999999999999999999999 --plan",
        "partition web 2147483648 --dry-run=client",
        "partition web 99999999999999999999999999 --dry-run=client",
        "rollout run web --image app:2 --step 99999999999999999999999999% --dry-run=client",
        "rollout run web --image app:2 --canary -99999999999999999999 --dry-run=client",
    ],
)
def test_numbers_beyond_what_the_field_takes_are_wrong_usage(words: str, tmp_path: Path) -> None:
    found = one(words, {"replicas": LARGEST}, tmp_path)
    assert found.code == ExitCode.USAGE, found
    assert "defect" not in found.stderr
