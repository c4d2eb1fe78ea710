"""Reads all that claims are judged by, and no more of it than can change a verdict.

Claims come first, so that a set that is scaled up meanwhile is seen at its new size. Then sets and autoscalers; only the
namespaces and volumes that ``judging.needs`` still asks for are read after that, and last of all custom resources, for the claims
that are candidates still. What may not be read stays None, which makes claims unsure; an API that is certainly not installed is
empty.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import msgspec

from kubectl_pets.cluster.http.together import together
from kubectl_pets.cluster.objects.alike import share_claim
from kubectl_pets.cluster.objects.discovery import CustomKinds
from kubectl_pets.cluster.objects.kinds import CLAIMS, ResourceKind
from kubectl_pets.cluster.objects.lists import Reader, Scope
from kubectl_pets.cluster.topics.custom import FEW_NAMESPACES, search
from kubectl_pets.cluster.topics.deployed import read_deployed
from kubectl_pets.cluster.topics.events import EVENTS
from kubectl_pets.domain.model import Object, PersistentVolumeClaim
from kubectl_pets.domain.orphans.inventory import (
    LISTS,
    WORKLOADS,
    BudgetBeside,
    ClaimInventory,
    Companion,
    HorizontalPodAutoscaler,
    InventoryList,
    PersistentVolume,
    PodUse,
    ScaledObject,
    ServiceBeside,
    Unreadable,
    Workloads,
    ignores,
    volumes_by_name,
)
from kubectl_pets.domain.orphans.judging import Needs, Searched, doubtful, needs
from kubectl_pets.errors import ForbiddenError, NotFoundError, ServerError

T = TypeVar("T", bound=Object)

VOLUMES = ResourceKind(PersistentVolume, "/api/v1", "persistentvolumes", "PersistentVolume")
_AUTOSCALERS, _SCALED_OBJECTS = (
    next(row for row in LISTS if row.field == field) for field in ("autoscalers", "scaled_objects")
)

#: What stands beside a set and selects its pods.
_BESIDE: tuple[ResourceKind[Any], ...] = (
    ResourceKind(ServiceBeside, "/api/v1", "services", "Service"),
    ResourceKind(BudgetBeside, "/apis/policy/v1", "poddisruptionbudgets", "PodDisruptionBudget"),
)

#: What makes claims unsure and ends nothing: a missing right, a conversion webhook or an aggregated API that fails (500, 503), an
#: answer that is none.
UNREAD = (ForbiddenError, NotFoundError, ServerError)

#: Events of these are asked for by name while they are so few; and what they are of.
_FEW_NAMES = 8
_OF_SETS = ("Pod", "StatefulSet")

#: A kubelet's, of each container that it ends. Where all events of namespaces are read, only these are: of others there may be
#: very many.
_ENDED = "Killing"

#: So many volumes are asked for by name; more are read as one list.
_FEW_VOLUMES = 20


def read_claim_inventory(
    reader: Reader,
    namespace: str | None,
    now: Callable[[], datetime],
    *,
    every_class: bool,
    ignored_kinds: frozenset[str] = frozenset(),
    only: frozenset[str] | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> ClaimInventory:
    """``namespace`` None: the whole cluster. ``every_class``: all that may change the class of any claim, not of candidates only.
    ``ignored_kinds``: custom resources that are left out. ``only``: the names of the claims that are asked about; custom
    resources are searched for these. Raises ForbiddenError where the claims themselves may not be read. ``progress`` is
    told what is being read."""
    progress("claims")
    scope = Scope(namespace=namespace)
    claims = reader.listing(CLAIMS, scope, unreadable=True, share=share_claim).items
    progress(f"sets and autoscalers for {len(claims)} claims")
    discovered, lists = _lists(reader, scope, ignored_kinds)
    sieve = _Sieve()
    lists = {row.field: sieve.sifted(row.resource, lists[row.field]) for row in LISTS}
    estate = ClaimInventory(claims=claims, unreadable=sieve.caught, **lists)
    wanted = needs(estate, now(), every_class=every_class)
    progress(f"pods and workloads of {len(wanted.namespaces)} namespaces")
    users, volumes = together(
        [
            lambda: _users(reader, namespace, wanted, claims),
            lambda: volumes_of(reader, wanted.volumes, claims, unreadable=True),
        ]
    )
    users = {
        space: Workloads({plural: sieve.sifted(plural, listed) for plural, listed in used.read.items()})
        for space, used in users.items()
    }
    estate = msgspec.structs.replace(
        estate, users=users, volumes=volumes, unreadable=sieve.caught, asked_about=None if every_class else wanted.claims
    )
    searched = doubtful(estate, now(), every_class=every_class, only=only, among=wanted.claims)
    progress(f"custom resources of {len(searched)} namespaces")
    custom = search(reader, discovered, searched, ignored=ignored_kinds, to_the_end=every_class)
    beside = _companions(reader, searched) if only is None or every_class else {}  # before a deletion they were told already
    deployed = read_deployed(reader, discovered, searched, ignored=ignored_kinds)
    return msgspec.structs.replace(estate, custom=custom, companions=beside, told=_told(reader, searched), deployed=deployed)


def _companions(reader: Reader, wanted: Collection[str]) -> dict[str, tuple[Companion, ...]]:
    """Services and PodDisruptionBudgets of these namespaces, as far as they may be read."""
    spaces: list[str | None] = [*wanted] if len(wanted) <= FEW_NAMESPACES else [None]
    asked = [(kind, Scope(namespace=space)) for kind in _BESIDE for space in spaces]
    found: dict[str, list[Companion]] = {space: [] for space in wanted}
    for listed in together([partial(_list, reader, kind, scope) for kind, scope in asked]):
        for item in listed or ():
            companion = Companion.of(item) if not item.unreadable and item.namespace in found else None
            if companion is not None:
                found[item.namespace].append(companion)
    return {space: tuple(each) for space, each in found.items()}


def _told(reader: Reader, wanted: Mapping[str, Searched]) -> dict[str, dict[str, datetime]]:
    """When an event told last of the pods and sets that are gone: asked for each by its name while they are few."""
    asked = {space: each.gone for space, each in wanted.items() if each.gone}
    scopes = [Scope(namespace=space, about=name) for space, names in asked.items() for name in sorted(names)]
    if len(scopes) > _FEW_NAMES:
        spaces: list[str | None] = [*asked] if len(asked) <= FEW_NAMESPACES else [None]
        scopes = [Scope(namespace=space, reason=_ENDED) for space in spaces]
    found: dict[str, dict[str, datetime]] = {space: {} for space in asked}
    for times in together([partial(_times, reader, scope, asked) for scope in scopes]):
        for (space, name), time in times.items():
            found[space][name] = max(time, found[space].get(name, time))
    return found


def _times(reader: Reader, scope: Scope, asked: Mapping[str, Collection[str]]) -> dict[tuple[str, str], datetime]:
    """By namespace and name, when an event told of one of those last: a page at a time, for of a whole cluster they are many."""
    found: dict[tuple[str, str], datetime] = {}
    try:
        for page, _ in reader.pages(EVENTS, scope):
            for event in page.objects:
                about, last = event.involved_object, event.last
                if about.kind in _OF_SETS and about.name in asked.get(event.namespace, ()) and last is not None:
                    key = (event.namespace, about.name)
                    found[key] = max(last, found.get(key, last))
    except UNREAD:
        return {}
    return found


class _Sieve:
    """Takes the objects that could not be decoded out of lists, and remembers them by name."""

    def __init__(self) -> None:
        self._caught: list[Unreadable] = []

    @property
    def caught(self) -> tuple[Unreadable, ...]:
        return tuple(self._caught)

    def sifted(self, resource: str, listed: Any) -> Any:
        """The list without the objects that could not be decoded; None stays None."""
        if not listed or not any(item.unreadable for item in listed):
            return listed
        self._caught += (
            Unreadable(resource, item.metadata.namespace, item.metadata.name) for item in listed if item.unreadable
        )
        return tuple(item for item in listed if not item.unreadable)


def autoscalers_in(reader: Reader, scope: Scope) -> tuple[HorizontalPodAutoscaler, ...] | None:
    return _whole(_row(reader, _AUTOSCALERS, scope))


def scaled_objects_in(reader: Reader, scope: Scope) -> tuple[ScaledObject, ...] | None:
    """KEDA's; empty where it is not installed."""
    return _whole(_discovered(reader, reader.discovery.custom_kinds(group=_SCALED_OBJECTS.group), _SCALED_OBJECTS, scope))


