"""``kubectl pets rollout report``: what happened in a rollout, after it or while it runs."""

import click

from kubectl_pets.cli.options import SetName, connection, exit_codes, output, pass_session
from kubectl_pets.errors import ExitCode
from kubectl_pets.flows.rollout.report import reported
from kubectl_pets.session import Session
from kubectl_pets.views.rollout import report as view


@click.command("report", epilog=exit_codes(ExitCode.REFUSED))
@click.argument("name", type=SetName())
@click.option("--revision", default="", metavar="N", help="Of this revision (number or name); the wanted one where not given.")
@output("table", "md", "html", "json", "yaml")
@click.option("--no-headers", is_flag=True, help="Leave the head line out.")
@connection
@pass_session
def command(session: Session, name: str, revision: str, output: str, no_headers: bool) -> ExitCode:
    """What happened in a rollout: when each pod was deleted, made, scheduled, pulled, ready and available, what took the longest,
    what went wrong, and who wrote what; while it runs, when it may be through.

    It rests on what the cluster remembers: events last about an hour. What is not known any more is said.

    \b
    Examples:
      kubectl pets rollout report web
      kubectl pets rollout report web --revision 3 -o md
      kubectl pets rollout report web -o html > web.html
    """
    terminal = session.terminal
    found = reported(session.cluster, session.namespace, name, revision)
    if output == "table":
        told = view.draw(found, headers=not no_headers, width=terminal.limit, colour=terminal.colour)
    elif output == "md":
        told = view.markdown(found)
    else:
        told = view.html(found) if output == "html" else view.document(found, output)
    terminal.print(told)
    return ExitCode.OK
