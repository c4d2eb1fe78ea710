"""Runs benchmarks on a control plane of their own and prints the figures with what they are held against.

``python -m tests.bench [ROW]...`` runs only those rows.
"""

import sys
from collections.abc import Callable

from tests import controlplane
from tests.bench import dns, doctor, estate, judges, lists, live, orphans, peers, rollout, startup
from tests.controlplane import ControlPlane

#: These want a control plane of their own.
_ALONE: dict[str, Callable[[ControlPlane], None]] = {
    "startup": startup.run,
    "rollout": rollout.run,
    "wide": rollout.wide,
    "crowd": rollout.crowd,
    "judges": judges.run,
    "peers": peers.run,
    "dns": dns.run,
}

#: These look at the same big cluster, in this order: ``orphans`` leaves it with fewer candidates.
_BIG: dict[str, Callable[[ControlPlane], None]] = {
    "list": lists.run,
    "slow": lambda plane: lists.behind_a_slow_link(plane, (("list", lists.LISTS), ("orphans", orphans.LISTS))),
    "watch": lists.watch,
    "popeye": orphans.beside_popeye,
    "doctor": doctor.run,
    "orphans": orphans.run,
}

_ROWS = (*_ALONE, *_BIG, "live")


def main() -> None:
    chosen = sys.argv[1:] or list(_ROWS)
    unknown = set(chosen) - set(_ROWS)
    if unknown:
        raise SystemExit(f"bench: there is no {', '.join(sorted(unknown))}; there are {', '.join(_ROWS)}")
    for row, run in _ALONE.items():
        if row in chosen:
            with controlplane.running() as plane:
                run(plane)
    big = [run for row, run in _BIG.items() if row in chosen]
    if big:
        with controlplane.running(components=("etcd", "kube-apiserver")) as plane:
            estate.fill(plane)
            for run in big:
                run(plane)
    if "live" in chosen:
        live.run()


if __name__ == "__main__":
    main()
