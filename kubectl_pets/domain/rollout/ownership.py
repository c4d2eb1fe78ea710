"""Who deploys a field that we are about to write, and what does their next deploy do about it?

Server-side apply (KEP-555): our write is an Update and takes a field from whoever applied it; their next apply of another value
is a conflict with us and fails, an equal one passes, a forced one puts theirs back. Client-side apply (kubectl apply, Helm 3)
puts its own value over ours and asks nobody. Held against kubectl apply and Helm 4 on the real control plane.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.changes import FIELD_MANAGER
from kubectl_pets.domain.model import Container, ManagedFieldsEntry, OwnedContainer, OwnedSpec, StatefulSet
from kubectl_pets.domain.rollout.managers import APPLY, APPLYING_CLIENT, Manager, applied_spec, kind_of, managers
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


#: They apply with force: Argo CD's server-side apply, and Flux for kustomizations.
_FORCING = ("argocd-controller", "kustomize-controller")

#: Writers that put nothing back by themselves: somebody typed at kubectl, or a controller follows what it sees.
_PASSING = ("kubectl-", "kube-")


def stakes(owner: StatefulSet, fields: Iterable[DeployedField], ours: str = FIELD_MANAGER) -> tuple[Stake, ...]:
    """Who else states these fields, from managedFields and what was last applied, the certain first. ``ours``: the name under
    which they are about to be written; what stands there under it, or under any other that is ours, is nobody else's."""
    found = [stake for field in fields for stake in (*_by_entries(owner, field, ours), *_by_last_applied(owner, field))]
    return tuple(sorted(found, key=lambda stake: stake.next_deploy is NextDeploy.MAY_OVERWRITE))


def deployers(
    owner: StatefulSet, fields: Iterable[DeployedField], ours: str = FIELD_MANAGER
) -> tuple[Stake | Manager, ...]:
    """Everybody to be named before these fields are written: who states one of them, then who seems to manage the set besides."""
    found = stakes(owner, fields, ours)
    named = {kind for stake in found if (kind := kind_of(stake.deployer)) is not None}
    return (*found, *(manager for manager in managers(owner) if manager.kind not in named))


def _by_entries(owner: StatefulSet, field: DeployedField, ours: str) -> Iterator[Stake]:
    theirs = [entry for entry in owner.metadata.managed_fields if not entry.subresource and not _is_ours(owner, entry, ours)]
    for entry in theirs:
        spec = entry.fields_v1.spec if entry.fields_v1 is not None else None
        if spec is None:
            continue
        states = _states(spec, field)
        if entry.operation == APPLY and (states or field is DeployedField.IMAGE and _lost_an_image(owner, spec, ours)):
            forced = entry.manager.startswith(_FORCING)
            yield Stake(
                field=field,
                deployer=entry.manager,
                next_deploy=NextDeploy.OVERWRITES if forced else NextDeploy.FAILS,
                value=_value(owner, field, spec) if states else "",
                ours=ours,
            )
        elif states and _deploys(entry, field):
            known = entry.manager.startswith("helm")  # Helm 3, and Helm 4 without server-side apply
            yield Stake(
                field=field,
                deployer=entry.manager,
                next_deploy=NextDeploy.OVERWRITES if known else NextDeploy.MAY_OVERWRITE,
                value=_value(owner, field, spec),
            )


def _by_last_applied(owner: StatefulSet, field: DeployedField) -> Iterator[Stake]:
    spec = applied_spec(owner)
    if spec is None:
        return
    rolling = spec.update_strategy.rolling_update
    value = {
        DeployedField.IMAGE: _images(spec.template.spec.containers),
        DeployedField.PARTITION: str(rolling.partition) if rolling is not None and rolling.partition is not None else "",
        DeployedField.REPLICAS: str(spec.replicas) if spec.replicas is not None else "",
    }[field]
    if value:
        yield Stake(field=field, deployer=APPLYING_CLIENT, next_deploy=NextDeploy.OVERWRITES, value=value)


def _deploys(entry: ManagedFieldsEntry, field: DeployedField) -> bool:
    """Whether the writer of an Update may be somebody's deployment. Of a partition an Update proves nothing: there the defaults
    of the API server count as the writer's own."""
    return entry.operation == "Update" and field is not DeployedField.PARTITION and not entry.manager.startswith(_PASSING)


def _states(spec: OwnedSpec, field: DeployedField) -> bool:
    match field:
        case DeployedField.IMAGE:
            return any(container.image is not None for container in spec.containers.values())
        case DeployedField.PARTITION:
            return spec.partition is not None
        case DeployedField.REPLICAS:
            return spec.replicas is not None


def _is_ours(owner: StatefulSet, entry: ManagedFieldsEntry, ours: str) -> bool:
    """An apply under our name is not: it is in conflict with what we write all the same, for a manager is a name and an operation
    (KEP-555)."""
    written = entry.operation != APPLY and entry.manager in (ours, *our_names(owner.metadata.annotations))
    return written or entry.manager == FIELD_MANAGER


def _lost_an_image(owner: StatefulSet, spec: OwnedSpec, ours: str) -> bool:
    """Whether it applies a container whose image is ours now: an image is required, so it states one."""
    written = [entry.fields_v1 for entry in owner.metadata.managed_fields if _is_ours(owner, entry, ours)]
    specs = [fields.spec for fields in written if fields is not None and fields.spec is not None]
    taken = {key for each in specs for key, container in each.containers.items() if container.image is not None}
    return any(key in taken and container.image is None for key, container in spec.containers.items())


def _value(owner: StatefulSet, field: DeployedField, spec: OwnedSpec) -> str:
    """What the set holds of it, which whoever owns the field has stated."""
    match field:
        case DeployedField.IMAGE:
            return _images(
                container for container in owner.spec.template.spec.containers if _owned(spec.containers, container.name)
            )
        case DeployedField.PARTITION:
            rolling = owner.spec.update_strategy.rolling_update
            return str(rolling.partition or 0) if rolling is not None else ""
        case DeployedField.REPLICAS:
            return str(owner.spec.replicas if owner.spec.replicas is not None else 1)


def _owned(containers: dict[str, OwnedContainer], name: str) -> bool:
    """Items of a list that is a map stand under their keys as JSON (fieldpath: ``k:{"name":"app"}``)."""
    found = containers.get("k:" + msgspec.json.encode({"name": name}).decode())
    return found is not None and found.image is not None


def _images(containers: Iterable[Container]) -> str:
    named = [(container.name, container.image) for container in containers if container.image]
    return named[0][1] if len(named) == 1 else ", ".join(f"{name}={image}" for name, image in named)
