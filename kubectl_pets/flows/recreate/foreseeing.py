"""What it would take to make a set again, with the API server's word on the new one before anything is touched: admission,
quotas, policies and webhooks judge its creation (dry run, under another name, for this one is taken)."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from kubectl_pets.domain.model import SetView
from kubectl_pets.domain.recreate.content import intention
from kubectl_pets.domain.recreate.refusing import RecreateRefused, RecreateRefusedReason, refusals
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.sets.away import SetContent, WholeSet
from kubectl_pets.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError, PetsError
from kubectl_pets.flows.engine.rights import Right
from kubectl_pets.session import Session

#: So many looks at a set that others make again meanwhile.
_LOOKS = 5

#: A set's own name can be longer than leaves room for this, and then nobody makes a pod of it.
_REHEARSED = "-kubectl-pets-dry-run"


def rights(name: str) -> tuple[Right, ...]:
    """All that it takes to make the set ``name`` again."""
    return (
        ("create", "statefulsets.apps"),
        ("delete", "statefulsets.apps", name),
        ("patch", "statefulsets.apps", name),
        ("create", "configmaps"),
        ("get", "configmaps"),
        ("update", "configmaps"),
        ("delete", "configmaps"),
        ("list", "persistentvolumeclaims"),
        ("patch", "persistentvolumeclaims"),
    )


class Foreseen(msgspec.Struct, frozen=True, kw_only=True):
    """``wanted``: the immutable fields that change, as the API server would write them; none: it is as asked for."""

    live: WholeSet
    view: SetView
    seen: Assessment
    wanted: dict[str, Any]
    refused: tuple[RecreateRefused, ...] = ()
    #: As in the plan.
    takers_unread: tuple[str, ...] = ()


def foresee(
    session: Session, name: str, make: Callable[[Mapping[str, Any]], Mapping[str, Any]], *, operator_paused: bool
) -> Foreseen:
    """``make``: immutable fields, whole, for the spec as it is. Raises NotFoundError where there is no such set."""
    cluster, namespace, now = session.cluster, session.namespace, session.now()
    view, live = _read(session, name)
    seen, wanted = assess(view, now), make(live.spec)
    differing = _differing(wanted, live)
    takers, unread = cluster.pod_takers(namespace) if differing else ((), ())
    refused = list(refusals(live, view, seen, wanted, operator_paused=operator_paused, takers=takers))
    found = Foreseen(live=live, view=view, seen=seen, wanted=differing, refused=tuple(refused), takers_unread=unread)
    if not found.wanted:
        return found
    content = intention(live, wanted, view.pods or (), None, now).content
    try:
        rehearsed = cluster.rehearsed_set(namespace, _rehearsed_name(name), content)
    except (ForbiddenError, InvalidError, ConflictError) as error:
        refused.append(RecreateRefused(reason=RecreateRefusedReason.OBJECTION, subjects=(error.message,)))
        return msgspec.structs.replace(found, refused=tuple(refused))
    written = {field: rehearsed.spec.get(field) for field in found.wanted}
    if rehearsed.spec.get("template") != live.spec.get("template"):
        refused.append(RecreateRefused(reason=RecreateRefusedReason.TEMPLATE_REWRITTEN))
    return msgspec.structs.replace(found, wanted=_differing(written, live), refused=tuple(refused))


def _read(session: Session, name: str) -> tuple[SetView, WholeSet]:
    """The set as it is judged and as it is copied. Raises NotFoundError where it is gone, or another one at every look."""
    for _ in range(_LOOKS):
        view, live = session.cluster.set_view(session.namespace, name), session.cluster.whole_set(session.namespace, name)
        if view.set is None or live is None:
            break
        if view.set.metadata.uid == live.metadata.uid:
            return view, live
    raise NotFoundError(f"StatefulSet {name} was deleted")


def _differing(wanted: Mapping[str, Any], live: WholeSet) -> dict[str, Any]:
    return {field: value for field, value in wanted.items() if live.spec.get(field) != value}


def has_template(session: Session, found: Foreseen, template: Any) -> bool:
    """Whether a pod template, as it was typed, is that of the set once the API server has filled it in. Where it would not say,
    it counts as the same: then nobody claims anything."""
    spec = {**found.live.spec, **found.wanted, "template": template}
    content = SetContent(spec=spec)
    try:
        rehearsed = session.cluster.rehearsed_set(found.live.namespace, _rehearsed_name(found.live.name), content)
    except PetsError:
        return True
    return rehearsed.spec.get("template") == found.live.spec.get("template")


def _rehearsed_name(name: str) -> str:
    return f"{name[:40].rstrip('-.')}{_REHEARSED}"
