"""Keeps on disk what was deleted, so that it can be brought back: one file a run, written before each deletion.

A file is JSON and holds whole manifests; it is replaced in one step, so it is complete at any moment. It is its owner's alone
(0600), and nothing is written through a link that somebody else has put there.
"""

import os
import stat
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from kubectl_pets.domain.orphans.restoring import Record
from kubectl_pets.errors import PetsError

#: Bytes of a record; one of ten thousand claims takes some forty million.
_LARGEST = 256 << 20


class RecordFile(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``server``: the name of the API server that it is of, as it was reached then. Untrusted text."""

    api_version: str = "kubectl-pets/v1alpha1"
    kind: str = "OrphanRecord"
    server: str = ""
    deletions: tuple[Record, ...] = ()


class RecordBook:
    """The record of one run. Made on disk with its first entry."""

    def __init__(self, directory: Path | None, server: str, now: datetime) -> None:
        folder = directory or _default_folder()
        self.path = folder / f"orphans-{now:%Y%m%dT%H%M%SZ}-{os.getpid()}.json"
        self._server = server
        self._records: tuple[Record, ...] = ()

    def add(self, record: Record) -> None:
        """Raises PetsError where it cannot be written: then nothing must be deleted."""
        self._write((*self._records, record))

    def drop(self, record: Record) -> None:
        """Take back an entry of what was not deleted after all."""
        self._write(tuple(each for each in self._records if each is not record))

    def _write(self, kept: tuple[Record, ...]) -> None:
        self._records = kept
        document = RecordFile(server=self._server, deletions=self._records)
        draft = self.path.with_name(f".{self.path.name}.partial")
        try:
            if not kept:
                self.path.unlink(missing_ok=True)
                return
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with _anew(draft) as file:
                file.write(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.path)
        except OSError as error:
            raise PetsError(
                f"the record {self.path} cannot be written: {error.strerror}. Nothing is deleted without one.",
                hint="give another folder with --record DIR.",
            ) from error


def _anew(path: Path) -> BinaryIO:
    """A file that was not there: what a killed run left under the name is taken away first, be it a link."""
    path.unlink(missing_ok=True)
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600), "wb")


def load(path: Path) -> tuple[Record, ...]:
    """The deletions of a record. Raises PetsError where it is not one."""
    return read(path).deletions


def read(path: Path) -> RecordFile:
    """A record. Raises PetsError where it is not one."""
    try:
        found = msgspec.json.decode(_whole(path), type=RecordFile)
        if not found.deletions or found.kind != RecordFile().kind:
            raise msgspec.ValidationError("there is no deletion in it")
        return found
    except OSError as error:
        raise PetsError(f"the record {path} cannot be read: {error.strerror}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise PetsError(f"{path} is not a record of deleted claims: {error}") from error


def _whole(path: Path) -> bytes:
    """What is in a file: of a pipe or a device that would be without end. Raises OSError, or ValidationError where it cannot be a
    record."""
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise msgspec.ValidationError("it is no file")
        text = file.read(_LARGEST + 1)
    if len(text) > _LARGEST:
        raise msgspec.ValidationError(f"it is larger than {_LARGEST >> 20} MiB")
    return text


def _default_folder() -> Path:
    from platformdirs import user_state_path  # only what deletes needs it

    folder = user_state_path("kubectl-pets", appauthor=False) / "orphans"
    if not folder.is_absolute():  # nobody's home
        raise PetsError("there is no home folder to keep a record of what is deleted in", hint="give one with --record DIR")
    return folder
