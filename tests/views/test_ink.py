"""Cutting and padding count what is seen."""

from kubectl_pets.views.text.ink import Ink, bare, cells, columns, cut, faint, plain, render

LINE = (plain("web-0  "), ("available", Ink.GOOD), plain("  node-a"))


def test_plain_unless_asked() -> None:
    assert render(LINE, width=None, colour=False) == "web-0  available  node-a"
    assert render(LINE, width=None, colour=True) == "web-0  \x1b[32mavailable\x1b[0m  node-a"


def test_cuts_what_is_too_long_and_nothing_else() -> None:
    assert render(LINE, width=24, colour=False) == "web-0  available  node-a"
    assert render(LINE, width=23, colour=False) == "web-0  available  node…"
    assert render(LINE, width=10, colour=True) == "web-0  \x1b[32mav…\x1b[0m"
    assert render(LINE, width=1, colour=False) == "…"
    assert render(LINE, width=0, colour=False) == ""


def test_blanks_at_the_end_are_no_reason_to_cut() -> None:
    assert render((plain("ab"), plain("   "), faint("  ")), width=2, colour=False) == "ab"


def test_wide_and_combining_characters() -> None:
    assert cells("数据") == 4
    assert cells("e\u0301") == 1
    assert render((plain("数据库"),), width=5, colour=False) == "数据…"
    assert render((plain("数据库"),), width=4, colour=False) == "数…"


def test_columns_are_as_wide_as_their_widest_piece() -> None:
    rows = [[plain("a"), plain("数"), plain("x")], [plain("bbb"), plain("c"), plain("y")]]
    assert [render(line, width=None, colour=False) for line in columns(rows)] == ["a    数  x", "bbb  c   y"]


def test_a_rendered_line_is_cut_with_its_colours_whole() -> None:
    line = render(LINE, width=None, colour=True)
    assert bare(line) == "web-0  available  node-a"
    assert cut(line, 24) == line
    assert cut(line, 10) == "web-0  \x1b[32mav…\x1b[0m"
    assert cut("web-0  available", 8) == "web-0…"
