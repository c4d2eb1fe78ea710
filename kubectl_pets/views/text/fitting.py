"""Makes a table fit a terminal: columns give way by importance, so that no line wraps and what matters stays whole.

First the columns that matter least are left out, as far as it takes for the others to have room; then those that may be shortened
(reasons, names) share what is left. A table that fits is not touched, and neither is one that goes to a file or a pipe.
"""

import re
from collections.abc import Iterator, Sequence

import msgspec

from kubectl_pets.views.text.ink import Ink, Line, Piece, cells, faint, padded, plain, render, shortened

#: Columns of this weight or less are nice to have where there is room.
_LIGHT = 3

#: Fewer cells hold no sentence.
_NARROW = 20

#: A command in a sentence, up to the comma or semicolon behind it. Its quotes are those of ``shlex.quote``; one may be around it.
#: kubectl's own verbs are those that hints name: "as kubectl does" is no command.
_VERBS = "pets|annotate|api-resources|auth|config|create|delete|describe|edit|get|label|patch|rollout|scale|taint|wait"
_COMMAND = re.compile(rf"""(?<!\S)\(?(?:'kubectl [^']*'|kubectl (?:{_VERBS})\b(?:'[^']*'|"'"|[^'",;]|[,;](?=\S))*)\S*""")


class Column(msgspec.Struct, frozen=True):
    """One column. ``weight``: the lower, the sooner it is left out; None: never."""

    head: str
    weight: int | None = None
    #: It may be shortened to so many cells; None: it is whole or not there.
    least: int | None = None
    #: So many it is to have before columns of no more than ``_LIGHT`` are shown beside it; 0: ``least`` will do.
    ease: int = 0
    #: What is left out of a cell is its middle, not its end: names differ at both.
    middle: bool = False


def gap(width: int | None) -> int:
    """Blanks between two columns: as many as kubectl has, and less where there is not much room."""
    return 3 if width is None or width >= 100 else 2


def fit(
    columns: Sequence[Column], rows: Sequence[tuple[Piece, ...]], width: int | None, *, between: int | None = None
) -> list[tuple[Piece, ...]]:
    """The rows (the head's among them, if there is one) so that they take no more than ``width`` cells, the gaps included; as
    they are where ``width`` is None. Of a column that is left out no cell is handed on. ``between``: blanks between two columns
    where they are not ``gap``."""
    if width is None or not rows:
        return list(rows)
    between = gap(width) if between is None else between
    widths = [max(cells(text) for text, _ in column) for column in zip(*rows, strict=True)]
    kept = list(range(len(columns)))
    for heaviest, cramped in ((_LIGHT, False), (None, True)):
        weights = {at: weight for at in kept if (weight := columns[at].weight) is not None}
        for at in sorted((at for at in weights if heaviest is None or weights[at] <= heaviest), key=weights.__getitem__):
            if _needed(kept, [_least(columns[each], widths[each], cramped) for each in kept], between) > width:
                kept.remove(at)
    room = _shared(columns, kept, widths, width, between)
    return [tuple(_cut(row[at], room[at], columns[at]) for at in kept) for row in rows]


def aligned(rows: Sequence[tuple[Piece, ...]], *, width: int | None, colour: bool) -> Iterator[str]:
    """Line by line: of many thousands of rows not all are laid out at once."""
    widths = [max(cells(text) for text, _ in column) + gap(width) for column in zip(*rows, strict=True)]
    for row in rows:
        line = tuple(part for piece, room in zip(row, widths, strict=True) for part in padded(piece, room))
        yield render(line, width=width, colour=colour)


def folded_text(text: str, width: int, most: int) -> list[str]:
    """The text in lines of no more than ``width`` cells, broken at blanks, and no more than ``most`` lines of it: what is beyond
    is left out with an ellipsis. Where there is no room for words, one line to be cut."""
    if width < _NARROW or cells(text) <= width:
        return [text]
    lines, line = [], ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if cells(longer) <= width or not line:
            line = longer
            continue
        lines.append(line)
        line = word
    lines.append(line)
    shown = [shortened(each, width) for each in lines]
    if len(shown) <= most:
        return shown
    return [*shown[: most - 1], shortened(f"{shown[most - 1]} {lines[most]}", width)]


