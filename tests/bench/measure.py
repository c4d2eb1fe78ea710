"""Runs a command and says what it took, as the operating system accounts for it."""

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


def card() -> str:
    """What all of it was measured on, in one line: no figure says anything without."""
    processor = _field("/proc/cpuinfo", "model name") or platform.processor() or platform.machine()
    memory = int((_field("/proc/meminfo", "MemTotal") or "0").split()[0]) / 1024**2
    load = os.getloadavg()[0]
    return (
        f"{processor}, {os.cpu_count()} cores, {memory:.0f} GB; {platform.system()} {platform.release()}; Python {platform.python_version()}"
        f" ({sys.implementation.name}); load {load:.1f} when it began"
    )


def _field(path: str, name: str) -> str:
    """Of a file of lines ``name: value``; empty where it has none."""
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as lines:
        return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")


class Cost(NamedTuple):
    #: By the wall.
    seconds: float
    #: Peak resident memory of the largest process, in MB.
    megabytes: float
    #: Of the processors, user and system, with what it has started: these depend little on what else the machine does.
    busy: float
    #: The same of a server meanwhile, where one was asked about.
    served: float


def cost(
    command: Sequence[str], environ: dict[str, str] | None = None, *, codes: Sequence[int] = (0,), server: int | None = None
) -> Cost:
    """What one run takes; its output is thrown away. ``server``: a process whose share is told, too."""
    before = busy(server) if server is not None else 0.0
    start = time.monotonic()
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in codes:
        raise SystemExit(f"bench: {' '.join(command[:6])} ... ended with {process.returncode}")
    taken = time.monotonic() - start
    served = busy(server) - before if server is not None else 0.0
    return Cost(taken, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime, served)


def busy(pid: int) -> float:
    """Seconds of the processors that a process has had, by /proc/PID/stat (proc(5): utime and stime, in clock ticks)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


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
