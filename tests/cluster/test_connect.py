"""Flags, kubeconfig and surroundings: which server is asked, as whom, and what is said when they contradict each other."""

import base64
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from kubectl_pets.cluster import connect
from kubectl_pets.cluster.access import choosing
from kubectl_pets.errors import ConfigError, NotFoundError, UnauthorizedError, UnreachableError
from kubectl_pets.session import Cluster, ConnectionFlags
from tests.cluster.conftest import Connector, kubeconfig, serving, write
from tests.cluster.loopback import Answer, Loopback, loopback, stateful_set, status


@pytest.fixture
def server(secure: Loopback) -> Loopback:
    return secure


@pytest.fixture
def connecting(trusting: Connector) -> Connector:
    return trusting


@pytest.fixture
def ca(authority: trustme.CA, tmp_path: Path) -> str:
    """The file of ``server``'s authority."""
    path = tmp_path / "ca.crt"
    path.write_bytes(authority.cert_pem.bytes())
    return str(path)


def authorization(server: Loopback) -> str | None:
    value: str | None = server.seen[-1].headers["Authorization"]
    return value


def look(cluster: Cluster) -> None:
    """Any request at all."""
    with pytest.raises(NotFoundError):
        cluster.set_view("x", "none")


def test_nothing_is_sent_before_something_is_asked(server: Loopback, connecting: Connector) -> None:
    connecting(server.url)
    assert server.seen == []


def test_the_client_is_what_the_session_wants(server: Loopback, connecting: Connector) -> None:
    cluster: Cluster = connecting(server.url, context={"namespace": "shop"})
    assert cluster.namespace == "shop"
    assert cluster.server_name() == f"context here ({server.url})"


# --- which server ------------------------------------------------------------------------------------------------------------


def test_context_cluster_user_and_server_flags_choose(server: Loopback, ca: str, tmp_path: Path) -> None:
    config = kubeconfig("http://127.0.0.1:1", user={"token": "wrong"})
    config["clusters"].append({"name": "other-cluster", "cluster": {"server": server.url, "certificate-authority": ca}})
    config["users"].append({"name": "other-user", "user": {"token": "right"}})
    config["contexts"].append({"name": "other", "context": {"cluster": "other-cluster", "user": "here", "namespace": "theirs"}})
    path = str(write(tmp_path / "config", config))
    for flags in (
        ConnectionFlags(kubeconfig=path, context="other", user="other-user"),
        ConnectionFlags(kubeconfig=path, cluster="other-cluster", user="other-user"),
        ConnectionFlags(kubeconfig=path, server=server.url, user="other-user", certificate_authority=ca),
    ):
        with connect(flags) as client:
            look(client)
        assert authorization(server) == "Bearer right"
    with connect(ConnectionFlags(kubeconfig=path, context="other", namespace="mine")) as client:
        assert client.namespace == "mine"
    with connect(ConnectionFlags(kubeconfig=path, context="other")) as client:
        assert client.namespace == "theirs"


@pytest.mark.parametrize(
    ("flags", "said", "hint"),
    [
        ({"context": "her"}, "no context named 'her'", "there are: here"),
        ({"cluster": "no"}, "no cluster named 'no'", "there are: here"),
        ({"user": "no"}, "no user named 'no'", "there are: here"),
    ],
)
def test_a_wrong_name_says_which_there_are(tmp_path: Path, flags: dict[str, Any], said: str, hint: str) -> None:
    path = str(write(tmp_path / "config", kubeconfig()))
    with pytest.raises(ConfigError, match=said) as caught:
        connect(ConnectionFlags(kubeconfig=path, **flags))
    assert caught.value.hint == hint


def test_no_context_chosen_is_said(tmp_path: Path) -> None:
    config = kubeconfig()
    del config["current-context"]
    path = str(write(tmp_path / "config", config))
    with pytest.raises(ConfigError, match="no context is chosen") as caught:
        connect(ConnectionFlags(kubeconfig=path))
    assert caught.value.hint is not None and caught.value.hint.endswith("there are: here")


def test_no_kubeconfig_at_all_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"looked in {tmp_path}/home/.kube/config, and this does not run in a pod"):
        connect(ConnectionFlags())


def test_a_server_flag_needs_no_kubeconfig(server: Loopback, ca: str) -> None:
    with connect(ConnectionFlags(server=server.url, token="t", certificate_authority=ca)) as client:
        look(client)
        assert client.server_name() == f"no context ({server.url})"
        assert client.namespace == "default"
    assert authorization(server) == "Bearer t"


