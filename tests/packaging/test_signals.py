"""Signals reach the program through the process that unpacked it, and nothing is left behind: no process, no folder."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from krew import build
from tests.commands.plugin import manifest
from tests.controlplane import ControlPlane
from tests.packaging.frozen import Frozen

pytestmark = pytest.mark.real

PATIENCE = 60.0


@pytest.fixture
def words(controlplane: ControlPlane, namespace: str) -> tuple[str, ...]:
    """A command line that watches for as long as it is let."""
    controlplane.apply(manifest("web", replicas=1, pod_annotations="{kubectl-pets.test/ready-after: 3600s}"), namespace)
    return ("status", "web", "-w", "-n", namespace, "--kubeconfig", str(controlplane.kubeconfig))


def family(pid: int) -> set[int]:
    """The process and its descendants, as far as they live."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                status = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has just ended
            if status[0] != "Z":
                parents[int(folder.name)] = int(status[1])
    found = {pid} & set(parents)
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def eventually(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"never happened: {what}"
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGHUP, 130)], ids=["INT", "TERM", "HUP"]
)
def test_a_signal_ends_it_and_all_it_made(frozen: Frozen, words: tuple[str, ...], number: signal.Signals, code: int) -> None:
    process = subprocess.Popen([frozen.path, *words], env=frozen.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert "web" in line, line
    members = family(process.pid)
    assert len(members) == 2, "one that unpacks and tidies up, one that works"
    assert [path.name[:4] for path in frozen.unpacked.iterdir()] == ["_MEI"]
    process.send_signal(number)  # as kubectl gets it: only the first of the two, whose number is all that others know
    _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == code
    assert "Traceback" not in told
    eventually(lambda: not any(member in family(member) for member in members), "every process ends")
    frozen.assert_tidy()


def at_terminal(frozen: Frozen, words: tuple[str, ...], wanted: str, *keys: bytes) -> tuple[str, int]:
    """Type the keys, one after the other, once ``wanted`` is on the screen; what was shown, and the exit code."""
    pid, screen = pty.fork()
    if pid == 0:
        os.execve(frozen.path, [str(frozen.path), *words], {**frozen.environ, "TERM": "xterm"})
    shown, left, end = b"", list(keys), time.monotonic() + PATIENCE
    while True:
        assert time.monotonic() < end, shown.decode(errors="replace")
        if not select.select([screen], [], [], 0.2)[0]:
            continue
        try:
            data = os.read(screen, 65536)
        except OSError:  # how Linux says that nobody is left at the other end
            break
        if not data:
            break
        shown += data
        if wanted in shown.decode(errors="replace"):
            for key in left:
                os.write(screen, key)
            left = []
    os.close(screen)
    _, status = os.waitpid(pid, 0)
    return shown.decode(errors="replace"), os.waitstatus_to_exitcode(status)


def test_ctrl_c_at_a_terminal_is_one_ctrl_c(frozen: Frozen, words: tuple[str, ...]) -> None:
    """The terminal interrupts both processes, and the first passes it on to the second, which must not take it for another."""
    shown, code = at_terminal(frozen, words, "web-0", b"\x03")
    assert code == 130
    assert len(re.findall("interrupted", shown)) == 1 and "Traceback" not in shown
    assert shown.rfind("\x1b[?25h") > shown.rfind("\x1b[?25l"), "the cursor is shown again"
    frozen.assert_tidy()


def test_ctrl_c_while_it_loads_is_quiet() -> None:
    """Most of a short run is loading; no traceback of an import is shown then."""
    script = f"import os, runpy, signal; runpy.run_path({str(build.ROOT / 'krew' / 'start.py')!r}); os.kill(os.getpid(), signal.SIGINT)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGINT
    assert done.stderr == ""


def test_one_in_the_background_of_a_script_is_not_interrupted(frozen: Frozen, words: tuple[str, ...]) -> None:
    """Where SIGINT is ignored, as shells do for background jobs of scripts, it stays so; SIGTERM still ends it."""
    process = subprocess.Popen(
        [frozen.path, *words],
        env=frozen.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    assert process.stdout is not None and "web" in process.stdout.readline()
    (worker,) = family(process.pid) - {process.pid}
    os.kill(worker, signal.SIGINT)
    os.kill(worker, signal.SIGTERM)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    frozen.assert_tidy()
