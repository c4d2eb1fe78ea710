"""What is in the executable: nothing that no verb can reach, everything that one can, and a licence for each part."""

import ast
import json
import re
import sys
import typing
from importlib.util import find_spec
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from PyInstaller.archive.readers import CArchiveReader

from krew import build, contents, documents, parts
from kubectl_pets.__main__ import VERBS, cli
from kubectl_pets.cluster.http import library
from tests.packaging.conftest import LEFT_OUT
from tests.packaging.frozen import Frozen

MEGABYTES = 20


@pytest.fixture(scope="session")
def inside(dist: Path) -> parts.Contents:
    return parts.contents(dist / build.NAME)


def test_it_is_small(dist: Path) -> None:
    assert (dist / build.NAME).stat().st_size <= MEGABYTES * 1e6


def test_no_more_packages_than_are_named(inside: parts.Contents) -> None:
    tops = {name.partition(".")[0] for name in inside.modules}
    assert tops - sys.stdlib_module_names <= contents.PACKAGES
    assert not [name for name in inside.modules if name.startswith(("kubernetes.client.models", "kubernetes.client.api", "kubernetes.config"))]


def test_every_module_of_ours_is_inside(inside: parts.Contents) -> None:
    assert {*contents.modules(build.ROOT), "kubectl_pets_build", "kubectl_pets_patterns"} <= inside.modules


def test_whatever_we_import_is_inside(inside: parts.Contents) -> None:
    """Also what is imported in functions; what only types need is not."""
    missing = set()
    for path in (build.ROOT / "kubectl_pets").rglob("*.py"):
        for name in imported(ast.parse(path.read_text(encoding="utf-8"))):
            top = name.partition(".")[0]
            if top not in sys.stdlib_module_names and name not in inside.modules:
                missing.add(f"{path.relative_to(build.ROOT)}: {name}")
    assert not missing


