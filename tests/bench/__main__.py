"""Runs every benchmark on a control plane of its own and prints the figures with what they are held against.

``python -m tests.bench [startup|rollout|orphans|doctor|peers|dns|live]...`` runs only those.
"""

import sys

from tests import controlplane
from tests.bench import dns, doctor, judges, live, orphans, peers, rollout, startup


def main() -> None:
    chosen = set(sys.argv[1:]) or {"startup", "rollout", "orphans", "doctor", "peers", "dns", "live"}
    if "startup" in chosen:
        with controlplane.running() as plane:
            startup.run(plane)
    if "rollout" in chosen:
        with controlplane.running() as plane:
            rollout.run(plane)
    if "orphans" in chosen:
        with controlplane.running(components=("etcd", "kube-apiserver")) as plane:
            orphans.run(plane)
        with controlplane.running() as plane:
            judges.run(plane)
    if "doctor" in chosen:
        with controlplane.running(components=("etcd", "kube-apiserver")) as plane:
            doctor.run(plane)
    if "peers" in chosen:
        with controlplane.running() as plane:
            peers.run(plane)
    if "dns" in chosen:
        with controlplane.running() as plane:
            dns.run(plane)
    if "live" in chosen:
        live.run()


if __name__ == "__main__":
    main()
