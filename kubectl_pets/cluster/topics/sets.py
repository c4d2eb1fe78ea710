"""One look at the cluster: a set and what belongs to it, or all sets.

The set is read before its pods: a pod that is newer than the set's status does no harm, one that is older could make an
unfinished rollout look done. What may not be read is None, which is not the same as nothing being there.
"""

from collections.abc import Callable
from difflib import get_close_matches
from typing import TypeVar

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
)
from kubectl_pets.cluster.objects.lists import Reader, Scope
from kubectl_pets.domain.model import Inventory, Object, SetView
from kubectl_pets.errors import ForbiddenError, NotFoundError, PetsError, UnreadableError

T = TypeVar("T", bound=Object)


def set_view(reader: Reader, namespace: str, name: str) -> SetView:
    """One set and what its selector matches. Raises NotFoundError that says what there is instead."""
    try:
        found = reader.one(SETS, namespace, name, unreadable=True)
    except NotFoundError:
        raise missing(reader, namespace, name) from None
    if found.unreadable:
        return SetView(set=found)  # nobody knows what it selects
    selector = found.spec.selector
    pods = Scope(namespace=namespace, labels=selector_text(selector))
    claims = Scope(namespace=namespace, labels=claim_selector(selector))
    read = together(
        [
            items(reader, PODS, pods, unreadable=True),
            items(reader, REVISIONS, pods),
            items(reader, CLAIMS, claims, unreadable=True),
            reader.version,
        ]
    )
    return SetView(set=found, pods=read[0], revisions=read[1], claims=read[2], server=read[3])


def inventory(reader: Reader, namespace: str | None, selector: str | None) -> Inventory:
    """All sets, narrowed by labels, and all that may belong to any of them."""
    sets = reader.listing(SETS, Scope(namespace=namespace, labels=selector or ""), unreadable=True).items
    everything = Scope(namespace=namespace)
    read = together(
        [
            items(reader, PODS, everything, unreadable=True),
            items(reader, REVISIONS, everything),
            items(reader, CLAIMS, everything, unreadable=True),
            reader.version,
        ]
    )
    return Inventory(sets=sets, pods=read[0], revisions=read[1], claims=read[2], server=read[3])


def items(
    reader: Reader, kind: ResourceKind[T], scope: Scope, *, unreadable: bool = False
) -> Callable[[], tuple[T, ...] | None]:
    """To be called: the objects, or None where they may not be read, or where one of them cannot be. ``unreadable``: such ones
    are handed on, marked so."""

    def read() -> tuple[T, ...] | None:
        try:
            return reader.listing(kind, scope, unreadable=unreadable).items
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


def missing(reader: Reader, namespace: str, name: str) -> NotFoundError:
    """The error for a set that is not there, with what may have been meant, as far as that may be read."""

    def elsewhere(kind: ResourceKind[Object]) -> Callable[[], bool]:
        return lambda: _there(reader, kind, namespace, name)

    calls: list[Callable[[], object]] = [lambda: _names(reader, namespace)]
    calls += [elsewhere(kind) for kind in COUSINS]
    calls += [lambda: _gone(reader, namespace)]
    known, *cousins, no_namespace = together(calls)
    problem = f"no StatefulSet {clean(name)} in namespace {clean(namespace)}"
    other = next((kind.kind for kind, found in zip(COUSINS, cousins) if found), None)
    if no_namespace:
        return NotFoundError(problem, hint=f"there is no namespace {clean(namespace)}; choose one with -n")
    if other is not None:
        return NotFoundError(problem, hint=f"{clean(name)} is a {other}; this is for StatefulSets")
    assert isinstance(known, list)
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    shown = ", ".join(clean(each) for each in near or sorted(known)[:5])
    if near:
        return NotFoundError(problem, hint=f"was {shown} meant?")
    if known:
        return NotFoundError(problem, hint=f"there are: {shown}{', …' if len(known) > 5 else ''}")
    return NotFoundError(problem, hint="is it in another namespace? kubectl get statefulsets -A")


def _names(reader: Reader, namespace: str) -> list[str]:
    try:
        pages = reader.pages(SETS, Scope(namespace=namespace), metadata_only=True)
        return [each.name for each in next(pages)[0].objects]
    except PetsError:
        return []


def _there(reader: Reader, kind: ResourceKind[Object], namespace: str, name: str) -> bool:
    try:
        reader.one(kind, namespace, name)
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
