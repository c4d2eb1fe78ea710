"""Several sets on one command line, each with words of its own: ``dns web 0 web-2 db`` and ``rollout diff web 3 4 db``.

What a word is follows from how it is spelt: a number, or the name of the set before it with an ending that only its pods (or its
revisions) have, belongs to that set; any other word is the name of another one. A set whose name looks so is typed with its kind:
``sts/web-2``. Who made a ControllerRevision by hand may have called it anything, so of revisions the cluster is asked as well.
"""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from kubectl_pets.cli.options import EachSet

if TYPE_CHECKING:
    from kubectl_pets.domain.sets.kinds import SetRef

#: What hashes of revisions are made of (k8s.io/apimachinery/pkg/util/rand, SafeEncodeString): no vowels, so hardly any word.
_HASH = r"[bcdfghjklmnpqrstvwxz2456789]{5,10}"


def each_with(
    first: "SetRef | None", words: Sequence[str], belongs: "Callable[[SetRef, str], bool]"
) -> "tuple[tuple[SetRef, tuple[str, ...]], ...]":
    """Each set that was named with the words that belong to it. ``belongs``: of a set and a word. Raises
    click.BadParameter for what can be neither."""
    if first is None:
        return ()
    context = click.get_current_context()
    found: "list[tuple[SetRef, tuple[str, ...]]]" = [(first, ())]
    for word in words:
        owner, own = found[-1]
        if belongs(owner, word):
            found[-1] = owner, (*own, word)
        else:
            found.append((EachSet().convert(word, None, context), ()))
    return tuple(found)


def is_pod_of(owner: "SetRef", word: str) -> bool:
    """An ordinal, or a pod's name, with or without its kind."""
    kind, _, bare = word.rpartition("/")
    return kind.rpartition("/")[2] in ("", "pod", "pods", "po") and _is(owner.name, bare, r"[0-9]+")


def is_revision_of(owner: "SetRef", word: str) -> bool:
    """The number of a revision, or its name."""
    return _is(owner.name, word, _HASH)


def _is(name: str, word: str, ending: str) -> bool:
    return re.fullmatch(rf"[0-9]+|{re.escape(name)}-{ending}", word) is not None
