"""``status -o html|svg``: the terminal's picture, whole, and nothing in it that is more than text."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.views.rollout import poster, tree
from kubectl_pets.views.text.ink import bare
from tests.views import builders
from tests.views.builders import NOW
from tests.views.test_report import HOSTILE, Tags

SVG = "{http://www.w3.org/2000/svg}"


def shown(seen: Assessment) -> list[str]:
    return bare(tree.draw(seen, NOW, width=140, colour=True)).split("\n")


class Text(HTMLParser):
    """What stands inside of ``pre``."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.told, self._inside = "", False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside |= tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        self._inside &= tag != "pre"

    def handle_data(self, data: str) -> None:
        self.told += data if self._inside else ""


@pytest.mark.parametrize("seen", [builders.complete(), builders.stuck(), builders.rolling()])
def test_it_shows_what_the_terminal_shows(seen: Assessment) -> None:
    expected = shown(seen)
    assert Text(poster.draw([(seen, None)], NOW, "html")).told.split("\n")[: len(expected)] == expected
    root = ElementTree.fromstring(poster.draw([(seen, None)], NOW, "svg"))
    rows: dict[str, str] = {}
    for each in root.iter(f"{SVG}text"):
        rows[each.attrib["y"]] = rows.get(each.attrib["y"], "") + (each.text or "").replace(" ", "")
    assert list(rows.values())[:-1] == [line.replace(" ", "") for line in expected if line.strip()]
    assert float(root.attrib["width"]) >= 7.8 * max(map(len, expected))


def hostile() -> Assessment:
    seen = builders.stuck()
    blockers = tuple(replace(each, message=HOSTILE, reason=HOSTILE, pod=HOSTILE) for each in seen.blockers)
    members = tuple(replace(each, message=HOSTILE, node=HOSTILE, name=HOSTILE) for each in seen.members)
    return replace(seen, name=HOSTILE, blockers=blockers, members=members)


@pytest.mark.parametrize("output", ["html", "svg"])
def test_hostile_text_is_only_text(output: str) -> None:
    harmless, text = Tags(poster.draw([(builders.stuck(), None)], NOW, output)), poster.draw([(hostile(), None)] * 2, NOW, output)
    tags = Tags(text)
    assert tags.found == harmless.found and not tags.found & {"script", "img", "a", "image", "foreignobject", "use"}
    assert {name for name, _ in tags.attributes} == {name for name, _ in harmless.attributes}
    assert not re.search(r"https?:(?!//www\.w3\.org/2000/svg)|url\(|@import", text)
    if output == "svg":
        ElementTree.fromstring(text)


def test_what_xml_cannot_hold_is_replaced() -> None:
    odd = replace(builders.stuck(), namespace="a\ufffeb\ud800c")
    ElementTree.fromstring(poster.draw([(odd, None)], NOW, "svg").encode())
