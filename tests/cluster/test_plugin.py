"""Exec credential plugins: what they are given, what they may answer, and how they fail out loud."""

import json
import os
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from kubectl_pets.cluster.access.kubeconfig import EnvVar, ExecPlugin
from kubectl_pets.cluster.access.kuberc import Policy
from kubectl_pets.cluster.access.plugins import Plugin, child_environment
from kubectl_pets.cluster.http.credentials import Certificate, Credential, TokenFile
from kubectl_pets.errors import ConfigError, CredentialPluginError, UnauthorizedError
from tests.cluster.conftest import Connector
from tests.cluster.loopback import Answer, Loopback, stateful_set, status

_V1 = "client.authentication.k8s.io/v1"


@pytest.fixture
def server(secure: Loopback) -> Loopback:
    return secure


@pytest.fixture
def connecting(trusting: Connector) -> Connector:
    return trusting


class Script:
    """A plugin made of Python lines; ``runs`` counts how often it ran."""

    def __init__(self, folder: Path, *lines: str) -> None:
        self.path, self._log = folder / "plugin.py", folder / "runs"
        self._log.touch()
        body = "\n".join(lines)
        self.path.write_text(f"#!{sys.executable}\nimport os, sys, json, time\nopen({str(self._log)!r}, 'a').write('run\\n')\n{body}\n")
        self.path.chmod(0o755)

    @property
    def runs(self) -> int:
        return len(self._log.read_text().splitlines())

    def spec(self, **fields: Any) -> ExecPlugin:
        return ExecPlugin(command=str(self.path), api_version=_V1, interactive_mode="Never", **fields)

    def user(self, **fields: Any) -> dict[str, Any]:
        return {"exec": {"command": str(self.path), "apiVersion": _V1, "interactiveMode": "Never", **fields}}


def answer(**status: Any) -> str:
    return f"print(json.dumps({{'kind': 'ExecCredential', 'apiVersion': {_V1!r}, 'status': {status!r}}}))"


def plugin(spec: ExecPlugin, environ: dict[str, str] | None = None, cluster: dict[str, Any] | None = None) -> Plugin:
    return Plugin(spec, cluster or {}, dict(os.environ) if environ is None else environ)


def test_a_token_is_kept_until_it_is_turned_down(tmp_path: Path) -> None:
    script = Script(tmp_path, answer(token="t1"))
    credentials = plugin(script.spec())
    first = credentials.current()
    assert first == Credential("Bearer t1") == credentials.current()
    assert script.runs == 1
    assert not credentials.renewed(first), "the same token again is not worth another attempt"
    assert script.runs == 2


def test_a_token_that_was_renewed_already_is_not_fetched_again(tmp_path: Path) -> None:
    script = Script(tmp_path, "n = str(time.time_ns())", answer(token="t").replace("'t'", "n"))
    credentials = plugin(script.spec())
    old = credentials.current()
    assert credentials.renewed(old)
    assert credentials.renewed(old)
    assert script.runs == 2


@pytest.mark.parametrize(("seconds", "runs"), [(-1, 2), (3600, 1)])
def test_an_expired_token_is_fetched_anew(tmp_path: Path, seconds: int, runs: int) -> None:
    expires = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
    script = Script(tmp_path, answer(token="t1", expirationTimestamp=expires))
    credentials = plugin(script.spec())
    credentials.current()
    credentials.current()
    assert script.runs == runs


def test_what_the_plugin_is_told(tmp_path: Path) -> None:
    told = tmp_path / "told"
    script = Script(tmp_path, f"open({str(told)!r}, 'w').write(json.dumps([sys.argv[1:], dict(os.environ)]))", answer(token="t"))
    spec = script.spec(args=["get", "token"], env=[EnvVar(name="REGION", value="north")], provide_cluster_info=True)
    plugin(spec, {"PATH": os.environ["PATH"], "REGION": "south"}, {"server": "https://s", "config": {"a": 1}}).current()
    arguments, environ = json.loads(told.read_text())
    assert arguments == ["get", "token"]
    assert environ["REGION"] == "north"
    info = json.loads(environ["KUBERNETES_EXEC_INFO"])
    assert info == {
        "kind": "ExecCredential",
        "apiVersion": _V1,
        "spec": {"interactive": False, "cluster": {"server": "https://s", "config": {"a": 1}}},
    }


