"""Runs start, end, survive what they should and leave nothing behind. Each test has a control plane of its own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import controlplane
from tests.controlplane.layout import Layout
from tests.controlplane.runs import _PROJECT

SERVERS = ("etcd", "kube-apiserver")


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _until_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + 30
    while any(map(_alive, pids)):
        assert time.monotonic() < deadline, f"still there: {[pid for pid in pids if _alive(pid)]}"
        time.sleep(0.05)


@pytest.mark.real
def test_a_server_stopped_and_started_again_has_its_data() -> None:
    with controlplane.running(components=SERVERS) as plane:
        plane.kubectl("create", "namespace", "kept")
        server = plane.server
        plane.stop_apiserver()
        refused = plane.kubectl("get", "namespace", "kept", check=False)
        assert refused.returncode != 0 and "refused" in refused.stderr
        plane.start_apiserver()
        assert plane.server == server
        assert "kept" in plane.kubectl("get", "namespace", "kept").stdout
        directory = plane.directory
    assert not directory.exists()


@pytest.mark.real
def test_a_fake_kubelet_that_breaks_down_is_started_again() -> None:
    with controlplane.running() as plane:
        layout = Layout(plane.directory)

        def kubelet() -> int:
            state = layout.state()
            assert state is not None and state.phase == "ready", state
            return state.pids.get("kwok", 0)

        before = kubelet()
        os.kill(before, signal.SIGABRT)  # which Go tells as it tells a panic
        deadline = time.monotonic() + 60
        while kubelet() in (0, before):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert "SIGABRT" in (layout.logs / "kwok.1.log").read_text(encoding="utf-8")


@pytest.mark.real
@pytest.mark.parametrize("victim", ["owner", "supervisor"])
def test_a_crash_leaves_no_process(victim: str) -> None:
    script = (
        "import sys, time\n"
        "from tests import controlplane\n"
        f"with controlplane.running(components={SERVERS!r}) as plane:\n"
        "    print(plane.directory, flush=True)\n"
        "    time.sleep(600)\n"
    )
    owner = subprocess.Popen([sys.executable, "-c", script], cwd=_PROJECT, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    layout = Layout(Path(owner.stdout.readline().strip()))
    state = layout.state()
    assert state is not None and set(state.pids) == set(SERVERS)
    pids = [state.supervisor, *state.pids.values()]
    assert all(map(_alive, pids))
    os.kill(owner.pid if victim == "owner" else state.supervisor, signal.SIGKILL)
    _until_gone(pids)
    owner.kill()
    owner.communicate()
    if victim == "owner":
        assert not layout.directory.exists()


@pytest.mark.real
def test_up_status_down(tmp_path: Path) -> None:
    def call(*words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "tests.controlplane", *words, "--dir", str(tmp_path / "plane")]
        return subprocess.run(command, cwd=_PROJECT, capture_output=True, text=True, check=False)

    assert call("status").returncode == 1
    started = call("up")
    assert started.returncode == 0 and started.stdout.startswith("export KUBECONFIG=") and started.stdout.count("\n") == 1
    again = call("up")
    assert again.stdout == started.stdout and "already runs" in again.stderr
    shown = call("status")
    assert shown.returncode == 0 and "kube-scheduler" in shown.stdout
    kubeconfig = started.stdout.strip().partition("=")[2]
    subprocess.run(["kubectl", "--kubeconfig", kubeconfig, "get", "nodes"], check=True, capture_output=True)
    assert call("down").returncode == 0
    assert not (tmp_path / "plane").exists() and call("status").returncode == 1
