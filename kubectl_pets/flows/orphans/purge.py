"""Destroys volumes that deletions left, one after the other: each judged again on newly read volumes right before its turn, and
called destroyed only when it is gone.
"""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from kubectl_pets import pasting
from kubectl_pets.domain.changes import DryRun
from kubectl_pets.domain.orphans.inventory import PersistentVolume
from kubectl_pets.domain.orphans.purging import (
    Purge,
    PurgePlan,
    PurgeRefused,
    PurgeRefusedReason,
    PurgeSelection,
    again,
    is_gone,
    is_rescued,
    is_under_way,
    plan_purge,
)
from kubectl_pets.domain.orphans.storage import driver_refuses
from kubectl_pets.errors import ConflictError, ExitCode, ForbiddenError, NotFoundError
from kubectl_pets.flows.engine import rights
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.interrupts import Interrupted, held_back
from kubectl_pets.flows.engine.options import RunOptions
from kubectl_pets.flows.engine.patience import PASSING
from kubectl_pets.flows.engine.report import rehearse, told_once
from kubectl_pets.flows.engine.waiting import Unended, until
from kubectl_pets.flows.orphans.account import Account
from kubectl_pets.flows.orphans.storage import StoragePort, storage_use
from kubectl_pets.ports.server import ClockPort
from kubectl_pets.ports.sets import ChangePort
from kubectl_pets.session import Session
from kubectl_pets.views.orphans import documents, outcomes
from kubectl_pets.views.orphans import purge as view
from kubectl_pets.views.orphans.outcomes import Came, RunKind

_PAUSE = 0.1


class PurgeRun(RunOptions, frozen=True, kw_only=True):
    """How volumes are destroyed, as said on the command line. ``timeout`` is for all to be gone, after they were asked for."""

    selection: PurgeSelection


def purge(session: Session, run: PurgeRun) -> ExitCode:
    """Destroy what was selected, as far as it may be. Raises PetsError."""
    account = Account(session.terminal, run.output, RunKind.PURGE)
    return account.of(partial(_purge, session, run))


def _purge(session: Session, run: PurgeRun, account: Account) -> ExitCode:
    terminal = session.terminal
    use = storage_use(session.cluster)
    if use.volumes is None:
        hint = pasting.kubectl("auth", "can-i", "list", "persistentvolumes")
        raise ForbiddenError("volumes may not be listed, so nothing can be said of them. Nothing was changed.", hint=hint)
    planned = plan_purge(use, run.selection, session.now())
    if planned.unknown:
        namespace = run.selection.namespace
        place = () if namespace is not None else ("-A",)
        every = pasting.pets("orphans purge", *place, "--older-than", "0", "--dry-run", namespace=namespace or "")
        said = f"no volume, and no claim that left one: {', '.join(planned.unknown)}"
        raise NotFoundError(said, hint=f"{every} lists what there is.")
    account.plans(documents.purge_plan(planned), [outcomes.purge(one.volume, Came.UNTOUCHED) for one in planned.purges])
    if run.dry_run is not DryRun.NONE:
        return _rehearse(session, planned, run, account)
    for refused in planned.refused:
        terminal.tell(f"refused: {view.refused(refused)}")
    if not planned.purges:
        terminal.tell("nothing to destroy" if not planned.refused else "nothing was changed")
        return ExitCode.REFUSED if planned.refused else ExitCode.OK
    volumes = [one.volume.name for one in planned.purges]
    rights.require(session.cluster, {"": [(verb, "persistentvolumes", *volumes) for verb in ("get", "patch")]})
    about = view.agreed(planned, session.cluster.server_name())
    if run.yes:
        terminal.tell(about)
    elif not terminal.agrees(f"{about} Go on?"):
        return ExitCode.REFUSED
    return _carry_out(session, planned, run, account)


def _rehearse(session: Session, planned: PurgePlan, run: PurgeRun, account: Account) -> ExitCode:
    return rehearse(
        session.terminal,
        run,
        ExitCode.REFUSED if planned.refused and not planned.purges else ExitCode.OK,
        checks=[partial(session.cluster.apply, one.step, dry_run=True) for one in planned.purges if one.step],
        accepted="every step",
        picture=lambda: view.draw(planned, session.now()),
        document=account.instead(partial(documents.purge, planned)),
    )