def test_a_certificate_from_a_plugin_is_taken(tmp_path: Path, authority: trustme.CA) -> None:
    me = authority.issue_cert("me@example.org")
    chain, key = me.cert_chain_pems[0].bytes(), me.private_key_pem.bytes()
    script = Script(tmp_path, answer(clientCertificateData=chain.decode(), clientKeyData=key.decode()))
    assert plugin(script.spec()).current() == Credential(None, Certificate(chain, key))


@pytest.mark.parametrize(
    "text",
    [
        """{"apiVersion": "%s", "status": {"token": "t", "clientCertificateData": null, "expirationTimestamp": null}}""",
        """{"apiVersion": "%s", "kind": "ExecCredential", "spec": {}, "status": {"token": "t", "new": 1}}""",
        """apiVersion: %s\nkind: ExecCredential\nstatus:\n  token: t\n  expirationTimestamp: 2099-01-01T00:00:00Z""",
        """\ufeff{"apiVersion": "%s", "kind": "ExecCredential", "status": {"token": "t"}}""",
        r"""{"apiVersion": "%s", "status": {"token": "t", "x": "\ud800", "y": "\udc00\ud83d\ude00", "\ud800": "\\\\ud800"}}""",
        """{"apiVersion": "%s", "status": {"token": "t", "expirationTimestamp": "2099-01-01T00:00:00.123456789+02:00"}}""",
    ],
)
def test_answers_are_taken_as_kubectl_takes_them(tmp_path: Path, text: str) -> None:
    script = Script(tmp_path, f"sys.stdout.buffer.write({(text % _V1).encode()!r})")
    assert plugin(script.spec()).current() == Credential("Bearer t")


@pytest.mark.parametrize("allowed", [("plugin.py",), ("PATH",), ("PATH", "other")])
def test_a_plugin_that_kuberc_allows_runs(tmp_path: Path, allowed: tuple[str, ...]) -> None:
    script = Script(tmp_path, answer(token="t"))
    policy = Policy(tuple(str(script.path) if each == "PATH" else each for each in allowed), "kuberc")
    environ = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    assert Plugin(script.spec(), {}, environ, policy).current() == Credential("Bearer t")


@pytest.mark.parametrize("allowed", [(), ("other",), ("plugin",), ("bin/plugin.py",), ("/plugin.py",)])
def test_a_plugin_that_kuberc_does_not_allow_does_not_run(tmp_path: Path, allowed: tuple[str, ...]) -> None:
    script = Script(tmp_path, answer(token="t"))
    with pytest.raises(CredentialPluginError, match="may not run: /home/me/.kube/kuberc does not allow it"):
        Plugin(script.spec(), {}, os.environ, Policy(allowed, "/home/me/.kube/kuberc")).current()
    assert script.runs == 0


def test_a_plugin_in_the_working_folder_is_not_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(tmp_path, answer(token="t"))
    monkeypatch.chdir(tmp_path)
    spec = ExecPlugin(command="plugin.py", api_version=_V1, interactive_mode="Never")
    for path in (".", "", f".{os.pathsep}/usr/bin"):
        with pytest.raises(CredentialPluginError, match="is not installed"):
            plugin(spec, {"PATH": path}).current()
    assert script.runs == 0


def test_the_library_path_of_a_frozen_program_is_not_handed_on() -> None:
    assert child_environment({"LD_LIBRARY_PATH": "/tmp/_MEI1", "LD_LIBRARY_PATH_ORIG": "/opt/lib", "A": "b"}, frozen=True) == {
        "LD_LIBRARY_PATH": "/opt/lib",
        "A": "b",
    }
    assert child_environment({"LD_LIBRARY_PATH": "/tmp/_MEI1"}, frozen=True) == {}
    assert child_environment({"LD_LIBRARY_PATH": "/opt/lib"}, frozen=False) == {"LD_LIBRARY_PATH": "/opt/lib"}


