"""The kinds of objects that are read: where they live in the API, what they are called, how they are decoded.

Nothing counts that is not what was asked for: a list has its kind, its apiVersion and its items, an object its kind, apiVersion
and name. A gateway's ``{}`` with status 200 is no empty list.

Bodies are decoded into Structs as they are. Should one object not fit (another controller may keep anything at all in its
ControllerRevisions), its nulls are dropped and it is tried again by itself; should it still not fit, it is handed on as one that
is unreadable, with its name, so that it costs itself and not the others.

Decoders are made where modules are loaded, here and elsewhere, or one after the other: msgspec finds out what a type holds when
it first meets it, and the interpreter crashes should two threads do so at once (msgspec 0.22).
"""

import re
from threading import Lock
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.model import (
    ControllerRevision,
    LabelSelector,
    Object,
    ObjectMeta,
    OwnerReference,
    PersistentVolumeClaim,
    Pod,
    StatefulSet,
)
from kubectl_pets.domain.sets.kinds import ALL_KINDS, APPS_SET, Capability, SetKind
from kubectl_pets.errors import UsageError

T = TypeVar("T", bound=Object)

#: What an answer may hold that is asked for as metadata only (metav1.PartialObjectMetadataList).
_PARTIAL = ("PartialObjectMetadataList", "meta.k8s.io/v1")

#: What is nested deeper than this is no field that is read; the API server takes managedFields of 10,000 levels, and a decoder
#: that recurses does not.
_DEEPEST = 100

#: Strings, and the brackets outside of them.
_NESTING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)

#: IsDNS1123Label and IsDNS1123Subdomain (apimachinery util/validation); RBAC's names, which may hold more, are never read here.
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


class ListMeta(msgspec.Struct, frozen=True, rename="camel"):
    resource_version: str = ""
    continue_: str = msgspec.field(name="continue", default="")


class Page(msgspec.Struct, Generic[T], frozen=True, rename="camel"):
    """One page of a list; some servers send ``"items": null`` for an empty one, none leaves it out."""

    api_version: str = ""
    kind: str = ""
    metadata: ListMeta = ListMeta()
    items: tuple[T, ...] | None | msgspec.UnsetType = msgspec.UNSET

    @property
    def objects(self) -> tuple[T, ...]:
        return self.items or ()


class _RawPage(msgspec.Struct, frozen=True, rename="camel"):
    api_version: str = ""
    kind: str = ""
    metadata: ListMeta = ListMeta()
    items: tuple[msgspec.Raw, ...] | None | msgspec.UnsetType = msgspec.UNSET


class _Head(msgspec.Struct, frozen=True, rename="camel"):
    """The apiVersion and kind of an object; nothing else of it is decoded."""

    api_version: str = ""
    kind: str = ""
    metadata: msgspec.Raw = msgspec.Raw(b"{}")