@pytest.mark.parametrize("cluster", [{}, {"insecure-skip-tls-verify": True}])
def test_a_server_without_a_scheme_is_plain_http_whatever_there_is_to_trust(connecting: Connector, cluster: dict[str, Any]) -> None:
    with loopback() as plain:
        look(connecting(f"127.0.0.1:{plain.port}", cluster=cluster, user={"token": "s3cret"}))
        assert authorization(plain) is None


@pytest.mark.parametrize(
    ("server", "read"),
    [
        ("HTTPS://Api.Example.org:6443/", "https://api.example.org:6443"),
        ("https://h/k8s//c/../d/?x=1#f", "https://h/k8s/d"),
        ("https://h?x=1", "https://h"),
        ("https://[fd00::1]:6443", "https://[fd00::1]:6443"),
        ("https://[::1%25lo]:6443", "https://[::1]:6443"),
        ("h:8080/", "http://h:8080"),
        ("localhost", "http://localhost"),
    ],
)
def test_what_counts_of_a_servers_url(connecting: Connector, server: str, read: str) -> None:
    assert connecting(server, user={"token": "t"}).server_name() == f"context here ({read})"


# --- over plain HTTP ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "flags"),
    [
        ({"token": "s3cret"}, {}),
        ({}, {"token": "s3cret"}),
        ({"username": "me", "password": "s3cret"}, {}),
        ({"tokenFile": "/no/such/file"}, {}),
        ({"auth-provider": {"name": "gcp"}}, {}),
        ({"exec": {"command": "PLUGIN", "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never"}}, {}),
    ],
)
def test_nobody_is_told_who_asks_over_plain_http(
    connecting: Connector, tmp_path: Path, user: dict[str, Any], flags: dict[str, Any]
) -> None:
    ran, plugin = tmp_path / "ran", tmp_path / "plugin"
    plugin.write_text(f"#!/bin/sh\ntouch {ran}\n")
    plugin.chmod(0o755)
    if "exec" in user:
        user = {"exec": user["exec"] | {"command": str(plugin)}}
    with loopback() as plain:
        look(connecting(plain.url, user=user, **flags))
        assert not plain.seen[-1].headers["Authorization"] and not plain.seen[-1].headers["Cookie"]
    assert not ran.exists()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_user_in_the_servers_url_is_refused(connecting: Connector, scheme: str) -> None:
    with pytest.raises(ConfigError, match=f"server {scheme}://h:1 has a user name or password in its URL") as caught:
        connecting(f"{scheme}://me:s3cret@h:1")
    assert "s3cret" not in str(caught.value)


def test_a_path_in_front_of_the_api_is_kept(server: Loopback, connecting: Connector) -> None:
    server.fault(Answer(200, b'{"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "web", "namespace": "x"}, "spec": {"selector": {}}}'))
    connecting(server.url + "/k8s/clusters/c-1/").set_view("x", "web")
    assert server.seen[0].path == "/k8s/clusters/c-1/apis/apps/v1/namespaces/x/statefulsets/web"


@pytest.mark.parametrize("url", ["ftp://x", "https://", "https://u:s3cret@h:port", ""])
def test_a_server_that_is_no_url_is_refused(connecting: Connector, url: str) -> None:
    with pytest.raises(ConfigError, match="server") as caught:
        connecting(url)
    assert "s3cret" not in str(caught.value)


_EXEC = {"command": "/no/such", "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never"}
_OIDC: dict[str, Any] = {"name": "oidc", "config": {"idp-issuer-url": "https://issuer.example.org", "client-id": "kubernetes"}}
_ID_TOKEN = "e30." + base64.urlsafe_b64encode(b'{"exp": 4102444800}').decode().rstrip("=") + ".c2ln"
_OLD_TOKEN = "e30." + base64.urlsafe_b64encode(b'{"exp": 1700000000}').decode().rstrip("=") + ".c2ln"


# --- as whom -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "flags", "header"),
    [
        ({"token": "abc"}, {"token": "def"}, "Bearer def"),
        ({"username": "me", "password": "pässword"}, {}, "Basic " + base64.b64encode("me:pässword".encode()).decode()),
        ({"username": "me", "password": "p"}, {"username": "you"}, "Basic " + base64.b64encode(b"you:p").decode()),
        ({"exec": _EXEC, "username": "me", "password": "p"}, {}, "Basic " + base64.b64encode(b"me:p").decode()),
        ({"exec": _EXEC}, {"token": "t"}, "Bearer t"),
        ({"auth-provider": _OIDC | {"config": _OIDC["config"] | {"id-token": _ID_TOKEN}}}, {}, f"Bearer {_ID_TOKEN}"),
        ({"auth-provider": _OIDC | {"config": _OIDC["config"] | {"id-token": _ID_TOKEN}}, "token": "abc"}, {}, "Bearer abc"),
        ({"client-key-data": "czNjcmV0", "token": "abc"}, {}, "Bearer abc"),
    ],
)
def test_the_header_that_is_sent(
    server: Loopback, connecting: Connector, user: dict[str, Any], flags: dict[str, Any], header: str | None
) -> None:
    look(connecting(server.url, user=user, **flags))
    assert authorization(server) == header


