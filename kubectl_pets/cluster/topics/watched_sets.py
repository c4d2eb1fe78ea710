"""Snapshots and inventories that keep themselves up to date, put together from one follower a kind.

Every snapshot handed out is whole: while a part is read anew the last whole one stays. After a change of ours the server's answer
goes straight into the store, so nobody is shown the set as it was before.
"""

from collections.abc import Callable, Iterable
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

import msgspec

from kubectl_pets.cluster.http.together import together
from kubectl_pets.cluster.http.transport import Transport
from kubectl_pets.cluster.objects.kinds import (
    CLAIMS,
    PODS,
    REVISIONS,
    SETS,
    ResourceKind,
    claim_selector,
    selector_text,
    sets_of,
)
from kubectl_pets.cluster.objects.lists import Reader, Scope, undecodable
from kubectl_pets.cluster.objects.store import Board
from kubectl_pets.cluster.objects.watches import Follower
from kubectl_pets.cluster.topics.sets import Look, missing
from kubectl_pets.domain.model import (
    ControllerRevision,
    Inventory,
    LabelSelector,
    Object,
    PersistentVolumeClaim,
    Pod,
    ServerVersion,
    SetView,
    StatefulSet,
)
from kubectl_pets.domain.sets.grouping import folded, selector_of
from kubectl_pets.domain.sets.kinds import ALL_KINDS, APPS_SET, SetKind, kind_of
from kubectl_pets.errors import NotFoundError, PetsError, ServerError

if TYPE_CHECKING:  # of names alone
    from kubectl_pets.domain.dns.network import Network

V = TypeVar("V", SetView, Inventory, "Network")
T = TypeVar("T", bound=Object)

#: Closing waits for the threads no longer than this, in seconds; they end by themselves soon after.
_PARTING = 0.45

#: Where waiting cannot be interrupted (Windows), it is in slices of this many seconds.
_SLICE = 0.5


#: The lists that a source begins with are a fresh look for so many seconds.
_JUST_READ = 1.0


class _Belongings(msgspec.Struct):
    """The watches of pods, revisions and claims of one set or of all."""

    pods: Follower[Pod]
    revisions: Follower[ControllerRevision]
    claims: Follower[PersistentVolumeClaim]

    def all(self) -> tuple[Follower[Any], ...]:
        return self.pods, self.revisions, self.claims

    @property
    def synced(self) -> bool:
        return all(follower.store.synced for follower in self.all())


class Source(Generic[V]):
    """What all sources have in common. ``on_close`` is told when it is closed."""

    def __init__(self, reader: Reader, transport: Transport, on_close: Callable[[Any], None]) -> None:
        self._reader, self._transport, self._on_close = reader, transport, on_close
        self._board = Board()
        self._followers: list[Follower[Any]] = []
        self._server: ServerVersion | None = None
        self._seen = 0
        self._shown: tuple[int, V] | None = None
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        with self._board.condition:
            self._closed = True
            followers = list(self._followers)
        for follower in followers:
            follower.cut()
        deadline = monotonic() + _PARTING
        for follower in followers:
            follower.join(max(0.0, deadline - monotonic()))
        self._on_close(self)

    def latest(self) -> V:
        with self._board.condition:
            if self._board.failure is not None:
                self._seen = self._board.changes
                raise self._board.failure
            return self._look()

    def wait(self, timeout: float | None) -> bool:
        deadline = None if timeout is None else monotonic() + timeout
        with self._board.condition:
            while self._board.changes == self._seen:
                left = _SLICE if deadline is None else min(_SLICE, deadline - monotonic())
                if left <= 0:
                    return False
                self._board.condition.wait(left)
            return True

    def trouble(self) -> str | None:
        return self._board.trouble

    def _look(self) -> V:
        """The newest whole view; from here on only what comes later counts as a change. The lock must be held."""
        changes = self._board.changes
        if self._shown is None or self._shown[0] != changes:
            composed = self._composed()
            if composed is None:
                assert self._shown is not None
                composed = self._shown[1]
            self._shown = changes, composed
        self._seen = changes
        return self._shown[1]

    def _composed(self) -> V | None:
        """A view put together from the stores; None while one of them is not filled yet."""
        raise NotImplementedError

    def _follower(self, kind: ResourceKind[T], scope: Scope, **more: Any) -> Follower[T]:
        made = Follower(kind, scope, self._board, self._reader, self._transport, on_relief=self._relief, **more)
        self._followers.append(made)
        return made

    def _belongings(
        self,
        namespace: str | None,
        labels: str,
        claim_labels: str,
        pods: ResourceKind[Pod] = PODS,
        claims: ResourceKind[PersistentVolumeClaim] = CLAIMS,
    ) -> _Belongings:
        own = Scope(namespace=namespace, labels=labels)
        return _Belongings(
            self._follower(pods, own, unreadable=True),
            self._follower(REVISIONS, own),
            self._follower(claims, Scope(namespace=namespace, labels=claim_labels), unreadable=True),
        )

    def _prime(self, belongings: _Belongings) -> None:
        *_, self._server = together([*(follower.prime for follower in belongings.all()), self._reader.version])

    def _start(self) -> None:
        for follower in self._followers:
            follower.start()

    def _relief(self) -> None:
        for follower in list(self._followers):
            follower.nudge()


