"""Which ordinals does a set leave out? OpenKruise's ``spec.reserveOrdinals`` and PingCAP's ``delete-slots`` annotation.

Both leave holes in the range and go on counting beyond them, so that a set of three around a hole at 1 has the pods 0, 2 and 3.
Holes are kept as ranges, never as single numbers: "0-2000000000" is two numbers here, too.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from kubectl_pets.domain.model import StatefulSet
from kubectl_pets.domain.sets.kinds import Capability, kind_of

DELETE_SLOTS_ANNOTATION = "delete-slots"

_RANGE = re.compile(r"\s*([0-9]{1,10})\s*(?:-\s*([0-9]{1,10})\s*)?")


class Reserved(msgspec.Struct, frozen=True):
    """Ordinals that are left out, as disjoint ranges in order; ``readable`` is False where some of them made no sense."""

    ranges: tuple[tuple[int, int], ...] = ()
    readable: bool = True
    #: How many are left out before each of the ranges: what makes every question below cost no more than a search.
    _before: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        before, total = [], 0
        for first, last in self.ranges:
            before.append(total)
            total += last - first + 1
        msgspec.structs.force_setattr(self, "_before", (*before, total))

    def __contains__(self, ordinal: int) -> bool:
        index = bisect_right(self.ranges, ordinal, key=lambda each: each[0]) - 1
        return index >= 0 and ordinal <= self.ranges[index][1]

    def between(self, start: int, end: int) -> int:
        """How many there are in [start, end)."""
        return max(0, self._below(end) - self._below(start)) if self.ranges else 0  # as nearly always, and each pod asks

    def nth(self, start: int, position: int) -> int:
        """The ordinal, itself not left out, with ``position`` (0 or more) others from ``start`` on before it."""
        low, high = start + position, start + position + self._below(2**63)
        while low < high:
            middle = (low + high) // 2
            if middle + 1 - start - self.between(start, middle + 1) > position:
                high = middle
            else:
                low = middle + 1
        return low

    def _below(self, ordinal: int) -> int:
        """How many there are below ``ordinal``."""
        index = bisect_right(self.ranges, ordinal, key=lambda each: each[0]) - 1
        if index < 0:
            return 0
        first, last = self.ranges[index]
        return self._before[index] + min(ordinal, last + 1) - first


def reserved_ordinals(item: StatefulSet) -> Reserved:
    """OpenKruise's field and PingCAP's annotation, whichever is there and whatever the kind: for those who would rather
    believe in a hole too many."""
    field, annotation = reserved_by_field(item), reserved_by_annotation(item)
    return Reserved(_merged((*field.ranges, *annotation.ranges)), field.readable and annotation.readable)


def reserved_by_field(item: StatefulSet) -> Reserved:
    """``spec.reserveOrdinals``: numbers, and ranges such as "3-5" (both ends are left out)."""
    return _read(item.spec.reserve_ordinals)


def reserved_by_annotation(item: StatefulSet) -> Reserved:
    """``delete-slots``: a JSON list of numbers."""
    text = item.metadata.annotations.get(DELETE_SLOTS_ANNOTATION, "").strip()
    if not text:
        return Reserved()
    try:
        return _read(msgspec.json.decode(text, type=list[int]))
    except msgspec.DecodeError:
        return Reserved(readable=False)


def leaving_out(item: StatefulSet, ordinals: Iterable[int]) -> StatefulSet:
    """The set with more ordinals left out, where its own kind keeps these. An annotation that makes no sense keeps none."""
    if Capability.RESERVE_ORDINALS in kind_of(item).can:
        return replace(item, spec=replace(item.spec, reserve_ordinals=(*item.spec.reserve_ordinals, *ordinals)))
    if Capability.DELETE_SLOTS not in kind_of(item).can:
        return item
    there = reserved_by_annotation(item)
    listed = sorted({*ordinals, *(each for first, last in there.ranges for each in range(first, last + 1))})
    annotations = {**item.metadata.annotations, DELETE_SLOTS_ANNOTATION: msgspec.json.encode(listed).decode()}
    return replace(item, metadata=replace(item.metadata, annotations=annotations))


def _read(parts: Iterable[int | str]) -> Reserved:
    ranges = []
    readable = True
    for part in parts:
        found = _RANGE.fullmatch(str(part))
        if found is None or (found[2] and int(found[2]) < int(found[1])):
            readable = False
        else:
            ranges.append((int(found[1]), int(found[2] or found[1])))
    return Reserved(_merged(ranges), readable)


def _merged(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Disjoint and in order, so that no ordinal is counted twice."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)
