"""Real controllers of other kinds of sets beside a control plane: OpenKruise's of its Advanced StatefulSet, and LeaderWorkerSet's.

Each is a small program of ours (go/kruise, go/lws) around the reconcilers and webhooks of the released module, and nothing else of
its manager. Their types are seen by everybody who asks a control plane which kinds it has, so they get one of their own.
"""

from __future__ import annotations

import base64
import fcntl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.controlplane import build, credentials, processes, recipes
from tests.controlplane.layout import Layout
from tests.controlplane.plane import ControlPlane
from tests.controlplane.recipes import Recipe

_READY_SECONDS = 120.0


@dataclass(frozen=True)
class Operator:
    """What a controller brings along: its type, and the webhooks that it cannot do without."""

    name: str
    module: str
    #: Of its CustomResourceDefinition: ``PLURAL.GROUP``.
    resource: str
    #: The file of it in the module.
    definition: str
    #: The end of the paths of its webhooks.
    webhooks: tuple[str, ...]
    #: A set without pods that it is tried with.
    sample: dict[str, Any]
    #: What kubectl is asked that says something once the controller has seen that set.
    seen: tuple[str, ...]

    @property
    def recipe(self) -> Recipe:
        return next(recipe for recipe in recipes.of_operators() if recipe.name == self.name)


_POD = {"containers": [{"name": "app", "image": "app:1"}]}

KRUISE = Operator(
    name="kruise",
    module="github.com/openkruise/kruise",
    resource="statefulsets.apps.kruise.io",
    definition="crd/bases/apps.kruise.io_statefulsets.yaml",
    webhooks=("-apps-kruise-io-statefulset",),
    sample={
        "apiVersion": "apps.kruise.io/v1beta1",
        "kind": "StatefulSet",
        "metadata": {"name": "tried", "namespace": "default"},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "tried"}},
            "template": {"metadata": {"labels": {"app": "tried"}}, "spec": _POD},
        },
    },
    seen=("get", "statefulsets.apps.kruise.io", "tried", "-o", "jsonpath={.status.observedGeneration}"),
)

LWS = Operator(
    name="lws",
    module="sigs.k8s.io/lws",
    resource="leaderworkersets.leaderworkerset.x-k8s.io",
    definition="crd/bases/leaderworkerset.x-k8s.io_leaderworkersets.yaml",
    webhooks=("-leaderworkerset-x-k8s-io-v1-leaderworkerset", "--v1-pod"),
    sample={
        "apiVersion": "leaderworkerset.x-k8s.io/v1",
        "kind": "LeaderWorkerSet",
        "metadata": {"name": "tried", "namespace": "default"},
        "spec": {"replicas": 0, "leaderWorkerTemplate": {"size": 1, "workerTemplate": {"spec": _POD}}},
    },
    seen=("get", "statefulsets.apps", "tried", "--ignore-not-found", "-o", "name"),
)

#: Only pods with this label go through the webhooks for pods, as its own installation has it.
_LWS_PODS = {"matchExpressions": [{"key": "leaderworkerset.sigs.k8s.io/name", "operator": "Exists"}]}


def build_operator(operator: Operator) -> Path:
    """The program's path, after building it where it is missing, which takes minutes: not within a test's own time."""
    return build.binaries(names=[operator.name])[operator.name]


def start(plane: ControlPlane, operator: Operator) -> None:
    """Have it control the sets of its kind; returns once it has seen a first set. Nothing happens where it runs already."""
    folder = plane.directory / operator.name
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "started").exists():
            _start(plane, operator, folder)
            (folder / "started").touch()


def _start(plane: ControlPlane, operator: Operator, folder: Path) -> None:
    program = build_operator(operator)
    [port] = processes.free_ports([operator.name]).values()
    files = Layout(plane.directory).credentials
    files.issue_server(folder / "tls.crt", folder / "tls.key", "127.0.0.1", "localhost")
    manifests = build.module_files(operator.recipe, operator.module, "config")
    kinds = [*_read(manifests / operator.definition)]
    plane.kubectl("apply", "--server-side", "-f", "-", input=yaml.safe_dump_all(kinds))
    # Not kubectl wait, which ends with an error where the type has no conditions yet.
    _await(plane, operator, lambda: plane.kubectl("get", operator.resource, "-A", check=False).returncode == 0, "type")
    kubeconfig = f"--kubeconfig={plane.kubeconfig_for(credentials.OPERATORS)}"
    plane.launch(operator.name, [str(program), kubeconfig, f"--cert-dir={folder}", f"--port={port}"], port)
    bundle = base64.b64encode(files.server_authority.read_bytes()).decode()
    webhooks = [_by_address(each, operator, port, bundle) for each in _read(manifests / "webhook" / "manifests.yaml")]
    plane.kubectl("apply", "--server-side", "-f", "-", input=yaml.safe_dump_all(webhooks))
    sample = yaml.safe_dump(operator.sample)
    _await(plane, operator, lambda: plane.kubectl("create", "-f", "-", input=sample, check=False).returncode == 0, "webhooks")
    _await(plane, operator, lambda: bool(plane.kubectl(*operator.seen, "-n", "default").stdout), "controller")
    plane.kubectl("delete", operator.resource, "tried", "-n", "default")


def _by_address(configuration: dict[str, Any], operator: Operator, port: int, bundle: str) -> dict[str, Any]:
    """A webhook configuration whose service is the program on this machine, with the webhooks that are its own."""
    kept = []
    for webhook in configuration["webhooks"]:
        path = webhook["clientConfig"]["service"]["path"]
        if path.endswith(operator.webhooks):
            webhook["clientConfig"] = {"url": f"https://127.0.0.1:{port}{path}", "caBundle": bundle}
            if path.endswith("--v1-pod"):
                webhook["objectSelector"] = _LWS_PODS
            kept.append(webhook)
    name = f"{operator.name}-{configuration['metadata']['name']}"
    return {**configuration, "metadata": {"name": name}, "webhooks": kept}


def _read(path: Path) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all(path.read_text(encoding="utf-8")) if each]


def _await(plane: ControlPlane, operator: Operator, done: Callable[[], bool], who: str) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not done():
        if time.monotonic() > deadline:
            log = Layout(plane.directory).log_tail(operator.name)
            raise TimeoutError(f"waited {_READY_SECONDS:.0f} s in vain for {operator.name}'s {who}; the end of its log:\n{log}")
        time.sleep(0.1)
