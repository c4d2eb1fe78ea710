"""Under which names has this program written into a set? A run may be given another one (``--field-manager``), and whoever comes
later, without it, has to know what is ours: to give it back, and to warn of nobody who is ourselves.

managedFields alone do not tell: an Update under a name on no list may be anybody's (metav1.ManagedFieldsEntry). So the first
change under such a name notes it on the set, in the same patch.
"""

from collections.abc import Mapping

import msgspec

from kubectl_pets.domain.changes import ANNOTATIONS, FIELD_MANAGER, Change, Operation, PatchSet, annotating, annotation
from kubectl_pets.domain.model import StatefulSet
from kubectl_pets.domain.rollout.managers import APPLY

#: On a set: the names besides our own under which we wrote into it, as a JSON list.
WRITERS_ANNOTATION = "kubectl-pets/field-managers"

_POINTER = annotation(WRITERS_ANNOTATION)


def noted_writers(annotations: Mapping[str, str]) -> tuple[str, ...]:
    """The names that are noted (untrusted text), besides our own; none where the note is none of ours."""
    try:
        return tuple(dict.fromkeys(msgspec.json.decode(annotations.get(WRITERS_ANNOTATION, "[]"), type=tuple[str, ...])))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return ()


def our_names(annotations: Mapping[str, str]) -> tuple[str, ...]:
    """All under which what is written there (and not applied) is ours, our own first."""
    return tuple(dict.fromkeys((FIELD_MANAGER, *noted_writers(annotations))))


def forgetting(annotations: Mapping[str, str], given_back: frozenset[str]) -> tuple[Operation, ...]:
    """The note without these names, and gone where none is left."""
    if WRITERS_ANNOTATION not in annotations:
        return ()
    left = [name for name in noted_writers(annotations) if name not in given_back]
    if left:
        return (Operation(op="replace", path=_POINTER, value=_text(left)),)
    return (Operation(op="remove", path=_POINTER),)


def signed(change: Change, owner: StatefulSet, manager: str) -> Change:
    """The change, with the note of the name under which it goes out, where that is neither our own nor noted already. Names under
    which nothing stands there any more are dropped, so the note is no longer than managedFields."""
    noted = noted_writers(owner.metadata.annotations)
    if not isinstance(change, PatchSet) or manager in ("", FIELD_MANAGER, *noted):
        return change
    standing = {entry.manager for entry in owner.metadata.managed_fields if entry.operation != APPLY}
    text = _text([*(name for name in noted if name in standing), manager])
    return msgspec.structs.replace(change, operations=_with_note(change.operations, owner, text))


def _with_note(operations: tuple[Operation, ...], owner: StatefulSet, text: str) -> tuple[Operation, ...]:
    if any(each.path == ANNOTATIONS for each in operations):  # the change makes them, on its own condition
        return tuple(
            msgspec.structs.replace(each, value={**each.value, WRITERS_ANNOTATION: text}) if each.path == ANNOTATIONS else each
            for each in operations
        )
    return (*operations, *annotating(owner.metadata, {WRITERS_ANNOTATION: text}))


def _text(names: list[str]) -> str:
    return msgspec.json.encode(names).decode()
