"""What the machine has to have before a real node can run on it, and getting what it lacks.

A kubelet is root's business and Linux' alone. What it starts containers with comes from the distribution's packages: where apt is
there and something is missing it is installed, elsewhere it is named.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.controlplane.progress import Progress, elapsed
from tests.controlplane.recipes import cache_root

#: The program and Debian's package that has it. A program that is there is used, whatever package brought it.
_PROGRAMS: Mapping[str, str] = {
    "containerd": "containerd", "ctr": "containerd", "containerd-shim-runc-v2": "containerd", "runc": "runc", "iptables": "iptables",
    "ip": "iproute2", "unshare": "util-linux", "nsenter": "util-linux", "setpriv": "util-linux", "mount": "mount", "losetup": "mount",
}
_NETWORK_PLUGINS = ("bridge", "host-local", "loopback")
_NETWORK_FOLDERS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))
_NETWORK_PACKAGE = "containernetworking-plugins"
_BUSYBOX_PACKAGE = "busybox-static"
#: Of volumes that are more than directories; without it they are these.
_FILE_SYSTEM, _FILE_SYSTEM_PACKAGE = "xfs", "xfsprogs"


class GroundError(Exception):
    """This machine cannot run a node; says what is missing."""


@dataclass(frozen=True)
class Ground:
    """What was found: the folder of the network plugins, and a busybox that needs no libraries."""

    network_plugins: Path
    busybox: Path


def objection() -> str:
    """Why no node can run here whatever is installed; empty where one can."""
    if sys.platform != "linux":
        return f"a real node needs Linux, and this is {sys.platform}"
    if os.geteuid() != 0:
        return "a real node needs root: it makes namespaces, mounts and control groups"
    return ""


def prepare(progress: Progress) -> Ground:
    """Everything that a node needs, after installing what is missing. Raises GroundError."""
    reason = objection()
    if reason:
        raise GroundError(reason)
    packages = missing_packages()
    if packages:
        _install(packages, progress)
        packages = missing_packages()
        if packages:
            raise GroundError(f"still missing after they were installed: {', '.join(packages)}")
    if _mountable() and shutil.which(f"mkfs.{_FILE_SYSTEM}") is None:
        with contextlib.suppress(GroundError):
            _install([_FILE_SYSTEM_PACKAGE], progress)
    plugins = _network_plugins()
    assert plugins is not None
    return Ground(plugins, _busybox(progress))


def missing_packages() -> list[str]:
    """Packages by Debian's name whose programs are not there."""
    wanted = {package for program, package in _PROGRAMS.items() if shutil.which(program) is None}
    if _network_plugins() is None:
        wanted.add(_NETWORK_PACKAGE)
    return sorted(wanted)


def file_system() -> str:
    """What volumes can have in a file of their own, which grows as a disk does; empty where this machine mounts no such file."""
    return _FILE_SYSTEM if _mountable() and shutil.which(f"mkfs.{_FILE_SYSTEM}") else ""


def _mountable() -> bool:
    known = Path("/proc/filesystems").read_text(encoding="utf-8").split()
    return Path("/dev/loop-control").exists() and _FILE_SYSTEM in known


def _network_plugins() -> Path | None:
    return next((folder for folder in _NETWORK_FOLDERS if all((folder / each).exists() for each in _NETWORK_PLUGINS)), None)


def _install(packages: list[str], progress: Progress) -> None:
    progress.say(f"installing {', '.join(packages)}")
    _apt(["update", "-qq"], packages)
    # Never at the price of another package: a machine may have its container runtime from elsewhere.
    took = _apt(["install", "-y", "-qq", "--no-install-recommends", "--no-remove", *packages], packages)
    progress.say(f"installed in {took}")


def _apt(words: list[str], packages: list[str], folder: Path | None = None) -> str:
    """How long it took, in words."""
    if shutil.which("apt-get") is None:
        raise GroundError(
            f"this machine lacks {', '.join(packages)} (by Debian's names) and has no apt-get to install them with: install them, then try again"
        )
    started = time.monotonic()
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(["apt-get", *words], cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        end = "\n".join((done.stderr or done.stdout).splitlines()[-15:])
        raise GroundError(f"`apt-get {' '.join(words)}` ended with {done.returncode}:\n{end}")
    return elapsed(time.monotonic() - started)


def _busybox(progress: Progress) -> Path:
    """Out of its package, which is not installed: it would take the place of the machine's own busybox."""
    target = cache_root() / "node" / "busybox"
    if target.exists():
        return target
    progress.say(f"fetching {_BUSYBOX_PACKAGE}, once; it is kept in {target.parent}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kubectl-pets-busybox-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # apt fetches as a user of its own where it can
        download(lambda: [_BUSYBOX_PACKAGE], folder)
        [archive] = folder.glob("*.deb")
        subprocess.run(["dpkg-deb", "-x", str(archive), str(folder / "out")], check=True, capture_output=True)
        draft = target.with_name(f".busybox.{os.getpid()}")
        shutil.copy2(next(path for path in (folder / "out").rglob("busybox") if path.is_file() and os.access(path, os.X_OK)), draft)
        draft.replace(target)
    return target


def download(packages: Callable[[], list[str]], folder: Path) -> None:
    """Fetch the archives of these packages, which is to install none of them. Raises GroundError."""
    try:
        named = packages()
        _apt(["download", "-qq", *named], named, folder)
    except GroundError:  # what apt knows may be missing, or of versions that are gone
        _apt(["update", "-qq"], [])
        named = packages()
        _apt(["download", "-qq", *named], named, folder)
