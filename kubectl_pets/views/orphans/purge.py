"""The words of a purge: a numbered plan as for deletions, the question that names what is lost, and how it ended."""

from collections.abc import Iterable
from datetime import datetime
from typing import assert_never

from kubectl_pets import pasting
from kubectl_pets.cleaning import clean
from kubectl_pets.domain.orphans.inventory import PersistentVolume
from kubectl_pets.domain.orphans.purging import Purge, PurgePlan, PurgeRefused, PurgeRefusedReason
from kubectl_pets.domain.orphans.storage import StorageObjection
from kubectl_pets.views.orphans import words as claim_words
from kubectl_pets.views.text import ages, sizes
from kubectl_pets.views.text.phrases import count, folded

#: So many volumes are named in a question.
_MANY = 3


def draw(planned: PurgePlan, now: datetime) -> str:
    """What would be destroyed, then what is left alone and why."""
    lines = []
    for number, one in enumerate(planned.purges, start=1):
        lines.append(f"{number:>3}. {title(one.volume)}  {sizes.size(one.size)}, left {ages.age(one.since, now)} ago")
        name = clean(one.volume.name)
        waits = f"wait until {name} is destroyed: that was asked for before"
        lines.append(f"     - {f'DESTROY volume {name} with its data' if one.step else waits}")
    if not lines:
        lines.append("nothing would be destroyed")
    if planned.refused:
        lines += ["left alone:", *(f"  - {refused(one)}" for one in planned.refused)]
    if planned.purges:
        lines.append(f"  => DESTROYS {_sum(planned.purges)} for good")
    return "\n".join(lines)


def agreed(planned: PurgePlan, server: str) -> str:
    """What somebody agrees to before anything is destroyed, with -y as well; names the server and the namespaces, because those
    are what one gets wrong."""
    titles = [title(one.volume) for one in planned.purges]
    names = ", ".join(titles[:_MANY]) + (f" and {len(titles) - _MANY} more" if len(titles) > _MANY else "")
    spaces = sorted({one.volume.spec.claim_ref.namespace for one in planned.purges if one.volume.spec.claim_ref})
    where = f" of namespace {clean(spaces[0])}" if len(spaces) == 1 else f" of {len(spaces)} namespaces ({folded(spaces)})"
    return f"on {clean(server)} this DESTROYS {_sum(planned.purges)}{where} for good: {names}."


def title(volume: PersistentVolume) -> str:
    """The volume, and the claim that it was."""
    held = volume.spec.claim_ref
    return clean(volume.name) + (f" (was {clean(held.namespace)}/{clean(held.name)})" if held else "")


def refused(found: PurgeRefused) -> str:
    """Why a volume is left alone, in one line that begins with its name."""
    return f"{title(found.volume)}: {_reason(found.reason, found.subject)}"


def _reason(why: PurgeRefusedReason | StorageObjection, subject: str) -> str:
    match why:
        case StorageObjection():
            return claim_words.storage_objection(why, subject)
        case PurgeRefusedReason.NO_LEFTOVER:
            return "it was not left by 'orphans delete', or it has been somebody's since"
        case PurgeRefusedReason.NOT_RELEASED:
            return "it is not released: somebody uses it, brings it back, or deletes it"
        case PurgeRefusedReason.UNDER_WAY:
            return "it is being destroyed already"
        case PurgeRefusedReason.TOO_YOUNG:
            return "it was left later than --older-than says"
        case PurgeRefusedReason.OTHER_LABELS:
            return "its claim did not have the labels of -l"
        case PurgeRefusedReason.OTHER_NAMESPACE:
            return "it was another namespace's: name that with -n, or give -A"
        case PurgeRefusedReason.CHANGED:
            return "it changed since the plan was made"
        case PurgeRefusedReason.RESCUED:
            return "it is not being destroyed any more: somebody has set it to Retain again, or a claim has it"
        case _:
            assert_never(why)


def destroying(one: Purge, *, lost: bool) -> str:
    """Of a volume whose destruction was asked for; ``lost``: whether the server heard of it is not known."""
    return f"destroying {title(one.volume)}" + (": the API server's answer was lost, it may not have heard of it" if lost else "")


def interrupted(untouched: int) -> str:
    """What Ctrl-C left of a purge, in one line."""
    if untouched:
        return "the other volumes were not touched"
    return "nobody waits any longer; what was asked for goes on"


def not_gone(one: Purge, said: str) -> str:
    """Of a volume that was to be destroyed and is there still. ``said``: by its driver, if it could not."""
    told = "is being destroyed, and not gone yet"
    if said:
        told = f"could not be destroyed so far, and its driver is asked again: {clean(said)}"
    return f"{title(one.volume)} {told}\nhint: {pasting.kubectl('describe', 'pv', one.volume.name)}"


def _sum(purges: Iterable[Purge]) -> str:
    sizes = [one.size for one in purges]
    return f"{count(len(sizes), 'volume')} with {claim_words.amount(sum(size or 0 for size in sizes), sizes.count(None))}"
