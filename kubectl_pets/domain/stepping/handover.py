"""Which fields of a set's spec does this program own, and how are they given back to whoever deploys the set?

Our changes are Updates under the field manager ``kubectl-pets``, or the ones that ``--field-manager`` named; a server-side apply
of another value is a conflict with it until our leaves are dropped from managedFields (KEP-555; seen with Helm 4 and kubectl
apply on 1.37: the generation stays, applies pass afterwards). Dropping is better than writing them under the deployer's name: a
partition that its manifest does not state would be removed by its next apply, and the pods that it holds would go.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.changes import FIELD_MANAGER, SCALED_ANNOTATION, Operation, PatchSet, annotation
from kubectl_pets.domain.rollout.fields import FieldsEntry, FieldsOwner, OwnedField, entries_of, leaves, time_of
from kubectl_pets.domain.rollout.history import RevisionEntry
from kubectl_pets.domain.rollout.managers import APPLY
from kubectl_pets.domain.rollout.writers import forgetting, our_names

_PARTITION = "updateStrategy.rollingUpdate.partition"


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
    #: The names under which they were written, our own first; that one where there are none.
    managers: tuple[str, ...] = (FIELD_MANAGER,)


def handover(owner: FieldsOwner, scaled: datetime, named: str = "") -> Handover:
    """The fields that are ours, by the names under which we wrote them, and the change that drops them, on the condition that
    this is still the set. ``named``: only what stands under that name; empty: under our own and all that were noted.

    ``scaled``: when its replicas can last have changed, which stays noted: for how long claims are unused rests on it
    (``orphans.usage.last_scaled``). Raises msgspec.ValidationError where managedFields are none of the API's.
    """
    ours = (named,) if named else our_names(owner.metadata.annotations)
    entries = [(index, entry) for index, entry in enumerate(entries_of(owner)) if _ours(entry, ours)]
    fields = tuple(field for _, entry in entries for field in leaves(entry.fields_v1["f:spec"], owner.spec))
    if not fields:
        return Handover(managers=ours[:1])
    written_as = tuple(name for name in ours if any(entry.manager == name for _, entry in entries))
    if any(field.path == _PARTITION and field.value not in (0, None, msgspec.UNSET) for field in fields):
        return Handover(fields=fields, kept=KeptReason.HOLDS, managers=written_as)
    change = _change(owner, entries, scaled)
    return Handover(fields=fields, change=change, managers=written_as)


#: A controller makes the revision of a new template so soon after it was applied.
_SOON = timedelta(seconds=15)

#: What an undo, and the rollout before it, write; a number of replicas is nobody's to give back unasked.
_OF_A_ROLLOUT = ("template.", "updateStrategy.rollingUpdate.")


def own_value_of(owner: FieldsOwner, found: Handover, history: Sequence[RevisionEntry]) -> str:
    """Whose own template the set has again, so that our fields can be given back unasked; untrusted text, empty: nobody's of whom
    that is certain.

    A deployer that applies on the server's side leaves the time of its last apply, and the revision that its template made is the
    first one after that, and right after it. What others made later (or in the same second), or stood there before, proves
    nothing.
    """
    wanted = next((each for each in history if each.update), None)
    entries = [entry for entry in entries_of(owner) if not entry.subresource and not _ours(entry, found.managers)]
    templates = [entry for entry in entries if "f:template" in (entry.fields_v1.get("f:spec") or {})]
    if found.change is None or found.kept is not None or wanted is None or len(templates) != 1:
        return ""
    if not all(field.path.startswith(_OF_A_ROLLOUT) for field in found.fields):
        return ""
    (entry,), made, applied = templates, wanted.created, time_of(templates[0])
    if entry.operation != APPLY or not wanted.live or made is None or applied is None:
        return ""
    since = [each for each in history if each.created is not None and applied <= each.created <= made]
    return entry.manager if since == [wanted] and made - applied <= _SOON else ""


def _ours(entry: FieldsEntry, names: Sequence[str]) -> bool:
    """What was applied under the same name is the deployer's: without it a later apply would not know what to take away."""
    written = entry.manager in names and entry.operation != APPLY and not entry.subresource
    return written and bool(entry.fields_v1.get("f:spec"))


def _change(owner: FieldsOwner, entries: list[tuple[int, FieldsEntry]], scaled: datetime) -> PatchSet:
    meta = owner.metadata
    note = {SCALED_ANNOTATION: scaled.isoformat()}
    operations = [
        Operation(op="test", path="/metadata/uid", value=meta.uid),
        Operation(op="test", path="/metadata/generation", value=meta.generation),
        Operation(op="test", path="/metadata/resourceVersion", value=meta.resource_version),
    ]
    for index, entry in entries:
        operations.append(Operation(op="test", path=f"/metadata/managedFields/{index}/manager", value=entry.manager))
        operations.append(Operation(op="remove", path=f"/metadata/managedFields/{index}/fieldsV1/f:spec"))
    operations += forgetting(meta.annotations, frozenset(entry.manager for _, entry in entries))
    where = ("/metadata/annotations", note) if not meta.annotations else (annotation(SCALED_ANNOTATION), note[SCALED_ANNOTATION])
    operations.append(Operation(op="add", path=where[0], value=where[1]))
    return PatchSet(namespace=owner.namespace, name=owner.name, operations=tuple(operations))
