"""Hands every set of an inventory what belongs to it, in one pass over the lists."""

from collections.abc import Iterable
from typing import TypeVar

from kubectl_pets.domain.model import Inventory, Object, PersistentVolumeClaim, Pod, SetView, StatefulSet

_Owned = TypeVar("_Owned", bound=Object)


def snapshots(inventory: Inventory) -> tuple[SetView, ...]:
    """Hand every set of an inventory what belongs to it: pods and revisions by controller, claims by the stem of their name."""
    pods = _by_controller(inventory.pods)
    strays = _without_owner(inventory.pods)
    revisions = _by_controller(inventory.revisions)
    claims: dict[tuple[str, str], list[PersistentVolumeClaim]] = {}
    for claim in inventory.claims or ():
        claims.setdefault((claim.namespace, claim.name.rpartition("-")[0]), []).append(claim)
    return tuple(
        SetView(
            set=owner,
            pods=None if inventory.pods is None else (*pods.get(owner.metadata.uid, ()), *strays.get(owner.namespace, ())),
            revisions=None if inventory.revisions is None else tuple(revisions.get(owner.metadata.uid, ())),
            claims=None if inventory.claims is None else _claims_of(owner, pods.get(owner.metadata.uid, ()), claims),
            server=inventory.server,
        )
        for owner in inventory.sets
    )


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
