"""Who deploys a field that we are about to write, and what does their next deploy do about it?

Server-side apply (KEP-555): our write is an Update and takes a field from whoever applied it; their next apply of another value
is a conflict with us and fails, an equal one passes, a forced one puts theirs back. Client-side apply (kubectl apply, Helm 3)
puts its own value over ours and asks nobody. Held against kubectl apply and Helm 4 on the real control plane.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.changes import FIELD_MANAGER
from kubectl_pets.domain.model import Container, ManagedFieldsEntry, OwnedContainer, OwnedSpec, PodSpec, StatefulSet
from kubectl_pets.domain.rollout.managers import (
    APPLY,
    APPLYING_CLIENT,
    Manager,
    applied_spec,
    kind_of,
    managers,
    part_of,
    rollout_of,
)
from kubectl_pets.domain.rollout.writers import our_names


@unique
class DeployedField(StrEnum):
    """What our verbs write and a deployer may state as well."""

    IMAGE = "image"
    PARTITION = "partition"
    REPLICAS = "replicas"


@unique
class NextDeploy(StrEnum):
    """What the next deploy does about our value, if it states another one."""

    #: It is refused: a conflict with our field manager.
    FAILS = "fails"
    #: It writes its own over ours, silently.
    OVERWRITES = "overwrites"
    #: It wrote the field once. Whether it deploys the set again nobody can tell.
    MAY_OVERWRITE = "may-overwrite"


class Stake(msgspec.Struct, frozen=True, kw_only=True):
    """One field and one deployer of it. ``deployer`` and ``value`` are untrusted text; ``value``: what it states, empty where
    that cannot be seen any more."""

    field: DeployedField
    deployer: str
    next_deploy: NextDeploy
    value: str = ""
    #: Our name in their conflict.
    ours: str = FIELD_MANAGER
    #: Of a partition: it is below one that is written, so that its coming back lets pods go.
    lets_go: bool = True


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What is about to be written."""

    fields: tuple[DeployedField, ...]
    #: The containers whose images are written; None: all of the template is.
    containers: frozenset[str] | None = None
    #: Every partition that is written on the way, as the spec has it; empty: not known beforehand.
    partitions: frozenset[int] = frozenset()

    def writes(self, container: str) -> bool:
        return self.containers is None or container in self.containers


#: They apply with force: Argo CD's server-side apply, and Flux for kustomizations.
_FORCING = ("argocd-controller", "kustomize-controller")

#: Writers that put nothing back by themselves: somebody typed at kubectl, or a controller follows what it sees.
_PASSING = ("kubectl-", "kube-")


def stakes(owner: StatefulSet, written: Written, ours: str = FIELD_MANAGER) -> tuple[Stake, ...]:
    """Who else states what is about to be written, from managedFields and what was last applied, the certain first. ``ours``: the
    name under which it is written; what stands there under it, or under any other that is ours, is nobody else's."""
    found = [
        stake
        for field in written.fields
        for stake in (*_by_entries(owner, field, written, ours), *_by_last_applied(owner, field, written))
    ]
    told = [stake for stake in (_of_partition(stake, written) for stake in found) if stake is not None]
    return tuple(sorted(told, key=lambda stake: stake.next_deploy is NextDeploy.MAY_OVERWRITE))


def deployers(owner: StatefulSet, written: Written, ours: str = FIELD_MANAGER) -> tuple[Stake | Manager, ...]:
    """Everybody to be named before that is written: who states some of it, then who seems to manage the set besides."""
    found = stakes(owner, written, ours)
    named = {kind for stake in found if (kind := kind_of(stake.deployer)) is not None}
    return (*found, *(manager for manager in managers(owner) if manager.kind not in named))


def keeps_partition(owner: StatefulSet) -> str:
    """Who moves the partition by itself, as far as can be seen; untrusted text, empty: nobody. tidb-operator has it at the number
    of replicas while nothing is rolled out, and lowers it pod by pod, once a pod's leaders are elsewhere (pkg/manager/member):
    what controls the set and wrote the partition together with the template. A Rollout of OpenKruise says so itself."""
    rollout, controller = rollout_of(owner), owner.metadata.controller()
    if rollout or controller is None or part_of(owner) is not None:
        return rollout
    others = [
        entry.fields_v1.spec
        for entry in owner.metadata.managed_fields
        if entry.fields_v1 is not None and not entry.subresource and not entry.manager.startswith("kubectl-")
        if not _is_ours(owner, entry, FIELD_MANAGER)
    ]
    whole = any(spec is not None and spec.partition is not None and spec.containers for spec in others)
    return f"{controller.kind}/{controller.name}" if whole else ""


def _of_partition(stake: Stake, written: Written) -> Stake | None:
    """Positions below a partition are held: one that comes back lets go what a higher one held, and holds back what a lower one
    let go. None: it is what is written, and nothing comes of it."""
    if stake.field is not DeployedField.PARTITION or not written.partitions or not stake.value.isdigit():
        return stake
    stated = int(stake.value)
    if written.partitions == {stated}:
        return None
    return msgspec.structs.replace(stake, lets_go=stated < max(written.partitions))


