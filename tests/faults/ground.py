"""Where rounds are played: a namespace of a control plane, sets brought to where a case begins, and what a case costs undisturbed."""

from __future__ import annotations

import os
import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import yaml

from tests.commands.plugin import Plugin, manifest
from tests.controlplane import ControlPlane
from tests.controlplane.api import ApiError
from tests.faults import reading
from tests.faults.audit import Audit
from tests.faults.cases import APPS, BROKEN, MINIMUM, NEW, OLD, REPLICAS, Begin, Case
from tests.faults.observer import Observer, api_of, set_path
from tests.faults.reading import View

#: Long enough that a pod is met on its way up.
_READY_AFTER = "300ms"

#: On its way down, too.
_DELETE_AFTER = "100ms"

_PATIENCE = 180.0

#: When a restart was over, and of which pods.
_RESTARTED = "kubectl-pets/restarted"

#: Lines of what the program said at last, and of what the interpreter says when it crashes.
_SAID, _CRASHED = 4, 60

T = TypeVar("T")


class Ended(NamedTuple):
    """A process of the program that came to its end."""

    code: int
    stdout: str
    stderr: str
    seconds: float
    #: On the monotonic clock.
    at: float


class Cost(NamedTuple):
    """What a case takes when nothing disturbs it: seconds, and changes."""

    seconds: float
    changes: int


class Ground:
    """One namespace. Used by several threads, each with sets of its own."""

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        self.plane, self.namespace = plane, namespace
        self.plugin = Plugin(plane, namespace)
        self._figures: dict[tuple[str, Case], Any] = {}
        self._locks: dict[tuple[str, Case], threading.Lock] = {}
        self._guard = threading.Lock()

    def start(self, words: tuple[str, ...], kubeconfig: Path | None = None) -> "subprocess.Popen[str]":
        """The program as a process; nothing of the user's own is read or written. Should the interpreter itself crash, it says where."""
        command = self.plugin.command(*words, kubeconfig=kubeconfig)
        environ = {**os.environ, **self.plane.environment(), "PYTHONFAULTHANDLER": "1"}
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ)

    def finish(self, process: "subprocess.Popen[str]", began: float) -> Ended:
        """Wait for it. A process that never ends is killed, and told by the code that a timeout has in shells."""
        try:
            stdout, stderr = process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            stdout, stderr = process.communicate()
            return Ended(124, stdout, f"no end after {_PATIENCE:.0f} s: {stderr}", _PATIENCE, time.monotonic())
        now = time.monotonic()
        return Ended(process.returncode, stdout, stderr, now - began, now)

    def type(self, words: tuple[str, ...], kubeconfig: Path | None = None) -> Ended:
        began = time.monotonic()
        return self.finish(self.start(words, kubeconfig), began)

    def new_name(self) -> str:
        return f"quiet-{random.getrandbits(32):08x}"

    def once(self, what: str, case: Case, measure: Callable[[], T]) -> T:
        """A figure of a case, measured by whoever needs it first."""
        with self._guard:
            lock = self._locks.setdefault((what, case), threading.Lock())
        with lock:
            if (what, case) not in self._figures:
                self._figures[what, case] = measure()
            found: T = self._figures[what, case]
            return found

    def cost(self, case: Case) -> Cost:
        return self.once("cost", case, lambda: self._measured(case))

    def _measured(self, case: Case) -> Cost:
        name = self.new_name()
        with self.scene(case, name) as scene:
            ended = self.type(case.words(name))
            problems = scene.problems(case, ended)
            if problems:
                raise AssertionError(f"undisturbed, {case}: {problems}")
            return Cost(ended.seconds, len(scene.audit.changes()))

    @contextmanager
    def scene(self, case: Case, name: str, spec: str = "containers:", ready_after: str = _READY_AFTER) -> Iterator[Scene]:
        """A set that stands where the case begins, observed from there on; deleted afterwards. ``spec``: put in place of
        "containers:" in the manifest, to place the pods; ``ready_after``: what its pods take from start to Ready."""
        with Observer(self.plane, self.namespace, name, case.api) as observer, Audit(self.plane, self.namespace, name) as audit:
            scene = Scene(self, observer, audit, name, case.api)
            try:
                scene.make(case, spec, ready_after)
                observer.begin()
                yield scene
            finally:
                scene.remove()


