"""Completion as kubectl asks for it, and that it never disturbs whoever types."""

import os
import pty
import shutil
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from kubectl_pets.__main__ import cli
from kubectl_pets.cli import completing, recalling
from kubectl_pets.cli.groups import Verb, VerbGroup
from kubectl_pets.cli.options import ImageValue, SetName, connection, output
from kubectl_pets.session import ConnectionFlags, Session
from tests.cluster.loopback import Answer, Loopback, loopback, stateful_set
from tests.commands.plugin import Plugin
from tests.commands.shell import Shell
from tests.terminal import FakeTerminal

NO_FILES = completing.Directive.NO_FILES


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Without a cluster."""
    return Shell(tmp_path)


@pytest.fixture
def server() -> Iterator[Loopback]:
    with loopback() as running:
        yield running


def kubeconfig(path: Path, server: str, user: dict[str, Any] | None = None) -> Path:
    names = ["here", "arn:aws:eks:eu-west-1:1:cluster/far", "bad name", "$(reboot)", "-n", "tab\there"]
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "here",
                "clusters": [{"name": "here", "cluster": {"server": server}}],
                "users": [{"name": "me", "user": user or {}}],
                "contexts": [{"name": name, "context": {"cluster": "here", "user": "me", "namespace": "x"}} for name in names],
            }
        ),
        encoding="utf-8",
    )
    return path


# --- without a cluster -------------------------------------------------------------------------------------------------------


def test_verbs_with_their_descriptions(shell: Shell) -> None:
    found = shell.complete("")
    assert {"list", "status", "rollout", "orphans", "help"} <= set(found.candidates)
    assert found.about["list"].startswith("Every StatefulSet")
    assert "ls" not in found.candidates and completing.WORD not in found.candidates
    assert found.directive == NO_FILES
    assert {"status", "step"} <= set(shell.complete("rollout", "st").candidates) <= {"status", "step"}
    assert shell.complete("help", "rollout", "ru").candidates == ["run"]


def test_flags_that_fit(shell: Shell) -> None:
    found = shell.complete("rollout", "run", "web", "--")
    assert {"--image", "--namespace", "--as-group", "--dry-run"} <= set(found.candidates)
    assert "--watch" not in found.candidates
    assert found.about["--canary"].startswith("Pods to release first")
    assert shell.complete("rollout", "run", "--can").candidates == ["--canary"]
    again = shell.complete("rollout", "run", "--canary", "1", "--image", "a=b", "--").candidates
    assert "--canary" not in again and "--image" in again, "only what may be repeated is offered again"
    assert "-n" in shell.complete("-").candidates


def test_values_of_flags(shell: Shell) -> None:
    assert shell.complete("list", "-o", "").candidates == ["table", "wide", "json", "yaml", "jsonl", "name", "openmetrics"]
    assert shell.complete("list", "--output=j").candidates == ["json", "jsonl"]
    assert shell.complete("status", "web", "--until", "c").candidates == ["complete", "canary"]
    assert shell.complete("status", "web", "--timeout", "").candidates == []
    assert shell.complete("list", "--kubeconfig", "").directive == completing.Directive.FILES
    assert shell.complete("completion", "install", "--dir", "").directive == completing.Directive.FOLDERS


@pytest.mark.parametrize("words", [("status", ""), ("nonsense", ""), ("rollout", "stpe", ""), ("list", "--bogus", "-n", ""), ("-n", "")])
def test_silence_where_nothing_is_known(shell: Shell, words: tuple[str, ...]) -> None:
    assert shell.complete(*words) == ([], NO_FILES, {})


def test_silence_about_a_broken_kubeconfig(shell: Shell, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("clusters: [: {", encoding="utf-8")
    for words in (("status", ""), ("--context", "")):
        assert shell.complete("--kubeconfig", str(broken), *words) == ([], NO_FILES, {})


def test_names_of_the_kubeconfig_ask_no_server(shell: Shell, tmp_path: Path, server: Loopback) -> None:
    place = ("--kubeconfig", str(kubeconfig(tmp_path / "config", server.url)))
    # What a shell would split, run, or take for a flag is left out.
    assert shell.complete(*place, "list", "--context", "").candidates == ["here", "arn:aws:eks:eu-west-1:1:cluster/far"]
    assert shell.complete(*place, "--cluster", "").candidates == ["here"]
    assert shell.complete("list", *place, "--user", "m").candidates == ["me"]
    assert not server.requests()


def test_without_the_executable_kubectl_knows_nothing(tmp_path: Path) -> None:
    assert Shell(tmp_path, bare=True).complete("").candidates == []


# --- faults ------------------------------------------------------------------------------------------------------------------


def test_a_server_that_never_answers_does_not_hold_the_shell(shell: Shell, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        place = kubeconfig(tmp_path / "config", f"http://127.0.0.1:{deaf.getsockname()[1]}")
        assert shell.complete("--kubeconfig", str(place), "status", "") == ([], NO_FILES, {})
        deaf.settimeout(10)
        deaf.accept()[0].close()  # it was asked


def test_time_is_over_even_if_nothing_below_has_a_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A host's name that no server resolves takes as long as the system's resolver likes."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    entered, never = threading.Event(), threading.Event()

    class Hanging:
        namespace = "x"

        def names(self, resource: str, namespace: str | None) -> tuple[str, ...]:
            entered.set()
            never.wait(60)
            return ("web",)

        def close(self) -> None:
            never.set()

    asked(tmp_path / "none", "status", "")  # loads what it takes, which is not what is waited for here
    terminal = FakeTerminal()
    session: Any = Session(terminal=terminal, connect=lambda flags: Hanging())  # type: ignore[arg-type,return-value]
    completing.complete(cli, ["status", ""], session, patience=3.0)
    assert entered.is_set() and never.is_set(), "it was asked, and then told to stop"
    assert terminal.stdout_text == ":4\n" and not terminal.stderr_text


def test_a_plugin_that_wants_to_talk_has_nobody_to_talk_to(shell: Shell, tmp_path: Path) -> None:
    """At a terminal, as completion is run: kubectl hands its own stdin and stderr on."""
    talker, trace = tmp_path / "talker", tmp_path / "trace"
    talker.write_text(
        f"#!{sys.executable}\n"
        "import os, sys, time\n"
        f"trace = open({str(trace)!r}, 'a', buffering=1)\n"
        "print(os.getpid(), sys.stdin.isatty(), file=trace)\n"
        "print('password, please:', file=sys.stderr)\n"
        "try:\n"
        "    open('/dev/tty', 'w').write('PASSWORD, please: ')\n"
        "    print('talked', file=trace)\n"
        "except OSError:\n"
        "    print('no terminal', file=trace)\n"
        "time.sleep(600)\n",
        encoding="utf-8",
    )
    talker.chmod(0o755)
    user = {"exec": {"command": str(talker), "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "IfAvailable"}}
    place = kubeconfig(tmp_path / "config", "https://127.0.0.1:1", user)
    said = at_a_terminal(shell, "kubectl", "__complete", "pets", "--kubeconfig", str(place), "status", "")
    assert ":4" in said and "assword" not in said.lower().replace("[debug]", "")
    pid, at_terminal, *rest = trace.read_text(encoding="utf-8").split(maxsplit=2)
    assert (at_terminal, rest) == ("False", ["no terminal\n"])
    eventually_gone(int(pid))


def at_a_terminal(shell: Shell, *command: str) -> str:
    """All that a terminal shows of a command that has it as its own."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(shutil.which(command[0], path=shell.environ["PATH"]) or "", list(command), shell.environ)
    said = b""
    try:
        while part := os.read(terminal, 4096):
            said += part
    except OSError:
        pass  # Linux's way to say that nobody holds the other end any more
    os.close(terminal)
    os.waitpid(pid, 0)
    return said.decode()


