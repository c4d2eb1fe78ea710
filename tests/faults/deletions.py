"""Claims under two actors: two runs over one claim at once, stopped, killed and going on at random moments, on real volumes.

Every claim has a file on its volume. Whatever a run called retained has to be there in the end, and no claim may be gone that nobody
meant. Half of the moments are spread over what a run takes, half lie right behind its record, because then comes the volume.
"""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

import yaml

from tests.commands.plugin import manifest
from tests.faults.figures import Outcome
from tests.faults.ground import Ground

#: Of one set; the first one's claim stays in use.
CLAIMS = 7
_BYTES = 4096

#: Who comes while the first run stands still.
_OTHERS = ("delete", "delete", "delete", "restore", "restore", "kubectl", "nobody")


def play(ground: Ground, number: int, rng: Random) -> Outcome:
    """One set with all its claims, one after the other."""
    name = f"claims-{number}"
    outcome = Outcome("claims", number, f"{CLAIMS} claims under two actors", retained=0, lost=0)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        scene = _Claims(ground, name)
        scene.make()
        for ordinal in range(1, CLAIMS + 1):
            duel = _Duel(scene, f"data-{name}-{ordinal}", Path(folder) / str(ordinal), rng, outcome)
            outcome.problems += duel.fight()
        outcome.problems += scene.losses()
        scene.remove()
    outcome.seconds = time.monotonic() - began
    return outcome


class _Claims:
    """A set that was scaled down to one pod, and the files on its volumes."""

    def __init__(self, ground: Ground, name: str) -> None:
        self.ground, self.name = ground, name
        self.files: dict[str, Path] = {}

    def make(self) -> None:
        body = yaml.safe_load(manifest(self.name, replicas=CLAIMS + 1, policy="Parallel", claims=True))
        kubectl, pets = self.ground.plugin.kubectl, self.ground.plugin
        pets.plane.kubectl("create", "-f", "-", "-n", self.ground.namespace, input=json.dumps(body))
        kubectl("wait", f"statefulset/{self.name}", f"--for=jsonpath={{.status.readyReplicas}}={CLAIMS + 1}", "--timeout=120s")
        kubectl("scale", "statefulset", self.name, "--replicas=1")
        kubectl("wait", "pod", "-l", f"app={self.name}", "--for=delete", "--timeout=2s", check=False)
        pets.eventually(lambda: len(pets.get("pods", "-l", f"app={self.name}")["items"]) == 1, "scaled down")
        for claim in pets.get("pvc", "-l", f"app={self.name}")["items"]:
            volume = self.volume(claim["spec"]["volumeName"])
            file = Path(volume["spec"]["hostPath"]["path"]) / "precious"
            file.write_bytes(b"x" * _BYTES)
            self.files[claim["metadata"]["name"]] = file
        pets.eventually(lambda: self._unused() == CLAIMS, "the server noticed which claims are used")

    def _unused(self) -> int:
        claims = self.ground.plugin.get("pvc", "-l", f"app={self.name}")["items"]
        conditions = [each["status"].get("conditions", []) for each in claims]
        return sum(any(c["type"] == "Unused" and c["status"] == "True" for c in found) for found in conditions)

    def volume(self, name: str) -> Any:
        return json.loads(self.ground.plane.kubectl("get", "pv", name, "-o", "json").stdout)

    def losses(self) -> list[str]:
        """Claims that nobody meant."""
        used = f"data-{self.name}-0"
        there = {item["metadata"]["name"] for item in self.ground.plugin.get("pvc", "-l", f"app={self.name}")["items"]}
        return [] if used in there and self.files[used].exists() else [f"{used} was not meant, and is gone"]

    def remove(self) -> None:
        self.ground.plugin.kubectl("delete", "statefulset", self.name, "--wait=false")


class _Duel:
    """One claim: a first run that is stopped, somebody else meanwhile, and the first one going on or killed."""

    def __init__(self, scene: _Claims, claim: str, folder: Path, rng: Random, outcome: Outcome) -> None:
        self._scene, self._claim, self._folder, self._rng, self._outcome = scene, claim, folder, rng, outcome
        self._said: list[str] = []
        self._told: list[str] = []

    def fight(self) -> list[str]:
        first = self._start("delete", self._claim, "--record", str(self._folder / "first"))
        self._stop(first, self._folder / "first")
        other = self._rng.choice(_OTHERS)
        self._told.append(f"then {other}")
        self._other(other)
        if first.poll() is None and self._rng.random() < 0.25:
            first.kill()
            self._outcome.kills += 1
            self._told.append("the first killed")
        else:
            first.send_signal(signal.SIGCONT)
        self._end(first)
        time.sleep(1.0)  # controllers see it
        return self._judge()

    def _start(self, *words: str) -> "subprocess.Popen[str]":
        agrees = ("-y",) if words[0] == "delete" else ()
        return self._scene.ground.start(("orphans", *words, *agrees))

    def _stop(self, process: "subprocess.Popen[str]", folder: Path) -> None:
        """At a moment before it ends, if it is not faster."""
        by_record = self._rng.random() < 0.5
        pause = self._rng.uniform(0, 1.0 if by_record else 5.0)
        while by_record and process.poll() is None and not list(folder.glob("*.json")):
            time.sleep(0.005)
        end = time.monotonic() + pause
        while process.poll() is None and time.monotonic() < end:
            time.sleep(0.005)
        if process.poll() is None:
            process.send_signal(signal.SIGSTOP)
            self._outcome.faults += 1
            self._told.append(f"stopped {pause:.3f} s after its {'record' if by_record else 'start'}")

    def _other(self, other: str) -> None:
        if other == "nobody":
            return
        if other == "kubectl":
            self._scene.ground.plugin.kubectl("delete", "pvc", self._claim, "--ignore-not-found", "--timeout=20s", check=False)
            return
        records = [str(path) for path in sorted(self._folder.rglob("*.json"))]
        if other == "restore" and records:
            self._end(self._start("restore", *records))
            return
        second = self._start("delete", self._claim, "--record", str(self._folder / "second"))
        if self._rng.random() < 0.3:
            self._stop(second, self._folder / "second")
            second.send_signal(signal.SIGKILL if self._rng.random() < 0.5 else signal.SIGCONT)
        self._end(second)

    def _end(self, process: "subprocess.Popen[str]") -> None:
        ended = self._scene.ground.finish(process, time.monotonic())
        self._outcome.retypes += 1
        self._said.append(ended.stdout)
        self._told.append(f"{ended.code}: {(ended.stdout + ended.stderr).strip()[:300]}")
        if ended.code == 124:
            self._said.append("no end")

    def _judge(self) -> list[str]:
        """Retained means that the file is there, and that it comes back; restored, that it is back or was deleted again."""
        retained = any("data retained" in said for said in self._said)
        back = any(said.startswith("restored ") for said in self._said)
        file = self._scene.files[self._claim]
        lost = 0 if file.exists() and file.stat().st_size == _BYTES else _BYTES
        if retained or back:
            self._outcome.retained = (self._outcome.retained or 0) + _BYTES
            self._outcome.lost = (self._outcome.lost or 0) + lost
        problems = [f"{self._claim} {'retained' if retained else 'restored'}, {lost} bytes lost"] if lost and (retained or back) else []
        problems += ["never ended"] if "no end" in self._said else []
        return [f"{each}: {' | '.join(self._told)}" for each in problems]
