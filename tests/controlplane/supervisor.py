"""The process that owns all the others of one run: starts them, takes orders, and leaves nothing behind.

It runs apart from its owner so that the owner's death, of any kind, is something that it can still act on: it holds a
pipe from the owner, and the end of that pipe is the end of the run. Run as
`python -m tests.controlplane.supervisor DIRECTORY [--owned]`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import re
import select
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import IO

from tests.controlplane import components, credentials, objects, processes
from tests.controlplane.api import Api, ApiError
from tests.controlplane.layout import CONTROLLERS, Layout, State, write
from tests.controlplane.volumes import remove_volumes

_START_SECONDS = 90.0
_PORT_TRIES = 5
_PORT_TAKEN = re.compile(r"address already in use", re.IGNORECASE)

#: How Go ends a program that is broken. KWOK 0.8.0 has done so once while it compiled its stages, in hundreds of starts: it is
#: started again, as whatever looks after a node's services does with a kubelet.
_BROKE_DOWN = re.compile(r"^(panic|fatal error|SIG[A-Z]+): ", re.MULTILINE)
_STARTED_AGAIN = ("kwok",)
_BREAKDOWNS = 3


class _Ended(Exception):
    """The owner went away or asked for the end."""


class _Failed(Exception):
    """A component ended, or did not become ready."""

    def __init__(self, component: str, message: str) -> None:
        super().__init__(message)
        self.component = component


class Supervisor:
    """One run. Single-threaded, for the kernel ties children to the thread that made them."""

    def __init__(self, directory: Path, owned: bool) -> None:
        self._layout = Layout(directory)
        self._plan = self._layout.plan()
        self._owner = sys.stdin.fileno() if owned else None
        self._orders = os.open(self._layout.orders, os.O_RDWR | os.O_NONBLOCK)
        self._unread = b""
        self._wake, wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        self._ending = False
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._ports: dict[str, int] = {}
        # Of guests that have something to tidy up: how many seconds they are given.
        self._graces: dict[str, float] = {}
        # These keep their ports, which by now are in kubeconfigs that were handed out.
        self._served: set[str] = set()
        self._breakdowns = 0
        self._phase, self._message = "starting", ""

    def run(self) -> None:
        """Everything from the first process to the last trace."""
        processes.adopt_orphans()
        try:
            try:
                self._start()
                self._say("ready", "")
            except _Failed as failure:
                self._fail(failure)
            while True:
                self._turn(None)
        except _Ended:
            pass
        finally:
            self._end()

    def _start(self) -> None:
        names = [name for component in self._plan.components for name in components.PORTS[component]]
        self._ports = processes.free_ports(names)
        for component in ("etcd", "kube-apiserver"):
            self._launch(component)
            self._await(component, partial(self._is_well, component))
        controllers = [component for component in CONTROLLERS if component in self._plan.components]
        if controllers:
            self._say("starting", "standard objects")
            self._await("kube-apiserver", self._has_standard_objects)
        for component in controllers:
            self._launch(component)
        for component in controllers:
            self._await(component, partial(self._is_well, component))
        self._say("starting", "waiting for the first nodes and accounts")
        self._await_objects()

    def _has_standard_objects(self) -> bool:
        objects.create_standard_objects(self._api(), self._plan.nodes if "kwok" in self._plan.components else 0)
        return True

    def _await_objects(self) -> None:
        wanting = ""

        def complete() -> bool:
            nonlocal wanting
            wanting = objects.missing(self._api(), self._plan.components, self._plan.nodes)
            return not wanting

        try:
            self._await("", complete)
        except _Failed as failure:
            component, _, what = wanting.partition(": ")
            raise _Failed(failure.component or component, str(failure) if failure.component else what) from failure

    def _api(self) -> Api:
        files = self._layout.credentials
        return Api(self._ports["kube-apiserver"], files.server_authority, files.token(credentials.SUPERVISOR))

    def _launch(self, component: str) -> None:
        self._say("starting", f"{component} on port {self._ports[components.PORTS[component][0]]}")
        self._spawn(component, components.arguments(component, self._layout, self._plan, self._ports))

    def _spawn(self, component: str, command: list[str]) -> None:
        environment = {
            "HOME": str(self._layout.home), "TMPDIR": str(self._layout.home),
            "PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8",
        }
        with self._layout.log(component).open("ab") as log:
            self._children[component] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._layout.home, env=environment,
                preexec_fn=processes.die_with_parent(),
            )
        self._say(self._phase, self._message)

    def _await(self, component: str, done: Callable[[], bool]) -> None:
        """Turn until `done`; a component whose port was taken meanwhile is started again on another one."""
        deadline = time.monotonic() + _START_SECONDS
        tries = _PORT_TRIES
        wait = 0.02
        while True:
            try:
                with contextlib.suppress(OSError, ApiError, urllib.error.URLError):
                    if done():
                        return
                if time.monotonic() > deadline:
                    raise _Failed(component, f"not ready within {_START_SECONDS:.0f} s")
                self._turn(wait)
                wait = min(wait * 1.5, 0.25)
            except _Failed as failure:
                tries -= 1
                if tries and self._may_start_again(failure.component):
                    self._launch(failure.component)
                    continue
                if tries == 0 or not self._lost_its_port(failure.component):
                    raise
                if failure.component not in self._served:
                    names = components.PORTS[failure.component]
                    self._ports.update(processes.free_ports(names, taken=self._ports.values()))
                self._layout.log(failure.component).unlink()
                self._launch(failure.component)

    def _may_start_again(self, component: str) -> bool:
        """Whether it broke down and is one that may; its log is kept beside the next one."""
        broke = component in _STARTED_AGAIN and component not in self._children
        if not broke or self._breakdowns == _BREAKDOWNS or not _BROKE_DOWN.search(self._layout.log_tail(component, 10_000)):
            return False
        self._breakdowns += 1
        log = self._layout.log(component)
        log.rename(log.with_suffix(f".{self._breakdowns}.log"))
        with contextlib.suppress(OSError, ApiError, urllib.error.URLError):
            objects.release_nodes(self._api())
        return True

    def _lost_its_port(self, component: str) -> bool:
        if component not in components.PORTS or component in self._children or self._phase != "starting":
            return False
        return _PORT_TAKEN.search(self._layout.log_tail(component, 200)) is not None

    def _is_well(self, component: str) -> bool:
        name, scheme, path = components.HEALTH[component]
        context = None
        if scheme == "https":
            context = ssl.create_default_context(cafile=str(self._layout.credentials.server_authority))
        url = f"{scheme}://127.0.0.1:{self._ports[name]}{path}"
        # A proxy of the user's has no business between two processes of one machine.
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if context is not None:
            handlers.append(urllib.request.HTTPSHandler(context=context))
        with urllib.request.build_opener(*handlers).open(url, timeout=5.0):
            self._served.add(component)
            return True

    def _turn(self, timeout: float | None) -> None:
        """Sleep until something happens: an order, a child's end, the owner's end, or the timeout."""
        waited: list[int] = [self._orders, self._wake]
        if self._owner is not None:
            waited.append(self._owner)
        readable, _, _ = select.select(waited, [], [], timeout)
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake, 4096)
        if self._ending or (self._owner in readable and not os.read(self._owner or 0, 4096)):
            raise _Ended
        self._reap()
        if self._orders in readable and self._phase != "starting":
            for order in self._read_orders():
                self._obey(*order)

    def _reap(self) -> None:
        for component, child in list(self._children.items()):
            if child.poll() is not None:
                del self._children[component]
                if component not in self._plan.components:  # a guest, whose end is the business of whoever invited it
                    self._say(self._phase, self._message)
                    continue
                failure = _Failed(component, f"ended with exit status {child.returncode}")
                if self._phase == "starting":
                    raise failure
                if self._may_start_again(component):
                    self._spawn(component, components.arguments(component, self._layout, self._plan, self._ports))
                else:
                    self._fail(failure)
        with contextlib.suppress(ChildProcessError):
            own = {child.pid for child in self._children.values()}
            for pid in processes.children(os.getpid()):
                if pid not in own:
                    os.waitpid(pid, os.WNOHANG)

    def _read_orders(self) -> Iterator[tuple[str, str]]:
        self._unread += os.read(self._orders, 4096)
        *lines, self._unread = self._unread.split(b"\n")
        for line in lines:
            verb, _, component = line.decode(errors="replace").partition(" ")
            yield verb, component

    def _obey(self, verb: str, component: str) -> None:
        if verb == "stop" and component in self._children:
            child = self._children.pop(component)
            child.terminate()
            # A graceful end waits for open watches, which the controllers have for ever.
            _wait_or_kill(child, seconds=max(2.0, self._graces.get(component, 0.0)))
            self._say(self._phase, f"{component} was stopped" if component in self._plan.components else self._message)
        elif verb == "start" and component in self._plan.components and component not in self._children:
            try:
                self._launch(component)
                self._await(component, partial(self._is_well, component))
                self._say("ready", "")
            except _Failed as failure:
                self._fail(failure)
        elif verb == "start" and component not in self._children:
            with contextlib.suppress(OSError, ValueError):  # whoever gave the order sees that it does not run
                guest = json.loads((self._layout.guests / f"{component}.json").read_text(encoding="utf-8"))
                self._ports[component] = guest["port"]
                self._graces[component] = guest["grace"]
                self._spawn(component, guest["command"])

    def _fail(self, failure: _Failed) -> None:
        tail = self._layout.log_tail(failure.component)
        self._say("failed", f"{failure.component} {failure}; the end of its log:\n{tail}")

    def _say(self, phase: str, message: str) -> None:
        self._phase, self._message = phase, message
        pids = {component: child.pid for component, child in self._children.items()}
        write(self._layout.state_file, dataclasses.asdict(State(phase, message, os.getpid(), self._ports, pids)))

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._ending = True

    def _end(self) -> None:
        """End the children, clients before servers, then remove what they and this process wrote."""
        graces = {name: seconds for name, seconds in self._graces.items() if seconds and name in self._children}
        graces |= {name: 2.0 for name in ("kwok", "kube-scheduler", "kube-controller-manager") if name in self._children}
        for component in graces:
            self._children[component].terminate()
        for component, seconds in graces.items():
            _wait_or_kill(self._children.pop(component), seconds)
        # These have nothing to save: the data goes with them, and a graceful end would wait for open watches.
        for child in self._children.values():
            child.kill()
        for child in self._children.values():
            child.wait()
        self._children.clear()
        processes.end_adopted(own=())
        remove_volumes(self._layout)
        if self._plan.keep:
            self._say("ended", "")
        else:
            shutil.rmtree(self._layout.directory, ignore_errors=True)


def _wait_or_kill(child: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _hold(lock: IO[bytes]) -> None:
    """Take the lock; somebody who only asks whether it is held may have it for a moment."""
    for _ in range(50):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            time.sleep(0.02)
    sys.exit("another supervisor runs here")


def main() -> None:
    directory = Path(sys.argv[1])
    with Layout(directory).lock_file.open("ab") as lock:
        _hold(lock)
        Supervisor(directory, owned="--owned" in sys.argv[2:]).run()


if __name__ == "__main__":
    main()
