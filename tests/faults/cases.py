"""The verbs under test: how the set stands before, the words typed, and what has to be true in the end.

Every set has three replicas and every verb here takes down one pod at a time, so two are available at every moment.
"""

from __future__ import annotations

from enum import StrEnum, unique
from typing import NamedTuple

from tests.faults import reading
from tests.faults.reading import View

REPLICAS = 3
MINIMUM = REPLICAS - 1
OLD, NEW, BROKEN = "app:1", "app:2", "app:broken"


@unique
class Begin(StrEnum):
    """How a set stands when the verb is typed."""

    #: Three pods at OLD.
    FRESH = "fresh"
    #: Two pods of three at NEW.
    CANARY = "canary"
    #: The highest pod at BROKEN, the others held back by the partition.
    BROKEN_CANARY = "broken canary"
    #: Three pods at NEW; OLD is the revision before.
    ROLLED = "rolled out"
    #: The highest pod at BROKEN, and the controller waits for it.
    BROKEN = "stuck"


#: The API of the sets: the built-in one, and OpenKruise's, whose controller has to be there.
APPS, KRUISE = "apps/v1", "apps.kruise.io/v1beta1"


class Case(NamedTuple):
    """A verb in one of its situations. ``more``: flags of the verb; ``api``: of the set."""

    verb: str
    begin: Begin
    policy: str = "OrderedReady"
    strategy: str = "RollingUpdate"
    more: tuple[str, ...] = ()
    api: str = APPS

    def __str__(self) -> str:
        return " ".join((self.verb, *self.more, f"({self.begin}, {self.policy}, {self.strategy}{', OpenKruise' if self.api is KRUISE else ''})"))

    def words(self, name: str) -> tuple[str, ...]:
        image = ("--image", NEW) if self.verb == "run" else ()
        typed = f"kruise/{name}" if self.api is KRUISE else name
        return ("rollout", self.verb, typed, *image, *self.more, "--settle", "0", "-y")

    def replaced(self, name: str) -> set[str]:
        """The pods that are made anew by it, each once."""
        ordinals = {Begin.CANARY: (1, 2), Begin.BROKEN_CANARY: (2,), Begin.BROKEN: (2,)}.get(self.begin, range(REPLICAS))
        return {f"{name}-{ordinal}" for ordinal in ordinals}

    @property
    def order(self) -> list[int] | None:
        """The order of our deletions, where it was asked for."""
        asked = [int(self.more[place + 1]) for place, word in enumerate(self.more) if word == "--pod"]
        return asked or None

    def unwanted(self, view: View) -> str:
        """What is not as the verb promises; empty where all is."""
        assert view.set is not None
        if not reading.is_whole(view):
            return f"{reading.available(view)} of {view.set['spec']['replicas']} pods available, {len(view.pods)} there"
        status, notes = view.set["status"], reading.notes(view.set)
        revision = status["currentRevision" if self.verb == "abort" else "updateRevision"]
        image = NEW if self.verb == "run" else OLD
        wrong = [name for name, pod in view.pods.items() if (reading.revision(pod), reading.image(pod)) != (revision, image)]
        if wrong:
            return f"{', '.join(sorted(wrong))} not at {image} ({revision})"
        template = {"run": NEW, "abort": BROKEN if self.begin is Begin.BROKEN_CANARY else NEW}.get(self.verb, OLD)
        if reading.image(view.set) != template:
            return f"the template holds {reading.image(view.set)}, not {template}"
        if reading.partition(view.set) != (REPLICAS if self.verb == "abort" else 0):
            return f"partition {reading.partition(view.set)}"
        left = [key for key in ("kubectl-pets/restart", "kubectl-pets/restart-pods") if key in notes]
        marked = "kubectl.kubernetes.io/restartedAt" in (view.set["spec"]["template"]["metadata"].get("annotations") or {})
        if left or marked != (self.verb == "restart" and not self.order):
            return f"notes left {left}, marked {marked}"
        return ""


_POLICIES = ("OrderedReady", "Parallel")
_STRATEGIES = ("RollingUpdate", "OnDelete")
_EVERY = tuple((policy, strategy) for policy in _POLICIES for strategy in _STRATEGIES)
_IN_ORDER = ("--pod", "2", "--pod", "0", "--pod", "1")

CASES: dict[str, tuple[Case, ...]] = {
    "run": (
        *(Case("run", Begin.FRESH, policy, strategy) for policy, strategy in _EVERY),
        Case("run", Begin.FRESH, "OrderedReady", "RollingUpdate", ("--quorum", "--step", "3")),
        Case("run", Begin.FRESH, "Parallel", "RollingUpdate", ("--step", "2", "--overlap")),
        Case("run", Begin.FRESH, "OrderedReady", "RollingUpdate", ("--quorum", "--step", "3", "--overlap")),
    ),
    "abort": tuple(Case("abort", begin, policy) for begin in (Begin.CANARY, Begin.BROKEN_CANARY) for policy in _POLICIES),
    "undo": (
        *(Case("undo", Begin.ROLLED, policy, strategy) for policy, strategy in _EVERY),
        *(Case("undo", Begin.BROKEN, policy) for policy in _POLICIES),
        Case("undo", Begin.ROLLED, "Parallel", "RollingUpdate", ("--quorum",)),
    ),
    "restart": tuple(
        Case("restart", Begin.FRESH, policy, strategy, more) for more in ((), _IN_ORDER) for policy, strategy in _EVERY
    ),
}

#: The same of an Advanced StatefulSet.
KRUISE_CASES: dict[str, tuple[Case, ...]] = {
    verb: tuple(case._replace(api=KRUISE) for case in CASES[verb] if case.strategy == "RollingUpdate") for verb in ("run", "abort")
}
