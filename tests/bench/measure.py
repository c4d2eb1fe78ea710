"""Runs a command and says what it took, as the operating system accounts for it."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Cost(NamedTuple):
    seconds: float
    #: Peak resident memory of the largest process, in MB.
    megabytes: float


def cost(command: Sequence[str], environ: dict[str, str] | None = None, *, codes: Sequence[int] = (0,)) -> Cost:
    """Wall time and peak memory of one run; its output is thrown away."""
    start = time.monotonic()
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in codes:
        raise SystemExit(f"bench: {' '.join(command[:6])} ... ended with {process.returncode}")
    return Cost(time.monotonic() - start, usage.ru_maxrss / 1024)


def as_installed(environ: Mapping[str, str], bytecode: Path) -> dict[str, str]:
    """For our own program: with its bytecode compiled, once it has run, which a checkout in a bytecode-averse environment would do
    each time."""
    kept = {name: value for name, value in environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(bytecode)}


def seconds_of(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.monotonic()
    work()
    return time.monotonic() - start


def spread(values: Sequence[float]) -> str:
    """Median, extremes and number of runs."""
    return f"median {statistics.median(values):.3g}, min {min(values):.3g}, max {max(values):.3g}, n {len(values)}"
