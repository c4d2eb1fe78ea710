"""Carries out the changes that the domain decided on, each on its condition.

This is the only module that sends a write; ``domain.changes`` lists them all.

A change that may have been carried out already is never sent again: when its answer was lost the error says so, and the caller
reads the cluster to find out. Only what the server turned away unseen (429, a first 401) is repeated.
"""

from contextlib import suppress
from typing import Any, TypeVar, assert_never

import msgspec

from kubectl_pets.cluster.http.failures import Attempt, status_of, unintelligible
from kubectl_pets.cluster.http.transport import Request, Transport
from kubectl_pets.cluster.objects.kinds import CLAIMS, PODS, REVISIONS, SETS, SETS_OF, ResourceKind
from kubectl_pets.cluster.objects.lists import UNINTELLIGIBLE
from kubectl_pets.domain.changes import (
    ASKED_ANNOTATION,
    CLAIM_ANNOTATION,
    CLAIM_UID_ANNOTATION,
    FIELD_MANAGER,
    GENERATION_ANNOTATION,
    HELD_ANNOTATION,
    ORDINAL_ANNOTATION,
    REVISION_ANNOTATION,
    RUN_ANNOTATION,
    SET_ANNOTATION,
    SET_UID_LABEL,
    SNAPSHOT_LABELS,
    AnnotateClaim,
    AnnotateRevision,
    AnnotateVolume,
    Change,
    ClaimChange,
    ClearClaimRef,
    CreateClaim,
    CreateSet,
    DeleteClaim,
    DeleteGroupSnapshot,
    DeletePod,
    DeleteSnapshot,
    DestroyVolume,
    ForgetRecreation,
    MarkSnapshot,
    OrphanSet,
    PatchSet,
    RecreationChange,
    ReserveVolume,
    ResizeClaim,
    SaveRecreation,
    SetFinalizers,
    SetRetain,
    SnapshotChange,
    SnapshotOf,
    TakeGroupSnapshot,
    TakeSnapshot,
    UndoRetain,
)
from kubectl_pets.domain.model import Object, ObjectMeta, Pod, StatefulSet, Value
from kubectl_pets.domain.sets.away import RECORD_KEY, RECORD_LABELS, SetContent, WholeMeta, WholeSet, record_name
from kubectl_pets.errors import ConflictError, InvalidError, PetsError

T = TypeVar("T", bound=Object)


class RecordMap(Object, frozen=True):
    """The ConfigMap in which a recreation is kept."""

    data: dict[str, str] = {}


_VOLUMES = ResourceKind(Object, "/api/v1", "persistentvolumes", "PersistentVolume")
RECORDS = ResourceKind(RecordMap, "/api/v1", "configmaps", "ConfigMap")
WHOLE_SETS = ResourceKind(WholeSet, SETS.base, SETS.plural, SETS.kind)
_SNAPSHOTS = ResourceKind(Object, "/apis/snapshot.storage.k8s.io/v1", "volumesnapshots", "VolumeSnapshot")


def apply(transport: Transport, change: Change, *, dry_run: bool, manager: str = "") -> StatefulSet | Pod | None:
    """Carry it out, a change of a set under the name of that field manager (empty: our own); the object as it is afterwards,
    where it is a set or a pod and the server says so. Raises ConflictError when what it relies on is no longer true,
    NotFoundError when the object is gone."""
    if isinstance(change, PatchSet):
        return _patch(transport, change, dry_run, FIELD_MANAGER if change.passing or not manager else manager)
    if isinstance(change, SaveRecreation | ForgetRecreation | OrphanSet | CreateSet):
        _of_recreation(_Sender(transport, dry_run), change)
        return None
    if isinstance(change, SnapshotChange):
        _of_snapshot(_Sender(transport, dry_run), change)
        return None
    if isinstance(change, SetFinalizers):
        _Sender(transport, dry_run).finalizers(change)
        return None
    if not isinstance(change, DeletePod):
        _of_claim(_Sender(transport, dry_run), change)
        return None
    if change.evict:
        _evict(transport, change, dry_run)
        return None
    return _delete(transport, change, dry_run)


