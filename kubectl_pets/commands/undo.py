"""``kubectl pets rollout undo`` and ``unstick``: out of a rollout that went wrong, without doing it by hand at night."""

from datetime import timedelta
from pathlib import Path

import click
from msgspec.structs import replace

from kubectl_pets.cli.options import ChangedSet, Duration, Number, connection, exit_codes, pass_session
from kubectl_pets.domain.changes import DryRun
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.rollout.history import entries
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.sets.kinds import APPS_SET, SetRef
from kubectl_pets.domain.stepping.freeing import goes_back_to
from kubectl_pets.domain.stepping.steps import Done, Refused, Run, Undo, Unstick
from kubectl_pets.errors import ExitCode, InvalidError, RefusedError, UsageError
from kubectl_pets.flows.engine.options import RunOptions, run_options
from kubectl_pets.flows.rollout.carry import carry
from kubectl_pets.flows.rollout.checks import Terms
from kubectl_pets.flows.rollout.handover import give_back_after_undo
from kubectl_pets.flows.rollout.terms import settle_option, soak_option, terms_options
from kubectl_pets.session import Session

_CODES = exit_codes(ExitCode.STUCK, ExitCode.TIMED_OUT, ExitCode.REFUSED)


@click.command("undo", epilog=exit_codes(ExitCode.NOT_YET, ExitCode.STUCK, ExitCode.TIMED_OUT, ExitCode.REFUSED))
@click.option("--to-revision", type=Number(min=1), metavar="N", help="A number out of 'rollout history'.")
@click.option(
    "--with-data",
    is_flag=True,
    help="The data as well, for a set at 0 replicas: claims anew from the VolumeSnapshots of the revision (run --snapshot).",
)
@click.option("--one-by-one", is_flag=True, help="With --with-data: while the set runs, one pod after the other.")
@click.option("--confirm", metavar="NAME", help="With --with-data: the set's name, in place of typing it at the terminal.")
@click.option("--replicas", type=Number(min=1), metavar="N", help="With --with-data: so many pods the set had.")
@click.option(
    "--record", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="With --with-data: folder for the record."
)
@soak_option("--soak")
@settle_option
@click.argument("name", type=ChangedSet())
@run_options()
@terms_options
@connection
@pass_session
def undo(
    session: Session,
    name: SetRef,
    options: RunOptions,
    terms: Terms,
    to_revision: int | None,
    with_data: bool,
    one_by_one: bool,
    confirm: str | None,
    replicas: int | None,
    record: Path | None,
    soak: timedelta,
    settle: timedelta,
) -> ExitCode:
    """Restore the template of an earlier revision, delete the broken pods that would keep the set stuck, and wait.

    Without --to-revision: while a rollout is under way, what ran before it, as pods and ControllerRevisions tell; else the newest
    earlier template that differs. Where nobody can tell it is refused, and a number has to be named. Typed again it goes on, or
    says that it is done. A revision holds the pod template and nothing else: replicas, strategy, partition and claim templates
    stay as they are; where the partition keeps pods at another revision it ends with 3. Pods that serve are left to the
    controller. With gates, --soak, --quorum, --min-available or a PodDisruptionBudget the pods are released one at a time.

    With --with-data the claims go back, too: each is made anew, under its name, from the VolumeSnapshot that a rollout took of
    that revision; the volume with the newer data is kept, and a record brings it back (orphans restore). For a set at 0
    replicas; with --one-by-one while it runs: pod after pod, the highest ordinal first, each available again before the next.
    The set's name has to be typed, -y is not enough. Killed and typed again it goes on.

    \b
    Examples:
      kubectl pets rollout undo web --dry-run
      kubectl pets rollout undo web --to-revision 3
      kubectl pets rollout undo web -y --quorum --timeout 15m
      kubectl pets rollout undo web --with-data --dry-run
      kubectl pets rollout undo web --with-data --one-by-one --quorum
    """
    if with_data:
        if one_by_one and (soak or replicas is not None):
            raise UsageError("--one-by-one is for a set that runs: --replicas is for one at 0, and --soak for neither.")
        if not one_by_one and (soak or terms != Terms()):
            raise UsageError("--with-data is for a set at 0 replicas: --soak, gates, --quorum and the like say nothing of it.")
        how = (terms, settle) if one_by_one else None
        return _with_data(session, name, options, to_revision, confirm, record, replicas, how)
    if one_by_one or confirm is not None or replicas is not None or record is not None:
        raise UsageError("--one-by-one, --confirm, --replicas and --record go with --with-data.")

    def goal(seen: Assessment, careful: bool) -> Undo | Done | Refused:
        # After the set: a history from before somebody's deploy does not have what is undone, and so tells a revision too old.
        history = entries(session.cluster.history(session.namespace, name.name, name.kind))
        back = goes_back_to(history, seen, to_revision, settle)
        if isinstance(back, Done | Refused):
            return back
        entry = next(entry for entry in history if entry.name == back)
        if not entry.template:
            raise InvalidError(f"revision {entry.number} of {name.name} holds no template, so there is nothing to restore.")
        by = Run(soak=soak, settle=settle) if soak or terms.stepwise or careful else None
        return Undo(revision=entry.name, number=entry.number, template=entry.template, by=by, settle=settle)

    code = carry(session, name, goal, options, terms)
    if code is ExitCode.OK and options.dry_run is DryRun.NONE and name.kind is APPS_SET:
        give_back_after_undo(session, name.name)
    return code


