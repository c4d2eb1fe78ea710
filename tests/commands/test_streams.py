"""Streams that are closed, full or gone, and a working folder that is no more: told, without a traceback."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kubectl_pets.flows.engine.interrupts import SIGNALS, held_back
from kubectl_pets.session import Terminal

_PETS = f"{sys.executable} -m kubectl_pets"


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """In a shell that has no cluster; ``$PETS`` is the program."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "PETS": _PETS}
    return subprocess.run(["sh", "-c", script], env=environ, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("words", ["--version", "--help", "list --help", "completion fish"])
def test_a_full_disk_is_told(tmp_path: Path, words: str) -> None:
    done = run(f"$PETS {words} >/dev/full", tmp_path)
    assert done.returncode == 1
    assert "cannot be written: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr and "defect" not in done.stderr and "Exception ignored" not in done.stderr


def test_a_closed_stdout_is_told_before_anything_is_done(tmp_path: Path) -> None:
    done = run("$PETS completion install --dir . >&-", tmp_path)
    assert done.returncode == 1
    assert done.stderr == "error: stdout cannot be written: Bad file descriptor\n"
    assert not (tmp_path / "kubectl_complete-pets").exists()


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "2>/dev/full", "<&- 2>&-"])
def test_stdin_and_stderr_may_be_closed(tmp_path: Path, closed: str) -> None:
    done = run(f"$PETS --version {closed}", tmp_path)
    assert done.returncode == 0 and done.stdout.startswith("kubectl-pets") and done.stderr == ""


def test_what_is_opened_is_not_taken_for_a_stream_that_is_closed(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("{}")
    done = run("$PETS list --kubeconfig config <&- 2>&-", tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    assert (tmp_path / "config").read_text() == "{}"


def test_a_reader_that_went_away_is_no_error_of_ours(tmp_path: Path) -> None:
    done = run("{ $PETS --help; echo $? >&2; } | true", tmp_path)
    assert done.stderr in ("0\n", "1\n"), "it may have been quicker"


@pytest.mark.parametrize("words", ["list --kubeconfig config", "completion install --dir ."])
def test_a_working_folder_that_is_gone_is_told(tmp_path: Path, words: str) -> None:
    done = run(f"mkdir gone && cd gone && rmdir ../gone && $PETS {words}", tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ") and "Traceback" not in done.stderr and "defect" not in done.stderr


def test_a_relative_kubeconfig_of_a_folder_that_is_gone(tmp_path: Path) -> None:
    done = run("mkdir gone && cd gone && rmdir ../gone && KUBECONFIG=rel/x $PETS list", tmp_path)
    assert done.returncode == 1 and "no cluster is configured: looked in rel/x" in done.stderr


def broken(monkeypatch: pytest.MonkeyPatch, stream: str) -> Terminal:
    """The real terminal with a full disk behind one of its streams."""
    monkeypatch.setattr(sys, stream, open("/dev/full", "w", encoding="utf-8"))
    return Terminal.real()


def closing(stream: object) -> None:
    """Without the complaint that what is left over cannot be written."""
    try:
        stream.close()  # type: ignore[attr-defined]
    except OSError:
        pass


def test_output_that_is_lost_ends_what_is_under_way_once_as_ctrl_c_does(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = broken(monkeypatch, "stdout")
    with pytest.raises(KeyboardInterrupt):
        terminal.print("a line")
    terminal.print("what the end of a rollout has to say")
    lost = terminal.lost
    assert lost is not None and lost.strerror == "No space left on device"
    closing(sys.stdout)


def test_output_that_is_lost_breaks_nothing_off_that_ctrl_c_would_not(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = broken(monkeypatch, "stdout")
    with held_back() as came:
        terminal.print("one claim is through")
        assert came()
    closing(sys.stdout)


def test_output_that_is_lost_ends_a_background_job_too(monkeypatch: pytest.MonkeyPatch, restored: Callable[[], None]) -> None:
    terminal = broken(monkeypatch, "stdout")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with pytest.raises(KeyboardInterrupt):
        terminal.print("a line")
    closing(sys.stdout)


def test_talk_that_nobody_can_hear_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = broken(monkeypatch, "stderr")
    terminal.tell("a line")
    terminal.tell("another one")
    assert terminal.lost is None
    closing(sys.stderr)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_every_signal_that_asks_for_the_end_is_held_back(number: signal.Signals, restored: Callable[[], None]) -> None:
    with held_back() as came:
        os.kill(os.getpid(), number)
        assert came()


def test_a_signal_that_is_ignored_stays_so(restored: Callable[[], None]) -> None:
    """As nohup has it."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with held_back() as came:
        os.kill(os.getpid(), signal.SIGHUP)
        assert not came()


@pytest.fixture
def restored(request: pytest.FixtureRequest) -> Callable[[], None]:
    """Signals as they were, at the end."""
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    request.addfinalizer(restore)
    return restore