def eventually_gone(pid: int) -> None:
    end = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < end, "the plugin was left behind"
        time.sleep(0.05)


@pytest.mark.parametrize("code", [401, 403, 404, 500])
def test_silence_about_refusals(shell: Shell, tmp_path: Path, server: Loopback, code: int) -> None:
    server.fault(Answer(code), times=20, path="statefulsets")
    place = kubeconfig(tmp_path / "config", server.url)
    assert shell.complete("--kubeconfig", str(place), "status", "") == ([], NO_FILES, {})
    assert server.requests("statefulsets")


def test_only_names_come_out(shell: Shell, tmp_path: Path, server: Loopback) -> None:
    """Whoever can put something in front of the API server can put anything into a name."""
    for name in ("web", "db-2.eu", "\x1b[31mred", "two words", "$(reboot)", "-n", "x;y", "line\nbreak", "tab\tstop", "A", ":4", "a" * 300):
        stateful_set(server.world, name)
    place = kubeconfig(tmp_path / "config", server.url)
    assert sorted(shell.complete("--kubeconfig", str(place), "status", "").candidates) == ["db-2.eu", "web"]


def test_pods_and_ordinals_come_in_order(patient: Path, tmp_path: Path, server: Loopback) -> None:
    spec = {"replicas": 12, "ordinals": {"start": 1}}
    server.world.put("statefulsets", "web", kind="StatefulSet", spec=spec)
    server.world.put("statefulsets", "huge", kind="StatefulSet", spec={"replicas": 2_000_000_000})

    @click.command()
    @click.argument("name", type=SetName())
    @click.argument("pods", nargs=-1, shell_complete=completing.pods)
    @connection
    def verb() -> None:
        """Only here to be completed."""

    place = str(kubeconfig(tmp_path / "config", server.url))

    def candidates(*words: str) -> list[str]:
        terminal = FakeTerminal()
        session = Session(terminal=terminal)
        completing.complete(verb, ["--kubeconfig", place, *words], session, patience=60)
        session.close()
        *names, directive = terminal.stdout_text.splitlines()
        assert directive == f":{NO_FILES | completing.Directive.KEEP_ORDER if names else NO_FILES:d}"
        return names

    assert candidates("sts/web", "") == [f"web-{ordinal}" for ordinal in range(1, 13)]
    assert candidates("web", "web-2", "10", "1") == ["1", "11", "12"]
    assert candidates("web", "web-1", "web-1") == ["web-10", "web-11", "web-12"]
    assert candidates("none", "") == []
    assert len(candidates("huge", "")) == 1000


