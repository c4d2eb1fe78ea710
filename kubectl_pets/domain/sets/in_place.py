"""Has a pod that OpenKruise updates in place really come to its new revision?

The label with the new revision is written before any container restarts, and the pod is Ready for a moment longer. So a pod is
available again only once all that the controller waits for has come to pass (OpenKruise pkg/util/inplaceupdate
defaultCheckInPlaceUpdateCompleted, the grace period, batches of containers, the lifecycle label). Where these cannot be read it
is not done.
"""

from datetime import datetime, timedelta
from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.model import ContainerStatus, Pod, Value

STATE_ANNOTATION = "apps.kruise.io/inplace-update-state"
GRACE_ANNOTATION = "apps.kruise.io/inplace-update-grace"
LIFECYCLE_LABEL = "lifecycle.apps.kruise.io/state"
#: When the controller last wrote that label (pkg/util/lifecycle SetPodLifecycle).
LIFECYCLE_TIME_ANNOTATION = "lifecycle.apps.kruise.io/timestamp"
CONDITION = "InPlaceUpdateReady"


@unique
class NotInPlaceYet(StrEnum):
    """What an update in place still waits for."""

    #: The readiness gate's condition is not True.
    CONDITION = "InPlaceUpdateReady is not True"
    #: The lifecycle label says something else than Normal.
    LIFECYCLE = "its lifecycle state is not Normal"
    #: The grace period before containers are restarted.
    GRACE = "its grace period is not over"
    #: Containers whose turn has not come.
    NEXT_CONTAINERS = "not all of its containers had their turn"
    #: A container that still runs what it ran before.
    CONTAINER = "a container still runs the old image"
    #: The annotation makes no sense.
    UNREADABLE = "what is left of it cannot be read"


class _Before(Value, frozen=True):
    image_id: str = msgspec.field(name="imageID", default="")


class _State(Value, frozen=True):
    """The annotation (apps/pub InPlaceUpdateState)."""

    revision: str = ""
    update_timestamp: datetime | None = None
    update_images: bool = False
    next_container_images: dict[str, str] = {}
    last_container_statuses: dict[str, _Before] = {}


class _Grace(Value, frozen=True):
    """The grace annotation (pkg/util/inplaceupdate UpdateSpec)."""

    grace_seconds: int = 0


def unfinished(pod: Pod) -> NotInPlaceYet | None:
    """What the pod's update in place still waits for; None where it is over, or never was one."""
    condition = pod.status.condition(CONDITION)
    if condition is not None and condition.status != "True":
        return NotInPlaceYet.CONDITION
    if pod.metadata.labels.get(LIFECYCLE_LABEL, "Normal") not in ("", "Normal"):
        return NotInPlaceYet.LIFECYCLE
    if GRACE_ANNOTATION in pod.metadata.annotations:
        return NotInPlaceYet.GRACE
    if not pod.metadata.annotations.get(STATE_ANNOTATION):
        return None
    state = _state(pod)
    if state is None:
        return NotInPlaceYet.UNREADABLE
    if state.next_container_images:
        return NotInPlaceYet.NEXT_CONTAINERS
    if state.update_images and any(not _has_changed(pod, name, was) for name, was in state.last_container_statuses.items()):
        return NotInPlaceYet.CONTAINER
    return None


def standing_since(pod: Pod) -> datetime | None:
    """Since when an update in place that is not over has come no further, by what the pod itself tells. None: it is over, its
    containers are being started (which takes what it takes), or nothing tells."""
    why, up, gate = unfinished(pod), pod.status.condition("ContainersReady"), pod.status.condition(CONDITION)
    if why is None or up is None or up.status != "True":
        return None
    labelled, updated = _labelled_at(pod), updated_at(pod)
    of_this = updated if pod.metadata.labels.get(LIFECYCLE_LABEL) == "Updating" else labelled
    if why is NotInPlaceYet.LIFECYCLE and of_this is None:
        return None
    times = (up.last_transition_time, labelled, updated, gate.last_transition_time if gate is not None else None)
    try:
        return max(time for time in times if time is not None) + _allowed(pod)
    except (OverflowError, ValueError):
        return None


def _allowed(pod: Pod) -> timedelta:
    """What it takes by right: the grace period before it, and the end of a container that is to be replaced."""
    state, seconds = _state(pod), 0
    if state is not None and any(not _has_changed(pod, name, was) for name, was in state.last_container_statuses.items()):
        seconds = pod.spec.termination_grace_period_seconds or 0
    try:
        seconds += msgspec.json.decode(pod.metadata.annotations.get(GRACE_ANNOTATION, "{}"), type=_Grace).grace_seconds
    except (msgspec.DecodeError, RecursionError):
        pass
    return timedelta(seconds=min(max(0, seconds), 2**31))


def _labelled_at(pod: Pod) -> datetime | None:
    """When its lifecycle label was written last; None where nothing tells."""
    try:
        return msgspec.convert(pod.metadata.annotations.get(LIFECYCLE_TIME_ANNOTATION), datetime | None)
    except msgspec.ValidationError:
        return None


def without_its_restarts(pod: Pod) -> Pod:
    """The pod as if its latest update in place had restarted nothing: that is no crash. What restarted once more since then, or
    was not updated, is as it was; a container that has yet to be started from its new image says nothing of that image."""
    state = _state(pod)
    if state is None or state.update_timestamp is None:
        return pod
    at, updated = state.update_timestamp, state.last_container_statuses.keys()
    statuses = tuple(
        ContainerStatus(name=each.name, image=each.image, image_id=each.image_id)
        if each.name in updated and not _has_changed(pod, each.name, state.last_container_statuses[each.name])
        else msgspec.structs.replace(each, restart_count=0)
        if each.name in updated and _ran_before(each, at)
        else each
        for each in pod.status.container_statuses
    )
    return msgspec.structs.replace(pod, status=msgspec.structs.replace(pod.status, container_statuses=statuses))


def updated_at(pod: Pod) -> datetime | None:
    """When it was last updated in place, by the controller's note; None where it never was, or nothing tells."""
    state = _state(pod)
    return state.update_timestamp if state is not None else None


def updated_containers(pod: Pod) -> frozenset[str]:
    """The containers that its latest update in place has restarted, or is to."""
    state = _state(pod)
    return frozenset(state.last_container_statuses) if state is not None else frozenset()


def _ran_before(status: ContainerStatus, time: datetime) -> bool:
    """Whether it runs, and its last life began before that time, so that it was started once since then."""
    last = status.last_state.terminated
    return status.state.running is not None and last is not None and last.started_at is not None and last.started_at < time


def _state(pod: Pod) -> _State | None:
    """What OpenKruise noted on the pod about its last update in place; None where it noted nothing, or it cannot be read."""
    try:
        return msgspec.json.decode(pod.metadata.annotations.get(STATE_ANNOTATION, ""), type=_State)
    except (msgspec.DecodeError, RecursionError):
        return None


def _has_changed(pod: Pod, name: str, was: _Before) -> bool:
    """Another image runs, or the very one that is wanted (which may be the same by another tag)."""
    status = next((status for status in pod.status.container_statuses if status.name == name), None)
    if status is None:
        return False
    wanted = next((container.image for container in pod.spec.containers if container.name == name), None)
    return status.image_id != was.image_id or status.image == wanted
