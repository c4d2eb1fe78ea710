"""Which objects of a StatefulSet could not be decoded? Then nothing can be said of the set: nobody knows what they are."""

from kubectl_pets.domain.model import Pod, SetView, StatefulSet
from kubectl_pets.domain.rollout.verdict import Blocker, Cause
from kubectl_pets.domain.sets.slots import ordinals_in


def unreadable(owner: StatefulSet, view: SetView) -> tuple[Blocker, ...]:
    """One blocker for each object that would have to be known: the set itself (``pod`` empty), or a pod of its own."""
    if owner.unreadable:
        return (Blocker(cause=Cause.PODS_UNREADABLE, message=owner.unreadable),)
    return tuple(
        Blocker(cause=Cause.PODS_UNREADABLE, pod=pod.name, message=pod.unreadable)
        for pod in view.pods or ()
        if pod.unreadable and _may_be_of(owner, pod)
    )


def _may_be_of(owner: StatefulSet, pod: Pod) -> bool:
    """Whether an object that could not be decoded may be the set's: by its controller, where that could be read, else by its
    name."""
    controller = pod.metadata.controller()
    if controller is not None:
        return controller.uid == owner.metadata.uid
    return ordinals_in(owner)(pod.name) is not None
