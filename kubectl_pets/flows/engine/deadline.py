"""A point in time until which somebody is willing to wait."""

from time import monotonic


class Deadline:
    """A point in (monotonic) time; without seconds: never."""

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else monotonic() + seconds

    @property
    def passed(self) -> bool:
        return self._end is not None and monotonic() >= self._end

    def cap(self, seconds: float | None) -> float | None:
        """``seconds``, or less where the deadline comes first; None: as long as it takes."""
        if self._end is None:
            return seconds
        left = max(0.0, self._end - monotonic())
        return left if seconds is None else min(seconds, left)
