"""Runs every benchmark on a control plane of its own and prints the figures with what they are held against."""

from tests import controlplane
from tests.bench import rollout


def main() -> None:
    with controlplane.running() as plane:
        rollout.run(plane)


if __name__ == "__main__":
    main()
