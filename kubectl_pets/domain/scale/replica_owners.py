"""Who else sets the replicas of a StatefulSet, and what will they do about a new number?

A HorizontalPodAutoscaler compares the number with its bounds before it looks at any metric, and does nothing while there are no
replicas (kubernetes pkg/controller/podautoscaler, reconcileAutoscaler). KEDA keeps such an autoscaler of its own for each
ScaledObject, and takes care of zero itself. An applied manifest remembers its replicas for the next ``kubectl apply``.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.model import StatefulSet
from kubectl_pets.domain.orphans.inventory import HorizontalPodAutoscaler, ScaledObject, ScaleTarget
from kubectl_pets.domain.orphans.reach import PAUSED_REPLICAS_ANNOTATION, remembered
from kubectl_pets.domain.sets.kinds import APPS_SET, kind_of

#: "true": KEDA leaves the target alone.
PAUSED_ANNOTATION = "autoscaling.keda.sh/paused"


@unique
class Will(StrEnum):
    """What an owner of the replicas will do about a number that is set by hand."""

    #: For certain, and within seconds: the number is out of its bounds.
    PUTS_BACK = "puts-back"
    #: When its metrics say so.
    MAY_CHANGE = "may-change"
    #: Nothing, for as long as there are no replicas.
    RESTS = "rests"
    #: Only when somebody applies the manifest again.
    REMEMBERS = "remembers"


@unique
class OwnerKind(StrEnum):
    AUTOSCALER = "HorizontalPodAutoscaler"
    SCALED_OBJECT = "ScaledObject"
    #: Of the set itself; ``Rival.name`` is its key.
    ANNOTATION = "annotation"


class ReplicaOwner(msgspec.Struct, frozen=True, kw_only=True):
    """One that sets the replicas. ``name`` is untrusted text."""

    kind: OwnerKind
    name: str
    will: Will
    #: Its bounds; equal where it knows of one number only.
    minimum: int
    maximum: int
    #: PUTS_BACK, REMEMBERS: the number that it sets.
    back_to: int | None = None


def replica_owners(
    owner: StatefulSet,
    replicas: int,
    autoscalers: Iterable[HorizontalPodAutoscaler],
    scaled_objects: Iterable[ScaledObject],
) -> tuple[ReplicaOwner, ...]:
    """Everybody who would have a say once the set has so many ``replicas``."""
    keda = [item for item in scaled_objects if _means(item.spec.scale_target_ref, item.namespace, owner)]
    theirs = {item.name for item in keda}
    found = [*(_keda(item, replicas) for item in keda if item.metadata.annotations.get(PAUSED_ANNOTATION) != "true")]
    for item in autoscalers:
        keeper = item.metadata.controller()
        if keeper is not None and keeper.kind == "ScaledObject" and keeper.name in theirs:
            continue  # the ScaledObject speaks for it
        if _means(item.spec.scale_target_ref, item.namespace, owner):
            found.append(_autoscaler(item, replicas))
    return (*found, *_memories(owner, replicas))


def _means(target: ScaleTarget, namespace: str, owner: StatefulSet) -> bool:
    kind = kind_of(owner)
    group = target.api_version.rpartition("/")[0] or APPS_SET.group  # KEDA's default
    return (namespace, target.kind, target.name, group) == (owner.namespace, kind.kind, owner.name, kind.group)


def _autoscaler(item: HorizontalPodAutoscaler, replicas: int) -> ReplicaOwner:
    lowest, highest = item.spec.min_replicas, item.spec.max_replicas
    will, back_to = Will.MAY_CHANGE, None
    if replicas == 0:
        will = Will.RESTS
    elif not lowest <= replicas <= highest:
        will, back_to = Will.PUTS_BACK, highest if replicas > highest else lowest
    return ReplicaOwner(
        kind=OwnerKind.AUTOSCALER, name=item.name, will=will, minimum=lowest, maximum=highest, back_to=back_to
    )


def _keda(item: ScaledObject, replicas: int) -> ReplicaOwner:
    lowest, highest = item.spec.min_replica_count, item.spec.max_replica_count
    held = item.metadata.annotations.get(PAUSED_REPLICAS_ANNOTATION, "")
    if held.isascii() and held.isdigit() and len(held) < 10:
        lowest = highest = int(held)
    within = lowest <= replicas <= highest
    back_to = None if within else highest if replicas > highest else lowest
    will = Will.MAY_CHANGE if within else Will.PUTS_BACK
    return ReplicaOwner(kind=OwnerKind.SCALED_OBJECT, name=item.name, will=will, minimum=lowest, maximum=highest, back_to=back_to)


def _memories(owner: StatefulSet, replicas: int) -> Iterator[ReplicaOwner]:
    for ceiling in remembered(owner):
        number, name = ceiling.replicas, ceiling.source
        if number is not None and number != replicas:
            yield ReplicaOwner(
                kind=OwnerKind.ANNOTATION, name=name, will=Will.REMEMBERS, minimum=number, maximum=number, back_to=number
            )
