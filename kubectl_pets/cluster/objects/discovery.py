"""Which kinds of sets does this server know? One request, made only by who asks for other kinds than apps/v1."""

import msgspec

from kubectl_pets.cluster.http.failures import Attempt, unintelligible
from kubectl_pets.cluster.objects.lists import Reader
from kubectl_pets.domain.sets.kinds import APPS_SET, KINDS, SetKind
from kubectl_pets.errors import ForbiddenError, NotFoundError

_PATH = "/apis"


class _Version(msgspec.Struct, frozen=True, rename="camel"):
    group_version: str = ""


class _Group(msgspec.Struct, frozen=True):
    versions: tuple[_Version, ...] = ()


class _Groups(msgspec.Struct, frozen=True):
    """metav1.APIGroupList."""

    kind: str = ""
    groups: tuple[_Group, ...] = ()


_GROUPS = msgspec.json.Decoder(_Groups)


def other_kinds(reader: Reader) -> tuple[SetKind, ...] | None:
    """The kinds besides apps/v1 whose API is served; None where the server does not say. Raises PetsError."""
    attempt = Attempt("get", "the API groups")
    try:
        found = reader.answer(_PATH, attempt, _GROUPS)
    except (ForbiddenError, NotFoundError):
        return None
    if found.kind != "APIGroupList":
        raise unintelligible(attempt, f"an APIGroupList was asked for, {found.kind or 'an object without a kind'} came")
    served = {version.group_version for group in found.groups for version in group.versions}
    return tuple(kind for kind in KINDS if kind is not APPS_SET and kind.api_version in served)