class _Named(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""


class _Labelled(msgspec.Struct, frozen=True):
    labels: dict[str, str] = {}


class _OwnedBy(msgspec.Struct, frozen=True, rename="camel"):
    owner_references: tuple[OwnerReference, ...] = ()


_RAW_PAGE = msgspec.json.Decoder(_RawPage)
_HEAD = msgspec.json.Decoder(_Head)
_NAMED = msgspec.json.Decoder(_Named)
_LABELLED = msgspec.json.Decoder(_Labelled)
_OWNED_BY = msgspec.json.Decoder(_OwnedBy)

_MAKING = Lock()

#: Of each type, what decodes one object, and a page of a list: twelve kinds of sets are one type.
_MADE: dict[type[Object], tuple[Any, Any]] = {}


class ResourceKind(Generic[T]):
    """One kind, such as "Pod" at "/api/v1" in "pods". ``optional``: an object that cannot be decoded is left out, because whoever
    wrote it is not who is asked about."""

    #: How many objects the first page of a list has, where its pages are to fit how large these are; 0: as many as of all lists.
    first_page = 0

    def __init__(self, type: type[T], base: str, plural: str, kind: str, *, optional: bool = False) -> None:
        self.type, self.base, self.plural, self.kind = type, base, plural, kind
        self.api_version = base.removeprefix("/apis/").removeprefix("/api/")
        group = base.split("/")[2] if base.startswith("/apis/") else ""
        self.resource = f"{plural}.{group}" if group else plural
        #: Of the groups that no custom resource may have: its lists begin with what they are, so they can be cut (``pieces``).
        self.is_cut = base == "/api/v1" or base == "/apis/apps/v1"
        self._optional = optional
        with _MAKING:
            if type not in _MADE:
                _MADE[type] = msgspec.json.Decoder(type), msgspec.json.Decoder(Page[type])  # type: ignore[valid-type]
            self._one: msgspec.json.Decoder[T]
            self._page: msgspec.json.Decoder[Page[T]]
            self._one, self._page = _MADE[type]

    def path(self, namespace: str | None, name: str = "") -> str:
        """``namespace`` None: all of them. Raises UsageError for what can be the name of nothing: it never reaches the wire."""
        path = self.base
        if namespace is not None:
            if not _LABEL.fullmatch(namespace):
                raise UsageError(f"'{clean(namespace)}' cannot be the name of a namespace: it is no DNS label (RFC 1123).")
            path += f"/namespaces/{namespace}"
        path += f"/{self.plural}"
        if not name:
            return path
        if len(name) > 253 or not _SUBDOMAIN.fullmatch(name):
            raise UsageError(f"'{clean(name)}' cannot be the name of a {self.kind}: it is no DNS subdomain (RFC 1123).")
        return f"{path}/{quote(name, safe='')}"

    def one(self, body: bytes, name: str, namespace: str | None) -> T:
        """The object of that name; one that cannot be decoded is handed on as unreadable. Raises msgspec.MsgspecError where
        the body is something else, or of another object."""
        found = self.any(body)
        if found.name != name or found.namespace != (namespace or ""):
            raise msgspec.ValidationError(f"it is about {found.namespace}/{found.name}")
        return found

    def any(self, body: bytes | msgspec.Raw) -> T:
        """As ``one``, whatever its name."""
        body, head = _headed(body)
        if (head.kind, head.api_version) != (self.kind, self.api_version):
            raise msgspec.ValidationError(self._instead(self.kind, head.kind, head.api_version))
        found = self._readable(body)
        if not found.name:
            raise msgspec.ValidationError(f"the {self.kind} has no name")
        return found

    def page(self, body: bytes, *, metadata_only: bool = False) -> Page[T]:
        """One page of a list. Raises msgspec.MsgspecError where the body is something else."""
        page: Page[T]
        try:
            page = self._page.decode(body)
        except (msgspec.ValidationError, RecursionError):
            page = self._item_by_item(body)
        wanted = (f"{self.kind}List", self.api_version)
        if (page.kind, page.api_version) != wanted and not (metadata_only and (page.kind, page.api_version) == _PARTIAL):
            raise msgspec.ValidationError(self._instead(wanted[0], page.kind, page.api_version))
        if page.items is msgspec.UNSET:
            raise msgspec.ValidationError(f"the {page.kind} has no items")
        if not all(item.metadata.name for item in page.objects):
            raise msgspec.ValidationError(f"the {page.kind} has an item without a name")
        return page

    def _item_by_item(self, body: bytes) -> Page[T]:
        try:
            raw = _RAW_PAGE.decode(body)
        except RecursionError:
            raw = _RAW_PAGE.decode(pruned(body))
        items: tuple[T, ...] | None | msgspec.UnsetType = msgspec.UNSET
        if raw.items is not msgspec.UNSET:
            found = (self._readable(item) for item in raw.items or ())
            items = tuple(item for item in found if not self.skips(item))
        return Page(api_version=raw.api_version, kind=raw.kind, metadata=raw.metadata, items=items)

    def _readable(self, body: bytes | msgspec.Raw) -> T:
        try:
            return self._one.decode(body)
        except msgspec.ValidationError as error:
            problem = str(error)
        try:
            return msgspec.convert(_without_nulls(msgspec.json.decode(body)), self.type)
        except (msgspec.ValidationError, RecursionError):
            return self.type(api_version=self.api_version, kind=self.kind, metadata=_metadata(body), unreadable=problem)

    def skips(self, item: T) -> bool:
        """Whether this one is left out, as in a list."""
        return bool(item.unreadable) and self._optional

    def _instead(self, wanted: str, kind: str, api_version: str) -> str:
        came = f"a {kind} of {api_version or 'no apiVersion'}" if kind else "an object without a kind"
        return f"a {wanted} of {self.api_version} was asked for, {came} came"


def _headed(body: bytes | msgspec.Raw) -> tuple[bytes | msgspec.Raw, _Head]:
    """The body as it can be decoded, and its head."""
    try:
        return body, _HEAD.decode(body)
    except RecursionError:
        body = pruned(bytes(body))
        return body, _HEAD.decode(body)


def pruned(body: bytes) -> bytes:
    """The same with null in place of what is nested too deep to be decoded."""
    parts, depth, kept = [], 0, 0
    for found in _NESTING.finditer(body):
        match found[0]:
            case b"{" | b"[":
                depth += 1
                if depth == _DEEPEST:
                    parts.append(body[kept:found.start()])
            case b"}" | b"]":
                if depth == _DEEPEST:
                    parts.append(b"null")
                    kept = found.end()
                depth -= 1
    if depth >= _DEEPEST:
        return body  # it does not end: no decoder takes it either
    parts.append(body[kept:])
    return b"".join(parts)


def _metadata(body: bytes | msgspec.Raw) -> ObjectMeta:
    """What can be known of an object that cannot be decoded. Raises msgspec.ValidationError where not even its name can."""
    meta = _HEAD.decode(body).metadata
    named = _NAMED.decode(meta)
    if not named.name:
        raise msgspec.ValidationError("an object has no name")
    labels: dict[str, str] = {}
    owners: tuple[OwnerReference, ...] = ()
    try:
        labels = _LABELLED.decode(meta).labels
        owners = _OWNED_BY.decode(meta).owner_references
    except msgspec.ValidationError:
        pass  # then nobody knows whose it is
    return ObjectMeta(
        name=named.name,
        namespace=named.namespace,
        uid=named.uid,
        resource_version=named.resource_version,
        labels=labels,
        owner_references=owners,
    )


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value if inner is not None]
    return value


