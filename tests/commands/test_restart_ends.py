"""How a restart ends: once it is noted that it is over, nothing that fails later makes a failure of it; and that is not noted before
the gates were asked of its last pod."""

import http.client
import json
from pathlib import Path

import pytest

from tests.commands.middle import Heard, Passing, middle
from tests.commands.plugin import Plugin
from tests.commands.test_restarts_typed_again import _OVER, WAYS

pytestmark = pytest.mark.real

_REFUSED = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 403, "reason": "Forbidden", "message": "not any more"}


@pytest.mark.parametrize("way", WAYS)
def test_a_failure_right_behind_its_last_change(pets: Plugin, tmp_path: Path, way: str) -> None:
    """A right that is taken away just then, as a role that is given for a job: all was done, and noted, and it said that it failed."""
    strategy, more = WAYS[way]
    pets.make("web", strategy=strategy)
    before, over = pets.uids(), list[bytes]()
    with middle(pets.plane, tmp_path) as between:
        forward = between.gate.forward

        def notes(method: str, path: str, headers: dict[str, str], body: bytes) -> http.client.HTTPResponse:
            answer = forward(method, path, headers, body)
            if _OVER in body and answer.status < 300:
                over.append(body)
            return answer

        def refuses(handler: Passing, heard: Heard) -> bool:
            if not over or b'"kubectl-pets/restarted"' in heard.body and b'"kind":"StatefulSet",' in heard.body:
                return False
            handler.answer(Heard(heard.path, 403, "application/json", json.dumps(_REFUSED).encode()))
            return True

        between.gate.forward, between.reading = notes, refuses  # type: ignore[method-assign]
        words = ("rollout", "restart", "web", *more, "-y", "--timeout", "90s")
        ended = pets(*words, expect=0, kubeconfig=between.kubeconfig)
    assert len(over) == 1 and not set(pets.uids().values()) & set(before.values()), ended
    assert "kubectl-pets/restarted" in pets.set()["metadata"]["annotations"], ended


@pytest.mark.parametrize("way", WAYS)
def test_a_gate_that_says_no_to_the_last_pod(pets: Plugin, way: str) -> None:
    """It was noted that it was over first, and who typed it again was told that it had been restarted."""
    strategy, more = WAYS[way]
    pets.make("web", strategy=strategy)
    no_to_the_last = 'test "$KUBECTL_PETS_POD" != web-0'
    gate = ("--gate-cmd", no_to_the_last, "--gate-retries", "0")
    words = ("rollout", "restart", "web", *more, *gate, "-y", "--timeout", "90s")
    for _ in range(2):
        ended = pets(*words, expect=None)
        assert ended.code in (1, 4) and "web-0" in ended.stderr, ended
        assert "kubectl-pets/restarted" not in pets.set()["metadata"]["annotations"], ended
    pets("rollout", "restart", "web", *more, "-y", "--timeout", "90s")
    assert "kubectl-pets/restarted" in pets.set()["metadata"]["annotations"]
