"""How modules lie in the executable: what a start loads as it is, the rest compressed, and libraries that hardly any run loads
among them, so that they are not unpacked each time. krew/importing.py reads it."""

import zlib
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from types import CodeType
from typing import IO, Any

from PyInstaller.archive.writers import ZlibArchiveWriter
from PyInstaller.building.utils import process_collected_binary

from krew.contents import Entry
from krew.importing import LIBRARY


def writer(stored: frozenset[str], seldom: Mapping[str, Path]) -> type[Any]:
    """PyInstaller's writer of the archive of modules, in our way. ``seldom``: extension modules by name."""

    class Writer(ZlibArchiveWriter):  # type: ignore[misc]  # of an untyped package
        _COMPRESSION_LEVEL = 9

        def __init__(self, filename: str, entries: Iterable[Entry], code_dict: Mapping[str, CodeType]) -> None:
            libraries = ((name, str(path), "LIBRARY") for name, path in seldom.items())
            super().__init__(filename, [*entries, *libraries], code_dict)

        @classmethod
        def _write_entry(cls, fp: IO[bytes], entry: Entry, code_dict: Mapping[str, CodeType]) -> tuple[str, tuple[int, int, int]]:
            name, path, kind = entry
            if kind == "LIBRARY":
                return name, (LIBRARY, *_written(fp, zlib.compress(Path(path).read_bytes(), 9)))
            if name not in stored:
                found: tuple[str, tuple[int, int, int]] = super()._write_entry(fp, entry, code_dict)
                return found
            packed = BytesIO()
            _, (number, _, _) = super()._write_entry(packed, entry, code_dict)
            return name, (number, *_written(fp, zlib.decompress(packed.getvalue()) if packed.getvalue() else b""))

    return Writer


def _written(file: IO[bytes], data: bytes) -> tuple[int, int]:
    """Where it lies, and its length."""
    place = file.tell()
    file.write(data)
    return place, len(data)


def stripped(binaries: Iterable[Entry]) -> dict[str, Path]:
    """Libraries as they would lie in the executable, by the names of the modules that they are."""
    processed = ((dest, process_collected_binary(source, dest, use_strip=True)) for dest, source, _ in binaries)
    return {Path(dest).name.partition(".")[0]: Path(path) for dest, path in processed}
