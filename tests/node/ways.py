"""The ways in which a pod of a StatefulSet breaks, or seems to, and what is right to say of each.

Sets of one pod each, all made at the same time; what a kubelet makes of them is recorded (recorder.py) and judged (test_ways.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from tests.node.images import REGISTRY

_APP = f"{REGISTRY}/app:1"
_IDLE = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"]


class Ends(Enum):
    """Where a rollout of such pods stands after the time of a recording, in the words of the verdict's phase."""

    COMPLETE = "complete"
    #: Somebody has to do something: it cannot pass by itself, or has not within the patience.
    STUCK = "stuck"
    #: It is not done, and nothing says that it never will be.
    PROGRESSING = "progressing"


@dataclass(frozen=True)
class Way:
    """One way. ``container`` and ``pod`` are laid over the pod's template."""

    name: str
    about: str
    ends: Ends
    container: Mapping[str, Any] = field(default_factory=dict)
    pod: Mapping[str, Any] = field(default_factory=dict)
    #: What has to be named as the cause: each of these is in the pod's reason, its message, or how its container ended.
    causes: tuple[str, ...] = ()
    #: It is deleted once while it is watched: what counts is how it ends.
    deleted: bool = False

    def manifest(self) -> dict[str, Any]:
        """The set as an object."""
        main = {"name": "main", "image": _APP, "imagePullPolicy": "IfNotPresent", **self.container}
        return {
            "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": self.name},
            "spec": {
                "serviceName": self.name, "replicas": 1, "selector": {"matchLabels": {"app": self.name}},
                "template": {
                    "metadata": {"labels": {"app": self.name}},
                    "spec": {"terminationGracePeriodSeconds": 1, "containers": [main], **self.pod},
                },
            },
        }


def _shell(script: str) -> dict[str, Any]:
    return {"command": ["sh", "-c", script]}


def _probe(succeeds: bool, **more: int) -> dict[str, Any]:
    return {"exec": {"command": ["true" if succeeds else "false"]}, "periodSeconds": 1, **more}


def _app(tag: str) -> dict[str, Any]:
    return {"image": f"{REGISTRY}/app:{tag}"}


def _beside(name: str, script: str, **more: Any) -> dict[str, Any]:
    """An init container before the others; with restartPolicy Always a sidecar beside them."""
    return {"initContainers": [{"name": name, "image": _APP, "imagePullPolicy": "Never", "command": ["sh", "-c", script], **more}]}


_KEPT = {"volumeMounts": [{"name": "keep", "mountPath": "/keep"}]}
_KEEP = {"volumes": [{"name": "keep", "emptyDir": {}}]}

