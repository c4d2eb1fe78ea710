"""Arithmetic with times that a cluster may hold."""

from datetime import datetime, timedelta


def later(time: datetime, by: timedelta) -> datetime:
    """Sum of the two, or the end of time where that comes first: graceful periods of centuries are legal."""
    try:
        return time + by
    except OverflowError:
        return (datetime.max if by > timedelta(0) else datetime.min).replace(tzinfo=time.tzinfo)
