"""Gates: what somebody wants to see of a new pod before the next one goes down.

Three kinds: a command in the pod, an HTTP request to it through the API server, a command here. A gate that says no is asked
again a few times, for a pod that has just become available may need a moment; then what it said is the reason why the rollout
does not go on.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from time import monotonic
from typing import Protocol

import msgspec

from kubectl_pets.domain.rollout.members import Member
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.stepping.steps import GateFailed
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.waiting import retried
from kubectl_pets.ports.pods import PodPort
from kubectl_pets.ports.sets import SetPort

#: Characters of what a gate said that are kept, from the end.
_KEPT = 500


class ExecGate(msgspec.Struct, frozen=True, kw_only=True):
    """A command in the pod, by a shell of its own; exit code 0 lets pass."""

    command: str

    def __str__(self) -> str:
        return f"--gate-exec {self.command!r}"


class HttpGate(msgspec.Struct, frozen=True, kw_only=True):
    """GET through the API server's pod proxy; a status of 200 to 399 lets pass, as in a probe (core/v1 HTTPGetAction)."""

    path: str
    port: str

    def __str__(self) -> str:
        return f"--gate-http {self.path}:{self.port}"


class CommandGate(msgspec.Struct, frozen=True, kw_only=True):
    """A command on this machine, by the shell, told of the pod by its environment; exit code 0 lets pass."""

    command: str

    def __str__(self) -> str:
        return f"--gate-cmd {self.command!r}"


Gate = ExecGate | HttpGate | CommandGate


#: What a shell ends with that could not find or start the command (POSIX, Shell Command Language, 2.8.2).
_NOT_RUN = (126, 127)


class GatePort(PodPort, SetPort, Protocol):
    """What it takes to ask a pod, and to tell a pod that does not answer from an API server that does not."""


def ask_leader(
    cluster: GatePort, seen: Assessment, pod: str, command: str, *, timeout: float, retries: int, deadline: Deadline
) -> bool | str:
    """Whether ``command`` exits with 0 in the pod; or, once the ``retries`` are over, why it could not be run there. Raises
    PetsError while the API server is away."""

    def once() -> bool | str:
        done = cluster.run_in(seen.namespace, pod, ["sh", "-c", command], timeout)
        if done.exit_code is not None and done.exit_code not in _NOT_RUN:
            return done.exit_code == 0
        return (done.stdout + done.stderr).strip() or done.problem or f"exit code {done.exit_code}"

    found = retried(
        once,
        lambda answer: isinstance(answer, bool),
        lambda failure: failure.message,
        partial(cluster.stateful_set, seen.namespace, seen.name, seen.kind),
        tries=1 + retries,
        deadline=deadline,
    )
    return found if isinstance(found, bool) else found[-_KEPT:]


def in_pod(cluster: PodPort, command: str, namespace: str, pod: str, timeout: float) -> str | None:
    """Run a command in the pod, by a shell of its own; what it said where it did not end with 0. Raises PetsError."""
    done = cluster.run_in(namespace, pod, ["sh", "-c", command], timeout)
    if done.exit_code == 0:
        return None
    said = (done.stdout + done.stderr).strip() or done.problem
    return f"{said}\nexit code {done.exit_code}" if done.exit_code is not None else said


class Gates:
    """The gates of one run. A pod that has passed them all is not asked again, however often the rollout is looked at."""

    def __init__(self, cluster: GatePort, gates: Sequence[Gate], *, timeout: float, retries: int) -> None:
        """``timeout``: seconds for one try; ``retries``: further tries after a no."""
        self._cluster, self._gates, self._timeout, self._retries = cluster, tuple(gates), timeout, retries
        #: By uid and revision: a pod that is updated in place stays the same one.
        self._passed: set[tuple[str, str]] = set()

    def has_passed(self, pod: Member) -> bool:
        return not self._gates or (pod.uid, pod.revision) in self._passed

    def ask(self, seen: Assessment, pods: Sequence[Member], deadline: Deadline) -> GateFailed | None:
        """Every gate for every pod that has not passed yet; the first that says no. Raises PetsError while the API server is
        away; then those that have passed are not asked again."""
        for pod in pods:
            if self.has_passed(pod):
                continue
            for gate in self._gates:
                said = retried(
                    partial(self._once, gate, seen, pod),
                    lambda answer: answer is None,
                    lambda failure: failure.message,
                    partial(self._cluster.stateful_set, seen.namespace, seen.name, seen.kind),
                    tries=1 + self._retries,
                    deadline=deadline,
                )
                if said is not None:
                    return GateFailed(pod=pod.name, gate=str(gate), detail=said.strip()[-_KEPT:])
            self._passed.add((pod.uid, pod.revision))
        return None

    def _once(self, gate: Gate, seen: Assessment, pod: Member) -> str | None:
        """What the gate says to the pod, asked once; None: it lets pass. Raises PetsError where it could not be asked."""
        match gate:
            case ExecGate(command=command):
                return in_pod(self._cluster, command, seen.namespace, pod.name, self._timeout)
            case HttpGate(path=path, port=port):
                return self._over_http(path, port, seen.namespace, pod.name)
            case CommandGate(command=command):
                return self._here(command, seen, pod)

    def _over_http(self, path: str, port: str, namespace: str, pod: str) -> str | None:
        status, body = self._cluster.get_from(namespace, pod, port, path, self._timeout)
        return None if 200 <= status < 400 else f"{body.strip()}\nHTTP {status}"

    def _here(self, command: str, seen: Assessment, pod: Member) -> str | None:
        from kubectl_pets.cluster.access.plugins import child_environment  # help does without the client

        env = child_environment(os.environ, bool(getattr(sys, "frozen", False)))
        env |= {
            "KUBECTL_PETS_NAMESPACE": seen.namespace,
            "KUBECTL_PETS_SET": seen.name,
            "KUBECTL_PETS_POD": pod.name,
            "KUBECTL_PETS_ORDINAL": str(pod.ordinal),
            "KUBECTL_PETS_REVISION": pod.revision,
        }
        started = monotonic()
        try:
            done = subprocess.run(
                command, shell=True, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=self._timeout, check=False
            )
        except subprocess.TimeoutExpired as late:
            said = ((late.stdout or b"") + (late.stderr or b"")).decode(errors="replace")
            return f"{said}\nno end after {monotonic() - started:.0f} s"
        if done.returncode == 0:
            return None
        return f"{(done.stdout + done.stderr).decode(errors='replace')}\nexit code {done.returncode}"
