"""The program killed with SIGKILL at random moments, and the same words typed again until they end.

Half of the moments are spread evenly over what the case takes undisturbed, half lie right behind a change of the program's own, as
soon as the audit log shows it: there it matters most what the next run makes of the cluster.
"""

from __future__ import annotations

import time
from random import Random

from tests.faults.cases import Case
from tests.faults.figures import Outcome
from tests.faults.ground import Cost, Ended, Ground, Scene

#: Kills of one round at most, and how likely another one is after the first.
_MOST, _AGAIN = 6, 0.6


def play(ground: Ground, case: Case, number: int, rng: Random, scenario: str = "kills") -> Outcome:
    """One set; killed at least once where it does not end before."""
    outcome = Outcome(f"{scenario} {case.verb}", number, str(case))
    cost = ground.cost(case)
    with ground.scene(case, f"{scenario}-{case.verb}-{number}") as scene:
        moments: list[str] = []
        while True:
            going_on = outcome.kills == 0 or (outcome.kills < _MOST and rng.random() < _AGAIN)
            ended, moment = _type(ground, scene, case, cost, rng, kill=going_on)
            outcome.seconds += ended.seconds
            if ended.code != -9:
                break
            moments.append(moment)
            outcome.kills += 1
            outcome.retypes += 1
        outcome.codes.append(ended.code)
        outcome.problems += scene.problems(case, ended)
        outcome.lowest, outcome.twice = scene.observer.lowest, scene.twice()
        if outcome.problems:
            outcome.problems.append(f"killed {', '.join(moments)}")
    return outcome


def _type(ground: Ground, scene: Scene, case: Case, cost: Cost, rng: Random, *, kill: bool) -> tuple[Ended, str]:
    """One run of the program, and when it was to be killed."""
    seconds, nth, pause = rng.uniform(0, cost.seconds), rng.randint(1, max(1, cost.changes)), rng.choice((0.0, rng.uniform(0, 0.05)))
    by_change = rng.random() < 0.5
    there = len(scene.audit.changes())
    began = time.monotonic()
    process = ground.start(case.words(scene.name))
    if not kill:
        return ground.finish(process, began), ""
    if by_change:
        nth = max(1, nth - there)
        alive = scene.until_changed(process, there + nth)
        moment = f"{pause:.3f} s after change {there + nth}"
        if alive:
            time.sleep(pause)
    else:
        alive = scene.until(lambda: time.monotonic() >= began + seconds, process)
        moment = f"after {seconds:.3f} s of {cost.seconds:.3f} s"
    if alive:
        process.kill()
    return ground.finish(process, began), moment
