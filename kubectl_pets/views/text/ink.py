"""Lines of coloured pieces, laid out before they are coloured. Cutting a line to the terminal and padding a column count what is
seen, and escape sequences are not seen; so views build lines of (text, ink) and only ``render`` turns them into characters.
"""

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum, unique


@unique
class Ink(StrEnum):
    """What a piece of text is for; the value is its SGR parameter (ECMA-48 8.3.117)."""

    PLAIN = ""
    BOLD = "1"
    FAINT = "2"
    BAD = "31"
    GOOD = "32"
    BUSY = "33"
    LOUD = "1;33"


Piece = tuple[str, Ink]
Line = tuple[Piece, ...]

#: What views draw with, all of it one column wide: a thousand rows of it are measured each second.
_NARROW = str.maketrans(dict.fromkeys("✔✖◌·…⋯┄│├└─", "."))

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_RENDERED = re.compile(r"\x1b\[(?P<ink>[0-9;]+)m(?P<coloured>[^\x1b]*)\x1b\[0m|(?P<plain>[^\x1b]+)")


def plain(text: str) -> Piece:
    return text, Ink.PLAIN


def faint(text: str) -> Piece:
    return text, Ink.FAINT


def cells(text: str) -> int:
    """Columns that the text takes on a terminal: wide characters two, combining ones none."""
    if text.isascii() or text.translate(_NARROW).isascii():
        return len(text)
    return sum(_cells(character) for character in text)


def render(line: Line, *, width: int | None, colour: bool) -> str:
    """The line as characters, without trailing blanks, never wider than ``width`` columns."""
    pieces = _cut(line, width) if width is not None else line
    text = "".join(text for text, _ in pieces)
    if not colour:
        return text.rstrip()
    return "".join(f"\x1b[{ink}m{text}\x1b[0m" if ink and text.strip() else text for text, ink in pieces).rstrip()


def padded(piece: Piece, width: int) -> Line:
    """The piece, filled up with blanks that are not coloured."""
    return piece, plain(" " * max(0, width - cells(piece[0])))


def columns(rows: Sequence[Sequence[Piece]], gap: int = 2) -> list[Line]:
    """Rows of equally many pieces as lines in which each column is as wide as its widest piece."""
    widths = [max(cells(text) for text, _ in column) for column in zip(*rows, strict=True)]
    return [tuple(part for piece, width in zip(row, widths, strict=True) for part in padded(piece, width + gap)) for row in rows]


def text_of(lines: Iterable[Line], *, width: int | None, colour: bool) -> str:
    return "\n".join(render(line, width=width, colour=colour) for line in lines)


def bare(text: str) -> str:
    """What ``render`` made, without its colours."""
    return _COLOUR.sub("", text)


def cut(text: str, width: int) -> str:
    """What ``render`` made, cut to ``width`` columns with its colours kept whole."""
    if cells(bare(text)) <= width:
        return text
    return render(pieces(text), width=width, colour=True)


def pieces(text: str) -> Line:
    """What ``render`` made with colours, as pieces again."""
    return tuple((found["coloured"] or found["plain"], Ink(found["ink"] or "")) for found in _RENDERED.finditer(text))


def shortened(text: str, width: int, *, middle: bool = False) -> str:
    """The text in no more than ``width`` columns, with an ellipsis for what is left out at its end, or in its middle."""
    if cells(text) <= width:
        return text
    if not middle or width < 5:
        return "".join(part for part, _ in _cut((plain(text),), width))
    tail, room = "", (width - 1) // 2
    for character in reversed(text):
        room -= _cells(character)
        if room < 0:
            break
        tail = character + tail
    return "".join(part for part, _ in _cut((plain(text),), width - cells(tail))) + tail


def _cells(character: str) -> int:
    import unicodedata  # a megabyte, for text that is not plain

    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _cut(line: Line, width: int) -> Line:
    if cells("".join(text for text, _ in line).rstrip()) <= width:
        return line
    kept: list[Piece] = []
    room = max(0, width - 1)
    for text, ink in line:
        part = ""
        for character in text:
            if _cells(character) > room:
                return (*kept, (part.rstrip() + "…" if width > 0 else "", ink))
            part += character
            room -= _cells(character)
        kept.append((part, ink))
    return line
