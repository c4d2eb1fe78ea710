"""What time it is on the cluster, learnt from the ``Date`` of its answers.

The timestamps that verdicts rest on are written by the cluster, and the clock of a laptop may be off by minutes. A ``Date`` has
whole seconds only, but each answer bounds the truth from both sides, so a few of them together are good to a fraction of one.
"""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Lock
from time import monotonic


def moment(text: str) -> datetime | None:
    """A header's date (RFC 9110, 5.6.7) in UTC, which is also meant where it names no zone; None for what is none."""
    try:
        found = parsedate_to_datetime(text)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):  # which of them, depends on what is wrong with it
        return None
    return found if 1970 <= found.year < 9999 else None


class ServerClock:
    """The server's clock as an offset to this machine's monotonic one, which nobody can set."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._bounds: tuple[float, float] | None = None  # the offset lies between these

    def learn(self, date: str | None, sent: float, received: float) -> None:
        """An answer with this ``Date``; ``sent`` and ``received`` are monotonic times of ours."""
        told = moment(date or "")
        if told is None:
            return
        stamp = told.timestamp()
        low, high = stamp - received, stamp + 1 - sent
        with self._lock:
            if self._bounds is not None:
                narrowed = max(low, self._bounds[0]), min(high, self._bounds[1])
                if narrowed[0] <= narrowed[1]:
                    low, high = narrowed
                # else a clock was set, or this machine slept: what was known is void
            self._bounds = low, high

    def now(self) -> datetime:
        """UTC on the server; this machine's idea of it before the first answer."""
        with self._lock:
            bounds = self._bounds
        if bounds is None:
            return datetime.now(UTC)
        return datetime.fromtimestamp(0, UTC) + timedelta(seconds=monotonic() + sum(bounds) / 2)
