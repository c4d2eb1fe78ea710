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
NODE_STEP_LABEL = f"{DOMAIN}/node-step"

#: How containers end that do not stay up, by their image's tag: exit code and reason. As a kubelet they are started again.
ENDS = {"dies": (3, "Error"), "oom": (137, "OOMKilled"), "ends": (0, "Completed")}
_DYING = "|".join(ENDS)

# The words in which the selectors are written, in jq.
_WORDS = f"""
def alive: .metadata.deletionTimestamp == null;
def starting: alive and .status.phase == "Pending" and .status.startTime == null;
def running: alive and .status.phase == "Running";
def annotation($name): (.metadata.annotations // {{}})["{DOMAIN}/" + $name];
def kept: (.metadata.finalizers // []) != [] and .status.phase != "Succeeded" and .status.phase != "Failed";
def held: (.metadata.labels // {{}})["{UNREADY_LABEL}"] == "true";
def statuses: .status.containerStatuses // [];
def every: statuses + (.status.initContainerStatuses // []);
def is($tag): .image | endswith(":" + $tag);
def image($tag): any(.spec.containers[]; is($tag));
def bad: first(("broken", "config-error", "invalid", "crash") as $tag | select(image($tag)) | $tag) // "none";
def waits($reason): any(statuses[]; .state.waiting.reason == $reason);
def dying: .image | test(":({_DYING})$");
def dies: any((.spec.containers + (.spec.initContainers // []))[]; dying);
def living: any(every[]; dying and .state.running != null);
def ended: alive and (living | not) and any(every[]; dying and .state.terminated != null);
def back_off: alive and (living | not) and any(every[]; dying and .state.waiting.reason == "CrashLoopBackOff");
def restarts: [every[] | select(dying) | .restartCount] | max;
def ready: any(.status.conditions[]?; .type == "Ready" and .status == "True");
def gates: .status.conditions as $all |
  all(.spec.readinessGates[]?; .conditionType as $gate | any($all[]?; .type == $gate and .status == "True"));
def changed: (reduce .spec.containers[] as $each ({{}}; .[$each.name] = $each.image)) as $want | any(statuses[]; .image != $want[.name]);
def finite: .spec.restartPolicy != "Always" and
  (annotation("complete-after") != null or any(.metadata.ownerReferences[]?; .kind == "Job"));
"""

_BEGIN = f"""
{{{{ $now := Now }}}}
{{{{ $pod := . }}}}
{{{{ $annotations := or .metadata.annotations dict }}}}
{{{{ $held := eq "true" (index (or .metadata.labels dict) "{UNREADY_LABEL}" | default "false") }}}}
{{{{ $statuses := list }}}}
{{{{ $inits := list }}}}
{{{{ $over := false }}}}
"""

# Init containers come to their end at once and sidecars stay, but for one whose image dies: nothing is started after it until it
# has come to its end, unless it is a sidecar.
_START_INITS = f"""
{{{{ $held_back := false }}}}
{{{{ range .spec.initContainers }}}}
  {{{{ $dying := regexMatch ":({_DYING})$" .image }}}}
  {{{{ $sidecar := eq "Always" (.restartPolicy | default "") }}}}
  {{{{ $status := dict "name" .name "image" .image "restartCount" 0 }}}}
  {{{{ $_ := set $status "imageID" (printf "%s@sha256:%s" (regexReplaceAll ":[^:/]*$" .image "") (sha256sum .image)) }}}}
  {{{{ $_ := set $status "containerID" (printf "containerd://%s" (printf "%s/%s/0" $pod.metadata.uid .name | sha256sum)) }}}}
  {{{{ $_ := set $status "started" $sidecar }}}}
  {{{{ $_ := set $status "ready" (or $sidecar (not $dying)) }}}}
  {{{{ if or $sidecar $dying }}}}
    {{{{ $_ := set $status "state" (dict "running" (dict "startedAt" $now)) }}}}
  {{{{ else }}}}
    {{{{ $end := dict "exitCode" 0 "reason" "Completed" "startedAt" $now "finishedAt" $now }}}}
    {{{{ $_ := set $status "state" (dict "terminated" $end) }}}}
  {{{{ end }}}}
  {{{{ if $held_back }}}}
    {{{{ $_ := set $status "state" (dict "waiting" (dict "reason" "PodInitializing")) }}}}
    {{{{ $_ := set $status "ready" false }}}}
  {{{{ end }}}}
  {{{{ if and $dying (not $sidecar) }}}}{{{{ $held_back = true }}}}{{{{ end }}}}
  {{{{ $inits = append $inits $status }}}}
{{{{ end }}}}
"""

