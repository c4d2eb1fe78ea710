"""What a cluster with a real node has besides: the cluster's DNS as pods, and the API server as pods reach it."""

from __future__ import annotations

import json

import yaml

from tests.controlplane.dns import STANDARD_LABELS, corefile
from tests.node.images import REGISTRY
from tests.node.settings import CLUSTER_DNS

DNS_REPLICAS = 2

_CLUSTER = "rbac.authorization.k8s.io"
_PORTS = [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53, "protocol": "TCP"}]

# As in CoreDNS' own deployment manifests, but for what its binary is built without.
_DOCUMENTS = [
    {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "coredns", "namespace": "kube-system"}},
    {
        "apiVersion": f"{_CLUSTER}/v1", "kind": "ClusterRole", "metadata": {"name": "system:coredns"},
        "rules": [
            {"apiGroups": [""], "resources": ["endpoints", "services", "pods", "namespaces"], "verbs": ["list", "watch"]},
            {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
        ],
    },
    {
        "apiVersion": f"{_CLUSTER}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "system:coredns"},
        "roleRef": {"apiGroup": _CLUSTER, "kind": "ClusterRole", "name": "system:coredns"},
        "subjects": [{"kind": "ServiceAccount", "name": "coredns", "namespace": "kube-system"}],
    },
    {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "coredns", "namespace": "kube-system"},
        "data": {"Corefile": corefile().replace("    errors\n", "    errors\n    ready\n")},
    },
    {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "kube-dns", "namespace": "kube-system", "labels": dict(STANDARD_LABELS)},
        "spec": {"clusterIP": CLUSTER_DNS, "selector": dict(STANDARD_LABELS), "ports": _PORTS},
    },
    {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "coredns", "namespace": "kube-system"},
        "spec": {
            "replicas": DNS_REPLICAS, "selector": {"matchLabels": dict(STANDARD_LABELS)},
            "template": {"metadata": {"labels": dict(STANDARD_LABELS)}, "spec": {
                "serviceAccountName": "coredns", "dnsPolicy": "Default",
                "volumes": [{"name": "config-volume", "configMap": {"name": "coredns", "items": [{"key": "Corefile", "path": "Corefile"}]}}],
                "containers": [{
                    "name": "coredns", "image": f"{REGISTRY}/coredns:1", "imagePullPolicy": "Never", "args": ["-conf", "/etc/coredns/Corefile"],
                    "volumeMounts": [{"name": "config-volume", "mountPath": "/etc/coredns", "readOnly": True}],
                    "ports": [{"name": port["name"], "containerPort": 53, "protocol": port["protocol"]} for port in _PORTS],
                    "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
                }],
            }},
        },
    },
]

OBJECTS = yaml.safe_dump_all(_DOCUMENTS)


def api_server(address: str, port: int) -> str:
    """The endpoint of the service `kubernetes`, which the API server is told not to write itself."""
    return json.dumps({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "kubernetes", "namespace": "default", "labels": {"kubernetes.io/service-name": "kubernetes"}},
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
    })
