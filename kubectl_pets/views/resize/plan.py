"""``kubectl pets resize``: what becomes of each claim, what the template says, and what is not known beforehand."""

from datetime import datetime

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.resize.growth import GrowthStage
from kubectl_pets.domain.resize.types import ClaimPlan, QuotaRoom, ResizePlan
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.views.orphans.words import size
from kubectl_pets.views.resize import words
from kubectl_pets.views.rollout import words as rollout_words
from kubectl_pets.views.text import phrases

#: So many claims get a line each before the rest is counted.
_MANY = 20


def draw(found: ResizePlan, seen: Assessment, now: datetime) -> str:
    """The plan for the set as it was ``seen``; ``now``: for ages."""
    lines = [f"{rollout_words.title(seen)}: {_headline(found)}"]
    lines += [f"{number:>3}. {_claim(each, now)}" for number, each in enumerate(found.claims[:_MANY], start=1)]
    if len(found.claims) > _MANY:
        lines.append(f"     and so on: {phrases.folded([each.claim for each in found.claims[_MANY:]])}")
    lines += _verdict(found)
    lines += [f"quota: {_room(each)}" for each in found.quotas]
    if found.claims and not found.refused:
        lines += [*_restarts(found), *_template(found)]
    lines += _left(found)
    lines += [f"warning: {rollout_words.warning(each)}" for each in found.managers]
    return "\n".join([*lines, *(f"skipped: {words.skip(each)}" for each in found.skipped)])


def _headline(found: ResizePlan) -> str:
    asked = clean(found.request.size)
    more = f" and attributes class {clean(found.request.attributes_class)}" if found.request.attributes_class else ""
    name = f"claims of template {clean(found.template)}" if found.template else "claims"
    return f"{name} to {asked}{more}"


def _claim(each: ClaimPlan, now: datetime) -> str:
    told = [f"{clean(each.claim)}: {words.stage(each.growth, each.pod, now)}"]
    if each.growth.stage is GrowthStage.NOT_ASKED or (each.growth.asks or 0) > each.then:
        before = f", asks for {size(each.growth.asks)}" if each.growth.asks != each.growth.has else ""
        told[0] += f"{before} -> {size(each.then)}"
    if each.modification is not None:
        told.append(words.modification(each.modification, each.attributes_then))
    return "; ".join([*told, words.storage(each)])


def _verdict(found: ResizePlan) -> list[str]:
    refused = [f"  => refused: {words.refusal(each, found)}" for each in found.refused]
    refused += [f"  => refused by the API server: {clean(each.claim)}: {clean(each.message)}" for each in found.objections or ()]
    if refused:
        return refused
    if not found.claims:
        return ["  => nothing to do: there are no claims yet"]
    if found.done:
        return ["  => nothing to do: all claims are as asked for"]
    if not found.to_change:
        return ["  => nothing to change; what is under way is not through"]
    asked = ", each accepted by the API server (dry run)" if found.objections is not None else ""
    return [f"  => {phrases.count(len(found.to_change), 'claim')} to change, one at a time, the highest ordinal first{asked}"]


def _room(each: QuotaRoom) -> str:
    return f"{clean(each.quota)} leaves {size(each.left)} of {clean(each.resource)}, this takes {size(each.needed)}"


def _restarts(found: ResizePlan) -> list[str]:
    """What can be said beforehand, which is little: no field of the API says whether a driver expands what is in use."""
    waiting = [each.pod for each in found.claims if each.growth.stage is GrowthStage.NEEDS_RESTART and not each.changes]
    if waiting:
        return [f"restarts: {phrases.folded(waiting)} now; of the others it shows when their volumes grow"]
    if not any(each.in_use for each in found.claims) or found.done:
        return []
    return ["restarts: none is known to be needed; whether a driver expands what is in use shows when it is asked"]


def _template(found: ResizePlan) -> list[str]:
    name, asked = clean(found.template), clean(found.request.size)
    if not found.template_differs:
        return [f"template: {name} says {asked} already"]
    path = f"volumeClaimTemplates[{name}].spec.resources.requests.storage"
    return [
        f"template: {name} says {clean(found.template_text) or '?'} and stays so, for the API calls it immutable: "
        "pods of new ordinals get claims of that size",
        f"chart: {path}: {asked}",
    ]


def _left(found: ResizePlan) -> list[str]:
    lines = []
    if found.unmade:
        lines.append(f"not made yet: the claims of {phrases.folded(found.unmade)}; they come at the template's size")
    if found.leftovers:
        names = phrases.folded([each.claim for each in found.leftovers])
        lines.append(f"left over: {names} of earlier replicas, which stay as they are until they are in range")
    return lines
