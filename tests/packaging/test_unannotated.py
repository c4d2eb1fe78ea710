"""Code without what only type checkers read does what it did, and nobody in the executable asks for what is gone."""

import ast
import subprocess
import sys
import textwrap
import traceback
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from PyInstaller.archive.readers import CArchiveReader

from krew import build, parts
from krew.importing import Finder
from krew.unannotated import compiled

SOURCE = b'''\
"""What it is."""
from __future__ import annotations
import enum
import functools
from typing import NamedTuple, Protocol, TypedDict, TypeVar, overload
import msgspec
T = TypeVar("T")
LIMIT: int = 3
LATER: str
class Port(Protocol):
    """A port."""
    name: str
    def ask(self, question: str) -> str: ...
class Both(Port, Protocol):
    pass
class Of(Protocol[T]):
    pass
class Value(msgspec.Struct, frozen=True):
    size: int
    label: str = "none"
class Pair(NamedTuple):
    one: int
    other: int = 2
class Options(TypedDict, total=False):
    deep: bool
class Colour(enum.StrEnum):
    RED = "red"
@overload
def twice(it: int) -> int: ...
@overload
def twice(it: str) -> str: ...
@functools.cache
def twice(it: int | str, /, *rest: int, times: int = 2, **more: str) -> int | str:
    """Twice of it."""
    found: int | str = it * times
    self_like: list[Unknown] = []
    return found
@functools.singledispatch
def told(it: object) -> str:
    return "something"
@told.register
def _(it: "int") -> str:
    return "a number"
async def later(it: Unknown) -> Unknown:
    def inner(of: Unknown) -> Unknown:
        return of
    return inner(it)
def fails(it: Unknown) -> None:
    raise ValueError(it)
'''


def made(name: str) -> dict[str, Any]:
    space: dict[str, Any] = {"__name__": name}
    exec(compiled(SOURCE, name, Path("somewhere.py"), 1), space)
    return space


def test_what_it_does_stays() -> None:
    space = made("kubectl_pets.example")
    assert space["__doc__"] == "What it is." and space["twice"].__doc__ == "Twice of it."
    assert space["LIMIT"] == 3 and "LATER" not in space
    assert space["twice"]("ab") == "abab" and space["twice"](3, times=3) == 9
    assert space["Value"](2) == space["Value"](size=2, label="none") and space["Pair"](1) == (1, 2)
    assert (space["told"](1), space["told"]("1")) == ("a number", "something")
    assert space["Colour"]("red") is space["Colour"].RED
    with pytest.raises(ValueError) as failure:
        space["fails"](1)
    last = traceback.extract_tb(failure.value.__traceback__)[-1]
    assert (last.filename, last.lineno) == ("somewhere.py", SOURCE.count(b"\n")), "a traceback tells the line of the source"


def test_annotations_stay_in_classes_alone() -> None:
    space = made("kubectl_pets.example")
    for each in (space["twice"].__wrapped__, space["later"], space["fails"], space["Port"].ask):
        assert each.__annotations__ == {}
    assert "__annotations__" not in space
    assert list(space["Value"].__annotations__) == ["size", "label"] and list(space["Options"].__annotations__) == ["deep"]


def test_protocols_are_classes_like_others_where_they_are_ours() -> None:
    ours, theirs = made("kubectl_pets.example"), made("urllib3.example")
    assert type(ours["Port"]) is type and ours["Both"].__mro__ == (ours["Both"], ours["Port"], object)
    assert getattr(ours["Of"], "_is_protocol"), "one of a type variable stays what it is"
    assert getattr(theirs["Port"], "_is_protocol")


def test_it_is_optimized_as_python_does_it() -> None:
    space: dict[str, Any] = {}
    exec(compiled(b'def one() -> None:\n    """Of it."""\n    assert False\n', "one", Path("one.py"), 2), space)
    assert space["one"].__doc__ is None and space["one"]() is None


@pytest.mark.skipif(sys.platform == "win32", reason="PyInstaller's own reader finds modules there")
def test_modules_in_the_executable_are_without_them(dist: Path) -> None:
    tree = ast.parse((build.ROOT / "kubectl_pets" / "errors.py").read_bytes())
    assert [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.returns], "there is something to take away"
    assert "return" not in _constants(_code(dist / build.NAME, "kubectl_pets.errors"))


