"""`python -m tests.node`: gets what a real node needs, or keeps one until Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys

from tests.controlplane import BuildError, ControlPlaneError
from tests.controlplane.progress import Progress
from tests.node.ground import GroundError
from tests.node.node import NodeError, prepare, running


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.node", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("prepare", help="install and build what is missing")
    verbs.add_parser("up", help="start one, print the line to use it, end it on Ctrl-C")
    args = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):  # the first is ignored in what a shell starts in the background
        signal.signal(number, signal.default_int_handler)
    try:
        if args.verb == "prepare":
            prepare(Progress(sys.stderr))
        else:
            with running() as node:
                print(f"export KUBECONFIG={node.plane.kubeconfig}", flush=True)
                with contextlib.suppress(KeyboardInterrupt):
                    signal.pause()
    except KeyboardInterrupt:
        return 130
    except (GroundError, BuildError, ControlPlaneError, NodeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
