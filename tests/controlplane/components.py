"""The command line of every process of the control plane.

Everything binds the loopback address and reads only the run's own files. Where a flag departs from its default, it is to
make tests quick or many at a time, never to make a controller decide otherwise than in production.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.controlplane import credentials, stages
from tests.controlplane.layout import Layout, Plan

PORTS: Mapping[str, tuple[str, ...]] = {
    "etcd": ("etcd", "etcd-peer"),
    "kube-apiserver": ("kube-apiserver",),
    "kube-controller-manager": ("kube-controller-manager",),
    "kube-scheduler": ("kube-scheduler",),
    "kwok": ("kwok",),
}

#: Where each component says that it is well: the port's name, the scheme and the path.
HEALTH: Mapping[str, tuple[str, str, str]] = {
    "etcd": ("etcd", "http", "/readyz"),
    "kube-apiserver": ("kube-apiserver", "https", "/readyz"),
    "kube-controller-manager": ("kube-controller-manager", "https", "/healthz"),
    "kube-scheduler": ("kube-scheduler", "https", "/healthz"),
    "kwok": ("kwok", "https", "/healthz"),
}

NODE_GRACE_SECONDS = 20
SERVICE_RANGE = "10.96.0.0/16"
POD_RANGE = "10.244.0.0/16"

_AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: ["system:apiserver", "kwok", "kubectl-pets-node", "kubectl-pets-supervisor", "kubectl-pets-storage", "kubectl-pets-operators",
    "system:kube-controller-manager", "system:kube-scheduler"]
- level: None
  userGroups: ["system:serviceaccounts:kube-system"]
- level: None
  nonResourceURLs: ["/readyz", "/livez", "/healthz"]
- level: Metadata
"""


def arguments(component: str, layout: Layout, plan: Plan, ports: Mapping[str, int]) -> list[str]:
    """The full command of a component; writes the configuration files that it names."""
    return [plan.binaries[component], *_FLAGS[component](layout, plan, ports)]


