"""A set that is to be scaled, from the plan to the last word: look, plan, warn, ask, change the number, and wait.

Nothing is decided here: ``domain.scale.plan`` plans, ``progress`` says how far it is, the views word it. Right before the change
everything is read and planned again, because between question and answer a volume may have got another policy, or a set another
number. Only who else wants the claims, which takes many requests, is not asked again within the same breath.
"""

from contextlib import suppress
from datetime import timedelta
from functools import partial

import msgspec

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.changes import DryRun
from kubectl_pets.domain.model import SetView, StatefulSet
from kubectl_pets.domain.orphans.findings import Evidence
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.rollout.managers import APPLYING_CLIENT
from kubectl_pets.domain.rollout.ownership import DeployedField, Stake, Written, deployers
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.rollout.writers import signed
from kubectl_pets.domain.scale.claim_effects import wanted_by_others
from kubectl_pets.domain.scale.plan import change, plan, target
from kubectl_pets.domain.scale.progress import ScaleProgress, progress, staying_up, stuck_on
from kubectl_pets.domain.scale.types import Scaling, Surroundings, Wish
from kubectl_pets.domain.sets.kinds import SetKind, SetRef, ref_of
from kubectl_pets.errors import ExitCode, ForbiddenError, NotFoundError, UsageError
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.looking import SetLook, Sight, await_observed
from kubectl_pets.flows.engine.loop import Again, Ended, Hold, Move, Outcome, Stalled, TimedOut, Try, until_ended
from kubectl_pets.flows.engine.options import RunOptions
from kubectl_pets.flows.engine.picture import Onlooker, pictured
from kubectl_pets.flows.engine.report import rehearse, report
from kubectl_pets.flows.engine.rights import Right, require
from kubectl_pets.flows.engine.waiting import until
from kubectl_pets.ports.sets import SetViewSource
from kubectl_pets.session import Session
from kubectl_pets.views.rollout import deploying, documents, words
from kubectl_pets.views.scale import documents as scaling_documents
from kubectl_pets.views.scale import plan as view
from kubectl_pets.views.scale import words as scaling_words

#: Seconds for claims and volumes to be gone after their pods.
_GONE_AFTER = 10.0

_EXIT = {
    ScaleProgress.REACHED: ExitCode.OK,
    ScaleProgress.GOING_ON: ExitCode.TIMED_OUT,
    ScaleProgress.STUCK: ExitCode.STUCK,
    ScaleProgress.DELETED: ExitCode.FAILED,
    ScaleProgress.REPLACED: ExitCode.FAILED,
    ScaleProgress.RESCALED: ExitCode.FAILED,
    ScaleProgress.UNREADABLE: ExitCode.FAILED,
}


class _Wanted(msgspec.Struct, frozen=True):
    """Who else wants the set's claims, and whether all that may tell was read."""

    by_claim: dict[str, tuple[Evidence, ...]]
    complete: bool


class _Planned(msgspec.Struct, frozen=True):
    """A plan, and the look that it was made from."""

    owner: StatefulSet
    seen: Assessment
    plan: Scaling
    #: None: it did not matter.
    wanted: _Wanted | None = None


class _Refused(msgspec.Struct, frozen=True):
    """The number was not changed: what was planned right before is refused, or not what was agreed to."""

    found: _Planned


def scale_to(session: Session, ref: SetRef, wish: Wish, options: RunOptions, settle: timedelta) -> ExitCode:
    """Give the set what is wished for and wait until it is there, and has been for ``settle``. Returns the exit code; raises
    PetsError."""
    with session.cluster.watch_set(session.namespace, ref.name, ref.kind) as source:
        await_observed(session.cluster, source)
        found = _look(session, source.refresh(), wish, options.stuck_after)
        if found is None:
            raise NotFoundError(f"{ref.kind.title} {ref.name} was deleted")
        if options.dry_run is not DryRun.NONE:
            return _rehearse(session, found, options)
        if found.plan.refused is not None:
            return _refuse(session, found, options)
        wait = staying_up(found.seen, found.plan.before, found.plan.after, settle, session.now())
        if found.plan.reached and wait is None:
            return _report(session, ScaleProgress.REACHED, found.plan, found.seen, options)
        _warn(session, found)
        require(session.cluster, {found.owner.namespace: _rights(found.seen.kind, found.seen.name, found.plan)})
        if found.plan.stakes:
            server = session.cluster.server_name()
            if options.yes:
                session.terminal.tell(view.agreed(found.plan, found.seen, server))
            elif not session.terminal.agrees(view.question(found.plan, found.seen, server)):
                return ExitCode.REFUSED
            else:
                found = msgspec.structs.replace(found, wanted=None)  # somebody may have taken long to answer
        return _carry_out(session, source, found, wish, options, settle)


