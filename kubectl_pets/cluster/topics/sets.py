"""One look at the cluster: a set and what belongs to it, or all sets.

The set is read before its pods: a pod that is newer than the set's status does no harm, one that is older could make an
unfinished rollout look done. What may not be read is None, which is not the same as nothing being there.
"""

from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from kubectl_pets.cluster.http.failures import clean
from kubectl_pets.cluster.http.together import together
from kubectl_pets.cluster.objects.kinds import (
    CLAIMS,
    COUSINS,
    NAMESPACES,
    PODS,
    REVISIONS,
    SETS,
    ResourceKind,
    claim_selector,
    selector_text,
    sets_of,
)
from kubectl_pets.cluster.objects.lists import Listing, Reader, Scope
from kubectl_pets.domain.model import Inventory, Object, SetView, StatefulSet
from kubectl_pets.domain.rollout.managers import WHOLES, Whole
from kubectl_pets.domain.sets.away import record_name
from kubectl_pets.domain.sets.grouping import folded, selector_of
from kubectl_pets.domain.sets.kinds import APPS_SET, KINDS, OTHER_KINDS, SetKind
from kubectl_pets.errors import ForbiddenError, NotFoundError, PetsError, ServerError, UnreadableError
from kubectl_pets.pasting import kubectl, pets

if TYPE_CHECKING:
    from kubectl_pets.cluster.objects.discovery import Discovery

T = TypeVar("T", bound=Object)

_RECORDS = ResourceKind(Object, "/api/v1", "configmaps", "ConfigMap")


class Look(msgspec.Struct, frozen=True):
    """One look at a set, and what it was made of: the set as it came, and its pods, revisions and claims with the version of each
    list; None: may not be read. ``began``: when, by ``monotonic``."""

    view: SetView
    owner: StatefulSet
    lists: tuple[Listing[Any] | None, ...]
    began: float


def look_at(reader: Reader, namespace: str, name: str, kind: SetKind = APPS_SET) -> Look:
    """One set and what its selector matches. Raises NotFoundError that says what there is instead."""
    began = monotonic()
    try:
        found = reader.one(sets_of(kind), namespace, name, unreadable=True)
    except NotFoundError:
        raise missing(reader, namespace, name, kind) from None
    if found.unreadable:
        return Look(SetView(set=found), found, (), began)  # nobody knows what it selects
    selector = selector_of(found)
    pods = Scope(namespace=namespace, labels=selector_text(selector))
    claims = Scope(namespace=namespace, labels=claim_selector(selector, kind))
    *lists, server = reader.together(
        [
            _listed(reader, PODS, pods, unreadable=True),
            _listed(reader, REVISIONS, pods),
            _listed(reader, CLAIMS, claims, unreadable=True),
            reader.version,
        ]
    )
    own = [None if each is None else each.items for each in lists]
    view = folded(SetView(set=found, pods=own[0], revisions=own[1], claims=own[2], server=server))
    return Look(view, found, tuple(lists), began)


def inventory(
    reader: Reader, namespace: str | None, selector: str | None, *, every_kind: bool = False, groups: bool = False
) -> Inventory:
    """All sets, narrowed by labels, and all that may belong to any of them. ``every_kind``: not of apps/v1 alone; ``groups``:
    LeaderWorkerSets and the like (``OTHER_KINDS``) as well."""
    from kubectl_pets.cluster.objects.many import CLAIMS_OF_MANY, PODS_OF_MANY

    scope = Scope(namespace=namespace, labels=selector or "")
    discovery = reader.discovery if every_kind else None  # its decoders are made before there are threads: see kinds
    sets, others = together(
        [
            lambda: reader.listing(SETS, scope, unreadable=True).items,
            lambda: _of_other_kinds(reader, discovery, scope, groups) if discovery is not None else {},
        ]
    )
    everything = Scope(namespace=namespace)
    read = together(
        [
            items(reader, PODS_OF_MANY, everything, unreadable=True),
            items(reader, REVISIONS, everything),
            items(reader, CLAIMS_OF_MANY, everything, unreadable=True),
            reader.version,
        ]
    )
    return Inventory(
        sets=(*sets, *(item for more in others.values() for item in more or ())),
        kinds_not_read=tuple(kind for kind, more in others.items() if more is None),
        pods=read[0], revisions=read[1],
        claims=read[2],
        server=read[3],
    )


def _of_other_kinds(
    reader: Reader, discovery: "Discovery", scope: Scope, groups: bool
) -> dict[str, tuple[StatefulSet, ...] | None]:
    """By resource, the sets of kinds besides apps/v1 that this server knows; None where they may not be read."""
    kinds = discovery.set_kinds(groups=groups)
    if kinds is None:
        return {kind.resource: None for kind in (*KINDS, *(OTHER_KINDS if groups else ())) if kind is not APPS_SET}

    def listed(kind: SetKind) -> tuple[StatefulSet, ...] | None:
        try:
            return items(reader, sets_of(kind), scope, unreadable=True)()
        except NotFoundError:
            return ()  # the group is there for other kinds of its
        except ServerError:
            return None  # what converts or serves them does not answer (a webhook of theirs): apps/v1 goes on

    return dict(zip([kind.resource for kind in kinds], together([partial(listed, kind) for kind in kinds]), strict=True))


def items(
    reader: Reader, kind: ResourceKind[T], scope: Scope, *, unreadable: bool = False
) -> Callable[[], tuple[T, ...] | None]:
    """A call that reads a list: its objects, or None where they may not be read, or where one of them cannot be decoded.
    ``unreadable``: such ones are handed on, marked so."""

    read = _listed(reader, kind, scope, unreadable=unreadable)

    def read_items() -> tuple[T, ...] | None:
        listing = read()
        return None if listing is None else listing.items

    return read_items


