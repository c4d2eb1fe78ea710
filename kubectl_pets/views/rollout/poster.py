"""``kubectl pets status -o html|svg``: what the terminal shows, as one picture for a ticket."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.views.rollout import tree, words
from kubectl_pets.views.text import page
from kubectl_pets.views.text.ink import Line, faint, pieces
from kubectl_pets.views.text.phrases import count

if TYPE_CHECKING:  # where all is well it is not loaded
    from kubectl_pets.domain.rollout.evidence import Explanation

#: Columns: no terminal is there to ask.
_WIDTH = 140


def draw(found: "Sequence[tuple[Assessment, Explanation | None]]", now: datetime, output: str) -> str:
    """Each set as its tree, one below the other, as ``html`` or ``svg``. Nothing is folded."""
    lines: list[Line] = []
    for seen, evidence in found:
        drawn = tree.draw(seen, now, evidence=evidence, width=_WIDTH, colour=True)
        lines += [*map(pieces, drawn.split("\n")), ()]
    lines.append((faint(f"as kubectl-pets saw it at {now:%Y-%m-%dT%H:%M:%SZ}"),))
    title = words.headline(found[0][0]) if len(found) == 1 else count(len(found), "StatefulSet")
    return page.svg(title, lines) if output == "svg" else page.page(title, page.preformatted(lines))