def _etcd(layout: Layout, plan: Plan, ports: Mapping[str, int]) -> list[str]:
    client, peer = (f"http://127.0.0.1:{ports[name]}" for name in ("etcd", "etcd-peer"))
    return [
        "--name=default",
        f"--data-dir={layout.etcd_data}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        # Nothing here has to survive a power cut.
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def _apiserver(layout: Layout, plan: Plan, ports: Mapping[str, int]) -> list[str]:
    files = layout.credentials
    policy = layout.directory / "audit-policy.yaml"
    policy.write_text(_AUDIT_POLICY, encoding="utf-8")
    flags = [
        "--bind-address=127.0.0.1",
        f"--secure-port={ports['kube-apiserver']}",
        f"--etcd-servers=http://127.0.0.1:{ports['etcd']}",
        f"--tls-cert-file={files.server_certificate}",
        f"--tls-private-key-file={files.server_key}",
        f"--cert-dir={layout.home}",
        f"--client-ca-file={files.client_authority}",
        f"--token-auth-file={files.tokens}",
        "--authorization-mode=RBAC",
        f"--service-account-key-file={files.service_account_key}",
        f"--service-account-signing-key-file={files.service_account_key}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        "--endpoint-reconciler-type=none",
        "--kubelet-preferred-address-types=InternalIP",
        f"--kubelet-certificate-authority={files.server_authority}",
        f"--kubelet-client-certificate={files.kubelet_client_certificate}",
        f"--kubelet-client-key={files.kubelet_client_key}",
        f"--audit-policy-file={policy}",
        f"--audit-log-path={layout.audit_log}",
        "--audit-log-mode=blocking",
        "--profiling=false",
    ]
    if "kube-controller-manager" not in plan.components:
        # There is nobody to make the accounts that this plugin demands of every pod.
        flags.append("--disable-admission-plugins=ServiceAccount")
    return flags


def _client_flags(layout: Layout, ports: Mapping[str, int], component: str, user: str) -> list[str]:
    path = _kubeconfig(layout, ports, component, user)
    return [
        f"--kubeconfig={path}",
        f"--authentication-kubeconfig={path}",
        f"--authorization-kubeconfig={path}",
        "--bind-address=127.0.0.1",
        f"--secure-port={ports[component]}",
        f"--tls-cert-file={layout.credentials.server_certificate}",
        f"--tls-private-key-file={layout.credentials.server_key}",
        "--leader-elect=false",
        "--profiling=false",
        # Many tests share one control plane; its clients must not queue behind each other.
        "--kube-api-qps=1000",
        "--kube-api-burst=2000",
    ]


def _controller_manager(layout: Layout, plan: Plan, ports: Mapping[str, int]) -> list[str]:
    files = layout.credentials
    return [
        *_client_flags(layout, ports, "kube-controller-manager", credentials.CONTROLLER_MANAGER),
        "--use-service-account-credentials=true",
        f"--service-account-private-key-file={files.service_account_key}",
        f"--root-ca-file={files.server_authority}",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        "--enable-hostpath-provisioner=true",
        # Defaults are 15 s and 10 min: a claim that has to be looked at again would hold a test up.
        "--pvclaimbinder-sync-period=2s",
        "--concurrent-statefulset-syncs=20",
        "--concurrent-namespace-syncs=20",
        "--concurrent-gc-syncs=20",
        "--node-monitor-period=1s",
        f"--node-monitor-grace-period={NODE_GRACE_SECONDS}s",
    ]


def _scheduler(layout: Layout, plan: Plan, ports: Mapping[str, int]) -> list[str]:
    flags = _client_flags(layout, ports, "kube-scheduler", credentials.SCHEDULER)
    path = _kubeconfig(layout, ports, "kube-scheduler", credentials.SCHEDULER)
    configuration = layout.directory / "scheduler.yaml"
    configuration.write_text(
        "apiVersion: kubescheduler.config.k8s.io/v1\n"
        "kind: KubeSchedulerConfiguration\n"
        f"clientConnection: {{kubeconfig: '{path}', qps: 1000, burst: 2000}}\n"
        "leaderElection: {leaderElect: false}\n"
        # A pod that could not be placed is looked at again after these; defaults are 1 s and 10 s.
        "podInitialBackoffSeconds: 1\n"
        "podMaxBackoffSeconds: 2\n",
        encoding="utf-8",
    )
    # With a configuration file, the flags that it replaces are ignored or refused.
    replaced = ("--kubeconfig=", "--kube-api-", "--leader-elect=", "--profiling=")
    return [f"--config={configuration}", *(flag for flag in flags if not flag.startswith(replaced))]


def _kwok(layout: Layout, plan: Plan, ports: Mapping[str, int]) -> list[str]:
    files = layout.credentials
    configuration = layout.directory / "kwok.yaml"
    configuration.write_text(stages.configuration(), encoding="utf-8")
    return [
        f"--kubeconfig={_kubeconfig(layout, ports, 'kwok', credentials.KWOK)}",
        f"--config={configuration}",
        # A node that gets the label is let go at once: no more leases, and its pods are not touched any more.
        f"--manage-nodes-with-label-selector=!{stages.SILENT_LABEL}",
        f"--node-lease-duration-seconds={NODE_GRACE_SECONDS * 3 // 5}",
        "--node-ip=127.0.0.1",
        f"--node-port={ports['kwok']}",
        f"--server-address=127.0.0.1:{ports['kwok']}",
        f"--tls-cert-file={files.server_certificate}",
        f"--tls-private-key-file={files.server_key}",
        f"--cidr={POD_RANGE}",
        "--enable-crds=PortForward",
    ]


def _kubeconfig(layout: Layout, ports: Mapping[str, int], component: str, user: str) -> Path:
    server = f"https://127.0.0.1:{ports['kube-apiserver']}"
    return layout.credentials.write_token_kubeconfig(layout.kubeconfigs / f"{component}.yaml", server, user)


_FLAGS = {
    "etcd": _etcd,
    "kube-apiserver": _apiserver,
    "kube-controller-manager": _controller_manager,
    "kube-scheduler": _scheduler,
    "kwok": _kwok,
}
