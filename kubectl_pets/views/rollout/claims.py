"""The words for claims that grow: how far one is, and of three stalls which one."""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.claims.growth import GrowingClaim, Growth, GrowthStage
from kubectl_pets.views.text import ages as age
from kubectl_pets.views.text.sizes import size


def line(found: GrowingClaim, now: datetime) -> str:
    """One claim that grows, whither and how far."""
    return f"{clean(found.claim)} to {size(found.growth.asks)}: {stage(found.growth, found.pod, now)}"


def counted(growing: Sequence[GrowingClaim]) -> str:
    """How many grow, or of how many that stand still somebody has to look; empty where none does."""
    stalled = sum(each.growth.stalled for each in growing)
    return f"{stalled} stalled!" if stalled else f"{len(growing)} resizing" if growing else ""


def stage(found: Growth, pod: str, now: datetime) -> str:
    """How far it is; of three stalls which one, with what ends it. ``pod``: the one that mounts the claim."""
    since = f" for {age.age(found.since, now)}" if found.since is not None else ""
    match found.stage:
        case GrowthStage.DONE:
            return f"has {size(found.has)}"
        case GrowthStage.NOT_ASKED:
            return f"has {size(found.has)}"
        case GrowthStage.WORKING:
            return f"has {size(found.has)}, the storage is at it{since}"
        case GrowthStage.RETRYING:
            return f"has {size(found.has)}, the driver fails{since} and is asked again: {clean(found.message)}"
        case GrowthStage.NEEDS_POD:
            return f"has {size(found.has)}, its volume has grown and the node does its part when a pod uses it"
        case GrowthStage.NEEDS_RESTART if found.offline:
            return f"has {size(found.has)}, the driver expands nothing in use{since}: it goes on when no pod uses the claim"
        case GrowthStage.NEEDS_RESTART:
            again = f"it goes on when {clean(pod)} is started again"
            return f"has {size(found.has)}, its volume has grown and the node waits{since}: {again}"
        case GrowthStage.INFEASIBLE:
            why = clean(found.message) or "the driver does not say why"
            return f"has {size(found.has)}, infeasible{since}: {why}; {lowest(found)}"
        case _:
            assert_never(found.stage)


def lowest(found: Growth) -> str:
    """How small a request may be made that failed: it is never taken back (KEP-1790)."""
    return f"it can be asked for less, as long as that is more than {size(found.has)}"
