"""Objects of one kind, read by name or as a list, page by page.

Nothing counts that is not what was asked for; an object that cannot be decoded is an error that names it, or, for who says that
such ones are told apart, handed on as unreadable.

Every read asks for the newest (no ``resourceVersion``): verdicts rest on what comes back. A page, or a piece of a list that comes
whole, is decoded when it arrives, so a list of any length costs the memory of its Structs and of one page.
"""

from collections.abc import Callable, Iterator, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from kubectl_pets.cluster.http.failures import Attempt, clean, unintelligible
from kubectl_pets.cluster.http.pools import Exchange
from kubectl_pets.cluster.http.transport import Request, Transport
from kubectl_pets.cluster.objects.kinds import Page, ResourceKind
from kubectl_pets.cluster.objects.pieces import can_be_cut, cut
from kubectl_pets.domain.model import Object, ServerVersion
from kubectl_pets.errors import (
    ExpiredError,
    ForbiddenError,
    NotFoundError,
    ServerError,
    ThrottledError,
    UnreachableError,
    UnreadableError,
)
from kubectl_pets.pasting import kubectl

if TYPE_CHECKING:
    from kubectl_pets.cluster.objects.discovery import Discovery

T = TypeVar("T", bound=Object)
_A = TypeVar("_A")

#: As kubectl's --chunk-size.
_CHUNK = 500
#: Objects of which nobody knows how large they are come in pages of about so many bytes, of no fewer than so many.
_PAGE_BYTES, _FEWEST = 2_000_000, 20

#: Pages of a list without an object.
_MOST_EMPTY = 100

#: Pages of a list, or pieces of one that comes whole; its objects; its bytes: more than any cluster holds, whose etcd has 8 GiB.
_MOST_PAGES = 1 << 15
_MOST_OBJECTS = 5_000_000
_MOST_BYTES = 1 << 34

#: Bytes of a list in one piece that are decoded at a time.
_BLOCK = 1 << 19

#: Since when the API server encodes lists as a stream (KEP-5116, on by default).
_STREAMING = (1, 33, 0)

#: What a long list may meet on its way that a short one may not.
_CUT_OFF = (UnreachableError, ServerError, ThrottledError)

_METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"

#: What decoding raises for a body that is not what it should be; RecursionError for one that is nested too deep.
UNINTELLIGIBLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_VERSION = msgspec.json.Decoder(ServerVersion)


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Which objects of a kind. ``namespace`` None: those of all namespaces."""

    namespace: str | None
    labels: str = ""
    name: str = ""  #: only the one of this name
    about: str = ""  #: of events: only those about objects of this name
    reason: str = ""  #: of events: only those with this reason

    @property
    def is_all(self) -> bool:
        """Whether these are all that there are."""
        return self.namespace is None and not (self.labels or self.name or self.about or self.reason)

    def query(self) -> list[tuple[str, str]]:
        query = []
        if self.labels:
            query.append(("labelSelector", self.labels))
        fields = {"metadata.name": self.name, "involvedObject.name": self.about, "reason": self.reason}
        chosen = ",".join(f"{field}={value}" for field, value in fields.items() if value)
        if chosen:
            query.append(("fieldSelector", chosen))
        return query

    def attempt(self, verb: str, kind: ResourceKind[T]) -> Attempt:
        return Attempt(verb, kind.resource, self.name, self.namespace)


class Listing(msgspec.Struct, Generic[T], frozen=True):
    """A whole list, and the version of the world that it shows."""

    items: tuple[T, ...]
    resource_version: str


class _Extent:
    """How much of a list has come. Objects come in the order of their keys, so no two pages begin alike; a page without any is
    what is left of one whose objects were left out."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._told: set[object] = set()
        self._pages = self._empty = self._objects = self._bytes = 0

    def add(self, page: Page[Any], length: int, more: str = "") -> None:
        """One more page of so many bytes, which goes on at ``more``. Raises ServerError where the list does not end."""
        start = (page.objects[0].metadata.namespace, page.objects[0].metadata.name) if page.objects else None
        if more in self._told or start in self._told:
            raise unintelligible(self._attempt, "the list does not end: it goes on where it was before")
        self._told |= {each for each in (more, start) if each}
        self._pages += 1
        self._empty += start is None
        self._objects += len(page.objects)
        self._bytes += length
        if (
            self._empty > _MOST_EMPTY
            or self._pages > _MOST_PAGES
            or self._objects > _MOST_OBJECTS
            or self._bytes > _MOST_BYTES
        ):
            raise unintelligible(self._attempt, "the list does not end: it is longer than any that a cluster can hold")


