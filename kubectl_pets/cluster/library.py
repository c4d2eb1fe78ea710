"""The parts of the client library that are used, loaded without those that are not.

Importing ``kubernetes`` the plain way also loads its kubeconfig loader, its dynamic client and its informers, with oauthlib and
pydantic behind them: more than all the rest of a verb takes. Its package is therefore entered by the side door.
"""

import sys
from importlib.util import find_spec, module_from_spec


def _enter_by_the_side_door() -> None:
    """Register the package without running its ``__init__``; its modules are then found as usual."""
    if "kubernetes" not in sys.modules:
        spec = find_spec("kubernetes")
        if spec is not None:
            sys.modules["kubernetes"] = module_from_spec(spec)


_enter_by_the_side_door()

from kubernetes.client.configuration import Configuration  # noqa: E402
from kubernetes.client.rest import RESTClientObject, is_socks_proxy_url  # noqa: E402

__all__ = ["Configuration", "RESTClientObject", "is_socks_proxy_url"]
