"""Which retained volumes become which claims of a set? Volumes of another name, namespace or cluster, for the claims that the set
will ask for, in order (kubernetes/kubernetes#128459).

The controller takes a claim by its name, ``<template>-<set>-<ordinal>``, whatever is in it (createPersistentVolumeClaims). So the
claim is made as the controller would make it, but for the volume that it names, and the volume is reserved for it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.changes import CreateClaim, ReserveVolume
from kubectl_pets.domain.claims.quantities import parse_bytes
from kubectl_pets.domain.model import (
    LabelSelector,
    Object,
    ObjectMeta,
    Ordinals,
    PersistentVolumeClaim,
    PersistentVolumeClaimSpec,
    ResourceRequests,
    Value,
    ordinal_of,
)
from kubectl_pets.domain.orphans.inventory import PersistentVolume
from kubectl_pets.domain.orphans.restoring import AwaitBound
from kubectl_pets.domain.orphans.retention import is_bound_to
from kubectl_pets.domain.orphans.storage import StorageObjection, StorageUse, objection

#: Ordinals are int32.
_LARGEST = 2**31 - 1


class ClaimMakerSpec(Value, frozen=True):
    selector: LabelSelector = LabelSelector()
    ordinals: Ordinals | None = None
    volume_claim_templates: tuple[PersistentVolumeClaim, ...] = ()


class ClaimMaker(Object, frozen=True):
    """A StatefulSet with its claim templates in full."""

    spec: ClaimMakerSpec = ClaimMakerSpec()


@unique
class AdoptRefusedReason(StrEnum):
    VOLUME_GONE = "volume-gone"
    VOLUME_TERMINATING = "volume-terminating"
    #: Bound to a claim, or its reclamation failed. Subject: its phase, and its claim if it has one.
    VOLUME_NOT_FREE = "volume-not-free"
    #: Released with the policy Delete: it is being destroyed.
    VOLUME_DESTROYED = "volume-destroyed"
    #: It is smaller than the template asks for. Subject: both sizes.
    TOO_SMALL = "too-small"
    #: The template's access modes or its volume mode are not the volume's. Subject: what is asked for.
    OTHER_MODES = "other-modes"
    #: Named twice.
    TWICE = "twice"


class Adoption(msgspec.Struct, frozen=True, kw_only=True, tag="adoption"):
    """One volume and the claim that it becomes; ``steps`` in their order."""

    volume: PersistentVolume
    claim: PersistentVolumeClaim
    steps: tuple[CreateClaim | ReserveVolume | AwaitBound, ...]


class AdoptRefused(msgspec.Struct, frozen=True, kw_only=True, tag="refused"):
    volume: str
    reason: AdoptRefusedReason | StorageObjection
    subject: str = ""


class AdoptPlan(msgspec.Struct, frozen=True, kw_only=True):
    """All volumes or none: one that is refused would leave another one with the wrong ordinal. ``already``: volume and claim that
    an adoption which was broken off, or another one of the same, had bound."""

    adoptions: tuple[Adoption, ...]
    refused: tuple[AdoptRefused, ...] = ()
    already: tuple[tuple[str, str], ...] = ()


def template_of(maker: ClaimMaker, name: str) -> PersistentVolumeClaim | None:
    """The template that is meant; ``name`` empty: the only one. None: there is none such, or not only one."""
    found = [each for each in maker.spec.volume_claim_templates if not name or each.name == name]
    return found[0] if len(found) == 1 else None


def plan_adoption(
    names: Sequence[str],
    volumes: Iterable[PersistentVolume],
    maker: ClaimMaker,
    template: PersistentVolumeClaim,
    claims: Iterable[PersistentVolumeClaim],
    use: StorageUse,
) -> AdoptPlan:
    """Each of the volumes of these ``names`` gets the lowest ordinal that has no claim yet, in the order in which they are named.
    ``volumes`` and the ``claims`` of the set's namespace are newly read. A claim of an adoption that was broken off (ours by the
    volume that it names) is gone on with: what it has bound already is passed by. Where nothing else is left to do, that is what
    was asked for if the ordinals are in the order of the names."""
    known = {volume.name: volume for volume in volumes}
    taken = {claim.name: claim for claim in claims if claim.namespace == maker.namespace}
    stem = f"{template.name}-{maker.name}-"
    begun = {
        claim.spec.volume_name: claim.name
        for claim in taken.values()
        if claim.status.phase != "Bound" and claim.spec.volume_name and claim.name.startswith(stem)
    }
    free = _free(maker, template, taken)
    adoptions: list[Adoption] = []
    refused: list[AdoptRefused] = []
    already = {name: claim for name in names if (claim := _has_become(known.get(name), stem, taken))}
    if not set(names) - already.keys() and not _in_order(already.values(), stem):
        already = {}
    for place, name in enumerate(names):
        volume = known.get(name)
        if name in already and name not in names[:place]:
            continue
        why = _unfit(name, volume, maker, template, use)
        if name in names[:place]:
            why = AdoptRefused(volume=name, reason=AdoptRefusedReason.TWICE)
        if why is not None or volume is None:
            refused.append(why or AdoptRefused(volume=name, reason=AdoptRefusedReason.VOLUME_GONE))
            continue
        adoptions.append(_adoption(volume, maker, template, begun.get(name) or next(free), made=name in begun))
    return AdoptPlan(adoptions=() if refused else tuple(adoptions), refused=tuple(refused), already=tuple(already.items()))


def _in_order(claims: Iterable[str], stem: str) -> bool:
    ordinals = [int(claim.removeprefix(stem)) for claim in claims]
    return ordinals == sorted(ordinals)


def is_torn(names: Sequence[str], volumes: Iterable[PersistentVolume], claims: Iterable[PersistentVolumeClaim]) -> bool:
    """Whether the two lists are of different moments, as far as these volumes go: a claim is bound to one of them, and in the
    list that was read before it that volume is not bound to it yet."""
    known = {volume.name: volume for volume in volumes if volume.name in names}
    bound = (claim for claim in claims if claim.status.phase == "Bound" and claim.spec.volume_name in known)
    return any(not is_bound_to(known[claim.spec.volume_name], claim) for claim in bound)


def _has_become(volume: PersistentVolume | None, stem: str, taken: Mapping[str, PersistentVolumeClaim]) -> str:
    """The claim of the set and template that the volume is bound to; empty: none."""
    held = volume.spec.claim_ref if volume is not None else None
    claim = taken.get(held.name) if held is not None and ordinal_of(held.name, stem[:-1]) is not None else None
    return claim.name if claim is not None and volume is not None and is_bound_to(volume, claim) else ""


def _free(maker: ClaimMaker, template: PersistentVolumeClaim, taken: dict[str, PersistentVolumeClaim]) -> Iterator[str]:
    start = maker.spec.ordinals.start if maker.spec.ordinals else 0
    names = (f"{template.name}-{maker.name}-{ordinal}" for ordinal in range(start, _LARGEST))
    return (name for name in names if name not in taken)


def _unfit(
    name: str, volume: PersistentVolume | None, maker: ClaimMaker, template: PersistentVolumeClaim, use: StorageUse
) -> AdoptRefused | None:
    if volume is None:
        return AdoptRefused(volume=name, reason=AdoptRefusedReason.VOLUME_GONE)
    spec, wanted = volume.spec, template.spec
    if volume.metadata.deletion_timestamp is not None:
        return AdoptRefused(volume=name, reason=AdoptRefusedReason.VOLUME_TERMINATING)
    if volume.status.phase not in ("Available", "Released") or _is_reserved(volume, maker, template):
        held = f" (claim {spec.claim_ref.namespace}/{spec.claim_ref.name})" if spec.claim_ref else ""
        return AdoptRefused(volume=name, reason=AdoptRefusedReason.VOLUME_NOT_FREE, subject=f"{volume.status.phase}{held}")
    if volume.status.phase == "Released" and spec.persistent_volume_reclaim_policy != "Retain":
        return AdoptRefused(volume=name, reason=AdoptRefusedReason.VOLUME_DESTROYED)
    asked, has = wanted.resources.requests.get("storage"), spec.capacity.get("storage")
    if (parse_bytes(asked) or 0) > (parse_bytes(has) or 0):
        return AdoptRefused(volume=name, reason=AdoptRefusedReason.TOO_SMALL, subject=f"{has}, {asked} asked for")
    modes = set(wanted.access_modes) <= set(spec.access_modes)
    if not modes or (wanted.volume_mode or "Filesystem") != (spec.volume_mode or "Filesystem"):
        told = ", ".join([*wanted.access_modes, wanted.volume_mode or "Filesystem"])
        return AdoptRefused(volume=name, reason=AdoptRefusedReason.OTHER_MODES, subject=told)
    against = objection(volume, use)
    return AdoptRefused(volume=name, reason=against.reason, subject=against.subject) if against is not None else None


def _is_reserved(volume: PersistentVolume, maker: ClaimMaker, template: PersistentVolumeClaim) -> bool:
    """Nobody has had it yet, and it is kept for a claim of another set."""
    held = volume.spec.claim_ref
    if volume.status.phase != "Available" or held is None:
        return False
    return held.namespace != maker.namespace or not held.name.startswith(f"{template.name}-{maker.name}-")


def _adoption(
    volume: PersistentVolume, maker: ClaimMaker, template: PersistentVolumeClaim, name: str, *, made: bool
) -> Adoption:
    wanted, spec = template.spec, volume.spec
    asked = wanted.resources.requests.get("storage", spec.capacity.get("storage"))
    claim = PersistentVolumeClaim(
        api_version="v1",
        kind="PersistentVolumeClaim",
        metadata=ObjectMeta(
            name=name,
            namespace=maker.namespace,
            labels={**template.metadata.labels, **maker.spec.selector.match_labels},
            annotations=template.metadata.annotations,
        ),
        spec=PersistentVolumeClaimSpec(
            volume_name=volume.name,
            storage_class_name=spec.storage_class_name,
            volume_attributes_class_name=spec.volume_attributes_class_name,
            access_modes=wanted.access_modes or spec.access_modes,
            volume_mode=spec.volume_mode,
            resources=ResourceRequests(requests={"storage": asked}),
        ),
    )
    reserve = ReserveVolume(
        volume=volume.name,
        uid=volume.metadata.uid,
        resource_version=volume.metadata.resource_version,
        namespace=maker.namespace,
        claim=name,
    )
    bound = AwaitBound(namespace=maker.namespace, name=name, volume=volume.name)
    return Adoption(volume=volume, claim=claim, steps=((reserve, bound) if made else (CreateClaim(claim=claim), reserve, bound)))
