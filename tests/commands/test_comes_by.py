"""Another run of a verb comes by, whole, right before a change of the first one: what was asked for holds then, and is no failure."""

import http.client
import subprocess
from pathlib import Path

import pytest

from tests.commands.middle import middle
from tests.commands.plugin import Plugin, Result

pytestmark = pytest.mark.real


def test_a_resume_that_another_one_was_quicker_with(pets: Plugin, tmp_path: Path) -> None:
    """It takes an annotation off, which counts in no generation: the API server does not say what is wrong with the second one."""
    pets.make("web")
    pets("rollout", "canary", "web", "--image", "app:2", "--timeout", "60s")
    pets("rollout", "pause", "web")
    words = ("rollout", "resume", "web")
    others: list[Result] = []
    with middle(pets.plane, tmp_path) as between:
        forward = between.gate.forward

        def comes_by(method: str, path: str, headers: dict[str, str], body: bytes) -> http.client.HTTPResponse:
            if method == "PATCH" and "dryRun" not in path and not others:
                others.append(pets(*words))
            return forward(method, path, headers, body)

        between.gate.forward = comes_by  # type: ignore[method-assign]
        ended = subprocess.run(pets.command(*words, kubeconfig=between.kubeconfig), capture_output=True, text=True, timeout=120)
    assert len(others) == 1 and ended.returncode == 0 and "rejected" not in ended.stderr, ended.stderr
    assert pets.partition() == 2 and "kubectl-pets/resume-partition" not in pets.set()["metadata"].get("annotations", {})


@pytest.mark.parametrize("staged", (False, True), ids=("before it staged", "after it staged"))
def test_a_canary_that_the_same_one_was_quicker_with(pets: Plugin, tmp_path: Path, staged: bool) -> None:
    """It holds what it was to hold, and was called a partition that somebody had raised, or lowered."""
    pets.make("web")
    words = ("rollout", "canary", "web", "--image", "app:2", "--timeout", "60s")
    others: list[Result] = []
    changes = 0
    with middle(pets.plane, tmp_path) as between:
        forward = between.gate.forward

        def comes_by(method: str, path: str, headers: dict[str, str], body: bytes) -> http.client.HTTPResponse:
            nonlocal changes
            changing = method == "PATCH" and "dryRun" not in path
            if (changes == 1 if staged else changing) and not others:
                others.append(pets(*words))
            answer = forward(method, path, headers, body)
            changes += changing
            return answer

        between.gate.forward = comes_by  # type: ignore[method-assign]
        ended = subprocess.run(pets.command(*words, kubeconfig=between.kubeconfig), capture_output=True, text=True, timeout=120)
    assert len(others) == 1 and ended.returncode == 0, ended.stderr
    assert pets.partition() == 2 and list(pets.images().values()).count("app:2") == 1
