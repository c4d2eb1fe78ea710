"""The claims of a set that get another size, from the plan to the last word: look, plan, have the API server judge each change,
ask, change one claim after the other, each whole before the next, and at last have the template follow, which takes a set that is
made again (``flows.recreate``).

Nothing is decided here: ``plan`` plans, ``running`` says what next, the views word it. Everything is read and planned again
before each change, because meanwhile a quota may have been filled, a rollout begun, or somebody else been at the same work.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from kubectl_pets.domain.changes import DryRun
from kubectl_pets.domain.claims.growth import (
    NODE_PATIENCE,
    REFUSED_PATIENCE,
    Growth,
    GrowthStage,
    growth,
    modification,
    mounted,
    retried,
)
from kubectl_pets.domain.model import PersistentVolumeClaim
from kubectl_pets.domain.recreate.asking import sized
from kubectl_pets.domain.recreate.running import PASSING
from kubectl_pets.domain.resize.plan import change, plan
from kubectl_pets.domain.resize.running import ClaimStanding, Do, Over, ResizeEnd, next_move, standing
from kubectl_pets.domain.resize.types import (
    ClaimPlan,
    ResizePlan,
    ResizeRefusedReason,
    ResizeRequest,
    ResizeSkip,
    ServerObjection,
    Skipped,
)
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.domain.stepping.steps import RestartPods
from kubectl_pets.errors import ConflictError, ExitCode, ForbiddenError, InvalidError, NotFoundError, PetsError
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.interrupts import whole
from kubectl_pets.flows.engine.options import RunOptions
from kubectl_pets.flows.engine.report import report, told_once
from kubectl_pets.flows.engine.rights import Right, require
from kubectl_pets.flows.engine.waiting import Unended, until
from kubectl_pets.flows.recreate.carry import Others, remake
from kubectl_pets.flows.recreate.foreseeing import Foreseen, foresee, rights
from kubectl_pets.flows.rollout.carry import carry
from kubectl_pets.flows.rollout.checks import Terms
from kubectl_pets.session import Session
from kubectl_pets.views.recreate import words as recreate_words
from kubectl_pets.views.resize import documents
from kubectl_pets.views.resize import plan as view
from kubectl_pets.views.resize.next import refused_hint
from kubectl_pets.views.rollout import words as rollout_words

#: Seconds between two looks at a claim that is being expanded.
_EVERY = 1.0

#: For so many seconds what speaks against a new template for a moment is waited for.
_SETTLING = 30.0

#: Events of a claim that nothing else is told of are looked at this often.
_ASKED_EVERY = timedelta(seconds=3)

#: So many looks, until the API server could judge every change of one of them.
_LOOKS = 5

_EXIT = {
    ResizeEnd.REACHED: ExitCode.OK,
    ResizeEnd.STUCK: ExitCode.STUCK,
    ResizeEnd.REFUSED: ExitCode.FAILED,
    ResizeEnd.REPLACED: ExitCode.FAILED,
    ResizeEnd.TIMED_OUT: ExitCode.TIMED_OUT,
}


class _Planned(msgspec.Struct, frozen=True):
    """A plan, and the look that it was made from."""

    seen: Assessment
    plan: ResizePlan


def resize(session: Session, name: str, request: ResizeRequest, options: RunOptions, terms: Terms) -> ExitCode:
    """Give the claims of the set another size and wait until they have it, and then its template; with ``dry_run`` only say what
    it takes. ``terms``: on which pods are started again. Returns the exit code; raises PetsError."""
    terminal, deadline = session.terminal, Deadline(options.timeout)
    how = {"operator_paused": request.operator_paused, "hand_over": request.hand_over}
    others = Others(session=session, name=name, options=options, deadline=deadline, **how)
    look = partial(_foreseen, session, name, request)
    if options.dry_run is DryRun.NONE:
        code = others.finish()
        if code not in (None, ExitCode.OK):
            return code or ExitCode.OK
        looked = others.beside(look, lambda found: not found.plan.stands)
        if isinstance(looked, ExitCode):
            return looked
        found = looked
    else:
        found = look()
    if options.dry_run is not DryRun.NONE or not found.plan.stands:
        return _only_told(session, found, options)
    needed = [_patch(found), *(rights(name) if found.plan.template_follows else ())]
    require(session.cluster, {found.seen.namespace: needed}, code=ExitCode.REFUSED)
    if not _agreed(session, found, options):
        return ExitCode.REFUSED
    run = _Growing(session, name, found, others, deadline)
    over = _attended(run, options, terms)
    if isinstance(over, Over) and over.end is ResizeEnd.REACHED and run.found.plan.template_follows:
        code = _template(session, name, run, others, deadline)
        if code is not ExitCode.OK:
            terminal.tell(view.template_left(run.found.plan, run.found.seen))
            return code
        if run.has_rest():
            over = _attended(run, options, terms)
    if isinstance(over, ExitCode):
        return over
    document = "" if options.tabular else _told(session, run.found, options)
    told = view.ended(over, run.found.plan, run.found.seen, session.now())
    return report(terminal, _EXIT[over.end], told, view.hint(over, run.found.plan, run.found.seen), document=document)


def _only_told(session: Session, found: _Planned, options: RunOptions) -> ExitCode:
    """The plan, and where it does not stand what to type next."""
    session.terminal.print(_told(session, found, options))
    if found.plan.stands:
        return ExitCode.OK
    hint = refused_hint(found.plan, found.seen)
    if hint:
        session.terminal.tell(f"hint: {hint}")
    return ExitCode.REFUSED


def _agreed(session: Session, found: _Planned, options: RunOptions) -> bool:
    terminal = session.terminal
    if found.plan.complete:
        return True
    for each in found.plan.managers:
        terminal.tell(f"warning: {rollout_words.warning(each)}")
    server = session.cluster.server_name()
    if options.yes:
        terminal.tell(view.agreed(found.plan, found.seen, server))
        return True
    return terminal.agrees(view.question(found.plan, found.seen, server))


def _attended(run: "_Growing", options: RunOptions, terms: Terms) -> Over | ExitCode:
    """As ``_grown``, with a word on what is left where it is broken off."""
    terminal = run.session.terminal
    try:
        return _grown(run, options, terms)
    except PetsError:
        terminal.tell(view.left_off(run.found.plan, run.found.seen))
        raise
    except KeyboardInterrupt:
        return report(terminal, ExitCode.INTERRUPTED, view.interrupted(run.found.plan, run.found.seen))


def _grown(run: "_Growing", options: RunOptions, terms: Terms) -> Over | ExitCode:
    """Grow the claims to the end, starting pods again where a node waits for that and it was agreed to. An exit code: another run
    came to no good end, which was told."""
    started: set[str] = set()
    over = run.to_the_end()
    for _ in run.found.plan.claims:
        stuck = over.claim if isinstance(over, Over) else None
        if not run.found.plan.request.restart or stuck is None or not _helped_by_restart(stuck) or stuck.pod in started:
            break
        started.add(stuck.pod)
        if _started_again(run, stuck.pod, replace(options, yes=True, output="table"), terms) is not ExitCode.OK:
            break
        over = run.to_the_end()
    return over


def _started_again(run: "_Growing", pod: str, options: RunOptions, terms: Terms) -> ExitCode:
    goal = RestartPods(pods=(pod,), evict=not terms.ignore_budgets, anew=True)
    return carry(run.session, SetRef(name=run.name), lambda seen, careful: goal, options, terms)


def _helped_by_restart(claim: ClaimPlan) -> bool:
    """A driver that expands nothing in use wants the pod to be gone, not to come back."""
    return claim.growth.stage is GrowthStage.NEEDS_RESTART and not claim.growth.offline


def _template(session: Session, name: str, run: "_Growing", others: Others, deadline: Deadline) -> ExitCode:
    """Make the set again with the new template."""
    request = run.found.plan.request

    def doubtful(found: Foreseen) -> bool:
        return not found.wanted or any(each.reason not in PASSING for each in found.refused)

    def look() -> Foreseen | ExitCode | None:
        found = others.beside(partial(_template_foreseen, session, run.found), doubtful)
        if isinstance(found, ExitCode) or deadline.passed:
            return found
        return None if any(each.reason in PASSING for each in found.refused) else found

    found: Foreseen | ExitCode | Unended
    found = until(look, within=_SETTLING, deadline=deadline, troubled=told_once(session.terminal))
    if isinstance(found, Unended):
        found = _template_foreseen(session, run.found)
    if isinstance(found, ExitCode):
        return found
    if found.refused:
        told = recreate_words.stopped(session.namespace, name, found.refused)
        return report(session.terminal, ExitCode.FAILED, told)
    if not found.wanted:
        return ExitCode.OK
    if found.takers_unread:
        session.terminal.tell(recreate_words.takers_unread(found.takers_unread))
    return remake(session, found, deadline, operator_paused=request.operator_paused, hand_over=request.hand_over)


def _template_foreseen(session: Session, found: _Planned) -> Foreseen:
    request, name = found.plan.request, found.seen.name

    def wanted(spec: Mapping[str, Any]) -> Mapping[str, Any]:
        return sized(spec, found.plan.template, request.size, request.attributes_class)

    return foresee(session, name, wanted, operator_paused=request.operator_paused)


def _told(session: Session, found: _Planned, options: RunOptions) -> str:
    if options.tabular:
        return session.terminal.broken(view.draw(found.plan, found.seen, session.now()))
    return documents.document(found.plan, found.seen, options.output)


def _look(session: Session, name: str, request: ResizeRequest) -> _Planned:
    """Raises NotFoundError where there is no such set."""
    cluster, now = session.cluster, session.now()
    seen = cluster.set_view(session.namespace, name)
    if seen.set is None:
        raise NotFoundError(f"StatefulSet {name} was deleted")
    around = cluster.resize_surroundings(seen.set, request.attributes_class)
    return _Planned(assess(seen, now), plan(seen.set, seen, around, request, now))


def _foreseen(session: Session, name: str, request: ResizeRequest) -> _Planned:
    """What it takes, with the API server's word on each change: admission, quotas and webhooks speak before anything happens. A
    claim that changes between the look and its dry run is no objection: then all is looked at again."""
    for _ in range(_LOOKS):
        found = _with_template(session, _look(session, name, request))
        if found.plan.refused or not found.plan.to_change:
            return found
        if session.cluster.missing_rights(found.seen.namespace, [_patch(found)]):
            return _skipping(found, Skipped.REHEARSAL)
        try:
            objections = tuple(_objections(session, found))
        except (ConflictError, NotFoundError):
            continue
        return msgspec.structs.replace(found, plan=msgspec.structs.replace(found.plan, objections=objections))
    return _skipping(found, Skipped.UNSTEADY)


def _with_template(session: Session, found: _Planned) -> _Planned:
    """With what speaks against making the set again, where its template is to follow."""
    if found.plan.refused or not found.plan.template_follows:
        return found
    if session.cluster.missing_rights(found.seen.namespace, rights(found.seen.name)):
        return _skipping(found, Skipped.TEMPLATE)
    refused = _template_foreseen(session, found).refused
    return msgspec.structs.replace(found, plan=msgspec.structs.replace(found.plan, template_refused=refused))


def _patch(found: _Planned) -> Right:
    """The right to have the claims grow that have to."""
    return ("patch", "persistentvolumeclaims", *(each.claim for each in found.plan.to_change))


def _skipping(found: _Planned, what: Skipped) -> _Planned:
    skipped = (*found.plan.skipped, ResizeSkip(what))
    return msgspec.structs.replace(found, plan=msgspec.structs.replace(found.plan, skipped=skipped))


def _objections(session: Session, found: _Planned) -> Iterator[ServerObjection]:
    """Raises ConflictError or NotFoundError where a claim has changed since the look."""
    for each in found.plan.to_change:
        try:
            session.cluster.apply(change(each, found.seen.namespace, found.plan.request), dry_run=True)
        except (ForbiddenError, InvalidError) as error:
            yield ServerObjection(each.claim, error.message)


class _Growing:
    """One run. ``found``: its last look."""

    def __init__(self, session: Session, name: str, agreed: _Planned, others: Others, deadline: Deadline) -> None:
        self.session, self.name, self._agreed = session, name, agreed.plan
        self._others, self._deadline = others, deadline
        self._troubled = told_once(session.terminal)
        #: Claims of which that was told, and when events of others are looked at again.
        self._failing: set[str] = set()
        self._asked_at: dict[str, datetime] = {}
        self.found = agreed

    def to_the_end(self) -> Over | ExitCode:
        """Reading, deciding and changing are one look for the engine: what fails and passes is waited out, and then all is done
        anew, for a change may have been carried out or not. An exit code: another run came to no good end, which was told."""
        over: Over | ExitCode | Unended
        over = until(self._step, deadline=self._deadline, every=0.0, troubled=self._troubled)
        return Over(ResizeEnd.TIMED_OUT) if isinstance(over, Unended) else over

    def has_rest(self) -> bool:
        """Look at the set that was made again: a pod that came between the last claim and the new template, as an autoscaler
        brings them, has a claim of the size of before, and none that comes later has. Where the template is not what was asked
        for, the set is somebody else's by now."""
        self.found = _look(self.session, self.name, self._agreed.request)
        if self.found.plan.to_change and not self.found.plan.template_follows:
            self._agreed = self.found.plan
        return self.found.plan.template_follows or not self.found.plan.done

    def _step(self) -> Over | ExitCode | None:
        found: _Planned | ExitCode | Unended
        found = until(self._settled, within=_SETTLING, deadline=self._deadline, every=_EVERY, troubled=self._troubled)
        if isinstance(found, ExitCode):
            return found
        move = next_move(self.found.plan, self._agreed.uid, self.session.now(), REFUSED_PATIENCE)
        if isinstance(move, Over):
            return move
        if not self._deadline.passed:
            self._do(move)
        return None

    def _settled(self) -> _Planned | ExitCode | None:
        """None: the controller has yet to see what another run, or a deployer, has just written."""
        look = partial(_look, self.session, self.name, self._agreed.request)
        found = self._others.beside(look, lambda found: bool(found.plan.refused) or found.plan.uid != self._agreed.uid)
        if isinstance(found, ExitCode):
            return found
        self.found = found
        unseen = any(each.reason is ResizeRefusedReason.NOT_OBSERVED for each in found.plan.refused)
        return None if unseen else found

    def _do(self, move: Do) -> None:
        if move.standing is ClaimStanding.AWAIT:
            self._await(move.claim)
            return
        try:
            whole(partial(self._change, move.claim))
        except (ConflictError, NotFoundError):
            return  # somebody was faster: it is read and decided anew
        self.session.terminal.tell(view.asked(move.claim, self._agreed))

    def _change(self, each: ClaimPlan) -> None:
        self.session.cluster.apply(change(each, self.found.seen.namespace, self._agreed.request))

    def _await(self, each: ClaimPlan) -> None:
        """Until there is something else to do about this claim, or time is over. It alone is looked at, and who uses it."""
        cluster, namespace, request = self.session.cluster, self.found.seen.namespace, self._agreed.request

        def look() -> bool | None:
            claim = cluster.claim(namespace, each.claim)
            if claim is None or claim.metadata.uid != each.uid:
                return True
            try:
                there = cluster.set_view(namespace, self.name)
            except NotFoundError:
                return True  # another run may be making it again, or it was deleted: that is looked into before the next change
            now = self.session.now()
            in_use = each.claim in mounted(there)
            grown = growth(claim, request.bytes, in_use=in_use, now=now, patience=NODE_PATIENCE)
            self._tell_of_failures(each, claim, grown, now)
            modified = modification(claim, request.attributes_class) if request.attributes_class else None
            stands = standing(grown, modified, changes=False, now=now, patience=REFUSED_PATIENCE)
            return True if stands is not ClaimStanding.AWAIT else None

        until(look, deadline=self._deadline, every=_EVERY, troubled=self._troubled)

    def _tell_of_failures(self, each: ClaimPlan, claim: PersistentVolumeClaim, grown: Growth, now: datetime) -> None:
        """Once of each claim: that its driver fails and is asked again. Events are not looked at each time, nor at once, for most
        are through by then; where they cannot be read nothing is told."""
        if each.claim in self._failing:
            return
        if grown.stage is GrowthStage.WORKING and now >= self._asked_at.setdefault(each.claim, now + _ASKED_EVERY):
            self._asked_at[each.claim] = now + _ASKED_EVERY
            with suppress(PetsError):
                grown = retried(grown, claim, self.session.cluster.claim_events(claim.namespace, claim.name))
        if grown.stage is GrowthStage.RETRYING:
            self._failing.add(each.claim)
            self.session.terminal.tell(view.failing(each, grown, now))
