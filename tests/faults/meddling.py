"""Another person works on the same set at the same time, with kubectl: images, scale, partition, labels, pods deleted, undo.

Then the verb need not come to its goal. It has to end with a code that its help lists, what it says has to be true, and it must not
delete a pod that serves as wanted.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from random import Random

from tests.commands.codes import listed, verb_of
from tests.faults import claims
from tests.faults.cases import OLD, Case
from tests.faults.figures import Outcome
from tests.faults.ground import Ground, Scene

_TIMEOUT = "25s"

_NOTHING = "refused nothing"


def play(ground: Ground, case: Case, number: int, rng: Random) -> Outcome:
    """One set, the verb typed once, one to four edits spread over what it takes undisturbed."""
    outcome = Outcome(f"meddling {case.verb}", number, str(case))
    cost = ground.cost(case)
    words = (*case.words(f"meddling-{case.verb}-{number}"), "--timeout", _TIMEOUT)
    with ground.scene(case, words[2]) as scene:
        person = Person(ground, scene, case, rng, cost.seconds)
        began = time.monotonic()
        process = ground.start(words)
        person.start()
        ended = ground.finish(process, began)
        person.stop()
        outcome.seconds, outcome.faults, outcome.codes = ended.seconds, len(person.journal), [ended.code]
        scene.observer.read()
        if ended.code not in listed(verb_of(words)):
            outcome.problems.append(f"exit code {ended.code} is not in its help")
        lie = claims.untrue(case, scene, ended, person.journal)
        serving = claims.served(case, scene)
        if lie:
            outcome.problems.append(lie)
        if serving:
            outcome.problems.append(f"deleted by us although they served as wanted: {serving}")
        if person.failures:
            outcome.problems += person.failures
        if outcome.problems:
            outcome.problems.append(f"somebody else: {', '.join(person.journal)}")
    return outcome


class Person:
    """Edits at moments drawn beforehand, until told to stop."""

    def __init__(self, ground: Ground, scene: Scene, case: Case, rng: Random, seconds: float) -> None:
        self._ground, self._scene, self._case, self._rng = ground, scene, case, rng
        self._moments = sorted(rng.uniform(0, seconds) for _ in range(rng.randint(1, 4)))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True, name="person")
        #: What was done, the kind first; and what could not be.
        self.journal: list[str] = []
        self.failures: list[str] = []

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(60)

    def _work(self) -> None:
        began = time.monotonic()
        for moment in self._moments:
            if self._over.wait(max(0.0, began + moment - time.monotonic())):
                return
            doing = self._rng.choice(self._doings())
            try:
                self.journal.append(doing())
            except Exception as error:  # told by the round: a thread's own traceback would be lost
                self.failures.append(f"{type(error).__name__}: {error}")

    def _doings(self) -> list[Callable[[], str]]:
        doings = [self._image, self._scale, self._label, self._unready, self._pod, self._undo]
        return doings if self._case.strategy == "OnDelete" else [*doings, self._partition]

    def _image(self) -> str:
        image = self._rng.choice(("app:3", OLD))
        self._kubectl("set", "image", f"statefulset/{self._scene.name}", f"app={image}")
        return f"image {image}"

    def _scale(self) -> str:
        replicas = self._rng.choice((2, 4, 5))
        self._kubectl("scale", f"statefulset/{self._scene.name}", f"--replicas={replicas}")
        return f"scale {replicas}"

    def _partition(self) -> str:
        partition = self._rng.randint(0, 4)
        patch = f'{{"spec":{{"updateStrategy":{{"rollingUpdate":{{"partition":{partition}}}}}}}}}'
        self._kubectl("patch", "statefulset", self._scene.name, "-p", patch)
        return f"partition {partition}"

    def _label(self) -> str:
        pod = self._any_pod()
        self._kubectl("label", "pod", pod, f"note=n{self._rng.randrange(1000)}", "--overwrite", check=False)
        return f"label {pod}"

    def _unready(self) -> str:
        pod = self._any_pod()
        self._kubectl("label", "pod", pod, "kubectl-pets.test/unready=true", check=False)
        self._over.wait(1.0)
        self._kubectl("label", "pod", pod, "kubectl-pets.test/unready-", check=False)
        return f"unready {pod}"

    def _pod(self) -> str:
        pod = self._any_pod()
        self._kubectl("delete", "pod", pod, "--wait=false", "--ignore-not-found")
        return f"pod {pod}"

    def _undo(self) -> str:
        said = self._kubectl("rollout", "undo", f"statefulset/{self._scene.name}", check=False)
        return "undo" if "rolled back" in said else _NOTHING

    def _any_pod(self) -> str:
        pods = sorted(self._scene.observer.view.pods)
        return self._rng.choice(pods) if pods else f"{self._scene.name}-0"

    def _kubectl(self, *words: str, check: bool = True) -> str:
        return self._ground.plane.kubectl(*words, "-n", self._ground.namespace, check=check).stdout
