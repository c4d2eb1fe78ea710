"""``doctor -A`` over the cluster that ``orphans`` is measured on, against ``orphans -A`` and ``list -A`` one after the other, and
against a whole scan of popeye's: it has all that both read to judge, and much that neither reads.
"""

import os
import tempfile
from pathlib import Path

from tests.bench.judges import Popeye
from tests.bench.measure import Cost, as_installed, cost, spread
from tests.controlplane import ControlPlane

_ROUNDS = 3

#: Something may be found in such a cluster.
_FOUND = (0, 7)


def run(plane: ControlPlane) -> None:
    """Print the figures of a control plane that is filled."""
    environ = as_installed({**os.environ, "KUBECONFIG": str(plane.kubeconfig)}, plane.directory / "bytecode")
    verbs = {verb: ["kubectl-pets", verb, "-A"] for verb in ("doctor", "orphans", "list")}
    for verb in verbs:
        cost(["kubectl-pets", verb, "-n", "ns-00"], environ, codes=_FOUND)  # only compiles
    taken: dict[str, list[Cost]] = {verb: [] for verb in verbs}
    for _ in range(_ROUNDS):  # in turn, so that whatever else the machine does meanwhile slows all of them
        for verb, command in verbs.items():
            taken[verb].append(cost(command, environ, codes=_FOUND))
    with tempfile.TemporaryDirectory() as folder:
        peer = Popeye(plane, Path(folder))
        popeye = cost(peer.command("score", section=""), peer.environ)
    ours = [each.seconds for each in taken["doctor"]]
    both = [one.seconds + other.seconds for one, other in zip(taken["orphans"], taken["list"], strict=True)]
    print("doctor -A, 20,000 claims, 16,000 pods, 2,000 sets")
    for verb, costs in taken.items():
        print(f"  kubectl pets {verb + ' -A':<11} {spread([each.seconds for each in costs])} s, {max(each.megabytes for each in costs):.0f} MB")
    print(f"  popeye -A                {popeye.seconds:.3g} s, {popeye.megabytes:.0f} MB")
    print(f"  to orphans + list        {spread([mine / theirs for mine, theirs in zip(ours, both, strict=True)])} (goal <= 1.3)")
    print(f"  to popeye                {min(ours) / popeye.seconds:.3f} (goal < 1)")
    print(f"  peak memory              {max(each.megabytes for each in taken['doctor']):.0f} MB (goal <= 250)")
