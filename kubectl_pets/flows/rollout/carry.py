"""What all verbs that change a rollout have in common: look, plan, warn, ask, carry out, say how it ended.

The verbs differ in their goal alone. Nothing is decided here: ``deciding`` decides, ``conductor`` drives, the views word it.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from enum import StrEnum, unique
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from kubectl_pets.domain.changes import DryRun
from kubectl_pets.domain.model import SetView
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.ownership import deployers
from kubectl_pets.domain.rollout.stuck import go_at_once
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.sets.kinds import Capability, SetRef
from kubectl_pets.domain.stepping.deciding import comes_to_nothing, refusal, rewritten
from kubectl_pets.domain.stepping.guarding import takes_down
from kubectl_pets.domain.stepping.patches import answer_of, change_for, written_by
from kubectl_pets.domain.stepping.planning import plan
from kubectl_pets.domain.stepping.steps import (
    Abort,
    Act,
    Canary,
    Delete,
    Done,
    DoneReason,
    Evict,
    Goal,
    Mark,
    Pause,
    Plan,
    Refused,
    RefusedReason,
    RestartPods,
    Restore,
    Run,
    SetPartition,
    Stage,
    Stuck,
)
from kubectl_pets.errors import ExitCode, PetsError, RefusedError
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.inquiry import HeardNodes, judged
from kubectl_pets.flows.engine.looking import await_observed, unseen
from kubectl_pets.flows.engine.loop import TimedOut
from kubectl_pets.flows.engine.options import RunOptions
from kubectl_pets.flows.engine.picture import pictured
from kubectl_pets.flows.engine.report import rehearse, report
from kubectl_pets.flows.engine.rights import Right, require
from kubectl_pets.flows.rollout.checks import Checks, Terms, Trials
from kubectl_pets.flows.rollout.conductor import Conclusion, Unagreed, conduct
from kubectl_pets.flows.rollout.snapshot_types import Unsnapped
from kubectl_pets.flows.rollout.taking import Taking, unfit_hint, unfit_told
from kubectl_pets.flows.rollout.why import why_told
from kubectl_pets.ports.sets import SetViewSource
from kubectl_pets.session import Session
from kubectl_pets.views.rollout import decisions, words

#: So often a refusal is looked up again where the looks differ.
_LOOKS = 3

#: How long an interrupted run may take to pause the rollout, in seconds.
_PARTING = 10.0


@unique
class OnStuck(StrEnum):
    """What ``run`` does when the rollout sticks or time runs out."""

    PAUSE = "pause"
    ABORT = "abort"


def carry(
    session: Session,
    ref: SetRef,
    make_goal: Callable[[Assessment, bool], Goal | Done | Refused],
    options: RunOptions,
    terms: Terms | None = None,
    *,
    on_stuck: OnStuck | None = None,
    question: str = "",
) -> ExitCode:
    """Bring the set ``ref`` to the goal that ``make_goal`` sees for it, on ``terms`` (None: none, as for what takes no pod down
    by itself or takes it back). ``make_goal`` is told whether each pod has to be released by itself: because the terms are
    asked for each, or because the controller would take all of them down together. It may see at once that there is nothing to do
    or to refuse. ``question``: asked where no pod is deleted, too; empty: then nothing is. Returns the
    exit code; raises PetsError."""
    heard = HeardNodes()
    aim = _aimed(session, ref, make_goal, options, terms, heard)
    snapshot, seen, goal, planned = aim.snapshot, aim.seen, aim.goal, aim.planned
    if goal is None or planned is None:
        assert aim.ending is not None
        return _report(session, Conclusion(ending=aim.ending, seen=seen, changed=False), options)
    snapshots = Taking(session, terms.snapshots if terms is not None else None, goal, options)
    unfit = snapshots.foresee(snapshot, seen, planned)
    if unfit is not None:
        return _report(session, Conclusion(ending=unfit, seen=seen, changed=False), options)
    if options.dry_run is not DryRun.NONE:
        _warn(session, snapshot, aim, goal, planned)
        return _rehearse(session, snapshot, seen, goal, planned, options, snapshots)
    asks = bool(terms and terms.stepwise) and isinstance(planned.ending, Done)  # a run before this one may not have come to that
    if not planned.entries and not asks:
        return _report(session, Conclusion(ending=planned.ending, seen=seen, changed=False), options)
    _warn(session, snapshot, aim, goal, planned)
    require(session.cluster, {seen.namespace: _rights(snapshot, seen, planned, terms, on_stuck)})
    agreed = options.yes
    if not agreed and not _agreed(session, seen, planned, question):
        return ExitCode.REFUSED
    agreed = agreed or bool(planned.deletes)
    driver = _Driver(session, options, aim, snapshots, heard)
    return _carry_out(driver, ref, goal, seen, agreed, on_stuck)


def restart_refused(session: Session, seen: Assessment, goal: RestartPods, options: RunOptions, terms: Terms) -> ExitCode | None:
    """What a restart of these pods would be refused for as things are, told, for what nobody can take back and comes before it;
    None: for nothing. Raises PetsError."""
    checks = Checks(session.cluster, terms, seen.namespace)
    refused = _foreseen(checks, plan(goal, seen, session.now(), careful=True), seen)
    return _report(session, Conclusion(ending=refused, seen=seen, changed=False), options) if refused is not None else None


class _Aim(msgspec.Struct, frozen=True, kw_only=True):
    """What one look makes of a verb: its goal and plan, or (then None) how it ends before it begins."""

    snapshot: SetView
    seen: Assessment
    checks: Checks | None
    careful: bool
    goal: Goal | None = None
    planned: Plan | None = None
    ending: Done | Refused | None = None

    @property
    def refused(self) -> bool:
        if self.planned is None:
            return isinstance(self.ending, Refused)
        return isinstance(self.planned.ending, Refused) and not self.planned.entries


def _aimed(
    session: Session,
    ref: SetRef,
    make_goal: Callable[[Assessment, bool], Goal | Done | Refused],
    options: RunOptions,
    terms: Terms | None,
    heard: HeardNodes,
) -> _Aim:
    """What the verb is to do. A refusal is looked up again until two looks are the same: one is of several lists, between which
    another run may have done what this one then sees half of."""
    snapshot = _observed(session, ref)
    aim = _aim(session, ref, snapshot, make_goal, options, terms, heard)
    for _ in range(_LOOKS):
        if not aim.refused:
            break
        before, snapshot = snapshot, _observed(session, ref)
        if snapshot == before:
            break
        aim = _aim(session, ref, snapshot, make_goal, options, terms, heard)
    return aim


def _aim(
    session: Session,
    ref: SetRef,
    snapshot: SetView,
    make_goal: Callable[[Assessment, bool], Goal | Done | Refused],
    options: RunOptions,
    terms: Terms | None,
    heard: HeardNodes,
) -> _Aim:
    now = session.now()
    seen = judged(session.cluster, snapshot, options.stuck_after, heard)
    checks = Checks(session.cluster, terms, session.namespace) if terms is not None else None
    # Its own controller goes on over groups whose workers do not start.
    careful = checks is not None and (checks.careful(seen) or Capability.GROUPS in seen.kind.can)
    careful = careful or (terms is not None and terms.snapshots is not None and terms.snapshots.each)
    if terms is not None:
        _refuse_of_groups(ref, seen, terms)
    goal = _goal(seen, careful or bool(go_at_once(seen)), make_goal)
    trials = Trials(session.cluster)
    if isinstance(goal, Canary | Run):
        goal = _as_admitted(session, trials, snapshot, seen, goal, options)
    aim = _Aim(snapshot=snapshot, seen=seen, checks=checks, careful=careful)
    if isinstance(goal, Done | Refused):
        return replace(aim, ending=goal)
    planned = plan(goal, seen, now, careful=careful)
    refused = _foreseen(checks, planned, seen) or _not_held(trials, snapshot, planned, seen, options)
    return replace(aim, ending=refused) if refused is not None else replace(aim, goal=goal, planned=planned)


def _goal(
    seen: Assessment, careful: bool, make_goal: Callable[[Assessment, bool], Goal | Done | Refused]
) -> Goal | Done | Refused:
    against = refusal(seen)
    if against is not None and against.reason is not RefusedReason.RESTORING:
        return against
    made = make_goal(seen, careful)
    return refusal(seen, made) or made


def _refuse_of_groups(ref: SetRef, seen: Assessment, terms: Terms) -> None:
    """Raises RefusedError for what knows pods and not groups of them."""
    if Capability.GROUPS not in seen.kind.can:
        return
    if terms.gate_dns:
        raise RefusedError(f"--gate-dns knows no names of groups, and {ref.typed} is a set of them. Nothing was changed.")
    if terms.snapshots is not None:
        raise RefusedError(f"--snapshot knows no claims of groups, and {ref.typed} is a set of them. Nothing was changed.")


def _agreed(session: Session, seen: Assessment, planned: Plan, question: str) -> bool:
    """Whether somebody agrees to what the plan deletes, or makes its controller delete; or says yes to the ``question`` where it
    deletes nothing."""
    if planned.deletes:
        return _may_delete(session, seen, planned.deletes)
    if decisions.lost_with_groups(planned, seen):
        return session.terminal.agrees(decisions.loss_question(planned, seen, session.cluster.server_name()))
    return not question or session.terminal.agrees(question)


def _as_admitted(
    session: Session, trials: Trials, snapshot: SetView, seen: Assessment, goal: Canary | Run, options: RunOptions
) -> Canary | Run | Refused:
    """The goal with the images that admission makes of those asked for, which are what the template comes to hold: so that the
    same words go on with a rollout instead of beginning it anew. Where the server cannot say, as they were typed. Tried is what
    the first step mostly is, so that its answer serves for that as well."""
    wanted = tuple(image for image in goal.images if image not in seen.template)
    if not wanted or snapshot.set is None or options.dry_run is DryRun.CLIENT:
        return goal
    partition = None if seen.strategy == "OnDelete" else seen.replicas
    try:
        answer = trials.made_of(change_for(Stage(images=wanted, partition=partition), snapshot.set, seen))
    except PetsError:
        return goal  # the change itself will say what is wrong
    made = dict(rewritten(wanted, answer_of(answer))) if answer is not None else {}
    for asked, image in made.items():
        session.terminal.tell(f"note: {decisions.admitted(asked, image)}")
    refused = comes_to_nothing(made, wanted, seen.template)
    return refused or replace(goal, images=tuple(made.get(image, image) for image in goal.images))


def _not_held(trials: Trials, snapshot: SetView, planned: Plan, seen: Assessment, options: RunOptions) -> Refused | None:
    """What the first step would be refused for, as the server says now: once it is done, the pods that it lets go are gone."""
    first = next(iter(planned.steps), None)
    if not isinstance(first, SetPartition | Stage | Restore | Mark) or not first.partition:
        return None
    if snapshot.set is None or options.dry_run is DryRun.CLIENT:
        return None
    return trials.not_held(change_for(first, snapshot.set, seen), first.partition)


def _foreseen(checks: Checks | None, planned: Plan, seen: Assessment) -> Refused | None:
    """What the first step that takes a pod down would be refused for, if nothing changes before it; or a later one for what lasts
    until somebody changes it."""
    if checks is None:
        return None
    going = [step for step in planned.steps if takes_down(step, seen) is not None]
    refused = checks.foresee(going[0], seen) if going else None
    return refused or checks.shared(going, seen)


def _observed(session: Session, ref: SetRef) -> SetView:
    """The set, once its controller has seen the newest spec."""
    snapshot = session.cluster.set_view(session.namespace, ref.name, ref.kind)
    if assess(snapshot, session.now()).observed:
        return snapshot
    with session.cluster.watch_set(session.namespace, ref.name, ref.kind) as source:
        await_observed(session.cluster, source)
    return session.cluster.set_view(session.namespace, ref.name, ref.kind)


class _Driver:
    """Has a goal carried out as the options say, with a picture of it on the terminal."""

    def __init__(
        self, session: Session, options: RunOptions, aim: "_Aim", taking: Taking, heard: HeardNodes
    ) -> None:
        self.session, self.options, self.taking = session, options, taking
        self._checks, self._careful, self._snapshot, self._heard = aim.checks, aim.careful, aim.snapshot, heard

    def opened(self, ref: SetRef) -> SetViewSource:
        """The watches of the set, from the look on that it was planned by."""
        return self.session.cluster.watch_set(self.session.namespace, ref.name, ref.kind, since=self._snapshot)

    def drive(
        self,
        source: SetViewSource,
        goal: Goal,
        planned: Assessment,
        deadline: Deadline,
        *,
        may_delete: bool,
        checked: bool = True,
    ) -> Conclusion:
        """``checked``: with the checks, which a retreat does without."""
        with pictured(self.session.terminal, tabular=self.options.tabular, streams=self.options.streams) as onlooker:
            return conduct(
                self.session.cluster,
                onlooker.over(source, self.session.cluster),
                goal,
                observe=onlooker.observe,
                deadline=deadline,
                may_delete=may_delete,
                planned=planned,
                checks=self._checks if checked else None,
                snapshots=self.taking.snapshots if checked else None,
                careful=self._careful and checked,
                stuck_after=self.options.stuck_after,
                written_as=self.session.field_manager,
                heard=self._heard,
            )


def _carry_out(
    driver: _Driver, ref: SetRef, goal: Goal, seen: Assessment, agreed: bool, on_stuck: OnStuck | None
) -> ExitCode:
    try:
        return _carried_out(driver, ref, goal, seen, agreed, on_stuck)
    finally:
        driver.taking.release(ref.typed)


def _carried_out(
    driver: _Driver, ref: SetRef, goal: Goal, seen: Assessment, agreed: bool, on_stuck: OnStuck | None
) -> ExitCode:
    session, options = driver.session, driver.options
    with driver.opened(ref) as source:
        try:
            deadline = Deadline(options.timeout)
            ending = driver.drive(source, goal, seen, deadline, may_delete=agreed)
            if isinstance(ending.ending, Unagreed):  # the plan knew of no deletion; the cluster went another way
                if not _may_delete(session, ending.seen, (ending.ending.pod,)):
                    return ending.exit_code
                ending = ending.and_then(goal, driver.drive(source, goal, ending.seen, deadline, may_delete=True))
        except KeyboardInterrupt:
            return on_interrupt(session, source, ref, seen, goal, options, driver.taking)
        retreats = on_stuck is not None and ending.held_up and ending.seen.under_way
        code = _report(session, ending, options, last=not retreats, taking=driver.taking)
        if code is ExitCode.OK:
            driver.taking.conclude(ending.seen)
        if on_stuck is None or not retreats:
            return code
        settle = goal.settle if isinstance(goal, Run) else timedelta(0)
        way_out: Goal = Abort(settle=settle) if on_stuck is OnStuck.ABORT else Pause()
        session.terminal.tell(decisions.way_out(on_stuck.value))
        retreat = driver.drive(source, way_out, ending.seen, Deadline(options.timeout), may_delete=True, checked=False)
        _report(session, retreat, options, why=ending)
        return code


def on_interrupt(
    session: Session,
    source: SetViewSource,
    ref: SetRef,
    planned: Assessment,
    goal: Goal,
    options: RunOptions,
    taking: Taking,
) -> ExitCode:
    """Ctrl-C: hold what a run would have gone on to release, and say where the cluster stands. While snapshots are waited for no
    pod goes by itself, so there is nothing to hold."""
    terminal = session.terminal
    if isinstance(goal, Run) and taking.waiting is None:
        terminal.tell("interrupted: pausing the rollout where it stands")
        try:
            parting = Deadline(_PARTING)
            conduct(
                session.cluster,
                source,
                Pause(),
                observe=unseen,
                deadline=parting,
                may_delete=False,
                planned=planned,
                written_as=session.field_manager,
            )
        except PetsError as error:
            terminal.tell(f"error: could not pause it: {error.message}")
    try:
        seen = judged(session.cluster, source.refresh(), options.stuck_after)
    except PetsError as error:
        return report(terminal, ExitCode.INTERRUPTED, f"interrupted: {ref.typed} could not be read again: {error.message}")
    hint = taking.hint(seen) or decisions.next_after_interrupt(seen, isinstance(goal, Run))
    told = f"interrupted: {words.headline(seen)}{taking.told(seen)}"
    document = _document(options, seen, ExitCode.INTERRUPTED, told, session.now())
    return report(terminal, ExitCode.INTERRUPTED, told, hint, document=document, about=words.title(seen))


def _rehearse(
    session: Session,
    snapshot: SetView,
    seen: Assessment,
    goal: Goal,
    planned: Plan,
    options: RunOptions,
    taking: Taking,
) -> ExitCode:
    """``--dry-run=server`` has the first change judged, which is all that can be."""
    from kubectl_pets.views.rollout import documents
    from kubectl_pets.views.rollout import plan as plan_view

    first = next((entry.step for entry in planned.entries if isinstance(entry, Act)), None)
    checks = []
    if first is not None and snapshot.set is not None:
        checks.append(partial(session.cluster.apply, change_for(first, snapshot.set, seen), dry_run=True))
    code = ExitCode.STUCK if isinstance(planned.ending, Stuck) else ExitCode.OK
    return rehearse(
        session.terminal,
        options,
        ExitCode.REFUSED if isinstance(planned.ending, Refused) and first is None else code,
        checks=checks,
        accepted="the first change",
        picture=lambda: taking.picture() + plan_view.draw(planned, seen, session.now()),
        document=lambda output: _written(options, {**documents.intent(planned, goal, seen), **taking.document()}),
    )


def _warn(session: Session, snapshot: SetView, aim: "_Aim", goal: Goal, planned: Plan) -> None:
    seen = aim.seen
    if aim.checks is not None and aim.checks.budgets_unread:
        session.terminal.tell(f"warning: {decisions.BUDGETS_UNREAD}")
    for told in decisions.before_acting(planned, seen, goal.pods if isinstance(goal, RestartPods) else ()):
        session.terminal.tell(f"warning: {told}")
    if snapshot.set is not None:
        for found in deployers(snapshot.set, written_by(planned.steps, snapshot.set), session.field_manager):
            from kubectl_pets.views.rollout import deploying

            session.terminal.tell(f"warning: {deploying.deployer(found, seen)}")


def _rights(
    snapshot: SetView, seen: Assessment, planned: Plan, terms: Terms | None, on_stuck: OnStuck | None
) -> list[Right]:
    """What it takes in the set's namespace, from the first change to the last look, and was not used a moment ago."""
    needed: list[Right] = [("patch", seen.kind.resource, seen.name), ("watch", "pods")]
    if snapshot.pods is None:
        needed.append(("list", "pods"))
    pods = [member.name for member in seen.members]
    deletes = pods if on_stuck is OnStuck.ABORT else [step.pod for step in planned.steps if isinstance(step, Delete)]
    if deletes or on_stuck is OnStuck.ABORT:
        needed.append(("delete", "pods", *deletes))
    evicts = [step.pod for step in planned.steps if isinstance(step, Evict)]
    if evicts:
        needed.append(("create", "pods/eviction", *evicts))
    return [*needed, *((*right, *pods) for right in (terms.rights if terms is not None else ()))]


