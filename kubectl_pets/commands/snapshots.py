"""``kubectl pets snapshots``: what there is to go back to, of a set's claims."""

import click

from kubectl_pets.cli.options import AnySet, connection, exit_codes, output, pass_session
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.errors import ExitCode
from kubectl_pets.flows.snapshots.listing import listed
from kubectl_pets.session import Session
from kubectl_pets.views.snapshots import documents, table


@click.command("snapshots", epilog=exit_codes())
@click.argument("name", type=AnySet())
@output("table", "wide", "json", "yaml", "name")
@click.option("--no-headers", is_flag=True, help="Leave the head line out.")
@connection
@pass_session
def command(session: Session, name: SetRef, output: str, no_headers: bool) -> ExitCode:
    """The VolumeSnapshots of a set's claims: of which claim, pod and revision, when, ready or not, size, class, by whom.

    Those that its rollouts took (run and restart with --snapshot) say which revision ran on the data; others' are told, too. Also
    of a set that was deleted: what its rollouts took is still there. How far the cuts of one rollout are apart is said below.

    \b
    Examples:
      kubectl pets snapshots web
      kubectl pets snapshots web -o wide
      kubectl pets snapshots web -o json -n prod
    """
    terminal = session.terminal
    found, claims_read = listed(session.cluster, session.namespace, name)
    if output not in ("table", "wide"):
        terminal.print(documents.many(found, output))
    elif found:
        wide = output == "wide"
        width = terminal.width if terminal.live else None
        drawn = table.draw(found, session.now(), wide=wide, headers=not no_headers, width=width, colour=terminal.colour)
        terminal.print(drawn)
        for line in table.summary(found):
            terminal.tell(line)
    else:
        terminal.tell(f"no VolumeSnapshots of the claims of {name.typed} in namespace {session.namespace}")
    if not claims_read:
        terminal.tell("note: persistentvolumeclaims could not be read, so which claims were made anew since is unknown")
    return ExitCode.OK
