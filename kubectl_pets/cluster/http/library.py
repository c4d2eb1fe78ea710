"""The parts of the client library that are used, loaded without those that are not.

Importing ``kubernetes`` the plain way also loads its kubeconfig loader, its dynamic client and its informers, with oauthlib and
pydantic behind them: more than all the rest of a verb takes. Its packages are therefore entered by the side door. And three
modules are stood in for while it is loaded: its configuration asks ``multiprocessing``, which loads pickle, for the number of
processors, a default that nobody uses, and ``urllib.request`` for proxies of the environment, which kubectl_pets/cluster/http/
proxies.py has read by kubectl's rules; its client's own way to repeat requests is never taken (kubectl_pets/cluster/http/
transport.py has ours), and loads ``inspect`` with all that Python knows about its own syntax.
"""

import os
import sys
from importlib.util import find_spec, module_from_spec
from typing import NoReturn

from kubectl_pets.cluster.http import standing_in

_PACKAGES = ("kubernetes", "kubernetes.client", "kubernetes.utils")


def _enter_by_the_side_door() -> None:
    """Register the packages without running their ``__init__``; their modules are then found as usual."""
    for name in _PACKAGES:
        if name not in sys.modules:
            spec = find_spec(name)
            if spec is not None:
                sys.modules[name] = module_from_spec(spec)


def _none_from_the_environment() -> dict[str, str]:
    """``urllib.request.getproxies`` where there are none."""
    return {}


def _never(*args: object, **kw: object) -> NoReturn:
    raise NotImplementedError("requests are made and repeated by kubectl_pets.cluster.http.transport")


#: What the client takes from its module of retries.
RETRIES = ("is_retry_after_response", "on_retry_after_error", "retry_after_backoff")

_enter_by_the_side_door()

with (
    standing_in("multiprocessing", cpu_count=os.cpu_count),
    standing_in("urllib.request", getproxies=_none_from_the_environment),
):
    from kubernetes.client.configuration import Configuration  # noqa: E402
with standing_in("kubernetes.utils.retry", **dict.fromkeys(RETRIES, _never)):
    from kubernetes.client.rest import RESTClientObject, is_socks_proxy_url  # noqa: E402

__all__ = ["Configuration", "RESTClientObject", "is_socks_proxy_url"]
