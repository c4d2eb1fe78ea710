"""``kubectl pets options``: the flags that lead to a cluster, which every verb takes."""

from functools import partial

import click

from kubectl_pets.cli.options import connection, exit_codes, pass_session
from kubectl_pets.errors import ExitCode
from kubectl_pets.session import Session


@click.command("options", epilog=exit_codes())
@partial(connection, all_shown=True)
@pass_session
@click.pass_context
def command(context: click.Context, session: Session) -> ExitCode:
    """The flags that say which cluster, as whom, and how. They are kubectl's, and may stand before a verb or after it.

    \b
    Examples:
      kubectl pets options
      kubectl pets --context staging list -A
    """
    formatter = context.make_formatter()
    formatter.write_text("These flags may stand before any verb or after it:")
    formatter.write_paragraph()
    shown = (each.get_help_record(context) for each in context.command.params)
    with formatter.indentation():
        formatter.write_dl([record for record in shown if record is not None])
    session.terminal.print(formatter.getvalue())
    return ExitCode.OK
