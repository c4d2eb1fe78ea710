"""Which set first, and which of them is one to look at? Over many sets nobody reads to the end, so the worst come first."""

from collections.abc import Iterable
from datetime import datetime, timezone
from enum import StrEnum, unique
from operator import attrgetter

from kubectl_pets.domain.rollout.verdict import Assessment, Phase

_IDENTITY = attrgetter("namespace", "name", "kind.group")
_LATEST = datetime.max.replace(tzinfo=timezone.utc)

#: The phases, the worst first: broken, unknown, waiting for somebody, on its way, well.
_WORST_FIRST = (
    Phase.STUCK,
    Phase.CLAIM_STALLED,
    Phase.FAILING,
    Phase.UNKNOWN,
    Phase.RECREATING,
    Phase.RESTORING,
    Phase.WAITING_FOR_DELETE,
    Phase.PAUSED,
    Phase.SCALING,
    Phase.PROGRESSING,
    Phase.DELETING,
    Phase.COMPLETE,
    Phase.GONE,
)
_PROBLEMS = (Phase.STUCK, Phase.CLAIM_STALLED, Phase.FAILING, Phase.UNKNOWN, Phase.RECREATING, Phase.RESTORING)
_RANKS = {phase: rank for rank, phase in enumerate(_WORST_FIRST)}


@unique
class SetOrder(StrEnum):
    """By what sets are sorted; then by namespace and name."""

    WORST = "worst"
    NAME = "name"
    #: The oldest first, as kubectl sorts by ``.metadata.creationTimestamp``.
    AGE = "age"
    PHASE = "phase"
    #: The fewest Ready pods in proportion first.
    READY = "ready"
    #: The most restarts first.
    RESTARTS = "restarts"


def is_problem(seen: Assessment) -> bool:
    """Whether somebody has to look at it: it, or the storage of it, is stuck or about to be, nothing can be said of it, it may be
    away in a moment, or it holds back the next change without anybody knowing."""
    stalled = any(each.growth.stalled for each in seen.growing)
    return seen.phase in _PROBLEMS or seen.partition_left_over or stalled


def in_order(found: Iterable[Assessment], order: SetOrder = SetOrder.NAME) -> tuple[Assessment, ...]:
    """Sorted; what is alike by namespace, name and kind."""
    by_name = sorted(found, key=_IDENTITY)
    match order:
        case SetOrder.WORST:
            by_name.sort(key=_badness)
        case SetOrder.AGE:
            by_name.sort(key=lambda seen: seen.created or _LATEST)
        case SetOrder.PHASE:
            by_name.sort(key=lambda seen: seen.phase.value)
        case SetOrder.READY:
            by_name.sort(key=lambda seen: seen.ready / seen.replicas if seen.replicas else 1.0)
        case SetOrder.RESTARTS:
            by_name.sort(key=lambda seen: -sum(member.restarts for member in seen.members))
        case SetOrder.NAME:
            pass
    return tuple(by_name)


def phases(found: Iterable[Assessment]) -> tuple[tuple[Phase, int], ...]:
    """How many sets are in which phase, the best first, as a summary tells it; phases of none are left out."""
    numbers: dict[Phase, int] = {}
    for seen in found:
        numbers[seen.phase] = numbers.get(seen.phase, 0) + 1
    return tuple((phase, numbers[phase]) for phase in reversed(_WORST_FIRST) if phase in numbers)


def _badness(seen: Assessment) -> int:
    """How far up a set stands, for sorting. A partition that was left over makes no phase of its own, and stands before all
    that needs nobody."""
    return _RANKS[Phase.UNKNOWN] if seen.partition_left_over and not _is_broken(seen) else _RANKS[seen.phase]


def _is_broken(seen: Assessment) -> bool:
    return seen.phase in (Phase.STUCK, Phase.CLAIM_STALLED, Phase.FAILING)
