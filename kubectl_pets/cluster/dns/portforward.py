"""A TCP connection to a port of a pod, through the API server; nothing listens on this machine.

The subprotocol is ``v4.channel.k8s.io`` of ``pods/portforward``, which kubelets and container runtimes have spoken since 1.5 and
API servers pass on as it is (the SPDY tunnel of KEP-4006 is for many connections over one WebSocket). A port has two channels,
one for data and one for errors, and the first message of each holds the port's number. It is opened with GET, for which servers
since 1.35 want the right to create as well.
"""

from kubectl_pets.cluster.http.failures import Attempt, clean
from kubectl_pets.cluster.http.transport import Transport
from kubectl_pets.cluster.http.websocket import GarbledError, open_websocket
from kubectl_pets.cluster.objects.kinds import PODS

_PROTOCOL = "v4.channel.k8s.io"
_DATA, _ERROR = 0, 1

#: What is asked of RBAC for it, in the order in which API servers ask.
RIGHTS = (("get", "pods/portforward"), ("create", "pods/portforward"))


class ForwardError(ConnectionError):
    """The node could not connect to the pod's port, or lost it; its own words, cleaned."""


class Forward:
    """One connection to one port of a pod, through the API server's port-forward. Failures and deadlines as for WebSocket.
    Raises PetsError where it cannot be opened."""

    def __init__(self, transport: Transport, namespace: str, pod: str, port: int, deadline: float) -> None:
        path = PODS.path(namespace, pod) + "/portforward"
        attempt = Attempt("create", "pods/portforward", pod, namespace)
        self._socket = open_websocket(transport, path, [("ports", str(port))], attempt, (_PROTOCOL,), deadline)
        self._greeted: set[int] = set()

    def send(self, data: bytes, deadline: float) -> None:
        self._socket.send(bytes([_DATA]) + data, deadline)

    def receive(self, deadline: float) -> bytes:
        """Some bytes; none: the other side has ended it."""
        while True:
            message = self._socket.receive(deadline)
            if message is None:
                return b""
            if not message or message[0] not in (_DATA, _ERROR):
                raise GarbledError("a message on a channel that there is not")
            channel, data = message[0], message[1:]
            if channel not in self._greeted:
                self._greeted.add(channel)
                data = data[2:]
            if data and channel == _ERROR:
                raise ForwardError(clean(data.decode(errors="replace"), 300))
            if data:
                return data

    def close(self) -> None:
        self._socket.close()
