"""The control groups of a node: one folder of its name in every hierarchy that is mounted, version 1 or 2.

They are the only thing of a node that the kernel does not take away with its last process, so their name tells who made them, and
whoever starts a node removes what others have left.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "kubectl-pets-node"
_CONTROLLERS = ("cpuset", "cpu", "io", "memory", "pids", "hugetlb")
_REMOVE_SECONDS = 10.0


def name_of(keeper: int) -> str:
    """The folder of the node that this process keeps."""
    return f"{_family()}{keeper}"


def create(name: str) -> None:
    """Make the folder everywhere, so that the kubelet finds it as its root."""
    for mount, version in _hierarchies():
        folder = mount / name
        if version == 2:
            # Where an init system has not done it: what the root does not hand down, no folder can have.
            for controller in _CONTROLLERS:
                with contextlib.suppress(OSError):
                    (mount / "cgroup.subtree_control").write_text(f"+{controller}")
        folder.mkdir(exist_ok=True)
        for file in ("cpuset.cpus", "cpuset.mems"):  # empty in a new folder of version 1, and then nothing may run in it
            if version == 1 and (folder / file).exists():
                (folder / file).write_text((mount / file).read_text())


def remove(name: str) -> None:
    """End what is still in the folder, then remove it everywhere. Waits for processes that are on their way out."""
    deadline = time.monotonic() + _REMOVE_SECONDS
    while True:
        left = [folder for mount, _ in _hierarchies() for folder in _inside(mount / name)]
        for folder in left:
            with contextlib.suppress(OSError):
                folder.rmdir()
        left = [folder for folder in left if folder.exists()]
        if not left or time.monotonic() > deadline:
            return
        for folder in left:
            _end_all(folder)
        time.sleep(0.05)


def sweep() -> None:
    """Remove the folders of nodes whose keeper is gone."""
    found = {folder.name for mount, _ in _hierarchies() for folder in mount.glob(f"{_family()}*")}
    for name in found:
        keeper = name.removeprefix(_family())
        if keeper.isdigit() and not _keeps(int(keeper)):
            remove(name)


def left() -> list[Path]:
    """Every folder of any node that there is."""
    return sorted(folder for mount, _ in _hierarchies() for folder in mount.glob(f"{_PREFIX}-*"))


def _family() -> str:
    """How the names of those begin whose keeper's process id means the same here as where it was written: a container may share the
    machine's control groups, but not its process ids."""
    return f"{_PREFIX}-{os.stat('/proc/self/ns/pid').st_ino}-"


def _keeps(process: int) -> bool:
    try:
        return b"tests.node.keeper" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False


def _hierarchies() -> Iterator[tuple[Path, int]]:
    seen = set()
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        # ID PARENT DEVICE ROOT POINT OPTIONS ... - TYPE SOURCE OPTIONS (proc_pid_mountinfo(5))
        before, _, after = line.partition(" - ")
        kind, point = after.split()[0], Path(before.split()[4])
        if kind in ("cgroup", "cgroup2") and point not in seen:
            seen.add(point)
            yield point, 2 if kind == "cgroup2" else 1


def _inside(folder: Path) -> list[Path]:
    """The folder and all below it, the deepest first; empty where it is not there."""
    if not folder.is_dir():
        return []
    return [Path(path) for path, _, _ in os.walk(folder, topdown=False)]


def _end_all(folder: Path) -> None:
    with contextlib.suppress(OSError, ValueError):
        for process in (folder / "cgroup.procs").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(process), 9)