WAYS = (
    Way("good", "starts and stays up", Ends.COMPLETE),
    # Crash loops. There is no probe where none is named: such a pod is Ready whenever its container lives.
    Way("crash", "exits after a second, again and again", Ends.STUCK, _app("crash"), causes=("3", "no database")),
    Way("crash-late", "exits 8 s after it was Ready, again and again", Ends.STUCK, _app("crash-late"), causes=("3",)),
    Way("crash-later", "exits 25 s after it was Ready, again and again", Ends.STUCK, _app("crash-later"), causes=("3",)),
    Way("crash-probed", "exits after 8 s, with a readiness probe", Ends.STUCK, {**_app("crash-late"), "readinessProbe": _probe(True)}, causes=("3",)),
    Way("third-try", "fails twice, then stays up, like what waits for its peers", Ends.COMPLETE, {**_app("third-try"), **_KEPT}, _KEEP),
    Way("ends", "comes to a good end after 4 s, again and again", Ends.STUCK, _shell("sleep 4; exit 0"), causes=("0", "Completed")),
    Way(
        "oom", "takes more memory than its limit", Ends.STUCK,
        {**_shell("sleep 1; exec dd if=/dev/zero of=/dev/null bs=200M"), "resources": {"limits": {"memory": "32Mi"}}}, causes=("OOMKilled",),
    ),
    Way("no-binary", "its command is not in the image", Ends.STUCK, {"command": ["/no/such/program"]}, causes=("no such file or directory",)),
    Way(
        "liveness", "is killed by its liveness probe again and again", Ends.STUCK,
        {"livenessProbe": _probe(False, initialDelaySeconds=5, failureThreshold=1)}, causes=("Back", "CrashLoopBackOff"),
    ),
    Way(
        "startup", "is killed because its startup probe fails", Ends.STUCK,
        {"startupProbe": _probe(False, failureThreshold=5)}, causes=("CrashLoopBackOff",),
    ),
    Way("post-start", "its postStart hook fails", Ends.STUCK, {"lifecycle": {"postStart": {"exec": {"command": ["sh", "-c", "sleep 1; exit 1"]}}}}),
    Way("init-fails", "an init container exits again and again", Ends.STUCK, pod=_beside("setup", "sleep 1; exit 4"), causes=("4",)),
    Way("init-hangs", "an init container does not end", Ends.PROGRESSING, pod=_beside("setup", "sleep 1000")),
    Way(
        "sidecar-crashes", "a native sidecar exits again and again", Ends.STUCK,
        pod=_beside("side", "sleep 3; exit 5", restartPolicy="Always"), causes=("5",),
    ),
    Way(
        "sidecar-unready", "a native sidecar never becomes ready", Ends.PROGRESSING,
        pod=_beside("side", "sleep 1000", restartPolicy="Always", readinessProbe=_probe(False)),
    ),
    # What keeps a container from being made.
    Way("no-image", "its image cannot be pulled", Ends.STUCK, _app("nowhere"), causes=("Image",)),
    Way(
        "never-pulled", "its image is not on the node, and may not be pulled", Ends.STUCK,
        {**_app("nowhere"), "imagePullPolicy": "Never"}, causes=("ErrImageNeverPull",),
    ),
    Way("invalid-image", "its image has no valid name", Ends.STUCK, {"image": "Not A Name"}, causes=("InvalidImageName",)),
    Way(
        "no-config", "wants a ConfigMap that is not there", Ends.STUCK,
        {"envFrom": [{"configMapRef": {"name": "missing"}}]}, causes=("CreateContainerConfigError", '"missing" not found'),
    ),
    Way(
        "no-key", "wants a Secret that is not there", Ends.STUCK,
        {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "missing", "key": "a"}}}]},
        causes=("CreateContainerConfigError", '"missing" not found'),
    ),
    Way(
        "no-volume", "mounts a Secret that is not there", Ends.STUCK,
        {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}, {"volumes": [{"name": "v", "secret": {"secretName": "missing"}}]},
        causes=("FailedMount", '"missing" not found'),
    ),
    Way("as-root", "may not run as root, and would", Ends.STUCK, {"securityContext": {"runAsNonRoot": True}}, causes=("CreateContainerConfigError", "root")),
    Way(
        "no-path", "names a variable in a path that it does not have", Ends.STUCK,
        {"volumeMounts": [{"name": "keep", "mountPath": "/keep", "subPathExpr": "$(NOWHERE)"}]}, _KEEP, causes=("CreateContainerConfigError",),
    ),
    # What keeps a pod from being placed, ready, or there.
    Way("too-big", "asks for more than any node has", Ends.STUCK, {"resources": {"requests": {"cpu": "1000"}}}, causes=("Unschedulable", "Insufficient cpu")),
    Way("unready", "its readiness probe fails", Ends.PROGRESSING, {**_shell("sleep 1000"), "readinessProbe": _probe(False)}),
    Way("gate", "has a readiness gate that nobody opens", Ends.PROGRESSING, pod={"readinessGates": [{"conditionType": "kubectl-pets.test/open"}]}),
    Way(
        "evicted", "writes more than it may, is evicted and made anew, again and again", Ends.STUCK,
        {**_shell("sleep 3; dd if=/dev/zero of=/tmp/big bs=1M count=60 2>/dev/null; sleep 1000"), "resources": {"limits": {"ephemeral-storage": "20Mi"}}},
        causes=("Evicted",),
    ),
    Way(
        "slow-to-end", "takes 12 s of its grace period to end", Ends.COMPLETE,
        {"command": _IDLE, "lifecycle": {"preStop": {"exec": {"command": ["sleep", "12"]}}}}, {"terminationGracePeriodSeconds": 30}, deleted=True,
    ),
    Way(
        "deaf", "does not end before it is killed after its grace period", Ends.COMPLETE,
        {**_app("deaf"), "lifecycle": {"preStop": {"exec": {"command": ["sleep", "1000"]}}}}, {"terminationGracePeriodSeconds": 8}, deleted=True,
    ),
)


def manifest() -> str:
    """All of them as one list."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [way.manifest() for way in WAYS]})
