"""One stable word for why a pod does not get on, from the words of the kubelet, the runtimes, the scheduler and admission."""

import json
import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.rollout.causes import CauseId, alike, cause_of
from kubectl_pets.domain.rollout.verdict import Blocker, Cause

PAGE = Path(__file__).resolve().parents[2] / "docs" / "causes.md"


def container(reason: str, message: str = "", **more: object) -> Blocker:
    return replace(Blocker(cause=Cause.CONTAINER, pod="web-2", container="app", reason=reason, message=message), **more)


def pull(told: str) -> Blocker:
    """As containerd words it."""
    reference = "registry.example.com/denied/timeout:403"
    return container("ErrImagePull", f'failed to pull and unpack image "{reference}": failed to resolve reference "{reference}": {told}')


CASES = [
    (container("CrashLoopBackOff", exit_code=137, end="OOMKilled"), "crash:oom"),
    (container("OOMKilled", exit_code=137, end="OOMKilled"), "crash:oom"),
    (container("CrashLoopBackOff", exit_code=3, end="Error"), "crash:exit"),
    (container("CrashLoopBackOff", exit_code=0, end="Completed"), "crash:exit"),
    (container("CrashLoopBackOff", exit_code=255, end="Error"), "crash:exit"),
    (container("CrashLoopBackOff", exit_code=139, end="Error"), "crash:signal"),
    (container("CrashLoopBackOff", exit_code=1, signal=9), "crash:signal"),
    (container("CrashLoopBackOff", exit_code=128, end="StartError", message='exec: "nope": executable file not found in $PATH'), "crash:start"),
    (container("PostStartHookError", "rpc error"), "crash:hook"),
    (container("CrashLoopBackOff", exit_code=128, end="StartError", message="exec /app: exec format error"), "image:platform"),
    (pull("registry.example.com/denied/timeout:403: not found"), "image:not-found"),
    (pull("unexpected status from HEAD request to https://registry.example.com/v2/timeout/manifests/403: 401 Unauthorized"), "image:denied"),
    (pull("pull access denied, repository does not exist or may require authorization: server message: insufficient_scope"), "image:denied"),
    (pull('failed to do request: Head "https://registry.example.com/v2/denied": dial tcp: lookup registry: no such host'), "image:unreachable"),
    (pull('failed to do request: Head "https://x/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority'), "image:unreachable"),
    (pull("toomanyrequests: You have reached your unauthenticated pull rate limit"), "image:throttled"),
    (pull("no match for platform in manifest: not found"), "image:platform"),
    (container("ImagePullBackOff", 'Back-off pulling image "registry.example.com/not found:denied"'), "image:pull"),
    (container("ImagePullBackOff", 'Back-off pulling image "a/b:1": ErrImagePull: manifest unknown'), "image:not-found"),
    (container("InvalidImageName", "couldn't parse image name"), "image:name"),
    (container("ErrImageNeverPull", "is not present with pull policy of Never"), "image:never-pulled"),
    (container("SignatureValidationFailed"), "image:signature"),
    (container("CreateContainerConfigError", 'configmap "missing" not found'), "config:missing"),
    (container("CreateContainerConfigError", "couldn't find key DSN in Secret x/db"), "config:missing"),
    (container("CreateContainerConfigError", "container has runAsNonRoot and image will run as root"), "config:invalid"),
    (Blocker(cause=Cause.NOT_STARTED, reason="FailedMount", message='MountVolume.SetUp failed for volume "v" : secret "missing" not found'), "config:missing"),
    (Blocker(cause=Cause.NOT_STARTED, reason="FailedMount", message="MountVolume.MountDevice failed: rpc error: timed out"), "volume:mount"),
    (Blocker(cause=Cause.NOT_STARTED, reason="FailedAttachVolume", message="Multi-Attach error for volume pvc-1"), "volume:attach"),
    (Blocker(cause=Cause.NOT_STARTED, reason="FailedCreatePodSandBox", message="plugin type=calico failed"), "sandbox"),
    (Blocker(cause=Cause.NOT_STARTED, reason="FailedPrepareDynamicResources"), "device"),
    (Blocker(cause=Cause.NOT_STARTED, reason="Whatever"), "unknown"),
    (Blocker(cause=Cause.UNSCHEDULABLE, message="0/3 nodes are available: 1 node(s) had untolerated taint {a: affinity}, 2 Insufficient memory."), "schedule:resources"),
    (Blocker(cause=Cause.UNSCHEDULABLE, message="0/3 nodes are available: 3 node(s) had untolerated taint {zone: selector}."), "schedule:taint"),
    (Blocker(cause=Cause.UNSCHEDULABLE, message="0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules."), "schedule:affinity"),
    (Blocker(cause=Cause.UNSCHEDULABLE, message="0/3 nodes are available: 3 node(s) had volume node affinity conflict."), "schedule:volume"),
    (Blocker(cause=Cause.UNSCHEDULABLE, message="no nodes available to schedule pods"), "schedule:no-node"),
    (Blocker(cause=Cause.CREATION_REFUSED, message='pods "web-2" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2'), "quota"),
    (Blocker(cause=Cause.CREATION_REFUSED, message='pods "web-2" is forbidden: failed quota: q: must specify limits.cpu'), "quota"),
    (Blocker(cause=Cause.CREATION_REFUSED, message='pods "web-2" is forbidden: maximum cpu usage per Container is 1, but limit is 2'), "limits"),
    (Blocker(cause=Cause.CREATION_REFUSED, message='pods "web-2" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot'), "admission"),
    (Blocker(cause=Cause.CREATION_REFUSED, message='admission webhook "v.example.com" denied the request: no'), "admission"),
    (Blocker(cause=Cause.CREATION_REFUSED, message='failed calling webhook "v.example.com": connection refused'), "admission"),
    (Blocker(cause=Cause.CREATION_REFUSED, message='pods "web-2" is forbidden: error looking up service account x/y: serviceaccount "y" not found'), "config:missing"),
    (Blocker(cause=Cause.CREATION_REFUSED, message='pods "web-2" is forbidden: pod rejected: RuntimeClass "gvisor" not found'), "config:missing"),
    (Blocker(cause=Cause.CREATION_REFUSED, message='pods "web-2" is forbidden: no PriorityClass with name high was found'), "config:missing"),
    (Blocker(cause=Cause.NOT_STARTED, reason="FailedCreatePodSandBox", message='runtimeclass.node.k8s.io "gvisor" not found'), "config:missing"),
    (Blocker(cause=Cause.CREATION_REFUSED, message="something new"), "create:refused"),
    (Blocker(cause=Cause.UPDATE_REFUSED, message="something new"), "update:refused"),
    (Blocker(cause=Cause.DELETION_REFUSED, message="something new"), "delete:refused"),
    (Blocker(cause=Cause.DELETION_REFUSED, message='admission webhook "v.example.com" denied the request: no'), "admission"),
    (Blocker(cause=Cause.POD_ENDS, reason="Evicted"), "node:evicted"),
    (Blocker(cause=Cause.CONTAINER, reason="ErrVolumeOfAnImage", message="no such artifact"), "unknown"),
    (Blocker(cause=Cause.POD_ENDS, reason="TaintManagerEviction"), "node:evicted"),
    (Blocker(cause=Cause.POD_ENDS, reason="Preempting"), "node:preempted"),
    (Blocker(cause=Cause.POD_ENDS, reason="Preempted"), "node:preempted"),
    (Blocker(cause=Cause.POD_ENDS, reason="OutOfcpu"), "node:refused"),
    (Blocker(cause=Cause.POD_ENDS, reason="OutOfephemeral-storage"), "node:refused"),
    (Blocker(cause=Cause.POD_ENDS, reason="NodeShutdown"), "node:refused"),
    (Blocker(cause=Cause.NOT_MADE, reason="Succeeded"), "controller:silent"),
    (Blocker(cause=Cause.POD_ENDS), "pod:ends"),
    (Blocker(cause=Cause.NODE_SILENT, message="node-a"), "node:silent"),
    (Blocker(cause=Cause.NOT_TAKEN_ON, message="node-a"), "node:silent"),
    (Blocker(cause=Cause.VOLUME_NOT_MADE, message="data-web-2"), "volume:unbound"),
    (Blocker(cause=Cause.UNSCHEDULABLE, message='running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded'), "schedule:volume"),
    (Blocker(cause=Cause.CONTAINER, reason="ErrImagePull", message="pull QPS exceeded"), "image:throttled"),
    (Blocker(cause=Cause.NOT_MADE, message="data-web-1"), "volume:terminating"),
    (Blocker(cause=Cause.NOT_MADE), "controller:silent"),
    (Blocker(cause=Cause.NOT_DELETED), "controller:silent"),
    (Blocker(cause=Cause.PART_NOT_MADE, message="vllm-1-1"), "controller:silent"),
    (Blocker(cause=Cause.UPDATE_UNFINISHED, message="its lifecycle state is not Normal"), "update:unfinished"),
]


