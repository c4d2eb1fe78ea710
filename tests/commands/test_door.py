"""The door: one test an exit code, one error boundary, and a start that loads no client."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from kubectl_pets import __main__ as door
from kubectl_pets import errors
from kubectl_pets.cli.groups import Verb
from kubectl_pets.errors import ExitCode
from kubectl_pets.session import Session
from tests.cluster.conftest import kubeconfig
from tests.cluster.loopback import loopback, stateful_set
from tests.terminal import FakeTerminal


def spoken(monkeypatch: pytest.MonkeyPatch, behave: Callable[[], Any], *flags: str) -> tuple[int, str]:
    """Exit code and stderr of a verb that behaves like that."""

    @click.command("odd")
    def odd() -> Any:
        return behave()

    monkeypatch.setattr(Verb, "load", lambda verb: odd)
    terminal = FakeTerminal()
    return door.run([*flags, "status"], Session(terminal=terminal)), terminal.stderr_text


def failing(error: BaseException) -> Callable[[], None]:
    def behave() -> None:
        raise error

    return behave


@pytest.mark.parametrize("error", [errors.UsageError, errors.ConfigError, ValueError, click.ClickException, click.UsageError])
@pytest.mark.parametrize("flags", [(), ("-v",)])
def test_no_error_holds_what_a_terminal_obeys(monkeypatch: pytest.MonkeyPatch, error: type[Exception], flags: tuple[str, ...]) -> None:
    code, said = spoken(monkeypatch, failing(error("e\x1b[31mv\x1b]0;t\x07\u202ei\u200bl\x9b2J")), *flags)
    assert code != 0 and "evil" in said and all(line.isprintable() for line in said.splitlines())


@pytest.mark.parametrize("code", list(ExitCode))
def test_a_verb_s_exit_code_is_the_program_s(monkeypatch: pytest.MonkeyPatch, code: ExitCode) -> None:
    assert spoken(monkeypatch, lambda: code) == (code.value, "")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("no"), 2),
        (errors.ConfigError("no"), 1),
        (errors.UnreachableError("no"), 1),
        (errors.ForbiddenError("no"), 1),
        (errors.NotFoundError("no"), 1),
    ],
)
def test_an_error_has_its_code_its_words_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, error: errors.PetsError, code: int
) -> None:
    error.hint = "try this"
    got, said = spoken(monkeypatch, failing(error))
    assert (got, said) == (code, "error: no\nhint: try this\n")
    assert "Traceback" in spoken(monkeypatch, failing(error), "-v")[1]


def test_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    assert spoken(monkeypatch, failing(KeyboardInterrupt())) == (130, "interrupted\n")


def test_a_defect_is_owned_up_to(monkeypatch: pytest.MonkeyPatch) -> None:
    code, said = spoken(monkeypatch, failing(RuntimeError("surprise")))
    assert code == 1 and "surprise" in said and "-v" in said and "Traceback" not in said


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("can't start new thread")])
def test_a_machine_without_memory_or_threads_is_no_defect(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    code, said = spoken(monkeypatch, failing(error))
    assert code == 1 and "no more memory or threads" in said and "ulimit -a" in said and "defect" not in said


def test_wrong_usage_names_the_help(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = FakeTerminal()
    assert door.run(["status"], Session(terminal=terminal)) == 2
    assert "NAME" in terminal.stderr_text and "kubectl pets status --help" in terminal.stderr_text


@pytest.mark.parametrize(
    "words",
    [
        "--help",
        "--version",
        "--version -o json",
        "",
        "rollout --help",
        "rollout run --help",
        "help orphans delete",
        "nonsense",
        "rollout nonsense",
        "__complete sta",
        "__complete rollout st",
        "__complete status --",
    ],
)
def test_help_version_and_completion_of_verbs_load_no_client(words: str) -> None:
    heavy = {"kubernetes", "urllib3", "rich", "yaml", "ssl", "tabulate", "dns", "websocket", "importlib.metadata"}
    if words.startswith("--version"):
        heavy.discard("importlib.metadata")  # a checkout asks it what a built executable knows
    assert heavy & loaded(*words.split()) == set()


@pytest.mark.parametrize(("words", "verbs"), [("", set()), ("--version", set()), ("__complete sta", set()), ("__complete rollout st", {"rollout"})])
def test_listing_verbs_loads_none_but_their_group(words: str, verbs: set[str]) -> None:
    prefix = "kubectl_pets.commands."
    assert {name.removeprefix(prefix) for name in loaded(*words.split()) if name.startswith(prefix)} == verbs


#: What is loaded at every start, and by --version besides. Whatever comes to stand here is felt by everybody.
AT_START = "__main__ cleaning cli cli.completing cli.groups cli.names cli.options cli.pflag errors flows flows.engine flows.engine.interrupts pasting session"


def test_a_start_loads_this_and_no_more() -> None:
    for words, more in (("", set()), ("--version", {"version"}), ("--help", set())):
        brought = {name.removeprefix("kubectl_pets.") for name in loaded(*words.split()) if name.startswith("kubectl_pets.")}
        assert brought == {*AT_START.split(), *more}, words


def test_status_loads_nothing_that_changes_a_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor what other topics read: DNS, claims, which kinds there are; and where all is well, nothing that knows a way out."""
    monkeypatch.setenv("HOME", str(tmp_path))
    place = tmp_path / "config"
    with loopback() as server:
        stateful_set(server.world, "web", replicas=0, status={"observedGeneration": 1, "updateRevision": "web-1"})
        place.write_text(json.dumps(kubeconfig(server.url)), encoding="utf-8")
        brought = loaded("--kubeconfig", str(place), "-n", "x", "status", "web")
    assert "kubectl_pets.commands.status" in brought and "kubectl_pets.cluster.client" in brought
    others = """
        domain.stepping.deciding domain.stepping.planning domain.stepping.freeing domain.stepping.holding domain.stepping.moves
        domain.stepping.rolling domain.rollout.history views.rollout.documents domain.safety.lost domain.orphans domain.scale
        flows.rollout.conductor flows.rollout.checks flows.rollout.gates flows.dns flows.orphans flows.scale views.orphans views.dns
        cluster.dns cluster.pods cluster.topics.claims cluster.topics.watched_sets
        cluster.objects.discovery cluster.objects.writes cluster.objects.watches flows.rollout.attended views.live views.text.page
        cluster.objects.endpoints cluster.topics.safety domain.dns domain.changes domain.stepping.steps domain.rollout.causes
        domain.rollout.ownership domain.safety.budgets views.rollout.advice views.rollout.deploying
    """
    assert not {name for name in brought if name.removeprefix("kubectl_pets.").startswith(tuple(others.split()))}
    assert brought & {"tabulate", "dns", "websocket"} == set()
    needless = {"importlib.metadata", "multiprocessing", "pickle", "html", "urllib.request", "kubernetes", "dataclasses", "logging"}
    assert "urllib3.http2.probe" in brought and brought & needless == set()


def loaded(*words: str) -> set[str]:
    """The modules that a run brings in."""
    script = (
        "import sys\n"
        "from kubectl_pets.__main__ import run\n"
        "from kubectl_pets.session import Session, Terminal\n"
        "run(sys.argv[1:], Session(terminal=Terminal.real()))\n"
        "print('', *sys.modules, sep='\\nmodule ')\n"
    )
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=True)
    return {line.removeprefix("module ") for line in done.stdout.splitlines() if line.startswith("module ")}
