"""Stores: whatever way news takes, they never go back in time."""

import random

import msgspec
import pytest

from kubectl_pets.cluster.objects.store import Board, Store
from kubectl_pets.domain.model import Object, ObjectMeta
from kubectl_pets.errors import ServerError


def thing(name: str, version: int | str, uid: str = "", generation: int = 0) -> Object:
    meta = ObjectMeta(name=name, namespace="x", uid=uid or f"uid-{name}", resource_version=str(version), generation=generation)
    return Object(metadata=meta)


def held(store: Store[Object]) -> dict[str, str]:
    return {item.name: item.metadata.resource_version for item in store.items or ()}


@pytest.fixture
def store() -> Store[Object]:
    filled: Store[Object] = Store()
    assert filled.replace([thing("a", 5), thing("b", 8)], "10", since=0)
    return filled


def test_events_go_forward(store: Store[Object]) -> None:
    assert store.event(thing("a", 11), deleted=False)
    assert store.event(thing("c", 12), deleted=False)
    assert store.event(thing("b", 13), deleted=True)
    assert held(store) == {"a": "11", "c": "12"}
    assert store.position == 13


def test_events_that_a_list_has_overtaken_are_dropped(store: Store[Object]) -> None:
    assert not store.event(thing("a", 4), deleted=False)
    assert not store.event(thing("a", 10), deleted=False)
    assert not store.event(thing("b", 9), deleted=True)
    assert held(store) == {"a": "5", "b": "8"}


def test_a_list_that_is_older_than_what_came_meanwhile_is_dropped(store: Store[Object]) -> None:
    since = store.position
    store.event(thing("a", 20), deleted=False)
    assert store.replace([thing("a", 5)], "15", since=since) is None
    assert held(store) == {"a": "20", "b": "8"}


def test_a_list_of_another_history_is_taken(store: Store[Object]) -> None:
    """The cluster was restored from a backup: its versions are smaller than those we know."""
    assert store.replace([thing("a", 2)], "3", since=store.position)
    assert held(store) == {"a": "2"}
    assert store.event(thing("a", 4), deleted=False)


def test_the_answer_to_a_patch_is_kept_until_its_event_comes(store: Store[Object]) -> None:
    assert store.learn(thing("a", 15))
    assert not store.event(thing("a", 12), deleted=False), "that one is older than the answer"
    assert not store.event(thing("a", 15), deleted=False) or held(store)["a"] == "15"
    assert held(store)["a"] == "15"
    assert store.event(thing("a", 16), deleted=False)


def test_what_was_learnt_survives_a_list_from_before(store: Store[Object]) -> None:
    store.learn(thing("a", 15))
    store.learn(thing("new", 16))
    store.replace([thing("a", 11)], "12", since=10)
    assert held(store) == {"a": "15", "new": "16"}
    store.replace([thing("a", 15)], "17", since=12)
    assert held(store) == {"a": "15"}


def test_the_answer_to_a_deletion_that_the_watch_has_overtaken_is_no_ghost(store: Store[Object]) -> None:
    store.event(thing("a", 12), deleted=True)
    assert not store.learn(thing("a", 11))
    assert held(store) == {"b": "8"}


def test_the_deletion_of_a_former_one_does_not_remove_its_successor(store: Store[Object]) -> None:
    store.learn(thing("a", 15, uid="second"))
    assert not store.event(thing("a", 12, uid="first"), deleted=True)
    assert held(store)["a"] == "15"


def test_versions_that_are_no_numbers_count_in_order_of_arrival() -> None:
    store: Store[Object] = Store()
    store.replace([thing("a", "x1", generation=2)], "v1", since=0)
    assert store.event(thing("a", "w9", generation=2), deleted=False)
    assert not store.event(thing("a", "z1", generation=1), deleted=False), "but a generation never shrinks"
    assert store.learn(thing("a", "b1", generation=3))
    assert not store.event(thing("a", "c1", generation=2), deleted=False)
    assert store.replace([], "v2", since=0)
    assert held(store) == {}


def test_an_unchanged_list_is_no_news(store: Store[Object]) -> None:
    assert store.replace([thing("a", 5), thing("b", 8)], "20", since=10) is False
    assert store.position == 20


