"""``kubectl pets help``: the help of a verb, for whoever types ``kubectl help VERB`` elsewhere."""

from typing import TYPE_CHECKING

import click

from kubectl_pets.cli.groups import LazyGroup
from kubectl_pets.cli.options import exit_codes, pass_session
from kubectl_pets.errors import ExitCode
from kubectl_pets.session import Session

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def _below(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    place = _place(context, context.params.get("verbs") or ())
    return place.command.shell_complete(place, incomplete) if isinstance(place.command, LazyGroup) else []


@click.command("help", epilog=exit_codes())
@click.argument("verbs", metavar="[VERB]...", nargs=-1, shell_complete=_below)
@pass_session
@click.pass_context
def command(context: click.Context, session: Session, verbs: tuple[str, ...]) -> ExitCode:
    """The help of a verb, or of all of them. The same as --help after it.

    \b
    Examples:
      kubectl pets help
      kubectl pets help rollout run
    """
    place = _place(context, verbs)
    session.terminal.print(place.command.get_help(place))
    return ExitCode.OK


def _place(context: click.Context, verbs: tuple[str, ...]) -> click.Context:
    """The context in which the last of the verbs would run. A UsageError where there is no such verb."""
    place = context.find_root()
    for word in verbs:
        if not isinstance(place.command, LazyGroup):
            place.fail(f"'{place.command_path}' has no verbs of its own.")
        name, found, _ = place.command.resolve_command(place, [word])
        assert found is not None
        place = click.Context(found, info_name=name, parent=place)
    return place
