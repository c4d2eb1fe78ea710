"""Takes a claim back that was made for a volume which somebody else destroyed, or took, before the two were bound: it would wait
for ever, and the pod of its set with it.
"""

from kubectl_pets import pasting
from kubectl_pets.domain.changes import CreateClaim, DeleteClaim
from kubectl_pets.domain.orphans.restoring import is_stranded
from kubectl_pets.errors import ConflictError, ForbiddenError, NotFoundError, PetsError
from kubectl_pets.flows.engine.patience import PASSING
from kubectl_pets.flows.orphans.retention import RetentionPort


def take_back(cluster: RetentionPort, made: CreateClaim, uid: str, was: str) -> None:
    """Delete the claim if it cannot be bound any more. ``uid``: of its volume; ``was``: of the claim that had the volume before.
    Only while it waits: one that is bound has another resourceVersion by then. Raises PetsError where it stays and nobody may
    delete it; a server that is away leaves it, and typing the same again goes on."""
    name, namespace, volume = made.claim.name, made.claim.namespace, made.claim.spec.volume_name
    try:
        claim, found = cluster.claim(namespace, name), cluster.volume(volume)
    except PASSING:
        return
    if claim is None or claim.spec.volume_name != volume or not is_stranded(claim, found, uid, was):
        return
    meta = claim.metadata
    try:
        cluster.apply(DeleteClaim(namespace=namespace, name=name, uid=meta.uid, resource_version=meta.resource_version))
    except ForbiddenError as failure:
        raise PetsError(
            f"claim {namespace}/{name} was made for volume {volume}, which is gone or somebody else's by now, and waits for it",
            hint=f"{pasting.kubectl('delete', 'pvc', name, namespace=namespace)}; no data is in it",
        ) from failure
    except (ConflictError, NotFoundError, *PASSING):
        return
