"""What did a StatefulSet's template look like before, and what changed from one revision to the next?

A ControllerRevision holds ``spec.template`` whole, as a patch that replaces it (pkg/controller/statefulset getPatch), and nothing
else of the set. Templates stay what the API server sent: a Struct would drop whatever field it does not know, and a difference in
such a field would go unseen.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from kubectl_pets.domain.model import LabelSelector, Object, Pod, StatefulSetStatus, UpdateStrategy, Value, ordinal_of
from kubectl_pets.domain.sets.kept import KeptTemplate, is_of_another

Template = dict[str, Any]

#: On a value that is not there on one side.
ABSENT = msgspec.UNSET

#: Lists of the pod template that the API treats as maps, by their key (the patchMergeKey of core/v1).
_KEYS = ("name", "mountPath", "devicePath", "containerPort", "ip", "topologyKey", "conditionType")


#: Structs that mean the same where they are empty as where they are not there.
_SAYS_NOTHING = ("resources", "securityContext", "metadata", "status")


class StoredRevision(Object, frozen=True):
    """A ControllerRevision with all that it holds."""

    revision: int = 0
    data: dict[str, Any] | None = None


class StoredSpec(Value, frozen=True):
    replicas: int = 1
    selector: LabelSelector = LabelSelector()
    template: Template = {}
    update_strategy: UpdateStrategy = UpdateStrategy()
    #: leaderworkerset.x-k8s.io's, in place of the template.
    leader_worker_template: Template | None = None
    network_config: Template | None = None


class StoredSet(Object, frozen=True):
    """A StatefulSet with its template in full."""

    spec: StoredSpec = StoredSpec()
    status: StatefulSetStatus = StatefulSetStatus()


class History(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a set and its past. ``revisions`` and ``pods`` are what its selector matches, unfiltered."""

    set: StoredSet
    revisions: tuple[StoredRevision, ...]
    #: None: could not be read.
    pods: tuple[Pod, ...] | None
    #: What is kept on the set itself, of those whose controller keeps none but the newest.
    kept: KeptTemplate | None = None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One field that differs. ``path``: names of fields, and of items where a list is a map; ABSENT: not there on that side."""

    path: tuple[str, ...]
    before: Any
    after: Any
    #: Only the order of a list's items differs; before and after are their names.
    reordered: bool = False


class RevisionEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A revision of the set."""

    name: str
    number: int
    created: datetime | None
    #: As the controller stored it, without its patch directive: written back, it becomes this very revision again. Empty where
    #: it holds none.
    template: Template
    #: Against the revision before it; None for the oldest one that is kept.
    changes: tuple[Difference, ...] | None
    #: The pods made from it, in ordinal order; None where pods could not be read.
    pods: tuple[str, ...] | None
    #: ``status.currentRevision``, from which held pods are made. Not for OnDelete where no pod runs it: servers before 1.37 never
    #: move it then (kubernetes/kubernetes#106055).
    current: bool
    #: ``status.updateRevision``: the wanted one.
    update: bool
    #: The set's template is equal to it right now.
    live: bool
    #: No ControllerRevision holds it: it is kept on the set (``sets.kept``).
    kept: bool = False
    #: Of what is kept there: it ran right before the wanted revision.
    came_before: bool = True
    #: It was made for another set, and may never have run in this one (``sets.kept.is_of_another``).
    adopted: bool = False


def entries(history: History) -> tuple[RevisionEntry, ...]:
    """The set's own revisions, the oldest first, as the controller sorts them (byRevision in controller_history.go)."""
    uid = history.set.metadata.uid
    own = [each for each in history.revisions if (owner := each.metadata.controller()) is not None and owner.uid == uid]
    own.sort(key=lambda each: (each.revision, _age(each), each.name))
    live, status = normalised(history.set.spec.template), history.set.status
    pods = _pods_by_revision(history)
    kept_key, replaced_by = (history.kept.key, history.kept.replaced_by) if history.kept is not None else ("", "")
    of_groups = history.set.spec.leader_worker_template is not None  # whose controller names them otherwise
    found: list[RevisionEntry] = []
    for each in own:
        template = template_of(each)
        found.append(
            RevisionEntry(
                name=each.name,
                number=each.revision,
                created=each.metadata.creation_timestamp,
                template=template,
                changes=differences(found[-1].template, template) if found else None,
                pods=None if pods is None else tuple(pods.get(each.name, ())),
                current=each.name == status.current_revision and not _is_stale(history, each.name, pods),
                update=each.name == status.update_revision,
                live=normalised(template) == live,
                kept=each.name == kept_key,
                came_before=each.name != kept_key or replaced_by == status.update_revision,
                adopted=not of_groups and is_of_another(each.name, history.set.name),
            )
        )
    return tuple(found)


def kept_no_more(history: History, found: tuple[RevisionEntry, ...]) -> tuple[str, ...]:
    """Pods, in ordinal order, that run a revision of which no ControllerRevision is left: nothing can go back to it."""
    names = {each.name for each in found}
    members = sorted(_members(history.set, history.pods or ()))
    return tuple(pod for _, pod, revision in members if revision and revision not in names)