class OneSet(Source[V]):
    """A source that watches one set and what its selector matches. Raises NotFoundError where there is no such set to begin
    with."""

    def __init__(
        self,
        reader: Reader,
        transport: Transport,
        on_close: Callable[[Any], None],
        namespace: str,
        name: str,
        kind: SetKind = APPS_SET,
    ) -> None:
        super().__init__(reader, transport, on_close)
        self._namespace, self._name, self._kind = namespace, name, kind
        sets = sets_of(kind)
        self._selector: LabelSelector | None = None
        #: When the lists that this begins with were asked for; None: that is over.
        self._begun: float | None = monotonic()
        self._sets = self._follower(
            sets, Scope(namespace=namespace, name=name), required=True, unreadable=True, on_change=self._adopt
        )
        self._sets.prime()
        found = self._set()
        if found is None:
            raise missing(reader, namespace, name, kind)
        if found.unreadable:
            raise undecodable(sets, found)
        self._prime_rest()
        self.latest()
        self._start()

    def _prime_rest(self) -> None:
        """Read whatever belongs to the view besides the set."""
        raise NotImplementedError

    def _set(self) -> StatefulSet | None:
        return self._sets.store.objects.get((self._namespace, self._name))

    def _adopt(self) -> None:
        """A set's selector never changes; only one that was deleted and made anew can have another."""
        found = self._set()
        if found is None or found.unreadable or selector_of(found) == self._selector:
            return
        again, self._selector = self._selector is not None, selector_of(found)
        if again:
            for follower in self._selected():
                follower.cut()
        self._select(self._selector)
        if again and not self._closed:
            for follower in self._selected():
                follower.start()

    def _select(self, selector: LabelSelector) -> None:
        """Make the followers of what the selector brings along."""
        raise NotImplementedError

    def _selected(self) -> Iterable[Follower[Any]]:
        """The watches whose selector is the set's."""
        raise NotImplementedError