def _whole(listed: tuple[T, ...] | None) -> tuple[T, ...] | None:
    """The list, or None where one of its objects could not be decoded."""
    return None if any(item.unreadable for item in listed or ()) else listed


def _lists(reader: Reader, scope: Scope, ignored: frozenset[str]) -> tuple[CustomKinds | None, dict[str, Any]]:
    """What kinds there are, and by field the lists of the inventory. One that is ``ignored`` counts where it can be read."""
    built_in = [row for row in LISTS if row.version]
    custom = [row for row in LISTS if not row.version]
    calls: list[Callable[[], Any]] = [partial(reader.discovery.custom_kinds, fresh=True)]
    calls += [partial(_row, reader, row, scope) for row in built_in]
    discovered, *read = together(calls)
    found = together([partial(_discovered, reader, discovered, row, scope) for row in custom])
    for row, listed in zip(custom, found, strict=True):
        read.append(() if listed is None and ignores(ignored, row.group, row.plural) else listed)
    return discovered, dict(zip((row.field for row in (*built_in, *custom)), read, strict=True))


def _discovered(reader: Reader, discovered: CustomKinds | None, row: InventoryList, scope: Scope) -> Any:
    """A list of custom resources; empty where discovery is certain that there is no such kind."""
    kind = discovered.named(row.group, row.plural) if discovered else None
    if kind is not None:
        base = f"/apis/{row.group}/{kind.version}"
        return _list(reader, ResourceKind(row.type, base, row.plural, row.kind), scope)
    return None if discovered is None or row.group in discovered.unknown else ()


