"""What does giving the volumes of a StatefulSet another size take, and what speaks against it? ``plan`` looks at every claim of
the template whose pod the set has, or is to have, and refuses before the first change rather than half-way.

What may be changed of a claim is the API server's rule (kubernetes pkg/apis/core/validation
ValidatePersistentVolumeClaimUpdate): a bound claim may ask for more, and for less only while it stays above
``status.capacity`` (KEP-1790). Whether a class can grow is admission's (PersistentVolumeClaimResize), what a quota counts is the
larger of request and ``allocatedResources`` (pkg/quota/v1/evaluator/core).
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec.structs import replace

from kubectl_pets.domain.changes import ResizeClaim
from kubectl_pets.domain.claims.growth import NODE_PATIENCE, GrowthStage, growth, modification, mounted
from kubectl_pets.domain.claims.quantities import parse_bytes
from kubectl_pets.domain.model import PersistentVolumeClaim, SetView, StatefulSet, ordinal_of
from kubectl_pets.domain.resize.types import (
    ClaimPlan,
    Leftover,
    QuotaRoom,
    ResizePlan,
    ResizeRefused,
    ResizeRefusedReason,
    ResizeRequest,
    ResizeSkip,
    ResizeSurroundings,
    ResourceQuota,
    Skipped,
    StorageClass,
)
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.managers import leader_worker_set, managers
from kubectl_pets.domain.rollout.verdict import Assessment, Cause

_STORAGE = "requests.storage"
_OF_CLASS = ".storageclass.storage.k8s.io/requests.storage"


def parse_request(text: str) -> ResizeRequest | None:
    """``20Gi`` or ``data=20Gi``; None for what is no size of at least one byte, or names no template."""
    template, equals, size = text.rpartition("=")
    number = parse_bytes(size)
    if not number or (equals and not template):
        return None
    return ResizeRequest(template=template, size=size, bytes=number)


def plan(owner: StatefulSet, view: SetView, around: ResizeSurroundings, request: ResizeRequest, now: datetime) -> ResizePlan:
    """Pure. ``owner``: the set of this ``view``; ``now``: the server's clock."""
    seen = assess(view, now)
    draft = ResizePlan(
        uid=owner.metadata.uid, request=request, managers=managers(owner), refused=tuple(_of_set(owner, seen, request))
    )
    template, why = _template(around, request)
    if template is None:
        return replace(draft, refused=(*draft.refused, *why))
    draft = replace(
        draft,
        template=template.name,
        template_now=_size(template),
        template_text=str(template.spec.resources.requests.get("storage", "")),
        template_class=template.spec.storage_class_name or "",
        template_attributes=template.spec.volume_attributes_class_name or "",
    )
    if around.claims is None:
        return replace(draft, refused=(*draft.refused, ResizeRefused(reason=ResizeRefusedReason.CLAIMS_UNREADABLE)))
    own = {ordinal: claim for claim in around.claims if (ordinal := _ordinal(claim, owner, template.name)) is not None}
    in_range = sorted((each for each in own if each in seen.slots), reverse=True)
    chosen = _chosen(in_range, request)
    used = mounted(view)
    claims = tuple(_claim(own[each], each, owner, around, request, now, own[each].name in used) for each in chosen)
    draft = replace(
        draft,
        claims=claims,
        left_out=len(in_range) - len(chosen),
        unmade=_unmade(seen, own),
        leftovers=tuple(
            Leftover(claim=own[each].name, has=parse_bytes(own[each].status.capacity.get("storage")))
            for each in sorted(set(own) - set(in_range))
        ),
        quotas=tuple(_quotas(around.quotas or (), claims, own)),
        skipped=tuple(_skipped(around, request)),
    )
    objects = [own[each] for each in chosen]
    return replace(draft, refused=(*draft.refused, *_of_claims(owner, draft, objects, around), *_unknown(in_range, request)))


