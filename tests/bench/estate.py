"""The big cluster that benchmarks look at: 2,000 sets in 50 namespaces with 16,000 pods, all well, and 20,000 claims, of which each
set has two more than it asks for. The control plane is etcd and the API server alone: nothing has to be controlled, and what is
filled in says what the controllers and kubelets would have said.
"""

import http.client
import json
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import yaml

from tests.controlplane import ControlPlane

NAMESPACES, SETS, PODS, CLAIMS = 50, 40, 8, 10


def token(plane: ControlPlane) -> str:
    """The administrator's."""
    config = yaml.safe_load(plane.kubeconfig.read_text(encoding="utf-8"))
    return str(config["users"][0]["user"]["token"])


class Connection:
    """One kept-alive connection of one thread."""

    def __init__(self, plane: ControlPlane) -> None:
        context = ssl.create_default_context(cafile=str(plane.ca_file))
        host, _, port = plane.server.removeprefix("https://").partition(":")
        self._connection = http.client.HTTPSConnection(host, int(port), context=context, timeout=60)
        self._headers = {"Authorization": f"Bearer {token(plane)}", "User-Agent": "fill"}

    def send(self, method: str, path: str, body: Any = None, *, kind: str = "application/json") -> Any:
        """What the server answers; that there is such an object already is no error."""
        content = json.dumps(body) if body is not None else None
        self._connection.request(method, path, content, {**self._headers, "Content-Type": kind})
        response = self._connection.getresponse()
        answer = response.read()
        if response.status >= 300 and response.status != 409:
            raise SystemExit(f"bench: {method} {path}: {response.status} {answer[:300]!r}")
        return json.loads(answer)

    def close(self) -> None:
        self._connection.close()


def fill(plane: ControlPlane) -> None:
    """All of it."""
    start = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: _fill_namespace(plane, number), range(NAMESPACES)))
    print(f"  filled in {time.monotonic() - start:.0f} s")


def _fill_namespace(plane: ControlPlane, number: int) -> None:
    connection = Connection(plane)
    space = f"ns-{number:02}"
    connection.send("POST", "/api/v1/namespaces", {"metadata": {"name": space}})
    for index in range(SETS):
        _fill_set(connection, space, f"db-{index:02}")
    connection.close()


def _fill_set(connection: Connection, space: str, name: str) -> None:
    apps, core = f"/apis/apps/v1/namespaces/{space}", f"/api/v1/namespaces/{space}"
    labels = {"app.kubernetes.io/name": "database", "app.kubernetes.io/instance": name}
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}}
    template = {"metadata": {"labels": labels}, "spec": {**_pod_spec(name, 0), "volumes": []}}
    spec = {
        "serviceName": name,
        "replicas": PODS,
        "selector": {"matchLabels": labels},
        "template": template,
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim}],
    }
    made = _create(connection, f"{apps}/statefulsets", {"name": name, "labels": labels}, {"spec": spec})
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": name, "uid": made["metadata"]["uid"], "controller": True}
    revision = f"{name}-0"
    meta = {"name": revision, "labels": labels, "ownerReferences": [owner]}
    _create(connection, f"{apps}/controllerrevisions", meta, {"revision": 1, "data": {"spec": {"template": template}}})
    for ordinal in range(CLAIMS):
        meta = {"name": f"data-{name}-{ordinal}", "labels": labels, "annotations": bulk(6)}
        _create(connection, f"{core}/persistentvolumeclaims", meta, {"spec": claim})
    for ordinal in range(PODS):
        pod = f"{name}-{ordinal}"
        own = {**labels, "controller-revision-hash": revision, "statefulset.kubernetes.io/pod-name": pod}
        meta = {"name": pod, "labels": own, "annotations": bulk(10), "ownerReferences": [owner]}
        _create(connection, f"{core}/pods", meta, {"spec": {**_pod_spec(name, ordinal), "nodeName": f"node-{ordinal}"}})
        _say(connection, f"{core}/pods/{pod}", _pod_status())
    counters = dict.fromkeys(("replicas", "readyReplicas", "availableReplicas", "currentReplicas", "updatedReplicas"), PODS)
    revisions = {"currentRevision": revision, "updateRevision": revision, "observedGeneration": 1}
    _say(connection, f"{apps}/statefulsets/{name}", {**counters, **revisions})


def _create(connection: Connection, path: str, meta: dict[str, Any], rest: dict[str, Any]) -> Any:
    return connection.send("POST", f"{path}?fieldManager=kube-controller-manager", {"metadata": meta, **rest})


def _say(connection: Connection, path: str, status: dict[str, Any]) -> None:
    connection.send("PATCH", f"{path}/status?fieldManager=kubelet", {"status": status}, kind=MERGE)


#: The content type of a merge patch.
MERGE = "application/merge-patch+json"


def _pod_status() -> dict[str, Any]:
    """Up for an hour."""
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3600))
    kinds = ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    container = {
        "name": "database",
        "image": "database:16.4",
        "imageID": "sha256:" + "0" * 64,
        "containerID": "containerd://" + "0" * 64,
        "ready": True,
        "started": True,
        "restartCount": 0,
        "state": {"running": {"startedAt": since}},
    }
    return {
        "phase": "Running",
        "startTime": since,
        "conditions": [{"type": kind, "status": "True", "lastTransitionTime": since} for kind in kinds],
        "containerStatuses": [container],
    }


def _pod_spec(name: str, ordinal: int) -> dict[str, Any]:
    variables = [{"name": f"SETTING_{index}", "value": f"value of setting {index}"} for index in range(20)]
    container = {
        "name": "database",
        "image": "database:16.4",
        "env": variables,
        "ports": [{"containerPort": 5432, "name": "sql"}],
        "resources": {"requests": {"cpu": "1", "memory": "4Gi"}},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": f"data-{name}-{ordinal}"}}
    return {"containers": [container], "volumes": [volume], "terminationGracePeriodSeconds": 30}


def bulk(lines: int) -> dict[str, str]:
    """Annotations as real objects carry them: most of a list's bytes are of no interest."""
    return {f"example.org/note-{index}": "n" * 80 for index in range(lines)}
