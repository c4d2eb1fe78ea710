"""The archives that krew installs from: the executable with its licences, packed so that the same files give the same bytes."""

import gzip
import io
import platform
import re
import stat
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from time import gmtime

_SYSTEMS = {"linux": "linux", "darwin": "darwin", "win32": "windows"}
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


class ReleaseError(Exception):
    """The release cannot be made from what is there."""


def here() -> str:
    """This machine as ``os_arch``, in krew's words."""
    system, machine = _SYSTEMS.get(sys.platform), _MACHINES.get(platform.machine().lower())
    if system is None or machine is None:
        raise ReleaseError(f"krew has no name for {sys.platform} on {platform.machine()}")
    return f"{system}_{machine}"


def name(tag: str, target: str) -> str:
    """The archive's file name for a version such as v0.1.0 and an ``os_arch``."""
    return f"kubectl-pets_{tag}_{target}.{'zip' if target.startswith('windows') else 'tar.gz'}"


def found(folder: Path, tag: str) -> Iterator[Path]:
    """The archives of that version in a folder, by name."""
    known = re.compile(rf"kubectl-pets_{re.escape(tag)}_(linux|darwin|windows)_(amd64|arm64)\.(tar\.gz|zip)")
    return (path for path in sorted(folder.iterdir()) if known.fullmatch(path.name))


def pack(archive: Path, files: list[Path], when: int) -> None:
    """Write the files, by their own names, into an archive. ``when``: seconds since 1970, the time that all of them get."""
    files = sorted(files, key=lambda path: path.name)
    data = _zip(files, when) if archive.suffix == ".zip" else _tar(files, when)
    draft = archive.with_name(f".{archive.name}.partial")
    draft.write_bytes(data)
    draft.replace(archive)


def _mode(path: Path) -> int:
    return 0o755 if path.stat().st_mode & stat.S_IXUSR or path.suffix == ".exe" else 0o644


def _tar(files: list[Path], when: int) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in files:
            entry = tarfile.TarInfo(path.name)
            entry.size, entry.mode, entry.mtime = path.stat().st_size, _mode(path), when
            with path.open("rb") as file:
                tar.addfile(entry, file)
    return gzip.compress(plain.getvalue(), compresslevel=6, mtime=0)


def _zip(files: list[Path], when: int) -> bytes:
    packed = io.BytesIO()
    time = gmtime(max(when, 315532800))  # a zip file knows no time before 1980
    with zipfile.ZipFile(packed, "w") as archive:
        for path in files:
            entry = zipfile.ZipInfo(path.name, time[:6])
            entry.external_attr = (stat.S_IFREG | _mode(path)) << 16
            entry.create_system = 3  # Unix, wherever it is packed: it says what the mode above means
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return packed.getvalue()