def test_what_a_list_brings_as_it_was_stays_the_same_object(store: Store[Object]) -> None:
    """Whoever looks on takes another object for a change, and judges anew what it belongs to."""
    kept = dict(store.objects)
    other = msgspec.structs.replace(thing("b", 8), unreadable="in a history in which its version came again")
    store.replace([thing("a", 5), other, thing("c", 11)], "12", since=store.position)
    same = [name for (_, name), item in store.objects.items() if kept.get(("x", name)) is item]
    assert same == ["a"] and store.objects["x", "b"] == other and held(store) == {"a": "5", "b": "8", "c": "11"}


def test_a_bookmark_moves_on_but_never_back(store: Store[Object]) -> None:
    store.advance("30")
    store.advance("20")
    store.advance("")
    assert store.position == 30
    assert not store.event(thing("a", 25), deleted=False)


def test_denied_is_none_until_a_list_comes(store: Store[Object]) -> None:
    assert store.deny()
    assert not store.deny()
    assert store.items is None and store.synced
    assert store.replace([thing("a", 5), thing("b", 8)], "20", since=10)
    assert store.items == (thing("a", 5), thing("b", 8))


@pytest.mark.parametrize("seed", range(50))
def test_any_order_of_lists_events_and_answers_ends_with_the_truth(seed: int) -> None:
    """A world changes; lists are served at once but arrive late, answers arrive early, events arrive in order."""
    chance = random.Random(seed)
    world: dict[str, Object] = {}
    store: Store[Object] = Store()
    store.replace([], "1", since=0)
    events: list[tuple[Object, bool]] = []
    lists: list[tuple[list[Object], str, int]] = []
    shown: dict[str, int] = {}
    for version in range(2, 120):
        name = chance.choice("abc")
        if name in world and chance.random() < 0.3:
            gone = world.pop(name)
            events.append((thing(name, version, gone.metadata.uid), True))
        else:
            uid = world[name].metadata.uid if name in world else f"{name}{version}"
            world[name] = thing(name, version, uid)
            events.append((world[name], False))
            if chance.random() < 0.3:
                store.learn(world[name])
        if chance.random() < 0.2:
            lists.append((list(world.values()), str(version), store.position))
        while events and chance.random() < 0.5:
            item, deleted = events.pop(0)
            store.event(item, deleted=deleted)
        if lists and chance.random() < 0.3:
            items, listed, since = lists.pop(0)
            store.replace(items, listed, since=since)
        for item in store.items or ():
            seen = int(item.metadata.resource_version)
            assert seen >= shown.get(item.metadata.uid, 0), "went back in time"
            shown[item.metadata.uid] = seen
    for item, deleted in events:
        store.event(item, deleted=deleted)
    assert held(store) == {name: item.metadata.resource_version for name, item in world.items()}


def test_the_board_wakes_for_trouble_once_and_for_relief_once() -> None:
    board, one, two = Board(), object(), object()
    before = board.changes
    board.troubled(one, "down")
    board.troubled(one, "down")
    board.troubled(two, "down too")
    assert (board.changes - before, board.trouble) == (2, "down")
    assert board.relieved(one) and not board.relieved(one)
    assert board.trouble == "down too"
    assert board.relieved(two) and board.trouble is None


def test_the_first_reason_to_give_up_stands() -> None:
    board = Board()
    board.give_up(ServerError("first"))
    board.give_up(ServerError("second"))
    assert str(board.failure) == "first"


def test_its_items_are_the_same_tuple_until_something_changes() -> None:
    store: Store[Object] = Store()
    seen = store.items

    def anew() -> bool:
        nonlocal seen
        before, seen = seen, store.items
        assert store.items is seen and seen == tuple(store.objects.values())
        return seen is not before

    store.replace([thing("a", 1), thing("b", 2)], "2", since=0)
    assert anew()
    store.event(thing("a", 3), deleted=False)
    assert anew()
    store.learn(thing("b", 4))
    assert anew()
    store.event(thing("a", 1), deleted=False)  # older than what is there
    assert not anew()
    store.event(thing("a", 5), deleted=True)
    assert anew()
    store.deny()
    assert store.items is None
    store.replace([thing("a", 6)], "6", since=5)
    assert anew()
