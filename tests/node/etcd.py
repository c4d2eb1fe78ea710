"""A real etcd of three members on the node: a database that needs its quorum, and finds its peers by the pods' names."""

from __future__ import annotations

import base64
import json
import secrets

import yaml

from tests.controlplane import ControlPlane
from tests.node.images import REGISTRY

_START = """\
me=$HOSTNAME.etcd.$NAMESPACE.svc.cluster.local
for i in 0 1 2; do all=$all,etcd-$i=http://etcd-$i.etcd.$NAMESPACE.svc.cluster.local:2380; done
exec etcd --name $HOSTNAME --data-dir /data/etcd --unsafe-no-fsync --heartbeat-interval 300 --election-timeout 3000 --log-level warn \
  --listen-client-urls http://0.0.0.0:2379 --advertise-client-urls http://$me:2379 --listen-peer-urls http://0.0.0.0:2380 \
  --initial-advertise-peer-urls http://$me:2380 --initial-cluster-token $NAMESPACE --initial-cluster ${all#,}
"""

_CONTAINER = {
    "name": "etcd", "image": f"{REGISTRY}/etcd:1", "imagePullPolicy": "Never", "command": ["sh", "-c", _START],
    "env": [{"name": "NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}],
    "ports": [{"name": "client", "containerPort": 2379}, {"name": "peer", "containerPort": 2380}],
    "readinessProbe": {"httpGet": {"path": "/readyz", "port": 2379}, "periodSeconds": 2, "timeoutSeconds": 3},
    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
}

#: The set, its headless service and its budget. Images `etcd:1` to `etcd:3` are the same etcd, so a rollout has where to go.
ETCD = yaml.safe_dump_all([
    {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "etcd"},
        # Peers have to find each other before any of them is ready.
        "spec": {
            "clusterIP": "None", "publishNotReadyAddresses": True, "selector": {"app": "etcd"},
            "ports": [{"name": "client", "port": 2379}, {"name": "peer", "port": 2380}],
        },
    },
    {
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "etcd"},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "etcd"}}},
    },
    {
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "etcd"},
        "spec": {
            "serviceName": "etcd", "replicas": 3, "podManagementPolicy": "Parallel", "selector": {"matchLabels": {"app": "etcd"}},
            "template": {"metadata": {"labels": {"app": "etcd"}}, "spec": {"terminationGracePeriodSeconds": 10, "containers": [_CONTAINER]}},
            "volumeClaimTemplates": [{
                "metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
            }],
        },
    },
])


def put(plane: ControlPlane, namespace: str, pod: str, key: str, value: str) -> bool:
    """Whether a write through that member was taken by the quorum: etcd's JSON gateway, asked from inside the pod."""
    body = json.dumps({"key": _coded(key), "value": _coded(value)})
    command = ["timeout", "5", "wget", "-q", "-O", "-", "--post-data", body, "http://127.0.0.1:2379/v3/kv/put"]
    done = plane.kubectl("exec", pod, "-n", namespace, "--", *command, check=False)
    return done.returncode == 0 and "revision" in done.stdout


def single(storage_class: str, size: str) -> str:
    """A set `db` with one member alone, on a volume of that class, which has what it took on its disk before it says so."""
    start = "exec etcd --data-dir /data/etcd --log-level warn --listen-client-urls http://0.0.0.0:2379 --advertise-client-urls http://db-0.db:2379"
    container = {**_CONTAINER, "command": ["sh", "-c", start]}
    template = {"metadata": {"labels": {"app": "db"}}, "spec": {"terminationGracePeriodSeconds": 10, "containers": [container]}}
    claim = {"accessModes": ["ReadWriteOnce"], "storageClassName": storage_class, "resources": {"requests": {"storage": size}}}
    return yaml.safe_dump_all([
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "db"}, "spec": {"clusterIP": "None", "selector": {"app": "db"}}},
        {
            "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"},
            "spec": {
                "serviceName": "db", "selector": {"matchLabels": {"app": "db"}}, "template": template,
                "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim}],
            },
        },
    ])


def written(plane: ControlPlane, namespace: str, pod: str) -> int:
    """How many of a load's writes that member has."""
    body = json.dumps({"key": _coded("load-"), "range_end": _coded("load."), "count_only": True})
    command = ["wget", "-q", "-O", "-", "--post-data", body, "http://127.0.0.1:2379/v3/kv/range"]
    return int(json.loads(plane.kubectl("exec", pod, "-n", namespace, "--", *command).stdout).get("count", 0))


# As a client library does it: each member is asked in turn until one takes the write.
_WRITE = """\
writes=0; failed=0
while [ ! -f /tmp/stop ]; do
  writes=$((writes + 1)); taken=; key=$(printf load-%d $writes | base64)
  for member in $MEMBERS; do
    timeout 2 wget -q -O /dev/null --post-data '{"key": "'$key'", "value": "'$key'"}' http://$member:2379/v3/kv/put 2>/dev/null && { taken=1; break; }
  done
  [ $taken ] || failed=$((failed + 1))
  sleep 0.1
done
echo $writes $failed
"""


class Load:
    """Somebody who writes all the time, a key of its own each time, from a pod of its own, for as long as the block lasts; then it is
    known how many writes there were and how many no member took."""

    def __init__(self, plane: ControlPlane, namespace: str, *members: str) -> None:
        """``members``: by their names; those of ETCD unless others are given."""
        self._plane, self._namespace = plane, namespace
        self._members = members or tuple(f"etcd-{number}.etcd" for number in range(3))
        self._pod = f"load-{secrets.token_hex(4)}"
        self.writes = self.failed = 0

    def __enter__(self) -> "Load":
        container: dict[str, object] = {"name": "load", "image": f"{REGISTRY}/app:1", "imagePullPolicy": "Never", "command": ["sh", "-c", _WRITE]}
        container["env"] = [{"name": "MEMBERS", "value": " ".join(self._members)}]
        spec = {"restartPolicy": "Never", "containers": [container]}
        self._plane.apply(json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": self._pod}, "spec": spec}), self._namespace)
        self._plane.kubectl("wait", "--for=condition=Ready", f"pod/{self._pod}", "-n", self._namespace, "--timeout=60s")
        return self

    def __exit__(self, *exc: object) -> None:
        self._plane.kubectl("exec", self._pod, "-n", self._namespace, "--", "touch", "/tmp/stop")
        ended = "jsonpath={.status.phase}=Succeeded"
        self._plane.kubectl("wait", f"--for={ended}", f"pod/{self._pod}", "-n", self._namespace, "--timeout=60s")
        told = self._plane.kubectl("logs", self._pod, "-n", self._namespace).stdout.split()
        self.writes, self.failed = int(told[0]), int(told[1])


def _coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
