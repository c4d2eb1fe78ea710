"""Runs benchmarks on a control plane of their own and prints the figures with what they are held against.

``python -m tests.bench [ROW]...`` runs only those rows. Rows of ``_ON_REQUEST`` take long, and are run only where they are named.
"""

import sys
import time
from collections.abc import Callable
from functools import partial

from kubectl_pets import __version__
from tests import controlplane
from tests.bench import dns, doctor, estate, judges, lists, live, orphans, paper, peers, rollout, startup
from tests.bench.measure import card
from tests.controlplane import DEFAULT_VERSION, ControlPlane

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

#: Shown, with no goals.
_ON_REQUEST: dict[str, Callable[[ControlPlane], None]] = {"dns2000": partial(dns.run, pods=2000, rounds=3), "huge": lists.huge}

_ROWS = (*_ALONE, *_BIG, "paper", "live", *_ON_REQUEST)


def main() -> None:
    chosen = sys.argv[1:] or [row for row in _ROWS if row not in _ON_REQUEST]
    unknown = set(chosen) - set(_ROWS)
    if unknown:
        raise SystemExit(f"bench: there is no {', '.join(sorted(unknown))}; there are {', '.join(_ROWS)}")
    print(f"{card()}; kubectl-pets {__version__}, Kubernetes {DEFAULT_VERSION}", flush=True)
    for row, run in _ALONE.items():
        if row in chosen:
            with controlplane.running() as plane:
                _timed(row, run, plane)
    big = {row: run for row, run in _BIG.items() if row in chosen}
    if big:
        with controlplane.running(components=_SERVERS) as plane:
            estate.fill(plane)
            for row, run in big.items():
                _timed(row, run, plane)
    if "paper" in chosen:
        with controlplane.running(components=_SERVERS) as plane:
            _timed("paper", paper.run, plane)
    if "live" in chosen:
        live.run()
    if "dns2000" in chosen:
        with controlplane.running() as plane:
            _timed("dns2000", _ON_REQUEST["dns2000"], plane)
    if "huge" in chosen:
        with controlplane.running(components=_SERVERS) as plane:
            estate.fill(plane, sets=lists.HUGE_SETS, pods=lists.HUGE_PODS)
            _timed("huge", _ON_REQUEST["huge"], plane)


_SERVERS = ("etcd", "kube-apiserver")


def _timed(row: str, run: Callable[[ControlPlane], None], plane: ControlPlane) -> None:
    """Run it, and say how long the row took."""
    start = time.monotonic()
    run(plane)
    print(f"  ({row}: {time.monotonic() - start:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
