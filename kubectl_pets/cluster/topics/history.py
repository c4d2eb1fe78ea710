"""A set's past, with its templates in full. Apart from ``read``, because only a few verbs want them: they are the largest part of
a set, and verdicts need no more of them than the images.
"""

from kubectl_pets.cluster.http.together import together
from kubectl_pets.cluster.objects.kinds import PODS, REVISIONS, SETS, ResourceKind, selector_text
from kubectl_pets.cluster.objects.lists import Reader, Scope
from kubectl_pets.cluster.topics.sets import items, missing
from kubectl_pets.domain.rollout.history import History, StoredRevision, StoredSet
from kubectl_pets.errors import NotFoundError

_SETS = ResourceKind(StoredSet, SETS.base, SETS.plural, SETS.kind)
_REVISIONS = ResourceKind(StoredRevision, REVISIONS.base, REVISIONS.plural, REVISIONS.kind, optional=True)


def history(reader: Reader, namespace: str, name: str) -> History:
    """One set, its revisions and pods. Raises NotFoundError where there is no such set, ForbiddenError where its revisions may
    not be read: without them there is nothing to tell."""
    try:
        found = reader.one(_SETS, namespace, name)
    except NotFoundError:
        raise missing(reader, namespace, name) from None
    scope = Scope(namespace=namespace, labels=selector_text(found.spec.selector))
    revisions, pods = together([lambda: reader.listing(_REVISIONS, scope).items, items(reader, PODS, scope)])
    return History(set=found, revisions=revisions, pods=pods)
