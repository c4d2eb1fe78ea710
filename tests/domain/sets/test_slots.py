"""Slots against ranges that are counted by the letter, for small numbers; and that large ones cost nothing."""

from itertools import count, islice

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_pets.domain.model import (
    ObjectMeta,
    Ordinals,
    RollingUpdate,
    StatefulSet,
    StatefulSetSpec,
    UnorderedUpdate,
    UpdateStrategy,
)
from kubectl_pets.domain.sets.kinds import APPS_SET, KINDS, KRUISE_SET, PINGCAP_SET, SetKind, kind_named, kind_of
from kubectl_pets.domain.sets.reserved import reserved_ordinals
from kubectl_pets.domain.sets.slots import FEW, Gap, Side, Slots, slots_of, written_partition
from tests.domain.examples import cases


def make(
    *,
    kind: SetKind = KRUISE_SET,
    replicas: int = 3,
    start: int = 0,
    partition: int = 0,
    reserve: tuple[int | str, ...] = (),
    delete_slots: str = "",
    unordered: bool = False,
    strategy: str = "RollingUpdate",
) -> StatefulSet:
    rolling = RollingUpdate(partition=partition, unordered_update=UnorderedUpdate() if unordered else None)
    return StatefulSet(
        api_version=kind.api_version,
        metadata=ObjectMeta(name="web", annotations={"delete-slots": delete_slots} if delete_slots else {}),
        spec=StatefulSetSpec(
            replicas=replicas,
            ordinals=Ordinals(start=start) if start else None,
            update_strategy=UpdateStrategy(type=strategy, rolling_update=rolling),
            reserve_ordinals=reserve,
        ),
    )


holes = st.lists(
    st.one_of(
        st.integers(0, 30),
        st.integers(0, 30).map(str),
        st.tuples(st.integers(0, 30), st.integers(0, 9)).map(lambda pair: f"{pair[0]}-{pair[0] + pair[1]}"),
    ),
    max_size=6,
).map(tuple)


def left_out(reserve: tuple[int | str, ...]) -> set[int]:
    found: set[int] = set()
    for part in reserve:
        first, _, last = str(part).partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def naive(start: int, replicas: int, out: set[int]) -> list[int]:
    return list(islice((ordinal for ordinal in count(start) if ordinal not in out), replicas))


@cases(1000)
@given(st.integers(0, 20), st.integers(0, 12), st.integers(0, 15), holes, st.sets(st.integers(0, 60)))
def test_as_counted_by_the_letter(start: int, replicas: int, partition: int, reserve: tuple[int | str, ...], held: set[int]) -> None:
    item = make(replicas=replicas, partition=partition, reserve=reserve)
    slots = msgspec.structs.replace(slots_of(item), start=start)
    ordinals = naive(start, replicas, left_out(reserve))
    assert len(slots) == replicas
    assert [slot.ordinal for slot in slots.in_update_order()] == ordinals[::-1]
    assert [slot.position for slot in slots.in_update_order()] == list(range(replicas))[::-1]
    assert [slot.name for slot in slots.in_update_order()] == [f"web-{ordinal}" for ordinal in ordinals[::-1]]
    assert {slot.ordinal for slot in slots.in_update_order() if slot.side is Side.HELD} == set(ordinals[:partition])
    assert {ordinal for ordinal in range(70) if ordinal in slots} == set(ordinals)
    assert [slots.position(ordinal) for ordinal in ordinals] == list(range(replicas))
    assert [(gap.first, gap.last, gap.count) for gap in slots.gaps(held)] == [
        (ordinal, ordinal, 1) for ordinal in ordinals if ordinal not in held
    ]


@cases(500)
@given(st.integers(0, 20), st.integers(0, 300), st.integers(0, 300), holes, st.sets(st.integers(0, 400), max_size=5))
def test_gaps_hold_all_that_is_missing_and_keep_to_their_side(
    start: int, replicas: int, partition: int, reserve: tuple[int | str, ...], held: set[int]
) -> None:
    slots = msgspec.structs.replace(slots_of(make(replicas=replicas, partition=partition, reserve=reserve)), start=start)
    missing = [ordinal for ordinal in naive(start, replicas, left_out(reserve)) if ordinal not in held]
    gaps = list(slots.gaps(held))
    assert sum(gap.count for gap in gaps) == len(missing)
    at = 0
    for gap in gaps:
        told = missing[at: at + gap.count]
        assert (told[0], told[-1]) == (gap.first, gap.last)
        assert len({slots.side(ordinal) for ordinal in told}) == 1
        assert gap.count == 1 or gap.count > FEW
        at += gap.count