def _carry_out(session: Session, planned: PurgePlan, run: PurgeRun, account: Account) -> ExitCode:
    cluster, terminal = session.cluster, session.terminal
    asked: list[_Order] = []
    refused = False
    with held_back() as held:
        untouched = len(planned.purges)
        for place, one in enumerate(planned.purges):
            if held():
                break
            untouched -= 1
            order = _Order(cluster, one, run.selection, partial(_notes, account, place, one))
            order.came(Came.BEGUN)
            outcome = until(order.give, held=held, troubled=told_once(terminal))
            if isinstance(outcome, PurgeRefused):
                refused = True
                account.notes(place, outcomes.purge(one.volume, Came.REFUSED, outcome))
                terminal.tell(f"refused: {view.refused(outcome)}")
                continue
            asked.append(order)
            if outcome is not Unended.STOPPED:
                order.came(Came.UNFINISHED)
            terminal.tell(view.destroying(one, lost=outcome is Unended.STOPPED))
        left = _await_gone(session, asked, Deadline(run.timeout), held, account.say)
        interrupted = held() and bool(untouched or left)
    rescued = [order.rescued for order in asked if order.rescued is not None]
    for kept in rescued:
        terminal.tell(f"overtaken: {view.refused(kept)}")
    said = {order.planned.volume.name: order.refusal() for order in left}
    for order in left:
        if said[order.planned.volume.name]:
            order.came(Came.UNFINISHED, said=said[order.planned.volume.name])
        terminal.tell(view.not_gone(order.planned, said[order.planned.volume.name]))
    if interrupted:
        terminal.tell(f"interrupted: {view.interrupted(untouched)}")
        return ExitCode.INTERRUPTED
    if rescued:
        return ExitCode.FAILED
    if any(said.values()):
        return ExitCode.NOT_YET
    if left:
        return ExitCode.TIMED_OUT
    return ExitCode.REFUSED if refused and not asked else ExitCode.OK


def _notes(account: Account, place: int, one: Purge, came: Came, refused: PurgeRefused | None, said: str) -> None:
    account.notes(place, outcomes.purge(one.volume, came, refused, said=said))


class PurgePort(StoragePort, ChangePort, ClockPort, Protocol):
    """What it takes to destroy volumes."""


class _Order:
    """The destruction of one volume: given, and followed."""

    def __init__(
        self,
        cluster: PurgePort,
        planned: Purge,
        selection: PurgeSelection,
        notes: Callable[[Came, PurgeRefused | None, str], None],
    ) -> None:
        self._cluster, self.planned, self._selection, self._notes = cluster, planned, selection, notes
        self._sent = self._taken = False
        self._seen: PersistentVolume | None = None
        #: Somebody has kept the volume after all.
        self.rescued: PurgeRefused | None = None

    def give(self) -> Purge | PurgeRefused:
        """Judge it afresh and have it destroyed; an order whose answer was lost is looked up. Raises PetsError."""
        use = storage_use(self._cluster)
        if self._sent and is_under_way(self.planned, use):
            self._taken = True
            return self.planned
        decided = again(self.planned, use, self._selection, self._cluster.now())
        if isinstance(decided, PurgeRefused):
            return decided
        if decided.step is None:
            self._taken = True
            return decided
        self._sent = True
        try:
            self._cluster.apply(decided.step)
        except (ConflictError, NotFoundError):
            return PurgeRefused(volume=decided.volume, reason=PurgeRefusedReason.CHANGED)
        self._taken = True
        return decided

    def came(self, came: Came, refused: PurgeRefused | None = None, said: str = "") -> None:
        """Note what has come of it; ``said``: by its driver."""
        self._notes(came, refused, said)

    def is_over(self) -> bool:
        """Whether the volume is gone, or is not destroyed any more. Raises PetsError."""
        self._seen = self._cluster.volume(self.planned.volume.name)
        if self._seen is None or is_gone(self.planned, self._seen):
            return True
        self.rescued = is_rescued(self.planned, self._seen) if self._taken else None
        return self.rescued is not None

    def refusal(self) -> str:
        """What its driver said that could not destroy it so far; empty where it said nothing, or nobody can be asked now."""
        if self._seen is None:
            return ""
        try:
            events = self._cluster.volume_events(self._seen.name) or ()
        except PASSING:
            events = ()
        return driver_refuses(self._seen, events)


def _await_gone(
    session: Session, asked: list[_Order], deadline: Deadline, held: Interrupted, say: Callable[[str], None]
) -> list[_Order]:
    """The orders whose volumes are still being destroyed when time is over, or somebody pressed Ctrl-C."""
    left = list(asked)

    def look() -> bool | None:
        for order in tuple(left):
            if not order.is_over():
                continue
            left.remove(order)
            if order.rescued is not None:
                order.came(Came.REFUSED, order.rescued)
                continue
            order.came(Came.DONE)
            say(f"destroyed {view.title(order.planned.volume)}")
        return not left or None

    until(look, deadline=deadline, every=_PAUSE, held=held, troubled=told_once(session.terminal))
    return left
