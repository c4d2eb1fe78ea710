"""What a node is started with, and the configuration files of what runs on it.

The keeper, the node's first process and tests share one folder; its layout and the numbers that are derived from the node's own
number are written down once, here. Where a setting departs from its default, it is so that many nodes and tests fit on one
machine, never to make a kubelet decide otherwise than in production.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from tests.node.images import REGISTRY

CLUSTER_DNS = "10.96.0.10"
#: What the machine's own resolv.conf would say; the kubelet puts it after the cluster's domains.
SEARCH_DOMAIN = "node.test"
NODE_LABEL = "kubectl-pets.test/real"

#: Of these the node has its own, so nothing that it needs of the machine may lie there.
HIDDEN = ("/var/lib", "/var/log", "/run")

#: As many nodes as a machine may run at a time; each has a number.
MOST_NODES = 64


@dataclass(frozen=True)
class Settings:
    """One node's. ``number``, below MOST_NODES, and ``groups`` are the keeper's to fill in: no other node of this
    machine has them."""

    name: str
    api_port: int
    binaries: Mapping[str, str]
    network_plugins: str
    server_authority: str
    client_authority: str
    token: str
    number: int = -1
    groups: str = ""

    # All out of 198.18.0.0/15, which is kept for benchmarks (RFC 2544): nobody's network should be hidden by it.
    @property
    def link(self) -> str:
        """What the network interface on the machine's side is called."""
        return f"pets-node{self.number}"

    @property
    def machine_address(self) -> str:
        """Where the node reaches the machine, and so the API server."""
        return f"198.19.{self.number}.1"

    @property
    def address(self) -> str:
        return f"198.19.{self.number}.2"

    @property
    def pods(self) -> str:
        return f"198.18.{self.number}.0/24"


@dataclass(frozen=True)
class Folder:
    """The files of one node, all under one folder of the control plane's."""

    path: Path

    @property
    def settings_file(self) -> Path:
        return self.path / "settings.json"

    @property
    def state_file(self) -> Path:
        """The keeper's last words: a phase (starting, running, failed) and a message."""
        return self.path / "state.json"

    @property
    def images(self) -> Path:
        return self.path / "images.tar"

    @property
    def containerd_socket(self) -> Path:
        return self.path / "containerd.sock"

    @property
    def library(self) -> Path:
        """What the node sees as /var/lib: the kubelet's and containerd's own data."""
        return self.path / "lib"

    @property
    def kubelet_certificate(self) -> Path:
        return self.path / "kubelet.crt"

    @property
    def kubelet_key(self) -> Path:
        return self.path / "kubelet.key"

    def log(self, process: str) -> Path:
        return self.path / f"{process}.log"

    def settings(self) -> Settings:
        return Settings(**json.loads(self.settings_file.read_text(encoding="utf-8")))

    def write(self, settings: Settings) -> None:
        """Write the settings and everything that follows from them."""
        self.settings_file.write_text(json.dumps(asdict(settings)), encoding="utf-8")
        for name, text in _files(self, settings).items():
            (self.path / name).write_text(text, encoding="utf-8")

    def command(self, process: str, settings: Settings) -> list[str]:
        """The command line of one of the node's processes."""
        return {
            "containerd": ["containerd", "--config", f"{self.path}/containerd.toml"],
            "kubelet": [
                settings.binaries["kubelet"], f"--config={self.path}/kubelet.yaml", f"--kubeconfig={self.path}/kubeconfig",
                f"--hostname-override={settings.name}", f"--node-ip={settings.address}", f"--node-labels={NODE_LABEL}=true", "--v=2",
            ],
            "kube-proxy": [settings.binaries["kube-proxy"], f"--config={self.path}/kube-proxy.yaml"],
        }[process]


def _files(folder: Folder, settings: Settings) -> dict[str, str]:
    network = {
        "cniVersion": "1.0.0", "name": "pets", "plugins": [{
            "type": "bridge", "bridge": "pods", "isGateway": True, "hairpinMode": True,
            "ipam": {"type": "host-local", "ranges": [[{"subnet": settings.pods}]], "routes": [{"dst": "0.0.0.0/0"}]},
        }],
    }
    server = f"https://{settings.machine_address}:{settings.api_port}"
    kubeconfig = {
        "apiVersion": "v1", "kind": "Config", "current-context": "node",
        # Its certificate does not name the address by which the node reaches it.
        "clusters": [{"name": "c", "cluster": {
            "server": server, "certificate-authority": settings.server_authority, "tls-server-name": "kubernetes.default.svc",
        }}],
        "users": [{"name": "u", "user": {"token": settings.token}}],
        "contexts": [{"name": "node", "context": {"cluster": "c", "user": "u"}}],
    }
    (folder.path / "cni").mkdir(exist_ok=True)
    return {
        "cni/10-pods.conflist": json.dumps(network),
        "kubeconfig": json.dumps(kubeconfig),
        "containerd.toml": _containerd(folder, settings),
        "kubelet.yaml": yaml.safe_dump(_kubelet(folder, settings)),
        "kube-proxy.yaml": yaml.safe_dump(_proxy(folder, settings)),
        "resolv.conf": f"search {SEARCH_DOMAIN}\nnameserver {settings.machine_address}\n",
    }


def _containerd(folder: Folder, settings: Settings) -> str:
    """Of containerd 1.6 and later; 2 reads this version of its configuration too."""
    criteria = "plugins.\"io.containerd.grpc.v1.cri\""
    return f"""\
version = 2
[grpc]
  address = "{folder.containerd_socket}"
[cgroup]
  path = "/{settings.groups}/containerd"
[{criteria}]
  sandbox_image = "{REGISTRY}/pause:1"
  restrict_oom_score_adj = true  # containers and virtual machines often lack CAP_SYS_RESOURCE
  [{criteria}.cni]
    bin_dir = "{settings.network_plugins}"
    conf_dir = "{folder.path}/cni"
  [{criteria}.containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [{criteria}.containerd.runtimes.runc.options]
      SystemdCgroup = false
"""


def _kubelet(folder: Folder, settings: Settings) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": f"unix://{folder.containerd_socket}",
        "failCgroupV1": False, "cgroupDriver": "cgroupfs", "cgroupRoot": f"/{settings.groups}", "oomScoreAdj": 0,
        "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": False}, "x509": {"clientCAFile": settings.client_authority}},
        "authorization": {"mode": "AlwaysAllow"},
        "tlsCertFile": str(folder.kubelet_certificate), "tlsPrivateKeyFile": str(folder.kubelet_key),
        "address": settings.address, "healthzPort": 0,
        "clusterDNS": [CLUSTER_DNS], "clusterDomain": "cluster.local", "resolvConf": f"{folder.path}/resolv.conf",
        "failSwapOn": False, "serializeImagePulls": False,
        # The control plane calls a node silent after 20 s; defaults are for 40.
        "nodeStatusUpdateFrequency": "4s", "nodeLeaseDurationSeconds": 12,
        # A full disk of a developer's is no reason to evict a test's pods.
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
    }


def _proxy(folder: Folder, settings: Settings) -> dict[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration",
        "mode": "iptables", "clientConnection": {"kubeconfig": f"{folder.path}/kubeconfig"}, "clusterCIDR": settings.pods,
        "healthzBindAddress": "", "metricsBindAddress": "", "hostnameOverride": settings.name,
        # These would change the whole machine's.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }
