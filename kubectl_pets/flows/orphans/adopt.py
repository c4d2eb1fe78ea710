"""Binds retained volumes to the claims that a set will ask for: plan, ask, make, reserve, and say so when each is bound."""

from functools import partial

import msgspec

from kubectl_pets import pasting
from kubectl_pets.domain.changes import CreateClaim, DryRun, ReserveVolume
from kubectl_pets.domain.model import PersistentVolumeClaim
from kubectl_pets.domain.orphans.adopting import Adoption, AdoptPlan, is_torn, plan_adoption, template_of
from kubectl_pets.domain.orphans.restoring import AwaitBound
from kubectl_pets.domain.orphans.retention import give_back, is_bound_to, is_withheld
from kubectl_pets.domain.orphans.storage import StorageUse
from kubectl_pets.errors import ConflictError, ExitCode, ForbiddenError, PetsError, UsageError
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.interrupts import whole
from kubectl_pets.flows.engine.options import RunOptions
from kubectl_pets.flows.engine.patience import Patience
from kubectl_pets.flows.engine.report import rehearse, told_once
from kubectl_pets.flows.engine.rights import Right, require
from kubectl_pets.flows.engine.waiting import Unended, insist, until
from kubectl_pets.flows.orphans.account import Account
from kubectl_pets.flows.orphans.storage import storage_use
from kubectl_pets.flows.orphans.stranding import take_back
from kubectl_pets.session import Session
from kubectl_pets.views.orphans import adopt as view
from kubectl_pets.views.orphans import documents, outcomes
from kubectl_pets.views.orphans.outcomes import Came, RunKind

_BINDING_SECONDS = 60.0

#: Who has not read two lists of one moment by then goes by what there is.
_LOOKS = 5


class AdoptRun(RunOptions, frozen=True, kw_only=True):
    """What is adopted, as said on the command line."""

    volumes: tuple[str, ...]
    set: str
    #: Empty: the set's only claim template.
    template: str = ""


def adopt(session: Session, run: AdoptRun) -> ExitCode:
    """Bind the volumes, or none of them. Raises PetsError."""
    account = Account(session.terminal, run.output, RunKind.ADOPT)
    return account.of(partial(_adopt, session, run))


def _adopt(session: Session, run: AdoptRun, account: Account) -> ExitCode:
    terminal, cluster = session.terminal, session.cluster
    planned = _plan(session, run)
    account.plans(documents.adoption_plan(planned), [outcomes.adoption(one, Came.UNTOUCHED) for one in planned.adoptions])
    if run.dry_run is not DryRun.NONE:
        return _rehearse(session, planned, run, account)
    if planned.refused:
        for refused in planned.refused:
            terminal.tell(f"refused: {view.refused(refused)}")
        terminal.tell("nothing was changed")
        return ExitCode.REFUSED
    if not planned.adoptions:
        terminal.tell(f"nothing to do: {view.already(planned)}")
        return ExitCode.OK
    claims, volumes = [one.claim.name for one in planned.adoptions], [one.volume.name for one in planned.adoptions]
    of_claims: list[Right] = [("get", "persistentvolumeclaims", *claims), ("create", "persistentvolumeclaims")]
    of_volumes: list[Right] = [(verb, "persistentvolumes", *volumes) for verb in ("get", "patch")]
    require(cluster, {session.namespace: of_claims, "": of_volumes})
    about = view.agreed(planned, session.namespace, cluster.server_name())
    if run.yes:
        terminal.tell(about)
    elif not terminal.agrees(f"{about} Go on?"):
        return ExitCode.REFUSED
    for place, one in enumerate(planned.adoptions):
        account.notes(place, outcomes.adoption(one, Came.BEGUN))
        ours = _carry_out(session, run, one)
        account.notes(place, outcomes.adoption(one, Came.DONE))
        became = f"{one.claim.namespace}/{one.claim.name}"
        account.say(f"adopted {one.volume.name} as {became}" if ours else f"{one.volume.name} is {became} by now")
    return ExitCode.OK


