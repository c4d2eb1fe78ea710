"""How big is a claim, and since when has no pod used it? Only as far as the cluster shows it: what it does not show is None."""

from datetime import datetime

from kubectl_pets.domain.model import Object, PersistentVolumeClaim
from kubectl_pets.domain.orphans.inventory import PersistentVolume
from kubectl_pets.domain.orphans.quantities import parse_bytes


def unused_condition(claim: PersistentVolumeClaim) -> tuple[bool, datetime | None] | None:
    """The condition ``Unused`` (KEP-5541, newer servers only): whether, and since when, no pod that has not ended names it."""
    for condition in claim.status.conditions:
        if condition.type == "Unused" and condition.status in ("True", "False"):
            return condition.status == "True", condition.last_transition_time
    return None


def last_scaled(owner: Object) -> datetime | None:
    """When its replicas can last have changed: at the last change of its spec. The scale subresource leaves no time of its own
    (managedfields.ScaleHandler, seen on 1.37), but its controller's status changes when pods go."""
    entries = owner.metadata.managed_fields
    written = [entry.time for entry in entries if not entry.subresource]
    if any(entry.subresource == "scale" for entry in entries) or None in written:
        written = [entry.time for entry in entries if entry.subresource == "status"]
    times = [time for time in written if time is not None]
    return max(times) if len(times) == len(written) and times else None


def size_of(claim: PersistentVolumeClaim, volume: PersistentVolume | None) -> int | None:
    """Bytes: what it has; what its volume has; what it asked for."""
    places = [claim.status.capacity, volume.spec.capacity if volume else {}, claim.spec.resources.requests]
    return next((size for place in places if (size := parse_bytes(place.get("storage"))) is not None), None)
