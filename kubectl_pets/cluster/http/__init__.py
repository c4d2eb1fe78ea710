"""Bytes to API servers and back, over urllib3, which is loaded here without what nobody uses of it.

Its HTTP/2 loads importlib.metadata, and zipfile and csv with that, to ask for a version when it is switched on: a tenth of the
imports of a verb that reads one set. All that urllib3 itself takes of it is the probe, which needs none of these.
"""

import sys
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec


def _enter_http2_by_the_side_door() -> None:
    """Register the package without running its ``__init__``; its modules are then found as usual."""
    if {"urllib3", "urllib3.http2"} & sys.modules.keys():
        return
    outer = find_spec("urllib3")  # which runs nothing of it
    found = PathFinder.find_spec("urllib3.http2", outer.submodule_search_locations) if outer is not None else None
    if found is not None:
        sys.modules[found.name] = module_from_spec(found)


_enter_http2_by_the_side_door()
