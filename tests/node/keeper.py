"""The process that keeps one node: makes its namespaces and its link to the machine, and takes away what the kernel leaves.

It is run by the control plane's supervisor, and ends when it is told to or when the supervisor is gone; should it be killed, the
kernel ends the node, and the next who starts one removes its empty control groups. Run as `python -m tests.node.keeper FOLDER`.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import FrameType

from tests.controlplane import processes
from tests.controlplane.layout import write
from tests.controlplane.relay import Relay
from tests.node import groups
from tests.node.settings import MOST_NODES, Folder, Settings

_PR_SET_PDEATHSIG = 1


class _Ended(Exception):
    """The supervisor is gone or asked for the end."""


class _Failed(Exception):
    """The node could not be made or has ended."""


class Keeper:
    """One node. Single-threaded but for the relay, for the kernel ties children to the thread that made them."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._parent = os.getppid()
        self._wake, wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        self._ending = False
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        # The supervisor had the kernel kill this process with it; it would rather tidy up.
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        self._settings: Settings = replace(folder.settings(), groups=groups.name_of(os.getpid()))
        self._node: subprocess.Popen[bytes] | None = None
        self._unread = b""

    def run(self) -> None:
        """Everything from the first group to the last trace."""
        try:
            try:
                self._start()
                while True:
                    self._hear()
            except (_Failed, OSError) as failure:
                self._say("failed", str(failure))
                while True:
                    self._turn([])
        except _Ended:
            pass
        finally:
            self._end()

    def _start(self) -> None:
        groups.sweep()
        self._say("starting", "control groups")
        groups.create(self._settings.groups)
        if not Path("/proc/sys/net/bridge").exists() and shutil.which("modprobe"):
            subprocess.run(["modprobe", "-a", "br_netfilter", "overlay"], capture_output=True, check=False)  # the node says what is missing
        self._say("starting", "namespaces")
        command = [
            "unshare", "--fork", "--kill-child", "--pid", "--mount", "--mount-proc", "--net",
            sys.executable, "-m", "tests.node.inside", str(self._folder.path),
        ]
        # Read by the node's first process at once, written again when its number is known.
        self._folder.write(self._settings)
        with self._folder.log("inside").open("ab") as log:
            self._node = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                preexec_fn=processes.die_with_parent(),
            )
        self._hear_until("namespaces")
        self._link()
        self._hear_until("running")

    def _link(self) -> None:
        """A pair of interfaces, one end in the node; the kernel takes both away with the node's network."""
        assert self._node is not None and self._node.stdin is not None
        [inside] = processes.children(self._node.pid)
        for number in range(MOST_NODES):
            settings = replace(self._settings, number=number)
            if _leads_somewhere(settings.address) or _leads_somewhere(settings.pods):
                continue
            pair = ["ip", "link", "add", settings.link, "type", "veth", "peer", "name", "node", "netns", str(inside)]
            done = subprocess.run(pair, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                break
            if "exists" not in done.stderr:
                raise _Failed(f"`{' '.join(pair)}` ended with {done.returncode}: {done.stderr.strip()}")
        else:
            raise _Failed(f"this machine runs {MOST_NODES} nodes, or has other networks in 198.18.0.0/15")
        self._settings = settings
        for words in (
            ["address", "add", f"{settings.machine_address}/30", "dev", settings.link],
            ["link", "set", settings.link, "up"],
            ["route", "add", settings.pods, "via", settings.address],
        ):
            done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise _Failed(f"`ip {' '.join(words)}` ended with {done.returncode}: {done.stderr.strip()}")
        # The address is the machine's alone: whoever sees this port sees the API server as if it were on the loopback address.
        relay = Relay(settings.api_port, settings.machine_address, settings.api_port)
        threading.Thread(target=relay.serve_forever, args=(0.5,), daemon=True, name="relay").start()
        self._folder.write(settings)
        self._node.stdin.write(b"linked\n")
        self._node.stdin.flush()

    def _say(self, phase: str, message: str) -> None:
        write(self._folder.state_file, {"phase": phase, "message": message, "keeper": os.getpid()})

    def _hear_until(self, news: str) -> None:
        while self._hear() != news:
            pass

    def _hear(self) -> str:
        """The next line from the node."""
        assert self._node is not None and self._node.stdout is not None
        while b"\n" not in self._unread:
            self._turn([self._node.stdout.fileno()])
        line, _, self._unread = self._unread.partition(b"\n")
        phase, _, message = line.decode(errors="replace").partition(" ")
        if phase == "failed":
            raise _Failed(message)
        self._say("running" if phase == "running" else "starting", phase)
        return phase

    def _turn(self, waited: list[int]) -> None:
        """Sleep until something happens: news from the node, a signal, the supervisor's end."""
        readable, _, _ = select.select([self._wake, *waited], [], [], 1.0)
        if self._ending or os.getppid() != self._parent:
            raise _Ended
        for descriptor in set(readable) & set(waited):
            data = os.read(descriptor, 4096)
            if not data:
                tail = self._folder.log("inside").read_text(encoding="utf-8", errors="replace")[-2000:].strip()
                raise _Failed(f"the node's first process has ended{': ' + tail if tail else ''}")
            self._unread += data
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake, 4096)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._ending = True

    def _end(self) -> None:
        if self._node is not None:
            for pid in processes.children(self._node.pid):  # with it go all processes of its namespace
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._node.kill()
            self._node.wait()
        groups.remove(self._settings.groups)
        subprocess.run(["ip", "link", "delete", self._settings.link], capture_output=True, check=False)
        # Its own processes are gone, but a file system of theirs may be let go a moment later.
        for _ in range(50):
            shutil.rmtree(self._folder.library, ignore_errors=True)
            if not self._folder.library.exists():
                return
            time.sleep(0.05)


def _leads_somewhere(network: str) -> bool:
    """Whether the machine has a route of its own to that address or network, not just its default one."""
    found = subprocess.run(["ip", "-4", "route", "show", "to", "match", network], capture_output=True, text=True, check=True).stdout
    return any(not line.startswith("default") for line in found.splitlines())


def main() -> None:
    Keeper(Folder(Path(sys.argv[1]))).run()


if __name__ == "__main__":
    main()