def test_a_frozen_program_starts_plugins_in_the_environment_it_was_started_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    script = Script(tmp_path, answer(token="t").replace("'t'", "os.environ.get('LD_LIBRARY_PATH', 'unset')"))
    environ = {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": str(tmp_path)}
    assert plugin(script.spec(), environ).current() == Credential("Bearer unset")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["sys.stderr.write('your session\\x1b[31m has ended\\n')", "sys.exit(3)"], "status 3: your session has ended"),
        (["sys.stderr.write('x' * 5000 + ' the end')", "sys.exit(1)"], "status 1: …x+ the end$"),
        (["print('s3cret')"], "not an ExecCredential"),
        (["print('{\"kind\": \"Pod\"}')"], "not an ExecCredential with a status"),
        ([answer(token="s3cret", expirationTimestamp="2099-01-01T00:00:00")], "not an ExecCredential$"),
        ([answer(token="s3cret", expirationTimestamp="")], "not an ExecCredential$"),
        ([answer(token="s3cret"), "print('Done!')"], "not an ExecCredential$"),
        (["print('Welcome!')", answer(token="s3cret")], "not an ExecCredential$"),
        ([answer(token="s3cret").replace("apiVersion", "version")], "it speaks no version"),
        ([answer(clientCertificateData="s3cret", clientKeyData="s3cret")], "of no use: not PEM, or damaged"),
        ([answer(token="")], "neither a token nor a certificate"),
        ([answer(clientCertificateData="s3cret")], "without its key"),
        ([answer(token="s3cret\nX")], "line break"),
        ([answer(token="s3cret").replace("/v1", "/v1beta1")], "it speaks client.authentication.k8s.io/v1beta1"),
        ([answer(token="s3cret"), "sys.stderr.write('no')", "sys.exit(1)"], "status 1: no$"),
        (["sys.stderr.write('with ' + os.environ['CLIENT_SECRET'])", "sys.exit(1)"], "status 1: with …$"),
    ],
)
def test_a_failing_plugin_speaks_for_itself(tmp_path: Path, lines: list[str], said: str) -> None:
    spec = Script(tmp_path, *lines).spec(env=[EnvVar(name="CLIENT_SECRET", value="s3cret")])
    with pytest.raises(CredentialPluginError, match=said) as caught:
        plugin(spec).current()
    assert "s3cret" not in str(caught.value) and "\x1b" not in str(caught.value)
    assert "plugin.py" in caught.value.message


def test_a_plugin_that_is_missing_says_how_to_get_it(tmp_path: Path) -> None:
    spec = ExecPlugin(command="no-such-plugin", api_version=_V1, install_hint="Install it:\n  krew install oidc")
    with pytest.raises(CredentialPluginError, match="no-such-plugin is not installed") as caught:
        plugin(spec).current()
    assert caught.value.hint == "Install it: krew install oidc"


def test_a_plugin_that_is_no_program_is_told(tmp_path: Path) -> None:
    path = tmp_path / "plugin"
    path.write_bytes(b"\x00\x01")
    path.chmod(0o755)
    with pytest.raises(CredentialPluginError, match="cannot be started: Exec format error"):
        plugin(ExecPlugin(command=str(path), api_version=_V1)).current()


def test_a_plugin_that_must_ask_needs_a_terminal(tmp_path: Path) -> None:
    script = Script(tmp_path, answer(token="t"))
    spec = ExecPlugin(command=str(script.path), api_version=_V1, interactive_mode="Always")
    with pytest.raises(CredentialPluginError, match="there is no terminal"):
        plugin(spec).current()
    assert script.runs == 0


def test_a_plugin_at_a_terminal_is_heard_while_it_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("kubectl_pets.cluster.access.plugins._SILENCE", 0.0)
    monkeypatch.setattr(sys, "stdin", Terminal())
    marker = tmp_path / "go"
    lines = ["sys.stderr.write('open this page')", "sys.stderr.flush()", f"while not os.path.exists({str(marker)!r}): time.sleep(0.01)"]
    script = Script(tmp_path, *lines, answer(token="t"))
    spec = ExecPlugin(command=str(script.path), api_version=_V1)
    heard = ""

    def listen() -> None:
        nonlocal heard
        deadline = time.monotonic() + 10
        while "open this page" not in heard and time.monotonic() < deadline:
            heard += capsys.readouterr().err
            time.sleep(0.01)
        marker.touch()

    listener = threading.Thread(target=listen)
    listener.start()
    assert plugin(spec).current() == Credential("Bearer t")
    listener.join()
    assert "open this page" in heard


