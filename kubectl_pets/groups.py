"""Click groups whose verbs are loaded when they are called, so that help and version start at once.

The short help stands in the table here, next to the name: listing verbs must not import them. A test compares it with the verbs.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click


class Verb:
    """Where a verb lives ("module:attribute") and one line about it."""

    def __init__(self, target: str, about: str, *, alias_of: str | None = None) -> None:
        self.target, self.about, self.alias_of = target, about, alias_of

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
            near = get_close_matches(args[0], self.verbs, n=1)
            advice = f" Did you mean '{near[0]}'?" if near else f" Run '{ctx.command_path} --help' for the verbs."
            ctx.fail(f"There is no verb '{args[0]}'.{advice}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for theme, names in self.themes:
            with formatter.section(theme):
                formatter.write_dl([(name, self.verbs[name].about) for name in names])
