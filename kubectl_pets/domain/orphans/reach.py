"""Which ordinals does a live StatefulSet have pods for, and which may it come to have?

A claim is matched by its exact stem, ``<template>-<set>``, and its ordinal is then compared with the set's range as numbers: no
prefixes (argoproj/gitops-engine#550), and nothing is enumerated, so a set of a million replicas costs no more than one of three.
The ranges are those of the controllers: kubernetes pkg/controller/statefulset (KEP-3335 for ``ordinals.start``), OpenKruise's
``reserveOrdinals`` and PingCAP's ``delete-slots``, which both leave ordinals out and go on counting beyond them.
"""

import re
from collections.abc import Iterator

import msgspec

from kubectl_pets.domain.model import Object, StatefulSet
from kubectl_pets.domain.orphans.findings import Evidence, EvidenceKind
from kubectl_pets.domain.orphans.inventory import ClaimInventory, ScaledObject, ScaleTarget
from kubectl_pets.domain.sets.kinds import SetGroup
from kubectl_pets.domain.sets.reserved import Reserved, reserved_ordinals

#: What else knows how many replicas a set is to come back to: kube-downscaler's note of the size before the night.
ORIGINAL_REPLICAS_ANNOTATION = "downscaler/original-replicas"
LAST_APPLIED_ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
PAUSED_REPLICAS_ANNOTATION = "autoscaling.keda.sh/paused-replicas"

#: An autoscaler of anything else scales a custom resource, and what that does to the sets below it is its controller's secret.
_PLAIN_KINDS = frozenset(("deployment", "replicaset", "replicationcontroller", "statefulset"))


class Ceiling(msgspec.Struct, frozen=True):
    """A number of replicas that the set may be given, and who would."""

    kind: EvidenceKind
    #: None: any number at all.
    replicas: int | None
    #: "HorizontalPodAutoscaler/web", or the annotation that remembers the number.
    source: str


class LiveSet(msgspec.Struct, frozen=True):
    """A StatefulSet of any of the three groups. One that is being deleted counts as live: its pods may still be there."""

    object: StatefulSet
    group: SetGroup
    reserved: Reserved
    ceilings: tuple[Ceiling, ...]

    @property
    def name(self) -> str:
        return self.object.name

    @property
    def subject(self) -> str:
        kind = "StatefulSet" if self.group is SetGroup.APPS else f"StatefulSet.{self.group}"
        return f"{kind}/{self.object.name}"

    @property
    def start(self) -> int:
        return self.object.start

    @property
    def at_zero(self) -> bool:
        return self.object.spec.replicas <= 0

    def covers(self, ordinal: int, replicas: int) -> bool:
        """Whether a set of that many replicas has a pod of this ordinal."""
        if self.group is SetGroup.APPS and not self.reserved.ranges:
            return 0 <= ordinal - self.start < replicas
        if ordinal in self.reserved:
            return False
        # Older controllers of the CRDs do not know ordinals.start: there the range may begin at 0 all the same.
        starts = {self.start} if self.group is SetGroup.APPS else {self.start, 0}
        return any(
            ordinal >= start and ordinal - start - self.reserved.between(start, ordinal) < replicas for start in starts
        )

    def claims_of(self, ordinal: int) -> Evidence:
        """What becomes of the claims with this ordinal: LIVE_RANGE, BEYOND_RANGE, or why they will be wanted again."""
        replicas = self.object.spec.replicas
        if self.covers(ordinal, replicas):
            return self._range(EvidenceKind.LIVE_RANGE)
        if ordinal in self.reserved:
            return Evidence(EvidenceKind.RESERVED, self.subject, ordinals=(ordinal,))
        if self.at_zero:
            return Evidence(EvidenceKind.SET_AT_ZERO, self.subject)
        if not self.reserved.readable:
            return Evidence(EvidenceKind.RESERVATION_UNREADABLE, self.subject)
        for ceiling in self.ceilings:
            if ceiling.replicas is None or self.covers(ordinal, ceiling.replicas):
                return Evidence(ceiling.kind, self.subject, ceiling.source, replicas=ceiling.replicas)
        if ordinal < self.start:
            # Part of a set is moved to another cluster by raising its start (KEP-3335): the data may be in use over there.
            return self._range(EvidenceKind.BELOW_START)
        return self._range(EvidenceKind.BEYOND_RANGE)

    def _range(self, kind: EvidenceKind) -> Evidence:
        return Evidence(kind, self.subject, start=self.start, replicas=self.object.spec.replicas)


