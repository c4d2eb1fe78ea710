"""What goes into the executable, and what of it stays out.

Every shared library in a one-file program is unpacked at each start, so what no verb can reach costs everybody time. The analysis
finds imports, not reasons: what it drags in needlessly is named here. A package that nobody thought of ends the build.
"""

import re
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules

#: One of PyInstaller's entries: the name in the archive, the file on disk, the kind.
Entry = tuple[str, str, str]

#: The packages that may be inside, besides Python's own; the last one is needed by others of them.
PACKAGES = frozenset(
    "kubectl_pets kubectl_pets_build kubectl_pets_patterns click dns kubernetes msgspec platformdirs socks tabulate urllib3 "
    "yaml _yaml idna".split()
)

#: The client library is entered by side doors (kubectl_pets/cluster/http/library.py): these modules of it are run, and no
#: packages.
_CLIENT = frozenset({
    "kubernetes.client",
    "kubernetes.client.configuration",
    "kubernetes.client.exceptions",
    "kubernetes.client.rest",
    "kubernetes.utils",
    "kubernetes.utils._retry_base",
    "kubernetes.utils.keepalive",
    "kubernetes.utils.retry",
})

#: Optional parts of packages: each is imported in a `try`, or in a function that is never called; typing_extensions is stood in
#: for by krew/start.py.
_OPTIONAL = """
    attr attrs certifi cryptography h2 httpx numpy pydantic pygments requests rich setuptools wcwidth
    brotli brotlicffi zstandard urllib3.contrib.emscripten urllib3.contrib.pyopenssl urllib3.http2.connection
    dns.asyncbackend dns.asyncquery dns.asyncresolver dns._asyncbackend dns._asyncio_backend dns._trio_backend
    dns.dnssec dns.dnssecalgs dns.quic sniffio trio
    python_socks wsaccel typing_extensions
""".split()

#: Parts of Python that only functions ask for that nobody calls: tests, documentation, archives, foreign formats.
_STANDARD = """
    _bz2 _compression _lzma _pydecimal _uuid argparse asyncio bz2 concurrent curses distutils doctest ftplib lib2to3 lzma pdb
    pprint pydoc readline sqlite3 statistics tarfile tkinter tomllib tracemalloc unittest webbrowser xml xmlrpc
""".split()

#: The client library asks ``multiprocessing`` for the number of processors; nothing more of it is used.
_PROCESSES = """
    connection dummy forkserver heap managers pool popen_fork popen_forkserver popen_spawn_posix popen_spawn_win32 queues
    resource_sharer resource_tracker shared_memory sharedctypes spawn synchronize util
""".split()

#: Text is UTF-8 whatever the locale says (the spec's option `X utf8`), so other codecs stay out. Windows' consoles need theirs.
_CODECS = frozenset(
    "aliases ascii idna latin_1 punycode raw_unicode_escape unicode_escape utf_16 utf_16_be utf_16_le utf_8 utf_8_sig".split()
)


def modules(root: Path) -> list[str]:
    """Every module of ours: verbs are loaded by name, so no analysis finds them."""
    files = sorted((root / "kubectl_pets").rglob("*.py"))
    names = (".".join(path.relative_to(root).with_suffix("").parts) for path in files)
    return [name.removesuffix(".__init__") for name in names if name != "kubectl_pets.__main__"]


def excluded() -> list[str]:
    """The modules that the analysis is not to enter."""
    names = [*_OPTIONAL, *_STANDARD, *(f"multiprocessing.{name}" for name in _PROCESSES)]
    for package in ("kubernetes", "kubernetes.client", "kubernetes.utils"):
        names += [name for name in _below(package) if name not in _CLIENT]
    if sys.platform != "win32":
        names += ["ctypes", "_ctypes", *(name for name in _below("encodings") if name.rpartition(".")[2] not in _CODECS)]
    return sorted(names)


def _below(package: str) -> list[str]:
    """The modules in a package, by their full names, found without running it."""
    top, *rest = package.split(".")
    spec = find_spec(top)
    assert spec is not None and spec.submodule_search_locations is not None
    folder = Path(spec.submodule_search_locations[0], *rest)
    return [f"{package}.{module.name}" for module in iter_modules([str(folder)])]


def without_hooks(scripts: Iterable[Entry]) -> list[Entry]:
    """The start scripts without PyInstaller's own: they prepare ``inspect``, ``pkgutil`` and ``multiprocessing`` for uses that
    nobody makes of them here, and import them at every start."""
    return [entry for entry in scripts if not entry[0].startswith("pyi_rth_")]


def without_system(binaries: Iterable[Entry]) -> list[Entry]:
    """The libraries without zlib, which the program needs from the system before it can unpack anything."""
    return [entry for entry in binaries if not entry[0].startswith("libz.")]


def documented(entries: Iterable[Entry]) -> list[Entry]:
    """The modules with the docstrings left in where they are text for users: help here, the words of DNS errors there."""
    kept = re.compile(r"(__main__|kubectl_pets\.commands|dns)(\..*)?")
    return [(name, path, kind.replace("-2", "-1") if kept.fullmatch(name) else kind) for name, path, kind in entries]


def unknown_packages(found: Iterable[Entry]) -> set[str]:
    """The top-level packages among the modules that are neither Python's nor in PACKAGES."""
    return {name.partition(".")[0] for name, _, _ in found} - PACKAGES - sys.stdlib_module_names