def change(of: ClaimPlan, namespace: str, request: ResizeRequest) -> ResizeClaim:
    """The change of one claim."""
    return ResizeClaim(
        namespace=namespace,
        name=of.claim,
        uid=of.uid,
        resource_version=of.resource_version,
        size=request.size,
        attributes_class=request.attributes_class,
    )


def _template(
    around: ResizeSurroundings, request: ResizeRequest
) -> tuple[PersistentVolumeClaim | None, tuple[ResizeRefused, ...]]:
    """The claim template that is meant, or why that is not known."""
    templates = {each.name: each for each in around.maker.spec.volume_claim_templates}
    if request.template in templates:
        return templates[request.template], ()
    if not templates:
        return None, (ResizeRefused(reason=ResizeRefusedReason.NO_TEMPLATES),)
    names = ", ".join(sorted(templates))
    if request.template:
        return None, (ResizeRefused(reason=ResizeRefusedReason.UNKNOWN_TEMPLATE, subject=names),)
    if len(templates) > 1:
        return None, (ResizeRefused(reason=ResizeRefusedReason.WHICH_TEMPLATE, subject=names),)
    return next(iter(templates.values())), ()


def _chosen(in_range: list[int], request: ResizeRequest) -> list[int]:
    """The ordinals that are asked for, the highest first."""
    chosen = [each for each in in_range if not request.ordinals or each in request.ordinals]
    return chosen[: request.canary] if request.canary else chosen


def _unknown(in_range: list[int], request: ResizeRequest) -> Iterator[ResizeRefused]:
    unknown = [str(each) for each in request.ordinals if each not in in_range]
    if unknown:
        yield ResizeRefused(reason=ResizeRefusedReason.NO_SUCH_POD, subject=", ".join(unknown))


def _ordinal(claim: PersistentVolumeClaim, owner: StatefulSet, template: str) -> int | None:
    return ordinal_of(claim.name, f"{template}-{owner.name}") if claim.namespace == owner.namespace else None


def _unmade(seen: Assessment, own: Iterable[int]) -> tuple[str, ...]:
    """Runs of pods without a claim, from the lowest ordinal up."""
    slots = seen.slots
    return tuple(
        slots.names(slots.position(gap.first), slots.position(gap.first) + gap.count) for gap in slots.gaps(own)
    )


def _size(claim: PersistentVolumeClaim) -> int | None:
    return parse_bytes(claim.spec.resources.requests.get("storage"))


def _claim(
    claim: PersistentVolumeClaim,
    ordinal: int,
    owner: StatefulSet,
    around: ResizeSurroundings,
    request: ResizeRequest,
    now: datetime,
    in_use: bool,
) -> ClaimPlan:
    volume = (around.volumes or {}).get(claim.spec.volume_name)
    found = _class_of(claim, around)
    return ClaimPlan(
        claim=claim.name,
        pod=f"{owner.name}-{ordinal}",
        ordinal=ordinal,
        uid=claim.metadata.uid,
        resource_version=claim.metadata.resource_version,
        growth=growth(claim, request.bytes, in_use=in_use, now=now, patience=NODE_PATIENCE),
        then=request.bytes,
        storage_class=claim.spec.storage_class_name or "",
        provisioner=found.provisioner if found is not None else "",
        expandable=found.allow_volume_expansion if found is not None else None if around.storage_classes is None else False,
        volume=claim.spec.volume_name,
        reclaim_policy=volume.spec.persistent_volume_reclaim_policy if volume is not None else "",
        in_use=in_use,
        attributes_now=claim.spec.volume_attributes_class_name or "",
        attributes_then=request.attributes_class,
        modification=modification(claim, request.attributes_class) if request.attributes_class else None,
    )


def _class_of(claim: PersistentVolumeClaim, around: ResizeSurroundings) -> StorageClass | None:
    name = claim.spec.storage_class_name
    return next((each for each in around.storage_classes or () if each.name == name), None)