def _row(reader: Reader, row: InventoryList, scope: Scope) -> Any:
    return _list(reader, ResourceKind(row.type, f"/apis/{row.group}/{row.version}", row.plural, row.kind), scope)


def _workload_kinds() -> dict[str, ResourceKind[Any]]:
    return {row.plural: ResourceKind(row.type, row.base, row.plural, row.kind) for row in WORKLOADS}


def _users(
    reader: Reader, namespace: str | None, wanted: Needs, claims: tuple[PersistentVolumeClaim, ...]
) -> dict[str, Workloads]:
    """By namespace, the pods and workloads that may use its claims: namespace by namespace while they are few, in one list a
    kind once that moves less than most of the cluster."""
    kinds = _workload_kinds()
    everywhere = len({claim.namespace for claim in claims})
    if namespace is not None or len(wanted.namespaces) * 2 <= everywhere:
        read = together([lambda each=each: _users_of(reader, kinds, each) for each in wanted.namespaces])  # type: ignore[misc]
        return dict(zip(wanted.namespaces, read, strict=True))
    scope = Scope(namespace=None)
    lists = together([lambda kind=kind: _list(reader, kind, scope) for kind in kinds.values()])  # type: ignore[misc]
    found: dict[str, dict[str, list[Any] | None]] = {
        each: {plural: None if listed is None else [] for plural, listed in zip(kinds, lists, strict=True)}
        for each in wanted.namespaces
    }
    for plural, listed in zip(kinds, lists, strict=True):
        for item in listed or ():
            place = found.get(item.metadata.namespace)
            if place is not None:
                members = place[plural]
                assert members is not None
                members.append(item)
    return {
        each: Workloads({plural: None if items is None else tuple(items) for plural, items in kinds_of.items()})
        for each, kinds_of in found.items()
    }


def _users_of(reader: Reader, kinds: dict[str, ResourceKind[Any]], namespace: str) -> Workloads:
    scope = Scope(namespace=namespace)
    return Workloads({plural: _list(reader, kind, scope) for plural, kind in kinds.items()})


def mounts(reader: Reader, namespace: str, besides: frozenset[str] = frozenset()) -> dict[str, str] | None:
    """By claim a pod of the namespace, ``besides`` those of these names, that mounts it. None: pods may not be read, or one of
    them could not be decoded."""
    pods: tuple[PodUse, ...] | None = _list(reader, _workload_kinds()["pods"], Scope(namespace=namespace))
    if pods is None or any(pod.unreadable for pod in pods):
        return None
    return {
        volume.persistent_volume_claim.claim_name: pod.metadata.name
        for pod in pods
        if pod.metadata.name not in besides
        for volume in pod.volumes
        if volume.persistent_volume_claim is not None
    }


def volumes_of(
    reader: Reader, names: Sequence[str], claims: Iterable[PersistentVolumeClaim], *, unreadable: bool = False
) -> dict[str, PersistentVolume | None] | None:
    """By name, the volumes that are called ``names``, which ``claims`` have in their spec.volumeName; None for one that does not
    exist. None altogether where they may not be read. ``unreadable`` as in ``Reader.one``."""
    if len(names) <= _FEW_VOLUMES:
        return named_volumes(reader, names, unreadable=unreadable)
    try:
        return volumes_by_name(claims, reader.listing(VOLUMES, Scope(namespace=None), unreadable=unreadable).items)
    except UNREAD:
        return None


def named_volumes(
    reader: Reader, names: Sequence[str], *, unreadable: bool = False
) -> dict[str, PersistentVolume | None] | None:
    """The same, each asked for by its name, which takes no right to list them."""
    try:
        read = together([partial(one_volume, reader, name, unreadable=unreadable) for name in names])
    except UNREAD:
        return None
    return dict(zip(names, read, strict=True))


def one_volume(reader: Reader, name: str, *, unreadable: bool = False) -> PersistentVolume | None:
    """A volume by its name; None where there is none. ``unreadable`` as in ``Reader.one``. Raises ForbiddenError."""
    try:
        return reader.one(VOLUMES, None, name, unreadable=unreadable)
    except NotFoundError:
        return None


def _list(reader: Reader, kind: ResourceKind[T], scope: Scope) -> tuple[T, ...] | None:
    try:
        return reader.listing(kind, scope, unreadable=True).items
    except UNREAD:
        return None  # a built-in API that is not there is no reason to believe that it is empty
