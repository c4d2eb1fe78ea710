"""The executable asks real DNS servers through the API server: WebSocket and DNS libraries are inside and work."""

import pytest

from tests.commands.plugin import manifest
from tests.controlplane import ControlPlane
from tests.packaging.frozen import Frozen

pytestmark = pytest.mark.real

SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: None, selector: {app: web}, ports: [{name: http, port: 80}]}
"""


def test_names_resolve_at_a_real_server(frozen: Frozen, controlplane: ControlPlane, namespace: str) -> None:
    (server,) = controlplane.start_dns(1, namespace=namespace, labels={"app": "dns"})
    try:
        controlplane.apply(SERVICE, namespace)
        controlplane.apply(manifest("web", replicas=2), namespace)
        at = ("-n", namespace, "--kubeconfig", str(controlplane.kubeconfig), "--dns-selector", f"{namespace}/app=dns")
        frozen("dns", "web", "-w", "--timeout", "100s", *at)
        assert "web-1" in frozen("dns", "web", "--check", *at).stdout
    finally:
        server.remove()