# --- quota -------------------------------------------------------------------------------------------------------------------


def _quotas(
    quotas: Iterable[ResourceQuota], claims: Iterable[ClaimPlan], own: dict[int, PersistentVolumeClaim]
) -> Iterator[QuotaRoom]:
    """One a limit that counts these claims, as the quota controller does."""
    more: dict[str, int] = {_STORAGE: 0}
    for each in claims:
        granted = parse_bytes(own[each.ordinal].status.allocated_resources.get("storage")) or 0
        needs = max(0, each.then - max(each.growth.asks or 0, granted))
        more[_STORAGE] += needs
        if each.storage_class:
            key = f"{each.storage_class}{_OF_CLASS}"
            more[key] = more.get(key, 0) + needs
    for quota in quotas:
        if _scoped(quota):
            continue
        for resource, needed in more.items():
            hard, used = parse_bytes(quota.status.hard.get(resource)), parse_bytes(quota.status.used.get(resource))
            if hard is not None:
                yield QuotaRoom(quota=quota.name, resource=resource, left=hard - (used or 0), needed=needed)


def _scoped(quota: ResourceQuota) -> bool:
    return bool(quota.spec.scopes or quota.spec.scope_selector)


def _skipped(around: ResizeSurroundings, request: ResizeRequest) -> Iterator[ResizeSkip]:
    if around.volumes is None:
        yield ResizeSkip(Skipped.VOLUMES)
    if around.storage_classes is None:
        yield ResizeSkip(Skipped.STORAGE_CLASSES)
    if around.quotas is None:
        yield ResizeSkip(Skipped.QUOTAS)
    if around.sets is None:
        yield ResizeSkip(Skipped.SETS)
    yield from (ResizeSkip(Skipped.SCOPED_QUOTA, quota.name) for quota in around.quotas or () if _scoped(quota))
    if request.attributes_class and not around.attributes_class_read:
        yield ResizeSkip(Skipped.ATTRIBUTES_CLASS)


# --- what speaks against it --------------------------------------------------------------------------------------------------


def _of_set(owner: StatefulSet, seen: Assessment, request: ResizeRequest) -> Iterator[ResizeRefused]:
    if owner.metadata.deletion_timestamp is not None:
        yield ResizeRefused(reason=ResizeRefusedReason.DELETING)
    group = leader_worker_set(owner)
    if group is not None:
        yield ResizeRefused(reason=ResizeRefusedReason.LEADER_WORKER_SET, subject=group.name)
    controller = owner.metadata.controller()
    if group is None and controller is not None and not request.operator_paused:
        yield ResizeRefused(reason=ResizeRefusedReason.OPERATOR, subject=f"{controller.kind}/{controller.name}")
    if any(blocker.cause is Cause.PODS_UNREADABLE for blocker in seen.blockers):
        yield ResizeRefused(reason=ResizeRefusedReason.PODS_UNREADABLE)
    elif not seen.observed:
        yield ResizeRefused(reason=ResizeRefusedReason.NOT_OBSERVED)
    elif seen.under_way:
        yield ResizeRefused(reason=ResizeRefusedReason.UNDER_WAY)


def _of_claims(
    owner: StatefulSet, draft: ResizePlan, claims: list[PersistentVolumeClaim], around: ResizeSurroundings
) -> Iterator[ResizeRefused]:
    reasons = ResizeRefusedReason
    for reason, found in (
        (reasons.TERMINATING, [each for each in claims if each.metadata.deletion_timestamp is not None]),
        (reasons.UNBOUND, [each for each in claims if each.status.phase != "Bound" or not each.status.capacity]),
    ):
        if found:
            yield ResizeRefused(reason=reason, claims=tuple(each.name for each in found))
    yield from _controlled(owner, draft, claims)
    yield from _ambiguous(owner, draft, around)
    yield from _smaller(draft)
    yield from _classes(draft, around)
    yield from _attributes(draft, around)
    for room in draft.quotas:
        if not room.suffices:
            yield ResizeRefused(reason=reasons.QUOTA, subject=f"{room.quota} ({room.resource})", limit=room.left)


