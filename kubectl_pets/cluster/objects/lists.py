"""Objects of one kind, read by name or as a list, page by page.

Every read asks for the newest (no ``resourceVersion``): verdicts rest on what comes back. A page is decoded when it arrives, so a
list of any length costs the memory of its Structs and of one page.
"""

from collections.abc import Iterator
from typing import Generic, TypeVar

import msgspec

from kubectl_pets.cluster.http.failures import Attempt, unintelligible
from kubectl_pets.cluster.http.pools import Exchange
from kubectl_pets.cluster.http.transport import Request, Transport
from kubectl_pets.cluster.objects.kinds import Page, ResourceKind
from kubectl_pets.domain.model import Object, ServerVersion
from kubectl_pets.errors import ExpiredError, ForbiddenError, NotFoundError, ServerError, ThrottledError, UnreachableError

T = TypeVar("T", bound=Object)
_A = TypeVar("_A")

#: As kubectl's --chunk-size.
_CHUNK = 500

_METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"

_VERSION = msgspec.json.Decoder(ServerVersion)


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Which objects of a kind. ``namespace`` None: those of all namespaces."""

    namespace: str | None
    labels: str = ""
    name: str = ""  #: only the one of this name

    def query(self) -> list[tuple[str, str]]:
        query = []
        if self.labels:
            query.append(("labelSelector", self.labels))
        if self.name:
            query.append(("fieldSelector", f"metadata.name={self.name}"))
        return query

    def attempt(self, verb: str, kind: ResourceKind[T]) -> Attempt:
        return Attempt(verb, kind.resource, self.name, self.namespace)


class Listing(msgspec.Struct, Generic[T], frozen=True):
    """A whole list, and the version of the world that it shows."""

    items: tuple[T, ...]
    resource_version: str


class Reader:
    """Reads objects; what it raises is a PetsError always."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._version: ServerVersion | None = None
        self._version_known = False

    def one(self, kind: ResourceKind[T], namespace: str | None, name: str, exchange: Exchange | None = None) -> T:
        attempt = Attempt("get", kind.resource, name, namespace or "")
        body = self._transport.send(Request(method="GET", path=kind.path(namespace, name), attempt=attempt), exchange)
        try:
            return kind.one(body)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise unintelligible(attempt, str(error)) from None

    def listing(self, kind: ResourceKind[T], scope: Scope, exchange: Exchange | None = None) -> Listing[T]:
        items: list[T] = []
        version = ""
        for page, first in self.pages(kind, scope, exchange):
            if first:
                items.clear()
            items.extend(page.items or ())
            version = page.metadata.resource_version
        return Listing(tuple(items), version)

    def pages(
        self, kind: ResourceKind[T], scope: Scope, exchange: Exchange | None = None, *, metadata_only: bool = False
    ) -> Iterator[tuple[Page[T], bool]]:
        """The pages of a list, each with whether it is a first one: should the server forget the list half-way, the whole of
        it comes again."""
        more, chunk, first = "", str(_CHUNK), True
        while True:
            query = scope.query()
            if chunk:
                query.append(("limit", chunk))
            if more:
                query.append(("continue", more))
            attempt = scope.attempt("list", kind)
            accept = _METADATA if metadata_only else "application/json"
            request = Request(method="GET", path=kind.path(scope.namespace), query=query, attempt=attempt, accept=accept)
            try:
                body = self._transport.send(request, exchange)
            except ExpiredError:
                if not more:
                    raise
                more, chunk, first = "", "", True  # in one piece it cannot expire again
                continue
            try:
                page = kind.page(body)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise unintelligible(attempt, str(error)) from None
            yield page, first
            more, first = page.metadata.continue_, False
            if not more:
                return

    def answer(self, path: str, attempt: Attempt, decoder: msgspec.json.Decoder[_A]) -> _A:
        """What the server answers at a path of its own, such as an API group."""
        body = self._transport.send(Request(method="GET", path=path, attempt=attempt))
        try:
            return decoder.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise unintelligible(attempt, str(error)) from None

    def version(self) -> ServerVersion | None:
        """What the server calls itself, asked once; None where it does not say."""
        if not self._version_known:
            attempt = Attempt("get", "the server's version")
            try:
                body = self._transport.send(Request(method="GET", path="/version", attempt=attempt))
                self._version = _VERSION.decode(body)
            except (ForbiddenError, NotFoundError, msgspec.MsgspecError, UnicodeDecodeError):
                pass  # hardened servers and proxies keep it to themselves
            except (ServerError, ThrottledError, UnreachableError):
                return None  # no reason to fail; asked again next time
            self._version_known = True
        return self._version
