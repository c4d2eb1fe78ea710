"""``kubectl pets resize``: what becomes of each claim, what the template says, and what is not known beforehand."""

from datetime import datetime

from msgspec.structs import replace

from kubectl_pets import pasting
from kubectl_pets.cleaning import clean
from kubectl_pets.domain.claims.growth import Growth, GrowthStage, Modification
from kubectl_pets.domain.resize.running import Over, ResizeEnd
from kubectl_pets.domain.resize.types import ClaimPlan, QuotaRoom, ResizePlan, ResizeRequest
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.views.recreate import words as recreate_words
from kubectl_pets.views.resize import words
from kubectl_pets.views.rollout import claims
from kubectl_pets.views.rollout import words as rollout_words
from kubectl_pets.views.text import phrases
from kubectl_pets.views.text.sizes import size

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
    if found.template and not found.refused:
        lines += [*_restarts(found), *_template(found)]
    lines += _left(found)
    lines += [f"warning: {rollout_words.warning(each)}" for each in found.managers]
    return "\n".join([*lines, *(f"skipped: {words.skip(each)}" for each in found.skipped)])


def question(found: ResizePlan, seen: Assessment, server: str) -> str:
    """Asked before what cannot be taken back; names the server, because that is what one gets wrong."""
    return f"{agreed(found, seen, server)} Go on?"


def agreed(found: ResizePlan, seen: Assessment, server: str) -> str:
    """What somebody agrees to, with -y as well."""
    names = phrases.folded([each.claim for each in found.to_change])
    asked = f"{clean(found.request.size)}{_and_class(found)}"
    what = f"{phrases.count(len(found.to_change), 'claim')} of {rollout_words.title(seen)} to {asked} ({names})"
    told = f"on {clean(server)} this takes {what}; a volume never gets smaller again."
    if not found.template_follows:
        return told
    again = "the set is deleted alone and created again with that template; its pods run on."
    return f"{told} Then {again}" if found.to_change else f"on {clean(server)} {rollout_words.title(seen)}: {again}"


def asked(each: ClaimPlan, found: ResizePlan) -> str:
    """A claim was changed."""
    return f"{clean(each.claim)}: {size(each.growth.asks)} -> {clean(found.request.size)}{_and_class(found)}"


def failing(each: ClaimPlan, grown: Growth, now: datetime) -> str:
    """What is told while the driver is asked again and again."""
    return f"{clean(each.claim)} {claims.stage(grown, each.pod, now)}"


def ended(over: Over, found: ResizePlan, seen: Assessment, now: datetime) -> str:
    """How a run ended, on stderr; ``found`` and ``seen``: its last look."""
    name = rollout_words.title(seen)
    match over.end:
        case ResizeEnd.REACHED:
            waiting = [each.claim for each in found.claims if each.growth.stage is GrowthStage.NEEDS_POD]
            rest = f"; the nodes do their part of {phrases.folded(waiting)} when pods use them" if waiting else ""
            what = f"{clean(found.request.size)}{_and_class(found)}"
            template = "" if found.template_differs else ", and the template"
            return f"{name}: {phrases.count(len(found.claims), 'claim')} at {what}{template}{rest}"
        case ResizeEnd.STUCK if over.claim is not None:
            return f"stuck: {name}: {clean(over.claim.claim)} {_why(over.claim, now)}. {_left_alone(found, over.claim)}"
        case ResizeEnd.REFUSED:
            told = " ".join(words.refusal(each, found) for each in found.refused)
            return f"stopped: {name}: {told} {_still_to_do(found)}"
        case ResizeEnd.REPLACED:
            return f"failed: {name}: somebody deleted it and made another one of the same name; this was of the old one"
        case _:
            return f"timed out: {name}: {_still_to_do(found)}"


def hint(over: Over, found: ResizePlan, seen: Assessment) -> str | None:
    """What to type next."""
    again = phrases.again(seen, "resize", *typed(found.request))
    match over.end:
        case ResizeEnd.REACHED:
            return _after(found, seen)
        case ResizeEnd.STUCK if over.claim is not None and over.claim.growth.stage is GrowthStage.INFEASIBLE:
            return f"ask for less: {claims.lowest(over.claim.growth)}"
        case ResizeEnd.STUCK if over.claim is not None and over.claim.growth.offline:
            fewer = str(max(0, over.claim.ordinal - seen.start))
            scale = phrases.command(seen, "scale", "--replicas", fewer, "--plan")
            return f"it goes on while its pod is away; {scale} says what that does to the claims; then go on with: {again}"
        case ResizeEnd.STUCK if over.claim is not None and over.claim.growth.stage is GrowthStage.NEEDS_RESTART:
            restart = phrases.command(seen, "rollout restart", "--pod", str(over.claim.ordinal))
            return f"start the pod again with: {restart}; then go on with: {again}"
        case ResizeEnd.STUCK:
            return "give it the class that it had before, or another one"
        case _:
            return f"{again} goes on from here"


def template_left(found: ResizePlan, seen: Assessment) -> str:
    """The claims are done, and the template is not."""
    return f"{rollout_words.title(seen)}: {phrases.count(len(found.claims), 'claim')} at {clean(found.request.size)}"


