"""What was asked for, as the immutable fields of a spec: from a manifest, or from words like ``serviceName=web``."""

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from kubectl_pets.domain.claims.quantities import parse_bytes
from kubectl_pets.domain.recreate.content import IMMUTABLE

_PLAIN = ("serviceName", "podManagementPolicy")
_SELECTOR = "selector."
_TEMPLATE = re.compile(r"volumeClaimTemplates\[([^\[\]]+)\]\.(storage|storageClassName|volumeAttributesClassName)")

#: What --set takes.
SETTABLE = (
    "serviceName",
    "podManagementPolicy",
    "selector.LABEL",
    "volumeClaimTemplates[NAME].storage",
    "volumeClaimTemplates[NAME].storageClassName",
    "volumeClaimTemplates[NAME].volumeAttributesClassName",
)


class Unmeant(ValueError):
    """What cannot be meant; its text says why."""


def of_manifest(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The immutable fields of a StatefulSet as it was written; one that it does not have becomes None: the API server's own."""
    spec = manifest.get("spec")
    if not isinstance(spec, Mapping):
        raise Unmeant("it has no spec")
    return {field: spec.get(field) for field in IMMUTABLE}


def of_words(words: Sequence[str], spec: Mapping[str, Any]) -> dict[str, Any]:
    """``words``: FIELD=VALUE each; ``spec``: of the set as it is. Raises Unmeant."""
    wanted: dict[str, Any] = {}
    for word in words:
        field, equals, value = word.partition("=")
        if not equals:
            raise Unmeant(f"'{word}' is not FIELD=VALUE")
        _put(field, value, spec, wanted)
    return wanted


def sized(spec: Mapping[str, Any], template: str, size: str, attributes_class: str) -> dict[str, Any]:
    """The claim templates with another size and, unless it is empty, another VolumeAttributesClass in one of them."""
    words = [f"volumeClaimTemplates[{template}].storage={size}"]
    if attributes_class:
        words.append(f"volumeClaimTemplates[{template}].volumeAttributesClassName={attributes_class}")
    return of_words(words, spec)


def _put(field: str, value: str, spec: Mapping[str, Any], wanted: dict[str, Any]) -> None:
    found = _TEMPLATE.fullmatch(field)
    if field in _PLAIN:
        wanted[field] = value
    elif field.startswith(_SELECTOR) and field != _SELECTOR:
        selector = wanted.setdefault("selector", deepcopy(spec.get("selector") or {}))
        selector["matchLabels"] = {**(selector.get("matchLabels") or {}), field.removeprefix(_SELECTOR): value}
    elif found is not None:
        templates = wanted.setdefault("volumeClaimTemplates", deepcopy(spec.get("volumeClaimTemplates") or []))
        _change(templates, found[1], found[2], value)
    else:
        raise Unmeant(f"'{field}' is not one of {', '.join(SETTABLE)}")


def _change(templates: list[Any], name: str, what: str, value: str) -> None:
    names = [each.get("metadata", {}).get("name") for each in templates]
    if name not in names:
        raise Unmeant(f"there is no claim template {name}; there is {', '.join(map(str, names)) or 'none'}")
    spec = templates[names.index(name)].setdefault("spec", {})
    if what != "storage":
        spec[what] = value
    elif not parse_bytes(value):
        raise Unmeant(f"'{value}' is not a size like 20Gi")
    else:
        spec.setdefault("resources", {}).setdefault("requests", {})["storage"] = value
