"""Which kinds has the server?

Aggregated discovery (KEP-3352, on by default since Kubernetes 1.27) tells all groups with their kinds at once, and of each
version whether that is current: an aggregated API whose server does not answer is stale. Older servers name the groups only, and
each version is asked for its kinds.
"""

from collections.abc import Iterator

import msgspec

from kubectl_pets.cluster.http.failures import Attempt, unintelligible
from kubectl_pets.cluster.http.together import together
from kubectl_pets.cluster.objects.lists import Reader
from kubectl_pets.domain.sets.kinds import APPS_SET, KINDS, SetKind
from kubectl_pets.errors import ForbiddenError, NotFoundError, ServerError

_AGGREGATED = ",".join(
    (
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList",
        "application/json",
    )
)

#: The groups that kube-apiserver serves itself. Their kinds are known, and those that name claims are read already.
_BUILT_IN = frozenset(
    (
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "extensions",
        "flowcontrol.apiserver.k8s.io",
        "internal.apiserver.k8s.io",
        "lifecycle.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
        "storagemigration.k8s.io",
    )
)


class ServedKind(msgspec.Struct, frozen=True):
    """A namespaced kind whose objects can be listed, at the version that the server prefers."""

    group: str
    version: str
    plural: str
    kind: str

    @property
    def resource(self) -> str:
        return f"{self.plural}.{self.group}"


class Discovered(msgspec.Struct, frozen=True):
    """The custom kinds of a server. ``unknown``: groups of which it could not say all kinds."""

    kinds: tuple[ServedKind, ...]
    unknown: frozenset[str]

    def named(self, group: str, plural: str) -> ServedKind | None:
        return next((kind for kind in self.kinds if (kind.group, kind.plural) == (group, plural)), None)


class _Kind(msgspec.Struct, frozen=True):
    kind: str = ""


class _Resource(msgspec.Struct, frozen=True, rename="camel"):
    """A kind in either form of discovery (apidiscovery/v2 APIResourceDiscovery, metav1.APIResource)."""

    resource: str = ""
    name: str = ""
    response_kind: _Kind = _Kind()
    kind: str = ""
    scope: str = ""
    namespaced: bool = False
    verbs: tuple[str, ...] = ()

    @property
    def wanted(self) -> bool:
        """Listed in a namespace; a name with a slash is a subresource."""
        return "list" in self.verbs and (self.namespaced or self.scope == "Namespaced") and "/" not in self.name


class _Version(msgspec.Struct, frozen=True, rename="camel"):
    version: str = ""
    resources: tuple[_Resource, ...] = ()
    freshness: str = ""


class _Name(msgspec.Struct, frozen=True):
    name: str = ""


class _GroupVersion(msgspec.Struct, frozen=True):
    version: str = ""


class _Group(msgspec.Struct, frozen=True, rename="camel"):
    """A group in either form (APIGroupDiscovery, metav1.APIGroup)."""

    metadata: _Name = _Name()
    name: str = ""
    versions: tuple[_Version, ...] = ()
    preferred_version: _GroupVersion = _GroupVersion()


class _Answer(msgspec.Struct, frozen=True):
    kind: str = ""
    items: tuple[_Group, ...] | None = None
    groups: tuple[_Group, ...] | None = None


class _Resources(msgspec.Struct, frozen=True):
    kind: str = ""
    resources: tuple[_Resource, ...] | None = None


#: Made once, here: see kinds.
_ANSWER, _RESOURCES = msgspec.json.Decoder(_Answer), msgspec.json.Decoder(_Resources)


def discover(reader: Reader) -> Discovered | None:
    """The custom kinds; None where the server would not or could not say."""
    attempt = Attempt("get", "the API groups")
    try:
        found = reader.answer("/apis", attempt, _ANSWER, accept=_AGGREGATED)
        if found.kind == "APIGroupDiscoveryList" and found.items is not None:
            return _aggregated(found.items)
        if found.kind == "APIGroupList" and found.groups is not None:
            return _one_by_one(reader, found.groups)
        raise unintelligible(attempt, f"it is no list of API groups but '{found.kind}'")
    except (ForbiddenError, NotFoundError, ServerError):
        return None


def _aggregated(groups: tuple[_Group, ...]) -> Discovered:
    kinds: dict[tuple[str, str], ServedKind] = {}
    unknown = set()
    for group in groups:
        name = group.metadata.name
        if name in _BUILT_IN:
            continue
        for version in group.versions:  # the preferred one is the first
            if version.freshness == "Stale":
                unknown.add(name)
            for kind in _kinds(name, version.version, version.resources):
                kinds.setdefault((name, kind.plural), kind)
    return Discovered(tuple(kinds.values()), frozenset(unknown))


def _one_by_one(reader: Reader, groups: tuple[_Group, ...]) -> Discovered:
    asked = [
        (group.name, version)
        for group in groups
        if group.name not in _BUILT_IN
        for version in dict.fromkeys((group.preferred_version.version, *(each.version for each in group.versions)))
        if version
    ]
    answers = together([lambda each=each: _resources(reader, *each) for each in asked])  # type: ignore[misc]
    kinds: dict[tuple[str, str], ServedKind] = {}
    unknown = set()
    for (group, version), resources in zip(asked, answers, strict=True):
        if resources is None:
            unknown.add(group)
            continue
        for kind in _kinds(group, version, resources):
            kinds.setdefault((group, kind.plural), kind)
    return Discovered(tuple(kinds.values()), frozenset(unknown))


def _resources(reader: Reader, group: str, version: str) -> tuple[_Resource, ...] | None:
    try:
        found = reader.answer(f"/apis/{group}/{version}", Attempt("get", f"the kinds of {group}/{version}"), _RESOURCES)
    except (ForbiddenError, NotFoundError, ServerError):
        return None
    return found.resources if found.kind == "APIResourceList" else None


def _kinds(group: str, version: str, resources: tuple[_Resource, ...]) -> Iterator[ServedKind]:
    for each in resources:
        if each.wanted:
            yield ServedKind(group, version, each.resource or each.name, each.response_kind.kind or each.kind)


class _ServedVersion(msgspec.Struct, frozen=True, rename="camel"):
    group_version: str = ""


class _ServedGroup(msgspec.Struct, frozen=True):
    versions: tuple[_ServedVersion, ...] = ()


class _GroupList(msgspec.Struct, frozen=True):
    """metav1.APIGroupList."""

    kind: str = ""
    groups: tuple[_ServedGroup, ...] = ()


_GROUP_LIST = msgspec.json.Decoder(_GroupList)


def other_kinds(reader: Reader) -> tuple[SetKind, ...] | None:
    """The kinds besides apps/v1 whose API is served; None where the server does not say. Raises PetsError."""
    attempt = Attempt("get", "the API groups")
    try:
        found = reader.answer("/apis", attempt, _GROUP_LIST)
    except (ForbiddenError, NotFoundError):
        return None
    if found.kind != "APIGroupList":
        raise unintelligible(attempt, f"an APIGroupList was asked for, {found.kind or 'an object without a kind'} came")
    served = {version.group_version for group in found.groups for version in group.versions}
    return tuple(kind for kind in KINDS if kind is not APPS_SET and kind.api_version in served)
