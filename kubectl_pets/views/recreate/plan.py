"""``kubectl pets recreate --plan``: what changes, what the pods lack then, what speaks against it."""

from collections.abc import Iterator

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.recreate.plan import RecreatePlan, TemplateChange, TemplateFate
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.views.recreate import words
from kubectl_pets.views.rollout import words as rollout_words
from kubectl_pets.views.text import phrases


def draw(found: RecreatePlan, seen: Assessment) -> str:
    return "\n".join((f"{rollout_words.title(seen)}: {_headline(found)}", *_lines(found, seen)))


def question(found: RecreatePlan, seen: Assessment, server: str) -> str:
    return f"{agreed(found, seen, server)} Go on?"


def agreed(found: RecreatePlan, seen: Assessment, server: str) -> str:
    """What somebody agrees to, with -y as well."""
    told = []
    if found.changes:
        told.append("deletes the set alone and creates it again")
    if found.lacking.pods:
        told.append(f"replaces {phrases.folded(found.lacking.pods)}, one at a time")
    return f"on {clean(server)} this {' and '.join(told)}: {rollout_words.title(seen)}."


def _headline(found: RecreatePlan) -> str:
    if found.changes:
        return "made again"
    return "its pods are brought to what it says" if found.lacking.pods else "nothing to do"


def _lines(found: RecreatePlan, seen: Assessment) -> Iterator[str]:
    yield from (f"  {clean(each.field)}: {clean(each.before) or '-'} -> {clean(each.after) or '-'}" for each in found.fields)
    yield from (f"  claim template {_template(each)}" for each in found.templates)
    yield from (f"  => refused: {words.refusal(each)}" for each in found.refused)
    if found.changes and not found.refused:
        pods = f"{phrases.count(found.pods, 'pod')} {'runs' if found.pods == 1 else 'run'} on"
        yield f"  => deleted alone and created again within seconds, accepted by the API server (dry run); {pods}"
    if found.lacking.volumes:
        names = phrases.folded(found.lacking.volumes)
        yield f"pods: {names} lack a volume, and are replaced one at a time, the lowest ordinal first"
    named = tuple(each for each in found.lacking.subdomain if each not in found.lacking.volumes)
    if named:
        yield f"pods: {phrases.folded(named)} have no name at the Service, and are replaced one at a time"
    dropped = [clean(each.name) for each in found.templates if each.fate is TemplateFate.DROPPED]
    if dropped:
        yield f"claims: those of {', '.join(dropped)} stay, and are in use until their pods are replaced"
    if any(each.size != each.size_before for each in found.templates if each.fate is TemplateFate.CHANGED):
        yield f"claims: those that there are keep their size: {phrases.command(seen, 'resize', '[TEMPLATE=]SIZE')}"
    if any(each.class_before != each.storage_class for each in found.templates if each.fate is TemplateFate.CHANGED):
        yield "claims: those that there are keep their class"
    if found.revisions_lost:
        lost = phrases.folded(found.revisions_lost)
        yield f"history: the new selector does not match {lost}, which can then not be gone back to"
    if found.template_left_out:
        yield "pod template: what was typed has another one, which is left out: apply it afterwards, as a rollout"
    if found.changes and found.takers_unread:
        yield words.takers_unread(found.takers_unread)
    yield from (f"warning: {rollout_words.warning(each)}" for each in found.managers)


def _template(each: TemplateChange) -> str:
    size = clean(each.size) + (f" of class {clean(each.storage_class)}" if each.storage_class else "")
    match each.fate:
        case TemplateFate.ADDED:
            return f"{clean(each.name)}: added, {size}"
        case TemplateFate.DROPPED:
            return f"{clean(each.name)}: dropped"
    before = clean(each.size_before) + (f" of class {clean(each.class_before)}" if each.class_before else "")
    return f"{clean(each.name)}: {before} -> {size}" if before != size else f"{clean(each.name)}: changed"