def _after(found: ResizePlan, seen: Assessment) -> str:
    """What remains to be done when the claims are as asked for."""
    if found.partial:
        rest = "the others" if found.request.keep_template else "the others, and the template"
        return f"{rest}: {_for_all(found, seen)}"
    told = _template(found)
    return f"{told[0]}; {told[-1]}" if found.template_differs else f"for the manifest: {told[-1]}"


def _for_all(found: ResizePlan, seen: Assessment) -> str:
    asked = typed(replace(found.request, ordinals=(), canary=0))
    return phrases.again(seen, "resize", *asked, without=("--pod", "--canary"))


def left_off(found: ResizePlan, seen: Assessment) -> str:
    """Told before the error that ends a run half-way."""
    return f"stopped: {rollout_words.title(seen)}: {_still_to_do(found)}"


def interrupted(found: ResizePlan, seen: Assessment) -> str:
    return f"interrupted: {rollout_words.title(seen)}: {_still_to_do(found)} The storage goes on with what was asked for."


def typed(asked: ResizeRequest) -> tuple[str, ...]:
    """All that was asked for, to be typed again: a flag less would be another request."""
    size = f"{asked.template}={asked.size}" if asked.template else asked.size
    flags = (("--keep-template", asked.keep_template), ("--restart", asked.restart), ("--hand-over", asked.hand_over))
    return (
        size,
        *(("--attributes-class", asked.attributes_class) if asked.attributes_class else ()),
        *(word for ordinal in asked.ordinals for word in ("--pod", str(ordinal))),
        *(("--canary", str(asked.canary)) if asked.canary else ()),
        *(flag for flag, given in (*flags, ("--operator-paused", asked.operator_paused)) if given),
        *pasting.guards(),
    )


def _why(each: ClaimPlan, now: datetime) -> str:
    if each.growth.stage in (GrowthStage.INFEASIBLE, GrowthStage.NEEDS_RESTART):
        return claims.stage(each.growth, each.pod, now)
    modified = words.modification(each.modification or Modification.INFEASIBLE, each.attributes_then)
    return f"has {size(each.growth.has)}; {modified}"


def _left_alone(found: ResizePlan, stuck: ClaimPlan) -> str:
    rest = [each.claim for each in found.claims if each.ordinal < stuck.ordinal and each.changes]
    return f"Not touched: {phrases.folded(rest)}." if rest else "It is the last one."


def _still_to_do(found: ResizePlan) -> str:
    done = sum(each.done for each in found.claims)
    rest = phrases.folded([each.claim for each in found.claims if not each.done])
    return f"{done} of {phrases.count(len(found.claims), 'claim')} done" + (f", not {rest}." if rest else ".")


def _and_class(found: ResizePlan) -> str:
    return f" and attributes class {clean(found.request.attributes_class)}" if found.request.attributes_class else ""


def _headline(found: ResizePlan) -> str:
    asked = clean(found.request.size)
    name = f"claims of template {clean(found.template)}" if found.template else "claims"
    return f"{name} to {asked}{_and_class(found)}"


def _claim(each: ClaimPlan, now: datetime) -> str:
    told = [f"{clean(each.claim)}: {claims.stage(each.growth, each.pod, now)}"]
    if each.growth.stage is GrowthStage.NOT_ASKED or (each.growth.asks or 0) > each.then:
        before = f", asks for {size(each.growth.asks)}" if each.growth.asks != each.growth.has else ""
        told[0] += f"{before} -> {size(each.then)}"
    if each.modification is not None:
        told.append(words.modification(each.modification, each.attributes_then))
    return "; ".join([*told, words.storage(each)])


def _verdict(found: ResizePlan) -> list[str]:
    refused = [f"  => refused: {words.refusal(each, found)}" for each in found.refused]
    refused += [f"  => refused by the API server: {clean(each.claim)}: {clean(each.message)}" for each in found.objections or ()]
    stays = "; --keep-template resizes the claims alone"
    refused += [f"  => refused: for the template: {recreate_words.refusal(each)}{stays}" for each in found.template_refused or ()]
    if refused:
        return refused
    if not found.claims:
        return ["  => nothing to do for claims: there are none yet"]
    if found.done:
        return ["  => nothing to do for claims: all are as asked for"]
    if not found.to_change:
        return ["  => no claim to change; what is under way is not through"]
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
    chart = f"chart: volumeClaimTemplates[{name}].spec.resources.requests.storage: {asked}"
    if not found.template_differs:
        return [f"template: {name} says {asked} already", chart]
    now = clean(found.template_text) or "?"
    if not found.template_follows:
        return [f"template: {name} says {now} and stays so: pods of new ordinals get claims of that size", chart]
    judged = ", accepted by the API server (dry run)" if found.template_refused is not None else ""
    again = "the set is deleted alone and created again, its pods run on"
    return [f"template: {name} says {now} -> {asked}, at last: {again}{judged}", chart]


def _left(found: ResizePlan) -> list[str]:
    lines = []
    if found.unmade:
        lines.append(f"not made yet: the claims of {phrases.folded(found.unmade)}; they come at the template's size")
    if found.left_out:
        lines.append(f"not asked for: {phrases.count(found.left_out, 'claim')} of others")
    if found.leftovers:
        names = phrases.folded([each.claim for each in found.leftovers])
        lines.append(f"left over: {names} of earlier replicas, which stay as they are until they are in range")
    return lines
