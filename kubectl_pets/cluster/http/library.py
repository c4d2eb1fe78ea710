"""The parts of the client library that are used, loaded without those that are not.

Importing ``kubernetes`` the plain way also loads its kubeconfig loader, its dynamic client and its informers, with oauthlib and
pydantic behind them: more than all the rest of a verb takes. Its packages are therefore entered by the side door.
"""

import sys
from importlib.util import find_spec, module_from_spec

_PACKAGES = ("kubernetes", "kubernetes.client", "kubernetes.utils")


def _enter_by_the_side_door() -> None:
    """Register the packages without running their ``__init__``; their modules are then found as usual."""
    for name in _PACKAGES:
        if name not in sys.modules:
            spec = find_spec(name)
            if spec is not None:
                sys.modules[name] = module_from_spec(spec)


_enter_by_the_side_door()

from kubernetes.client.configuration import Configuration  # noqa: E402
from kubernetes.client.rest import RESTClientObject, is_socks_proxy_url  # noqa: E402

__all__ = ["Configuration", "RESTClientObject", "is_socks_proxy_url"]
