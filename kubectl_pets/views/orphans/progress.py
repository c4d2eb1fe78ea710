"""How far a deletion is: one line on a terminal that keeps itself up to date, with claims, bytes, and what is being done now.

Other lines pass above it. It is drawn on stderr, because it is talk; where that is no terminal nothing of it is written.
"""

import os
from collections.abc import Callable
from typing import Protocol, TextIO

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.orphans.deletion import Deletion, DeletionPlan, DeletionRefused, Unfinished
from kubectl_pets.domain.orphans.findings import ClaimVerdict
from kubectl_pets.views.orphans import words as claim_words
from kubectl_pets.views.text import sizes
from kubectl_pets.views.text.ink import cells, plain, render

_FULL, _EMPTY = "█", "░"
#: The bar's own width; what is left of the line says what is being done.
_CELLS = 24
_CLEAR_LINE = "\r\x1b[K"


def line(ended: int, claims: int, done: int, total: int, doing: str, width: int) -> str:
    """``ended`` of so many claims, ``done`` bytes of the ``total`` deleted; no wider than ``width`` cells."""
    full = _CELLS * ended // claims if claims else _CELLS
    counted = f"{ended}/{claims}  {sizes.size(done)} of {sizes.size(total)}"
    drawn = f"{_FULL * full}{_EMPTY * (_CELLS - full)}  {counted}"
    head = drawn if cells(drawn) <= width else counted
    return render((plain(f"{head}  {doing}"),), width=width, colour=False)


class BarScreen(Protocol):
    """What a bar has to know of the terminal; ``session.Terminal`` has it all."""

    stderr: TextIO
    fleeting: bool


class Bar:
    """The line on a terminal. Use as a context manager: leaving it takes the line away."""

    def __init__(self, screen: BarScreen, plan: DeletionPlan, *, columns: Callable[[], int] | None = None) -> None:
        self.drawn, self._stream = screen.fleeting, screen.stderr
        self._columns = columns or self._ask
        self._claims, self._total = plan.totals.claims, plan.totals.bytes
        self._ended = self._done = 0
        self._doing = ""

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *exc: object) -> None:
        self._write(_CLEAR_LINE)

    def begins(self, verdict: ClaimVerdict) -> None:
        self._doing = claim_words.title(verdict)
        self._paint()

    def waits(self, verdict: ClaimVerdict, snapshot: str, error: str) -> None:
        """For a VolumeSnapshot; with the last error that its controller met."""
        told = f": {clean(error)}" if error else ""
        self._doing = f"{claim_words.title(verdict)}  waiting for VolumeSnapshot {clean(snapshot)}{told}"
        self._paint()

    def ends(self, outcome: Deletion | DeletionRefused | Unfinished) -> None:
        self._ended += 1
        if isinstance(outcome, Deletion):
            self._done += outcome.verdict.size or 0
        self._doing = ""
        self._paint()

    def passing(self, tell: Callable[[], None]) -> None:
        """Say something that stays, above the line."""
        self._write(_CLEAR_LINE)
        tell()
        self._paint()

    def _paint(self) -> None:
        width = max(1, self._columns() - 1)  # a full line would wrap on some terminals
        self._write(_CLEAR_LINE + line(self._ended, self._claims, self._done, self._total, self._doing, width))

    def _write(self, text: str) -> None:
        if self.drawn:
            self._stream.write(text)
            self._stream.flush()

    def _ask(self) -> int:
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or 80
        except (OSError, ValueError):
            return 80
