"""The record on disk: its owner's alone, through no link, and no record at all where the file is something else."""

import os
import stat
from datetime import datetime
from pathlib import Path
from typing import cast

import pytest

from kubectl_pets.domain.orphans.deletion import essence
from kubectl_pets.domain.orphans.restoring import Record
from kubectl_pets.errors import ExitCode, PetsError
from kubectl_pets.flows.orphans.bringing import RestoreRun, bring_back
from kubectl_pets.flows.orphans.records import RecordBook, load
from kubectl_pets.session import Cluster, Session
from tests.domain.orphans.builders import NOW, claim
from tests.terminal import FakeTerminal

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


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders here")
def test_what_is_without_end_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = tmp_path / "pipe.json"
    getattr(os, "mkfifo")(pipe)
    link = tmp_path / "link.json"
    link.symlink_to("/dev/zero")
    for path in (pipe, link, tmp_path):
        with pytest.raises(PetsError, match="is not a record|cannot be read"):
            load(path)
    book = RecordBook(tmp_path, "server", NOW)
    book.add(RECORD)
    linked = tmp_path / "linked.json"
    linked.symlink_to(book.path)
    assert load(linked) == (RECORD,)
    monkeypatch.setattr("kubectl_pets.flows.orphans.records._LARGEST", 100)
    with pytest.raises(PetsError, match="larger than"):
        load(book.path)


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b'{"kind": "Pod", "deletions": []}', b"\xff", b"[" * 100_000])
def test_what_is_no_record(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(text)
    with pytest.raises(PetsError):
        load(path)


@pytest.mark.parametrize(("server", "told"), [("prod", ""), ("staging", "warning: x.json was written for the server prod, and this is staging")])
def test_a_record_of_another_cluster_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str, told: str) -> None:
    """Its volumes are not there, which says nothing of the data."""

    class Nothing:
        def server_name(self) -> str:
            return server

        def now(self) -> datetime:
            return NOW

        def volume(self, name: str) -> None:
            return None

        def claims(self, namespace: str) -> tuple[()]:
            return ()

    book = RecordBook(tmp_path, "prod", NOW)
    book.add(RECORD)
    monkeypatch.chdir(tmp_path)
    book.path.rename("x.json")
    terminal = FakeTerminal()
    session = Session(terminal=terminal, connect=lambda flags: cast(Cluster, Nothing()))
    assert bring_back(session, RestoreRun(sources=("x.json",), timeout=None)) is ExitCode.REFUSED
    assert terminal.stderr_text.startswith(told) and "does not exist any more" in terminal.stderr_text
    assert ("warning" in terminal.stderr_text) is bool(told)
