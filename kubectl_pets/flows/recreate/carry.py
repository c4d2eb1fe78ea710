"""A set that is made again, from what was typed to the last word: what is under way first, then look, have the API server judge
it, ask, make it again, and replace what its pods lack through the ordered restart, with its budgets, quorum and gates.

Nothing is decided here: ``domain.recreate`` does, the views word it.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import msgspec

from kubectl_pets.domain.changes import DryRun
from kubectl_pets.domain.recreate.content import marked
from kubectl_pets.domain.recreate.plan import RecreatePlan, lacking, plan
from kubectl_pets.domain.recreate.running import Perform, RecreateEnd, still_marked
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.sets.away import Recreation
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.domain.stepping.steps import RestartPods
from kubectl_pets.errors import ExitCode, ForbiddenError, NotFoundError, PetsError, UsageError
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.options import RunOptions
from kubectl_pets.flows.engine.report import report
from kubectl_pets.flows.engine.rights import require
from kubectl_pets.flows.recreate.foreseeing import Foreseen, foresee, has_template, rights
from kubectl_pets.flows.recreate.remaking import Remade, Remaking
from kubectl_pets.flows.rollout.carry import carry, restart_refused
from kubectl_pets.flows.rollout.checks import Terms
from kubectl_pets.pasting import pets
from kubectl_pets.session import Session
from kubectl_pets.views.recreate import documents
from kubectl_pets.views.recreate import plan as view
from kubectl_pets.views.recreate import words
from kubectl_pets.views.rollout import words as rollout_words

E = TypeVar("E")

#: So many other runs are brought to their end, one after the other.
_OTHERS = 20

_EXIT = {
    RecreateEnd.REACHED: ExitCode.OK,
    RecreateEnd.ABANDONED: ExitCode.OK,
    RecreateEnd.REFUSED: ExitCode.FAILED,
    RecreateEnd.OVERTAKEN: ExitCode.FAILED,
    RecreateEnd.GONE: ExitCode.FAILED,
    RecreateEnd.UNREADABLE: ExitCode.FAILED,
    RecreateEnd.TIMED_OUT: ExitCode.TIMED_OUT,
}


class RecreateRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What was typed. ``wanted`` makes the immutable fields of it for the spec as it is; None: only go on with what is under way.
    ``template``: the pod template that was typed with them; None: none was."""

    wanted: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None
    template: Any = None
    operator_paused: bool = False
    hand_over: bool = False


def recreate(session: Session, name: str, request: RecreateRequest, options: RunOptions, terms: Terms) -> ExitCode:
    """Returns the exit code; raises PetsError."""
    deadline, paused, make = Deadline(options.timeout), request.operator_paused, request.wanted
    others = Others(
        session=session, name=name, options=options, deadline=deadline, operator_paused=paused, hand_over=request.hand_over
    )
    if options.dry_run is DryRun.NONE:
        code = others.finish()
        if code not in (None, ExitCode.OK) or (code is not None and make is None):
            return code or ExitCode.OK
    if make is None:
        return _only_pods(session, name, options, terms)
    look = partial(foresee, session, name, make, operator_paused=paused)
    if options.dry_run is DryRun.NONE:
        require(session.cluster, {session.namespace: rights(name)}, code=ExitCode.REFUSED)
        looked = others.beside(look, lambda found: bool(found.refused) or not found.wanted)
        if isinstance(looked, ExitCode):
            return looked
        foreseen = looked
    else:
        foreseen = look()
    left_out = request.template is not None and not has_template(session, foreseen, request.template)
    found = plan(
        foreseen.live,
        foreseen.view,
        foreseen.wanted,
        foreseen.refused,
        template_left_out=left_out,
        takers_unread=foreseen.takers_unread,
    )
    goal = RestartPods(pods=found.lacking.pods, evict=not terms.ignore_budgets, anew=True)
    code = restart_refused(session, foreseen.seen, goal, options, terms) if goal.pods and not found.refused else None
    if code is not None:
        return code
    if options.dry_run is not DryRun.NONE or found.refused:
        told = _told(found, foreseen.seen, options)
        session.terminal.print(session.terminal.broken(told) if options.tabular else told)
        return ExitCode.REFUSED if found.refused else ExitCode.OK
    if found.done:
        told = view.draw(found, foreseen.seen)
        return report(session.terminal, ExitCode.OK, told, document=_document(found, foreseen, options))
    if not _agreed(session, found, foreseen.seen, options):
        return ExitCode.REFUSED
    if found.changes:
        code = remake(session, foreseen, deadline, operator_paused=paused, hand_over=request.hand_over)
        if code is not ExitCode.OK:
            return code
    return _pods_brought(session, name, msgspec.structs.replace(options, yes=True), terms)