def _look(
    session: Session, snapshot: SetView, wish: Wish, stuck_after: StuckAfter, wanted: _Wanted | None = None
) -> _Planned | None:
    """The plan and the assessment from one look; None where the set is gone. ``wanted``: read a moment ago. Raises UsageError for
    an ordinal that the set does not have."""
    if snapshot.set is None:
        return None
    cluster, owner = session.cluster, snapshot.set
    around, now = cluster.surroundings(owner), session.now()
    seen = assess(snapshot, now, stuck_after)
    meant = target(owner, seen.slots, wish)
    if isinstance(meant, int):
        there = clean(seen.slots.names(0, len(seen.slots))) if len(seen.slots) else "none"
        raise UsageError(f"{ref_of(owner).typed} has no ordinal {meant}. Nothing was changed.", hint=f"its pods: {there}")
    replicas, removed = meant
    planned = plan(owner, snapshot, around, replicas, now, stuck_after, removed)
    if planned.moves_claims:
        wanted = wanted or _wanted(session, owner)
        around = msgspec.structs.replace(around, wanted=wanted.by_claim, wanted_complete=wanted.complete)
        around = msgspec.structs.replace(around, nodes=_nodes(session, around, planned))
        planned = plan(owner, snapshot, around, replicas, now, stuck_after, removed)
    return _Planned(owner, seen, planned, wanted)


def _nodes(session: Session, around: Surroundings, planned: Scaling) -> dict[str, dict[str, str]] | None:
    """The labels of all nodes, where a volume that comes back asks for some."""
    volumes = [(around.volumes or {}).get(each.volume) for each in planned.returns or ()]
    if not any(volume is not None and volume.spec.node_affinity for volume in volumes):
        return None
    return {each.name: each.metadata.labels for each in session.cluster.nodes() or ()}


def _wanted(session: Session, owner: StatefulSet) -> _Wanted:
    try:
        inventory = session.cluster.claim_inventory(owner.namespace, every_class=True)
    except ForbiddenError:
        return _Wanted({}, complete=False)
    users = inventory.users.get(owner.namespace)
    complete = users is not None and not users.not_read
    return _Wanted(wanted_by_others(owner, inventory, session.now()), complete=complete)


def _rehearse(session: Session, found: _Planned, options: RunOptions) -> ExitCode:
    planned = found.plan
    going = planned.refused is None and planned.before != planned.after
    changing = change(found.owner, planned.after, planned.removed)
    return rehearse(
        session.terminal,
        options,
        ExitCode.REFUSED if planned.refused is not None else ExitCode.OK,
        checks=[partial(session.cluster.apply, changing, dry_run=True)] if going else [],
        accepted="the change",
        picture=lambda: view.draw(planned, found.seen, session.now()),
        document=partial(scaling_documents.document, planned, found.seen),
    )


def _refuse(session: Session, found: _Planned, options: RunOptions) -> ExitCode:
    refused = found.plan.refused
    if refused is None:
        return report(session.terminal, ExitCode.REFUSED, view.changed_meanwhile(found.plan, found.seen))
    document = "" if options.tabular else documents.one(found.seen, options.output)
    hint = scaling_words.instead(refused, found.seen)
    return report(session.terminal, ExitCode.REFUSED, view.refused(refused, found.plan, found.seen), hint, document=document)


def _warn(session: Session, found: _Planned) -> None:
    told = view.warnings(found.plan, found.seen)
    if found.plan.before != found.plan.after:
        # What kubectl apply noted stands among those who set the replicas.
        others = deployers(found.owner, Written(fields=(DeployedField.REPLICAS,)), session.field_manager)
        noted = [each for each in others if isinstance(each, Stake) and each.deployer == APPLYING_CLIENT]
        told += [deploying.deployer(each, found.seen) for each in others if each not in noted]
    for each in told:
        session.terminal.tell(f"warning: {each}")


def _rights(kind: SetKind, name: str, planned: Scaling) -> list[Right]:
    """The rights that it takes to change the number and to see how it ends."""
    changing: list[Right] = [("patch", kind.resource, name)] if planned.before != planned.after else []
    return [*changing, ("list", "pods"), ("watch", "pods")]


def _report(session: Session, end: ScaleProgress, planned: Scaling, seen: Assessment, options: RunOptions) -> ExitCode:
    """How it ended: in words on stderr, with ``-o json|yaml`` the final state on stdout."""
    document = "" if options.tabular else documents.one(seen, options.output)
    told, hint = view.ended(end, planned, seen), view.hint(end, planned, seen)
    return report(session.terminal, _EXIT[end], told, hint, document=document, about=words.title(seen))


