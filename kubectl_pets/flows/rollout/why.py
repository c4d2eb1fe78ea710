"""What else tells why a set is in trouble, asked for once, where there is trouble: for a look, and for a verb that ends stuck."""

from typing import TYPE_CHECKING, Protocol

from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.errors import PetsError
from kubectl_pets.ports.server import ClockPort
from kubectl_pets.ports.sets import EvidencePort

if TYPE_CHECKING:  # where all is well none of it is loaded
    from kubectl_pets.domain.rollout.evidence import Explanation

#: Lines of a log where nobody asked for more or less.
LOG_LINES = 5


class WhyPort(EvidencePort, ClockPort, Protocol):
    """What it takes."""


def why(port: EvidencePort, seen: Assessment, lines: int = LOG_LINES) -> "Explanation | None":
    """The evidence; None where nothing is wrong, or where the server fails over it: it explains, and nothing rests on it.
    ``lines`` of a log, 0: none of it."""
    if not (seen.blockers or seen.failing):
        return None
    from kubectl_pets.domain.rollout.evidence import clues, gathered

    asked = clues(seen, lines)
    if asked is None:
        return None
    try:
        return gathered(asked, port.evidence(asked))
    except PetsError:
        return None


def why_told(port: WhyPort, seen: Assessment) -> str:
    """The evidence as lines below a verb's last word; empty where there is none."""
    found = why(port, seen)
    if found is None:
        return ""
    from kubectl_pets.views.rollout.evidence import told

    return told(found, port.now())