# What a kubelet that has just been given the pod makes of each container. Only `broken` was pulled for in vain, so only
# it has a second act; a container that never got as far as running has no ids.
_START_CONTAINERS = f"""
{{{{ $slow := index $annotations "{DOMAIN}/ready-after" }}}}
{{{{ range $container := .spec.containers }}}}
  {{{{ $status := dict "name" .name "image" .image "imageID" "" "restartCount" 0 "ready" false "started" false }}}}
  {{{{ $waiting := "" }}}}
  {{{{ $message := "" }}}}
  {{{{ if $held_back }}}}
    {{{{ $waiting = "PodInitializing" }}}}
  {{{{ else if hasSuffix ":broken" .image }}}}
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
{{ $done := or $over (ne "Always" (.spec.restartPolicy | default "Always")) }}
{{ range (or $inits .status.initContainerStatuses list) }}
  {{ if not .ready }}{{ $unready = append $unready .name }}{{ end }}
{{ end }}
{{ range $status := $statuses }}
  {{ if not $status.ready }}{{ $unready = append $unready $status.name }}{{ end }}
  {{ if not $status.state.terminated }}{{ $done = false }}{{ end }}
  {{ if and $status.state.waiting (not $status.lastState) }}{{ $phase = "Pending" }}{{ end }}
{{ end }}
{{ if $done }}{{ $phase = "Succeeded" }}{{ end }}
{{ $shut := list }}
{{ range $gate := or $pod.spec.readinessGates list }}
  {{ $open := false }}
  {{ range $pod.status.conditions }}{{ if and (eq .type $gate.conditionType) (eq .status "True") }}{{ $open = true }}{{ end }}{{ end }}
  {{ if not $open }}{{ $shut = append $shut $gate.conditionType }}{{ end }}
{{ end }}
metadata:
  uid: {{ .metadata.uid | Quote }}
  resourceVersion: {{ .metadata.resourceVersion | Quote }}
status:
  phase: {{ $phase }}
  containerStatuses: {{ toJson $statuses }}
  {{ if $inits }}
  initContainerStatuses: {{ toJson $inits }}
  {{ end }}
  conditions:
  {{ range $type := list "Ready" "ContainersReady" }}
    {{ $value := ternary "False" "True" (or (gt (len $unready) 0) (and (eq $type "Ready") (gt (len $shut) 0))) }}
    {{ $since := $now }}
    {{ range $pod.status.conditions }}
      {{ if and (eq .type $type) (eq .status $value) }}{{ $since = or .lastTransitionTime $now }}{{ end }}
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
    {{ else if eq $value "False" }}
    reason: ReadinessGatesNotReady
    message: {{ printf "corresponding condition of pod readiness gate %q does not exist." (index $shut 0) | Quote }}
    {{ else }}
    reason: null
    message: null
    {{ end }}
  {{ end }}
"""

# KWOK soon gives an address out again that was given back; whoever wants to see one change has it made from the uid, in a
# range of its own.
_END_START = """
  - type: PodReadyToStartContainers
    status: "True"
    lastProbeTime: null
    lastTransitionTime: {{ $now | Quote }}
  - type: Initialized
    lastProbeTime: null
    lastTransitionTime: {{ $now | Quote }}
    {{ if $held_back }}
    status: "False"
    reason: ContainersNotInitialized
    {{ else }}
    status: "True"
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

# The size that is there now is the one that was asked for when the node was told, whatever is asked for since.
_EXPANDED = """
{{ $kept := list }}
{{ range .status.conditions }}
  {{ if and (ne .type "FileSystemResizePending") (ne .type "Resizing") }}{{ $kept = append $kept . }}{{ end }}
{{ end }}
capacity:
  storage: {{ .status.allocatedResources.storage | Quote }}