def remake(
    session: Session, found: Foreseen, deadline: Deadline, *, operator_paused: bool, hand_over: bool = False
) -> ExitCode:
    """Make it again and say how that ended. Raises PetsError for what lasts."""
    name = found.seen.name
    run = Remaking(
        session,
        name,
        found.live.metadata.uid,
        found.wanted,
        deadline,
        hand_over=hand_over,
        operator_paused=operator_paused,
        told=partial(_tell, session),
    )
    return _run(session, name, run)


class Others(msgspec.Struct, frozen=True, kw_only=True):
    """Another run that makes the same set again, or one that was killed while it did."""

    session: Session
    name: str
    options: RunOptions
    deadline: Deadline
    operator_paused: bool
    hand_over: bool

    def finish(self) -> ExitCode | None:
        """Bring what is under way to its end, whoever began it; while the set of before is there it is asked first. None: nothing
        is, or the set of before is still there with nothing done to it that typing the same again would not go on with. Raises
        PetsError."""
        session, name, namespace = self.session, self.name, self.session.namespace
        try:
            saved = session.cluster.recreation(namespace, name)
        except ForbiddenError:
            return None  # whoever may not read it could not go on with it either
        if saved is None:
            return None
        if saved.intended is None:
            return report(session.terminal, ExitCode.FAILED, words.ended(RecreateEnd.UNREADABLE, namespace, name))
        session.terminal.tell(words.goes_on(saved.intended, session.now()))
        require(session.cluster, {namespace: rights(name)})
        intended = saved.intended
        if not _goes_on(session, intended, self.options):
            return ExitCode.REFUSED
        run = Remaking(
            session,
            name,
            intended.uid,
            intended.wanted,
            self.deadline,
            hand_over=self.hand_over,
            operator_paused=self.operator_paused,
            told=partial(_tell, session),
        )
        return _run(session, name, run)

    def beside(self, look: Callable[[], E], doubtful: Callable[[E], bool]) -> E | ExitCode:
        """What ``look`` returns; where it finds no set, or what is ``doubtful``, that may be another run's doing. It is brought
        to its end then, and all looked at anew. An exit code: it came to no good end, which was told. Raises PetsError."""
        quiet = False
        for _ in range(_OTHERS):
            try:
                found = look()
            except NotFoundError:
                if quiet:
                    raise
            else:
                if quiet or not doubtful(found):
                    return found
            code = self.finish()
            if code not in (None, ExitCode.OK):
                return code or ExitCode.OK
            quiet = code is None  # one that came to its end since the look is seen by the next
        return look()


def _goes_on(session: Session, intended: Recreation, options: RunOptions) -> bool:
    """A kept record is what somebody agreed to, not who types now. Where there is no set any more, or the new one, nothing is
    lost by going on, and much by not."""
    cluster, namespace, name = session.cluster, session.namespace, intended.name
    live = cluster.whole_set(namespace, name)
    if live is None or live.metadata.uid != intended.uid:
        return True
    try:
        there = cluster.set_view(namespace, name)
    except NotFoundError:  # whoever is at it as well has deleted it by now
        return True
    seen, found = assess(there, session.now()), plan(live, there, intended.wanted, ())
    session.terminal.tell(view.draw(found, seen))
    return _agreed(session, found, seen, options)


