"""Follows the objects of one kind: a list, then a watch from there on, and again whenever the watch breaks.

One thread each. Whatever may pass (a restart of the server, a cut connection, a version that is too old, a full queue) is ridden
out and told as trouble; only what will not pass (credentials that are turned down again and again) ends it.
"""

import random
from collections.abc import Callable
from contextvars import copy_context
from threading import Event, Thread, Timer
from time import monotonic
from typing import Generic, TypeVar

import msgspec

from kubectl_pets.cluster.http.failures import STATUS, Attempt, from_status, unintelligible
from kubectl_pets.cluster.http.pools import Exchange
from kubectl_pets.cluster.http.transport import Request, Transport
from kubectl_pets.cluster.objects.kinds import ListMeta, ResourceKind, pruned
from kubectl_pets.cluster.objects.lists import Listing, Reader, Scope
from kubectl_pets.cluster.objects.store import Board, Store, is_before
from kubectl_pets.domain.model import Object
from kubectl_pets.errors import (
    ConfigError,
    CredentialPluginError,
    ExpiredError,
    ForbiddenError,
    NotFoundError,
    PetsError,
    ServerError,
    ThrottledError,
    UnauthorizedError,
    UnreachableError,
)

T = TypeVar("T", bound=Object)

_FINAL = (UnauthorizedError, CredentialPluginError, ConfigError)

#: A server that has just started may turn down anybody for a moment: this many times, or seconds, are forgiven.
_TURNED_DOWN = 4
_GRACE = 5.0

#: Pauses between attempts, in seconds.
_SHORTEST, _LONGEST = 0.1, 5.0

#: So many watches that end as soon as they begin are told as trouble, until one lasts for some seconds or brings something; until
#: then it is listed again and again instead.
_HASTY, _SETTLED = 3, 1.0

#: Where watching is not allowed, or a proxy ends each watch: seconds between lists, and how many of them before watching is
#: tried again.
_POLL, _POLLS = 2.0, 15

#: A server marks where it stands about once a minute (WatchBookmarks, KEP-956). A watch that brings nothing for so many seconds
#: may be held back by a proxy: it is listed, and where that brings news it is listed instead of watched for a while.
_MUTE = 90.0

#: Seconds after which somebody who may not read is tried again.
_DENIED = 30.0


class _Event(msgspec.Struct, frozen=True):
    """metav1.WatchEvent."""

    type: str
    object: msgspec.Raw


class _Marked(msgspec.Struct, frozen=True, rename="camel"):
    """A BOOKMARK's object (metav1.WatchEvent): its resourceVersion."""

    kind: str = ""
    metadata: ListMeta = ListMeta()


_EVENT = msgspec.json.Decoder(_Event)
_MARKED = msgspec.json.Decoder(_Marked)


