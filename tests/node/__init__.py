"""One real node: kubelet, containerd, runc, a bridge, kube-proxy and CoreDNS pods, beside a control plane of its own.

What KWOK plays, a kubelet decides here: probes, back-offs, grace periods, exec, port-forward, resolv.conf, volumes. Tests marked
`node` have the fixtures `node` (shared by all of them) and `namespace`; `make realnode` runs them. It takes root on Linux, and gets
what it lacks from the distribution's packages; images are made here, from busybox and small scripts (images.py).

    with running() as node:
        node.plane.apply(manifest, namespace="default")

The node lives in namespaces of its own: processes, mounts, interfaces and packet filter rules are gone with its first process,
however that ends. `python -m tests.node up` keeps one until Ctrl-C, for a look around.
"""

from tests.node.ground import GroundError
from tests.node.node import Node, NodeError, running

__all__ = ["GroundError", "Node", "NodeError", "running"]
