"""A list that is cut while it arrives is the list, in whatever portions it comes; and one that ends too early is none."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec
import pytest

from kubectl_pets.cluster.objects import pieces
from kubectl_pets.cluster.objects.kinds import CLAIMS, PODS, SETS, Page
from kubectl_pets.cluster.objects.pieces import can_be_cut, cut

#: What looks like the beginning of an item within one: in a list of it, in strings, and in the object of somebody who means harm.
TRAPS: tuple[Any, ...] = (
    [{"metadata": {"name": "inner"}}, {"metadata": {"name": "inner"}}],
    '},{"metadata":{"name":"no-item"}}',
    '\\},{"metadata":{',
    [[{"metadata": {}}, {"metadata": {}}]] * 5,
    {"a": [{"metadata": {"name": "x"}}, {"metadata": {"name": "y"}}] * 40},
    "é\u2028 \\\" ]}",
    [],
    None,
)


def listed(rng: Random, count: int) -> bytes:
    items = []
    for number in range(count):
        item: dict[str, Any] = {"metadata": {"name": f"c-{number}", "namespace": "x", "uid": f"u-{number}"}, "spec": {"volumeName": f"v-{number}"}}
        if rng.random() < 0.5:
            item["status"] = {"extra": rng.choice(TRAPS), "pad": "x" * rng.randrange(300)}
        items.append(item)
    whole = {"kind": "PersistentVolumeClaimList", "apiVersion": "v1", "metadata": {"resourceVersion": "7"}, "items": items}
    return json.dumps(whole, separators=(",", ":"), ensure_ascii=rng.random() < 0.5).encode() + b"\n" * rng.randrange(2)


def portions(data: bytes, rng: Random) -> Iterator[bytes]:
    while data:
        size = rng.choice((1, 7, 100, 1000))
        yield data[:size]
        data = data[size:]


def read(data: bytes, rng: Random, block: int) -> tuple[list[Any], list[Page[Any]]]:
    pages = list(cut(portions(data, rng), CLAIMS.page, block))
    return [item for page in pages for item in page.objects], pages


@pytest.mark.parametrize("seed", range(200))
def test_the_pieces_are_the_list(seed: int) -> None:
    rng = Random(seed)
    data = listed(rng, rng.choice((0, 1, 2, 30)))
    found, pages = read(data, rng, rng.choice((50, 500, 5000)))
    assert found == list(CLAIMS.page(data).objects)
    assert {page.metadata.resource_version for page in pages} == {"7"}


def test_many_pieces() -> None:
    """Otherwise none of this is tried."""
    rng = Random(1)
    assert len(read(listed(rng, 300), rng, 500)[1]) > 15


@pytest.mark.parametrize("seed", range(200))
def test_a_list_that_ends_too_early_is_none(seed: int) -> None:
    rng = Random(seed)
    data = listed(rng, 30).rstrip()
    with pytest.raises(msgspec.DecodeError):
        read(data[: rng.choice((rng.randrange(len(data)), len(data) - 1, len(data) - 2))], rng, 500)


@pytest.mark.parametrize("begin", [b'{"kind":"PersistentVolumeClaimList","metadata":{"x":"', b'{"kind":"PersistentVolumeClaimList","items":[{"metadata":{"x":"'])
def test_what_never_comes_to_an_end_of_an_object_is_none(monkeypatch: pytest.MonkeyPatch, begin: bytes) -> None:
    monkeypatch.setattr(pieces, "_LONGEST", 1 << 16)
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        yield begin
        while True:
            taken += 1
            yield b"x" * 1000

    with pytest.raises(msgspec.DecodeError):
        list(cut(endless(), CLAIMS.page, 500))
    assert taken < 200


def test_an_object_that_cannot_be_decoded_costs_itself() -> None:
    rng = Random(2)
    data = listed(rng, 40).replace(b'"volumeName":"v-7"', b'"volumeName":{"v":7}')
    found, _ = read(data, rng, 300)
    assert len(found) == 40 and [each.name for each in found if each.unreadable] == ["c-7"]


def test_one_that_is_nested_too_deep_for_a_decoder() -> None:
    """As in managedFields, of which the server takes 10,000 levels: it is decoded together with what comes after it."""
    rng = Random(3)
    deep = b'{"a":' * 9000 + b"1" + b"}" * 9000
    data = listed(rng, 40).replace(b'"uid":"u-7"', b'"uid":"u-7","managedFields":[{"fieldsV1":' + deep + b"}]")
    found, _ = read(data, rng, 300)
    assert [each.name for each in found] == [f"c-{number}" for number in range(40)] and not any(each.unreadable for each in found)


def test_one_great_item_and_what_never_ends() -> None:
    rng = Random(4)
    great = listed(rng, 3).replace(b'"uid":"u-1"', b'"uid":"u-1","annotations":{"a":"' + b'},{\\"metadata\\":{' * 9000 + b'"}')
    assert [each.name for each in read(great, rng, 200)[0]] == ["c-0", "c-1", "c-2"]


def test_another_kind_is_told_with_the_first_piece() -> None:
    rng = Random(5)
    with pytest.raises(msgspec.ValidationError, match="a PodList of v1 was asked for"):
        list(cut(portions(listed(rng, 300), rng), PODS.page, 300))


def test_which_lists_can_be_cut() -> None:
    assert can_be_cut(b'{"kind":"PodList","apiVersion":"v1",')
    assert not can_be_cut(b'{"apiVersion":"apps.kruise.io/v1beta1","items":[')  # its kind comes last, so nothing could be said of a piece
    whole = json.dumps({"apiVersion": "apps/v1", "items": [{"metadata": {"name": f"w-{n}"}} for n in range(99)], "kind": "StatefulSetList", "metadata": {}})
    pages = list(cut(portions(whole.encode(), Random(6)), SETS.page, 100))
    assert len(pages) == 1 and len(pages[0].objects) == 99