def test_a_token_file_is_read_again_when_it_was_rotated(server: Loopback, connecting: Connector, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("one\n")
    client = connecting(server.url, user={"tokenFile": str(token)})
    look(client)
    assert authorization(server) == "Bearer one"
    fresh = tmp_path / "fresh"
    fresh.write_text("two")
    fresh.rename(token)
    look(client)
    assert authorization(server) == "Bearer two"
    token.unlink()
    look(client)
    assert authorization(server) == "Bearer two", "in the middle of a rotation the old one is still good"


def test_a_401_makes_the_token_file_be_read_again(server: Loopback, connecting: Connector, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old")
    client = connecting(server.url, user={"tokenFile": str(token)})

    def rotate(handler: Any) -> None:
        token.write_text("new")
        handler.answer(Answer(401, status(401, "Unauthorized")))

    server.fault(rotate)
    look(client)
    assert [seen.headers["Authorization"] for seen in server.seen[:2]] == ["Bearer old", "Bearer new"]


def test_a_token_file_beats_a_token_once_it_is_there(server: Loopback, connecting: Connector, tmp_path: Path) -> None:
    token = tmp_path / "token"
    client = connecting(server.url, user={"tokenFile": str(token), "token": "fixed"})
    look(client)
    assert authorization(server) == "Bearer fixed"
    token.write_text("rotated")
    look(client)
    assert authorization(server) == "Bearer rotated"


@pytest.mark.parametrize(
    ("content", "said"), [(None, "cannot be read: No such file"), (b"\n", "is empty"), (b"\xff\xfe", "it is not text")]
)
def test_a_token_file_that_is_missing_or_empty_is_named(
    server: Loopback, connecting: Connector, tmp_path: Path, content: bytes | None, said: str
) -> None:
    token = tmp_path / "token"
    if content is not None:
        token.write_bytes(content)
    with pytest.raises(ConfigError, match=f"token file {token} .*{said}"):
        connecting(server.url, user={"tokenFile": str(token)})
    assert server.seen == []


def test_a_token_file_that_is_empty_for_a_moment_does_no_harm(server: Loopback, connecting: Connector, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("one")
    client = connecting(server.url, user={"tokenFile": str(token)})
    token.write_text("")
    look(client)
    assert authorization(server) == "Bearer one"


def test_a_token_that_is_turned_down_is_unauthorized_without_being_shown(server: Loopback, connecting: Connector) -> None:
    server.fault(Answer(401, status(401, "Unauthorized"), headers=(("WWW-Authenticate", "s3cret"),)))
    with pytest.raises(UnauthorizedError) as caught:
        connecting(server.url, user={"token": "s3cret"}).set_view("x", "web")
    assert "s3cret" not in str(caught.value) + repr(caught.value) + str(caught.value.hint)
    assert len(server.seen) == 1, "the same token would be turned down again"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"user": {"token": "s3cret\nX-Evil: 1"}}, "line break"),
        ({"user": {"auth-provider": {"name": "gcp", "config": {"access-token": "s3cret"}}}}, "auth-provider 'gcp'"),
        ({"user": {"auth-provider": {"name": "gcp"}, "token": "s3cret"}}, "auth-provider 'gcp'"),
        ({"user": {"auth-provider": {"name": "oidc"}}}, "has no idp-issuer-url"),
        ({"user": {"auth-provider": _OIDC}}, "has no id-token"),
        ({"user": {"auth-provider": {"name": "oidc", "config": _OIDC["config"] | {"id-token": _OLD_TOKEN}}}}, "has run out"),
        ({"user": {"auth-provider": _OIDC, "exec": _EXEC}}, "only one of them can log in"),
        ({"user": {"token": "s3cret", "username": "me"}}, "only one of them can be sent"),
        ({"user": {"token": " s3cret\n"}}, "line break"),
        ({"user": {}}, "nothing says who you are"),
        ({"user": {"password": "s3cret"}}, "nothing says who you are"),
        ({"context": {"user": "gone"}, "user": {}}, "no user named 'gone'"),
        ({"user": {"exec": _EXEC | {"interactiveMode": None}}}, "no interactiveMode"),
        ({"user": {"exec": _EXEC | {"interactiveMode": "Sometimes"}}}, "unknown interactiveMode"),
        ({"user": {"exec": _EXEC | {"command": ""}}}, "no command"),
        ({"user": {"exec": _EXEC | {"apiVersion": None}}}, "no apiVersion"),
        ({"user": {"exec": _EXEC | {"env": [{"value": "s3cret"}]}}}, "without a name"),
        ({"user": {"client-certificate-data": "s3cret!"}}, "Expected base64 - at .*client-certificate-data"),
        ({"user": {"client-certificate-data": "YQ==", "client-certificate": __file__}}, "client-certificate-data are given both"),
        ({"cluster": {"certificate-authority-data": "YQ==", "certificate-authority": __file__}}, "given both"),
        ({"context": {"namespace": ".."}}, "'..' cannot be a namespace"),
        ({"namespace": "../kube-system"}, "cannot be a namespace"),
        ({"as_user": "jane", "as_user_extra": ("scope",)}, "is not KEY=VALUE"),
        ({"user": {"client-certificate": "/no/such.crt"}}, "client-certificate /no/such.crt cannot be read: No such file"),
        ({"user": {"client-certificate-data": "czNjcmV0"}}, "has a client-certificate, but no client-key"),
        ({"user": {"as-groups": ["a"]}}, "but no user"),
        ({"user": {"as": "s3cret\n"}}, "line break"),
        ({"cluster": {"certificate-authority": "/no/such.crt"}}, "certificate-authority /no/such.crt cannot be read"),
        ({"cluster": {"certificate-authority-data": "czNjcmV0", "insecure-skip-tls-verify": True}}, "given both"),
    ],
)
def test_contradictions_are_found_before_the_first_request(
    server: Loopback, connecting: Connector, parts: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        connecting(server.url, **parts)
    assert "s3cret" not in str(caught.value)
    assert server.seen == []


# --- impersonation -----------------------------------------------------------------------------------------------------------


def impersonated(server: Loopback) -> dict[str, list[str]]:
    headers = server.seen[-1].headers
    return {name: headers.get_all(name, []) for name in dict.fromkeys(headers.keys()) if name.startswith("Impersonate-")}


def test_impersonation_from_the_kubeconfig(server: Loopback, connecting: Connector) -> None:
    extra = {"example.org/Scopes": ["a", "b"]}
    look(connecting(server.url, user={"token": "t", "as": "jane", "as-groups": ["g1", "g,2"], "as-uid": "u1", "as-user-extra": extra}))
    assert impersonated(server) == {
        "Impersonate-User": ["jane"],
        "Impersonate-Group": ["g1", "g,2"],
        "Impersonate-Uid": ["u1"],
        "Impersonate-Extra-example.org%2Fscopes": ["a", "b"],
    }


@pytest.mark.parametrize("user", [{"as": " "}, {"as": "jane\t"}, {"as": "jane", "as-groups": [" g"]}, {"as": "jane", "as-user-extra": {"a": ["1 "]}}])
def test_nobody_is_impersonated_whose_name_would_get_lost_on_the_way(server: Loopback, connecting: Connector, user: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="begins or ends with a blank"):
        connecting(server.url, user={"token": "t", **user})
    assert server.seen == []


def test_impersonation_from_flags_wins(server: Loopback, connecting: Connector) -> None:
    user = {"token": "t", "as": "jane", "as-groups": ["g1"], "as-uid": "u1", "as-user-extra": {"a": ["1"], "b": ["2"]}}
    flags = {"as_user": "jörg", "as_groups": ("dev", "ops"), "as_uid": "u2", "as_user_extra": ("a=x=y", "a=z")}
    look(connecting(server.url, user=user, **flags))
    found = impersonated(server)
    assert [value.encode("latin-1").decode() for value in found.pop("Impersonate-User")] == ["jörg"]
    assert found == {
        "Impersonate-Group": ["dev", "ops"],
        "Impersonate-Uid": ["u2"],
        "Impersonate-Extra-a": ["x=y", "z"],
        "Impersonate-Extra-b": ["2"],
    }


def test_all_requests_are_impersonated(server: Loopback, connecting: Connector) -> None:
    stateful_set(server.world)
    client = connecting(server.url, as_user="jane", as_groups=("dev",))
    client.set_view("x", "web")
    with client.watch_set("x", "web"):
        server.await_requests(4, watch=True)
    client.missing_rights("x", [("get", "pods")])
    assert {seen.headers["Impersonate-User"] for seen in server.seen} == {"jane"}
    assert {seen.headers["Impersonate-Group"] for seen in server.seen} == {"dev"}


# --- in a pod ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The service account of a pod whose API server is none."""
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    (folder / "token").write_text("pod-token")
    (folder / "namespace").write_text("prod\n")
    monkeypatch.setattr(choosing, "SERVICE_ACCOUNT", folder)
    return folder


_POD = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}