def test_a_plugin_that_never_ends_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubectl_pets.cluster.access.plugins._PATIENCE", 5.0)  # it has to come to its word on a busy machine, too
    script = Script(tmp_path, "sys.stderr.write('waiting for godot')", "sys.stderr.flush()", "time.sleep(60)")
    began = time.monotonic()
    with pytest.raises(CredentialPluginError, match="did not come to an end within 5 s: waiting for godot"):
        plugin(script.spec()).current()
    assert time.monotonic() - began < 50


def test_a_slow_plugin_runs_once_for_all_who_wait(tmp_path: Path) -> None:
    script = Script(tmp_path, "time.sleep(0.3)", answer(token="t"))
    credentials = plugin(script.spec())
    found: list[Credential] = []
    threads = [threading.Thread(target=lambda: found.append(credentials.current())) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [Credential("Bearer t")] * 5
    assert script.runs == 1


def test_closing_stops_a_plugin_that_runs(tmp_path: Path) -> None:
    script = Script(tmp_path, "time.sleep(60)")
    credentials = plugin(script.spec())
    failures: list[Exception] = []

    def ask() -> None:
        try:
            credentials.current()
        except CredentialPluginError as error:
            failures.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    while script.runs == 0:
        time.sleep(0.01)
    credentials.close()
    thread.join(2)
    assert not thread.is_alive() and "it was stopped" in str(failures[0])


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"api_version": None}, "apiVersion 'unset'"),
        ({"api_version": "client.authentication.k8s.io/v1alpha1"}, "apiVersion 'client.authentication.k8s.io/v1alpha1'"),
    ],
)
def test_a_plugin_that_is_badly_configured_is_a_config_error(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        plugin(ExecPlugin(**{"command": "p", "api_version": _V1} | fields))


def test_requests_carry_the_plugins_token(server: Loopback, connecting: Connector, tmp_path: Path) -> None:
    stateful_set(server.world)
    script = Script(tmp_path, answer(token="t1"))
    connecting(server.url, user=script.user()).set_view("x", "web")
    assert {seen.headers["Authorization"] for seen in server.seen} == {"Bearer t1"}
    assert script.runs == 1


def test_no_request_goes_out_when_the_plugin_fails(server: Loopback, connecting: Connector, tmp_path: Path) -> None:
    script = Script(tmp_path, "sys.stderr.write('run: aws sso login')", "sys.exit(255)")
    with pytest.raises(CredentialPluginError, match="run: aws sso login"):
        connecting(server.url, user=script.user()).set_view("x", "web")
    assert server.seen == []


def test_a_401_lets_the_plugin_run_again(server: Loopback, connecting: Connector, tmp_path: Path) -> None:
    stateful_set(server.world)
    script = Script(tmp_path, "n = str(time.time_ns())", answer(token="t").replace("'t'", "n"))
    server.fault(Answer(401, status(401, "Unauthorized")))
    connecting(server.url, user=script.user()).set_view("x", "web")
    assert script.runs == 2
    assert server.seen[0].headers["Authorization"] != server.seen[1].headers["Authorization"]


def test_a_401_that_stays_is_unauthorized(server: Loopback, connecting: Connector, tmp_path: Path) -> None:
    script = Script(tmp_path, "n = str(time.time_ns())", answer(token="t").replace("'t'", "n"))
    server.fault(Answer(401, status(401, "Unauthorized")), times=9)
    with pytest.raises(UnauthorizedError):
        connecting(server.url, user=script.user()).set_view("x", "web")
    assert len(server.seen) == 2


@pytest.mark.parametrize("fields", [{"args": ["a\0b"]}, {"env": [EnvVar(name="A", value="a\0b")]}])
def test_what_no_program_can_be_given_is_told(tmp_path: Path, fields: dict[str, Any]) -> None:
    with pytest.raises(CredentialPluginError, match="cannot be started: embedded null"):
        plugin(Script(tmp_path).spec(**fields)).current()


def test_the_name_of_a_variable_goes_up_to_the_first_equals_sign(tmp_path: Path) -> None:
    script = Script(tmp_path, answer(token="x").replace("'x'", "os.environ['A']"))
    named = [EnvVar(name="A=B", value="2"), EnvVar(name="=", value="nothing")]
    assert plugin(script.spec(env=named)).current() == Credential("Bearer B=2")


def test_a_token_goes_out_in_utf_8(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("\ufeffs3cret\u3000\n", "utf-8")
    header = TokenFile(str(tmp_path / "token")).current().authorization or ""
    assert header.encode("latin-1").decode() == "Bearer \ufeffs3cret"
