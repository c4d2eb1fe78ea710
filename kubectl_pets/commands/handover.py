"""``kubectl pets rollout handover``: fields that this program wrote, given back to whoever deploys the set."""

import click

from kubectl_pets.cli import options as flags
from kubectl_pets.cli.options import SetName, connection, exit_codes, pass_session
from kubectl_pets.domain.changes import DryRun
from kubectl_pets.errors import ExitCode
from kubectl_pets.flows.engine.options import RunOptions
from kubectl_pets.flows.rollout.handover import hand_over
from kubectl_pets.session import Session


@click.command("handover", epilog=exit_codes(ExitCode.REFUSED))
@click.argument("name", type=SetName())
@flags.dry_run
@flags.yes
@flags.output("table", "json", "yaml")
@flags.field_manager
@connection
@pass_session
def command(session: Session, name: str, dry_run: str, yes: bool, output: str) -> ExitCode:
    """Give the fields that kubectl-pets wrote back to whoever deploys the set, so that their next apply does not fail on them.

    Helm 4 and every other server-side apply is refused where it states another value than what kubectl-pets wrote ("conflict with
    kubectl-pets"). This shows the fields and their values, which belong into the chart or manifest first, and then drops the
    ownership: nothing else of the set changes, and no pod restarts. Refused while a partition of ours holds pods back. What was
    written with --field-manager is noted on the set and given back, too; with the flag only that is.

    \b
    Examples:
      kubectl pets rollout handover web --dry-run
      kubectl pets rollout handover web -y
      kubectl pets rollout handover web --field-manager nightly-release --dry-run
    """
    return hand_over(session, name, RunOptions(dry_run=DryRun(dry_run), yes=yes, output=output))
