"""Searches custom resources for the names of claims, for autoscalers, and for who may make sets.

Every namespaced kind is read that the server has, because any of them may name a claim as a string (VolSync's sourcePVC, a
virtual machine at rest, a workflow). A page at a time is searched as bytes and let go; only what was found is kept. Secrets are
none of these kinds, and are never read.

What is in no namespace may name a claim as well: a ClusterWorkflowTemplate has its volumes with it and is run in any namespace
(argoproj WorkflowSpec.volumes, workflowTemplateRef.clusterScope). And a name may be only begun, with the ordinal to be filled in:
``data-web-{{item}}`` (argoproj/argo-workflows#749), ``data-web-$(params.ordinal)``, ``data-web-*``.
"""

import re
from collections.abc import Iterator, Mapping
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

#: Custom resources may have a megabyte each: of so many a first page is held without harm.
FIRST_PAGE = 50
#: So many kinds are read at once: first a few, in which all may be found; then as many as connections are kept for (``pools``).
#: What a short list takes is mostly that the server waits until its cache is known to be as new as etcd, up to a tenth of a
#: second (KEP-2340).
_FIRST, _AT_ONCE = 8, 15
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

#: What these have in no namespace names snapshots and handles of volumes, and no claims (VolumeSnapshotContentSpec).
_NAMES_NO_CLAIMS = frozenset(("groupsnapshot.storage.k8s.io", "snapshot.storage.k8s.io"))

#: These route, guard, watch and copy what others make: one that is called like a claim's label, or set, makes no set of it.
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

#: What may be the name of a claim: a whole string, or a word within one (KServe's ``pvc://NAME/path``, Helm values as a text, an
#: argument, JSON in an annotation). Go writes these characters as they are; all others part words. To take bytes apart so is
#: some ten times as fast as by a pattern.
_PARTING = bytes(each if chr(each).isascii() and (chr(each).isalnum() or chr(each) in "_.-") else 32 for each in range(256))
#: The same characters as other encoders may write them.
_ESCAPED = re.compile(rb"\\(?:/|u00(?:2[def]|3[0-9]|[67][0-9a-fA-F]))", re.IGNORECASE)
#: Ends of lines and tabs within a string, which part words as well.
_BLANKS = (b"\\n", b"\\r", b"\\t")
_SCALE_TARGET = b'"scaleTargetRef"'
#: A kind that is called so scales what it points to, whatever it calls that field (DatadogPodAutoscaler's ``targetRef``).
_SCALER = re.compile("scal(?:er|ing|ed)", re.IGNORECASE)
#: What it may point to, in small letters.
_SETS = frozenset(("leaderworkerset", "statefulset"))
#: But these change what a pod gets, and not how many there are.
_NO_SCALERS = frozenset(("autoscaling.k8s.io",))


class _Meta(Value, frozen=True):
    name: str = ""
    namespace: str = ""


class _Custom(Value, frozen=True):
    """A custom resource, as far as it was searched."""

    metadata: _Meta = _Meta()
    unreadable: str = msgspec.field(name="kubectl-pets/unreadable", default="")  #: as in ``model.Object``
    words: frozenset[bytes] = msgspec.field(name="kubectl-pets/words", default=frozenset())
    targets: tuple[ScaleTarget, ...] = msgspec.field(name="kubectl-pets/targets", default=())
    #: Of one that is in no namespace: the words by the namespaces whose claims they may be.
    words_in: dict[str, frozenset[bytes]] = msgspec.field(name="kubectl-pets/words-in", default={})


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

    first_page = FIRST_PAGE

    def __init__(self, kind: ServedKind, words: frozenset[bytes], spaces: tuple[str, ...] = ()) -> None:
        """``spaces``: the namespaces that are asked about, for a kind whose objects are in none."""
        super().__init__(_Custom, f"/apis/{kind.group}/{kind.version}", kind.plural, kind.kind)
        self._words, self._spaces = words, spaces
        self._beginnings = _beginnings(words)
        self._scales = _SCALER.search(kind.kind) is not None and kind.group not in _NO_SCALERS

    def page(self, body: bytes, *, metadata_only: bool = False) -> Page[Any]:
        if b"\\" in body and _ESCAPED.search(body):
            body = msgspec.json.encode(msgspec.json.decode(body))
        page = super().page(body, metadata_only=metadata_only)
        if _SCALE_TARGET not in body and not self._scales and not self._has_words(body):
            return page
        raw = _RAW.decode(body).items or ()
        items = tuple(self._searched(item, bytes(each)) for item, each in zip(page.objects, raw, strict=True))
        return msgspec.structs.replace(page, items=items)

    def _has_words(self, body: bytes) -> bool:
        """What the names begin with is looked for first: that is some ten times as fast as to take a page apart."""
        return not self._words.isdisjoint(self._candidates(body))

    def _candidates(self, body: bytes) -> Iterator[bytes]:
        if not self._beginnings:
            yield from _unescaped(body).translate(_PARTING).split()
        for beginning, rest in self._beginnings:
            if beginning in body:
                yield from rest.findall(body)

    def _searched(self, item: Any, raw: bytes) -> Any:
        found = self._words.intersection(self._candidates(raw))
        if self._spaces:
            about = _about(msgspec.json.decode(raw), self._spaces) if found else ()
            words_in = {space: found & _names(raw, space.encode()) for space in about}
            return msgspec.structs.replace(item, words_in=words_in)
        words = found & _names(raw, item.metadata.namespace.encode()) if found else found
        targets = _targets(msgspec.json.decode(raw), self._scales) if self._scales or _SCALE_TARGET in raw else ()
        if words and self.resource == _SNAPSHOTS:
            words = words if _SNAPSHOT.decode(raw).needs_its_claim else frozenset()
        return msgspec.structs.replace(item, words=words, targets=targets)


