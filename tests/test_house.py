"""One word, one thing: what import contracts cannot hold."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import kubectl_pets

ROOT = Path(kubectl_pets.__file__).parent

#: Text in which kubectl is spoken of and nothing is to be typed: the program's own name, what others are called, what kubectl
#: does; and what is put into a shell's or kubectl's own files.
SPOKEN = (
    r"^kubectl pets ?$",
    r"^kubectl apply$",
    r"complete kubectl pets|'kubectl pets'|'kubectl pets completion install' does the rest",
    r"kubectl completion (bash|zsh|fish)|^\.\n\n    \x08\n    Example:\n      kubectl pets completion $",
    r"next kubectl apply|as of kubectl diff|kubectl (does|will|would|finds|runs|asks)\b",
)


#: Modules of prose: pages about rules, which are read without a set and name verbs, and titles of documents.
PROSE = ("views/doctor/page.py", "views/doctor/pages.py", "views/doctor/pipelines.py")


def texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The string constants of a module, parts of f-strings among them, but no docstring: with the line of each."""
    told = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            told.add(id(node.body[0].value))  # type: ignore[attr-defined]
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.lineno, node.value


def test_no_command_is_spelt_but_by_pasting() -> None:
    """Else it would lack the flags of the run, or do what a hostile name says (``pasting``)."""
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        if str(path.relative_to(ROOT)) in PROSE:
            continue
        for line, text in texts(ast.parse(path.read_text(encoding="utf-8"))):
            if re.search(r"\bkubectl [a-z]", text) and not any(re.search(each, text) for each in SPOKEN):
                found.append(f"{path.relative_to(ROOT)}:{line}: {text}")
    assert found == []


#: Loops without end in flows and commands, none of which waits: what they do is planned anew after a conflict, or after each step.
LOOPS = {"flows/orphans/clear.py": 1, "flows/orphans/restore.py": 1}


def test_whoever_waits_waits_through_the_engine() -> None:
    """A loop of a verb's own, or a sleep, would not ride out what the engine rides out."""
    loops: dict[str, int] = defaultdict(int)
    sleeps = []
    for path in sorted(each for room in ("flows", "commands") for each in (ROOT / room).rglob("*.py")):
        if path.parent.name == "engine":
            continue
        name = str(path.relative_to(ROOT))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            loops[name] += isinstance(node, ast.While) and isinstance(node.test, ast.Constant)
            if isinstance(node, ast.Name | ast.Attribute | ast.alias):
                word = getattr(node, "id", "") or getattr(node, "attr", "") or getattr(node, "name", "")
                sleeps += [name] if word == "sleep" else []
    assert sleeps == [] and {name: number for name, number in loops.items() if number} == LOOPS


def test_no_name_of_a_class_stands_twice() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    root = Path(kubectl_pets.__file__).parent
    for path in sorted(root.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(root)))
    assert len(places) > 300
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_the_map_has_every_room() -> None:
    """CONTRIBUTING's tables name each folder of each floor, and of the domain each module that stands outside the rooms."""
    page = (ROOT.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for floor in ("flows", "domain", "views", "cluster"):
        _, _, after = page.partition(f"| {floor}/ |")
        rows = "\n".join(line.split("|")[1] for line in after.split("\n\n")[0].splitlines() if line.startswith("|"))
        rooms = {each.name for each in (ROOT / floor).iterdir() if (each / "__init__.py").exists()}
        rooms |= {each.stem for each in (ROOT / floor).glob("*.py")} - {"__init__", "client"}
        assert {room for room in rooms if not re.search(rf"`{room}/?`", rows)} == set(), floor
