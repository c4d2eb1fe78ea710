"""The names of a LeaderWorkerSet's pods: those of the StatefulSets that its controller makes, as it makes them.

Leaders are of a set NAME, workers of a set NAME-k that counts from 1. With the subdomainPolicy Shared all are under the Service
NAME; with UniquePerReplica each group under one that is called like its leader (kubernetes-sigs/lws pod_controller.go,
pod_webhook.go), and the Service NAME that the leaders' own set names is not there.
"""

from msgspec.structs import replace

from kubectl_pets.domain.dns.network import Network
from kubectl_pets.domain.dns.reasons import Diagnosis, NameLine
from kubectl_pets.domain.model import Ordinals, OwnerReference, Pod, StatefulSet, StatefulSetSpec, ordinal_of
from kubectl_pets.domain.sets.grouping import group_size
from kubectl_pets.domain.sets.kinds import APPS_SET, Capability, kind_of

#: So many groups are asked for whether anything of them is there or not.
_FEW = 100


def parts_of(network: Network) -> tuple[Network, ...]:
    """The network of each set that the pods' names come from; the network itself where it is of no groups."""
    owner = network.set
    if Capability.GROUPS not in kind_of(owner).can:
        return (network,)
    unique = (owner.spec.network_config or {}).get("subdomainPolicy") == "UniquePerReplica"
    by_set: dict[str, list[Pod]] = {}
    for pod in network.pods or ():
        keeper = pod.metadata.controller()
        if keeper is not None and keeper.kind == "StatefulSet":
            by_set.setdefault(keeper.name, []).append(pod)
    replicas, size = owner.spec.replicas, group_size(owner)
    groups = _asked(owner, by_set)
    if unique and groups:
        leaders = [_part(network, by_set, owner.name, group, 1, f"{owner.name}-{group}") for group in groups]
    else:
        leaders = [_part(network, by_set, owner.name, 0, replicas, owner.name)]
    names = [f"{owner.name}-{group}" for group in groups] if size > 1 else []
    return (*leaders, *(_part(network, by_set, name, 1, size - 1, name if unique else owner.name) for name in names))


def _asked(owner: StatefulSet, by_set: dict[str, list[Pod]]) -> list[int]:
    """The groups of which something is there, and of those that are missing the first and the last: nobody asks for a million
    names that are not there."""
    leaders = {ordinal_of(pod.name, owner.name) for pod in by_set.get(owner.name, ())}
    found = {ordinal for ordinal in (*leaders, *(ordinal_of(name, owner.name) for name in by_set)) if ordinal is not None}
    known = {ordinal for ordinal in found if ordinal < owner.spec.replicas}
    return sorted({*known, *range(min(owner.spec.replicas, _FEW)), *range(max(0, owner.spec.replicas - 1), owner.spec.replicas)})


def _part(network: Network, by_set: dict[str, list[Pod]], name: str, start: int, replicas: int, service: str) -> Network:
    """As the set of that name is, with the pods of its own."""
    meta = replace(network.set.metadata, name=name)
    spec = StatefulSetSpec(replicas=replicas, service_name=service, ordinals=Ordinals(start=start))
    keeper = (OwnerReference(kind="StatefulSet", name=name, uid=meta.uid, controller=True),)
    own = tuple(replace(pod, metadata=replace(pod.metadata, owner_references=keeper)) for pod in by_set.get(name, ()))
    made = StatefulSet(api_version=APPS_SET.api_version, kind=APPS_SET.kind, metadata=meta, spec=spec)
    return replace(network, set=made, pods=None if network.pods is None else own)


def joined(network: Network, found: tuple[Diagnosis, ...]) -> Diagnosis:
    """What was found of the parts as one diagnosis of the whole set; what several of them have in common is told once."""
    owner = network.set
    if Capability.GROUPS not in kind_of(owner).can:
        return found[0]
    lines: dict[str, NameLine] = {}
    for line in (line for part in found for line in part.lines):
        lines.setdefault(line.name.name or line.name.pod, line)
    # Hints are about the Service of the first name that is not right.
    first = next((part for part in found if any(not line.right for line in part.lines)), found[0])
    return replace(
        first,
        kind=kind_of(owner),
        set=owner.name,
        lines=tuple(lines.values()),
        remarks=tuple(dict.fromkeys(remark for part in found for remark in part.remarks)),
        missing_rights=tuple(dict.fromkeys(right for part in found for right in part.missing_rights)),
        resolved=any(part.resolved for part in found),
    )
