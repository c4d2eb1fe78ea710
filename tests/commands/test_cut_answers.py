"""Answers that are cut short, of every read of every verb that looks or plans: what comes out is right, or an error.

The answers are the real control plane's, and so is what a verb makes of them whole; then one answer, or every one from it on, is cut
at a byte, or is framed wrongly. Which ones, is drawn from a seed.
"""

import gzip
import json
import random
import re
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.commands.middle import Heard, Middle, Passing, middle
from tests.commands.plugin import Plugin, Result
from tests.commands.test_orphans import become, make, shrink

pytestmark = pytest.mark.real

TIMES = 20

VERBS: dict[str, tuple[str, ...]] = {
    "list": ("list",),
    "status": ("status", "web"),
    "history": ("rollout", "history", "web"),
    "run": ("rollout", "run", "web", "--image", "app:2", "--dry-run"),
    "scale": ("scale", "web", "--replicas", "1", "--plan"),
    "quorum": ("quorum", "web"),
    "lost": ("lost",),
    "orphans": ("orphans", "--all"),
}

Cut = Callable[[Passing, Heard, random.Random], None]


def _at(data: bytes, rng: random.Random) -> int:
    """Where it is cut: never behind its end."""
    return rng.choice([0, 1, len(data) // 2, len(data) - 2, len(data) - 1, rng.randrange(len(data))])


def too_short(passing: Passing, heard: Heard, rng: random.Random) -> None:
    """Fewer bytes than its Content-Length says."""
    passing.head(heard.status, ("Content-Length", str(len(heard.body))))
    passing.wfile.write(heard.body[: _at(heard.body, rng)])


def reset(passing: Passing, heard: Heard, rng: random.Random) -> None:
    """The same, and the connection ends with RST."""
    too_short(passing, heard, rng)
    passing.wfile.flush()
    passing.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def to_the_end(passing: Passing, heard: Heard, rng: random.Random) -> None:
    """Without a length (RFC 9112, 6.3: until the connection is closed), so that only the JSON tells."""
    passing.head(heard.status, ("Connection", "close"))
    passing.wfile.write(heard.body[: _at(heard.body, rng)])


def too_small_a_length(passing: Passing, heard: Heard, rng: random.Random) -> None:
    """More bytes than its Content-Length says."""
    passing.head(heard.status, ("Content-Length", str(_at(heard.body, rng))), ("Connection", "close"))
    passing.wfile.write(heard.body)


def in_a_chunk(passing: Passing, heard: Heard, rng: random.Random) -> None:
    passing.head(heard.status, ("Transfer-Encoding", "chunked"))
    passing.wfile.write(b"%x\r\n" % len(heard.body) + heard.body[: _at(heard.body, rng)])


def no_last_chunk(passing: Passing, heard: Heard, rng: random.Random) -> None:
    """All of the chunks but the one that says that it was the last."""
    at = max(1, _at(heard.body, rng))
    passing.head(heard.status, ("Transfer-Encoding", "chunked"))
    passing.wfile.write(b"%x\r\n%b\r\n" % (at, heard.body[:at]))


def a_chunk_of_no_size(passing: Passing, heard: Heard, rng: random.Random) -> None:
    at = max(1, _at(heard.body, rng))
    passing.head(heard.status, ("Transfer-Encoding", "chunked"))
    passing.wfile.write(b"%x\r\n%b\r\nno size\r\n%b" % (at, heard.body[:at], heard.body[at:]))


def in_gzip(passing: Passing, heard: Heard, rng: random.Random) -> None:
    packed = gzip.compress(heard.body)
    passing.head(heard.status, ("Content-Encoding", "gzip"), ("Connection", "close"))
    passing.wfile.write(packed[: _at(packed, rng)])


CUTS: tuple[Cut, ...] = (too_short, reset, to_the_end, too_small_a_length, in_a_chunk, no_last_chunk, a_chunk_of_no_size, in_gzip)


class Cutting:
    """Cuts the answer of that number, ``onwards`` also all that follow; number -1: none. Counts them all."""

    def __init__(self, way: Cut | None, number: int, onwards: bool, rng: random.Random) -> None:
        self._way, self._number, self._onwards, self._rng = way, number, onwards, rng
        self.count = 0
        self.cut: list[str] = []

    def __call__(self, passing: Passing, heard: Heard) -> bool:
        number, self.count = self.count, self.count + 1
        if self._way is None or not (number == self._number or self._onwards and number > self._number >= 0):
            return False
        self.cut.append(heard.path)
        passing.close_connection = True
        self._way(passing, heard, self._rng)
        return True


@pytest.fixture
def through(pets: Plugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Middle]:
    monkeypatch.setattr("kubectl_pets.cluster.http.transport._PAUSES", (0.01, 0.01, 0.01))
    with middle(pets.plane, tmp_path) as found:
        yield found


def claims(done: Result) -> dict[str, str]:
    return {item["metadata"]["name"]: item["class"] for item in json.loads(done.stdout)["items"]}


def told(done: Result) -> tuple[int, str]:
    """What was said, without what differs from one second to the next: ages, and the columns that are as wide as they are."""
    return done.code, re.sub(r"\b(\d+[dhms])+\b *", "AGE ", re.sub(r'"(now|at|readAt|age\w*|\w*Seconds|since|\w*Time)": .*', "", done.stdout))


def is_an_error(done: Result) -> bool:
    return done.code == 1 and done.stderr.startswith("error: ") and "defect" not in done.stderr and not done.stdout.strip()


def says_no_more(verb: str, done: Result, whole: Result) -> bool:
    """Where a verb goes on without what it could not read: it says so, and calls nothing better than it is."""
    if done.code != whole.code:
        return False
    if verb == "scale":
        found, before = json.loads(done.stdout), json.loads(whole.stdout)
        more = [warning for warning in found["warnings"] if warning not in before["warnings"]]
        known = [warning for warning in found["warnings"] if warning in before["warnings"]]
        return {**found, "warnings": known} == before and all(warning["caution"].endswith("-not-read") for warning in more)
    if verb == "orphans":
        found, before = claims(done), claims(whole)
        return set(found) == set(before) and all(klass in (before[name], "unsure") for name, klass in found.items())
    return False


@pytest.mark.parametrize("verb", VERBS)
def test_a_cut_answer_is_an_error_or_makes_no_difference(pets: Plugin, through: Middle, verb: str) -> None:
    make(pets)
    shrink(pets, 2)
    become(pets, data_web_0="in-use", data_web_1="in-use", data_web_2="scaled-down")
    rng = random.Random(f"{verb} 1")
    words = (*VERBS[verb], *(() if verb in ("history", "lost") else ("-o", "json")))

    def run(cutting: Cutting) -> Result:
        through.reading = cutting
        return pets(*words, expect=None, kubeconfig=through.kubeconfig)

    counting = Cutting(None, -1, False, rng)
    whole = run(counting)
    assert told(whole) == told(pets(*words, expect=None)), "nothing is cut yet"
    outcomes = {"right": 0, "error": 0, "less": 0}
    for number in range(TIMES):
        way = CUTS[number % len(CUTS)]
        cutting = Cutting(way, rng.randrange(counting.count), rng.random() < 0.7, rng)
        done = run(cutting)
        assert cutting.cut, "an answer was cut"
        kind = "right" if told(done) == told(whole) else "error" if is_an_error(done) else "less" if says_no_more(verb, done, whole) else ""
        assert kind, f"{way.__name__} of {cutting.cut[0]} and {len(cutting.cut) - 1} more: {done}\nwhole: {whole}"
        outcomes[kind] += 1
    assert sum(outcomes.values()) == TIMES and outcomes["error"], outcomes


def test_there_are_160() -> None:
    assert len(VERBS) * TIMES == 160
