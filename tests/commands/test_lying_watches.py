"""A rollout through something that lies in watches, one way at a time: it is done when every pod is new, or it says that it is not.

The API server and the controller are real; what pods are really there is asked beside the liar.
"""

import gzip
import http.client
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.middle import Passing, middle
from tests.commands.plugin import Plugin

pytestmark = pytest.mark.real

NEW = "app:2"

Way = Callable[[Passing, http.client.HTTPResponse], None]


def line_by_line(change: Callable[[bytes, list[bytes]], list[bytes]]) -> Way:
    """What is sent on instead of each line; the list is of this watch alone."""

    def way(passing: Passing, response: http.client.HTTPResponse) -> None:
        passing.begin()
        kept: list[bytes] = []
        for line in passing.lines(response):
            for sent in change(line, kept):
                passing.chunk(sent)
        passing.end()

    return way


def only(*lines: bytes) -> Way:
    """Just these, and the end."""

    def way(passing: Passing, response: http.client.HTTPResponse) -> None:
        passing.begin()
        for line in lines:
            passing.chunk(line)
        passing.end()

    return way


def silent(passing: Passing, response: http.client.HTTPResponse) -> None:
    passing.begin()
    passing.server.middle.over.wait(60)
    passing.close_connection = True


def dripping(passing: Passing, response: http.client.HTTPResponse) -> None:
    """A byte at a time."""
    passing.begin()
    for line in passing.lines(response):
        for at in range(len(line)):
            passing.chunk(line[at:at + 1])
    passing.end()


def compressed(passing: Passing, response: http.client.HTTPResponse) -> None:
    """Although nobody asked for it."""
    passing.begin(("Content-Encoding", "gzip"))
    for line in passing.lines(response):
        passing.chunk(gzip.compress(line))
    passing.end()


def a_page(passing: Passing, response: http.client.HTTPResponse) -> None:
    body = b"<html>please log in</html>"
    passing.head(200, ("Content-Type", "text/html"), ("Content-Length", str(len(body))))
    passing.wfile.write(body)


def redirected(passing: Passing, response: http.client.HTTPResponse) -> None:
    passing.head(302, ("Location", "https://login.example.org/"), ("Content-Length", "0"))


def cut_in_a_line(passing: Passing, response: http.client.HTTPResponse) -> None:
    passing.begin()
    for line in passing.lines(response):
        passing.chunk(line[: len(line) // 2])
        break
    passing.close_connection = True


def again_and_an_older_one(line: bytes, kept: list[bytes]) -> list[bytes]:
    kept.append(line)
    return [line, kept[0]]


def swapped(line: bytes, kept: list[bytes]) -> list[bytes]:
    kept.append(line)
    if len(kept) < 2:
        return []
    pair = kept[::-1]
    kept.clear()
    return pair


def version(change: Callable[[int], str]) -> Way:
    """Of each object, told as another one."""

    def changed(line: bytes, kept: list[bytes]) -> list[bytes]:
        return [re.sub(rb'"resourceVersion":"(\d+)"', lambda found: f'"resourceVersion":"{change(int(found[1]))}"'.encode(), line)]

    return line_by_line(changed)


def status(code: int, reason: str) -> bytes:
    failure = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "as told", "reason": reason, "code": code}
    return json.dumps({"type": "ERROR", "object": failure}).encode() + b"\n"


def bookmark(at: int, kind: str = "Pod") -> bytes:
    return json.dumps({"type": "BOOKMARK", "object": {"kind": kind, "apiVersion": "v1", "metadata": {"resourceVersion": str(at)}}}).encode() + b"\n"


def elsewhere(line: bytes, kept: list[bytes]) -> list[bytes]:
    """Each event is followed by one about an object of another namespace."""
    return [line, re.sub(rb'"namespace":"[^"]*"', b'"namespace":"elsewhere"', line)]


WAYS: dict[str, Way] = {
    "held back": line_by_line(lambda line, kept: []),
    "silent": silent,
    "dripping": dripping,
    "ended at once": only(),
    "410 in the stream": only(status(410, "Expired")),
    "500 in the stream": only(status(500, "InternalError")),
    "bookmarks alone, far ahead": only(bookmark(1 << 60)),
    "half a line": line_by_line(lambda line, kept: [line[: len(line) // 2] + b"\n"]),
    "cut in a line": cut_in_a_line,
    "two objects in one line": line_by_line(lambda line, kept: [line.rstrip() + line]),
    "of another kind": line_by_line(lambda line, kept: [re.sub(rb'"kind":"(Pod|StatefulSet)"', b'"kind":"Secret"', line)]),
    "of another namespace": line_by_line(elsewhere),
    "everything three times": line_by_line(lambda line, kept: [line * 3]),
    "older ones again": line_by_line(again_and_an_older_one),
    "out of order": line_by_line(swapped),
    "versions that go back": version(lambda number: str(max(1, 2_000_000_000 - number))),
    "versions that are none": version(lambda number: f"x{number}"),
    "changes told as deletions": line_by_line(lambda line, kept: [line.replace(b'"type":"MODIFIED"', b'"type":"DELETED"')]),
    "events of no known type": line_by_line(lambda line, kept: [line.replace(b'"type":"MODIFIED"', b'"type":"MUTATED"')]),
    "garbage between": line_by_line(lambda line, kept: [b"\x00\xffgarbage\n", line]),
    "compressed": compressed,
    "a page": a_page,
    "redirected": redirected,
}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_a_rollout_is_done_when_it_is_or_says_that_it_is_not(pets: Plugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    monkeypatch.setattr("kubectl_pets.cluster.objects.watches._POLL", 0.2)
    pets.make("web", replicas=2)
    with middle(pets.plane, tmp_path) as between:
        between.watching = WAYS[way]
        done = pets("rollout", "run", "web", "--image", NEW, "--timeout", "15s", expect=None, kubeconfig=between.kubeconfig)
    said = done.stdout + done.stderr
    assert done.code in (0, 1, 3, 5), said
    assert "defect" not in said and "Traceback" not in said
    if done.code == 0:
        assert pets.images() == {"web-0": NEW, "web-1": NEW}, said
    else:
        assert "complete" not in done.stdout.splitlines()[-1:], said