def _fitting(kind: ResourceKind[Any], chunk: str, size: int) -> str:
    """How many objects the next page of a list is to have, after one of so many that was so large."""
    return str(max(_FEWEST, min(_CHUNK, int(chunk) * _PAGE_BYTES // max(size, 1)))) if kind.first_page and chunk else chunk


class Reader:
    """Reads objects; what it raises is a PetsError always."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._version: ServerVersion | None = None
        self._version_known = False
        self._lock = Lock()
        #: A list was longer than a page, and the server sent it in one piece.
        self._met_long_list = False
        self._discovery: Discovery | None = None

    def one(
        self,
        kind: ResourceKind[T],
        namespace: str | None,
        name: str,
        exchange: Exchange | None = None,
        *,
        unreadable: bool = False,
    ) -> T:
        """The object of that name. ``unreadable``: one that cannot be decoded is handed on, marked as such; otherwise that is
        an UnreadableError. Raises NotFoundError, UsageError for what can be no name, any other PetsError."""
        attempt = Attempt("get", kind.resource, name, namespace or "")
        body = self._transport.send(Request(method="GET", path=kind.path(namespace, name), attempt=attempt), exchange)
        try:
            found = kind.one(body, name, namespace)
        except UNINTELLIGIBLE as error:
            raise unintelligible(attempt, str(error)) from None
        if found.unreadable and not unreadable:
            raise undecodable(kind, found)
        return found

    def listing(
        self,
        kind: ResourceKind[T],
        scope: Scope,
        exchange: Exchange | None = None,
        *,
        unreadable: bool = False,
        share: Callable[[T], None] | None = None,
    ) -> Listing[T]:
        """All objects of the scope. ``unreadable`` as in ``one``. ``share`` is called with each as it arrives, to have them share
        what is alike."""
        items: list[T] = []
        version = ""
        for page, first in self.pages(kind, scope, exchange):
            if first:
                items.clear()
            items.extend(page.objects)
            if share is not None:
                for item in page.objects:
                    share(item)
            version = page.metadata.resource_version
        spoilt = None if unreadable else next((item for item in items if item.unreadable), None)
        if spoilt is not None:
            raise undecodable(kind, spoilt)
        return Listing(tuple(items), version)

    def pages(
        self, kind: ResourceKind[T], scope: Scope, exchange: Exchange | None = None, *, metadata_only: bool = False
    ) -> Iterator[tuple[Page[T], bool]]:
        """The pages of a list, each with whether it is a first one: should the server forget the list half-way, the whole of
        it comes again. So it does where it is longer than a page and the server can send it in one piece without holding it: then
        the pages are what has arrived of that. In a cluster where one such list was met, no page is asked for first of others
        that are of all namespaces."""
        paged = False
        if self._met_long_list and scope.is_all and kind.is_cut:
            try:
                yield from self._whole(kind, scope, exchange, metadata_only)
                return
            except _CUT_OFF:
                paged = True
        more, chunk, first = "", str(kind.first_page or _CHUNK), True
        extent = _Extent(scope.attempt("list", kind))
        while True:
            request = _request(kind, scope, metadata_only, limit=chunk, more=more)
            try:
                body = self._transport.send(request, exchange)
            except ExpiredError:
                if not more:
                    raise
                more, chunk, first = "", "", True  # in one piece it cannot expire again
                extent = _Extent(request.attempt)
                continue
            page = _decoded(kind, scope, request, metadata_only)(body)
            more = page.metadata.continue_
            if first and more and not paged and can_be_cut(body) and self._streams_lists():
                try:
                    yield from self._whole(kind, scope, exchange, metadata_only)
                    return
                except _CUT_OFF:
                    pass  # page by page, each of which is asked for again and again
            yield page, first
            first = False
            if not more:
                return
            extent.add(page, len(body), more)
            chunk = _fitting(kind, chunk, len(body))

    def _whole(
        self, kind: ResourceKind[T], scope: Scope, exchange: Exchange | None, metadata_only: bool
    ) -> Iterator[tuple[Page[T], bool]]:
        request = _request(kind, scope, metadata_only)
        decoded, extent, first = _decoded(kind, scope, request, metadata_only), _Extent(request.attempt), True

        def piece(body: bytes) -> Page[T]:
            page = decoded(body)
            extent.add(page, len(body))
            return page

        for page in cut(self._transport.parts(request, exchange), piece, _BLOCK):
            yield page, first
            first = False
        self._met_long_list = True

    def _streams_lists(self) -> bool:
        """Whether the server sends a list without having it whole in memory; where it does not say, nobody asks that of it."""
        version = self.version()
        release = version.release() if version is not None else None
        return release is not None and release >= _STREAMING

    def together(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        """As the transport's: the results of a few short reads."""
        return self._transport.together(calls)

    def answer(
        self, path: str, attempt: Attempt, decoder: msgspec.json.Decoder[_A], *, accept: str = "application/json"
    ) -> _A:
        """What the server answers at a path of its own, such as an API group."""
        body = self._transport.send(Request(method="GET", path=path, attempt=attempt, accept=accept))
        try:
            return decoder.decode(body)
        except UNINTELLIGIBLE as error:
            raise unintelligible(attempt, str(error)) from None

    @property
    def discovery(self) -> "Discovery":
        """Which kinds the server has. It remembers what it was told, so there is one for the whole run."""
        from kubectl_pets.cluster.objects.discovery import Discovery  # most verbs know their kinds

        with self._lock:
            self._discovery = self._discovery or Discovery(self)
            return self._discovery

    def version(self) -> ServerVersion | None:
        """What the server calls itself, asked once; None where it does not say."""
        if not self._version_known:
            attempt = Attempt("get", "the server's version")
            try:
                body = self._transport.send(Request(method="GET", path="/version", attempt=attempt))
                self._version = _VERSION.decode(body)
            except (ForbiddenError, NotFoundError, *UNINTELLIGIBLE):
                pass  # hardened servers and proxies keep it to themselves
            except (ServerError, ThrottledError, UnreachableError):
                return None  # no reason to fail; asked again next time
            self._version_known = True
        return self._version


def _request(
    kind: ResourceKind[T], scope: Scope, metadata_only: bool, *, limit: str = "", more: str = ""
) -> Request:
    query = scope.query()
    if limit:
        query.append(("limit", limit))
    if more:
        query.append(("continue", more))
    return Request(
        method="GET",
        path=kind.path(scope.namespace),
        query=query,
        attempt=scope.attempt("list", kind),
        accept=_METADATA if metadata_only else "application/json",
    )


def _decoded(
    kind: ResourceKind[T], scope: Scope, request: Request, metadata_only: bool
) -> Callable[[bytes], Page[T]]:
    """Makes a page of a body; what is none is told as the answer to that request."""

    def decode(body: bytes) -> Page[T]:
        try:
            page = kind.page(body, metadata_only=metadata_only)
            _check_scope(page, scope)
        except UNINTELLIGIBLE as error:
            raise unintelligible(request.attempt, str(error)) from None
        return page

    return decode


def _check_scope(page: Page[T], scope: Scope) -> None:
    """Raises msgspec.ValidationError where an item is not of the namespace or of the name that was asked for."""
    for item in page.objects:
        if scope.namespace is not None and item.metadata.namespace != scope.namespace:
            raise msgspec.ValidationError(f"{item.metadata.namespace}/{item.metadata.name} was not asked for")
        if scope.name and item.metadata.name != scope.name:
            raise msgspec.ValidationError(f"{item.metadata.name} was not asked for")


def undecodable(kind: ResourceKind[T], item: T) -> UnreadableError:
    """The error for an object that cannot be decoded."""
    where = f" in namespace {clean(item.namespace)}" if item.namespace else ""
    return UnreadableError(
        f"{kind.kind} {clean(item.name)}{where} cannot be read: {clean(item.unreadable)}",
        hint=kubectl("get", kind.resource, item.name, "-o", "yaml", namespace=item.namespace),
    )
