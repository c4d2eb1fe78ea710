"""The cluster's DNS: real CoreDNS processes, each behind a fake pod whose DNS port KWOK forwards to it.

They are as kubeadm sets them up: the pods' labels and ports, the ConfigMap with the Corefile, a user that may list and watch what
the kubernetes plugin needs and nothing else. The Corefile that a process really gets has its own port and kubeconfig put in; what
this CoreDNS is built without (forward, prometheus) is not in the default one. Each has a cache of its own.
"""

from __future__ import annotations

import fcntl
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import dns.exception
import dns.message
import dns.query

from tests.controlplane import build, credentials, processes
from tests.controlplane.recipes import DEFAULT_VERSION

if TYPE_CHECKING:
    from tests.controlplane.plane import ControlPlane

STANDARD_LABELS: Mapping[str, str] = {"k8s-app": "kube-dns"}

_READY_SECONDS = 60.0

# As in CoreDNS' own deployment manifests.
_RIGHTS = f"""
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: "%(name)s"}}
rules:
- {{apiGroups: [""], resources: [endpoints, services, pods, namespaces], verbs: [list, watch]}}
- {{apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: "%(name)s"}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "%(name)s"}}
subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: {credentials.COREDNS}}}]
"""


def corefile(domain: str = "cluster.local", *, ttl: int = 30, cache: int = 30, more: str = "") -> str:
    """A Corefile as a ConfigMap holds it. ``cache`` 0: none; ``more``: lines for the kubernetes plugin, such as
    `namespaces a b`."""
    lines = [f"kubernetes {domain} in-addr.arpa ip6.arpa {{", f"   ttl {ttl}", *(f"   {line}" for line in more.splitlines()), "}"]
    lines += [f"cache {cache}"] if cache else []
    return ".:53 {\n" + "".join(f"    {line}\n" for line in ["errors", *lines, "loadbalance"]) + "}\n"


class How(TypedDict, total=False):
    """How replicas differ from the standard ones."""

    #: Where their pods are, what these and the ConfigMap are called, and their labels.
    namespace: str
    name: str
    labels: Mapping[str, str]
    #: The text in the ConfigMap.
    corefile: str
    #: They reach the API server through this port of this machine, a Relay's for one.
    api_port: int


@dataclass(frozen=True)
class DnsReplica:
    """One replica. ``port``: where it answers on this machine, over TCP and UDP."""

    plane: ControlPlane
    namespace: str
    name: str
    port: int

    @property
    def process(self) -> str:
        return f"dns-{self.namespace}-{self.name}"

    def stop(self) -> None:
        """End the process; its pod stays and looks as if it ran."""
        self.plane.halt(self.process)

    def start(self) -> None:
        """Start it again, with an empty cache, and wait until it answers."""
        self.plane.relaunch(self.process)
        _await(lambda: _answers(self.port), f"{self.name} to answer")

    def remove(self) -> None:
        """End the process and delete the pod."""
        self.stop()
        self.plane.kubectl("delete", "pod", self.name, "-n", self.namespace, "--ignore-not-found", "--wait=false")


def start(
    plane: ControlPlane,
    replicas: int,
    *,
    namespace: str = "kube-system",
    name: str = "coredns",
    labels: Mapping[str, str] = STANDARD_LABELS,
    corefile: str = corefile(),
    api_port: int | None = None,
) -> list[DnsReplica]:
    """Returns when each has answered through a port-forward. Replicas of one namespace need names of their own."""
    binary = build.binaries(DEFAULT_VERSION, ["coredns"])["coredns"]
    grant(plane)
    plane.apply(_object("ConfigMap", name, data={"Corefile": corefile}), namespace)
    kubeconfig = plane.kubeconfig_for(credentials.COREDNS, api_port)
    folder = plane.directory / "corefiles"
    folder.mkdir(exist_ok=True)
    made = []
    for number in range(replicas):
        pod = f"{name}-{number}"
        [port] = processes.free_ports([pod]).values()
        replica = DnsReplica(plane, namespace, pod, port)
        path = folder / replica.process
        path.write_text(_as_run(corefile, port, kubeconfig), encoding="utf-8")
        plane.launch(replica.process, [str(binary), "-conf", str(path)], port)
        plane.forward_port(namespace, pod, {53: port})
        plane.apply(_pod(pod, labels, name), namespace)
        made.append(replica)
    for replica in made:
        _await(lambda: _answers(replica.port), f"{replica.process} to answer")
        _await(lambda: _answers_through_forward(replica), f"port-forward to {replica.process}")
    return made


def grant(plane: ControlPlane, name: str = "system:coredns") -> None:
    """What CoreDNS may read. Several may come at the same time: a server-side apply makes what is not there in one request, where
    ``kubectl apply`` looks first, and fails on what another one made meanwhile."""
    plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=_RIGHTS % {"name": name})


def standard(plane: ControlPlane) -> list[DnsReplica]:
    """The cluster's own replicas, started by the first who asks."""
    told = plane.directory / "standard-dns.json"
    with (plane.directory / "standard-dns.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not told.exists():
            made = start(plane, 2)
            told.write_text(json.dumps([[each.namespace, each.name, each.port] for each in made]), encoding="utf-8")
    return [DnsReplica(plane, *each) for each in json.loads(told.read_text(encoding="utf-8"))]


def _as_run(text: str, port: int, kubeconfig: Path) -> str:
    text = re.sub(r":53 \{", f":{port} {{\n    bind 127.0.0.1", text)
    return re.sub(r"(?m)^( *kubernetes\b.*\{)$", rf"\1\n       kubeconfig {kubeconfig} {credentials.CONTEXT}", text)


def _object(kind: str, name: str, labels: Mapping[str, str] | None = None, **content: object) -> str:
    return json.dumps({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "labels": dict(labels or {})}, **content})


def _pod(name: str, labels: Mapping[str, str], config: str) -> str:
    ports = [
        {"name": "dns", "protocol": "UDP", "containerPort": 53},
        {"name": "dns-tcp", "protocol": "TCP", "containerPort": 53},
        {"name": "metrics", "protocol": "TCP", "containerPort": 9153},
    ]
    volume = {"name": "config-volume", "configMap": {"name": config, "items": [{"key": "Corefile", "path": "Corefile"}]}}
    container = {"name": "coredns", "image": "registry.example/coredns:1.15.0", "ports": ports}
    return _object("Pod", name, labels, spec={"containers": [container], "volumes": [volume], "dnsPolicy": "Default"})


def _answers(port: int) -> bool:
    query = dns.message.make_query("kubernetes.default.svc.cluster.local.", "A")
    try:
        dns.query.tcp(query, "127.0.0.1", port=port, timeout=2.0)
    except (OSError, EOFError, dns.exception.DNSException):
        return False
    return True


def _answers_through_forward(replica: DnsReplica) -> bool:
    """KWOK learns of pods and forwards by watches, so it may take a moment. Asked by kubectl, not by the code under test."""
    place = ("-n", replica.namespace, "--address=127.0.0.1")
    with replica.plane.kubectl_popen("port-forward", f"pod/{replica.name}", ":53", *place) as forward:
        try:
            assert forward.stdout is not None
            found = re.search(r"127\.0\.0\.1:(\d+)", forward.stdout.readline())
            return found is not None and _answers(int(found[1]))
        finally:
            forward.terminate()


def _await(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {_READY_SECONDS:.0f} s in vain for {what}")
        time.sleep(0.05)
