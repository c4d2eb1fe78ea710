"""Commands for pasting: every hint that names one gets it from here, so that it works when it is typed as it stands.

Each word is quoted for a POSIX shell, because names come from a cluster and may hold anything, and each command carries the
connection flags that this run was given (``--context``, ``--kubeconfig``, ``--as``, ...): without them it would go to another
cluster, or go as somebody else. How a run is connected is one thing for the whole run, as its locale would be; so the door sets
it once, and it is not handed through every function that words something. The token is never among them.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from shlex import quote

_flags: ContextVar[tuple[str, ...]] = ContextVar("flags", default=())
_writer: ContextVar[str] = ContextVar("writer", default="")
_guards: ContextVar[tuple[tuple[str, ...], ...]] = ContextVar("guards", default=())
_typed: ContextVar[tuple[str, "Options"]] = ContextVar("typed", default=("", lambda: ()))

#: The options of a command as they were typed, each with its value.
Options = Callable[[], Sequence[tuple[str, ...]]]

#: The verbs that write into a set under a name that may be given: they have --field-manager.
WRITING = frozenset(("partition", "scale")).union(
    f"rollout {verb}"
    for verb in (
        "run", "canary", "step", "promote", "pause", "resume", "abort", "undo", "unstick", "handover", "restart",
    )
)

#: Those that take pods down one after the other: what was to hold before each of them in this run holds in the one that goes on.
ONWARD = frozenset(f"rollout {verb}" for verb in ("run", "canary", "step", "promote", "restart"))


@contextmanager
def connected() -> Iterator[None]:
    """A context for one run: the flags that it was connected by are forgotten at its end."""
    before, writer, guards_before = _flags.set(()), _writer.set(""), _guards.set(())
    typed = _typed.set(("", lambda: ()))
    try:
        yield
    finally:
        _flags.reset(before)
        _writer.reset(writer)
        _guards.reset(guards_before)
        _typed.reset(typed)


def connected_by(flags: Sequence[str]) -> None:
    """From here on commands carry these flags, words as they are typed."""
    _flags.set(tuple(flags))


def written_as(manager: str) -> None:
    """From here on commands that write into a set do so under this name."""
    _writer.set(manager)


def guarded_by(words: Sequence[str]) -> None:
    """What has to hold before a pod goes down, as it was typed: besides what was said of that already."""
    _guards.set((*_guards.get(), tuple(words)))


def guards() -> tuple[str, ...]:
    """All of it, for a command that goes on with what was typed: without these it would take pods down with less asked."""
    return tuple(word for each in _guards.get() for word in each)


def typed_as(verb: str, options: Options) -> None:
    """The verb of this run, and the options that it was given, read only where a command repeats it."""
    _typed.set((verb, options))


def verb_typed() -> str:
    """The verb of this run; empty before there is one."""
    return _typed.get()[0]


def again(verb: str, *words: str, without: Collection[str] = (), namespace: str = "") -> str:
    """``pets``, for a command that repeats this run: each option that was typed is typed again, except for those that ``words``
    say otherwise, and those of the names ``without``. Where this run is of another verb it repeats nothing."""
    of, options = _typed.get()
    said = {word.partition("=")[0] for word in words}.union(without)
    kept = (each for each in (options() if of == verb else ()) if each[0].partition("=")[0] not in said)
    return pets(verb, *words, *(word for each in kept for word in each), namespace=namespace)


def pets(verb: str, *words: str, namespace: str = "", guarded: bool = True) -> str:
    """``kubectl pets VERB WORDS -n NAMESPACE``. ``verb`` may be of several words ("rollout undo"); ``namespace`` empty: none.
    ``guarded``: a verb that takes pods down asks what this run was to ask."""
    writer = ("--field-manager", _writer.get()) if _writer.get() and verb in WRITING else ()
    pairs = _guards.get() if guarded and verb in ONWARD else ()
    asked = (word for each in pairs if each[0] != "--settle" and each[0] not in words for word in each)
    return _spelt(["kubectl", "pets", *verb.split()], (*words, *asked, *writer), namespace)


def kubectl(*words: str, namespace: str = "") -> str:
    """``kubectl WORDS -n NAMESPACE``, as ``pets``."""
    return _spelt(["kubectl"], words, namespace)


def _spelt(begin: Sequence[str], words: Sequence[str], namespace: str) -> str:
    place = ("-n", namespace) if namespace else ()
    return " ".join(_quoted(_harmless(word)) for word in (*begin, *words, *place, *_flags.get()))


def _quoted(word: str) -> str:
    """For a shell, and for who reads it: a comma at a word's end, which a shell takes as it is, is one that ends the command in a
    sentence (``views.text.fitting``)."""
    quoted = quote(word)
    return f"'{word}'" if quoted == word and word.endswith(",") else quoted


def _harmless(word: str) -> str:
    """The word without what a terminal would take for an order; quoting alone leaves that in."""
    return "".join(each if each.isprintable() else "?" for each in word)
