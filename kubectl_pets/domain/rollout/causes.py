"""What is the matter, in one stable word? ``crash:oom``, ``image:not-found``, ``quota``: for alerts, dashboards and runbooks.

A verdict's ``Cause`` says where a rollout hangs; this says why, as far as the cluster's own words tell, from one table. These are
the words of the kubelet, of containerd and CRI-O, of the scheduler, and of the API server's admission; a text that nobody knows
falls back to the general word for its cause, never to a wrong one. The words found are part of the interface: none is renamed,
and none changes its meaning.
"""

import re
from collections.abc import Iterable
from enum import StrEnum, unique
from typing import assert_never

import msgspec

from kubectl_pets.domain.rollout.containers import FAILING_REASONS
from kubectl_pets.domain.rollout.events import NOT_ADMITTED
from kubectl_pets.domain.rollout.verdict import Blocker, Cause


@unique
class CauseId(StrEnum):
    """Why a pod, or a whole set, does not get on."""

    CRASH_OOM = "crash:oom"
    CRASH_SIGNAL = "crash:signal"
    CRASH_EXIT = "crash:exit"
    CRASH_START = "crash:start"
    CRASH_HOOK = "crash:hook"
    IMAGE_NOT_FOUND = "image:not-found"
    IMAGE_DENIED = "image:denied"
    IMAGE_THROTTLED = "image:throttled"
    IMAGE_UNREACHABLE = "image:unreachable"
    IMAGE_PLATFORM = "image:platform"
    IMAGE_NAME = "image:name"
    IMAGE_NEVER_PULLED = "image:never-pulled"
    IMAGE_SIGNATURE = "image:signature"
    IMAGE_PULL = "image:pull"
    CONFIG_MISSING = "config:missing"
    CONFIG_INVALID = "config:invalid"
    QUOTA = "quota"
    LIMITS = "limits"
    ADMISSION = "admission"
    CREATE_REFUSED = "create:refused"
    UPDATE_REFUSED = "update:refused"
    UPDATE_UNFINISHED = "update:unfinished"
    DELETE_REFUSED = "delete:refused"
    SCHEDULE_RESOURCES = "schedule:resources"
    SCHEDULE_VOLUME = "schedule:volume"
    SCHEDULE_AFFINITY = "schedule:affinity"
    SCHEDULE_TAINT = "schedule:taint"
    SCHEDULE_NO_NODE = "schedule:no-node"
    SCHEDULE_NO_SCHEDULER = "schedule:no-scheduler"
    SCHEDULE_DEVICE = "schedule:device"
    VOLUME_ATTACH = "volume:attach"
    VOLUME_MOUNT = "volume:mount"
    VOLUME_UNBOUND = "volume:unbound"
    VOLUME_MISSING = "volume:missing"
    VOLUME_TERMINATING = "volume:terminating"
    SANDBOX = "sandbox"
    DEVICE = "device"
    NODE_SILENT = "node:silent"
    NODE_EVICTED = "node:evicted"
    NODE_PREEMPTED = "node:preempted"
    NODE_REFUSED = "node:refused"
    POD_ENDS = "pod:ends"
    TERMINATING_OVERDUE = "terminating:overdue"
    TERMINATING_FINALIZER = "terminating:finalizer"
    NAME_TAKEN = "name:taken"
    NAME_TOO_LONG = "name:too-long"
    CONTROLLER_SILENT = "controller:silent"
    CONTROLLER_STOPPED = "controller:stopped"
    UNREADABLE_PODS = "unreadable:pods"
    UNREADABLE_ORDINALS = "unreadable:ordinals"
    UNKNOWN_STRATEGY = "unknown:strategy"
    UNKNOWN = "unknown"


#: Patterns are compiled when the first one of a kind is looked for: most runs need none.
_Rules = tuple[tuple[str, CauseId], ...]


#: What the template names and is not there: a ConfigMap, Secret, key or ServiceAccount (kubelet ``kuberuntime``, volume
#: plugins, admission ``serviceaccount``), a RuntimeClass (admission ``runtimeclass``, kubelet), a PriorityClass (admission
#: ``priority``).
_MISSING = (
    r"(configmap|secret|serviceaccount)s? \S+ not found|couldn't find key|non-existent (secret|config) key"
    r"|service account .*not found"
    r"|runtimeclass(es)?(\.node\.k8s\.io)? \S+ not found|no priorityclass with name \S+ was found"
)

