"""What time was it, by the API server's clock, when a node says that something happened?

A kubelet writes its own clock's times into a pod's status: when a container started and ended, since when the pod is Ready. On a
node whose clock is behind, a container that has come up this second has been up for minutes, and a crash loop looks as if it had
outlived its back-off after each restart. By how much it is behind, at least, every pod tells: the API server notes when the pod
was bound to the node (``PodScheduled``, pkg/registry/core/pod/storage assignPod), and the kubelet when it took the pod on
(``status.startTime``), which is never before.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from kubectl_pets.domain.model import Condition, ContainerState, ContainerStatus, Pod

#: Conditions that are not the kubelet's to set.
_NOT_THE_KUBELETS = ("PodScheduled", "DisruptionTarget")

_NONE = timedelta(0)


def behind(pod: Pod) -> timedelta:
    """How far the clock of the pod's node is behind the API server's, at least; 0 where nothing tells. That it is ahead cannot be
    told from a kubelet that took the pod on late."""
    if pod.status.start_time is None:
        return _NONE
    scheduled = pod.status.condition("PodScheduled")
    bound = scheduled.last_transition_time if scheduled is not None and scheduled.status == "True" else None
    return max(_NONE, bound - pod.status.start_time) if bound is not None else _NONE


def by_the_servers_clock(pod: Pod) -> Pod:
    """The pod with its kubelet's times as the API server's clock had them; the very same where its node is not behind."""
    by = behind(pod)
    if not by:
        return pod
    status = pod.status
    return replace(
        pod,
        status=replace(
            status,
            start_time=_later(status.start_time, by),
            conditions=tuple(_condition(each, by) for each in status.conditions),
            container_statuses=tuple(_container(each, by) for each in status.container_statuses),
            init_container_statuses=tuple(_container(each, by) for each in status.init_container_statuses),
        ),
    )


def _condition(condition: Condition, by: timedelta) -> Condition:
    if condition.type in _NOT_THE_KUBELETS:
        return condition
    return replace(condition, last_transition_time=_later(condition.last_transition_time, by))


def _container(status: ContainerStatus, by: timedelta) -> ContainerStatus:
    return replace(status, state=_state(status.state, by), last_state=_state(status.last_state, by))


def _state(state: ContainerState, by: timedelta) -> ContainerState:
    running, ended = state.running, state.terminated
    return replace(
        state,
        running=None if running is None else replace(running, started_at=_later(running.started_at, by)),
        terminated=None
        if ended is None
        else replace(ended, started_at=_later(ended.started_at, by), finished_at=_later(ended.finished_at, by)),
    )


def _later(time: datetime | None, by: timedelta) -> datetime | None:
    """What was never started has a start in 1970, and keeps it."""
    try:
        return time + by if time is not None and time.year >= 2000 else time
    except OverflowError:
        return time
