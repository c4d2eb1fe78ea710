"""Click groups whose verbs are loaded when they are called, so that help, version and completion start at once.

The short help stands in the table here, next to the name: listing verbs must not import them. A test compares it with the verbs.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from kubectl_pets.cli import completing
from kubectl_pets.cli.pflag import as_command_reads
from kubectl_pets.pasting import typed_as

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

#: What the path of a command begins with.
_PROGRAM = "kubectl pets "


def _retyped(command: click.Command, words: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    from kubectl_pets.cli.retyping import as_typed  # where a hint repeats the command

    return as_typed(command, words)


class Verb:
    """Where a verb lives ("module:attribute") and one line about it. ``group``: it has verbs of its own."""

    def __init__(self, target: str, about: str, *, alias_of: str | None = None, group: bool = False) -> None:
        self.target, self.about, self.alias_of, self.group = target, about, alias_of, group

    def load(self) -> click.Command:
        module, _, attribute = self.target.partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command


class LazyGroup(click.Group):
    """A group that knows its verbs by name and loads one only to run it."""

    def __init__(
        self, *args: Any, verbs: Mapping[str, Verb], themes: Sequence[tuple[str, Sequence[str]]] = (), **kw: Any
    ) -> None:
        super().__init__(*args, **kw)
        self.verbs = verbs
        self.themes = themes or (("Verbs", tuple(name for name, verb in verbs.items() if not verb.alias_of)),)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        verb = self.verbs.get(cmd_name)
        return verb.load() if verb else None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.verbs and not args[0].startswith("-"):
            near = self._near(args[0])
            advice = f" Did you mean '{near}'?" if near else f" Run '{ctx.command_path} --help' for the verbs."
            ctx.fail(f"There is no verb '{args[0]}'.{advice}")
        # A flag of the group's own does nothing for its verbs: -l before `delete` would seem to narrow what gets deleted.
        # Those that connect are not among these: they are in the session by now.
        stray = [each for each in self.params if each.expose_value and _typed(ctx, each)]
        if stray and not ctx.resilient_parsing:
            ctx.fail(f"{stray[0].opts[0]} must stand after '{args[0]}', if that verb takes it.")
        name, command, rest = super().resolve_command(ctx, args)
        if command is None:
            return name, command, rest
        read = as_command_reads(command, rest)
        typed_as(f"{ctx.command_path} {name}".removeprefix(_PROGRAM), partial(_retyped, command, tuple(read)))
        return name, command, read

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        known = ((name, verb.about) for name, verb in self.verbs.items() if not verb.alias_of)
        return completing.verbs(known, incomplete) + click.Command.shell_complete(self, ctx, incomplete)

    def _near(self, word: str) -> str | None:
        """The verb that was meant, perhaps: one of exactly this name in a group below, else one that is nearly called so, here or
        in a group."""
        from difflib import get_close_matches  # only for a word that is none

        loaded = {name: verb.load() for name, verb in self.verbs.items() if verb.group}
        groups = {name: group for name, group in loaded.items() if isinstance(group, LazyGroup)}
        exact = next((name for name, group in groups.items() if word in group.verbs), None)
        if exact is not None:
            return f"{exact} {word}"
        here = get_close_matches(word, self.verbs, n=1)
        if here:
            return here[0]
        near = {name: get_close_matches(word, group.verbs, n=1) for name, group in groups.items()}
        return next((f"{name} {below[0]}" for name, below in near.items() if below), None)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs first: they are what somebody looks for."""
        self.format_commands(ctx, formatter)
        click.Command.format_options(self, ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for theme, names in self.themes:
            with formatter.section(theme):
                formatter.write_dl([(name, self.verbs[name].about) for name in names])


class VerbGroup(LazyGroup):
    """A verb with arguments of its own (``dns NAME``) that has verbs, too (``dns explain NAME POD``).

    The first word that is no flag decides: where it is the name of a verb, that verb is meant. What else is called like one has
    to be named with its kind (``dns statefulset/explain``). Flags may stand before the verb, if it takes them.
    """

    allow_extra_args = False
    allow_interspersed_args = True

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        at = self._verb_at(args)
        if at is None:
            return super().make_context(info_name, args, parent, **extra)
        before, (name, *after) = args[:at], args[at:]
        verb = self.verbs[name].load()
        read = as_command_reads(verb, before + after)
        typed_as(f"{info_name} {name}", partial(_retyped, verb, tuple(read)))
        return verb.make_context(f"{info_name} {name}", read, parent, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return click.Command.parse_args(self, ctx, args)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if ctx.resilient_parsing and args[0] not in self.verbs:
            return None, None, args  # completion: a flag that still lacks its value leaves the arguments over
        return super().resolve_command(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return click.Command.collect_usage_pieces(self, ctx)

    def _verb_at(self, args: Sequence[str]) -> int | None:
        """The index of the verb among the words, with only whole flags before it; None where there is no verb."""
        for index, word in enumerate(args):
            if word in self.verbs and self._are_flags(args[:index]):
                return index
        return None

    def _are_flags(self, args: Sequence[str]) -> bool:
        flags = click.Command(self.name, params=[each for each in self.params if isinstance(each, click.Option)])
        try:
            return "--" not in args and not flags.make_parser(click.Context(flags)).parse_args(list(args))[1]
        except click.UsageError:
            return False


def _typed(ctx: click.Context, parameter: click.Parameter) -> bool:
    return ctx.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
