"""Hands every set of an inventory what belongs to it, in one pass over the lists. A LeaderWorkerSet that is in the inventory
stands for the StatefulSets that it is made of."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Generic, TypeVar

import msgspec

from kubectl_pets.domain.model import ControllerRevision, Inventory, Object, PersistentVolumeClaim, Pod, SetView, StatefulSet
from kubectl_pets.domain.sets.grouping import NAME_LABEL, folded, is_part, of_groups
from kubectl_pets.domain.sets.kinds import Capability, kind_of

#: What a StatefulSet controller writes on each pod: its name (apps/v1 StatefulSetPodNameLabel).
POD_NAME_LABEL = "statefulset.kubernetes.io/pod-name"

_Owned = TypeVar("_Owned", bound=Object)


def snapshots(inventory: Inventory) -> tuple[SetView, ...]:
    """Hand every set of an inventory what belongs to it: pods and revisions by controller, claims by the stem of their name."""
    return Gathering().views(inventory)


class Gathering:
    """The same for one inventory after the other, of which most is the same: a set of which nothing is another object than at the
    look before has the same view, which is the same object, too. Nobody has to say what has changed."""

    def __init__(self) -> None:
        self._pods, self._revisions, self._claims = _Shelf(_of_pod), _Shelf(_of_revision), _Shelf(_of_claim)
        self._kept: dict[int, _Kept] = {}
        self._frame: object = None
        self._sets: tuple[StatefulSet, ...] = ()
        self._groups: dict[tuple[str, str], str] = {}

    def views(self, inventory: Inventory) -> tuple[SetView, ...]:
        """Of each set that is no part of another, in their order. Objects must not be changed between two looks."""
        if inventory.sets is not self._sets:
            self._sets, self._groups = inventory.sets, of_groups(inventory.sets)
        groups = self._groups
        unread = tuple(listed is None for listed in (inventory.pods, inventory.revisions, inventory.claims))
        frame = groups, unread, inventory.server
        pods, revisions = self._pods.take(inventory.pods or ()), self._revisions.take(inventory.revisions or ())
        claims = self._claims.take(inventory.claims or ())
        before = self._kept if frame == self._frame else {}
        self._frame, self._kept = frame, {}
        for owner in inventory.sets:
            kept = before.get(id(owner))
            if kept is None or not (
                kept.pods.isdisjoint(pods) and kept.uid not in revisions and kept.claims.isdisjoint(claims)
            ):
                if groups and is_part(owner, groups):
                    continue
                kept = self._gathered(owner, inventory, groups)
            self._kept[id(owner)] = kept
        return tuple(kept.view for kept in self._kept.values())

    def _gathered(self, owner: StatefulSet, inventory: Inventory, groups: Mapping[tuple[str, str], str]) -> "_Kept":
        uid, place = owner.metadata.uid, (owner.namespace, owner.name)
        controlled = self._pods.of(uid)
        is_group = place in groups and Capability.GROUPS in kind_of(owner).can
        own = self._pods.of(place) if is_group else controlled
        claims, stems = self._claims_of(owner, controlled)
        view = SetView(
            set=owner,
            pods=None if inventory.pods is None else (*own, *self._pods.of((owner.namespace,))),
            revisions=None if inventory.revisions is None else self._revisions.of(uid),
            claims=None if inventory.claims is None else claims,
            server=inventory.server,
        )
        keys: set[_Key] = {uid, (owner.namespace,)}
        return _Kept(owner, folded(view), uid, frozenset(keys | {place} if is_group else keys), stems)

    def _claims_of(
        self, owner: StatefulSet, pods: Iterable[Pod]
    ) -> tuple[tuple[PersistentVolumeClaim, ...], frozenset["_Key"]]:
        """Claims by the names that the templates make, and whatever else the pods mount; and where they were looked for."""
        stems: set[_Key] = {(owner.namespace, f"{template.name}-{owner.name}") for template in owner.spec.volume_claim_templates}
        found = {claim.name: claim for stem in stems for claim in self._claims.of(stem)}
        for pod in pods:
            for volume in pod.spec.volumes:
                name = volume.persistent_volume_claim.claim_name if volume.persistent_volume_claim else ""
                if name and name not in found:
                    stem = (owner.namespace, name.rpartition("-")[0])
                    stems.add(stem)
                    found.update((claim.name, claim) for claim in self._claims.of(stem) if claim.name == name)
        return tuple(found[name] for name in sorted(found)), frozenset(stems)


#: What objects are looked for by: the uid of their controller, the namespace of a pod that may be anybody's, the namespace and
#: name of a group, the namespace and stem of a claim.
_Key = str | tuple[str] | tuple[str, str]


class _Kept(msgspec.Struct, frozen=True):
    """A view, and what it is made of. It holds its set, so that the id of that is nobody else's meanwhile."""

    owner: StatefulSet
    view: SetView
    uid: str
    pods: frozenset[_Key]
    claims: frozenset[_Key]


