"""Searches custom resources for the names of claims, for autoscalers, and for who may make sets.

Every namespaced kind is read that the server has, because any of them may name a claim as a string (VolSync's sourcePVC, a
virtual machine at rest, a workflow). A page at a time is searched as bytes and let go; only what was found is kept. Secrets are
none of these kinds, and are never read.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from kubectl_pets.cluster.http.together import together
from kubectl_pets.cluster.objects.discovery import CustomKinds, ServedKind
from kubectl_pets.cluster.objects.kinds import ListMeta, Page, ResourceKind
from kubectl_pets.cluster.objects.lists import Reader, Scope
from kubectl_pets.domain.model import OwnerReference, Value
from kubectl_pets.domain.orphans.inventory import (
    DISCOVERY,
    GROUP_PREFIX,
    LISTS,
    CustomScaler,
    CustomUse,
    ScaleTarget,
    ignores,
)
from kubectl_pets.domain.orphans.judging import Searched
from kubectl_pets.errors import ForbiddenError, NotFoundError, ServerError

#: So many kinds are read at once.
_AT_ONCE = 8
#: So many beginnings of names are looked for one by one.
_FEW_BEGINNINGS = 32
#: So many namespaces are read one by one; more as one list of each kind.
FEW_NAMESPACES = 3

#: These groups report on what there is: what they name they do not want.
_REPORTS = frozenset(
    (
        "custom.metrics.k8s.io",
        "external.metrics.k8s.io",
        "metrics.k8s.io",
        "openreports.io",
        "reports.kyverno.io",
        "wgpolicyk8s.io",
    )
)

#: These route, guard, watch and copy what others make: one that is called like the label of a claim makes no set of it.
_NO_MAKERS = frozenset(
    (
        "acme.cert-manager.io",
        "autoscaling.k8s.io",
        "cert-manager.io",
        "cilium.io",
        "crd.projectcalico.org",
        "external-secrets.io",
        "gateway.networking.k8s.io",
        "keda.sh",
        "networking.istio.io",
        "security.istio.io",
        "snapshot.storage.k8s.io",
        "traefik.io",
        "volsync.backube",
    )
)
_NO_MAKER_KINDS = frozenset(
    f"{plural}.monitoring.coreos.com"
    for plural in ("podmonitors", "probes", "prometheusrules", "scrapeconfigs", "servicemonitors")
)
#: A snapshot that is ready needs its claim no longer, unless that owns it; one that this program has taken is waited for by
#: whoever deletes the claim.
_SNAPSHOTS = "volumesnapshots.snapshot.storage.k8s.io"

#: Strings that may be the name of a claim, or "namespace/name". Go writes these characters as they are.
_WORD = re.compile(rb'"([a-z0-9][a-z0-9./-]*)"')
#: The same characters as other encoders may write them.
_ESCAPED = re.compile(rb"\\(?:/|u00(?:2[def]|3[0-9]|[67][0-9a-fA-F]))", re.IGNORECASE)
_SCALE_TARGET = b'"scaleTargetRef"'


class _Meta(Value, frozen=True):
    name: str = ""
    namespace: str = ""


class _Custom(Value, frozen=True):
    """A custom resource, as far as it was searched."""

    metadata: _Meta = _Meta()
    unreadable: str = msgspec.field(name="kubectl-pets/unreadable", default="")  #: as in ``model.Object``
    words: frozenset[bytes] = msgspec.field(name="kubectl-pets/words", default=frozenset())
    targets: tuple[ScaleTarget, ...] = msgspec.field(name="kubectl-pets/targets", default=())


class _RawPage(msgspec.Struct, frozen=True):
    metadata: ListMeta = ListMeta()
    items: tuple[msgspec.Raw, ...] | None = None


class _SnapshotStatus(Value, frozen=True):
    ready_to_use: bool = False


class _SnapshotLabels(Value, frozen=True):
    managed_by: str = msgspec.field(name="app.kubernetes.io/managed-by", default="")


class _SnapshotMeta(Value, frozen=True):
    labels: _SnapshotLabels = _SnapshotLabels()
    owner_references: tuple[OwnerReference, ...] = ()


class _Snapshot(Value, frozen=True):
    metadata: _SnapshotMeta = _SnapshotMeta()
    status: _SnapshotStatus | None = None

    @property
    def needs_its_claim(self) -> bool:
        if any(owner.kind == "PersistentVolumeClaim" for owner in self.metadata.owner_references):
            return True  # the garbage collector would take it along
        return not (self.status is not None and self.status.ready_to_use) and self.metadata.labels.managed_by != "kubectl-pets"


#: Made once, here: see kinds.
_RAW = msgspec.json.Decoder(_RawPage)
_SNAPSHOT = msgspec.json.Decoder(_Snapshot)


class _SearchedKind(ResourceKind[Any]):
    """A kind whose objects come back with what was found in them."""

    def __init__(self, kind: ServedKind, words: frozenset[bytes]) -> None:
        super().__init__(_Custom, f"/apis/{kind.group}/{kind.version}", kind.plural, kind.kind)
        self._words = words
        self._beginnings = _beginnings(words)

    def page(self, body: bytes, *, metadata_only: bool = False) -> Page[Any]:
        if b"\\" in body and _ESCAPED.search(body):
            body = msgspec.json.encode(msgspec.json.decode(body))
        page = super().page(body, metadata_only=metadata_only)
        if _SCALE_TARGET not in body and not self._has_words(body):
            return page
        raw = _RAW.decode(body).items or ()
        items = tuple(self._searched(item, bytes(each)) for item, each in zip(page.objects, raw, strict=True))
        return msgspec.structs.replace(page, items=items)

    def _has_words(self, body: bytes) -> bool:
        """What the names begin with is looked for first: that is some twenty times as fast as to take a page apart."""
        if self._beginnings and not any(each in body for each in self._beginnings):
            return False
        return not self._words.isdisjoint(_WORD.findall(body))

    def _searched(self, item: Any, raw: bytes) -> Any:
        words = self._words.intersection(_WORD.findall(raw))
        targets = _targets(msgspec.json.decode(raw)) if _SCALE_TARGET in raw else ()
        if words and self.resource == _SNAPSHOTS:
            words = words if _SNAPSHOT.decode(raw).needs_its_claim else frozenset()
        return msgspec.structs.replace(item, words=words, targets=targets)


def _beginnings(words: frozenset[bytes]) -> tuple[bytes, ...]:
    """What a page has to contain that holds one of the words: the names' first parts, behind a quote or a namespace. Empty where
    they are too many for that to be worth it."""
    names = (word.rpartition(b"/")[2].partition(b"-") for word in words)
    found = {mark + first + (dash or b'"') for first, dash, _ in names for mark in (b'"', b"/")}
    return tuple(sorted(found)) if len(found) <= _FEW_BEGINNINGS else ()


def _targets(whole: Any) -> tuple[ScaleTarget, ...]:
    """Every ``scaleTargetRef`` in an object, however deep."""
    found, left = [], [whole]
    while left:
        value = left.pop()
        if isinstance(value, list):
            left += value
        elif isinstance(value, dict):
            left += value.values()
            target = value.get("scaleTargetRef")
            if isinstance(target, dict):
                found.append(msgspec.convert({key: text for key, text in target.items() if isinstance(text, str)}, ScaleTarget))
    return tuple(found)


class _Found:
    """What was found in one namespace so far."""

    def __init__(self, namespace: str, searched: Searched) -> None:
        self.searched = searched
        self.left = set(searched.names)
        self.values = frozenset().union(*searched.labels.values()) if searched.labels else frozenset()
        self.named: dict[str, str] = {}
        self.living: dict[str, str] = {}
        self.scalers: list[CustomScaler] = []
        self.not_read: list[str] = []
        self._names = {name.encode(): name for name in searched.names}
        self._names |= {f"{namespace}/{name}".encode(): name for name in searched.names}
        self.words = frozenset(self._names)

    def take(self, kind: ServedKind, item: _Custom) -> None:
        subject = f"{kind.kind}/{item.metadata.name}"
        for word in item.words & self.words:
            self.named.setdefault(self._names[word], subject)
            self.left.discard(self._names[word])
        self.scalers += (CustomScaler(subject, target) for target in item.targets)
        if item.metadata.name in self.values and not item.targets and _may_make(kind):
            self.living.setdefault(item.metadata.name, subject)

    def use(self) -> CustomUse:
        return CustomUse(
            searched=self.searched.names,
            named=self.named,
            living=self.living,
            scalers=tuple(self.scalers),
            not_read=tuple(sorted(self.not_read)),
        )


def _may_make(kind: ServedKind) -> bool:
    return kind.group not in _NO_MAKERS and kind.resource not in _NO_MAKER_KINDS


def search(
    reader: Reader,
    discovered: CustomKinds | None,
    wanted: Mapping[str, Searched],
    *,
    ignored: frozenset[str],
    to_the_end: bool,
) -> dict[str, CustomUse]:
    """By namespace, what custom resources have to do with the claims that are ``wanted``. Kinds that are ``ignored``
    ("reports.example.org", "*.example.org") count as read. Ends as soon as something was found for every claim, unless
    ``to_the_end``."""
    if not wanted:
        return {}
    if discovered is None:
        return {each: CustomUse(not_read=(DISCOVERY,)) for each in wanted}
    unknown = [GROUP_PREFIX + group for group in sorted(discovered.unknown - _REPORTS)]
    found = {namespace: _Found(namespace, searched) for namespace, searched in wanted.items()}
    for each in found.values():
        each.not_read += (name for name in unknown if name not in ignored)
    read_already = {row.resource for row in LISTS if not row.version}
    kinds = [
        kind
        for kind in discovered.kinds
        if kind.resource not in read_already and kind.group not in _REPORTS and not ignores(ignored, kind.group, kind.plural)
    ]
    for at in range(0, len(kinds), _AT_ONCE):
        if not to_the_end and not any(each.left for each in found.values()):
            break
        _search(reader, kinds[at: at + _AT_ONCE], found)
    return {namespace: each.use() for namespace, each in found.items()}


def _search(reader: Reader, kinds: list[ServedKind], found: dict[str, _Found]) -> None:
    spaces: list[str | None] = [*found] if len(found) <= FEW_NAMESPACES else [None]
    words = frozenset().union(*(each.words for each in found.values()))
    asked = [(kind, _SearchedKind(kind, words), space) for kind in kinds for space in spaces]
    calls = [lambda each=each: _hits(reader, each[1], each[2], found) for each in asked]
    for (kind, _, space), hits in zip(asked, together(calls), strict=True):
        if hits is None:
            for each in found.values() if space is None else [found[space]]:
                each.not_read.append(kind.resource)
        for item in hits or ():
            found[item.metadata.namespace].take(kind, item)


def _hits(reader: Reader, kind: _SearchedKind, space: str | None, found: Mapping[str, _Found]) -> list[_Custom] | None:
    """The objects in which something was found, of the namespaces that are asked about; None where they cannot be read."""
    hits: list[_Custom] = []
    try:
        for page, first in reader.pages(kind, Scope(namespace=space)):
            if first:
                hits.clear()
            for item in page.objects:
                place = found.get(item.metadata.namespace)
                if place is not None and (item.words or item.targets or item.metadata.name in place.values):
                    hits.append(item)
    except (ForbiddenError, NotFoundError, ServerError, RecursionError):
        return None
    return hits
