"""Scenes of an Advanced StatefulSet, as its real controller left it; see the file."""

import json
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from kubectl_pets.domain.model import ControllerRevision, PersistentVolumeClaim, Pod, SetView, StatefulSet

_TYPES: dict[str, Any] = {
    "StatefulSet": StatefulSet,
    "ControllerRevision": ControllerRevision,
    "Pod": Pod,
    "PersistentVolumeClaim": PersistentVolumeClaim,
}


@cache
def _scenes() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((Path(__file__).parent.parent / "scenes" / "kruise.yaml").read_text())
    return found


def names() -> list[str]:
    return list(_scenes())


def objects(name: str) -> list[dict[str, Any]]:
    """As they were read, to be changed at will."""
    found: list[dict[str, Any]] = json.loads(json.dumps(_scenes()[name]["objects"]))
    return found


def look(name: str, change: Callable[[dict[str, Any]], None] | None = None) -> tuple[SetView, datetime]:
    """The set with what belongs to it, and when it was read. ``change``: what is different in each of the objects."""
    read: dict[str, list[Any]] = {kind: [] for kind in _TYPES}
    for item in objects(name):
        if change is not None:
            change(item)
        read[item["kind"]].append(msgspec.json.decode(json.dumps(item), type=_TYPES[item["kind"]]))
    (owner,) = read["StatefulSet"]
    view = SetView(
        set=owner,
        pods=tuple(read["Pod"]),
        revisions=tuple(read["ControllerRevision"]),
        claims=tuple(read["PersistentVolumeClaim"]),
    )
    return view, _scenes()[name]["now"]