class _Shelf(Generic[_Owned]):
    """Objects of one kind, by what they are looked for by (``keys``)."""

    def __init__(self, keys: Callable[[_Owned], Iterable[_Key]]) -> None:
        self._keys = keys
        self._items: tuple[_Owned, ...] = ()
        self._places: dict[_Key, dict[int, _Owned]] = {}

    def take(self, items: tuple[_Owned, ...]) -> set[_Key]:
        """These are all that there are now; where there are others than before."""
        gone, come = _differences(self._items, items)
        touched: set[_Key] = set()
        for item in gone:
            for key in self._keys(item):
                del self._places[key][id(item)]
                if not self._places[key]:
                    del self._places[key]
                touched.add(key)
        for item in come:
            for key in self._keys(item):
                self._places.setdefault(key, {})[id(item)] = item
                touched.add(key)
        self._items = items
        return touched

    def of(self, key: _Key) -> tuple[_Owned, ...]:
        """By name."""
        found = self._places.get(key)
        return tuple(sorted(found.values(), key=_NAME)) if found else ()


_NAME = attrgetter("metadata.name")

#: From so many differences on, two lists are not compared place by place.
_MANY = 200


def _differences(before: tuple[_Owned, ...], now: tuple[_Owned, ...]) -> tuple[list[_Owned], list[_Owned]]:
    """The objects that are only in the one, and only in the other."""
    if now is before:
        return [], []
    if not before:
        return [], list(now)
    if len(before) == len(now):
        pairs = [(old, new) for old, new in zip(before, now) if old is not new]
        if len(pairs) <= _MANY:
            return [old for old, _ in pairs], [new for _, new in pairs]
    olds, news = {id(item): item for item in before}, {id(item): item for item in now}
    return [olds[key] for key in olds.keys() - news.keys()], [news[key] for key in news.keys() - olds.keys()]


def _of_pod(pod: Pod) -> Iterator[_Key]:
    controller = pod.metadata.controller()
    if controller is not None:
        yield controller.uid
    elif pod.unreadable:
        yield (pod.namespace,)  # it may be of any set there
    group = pod.metadata.labels.get(NAME_LABEL)
    if group is not None:
        yield (pod.namespace, group)


def _of_revision(revision: ControllerRevision) -> Iterator[_Key]:
    controller = revision.metadata.controller()
    if controller is not None:
        yield controller.uid


def _of_claim(claim: PersistentVolumeClaim) -> Iterator[_Key]:
    yield (claim.namespace, claim.name.rpartition("-")[0])


class AwaySet(msgspec.Struct, frozen=True, kw_only=True):
    """A set that is not there, although pods that its controller made are, and nobody controls them: it was deleted alone,
    perhaps to be made again."""

    namespace: str
    name: str
    #: How many of its pods run on.
    pods: int


def away(inventory: Inventory) -> tuple[AwaySet, ...]:
    """Of an inventory that was not narrowed by labels."""
    there = {(owner.namespace, owner.name) for owner in inventory.sets}
    found: dict[tuple[str, str], int] = {}
    for pod in inventory.pods or ():
        if pod.metadata.controller() is None and pod.metadata.labels.get(POD_NAME_LABEL) == pod.name:
            key = (pod.namespace, pod.name.rpartition("-")[0])
            if key not in there:
                found[key] = found.get(key, 0) + 1
    return tuple(AwaySet(namespace=space, name=name, pods=pods) for (space, name), pods in sorted(found.items()))
