"""What differs between two templates, in words and for programs.

In words the value of an environment variable is not shown, only that it changed: people put secrets where they should not, and
what is shown ends up in chats.
"""

from typing import Any

import msgspec

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.rollout.history import ABSENT, Difference

_MANY = 3
_VALUE_LENGTH = 40

_CONTAINERS = {"containers": "container", "initContainers": "init container", "ephemeralContainers": "ephemeral container"}
_ITEMS = {
    "env": "env",
    "ports": "port",
    "volumeMounts": "mount",
    "volumes": "volume",
    "labels": "label",
    "annotations": "annotation",
}


def changed(changes: tuple[Difference, ...] | None, *, wide: bool = False) -> str:
    """What changed, images first; ``-`` for the oldest revision, which nothing comes before."""
    if changes is None:
        return "-"
    texts = [phrase(item) for item in sorted(changes, key=lambda item: item.path[-1:] != ("image",))]
    if wide or len(texts) <= _MANY:
        return ", ".join(texts) or "nothing"
    return ", ".join(texts[:_MANY]) + f" and {len(texts) - _MANY} more"


def phrase(item: Difference) -> str:
    """One difference: ``image app: 1 -> 2``, ``env app/LOG added``."""
    subject, secret = _subject(item.path)
    if item.reordered:
        return f"{subject} reordered"
    if item.before is ABSENT or item.after is ABSENT:
        return f"{subject} {'added' if item.before is ABSENT else 'removed'}"
    if secret:
        return f"{subject} changed"
    before, after = _value(item.before), _value(item.after)
    if item.path[-1:] == ("image",) and ":" in before and before.rpartition(":")[0] == after.rpartition(":")[0]:
        before, after = before.rpartition(":")[2], after.rpartition(":")[2]
    if len(before) > _VALUE_LENGTH or len(after) > _VALUE_LENGTH:
        return f"{subject} changed"
    return f"{subject}: {before} -> {after}"


def _subject(path: tuple[str, ...]) -> tuple[str, bool]:
    """What the path is about, and whether its value had better not be shown."""
    words = [clean(part) for part in path]
    if len(words) > 1 and words[0] in ("spec", "metadata"):
        words = words[1:]
    owner, field = "", words
    if len(words) > 1 and words[0] in _CONTAINERS:
        owner, field = words[1], words[2:]
        if not field:
            return f"{_CONTAINERS[words[0]]} {owner}", False
    if field[:1] == ["image"]:
        return f"image {owner}", False
    item = "/".join(part for part in (owner, *field[1:2]) if part)
    if len(field) > 1 and field[0] in _ITEMS:
        rest = ".".join(field[2:])
        shown = "" if field[0] == "env" and rest == "value" else rest
        return f"{_ITEMS[field[0]]} {item}" + (f" {shown}" if shown else ""), field[0] == "env"
    secret = field[:1] in (["env"], ["command"], ["args"])
    return (f"{owner} " if owner else "") + (".".join(field) or "template"), secret


def _value(value: Any) -> str:
    return clean(value if isinstance(value, str) else msgspec.json.encode(value).decode())


def change(item: Difference) -> dict[str, Any]:
    """A difference for programs, values included: what is not there is left out, so that it differs from null."""
    sides = (("before", item.before), ("after", item.after))
    found: dict[str, Any] = {"path": item.path, **({"reordered": True} if item.reordered else {})}
    return {**found, **{key: value for key, value in sides if value is not ABSENT}}
