"""What this program is made of: its own version and commit, Python, OpenSSL, the client library. For ``--version``, bug reports.

The built executable has no package metadata and no checkout beside it. Its build therefore puts a top-level module
``kubectl_pets_build`` on the path, with ``COMMIT: str`` (the full hash, "-dirty" behind it where files were changed; "" where it
was not built from a checkout) and ``CLIENT: str`` (the version of ``kubernetes``). Where that module is not there, git and the
package metadata are asked. The client library itself is never imported for it: that would take longer than all the rest.
"""

import sys
from pathlib import Path

import msgspec

from kubectl_pets import __version__


class Version(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``commit`` and ``kubernetes_client`` are None where they cannot be told."""

    version: str
    commit: str | None
    python: str
    openssl: str  #: as "3.5.4"
    kubernetes_client: str | None


def read() -> Version:
    try:
        import kubectl_pets_build as build  # type: ignore[import-not-found]
    except ImportError:
        commit, client = _commit(Path(__file__).resolve().parents[1]), _client()
    else:
        commit, client = build.COMMIT or None, build.CLIENT
    python = ".".join(str(part) for part in sys.version_info[:3])
    return Version(version=__version__, commit=commit, python=python, openssl=openssl(), kubernetes_client=client)


def openssl() -> str:
    """The version of the OpenSSL that is inside, or that this Python has; the module ``ssl`` would be much more to load."""
    from _ssl import OPENSSL_VERSION

    return OPENSSL_VERSION.split()[1]


def text(version: Version) -> str:
    rows = (
        ("kubectl-pets", version.version),
        ("commit", version.commit or "unknown"),
        ("Python", version.python),
        ("OpenSSL", version.openssl),
        ("Kubernetes client", version.kubernetes_client or "unknown"),
    )
    return "\n".join(f"{name:<19}{value}" for name, value in rows)


def _commit(project: Path) -> str | None:
    """The checkout's commit; None where ``project`` is no checkout (another one around it says nothing about this program)."""
    if not (project / ".git").exists():
        return None
    import subprocess

    try:
        git = ["git", "-C", str(project), "rev-parse", "HEAD"]
        done = subprocess.run(git, capture_output=True, text=True, check=False, timeout=5)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def _client() -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("kubernetes")
    except PackageNotFoundError:
        return None