def _of_snapshot(send: "_Sender", change: SnapshotChange) -> None:
    match change:
        case TakeSnapshot():
            with suppress(ConflictError):  # there is one of that name; whose it is, is seen when it is looked at
                send.create(_SNAPSHOTS, _snapshot(change))
        case DeleteSnapshot():
            at = (_SNAPSHOTS, change.namespace, change.name)
            delete(send.transport, *at, change.uid, change.resource_version, dry_run=send.dry_run)
        case TakeGroupSnapshot():
            with suppress(ConflictError):  # as above
                send.create(_groups(change.version), _group_snapshot(change))
        case MarkSnapshot():
            asked = {CLAIM_UID_ANNOTATION: change.claim_uid, ASKED_ANNOTATION: change.asked_at}
            notes: dict[str, str | None] = {**asked, **_marks(change.claim, change.of)}
            send.annotate(_SNAPSHOTS, change, notes, {**SNAPSHOT_LABELS, SET_UID_LABEL: change.of.set_uid})
        case DeleteGroupSnapshot():
            exactly = (change.namespace, change.name, change.uid, change.resource_version)
            delete(send.transport, _groups(change.version), *exactly, dry_run=send.dry_run)
        case AnnotateRevision():
            send.annotate(REVISIONS, change, change.annotations)
        case _:
            assert_never(change)


def _of_claim(send: "_Sender", change: ClaimChange) -> None:
    match change:
        case SetRetain():
            send.merge(_VOLUMES, change, policy="Retain", annotations=change.annotations)
        case AnnotateVolume():
            send.merge(_VOLUMES, change, annotations=change.annotations)
        case DeleteClaim():
            at = (CLAIMS, change.namespace, change.name)
            delete(send.transport, *at, change.uid, change.resource_version, dry_run=send.dry_run)
        case CreateClaim(claim=claim):
            send.create(CLAIMS, claim)
        case AnnotateClaim():
            send.merge(CLAIMS, change, annotations=change.annotations)
        case ResizeClaim():
            wanted: dict[str, Any] = {"resources": {"requests": {"storage": change.size}}}
            if change.attributes_class:
                wanted["volumeAttributesClassName"] = change.attributes_class
            send.merge(CLAIMS, change, spec=wanted)
        case ClearClaimRef():
            send.merge(_VOLUMES, change, claim_ref={"uid": None, "resourceVersion": None})
        case ReserveVolume():
            held = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": change.namespace, "name": change.claim}
            send.merge(_VOLUMES, change, claim_ref={**held, "uid": None, "resourceVersion": None})
        case UndoRetain():
            send.merge(_VOLUMES, change, policy=change.policy, annotations={**dict.fromkeys(change.forgets), **change.restores})
        case DestroyVolume():
            send.merge(_VOLUMES, change, policy="Delete", annotations=change.restores or None)
        case _:
            assert_never(change)


def _of_recreation(send: "_Sender", change: RecreationChange) -> None:
    match change:
        case SaveRecreation(intended=intended):
            meta = ObjectMeta(
                name=record_name(intended.name),
                namespace=intended.namespace,
                uid=change.uid,
                resource_version=change.resource_version,
                labels=RECORD_LABELS,
            )
            made = RecordMap(
                api_version="v1",
                kind=RECORDS.kind,
                metadata=meta,
                data={RECORD_KEY: msgspec.json.encode(intended).decode()},
            )
            if change.uid:
                send.replace(RECORDS, made)
            else:
                send.create(RECORDS, made)
        case ForgetRecreation():
            _delete_exactly(send, RECORDS, change, record_name(change.name))
        case OrphanSet():
            _delete_exactly(send, SETS, change, change.name, propagation="Orphan")
        case CreateSet():
            send.create(WHOLE_SETS, whole_set(change.namespace, change.name, change.content))
        case _:
            assert_never(change)


def _delete_exactly(
    send: "_Sender", kind: ResourceKind[Any], change: ForgetRecreation | OrphanSet, name: str, propagation: str = ""
) -> None:
    exactly = (change.namespace, name, change.uid, change.resource_version)
    delete(send.transport, kind, *exactly, dry_run=send.dry_run, propagation=propagation)


