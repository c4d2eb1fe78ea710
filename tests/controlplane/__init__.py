"""A real Kubernetes control plane for tests and the demo, built from package registries.

etcd, kube-apiserver, kube-controller-manager and kube-scheduler are the real ones; nodes and the pods on them are played by
KWOK. Everything binds the loopback address on free ports, keeps to a directory of its own, and ends with its owner.

    with controlplane.running() as plane:
        plane.apply(manifest, namespace="default")
        plane.kubectl("get", "pods")

`python -m tests.controlplane up` starts one that stays and prints the `export KUBECONFIG=` line for it; `down` ends it,
`status` shows it, `build` only builds the binaries. In tests, the fixtures `controlplane` (shared by all tests) and `namespace`
(fresh for each) are all that is needed.

What pods do is chosen in their template:

| where | what | effect |
|---|---|---|
| annotation | `kubectl-pets.test/ready-after: 5s` | runs at once, is Ready after that |
| annotation | `kubectl-pets.test/delete-after: 5s` | takes that long to end |
| annotation | `kubectl-pets.test/complete-after: 5s` | completes (restartPolicy other than Always) |
| annotation | `kubectl-pets.test/new-address: "true"` | each pod has an address that no other had before it |
| label | `kubectl-pets.test/unready: "true"` | is not Ready for as long as it has the label |
| image tag | `:broken` | ErrImagePull, then ImagePullBackOff |
| image tag | `:invalid`, `:config-error` | InvalidImageName, CreateContainerConfigError |
| image tag | `:crash` | CrashLoopBackOff all the time, as with a probe that fails, with rising restarts |
| image tag | `:dies`, `:oom`, `:ends` | ends (3, 137 OOMKilled, 0) and is started again, as a kubelet shows it: Ready while it lives, then `terminated` until the back-off (a tenth of a kubelet's) is over, `CrashLoopBackOff` for a blink; also as init container and sidecar |
| annotation | `kubectl-pets.test/dies-after: 5s` | for how long such a container lives (1 s) |
| image tag | `:never-ready`, `:flaky` | runs but is never Ready; is Ready for two seconds |

Pods of jobs complete by themselves. `kubectl exec` runs its command on this machine; `forward_port` gives a pod's port a real
one; `standard_dns` and `start_dns` run real CoreDNS behind such ports. Scheduling and volumes (class `standard`, host paths)
are the real controllers' doing; `standard_storage` adds CSI: volumes that grow, are modified, cloned and snapshotted, and that
misbehave as their class says.
"""

from tests.controlplane.build import BuildError, binaries
from tests.controlplane.dns import DnsReplica
from tests.controlplane.plane import ControlPlane, ControlPlaneError
from tests.controlplane.recipes import DEFAULT_VERSION
from tests.controlplane.runs import attach, down, running, up
from tests.controlplane.storage import Storage, build_storage

__all__ = ["DEFAULT_VERSION", "BuildError", "ControlPlane", "ControlPlaneError", "DnsReplica", "Storage", "attach", "binaries", "build_storage", "down", "running", "up"]