def _with_data(
    session: Session,
    name: SetRef,
    options: RunOptions,
    to_revision: int | None,
    confirm: str | None,
    record: Path | None,
    replicas: int | None,
    how: tuple[Terms, timedelta] | None,
) -> ExitCode:
    """Loads what only this takes. ``how``: while the set runs, on these terms, with this time to settle."""
    from kubectl_pets.flows.restoring.carry import DataWish, undo_with_data
    from kubectl_pets.flows.restoring.one_by_one import TurnOptions

    if name.kind is not APPS_SET:
        raise RefusedError(f"--with-data is for StatefulSets of apps/v1, and {name.typed} is none. Nothing was changed.")
    turn_options = None
    if how is not None:
        terms, settle = how
        turn_options = TurnOptions(
            terms=terms, settle=settle, stuck_after=options.stuck_after, written_as=session.field_manager
        )
    wish = DataWish(to_revision=to_revision, confirm=confirm, record=record, replicas=replicas, turn_options=turn_options)
    return undo_with_data(session, name.name, wish, options)


@click.command("unstick", epilog=_CODES)
@click.option(
    "--patience",
    type=Duration(),
    default="1m",
    show_default=True,
    help="Leave a pod alone that is merely not ready until it is this old; what fails for longer is stuck.",
)
@settle_option
@click.argument("name", type=ChangedSet())
@run_options(patience=False)
@terms_options
@connection
@pass_session
def unstick(
    session: Session, name: SetRef, options: RunOptions, terms: Terms, patience: timedelta, settle: timedelta
) -> ExitCode:
    """Get a set going whose template is right but whose broken pods hold the controller up, and wait.

    Deletes just the pod that the controller waits for in vain, lowest ordinal first, if it would come back at another revision,
    or with the volume of a claim template that it lacks. Where the controller of this server version replaces broken pods by
    itself none is deleted. Never touched: a pod that serves and lacks no volume, one at the wanted revision, one whose node does
    not answer.

    \b
    Examples:
      kubectl pets rollout unstick web --dry-run
      kubectl pets rollout unstick web -y --timeout 10m
    """
    options = replace(options, stuck_after=StuckAfter(time=patience))
    return carry(session, name, lambda seen, careful: Unstick(patience=patience, settle=settle), options, terms)
