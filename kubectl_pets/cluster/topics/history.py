"""A set's past, with its templates in full. Apart from ``read``, because only a few verbs want them: they are the largest part of
a set, and verdicts need no more of them than the images.
"""

from collections.abc import Collection, Iterator
from functools import partial

from kubectl_pets.cluster.http.together import together
from kubectl_pets.cluster.objects.kinds import PODS, REVISIONS, SETS_OF, ResourceKind, selector_text
from kubectl_pets.cluster.objects.lists import Reader, Scope
from kubectl_pets.cluster.topics.sets import items, missing
from kubectl_pets.domain.rollout.group_history import of_groups, selector
from kubectl_pets.domain.rollout.history import History, StoredRevision, StoredSet, Template, template_of
from kubectl_pets.domain.sets.kinds import APPS_SET, Capability, SetKind
from kubectl_pets.errors import ForbiddenError, NotFoundError, ServerError

_SETS = {group: ResourceKind(StoredSet, each.base, each.plural, each.kind) for group, each in SETS_OF.items()}
_REVISIONS = ResourceKind(StoredRevision, REVISIONS.base, REVISIONS.plural, REVISIONS.kind, optional=True)


#: So many are asked for by name; more are picked out of whole lists, page by page.
_FEW = 20


def templates(reader: Reader, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], Template] | None:
    """Those of ControllerRevisions by namespace and name; one that is gone, or holds none, is left out. None: they may not be
    read."""
    places = sorted(set(wanted))
    try:
        if len(places) <= _FEW:
            found = [each for each in together([partial(_one, reader, *place) for place in places]) if each is not None]
        else:
            found = list(_among(reader, frozenset(places)))
    except (ForbiddenError, ServerError):
        return None
    told = (((each.namespace, each.name), template_of(each)) for each in found)
    return {place: template for place, template in told if template}


def _one(reader: Reader, namespace: str, name: str) -> StoredRevision | None:
    try:
        return reader.one(_REVISIONS, namespace, name)
    except NotFoundError:
        return None


def _among(reader: Reader, places: frozenset[tuple[str, str]]) -> Iterator[StoredRevision]:
    """Of the lists of all namespaces, or of the one that they are in."""
    spaces = {namespace for namespace, _ in places}
    scope = Scope(namespace=spaces.pop() if len(spaces) == 1 else None)
    for page, _ in reader.pages(_REVISIONS, scope):
        yield from (each for each in page.objects if (each.namespace, each.name) in places and not each.unreadable)


def history(reader: Reader, namespace: str, name: str, kind: SetKind = APPS_SET) -> History:
    """One set, its revisions and pods. Raises NotFoundError where there is no such set, ForbiddenError where its revisions may
    not be read: without them there is nothing to tell."""
    try:
        found = reader.one(_SETS[kind.group], namespace, name)
    except NotFoundError:
        raise missing(reader, namespace, name, kind) from None
    groups = Capability.GROUPS in kind.can
    scope = Scope(namespace=namespace, labels=selector_text(selector(found) if groups else found.spec.selector))
    revisions, pods = reader.together([lambda: reader.listing(_REVISIONS, scope).items, items(reader, PODS, scope)])
    told = History(set=found, revisions=revisions, pods=pods)
    return of_groups(told) if groups else told
