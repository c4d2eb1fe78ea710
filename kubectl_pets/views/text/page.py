"""A page of HTML, or a picture (SVG), that needs nothing else: no script, nothing from elsewhere, light or dark as its reader has
it."""

from collections.abc import Iterable, Sequence
from html import escape

from kubectl_pets.cleaning import clean
from kubectl_pets.views.text.ink import Ink, Line, cells

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --faint: #777; --bad: #c62828; --good: #2e7d32; --busy: #b26a00 }
@media (prefers-color-scheme: dark) { :root { --faint: #999; --bad: #ff7b72; --good: #7ee787; --busy: #e3b341 } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 1.8rem; border-bottom: 1px solid var(--line) }
p, ul { margin: .2rem 0 } .faint { color: var(--faint) } .bad { color: var(--bad) } .good { color: var(--good) }
.busy { color: var(--busy) } .bold { font-weight: bold } .loud { color: var(--busy); font-weight: bold }
table { border-collapse: collapse; font-size: .9rem }
th, td { text-align: left; padding: .1rem .8rem .1rem 0; vertical-align: top }
th { color: var(--faint); font-weight: normal; font-size: .8rem }
pre { font: 13px/1.45 ui-monospace, monospace; overflow-x: auto }
svg text { font: 12px system-ui, sans-serif; fill: currentColor }
.termination { fill: #9e9e9e } .scheduling { fill: #90a4ae } .pulling { fill: #5c9bd5 }
.starting { fill: #e0a030 } .settling { fill: #6bb36b }
"""

_SVG_STYLE = """
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #24292f; white-space: pre }
.paper { fill: #ffffff } .faint { fill: #6e7781 } .bad { fill: #cf222e } .good { fill: #1a7f37 } .busy { fill: #9a6700 }
.bold { font-weight: bold } .loud { fill: #9a6700; font-weight: bold }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .paper { fill: #0d1117 } .faint { fill: #8b949e } .bad { fill: #ff7b72 } .good { fill: #7ee787 }
.busy, .loud { fill: #e3b341 } }
"""

#: Width and height of a cell in an SVG, in its units, and the margin around all of it.
_CELL, _LINE, _MARGIN = 7.83, 18, 12

#: XML has no place for these, however they are written (https://www.w3.org/TR/xml/#charsets).
_NOT_XML = {number: "\N{REPLACEMENT CHARACTER}" for number in (*range(0xD800, 0xE000), 0xFFFE, 0xFFFF)}


def page(title: str, body: Iterable[str]) -> str:
    """A whole document. ``title``: text; ``body``: lines of markup."""
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="en"><head>{head}<title>{text(title)}</title><style>{_STYLE}</style></head><body>',
            *body,
            "</body></html>",
        ]
    )


def preformatted(lines: Iterable[Line]) -> list[str]:
    """Lines of coloured pieces, as they stand on a terminal, for a page."""
    drawn = ("".join(_span(part, ink) for part, ink in line) for line in lines)
    return ["<pre>" + "\n".join(drawn) + "</pre>"]


def _span(part: str, ink: Ink) -> str:
    return f'<span class="{ink.name.lower()}">{_exact(part)}</span>' if ink else _exact(part)


def svg(title: str, lines: Sequence[Line]) -> str:
    """The same as a picture: each piece stands where its cells are, whatever font draws it."""
    widest = max((cells("".join(part for part, _ in line)) for line in lines), default=0)
    width, height = round(widest * _CELL) + 2 * _MARGIN, len(lines) * _LINE + 2 * _MARGIN
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f"<title>{text(title)}</title><style>{_SVG_STYLE}</style>",
        f'<rect class="paper" width="{width}" height="{height}"/>',
    ]
    for row, line in enumerate(lines):
        column, top = 0, _MARGIN + row * _LINE + 13
        for part, ink in line:
            if part.strip():
                named = f' class="{ink.name.lower()}"' if ink else ""
                place = f'x="{_MARGIN + column * _CELL:.1f}" y="{top}"'
                drawn.append(f'<text{named} xml:space="preserve" {place}>{_exact(part)}</text>')
            column += cells(part)
    return "\n".join([*drawn, "</svg>"])


def _exact(part: str) -> str:
    """Text that is clean already, with its blanks."""
    return escape("".join(character for character in part if character.isprintable()).translate(_NOT_XML))


def text(found: str, limit: int = 2000) -> str:
    """Untrusted text, for between tags and inside of quoted attributes, in HTML and in XML."""
    return escape(clean(found, limit).translate(_NOT_XML))
