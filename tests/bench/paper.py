"""A million replicas on paper: somebody has typed a number, eight pods are there, and no verb may take longer for it.

Beside each verb stands the same one about a set that asks for the eight pods that it has. The difference is of the processors: of
the wall nobody would see it.
"""

import os
import statistics
from collections.abc import Sequence

from tests.bench.estate import MERGE, PODS, Connection, fill_set
from tests.bench.measure import Cost, as_installed, cost, spread
from tests.controlplane import ControlPlane

_REPLICAS = 1_000_000
_ROUNDS = 5
_PLAIN, _PAPER = "plain", "paper"

#: Nothing is wrong in one of the namespaces, and much is missing in the other.
_CODES = (0, 3, 4, 6, 7)

_VERBS: tuple[tuple[str, ...], ...] = (
    ("status", "db"),
    ("status", "db", "-o", "json"),
    ("list",),
    ("quorum", "db"),
    ("partition", "db"),
    ("scale", "db", "--replicas", "4", "--plan"),
)


def run(plane: ControlPlane) -> None:
    """Make both sets, and print the figures."""
    connection = Connection(plane)
    for space in (_PLAIN, _PAPER):
        connection.send("POST", "/api/v1/namespaces", {"metadata": {"name": space}})
        fill_set(connection, space, "db", PODS)
    path = f"/apis/apps/v1/namespaces/{_PAPER}/statefulsets/db"
    made = connection.send("PATCH", path, {"spec": {"replicas": _REPLICAS}}, kind=MERGE)
    connection.send("PATCH", f"{path}/status", {"status": {"observedGeneration": made["metadata"]["generation"]}}, kind=MERGE)
    connection.close()
    environ = as_installed({**os.environ, "KUBECONFIG": str(plane.kubeconfig)}, plane.directory / "bytecode")
    print(f"{_REPLICAS:,} replicas on paper, beside a set of {PODS} that has as many pods; of the processors")
    for words in _VERBS:
        _beside(words, environ)


def _beside(words: Sequence[str], environ: dict[str, str]) -> None:
    """In turn, so that both meet the same weather."""
    costs: dict[str, list[Cost]] = {_PLAIN: [], _PAPER: []}
    for turn in range(_ROUNDS + 1):
        for space, found in costs.items():
            taken = cost(["kubectl-pets", *words, "-n", space], environ, codes=_CODES)
            if turn:  # the first only compiles
                found.append(taken)
    plain, paper = ([each.busy for each in costs[space]] for space in (_PLAIN, _PAPER))
    more = statistics.median(paper) - statistics.median(plain)
    memory = max(each.megabytes for each in costs[_PAPER])
    print(f"  {' '.join(words):<26} {spread(paper)} s, {memory:.0f} MB; {more:+.2f} s to {statistics.median(plain):.2f} s (goal < 0.5 more)", flush=True)
