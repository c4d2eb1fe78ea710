"""What all verbs that change a rollout have in common: look, plan, warn, ask, carry out, say how it ended.

The verbs differ in their goal alone. Nothing is decided here: ``deciding`` decides, ``conductor`` drives, the views word it.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from enum import StrEnum, unique
from functools import partial, wraps
from typing import Any

import msgspec

from kubectl_pets.cli.options import dry_run, output, seconds, timeout, yes
from kubectl_pets.domain.changes import DryRun
from kubectl_pets.domain.model import SetView
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.managers import managers
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.stepping.guarding import takes_down
from kubectl_pets.domain.stepping.patches import change_for
from kubectl_pets.domain.stepping.planning import plan
from kubectl_pets.domain.stepping.steps import Abort, Act, Delete, Done, Evict, Goal, Pause, Plan, Refused, Run, Stuck, Wait
from kubectl_pets.errors import ExitCode, ForbiddenError, PetsError
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.rollout.checks import Checks, Terms
from kubectl_pets.flows.rollout.conductor import Conclusion, RolloutFrame, TimedOut, Unagreed, conduct
from kubectl_pets.session import Session, SetViewSource
from kubectl_pets.views.live import Painter
from kubectl_pets.views.rollout import advice, decisions, documents
from kubectl_pets.views.rollout import plan as plan_view
from kubectl_pets.views.rollout import words

#: How long a controller is waited for that has not seen the newest spec yet, in seconds.
_OBSERVING = 10.0

#: How long an interrupted run may take to pause the rollout, in seconds.
_PARTING = 10.0


@unique
class OnStuck(StrEnum):
    """What ``run`` does when the rollout sticks or time runs out."""

    PAUSE = "pause"
    ABORT = "abort"


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a verb is carried out, as said on the command line. ``timeout`` in seconds, None: for ever."""

    dry_run: DryRun = DryRun.NONE
    yes: bool = False
    timeout: float | None = None
    output: str = "table"
    on_stuck: OnStuck | None = None


def manner_options(command: Callable[..., ExitCode]) -> Callable[..., ExitCode]:
    """The flags of every changing verb, handed over as one ``manner``."""

    @wraps(command)
    def packed(*args: Any, dry_run: str, yes: bool, timeout: timedelta | None, output: str, **kw: Any) -> ExitCode:
        manner = RunOptions(dry_run=DryRun(dry_run), yes=yes, timeout=seconds(timeout), output=output)
        return command(*args, manner=manner, **kw)

    for option in (output("table", "json", "yaml"), timeout, yes, dry_run):
        packed = option(packed)
    return packed


def carry(
    session: Session,
    name: str,
    make_goal: Callable[[Assessment, bool], Goal | Done | Refused],
    manner: RunOptions,
    terms: Terms | None = None,
) -> ExitCode:
    """Bring the set ``name`` to the goal that ``make_goal`` sees for it, on ``terms`` (None: none, as for what takes no pod down
    by itself or takes it back). ``make_goal`` is told whether the terms have to be asked for each pod; it may see at once that
    there is nothing to do or to refuse. Returns the exit code; raises PetsError."""
    snapshot = _observed(session, name)
    now = session.now()
    seen = assess(snapshot, now)
    checks = Checks(session.cluster, terms, session.namespace) if terms is not None else None
    careful = checks is not None and checks.careful(seen)
    goal = make_goal(seen, careful)
    if isinstance(goal, Done | Refused):
        return _report(session, Conclusion(ending=goal, seen=seen, changed=False), manner)
    planned = plan(goal, seen, now, careful=careful)
    refused = _foreseen(checks, planned, seen)
    if refused is not None:
        return _report(session, Conclusion(ending=refused, seen=seen, changed=False), manner)
    if manner.dry_run is not DryRun.NONE:
        return _rehearse(session, snapshot, seen, goal, planned, manner)
    asks = bool(terms and terms.gates) and isinstance(planned.ending, Done)  # a run before this one may not have come to that
    if not planned.entries and not asks:
        return _report(session, Conclusion(ending=planned.ending, seen=seen, changed=False), manner)
    _warn(session, snapshot, checks)
    _check_rights(session, seen.namespace, planned, manner, terms)
    agreed = manner.yes
    if planned.deletes and not agreed:
        agreed = _may_delete(session, seen, planned.deletes)
        if not agreed:
            return ExitCode.REFUSED
    return _carry_out(session, name, goal, manner, agreed, checks, careful)


