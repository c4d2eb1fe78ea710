"""Several questions to the API server at once, because each costs a round trip.

Daemon threads of its own, since those of ``concurrent.futures`` are waited for when the program ends: Ctrl-C would hang as long
as the slowest answer. They belong to the run that starts them: commands in their errors go where this run goes.
"""

from collections.abc import Callable, Sequence
from contextvars import copy_context
from threading import Thread
from typing import Any, TypeVar

_R = TypeVar("_R")


def together(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """The results of all calls in their order; the first of their exceptions, if any."""
    results: list[Any] = [None] * len(calls)
    failures: dict[int, BaseException] = {}

    def run(index: int) -> None:
        try:
            results[index] = calls[index]()
        except BaseException as error:
            failures[index] = error

    threads = [
        Thread(target=copy_context().run, args=(run, index), daemon=True, name="kubectl-pets-read")
        for index in range(1, len(calls))
    ]
    for thread in threads:
        thread.start()
    if calls:
        run(0)
    if isinstance(failures.get(0), KeyboardInterrupt):
        raise failures[0]
    for thread in threads:
        thread.join()
    if failures:
        raise failures[min(failures)]
    return results