def abandon(session: Session, name: str, options: RunOptions) -> ExitCode:
    """Take back what is under way where the set of before is still there; else bring it to its end, for there has to be a set."""
    cluster, namespace = session.cluster, session.namespace
    saved, live = cluster.recreation(namespace, name), cluster.whole_set(namespace, name)
    if saved is not None and saved.intended is None:
        return report(session.terminal, ExitCode.FAILED, words.ended(RecreateEnd.UNREADABLE, namespace, name))
    intended = saved.intended if saved is not None else None
    if intended is None and (live is None or not (marked(live) or still_marked(cluster.claims(namespace), live))):
        return report(session.terminal, ExitCode.OK, words.nothing_under_way(namespace, name))
    uid = intended.uid if intended is not None else live.metadata.uid if live is not None else ""
    wanted = intended.wanted if intended is not None else {}
    require(cluster, {namespace: rights(name)})
    run = Remaking(session, name, uid, wanted, Deadline(options.timeout), abandon=True, told=partial(_tell, session))
    return _run(session, name, run)


def _run(session: Session, name: str, run: Remaking) -> ExitCode:
    terminal, namespace = session.terminal, session.namespace
    try:
        found = run.to_the_end()
    except PetsError:
        terminal.tell(words.left_off(namespace, name, away=run.away))
        raise
    except KeyboardInterrupt:
        told = words.left_off(namespace, name, away=run.away)
        return report(terminal, ExitCode.INTERRUPTED, told, words.resume_hint(namespace, name, *run.flags))
    goes_on = found.finished.end in (RecreateEnd.TIMED_OUT, RecreateEnd.REFUSED)
    hint = words.resume_hint(namespace, name, *run.flags) if goes_on else None
    return report(terminal, _EXIT[found.finished.end], _ended(session, name, found), hint)


def _ended(session: Session, name: str, found: Remade) -> str:
    namespace, end = session.namespace, found.finished.end
    if end is RecreateEnd.REFUSED:
        return words.stopped_half_way(namespace, name, found.finished.refused)
    if end is not RecreateEnd.REACHED:
        return words.ended(end, namespace, name)
    if found.revision and found.revision_now not in ("", found.revision):
        session.terminal.tell(words.rolls(namespace, name))
    return words.ended(end, namespace, name) + words.gap(found.gap)


def _tell(session: Session, move: Perform) -> None:
    told = words.step(move.step, move.intended.name)
    if told:
        session.terminal.tell(told)


# --- what pods lack ------------------------------------------------------------------------------------------------------------


def _only_pods(session: Session, name: str, options: RunOptions, terms: Terms) -> ExitCode:
    """Nothing was asked for and nothing is under way: a run that was killed may have left pods that lack something."""
    view_of_set = session.cluster.set_view(session.namespace, name)
    if not lacking(view_of_set).pods:
        hint = f"say -f FILE or --set FIELD=VALUE; examples: {pets('recreate', '--help')}"
        raise UsageError(f"nothing of {name} is under way, and nothing was asked for.", hint=hint)
    return _pods_brought(session, name, options, terms)


def _pods_brought(session: Session, name: str, options: RunOptions, terms: Terms) -> ExitCode:
    """Replace the pods that lack something, one at a time, each available again before the next."""
    found = session.cluster.set_view(session.namespace, name)
    if found.set is None:
        raise NotFoundError(f"StatefulSet {name} was deleted")
    pods = lacking(found).pods
    if not pods:
        return ExitCode.OK

    def goal(seen: Assessment, careful: bool) -> RestartPods:
        return RestartPods(pods=pods, evict=not terms.ignore_budgets, anew=True)

    return carry(session, SetRef(name=name), goal, options, terms)


def _agreed(session: Session, found: RecreatePlan, seen: Assessment, options: RunOptions) -> bool:
    terminal, server = session.terminal, session.cluster.server_name()
    for each in found.managers:
        terminal.tell(f"warning: {rollout_words.warning(each)}")
    if options.yes:
        terminal.tell(view.agreed(found, seen, server))
        return True
    return terminal.agrees(view.question(found, seen, server))


def _told(found: RecreatePlan, seen: Assessment, options: RunOptions) -> str:
    return view.draw(found, seen) if options.tabular else documents.document(found, seen, options.output)


def _document(found: RecreatePlan, foreseen: Foreseen, options: RunOptions) -> str:
    return "" if options.tabular else documents.document(found, foreseen.seen, options.output)
