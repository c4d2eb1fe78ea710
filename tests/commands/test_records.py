"""The record on disk: its owner's alone, through no link, and no record at all where the file is something else."""

import os
import stat
from pathlib import Path

import pytest

from kubectl_pets.domain.orphans.deletion import essence
from kubectl_pets.domain.orphans.restoring import Record
from kubectl_pets.errors import PetsError
from kubectl_pets.flows.orphans.records import RecordBook, load
from tests.domain.orphans.builders import NOW, claim

RECORD = Record(claim=essence(claim("data-web-4")), volume="pv-4", volume_uid="u", reclaim_policy="Delete", deleted_at=NOW)


def test_it_is_its_owner_s_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        book = RecordBook(tmp_path / "records", "server", NOW)
        book.add(RECORD)
    finally:
        os.umask(before)
    assert stat.S_IMODE(book.path.stat().st_mode) == 0o600 and stat.S_IMODE(book.path.parent.stat().st_mode) == 0o700
    assert load(book.path) == (RECORD,)
    book.drop(RECORD)
    assert not book.path.exists()


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    """Whoever may write into the folder knows what the next file will be called."""
    precious = tmp_path / "precious"
    precious.write_text("keep", encoding="utf-8")
    book = RecordBook(tmp_path, "server", NOW)
    (tmp_path / f".{book.path.name}.partial").symlink_to(precious)
    book.path.symlink_to(precious)
    book.add(RECORD)
    assert precious.read_text(encoding="utf-8") == "keep" and not book.path.is_symlink() and load(book.path) == (RECORD,)


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b'{"kind": "Pod", "deletions": []}', b"\xff", b"[" * 100_000])
def test_what_is_no_record(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(text)
    with pytest.raises(PetsError):
        load(path)
