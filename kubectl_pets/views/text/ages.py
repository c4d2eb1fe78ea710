"""Ages as kubectl prints them, to the letter: people compare our columns with those of ``kubectl get``.

The rules are those of HumanDuration in k8s.io/apimachinery/pkg/util/duration: two or three significant figures, and up to two
seconds of a clock that is ahead of ours pass for now.
"""

from datetime import datetime, timedelta

_UNKNOWN = "<unknown>"


def age(since: datetime | None, now: datetime) -> str:
    """How long ago ``since`` was; kubectl's ``<unknown>`` where that is not known."""
    return _UNKNOWN if since is None else duration(now - since)


def until(when: datetime, now: datetime) -> str:
    """``in 12s``, or ``now`` once it has come. Fractions round up: a wait is never announced as shorter than it is."""
    seconds = -(-(when - now) // timedelta(seconds=1))
    return f"in {duration(timedelta(seconds=seconds))}" if seconds > 0 else "now"


def duration(span: timedelta) -> str:
    """HumanDuration."""
    if span < timedelta(0):
        return "<invalid>" if span <= timedelta(seconds=-2) else "0s"
    seconds = span // timedelta(seconds=1)
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return _two(minutes, "m", seconds % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if hours < 24 * 8:
        return _two(days, "d", hours % 24, "h")
    if days < 365 * 2:
        return f"{days}d"
    if days < 365 * 8:
        return _two(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


def _two(number: int, unit: str, rest: int, smaller: str) -> str:
    return f"{number}{unit}{rest}{smaller}" if rest else f"{number}{unit}"