def _code(executable: Path, name: str) -> CodeType:
    archive = CArchiveReader(str(executable))
    start = archive._start_offset + archive.toc["PYZ.pyz"][0]
    code: CodeType = Finder(f"{executable}?{start}").code(name)
    return code


def _constants(code: CodeType) -> set[object]:
    """Those of a module and of all that is in it; names of annotations are in tuples."""
    found = {name for each in code.co_consts for name in (each if isinstance(each, tuple) else (each,))}
    return found.union(*(_constants(each) for each in code.co_consts if isinstance(each, CodeType)))


#: Who asks for annotations at all, and of what.
OF_CLASSES = {
    "dataclasses": "of the classes that it makes",
    "msgspec._utils": "of Structs",
    "typing": "of classes as they are made; get_type_hints is what others have to ask",
}
OF_NOBODY = {
    "functools": "register of singledispatch, for which they stay; wraps copies what is there",
    "importlib.resources._common": "register of singledispatch",
    "importlib.resources.abc": "runtime_checkable, of what is not ours",
    "inspect": "signature, of which nobody reads annotations",
    "pkgutil": "singledispatch, with types",
    "reprlib": "copies what is there",
}


def test_nobody_asks_functions_for_their_annotations(dist: Path) -> None:
    words = {"__annotations__", "get_type_hints", "get_annotations", "singledispatch", "runtime_checkable"}
    asking = {name for name, code in _sources(dist) if words & (_names(code) | _texts(code))}
    assert asking <= OF_CLASSES.keys() | OF_NOBODY.keys()
    assert "msgspec._utils" in asking, "they are looked for where they are"


def test_what_is_said_not_to_be_there_is_not(dist: Path) -> None:
    inside = parts.contents(dist / build.NAME).modules
    assert not {name.partition(".")[0] for name in inside} & _constant("NOT_THERE")


def test_nobody_asks_for_classes_that_are_not_made(dist: Path) -> None:
    unnamed = _constant("UNNAMED")
    for name, code in _sources(dist):
        texts: set[str] = set() if name in ("ssl", "socket") else _texts(code)  # where they would be made
        assert not unnamed & (_names(code) | texts), name


def _sources(dist: Path) -> Iterator[tuple[str, ast.AST]]:
    """What the modules in the executable were made of, but for those that the build has made."""
    for name in sorted(parts.contents(dist / build.NAME).modules - {"kubectl_pets_build", "kubectl_pets_patterns"}):
        spec = find_spec(name)
        if spec is not None and spec.origin is not None and spec.origin.endswith(".py"):
            yield name, ast.parse(Path(spec.origin).read_bytes())


def _names(code: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(code):
        match node:
            case ast.Name(id=word) | ast.Attribute(attr=word) | ast.alias(name=word):
                found.add(word)
    return found


def _texts(code: ast.AST) -> set[str]:
    """By which an attribute may be asked for."""
    return {node.value for node in ast.walk(code) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def _constant(name: str) -> set[str]:
    tree = ast.parse((build.ROOT / "krew" / "start.py").read_bytes())
    value = next(node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name)
    literal = value.args[0] if isinstance(value, ast.Call) else value
    return set(ast.literal_eval(literal))


def test_constants_are_the_numbers_that_they_were() -> None:
    script = """
        import runpy, sys
        runpy.run_path("krew/start.py")
        import socket, ssl
        assert (ssl.SSL_ERROR_EOF, socket.MSG_PEEK) == (8, 2) and type(socket.AI_PASSIVE) is type(ssl.SSL_ERROR_EOF) is int
        assert not hasattr(ssl, "AlertDescription") and not hasattr(socket, "MsgFlag")
        assert isinstance(ssl.create_default_context().options, ssl.Options)
        assert isinstance(socket.socket().family, socket.AddressFamily)
        socket.getaddrinfo("127.0.0.1", 1, flags=socket.AI_NUMERICHOST)
        try:
            import brotli
        except ModuleNotFoundError:
            sys.exit(0)
        sys.exit("found")
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], cwd=build.ROOT, check=True)
