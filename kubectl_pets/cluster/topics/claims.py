"""Reads all that claims are judged by, and no more of it than can change a verdict.

Claims come first, so that a set that is scaled up meanwhile is seen at its new size. Then sets and autoscalers; only the
namespaces and volumes that ``judging.needs`` still asks for are read after that. What may not be read stays None, which makes
claims unsure; an API that is certainly not installed is empty.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from kubectl_pets.cluster.http.failures import Attempt
from kubectl_pets.cluster.http.together import together
from kubectl_pets.cluster.objects.kinds import CLAIMS, SETS, ResourceKind
from kubectl_pets.cluster.objects.lists import Reader, Scope
from kubectl_pets.domain.model import Object, PersistentVolumeClaim, StatefulSet
from kubectl_pets.domain.orphans.inventory import (
    ClaimInventory,
    HorizontalPodAutoscaler,
    PersistentVolume,
    PodUse,
    ScaledObject,
    Workload,
    Workloads,
    volumes_by_name,
)
from kubectl_pets.domain.orphans.judging import Needs, needs
from kubectl_pets.errors import ForbiddenError, NotFoundError

T = TypeVar("T", bound=Object)

_APPS, _BATCH, _CORE = "/apis/apps/v1", "/apis/batch/v1", "/api/v1"

VOLUMES = ResourceKind(PersistentVolume, _CORE, "persistentvolumes", "PersistentVolume")
_AUTOSCALERS = ResourceKind(
    HorizontalPodAutoscaler, "/apis/autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler"
)
_USERS: dict[str, ResourceKind[Any]] = {
    "pods": ResourceKind(PodUse, _CORE, "pods", "Pod"),
    "deployments": ResourceKind(Workload, _APPS, "deployments", "Deployment"),
    "replica_sets": ResourceKind(Workload, _APPS, "replicasets", "ReplicaSet"),
    "replication_controllers": ResourceKind(Workload, _CORE, "replicationcontrollers", "ReplicationController"),
    "daemon_sets": ResourceKind(Workload, _APPS, "daemonsets", "DaemonSet"),
    "jobs": ResourceKind(Workload, _BATCH, "jobs", "Job"),
    "cron_jobs": ResourceKind(Workload, _BATCH, "cronjobs", "CronJob"),
    "revisions": ResourceKind(Workload, _APPS, "controllerrevisions", "ControllerRevision"),
}

#: So many volumes are asked for by name; more are read as one list.
_FEW_VOLUMES = 20


class _Group(msgspec.Struct, frozen=True, rename="camel"):
    """What ``/apis/GROUP`` says (metav1.APIGroup)."""

    class Version(msgspec.Struct, frozen=True, rename="camel"):
        group_version: str = ""

    preferred_version: Version = Version()


_GROUP = msgspec.json.Decoder(_Group)


def read_claim_inventory(
    reader: Reader,
    namespace: str | None,
    now: Callable[[], datetime],
    *,
    every_class: bool,
    progress: Callable[[str], None] = lambda text: None,
) -> ClaimInventory:
    """``namespace`` None: the whole cluster. ``every_class``: all that may change the class of any claim, not of candidates only.
    Raises ForbiddenError where the claims themselves may not be read. ``progress`` is told what is being read."""
    progress("claims")
    scope = Scope(namespace=namespace)
    claims = reader.listing(CLAIMS, scope).items
    progress(f"sets and autoscalers for {len(claims)} claims")
    sets, kruise, pingcap, autoscalers, scaled = together(
        [
            lambda: _list(reader, SETS, scope),
            lambda: _custom(reader, StatefulSet, "apps.kruise.io", "statefulsets", "StatefulSet", scope),
            lambda: _custom(reader, StatefulSet, "apps.pingcap.com", "statefulsets", "StatefulSet", scope),
            lambda: autoscalers_in(reader, scope),
            lambda: scaled_objects_in(reader, scope),
        ]
    )
    estate = ClaimInventory(
        claims=claims,
        sets=sets,
        kruise_sets=kruise,
        pingcap_sets=pingcap,
        autoscalers=autoscalers,
        scaled_objects=scaled,
    )
    wanted = needs(estate, now(), every_class=every_class)
    progress(f"pods and workloads of {len(wanted.namespaces)} namespaces")
    users, volumes = together(
        [
            lambda: _users(reader, namespace, wanted, claims),
            lambda: _volumes(reader, wanted, claims),
        ]
    )
    return msgspec.structs.replace(estate, users=users, volumes=volumes)


def autoscalers_in(reader: Reader, scope: Scope) -> tuple[HorizontalPodAutoscaler, ...] | None:
    return _list(reader, _AUTOSCALERS, scope)


def scaled_objects_in(reader: Reader, scope: Scope) -> tuple[ScaledObject, ...] | None:
    """KEDA's; empty where it is not installed."""
    return _custom(reader, ScaledObject, "keda.sh", "scaledobjects", "ScaledObject", scope)


