"""What tests of every room share: one real control plane for the whole run, and a namespace for each test.

It is started once it is known that a selected test needs it, before the first test's own time runs. With several workers the
process that hands out the tests owns it and the workers attach to it, so that it ends with the run, however that ends. Where the
binaries are not built yet they are built first, and the terminal says so.
"""

import os
import secrets
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from kubectl_pets import pasting
from tests import controlplane as plane_package
from tests.controlplane import DEFAULT_VERSION, BuildError, ControlPlane, ControlPlaneError, DnsReplica, Storage, operators
from tests.domain.examples import times

# Before any test module is imported, for what these ask of Hypothesis is fixed then. No deadlines, for how fast the machine is says
# nothing; no database; a failing case is printed so that it can be run again.
_QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile("tests", deadline=None, database=None, print_blob=True, suppress_health_check=_QUIET, max_examples=times(100))
settings.load_profile("tests")

_OWNED = pytest.StashKey[ExitStack]()
_DESK = pytest.StashKey[Path]()

#: Fixtures that want binaries of their own: these are built before any test's time runs, when a selected test asks for them.
_PARTS: dict[str, Callable[[], object]] = {
    "storage": plane_package.build_storage,
    "helm": lambda: plane_package.binaries(names=["helm"]),
    "prometheus": lambda: plane_package.binaries(names=["prometheus"]),
    "kruise": lambda: operators.build_operator(operators.KRUISE),
    "lws": lambda: operators.build_operator(operators.LWS),
}


@pytest.fixture(autouse=True)
def connected_by_nothing() -> Iterator[None]:
    """What one test was connected by is in no hint of the next: the door sets it for a run, and some tests go in beside the door."""
    with pasting.connected():
        yield


def pytest_configure(config: pytest.Config) -> None:
    """Lay out the folder over which the owner and the workers pass word; a worker is given the owner's."""
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs under nohup hands on that it is ignored
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # and a shell without job control, after "&", that these two are
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    worker = getattr(config, "workerinput", None)
    owned = config.stash.setdefault(_OWNED, ExitStack())
    folder = worker["controlplane"] if worker else owned.enter_context(tempfile.TemporaryDirectory(prefix="kubectl-pets-tests-"))
    config.stash[_DESK] = Path(folder)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["controlplane"] = str(node.config.stash[_DESK])


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Before a worker tells the owner that it is through, who looks at once for what is wanted."""
    config = session.config
    if config.option.collectonly or not any(item.get_closest_marker("real") for item in session.items):
        return
    for part in _PARTS:
        if any(part in getattr(item, "fixturenames", ()) for item in session.items):
            (config.stash[_DESK] / part).touch()
    if hasattr(config, "workerinput"):
        (config.stash[_DESK] / "wanted").touch()
    else:
        _start(config)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any) -> None:
    """No test is handed out before this has returned for every worker."""
    desk = node.config.stash[_DESK]
    if (desk / "wanted").exists() and not (desk / "directory").exists() and not (desk / "error").exists():
        _start(node.config)


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[_OWNED].close()


def _start(config: pytest.Config) -> None:
    desk = config.stash[_DESK]
    capture = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture else ExitStack():
        try:
            for part, build in _PARTS.items():
                if (desk / part).exists():
                    build()
            plane = config.stash[_OWNED].enter_context(plane_package.running(os.environ.get("CONTROLPLANE_VERSION") or DEFAULT_VERSION))
            (desk / "directory").write_text(str(plane.directory), encoding="utf-8")
        except (BuildError, ControlPlaneError) as error:
            # Told by each test that needs it; the others can do without.
            (desk / "error").write_text(str(error), encoding="utf-8")


@pytest.fixture(scope="session")
def controlplane(pytestconfig: pytest.Config) -> ControlPlane:
    """The control plane of this run, for tests marked `real`. Tests that stop its API server start one of their own."""
    desk = pytestconfig.stash[_DESK]
    if (desk / "error").exists():
        raise ControlPlaneError((desk / "error").read_text(encoding="utf-8"))
    if not (desk / "directory").exists():
        raise ControlPlaneError("no test is marked `real`: the fixture `controlplane` is for those that are")
    return plane_package.attach(Path((desk / "directory").read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def dns(controlplane: ControlPlane) -> list[DnsReplica]:
    """The cluster's DNS: two CoreDNS replicas that all tests share. A test that stops one starts its own (start_dns)."""
    return controlplane.standard_dns()


@pytest.fixture(scope="session")
def storage(controlplane: ControlPlane) -> Storage:
    """Real storage controllers over a CSI driver of our own, which all tests share; each makes classes of its own."""
    return controlplane.standard_storage()


@pytest.fixture(scope="session")
def plane_of_operators() -> Iterator[ControlPlane]:
    """A control plane that knows more kinds of sets than apps/v1: not the one of all tests, for each of them would see these."""
    with plane_package.running(os.environ.get("CONTROLPLANE_VERSION") or DEFAULT_VERSION) as plane:
        yield plane


@pytest.fixture(scope="session")
def kruise(plane_of_operators: ControlPlane) -> ControlPlane:
    """One with OpenKruise's controller of Advanced StatefulSets, the real one."""
    operators.start(plane_of_operators, operators.KRUISE)
    return plane_of_operators


@pytest.fixture(scope="session")
def lws(plane_of_operators: ControlPlane) -> ControlPlane:
    """One with the controllers of LeaderWorkerSets, the real ones."""
    operators.start(plane_of_operators, operators.LWS)
    return plane_of_operators


@pytest.fixture
def operator_namespace(plane_of_operators: ControlPlane) -> Iterator[str]:
    """As ``namespace``, of the control plane of operators."""
    name = f"test-{secrets.token_hex(4)}"
    plane_of_operators.create_namespace(name)
    yield name
    plane_of_operators.delete_namespace(name)


@pytest.fixture
def namespace(controlplane: ControlPlane) -> Iterator[str]:
    """A new namespace, deleted afterwards without waiting for it."""
    name = f"test-{secrets.token_hex(4)}"
    controlplane.create_namespace(name)
    yield name
    controlplane.delete_namespace(name)
