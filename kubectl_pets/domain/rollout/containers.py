"""Do a pod's containers stay up? Found out from what the pod itself remembers, so that every look at it comes to the same answer.

A crash loop is ``terminated`` for nearly all of its back-off, shows ``CrashLoopBackOff`` for a blink before the restart, and is
Ready for as long as each life lasts where no probe looks closer. So it is not the momentary state that counts, but how often a
container was started, how its last life ended, and when. The rules are the kubelet's: it starts what ended after a back-off of
10 s that doubles up to 300 s, and forgets it after 10 minutes of running (pkg/kubelet: MaxContainerBackOff; client-go
util/flowcontrol/backoff.go). Init containers that failed are started anew, and so are sidecars (init containers with
restartPolicy Always, KEP-753).
"""

from datetime import datetime, timedelta, timezone

import msgspec

from kubectl_pets.domain.model import ContainerState, ContainerStatus, Pod, Terminated
from kubectl_pets.domain.rollout.times import later

_FIRST, _LONGEST = timedelta(seconds=10), timedelta(seconds=300)

#: After running for so long the kubelet forgets what was before.
FORGOTTEN = timedelta(minutes=10)

#: The kubelet looks at a pod again after up to this long: a restart may come so much later than its back-off (k/k#133066).
_RESYNC = timedelta(seconds=60)

#: Before anything could have been due.
LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)

#: Waiting reasons (pkg/kubelet/images/types.go, pkg/kubelet/container/sync_result.go) that may pass by themselves: an image, a
#: ConfigMap or a peer that comes late.
FAILING_REASONS = frozenset(
    {
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "ErrImagePull",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "PreCreateHookError",
        "PreStartHookError",
        "PostStartHookError",
    }
)

#: Those that pass for nobody who only waits.
HOPELESS_REASONS = frozenset({"InvalidImageName", "ErrImageNeverPull"})

#: Whatever else a container waits with is told by what its name begins or ends with: kubelets and runtimes get new reasons.
_TROUBLE_BEGINS, _TROUBLE_ENDS = ("Err", "Failed"), ("Error", "BackOff", "Failed")

#: What the kubelet notes of a container that is not there any more, as after its node was restarted (pkg/kubelet/kubelet_pods.go
#: convertToAPIContainerStatuses): it has no times, and how it ended is not known.
_NOT_FOUND = "ContainerStatusUnknown"

#: A restart is noted with one of these when the container cannot be started, and alternates with CrashLoopBackOff.
_RESTARTING = frozenset({"CrashLoopBackOff", "RunContainerError", "PostStartHookError", "PreStartHookError"})

_NOBODY: frozenset[str] = frozenset()

#: What runtimes say of an image for another platform: containerd, Docker, CRI-O; the kernel of a binary.
_WRONG_PLATFORM = (
    "no match for platform",
    "no matching manifest for",
    "does not match the specified platform",
    "no image found in image index for architecture",
    "no image found in manifest list for architecture",
    "exec format error",
)


#: So long a busy controller, scheduler or binder may need for its turn; before, that nothing has come is no evidence.
_TURN = timedelta(seconds=15)


class StuckAfter(msgspec.Struct, frozen=True, kw_only=True):
    """How long what may pass by itself is only called failing: ``time`` from when it began, or so many ``restarts`` of one
    container (None: these do not count), whichever is first."""

    time: timedelta = timedelta(minutes=2)
    restarts: int | None = 3

    @property
    def silence(self) -> timedelta:
        """The same for what is known only by nothing having come, as at the beginning of every pod and every change."""
        return max(self.time, _TURN)


