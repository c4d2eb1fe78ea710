"""What somebody meets first: the README's picture is what the program prints today, and its first commands are there."""

import re
import xml.etree.ElementTree as ET

import pytest

from kubectl_pets.views.text.ink import Ink
from tests.commands.test_docs import README
from tests.demo import picture


@pytest.fixture(scope="module")
def shown() -> list[picture.Pieces]:
    return picture.lines()


@pytest.mark.parametrize("theme", picture.THEMES)
def test_the_picture_is_what_the_program_prints(shown: list[picture.Pieces], theme: str) -> None:
    """Where this fails on purpose: python -m tests.demo.picture."""
    kept = (picture.DOCS / f"picture-{theme}.svg").read_text(encoding="utf-8")
    assert kept == picture.svg(shown, theme)
    assert f"docs/picture-{theme}.svg" in README
    drawn = [element for element in ET.fromstring(kept).iter() if element.tag.endswith("}text")]
    assert {element.get("fill") for element in drawn} > {picture.THEMES[theme][ink] for ink in (Ink.BAD, Ink.GOOD)}
    widest = max(float(element.get("x", 0)) + float(element.get("textLength", 0)) for element in drawn)
    assert widest <= float(ET.fromstring(kept).get("width", 0))


def test_somebody_from_krew_builds_nothing() -> None:
    first = README[README.index("## Thirty seconds"):README.index("## From a checkout")]
    assert "make" not in re.findall(r"`?(\w+)", first)
    assert README.index("picture") < README.index("kubectl krew install pets") < README.index("make demo")
