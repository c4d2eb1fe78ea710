"""``rollout undo --with-data``, from the plan to the last word: which revision, what speaks against it, the set's name typed, its
template as an undo puts it back, and then its claims one after the other (``returning``), or all of that pod by pod
(``one_by_one``)."""

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import msgspec

from kubectl_pets.domain.changes import CreateClaim, DryRun
from kubectl_pets.domain.model import StatefulSet
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.history import RevisionEntry, entries
from kubectl_pets.domain.rollout.ownership import DeployedField, Written, deployers
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.scale.replica_owners import ReplicaOwner, replica_owners
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.domain.sets.restoring import RESTORING_ANNOTATION
from kubectl_pets.domain.snapshots.restoring import ReturnPlan, Stand, under_way
from kubectl_pets.domain.stepping.deciding import refusal
from kubectl_pets.domain.stepping.freeing import goes_back_to
from kubectl_pets.domain.stepping.patches import change_for
from kubectl_pets.domain.stepping.steps import Done, Note, Refused, RefusedReason, Undo
from kubectl_pets.errors import ConflictError, ExitCode, ForbiddenError, NotFoundError, PetsError
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.interrupts import held_back
from kubectl_pets.flows.engine.options import RunOptions
from kubectl_pets.flows.engine.patience import Patience
from kubectl_pets.flows.engine.report import rehearse, report, told_once
from kubectl_pets.flows.engine.rights import Right, require
from kubectl_pets.flows.engine.waiting import insist
from kubectl_pets.flows.restoring.one_by_one import OneByOne, TurnOptions
from kubectl_pets.flows.restoring.returning import OVER_QUOTA, BringingBack, DataGoal, ReturnEnd
from kubectl_pets.flows.rollout.carry import carry
from kubectl_pets.flows.rollout.handover import give_back_after_undo
from kubectl_pets.session import Session
from kubectl_pets.views.rollout import advice, decisions, deploying
from kubectl_pets.views.snapshots import returning as view

_HERE = (
    ("get", "persistentvolumeclaims"),
    ("list", "persistentvolumeclaims"),
    ("create", "persistentvolumeclaims"),
    ("delete", "persistentvolumeclaims"),
    ("list", "volumesnapshots.snapshot.storage.k8s.io"),
    ("get", "volumesnapshots.snapshot.storage.k8s.io"),
    ("list", "pods"),
)
_EVERYWHERE = (
    ("list", "persistentvolumes"),
    ("get", "persistentvolumes"),
    ("patch", "persistentvolumes"),
    ("get", "volumesnapshotcontents.snapshot.storage.k8s.io"),
    ("list", "storageclasses.storage.k8s.io"),
)
#: Of what somebody else may deploy: all of the template, under a partition that is known once it begins.
_WRITTEN = Written(fields=(DeployedField.IMAGE, DeployedField.PARTITION))
#: One pod after the other, besides.
_RUNNING = (("patch", "pods"), ("patch", "persistentvolumeclaims"))

_CODES = {
    ReturnEnd.REACHED: ExitCode.OK,
    ReturnEnd.REFUSED: ExitCode.FAILED,
    ReturnEnd.STUCK: ExitCode.STUCK,
    ReturnEnd.INTERRUPTED: ExitCode.INTERRUPTED,
    ReturnEnd.TIMED_OUT: ExitCode.TIMED_OUT,
}


class DataWish(msgspec.Struct, frozen=True, kw_only=True):
    """What was typed besides the options that all verbs share."""

    #: The number of a revision; None: as an undo chooses it.
    to_revision: int | None
    #: The set's name, typed beforehand; None: it is asked for.
    confirm: str | None
    #: The folder for the record; None: the user's own.
    record: Path | None
    #: So many pods the set had; None: as many as it has claims for.
    replicas: int | None
    #: One pod after the other, while the set runs; None: at 0 replicas.
    turn_options: TurnOptions | None = None

    def typed(self, *, revision: bool) -> dict[str, str]:
        """What has to be typed again to mean the same. ``revision``: the number of the revision, too."""
        told = {"--to-revision": self.to_revision if revision else None, "--replicas": self.replicas, "--record": self.record}
        given = {flag: str(value) for flag, value in told.items() if value is not None}
        return {**given, view.ONE_BY_ONE: ""} if self.turn_options is not None else given


