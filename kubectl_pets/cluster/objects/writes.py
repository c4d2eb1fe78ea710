"""Carries out the changes that the domain decided on, each on its condition.

A change that may have been carried out already is never sent again: when its answer was lost the error says so, and the caller
reads the cluster to find out. Only what the server turned away unseen (429, a first 401) is repeated.
"""

from typing import Any, TypeVar

import msgspec

from kubectl_pets.cluster.http.failures import Attempt, status_of, unintelligible
from kubectl_pets.cluster.http.transport import Request, Transport
from kubectl_pets.cluster.objects.kinds import PODS, SETS, ResourceKind
from kubectl_pets.cluster.objects.lists import UNINTELLIGIBLE
from kubectl_pets.domain.changes import Change, DeletePod, PatchSet
from kubectl_pets.domain.model import Object, Pod, StatefulSet
from kubectl_pets.errors import ConflictError, InvalidError, PetsError

T = TypeVar("T", bound=Object)

#: The name under which the API server records who set a field.
FIELD_MANAGER = "kubectl-pets"


def apply(transport: Transport, change: Change, *, dry_run: bool) -> StatefulSet | Pod | None:
    """Carry it out; the object as it is afterwards, where the server says so."""
    if isinstance(change, PatchSet):
        return _patch(transport, change, dry_run)
    if change.evict:
        _evict(transport, change, dry_run)
        return None
    return _delete(transport, change, dry_run)


def _patch(transport: Transport, change: PatchSet, dry_run: bool) -> StatefulSet:
    attempt = Attempt("patch", SETS.resource, change.name, change.namespace)
    request = Request(
        method="PATCH",
        path=SETS.path(change.namespace, change.name),
        query=[("fieldManager", FIELD_MANAGER), *([("dryRun", "All")] if dry_run else [])],
        body=msgspec.json.encode(change.operations),
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
    return answered(SETS, body, attempt)


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
) -> T | None:
    """Delete exactly the object that was judged (metav1.Preconditions). ``force``: grace period 0. The object while it is
    terminating, None where the server answers that it is gone (a Status). Raises as ``answered``."""
    options: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": {"uid": uid, "resourceVersion": resource_version},
    }
    if force:
        options["gracePeriodSeconds"] = 0
    if dry_run:
        options["dryRun"] = ["All"]
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


def _overtaken(transport: Transport, change: PatchSet) -> bool:
    """Whether a ``test`` of the patch does not hold any more."""
    tests = [operation for operation in change.operations if operation.op == "test"]
    attempt = Attempt("get", SETS.resource, change.name, change.namespace)
    try:
        body = transport.send(Request(method="GET", path=SETS.path(change.namespace, change.name), attempt=attempt))
        found = msgspec.json.decode(body)
    except (PetsError, msgspec.MsgspecError, UnicodeDecodeError):
        return False  # then the first error is the one to tell
    return any(_at(found, test.path) != test.value for test in tests)


def _at(value: Any, pointer: str) -> Any:
    """The value that a JSON pointer (RFC 6901) leads to; UNSET where it leads nowhere."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(key, msgspec.UNSET)
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return msgspec.UNSET
    return value
