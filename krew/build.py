"""``make build``: the executable for this machine, its licences and its list of parts, byte for byte the same each time.

What could make two builds differ is fixed here: the order of sets (PYTHONHASHSEED), times (SOURCE_DATE_EPOCH, the last commit's),
and leftovers of earlier builds (PyInstaller's caches are inside the build folder).
"""

import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from krew import documents, parts
from kubectl_pets import __version__

ROOT = Path(__file__).resolve().parents[1]
NAME = "kubectl-pets.exe" if sys.platform == "win32" else "kubectl-pets"
LICENCES = "THIRD-PARTY-LICENSES.txt"
PARTS_LIST = "pets.cdx.json"  # kubectl takes every kubectl-* on PATH for a plugin


def main() -> None:
    executable = build(ROOT / "dist")
    print(f"{executable.relative_to(ROOT)}: {executable.stat().st_size / 1e6:.1f} MB")


def build(target: Path, stamp: str | None = None) -> Path:
    """Build into the folder ``target``; the path of the executable. ``stamp``: the commit that it names; None: git is asked."""
    work = ROOT / "build" / "kubectl-pets"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    # kubectl_pets/version.py reads this module, which the spec finds here.
    told = f'COMMIT = "{commit() if stamp is None else stamp}"\nCLIENT = "{version("kubernetes")}"\n'
    (work / "kubectl_pets_build.py").write_text(told, encoding="utf-8")
    os.environ["SOURCE_DATE_EPOCH"] = str(epoch())
    environ = {**os.environ, "PYTHONHASHSEED": "0", "PYINSTALLER_CONFIG_DIR": str(work.parent / "cache")}
    environ["PYTHONNODEBUGRANGES"] = "1"  # columns are for tracebacks that have the source beside them, and a fifth of all code
    # krew/start.py hands out what is in this one
    listing = [sys.executable, "-m", "krew.patterns", str(work / "kubectl_pets_patterns.py")]
    subprocess.run(listing, cwd=ROOT, env=environ, check=True)
    command = [
        sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN",
        "--workpath", str(work.parent), "--distpath", str(target), str(ROOT / "krew" / "kubectl-pets.spec"),
    ]
    subprocess.run(command, cwd=ROOT, env=environ, check=True)
    executable = target / NAME
    inside = parts.parts(parts.contents(executable))
    (target / LICENCES).write_text(documents.licences(inside), encoding="utf-8")
    (target / PARTS_LIST).write_text(documents.bill_of_materials(__version__, inside), encoding="utf-8")
    return executable


def commit() -> str:
    """The checkout's commit, marked "-dirty" where files differ from it; "" where this is no checkout."""
    found = _git("rev-parse", "HEAD")
    return f"{found}-dirty" if found and _git("status", "--porcelain") else found


def epoch() -> int:
    """The time that everything made here carries, in seconds since 1970: SOURCE_DATE_EPOCH, else the last commit's."""
    return int(os.environ.get("SOURCE_DATE_EPOCH") or _git("log", "-1", "--format=%ct") or 0)


def _git(*words: str) -> str:
    if not (ROOT / ".git").exists():
        return ""
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


if __name__ == "__main__":
    main()