def test_a_verb_with_a_name_and_verbs(patient: Path, tmp_path: Path, server: Loopback) -> None:
    stateful_set(server.world, "web")
    explain = Verb("kubectl_pets.commands.status:command", "Why?")

    @click.group(cls=VerbGroup, name="odd", verbs={"explain": explain}, invoke_without_command=True)
    @click.argument("name", type=SetName())
    @click.option("--image", type=ImageValue())
    @output("table", "json")
    @connection
    def verb() -> None:
        """Only here to be completed."""

    place = kubeconfig(tmp_path / "config", server.url)
    assert asked(place, "", verb=verb) == ["web"]
    assert asked(place, "explain", "", verb=verb) == ["web"]
    assert asked(place, "explain", "--unt", verb=verb)[0].startswith("--until\t")
    assert asked(place, "web", "-o", "", verb=verb) == ["table", "json"]


# --- remembering -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Answers that stay good for as long as the test takes. Returns the folder that they are kept in."""
    monkeypatch.setattr(recalling, "LIFE", 3600.0)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "kubectl-pets" / "completion"


def asked(place: Path, *words: str, verb: click.Command = cli) -> list[str]:
    """What is printed, in this process; the directive must be the usual one."""
    terminal = FakeTerminal()
    session = Session(terminal=terminal)
    try:
        completing.complete(verb, ["--kubeconfig", str(place), *words], session, patience=60)
    finally:
        session.close()
    *candidates, directive = terminal.stdout_text.splitlines()
    assert directive == f":{NO_FILES:d}"
    return candidates


