"""The regular expressions of the program, compiled when it is built: at a start that takes a fifth of all imports.

``python -m krew.patterns FILE`` loads every module of ours with what they need, notes each pattern that is compiled meanwhile,
and writes a module with the code that Python's own compiler made of it; krew/start.py hands that out. Patterns, their code and
the Python that made it are in one executable, so they cannot differ; whatever is not among them is compiled as always.
"""

import re
import sys
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from krew import contents

#: Pattern and flags, as ``re`` hands them to its compiler.
Asked = tuple[str | bytes, int]

_COMPILER: Any = getattr(re, "_compiler")
_PARSER: Any = getattr(re, "_parser")


class Compiled(NamedTuple):
    """What ``_sre.compile`` takes besides the pattern; ``code`` as 32-bit numbers in this machine's order."""

    flags: int
    code: bytes
    groups: int
    names: dict[str, int]
    indexes: tuple[str | None, ...]


def compiled(pattern: str | bytes, flags: int) -> Compiled:
    """As ``re._compiler.compile`` does it, up to the last call."""
    parsed = _PARSER.parse(pattern, flags)
    code = array("I", _COMPILER._code(parsed, flags)).tobytes()
    names = dict(parsed.state.groupdict)
    indexes: list[str | None] = [None] * parsed.state.groups
    for name, index in names.items():
        indexes[index] = name
    return Compiled(flags | parsed.state.flags, code, parsed.state.groups - 1, names, tuple(indexes))


@contextmanager
def noted() -> Iterator[set[Asked]]:
    """Which patterns are compiled in the block."""
    asked: set[Asked] = set()
    original: Callable[[Any, int], Any] = _COMPILER.compile

    def compile(pattern: Any, flags: int = 0) -> Any:
        if isinstance(pattern, str | bytes):
            asked.add((pattern, flags))
        return original(pattern, flags)

    re.purge()
    _COMPILER.compile = compile
    try:
        yield asked
    finally:
        _COMPILER.compile = original


def source(found: Mapping[Asked, Compiled]) -> str:
    """A module with the table; the same for the same patterns."""
    rows = sorted((repr(asked), repr(tuple(code))) for asked, code in found.items())
    return "\n".join(("PATTERNS = {", *(f"    {asked}: {code}," for asked, code in rows), "}", ""))


def main() -> None:
    target, root = Path(sys.argv[1]), Path(__file__).resolve().parents[1]
    with noted() as asked:
        for name in contents.modules(root):
            import_module(name)
    target.write_text(source({each: compiled(*each) for each in asked}), encoding="utf-8")


if __name__ == "__main__":
    main()