def undo_with_data(session: Session, name: str, wish: DataWish, options: RunOptions) -> ExitCode:
    """Returns the exit code; raises PetsError."""
    terminal, deadline = session.terminal, Deadline(options.timeout)
    seen, target = _target(session, name, wish)
    if isinstance(target, Refused):
        return report(terminal, ExitCode.REFUSED, f"refused: {decisions.sentence(target, seen)}", advice.hint(target, seen))
    if isinstance(target, str):
        hint = view.goes_on(seen, wish.typed(revision=False))
        return report(terminal, ExitCode.REFUSED, f"refused: {view.other_under_way(target, seen)}", hint)
    run = _run(session, name, wish, target, deadline, options)
    looked = run.look()
    owner = looked.set
    asks, stands = options.dry_run is not DryRun.CLIENT, not run.plan.refused
    against = run.foreseen(looked, seen, asks=asks) if isinstance(run, OneByOne) and stands else None
    if run.plan.refused or against is not None:
        return _refuse(session, run, seen, options, wish, against)
    if options.dry_run is not DryRun.NONE:
        return _rehearse(session, run, seen, options)
    if run.plan.done and target.name == seen.update_revision and RESTORING_ANNOTATION not in seen.notes:
        return report(terminal, ExitCode.OK, view.already(run.plan, seen), document=_document(run, seen, options))
    require(session.cluster, {session.namespace: (("patch", "statefulsets.apps", name), *_HERE, *_more(wish)), "": _EVERYWHERE})
    _judged_by_server(session, run)
    terminal.tell(view.draw(run.plan, seen, session.now()))
    if owner is not None:
        _warn(session, owner, seen, wish)
    if not _confirmed(session, run, seen, wish):
        return ExitCode.REFUSED
    if wish.turn_options is None and target.name != seen.update_revision:
        code = _template(session, seen, target, options, deadline, run.plan.run)
        if code is not ExitCode.OK:
            return code
    # A revision that was gone back to has a new number by now, and is the newest: no number means it.
    typed = wish.typed(revision=target.name == seen.update_revision)
    code = _carry_out(session, run, seen, options, deadline, typed)
    if code is ExitCode.OK:
        give_back_after_undo(session, name)
    return code


def _run(
    session: Session, name: str, wish: DataWish, target: RevisionEntry, deadline: Deadline, options: RunOptions
) -> BringingBack:
    cluster, space, tell = session.cluster, session.namespace, session.terminal.tell
    goal = DataGoal(
        revision=target.name, number=target.number, replicas=wish.replicas, running=wish.turn_options is not None
    )
    if wish.turn_options is None:
        return BringingBack(cluster, space, name, goal, wish.record, tell, stuck_after=options.stuck_after)
    run = OneByOne(
        cluster, space, name, goal, wish.record, tell, template=target.template, turn_options=wish.turn_options, deadline=deadline
    )
    if run.budgets_unread:
        tell(f"warning: {decisions.BUDGETS_UNREAD}")
    return run


def _more(wish: DataWish) -> tuple[Right, ...]:
    """The rights that it takes besides."""
    if wish.turn_options is None:
        return ()
    terms = wish.turn_options.terms
    goes = ("delete", "pods") if terms.ignore_budgets else ("create", "pods/eviction")
    return (*_RUNNING, goes, *terms.rights)


