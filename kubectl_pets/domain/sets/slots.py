"""Which pods is a set to have? Its slots: the expected names in update order, each on one side of the partition.

Everybody who judges a set asks here and counts nothing for himself, because the range is not always ``start`` to
``start + replicas``: OpenKruise and PingCAP leave ordinals out (``reserved``) and go on counting beyond them. Nothing here is
ever as long as the number of replicas, which is whatever somebody typed: a million slots without a pod are one ``Gap``.

The rules are those of the controllers: kubernetes pkg/controller/statefulset (getStartOrdinal, KEP-3335; positions below the
partition keep the current revision), OpenKruise pkg/controller/statefulset (the partition counts slots that are not reserved;
with ``unorderedUpdate`` it counts pods, whichever these are) and PingCAP pkg/controller/statefulset (the partition is an ordinal:
updateStatefulSet, newVersionedStatefulSetPod). Here it is always a position: ``written_partition`` has what the spec has.
"""

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum, unique
from itertools import pairwise

import msgspec

from kubectl_pets.domain.model import NamedPods, StatefulSet, ordinal_of
from kubectl_pets.domain.sets.kinds import Capability, SetKind, kind_of
from kubectl_pets.domain.sets.reserved import Reserved, reserved_by_annotation, reserved_by_field

#: The most slots without a pod that are told one by one; more in a row are one ``Gap`` of them all.
FEW = 64


@unique
class Side(StrEnum):
    """Which revision a pod of the slot is to have."""

    #: Below the partition: the current one.
    HELD = "held"
    #: The update revision.
    RELEASED = "released"
    #: The partition counts pods and not slots, so it may be either.
    EITHER = "either"


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """One expected pod. ``position`` counts from 0, without ordinals that are left out: what a partition is compared with."""

    ordinal: int
    position: int
    name: str
    side: Side


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Neighbouring slots that hold no pod, on one side of the partition: ``count`` of them, with the ordinals from ``first`` to
    ``last``, of which some may be left out."""

    first: int
    last: int
    count: int


class Slots(msgspec.Struct, frozen=True, kw_only=True):
    """The slots of one set. ``len`` is their number; going through them is lazy."""

    set_name: str = ""
    start: int = 0
    replicas: int = 0
    #: How many are held back; may exceed ``replicas``. 0 where the strategy has none.
    partition: int = 0
    reserved: Reserved = Reserved()
    #: The partition counts pods that stay as they are, whichever these are.
    by_count: bool = False
    #: Where names are no number after the set's: those of the positions, and of pods beyond them; an ordinal is an index into it.
    listed: tuple[str, ...] = ()

    def __len__(self) -> int:
        return max(0, self.replicas)

    def __contains__(self, ordinal: int) -> bool:
        if not self.reserved.ranges:  # as nearly always, and each pod asks
            return self.start <= ordinal < self.start + self.replicas
        return ordinal >= self.start and ordinal not in self.reserved and self.position(ordinal) < self.replicas

    def position(self, ordinal: int) -> int:
        """How many slots stand below an ordinal, whether it is in range or not; negative below ``start``."""
        if not self.reserved.ranges:
            return ordinal - self.start
        return ordinal - self.start - self.reserved.between(self.start, max(self.start, ordinal))

    def ordinal(self, position: int) -> int:
        """The ordinal at a position from 0 on, in range or beyond it."""
        return self.reserved.nth(self.start, position)

    def name(self, ordinal: int) -> str:
        return self.listed[ordinal] if 0 <= ordinal < len(self.listed) else f"{self.set_name}-{ordinal}"

    def side(self, ordinal: int) -> Side:
        if self.by_count and 0 < self.partition < self.replicas:
            return Side.EITHER
        return Side.RELEASED if self.position(ordinal) >= self.partition else Side.HELD

    def slot(self, position: int) -> Slot:
        ordinal = self.ordinal(position)
        return Slot(ordinal=ordinal, position=position, name=self.name(ordinal), side=self.side(ordinal))

    def in_update_order(self) -> Iterator[Slot]:
        """The slots from the highest ordinal down, as the controller updates. Lazily: take no more of them than are needed."""
        return (self.slot(position) for position in range(self.replicas - 1, -1, -1))

    def names(self, first: int, end: int) -> str:
        """The pods of the positions in [first, end), which is not empty: ``web-3`` or ``web-3..web-9``, holes or not."""
        return span(self.name(self.ordinal(first)), self.name(self.ordinal(end - 1)) if end - first > 1 else "")

    def gaps(self, held: Iterable[int]) -> Iterator[Gap]:
        """The slots that hold no pod, where ``held`` are the ordinals that do (in any order, in range or not), from the lowest
        up. None reaches over a pod or the partition; up to ``FEW`` in a row are told one by one. Beyond that there are no more
        gaps than pods, whatever the number of slots."""
        first = 0
        taken = sorted(self.position(ordinal) for ordinal in set(held) if ordinal in self)
        if len(taken) == self.replicas:
            return  # as nearly always: each holds one
        for end in (*taken, self.replicas):
            middle = min(max(first, self.partition), end)
            yield from self._empty(first, middle)
            yield from self._empty(middle, end)
            first = end + 1

    def _empty(self, first: int, end: int) -> Iterator[Gap]:
        """Gaps for the positions in [first, end)."""
        if end - first > FEW:
            yield Gap(first=self.ordinal(first), last=self.ordinal(end - 1), count=end - first)
            return
        for position in range(first, end):
            ordinal = self.ordinal(position)
            yield Gap(first=ordinal, last=ordinal, count=1)


def span(first: str, last: str) -> str:
    """A run of pods as one name: ``web-3..web-9``; ``last`` empty: the one pod."""
    return f"{first}..{last}" if last else first


def slots_of(owner: StatefulSet, held: Iterable[int] = ()) -> Slots:
    """The slots of a set that was read. ``held``: the ordinals of its pods, which tell where the range begins for kinds whose
    ``spec.ordinals.start`` takes a gate of the controller (OpenKruise StatefulSetStartOrdinal, off by default)."""
    kind = kind_of(owner)
    rolling = owner.spec.update_strategy.rolling_update
    if Capability.NAMED in kind.can and owner.spec.named is not None:
        return _of_names(owner, owner.spec.named)
    slots = Slots(
        set_name=owner.name,
        start=owner.start if Capability.START in kind.can else 0,
        replicas=owner.spec.replicas,
        partition=owner.partition if owner.spec.update_strategy.type == "RollingUpdate" else 0,
        reserved=_reserved(owner, kind),
        by_count=Capability.UNORDERED in kind.can and rolling is not None and rolling.unordered_update is not None,
    )
    if Capability.PARTITION_ORDINAL in kind.can:
        slots = msgspec.structs.replace(slots, partition=max(0, slots.position(slots.partition)))
    if owner.start == slots.start:
        return slots
    other = msgspec.structs.replace(slots, start=owner.start)
    ordinals = set(held)
    return other if sum(each in other for each in ordinals) > sum(each in slots for each in ordinals) else slots


def ordinals_in(owner: StatefulSet) -> Callable[[str], int | None]:
    """What tells the ordinal of a pod of the set by its name; None where the name is none of the set's."""
    listed = owner.spec.named.names if owner.spec.named is not None else ()
    if not listed or _numbers(owner, listed):
        own = owner.name
        return lambda name: ordinal_of(name, own)
    return {name: index for index, name in enumerate(listed)}.get


