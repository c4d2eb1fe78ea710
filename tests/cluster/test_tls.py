"""Certificates and proxies on the way to a server that speaks TLS."""

import base64
import json
import re
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import pytest
import trustme

from kubectl_pets.cluster import Client, connect
from kubectl_pets.cluster.http import pools
from kubectl_pets.cluster.http.credentials import WithCertificate
from kubectl_pets.cluster.http.library import Configuration, RESTClientObject
from kubectl_pets.cluster.http.target import Target
from kubectl_pets.errors import ConfigError, UnreachableError
from kubectl_pets.session import ConnectionFlags
from tests.cluster.conftest import Connector, data, kubeconfig, serving, write
from tests.cluster.loopback import Loopback, loopback, stateful_set
from tests.cluster.proxy import Proxy, proxy, socks


@pytest.fixture
def secure(secure: Loopback) -> Loopback:
    stateful_set(secure.world)
    return secure


def works(client: Client) -> None:
    found = client.set_view("x", "web").set
    assert found is not None and found.name == "web"


def test_authorities_from_data_file_and_flag(
    secure: Loopback, connecting: Connector, authority: trustme.CA, tmp_path: Path
) -> None:
    path = tmp_path / "ca.crt"
    path.write_bytes(authority.cert_pem.bytes())
    works(connecting(secure.url, cluster={"certificate-authority-data": data(authority.cert_pem)}))
    works(connecting(secure.url, cluster={"certificate-authority": "ca.crt"}))
    wrong = {"certificate-authority-data": data(trustme.CA().cert_pem)}
    works(connecting(secure.url, cluster=wrong, certificate_authority=str(path)))


def test_a_certificate_that_is_not_trusted_is_refused(secure: Loopback, connecting: Connector) -> None:
    client = connecting(secure.url, cluster={"certificate-authority-data": data(trustme.CA().cert_pem)}, user={"token": "s3cret"})
    with pytest.raises(UnreachableError, match=f"certificate of the API server {secure.url} is not trusted") as caught:
        client.set_view("x", "web")
    assert caught.value.hint is not None and "certificate-authority" in caught.value.hint
    assert secure.seen == [], "the token must not have been sent"


def test_by_default_the_authorities_of_the_machine_count(secure: Loopback, connecting: Connector) -> None:
    with pytest.raises(UnreachableError, match="is not trusted"):
        connecting(secure.url).set_view("x", "web")


def test_insecure_asks_no_questions_and_warns_nobody(secure: Loopback, connecting: Connector) -> None:
    works(connecting(secure.url, cluster={"insecure-skip-tls-verify": True}))
    authority_data = {"certificate-authority-data": data(trustme.CA().cert_pem)}
    works(connecting(secure.url, cluster=authority_data, insecure_skip_tls_verify=True))


def test_an_authority_that_is_no_certificate_is_a_config_error(secure: Loopback, connecting: Connector) -> None:
    client = connecting(secure.url, cluster={"certificate-authority-data": base64.b64encode(b"s3cret").decode()})
    with pytest.raises(ConfigError, match="holds no PEM certificate") as caught:
        client.set_view("x", "web")
    assert "s3cret" not in str(caught.value)


def test_the_certificates_name_is_the_servers_or_the_one_given(connecting: Connector, authority: trustme.CA) -> None:
    trusted = {"certificate-authority-data": data(authority.cert_pem)}
    with loopback(serving(authority, "api.example.org")) as server:
        stateful_set(server.world)
        with pytest.raises(UnreachableError, match="is not trusted: .*127.0.0.1") as caught:
            connecting(server.url, cluster=trusted).set_view("x", "web")
        assert caught.value.hint is not None and "--tls-server-name" in caught.value.hint
        works(connecting(server.url, cluster=trusted | {"tls-server-name": "api.example.org"}))
        works(connecting(server.url, cluster=trusted, tls_server_name="api.example.org"))
        with pytest.raises(UnreachableError, match="other.example.org"):
            connecting(server.url, cluster=trusted, tls_server_name="other.example.org").set_view("x", "web")
        with pytest.raises(UnreachableError, match="is not trusted"):  # another server: the name was for the first one
            named = trusted | {"tls-server-name": "api.example.org"}
            connecting("https://127.0.0.1:1", cluster=named, server=server.url).set_view("x", "web")


