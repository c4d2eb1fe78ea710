"""Starting and ending runs: one that ends with its owner for tests, one that stays for people."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from tests.controlplane import build
from tests.controlplane.layout import ALL_COMPONENTS, TEMPORARY_PREFIX, Layout, Plan, state_root, temporary_runs
from tests.controlplane.plane import ControlPlane, ControlPlaneError
from tests.controlplane.progress import Progress, elapsed
from tests.controlplane.recipes import DEFAULT_VERSION
from tests.controlplane.volumes import remove_volumes

_PROJECT = Path(__file__).resolve().parents[2]
_START_SECONDS = 120.0
_END_SECONDS = 30.0
#: A directory without a supervisor is somebody's who is just starting one, unless it is older than this.
_STALE_SECONDS = 600.0


@contextlib.contextmanager
def running(
    version: str = DEFAULT_VERSION,
    *,
    components: Sequence[str] = ALL_COMPONENTS,
    nodes: int = 3,
    stream: TextIO | None = None,
) -> Iterator[ControlPlane]:
    """A control plane for as long as the block lasts, or this process lives.

    ``components``: etcd and kube-apiserver alone are enough where nothing has to be controlled.
    """
    _sweep()
    progress = Progress(stream or sys.stderr)
    # First, for it may take so long that another run would take the directory for one left behind.
    binaries = build.binaries(version, components, progress)
    directory = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX))
    process = _start(directory, Plan(_words(binaries), version, tuple(components), nodes), owned=True)
    try:
        _await_ready(directory, process, progress)
        yield ControlPlane(directory)
    finally:
        assert process.stdin is not None
        process.stdin.close()  # the end of this pipe is the end of the run
        _await_end(process)
        _remove(Layout(directory))


def up(version: str = DEFAULT_VERSION, directory: Path | None = None) -> ControlPlane:
    """Start one that outlives this process, or find the one that already runs there."""
    directory = directory or state_root() / "default"
    layout = Layout(directory)
    progress = Progress(sys.stderr)
    if layout.is_supervised():
        progress.say(f"a control plane already runs in {directory}")
        _await_ready(directory, None, progress)
        return ControlPlane(directory)
    _remove(layout)
    if directory.exists():
        raise ControlPlaneError(f"{directory} holds something else than a control plane; name a new or an empty directory")
    binaries = build.binaries(version, ALL_COMPONENTS, progress)
    directory.mkdir(parents=True, mode=0o700)
    process = _start(directory, Plan(_words(binaries), version), owned=False)
    try:
        _await_ready(directory, process, progress)
    except BaseException:
        process.terminate()
        _await_end(process)
        raise
    process.returncode = 0  # it is not ours to wait for any more
    return ControlPlane(directory)


def down(directory: Path | None = None) -> bool:
    """End the one that `up` started; False where none ran."""
    layout = Layout(directory or state_root() / "default")
    state = layout.state()
    if state is None or not layout.is_supervised():
        _remove(layout)
        return False
    os.kill(state.supervisor, signal.SIGTERM)
    deadline = time.monotonic() + _END_SECONDS
    while layout.is_supervised():
        if time.monotonic() > deadline:
            raise ControlPlaneError(f"process {state.supervisor} does not end")
        time.sleep(0.05)
    return True


def attach(directory: Path) -> ControlPlane:
    """The control plane that another process started."""
    if not Layout(directory).is_supervised():
        raise ControlPlaneError(f"no control plane runs in {directory}")
    return ControlPlane(directory)


def _words(paths: Mapping[str, Path]) -> dict[str, str]:
    return {name: str(path) for name, path in paths.items()}


def _start(directory: Path, plan: Plan, *, owned: bool) -> "subprocess.Popen[bytes]":
    try:
        layout = Layout(directory)
        layout.create(plan)
        command = [sys.executable, "-m", "tests.controlplane.supervisor", str(directory)]
        with layout.log("supervisor").open("wb") as log:
            return subprocess.Popen(
                command + (["--owned"] if owned else []), stdin=subprocess.PIPE if owned else subprocess.DEVNULL,
                stdout=log, stderr=log, cwd=_PROJECT, start_new_session=True,
            )
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise


def _await_ready(directory: Path, process: "subprocess.Popen[bytes] | None", progress: Progress) -> None:
    layout = Layout(directory)
    started = time.monotonic()
    while True:
        state = layout.state()
        if state is not None and state.phase == "ready":
            progress.say(f"control plane {layout.plan().version} is ready after {elapsed(time.monotonic() - started)}")
            return
        if state is not None and state.phase == "failed":
            raise ControlPlaneError(state.message)
        if process is not None and process.poll() is not None:
            raise ControlPlaneError(f"the supervisor ended; the end of its log:\n{layout.log_tail('supervisor')}")
        if time.monotonic() - started > _START_SECONDS:
            raise ControlPlaneError(f"the control plane did not become ready within {_START_SECONDS:.0f} s")
        progress.beat(f"starting the control plane: {state.message if state else 'supervisor'}")
        time.sleep(0.05)


def _await_end(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _sweep() -> None:
    """Remove what runs left behind whose supervisor was killed."""
    for directory in temporary_runs():
        with contextlib.suppress(OSError):
            if time.time() - directory.stat().st_mtime > _STALE_SECONDS and not Layout(directory).is_supervised():
                remove_volumes(Layout(directory))
                shutil.rmtree(directory)


def _remove(layout: Layout) -> None:
    """Remove what a run left, if a run it was: the directory is one that a person may have named by mistake."""
    if layout.plan_file.is_file() and layout.lock_file.is_file():
        remove_volumes(layout)
        shutil.rmtree(layout.directory, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            layout.directory.rmdir()