def _numbers(owner: StatefulSet, names: Iterable[str]) -> tuple[int, ...]:
    """The ordinals of these names in order; empty where they are not all numbers after the set's name."""
    found = [ordinal_of(name, owner.name) for name in names]
    numbers = sorted(each for each in found if each is not None)
    return tuple(numbers) if len(numbers) == len(found) else ()


def _of_names(owner: StatefulSet, named: NamedPods) -> Slots:
    """Numbers that are left out between those of the names are as any that are left out."""
    rolling, names = owner.spec.update_strategy.rolling_update, named.names[: named.wanted]
    partition = owner.partition if owner.spec.update_strategy.type == "RollingUpdate" else 0
    slots = Slots(
        set_name=owner.name,
        replicas=len(names),
        partition=partition,
        reserved=Reserved(readable=named.known),
        by_count=rolling is not None and rolling.unordered_update is not None,
    )
    numbers = _numbers(owner, names)
    if not _numbers(owner, named.names):
        return msgspec.structs.replace(slots, listed=named.names)
    holes = tuple((low + 1, high - 1) for low, high in pairwise(numbers) if high - low > 1)
    return msgspec.structs.replace(slots, start=numbers[0] if numbers else 0, reserved=Reserved(holes, readable=named.known))


def written_partition(owner: StatefulSet, position: int) -> int:
    """What the spec has to say so that the slots below this position are held back."""
    if position <= 0 or Capability.PARTITION_ORDINAL not in kind_of(owner).can:
        return position
    return slots_of(owner).ordinal(position)


def _reserved(owner: StatefulSet, kind: SetKind) -> Reserved:
    """The ordinals that are left out, by the field or annotation that the kind's own controller goes by: the same words on a
    set of another kind mean nothing."""
    if Capability.RESERVE_ORDINALS in kind.can:
        return reserved_by_field(owner)
    return reserved_by_annotation(owner) if Capability.DELETE_SLOTS in kind.can else Reserved()