def _plan(session: Session, run: AdoptRun) -> AdoptPlan:
    maker = session.cluster.claim_maker(session.namespace, run.set)
    use, claims = _read(session, run)
    template = template_of(maker, run.template)
    if template is None:
        found = ", ".join(each.name for each in maker.spec.volume_claim_templates) or "none"
        raise UsageError(f"which claim template of {run.set} is meant? There is: {found}.", hint="name one with --template.")
    if use.volumes is None:
        hint = pasting.kubectl("auth", "can-i", "list", "persistentvolumes")
        raise ForbiddenError("volumes may not be listed, so nothing can be said of them. Nothing was changed.", hint=hint)
    return plan_adoption(run.volumes, use.volumes, maker, template, claims, use)


def _read(session: Session, run: AdoptRun) -> tuple[StorageUse, tuple[PersistentVolumeClaim, ...]]:
    """Volumes, and then the claims, of one moment: where somebody adopts the same meanwhile, these are read again."""
    for _ in range(_LOOKS):
        use, claims = storage_use(session.cluster), tuple(session.cluster.claims(session.namespace))
        if use.volumes is None or not is_torn(run.volumes, use.volumes, claims):
            break
    return use, claims


def _rehearse(session: Session, planned: AdoptPlan, run: AdoptRun, account: Account) -> ExitCode:
    made = [step for one in planned.adoptions for step in one.steps if isinstance(step, CreateClaim)]
    return rehearse(
        session.terminal,
        run,
        ExitCode.REFUSED if planned.refused else ExitCode.OK,
        checks=[partial(_ask, session, step) for step in made],
        accepted="the claims",
        picture=partial(view.draw, planned),
        document=account.instead(partial(documents.adoption, planned)),
    )


def _ask(session: Session, step: CreateClaim) -> None:
    session.cluster.apply(step, dry_run=True)


def _carry_out(session: Session, run: AdoptRun, planned: Adoption) -> bool:
    """Bind one volume. It is planned anew right before its turn, and has to come out the same, else ConflictError. False:
    somebody else has done just that meanwhile."""
    name = planned.volume.name
    fresh = _plan(session, msgspec.structs.replace(run, volumes=(name,)))
    if fresh.already == ((name, planned.claim.name),):
        return False
    found = next(iter(fresh.adoptions), None)
    if found is None or found.claim != planned.claim or found.volume.metadata.uid != planned.volume.metadata.uid:
        changed = view.already(fresh) or f"{name}: it or its claim changed since the plan was made"
        told = view.refused(fresh.refused[0]) if fresh.refused else changed
        raise ConflictError(f"{told}; type the same again for what is left")
    made: CreateClaim | None = None
    try:
        for step in found.steps:
            if isinstance(step, CreateClaim):
                made = step
            if isinstance(step, AwaitBound):
                _await_bound(session, step)
            else:
                whole(partial(_apply, session, step))
        insist(partial(_give_back, session, name), Patience(Deadline(None), troubled=told_once(session.terminal)))
    except PetsError:
        held = found.volume.spec.claim_ref
        if made is not None:
            take_back(session.cluster, made, found.volume.metadata.uid, held.uid if held is not None else "")
        raise
    return True


def _apply(session: Session, step: CreateClaim | ReserveVolume) -> None:
    session.cluster.apply(step)


def _give_back(session: Session, name: str) -> None:
    """To its provisioner, from which a deletion withheld it: it is somebody's again."""
    volume = session.cluster.volume(name)
    if volume is not None and is_withheld(volume):
        session.cluster.apply(give_back(volume))


def _await_bound(session: Session, step: AwaitBound) -> None:
    """The claim is read last: one that was made anew behind our back is another than the one that the volume is bound to, which
    the volume names by its uid, so that it binds to no other (core/v1 PersistentVolumeSpec.claimRef)."""
    cluster = session.cluster

    def look() -> bool | None:
        volume, claim = cluster.volume(step.volume), cluster.claim(step.namespace, step.name)
        held = volume.spec.claim_ref if volume is not None else None
        if claim is None or volume is None or (held is not None and held.uid not in ("", claim.metadata.uid)):
            raise PetsError(f"claim {step.namespace}/{step.name} or volume {step.volume} was deleted meanwhile")
        return is_bound_to(volume, claim) or None

    if until(look, within=_BINDING_SECONDS, every=0.1, troubled=told_once(session.terminal)) is Unended.LATE:
        see = pasting.kubectl("describe", "pvc", step.name, namespace=step.namespace)
        raise PetsError(
            f"claim {step.name} in namespace {step.namespace} was not bound to {step.volume} in time",
            hint=f"{see}; then type the same again, it goes on from there.",
        )
