"""The verbs through a proxy that answers 409, 410, 429, 500 and 503, loses answers and breaks watches off; or that answers with
status 200 what is none: nothing, a page, another object, one of before.

They have to end right in one go, and without asking again and again: requests are held against those of the same case through a
proxy that does nothing, with some more allowed for each fault.
"""

from __future__ import annotations

from random import Random

from tests.controlplane.credentials import ADMIN
from tests.faults.cases import Case
from tests.faults.draws import ANSWERS, WIRES, Draws, Faults
from tests.faults.figures import Outcome
from tests.faults.ground import Ended, Ground
from tests.faults.proxy import proxy

#: Requests that one fault may cost: the one that went wrong, and a list and a watch, or another look at the set and its pods.
_EACH = 3

#: How many looks the same case takes depends on how the events fall together.
_LEEWAY = 1.5

#: Who is answered by something else than the server may end with these, failed or refused, and is typed again: but never without
#: such an answer, of which there are so many in all.
_ENDED = (1, 6)

_SHARES = (0.1, 0.25, 0.4)


def play(ground: Ground, case: Case, number: int, rng: Random, draws: Draws = WIRES) -> Outcome:
    """One set, the verb typed once."""
    outcome = Outcome("answers" if draws is ANSWERS else "wires", number, str(case))
    quiet = ground.once("requests", case, lambda: _quiet(ground, case))
    faults = Faults(f"{rng.random()}", rng.choice(_SHARES), draws=draws)
    requests = _through(ground, case, f"{outcome.scenario}-{number}", faults, outcome)
    outcome.faults = len(faults.met)
    outcome.ratio = requests / (_LEEWAY * quiet + _EACH * len(faults.met))
    if draws is WIRES and outcome.ratio > 1:
        outcome.problems.append(f"{requests} requests, {quiet} undisturbed")
    if outcome.problems:
        outcome.problems.append(f"faults: {', '.join(faults.met)}")
    return outcome


def _quiet(ground: Ground, case: Case) -> int:
    outcome = Outcome("wires", 0, str(case))
    requests = _through(ground, case, ground.new_name(), Faults("none", 0.0), outcome)
    if outcome.problems:
        raise AssertionError(f"through a proxy that does nothing, {case}: {outcome.problems}")
    return requests


def _through(ground: Ground, case: Case, name: str, faults: Faults, outcome: Outcome) -> int:
    with ground.scene(case, name) as scene, proxy(ground.plane, faults) as server:
        ended = ground.type(case.words(name), ground.plane.kubeconfig_for(ADMIN, server.port))
        requests = faults.requests
        outcome.seconds = ended.seconds
        said, met = [_last(ended)], 0
        outcome.codes.append(ended.code)
        while faults.draws is ANSWERS and ended.code in _ENDED and met < len(faults.met):
            met = len(faults.met)
            scene.no_time_passed()
            ended = ground.type(case.words(name), ground.plane.kubeconfig_for(ADMIN, server.port))
            outcome.codes.append(ended.code)
            said.append(_last(ended))
        wrong = scene.problems(case, ended)
        if wrong and faults.draws is ANSWERS:
            wrong.append(f"one after the other: {' || '.join(said)}")
        outcome.problems += wrong
        outcome.lowest, outcome.twice = scene.observer.lowest, scene.twice()
    return requests


def _last(ended: Ended) -> str:
    return f"{ended.code}: {' | '.join(ended.stderr.splitlines()[-2:])}"
