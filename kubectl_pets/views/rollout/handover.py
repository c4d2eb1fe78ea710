"""What is handed over to whoever deploys a set: which fields, what they hold, and what to do first."""

from typing import Any

import msgspec

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.rollout.fields import OwnedField
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.stepping.handover import Handover
from kubectl_pets.views.rollout import words
from kubectl_pets.views.rollout.documents import API_VERSION, dump
from kubectl_pets.views.text.phrases import command, count


def draw(found: Handover, seen: Assessment) -> str:
    """The fields of the spec that are ours, with their values."""
    lines = [f"{words.title(seen)}: {count(len(found.fields), 'field')} of the spec written by {names(found)}"]
    shown = [(clean(field.path, 200), _value(field)) for field in found.fields]
    width = max((len(path) for path, _ in shown), default=0)
    return "\n".join((*lines, *(f"  {path:{width}}  {value}".rstrip() for path, value in shown)))


def given_back(found: Handover, deployer: str) -> str:
    """What was handed over after an undo, to whom, and why nobody was asked."""
    who = clean(deployer)
    return f"given back to {who}, whose own template this is: {count(len(found.fields), 'field')}, so its next deploy passes"


def document(found: Handover, seen: Assessment, output: str) -> str:
    """As ``json`` or ``yaml``; ``value`` is missing where the field is not there any more."""
    fields = [{"path": field.path, **({} if field.value is msgspec.UNSET else {"value": field.value})} for field in found.fields]
    metadata = {"namespace": seen.namespace, "name": seen.name, "uid": seen.uid}
    kept = found.kept.value if found.kept is not None else None
    return dump({"apiVersion": API_VERSION, "kind": "Handover", "metadata": metadata, "fields": fields, "kept": kept}, output)


def first() -> str:
    """What has to be done before."""
    return "write these values into what deploys the set first: whoever states others puts those back, without a conflict"


def kept(seen: Assessment) -> str:
    """Why nothing is handed over while our partition stands."""
    return f"{words.title(seen)}: the partition is ours and holds pods back; whoever takes it over lets them go"


def way_out(seen: Assessment) -> str:
    """What to type instead. Clearing the partition would let a version loose that it holds back."""
    if seen.under_way:
        return f"finish the rollout, or take it back with: {command(seen, 'rollout abort')}"
    return f"clear it with: {command(seen, 'partition', '0')}"


def replaced() -> str:
    """Why there is nothing to hand over any more."""
    return "somebody deleted it and made another one of the same name; the fields shown were the old one's"


def see(seen: Assessment) -> str:
    """Where it stands."""
    return f"{command(seen, 'status')} shows the new one"


def question(found: Handover, seen: Assessment) -> str:
    return f"Hand {count(len(found.fields), 'field')} of {words.title(seen)} over?"


def done(found: Handover, seen: Assessment) -> str:
    if not found.fields:
        return f"{words.title(seen)}: nothing of its spec is owned by {names(found)}"
    return f"{words.title(seen)}: handed over; the next apply is no conflict with {names(found)}"


def names(found: Handover) -> str:
    """Under which it was written."""
    return ", ".join(clean(name) for name in found.managers)


def _value(field: OwnedField) -> str:
    value: Any = field.value
    if value is msgspec.UNSET:
        return "(gone)"
    return clean(value if isinstance(value, str) else msgspec.json.encode(value).decode(), 200)
