"""A loopback server, a client for it, and the certainty that neither leaves anything behind."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubectl_pets.cluster import Client, connect
from kubectl_pets.session import ConnectionFlags
from tests.cluster.loopback import Loopback, loopback

Config = dict[str, Any]


@pytest.fixture(autouse=True)
def own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the developer's own: no kubeconfig, no proxy, no pod."""
    for name in ("KUBECONFIG", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "ALL_PROXY", "KUBERNETES_SERVICE_HOST", "POD_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short pauses before reads are repeated."""
    monkeypatch.setattr("kubectl_pets.cluster.http.transport._PAUSES", (0.01, 0.02, 0.03))


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    yield
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        left = [thread.name for thread in threading.enumerate() if thread.name.startswith("kubectl-pets")]
        if not left:
            return
        time.sleep(0.01)
    pytest.fail(f"threads left behind: {left}")


@pytest.fixture
def server() -> Iterator[Loopback]:
    with loopback() as running:
        yield running


def kubeconfig(
    server: str = "http://127.0.0.1:1",
    *,
    cluster: Config | None = None,
    user: Config | None = None,
    context: Config | None = None,
    name: str = "here",
) -> Config:
    """A kubeconfig with one of everything, all of the same name."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": server} | (cluster or {})}],
        "users": [{"name": name, "user": user or {}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name} | (context or {})}],
    }


def write(path: Path, config: Config) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(config))
    return path


Connector = Callable[..., Client]


@pytest.fixture
def connecting(tmp_path: Path) -> Iterator[Connector]:
    """Connect with a kubeconfig of these parts and these flags; closed at the end."""
    clients: list[Client] = []

    def connecting(
        server: str, /, *, cluster: Config | None = None, user: Config | None = None, context: Config | None = None, **flags: Any
    ) -> Client:
        path = write(tmp_path / "kubeconfig.yaml", kubeconfig(server, cluster=cluster, user=user, context=context))
        clients.append(connect(ConnectionFlags(kubeconfig=str(path), **flags)))
        return clients[-1]

    yield connecting
    for client in clients:
        client.close()


@pytest.fixture
def client(server: Loopback, connecting: Connector) -> Client:
    return connecting(server.url)
