"""A set that is to be scaled, from the plan to the last word: look, plan, warn, ask, change the number, and wait.

Nothing is decided here: ``foreseeing`` plans, ``scaled`` says how far it is, the views word it. Right before the change
everything is read and planned again, because between question and answer a volume may have got another policy, or a set another
number.
"""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from kubectl_pets.domain.changes import DryRun
from kubectl_pets.domain.model import SetView, StatefulSet
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.managers import managers
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.scale.plan import change, plan
from kubectl_pets.domain.scale.progress import ScaleProgress, progress
from kubectl_pets.domain.scale.types import Scaling
from kubectl_pets.errors import (
    ConflictError,
    ExitCode,
    ForbiddenError,
    NotFoundError,
    PetsError,
    ServerError,
    ThrottledError,
    UnreachableError,
)
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.session import Session, SetViewSource
from kubectl_pets.views.live import Painter
from kubectl_pets.views.rollout import documents, words
from kubectl_pets.views.scale import documents as scaling_documents
from kubectl_pets.views.scale import plan as view
from kubectl_pets.views.scale import words as scaling_words

_R = TypeVar("_R")

#: Failures that pass by themselves, and how long they are waited out, in seconds.
_PASSING = (UnreachableError, ServerError, ThrottledError)
_PATIENCE = 300.0

#: How long a controller is waited for that has not seen the newest spec yet, in seconds.
_OBSERVING = 10.0

_EXIT = {
    ScaleProgress.REACHED: ExitCode.OK,
    ScaleProgress.GOING_ON: ExitCode.TIMED_OUT,
    ScaleProgress.STUCK: ExitCode.STUCK,
    ScaleProgress.DELETED: ExitCode.FAILED,
    ScaleProgress.REPLACED: ExitCode.FAILED,
    ScaleProgress.RESCALED: ExitCode.FAILED,
    ScaleProgress.UNREADABLE: ExitCode.FAILED,
}


class ScaleOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How it is carried out, as said on the command line. ``timeout`` in seconds, None: for ever."""

    dry_run: DryRun = DryRun.NONE
    yes: bool = False
    timeout: float | None = None
    output: str = "table"


class _Planned(msgspec.Struct, frozen=True):
    """A plan, and the look that it was made from."""

    owner: StatefulSet
    seen: Assessment
    plan: Scaling


def resize(session: Session, name: str, replicas: int, manner: ScaleOptions) -> ExitCode:
    """Give the set so many replicas and wait until they are there. Returns the exit code; raises PetsError."""
    with session.cluster.watch_set(session.namespace, name) as source:
        _observe(session, source)
        found = _look(session, source.refresh(), replicas)
        if found is None:
            raise NotFoundError(f"StatefulSet {name} was deleted")
        if manner.dry_run is not DryRun.NONE:
            return _rehearse(session, found, manner)
        if found.plan.refused is not None:
            return _refuse(session, found, manner)
        if found.plan.reached:
            return _report(session, ScaleProgress.REACHED, found.plan, found.seen, manner)
        _warn(session, found)
        _check_rights(session, found)
        if found.plan.stakes and not manner.yes:
            if not session.terminal.agrees(view.question(found.plan, found.seen, session.cluster.server_name())):
                return ExitCode.REFUSED
        return _Resizing(session, source, found, manner).run()


def _observe(session: Session, source: SetViewSource) -> None:
    """Wait until the controller has seen the newest spec: the revisions of a plan made before would be those of yesterday."""
    deadline = Deadline(_OBSERVING)
    while not deadline.passed and not assess(source.latest(), session.now()).observed:
        source.wait(deadline.cap(None))


def _look(session: Session, snapshot: SetView, replicas: int) -> _Planned | None:
    """None: there is no such set any more."""
    if snapshot.set is None:
        return None
    around = session.cluster.surroundings(snapshot.set)
    now = session.now()
    return _Planned(snapshot.set, assess(snapshot, now), plan(snapshot.set, snapshot, around, replicas, now))


def _rehearse(session: Session, found: _Planned, manner: ScaleOptions) -> ExitCode:
    terminal, planned = session.terminal, found.plan
    going = planned.refused is None and planned.before != planned.after
    if manner.dry_run is DryRun.SERVER and going:
        session.cluster.apply(change(found.owner, planned.after), dry_run=True)
        terminal.tell("the API server would accept the change (dry run)")
    if manner.output == "table":
        terminal.print(view.draw(planned, found.seen, session.now()))
    else:
        terminal.print(scaling_documents.document(planned, found.seen, manner.output))
    return ExitCode.REFUSED if planned.refused is not None else ExitCode.OK


def _refuse(session: Session, found: _Planned, manner: ScaleOptions) -> ExitCode:
    refused = found.plan.refused
    assert refused is not None
    if manner.output != "table":
        session.terminal.print(documents.one(found.seen, manner.output))
    session.terminal.tell(view.refused(refused, found.plan, found.seen))
    hint = scaling_words.instead(refused, found.seen)
    if hint:
        session.terminal.tell(f"hint: {hint}")
    return ExitCode.REFUSED


def _warn(session: Session, found: _Planned) -> None:
    told = view.warnings(found.plan, found.seen)
    if found.plan.before != found.plan.after:
        told += [words.warning(manager) for manager in managers(found.owner)]
    for each in told:
        session.terminal.tell(f"warning: {each}")


def _check_rights(session: Session, found: _Planned) -> None:
    """Ask early: for the change, and for what it takes to see how it ends."""
    needed = [("list", "pods"), ("watch", "pods")]
    if found.plan.before != found.plan.after:
        needed.insert(0, ("patch", "statefulsets.apps"))
    namespace = found.owner.namespace
    missing = session.cluster.missing_rights(namespace, needed)
    if missing:
        rights = ", ".join(f"{verb} {resource}" for verb, resource in missing)
        raise ForbiddenError(
            f"this needs rights that are missing in namespace {namespace}: {rights}. Nothing was changed.",
            hint=f"kubectl auth can-i {missing[0][0]} {missing[0][1]} -n {namespace}",
        )


def _report(session: Session, end: ScaleProgress, planned: Scaling, seen: Assessment, manner: ScaleOptions) -> ExitCode:
    """How it ended: in words on stderr, with ``-o json|yaml`` the final state on stdout."""
    if manner.output != "table":
        session.terminal.print(documents.one(seen, manner.output))
    session.terminal.tell(view.ended(end, planned, seen))
    hint = view.hint(end, planned, seen)
    if hint:
        session.terminal.tell(f"hint: {hint}")
    return _EXIT[end]


class _Resizing:
    """What was agreed to, carried out and followed to its end."""

    def __init__(self, session: Session, source: SetViewSource, agreed: _Planned, manner: ScaleOptions) -> None:
        self._session, self._source, self._manner = session, source, manner
        self._agreed, self._seen = agreed, agreed.seen
        self._deadline = Deadline(manner.timeout)
        self._patience: Deadline | None = None

    def run(self) -> ExitCode:
        planned = self._agreed.plan
        try:
            code = self._change() if planned.before != planned.after else None
            if code is not None:
                return code
            end = self._follow()
        except KeyboardInterrupt:
            self._session.terminal.tell(f"interrupted: {words.headline(self._seen)}")
            self._session.terminal.tell(f"hint: {view.after_interrupt(planned, self._seen)}")
            return ExitCode.INTERRUPTED
        return _report(self._session, end, planned, self._seen, self._manner)

    def _change(self) -> ExitCode | None:
        """Change the number, from a fresh look each time. An exit code: it did not come to that."""
        agreed = self._agreed.plan
        while True:
            found = self._patiently(lambda: _look(self._session, self._source.refresh(), agreed.after))
            if found is None:
                return self._over(ScaleProgress.DELETED)
            self._seen = found.seen
            if found.plan.uid != agreed.uid:
                return self._over(ScaleProgress.REPLACED)
            if found.plan.before == agreed.after:
                return None  # our own change, of which the answer was lost, or somebody else's: the same number
            if found.plan.before != agreed.before:
                return self._over(ScaleProgress.RESCALED)
            if found.plan.refused is not None:
                return _refuse(self._session, found, self._manner)
            if not self._manner.yes and not found.plan.within(agreed):
                self._session.terminal.tell(view.changed_meanwhile(found.plan, found.seen))
                return ExitCode.REFUSED
            try:
                self._session.cluster.apply(change(found.owner, agreed.after))
                return None
            except (ConflictError, NotFoundError):
                continue
            except _PASSING as failure:
                self._ride_out(failure)

    def _over(self, end: ScaleProgress) -> ExitCode:
        return _report(self._session, end, self._agreed.plan, self._seen, self._manner)

    def _follow(self) -> ScaleProgress:
        if self._manner.output != "table":
            return self._wait(lambda: None)
        with Painter(self._session.terminal) as painter:
            return self._wait(
                lambda: painter.show(self._seen, self._session.now(), footer=self._source.trouble() or "", log=True)
            )

    def _wait(self, show: Callable[[], None]) -> ScaleProgress:
        """Until it has come to the number, or cannot. No ending rests on what the watches brought: it is read again."""
        planned, fresh = self._agreed.plan, False
        while True:
            snapshot = self._patiently(self._source.refresh if fresh else self._source.latest)
            now = self._session.now()
            self._seen = assess(snapshot, now)
            end = progress(self._seen, planned.uid, planned.after)
            if not fresh and (end is not ScaleProgress.GOING_ON or self._deadline.passed):
                fresh = True
                continue
            fresh = False
            show()
            if end is not ScaleProgress.GOING_ON or self._deadline.passed:
                return end
            again = self._seen.recheck_at
            self._source.wait(self._deadline.cap(None if again is None else max(0.0, (again - now).total_seconds()) + 0.01))

    def _patiently(self, read: Callable[[], _R]) -> _R:
        while True:
            try:
                found = read()
            except _PASSING as failure:
                self._ride_out(failure)
            else:
                self._patience = None
                return found

    def _ride_out(self, failure: PetsError) -> None:
        """Wait a moment after a failure that may pass; raise it once patience or time is over."""
        if self._patience is None:
            self._patience = Deadline(_PATIENCE)
        if self._deadline.passed or self._patience.passed:
            raise failure
        self._source.wait(self._deadline.cap(failure.retry_after if isinstance(failure, ThrottledError) else 1.0))
