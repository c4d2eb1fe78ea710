"""Hands every set of an inventory what belongs to it, in one pass over the lists."""

from typing import TypeVar

from kubectl_pets.domain.model import Inventory, Object, PersistentVolumeClaim, Snapshot

_Owned = TypeVar("_Owned", bound=Object)


def snapshots(inventory: Inventory) -> tuple[Snapshot, ...]:
    """Hand every set of an inventory what belongs to it: pods and revisions by controller, claims by the stem of their name."""
    pods = _by_controller(inventory.pods)
    revisions = _by_controller(inventory.revisions)
    claims: dict[tuple[str, str], list[PersistentVolumeClaim]] = {}
    for claim in inventory.claims or ():
        claims.setdefault((claim.namespace, claim.name.rpartition("-")[0]), []).append(claim)
    return tuple(
        Snapshot(
            set=owner,
            pods=None if inventory.pods is None else tuple(pods.get(owner.metadata.uid, ())),
            revisions=None if inventory.revisions is None else tuple(revisions.get(owner.metadata.uid, ())),
            claims=None
            if inventory.claims is None
            else tuple(
                claim
                for template in owner.spec.volume_claim_templates
                for claim in claims.get((owner.namespace, f"{template.name}-{owner.name}"), ())
            ),
            server=inventory.server,
        )
        for owner in inventory.sets
    )


def _by_controller(objects: tuple[_Owned, ...] | None) -> dict[str, list[_Owned]]:
    found: dict[str, list[_Owned]] = {}
    for item in objects or ():
        controller = item.metadata.controller()
        if controller is not None:
            found.setdefault(controller.uid, []).append(item)
    return found
