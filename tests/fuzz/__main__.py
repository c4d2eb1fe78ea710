"""``make fuzz``: for so many seconds, from a seed; ends with figures, and with 1 where something failed."""

import argparse
import secrets
import sys
from collections.abc import Sequence

from tests.fuzz import runs


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0, help="how long (default: %(default)s)")
    parser.add_argument("--seed", default=secrets.token_hex(4), help="draws the same again")
    parser.add_argument("--only", help="one decoder, with --number one input")
    parser.add_argument("--number", type=int, help="the input to try once more, as a failure names it")
    chosen = parser.parse_args(arguments)
    if chosen.only and chosen.number is not None:
        print(runs.once(chosen.only, chosen.seed, chosen.number) or "all is well")
        return 0
    print(f"seed {chosen.seed}", flush=True)
    found = runs.for_a_while(chosen.seed, chosen.seconds, only=chosen.only)
    print(found.table())
    return 1 if found.failures else 0


if __name__ == "__main__":
    sys.exit(main())
