"""Does a claim that is made anew from a snapshot still come, or is it waited for in vain?

Of a claim that gets no volume its provisioner speaks in events alone: ``Provisioning`` when it begins a try,
``ProvisioningFailed`` when that came to nothing (sig-storage-lib-external-provisioner, provisionClaimOperation). That a driver
is still copying is told as a failure, too, and is none (``orphans.snapshots.is_at_it``). A try under way, and what takes its time
with nobody complaining, are waited for as long as somebody is willing to.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.model import Event
from kubectl_pets.domain.orphans.snapshots import is_at_it
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.rollout.times import later
from kubectl_pets.domain.snapshots.restoring import ClaimReturn, Stand

_BEGINS = "Provisioning"

#: For so long a cluster keeps events (kube-apiserver --event-ttl): of what is older, that nothing is told is no evidence.
_TOLD_FOR = timedelta(hours=1)


@unique
class StallReason(StrEnum):
    #: Making its volume fails.
    NOT_FILLED = "not-filled"
    #: Nobody has begun to make its volume.
    NOT_BEGUN = "not-begun"
    #: A finalizer that is not Kubernetes' own holds the claim that is to go (``message``: which).
    HELD = "held"
    #: A quota leaves no room for it.
    NO_ROOM = "no-room"


class Stall(msgspec.Struct, frozen=True, kw_only=True):
    """What keeps a claim from being there again, since when, and until when there is patience with it. ``message`` is the
    cluster's own words: untrusted text."""

    reason: StallReason
    claim: str
    snapshot: str
    message: str = ""
    since: datetime
    stuck_at: datetime


def of_filling(turn: ClaimReturn, events: Iterable[Event] | None, now: datetime, patience: StuckAfter) -> Stall | None:
    """Of a claim that waits for its volume. ``events``: those about its name, None: they may not be read, and nothing tells."""
    claim = turn.present
    if turn.stand is not Stand.FILLING or claim is None or events is None:
        return None
    own = [each for each in events if each.involved_object.uid == claim.metadata.uid]
    failed = max((each for each in own if each.type == "Warning"), key=_last, default=None)
    begun = max((each for each in own if each.reason == _BEGINS), key=_last, default=None)
    if failed is not None:
        if is_at_it(failed.message) or begun is not None and _last(begun) > _last(failed):
            return None
        since = failed.first or failed.last or now
        return _stall(turn, StallReason.NOT_FILLED, since, patience.time, f"{failed.reason}: {failed.message}")
    made = claim.metadata.creation_timestamp
    if begun is not None or made is None or now - made > _TOLD_FOR:
        return None
    return _stall(turn, StallReason.NOT_BEGUN, made, patience.silence)


def of_leaving(turn: ClaimReturn, patience: StuckAfter) -> Stall | None:
    """Of a claim that is to go first."""
    claim = turn.present
    since = claim.metadata.deletion_timestamp if claim is not None else None
    if turn.stand is not Stand.LEAVING or claim is None or since is None or not claim.metadata.finalizers_of_others:
        return None
    return _stall(turn, StallReason.HELD, since, patience.time, ", ".join(claim.metadata.finalizers_of_others))


def of_quota(turn: ClaimReturn, message: str, since: datetime, patience: StuckAfter) -> Stall:
    """Of a claim that was refused since then; what a deleted one took is given back a moment later."""
    return _stall(turn, StallReason.NO_ROOM, since, patience.silence, message)


def _stall(turn: ClaimReturn, reason: StallReason, since: datetime, patience: timedelta, message: str = "") -> Stall:
    return Stall(
        reason=reason, claim=turn.claim, snapshot=turn.snapshot, message=message, since=since, stuck_at=later(since, patience)
    )


def _last(event: Event) -> float:
    return event.last.timestamp() if event.last is not None else 0.0
