"""Which claims belong to a LeaderWorkerSet, and which of them will its groups mount again?

Its controller makes a StatefulSet NAME of leaders, and for each of them a StatefulSet NAME-k of workers that comes and goes: with
its leader, and with the number of groups. A worker set that is not there says nothing about its claims ``<template>-NAME-k-n``
(kubernetes-sigs/lws pkg/controllers). Surge is what a rollout adds for a while (``maxSurge``).
"""

import re
from collections.abc import Iterator

import msgspec

from kubectl_pets.domain.model import PersistentVolumeClaim
from kubectl_pets.domain.orphans import origins
from kubectl_pets.domain.orphans.findings import Evidence, EvidenceKind
from kubectl_pets.domain.orphans.inventory import ClaimInventory, LeaderWorkerSet
from kubectl_pets.domain.orphans.reach import Ceiling, Scalers, remembered
from kubectl_pets.domain.sets.grouping import NAME_LABEL

_INDEXED = re.compile(r"(.+)-(0|[1-9][0-9]{0,9})")
_SHARE = re.compile(r"([0-9]{1,4})%")


class LiveGroups(msgspec.Struct, frozen=True):
    """A LeaderWorkerSet; one that is being deleted counts as live."""

    object: LeaderWorkerSet
    ceilings: tuple[Ceiling, ...]

    @property
    def name(self) -> str:
        return self.object.name

    @property
    def subject(self) -> str:
        return f"LeaderWorkerSet/{self.name}"

    @property
    def templates(self) -> frozenset[str]:
        return frozenset(each.name for each in self.object.spec.leader_worker_template.volume_claim_templates)

    def claims_of(self, group: int, worker: int | None) -> Evidence:
        """What becomes of a claim of that group, its leader's (None) or a worker's: LIVE_RANGE, BEYOND_RANGE, or why it will be
        wanted again."""
        groups, size = self.object.spec.replicas, self.object.spec.leader_worker_template.size
        if groups <= 0:
            return Evidence(EvidenceKind.SET_AT_ZERO, self.subject)
        if worker is not None and not 1 <= worker < size:
            return Evidence(EvidenceKind.BEYOND_RANGE, self.subject, start=1, replicas=size - 1)
        if group < groups:
            return Evidence(EvidenceKind.LIVE_RANGE, self.subject, start=0, replicas=groups)
        for ceiling in self.ceilings:
            if ceiling.replicas is None or group < ceiling.replicas:
                return Evidence(ceiling.kind, self.subject, ceiling.source, replicas=ceiling.replicas)
        most = self._with_surge(max([groups, *(ceiling.replicas or 0 for ceiling in self.ceilings)]))
        if group < most:
            return Evidence(EvidenceKind.SURGE, self.subject, replicas=most)
        return Evidence(EvidenceKind.BEYOND_RANGE, self.subject, start=0, replicas=groups)

    def _with_surge(self, groups: int) -> int:
        """A share is rounded up (intstr.GetScaledValueFromIntOrPercent); what makes no sense is taken for a whole one."""
        surge = self.object.spec.rollout_strategy.rolling_update_configuration.max_surge
        if isinstance(surge, int):
            return groups + surge
        share = _SHARE.fullmatch(surge)
        return groups + (-(-groups * int(share[1]) // 100) if share else groups)


class Membership(msgspec.Struct, frozen=True):
    """A claim as that of a LeaderWorkerSet. ``worker``: None for the leader's."""

    live: LiveGroups
    template: str
    group: int
    worker: int | None

    def evidence(self) -> Evidence:
        return self.live.claims_of(self.group, self.worker)

    def fits(self, claim: PersistentVolumeClaim) -> bool:
        return claim.metadata.labels.get(NAME_LABEL) == self.live.name


class Groups:
    """The LeaderWorkerSets of an inventory, to be asked about one claim after the other."""

    def __init__(self, estate: ClaimInventory, scalers: Scalers) -> None:
        self._live = {
            (item.namespace, item.name): LiveGroups(item, (*remembered(item), *_scaled(item, scalers)))
            for item in estate.leader_worker_sets or ()
        }

    def within(self, namespace: str) -> Iterator[LiveGroups]:
        return (live for (place, _), live in self._live.items() if place == namespace)

    def named(self, namespace: str, name: str) -> LiveGroups | None:
        return self._live.get((namespace, name))

    def of(self, namespace: str, stem: str, ordinal: int) -> tuple[Membership, ...]:
        """All LeaderWorkerSets that the name of a claim may be of; ``stem`` and ``ordinal`` as ``origins.split`` gives them."""
        return tuple(self._of(namespace, stem, ordinal)) if self._live else ()

    def _of(self, namespace: str, stem: str, ordinal: int) -> Iterator[Membership]:
        for template, name in origins.explanations(stem):
            leaders = self.named(namespace, name)
            if leaders is not None:
                yield Membership(leaders, template, ordinal, None)
            indexed = _INDEXED.fullmatch(name)
            workers = self.named(namespace, indexed[1]) if indexed else None
            if indexed and workers is not None:
                yield Membership(workers, template, int(indexed[2]), ordinal)


def _scaled(item: LeaderWorkerSet, scalers: Scalers) -> Iterator[Ceiling]:
    for scaled in scalers.of_custom(item.namespace):
        if scaled.kind.lower() == "leaderworkerset" and scaled.name == item.name:
            yield scaled.ceiling