def test_an_answer_is_remembered_for_a_while(patient: Path, tmp_path: Path, server: Loopback) -> None:
    stateful_set(server.world, "web")
    place = kubeconfig(tmp_path / "config", server.url)
    assert asked(place, "status", "") == ["web"]
    stateful_set(server.world, "db")
    assert asked(place, "status", "") == ["web"] and len(server.requests("statefulsets")) == 1
    assert asked(place, "rollout", "run", "sts/") == ["sts/web"], "the same question in another place"
    assert asked(place, "-n", "y", "status", "") == [], "another namespace is another question"
    kept = sorted(patient.iterdir())
    assert [path.read_text(encoding="utf-8") for path in kept if path.stat().st_size] == ["web\n"], "names and nothing else"
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600} and patient.stat().st_mode & 0o777 == 0o700
    for path in kept:
        os.utime(path, (0, 0))
    assert sorted(asked(place, "status", "")) == ["db", "web"]
    assert len(list(patient.iterdir())) == 1, "what is long past was removed"


def test_another_kubeconfig_makes_old_answers_void(patient: Path, tmp_path: Path, server: Loopback) -> None:
    stateful_set(server.world, "web")
    place = kubeconfig(tmp_path / "config", server.url)
    assert asked(place, "status", "") == ["web"]
    with loopback() as other:
        stateful_set(other.world, "other")
        kubeconfig(place, other.url + "/")
        assert asked(place, "status", "") == ["other"]


def test_what_was_tampered_with_is_not_printed(patient: Path, tmp_path: Path, server: Loopback) -> None:
    stateful_set(server.world, "web")
    place = kubeconfig(tmp_path / "config", server.url)
    assert asked(place, "status", "") == ["web"]
    (kept,) = patient.iterdir()
    kept.write_text("$(reboot)\n\x1b[2J\nweb-2\n", encoding="utf-8")
    assert asked(place, "status", "") == ["web-2"]
    kept.write_bytes(b"\xff\xfe")
    assert asked(place, "status", "") == ["web"]


def test_nowhere_to_remember_is_no_trouble(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: Loopback) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be", encoding="utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    stateful_set(server.world, "web")
    assert asked(kubeconfig(tmp_path / "config", server.url), "status", "") == ["web"]


@pytest.mark.parametrize(
    "other",
    [
        ConnectionFlags(context="there"),
        ConnectionFlags(server="https://there"),
        ConnectionFlags(user="you"),
        ConnectionFlags(as_user="you"),
        ConnectionFlags(namespace="y"),
        ConnectionFlags(token="t"),
    ],
)
def test_whoever_asks_elsewhere_or_as_somebody_else_is_not_given_these_names(tmp_path: Path, other: ConnectionFlags) -> None:
    environ = {"XDG_CACHE_HOME": str(tmp_path)}
    recalling.Memory(ConnectionFlags(), environ).keep("sets", ["web"])
    assert recalling.Memory(other, environ).recall("sets") is None
    assert recalling.Memory(ConnectionFlags(request_timeout=1.0), environ).recall("sets") == ("web",)
    assert recalling.Memory(ConnectionFlags(), {**environ, "POD_NAMESPACE": "y"}).recall("sets") is None
    assert recalling.Memory(ConnectionFlags(), environ).recall("claims") is None


# --- on the real control plane -----------------------------------------------------------------------------------------------


