"""The door: one test an exit code, one error boundary, and a start that loads no client."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import click
import pytest

from kubectl_pets import __main__ as door
from kubectl_pets import errors
from kubectl_pets.errors import ExitCode
from kubectl_pets.groups import Verb
from kubectl_pets.session import Session
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


def test_wrong_usage_names_the_help(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = FakeTerminal()
    assert door.run(["status"], Session(terminal=terminal)) == 2
    assert "NAME" in terminal.stderr_text and "kubectl pets status --help" in terminal.stderr_text


@pytest.mark.parametrize("words", [["--help"], ["--version"], [], ["rollout", "--help"], ["rollout", "run", "--help"], ["nonsense"]])
def test_help_and_version_load_no_client(words: list[str]) -> None:
    script = (
        "import sys\n"
        "from kubectl_pets.__main__ import run\n"
        "from kubectl_pets.session import Session, Terminal\n"
        "run(sys.argv[1:], Session(terminal=Terminal.real()))\n"
        "heavy = {'kubernetes', 'urllib3', 'rich', 'yaml', 'ssl', 'tabulate'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