#: containerd ``remotes/docker``, CRI-O ``containers/image``, Docker. Whether a repository is not there, or is not yours, most
#: registries do not tell: that is "denied".
_IMAGE: _Rules = (
    (
        r"no match for platform|no matching manifest|does not match the specified platform|for architecture",
        CauseId.IMAGE_PLATFORM,
    ),
    (r"toomanyrequests|too many requests|pull QPS exceeded|\b429\b", CauseId.IMAGE_THROTTLED),
    (r"denied|unauthorized|authentication required|no basic auth|insufficient_scope|\b40[13]\b|forbidden", CauseId.IMAGE_DENIED),
    (r"not found|manifest unknown|name unknown|does not exist|\b404\b", CauseId.IMAGE_NOT_FOUND),
    (
        r"no such host|timeout|timed out|connection (refused|reset)|dial tcp|x509|certificate|server misbehaving|unreachable"
        r"|\b50[0-9]\b",
        CauseId.IMAGE_UNREACHABLE,
    ),
)

_IMAGE_REASONS = {
    "InvalidImageName": CauseId.IMAGE_NAME,
    "ErrImageNeverPull": CauseId.IMAGE_NEVER_PULLED,
    "SignatureValidationFailed": CauseId.IMAGE_SIGNATURE,
    "RegistryUnavailable": CauseId.IMAGE_UNREACHABLE,
}
_PULLING = ("ErrImagePull", "ImagePullBackOff", "ImageInspectError")

#: What the API server's admission says (plugins resourcequota, limitranger, podsecurity; webhooks; admission policies).
_REFUSED: _Rules = (
    (r"exceeded quota|failed quota", CauseId.QUOTA),
    (r"(maximum|minimum) \S+ usage per|limit to request ratio", CauseId.LIMITS),
    (_MISSING, CauseId.CONFIG_MISSING),
    (r"violates PodSecurity|admission webhook|failed calling webhook|denied (the )?request|is forbidden", CauseId.ADMISSION),
    (r"is invalid", CauseId.CONFIG_INVALID),
)

#: The scheduler's reasons (pkg/scheduler/framework/plugins), those first that no other node can make up for.
_UNSCHEDULABLE: _Rules = (
    (
        r"volume node affinity|node\(s\) had volume|persistentvolumeclaim .*not found|volume count|unbound|binding volumes",
        CauseId.SCHEDULE_VOLUME,
    ),
    (r"insufficient|too many pods", CauseId.SCHEDULE_RESOURCES),
    (r"affinity|selector|topology spread|free ports", CauseId.SCHEDULE_AFFINITY),
    (r"taint", CauseId.SCHEDULE_TAINT),
    (r"resourceclaim|device|allocate all claims", CauseId.SCHEDULE_DEVICE),
)

#: What keeps a pod that has its node from its first container (kubelet ``volumemanager``, attach/detach controller).
_NOT_STARTED: _Rules = (
    (_MISSING, CauseId.CONFIG_MISSING),
    (r"FailedAttachVolume|Multi-Attach|AttachVolume\.|not attached|failed to attach", CauseId.VOLUME_ATTACH),
    (r"FailedMount|FailedMapVolume", CauseId.VOLUME_MOUNT),
    (r"FailedCreatePodSandBox|NetworkNotReady", CauseId.SANDBOX),
    (r"FailedPrepareDynamicResources", CauseId.DEVICE),
)

#: With these the kubelet ends a pod or does not let it in.
_ENDED: _Rules = (
    (r"^(Evicted|TaintManagerEviction)", CauseId.NODE_EVICTED),
    (r"^Preempt", CauseId.NODE_PREEMPTED),
    (rf"^({NOT_ADMITTED})", CauseId.NODE_REFUSED),
)

#: Names are not words: what is quoted, a path, a URL, an image, a taint.
_NAMES = r'"[^"]*"|\{[^}]*\}|\S*/\S*'

_CONFIG: _Rules = ((_MISSING, CauseId.CONFIG_MISSING),)

_HOOKS = ("PostStartHookError", "PreStartHookError", "PreCreateHookError")

#: It never ran: the runtime's word for that end, or the kubelet's for the attempt.
_NEVER_RAN = ("StartError", "ContainerCannotRun", "RunContainerError")

#: A shell and a runtime give 128 and the signal's number as exit code (signal(7)); beyond these it is the program's own.
_SIGNALS = range(129, 160)


class Same(msgspec.Struct, frozen=True, kw_only=True):
    """Blockers that differ in nothing but their pod. ``found``: the first of them, with the earliest end of patience."""

    id: CauseId
    found: Blocker
    pods: tuple[str, ...]


