"""Where things are kept differs by system; what does is played here, whatever this machine is."""

from datetime import UTC, datetime
from pathlib import Path

import platformdirs
import pytest
from platformdirs.macos import MacOS
from platformdirs.unix import Unix
from platformdirs.windows import Windows

from kubectl_pets.cli.recalling import Memory
from kubectl_pets.errors import PetsError
from kubectl_pets.flows.orphans.records import RecordBook
from kubectl_pets.session import ConnectionFlags

_NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("platformdirs.windows.get_win_folder", lambda name: f"{tmp_path}/AppData/Local")  # which Windows is asked
    return tmp_path


@pytest.mark.parametrize(
    ("system", "cache", "state"),
    [
        (Unix, ".cache/kubectl-pets", ".local/state/kubectl-pets"),
        (MacOS, "Library/Caches/kubectl-pets", "Library/Application Support/kubectl-pets"),
        (Windows, "AppData/Local/kubectl-pets/Cache", "AppData/Local/kubectl-pets"),
    ],
    ids=["linux", "macos", "windows"],
)
def test_cache_and_records_are_where_the_system_wants_them(
    home: Path, monkeypatch: pytest.MonkeyPatch, system: type, cache: str, state: str
) -> None:
    monkeypatch.setattr(platformdirs, "PlatformDirs", system)
    memory = Memory(ConnectionFlags(), {})
    memory.keep("sets", ["web"])
    assert memory.recall("sets") == ("web",)
    assert [path.parent for path in home.rglob("completion/*")] == [home / cache / "completion"]
    assert RecordBook(None, "https://api", _NOW).path.parent == home / state / "orphans"


def test_the_users_own_choice_counts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "mine"))
    monkeypatch.setattr(platformdirs, "PlatformDirs", Unix)
    assert RecordBook(None, "https://api", _NOW).path.parent == home / "mine" / "kubectl-pets" / "orphans"


def test_a_record_needs_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platformdirs, "user_state_path", lambda *args, **kw: Path("~/.local/state"))
    with pytest.raises(PetsError, match="no home folder") as caught:
        RecordBook(None, "https://api", _NOW)
    assert caught.value.hint == "give one with --record DIR"
