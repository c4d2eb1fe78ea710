"""The kinds of objects that are read: where they live in the API, what they are called, how they are decoded.

Bodies are decoded into Structs as they are. Should one object not fit (another controller may keep anything at all in its
ControllerRevisions), its nulls are dropped and it is tried again by itself, so that it does not spoil the others.

Decoders are made where modules are loaded, here and elsewhere, or one after the other: msgspec finds out what a type holds when
it first meets it, and the interpreter crashes should two threads do so at once (msgspec 0.22).
"""

from threading import Lock
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from kubectl_pets.domain.dns.network import EndpointSlice, Service
from kubectl_pets.domain.model import (
    ControllerRevision,
    LabelSelector,
    Object,
    PersistentVolumeClaim,
    Pod,
    StatefulSet,
)

T = TypeVar("T", bound=Object)


class ListMeta(msgspec.Struct, frozen=True, rename="camel"):
    resource_version: str = ""
    continue_: str = msgspec.field(name="continue", default="")


class Page(msgspec.Struct, Generic[T], frozen=True, rename="camel"):
    """One page of a list; servers send ``"items": null`` for an empty one."""

    metadata: ListMeta = ListMeta()
    items: tuple[T, ...] | None = None


class _RawPage(msgspec.Struct, frozen=True):
    metadata: ListMeta = ListMeta()
    items: tuple[msgspec.Raw, ...] | None = None


_RAW_PAGE = msgspec.json.Decoder(_RawPage)

_MAKING = Lock()


class ResourceKind(Generic[T]):
    """One kind. ``optional``: an object that cannot be decoded is left out rather than being an error."""

    def __init__(self, type: type[T], base: str, plural: str, word: str, *, optional: bool = False) -> None:
        self.type, self.base, self.plural, self.word = type, base, plural, word
        group = base.split("/")[2] if base.startswith("/apis/") else ""
        self.resource = f"{plural}.{group}" if group else plural
        self._optional = optional
        with _MAKING:
            self._one = msgspec.json.Decoder(type)
            self._page = msgspec.json.Decoder(Page[type])  # type: ignore[valid-type]

    def path(self, namespace: str | None, name: str = "") -> str:
        """``namespace`` None: all of them."""
        path = self.base
        if namespace is not None:
            path += f"/namespaces/{quote(namespace, safe='')}"
        path += f"/{self.plural}"
        return f"{path}/{quote(name, safe='')}" if name else path

    def one(self, body: bytes | msgspec.Raw) -> T:
        """Raises msgspec.MsgspecError."""
        try:
            return self._one.decode(body)
        except msgspec.ValidationError:
            return msgspec.convert(_without_nulls(msgspec.json.decode(body)), self.type)

    def page(self, body: bytes) -> Page[T]:
        """Raises msgspec.MsgspecError."""
        try:
            return self._page.decode(body)
        except msgspec.ValidationError:
            raw = _RAW_PAGE.decode(body)
        found = (self.fitting(item) for item in raw.items or ())
        return Page(metadata=raw.metadata, items=tuple(item for item in found if item is not None))

    def fitting(self, body: bytes | msgspec.Raw) -> T | None:
        """One object; None where it does not fit and need not."""
        try:
            return self.one(body)
        except msgspec.ValidationError:
            if self._optional:
                return None
            raise


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value if inner is not None]
    return value


_APPS, _CORE = "/apis/apps/v1", "/api/v1"

SETS = ResourceKind(StatefulSet, _APPS, "statefulsets", "StatefulSet")
PODS = ResourceKind(Pod, _CORE, "pods", "pod")
REVISIONS = ResourceKind(ControllerRevision, _APPS, "controllerrevisions", "ControllerRevision", optional=True)
SERVICES = ResourceKind(Service, _CORE, "services", "Service")
SLICES = ResourceKind(EndpointSlice, "/apis/discovery.k8s.io/v1", "endpointslices", "EndpointSlice")
CLAIMS = ResourceKind(PersistentVolumeClaim, _CORE, "persistentvolumeclaims", "PersistentVolumeClaim")

#: Where a name is looked for when there is no such set.
COUSINS = (
    ResourceKind(Object, _APPS, "deployments", "Deployment"),
    ResourceKind(Object, _APPS, "daemonsets", "DaemonSet"),
)
NAMESPACES = ResourceKind(Object, _CORE, "namespaces", "namespace")


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


def claim_selector(selector: LabelSelector) -> str:
    """The labels that claims get from their set: the controller copies ``matchLabels`` onto them, expressions it cannot."""
    return selector_text(LabelSelector(match_labels=selector.match_labels))
