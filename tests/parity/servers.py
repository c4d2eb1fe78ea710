"""Which server, how it is trusted, and the way there: URLs, certificate authorities, plain HTTP, gateways, proxies."""

from typing import Any

from tests.parity.case import Case, Config, case, cluster, config
from tests.parity.plugins import plugin, script

_BROKEN = "-----BEGIN CERTIFICATE-----\nMIIBroken\n-----END CERTIFICATE-----\n"


def authority(name: str, text: Any) -> Case:
    return case(f"authority-{name}", config({"server": "%{server}", "certificate-authority": "e"}), files={"e": text})


def authority_data(name: str, text: str) -> Case:
    return case(f"authority-data-{name}", config({"server": "%{server}", "certificate-authority-data": text}))


def at(name: str, server: str, *flags: str, **entries: Any) -> Case:
    return case(f"server-{name}", config(cluster(server=server, **entries)), *flags)


def gateway(name: str, path: str, *flags: str) -> Case:
    return at(f"gateway-{name}", "https://127.0.0.1:%{gateway}" + path, *flags)


def by(name: str, proxy: str) -> Case:
    return case(f"proxy-{name}", config(cluster(proxy_url=proxy)))


def environed(name: str, server: str = "https://api.test:%{port}", **environ: str | None) -> Case:
    """The name leads nowhere, so without a proxy it fails."""
    return case(f"environment-{name}", config(cluster(server=server, tls_server_name="localhost")), environ=environ)


_PLAIN: Config = {"server": "http://127.0.0.1:%{plain}"}
_WRONG: Config = {"server": "%{server}", "certificate-authority-data": "%{base64:other}"}
_INSECURE: Config = {"server": "%{server}", "insecure-skip-tls-verify": True}
_WAY = "http://127.0.0.1:%{connect}"

