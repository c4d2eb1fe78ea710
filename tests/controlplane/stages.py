"""What the fake kubelet (KWOK) does to nodes and pods, as one configuration file.

A stage says: an object that looks like this gets, after so long, that patch. The selectors below exclude each other, so a
pod has one possible future; what a pod does is chosen by its image tag, an annotation or a label (see the package's own
documentation). Container statuses are computed once, in templates that all stages share.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

DOMAIN = "kubectl-pets.test"
SILENT_LABEL = f"{DOMAIN}/silent"
UNREADY_LABEL = f"{DOMAIN}/unready"

# The words in which the selectors are written, in jq.
_WORDS = f"""
def alive: .metadata.deletionTimestamp == null;
def starting: alive and .status.phase == "Pending" and .status.startTime == null;
def running: alive and .status.phase == "Running";
def annotation($name): (.metadata.annotations // {{}})["{DOMAIN}/" + $name];
def held: (.metadata.labels // {{}})["{UNREADY_LABEL}"] == "true";
def statuses: .status.containerStatuses // [];
def is($tag): .image | endswith(":" + $tag);
def image($tag): any(.spec.containers[]; is($tag));
def bad: first(("broken", "config-error", "invalid", "crash") as $tag | select(image($tag)) | $tag) // "none";
def waits($reason): any(statuses[]; .state.waiting.reason == $reason);
def ready: any(.status.conditions[]?; .type == "Ready" and .status == "True");
def finite: .spec.restartPolicy != "Always" and
  (annotation("complete-after") != null or any(.metadata.ownerReferences[]?; .kind == "Job"));
"""

_BEGIN = f"""
{{{{ $now := Now }}}}
{{{{ $pod := . }}}}
{{{{ $annotations := or .metadata.annotations dict }}}}
{{{{ $held := eq "true" (index (or .metadata.labels dict) "{UNREADY_LABEL}" | default "false") }}}}
{{{{ $statuses := list }}}}
"""

# What a kubelet that has just been given the pod makes of each container. Only `broken` was pulled for in vain, so only
# it has a second act; a container that never got as far as running has no ids.
_START_CONTAINERS = f"""
{{{{ $slow := index $annotations "{DOMAIN}/ready-after" }}}}
{{{{ range $container := .spec.containers }}}}
  {{{{ $status := dict "name" .name "image" .image "imageID" "" "restartCount" 0 "ready" false "started" false }}}}
  {{{{ $waiting := "" }}}}
  {{{{ $message := "" }}}}
  {{{{ if hasSuffix ":broken" .image }}}}
    {{{{ $waiting = "ErrImagePull" }}}}
    {{{{ $message = printf "failed to pull and unpack image %q: not found" .image }}}}
  {{{{ else if hasSuffix ":config-error" .image }}}}
    {{{{ $waiting = "CreateContainerConfigError" }}}}
    {{{{ $message = "configmap \\"missing\\" not found" }}}}
  {{{{ else if hasSuffix ":invalid" .image }}}}
    {{{{ $waiting = "InvalidImageName" }}}}
    {{{{ $message = printf "Failed to apply default image tag %q: couldn't parse image name" .image }}}}
  {{{{ end }}}}
  {{{{ if $waiting }}}}
    {{{{ $_ := set $status "state" (dict "waiting" (dict "reason" $waiting "message" $message)) }}}}
  {{{{ else }}}}
    {{{{ $crash := hasSuffix ":crash" .image }}}}
    {{{{ $started := or (not $slow) $crash }}}}
    {{{{ $_ := set $status "imageID" (printf "%s@sha256:%s" (regexReplaceAll ":[^:/]*$" .image "") (sha256sum .image)) }}}}
    {{{{ $_ := set $status "containerID" (printf "containerd://%s" (printf "%s/%s/0" $pod.metadata.uid .name | sha256sum)) }}}}
    {{{{ $_ := set $status "state" (dict "running" (dict "startedAt" $now)) }}}}
    {{{{ $_ := set $status "started" $started }}}}
    {{{{ $_ := set $status "ready" (and $started (not $held) (not $crash) (not (hasSuffix ":never-ready" .image))) }}}}
  {{{{ end }}}}
  {{{{ $statuses = append $statuses $status }}}}
{{{{ end }}}}
"""

# The status that follows from the containers': phase and conditions, as the kubelet derives them. The resource version
# makes a patch that was computed from an older pod (or from an earlier one of the same name) fail instead of apply.
_END = """
{{ $phase := "Running" }}
{{ $unready := list }}
{{ $done := true }}
{{ range $status := $statuses }}
  {{ if not $status.ready }}{{ $unready = append $unready $status.name }}{{ end }}
  {{ if not $status.state.terminated }}{{ $done = false }}{{ end }}
  {{ if and $status.state.waiting (not $status.lastState) }}{{ $phase = "Pending" }}{{ end }}
{{ end }}
{{ if $done }}{{ $phase = "Succeeded" }}{{ end }}
metadata:
  uid: {{ .metadata.uid | Quote }}
  resourceVersion: {{ .metadata.resourceVersion | Quote }}
status:
  phase: {{ $phase }}
  containerStatuses: {{ toJson $statuses }}
  conditions:
  {{ $value := ternary "False" "True" (gt (len $unready) 0) }}
  {{ range $type := list "Ready" "ContainersReady" }}
    {{ $since := $now }}
    {{ range $pod.status.conditions }}
      {{ if and (eq .type $type) (eq .status $value) }}{{ $since = .lastTransitionTime }}{{ end }}
    {{ end }}
  - type: {{ $type }}
    status: {{ $value | Quote }}
    lastProbeTime: null
    lastTransitionTime: {{ $since | Quote }}
    {{ if $done }}
    reason: PodCompleted
    message: null
    {{ else if $unready }}
    reason: ContainersNotReady
    message: {{ printf "containers with unready status: [%s]" (join " " $unready) | Quote }}
    {{ else }}
    reason: null
    message: null
    {{ end }}
  {{ end }}
"""

# KWOK soon gives an address out again that was given back; whoever wants to see one change has it made from the uid, in a
# range of its own.
_END_START = """
  {{ range $type := list "PodReadyToStartContainers" "Initialized" }}
  - type: {{ $type }}
    status: "True"
    lastProbeTime: null
    lastTransitionTime: {{ $now | Quote }}
  {{ end }}
  {{ with .spec.initContainers }}
  initContainerStatuses:
  {{ range . }}
  - name: {{ .name | Quote }}
    image: {{ .image | Quote }}
    imageID: {{ printf "%s@sha256:%s" (regexReplaceAll ":[^:/]*$" .image "") (sha256sum .image) | Quote }}
    containerID: {{ printf "containerd://%s" (printf "%s/%s/0" $pod.metadata.uid .name | sha256sum) }}
    restartCount: 0
    ready: true
    {{ if eq "Always" (.restartPolicy | default "") }}
    started: true
    state: {running: {startedAt: {{ $now | Quote }}}}
    {{ else }}
    started: false
    state:
      terminated:
        {exitCode: 0, reason: Completed, startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }}}
    {{ end }}
  {{ end }}
  {{ end }}
  startTime: {{ $now | Quote }}
  hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
  hostIPs:
  - ip: {{ NodeIPWith .spec.nodeName | Quote }}
  {{ $ip := "" }}
  {{ if index $annotations "@DOMAIN@/new-address" }}
    {{ $low := div (.metadata.uid | sha256sum | adler32sum | atoi) 65536 }}
    {{ $high := div (.metadata.uid | sha1sum | adler32sum | atoi) 65536 }}
    {{ $ip = printf "10.%d.%d.%d" (add 128 (mod $high 64)) (div $low 256) (mod $low 256) }}
  {{ else }}
    {{ $ip = PodIPWith .spec.nodeName (or .spec.hostNetwork false) .metadata.uid .metadata.name .metadata.namespace }}
  {{ end }}
  podIP: {{ $ip | Quote }}
  podIPs:
  - ip: {{ $ip | Quote }}
