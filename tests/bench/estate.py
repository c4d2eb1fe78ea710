"""The big cluster that benchmarks look at: 2,000 sets in 50 namespaces with 16,000 pods, all well, and 20,000 claims, of which each
set has two more than it asks for. The control plane is etcd and the API server alone: nothing has to be controlled, and what is
filled in says what the controllers and kubelets would have said.

One set is made through the API, with all that belongs to it; the others are copies of it, with names and uids of their own, that are
written to etcd as they are: tens of thousands of requests would take minutes of every run.
"""

import base64
import http.client
import json
import ssl
import time
import uuid
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

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


def fill(plane: ControlPlane, namespaces: int = NAMESPACES, sets: int = SETS, pods: int = PODS) -> None:
    """All of it."""
    start = time.monotonic()
    connection = Connection(plane)
    spaces = [f"ns-{number:02}" for number in range(namespaces)]
    for space in spaces:
        connection.send("POST", "/api/v1/namespaces", {"metadata": {"name": space}})
    fill_set(connection, spaces[0], _FIRST, pods)
    made = [(plural, item) for plural, path, head in _KINDS for item in _items(connection, f"{path}/namespaces/{spaces[0]}/{plural}", head)]
    connection.close()  # it is opened anew when it is used again: writing may take longer than a server keeps one
    names = [f"db-{index:02}" for index in range(sets)]
    write(plane, (copy for space in spaces for name in names if (space, name) != (spaces[0], _FIRST) for copy in _copies(made, spaces[0], space, name)))
    write(plane, _nodes(connection, max(pods, namespaces * sets * pods // _PODS_A_NODE)))
    wanted = namespaces * sets * pods
    while (there := _count(connection)) < wanted:  # the API server's cache follows etcd
        if time.monotonic() - start > _PATIENCE:
            raise SystemExit(f"bench: {there} of {wanted} pods are there")
        time.sleep(0.2)
    connection.close()
    print(f"  filled with {namespaces * sets:,} sets and {wanted:,} pods in {time.monotonic() - start:.0f} s", flush=True)


#: The set that is copied, and what belongs to it.
_FIRST = "db-00"
_KINDS = (
    ("statefulsets", "/apis/apps/v1", {"apiVersion": "apps/v1", "kind": "StatefulSet"}),
    ("controllerrevisions", "/apis/apps/v1", {"apiVersion": "apps/v1", "kind": "ControllerRevision"}),
    ("persistentvolumeclaims", "/api/v1", {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}),
    ("pods", "/api/v1", {"apiVersion": "v1", "kind": "Pod"}),
)

#: Of one transaction: etcd's --max-txn-ops is 128, and a request no more than 1.5 MiB.
_AT_ONCE = 100
_PATIENCE = 300.0

#: Kubernetes is made for at most 110; 16,000 pods are 400 nodes.
_PODS_A_NODE = 40


def _items(connection: Connection, path: str, head: dict[str, str]) -> Iterator[dict[str, Any]]:
    """As they are stored."""
    for item in connection.send("GET", path)["items"]:
        del item["metadata"]["resourceVersion"]
        yield {**head, **item}


def _nodes(connection: Connection, count: int) -> Iterator[tuple[str, str]]:
    """Keys and values of the nodes that pods are on, and of the others of such a cluster: without its node no pod serves."""
    first = f"node-{count}"
    node = {"metadata": {"name": first, "annotations": bulk(4)}, "spec": {"podCIDR": "10.0.0.0/24"}}
    connection.send("POST", "/api/v1/nodes", node)
    images = [{"names": [f"registry.example.org/image-{index}@sha256:{'0' * 64}"], "sizeBytes": 10**8} for index in range(50)]
    status = {"conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}], "images": images}
    _say(connection, f"/api/v1/nodes/{first}", status)
    made = connection.send("GET", f"/api/v1/nodes/{first}")
    del made["metadata"]["resourceVersion"]
    for number in range(count):
        meta = {**made["metadata"], "name": f"node-{number}", "uid": str(uuid.uuid4())}
        yield f"/registry/minions/node-{number}", json.dumps({**made, "metadata": meta}, separators=(",", ":"))


def _copies(made: Iterable[tuple[str, dict[str, Any]]], first: str, space: str, name: str) -> Iterator[tuple[str, str]]:
    """Keys and values of one more set in etcd."""
    uids: dict[str, str] = {}
    for plural, item in made:
        uid = item["metadata"]["uid"]
        uids.setdefault(uid, str(uuid.uuid4()))
        text = json.dumps(item, separators=(",", ":"))
        for old, new in uids.items():
            text = text.replace(old, new)
        text = text.replace(_FIRST, name).replace(first, space)
        yield f"/registry/{plural}/{space}/{item['metadata']['name'].replace(_FIRST, name)}", text


def write(plane: ControlPlane, pairs: Iterable[tuple[str, str]], *, gone: Iterable[str] = ()) -> None:
    """Keys and values, and the keys that go, by etcd's JSON gateway (etcd Documentation, dev-guide/api_grpc_gateway)."""
    connection = http.client.HTTPConnection(urlsplit(plane.etcd).netloc, timeout=60)
    waiting: list[dict[str, Any]] = []
    puts = ({"requestPut": {"key": _encoded(key), "value": _encoded(value)}} for key, value in pairs)
    for operation in chain(puts, ({"requestDeleteRange": {"key": _encoded(key)}} for key in gone)):
        waiting.append(operation)
        if len(waiting) == _AT_ONCE:
            _commit(connection, waiting)
            waiting = []
    if waiting:
        _commit(connection, waiting)
    connection.close()


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _commit(connection: http.client.HTTPConnection, operations: list[dict[str, Any]]) -> None:
    connection.request("POST", "/v3/kv/txn", json.dumps({"success": operations}), {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer = response.read()
    if response.status != 200:
        raise SystemExit(f"bench: etcd: {response.status} {answer[:300]!r}")


def _count(connection: Connection) -> int:
    """How many pods the API server knows of."""
    listed = connection.send("GET", "/api/v1/pods?limit=1")
    return len(listed["items"]) + int(listed["metadata"].get("remainingItemCount", 0))


def fill_set(connection: Connection, space: str, name: str, pods: int) -> None:
    """One set, all well, and what belongs to it."""
    apps, core = f"/apis/apps/v1/namespaces/{space}", f"/api/v1/namespaces/{space}"
    labels = {"app.kubernetes.io/name": "database", "app.kubernetes.io/instance": name}
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}}
    template = {"metadata": {"labels": labels}, "spec": {**_pod_spec(name, 0), "volumes": []}}
    spec = {
        "serviceName": name,
        "replicas": pods,
        "selector": {"matchLabels": labels},
        "template": template,
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim}],
    }
    made = _create(connection, f"{apps}/statefulsets", {"name": name, "labels": labels}, {"spec": spec})
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": name, "uid": made["metadata"]["uid"], "controller": True}
    revision = f"{name}-0"
    meta = {"name": revision, "labels": labels, "ownerReferences": [owner]}
    _create(connection, f"{apps}/controllerrevisions", meta, {"revision": 1, "data": {"spec": {"template": template}}})
    for ordinal in range(pods + CLAIMS - PODS):
        meta = {"name": f"data-{name}-{ordinal}", "labels": labels, "annotations": bulk(6)}
        _create(connection, f"{core}/persistentvolumeclaims", meta, {"spec": claim})
    for ordinal in range(pods):
        pod = f"{name}-{ordinal}"
        own = {**labels, "controller-revision-hash": revision, "statefulset.kubernetes.io/pod-name": pod}
        meta = {"name": pod, "labels": own, "annotations": bulk(10), "ownerReferences": [owner]}
        _create(connection, f"{core}/pods", meta, {"spec": {**_pod_spec(name, ordinal), "nodeName": f"node-{ordinal}"}})
        _say(connection, f"{core}/pods/{pod}", _pod_status())
    counters = dict.fromkeys(("replicas", "readyReplicas", "availableReplicas", "currentReplicas", "updatedReplicas"), pods)
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