class Trouble(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A container that does not start or does not stay up. Texts are the cluster's own: untrusted."""

    container: str
    reason: str
    message: str = ""
    #: How its last life ended; None where it has had none.
    exit_code: int | None = None
    signal: int = 0
    #: The runtime's word for that end, such as "OOMKilled".
    end: str = ""
    ended_at: datetime | None = None
    #: How often it was started anew, since it last ran for long.
    restarts: int = 0
    #: When the trouble began, as far as the pod remembers.
    since: datetime | None = None
    #: It runs again: when it will have outlived its back-off. None: it does not run.
    settles_at: datetime | None = None
    #: When it was started that time.
    started_at: datetime | None = None
    #: For how long it had lived when it ended; None where that is not known.
    lived: timedelta | None = None
    #: Waiting alone mends nothing.
    hopeless: bool = False

    def deadline(self, patience: StuckAfter) -> datetime:
        """When patience with it ends: never in the past first and in the future afterwards, whatever becomes known of it."""
        out_of_restarts = patience.restarts is not None and self.restarts >= patience.restarts
        if self.hopeless or out_of_restarts or self.since is None:
            return LONG_AGO
        end = later(self.since, patience.time)
        if self.settles_at is None or (self.started_at is not None and end <= self.started_at):
            return end
        return max(end, self.settles_at)  # while it runs it may still outlive its back-off


def tells_of_trouble(reason: str) -> bool:
    """Whether a container that waits with this reason does so because something went wrong."""
    return reason in FAILING_REASONS or reason.startswith(_TROUBLE_BEGINS) or reason.endswith(_TROUBLE_ENDS)


def back_off(restarts: int) -> timedelta:
    """How long the kubelet waits before the next start after so many in a row."""
    return min(_LONGEST, timedelta(seconds=_FIRST.total_seconds() * (1 << min(max(restarts - 1, 0), 10))))


def trouble_of(pod: Pod, now: datetime) -> Trouble | None:
    """The container that keeps the pod from staying up; the worst where there are several, None where there is none."""
    found = [each for each in _all(pod) if each.settles_at is None or each.settles_at > now]
    return min(found, key=_badness, default=None)


def untroubled(pod: Pod) -> bool:
    """Whether every container of the pod runs in its first life, and each init container has done its work at once: as nearly
    always. Then it has no trouble, nothing of it has ended lately and nothing was restarted, at whatever time it is looked at."""
    status = pod.status
    for each in status.container_statuses:
        state = each.state
        if each.restart_count or state.running is None or state.terminated is not None or each.last_state.terminated is not None:
            return False
    return not status.init_container_statuses or _at_once(pod)


def _at_once(pod: Pod) -> bool:
    """Of init containers. One with the name of another container cannot be told apart from that."""
    sidecars, names = _sidecars(pod), {each.name for each in pod.status.container_statuses}
    return all(
        _is_through(each, sidecars) and not each.restart_count and each.name not in names
        for each in pod.status.init_container_statuses
    )


def counted_from(trouble: Trouble, pod: Pod, time: datetime) -> Trouble:
    """The trouble of a container that was started then at another version: what it did before is not held against this one.
    Restarts are counted over the whole life of a pod, so of these as many count as there was time for since then."""
    status = next((each for each in pod.status.container_statuses if each.name == trouble.container), None)
    restarts = trouble.restarts if status is None else min(trouble.restarts, _most_restarts(status, time))
    return msgspec.structs.replace(trouble, restarts=restarts, since=max(time, trouble.since or time))


def _most_restarts(status: ContainerStatus, since: datetime) -> int:
    """How often a container may have been restarted up to its latest life: by the kubelet's back-off, and lives as long as the
    one before that. Of a long one no more than the first back-off counts, so that this number never falls."""
    running, ended, last = status.state.running, status.state.terminated, status.last_state.terminated
    latest = running or ended or last
    if latest is None or latest.started_at is None or latest.started_at.year < 2000:
        return status.restart_count
    life = min(_life(last) or timedelta(0), _FIRST)
    if latest is last:  # of the one before nothing is known, and each may have been told a second longer or shorter
        life = max(timedelta(0), life - timedelta(seconds=2))
    left, number = latest.started_at - since, 0
    while number < status.restart_count and left >= life:
        number += 1
        left -= life + back_off(number)
    return number


def outlived(started: datetime | None, lived: timedelta, now: datetime) -> bool:
    """Whether what was started then is past the age at which another like it ended: twice that, or when the kubelet forgets."""
    return started is not None and now >= later(started, proof(lived))


def proof(lived: timedelta) -> timedelta:
    """How long a life has to be that proves more than one that ended after so long."""
    return min(FORGOTTEN, 2 * lived)


def ended_lately(pod: Pod, now: datetime) -> timedelta | None:
    """For how long a container of the pod had lived when it ended; the longest such life. None: none has ended, or it has run for
    so long since that the kubelet forgets it (then whatever ended it has passed), or it lived for as long as that."""
    ended = [
        (status, life)
        for status in pod.status.init_container_statuses + pod.status.container_statuses
        if (life := _life(status.state.terminated or status.last_state.terminated)) is not None and life < FORGOTTEN
    ]
    if not ended:
        return None
    kept = {status.name for status in pod.status.container_statuses} | _sidecars(pod)
    lives = []
    for status, life in ended:
        running = status.state.running
        over = running is not None and outlived(running.started_at, FORGOTTEN, now)
        if status.name in kept and not over:
            lives.append(life)
    return max(lives, default=None)


def ended_at(pod: Pod) -> datetime | None:
    """When a pod whose phase is Failed or Succeeded came to its end; None where nothing tells. It may not have been Ready
    for long before."""
    statuses = pod.status.init_container_statuses + pod.status.container_statuses
    times = [status.state.terminated.finished_at for status in statuses if status.state.terminated is not None]
    disrupted = pod.status.condition("DisruptionTarget")
    times += [disrupted.last_transition_time] if disrupted is not None else []
    return max((time for time in times if time is not None), default=None)


def without_resizes(pod: Pod) -> Pod:
    """The pod as if no restart had been asked for with a resize (KEP-1287): that is no crash. The resize is told by its time in
    the managedFields, which lists of many leave out; what was alive then and ended within a minute, or its grace period, was
    ended for it. How many there were is at most how often the spec was changed (``metadata.generation``, since 1.33)."""
    if not pod.metadata.managed_fields:
        return pod
    times = [entry.time for entry in pod.metadata.managed_fields if entry.subresource == "resize" and entry.time is not None]
    if not times:
        return pod
    asked = {
        each.name
        for each in pod.spec.init_containers + pod.spec.containers
        if any(policy.restart_policy == "RestartContainer" for policy in each.resize_policy)
    }
    if not asked:
        return pod
    within = _RESYNC + timedelta(seconds=min(max(0, pod.spec.termination_grace_period_seconds or 0), 2**31))
    changes = max(1, pod.metadata.generation - 1)

    def spared(status: ContainerStatus) -> ContainerStatus:
        return _without_its_resize(status, times, within, changes) if status.name in asked else status

    status = pod.status
    containers, init = map(spared, status.container_statuses), map(spared, status.init_container_statuses)
    changed = msgspec.structs.replace(status, container_statuses=tuple(containers), init_container_statuses=tuple(init))
    return msgspec.structs.replace(pod, status=changed)


def _without_its_resize(status: ContainerStatus, times: list[datetime], within: timedelta, changes: int) -> ContainerStatus:
    ended = status.state.terminated or status.last_state.terminated
    if ended is None or ended.started_at is None or ended.finished_at is None or ended.reason == "OOMKilled":
        return status
    end, second = ended.finished_at, timedelta(seconds=1)  # to which times are cut
    if not any(ended.started_at <= time <= later(end, second) and end <= later(time, within) for time in times):
        crashed = max(min(1, status.restart_count), status.restart_count - changes)
        return msgspec.structs.replace(status, restart_count=crashed)
    state = ContainerState() if status.state.terminated is not None else status.state
    left = max(0, status.restart_count - changes)
    return msgspec.structs.replace(status, restart_count=left, state=state, last_state=ContainerState())


def restarts_of(pod: Pod) -> int:
    """What kubectl shows as RESTARTS: of containers and sidecars, and of all init containers while these are not through."""
    statuses = pod.status.init_container_statuses
    initialized = pod.status.condition("Initialized") if statuses else None
    if (initialized is not None and initialized.status == "True") or not statuses:
        sidecars = _sidecars(pod)
        statuses = (*pod.status.container_statuses, *(status for status in statuses if status.name in sidecars))
    return sum(status.restart_count for status in statuses)


def _badness(trouble: Trouble) -> tuple[bool, int, bool, str]:
    return not trouble.hopeless, -trouble.restarts, trouble.settles_at is not None, trouble.container


def _all(pod: Pod) -> list[Trouble]:
    sidecars, inits = _sidecars(pod), pod.status.init_container_statuses
    if all(map(_in_its_first_life, pod.status.container_statuses)) and all(_is_through(each, sidecars) for each in inits):
        return []  # as nearly always: there is nothing to be judged
    began = _began(pod)
    ready = pod.status.condition("Ready")
    changed = ready.last_transition_time if ready is not None else None
    found = []
    for status in inits:
        ended = status.state.terminated
        if ended is not None and _is_through(status, sidecars):
            began = max(began, ended.finished_at) if began is not None and ended.finished_at is not None else began
            continue  # it has done its work, however often it took
        found.append(_judged(_located(status if status.name in sidecars else _anew(status), changed), began))
    found += [_judged(_located(status, changed), began) for status in pod.status.container_statuses]
    return [each for each in found if each is not None]


def _in_its_first_life(status: ContainerStatus) -> bool:
    return status.restart_count == 0 and status.state.running is not None


def _is_through(status: ContainerStatus, sidecars: frozenset[str]) -> bool:
    """Whether an init container has done its work."""
    ended = status.state.terminated
    return ended is not None and ended.exit_code == 0 and status.name not in sidecars


def _anew(status: ContainerStatus) -> ContainerStatus:
    """An init container that had done its work, and has to do it again because the pod's sandbox was made anew (its node was
    rebooted): that was no crash, and nothing of before counts."""
    last = status.last_state.terminated
    if last is None or last.exit_code != 0:
        return status
    return msgspec.structs.replace(status, restart_count=0, last_state=ContainerState())


def _located(status: ContainerStatus, changed: datetime | None) -> ContainerStatus:
    """With when a container came to its end that was not found any more: at the latest when the pod's readiness last changed.
    That it is restarted for it makes no crash loop, however often it was before."""
    last = status.last_state.terminated
    if last is None or last.reason != _NOT_FOUND or last.finished_at is not None or status.state.terminated is not None:
        return status
    running = status.state.running
    times = [time for time in (changed, running.started_at if running is not None else None) if time is not None]
    ended = msgspec.structs.replace(last, finished_at=min(times, default=None))
    return msgspec.structs.replace(
        status, restart_count=min(1, status.restart_count), last_state=ContainerState(terminated=ended)
    )


def _sidecars(pod: Pod) -> frozenset[str]:
    inits = pod.spec.init_containers
    return frozenset(each.name for each in inits if each.restart_policy == "Always") if inits else _NOBODY


def _began(pod: Pod) -> datetime | None:
    """When its containers could first be started: it was scheduled and its sandbox was made."""
    times = [pod.metadata.creation_timestamp, pod.status.start_time]
    for kind in ("PodScheduled", "PodReadyToStartContainers"):
        condition = pod.status.condition(kind)
        if condition is not None and condition.status == "True":
            times.append(condition.last_transition_time)
    return max((time for time in times if time is not None), default=None)


def _judged(status: ContainerStatus, began: datetime | None) -> Trouble | None:
    waiting, running, last = status.state.waiting, status.state.running, status.last_state.terminated
    ended = status.state.terminated or last
    if running is not None:
        return _again(status, last, began, running.started_at)
    if status.state.terminated is not None:
        return _crashed(status, ended, began)
    reason = waiting.reason if waiting is not None else ""
    if reason in _RESTARTING:
        return _crashed(status, ended, began)
    if reason in HOPELESS_REASONS or tells_of_trouble(reason):
        return _refused(status, began)
    # Being made anew: after one end the node may just have been restarted, after several it is a loop.
    return _crashed(status, ended, began) if ended is not None and _restarts(status) > 1 else None


def _again(status: ContainerStatus, last: Terminated | None, began: datetime | None, started: datetime | None) -> Trouble | None:
    """The trouble of a container that runs and has crashed before; None where it never has, or nothing tells since when it
    runs."""
    if status.restart_count == 0 or started is None:
        return None
    trouble = _crashed(status, last, began)
    life = _life(last)
    margin = 2 * life if life is not None and life < FORGOTTEN else timedelta(0)
    # Alive for as long as the last time is no proof yet.
    outlives = min(FORGOTTEN, max(back_off(trouble.restarts), margin))
    return msgspec.structs.replace(trouble, settles_at=later(started, outlives), started_at=started)


def _crashed(status: ContainerStatus, ended: Terminated | None, began: datetime | None) -> Trouble:
    """The trouble of a container that has ended, and was or will be started anew."""
    waiting, last = status.state.waiting, status.last_state.terminated
    restarts = _restarts(status)
    backing_off = restarts > 0 or (waiting is not None and waiting.reason == "CrashLoopBackOff")
    reason = waiting.reason if waiting is not None and waiting.reason in _RESTARTING else ""
    told = waiting.message if waiting is not None and reason != "CrashLoopBackOff" else ""
    if ended is None:
        return Trouble(
            container=status.name,
            reason="CrashLoopBackOff" if backing_off else reason,
            message=waiting.message if waiting is not None else "",
            restarts=restarts,
            since=began,
            hopeless=_is_for_another_platform(told),
        )
    return Trouble(
        container=status.name,
        reason="CrashLoopBackOff" if backing_off else reason or ended.reason,
        message=ended.message or told,
        exit_code=ended.exit_code,
        signal=ended.signal,
        end=ended.reason,
        ended_at=ended.finished_at,
        restarts=restarts,
        lived=_life(ended),
        since=_since(last or ended, restarts + (waiting is not None), began),
        hopeless=_is_for_another_platform(ended.message or told),
    )


def _refused(status: ContainerStatus, began: datetime | None) -> Trouble:
    """The trouble of a container whose image or configuration keeps it from being created."""
    waiting, last = status.state.waiting, status.last_state.terminated
    assert waiting is not None
    return Trouble(
        container=status.name,
        reason=waiting.reason,
        message=waiting.message,
        restarts=_restarts(status) if last is not None else 0,
        since=(last.finished_at if last is not None else None) or began,
        hopeless=waiting.reason in HOPELESS_REASONS or _is_for_another_platform(waiting.message),
    )


def _restarts(status: ContainerStatus) -> int:
    """How often it was restarted in this crash loop: after a life of 10 minutes the kubelet forgets earlier ones."""
    current = _life(status.state.terminated)
    if current is not None and current >= FORGOTTEN:
        return 0
    last = _life(status.last_state.terminated)
    if last is not None and last >= FORGOTTEN and status.restart_count:
        return 1
    return status.restart_count


def _life(ended: Terminated | None) -> timedelta | None:
    """How long it lived; None where that is not known: what could not be started has a start in 1970."""
    if ended is None or ended.started_at is None or ended.finished_at is None or ended.started_at.year < 2000:
        return None
    return max(timedelta(0), ended.finished_at - ended.started_at)


def _since(end: Terminated, number: int, began: datetime | None) -> datetime | None:
    """When the loop began, of which ``end`` is the end with this number. Only the last two are remembered: before these, the
    earliest time that fits the kubelet's back-off, so that what was called stuck does not become failing again by a restart."""
    lived = _life(end)
    # What could not even be started has lived for no time at all.
    born, life = (end.finished_at, timedelta(0)) if lived is None else (end.started_at, lived)
    if number < 2 or born is None or life >= FORGOTTEN:
        known = end.finished_at or began
    else:
        before = sum((back_off(each) + _RESYNC + life for each in range(1, min(number, 30))), timedelta(0))
        known = later(born, -before)
    if known is None or began is None:
        return known or began
    return max(known, began)


def _is_for_another_platform(message: str) -> bool:
    return any(words in message for words in _WRONG_PLATFORM)