def whole_set(namespace: str, name: str, content: SetContent) -> WholeSet:
    """The object to create."""
    meta = WholeMeta(
        name=name,
        namespace=namespace,
        labels=content.labels,
        annotations=content.annotations,
        owner_references=content.owner_references,
    )
    return WholeSet(api_version=SETS.api_version, kind=SETS.kind, metadata=meta, spec=content.spec)


class _Source(Value, frozen=True):
    persistent_volume_claim_name: str = ""


class _SnapshotSpec(Value, frozen=True):
    source: _Source = _Source()
    volume_snapshot_class_name: str = ""


class _Snapshot(Object, frozen=True):
    spec: _SnapshotSpec = _SnapshotSpec()


def _snapshot(change: TakeSnapshot) -> _Snapshot:
    """The VolumeSnapshot object to create."""
    of = change.of if isinstance(change.of, SnapshotOf) else None
    return _Snapshot(
        api_version="snapshot.storage.k8s.io/v1",
        kind=_SNAPSHOTS.kind,
        metadata=ObjectMeta(
            name=change.name,
            namespace=change.namespace,
            labels=SNAPSHOT_LABELS if of is None else {**SNAPSHOT_LABELS, SET_UID_LABEL: of.set_uid},
            annotations={CLAIM_UID_ANNOTATION: change.uid, **(_marks(change.claim, of) if of is not None else {})},
        ),
        spec=_SnapshotSpec(
            source=_Source(persistent_volume_claim_name=change.claim), volume_snapshot_class_name=change.snapshot_class
        ),
    )


def _groups(version: str) -> ResourceKind[Object]:
    return ResourceKind(Object, f"/apis/groupsnapshot.storage.k8s.io/{version}", "volumegroupsnapshots", "VolumeGroupSnapshot")


class _Group(Object, frozen=True):
    spec: dict[str, Any] = {}


def _group_snapshot(change: TakeGroupSnapshot) -> _Group:
    """The VolumeGroupSnapshot object to create."""
    kind = _groups(change.version)
    notes = {SET_ANNOTATION: change.set_name, GENERATION_ANNOTATION: str(change.generation), RUN_ANNOTATION: change.run}
    meta = ObjectMeta(
        name=change.name,
        namespace=change.namespace,
        labels={**SNAPSHOT_LABELS, SET_UID_LABEL: change.set_uid},
        annotations={**notes, HELD_ANNOTATION: "true"} if change.held else notes,
    )
    source = {"selector": {"matchLabels": change.labels}}
    return _Group(
        api_version=kind.api_version,
        kind=kind.kind,
        metadata=meta,
        spec={"volumeGroupSnapshotClassName": change.snapshot_class, "source": source},
    )


def _marks(claim: str, of: SnapshotOf) -> dict[str, str]:
    return {
        SET_ANNOTATION: of.set_name,
        CLAIM_ANNOTATION: claim,
        REVISION_ANNOTATION: of.revision,
        ORDINAL_ANNOTATION: str(of.ordinal),
        GENERATION_ANNOTATION: str(of.generation),
        RUN_ANNOTATION: of.run,
        **({HELD_ANNOTATION: "true"} if of.held else {}),
    }