_APPS, _CORE = "/apis/apps/v1", "/api/v1"

SETS_OF = {
    kind.group: ResourceKind(StatefulSet, f"/apis/{kind.api_version}", kind.plural, kind.kind) for kind in ALL_KINDS
}
SETS = SETS_OF[APPS_SET.group]
_OTHER_VERSIONS: dict[str, ResourceKind[StatefulSet]] = {}


def sets_of(kind: SetKind) -> ResourceKind[StatefulSet]:
    """How sets of a kind are read, at the version that it says (``Discovery.served``)."""
    usual = SETS_OF[kind.group]
    if kind.api_version == usual.api_version:
        return usual
    other = ResourceKind(StatefulSet, f"/apis/{kind.api_version}", kind.plural, kind.kind)
    return _OTHER_VERSIONS.setdefault(kind.api_version, other)


PODS = ResourceKind(Pod, _CORE, "pods", "Pod")
REVISIONS = ResourceKind(ControllerRevision, _APPS, "controllerrevisions", "ControllerRevision", optional=True)
CLAIMS = ResourceKind(PersistentVolumeClaim, _CORE, "persistentvolumeclaims", "PersistentVolumeClaim")

#: Where a name is looked for when there is no such set.
COUSINS = (
    ResourceKind(Object, _APPS, "deployments", "Deployment"),
    ResourceKind(Object, _APPS, "daemonsets", "DaemonSet"),
)
NAMESPACES = ResourceKind(Object, _CORE, "namespaces", "Namespace")


def selector_text(selector: LabelSelector) -> str:
    """A selector as the API takes it in a query."""
    terms = [f"{key}={value}" for key, value in sorted(selector.match_labels.items())]
    for wanted in selector.match_expressions:
        values = ",".join(sorted(wanted.values))
        match wanted.operator:
            case "In":
                terms.append(f"{wanted.key} in ({values})")
            case "NotIn":
                terms.append(f"{wanted.key} notin ({values})")
            case "Exists":
                terms.append(wanted.key)
            case "DoesNotExist":
                terms.append(f"!{wanted.key}")
    return ",".join(terms)


def claim_selector(selector: LabelSelector, kind: SetKind = APPS_SET) -> str:
    """The labels that claims get from their set: the controller copies ``matchLabels`` onto them, expressions it cannot. Those of
    sets of named pods get labels of their own: empty, any claim may be one."""
    if Capability.NAMED in kind.can:
        return ""
    return selector_text(LabelSelector(match_labels=selector.match_labels))
