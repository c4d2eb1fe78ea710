"""One word, one thing: what import contracts cannot hold."""

import ast
from collections import defaultdict
from pathlib import Path

import kubectl_pets


def test_no_name_of_a_class_stands_twice() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    root = Path(kubectl_pets.__file__).parent
    for path in sorted(root.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(root)))
    assert len(places) > 300
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
