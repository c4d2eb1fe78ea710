"""How modules lie in the executable: what a start loads as it is, the rest compressed, and libraries among them, which are
unpacked when one asks for them. krew/importing.py reads it."""

import zlib
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from types import CodeType
from typing import IO, Any

from PyInstaller.archive.writers import ZlibArchiveWriter
from PyInstaller.building.utils import process_collected_binary

from krew.contents import Entry, compressed
from krew.importing import LIBRARY
from krew.unannotated import compiled


def writer(stored: frozenset[str], libraries: Mapping[str, Path]) -> type[Any]:
    """PyInstaller's writer of the archive of modules, in our way. ``libraries``: by the names that they are asked for by."""

    class Writer(ZlibArchiveWriter):  # type: ignore[misc]  # of an untyped package
        _COMPRESSION_LEVEL = 9

        def __init__(self, filename: str, entries: Iterable[Entry], code_dict: Mapping[str, CodeType]) -> None:
            modules = list(entries)
            files = ((name, str(path), "LIBRARY") for name, path in libraries.items())
            super().__init__(filename, [*modules, *files], {**code_dict, **_unannotated(modules)})

        @classmethod
        def _write_entry(cls, fp: IO[bytes], entry: Entry, code_dict: Mapping[str, CodeType]) -> tuple[str, tuple[int, int, int]]:
            name, path, kind = entry
            if kind == "LIBRARY":
                data = Path(path).read_bytes()
                return name, (LIBRARY, *_written(fp, zlib.compress(data, 9) if compressed(name) else data))
            if name not in stored:
                found: tuple[str, tuple[int, int, int]] = super()._write_entry(fp, entry, code_dict)
                return found
            packed = BytesIO()
            _, (number, _, _) = super()._write_entry(packed, entry, code_dict)
            return name, (number, *_written(fp, zlib.decompress(packed.getvalue()) if packed.getvalue() else b""))

    return Writer


def _unannotated(modules: Iterable[Entry]) -> dict[str, CodeType]:
    """The code of each module that has a source. PyInstaller's kinds end with how far one is optimized."""
    return {
        name: compiled(Path(path).read_bytes(), name, Path(path), int(kind.partition("-")[2] or 0))
        for name, path, kind in modules
        if path is not None and path.endswith(".py")
    }


def _written(file: IO[bytes], data: bytes) -> tuple[int, int]:
    """Where it lies, and its length."""
    place = file.tell()
    file.write(data)
    return place, len(data)


def stripped(libraries: Mapping[str, Entry]) -> dict[str, Path]:
    """Libraries as they would lie in the executable."""
    return {
        name: Path(process_collected_binary(source, dest, use_strip=True)) for name, (dest, source, _) in libraries.items()
    }
