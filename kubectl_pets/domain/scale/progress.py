"""Has a set come to the number of replicas that it was given, and if not, will it?

As the rollout's verdict, from pods alone; revisions do not count here: a rollout may go on afterwards.
"""

from datetime import datetime, timedelta
from enum import StrEnum, unique

from kubectl_pets.domain.rollout.verdict import Assessment, Blocker, Cause, Phase
from kubectl_pets.domain.stepping.moves import unsettled
from kubectl_pets.domain.stepping.steps import Wait


@unique
class ScaleProgress(StrEnum):
    """How far a scaling has come, and how it ended."""

    #: Exactly the positions asked for hold available pods, and there are none besides.
    REACHED = "reached"
    GOING_ON = "going-on"
    STUCK = "stuck"
    #: Somebody else deleted the set, made another one of its name, or set another number.
    DELETED = "deleted"
    REPLACED = "replaced"
    RESCALED = "rescaled"
    #: Pods may not be read any more.
    UNREADABLE = "unreadable"


def progress(seen: Assessment, uid: str, replicas: int) -> ScaleProgress:
    """Whether the set of that ``uid`` has come to these ``replicas``."""
    if seen.phase in (Phase.GONE, Phase.DELETING):
        return ScaleProgress.DELETED
    if seen.uid != uid:
        return ScaleProgress.REPLACED
    if seen.replicas != replicas:
        return ScaleProgress.RESCALED
    if pods_unreadable(seen):
        return ScaleProgress.UNREADABLE
    if not seen.observed:
        return ScaleProgress.GOING_ON
    if seen.all_available:
        return ScaleProgress.REACHED
    return ScaleProgress.STUCK if stuck_on(seen) else ScaleProgress.GOING_ON


def staying_up(seen: Assessment, before: int, after: int, settle: timedelta, now: datetime) -> Wait | None:
    """The wait until the newest pod has been Ready for ``settle``, where the scaling makes pods, or an earlier run of it that was
    killed may have; None: they stay up, or pods were only removed. A pod that ends seconds after it was Ready was never there."""
    return unsettled(settle, seen, now, seen.members) if after >= before else None


def stuck_on(seen: Assessment) -> tuple[Blocker, ...]:
    """What keeps the controller from going on, of all that is wrong: what holds the set itself, or the pods that it works on next
    and that do not move on by themselves. Empty: it goes on."""
    own = tuple(blocker for blocker in seen.blockers if not blocker.pod)
    down = [member for member in seen.members if not member.available]
    if own or not down and not seen.surplus:
        return own
    blocking = blocking_pods(seen)
    if seen.policy != "Parallel":
        worked_on = {(down[0] if down else seen.surplus[-1]).name}
        return tuple(blocker for blocker in seen.blockers if blocker.pod in worked_on)
    if seen.phase not in (Phase.STUCK, Phase.WAITING_FOR_DELETE):
        return ()  # the controller replaces it
    worked_on = {member.name for member in (*down, *seen.surplus)}
    return tuple(blocker for blocker in seen.blockers if blocker.pod in worked_on) if worked_on <= blocking else ()


def blocking_pods(seen: Assessment) -> set[str]:
    """Pods that will not move on by themselves; "" stands for the set itself."""
    return {blocker.pod for blocker in seen.blockers}


def pods_unreadable(seen: Assessment) -> bool:
    return any(blocker.cause is Cause.PODS_UNREADABLE for blocker in seen.blockers)
