"""``kubectl pets orphans delete``: claims that are candidates, with a net under them."""

from datetime import timedelta
from pathlib import Path

import click

from kubectl_pets.cli import completing, names
from kubectl_pets.cli.options import (
    Age,
    Duration,
    Number,
    ObjectName,
    connection,
    dry_run,
    exit_codes,
    ignore_kind,
    output,
    pass_session,
    seconds,
    yes_to,
)
from kubectl_pets.domain.changes import DryRun
from kubectl_pets.domain.orphans.deletion import DeletionOptions
from kubectl_pets.domain.orphans.findings import CANDIDATES, Class
from kubectl_pets.errors import ExitCode, UsageError
from kubectl_pets.flows.orphans.delete import DeletionRun, dispose
from kubectl_pets.flows.orphans.select import Selection
from kubectl_pets.pasting import pets
from kubectl_pets.session import Session

_candidate_classes = click.Choice(sorted(each.value for each in CANDIDATES))


@click.command("delete", epilog=exit_codes(ExitCode.NOT_YET, ExitCode.TIMED_OUT, ExitCode.REFUSED))
@click.argument("claims", metavar="[CLAIM]...", type=ObjectName(names.CLAIM), nargs=-1, shell_complete=completing.claims)
@click.option("-A", "--all-namespaces", is_flag=True, help="Look in all namespaces.")
@click.option("-l", "--selector", metavar="SELECTOR", default="", help="Only claims with these labels.")
@click.option("--class", "classes", type=_candidate_classes, multiple=True, help="Only claims of this class.")
@click.option("--older-than", type=Age(), metavar="AGE", help="Only claims known to be unused for so long, like 30d.")
@click.option("--keep", type=Number(min=0), default=0, metavar="N", help="Keep the N newest ordinals of each set.")
@click.option("--limit", type=Number(min=1), metavar="N", help="At most so many claims.")
@click.option(
    "--snapshot",
    is_flag=False,
    flag_value="",
    metavar="[CLASS]",
    help="Take a VolumeSnapshot of each claim first and wait for it; its class must have the deletionPolicy Retain.",
)
@click.option(
    "--timeout",
    type=Duration(),
    default="10m",
    show_default=True,
    metavar="DURATION",
    help="Leave a claim alone whose snapshot is not ready after this long (exit code 5); 0: never.",
)
@click.option("--fresh", is_flag=True, help="Also claims whose set went, or was made again, less than an hour ago.")
@ignore_kind
@click.option("--destroy-data", is_flag=True, help="Let each volume's reclaim policy decide; Delete loses the data.")
@click.option("--record", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Folder for the record.")
@output("table", "json", "yaml")
@dry_run
@yes_to("claims are deleted, and with --destroy-data their data")
@connection
@pass_session
def delete(
    session: Session,
    claims: tuple[names.TypedName, ...],
    all_namespaces: bool,
    selector: str,
    classes: tuple[str, ...],
    older_than: timedelta | None,
    keep: int,
    limit: int | None,
    snapshot: str | None,
    timeout: timedelta,
    fresh: bool,
    ignored: tuple[str, ...],
    destroy_data: bool,
    record: Path | None,
    output: str,
    dry_run: str,
    yes: bool,
) -> ExitCode:
    """Delete claims that are candidates, one after the other, each judged again right before its turn.

    The data survives: a volume whose reclaim policy is Delete is set to Retain first, and remembers what it was.
    --destroy-data is the only way to lose it. What was deleted is written to a record, and 'restore' brings it back. --class,
    --older-than and -l narrow claims that are named, too.

    \b
    Examples:
      kubectl pets orphans delete data-web-3 data-web-4
      kubectl pets orphans delete --class scaled-down --older-than 30d --keep 1 --dry-run
      kubectl pets orphans delete -l app=web -y --record ./records
      kubectl pets orphans delete data-web-3 --snapshot
      kubectl pets orphans delete data-web-3 --snapshot=nightly --timeout 30m
    """
    if not claims and not classes and not selector:
        candidates = pets("orphans", namespace=session.typed_namespace)
        raise UsageError("say which claims: their names, --class or -l.", hint=f"{candidates} lists the candidates.")
    if claims and all_namespaces:
        raise UsageError("claims are named within one namespace: -A goes with --class or -l.")
    selection = Selection(
        namespace=None if all_namespaces else session.namespace,
        names=claims,
        labels=selector,
        # of claims that are named the plan says what they are instead
        classes=frozenset(Class(each) for each in classes) or (frozenset() if claims else CANDIDATES),
        older_than=older_than,
        every_class=bool(claims),
        ignored_kinds=frozenset(ignored),
    )
    deletion = DeletionOptions(
        destroy_data=destroy_data,
        fresh=fresh,
        ignored_kinds=frozenset(ignored),
        keep=keep,
        limit=limit,
        snapshot=snapshot is not None,
        snapshot_class=snapshot or "",
    )
    options = DeletionRun(
        deletion=deletion,
        dry_run=DryRun(dry_run),
        output=output,
        yes=yes,
        record=record,
        timeout=seconds(timeout),
        named=bool(claims),
    )
    return dispose(session, selection, options)