def _target(session: Session, name: str, wish: DataWish) -> tuple[Assessment, RevisionEntry | Refused | str]:
    """The revision that is meant: that of what is under way, else the one that an undo chooses. A text: another one is under
    way."""
    view_of_set = session.cluster.set_view(session.namespace, name)
    seen = assess(view_of_set, session.now())
    # After the set: a history from before somebody's deploy does not have what is undone, and so tells a revision too old.
    past = entries(session.cluster.history(session.namespace, name))
    by_name = {entry.name: entry for entry in past}
    against = refusal(seen)
    if against is not None and against.reason is not RefusedReason.RESTORING:
        return seen, against
    begun = under_way(view_of_set.set) if view_of_set.set is not None else None
    if begun is not None and begun.revision in by_name:
        found = by_name[begun.revision]
        return seen, found if wish.to_revision in (None, found.number) else found.name
    back = goes_back_to(past, seen, wish.to_revision)
    if isinstance(back, Refused):
        return seen, back
    return seen, by_name[seen.update_revision if isinstance(back, Done) else back]


def _refuse(
    session: Session, run: BringingBack, seen: Assessment, options: RunOptions, wish: DataWish, against: Refused | None
) -> ExitCode:
    """``against``: what keeps the first pod from going; None: the plan is refused."""
    terminal, found = session.terminal, run.plan
    if against is not None:
        told, hint = f"refused: {decisions.sentence(against, seen)}", advice.hint(against, seen)
        return report(terminal, ExitCode.REFUSED, told, hint, document=_document(run, seen, options))
    hint = view.hint(found, seen, wish.typed(revision=True))
    for each in found.refused:
        terminal.tell(f"refused: {view.refusal(each, seen)}")
    return report(terminal, ExitCode.REFUSED, "nothing was changed", hint, document=_document(run, seen, options))


def _rehearse(session: Session, run: BringingBack, seen: Assessment, options: RunOptions) -> ExitCode:
    return rehearse(
        session.terminal,
        options,
        ExitCode.OK,
        checks=[partial(_judged_by_server, session, run)],
        accepted="the new claims",
        picture=lambda: view.draw(run.plan, seen, session.now()),
        document=partial(view.document, run.plan, seen),
    )


def _judged_by_server(session: Session, run: BringingBack) -> None:
    """Have quotas, policies and webhooks judge the claims before the first of the old ones goes: under other names, because their
    own are taken. A quota that is full now has room once a claim is gone."""
    for each in run.plan.claims:
        if each.stand not in (Stand.NEWER, Stand.LEAVING, Stand.GONE):
            continue
        meta = each.made.metadata
        tried = msgspec.structs.replace(meta, name=f"{meta.name[:240].rstrip('-.')}-tried")
        try:
            session.cluster.apply(CreateClaim(claim=msgspec.structs.replace(each.made, metadata=tried)), dry_run=True)
        except ForbiddenError as failure:
            if OVER_QUOTA not in failure.message:
                raise


def _warn(session: Session, owner: StatefulSet, seen: Assessment, wish: DataWish) -> None:
    """Of who deploys what is written here; at 0 replicas the undo of the template does that."""
    if wish.turn_options is not None:
        for found in deployers(owner, _WRITTEN, session.field_manager):
            session.terminal.tell(f"warning: {deploying.deployer(found, seen)}")


def _confirmed(session: Session, run: BringingBack, seen: Assessment, wish: DataWish) -> bool:
    """Whether somebody has typed the set's name, at the terminal or in ``--confirm``."""
    terminal, server = session.terminal, session.cluster.server_name()
    if wish.confirm is not None:
        if wish.confirm == seen.name:
            terminal.tell(view.agreed(run.plan, seen, server))
            return True
        terminal.tell(f"refused: {view.other_confirmed(wish.confirm, seen)}. Nothing was changed.")
        return False
    if not terminal.interactive:
        terminal.tell(f"refused: {view.agreed(run.plan, seen, server)} Nothing was changed.")
        terminal.tell(f"hint: {view.not_confirmed(seen, wish.typed(revision=True))}")
        return False
    return terminal.types(view.question(run.plan, seen, server), seen.name)


