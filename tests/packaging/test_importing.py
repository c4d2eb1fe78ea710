"""How the executable finds its modules: those that lie there as they are, compressed ones, libraries, and stand-ins."""

import hashlib
import importlib
import inspect
import marshal
import os
import subprocess
import sys
import textwrap
import threading
import zlib
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from krew import build, contents, importing
from kubectl_pets.__main__ import VERBS
from tests.packaging.frozen import Frozen


def later(folder: Path, name: str, source: str) -> importing.LaterLoader:
    path = folder / f"{name}.py"
    path.write_text(source, encoding="utf-8")
    return importing.LaterLoader(spec_from_file_location(name, path))


def stand_in(loader: importing.LaterLoader, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec: Any = getattr(loader, "_spec")
    made = type(spec)(spec.name, loader, origin=spec.origin)
    module = loader.create_module(made)
    module.__spec__ = made
    monkeypatch.setitem(sys.modules, spec.name, module)
    loader.exec_module(module)
    return module


def test_a_stand_in_loads_its_module_when_something_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = stand_in(later(tmp_path, "seldom_a", "import os\nos.environ['SELDOM_A'] = 'loaded'\nvalue = [1]\n"), monkeypatch)
    monkeypatch.delenv("SELDOM_A", raising=False)
    assert not hasattr(module, "__path__") and not hasattr(module, "__file__"), "what the import system asks for is no reason"
    assert "SELDOM_A" not in os.environ
    assert module.value == [1] and os.environ["SELDOM_A"] == "loaded"
    assert sys.modules["seldom_a"] is not module and sys.modules["seldom_a"].value is module.value, "whoever imports it now gets it"
    with pytest.raises(AttributeError, match="nothing_like_it"):
        module.nothing_like_it  # noqa: B018


def test_threads_get_one_module_and_a_whole_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one asks while the first one is loading it: for the last name in it."""
    source = "import builtins\nbuiltins.seldom_b_begun.set()\nassert builtins.seldom_b_go.wait(60)\nlast = object()\n"
    module = stand_in(later(tmp_path, "seldom_b", source), monkeypatch)
    begun, go, found = threading.Event(), threading.Event(), list[object]()
    monkeypatch.setattr("builtins.seldom_b_begun", begun, raising=False)
    monkeypatch.setattr("builtins.seldom_b_go", go, raising=False)
    threads = [threading.Thread(target=lambda: found.append(module.last)) for _ in range(4)]
    threads[0].start()
    assert begun.wait(60)
    for thread in threads[1:]:
        thread.start()
    assert found == []
    go.set()
    for thread in threads:
        thread.join(60)
    assert len(found) == 4 and len(set(map(id, found))) == 1


def test_what_failed_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = stand_in(later(tmp_path, "seldom_c", "import os\nvalue = os.environ['SELDOM_C']\n"), monkeypatch)
    monkeypatch.delenv("SELDOM_C", raising=False)
    with pytest.raises(KeyError):
        module.value  # noqa: B018
    monkeypatch.setenv("SELDOM_C", "there")
    assert module.value == "there"


@pytest.mark.parametrize("text", ["", "One line.", "  Two\n    lines\n", "\tTabs", " One before.", "A\n\n  B\n    C\n", "end \n"])
def test_help_is_cleaned_as_inspect_does_it(text: str) -> None:
    loader = importing.LaterLoader(inspect.__spec__)
    setattr(loader, "_module", inspect)
    assert getattr(loader, "_cleandoc")(text) == inspect.cleandoc(text)


def test_functions_that_others_take_at_once_load_their_module_when_they_are_called(monkeypatch: pytest.MonkeyPatch) -> None:
    loader = importing.LaterLoader(hashlib.__spec__)
    taken = [getattr(loader.create_module(hashlib.__spec__), name) for name in ("md5", "sha1", "sha256")]
    asked: list[ModuleType] = []

    def load() -> ModuleType:
        asked.append(hashlib)
        return hashlib

    monkeypatch.setattr(loader, "_load", load)
    assert not asked
    told = [each(b"what", usedforsecurity=False).hexdigest() for each in taken]
    assert told == [hashlib.new(name, b"what").hexdigest() for name in ("md5", "sha1", "sha256")] and len(asked) == 1


@pytest.mark.parametrize(
    "name", ["example.com", "a", "localhost", "10.0.0.1", "a.", ".", "", "a..b", "x" * 63, "x" * 64, "bücher.example", "日本.jp", "A.Example"]
)
@pytest.mark.parametrize("errors", ["strict", "ignore"])
def test_names_of_hosts_are_encoded_as_python_does_it(name: str, errors: str) -> None:
    def told(encode: Any) -> object:
        try:
            return encode(name, errors)
        except UnicodeError as error:
            return type(error), str(error)

    from encodings import idna

    assert told(importing.encoded) == told(idna.getregentry().encode)
    assert importing.decoded(b"xn--bcher-kva.example") == idna.getregentry().decode(b"xn--bcher-kva.example")


@pytest.mark.skipif(sys.platform == "win32", reason="there PyInstaller reads its archive itself")
@pytest.mark.parametrize("modules", [0, 3, 5_000])
@pytest.mark.parametrize("behind", [b"", b"what else is in the executable" * 10_000])
def test_the_table_of_the_archive_is_read_however_long_it_is(tmp_path: Path, modules: int, behind: bytes) -> None:
    table = [(f"package.module{number}", (0, 12 + number, 34)) for number in range(modules)]
    head = b"PYZ\0" + b"\xa7\x0d\x0d\x0a" + (12 + 7).to_bytes(4, "big") + b"modules"
    path = tmp_path / "what?is it"
    path.write_bytes(b"before" + head + marshal.dumps(table) + behind)
    assert importing.Finder(f"{path}?6").toc == dict(table)


@pytest.mark.skipif(sys.platform == "win32", reason="there PyInstaller reads its archive itself")
def test_a_table_that_is_cut_off_is_an_error(tmp_path: Path) -> None:
    whole = b"PYZ\0" + b"\xa7\x0d\x0d\x0a" + (12).to_bytes(4, "big") + marshal.dumps([("a", (0, 1, 2))] * 9_000)
    (tmp_path / "it").write_bytes(whole[:-1])
    with pytest.raises((EOFError, ValueError)):
        importing.Finder(f"{tmp_path / 'it'}?0")


class Lying(importing.Finder):
    """A finder over a file of its own, in which one library lies."""

    def __init__(self, file: Path, place: int, length: int) -> None:
        self._file, self._start, self._pread = os.open(file, os.O_RDONLY), 0, os.pread
        self._locks, self._unpacked = {}, set()
        self.toc = {"it": (importing.LIBRARY, place, length)}

    def copied(self, target: Path) -> bytes:
        with open(target, "wb") as opened:
            self._copy("it", opened)
        os.close(self._file)
        return target.read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="there libraries do not lie among the modules")
@pytest.mark.parametrize("way", ["whole", "in pieces", "breaks off", "not at all"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_library_is_copied_whole_whatever_the_system_can_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, packed: bool
) -> None:
    content = b"\x7fELF" + os.urandom(100_000)
    data = zlib.compress(content) if packed else content
    (tmp_path / "file").write_bytes(b"before" + data + b"after")
    sendfile, asked = getattr(os, "sendfile", None), list[int]()

    def played(target: int, source: int, start: int, length: int) -> int:
        asked.append(length)
        if sendfile is None or way == "not at all" or (way == "breaks off" and len(asked) > 1):
            raise OSError(38, "Function not implemented")
        sent: int = sendfile(target, source, start, length if way == "whole" else min(length, 30_000))
        return sent

    monkeypatch.setattr(os, "sendfile", played, raising=False)
    assert Lying(tmp_path / "file", 6, len(data)).copied(tmp_path / "copy") == content
    assert bool(asked) == (not packed and sys.platform == "linux")


def test_what_the_executable_has_in_place_of_modules_gives_what_they_give() -> None:
    """All that somebody may take from ``datetime``, which C code asks for, too; and words of click's in no other language."""
    script = """
        import datetime, gettext, runpy, sys
        names = {*datetime.__all__, "datetime_CAPI"}
        said = [gettext.gettext("No such option"), *(gettext.ngettext("one", "several", number) for number in range(3))]
        for name in ("datetime", "_strptime", "gettext", "msgspec"):
            sys.modules.pop(name, None)
        runpy.run_path("krew/start.py")
        import datetime as ours, gettext as theirs
        assert not hasattr(ours, "_check_int_field") or sys.version_info >= (3, 12), "the one that is written in Python"
        assert names <= set(dir(ours)), names - set(dir(ours))
        assert [theirs.gettext("No such option"), *(theirs.ngettext("one", "several", number) for number in range(3))] == said
        import msgspec
        moment = msgspec.json.decode(b'"2026-01-02T03:04:05Z"', type=ours.datetime)
        assert moment == ours.datetime.strptime("2026-01-02 03:04:05 +0000", "%Y-%m-%d %H:%M:%S %z") and moment.tzinfo is ours.UTC
    """
    environ = {**os.environ, "LANG": "C", "LANGUAGE": ""}
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], cwd=build.ROOT, env=environ, check=True)


