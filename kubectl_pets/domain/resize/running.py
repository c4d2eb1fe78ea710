"""What next, in a resize that is carried out? One claim after the other, the highest ordinal first, each whole before the next is
asked for: whatever goes wrong goes wrong for one of them. Level-triggered: a plan that was made right now says it all, so a run
that was killed goes on from there, and so does somebody else's.
"""

from datetime import datetime, timedelta
from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.claims.growth import Growth, GrowthStage, Modification
from kubectl_pets.domain.resize.types import ClaimPlan, ResizePlan, ResizeRefusedReason


@unique
class ClaimStanding(StrEnum):
    """What one claim needs."""

    #: It is to be changed.
    ASK = "ask"
    #: The storage is at it.
    AWAIT = "await"
    #: It is as asked for, as far as anything can be done: the rest comes with the pod that will mount it.
    SETTLED = "settled"
    #: It does not go on by itself.
    STUCK = "stuck"


def standing(found: Growth, modified: Modification | None, *, changes: bool, now: datetime, patience: timedelta) -> ClaimStanding:
    """``patience``: how long a driver, or a node, is given that refuses what is in use, for a pod may be about to end."""
    if changes:
        return ClaimStanding.ASK
    stuck = found.stage is GrowthStage.NEEDS_RESTART and (found.since is None or now - found.since >= patience)
    if stuck or found.stage is GrowthStage.INFEASIBLE or modified is Modification.INFEASIBLE:
        return ClaimStanding.STUCK
    grown = found.stage in (GrowthStage.DONE, GrowthStage.NEEDS_POD)
    return ClaimStanding.SETTLED if grown and modified in (None, Modification.DONE) else ClaimStanding.AWAIT


@unique
class ResizeEnd(StrEnum):
    """How a run ends that is not to go on."""

    #: All claims are settled.
    REACHED = "reached"
    #: The claim does not go on by itself; those after it were not touched.
    STUCK = "stuck"
    #: Something speaks against it now.
    REFUSED = "refused"
    #: There is another set of that name.
    REPLACED = "replaced"
    TIMED_OUT = "timed-out"


class Do(msgspec.Struct, frozen=True):
    """Change this claim, or wait for it."""

    claim: ClaimPlan
    standing: ClaimStanding


class Over(msgspec.Struct, frozen=True):
    end: ResizeEnd
    #: The one that is stuck.
    claim: ClaimPlan | None = None


#: What speaks against changes while it lasts, and against nothing that was changed.
_OF_PODS = (ResizeRefusedReason.NOT_OBSERVED, ResizeRefusedReason.UNDER_WAY)


def next_move(found: ResizePlan, uid: str, now: datetime, patience: timedelta) -> Do | Over:
    """``found``: planned right now; ``uid``: of the set that somebody agreed to."""
    if found.uid != uid:  # somebody who does the same may have made it again; what its pods do is not asked for here
        against = [each for each in found.refused if each.reason not in _OF_PODS]
        if against or found.to_change or found.template_follows:
            return Over(ResizeEnd.REPLACED)
    elif found.refused:
        return Over(ResizeEnd.REFUSED)
    for each in found.claims:
        stands = standing(each.growth, each.modification, changes=each.changes, now=now, patience=patience)
        if stands is ClaimStanding.STUCK:
            return Over(ResizeEnd.STUCK, each)
        if stands is not ClaimStanding.SETTLED:
            return Do(each, stands)
    return Over(ResizeEnd.REACHED)
