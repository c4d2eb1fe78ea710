"""The claims of a set that are to get another size: look, plan, and have the API server judge each change without keeping it."""

from collections.abc import Iterator

import msgspec

from kubectl_pets.domain.resize.plan import change, plan
from kubectl_pets.domain.resize.types import ResizePlan, ResizeRequest, ServerObjection, Skip, Skipped
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.errors import ConflictError, ExitCode, ForbiddenError, InvalidError, NotFoundError
from kubectl_pets.flows.engine.options import RunOptions
from kubectl_pets.session import Session
from kubectl_pets.views.resize import documents
from kubectl_pets.views.resize import plan as view

_PATCH = ("patch", "persistentvolumeclaims")


class _Planned(msgspec.Struct, frozen=True):
    """A plan, and the look that it was made from."""

    seen: Assessment
    plan: ResizePlan


def show(session: Session, name: str, request: ResizeRequest, options: RunOptions) -> ExitCode:
    """Print what the resize takes and what speaks against it, and change nothing. Returns the exit code; raises PetsError."""
    found = _rehearsed(session, _look(session, name, request))
    told = documents.document(found.plan, found.seen, options.output) if not options.tabular else (
        view.draw(found.plan, found.seen, session.now())
    )
    session.terminal.print(told)
    return ExitCode.OK if found.plan.stands else ExitCode.REFUSED


def _look(session: Session, name: str, request: ResizeRequest) -> _Planned:
    """Raises NotFoundError where there is no such set."""
    cluster, now = session.cluster, session.now()
    view = cluster.set_view(session.namespace, name)
    if view.set is None:
        raise NotFoundError(f"StatefulSet {name} was deleted")
    around = cluster.resize_surroundings(view.set, request.attributes_class)
    return _Planned(assess(view, now), plan(view.set, view, around, request, now))


def _rehearsed(session: Session, found: _Planned) -> _Planned:
    """With the API server's word on each change: admission, quotas and webhooks speak before anything happens."""
    if found.plan.refused or not found.plan.to_change:
        return found
    namespace = found.seen.namespace
    if session.cluster.missing_rights(namespace, [_PATCH]):
        skipped = (*found.plan.skipped, Skip(Skipped.REHEARSAL))
        return msgspec.structs.replace(found, plan=msgspec.structs.replace(found.plan, skipped=skipped))
    objections = tuple(_objections(session, found))
    return msgspec.structs.replace(found, plan=msgspec.structs.replace(found.plan, objections=objections))


def _objections(session: Session, found: _Planned) -> Iterator[ServerObjection]:
    for each in found.plan.to_change:
        try:
            session.cluster.apply(change(each, found.seen.namespace, found.plan.request), dry_run=True)
        except (ForbiddenError, InvalidError, ConflictError, NotFoundError) as error:
            yield ServerObjection(each.claim, error.message)
