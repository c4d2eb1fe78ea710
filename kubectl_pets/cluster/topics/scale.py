"""Reads what is around a set that is to be scaled: its claims by name, their volumes, and what else sets its replicas.

Claims are listed whole and picked by name, because that is how the controller takes them: one without labels comes back as well.
"""

from kubectl_pets.cluster.http.together import together
from kubectl_pets.cluster.objects.kinds import CLAIMS
from kubectl_pets.cluster.objects.lists import Reader, Scope
from kubectl_pets.cluster.topics.claims import UNREAD, VOLUMES, autoscalers_in, one_volume, scaled_objects_in
from kubectl_pets.cluster.topics.sets import items
from kubectl_pets.domain.model import PersistentVolumeClaim, StatefulSet
from kubectl_pets.domain.orphans.inventory import PersistentVolume, volumes_by_name
from kubectl_pets.domain.scale.claim_effects import has_claims, own_claims
from kubectl_pets.domain.scale.types import Surroundings

#: So many volumes are asked for by name; more are read as one list.
_FEW_VOLUMES = 20


def surroundings(reader: Reader, owner: StatefulSet) -> Surroundings:
    """What may not be read is None."""
    scope = Scope(namespace=owner.namespace)
    templates = has_claims(owner)
    listed, autoscalers, scaled = together(
        [
            items(reader, CLAIMS, scope) if templates else tuple,
            lambda: autoscalers_in(reader, scope),
            lambda: scaled_objects_in(reader, scope),
        ]
    )
    claims = None if listed is None else own_claims(owner, listed)
    return Surroundings(
        claims=claims,
        volumes=None if claims is None else _volumes(reader, claims),
        autoscalers=autoscalers,
        scaled_objects=scaled,
    )


def _volumes(reader: Reader, claims: tuple[PersistentVolumeClaim, ...]) -> dict[str, PersistentVolume | None] | None:
    names = [claim.spec.volume_name for claim in claims if claim.spec.volume_name]
    try:
        if len(names) <= _FEW_VOLUMES:
            read = together([lambda name=name: one_volume(reader, name) for name in names])  # type: ignore[misc]
            return dict(zip(names, read, strict=True))
        return volumes_by_name(claims, reader.listing(VOLUMES, Scope(namespace=None)).items)
    except UNREAD:
        return None