@pytest.mark.real
def test_names_from_the_cluster(pets: Plugin, tmp_path: Path) -> None:
    pets.make("web", replicas=3, claims=True)
    pets.make("db", replicas=2, extra="ordinals: {start: 5}")
    shell = Shell(tmp_path, pets.plane.kubeconfig)
    place = ("-n", pets.namespace)
    assert shell.complete(*place, "status", "").candidates == ["db", "web"]
    assert shell.complete("rollout", *place, "run", "w").candidates == ["web"]
    assert shell.complete("status", *place, "sts/").candidates == ["sts/db", "sts/web"]
    assert shell.complete("status", *place, "deployment/").candidates == []
    assert shell.complete("status", "").candidates == [], "the context's namespace has none"
    assert pets.namespace in shell.complete("list", "-n", pets.namespace[:6]).candidates
    claims = [f"data-web-{ordinal}" for ordinal in range(3)]
    assert shell.complete("orphans", *place, "explain", "").candidates == claims
    assert shell.complete("orphans", "delete", *place, claims[1], "").candidates == [claims[0], claims[2]]
    assert shell.complete("orphans", "keep", *place, "pvc/data-web-2").candidates == ["pvc/data-web-2"]
    image = shell.complete("rollout", "run", *place, "web", "--image", "")
    assert image == (["app="], NO_FILES | completing.Directive.NO_SPACE, {"app=": ""})
    assert shell.complete("rollout", "canary", *place, "--image", "").candidates == [], "no set, no containers"
    assert shell.cached and all(path.stat().st_mode & 0o777 == 0o600 for path in shell.cached)


@pytest.mark.real
def test_silence_where_the_right_is_missing(pets: Plugin, tmp_path: Path) -> None:
    pets.make("web", wait=False)
    shell = Shell(tmp_path, pets.plane.certificate_kubeconfig("nobody-in-particular"))
    assert shell.complete("-n", pets.namespace, "status", "") == ([], NO_FILES, {})


@pytest.mark.real
def test_completing_reads_names_and_nothing_else(pets: Plugin, tmp_path: Path) -> None:
    pets.make("web", wait=False)
    shell = Shell(tmp_path, pets.plane.kubeconfig)
    before = len(pets.plane.requests("kubectl-pets/"))
    assert shell.complete("-n", pets.namespace, "status", "").candidates == ["web"]
    ours = [
        request["requestURI"]
        for request in pets.plane.requests("kubectl-pets/")[before:]
        if f"/namespaces/{pets.namespace}/" in request["requestURI"]
    ]
    assert ours == [f"/apis/apps/v1/namespaces/{pets.namespace}/statefulsets?limit=500"]


BASH = """
_init_completion() {{ words=("${{COMP_WORDS[@]}}"); cword=$COMP_CWORD; cur=${{COMP_WORDS[COMP_CWORD]}}; prev=${{COMP_WORDS[COMP_CWORD-1]}}; }}
source <({lines})
COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)) COMP_TYPE=9 COMP_KEY=9
COMP_LINE="${{COMP_WORDS[*]}}" COMP_POINT=${{#COMP_LINE}}
{function} 2>/dev/null
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.real
@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_tab_in_bash(pets: Plugin, tmp_path: Path) -> None:
    """With the lines that ``completion bash`` prints, and kubectl's own script. Only the part of the package bash-completion
    that splits the command line is played."""
    pets.make("web", wait=False)
    shell = Shell(tmp_path, pets.plane.kubeconfig)

    def tab(*words: str) -> list[str]:
        typed = " ".join(f"'{word}'" for word in words)
        script = BASH.format(lines="kubectl pets completion bash", words=typed, function="__start_kubectl")
        done = shell.bash(script)
        return [line.split("  ")[0].strip() for line in done.stdout.splitlines() if line.strip()]

    assert tab("kubectl", "pets", "sta") == ["status"]
    assert tab("kubectl", "pets", "rollout", "st") == ["status", "step"]
    assert tab("kubectl", "pets", "-n", pets.namespace, "status", "") == ["web"]
    assert tab("kubectl-pets", "-n", pets.namespace, "status", "") == ["web"]
    assert tab("kubectl", "pets", "status", "--unti") == ["--until"]