def before_unknown(history: History, found: tuple[RevisionEntry, ...]) -> RevisionEntry | None:
    """The wanted revision where nobody knows any more what ran before it, of a set whose controller keeps but the newest."""
    wanted = next((each for each in found if each.update), None)
    if wanted is None or wanted.number < 2 or history.set.spec.leader_worker_template is None:
        return None
    return None if any(each.number < wanted.number and each.came_before for each in found) else wanted


def ran_last(found: tuple[RevisionEntry, ...]) -> RevisionEntry | None:
    """What ran before the wanted template: the current revision; where that says nothing, the newest that pods still run."""
    current = next((each for each in found if each.current), None)
    if current is not None and not (current.update and any(each.pods for each in found if not each.update)):
        return current
    return next((each for each in reversed(found) if each.pods and not each.update), current or next(reversed(found), None))


def _is_stale(history: History, name: str, pods: dict[str, list[str]] | None) -> bool:
    by_hand = history.set.spec.update_strategy.type == "OnDelete"
    return by_hand and pods is not None and name != history.set.status.update_revision and not pods.get(name)


def find(found: tuple[RevisionEntry, ...], wanted: str) -> RevisionEntry | None:
    """The revision of that number or full name. Should two share a number, the newer one has it."""
    return next((each for each in reversed(found) if wanted in (str(each.number), each.name)), None)


def normalised(template: Any) -> Any:
    """A value in the form in which it is compared: keys sorted, and without what says nothing: nulls (``creationTimestamp:
    null``), and the empty structs that some versions and typed clients write and others leave out."""
    if isinstance(template, dict):
        kept = {key: normalised(value) for key, value in sorted(template.items()) if value is not None}
        return {key: value for key, value in kept.items() if value != {} or key not in _SAYS_NOTHING}
    return [normalised(item) for item in template] if isinstance(template, list) else template


def differences(before: Template, after: Template) -> tuple[Difference, ...]:
    """Field by field, in the order of ``after``, then what is gone. Lists of named items are compared by name, their order
    included; all other lists as one value. What ``normalised`` leaves out makes no difference."""
    return tuple(_compare((), normalised(before), normalised(after)))


def _compare(path: tuple[str, ...], before: Any, after: Any) -> Iterator[Difference]:
    if before == after:
        return
    old, new = _parts(before, after, path), _parts(after, before, path)
    if old is None or new is None:
        yield Difference(path=path, before=before, after=after)
        return
    inside: list[Difference] = []
    for key in dict.fromkeys((*new, *old)):
        inside += _compare((*path, key), old.get(key, ABSENT), new.get(key, ABSENT))
    shared = [[key for key in keys if key in others] for keys, others in ((old, new), (new, old))]
    if isinstance(before, list) and isinstance(after, list) and shared[0] != shared[1]:
        inside.append(Difference(path=path, before=shared[0], after=shared[1], reordered=True))
    yield from inside or [Difference(path=path, before=before, after=after)]  # empty on one side, not there on the other


def _parts(value: Any, other: Any, path: tuple[str, ...]) -> dict[str, Any] | None:
    """The fields of an object, or the items of a list by their name, for comparing. A map of named things that is not there
    has none of them, so that each is told by itself."""
    maps = path[-1:] in (("labels",), ("annotations",), ("nodeSelector",))
    if value is ABSENT and (isinstance(other, list) or maps) and _named(other) is not None:
        return {}
    return _named(value)


def _named(value: Any) -> dict[str, Any] | None:
    """The items of a list of named things by their name; None for a value that is no such list or map."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return None
    if not value:
        return {}
    for key in _KEYS:
        names = [str(item[key]) for item in value if key in item]
        if len(set(names)) == len(value):
            return dict(zip(names, value, strict=True))
    return None


def template_of(revision: StoredRevision) -> Template:
    """Without its patch directive; empty where it holds none."""
    spec = (revision.data or {}).get("spec")
    template = spec.get("template") if isinstance(spec, dict) else None
    return {key: value for key, value in template.items() if key != "$patch"} if isinstance(template, dict) else {}


def _pods_by_revision(history: History) -> dict[str, list[str]] | None:
    if history.pods is None:
        return None
    found: dict[str, list[str]] = {}
    for _, name, revision in sorted(_members(history.set, history.pods)):
        found.setdefault(revision, []).append(name)
    return found


def _members(owner: StoredSet, pods: tuple[Pod, ...]) -> Iterator[tuple[int, str, str]]:
    """Ordinal, name and revision of the set's own pods."""
    for pod in pods:
        controller, ordinal = pod.metadata.controller(), ordinal_of(pod.name, owner.name)
        if controller is not None and controller.uid == owner.metadata.uid and ordinal is not None:
            yield ordinal, pod.name, pod.revision


def _age(revision: StoredRevision) -> float:
    created = revision.metadata.creation_timestamp
    return created.timestamp() if created is not None else 0.0