def pod_of(server: Loopback) -> dict[str, str]:
    return {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(server.port)}


@pytest.fixture
def trusted(pod: Path, authority: trustme.CA) -> None:
    (pod / "ca.crt").write_bytes(authority.cert_pem.bytes())


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    ("flags", "sent"),
    [({}, "pod-token"), ({"token": "mine"}, "mine"), ({"kubeconfig": "/dev/null"}, "pod-token"), ({"as_user": "jane"}, "pod-token")],
)
def test_in_a_pod_its_service_account_is_used(server: Loopback, flags: dict[str, Any], sent: str) -> None:
    with connect(ConnectionFlags(**flags), pod_of(server)) as client:
        look(client)
        assert client.namespace == "prod"
        assert client.server_name() == f"this pod's cluster ({server.url})"
    assert authorization(server) == f"Bearer {sent}"


@pytest.mark.usefixtures("trusted")
def test_in_a_pod_the_certificate_is_checked_whatever_the_flags_say(pod: Path, server: Loopback) -> None:
    (pod / "ca.crt").write_bytes(trustme.CA().cert_pem.bytes())
    with connect(ConnectionFlags(insecure_skip_tls_verify=True), pod_of(server)) as client:
        with pytest.raises(UnreachableError, match="is not trusted"):
            client.set_view("x", "web")
    assert server.seen == []