def folded(before: Line, text: str, width: int | None, ink: Ink = Ink.PLAIN) -> Iterator[Line]:
    """The whole text behind what stands ``before`` its first line, in lines of no more than ``width`` cells that begin below each
    other. Where there is no room for words, or ``width`` is None, one line."""
    indent = sum(cells(part) for part, _ in before)
    texts = folded_text(text, width - indent, len(text)) if width is not None else [text]
    for at, each in enumerate(texts):
        yield (*(before if at == 0 else (plain(" " * indent),) if indent else ()), (each, ink))


def prose(text: str, width: int | None) -> str:
    """Sentences in lines of no more than ``width`` cells: broken at blanks, the rest of a line below its beginning. No word is
    cut. A command is never broken: one that is to be typed has a line of its own, which a terminal wraps where it is longer than
    the window, without a line's end that would be copied with it."""
    if width is None:
        return text
    return "\n".join(line for each in text.split("\n") for line in _folded_line(each, width))


def leaves(stem: str, found: Sequence[Piece], width: int | None) -> Iterator[Line]:
    """The ends of a branch of a tree below ``stem``, as ``prose``: none of them is cut."""
    for at, (text, ink) in enumerate(found):
        first, below = ("└─ ", "   ") if at == len(found) - 1 else ("├─ ", "│  ")
        texts = prose(text, width - cells(stem + first) if width is not None else None).split("\n")
        yield from ((faint(stem + (first if number == 0 else below)), (each, ink)) for number, each in enumerate(texts))


def _folded_line(line: str, width: int) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip(" ")))
    if width - len(indent) < _NARROW or cells(line) <= width:
        return [line]
    lines: list[str] = []
    begun = False
    for word, typed in _words(line.strip(" ")):
        if typed:
            lines.append(f"{indent}    {word}")
        elif begun and cells(longer := f"{lines[-1]} {word}") <= width:
            lines[-1] = longer
        else:
            lines.append(f"{indent}  {word}" if lines else indent + word)
        begun = not typed
    return lines


def _words(line: str) -> Iterator[tuple[str, bool]]:
    """The words of a line, a command being one, each with whether it is to be typed: it is where a sentence ends in it or begins
    with it. What parts such a one from the words behind it is left out."""
    at = 0
    for found in _COMMAND.finditer(line):
        before = line[at:found.start()].split()
        yield from ((word, False) for word in before)
        typed = not before or before[-1].endswith((":", ";", ","))
        yield (found[0].rstrip(" ,;") if typed else found[0].rstrip(" ")), typed
        at = found.end()
    yield from ((word, False) for word in line[at:].split())


def _needed(kept: Sequence[int], widths: Sequence[int], between: int) -> int:
    return sum(widths) + between * (len(kept) - 1)


def _least(column: Column, width: int, cramped: bool = True) -> int:
    if column.least is None:
        return width
    return min(width, column.least if cramped else max(column.least, column.ease))


def _shared(
    columns: Sequence[Column], kept: Sequence[int], widths: Sequence[int], width: int, between: int
) -> dict[int, int]:
    """How wide each column may be. The rightmost of those that can be shortened gives first, for there the sentences are; none
    gives all that it can before all have given what they can do without."""
    room = {at: widths[at] for at in kept}
    for cramped in (False, True):
        for at in reversed(kept):
            over = _needed(kept, list(room.values()), between) - width
            if over > 0:
                room[at] = max(_least(columns[at], widths[at], cramped), room[at] - over)
    return room


def _cut(piece: Piece, width: int, column: Column) -> Piece:
    text, ink = piece
    return piece if cells(text) <= width else (shortened(text, width, middle=column.middle), ink)
