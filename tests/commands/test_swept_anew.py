"""The set is deleted and made anew under the same name between any two requests of a run: nothing is called done that is not, and what was
planned for the old set is not done to the new one.

Each scene is first played undisturbed, which counts its requests; then moments are drawn, so many as KUBECTL_PETS_SWEEP says.
"""

import http.client
import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from threading import Lock
from typing import Any, NamedTuple

import pytest
import yaml

from tests.commands.middle import middle
from tests.commands.plugin import Plugin, Result, manifest
from tests.commands.test_orphans import become, volume_of
from tests.commands.test_resize import make, sizes
from tests.controlplane import Storage

pytestmark = pytest.mark.real

_MOMENTS = int(os.environ.get("KUBECTL_PETS_SWEEP", "3"))
#: What a set is judged by. Once all of it was read, and was true then, nothing tells that it is no more.
_JUDGED = ("/statefulsets", "/pods", "/persistentvolumeclaims")
_NEW = "kubectl-pets.test/new"


class Scene(NamedTuple):
    """A set ``web`` as it begins, what is typed, and what is wrong with how that ended ("" for nothing)."""

    make: Callable[[Plugin], None]
    words: Callable[[Plugin], tuple[str, ...]]
    wrong: Callable[[Plugin, Result], str]


def _text(pets: Plugin, *, new: bool = False, **how: Any) -> str:
    found = yaml.safe_load(manifest("web", policy="Parallel", **how))
    found["metadata"]["annotations"] = {_NEW: "true"} if new else {}
    return json.dumps(found)


def _create(pets: Plugin, text: str) -> None:
    pets.plane.kubectl("create", "-f", "-", "-n", pets.namespace, input=text)


def _ready(pets: Plugin) -> None:
    pets("status", "web", "-w", "--until", "ready", "--timeout", "60s")


def _make(pets: Plugin, **how: Any) -> None:
    _create(pets, _text(pets, **how))
    _ready(pets)


def _live(pets: Plugin) -> Any:
    return pets.set()


def _scaled(pets: Plugin, ended: Result) -> str:
    spec, status = _live(pets)["spec"], _live(pets)["status"]
    if ended.code == 0:
        return "" if (spec["replicas"], status["replicas"]) == (1, 1) else f"called done at {spec['replicas']}, {status['replicas']} pods"
    return "" if spec["replicas"] == 3 and "scaled to" not in ended.stderr else f"the new one has {spec['replicas']}"


def _held(pets: Plugin, ended: Result) -> str:
    partition = _live(pets)["spec"]["updateStrategy"].get("rollingUpdate", {}).get("partition", 0)
    return "" if partition == (2 if ended.code == 0 else 0) else f"partition {partition}"


def _volumes(pets: Plugin) -> dict[str, str]:
    """Of this namespace's claims, which are or were, by name."""
    found = json.loads(pets.plane.kubectl("get", "pv", "-o", "json").stdout)["items"]
    of = [(each["spec"]["claimRef"], each["metadata"]["name"]) for each in found if "claimRef" in each["spec"]]
    return {claim["name"]: volume for claim, volume in of if claim["namespace"] == pets.namespace}


def _deleted_claim(pets: Plugin) -> None:
    _make(pets, claims=True)
    pets.kubectl("scale", "statefulset", "web", "--replicas=2")
    pets.eventually(lambda: len(pets.uids()) == 2, "one is gone")
    become(pets, data_web_0="in-use", data_web_1="in-use", data_web_2="scaled-down")
    name = volume_of(pets, "data-web-2")["metadata"]["name"]
    pets("orphans", "delete", "data-web-2", "-y", "--record", str(pets.plane.directory / "records"))
    phase = ("get", "pv", name, "-o", "jsonpath={.status.phase}")
    pets.eventually(lambda: pets.plane.kubectl(*phase).stdout == "Released", "released")


def _purged(pets: Plugin, ended: Result) -> str:
    left = set(_volumes(pets))
    if not {"data-web-0", "data-web-1"} <= left:
        return f"volumes are gone that nobody named: {sorted(left)}"
    bound = {each["metadata"]["name"]: each["status"]["phase"] for each in pets.get("pvc")["items"]}
    return "" if bound["data-web-0"] == bound["data-web-1"] == "Bound" else f"claims {bound}"