@pytest.mark.usefixtures("trusted")
def test_a_pods_cluster_may_have_an_ipv6_address() -> None:
    with connect(ConnectionFlags(), _POD | {"KUBERNETES_SERVICE_HOST": "fd00::1"}) as client:
        assert client.server_name() == "this pod's cluster (https://[fd00::1]:443)"


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"context": "prod"}, "no context named 'prod'"),
        ({"cluster": "x"}, "no cluster named 'x'"),
        ({"user": "x"}, "no user named 'x'"),
        ({"client_certificate": "/x"}, "--client-certificate is given, but no cluster"),
        ({"username": "x"}, "--username is given, but no cluster"),
    ],
)
def test_what_a_flag_names_is_not_replaced_by_the_pods_own(server: Loopback, flags: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        connect(ConnectionFlags(**flags), pod_of(server))
    assert server.seen == []


@pytest.mark.usefixtures("trusted")
def test_another_server_never_gets_the_pods_token(server: Loopback, ca: str) -> None:
    with pytest.raises(ConfigError, match="nothing says who you are"):
        connect(ConnectionFlags(server=server.url, certificate_authority=ca), _POD)
    with loopback() as plain, connect(ConnectionFlags(server=plain.url), _POD) as client:
        look(client)
        assert authorization(plain) is None
        assert client.namespace == "prod", "as with kubectl: what nothing is said of is the pod's own"


def test_a_kubeconfig_beats_the_pod_and_half_a_pod_is_none(pod: Path, tmp_path: Path) -> None:
    write(tmp_path / "home" / ".kube" / "config", kubeconfig("http://127.0.0.1:1"))
    with connect(ConnectionFlags(), _POD) as client:
        assert client.server_name().startswith("context here")
    (tmp_path / "home" / ".kube" / "config").unlink()
    (pod / "token").unlink()
    with pytest.raises(ConfigError, match="this does not run in a pod"):
        connect(ConnectionFlags(), _POD)


def test_the_environment_is_this_processes_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBECONFIG", str(write(tmp_path / "config", kubeconfig("http://127.0.0.1:1"))))
    with connect(ConnectionFlags()) as client:
        assert client.server_name() == "context here (http://127.0.0.1:1)"


def test_a_json_kubeconfig_is_yaml_too(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(kubeconfig("http://127.0.0.1:1"), default_flow_style=True))
    with connect(ConnectionFlags(kubeconfig=str(path))) as client:
        assert client.namespace == "default"


def test_two_clients_do_not_share_anything(connecting: Connector, authority: trustme.CA) -> None:
    with loopback(serving(authority, "127.0.0.1")) as one, loopback(serving(authority, "127.0.0.1")) as two:
        first, second = connecting(one.url, user={"token": "a"}), connecting(two.url, user={"token": "b"})
        look(first)
        look(second)
        assert {seen.headers["Authorization"] for seen in one.seen} == {"Bearer a"}
        assert {seen.headers["Authorization"] for seen in two.seen} == {"Bearer b"}
