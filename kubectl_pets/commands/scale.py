"""``kubectl pets scale``: another number of replicas, with what it does to pods, claims and quorum told before, to its end."""

from datetime import timedelta

import click

from kubectl_pets.cli.options import SetName, connection, dry_run, exit_codes, output, pass_session, seconds, timeout
from kubectl_pets.domain.changes import DryRun
from kubectl_pets.errors import ExitCode, UsageError
from kubectl_pets.flows.scale.carry import ScaleOptions, resize
from kubectl_pets.session import Session

#: More is a slip of the finger: each of them is a pod.
_MOST = 100_000


@click.command("scale", epilog=exit_codes(ExitCode.STUCK, ExitCode.TIMED_OUT, ExitCode.REFUSED))
@click.argument("name", type=SetName())
@click.option("--replicas", type=click.IntRange(0, _MOST), required=True, metavar="N", help="How many there shall be.")
@click.option("--plan", is_flag=True, help="Print what it would do and change nothing; the same as --dry-run.")
@dry_run
@click.option("-y", "--yes", is_flag=True, help="Do not ask where claims are deleted, a majority goes, or nothing is left.")
@timeout
@output("table", "json", "yaml")
@connection
@pass_session
def command(
    session: Session,
    name: str,
    replicas: int,
    plan: bool,
    dry_run: str,
    yes: bool,
    timeout: timedelta | None,
    output: str,
) -> ExitCode:
    """Scale a set and wait until exactly so many pods are available and none besides.

    Says before which old claims come back with old data, which the retention policy deletes and what that does to their
    data, what becomes of the majority, and what else sets the replicas. Killed and typed again, it waits on.

    \b
    Examples:
      kubectl pets scale web --replicas 5 --plan
      kubectl pets scale web --replicas 5
      kubectl pets scale web --replicas 0 -y --timeout 10m
    """
    if plan and dry_run == "server":
        raise UsageError("--plan and --dry-run=server exclude each other.", hint="--dry-run=server prints the plan, too.")
    rehearsal = DryRun.CLIENT if plan else DryRun(dry_run)
    return resize(
        session, name, replicas, ScaleOptions(dry_run=rehearsal, yes=yes, timeout=seconds(timeout), output=output)
    )
