"""The executable as a user runs it, with nothing around it that a developer's machine has; and krew with a home of its own."""

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from krew import release
from tests.controlplane import ControlPlane, build

TAG = "v0.1.0"


class Ran(NamedTuple):
    code: int
    stdout: str
    stderr: str


def run(command: Sequence[str | Path], environ: Mapping[str, str], *, expect: int = 0, cwd: Path | None = None) -> Ran:
    """Run to the end; an exit code other than ``expect`` fails the test with all that was said."""
    done = subprocess.run(
        [str(word) for word in command],
        env=dict(environ),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == expect, f"exit code {done.returncode}, expected {expect}\n{done.stdout}\n{done.stderr}"
    return Ran(done.returncode, done.stdout, done.stderr)


class Frozen:
    """``path``: the executable. ``unpacked``: the folder that it unpacks itself in, empty whenever it does not run."""

    def __init__(self, path: Path, unpacked: Path) -> None:
        self.path, self.unpacked = path, unpacked
        unpacked.mkdir()

    @property
    def environ(self) -> dict[str, str]:
        return {"TMPDIR": str(self.unpacked)}

    def __call__(self, *words: str, expect: int = 0, environ: Mapping[str, str] | None = None, cwd: Path | None = None) -> Ran:
        """Run it in an environment of nothing but TMPDIR and ``environ``."""
        done = run([self.path, *words], {**self.environ, **(environ or {})}, expect=expect, cwd=cwd)
        self.assert_tidy()
        return done

    def assert_tidy(self) -> None:
        assert list(self.unpacked.iterdir()) == []


def _kubectl() -> str:
    """The one that the control plane uses too."""
    found = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or shutil.which("kubectl")
    assert found is not None, "there is no kubectl"
    return str(Path(found).resolve())


class Krew:
    """``kubectl krew`` and ``kubectl pets`` with their own KREW_ROOT, offline but for this machine."""

    def __init__(self, folder: Path, dist: Path, plane: ControlPlane) -> None:
        self.folder, self.dist, self.plane = folder, dist, plane
        self.binaries = build.binaries(names=("krew", "validate-krew-manifest"))
        self.root = folder / "krew"
        self.tools = folder / "tools"
        self.tools.mkdir()
        (self.tools / "kubectl-krew").symlink_to(self.binaries["krew"])
        (self.tools / "kubectl").symlink_to(_kubectl())
        git = folder / "gitconfig"
        git.write_text("[user]\n  name = Test\n  email = test@example.com\n[init]\n  defaultBranch = main\n", encoding="utf-8")
        self.environ = {
            "PATH": f"{self.tools}:{self.root / 'bin'}:/usr/bin:/bin",
            "HOME": str(folder),
            "KREW_ROOT": str(self.root),
            "KREW_NO_UPGRADE_CHECK": "1",
            "KREW_DEFAULT_INDEX_URI": (folder / "index").as_uri(),
            "GIT_CONFIG_GLOBAL": str(git),
            "KUBECONFIG": str(plane.kubeconfig),
        }

    def __call__(self, *words: str | Path, expect: int = 0) -> Ran:
        return run([self.tools / "kubectl", "krew", *words], self.environ, expect=expect)

    def pets(self, *words: str, expect: int = 0) -> Ran:
        """``kubectl pets ...``, by the real kubectl."""
        return run([self.tools / "kubectl", "pets", *words], self.environ, expect=expect)

    def installed(self) -> list[str]:
        """The versions that lie in krew's store."""
        store = self.root / "store" / "pets"
        return sorted(path.name for path in store.iterdir()) if store.exists() else []

    def release(self, tag: str = TAG, url: str | None = None) -> tuple[Path, Path]:
        """Archive and manifest of a version, as ``make krew`` makes them."""
        archive, *_, manifest = release.release(self.dist, tag, url=url)
        return archive, manifest