@pytest.mark.parametrize(("found", "wanted"), CASES, ids=[f"{number}-{wanted}" for number, (_, wanted) in enumerate(CASES)])
def test_the_word(found: Blocker, wanted: str) -> None:
    assert cause_of(found) == wanted


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_a_word_even_where_nothing_is_told(cause: Cause) -> None:
    assert cause_of(Blocker(cause=cause)) in CauseId


def test_the_page_lists_every_word_once_and_no_other() -> None:
    rows = re.findall(r"^\| `([a-z:-]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [each.value for each in CauseId]


def test_pods_that_are_blocked_alike_are_one_entry() -> None:
    crash = container("CrashLoopBackOff", "out of memory in web-2", exit_code=137, end="OOMKilled")
    others = [replace(crash, pod=f"web-{at}", message=f"out of memory in web-{at}", restarts=at) for at in (3, 4)]
    other = replace(crash, pod="web-5", exit_code=1, end="Error")
    found = alike([crash, others[0], other, others[1]])
    assert [(same.id, same.pods) for same in found] == [
        (CauseId.CRASH_OOM, ("web-2", "web-3", "web-4")),
        (CauseId.CRASH_EXIT, ("web-5",)),
    ]
    assert found[0].found == crash


def test_what_is_of_the_whole_set_names_no_pod() -> None:
    (found,) = alike([Blocker(cause=Cause.PODS_UNREADABLE)])
    assert found.pods == () and json.dumps(found.id) == '"unreadable:pods"'
