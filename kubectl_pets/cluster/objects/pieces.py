"""A list that is too long for one page, cut into lists that are whole by themselves while it arrives.

The API server encodes the lists of its own kinds as a stream since 1.33 (KEP-5116): asked for in one piece they cost it less than
their pages do, and it never holds them whole. Neither does this side: what has arrived is cut between two items and decoded.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import msgspec

P = TypeVar("P")


class _List(msgspec.Struct, frozen=True):
    items: list[msgspec.Raw]


_ANY = msgspec.json.Decoder(_List)

#: Of the lists that begin with what they are, as those of the server's own kinds do. Those of custom resources have their keys in
#: the order of the alphabet, and their kind comes after the items.
_BEGINS = b'{"kind":"'
_ITEMS = b'"items":[{'
_END = b"]}"

#: Bytes in which no place to cut is found: no object is so long, so this is no list.
_LONGEST = 1 << 30

#: So many places are tried before more is waited for.
_TRIES = 4


def can_be_cut(page: bytes) -> bool:
    """Whether a list of which this is a page would be cut."""
    return page.startswith(_BEGINS)


def cut(parts: Iterable[bytes], decode: Callable[[bytes], P], block: int) -> Iterator[P]:
    """What ``decode`` makes of each piece of the list that arrives in ``parts``, of ``block`` bytes or more; it has to raise
    for what is no JSON, whatever it needs of it. Raises what it raises: for the last piece, where the list is not whole."""
    head, rest, wanted = b"", bytearray(), block
    for part in parts:
        rest += part
        if len(rest) < wanted:
            continue
        if not head:
            head = _head(rest)
            if not head:
                wanted *= 2
                if wanted > _LONGEST:
                    break
                continue
            del rest[: len(head)]
        found = _cut(head, rest, decode)
        if found is None:
            wanted *= 2
            if wanted > _LONGEST:
                break
            continue
        piece, length = found
        del rest[: length + 1]  # and the comma
        wanted = block
        yield piece
    yield decode(head + bytes(rest))


def _head(rest: bytearray) -> bytes:
    """Everything before the first item; empty where none has come yet."""
    at = rest.find(_ITEMS)
    return bytes(rest[: at + len(_ITEMS) - 1]) if at >= 0 and rest.startswith(_BEGINS) else b""


def _cut(head: bytes, rest: bytearray, decode: Callable[[bytes], P]) -> tuple[P, int] | None:
    """The items that have arrived, and how many bytes they are; None where no place to cut was found.

    Items begin alike, so a place is before such a beginning. The same may stand within an item, but a list that is cut there is
    no JSON, for a bracket stays open; and in a string there is no quotation mark without a backslash before it."""
    beginning = bytes(rest[: rest.find(b":") + 1])
    at = len(rest)
    for _ in range(_TRIES):
        at = rest.rfind(b"}," + beginning, 0, at)
        if at < 0:
            return None
        with memoryview(rest) as arrived, arrived[: at + 1] as items:
            piece = b"".join((head, items, _END))
        try:
            return decode(piece), at + 1
        except Exception:  # whatever is wrong with it: what was cut at another place is no list at all
            if _is_json(piece):
                raise
    return None


def _is_json(piece: bytes) -> bool:
    try:
        _ANY.decode(piece)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False  # or nested too deep to tell: then all is decoded together, which takes care of that
    return True
