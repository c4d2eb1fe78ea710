"""What becomes of a set's claims when it is scaled: which old data comes back, and which claims go with their pods?

The controller takes a claim by its name, ``<template>-<set>-<ordinal>``, whatever is in it, and makes one only where there is
none (createPersistentVolumeClaims). With ``persistentVolumeClaimRetentionPolicy.whenScaled: Delete`` it makes each pod that goes
the owner of its claims, and the garbage collector deletes them after it; a claim that something else controls it leaves alone
(updateClaimOwnerRefForSetAndPod; KEP-1847). What that does to the data is up to the reclaim policy of the volume. A claim that is
being deleted already is held by its pod alone (``kubernetes.io/pvc-protection``), whatever the policy, and goes with it.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.model import PersistentVolumeClaim, StatefulSet, ordinal_of
from kubectl_pets.domain.orphans.findings import Evidence, EvidenceKind, Fate
from kubectl_pets.domain.orphans.inventory import ClaimInventory, PersistentVolume, PodUse, Workload, Workloads
from kubectl_pets.domain.orphans.judging import judge
from kubectl_pets.domain.orphans.origins import fate
from kubectl_pets.domain.orphans.places import unreachable
from kubectl_pets.domain.orphans.usage import last_scaled, size_of, unused_condition
from kubectl_pets.domain.sets.grouping import claim_templates, group_size, retention_policy
from kubectl_pets.domain.sets.kinds import Capability, kind_of

#: Evidence of somebody else than the set that its claim is named after.
_OTHERS_WANT = frozenset(
    (
        EvidenceKind.MOUNTED,
        EvidenceKind.NAMED_BY_TEMPLATE,
        EvidenceKind.NAMED_BY_RESOURCE,
        EvidenceKind.CLONE_SOURCE,
        EvidenceKind.KEPT,
    )
)


@unique
class Coming(StrEnum):
    """What a new pod finds under the name of its claim."""

    #: What it was when a pod last used it.
    OLD_DATA = "old-data"
    #: A claim that was never bound.
    UNBOUND = "unbound"
    #: Its volume is gone: the pod will not start.
    LOST = "lost"
    #: On its way out: the pod waits until it is gone and gets a new, empty one.
    GOING = "going"


class Returning(msgspec.Struct, frozen=True, kw_only=True):
    """A claim from an earlier time that a new pod will mount."""

    claim: str
    pod: str
    coming: Coming
    #: Bytes; None where nothing says.
    size: int | None
    volume: str
    #: No pod has used it since then or earlier; None: the cluster does not show it.
    unused_since: datetime | None
    #: Who else mounts it just now.
    wanted: tuple[Evidence, ...] = ()
    #: What its volume asks of a node, where none that there is fits, so that its pod finds no place; None: not so, or not known.
    nowhere: str | None = None


class Leaving(msgspec.Struct, frozen=True, kw_only=True):
    """A claim whose pod is removed by the scaling."""

    claim: str
    pod: str
    #: The claim is deleted with its pod.
    deleted: bool
    #: What becomes of the data: RETAINED where the claim stays.
    fate: Fate
    size: int | None
    volume: str
    #: What else controls it, so that the retention policy does not count: ``Kind/name``, untrusted text.
    controller: str = ""
    #: It is being deleted already, and only its pod holds it.
    going: bool = False
    #: Of a generic ephemeral volume of its pod: it goes by design.
    ephemeral: bool = False
    #: Who else wants it: pods that mount it, templates that name it, a mark that it stays.
    wanted: tuple[Evidence, ...] = ()


def deletes_claims(owner: StatefulSet) -> bool:
    """Whether a scale-down takes claims with it."""
    policy = retention_policy(owner)
    when = () if policy is None else (policy.when_scaled, policy.when_deleted)[: 2 if group_size(owner) > 1 else 1]
    return "Delete" in when and bool(claim_templates(owner))


def own_claims(owner: StatefulSet, claims: Iterable[PersistentVolumeClaim]) -> tuple[PersistentVolumeClaim, ...]:
    """Those claims of its namespace whose names the set's templates make, in range or not, or its pods' ephemeral volumes."""
    stems = [_stem(owner, template) for template in claim_templates(owner)]
    return tuple(
        claim
        for claim in claims
        if claim.namespace == owner.namespace
        and (any(_index(claim.name, stem, owner) is not None for stem in stems) or _ephemeral_of(claim, owner) is not None)
    )


def has_claims(owner: StatefulSet) -> bool:
    """Whether pods of the set have claims: it has claim templates, or ephemeral volumes."""
    return bool(claim_templates(owner)) or any(each.ephemeral for each in owner.spec.template.spec.volumes)


def wanted_by_others(owner: StatefulSet, inventory: ClaimInventory, now: datetime) -> dict[str, tuple[Evidence, ...]]:
    """By claim name, the evidence that something else in the namespace than this set and its pods wants it."""
    rows = {
        plural: items if items is None else tuple(item for item in items if not _is_own_pod(item, owner))
        for plural, items in inventory.users.get(owner.namespace, Workloads()).read.items()
    }
    others = msgspec.structs.replace(inventory, users={owner.namespace: Workloads(rows)})
    return {
        verdict.name: tuple(item for item in verdict.evidence if item.kind in _OTHERS_WANT)
        for verdict in judge(others, now)
        if verdict.namespace == owner.namespace
    }


def returning(
    owner: StatefulSet,
    comes: Callable[[int], bool],
    claims: Iterable[PersistentVolumeClaim],
    volumes: Mapping[str, PersistentVolume | None] | None,
    now: datetime,
    wanted: Mapping[str, tuple[Evidence, ...]] | None = None,
    nodes: Mapping[str, Mapping[str, str]] | None = None,
) -> tuple[Returning, ...]:
    """What the new pods find, lowest ordinal first; ``comes``: whether the pod of an ordinal is one. ``volumes`` by name, and the
    labels of ``nodes``; None: could not be read."""
    found = []
    for pod, claim in _in_order(owner, comes, claims):
        volume = (volumes or {}).get(claim.spec.volume_name)
        found.append(
            Returning(
                claim=claim.name,
                pod=pod,
                coming=_coming(claim, pod),
                size=size_of(claim, volume),
                volume=claim.spec.volume_name,
                unused_since=_unused_since(claim, owner, now),
                wanted=tuple(item for item in (wanted or {}).get(claim.name, ()) if item.kind is EvidenceKind.MOUNTED),
                nowhere=unreachable(volume, nodes) if volume is not None and nodes else None,
            )
        )
    return tuple(found)


def leaving(
    owner: StatefulSet,
    goes: Callable[[int], bool],
    claims: Iterable[PersistentVolumeClaim],
    volumes: Mapping[str, PersistentVolume | None] | None,
    wanted: Mapping[str, tuple[Evidence, ...]] | None = None,
) -> tuple[Leaving, ...]:
    """What becomes of the claims of the pods that go, highest ordinal first; ``goes``: whether the pod of an ordinal does.
    ``wanted``: by whom else, by claim; None: not read."""
    claims = tuple(claims)
    found = []
    for pod, claim in _in_order(owner, goes, claims, highest_first=True):
        policy = _goes_along(owner, claim, pod)
        controller = _controlled_by_another(claim, owner, pod)
        going = claim.metadata.deletion_timestamp is not None
        deleted = going or (policy and not controller)
        found.append(_leaving(claim, pod, volumes, deleted=deleted, controller=controller if policy else "", wanted=wanted))
    for claim in claims:
        ordinal = _ephemeral_of(claim, owner)
        if ordinal is not None and goes(ordinal):
            found.append(_leaving(claim, f"{owner.name}-{ordinal}", volumes, deleted=True, ephemeral=True, wanted=wanted))
    return tuple(found)


def _goes_along(owner: StatefulSet, claim: PersistentVolumeClaim, pod: str) -> bool:
    """Whether the retention policy deletes it with its pod. The workers' set of a group that goes is deleted, not scaled."""
    policy = retention_policy(owner)
    if policy is None:
        return False
    return "Delete" == (policy.when_scaled if claim.name.endswith(f"-{pod}") else policy.when_deleted)