def imported(tree: ast.AST) -> set[str]:
    """The modules that code imports, but for those under ``if TYPE_CHECKING``."""
    names: set[str] = set()
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module is not None, "imports are absolute"
            names.add(node.module)
        elif not (isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
            names |= imported(node)
    return names


def left_out(dist: Path) -> list[tuple[str, str, set[str]]]:
    """(module, importer, how) of each import of a module that is left out."""
    found = []
    for line in (dist / LEFT_OUT.name).read_text(encoding="utf-8").splitlines():
        if match := re.match(r"excluded module named '?([\w.]+)'? - imported by (.*)", line):
            for importer, how in re.findall(r"([^\s,]+) \(([^)]*)\)", match[2]):
                found.append((match[1], importer, set(how.split(", "))))
    return found


def test_nothing_that_is_loaded_needs_what_is_left_out(dist: Path) -> None:
    """An import that is neither in a function, nor in a `try`, nor under a condition would fail as soon as its module is loaded."""
    never_run = {"kubernetes", "kubernetes.client", "kubernetes.utils", "click._winconsole"}
    codecs = {"encodings", str(build.ROOT / "kubectl_pets" / "__main__.py")}  # a codec is looked up by name when it is asked for
    stood_in = {"multiprocessing": set(), "urllib.request": {"getproxies"}, "kubernetes.utils.retry": set(library.RETRIES)}
    assert set(stood_in) == contents.STOOD_IN
    assert left_out(dist), "the list is read as it is written"
    for module, importer, how in left_out(dist):
        if module == "typing_extensions":
            assert taken_from(module, importer) <= set(dir(typing)), f"krew/start.py has nothing to give to {importer}"
        elif module == "decimal":
            whole = importer == "msgspec.inspect"  # which asks for the same, where somebody asks it about a type
            assert whole or (importer, taken_from(module, importer)) == ("fractions", {"Decimal"}), importer
        elif module.startswith("_frozen_importlib"):
            assert module in sys.modules, "Python has it within itself before it imports anything"
        elif module in contents.STOOD_IN and importer.startswith("kubernetes.client."):
            assert taken_from(module, importer) <= stood_in[module], f"library.py has nothing to give to {importer}"
        elif how == {"top-level"} and importer not in never_run:
            assert importer in codecs and module.startswith("encodings."), f"{importer} cannot be loaded without {module}"


def taken_from(module: str, importer: str) -> set[str]:
    """The names that an importer takes from a module whenever it is loaded."""
    source = Path(find_spec(importer).origin)  # type: ignore[union-attr, arg-type]
    tree = ast.parse(source.read_text(encoding="utf-8"))
    taken = (node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == module)
    return {alias.name for node in taken for alias in node.names}


def test_what_we_import_ourselves_is_not_left_out(dist: Path) -> None:
    """But for what is only on Windows, and asked for there alone."""
    ours = [(module, importer) for module, importer, _ in left_out(dist) if importer.startswith("kubectl_pets")]
    assert [each for each in ours if sys.platform == "win32" or each != ("ctypes", "kubectl_pets.session")] == []


def test_help_has_its_words(frozen: Frozen) -> None:
    """Docstrings are stripped from what others wrote; ours are the help."""
    for name, verb in VERBS.items():
        about = (verb.load().help or "").strip().splitlines()[0].split(".")[0][:40]
        assert about and about in " ".join(frozen(name, "--help").stdout.split())
    assert (cli.help or "").splitlines()[0][:40] in frozen("--help").stdout


def test_it_says_what_it_is(frozen: Frozen) -> None:
    told = frozen("--version").stdout
    assert build.commit().removesuffix("-dirty") in told or not build.commit()
    assert "37." in told and f"{sys.version_info[0]}.{sys.version_info[1]}." in told


def test_libraries_are_unpacked_only_where_they_are_asked_for(inside: parts.Contents) -> None:
    """What PyInstaller's own program unpacks, at each start and in small pieces, is Python and what it needs to find the others."""
    if sys.platform != "linux":
        pytest.skip("elsewhere a library is looked for beside the one that links it")
    early = {name for name in inside.files if not name.startswith(("libcrypto", "libssl"))}
    assert {re.sub(r"\..*", "", Path(name).name) for name in early} == {"libpython3", "base_library"}


def test_on_linux_there_is_no_other_bootstrap(dist: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("elsewhere PyInstaller's own comes first")
    names = CArchiveReader(str(dist / build.NAME)).toc
    assert "importing" in names and [name for name in names if name.startswith(("pyi", "struct"))] == []


def test_every_part_has_its_licence(dist: Path, inside: parts.Contents) -> None:
    found = parts.parts(inside)
    names = {part.name.lower() for part in found}
    assert {"cpython", "openssl", "pyinstaller bootloader", "click", "kubernetes", "msgspec", "urllib3", "pyyaml", "tabulate"} <= names
    assert not names & {"pydantic", "requests", "mypy", "pytest", "kubectl-pets"}
    text = (dist / build.LICENCES).read_text(encoding="utf-8")
    assert text == documents.licences(found)
    for part in found:
        assert f"\n{part.name} {part.version}\n" in text and len(part.text) > 200


def test_the_parts_list_is_valid_and_complete(dist: Path, inside: parts.Contents) -> None:
    text = (dist / build.PARTS_LIST).read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    told = json.loads(text)
    assert len(told["components"]) == len(parts.parts(inside))
    assert {entry["name"] for entry in told["components"]} >= {"CPython", "OpenSSL", "click", "msgspec"}
    assert all(entry["version"] and entry["licenses"] and entry["purl"] for entry in told["components"])
    assert told["metadata"]["component"]["name"] == "kubectl-pets"
    assert "serialNumber" not in told, "it would differ each time"


def test_a_library_that_nobody_knows_ends_the_build() -> None:
    with pytest.raises(parts.UnknownPartError, match="libmystery.so.1"):
        parts.parts(parts.Contents(frozenset(), {"libmystery.so.1": 1}))


def test_a_package_that_nobody_knows_ends_the_build() -> None:
    assert contents.unknown_packages([("json", "", ""), ("click.core", "", ""), ("mystery.box", "", "")]) == {"mystery"}
