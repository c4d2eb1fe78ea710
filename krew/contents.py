"""What goes into the executable, and what of it stays out.

Every shared library in a one-file program is unpacked at each start, so what no verb can reach costs everybody time. The analysis
finds imports, not reasons: what it drags in needlessly is named here. A package that nobody thought of ends the build.
"""

import _imp
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path, PurePath
from pkgutil import iter_modules

from krew.importing import LATER

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
    "kubernetes.utils.keepalive",
})

#: Optional parts of packages: each is imported in a `try`, or in a function that is never called; krew/start.py stands in for
#: typing_extensions, and for decimal below.
_OPTIONAL = """
    attr attrs certifi cryptography h2 httpx numpy pydantic pygments requests rich setuptools wcwidth
    brotli brotlicffi zstandard urllib3.contrib.emscripten urllib3.contrib.pyopenssl urllib3.http2.connection
    dns.asyncbackend dns.asyncquery dns.asyncresolver dns._asyncbackend dns._asyncio_backend dns._trio_backend
    dns.dnssec dns.dnssecalgs dns.quic sniffio trio
    python_socks wsaccel typing_extensions
""".split()

#: Parts of Python that only functions ask for that nobody calls: tests, documentation, archives, foreign formats; and libraries
#: that do what the module that asks for them does as well, each unpacked and linked for a few calls of a run.
_STANDARD = """
    _bisect _bz2 _compression _decimal _heapq _lzma _pydecimal _queue _typing _uuid argparse asyncio bz2 concurrent curses decimal
    distutils doctest ftplib lib2to3 lzma pdb pprint pydoc readline sqlite3 statistics tarfile tkinter tomllib tracemalloc
    unittest webbrowser xml xmlrpc
""".split()

#: What the client library asks for as it is loaded, and kubectl_pets/cluster/http/library.py stands in for; and what only that
#: asks for.
STOOD_IN = frozenset({"multiprocessing", "urllib.request", "kubernetes.utils.retry"})
_BEHIND_STOOD_IN = ("http.cookiejar", "kubernetes.utils._retry_base", "nturl2path", "pickle", "_pickle")

#: Text is UTF-8 whatever the locale says (the spec's option `X utf8`), so other codecs stay out. Windows' consoles need theirs.
_CODECS = frozenset(
    "aliases ascii idna latin_1 punycode raw_unicode_escape unicode_escape utf_16 utf_16_be utf_16_le utf_8 utf_8_sig".split()
)


#: What reading a set imports, with whatever that imports.
FIRST = (
    "kubectl_pets.__main__",
    "kubectl_pets.commands.status",
    "kubectl_pets.cluster.access.connect",
    "kubectl_pets.cluster.client",
    "kubectl_pets.cluster.topics.events",
)

#: Extension modules of Python that neither ``--version`` nor reading a set loads; a megabyte of them knows which characters are
#: wide. They are compressed.
_SELDOM = frozenset(
    "_blake2 _csv _hashlib _json _md5 _opcode _posixsubprocess _random _sha1 _sha256 _sha3 _sha512 array grp resource termios "
    "unicodedata".split()
)

#: What only modules import that are themselves loaded later.
_BEHIND_LATER = frozenset("ast dis opcode json.decoder json.encoder json.scanner platform string struct urllib3.fields".split())

#: Whether krew/importing.py stands in for PyInstaller's bootstrap and its modules; elsewhere it comes after it.
OWN_BOOTSTRAP = sys.platform == "linux"

#: The packages that are entered by the side door, and not run.
_CLIENT_PACKAGES = frozenset({"kubernetes", "kubernetes.client", "kubernetes.utils", "urllib3.http2"})


def modules(root: Path) -> list[str]:
    """Every module of ours: verbs are loaded by name, so no analysis finds them."""
    files = sorted((root / "kubectl_pets").rglob("*.py"))
    names = (".".join(path.relative_to(root).with_suffix("").parts) for path in files)
    return [name.removesuffix(".__init__") for name in names if name != "kubectl_pets.__main__"]


