"""Something happens between any two requests of ``lost --force-delete``: the node is back, the set is made anew under the same name, the pod
is another one. No other pod than the one that was agreed to is forced out, and nothing is called done that is not.

So many moments are drawn as KUBECTL_PETS_SWEEP says.
"""

import http.client
import json
import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.commands.middle import middle
from tests.commands.plugin import Plugin, Result
from tests.commands.test_lost import _lose, _place, node  # noqa: F401 (a fixture)

pytestmark = pytest.mark.real

_MOMENTS = int(os.environ.get("KUBECTL_PETS_SWEEP", "2"))
_READY = '{.status.conditions[?(@.type=="Ready")].status}'


def answers(pets: Plugin, name: str) -> bool:
    return pets.plane.kubectl("get", "node", name, "-o", f"jsonpath={_READY}").stdout == "True"


def back(pets: Plugin, name: str) -> None:
    pets.plane.wake_node(name)
    pets.eventually(lambda: answers(pets, name), "it answers")


def set_anew(pets: Plugin, name: str, *, alone: bool) -> None:
    live = pets.set()
    spec = {key: value for key, value in live["spec"].items()}
    made = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "web"}, "spec": spec}
    pets.kubectl("delete", "statefulset", "web", "--timeout=60s", *(("--cascade=orphan",) if alone else ()))
    pets.plane.kubectl("create", "-f", "-", "-n", pets.namespace, input=json.dumps(made))


def pod_replaced(pets: Plugin, name: str) -> None:
    """By somebody who was faster; the new one finds no node."""
    before = pets.uids().get("web-0")
    pets.kubectl("delete", "pod", "web-0", "--force", "--grace-period=0", check=False)
    pets.eventually(lambda: pets.uids().get("web-0") not in (None, before), "there is another one")


EVENTS: dict[str, Callable[[Plugin, str], None]] = {
    "node back": back,
    "set made anew around its pods": lambda pets, name: set_anew(pets, name, alone=True),
    "set made anew": lambda pets, name: set_anew(pets, name, alone=False),
    "pod replaced": pod_replaced,
}


def forced(pets: Plugin, folder: Path, name: str, happens: Callable[[int], object]) -> tuple[Result, list[str], list[Any]]:
    """How it ended, its requests, and what it asked to be deleted."""
    seen: list[str] = []
    deletions: list[Any] = []
    with middle(pets.plane, folder) as between:
        forward = between.gate.forward

        def counted(method: str, path: str, headers: dict[str, str], body: bytes) -> http.client.HTTPResponse:
            seen.append(f"{method} {path}")
            happens(len(seen) - 1)
            answer = forward(method, path, headers, body)
            if method == "DELETE":
                deletions.append((json.loads(body)["preconditions"], answer.status))
            return answer

        between.gate.forward = counted  # type: ignore[method-assign]
        words = ("lost", "web", "--force-delete", "web-0")
        ended = pets(*words, expect=None, interactive=True, answers=f"{name}\n", kubeconfig=between.kubeconfig)
    return ended, seen, deletions


@pytest.mark.timeout(900)
@pytest.mark.parametrize("event", EVENTS)
def test_between_any_two_requests(pets: Plugin, tmp_path: Path, node: str, event: str) -> None:  # noqa: F811
    def begin() -> str:
        pets.plane.wake_node(node)
        pets.kubectl("delete", "statefulset,pod", "--all", "--force", "--grace-period=0", check=False)
        _place(pets)
        _lose(pets, node)
        return pets.uids()["web-0"]

    lost = begin()
    ended, requests, deletions = forced(pets, tmp_path, node, lambda moment: None)
    assert ended.code == 0 and [(each["uid"], status) for each, status in deletions] == [(lost, 200)], (ended, deletions)
    for moment in Random(event).sample(range(len(requests)), min(_MOMENTS, len(requests))):
        lost, happened = begin(), list[str]()

        def happens(number: int, moment: int = moment, happened: list[str] = happened) -> None:
            if number == moment:
                EVENTS[event](pets, node)
                happened.append(pets.uids().get("web-0", ""))

        ended, made, deletions = forced(pets, tmp_path, node, happens)
        told = f"before {moment} of {made}: {ended}, {deletions}"
        assert {each["uid"] for each, _ in deletions} <= {lost}, told
        there = pets.uids().get("web-0", "")
        if happened and happened[0] not in ("", lost):
            assert there == happened[0], f"the other one is gone: {told}"
        if ended.code == 0:
            assert there != lost and (not happened or event != "node back"), told
        else:
            assert ended.code in (1, 6), told
            is_gone = any(status == 200 for _, status in deletions)
            assert ("was forced out" in ended.stdout) == is_gone, told
        if "Nothing was changed" in ended.stderr:
            assert not any(status == 200 for _, status in deletions), told
