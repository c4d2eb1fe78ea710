"""A control plane that runs, as tests, benchmarks and the demo see it.

It is only a view of a run's directory: any process that knows the directory can have one, and nothing ends with it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Unpack

from tests.controlplane import credentials, dns, objects, storage
from tests.controlplane.api import Api, ApiError
from tests.controlplane.layout import Layout, State, write
from tests.controlplane.stages import DOMAIN, SILENT_LABEL

_ORDER_SECONDS = 60.0
_NODE_SECONDS = 90.0


class ControlPlaneError(Exception):
    """It does not run, or did not do what it was told in time; shows the end of the log of whoever is to blame."""


class ControlPlane:
    """See the package's documentation for what its pods and nodes can be made to do."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._layout = Layout(directory)

    @property
    def version(self) -> str:
        """The servers' version, such as v1.37.2."""
        return self._layout.plan().version

    @property
    def server(self) -> str:
        return f"https://127.0.0.1:{self._state().ports['kube-apiserver']}"

    @property
    def etcd(self) -> str:
        """etcd's own address: what is written there the API server takes for its own, unseen."""
        return f"http://127.0.0.1:{self._state().ports['etcd']}"

    @property
    def ca_file(self) -> Path:
        return self._layout.credentials.server_authority

    @property
    def audit_log(self) -> Path:
        """JSON lines, one an answered request; the control plane's own components are left out."""
        return self._layout.audit_log

    @property
    def kubeconfig(self) -> Path:
        """The administrator's, its only context named "controlplane"."""
        return self.kubeconfig_for(credentials.ADMIN)

    def kubeconfig_for(self, user: str, port: int | None = None) -> Path:
        """A kubeconfig with the user's token; see credentials.PLAIN_USERS for those without any rights. ``port``: of something
        on this machine that leads to the API server."""
        path = self._layout.kubeconfigs / (f"user-{user}.yaml" if port is None else f"user-{user}-{port}.yaml")
        server = self.server if port is None else f"https://127.0.0.1:{port}"
        return path if path.exists() else self._layout.credentials.write_token_kubeconfig(path, server, user)

    @property
    def expired_kubeconfig(self) -> Path:
        """One whose token the server does not accept (any more)."""
        path = self._layout.kubeconfigs / "expired.yaml"
        return self._layout.credentials.write_token_kubeconfig(path, self.server, "alice", token="expired-" + "0" * 24)

    def certificate_kubeconfig(self, user: str, groups: tuple[str, ...] = ()) -> Path:
        """One with a client certificate; ``groups``: at most one."""
        path = self._layout.kubeconfigs / f"certificate-{user}.yaml"
        return self._layout.credentials.write_certificate_kubeconfig(path, self.server, user, groups)

    def kubectl(
        self, *args: str, input: str | None = None, check: bool = True, kubeconfig: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as the administrator (or with another kubeconfig); a failure shows what it said."""
        done = subprocess.run(
            self.kubectl_line(*args, kubeconfig=kubeconfig), input=input, capture_output=True, text=True, env=self.environment(), check=False,
        )
        if check and done.returncode != 0:
            raise ControlPlaneError(f"kubectl {' '.join(args)} ended with {done.returncode}: {done.stderr.strip()}")
        return done

    def kubectl_popen(self, *args: str) -> "subprocess.Popen[str]":
        """Start kubectl with its stdout to be read."""
        return subprocess.Popen(self.kubectl_line(*args), stdout=subprocess.PIPE, text=True, env=self.environment())

    def kubectl_line(self, *args: str, kubeconfig: Path | None = None) -> list[str]:
        """The words that start kubectl, for whoever starts it himself."""
        beside = str(Path(sys.executable).parent)
        found = shutil.which("kubectl", path=beside) or shutil.which("kubectl")
        if found is None:
            raise ControlPlaneError("there is no kubectl, neither in this environment nor on PATH")
        return [found, "--kubeconfig", str(kubeconfig or self.kubeconfig), *args]

    def environment(self) -> dict[str, str]:
        """For processes that use this control plane: nothing of the user's own kubectl is read or written."""
        return {**os.environ, "HOME": str(self._layout.home), "KUBECONFIG": str(self.kubeconfig)}

    def apply(self, manifest: str, namespace: str | None = None) -> None:
        """`kubectl apply` of YAML text."""
        place = ("-n", namespace) if namespace else ()
        self.kubectl("apply", "-f", "-", *place, input=manifest)

    def create_namespace(self, name: str) -> None:
        """Make a namespace and wait until pods may be made in it, which takes a service account."""
        api = self.api()
        objects.create(api, "/api/v1/namespaces", {"metadata": {"name": name}})

        def done() -> bool:
            return bool(api.get(f"/api/v1/namespaces/{name}/serviceaccounts/default"))

        self._await(done, f"the default service account of {name}", _ORDER_SECONDS)

    def delete_namespace(self, name: str) -> None:
        """Have a namespace deleted, without waiting for it."""
        self.api().delete(f"/api/v1/namespaces/{name}")

    def requests(self, user_agent: str = "") -> list[dict[str, Any]]:
        """The audit events so far of the clients whose user agent begins so, oldest first."""
        with self.audit_log.open(encoding="utf-8") as log:
            # The last line may still be being written.
            events = [json.loads(line) for line in log if line.endswith("\n")]
        return [event for event in events if str(event.get("userAgent", "")).startswith(user_agent)]

    def add_node(self, name: str, labels: Mapping[str, str] | None = None, reserved: bool = False) -> None:
        """Add a node and wait until it is Ready.

        ``reserved``: only pods that tolerate everything (`tolerations: [{operator: Exists, effect: NoSchedule}]`) are placed on it. A test that
        silences the node needs that where the control plane is shared, or the scheduler gives it other tests' pods too.
        """
        taints = [{"key": f"{DOMAIN}/reserved", "effect": "NoSchedule"}] if reserved else []
        objects.create(self.api(), "/api/v1/nodes", objects.node(name, labels or {}, taints, {}))
        self._await_node(name, True)

    def silence_node(self, name: str, wait: bool = True) -> None:
        """The node's kubelet stops answering: its lease ends, and its pods stay Terminating when they are deleted."""
        self.api().merge(f"/api/v1/nodes/{name}", {"metadata": {"labels": {SILENT_LABEL: "true"}}})
        if wait:
            self._await_node(name, False)

    def wake_node(self, name: str) -> None:
        """The kubelet is back."""
        api = self.api()
        api.merge(f"/api/v1/nodes/{name}", {"metadata": {"labels": {SILENT_LABEL: None}}})
        self._await_node(name, True)
        # A kubelet that comes back looks at all its pods; KWOK only looks at a pod that changes.
        for pod in api.get(f"/api/v1/pods?fieldSelector=spec.nodeName%3D{name}")["items"]:
            meta = pod["metadata"]
            path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
            api.merge(path, {"metadata": {"annotations": {f"{DOMAIN}/woken": "true"}}})

    def _await_node(self, name: str, ready: bool) -> None:
        def done() -> bool:
            return objects.is_ready(self.api().get(f"/api/v1/nodes/{name}")) is ready

        self._await(done, f"node {name} to become {'ready' if ready else 'not ready'}", _NODE_SECONDS)

    def forward_port(self, namespace: str, pod: str, ports: Mapping[int, int]) -> None:
        """Port-forwards to the fake pod's ports (keys) reach ports of this machine (values)."""
        path = f"/apis/kwok.x-k8s.io/v1alpha1/namespaces/{namespace}/portforwards"
        objects.create(self.api(), path, objects.port_forward(namespace, pod, ports))

    def launch(self, name: str, command: list[str], port: int, grace: float = 0.0) -> None:
        """Have a process of one's own run that ends with the control plane; its output goes to a log of that name. ``grace``:
        the seconds that it needs to tidy up after SIGTERM; 0: it is killed."""
        write(self._layout.guests / f"{name}.json", {"command": command, "port": port, "grace": grace})
        self.relaunch(name)

    def relaunch(self, name: str) -> None:
        """Start what was halted, or ended by itself, as it was launched."""
        self._order(f"start {name}")
        try:
            self._await(lambda: name in self._state().pids, f"{name} to start", _ORDER_SECONDS)
        except ControlPlaneError as error:
            raise ControlPlaneError(f"{error}; the end of its log:\n{self._layout.log_tail(name)}") from None

    def halt(self, name: str) -> None:
        """End a process that was launched; nothing happens where it has ended already."""
        self._order(f"stop {name}")
        self._await(lambda: name not in self._state().pids, f"{name} to stop", _ORDER_SECONDS)

    def pid(self, name: str) -> int:
        """Of the process of a component, such as "kube-apiserver"."""
        return self._state().pids[name]

    def launched(self, name: str) -> bool:
        """Whether it runs."""
        return name in self._state().pids

    def start_dns(self, replicas: int = 2, **how: Unpack[dns.How]) -> list[dns.DnsReplica]:
        """Real CoreDNS replicas, each behind a fake pod, ready to be asked through port-forward; see dns.How."""
        return dns.start(self, replicas, **how)

    def standard_dns(self) -> list[dns.DnsReplica]:
        """The cluster's own: two replicas labelled k8s-app=kube-dns in kube-system, the same for all who ask."""
        return dns.standard(self)

    def standard_storage(self) -> storage.Storage:
        """Real storage controllers over a CSI driver of our own, the same for all who ask."""
        return storage.standard(self)

    def stop_apiserver(self) -> None:
        """Only on a control plane of the test's own: every other client loses it too."""
        self._order("stop kube-apiserver")
        self._await(lambda: "kube-apiserver" not in self._state().pids, "kube-apiserver to stop", _ORDER_SECONDS)

    def start_apiserver(self) -> None:
        """On the same port, with the same data."""
        self._order("start kube-apiserver")
        self._await(
            lambda: "kube-apiserver" in self._state().pids and self._state().phase == "ready" and not self._state().message,
            "kube-apiserver to start", _ORDER_SECONDS,
        )

    def _order(self, order: str) -> None:
        with self._layout.orders.open("w", encoding="utf-8") as pipe:
            pipe.write(order + "\n")

    def _state(self) -> State:
        state = self._layout.state()
        if state is None or not self._layout.is_supervised():
            raise ControlPlaneError(f"no control plane runs in {self.directory}")
        if state.phase == "failed":
            raise ControlPlaneError(state.message)
        return state

    def api(self) -> Api:
        files = self._layout.credentials
        return Api(self._state().ports["kube-apiserver"], files.server_authority, files.token(credentials.SUPERVISOR))

    def _await(self, done: Callable[[], bool], what: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                if done():
                    return
            except (OSError, ApiError):
                pass  # it may be on its way down or up
            if time.monotonic() > deadline:
                raise ControlPlaneError(f"waited {seconds:.0f} s in vain for {what}")
            time.sleep(0.05)