class _Sender:
    """Patches and creations, with or without keeping their effect."""

    def __init__(self, transport: Transport, dry_run: bool) -> None:
        self.transport, self.dry_run = transport, dry_run
        self._query = [("fieldManager", FIELD_MANAGER), *([("dryRun", "All")] if dry_run else [])]

    def merge(
        self,
        kind: ResourceKind[Any],
        change: SetRetain
        | AnnotateVolume
        | AnnotateClaim
        | ResizeClaim
        | ClearClaimRef
        | ReserveVolume
        | UndoRetain
        | DestroyVolume,
        *,
        spec: dict[str, Any] | None = None,
        policy: str = "",
        claim_ref: dict[str, Any] | None = None,
        annotations: "dict[str, str] | dict[str, str | None] | dict[str, None] | None" = None,
    ) -> None:
        """A merge patch (RFC 7386) that says which object it means: the server answers 409 where it is another one by now."""
        named = (change.namespace, change.name) if isinstance(change, AnnotateClaim | ResizeClaim) else (None, change.volume)
        meta: dict[str, Any] = {"uid": change.uid, "resourceVersion": change.resource_version}
        patch: dict[str, Any] = {"metadata": meta if annotations is None else {**meta, "annotations": annotations}}
        spec = spec or ({"persistentVolumeReclaimPolicy": policy} if policy else {"claimRef": claim_ref} if claim_ref else {})
        namespace, name = named
        self._merged(kind, namespace, name, {**patch, "spec": spec} if spec else patch)

    def annotate(
        self,
        kind: ResourceKind[Any],
        change: AnnotateRevision | MarkSnapshot,
        notes: dict[str, str | None],
        labels: dict[str, str] | None = None,
    ) -> None:
        meta: dict[str, Any] = {"uid": change.uid, "resourceVersion": change.resource_version, "annotations": notes}
        if labels:
            meta["labels"] = labels
        self._merged(kind, change.namespace, change.name, {"metadata": meta})

    def finalizers(self, change: SetFinalizers) -> None:
        kind: ResourceKind[Any] = PODS if change.of == PODS.plural else CLAIMS
        meta = {"uid": change.uid, "resourceVersion": change.resource_version, "finalizers": change.finalizers}
        self._merged(kind, change.namespace, change.name, {"metadata": meta})

    def _merged(self, kind: ResourceKind[Any], namespace: str | None, name: str, patch: dict[str, Any]) -> None:
        request = Request(
            method="PATCH",
            path=kind.path(namespace, name),
            query=self._query,
            body=msgspec.json.encode(patch),
            content_type="application/merge-patch+json",
            attempt=Attempt("patch", kind.resource, name, namespace or ""),
        )
        answered(kind, self.transport.send(request), request.attempt)

    def create(self, kind: ResourceKind[T], made: Object) -> T:
        return self._whole(kind, made, "POST", kind.path(made.namespace), "create")

    def replace(self, kind: ResourceKind[T], made: Object) -> T:
        """On the uid and resourceVersion in its metadata."""
        return self._whole(kind, made, "PUT", kind.path(made.namespace, made.name), "update")

    def _whole(self, kind: ResourceKind[T], made: Object, method: str, path: str, verb: str) -> T:
        request = Request(
            method=method,
            path=path,
            query=self._query,
            body=msgspec.json.encode(made),
            attempt=Attempt(verb, kind.resource, made.name, made.namespace),
        )
        return answered(kind, self.transport.send(request), request.attempt)


def _patch(transport: Transport, change: PatchSet, dry_run: bool, manager: str) -> StatefulSet:
    sets = SETS_OF[change.kind.group]
    attempt = Attempt("patch", sets.resource, change.name, change.namespace)
    request = Request(
        method="PATCH",
        path=sets.path(change.namespace, change.name),
        query=[("fieldManager", manager), *([("dryRun", "All")] if dry_run else [])],
        body=_spelt_as_there(msgspec.json.encode(change.operations)),
        content_type="application/json-patch+json",
        attempt=attempt,
    )
    try:
        body = transport.send(request)
    except InvalidError as error:
        # The server says 422 for a test that failed, and the same for a patch that makes no sense.
        if _overtaken(transport, change):
            raise ConflictError(f"could not {attempt}, it changed since it was read", hint=error.hint) from None
        raise
    return answered(sets, body, attempt)


def _delete(transport: Transport, change: DeletePod, dry_run: bool) -> Pod | None:
    return delete(
        transport,
        PODS,
        change.namespace,
        change.name,
        change.uid,
        change.resource_version,
        dry_run=dry_run,
        force=change.force,
    )


