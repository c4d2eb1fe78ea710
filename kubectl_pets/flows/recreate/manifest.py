"""The manifest of one set, out of a file or of stdin, as ``helm template`` or a repository has it: among others, perhaps."""

from pathlib import Path
from typing import Any

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.doctor.manifests import items_of
from kubectl_pets.errors import UsageError
from kubectl_pets.flows.engine.documents import documents_in, text_of
from kubectl_pets.session import Session


def manifest_of(session: Session, file: str, name: str) -> dict[str, Any]:
    """The StatefulSet of that name. Raises UsageError where there is none, or more than one."""
    text = session.terminal.stdin.read() if file == "-" else text_of(Path(file))
    shown = "stdin" if file == "-" else clean(file)
    found = [
        item
        for _, document in documents_in(shown, text)
        for item in items_of(document)
        if item.get("kind") == "StatefulSet" and str(item.get("apiVersion", "")).startswith("apps/")
    ]
    wanted = [each for each in found if _place(each) in ((name, ""), (name, session.namespace))]
    if len(wanted) != 1:
        there = ", ".join(clean("/".join(filter(None, reversed(_place(each))))) for each in found) or "none"
        which = "no" if not wanted else "more than one"
        wants = f"StatefulSet {clean(name)} of namespace {clean(session.namespace)}"
        raise UsageError(f"{shown} has {which} {wants}; it has {there}.")
    return wanted[0]


def _place(item: dict[str, Any]) -> tuple[str, str]:
    meta = item.get("metadata")
    meta = meta if isinstance(meta, dict) else {}
    return str(meta.get("name", "")), str(meta.get("namespace") or "")
