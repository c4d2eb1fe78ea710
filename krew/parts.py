"""What is inside the built executable, read back from the file itself: the base of its licences and of its list of parts.

Python packages are told by the modules in it, native libraries by their file names. A library that no rule knows ends the
build: it would be handed out without its licence.
"""

import re
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution, packages_distributions
from pathlib import Path

from PyInstaller.archive.readers import CArchiveReader

from krew.importing import LIBRARY
from kubectl_pets import version

#: Packages that name a family of licences, where their text is one of it.
_UNCLEAR = {"PySocks": "BSD-3-Clause"}

_TEXTS = Path(__file__).with_name("licences")


class UnknownPartError(Exception):
    """Something is in the executable of which nobody has said what it is."""


@dataclass(frozen=True)
class Part:
    """``package``: its name on PyPI, or "" for what does not come from there. ``licence``: an SPDX expression."""

    name: str
    version: str
    licence: str
    text: str
    package: str = ""


@dataclass(frozen=True)
class Contents:
    """``modules``: Python modules by their full names. ``files``: what is unpacked, with its size in bytes as it lies there."""

    modules: frozenset[str]
    files: dict[str, int]


def contents(executable: Path) -> Contents:
    """What PyInstaller has put into the file."""
    archive = CArchiveReader(str(executable))
    inner = [name for name, entry in archive.toc.items() if entry[-1] == "z"]
    found = {name: entry for each in inner for name, entry in archive.open_embedded_archive(each).toc.items()}
    libraries = {name: length for name, (kind, _, length) in found.items() if kind == LIBRARY and name.startswith("lib")}
    files = {name: entry[2] for name, entry in archive.toc.items() if entry[-1] in "bxZ"}
    return Contents(frozenset(found.keys() - libraries.keys()), files | libraries)


def parts(inside: Contents) -> list[Part]:
    """Everything in it that others have written, by name."""
    found = {part.name: part for part in [_python(), _bootloader(), _openssl()]}
    for name in _packages(inside.modules):
        found[name] = _from_metadata(distribution(name))
    for name in _libraries(inside.files):
        part = _native(name)
        if part is not None:
            found[part.name] = part
    return [found[name] for name in sorted(found, key=str.lower)]


def _packages(modules: Iterable[str]) -> set[str]:
    ours = {"kubectl_pets", "kubectl_pets_build", "kubectl_pets_patterns"}
    tops = {name.partition(".")[0] for name in modules} - sys.stdlib_module_names - ours
    known = packages_distributions()
    missing = sorted(top for top in tops if top not in known)
    if missing:
        raise UnknownPartError(f"modules of no installed package are in the executable: {', '.join(missing)}")
    return {known[top][0] for top in tops}


def _libraries(files: Iterable[str]) -> list[str]:
    """The shared libraries that are neither Python's own modules nor extension modules of packages."""
    return [Path(name).name for name in files if "/" not in name.replace("\\", "/") and not name.endswith((".zip", ".pyd"))]


def _native(library: str) -> Part | None:
    """Whose shared library it is; None: Python's own."""
    name = library.lower()
    if re.match(r"(lib)?python3|python$", name):
        return None
    if re.match(r"lib(crypto|ssl)\b", name):
        return _openssl()
    if re.match(r"(vcruntime|ucrtbase|api-ms-win|msvcp)", name):
        licence = "LicenseRef-Microsoft-Redistributable"
        return Part("Microsoft Visual C++ Runtime", "unknown", licence, _text("microsoft.txt"))
    if re.match(r"libffi", name):
        return Part("libffi", "unknown", "MIT", _text("libffi.txt"))
    raise UnknownPartError(f"the library {library} is in the executable, but krew/parts.py does not say what it is")


def _python() -> Part:
    text = next(path for path in _python_licences() if path.is_file()).read_text(encoding="utf-8")
    return Part("CPython", ".".join(str(number) for number in sys.version_info[:3]), "PSF-2.0", text)


def _openssl() -> Part:
    """Always inside: as libraries of its own or, with Pythons that stand alone, as a part of Python's."""
    return Part("OpenSSL", version.openssl(), "Apache-2.0", _text("openssl.txt"))


def _python_licences() -> list[Path]:
    folders = [Path(sysconfig.get_path("stdlib")), Path(sys.base_prefix)]
    return [folder / name for folder in folders for name in ("LICENSE.txt", "LICENSE")]


def _bootloader() -> Part:
    """PyInstaller's, whose licence lets programs of any licence be built with it."""
    part = _from_metadata(distribution("pyinstaller"))
    return Part("PyInstaller bootloader", part.version, "GPL-2.0-or-later WITH Bootloader-exception", part.text, part.package)


def _from_metadata(dist: Distribution) -> Part:
    meta = dist.metadata
    named = [file for file in dist.files or () if re.match(r"(licen[sc]e|copying|notice)", file.name, re.IGNORECASE)]
    texts = [Path(str(dist.locate_file(file))).read_text(encoding="utf-8") for file in named if ".dist-info" in str(file)]
    licence = _UNCLEAR.get(meta["Name"]) or (meta.get_all("License-Expression") or meta.get_all("License") or [""])[0]
    if not texts or not licence:
        raise UnknownPartError(f"{meta['Name']} does not say under which licence it is")
    return Part(meta["Name"], meta["Version"], licence, "\n".join(texts), meta["Name"])


def _text(name: str) -> str:
    return (_TEXTS / name).read_text(encoding="utf-8")