class Scene:
    """One set, its observer, and what the audit log says of it."""

    def __init__(self, ground: Ground, observer: Observer, audit: Audit, name: str, api: str = APPS) -> None:
        self.ground, self.observer, self.audit, self.name = ground, observer, audit, name
        self._api = api_of(ground.plane)
        self._path = set_path(ground.namespace, name, api)

    def make(self, case: Case, spec: str, ready_after: str) -> None:
        strategy = f"{{type: {case.strategy}}}"
        pace = f'{{kubectl-pets.test/ready-after: "{ready_after}", kubectl-pets.test/delete-after: "{_DELETE_AFTER}"}}'
        text = manifest(self.name, image=OLD, policy=case.policy, strategy=strategy, pod_annotations=pace)
        body = {**yaml.safe_load(text.replace("containers:", spec)), "apiVersion": case.api}
        body["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 1
        if case.begin is Begin.ROLLED:  # a revision that no pod ever had is one to go back to as well
            body["spec"]["replicas"] = 0
            self._api.post(self._path.rpartition("/")[0], body)
            self.observer.until(reading.is_observed, "the first revision")
            self.change(NEW, replicas=REPLICAS)
            self.observer.until(lambda view: reading.is_whole(view) and bool(view.pods) and _rests(view), "rolled out")
            return
        self._api.post(self._path.rpartition("/")[0], body)
        self.observer.until(lambda view: reading.is_observed(view) and reading.is_whole(view) and _rests(view), "three pods")
        match case.begin:
            case Begin.CANARY:
                self.change(NEW, partition=1)
                self.observer.until(lambda view: reading.is_whole(view) and _has(view, 1, NEW) and _has(view, 2, NEW), "a canary")
            case Begin.BROKEN_CANARY:
                self.change(BROKEN, partition=2)
                self.observer.until(_top_is_broken, "a broken canary")
            case Begin.BROKEN:
                self.change(BROKEN, partition=0)
                self.observer.until(_top_is_broken, "a broken pod")

    def change(self, image: str, *, partition: int | None = None, replicas: int | None = None) -> None:
        """As somebody edits a set."""
        spec: dict[str, Any] = {"template": {"spec": {"containers": [{"name": "app", "image": image}]}}}
        if partition is not None:
            spec["updateStrategy"] = {"rollingUpdate": {"partition": partition}}
        if replicas is not None:
            spec["replicas"] = replicas
        self._api.merge(self._path, {"spec": spec})

    def no_time_passed(self) -> None:
        """Whoever failed at the very last look types the words again at once, and hears that the restart is over; a minute after its end they
        mean another one, and on a machine that is busy the minute may be over by then."""
        there = self._api.get(self._path)["metadata"]
        ended, _, of = there.get("annotations", {}).get(_RESTARTED, "").partition(" ")
        if ended:
            now = datetime.now(timezone.utc).isoformat(timespec="seconds")
            self._api.merge(self._path, {"metadata": {"annotations": {_RESTARTED: f"{now} {of}"}}})

    def touch_what_hangs(self) -> None:
        """Change nothing but an annotation of the pods that are on their way up or down."""
        for name, pod in self.observer.view.pods.items():
            if not reading.is_available(pod):
                touch = {"metadata": {"uid": reading.uid(pod), "annotations": {"kubectl-pets.test/woken": str(time.monotonic())}}}
                with suppress(ApiError, OSError):
                    self._api.merge(f"/api/v1/namespaces/{self.ground.namespace}/pods/{name}", touch)

    def remove(self) -> None:
        """Its pods go with it; nobody waits for them."""
        self._api.delete(self._path)

    def problems(self, case: Case, ended: Ended) -> list[str]:
        """Everything about the end that is not as it has to be."""
        view = self.observer.read()
        wrong = []
        if ended.code != 0:
            lines = ended.stderr.strip().splitlines()
            wrong.append(f"ended with {ended.code}: {' | '.join(lines[-(_SAID if ended.code >= 0 else _CRASHED):])}")
        unwanted = case.unwanted(view)
        if unwanted:
            wrong.append(f"not as wanted: {unwanted}")
        replaced, deletions = self.observer.replaced(), self.audit.deletions()
        if unwanted == "" and set(replaced) != case.replaced(self.name):
            wrong.append(f"made anew: {replaced}, expected {sorted(case.replaced(self.name))}")
        again = [name for name, times in replaced.items() if times > 1 and (name in deletions or not self.observer.came_back_old(name))]
        if again or self.twice():
            wrong.append(f"made anew {replaced}, deleted by us {deletions}")
        if not set(deletions) <= case.replaced(self.name):
            wrong.append(f"deleted by us: {deletions}")
        if case.order and deletions != [f"{self.name}-{ordinal}" for ordinal in case.order]:
            wrong.append(f"deleted in the order {deletions}")
        if self.observer.lowest < MINIMUM:
            wrong.append(f"{self.observer.lowest} pods available at one time")
        return wrong

    def twice(self) -> int:
        """How many of our deletions were of a pod whose name we had deleted before."""
        deletions = self.audit.deletions()
        return len(deletions) - len(set(deletions))

    def until_changed(self, process: "subprocess.Popen[str]", changes: int = 1) -> bool:
        """Wait until the program has changed the set so often; False where it ended first."""
        return self.until(lambda: len(self.audit.changes()) >= changes, process)

    def until(self, holds: Callable[[], bool], process: "subprocess.Popen[str]") -> bool:
        """Wait for it, as fast as this machine looks; False where the process ended first."""
        while not holds():
            if process.poll() is not None:
                return False
            time.sleep(0.002)
        return process.poll() is None


def _rests(view: View) -> bool:
    """The controller has nothing left to do, and says so: only then is the newest revision the current one, too."""
    assert view.set is not None
    status = view.set["status"]
    by_itself = view.set["spec"]["updateStrategy"]["type"] == "RollingUpdate"
    return reading.is_observed(view) and (not by_itself or status.get("currentRevision") == status.get("updateRevision"))


def _has(view: View, ordinal: int, image: str) -> bool:
    pod = reading.positions(view)[ordinal]
    return pod is not None and reading.image(pod) == image


def _top_is_broken(view: View) -> bool:
    pod = reading.positions(view)[-1]
    return pod is not None and reading.is_broken(pod) and reading.available(view) == MINIMUM
