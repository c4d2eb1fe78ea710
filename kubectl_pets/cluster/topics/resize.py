"""Reads what a resize is judged by: a set's claim templates in full, its claims and their volumes, classes, quotas, and the sets
that may make claims of the same names. Claims are listed whole and picked by name, because that is how the controller takes
them."""

from functools import partial

from kubectl_pets.cluster.http.together import together
from kubectl_pets.cluster.objects.kinds import CLAIMS, SETS, ResourceKind
from kubectl_pets.cluster.objects.lists import Reader, Scope
from kubectl_pets.cluster.topics.claims import UNREAD, volumes_of
from kubectl_pets.cluster.topics.sets import items
from kubectl_pets.domain.model import StatefulSet
from kubectl_pets.domain.orphans.adopting import ClaimMaker
from kubectl_pets.domain.resize.types import ResizeSurroundings, ResourceQuota, StorageClass, VolumeAttributesClass
from kubectl_pets.domain.scale.claim_effects import own_claims
from kubectl_pets.errors import NotFoundError

_STORAGE = "/apis/storage.k8s.io/v1"
_CLASSES = ResourceKind(StorageClass, _STORAGE, "storageclasses", "StorageClass")
_ATTRIBUTES = ResourceKind(VolumeAttributesClass, _STORAGE, "volumeattributesclasses", "VolumeAttributesClass")
_QUOTAS = ResourceKind(ResourceQuota, "/api/v1", "resourcequotas", "ResourceQuota")
_MAKERS = ResourceKind(ClaimMaker, SETS.base, SETS.plural, SETS.kind)


def surroundings(reader: Reader, owner: StatefulSet, attributes_class: str) -> ResizeSurroundings:
    """What may not be read is None. Raises NotFoundError where the set is gone."""
    here, everywhere = Scope(namespace=owner.namespace), Scope(namespace=None)
    maker, claims, sets, classes, quotas, (attributes, known) = together(
        [
            partial(reader.one, _MAKERS, owner.namespace, owner.name),
            items(reader, CLAIMS, here),
            items(reader, SETS, here),
            items(reader, _CLASSES, everywhere),
            items(reader, _QUOTAS, here),
            partial(_attributes, reader, attributes_class),
        ]
    )
    own = () if claims is None else own_claims(owner, claims)
    volumes = [claim.spec.volume_name for claim in own if claim.spec.volume_name]
    return ResizeSurroundings(
        maker=maker,
        claims=claims,
        sets=sets,
        volumes=None if claims is None else volumes_of(reader, volumes, own),
        storage_classes=classes,
        quotas=quotas,
        attributes_class=attributes,
        attributes_class_read=known,
    )


def storage_classes(reader: Reader) -> tuple[StorageClass, ...] | None:
    """All of them; None: may not be read."""
    return items(reader, _CLASSES, Scope(namespace=None))()


def _attributes(reader: Reader, name: str) -> tuple[VolumeAttributesClass | None, bool]:
    """The class of that name, and whether it is known that there is (none)."""
    if not name:
        return None, False
    try:
        return reader.one(_ATTRIBUTES, None, name), True
    except NotFoundError:
        return None, True
    except UNREAD:
        return None, False
