"""``rollout report`` as text, Markdown, a page and a document, and none of them does what a hostile message says."""

import json
import re
from html.parser import HTMLParser

import msgspec

from kubectl_pets.domain.rollout.evidence import Warned
from kubectl_pets.domain.rollout.report import RolloutReport, Writer
from kubectl_pets.views.rollout import report as view
from tests.domain.builders import OLD
from tests.domain.test_report import DELETIONS, ROLLED, at, entry, made, told_of
from tests.schemas import check


def done() -> RolloutReport:
    return told_of(ROLLED, DELETIONS, current="web-new", entry=entry(created=at(0)))


def test_a_screen() -> None:
    assert view.draw(done(), width=120).splitlines() == [
        "prod/web: revision 2 (web-new) took 90s, 3 of 3 pods done",
        "  Phase      complete",
        "  From       2026-03-01T12:00:00Z",
        "  To         2026-03-01T12:01:30Z",
        "  Revision   made 2026-03-01T12:00:00Z",
        "  Slowest    web-1, 34s, of which becoming ready 29s",
        "",
        "POD     STATE   DELETED    CREATED    SCHEDULED   PULLED   READY      AVAILABLE   TOOK   MOST OF IT           RESTARTS",
        "web-2   done    12:00:00   12:00:05   12:00:06    -        12:00:25   12:00:25    25s    becoming ready 19s   0",
        "web-1   done    12:00:26   12:00:30   12:00:31    -        12:01:00   12:01:00    34s    becoming ready 29s   0",
        "web-0   done    12:01:02   12:01:10   12:01:11    -        12:01:30   12:01:30    28s    becoming ready 19s   0",
        "",
        "Not known:",
        "  no event of web-2..web-0 is left (they last about an hour): when the pod before it was deleted, when images were",
        "  pulled",
    ]


def test_while_it_runs() -> None:
    found = told_of((made(0, -9000, -9000, OLD), made(1, 30, None), made(2, 5, 25)), DELETIONS[:2], now=40)
    text = view.draw(found, width=80)
    assert "under way for 40s, 1 of 3 pods done" in text and "Expected   2026-03-01T12:01:15Z (in 35s), at the pace so far" in text
    held = view.draw(told_of((made(0, -9000, -9000, OLD), made(1, 30, None), made(2, 5, 25)), DELETIONS[:2], now=40, partition=1), width=80)
    assert "Expected   what is released, 2026-03-01T12:00:50Z (in 10s), at the pace so far" in held, "and no word of what is not"
    assert re.search(r"^web-0 +still to come", text, re.MULTILINE) and all(len(line) <= 80 for line in text.splitlines())


def test_the_document() -> None:
    written = json.loads(view.document(done(), "json"))
    check(written)
    assert written["slowestPod"] == "web-1" and written["tookSeconds"] == 90 and written["pods"][0]["stages"][0] == {"stage": "termination", "seconds": 5}
    check(json.loads(view.document(told_of((), None), "json")))


HOSTILE = "x\x1b[2J|\n| a | b |\n# <script>alert(1)</script> [click](javascript:x) `code` @everyone ]]> </svg> \u202e" + '"onload="x'


def hostile() -> RolloutReport:
    warned = Warned(about=HOSTILE, reason=HOSTILE, message=HOSTILE, times=2, last=at(0))
    found = done()
    pods = tuple(msgspec.structs.replace(each, name=HOSTILE, node=HOSTILE, warnings=(warned,)) for each in found.pods)
    writer = Writer(manager=HOSTILE, operation=HOSTILE, time=None, fields=(HOSTILE,))
    return msgspec.structs.replace(found, pods=pods, warnings=(warned,), writers=(writer,), name=HOSTILE, revision=HOSTILE)


def test_hostile_text_stays_text_on_a_terminal_and_in_markdown() -> None:
    assert all(line.isprintable() for line in view.draw(hostile()).split("\n"))
    text = view.markdown(hostile())
    assert all(line.isprintable() for line in text.split("\n"))
    assert not re.search(r"(?<!\\)[<>`\[\]]", text) and "@" not in text
    rows = [line for line in text.split("\n") if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {13}, "no cell more than the heads"


class Tags(HTMLParser):
    """The elements and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.attributes |= set(attrs)


def test_the_page_needs_nothing_and_does_nothing() -> None:
    harmless, text = Tags(view.html(done())), view.html(hostile())
    tags = Tags(text)
    assert tags.found == harmless.found | {"li", "ul"} and not tags.found & {"script", "img", "a", "iframe", "object", "link", "foreignobject"}
    assert not any(name.startswith("on") or name in ("href", "src", "style") for name, _ in tags.attributes)
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "") and "url(" not in text and "@import" not in text
    assert text.count('<rect class="starting"') == 4, "a bar a pod, and one in the legend"
