"""Nothing that a cluster holds may reach the terminal as anything but text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_pets.cleaning import clean


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("plain text", "plain text"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[Hwiped", "wiped"),
        ("\x1b]0;title\x07shown", "shown"),
        ("\x1b]8;;https://example.com\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bP1$tx\x1b\\after a DCS", "after a DCS"),
        ("\x9b31mC1 CSI", "C1 CSI"),
        ("\x9d0;C1 OSC\x9cafter", "after"),
        ("\x1bcreset", "reset"),
        ("\x1b(Bcharset", "charset"),
        ("\x1b]0;never ended", "0;never ended"),
        ("ESC at the end\x1b", "ESC at the end"),
        ("one\ntwo\r\nthree\tfour", "one two three four"),
        ("line\u2028separator", "line separator"),
        ("bell\x07 and del\x7f", "bell and del"),
        ("web-\u202e1\u202c", "web-1"),
        ("zero\u200bwidth", "zerowidth"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("größe 数据", "größe 数据"),
        ("  blanks  ", "  blanks  "),
    ],
)
def test_clean(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_cuts_with_an_ellipsis() -> None:
    assert clean("a" * 10, 10) == "a" * 10
    assert clean("a" * 11, 10) == "a" * 9 + "…"
    assert clean("one two three", 9) == "one two…"


@given(st.text(alphabet=st.characters() | st.sampled_from("\x1b\x9b\x9d[]\\;mPX^_")), st.integers(1, 60))
def test_only_printable_characters_come_out(text: str, limit: int) -> None:
    cleaned = clean(text, limit)
    assert len(cleaned) <= limit
    assert not [character for character in cleaned if unicodedata.category(character).startswith("C")]
    assert clean(cleaned, limit) == cleaned
