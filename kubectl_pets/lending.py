"""Who has the terminal. A picture that fills it, and takes single keys from it, gives it up while somebody else talks with the
user there: a credential plugin that wants a password, on whatever thread it was started."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

_lock = Lock()
_guests = 0
_hosts: list[Callable[[], None]] = []


@contextmanager
def lent() -> Iterator[None]:
    """The terminal as it was before any picture, for as long as the block takes."""
    global _guests
    with _lock:
        _guests += 1
        hosts = tuple(_hosts)
    try:
        for give_back in hosts:
            give_back()
        yield
    finally:
        with _lock:
            _guests -= 1


@contextmanager
def hosting(give_back: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Have the terminal while the block lasts. ``give_back`` is called, on any thread, when it is lent to somebody; the function
    that is yielded says whether it still is."""
    with _lock:
        _hosts.append(give_back)
    try:
        yield lambda: _guests > 0
    finally:
        with _lock:
            _hosts.remove(give_back)
