"""Fields of a set's spec, given back to whoever deploys it: look, refuse or show, ask, drop our ownership, say so."""

from functools import partial

import msgspec

from kubectl_pets.domain.changes import DryRun
from kubectl_pets.domain.orphans.usage import last_scaled
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.history import entries
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.stepping.deciding import refusal
from kubectl_pets.domain.stepping.handover import Handover, handover, own_value_of
from kubectl_pets.errors import ConflictError, ExitCode, PetsError, ServerError
from kubectl_pets.flows.engine.options import RunOptions
from kubectl_pets.flows.engine.report import rehearse, report
from kubectl_pets.flows.engine.rights import require
from kubectl_pets.session import Session
from kubectl_pets.views.rollout import advice, decisions
from kubectl_pets.views.rollout import handover as view


def hand_over(session: Session, name: str, options: RunOptions) -> ExitCode:
    """Show what is ours and, if that is agreed to, drop it. Returns the exit code; raises PetsError, ConflictError where the set
    was changed in the meantime."""
    seen, found = _look(session, name)
    refused = refusal(seen)
    if refused is not None:
        hint = advice.hint(refused, seen)
        return report(session.terminal, ExitCode.REFUSED, f"refused: {decisions.sentence(refused, seen)}", hint)
    document = "" if options.tabular else view.document(found, seen, options.output)
    if found.kept is not None:
        return report(session.terminal, ExitCode.REFUSED, f"refused: {view.kept(seen)}", view.way_out(seen), document=document)
    if found.change is None:
        return report(session.terminal, ExitCode.OK, view.done(found, seen), document=document)
    if options.dry_run is not DryRun.NONE:
        code = rehearse(
            session.terminal,
            options,
            ExitCode.OK,
            checks=[partial(session.cluster.apply, found.change, dry_run=True)],
            accepted="the change",
            picture=partial(view.draw, found, seen),
            document=partial(view.document, found, seen),
        )
        session.terminal.tell(view.first())
        return code
    session.terminal.tell(view.draw(found, seen))
    session.terminal.tell(view.first())
    require(session.cluster, {seen.namespace: [("patch", "statefulsets.apps", name)]})
    if not (options.yes or session.terminal.agrees(view.question(found, seen))):
        return ExitCode.REFUSED
    try:
        session.cluster.apply(found.change)
    except ConflictError:
        if _left(session, seen).fields:
            raise
    if _left(session, seen).fields:  # admission or somebody else has written under our name
        whose = view.names(found)
        raise ConflictError(f"{name} is still owned by {whose} in part, it changed meanwhile", hint="type the same again")
    return report(session.terminal, ExitCode.OK, view.done(found, seen), document=document)


def _left(session: Session, planned: Assessment) -> Handover:
    """What is ours still. Raises ConflictError where another set has the name by now: what was shown is no part of it."""
    seen, left = _look(session, planned.name)
    if seen.uid != planned.uid:
        raise ConflictError(f"{planned.name}: {view.replaced()}", hint=view.see(planned))
    return left


def give_back_after_undo(session: Session, name: str) -> None:
    """Drop our ownership without asking where an undo has brought back the deployer's own template, so that its next deploy
    passes. The undo is done: whatever speaks against this leaves the fields ours, and is no failure."""
    try:
        seen, found = _look(session, name)
        if found.change is None or refusal(seen) is not None or seen.partition_stated_by:
            return
        history = entries(session.cluster.history(session.namespace, name))
        owner = session.cluster.fields_owner(session.namespace, name)
        deployer = own_value_of(owner, found, history)
        if deployer:
            session.cluster.apply(found.change)
            session.terminal.tell(view.given_back(found, deployer))
    except (PetsError, msgspec.ValidationError):
        return


def _look(session: Session, name: str) -> tuple[Assessment, Handover]:
    """Where the set stands and what is ours. What the change tests is read first: who scales between the two reads makes it fail,
    instead of leaving a time of scaling behind that is older than the scaling."""
    owner = session.cluster.fields_owner(session.namespace, name)
    view_of_set = session.cluster.set_view(session.namespace, name)
    now = session.now()
    seen = assess(view_of_set, now)
    if owner.metadata.uid != seen.uid:
        # Said of the look after the change as well: so nothing of what was changed or not.
        raise ConflictError(f"{name} was deleted and made anew while it was read", hint="type the same again")
    scaled = last_scaled(view_of_set.set) if view_of_set.set is not None else None
    try:
        # ``now`` where nothing tells: then nobody takes a claim for unused too early.
        return seen, handover(owner, scaled or now, session.written_as)
    except msgspec.ValidationError as error:
        raise ServerError(f"the managedFields of {name} are none of the API's: {error}") from None
