"""The exit codes that a verb's help lists, as somebody reads them there."""

import re
from collections.abc import Sequence

import click

from kubectl_pets.__main__ import cli
from kubectl_pets.cli.groups import LazyGroup


def listed(command: click.Command) -> dict[int, str]:
    """Meaning by code."""
    shown = command.get_help(click.Context(command, info_name="it", max_content_width=100))
    _, _, codes = shown.partition("Exit codes")
    return {int(code): meaning for code, meaning in re.findall(r"^ +(\d+) +(\S.*)$", codes, re.MULTILINE)}


def verb_of(words: Sequence[str]) -> click.Command:
    """The verb that a command line runs."""
    command: click.Command = cli
    for word in words:
        if isinstance(command, LazyGroup) and word in command.verbs:
            command = command.verbs[word].load()
    return command