def _listed(
    reader: Reader, kind: ResourceKind[T], scope: Scope, *, unreadable: bool = False
) -> Callable[[], Listing[T] | None]:
    def read() -> Listing[T] | None:
        try:
            return reader.listing(kind, scope, unreadable=unreadable)
        except (ForbiddenError, UnreadableError):
            return None

    return read


def names(reader: Reader, kind: ResourceKind[T], namespace: str | None) -> tuple[str, ...]:
    """What all objects of a kind are called; their metadata is all that is read."""
    found: list[str] = []
    for page, first in reader.pages(kind, Scope(namespace=namespace), metadata_only=True):
        if first:
            found.clear()
        found.extend(each.name for each in page.objects)
    return tuple(found)


def missing(reader: Reader, namespace: str, name: str, kind: SetKind = APPS_SET) -> NotFoundError:
    """The error for a set that is not there, with what may have been meant, as far as that may be read."""

    def elsewhere(cousin: ResourceKind[Object]) -> Callable[[], bool]:
        return lambda: _there(reader, cousin, namespace, name)

    calls: list[Callable[[], object]] = [lambda: _names(reader, namespace, kind)]
    calls += [lambda: _namesake(reader, namespace, name, kind)]
    calls += [lambda: _away(reader, namespace, name), lambda: _whole(reader, namespace, name)]
    calls += [elsewhere(cousin) for cousin in COUSINS]
    calls += [lambda: _gone(reader, namespace)]
    known, namesake, away, whole, *cousins, no_namespace = together(calls)
    problem = f"no {kind.title} {clean(name)} in namespace {clean(namespace)}"
    other = next((cousin.kind for cousin, found in zip(COUSINS, cousins) if found), None)
    if no_namespace:
        return NotFoundError(problem, hint=f"there is no namespace {clean(namespace)}; choose one with -n")
    if away and kind is APPS_SET:
        return NotFoundError(
            f"StatefulSet {clean(name)} in namespace {clean(namespace)} is away, to be made again; its pods run on",
            hint=f"where nobody is at it any more, go on with: {pets('recreate', name, namespace=namespace)}",
        )
    if known is None:
        hint = kubectl("api-resources", f"--api-group={kind.group}")
        return NotFoundError(f"{problem}: this cluster does not know {kind.resource} of {kind.version}", hint=hint)
    if namesake is not None:
        return NotFoundError(problem, hint=f"was {namesake.command_line(clean(name))} meant, the {namesake.title}?")
    if whole is not None:
        look = kubectl("get", whole.resource, name, namespace=namespace)
        made = f"{clean(name)} is of kind {whole.kind}, whose pods are its own controller's to change"
        return NotFoundError(problem, hint=f"{made}; see it with: {look}")
    if other is not None:
        return NotFoundError(problem, hint=f"{clean(name)} is a {other}; this is for StatefulSets")
    from difflib import get_close_matches  # only where something is missing

    near = get_close_matches(name, known, n=3, cutoff=0.5)
    shown = ", ".join(kind.command_line(clean(each)) for each in near or sorted(known)[:5])
    if near:
        return NotFoundError(problem, hint=f"was {shown} meant?")
    if known:
        return NotFoundError(problem, hint=f"there are: {shown}{', …' if len(known) > 5 else ''}")
    resource = kind.plural if kind is APPS_SET else kind.resource
    return NotFoundError(problem, hint=f"is it in another namespace? {kubectl('get', resource, '-A')}")


def _names(reader: Reader, namespace: str, kind: SetKind) -> list[str] | None:
    """What the sets of a kind in a namespace are called; None where the server does not know the kind."""
    try:
        pages = reader.pages(sets_of(kind), Scope(namespace=namespace), metadata_only=True)
        return [each.name for each in next(pages)[0].objects]
    except NotFoundError:
        return None if kind is not APPS_SET else []
    except PetsError:
        return []


def _namesake(reader: Reader, namespace: str, name: str, kind: SetKind) -> SetKind | None:
    """Another kind of set that has one of this name."""
    try:
        kinds = (APPS_SET, *(reader.discovery.set_kinds(groups=True) or ()))
    except PetsError:
        return None
    others = [each for each in kinds if each.group is not kind.group]
    found = together([partial(_there, reader, sets_of(each), namespace, name) for each in others])
    return next((each for each, there in zip(others, found, strict=True) if there), None)


def _whole(reader: Reader, namespace: str, name: str) -> Whole | None:
    """Another kind that makes pods or sets in its own way, and has an object of this name; asked for only where it is served."""
    try:
        versions = reader.discovery.versions()
    except PetsError:
        return None
    served = [each for each in WHOLES if each.group in versions]
    found = together([partial(_there, reader, _of_whole(each, versions[each.group]), namespace, name) for each in served])
    return next((each for each, there in zip(served, found, strict=True) if there), None)


def _of_whole(whole: Whole, version: str) -> ResourceKind[Object]:
    return ResourceKind(Object, f"/apis/{whole.group}/{version}", whole.plural, whole.kind)


def _there(reader: Reader, kind: ResourceKind[Any], namespace: str, name: str) -> bool:
    try:
        reader.one(kind, namespace, name)
    except PetsError:
        return False
    return True


def _away(reader: Reader, namespace: str, name: str) -> bool:
    """Whether a set of that name is being made again; False where that may not be read."""
    try:
        reader.one(_RECORDS, namespace, record_name(name))
    except PetsError:
        return False
    return True


def _gone(reader: Reader, namespace: str) -> bool:
    try:
        reader.one(NAMESPACES, None, namespace)
    except NotFoundError:
        return True
    except PetsError:
        pass
    return False
