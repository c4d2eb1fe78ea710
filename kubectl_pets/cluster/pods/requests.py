"""Asks a pod itself: a command in its container, a request to one of its ports, both through the API server."""

import re
from collections.abc import Sequence
from urllib.parse import quote

from kubectl_pets.cluster.http.failures import Attempt
from kubectl_pets.cluster.http.transport import Request, Transport
from kubectl_pets.cluster.objects.kinds import PODS
from kubectl_pets.cluster.objects.lists import Reader
from kubectl_pets.cluster.pods.execute import ExecResult, run_in
from kubectl_pets.domain.model import Pod
from kubectl_pets.errors import UsageError

#: kubectl's choice among a pod's containers.
_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"

#: Bytes of an answer that are looked at.
_KEPT = 1 << 16

_PORT = re.compile(r"(https?:)?[A-Za-z0-9-]{1,63}")


def default_container(pod: Pod) -> str:
    """The one that the pod itself names, or its first."""
    first = next((container.name for container in pod.spec.containers), "")
    return pod.metadata.annotations.get(_DEFAULT_CONTAINER) or first


def run(
    transport: Transport, reader: Reader, namespace: str, pod: str, command: Sequence[str], timeout: float
) -> ExecResult:
    """As ``ports.pods.PodPort.run_in``."""
    return run_in(transport, namespace, pod, default_container(reader.one(PODS, namespace, pod)), command, timeout)


def get(transport: Transport, namespace: str, pod: str, port: str, path: str, timeout: float) -> tuple[int, str]:
    """As ``ports.pods.PodPort.get_from``."""
    scheme, _, number = port.rpartition(":")
    if not _PORT.fullmatch(port):
        raise UsageError(f"{port!r} is not a port: give its number or name, https: before it for TLS")
    where = f"{scheme}:{pod}:{number}" if scheme else f"{pod}:{number}"
    request = Request(
        method="GET",
        path=f"{PODS.path(namespace)}/{quote(where, safe=':')}/proxy/{path.lstrip('/')}",
        attempt=Attempt("get", "pods/proxy", pod, namespace),
        accept="*/*",
    )
    status, body = transport.whatever(request, timeout, _KEPT)
    return status, body.decode(errors="replace")