allocatedResourceStatuses: null
conditions: {{ toJson $kept }}
"""


def _changed(container: str, inits: bool = False) -> str:
    """The containers' statuses as they are, each changed by a fragment that sees it as $status; ``inits``: those of init
    containers too."""
    lists = (("containerStatuses", "$statuses"), ("initContainerStatuses", "$inits"))[: 2 if inits else 1]
    return "".join(
        f"{{{{ range $status := (or .status.{field} list) }}}}{container}{{{{ {name} = append {name} $status }}}}{{{{ end }}}}"
        for field, name in lists
    )


def _dying(change: str, state: str) -> str:
    """A change of the containers that do not stay up and are in that state (running, terminated, waiting)."""
    return _changed(f"""
      {{{{ if and (regexMatch ":({_DYING})$" $status.image) $status.state.{state} }}}}{change}{{{{ end }}}}""", inits=True)


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


def _stages_of_the_dying() -> list[dict[str, Any]]:
    """What a kubelet shows of containers that end and are started again (recorded from 1.37.2): `terminated` for as long as the
    back-off lasts, `CrashLoopBackOff` for a blink before the restart, Ready while they live, for there is no probe."""
    codes = "".join(
        f'{{{{ if hasSuffix ":{tag}" $status.image }}}}{{{{ $code = {code} }}}}{{{{ $reason = "{reason}" }}}}{{{{ end }}}}'
        for tag, (code, reason) in ENDS.items()
    )
    return [
        _stage("pod-dies", "alive and living", [
            _status(_dying("{{ $code := 0 }}{{ $reason := \"\" }}" + codes + """
              {{ $end := dict "exitCode" $code "reason" $reason "startedAt" $status.state.running.startedAt "finishedAt" $now
                   "containerID" $status.containerID }}
              {{ $_ := set $status "state" (dict "terminated" $end) }}
              {{ $_ := set $status "started" false }}
              {{ $_ := set $status "ready" false }}""", "running"), _END),
        ], delay_from='annotation("dies-after") // "1s"'),
        _stage("pod-back-off", "ended", [
            _status(_dying("""
              {{ $message := printf "back-off restarting failed container=%s pod=%s_%s(%s)"
                   $status.name $pod.metadata.name $pod.metadata.namespace $pod.metadata.uid }}
              {{ $_ := set $status "lastState" (dict "terminated" $status.state.terminated) }}
              {{ $_ := set $status "state" (dict "waiting" (dict "reason" "CrashLoopBackOff" "message" $message)) }}
            """, "terminated"), _END),
            _event("BackOff", "Back-off restarting failed container"),
            # A kubelet's back-off (the first time none, then 10 s doubling to 5 min), at a tenth.
        ], delay_from='restarts | if . == 0 then "500ms" else ([pow(2; . - 1), 30] | min | "\\(.)s") end'),
        _stage("pod-lives-again", "back_off", [
            _status(_dying("""
              {{ $restarts := add1 (int $status.restartCount) }}
              {{ $serves := true }}
              {{ range $pod.spec.initContainers }}
                {{ if and (eq .name $status.name) (ne "Always" (.restartPolicy | default "")) }}{{ $serves = false }}{{ end }}
              {{ end }}
              {{ $_ := set $status "restartCount" $restarts }}
              {{ $_ := set $status "containerID"
                   (printf "containerd://%s" (printf "%s/%s/%d" $pod.metadata.uid $status.name $restarts | sha256sum)) }}
              {{ $_ := set $status "state" (dict "running" (dict "startedAt" $now)) }}
              {{ $_ := set $status "started" true }}
              {{ $_ := set $status "ready" (and $serves (not $held)) }}""", "waiting"), _END),
        ], delay=200),
    ]


def _status(*fragments: str) -> dict[str, Any]:
    return {"patch": {"subresource": "status", "root": "", "template": "".join((_BEGIN, *fragments))}}


def _pod_stages() -> list[dict[str, Any]]:
    start = _status(_START_INITS, _START_CONTAINERS, _END, _END_START)
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
        _stage("pod-restart", 'running and any(statuses[]; is("crash") and .state.waiting != null)', [
            _status(_changed("""
              {{ if and (hasSuffix ":crash" $status.image) $status.state.waiting }}
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
            'running and gates and (changed | not) and (held | not) and (ready | not)'
            ' and all(statuses[]; .state.running != null and .started == true)'
            ' and bad == "none" and (dies or image("never-ready") or image("flaky") | not)',
            [_status(_changed('{{ $_ := set $status "ready" true }}'), _END)],
        ),
        _stage("pod-gate-shut", "running and ready and (gates | not)", [_status(_changed(""), _END)]),
        # An image that is changed in the pod itself: the kubelet starts the container anew from it.
        _stage("pod-in-place", "running and changed and (ready and (gates | not) | not)", [_status(_changed("""
          {{ $image := $status.image }}
          {{ range $container := $pod.spec.containers }}
            {{ if eq $container.name $status.name }}{{ $image = $container.image }}{{ end }}
          {{ end }}
          {{ if ne $image $status.image }}
            {{ $restarts := add1 (int $status.restartCount) }}
            {{ if $status.state.running }}
              {{ $end := dict "exitCode" 0 "reason" "Completed" "finishedAt" $now "startedAt" $status.state.running.startedAt }}
              {{ $_ := set $status "lastState" (dict "terminated" $end) }}
            {{ end }}
            {{ $_ := set $status "image" $image }}
            {{ $_ := set $status "restartCount" $restarts }}
            {{ $_ := set $status "ready" false }}
            {{ if hasSuffix ":broken" $image }}
              {{ $message := printf "Back-off pulling image %q: ErrImagePull: not found" $image }}
              {{ $_ := set $status "imageID" "" }}
              {{ $_ := set $status "started" false }}
              {{ $_ := set $status "state" (dict "waiting" (dict "reason" "ImagePullBackOff" "message" $message)) }}
            {{ else }}
              {{ $id := printf "%s/%s/%d" $pod.metadata.uid $status.name $restarts | sha256sum }}
              {{ $_ := set $status "containerID" (printf "containerd://%s" $id) }}
              {{ $_ := set $status "imageID" (printf "%s@sha256:%s" (regexReplaceAll ":[^:/]*$" $image "") (sha256sum $image)) }}
              {{ $_ := set $status "started" true }}
              {{ $_ := set $status "state" (dict "running" (dict "startedAt" $now)) }}
            {{ end }}
          {{ end }}"""), _END)], delay=500),
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
            "pod-delete", "(alive | not) and .metadata.deletionGracePeriodSeconds != 0 and (kept | not)", [{"delete": True}],
            delay_from='annotation("delete-after")',
        ),
        # A kubelet writes down how the containers ended before it lets go of the pod (pkg/kubelet/status, since 1.27), which shows
        # where a finalizer keeps the pod after that.
        _stage("pod-ends", "(alive | not) and kept", [
            _status(_changed("""
              {{ $end := dict "exitCode" 0 "reason" "Completed" "finishedAt" $now }}
              {{ $_ := set $status "state" (dict "terminated" $end) }}
              {{ $_ := set $status "ready" false }}
              {{ $_ := set $status "started" false }}"""), '{{ $over = true }}', _END),
        ]),
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
        *_stages_of_the_dying(),
        # A kubelet's part of an expansion, of a claim that a pod uses (the condition is of Kubernetes 1.37).
        _stage(
            "claim-expanded",
            f'(.metadata.labels // {{}})["{NODE_STEP_LABEL}"] != "held"'
            ' and .status.allocatedResourceStatuses.storage == "NodeResizePending"'
            ' and any(.status.conditions[]?; .type == "Unused" and .status == "False")',
            [
                {"patch": {"subresource": "status", "root": "status", "type": "merge", "template": _EXPANDED}},
                _event("FileSystemResizeSuccessful", "MountVolume.NodeExpandVolume succeeded for volume", "Normal"),
            ],
            kind="PersistentVolumeClaim", delay=500,
        ),
        {
            "apiVersion": "kwok.x-k8s.io/v1alpha1",
            "kind": "ClusterExec",
            "metadata": {"name": "local"},
            "spec": {"execs": [{"local": {}}]},
        },
    ]
    return str(yaml.safe_dump_all(documents, sort_keys=False, width=1000))
