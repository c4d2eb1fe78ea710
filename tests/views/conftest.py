"""Every document that a test of the views writes down is held against the schema of its kind."""

import json
import sys
from typing import Any

import msgspec
import pytest

from kubectl_pets.views.rollout import documents
from tests.schemas import check


@pytest.fixture(autouse=True)
def as_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checks what is handed to ``dump`` by whatever view."""
    whole = documents.dump

    def dump(document: dict[str, Any], output: str) -> str:
        if document.get("apiVersion") == documents.API_VERSION:
            check(json.loads(msgspec.json.encode(document)))
        return whole(document, output)

    for name, module in tuple(sys.modules.items()):
        if name.startswith("kubectl_pets.views") and getattr(module, "dump", None) is whole:
            monkeypatch.setattr(module, "dump", dump)
