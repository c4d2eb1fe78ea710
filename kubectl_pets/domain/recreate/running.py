"""What next, while a set is made again? Level-triggered: the uid that is there, and what was saved, say it all; so whoever types
it goes on from wherever it stands, and several may at once.

The order: save what is intended, mark claims and set (and have it give up its claims), delete the set alone, create the new one,
see it take on the pods, put back who owns which field, take the marks off, forget what was saved.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum, unique
from typing import Any

import msgspec

from kubectl_pets.domain.model import PersistentVolumeClaim, Pod, ordinal_of
from kubectl_pets.domain.recreate.content import as_wanted, deletes_claims, intention, marked, same
from kubectl_pets.domain.recreate.refusing import RecreateRefused, RecreateRefusedReason, names_of
from kubectl_pets.domain.sets.away import RECREATING_ANNOTATION, Recreation, SavedRecreation, WholeSet


@unique
class RecreateStep(StrEnum):
    SAVE = "save"
    MARK_CLAIMS = "mark-claims"
    MARK = "mark"
    #: Until the controller has seen the set and given up its claims, and pods that are on their way out are back.
    AWAIT_REST = "await-rest"
    DELETE = "delete"
    AWAIT_GONE = "await-gone"
    CREATE = "create"
    #: Until whoever deploys the set creates it.
    AWAIT_CREATION = "await-creation"
    AWAIT_ADOPTION = "await-adoption"
    #: Take the mark off the new set, and put back who owns which field.
    UNMARK = "unmark"
    UNMARK_CLAIMS = "unmark-claims"
    FORGET = "forget"


#: What speaks against it for a moment only.
PASSING = (RecreateRefusedReason.NOT_OBSERVED, RecreateRefusedReason.PODS_LEAVING)


@unique
class RecreateEnd(StrEnum):
    REACHED = "reached"
    #: Something speaks against it now, and the set was not deleted.
    REFUSED = "refused"
    #: Somebody else made a set of that name, and not with what was asked for.
    OVERTAKEN = "overtaken"
    #: Somebody deleted it.
    GONE = "gone"
    #: The set of before is there, as it was before.
    ABANDONED = "abandoned"
    #: What is intended is saved, and cannot be read.
    UNREADABLE = "unreadable"
    TIMED_OUT = "timed-out"


class Glance(msgspec.Struct, frozen=True, kw_only=True):
    """One look. Claims and pods are read only where there is a set; ``claims``: all of the namespace."""

    live: WholeSet | None
    saved: SavedRecreation | None
    claims: tuple[PersistentVolumeClaim, ...] = ()
    pods: tuple[Pod, ...] = ()
    refused: tuple[RecreateRefused, ...] = ()


class Perform(msgspec.Struct, frozen=True, kw_only=True):
    step: RecreateStep
    intended: Recreation
    #: That it is about.
    claims: tuple[PersistentVolumeClaim, ...] = ()


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    end: RecreateEnd
    refused: tuple[RecreateRefused, ...] = ()


def next_step(
    glance: Glance,
    uid: str,
    wanted: Mapping[str, Any],
    now: datetime,
    *,
    hand_over: bool = False,
    abandon: bool = False,
) -> Perform | Finished:
    """``uid``: of the set that is to be replaced; ``wanted``: immutable fields of the spec, as the API server writes them.
    ``abandon``: leave the set of before as it was, where it is still there."""
    saved = glance.saved.intended if glance.saved is not None else None
    if glance.saved is not None and saved is None:
        return Finished(end=RecreateEnd.UNREADABLE)
    if saved is not None and (saved.uid != uid or saved.wanted != wanted):
        return _other(saved)
    live = glance.live
    if live is None:
        if saved is None:
            return Finished(end=RecreateEnd.GONE)
        return Perform(step=RecreateStep.AWAIT_CREATION if hand_over else RecreateStep.CREATE, intended=saved)
    if live.metadata.uid == uid and abandon and live.metadata.deletion_timestamp is None:
        return _back(glance, live, saved or intention(live, wanted, (), None, now))
    if live.metadata.uid == uid:
        return _before(glance, live, saved, wanted, now)
    return _after(glance, live, saved, uid, wanted)


def _other(saved: Recreation) -> Finished:
    """It is made again with something else."""
    refused = RecreateRefused(reason=RecreateRefusedReason.OTHER_INTENTION, subjects=tuple(sorted(saved.wanted)))
    return Finished(end=RecreateEnd.REFUSED, refused=(refused,))


def _before(
    glance: Glance, live: WholeSet, saved: Recreation | None, wanted: Mapping[str, Any], now: datetime
) -> Perform | Finished:
    if live.metadata.deletion_timestamp is not None:
        if saved is None:
            return Finished(end=RecreateEnd.GONE)
        return Perform(step=RecreateStep.AWAIT_GONE, intended=saved)
    intended = intention(live, wanted, glance.pods, saved, now)
    passing = [each for each in glance.refused if each.reason in PASSING]
    if len(passing) < len(glance.refused):
        return Finished(end=RecreateEnd.REFUSED, refused=glance.refused)
    if saved is None or not same(saved, intended):
        return Perform(step=RecreateStep.SAVE, intended=intended)
    unmarked = tuple(each for each in own_claims(glance.claims, live) if not _has_mark(each, live.metadata.uid))
    if unmarked:
        return Perform(step=RecreateStep.MARK_CLAIMS, intended=intended, claims=unmarked)
    if not marked(live) or deletes_claims(live):
        return Perform(step=RecreateStep.MARK, intended=intended)
    owned = any(owner.uid == live.metadata.uid for each in glance.claims for owner in each.metadata.owner_references)
    if owned or passing:
        return Perform(step=RecreateStep.AWAIT_REST, intended=intended)
    return Perform(step=RecreateStep.DELETE, intended=intended)


def _after(
    glance: Glance, live: WholeSet, saved: Recreation | None, uid: str, wanted: Mapping[str, Any]
) -> Perform | Finished:
    """There is another set. Where nothing is saved any more somebody else has brought it to its end."""
    ours = live.metadata.annotations.get(RECREATING_ANNOTATION) == uid
    wished = as_wanted(live, wanted)
    if saved is not None and wished:
        if not adopted(glance.pods, live, saved):
            return Perform(step=RecreateStep.AWAIT_ADOPTION, intended=saved)
        if ours:
            return Perform(step=RecreateStep.UNMARK, intended=saved)
    if saved is not None:
        return _cleared(glance, saved)
    return Finished(end=RecreateEnd.REACHED if wished else RecreateEnd.OVERTAKEN)


def _cleared(glance: Glance, intended: Recreation) -> Perform:
    left = tuple(each for each in glance.claims if _has_mark(each, intended.uid))
    if left:
        return Perform(step=RecreateStep.UNMARK_CLAIMS, intended=intended, claims=left)
    return Perform(step=RecreateStep.FORGET, intended=intended)


def _back(glance: Glance, live: WholeSet, intended: Recreation) -> Perform | Finished:
    """Everything that was done to the set of before is taken back; where the record was lost, to the new one."""
    if marked(live):
        return Perform(step=RecreateStep.UNMARK, intended=intended)
    left = still_marked(glance.claims, live)
    if left:
        return Perform(step=RecreateStep.UNMARK_CLAIMS, intended=intended, claims=left)
    if glance.saved is not None or any(_has_mark(each, intended.uid) for each in glance.claims):
        return _cleared(glance, intended)
    return Finished(end=RecreateEnd.ABANDONED)


def adopted(pods: tuple[Pod, ...], live: WholeSet, intended: Recreation) -> bool:
    """Whether the controller has seen the new set, and every pod of before that is there still is the new set's."""
    if live.status.observed_generation < live.metadata.generation:
        return False
    there = [pod for pod in pods if intended.pods.get(pod.name) == pod.metadata.uid and not pod.terminating]
    owners = [pod.metadata.controller() for pod in there]
    return all(owner is not None and owner.uid == live.metadata.uid for owner in owners)


def own_claims(claims: tuple[PersistentVolumeClaim, ...], live: WholeSet) -> tuple[PersistentVolumeClaim, ...]:
    """Those of a name that its templates make, in range or not."""
    stems = [f"{template}-{live.name}" for template in names_of(live.spec)]
    found = (each for each in claims if any(ordinal_of(each.name, stem) is not None for stem in stems))
    return tuple(each for each in found if each.metadata.deletion_timestamp is None)


def still_marked(claims: tuple[PersistentVolumeClaim, ...], live: WholeSet) -> tuple[PersistentVolumeClaim, ...]:
    """Claims of the set with the mark of any that is, or was, to be replaced: the new set's have that of the one of before."""
    return tuple(each for each in own_claims(claims, live) if RECREATING_ANNOTATION in each.metadata.annotations)


def _has_mark(claim: PersistentVolumeClaim, uid: str) -> bool:
    return claim.metadata.annotations.get(RECREATING_ANNOTATION) == uid
