"""``kubectl pets orphans restore`` and ``purge``: what becomes of the volumes that deletions left."""

from datetime import timedelta
from pathlib import Path

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
from kubectl_pets.domain.orphans import restoring
from kubectl_pets.domain.orphans.labels import parse_selector
from kubectl_pets.domain.orphans.purging import Meant, PurgeSelection
from kubectl_pets.errors import ExitCode, NotFoundError, UsageError
from kubectl_pets.flows.engine.report import told_once
from kubectl_pets.flows.orphans import records
from kubectl_pets.flows.orphans.purge import PurgeRun
from kubectl_pets.flows.orphans.purge import purge as destroy
from kubectl_pets.flows.orphans.restore import Restored
from kubectl_pets.flows.orphans.restore import restore as bring_back
from kubectl_pets.flows.orphans.retention import new_run
from kubectl_pets.pasting import kubectl
from kubectl_pets.session import Session
from kubectl_pets.views.orphans import plan as claim_plans
from kubectl_pets.views.orphans import words as claim_words


@click.command("restore", epilog=exit_codes(ExitCode.NOT_YET, ExitCode.REFUSED))
@click.argument("sources", metavar="RECORD|VOLUME...", nargs=-1, required=True, shell_complete=completing.files)
@dry_run
@connection
@pass_session
def restore(session: Session, sources: tuple[str, ...], dry_run: str) -> ExitCode:
    """Bring deleted claims back onto their retained volumes, from a record or from a volume's own memory.

    Refuses when a new claim took the name, or the volume is gone or somebody else's. Run again, it goes on where it was.

    \b
    Examples:
      kubectl pets orphans restore ./records/orphans-20261124T101500Z-4711.json
      kubectl pets orphans restore pvc-1b1831f5-396f-4295-9443-efdc4edf28bd
    """
    terminal, refused, open_ = session.terminal, False, False
    run = new_run()
    for source in sources:
        for record in _records(session, source):
            name = f"{record.claim.namespace}/{record.claim.name}"
            done = bring_back(
                session.cluster,
                record,
                run=run,
                dry_run=dry_run != "none",
                tell=lambda plan: terminal.tell(claim_plans.restore(plan)),
                troubled=told_once(terminal),
            )
            if isinstance(done, restoring.RestoreRefused):
                idle = done.reason is restoring.RestoreRefusedReason.NOTHING_TO_DO
                why = claim_words.restore_refused(done, source, record.snapshot)
                terminal.tell(("" if idle else "refused: ") + f"{name}: {why}")
                refused = refused or not idle
            elif isinstance(done, Restored):
                terminal.print(f"restored {name} onto {record.volume}")
                for line in claim_plans.after_restore(record.volume, done.policy_left, rescued=done.rescued):
                    terminal.tell(line)
                open_ = open_ or bool(done.policy_left)
    if refused:
        return ExitCode.REFUSED
    return ExitCode.NOT_YET if open_ else ExitCode.OK


def _records(session: Session, source: str) -> tuple[restoring.Record, ...]:
    """A path, or the name of a volume (``pv/NAME`` where there is a file of that name)."""
    if _is_path(source):
        return records.load(Path(source))
    name = names.parse(source, names.VOLUME, namespaced=False).name
    volume = session.cluster.volume(name)
    record = restoring.record_of(volume) if volume is not None else None
    if record is None:
        raise NotFoundError(
            f"{source} is neither a record nor a volume that knows its claim.", hint=f"{kubectl('get', 'pv')} lists volumes."
        )
    return (record,)


def _is_path(source: str) -> bool:
    head, slash, _ = source.partition("/")
    return source.endswith(".json") or bool(slash) and head.lower() not in names.VOLUME.words


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
