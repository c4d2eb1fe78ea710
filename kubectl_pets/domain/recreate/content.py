"""What does the new set hold? All that the old one held, but for the immutable fields that were asked for.

The pod template stays as it is to the last byte: any difference in it replaces every pod at once, unasked
(rabbitmq/cluster-operator#1428), and no partition holds that back, for a set that is new has no revision of before. Who owned
which field is put back afterwards (metadata.managedFields, KEP-555): a creation makes every field, defaults included, the
creator's, and the next server-side apply of another value would be a conflict with us.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from kubectl_pets.domain.changes import ANNOTATIONS, FIELD_MANAGER, Operation, PatchSet, annotation
from kubectl_pets.domain.model import Pod, ordinal_of
from kubectl_pets.domain.sets.away import RECREATING_ANNOTATION, Recreation, SetContent, WholeSet

#: What the API lets nobody edit, and what can be asked for here.
IMMUTABLE = ("serviceName", "podManagementPolicy", "selector", "volumeClaimTemplates")

_POLICY = "persistentVolumeClaimRetentionPolicy"
_OWNED_POLICY = f"f:{_POLICY}"
_KEEPING = {"whenDeleted": "Retain", "whenScaled": "Retain"}


def intention(
    live: WholeSet, wanted: Mapping[str, Any], pods: Iterable[Pod], before: Recreation | None, now: datetime
) -> Recreation:
    """What is to come after this set. ``before``: what was saved of it earlier, if anything was."""
    meta = live.metadata
    spec = {**live.spec, **wanted}
    policy = _stated_policy(live)
    if policy is not None:
        spec[_POLICY] = policy
    own = sorted((pod.name, pod.metadata.uid) for pod in pods if ordinal_of(pod.name, live.name) is not None)
    return Recreation(
        namespace=live.namespace,
        name=live.name,
        uid=meta.uid,
        content=SetContent(
            labels=meta.labels,
            annotations={key: value for key, value in meta.annotations.items() if key != RECREATING_ANNOTATION},
            owner_references=meta.owner_references or (),
            spec=spec,
        ),
        wanted=dict(wanted),
        fields=_owners(live, before),
        pods=dict(own),
        revision=live.status.update_revision,
        started=before.started if before is not None else now,
        by=before.by if before is not None else "",
    )


def same(one: Recreation, other: Recreation) -> bool:
    """Whether they say the same; when it began, and who began it, does not matter."""
    return replace(one, started=None, by="") == replace(other, started=None, by="")


def marked(live: WholeSet) -> bool:
    return RECREATING_ANNOTATION in live.metadata.annotations


def created(intended: Recreation) -> SetContent:
    """What the new set is created with. Its mark says which set it replaces, until all of it is verified."""
    mark = {RECREATING_ANNOTATION: intended.uid}
    return replace(intended.content, annotations={**intended.content.annotations, **mark})


def as_wanted(live: WholeSet, wanted: Mapping[str, Any]) -> bool:
    """Whether a set holds what was asked for, whoever made it."""
    return all(live.spec.get(field) == value for field, value in wanted.items())


# --- changes of the set ------------------------------------------------------------------------------------------------------


def deletes_claims(live: WholeSet) -> bool:
    """Whether the set owns its claims, so that they are the garbage collector's once it is gone."""
    found = live.spec.get(_POLICY)
    return isinstance(found, dict) and found.get("whenDeleted") == "Delete"


def mark(live: WholeSet) -> PatchSet:
    """Says on the old set that it will be away, and takes the ownership of its claims from it: a garbage collector that has not
    heard of such a claim yet would take it with the set. The mark holds the policy of before, should the record be lost."""
    policy = live.spec.get(_POLICY)
    text = live.metadata.annotations.get(RECREATING_ANNOTATION) or live.metadata.uid
    operations = [*_tests(live)]
    if deletes_claims(live):
        text = f"{live.metadata.uid} {policy['whenDeleted']}/{policy.get('whenScaled', 'Retain')}" if policy else text
        operations.append(Operation(op="replace", path=f"/spec/{_POLICY}", value=_KEEPING))
    return PatchSet(namespace=live.namespace, name=live.name, operations=(*operations, *_noted(live, text)), passing=True)


