"""Mutations of bytes, drawn from a seed: the same seed gives the same inputs."""

import json
import random
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

#: Bytes that mean something to somebody who reads JSON, YAML, DNS or a Corefile.
_TOKENS: Sequence[bytes] = (
    b"", b"\x00", b"\xff", b"\xc3\x28", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xe2\x80\xae", b"\x1b[31m", b"\\ud800", b"\\u0000", b'"', b"'", b"{", b"}",
    b"[", b"]", b"[[[[[[[[", b"{}", b"[]", b"null", b"true", b"-0", b"1e999", b"9" * 30, b"9" * 5000, b"1.5", b":", b",", b"\n", b"\r\n", b"\t", b" " * 40,
    b"---\n", b"&a ", b"*a", b"<<: ", b"!!binary ", b"!!python/object:os.system ", b"? ", b"| ", b"import ", b"-0000", b" GMT", b"+2359", b"Ki", b"\xc0\x0c",
    b"\xc0\x00", b"\x3f", b"0000-01-01T00:00:00Z", b"9999-12-31T23:59:59.999999999+23:59", b"%s", b"=", b"!=", b"in (a)", b"\xe2\x80\xa8",
)

#: What a value of a document becomes.
_VALUES: Sequence[Any] = (
    None, True, False, 0, -1, 1 << 31, 1 << 63, 1 << 64, 10**400, 1e300, 0.5, "", "x" * 5000, "\x00", "\ud7ff\u202e\x1b]0;x\x07", [], {}, [None], [[]], {"": None},
    "0000-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T00:00:00", "9999-12-31T23:59:59-23:59", "1e3Ki", "-1", "NaN", "default", "web-0",
)


def _flip(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        if changed:
            changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _insert(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(_TOKENS) * rng.choice((1, 1, 1, 3)) + data[at:]


def _replace(data: bytes, rng: random.Random) -> bytes:
    start, length = rng.randrange(len(data) + 1), rng.choice((1, 2, 8, 40))
    return data[:start] + rng.choice(_TOKENS) + data[start + length:]


def _drop(data: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(data) + 1)
    return data[:start] + data[start + rng.choice((1, 2, 10, 200)):]


def _double(data: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(data) + 1)
    part = data[start:start + rng.choice((1, 4, 30, 300))]
    return data[:start] + part * rng.choice((2, 3, 60)) + data[start:]


def _nest(data: bytes, rng: random.Random) -> bytes:
    at, depth = rng.randrange(len(data) + 1), rng.choice((20, 200, 2000, 20_000))
    opening, closing = rng.choice(((b"[", b"]"), (b'{"a":', b"}"), (b"- ", b"")))
    return data[:at] + opening * depth + (closing * depth if rng.random() < 0.5 else b"") + data[at:]


def cut(data: bytes, rng: random.Random) -> bytes:
    """A beginning of it, never all."""
    return data[: rng.choice((rng.randrange(len(data)), len(data) - 1, len(data) // 2))] if data else data


def _document(data: bytes, rng: random.Random) -> bytes:
    """One value somewhere in a JSON document is another one, gone, or under another name; other bytes are flipped."""
    try:
        whole = json.loads(data)
    except (ValueError, RecursionError):
        return _flip(data, rng)
    for _ in range(rng.choice((1, 1, 2))):
        _change(whole, rng)
    return json.dumps(whole, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")


def _change(whole: Any, rng: random.Random) -> None:
    places = list(_places(whole))
    if not places:
        return
    holder, key = rng.choice(places)
    match rng.randrange(5):
        case 0 | 1:
            holder[key] = deepcopy(rng.choice(_VALUES))
        case 2:
            del holder[key]
        case 3:
            other, there = rng.choice(places)
            holder[key] = deepcopy(other[there])
        case _ if isinstance(holder, dict):
            holder[str(rng.choice((key.upper(), key + "x", "", "metadata", "items", "kind")))] = holder.pop(key)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every holder and key, however deep."""
    found, left = [], [value]
    while left:
        holder = left.pop()
        keys: Any = holder if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ()
        for key in list(keys):
            found.append((holder, key))
            left.append(holder[key])
    return found


_BYTES: Sequence[Callable[[bytes, random.Random], bytes]] = (_flip, _insert, _replace, _drop, _double, _nest, cut)

#: No input is longer; what a server may send is bounded elsewhere.
_LONGEST = 1 << 18


def mutated(data: bytes, rng: random.Random) -> bytes:
    """One to three mutations of it; now and then none."""
    ways = (*_BYTES, _document, _document, _document)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3)) if rng.random() < 0.98 else 0):
        data = rng.choice(ways)(data, rng)[:_LONGEST]
    return data
