"""Until when does a verdict hold, if nothing but time goes on? The time that it is judged by notes it.

Whatever rests on time compares something with the time of the look, or its age with a span. Each such comparison comes out as
it does until a time that is known then; before the first of these the same questions have the same answers, so the same verdict
would be found. Nobody has to list what may happen, so nothing can be forgotten.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Self

from kubectl_pets.domain.rollout.times import later

_INSTANT = timedelta(microseconds=1)


class Moment(datetime):
    """The time of a look. ``until``: at any later time before that one, what was asked has the same answer; None: for ever."""

    plain: datetime
    until: datetime | None

    @classmethod
    def of(cls, now: datetime) -> Self:
        made = cls(now.year, now.month, now.day, now.hour, now.minute, now.second, now.microsecond, now.tzinfo, fold=now.fold)
        made.plain, made.until = now, None
        return made

    def turns(self, time: datetime) -> None:
        """Something is otherwise from that time on."""
        if time < self.plain:
            return
        time = time if time > self.plain else later(time, _INSTANT)
        if self.until is None or time < self.until:
            self.until = time

    def goes_on(self) -> datetime:
        """The time itself counts, so nothing holds any longer than this moment."""
        self.until = self.plain
        return self.plain

    def within(self, since: datetime, until: datetime | None) -> bool:
        """Whether what was found at ``since``, and would be until then, would be found now. It is noted that it rests on that."""
        if self.plain < since or (until is not None and self.plain >= until):
            return False
        self.until = _sooner(self.until, until)
        return True

    @contextmanager
    def noting(self) -> Iterator[Callable[[], datetime | None]]:
        """Yields what tells until when that holds which was asked in the block."""
        before, self.until = self.until, None
        found: list[datetime | None] = []
        try:
            yield lambda: found[0]
        finally:
            found.append(self.until)
            self.until = _sooner(before, self.until)

    def __lt__(self, other: Any) -> bool:
        self.turns(other)
        return bool(self.plain < other)

    def __le__(self, other: Any) -> bool:
        self.turns(other)
        return bool(self.plain <= other)

    def __gt__(self, other: Any) -> bool:
        self.turns(other)
        return bool(self.plain > other)

    def __ge__(self, other: Any) -> bool:
        self.turns(other)
        return bool(self.plain >= other)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, datetime):
            self.turns(other)
        return self.plain == other

    def __hash__(self) -> int:
        return hash(self.plain)

    def __add__(self, other: timedelta) -> Any:
        return self.goes_on() + other

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return _Age.of(self, other) if isinstance(other, datetime) else self.goes_on() - other

    def __rsub__(self, other: datetime) -> timedelta:
        return other - self.goes_on()


def _sooner(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return min(one, other)


class _Age(timedelta):
    """How old something is at a moment."""

    moment: Moment
    since: datetime

    @classmethod
    def of(cls, moment: Moment, since: datetime) -> Self:
        plain = moment.plain - since
        made = cls(plain.days, plain.seconds, plain.microseconds)
        made.moment, made.since = moment, since
        return made

    @property
    def _plain(self) -> timedelta:
        return timedelta(self.days, self.seconds, self.microseconds)

    def _passes(self, span: object) -> timedelta:
        if isinstance(span, timedelta):
            self.moment.turns(later(self.since, span))
        return self._plain

    def __lt__(self, other: timedelta) -> bool:
        return self._passes(other) < other

    def __le__(self, other: timedelta) -> bool:
        return self._passes(other) <= other

    def __gt__(self, other: timedelta) -> bool:
        return self._passes(other) > other

    def __ge__(self, other: timedelta) -> bool:
        return self._passes(other) >= other

    def __eq__(self, other: object) -> bool:
        return self._passes(other) == other

    def __hash__(self) -> int:
        return hash(self._plain)


def _counted(name: str) -> Callable[..., Any]:
    """A method of an age that makes a number of it, or another span."""

    def method(self: _Age, *others: Any) -> Any:
        self.moment.goes_on()
        return getattr(self._plain, name)(*others)

    return method


for _name in ("add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "floordiv", "mod", "divmod", "neg", "abs"):
    setattr(_Age, f"__{_name}__", _counted(f"__{_name}__"))
_Age.total_seconds = _counted("total_seconds")  # type: ignore[method-assign]