def _foreseen(checks: Checks | None, planned: Plan, seen: Assessment) -> Refused | None:
    """What the first step that takes a pod down would be refused for, if nothing changes before it."""
    if checks is None:
        return None
    first = next((step for step in planned.steps if takes_down(step, seen) is not None), None)
    return checks.foresee(first, seen) if first is not None else None


def _observed(session: Session, name: str) -> SetView:
    """The set, once its controller has seen the newest spec: a plan made before would rest on the revisions of yesterday."""
    snapshot = session.cluster.set_view(session.namespace, name)
    if assess(snapshot, session.now()).observed:
        return snapshot
    deadline = Deadline(_OBSERVING)
    with session.cluster.watch_set(session.namespace, name) as source:
        while not deadline.passed and not assess(source.latest(), session.now()).observed:
            source.wait(deadline.cap(None))
    return session.cluster.set_view(session.namespace, name)


def _carry_out(
    session: Session, name: str, goal: Goal, manner: RunOptions, agreed: bool, checks: Checks | None, careful: bool
) -> ExitCode:
    with session.cluster.watch_set(session.namespace, name) as source:
        try:
            deadline = Deadline(manner.timeout)
            ending = _drive(session, source, goal, manner, deadline, agreed, checks, careful)
            if isinstance(ending.ending, Unagreed):  # the plan knew of no deletion; the cluster went another way
                if not _may_delete(session, ending.seen, (ending.ending.pod,)):
                    return ending.exit_code
                ending = _drive(session, source, goal, manner, deadline, True, checks, careful)
        except KeyboardInterrupt:
            return on_interrupt(session, source, name, goal)
        code = _report(session, ending, manner)
        if manner.on_stuck is None or not ending.held_up or not ending.seen.under_way:
            return code
        way_out: Goal = Abort() if manner.on_stuck is OnStuck.ABORT else Pause()
        session.terminal.tell(decisions.way_out(manner.on_stuck.value))
        retreat = _drive(session, source, way_out, manner, Deadline(manner.timeout), True)
        _report(session, retreat, manner)
        return code


def _drive(
    session: Session,
    source: SetViewSource,
    goal: Goal,
    manner: RunOptions,
    deadline: Deadline,
    may_delete: bool,
    checks: Checks | None = None,
    careful: bool = False,
) -> Conclusion:
    driven = partial(
        conduct, session.cluster, source, goal, deadline=deadline, may_delete=may_delete, checks=checks, careful=careful
    )
    if manner.output != "table":
        return driven(observe=lambda frame: None)
    with Painter(session.terminal) as painter:

        def observe(frame: RolloutFrame) -> None:
            footer = frame.trouble or ""
            if not footer and isinstance(frame.decision, Act | Wait):  # an ending is told below the picture
                footer = decisions.sentence(frame.decision, frame.seen)
            painter.show(frame.seen, frame.now, footer=footer, log=bool(frame.trouble) or isinstance(frame.decision, Act))

        return driven(observe=observe)


def on_interrupt(session: Session, source: SetViewSource, name: str, goal: Goal) -> ExitCode:
    """Ctrl-C: hold what a run would have gone on to release, and say where the cluster stands."""
    tell = session.terminal.tell
    if isinstance(goal, Run):
        tell("interrupted: pausing the rollout where it stands")
        try:
            conduct(
                session.cluster, source, Pause(), observe=lambda frame: None, deadline=Deadline(_PARTING), may_delete=False
            )
        except PetsError as error:
            tell(f"error: could not pause it: {error.message}")
    try:
        seen = assess(source.refresh(), session.now())
    except PetsError as error:
        tell(f"interrupted: {name} could not be read again: {error.message}")
        return ExitCode.INTERRUPTED
    tell(f"interrupted: {words.headline(seen)}")
    tell(f"hint: {decisions.next_after_interrupt(seen, isinstance(goal, Run))}")
    return ExitCode.INTERRUPTED


