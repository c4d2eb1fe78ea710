"""The table of docs/breaking.md: each way to break, what is said of it, and after how long, out of a recording of a real node."""

from __future__ import annotations

from pathlib import Path

from kubectl_pets.domain.rollout.verdict import Phase
from kubectl_pets.views.rollout import words
from tests.domain.recording import Look, Recording, judged, phases
from tests.node.ways import WAYS, Way

RECORDING = Path(__file__).parents[1] / "domain" / "recordings" / "ways.jsonl.gz"
PAGE = Path(__file__).parents[2] / "docs" / "breaking.md"

_LONGEST = 120


def markdown(recording: Recording) -> str:
    """The rows, the head included."""
    rows = ["| the pod | what is said | failing after | stuck after |", "|---|---|---|---|"]
    return "\n".join([*rows, *(_row(way, judged(recording, way.name)) for way in WAYS)]) + "\n"


def _row(way: Way, looks: tuple[Look, ...]) -> str:
    began = {phase: at for phase, at in reversed(phases(looks))}
    first = looks[0].at
    after = [f"{began[phase] - first:.0f} s" if phase in began else "" for phase in (Phase.FAILING, Phase.STUCK)]
    return f"| {way.about} | {_said(looks[-1])} | {' | '.join(after)} |"


def _said(look: Look) -> str:
    """The last word, without names that only this recording has."""
    seen = look.seen
    detail = words.reason(seen).replace(f"{seen.name}-0", "web-0")  # alone it may be a word of the kubelet's
    text = words.phase(seen) + (f": {detail}" if detail else "")
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return text.replace("|", "\\|")
