"""Reads words as kubectl's flags are read (spf13/pflag), where click reads them otherwise.

``-n=prod`` means what ``-n prod`` does, ``--yes=false`` takes ``--yes`` back, ``--as_uid`` is ``--as-uid``, and a flag whose
value may be left out takes no word after it for one.
"""

import re
from collections.abc import Sequence
from typing import Any

import click

_WITH_VALUE = re.compile(r"(--[^=]+|-[A-Za-z])=(.*)", re.DOTALL)
_LEVEL = re.compile(r"-?[0-9]{1,3}")
_DRY_RUNS = ("none", "client", "server")
#: No word of a command line holds it.
_MARK = "\0"
#: Go's ``strconv.ParseBool``.
TRUE = frozenset(("1", "t", "T", "true", "TRUE", "True"))
FALSE = frozenset(("0", "f", "F", "false", "FALSE", "False"))

#: What each of these means where no value is given with it; click would take the next word for one.
_BARE = {"--insecure-skip-tls-verify": "true", "--disable-compression": "true", "--warnings-as-errors": "true"}


def quickened(parser: Any) -> Any:
    """click's own parser, which takes ``-n`` for a long flag first, and where there is none of that name looks for the flags that
    it may have been meant for, to say so, although it is a short one: for each of them that takes longer than to read all the
    words. click has no public way to have another parser: where it is made otherwise than it is now, it is left as it is, and
    reads the same, later by that."""
    inner = ("_process_opts", "_match_short_opt", "_long_opt", "_opt_prefixes")
    try:
        made = parser(None)
    except TypeError:
        return parser
    if not all(hasattr(made, name) for name in inner):
        return parser

    class Parser(parser):  # type: ignore[misc]
        def _process_opts(self, arg: str, state: Any) -> None:
            if arg[:2] not in self._opt_prefixes and arg.partition("=")[0] not in self._long_opt:
                self._match_short_opt(arg, state)
            else:
                super()._process_opts(arg, state)

    return Parser


if hasattr(click.core, "_OptionParser"):
    setattr(click.core, "_OptionParser", quickened(click.core._OptionParser))


def as_kubectl_reads(words: Sequence[str]) -> list[str]:
    """A whole command line, before anything is known of its verb."""
    read: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return [*read, word, *rest]
        name, equals, value = word.partition("=")
        if name.startswith("--"):
            word = name = name.replace("_", "-")
            word += equals + value
        following = rest[0] if rest else ""
        if word in ("-v", "--v", "--verbose"):
            word = f"--v={rest.pop(0) if _LEVEL.fullmatch(following) else 1}"
        elif re.fullmatch(r"-v=?-?[0-9]{1,3}", word):
            word = f"--v={word[2:].lstrip('=')}"
        elif word == "--dry-run" and following not in _DRY_RUNS:
            word = "--dry-run=client"
        elif word in _BARE:
            word = f"{word}={_BARE[word]}"
        read.append(word)
    return read


def as_command_reads(command: click.Command, words: Sequence[str]) -> list[str]:
    """The words of one command, whose flags are known: switches with a value, and short flags with an equals sign."""
    options = {name: each for each in command.params if isinstance(each, click.Option) for name in each.opts}
    read: list[str] = []
    for index, word in enumerate(words):
        if word == "--":
            return [*read, *words[index:]]
        found = _WITH_VALUE.fullmatch(word)
        option = options.get(found[1]) if found else None
        if found is None or option is None:
            read.append(word)
        elif option.is_flag and option.secondary_opts and found[2] in TRUE | FALSE:
            read.append(found[1] if found[2] in TRUE else option.secondary_opts[0])
        elif option.is_flag and not option.secondary_opts and found[2] in TRUE:
            read.append(found[1])
        elif option.is_flag and not option.secondary_opts and found[2] in FALSE:
            read = _without(option, read, word)
        elif not option.is_flag and not found[1].startswith("--"):
            read += found.groups()
        else:
            read.append(word)
    return _with_kind(command, read)


def _with_kind(command: click.Command, words: list[str]) -> list[str]:
    """``statefulset web`` as ``statefulset/web``, where a set is what is named first; of several names each one gets the kind. A
    set that is called like a kind is typed with its own: ``sts/sts``."""
    first = next((each for each in command.params if isinstance(each, click.Argument)), None)
    if first is None or not getattr(first.type, "typed_with_kind", False):
        return words
    typed = _arguments(command, words)
    if typed is None or len(typed) < 2 or any("/" in word for word in typed[:2]):
        return words
    from kubectl_pets.domain.sets.kinds import kind_named

    if kind_named(typed[0]) is None:
        return words
    places = _places(command, words, len(typed))
    last = len(places) if first.nargs == -1 else 2
    named = [f"{typed[0]}/{word}" if index in places[1:last] else word for index, word in enumerate(words)]
    return named[: places[0]] + named[places[0] + 1:]


def _places(command: click.Command, words: Sequence[str], number: int) -> list[int]:
    """Where the words stand that are no flags and no values of flags, of which there are so many: another word in place of a flag
    would be one more."""
    marked = (_arguments(command, [*words[:index], _MARK, *words[index + 1:]]) or [] for index in range(len(words)))
    return [index for index, found in enumerate(marked) if _MARK in found and len(found) == number]


def _arguments(command: click.Command, words: Sequence[str]) -> list[str] | None:
    """The words that are no flags and no values of flags; None where that cannot be said."""
    flags = click.Command(command.name, params=[each for each in command.params if isinstance(each, click.Option)])
    try:
        return None if "--" in words else flags.make_parser(click.Context(flags)).parse_args(list(words))[1]
    except click.UsageError:
        return None


def _without(option: click.Option, words: Sequence[str], word: str) -> list[str]:
    """The words with the switch taken back: the last one counts. In a cluster of short ones it stays, and click complains."""
    letters = [name[1] for name in option.opts if not name.startswith("--")]
    if any(re.fullmatch(r"-[A-Za-z]{2,}", each) and any(letter in each for letter in letters) for each in words):
        return [*words, word]
    return [each for each in words if each not in option.opts]
