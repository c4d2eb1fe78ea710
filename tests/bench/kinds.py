"""``list -A`` where a quarter of the sets are OpenKruise's, against itself where all of them are of apps/v1: the same 2,000 sets and
16,000 pods, before and after. It comes last, for it changes the cluster that the others look at.
"""

import json
import statistics
from collections.abc import Iterator
from typing import Any

from tests.bench.estate import NAMESPACES, PODS, SETS, Connection, write
from tests.bench.lists import environment
from tests.bench.measure import Cost, cost, spread
from tests.controlplane import ControlPlane
from tests.controlplane.objects import open_type

_ROUNDS = 5

#: Every so manieth set of a namespace becomes OpenKruise's.
_EACH = 4

_GOAL = 1.1

_GROUP, _SERVED = "apps.kruise.io", "v1beta1"
_VERSION = f"{_GROUP}/{_SERVED}"


def run(plane: ControlPlane) -> None:
    environ = environment(plane)
    words = ["kubectl-pets", "list", "-A"]
    cost(words, environ)  # compiles, and fills the server's caches
    before = [cost(words, environ) for _ in range(_ROUNDS)]
    plane.apply(open_type(_GROUP, _SERVED, "StatefulSet"))
    plane.kubectl("wait", "--for=condition=Established", "crd/statefulsets.apps.kruise.io", "--timeout=60s")
    connection = Connection(plane)
    taken = {f"db-{index:02}" for index in range(0, SETS, _EACH)}
    for space in (f"ns-{number:02}" for number in range(NAMESPACES)):
        write(plane, _moved(connection, space, taken), gone=(f"/registry/statefulsets/{space}/{name}" for name in sorted(taken)))
    connection.close()
    theirs, ours = _number(plane, "statefulsets.apps.kruise.io"), _number(plane, "statefulsets.apps")
    if (theirs, ours) != (NAMESPACES * len(taken), NAMESPACES * (SETS - len(taken))):
        raise SystemExit(f"bench: {theirs} sets of OpenKruise are there, and {ours} of apps/v1")
    cost(words, environ)
    after = [cost(words, environ) for _ in range(_ROUNDS)]
    print(f"list -A, {theirs + ours} sets of which {theirs} are OpenKruise's, {NAMESPACES * SETS * PODS} pods")
    for title, costs in (("all of apps/v1", before), ("with OpenKruise's", after)):
        print(f"  {title:<24} {spread([each.seconds for each in costs])} s; {_middle(costs):.2f} s of CPU")
    walls = statistics.median(each.seconds for each in after) / statistics.median(each.seconds for each in before)
    print(f"  to before, walls         {walls:.2f} (goal <= {_GOAL})")
    print(f"  to before, CPU           {_middle(after) / _middle(before):.2f}", flush=True)


def _number(plane: ControlPlane, resource: str) -> int:
    """By kubectl, which tries again while the server makes ready to store a kind that is new."""
    return len(plane.kubectl("get", resource, "-A", "-o", "name").stdout.split())


def _middle(costs: list[Cost]) -> float:
    return statistics.median(each.busy for each in costs)


def _moved(connection: Connection, space: str, taken: set[str]) -> Iterator[tuple[str, str]]:
    """Keys and values in etcd of these sets as OpenKruise's, and of what belongs to them."""
    for item in connection.send("GET", f"/apis/apps/v1/namespaces/{space}/statefulsets")["items"]:
        if item["metadata"]["name"] in taken:
            yield f"/registry/apps.kruise.io/statefulsets/{space}/{item['metadata']['name']}", _stored(item, _VERSION, "StatefulSet")
    for plural, path, version, kind in (
        ("controllerrevisions", "/apis/apps/v1", "apps/v1", "ControllerRevision"), ("pods", "/api/v1", "v1", "Pod"),
    ):
        for item in connection.send("GET", f"{path}/namespaces/{space}/{plural}")["items"]:
            (owner,) = item["metadata"]["ownerReferences"]
            if owner["name"] in taken:
                owner["apiVersion"] = _VERSION
                yield f"/registry/{plural}/{space}/{item['metadata']['name']}", _stored(item, version, kind)


def _stored(item: dict[str, Any], version: str, kind: str) -> str:
    del item["metadata"]["resourceVersion"]
    return json.dumps({"apiVersion": version, "kind": kind, **item}, separators=(",", ":"))
