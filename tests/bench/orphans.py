"""``orphans -A`` over 20,000 claims, 16,000 pods and 2,000 sets in 50 namespaces, against fetching the same lists.

The peers are curl, one list after the other, ``kubectl get pvc,pods -A -o json``, and popeye's scan of claims. The control plane is etcd and the API server
alone: nothing has to be controlled, and the fill below says what the controllers would have said.
"""

import http.client
import json
import os
import ssl
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from tests.bench.judges import Popeye
from tests.bench.measure import as_installed, cost, spread
from tests.controlplane import ControlPlane

_NAMESPACES, _SETS, _PODS, _CLAIMS = 50, 40, 8, 10
_ROUNDS = 3
_KINDS = 30
_LISTS = (
    "/api/v1/persistentvolumeclaims",
    "/apis/apps/v1/statefulsets",
    "/api/v1/pods",
    "/apis/apps/v1/deployments",
    "/apis/apps/v1/replicasets",
    "/apis/apps/v1/daemonsets",
    "/apis/apps/v1/controllerrevisions",
    "/api/v1/replicationcontrollers",
    "/apis/batch/v1/jobs",
    "/apis/batch/v1/cronjobs",
    "/apis/autoscaling/v2/horizontalpodautoscalers",
    "/api/v1/persistentvolumes",
)


def run(plane: ControlPlane) -> None:
    """Fill the control plane and print the figures."""
    start = time.monotonic()
    fill(plane)
    print(f"  filled in {time.monotonic() - start:.0f} s")
    _compare(plane, "candidates in every namespace")
    _with_custom_kinds(plane)
    _tidy(plane, keep=range(0, _NAMESPACES, 10))
    _compare(plane, "candidates in one namespace of ten")


def _compare(plane: ControlPlane, title: str) -> None:
    environ = as_installed({**os.environ, "KUBECONFIG": str(plane.kubeconfig)}, plane.directory / "bytecode")
    cost(["kubectl-pets", "orphans", "-n", "ns-00"], environ)  # only compiles
    bearer = token(plane)
    fetch = "".join(
        f"curl -sS --fail --cacert {plane.ca_file} -H 'Authorization: Bearer {bearer}' {plane.server}{path} -o /dev/null && "
        for path in _LISTS
    )
    print(f"orphans -A, {title}")
    ours, curl = [], []
    for _ in range(_ROUNDS):
        curl.append(cost(["sh", "-c", fetch + "true"]))
        ours.append(cost(["kubectl-pets", "orphans", "-A"], environ))
    kubectl = cost(["kubectl", "get", "pvc,pods", "-A", "-o", "json"], environ)
    with tempfile.TemporaryDirectory() as folder:
        peer = Popeye(plane, Path(folder))
        popeye = cost(peer.command("score"), peer.environ)
    ratios = [mine.seconds / other.seconds for mine, other in zip(ours, curl, strict=True)]
    print(f"  kubectl pets orphans -A  {spread([each.seconds for each in ours])} s, {max(each.megabytes for each in ours):.0f} MB")
    print(f"  curl of the same lists   {spread([each.seconds for each in curl])} s")
    print(f"  kubectl get pvc,pods     {kubectl.seconds:.3g} s, {kubectl.megabytes:.0f} MB")
    print(f"  popeye -A -s pvc         {popeye.seconds:.3g} s, {popeye.megabytes:.0f} MB")
    print(f"  to curl                  {spread(ratios)} (goal <= 1.3)")
    print(f"  to kubectl               {min(each.seconds for each in ours) / kubectl.seconds:.3f} (goal <= 0.2)")
    print(f"  peak memory              {max(each.megabytes for each in ours):.0f} MB (goal <= 200)")


def _with_custom_kinds(plane: ControlPlane) -> None:
    """The same cluster before and after it has custom kinds with an object in every namespace, none of which names a claim."""
    environ = as_installed({**os.environ, "KUBECONFIG": str(plane.kubeconfig)}, plane.directory / "bytecode")
    before = [cost(["kubectl-pets", "orphans", "-A"], environ) for _ in range(_ROUNDS)]
    for number in range(_KINDS):
        _install(plane, number)
    after = [cost(["kubectl-pets", "orphans", "-A"], environ) for _ in range(_ROUNDS)]
    ratios = [mine.seconds / other.seconds for mine, other in zip(after, before, strict=True)]
    print(f"orphans -A, {_KINDS} custom kinds in the cluster")
    print(f"  kubectl pets orphans -A  {spread([each.seconds for each in after])} s, {max(each.megabytes for each in after):.0f} MB")
    print(f"  to the same without      {spread(ratios)} (goal <= 1.2)")


