"""A loopback server, a client for it, and the certainty that neither leaves anything behind."""

import base64
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
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
    deadline = time.monotonic() + 20
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


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


def serving(authority: trustme.CA, *names: str, client: trustme.CA | None = None) -> ssl.SSLContext:
    """What a server needs to speak TLS under these names; ``client``: whose certificates its callers must show."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    if client is not None:
        client.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def data(blob: trustme.Blob) -> str:
    """As kubeconfigs hold it."""
    return base64.b64encode(blob.bytes()).decode()


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[Loopback]:
    """A server that speaks TLS: only such a one is told who asks."""
    with loopback(serving(authority, "127.0.0.1", "localhost")) as running:
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
    """Connect with a kubeconfig of these parts and these flags; closed at the end. Without a user over TLS, some user."""
    clients: list[Client] = []

    def connecting(
        server: str, /, *, cluster: Config | None = None, user: Config | None = None, context: Config | None = None, **flags: Any
    ) -> Client:
        user = {"token": "anybody"} if user is None and server.startswith("https:") else user
        path = write(tmp_path / "kubeconfig.yaml", kubeconfig(server, cluster=cluster, user=user, context=context))
        clients.append(connect(ConnectionFlags(kubeconfig=str(path), **flags)))
        return clients[-1]

    yield connecting
    for client in clients:
        client.close()


@pytest.fixture
def trusting(connecting: Connector, authority: trustme.CA) -> Connector:
    """The same, trusting ``secure`` where nothing is said of trust."""

    def trusting(server: str, /, *, cluster: Config | None = None, **more: Any) -> Client:
        known = {"insecure-skip-tls-verify", "certificate-authority", "certificate-authority-data"} & set(cluster or {})
        own = {} if known or not server.startswith("https:") else {"certificate-authority-data": data(authority.cert_pem)}
        return connecting(server, cluster=own | (cluster or {}), **more)

    return trusting


@pytest.fixture
def client(server: Loopback, connecting: Connector) -> Client:
    return connecting(server.url)