def _template(
    session: Session, seen: Assessment, target: RevisionEntry, options: RunOptions, deadline: Deadline, snapshots: str
) -> ExitCode:
    """The template first: a set without pods takes it at once. What an earlier run noted would keep it from that; what somebody
    has noted since who brings the same ``snapshots`` back does not."""
    if RESTORING_ANNOTATION in seen.notes:
        insist(partial(_forget_earlier, session, seen), Patience(deadline, troubled=told_once(session.terminal)))

    def goal(now_seen: Assessment, careful: bool) -> Undo:
        if now_seen.uid != seen.uid or now_seen.update_revision not in (seen.update_revision, target.name):
            raise ConflictError(
                f"StatefulSet {seen.name} is another one, or wants another version, than when its name was typed; its template "
                "and claims were left as they are",
                hint="type the same again: the plan is another one now",
            )
        return Undo(revision=target.name, number=target.number, template=target.template, snapshots=snapshots)

    quietly = msgspec.structs.replace(options, yes=True, gathered=[])  # there is one document, at the end
    return carry(session, SetRef(name=seen.name), goal, quietly)


def _forget_earlier(session: Session, seen: Assessment) -> None:
    """Take the note off that was ``seen``, and no other one. Raises ConflictError where it changed since it was read."""
    there = session.cluster.set_view(session.namespace, seen.name)
    if there.set is None:
        raise NotFoundError(f"StatefulSet {seen.name} was deleted meanwhile")
    if there.set.metadata.annotations.get(RESTORING_ANNOTATION) == seen.notes[RESTORING_ANNOTATION]:
        forget = Note(notes={RESTORING_ANNOTATION: None})
        session.cluster.apply(change_for(forget, there.set, assess(there, session.now())))


def _owners(session: Session, found: ReturnPlan, seen: Assessment) -> tuple[ReplicaOwner, ...]:
    """Who else sets the number of replicas, for the hint alone: it is all done, so what cannot be read is left out."""
    with suppress(PetsError):
        owner = session.cluster.set_view(seen.namespace, seen.name).set
        if owner is not None:
            around = session.cluster.surroundings(owner)
            return replica_owners(owner, found.replicas, around.autoscalers or (), around.scaled_objects or ())
    return ()


def _carry_out(
    session: Session, run: BringingBack, seen: Assessment, options: RunOptions, deadline: Deadline, typed: Mapping[str, str]
) -> ExitCode:
    terminal = session.terminal
    try:
        with held_back() as held:
            ended = run.to_the_end(deadline, held)
    except (PetsError, KeyboardInterrupt):
        terminal.tell(f"stopped: {view.stopped(run.plan, seen)}; {view.goes_on(seen, typed)}")
        raise
    code, document = _CODES[ended], _document(run, seen, options)
    if ended is ReturnEnd.REACHED:
        told, hint = view.reached(run.plan, seen), view.afterwards(run.plan, seen, run.record, _owners(session, run.plan, seen))
        terminal.tell(f"note: {view.consistency(run.plan)}")
        return report(terminal, code, told, hint, document=document)
    if ended is ReturnEnd.STUCK and isinstance(run, OneByOne) and run.ending is not None:
        why, at = run.ending
        terminal.tell(f"stopped: {view.stopped(run.plan, seen)}")
        return report(
            terminal, code, f"stuck: {decisions.sentence(why, at)}", view.goes_on(seen, typed), document=document
        )
    if run.stalled is not None and ended is ReturnEnd.STUCK:
        terminal.tell(f"stopped: {view.stopped(run.plan, seen)}")
        told, hint = view.stalled(run.stalled, session.now()), view.after_stall(run.stalled, seen, typed)
        return report(terminal, code, f"stuck: {told}", hint, document=document)
    if ended is ReturnEnd.REFUSED:
        told, hint = f"failed: {view.refused_half_way(run.plan, seen)}", view.hint(run.plan, seen, typed)
        return report(terminal, code, told, hint, document=document)
    mark = "interrupted" if ended is ReturnEnd.INTERRUPTED else "timed out"
    return report(terminal, code, f"{mark}: {view.stopped(run.plan, seen)}", view.goes_on(seen, typed), document=document)


def _document(run: BringingBack, seen: Assessment, options: RunOptions) -> str:
    return "" if options.tabular else view.document(run.plan, seen, options.output)
