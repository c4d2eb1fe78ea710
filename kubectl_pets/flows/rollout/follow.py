"""A rollout that is only followed: nothing of what drives one is loaded for it."""

from collections.abc import Callable
from datetime import datetime, timedelta

from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.rollout.verdict import Assessment, Phase
from kubectl_pets.domain.stepping.until import Progress, Until, progress
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.inquiry import LookPort
from kubectl_pets.flows.engine.looking import Observer, SetLook, Sight
from kubectl_pets.flows.engine.loop import Ended, Hold, Move, Stalled, TimedOut, until_ended
from kubectl_pets.ports.sets import SetViewSource

#: A set that is away, to be made again, is waited for so long: its gap is one of seconds, unless nobody is at it any more.
_AWAY, _AWAY_LOOK = timedelta(seconds=60), timedelta(seconds=1)


def follow(
    port: LookPort,
    source: SetViewSource,
    until: Until,
    *,
    stay: bool,
    observe: Observer,
    deadline: Deadline,
    stuck_after: StuckAfter = StuckAfter(),
    ends: Callable[[Assessment], bool] | None = None,
    away: Callable[[], bool] = lambda: False,
) -> tuple[Progress | TimedOut, Assessment]:
    """Watch without touching, until ``until`` is reached, or cannot be. ``stay``: also wait while it rests; a missing right is
    not waited for. ``ends``: where it is not waited on, either. ``away``: whether a set that is gone is being made again."""
    away_since: datetime | None = None

    def turn(sight: Sight) -> Move[Progress]:
        nonlocal away_since
        reached = progress(until, sight.seen)
        if reached is not Progress.GONE:
            away_since = None
        elif away():
            away_since = away_since or sight.now
            if sight.now < away_since + _AWAY:
                return Hold(sight.now + _AWAY_LOOK)
        if ends is not None and ends(sight.seen):
            return Ended(reached)
        match reached:
            case Progress.GOING_ON:
                return Hold()
            case Progress.RESTING if stay and sight.seen.phase is not Phase.UNKNOWN:
                return Hold()
            case Progress.STUCK:
                return Stalled(reached, sight.seen.blockers)
            case _:
                return Ended(reached)

    look = SetLook(port, source, deadline, observe, stuck_after, ask_at_once=True)
    reached = until_ended(look, turn, deadline)
    return reached, look.seen
