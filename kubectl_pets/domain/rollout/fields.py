"""Who owns which field of a set's spec: managedFields, whole and with the values that they point at."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from kubectl_pets.domain.model import Object, ObjectMeta, Value


class FieldsEntry(Value, frozen=True):
    """metav1.ManagedFieldsEntry with its fields as they are."""

    manager: str = ""
    operation: str = ""
    subresource: str = ""
    #: RFC 3339, as the API has it.
    time: str | None = None
    fields_v1: dict[str, Any] = {}


class FieldsMeta(ObjectMeta, frozen=True):
    managed_fields: Any = ()


class FieldsOwner(Object, frozen=True):
    """A StatefulSet with all that managedFields and its spec hold."""

    metadata: FieldsMeta = FieldsMeta()
    spec: dict[str, Any] = {}


class OwnedField(msgspec.Struct, frozen=True, kw_only=True):
    """A field of the spec that somebody owns. ``path``: below the spec, ``template.spec.containers[name=app].image``. ``value``:
    what it holds; UNSET where it is not there any more. Both are untrusted."""

    path: str
    value: Any = msgspec.UNSET


def entries_of(owner: FieldsOwner) -> tuple[FieldsEntry, ...]:
    """All entries. Raises msgspec.ValidationError where managedFields are none of the API's."""
    return msgspec.convert(owner.metadata.managed_fields or (), tuple[FieldsEntry, ...])


def time_of(entry: FieldsEntry) -> datetime | None:
    """When it last wrote something; None where that is none of the API's times."""
    try:
        return msgspec.convert(entry.time, datetime) if entry.time else None
    except msgspec.ValidationError:
        return None


def leaves(fields: Any, value: Any, path: str = "") -> Iterator[OwnedField]:
    """The ends of a fieldsV1 tree (structured-merge-diff fieldpath), with the values that they point at."""
    below = {key: under for key, under in fields.items() if key != "."} if isinstance(fields, dict) else {}
    if not below:
        yield OwnedField(path=path, value=value)
        return
    for key, under in below.items():
        step, found = _into(key, value)
        yield from leaves(under, found, f"{path}.{step}" if path and not step.startswith("[") else f"{path}{step}")


def _into(key: str, value: Any) -> tuple[str, Any]:
    """One step of a path: its text, and what lies there."""
    kind, _, text = key.partition(":")
    if kind == "f":
        return text, value.get(text, msgspec.UNSET) if isinstance(value, dict) else msgspec.UNSET
    try:
        wanted = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return f"[{text}]", msgspec.UNSET
    if kind == "k" and isinstance(wanted, dict):
        items = value if isinstance(value, list) else []
        matches = (item for item in items if isinstance(item, dict) and wanted.items() <= item.items())
        return f"[{','.join(f'{key}={each}' for key, each in wanted.items())}]", next(matches, msgspec.UNSET)
    return f"[{text}]", wanted
