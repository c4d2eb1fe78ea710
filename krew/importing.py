"""How the executable finds its modules, installed before anything else of it runs.

PyInstaller looks through a zip file and two folders for each module, opens the executable anew, and inflates what it reads: for
three hundred modules that is a seventh of reading a set. Here a table says where each lies, in a file that stays open, and what
a start loads lies there as it is (krew/contents.py). And some modules are imported by others for uses that hardly any run makes
of them: a stand-in is handed out for these, and the module is loaded when something of it is asked for.
"""

import codecs
import encodings
import marshal
import os
import sys
import zlib
from _frozen_importlib import ModuleSpec, _load  # type: ignore[attr-defined]  # importlib's own, which is there already
from _frozen_importlib_external import ExtensionFileLoader
from _imp import extension_suffixes
from _thread import RLock

TYPE_CHECKING = False
if TYPE_CHECKING:  # what is imported here is found PyInstaller's way, which knows nothing of modules that lie there as they are
    from types import ModuleType
    from typing import Any
else:
    ModuleType = type(sys)

#: Modules that others import whole and hardly ever use. None of them is imported by what it imports itself: two threads that load
#: such a pair would wait for each other.
LATER = frozenset(
    "calendar copy fnmatch hmac inspect json linecache mimetypes msgspec.inspect msgspec.msgpack msgspec.toml msgspec.yaml "
    "selectors subprocess textwrap token tokenize traceback".split()
)


#: What PyInstaller's table calls a package (PYZ_ITEM_PKG), and data, which nothing but these libraries is (PYZ_ITEM_DATA).
PACKAGE, LIBRARY = 1, 2


class Later(ModuleType):
    """Stands for a module until something of it is asked for."""

    def __getattr__(self, name: str) -> "Any":
        if name in ("__path__", "__file__", "__cached__"):  # by the import system, before it sets them
            raise AttributeError(name)
        loader: "Any" = self.__spec__.loader  # type: ignore[union-attr]
        return getattr(loader.loaded(), name)


class LaterLoader:
    """Makes the stand-in for the module of a spec, and the module itself: once, whichever thread asks first."""

    def __init__(self, spec: "Any") -> None:
        self._spec = spec
        self._lock = RLock()
        self._module: "ModuleType | None" = None

    def create_module(self, spec: "Any") -> ModuleType:
        stand_in = Later(spec.name)
        if spec.name == "inspect":
            stand_in.__dict__["cleandoc"] = self._cleandoc
        return stand_in

    def exec_module(self, module: ModuleType) -> None:
        """Nothing yet."""

    def loaded(self) -> ModuleType:
        with self._lock:
            if self._module is None:
                self._module = self._load()
            return self._module

    def _load(self) -> ModuleType:
        name = self._spec.name
        module: ModuleType = _load(self._spec)
        for other, each in list(sys.modules.items()):  # modules in it that were imported before
            if other.rpartition(".")[0] == name:
                setattr(module, other.rpartition(".")[2], each)
        parent, _, own = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], own, module)
        return module

    def _cleandoc(self, doc: str) -> str:
        """``inspect.cleandoc``, which click asks for the help of each flag: a line without blanks before it stays as it is."""
        if "\n" in doc or "\t" in doc or doc[:1].isspace():
            cleaned: str = self.loaded().cleandoc(doc)
            return cleaned
        return doc


def encoded(name: str, errors: str = "strict") -> tuple[bytes, int]:
    """What Python's codec "idna" makes of the name of a host, which is asked each time. It leaves names of ASCII letters as they
    are, if their parts are of the right length; for all others it is asked itself, and loads its tables."""
    if errors == "strict" and name.isascii() and all(0 < len(part) < 64 for part in name.split(".")):
        return name.encode("ascii"), len(name)
    found: tuple[bytes, int] = _idna().encode(name, errors)
    return found


def decoded(data: "Any", errors: str = "strict") -> tuple[str, int]:
    found: tuple[str, int] = _idna().decode(data, errors)
    return found


def _idna() -> "Any":
    from encodings import idna

    return idna.getregentry()


def opened(path: str) -> int:
    """A file to read from, as none of the three streams where one of these is closed."""
    number = os.open(path, os.O_RDONLY)
    if number > 2:
        return number
    try:
        return opened(path)
    finally:
        os.close(number)


class Finder:
    """Finds the modules of an archive of PyInstaller's, and reads them for its loaders."""

    def __init__(self, bootstrap: "Any") -> None:
        """``bootstrap``: PyInstaller's module ``pyimod02_importers``, which has a table of what lies where."""
        archive = bootstrap.pyz_archive
        self._loader = bootstrap.PyiFrozenLoader
        self._start = archive._start_offset
        self._file = opened(archive._filename)
        self._pread: "Any" = getattr(os, "pread")  # Windows has none
        self.toc: "dict[str, tuple[int, int, int]]" = archive.toc

    def find_spec(self, name: str, path: object = None, target: object = None) -> "Any":
        kind, _, length = self.toc.get(name, (0, 0, 0))
        if not length:
            return None  # not here; or a namespace of several folders
        if kind == LIBRARY:
            return self._unpacked(name)
        package = kind == PACKAGE
        spec = _spec(name, self._loader(name, self, name, package), package)
        return _spec(name, LaterLoader(spec), package) if name in LATER else spec

    def extract(self, name: str) -> "Any":
        """The code of a module."""
        return marshal.loads(self._read(name))

    def _read(self, name: str) -> bytes:
        _, place, length = self.toc[name]
        data: bytes = self._pread(self._file, length, self._start + place)
        # what lies there as it is begins with marshal's letter for code, what is compressed with zlib's header
        return zlib.decompress(data) if data[:1] == b"\x78" else data

    def _unpacked(self, name: str) -> "Any":
        """An extension module, unpacked beside the others, whose folder goes when the program ends."""
        place = os.path.join(sys._MEIPASS, name + extension_suffixes()[0])  # type: ignore[attr-defined]
        try:
            with open(f"{place}.new", "wb") as library:
                library.write(self._read(name))
            os.replace(library.name, place)  # one that is in use stays as it is
        except OSError as error:
            raise ImportError(f"{name} cannot be unpacked: {error}", name=name) from error
        spec = ModuleSpec(name, ExtensionFileLoader(name, place), origin=place)
        spec.has_location = True
        return spec


def _spec(name: str, loader: "Any", package: bool) -> "Any":
    place = os.path.join(sys._MEIPASS, *name.split("."))  # type: ignore[attr-defined]
    origin = os.path.join(place, "__init__.py") if package else f"{place}.py"
    spec = ModuleSpec(name, loader, origin=origin, is_package=package)
    spec.has_location = True
    if package:
        spec.submodule_search_locations = [place]
    return spec


# where a file cannot be read at a place without moving in it (Windows), PyInstaller's own way stays
if "pyimod02_importers" in sys.modules and hasattr(os, "pread"):
    sys.meta_path.insert(0, Finder(sys.modules["pyimod02_importers"]))
    encodings._cache["idna"] = codecs.CodecInfo(encoded, decoded, name="idna")
