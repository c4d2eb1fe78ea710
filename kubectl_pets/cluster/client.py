"""The cluster, as the verbs know it: one object for all that they ask of it (``ports.cluster.Cluster``).

A verb asks for a few things, so the rooms behind are entered when they are asked for: loading them all is felt at every start.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

from kubectl_pets.cluster.http.failures import shown_url
from kubectl_pets.cluster.http.transport import Transport
from kubectl_pets.cluster.objects.kinds import CLAIMS, NAMESPACES, SETS, SETS_OF, ResourceKind, sets_of
from kubectl_pets.cluster.objects.lists import Reader, Scope
from kubectl_pets.cluster.topics import sets as read
from kubectl_pets.domain.model import Around, Event, Inventory, PersistentVolumeClaim, SetView, StatefulSet
from kubectl_pets.domain.sets.kinds import APPS_SET, OTHER_KINDS, SetKind
from kubectl_pets.errors import NotFoundError

if TYPE_CHECKING:
    from kubectl_pets.cluster.dns.servers import DnsServers, Where
    from kubectl_pets.cluster.pods.execute import ExecResult
    from kubectl_pets.cluster.topics.network import WatchedNetwork
    from kubectl_pets.cluster.topics.watched_sets import FleetSource, SetSource
    from kubectl_pets.domain.changes import Change
    from kubectl_pets.domain.dns.answers import ClientView
    from kubectl_pets.domain.dns.corefile import CorefileText
    from kubectl_pets.domain.dns.network import Network
    from kubectl_pets.domain.doctor.estate import Estate, VolumeUse
    from kubectl_pets.domain.orphans.adopting import ClaimMaker
    from kubectl_pets.domain.orphans.inventory import ClaimInventory, PersistentVolume
    from kubectl_pets.domain.orphans.snapshots import Offer, Sighting, VolumeSnapshot, VolumeSnapshotContent
    from kubectl_pets.domain.resize.types import ResizeSurroundings, StorageClass
    from kubectl_pets.domain.rollout.asking import Questions
    from kubectl_pets.domain.rollout.evidence import Answers, Clues
    from kubectl_pets.domain.rollout.fields import FieldsOwner
    from kubectl_pets.domain.rollout.history import History, Template
    from kubectl_pets.domain.safety.budgets import Budget
    from kubectl_pets.domain.safety.nodes import Node, NodeState, VolumeAttachment
    from kubectl_pets.domain.scale.types import Surroundings
    from kubectl_pets.domain.sets.away import PodTaker, SavedRecreation, SetContent, WholeSet
    from kubectl_pets.domain.snapshots.groups import GroupSnapshots, VolumeGroupSnapshotContent

_NAMED: dict[str, ResourceKind[Any]] = {
    **{kind.resource: kind for kind in SETS_OF.values()},
    **{kind.plural: kind for kind in (NAMESPACES, SETS, CLAIMS)},
}


class Client:
    """One cluster as one user. Made by ``connect``; closing it ends its watches and connections.

    ``field_manager``: the name under which sets are changed; empty: our own."""

    def __init__(self, transport: Transport, field_manager: str = "") -> None:
        self._transport, self._field_manager = transport, field_manager
        self._reader = Reader(transport)
        self._lock = Lock()
        self._sources: list[SetSource | FleetSource | WatchedNetwork] = []
        self._looked: read.Look | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            sources = list(self._sources)
        for source in sources:
            source.close()
        self._transport.close()

    @property
    def namespace(self) -> str:
        return self._transport.target.namespace

    def server_name(self) -> str:
        target = self._transport.target
        return f"{target.name} ({shown_url(target.server)})"

    def _served(self, kind: SetKind) -> SetKind:
        return self._reader.discovery.served(kind) if kind.or_versions else kind

    def now(self) -> datetime:
        return self._transport.clock.now()

    def set_view(self, namespace: str, name: str, kind: SetKind = APPS_SET) -> SetView:
        self._looked = look = read.look_at(self._reader, namespace, name, self._served(kind))
        return look.view

    def inventory(
        self, namespace: str | None, selector: str | None, *, every_kind: bool = False, groups: bool = False
    ) -> Inventory:
        return read.inventory(self._reader, namespace, selector, every_kind=every_kind, groups=groups)

    def around(self, asked: Sequence[tuple[str, Questions]]) -> tuple[Around, ...]:
        from kubectl_pets.cluster.topics.events import around

        return around(self._reader, asked)

    def node_names(self) -> frozenset[str] | None:
        from kubectl_pets.cluster.topics.safety import node_names

        return node_names(self._reader)

    def estate(
        self,
        namespace: str | None,
        *,
        selector: str = "",
        deep: bool = False,
        progress: Callable[[str], None] = lambda text: None,
    ) -> Estate:
        from kubectl_pets.cluster.topics.estate import estate

        return estate(self._transport, namespace, self.now, selector=selector, deep=deep, progress=progress)

    def events(self, namespace: str | None) -> tuple[Event, ...] | None:
        from kubectl_pets.cluster.topics.estate import events

        return events(self._reader, namespace)

    def templates(self, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], Template] | None:
        from kubectl_pets.cluster.topics.history import templates

        return templates(self._reader, wanted)

    def volume_usage(self, nodes: Collection[str]) -> dict[tuple[str, str], VolumeUse] | None:
        from kubectl_pets.cluster.topics.kubelets import volume_usage

        return volume_usage(self._reader, nodes)

    def evidence(self, asked: Clues) -> Answers:
        from kubectl_pets.cluster.topics.evidence import evidence

        return evidence(self._transport, self._reader, asked)

    def history(self, namespace: str, name: str, kind: SetKind = APPS_SET) -> History:
        from kubectl_pets.cluster.topics.history import history

        return history(self._reader, namespace, name, kind)

    def fields_owner(self, namespace: str, name: str) -> FieldsOwner:
        from kubectl_pets.cluster.topics.ownership import fields_owner

        return fields_owner(self._reader, namespace, name)

    def budgets(self, namespace: str | None) -> tuple[Budget, ...] | None:
        from kubectl_pets.cluster.topics import safety

        return safety.budgets(self._reader, namespace)

    def nodes(self) -> tuple[Node, ...] | None:
        from kubectl_pets.cluster.topics import safety

        return safety.nodes(self._reader)

    def node_state(self, name: str) -> NodeState:
        from kubectl_pets.cluster.topics import safety

        return safety.node_state(self._reader, name)

    def run_in(self, namespace: str, pod: str, command: Sequence[str], timeout: float) -> ExecResult:
        from kubectl_pets.cluster.pods import requests as probing

        return probing.run(self._transport, self._reader, namespace, pod, command, timeout)

    def get_from(self, namespace: str, pod: str, port: str, path: str, timeout: float) -> tuple[int, str]:
        from kubectl_pets.cluster.pods import requests as probing

        return probing.get(self._transport, namespace, pod, port, path, timeout)

    def attachments(self) -> tuple[VolumeAttachment, ...] | None:
        from kubectl_pets.cluster.topics import safety

        return safety.attachments(self._reader)

    def watch_set(
        self, namespace: str, name: str, kind: SetKind = APPS_SET, *, since: SetView | None = None
    ) -> SetSource:
        from kubectl_pets.cluster.topics.watched_sets import SetSource

        look = self._looked if self._looked is not None and self._looked.view is since else None
        source = SetSource(self._reader, self._transport, self._forget, namespace, name, self._served(kind), look)
        with self._lock:
            self._sources.append(source)
        return source

    def watch_inventory(self, namespace: str | None, selector: str | None, *, every_kind: bool = False) -> FleetSource:
        from kubectl_pets.cluster.topics.watched_sets import FleetSource

        source = FleetSource(
            self._reader, self._transport, self._forget, namespace, selector or "", every_kind=every_kind
        )
        with self._lock:
            self._sources.append(source)
        return source

    def apply(self, change: Change, *, dry_run: bool = False) -> StatefulSet | None:
        from kubectl_pets.cluster.objects import writes as changes

        after = changes.apply(self._transport, change, dry_run=dry_run, manager=self._field_manager)
        if after is not None and not dry_run:
            with self._lock:
                sources = list(self._sources)
            for source in sources:
                source.learn(after)
        return after if isinstance(after, StatefulSet) else None

    def missing_rights(self, namespace: str, needed: Sequence[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
        from kubectl_pets.cluster.objects.rights import missing_rights

        return missing_rights(self._transport, namespace, needed)

    def claim_inventory(
        self,
        namespace: str | None,
        *,
        every_class: bool = False,
        ignored_kinds: frozenset[str] = frozenset(),
        only: frozenset[str] | None = None,
        progress: Callable[[str], None] = lambda text: None,
    ) -> ClaimInventory:
        from kubectl_pets.cluster.topics.claims import read_claim_inventory

        return read_claim_inventory(
            self._reader,
            namespace,
            self.now,
            every_class=every_class,
            ignored_kinds=ignored_kinds,
            only=only,
            progress=progress,
        )

    def selected_claims(self, namespace: str | None, selector: str) -> frozenset[tuple[str, str]]:
        listed = self._reader.listing(CLAIMS, Scope(namespace=namespace, labels=selector)).items
        return frozenset((claim.namespace, claim.name) for claim in listed)

    def claim_maker(self, namespace: str, name: str) -> ClaimMaker:
        from kubectl_pets.domain.orphans.adopting import ClaimMaker

        kind = ResourceKind(ClaimMaker, SETS.base, SETS.plural, SETS.kind)
        return self._reader.one(kind, namespace, name)

    def claims(self, namespace: str) -> tuple[PersistentVolumeClaim, ...]:
        return self._reader.listing(CLAIMS, Scope(namespace=namespace)).items

    def claim(self, namespace: str, name: str) -> PersistentVolumeClaim | None:
        try:
            return self._reader.one(CLAIMS, namespace, name)
        except NotFoundError:
            return None

    def volume(self, name: str) -> PersistentVolume | None:
        from kubectl_pets.cluster.topics.claims import one_volume

        return one_volume(self._reader, name)

    def volume_events(self, name: str) -> tuple[Event, ...] | None:
        from kubectl_pets.cluster.topics.events import about_volume

        return about_volume(self._reader, name)

    def claim_events(self, namespace: str, name: str) -> tuple[Event, ...] | None:
        from kubectl_pets.cluster.topics.events import about_claim

        return about_claim(self._reader, namespace, name)

    def unbound_claims(self) -> tuple[PersistentVolumeClaim, ...] | None:
        listed = read.items(self._reader, CLAIMS, Scope(namespace=None))()
        return None if listed is None else tuple(claim for claim in listed if claim.status.phase != "Bound")

    def storage_classes(self) -> tuple[StorageClass, ...] | None:
        from kubectl_pets.cluster.topics.resize import storage_classes

        return storage_classes(self._reader)

    def mounts(self, namespace: str, besides: frozenset[str] = frozenset()) -> Mapping[str, str] | None:
        from kubectl_pets.cluster.topics.claims import mounts

        return mounts(self._reader, namespace, besides)

    def volumes(self) -> tuple[PersistentVolume, ...]:
        from kubectl_pets.cluster.topics.claims import VOLUMES

        return self._reader.listing(VOLUMES, Scope(namespace=None)).items

    def volumes_of(self, claims: Sequence[PersistentVolumeClaim]) -> Mapping[str, PersistentVolume | None] | None:
        from kubectl_pets.cluster.topics.claims import named_volumes

        return named_volumes(self._reader, sorted({claim.spec.volume_name for claim in claims if claim.spec.volume_name}))

    def snapshot_offer(self) -> Offer:
        from kubectl_pets.cluster.topics.snapshots import offer

        return offer(self._reader)

    def snapshots(self, namespace: str | None = None) -> tuple[VolumeSnapshot, ...] | None:
        from kubectl_pets.cluster.topics.snapshots import snapshots

        return snapshots(self._reader, namespace)

    def snapshot_content(self, name: str) -> VolumeSnapshotContent | None:
        from kubectl_pets.cluster.topics.snapshots import content

        return content(self._reader, name)

    def snapshot_seen(self, namespace: str, name: str) -> Sighting:
        from kubectl_pets.cluster.topics.snapshots import sighting

        return sighting(self._reader, namespace, name)

    def group_snapshot_offer(self) -> Offer:
        from kubectl_pets.cluster.topics.snapshots import group_offer

        return group_offer(self._reader)

    def group_snapshots(self, namespace: str) -> GroupSnapshots | None:
        from kubectl_pets.cluster.topics.snapshots import groups

        return groups(self._reader, namespace)

    def group_snapshot_content(self, version: str, name: str) -> VolumeGroupSnapshotContent | None:
        from kubectl_pets.cluster.topics.snapshots import group_content

        return group_content(self._reader, version, name)

    def surroundings(self, owner: StatefulSet) -> Surroundings:
        from kubectl_pets.cluster.topics.scale import surroundings

        return surroundings(self._reader, owner)

    def resize_surroundings(self, owner: StatefulSet, attributes_class: str = "") -> ResizeSurroundings:
        from kubectl_pets.cluster.topics.resize import surroundings

        return surroundings(self._reader, owner, attributes_class)

    def whole_set(self, namespace: str, name: str) -> WholeSet | None:
        from kubectl_pets.cluster.topics.recreating import whole_set

        return whole_set(self._reader, namespace, name)

    def recreation(self, namespace: str, name: str) -> SavedRecreation | None:
        from kubectl_pets.cluster.topics.recreating import recreation

        return recreation(self._reader, namespace, name)

    def pod_takers(self, namespace: str) -> tuple[tuple[PodTaker, ...], tuple[str, ...]]:
        from kubectl_pets.cluster.topics.recreating import pod_takers

        return pod_takers(self._reader, namespace)

    def rehearsed_set(self, namespace: str, name: str, content: SetContent) -> WholeSet:
        from kubectl_pets.cluster.objects.writes import rehearsed_set

        return rehearsed_set(self._transport, namespace, name, content)

    def names(self, resource: str, namespace: str | None) -> tuple[str, ...]:
        versions = next((kind for kind in OTHER_KINDS if kind.or_versions and kind.resource == resource), None)
        kind = _NAMED[resource] if versions is None else sets_of(self._served(versions))
        return read.names(self._reader, kind, namespace)

    def stateful_set(self, namespace: str, name: str, kind: SetKind = APPS_SET) -> StatefulSet:
        return self._reader.one(sets_of(self._served(kind)), namespace, name)

    def network(self, namespace: str, name: str, kind: SetKind = APPS_SET) -> Network:
        from kubectl_pets.cluster.topics.network import network

        return network(self._reader, namespace, name, self._served(kind))

    def watch_network(self, namespace: str, name: str, kind: SetKind = APPS_SET) -> WatchedNetwork:
        from kubectl_pets.cluster.topics.network import WatchedNetwork

        source = WatchedNetwork(self._reader, self._transport, self._forget, namespace, name, self._served(kind))
        with self._lock:
            self._sources.append(source)
        return source

    def resolver(self, where: Where) -> DnsServers:
        from kubectl_pets.cluster.dns.servers import DnsServers  # with dnspython behind it

        return DnsServers(self._transport, self._reader, where)

    def corefile(self, where: Where | None = None) -> "CorefileText | None":
        from kubectl_pets.cluster.dns.servers import corefile

        return corefile(self._reader, where.selector if where is not None else "")

    def node_cache(self) -> str:
        from kubectl_pets.cluster.dns.servers import node_cache

        return node_cache(self._reader)

    def look_from(self, namespace: str, pod: str, names: Sequence[str]) -> ClientView:
        from kubectl_pets.cluster.pods.getent import look_from

        return look_from(self._transport, self._reader, namespace, pod, names)

    def _forget(self, source: Any) -> None:
        with self._lock:
            if source in self._sources:
                self._sources.remove(source)
