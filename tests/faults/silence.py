"""The node of a pod that is to be replaced stops answering, just after the verb began.

Its pod is then asked to end and never does. Nobody may force it: the program has to say which pod it waits for and end as stuck or
timed out. When the node is back, the same words typed again go on to the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from tests.faults import reading
from tests.faults.cases import CASES, MINIMUM, REPLICAS, Begin, Case
from tests.faults.figures import Outcome
from tests.faults.ground import Ended, Ground, Scene

#: A termination is called overdue half a minute after its grace period (domain/members): before that the verb runs out of time.
SHORT, LONG = "10s", "75s"

_BACK = "120s"

_STUCK, _TIMED_OUT, _REFUSED = 4, 5, 6


def cases() -> list[Case]:
    """Those that replace every pod, from the top: the highest is still done while the victim's node falls silent."""
    every = [case for verb in ("run", "undo", "restart") for case in CASES[verb]]
    return [case for case in every if case.begin in (Begin.FRESH, Begin.ROLLED) and not case.order]


def play(ground: Ground, case: Case, number: int, rng: Random, timeout: str) -> Outcome:
    """One set with a node for each pod."""
    outcome = Outcome("silence", number, f"{case}, --timeout {timeout}", faults=1)
    name = f"silence-{number}"
    with _nodes(ground, name), ground.scene(case, name, _on_its_own(name)) as scene:
        victim = f"{name}-{rng.randrange(REPLICAS - 1)}"
        pod = scene.observer.view.pods[victim]
        uid, node = reading.uid(pod), pod["spec"]["nodeName"]
        ground.plane.silence_node(node, wait=False)
        try:
            first = ground.type((*case.words(name), "--timeout", timeout))
            outcome.seconds, outcome.codes = first.seconds, [first.code]
            outcome.problems += _held(scene, first, victim, uid, node, timeout)
        finally:
            ground.plane.wake_node(node)
        last = ground.type((*case.words(name), "--timeout", _BACK))
        outcome.retypes, outcome.codes = 1, [*outcome.codes, last.code]
        outcome.problems += scene.problems(case, last)
        outcome.lowest, outcome.twice = scene.observer.lowest, scene.twice()
    return outcome


def _held(scene: Scene, ended: Ended, victim: str, uid: str, node: str, timeout: str) -> list[str]:
    """What is wrong while the node is silent."""
    wrong = []
    expected = _TIMED_OUT if timeout == SHORT else _STUCK
    if ended.code == _REFUSED and not scene.audit.changes():
        expected = _REFUSED  # on a busy machine the node was called silent before the verb had looked for the first time
    if ended.code != expected:
        wrong.append(f"ended with {ended.code}, not {expected}, while {node} was silent: {ended.stderr.strip()}")
    if victim not in ended.stderr and node not in ended.stderr:
        wrong.append(f"not a word of {victim} or {node}: {ended.stderr.strip()}")
    view = scene.observer.read()
    if victim not in view.pods or reading.uid(view.pods[victim]) != uid:
        wrong.append(f"{victim} was forced out")
    if reading.available(view) < MINIMUM:
        wrong.append(f"{reading.available(view)} pods available while {node} was silent")
    return wrong


@contextmanager
def _nodes(ground: Ground, name: str) -> Iterator[None]:
    """As many as there are pods, and no other pod comes there."""
    names = [f"{name}-node-{number}" for number in range(REPLICAS)]
    try:
        for each in names:
            ground.plane.add_node(each, {"only": name}, reserved=True)
        yield
    finally:
        ground.plane.kubectl("delete", "node", *names, "--wait=false", check=False)


def _on_its_own(name: str) -> str:
    """In place of "containers:": one pod a node, and only there."""
    apart = f"{{labelSelector: {{matchLabels: {{app: {name}}}}}, topologyKey: kubernetes.io/hostname}}"
    return (
        f"nodeSelector: {{only: {name}}}\n"
        "      tolerations: [{operator: Exists, effect: NoSchedule}]\n"
        f"      affinity: {{podAntiAffinity: {{requiredDuringSchedulingIgnoredDuringExecution: [{apart}]}}}}\n"
        "      containers:"
    )
