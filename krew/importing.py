"""How the executable finds its modules, installed before anything else of it runs.

PyInstaller looks through a zip file and two folders for each module, opens the executable anew, and inflates what it reads: for
three hundred modules that is a seventh of reading a set. Here a table says where each lies, in a file that stays open, and what
a start loads lies there as it is (krew/contents.py). So do libraries: PyInstaller's own program writes all that it unpacks in
pieces of 4 KB, this one only what is asked for, each in one piece. On Linux this is all the bootstrap that there is:
PyInstaller's own, which has to know every program, takes three modules and two libraries before it. And some modules are
imported by others for uses that hardly any run makes of them: a stand-in is handed out for these, and the module is loaded when
something of it is asked for.
"""

import codecs
import encodings
import marshal
import os
import sys
from _frozen_importlib import ModuleSpec, _load  # type: ignore[attr-defined]  # importlib's own, which is there already
from _frozen_importlib_external import ExtensionFileLoader
from _imp import extension_suffixes
from _thread import RLock, start_new_thread

TYPE_CHECKING = False
if TYPE_CHECKING:  # what is imported here is found PyInstaller's way, which knows nothing of modules that lie there as they are
    from types import ModuleType
    from typing import Any
else:
    ModuleType = type(sys)

#: Modules that others import whole and hardly ever use. None of them is imported by what it imports itself: two threads that load
#: such a pair would wait for each other.
LATER = frozenset(
    "array base64 bisect calendar copy email._encoded_words email.base64mime email.encoders email.header email.iterators "
    "email.quoprimime fnmatch hashlib heapq hmac inspect ipaddress json linecache mimetypes msgspec._json_schema "
    "msgspec.inspect msgspec.msgpack msgspec.toml msgspec.yaml quopri random selectors shutil subprocess tempfile textwrap "
    "token tokenize traceback urllib3.filepost uuid".split()
)

#: What others take from such a module as they are loaded; functions are handed out, which load it when they are called. (The
#: classes of ``ipaddress``, and a type of urllib3, are taken for annotations alone, that of ``uuid`` by msgspec, to tell its
#: values, of which there are none.)
_TAKEN = {
    "base64": ("b64decode", "b64encode", "encodebytes", "urlsafe_b64decode"),
    "bisect": ("bisect_left", "bisect_right"),
    "email._encoded_words": ("decode_b",),
    "email.encoders": ("encode_7or8bit",),
    "email.iterators": ("walk",),
    "hashlib": ("md5", "sha1", "sha256"),
    "heapq": ("heappop", "heappush"),
    "ipaddress": ("IPv4Address", "IPv6Address"),
    "msgspec._json_schema": ("schema", "schema_components"),
    "quopri": ("encodestring",),
    "urllib3.filepost": ("_TYPE_FIELDS", "encode_multipart_formdata"),
    "uuid": ("UUID",),
}

#: What modules link that is nobody's module: libraries of OpenSSL, by how their names begin.
_LINKED = {"_hashlib": ("libcrypto.",), "_ssl": ("libcrypto.", "libssl.")}


#: What links most, and is asked for some milliseconds after this module: it is unpacked meanwhile, by another processor.
_AHEAD = {"kubectl_pets.cluster": "_ssl"}

#: What PyInstaller's table calls a package (PYZ_ITEM_PKG), and data, which nothing but these libraries is (PYZ_ITEM_DATA).
PACKAGE, LIBRARY = 1, 2

#: How what is compressed begins (zlib's header); what is not, with marshal's letter for code, or as libraries do.
COMPRESSED = b"\x78"


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
        if spec.name == "uuid":  # msgspec takes it, for UUIDs that it decodes
            stand_in.__dict__["SafeUUID"] = type("SafeUUID", (), {"unknown": None})
        for name in _TAKEN.get(spec.name, ()):
            stand_in.__dict__[name] = self._function(name)
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

    def _function(self, name: str) -> "Any":
        def called(*args: "Any", **kw: "Any") -> "Any":
            return getattr(self.loaded(), name)(*args, **kw)

        return called

    def _cleandoc(self, doc: str) -> str:
        """``inspect.cleandoc``, which click asks for the help of each flag: a line without blanks before it stays as it is."""
        if "\n" in doc or "\t" in doc or doc[:1].isspace():
            cleaned: str = self.loaded().cleandoc(doc)
            return cleaned
        return doc


class ModuleLoader:
    """Runs a module of the archive."""

    def __init__(self, finder: "Finder", name: str) -> None:
        self._finder, self._name = finder, name

    def create_module(self, spec: ModuleSpec) -> None:
        """As usual."""

    def exec_module(self, module: ModuleType) -> None:
        exec(self._finder.code(self._name), module.__dict__)


class LibraryLoader(ExtensionFileLoader):
    """Loads an extension module that ``unpack`` puts at its place first."""

    def __init__(self, name: str, path: str, unpack: "Any") -> None:
        super().__init__(name, path)
        self._unpack = unpack

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        self._unpack()
        return super().create_module(spec)


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


#: Bytes of the archive's table that are read at once; should it be longer, twice as many.
_TABLE = 1 << 16


