"""Reads what is around a set that is to be scaled: its claims by name, their volumes, and what else sets its replicas.

Claims are listed whole and picked by name, because that is how the controller takes them: one without labels comes back as well.
"""

from kubectl_pets.cluster.objects.kinds import CLAIMS
from kubectl_pets.cluster.objects.lists import Reader, Scope
from kubectl_pets.cluster.topics.claims import autoscalers_in, scaled_objects_in, volumes_of
from kubectl_pets.cluster.topics.sets import items
from kubectl_pets.domain.model import StatefulSet
from kubectl_pets.domain.scale.claim_effects import has_claims, own_claims
from kubectl_pets.domain.scale.types import Surroundings


def surroundings(reader: Reader, owner: StatefulSet) -> Surroundings:
    """The set's claims, their volumes, and the autoscalers and ScaledObjects of its namespace. What may not be read is None."""
    scope = Scope(namespace=owner.namespace)
    templates = has_claims(owner)
    listed, autoscalers, scaled = reader.together(
        [
            items(reader, CLAIMS, scope) if templates else tuple,
            lambda: autoscalers_in(reader, scope),
            lambda: scaled_objects_in(reader, scope),
        ]
    )
    claims = None if listed is None else own_claims(owner, listed)
    volumes = [claim.spec.volume_name for claim in claims or () if claim.spec.volume_name]
    return Surroundings(
        claims=claims,
        volumes=None if claims is None else volumes_of(reader, volumes, claims),
        autoscalers=autoscalers,
        scaled_objects=scaled,
    )
