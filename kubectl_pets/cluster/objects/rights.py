"""Which rights are missing, asked before anything is begun, so that a rollout does not stop half-way for want of one."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from kubectl_pets.cluster.http.failures import Attempt
from kubectl_pets.cluster.http.transport import Request, Transport
from kubectl_pets.cluster.objects.lists import UNINTELLIGIBLE
from kubectl_pets.errors import ForbiddenError, InvalidError, NotFoundError, ServerError

Right = TypeVar("Right", bound=tuple[str, ...])

_PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class _Verdict(msgspec.Struct, frozen=True):
    allowed: bool = False


class _Review(msgspec.Struct, frozen=True):
    status: _Verdict | None = None


_REVIEW = msgspec.json.Decoder(_Review)


def missing_rights(transport: Transport, namespace: str, needed: Sequence[Right]) -> tuple[Right, ...]:
    """Those of the needed rights (verb, resource, and names of objects where it is about these alone) that this user lacks; a
    server that cannot say counts as allowing it. A role may be for single objects (RBAC resourceNames), and who has a right for
    all of them has it for each."""

    def ask(right: Right) -> Callable[[], bool]:
        verb, resource, *names = right
        if len(names) == 1:
            return lambda: _allowed(transport, namespace, verb, resource, names[0])
        return lambda: _allowed(transport, namespace, verb, resource) or (
            bool(names) and all(_allowed(transport, namespace, verb, resource, name) for name in names)
        )

    rights = list(dict.fromkeys(needed))
    allowed = transport.together([ask(right) for right in rights])
    return tuple(right for right, yes in zip(rights, allowed) if not yes)


def _allowed(transport: Transport, namespace: str, verb: str, resource: str, name: str = "") -> bool:
    whole, _, subresource = resource.partition("/")
    plural, _, group = whole.partition(".")
    wanted = {"namespace": namespace, "verb": verb, "group": group, "resource": plural, "subresource": subresource, "name": name}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {key: value for key, value in wanted.items() if value}},
    }
    attempt = Attempt("create", "selfsubjectaccessreviews.authorization.k8s.io")
    try:
        request = Request(method="POST", path=_PATH, body=msgspec.json.encode(review), attempt=attempt, question=True)
        body = transport.send(request)
        verdict = _REVIEW.decode(body).status
    except (ForbiddenError, InvalidError, NotFoundError, ServerError, *UNINTELLIGIBLE):
        return True
    return verdict is None or verdict.allowed