def _evict(transport: Transport, change: DeletePod, dry_run: bool) -> None:
    """policy/v1 Eviction: a PodDisruptionBudget that does not allow it is a 429, and so waited out as any other."""
    options = _options(change.uid, change.resource_version, dry_run)
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": change.name, "namespace": change.namespace},
        "deleteOptions": options,
    }
    request = Request(
        method="POST",
        path=f"{PODS.path(change.namespace, change.name)}/eviction",
        query=[("dryRun", "All")] if dry_run else [],
        body=msgspec.json.encode(body),
        attempt=Attempt("create", "pods/eviction", change.name, change.namespace),
    )
    _succeeded(transport.send(request), request.attempt)


def answered(kind: ResourceKind[T], body: bytes, attempt: Attempt) -> T:
    """The object as it is after a change. Raises ServerError where the answer is not about that object: then nobody knows whether
    the change was carried out, and the caller reads the cluster to find out."""
    try:
        return kind.one(body, attempt.name, attempt.namespace)
    except UNINTELLIGIBLE as error:
        raise unintelligible(attempt, str(error)) from None


def _succeeded(body: bytes, attempt: Attempt) -> None:
    """Raises ServerError where a body is no metav1.Status of a success."""
    status = status_of(body)
    if status.status != "Success":
        raise unintelligible(attempt, "no Status of a success came")


def delete(
    transport: Transport,
    kind: ResourceKind[T],
    namespace: str,
    name: str,
    uid: str,
    resource_version: str,
    *,
    dry_run: bool,
    force: bool = False,
    propagation: str = "",
) -> T | None:
    """Delete exactly the object that was judged (metav1.Preconditions). ``force``: grace period 0. ``propagation``: a
    metav1.DeletionPropagation; empty: the server's own. The object while it is terminating, None where the server answers that it
    is gone (a Status). Raises as ``answered``."""
    options = _options(uid, resource_version, dry_run)
    if propagation:
        options["propagationPolicy"] = propagation
    if force:
        options["gracePeriodSeconds"] = 0
    request = Request(
        method="DELETE",
        path=kind.path(namespace, name),
        body=msgspec.json.encode(options),
        attempt=Attempt("delete", kind.resource, name, namespace),
    )
    body = transport.send(request)
    if status_of(body).kind == "Status":
        _succeeded(body, request.attempt)
        return None
    return answered(kind, body, request.attempt)


def _options(uid: str, resource_version: str, dry_run: bool) -> dict[str, Any]:
    options: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": {"uid": uid, "resourceVersion": resource_version},
    }
    return {**options, "dryRun": ["All"]} if dry_run else options


#: What Go's encoder escapes and ours does not (encoding/json, HTMLEscape).
_ESCAPED = [(each.encode(), f"\\u{ord(each):04x}".encode()) for each in "<>&\u2028\u2029"]


def _spelt_as_there(body: bytes) -> bytes:
    """The same JSON as the API server spells it: it compares a value that a JSON patch tests with what is there byte by byte
    (evanphx/json-patch, lazyNode.equal)."""
    for plain, escaped in _ESCAPED:
        body = body.replace(plain, escaped)
    return body


def _overtaken(transport: Transport, change: PatchSet) -> bool:
    """Whether a ``test`` of the patch does not hold any more. One of null holds where there is nothing (``annotating``)."""
    tests = [operation for operation in change.operations if operation.op == "test"]
    sets = SETS_OF[change.kind.group]
    attempt = Attempt("get", sets.resource, change.name, change.namespace)
    try:
        body = transport.send(Request(method="GET", path=sets.path(change.namespace, change.name), attempt=attempt))
        found = msgspec.json.decode(body)
    except (PetsError, *UNINTELLIGIBLE):
        return False  # then the first error is the one to tell
    return any(_at(found, test.path) != test.value for test in tests)


def _at(value: Any, pointer: str) -> Any:
    """The value that a JSON pointer (RFC 6901) leads to; None where it leads nowhere."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def rehearsed_set(transport: Transport, namespace: str, name: str, content: SetContent) -> WholeSet:
    """What the API server would make of a set of that content (dry run): defaulted, and as admission changes it."""
    return _Sender(transport, dry_run=True).create(WHOLE_SETS, whole_set(namespace, name, content))