class SetSource(OneSet[SetView]):
    """As ``ports.sets.SetViewSource``: one set and what belongs to it."""

    _own: _Belongings

    def __init__(
        self,
        reader: Reader,
        transport: Transport,
        on_close: Callable[[Any], None],
        namespace: str,
        name: str,
        kind: SetKind = APPS_SET,
        look: Look | None = None,
    ) -> None:
        """``look``: the one before this, which it goes on from where it may."""
        self._before = look
        super().__init__(reader, transport, on_close, namespace, name, kind)

    def _prime_rest(self) -> None:
        look, self._before = self._before, None
        if look is None or not self._goes_on_from(look):
            self._prime(self._own)
            return
        for follower, listing in zip(self._own.all(), look.lists, strict=True):
            follower.begin(listing)
        self._begun, self._server = look.began, look.view.server

    def _goes_on_from(self, look: Look) -> bool:
        """Whether its lists are what would be read now, or the watches from there on will tell: they were asked for a moment ago,
        and after the set as it still is, which has just been read. So it counts as read before its pods."""
        found = self._set()
        assert found is not None
        now, then = found.metadata, look.owner.metadata
        same = (now.uid, now.resource_version) == (then.uid, then.resource_version)
        whole = bool(look.lists) and all(listing is not None for listing in look.lists)
        return same and whole and monotonic() - look.began < _JUST_READ

    def _select(self, selector: LabelSelector) -> None:
        self._own = self._belongings(self._namespace, selector_text(selector), claim_selector(selector, self._kind))

    def _selected(self) -> Iterable[Follower[Any]]:
        return self._own.all()

    def wait(self, timeout: float | None) -> bool:
        self._begun = None
        return super().wait(timeout)

    def just_read(self) -> bool:
        """The lists that this begins with are read as ``refresh`` reads them, the set before its pods and past every cache; what
        the watches have brought since is newer."""
        begun, self._begun = self._begun, None
        return begun is not None and monotonic() - begun < _JUST_READ

    def refresh(self) -> SetView:
        self._begun = None
        try:
            self._reread_all()
        except PetsError:
            with self._board.condition:
                self._seen = self._board.changes  # whoever waits now, waits for news
            raise
        with self._board.condition:
            return self._look()

    def with_revisions(self) -> SetView:
        if not self._own.revisions.store.denied:
            self._own.revisions.reread()
        return self.latest()

    def _reread_all(self) -> None:
        self._sets.reread()
        with self._board.condition:
            found = self._set()
            lagging = found is not None and found.status.update_revision not in ("", self._newest_revision(found))
            stale = [
                follower
                for follower in self._own.all()
                if not follower.store.synced
                or follower is self._own.pods
                or (follower is self._own.revisions and lagging and not follower.store.denied)
            ]
        for follower in stale:
            follower.reread()

    def _newest_revision(self, owner: StatefulSet) -> str:
        """The controller gives a revision that it goes back to the highest number anew, before it says so in the set's status."""
        own = [
            (revision.revision, revision.name)
            for revision in self._own.revisions.store.objects.values()
            if (controller := revision.metadata.controller()) is None or controller.uid == owner.metadata.uid
        ]
        return max(own, default=(0, ""))[1]

    def learn(self, item: StatefulSet | Pod) -> None:
        """News of our own making: the answer to a change."""
        if isinstance(item, StatefulSet):
            if (item.namespace, item.name, kind_of(item).group) == (self._namespace, self._name, self._kind.group):
                self._sets.learn(item)
        elif any(pod.metadata.uid == item.metadata.uid for pod in self._own.pods.store.items or ()):
            self._own.pods.learn(item)

    def _composed(self) -> SetView | None:
        if not self._own.synced:
            return None
        pods, revisions, claims = (follower.store.items for follower in self._own.all())
        return folded(SetView(set=self._set(), pods=pods, revisions=revisions, claims=claims, server=self._server))


class FleetSource(Source[Inventory]):
    """All sets of a namespace, or of all, narrowed by labels, and all that may belong to any of them."""

    def __init__(
        self,
        reader: Reader,
        transport: Transport,
        on_close: Callable[[Any], None],
        namespace: str | None,
        labels: str,
        *,
        every_kind: bool = False,
    ) -> None:
        from kubectl_pets.cluster.objects.many import CLAIMS_OF_MANY, PODS_OF_MANY

        super().__init__(reader, transport, on_close)
        scope = Scope(namespace=namespace, labels=labels)
        self._sets = self._follower(SETS, scope, required=True, unreadable=True)
        self._sets.prime()
        others = reader.discovery.set_kinds(groups=True) if every_kind else ()
        self._unknown = tuple(kind.resource for kind in ALL_KINDS if others is None and kind is not APPS_SET)
        self._others = {kind: self._follower(sets_of(kind), scope, unreadable=True) for kind in others or ()}
        together([partial(self._prime_other, kind, each) for kind, each in tuple(self._others.items())])
        self._all = self._belongings(namespace, "", "", PODS_OF_MANY, CLAIMS_OF_MANY)
        self._prime(self._all)
        self.latest()
        self._start()

    def _prime_other(self, kind: SetKind, follower: Follower[StatefulSet]) -> None:
        try:
            follower.prime()
        except NotFoundError:  # the group is there for other kinds of its
            with self._board.condition:
                self._followers.remove(follower)
                del self._others[kind]
        except ServerError:  # what converts or serves them does not answer: it is asked again
            with self._board.condition:
                follower.merge(None, 0)

    def learn(self, item: StatefulSet | Pod) -> None:
        """Nothing is decided from many sets at once: their watches are soon enough."""

    def _composed(self) -> Inventory | None:
        pods, revisions, claims = (follower.store.items for follower in self._all.all())
        others = {kind.resource: follower.store.items for kind, follower in self._others.items()}
        own = self._sets.store.items or ()
        return Inventory(
            sets=(*own, *(item for items in others.values() for item in items or ())) if any(others.values()) else own,
            kinds_not_read=(*self._unknown, *(resource for resource, items in others.items() if items is None)),
            pods=pods,
            revisions=revisions,
            claims=claims,
            server=self._server,
        )
