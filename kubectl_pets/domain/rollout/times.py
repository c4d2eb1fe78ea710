"""Arithmetic with times that a cluster may hold."""

from datetime import datetime, timedelta


def later(time: datetime, by: timedelta) -> datetime:
    """The time so much later; the last one there is where that would be past it: grace periods of centuries are legal."""
    try:
        return time + by
    except OverflowError:
        return (datetime.max if by > timedelta(0) else datetime.min).replace(tzinfo=time.tzinfo)
