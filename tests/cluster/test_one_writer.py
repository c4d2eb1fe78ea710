"""Every change that this program can make is a value in ``domain.changes``, and one module sends them."""

import ast
from pathlib import Path
from typing import get_args

import kubectl_pets
from kubectl_pets.domain import changes

HOME = Path(kubectl_pets.__file__).parent
WRITER = "cluster/objects/writes.py"

#: POST that changes nothing in the cluster: a SelfSubjectAccessReview is a question.
ASKERS = {"cluster/objects/rights.py"}
_METHODS = {"POST", "PUT", "PATCH", "DELETE"}


def test_no_other_module_sends_a_write() -> None:
    found = set()
    for path in HOME.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and node.value in _METHODS:
                found.add(str(path.relative_to(HOME)))
    assert WRITER in found
    assert found - {WRITER} <= ASKERS


def test_every_change_is_carried_out_there() -> None:
    text = (HOME / WRITER).read_text(encoding="utf-8")
    for kind in get_args(changes.Change):
        assert kind.__name__ in text, kind
    defined = {
        node.name
        for node in ast.parse((HOME / "domain/changes.py").read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and any(keyword.arg == "tag" for keyword in node.keywords)
    }
    assert defined == {kind.__name__ for kind in get_args(changes.Change)}
