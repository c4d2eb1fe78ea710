"""Runs every benchmark on a control plane of its own and prints the figures with what they are held against.

``python -m tests.bench [rollout|orphans]...`` runs only those.
"""

import sys

from tests import controlplane
from tests.bench import orphans, rollout


def main() -> None:
    chosen = set(sys.argv[1:]) or {"rollout", "orphans"}
    if "rollout" in chosen:
        with controlplane.running() as plane:
            rollout.run(plane)
    if "orphans" in chosen:
        with controlplane.running(components=("etcd", "kube-apiserver")) as plane:
            orphans.run(plane)


if __name__ == "__main__":
    main()
