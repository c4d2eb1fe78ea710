"""Turns of phrase that several screens share: how pods are listed, how a revision is shortened, how the next command is spelt.

Each of them is said in one way only, so that what one screen shows can be found again on another.
"""

from collections.abc import Collection, Sequence

from kubectl_pets import pasting
from kubectl_pets.cleaning import clean
from kubectl_pets.domain.rollout.revisions import Image
from kubectl_pets.domain.rollout.verdict import Assessment

#: So many names or runs of names are listed before the rest is counted.
_MANY = 3


def command(seen: Assessment, verb: str, *arguments: str) -> str:
    """A command line to type next: ``kubectl pets VERB NAME ARGUMENTS -n NAMESPACE``, for pasting."""
    return pasting.pets(verb, seen.kind.command_line(seen.name or "NAME"), *arguments, namespace=seen.namespace)


def again(seen: Assessment, verb: str, *arguments: str, without: Collection[str] = ()) -> str:
    """The same, where it repeats this run: with the options that were typed (``pasting.again``)."""
    name = seen.kind.command_line(seen.name or "NAME")
    return pasting.again(verb, name, *arguments, without=without, namespace=seen.namespace)


def hash_of(revision: str, seen: Assessment) -> str:
    """The part of a revision's name that tells it from its siblings."""
    return clean(revision.removeprefix(f"{seen.name}-")) or "-"


def images(found: Sequence[Image]) -> str:
    """The images, each with its container where there are several."""
    if len(found) == 1:
        return clean(found[0].image)
    return ", ".join(f"{clean(image.container)}={clean(image.image)}" for image in found)


def count(number: int, thing: str) -> str:
    return f"{number} {thing}" + ("" if number == 1 else "s")


def ranges(found: Sequence[tuple[int, int]]) -> str:
    """Ranges of numbers, no more than a few of them: ``1, 5-6 and 3 more``."""
    shown = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in found[:_MANY])
    return shown + (f" and {len(found) - _MANY} more" if len(found) > _MANY else "")


def folded(pods: Sequence[str]) -> str:
    """Names of pods, shortened: ``web-9..web-5``, and no more than a few of them."""
    runs: list[list[str]] = []
    for pod in map(clean, pods):
        if runs and _adjoin(runs[-1], pod):
            runs[-1].append(pod)
        else:
            runs.append([pod])
    parts = [(f"{run[0]}..{run[-1]}", len(run)) if len(run) > 2 else (", ".join(run), len(run)) for run in runs]
    shown = ", ".join(text for text, _ in parts[:_MANY])
    rest = sum(number for _, number in parts[_MANY:])
    return shown + (f" and {rest} more" if rest else "")


def _adjoin(run: list[str], pod: str) -> bool:
    """Whether the pod goes on in the direction in which the run goes."""
    stem, _, number = pod.rpartition("-")
    first_stem, _, last = run[-1].rpartition("-")
    if stem != first_stem or not (_is_number(number) and _is_number(last)):
        return False
    step = int(number) - int(last)
    if len(run) == 1:
        return step in (1, -1)
    return step == int(last) - int(run[-2].rpartition("-")[2])


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
