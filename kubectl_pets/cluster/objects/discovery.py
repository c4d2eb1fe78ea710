"""Which kinds has the server? Asked once a run, by everybody who wants to know.

Aggregated discovery (KEP-3352, on by default since Kubernetes 1.27) tells all groups with their kinds at once, and of each
version whether that is current: an aggregated API whose server does not answer is stale. Older servers name groups and versions
only, and each version whose kinds somebody wants is asked for them.
"""

from collections.abc import Iterator
from threading import Lock
from typing import Protocol, TypeVar

import msgspec

from kubectl_pets.cluster.http.failures import Attempt, unintelligible
from kubectl_pets.cluster.http.together import together
from kubectl_pets.domain.sets.kinds import APPS_SET, KINDS, OTHER_KINDS, SetKind
from kubectl_pets.errors import ForbiddenError, NotFoundError, PetsError, ServerError

_A = TypeVar("_A")

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
    """A kind of a server whose objects can be listed, at the version that the server prefers."""

    group: str
    version: str
    plural: str
    kind: str

    @property
    def resource(self) -> str:
        """``volumesnapshots.snapshot.storage.k8s.io``: as rights and kubectl name it."""
        return f"{self.plural}.{self.group}"


class CustomKinds(msgspec.Struct, frozen=True):
    """The kinds of the groups that kube-apiserver does not serve itself. ``unknown``: groups of which the server could not say
    all kinds. ``clusterwide``: those whose objects are in no namespace; ``kinds`` are all others."""

    kinds: tuple[ServedKind, ...]
    unknown: frozenset[str]
    clusterwide: tuple[ServedKind, ...] = ()

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
        """Listed; a name with a slash is a subresource."""
        return "list" in self.verbs and "/" not in self.name

    @property
    def in_namespaces(self) -> bool:
        return self.namespaced or self.scope == "Namespaced"


class _Version(msgspec.Struct, frozen=True, rename="camel"):
    """A version in either form (APIVersionDiscovery, metav1.GroupVersionForDiscovery)."""

    version: str = ""
    resources: tuple[_Resource, ...] = ()
    freshness: str = ""


class _Name(msgspec.Struct, frozen=True):
    name: str = ""


class _Group(msgspec.Struct, frozen=True, rename="camel"):
    """A group in either form (APIGroupDiscovery, metav1.APIGroup)."""

    metadata: _Name = _Name()
    name: str = ""
    versions: tuple[_Version, ...] = ()
    preferred_version: _Version = _Version()


class _Answer(msgspec.Struct, frozen=True):
    kind: str = ""
    items: tuple[_Group, ...] | None = None
    groups: tuple[_Group, ...] | None = None


class _Resources(msgspec.Struct, frozen=True):
    kind: str = ""
    resources: tuple[_Resource, ...] | None = None


#: Made once, here: see kinds.
_ANSWER, _RESOURCES = msgspec.json.Decoder(_Answer), msgspec.json.Decoder(_Resources)


class _Served(msgspec.Struct, frozen=True):
    """A version of a group. ``resources`` None: the server has to be asked for them."""

    group: str
    version: str
    resources: tuple[_Resource, ...] | None = None
    stale: bool = False


class Answering(Protocol):
    """Who answers at a path, decoded (``lists.Reader``)."""

    def answer(
        self, path: str, attempt: Attempt, decoder: msgspec.json.Decoder[_A], *, accept: str = "application/json"
    ) -> _A: ...


