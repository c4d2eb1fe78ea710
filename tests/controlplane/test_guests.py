"""Processes that tests have run beside the components: they end with the run, and their own end is nobody else's trouble."""

import os
import sys
import time
from pathlib import Path

import pytest

from tests import controlplane
from tests.controlplane import ControlPlane, ControlPlaneError, DnsReplica
from tests.controlplane.layout import Layout

pytestmark = pytest.mark.real

_SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]


def _pid(plane: ControlPlane, name: str) -> int:
    state = Layout(plane.directory).state()
    assert state is not None
    return state.pids[name]


def _gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_a_guest_can_be_halted_and_started_again(controlplane: ControlPlane, namespace: str) -> None:
    name = f"guest-{namespace}"
    controlplane.launch(name, _SLEEPER, 1)
    first = _pid(controlplane, name)
    assert controlplane.launched(name) and not _gone(first)
    controlplane.halt(name)
    assert not controlplane.launched(name) and _gone(first)
    controlplane.halt(name)
    controlplane.relaunch(name)
    assert _pid(controlplane, name) != first
    controlplane.halt(name)


def test_a_guest_that_ends_by_itself_does_not_end_the_run(controlplane: ControlPlane, namespace: str) -> None:
    name = f"guest-{namespace}"
    controlplane.launch(name, _SLEEPER, 1)
    os.kill(_pid(controlplane, name), 9)
    deadline = time.monotonic() + 10
    while controlplane.launched(name):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert controlplane.kubectl("get", "namespace", namespace).returncode == 0


def test_what_cannot_be_started_is_told_with_its_log(controlplane: ControlPlane, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.controlplane.plane._ORDER_SECONDS", 0.3)
    with pytest.raises(ControlPlaneError, match="waited 0 s in vain for guest-.* to start"):
        controlplane.launch(f"guest-{namespace}", ["/no/such/program"], 1)


def test_guests_end_with_the_run() -> None:
    with controlplane.running(components=("etcd", "kube-apiserver")) as plane:
        plane.launch("guest", _SLEEPER, 1)
        pid = _pid(plane, "guest")
        assert not _gone(pid)
    assert _gone(pid)


def test_all_who_ask_share_the_standard_replicas(controlplane: ControlPlane, dns: list[DnsReplica]) -> None:
    assert [each.name for each in dns] == ["coredns-0", "coredns-1"]
    assert controlplane.standard_dns() == dns
    found = controlplane.kubectl("get", "pods", "-n", "kube-system", "-l", "k8s-app=kube-dns", "-o", "name").stdout.split()
    assert found == ["pod/coredns-0", "pod/coredns-1"]
