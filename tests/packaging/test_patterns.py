"""Regular expressions that were compiled when the executable was built are those that Python would compile at its start."""

import enum
import re
import runpy
import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

from krew import build, patterns

START = build.ROOT / "krew" / "start.py"

#: What it says is not there.
NOT_THERE = ("_queue", "backports", "brotli", "brotlicffi")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> dict[patterns.Asked, tuple[Any, ...]]:
    target = tmp_path_factory.mktemp("patterns") / "kubectl_pets_patterns.py"
    subprocess.run([sys.executable, "-m", "krew.patterns", str(target)], cwd=build.ROOT, check=True)
    found: dict[patterns.Asked, tuple[Any, ...]] = runpy.run_path(str(target))["PATTERNS"]
    return found


def started(monkeypatch: pytest.MonkeyPatch, table: dict[patterns.Asked, tuple[Any, ...]]) -> list[Any]:
    """Run what the executable runs before the program. What Python's own compiler is asked for from now on is in the list."""
    compiler: Any = getattr(re, "_compiler")
    module, asked, own = ModuleType("kubectl_pets_patterns"), [], compiler.compile
    module.PATTERNS = table  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for name in ("datetime", "decimal", "gettext", "typing_extensions", *NOT_THERE):
        monkeypatch.setitem(sys.modules, name, sys.modules.get(name))
    monkeypatch.setattr(enum.EnumType, "_convert_", getattr(enum.EnumType, "_convert_"))

    def noting(pattern: Any, flags: int = 0) -> Any:
        asked.append(pattern)
        return own(pattern, flags)

    monkeypatch.setattr(compiler, "compile", noting)
    monkeypatch.setattr("gc.disable", lambda: None)
    monkeypatch.setattr("signal.signal", lambda *args: None)
    runpy.run_path(str(START))
    return asked


def test_each_is_what_python_compiles(table: dict[patterns.Asked, tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(table) > 100 and any("fA-F" in str(pattern) for pattern, _ in table), "urllib3's addresses are what takes longest"
    re.purge()
    recompile: Any = re.compile
    expected = {each: recompile(*each) for each in table}
    re.purge()
    asked = started(monkeypatch, table)
    for each, pattern in expected.items():
        found = recompile(*each)
        assert found == pattern, "the same code, flags and text"
        assert (found.groups, found.groupindex, found.flags) == (pattern.groups, pattern.groupindex, pattern.flags)
    assert asked == []
    re.purge()


def test_others_are_compiled_as_always(table: dict[patterns.Asked, tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    re.purge()
    asked = started(monkeypatch, table)
    assert re.fullmatch(r"(?P<seldom>a+)b?", "aab")["seldom"] == "aa"  # type: ignore[index]
    assert re.sub(b"[xy]{2}", b"-", b"axyb") == b"a-b"
    assert asked == [r"(?P<seldom>a+)b?", b"[xy]{2}"]
    with pytest.raises(re.error):
        re.compile("(")
    re.purge()


def test_two_tables_of_the_same_patterns_are_the_same(table: dict[patterns.Asked, tuple[Any, ...]]) -> None:
    compiled = {asked: patterns.compiled(*asked) for asked in table}
    backwards = dict(reversed(list(compiled.items())))
    assert patterns.source(compiled) == patterns.source(backwards)
    assert read(patterns.source(compiled)) == table


def read(source: str) -> dict[patterns.Asked, tuple[Any, ...]]:
    names: dict[str, Any] = {}
    exec(source, names)
    found: dict[patterns.Asked, tuple[Any, ...]] = names["PATTERNS"]
    return found