def _leaving(
    claim: PersistentVolumeClaim,
    pod: str,
    volumes: Mapping[str, PersistentVolume | None] | None,
    *,
    deleted: bool,
    controller: str = "",
    ephemeral: bool = False,
    wanted: Mapping[str, tuple[Evidence, ...]] | None,
) -> Leaving:
    volume = (volumes or {}).get(claim.spec.volume_name)
    return Leaving(
        claim=claim.name,
        pod=pod,
        deleted=deleted,
        fate=fate(claim, volume) if deleted else Fate.RETAINED,
        size=size_of(claim, volume),
        volume=claim.spec.volume_name,
        controller=controller,
        going=claim.metadata.deletion_timestamp is not None,
        ephemeral=ephemeral,
        wanted=(wanted or {}).get(claim.name, ()),
    )


def _ephemeral_of(claim: PersistentVolumeClaim, owner: StatefulSet) -> int | None:
    """The ordinal of the pod of whose generic ephemeral volume it is: the pod owns it (KEP-1698)."""
    keeper = claim.metadata.controller()
    if keeper is None or keeper.kind != "Pod":
        return None
    ordinal = ordinal_of(keeper.name, owner.name)
    names = {f"{keeper.name}-{each.name}" for each in owner.spec.template.spec.volumes if each.ephemeral is not None}
    return ordinal if claim.name in names else None


