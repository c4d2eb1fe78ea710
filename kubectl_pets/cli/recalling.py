"""Remembers for some seconds which names a cluster had, because completion asks the same over and over again.

Loading the client, running a credential plugin and asking the API server take a second where the cluster is far away; typing one
command line asks several times. A file holds the names that answered one question, one a line, and nothing else. Its own name is
a hash of all that decides about the answer (the connection flags, the kubeconfig files as they are on disk, the surrounding pod),
so another context or server is another file, and a kubeconfig that was written meanwhile makes the old answers void.
"""

import os
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from time import time

import msgspec
from msgspec.structs import replace

from kubectl_pets import __version__
from kubectl_pets.session import ConnectionFlags

#: Seconds for which an answer is good.
LIFE = 10.0

#: Files older than this many seconds are removed when another one is written.
_LITTER = 3600.0

#: What decides, besides flags and kubeconfig, which cluster it is (``cluster/connect.py``).
_POD = ("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "POD_NAMESPACE")


class Memory:
    """The names remembered for one way to connect. Never raises: without a usable folder nothing is remembered."""

    def __init__(self, flags: ConnectionFlags, environ: Mapping[str, str]) -> None:
        self._folder = _folder()
        files = [(path, *_stamp(path)) for path in _kubeconfigs(flags, environ)]
        asked = replace(flags, request_timeout=None)
        self._key = msgspec.json.encode([__version__, asked, files, [environ.get(name, "") for name in _POD]])

    def recall(self, question: str) -> tuple[str, ...] | None:
        """The names that were kept for a question; None where it was never asked, or too long ago."""
        path = self._path(question)
        try:
            if path is None or not 0 <= time() - path.stat().st_mtime <= LIFE:
                return None
            return tuple(path.read_text(encoding="utf-8").splitlines())
        except (OSError, UnicodeDecodeError):
            return None

    def keep(self, question: str, names: Iterable[str]) -> None:
        path = self._path(question)
        if path is None:
            return
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                file.writelines(f"{name}\n" for name in names)
            draft.replace(path)
            _tidy(path.parent)
        except OSError:
            pass  # a full disk or a read-only home only make completion slower

    def _path(self, question: str) -> Path | None:
        return self._folder / sha256(self._key + question.encode()).hexdigest()[:40] if self._folder else None


def _folder() -> Path | None:
    from platformdirs import user_cache_path  # help and the completion of verbs do without

    folder = user_cache_path("kubectl-pets", appauthor=False) / "completion"
    return folder if folder.is_absolute() else None  # nobody's home


def _kubeconfigs(flags: ConnectionFlags, environ: Mapping[str, str]) -> list[str]:
    """The files that ``cluster/kubeconfig.py`` would read."""
    if flags.kubeconfig:
        return [os.path.abspath(flags.kubeconfig)]
    listed = [os.path.abspath(path) for path in environ.get("KUBECONFIG", "").split(os.pathsep) if path]
    return listed or [os.path.expanduser("~/.kube/config")]


def _stamp(path: str) -> tuple[int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _tidy(folder: Path) -> None:
    for entry in os.scandir(folder):
        if time() - entry.stat().st_mtime > _LITTER:
            os.unlink(entry.path)
