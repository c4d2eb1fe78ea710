"""Runs benchmarks on a control plane of their own and prints the figures with what they are held against.

``python -m tests.bench [ROW]...`` runs only those rows. Rows of ``_ON_REQUEST`` take long, and are run only where they are named.
"""

import sys
import time
import traceback
from collections.abc import Callable
from functools import partial

from kubectl_pets import __version__
from tests import controlplane
from tests.bench import dns, doctor, estate, judges, kinds, lists, live, orphans, paper, peers, resize, rollout, startup
from tests.bench.measure import card
from tests.controlplane import DEFAULT_VERSION, ControlPlane

#: These want a control plane of their own.
_ALONE: dict[str, Callable[[ControlPlane], None]] = {
    "startup": startup.run,
    "rollout": rollout.run,
    "wide": rollout.wide,
    "resize": resize.run,
    "crowd": rollout.crowd,
    "judges": judges.run,
    "peers": peers.run,
    "dns": dns.run,
}

#: These look at the same big cluster, in this order: ``orphans`` leaves it with fewer candidates, ``kinds`` with other sets.
_BIG: dict[str, Callable[[ControlPlane], None]] = {
    "list": lists.run,
    "slow": lambda plane: lists.behind_a_slow_link(plane, (("list", lists.LISTS), ("orphans", orphans.LISTS))),
    "watch": lists.watch,
    "troubled": lists.troubled,
    "popeye": orphans.beside_popeye,
    "doctor": doctor.run,
    "orphans": orphans.run,
    "kinds": kinds.run,
}

#: Shown, with no goals.
_ON_REQUEST = ("dns2000", "huge")

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
                _timed(row, partial(run, plane))
    big = {row: run for row, run in _BIG.items() if row in chosen}
    if big:
        with controlplane.running(components=_SERVERS) as plane:
            estate.fill(plane)
            for row, run in big.items():
                _timed(row, partial(run, plane))
    if "paper" in chosen:
        with controlplane.running(components=_SERVERS) as plane:
            _timed("paper", partial(paper.run, plane))
    if "live" in chosen:
        _timed("live", live.run)
    if "dns2000" in chosen:
        with controlplane.running() as plane:
            _timed("dns2000", partial(dns.run, plane, pods=2000, rounds=3))
    if "huge" in chosen:
        with controlplane.running(components=_SERVERS) as plane:
            estate.fill(plane, sets=lists.HUGE_SETS, pods=lists.HUGE_PODS)
            _timed("huge", partial(lists.huge, plane))
    if _FAILED:
        raise SystemExit(f"bench: {', '.join(_FAILED)} failed")


_SERVERS = ("etcd", "kube-apiserver")


def _timed(row: str, run: Callable[[], None]) -> None:
    """Run it, and say how long the row took. One that fails is told, and costs no other its figures."""
    start = time.monotonic()
    try:
        run()
    except (Exception, SystemExit) as failure:
        traceback.print_exc()
        _FAILED.append(row)
        print(f"  ({row} FAILED: {failure})", flush=True)
    else:
        print(f"  ({row}: {time.monotonic() - start:.0f} s)", flush=True)


_FAILED: list[str] = []


if __name__ == "__main__":
    main()