class Discovery:
    """The kinds of one server. What it answered holds for the run; what it did not answer is asked again by the next."""

    def __init__(self, server: Answering) -> None:
        self._server, self._lock = server, Lock()
        self._versions: tuple[_Served, ...] | None = None

    def set_kinds(self, *, groups: bool = False) -> tuple[SetKind, ...] | None:
        """The kinds of sets besides apps/v1 whose API is served, each at a version that is, with ``groups`` LeaderWorkerSets and
        the like, too; None where the server will not say. Raises PetsError where it could not."""
        try:
            served = {f"{each.group}/{each.version}" for each in self._served()}
        except (ForbiddenError, NotFoundError):
            return None
        known = (*KINDS, *OTHER_KINDS) if groups else KINDS
        return tuple(found for kind in known if kind is not APPS_SET and (found := _at_version(kind, served)) is not None)

    def served(self, kind: SetKind) -> SetKind:
        """A kind at the version of it that is served; at its own where the server will not say, or serves none. Only a kind that
        has several is asked about."""
        if not kind.or_versions:
            return kind
        try:
            return _at_version(kind, {f"{each.group}/{each.version}" for each in self._served()}) or kind
        except PetsError:
            return kind

    def versions(self) -> dict[str, str]:
        """The version that the server prefers of each API group that it serves besides the core; none where it will not say.
        Raises PetsError where it could not."""
        try:
            return {each.group: each.version for each in self._served()}
        except (ForbiddenError, NotFoundError):
            return {}

    def custom_kinds(self, *, group: str = "", fresh: bool = False) -> CustomKinds | None:
        """The custom kinds, of one ``group`` or of all; None where the server would not or could not say. ``fresh``: asked for
        again, because a kind that was installed a moment ago may name what is about to be deleted."""
        try:
            served = [
                each
                for each in self._served(fresh=fresh)
                if each.group not in _BUILT_IN and group in ("", each.group)
            ]
        except (ForbiddenError, NotFoundError, ServerError):
            return None
        kinds: dict[tuple[str, str], ServedKind] = {}
        clusterwide: dict[tuple[str, str], ServedKind] = {}
        unknown = set()
        for each in self._with_resources(served):
            if each.stale or each.resources is None:
                unknown.add(each.group)
            for found, in_namespaces in ((kinds, True), (clusterwide, False)):
                for kind in _kinds(each, in_namespaces=in_namespaces):
                    found.setdefault((kind.group, kind.plural), kind)
        return CustomKinds(tuple(kinds.values()), frozenset(unknown), tuple(clusterwide.values()))

    def _served(self, *, fresh: bool = False) -> tuple[_Served, ...]:
        """Every version of every group; of a group the one first that the server prefers."""
        with self._lock:  # whoever comes meanwhile waits for the same answer
            if self._versions is None or fresh:
                self._versions = self._ask()
            return self._versions

    def _ask(self) -> tuple[_Served, ...]:
        attempt = Attempt("get", "the API groups")
        found = self._server.answer("/apis", attempt, _ANSWER, accept=_AGGREGATED)
        if found.kind == "APIGroupDiscoveryList" and found.items is not None:
            return tuple(
                _Served(group.metadata.name, version.version, version.resources, version.freshness == "Stale")
                for group in found.items
                for version in group.versions
            )
        if found.kind == "APIGroupList" and found.groups is not None:
            return tuple(
                _Served(group.name, version)
                for group in found.groups
                for version in dict.fromkeys((group.preferred_version.version, *(each.version for each in group.versions)))
                if version
            )
        raise unintelligible(attempt, f"an APIGroupList was asked for, {found.kind or 'an object without a kind'} came")

    def _with_resources(self, served: list[_Served]) -> list[_Served]:
        """The same versions with what each serves, as far as the server says; remembered, too."""
        asked = [each for each in served if each.resources is None]
        if not asked:
            return served
        answers = together([lambda each=each: self._resources(each) for each in asked])  # type: ignore[misc]
        told = {(each.group, each.version): answer for each, answer in zip(asked, answers, strict=True)}

        def whole(each: _Served) -> _Served:
            return msgspec.structs.replace(each, resources=told.get((each.group, each.version), each.resources))

        with self._lock:
            self._versions = tuple(map(whole, self._versions or ()))
        return list(map(whole, served))

    def _resources(self, served: _Served) -> tuple[_Resource, ...] | None:
        path = f"{served.group}/{served.version}"
        try:
            found = self._server.answer(f"/apis/{path}", Attempt("get", f"the kinds of {path}"), _RESOURCES)
        except (ForbiddenError, NotFoundError, ServerError):
            return None
        return found.resources if found.kind == "APIResourceList" else None


def _at_version(kind: SetKind, served: set[str]) -> SetKind | None:
    """The kind at the first of its versions that is among these; None where none is."""
    version = next((each for each in (kind.version, *kind.or_versions) if f"{kind.group}/{each}" in served), "")
    if not version:
        return None
    return kind if version == kind.version else msgspec.structs.replace(kind, version=version)


def _kinds(served: _Served, *, in_namespaces: bool) -> Iterator[ServedKind]:
    for each in served.resources or ():
        if each.wanted and each.in_namespaces is in_namespaces:
            yield ServedKind(served.group, served.version, each.resource or each.name, each.response_kind.kind or each.kind)
