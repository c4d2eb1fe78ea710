"""Hands every set of an inventory what belongs to it, in one pass over the lists. A LeaderWorkerSet that is in the inventory
stands for the StatefulSets that it is made of."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

from kubectl_pets.domain.model import Inventory, Object, PersistentVolumeClaim, Pod, SetView, StatefulSet
from kubectl_pets.domain.sets.grouping import NAME_LABEL, folded, is_part, of_groups
from kubectl_pets.domain.sets.kinds import Capability, kind_of

#: What a StatefulSet controller writes on each pod: its name (apps/v1 StatefulSetPodNameLabel).
POD_NAME_LABEL = "statefulset.kubernetes.io/pod-name"

_Owned = TypeVar("_Owned", bound=Object)


def snapshots(inventory: Inventory) -> tuple[SetView, ...]:
    """Hand every set of an inventory what belongs to it: pods and revisions by controller, claims by the stem of their name."""
    pods = _by_controller(inventory.pods)
    strays = _without_owner(inventory.pods)
    revisions = _by_controller(inventory.revisions)
    groups = of_groups(inventory.sets)
    of_group = _by_group(inventory.pods, groups)
    claims: dict[tuple[str, str], list[PersistentVolumeClaim]] = {}
    for claim in inventory.claims or ():
        claims.setdefault((claim.namespace, claim.name.rpartition("-")[0]), []).append(claim)

    def own(owner: StatefulSet) -> Iterable[Pod]:
        is_group = (owner.namespace, owner.name) in groups and Capability.GROUPS in kind_of(owner).can
        return of_group.get((owner.namespace, owner.name), ()) if is_group else pods.get(owner.metadata.uid, ())

    views = (
        SetView(
            set=owner,
            pods=None if inventory.pods is None else (*own(owner), *strays.get(owner.namespace, ())),
            revisions=None if inventory.revisions is None else tuple(revisions.get(owner.metadata.uid, ())),
            claims=None if inventory.claims is None else _claims_of(owner, pods.get(owner.metadata.uid, ()), claims),
            server=inventory.server,
        )
        for owner in inventory.sets
        if not is_part(owner, groups)
    )
    return tuple(map(folded, views))


def _by_group(pods: tuple[Pod, ...] | None, groups: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], list[Pod]]:
    """By namespace and name, the pods of these LeaderWorkerSets."""
    found: dict[tuple[str, str], list[Pod]] = {}
    for pod in pods or () if groups else ():
        place = (pod.namespace, pod.metadata.labels.get(NAME_LABEL, ""))
        if place in groups:
            found.setdefault(place, []).append(pod)
    return found


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


def _claims_of(
    owner: StatefulSet, pods: Iterable[Pod], claims: dict[tuple[str, str], list[PersistentVolumeClaim]]
) -> tuple[PersistentVolumeClaim, ...]:
    """Claims by the names that the templates make, and whatever else the pods mount."""
    stems = [f"{template.name}-{owner.name}" for template in owner.spec.volume_claim_templates]
    found = {claim.name: claim for stem in stems for claim in claims.get((owner.namespace, stem), ())}
    for pod in pods:
        for volume in pod.spec.volumes:
            name = volume.persistent_volume_claim.claim_name if volume.persistent_volume_claim else ""
            if name and name not in found:
                same_stem = claims.get((owner.namespace, name.rpartition("-")[0]), ())
                found.update((claim.name, claim) for claim in same_stem if claim.name == name)
    return tuple(found.values())


def _by_controller(objects: tuple[_Owned, ...] | None) -> dict[str, list[_Owned]]:
    found: dict[str, list[_Owned]] = {}
    for item in objects or ():
        controller = item.metadata.controller()
        if controller is not None:
            found.setdefault(controller.uid, []).append(item)
    return found


def _without_owner(pods: tuple[Pod, ...] | None) -> dict[str, list[Pod]]:
    """By namespace, the pods that could not be decoded and whose controller is not known either: they may be of any set there."""
    found: dict[str, list[Pod]] = {}
    for pod in pods or ():
        if pod.unreadable and pod.metadata.controller() is None:
            found.setdefault(pod.namespace, []).append(pod)
    return found
