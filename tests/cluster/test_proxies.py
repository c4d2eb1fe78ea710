"""Which proxy is taken: Go's rules, not Python's."""

import pytest

from kubectl_pets.cluster.http.proxies import proxy_for
from kubectl_pets.errors import ConfigError

_PROXY = "http://proxy:3128"


@pytest.mark.parametrize(
    ("server", "environ", "expected"),
    [
        ("https://api.example.org", {}, None),
        ("https://api.example.org", {"HTTPS_PROXY": _PROXY}, _PROXY),
        ("https://api.example.org", {"https_proxy": _PROXY}, _PROXY),
        ("https://api.example.org", {"HTTP_PROXY": _PROXY}, None),
        ("https://api.example.org", {"ALL_PROXY": _PROXY}, None),
        ("http://api.example.org", {"HTTP_PROXY": _PROXY}, _PROXY),
        ("http://api.example.org", {"HTTP_PROXY": _PROXY, "REQUEST_METHOD": "GET"}, None),
        ("https://api.example.org", {"HTTPS_PROXY": "proxy:3128"}, _PROXY),
        ("https://api.example.org", {"HTTPS_PROXY": "ftp://proxy:3128"}, _PROXY),
        ("https://api.example.org", {"HTTPS_PROXY": "x+y://u:p@proxy:3128/z"}, "http://u:p@proxy:3128/z"),
        ("https://api.example.org", {"HTTPS_PROXY": "SOCKS5://proxy:1080"}, "SOCKS5://proxy:1080"),
        ("https://localhost:6443", {"HTTPS_PROXY": _PROXY}, None),
        ("https://127.0.0.1:6443", {"HTTPS_PROXY": _PROXY}, None),
        ("https://[::1]:6443", {"HTTPS_PROXY": _PROXY}, None),
    ],
)
def test_the_environment(server: str, environ: dict[str, str], expected: str | None) -> None:
    assert proxy_for(server, None, environ) == expected


@pytest.mark.parametrize(
    ("server", "no_proxy", "bypassed"),
    [
        ("https://api.example.org", "*", True),
        ("https://api.example.org", "example.org", True),
        ("https://api.example.org", "other.org, example.org", True),
        ("https://example.org", "example.org", True),
        ("https://example.org", ".example.org", False),
        ("https://api.example.org", ".example.org", True),
        ("https://api.example.org", "*.example.org", True),
        ("https://myexample.org", "example.org", False),
        ("https://API.Example.org.", "api.example.org", True),
        ("https://api.example.org:6443", "api.example.org:6443", True),
        ("https://api.example.org:6443", "api.example.org:443", False),
        ("https://api.example.org", "api.example.org:443", True),
        ("https://10.1.2.3:6443", "10.0.0.0/8", True),
        ("https://11.1.2.3:6443", "10.0.0.0/8", False),
        ("https://10.1.2.3:6443", "10.1.2.3", True),
        ("https://10.1.2.3:6443", "10.1.2.3:443", False),
        ("https://10.1.2.3:6443", "2.3", False),
        ("https://[fd00::1]:6443", "fd00::/8", True),
        ("https://[fd00::1]:6443", "fd00::1", True),
        ("https://[fd00::1]:6443", "[fd00::1]:6443", True),
        ("https://api.example.org", "10.0.0.0/99,,:bad:port:,example.org:x", False),
        ("https://api.example.org", "", False),
    ],
)
def test_no_proxy(server: str, no_proxy: str, bypassed: bool) -> None:
    found = proxy_for(server, None, {"HTTPS_PROXY": _PROXY, "NO_PROXY": no_proxy})
    assert found == (None if bypassed else _PROXY)


def test_the_kubeconfig_beats_the_environment_and_no_proxy() -> None:
    environ = {"HTTPS_PROXY": "http://other:1", "NO_PROXY": "*"}
    assert proxy_for("https://localhost", "socks5://jump:1080", environ) == "socks5://jump:1080"


@pytest.mark.parametrize("url", ["ftp://u:s3cret@proxy", "proxy:3128", "u:s3cret@proxy", "socks5h://proxy", "http://u:s3cret@proxy:99999", "http://", "http://u:s3cret@[proxy"])
def test_what_is_no_proxy_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(ConfigError, match="proxy-url") as caught:
        proxy_for("https://api.example.org", url, {})
    assert "s3cret" not in str(caught.value)
