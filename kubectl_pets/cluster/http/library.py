"""The parts of the client library that are used, loaded without those that are not.

Importing ``kubernetes`` the plain way also loads its kubeconfig loader, its dynamic client and its informers, with oauthlib and
pydantic behind them: more than all the rest of a verb takes. Its packages are therefore entered by the side door. And its
configuration asks ``multiprocessing``, which loads pickle, for the number of processors: a default that nobody uses.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec, module_from_spec
from types import ModuleType

_PACKAGES = ("kubernetes", "kubernetes.client", "kubernetes.utils")


def _enter_by_the_side_door() -> None:
    """Register the packages without running their ``__init__``; their modules are then found as usual."""
    for name in _PACKAGES:
        if name not in sys.modules:
            spec = find_spec(name)
            if spec is not None:
                sys.modules[name] = module_from_spec(spec)


@contextmanager
def _counting_processors() -> Iterator[None]:
    """In the block ``multiprocessing`` is a stand-in that counts processors, unless it is loaded already."""
    name = "multiprocessing"
    if name in sys.modules:
        yield
        return
    stand_in = ModuleType(name)
    stand_in.cpu_count = os.cpu_count  # type: ignore[attr-defined]
    sys.modules[name] = stand_in
    try:
        yield
    finally:
        del sys.modules[name]


_enter_by_the_side_door()

with _counting_processors():
    from kubernetes.client.configuration import Configuration  # noqa: E402
from kubernetes.client.rest import RESTClientObject, is_socks_proxy_url  # noqa: E402

__all__ = ["Configuration", "RESTClientObject", "is_socks_proxy_url"]