@pytest.mark.parametrize("replicas", [10**6, 2 * 10**9])
def test_a_number_that_somebody_typed_is_not_counted_to(replicas: int) -> None:
    slots = slots_of(make(replicas=replicas, partition=replicas // 2, reserve=(1, "5-1000", f"2000-{10**9}")))
    gaps = list(slots.gaps((0, 1, 2, 3, 1999, 10**10)))
    assert sum(gap.count for gap in gaps) == replicas - 4
    assert len(gaps) <= 5
    top = next(slots.in_update_order())
    assert (top.position, top.side) == (replicas - 1, Side.RELEASED)
    assert slots.position(top.ordinal) == replicas - 1 and top.ordinal in slots and top.ordinal + 1 not in slots


def test_many_holes_are_searched_and_not_gone_through() -> None:
    """Half a megabyte of holes, and a question for each of a thousand pods."""
    slots = slots_of(make(replicas=10**6, reserve=tuple(range(1, 2 * 10**5, 2))))
    assert [slots.ordinal(position) for position in range(1000)] == list(range(0, 2000, 2))
    assert len(list(slots.gaps(range(0, 2000, 2)))) == 1


def test_unordered_updates_count_pods_and_not_slots() -> None:
    assert slots_of(make(partition=2, unordered=True)).side(0) is Side.EITHER
    assert slots_of(make(partition=0, unordered=True)).side(0) is Side.RELEASED
    assert slots_of(make(partition=3, unordered=True)).side(2) is Side.HELD
    assert slots_of(make(kind=APPS_SET, partition=2, unordered=True)).side(0) is Side.HELD


def test_without_rolling_updates_there_is_no_partition() -> None:
    assert slots_of(make(partition=3, strategy="OnDelete")).side(0) is Side.RELEASED


def test_each_kind_goes_by_its_own_holes() -> None:
    by_field, by_annotation = {"reserve": (1,)}, {"delete_slots": "[2]"}
    for kind, wanted in ((APPS_SET, [0, 1, 2]), (KRUISE_SET, [0, 2, 3]), (PINGCAP_SET, [0, 1, 3])):
        item = make(kind=kind, **by_field, **by_annotation)  # type: ignore[arg-type]
        assert [slot.ordinal for slot in slots_of(item).in_update_order()] == wanted[::-1]
        assert reserved_ordinals(item).ranges == ((1, 2),)


@pytest.mark.parametrize(("partition", "held"), [(0, []), (1, []), (2, []), (3, [2]), (4, [2, 3]), (5, [2, 3]), (6, [2, 3, 5]), (9, [2, 3, 5])])
def test_pingcaps_partition_is_an_ordinal(partition: int, held: list[int]) -> None:
    """Slots 0, 1 and 4 are left out: 2, 3 and 5 are there (updateStatefulSet: ``target >= updateMin``)."""
    item = make(kind=PINGCAP_SET, partition=partition, delete_slots="[0, 1, 4]")
    slots = slots_of(item)
    assert [slot.ordinal for slot in slots.in_update_order() if slot.side is Side.HELD] == held[::-1]
    assert slots.partition == len(held) or partition > 5


@given(st.integers(0, 12), st.sets(st.integers(0, 9), max_size=5))
def test_what_is_written_holds_back_what_is_meant(position: int, left_out: set[int]) -> None:
    item = make(kind=PINGCAP_SET, delete_slots=str(sorted(left_out)))
    written = written_partition(item, position)
    assert slots_of(make(kind=PINGCAP_SET, delete_slots=str(sorted(left_out)), partition=written)).partition == position
    assert written_partition(make(), position) == position


def test_holes_that_make_no_sense_are_said_to() -> None:
    for item in (make(reserve=("x",)), make(reserve=("5-3",)), make(kind=PINGCAP_SET, delete_slots="[-1]")):
        assert not slots_of(item).reserved.readable
    assert not slots_of(make(kind=PINGCAP_SET, delete_slots="{1}")).reserved.readable
    assert slots_of(make(kind=APPS_SET, delete_slots="nonsense")).reserved.readable


@pytest.mark.parametrize(
    ("held", "start"), [((), 0), ((0, 1, 2), 0), ((5, 6, 7), 5), ((5,), 5), ((0,), 0), ((2, 5), 0), ((0, 5, 6), 5)]
)
def test_where_a_start_takes_a_gate_the_pods_tell(held: tuple[int, ...], start: int) -> None:
    """OpenKruise ignores spec.ordinals.start while its gate StatefulSetStartOrdinal is off, as it is by default."""
    assert slots_of(make(start=5), held).start == start
    assert slots_of(make(kind=APPS_SET, start=5), held).start == 5


def test_names_of_positions() -> None:
    slots = slots_of(make(replicas=4, reserve=(1,)))
    assert slots.names(0, 1) == "web-0"
    assert slots.names(1, 4) == "web-2..web-4"
    assert Slots().names(3, 4) == "-3"


def test_kinds_are_found_by_what_was_read_and_by_what_was_typed() -> None:
    assert [kind_of(make(kind=kind)) for kind in KINDS] == list(KINDS)
    assert kind_of(StatefulSet()) is APPS_SET  # lists of built-in kinds leave it out of their items
    for word in ("sts", "StatefulSet", "statefulsets", "statefulset.apps", "statefulsets.v1.apps", "statefulsets.apps"):
        assert kind_named(word) is APPS_SET
    for word in ("kruise", "asts", "statefulset.apps.kruise.io", "StatefulSets.v1beta1.apps.kruise.io"):
        assert kind_named(word) is KRUISE_SET
    for word in ("pingcap", "statefulsets.apps.pingcap.com", "statefulset.v1.apps.pingcap.com"):
        assert kind_named(word) is PINGCAP_SET
    for word in ("", "deployment", "statefulset.v1beta1.apps", "pod", "statefulset.apps.example.com"):
        assert kind_named(word) is None
    assert all(kind_named(kind.typed) is kind for kind in KINDS)


def test_a_gap_counts_what_it_holds() -> None:
    assert list(slots_of(make(replicas=100, reserve=(10,))).gaps(())) == [Gap(first=0, last=100, count=100)]
