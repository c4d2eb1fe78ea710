"""Destroys volumes that deletions left, one after the other: each judged again on newly read volumes right before its turn, and
called destroyed only when it is gone.
"""

from functools import partial

from kubectl_pets import pasting
from kubectl_pets.domain.changes import DryRun
from kubectl_pets.domain.orphans.purging import (
    Purge,
    PurgePlan,
    PurgeRefused,
    PurgeRefusedReason,
    PurgeSelection,
    again,
    plan_purge,
)
from kubectl_pets.domain.orphans.storage import driver_refuses
from kubectl_pets.errors import ConflictError, ExitCode, ForbiddenError, NotFoundError
from kubectl_pets.flows.engine import rights
from kubectl_pets.flows.engine.interrupts import held_back
from kubectl_pets.flows.engine.options import RunOptions
from kubectl_pets.flows.engine.report import rehearse, told_once
from kubectl_pets.flows.engine.waiting import until
from kubectl_pets.flows.orphans.storage import storage_use
from kubectl_pets.session import Session
from kubectl_pets.views.orphans import documents
from kubectl_pets.views.orphans import purge as view

_PAUSE = 0.1


class PurgeRun(RunOptions, frozen=True, kw_only=True):
    """How volumes are destroyed, as said on the command line. ``timeout`` is for all to be gone, after they were asked for."""

    selection: PurgeSelection


def purge(session: Session, run: PurgeRun) -> ExitCode:
    """Destroy what was selected, as far as it may be. Raises PetsError."""
    terminal = session.terminal
    use = storage_use(session.cluster)
    if use.volumes is None:
        hint = pasting.kubectl("auth", "can-i", "list", "persistentvolumes")
        raise ForbiddenError("volumes may not be listed, so nothing can be said of them. Nothing was changed.", hint=hint)
    planned = plan_purge(use, run.selection, session.now())
    if planned.unknown:
        raise NotFoundError(
            f"no volume, and no claim that left one: {', '.join(planned.unknown)}",
            hint=f"{pasting.pets('orphans purge', '--older-than', '0', '--dry-run')} lists what there is.",
        )
    if run.dry_run is not DryRun.NONE:
        return _rehearse(session, planned, run)
    for refused in planned.refused:
        terminal.tell(f"refused: {view.refused(refused)}")
    if not planned.purges:
        terminal.tell("nothing to destroy" if not planned.refused else "nothing was changed")
        return ExitCode.REFUSED if planned.refused else ExitCode.OK
    rights.require(session.cluster, {"": [("patch", "persistentvolumes")]})
    about = view.agreed(planned, session.cluster.server_name())
    if run.yes:
        terminal.tell(about)
    elif not terminal.agrees(f"{about} Go on?"):
        return ExitCode.REFUSED
    return _carry_out(session, planned, run)


def _rehearse(session: Session, planned: PurgePlan, run: PurgeRun) -> ExitCode:
    return rehearse(
        session.terminal,
        run,
        ExitCode.REFUSED if planned.refused and not planned.purges else ExitCode.OK,
        checks=[partial(session.cluster.apply, one.step, dry_run=True) for one in planned.purges],
        accepted="every step",
        picture=lambda: view.draw(planned, session.now()),
        document=partial(documents.purge, planned),
    )


def _carry_out(session: Session, planned: PurgePlan, run: PurgeRun) -> ExitCode:
    cluster, terminal = session.cluster, session.terminal
    asked: list[Purge] = []
    interrupted = refused = False
    with held_back() as held:
        for one in planned.purges:
            if held():
                interrupted = True
                break
            outcome = _one(session, one, run.selection)
            if isinstance(outcome, Purge):
                asked.append(outcome)
                terminal.tell(f"destroying {view.title(outcome.volume)}")
            else:
                refused = True
                terminal.tell(f"refused: {view.refused(outcome)}")
    left = _await_gone(session, asked, 0.0 if interrupted else run.timeout)
    refuses = False
    for one in left:
        volume = cluster.volume(one.volume.name)
        said = driver_refuses(volume, cluster.volume_events(volume.name) or ()) if volume is not None else ""
        refuses = refuses or bool(said)
        terminal.tell(view.not_gone(one, said))
    if interrupted:
        terminal.tell("interrupted: the other volumes were not touched")
        return ExitCode.INTERRUPTED
    if refuses:
        return ExitCode.NOT_YET
    if left:
        return ExitCode.TIMED_OUT
    return ExitCode.REFUSED if refused and not asked else ExitCode.OK


def _one(session: Session, planned: Purge, selection: PurgeSelection) -> Purge | PurgeRefused:
    decided = again(planned, storage_use(session.cluster), selection, session.now())
    if isinstance(decided, PurgeRefused):
        return decided
    try:
        session.cluster.apply(decided.step)
    except (ConflictError, NotFoundError):
        return PurgeRefused(volume=decided.volume, reason=PurgeRefusedReason.CHANGED)
    return decided


def _await_gone(session: Session, asked: list[Purge], timeout: float | None) -> list[Purge]:
    """Those that are not gone when time is over."""
    left = list(asked)

    def look() -> bool | None:
        for one in tuple(left):
            volume = session.cluster.volume(one.volume.name)
            if volume is None or volume.metadata.uid != one.volume.metadata.uid:
                session.terminal.print(f"destroyed {view.title(one.volume)}")
                left.remove(one)
        return not left or None

    until(look, within=timeout, every=_PAUSE, troubled=told_once(session.terminal))
    return left
