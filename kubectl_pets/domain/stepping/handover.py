"""Which fields of a set's spec does this program own, and how are they given back to whoever deploys the set?

Our changes are Updates under the field manager ``kubectl-pets``; a server-side apply of another value is a conflict with it until
our leaves are dropped from managedFields (KEP-555; seen with Helm 4 and kubectl apply on 1.37: the generation stays, applies pass
afterwards). Dropping is better than writing them under the deployer's name: a partition that its manifest does not state would
be removed by its next apply, and the pods that it holds would go.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum, unique
from typing import Any

import msgspec

from kubectl_pets.domain.changes import FIELD_MANAGER, SCALED_ANNOTATION, Operation, PatchSet
from kubectl_pets.domain.model import Object, ObjectMeta, Value

_PARTITION = "updateStrategy.rollingUpdate.partition"


class FieldsEntry(Value, frozen=True):
    """metav1.ManagedFieldsEntry with its fields as they are."""

    manager: str = ""
    subresource: str = ""
    fields_v1: dict[str, Any] = {}


class FieldsMeta(ObjectMeta, frozen=True):
    managed_fields: Any = ()


class FieldsOwner(Object, frozen=True):
    """A StatefulSet with all that managedFields and its spec hold."""

    metadata: FieldsMeta = FieldsMeta()
    spec: dict[str, Any] = {}


class OwnedField(msgspec.Struct, frozen=True, kw_only=True):
    """A field of the spec that is ours. ``path``: below the spec, ``template.spec.containers[name=app].image``. ``value``: what
    it holds; UNSET where it is not there any more. Both are untrusted."""

    path: str
    value: Any = msgspec.UNSET


@unique
class KeptReason(StrEnum):
    """Why nothing is handed over."""

    #: Our partition holds pods, or would hold the next change: whoever takes it over releases them.
    HOLDS = "partition-holds"


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """What is handed over: nothing where ``fields`` is empty. ``kept``: why it must not be."""

    fields: tuple[OwnedField, ...] = ()
    kept: KeptReason | None = None
    change: PatchSet | None = None


def handover(owner: FieldsOwner, scaled: datetime) -> Handover:
    """The fields that are ours and the change that drops them, on the condition that this is still the set. ``scaled``: when its
    replicas can last have changed, which stays noted: for how long claims are unused rests on it (``orphans.usage.last_scaled``).
    Raises msgspec.ValidationError where managedFields are none of the API's."""
    entries = [(index, entry) for index, entry in enumerate(_entries(owner)) if _ours(entry)]
    fields = tuple(field for _, entry in entries for field in _leaves(entry.fields_v1["f:spec"], owner.spec, ""))
    if not fields:
        return Handover()
    if any(field.path == _PARTITION and field.value not in (0, None, msgspec.UNSET) for field in fields):
        return Handover(fields=fields, kept=KeptReason.HOLDS)
    return Handover(fields=fields, change=_change(owner, [index for index, _ in entries], scaled))


def _entries(owner: FieldsOwner) -> tuple[FieldsEntry, ...]:
    return msgspec.convert(owner.metadata.managed_fields or (), tuple[FieldsEntry, ...])


def _ours(entry: FieldsEntry) -> bool:
    return entry.manager == FIELD_MANAGER and not entry.subresource and bool(entry.fields_v1.get("f:spec"))


def _change(owner: FieldsOwner, indices: list[int], scaled: datetime) -> PatchSet:
    meta = owner.metadata
    note = {SCALED_ANNOTATION: scaled.isoformat()}
    key = SCALED_ANNOTATION.replace("~", "~0").replace("/", "~1")
    operations = [
        Operation(op="test", path="/metadata/uid", value=meta.uid),
        Operation(op="test", path="/metadata/generation", value=meta.generation),
        Operation(op="test", path="/metadata/resourceVersion", value=meta.resource_version),
    ]
    for index in indices:
        operations.append(Operation(op="test", path=f"/metadata/managedFields/{index}/manager", value=FIELD_MANAGER))
        operations.append(Operation(op="remove", path=f"/metadata/managedFields/{index}/fieldsV1/f:spec"))
    where = ("/metadata/annotations", note) if not meta.annotations else (f"/metadata/annotations/{key}", note[SCALED_ANNOTATION])
    operations.append(Operation(op="add", path=where[0], value=where[1]))
    return PatchSet(namespace=owner.namespace, name=owner.name, operations=tuple(operations))


def _leaves(fields: Any, value: Any, path: str) -> Iterator[OwnedField]:
    """The ends of a fieldsV1 tree (structured-merge-diff fieldpath), with the values that they point at."""
    below = {key: under for key, under in fields.items() if key != "."} if isinstance(fields, dict) else {}
    if not below:
        yield OwnedField(path=path, value=value)
        return
    for key, under in below.items():
        step, found = _into(key, value)
        yield from _leaves(under, found, f"{path}.{step}" if path and not step.startswith("[") else f"{path}{step}")


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
