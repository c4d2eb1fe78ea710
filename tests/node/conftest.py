"""One real node for all tests marked `node`; the fixture `namespace` makes each of them one on it.

It is prepared before the first test's own time runs. Where no node can run (not root, not Linux) such tests are skipped and say why;
where one could, whatever keeps it from running fails them.
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.controlplane import BuildError, ControlPlane, Storage, build_storage
from tests.controlplane.progress import Progress
from tests.node import GroundError, Node, running
from tests.node.ground import objection
from tests.node.node import prepare
from tests.node.postgres import bring, fetch


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = objection()
    for item in items:
        if reason and item.get_closest_marker("node"):
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_collection_finish(session: pytest.Session) -> None:
    config = session.config
    if objection() or config.option.collectonly or not any(item.get_closest_marker("node") for item in session.items):
        return
    capture = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture else ExitStack():
        try:
            prepare(Progress(sys.stderr))
            if any("storage" in getattr(item, "fixturenames", ()) for item in session.items):
                build_storage()
            if any("postgres" in getattr(item, "fixturenames", ()) for item in session.items):
                fetch(Progress(sys.stderr))
        except (GroundError, BuildError):
            pass  # told by each test that needs the node, which tries again


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    """The node of this run, for tests marked `node`."""
    with running() as started:
        yield started


@pytest.fixture(scope="session")
def controlplane(node: Node) -> ControlPlane:
    """The node's own control plane, in place of the one whose nodes are played."""
    return node.plane


@pytest.fixture(scope="session")
def storage(node: Node) -> Storage:
    """Real storage controllers, with a driver that the node's kubelet mounts volumes by."""
    return node.storage()


@pytest.fixture(scope="session")
def postgres(node: Node) -> None:
    """PostgreSQL's images are on the node."""
    bring(node, Progress(sys.stderr))