def _users(
    reader: Reader, namespace: str | None, wanted: Needs, claims: tuple[PersistentVolumeClaim, ...]
) -> dict[str, Workloads]:
    """Namespace by namespace while they are few; in one list a kind once that moves less than most of the cluster."""
    everywhere = len({claim.namespace for claim in claims})
    if namespace is not None or len(wanted.namespaces) * 2 <= everywhere:
        read = together([lambda each=each: _users_of(reader, each) for each in wanted.namespaces])  # type: ignore[misc]
        return dict(zip(wanted.namespaces, read, strict=True))
    scope = Scope(namespace=None)
    lists = together([lambda kind=kind: _list(reader, kind, scope) for kind in _USERS.values()])  # type: ignore[misc]
    found: dict[str, dict[str, list[Any] | None]] = {
        each: {field: None if listed is None else [] for field, listed in zip(_USERS, lists, strict=True)}
        for each in wanted.namespaces
    }
    for field, listed in zip(_USERS, lists, strict=True):
        for item in listed or ():
            place = found.get(item.metadata.namespace)
            if place is not None:
                members = place[field]
                assert members is not None
                members.append(item)
    return {
        each: Workloads(**{field: None if items is None else tuple(items) for field, items in fields.items()})
        for each, fields in found.items()
    }


def _users_of(reader: Reader, namespace: str) -> Workloads:
    scope = Scope(namespace=namespace)
    return Workloads(**{field: _list(reader, kind, scope) for field, kind in _USERS.items()})


def _volumes(
    reader: Reader, wanted: Needs, claims: tuple[PersistentVolumeClaim, ...]
) -> dict[str, PersistentVolume | None] | None:
    try:
        if len(wanted.volumes) <= _FEW_VOLUMES:
            read = together([lambda name=name: one_volume(reader, name) for name in wanted.volumes])  # type: ignore[misc]
            return dict(zip(wanted.volumes, read, strict=True))
        return volumes_by_name(claims, reader.listing(VOLUMES, Scope(namespace=None)).items)
    except ForbiddenError:
        return None


def one_volume(reader: Reader, name: str) -> PersistentVolume | None:
    """A volume by its name; None where there is none. Raises ForbiddenError."""
    try:
        return reader.one(VOLUMES, None, name)
    except NotFoundError:
        return None


def _list(reader: Reader, kind: ResourceKind[T], scope: Scope) -> tuple[T, ...] | None:
    try:
        return reader.listing(kind, scope).items
    except (ForbiddenError, NotFoundError):
        return None  # a built-in API that is not there is no reason to believe that it is empty


def _custom(reader: Reader, type: type[T], group: str, plural: str, kind: str, scope: Scope) -> tuple[T, ...] | None:
    """A custom resource's list, at the version that the server prefers; empty where its group is not installed."""
    try:
        found = reader.answer(f"/apis/{group}", Attempt("get", f"the API group {group}"), _GROUP)
    except NotFoundError:
        return ()
    except ForbiddenError:
        return None
    return _list(reader, ResourceKind(type, f"/apis/{found.preferred_version.group_version}", plural, kind), scope)