def _may_delete(session: Session, seen: Assessment, pods: Iterable[str]) -> bool:
    return session.terminal.agrees(decisions.deletion_question(seen, tuple(pods), session.cluster.server_name()))


def _report(
    session: Session,
    conclusion: Conclusion,
    options: RunOptions,
    why: Conclusion | None = None,
    *,
    last: bool = True,
    taking: Taking | None = None,
) -> ExitCode:
    """How it ended: in words on stderr, with ``-o json|yaml`` the final state on stdout. ``why``: what it is a retreat from, for
    that is what there is something to be done about; ``last`` False: a retreat follows, and has the last word."""
    seen, ending, code = conclusion.seen, conclusion.ending, conclusion.exit_code
    told = _told(conclusion, taking)
    ended = why.exit_code if why is not None else code
    document = _document(options, seen, ended, told, session.now()) if last else ""
    hint = _hint(conclusion, why, taking)
    if isinstance(ending, TimedOut | Unagreed):
        why_now = why_told(session.cluster, seen)
        return report(session.terminal, code, told, hint, why=why_now, document=document, about=words.title(seen))
    evidence = why_told(session.cluster, seen) if isinstance(ending, Stuck) else ""
    return report(session.terminal, code, told, hint, why=evidence, document=document, about=words.title(seen))