def _unescaped(body: bytes) -> bytes:
    if b"\\" in body:
        for blank in _BLANKS:
            body = body.replace(blank, b" ")
    return body


def _names(raw: bytes, namespace: bytes) -> frozenset[bytes]:
    """The words that stand somewhere as the name of a claim of this namespace, and not only as that of another one's
    (``test/data-web-0``) or as a part of a path: behind a slash only with this namespace, a scheme or a kind before it. All in
    one go, for an object may list every claim that there is."""
    kinds = rb"(?i:pvc|persistentvolumeclaims?)"
    before = rb"(?:(?<![A-Za-z0-9_.-])(?:%b|%b)/|(?<![A-Za-z0-9_./-])|(?<=//))" % (re.escape(namespace), kinds)
    return frozenset(re.findall(before + rb"([a-z0-9][A-Za-z0-9_.-]*)", _unescaped(raw)))


def _about(whole: Any, spaces: tuple[str, ...]) -> tuple[str, ...]:
    """Which of the namespaces an object may mean that is in none: those that it names, in whatever field is called after
    namespaces; all of them where it names none."""
    named: set[str] = set()
    for value in _maps_in(whole):
        for key, inner in value.items():
            if key.lower().endswith(("namespace", "namespaces")):
                values = inner if isinstance(inner, list) else [inner]
                named.update(each for each in values if isinstance(each, str) and each)
    return tuple(space for space in spaces if not named or space in named)


def _beginnings(words: frozenset[bytes]) -> tuple[tuple[bytes, re.Pattern[bytes]], ...]:
    """What a page has to contain that holds one of the words, the names' first parts, and what a word with it looks like. Empty
    where they are too many for that to be worth it."""
    names = (word.partition(b"-") for word in words)
    found = {first + dash for first, dash, _ in names}
    few = sorted(found) if len(found) <= _FEW_BEGINNINGS else ()
    return tuple((each, re.compile(re.escape(each) + rb"[A-Za-z0-9_.-]*")) for each in few)


def _targets(whole: Any, scales: bool) -> tuple[ScaleTarget, ...]:
    """Every ``scaleTargetRef`` in an object, however deep; where its kind ``scales``, whatever of its spec points to a set."""
    named = (value.get("scaleTargetRef") for value in _maps_in(whole))
    found = [_target(each) for each in named if isinstance(each, dict)]
    if scales:
        found += (each for each in _sets_in(whole.get("spec")) if each not in found)
    return tuple(found)


def _sets_in(spec: Any) -> Iterator[ScaleTarget]:
    for value in _maps_in(spec):
        target = _target(value)
        if target.name and target.kind.lower() in _SETS:
            yield target


