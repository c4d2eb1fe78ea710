"""Bytes to API servers and back, over urllib3, which is loaded here without what nobody uses of it.

Its HTTP/2 loads importlib.metadata, and zipfile and csv with that, to ask for a version when it is switched on: a tenth of the
imports of a verb that reads one set. All that urllib3 itself takes of it is the probe, which needs none of these. And nobody
listens to its loggers, so that ``logging`` stays out as well.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any


class _Unheard:
    """A logger, or a handler, to whose words nobody listens."""

    def __init__(self, name: str = "") -> None:
        """``name`` of a logger."""

    def __getattr__(self, name: str) -> Any:
        return self._nothing

    def _nothing(self, *args: object, **kw: object) -> None:
        pass


@contextmanager
def standing_in(name: str, **parts: Any) -> Iterator[None]:
    """In the block the module is a stand-in with these parts, unless it is loaded already."""
    if name in sys.modules:
        yield
        return
    stand_in = ModuleType(name)
    vars(stand_in).update(parts)
    sys.modules[name] = stand_in
    try:
        yield
    finally:
        del sys.modules[name]


def _enter_http2_by_the_side_door() -> None:
    """Register the package without running its ``__init__``; its modules are then found as usual."""
    if {"urllib3", "urllib3.http2"} & sys.modules.keys():
        return
    outer = find_spec("urllib3")  # which runs nothing of it
    path = outer.submodule_search_locations if outer is not None else None
    found = next((found for finder in sys.meta_path if (found := finder.find_spec("urllib3.http2", path)) is not None), None)
    if found is not None:
        sys.modules[found.name] = module_from_spec(found)


_enter_http2_by_the_side_door()
with standing_in("logging", getLogger=_Unheard, NullHandler=_Unheard, DEBUG=10):
    import urllib3  # noqa: E402, F401