def test_client_certificates_from_data_and_from_files(connecting: Connector, authority: trustme.CA, tmp_path: Path) -> None:
    people = trustme.CA()
    me = people.issue_cert("me@example.org", common_name="me")
    trusted = {"certificate-authority-data": data(authority.cert_pem)}
    chain = me.cert_chain_pems[0]
    (tmp_path / "me.crt").write_bytes(chain.bytes())
    (tmp_path / "me.key").write_bytes(me.private_key_pem.bytes())
    with loopback(serving(authority, "127.0.0.1", client=people)) as server:
        stateful_set(server.world)
        works(connecting(server.url, cluster=trusted, user={"client-certificate": "me.crt", "client-key": "me.key"}))
        inline = {"client-certificate-data": data(chain), "client-key-data": data(me.private_key_pem)}
        works(connecting(server.url, cluster=trusted, user=inline))
        assert all(("commonName", "me") in sum(peer["subject"], ()) for peer in server.peers)
        with pytest.raises(UnreachableError) as caught:
            connecting(server.url, cluster=trusted).set_view("x", "web")
        assert caught.value.hint is not None and ("client-certificate" in caught.value.hint or caught.value.hint == "try again")  # its alert, or the cut after it


def test_connections_of_several_threads_leave_their_context_as_it_is(
    secure: Loopback, connecting: Connector, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To name a protocol anew frees what another thread copies (python/cpython#141012)."""
    named: list[list[str]] = []
    opened_in: list[str] = []
    name, wrap = ssl.SSLContext.set_alpn_protocols, ssl.SSLContext.wrap_socket

    def naming(context: ssl.SSLContext, protocols: list[str]) -> None:
        named.append(list(protocols))
        name(context, protocols)

    def wrapping(context: ssl.SSLContext, sock: socket.socket, *args: Any, **how: Any) -> ssl.SSLSocket:
        if not how.get("server_side"):
            opened_in.append(threading.current_thread().name)
        return wrap(context, sock, *args, **how)

    monkeypatch.setattr(ssl.SSLContext, "set_alpn_protocols", naming)
    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", wrapping)
    client = connecting(secure.url, cluster={"certificate-authority-data": data(authority.cert_pem)})
    with client.watch_set("x", "web"):
        secure.await_requests(3, watch=True)
    assert len(set(opened_in)) > 1 and named == [["http/1.1"]]


def test_a_connection_that_is_cut_in_the_handshake_is_lost_not_untrusted(connecting: Connector, authority: trustme.CA) -> None:
    """As by a server that turns a certificate down and closes before its alert was read."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def cut() -> None:
            with suppress(OSError):  # the listener is closed at the end
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(1)  # of the hello, the rest of which stays unread

        thread = threading.Thread(target=cut, daemon=True)
        thread.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(UnreachableError, match="lost the API server") as caught:
            connecting(url, cluster={"certificate-authority-data": data(authority.cert_pem)}).set_view("x", "web")
        assert caught.value.hint is not None and caught.value.hint.startswith("try again")
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def test_client_certificates_in_files_are_read_again_when_they_are_rotated(
    connecting: Connector, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WithCertificate, "_OFTEN", 0.0)
    people = trustme.CA()
    first, second = (people.issue_cert(f"{name}@example.org", common_name=name) for name in ("first", "second"))

    def put(cert: trustme.LeafCert, key: trustme.LeafCert) -> None:
        (tmp_path / "me.crt").write_bytes(cert.cert_chain_pems[0].bytes())
        (tmp_path / "me.key").write_bytes(key.private_key_pem.bytes())

    put(first, first)
    with loopback(serving(authority, "127.0.0.1", client=people)) as server:
        stateful_set(server.world)
        user = {"client-certificate": "me.crt", "client-key": "me.key"}
        client = connecting(server.url, cluster={"certificate-authority-data": data(authority.cert_pem)}, user=user)
        works(client)
        put(second, first)
        works(client)  # in the middle of the rotation
        (tmp_path / "me.key").unlink()
        works(client)
        assert {dict(sum(peer["subject"], ()))["commonName"] for peer in server.peers} == {"first"}
        put(second, second)
        works(client)
        assert dict(sum(server.peers[-1]["subject"], ()))["commonName"] == "second"


def test_an_intermediate_authority_is_trusted_by_itself(connecting: Connector) -> None:
    """As Go trusts whatever is named."""
    below = trustme.CA().create_child_ca()
    with loopback(serving(below, "127.0.0.1")) as server:
        stateful_set(server.world)
        works(connecting(server.url, cluster={"certificate-authority-data": data(below.cert_pem)}))


@pytest.mark.parametrize("compressed", [True, False])
def test_compression_can_be_switched_off(
    secure: Loopback, connecting: Connector, authority: trustme.CA, compressed: bool
) -> None:
    trusted = {"certificate-authority-data": data(authority.cert_pem)}
    works(connecting(secure.url, cluster=trusted, disable_compression=not compressed))
    assert secure.seen[0].headers["Accept-Encoding"] == ("gzip" if compressed else "identity")


@pytest.mark.parametrize(("level", "told"), [(5, 0), (6, 1), (9, 1)])
def test_each_request_is_told_with_its_time_and_without_secrets(
    secure: Loopback, authority: trustme.CA, tmp_path: Path, level: int, told: int
) -> None:
    cluster = {"certificate-authority-data": data(authority.cert_pem)}
    path = write(tmp_path / "config", kubeconfig(secure.url, cluster=cluster, user={"token": "s3cret"}))
    lines: list[str] = []
    with connect(ConnectionFlags(kubeconfig=str(path), verbosity=level), tell=lines.append) as client:
        works(client)
    assert len(lines) == told * len(secure.seen)
    assert all(re.fullmatch(rf"GET {secure.url}/\S+: HTTP 200 in \d+ ms", line) for line in lines)
    assert "s3cret" not in "".join(lines)


def test_a_key_does_not_stay_on_the_disk(
    secure: Loopback, connecting: Connector, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    me = authority.issue_cert("me@example.org")
    user = {"client-certificate-data": data(me.cert_chain_pems[0]), "client-key-data": data(me.private_key_pem)}
    works(connecting(secure.url, cluster={"certificate-authority-data": data(authority.cert_pem)}, user=user))
    assert list(folder.iterdir()) == []


def test_client_certificates_that_are_of_no_use(secure: Loopback, connecting: Connector, authority: trustme.CA) -> None:
    me, other = authority.issue_cert("me@example.org"), authority.issue_cert("other@example.org")
    trusted = {"certificate-authority-data": data(authority.cert_pem)}
    mixed = {"client-certificate-data": data(me.cert_chain_pems[0]), "client-key-data": data(other.private_key_pem)}
    with pytest.raises(ConfigError, match="its key belongs to another certificate"):
        connecting(secure.url, cluster=trusted, user=mixed).set_view("x", "web")
    junk = base64.b64encode(b"s3cret").decode()
    with pytest.raises(ConfigError, match="not PEM, or damaged") as caught:
        user = {"client-certificate-data": junk, "client-key-data": junk}
        connecting(secure.url, cluster=trusted, user=user).set_view("x", "web")
    assert "s3cret" not in str(caught.value)


def test_a_key_with_a_password_is_refused_instead_of_asked_for(
    secure: Loopback, connecting: Connector, authority: trustme.CA
) -> None:
    from cryptography.hazmat.primitives import serialization as forms

    me = authority.issue_cert("me@example.org")
    key = forms.load_pem_private_key(me.private_key_pem.bytes(), None)
    locked = key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.BestAvailableEncryption(b"pw"))
    user = {"client-certificate-data": data(me.cert_chain_pems[0]), "client-key-data": base64.b64encode(locked).decode()}
    with pytest.raises(ConfigError, match="is encrypted"):
        connecting(secure.url, cluster={"certificate-authority-data": data(authority.cert_pem)}, user=user).set_view("x", "web")


def test_a_plugins_certificate_is_shown_and_renewed(connecting: Connector, authority: trustme.CA, tmp_path: Path) -> None:
    people = trustme.CA()
    answers = []
    for name in ("first", "second"):
        cert = people.issue_cert(f"{name}@example.org", common_name=name)
        status = {
            "clientCertificateData": cert.cert_chain_pems[0].bytes().decode(),
            "clientKeyData": cert.private_key_pem.bytes().decode(),
            "expirationTimestamp": "2020-01-01T00:00:00Z",
        }
        answers.append({"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1", "status": status})
    queue = tmp_path / "answers"
    queue.write_text("".join(json.dumps(answer) + "\n" for answer in answers + answers[1:] * 20))
    script = tmp_path / "plugin"
    script.write_text(
        f"#!{sys.executable}\nlines = open({str(queue)!r}).readlines()\nprint(lines[0])\nopen({str(queue)!r}, 'w').writelines(lines[1:])\n"
    )
    script.chmod(0o755)
    user = {"exec": {"command": str(script), "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never"}}
    with loopback(serving(authority, "127.0.0.1", client=people)) as server:
        stateful_set(server.world)
        works(connecting(server.url, cluster={"certificate-authority-data": data(authority.cert_pem)}, user=user))
        names = [dict(sum(peer["subject"], ()))["commonName"] for peer in server.peers]
    assert names[0] == "first" and set(names[1:]) == {"second"}


def test_http_and_https_mistaken_for_each_other(server: Loopback, secure: Loopback, connecting: Connector) -> None:
    with pytest.raises(UnreachableError, match="no trusted connection") as caught:
        connecting(server.url.replace("http:", "https:")).set_view("x", "web")
    assert caught.value.hint is not None and "http, not https" in caught.value.hint


# --- proxies -----------------------------------------------------------------------------------------------------------------


def test_the_proxy_of_the_kubeconfig_is_used(secure: Loopback, connecting: Connector, authority: trustme.CA) -> None:
    trusted = {"certificate-authority-data": data(authority.cert_pem)}
    with proxy() as way:
        works(connecting(secure.url, cluster=trusted | {"proxy-url": f"http://127.0.0.1:{way.port}"}))
        assert set(way.asked) == {f"CONNECT 127.0.0.1:{secure.port} HTTP/1.0"}


def test_a_plain_server_is_reached_through_a_proxy_too(server: Loopback, connecting: Connector) -> None:
    stateful_set(server.world)
    with proxy() as way:
        works(connecting(server.url, cluster={"proxy-url": f"http://127.0.0.1:{way.port}"}))
        assert way.asked[0].startswith(f"GET {server.url}/apis/apps/v1/")


@pytest.mark.parametrize("tunnel", [False, True])
def test_a_connection_that_the_proxy_dropped_is_made_anew(
    server: Loopback, secure: Loopback, connecting: Connector, authority: trustme.CA, tunnel: bool
) -> None:
    stateful_set(server.world)
    with proxy() as way:
        way.drops = 2
        cluster = {"proxy-url": f"http://127.0.0.1:{way.port}", "certificate-authority-data": data(authority.cert_pem)}
        works(connecting((secure if tunnel else server).url, cluster=cluster))
        assert way.drops == 0


def test_a_proxy_that_wants_a_password_gets_it(secure: Loopback, connecting: Connector, authority: trustme.CA) -> None:
    trusted = {"certificate-authority-data": data(authority.cert_pem)}
    with proxy(password="me:s3cret") as way:
        works(connecting(secure.url, cluster=trusted | {"proxy-url": f"http://me:s3cret@127.0.0.1:{way.port}"}))
        works(connecting(secure.url, cluster=trusted | {"proxy-url": f"http://m%65:s3%63ret@127.0.0.1:{way.port}"}))
        client = connecting(secure.url, cluster=trusted | {"proxy-url": f"http://me:s3cret2@127.0.0.1:{way.port}"})
        with pytest.raises(UnreachableError, match=f"proxy http://127.0.0.1:{way.port} did not take us there .*407") as caught:
            client.set_view("x", "web")
        assert "s3cret" not in str(caught.value)


def test_the_proxy_of_the_environment_is_used(
    connecting: Connector, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    with loopback(serving(authority, "api.example.org")) as server, proxy(answer=b"HTTP/1.1 503 Busy\r\n\r\n") as way:
        monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{way.port}")
        client = connecting(f"https://127.0.0.2:{server.port}")
        with pytest.raises(UnreachableError, match="127.0.0.2"):
            client.set_view("x", "web")
        assert way.asked == [], "loopback goes without a proxy"
        with pytest.raises(UnreachableError, match="did not take us there"):
            connecting(f"https://api.invalid:{server.port}").set_view("x", "web")


def test_a_proxy_that_is_not_there_is_blamed_by_name(connecting: Connector, secure: Loopback) -> None:
    client = connecting(secure.url, cluster={"proxy-url": "http://127.0.0.1:1"})
    with pytest.raises(UnreachableError, match=r"its proxy http://127.0.0.1:1 did not take us there \(connection refused\)"):
        client.set_view("x", "web")


@pytest.mark.parametrize("name", ["127.0.0.1", "api.invalid"])
def test_a_socks_proxy_looks_names_up_itself(connecting: Connector, authority: trustme.CA, name: str) -> None:
    with loopback(serving(authority, name)) as server, socks() as way:
        stateful_set(server.world)
        cluster = {"certificate-authority-data": data(authority.cert_pem), "proxy-url": f"socks5://127.0.0.1:{way.port}"}
        works(connecting(f"https://{name}:{server.port}", cluster=cluster))
        assert set(way.asked) == {f"{name}:{server.port}"}


def test_a_socks_proxy_that_wants_a_password_gets_it(secure: Loopback, connecting: Connector, authority: trustme.CA) -> None:
    trusted = {"certificate-authority-data": data(authority.cert_pem)}
    with socks("me:s3:cret@") as way:
        works(connecting(secure.url, cluster=trusted | {"proxy-url": f"socks5://me:s3%3Acret%40@127.0.0.1:{way.port}"}))
        client = connecting(secure.url, cluster=trusted | {"proxy-url": f"socks5://me:s3cret@127.0.0.1:{way.port}"})
        with pytest.raises(UnreachableError, match=f"through the proxy socks5://127.0.0.1:{way.port}") as caught:
            client.set_view("x", "web")
        assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(("kind", "scheme"), [(proxy, "http"), (socks, "socks5")])
def test_watches_go_through_the_proxy_and_are_cut_off_at_once(
    secure: Loopback, connecting: Connector, authority: trustme.CA, kind: Callable[[], AbstractContextManager[Proxy]], scheme: str
) -> None:
    trusted: dict[str, Any] = {"certificate-authority-data": data(authority.cert_pem)}
    with kind() as way:
        client = connecting(secure.url, cluster=trusted | {"proxy-url": f"{scheme}://127.0.0.1:{way.port}"})
        with client.watch_set("x", "web") as source:
            secure.await_requests(4, watch=True)
            source.latest()
            stateful_set(secure.world, replicas=7)
            assert source.wait(5)
            found = source.latest().set
            assert found is not None and found.spec.replicas == 7


@pytest.mark.parametrize("insecure", [False, True])
@pytest.mark.parametrize("name", [None, "other.example"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_where_no_proxy_is_on_the_way_the_pool_is_the_client_library_s(scheme: str, name: str | None, insecure: bool) -> None:
    """It is not loaded for that; what it would make is told here by itself."""
    target = Target(server=f"{scheme}://127.0.0.1:1", name="test", insecure=insecure, tls_server_name=name)
    ours = pools.open_pool(target, None)
    configuration = Configuration(proxy="", no_proxy="")
    configuration.host, configuration.verify_ssl, configuration.tls_server_name = target.server, not insecure, name
    theirs = RESTClientObject(configuration).pool_manager
    differing = {"ssl_context", "maxsize", "socket_options"}  # which are ours in any case
    assert type(ours) is type(theirs) and ours.headers == theirs.headers
    assert _but(ours.connection_pool_kw, differing) == _but(theirs.connection_pool_kw, differing)
    assert ("ssl_context" in ours.connection_pool_kw) == (scheme == "https") and {"maxsize", "socket_options"} <= ours.connection_pool_kw.keys()


def _but(options: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in names}