def _by_entries(owner: StatefulSet, field: DeployedField, written: Written, ours: str) -> Iterator[Stake]:
    theirs = [entry for entry in owner.metadata.managed_fields if not entry.subresource and not _is_ours(owner, entry, ours)]
    for entry in theirs:
        spec = entry.fields_v1.spec if entry.fields_v1 is not None else None
        if spec is None:
            continue
        states = _states(spec, field, written)
        if entry.operation == APPLY and (states or field is DeployedField.IMAGE and _lost_an_image(owner, spec, written, ours)):
            forced = entry.manager.startswith(_FORCING)
            yield Stake(
                field=field,
                deployer=entry.manager,
                next_deploy=NextDeploy.OVERWRITES if forced else NextDeploy.FAILS,
                value=_value(owner, field, spec, written) if states else "",
                ours=ours,
            )
        elif states and _deploys(entry, field):
            known = entry.manager.startswith("helm")  # Helm 3, and Helm 4 without server-side apply
            yield Stake(
                field=field,
                deployer=entry.manager,
                next_deploy=NextDeploy.OVERWRITES if known else NextDeploy.MAY_OVERWRITE,
                value=_value(owner, field, spec, written),
            )


def _by_last_applied(owner: StatefulSet, field: DeployedField, written: Written) -> Iterator[Stake]:
    spec = applied_spec(owner)
    if spec is None:
        return
    rolling, pod = spec.update_strategy.rolling_update, spec.template.spec
    value = {
        DeployedField.IMAGE: _images(each for each in _containers(pod) if written.writes(each.name)),
        DeployedField.PARTITION: str(rolling.partition) if rolling is not None and rolling.partition is not None else "",
        DeployedField.REPLICAS: str(spec.replicas) if spec.replicas is not None else "",
    }[field]
    if value:
        yield Stake(field=field, deployer=APPLYING_CLIENT, next_deploy=NextDeploy.OVERWRITES, value=value)


def _deploys(entry: ManagedFieldsEntry, field: DeployedField) -> bool:
    """Whether the writer of an Update may be somebody's deployment. Of a partition an Update proves nothing: there the defaults
    of the API server count as the writer's own."""
    return entry.operation == "Update" and field is not DeployedField.PARTITION and not entry.manager.startswith(_PASSING)


def _states(spec: OwnedSpec, field: DeployedField, written: Written) -> bool:
    match field:
        case DeployedField.IMAGE:
            return any(each.image is not None and _is_written(key, written) for key, each in spec.containers.items())
        case DeployedField.PARTITION:
            return spec.partition is not None
        case DeployedField.REPLICAS:
            return spec.replicas is not None


def _is_ours(owner: StatefulSet, entry: ManagedFieldsEntry, ours: str) -> bool:
    """An apply under our name is not: it is in conflict with what we write all the same, for a manager is a name and an operation
    (KEP-555)."""
    written = entry.operation != APPLY and entry.manager in (ours, *our_names(owner.metadata.annotations))
    return written or entry.manager == FIELD_MANAGER


def _lost_an_image(owner: StatefulSet, spec: OwnedSpec, written: Written, ours: str) -> bool:
    """Whether it applies a container whose image is ours now, and is written again: an image is required, so it states one."""
    entries = [entry.fields_v1 for entry in owner.metadata.managed_fields if _is_ours(owner, entry, ours)]
    specs = [fields.spec for fields in entries if fields is not None and fields.spec is not None]
    taken = {key for each in specs for key, container in each.containers.items() if container.image is not None}
    lost = (key for key, container in spec.containers.items() if key in taken and container.image is None)
    return any(_is_written(key, written) for key in lost)


def _value(owner: StatefulSet, field: DeployedField, spec: OwnedSpec, written: Written) -> str:
    """What the set holds of it, which whoever owns the field has stated."""
    match field:
        case DeployedField.IMAGE:
            stated = (each for each in _containers(owner.spec.template.spec) if _owned(spec.containers, each.name))
            return _images(each for each in stated if written.writes(each.name))
        case DeployedField.PARTITION:
            rolling = owner.spec.update_strategy.rolling_update
            return str(rolling.partition or 0) if rolling is not None else ""
        case DeployedField.REPLICAS:
            return str(owner.spec.replicas if owner.spec.replicas is not None else 1)


def _owned(containers: dict[str, OwnedContainer], name: str) -> bool:
    found = containers.get(_key(name))
    return found is not None and found.image is not None


def _is_written(key: str, written: Written) -> bool:
    return written.containers is None or any(key == _key(name) for name in written.containers)


def _key(name: str) -> str:
    """Items of a list that is a map stand under their keys as JSON (fieldpath: ``k:{"name":"app"}``)."""
    return "k:" + msgspec.json.encode({"name": name}).decode()


def _containers(pod: PodSpec) -> tuple[Container, ...]:
    """All whose images may be written: also those that run first, and sidecars."""
    return (*pod.init_containers, *pod.containers)


def _images(containers: Iterable[Container]) -> str:
    named = [(container.name, container.image) for container in containers if container.image]
    return named[0][1] if len(named) == 1 else ", ".join(f"{name}={image}" for name, image in named)
