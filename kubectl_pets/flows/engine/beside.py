"""What is read while something else is done, so that no picture waits for it: an answer may take seconds, or never come."""

from collections.abc import Callable
from contextvars import copy_context
from datetime import timedelta
from threading import Thread
from typing import Generic, TypeVar

_A = TypeVar("_A")

#: So many seconds a picture waits for an answer, but for the first one; and so long after it the next asks whether it has come.
WAITS, SOON = 0.05, timedelta(milliseconds=250)


class Beside(Generic[_A]):
    """An answer on its way. Whoever calls it waits until it is there."""

    def __init__(self, call: Callable[[], _A], name: str) -> None:
        self._call = call
        self._found: list[_A] = []
        self._failure: Exception | None = None
        self._thread = Thread(target=copy_context().run, args=(self._run,), daemon=True, name=f"kubectl-pets-{name}")
        self._thread.start()

    def __call__(self) -> _A:
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        return self._found[0]

    def has_come(self, within: float) -> bool:
        """Whether the answer is there; so many seconds it is waited for."""
        self._thread.join(within)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._found.append(self._call())
        except Exception as error:
            self._failure = error