def _maps_in(whole: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object in a decoded value, however deep, itself included."""
    left = [whole]
    while left:
        value = left.pop()
        if isinstance(value, list):
            left += value
        elif isinstance(value, dict):
            left += value.values()
            yield value


def _target(said: dict[str, Any]) -> ScaleTarget:
    return msgspec.convert({key: text for key, text in said.items() if isinstance(text, str)}, ScaleTarget)


class _Found:
    """What was found in one namespace so far."""

    def __init__(self, searched: Searched) -> None:
        self.searched = searched
        self.left = set(searched.names)
        self.values = frozenset().union(*searched.makers.values()) if searched.makers else frozenset()
        self.named: dict[str, str] = {}
        self.living: dict[str, str] = {}
        self.scalers: list[CustomScaler] = []
        self.not_read: list[str] = []
        self._names: dict[bytes, list[str]] = {}
        for name in searched.names:
            for word in _words_for(name):
                self._names.setdefault(word, []).append(name)
        self.words = frozenset(self._names)

    def name(self, words: frozenset[bytes], subject: str) -> None:
        for word in words & self.words:
            for name in self._names[word]:
                self.named.setdefault(name, subject)
                self.left.discard(name)

    def take(self, kind: ServedKind, item: _Custom) -> None:
        subject = f"{kind.kind}/{item.metadata.name}"
        self.name(item.words, subject)
        self.scalers += (CustomScaler(subject, target) for target in item.targets)
        if item.metadata.name in self.values and not item.targets and may_make(kind):
            self.living.setdefault(item.metadata.name, subject)

    def use(self) -> CustomUse:
        return CustomUse(
            searched=self.searched.names,
            named=self.named,
            living=self.living,
            scalers=tuple(self.scalers),
            not_read=tuple(sorted(self.not_read)),
        )


def _words_for(name: str) -> tuple[bytes, ...]:
    """The name of a claim; and what it begins with where only the ordinal is to be filled in."""
    beginning, dash, ordinal = name.rpartition("-")
    return (name.encode(), f"{beginning}-".encode()) if dash and ordinal.isdecimal() else (name.encode(),)


def may_make(kind: ServedKind) -> bool:
    """Whether one of this kind may make sets, by what is known of the kind."""
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
    ``to_the_end``. Kinds that are in no namespace are read as far as they may be: whoever has rights in namespaces only has none
    to them, and would otherwise never be told of a candidate."""
    if not wanted:
        return {}
    if discovered is None:
        return {each: CustomUse(not_read=(DISCOVERY,)) for each in wanted}
    unknown = [GROUP_PREFIX + group for group in sorted(discovered.unknown - _REPORTS)]
    found = {namespace: _Found(searched) for namespace, searched in wanted.items()}
    for each in found.values():
        each.not_read += (name for name in unknown if name not in ignored)
    read_already = {row.resource for row in LISTS if not row.version}

    def asked(kinds: tuple[ServedKind, ...]) -> list[ServedKind]:
        left = (kind for kind in kinds if kind.resource not in read_already and kind.group not in _REPORTS)
        return [kind for kind in left if not ignores(ignored, kind.group, kind.plural)]

    clusterwide = tuple(kind for kind in discovered.clusterwide if kind.group not in _NAMES_NO_CLAIMS)
    for kinds, look in ((asked(discovered.kinds), _search), (asked(clusterwide), _search_clusterwide)):
        batch, kinds = kinds[:_FIRST], kinds[_FIRST:]
        while batch and (to_the_end or any(each.left for each in found.values())):
            look(reader, batch, found)
            batch, kinds = kinds[:_AT_ONCE], kinds[_AT_ONCE:]
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


def _search_clusterwide(reader: Reader, kinds: list[ServedKind], found: dict[str, _Found]) -> None:
    words = frozenset().union(*(each.words for each in found.values()))
    asked = [_SearchedKind(kind, words, tuple(found)) for kind in kinds]
    calls = [lambda each=each: _hits_clusterwide(reader, each) for each in asked]
    for kind, hits in zip(kinds, together(calls), strict=True):
        if hits is None:
            for each in found.values():
                each.not_read.append(kind.resource)
        for item in hits or ():
            for space, named in item.words_in.items():
                found[space].name(named, f"{kind.kind}/{item.metadata.name}")


def _hits_clusterwide(reader: Reader, kind: _SearchedKind) -> list[_Custom] | None:
    """The objects that name a claim; None where they cannot be read though they may be."""
    hits: list[_Custom] = []
    try:
        for page, first in reader.pages(kind, Scope(namespace=None)):
            if first:
                hits.clear()
            hits += (item for item in page.objects if item.words_in)
    except ForbiddenError:
        return []
    except (NotFoundError, ServerError, RecursionError):
        return None
    return hits


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
