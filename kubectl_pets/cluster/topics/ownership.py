"""A set with all that its managedFields say. Apart from ``sets``, because one verb wants it: they are as long as the set
itself.
"""

from kubectl_pets.cluster.objects.kinds import SETS, ResourceKind
from kubectl_pets.cluster.objects.lists import Reader
from kubectl_pets.cluster.topics.sets import missing
from kubectl_pets.domain.rollout.fields import FieldsOwner
from kubectl_pets.errors import NotFoundError

_SETS = ResourceKind(FieldsOwner, SETS.base, SETS.plural, SETS.kind)


def fields_owner(reader: Reader, namespace: str, name: str) -> FieldsOwner:
    """Raises NotFoundError where there is no such set."""
    try:
        return reader.one(_SETS, namespace, name)
    except NotFoundError:
        raise missing(reader, namespace, name) from None