class Follower(Generic[T]):
    """Keeps one store up to date. ``on_change`` is called under the board's lock after a change; ``required``: without the
    right to read these there is no point in going on; ``unreadable``: objects that cannot be decoded are handed on, marked so."""

    def __init__(
        self,
        kind: ResourceKind[T],
        scope: Scope,
        board: Board,
        reader: Reader,
        transport: Transport,
        *,
        required: bool = False,
        unreadable: bool = False,
        on_change: Callable[[], None] = lambda: None,
        on_relief: Callable[[], None] = lambda: None,
    ) -> None:
        self.store: Store[T] = Store()
        self._kind, self._scope, self._board = kind, scope, board
        self._reader, self._transport = reader, transport
        self._required, self._on_change, self._on_relief = required, on_change, on_relief
        self._unreadable = unreadable
        self._exchange = Exchange()
        self._wake = Event()
        self._thread = Thread(target=copy_context().run, args=(self._run,), daemon=True, name=f"kubectl-pets-watch-{kind.plural}")
        self._version: str | None = None  # where the watch goes on; None: list first
        self._failures = 0  # in a row, before anything came
        self._hasty = 0  # watches in a row that began and ended at once
        self._turned_down = 0
        self._denied_since: float | None = None
        self._polls = 0
        self._doubted = False  # what the watch brought does not go together with a list
        self._mute = False  # the last watch brought nothing for so long that it was given up

    # --- called by others --------------------------------------------------------------------------------------------------

    def prime(self) -> None:
        """The first list, before the thread is started. Raises PetsError, but for a right that is missing and not required."""
        self.begin(self.read())

    def begin(self, listing: Listing[T] | None) -> None:
        """As ``prime``, with a list that was just read."""
        with self._board.condition:
            self.merge(listing, 0)
        self._version = listing.resource_version if listing is not None else None

    def start(self) -> None:
        self._thread.start()

    def read(self) -> Listing[T] | None:
        """The objects right now; None where they may not be read and need not be."""
        try:
            return self._read(None)
        except ForbiddenError:
            if self._required:
                raise
            return None

    def reread(self) -> None:
        """Read anew, beside the watch. Raises PetsError, also for a list from before what the watch had brought by then.

        The rule: a list that asks for no version is the most recent one (API concepts, "resourceVersion unset"), so one of the
        two comes out of somebody's cache, or the cluster was restored. Were the list believed, it would stay: the watch goes on
        from where it is, and tells nothing again. So both are begun anew: another list, and a watch from there on.
        """
        with self._board.condition:
            since = self.store.position
        listing = self.read()
        with self._board.condition:
            if self._version and listing is not None and is_before(listing.resource_version, since):
                self._doubted = True
                self._exchange.break_off()
                attempt = self._scope.attempt("list", self._kind)
                raise unintelligible(attempt, "it is older than what was known before it was asked for")
            self.merge(listing, since)

    def merge(self, listing: Listing[T] | None, since: int) -> bool:
        """Take over what ``read`` brought; whether that was news. The board's lock must be held."""
        if self.store.deny() if listing is None else self.store.replace(listing.items, listing.resource_version, since=since):
            self._on_change()
            self._board.changed()
            return True
        return False

    def learn(self, item: T) -> None:
        with self._board.condition:
            if self.store.learn(item):
                self._on_change()
                self._board.changed()

    def nudge(self) -> None:
        """The server is back: no need to wait any longer."""
        self._wake.set()

    def cut(self) -> None:
        self._exchange.cut()
        self._wake.set()

    def join(self, timeout: float) -> None:
        if self._thread.ident is not None:
            self._thread.join(timeout)

    # --- the thread --------------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._follow()
        except Exception as error:  # a mistake of ours must not look like a quiet cluster
            self._board.give_up(ServerError(f"watching {self._kind.plural} failed: {type(error).__name__}: {error}"))
        finally:
            self._board.relieved(self)

    def _follow(self) -> None:
        while not self._exchange.over.is_set():
            watching = False
            if self._doubted:
                self._doubted, self._version = False, None
            try:
                if self._version is None:
                    self._relist()
                if self._polls > 0 or not self._version:
                    if self._hasty < _HASTY:  # else the trouble with watches stays told
                        self._well()
                    self._polls, self._version = max(0, self._polls - 1), None
                    self._exchange.over.wait(_POLL)
                else:
                    watching = True
                    self._watch()
            except PetsError as error:
                if not self._exchange.over.is_set():
                    self._failed(error, watching)

    def _relist(self) -> None:
        with self._board.condition:
            since = self.store.position
        listing = self._read(self._exchange)
        with self._board.condition:
            news = self.merge(listing, since)
        if news and self._mute:
            self._polls = _POLLS
        self._version, self._denied_since, self._mute = listing.resource_version, None, False

    def _read(self, exchange: Exchange | None) -> Listing[T]:
        try:
            return self._reader.listing(self._kind, self._scope, exchange, unreadable=self._unreadable)
        except ForbiddenError:
            if not self._scope.name:
                raise
        # "get" is a right of its own, and needs none to list
        try:
            found = self._reader.one(
                self._kind, self._scope.namespace, self._scope.name, exchange, unreadable=self._unreadable
            )
        except NotFoundError:
            return Listing((), "")
        return Listing((found,), "")

    def _watch(self) -> None:
        """Apply the events of one watch to the store, from the version that it has until the server ends the watch, which it
        does every few minutes."""
        began, brought, opened = monotonic(), False, False
        limit = random.randint(240, 300)
        query = [*self._scope.query(), ("watch", "1"), ("allowWatchBookmarks", "true"), ("timeoutSeconds", str(limit))]
        query.append(("resourceVersion", self._version or ""))
        attempt = self._scope.attempt("watch", self._kind)
        request = Request(method="GET", path=self._kind.path(self._scope.namespace), query=query, attempt=attempt)
        settling = Timer(_SETTLED, self._well)
        settling.name, settling.daemon = f"{self._thread.name}-settling", True
        try:
            heard = monotonic()
            for lines in self._transport.lines(request, self._exchange, silence=_MUTE):
                heard = monotonic()
                if lines:
                    self._take([line for line in lines if line.strip()])
                    brought, self._hasty = True, 0
                # What ends as soon as it began is no success, or it would be begun again and again without a pause.
                if self._hasty < _HASTY:
                    self._well()
                elif not opened:
                    settling.start()
                opened = True
        except UnreachableError:
            if not opened or monotonic() - heard < _MUTE:
                raise
            self._mute, self._version = True, None
        finally:
            settling.cancel()
            hasty = opened and not brought and monotonic() - began < _SETTLED
            self._hasty = self._hasty + 1 if hasty else 0
            if self._hasty >= _HASTY:
                self._polls = _POLLS
        if hasty and not self._exchange.over.is_set():
            raise UnreachableError(f"the server ends each attempt to {attempt} at once")

    def _take(self, lines: list[bytes]) -> None:
        attempt = self._scope.attempt("watch", self._kind)
        try:
            events = [self._decoded(line, attempt) for line in lines]
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise unintelligible(attempt, str(error)) from None
        changed = False
        with self._board.condition:
            for type, item, version in events:
                if item is None:
                    self.store.advance(version)
                else:
                    changed |= self.store.event(item, deleted=type == "DELETED")
                self._version = version or self._version
            if changed:
                self._on_change()
                self._board.changed()

    def _decoded(self, line: bytes, attempt: Attempt) -> tuple[str, T | None, str]:
        """Type, object (None: only the version counts) and version of an event. Raises msgspec.MsgspecError."""
        try:
            event = _EVENT.decode(line)
        except RecursionError:
            event = _EVENT.decode(pruned(line))
        match event.type:
            case "ERROR":
                status = STATUS.decode(event.object)
                raise from_status(status.code, status, attempt)
            case "BOOKMARK":
                marked = _MARKED.decode(event.object)
                if marked.kind != self._kind.kind:
                    raise msgspec.ValidationError(f"a bookmark of a {marked.kind or 'nameless kind'} came")
                return event.type, None, marked.metadata.resource_version
            case "ADDED" | "MODIFIED" | "DELETED":
                item = self._kind.any(event.object)
                if self._scope.namespace not in (None, item.namespace) or self._scope.name not in ("", item.name):
                    raise msgspec.ValidationError(f"{item.namespace}/{item.name} was not asked for")
                if self._kind.skips(item):
                    return event.type, None, item.metadata.resource_version
                if item.unreadable and not self._unreadable:
                    raise msgspec.ValidationError(f"{item.namespace}/{item.name} cannot be read: {item.unreadable}")
                return event.type, item, item.metadata.resource_version
            case _:
                raise msgspec.ValidationError(f"there is no event of type {event.type}")

    # --- when something fails ----------------------------------------------------------------------------------------------

    def _well(self) -> None:
        self._failures, self._turned_down = 0, 0
        if self._board.relieved(self):
            self._on_relief()

    def _failed(self, error: PetsError, watching: bool) -> None:
        self._failures += 1
        count = max(self._failures, self._hasty)
        pause = min(_LONGEST, _SHORTEST * 2.0 ** min(count - 1, 10)) * random.uniform(0.5, 1.0)
        if watching and not isinstance(error, UnreachableError | ThrottledError):
            self._version = None
        if isinstance(error, ExpiredError) and count == 1:
            return
        if isinstance(error, ForbiddenError):
            if watching:
                self._polls = _POLLS
                return
            pause = self._denied(error)
        elif isinstance(error, _FINAL):
            self._turned_down += 1
            if self._turned_down >= _TURNED_DOWN:
                self._board.give_up(error)
                self.cut()
                return
        # A connection that is cut now and then is nothing to talk about before it could not be had back.
        if not self.store.denied and (count > 1 or not watching or isinstance(error, ThrottledError)):
            self._board.troubled(self, error.message)
        if isinstance(error, ThrottledError):
            self._exchange.over.wait(max(pause, min(error.retry_after, 60.0)))
            return
        self._wake.clear()
        if not self._exchange.over.is_set():
            self._wake.wait(pause)

    def _denied(self, error: ForbiddenError) -> float:
        """Listing is not allowed, perhaps only for the moment. Returns the seconds to pause."""
        if self._denied_since is None:
            self._denied_since = monotonic()
        if not self.store.denied:
            if monotonic() - self._denied_since < _GRACE:
                return 1.0
            if self._required:
                self._board.give_up(error)
                self.cut()
                return 0.0
            with self._board.condition:
                self.merge(None, 0)
            self._board.relieved(self)
        return _DENIED