def _is_own_pod(item: PodUse | Workload, owner: StatefulSet) -> bool:
    """By its name, and that something owns it: the set, or a set of its workers. A pod that somebody has made by hand under such
    a name (``kubectl debug --copy-to``) is somebody else, who is at the data."""
    if not isinstance(item, PodUse) or not item.metadata.owner_references:
        return False
    return _index(item.metadata.name, owner.name, owner) is not None


def _in_order(
    owner: StatefulSet, wanted: Callable[[int], bool], claims: Iterable[PersistentVolumeClaim], *, highest_first: bool = False
) -> list[tuple[str, PersistentVolumeClaim]]:
    """Pod and claim of the ``wanted`` ordinals, ordinal by ordinal, and in the order of the templates. It goes by the claims
    that there are, which may be far fewer than the ordinals."""
    stems = {_stem(owner, template): number for number, template in enumerate(claim_templates(owner))}
    found = []
    for claim in claims:
        parents = (claim.name.rpartition("-")[0], claim.name.rpartition("-")[0].rpartition("-")[0])
        for stem in (each for each in parents if each in stems and claim.namespace == owner.namespace):
            place = _index(claim.name, stem, owner)
            if place is not None and wanted(place[0]):
                found.append((-place[0] if highest_first else place[0], place[1], stems[stem], claim))
    ordered = sorted(found, key=lambda each: each[:3])
    return [(f"{owner.name}-{abs(ordinal)}", claim) for ordinal, _, _, claim in ordered]


def _index(name: str, stem: str, owner: StatefulSet) -> tuple[int, int] | None:
    """The member that a name means after its stem, and which of its pods (0: the only one, or the leader)."""
    ordinal = ordinal_of(name, stem)
    if ordinal is not None:
        return ordinal, 0
    if Capability.GROUPS not in kind_of(owner).can:
        return None
    group = name.rpartition("-")[0]
    ordinal, worker = ordinal_of(group, stem), ordinal_of(name, group)
    return (ordinal, worker) if ordinal is not None and worker else None


def _stem(owner: StatefulSet, template: str) -> str:
    return f"{template}-{owner.name}"


def _coming(claim: PersistentVolumeClaim, pod: str) -> Coming:
    # An owner that is a pod which is not there (any more): the garbage collector is about to delete the claim.
    # So of a group's workers, whose set is not there either.
    gone = [("Pod", pod), ("StatefulSet", pod)]
    condemned = any((ref.kind, ref.name) in gone for ref in claim.metadata.owner_references)
    if claim.metadata.deletion_timestamp is not None or condemned:
        return Coming.GOING
    if claim.status.phase == "Lost":
        return Coming.LOST
    return Coming.OLD_DATA if claim.spec.volume_name else Coming.UNBOUND


def _unused_since(claim: PersistentVolumeClaim, owner: StatefulSet, now: datetime) -> datetime | None:
    unused = unused_condition(claim)
    if unused is not None:
        since = unused[1] if unused[0] else None
    else:
        since = last_scaled(owner)
    return min(since, now) if since is not None else None


def _controlled_by_another(claim: PersistentVolumeClaim, owner: StatefulSet, pod: str) -> str:
    keeper = claim.metadata.controller()
    if keeper is None or (keeper.kind, keeper.name) in (("StatefulSet", owner.name), ("Pod", pod)):
        return ""
    if Capability.GROUPS in kind_of(owner).can and (keeper.kind, keeper.name) == ("StatefulSet", pod):
        return ""  # of the group's workers
    return f"{keeper.kind}/{keeper.name}"
