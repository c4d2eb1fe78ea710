"""How big is a claim, and since when has no pod used it? Only as far as the cluster shows it: what it does not show is None."""

from datetime import datetime

from kubectl_pets.domain.changes import SCALED_ANNOTATION
from kubectl_pets.domain.claims.quantities import parse_bytes
from kubectl_pets.domain.model import Object, PersistentVolumeClaim
from kubectl_pets.domain.orphans.inventory import PersistentVolume


def unused_condition(claim: PersistentVolumeClaim) -> tuple[bool, datetime | None] | None:
    """The condition ``Unused`` (KEP-5541, newer servers only): whether, and since when, no pod that has not ended names it."""
    for condition in claim.status.conditions:
        if condition.type == "Unused" and condition.status in ("True", "False"):
            return condition.status == "True", condition.last_transition_time
    return None


def last_scaled(owner: Object) -> datetime | None:
    """When its replicas can last have changed: at the last change of its spec. The scale subresource leaves no time of its own
    (managedfields.ScaleHandler, seen on 1.37), but its controller's status changes when pods go. Where the spec was handed over
    the note of it counts, and whatever was written to the spec since."""
    entries = owner.metadata.managed_fields
    whole = [entry for entry in entries if not entry.subresource]
    noted = _time(owner.metadata.annotations.get(SCALED_ANNOTATION))
    written = [entry.time for entry in whole]
    if noted is not None:
        written = [noted, *(entry.time for entry in whole if entry.fields_v1 is not None and entry.fields_v1.spec is not None)]
    if any(entry.subresource == "scale" for entry in entries) or None in written:
        written = [entry.time for entry in entries if entry.subresource == "status"]
    times = [time for time in written if time is not None]
    return max(times) if len(times) == len(written) and times else None


def _time(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def size_of(claim: PersistentVolumeClaim, volume: PersistentVolume | None) -> int | None:
    """The size of a claim in bytes: its capacity, else its volume's, else what it requests."""
    places = [claim.status.capacity, volume.spec.capacity if volume else {}, claim.spec.resources.requests]
    return next((size for place in places if (size := parse_bytes(place.get("storage"))) is not None), None)