""".replace("@DOMAIN@", DOMAIN)

_NODE = """
{{ $now := Now }}
conditions:
{{ range NodeConditions }}
- type: {{ .type | Quote }}
  status: {{ .status | Quote }}
  reason: {{ .reason | Quote }}
  message: {{ .message | Quote }}
  lastHeartbeatTime: {{ $now | Quote }}
  lastTransitionTime: {{ $now | Quote }}
{{ end }}
addresses:
- type: InternalIP
  address: {{ NodeIP | Quote }}
- type: Hostname
  address: {{ .metadata.name | Quote }}
daemonEndpoints:
  kubeletEndpoint:
    Port: {{ NodePort }}
{{ $room := or .status.capacity (dict "cpu" "64" "memory" "256Gi" "ephemeral-storage" "1Ti" "pods" "10k") }}
capacity: {{ toJson $room }}
allocatable: {{ toJson $room }}
nodeInfo:
  architecture: amd64
  bootID: {{ .metadata.uid | Quote }}
  containerRuntimeVersion: containerd://2.1.0
  kernelVersion: kwok
  kubeProxyVersion: kwok-{{ Version }}
  kubeletVersion: kwok-{{ Version }}
  machineID: {{ .metadata.uid | Quote }}
  operatingSystem: linux
  osImage: KWOK
  systemUUID: {{ .metadata.uid | Quote }}