class Finder:
    """Finds the modules of an archive of PyInstaller's, and reads them for their loaders."""

    def __init__(self, archive: str) -> None:
        """``archive``: the file and where in it the archive begins, as PyInstaller's own program tells it: "/path/to/it?1234"."""
        path, _, start = archive.rpartition("?")
        self._start = int(start)
        self._file = opened(path)
        self._pread: "Any" = getattr(os, "pread")  # Windows has none
        self.toc = self._table()
        self._locks: "dict[str, Any]" = {}
        self._unpacked: set[str] = set()

    def find_spec(self, name: str, path: object = None, target: object = None) -> "Any":
        kind, _, length = self.toc.get(name, (0, 0, 0))
        if not length:
            return None  # not here; or a namespace of several folders
        if name in _AHEAD:
            start_new_thread(self._ahead, (_AHEAD[name],))
        package = kind == PACKAGE
        spec = self._library(name) if kind == LIBRARY else _spec(name, ModuleLoader(self, name), package)
        return _spec(name, LaterLoader(spec), package) if name in LATER else spec

    def _table(self) -> "dict[str, tuple[int, int, int]]":
        """What lies where: of what kind, from which byte on, and how many. After four bytes of a name and four that tell which
        Python, four tell where it is."""
        place = self._start + int.from_bytes(self._pread(self._file, 4, self._start + 8), "big")
        length = _TABLE
        data = self._pread(self._file, length, place)
        while True:
            try:
                return dict(marshal.loads(data))
            except (EOFError, ValueError):
                if len(data) < length:
                    raise
            length *= 2
            data = self._pread(self._file, length, place)

    def code(self, name: str) -> "Any":
        """Of a module."""
        return marshal.loads(self._read(name))

    def _read(self, name: str) -> bytes:
        _, place, length = self.toc[name]
        data: bytes = self._pread(self._file, length, self._start + place)
        if data[:1] != COMPRESSED:
            return data
        import zlib  # most runs do without

        return zlib.decompress(data)

    def _library(self, name: str) -> "Any":
        """An extension module, unpacked beside the others, whose folder goes when the program ends; with what it links."""
        place = _place(name + extension_suffixes()[0])

        def unpack() -> None:
            for other in self._linked(name):
                self._unpack(other, _place(other))
            self._unpack(name, place)

        spec = ModuleSpec(name, LibraryLoader(name, place, unpack), origin=place)
        spec.has_location = True
        return spec

    def _linked(self, name: str) -> list[str]:
        return [other for other in self.toc if other.startswith(_LINKED.get(name, ()))]

    def _ahead(self, name: str) -> None:
        """Unpack what this module links; a failure is told to whoever asks for the module."""
        for other in self._linked(name):
            self._unpack(other, _place(other))

    def _unpack(self, name: str, place: str) -> None:
        """Once, whichever thread asks first. Where it cannot be, the program ends: many a module goes on without one that it
        cannot import, as another program than this one."""
        if self._packed(name):
            import zlib  # noqa: F401  # a library itself, for which another thread may wait: not while a lock is held
        with self._locks.setdefault(name, RLock()):
            if name in self._unpacked:
                return
            try:
                with open(place, "wb") as library:
                    self._copy(name, library)
            except OSError as error:
                raise SystemExit(f"kubectl-pets: {name} cannot be unpacked to {place}: {error.strerror}") from None
            self._unpacked.add(name)

    def _copy(self, name: str, target: "Any") -> None:
        """What lies there as it is goes from file to file within the system where it can (Linux), not through this program."""
        _, place, length = self.toc[name]
        start, end = self._start + place, self._start + place + length
        if sys.platform == "linux" and not self._packed(name):
            try:
                while start < end and (copied := os.sendfile(target.fileno(), self._file, start, end - start)):
                    start += copied
            except OSError:
                pass  # a system, or a sandbox, without it
            if start == end:
                return
            target.seek(0)
        target.write(self._read(name))

    def _packed(self, name: str) -> bool:
        first: bytes = self._pread(self._file, 1, self._start + self.toc[name][1])
        return first == COMPRESSED


def _place(name: str) -> str:
    return os.path.join(sys._MEIPASS, name)  # type: ignore[attr-defined]


def _spec(name: str, loader: "Any", package: bool) -> "Any":
    place = _place(name.replace(".", os.sep))
    origin = os.path.join(place, "__init__.py") if package else f"{place}.py"
    spec = ModuleSpec(name, loader, origin=origin, is_package=package)
    spec.has_location = True
    spec.cached = origin  # as of what is no file; otherwise each name of a cache's is put together
    if package:
        spec.submodule_search_locations = [place]
    return spec


def _archive() -> str | None:
    """As PyInstaller's own program tells it to its bootstrap; None outside of an executable, and where a file cannot be read at
    a place without moving in it (Windows): there PyInstaller's own way stays."""
    if not hasattr(os, "pread"):
        return None
    if "pyimod02_importers" not in sys.modules:
        told: str | None = getattr(sys, "_pyinstaller_pyz", None)
        return told
    archive: "Any" = sys.modules["pyimod02_importers"].pyz_archive
    return f"{archive._filename}?{archive._start_offset}"


if _found := _archive():
    sys.frozen = True  # type: ignore[attr-defined]
    os.environ.pop("VIRTUAL_ENV", None)  # as PyInstaller's bootstrap does
    if sys.platform == "linux":
        del sys.path[1:]  # folders in which nothing lies that is a module; in the first are the codecs
    sys.meta_path.insert(0, Finder(_found))
    encodings._cache["idna"] = codecs.CodecInfo(encoded, decoded, name="idna")
