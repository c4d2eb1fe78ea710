"""``orphans -A`` over 20,000 claims, 16,000 pods and 2,000 sets in 50 namespaces, against fetching the same lists.

The peers are curl, one list after the other, as compact as the program gets them; ``kubectl get pvc,pods -A -o json``; and, as a row
of its own, popeye's scan of claims.
"""

import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.bench.estate import CLAIMS, NAMESPACES, SETS, Connection, bulk
from tests.bench.judges import Popeye
from tests.bench.lists import Goals, compare, environment
from tests.bench.measure import cost, spread
from tests.controlplane import ControlPlane

_ROUNDS = 3
_KINDS = 30

LISTS = (
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


#: As ratios to curl's: by the wall, of the server's processors; in MB.
_GOALS = Goals(walls=1.6, served=1.1, megabytes=150)


def run(plane: ControlPlane) -> None:
    """Print the figures of a control plane that is filled."""
    compare(plane, "orphans -A, candidates in every namespace", ["orphans", "-A"], LISTS, _GOALS)
    kubectl = cost(["kubectl", "get", "pvc,pods", "-A", "-o", "json"], environment(plane))
    print(f"  kubectl get pvc,pods     {kubectl.seconds:.3g} s, {kubectl.megabytes:.0f} MB")
    _with_custom_kinds(plane)
    _tidy(plane, keep=range(0, NAMESPACES, 10))
    compare(plane, "orphans -A, candidates in one namespace of ten", ["orphans", "-A"], LISTS, _GOALS)


def beside_popeye(plane: ControlPlane) -> None:
    """Print what it takes to judge the same claims."""
    ours = cost(["kubectl-pets", "orphans", "-A"], environment(plane))
    with tempfile.TemporaryDirectory() as folder:
        peer = Popeye(plane, Path(folder))
        popeye = cost(peer.command("score"), peer.environ)
    print("orphans -A beside popeye")
    print(f"  kubectl pets orphans -A  {ours.seconds:.3g} s, {ours.megabytes:.0f} MB")
    print(f"  popeye -A -s pvc         {popeye.seconds:.3g} s, {popeye.megabytes:.0f} MB")


def _with_custom_kinds(plane: ControlPlane) -> None:
    """The same cluster before and after it has custom kinds with an object in every namespace, none of which names a claim."""
    environ = environment(plane)
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
    connection = Connection(plane)
    for space in (f"ns-{each:02}" for each in range(NAMESPACES)):
        body = {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": "thing", "annotations": bulk(6)}, "spec": {"claim": "none"}}
        connection.send("POST", f"/apis/{group}/v1/namespaces/{space}/{plural}", body)
    connection.close()


def _tidy(plane: ControlPlane, keep: range) -> None:
    """Leave candidates in the namespaces ``keep`` only, by scaling the sets of the others to all their claims."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: _scale_namespace(plane, number), set(range(NAMESPACES)) - set(keep)))


def _scale_namespace(plane: ControlPlane, number: int) -> None:
    connection = Connection(plane)
    for index in range(SETS):
        path = f"/apis/apps/v1/namespaces/ns-{number:02}/statefulsets/db-{index:02}/scale"
        body = {
            "apiVersion": "autoscaling/v1",
            "kind": "Scale",
            "metadata": {"name": f"db-{index:02}", "namespace": f"ns-{number:02}"},
            "spec": {"replicas": CLAIMS},
        }
        connection.send("PUT", path, body)
    connection.close()
