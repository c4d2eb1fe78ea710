"""Reads all that ``doctor`` judges by, each list once, page by page, and together what may be read together.

The order is that of other verbs: claims before sets, so that a set that is scaled up meanwhile is seen at its new size; sets
before pods; pods before nodes and slices. What claims are judged by is read as ``orphans`` reads it, over lists that are here
already. What may not be read is None, with the reason beside it.
"""

from collections.abc import Callable
from datetime import datetime
from functools import cached_property, partial
from typing import Any, TypeVar, cast

from kubectl_pets.cluster.http.pools import Exchange
from kubectl_pets.cluster.http.together import together
from kubectl_pets.cluster.http.transport import Transport
from kubectl_pets.cluster.objects.endpoints import SERVICES, SLICES
from kubectl_pets.cluster.objects.kinds import CLAIMS, PODS, REVISIONS, ResourceKind
from kubectl_pets.cluster.objects.lists import Listing, Reader, Scope
from kubectl_pets.cluster.topics.claims import VOLUMES, autoscalers_in, one_volume, read_claim_inventory, scaled_objects_in
from kubectl_pets.cluster.topics.events import EVENTS
from kubectl_pets.cluster.topics.snapshots import SNAPSHOTS
from kubectl_pets.domain.dns.network import Service
from kubectl_pets.domain.doctor.estate import (
    Content,
    Estate,
    FullNode,
    FullSet,
    Guard,
    Selecting,
    Unread,
    UnreadWhy,
)
from kubectl_pets.domain.model import ControllerRevision, Event, Object, PersistentVolumeClaim, Pod
from kubectl_pets.domain.orphans.inventory import (
    BudgetBeside,
    BudgetSelector,
    ClaimInventory,
    JobSpec,
    Mounts,
    Named,
    PersistentVolume,
    PodLabels,
    PodPhase,
    PodUse,
    RevisionContent,
    ServiceBeside,
    ServiceSelector,
    Template,
    Workload,
    volumes_by_name,
)
from kubectl_pets.domain.orphans.snapshots import VolumeSnapshot
from kubectl_pets.domain.resize.types import ResourceQuota, StorageClass
from kubectl_pets.domain.safety.nodes import VolumeAttachment
from kubectl_pets.domain.sets.kinds import APPS_SET, KINDS
from kubectl_pets.errors import ForbiddenError, NotFoundError, PetsError, ServerError

T = TypeVar("T", bound=Object)

_CORE, _STORAGE = "/api/v1", "/apis/storage.k8s.io/v1"
_SETS = {kind: ResourceKind(FullSet, f"/apis/{kind.api_version}", kind.plural, kind.kind) for kind in KINDS}
_NODES = ResourceKind(FullNode, _CORE, "nodes", "Node")
_BUDGETS = ResourceKind(Guard, "/apis/policy/v1", "poddisruptionbudgets", "PodDisruptionBudget")
_CLASSES = ResourceKind(StorageClass, _STORAGE, "storageclasses", "StorageClass")
_ATTACHMENTS = ResourceKind(VolumeAttachment, _STORAGE, "volumeattachments", "VolumeAttachment")
#: Unlike elsewhere one that cannot be decoded is told apart: to claims it is something near them that is not known.
_REVISIONS = ResourceKind(ControllerRevision, REVISIONS.base, REVISIONS.plural, REVISIONS.kind)
_QUOTAS = ResourceKind(ResourceQuota, _CORE, "resourcequotas", "ResourceQuota")
_DEPLOYMENTS: ResourceKind[Any] = ResourceKind(Selecting, "/apis/apps/v1", "deployments", "Deployment")
_DAEMON_SETS: ResourceKind[Any] = ResourceKind(Selecting, "/apis/apps/v1", "daemonsets", "DaemonSet")
_ACCOUNTS = ResourceKind(Object, _CORE, "serviceaccounts", "ServiceAccount")
_CONFIG_MAPS = ResourceKind(Content, _CORE, "configmaps", "ConfigMap")
_SECRETS = ResourceKind(Content, _CORE, "secrets", "Secret")

_SCALERS = {"autoscalers": "horizontalpodautoscalers.autoscaling", "scaled_objects": "scaledobjects.keda.sh"}

#: So many volumes are asked for by name; more are read as one list.
_FEW_VOLUMES = 20

#: What is asked for by others, after this look.
_NOT_ASKED = {
    "heard": Unread("pods/portforward", UnreadWhy.NOT_ASKED),
    "usage": Unread("nodes/proxy", UnreadWhy.NOT_ASKED),
}

