"""The plugin as a user runs it, on the real control plane: words in, stdout, stderr and exit code out."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from kubectl_pets.__main__ import run
from kubectl_pets.session import Session
from tests.commands.codes import listed, verb_of
from tests.controlplane import ControlPlane
from tests.terminal import FakeTerminal


class Result(NamedTuple):
    code: int
    stdout: str
    stderr: str


def at_once(words: tuple[str, ...], patience: str = "2s") -> tuple[str, ...]:
    """Without the settling time and with little patience, unless the test is about these: pods that are played stay up, and what
    is played as broken stays broken."""
    asked = set(words)
    verb = words[1] if words[:1] == ("rollout",) and len(words) > 1 else words[0] if words else ""
    if asked & {"--help", "-h"}:
        return words
    settle = ("--settle", "0") if verb in _SETTLING and "--settle" not in asked else ()
    asked_for = ("--patience", patience) if verb in _PATIENT and "--patience" not in asked else ()
    return (*words, *settle, *asked_for)


#: Verbs with ``--settle``, and those with ``--patience``.
_SETTLING = ("run", "canary", "step", "promote", "abort", "undo", "unstick", "restart", "scale")
_PATIENT = ("run", "canary", "step", "promote", "status", "wait", "abort", "undo", "restart", "scale")


class Plugin:
    """One namespace of the control plane, and the plugin pointed at it."""

    #: Of verbs that are to end well: more where those who do the work take turns with much else.
    patience = "2s"

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        self.plane, self.namespace = plane, namespace

    def __call__(
        self, *words: str, expect: int | None = 0, answers: str = "", interactive: bool = False, kubeconfig: Path | None = None
    ) -> Result:
        """Run it in this process; an exit code other than ``expect`` (None: any) fails the test with all that was printed."""
        terminal = FakeTerminal(answers=answers, interactive=interactive)
        words = at_once(words, self.patience if expect == 0 else "2s")
        code = run([*words, *self.place(kubeconfig)], Session(terminal=terminal))
        result = Result(code, terminal.stdout_text, terminal.stderr_text)
        assert expect in (None, code), f"exit code {code}, expected {expect}\n{result.stdout}\n{result.stderr}"
        assert code in listed(verb_of(words)), f"{words[0]} --help does not say that it can end with {code}"
        return result

    def typed(self, *words: str) -> Result:
        """Run exactly these words, which say themselves where."""
        terminal = FakeTerminal()
        code = run(words, Session(terminal=terminal))
        return Result(code, terminal.stdout_text, terminal.stderr_text)

    def start(self, *words: str, kubeconfig: Path | None = None) -> "subprocess.Popen[str]":
        """Run it as a process of its own, to be killed or interrupted."""
        return subprocess.Popen(
            self.command(*words, kubeconfig=kubeconfig),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(os.environ),
        )

    def command(self, *words: str, kubeconfig: Path | None = None) -> list[str]:
        """What to start as a process."""
        return [sys.executable, "-m", "kubectl_pets", *at_once(words), *self.place(kubeconfig)]

    def place(self, kubeconfig: Path | None = None) -> tuple[str, ...]:
        return ("-n", self.namespace, "--kubeconfig", str(kubeconfig or self.plane.kubeconfig))

    def kubectl(self, *words: str, check: bool = True) -> str:
        return self.plane.kubectl(*words, "-n", self.namespace, check=check).stdout

    def get(self, *what: str) -> Any:
        return json.loads(self.kubectl("get", *what, "-o", "json"))

    def set(self, name: str = "web") -> Any:
        return self.get("statefulset", name)

    def images(self, name: str = "web") -> dict[str, str]:
        """Image by pod, of the pods that are not on their way out."""
        pods = self.get("pods", "-l", f"app={name}")["items"]
        return {
            pod["metadata"]["name"]: pod["spec"]["containers"][0]["image"]
            for pod in pods
            if "deletionTimestamp" not in pod["metadata"]
        }

    def uids(self, name: str = "web") -> dict[str, str]:
        return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in self.get("pods", "-l", f"app={name}")["items"]}

    def partition(self, name: str = "web") -> int:
        return int(self.set(name)["spec"]["updateStrategy"]["rollingUpdate"]["partition"])

    def make(self, name: str = "web", *, wait: bool = True, **changes: Any) -> None:
        """A set of three as the manifest below says, with ``changes``; ready when this returns."""
        self.plane.apply(manifest(name, **changes), self.namespace)
        if wait:
            self("status", name, "-w", "--until", "ready", "--timeout", "60s")

    def eventually(self, holds: Callable[[], bool], what: str) -> None:
        """Wait for the cluster by asking it; fails after two minutes, which only a cluster that never gets there needs."""
        import time

        end = time.monotonic() + 120
        while not holds():
            assert time.monotonic() < end, f"never happened: {what}"
            time.sleep(0.05)


def manifest(
    name: str = "web",
    *,
    replicas: int = 3,
    image: str = "app:1",
    policy: str = "OrderedReady",
    strategy: str = "{type: RollingUpdate}",
    extra: str = "",
    annotations: str = "{}",
    pod_annotations: str = "{}",
    claims: bool = False,
) -> str:
    """YAML of a StatefulSet with one container ``app`` and pods labelled ``app=NAME``. ``extra``: more lines of the spec."""
    templates = (
        '[{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}]'
        if claims
        else "[]"
    )
    return f"""
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: {name}, annotations: {annotations}}}
spec:
  serviceName: {name}
  replicas: {replicas}
  podManagementPolicy: {policy}
  updateStrategy: {strategy}
  selector: {{matchLabels: {{app: {name}}}}}
  {extra}
  volumeClaimTemplates: {templates}
  template:
    metadata:
      labels: {{app: {name}}}
      annotations: {pod_annotations}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{{name: app, image: "{image}"}}]
"""
