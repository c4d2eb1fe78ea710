"""What do the events of a set and of its pods tell that no status tells?

A pod that cannot be made leaves nothing behind but a Warning event of its set (pkg/controller/statefulset,
stateful_pod_control.go: recordPodEvent, recordClaimEvent); a volume that cannot be mounted only one of its pod; and a pod that
the kubelet ends is made anew under its name with another uid, so only events remember the ones before it. Events last an hour and
may be left out under load (client-go's spam filter): they explain, and that there are none proves nothing.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from kubectl_pets.domain.model import Event, Pod, StatefulSet, ordinal_of
from kubectl_pets.domain.rollout.containers import FORGOTTEN, LONG_AGO, Trouble, back_off, proof
from kubectl_pets.domain.rollout.times import later
from kubectl_pets.domain.sets.kinds import Capability, kind_of

#: "Create Pod web-2 in StatefulSet web failed error: …", "Create Claim data-web-2 for Pod web-2 in StatefulSet web failed …".
_OF_POD = re.compile(r"\bPod (\S+) in StatefulSet (\S+) (?:success(?:ful)?|failed error: (.*))", re.DOTALL)

#: Of a pod's volumes, its network and its sandbox: before these are there no container is even waited for.
_BEFORE_START = frozenset(
    {
        "FailedMount",
        "FailedAttachVolume",
        "FailedMapVolume",
        "FailedCreatePodSandBox",
        "FailedPrepareDynamicResources",
        "NetworkNotReady",
    }
)

_NOT_KILLED = "FailedKillPod"

#: Tell that what is before the start is over.
_STARTING = frozenset({"Pulling", "Pulled", "Created", "Started"})

#: With these the kubelet does not let a pod in (pkg/kubelet/kubelet.go, admissionRejectionReasons).
NOT_ADMITTED = (
    r"UnexpectedAdmissionError|UnknownReason|UnexpectedPredicateFailureType|OutOf\S+|NodeAffinity|NodeName|NodePorts|NodeShutdown"
    r"|TopologyAffinityError|InvalidNodeInfo|VolumeAttachmentLimitExceeded|AppArmor|PodOSSelectorNodeLabelDoesNotMatch"
    r"|PodFeatureUnsupported|\w+Forbidden|\w+NotSupported|node\(s\) had taints that the pod didn't tolerate"
)

#: With these it ends one or does not let it in; then it is made anew (pkg/kubelet/eviction, pkg/kubelet/preemption).
_ENDING = re.compile(rf"Evicted|Preempt\w+|{NOT_ADMITTED}")

#: The scheduler and the controller of NoExecute taints end pods too. They think nothing of it, so these events are Normal, and
#: the second has no uid (pkg/scheduler/framework/preemption, pkg/controller/tainteviction).
_PREEMPTED, _TAINTED, _MARKED = "Preempted", "TaintManagerEviction", "Marking for deletion"

#: A pod that is made anew is made within this time of the end of the one before it.
_SOON = timedelta(seconds=90)

#: Faster than this nobody rolls out one version after the other.
_HASTY = timedelta(seconds=30)


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """The controller could not do something with a pod. ``reason`` and ``message`` are untrusted text."""

    reason: str
    message: str
    #: When it first could not, since it last could.
    since: datetime | None
    #: When it last could not; None where no event told it.
    last: datetime | None = None


def refusals(owner: StatefulSet, events: Sequence[Event], verb: str, pods: Iterable[Pod] = ()) -> dict[str, Refusal]:
    """By pod: what the controller of the set could not "Create", "Update" or "Delete", and has not been able to since.

    That it could is told by an event of its own, and that one may be left out, for refusals use up what client-go lets through.
    So it is told as well by whatever is about a pod of the name later, and what was refused of a pod is over with the pod:
    ``pods`` are those that are there.
    """
    if not events:
        return {}
    done = {pod.name: pod.metadata.creation_timestamp for pod in pods if pod.metadata.creation_timestamp is not None}
    refused: dict[str, list[tuple[Event, str]]] = {}
    for event in events:
        about = event.involved_object
        if event.last is None:
            continue
        if verb == "Create" and about.kind == "Pod":
            done[about.name] = max(event.last, done.get(about.name, event.last))
        found = _OF_POD.search(event.message) if _is_of_its_controller(event, owner) else None
        if found is None:
            continue
        if event.reason == f"Successful{verb}" and " Claim " not in event.message:
            done[found[1]] = max(event.last, done.get(found[1], event.last))
        elif event.reason == f"Failed{verb}":
            refused.setdefault(found[1], []).append((event, found[3] or event.message))
    answer = {}
    for pod, told in refused.items():
        open_still = [(event, words) for event, words in told if event.last is not None and _after(event.last, done.get(pod))]
        if open_still:
            newest, words = max(open_still, key=lambda pair: (pair[0].last or datetime.min, pair[1]))
            since = min(event.first for event, _ in open_still if event.first is not None)
            answer[pod] = Refusal(
                reason=newest.reason, message=words, since=max(since, done.get(pod, since)), last=newest.last
            )
    return answer


def _is_of_its_controller(event: Event, owner: StatefulSet) -> bool:
    """Whether an event is one of the set itself. Groups have a StatefulSet for their leaders, of the same name, and one each for
    their workers, called as their leader: what these had for uids is not known, but that they are no older than the whole."""
    about = event.involved_object
    if about.kind != "StatefulSet":
        return False
    if Capability.GROUPS not in kind_of(owner).can:
        return about.uid in ("", owner.metadata.uid)
    made = owner.metadata.creation_timestamp
    of_it = about.name == owner.name or ordinal_of(about.name, owner.name) is not None
    return of_it and (made is None or event.last is None or event.last >= made)


def not_starting(pod: Pod, events: Iterable[Event]) -> Refusal | None:
    """What keeps a pod that has its node from being started; None: nothing that an event tells."""
    condition = pod.status.condition("PodReadyToStartContainers")
    if condition is not None and condition.status == "True":
        return None  # volumes are mounted before the sandbox is made
    mine = [event for event in events if _is_about(event, pod)]
    over = max((event.last for event in mine if event.reason in _STARTING and event.last is not None), default=None)
    told = [
        event
        for event in mine
        if event.type == "Warning" and event.reason in _BEFORE_START and event.last is not None and _after(event.last, over)
    ]
    if not told:
        return None
    newest = max(told, key=lambda event: (event.last or datetime.min, event.message))
    since = min((event.first for event in told if event.first is not None), default=None)
    return Refusal(reason=newest.reason, message=newest.message, since=since)


def pulling(pod: Pod, events: Iterable[Event]) -> str:
    """What the kubelet says of the image that it is pulling for a pod; empty where it is pulling none. A large one, or one that
    waits for others (``serializeImagePulls``), may take hours, and nothing else tells of it (kubernetes/kubernetes#83471)."""
    mine = [event for event in events if event.reason in _STARTING and _is_about(event, pod)]
    newest = max(mine, key=lambda event: (event.last or LONG_AGO, event.message), default=None)
    return newest.message if newest is not None and newest.reason == "Pulling" else ""


def not_ending(pod: Pod, events: Iterable[Event]) -> Refusal | None:
    """What the kubelet says keeps it from ending a pod: a container or a sandbox that it cannot stop (pkg/kubelet/events:
    FailedToKillPod). None: nothing that an event tells, as of a volume that cannot be unmounted (kubernetes/kubernetes#113426).
    """
    mine = [event for event in events if _is_about(event, pod)]
    told = [event for event in mine if event.reason == _NOT_KILLED and event.type == "Warning"]
    newest = max(told, key=lambda event: (event.last or LONG_AGO, event.message), default=None)
    return Refusal(reason=newest.reason, message=newest.message, since=newest.first) if newest is not None else None


def _is_about(event: Event, pod: Pod) -> bool:
    """Whether an event is about the object of that uid; writers that leave the uid out mean the pod that there was at the
    time."""
    about, created = event.involved_object, pod.metadata.creation_timestamp
    if about.kind != "Pod" or about.name != pod.name or event.last is None:
        return False
    return about.uid == pod.metadata.uid if about.uid else created is not None and event.last >= created


def ended_before(name: str, pod: Pod | None, owner: StatefulSet, events: tuple[Event, ...], now: datetime) -> Trouble | None:
    """The pods of this name that ended one after the other, told as the restarts of a container are; None: none did. A group goes
    with any pod of it."""
    if not events:
        return None  # of most sets nobody has asked for any
    groups = Capability.GROUPS in kind_of(owner).can
    ends = [
        event
        for event in events
        if event.involved_object.kind == "Pod"
        and (event.involved_object.name == name or (groups and ordinal_of(event.involved_object.name, name) is not None))
        and _ends_a_pod(event)
        and _is_about_another(event, pod)
    ]
    if not ends:
        return _made_again_and_again(name, pod, owner, events, now)
    ends = _in_a_row(ends)
    newest = max(ends, key=lambda event: (event.last or datetime.min, event.message))
    first = min(event.last for event in ends if event.last is not None)
    times = len({event.involved_object.uid for event in ends} - {""})
    times += sum(event.times for event in ends if not event.involved_object.uid)
    trouble = _as_trouble(pod, newest.reason, newest.message, first, newest.last or first, times)
    return _until_outlived(trouble, pod, _lived(newest, events), now)


def _ends_a_pod(event: Event) -> bool:
    if event.type == "Warning":
        return _ENDING.fullmatch(event.reason) is not None
    return event.reason == _PREEMPTED or (event.reason == _TAINTED and event.message.startswith(_MARKED))


def _is_about_another(event: Event, pod: Pod | None) -> bool:
    """Whether an event is about a pod before this one; without a uid it is about the one that there was at the time."""
    about, created = event.involved_object, pod.metadata.creation_timestamp if pod is not None else None
    if event.last is None:
        return False
    if not about.uid:
        return pod is None or (created is not None and event.last < created)
    return pod is None or about.uid != pod.metadata.uid


def _in_a_row(ends: list[Event]) -> list[Event]:
    """The latest of these that came one after the other. A pod that lasts for as long as it takes the kubelet to forget a crash
    was no link of a chain: what ends each of them an hour apart is no loop."""
    row: list[Event] = []
    for event in sorted(ends, key=lambda each: each.last or LONG_AGO, reverse=True):
        if row and (row[-1].last or LONG_AGO) - (event.last or LONG_AGO) >= FORGOTTEN:
            break
        row.append(event)
    return row


def _made_again_and_again(
    name: str, pod: Pod | None, owner: StatefulSet, events: tuple[Event, ...], now: datetime
) -> Trouble | None:
    """The controller deletes what has ended, and that is an event of the set. It deletes what it rolls out, too: so only many
    deletions in a row count, of a pod that is not there or has just ended."""
    fresh = pod is None or pod.metadata.creation_timestamp is None or now - pod.metadata.creation_timestamp < _HASTY / 2
    has_ended = pod is not None and pod.status.phase in ("Failed", "Succeeded")
    if not (fresh or has_ended):
        return None
    reason, told = (pod.status.reason or pod.status.phase, pod.status.message) if pod is not None and has_ended else ("", "")
    for event in events:
        if event.first is None or event.last is None or not _deletes(event, name, owner):
            continue
        in_a_row = event.times >= (3 if has_ended else 5) and event.last - event.first < _HASTY * event.times
        if in_a_row and (has_ended or now - event.last < _HASTY):
            return _until_outlived(_as_trouble(pod, reason, told, event.first, event.last, event.times), pod, None, now)
    return None


def _deletes(event: Event, name: str, owner: StatefulSet) -> bool:
    found = _OF_POD.search(event.message) if event.reason == "SuccessfulDelete" else None
    return found is not None and found[1] == name and event.involved_object.uid in ("", owner.metadata.uid)


def _lived(end: Event, events: Iterable[Event]) -> timedelta | None:
    """How old the pod was that this event ended: from when it was started, as far as events remember."""
    uid = end.involved_object.uid
    mine = [event for event in events if event.involved_object.uid == uid and event.first is not None]
    began = [event.first for event in mine if event.reason == "Started"] or [e.first for e in mine if e.reason == "Scheduled"]
    times = [time for time in began if time is not None]
    return max(timedelta(0), end.last - min(times)) if times and end.last is not None else None


def _as_trouble(pod: Pod | None, reason: str, message: str, first: datetime, last: datetime, times: int) -> Trouble | None:
    """The trouble that an event tells of; None where the pod was made for another reason."""
    created = pod.metadata.creation_timestamp if pod is not None else None
    if pod is not None and (created is None or created - last > _SOON):
        return None
    return Trouble(container="", reason=reason, message=message, restarts=times, since=first, ended_at=last)


def _until_outlived(trouble: Trouble | None, pod: Pod | None, lived: timedelta | None, now: datetime) -> Trouble | None:
    """With the time at which the pod has lived for longer than those before it; None: it has."""
    if trouble is None or trouble.ended_at is None or trouble.since is None:
        return None
    times, first, last = trouble.restarts, trouble.since, trouble.ended_at
    trouble = msgspec.structs.replace(trouble, lived=lived)
    if pod is None:
        return trouble if now - last < _SOON else None
    ready = pod.status.condition("Ready")
    if ready is None or ready.status != "True" or ready.last_transition_time is None:
        return trouble
    spacing = (last - first) / (times - 1) if times > 1 else timedelta(0)
    wanted = max(back_off(times + 1), 2 * spacing, proof(lived) if lived is not None else timedelta(0))
    settles = later(ready.last_transition_time, wanted)
    created = pod.metadata.creation_timestamp
    return msgspec.structs.replace(trouble, settles_at=settles, started_at=created) if settles > now else None


def _after(time: datetime, other: datetime | None) -> bool:
    return other is None or time > other
