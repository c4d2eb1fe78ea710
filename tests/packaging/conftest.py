"""The built executable, made once a run where sources are newer than it, and copied so that nobody replaces it under a test."""

import fcntl
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from krew import build
from tests.controlplane import ControlPlane
from tests.packaging.frozen import Frozen, Krew

_MADE = (build.NAME, build.LICENCES, build.PARTS_LIST)

#: Where in that folder the sources are.
SOURCES = "sources"

#: PyInstaller's list of imports that it did not follow.
LEFT_OUT = build.ROOT / "build" / "kubectl-pets" / "warn-kubectl-pets.txt"


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what ``make build`` makes, and what it made that from."""
    made = build.ROOT / "dist"
    copy = tmp_path_factory.mktemp("dist")
    with _alone():
        if _stale(made):
            done = subprocess.run(
                [sys.executable, "-m", "krew.build"], cwd=build.ROOT, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr
        for part in ("kubectl_pets", "krew"):
            shutil.copytree(build.ROOT / part, copy / SOURCES / part, ignore=shutil.ignore_patterns("__pycache__"))
        for path in (*(made / name for name in _MADE), LEFT_OUT):
            shutil.copy2(path, copy)
    return copy


@contextmanager
def _alone() -> Iterator[None]:
    """One worker builds, the others wait for it."""
    folder = build.ROOT / "build"
    folder.mkdir(exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _stale(made: Path) -> bool:
    if not all(path.exists() for path in (*(made / name for name in _MADE), LEFT_OUT)):
        return True
    sources = [*(build.ROOT / "kubectl_pets").rglob("*.py"), *(build.ROOT / "krew").rglob("*"), *build.ROOT.glob("requirements*.txt")]
    newest = max(path.stat().st_mtime for path in sources if path.suffix != ".pyc" and path.is_file())
    if newest > (made / build.NAME).stat().st_mtime:
        return True
    told = subprocess.run([made / build.NAME, "--version"], capture_output=True, text=True, check=False).stdout
    return build.commit().removesuffix("-dirty") not in told  # a commit that left the sources as they were


@pytest.fixture
def frozen(dist: Path, tmp_path: Path) -> Frozen:
    """The executable in a bare environment."""
    return Frozen(dist / build.NAME, tmp_path / "unpacked")


@pytest.fixture
def krew(dist: Path, tmp_path: Path, controlplane: ControlPlane) -> Krew:
    """krew with a root of its own, and the control plane's kubectl."""
    return Krew(tmp_path, dist, controlplane)
