"""``kubectl pets scale``: another number of replicas, with what it does to pods, claims and quorum told before, to its end."""

from datetime import timedelta

import click
from msgspec.structs import replace

from kubectl_pets.cli.options import ChangedSet, Number, connection, exit_codes, pass_session
from kubectl_pets.domain.changes import DryRun
from kubectl_pets.domain.scale.types import Wish
from kubectl_pets.domain.sets.kinds import Capability, SetRef
from kubectl_pets.errors import ExitCode, RefusedError, UsageError
from kubectl_pets.flows.engine.options import RunOptions, run_options
from kubectl_pets.flows.rollout.terms import settle_option
from kubectl_pets.flows.scale.carry import scale_to
from kubectl_pets.pasting import pets
from kubectl_pets.session import Session

#: More is a slip of the finger: each of them is a pod.
_MOST = 100_000


#: A kind that can do either leaves ordinals out.
_LEAVES_OUT = frozenset((Capability.RESERVE_ORDINALS, Capability.DELETE_SLOTS))

_yes = click.option("-y", "--yes", is_flag=True, help="Do not ask where claims are deleted, a majority goes, or nothing is left.")


@click.command("scale", epilog=exit_codes(ExitCode.STUCK, ExitCode.TIMED_OUT, ExitCode.REFUSED))
@click.argument("name", type=ChangedSet())
@click.option("--replicas", type=Number(0, _MOST), metavar="N", help="How many there shall be.")
@click.option(
    "--remove",
    type=Number(0, 2**31 - 1),
    multiple=True,
    metavar="ORDINAL",
    help="This one goes, wherever it stands, and is left out; may be repeated.",
)
@click.option("--plan", is_flag=True, help="Print what it would do and change nothing; the same as --dry-run.")
@settle_option
@run_options(yes=_yes)
@connection
@pass_session
def command(
    session: Session,
    name: SetRef,
    replicas: int | None,
    remove: tuple[int, ...],
    plan: bool,
    settle: timedelta,
    options: RunOptions,
) -> ExitCode:
    """Scale a set and wait until exactly so many pods are available and none besides.

    Says before which old claims come back with old data, which the retention policy deletes and what that does to their
    data, what becomes of the majority, and what else sets the replicas. Killed and typed again, it waits on. --remove is for
    kinds that leave ordinals out of their range (OpenKruise reserveOrdinals, PingCAP delete-slots).

    \b
    Examples:
      kubectl pets scale web --replicas 5 --plan
      kubectl pets scale web --replicas 5
      kubectl pets scale web --replicas 0 -y --timeout 10m
      kubectl pets scale kruise/web --remove 1
    """
    if plan and options.dry_run is DryRun.SERVER:
        raise UsageError("--plan and --dry-run=server exclude each other.", hint="--dry-run=server prints the plan, too.")
    if (replicas is None) is not bool(remove):
        raise UsageError("say either --replicas N or --remove ORDINAL.")
    if remove and not _LEAVES_OUT & name.kind.can:
        shows = pets("status", name.typed, namespace=session.typed_namespace)
        raise RefusedError(
            f"{name.typed} is of a kind that leaves no ordinal out: it removes the highest first. Nothing was changed.",
            hint=f"say --replicas, {len(remove)} fewer than {shows} shows",
        )
    wish = Wish(replicas=replicas, remove=remove)
    return scale_to(session, name, wish, replace(options, dry_run=DryRun.CLIENT) if plan else options, settle)
