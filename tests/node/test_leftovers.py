"""A node leaves nothing behind, however it ends. Each test starts one of its own, as a developer does: `python -m tests.node up`."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.controlplane import attach, processes
from tests.controlplane.layout import Layout
from tests.node import Node, groups
from tests.node.node import _PROJECT
from tests.node.settings import Folder

pytestmark = [pytest.mark.node, pytest.mark.slow]


@dataclass
class Started:
    """A node that another process owns, and how the machine looked before it."""

    owner: "subprocess.Popen[str]"
    node: Node
    supervisor: int
    keeper: int
    family: list[int]
    routes: str
    rules: str


def _family(process: int) -> list[int]:
    """The process and all that come from it, those in the node too: it is not hidden from the machine."""
    return [process, *(each for child in processes.children(process) for each in _family(child))]


def _shown(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _rules() -> str:
    """The machine's packet filter, without its counters."""
    lines = _shown("iptables-save").splitlines()
    return "\n".join(line.partition(" [")[0] for line in lines if not line.startswith("#"))


@pytest.fixture
def started() -> Iterator[Started]:
    routes, rules = _shown("ip", "route", "show"), _rules()
    with subprocess.Popen([sys.executable, "-m", "tests.node", "up"], cwd=_PROJECT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        line = owner.stdout.readline()
        try:
            assert line.startswith("export KUBECONFIG="), line
            plane = attach(Path(line.strip().partition("=")[2]).parents[1])
            node = Node(plane, "real-0", Folder(plane.directory / "node"))
            state = Layout(plane.directory).state()
            assert state is not None
            yield Started(
                owner, node, state.supervisor, node.state()["keeper"], [owner.pid, *_family(state.supervisor)], routes, rules,
            )
        finally:
            owner.kill()
            # That of a supervisor that was killed would wait for the next control plane of anybody.
            if line.startswith("export KUBECONFIG="):
                shutil.rmtree(Path(line.strip().partition("=")[2]).parents[1], ignore_errors=True)


def _until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 40
    while not holds():
        assert time.monotonic() < end, f"never happened: {what}"
        time.sleep(0.1)


def _alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _nothing_is_left(run: Started, folders: bool = True) -> None:
    name, link = groups.name_of(run.keeper), run.node.folder
    _until(lambda: not any(map(_alive, run.family)), "the end of all its processes")
    if folders:
        _until(lambda: not any(folder.name == name for folder in groups.left()), "the end of its control groups")
        _until(lambda: not link.path.exists(), "the end of its folder")
    _until(lambda: _shown("ip", "route", "show") == run.routes, "the machine's routes as they were")
    assert str(link.path) not in Path("/proc/self/mountinfo").read_text()
    assert _rules() == run.rules


def test_its_processes_and_rules_are_not_the_machine_s(started: Started) -> None:
    """While it runs, the machine sees one interface, one route and the processes; then Ctrl-C."""
    names = [Path(f"/proc/{each}/cmdline").read_bytes().split(b"\0")[0].rpartition(b"/")[2] for each in started.family]
    assert {b"kubelet", b"containerd", b"kube-proxy", b"coredns", b"containerd-shim-runc-v2"} <= set(names)
    assert started.node.settings().link in _shown("ip", "link", "show")
    assert "KUBE-" not in _rules() or "KUBE-" in started.rules
    started.owner.send_signal(signal.SIGINT)
    assert started.owner.wait(60) == 0
    _nothing_is_left(started)


def test_its_owner_is_killed(started: Started) -> None:
    started.owner.kill()
    _nothing_is_left(started)


def test_its_keeper_is_killed(started: Started) -> None:
    """Who could have removed the control groups: they are empty, and the next who comes by removes them."""
    os.kill(started.keeper, signal.SIGKILL)
    _until(lambda: not any(map(_alive, _inside(started))), "the end of the node's processes")
    started.owner.send_signal(signal.SIGTERM)
    assert started.owner.wait(60) == 0
    _nothing_is_left(started)


def test_the_supervisor_is_killed(started: Started) -> None:
    """The keeper hears of it and tidies up; the run's folder waits for the next control plane to remove it."""
    os.kill(started.supervisor, signal.SIGKILL)
    _until(lambda: not any(map(_alive, _inside(started))), "the end of the node's processes")
    _until(lambda: not any(folder.name == groups.name_of(started.keeper) for folder in groups.left()), "the end of its control groups")
    started.owner.send_signal(signal.SIGTERM)
    started.owner.wait(60)
    _nothing_is_left(started, folders=False)


def _inside(run: Started) -> list[int]:
    return run.family[run.family.index(run.keeper):]
