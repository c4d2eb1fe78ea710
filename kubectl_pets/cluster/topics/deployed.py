"""What do deployers have on their lists? Argo CD, Flux, Fleet, Open Cluster Management, KubeVela and kpt (Config Sync) note all
that they apply in objects of their own, most of which lie in a namespace of theirs, or in none. A set that somebody deleted and
that is on such a list is made again with the next sync, or once somebody lets it sync; what is taken out of the sources goes from
the list as well.

Where each keeps it: Application ``status.resources`` (argoproj.io, ResourceStatus), Kustomization and HelmRelease
``status.inventory.entries`` (fluxcd.io, ResourceInventory: ``namespace_name_group_kind``), BundleDeployment ``status.resources``
(fleet.cattle.io, BundleDeploymentResource), AppliedManifestWork ``status.appliedResources`` (work.open-cluster-management.io,
AppliedManifestResourceMeta: with the plural, no kind), ResourceTracker ``spec.managedResources`` (core.oam.dev, ManagedResource:
also of other clusters, and what is to go), ResourceGroup ``spec.resources`` (kpt.dev, ObjMetadata).
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from kubectl_pets.cluster.http.together import together
from kubectl_pets.cluster.objects.discovery import CustomKinds, ServedKind
from kubectl_pets.cluster.objects.kinds import ResourceKind
from kubectl_pets.cluster.objects.lists import Reader, Scope
from kubectl_pets.cluster.topics.custom import FIRST_PAGE, may_make
from kubectl_pets.domain.model import Object, Value
from kubectl_pets.domain.orphans.inventory import DEPLOYERS, Deployed, ignores
from kubectl_pets.domain.orphans.judging import Searched
from kubectl_pets.errors import ForbiddenError, NotFoundError, ServerError

_SET, _SETS = "StatefulSet", "statefulsets"
#: What KubeVela calls the cluster that it runs in.
_HERE = ("", "local")


class _Row(Value, frozen=True):
    """One object on a list, as each of them writes it."""

    group: str = ""
    api_version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    id: str = ""
    #: In place of the kind.
    resource: str = ""
    cluster: str = ""
    deleted: bool = False

    @property
    def parts(self) -> tuple[str, str, str, str]:
        """Namespace, name, group, kind or plural."""
        if self.id:
            namespace, name, group, kind = (*self.id.split("_"), "", "", "", "")[:4]
            return namespace, name, group, kind
        return self.namespace, self.name, self.group or self.api_version.rpartition("/")[0], self.kind or self.resource


class _Inventory(Value, frozen=True):
    entries: tuple[_Row, ...] | None = ()


class _Status(Value, frozen=True):
    resources: tuple[_Row, ...] | None = ()
    inventory: _Inventory | None = None
    applied_resources: tuple[_Row, ...] | None = ()


class _ListedKind(ResourceKind[Any]):
    """A kind whose objects hold all that somebody applies."""

    first_page = FIRST_PAGE


class _Deployer(Object, frozen=True):
    status: _Status | None = None

    @property
    def rows(self) -> tuple[_Row, ...]:
        status = self.status or _Status()
        inventory = status.inventory or _Inventory()
        return (*(status.resources or ()), *(inventory.entries or ()), *(status.applied_resources or ()))


class _Spec(Value, frozen=True):
    resources: tuple[_Row, ...] | None = ()
    managed_resources: tuple[_Row, ...] | None = ()


class _OfSpec(Object, frozen=True):
    spec: _Spec = _Spec()

    @property
    def rows(self) -> tuple[_Row, ...]:
        rows = (*(self.spec.resources or ()), *(self.spec.managed_resources or ()))
        return tuple(row for row in rows if row.cluster in _HERE and not row.deleted)


#: These have their list in the spec, the others in the status.
_OF_SPEC = frozenset(("resourcegroups.kpt.dev", "resourcetrackers.core.oam.dev"))


def read_deployed(
    reader: Reader, discovered: CustomKinds | None, wanted: Mapping[str, Searched], *, ignored: frozenset[str]
) -> Deployed:
    """By namespace, what of it deployers of any namespace list that may bring back a set whose claims are ``wanted``. Nothing is
    read where no set is gone."""
    if discovered is None or not any(each.away for each in wanted.values()):
        return Deployed()
    makers = {(kind.group, name): kind.kind for kind in discovered.kinds if may_make(kind) for name in (kind.plural, kind.kind)}
    makers |= {("apps", _SETS): _SET, ("apps", _SET): _SET}
    kinds = [
        kind
        for kind in (*discovered.kinds, *discovered.clusterwide)
        if kind.resource in DEPLOYERS and not ignores(ignored, kind.group, kind.plural)
    ]
    sought = {space: (each.away, frozenset().union(*each.makers.values())) for space, each in wanted.items()}
    found: dict[str, dict[str, str]] = {}
    not_read = []
    for kind, listed in zip(kinds, together([partial(_listed, reader, kind, sought, makers) for kind in kinds]), strict=True):
        if listed is None:
            not_read.append(kind.resource)
        for namespace, what, who in listed or ():
            found.setdefault(namespace, {}).setdefault(what, who)
    return Deployed(listed=found, not_read=tuple(sorted(not_read)))


def _listed(
    reader: Reader,
    kind: ServedKind,
    sought: Mapping[str, tuple[frozenset[str], frozenset[str]]],
    makers: Mapping[tuple[str, str], str],
) -> list[tuple[str, str, str]] | None:
    """Namespace, "Kind/name" and who lists it; None where not all could be read. ``sought``: by namespace, the names of sets, and
    those of what may make one. ``makers``: by group and by kind or plural, which kind that is."""
    decoded: Any = _OfSpec if kind.resource in _OF_SPEC else _Deployer
    asked = _ListedKind(decoded, f"/apis/{kind.group}/{kind.version}", kind.plural, kind.kind)
    found: list[tuple[str, str, str]] = []
    try:
        for page, first in reader.pages(asked, Scope(namespace=None)):
            if first:
                found.clear()
            for item in page.objects:
                if item.unreadable:
                    return None
                who = f"{kind.kind}/{item.name}" + (f" in namespace {item.namespace}" if item.namespace else "")
                for row in item.rows:
                    namespace, name, group, named = row.parts
                    away, words = sought.get(namespace, (frozenset(), frozenset()))
                    of_kind = _SET if named == _SET else makers.get((group, named), "")
                    if name in (away if of_kind == _SET else words if of_kind else ()):
                        found.append((namespace, f"{of_kind}/{name}", who))
    except (ForbiddenError, NotFoundError, ServerError, RecursionError):
        return None
    return found