def live_sets(estate: ClaimInventory, scalers: "Scalers") -> Iterator[LiveSet]:
    """All StatefulSets that could be read, of apps/v1, OpenKruise and PingCAP, each with the ordinals it leaves out and what
    may scale it."""
    for group, sets in (
        (SetGroup.APPS, estate.sets),
        (SetGroup.KRUISE, estate.kruise_sets),
        (SetGroup.PINGCAP, estate.pingcap_sets),
    ):
        for item in sets or ():
            yield LiveSet(item, group, reserved_ordinals(item), (*remembered(item), *scalers.of(item)))


class _AppliedSpec(msgspec.Struct):
    replicas: int | None = None


class _Applied(msgspec.Struct):
    spec: _AppliedSpec | None = None


def remembered(item: Object) -> tuple[Ceiling, ...]:
    """Sizes that the set's own annotations hold: the next ``kubectl apply`` of a manifest undoes a ``kubectl scale``."""
    found = []
    original = _whole(item.metadata.annotations.get(ORIGINAL_REPLICAS_ANNOTATION))
    if original is not None:
        found.append(Ceiling(EvidenceKind.REMEMBERED_REPLICAS, original, ORIGINAL_REPLICAS_ANNOTATION))
    applied = item.metadata.annotations.get(LAST_APPLIED_ANNOTATION)
    if applied:
        try:
            spec = msgspec.json.decode(applied, type=_Applied).spec
        except (msgspec.DecodeError, RecursionError):
            spec = None
        if spec is not None and spec.replicas is not None:
            found.append(Ceiling(EvidenceKind.REMEMBERED_REPLICAS, spec.replicas, LAST_APPLIED_ANNOTATION))
    return tuple(found)


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch("[0-9]{1,10}", text) else None


class Scaled(msgspec.Struct, frozen=True):
    """A custom resource that an autoscaler scales: what that does to the sets below it is its controller's secret."""

    kind: str
    name: str
    ceiling: Ceiling


class Scalers:
    """Autoscalers by what they scale. The API group of a target is not compared: one that is wrong would scale nothing, and to
    believe that it scales keeps data."""

    def __init__(self, estate: ClaimInventory) -> None:
        self._by_set: dict[tuple[str, str], list[Ceiling]] = {}
        self._of_custom: dict[str, list[Scaled]] = {}
        for scaler in estate.autoscalers or ():
            label = f"HorizontalPodAutoscaler/{scaler.name}"
            self._add(scaler.namespace, scaler.spec.scale_target_ref, scaler.spec.max_replicas, label)
        for scaled in estate.scaled_objects or ():
            self._add(scaled.namespace, scaled.spec.scale_target_ref, _most(scaled), f"ScaledObject/{scaled.name}")
        for namespace, use in estate.custom.items():
            for custom in use.scalers:
                self._add(namespace, custom.target, None, custom.subject)

    def _add(self, namespace: str, target: ScaleTarget, most: int | None, label: str) -> None:
        kind = target.kind.lower() or "deployment"  # KEDA leaves it out where it means that
        if kind == "statefulset":
            self._by_set.setdefault((namespace, target.name), []).append(Ceiling(EvidenceKind.AUTOSCALER, most, label))
        elif kind not in _PLAIN_KINDS:
            ceiling = Ceiling(EvidenceKind.AUTOSCALER, most, label)
            self._of_custom.setdefault(namespace, []).append(Scaled(target.kind, target.name, ceiling))

    def of_custom(self, namespace: str) -> list[Scaled]:
        """The custom resources of the namespace that are scaled."""
        return self._of_custom.get(namespace, [])

    def named(self, namespace: str, name: str) -> list[Ceiling]:
        """What scales the StatefulSet of that name, whether there is one or not."""
        return self._by_set.get((namespace, name), [])

    def of(self, item: StatefulSet) -> tuple[Ceiling, ...]:
        found = self.named(item.namespace, item.name)
        # The custom resource may control the set through others, so any that is scaled in this namespace counts.
        custom = self.of_custom(item.namespace) if item.metadata.owner_references else []
        above = (Ceiling(EvidenceKind.OWNER_AUTOSCALED, None, scaled.ceiling.source) for scaled in custom)
        return (*found, *above)


def _most(scaled: ScaledObject) -> int:
    return max(scaled.spec.max_replica_count, _whole(scaled.metadata.annotations.get(PAUSED_REPLICAS_ANNOTATION)) or 0)
