"""What the watches have brought so far: one store a kind, one board for all of them.

A store never goes back in time, whichever way the news takes: a list that was slow, an event that a later read has overtaken, the
answer to a patch that comes before its event. Versions of one kind may be compared as numbers (KEP-5504); where a server's are
none, the order of arrival counts.
"""

from collections.abc import Iterable
from threading import Condition
from typing import Generic, TypeVar

from kubectl_pets.domain.model import Object
from kubectl_pets.errors import PetsError

T = TypeVar("T", bound=Object)


def number(resource_version: str) -> int | None:
    return int(resource_version) if resource_version.isascii() and resource_version.isdigit() else None


def is_before(resource_version: str, position: int) -> bool:
    """Whether a list of that version was made before all that happened up to the position."""
    version = number(resource_version)
    return version is not None and version < position


class Store(Generic[T]):
    """The objects of one kind. Guarded by the board's lock."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], T] = {}
        self.synced = False  #: a whole list has been here
        self.denied = False  #: they may not be read
        #: All that happened up to this version is in here.
        self.position = 0
        self._items: tuple[T, ...] | None = None

    @property
    def items(self) -> tuple[T, ...] | None:
        """The same tuple for as long as nothing has changed."""
        if self.denied:
            return None
        if self._items is None:
            self._items = tuple(self.objects.values())
        return self._items

    def replace(self, items: Iterable[T], resource_version: str, *, since: int) -> bool | None:
        """Take over a whole list; ``since``: the store's position when it was asked for. True: something changed; None: the
        list is older than what came meanwhile, and is not taken. What is in it as it was stays the same object, so that nobody
        judges it anew: by all that it holds, for in another history a version may come again."""
        version = number(resource_version)
        restarted = is_before(resource_version, since)  # another history: a restored or recreated cluster
        if version is not None and version < self.position and not restarted:
            return None
        fresh = {_key(item): item for item in items}
        for key, item in fresh.items():
            kept = self.objects.get(key)
            if kept is not None and kept.metadata.resource_version == item.metadata.resource_version and kept == item:
                fresh[key] = kept
        if not restarted:
            for key, kept in self.objects.items():
                if _newer(kept, fresh.get(key), version):
                    fresh[key] = kept
        changed = self.denied or not self.synced or _versions(fresh.values()) != _versions(self.objects.values())
        self.objects, self.synced, self.denied, self._items = fresh, True, False, None
        if version is not None:
            self.position = version
        return changed

    def event(self, item: T, *, deleted: bool) -> bool:
        """Take over a watch's event; whether it changed something."""
        key, version = _key(item), number(item.metadata.resource_version)
        kept = self.objects.get(key)
        if version is not None:
            if version < self.position or (version == self.position and not deleted):
                return False
            self.position = version
        if kept is not None and _overtook(kept, item):
            return False
        self._items = None
        if deleted:
            return self.objects.pop(key, None) is not None
        self.objects[key] = item
        return True

    def learn(self, item: T) -> bool:
        """Take over one object that did not come by the watch, if it is news."""
        version, kept = number(item.metadata.resource_version), self.objects.get(_key(item))
        if version is not None and version <= self.position:
            return False
        if kept is not None and (_overtook(kept, item) or kept.metadata.resource_version == item.metadata.resource_version):
            return False
        self.objects[_key(item)], self._items = item, None
        return True

    def advance(self, resource_version: str) -> None:
        """A bookmark: nothing more happened up to there."""
        self.position = max(self.position, number(resource_version) or 0)

    def deny(self) -> bool:
        changed = not self.denied
        self.denied, self.synced = True, True
        return changed


class Board:
    """What the followers tell and the source reads, under one condition."""

    def __init__(self) -> None:
        self.condition = Condition()
        self.changes = 1
        self.failure: PetsError | None = None
        self._troubles: dict[object, str] = {}

    def changed(self) -> None:
        """Wake whoever waits. The lock must be held."""
        self.changes += 1
        self.condition.notify_all()

    def troubled(self, who: object, words: str) -> None:
        with self.condition:
            if self._troubles.get(who) != words:
                self._troubles[who] = words
                self.changed()

    def relieved(self, who: object) -> bool:
        """Whether there was trouble to be relieved of."""
        with self.condition:
            if self._troubles.pop(who, None) is None:
                return False
            self.changed()
            return True

    def give_up(self, failure: PetsError) -> None:
        with self.condition:
            self.failure = self.failure or failure
            self.changed()

    @property
    def trouble(self) -> str | None:
        with self.condition:
            return next(iter(self._troubles.values()), None)


def _key(item: Object) -> tuple[str, str]:
    return item.namespace, item.name


def _overtook(kept: Object, item: Object) -> bool:
    """Whether the one we have is newer than the one that comes."""
    old, new = number(kept.metadata.resource_version), number(item.metadata.resource_version)
    if old is not None and new is not None:
        return old > new
    return kept.metadata.uid == item.metadata.uid and kept.metadata.generation > item.metadata.generation


def _newer(kept: Object, listed: Object | None, list_version: int | None) -> bool:
    """Whether the one we have came after the list."""
    version = number(kept.metadata.resource_version)
    if version is not None and list_version is not None:
        return version > list_version
    return listed is not None and _overtook(kept, listed)


def _versions(items: Iterable[Object]) -> dict[tuple[str, str], tuple[str, str]]:
    return {_key(item): (item.metadata.uid, item.metadata.resource_version) for item in items}
