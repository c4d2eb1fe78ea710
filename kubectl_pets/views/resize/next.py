"""What to type where a resize is refused: whole commands, for the first thing that speaks against it."""

from msgspec.structs import replace

from kubectl_pets.domain.resize.types import ResizePlan, ResizeRefused, ResizeRefusedReason
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.pasting import kubectl
from kubectl_pets.views.resize.plan import typed
from kubectl_pets.views.text.phrases import again, command

_R = ResizeRefusedReason

#: What is looked at in the cluster, by its reason; of the namespace where it has one.
_LOOKS = {
    _R.CLASS_GONE: ("get", "storageclasses"),
    _R.CLASS_FIXED: ("get", "storageclasses"),
    _R.ATTRIBUTES_CLASS_UNKNOWN: ("get", "volumeattributesclasses"),
    _R.ATTRIBUTES_CLASS_FOREIGN: ("get", "volumeattributesclasses"),
}
_LOOKS_HERE = {
    _R.QUOTA: ("describe", "resourcequotas"),
    _R.NO_TEMPLATES: ("get", "pvc"),
    _R.NO_SUCH_POD: ("get", "pvc"),
    _R.SHRINKS: ("get", "pvc"),
    _R.TAKES_BACK: ("get", "pvc"),
    _R.PODS_UNREADABLE: ("auth", "can-i", "list", "pods"),
    _R.CLAIMS_UNREADABLE: ("auth", "can-i", "list", "persistentvolumeclaims"),
}
#: What --plan stands for, or excludes.
_TRIED = ("--dry-run", "--yes")

_OF_CLAIMS = (_R.TERMINATING, _R.UNBOUND, _R.AMBIGUOUS)


def refused_hint(found: ResizePlan, seen: Assessment) -> str:
    """Empty: what the API server says is all that there is to say."""
    return _hint(found.refused[0], found, seen) if found.refused else ""


def _hint(first: ResizeRefused, found: ResizePlan, seen: Assessment) -> str:
    space, request = seen.namespace, found.request
    if first.reason in _LOOKS:
        return kubectl(*_LOOKS[first.reason])
    if first.reason in _LOOKS_HERE:
        return kubectl(*_LOOKS_HERE[first.reason], namespace=space)
    if first.reason in _OF_CLAIMS and first.claims:
        return kubectl("describe", "pvc", first.claims[0], namespace=space)
    match first.reason:
        case _R.OPERATOR:
            paused = typed(replace(request, operator_paused=True))
            return f"once that leaves it alone: {again(seen, 'resize', *paused, '--plan', without=_TRIED)}"
        case _R.WHICH_TEMPLATE | _R.UNKNOWN_TEMPLATE if first.subject:
            named = replace(request, template=first.subject.split(", ")[0])
            return again(seen, "resize", *typed(named), "--plan", without=_TRIED)
        case _R.LEADER_WORKER_SET:
            return kubectl("get", "leaderworkersets", namespace=space)
        case _:
            return command(seen, "status", "-w")
