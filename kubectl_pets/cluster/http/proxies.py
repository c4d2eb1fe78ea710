"""Which proxy leads to the API server, by the rules of Go's HTTP client, which kubectl's users know.

They differ from Python's: NO_PROXY understands networks, ports and leading dots, loopback never goes through a proxy of the
environment, ALL_PROXY means nothing, and ``proxy-url`` of the kubeconfig beats all of these.
"""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from kubectl_pets.cluster.http.failures import clean
from kubectl_pets.errors import ConfigError

_SCHEMES = ("http", "https", "socks5", "socks5h")

#: What ``proxy-url`` may begin with (clientcmd ``parseProxyURL``).
_CONFIGURED = ("http", "https", "socks5")

_HAS_SCHEME = re.compile("[A-Za-z][A-Za-z0-9+.-]*://")
_HAS_PORT = re.compile(r"[^/?#]*:[0-9]+(?:[/?#]|$)")

_NO_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")


def proxy_for(server: str, configured: str | None, environ: Mapping[str, str]) -> str | None:
    """The proxy's URL for a server's URL; None: go straight."""
    if configured:
        return _checked(configured, "proxy-url", _CONFIGURED)
    scheme = urlsplit(server).scheme
    variable = "HTTPS_PROXY" if scheme == "https" else "HTTP_PROXY"
    if variable == "HTTP_PROXY" and environ.get("REQUEST_METHOD"):
        return None  # a CGI's caller could set it with a header
    found = environ.get(variable) or environ.get(variable.lower())
    if not found or _bypassed(server, environ.get("NO_PROXY") or environ.get("no_proxy") or ""):
        return None
    if not _HAS_SCHEME.match(found):
        return _checked(f"http://{found}", variable, _SCHEMES)
    scheme, _, rest = found.partition("://")
    unknown = scheme.lower() not in _SCHEMES and _HAS_PORT.match(rest)  # Go speaks HTTP to what is called otherwise
    return _checked(f"http://{rest}" if unknown else found, variable, _SCHEMES)


def _checked(url: str, origin: str, schemes: Sequence[str]) -> str:
    """The URL; a ConfigError that does not quote it, as it may hold a password."""
    try:
        parts = urlsplit(url)
        usable = not _NO_ESCAPE.search(url) and "://" in url and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(f"{origin} is not a proxy's URL", hint="it looks like http://proxy.example.org:3128")
    if parts.scheme not in schemes:
        raise ConfigError(f"{origin} has the scheme {clean(parts.scheme, 40)!r}; a proxy's is one of {', '.join(schemes)}")
    return url


def _bypassed(server: str, no_proxy: str) -> bool:
    parts = urlsplit(server)
    host = (parts.hostname or "").rstrip(".")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if address is not None and address.is_loopback:
        return True
    return any(_matches(entry.strip().lower(), host, port, address) for entry in no_proxy.split(",") if entry.strip())


def _matches(entry: str, host: str, port: int, address: "ipaddress.IPv4Address | ipaddress.IPv6Address | None") -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        try:
            return address is not None and address in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    try:
        split = urlsplit(f"//{entry if entry.count(':') < 2 or entry.startswith('[') else f'[{entry}]'}")
        name, wanted_port = split.hostname or "", split.port
    except ValueError:
        return False
    if wanted_port is not None and wanted_port != port:
        return False
    if address is not None:
        try:
            return ipaddress.ip_address(name) == address
        except ValueError:
            return False
    name = name.removeprefix("*")
    if name.startswith("."):
        return host.endswith(name)
    return host == name or host.endswith("." + name)
