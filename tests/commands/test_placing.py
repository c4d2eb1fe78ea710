"""``completion install``: where the executable goes, what it never overwrites, and that what is shipped is what is written."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from kubectl_pets.__main__ import run
from kubectl_pets.cli import placing
from kubectl_pets.cli.placing import Found
from kubectl_pets.errors import ExitCode, PetsError
from kubectl_pets.session import Session
from tests.commands.shell import EXECUTABLE, KREW, Shell
from tests.terminal import FakeTerminal


def executable(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with ~/.local/bin, which alone is on PATH."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KREW_ROOT", raising=False)
    (tmp_path / ".local" / "bin").mkdir(parents=True)
    on_path(monkeypatch, tmp_path / ".local" / "bin")
    return tmp_path


def on_path(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join(str(folder) for folder in folders))


def install(*words: str, expect: int = 0) -> tuple[str, str]:
    terminal = FakeTerminal()
    code = run(["completion", "install", *words], Session(terminal=terminal))
    assert code == expect, terminal.stderr_text
    return terminal.stdout_text, terminal.stderr_text


def test_what_is_shipped_is_what_is_written(tmp_path: Path) -> None:
    for name, windows in (("kubectl_complete-pets", False), ("kubectl_complete-pets.cmd", True)):
        placement = placing.plan(tmp_path, {}, windows=windows)
        assert placement.path.name == name
        placing.put(placement)
        assert placement.path.read_bytes() == (KREW / name).read_bytes()
    assert os.access(EXECUTABLE, os.X_OK)


def test_after_it_kubectl_completes(tmp_path: Path) -> None:
    shell = Shell(tmp_path, bare=True)
    assert shell.complete("sta").candidates == []
    done = shell.run("kubectl", "pets", "completion", "install")
    assert done.returncode == 0, done.stderr
    assert str(shell.bin / "kubectl_complete-pets") in done.stderr
    assert shell.complete("sta").candidates == ["status"]


def test_beside_the_plugin_before_all_others(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """krew's bin folder holds a link to the plugin in its store: the link's folder is the one on PATH."""
    krew = home / "krew" / "bin"
    krew.mkdir(parents=True)
    (krew / "kubectl-pets").symlink_to(executable(home / "krew" / "store" / "pets" / "v1" / "kubectl-pets"))
    on_path(monkeypatch, home / ".local" / "bin", krew)
    install()
    assert (krew / "kubectl_complete-pets").is_file() and not list((home / "krew" / "store").rglob("kubectl_complete*"))


def test_krew_s_folder_before_one_s_own(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    krew = home / ".krew" / "bin"
    krew.mkdir(parents=True)
    assert placing.plan(None, os.environ).path.parent == home / ".local" / "bin", "krew's is not on PATH"
    on_path(monkeypatch, home / ".local" / "bin", krew)
    assert placing.plan(None, os.environ).path.parent == krew
    monkeypatch.setenv("KREW_ROOT", str(home / "elsewhere"))
    assert placing.plan(None, os.environ).path.parent == home / ".local" / "bin"


def test_nowhere_to_put_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_path(monkeypatch, home / "not-there")
    _, said = install(expect=ExitCode.FAILED)
    assert "no folder on PATH" in said and ".local/bin" in said and "--dir" in said
    assert "is not a folder" in install("--dir", str(home / "not-there"), expect=ExitCode.FAILED)[1]


def test_a_second_time_changes_nothing(home: Path) -> None:
    install()
    path = home / ".local" / "bin" / "kubectl_complete-pets"
    before = path.stat()
    assert "in place already" in install()[1]
    assert path.stat().st_mtime_ns == before.st_mtime_ns and path.stat().st_ino == before.st_ino
    path.chmod(0o644)
    assert placing.plan(None, os.environ).found is Found.OLDER, "kubectl runs it only where it is executable"
    install()
    assert os.access(path, os.X_OK)


def test_an_older_one_of_ours_is_replaced(home: Path) -> None:
    path = executable(home / ".local" / "bin" / "kubectl_complete-pets", '#!/bin/bash\n# v0\nkubectl-pets __complete "$@"\n')
    install()
    assert path.read_bytes() == EXECUTABLE.read_bytes()


@pytest.mark.parametrize("kind", ["file", "binary", "link", "dangling", "folder"])
def test_somebody_else_s_is_left_alone(home: Path, kind: str) -> None:
    path, target = home / ".local" / "bin" / "kubectl_complete-pets", executable(home / "target", EXECUTABLE.read_text(encoding="utf-8"))
    match kind:
        case "file":
            executable(path, "#!/bin/sh\necho mine\n")
        case "binary":
            path.write_bytes(b"\x7fELF\xff\x00")
        case "link":
            path.symlink_to(target)
        case "dangling":
            path.symlink_to(home / "nothing")
        case _:
            path.mkdir()
    _, said = install(expect=ExitCode.REFUSED)
    assert str(path) in said and "--force" in said and "nothing was written" in said
    if kind == "folder":
        assert "cannot be written" in install("--force", expect=ExitCode.FAILED)[1]
        assert path.is_dir()
    else:
        install("--force")
        assert path.read_bytes() == EXECUTABLE.read_bytes() and not path.is_symlink()
    assert target.read_bytes() == EXECUTABLE.read_bytes()
    assert {each.name for each in path.parent.iterdir()} == {path.name}, "no draft is left behind"


def test_a_file_that_comes_up_meanwhile_is_not_overwritten(home: Path) -> None:
    placement = placing.plan(None, os.environ)
    theirs = executable(placement.path, "theirs")
    with pytest.raises(PetsError, match="cannot be written"):
        placing.put(placement)
    assert theirs.read_text(encoding="utf-8") == "theirs"


def test_a_dry_run_prints_it_and_writes_nothing(home: Path) -> None:
    printed, said = install("--dry-run")
    assert printed == EXECUTABLE.read_text(encoding="utf-8")
    assert "would write" in said and not list((home / ".local" / "bin").iterdir())
    theirs = executable(home / ".local" / "bin" / "kubectl_complete-pets", "theirs")
    install("--dry-run", "--force")
    install("--dry-run", expect=ExitCode.REFUSED)
    assert theirs.read_text(encoding="utf-8") == "theirs"


def test_it_says_why_kubectl_would_not_find_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = home / "other"
    other.mkdir()
    assert f"{other} is not on PATH" in install("--dir", str(other))[1]
    shadow = executable(home / "first" / "kubectl_complete-pets")
    on_path(monkeypatch, shadow.parent, home / ".local" / "bin")
    assert f"kubectl finds {shadow} before it" in install("--dir", str(home / ".local" / "bin"))[1]
    on_path(monkeypatch, home / ".local" / "bin", shadow.parent)
    assert "warning" not in install("--dir", str(home / ".local" / "bin"))[1]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_lines_for_each_shell(shell: str) -> None:
    terminal = FakeTerminal()
    assert run(["completion", shell], Session(terminal=terminal)) == 0
    assert f"kubectl completion {shell}" in terminal.stdout_text
    assert "kubectl-pets" in terminal.stdout_text and "completion install" in terminal.stderr_text


def test_in_fish_kubectl_s_own_lines_are_turned_into_ours() -> None:
    """kubectl's script asks the first word of the command line, whatever it is; only what it is registered for is said."""
    script = subprocess.run(["kubectl", "completion", "fish"], capture_output=True, text=True, check=True).stdout
    registered = [line for line in script.splitlines() if line.startswith("complete ") and "-c kubectl" in line]
    assert len(registered) >= 3 and all("-c kubectl " in line for line in registered)
    terminal = FakeTerminal()
    run(["completion", "fish"], Session(terminal=terminal))
    assert "string replace -a -- '-c kubectl ' '-c kubectl-pets '" in terminal.stdout_text
    if shutil.which("fish"):
        ask = 'kubectl-pets completion fish 2>/dev/null | source; complete -C "kubectl-pets rollout un"'
        done = subprocess.run(["fish", "--no-config", "-c", ask], capture_output=True, text=True, check=True)
        assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["undo", "unstick"]


def test_the_shipped_script_passes_words_on_as_they_are(tmp_path: Path) -> None:
    executable(tmp_path / "kubectl-pets", '#!/bin/sh\nfor word in "$@"; do printf "<%s>" "$word"; done\n')
    words = ["a b", "", "$HOME", "*", ""]
    done = subprocess.run([EXECUTABLE, *words], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=True)
    assert done.stdout == "<__complete>" + "".join(f"<{word}>" for word in words)