def unmark(live: WholeSet, fields: tuple[dict[str, Any], ...]) -> PatchSet:
    """Takes the mark off and puts back who owns which field. Where the mark holds a policy that is put back first, and the mark
    stays: whoever writes a field owns it, whatever managedFields the same request states."""
    operations = [*_tests(live)]
    policy = _stated_policy(live)
    if policy is not None:
        operations.append(Operation(op="replace", path=f"/spec/{_POLICY}", value=policy))
        operations += _noted(live, live.metadata.uid)
    else:
        operations.append(Operation(op="remove", path=annotation(RECREATING_ANNOTATION)))
        value = [*fields, *_written_since(live, fields)]
        operations.append(Operation(op="replace", path="/metadata/managedFields", value=value))
    return PatchSet(namespace=live.namespace, name=live.name, operations=tuple(operations), passing=True)


def _tests(live: WholeSet) -> tuple[Operation, ...]:
    return (
        Operation(op="test", path="/metadata/uid", value=live.metadata.uid),
        Operation(op="test", path="/metadata/resourceVersion", value=live.metadata.resource_version),
    )


def _noted(live: WholeSet, text: str) -> tuple[Operation, ...]:
    if not live.metadata.annotations:
        return (Operation(op="add", path=ANNOTATIONS, value={RECREATING_ANNOTATION: text}),)
    return (Operation(op="add", path=annotation(RECREATING_ANNOTATION), value=text),)


def _stated_policy(live: WholeSet) -> dict[str, str] | None:
    """The retention policy that the mark holds; None: it was not changed."""
    _, _, text = live.metadata.annotations.get(RECREATING_ANNOTATION, "").partition(" ")
    when_deleted, _, when_scaled = text.partition("/")
    known = ("Retain", "Delete")
    return {"whenDeleted": when_deleted, "whenScaled": when_scaled} if {when_deleted, when_scaled} <= {*known} else None


# --- who owns which field ----------------------------------------------------------------------------------------------------


def _owners(live: WholeSet, before: Recreation | None) -> tuple[dict[str, Any], ...]:
    """The entries of the set itself, as they were before its mark."""
    entries = [entry for entry in live.metadata.managed_fields or () if not entry.get("subresource")]
    if not marked(live):
        return tuple(entries)
    found = [cleaned for entry in entries if (cleaned := _without_mark(entry)).get("fieldsV1")]
    policies = {_key(entry): _policy_of(entry) for entry in (before.fields if before is not None else ())}
    return tuple(_with_policy(entry, policies.get(_key(entry))) for entry in found)


def _written_since(live: WholeSet, fields: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    """The entries of those who have written into the new set meanwhile: status, an autoscaler, somebody with an editor."""
    known = {_key(entry) for entry in fields}
    found = [entry for entry in live.metadata.managed_fields or () if _key(entry) not in known]
    return [entry for entry in found if entry.get("subresource") or entry.get("manager") != FIELD_MANAGER]


def _key(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    """What tells entries apart (structured-merge-diff's manager identifier)."""
    return entry.get("manager"), entry.get("operation"), entry.get("apiVersion"), entry.get("subresource")


def _policy_of(entry: Mapping[str, Any]) -> Any:
    return entry.get("fieldsV1", {}).get("f:spec", {}).get(_OWNED_POLICY)


def _with_policy(entry: dict[str, Any], owned: Any) -> dict[str, Any]:
    if owned is None:
        return entry
    fields = entry["fieldsV1"]
    return {**entry, "fieldsV1": {**fields, "f:spec": {**fields.get("f:spec", {}), _OWNED_POLICY: owned}}}


def _without_mark(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry of ours without the mark, and without the policy that was changed with it."""
    if entry.get("manager") != FIELD_MANAGER:
        return entry
    fields = {**entry.get("fieldsV1", {})}
    for path in (("f:metadata", "f:annotations", f"f:{RECREATING_ANNOTATION}"), ("f:spec", _OWNED_POLICY)):
        fields = _dropped(fields, path)
    return {**entry, "fieldsV1": fields}


def _dropped(fields: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Without the leaf at that path, and without what holds nothing else."""
    first, *rest = path
    below = fields.get(first)
    left = _dropped(below, tuple(rest)) if rest and isinstance(below, dict) else {}
    kept = {key: value for key, value in fields.items() if key != first}
    return {**kept, first: left} if left and left != {".": {}} else kept