SCENES = {
    "scale down": Scene(_make, lambda pets: ("scale", "web", "--replicas", "1", "-y", "--timeout", "60s"), _scaled),
    "partition up": Scene(_make, lambda pets: ("partition", "web", "2", "-y"), _held),
    "orphans purge": Scene(
        _deleted_claim,
        lambda pets: ("orphans", "purge", _volumes(pets)["data-web-2"], "-y", "--timeout", "60s"),
        _purged,
    ),
}


def _remade(pets: Plugin, alone: bool, text: str) -> None:
    pets.kubectl("delete", "statefulset", "web", "--timeout=60s", "--ignore-not-found", *(("--cascade=orphan",) if alone else ()))
    _create(pets, text)


def play(pets: Plugin, folder: Path, words: tuple[str, ...], moment: int | None, does: Callable[[], object]) -> tuple[Result, list[str]]:
    """The verb, with something done before its request of that number; and its requests."""
    seen: list[str] = []
    lock = Lock()
    with middle(pets.plane, folder) as between:
        forward = between.gate.forward

        def counted(method: str, path: str, headers: dict[str, str], body: bytes) -> http.client.HTTPResponse:
            with lock:
                seen.append(f"{method} {path}")
                if len(seen) - 1 == moment:
                    does()
            return forward(method, path, headers, body)

        between.gate.forward = counted  # type: ignore[method-assign]
        return pets(*words, expect=None, kubeconfig=between.kubeconfig), seen


def sweep(pets: Plugin, folder: Path, scene: Scene, name: str, does: Callable[[int], object], clear: Callable[[], None]) -> None:
    """``does``: what is done before the request of that number."""
    scene.make(pets)
    ended, requests = play(pets, folder, scene.words(pets), None, lambda: None)
    assert ended.code == 0, ended
    moments = Random(name).sample(range(len(requests)), min(_MOMENTS, len(requests)))
    wrong = []
    for moment in moments:
        clear()
        scene.make(pets)
        ended, made = play(pets, folder, scene.words(pets), moment, partial(does, moment))
        told = scene.wrong(pets, ended)
        if told and any(part in each.partition("?")[0] for part in _JUDGED for each in made[moment:]):
            wrong.append(f"before {moment} {made[moment:]}: {told}: {ended}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", SCENES)
def test_a_set_that_is_made_anew_between_any_two_requests(pets: Plugin, tmp_path: Path, name: str) -> None:
    def clear() -> None:
        pets.kubectl("delete", "statefulset,pod,pvc", "--all", "--timeout=60s")

    text = _text(pets, new=True, claims=name == "orphans purge")
    sweep(pets, tmp_path, SCENES[name], name, lambda moment: _remade(pets, moment % 2 == 0, text), clear)


def test_a_resize_of_a_set_that_is_made_anew(pets: Plugin, tmp_path: Path, storage: Storage) -> None:
    """At its old size, and its pods run on: what is called done holds for the new set as well, and there is one always."""
    words = ("resize", "web", "2Gi", "-y", "--timeout", "60s")
    kind = storage.storage_class()
    pods: dict[str, str] = {}

    def begin(pets: Plugin) -> None:
        make(pets, kind)
        pods.update(pets.uids())

    def done() -> str:
        template = pets.set()["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"]
        found = {*sizes(pets).values(), (template, template)}
        return "" if found == {("2Gi", "2Gi")} else f"called done at {found}"

    def wrong(pets: Plugin, ended: Result) -> str:
        if ended.code != 0:
            again = pets(*words, expect=None)
            if again.code != 0:
                return f"typed again: {again}"
        return done() or ("" if pets.uids() == pods else "pods were started again")

    text: list[str] = []

    def first(pets: Plugin) -> None:
        begin(pets)
        live = pets.set()
        metadata = {"name": "web", "annotations": {_NEW: "true"}}
        text.append(json.dumps({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata, "spec": live["spec"]}))

    def clear() -> None:
        pets.kubectl("delete", "statefulset,pod,pvc", "--all", "--timeout=60s")

    scene = Scene(begin, lambda pets: words, wrong)
    first(pets)
    clear()
    sweep(pets, tmp_path, scene, "resize", lambda moment: _remade(pets, True, text[0]), clear)
