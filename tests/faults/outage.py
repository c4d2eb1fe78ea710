"""The API server is stopped in the middle of several rollouts at once, and started again on the same data.

It needs a control plane of its own. The verbs are typed once and have to ride it out. Controllers end with the server, as real ones
do that lose their leader election, and begin anew when it is back.
"""

from __future__ import annotations

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from random import Random

from tests.controlplane import ControlPlane
from tests.controlplane.layout import CONTROLLERS
from tests.faults.cases import CASES, Case
from tests.faults.figures import Outcome
from tests.faults.ground import Ground, Scene

#: Seconds in which everything has to have ended after the server is back.
_BACK = 120.0

#: Slow enough that all verbs are under way at the same time.
_READY_AFTER = "2s"


def some_cases(rng: Random, each: int) -> list[Case]:
    """So many of each verb."""
    return [case for cases in CASES.values() for case in rng.sample(cases, each)]


def play(ground: Ground, cases: list[Case], number: int, rng: Random, seconds: float) -> list[Outcome]:
    """All cases at once; the server goes when each has made its first change, and some time after that."""
    outcomes = [Outcome("outage", number, str(case)) for case in cases]
    with ExitStack() as stack:
        names = [f"outage-{number}-{place}" for place in range(len(cases))]
        made = [ground.scene(case, name, ready_after=_READY_AFTER) for case, name in zip(cases, names, strict=True)]
        with ThreadPoolExecutor(len(cases)) as pool:
            scenes = list(pool.map(stack.enter_context, made))
        began = time.monotonic()
        processes = [ground.start(case.words(name)) for case, name in zip(cases, names, strict=True)]
        for scene, process in zip(scenes, processes, strict=True):
            scene.until_changed(process)
        time.sleep(rng.uniform(0, 1.0))
        go_away(ground.plane)
        for outcome, process in zip(outcomes, processes, strict=True):
            outcome.faults = int(process.poll() is None)
        time.sleep(seconds)
        come_back(ground.plane)
        _go_on(scenes, processes)
        for outcome, case, scene, process in zip(outcomes, cases, scenes, processes, strict=True):
            ended = ground.finish(process, began)
            outcome.seconds = ended.seconds
            outcome.codes.append(ended.code)
            outcome.problems += scene.problems(case, ended)
            outcome.lowest, outcome.twice = scene.observer.lowest, scene.twice()
    return outcomes


def go_away(plane: ControlPlane) -> None:
    plane.stop_apiserver()
    for component in CONTROLLERS:
        plane.halt(component)


def come_back(plane: ControlPlane) -> None:
    """Kubelets before controllers, or these would find every node silent."""
    plane.start_apiserver()
    for component in reversed(CONTROLLERS):
        plane.relaunch(component)


def _go_on(scenes: list[Scene], processes: "list[subprocess.Popen[str]]") -> None:
    """A kubelet goes on with its pods when its server is back; the fake one looks at those alone that change."""
    end = time.monotonic() + _BACK
    while any(process.poll() is None for process in processes) and time.monotonic() < end:
        for scene in scenes:
            scene.touch_what_hangs()
        time.sleep(2.0)
