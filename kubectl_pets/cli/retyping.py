"""The options of a command line, as words to be typed again by a command that repeats it."""

from collections.abc import Iterator, Sequence
from typing import Any

import click


def as_typed(command: click.Command, words: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Each option that was typed, under the first of its long names and with its value. Without those that are handed to no verb
    (how it is connected, and how it talks): whoever spells a command adds them."""
    values, _, order = command.make_parser(click.Context(command)).parse_args(list(words))
    options = (each for each in dict.fromkeys(order) if isinstance(each, click.Option) and each.expose_value)
    return tuple(spelt for option in options for spelt in _spelt(option, values[str(option.name)]))


def _spelt(option: click.Option, value: Any) -> Iterator[tuple[str, ...]]:
    flag = next((name for name in option.opts if name.startswith("--")), option.opts[0])
    for each in value if isinstance(value, list) else (value,):
        if option.is_flag:
            yield (flag if each or not option.secondary_opts else option.secondary_opts[0],)
        elif not isinstance(each, str):
            yield (flag,)  # its value may be left out, and was
        elif isinstance(option.flag_value, str):  # its value may be left out
            yield (f"{flag}={each}",)
        else:
            yield flag, each
