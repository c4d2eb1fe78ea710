"""What the operating system knows of processes and ports.

Nothing may outlive a run, so the kernel is told, where it can be, to end a child whose parent is gone; and whatever a
component started itself is found again when its parent ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import signal
import socket
import sys
from collections.abc import Callable, Collection
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

# Loaded before any fork: the child between fork and exec must not import.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent() -> Callable[[], None]:
    """A preexec_fn: SIGKILL for the child when this process dies. Only Linux can; elsewhere it does nothing."""
    parent = os.getpid()

    def before_exec() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent:  # it died before the kernel was told
                os._exit(1)

    return before_exec


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends, such as commands that were run inside a pod."""
    if _libc is not None:
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children(pid: int) -> list[int]:
    """The processes that have this one as their parent (on Linux; elsewhere none are known)."""
    found: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # The command's name, in parentheses, may hold anything; the parent's id is the second field after it.
            if int((folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[1]) == pid:
                found.append(int(folder.name))
    return found


def end_adopted(own: Collection[int]) -> None:
    """SIGKILL and reap every child of this process but `own`, until there are none."""
    for _ in range(100):
        adopted = [pid for pid in children(os.getpid()) if pid not in own]
        if not adopted:
            return
        for pid in adopted:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in adopted:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def free_ports(names: Collection[str], taken: Collection[int] = ()) -> dict[str, int]:
    """A free loopback port for each name.

    They come from below the range that the kernel gives to outgoing connections: from inside it, a connection could take a
    port between this look and the server's bind, or while a server is down to be started again on the same port.
    """
    ports: dict[str, int] = {}
    while len(ports) < len(names):
        port = random.randrange(20000, 30000)
        if port not in taken and port not in ports.values() and _is_free(port):
            ports[list(names)[len(ports)]] = port
    return ports


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
