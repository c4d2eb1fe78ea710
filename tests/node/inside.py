"""The node's first process, in namespaces of its own: process ids, mounts, network.

When it ends the kernel ends all the others with it, and with the last of them every mount, interface and packet filter rule of the
node is gone, however it came to that. Run by the keeper as `python -m tests.node.inside FOLDER`; they talk over its standard
streams: a line up is news, a line down is the word to go on, the end of either stream is the end.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.node.settings import HIDDEN, Folder, Settings

_START_SECONDS = 60.0
_IMAGES = "k8s.io"  # the name of containerd's namespace that the kubelet looks into


class _Failed(Exception):
    pass


class Inside:
    """One node, from its mounts to its processes."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._settings: Settings = folder.settings()
        self._running: dict[str, int] = {}

    def run(self) -> None:
        try:
            self._mount()
            self._tell("namespaces")
            if not sys.stdin.buffer.readline():
                return
            self._connect()
            self._start("containerd")
            self._await_containerd()
            self._tell("images")
            self._run("ctr", "--address", str(self._folder.containerd_socket), "-n", _IMAGES, "images", "import", str(self._folder.images))
            for process in ("kubelet", "kube-proxy"):
                self._start(process)
            self._tell("running")
            while not self._hears_the_end(1.0):
                self._reap()
        except _Failed as failure:
            self._tell(f"failed {failure}")

    def _mount(self) -> None:
        """What the node writes beside its containers' files goes to its own folder, or to memory."""
        # The namespace is new, so nothing here reaches the machine; a kubelet's volumes have to reach its containers.
        self._run("mount", "--make-rprivate", "/")
        self._folder.library.mkdir()
        self._run("mount", "--bind", str(self._folder.library), HIDDEN[0])
        for place in HIDDEN[1:]:
            self._run("mount", "-t", "tmpfs", "node", place)
        self._run("mount", "--make-rshared", "/")

    def _connect(self) -> None:
        """The interface `node` has been put here by the keeper, who knows the node's number by now."""
        self._settings = self._folder.settings()
        self._run("ip", "link", "set", "lo", "up")
        self._run("ip", "address", "add", f"{self._settings.address}/30", "dev", "node")
        self._run("ip", "link", "set", "node", "up")
        self._run("ip", "route", "add", "default", "via", self._settings.machine_address)
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        # Between pods of one bridge, too, services are addresses that packet filter rules make up.
        switch = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
        if not switch.exists():
            raise _Failed("the kernel's module br_netfilter is not there, without which services do not work: modprobe br_netfilter")
        switch.write_text("1")

    def _start(self, process: str) -> None:
        with self._folder.log(process).open("ab") as log:
            child = subprocess.Popen(self._folder.command(process, self._settings), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        child.returncode = 0  # reaped below, with everybody else's
        self._running[process] = child.pid

    def _await_containerd(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        asked = ["ctr", "--address", str(self._folder.containerd_socket), "version"]
        while subprocess.run(asked, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode != 0:
            self._reap()
            if time.monotonic() > deadline:
                raise _Failed(f"containerd does not answer within {_START_SECONDS:.0f} s{self._end_of_log('containerd')}")
            time.sleep(0.05)

    def _reap(self) -> None:
        """What the containers' shims leave to this process, and word of a part of the node that has ended."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                for process, own in self._running.items():
                    if pid == own:
                        raise _Failed(f"{process} ended with exit status {os.waitstatus_to_exitcode(status)}{self._end_of_log(process)}")

    def _hears_the_end(self, seconds: float) -> bool:
        readable, _, _ = select.select([sys.stdin], [], [], seconds)
        return bool(readable) and not os.read(sys.stdin.fileno(), 4096)

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise _Failed(f"`{' '.join(command)}` ended with {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")

    def _end_of_log(self, process: str) -> str:
        lines = self._folder.log(process).read_text(encoding="utf-8", errors="replace").splitlines()[-10:]
        return "; the end of its log: " + " | ".join(line[:300] for line in lines)

    def _tell(self, news: str) -> None:
        print(news.replace("\n", " "), flush=True)


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    Inside(Folder(Path(sys.argv[1]))).run()


if __name__ == "__main__":
    main()