phase: Running
"""


def _changed(container: str) -> str:
    """The containers' statuses as they are, each changed by a fragment that sees it as $status."""
    return (
        "{{ range $status := (or .status.containerStatuses list) }}"
        + container
        + "{{ $statuses = append $statuses $status }}{{ end }}"
    )


def _event(reason: str, message: str, kind: str = "Warning") -> dict[str, Any]:
    return {"event": {"type": kind, "reason": reason, "message": message}}


def _stage(
    name: str, when: str, steps: Iterable[Mapping[str, Any]], *, kind: str = "Pod", delay: int | None = None,
    delay_from: str | None = None,
) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "resourceRef": {"apiGroup": "v1", "kind": kind},
        "selector": {"matchExpressions": [{"jq": {"key": f"{_WORDS}{when}", "operator": "In", "values": ["true"]}}]},
        "steps": [dict(step) for step in steps],
    }
    if delay is not None or delay_from is not None:
        spec["delay"] = {"durationMilliseconds": delay or 0}
        if delay_from is not None:
            spec["delay"]["durationFrom"] = {"jq": {"expression": f"{_WORDS}{delay_from}"}}
    return {"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "Stage", "metadata": {"name": name}, "spec": spec}


def _status(*fragments: str) -> dict[str, Any]:
    return {"patch": {"subresource": "status", "root": "", "template": "".join((_BEGIN, *fragments))}}


def _pod_stages() -> list[dict[str, Any]]:
    start = _status(_START_CONTAINERS, _END, _END_START)
    unready = '{{ $_ := set $status "ready" false }}'
    return [
        _stage("pod-start", 'starting and bad == "none"', [start]),
        _stage("pod-start-broken", 'starting and bad == "broken"', [
            start, _event("Failed", "Failed to pull image: not found"), _event("Failed", "Error: ErrImagePull"),
        ]),
        _stage("pod-start-config-error", 'starting and bad == "config-error"', [
            start, _event("Failed", 'Error: configmap "missing" not found'),
        ]),
        _stage("pod-start-invalid", 'starting and bad == "invalid"', [
            start, _event("InspectFailed", "Failed to apply default image tag: couldn't parse image name"),
        ]),
        _stage("pod-start-crash", 'starting and bad == "crash"', [start]),
        _stage("pod-image-backoff", 'alive and waits("ErrImagePull")', [
            _status(_changed("""
              {{ if eq "ErrImagePull" (dig "waiting" "reason" "" $status.state) }}
                {{ $message := printf "Back-off pulling image %q: ErrImagePull: not found" $status.image }}
                {{ $_ := set $status "state" (dict "waiting" (dict "reason" "ImagePullBackOff" "message" $message)) }}
              {{ end }}"""), _END),
            _event("BackOff", "Back-off pulling image"), _event("Failed", "Error: ImagePullBackOff"),
        ], delay=1000),
        _stage("pod-crash", 'running and any(statuses[]; is("crash") and .state.running != null)', [
            _status(_changed("""
              {{ if and (hasSuffix ":crash" $status.image) $status.state.running }}
                {{ $end := dict "exitCode" 1 "reason" "Error" "startedAt" $status.state.running.startedAt
                     "finishedAt" $now "containerID" $status.containerID }}
                {{ $message := printf "back-off restarting failed container=%s pod=%s_%s(%s)"
                     $status.name $pod.metadata.name $pod.metadata.namespace $pod.metadata.uid }}
                {{ $_ := set $status "lastState" (dict "terminated" $end) }}
                {{ $_ := set $status "state" (dict "waiting" (dict "reason" "CrashLoopBackOff" "message" $message)) }}
                {{ $_ := set $status "started" false }}
              {{ end }}"""), _END),
            _event("BackOff", "Back-off restarting failed container"),
        ], delay=300),
        _stage("pod-restart", 'running and waits("CrashLoopBackOff")', [
            _status(_changed("""
              {{ if eq "CrashLoopBackOff" (dig "waiting" "reason" "" $status.state) }}
                {{ $restarts := add1 (int $status.restartCount) }}
                {{ $id := printf "%s/%s/%d" $pod.metadata.uid $status.name $restarts | sha256sum }}
                {{ $_ := set $status "restartCount" $restarts }}
                {{ $_ := set $status "containerID" (printf "containerd://%s" $id) }}
                {{ $_ := set $status "state" (dict "running" (dict "startedAt" $now)) }}
                {{ $_ := set $status "started" true }}
              {{ end }}"""), _END),
            # A kubelet's back-off (10 s doubling to 5 min), at a pace that a test can wait for.
        ], delay_from='[pow(2; statuses | map(.restartCount) | max), 30] | min | "\\(.)s"'),
        _stage("pod-warm", 'running and any(statuses[]; .state.running != null and .started == false)', [
            _status(_changed("""
              {{ if $status.state.running }}
                {{ $_ := set $status "started" true }}
                {{ $_ := set $status "ready" (and (not $held) (not (hasSuffix ":never-ready" $status.image))) }}
              {{ end }}"""), _END),
        ], delay_from='annotation("ready-after")'),
        _stage("pod-unready", "running and held and any(statuses[]; .ready)", [_status(_changed(unready), _END)]),
        # Also for a pod whose node was given up and has come back.
        _stage(
            "pod-ready",
            'running and (held | not) and (ready | not) and all(statuses[]; .state.running != null and .started == true)'
            ' and bad == "none" and (image("never-ready") or image("flaky") | not)',
            [_status(_changed('{{ $_ := set $status "ready" true }}'), _END)],
        ),
        _stage("pod-flaky", 'running and (held | not) and any(statuses[]; is("flaky") and .ready)', [
            _status(_changed('{{ if hasSuffix ":flaky" $status.image }}' + unready + "{{ end }}"), _END),
            _event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"),
        ], delay=2000),
        _stage("pod-complete", "running and finite and ready and (image(\"flaky\") | not)", [
            _status(_changed("""
              {{ $end := dict "exitCode" 0 "reason" "Completed" "startedAt" $status.state.running.startedAt
                   "finishedAt" $now "containerID" $status.containerID }}
              {{ $_ := set $status "state" (dict "terminated" $end) }}
              {{ $_ := set $status "ready" false }}
              {{ $_ := set $status "started" false }}"""), _END),
        ], delay=200, delay_from='annotation("complete-after")'),
        # Deleting what has no grace left is the API server's doing; KWOK deletes by name, and may come too late and hit the successor.
        _stage(
            "pod-delete", "(alive | not) and .metadata.deletionGracePeriodSeconds != 0", [{"delete": True}],
            delay_from='annotation("delete-after")',
        ),
    ]


def configuration() -> str:
    """The text of KWOK's configuration file."""
    documents = [
        {
            "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
            "kind": "KwokConfiguration",
            "options": {"podPlayStageParallelism": 16, "nodePlayStageParallelism": 4, "nodeLeaseParallelism": 4, "enableDebuggingHandlers": True},
        },
        _stage("node-start", 'any(.status.conditions[]?; .type == "Ready" and .status == "True") | not', [
            {"patch": {"subresource": "status", "root": "status", "template": _NODE}},
        ], kind="Node"),
        *_pod_stages(),
        {
            "apiVersion": "kwok.x-k8s.io/v1alpha1",
            "kind": "ClusterExec",
            "metadata": {"name": "local"},
            "spec": {"execs": [{"local": {}}]},
        },
    ]
    return str(yaml.safe_dump_all(documents, sort_keys=False, width=1000))
