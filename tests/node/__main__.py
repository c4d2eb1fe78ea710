"""`python -m tests.node`: gets what a real node needs, keeps one until Ctrl-C, records what one does to pods that break."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys

from tests.controlplane import BuildError, ControlPlaneError
from tests.controlplane.progress import Progress
from tests.domain.recording import load
from tests.node.ground import GroundError
from tests.node.node import NodeError, prepare, running
from tests.node.recorder import broken
from tests.node.table import RECORDING, markdown


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.node", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("prepare", help="install and build what is missing")
    verbs.add_parser("up", help="start one, print the line to use it, end it on Ctrl-C")
    verbs.add_parser("record", help="have pods break in every way, and keep what the kubelet shows as the recording of the tests")
    verbs.add_parser("table", help="print the table of docs/breaking.md, from that recording")
    args = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):  # the first is ignored in what a shell starts in the background
        signal.signal(number, signal.default_int_handler)
    try:
        if args.verb == "prepare":
            prepare(Progress(sys.stderr))
        elif args.verb == "record":
            with running() as node:
                broken(node.plane, "ways", "Ways to break, a pod each, every event from their start on; some pods are deleted on the way.").save(RECORDING)
        elif args.verb == "table":
            print(markdown(load(RECORDING)), end="")
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
