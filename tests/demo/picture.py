"""Draws the picture of the README: the real program in a terminal, as SVG, once for a light and once for a dark page.

``python -m tests.demo.picture`` writes both into docs/; a test holds them against what the program prints today.
"""

import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import yaml

from kubectl_pets.views.text.ink import Ink, cells
from tests.cluster.conftest import kubeconfig
from tests.cluster.loopback import Loopback, loopback
from tests.commands.test_windows import put_set
from tests.window import Window, pieces

DOCS = Path(__file__).resolve().parents[2] / "docs"

COLUMNS, ROWS = 96, 40

#: Background, frame, text, then each ink (xterm's colours are too pale on white).
_LIGHT = {"page": "#ffffff", "frame": "#d0d7de", Ink.PLAIN: "#1f2328", Ink.FAINT: "#818b98", Ink.BAD: "#cf222e"}
_LIGHT |= {Ink.GOOD: "#1a7f37", Ink.BUSY: "#9a6700", Ink.LOUD: "#9a6700", Ink.BOLD: "#1f2328"}
_DARK = {"page": "#0d1117", "frame": "#3d444d", Ink.PLAIN: "#f0f6fc", Ink.FAINT: "#9198a1", Ink.BAD: "#ff7b72"}
_DARK |= {Ink.GOOD: "#3fb950", Ink.BUSY: "#d29922", Ink.LOUD: "#d29922", Ink.BOLD: "#ffffff"}
THEMES = {"light": _LIGHT, "dark": _DARK}

_WIDE, _HIGH, _MARGIN = 8.4, 19, 16

#: Words with single blanks between them: several blanks would be drawn as one.
_WORDS = re.compile(r"\S+(?: \S+)*")

Pieces = list[tuple[str, Ink]]


def lines() -> list[Pieces]:
    """What somebody sees who types two commands beside a rollout that is stuck."""
    shown: list[Pieces] = []
    with loopback() as server, tempfile.TemporaryDirectory() as folder:
        _put(server)
        path = Path(folder) / "config"
        path.write_text(yaml.safe_dump(kubeconfig(server.url, context={"namespace": "prod"})))
        for words in (("list",), ("status", "db")):
            with Window(COLUMNS, ROWS, *words, KUBECONFIG=str(path)) as window:
                window.end()
            shown += [[(f"$ kubectl pets {' '.join(words)}", Ink.BOLD)], *pieces(window.written), []]
    return shown[:-1]


def _put(server: Loopback) -> None:
    put_set(server.world, "db", namespace="prod", broken="InvalidImageName", replicas=4)
    put_set(server.world, "queue", namespace="prod", replicas=3)
    put_set(server.world, "cache", namespace="prod", replicas=3, partition=2)


def svg(shown: Sequence[Pieces], theme: str) -> str:
    """A terminal with these lines. Each piece has its place and its width, whatever font there is."""
    colours = THEMES[theme]
    width, height = COLUMNS * _WIDE + 2 * _MARGIN, len(shown) * _HIGH + 2 * _MARGIN
    drawn = [part for number, line in enumerate(shown) for part in _line(line, _MARGIN + (number + 0.75) * _HIGH, colours)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
            'role="img" aria-label="kubectl pets list and kubectl pets status beside a rollout that is stuck">',
            f'<rect x="0.5" y="0.5" width="{width - 1:g}" height="{height - 1:g}" rx="8" fill="{colours["page"]}" stroke="{colours["frame"]}"/>',
            '<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14">',
            *drawn,
            "</g>",
            "</svg>",
            "",
        ]
    )


def _line(line: Pieces, y: float, colours: dict[str, str]) -> Iterator[str]:
    column = 0
    for text, ink in line:
        weight = ' font-weight="600"' if ink in (Ink.BOLD, Ink.LOUD) else ""
        for found in _WORDS.finditer(text):
            x, length = _MARGIN + (column + cells(text[: found.start()])) * _WIDE, cells(found[0]) * _WIDE
            yield f'<text x="{x:g}" y="{y:g}" textLength="{length:g}" fill="{colours[ink]}"{weight}>{escape(found[0])}</text>'
        column += cells(text)


def main() -> None:
    shown = lines()
    for theme in THEMES:
        (DOCS / f"picture-{theme}.svg").write_text(svg(shown, theme), encoding="utf-8")


if __name__ == "__main__":
    main()