def excluded() -> list[str]:
    """The modules that the analysis is not to enter."""
    names = [*_OPTIONAL, *_STANDARD, *STOOD_IN, *_BEHIND_STOOD_IN]
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
    own = ("pyi_rth_", "pyiboot") if OWN_BOOTSTRAP else ("pyi_rth_",)
    return [entry for entry in scripts if not entry[0].startswith(own)]


def without_system(binaries: Iterable[Entry]) -> list[Entry]:
    """The libraries without zlib, which the program needs from the system before it can unpack anything."""
    return [entry for entry in binaries if not entry[0].startswith("libz.")]


def in_archive(binaries: Iterable[Entry]) -> tuple[dict[str, Entry], list[Entry]]:
    """The libraries that lie among the modules, by the names that krew/importing.py asks for them by, and those that
    PyInstaller's own program unpacks at each start."""
    inside = {name: entry for entry in binaries if _may_lie_inside(name := library_name(entry[0]))}
    return inside, [entry for entry in binaries if library_name(entry[0]) not in inside]


def _may_lie_inside(name: str) -> bool:
    """Elsewhere than on Linux a library is looked for beside the one that links it, wherever that was: only modules of Python's
    that link nothing go into the archive. Windows keeps all as PyInstaller has them."""
    linux = not name.startswith("libpython")
    return linux if sys.platform == "linux" else sys.platform != "win32" and name in _SELDOM - {"_hashlib"}


def library_name(dest: str) -> str:
    """Of an extension module its full name, of any other library that of its file."""
    path = PurePath(dest)
    if path.name.startswith("lib"):
        return path.name
    folders = () if "lib-dynload" in path.parts else path.parts[:-1]
    return ".".join((*folders, path.name.partition(".")[0]))


def compressed(name: str) -> bool:
    """Whether this library is: inflating takes as long as loading."""
    return name in _SELDOM


def without_frozen(modules: Iterable[Entry]) -> list[Entry]:
    """The modules without those that Python has within itself, which it never looks for elsewhere."""
    return [entry for entry in modules if not _imp.is_frozen(entry[0]) and not entry[0].startswith("importlib._bootstrap")]


def split_library(library: Path, target: Path) -> list[Entry]:
    """PyInstaller's ``base_library.zip`` without what our own finder finds faster, written to ``target``; the modules that are to
    be in the archive instead. Python needs the codecs before there is a finder, and nothing else that it does not have within
    itself."""
    moved: list[Entry] = []
    with zipfile.ZipFile(library) as source, zipfile.ZipFile(target, "w") as kept:
        for info in source.infolist():
            name = info.filename.removesuffix(".pyc").replace("/", ".").removesuffix(".__init__")
            if name.partition(".")[0] == "encodings":
                kept.writestr(info, source.read(info))
            else:
                spec = find_spec(name)
                assert spec is not None and spec.origin is not None
                moved.append((name, spec.origin, "PYMODULE-2"))
    return moved


def stored(root: Path) -> frozenset[str]:
    """The modules that lie in the archive as they are, because reading a set loads them: inflating takes as long as loading.
    What is only asked for later (krew/importing.py) is not among them."""
    script = f"import sys\nfor name in {FIRST!r}: __import__(name)\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    loaded = frozenset(done.stdout.split()) - LATER - _BEHIND_LATER - _CLIENT_PACKAGES
    readable = sys.platform != "win32"  # PyInstaller's own reader inflates everything
    return loaded | {"kubectl_pets_patterns"} if readable else frozenset()


def documented(entries: Iterable[Entry]) -> list[Entry]:
    """The modules with the docstrings left in where they are text for users: help here, the words of DNS errors there."""
    kept = re.compile(r"(__main__|kubectl_pets\.commands|dns)(\..*)?")
    return [(name, path, kind.replace("-2", "-1") if kept.fullmatch(name) else kind) for name, path, kind in entries]


def unknown_packages(found: Iterable[Entry]) -> set[str]:
    """The top-level packages among the modules that are neither Python's nor in PACKAGES."""
    return {name.partition(".")[0] for name, _, _ in found} - PACKAGES - sys.stdlib_module_names