def cause_of(found: Blocker) -> CauseId:
    """The word for what blocks."""
    match found.cause:
        case Cause.CONTAINER:
            return _of_container(found)
        case Cause.POD_ENDS:
            return _first(_ENDED, found.reason, CauseId.POD_ENDS)
        case Cause.NOT_STARTED:
            return _first(_NOT_STARTED, f"{found.reason}: {found.message}", CauseId.UNKNOWN)
        case Cause.UNSCHEDULABLE:
            return _first(_UNSCHEDULABLE, re.sub(_NAMES, "", found.message), CauseId.SCHEDULE_NO_NODE)
        case Cause.NOT_SCHEDULED:
            return CauseId.SCHEDULE_DEVICE if found.message else CauseId.SCHEDULE_NO_SCHEDULER
        case Cause.CLAIM_UNBOUND | Cause.VOLUME_NOT_MADE:
            return CauseId.VOLUME_UNBOUND
        case Cause.TERMINATION_OVERDUE:
            return CauseId.TERMINATING_OVERDUE
        case Cause.FINALIZER:
            return CauseId.TERMINATING_FINALIZER
        case Cause.NODE_SILENT | Cause.NOT_TAKEN_ON:
            return CauseId.NODE_SILENT
        case Cause.CREATION_REFUSED:
            return _first(_REFUSED, found.message, CauseId.CREATE_REFUSED)
        case Cause.DELETION_REFUSED:
            return _first(_REFUSED, found.message, CauseId.DELETE_REFUSED)
        case Cause.UPDATE_REFUSED:
            return _first(_REFUSED, found.message, CauseId.UPDATE_REFUSED)
        case Cause.NAME_TAKEN:
            return CauseId.NAME_TAKEN
        case Cause.NOT_MADE:
            return CauseId.VOLUME_TERMINATING if found.message else CauseId.CONTROLLER_SILENT
        case Cause.VOLUME_MISSING:
            return CauseId.VOLUME_MISSING
        case Cause.UPDATE_UNFINISHED:
            return CauseId.UPDATE_UNFINISHED
        case Cause.NOT_OBSERVED | Cause.NOT_DELETED | Cause.PART_NOT_MADE:
            return CauseId.CONTROLLER_SILENT
        case Cause.SET_NAME_TOO_LONG:
            return CauseId.NAME_TOO_LONG
        case Cause.PODS_UNREADABLE:
            return CauseId.UNREADABLE_PODS
        case Cause.SLOTS_UNREADABLE:
            return CauseId.UNREADABLE_ORDINALS
        case Cause.STRATEGY_UNKNOWN:
            return CauseId.UNKNOWN_STRATEGY
        case Cause.CONTROLLER_STOPPED:
            return CauseId.CONTROLLER_STOPPED
        case _:
            assert_never(found.cause)


def alike(blockers: Iterable[Blocker]) -> tuple[Same, ...]:
    """One entry for all pods that are blocked in the same way, in the order of the first of each."""
    groups: dict[tuple[object, ...], list[Blocker]] = {}
    for found in blockers:
        groups.setdefault(_likeness(found), []).append(found)
    answer = []
    for group in groups.values():
        times = [each.stuck_at for each in group if each.stuck_at is not None]
        first = msgspec.structs.replace(group[0], stuck_at=min(times, default=None))
        answer.append(Same(id=cause_of(first), found=first, pods=tuple(each.pod for each in group if each.pod)))
    return tuple(answer)


def _likeness(found: Blocker) -> tuple[object, ...]:
    """All but the pod and its times. What the message says of this very pod is the same where it says it of the next one."""
    told = found.message.replace(found.pod, "*") if found.pod else found.message
    return found.cause, found.reason, told, found.updated, found.container, found.exit_code, found.signal, found.end


def _of_container(found: Blocker) -> CauseId:
    if found.reason in _IMAGE_REASONS:
        return _IMAGE_REASONS[found.reason]
    if found.reason in _PULLING:
        return _first(_IMAGE, re.sub(_NAMES, "", found.message), CauseId.IMAGE_PULL)
    if found.reason in ("CreateContainerConfigError", "CreateContainerError"):
        return _first(_CONFIG, found.message, CauseId.CONFIG_INVALID)
    if found.reason in _HOOKS:
        return CauseId.CRASH_HOOK
    if "exec format error" in found.message:
        return CauseId.IMAGE_PLATFORM
    if found.reason and found.reason not in FAILING_REASONS and found.exit_code is None:
        return CauseId.UNKNOWN
    return _of_end(found)


def _of_end(found: Blocker) -> CauseId:
    """How its last life ended."""
    if found.end == "OOMKilled" or found.reason == "OOMKilled":
        return CauseId.CRASH_OOM
    if found.end in _NEVER_RAN or found.reason in _NEVER_RAN:
        return CauseId.CRASH_START
    if found.signal or found.exit_code in _SIGNALS:
        return CauseId.CRASH_SIGNAL
    return CauseId.CRASH_EXIT


def _first(rules: _Rules, words: str, otherwise: CauseId) -> CauseId:
    return next((found for pattern, found in rules if re.search(pattern, words, re.IGNORECASE)), otherwise)
