"""What tests of every room share: one real control plane for the whole run, and a namespace for each test.

With several workers the process that hands out the tests owns the control plane and the workers attach to it, so that it is started
once and ends with the run, however that ends. Where the binaries are not built yet they are built first, and the terminal says so.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests import controlplane as plane_package
from tests.controlplane import ControlPlane

_OWNED = pytest.StashKey[ExitStack]()
_PLANE = pytest.StashKey[ControlPlane]()


def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    distributes = bool(config.getoption("numprocesses", None)) and not hasattr(config, "workerinput")
    if distributes and not re.search(r"not\s+real", config.getoption("markexpr") or ""):
        _start(config)


def pytest_configure_node(node: Any) -> None:
    """Hook of pytest-xdist: tell a worker where the control plane is."""
    plane = node.config.stash.get(_PLANE, None)
    if plane is not None:
        node.workerinput["controlplane"] = str(plane.directory)


def pytest_unconfigure(config: pytest.Config) -> None:
    owned = config.stash.get(_OWNED, None)
    if owned is not None:
        owned.close()


def _start(config: pytest.Config) -> ControlPlane:
    capture = config.pluginmanager.getplugin("capturemanager")
    owned = config.stash.setdefault(_OWNED, ExitStack())
    with capture.global_and_fixture_disabled() if capture else ExitStack():
        plane = owned.enter_context(plane_package.running())
    config.stash[_PLANE] = plane
    return plane


@pytest.fixture(scope="session")
def controlplane(pytestconfig: pytest.Config) -> ControlPlane:
    """The control plane of this run. Tests that stop its API server start one of their own."""
    worker = getattr(pytestconfig, "workerinput", None)
    if worker is not None:
        return plane_package.attach(Path(worker["controlplane"]))
    return pytestconfig.stash.get(_PLANE, None) or _start(pytestconfig)


@pytest.fixture
def namespace(controlplane: ControlPlane) -> Iterator[str]:
    """A new namespace, deleted afterwards without waiting for it."""
    name = f"test-{secrets.token_hex(4)}"
    controlplane.kubectl("create", "namespace", name)
    yield name
    controlplane.kubectl("delete", "namespace", name, "--wait=false")