def _controlled(owner: StatefulSet, draft: ResizePlan, claims: list[PersistentVolumeClaim]) -> Iterator[ResizeRefused]:
    """Claims that something else controls than the set or its pod."""
    if draft.request.operator_paused:
        return
    for each in claims:
        keeper = each.metadata.controller()
        own = keeper is None or keeper.uid == owner.metadata.uid or (
            keeper.kind == "Pod" and ordinal_of(keeper.name, owner.name) is not None
        )
        if keeper is not None and not own:
            subject = f"{keeper.kind}/{keeper.name}"
            yield ResizeRefused(reason=ResizeRefusedReason.OPERATOR, subject=subject, claims=(each.name,))


def _ambiguous(owner: StatefulSet, draft: ResizePlan, around: ResizeSurroundings) -> Iterator[ResizeRefused]:
    """Set ``petset`` with template ``alpha-beta`` and set ``beta-petset`` with ``alpha`` take the same claims
    (kubernetes/kubernetes#41153)."""
    stem = f"{draft.template}-{owner.name}"
    for other in around.sets or ():
        stems = {f"{each.name}-{other.name}" for each in other.spec.volume_claim_templates}
        if other.metadata.uid != owner.metadata.uid and other.namespace == owner.namespace and stem in stems:
            names = tuple(each.claim for each in draft.claims)
            yield ResizeRefused(reason=ResizeRefusedReason.AMBIGUOUS, subject=f"StatefulSet/{other.name}", claims=names)


def _smaller(draft: ResizePlan) -> Iterator[ResizeRefused]:
    """Of claims that ask for more; one that asks for less may have more nevertheless, for drivers round up."""
    wanted = draft.request.bytes
    lowered = [each for each in draft.claims if each.growth.asks is not None and each.growth.asks > wanted]
    for reason, found in (
        (ResizeRefusedReason.SHRINKS, [each for each in lowered if each.growth.has is not None and each.growth.has > wanted]),
        (ResizeRefusedReason.TAKES_BACK, [each for each in lowered if each.growth.has == wanted]),
    ):
        if found:
            most = max(found, key=lambda each: each.growth.has or 0)
            yield ResizeRefused(
                reason=reason, subject=most.claim, claims=tuple(each.claim for each in found), limit=most.growth.has
            )


def _classes(draft: ResizePlan, around: ResizeSurroundings) -> Iterator[ResizeRefused]:
    """Only of claims that are to ask for more: what is under way already was admitted."""
    if around.storage_classes is None:
        return
    known = {each.name for each in around.storage_classes}
    growing = [each for each in draft.claims if each.growth.stage is GrowthStage.NOT_ASKED and not each.expandable]
    for name in sorted({each.storage_class for each in growing}):
        reason = ResizeRefusedReason.CLASS_FIXED if name in known else ResizeRefusedReason.CLASS_GONE
        claims = tuple(each.claim for each in growing if each.storage_class == name)
        yield ResizeRefused(reason=reason, subject=name, claims=claims)


def _attributes(draft: ResizePlan, around: ResizeSurroundings) -> Iterator[ResizeRefused]:
    """One that does not exist is accepted by the API server without a word, and then nothing ever happens."""
    if not draft.request.attributes_class or not around.attributes_class_read:
        return
    found = around.attributes_class
    if found is None:
        yield ResizeRefused(reason=ResizeRefusedReason.ATTRIBUTES_CLASS_UNKNOWN, subject=draft.request.attributes_class)
        return
    foreign = tuple(each.claim for each in draft.claims if each.provisioner not in ("", found.driver_name))
    if foreign:
        yield ResizeRefused(reason=ResizeRefusedReason.ATTRIBUTES_CLASS_FOREIGN, subject=found.driver_name, claims=foreign)