def _told(conclusion: Conclusion, taking: Taking | None) -> str:
    seen, ending = conclusion.seen, conclusion.ending
    if isinstance(ending, TimedOut):
        return f"timed out: {words.headline(seen)}{taking.told(seen) if taking is not None else ''}"
    if isinstance(ending, Unagreed):
        return f"stopped: {words.headline(seen)}"
    if isinstance(ending, Unsnapped):
        return f"{conclusion.exit_code.name.lower()}: {unfit_told(ending, seen, touched=conclusion.changed)}"
    mark = "" if isinstance(ending, Done) else f"{conclusion.exit_code.name.lower()}: "
    return mark + decisions.sentence(ending, seen)


def _document(options: RunOptions, seen: Assessment, code: ExitCode, told: str, now: datetime) -> str:
    """The final state for programs; empty for people, and where the documents of several sets are gathered."""
    if options.tabular:
        return ""
    if not options.streams:
        from kubectl_pets.views.rollout import documents

        return _written(options, documents.status(seen))
    from kubectl_pets.views.rollout import stream

    return _written(options, stream.ended(seen, now, code, told))


def _written(options: RunOptions, document: dict[str, Any]) -> str:
    if options.gathered is not None and not options.streams:
        options.gathered.append(document)
        return ""
    from kubectl_pets.views.rollout import documents

    return documents.dump(document, options.output)


def _waited_for_snapshots(ending: object) -> bool:
    return isinstance(ending, TimedOut) or isinstance(ending, Unsnapped) and ending.in_vain


def _hint(conclusion: Conclusion, why: Conclusion | None, taking: Taking | None) -> str | None:
    """What to type next, and which partition of this run stays behind."""
    from kubectl_pets.views.rollout import advice  # when it has ended: until then it is in nobody's way

    seen, ending = conclusion.seen, conclusion.ending
    if taking is not None and taking.waiting is not None and _waited_for_snapshots(ending):
        return taking.hint(seen)
    paused = isinstance(ending, Done) and ending.reason is DoneReason.PAUSED
    about = why.ending if why is not None and paused else ending
    if isinstance(about, TimedOut | Unagreed):
        hint: str | None = advice.after_time(seen)
    elif isinstance(about, Unsnapped):
        hint = unfit_hint(about, seen)
    else:
        hint = advice.hint(about, seen)
    if not conclusion.left_partition:
        return hint
    return f"{hint}; {advice.left_behind(seen)}" if hint else advice.left_behind(seen)