def _carry_out(
    session: Session, source: SetViewSource, agreed: _Planned, wish: Wish, options: RunOptions, settle: timedelta
) -> ExitCode:
    """What was agreed to, carried out and followed to its end."""
    scaling = _Scaling(session, source, agreed, wish, options, settle)
    try:
        with pictured(session.terminal, tabular=options.tabular) as onlooker:
            end = scaling.run(onlooker)
    except KeyboardInterrupt:
        hint = view.after_interrupt(agreed.plan, scaling.seen)
        return report(session.terminal, ExitCode.INTERRUPTED, f"interrupted: {words.headline(scaling.seen)}", hint)
    if isinstance(end, _Refused):
        return _refuse(session, end.found, options)
    if end is ScaleProgress.REACHED and agreed.plan.lost:
        session.terminal.tell(view.gone(agreed.plan, *_remains(session, agreed)))
    return _report(session, end, agreed.plan, scaling.seen, options)


def _remains(session: Session, agreed: _Planned) -> tuple[list[str], list[str]]:
    """Claims and volumes that the scaling takes along and that are there still; controllers and drivers get a moment."""
    cluster, namespace = session.cluster, agreed.owner.namespace
    claims, volumes = [each.claim for each in agreed.plan.lost], [each.volume for each in agreed.plan.destroyed if each.volume]

    def look() -> bool | None:
        claims[:] = [name for name in claims if cluster.claim(namespace, name) is not None]
        volumes[:] = [name for name in volumes if cluster.volume(name) is not None]
        return not claims and not volumes or None

    with suppress(ForbiddenError):  # then nobody knows
        until(look, within=_GONE_AFTER, every=0.2)
    return claims, volumes


class _Scaling:
    """One scaling: at each look the number is changed, once, and then waited for. ``seen``: the last look."""

    def __init__(
        self,
        session: Session,
        source: SetViewSource,
        agreed: _Planned,
        wish: Wish,
        options: RunOptions,
        settle: timedelta,
    ) -> None:
        self._session, self._source, self._agreed, self._options = session, source, agreed.plan, options
        self._wish, self._settle = wish, settle
        self._changed = agreed.plan.before == agreed.plan.after
        #: Good for the first attempt only.
        self._wanted = agreed.wanted
        self.seen = agreed.seen

    def run(self, onlooker: Onlooker) -> ScaleProgress | _Refused:
        cluster, deadline = self._session.cluster, Deadline(self._options.timeout)
        source = onlooker.over(self._source, cluster)
        look = SetLook(cluster, source, deadline, onlooker.observe, self._options.stuck_after)
        end = until_ended(look, self._turn, deadline, last_look=True)
        return ScaleProgress.GOING_ON if isinstance(end, TimedOut) else end

    def _turn(self, sight: Sight) -> Move[ScaleProgress | _Refused]:
        self.seen = sight.seen
        if not self._changed:
            return Try(partial(self._change, sight), late=True)
        end = progress(sight.seen, self._agreed.uid, self._agreed.after)
        match end:
            case ScaleProgress.GOING_ON:
                return Hold()
            case ScaleProgress.STUCK:
                return Stalled(end, stuck_on(sight.seen))
            case ScaleProgress.REACHED:
                wait = staying_up(sight.seen, self._agreed.before, self._agreed.after, self._settle, self._session.now())
                return Hold(wait.until, wait) if wait is not None else Ended(end)
            case _:
                return Ended(end)

    def _change(self, sight: Sight) -> Outcome[ScaleProgress | _Refused]:
        """Change the number, from a fresh look each time."""
        agreed = self._agreed
        found = _look(self._session, sight.view, self._wish, self._options.stuck_after, self._wanted)
        self._wanted = None
        if found is None:
            return Ended(ScaleProgress.DELETED)
        if found.plan.uid != agreed.uid:
            return Ended(ScaleProgress.REPLACED)
        if found.plan.before not in (agreed.before, agreed.after) or found.plan.after != agreed.after:
            return Ended(ScaleProgress.RESCALED)
        if found.plan.before != agreed.after:
            if found.plan.refused is not None:
                return Stalled(_Refused(found), found.plan.refused.blockers)
            if not (found.plan.spares(agreed) if self._options.yes else found.plan.within(agreed)):
                return Ended(_Refused(found))
            wanted = change(found.owner, agreed.after, found.plan.removed)
            self._session.cluster.apply(signed(wanted, found.owner, self._session.field_manager))
        self._changed = True  # also where the answer to our change was lost, or somebody else set the same number
        return Again()