_UNREAD = (ForbiddenError, NotFoundError, ServerError)


class _Known(Reader):
    """A reader that does not ask again for what has been read: lists by path, narrowed to a namespace where it is asked for one.
    What it hands on is what its asker decodes (``convert``)."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self._lists: dict[str, _Kept] = {}
        self._failed: dict[str, PetsError] = {}

    def keep(self, kind: ResourceKind[Any], scope: Scope, items: tuple[Any, ...] | PetsError, convert: Any = None) -> None:
        path = kind.path(None)
        if isinstance(items, PetsError):
            self._failed[path] = items
        else:
            self._lists[path] = _Kept(scope.namespace, items, convert)

    def listing(
        self,
        kind: ResourceKind[T],
        scope: Scope,
        exchange: Exchange | None = None,
        *,
        unreadable: bool = False,
        share: Callable[[T], None] | None = None,
    ) -> Listing[T]:
        path = kind.path(None)
        if path in self._failed:
            raise self._failed[path]
        kept = self._lists.get(path)
        if kept is None or scope.labels or scope.name or scope.about or kept.namespace not in (None, scope.namespace):
            return super().listing(kind, scope, exchange, unreadable=unreadable, share=share)
        items = kept.of(scope.namespace)
        if not all(isinstance(each, kind.type) for each in items):  # who asks wants other fields of them
            return super().listing(kind, scope, exchange, unreadable=unreadable, share=share)
        return cast("Listing[T]", Listing(items, ""))


class _Kept:
    """A list that was read; of ``namespace``, None: of all."""

    def __init__(self, namespace: str | None, items: tuple[Any, ...], convert: Callable[[Any], Any] | None) -> None:
        self.namespace, self._items, self._convert = namespace, items, convert

    def of(self, namespace: str | None) -> tuple[Any, ...]:
        items = self._items if namespace == self.namespace else tuple(self._by_namespace.get(namespace or "", ()))
        return items if self._convert is None else tuple(map(self._convert, items))

    @cached_property
    def _by_namespace(self) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for each in self._items:
            found.setdefault(each.metadata.namespace, []).append(each)
        return found


def estate(
    transport: Transport,
    namespace: str | None,
    now: Callable[[], datetime],
    *,
    selector: str = "",
    deep: bool = False,
    progress: Callable[[str], None] = lambda text: None,
) -> Estate:
    """``namespace`` None: the whole cluster. ``selector``: of labels, on the sets that are asked about; all others are read as
    well, for they may be in their way. ``deep``: also the names of Secrets. Raises PetsError where the sets of apps/v1 may not
    be read."""
    return _Look(_Known(transport), Scope(namespace=namespace), now, progress).estate(selector, deep)


def events(reader: Reader, namespace: str | None) -> tuple[Event, ...] | None:
    """All of the scope; None where they may not be read."""
    try:
        return reader.listing(EVENTS, Scope(namespace=namespace)).items
    except _UNREAD:
        return None


class _Look:
    """One look at everything."""

    def __init__(self, reader: _Known, scope: Scope, now: Callable[[], datetime], progress: Callable[[str], None]) -> None:
        self._reader, self._scope, self._now, self._progress = reader, scope, now, progress
        self._cluster = Scope(namespace=None)
        self._unread: dict[str, Unread] = {}

    def estate(self, selector: str, deep: bool) -> Estate:
        self._progress("claims and sets")
        claims = self._list("claims", CLAIMS, self._scope, unreadable=True)
        sets, others, selected = together(
            [
                lambda: self._reader.listing(_SETS[APPS_SET], self._scope, unreadable=True).items,
                self._other_sets,
                lambda: self._selected(selector),
            ]
        )
        self._reader.keep(_SETS[APPS_SET], self._scope, sets)
        self._progress(f"pods and all around {len(sets)} sets")
        first = self._belongings(deep)
        second = self._places(claims)
        self._progress("who else wants their claims")
        inventory = self._inventory(claims)
        found: dict[str, Any] = {**first, **second, **self._scalers(inventory)}
        return Estate(
            namespace=self._scope.namespace,
            sets=(*sets, *(each for listed in others.values() for each in listed or ())),
            kinds_not_read=tuple(resource for resource, listed in others.items() if listed is None),
            selected=selected,
            claims=claims,
            inventory=inventory,
            unread={**_NOT_ASKED, **self._unread},
            **found,
        )

    def _belongings(self, deep: bool) -> dict[str, Any]:
        scope = self._scope
        reads: dict[str, Callable[[], Any]] = {
            "pods": lambda: self._list("pods", PODS, scope, _as_use, unreadable=True),
            "revisions": self._revisions,
            "services": lambda: self._list("services", SERVICES, scope, _as_service),
            "budgets": lambda: self._list("budgets", _BUDGETS, scope, _as_budget),
            "quotas": lambda: self._list("quotas", _QUOTAS, scope),
            "deployments": lambda: self._list("deployments", _DEPLOYMENTS, scope, unreadable=True),
            "daemon_sets": lambda: self._list("daemon_sets", _DAEMON_SETS, scope, unreadable=True),
            "accounts": lambda: self._names("accounts", _ACCOUNTS),
            "config_maps": lambda: self._names("config_maps", _CONFIG_MAPS),
            "secrets": lambda: self._secrets(deep),
            "server": self._reader.version,
        }
        return dict(zip(reads, together(list(reads.values())), strict=True))

    def _places(self, claims: tuple[PersistentVolumeClaim, ...] | None) -> dict[str, Any]:
        reads: dict[str, Callable[[], Any]] = {
            "classes": lambda: self._list("classes", _CLASSES, self._cluster),
            "nodes": lambda: self._list("nodes", _NODES, self._cluster),
            "slices": lambda: self._list("slices", SLICES, self._scope),
            "snapshots": self._snapshots,
            "attachments": lambda: self._list("attachments", _ATTACHMENTS, self._cluster),
            "volumes": lambda: self._volumes(claims),
        }
        return dict(zip(reads, together(list(reads.values())), strict=True))

    def _list(
        self,
        field: str,
        kind: ResourceKind[T],
        scope: Scope,
        convert: Callable[[T], Any] | None = None,
        *,
        unreadable: bool = False,
    ) -> tuple[T, ...] | None:
        """A list of the estate; None, with the reason noted, where it may not be read or one of its objects cannot be decoded."""
        try:
            items = self._reader.listing(kind, scope, unreadable=unreadable).items
        except _UNREAD as error:
            self._unread[field] = Unread(kind.resource, _why(error))
            self._reader.keep(kind, scope, error)
            return None
        self._reader.keep(kind, scope, items, convert)
        return items

    def _revisions(self) -> tuple[ControllerRevision, ...] | None:
        listed = self._list("revisions", _REVISIONS, self._scope, _as_workload, unreadable=True)
        return None if listed is None else tuple(each for each in listed if not each.unreadable)

    def _other_sets(self) -> dict[str, tuple[FullSet, ...] | None]:
        """By resource, those of kinds besides apps/v1; None where they may not be read."""
        kinds = self._reader.discovery.set_kinds()
        if kinds is None:
            return {kind.resource: None for kind in KINDS if kind is not APPS_SET}
        found: dict[str, tuple[FullSet, ...] | None] = {}
        for kind in kinds:
            try:
                found[kind.resource] = self._reader.listing(_SETS[kind], self._scope, unreadable=True).items
                self._reader.keep(_SETS[kind], self._scope, found[kind.resource] or ())
            except NotFoundError:
                found[kind.resource] = ()  # the group is there for other kinds of its
            except (ForbiddenError, ServerError):
                found[kind.resource] = None
        return found

    def _selected(self, selector: str) -> frozenset[tuple[str, str]] | None:
        if not selector:
            return None
        chosen: set[tuple[str, str]] = set()
        for kind in (APPS_SET, *(self._reader.discovery.set_kinds() or ())):
            try:
                chosen |= self._named(_SETS[kind], Scope(namespace=self._scope.namespace, labels=selector))
            except NotFoundError:
                continue
        return frozenset(chosen)

    def _named(self, kind: ResourceKind[Any], scope: Scope) -> set[tuple[str, str]]:
        """What the objects are called; their metadata is all that is read."""
        found: set[tuple[str, str]] = set()
        for page, first in self._reader.pages(kind, scope, metadata_only=True):
            if first:
                found.clear()
            found.update((each.namespace, each.name) for each in page.objects)
        return found

    def _names(self, field: str, kind: ResourceKind[T]) -> tuple[T, ...] | None:
        """Objects of which no more than the metadata is asked for: never what is in them."""
        found: list[T] = []
        try:
            for page, first in self._reader.pages(kind, self._scope, metadata_only=True):
                if first:
                    found.clear()
                found.extend(page.objects)
        except _UNREAD as error:
            self._unread[field] = Unread(kind.resource, _why(error))
            return None
        return tuple(found)

    def _snapshots(self) -> tuple[VolumeSnapshot, ...] | None:
        """Empty where snapshots are not installed: then there is none, which is known."""
        try:
            return self._reader.listing(SNAPSHOTS, self._scope).items
        except NotFoundError:
            return ()
        except (ForbiddenError, ServerError) as error:
            self._unread["snapshots"] = Unread(SNAPSHOTS.resource, _why(error))
            return None

    def _secrets(self, deep: bool) -> tuple[Content, ...] | None:
        if not deep:
            self._unread["secrets"] = Unread(_SECRETS.resource, UnreadWhy.NOT_ASKED)
            return None
        return self._names("secrets", _SECRETS)

    def _scalers(self, inventory: ClaimInventory | None) -> dict[str, Any]:
        """Autoscalers, which claims are judged by, too."""
        if inventory is not None:
            found: dict[str, Any] = {"autoscalers": inventory.autoscalers, "scaled_objects": inventory.scaled_objects}
        else:
            reads = (autoscalers_in, scaled_objects_in)
            listed = together([partial(read, self._reader, self._scope) for read in reads])
            found = dict(zip(("autoscalers", "scaled_objects"), listed, strict=True))
        for field, resource in _SCALERS.items():
            if found[field] is None:
                self._unread[field] = Unread(resource, UnreadWhy.FORBIDDEN)
        return found

    def _volumes(self, claims: tuple[PersistentVolumeClaim, ...] | None) -> dict[str, PersistentVolume | None] | None:
        """Those of the claims, by name."""
        if claims is None:
            self._unread["volumes"] = self._unread["claims"]
            return None
        names = sorted({each.spec.volume_name for each in claims if each.spec.volume_name})
        try:
            if len(names) <= _FEW_VOLUMES:
                read = together([partial(one_volume, self._reader, name, unreadable=True) for name in names])
                return dict(zip(names, read, strict=True))
            listed = self._reader.listing(VOLUMES, self._cluster, unreadable=True).items
        except _UNREAD as error:
            self._unread["volumes"] = Unread(VOLUMES.resource, _why(error))
            return None
        self._reader.keep(VOLUMES, self._cluster, listed)
        return volumes_by_name(claims, listed)

    def _inventory(self, claims: tuple[PersistentVolumeClaim, ...] | None) -> ClaimInventory | None:
        """What claims are judged by, as ``orphans`` has it; None where claims may not be read."""
        if claims is None:
            self._unread["inventory"] = self._unread["claims"]
            return None
        return read_claim_inventory(self._reader, self._scope.namespace, self._now, every_class=False)


def _why(error: PetsError) -> UnreadWhy:
    match error:
        case ForbiddenError():
            return UnreadWhy.FORBIDDEN
        case NotFoundError():
            return UnreadWhy.ABSENT
        case _:
            return UnreadWhy.FAILED


def _as_use(pod: Pod) -> PodUse:
    meta = pod.metadata
    return PodUse(
        metadata=Named(
            name=meta.name,
            namespace=meta.namespace,
            creation_timestamp=meta.creation_timestamp,
            labels=PodLabels(pod_name=meta.labels.get("statefulset.kubernetes.io/pod-name", "")),
            owner_references=meta.owner_references,
        ),
        spec=Mounts(volumes=pod.spec.volumes),
        status=PodPhase(phase=pod.status.phase),
        unreadable=pod.unreadable,
    )


def _as_service(service: Service) -> ServiceBeside:
    return ServiceBeside(metadata=service.metadata, spec=ServiceSelector(selector=service.spec.selector))


def _as_budget(budget: Guard) -> BudgetBeside:
    return BudgetBeside(metadata=budget.metadata, spec=BudgetSelector(selector=budget.spec.selector))


def _as_workload(revision: ControllerRevision) -> Workload:
    meta, template = revision.metadata, revision.data.spec.template
    return Workload(
        metadata=Named(
            name=meta.name,
            namespace=meta.namespace,
            creation_timestamp=meta.creation_timestamp,
            owner_references=meta.owner_references,
        ),
        data=RevisionContent(spec=JobSpec(template=Template(spec=Mounts(volumes=template.spec.volumes)))),
        unreadable=revision.unreadable,
    )