def _rehearse(
    session: Session, snapshot: SetView, seen: Assessment, goal: Goal, planned: Plan, manner: RunOptions
) -> ExitCode:
    """``--dry-run``: print the plan; with ``server`` also have the first change judged, which is all that can be."""
    terminal = session.terminal
    acts = [entry for entry in planned.entries if isinstance(entry, Act)]
    if manner.dry_run is DryRun.SERVER and acts and snapshot.set is not None:
        session.cluster.apply(change_for(acts[0].step, snapshot.set, seen), dry_run=True)
        terminal.tell("the API server would accept the first change (dry run)")
    if manner.output == "table":
        terminal.print(plan_view.draw(planned, seen, session.now()))
    else:
        terminal.print(documents.plan(planned, goal, seen, manner.output))
    if isinstance(planned.ending, Refused) and not acts:
        return ExitCode.REFUSED
    return ExitCode.STUCK if isinstance(planned.ending, Stuck) else ExitCode.OK


def _warn(session: Session, snapshot: SetView, checks: Checks | None) -> None:
    if checks is not None and checks.budgets_unread:
        session.terminal.tell(
            "warning: PodDisruptionBudgets could not be read (list poddisruptionbudgets.policy), so none is kept; "
            "--ignore-budgets says that this is known"
        )
    if snapshot.set is not None:
        for manager in managers(snapshot.set):
            session.terminal.tell(f"warning: {words.warning(manager)}")


def _check_rights(session: Session, namespace: str, planned: Plan, manner: RunOptions, terms: Terms | None) -> None:
    """Ask early, so that a rollout does not stop half-way for a missing right."""
    needed = [("patch", "statefulsets.apps"), ("list", "pods"), ("watch", "pods")]
    if any(isinstance(step, Delete) for step in planned.steps) or manner.on_stuck is OnStuck.ABORT:
        needed.append(("delete", "pods"))
    if any(isinstance(step, Evict) for step in planned.steps):
        needed.append(("create", "pods/eviction"))
    needed += terms.rights if terms is not None else ()
    missing = session.cluster.missing_rights(namespace, needed)
    if missing:
        rights = ", ".join(f"{verb} {resource}" for verb, resource in missing)
        raise ForbiddenError(
            f"this needs rights that are missing in namespace {namespace}: {rights}. Nothing was changed.",
            hint=f"kubectl auth can-i {missing[0][0]} {missing[0][1]} -n {namespace}",
        )


def _may_delete(session: Session, seen: Assessment, pods: Iterable[str]) -> bool:
    return session.terminal.agrees(decisions.deletion_question(seen, tuple(pods), session.cluster.server_name()))


def _report(session: Session, conclusion: Conclusion, manner: RunOptions) -> ExitCode:
    """How it ended: in words on stderr, with ``-o json|yaml`` the final state on stdout."""
    terminal, seen, ending = session.terminal, conclusion.seen, conclusion.ending
    if manner.output != "table":
        terminal.print(documents.one(seen, manner.output))
    if isinstance(ending, TimedOut | Unagreed):
        terminal.tell(f"{'timed out' if isinstance(ending, TimedOut) else 'stopped'}: {words.headline(seen)}")
        return conclusion.exit_code
    mark = "" if isinstance(ending, Done) else f"{conclusion.exit_code.name.lower()}: "
    terminal.tell(mark + decisions.sentence(ending, seen))
    hint = advice.hint(ending, seen)
    if hint:
        terminal.tell(f"hint: {hint}")
    return conclusion.exit_code