def _install(plane: ControlPlane, number: int) -> None:
    """One kind, with an object in every namespace."""
    group, plural, kind = "example.org", f"things{number}", f"Thing{number}"
    names = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "names": names, "scope": "Namespaced", "versions": [version]},
    }
    plane.kubectl("create", "-f", "-", input=json.dumps(definition))
    plane.kubectl("wait", "--for=condition=Established", f"crd/{plural}.{group}", "--timeout=60s")
    connection = _Connection(plane)
    for space in (f"ns-{each:02}" for each in range(_NAMESPACES)):
        body = {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": "thing", "annotations": _bulk(6)}, "spec": {"claim": "none"}}
        connection.send("POST", f"/apis/{group}/v1/namespaces/{space}/{plural}", body)
    connection.close()


def token(plane: ControlPlane) -> str:
    """The administrator's."""
    config = yaml.safe_load(plane.kubeconfig.read_text(encoding="utf-8"))
    return str(config["users"][0]["user"]["token"])


class _Connection:
    """One kept-alive connection of one thread."""

    def __init__(self, plane: ControlPlane) -> None:
        context = ssl.create_default_context(cafile=str(plane.ca_file))
        host, _, port = plane.server.removeprefix("https://").partition(":")
        self._connection = http.client.HTTPSConnection(host, int(port), context=context, timeout=60)
        self._headers = {"Authorization": f"Bearer {token(plane)}", "Content-Type": "application/json", "User-Agent": "fill"}

    def send(self, method: str, path: str, body: Any = None) -> None:
        self._connection.request(method, path, json.dumps(body) if body is not None else None, self._headers)
        response = self._connection.getresponse()
        answer = response.read()
        if response.status >= 300 and response.status != 409:
            raise SystemExit(f"bench: {method} {path}: {response.status} {answer[:300]!r}")

    def close(self) -> None:
        self._connection.close()


def fill(plane: ControlPlane) -> None:
    """The 2,000 sets with all that is of them, in 50 namespaces."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: _fill_namespace(plane, number), range(_NAMESPACES)))


def _fill_namespace(plane: ControlPlane, number: int) -> None:
    connection = _Connection(plane)
    space = f"ns-{number:02}"
    connection.send("POST", "/api/v1/namespaces", {"metadata": {"name": space}})
    for path, body in _objects(space):
        connection.send("POST", f"{path}?fieldManager=kube-controller-manager", body)
    connection.close()


def _tidy(plane: ControlPlane, keep: range) -> None:
    """Leave candidates in the namespaces ``keep`` only, by scaling the sets of the others to all their claims."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: _scale_namespace(plane, number), set(range(_NAMESPACES)) - set(keep)))


def _scale_namespace(plane: ControlPlane, number: int) -> None:
    connection = _Connection(plane)
    for index in range(_SETS):
        path = f"/apis/apps/v1/namespaces/ns-{number:02}/statefulsets/db-{index:02}/scale"
        body = {
            "apiVersion": "autoscaling/v1",
            "kind": "Scale",
            "metadata": {"name": f"db-{index:02}", "namespace": f"ns-{number:02}"},
            "spec": {"replicas": _CLAIMS},
        }
        connection.send("PUT", path, body)
    connection.close()


def _objects(space: str) -> Iterator[tuple[str, Any]]:
    for index in range(_SETS):
        name = f"db-{index:02}"
        labels = {"app.kubernetes.io/name": "database", "app.kubernetes.io/instance": name}
        spec = _pod_spec(name, 0)
        claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}}
        yield (
            f"/apis/apps/v1/namespaces/{space}/statefulsets",
            {
                "metadata": {"name": name, "labels": labels},
                "spec": {
                    "serviceName": name,
                    "replicas": _PODS,
                    "selector": {"matchLabels": labels},
                    "template": {"metadata": {"labels": labels}, "spec": {**spec, "volumes": []}},
                    "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim}],
                },
            },
        )
        for ordinal in range(_CLAIMS):
            meta = {"name": f"data-{name}-{ordinal}", "labels": labels, "annotations": _bulk(6)}
            yield f"/api/v1/namespaces/{space}/persistentvolumeclaims", {"metadata": meta, "spec": claim}
        for ordinal in range(_PODS):
            meta = {"name": f"{name}-{ordinal}", "labels": labels, "annotations": _bulk(10)}
            yield f"/api/v1/namespaces/{space}/pods", {"metadata": meta, "spec": _pod_spec(name, ordinal)}


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


def _bulk(lines: int) -> dict[str, str]:
    """Annotations as real objects carry them: most of a list's bytes are of no interest."""
    return {f"example.org/note-{index}": "n" * 80 for index in range(lines)}