CASES: list[Case] = [
    authority_data("good", "%{base64:authority}"),
    authority_data("wrong", "%{base64:other}"),
    authority_data("no-base64", "%%%"),
    authority_data("empty", ""),
    authority_data("of-rubbish", "aGVsbG8="),
    case("authority-data-and-file", config(cluster(certificate_authority_data="%{base64:authority}"))),
    case("authority-relative", config({"server": "%{server}", "certificate-authority": "up/ca"}), files={"up/ca": "%{authority}"}, within="elsewhere"),
    case("authority-missing", config({"server": "%{server}", "certificate-authority": "gone"})),
    authority("empty", ""),
    authority("with-remarks", "# NetLock Főtanúsítvány\nsubject=CN x\n%{authority}# end"),
    authority("with-byte-order-mark", "\ufeff# Autorité\r\n%{authority}"),
    authority("beside-a-mark-itself", "\ufeff%{authority}"),
    authority("broken-first", _BROKEN + "%{authority}"),
    authority("broken-last", "%{authority}" + _BROKEN),
    authority("only-broken", _BROKEN),
    authority("with-a-key", "%{key}%{authority}"),
    authority("indented", " %{authority}"),
    authority("in-latin-1", b"# caf\xe9\nno certificate"),
    case("no-authority", config({"server": "%{server}"})),
    case("insecure", config(_INSECURE)),
    case("insecure-beside-authority", config(cluster(insecure_skip_tls_verify=True))),
    case("insecure-as-text", config({"server": "%{server}", "insecure-skip-tls-verify": "true"})),
    case("insecure-flag", config(), "--insecure-skip-tls-verify"),
    case("insecure-flag-false", config(_INSECURE), "--insecure-skip-tls-verify=false"),
    case("insecure-flag-false-over-wrong", config(_WRONG), "--insecure-skip-tls-verify=false"),
    case("insecure-flag-empty", config(), "--insecure-skip-tls-verify="),
    case("insecure-flag-yes", config(), "--insecure-skip-tls-verify=yes"),
    case("insecure-flag-1", config(_INSECURE), "--insecure-skip-tls-verify=1"),
    case("insecure-flag-twice", config(_WRONG), "--insecure-skip-tls-verify", "--insecure-skip-tls-verify=false"),
    case("insecure-flag-and-authority-flag", config(), "--insecure-skip-tls-verify", "--certificate-authority", "%{ca}"),
    case("authority-flag-over-wrong", config(_WRONG), "--certificate-authority", "%{ca}"),
    case("authority-flag-over-insecure", config(_INSECURE), "--certificate-authority", "%{ca}"),
    at("name-wrong", "%{server}", tls_server_name="other.example"),
    at("name-right", "%{server}", tls_server_name="kubernetes.default.svc"),
    at("name-flag", "%{server}", "--tls-server-name", "localhost", tls_server_name="other.example"),
    at("name-gone-with-another-server", "%{server}", "--server", "%{server}", tls_server_name="other.example"),
    at("without-scheme", "127.0.0.1:%{port}"),
    at("without-scheme-plain", "127.0.0.1:%{plain}"),
    at("in-capitals", "HTTPS://LOCALHOST:%{port}"),
    at("with-slashes", "%{server}//"),
    at("with-query", "%{server}/?x=1#f"),
    at("with-query-alone", "%{server}?x=1"),
    at("with-spaces", " %{server} "),
    at("with-user", "https://me:pw@127.0.0.1:%{port}"),
    at("of-ftp", "ftp://127.0.0.1:%{port}"),
    at("http-for-https", "http://127.0.0.1:%{port}"),
    at("missing", ""),
    at("refused", "https://127.0.0.1:1"),
    at("unknown", "https://no-such-host.invalid:6443"),
    at("ipv6", "https://[::1]:%{six}", tls_server_name="localhost"),
    at("ipv6-of-another-name", "https://[::1]:%{six}"),
    at("ipv6-with-zone", "https://[::1%25lo]:%{six}", tls_server_name="localhost"),
    at("ipv4-in-ipv6", "https://[::ffff:127.0.0.1]:%{port}"),
    at("ipv4-in-ipv6-in-digits", "https://[::FFFF:7f00:1]:%{port}"),
    at("name-of-ipv4-in-ipv6", "%{server}", tls_server_name="::ffff:127.0.0.1"),
    at("name-without-a-label", "%{server}", tls_server_name="a..b"),
    at("flag", "https://127.0.0.1:1", "-s", "%{server}"),
    at("flag-joined", "https://127.0.0.1:1", "-s%{server}"),
    case("server-variable", "", environ={"KUBERNETES_MASTER": "http://127.0.0.1:%{plain}"}),
    case("server-flag-alone-plain", "", "--server", "http://127.0.0.1:%{plain}"),
    case("server-flag-alone-host-and-port", "", "--server", "127.0.0.1:%{plain}"),
    case("server-flag-alone", "", "--server", "%{server}", "--certificate-authority", "%{ca}"),
    case("server-flag-alone-with-token", "", "--server", "%{server}", "--certificate-authority", "%{ca}", "--token", "%{boris}"),
    gateway("prefix", "/k8s/clusters/c-1"),
    gateway("prefix-slash", "/k8s/clusters/c-1/"),
    gateway("prefix-query", "/k8s/clusters/c-1?x=y"),
    gateway("prefix-dots", "/k8s/../k8s/clusters/c-1"),
    gateway("prefix-encoded", "/k8s/clusters/c%2D1"),
    gateway("prefix-encoded-wrongly", "/k8s/clusters/c-1/%zz"),
    gateway("prefix-wrong", "/nope"),
    gateway("502", "/502"),
    gateway("401", "/401"),
    gateway("403", "/403"),
    gateway("200-page", "/200"),
    gateway("200-of-another-kind", "/json"),
    gateway("redirect", "/307"),
    gateway("chunked", "/chunked"),
    case("plain-token", config(_PLAIN)),
    case("plain-token-flag", config(_PLAIN, {}), "--token", "%{anna}"),
    case("plain-token-file-missing", config(_PLAIN, {"tokenFile": "gone"})),
    case("plain-nobody", config(_PLAIN, {})),
    case("plain-password", config(_PLAIN, {"username": "a", "password": "b"})),
    case("plain-plugin", config(_PLAIN, plugin()), files={"plug": script()}),
    case("plain-plugin-missing", config(_PLAIN, plugin("not-installed"))),
    case("plain-plugin-without-mode", config(_PLAIN, plugin(interactiveMode="absent"))),
    case("plain-certificate-missing", config(_PLAIN, {"client-certificate": "gone", "client-key": "gone"})),
    case("plain-auth-provider", config(_PLAIN, {"auth-provider": {"name": "gcp"}})),
    case("plain-as", config(_PLAIN), "--as", "boris"),
    case("plain-authority-missing", config({**_PLAIN, "certificate-authority": "gone"})),
    case("plain-insecure-beside-authority", config({**_PLAIN, "certificate-authority": "%{ca}", "insecure-skip-tls-verify": True})),
    by("http", _WAY),
    by("http-with-password", "http://us%40er:p%3Aw@127.0.0.1:%{connect}"),
    by("http-with-coded-password", "http://u:p%40ss@127.0.0.1:%{locked}"),
    by("http-with-wrong-password", "http://u:no@127.0.0.1:%{locked}"),
    by("socks5", "socks5://127.0.0.1:%{socks}"),
    by("socks5h", "socks5h://127.0.0.1:%{socks}"),
    by("without-scheme", "127.0.0.1:%{connect}"),
    by("ftp", "ftp://127.0.0.1:%{connect}"),
    by("http-with-wrong-code", "http://u:p%ZZ@127.0.0.1:%{connect}"),
    by("refused", "http://127.0.0.1:1"),
    case("proxy-flag", config(), "--proxy-url", _WAY),
    case("proxy-flag-over-kubeconfig", config(cluster(proxy_url="http://127.0.0.1:1")), "--proxy-url", _WAY),
    case("proxy-for-plain", config({**_PLAIN, "proxy-url": "http://127.0.0.1:1"})),
    environed("none"),
    environed("https", HTTPS_PROXY=_WAY),
    environed("https-small", https_proxy=_WAY),
    environed("https-without-scheme", HTTPS_PROXY="127.0.0.1:%{connect}"),
    environed("https-called-otherwise", HTTPS_PROXY="ftp://127.0.0.1:%{connect}"),
    environed("https-socks5", HTTPS_PROXY="socks5://127.0.0.1:%{socks}"),
    environed("https-socks5h", HTTPS_PROXY="socks5h://127.0.0.1:%{socks}"),
    environed("https-coded-password", HTTPS_PROXY="http://u:p%40ss@127.0.0.1:%{locked}"),
    environed("all", ALL_PROXY=_WAY),
    environed("http", HTTP_PROXY=_WAY),
    environed("loopback", "%{server}", HTTPS_PROXY="http://127.0.0.1:1"),
    environed("localhost", "https://localhost:%{port}", HTTPS_PROXY="http://127.0.0.1:1"),
    environed("exception-suffix", HTTPS_PROXY=_WAY, NO_PROXY=".test"),
    environed("exception-of-another-port", HTTPS_PROXY=_WAY, NO_PROXY="api.test:1, foo"),
    environed("exception-in-capitals", HTTPS_PROXY=_WAY, no_proxy=" a , API.TEST "),
    environed("exception-both", HTTPS_PROXY=_WAY, NO_PROXY="other", no_proxy="api.test"),
]
