"""Carries out what ``domain.orphans`` planned for claims and their volumes, each step on its condition.

Merge patches carry uid and resourceVersion, so a volume or claim that changed since it was judged is left alone (409); deletions
carry both as preconditions. Nothing is sent twice once it may have been carried out.
"""

from contextlib import suppress
from time import monotonic, sleep
from typing import Any

import msgspec

from kubectl_pets.cluster.http.failures import Attempt
from kubectl_pets.cluster.http.transport import Request, Transport
from kubectl_pets.cluster.objects.kinds import CLAIMS, ResourceKind
from kubectl_pets.cluster.objects.lists import Reader
from kubectl_pets.cluster.objects.writes import FIELD_MANAGER, delete
from kubectl_pets.cluster.topics.claims import VOLUMES
from kubectl_pets.cluster.topics.snapshots import SNAPSHOTS, made_for
from kubectl_pets.domain.model import Object, PersistentVolumeClaim
from kubectl_pets.domain.orphans.deletion import (
    CLAIM_ANNOTATION,
    POLICY_ANNOTATION,
    RETAINED_ANNOTATION,
    DeleteClaim,
    SetRetain,
    TakeSnapshot,
)
from kubectl_pets.domain.orphans.judging import KEEP_ANNOTATION
from kubectl_pets.domain.orphans.restoring import AwaitBound, ClaimStep, ClearClaimRef, CreateClaim, DestroyVolume, RestorePolicy
from kubectl_pets.errors import ConflictError, ServerError

_BINDING_SECONDS = 60.0


def carry_out(transport: Transport, reader: Reader, step: ClaimStep, *, dry_run: bool) -> None:
    """One step. Raises ConflictError when what it relies on is no longer true, NotFoundError when the object is gone."""
    send = _Sender(transport, dry_run)
    match step:
        case TakeSnapshot():
            with suppress(ConflictError):  # there is one of that name; whose it is, is seen when it is looked at
                send.create(SNAPSHOTS, made_for(step))
        case SetRetain():
            meta = {"uid": step.uid, "resourceVersion": step.resource_version, "annotations": step.annotations}
            send.merge(VOLUMES, None, step.volume, {"metadata": meta, "spec": {"persistentVolumeReclaimPolicy": "Retain"}})
        case DeleteClaim():
            delete(transport, CLAIMS, step.namespace, step.name, step.uid, step.resource_version, dry_run=dry_run)
        case CreateClaim(claim=claim):
            send.create(CLAIMS, claim)
        case ClearClaimRef():
            meta = {"uid": step.uid, "resourceVersion": step.resource_version}
            cleared = {"claimRef": {"uid": None, "resourceVersion": None}}
            send.merge(VOLUMES, None, step.volume, {"metadata": meta, "spec": cleared})
        case AwaitBound():
            if not dry_run:
                _await_bound(reader, step)
        case RestorePolicy():
            fresh = reader.one(VOLUMES, None, step.volume)
            if fresh.metadata.uid != step.uid:
                raise ConflictError(f"PersistentVolume {step.volume} is another one than it was")
            forgotten = {key: None for key in (POLICY_ANNOTATION, CLAIM_ANNOTATION, RETAINED_ANNOTATION)}
            meta = {"uid": step.uid, "resourceVersion": fresh.metadata.resource_version, "annotations": forgotten}
            send.merge(VOLUMES, None, step.volume, {"metadata": meta, "spec": {"persistentVolumeReclaimPolicy": step.policy}})
        case DestroyVolume():
            meta = {"uid": step.uid, "resourceVersion": step.resource_version}
            send.merge(VOLUMES, None, step.volume, {"metadata": meta, "spec": {"persistentVolumeReclaimPolicy": "Delete"}})


def mark_kept(transport: Transport, claim: PersistentVolumeClaim, note: str | None) -> None:
    """Write (None: remove) the annotation that says that the claim stays."""
    meta: dict[str, Any] = {
        "uid": claim.metadata.uid,
        "resourceVersion": claim.metadata.resource_version,
        "annotations": {KEEP_ANNOTATION: note},
    }
    _Sender(transport, False).merge(CLAIMS, claim.namespace, claim.name, {"metadata": meta})


def _await_bound(reader: Reader, step: AwaitBound) -> None:
    end = monotonic() + _BINDING_SECONDS
    while monotonic() < end:
        claim = reader.one(CLAIMS, step.namespace, step.name)
        if claim.status.phase == "Bound" and claim.spec.volume_name == step.volume:
            return
        sleep(0.1)
    raise ServerError(
        f"claim {step.name} in namespace {step.namespace} was not bound to {step.volume} within {_BINDING_SECONDS:.0f} s",
        hint=f"kubectl describe pvc {step.name} -n {step.namespace}; then run the same restore again, it goes on from there.",
    )


class _Sender:
    """Patches and creations, with or without keeping their effect."""

    def __init__(self, transport: Transport, dry_run: bool) -> None:
        self._transport = transport
        self._query = [("fieldManager", FIELD_MANAGER), *([("dryRun", "All")] if dry_run else [])]

    def merge(self, kind: ResourceKind[Any], namespace: str | None, name: str, patch: dict[str, Any]) -> None:
        request = Request(
            method="PATCH",
            path=kind.path(namespace, name),
            query=self._query,
            body=msgspec.json.encode(patch),
            content_type="application/merge-patch+json",
            attempt=Attempt("patch", kind.resource, name, namespace or ""),
        )
        self._transport.send(request)

    def create(self, kind: ResourceKind[Any], made: Object) -> None:
        request = Request(
            method="POST",
            path=kind.path(made.namespace),
            query=self._query,
            body=msgspec.json.encode(made),
            attempt=Attempt("create", kind.resource, made.name, made.namespace),
        )
        self._transport.send(request)