def test_a_file_is_opened_as_none_of_the_streams() -> None:
    script = "import os\nfrom krew import importing\nos.close(0)\nos.close(1)\nn = importing.opened(os.devnull)\n" \
        "free = os.open(os.devnull, os.O_RDONLY)\nos._exit(0 if n > 2 and free == 0 else 1)\n"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_every_verb_and_what_hardly_any_run_loads(frozen: Frozen) -> None:
    """Each verb's modules are found, compressed or not; a host that is not written in ASCII asks for a library that is unpacked only
    then."""
    for name in VERBS:
        frozen(name, "--help")
    told = frozen("status", "web", "--server", "http://b\u00fccher.invalid:1", expect=1)
    assert "b\u00fccher.invalid" in told.stderr and "defect" not in told.stderr


def test_what_is_taken_from_modules_that_are_loaded_later_is_what_they_have() -> None:
    """Each name is there in the module, so that it can be handed on when it is called."""
    for name, parts in getattr(importing, "_TAKEN").items():
        module = importlib.import_module(name)
        assert [part for part in parts if not hasattr(module, part)] == []
    assert importing.LATER >= getattr(importing, "_TAKEN").keys()


def test_a_start_loads_nothing_that_is_to_be_loaded_later() -> None:
    """Of what the executable has stand-ins for, reading a set asks for nothing before it has an answer."""
    script = f"""
        import sys
        sys.path[:0] = {[str(build.ROOT), *(path for path in sys.path if "site-packages" in path)]!r}
        from importlib.machinery import ModuleSpec, PathFinder
        from krew import importing

        class Finder:
            def find_spec(self, name, path=None, target=None):
                found = PathFinder.find_spec(name, path) if name in importing.LATER else None
                return found and ModuleSpec(name, importing.LaterLoader(found), origin=found.origin)

        sys.meta_path.insert(0, Finder())
        exec(open("krew/start.py", encoding="utf-8").read())
        for name in {contents.FIRST!r}:
            __import__(name)
        for name in sorted(importing.LATER & sys.modules.keys()):
            module = sys.modules[name]
            if type(module) is not importing.Later or module.__spec__.loader._module is not None:
                print(name)
    """
    done = subprocess.run([sys.executable, "-I", "-S", "-c", textwrap.dedent(script)], cwd=build.ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.skipif(sys.platform == "win32", reason="there libraries do not lie among the modules")
def test_a_library_that_is_unpacked_ahead_is_whole_for_who_asks_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content, folder, copied = os.urandom(3_000_000), tmp_path / "unpacked", list[str]()
    folder.mkdir()
    (tmp_path / "it").write_bytes(content)
    monkeypatch.setattr(sys, "_MEIPASS", str(folder), raising=False)

    class Noting(Lying):
        def _copy(self, name: str, target: Any) -> None:
            copied.append(name)
            super()._copy(name, target)

    finder = Noting(tmp_path / "it", 0, len(content))
    finder.toc = {"libcrypto.so.3": (importing.LIBRARY, 0, len(content)), "_ssl": (importing.LIBRARY, 0, 1_000)}
    threads = [threading.Thread(target=getattr(finder, "_ahead"), args=("_ssl",)) for _ in range(3)]
    for thread in threads:
        thread.start()
    getattr(finder, "_unpack")("libcrypto.so.3", str(folder / "libcrypto.so.3"))
    assert (folder / "libcrypto.so.3").read_bytes() == content
    for thread in threads:
        thread.join(60)
    assert copied == ["libcrypto.so.3"] and not (folder / "_ssl").exists()
