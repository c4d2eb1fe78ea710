"""The words of an adoption: which volume becomes which claim, and why one cannot."""

from typing import assert_never

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.changes import CreateClaim, ReserveVolume
from kubectl_pets.domain.claims.quantities import parse_bytes
from kubectl_pets.domain.orphans.adopting import Adoption, AdoptPlan, AdoptRefused, AdoptRefusedReason
from kubectl_pets.domain.orphans.inventory import PersistentVolume
from kubectl_pets.domain.orphans.restoring import AwaitBound
from kubectl_pets.domain.orphans.storage import StorageObjection
from kubectl_pets.pasting import kubectl
from kubectl_pets.views.orphans import words as claim_words
from kubectl_pets.views.text import sizes
from kubectl_pets.views.text.phrases import count


def draw(planned: AdoptPlan) -> str:
    """The steps volume by volume, then what is refused."""
    lines = _already(planned)
    for number, one in enumerate(planned.adoptions, start=1):
        lines.append(f"{number:>3}. {_title(one)}, {sizes.size(_size(one.volume))}")
        lines += [f"     - {_step(step)}" for step in one.steps]
    if planned.refused:
        lines += ["nothing would be adopted:", *(f"  - {refused(one)}" for one in planned.refused)]
    return "\n".join(lines)


def already(planned: AdoptPlan) -> str:
    """Which volumes are claims of the set by now; empty: none."""
    return ", ".join(_already(planned))


def _already(planned: AdoptPlan) -> list[str]:
    return [f"{clean(volume)} is claim {clean(claim)} already" for volume, claim in planned.already]


def agreed(planned: AdoptPlan, namespace: str, server: str) -> str:
    """What somebody agrees to, with -y as well."""
    told = ", ".join(_title(one) for one in planned.adoptions)
    there = "".join(f" {clean(volume)} is {clean(claim)} already." for volume, claim in planned.already)
    where = f"on {clean(server)} in namespace {clean(namespace)}"
    return f"{where} this binds {count(len(planned.adoptions), 'volume')}: {told}.{there}"


def refused(found: AdoptRefused) -> str:
    """Why a volume is not adopted, in one line that begins with its name."""
    return f"{clean(found.volume)}: {_reason(found)}"


def _title(one: Adoption) -> str:
    held = one.volume.spec.claim_ref
    was = f" (was {clean(held.namespace)}/{clean(held.name)})" if held is not None else ""
    return f"{clean(one.volume.name)}{was} as {clean(one.claim.namespace)}/{clean(one.claim.name)}"


def _size(volume: PersistentVolume) -> int | None:
    return parse_bytes(volume.spec.capacity.get("storage"))


def _step(step: CreateClaim | ReserveVolume | AwaitBound) -> str:
    match step:
        case CreateClaim(claim=claim):
            return f"make claim {clean(claim.namespace)}/{clean(claim.name)} for volume {clean(claim.spec.volume_name)}"
        case ReserveVolume(volume=volume, namespace=namespace, claim=name):
            return f"reserve volume {clean(volume)} for claim {clean(namespace)}/{clean(name)}"
        case AwaitBound(namespace=namespace, name=name, volume=volume):
            return f"wait until {clean(namespace)}/{clean(name)} is bound to volume {clean(volume)}"
        case _:
            assert_never(step)


def _reason(found: AdoptRefused) -> str:
    subject = clean(found.subject)
    match found.reason:
        case StorageObjection():
            return claim_words.storage_objection(found.reason, found.subject)
        case AdoptRefusedReason.VOLUME_GONE:
            return f"there is no such volume; {kubectl('get', 'pv')} lists them"
        case AdoptRefusedReason.VOLUME_TERMINATING:
            return "it is being deleted"
        case AdoptRefusedReason.VOLUME_NOT_FREE:
            return f"it is {subject}, and not free"
        case AdoptRefusedReason.VOLUME_DESTROYED:
            return "it is released with another policy than Retain, so it is being destroyed"
        case AdoptRefusedReason.TOO_SMALL:
            return f"it is too small: {subject}"
        case AdoptRefusedReason.OTHER_MODES:
            return f"the template asks for {subject}, and it does not have that"
        case AdoptRefusedReason.TWICE:
            return "it is named twice"
        case _:
            assert_never(found.reason)
