"""What goes on by the second, in a line below the picture: how long it has been, and what ends when."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.stepping.steps import Decision, Wait, WaitReason
from kubectl_pets.views.text import ages

#: What each key of the live view does, in the order in which they are shown.
KEYS = {"p": "pause", "s": "step", "a": "abort", "q": "leave"}

#: What it is that a wait comes to at its time.
_ENDS = {WaitReason.SOAK: "next step", WaitReason.SETTLE: "settled", WaitReason.PODS: "judged again"}


def status(seen: Assessment, decision: Decision | None, now: datetime, seconds: float, keys: Iterable[str] = ()) -> str:
    """``seconds``: since somebody looks on; ``keys``: those that are taken."""
    parts = []
    if isinstance(decision, Wait) and decision.until is not None and decision.reason in _ENDS:
        parts.append(f"{_ENDS[decision.reason]} {ages.until(decision.until, now)}")
    stuck = min((blocker.stuck_at for blocker in seen.failing if blocker.stuck_at is not None), default=None)
    if stuck is not None:
        parts.append(f"stuck {ages.until(stuck, now)}")
    return elapsed(seconds, keys, parts)


def elapsed(seconds: float, keys: Iterable[str] = (), parts: Iterable[str] = ()) -> str:
    """So many ``seconds``, then the ``parts``, then the keys with what they do."""
    taken = frozenset(keys)
    told = ", ".join((f"elapsed {ages.duration(timedelta(seconds=seconds))}", *parts))
    return "   ".join((told, *(["  ".join(f"{key} {what}" for key, what in KEYS.items() if key in taken)] if taken else [])))
