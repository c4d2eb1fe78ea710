"""Verbs that delete, bring back, destroy, scale and make again, whose requests are answered by something else than the server.

They may fail or refuse, and are typed again for as long as something comes between; then what was asked for holds, or cannot be
any more because it was done before. What is called done holds, no claim is gone that nobody meant, and no byte that was to stay.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import yaml

from tests.commands.plugin import Plugin, manifest
from tests.controlplane.credentials import ADMIN
from tests.faults import remaking
from tests.faults.draws import ANSWERS, Faults
from tests.faults.figures import Outcome
from tests.faults.ground import Ended, Ground
from tests.faults.proxy import proxy

_SHARES = (0.05, 0.15, 0.3)
_BYTES = 4096
_MEANT, _KEPT = ("data-web-2", "data-web-1"), ("data-web-0", "data-other-0", "data-other-1", "data-zero-0")


class Deed(NamedTuple):
    """What is typed, and whether it holds."""

    words: tuple[str, ...]
    holds: Callable[[], bool]
    #: Claims that stay, and files that do.
    claims: tuple[str, ...] = _KEPT
    files: tuple[str, ...] = (*_MEANT, *_KEPT)


class _Estate:
    """Set ``web``, scaled down from three to one, ``other`` of two and ``zero`` at none, with a file on each volume."""

    def __init__(self, pets: Plugin, folder: Path) -> None:
        self.pets, self.folder = pets, folder
        self.files: dict[str, Path] = {}
        self.volumes: dict[str, str] = {}
        self.uids: dict[str, str] = {}

    def make(self) -> None:
        for name, replicas in (("web", 3), ("other", 2), ("zero", 1)):
            body = yaml.safe_load(manifest(name, replicas=replicas, policy="Parallel", claims=True))
            self.pets.plane.kubectl("create", "-f", "-", "-n", self.pets.namespace, input=json.dumps(body))
        for name, replicas in (("web", 3), ("other", 2), ("zero", 1)):
            self.pets.kubectl("wait", f"statefulset/{name}", f"--for=jsonpath={{.status.availableReplicas}}={replicas}", "--timeout=120s")
        for claim in self.pets.get("pvc")["items"]:
            name, volume = claim["metadata"]["name"], claim["spec"]["volumeName"]
            self.volumes[name], self.uids[name] = volume, claim["metadata"]["uid"]
            self.files[name] = Path(self.volume(name)["spec"]["hostPath"]["path"]) / "precious"
            self.files[name].write_bytes(b"x" * _BYTES)
        self.pets.kubectl("scale", "statefulset", "web", "--replicas=1")
        self.pets.kubectl("scale", "statefulset", "zero", "--replicas=0")
        self.pets.eventually(lambda: self._unused() == {*_MEANT, "data-zero-0"}, "the server noticed which claims are used")

    def _unused(self) -> set[str]:
        found = self.pets.get("pvc")["items"]
        return {
            each["metadata"]["name"]
            for each in found
            if any(c["type"] == "Unused" and c["status"] == "True" for c in each["status"].get("conditions", []))
        }

    def volume(self, claim: str) -> Any:
        found = self.pets.plane.kubectl("get", "pv", self.volumes[claim], "-o", "json", "--ignore-not-found").stdout
        return json.loads(found) if found else None

    def claim(self, name: str) -> Any:
        found = self.pets.kubectl("get", "pvc", name, "-o", "json", "--ignore-not-found")
        return json.loads(found) if found else None

    def deleted(self) -> None:
        """The claims that are meant are gone by now, and their volumes are left."""
        self.pets("orphans", "delete", *_MEANT, "-y", "--record", str(self.folder))
        self.pets.eventually(lambda: all(self.volume(each)["status"]["phase"] == "Released" for each in _MEANT), "released")

    def retained(self, names: tuple[str, ...] = _MEANT) -> bool:
        volumes = [self.volume(each) for each in names]
        kept = all(each is not None and each["spec"]["persistentVolumeReclaimPolicy"] == "Retain" for each in volumes)
        return kept and all(self.claim(each) is None for each in names)

    def back(self) -> bool:
        claims = [self.claim(each) for each in _MEANT]
        return all(
            each is not None and each["status"]["phase"] == "Bound" and each["spec"]["volumeName"] == self.volumes[name]
            for each, name in zip(claims, _MEANT, strict=True)
        )

    def runs(self, replicas: int) -> bool:
        found = self.pets.set()
        return bool(found["spec"]["replicas"] == replicas == found["status"].get("availableReplicas", 0) == found["status"]["replicas"])


def _delete(estate: _Estate) -> Deed:
    """One claim: typed again with one of two that is gone it deletes none."""
    meant, other = _MEANT[:1], _MEANT[1]
    return Deed(("orphans", "delete", *meant, "-y", "--record", str(estate.folder)), lambda: estate.retained(meant), claims=(other, *_KEPT))


def _delete_of_a_class(estate: _Estate) -> Deed:
    words = ("orphans", "delete", "--class", "scaled-down", "--class", "set-gone", "--fresh", "-y", "--record", str(estate.folder))
    return Deed(words, estate.retained)


def _restore(estate: _Estate) -> Deed:
    estate.deleted()
    return Deed(("orphans", "restore", *(str(each) for each in estate.folder.rglob("*.json"))), estate.back)


def _adopt(estate: _Estate) -> Deed:
    estate.deleted()
    words = ("orphans", "adopt", *(estate.volumes[each] for each in reversed(_MEANT)), "--as", "web", "-y")
    return Deed(words, estate.back)


def _purge(estate: _Estate) -> Deed:
    estate.deleted()
    left = _MEANT[1]
    words = ("orphans", "purge", estate.volumes[_MEANT[0]], "-y", "--timeout", "60s")
    return Deed(words, lambda: estate.volume(_MEANT[0]) is None and estate.retained((left,)), files=(left, *_KEPT))


def _scale_up(estate: _Estate) -> Deed:
    return Deed(("scale", "web", "--replicas", "3", "--settle", "0", "-y"), lambda: estate.runs(3))


def _scale_down(estate: _Estate) -> Deed:
    estate.pets.kubectl("scale", "statefulset", "web", "--replicas=3")
    estate.pets.kubectl("wait", "statefulset/web", "--for=jsonpath={.status.availableReplicas}=3", "--timeout=120s")
    return Deed(("scale", "web", "--replicas", "1", "--settle", "0", "-y"), lambda: estate.runs(1))


DEEDS: dict[str, Callable[[_Estate], Deed]] = {
    "orphans delete": _delete,
    "orphans restore": _restore,
    "orphans delete --class": _delete_of_a_class,
    "orphans purge": _purge,
    "orphans adopt": _adopt,
    "scale up": _scale_up,
    "scale down": _scale_down,
}

#: Made again, with or without claims that grow.
REMADE = {"recreate": False, "resize": True}

KINDS = (*DEEDS, *REMADE)


def play(ground: Ground, number: int, rng: Random) -> Outcome:
    """One namespace, one verb."""
    kind = KINDS[number % len(KINDS)]
    outcome = Outcome("mistaken", number, kind, retained=0, lost=0)
    began = time.monotonic()
    own = Ground(ground.plane, f"mistaken-{number}-{ground.new_name().removeprefix('quiet-')}")
    ground.plane.create_namespace(own.namespace)
    faults = Faults(f"{rng.random()}", rng.choice(_SHARES), draws=ANSWERS)
    if kind in REMADE:
        _remade(own, outcome, faults, grows=REMADE[kind])
    else:
        with tempfile.TemporaryDirectory() as folder:
            _done(own, outcome, faults, DEEDS[kind], Path(folder))
    if outcome.problems:
        outcome.problems.append(f"faults: {', '.join(faults.met)}")
    outcome.faults = len(faults.met)
    ground.plane.delete_namespace(own.namespace)
    outcome.seconds = time.monotonic() - began
    return outcome


def _typed(ground: Ground, words: tuple[str, ...], faults: Faults, outcome: Outcome, judge: Callable[[Ended], str]) -> list[str]:
    """Typed until it is done, or nothing came between; what each one said. ``judge``: what is wrong with an ending."""
    said, met = [], -1
    with proxy(ground.plane, faults) as server:
        done = False
        while met < len(faults.met) and not done:
            met = len(faults.met)
            ended = ground.type(words, ground.plane.kubeconfig_for(ADMIN, server.port))
            outcome.codes.append(ended.code)
            done = ended.code == 0 and not _left_some(ended)
            said.append(f"{ended.code}: {' | '.join((ended.stdout + ended.stderr).splitlines()[-3:])}")
            wrong = judge(ended)
            if wrong:
                outcome.problems.append(f"{wrong}: {said[-1]}")
    outcome.retypes = len(said) - 1
    return said


def _left_some(ended: Ended) -> bool:
    """Of claims that nobody named some were no candidates any more when their turn came, which is told."""
    return "] refused: " in ended.stderr


def _done(ground: Ground, outcome: Outcome, faults: Faults, make: Callable[[_Estate], Deed], folder: Path) -> None:
    estate = _Estate(ground.plugin, folder)
    estate.make()
    deed = make(estate)

    def judge(ended: Ended) -> str:
        if ended.code == 0:
            return "" if deed.holds() or _left_some(ended) else "says it is done"
        return "" if ended.code in (1, 3, 5, 6) else "an exit code for nothing"

    said = _typed(ground, deed.words, faults, outcome, judge)
    time.sleep(1.0)  # controllers see it
    if not deed.holds():
        outcome.problems.append("what was asked for does not hold")
    gone = [each for each in deed.claims if (estate.claim(each) or {"metadata": {"uid": ""}})["metadata"]["uid"] != estate.uids[each]]
    outcome.problems += [f"{each} was not meant, and is gone" for each in gone]
    outcome.retained = _BYTES * len(deed.files)
    outcome.lost = sum(_BYTES - (estate.files[each].stat().st_size if estate.files[each].exists() else 0) for each in deed.files)
    outcome.problems += [f"{outcome.lost} bytes lost"] if outcome.lost else []
    if outcome.problems:
        outcome.problems.append(f"one after the other: {' || '.join(said)}")


def _remade(ground: Ground, outcome: Outcome, faults: Faults, *, grows: bool) -> None:
    scene = remaking.Scene(ground, outcome, grows=grows)
    scene.make()
    said = _typed(ground, scene.words, faults, outcome, lambda ended: "" if ended.code in (0, 1, 6) else "an exit code for nothing")
    outcome.problems += scene.problems()
    if outcome.problems:
        outcome.problems.append(f"one after the other: {' || '.join(said)}")
