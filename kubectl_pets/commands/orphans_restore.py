"""``kubectl pets orphans restore`` and ``purge``: what becomes of the volumes that deletions left."""

from datetime import timedelta

import click

from kubectl_pets.cli import completing, names
from kubectl_pets.cli.options import (
    Age,
    Duration,
    ObjectName,
    connection,
    dry_run,
    exit_codes,
    output,
    pass_session,
    seconds,
    yes_to,
)
from kubectl_pets.domain.changes import DryRun
from kubectl_pets.domain.orphans.labels import parse_selector
from kubectl_pets.domain.orphans.purging import Meant, PurgeSelection
from kubectl_pets.errors import ExitCode, UsageError
from kubectl_pets.flows.orphans.bringing import RestoreRun, bring_back
from kubectl_pets.flows.orphans.purge import PurgeRun
from kubectl_pets.flows.orphans.purge import purge as destroy
from kubectl_pets.session import Session


@click.command("restore", epilog=exit_codes(ExitCode.NOT_YET, ExitCode.REFUSED))
@click.argument("sources", metavar="RECORD|VOLUME...", nargs=-1, required=True, shell_complete=completing.files)
@output("table", "json", "yaml")
@dry_run
@connection
@pass_session
def restore(session: Session, sources: tuple[str, ...], output: str, dry_run: str) -> ExitCode:
    """Bring deleted claims back onto their retained volumes, from a record or from a volume's own memory.

    Refuses when a new claim took the name, or the volume is gone or somebody else's. Run again, it goes on where it was.

    \b
    Examples:
      kubectl pets orphans restore ./records/orphans-20261124T101500Z-4711.json
      kubectl pets orphans restore pvc-1b1831f5-396f-4295-9443-efdc4edf28bd
    """
    return bring_back(session, RestoreRun(sources=sources, dry_run=DryRun(dry_run), output=output))


@click.command("purge", epilog=exit_codes(ExitCode.NOT_YET, ExitCode.TIMED_OUT, ExitCode.REFUSED))
@click.argument("leftovers", metavar="[VOLUME|CLAIM]...", type=ObjectName(names.VOLUME, names.CLAIM), nargs=-1)
@click.option("-A", "--all-namespaces", is_flag=True, help="Volumes of claims of all namespaces.")
@click.option("-l", "--selector", metavar="SELECTOR", default="", help="Only volumes whose claims had these labels.")
@click.option("--older-than", type=Age(), metavar="AGE", help="Only volumes retained for so long, like 30d.")
@click.option(
    "--timeout",
    type=Duration(),
    default="1m",
    show_default=True,
    metavar="DURATION",
    help="Wait so long for the volumes to be gone (exit code 5 where one is not, 3 where its driver refuses); 0: for ever.",
)
@output("table", "json", "yaml")
@dry_run
@yes_to("volumes are destroyed with their data")
@connection
@pass_session
def purge(
    session: Session,
    leftovers: tuple[names.TypedName, ...],
    all_namespaces: bool,
    selector: str,
    older_than: timedelta | None,
    timeout: timedelta,
    output: str,
    dry_run: str,
    yes: bool,
) -> ExitCode:
    """Destroy the volumes that 'orphans delete' retained for claims of the namespace, with their data.

    Only volumes that would have been destroyed with their claim, and that still belong to the claim that was deleted. Refused
    where another PersistentVolume has the same storage, a node still holds it, or a snapshot or clone of it is under way.

    \b
    Examples:
      kubectl pets orphans purge --older-than 30d --dry-run
      kubectl pets orphans purge data-web-3 pv/pvc-1b1831f5-396f-4295-9443-efdc4edf28bd
      kubectl pets orphans purge -A -l app=web --older-than 90d
    """
    if older_than is None and not leftovers:
        raise UsageError("say which volumes: --older-than AGE, or their names or their claims'.")
    labels = parse_selector(selector) if selector else None
    if selector and labels is None:
        raise UsageError(f"'{selector}' is not a label selector like app=web,tier!=cache.")
    namespace = None if all_namespaces else session.namespace
    selection = PurgeSelection(
        namespace=namespace,
        names=tuple(_readings(each, namespace) for each in leftovers),
        labels=labels,
        older_than=older_than or timedelta(0),
    )
    run = PurgeRun(selection=selection, dry_run=DryRun(dry_run), output=output, yes=yes, timeout=seconds(timeout))
    return destroy(session, run)


def _readings(typed: names.TypedName, namespace: str | None) -> tuple[Meant, ...]:
    """A bare name may be a volume's or a claim's."""
    if typed.namespace:
        return (Meant(typed.name, typed.namespace),)
    volume = () if typed.kind is names.CLAIM else (Meant(typed.name),)
    claim = () if typed.kind is names.VOLUME or namespace is None else (Meant(typed.name, namespace),)
    if not volume and not claim:
        raise UsageError(f"with -A claim {typed.name} is named with its namespace: NAMESPACE/{typed.name}.")
    return (*volume, *claim)
