"""The loop under every verb that waits for a set: look, decide, act or wait, and again.

A verb brings a function that says for each look what there is to do. Level-triggered: a whole snapshot is judged every time.
Nothing but waiting rests on what the watches brought: before anything is changed, or called finished or stuck,
the set and its pods are read again. So the requests of a step do not grow with the replicas, and no verdict rests on a cache.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from kubectl_pets.domain.rollout.verdict import Blocker
from kubectl_pets.domain.stepping.steps import Decision, Wait, WaitReason
from kubectl_pets.errors import ConflictError, NotFoundError
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.looking import SetLook, Sight
from kubectl_pets.flows.engine.patience import PASSING

E = TypeVar("E")


class TimedOut(msgspec.Struct, frozen=True, tag="timed-out"):
    """The time given ran out before the goal was reached."""


class Hold(msgspec.Struct, frozen=True):
    """Nothing to do until something changes, or it is ``until``. ``decision``: why, to be shown."""

    until: datetime | None = None
    decision: Decision | None = None


class Again(msgspec.Struct, frozen=True):
    """Look again at once; ``fresh``: past every cache."""

    fresh: bool = False


class Ended(msgspec.Struct, Generic[E], frozen=True):
    """An outcome: the verb is through, with that ``ending``. ``decision``: what is shown of it."""

    ending: E
    decision: Decision | None = None


class Stalled(msgspec.Struct, Generic[E], frozen=True):
    """An outcome: the verb ends, because these blockers hold the set up; unless they are only what an outage left behind, then
    they are waited on."""

    ending: E
    blockers: tuple[Blocker, ...]
    decision: Decision | None = None


Outcome = Hold | Again | Ended[E] | Stalled[E]


class Try(msgspec.Struct, Generic[E], frozen=True):
    """Something to be done on a fresh look. It may find out that somebody was faster (ConflictError, NotFoundError) or that the
    server is away: then everything is read and decided anew, because what was sent may have been carried out or not.
    ``late``: also once time is over."""

    do: Callable[[], Outcome[E]]
    late: bool = False


Move = Outcome[E] | Try[E]


def until_ended(
    look: SetLook, turn: Callable[[Sight], Move[E]], deadline: Deadline, *, last_look: bool = False
) -> E | TimedOut:
    """Do what ``turn`` says for each look until it ends. ``last_look``: read once more before it counts as timed out. Raises
    PetsError for what lasts, and whatever ``turn`` raises."""
    fresh = False
    while True:
        sight = look.again(fresh)
        move = _settled(look, turn(sight))
        late = deadline.passed
        if not sight.fresh and not _rests(move, late and last_look):
            fresh = True
            continue
        if late and _is_cut_short(move):
            look.show()
            return TimedOut()
        if isinstance(move, Ended):
            look.show(move.decision)
            return move.ending
        outcome = _settled(look, _attempted(look, move)) if isinstance(move, Try) else move
        if isinstance(outcome, Ended):
            return outcome.ending
        if isinstance(outcome, Hold):
            look.show(outcome.decision)
            if deadline.passed:  # it was found out late, by an attempt
                return TimedOut()
            look.wait(outcome.until)
        fresh = isinstance(outcome, Again) and outcome.fresh


def _settled(look: SetLook, move: Move[E]) -> Hold | Again | Ended[E] | Try[E]:
    """What holds it up is the end of it, unless an outage may be to blame."""
    if not isinstance(move, Stalled):
        return move
    until = look.grace(move.blockers)
    if until is None:
        return Ended(move.ending, move.decision)
    return Hold(until, Wait(reason=WaitReason.PODS, pods=tuple(each.pod for each in move.blockers if each.pod), until=until))


def _rests(move: Hold | Again | Ended[E] | Try[E], last_look: bool) -> bool:
    """Whether what the watches brought is good enough for it."""
    return isinstance(move, Hold) and not last_look


def _is_cut_short(move: Hold | Again | Ended[E] | Try[E]) -> bool:
    return not (isinstance(move, Ended) or isinstance(move, Try) and move.late)


def _attempted(look: SetLook, attempt: Try[E]) -> Outcome[E]:
    try:
        outcome = attempt.do()
    except (ConflictError, NotFoundError):
        outcome = Again(fresh=True)
    except PASSING as failure:
        look.ride_out_attempt(failure)
        return Again(fresh=True)
    look.attempt_was_heard()
    return outcome
