"""The objects that every control plane starts with: a storage class, nodes, and the type that steers port-forwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.controlplane.api import Api, ApiError

ZONE_LABEL = "topology.kubernetes.io/zone"

_STORAGE_CLASS: Mapping[str, Any] = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "provisioner": "kubernetes.io/host-path",
    "reclaimPolicy": "Delete",
    "volumeBindingMode": "Immediate",
}

# KWOK's own type, with its schema left open: only this package writes such objects.
_PORT_FORWARD: Mapping[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "portforwards.kwok.x-k8s.io"},
    "spec": {
        "group": "kwok.x-k8s.io",
        "names": {"kind": "PortForward", "listKind": "PortForwardList", "plural": "portforwards", "singular": "portforward"},
        "scope": "Namespaced",
        "versions": [{
            "name": "v1alpha1",
            "served": True,
            "storage": True,
            "subresources": {"status": {}},
            "schema": {"openAPIV3Schema": {
                "type": "object",
                "properties": {
                    "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                    "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                },
            }},
        }],
    },
}


def node(
    name: str, labels: Mapping[str, str], taints: Sequence[Mapping[str, str]], capacity: Mapping[str, str],
) -> Mapping[str, Any]:
    """A node as its kubelet would register it; KWOK then fills in its status."""
    standard = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {**standard, **labels}},
        "spec": {"taints": [dict(taint) for taint in taints]},
        "status": {"capacity": dict(capacity)} if capacity else {},
    }


def open_type(group: str, version: str, kind: str) -> str:
    """A kind of somebody else's, as a manifest, whose objects the API server takes as they are."""
    plural = f"{kind.lower()}s"
    return f"""
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: {plural}.{group}}}
spec:
  group: {group}
  scope: Namespaced
  names: {{kind: {kind}, listKind: {kind}List, plural: {plural}, singular: {kind.lower()}}}
  versions:
  - name: {version}
    served: true
    storage: true
    schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}
"""


def port_forward(namespace: str, pod: str, ports: Mapping[int, int]) -> Mapping[str, Any]:
    """Sends the fake pod's ports (keys) to ports of this machine (values)."""
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "PortForward",
        "metadata": {"name": pod, "namespace": namespace},
        "spec": {"forwards": [
            {"ports": [port], "target": {"address": "127.0.0.1", "port": local}} for port, local in ports.items()
        ]},
    }


def create_standard_objects(api: Api, nodes: int) -> None:
    """Make what is there from the beginning. Safe to repeat after an interruption."""
    create(api, "/apis/storage.k8s.io/v1/storageclasses", _STORAGE_CLASS)
    create(api, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", _PORT_FORWARD)
    for number in range(nodes):
        zone = f"zone-{'abc'[number % 3]}"
        create(api, "/api/v1/nodes", node(f"node-{number}", {ZONE_LABEL: zone}, (), {}))


def create(api: Api, path: str, body: Mapping[str, Any]) -> None:
    try:
        api.post(path, body)
    except ApiError as error:
        if error.status != 409:
            raise


def release_nodes(api: Api) -> None:
    """Let go the nodes that a fake kubelet held which is gone: the next one plays no pods of nodes that it had to wait for."""
    api.delete("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases")


def missing(api: Api, components: Sequence[str], nodes: int) -> str:
    """What a first pod would still have to wait for; empty when there is nothing."""
    checks: list[tuple[str, Callable[[], str]]] = []
    if "kube-controller-manager" in components:
        checks.append(("kube-controller-manager", lambda: _default_account(api)))
    if "kwok" in components:
        checks.append(("kwok", lambda: _unready_nodes(api, nodes, "kube-controller-manager" in components)))
    for component, check in checks:
        wanting = check()
        if wanting:
            return f"{component}: {wanting}"
    return ""


def is_ready(node_object: Mapping[str, Any], untainted: bool = True) -> bool:
    """Whether the node is Ready and, where the controllers run, its not-ready taints are gone."""
    conditions = node_object.get("status", {}).get("conditions", [])
    taints = node_object["spec"].get("taints", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions) and not (
        untainted and any(taint["key"].startswith("node.kubernetes.io/") for taint in taints)
    )


def _default_account(api: Api) -> str:
    try:
        api.get("/api/v1/namespaces/default/serviceaccounts/default")
    except ApiError as error:
        if error.status == 404:
            return "it has not made the default service account yet"
        raise
    return ""


def _unready_nodes(api: Api, nodes: int, untainted: bool) -> str:
    items = api.get("/api/v1/nodes")["items"]
    unready = [item["metadata"]["name"] for item in items if not is_ready(item, untainted)]
    if unready or len(items) < nodes:
        return f"nodes not ready yet: {', '.join(unready)}"
    return ""
