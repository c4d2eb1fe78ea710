"""`python -m tests.controlplane`: builds, starts, ends and shows a control plane for a person or a demo."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.controlplane import build, runs
from tests.controlplane.layout import Layout, state_root
from tests.controlplane.plane import ControlPlaneError
from tests.controlplane.recipes import DEFAULT_VERSION


def _status(directory: Path) -> int:
    layout = Layout(directory)
    state = layout.state()
    if state is None or not layout.is_supervised():
        print(f"no control plane runs in {directory}", file=sys.stderr)
        return 1
    print(f"{state.phase}: Kubernetes {layout.plan().version} in {directory}")
    if state.message:
        print(state.message)
    for component, pid in state.pids.items():
        print(f"  {component:24} pid {pid:8}  port {state.ports[component]}")
    return 0 if state.phase == "ready" else 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.controlplane", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, about in (
        ("build", "build what is not built yet"),
        ("up", "start one that stays, and print the line to use it"),
        ("down", "end it and remove its directory"),
        ("status", "what runs"),
    ):
        parsed = verbs.add_parser(verb, help=about)
        if verb in ("build", "up"):
            parsed.add_argument("--version", default=DEFAULT_VERSION, help="the servers' version, default %(default)s")
        if verb == "build":
            parsed.add_argument("--only", nargs="+", metavar="NAME", help="these binaries only")
        else:
            parsed.add_argument("--dir", type=Path, default=state_root() / "default", help="its directory")
    args = parser.parse_args()
    try:
        match args.verb:
            case "build":
                build.binaries(args.version, args.only)
            case "up":
                plane = runs.up(args.version, args.dir)
                print(f"export KUBECONFIG={plane.kubeconfig}")
            case "down":
                if not runs.down(args.dir):
                    print(f"no control plane ran in {args.dir}", file=sys.stderr)
            case _:
                return _status(args.dir)
    except (ControlPlaneError, build.BuildError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
